//! The keyring of the operating system: the Secret Service on Linux, the Keychain on macOS. The
//! only place where wharf keeps a secret. Must never fall back to a file.

use secrecy::SecretString;

use crate::trust::{SecretError, SecretStore};

/// The person's keyring, reached when it is first needed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Keyring {
    _private: (),
}

#[cfg(feature = "keyring")]
mod imp {
    use keyring::v1::{Entry, Error};
    use secrecy::{ExposeSecret, SecretString};

    use crate::trust::SecretError;

    /// What entries are listed under in the person's keyring.
    const SERVICE: &str = "wharf";

    fn failed(error: Error) -> SecretError {
        match error {
            Error::NoDefaultStore | Error::NoStorageAccess(_) | Error::PlatformFailure(_) => {
                SecretError::Unavailable
            }
            // The others may quote what was to be stored.
            _ => SecretError::Refused,
        }
    }

    pub fn get(key: &str) -> Result<Option<SecretString>, SecretError> {
        match Entry::new(SERVICE, key).and_then(|entry| entry.get_password()) {
            Ok(secret) => Ok(Some(secret.into())),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    pub fn set(key: &str, secret: &SecretString) -> Result<(), SecretError> {
        Entry::new(SERVICE, key).and_then(|entry| entry.set_password(secret.expose_secret())).map_err(failed)
    }

    pub fn delete(key: &str) -> Result<(), SecretError> {
        match Entry::new(SERVICE, key).and_then(|entry| entry.delete_credential()) {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(failed(error)),
        }
    }
}

#[cfg(not(feature = "keyring"))]
mod imp {
    use secrecy::SecretString;

    use crate::trust::SecretError;

    pub fn get(_: &str) -> Result<Option<SecretString>, SecretError> {
        Err(SecretError::NotBuilt)
    }

    pub fn set(_: &str, _: &SecretString) -> Result<(), SecretError> {
        Err(SecretError::NotBuilt)
    }

    pub fn delete(_: &str) -> Result<(), SecretError> {
        Err(SecretError::NotBuilt)
    }
}

impl SecretStore for Keyring {
    fn get(&self, key: &str) -> Result<Option<SecretString>, SecretError> {
        imp::get(key)
    }

    fn set(&self, key: &str, secret: &SecretString) -> Result<(), SecretError> {
        imp::set(key, secret)
    }

    fn delete(&self, key: &str) -> Result<(), SecretError> {
        imp::delete(key)
    }
}
