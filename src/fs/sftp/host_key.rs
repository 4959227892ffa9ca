//! Decides whether a server's key is the right one: by known_hosts, and by the person at a first
//! contact. Never laxer than ssh. Knows no connection.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use russh::keys::{
    Algorithm, Certificate, HashAlg, PublicKey,
    ssh_key::{self, certificate::CertType},
};

use super::config::{HostConfig, StrictHostKeyChecking};
use crate::{
    fs::{Error, ErrorKind, HostKeyState, Operation, Result},
    trust::{
        Answer, ChangedIdentity, Prompt, Question, UnknownHost,
        known_hosts::{self, KnownHosts, Verdict},
        revoked::{self, Revoked},
    },
};

/// Decides on one server's key by known_hosts and, at a first contact, by the person.
pub struct HostKeyChecker {
    known: KnownHosts,
    name: String,
    port: u16,
    address: String,
    /// CheckHostIP: the address and its port, where the key is checked by them too.
    by_address: Option<(String, u16)>,
    /// RevokedHostKeys, and what it holds.
    revoked: Option<(PathBuf, Revoked)>,
    strict: StrictHostKeyChecking,
    /// Where a new key is remembered.
    file: Option<PathBuf>,
    hashed: bool,
    prompt: Arc<dyn Prompt>,
}

