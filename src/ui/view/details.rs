//! Draws the details of a transfer: how it stands, how fast it is and was, and each item that
//! failed.

use super::{
    Pen, board,
    transfers::{self, bar, share},
};
use crate::{
    fs::Error,
    transfer::Totals,
    ui::{
        layout::board::Board,
        state::{Details, Standing, State, Transfer},
        text,
        theme::Role,
    },
    words,
};

pub(super) fn draw(pen: &mut Pen<'_>, state: &State, details: &Details, at: &Board) {
    let Some(transfer) = details.transfer(state) else {
        return board::title(pen, at, "Details", "");
    };
    board::title(pen, at, &transfer.title(), &transfer.standing_short());
    head(pen, transfer, at);
    let rows = transfer.failures.iter().map(|error| (error, "✗", Role::Bad));
    let rows = rows.chain(transfer.warnings.iter().map(|error| (error, "!", Role::Warning)));
    let rows = rows.enumerate().skip(details.place.top);
    let mut current = None;
    for (y, (row, (error, mark, role))) in (at.rows.y..at.rows.bottom()).zip(rows) {
        line(pen, error, (mark, role), at, y);
        if row == details.place.cursor {
            current = Some(error);
            board::cursor(pen, at, y);
        }
    }
    if details.count(state) == 0 {
        let (text, role) = match &transfer.standing {
            Standing::Failed(error) => (words::error(error).to_string(), Role::Bad),
            _ if transfer.is_running() => ("Nothing has failed so far.".to_owned(), Role::Soft),
            _ => ("Nothing has failed.".to_owned(), Role::Soft),
        };
        let room = at.rows.width.saturating_sub(3);
        let lines = text::wrap_cut(&text, usize::from(room), usize::from(at.rows.height));
        for (y, line) in (at.rows.y..at.rows.bottom()).zip(lines) {
            pen.put(at.rows.x + 2, y, room, &line, role);
        }
    }
    board::foot(pen, at, &foot(transfer, current, at));
}

/// How far it is, how fast, and for how long.
fn head(pen: &mut Pen<'_>, transfer: &Transfer, at: &Board) {
    let area = at.heads;
    if area.height == 0 {
        return;
    }
    let progress = &transfer.progress;
    let left = |x: u16| area.right().saturating_sub(x + 1);
    let mut x = area.x + 2;
    if let Some(share) = share(transfer).filter(|_| transfer.is_running()) {
        let (full, rest) = bar(share, usize::from(area.width / 4));
        x = pen.put(x, area.y, left(x), &full, Role::Accent);
        x = pen.put(x, area.y, left(x), &rest, Role::Faint);
        x = pen.put(x, area.y, left(x), &format!(" {:>3}%", (share * 100.0).floor()), Role::Text) + 2;
    }
    let mut speed = Vec::new();
    let mut reached = reached(transfer);
    if text::width(&reached) > usize::from(left(x))
        && area.height > 1
        && let Some((bytes, items)) = reached.split_once(" · ")
    {
        speed.push(items.to_owned());
        reached = bytes.to_owned();
    }
    pen.put(x, area.y, left(x), &text::cut(&reached, usize::from(left(x))), Role::Soft);
    if area.height < 2 {
        return;
    }
    let mut x = area.x + 2;
    if transfer.is_running() && progress.rate > 0.0 {
        speed.push(format!("{} now", words::rate(progress.rate)));
    }
    if let Some(remaining) = progress.remaining.filter(|_| transfer.is_running()) {
        speed.push(format!("{} to go", words::duration(remaining)));
    }
    if transfer.is_running() && progress.checking > 0 {
        speed.push(words::CHECKING.to_owned());
    }
    if let Some(silent) = progress.silent.filter(|_| transfer.is_running()) {
        speed.push(words::silent(silent));
    }
    if let Some(mean) = transfer.mean().filter(|mean| *mean > 0.0) {
        speed.push(format!("{} on average", words::rate(mean)));
    }
    if !progress.elapsed.is_zero() {
        let elapsed = words::duration(progress.elapsed);
        speed.push(if transfer.is_running() { format!("{elapsed} so far") } else { format!("in {elapsed}") });
    }
    if let Some(limit) = transfer.limit {
        speed.push(format!("at most {}", words::rate(limit as f64)));
    }
    let spark = transfers::sparkline(transfer, usize::from(area.width / 4).min(60));
    if !spark.is_empty() {
        x = pen.put(x, area.y + 1, left(x), &spark, Role::Accent) + 2;
    }
    speed.extend(transfer.verified.iter().map(|(by, files)| words::verified(by, *files)));
    // On a roomy screen the row below stays free.
    let last = area.bottom() - u16::from(area.height == 3);
    let mut y = area.y + 1;
    let mut between = 0;
    for fact in speed {
        let width = u16::try_from(text::width(&fact)).unwrap_or(u16::MAX);
        if between > 0 && width.saturating_add(between) > left(x) && y + 1 < last {
            (x, y, between) = (area.x + 2, y + 1, 0);
        }
        x += between;
        x = pen.put(x, y, left(x), &text::cut(&fact, usize::from(left(x))), Role::Soft);
        between = 2;
    }
}

