//! The screens that are a long list with what can be done about each row: where their parts stand,
//! and their columns. Pure.

use ratatui::layout::{Position, Rect};

use super::{Areas, Column, Hit, inside, take_bottom, take_top, viewer};
use crate::{
    transfer::sync::Mode,
    ui::{
        action::Action,
        state::{Asking, Compare, Details, Overlay, Question, Review, State, rows::Place},
        text,
    },
    words,
};

/// The screen that is in front, if it is one of these.
pub enum Shown<'a> {
    Review(&'a Review),
    Details(&'a Details),
    Compare(&'a Compare),
}

impl Shown<'_> {
    /// Its rows, and where one is in them.
    pub fn rows(&self, state: &State) -> (usize, Place) {
        match self {
            Shown::Review(review) => (review.found.len(), review.place),
            Shown::Details(details) => (details.count(state), details.place),
            Shown::Compare(compare) => (compare.rows.len(), compare.place),
        }
    }
}

/// The one that is seen; dialogs may stand in front of it.
pub fn shown(state: &State) -> Option<Shown<'_>> {
    let overlay = state.overlays.iter().rev().find_map(|overlay| match overlay {
        Overlay::Question(Question { ask: Asking::Conflicts(review), .. }) => Some(Shown::Review(review)),
        Overlay::Details(details) => Some(Shown::Details(details)),
        _ => None,
    });
    overlay.or_else(|| state.compare.as_deref().map(Shown::Compare))
}

/// Whether keys and mouse go to it.
pub fn is_in_front(state: &State) -> bool {
    match state.overlay() {
        Some(Overlay::Question(Question { ask: Asking::Conflicts(_), .. }) | Overlay::Details(_)) => true,
        Some(_) => false,
        None => state.compare.is_some(),
    }
}

/// The parts of the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Board {
    pub outer: Rect,
    /// What can be switched.
    pub chips: Rect,
    /// What the columns are called.
    pub heads: Rect,
    pub rows: Rect,
    /// What there is to say about the row of the cursor, and about all of them.
    pub foot: Rect,
    pub columns: Columns,
}

/// The columns of a row, left to right; the first two cells are for the marks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    pub name: Column,
    /// The two sides, each its size and its time.
    pub left: Option<Column>,
    /// What is done about it, where it stands between the sides.
    pub way: Column,
    pub right: Option<Column>,
    /// How they differ, in words.
    pub words: Option<Column>,
    /// What was decided, where it stands behind them.
    pub answer: Column,
}

/// Columns of a side: the size, the mark of the newer one, and the time.
pub const SIDE: u16 = 8 + 3 + 12;
/// Columns of an answer.
const ANSWER: u16 = 10;
/// Columns of `same time, same size`.
const WORDS: u16 = 20;

/// Where everything stands.
pub fn board(areas: &Areas, state: &State) -> Board {
    let Some(shown) = shown(state) else { return Board::default() };
    let (outer, _) = viewer(areas);
    let mut rest = inside(outer);
    let narrow = rest.width < 64;
    let roomy = rest.height >= 12;
    let height = rest.height;
    let low = Low::of(&shown, state, height);
    let wanted = match shown {
        Shown::Review(_) => 2 + u16::from(narrow),
        Shown::Details(_) if !roomy => low.foot,
        Shown::Details(_) => 4,
        Shown::Compare(_) => 2,
    };
    let chips = take_top(&mut rest, u16::from(matches!(shown, Shown::Compare(_)) && height >= 5));
    let height = rest.height;
    let foot = take_bottom(&mut rest, wanted.min(height.saturating_sub(2)));
    let _ = take_bottom(&mut rest, u16::from(roomy));
    let height = rest.height;
    let heads = match shown {
        Shown::Details(_) if roomy => take_top(&mut rest, 3),
        Shown::Details(_) => take_top(&mut rest, low.heads.min(height.saturating_sub(1))),
        _ => take_top(&mut rest, u16::from(!narrow && height >= 4)),
    };
    let columns = match shown {
        Shown::Review(_) => review_columns(rest),
        Shown::Details(_) => Columns {
            name: Column { x: rest.x + 2, width: rest.width.saturating_sub(3) },
            ..Columns::default()
        },
        Shown::Compare(_) => compare_columns(rest),
    };
    Board { outer, chips, heads, rows: rest, foot, columns }
}

