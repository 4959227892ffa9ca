//! Logging in as ssh does, against real servers: agent, certificates, identity files, and what
//! is said when nothing works.

#[path = "login/factors.rs"]
mod factors;
#[path = "login/keys.rs"]
mod keys;
#[path = "login/scripted.rs"]
mod scripted;
mod support;
#[path = "login/waits.rs"]
mod waits;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use support::{Sshd, SshdConfig, generate};

fn wharf(sshd: &Sshd, config: &str) -> Command {
    let file = sshd.dir().join("login_config");
    let head = format!(
        "Host it\n HostName 127.0.0.1\n Port {}\n User {}\n UserKnownHostsFile {}\n",
        sshd.port(),
        sshd.user(),
        sshd.known_hosts().display()
    );
    fs::write(&file, head + config).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_wharf"));
    command.arg("-F").arg(file).args(["--batch", "ls", "it:/"]).env_remove("SSH_AUTH_SOCK");
    command
}

fn run(command: &mut Command) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = command.output().unwrap();
    (status.code(), String::from_utf8_lossy(&stderr).into_owned())
}

/// An ssh-agent of its own, ended with this.
struct Agent {
    child: Child,
    socket: PathBuf,
}

impl Agent {
    fn start(dir: &Path) -> Agent {
        let socket = dir.join("agent");
        let child =
            Command::new("ssh-agent").arg("-D").arg("-a").arg(&socket).stdout(Stdio::null()).spawn().unwrap();
        let agent = Agent { child, socket };
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while std::os::unix::net::UnixStream::connect(&agent.socket).is_err() {
            assert!(std::time::Instant::now() < deadline, "ssh-agent does not answer");
            std::thread::yield_now();
        }
        agent
    }

    fn add(&self, key: &Path) {
        let added = Command::new("ssh-add").arg("-q").arg(key).env("SSH_AUTH_SOCK", &self.socket).status();
        assert!(added.unwrap().success());
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A certificate authority that the server trusts, and a key that only its certificate lets in.
fn with_authority() -> (Sshd, tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let (authority, key) = (dir.path().join("ca"), dir.path().join("key"));
    generate(&authority, "ed25519");
    generate(&key, "ed25519");
    let trusted = format!("TrustedUserCAKeys {}.pub", authority.display());
    let sshd = Sshd::start(SshdConfig { extra: vec![trusted], ..SshdConfig::default() });
    let signed = Command::new("ssh-keygen")
        .args(["-q", "-s"])
        .arg(&authority)
        .args(["-I", "the-id", "-n", &sshd.user()])
        .arg(key.with_extension("pub"))
        .status();
    assert!(signed.unwrap().success());
    (sshd, dir, key)
}

#[test]
fn the_agents_keys_are_tried() {
    let sshd = Sshd::start(SshdConfig::default());
    let agent = Agent::start(sshd.dir());
    agent.add(&sshd.user_key());
    let (code, said) = run(wharf(&sshd, " IdentityFile none\n").env("SSH_AUTH_SOCK", &agent.socket));
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn identities_only_keeps_the_agent_out() {
    let sshd = Sshd::start(SshdConfig::default());
    let agent = Agent::start(sshd.dir());
    agent.add(&sshd.user_key());
    let config = " IdentityFile none\n IdentitiesOnly yes\n";
    let (code, _) = run(wharf(&sshd, config).env("SSH_AUTH_SOCK", &agent.socket));
    assert_eq!(code, Some(3));
}

#[test]
fn a_certificate_beside_the_key_lets_in() {
    let (sshd, _dir, key) = with_authority();
    let (code, said) = run(&mut wharf(&sshd, &format!(" IdentityFile {}\n", key.display())));
    assert_eq!(code, Some(0), "{said}{}", sshd.log());
}

#[test]
fn a_certificate_in_the_agent_lets_in() {
    let (sshd, _dir, key) = with_authority();
    let agent = Agent::start(sshd.dir());
    agent.add(&key);
    let (code, said) = run(wharf(&sshd, " IdentityFile none\n").env("SSH_AUTH_SOCK", &agent.socket));
    assert_eq!(code, Some(0), "{said}{}", sshd.log());
}

#[test]
fn a_refused_login_says_what_was_tried() {
    let sshd = Sshd::start(SshdConfig::default());
    let stranger = sshd.dir().join("stranger");
    generate(&stranger, "ed25519");
    let (code, said) = run(&mut wharf(&sshd, &format!(" IdentityFile {}\n", stranger.display())));
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("stranger") && said.contains("publickey"), "{said}");
}

#[test]
fn a_key_without_passphrase_is_tried_before_one_that_asks() {
    let sshd = Sshd::start(SshdConfig::default());
    let locked = sshd.dir().join("locked");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "open sesame", "-f"])
        .arg(&locked)
        .status();
    assert!(made.unwrap().success());
    let plain = sshd.user_key();
    // --batch: a question would be refused and named as a problem. Both keys would let in.
    sshd.authorize(&locked);
    let config = format!(" IdentityFile {}\n IdentityFile {}\n", locked.display(), plain.display());
    let (code, said) = run(&mut wharf(&sshd, &config));
    assert_eq!((code, said.as_str()), (Some(0), ""));
    let (code, said) = run(&mut wharf(&sshd, &format!(" IdentityFile {}\n", locked.display())));
    assert_eq!(code, Some(3));
    assert!(said.contains("passphrase"), "{said}");
}
