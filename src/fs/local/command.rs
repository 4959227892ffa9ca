//! Commands on this machine, by the shell, in a directory. Must never read from a terminal.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt, os::unix::process::ExitStatusExt, process::Stdio};

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, stream};
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, ChildStderr, ChildStdout, Command},
};

use super::system_path;
use crate::fs::{Error, Operation, Output, OutputStream, RemotePath, Result};

/// Bytes taken at a time.
const CHUNK: usize = 32 << 10;

pub fn execute(dir: &RemotePath, command: &[u8]) -> Result<OutputStream> {
    let mut child = Command::new("/bin/sh")
        .arg("-c")
        .arg(OsStr::from_bytes(command))
        .current_dir(system_path(dir))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|error| Error::io(Operation::Execute, &error).at(dir))?;
    let running =
        Running { stdout: child.stdout.take(), stderr: child.stderr.take(), child, dir: dir.clone() };
    let output = stream::unfold(Some(running), |running| async {
        let mut running = running?;
        match running.next().await {
            Ok(Some(output)) => Some((Ok(output), Some(running))),
            Ok(None) => Some((running.end().await, None)),
            Err(error) => Some((Err(error), None)),
        }
    });
    Ok(output.fuse().boxed())
}

/// Ends with all that it has started when this goes.
struct Running {
    child: Child,
    /// Gone at their ends.
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    dir: RemotePath,
}

impl Drop for Running {
    fn drop(&mut self) {
        // Without an id it has ended and was waited for: the number may be somebody else's by now.
        if let Some(group) = self.child.id().and_then(|id| i32::try_from(id).ok()) {
            let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
        }
    }
}

impl Running {
    async fn next(&mut self) -> Result<Option<Output>> {
        while self.stdout.is_some() || self.stderr.is_some() {
            let (output, read) = tokio::select! {
                read = chunk(&mut self.stdout), if self.stdout.is_some() => (true, read),
                read = chunk(&mut self.stderr), if self.stderr.is_some() => (false, read),
            };
            let bytes = read.map_err(|error| self.failed(&error))?;
            match (bytes.is_empty(), output) {
                (true, true) => self.stdout = None,
                (true, false) => self.stderr = None,
                (false, true) => return Ok(Some(Output::Stdout(bytes))),
                (false, false) => return Ok(Some(Output::Stderr(bytes))),
            }
        }
        Ok(None)
    }

    async fn end(&mut self) -> Result<Output> {
        let status = self.child.wait().await.map_err(|error| self.failed(&error))?;
        Ok(match (status.code(), status.signal()) {
            (Some(code), _) => Output::Exited(code.unsigned_abs()),
            (None, signal) => {
                let name = signal.and_then(|number| Signal::try_from(number).ok());
                Output::Killed(
                    name.map_or_else(String::new, |name| name.as_str().trim_start_matches("SIG").to_owned()),
                )
            }
        })
    }

    fn failed(&self, error: &std::io::Error) -> Error {
        Error::io(Operation::Execute, error).at(&self.dir)
    }
}

/// The next bytes, none at the end.
async fn chunk(from: &mut Option<impl AsyncRead + Unpin>) -> std::io::Result<Bytes> {
    let mut buffer = BytesMut::with_capacity(CHUNK);
    if let Some(from) = from {
        from.read_buf(&mut buffer).await?;
    }
    Ok(buffer.freeze())
}

#[cfg(test)]
mod tests {
    use nix::sys::signal::kill;

    use super::*;

    #[tokio::test]
    async fn what_a_command_has_started_ends_where_it_is_given_up() {
        let command = b"sleep 1000 & echo $!; wait";
        let mut output = execute(&RemotePath::new("/"), command).unwrap();
        let Some(Ok(Output::Stdout(line))) = output.next().await else { panic!("nothing was said") };
        let started: i32 = std::str::from_utf8(&line).unwrap().trim().parse().unwrap();
        drop(output);
        let is_gone = || match std::fs::read_to_string(format!("/proc/{started}/stat")) {
            // Dead, and nobody has asked how it ended.
            Ok(stat) => stat.contains(") Z "),
            Err(_) => kill(Pid::from_raw(started), None).is_err(),
        };
        let since = std::time::Instant::now();
        while !is_gone() {
            assert!(since.elapsed().as_secs() < 10, "it still runs");
            tokio::task::yield_now().await;
        }
    }
}
