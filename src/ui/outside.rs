//! Other programs that get the terminal for a while, the editor and the shell, and those that
//! open files beside it. Must touch neither the screen nor the state.

pub(super) mod remote;

use std::{
    env,
    ffi::{OsStr, OsString},
    fs::{Permissions, set_permissions},
    os::unix::{ffi::OsStrExt, fs::PermissionsExt, process::ExitStatusExt},
    path::Path,
    process::Stdio,
};

use tokio::{
    process::Command,
    signal::unix::{SignalKind, signal},
};

use super::update::Outside;
use crate::fs::RemotePath;

/// What edits where the person has chosen nothing.
const EDITORS: &str = "if command -v vi >/dev/null 2>&1; then exec vi \"$@\"; else exec nano \"$@\"; fi";

/// Runs it to its end; its exit status, as a shell counts it, or why it did not start.
pub(super) async fn run(outside: &Outside) -> Result<i32, String> {
    // Ctrl-\ in the other program would end this one: it comes to both.
    let _quit = signal(SignalKind::quit());
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    let mut command = match outside {
        Outside::Edit { path, .. } => {
            // A line for the shell, as elsewhere: it may have arguments.
            let line = match set("VISUAL").or_else(|| set("EDITOR")) {
                Some(mut editor) => {
                    editor.push(" \"$@\"");
                    editor
                }
                None => EDITORS.into(),
            };
            let mut command = Command::new("sh");
            command.arg("-c").arg(line).arg("sh").arg(OsStr::from_bytes(path.as_bytes()));
            command
        }
        // Its job's shell was closed before it could be shown.
        Outside::Remote { .. } => return Err("it is not there any more".to_owned()),
        Outside::Shell { dir } => {
            let mut command = Command::new(set("SHELL").unwrap_or_else(|| "/bin/sh".into()));
            command.current_dir(OsStr::from_bytes(dir.as_bytes()));
            command
        }
    };
    let status = command.kill_on_drop(true).status().await.map_err(|error| error.to_string())?;
    Ok(status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1))
}

/// The system's program for opening files.
const OPENER: &str = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };

/// Has the system's program open a file, on its own and without the terminal. Ends when that
/// program does, with what went wrong.
pub(super) async fn open(path: &RemotePath, read_only: bool) -> Result<(), String> {
    let file = OsStr::from_bytes(path.as_bytes());
    if read_only {
        // To be seen as such by whatever opens it.
        let _ = set_permissions(Path::new(file), Permissions::from_mode(0o400));
    }
    let chosen = env::var_os("WHARF_OPENER").filter(|opener| !opener.is_empty());
    let line = match &chosen {
        // A line for the shell, as $EDITOR is.
        Some(opener) => {
            let mut line = opener.clone();
            line.push(" \"$@\"");
            line
        }
        None => OsString::from(format!("exec {OPENER} \"$@\"")),
    };
    let mut command = Command::new("sh");
    command.arg("-c").arg(line).arg("sh").arg(file);
    // What it opens may live longer than this program, and must not be tied to its terminal.
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    let status = command.status().await.map_err(|error| error.to_string())?;
    // xdg-open's own statuses, where it is that.
    Err(match status.code() {
        Some(0) => return Ok(()),
        Some(127) if chosen.is_none() => format!("there is no {OPENER} here"),
        Some(127) => "$WHARF_OPENER is not there".to_owned(),
        Some(3) if chosen.is_none() => "no program is set for such files".to_owned(),
        Some(status) => format!("the program ended with exit status {status}"),
        None => "the program was ended by a signal".to_owned(),
    })
}
