//! Opening a file with the system's program: one of this machine as it is, one of a server as a
//! copy to read. Must never run the file itself.

use super::{
    edit,
    effect::{Effect, Effects},
};
use crate::{
    fs::{Entry, Kind},
    ui::state::{State, Tone},
    words,
};

/// What a desktop starts rather than shows, by the end of its name.
const LAUNCHERS: [&str; 10] =
    [".desktop", ".command", ".tool", ".terminal", ".app", ".workflow", ".scpt", ".exe", ".lnk", ".appimage"];

/// Opens the file under the cursor.
pub(super) fn open(state: &mut State, fx: &mut Effects) {
    let Some(here) = state.active().usable().cloned() else {
        return state.hint("This pane shows no place that can be worked in now.");
    };
    let Some(item) = state.active().view.current() else {
        return state.hint("Put the cursor on the file to open.");
    };
    let name = words::escape_bytes(&item.entry.name);
    let location = here.join(&item.entry.name);
    let is_local = here.fs.is_local();
    match item.entry.target_kind.unwrap_or(item.entry.kind) {
        Kind::Other => return state.hint(format!("{name} is no file that can be opened.")),
        Kind::Dir if !is_local => {
            return state.hint(format!("{name} is a folder on the server; no program here can open that."));
        }
        _ => {}
    }
    if would_run(&item.entry, is_local) {
        return state
            .hint(format!("{name} is a program. wharf opens files, and runs none; $ leads to a shell."));
    }
    if is_local {
        state.hint(format!("Opening {name} with the system's program."));
        fx.push(Effect::Open { path: location.path, read_only: false });
    } else {
        edit::fetch(state, location, name, true, fx);
    }
}

/// Whether opening it might mean starting it. The mode counts where the file itself is opened: a
/// copy has none of its rights.
fn would_run(entry: &Entry, is_local: bool) -> bool {
    let name = String::from_utf8_lossy(&entry.name).to_lowercase();
    let is_file = entry.target_kind.unwrap_or(entry.kind) == Kind::File;
    let may_run = entry.attributes.mode.is_some_and(|mode| mode & 0o111 != 0);
    LAUNCHERS.iter().any(|end| name.ends_with(end)) || is_local && is_file && may_run
}

/// No program has opened it.
pub(super) fn failed(state: &mut State, name: &str, why: &str) {
    let (name, why) = (words::escape(name), words::escape(why));
    state.say(
        Tone::Bad,
        format!("Could not open {name}: {why}. $WHARF_OPENER names the program to open files with."),
    );
}
