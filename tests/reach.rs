//! Reaching a server as ssh does: through jump hosts and proxy commands, each hop's key checked.
//! The real program against real servers.

mod support;

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
};

use support::{Sshd, SshdConfig, program};

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

/// A server with a host certificate for `principals`, signed as `kind` (`-h` for hosts); the
/// known_hosts line names its authority.
fn certified(principals: &str, kind: &[&str]) -> (Sshd, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let (authority, key) = (dir.path().join("ca"), dir.path().join("host"));
    support::generate(&authority, "ed25519");
    support::generate(&key, "ed25519");
    let signed = Command::new("ssh-keygen")
        .args(["-q", "-s"])
        .arg(&authority)
        .args(["-I", "the-host", "-n", principals])
        .args(kind)
        .arg(key.with_extension("pub"))
        .status();
    assert!(signed.unwrap().success());
    let extra = vec![
        format!("HostKey {}", key.display()),
        format!("HostCertificate {}", dir.path().join("host-cert.pub").display()),
    ];
    let sshd = Sshd::start(SshdConfig { extra, ..SshdConfig::default() });
    let public = fs::read_to_string(authority.with_extension("pub")).unwrap();
    let line = format!("@cert-authority [127.0.0.1]:{} {public}", sshd.port());
    fs::write(sshd.known_hosts(), line).unwrap();
    (sshd, dir)
}

