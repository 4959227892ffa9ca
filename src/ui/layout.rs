//! Where everything is, for drawing and for the mouse alike. Pure.

pub mod board;
mod drop;
pub mod header;
pub mod hints;
mod tabs;
pub mod tour;

pub use drop::{DropPlace, drop_place, place_label};
use ratatui::layout::{Position, Rect, Size};
pub use tabs::{TabBar, tab_bar};

use super::{
    action::Action,
    sheet,
    state::{Panel, Side, State},
    text,
};
use crate::{
    fs::{Location, RemotePath, entry::SortKey},
    words,
};

/// Below this the panes do not fit side by side.
const BOTH_PANES: u16 = 64;
/// Below this there is no room for a title line and for a panel under the panes.
const ROOMY: u16 = 16;

/// A column: where it begins and how wide it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Column {
    pub x: u16,
    pub width: u16,
}

/// The columns of a pane, left to right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    pub name: Option<Column>,
    pub size: Option<Column>,
    pub modified: Option<Column>,
    pub mode: Option<Column>,
    pub owner: Option<Column>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PaneAreas {
    /// With its border.
    pub outer: Rect,
    pub header: Rect,
    pub rows: Rect,
    pub columns: Columns,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PanelAreas {
    pub outer: Rect,
    pub rows: Rect,
    pub transfers_tab: Rect,
    pub log_tab: Rect,
    /// The row of the list that is drawn first.
    pub first: usize,
}

/// Everything on the screen but dialogs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Areas {
    pub screen: Rect,
    pub title: Option<Rect>,
    pub left: Option<PaneAreas>,
    pub right: Option<PaneAreas>,
    pub panel: Option<PanelAreas>,
    pub status: Rect,
    pub hints: Rect,
}

impl Areas {
    pub fn pane(&self, side: Side) -> Option<&PaneAreas> {
        match side {
            Side::Left => self.left.as_ref(),
            Side::Right => self.right.as_ref(),
        }
    }
}

/// Whether only one pane is seen at a time.
pub fn shows_one_pane(size: Size) -> bool {
    size.width < BOTH_PANES
}

/// Whether a panel can stand below the panes instead of in their place.
pub fn has_room_for_panel(size: Size) -> bool {
    size.height >= ROOMY
}

/// Where everything is at that size.
pub fn layout(size: Size, state: &State) -> Areas {
    let screen = Rect::new(0, 0, size.width, size.height);
    let mut rest = screen;
    let hints = take_bottom(&mut rest, u16::from(size.height > 2));
    let wanted = state
        .notice
        .as_ref()
        .map_or(1, |notice| text::wrap(&notice.text, usize::from(size.width.saturating_sub(4))).len());
    let most = if size.height < 8 { 1 } else { (size.height / 5).clamp(2, 5) };
    let status = take_bottom(&mut rest, u16::try_from(wanted).unwrap_or(1).clamp(1, most).min(size.height));
    // What is held is always seen.
    let title =
        (size.height >= ROOMY || state.held.is_some() && size.height > 6).then(|| take_top(&mut rest, 1));
    let panel_open = state.panel.filter(|_| has_room_for_panel(size) || state.in_panel);
    let panel = panel_open.map(|panel| {
        let rows = match panel {
            Panel::Transfers => state.transfers.jobs.len(),
            Panel::Log => state.log.lines.len(),
        };
        let height = if has_room_for_panel(size) {
            // As much as there is to show, but at most a third of the screen.
            let wanted = u16::try_from(rows.saturating_add(2)).unwrap_or(u16::MAX);
            wanted.clamp(5, (size.height / 3).max(5))
        } else {
            rest.height
        };
        panel_areas(take_bottom(&mut rest, height), panel, rows, state)
    });
    let (left, right) = if rest.height == 0 {
        (None, None)
    } else if shows_one_pane(size) {
        match state.active {
            Side::Left => (Some(rest), None),
            Side::Right => (None, Some(rest)),
        }
    } else {
        let wide = u32::from(rest.width) * u32::from(state.split) / 1000;
        let wide = u16::try_from(wide).unwrap_or(rest.width).min(rest.width);
        let left = Rect { width: wide, ..rest };
        let right = Rect { x: rest.x + wide, width: rest.width - wide, ..rest };
        (Some(left), Some(right))
    };
    Areas { screen, title, left: left.map(pane_areas), right: right.map(pane_areas), panel, status, hints }
}

/// Where a file that is looked at stands, and its rows in it: all that the lines around leave.
pub fn viewer(areas: &Areas) -> (Rect, Rect) {
    let top = areas.title.map_or(0, |title| title.bottom());
    let height = areas.status.y.saturating_sub(top);
    let outer = Rect { y: top, height, ..areas.screen };
    (outer, inside(outer))
}

