//! Dialogs: typing and choosing, and what follows from it.

use tui_input::InputRequest;

use super::{
    attributes, boards, commands, compare, connect, edit,
    effect::{Effect, Effects},
    files, find, goto, jobs, menu, palette, places, questions, removal, rename, signs, viewer, workspace,
};
use crate::{
    config::Change,
    engine::{Answer, Command},
    trust,
    ui::{
        action::Action,
        keymap::{Key, Mode},
        settings::Settings,
        sheet,
        state::{Asking, Deed, Field, Overlay, Question, SORTS, State, Typing, overlay::OVERTAKEN_ANSWERS},
    },
};

/// Takes the settings over as they were made of their files, and says what is wrong with those.
pub fn settings_at_start(state: &mut State, settings: Settings) {
    state.keymap = settings.keymap;
    state.theme = settings.theme.on(state.theme.clone());
    state.icons = settings.icons;
    state.verify = settings.verify;
    if !settings.problems.is_empty() {
        state.overlays.push(Overlay::Problems { lines: settings.problems, scroll: 0 });
    }
}

/// The scroll of a dialog that has one.
pub(super) fn scroll_mut(overlay: &mut Overlay) -> Option<&mut usize> {
    match overlay {
        Overlay::Help { scroll }
        | Overlay::Problems { scroll, .. }
        | Overlay::Told { scroll, .. }
        | Overlay::Explain { scroll, .. }
        | Overlay::Confirm { scroll, .. }
        | Overlay::Error { scroll, .. } => Some(scroll),
        Overlay::Properties(properties) => Some(&mut properties.scroll),
        Overlay::Summary(summary) => Some(&mut summary.scroll),
        Overlay::Output(output) => Some(&mut output.scroll),
        Overlay::Question(Question {
            ask:
                Asking::Host { scroll, .. } | Asking::Certificate { scroll, .. } | Asking::Secret { scroll, .. },
            ..
        }) => Some(scroll),
        _ => None,
    }
}

fn choice_mut(overlay: &mut Overlay) -> Option<&mut usize> {
    match overlay {
        Overlay::Confirm { choice, .. } | Overlay::Sort { choice, .. } => Some(choice),
        Overlay::Workspaces { choice } => Some(choice),
        Overlay::Menu(menu) => Some(&mut menu.choice),
        Overlay::Properties(properties) => Some(&mut properties.choice),
        Overlay::Summary(summary) => Some(&mut summary.choice),
        Overlay::Overtaken(overtaken) => Some(&mut overtaken.choice),
        Overlay::Question(Question {
            ask: Asking::Host { choice, .. } | Asking::Certificate { choice, .. },
            ..
        }) => Some(choice),
        _ => None,
    }
}

fn field_mut(state: &mut State) -> Option<&mut Field> {
    match state.overlays.last_mut()? {
        Overlay::Text { field, error, .. } => {
            // What is being changed is not what was wrong.
            *error = None;
            Some(field)
        }
        Overlay::Question(Question { ask: Asking::Secret { field, .. }, .. }) => Some(field),
        Overlay::Form(form) => form.field_mut(),
        _ => None,
    }
}

/// Typing, into the dialog's field or into the filter.
pub(super) fn edit(state: &mut State, request: InputRequest) {
    if boards::edit(state, request) {
    } else if let Some(field) = field_mut(state) {
        field.input.handle(request);
    } else if state.mode() == Mode::Palette {
        palette::edit(state, request);
    } else if state.mode() == Mode::Find {
        find::edit(state, request);
    } else if state.mode() == Mode::Rename {
        rename::edit(state, request);
    } else if state.mode() == Mode::Connect {
        connect::search(state, request);
    } else if state.filtering {
        let view = &mut state.active_mut().view;
        let mut input = tui_input::Input::new(view.listing.filter().to_owned());
        input.handle(request);
        view.keep_cursor(|listing| listing.set_filter(input.value()));
        // What one filters for is an entry, not the way up.
        if view.entry_index(view.cursor).is_none() {
            view.move_to(1);
        }
    }
}

/// A paste goes where typing goes; its line breaks are not meant as Enter.
pub(super) fn paste(state: &mut State, text: &str, fx: &mut Effects) {
    if field_mut(state).is_some()
        || state.filtering
        || boards::is_filtering(state)
        || matches!(state.mode(), Mode::Connect | Mode::Palette | Mode::Find | Mode::GoTo | Mode::Rename)
    {
        for c in text.trim_end_matches(['\r', '\n']).chars().filter(|c| !c.is_control()) {
            match state.mode() {
                Mode::GoTo => goto::edit(state, InputRequest::InsertChar(c), fx),
                _ => edit(state, InputRequest::InsertChar(c)),
            }
        }
    } else if state.mode() == Mode::Panes {
        signs::paste(state, text, fx);
    }
}

/// True if the action was one of the filter's.
pub(super) fn filter_action(state: &mut State, action: Action) -> bool {
    match action {
        Action::Accept => state.filtering = false,
        Action::Cancel => {
            state.filtering = false;
            state.active_mut().view.keep_cursor(|listing| listing.set_filter(""));
        }
        _ => return false,
    }
    true
}

