//! Draws the list of transfers.

use ratatui::layout::Rect;

use super::{Pen, spinner};
use crate::{
    fs::Timestamp,
    transfer::Phase,
    ui::{
        layout::PanelAreas,
        state::{Standing, State, Transfer, Work},
        text,
        theme::Role,
    },
    words,
};

/// How much of what is known of a job fits.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Room {
    /// How long it takes, and no more.
    Tiny,
    Narrow,
    Wide,
}

impl Room {
    fn of(columns: usize) -> Room {
        match columns {
            0..60 => Room::Tiny,
            60..100 => Room::Narrow,
            _ => Room::Wide,
        }
    }
}

/// Columns for the rates of a row.
const SPARK: usize = 8;

pub(super) fn draw(pen: &mut Pen<'_>, state: &State, areas: &PanelAreas) {
    let rows = areas.rows;
    if state.transfers.jobs.is_empty() {
        let text = text::cut("Nothing was copied or deleted yet.", usize::from(rows.width.saturating_sub(2)));
        if rows.height > 0 {
            pen.put(rows.x + 2, rows.y, rows.width.saturating_sub(2), &text, Role::Faint);
        }
        return;
    }
    let jobs = state.transfers.jobs.iter().enumerate().skip(areas.first);
    for (y, (at, transfer)) in (rows.y..rows.bottom()).zip(jobs) {
        let area = Rect { y, height: 1, ..rows };
        job(pen, state, transfer, area);
        if at == state.transfers.cursor && state.in_panel {
            pen.tint(area, Role::Cursor);
            pen.put(area.x, y, area.width.min(1), "▌", Role::Accent);
        }
    }
}

/// The share that is done: by bytes, or by items where there are none.
pub(super) fn share(transfer: &Transfer) -> Option<f64> {
    let (done, total) = (&transfer.progress.done, &transfer.progress.total);
    let of = |done: u64, total: u64| (total > 0).then(|| (done as f64 / total as f64).clamp(0.0, 1.0));
    let items = |t: &crate::transfer::Totals| t.files.saturating_add(t.dirs).saturating_add(t.links);
    match transfer.work {
        Work::Copy | Work::Move | Work::Sync => {
            of(done.bytes, total.bytes).or_else(|| of(items(done), items(total)))
        }
        Work::Remove | Work::Rename | Work::Change => of(items(done), items(total)),
    }
}

/// A bar whose end is as fine as an eighth of a cell.
pub(super) fn bar(share: f64, columns: usize) -> (String, String) {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = ((columns * 8) as f64 * share.clamp(0.0, 1.0)) as usize;
    let mut full = "█".repeat((eighths / 8).min(columns));
    let part = EIGHTHS.get(eighths % 8).copied().unwrap_or_default();
    if eighths / 8 < columns {
        full.push_str(part);
    }
    let rest = columns.saturating_sub(text::width(&full));
    (full, "░".repeat(rest))
}

fn job(pen: &mut Pen<'_>, state: &State, transfer: &Transfer, area: Rect) {
    let (mark, role) = match &transfer.standing {
        Standing::Running if transfer.progress.phase == Phase::Paused => ("‖", Role::Soft),
        Standing::Running | Standing::Stopping => (spinner(state), Role::Accent),
        Standing::Done(outcome) if outcome.failed > 0 => ("!", Role::Warning),
        Standing::Done(_) => ("✓", Role::Good),
        Standing::Failed(_) => ("✗", Role::Bad),
        Standing::Cancelled => ("·", Role::Faint),
        Standing::Interrupted(_) => ("‖", Role::Warning),
    };
    let y = area.y;
    let end = area.right().saturating_sub(1);
    let left = |x: u16| end.saturating_sub(x);
    let mut x = pen.put(area.x + 1, y, 1.min(left(area.x + 1)), mark, role) + 1;
    let running = matches!(transfer.standing, Standing::Running)
        && matches!(transfer.progress.phase, Phase::Running | Phase::Paused);
    let title = transfer.title();
    let wide = usize::from(area.width);
    let room = Room::of(wide);
    let mut name_width = (if room == Room::Tiny { wide / 3 } else { wide / 4 }).max(8);
    if !running {
        // No bar and no figures need the room.
        let words = text::width(&transfer.standing_words()).max(usize::from(area.width / 3));
        let room = usize::from(left(x)).saturating_sub(words + 2);
        name_width = name_width.max(text::width(&title).min(room));
    }
    let name_width = name_width.min(usize::from(left(x)));
    let name = text::pad(&text::cut_middle(&title, name_width), name_width);
    x = pen.put(x, y, left(x), &name, Role::Text) + 2;
    if let Some(share) = share(transfer).filter(|_| running) {
        let share_of = match room {
            Room::Tiny => 4,
            Room::Narrow => 10,
            Room::Wide => 5,
        };
        let columns = usize::from(left(x) / share_of);
        let (full, rest) = bar(share, columns);
        x = pen.put(x, y, left(x), &full, Role::Accent);
        x = pen.put(x, y, left(x), &rest, Role::Faint);
        let percent = format!(" {:>3}% ", (share * 100.0).floor());
        x = pen.put(x, y, left(x), &percent, Role::Text) + 1;
        // What matters most comes first: a narrow panel shows only that.
        if area.width >= 120 {
            // A job that has none yet has its place, so that the rest lines up.
            let spark = text::pad(&sparkline(transfer, SPARK), SPARK);
            x = pen.put(x, y, left(x), &spark, Role::Faint) + 2;
        }
        for (text, role) in facts(transfer, room, usize::from(left(x))) {
            let width = u16::try_from(text::width(&text)).unwrap_or(u16::MAX);
            if width > left(x) {
                // Blanks that only line up what stands behind them are not needed.
                let text = text.trim_end();
                let width = u16::try_from(text::width(text)).unwrap_or(u16::MAX);
                if width <= left(x) {
                    pen.put(x, y, left(x), text, role);
                }
                break;
            }
            x = pen.put(x, y, left(x), &text, role).saturating_add(2);
        }
        return;
    }
    let role = match &transfer.standing {
        Standing::Failed(_) => Role::Bad,
        Standing::Done(outcome) if outcome.failed > 0 => Role::Warning,
        _ => Role::Soft,
    };
    if let Standing::Interrupted(known) = &transfer.standing {
        return interrupted(pen, state, transfer, known.started, (x, y, left(x)));
    }
    pen.put(x, y, left(x), &text::cut(&transfer.standing_words(), usize::from(left(x))), role);
}

