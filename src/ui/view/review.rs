//! Draws the review of conflicts: what is to be copied beside what is there already.

use std::cmp::Ordering;

use super::{Pen, board};
use crate::{
    fs::Location,
    transfer::{Conflict, OnConflict},
    ui::{
        layout::{self, board::Board},
        state::{Review, State, Transfer, Work, review::Against},
        text,
        theme::Role,
    },
    words,
};

pub(super) fn draw(pen: &mut Pen<'_>, state: &State, review: &Review, at: &Board) {
    let job = state.asks();
    let mut name = format!("{} already", words::plural(review.count, "file exists", "files exist"));
    let room = usize::from(at.outer.width).saturating_sub(text::width(&name) + 10);
    // The end of a path tells more than its beginning; less than this of it tells nothing.
    if let Some(folder) = review.folder().filter(|_| room >= 6) {
        name.push_str(&format!(" in {}", text::cut_start(&folder_name(state, &folder, job), room)));
    }
    board::title(pen, at, &name, &job.map(|transfer| transfer.title()).unwrap_or_default());
    heads(pen, at);
    let rows = review.found.iter().enumerate().skip(review.place.top);
    for (y, (row, conflict)) in (at.rows.y..at.rows.bottom()).zip(rows) {
        if let Some(shown) = review.shown.get(*conflict) {
            line(pen, state, review, *conflict, shown, at, y);
        }
        if row == review.place.cursor {
            board::cursor(pen, at, y);
        }
    }
    if review.found.is_empty() {
        pen.put(at.rows.x + 2, at.rows.y, at.rows.width.saturating_sub(3), "No name matches.", Role::Faint);
    }
    board::foot(pen, at, &foot(state, review, at));
    board::sieve(pen, at, &review.sieve, review.found.len());
}

/// `web-01:/var/www/assets`, with its server as the job's target has it.
fn folder_name(state: &State, folder: &Location, job: Option<&Transfer>) -> String {
    let below = job.and_then(|job| {
        let target = job.touches.first().filter(|target| target.fs == folder.fs)?;
        Some(match folder.path.strip_prefix(&target.path)? {
            b"" => job.target.clone(),
            rest => format!("{}/{}", job.target.trim_end_matches('/'), words::escape_bytes(rest)),
        })
    });
    below.unwrap_or_else(|| layout::short_path(folder, &state.home))
}

fn heads(pen: &mut Pen<'_>, at: &Board) {
    if at.heads.height == 0 {
        return;
    }
    let (columns, y) = (&at.columns, at.heads.y);
    pen.put(columns.name.x, y, columns.name.width, "Name", Role::Faint);
    for (column, text) in [(columns.left, "source"), (columns.right, "there already")] {
        if let Some(column) = column {
            pen.put_right(column.x, y, column.width, text, Role::Faint);
        }
    }
    if let Some(column) = columns.words {
        pen.put(column.x, y, column.width, "source is", Role::Faint);
    }
    pen.put(columns.answer.x, y, columns.answer.width, "answer", Role::Faint);
}

fn line(
    pen: &mut Pen<'_>,
    state: &State,
    review: &Review,
    which: usize,
    shown: &Conflict,
    at: &Board,
    y: u16,
) {
    let columns = &at.columns;
    let name = words::escape_bytes(review.name(which));
    let name = text::cut_middle(&name, usize::from(columns.name.width));
    pen.put(columns.name.x, y, columns.name.width, &name, Role::Text);
    let against = Against::of(shown);
    for (column, entry, newer) in [
        (columns.left, &shown.source_entry, against.time == Some(Ordering::Greater)),
        (columns.right, &shown.target_entry, against.time == Some(Ordering::Less)),
    ] {
        if let Some(column) = column {
            let attributes = &entry.attributes;
            board::side(pen, state, (column.x, y), (attributes.size, attributes.mtime), newer);
        }
    }
    if let Some(column) = columns.words {
        pen.put(
            column.x,
            y,
            column.width,
            &text::cut(&against_words(against), usize::from(column.width)),
            Role::Soft,
        );
    }
    let (text, role) = match review.answer(which) {
        Some(how) => answer(how),
        None => ("?", Role::Accent),
    };
    // What holds for the rest is fainter than what was decided for this one.
    let is_own = review.own(which).is_some();
    let role = if is_own || review.answer(which).is_none() { role } else { Role::Faint };
    let mark = if is_own { "•" } else { " " };
    pen.put(columns.answer.x.saturating_sub(2), y, 1, mark, role);
    pen.put(columns.answer.x, y, columns.answer.width, text, role);
}