/// A letter that stands on a button.
pub(super) fn letter(state: &mut State, key: Key, fx: &mut Effects) {
    if let Some(Overlay::Menu(_)) = state.overlay() {
        return menu::key(state, key, fx);
    }
    let (Some(c), Some(sheet)) = (key.typed(), sheet::sheet(state)) else { return };
    if let Some(Overlay::Permissions(permissions)) = state.overlays.last_mut() {
        return attributes::letter(permissions, c);
    }
    if let Some(at) = sheet.buttons.iter().position(|button| button.letter == c.to_ascii_lowercase()) {
        press(state, at, fx);
    }
}

/// A click on a field of the dialog.
pub(super) fn focus_field(state: &mut State, at: usize) {
    match state.overlay() {
        Some(Overlay::Find(_)) => find::focus_field(state, at),
        Some(Overlay::Rename(_)) => rename::focus_field(state, at),
        Some(Overlay::GoTo(_) | Overlay::Palette(_)) => {}
        _ => connect::focus_field(state, at),
    }
}

/// A click on a line of the dialog's list.
pub(super) fn click_line(state: &mut State, row: usize, fx: &mut Effects) {
    match state.overlay() {
        Some(Overlay::Find(_)) => find::click(state, row, fx),
        Some(Overlay::GoTo(_)) => goto::click(state, row, fx),
        _ => palette::run(state, row, fx),
    }
}

/// Presses the button in that place of the row.
pub(super) fn press(state: &mut State, at: usize, fx: &mut Effects) {
    if let Some(Overlay::Form(form)) = state.overlays.last_mut() {
        form.focus = form.slots().len() + at;
        connect::form_action(state, Action::Accept, fx);
    } else if let Some(Overlay::Menu(menu)) = state.overlays.last_mut() {
        menu.choice = menu.seen(state.size).start + at;
        accept(state, fx);
    } else if let Some(choice) = state.overlays.last_mut().and_then(choice_mut) {
        *choice = at;
        accept(state, fx);
    } else {
        // A dialog without choices has two buttons at most: to take it, and to leave it.
        on_action(state, if at == 0 { Action::Accept } else { Action::Cancel }, fx);
    }
}

pub(super) fn on_action(state: &mut State, action: Action, fx: &mut Effects) {
    let Some(sheet) = sheet::sheet(state) else { return };
    let page = usize::from(sheet.body.height).saturating_sub(1).max(1);
    let (buttons, columns) = (sheet.buttons.len(), sheet.stacked);
    let Some(overlay) = state.overlays.last_mut() else { return };
    if let Overlay::Permissions(permissions) = overlay
        && attributes::moved(permissions, action)
    {
        return;
    }
    // Where buttons stand one below the other, the arrows walk them.
    let action = match action {
        Action::Up if columns => Action::PreviousChoice,
        Action::Down if columns => Action::NextChoice,
        action => action,
    };
    let scrolled = |scroll: &mut usize| match action {
        Action::Up => *scroll = scroll.saturating_sub(1),
        Action::Down => *scroll = scroll.saturating_add(1),
        Action::PageUp => *scroll = scroll.saturating_sub(page),
        Action::PageDown => *scroll = scroll.saturating_add(page),
        Action::First => *scroll = 0,
        Action::Last => *scroll = usize::MAX,
        _ => {}
    };
    match action {
        Action::Accept => accept(state, fx),
        Action::Cancel => close(state, fx),
        Action::Select => {
            if let Overlay::Permissions(permissions) = overlay {
                attributes::letter(permissions, ' ');
            }
        }
        Action::NextChoice | Action::PreviousChoice => {
            let buttons = match overlay {
                Overlay::Menu(menu) => menu.actions.len(),
                _ => buttons,
            };
            if let Some(choice) = choice_mut(overlay)
                && buttons > 0
            {
                let step = if action == Action::NextChoice { 1 } else { buttons - 1 };
                *choice = (*choice + step) % buttons;
            }
        }
        _ => {
            if let Some(scroll) = scroll_mut(overlay) {
                scrolled(scroll);
            }
        }
    }
}

/// Esc: closes, and answers no where an answer is awaited.
pub(super) fn close(state: &mut State, fx: &mut Effects) {
    match state.overlays.pop() {
        Some(Overlay::Question(question)) => questions::refuse(&question, fx),
        // Nobody would see what comes of it.
        Some(Overlay::Properties(properties)) => attributes::give_up(&properties, fx),
        Some(Overlay::Output(output)) => commands::give_up(&output, fx),
        Some(Overlay::Overtaken(overtaken)) => edit::decide(state, *overtaken, None, fx),
        Some(Overlay::Confirm { deed, .. }) => removal::answered(state, &deed, fx),
        _ => {}
    }
}

