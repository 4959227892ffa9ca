//! Reaching a server as ssh does: through jump hosts and proxy commands, each hop's key checked.
//! The real program against real servers.

mod support;

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
};

use support::{Sshd, SshdConfig};

/// An outer and an inner server, and an ssh_config that knows both by name.
struct Net {
    outer: Sshd,
    inner: Sshd,
    dir: tempfile::TempDir,
}

impl Net {
    /// `how` is the inner host's line in ssh_config, `known` what known_hosts holds.
    fn new(how: &str, known: &[&str]) -> Net {
        let (outer, inner) = (Sshd::start(SshdConfig::default()), Sshd::start(SshdConfig::default()));
        let dir = tempfile::tempdir().unwrap();
        let mut hosts = String::new();
        for (name, sshd) in [("outer", &outer), ("inner", &inner)] {
            if known.contains(&name) {
                hosts += &format!("[127.0.0.1]:{} {}\n", sshd.port(), sshd.host_key("ed25519"));
            }
        }
        let known_hosts = dir.path().join("known_hosts");
        fs::write(&known_hosts, hosts).unwrap();
        let mut text = String::new();
        for (name, sshd) in [("outer", &outer), ("inner", &inner)] {
            text += &format!(
                "Host {name}\n HostName 127.0.0.1\n Port {}\n User {}\n IdentityFile {}\n IdentitiesOnly yes\n",
                sshd.port(),
                sshd.user(),
                sshd.user_key().display()
            );
        }
        text += &format!("Host inner\n {how}\nHost *\n UserKnownHostsFile {}\n", known_hosts.display());
        text += " GlobalKnownHostsFile /dev/null\n";
        fs::write(dir.path().join("ssh_config"), text).unwrap();
        fs::write(dir.path().join("proof"), "reached").unwrap();
        Net { outer, inner, dir }
    }

    fn config(&self) -> PathBuf {
        self.dir.path().join("ssh_config")
    }

    fn ls(&self) -> Output {
        Command::new(env!("CARGO_BIN_EXE_wharf"))
            .arg("-F")
            .arg(self.config())
            .args(["--batch", "ls"])
            .arg(format!("inner:{}", self.dir.path().display()))
            .env_remove("SSH_AUTH_SOCK")
            .output()
            .unwrap()
    }
}

fn listed(output: &Output) {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && out.contains("proof"), "{out}{err}");
}

#[test]
fn a_jump_host_leads_to_the_inner_one() {
    let net = Net::new("ProxyJump outer", &["outer", "inner"]);
    listed(&net.ls());
    assert!(net.outer.log().contains("Accepted publickey"), "the way led through the outer server");
}

#[test]
fn a_proxy_command_is_the_way() {
    let mut net = Net::new("", &["outer", "inner"]);
    let command = format!("ProxyCommand ssh -F {} -W %h:%p outer", net.config().display());
    let text = fs::read_to_string(net.config())
        .unwrap()
        .replace("Host inner\n \n", &format!("Host inner\n {command}\n"));
    fs::write(net.config(), text).unwrap();
    listed(&net.ls());
    net.outer.stop();
    let output = net.ls();
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn every_hops_key_is_checked() {
    for known in ["outer", "inner"] {
        let net = Net::new("ProxyJump outer", &[known]);
        let output = net.ls();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(4), "only {known} is known: {said}");
        let unknown = if known == "outer" { net.inner.port() } else { net.outer.port() };
        assert!(said.contains(&format!("[127.0.0.1]:{unknown}")), "{said}");
    }
}

#[test]
fn a_circle_of_jump_hosts_ends() {
    let net = Net::new("ProxyJump inner", &["outer", "inner"]);
    let output = net.ls();
    assert_ne!(output.status.code(), Some(0));
    assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"));
}

#[test]
fn a_dead_inner_server_is_named() {
    let mut net = Net::new("ProxyJump outer", &["outer", "inner"]);
    net.inner.stop();
    let output = net.ls();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains(&format!("127.0.0.1:{}", net.inner.port())), "{said}");
}
