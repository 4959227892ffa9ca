//! Keys: passphrases asked once and never in vain, security keys and crowds in the agent, kinds of
//! signatures.

use std::{
    fs,
    io::{Read, Write},
    os::unix::net::UnixListener,
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use russh::keys::{self, PrivateKey, signature::Signer, ssh_key::public::KeyData};
use sha2::{Digest, Sha256};
use wharf::{
    fs::ErrorKind,
    trust::{SecretId, SecretKind},
};

use crate::{
    Agent,
    support::{PASSWORD, PASSWORD_USER, Sshd, SshdConfig, generate, person::Person},
};

const PASSPHRASE: &str = "open sesame";

fn locked(file: &Path, format: &[&str]) {
    let made =
        Command::new("ssh-keygen").args(["-q", "-N", PASSPHRASE, "-f"]).arg(file).args(format).status();
    assert!(made.unwrap().success());
}

/// An ssh_config whose Host `it` is the server, with these lines.
fn config(sshd: &Sshd, lines: &str) -> PathBuf {
    let file = sshd.dir().join("keys_config");
    let text = format!(
        "Host it\n{lines}\n HostName 127.0.0.1\n Port {}\n User {}\n UserKnownHostsFile {}\n IdentityAgent none\n",
        sshd.port(),
        sshd.user(),
        sshd.known_hosts().display()
    );
    fs::write(&file, text).unwrap();
    file
}

fn identity(file: &Path) -> String {
    format!(" IdentityFile {}\n", file.display())
}

fn attempts(sshd: &Sshd) -> usize {
    sshd.log().lines().filter(|line| line.starts_with("Failed publickey")).count()
}

#[tokio::test]
async fn a_passphrase_is_asked_once() {
    // The formats that ssh-keygen writes: OpenSSH's own, and PEM with a public half beside it.
    for format in
        [&["-t", "ed25519"][..], &["-t", "rsa", "-b", "2048"], &["-t", "rsa", "-b", "2048", "-m", "PEM"]]
    {
        let sshd = Sshd::start(SshdConfig::default());
        let key = sshd.dir().join("locked");
        locked(&key, format);
        sshd.authorize(&key);
        let config = config(&sshd, &identity(&key));
        let person = Person::who_says(&["wrong", PASSPHRASE]);
        person.connects(&config, "it").await.unwrap();
        let asked = person.asked();
        assert!(
            asked.len() == 2 && asked.iter().all(|a| a.kind == SecretKind::Passphrase),
            "{format:?}: {asked:?}"
        );
        assert_eq!(asked[0].subject, key.display().to_string());
        assert_eq!(asked[0].prompt, "", "{format:?}");
        assert!(asked[1].prompt.starts_with("That does not open the key"), "{format:?}: {asked:?}");
        let silent = Person::again(&[], person.kept());
        silent.connects(&config, "it").await.unwrap();
        assert!(silent.asked().is_empty(), "{format:?}");
    }
}

#[tokio::test]
async fn a_kept_passphrase_that_opens_nothing_is_forgotten() {
    let sshd = Sshd::start(SshdConfig::default());
    let key = sshd.dir().join("locked");
    locked(&key, &["-t", "ed25519"]);
    sshd.authorize(&key);
    let config = config(&sshd, &identity(&key));
    let person = Person::who_says(&[PASSPHRASE]);
    person.kept().keep(SecretId::Key(key.clone()), "of another key".into());
    person.connects(&config, "it").await.unwrap();
    assert_eq!(person.asked().len(), 1);
    // One that is not given leaves nothing behind.
    let other = Person::who_says(&[]);
    let error = other.connects(&config, "it").await.err().unwrap();
    assert!(error.detail().unwrap().contains("it needs a passphrase"), "{error}");
    assert!(other.kept().recall(&SecretId::Key(key)).is_none());
}

#[tokio::test]
async fn nobody_is_asked_for_the_passphrase_of_a_key_that_the_server_does_not_take() {
    let sshd = Sshd::start(SshdConfig::default());
    let (stranger, pem) = (sshd.dir().join("stranger"), sshd.dir().join("pem"));
    locked(&stranger, &["-t", "ed25519"]);
    locked(&pem, &["-t", "ecdsa", "-m", "PEM"]);
    // OpenSSH's format shows its public half by itself.
    fs::remove_file(stranger.with_extension("pub")).unwrap();
    let config = config(&sshd, &(identity(&stranger) + &identity(&pem)));
    let person = Person::who_says(&[PASSPHRASE; 5]);
    let error = person.connects(&config, "it").await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::LoginFailed);
    let secrets: Vec<_> = person.asked().into_iter().filter(|a| a.kind == SecretKind::Passphrase).collect();
    assert!(secrets.is_empty(), "{secrets:?}");
    assert_eq!(attempts(&sshd), 2, "one try each:\n{}", sshd.log());
    assert!(error.detail().unwrap().contains("stranger"), "{error}");
}

