//! The terminal: set up, drawn to, and restored on every way out: return, error, panic, signal.
//! Must know nothing of what is drawn.

pub(super) mod background;
pub(super) mod signs;
mod sixteen;

use std::{
    cell::Cell,
    fs::File,
    io::{self, BufWriter, Stdout, Write, stdout},
    panic::{self, PanicHookInfo},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use crossterm::{
    cursor::Show,
    event::{DisableBracketedPaste, EnableBracketedPaste},
    execute, queue,
    terminal::{
        BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen,
        LeaveAlternateScreen, SetTitle, disable_raw_mode, enable_raw_mode,
    },
};
use nix::{
    sys::{
        signal::{self, SigSet, Signal},
        termios::{SetArg, Termios, tcgetattr, tcsetattr},
    },
    unistd::{Pid, getpgrp, tcsetpgrp},
};
use ratatui::{Frame, backend::CrosstermBackend, layout::Size};
use sixteen::Sixteen;

use super::theme::Depth;

/// Presses, drags and the wheel, with SGR coordinates. `EnableMouseCapture` would report every
/// motion as well, which wakes the program for nothing.
const MOUSE_ON: &[u8] = b"\x1b[?1000h\x1b[?1002h\x1b[?1006h";
/// Whether the terminal is being looked at.
const FOCUS_ON: &[u8] = b"\x1b[?1004h";
const FOCUS_OFF: &[u8] = b"\x1b[?1004l";
/// The window's title as it was, put aside and back (xterm's window operations); a terminal that
/// cannot do so is left with none.
const TITLE_KEPT: &[u8] = b"\x1b[22;0t";
const TITLE_BACK: &[u8] = b"\x1b]0;\x1b\\\x1b[23;0t";
const MOUSE_OFF: &[u8] = b"\x1b[?1006l\x1b[?1002l\x1b[?1000l";

static ACTIVE: AtomicBool = AtomicBool::new(false);
/// Panics of other threads: shown once the screen is the shell's again.
static ELSEWHERE: Mutex<Vec<String>> = Mutex::new(Vec::new());

thread_local! {
    /// Whether this thread is running the UI right now.
    static IN_UI: Cell<bool> = const { Cell::new(false) };
}

type Hook = Arc<dyn Fn(&PanicHookInfo<'_>) + Send + Sync>;

/// What a terminal was like when it was lent.
pub(super) struct Lent {
    tty: Option<File>,
    settings: Option<Termios>,
}

/// The terminal while the UI has it. Dropping it restores everything.
pub(super) struct Terminal {
    inner: ratatui::Terminal<CrosstermBackend<BufWriter<Sixteen<Stdout>>>>,
    previous: Hook,
    /// Only sixteen colours are known there.
    sixteen: Arc<AtomicBool>,
}

impl Terminal {
    pub(super) fn start() -> io::Result<Terminal> {
        let previous: Hook = Arc::from(panic::take_hook());
        let hook = previous.clone();
        panic::set_hook(Box::new(move |info| on_panic(info, &hook)));
        let sixteen = Arc::default();
        let inner = set_up(&sixteen).inspect_err(|_| restore());
        match inner {
            Ok(inner) => Ok(Terminal { inner, previous, sixteen }),
            Err(error) => {
                panic::set_hook(Box::new(move |info| previous(info)));
                Err(error)
            }
        }
    }

    pub(super) fn size(&self) -> io::Result<Size> {
        self.inner.size()
    }

    /// Gives the terminal to the shell, and takes it again when that continues the program.
    pub(super) fn suspend(&mut self) -> io::Result<()> {
        restore();
        // Everything in the foreground, as the terminal's own key for it does. Where no shell
        // waits, nothing stops, and this goes on at once.
        let _ = signal::kill(Pid::from_raw(0), Signal::SIGTSTP);
        self.retake()
    }

    /// Gives the terminal to another program. What it is to be like afterwards.
    pub(super) fn leave(&mut self) -> Lent {
        restore();
        let tty = File::options().read(true).write(true).open("/dev/tty").ok();
        let settings = tty.as_ref().and_then(|tty| tcgetattr(tty).ok());
        Lent { tty, settings }
    }

    /// Takes it back, whatever that program did to it.
    pub(super) fn enter(&mut self, lent: Lent) -> io::Result<()> {
        // A program that was killed leaves it as it had made it, and perhaps as its own: then
        // only who does not mind SIGTTOU can take it.
        let mut minds = SigSet::empty();
        minds.add(Signal::SIGTTOU);
        let blocked = minds.thread_block();
        if let (Some(tty), Some(settings)) = (&lent.tty, &lent.settings) {
            let _ = tcsetpgrp(tty, getpgrp());
            let _ = tcsetattr(tty, SetArg::TCSADRAIN, settings);
        }
        if blocked.is_ok() {
            let _ = minds.thread_unblock();
        }
        self.retake()
    }

    /// Takes the terminal again from whoever had it, to draw all of it anew.
    pub(super) fn retake(&mut self) -> io::Result<()> {
        restore();
        self.inner = set_up(&self.sixteen)?;
        Ok(())
    }

    /// Draws a frame in so many colours; the terminal shows all of it at once.
    pub(super) fn draw(&mut self, depth: Depth, render: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.sixteen.store(depth == Depth::Sixteen, Ordering::Relaxed);
        queue!(self.inner.backend_mut(), BeginSynchronizedUpdate)?;
        self.inner.draw(render)?;
        execute!(self.inner.backend_mut(), EndSynchronizedUpdate)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        restore();
        // The hook cannot be changed while a panic is on its way.
        if !std::thread::panicking() {
            let previous = self.previous.clone();
            panic::set_hook(Box::new(move |info| previous(info)));
        }
        for text in std::mem::take(&mut *ELSEWHERE.lock().unwrap_or_else(PoisonError::into_inner)) {
            let _ = writeln!(io::stderr(), "{text}");
        }
    }
}

fn set_up(
    sixteen: &Arc<AtomicBool>,
) -> io::Result<ratatui::Terminal<CrosstermBackend<BufWriter<Sixteen<Stdout>>>>> {
    ACTIVE.store(true, Ordering::SeqCst);
    enable_raw_mode()?;
    let mut out = stdout();
    // Cleared here: ratatui's `clear` asks the terminal where its cursor is, and fails on one that
    // does not answer, or not in time.
    execute!(out, EnterAlternateScreen, Clear(ClearType::All), EnableBracketedPaste)?;
    out.write_all(MOUSE_ON)?;
    out.write_all(FOCUS_ON)?;
    out.write_all(TITLE_KEPT)?;
    out.flush()?;
    let out = Sixteen::new(stdout(), sixteen.clone());
    ratatui::Terminal::new(CrosstermBackend::new(BufWriter::with_capacity(64 * 1024, out)))
}

/// Gives the terminal back. Does so once, whoever comes first.
fn restore() {
    if !ACTIVE.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = stdout();
    // Each step is tried even where another one failed: a half-restored terminal is the worst.
    let _ = out.write_all(MOUSE_OFF);
    let _ = out.write_all(FOCUS_OFF);
    let _ = out.write_all(TITLE_BACK);
    signs::clear(&mut out);
    let _ = execute!(out, EndSynchronizedUpdate);
    let _ = execute!(out, DisableBracketedPaste);
    let _ = execute!(out, LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
    let _ = out.flush();
}

fn on_panic(info: &PanicHookInfo<'_>, previous: &Hook) {
    if IN_UI.get() || !ACTIVE.load(Ordering::SeqCst) {
        restore();
        previous(info);
    } else {
        // Not ours: the UI goes on, and its screen stays clean.
        let thread = std::thread::current().name().unwrap_or("unnamed").to_owned();
        ELSEWHERE.lock().unwrap_or_else(PoisonError::into_inner).push(format!("thread {thread}: {info}"));
    }
}

/// Marks the thread that runs the future while it runs, so that a panic in it is known as ours.
pub(super) async fn watched<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|context| {
        IN_UI.set(true);
        let result = future.as_mut().poll(context);
        IN_UI.set(false);
        result
    })
    .await
}

/// Sets the window's title; the text is escaped already.
pub(super) fn set_title(title: &str) {
    // A terminal without titles is no reason to fail.
    let _ = execute!(stdout(), SetTitle(title));
}
