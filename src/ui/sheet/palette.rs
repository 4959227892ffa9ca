//! The command palette as a sheet: the line to type in, and below it what was found, each with
//! its key and its group. Pure.

use ratatui::layout::Rect;

use super::{Line, Piece, Row, Sheet, centred, frame_width, inside, place_field, room};
use crate::ui::{
    action::{Action, Info},
    state::{Field, Palette, State},
    text,
    theme::Role,
};

/// How wide it would like to be, in columns.
const WIDTH: u16 = 84;
/// Columns of the name, and of the keys where there is room for them.
const NAME: usize = 14;
const KEYS: usize = 10;
/// Its frame, the line to type in and what separates it from the list, in rows.
const AROUND: u16 = 4;

pub(super) fn place(state: &State, palette: &Palette) -> Sheet {
    let height = room(state.size).height;
    let width = frame_width(state.size, WIDTH);
    // As many rows as there are actions, whatever is found: a list that jumps is hard to read.
    let wanted = u16::try_from(Action::all().len()).unwrap_or(u16::MAX).saturating_add(AROUND);
    let most = if height >= 20 { height.saturating_sub(6) } else { height };
    let area = centred(room(state.size), width, wanted.min(most));
    let inner = inside(area, 0);
    let gap = u16::from(inner.height >= 8);
    let field_area = Rect { height: inner.height.min(1), ..inner };
    let top = (1 + gap).min(inner.height);
    let body = Rect { y: inner.y + top, height: inner.height - top, ..inner };
    let lines: Vec<Line> = if palette.found.is_empty() {
        vec![vec![Piece(Role::Faint, "no command matches".to_owned())]]
    } else {
        let row = |action: &Action| Some(line(state, action.info()?, usize::from(body.width)));
        palette.found.iter().filter_map(row).collect()
    };
    let rows = usize::from(body.height);
    let last = lines.len().saturating_sub(rows);
    let field = Field { input: palette.input.clone(), masked: false };
    let typed = place_field(field_area, &field);
    let (role, shown) = match palette.input.value() {
        "" => (Role::Faint, "part of a name".to_owned()),
        _ => (Role::Text, typed.shown),
    };
    let row = Row { slot: 0, label: "", area: field_area, value: field_area, shown, role, has_focus: true };
    Sheet {
        title: "Commands (• can be used now)".to_owned(),
        danger: false,
        area,
        body,
        scroll: palette.cursor.saturating_sub(rows / 2).min(last),
        chosen: (!palette.found.is_empty()).then_some(palette.cursor),
        lines,
        field: None,
        error: Vec::new(),
        error_area: Rect::default(),
        buttons: Vec::new(),
        stacked: false,
        rows: vec![row],
        more: (0, 0),
        typing_at: Some(typed.cursor),
        window: None,
        notes: Vec::new(),
    }
}

/// As many keys as fit, each of them whole where there is one that is.
fn whole(keys: &[String]) -> String {
    let fits = |count: &usize| text::width(&keys[..*count].join(" ")) <= KEYS;
    match (1..=keys.len()).rev().find(fits) {
        Some(count) => keys[..count].join(" "),
        None => text::cut(&keys.join(" "), KEYS),
    }
}

/// The mark of what applies now, name, what it does, group and key, as many as fit.
fn line(state: &State, info: &Info, columns: usize) -> Line {
    let applies = state.applies(info.action);
    let look = |role: Role| if applies { role } else { Role::Faint };
    let keys: Vec<String> = state.keymap.all_keys(info.action).iter().map(ToString::to_string).collect();
    let keys = whole(&keys);
    // A mark as well as a colour says what would do something now.
    let mark = if applies { "• " } else { "  " };
    let group = if columns >= 74 { info.group.title() } else { "" };
    let beside = if group.is_empty() { 0 } else { 18 };
    let keys = format!("{}{keys}", " ".repeat(KEYS - text::width(&keys).min(KEYS)));
    let help = columns.saturating_sub(2 + NAME + 1 + beside + KEYS + 1);
    if help < 16 {
        // Two words of a sentence say nothing; the name says what it is.
        let name = text::pad(info.name, columns.saturating_sub(2 + 1 + KEYS));
        return vec![
            Piece(look(Role::Good), mark.to_owned()),
            Piece(look(Role::Text), format!("{name} ")),
            Piece(look(Role::Accent), keys),
        ];
    }
    vec![
        Piece(look(Role::Good), mark.to_owned()),
        Piece(look(Role::Text), format!("{} ", text::pad(info.name, NAME))),
        Piece(look(Role::Soft), format!("{} ", text::pad(info.help, help))),
        Piece(Role::Faint, text::pad(group, beside)),
        Piece(look(Role::Accent), keys),
    ]
}
