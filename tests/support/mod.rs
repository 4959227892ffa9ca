//! Real servers for tests: OpenSSH's sshd on this machine, with its own keys, files and port;
//! the others in files of their own. Owns starting and ending them. Must never touch the
//! user's files, or a server that it did not start.

// Each test binary uses the part that it needs.
#![allow(dead_code)]

pub mod certificates;
pub mod daemon;
pub mod ftp;
pub mod ftp_script;
pub mod mod_sftp;
pub mod person;
mod port;
pub mod process;
mod proftpd;
pub mod program;
mod pureftpd;
mod vsftpd;

use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use port::Port;
use process::{descendants, end, signal};

const SSHD: &str = "/usr/sbin/sshd";
const SFTP_SERVERS: [&str; 3] =
    ["/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server", "/usr/lib/ssh/sftp-server"];
const PATIENCE: Duration = Duration::from_secs(15);

/// The Host of the written ssh_config that means the server.
pub const ALIAS: &str = "harness";

/// Who logs in with a password.
pub const PASSWORD_USER: &str = "wharf-test";
pub const PASSWORD: &str = "correct horse 1";

/// What differs from one server to the next.
#[derive(Clone, Debug, Default)]
pub struct SshdConfig {
    /// Logins with a password, as [`PASSWORD_USER`] who is created if need be: needs root.
    pub password_auth: bool,
    /// Lines for sshd_config. sshd takes the first of two, and these come first.
    pub extra: Vec<String>,
    /// Host keys beside ed25519: `rsa`, `ecdsa`. With `no_ed25519`, instead of it.
    pub host_keys: Vec<&'static str>,
    pub no_ed25519: bool,
}

/// An SSH server that a written ssh_config knows as [`ALIAS`].
pub trait SshServer {
    /// For files of the test; it goes away with the server.
    fn dir(&self) -> &Path;

    /// An ssh_config whose Host [`ALIAS`] reaches the server without a question.
    fn ssh_config(&self) -> PathBuf;
}

impl SshServer for Sshd {
    fn dir(&self) -> &Path {
        Sshd::dir(self)
    }

    fn ssh_config(&self) -> PathBuf {
        Sshd::ssh_config(self)
    }
}

/// A running sshd; it ends with this.
pub struct Sshd {
    dir: tempfile::TempDir,
    config: SshdConfig,
    port: Port,
    /// `None` while it is stopped.
    child: Option<Child>,
}

impl Sshd {
    /// Starts one on a free port of 127.0.0.1 and waits until it accepts. Panics with its log
    /// where it does not.
    pub fn start(config: SshdConfig) -> Sshd {
        assert!(
            Path::new(SSHD).exists(),
            "{SSHD} is missing: install openssh-server, or run tests/run, which does"
        );
        if config.password_auth {
            create_password_user();
        }
        let dir = tempfile::Builder::new().prefix("wharf-sshd-").tempdir().expect("a temporary directory");
        generate(&dir.path().join("user_key"), "ed25519");
        fs::copy(dir.path().join("user_key.pub"), dir.path().join("authorized_keys"))
            .expect("authorized_keys");
        // sshd drops to the user before it reads authorized_keys, and temporary directories
        // are closed to others.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).expect("permissions");
        for kind in host_key_kinds(&config) {
            generate(&dir.path().join(host_key_name(kind)), kind);
        }
        let port = Port::pick();
        write_server_config(dir.path(), &config, port.number());
        let child =
            spawn(dir.path(), port.number()).unwrap_or_else(|log| panic!("sshd did not start:\n{log}"));
        let server = Sshd { dir, config, port, child: Some(child) };
        server.write_client_files();
        server
    }

