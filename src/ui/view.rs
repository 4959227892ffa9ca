//! Draws the state. Must change nothing and decide nothing: where things are is `layout`'s and
//! `sheet`'s to say, what they are called that of `words`.

mod board;
mod compare;
mod connect;
mod details;
mod dialog;
mod drag;
mod log;
mod pane;
mod parts;
mod review;
mod status;
mod tour;
mod transfers;
mod viewer;

use ratatui::{
    Frame,
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
};

use super::{
    layout::{self, Areas, PanelAreas, TABS, board::Shown},
    sheet,
    state::{Overlay, Panel, Side, State},
    text,
    theme::{Role, Theme},
};

/// Draws everything.
pub fn draw(frame: &mut Frame<'_>, state: &State) {
    let areas = layout::layout(state.size, state);
    let cursor = {
        let mut pen = Pen { theme: &state.theme, buffer: frame.buffer_mut() };
        screen(&mut pen, state, &areas)
    };
    if let Some(cursor) = cursor.filter(|at| frame.area().contains(*at)) {
        frame.set_cursor_position(cursor);
    }
}

/// Returns where the terminal's cursor belongs.
fn screen(pen: &mut Pen<'_>, state: &State, areas: &Areas) -> Option<Position> {
    if let Some(title) = areas.title {
        status::title(pen, state, title);
    }
    let mut cursor = None;
    for side in Side::BOTH {
        if let Some(pane) = areas.pane(side) {
            cursor = pane::draw(pen, state, side, pane).or(cursor);
        }
    }
    if let Some(shown) = &state.viewer {
        pen.clear(layout::viewer(areas).0);
        viewer::draw(pen, state, shown, areas);
        cursor = None;
    } else if let (Some(panel), Some(shown)) = (&areas.panel, state.panel) {
        panel_frame(pen, state, panel, shown);
        match shown {
            Panel::Transfers => transfers::draw(pen, state, panel),
            Panel::Log => log::draw(pen, state, panel),
        }
    }
    if let Some(shown) = layout::board::shown(state) {
        long_list(pen, state, areas, &shown);
        cursor = None;
    }
    drag::target(pen, state, areas);
    status::status(pen, state, areas);
    status::hints(pen, state, areas.hints);
    if let Some(sheet) = sheet::sheet(state) {
        cursor = dialog::draw(pen, &sheet);
    }
    drag::label(pen, state, areas);
    if let Some(Overlay::Tour) = state.overlay() {
        tour::draw(pen, state, areas);
        cursor = None;
    }
    cursor
}

fn long_list(pen: &mut Pen<'_>, state: &State, areas: &Areas, shown: &Shown<'_>) {
    let board = layout::board::board(areas, state);
    pen.clear(board.outer);
    pen.frame(board.outer, Role::BorderActive);
    match shown {
        Shown::Review(shown) => review::draw(pen, state, shown, &board),
        Shown::Compare(shown) => compare::draw(pen, state, shown, &board),
        Shown::Details(shown) => details::draw(pen, state, shown, &board),
    }
    let (count, place) = shown.rows(state);
    board::thumb(pen, &board, count, place.top);
}

fn panel_frame(pen: &mut Pen<'_>, state: &State, areas: &PanelAreas, shown: Panel) {
    pen.frame(areas.outer, if state.in_panel { Role::BorderActive } else { Role::Border });
    let look = |panel| match (panel == shown, state.in_panel) {
        (true, true) => Role::Title,
        (true, false) => Role::Text,
        (false, _) => Role::Faint,
    };
    for (area, name, panel) in
        [(areas.transfers_tab, TABS.0, Panel::Transfers), (areas.log_tab, TABS.1, Panel::Log)]
    {
        let mark = if state.in_panel && panel == shown { "▸" } else { " " };
        let before = area.x.saturating_sub(1);
        pen.put(before, area.y, area.right().saturating_sub(before), mark, Role::Title);
        pen.put(area.x, area.y, area.width, name, look(panel));
        pen.put(
            area.right(),
            area.y,
            1.min(areas.outer.right().saturating_sub(area.right() + 1)),
            " ",
            Role::Text,
        );
    }
}

/// Writes to the screen, never beside it.
struct Pen<'a> {
    theme: &'a Theme,
    buffer: &'a mut Buffer,
}

impl Pen<'_> {
    /// Writes escaped text in at most `columns` columns; returns the column behind it.
    fn put(&mut self, x: u16, y: u16, columns: u16, text: &str, role: Role) -> u16 {
        self.put_styled(x, y, columns, text, self.theme.style(role))
    }

    fn put_styled(&mut self, x: u16, y: u16, columns: u16, text: &str, style: Style) -> u16 {
        let area = self.buffer.area;
        if columns == 0 || !area.contains(Position { x, y }) {
            return x;
        }
        let room = columns.min(area.right() - x);
        self.buffer.set_stringn(x, y, text, usize::from(room), style).0
    }

    /// Writes in the role's colour on the background that is there.
    fn put_over(&mut self, x: u16, y: u16, columns: u16, text: &str, role: Role) -> u16 {
        let style = Style { bg: None, ..self.theme.style(role) };
        self.put_styled(x, y, columns, text, style)
    }

    /// Right-aligned in the columns.
    fn put_right(&mut self, x: u16, y: u16, columns: u16, text: &str, role: Role) {
        let shown = text::cut(text, usize::from(columns));
        let width = u16::try_from(text::width(&shown)).unwrap_or(columns).min(columns);
        self.put(x + (columns - width), y, width, &shown, role);
    }

    /// Lays a style over what is there.
    fn tint(&mut self, area: Rect, role: Role) {
        self.buffer.set_style(area.intersection(self.buffer.area), self.theme.style(role));
    }

    fn clear(&mut self, area: Rect) {
        let area = area.intersection(self.buffer.area);
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                if let Some(cell) = self.buffer.cell_mut((x, y)) {
                    cell.reset();
                }
            }
            // A wide character beside it would reach into it and hide the border.
            if let Some(cell) = area.x.checked_sub(1).and_then(|x| self.buffer.cell_mut((x, y)))
                && text::width(cell.symbol()) > 1
            {
                cell.set_symbol(" ");
            }
        }
    }

    /// A thin border with round corners.
    fn frame(&mut self, area: Rect, role: Role) {
        if area.width < 2 || area.height < 2 {
            return;
        }
        let across = "─".repeat(usize::from(area.width - 2));
        self.put(area.x, area.y, area.width, &format!("╭{across}╮"), role);
        self.put(area.x, area.bottom() - 1, area.width, &format!("╰{across}╯"), role);
        for y in area.y + 1..area.bottom() - 1 {
            self.put(area.x, y, 1, "│", role);
            self.put(area.right() - 1, y, 1, "│", role);
        }
    }
}

/// One of the spinner's pictures, by the clock.
fn spinner(state: &State) -> &'static str {
    text::spinner(state.clock.running)
}
