//! What the screens that are a long list have in common: the review of conflicts, the comparison of
//! two folders, the details of a transfer. What is seen is drawn, and nothing else looked at.

use ratatui::layout::Rect;

use super::Pen;
use crate::{
    fs::Timestamp,
    ui::{layout::board::Board, state::State, text, theme::Role},
    words,
};

/// What stands on the upper border: what it is, and at the right end what there is to know of it.
pub(super) fn title(pen: &mut Pen<'_>, board: &Board, name: &str, facts: &str) {
    let outer = board.outer;
    if outer.width < 12 || outer.height == 0 {
        return;
    }
    let room = outer.width - 4;
    let used = u16::try_from(text::width(facts)).unwrap_or(u16::MAX);
    let fits =
        !facts.is_empty() && usize::from(used.saturating_add(8)) + text::width(name) <= usize::from(room);
    if fits {
        pen.put_right(outer.x + 2, outer.y, room, &format!(" {facts} "), Role::Soft);
    }
    let left = usize::from(room) - if fits { usize::from(used) + 4 } else { 2 };
    pen.put(outer.x + 2, outer.y, room, &format!(" {} ", text::cut(name, left)), Role::Title);
}

/// What the filter says, on the lower border; the terminal's cursor stands behind it.
pub(super) fn sieve(pen: &mut Pen<'_>, board: &Board, sieve: &crate::ui::state::rows::Sieve, found: usize) {
    let outer = board.outer;
    if (sieve.text().is_empty() && !sieve.typing) || outer.width < 16 {
        return;
    }
    let typed = words::escape(sieve.text());
    let end = if sieve.typing { "▏" } else { "" };
    let rows = words::plural(found as u64, "row", "rows");
    let text = format!(" / {typed}{end}  {rows} ");
    let room = usize::from(outer.width - 4);
    let shown = text::cut(&text, room);
    pen.put(outer.x + 2, outer.bottom() - 1, outer.width - 4, &shown, Role::Accent);
}

/// The mark of the cursor's row, over what is drawn there.
pub(super) fn cursor(pen: &mut Pen<'_>, board: &Board, y: u16) {
    pen.tint(Rect { y, height: 1, ..board.rows }, Role::Cursor);
    pen.put_over(board.rows.x, y, 1, "▌", Role::Accent);
}

/// A side's size and time: eight columns, the mark of the newer one, twelve columns.
pub(super) fn side(
    pen: &mut Pen<'_>,
    state: &State,
    (x, y): (u16, u16),
    (size, time): (Option<u64>, Option<Timestamp>),
    newer: bool,
) {
    let size = size.map_or("?".to_owned(), words::size);
    pen.put_right(x, y, 8, &size, Role::Soft);
    let time = time.map_or("?".to_owned(), |time| words::timestamp_in(time, state.clock.now, state.zone));
    // A mark as well as a colour says which one is newer.
    let (mark, role) = if newer { ("↑", Role::Good) } else { (" ", Role::Soft) };
    pen.put(x + 9, y, 1, mark, role);
    pen.put(x + 11, y, 12, &text::cut(&time, 12), role);
}

/// Lines of the foot, as many as there is room for: the last ones first, since they sum up.
pub(super) fn foot(pen: &mut Pen<'_>, board: &Board, lines: &[(Role, String)]) {
    let foot = board.foot;
    let skip = lines.len().saturating_sub(usize::from(foot.height));
    let room = foot.width.saturating_sub(3);
    for (y, (role, line)) in (foot.y..foot.bottom()).zip(lines.iter().skip(skip)) {
        pen.put(foot.x + 2, y, room, &text::cut(line, usize::from(room)), *role);
    }
    if board.foot.y > board.rows.bottom() && foot.width > 4 {
        let across = "─".repeat(usize::from(foot.width - 2));
        pen.put(foot.x + 1, foot.y - 1, foot.width - 2, &across, Role::Border);
    }
}

/// A thumb on the border where there is more than is seen.
pub(super) fn thumb(pen: &mut Pen<'_>, board: &Board, count: usize, top: usize) {
    let height = usize::from(board.rows.height);
    if height == 0 || count <= height || board.outer.width == 0 {
        return;
    }
    let thumb = (height * height / count).max(1);
    let at = top * (height - thumb) / (count - height).max(1);
    for y in (board.rows.y..board.rows.bottom()).skip(at).take(thumb) {
        pen.put(board.outer.right() - 1, y, 1, "┃", Role::Accent);
    }
}
