//! What a person has typed once, kept while the program runs so that it need not be typed twice.
//! In memory alone, wiped when it is dropped: must never be written, logged or shown.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
};

use secrecy::SecretString;

/// What a kept secret opens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SecretId {
    /// The private key in this file.
    Key(PathBuf),
    /// The login of a user on a host; `host` must not be the same for two machines.
    Login { user: String, host: String, port: u16 },
}

/// The secrets of this run of the program.
#[derive(Debug, Default)]
pub struct Secrets(Mutex<HashMap<SecretId, SecretString>>);

impl Secrets {
    pub fn recall(&self, id: &SecretId) -> Option<SecretString> {
        self.lock().get(id).cloned()
    }

    /// Keeps a secret that has proved right.
    pub fn keep(&self, id: SecretId, secret: SecretString) {
        self.lock().insert(id, secret);
    }

    /// Drops a secret that has proved wrong.
    pub fn forget(&self, id: &SecretId) {
        self.lock().remove(id);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SecretId, SecretString>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_secret_is_kept_until_it_is_forgotten_and_is_never_printed() {
        let secrets = Secrets::default();
        let id = SecretId::Key("/home/ann/.ssh/id_ed25519".into());
        secrets.keep(id.clone(), "open sesame".into());
        assert_eq!(secrets.recall(&id).unwrap().expose_secret(), "open sesame");
        assert!(!format!("{secrets:?}").contains("sesame"));
        secrets.forget(&id);
        assert!(secrets.recall(&id).is_none());
    }
}
