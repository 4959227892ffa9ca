//! Other programs that get the terminal for a while: the editor, the shell. Must touch neither
//! the screen nor the state.

use std::{env, ffi::OsStr, os::unix::ffi::OsStrExt, os::unix::process::ExitStatusExt};

use tokio::{
    process::Command,
    signal::unix::{SignalKind, signal},
};

use super::update::Outside;

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
        Outside::Shell { dir } => {
            let mut command = Command::new(set("SHELL").unwrap_or_else(|| "/bin/sh".into()));
            command.current_dir(OsStr::from_bytes(dir.as_bytes()));
            command
        }
    };
    let status = command.kill_on_drop(true).status().await.map_err(|error| error.to_string())?;
    Ok(status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1))
}