fn take_bottom(rest: &mut Rect, height: u16) -> Rect {
    let height = height.min(rest.height);
    rest.height -= height;
    Rect { y: rest.y + rest.height, height, ..*rest }
}

fn take_top(rest: &mut Rect, height: u16) -> Rect {
    let height = height.min(rest.height);
    let taken = Rect { height, ..*rest };
    rest.y += height;
    rest.height -= height;
    taken
}

/// What a border encloses.
pub fn inside(outer: Rect) -> Rect {
    if outer.width < 2 || outer.height < 2 {
        return Rect { width: 0, height: 0, ..outer };
    }
    Rect { x: outer.x + 1, y: outer.y + 1, width: outer.width - 2, height: outer.height - 2 }
}

fn pane_areas(outer: Rect) -> PaneAreas {
    let mut rows = inside(outer);
    let header = take_top(&mut rows, 1);
    PaneAreas { outer, header, rows, columns: columns(rows) }
}

/// Columns of a time in short: `20:55`, `Nov 18`, `2024-03`.
pub const SHORT_TIME: u16 = 8;

/// The first two cells are for the cursor's and the selection's marks, the last one for air.
fn columns(rows: Rect) -> Columns {
    let mut columns = Columns::default();
    let mut left = rows.width.saturating_sub(3);
    let mut right = rows.right().saturating_sub(1);
    // A column comes if the name still has this much room beside it and those before.
    let mut add = |width: u16, name_keeps: u16| -> Option<u16> {
        let needed = width + 2;
        (left >= needed + name_keeps).then(|| {
            left -= needed;
            width
        })
    };
    let size = add(8, 10);
    // Half a time is better than none.
    let modified = add(12, 18).or_else(|| add(SHORT_TIME, 14));
    let mode = add(10, 28);
    let owner = add(12, 34);
    for (slot, width) in [
        (&mut columns.owner, owner),
        (&mut columns.mode, mode),
        (&mut columns.modified, modified),
        (&mut columns.size, size),
    ] {
        if let Some(width) = width {
            *slot = Some(Column { x: right.saturating_sub(width), width });
            right = right.saturating_sub(width + 2);
        }
    }
    columns.name = (left > 0).then(|| Column { x: rows.x + 2, width: left });
    columns
}

fn panel_areas(outer: Rect, panel: Panel, count: usize, state: &State) -> PanelAreas {
    let rows = inside(outer);
    let tab = |x: u16, label: &str| {
        let width = u16::try_from(label.len()).unwrap_or(0);
        Rect { x, y: outer.y, width, height: 1 }.intersection(outer)
    };
    let transfers_tab = tab(outer.x + 2, TABS.0);
    let log_tab = tab(outer.x + 2 + transfers_tab.width + 3, TABS.1);
    let cursor = match panel {
        Panel::Transfers => state.transfers.cursor,
        Panel::Log => state.log.row(),
    };
    let height = usize::from(rows.height).max(1);
    // The last page that holds the cursor; the end of the log unless one looks further up.
    let first = count.saturating_sub(height).min(cursor.saturating_sub(height / 2));
    PanelAreas { outer, rows, transfers_tab, log_tab, first }
}

/// The names of the panel's tabs.
pub const TABS: (&str, &str) = ("Transfers", "Log");

/// What is under the pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hit {
    Nothing,
    /// A row of a pane, counted from the first one of the listing; perhaps below the last.
    Row(Side, usize),
    /// A line of a pane's connect screen; perhaps below the last.
    Line(Side, usize),
    Header(Side, SortKey),
    /// A folder of a pane's path, by how many names its own path has.
    Path(Side, usize),
    Pane(Side),
    /// The line between the panes, of this one's border.
    Divider(Side),
    /// A tab of panes, by its place in the order.
    Place(usize),
    NewTab,
    Tab(Panel),
    PanelRow(Panel, usize),
    Hint(Action),
    /// A dialog, beside its buttons.
    Dialog,
    Button(usize),
    /// A field of a form.
    Field(usize),
    /// A line of a list to choose from.
    Chosen(usize),
    /// A row of a screen that is a list.
    Listed(usize),
    /// What is decided about such a row.
    Cell(usize),
}

