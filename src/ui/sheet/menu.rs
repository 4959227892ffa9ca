//! The menu of a row: small, and beside the pointer.

use ratatui::layout::{Rect, Size};

use super::{Content, Sheet};
use crate::ui::{
    action::Action,
    keymap::Mode,
    state::{Menu, State},
    text,
};

pub(super) fn menu(state: &State, menu: &Menu) -> Content {
    let seen = menu.seen(state.size);
    let (above, below) = (seen.start > 0, seen.end < menu.actions.len());
    let rows: Vec<(String, &str)> = menu
        .actions
        .get(seen.clone())
        .unwrap_or_default()
        .iter()
        .map(|action| {
            let key = state.keymap.keys(Mode::Panes, *action).first().map(ToString::to_string);
            (key.unwrap_or_default(), name(*action))
        })
        .collect();
    let widest = rows.iter().map(|(key, _)| text::width(key)).max().unwrap_or(0);
    // Keys are looked up as in the panes: no letter of its own.
    let buttons =
        rows.iter().map(|(key, name)| (format!("{}  {name}", text::pad(key, widest)), '\0', false)).collect();
    let more = match (above, below) {
        (true, true) => " ↕",
        (true, false) => " ↑",
        (false, true) => " ↓",
        (false, false) => "",
    };
    Content {
        title: format!("{}{more}", text::cut_middle(&menu.name, 22)),
        buttons,
        choice: menu.choice - seen.start,
        stacked: true,
        width: 30,
        ..Content::default()
    }
}

/// Alone in a menu some need a word more than in the footer.
fn name(action: Action) -> &'static str {
    match action {
        Action::NewFolder => "New folder",
        Action::Drop => "Drop here",
        Action::RunCommand => "Run a command",
        Action::Hidden => "Hidden names",
        Action::Connect => "Bookmarks",
        action => action.info().map_or("", |info| info.name),
    }
}

/// Moves a sheet to where it was asked for, as far as it fits there.
pub(super) fn at_pointer(size: Size, mut sheet: Sheet, (x, y): (u16, u16)) -> Sheet {
    let footer = u16::from(size.height > 6);
    let x = x.min(size.width.saturating_sub(sheet.area.width));
    let y = y.min(size.height.saturating_sub(sheet.area.height.saturating_add(footer)));
    let from = sheet.area;
    let shift = |area: Rect| Rect {
        x: (area.x + x).saturating_sub(from.x),
        y: (area.y + y).saturating_sub(from.y),
        ..area
    };
    for area in [&mut sheet.area, &mut sheet.body, &mut sheet.error_area] {
        *area = shift(*area);
    }
    for button in &mut sheet.buttons {
        button.area = shift(button.area);
    }
    sheet
}
