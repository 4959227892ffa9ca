//! Draws the lines around the panes: title, status and hints.

use std::time::Duration;

use ratatui::layout::Rect;

use super::{Pen, log, parts::key};
use crate::{
    transfer::{self, Progress},
    ui::{
        action::Action,
        layout::{self, Areas},
        state::{Held, Overlay, Phase, State, Tone, Transfer, Work},
        text,
        theme::Role,
    },
    words,
};

/// The program's name, and what runs.
pub(super) fn title(pen: &mut Pen<'_>, state: &State, area: Rect) {
    let mut x = area.x + 1;
    x = pen.put(x, area.y, area.right().saturating_sub(x), "wharf", Role::Title);
    x = tabs(pen, state, area).max(x);
    let jobs_from = match &state.held {
        None => x.saturating_sub(area.x) + 3,
        Some(held) => {
            // What runs has its own panel; here its number is enough, and that it waits for somebody.
            let kept = match jobs(state, 0) {
                None => 0,
                Some(_) if is_asking(state) => 26,
                Some(_) => 11,
            };
            let room = area.right().saturating_sub(x + 3 + kept);
            let text = held_words(state, held, usize::from(room));
            pen.put(x + 2, area.y, room, &text, Role::Selected).saturating_sub(area.x) + 2
        }
    };
    // Two cells between it and what stands before it.
    let room = area.width.saturating_sub(jobs_from + 3);
    if let Some(text) = jobs(state, usize::from(room)).filter(|_| area.width >= jobs_from) {
        pen.put_right(area.x + jobs_from, area.y, room + 2, &format!("  {text}"), Role::Accent);
    }
}

/// `[1 web-01] [2 nas] [+]`; returns the column behind it.
fn tabs(pen: &mut Pen<'_>, state: &State, area: Rect) -> u16 {
    let bar = layout::tab_bar(state, area);
    for (at, (area, label)) in bar.tabs.iter().enumerate() {
        let role = if bar.first + at == state.tabs.current { Role::Title } else { Role::Soft };
        pen.put(area.x, area.y, area.width, label, role);
        if role == Role::Title && state.tabs.count() > 1 {
            // The same mark as that of the pane that has the keys.
            pen.put(area.x.saturating_sub(1), area.y, 1, "▸", role);
        }
    }
    pen.put(bar.more.x, bar.more.y, bar.more.width, "[+]", Role::Faint);
    bar.end
}

/// What is held, how to drop it and how to let it go, from the longest way to say it that fits.
fn held_words(state: &State, held: &Held, room: usize) -> String {
    let verb = if held.work == Work::Move { "move" } else { "copy" };
    let (drop, leave) = (key(state, Action::Drop), key(state, Action::Cancel));
    let what = |name: &str| format!("{verb} {name}");
    let ways = [
        format!("{} from {} · {drop} drops, {leave} {leave} lets go", what(&held.load.name), held.from),
        format!("{} · {drop} drops, {leave} {leave} lets go", what(&held.load.name)),
        format!("{} · {drop} drops", what(&held.load.name)),
    ];
    let fits = ways.into_iter().find(|text| text::width(text) <= room);
    fits.unwrap_or_else(|| {
        let end = format!(" · {drop} drops");
        let left = room.saturating_sub(text::width(&end) + verb.len() + 1);
        text::cut(&format!("{verb} {}{end}", text::cut_middle(&held.load.name, left)), room)
    })
}

/// Whether something that runs cannot go on without an answer.
fn is_asking(state: &State) -> bool {
    state.transfers.running().any(|transfer| transfer.progress.phase == transfer::Phase::Asking)
}

