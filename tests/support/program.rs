//! Runs wharf itself: no terminal, no agent, a deadline, and never left behind. Owns the child
//! process; knows nothing of what is asked of it.

use std::{
    ffi::{OsStr, OsString},
    fs,
    io::Read,
    os::unix::{ffi::OsStrExt, ffi::OsStringExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, User},
};

use super::{ALIAS, SshServer};

/// No command of a test takes this long; one that does hangs.
const LIMIT: Duration = Duration::from_secs(60);

/// The long forms of tests take minutes.
fn limit() -> Duration {
    if std::env::var_os("WHARF_LONG_FAULTS").is_some() { LIMIT * 15 } else { LIMIT }
}

/// How a run ended.
#[derive(Debug)]
pub struct Ran {
    /// `None`: a signal ended it.
    pub code: Option<i32>,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Ran {
    /// Panics with everything that was said where the exit code is another.
    #[track_caller]
    pub fn ends(self, code: i32) -> Ran {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.text(), self.stderr);
        self
    }

    #[track_caller]
    pub fn says(self, words: &[&str]) -> Ran {
        for word in words {
            assert!(self.stderr.contains(word), "{word:?} is missing:\n{}", self.stderr);
        }
        self
    }

    #[track_caller]
    pub fn silently(self) -> Ran {
        assert!(self.stderr.is_empty() && self.stdout.is_empty(), "{}{}", self.text(), self.stderr);
        self
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    pub fn lines(&self) -> Vec<String> {
        self.text().lines().map(str::to_owned).collect()
    }
}

/// A wharf that runs; it is killed with this.
pub struct Running {
    child: Child,
    stdout: Option<JoinHandle<Vec<u8>>>,
    stderr: Option<JoinHandle<Vec<u8>>>,
    /// What it has said on standard error so far.
    so_far: Arc<Mutex<Vec<u8>>>,
    deadline: Instant,
}

impl Running {
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).expect("a signal");
    }

    /// Waits until it has said `text` on standard error.
    #[track_caller]
    pub fn until_it_says(&mut self, text: &str) {
        let so_far = self.so_far.clone();
        self.until(|| String::from_utf8_lossy(&so_far.lock().expect("what it said")).contains(text));
    }

    /// Waits for its end; past the deadline it is killed and the test fails.
    #[track_caller]
    pub fn wait(self) -> Ran {
        self.end().unwrap_or_else(|said| panic!("wharf hung and was killed; it said:\n{said}"))
    }

    /// The same, but hands back what it said where it hung and was killed.
    #[track_caller]
    pub fn end(mut self) -> Result<Ran, String> {
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("the child's status") {
                break Some(status);
            }
            if Instant::now() > self.deadline {
                let _ = self.child.kill();
                break None;
            }
            thread::sleep(Duration::from_millis(5));
        };
        let read = |thread: Option<JoinHandle<Vec<u8>>>| thread.expect("once").join().expect("a reader");
        let stdout = read(self.stdout.take());
        let stderr = String::from_utf8_lossy(&read(self.stderr.take())).into_owned();
        let Some(status) = status else { return Err(stderr) };
        assert!(!stderr.contains("panicked"), "{stderr}");
        Ok(Ran { code: status.code(), stdout, stderr })
    }

    /// Waits until `is_so`, which must become so while it runs.
    #[track_caller]
    pub fn until(&mut self, is_so: impl Fn() -> bool) {
        while !is_so() {
            if self.child.try_wait().expect("the child's status").is_some() || Instant::now() > self.deadline
            {
                let _ = self.child.kill();
                let said = self.stderr.take().expect("once").join().expect("a reader");
                panic!("what was waited for never came; wharf said:\n{}", String::from_utf8_lossy(&said));
            }
            thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn start(mut command: Command) -> Running {
    let mut child = command.spawn().expect("wharf starts");
    fn drain(
        mut pipe: impl Read + Send + 'static,
        so_far: Arc<Mutex<Vec<u8>>>,
    ) -> Option<JoinHandle<Vec<u8>>> {
        Some(thread::spawn(move || {
            let mut buffer = [0; 32 << 10];
            while let Ok(count @ 1..) = pipe.read(&mut buffer) {
                so_far.lock().expect("what it said").extend_from_slice(&buffer[..count]);
            }
            std::mem::take(&mut *so_far.lock().expect("what it said"))
        }))
    }
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let so_far = Arc::default();
    Running {
        stdout: drain(stdout.expect("stdout"), Arc::default()),
        stderr: drain(stderr.expect("stderr"), Arc::clone(&so_far)),
        so_far,
        child,
        deadline: Instant::now() + limit(),
    }
}

/// `wharf --batch -F config arguments`, to its end.
#[track_caller]
pub fn wharf<A: AsRef<OsStr>>(config: &Path, arguments: impl IntoIterator<Item = A>) -> Ran {
    start(command(config, arguments)).wait()
}

/// The same, about to be started.
pub fn command<A: AsRef<OsStr>>(config: &Path, arguments: impl IntoIterator<Item = A>) -> Command {
    let mut command = bare();
    command.arg("--batch").arg("-F").arg(config).args(arguments);
    command
}

/// Where the tests' wharf keeps what it knows between runs: never where the person's does.
pub fn state_home() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("state")
}

/// Without an argument.
pub fn bare() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wharf"));
    command
        .env_remove("SSH_AUTH_SOCK")
        .env("XDG_STATE_HOME", state_home())
        .env("XDG_CONFIG_HOME", state_home().join("config"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    command
}

/// The same for local files without a server, as another user: what root may do proves nothing.
pub fn as_user<A: AsRef<OsStr>>(name: &str, arguments: impl IntoIterator<Item = A>) -> Ran {
    start(user_command(name, arguments)).wait()
}

/// The same, about to be started.
pub fn user_command<A: AsRef<OsStr>>(name: &str, arguments: impl IntoIterator<Item = A>) -> Command {
    let user = User::from_name(name).expect("users").expect("the user");
    let mut command = bare();
    let state = std::env::temp_dir().join(format!("wharf-test-state-{name}-{}", std::process::id()));
    command.env("XDG_CONFIG_HOME", state.join("config")).env("XDG_STATE_HOME", state);
    command.arg("--batch").args(arguments).uid(user.uid.as_raw()).gid(user.gid.as_raw());
    command
}

/// One ssh_config that knows several servers by these names; it goes away with the first.
pub fn config_for(servers: &[(&str, &dyn SshServer)]) -> PathBuf {
    let mut text = String::new();
    for (name, server) in servers {
        let own = fs::read_to_string(server.ssh_config()).expect("the server's ssh_config");
        text += &own.replacen(&format!("Host {ALIAS}"), &format!("Host {name}"), 1);
    }
    let file = servers[0].1.dir().join("ssh_config_of_all");
    fs::write(&file, text).expect("ssh_config");
    file
}

/// `name:/path`, whatever bytes the path has.
pub fn on(host: &str, path: &Path) -> OsString {
    let mut place = host.as_bytes().to_vec();
    place.push(b':');
    place.extend_from_slice(path.as_os_str().as_bytes());
    OsString::from_vec(place)
}

/// With a slash behind it.
pub fn into(place: impl AsRef<OsStr>) -> OsString {
    let mut place = place.as_ref().to_os_string();
    place.push("/");
    place
}
