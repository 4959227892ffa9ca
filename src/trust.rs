//! Whom to believe and who may ask: host keys, certificates, secrets, and the questions put to a
//! person.
//! A leaf: knows nothing of file systems, and never draws.

pub mod certificates;
pub mod known_hosts;
pub mod pattern;
mod picture;
pub mod revoked;
pub mod secrets;

use std::path::PathBuf;

use async_trait::async_trait;
use secrecy::SecretString;

use certificates::Fingerprint;
pub use known_hosts::KnownKey;
pub use secrets::{SecretId, Secrets};

/// Something only the person can answer.
#[derive(Clone, Debug)]
pub enum Question {
    /// A server that is not in known_hosts.
    UnknownHost(UnknownHost),
    /// A certificate that neither a root nor a pin vouches for.
    UnknownCertificate(Box<UnknownCertificate>),
    /// A password, passphrase or code.
    Secret(SecretRequest),
}

/// A first contact: what the person must compare before saying yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownHost {
    /// As it would be remembered: `web-01` or `[web-01]:2222`.
    pub host: String,
    /// The address that was reached.
    pub address: String,
    /// For example `ssh-ed25519`.
    pub key_type: String,
    /// `SHA256:…`, as `ssh-keygen -l` prints it.
    pub fingerprint: String,
    /// The fingerprint as a picture, as `ssh-keygen -lv` draws it: eleven lines.
    pub randomart: String,
    /// The file that a yes appends to.
    pub file: PathBuf,
}

/// A server that shows another identity than the one remembered: what the person must see, and
/// no way past it. Unescaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedIdentity {
    /// What it shows, as it is compared: `SHA256:…` of a host key, `AB:CD:…` of a certificate.
    pub fingerprint: String,
    /// The type of a host key, such as `ssh-ed25519`; empty for a certificate.
    pub key_type: String,
    /// What the files hold instead.
    pub remembered: Vec<KnownKey>,
}

/// A certificate that is not trusted: what the person must compare before saying yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownCertificate {
    /// As it would be pinned: `host:port`.
    pub host: String,
    /// The address that was reached.
    pub address: String,
    pub fingerprint: Fingerprint,
    /// Whom it names and who signed it, as the certificate says: unescaped.
    pub subject: String,
    pub issuer: String,
    /// The hosts that it is for, unescaped.
    pub names: Vec<String>,
    /// `2026-11-21`.
    pub not_before: String,
    pub not_after: String,
    /// Why it is not trusted, as a phrase: `it has expired`.
    pub reason: String,
    /// The file that a yes adds the pin to; empty where there is none.
    pub file: PathBuf,
}

/// A line to be typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretRequest {
    /// Who asks: `ann@web-01:2222` or the identity file.
    pub subject: String,
    pub kind: SecretKind,
    /// The server's own words for it, unescaped; empty where it sent none.
    pub prompt: String,
    /// Whether what is typed may be shown.
    pub echo: bool,
}

impl SecretRequest {
    /// What a login is called where its secret is asked for: `ann@web-01`, with the port unless it
    /// is one of the `usual` ones. A stored password goes to nobody who is called otherwise.
    pub fn login(user: &str, host: &str, port: u16, usual: &[u16]) -> String {
        if usual.contains(&port) { format!("{user}@{host}") } else { format!("{user}@{host}:{port}") }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretKind {
    Password,
    /// Of a private key.
    Passphrase,
    /// One prompt of keyboard-interactive.
    Interactive,
}

/// What the person said.
#[derive(Clone, Debug)]
pub enum Answer {
    Yes,
    No,
    Secret(SecretString),
}

/// Where questions go. `No` where nobody can be asked.
#[async_trait]
pub trait Prompt: Send + Sync {
    async fn ask(&self, question: Question) -> Answer;

    /// Where secrets that were typed before are found; `None` where nothing is kept.
    fn secrets(&self) -> Option<&Secrets> {
        None
    }
}

/// Answers every question with no: `--batch`, and tests.
pub struct Never;

#[async_trait]
impl Prompt for Never {
    async fn ask(&self, _: Question) -> Answer {
        Answer::No
    }
}

/// Why a secret could not be kept or had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    #[error("there is no keyring here")]
    Unavailable,
    #[error("the keyring refused it")]
    Refused,
    #[error("this wharf was built without the keyring")]
    NotBuilt,
}

/// Where passwords are kept between runs. Its methods may block, for as long as somebody needs to
/// unlock it.
pub trait SecretStore: Send + Sync {
    /// `None` where nothing is kept under that key.
    fn get(&self, key: &str) -> Result<Option<SecretString>, SecretError>;

    fn set(&self, key: &str, secret: &SecretString) -> Result<(), SecretError>;

    /// What is not there counts as removed.
    fn delete(&self, key: &str) -> Result<(), SecretError>;
}