#[tokio::test]
async fn a_crowd_in_the_agent_leaves_room_for_a_password() {
    // sshd hangs up at the sixth failure.
    let sshd = Sshd::start(SshdConfig { password_auth: true, ..SshdConfig::default() });
    let agent = Agent::start(sshd.dir());
    let mut lines = format!(" User {PASSWORD_USER}\n IdentityAgent {}\n", agent.socket.display());
    for number in 0..8 {
        let key = sshd.dir().join(format!("agent_{number}"));
        generate(&key, "ed25519");
        agent.add(&key);
    }
    for number in 0..4 {
        let key = sshd.dir().join(format!("file_{number}"));
        generate(&key, "ed25519");
        lines += &identity(&key);
    }
    let config = config(&sshd, &lines);
    let person = Person::who_says(&[PASSWORD]);
    person.connects(&config, "it").await.unwrap();
    assert!(attempts(&sshd) <= 5, "{}", sshd.log());
    let error = Person::who_says(&[]).connects(&config, "it").await.err().unwrap();
    assert!(error.detail().unwrap().contains("more keys were not tried"), "{error}");
}

#[tokio::test]
async fn a_refusing_server_is_not_stormed() {
    let sshd = Sshd::start(SshdConfig { extra: vec!["MaxAuthTries 2".into()], ..SshdConfig::default() });
    let mut lines = String::new();
    for number in 0..6 {
        let key = sshd.dir().join(format!("file_{number}"));
        generate(&key, "ed25519");
        lines += &identity(&key);
    }
    let error = Person::who_says(&[]).connects(&config(&sshd, &lines), "it").await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::LoginFailed, "{error}");
    assert!(error.detail().unwrap().contains("file_0"), "{error}");
    assert!(error.detail().unwrap().contains("closed the connection"), "{error}");
    let connections = sshd.log().matches("Connection from").count();
    assert_eq!(connections, 2, "the one of the harness, and ours:\n{}", sshd.log());
}

#[tokio::test]
async fn rsa_keys_sign_with_sha2_and_never_with_sha1() {
    let sshd = Sshd::start(SshdConfig { extra: vec!["LogLevel DEBUG1".into()], ..SshdConfig::default() });
    let key = sshd.dir().join("rsa");
    generate(&key, "rsa");
    sshd.authorize(&key);
    Person::who_says(&[]).connects(&config(&sshd, &identity(&key)), "it").await.unwrap();
    assert!(sshd.log().contains("rsa-sha2-512"), "{}", sshd.log());
    // Allowed is only what the configuration names.
    let lines = identity(&key) + " PubkeyAcceptedAlgorithms rsa-sha2-256\n";
    Person::who_says(&[]).connects(&config(&sshd, &lines), "it").await.unwrap();
    assert!(sshd.log().contains("rsa-sha2-256"), "{}", sshd.log());
    let lines = identity(&key) + " PubkeyAcceptedAlgorithms ssh-ed25519\n";
    let error = Person::who_says(&[]).connects(&config(&sshd, &lines), "it").await.err().unwrap();
    assert!(error.detail().unwrap().contains("PubkeyAcceptedAlgorithms leaves out"), "{error}");

    let old = Sshd::start(SshdConfig {
        extra: vec!["PubkeyAcceptedAlgorithms ssh-rsa".into()],
        ..SshdConfig::default()
    });
    let key = old.dir().join("rsa");
    generate(&key, "rsa");
    old.authorize(&key);
    let error = Person::who_says(&[]).connects(&config(&old, &identity(&key)), "it").await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::LoginFailed, "{error}");
    assert!(!old.log().contains("Accepted publickey"), "{}", old.log());
}

#[tokio::test]
async fn only_certificates() {
    for kind in ["ed25519", "rsa"] {
        let dir = tempfile::tempdir().unwrap();
        let (authority, key) = (dir.path().join("ca"), dir.path().join("key"));
        generate(&authority, "ed25519");
        generate(&key, kind);
        let extra = vec![
            format!("TrustedUserCAKeys {}.pub", authority.display()),
            "PubkeyAcceptedAlgorithms *-cert-v01@openssh.com".into(),
        ];
        let sshd = Sshd::start(SshdConfig { extra, ..SshdConfig::default() });
        // The bare key is authorized too, but may not be used.
        sshd.authorize(&key);
        let config = config(&sshd, &identity(&key));
        let error = Person::who_says(&[]).connects(&config, "it").await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::LoginFailed, "{error}");
        let signed = Command::new("ssh-keygen")
            .args(["-q", "-s"])
            .arg(&authority)
            .args(["-I", "the-id", "-n", &sshd.user()])
            .arg(key.with_extension("pub"))
            .status();
        assert!(signed.unwrap().success());
        let connected = Person::who_says(&[]).connects(&config, "it").await;
        assert!(connected.is_ok(), "{kind}: {:?}\n{}", connected.err(), sshd.log());
    }
}

