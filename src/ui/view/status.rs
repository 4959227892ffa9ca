//! Draws the lines around the panes: title, status and hints.

use ratatui::layout::Rect;

use super::{Pen, log::class, transfers::share};
use crate::{
    ui::{
        layout::{self, Areas},
        state::{State, Tone},
        text,
        theme::Role,
    },
    words,
};

/// The program's name, and what runs.
pub(super) fn title(pen: &mut Pen<'_>, state: &State, area: Rect) {
    pen.put(area.x + 1, area.y, area.width.saturating_sub(1), "wharf", Role::Title);
    jobs(pen, state, area, 10);
}

/// `⇅ 2 jobs  ETA 0:42  38.2 MiB/s`, at the right end.
fn jobs(pen: &mut Pen<'_>, state: &State, area: Rect, keep: u16) {
    let running: Vec<_> = state.transfers.running().collect();
    if running.is_empty() || area.width < keep {
        return;
    }
    let mut facts = vec![format!("⇅ {}", words::plural(running.len() as u64, "job", "jobs"))];
    if let [only] = running.as_slice()
        && let Some(share) = share(only)
    {
        facts.push(format!("{:.0}%", (share * 100.0).floor()));
    }
    if let Some(left) = running.iter().filter_map(|transfer| transfer.progress.remaining).max() {
        facts.push(format!("ETA {}", words::duration(left)));
    }
    let rate: f64 = running.iter().map(|transfer| transfer.progress.rate).sum();
    if rate > 0.0 {
        facts.push(words::rate(rate));
    }
    let room = area.width.saturating_sub(keep + 1);
    // What does not fit is left out, the least important first.
    while facts.len() > 1 && text::width(&facts.join("  ")) > usize::from(room) {
        facts.pop();
    }
    pen.put_right(area.x + keep, area.y, room, &facts.join("  "), Role::Accent);
}

/// What there is to say, else the last reply.
pub(super) fn status(pen: &mut Pen<'_>, state: &State, areas: &Areas) {
    let area = areas.status;
    if area.height == 0 || area.width < 4 {
        return;
    }
    let room = area.width.saturating_sub(4);
    if let Some(notice) = &state.notice {
        let (mark, mark_role, role) = match notice.tone {
            Tone::Plain => ("·", Role::Soft, Role::Text),
            Tone::Good => ("✓", Role::Good, Role::Text),
            Tone::Bad => ("✗", Role::Bad, Role::Text),
        };
        pen.put(area.x + 1, area.y, 1, mark, mark_role);
        let mut lines = text::wrap(&notice.text, usize::from(room));
        if lines.len() > usize::from(area.height) {
            lines.truncate(usize::from(area.height));
            if let Some(last) = lines.last_mut() {
                *last = format!("{}…", text::head(last, usize::from(room).saturating_sub(1)));
            }
        }
        for (y, line) in (area.y..area.bottom()).zip(&lines) {
            pen.put(area.x + 3, y, room, line, role);
        }
    } else if let Some(trial) = state.trial.as_ref().filter(|_| state.overlay().is_none()) {
        let stage = trial.stage.map_or("connecting", words::stage);
        let since = words::duration(state.clock.running.saturating_sub(trial.since));
        let text = format!("Testing {}: {stage}… {since}  (Esc stops)", trial.name);
        pen.put(area.x + 1, area.y, 1, super::spinner(state), Role::Soft);
        pen.put(area.x + 3, area.y, room, &text::cut(&text, usize::from(room)), Role::Text);
    } else if !state.waiting.is_empty() && state.overlay().is_some() {
        let text = format!(
            "{} after this",
            words::plural(state.waiting.len() as u64, "question waits", "questions wait")
        );
        pen.put(area.x + 3, area.y, room, &text, Role::Soft);
    } else if let Some(line) = state.log.lines.back() {
        let (mark, role) = class(&line.reply);
        pen.put(area.x + 1, area.y, 1, mark, role);
        pen.put(area.x + 3, area.y, room, &text::cut(&words::log_line(line), usize::from(room)), role);
    }
    if areas.title.is_none() && state.notice.is_none() {
        jobs(pen, state, area, area.width / 3);
    }
}

/// What the keys do here.
pub(super) fn hints(pen: &mut Pen<'_>, state: &State, area: Rect) {
    for hint in layout::hints(area, state) {
        let Rect { x, y, width, .. } = hint.area;
        let x = pen.put(x, y, width, &hint.key.to_string(), Role::Accent);
        pen.put(x + 1, y, hint.area.right().saturating_sub(x + 1), hint.name, Role::Soft);
    }
}