    pub fn port(&self) -> u16 {
        self.port.number()
    }

    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port()).into()
    }

    /// Who the user key logs in as: whoever runs the tests.
    pub fn user(&self) -> String {
        current_user()
    }

    /// For files of the test; it goes away with the server.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// An ssh_config whose Host [`ALIAS`] reaches the server without a question.
    pub fn ssh_config(&self) -> PathBuf {
        self.dir.path().join("ssh_config")
    }

    pub fn known_hosts(&self) -> PathBuf {
        self.dir.path().join("known_hosts")
    }

    pub fn user_key(&self) -> PathBuf {
        self.dir.path().join("user_key")
    }

    /// Lets the key in `file` log in as well.
    pub fn authorize(&self, file: &Path) {
        let keys = self.dir.path().join("authorized_keys");
        let mut text = fs::read_to_string(&keys).expect("authorized_keys");
        text += &fs::read_to_string(file.with_extension("pub")).expect("the public key");
        fs::write(&keys, text).expect("authorized_keys");
    }

    /// The public half of a host key, `ed25519` for example: type and base64.
    pub fn host_key(&self, kind: &str) -> String {
        let file = self.dir.path().join(host_key_name(kind)).with_extension("pub");
        let text = fs::read_to_string(file).expect("the host key");
        text.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
    }

    /// What sshd has said so far.
    pub fn log(&self) -> String {
        read_log(self.dir.path())
    }

    /// Waits for a line of the log that contains `text`.
    pub fn wait_for_log(&self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.log().contains(text) {
            assert!(Instant::now() < deadline, "sshd never logged {text:?}:\n{}", self.log());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends it, sessions and all, and starts it again on the same port. known_hosts stays.
    pub fn restart(&mut self) {
        self.stop();
        let child = spawn(self.dir.path(), self.port());
        self.child = Some(child.unwrap_or_else(|log| panic!("sshd did not come back:\n{log}")));
    }

    /// The same with new host keys: what a man in the middle looks like.
    pub fn restart_with_new_host_key(&mut self) {
        self.stop();
        for kind in host_key_kinds(&self.config) {
            let key = self.dir.path().join(host_key_name(kind));
            fs::remove_file(&key).expect("the old host key");
            generate(&key, kind);
        }
        self.restart();
    }

    /// Ends it, sessions and all; the port stays its own for [`Sshd::restart`].
    pub fn stop(&mut self) {
        if let Some(child) = self.child.take() {
            end(child);
        }
    }

    /// Cuts every session and goes on listening.
    pub fn cut_sessions(&self) {
        signal(&self.sessions(), Signal::SIGKILL);
    }

    /// Stops every session's processes where they are, their connections left open.
    pub fn freeze_sessions(&self) {
        signal(&self.sessions(), Signal::SIGSTOP);
    }

    /// Lets them go on.
    pub fn thaw_sessions(&self) {
        signal(&self.sessions(), Signal::SIGCONT);
    }

    /// All that run for it: the server's, and each session's.
    pub fn processes(&self) -> Vec<u32> {
        self.child.iter().map(Child::id).chain(self.sessions()).collect()
    }

    fn sessions(&self) -> Vec<u32> {
        self.child.as_ref().map(|child| descendants(child.id())).unwrap_or_default()
    }

    /// `sftp -b -` with these commands, as the harness user.
    pub fn sftp(&self, batch: &str) -> Output {
        sftp_batch(&self.ssh_config(), batch)
    }

    fn write_client_files(&self) {
        let dir = self.dir.path();
        let mut known = String::new();
        for kind in host_key_kinds(&self.config) {
            known += &format!("[127.0.0.1]:{} {}\n", self.port(), self.host_key(kind));
        }
        fs::write(self.known_hosts(), known).expect("known_hosts");
        let config = client_config(self.port(), &dir.join("user_key"), &self.known_hosts());
        fs::write(self.ssh_config(), config).expect("ssh_config");
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.stop();
        if thread::panicking() {
            eprintln!("--- sshd on port {}:\n{}", self.port(), self.log());
        }
    }
}

/// An ssh_config whose Host [`ALIAS`] is the server on a port.
fn client_config(port: u16, user_key: &Path, known_hosts: &Path) -> String {
    format!(
        "Host {ALIAS}\n  HostName 127.0.0.1\n  Port {port}\n  User {}\n  IdentityFile \"{}\"\n  IdentitiesOnly yes\n  \
         IdentityAgent none\n  UserKnownHostsFile \"{}\"\n  GlobalKnownHostsFile /dev/null\n  StrictHostKeyChecking yes\n",
        current_user(),
        user_key.display(),
        known_hosts.display(),
    )
}

fn sftp_batch(ssh_config: &Path, batch: &str) -> Output {
    use std::io::Write;
    let mut child = Command::new("sftp")
        .arg("-F")
        .arg(ssh_config)
        .args(["-b", "-", ALIAS])
        .env_remove("SSH_AUTH_SOCK")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("sftp, of openssh-client");
    // An sftp that could not connect does not read: its status is what tells.
    let _ = child.stdin.take().expect("stdin").write_all(batch.as_bytes());
    child.wait_with_output().expect("sftp")
}

fn host_key_kinds(config: &SshdConfig) -> Vec<&'static str> {
    let first = if config.no_ed25519 { None } else { Some("ed25519") };
    first.into_iter().chain(config.host_keys.iter().copied()).collect()
}

fn host_key_name(kind: &str) -> String {
    format!("host_{kind}")
}

