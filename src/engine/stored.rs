//! The password that a person let wharf keep for a login: looked up when the server asks for it,
//! given once. Must never give it to another host, and never keep it itself.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use secrecy::SecretString;

use crate::{
    fs::{self, SshOptions, Target},
    trust::{Question, SecretKind, SecretRequest, SecretStore},
};

/// The password that is kept for one login, if there is one.
pub(super) struct Stored {
    store: Arc<dyn SecretStore>,
    target: Target,
    ssh: SshOptions,
    /// It has been given once: a second question means that it is wrong.
    tried: AtomicBool,
}

/// How long somebody may take to unlock the keyring.
const UNLOCKING: Duration = Duration::from_secs(60);

impl Stored {
    pub(super) fn new(store: &Arc<dyn SecretStore>, target: &Target, ssh: &SshOptions) -> Stored {
        Stored {
            store: store.clone(),
            target: target.clone(),
            ssh: ssh.clone(),
            tried: AtomicBool::new(false),
        }
    }

    /// Answers the question for the password of the login itself, and no other.
    pub(super) async fn answer(&self, question: &Question) -> Option<SecretString> {
        let Question::Secret(request) = question else { return None };
        let asks_password = match request.kind {
            SecretKind::Password => true,
            SecretKind::Interactive => !request.echo && request.prompt.to_lowercase().contains("password"),
            SecretKind::Passphrase => false,
        };
        if !asks_password || self.tried.swap(true, Ordering::Relaxed) {
            return None;
        }
        let (store, key) = (self.store.clone(), self.target.label());
        let asked = tokio::task::spawn_blocking(move || store.get(&key));
        let password = tokio::time::timeout(UNLOCKING, asked).await.ok()?.ok()?.ok().flatten()?;
        self.is_asked_by_target(&request.subject).await.then_some(password)
    }

    /// Whether it is the server itself that asks: a host on the way must not get its password.
    async fn is_asked_by_target(&self, subject: &str) -> bool {
        if self.target.scheme.name != fs::SFTP.name {
            return true;
        }
        let Ok(route) = fs::route(&self.target, &self.ssh).await else { return false };
        let login = SecretRequest::login(&route.user, &route.host, route.port, &[22]);
        route.jumps.is_empty() && subject == login
    }
}