/// What is at that cell.
pub fn hit(areas: &Areas, state: &State, x: u16, y: u16) -> Hit {
    let at = Position { x, y };
    let over_hint = || hints::hints(areas.hints, state).into_iter().find(|hint| hint.area.contains(at));
    if let Some(sheet) = sheet::sheet(state) {
        // A dialog takes the mouse as it takes the keys.
        return match sheet.buttons.iter().position(|button| button.area.contains(at)) {
            Some(button) => Hit::Button(button),
            None if sheet.chosen.is_some() && sheet.body.contains(at) => {
                let (first, count) = sheet.window.unwrap_or((sheet.scroll, sheet.lines.len()));
                let line = first + usize::from(y - sheet.body.y);
                if line < count { Hit::Chosen(line) } else { Hit::Dialog }
            }
            None if sheet.area.contains(at) => {
                let row = sheet.rows.iter().find(|row| row.area.contains(at));
                row.map_or(Hit::Dialog, |row| Hit::Field(row.slot))
            }
            None => over_hint().map_or(Hit::Nothing, |hint| Hit::Hint(hint.action)),
        };
    }
    if let Some(hint) = over_hint() {
        return Hit::Hint(hint.action);
    }
    if let Some(hit) = board::hit(areas, state, at) {
        return hit;
    }
    if state.viewer.is_some() {
        return Hit::Nothing;
    }
    if let Some(title) = areas.title.filter(|title| title.contains(at)) {
        let bar = tab_bar(state, title);
        return match bar.tabs.iter().position(|(area, _)| area.contains(at)) {
            Some(tab) => Hit::Place(bar.first + tab),
            None if bar.more.contains(at) => Hit::NewTab,
            None => Hit::Nothing,
        };
    }
    if let (Some(panel), Some(shown)) = (&areas.panel, state.panel)
        && panel.outer.contains(at)
    {
        return if panel.transfers_tab.contains(at) {
            Hit::Tab(Panel::Transfers)
        } else if panel.log_tab.contains(at) {
            Hit::Tab(Panel::Log)
        } else if panel.rows.contains(at) {
            Hit::PanelRow(shown, panel.first + usize::from(y - panel.rows.y))
        } else {
            Hit::Tab(shown)
        };
    }
    for side in Side::BOTH {
        let Some(pane) = areas.pane(side).filter(|pane| pane.outer.contains(at)) else { continue };
        if is_divider(areas, side, at) {
            return Hit::Divider(side);
        }
        if let Some(chooser) = &state.pane(side).chooser {
            return if pane.rows.contains(at) {
                let top = chooser.first_line(usize::from(pane.rows.height));
                Hit::Line(side, top + usize::from(y - pane.rows.y))
            } else {
                Hit::Pane(side)
            };
        }
        let header = header::header(state, side, pane.outer);
        if header.side.is_some_and(|area| area.contains(at)) {
            return Hit::Hint(Action::OtherPane);
        }
        if let Some(step) = header.steps.iter().find(|step| step.area.contains(at)) {
            return Hit::Path(side, step.depth);
        }
        if pane.header.contains(at) {
            return header_key(&pane.columns, x).map_or(Hit::Pane(side), |key| Hit::Header(side, key));
        }
        if pane.rows.contains(at) {
            let top = state.pane(side).view.top;
            return Hit::Row(side, top + usize::from(y - pane.rows.y));
        }
        return Hit::Pane(side);
    }
    Hit::Nothing
}

/// Whether that cell is on the border that this pane shares with the other one, corners aside.
fn is_divider(areas: &Areas, side: Side, at: Position) -> bool {
    let (Some(left), Some(right)) = (&areas.left, &areas.right) else { return false };
    let (x, outer) = match side {
        Side::Left => (left.outer.right().saturating_sub(1), left.outer),
        Side::Right => (right.outer.x, right.outer),
    };
    at.x == x && at.y > outer.y && at.y + 1 < outer.bottom()
}

/// The order that a click on a header asks for; mode and owner sort nothing.
fn header_key(columns: &Columns, x: u16) -> Option<SortKey> {
    let begins = |column: Option<Column>| column.is_some_and(|column| x + 1 >= column.x);
    if begins(columns.mode) || begins(columns.owner) {
        None
    } else if begins(columns.modified) {
        Some(SortKey::Modified)
    } else if begins(columns.size) {
        Some(SortKey::Size)
    } else {
        Some(SortKey::Name)
    }
}

/// A path as headers show it, escaped: on this machine with `~` for the home directory.
pub fn short_path(location: &Location, home: &RemotePath) -> String {
    if location.fs.is_local()
        && !home.is_root()
        && let Some(rest) = location.path.strip_prefix(home)
    {
        return if rest.is_empty() { "~".to_owned() } else { format!("~/{}", words::escape_bytes(rest)) };
    }
    words::escape_bytes(location.path.as_bytes())
}