/// `⇅ 2 jobs  71%  ETA 0:42  38.2 MiB/s`, as much of it as fits.
fn jobs(state: &State, room: usize) -> Option<String> {
    let running: Vec<_> = state.transfers.running().collect();
    if running.is_empty() {
        return None;
    }
    let count = format!("⇅ {}", words::plural(running.len() as u64, "job", "jobs"));
    let mut facts = vec![count];
    if is_asking(state) {
        let long = "waits for your answer";
        let fits = text::width(&facts.join("")) + 2 + text::width(long) <= room;
        facts.push(if fits { long } else { "waits for you" }.to_owned());
    }
    if let Some(share) = state.transfers.share() {
        facts.push(format!("{:.0}%", (share * 100.0).floor()));
    }
    let any = |is: fn(&Progress) -> bool| running.iter().any(|transfer| is(&transfer.progress));
    let rate: f64 = running.iter().map(|transfer| transfer.progress.rate).sum();
    if let Some(left) = left(&running) {
        facts.push(format!("ETA {}", words::duration(left)));
    }
    if rate > 0.0 {
        facts.push(words::rate(rate));
    } else if any(|progress| progress.checking > 0) {
        facts.push("checking".to_owned());
    } else if running.iter().all(|transfer| transfer.progress.phase == transfer::Phase::Paused) {
        facts.push("paused".to_owned());
    }
    // What does not fit is left out, the least important first.
    while facts.len() > 1 && text::width(&facts.join("  ")) > room {
        facts.pop();
    }
    Some(facts.join("  "))
}

/// Until all is over. Jobs that share a link share its speed: what one of them would need at its
/// own pace is no measure once the others are through.
fn left(running: &[&Transfer]) -> Option<Duration> {
    let open = |t: &Transfer| t.progress.total.bytes.saturating_sub(t.progress.done.bytes) as f64;
    // Those whose bytes decide how long they take, and not how many files they are.
    let by_bytes = |t: &Transfer| {
        let left = t.progress.remaining.map_or(f64::MAX, |left| left.as_secs_f64());
        t.progress.rate > 0.0 && left <= open(t) / t.progress.rate * 1.2 + 1.0
    };
    let (bound, others): (Vec<&Transfer>, Vec<&Transfer>) = running.iter().partition(|t| by_bytes(t));
    let longest = |of: &[&Transfer]| of.iter().filter_map(|t| t.progress.remaining).max();
    if bound.len() < 2 {
        return longest(running);
    }
    let rate = bound.iter().map(|t| t.progress.rate).sum::<f64>();
    let together = Duration::try_from_secs_f64(bound.iter().map(|t| open(t)).sum::<f64>() / rate).ok();
    together.max(longest(&others))
}

/// What there is to say, else the last reply; behind it what runs, where nothing above says so.
pub(super) fn status(pen: &mut Pen<'_>, state: &State, areas: &Areas) {
    let area = areas.status;
    if area.height == 0 || area.width < 4 {
        return;
    }
    let doing = doing(state).filter(|_| state.overlay().is_none());
    // How long something takes says more than that it was begun.
    let notice = state.notice.as_ref().filter(|notice| notice.tone != Tone::Plain || doing.is_none());
    let running = match areas.title.is_none() && notice.is_none() {
        true => jobs(state, usize::from(area.width - area.width / 3).saturating_sub(3)),
        false => None,
    };
    let taken = running.as_ref().map_or(0, |text| u16::try_from(text::width(text)).unwrap_or(0) + 2);
    let room = area.width.saturating_sub(4 + taken);
    if let Some(text) = &running {
        pen.put_right(area.x, area.y, area.width - 1, text, Role::Accent);
    }
    if let Some(notice) = notice {
        let (mark, mark_role, role) = match notice.tone {
            Tone::Plain => ("·", Role::Soft, Role::Text),
            Tone::Good => ("✓", Role::Good, Role::Text),
            Tone::Bad => ("✗", Role::Bad, Role::Text),
        };
        pen.put(area.x + 1, area.y, 1, mark, mark_role);
        let lines = text::wrap_cut(&notice.text, usize::from(room), usize::from(area.height));
        for (y, line) in (area.y..area.bottom()).zip(&lines) {
            pen.put(area.x + 3, y, room, line, role);
        }
    } else if let Some(trial) = state.trial.as_ref().filter(|_| state.overlay().is_none()) {
        let stage = trial.stage.map_or("connecting", words::stage);
        let since = words::duration(state.clock.running.saturating_sub(trial.since));
        let text = format!("Testing {}: {stage}… {since}  (Esc stops)", trial.name);
        pen.put(area.x + 1, area.y, 1, super::spinner(state), Role::Soft);
        pen.put(area.x + 3, area.y, room, &text::cut(&text, usize::from(room)), Role::Text);
    } else if let Some(text) = doing {
        pen.put(area.x + 1, area.y, 1, super::spinner(state), Role::Soft);
        pen.put(area.x + 3, area.y, room, &text::cut(&text, usize::from(room)), Role::Text);
    } else if !state.waiting.is_empty() && state.overlay().is_some() {
        let text = format!(
            "{} after this",
            words::plural(state.waiting.len() as u64, "question waits", "questions wait")
        );
        pen.put(area.x + 3, area.y, room, &text::cut(&text, usize::from(room)), Role::Soft);
    } else if let Phase::Lost(lost) = &state.active().phase {
        // What was answered last, before that, is not how things stand.
        let words = words::error(&lost.error);
        let text = format!("{}: {}", words.what, words.said);
        pen.put(area.x + 1, area.y, 1, "✗", Role::Bad);
        pen.put(area.x + 3, area.y, room, &text::cut(&text, usize::from(room)), Role::Text);
    } else if let Some((text, mark, role)) = unseen(state) {
        pen.put(area.x + 1, area.y, 1, mark, role);
        pen.put(area.x + 3, area.y, room, &text::cut(&text, usize::from(room)), Role::Text);
    } else if let Some(line) = state.log.lines.back() {
        let (text, mark, role) = log::said(line, usize::from(room));
        pen.put(area.x + 1, area.y, 1, mark, role);
        pen.put(area.x + 3, area.y, room, &text, role);
    }
}

