//! The harness itself: its server answers OpenSSH's own client, and is gone afterwards.

mod support;

use std::{net::TcpStream, process::Command};

use support::{ALIAS, PASSWORD, PASSWORD_USER, Sshd, SshdConfig, process::are_gone};

#[test]
fn the_real_client_lists_puts_and_gets() {
    let server = Sshd::start(SshdConfig { host_keys: vec!["ecdsa"], ..SshdConfig::default() });
    let dir = server.dir().display().to_string();
    let output = server.sftp(&format!("put {dir}/ssh_config {dir}/copied\nls -1 {dir}\n"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("copied"));
    assert_eq!(std::fs::read(format!("{dir}/copied")).unwrap(), std::fs::read(server.ssh_config()).unwrap());
    server.wait_for_log("Accepted publickey");
}

#[test]
fn a_new_host_key_is_refused_by_the_real_client() {
    let mut server = Sshd::start(SshdConfig::default());
    let (port, key) = (server.port(), server.host_key("ed25519"));
    assert!(server.sftp("pwd\n").status.success());
    server.restart();
    assert!(server.sftp("pwd\n").status.success());
    server.restart_with_new_host_key();
    assert_eq!(server.port(), port);
    assert_ne!(server.host_key("ed25519"), key);
    let output = server.sftp("pwd\n");
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("IDENTIFICATION HAS CHANGED"));
}

#[test]
fn extra_lines_come_first_and_sessions_can_be_cut() {
    let server = Sshd::start(SshdConfig {
        extra: vec!["AuthenticationMethods none".into()],
        no_ed25519: true,
        host_keys: vec!["rsa"],
        ..SshdConfig::default()
    });
    assert!(server.host_key("rsa").starts_with("ssh-rsa "));
    assert!(!server.sftp("pwd\n").status.success(), "nobody may log in");

    let server = Sshd::start(SshdConfig::default());
    let mut session =
        Command::new("ssh").arg("-F").arg(server.ssh_config()).args([ALIAS, "sleep 60"]).spawn().unwrap();
    server.wait_for_log("Starting session");
    server.cut_sessions();
    assert!(!session.wait().unwrap().success());
    assert!(server.sftp("pwd\n").status.success(), "it goes on listening");
}

#[test]
fn nothing_is_left_after_the_end() {
    let server = Sshd::start(SshdConfig::default());
    let dir = server.dir().to_owned();
    // Its end may come while it starts a session, which has the socket that it listens on.
    let _client = TcpStream::connect(server.address()).unwrap();
    let processes = server.processes();
    drop(server);
    assert!(are_gone(&processes), "{processes:?}");
    assert!(!dir.exists());
}

#[test]
fn a_stopped_server_refuses_and_keeps_its_port() {
    for _ in 0..20 {
        let mut server = Sshd::start(SshdConfig::default());
        let _clients: Vec<_> = (0..4).map(|_| TcpStream::connect(server.address()).unwrap()).collect();
        server.stop();
        assert!(TcpStream::connect(server.address()).is_err());
        server.restart();
        assert!(server.sftp("pwd\n").status.success());
    }
}

#[test]
fn a_password_logs_in() {
    let server = Sshd::start(SshdConfig { password_auth: true, ..SshdConfig::default() });
    let helper = server.dir().join("askpass");
    std::fs::write(&helper, format!("#!/bin/sh\necho '{PASSWORD}'\n")).unwrap();
    std::fs::set_permissions(&helper, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let output = Command::new("ssh")
        .arg("-F")
        .arg(server.ssh_config())
        .args(["-o", "PubkeyAuthentication=no", "-l", PASSWORD_USER, ALIAS, "id -un"])
        .env("SSH_ASKPASS", &helper)
        .env("SSH_ASKPASS_REQUIRE", "force")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), PASSWORD_USER);
}
