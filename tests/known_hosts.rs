//! Host keys as `wharf` judges, writes and pictures them, against `ssh-keygen` and `ssh`.

mod support;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use support::{ALIAS, Sshd, SshdConfig, generate};
use wharf::trust::known_hosts::{
    KnownHosts, Verdict, algorithm, fingerprint, randomart, remember, remember_as,
};

struct Key {
    file: PathBuf,
    text: String,
    blob: Vec<u8>,
}

fn key(dir: &Path, name: &str, kind: &str) -> Key {
    let file = dir.join(name);
    generate(&file, kind);
    public(&file.with_extension("pub"))
}

fn public(file: &Path) -> Key {
    let text = fs::read_to_string(file).unwrap();
    let text = text.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    let blob = STANDARD.decode(text.split(' ').nth(1).unwrap()).unwrap();
    Key { file: file.to_owned(), text, blob }
}

fn keygen(arguments: &[&str], file: &Path) -> Output {
    Command::new("ssh-keygen")
        .args(arguments)
        .arg("-f")
        .arg(file)
        .output()
        .expect("ssh-keygen, of openssh-client")
}

fn finds(name: &str, file: &Path) -> bool {
    keygen(&["-F", name], file).status.success()
}

fn verdict(file: &Path, host: &str, port: u16, blob: &[u8]) -> Verdict {
    KnownHosts::load(&[file.to_owned()], &[]).unwrap().check(host, port, blob)
}

#[test]
fn fingerprints_and_pictures_are_those_of_ssh_keygen() {
    let dir = tempfile::tempdir().unwrap();
    for (index, kind) in ["ed25519", "rsa", "ecdsa", "ed25519", "ed25519", "ecdsa"].iter().enumerate() {
        let key = key(dir.path(), &format!("key{index}"), kind);
        let output = keygen(&["-l", "-v"], &key.file);
        let text = String::from_utf8(output.stdout).unwrap();
        let (summary, picture) = text.split_once('\n').unwrap();
        assert_eq!(fingerprint(&key.blob), summary.split(' ').nth(1).unwrap());
        assert_eq!(randomart(&key.blob), picture.trim_end(), "{kind}");
        assert_eq!(algorithm(&key.blob).unwrap(), key.text.split(' ').next().unwrap());
    }
}

#[test]
fn what_is_remembered_is_what_ssh_keygen_finds() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("known_hosts");
    let (one, two) = (key(dir.path(), "one", "ed25519"), key(dir.path(), "two", "ecdsa"));
    remember(&file, "web-01", 22, &one.blob, false).unwrap();
    remember(&file, "web-02", 2222, &two.blob, true).unwrap();
    remember(&file, "::1", 2222, &two.blob, false).unwrap();
    assert!(finds("web-01", &file) && finds("[web-02]:2222", &file) && finds("[::1]:2222", &file));
    assert!(!finds("web-02", &file));
    assert!(!fs::read_to_string(&file).unwrap().contains("web-02"));
    let output = keygen(&["-l", "-F", "[web-02]:2222"], &file);
    assert!(String::from_utf8_lossy(&output.stdout).contains(&fingerprint(&two.blob)));
    assert!(matches!(verdict(&file, "web-02", 2222, &two.blob), Verdict::Known { line: 2, .. }));
}

#[test]
fn a_name_and_its_address_are_found_both() {
    let dir = tempfile::tempdir().unwrap();
    let key = key(dir.path(), "one", "ed25519");
    let names = ["[web]:2222", "[192.0.2.7]:2222"].map(str::to_owned);
    for hashed in [false, true] {
        let file = dir.path().join(format!("known_hosts_{hashed}"));
        remember_as(&file, &names, &key.blob, hashed).unwrap();
        assert!(names.iter().all(|name| finds(name, &file)), "hashed: {hashed}");
        assert_eq!(fs::read_to_string(&file).unwrap().lines().count(), if hashed { 2 } else { 1 });
    }
    let file = dir.path().join("not written");
    assert!(remember_as(&file, &["a,b".to_owned()], &key.blob, false).is_err() && !file.exists());
}

#[test]
fn what_ssh_keygen_hashes_is_known_still() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("known_hosts");
    let key = key(dir.path(), "one", "ed25519");
    fs::write(&file, format!("web,[web]:2222,10.0.0.1 {0}\nother {0}\n", key.text)).unwrap();
    assert!(keygen(&["-H"], &file).status.success());
    assert!(fs::read_to_string(&file).unwrap().starts_with("|1|"));
    for (host, port) in [("web", 22), ("web", 2222), ("10.0.0.1", 22), ("OTHER", 22)] {
        assert!(matches!(verdict(&file, host, port, &key.blob), Verdict::Known { .. }), "{host}:{port}");
    }
    assert_eq!(verdict(&file, "else", 22, &key.blob), Verdict::Unknown);
}