/// What the other pane waits for, or what is wrong with it, where only one is seen at a time.
fn unseen(state: &State) -> Option<(String, &'static str, Role)> {
    if !layout::shows_one_pane(state.size) || state.overlay().is_some() {
        return None;
    }
    let pane = state.pane(state.active.other());
    let shows = format!("{} shows it", key(state, Action::OtherPane));
    let failed = |error: &crate::fs::Error| {
        let words = words::error(error);
        let place = error.place().map(|place| format!("{}: ", words::escape(place))).unwrap_or_default();
        let said = if words.title == "Not connected" { words.said } else { words.title.to_owned() };
        format!("{shows} · {place}{said}")
    };
    Some(match &pane.phase {
        Phase::Connecting(connecting) => {
            let stage = connecting.stage.map_or("connecting", words::stage);
            let since = words::duration(state.clock.running.saturating_sub(connecting.since));
            (format!("{stage} {since} · {shows} · {}", connecting.label), super::spinner(state), Role::Soft)
        }
        Phase::Failed(error) if error.kind() != crate::fs::ErrorKind::Cancelled => {
            (failed(error), "✗", Role::Bad)
        }
        Phase::Lost(lost) => (failed(&lost.error), "✗", Role::Bad),
        Phase::Failed(_) | Phase::Listing(_) | Phase::Ready => return None,
    })
}

/// What is waited for beside what panes and panel show, and for how long.
fn doing(state: &State) -> Option<String> {
    /// What is over sooner needs no word.
    const FELT: std::time::Duration = std::time::Duration::from_millis(300);
    let edits = state.edits.iter().filter(|edit| edit.fate.is_none()).map(|edit| match edit.draft {
        None => (edit.job, format!("Fetching {}", edit.name), true),
        Some(_) => (edit.job, format!("Putting {} back", edit.name), false),
    });
    let shell =
        state.opening_shell.iter().map(|(job, name)| (*job, format!("Opening a shell on {name}"), true));
    let errands = state.errands.iter().map(|errand| (errand.job, errand.doing.clone(), true));
    let (job, what, stops) =
        edits.chain(shell).chain(errands).find(|(job, ..)| state.waited(*job) >= FELT)?;
    let stops = if stops { format!(" ({} stops)", key(state, Action::Cancel)) } else { String::new() };
    Some(format!("{what}… {}{stops}", words::duration(state.waited(job))))
}

/// What the keys do here.
pub(super) fn hints(pen: &mut Pen<'_>, state: &State, area: Rect) {
    let is_tour = matches!(state.overlay(), Some(Overlay::Tour));
    for hint in layout::hints::hints(area, state) {
        let Rect { x, y, width, .. } = hint.area;
        let key = if is_tour { Role::Soft } else { Role::Accent };
        let x = pen.put(x, y, width, &hint.key.to_string(), key);
        pen.put(x + 1, y, hint.area.right().saturating_sub(x + 1), &hint.name, Role::Soft);
    }
}
