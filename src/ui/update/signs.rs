//! What goes to the terminal beside the screen and comes from it beside keys: progress,
//! notifications, the clipboard, and what is pasted into a pane.

use std::time::Duration;

use super::{
    effect::{Effect, Effects, Sign},
    places,
};
use crate::{
    engine::JobId,
    fs::Location,
    ui::{
        state::{Bar, Deed, Notice, Overlay, Side, State, Tone, Transfers},
        text,
    },
    words,
};

/// A job that took less is no news.
const LONG: Duration = Duration::from_secs(10);
/// Terminals take no more at once, in bytes before they are encoded.
const CLIPBOARD: usize = 64 * 1024;
/// No path is longer, in bytes.
const LONGEST: usize = 4096;
/// Columns of what is shown of a pasted line.
const SHOWN: usize = 200;

/// Tells the terminal how far all that runs is, when that changes.
pub(super) fn tell_progress(state: &mut State, fx: &mut Effects) {
    let bar = bar(&state.transfers);
    if bar != state.bar {
        state.bar = bar;
        fx.push(Effect::Terminal(Sign::Bar(bar)));
    }
}

fn bar(transfers: &Transfers) -> Bar {
    if transfers.running().next().is_none() {
        return Bar::None;
    }
    match transfers.share() {
        None => Bar::Busy,
        Some(share) => Bar::Percent((share * 100.0).floor() as u8),
    }
}

/// Tells whoever looks elsewhere that a long job has ended.
pub(super) fn notify(state: &State, job: JobId, notice: Option<&Notice>, fx: &mut Effects) {
    let long =
        state.transfers.jobs.iter().any(|transfer| transfer.job == job && transfer.progress.elapsed >= LONG);
    if let Some(notice) = notice.filter(|_| long && !state.focused) {
        fx.push(Effect::Terminal(Sign::Notify(text::cut(&notice.text, SHOWN))));
    }
}

/// Hands the paths of what is selected to the terminal, one a line: as they are on this machine,
/// as URLs elsewhere.
pub(super) fn copy_paths(state: &mut State, fx: &mut Effects) {
    let Some(here) = state.active().usable().cloned() else {
        return state.hint("This pane shows no place.");
    };
    let mut all: Vec<Location> =
        state.active().view.targets().iter().map(|item| here.join(&item.entry.name)).collect();
    if all.is_empty() {
        // On `..` it is the folder itself.
        all.push(here);
    }
    let lines: Vec<Vec<u8>> = all
        .iter()
        .map(|location| match location.fs.is_local() {
            true => location.path.as_bytes().to_vec(),
            false => places::place_of(state, location).to_url().into_bytes(),
        })
        .collect();
    let bytes = lines.join(&b'\n');
    if bytes.len() > CLIPBOARD {
        return state.say(Tone::Bad, "These are more paths than a terminal's clipboard takes.");
    }
    fx.push(Effect::Terminal(Sign::Clipboard(bytes)));
    let what = words::plural(all.len() as u64, "path", "paths");
    // Whether it takes them, a terminal does not say.
    state.hint(format!("Handed {what} to the terminal's clipboard."));
}

/// A paste where nothing is typed: the way to a place.
pub(super) fn paste(state: &mut State, text: &str, fx: &mut Effects) {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let Some(first) = lines.first().map(|line| unquoted(line)) else { return };
    let is_place = first.starts_with(['~', '.']) || first.contains(['/', ':']);
    if !is_place || first.len() > LONGEST || first.chars().any(char::is_control) {
        return state.hint("What was pasted is no path and no URL.");
    }
    let side = state.active;
    if lines.len() == 1 {
        return go_to(state, side, first, fx);
    }
    let said = [
        format!("{} were pasted. The first is", words::plural(lines.len() as u64, "line", "lines")),
        text::cut(&words::escape(first), SHOWN),
    ];
    let deed = Deed::GoTo { side, text: first.to_owned() };
    state.overlays.push(Overlay::Confirm { deed, lines: said.into(), choice: 0, scroll: 0 });
}

/// As a shell or a desktop quotes it.
fn unquoted(line: &str) -> &str {
    ['\'', '"'].into_iter().find_map(|quote| line.strip_prefix(quote)?.strip_suffix(quote)).unwrap_or(line)
}

/// Goes to what was pasted.
pub(super) fn go_to(state: &mut State, side: Side, text: &str, fx: &mut Effects) {
    if let Err(error) = places::go_to_text(state, side, text, fx) {
        state.say(Tone::Bad, words::error(&error).to_string());
    }
}
