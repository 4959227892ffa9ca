//! A shell of a server on this terminal: keys go there as they are typed, and what it shows comes
//! here as it is, as with ssh. Must not look into either, but for ssh's own way out: Enter, ~, dot.

use std::{
    io::{self, Write, stdin, stdout},
    os::fd::{AsFd, OwnedFd},
    thread::{self, JoinHandle},
};

use bytes::Bytes;
use crossterm::terminal::{disable_raw_mode, enable_raw_mode, size};
use futures::StreamExt;
use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    unistd::pipe,
};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};

use crate::{
    fs::{Output, RemoteTerminal, Typed},
    words,
};

/// What a program that was cut off may have left behind: mouse reports, focus reports, bracketed
/// paste, application keys, another screen, a hidden cursor, colours.
const SOBER: &[u8] = b"\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1004l\x1b[?2004l\x1b[?1l\x1b>\
\x1b[?1049l\x1b[?25h\x1b[0m\r\n";

/// Shows the shell until it ends; its exit status, or why it has none.
pub(in crate::ui) async fn show(terminal: RemoteTerminal, name: &str) -> Result<i32, String> {
    let RemoteTerminal { typed, mut shown } = terminal;
    let failed = |error: io::Error| error.to_string();
    let _raw = Raw::start().map_err(failed)?;
    let (mut keyboard, mut keys) = Keyboard::start().map_err(failed)?;
    // Whoever reads it may type: what is typed before the keys are raw would be another's.
    let words = format!("A shell on {name}. `exit` leads back; Enter, ~ and . end it when it hangs.\r\n");
    stdout().write_all(words.as_bytes()).and_then(|()| stdout().flush()).map_err(failed)?;
    let mut resized = signal(SignalKind::window_change()).map_err(failed)?;
    // It may have changed since the shell was asked for.
    tell_size(&typed);
    let mut way_out = WayOut::default();
    let mut waiting: Option<Bytes> = None;
    let ended = loop {
        tokio::select! {
            room = typed.reserve(), if waiting.is_some() => {
                let keys = waiting.take();
                // Where there is no room ever again, the shell ends: how, it says itself.
                if let (Ok(room), Some(keys)) = (room, keys) {
                    room.send(Typed::Keys(keys));
                }
            }
            output = shown.next() => match output {
                Some(Ok(Output::Stdout(bytes) | Output::Stderr(bytes))) => {
                    let mut out = stdout();
                    out.write_all(&bytes).and_then(|()| out.flush()).map_err(failed)?;
                }
                Some(Ok(Output::Exited(status))) => break Ok(i32::try_from(status).unwrap_or(255)),
                Some(Ok(Output::Killed(_))) => break Ok(255),
                Some(Err(error)) => break Err(words::error(&error).said),
                None => break Ok(255),
            },
            bytes = keys.recv(), if waiting.is_none() => match bytes {
                Some(bytes) if way_out.is_taken(&bytes) => break Ok(255),
                Some(bytes) => waiting = Some(bytes),
                None => break Err("the keyboard is gone".to_owned()),
            },
            _ = resized.recv() => tell_size(&typed),
        }
    };
    // Nobody takes keys any more: its thread must not wait for that.
    drop(keys);
    keyboard.stop();
    let mut out = stdout();
    let _ = out.write_all(SOBER).and_then(|()| out.flush());
    ended
}

fn tell_size(typed: &mpsc::Sender<Typed>) {
    if let Ok((columns, rows)) = size() {
        let _ = typed.try_send(Typed::Size(columns, rows));
    }
}

/// Every key is a byte for the shell while this is held.
struct Raw;

impl Raw {
    fn start() -> io::Result<Raw> {
        enable_raw_mode().map(|()| Raw)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let _ = disable_raw_mode();
    }
}

/// A thread that reads the keyboard, and can be stopped before it has taken a key too many.
struct Keyboard {
    /// Closing it stops the thread.
    running: Option<OwnedFd>,
    thread: Option<JoinHandle<()>>,
}

impl Keyboard {
    fn start() -> io::Result<(Keyboard, mpsc::Receiver<Bytes>)> {
        let (stopped, running) = pipe()?;
        let (sender, keys) = mpsc::channel(64);
        let thread = thread::Builder::new().name("keys".into()).spawn(move || read(&stopped, &sender))?;
        Ok((Keyboard { running: Some(running), thread: Some(thread) }, keys))
    }

    fn stop(&mut self) {
        self.running = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        self.stop();
    }
}

fn read(stopped: &OwnedFd, keys: &mpsc::Sender<Bytes>) {
    let input = stdin();
    let mut buffer = [0; 4096];
    loop {
        let mut ready =
            [PollFd::new(input.as_fd(), PollFlags::POLLIN), PollFd::new(stopped.as_fd(), PollFlags::POLLIN)];
        match poll(&mut ready, PollTimeout::NONE) {
            Err(nix::errno::Errno::EINTR) => continue,
            Err(_) => return,
            Ok(_) => {}
        }
        // The other end was closed.
        if ready[1].any().unwrap_or(true) {
            return;
        }
        match nix::unistd::read(input.as_fd(), &mut buffer) {
            Ok(0) => return,
            Ok(count) => {
                let bytes = Bytes::copy_from_slice(buffer.get(..count).unwrap_or_default());
                if keys.blocking_send(bytes).is_err() {
                    return;
                }
            }
            Err(nix::errno::Errno::EINTR | nix::errno::Errno::EAGAIN) => {}
            Err(_) => return,
        }
    }
}

/// Looks for Enter, ~ and dot, as ssh's ESCAPE CHARACTERS do.
#[derive(Default)]
struct WayOut {
    /// How many of the three were typed, one after the other. A shell begins at a new line.
    steps: Option<u8>,
}

impl WayOut {
    fn is_taken(&mut self, bytes: &[u8]) -> bool {
        for byte in bytes {
            let steps = self.steps.unwrap_or(1);
            self.steps = Some(match (steps, byte) {
                (_, b'\r' | b'\n') => 1,
                (1, b'~') => 2,
                (2, b'.') => return true,
                _ => 0,
            });
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_enter_tilde_dot_leads_out() {
        let taken = |typed: &[&[u8]]| {
            let mut way_out = WayOut::default();
            typed.iter().any(|bytes| way_out.is_taken(bytes))
        };
        assert!(taken(&[b"~."]));
        assert!(taken(&[b"ls\r~."]));
        assert!(taken(&[b"\r", b"~", b"."]));
        for typed in [&b"a~."[..], b"\r~~.", b"\r.~", b"~a."] {
            assert!(!taken(&[typed]), "{typed:?}");
        }
    }
}