/// An answer in a word or two.
fn answer(how: OnConflict) -> (&'static str, Role) {
    match how {
        OnConflict::Overwrite => ("overwrite", Role::Warning),
        OnConflict::Skip | OnConflict::Refuse => ("skip", Role::Soft),
        OnConflict::Rename => ("keep both", Role::Good),
        OnConflict::Newer => ("if newer", Role::Link),
        OnConflict::Different => ("if differs", Role::Link),
        OnConflict::Resume => ("complete", Role::Link),
        OnConflict::Ask => ("?", Role::Accent),
    }
}

/// `newer, larger`: the source, seen from what is there.
fn against_words(against: Against) -> String {
    let time = match against.time {
        Some(Ordering::Greater) => "newer",
        Some(Ordering::Less) => "older",
        Some(Ordering::Equal) => "same time",
        None => "",
    };
    let size = match against.size {
        Some(Ordering::Greater) => "larger",
        Some(Ordering::Less) => "smaller",
        Some(Ordering::Equal) => "same size",
        None => "",
    };
    let parts: Vec<&str> = [time, size].into_iter().filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { "not known".to_owned() } else { parts.join(", ") }
}

fn foot(state: &State, review: &Review, at: &Board) -> Vec<(Role, String)> {
    let mut lines = Vec::new();
    if let Some((which, shown)) = review.current().and_then(|at| Some((at, review.shown.get(at)?))) {
        let said = match against_words(Against::of(shown)) {
            // `of the same time and of the same size` takes too long to read.
            said if said.matches("same").count() > 1 => said,
            said => said.replace("same", "of the same").replace(", ", " and "),
        };
        let side = |entry: &crate::fs::Entry| {
            let size = entry.attributes.size.map_or("?".to_owned(), words::size);
            let time = entry
                .attributes
                .mtime
                .map_or("?".to_owned(), |time| words::timestamp_in(time, state.clock.now, state.zone));
            format!("{size}, {time}")
        };
        if at.columns.left.is_none() {
            lines.push((Role::Soft, format!("source {}: {said}", side(&shown.source_entry))));
            lines.push((Role::Soft, format!("there {}", side(&shown.target_entry))));
        } else {
            let name = words::escape_bytes(review.name(which));
            let room = usize::from(at.foot.width).saturating_sub(text::width(&said) + 15);
            let side = if said.starts_with("same") { "" } else { "the source is " };
            lines.push((Role::Soft, format!("{}: {side}{said}", text::cut_middle(&name, room.max(8)))));
        }
    }
    let moves = state.asks().is_some_and(|transfer| transfer.work == Work::Move);
    let sum = sum(review, moves);
    // What needs no answer does not wait for one.
    let rest = state.asks().map(|transfer| transfer.progress.total).filter(|total| total.files > 0);
    let room = usize::from(at.foot.width.saturating_sub(3));
    let ways = rest.into_iter().flat_map(|total| {
        let files = words::plural(total.files, "other file", "other files");
        let others = format!("{sum} · {files}, {}", words::size(total.bytes));
        [format!("{others}, without a question"), others]
    });
    let fits = ways.into_iter().find(|text| text::width(text) <= room);
    lines.push((Role::Text, fits.unwrap_or(sum)));
    lines
}

/// `12 overwrite, 3 skip, 5 undecided, left as they are`.
fn sum(review: &Review, moves: bool) -> String {
    let tally = review.tally();
    let mut parts: Vec<String> = [
        (tally.overwrite, "overwrite"),
        (tally.skip, "skip"),
        (tally.both, "keep both"),
        (tally.newer, "if newer"),
        (tally.different, "if different"),
        (tally.complete, "to complete"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| format!("{} {what}", words::count(count)))
    .collect();
    if tally.undecided > 0 {
        let what = if moves { "undecided, left where they are" } else { "undecided, skipped" };
        parts.push(format!("{} {what} unless you choose", words::count(tally.undecided)));
    }
    let mut text = parts.join(" · ");
    let unseen = review.count.saturating_sub(review.shown.len() as u64);
    if unseen > 0 {
        text.push_str(&format!(" · {} more than are listed", words::count(unseen)));
    }
    text
}
