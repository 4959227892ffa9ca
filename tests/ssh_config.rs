//! How hosts are reached, with the installed `ssh` reading real configuration files.

use std::{fs, path::PathBuf, time::Duration};

use wharf::fs::{
    ErrorKind, Operation, SshOptions,
    sftp::config::{StrictHostKeyChecking, resolve},
};

const MAIN: &str = "\
Include {dir}/included
Host web
  HostName web-01.example.org
  User ann
  ConnectTimeout 1m
  IdentityFile \"{dir}/key for %h\"
  ProxyJump gate
Match host web-01.example.org user ann
  Port 2222
  HostKeyAlias Cluster
Match host web-01.example.org exec false
  Port 3333
Host other
  ProxyCommand nc %h %p
  UserKnownHostsFile none
Host *
  StrictHostKeyChecking accept-new
  UserKnownHostsFile \"{dir}/known hosts\" {dir}/more
";

struct Files {
    dir: tempfile::TempDir,
    options: SshOptions,
}

fn files() -> Files {
    let dir = tempfile::tempdir().unwrap();
    let name = dir.path().to_str().unwrap();
    fs::write(dir.path().join("config"), MAIN.replace("{dir}", name)).unwrap();
    fs::write(dir.path().join("included"), "Host web\n  ServerAliveInterval 30\n").unwrap();
    let options = SshOptions { config_file: Some(dir.path().join("config")), ..SshOptions::default() };
    Files { dir, options }
}

#[tokio::test]
async fn host_match_and_include() {
    let Files { dir, options } = files();
    let config = resolve("web", None, None, &options).await.unwrap();
    assert_eq!(
        (config.hostname.as_str(), config.user.as_str(), config.port),
        ("web-01.example.org", "ann", 2222)
    );
    assert_eq!(config.server_alive_interval, Some(Duration::from_secs(30)));
    assert_eq!(config.connect_timeout, Some(Duration::from_secs(60)));
    assert_eq!(config.identity_files, [dir.path().join("key for web-01.example.org")]);
    assert_eq!(config.user_known_hosts, [dir.path().join("known hosts"), dir.path().join("more")]);
    assert_eq!(config.strict_host_key_checking, StrictHostKeyChecking::AcceptNew);
    assert_eq!(config.known_as(), ("cluster", 22));
    assert_eq!(config.jumps.len(), 1);
    assert_eq!(config.jumps[0].host, "gate");
    assert!(config.proxy_command.is_none());

    let other = resolve("OTHER", None, Some(24), &options).await.unwrap();
    assert_eq!(other.proxy_command, None, "Host is case-sensitive, as ssh has it");
    let other = resolve("other", Some("bob"), Some(24), &options).await.unwrap();
    assert_eq!(other.proxy_command.as_deref(), Some("nc other 24"));
    assert_eq!((other.user.as_str(), other.port), ("bob", 24));
    assert!(other.user_known_hosts.is_empty());

    let given = resolve("web", Some("eve"), Some(1), &options).await.unwrap();
    assert_eq!((given.user.as_str(), given.port, given.host_key_alias), ("eve", 1, None));
}

#[tokio::test]
async fn the_command_line_goes_first() {
    let Files { dir, mut options } = files();
    let key = dir.path().join("given key");
    fs::write(&key, "").unwrap();
    options.identities = vec![key.clone()];
    options.known_hosts = Some(PathBuf::from("/tmp/only"));
    options.accept_new = true;
    let config = resolve("web", None, None, &options).await.unwrap();
    assert_eq!(config.identity_files, [key.clone(), dir.path().join("key for web-01.example.org")]);
    assert_eq!(config.user_known_hosts, [PathBuf::from("/tmp/only")]);
    let config = resolve("elsewhere", None, None, &options).await.unwrap();
    assert_eq!(config.identity_files, [key], "with -i ssh does not try its defaults");
}

#[tokio::test]
async fn a_bad_line_fails_in_ssh_own_words() {
    let Files { dir, options } = files();
    fs::write(dir.path().join("included"), "Bogus yes\n").unwrap();
    let error = resolve("web", None, None, &options).await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Usage, Operation::ReadConfig));
    assert!(error.detail().unwrap().contains("line 1: Bad configuration option: bogus"), "{error}");

    let missing = SshOptions { config_file: Some(dir.path().join("missing")), ..SshOptions::default() };
    let error = resolve("web", None, None, &missing).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
}

#[tokio::test]
async fn a_host_is_never_an_option() {
    for host in ["-oProxyCommand=touch /tmp/x", "-V", "a b", ""] {
        let error = resolve(host, None, None, &SshOptions::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage, "{host:?}");
    }
}
