//! A server's process: started on a port of its own, watched until it listens there, and ended
//! with everything that it started. Knows no protocol and no configuration.

use std::{
    ffi::OsString,
    fs::{self, File},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;

use super::{
    port::Port,
    process::{descendants, end, signal},
    tail_of,
};

const PATIENCE: Duration = Duration::from_secs(15);

/// Writes a server's files into its directory, and says how it is started on a port.
type Prepare = Box<dyn Fn(&Path, u16) -> Command + Send + Sync>;

/// A running server with the directory that holds all that is its own; both end with this.
pub struct Daemon {
    name: &'static str,
    dir: tempfile::TempDir,
    command: Prepare,
    port: Port,
    /// `None` while it is stopped.
    child: Option<Child>,
}

impl Daemon {
    /// Starts it on a free port of 127.0.0.1 and waits until it listens. Panics with its log
    /// where it does not. `command` gets the directory and the port, writes the configuration
    /// and says what is to be run, in the foreground.
    pub fn start(
        name: &'static str,
        dir: tempfile::TempDir,
        command: impl Fn(&Path, u16) -> Command + Send + Sync + 'static,
    ) -> Daemon {
        let port = Port::pick();
        let child = spawn(name, dir.path(), command(dir.path(), port.number()), port.number())
            .unwrap_or_else(|log| panic!("{name} did not start:\n{log}"));
        Daemon { name, dir, command: Box::new(command), port, child: Some(child) }
    }

    pub fn port(&self) -> u16 {
        self.port.number()
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// What it has said so far: what it printed, then its logs.
    pub fn log(&self) -> String {
        log_of(self.dir.path())
    }

    /// Waits for a line of the log that contains `text`.
    #[track_caller]
    pub fn wait_for_log(&self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.log().contains(text) {
            assert!(Instant::now() < deadline, "{} never logged {text:?}:\n{}", self.name, self.log());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends it, sessions and all; the port stays its own for [`Daemon::restart`].
    pub fn stop(&mut self) {
        if let Some(child) = self.child.take() {
            end(child);
        }
    }

    /// Ends it, sessions and all, and starts it again on the same port.
    pub fn restart(&mut self) {
        self.stop();
        let command = (self.command)(self.dir.path(), self.port());
        let child = spawn(self.name, self.dir.path(), command, self.port());
        self.child = Some(child.unwrap_or_else(|log| panic!("{} did not come back:\n{log}", self.name)));
    }

    /// Cuts every session and goes on listening.
    pub fn cut_sessions(&self) {
        signal(&self.sessions(), Signal::SIGKILL);
    }

    /// Stops every session where it stands, without ending it: from here on nothing answers
    /// there. New ones are served.
    pub fn freeze_sessions(&self) {
        signal(&self.sessions(), Signal::SIGSTOP);
    }

    /// Lets them go on.
    pub fn thaw_sessions(&self) {
        signal(&self.sessions(), Signal::SIGCONT);
    }

    /// The server itself, and all that it has started.
    pub fn processes(&self) -> Vec<u32> {
        let own = self.child.iter().map(Child::id);
        own.chain(self.sessions()).collect()
    }

    fn sessions(&self) -> Vec<u32> {
        self.child.as_ref().map(|child| descendants(child.id())).unwrap_or_default()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.stop();
        if thread::panicking() {
            eprintln!("--- {} on port {}:\n{}", self.name, self.port(), self.log());
        }
    }
}

/// A directory for a server's files that others may enter: it serves as another user.
pub fn directory(name: &str) -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::Builder::new().prefix(&format!("wharf-{name}-")).tempdir();
    let dir = dir.expect("a temporary directory");
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).expect("permissions");
    dir
}

/// Where tests/run has unpacked that server. Panics where it has not.
pub fn unpacked(name: &str, file: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/servers").join(name).join(file);
    assert!(path.exists(), "{} is missing: run tests/run, which gets it", path.display());
    path
}

/// A command for a program of [`unpacked`], with the libraries that came along.
pub fn unpacked_command(name: &str, program: &str) -> Command {
    let program = unpacked(name, program);
    let mut places = Vec::new();
    libraries(&unpacked(name, ""), &mut places);
    let mut command = Command::new(program);
    if !places.is_empty() {
        let path: Vec<OsString> = places.into_iter().map(PathBuf::into_os_string).collect();
        command.env("LD_LIBRARY_PATH", path.join(&OsString::from(":")));
    }
    command
}

/// Every directory below `dir` that holds a shared library.
fn libraries(dir: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            libraries(&path, found);
        } else if entry.file_name().to_string_lossy().contains(".so") && !found.iter().any(|at| at == dir) {
            found.push(dir.to_owned());
        }
    }
}

/// The running server, or the log of one that does not run.
fn spawn(name: &str, dir: &Path, mut command: Command, port: u16) -> Result<Child, String> {
    let printed = dir.join("printed.log");
    let before = fs::metadata(&printed).map_or(0, |m| m.len());
    let out = File::options().create(true).append(true).open(&printed).expect("the log");
    let mut child = command
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(out.try_clone().expect("the log"))
        .stderr(out)
        // Its own group: what is left of it is found by that.
        .process_group(0)
        .spawn()
        .map_err(|error| format!("{name}: {error}"))?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Err(format!("{status}\n{}\n{}", tail_of(&printed, before), log_of(dir)));
        }
        // Asking by connecting would count as a client, and could reach somebody else.
        if listens(child.id(), port) {
            return Ok(child);
        }
        if Instant::now() > deadline {
            end(child);
            return Err(format!("it does not listen after {PATIENCE:?}\n{}", log_of(dir)));
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Whether a process has a socket that listens on a port: proc(5).
fn listens(pid: u32, port: u16) -> bool {
    let Ok(files) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    let open: Vec<String> = files
        .flatten()
        .filter_map(|file| fs::read_link(file.path()).ok())
        .filter_map(|target| Some(target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    ["tcp", "tcp6"].iter().any(|table| {
        let table = fs::read_to_string(format!("/proc/net/{table}")).unwrap_or_default();
        table.lines().skip(1).any(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let [_, local, _, "0A", _, _, _, _, _, inode, ..] = fields[..] else { return false };
            local.ends_with(&format!(":{port:04X}")) && open.iter().any(|own| own == inode)
        })
    })
}

/// Every file of `dir` that ends in `.log`, the printed one first.
fn log_of(dir: &Path) -> String {
    let mut files: Vec<PathBuf> = fs::read_dir(dir)
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "log"));
    files.sort_by_key(|file| (!file.ends_with("printed.log"), file.clone()));
    files.iter().map(|file| tail_of(file, 0)).collect()
}
