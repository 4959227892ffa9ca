//! A terminal with the program in it: keys in, the screen as a person sees it out. Waits for
//! what it expects, never for time to pass. Must know nothing of what the program is for.

use std::{
    ffi::OsStr,
    io::{Read, Write},
    path::Path,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use nix::{
    libc,
    sys::signal::{Signal, kill},
};
use portable_pty::{Child, CommandBuilder, ExitStatus, PtyPair, PtySize, native_pty_system};

/// How long anything may take on a slow machine that does other things as well.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub const F1: &str = "\x1bOP";
pub const F5: &str = "\x1b[15~";
pub const F7: &str = "\x1b[18~";
pub const F8: &str = "\x1b[19~";
pub const F10: &str = "\x1b[21~";
pub const UP: &str = "\x1b[A";
pub const DOWN: &str = "\x1b[B";
pub const HOME: &str = "\x1b[H";
pub const END: &str = "\x1b[F";
pub const PAGE_DOWN: &str = "\x1b[6~";
pub const ESC: &str = "\x1b";
pub const ENTER: &str = "\r";
pub const TAB: &str = "\t";
pub const CTRL_C: &str = "\x03";
pub const CTRL_G: &str = "\x07";
pub const CTRL_R: &str = "\x12";
/// Deletes the line that is being typed.
pub const CTRL_U: &str = "\x15";

/// Where the active pane's cursor is.
const CURSOR: &str = "│▌";

/// What the terminal has been sent so far.
struct Output {
    parser: vt100::Parser,
    raw: Vec<u8>,
    /// Nobody writes to it any more.
    ended: bool,
}

/// The program in a terminal of its own. Dropping it ends the program.
pub struct Screen {
    child: Box<dyn Child + Send + Sync>,
    writer: Box<dyn Write + Send>,
    // Both ends stay open, so that the terminal's settings can be looked at afterwards.
    pty: PtyPair,
    output: Arc<(Mutex<Output>, Condvar)>,
}

impl Screen {
    /// Starts the program with `home` as home and as directory for temporary files: nothing of
    /// whoever runs the tests is seen or touched.
    pub fn start(columns: u16, rows: u16, home: &Path, arguments: &[&OsStr]) -> Screen {
        Screen::start_with(columns, rows, home, arguments, &[])
    }

    /// The same with more in its environment.
    pub fn start_with(
        columns: u16,
        rows: u16,
        home: &Path,
        arguments: &[&OsStr],
        environment: &[(&str, &OsStr)],
    ) -> Screen {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pty = native_pty_system().openpty(size).expect("a pty");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_wharf"));
        command.args(arguments);
        command.env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", home);
        command.env("TMPDIR", home);
        command.env("TERM", "xterm-256color");
        environment.iter().for_each(|(name, value)| command.env(name, value));
        command.cwd(home);
        let child = pty.slave.spawn_command(command).expect("the program starts");
        let writer = pty.master.take_writer().expect("its keyboard");
        let reader = pty.master.try_clone_reader().expect("its screen");
        let output = Output { parser: vt100::Parser::new(rows, columns, 0), raw: Vec::new(), ended: false };
        let output = Arc::new((Mutex::new(output), Condvar::new()));
        thread::spawn({
            let output = output.clone();
            move || read(reader, &output)
        });
        Screen { child, writer, pty, output }
    }

    /// Presses keys.
    pub fn press(&mut self, keys: &str) {
        self.writer.write_all(keys.as_bytes()).and_then(|()| self.writer.flush()).expect("it reads its keys");
    }

    /// What the screen shows, line by line.
    pub fn text(&self) -> String {
        lock(&self.output.0).parser.screen().contents()
    }

    /// Every byte that the program has written.
    pub fn raw(&self) -> Vec<u8> {
        lock(&self.output.0).raw.clone()
    }

    pub fn wait_for(&self, text: &str) {
        self.wait_until(text, |screen| screen.contents().contains(text));
    }

    pub fn wait_until_gone(&self, text: &str) {
        self.wait_until(&format!("no {text}"), |screen| !screen.contents().contains(text));
    }

    /// Waits until the screen is as wanted. Panics with the screen where it never is.
    pub fn wait_until(&self, what: &str, wanted: impl Fn(&vt100::Screen) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        let (output, changed) = &*self.output;
        let mut output = lock(output);
        while !wanted(output.parser.screen()) {
            let left = deadline.saturating_duration_since(Instant::now());
            let screen = output.parser.screen().contents();
            assert!(!left.is_zero(), "the screen never showed {what:?}:\n{screen}");
            assert!(!output.ended, "the program ended before it showed {what:?}:\n{screen}");
            output = changed.wait_timeout(output, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until the program has written `bytes` behind the first `from` ones.
    pub fn wait_for_raw(&self, from: usize, bytes: &[u8]) {
        let deadline = Instant::now() + PATIENCE;
        let (output, changed) = &*self.output;
        let mut output = lock(output);
        while !output.raw.get(from..).is_some_and(|raw| raw.windows(bytes.len()).any(|part| part == bytes)) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "the program never wrote {:?}", String::from_utf8_lossy(bytes));
            output = changed.wait_timeout(output, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Moves the cursor of the active pane to a name that can be seen.
    pub fn go_to(&mut self, name: &str) {
        self.wait_until(name, |screen| in_pane(screen, name).is_some());
        let (row, cursor) = {
            let output = lock(&self.output.0);
            let screen = output.parser.screen();
            let cursor = rows(screen).position(|line| line.contains(CURSOR)).expect("a cursor");
            (in_pane(screen, name).expect("it was there"), cursor)
        };
        let (key, steps) = if row < cursor { (UP, cursor - row) } else { (DOWN, row - cursor) };
        self.press(&key.repeat(steps));
        self.wait_until(&format!("the cursor on {name}"), |screen| {
            rows(screen).nth(row).is_some_and(|line| line.contains(CURSOR))
        });
    }

    /// Types a line and enters it.
    pub fn enter(&mut self, text: &str) {
        self.press(text);
        self.press(ENTER);
    }

    pub fn resize(&self, columns: u16, rows: u16) {
        // The parser first: what is drawn for the new size must find it.
        set_size(&mut lock(&self.output.0).parser, columns, rows);
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        self.pty.master.resize(size).expect("a new size");
    }

    pub fn send(&self, signal: Signal) {
        kill(self.pid(), signal).expect("it runs");
    }

    pub fn pid(&self) -> nix::unistd::Pid {
        let pid = self.child.process_id().expect("it runs");
        nix::unistd::Pid::from_raw(pid.try_into().expect("a process id"))
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("its status").is_none()
    }

    /// Waits for the end of the program.
    pub fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("its status") {
                return status;
            }
            assert!(Instant::now() < deadline, "the program does not end:\n{}", self.text());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Holds a program that has ended to having given the terminal back.
    pub fn assert_given_back(&self) {
        assert!(self.is_cooked(), "lines are edited and echoed again");
        // Its last words may still be on their way to the parser.
        self.wait_for_raw(0, b"\x1b[?1049l");
        self.wait_until("the shell's screen", |screen| {
            !screen.alternate_screen()
                && !screen.hide_cursor()
                && !screen.bracketed_paste()
                && screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None
        });
        let raw = self.raw();
        for mode in ["1049", "1000", "1002", "1004", "1006", "2004", "25"] {
            let (on, off) = if mode == "25" { ("h", "l") } else { ("l", "h") };
            let last = |end: &str| {
                let code = format!("\x1b[?{mode}{end}");
                raw.windows(code.len()).rposition(|part| part == code.as_bytes())
            };
            assert!(last(on) > last(off), "mode {mode} is left as it was");
        }
    }

    /// Whether the terminal edits lines and echoes, as a shell wants it.
    pub fn is_cooked(&self) -> bool {
        let settings = self.pty.master.get_termios().expect("its settings");
        let wanted = libc::ECHO | libc::ICANON | libc::ISIG;
        settings.local_flags.bits() & wanted == wanted
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sizes at which the emulator itself would fail are not given to it: it counts below nothing where
/// a line wraps on a screen of one row, or a wide character comes to one of one column. So it keeps
/// two of each, and the program alone is told the truth. Nor does it bear half of a wide character:
/// one that the new edge cuts is blanked.
pub fn set_size(parser: &mut vt100::Parser, columns: u16, rows: u16) {
    let (columns, rows) = (columns.max(2), rows.max(2));
    let before = parser.screen().size();
    if columns < before.1 {
        let (row, column) = parser.screen().cursor_position();
        for at in 0..before.0 {
            if parser.screen().cell(at, columns - 1).is_some_and(|cell| cell.is_wide()) {
                parser.process(format!("\x1b[{};{columns}H ", at + 1).as_bytes());
            }
        }
        parser.process(format!("\x1b[{};{}H", row + 1, column + 1).as_bytes());
    }
    parser.screen_mut().set_size(rows, columns);
}

fn read(mut from: Box<dyn Read + Send>, output: &(Mutex<Output>, Condvar)) {
    let mut buffer = [0; 16 * 1024];
    loop {
        let read = from.read(&mut buffer);
        let mut output_now = lock(&output.0);
        match read {
            Ok(0) | Err(_) => output_now.ended = true,
            Ok(count) => {
                output_now.raw.extend_from_slice(&buffer[..count]);
                output_now.parser.process(&buffer[..count]);
            }
        }
        output.1.notify_all();
        if output_now.ended {
            return;
        }
    }
}

/// The lines of the screen.
pub fn rows(screen: &vt100::Screen) -> impl Iterator<Item = String> + '_ {
    screen.rows(0, screen.size().1)
}

/// The line of the active pane that shows `name`: the pane with the cursor's mark.
fn in_pane(screen: &vt100::Screen, name: &str) -> Option<usize> {
    let columns = screen.size().1;
    let half = columns / 2;
    let left = screen.rows(0, half).any(|line| line.contains(CURSOR));
    let (start, width) = if left { (0, half) } else { (half, columns - half) };
    screen.rows(start, width).position(|line| {
        let shown = line.trim_start_matches(['│', '▌', '▏', ' ', '*']);
        shown.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