impl HostKeyChecker {
    /// Loads what is known of the host that `config` leads to. `address` is what was reached, an
    /// address or words for it. Fails where a file is there and cannot be read, and where
    /// RevokedHostKeys names one that cannot: no key can be judged then.
    pub async fn load(config: &HostConfig, address: String, prompt: Arc<dyn Prompt>) -> Result<Self> {
        let (user, global) = (config.user_known_hosts.clone(), config.global_known_hosts.clone());
        let known = tokio::task::spawn_blocking(move || KnownHosts::load(&user, &global))
            .await
            .map_err(|error| refused(error.to_string()))?
            .map_err(|error| refused(error.to_string()))?;
        let revoked = match config.revoked_host_keys.clone() {
            None => None,
            Some(file) => Some(load_revoked(file).await?),
        };
        let (name, port) = config.known_as();
        let known_as = known_hosts::recorded_name(name, port);
        let by_address = config
            .check_host_ip
            .then(|| address_beside(&address, config.port, &config.hostname, &known_as))
            .flatten();
        Ok(HostKeyChecker {
            known,
            name: name.to_owned(),
            port,
            by_address: by_address.map(|address| (address, config.port)),
            revoked,
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

    /// What can be said of the host's key before the host has shown it.
    pub fn state(&self) -> HostKeyState {
        let keys = self.known.keys(&self.name, self.port);
        let in_list = |key: &Vec<u8>| self.revoked.as_ref().is_some_and(|(_, list)| list.has_key(key));
        if self.has_authorities() || !keys.iter().all(in_list) {
            HostKeyState::Known
        } else if !keys.is_empty() || self.known.has_only_revoked(&self.name, self.port) {
            HostKeyState::Revoked
        } else {
            HostKeyState::Unknown
        }
    }

    /// Whether the host may be talked to for its certificate's sake (OpenSSH PROTOCOL.certkeys).
    /// One by an authority that nobody named counts as its bare key, as with ssh.
    pub async fn check_certificate(&self, certificate: &Certificate) -> Result<()> {
        let refused =
            |why: &str| Err(refused(format!("the host's certificate {:?} {why}", certificate.key_id())));
        let broken = |error: ssh_key::Error| self::refused(error.to_string());
        let key = PublicKey::from(certificate.public_key().clone());
        let blob = key.to_bytes().map_err(broken)?;
        let authority = PublicKey::from(certificate.signature_key().clone());
        let authority_blob = authority.to_bytes().map_err(broken)?;
        if let Some((file, list)) = &self.revoked
            && list.has_certificate(&revoked::Certificate {
                key: &blob,
                authority: &authority_blob,
                serial: certificate.serial(),
                key_id: certificate.key_id().as_bytes(),
            })
        {
            return refused(&format!("is revoked in {}", file.display()));
        }
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
        let fingerprint = known_hosts::fingerprint(blob);
        if let Some((file, list)) = &self.revoked
            && list.has_key(blob)
        {
            let file = file.display();
            return Err(refused(format!("the key {fingerprint} ({key_type}) is revoked in {file}")));
        }
        match self.known.check(&self.name, self.port, blob) {
            Verdict::Known { .. } => {
                if self.is_new_address(key_type, blob)? {
                    self.remember_address(blob);
                }
                Ok(())
            }
            Verdict::Revoked { file, line } => Err(refused(format!(
                "the key {fingerprint} ({key_type}) is marked as revoked in {}:{line}",
                file.display()
            ))),
            Verdict::Changed { known } => {
                let key_type = key_type.to_owned();
                let changed = ChangedIdentity { fingerprint, key_type, remembered: known };
                Err(refused("the host key has CHANGED".to_owned()).with_changed_identity(changed))
            }
            Verdict::Unknown => {
                let is_new = self.is_new_address(key_type, blob)?;
                self.first_contact(key_type, blob, fingerprint, is_new).await
            }
        }
    }

    /// CheckHostIP: whether the key is still to be remembered by the address too. An address
    /// that is known by another key is a host that has moved, or one that pretends to be here.
    fn is_new_address(&self, key_type: &str, blob: &[u8]) -> Result<bool> {
        let Some((address, port)) = &self.by_address else { return Ok(false) };
        let fingerprint = known_hosts::fingerprint(blob);
        match self.known.check(address, *port, blob) {
            Verdict::Unknown => Ok(true),
            Verdict::Known { .. } => Ok(false),
            // Of all settings, ssh goes on with this one only.
            Verdict::Changed { .. } if self.strict == StrictHostKeyChecking::Off => Ok(false),
            Verdict::Changed { known } => {
                let mut detail = format!(
                    "the address {address} is known by another key (CheckHostIP)\nthe server shows {fingerprint} ({key_type})"
                );
                detail += &remembered(&known);
                Err(refused(detail))
            }
            Verdict::Revoked { file, line } => Err(refused(format!(
                "the key {fingerprint} ({key_type}) is marked as revoked for {address} in {}:{line}",
                file.display()
            ))),
        }
    }

    /// As ssh has it, a file that cannot be written to is no reason to refuse a known host.
    fn remember_address(&self, blob: &[u8]) {
        let (Some((address, port)), Some(file)) = (&self.by_address, &self.file) else { return };
        if let Err(error) = known_hosts::remember(file, address, *port, blob, self.hashed) {
            tracing::warn!(%error, "the address could not be remembered");
        }
    }

    async fn first_contact(
        &self,
        key_type: &str,
        blob: &[u8],
        fingerprint: String,
        is_new_address: bool,
    ) -> Result<()> {
        let host = known_hosts::recorded_name(&self.name, self.port);
        let accepted = match self.strict {
            StrictHostKeyChecking::Yes => {
                return Err(refused(format!(
                    "{host} is not in known_hosts and StrictHostKeyChecking is yes; it shows {fingerprint} ({key_type})"
                )));
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
                return Err(refused(format!(
                    "{host} is not in known_hosts; it shows {fingerprint} ({key_type}) and nobody confirmed it"
                )));
            }
        }
        let Some(file) = &self.file else { return Ok(()) };
        let mut names = vec![host];
        if let Some((address, port)) = self.by_address.as_ref().filter(|_| is_new_address) {
            names.push(known_hosts::recorded_name(address, *port));
        }
        known_hosts::remember_as(file, &names, blob, self.hashed).map_err(|error| {
            Error::io(Operation::RememberHostKey, &error).with_detail(format!("{}: {error}", file.display()))
        })
    }
}

fn refused(detail: String) -> Error {
    Error::new(ErrorKind::HostKeyRefused, Operation::CheckHostKey).with_detail(detail)
}

/// A line for each key that is remembered.
fn remembered(known: &[known_hosts::KnownKey]) -> String {
    let line = |key: &known_hosts::KnownKey| {
        let file = key.file.display();
        format!("\nremembered is {} ({}) in {file}:{}", key.fingerprint, key.key_type, key.line)
    };
    known.iter().map(line).collect()
}

async fn load_revoked(file: PathBuf) -> Result<(PathBuf, Revoked)> {
    let loading = tokio::task::spawn_blocking(move || {
        let list = Revoked::load(&file);
        (file, list)
    });
    let (file, list) = loading.await.map_err(|error| refused(error.to_string()))?;
    match list {
        Ok(list) => Ok((file, list)),
        Err(error) => Err(unusable(&file, &error)),
    }
}

fn unusable(file: &Path, error: &revoked::Unusable) -> Error {
    refused(format!("RevokedHostKeys {}: {error}; no key can be trusted without it", file.display()))
}

/// The address that was reached, where ssh checks it beside the name: not behind a proxy or on
/// this machine, and not where it is the name itself. `known_as` is the name in known_hosts.
fn address_beside(reached: &str, port: u16, hostname: &str, known_as: &str) -> Option<String> {
    let address: IpAddr = reached.parse().ok()?;
    let recorded = known_hosts::recorded_name(reached, port);
    (!address.is_loopback() && recorded != hostname && recorded != known_as).then(|| reached.to_owned())
}

#[cfg(test)]
mod tests;
