//! Dialogs as sheets: what each one says, and where on the screen its parts stand, for drawing
//! and for the mouse alike. Pure; what is said is in `sheet::content`, and of files in
//! `sheet::files`.

mod content;
mod files;
mod find;
mod form;
mod goto;
mod help;
pub(in crate::ui) mod identity;
mod menu;
mod palette;
mod parts;
mod rename;

use ratatui::layout::{Rect, Size};

use super::{
    layout::board,
    state::{Field, Overlay, State},
    text,
    theme::Role,
};
use crate::words;

/// A stretch of a line with one look. The text is escaped already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece(pub Role, pub String);

/// A line of a sheet's body.
pub type Line = Vec<Piece>;

/// A button, where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Button {
    pub label: String,
    /// The letter that presses it, which is also its mark in front of the label.
    pub letter: char,
    pub chosen: bool,
    pub danger: bool,
    pub area: Rect,
}

/// A field, as much of it as is seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typed {
    pub area: Rect,
    pub shown: String,
    /// The column of the cursor on the screen.
    pub cursor: u16,
}

/// A field of a form, with its label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which of the form's fields.
    pub slot: usize,
    pub label: &'static str,
    /// Label and value.
    pub area: Rect,
    pub value: Rect,
    pub shown: String,
    pub role: Role,
    pub has_focus: bool,
}

/// A dialog, laid out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sheet {
    pub title: String,
    pub danger: bool,
    pub area: Rect,
    pub body: Rect,
    pub lines: Vec<Line>,
    pub scroll: usize,
    pub field: Option<Typed>,
    /// Why what was typed will not do: between field and buttons.
    pub error: Vec<String>,
    pub error_area: Rect,
    pub buttons: Vec<Button>,
    /// The buttons stand one below the other.
    pub stacked: bool,
    /// The fields of a form that are seen; empty in every other dialog.
    pub rows: Vec<Row>,
    /// The first of a form's fields that is seen, and how many there are.
    pub more: (usize, usize),
    /// The column of the cursor in the form's field that has the focus.
    pub typing_at: Option<u16>,
    /// The line that Enter takes, in a list to choose from.
    pub chosen: Option<usize>,
    /// Where `lines` is only the part of a long list that is seen: the place of its first line
    /// in the list, and how many lines that has.
    pub window: Option<(usize, usize)>,
    /// Lines that stand elsewhere than in the body.
    pub notes: Vec<(Rect, Line)>,
}

impl Sheet {
    /// The furthest that the body can be scrolled.
    pub fn last_scroll(&self) -> usize {
        if let Some((_, count)) = self.window {
            return count.saturating_sub(usize::from(self.body.height));
        }
        self.lines.len().saturating_sub(usize::from(self.body.height))
    }
}

/// What a dialog consists of, before it has a place.
#[derive(Clone, Debug, Default)]
struct Content {
    title: String,
    /// Wrapped to the width, unless `verbatim`.
    lines: Vec<Line>,
    /// Drawn as they are: tables and pictures.
    picture: Vec<Line>,
    field: Option<Field>,
    error: Option<String>,
    /// Label, letter, whether it is the dangerous one.
    buttons: Vec<(String, char, bool)>,
    choice: usize,
    scroll: usize,
    stacked: bool,
    danger: bool,
    /// How wide it would like to be.
    width: u16,
}

/// The open dialog, laid out; `None` where there is none.
pub fn sheet(state: &State) -> Option<Sheet> {
    if let Overlay::Form(form) = state.overlay()? {
        return Some(form::place(state, form));
    }
    if matches!(state.overlay()?, Overlay::Tour) {
        // It stands on the screen itself.
        return None;
    }
    if let Overlay::Palette(palette) = state.overlay()? {
        return Some(palette::place(state, palette));
    }
    // They are screens of their own.
    if board::is_in_front(state) {
        return None;
    }
    if let Overlay::Rename(rename) = state.overlay()? {
        return Some(rename::place(state, rename));
    }
    if let Overlay::GoTo(goto) = state.overlay()? {
        return Some(goto::place(state, goto));
    }
    if let Overlay::Find(find) = state.overlay()? {
        return Some(find::place(state, find));
    }
    let room = usize::from(frame_width(state.size, u16::MAX)).saturating_sub(6).max(1);
    let content = content::content(state, state.overlay()?, room);
    let sheet = place(state.size, content);
    Some(match state.overlay()? {
        Overlay::Menu(asked) => menu::at_pointer(state.size, sheet, asked.at),
        _ => sheet,
    })
}