/// Enter: takes what was typed or chosen.
fn accept(state: &mut State, fx: &mut Effects) {
    let accepted = state.overlays.pop();
    if let Some(Overlay::Confirm { deed, .. }) = &accepted {
        removal::answered(state, deed, fx);
    }
    match accepted {
        None => {}
        Some(Overlay::Text { typing, field, .. }) => typed(state, typing, field, fx),
        Some(Overlay::Confirm { deed, choice: 1, .. }) => match deed {
            Deed::Remove { items, name, .. } => {
                find::removed(state, &items);
                files::remove(state, items, name, fx);
            }
            Deed::RemoveBookmark { name } => fx.push(Effect::Keep(Change::Remove { name })),
            Deed::GoTo { side, text } => signs::go_to(state, side, &text, fx),
            Deed::Sync => compare::run(state, fx),
            Deed::Discard { id, job } => jobs::discard(state, id, job, fx),
            Deed::Import { programs } => {
                fx.extend(programs.into_iter().map(|program| Effect::Keep(Change::Import { program })));
            }
            Deed::Quit { .. } => leave(state, fx),
        },
        // The other button leaves everything as it is.
        Some(Overlay::Confirm { .. }) => {}
        Some(Overlay::Sort { side, choice }) => match SORTS.get(choice) {
            Some(key) => places::sort_by(state, side, *key),
            None => {
                let view = &mut state.pane_mut(side).view;
                let mut sort = view.listing.sort();
                sort.dirs_first = !sort.dirs_first;
                view.keep_cursor(|listing| listing.set_sort(sort));
            }
        },
        Some(Overlay::Workspaces { choice }) => workspace::chosen(state, choice, fx),
        Some(Overlay::Menu(menu)) => menu::chosen(state, &menu, fx),
        Some(Overlay::Question(question)) => answer(question, fx),
        Some(Overlay::Properties(properties)) => attributes::chosen(state, properties, fx),
        Some(Overlay::Summary(summary)) => attributes::summary_chosen(state, *summary),
        Some(Overlay::Permissions(permissions)) => attributes::set_mode(state, *permissions, fx),
        Some(Overlay::Output(output)) => commands::give_up(&output, fx),
        Some(Overlay::Overtaken(overtaken)) => {
            let how = OVERTAKEN_ANSWERS.get(overtaken.choice).copied();
            edit::decide(state, *overtaken, how, fx);
        }
        Some(
            Overlay::Form(_)
            | Overlay::Palette(_)
            | Overlay::Find(_)
            | Overlay::GoTo(_)
            | Overlay::Rename(_)
            | Overlay::Help { .. }
            | Overlay::Problems { .. }
            | Overlay::Told { .. }
            | Overlay::Tour
            | Overlay::Explain { .. }
            | Overlay::Details(_)
            | Overlay::Error { .. },
        ) => {}
    }
}

fn answer(question: Question, fx: &mut Effects) {
    let answer = match question.ask {
        Asking::Host { choice: 1, .. } | Asking::Certificate { choice: 1, .. } => {
            Answer::Trust(trust::Answer::Yes)
        }
        Asking::Host { .. } | Asking::Certificate { .. } => Answer::Trust(trust::Answer::No),
        Asking::Secret { field, .. } => {
            Answer::Trust(trust::Answer::Secret(field.input.value().to_owned().into()))
        }
        Asking::Conflicts(review) => Answer::Conflicts(Some(review.decisions())),
    };
    fx.push(Effect::Send(Command::Answer { question: question.id, answer }));
}

fn typed(state: &mut State, typing: Typing, field: Field, fx: &mut Effects) {
    let text = field.input.value().to_owned();
    let result = match &typing {
        Typing::NewFolder(parent) => files::create_dir(state, parent.clone(), &text, fx),
        Typing::Rename(from) => files::rename_one(state, from.clone(), &text, fx),
        Typing::NewFile(parent) => files::create_file(state, parent.clone(), &text, fx),
        Typing::Symlink(item) => files::link(state, item.clone(), &text, true, fx),
        Typing::HardLink(item) => files::link(state, item.clone(), &text, false, fx),
        Typing::Owner { items, name } => {
            attributes::set_owner(state, items.clone(), name.clone(), text.trim(), fx)
        }
        Typing::Time { items, name } => attributes::set_time(state, items.clone(), name.clone(), &text, fx),
        Typing::Command(dir) => commands::run(state, dir.clone(), text.trim(), fx),
        Typing::Pattern { side, select } => places::select_matching(state, *side, *select, &text),
        Typing::Workspace => workspace::save(state, text.trim(), fx),
        Typing::Search => viewer::search(state, &text, fx),
        Typing::Offset => viewer::go_to(state, text.trim()),
        Typing::Limit(job) => jobs::set_limit(state, *job, text.trim(), fx),
    };
    if let Err(error) = result {
        state.overlays.push(Overlay::Text { typing, field, error: Some(error) });
    }
}

/// Ends the program.
pub(super) fn leave(state: &mut State, fx: &mut Effects) {
    state.quitting = true;
    let session = workspace::current(state);
    if state.places.can_keep && !session.is_empty() {
        fx.push(Effect::Keep(Change::Session(session)));
    }
    fx.push(Effect::Quit);
}