fn ls_by_certificate(sshd: &Sshd) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_wharf"))
        .arg("-F")
        .arg(sshd.ssh_config())
        .args(["--batch", "ls"])
        .arg(format!("{}:/", support::ALIAS))
        .env_remove("SSH_AUTH_SOCK")
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_certificate_of_a_known_authority_is_trusted() {
    let (sshd, _dir) = certified("127.0.0.1,web", &["-h"]);
    let (code, said) = ls_by_certificate(&sshd);
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn certificates_for_others_for_users_and_out_of_date_are_refused() {
    for (principals, kind, why) in [
        ("other", &["-h"][..], "is not for"),
        ("127.0.0.1", &["-h", "-V", "20200101:20200102"], "not valid now"),
    ] {
        let (sshd, _dir) = certified(principals, kind);
        let (code, said) = ls_by_certificate(&sshd);
        assert_eq!(code, Some(4), "{principals} {kind:?}: {said}");
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn a_certificate_of_another_authority_is_an_unknown_key() {
    let (sshd, _dir) = certified("127.0.0.1", &["-h"]);
    let stranger = sshd.dir().join("stranger");
    support::generate(&stranger, "ed25519");
    let public = fs::read_to_string(stranger.with_extension("pub")).unwrap();
    fs::write(sshd.known_hosts(), format!("@cert-authority [127.0.0.1]:{} {public}", sshd.port())).unwrap();
    let (code, said) = ls_by_certificate(&sshd);
    assert_eq!(code, Some(4), "{said}");
}

#[test]
fn a_revoked_authority_vouches_for_nobody() {
    let (sshd, _dir) = certified("127.0.0.1", &["-h"]);
    let known = fs::read_to_string(sshd.known_hosts()).unwrap();
    let revoked = known.replace("@cert-authority", "@revoked");
    fs::write(sshd.known_hosts(), format!("{known}{revoked}")).unwrap();
    let (code, said) = ls_by_certificate(&sshd);
    assert_eq!(code, Some(4), "{said}");
}

#[test]
fn resolve_says_how_and_connects_nowhere() {
    let mut net = Net::new("ProxyJump outer", &["inner"]);
    net.outer.stop();
    net.inner.stop();
    let resolve = |extra: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_wharf"))
            .arg("-F")
            .arg(net.config())
            .arg("resolve")
            .args(extra)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let told: serde_json::Value = serde_json::from_str(&resolve(&["--json", "ann@inner:docs"])).unwrap();
    assert_eq!(told["host"], "127.0.0.1");
    assert_eq!(told["port"], net.inner.port());
    assert_eq!(told["user"], "ann");
    assert_eq!(told["path"], "~/docs");
    assert_eq!(told["jumps"][0], "outer");
    assert_eq!(told["host_key"], "known");
    assert!(told["identity_files"][0].as_str().unwrap().ends_with("user_key"));
    let unknown: serde_json::Value = serde_json::from_str(&resolve(&["--json", "sftp://outer/x"])).unwrap();
    assert_eq!((&unknown["host_key"], &unknown["path"]), (&"unknown".into(), &"/x".into()));
    assert!(resolve(&["inner:"]).contains("outer"));
}

/// Adds lines to the Host of the harness.
fn configured(sshd: &Sshd, lines: &str) {
    let text = fs::read_to_string(sshd.ssh_config()).unwrap();
    fs::write(sshd.ssh_config(), format!("{text}{lines}\n")).unwrap();
}

fn list(sshd: &Sshd) -> Vec<String> {
    vec!["ls".to_owned(), format!("{}:{}", support::ALIAS, sshd.dir().display())]
}

/// A directory with no program in it, for PATH.
fn without_ssh(sshd: &Sshd, arguments: &[String]) -> program::Ran {
    let empty = sshd.dir().join("no programs");
    fs::create_dir_all(&empty).unwrap();
    let mut command = program::command(&sshd.ssh_config(), arguments);
    command.env("PATH", empty);
    program::start(command).wait()
}

#[test]
fn a_machine_without_ssh_reaches_servers_by_the_same_configuration() {
    let sshd = Sshd::start(SshdConfig::default());
    let listed = without_ssh(&sshd, &list(&sshd)).ends(0);
    assert!(listed.text().contains("sshd_config"), "{}", listed.text());

    let asked = ["resolve".to_owned(), "--json".to_owned(), format!("{}:", support::ALIAS)];
    let mine = without_ssh(&sshd, &asked).ends(0).text();
    assert_eq!(mine, program::wharf(&sshd.ssh_config(), &asked).ends(0).text());
    assert!(mine.contains(&format!("\"port\":{}", sshd.port())), "{mine}");

    configured(&sshd, "  Bogus yes");
    without_ssh(&sshd, &list(&sshd)).ends(2).says(&["ssh_config line 11: Bad configuration option: bogus"]);
}

#[test]
fn a_jump_host_leads_on_without_ssh() {
    let net = Net::new("ProxyJump outer", &["outer", "inner"]);
    let place = format!("inner:{}", net.dir.path().display());
    let mut command = program::command(&net.config(), ["ls", &place]);
    command.env("PATH", net.dir.path().join("nothing"));
    let listed = program::start(command).wait().ends(0);
    assert!(listed.text().contains("proof") && net.outer.log().contains("Accepted publickey"));
}

#[test]
fn algorithms_that_the_configuration_asks_for_are_the_ones_that_are_used() {
    let extra = vec!["LogLevel DEBUG1".to_owned()];
    let sshd = Sshd::start(SshdConfig { extra, ..SshdConfig::default() });
    program::wharf(&sshd.ssh_config(), list(&sshd)).ends(0);
    assert!(!sshd.log().contains("cipher: aes192-ctr"));
    configured(
        &sshd,
        "  Ciphers aes192-ctr\n  MACs hmac-sha2-256\n  KexAlgorithms diffie-hellman-group14-sha256",
    );
    program::wharf(&sshd.ssh_config(), list(&sshd)).ends(0);
    for agreed in ["cipher: aes192-ctr MAC: hmac-sha2-256 ", "kex: algorithm: diffie-hellman-group14-sha256"]
    {
        assert!(sshd.log().contains(agreed), "{agreed}:\n{}", sshd.log());
    }
}

#[test]
fn algorithms_that_nobody_has_are_named() {
    let sshd = Sshd::start(SshdConfig::default());
    let plain = fs::read_to_string(sshd.ssh_config()).unwrap();
    configured(&sshd, "  Ciphers 3des-cbc");
    program::wharf(&sshd.ssh_config(), list(&sshd)).ends(2).says(&["Ciphers", "3des-cbc", "aes256-ctr"]);

    fs::write(sshd.ssh_config(), &plain).unwrap();
    configured(&sshd, "  KexAlgorithms diffie-hellman-group1-sha1");
    let refused = program::wharf(&sshd.ssh_config(), list(&sshd)).ends(3);
    refused.says(&["KexAlgorithms", "diffie-hellman-group1-sha1", "the server has"]);
}

#[test]
fn sha1_signatures_are_off_unless_asked_for() {
    let extra = vec!["HostKeyAlgorithms ssh-rsa".to_owned()];
    let config = SshdConfig { extra, host_keys: vec!["rsa"], no_ed25519: true, ..SshdConfig::default() };
    let sshd = Sshd::start(config);
    let words = ["ssh-rsa (SHA-1)", "HostKeyAlgorithms +ssh-rsa"];
    program::wharf(&sshd.ssh_config(), list(&sshd)).ends(3).says(&words);
    configured(&sshd, "  HostKeyAlgorithms +ssh-rsa");
    program::wharf(&sshd.ssh_config(), list(&sshd)).ends(0);
    without_ssh(&sshd, &list(&sshd)).ends(0);
}

#[test]
fn a_known_key_type_comes_first_even_where_ssh_rsa_was_added() {
    let sshd = Sshd::start(SshdConfig { host_keys: vec!["rsa"], ..SshdConfig::default() });
    let known = format!("[127.0.0.1]:{} {}\n", sshd.port(), sshd.host_key("rsa"));
    fs::write(sshd.known_hosts(), known).unwrap();
    configured(&sshd, "  HostKeyAlgorithms +ssh-rsa");
    program::wharf(&sshd.ssh_config(), list(&sshd)).ends(0);
}

/// `ssh-keygen` with these arguments, which must do what it is told.
fn keygen<A: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = A>) {
    let output = Command::new("ssh-keygen").args(arguments).output().expect("ssh-keygen, of openssh-client");
    assert!(output.status.success(), "ssh-keygen: {}", String::from_utf8_lossy(&output.stderr));
}

/// Whether wharf and ssh go on where `list` is what RevokedHostKeys names; they must agree.
fn accepted(sshd: &Sshd, list: &[u8]) -> bool {
    let file = sshd.dir().join("revoked");
    fs::write(&file, list).unwrap();
    let ran = program::wharf(&sshd.ssh_config(), self::list(sshd));
    let ssh = Command::new("ssh")
        .arg("-F")
        .arg(sshd.ssh_config())
        .args(["-o", "UpdateHostKeys=no", support::ALIAS, "true"])
        .env_remove("SSH_AUTH_SOCK")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ssh.stderr);
    assert_eq!(ran.code == Some(0), ssh.status.success(), "ssh: {said}\nwharf: {}", ran.stderr);
    if ran.code != Some(0) {
        ran.ends(4).says(&["revoked", file.to_str().unwrap()]);
        return false;
    }
    true
}

#[test]
fn revoked_keys_are_refused_by_list_and_by_krl() {
    let sshd = Sshd::start(SshdConfig::default());
    configured(&sshd, &format!("  RevokedHostKeys {}", sshd.dir().join("revoked").display()));
    let (host, other) = (sshd.dir().join("host_ed25519.pub"), sshd.dir().join("user_key.pub"));
    let (host_text, other_text) = (fs::read(&host).unwrap(), fs::read(&other).unwrap());
    assert!(accepted(&sshd, b"# nothing\n") && accepted(&sshd, &other_text));
    assert!(!accepted(&sshd, &[other_text, host_text].concat()));
    assert!(!accepted(&sshd, b"not a key\n"), "a damaged list refuses every key");
    assert!(!accepted(&sshd, b"SSHKRL\n\0"), "and so does a damaged KRL");

    let krl = sshd.dir().join("krl");
    let made = |spec: &str| {
        let source = sshd.dir().join("spec");
        fs::write(&source, spec).unwrap();
        keygen(["-q".as_ref(), "-k".as_ref(), "-f".as_ref(), krl.as_os_str(), source.as_os_str()]);
        fs::read(&krl).unwrap()
    };
    let key = fs::read_to_string(&host).unwrap();
    let stranger = fs::read_to_string(&other).unwrap();
    assert!(accepted(&sshd, &made(&format!("key: {stranger}"))));
    assert!(accepted(&sshd, &made(&format!("sha256: {stranger}"))));
    for kind in ["key", "sha1", "sha256"] {
        assert!(!accepted(&sshd, &made(&format!("{kind}: {key}"))), "{kind}");
    }

    fs::remove_file(sshd.dir().join("revoked")).unwrap();
    let gone = program::wharf(&sshd.ssh_config(), list(&sshd)).ends(4);
    gone.says(&["RevokedHostKeys", "no key can be trusted without it"]);
}

#[test]
fn revoked_certificates_are_refused() {
    let (sshd, dir) = certified("127.0.0.1", &["-h", "-z", "1017"]);
    configured(&sshd, &format!("  RevokedHostKeys {}", sshd.dir().join("revoked").display()));
    let authority = dir.path().join("ca.pub");
    let made = |spec: &str, authority: Option<&PathBuf>| {
        let (krl, source) = (sshd.dir().join("krl"), sshd.dir().join("spec"));
        fs::write(&source, spec).unwrap();
        let mut arguments: Vec<std::ffi::OsString> =
            vec!["-q".into(), "-k".into(), "-f".into(), krl.clone().into()];
        if let Some(authority) = authority {
            arguments.extend(["-s".into(), authority.into()]);
        }
        arguments.push(source.into());
        keygen(arguments);
        fs::read(&krl).unwrap()
    };
    for (spec, is_revoked) in [
        ("serial: 1017\n", true),
        ("serial: 1016\n", false),
        ("serial: 1000-2000\n", true),
        ("serial: 1018-2000\n", false),
        (
            "serial: 3\nserial: 1011\nserial: 1013\nserial: 1017\nserial: 1019\nserial: 1021\nserial: 1030\n",
            true,
        ),
        (
            "serial: 3\nserial: 1011\nserial: 1013\nserial: 1016\nserial: 1019\nserial: 1021\nserial: 1030\n",
            false,
        ),
        ("id: the-host\n", true),
        ("id: another\n", false),
    ] {
        assert_eq!(accepted(&sshd, &made(spec, Some(&authority))), !is_revoked, "{spec}");
    }
    let other = sshd.dir().join("user_key.pub");
    assert!(accepted(&sshd, &made("serial: 1017\n", Some(&other))), "of another authority");
    let any = PathBuf::from("none");
    assert!(!accepted(&sshd, &made("id: the-host\n", Some(&any))), "of any authority");
    let certificate = fs::read_to_string(dir.path().join("host-cert.pub")).unwrap();
    assert!(!accepted(&sshd, &made(&certificate, None)));
    let key = fs::read_to_string(dir.path().join("host.pub")).unwrap();
    assert!(!accepted(&sshd, &made(&format!("key: {key}"), None)));
    assert!(!accepted(&sshd, &fs::read(&authority).unwrap()), "a revoked authority");
}

#[test]
fn resolve_says_of_the_host_key_what_can_be_known() {
    use std::os::unix::ffi::OsStringExt;
    let sshd = Sshd::start(SshdConfig::default());
    let key = std::ffi::OsString::from_vec(b"/no/k\xffy".to_vec());
    let resolved = |place: &str| {
        let mut arguments: Vec<std::ffi::OsString> = vec!["resolve".into(), "--json".into()];
        arguments.push(place.into());
        let said = program::wharf(&sshd.ssh_config(), arguments).ends(0).text();
        serde_json::from_str::<serde_json::Value>(&said).unwrap()
    };
    let server = format!("{}:", support::ALIAS);
    assert_eq!(resolved(&server)["host_key"], "known");
    let known = fs::read_to_string(sshd.known_hosts()).unwrap();
    fs::write(sshd.known_hosts(), format!("{known}@revoked {known}")).unwrap();
    assert_eq!(resolved(&server)["host_key"], "revoked");
    fs::write(sshd.known_hosts(), "").unwrap();
    assert_eq!(resolved(&server)["host_key"], "unknown");

    let local = resolved("/tmp");
    assert_eq!((&local["protocol"], &local["host_key"]), (&"local".into(), &"not-checked".into()));
    let fields =
        ["protocol", "host", "port", "user", "path", "identity_files", "jumps", "proxy_command", "host_key"];
    for value in [&local, &resolved(&server)] {
        assert!(fields.iter().all(|field| value.get(field).is_some()), "{value}");
    }

    let mut text = fs::read(sshd.ssh_config()).unwrap();
    text.extend_from_slice(b"  IdentityFile ");
    text.extend_from_slice(std::os::unix::ffi::OsStrExt::as_bytes(key.as_os_str()));
    fs::write(sshd.ssh_config(), text).unwrap();
    assert_eq!(resolved(&server)["identity_files"][1], "/no/k\u{fffd}y", "a name that is not UTF-8");
}
