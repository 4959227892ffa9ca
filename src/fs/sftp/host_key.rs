//! Decides whether a server's key is the right one: by known_hosts, and by the person at a first
//! contact. Never laxer than ssh. Knows no connection.

use std::{path::PathBuf, sync::Arc};

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
                let remembered: Vec<String> = known
                    .iter()
                    .map(|k| format!("{} ({}) in {}:{}", k.fingerprint, k.key_type, k.file.display(), k.line))
                    .collect();
                refused(format!(
                    "the host key has CHANGED: the server shows {fingerprint} ({key_type}), remembered is {}",
                    remembered.join(", ")
                ))
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