/// A key pair without a passphrase.
pub fn generate(file: &Path, kind: &str) {
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-N", "", "-C", "wharf-test", "-t", kind, "-f"]).arg(file);
    if kind == "rsa" {
        // The default of 3072 bits takes seconds on a busy machine.
        command.args(["-b", "2048"]);
    }
    let output = command.stdin(Stdio::null()).output().expect("ssh-keygen, of openssh-client");
    assert!(output.status.success(), "ssh-keygen: {}", String::from_utf8_lossy(&output.stderr));
}

fn write_server_config(dir: &Path, config: &SshdConfig, port: u16) {
    let mut text = String::new();
    for line in &config.extra {
        text += line;
        text.push('\n');
    }
    text += &format!("ListenAddress 127.0.0.1\nPort {port}\n");
    for kind in host_key_kinds(config) {
        text += &format!("HostKey \"{}\"\n", dir.join(host_key_name(kind)).display());
    }
    text += &format!(
        "PidFile none\nAuthorizedKeysFile \"{}\"\nStrictModes no\nPermitRootLogin yes\nUsePAM no\nLogLevel VERBOSE\n\
         MaxStartups 200:30:400\nUseDNS no\nPrintMotd no\nPasswordAuthentication {}\n",
        dir.join("authorized_keys").display(),
        if config.password_auth { "yes" } else { "no" },
    );
    // bash reads ~/.bashrc for what sshd starts, unless it seems to be a shell within a shell: what
    // this machine's logins do there takes its time, and may leave locks behind where it is ended.
    text += "SetEnv SHLVL=1\n";
    // A second one is an error, unlike with the other keywords.
    if !config.extra.iter().any(|line| line.starts_with("Subsystem")) {
        text += "Subsystem sftp internal-sftp\n";
    }
    fs::write(dir.join("sshd_config"), text).expect("sshd_config");
}

/// The running server, or the log of one that does not run.
fn spawn(dir: &Path, port: u16) -> Result<Child, String> {
    if is_root() {
        // Privilege separation wants it; packages create it when the system's sshd starts.
        let _ = fs::create_dir_all("/run/sshd");
    }
    let log = dir.join("sshd.log");
    let before = fs::metadata(&log).map_or(0, |m| m.len());
    let out = File::options().create(true).append(true).open(&log).expect("the log");
    let mut child = Command::new(SSHD)
        .args(["-D", "-e", "-f"])
        .arg(dir.join("sshd_config"))
        .stdin(Stdio::null())
        .stdout(out.try_clone().expect("the log"))
        .stderr(out)
        // Its own group: a Ctrl-C at the tests ends them first, and they end the server.
        .process_group(0)
        .spawn()
        .map_err(|error| format!("{SSHD}: {error}"))?;
    let deadline = Instant::now() + PATIENCE;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Err(format!("{status}\n{}", tail_of(&log, before)));
        }
        // Its own log says that it listens; a connection alone could be to somebody else.
        if tail_of(&log, before).contains(&format!("port {port}"))
            && TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok()
        {
            return Ok(child);
        }
        if Instant::now() > deadline {
            end(child);
            return Err(format!("it does not accept after {PATIENCE:?}\n{}", tail_of(&log, before)));
        }
        thread::sleep(Duration::from_millis(10));
    }
}

fn read_log(dir: &Path) -> String {
    tail_of(&dir.join("sshd.log"), 0)
}

fn tail_of(log: &Path, from: u64) -> String {
    let mut bytes = Vec::new();
    if let Ok(mut file) = File::open(log) {
        let _ = file.seek(SeekFrom::Start(from)).and_then(|_| file.read_to_end(&mut bytes));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

fn current_user() -> String {
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid()).ok().flatten();
    user.expect("this user's name").name
}

fn create_password_user() {
    assert!(
        is_root(),
        "logins with a password need the user {PASSWORD_USER}, and creating it needs root: run the tests as root"
    );
    // Tests run at the same time, and useradd and chpasswd fail while another one runs.
    let lock = File::create(std::env::temp_dir().join("wharf-test-user.lock")).expect("a lock file");
    lock.lock().expect("the lock");
    if nix::unistd::User::from_name(PASSWORD_USER).ok().flatten().is_none() {
        let output =
            Command::new("useradd").args(["-m", "-s", "/bin/sh", PASSWORD_USER]).output().expect("useradd");
        assert!(output.status.success(), "useradd: {}", String::from_utf8_lossy(&output.stderr));
    }
    use std::io::Write;
    let mut chpasswd = Command::new("chpasswd").stdin(Stdio::piped()).spawn().expect("chpasswd");
    let line = format!("{PASSWORD_USER}:{PASSWORD}\n");
    chpasswd.stdin.take().expect("stdin").write_all(line.as_bytes()).expect("chpasswd reads");
    assert!(chpasswd.wait().expect("chpasswd").success(), "chpasswd refused");
}
