//! Decides whether a server's key is the right one: by known_hosts, and by the person at a first
//! contact. Never laxer than ssh. Knows no connection.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use russh::keys::{
    Algorithm, Certificate, HashAlg, PublicKey,
    ssh_key::{self, certificate::CertType},
};

use super::config::{HostConfig, StrictHostKeyChecking};
use crate::{
    fs::{Error, ErrorKind, Operation, Result},
    trust::{
        Answer, Prompt, Question, UnknownHost,
        known_hosts::{self, KnownHosts, Verdict},
    },
};

/// Decides on one server's key by known_hosts and, at a first contact, by the person.
pub struct HostKeyChecker {
    known: KnownHosts,
    name: String,
    port: u16,
    address: String,
    strict: StrictHostKeyChecking,
    /// Where a new key is remembered.
    file: Option<PathBuf>,
    hashed: bool,
    prompt: Arc<dyn Prompt>,
}

impl HostKeyChecker {
    /// Loads what is known of the host that `config` leads to. `address` is what was reached,
    /// for the question.
    pub async fn load(config: &HostConfig, address: String, prompt: Arc<dyn Prompt>) -> Result<Self> {
        let (user, global) = (config.user_known_hosts.clone(), config.global_known_hosts.clone());
        let refused = |detail: String| {
            Error::new(ErrorKind::HostKeyRefused, Operation::CheckHostKey).with_detail(detail)
        };
        let known = tokio::task::spawn_blocking(move || KnownHosts::load(&user, &global))
            .await
            .map_err(|error| refused(error.to_string()))?
            .map_err(|error| refused(error.to_string()))?;
        let (name, port) = config.known_as();
        Ok(HostKeyChecker {
            known,
            name: name.to_owned(),
            port,
            address,
            strict: config.strict_host_key_checking,
            file: config.user_known_hosts.first().cloned(),
            hashed: config.hash_known_hosts,
            prompt,
        })
    }

    /// The types of the keys that are known for the host, as known_hosts names them.
    pub fn known_types(&self) -> Vec<String> {
        self.known.known_algorithms(&self.name, self.port)
    }

    /// Whether a certificate can vouch for the host at all.
    pub fn has_authorities(&self) -> bool {
        !self.known.authorities(&self.name, self.port).is_empty()
    }

    /// Whether the host may be talked to for its certificate's sake (OpenSSH PROTOCOL.certkeys).
    /// One by an authority that nobody named counts as its bare key, as with ssh.
    pub async fn check_certificate(&self, certificate: &Certificate) -> Result<()> {
        let refused = |why: &str| {
            Err(Error::new(ErrorKind::HostKeyRefused, Operation::CheckHostKey)
                .with_detail(format!("the host's certificate {:?} {why}", certificate.key_id())))
        };
        let broken = |error: ssh_key::Error| {
            Error::new(ErrorKind::HostKeyRefused, Operation::CheckHostKey).with_detail(error.to_string())
        };
        let key = PublicKey::from(certificate.public_key().clone());
        let blob = key.to_bytes().map_err(broken)?;
        let authority = PublicKey::from(certificate.signature_key().clone());
        let authority_blob = authority.to_bytes().map_err(broken)?;
        if !self.known.authorities(&self.name, self.port).contains(&authority_blob) {
            return self.check(key.algorithm().as_str(), &blob).await;
        }
        if let Verdict::Revoked { file, line } = self.known.check(&self.name, self.port, &blob) {
            return refused(&format!("is for a key that is revoked in {}:{line}", file.display()));
        }
        if certificate.cert_type() != CertType::Host {
            return refused("is meant for users, not for hosts");
        }
        if matches!(certificate.signature().algorithm(), Algorithm::Rsa { hash: None }) {
            return refused("is signed with SHA-1");
        }
        if !certificate.critical_options().is_empty() {
            return refused("has options that wharf does not know");
        }
        let name = self.name.to_ascii_lowercase();
        let names_host =
            certificate.valid_principals().iter().any(|p| known_hosts::pattern_matches(p, &name));
        if !names_host {
            return refused(&format!("is not for {name}"));
        }
        let trusted = [authority.fingerprint(HashAlg::Sha256)];
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        match certificate.validate_at(now, &trusted) {
            Ok(()) => Ok(()),
            Err(_) => refused("is not valid now, or its signature is wrong"),
        }
    }

    /// Whether the host may be talked to. Remembers a key that was accepted for the first time.
    pub async fn check(&self, key_type: &str, blob: &[u8]) -> Result<()> {
        let refused = |detail: String| {
            Err(Error::new(ErrorKind::HostKeyRefused, Operation::CheckHostKey).with_detail(detail))
        };
        let fingerprint = known_hosts::fingerprint(blob);
        match self.known.check(&self.name, self.port, blob) {
            Verdict::Known { .. } => Ok(()),
            Verdict::Revoked { file, line } => refused(format!(
                "the key {fingerprint} ({key_type}) is marked as revoked in {}:{line}",
                file.display()
            )),
            Verdict::Changed { known } => {
                // A fact a line: a dialog shows them below each other.
                let mut detail =
                    format!("the host key has CHANGED\nthe server shows {fingerprint} ({key_type})");
                for k in &known {
                    let file = k.file.display();
                    detail +=
                        &format!("\nremembered is {} ({}) in {file}:{}", k.fingerprint, k.key_type, k.line);
                }
                refused(detail)
            }
            Verdict::Unknown => self.first_contact(key_type, blob, fingerprint).await,
        }
    }

    async fn first_contact(&self, key_type: &str, blob: &[u8], fingerprint: String) -> Result<()> {
        let refused = |detail: String| {
            Err(Error::new(ErrorKind::HostKeyRefused, Operation::CheckHostKey).with_detail(detail))
        };
        let host = known_hosts::recorded_name(&self.name, self.port);
        let accepted = match self.strict {
            StrictHostKeyChecking::Yes => {
                return refused(format!(
                    "{host} is not in known_hosts and StrictHostKeyChecking is yes; it shows {fingerprint} ({key_type})"
                ));
            }
            StrictHostKeyChecking::AcceptNew | StrictHostKeyChecking::Off => true,
            StrictHostKeyChecking::Ask => false,
        };
        if !accepted {
            let question = Question::UnknownHost(UnknownHost {
                host: host.clone(),
                address: self.address.clone(),
                key_type: key_type.to_owned(),
                fingerprint: fingerprint.clone(),
                randomart: known_hosts::randomart(blob),
                file: self.file.clone().unwrap_or_default(),
            });
            if !matches!(self.prompt.ask(question).await, Answer::Yes) {
                return refused(format!(
                    "{host} is not in known_hosts; it shows {fingerprint} ({key_type}) and nobody confirmed it"
                ));
            }
        }
        let Some(file) = &self.file else { return Ok(()) };
        known_hosts::remember(file, &self.name, self.port, blob, self.hashed).map_err(|error| {
            Error::io(Operation::RememberHostKey, &error).with_detail(format!("{}: {error}", file.display()))
        })
    }
}