/// `interrupted at 128 of 180 files · Enter goes on`, from the longest way to say it that fits.
fn interrupted(
    pen: &mut Pen<'_>,
    state: &State,
    transfer: &Transfer,
    started: i64,
    (x, y, room): (u16, u16, u16),
) {
    let started = words::timestamp_in(Timestamp::from_seconds(started), state.clock.now, state.zone);
    let (all, files) = (transfer.standing_words(), transfer.progress.done.files);
    let (done, whole) = (transfer.progress.done.bytes, transfer.progress.total.bytes);
    let reached = match transfer.progress.total.files {
        // How many of one says nothing.
        1 if whole > 0 => words::size_of(done, whole),
        0 => words::plural(files, "file", "files"),
        total => format!("{} of {}", words::count(files), words::plural(total, "file", "files")),
    };
    if !transfer.failures.is_empty() {
        let failed = format!("{} failed", words::count(transfer.failures.len() as u64));
        let ways = [
            format!("interrupted at {reached}, {failed} · Enter shows them, r goes on, x forgets it"),
            format!("interrupted, {failed} · Enter shows them, r goes on"),
            format!("interrupted, {failed}"),
        ];
        let fits = ways.into_iter().find(|text| text::width(text) <= usize::from(room));
        pen.put(x, y, room, &fits.unwrap_or(failed), Role::Warning);
        return;
    }
    let ways = [
        format!("interrupted, begun {started} · {all} · Enter goes on, x forgets it"),
        format!("interrupted at {reached} · Enter goes on, x forgets it"),
        format!("interrupted at {reached} · Enter goes on"),
        format!("interrupted at {reached}"),
    ];
    let fits = ways.into_iter().find(|text| text::width(text) <= usize::from(room));
    pen.put(x, y, room, &fits.unwrap_or_else(|| "interrupted".to_owned()), Role::Warning);
}

/// The rates of the last minute as a line of bars, the newest last.
pub(super) fn sparkline(transfer: &Transfer, columns: usize) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let rates = transfer.rates.iter().skip(transfer.rates.len().saturating_sub(columns));
    let most = transfer.rates.iter().copied().fold(0.0, f64::max);
    if most <= 0.0 || transfer.rates.len() < 2 {
        return String::new();
    }
    let bar = |rate: &f64| BARS.get((rate / most * 7.0).round().clamp(0.0, 7.0) as usize).copied();
    rates.filter_map(bar).collect()
}

/// Columns of how far it is, of the rate and of the time left, so that those of all jobs line up.
const AMOUNT: usize = 18;
const SHORT_AMOUNT: usize = 16;
const RATE: usize = 10;
const LEFT: usize = 11;

/// What is known of a job that runs, the most important first; what is wrong with it comes before
/// all else where not everything fits in `room` columns.
fn facts(transfer: &Transfer, size: Room, room: usize) -> Vec<(String, Role)> {
    let progress = &transfer.progress;
    let (done, total) = (&progress.done, &progress.total);
    // There is more to come.
    let more = if progress.is_counting { "+" } else { "" };
    let items = format!("{}{more}", words::items_of(done, total));
    let moves_bytes = !transfer.target.is_empty();
    let amount = match moves_bytes {
        true => format!("{}{more}", words::size_of(done.bytes, total.bytes)),
        false => items.clone(),
    };
    let rate = match () {
        () if progress.phase == Phase::Paused => "paused".to_owned(),
        () if progress.checking > 0 && progress.rate == 0.0 => words::CHECKING.to_owned(),
        () if moves_bytes => words::rate(progress.rate),
        () => String::new(),
    };
    let left = progress.remaining.map_or_else(String::new, |left| format!("ETA {}", words::duration(left)));
    let width = if size == Room::Wide { AMOUNT } else { SHORT_AMOUNT };
    let mut facts = vec![
        (format!("{amount:>width$}"), Role::Text),
        (format!("{rate:>RATE$}"), Role::Soft),
        (format!("{left:<LEFT$}"), Role::Text),
    ];
    if size == Room::Tiny {
        let first = if progress.remaining.is_some() { left } else { rate };
        facts = vec![(first, Role::Text), (amount, Role::Soft)];
    }
    let mut wrong = Vec::new();
    if progress.failed > 0 {
        wrong.push((format!("{} failed", words::count(progress.failed)), Role::Bad));
    }
    if let Some(silent) = progress.silent {
        wrong.push((words::silent(silent), Role::Warning));
    }
    let width = |facts: &[(String, Role)]| facts.iter().map(|(text, _)| text::width(text) + 2).sum::<usize>();
    let at = if width(&facts) + width(&wrong) <= room + 2 { facts.len() } else { 0 };
    facts.splice(at..at, wrong);
    if moves_bytes && total.files > 1 {
        facts.push((items, Role::Faint));
    }
    if let Some(limit) = transfer.limit {
        facts.push((format!("at most {}", words::rate(limit as f64)), Role::Faint));
    }
    facts
}