/// Rows of a transfer's details where there are few: how far it is, and why an item failed.
#[derive(Clone, Copy, Default)]
struct Low {
    heads: u16,
    foot: u16,
}

impl Low {
    fn of(shown: &Shown<'_>, state: &State, height: u16) -> Low {
        let Shown::Details(details) = shown else { return Low::default() };
        let is_running = details.transfer(state).is_some_and(|transfer| transfer.is_running());
        let failed = u16::try_from(details.count(state)).unwrap_or(u16::MAX);
        if failed == 0 {
            // What the lines do not need, how it goes may have.
            return Low { heads: if is_running { height.saturating_sub(1).min(4) } else { 1 }, foot: 0 };
        }
        let heads = u16::from(height >= 3);
        // A row at least is for what failed; of more, as many are seen as leave room for the reason.
        let rows = failed.min((height / 3).max(1));
        Low { heads, foot: height.saturating_sub(heads + rows) }
    }
}

fn review_columns(rows: Rect) -> Columns {
    let mut columns = Columns::default();
    let mut right = rows.right().saturating_sub(1);
    let mut left = rows.width.saturating_sub(3);
    let mut add = |width: u16, keeps: u16| {
        (left >= width + 2 + keeps).then(|| {
            left -= width + 2;
            let x = right.saturating_sub(width);
            right = x.saturating_sub(2);
            Column { x, width }
        })
    };
    columns.answer = add(ANSWER, 6).unwrap_or_default();
    if rows.width >= 64 {
        if rows.width >= 104 {
            columns.words = add(WORDS, 30);
        }
        columns.right = add(SIDE, SIDE + 10);
        columns.left = columns.right.and_then(|_| add(SIDE, 8));
    }
    columns.name = Column { x: rows.x + 2, width: left };
    columns
}

fn compare_columns(rows: Rect) -> Columns {
    let mut columns = Columns::default();
    let left = rows.width.saturating_sub(3);
    let end = rows.right().saturating_sub(1);
    if left >= 2 * SIDE + 5 + 14 {
        let right = end.saturating_sub(SIDE);
        columns.right = Some(Column { x: right, width: SIDE });
        columns.way = Column { x: right.saturating_sub(4), width: 3 };
        let x = columns.way.x.saturating_sub(1 + SIDE);
        columns.left = Some(Column { x, width: SIDE });
        columns.name = Column { x: rows.x + 2, width: x.saturating_sub(rows.x + 4) };
    } else {
        let words = WORDS.min(left / 3);
        columns.words = Some(Column { x: end.saturating_sub(words), width: words });
        columns.way = Column { x: end.saturating_sub(words + 4), width: 3 };
        columns.name = Column { x: rows.x + 2, width: columns.way.x.saturating_sub(rows.x + 3) };
    }
    columns
}

/// A switch of the comparison, where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chip {
    pub area: Rect,
    pub label: String,
    pub is_on: bool,
    pub action: Action,
}

/// The switches, from the longest way to name them that fits.
pub fn chips(state: &State, compare: &Compare, area: Rect) -> Vec<Chip> {
    if area.height == 0 {
        return Vec::new();
    }
    let keys = area.width >= 64;
    let long = area.width >= 100;
    let ways = [(Naming::Long, 2), (Naming::Tight, 2), (Naming::Tight, 1), (Naming::Letters, 1)];
    let mut ways = ways.into_iter().skip(usize::from(!long));
    loop {
        let Some((naming, gap)) = ways.next() else { return Vec::new() };
        let labels = chip_labels(compare, naming);
        let count = labels.len();
        let placed = place_chips(state, labels, area, keys, gap);
        if placed.len() == count || naming == Naming::Letters {
            return if placed.len() == count { placed } else { and_more(placed, area) };
        }
    }
}

/// How the switches are named.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Naming {
    Long,
    Tight,
    Letters,
}

