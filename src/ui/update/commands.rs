//! Commands run where a pane is, and what they print: kept to a bound, escaped, shown as it comes.

use super::{
    effect::{Effect, Effects},
    files::open_field,
};
use crate::{
    engine::{Command, JobId, What},
    fs::{Location, Output},
    ui::{
        sheet,
        state::{CommandOutput, Field, Overlay, State, Typing},
        text,
    },
    words,
};

/// Lines that are kept; the first of more are dropped, and counted.
const MOST_LINES: usize = 2_000;

/// A line without an end is broken after this many bytes.
const LONGEST: usize = 8 << 10;

/// Asks for a command to run in the active pane's folder.
pub(super) fn ask(state: &mut State) {
    match state.active().usable().cloned() {
        Some(here) => open_field(state, Typing::Command(here), Field::default()),
        None => state.hint("This pane shows no place that can be worked in now."),
    }
}

/// Runs what was typed.
pub(super) fn run(state: &mut State, dir: Location, command: &str, fx: &mut Effects) -> Result<(), String> {
    if command.is_empty() {
        return Err("Type a command, as you would in a shell.".to_owned());
    }
    let job = state.fresh_job();
    state.overlays.push(Overlay::Output(Box::new(CommandOutput {
        job: Some(job),
        command: words::escape(command).into_owned(),
        lines: Default::default(),
        rest: Vec::new(),
        rest_is_error: false,
        dropped: 0,
        ended: None,
        scroll: 0,
    })));
    fx.push(Effect::Send(Command::Execute { job, location: dir, command: command.as_bytes().to_vec() }));
    Ok(())
}

/// Stops a command whose output nobody looks at any more.
pub(super) fn give_up(output: &CommandOutput, fx: &mut Effects) {
    if let Some(job) = output.job {
        fx.push(Effect::Send(Command::Cancel { job }));
    }
}

/// What the engine reports of a command.
pub(super) fn on_event(state: &mut State, job: JobId, what: Option<What>) {
    let Some(what) = what else { return };
    // Whoever looks at the end goes on looking at the end.
    let at_end = sheet::sheet(state).is_none_or(|sheet| sheet.scroll >= sheet.last_scroll());
    let width = usize::from(state.size.width).saturating_sub(10).clamp(20, 110);
    let shown = state.overlays.iter_mut().rev().find_map(|overlay| match overlay {
        Overlay::Output(output) if output.job == Some(job) => Some(output),
        _ => None,
    });
    let Some(output) = shown else { return };
    match what {
        What::Output(Output::Stdout(bytes)) => take(output, &bytes, false, width),
        What::Output(Output::Stderr(bytes)) => take(output, &bytes, true, width),
        What::Output(Output::Exited(0)) => output.ended = Some("It has ended well.".to_owned()),
        What::Output(Output::Exited(status)) => {
            output.ended = Some(format!("It has ended with exit status {status}."));
        }
        What::Output(Output::Killed(name)) => {
            output.ended = Some(format!("It was ended by signal {}.", words::escape(&name)));
        }
        What::Failed(error) => output.ended = Some(words::error(&error).to_string()),
        What::Cancelled => output.ended = Some("It was stopped.".to_owned()),
        What::Done(_) => {}
        _ => return,
    }
    if output.ended.is_some() {
        flush(output, width);
        output.job = None;
    }
    if at_end {
        output.scroll = usize::MAX;
    }
}

fn take(output: &mut CommandOutput, bytes: &[u8], is_error: bool, width: usize) {
    if is_error != output.rest_is_error {
        flush(output, width);
        output.rest_is_error = is_error;
    }
    // Only what can still be seen is worth the work.
    for piece in bytes.split_inclusive(|b| *b == b'\n') {
        output.rest.extend_from_slice(piece);
        if piece.ends_with(b"\n") || output.rest.len() > LONGEST {
            flush(output, width);
        }
    }
}

/// Makes lines of what there is.
fn flush(output: &mut CommandOutput, width: usize) {
    let rest = std::mem::take(&mut output.rest);
    if rest.is_empty() {
        return;
    }
    let line = rest.strip_suffix(b"\n").unwrap_or(&rest);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let mut shown = String::new();
    for (at, part) in line.split(|b| *b == b'\t').enumerate() {
        if at > 0 {
            let used = text::width(&shown);
            shown.extend(std::iter::repeat_n(' ', 8 - used % 8));
        }
        shown.push_str(&words::escape_bytes(part));
    }
    let mut left = &shown[..];
    loop {
        let head = text::head(left, width);
        // A cluster that is wider than the line can be shown nowhere.
        let head = if head.is_empty() { left } else { head };
        output.lines.push_back((head.to_owned(), output.rest_is_error));
        left = left.get(head.len()..).unwrap_or_default();
        if left.is_empty() {
            break;
        }
    }
    while output.lines.len() > MOST_LINES {
        output.lines.pop_front();
        output.dropped += 1;
    }
}