/// Where sheets may be: the footer's hints stay in sight.
fn room(size: Size) -> Size {
    Size { height: size.height.saturating_sub(u16::from(size.height > 6)), ..size }
}

fn centred(room: Size, width: u16, height: u16) -> Rect {
    let (x, y) = (room.width.saturating_sub(width) / 2, room.height.saturating_sub(height) / 2);
    Rect { x, y, width, height }
}

/// What is inside a sheet's border, with air at its sides and `gap` rows of it above.
fn inside(area: Rect, gap: u16) -> Rect {
    let inner = Rect {
        x: area.x.saturating_add(3),
        y: area.y.saturating_add(1 + gap),
        width: area.width.saturating_sub(6),
        height: area.height.saturating_sub(2 + gap),
    };
    inner.intersection(area)
}

/// Hands out the rows of an area from the top, as far as there are any.
fn cut(area: Rect) -> impl FnMut(u16) -> Rect {
    let mut y = area.y;
    move |rows| {
        let top = y.min(area.bottom());
        let taken = Rect { y: top, height: rows.min(area.bottom() - top), ..area };
        y = top + taken.height;
        taken
    }
}

/// A sentence in at most so many lines; where it is longer, the last one says so.
fn told(said: &str, columns: usize, most: usize) -> Vec<String> {
    text::wrap_cut(said, columns, most.max(1))
}

fn frame_width(size: Size, wanted: u16) -> u16 {
    let margin = if size.width >= 60 { 4 } else { 0 };
    wanted.min(size.width.saturating_sub(margin))
}

fn place(size: Size, content: Content) -> Sheet {
    let size = room(size);
    let width = frame_width(size, content.width.max(30));
    let inner = width.saturating_sub(6);
    let columns = usize::from(inner).max(1);
    let mut lines: Vec<Line> = content.lines.iter().flat_map(|line| wrap_line(line, columns)).collect();
    lines.extend(content.picture);
    let error: Vec<String> = content.error.iter().flat_map(|error| text::wrap(error, columns)).collect();
    let mut labels: Vec<String> = content.buttons.iter().map(|(label, ..)| format!(" {label} ")).collect();
    let in_row = |labels: &[String], between: usize| -> usize {
        labels.iter().map(|label| text::width(label) + between).sum::<usize>().saturating_sub(between)
    };
    // Buttons that do not fit beside each other stand one below the other.
    let between = if in_row(&labels, 2) > columns { 1 } else { 2 };
    let used = in_row(&labels, between);
    // The blank behind the last one is none that is needed.
    let stacked = content.stacked || used > columns + 1;
    if let Some(last) = labels.last_mut().filter(|_| !stacked && used > columns) {
        last.pop();
    }
    let beside = (!stacked).then_some(u16::try_from(between).unwrap_or(0));
    let of = |count: usize| u16::try_from(count).unwrap_or(u16::MAX);
    let gap = u16::from(size.height >= 14);
    let button_rows = if labels.is_empty() {
        0
    } else if stacked {
        of(labels.len())
    } else {
        1
    };
    let field_rows = u16::from(content.field.is_some());
    let error_rows = of(error.len());
    let gaps = gap
        * (u16::from(field_rows > 0 && !lines.is_empty())
            + u16::from(error_rows > 0)
            + u16::from(button_rows > 0 && (!lines.is_empty() || field_rows > 0)));
    let fixed = 2 + 2 * gap + field_rows + error_rows + gaps + button_rows;
    let body_height = of(lines.len()).min(size.height.saturating_sub(fixed));
    let height = fixed.saturating_add(body_height).min(size.height);
    let area = Rect {
        x: (size.width - width.min(size.width)) / 2,
        y: (size.height - height) / 2,
        width: width.min(size.width),
        height,
    };
    let bottom = area.bottom().saturating_sub(1);
    let mut y = area.y.saturating_add(1 + gap);
    let mut take = |rows: u16, then_gap: bool| {
        let top = y.min(bottom);
        let taken = Rect {
            x: area.x.saturating_add(3),
            y: top,
            width: inner,
            height: rows.min(bottom.saturating_sub(top)),
        };
        y = y.saturating_add(rows + if then_gap && rows > 0 { gap } else { 0 });
        taken.intersection(area)
    };
    let body = take(body_height, true);
    let field_area = take(field_rows, true);
    let error_area = take(error_rows, true);
    let button_area = take(button_rows, false);
    let buttons = place_buttons(button_area, beside, &content.buttons, &labels, content.choice);
    let field = content.field.map(|field| place_field(field_area, &field));
    let last = lines.len().saturating_sub(usize::from(body.height));
    Sheet {
        title: content.title,
        danger: content.danger,
        area,
        body,
        lines,
        scroll: content.scroll.min(last),
        field,
        error,
        error_area,
        buttons,
        stacked,
        rows: Vec::new(),
        more: (0, 0),
        typing_at: None,
        chosen: None,
        window: None,
        notes: Vec::new(),
    }
}