fn chip_labels(compare: &Compare, naming: Naming) -> Vec<(String, bool, Action)> {
    let mode = match compare.plan.mode() {
        Mode::Right => "mirror →",
        Mode::Left => "mirror ←",
        Mode::Both => "both ways",
    };
    let (seen, sorts) = (compare.seen, compare.sorts);
    let pick = |long: &'static str, tight: &'static str, letter: &'static str| match naming {
        Naming::Long => long,
        Naming::Tight => tight,
        Naming::Letters => letter,
    };
    let by = match compare.content {
        true => pick("by content", "by content", "content"),
        false => pick("by size and time", "by time", "by time"),
    };
    // A mark as well as a colour says what is on.
    let switch = |label: &str, is_on: bool| format!("{}{label}", if is_on { "●" } else { "○" });
    let mut chips = vec![(mode.to_owned(), true, Action::SyncMode)];
    if compare.plan.mode() != Mode::Both {
        let deletes = compare.plan.deletes();
        let label = switch(pick("delete the rest", "delete", "delete"), deletes);
        chips.push((label, deletes, Action::Deletions));
    }
    chips.push((by.to_owned(), compare.content, Action::ByContent));
    for (what, count, is_on, action) in [
        (pick("only left", "left", "L"), sorts.only_left, seen.only_left, Action::ShowOnlyLeft),
        (pick("changed", "changed", "≠"), sorts.changed, seen.changed, Action::ShowChanged),
        (pick("only right", "right", "R"), sorts.only_right, seen.only_right, Action::ShowOnlyRight),
        (pick("same", "same", "="), sorts.same, seen.same, Action::ShowSame),
    ] {
        let label = match naming {
            Naming::Long => format!("{what} {}", words::count(count)),
            Naming::Tight | Naming::Letters => what.to_owned(),
        };
        chips.push((switch(&label, is_on), is_on, action));
    }
    chips
}

/// As many as fit, each with its key in front where `keys` are wanted.
fn place_chips(
    state: &State,
    labels: Vec<(String, bool, Action)>,
    area: Rect,
    keys: bool,
    gap: u16,
) -> Vec<Chip> {
    let in_mode = |action| state.keymap.in_mode(crate::ui::keymap::Mode::Compare, action);
    let key = |action| in_mode(action).first().map(ToString::to_string);
    let mut x = area.x + 1;
    let mut out = Vec::new();
    for (label, is_on, action) in labels {
        let label = if keys { format!("{} {label}", key(action).unwrap_or_default()) } else { label };
        let width = u16::try_from(text::width(&label)).unwrap_or(u16::MAX);
        if x.saturating_add(width) > area.right() {
            break;
        }
        out.push(Chip { area: Rect { x, y: area.y, width, height: 1 }, label, is_on, action });
        x = x.saturating_add(width + gap);
    }
    out
}

/// The same with a sign that there are more, which leads to all the keys.
fn and_more(mut placed: Vec<Chip>, area: Rect) -> Vec<Chip> {
    let behind = |placed: &[Chip]| placed.last().map_or(area.x, |chip| chip.area.right()) + 1;
    while behind(&placed) >= area.right() && !placed.is_empty() {
        placed.pop();
    }
    let area = Rect { x: behind(&placed), y: area.y, width: 1, height: 1 };
    placed.push(Chip { area, label: "…".to_owned(), is_on: false, action: Action::Help });
    placed
}

/// What of a screen that is in front is at that cell.
pub(super) fn hit(areas: &Areas, state: &State, at: Position) -> Option<Hit> {
    if !is_in_front(state) {
        return None;
    }
    let shown = shown(state)?;
    let board = board(areas, state);
    if let Shown::Compare(compare) = &shown
        && let Some(chip) = chips(state, compare, board.chips).into_iter().find(|chip| chip.area.contains(at))
    {
        return Some(Hit::Hint(chip.action));
    }
    if !board.rows.contains(at) {
        return Some(Hit::Dialog);
    }
    let (count, place) = shown.rows(state);
    let row = place.top + usize::from(at.y - board.rows.y);
    if row >= count {
        return Some(Hit::Dialog);
    }
    let cell = match shown {
        Shown::Review(_) => board.columns.answer,
        Shown::Compare(_) => board.columns.way,
        Shown::Details(_) => Column::default(),
    };
    let is_cell = cell.width > 0 && at.x + 1 >= cell.x && at.x <= cell.x + cell.width;
    Some(if is_cell { Hit::Cell(row) } else { Hit::Listed(row) })
}