fn string(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend((bytes.len() as u32).to_be_bytes());
    out.extend(bytes);
}

fn take_string<'a>(from: &mut &'a [u8]) -> &'a [u8] {
    let length = u32::from_be_bytes(from[..4].try_into().unwrap()) as usize;
    let (string, rest) = from[4..].split_at(length);
    *from = rest;
    string
}

/// A security key in software: an agent that holds one, and signs as its hardware would
/// (OpenSSH's PROTOCOL.u2f).
struct SecurityKey {
    socket: PathBuf,
    /// The line for authorized_keys.
    line: String,
}

const APPLICATION: &[u8] = b"ssh:";

impl SecurityKey {
    fn start(dir: &Path, kind: &str) -> SecurityKey {
        let file = dir.join("software_key");
        generate(&file, kind);
        let key = keys::load_secret_key(&file, None).unwrap();
        let mut blob = Vec::new();
        let name = match key.public_key().key_data() {
            KeyData::Ed25519(public) => {
                string(&mut blob, b"sk-ssh-ed25519@openssh.com");
                string(&mut blob, &public.0);
                "sk-ssh-ed25519@openssh.com"
            }
            KeyData::Ecdsa(public) => {
                string(&mut blob, b"sk-ecdsa-sha2-nistp256@openssh.com");
                string(&mut blob, b"nistp256");
                string(&mut blob, public.as_sec1_bytes());
                "sk-ecdsa-sha2-nistp256@openssh.com"
            }
            other => panic!("{other:?}"),
        };
        string(&mut blob, APPLICATION);
        let socket = dir.join("security_key");
        let listener = UnixListener::bind(&socket).unwrap();
        let line = format!("{name} {}\n", STANDARD.encode(&blob));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                while answer(&mut stream, &key, name, &blob).is_ok() {}
            }
        });
        SecurityKey { socket, line }
    }
}

fn answer(
    stream: &mut std::os::unix::net::UnixStream,
    key: &PrivateKey,
    name: &str,
    blob: &[u8],
) -> std::io::Result<()> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut message = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut message)?;
    let mut reply = Vec::new();
    match message[0] {
        // SSH_AGENTC_REQUEST_IDENTITIES
        11 => {
            reply.push(12);
            reply.extend(1u32.to_be_bytes());
            string(&mut reply, blob);
            string(&mut reply, b"a key to be touched");
        }
        // SSH_AGENTC_SIGN_REQUEST
        13 => {
            let mut rest = &message[1..];
            assert_eq!(take_string(&mut rest), blob);
            let data = take_string(&mut rest);
            // User present, and the counter of the device.
            let (flags, counter) = (1u8, 7u32);
            let mut signed = Sha256::digest(APPLICATION).to_vec();
            signed.push(flags);
            signed.extend(counter.to_be_bytes());
            signed.extend(Sha256::digest(data));
            let raw: keys::ssh_key::Signature = key.try_sign(&signed).unwrap();
            let mut signature = Vec::new();
            string(&mut signature, name.as_bytes());
            string(&mut signature, raw.as_bytes());
            signature.push(flags);
            signature.extend(counter.to_be_bytes());
            reply.push(14);
            string(&mut reply, &signature);
        }
        _ => reply.push(5),
    }
    stream.write_all(&(reply.len() as u32).to_be_bytes())?;
    stream.write_all(&reply)
}

#[tokio::test]
async fn security_keys_sign_through_the_agent() {
    for kind in ["ed25519", "ecdsa"] {
        let sshd = Sshd::start(SshdConfig::default());
        let key = SecurityKey::start(sshd.dir(), kind);
        fs::write(sshd.dir().join("authorized_keys"), &key.line).unwrap();
        let lines = format!(" IdentityFile none\n IdentityAgent {}\n", key.socket.display());
        let connected = Person::who_says(&[]).connects(&config(&sshd, &lines), "it").await;
        assert!(connected.is_ok(), "{kind}: {:?}\n{}", connected.err(), sshd.log());
        sshd.wait_for_log("-SK");
    }
}

#[tokio::test]
async fn an_agent_that_does_not_answer_is_left_out() {
    let sshd = Sshd::start(SshdConfig::default());
    let socket = sshd.dir().join("hung");
    let _listener = UnixListener::bind(&socket).unwrap();
    let lines = identity(&sshd.user_key()) + &format!(" IdentityAgent {}\n", socket.display());
    Person::who_says(&[]).connects(&config(&sshd, &lines), "it").await.unwrap();
}
