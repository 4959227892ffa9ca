//! Commands on this machine, by the shell, in a directory. Must never read from a terminal.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt, os::unix::process::ExitStatusExt, process::Stdio};

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, stream};
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
        .kill_on_drop(true)
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

struct Running {
    child: Child,
    /// Gone at their ends.
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    dir: RemotePath,
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
                let name = signal.and_then(|number| nix::sys::signal::Signal::try_from(number).ok());
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
