//! The page of keys: those of where the person is, then all others. Pure; made from the actions and
//! the table of keys, so that it cannot lie.

use super::{Content, Line, Piece, content::content, parts::line};
use crate::ui::{
    action::{Action, Group},
    keymap::{Chord, Mode},
    state::{Overlay, State},
    text,
    theme::Role,
};

pub(super) fn help(state: &State, scroll: usize) -> Content {
    let written = |keys: &[Chord]| keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let mut sections: Vec<(String, Vec<(String, String)>)> = Vec::new();
    let mode = state.mode_behind();
    let mut told: Vec<(Action, Vec<Chord>)> = Vec::new();
    if let Some(title) = mode.title() {
        let mut here = state.keymap.help(mode);
        let behind = state.behind();
        // Of all dialogs only this one has something to tick.
        let ticks = matches!(behind, Some(Overlay::Permissions(_)));
        here.retain(|(_, action, _)| mode != Mode::Choice || *action != Action::Select || ticks);
        // Nobody asks first how to go one row up.
        here.sort_by_key(|(_, action, _)| action.info().is_some_and(|info| info.group == Group::Moving));
        // Where one is needs not be said again.
        let here_does = |does: &'static str| match does.split_once(": ") {
            Some((place, does)) if place.starts_with("in the ") => does,
            _ => does,
        };
        let rows = here.iter().map(|(keys, _, does)| (written(keys), here_does(does).to_owned()));
        let rows = letters(state, behind).into_iter().chain(rows).collect();
        sections.push((format!("Here, {title}"), rows));
        told = here.into_iter().map(|(keys, action, _)| (action, keys)).collect();
    }
    let elsewhere = if sections.is_empty() { "" } else { "Elsewhere: " };
    for group in Group::ALL {
        let rows: Vec<(String, String)> = Action::all()
            .iter()
            .filter(|info| info.group == group)
            .map(|info| (info, state.keymap.all_keys(info.action)))
            .filter(|(info, keys)| !told.iter().any(|(action, here)| (*action, here) == (info.action, keys)))
            .map(|(info, keys)| (written(&keys), info.help.to_owned()))
            .collect();
        if !rows.is_empty() {
            sections.push((format!("{elsewhere}{}", group.title()), rows));
        }
    }
    let most = if state.size.width < 60 { 11 } else { 20 };
    let all_rows = sections.iter().flat_map(|(_, rows)| rows);
    let widest = all_rows.map(|(keys, _)| text::width(keys)).max().unwrap_or(0).min(most);
    let mut lines = Vec::new();
    for (title, rows) in sections {
        if !lines.is_empty() {
            lines.push(Line::new());
        }
        lines.push(line(Role::Title, title));
        lines.extend(rows.into_iter().map(|(keys, does)| {
            vec![Piece(Role::Accent, text::pad(&keys, widest)), Piece(Role::Text, format!("  {does}"))]
        }));
    }
    Content { title: "Keys".to_owned(), lines, scroll, width: 84, ..Content::default() }
}

/// The letters of a dialog's buttons, each with what its button says.
fn letters(state: &State, behind: Option<&Overlay>) -> Vec<(String, String)> {
    let Some(behind) = behind.filter(|overlay| !matches!(overlay, Overlay::Menu(_))) else {
        return Vec::new();
    };
    let buttons = content(state, behind, usize::from(state.size.width)).buttons;
    let named = buttons.into_iter().filter(|(_, letter, _)| letter.is_ascii_graphic());
    named
        .map(|(label, letter, _)| {
            let mark = format!("{letter}  ");
            let name = label.split_once(&mark).map_or(label.as_str(), |(_, name)| name).trim();
            (letter.to_string(), name.to_lowercase())
        })
        .collect()
}