/// Beside each other with so many columns between them, or one below the other.
fn place_buttons(
    area: Rect,
    beside: Option<u16>,
    buttons: &[(String, char, bool)],
    labels: &[String],
    choice: usize,
) -> Vec<Button> {
    let mut x = area.x;
    let mut y = area.y;
    let mut out = Vec::new();
    for (at, ((_, letter, danger), label)) in buttons.iter().zip(labels).enumerate() {
        let own = u16::try_from(text::width(label)).unwrap_or(u16::MAX);
        let width = if beside.is_some() { own } else { area.width };
        let button = Rect { x, y, width, height: 1 }.intersection(area);
        out.push(Button {
            label: label.clone(),
            letter: *letter,
            chosen: at == choice,
            danger: *danger,
            area: button,
        });
        match beside {
            Some(between) => x = x.saturating_add(width).saturating_add(between),
            None => y = y.saturating_add(1),
        }
    }
    out
}

/// Shows the part of the text around the cursor.
fn place_field(area: Rect, field: &Field) -> Typed {
    let (value, at) = (field.input.value(), field.input.cursor());
    let show = |part: &str| {
        if field.masked { "•".repeat(part.chars().count()) } else { words::escape(part).into_owned() }
    };
    let cut = value.char_indices().nth(at).map_or(value.len(), |(byte, _)| byte);
    let before = show(value.get(..cut).unwrap_or_default());
    let after = show(value.get(cut..).unwrap_or_default());
    let columns = usize::from(area.width);
    // One cell is left for the cursor behind the last character; a cut on either side is marked.
    let start = text::cut_start(&before, columns.saturating_sub(1));
    let used = text::width(&start);
    let shown = format!("{start}{}", text::cut(&after, columns.saturating_sub(used)));
    let cursor = area.x.saturating_add(u16::try_from(used).unwrap_or(u16::MAX));
    Typed { area, shown, cursor }
}

/// Wraps a line; one with several looks is wrapped as a whole only if it must be.
fn wrap_line(line: &Line, columns: usize) -> Vec<Line> {
    let whole: usize = line.iter().map(|piece| text::width(&piece.1)).sum();
    if whole <= columns {
        return vec![line.clone()];
    }
    let mut out: Vec<Line> = Vec::new();
    let mut open: Line = Vec::new();
    let mut used = 0;
    for Piece(role, content) in line {
        let width = text::width(content);
        if used + width <= columns {
            open.push(Piece(*role, content.clone()));
            used += width;
            continue;
        }
        if used > 0 && used <= 24 && columns >= used + 16 {
            // A label in front: what follows hangs behind it.
            for (at, part) in text::wrap(content, columns - used).into_iter().enumerate() {
                if at > 0 {
                    out.push(std::mem::take(&mut open));
                    open.push(Piece(Role::Text, " ".repeat(used)));
                }
                open.push(Piece(*role, part));
            }
            out.push(std::mem::take(&mut open));
        } else {
            if !open.is_empty() {
                out.push(std::mem::take(&mut open));
            }
            out.extend(text::wrap(content, columns).into_iter().map(|part| vec![Piece(*role, part)]));
        }
        used = 0;
    }
    if !open.is_empty() {
        out.push(open);
    }
    out
}
