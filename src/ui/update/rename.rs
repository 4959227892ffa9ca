//! Renaming several items by a pattern: typing the recipe, and handing the names on. Nothing is
//! renamed while a name cannot be given.

use tui_input::InputRequest;

use super::{
    effect::{Effect, Effects},
    files,
};
use crate::{
    engine::Command,
    fs::Location,
    ui::{
        action::Action,
        keymap::{self, Key},
        sheet,
        state::{Overlay, Rename, State, Work, rename::FIELDS},
    },
    words::{self, Zone},
};

/// Opens the dialog for what is selected.
pub(super) fn open(state: &mut State, folder: Location) {
    let view = &state.active().view;
    let entries = view.targets().into_iter().map(|item| item.entry.clone()).collect();
    let names = view.listing.all().map(|item| item.entry.name.clone()).collect();
    let utc = state.zone == Zone::Utc;
    state.notice = None;
    state.overlays.push(Overlay::Rename(Box::new(Rename::new(folder, entries, names, utc))));
}

fn rename_mut(state: &mut State) -> Option<&mut Rename> {
    match state.overlays.last_mut()? {
        Overlay::Rename(rename) => Some(rename),
        _ => None,
    }
}

pub(super) fn key(state: &mut State, key: Key) {
    if let Some(request) = keymap::edit(key) {
        edit(state, request);
    }
}

pub(super) fn edit(state: &mut State, request: InputRequest) {
    use InputRequest::{GoToNextChar, GoToPrevChar, InsertChar};
    let Some(rename) = rename_mut(state) else { return };
    match (rename.focus, request) {
        (3, GoToNextChar | GoToPrevChar | InsertChar(' ')) => rename.is_regex = !rename.is_regex,
        (4, GoToNextChar | InsertChar(' ')) => rename.change_letters(true),
        (4, GoToPrevChar) => rename.change_letters(false),
        (_, request) => {
            if let Some(field) = rename.field_mut() {
                field.input.handle(request);
            }
        }
    }
    rename.make();
}

/// A click on a field.
pub(super) fn focus_field(state: &mut State, at: usize) {
    let Some(rename) = rename_mut(state) else { return };
    rename.focus = at;
    match at {
        3 => rename.is_regex = !rename.is_regex,
        4 => rename.change_letters(true),
        _ => return,
    }
    rename.make();
}

pub(super) fn on_action(state: &mut State, action: Action, fx: &mut Effects) {
    let sheet = sheet::sheet(state);
    let page = sheet.as_ref().map_or(1, |sheet| usize::from(sheet.body.height).saturating_sub(1)).max(1);
    let last = sheet.map_or(0, |sheet| sheet.last_scroll());
    let Some(rename) = rename_mut(state) else { return };
    match action {
        Action::NextChoice => rename.focus = (rename.focus + 1) % FIELDS,
        Action::PreviousChoice => rename.focus = (rename.focus + FIELDS - 1) % FIELDS,
        Action::Up => rename.scroll = rename.scroll.min(last).saturating_sub(1),
        Action::Down => rename.scroll = (rename.scroll + 1).min(last),
        Action::PageUp => rename.scroll = rename.scroll.min(last).saturating_sub(page),
        Action::PageDown => rename.scroll = (rename.scroll + page).min(last),
        Action::Accept => accept(state, fx),
        Action::Cancel => {
            state.overlays.pop();
        }
        _ => {}
    }
}

fn accept(state: &mut State, fx: &mut Effects) {
    let Some(rename) = rename_mut(state) else { return };
    let (changing, problems) = rename.counts();
    let Ok(made) = &rename.made else { return };
    if problems > 0 {
        // The first of them into sight.
        rename.scroll = made.iter().position(|one| one.problem.is_some()).unwrap_or(0);
        return;
    }
    let folder = rename.folder.clone();
    let names: Vec<_> =
        made.iter().filter(|one| one.changes()).map(|one| (one.from.clone(), one.to.clone())).collect();
    state.overlays.pop();
    if names.is_empty() {
        return state.hint("No name would change.");
    }
    let job = state.fresh_job();
    let name = words::plural(changing as u64, "item", "items");
    state.transfers.jobs.push(files::transfer(job, Work::Rename, name, String::new(), vec![folder.clone()]));
    fx.push(Effect::Send(Command::RenameAll { job, folder, names }));
}
