//! What is kept between runs, taken in by the connect screen, and what other programs keep. Must
//! touch no file.

use super::refresh;
use crate::{
    config::{Importable, Imported, Kept, Made, Program},
    ui::{
        action::Action,
        state::{Choice, Deed, Overlay, State, Tone, connect::Line},
    },
    words,
};

/// Takes in what was kept when the program started.
pub fn kept_at_start(state: &mut State, kept: Kept) {
    let warnings = kept.warnings.clone();
    let is_broken = kept.error.is_some();
    // Later on this run knows it better: what it has gone to may not be written yet.
    state.gone.clone_from(&kept.gone);
    on_kept(state, Kept { warnings: Vec::new(), ..kept });
    if let Some(first) = warnings.first().filter(|_| !is_broken) {
        let more = match warnings.len() - 1 {
            0 => String::new(),
            more => format!(" (and {more} more: `wharf bookmark list` tells them)"),
        };
        state.hint(format!("{}{more}.", words::escape(first)));
    }
}

/// What is kept, after a change.
pub(in crate::ui::update) fn on_kept(state: &mut State, kept: Kept) {
    let places = &mut state.places;
    places.recent = kept.recent;
    places.workspaces = kept.workspaces;
    places.session = kept.session;
    if let Some(importable) = kept.importable {
        places.importable = importable;
    }
    if kept.error.is_none() {
        // What was read before stays in sight while the file cannot be read.
        places.bookmarks = kept.bookmarks;
    }
    let was_broken = places.error.is_some();
    places.error = kept.error;
    if let Some(error) = places.error.clone().filter(|_| !was_broken) {
        state.say(Tone::Bad, words::error(&error).to_string());
    }
    refresh(state);
    let saving = state.overlays.iter().rposition(|o| matches!(o, Overlay::Form(form) if form.saving));
    if let Some(error) = kept.failed {
        let words = words::error(&error);
        match saving.and_then(|at| state.overlays.get_mut(at)) {
            Some(Overlay::Form(form)) => {
                form.saving = false;
                form.error = Some(format!("{}. {}", words::capital(&words.said), words.advice));
            }
            _ => state.say(Tone::Bad, words.to_string()),
        }
        return;
    }
    match kept.made {
        None => {}
        Some(Made::Workspace(name)) => {
            let keys = state.keymap.all_keys(Action::OpenWorkspace);
            let key = keys.first().map(|key| format!(" {key} opens it again.")).unwrap_or_default();
            state.say(Tone::Good, format!("The workspace {} is saved.{key}", words::escape(&name)));
        }
        Some(Made::Imported(imported)) => tell_import(state, &imported),
        Some(Made::Removed(name)) => {
            state.say(Tone::Good, format!("The bookmark {} is removed.", words::escape(&name)));
        }
        Some(Made::Saved(name)) => {
            if let Some(at) = saving {
                state.overlays.remove(at);
            }
            let mut text = format!("The bookmark {} is saved.", words::escape(&name));
            // It is saved all the same.
            let tone = if kept.warnings.is_empty() { Tone::Good } else { Tone::Plain };
            put_cursor_on(state, &name);
            for warning in &kept.warnings {
                text.push_str(&format!(" {warning}"));
            }
            state.say(tone, text);
        }
    }
}

/// What was saved is what is connected to next.
fn put_cursor_on(state: &mut State, name: &str) {
    let Some(saved) = state.places.bookmarks.iter().position(|bookmark| bookmark.name == name) else {
        return;
    };
    if let Some(chooser) = &mut state.active_mut().chooser {
        let wanted = Line::Choice(Choice::Bookmark(saved));
        if let Some(at) = chooser.lines.iter().position(|line| *line == wanted) {
            chooser.move_to(at);
            chooser.moved = true;
        }
    }
}

/// In the status line where that is all, else in a dialog.
fn tell_import(state: &mut State, imported: &Imported) {
    let said = imported.said(false);
    match &said[..] {
        [only] => state.say(Tone::Good, words::escape(only)),
        _ => {
            state.notice = None;
            let title = format!("Import from {}", imported.program.name());
            state.overlays.push(Overlay::Told { title, lines: said, scroll: 0 });
        }
    }
}

/// Asks before other programs' sites become bookmarks: all that are found, or one program's.
pub(super) fn ask_import(state: &mut State, only: Option<Program>) {
    if !state.places.can_keep {
        return state.hint("Bookmarks are not kept here.");
    }
    let wanted = |found: &&Importable| only.is_none_or(|program| found.program == program);
    let found: Vec<Importable> = state.places.importable.iter().filter(wanted).copied().collect();
    if found.is_empty() {
        return state.hint(
            "No sites of FileZilla or WinSCP are found that are no bookmarks yet; \
             `wharf bookmark import FILE` reads others.",
        );
    }
    let mut lines: Vec<String> = found.iter().map(|found| format!("{}.", import_name(found))).collect();
    lines.push("They become bookmarks, in their folders. Passwords are not taken along.".to_owned());
    let programs = found.iter().map(|found| found.program).collect();
    state.overlays.push(Overlay::Confirm { deed: Deed::Import { programs }, lines, choice: 0, scroll: 0 });
}

/// `14 sites of FileZilla`.
pub(in crate::ui) fn import_name(found: &Importable) -> String {
    format!("{} of {}", words::plural(found.sites as u64, "site", "sites"), found.program.name())
}