/// How far it is, or how far it came.
fn reached(transfer: &Transfer) -> String {
    let (done, total) = (&transfer.progress.done, &transfer.progress.total);
    // What one that ended early would have come to means nothing any more.
    let ended = |how: &str| match *done == Totals::default() {
        true => format!("{how} before anything was {}", transfer.work.verb()),
        false => format!("{how} after {}", words::totals(done)),
    };
    match &transfer.standing {
        Standing::Failed(_) if transfer.failures.is_empty() => ended("failed"),
        Standing::Failed(error) => format!("{}: {}", ended("failed"), words::error(error).said),
        Standing::Cancelled => ended("cancelled"),
        Standing::Done(outcome) if outcome.failed > 0 && *done == *total && *done == Totals::default() => {
            format!("{} failed", words::count(outcome.failed))
        }
        _ if *total == Totals::default() || done == total => words::totals(done),
        // Bytes of a file that failed are none that have arrived.
        Standing::Done(outcome) if outcome.failed > 0 => {
            format!("{} failed of {}", words::count(outcome.failed), words::totals(total))
        }
        _ => words::reached(done, total),
    }
}

fn line(pen: &mut Pen<'_>, error: &Error, (mark, role): (&str, Role), at: &Board, y: u16) {
    let name = at.columns.name;
    let end = name.x + name.width;
    let mut x = pen.put(name.x, y, name.width, mark, role) + 1;
    let words = words::error(error);
    let path = error.path().map(|path| words::escape_bytes(path.as_bytes())).unwrap_or(words.what.clone());
    let room = usize::from(end.saturating_sub(x));
    let path_width = room / 2;
    let path = text::pad(&text::cut_start(&path, path_width), path_width);
    x = pen.put(x, y, end.saturating_sub(x), &path, Role::Text) + 2;
    let room = end.saturating_sub(x);
    pen.put(x, y, room, &text::cut(&words.said, usize::from(room)), Role::Soft);
}

/// All that is known of the item of the cursor.
fn foot(transfer: &Transfer, current: Option<&Error>, at: &Board) -> Vec<(Role, String)> {
    let room = usize::from(at.foot.width.saturating_sub(3)).max(1);
    let mut lines = Vec::new();
    if let Some(error) = current {
        let words = words::error(error);
        let rows = usize::from(at.foot.height.max(1));
        let said = format!("{}.", words.said);
        let kept = rows.saturating_sub(usize::from(transfer.more_failures > 0));
        // A long path must not push out what was said of it; of a path the end matters.
        const LEAST: usize = 8;
        let path = error.path().map(|path| words::escape_bytes(path.as_bytes())).unwrap_or_default();
        let with = |columns: usize| match path.is_empty() {
            true => format!("{}: {said}", words.what),
            false => format!("{}: {said}", words.what.replace(&path, &text::cut_start(&path, columns))),
        };
        let fits = |columns: &usize| text::wrap(&with(*columns), room).len() <= kept;
        let columns = (LEAST..=text::width(&path)).rev().take(200).find(fits);
        let told = text::wrap_cut(&with(columns.unwrap_or(LEAST)), room, kept);
        let left = kept - told.len();
        lines.extend(told.into_iter().map(|line| (Role::Text, line)));
        lines.extend(text::wrap_cut(&words.advice, room, left).into_iter().map(|line| (Role::Soft, line)));
    }
    if transfer.more_failures > 0 {
        let more = words::plural(transfer.more_failures, "more failure", "more failures");
        lines.push((Role::Warning, format!("{more} than are listed.")));
    }
    lines
}