#[test]
fn names_match_where_ssh_keygen_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("known_hosts");
    let key = key(dir.path(), "one", "ed25519");
    let patterns = [
        "web",
        "WEB",
        "w?b",
        "w*",
        "*",
        "!web,*",
        "*,!web",
        "!*,web",
        "web,",
        ",web",
        "[web]:2222",
        "[w*]:*",
        "web*b",
        "?*?",
        "a,b,web",
        "!a,web",
        "**",
        "[web]",
        "*.org",
        "!web",
        "",
        "web:2222",
    ];
    let names = ["web", "web.org", "wb", "wexb", "[web]:2222", "x"];
    for pattern in patterns {
        fs::write(&file, format!("{pattern} {}\n", key.text)).unwrap();
        for name in names {
            let (host, port) = match name.strip_prefix('[') {
                Some(_) => ("web", 2222),
                None => (name, 22),
            };
            // The bare name is what ssh falls back on, and ssh-keygen does not.
            let expected = finds(name, &file) || (port != 22 && finds(host, &file));
            let known = matches!(verdict(&file, host, port, &key.blob), Verdict::Known { .. });
            assert_eq!(known, expected, "{pattern:?} {name:?}");
        }
    }
}

/// `ssh` itself judges what known_hosts says, by whether it goes on to log in.
#[test]
fn ssh_accepts_where_this_says_known_and_refuses_elsewhere() {
    let server = Sshd::start(SshdConfig::default());
    let host = public(&server.dir().join("host_ed25519.pub"));
    let other = key(server.dir(), "other", "ed25519");
    let rsa = key(server.dir(), "other_rsa", "rsa");
    let encoded = host.text.split(' ').nth(1).unwrap();
    let (good, bad, rsa) = (&host.text, &other.text, &rsa.text);
    let name = format!("[127.0.0.1]:{}", server.port());
    let files = [
        (format!("{name} {good}\n"), "known"),
        (format!("127.0.0.1 {good}\n"), "known"),
        (format!("127.0.0.* {good}\r\n"), "known"),
        (format!("\t{name}\t{good}\tcomment\n"), "known"),
        (format!("{name} ED25519 {encoded}\n"), "unknown"),
        (format!("{name} {bad}\n{name} {good}\n"), "known"),
        (format!("127.0.0.1 {bad}\n{name} {good}"), "known"),
        (String::new(), "unknown"),
        (format!("127.0.0.1 {bad}\n"), "unknown"),
        (format!("elsewhere {good}\n"), "unknown"),
        (format!("{name},!{name} {good}\n"), "unknown"),
        (format!("@cert-authority {name} {good}\n"), "unknown"),
        (format!("@strange {name} {good}\n"), "unknown"),
        (format!("# {name} {good}\n"), "unknown"),
        (format!("{name} ssh-rsa {encoded}\n"), "unknown"),
        (format!("{name} {bad}\n"), "changed"),
        (format!("{name} {rsa}\n"), "changed"),
        (format!("{name} {bad}\n127.0.0.1 {good}\n"), "changed"),
        (format!("{name} {good}\n@revoked * {good}\n"), "revoked"),
        (format!("@revoked {name} {good}\n"), "revoked"),
        (format!("@revoked 127.0.0.1 {good}\n"), "revoked"),
        (format!("@cert-authority\t{name} {good}\n{name} {bad}\n"), "changed"),
        (format!("@revoked @revoked {name} {good}\n{name} {good}\n"), "known"),
        (format!(" {name}  {good}\u{0}\n"), "known"),
        (format!("{name} {good}#x\n"), "unknown"),
        (format!("|1|bad|hash {good}\n{name} {good}\n"), "known"),
        (format!("{name} {good}\n@revoked elsewhere {good}\n"), "known"),
    ];
    for (text, expected) in &files {
        agree(&server, text, &host.blob, expected);
    }
}

#[test]
fn an_rsa_key_goes_by_the_names_that_ssh_takes() {
    let server =
        Sshd::start(SshdConfig { no_ed25519: true, host_keys: vec!["rsa"], ..SshdConfig::default() });
    let host = public(&server.dir().join("host_rsa.pub"));
    let encoded = host.text.split(' ').nth(1).unwrap();
    let name = format!("[127.0.0.1]:{}", server.port());
    for (word, expected) in
        [("ssh-rsa", "known"), ("rsa-sha2-256", "known"), ("rsa-sha2-512", "known"), ("RSA", "unknown")]
    {
        agree(&server, &format!("{name} {word} {encoded}\n"), &host.blob, expected);
    }
}

fn agree(server: &Sshd, text: &str, key: &[u8], expected: &str) {
    fs::write(server.known_hosts(), text).unwrap();
    let mine = match verdict(&server.known_hosts(), "127.0.0.1", server.port(), key) {
        Verdict::Known { .. } => "known",
        Verdict::Unknown => "unknown",
        Verdict::Changed { .. } => "changed",
        Verdict::Revoked { .. } => "revoked",
    };
    let output = Command::new("ssh")
        .arg("-F")
        .arg(server.ssh_config())
        .args(["-o", "UpdateHostKeys=no", ALIAS, "true"])
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    let theirs = if output.status.success() {
        "known"
    } else if words.contains("REVOKED HOST KEY") {
        "revoked"
    } else if words.contains("IDENTIFICATION HAS CHANGED") {
        "changed"
    } else {
        "unknown"
    };
    assert_eq!((mine, theirs), (expected, expected), "{text}\n{words}");
}
