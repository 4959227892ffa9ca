//! Private keys and those who sign with them: identity files, opened only when a server wants
//! their signature, and the agent. Decides nothing about the order of a login.

use std::{
    future::Future,
    path::{Path, PathBuf},
    time::Duration,
};

use russh::{
    Signer,
    keys::{
        self, Certificate, HashAlg, PrivateKey, PublicKey,
        agent::{AgentIdentity, client::AgentClient},
        signature::Signer as _,
        ssh_encoding::Encode,
        ssh_key::private::KeypairData,
    },
};
use secrecy::{ExposeSecret, SecretString};
use tokio::net::UnixStream;

use super::super::{config::Agent, patience::Asking};
use crate::trust::{Answer, Prompt, Question, SecretId, SecretKind, SecretRequest};

/// How often a passphrase is asked for.
const PASSPHRASE_TRIES: usize = 3;

/// Asked the same twice, one would think that nothing had happened.
const WRONG_PASSPHRASE: &str = "That does not open the key, please try again.\nPassphrase:";

/// An agent that is there tells its keys at once.
const AGENT_TIMEOUT: Duration = Duration::from_secs(10);

/// To sign, it may want a key touched or a PIN typed.
const AGENT_SIGN_TIMEOUT: Duration = Duration::from_secs(120);

/// Why there is no signature.
#[derive(Debug)]
pub enum SignError {
    /// The connection is gone.
    Gone,
    /// In words that go behind the key's name.
    Unusable(String),
}

impl From<russh::SendError> for SignError {
    fn from(_: russh::SendError) -> Self {
        SignError::Gone
    }
}

fn unusable(error: impl std::fmt::Display) -> SignError {
    SignError::Unusable(error.to_string())
}

/// An identity file, as much of it as can be read without its passphrase.
pub struct KeyFile {
    pub path: PathBuf,
    pub public: PublicKey,
    pub is_locked: bool,
    text: SecretString,
    open: Option<PrivateKey>,
}

/// What is in an identity file.
pub enum Found {
    Nothing,
    Key(Box<KeyFile>),
    /// A locked key that does not show its public half, and has none beside it.
    Opaque(SecretString),
    /// Why it cannot be used.
    Problem(String),
}

impl KeyFile {
    /// Reads an identity file; asks nobody.
    pub async fn read(path: &Path) -> Found {
        let text = match tokio::fs::read_to_string(path).await {
            Ok(text) => SecretString::from(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Found::Nothing,
            Err(error) => return Found::Problem(error.to_string()),
        };
        match decode(&text, None).await {
            Ok(key) => Found::Key(Box::new(KeyFile::opened(path, text, key))),
            Err(keys::Error::KeyIsEncrypted) => {
                // OpenSSH's own format has the public half in clear before the locked one.
                let inside = PrivateKey::from_openssh(text.expose_secret()).ok();
                match inside.map(|key| key.public_key().clone()).or_else(|| public_half(path)) {
                    Some(public) => {
                        let path = path.to_owned();
                        Found::Key(Box::new(KeyFile { path, public, is_locked: true, text, open: None }))
                    }
                    None => Found::Opaque(text),
                }
            }
            Err(error) => Found::Problem(error.to_string()),
        }
    }

    /// The key of a file whose passphrase had to be asked for before anything was known of it.
    pub async fn unlocked(
        path: &Path,
        text: SecretString,
        prompt: &dyn Prompt,
        asking: &Asking,
    ) -> Result<KeyFile, SignError> {
        let key = unlock(path, &text, prompt, asking).await?;
        Ok(KeyFile::opened(path, text, key))
    }

    fn opened(path: &Path, text: SecretString, key: PrivateKey) -> KeyFile {
        let public = key.public_key().clone();
        KeyFile { path: path.to_owned(), public, is_locked: false, text, open: Some(key) }
    }

    /// The certificate that belongs to the key: one of `files`, or `KEY-cert.pub` beside it.
    pub fn certificate(&self, files: &[PathBuf]) -> Option<Certificate> {
        let mut beside = self.path.as_os_str().to_owned();
        beside.push("-cert.pub");
        files
            .iter()
            .cloned()
            .chain([PathBuf::from(beside)])
            .filter_map(|file| keys::load_openssh_certificate(file).ok())
            .find(|certificate| certificate.public_key() == self.public.key_data())
    }
}

/// The public key that stands beside a private one.
pub fn public_half(path: &Path) -> Option<PublicKey> {
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    keys::load_public_key(PathBuf::from(name)).ok()
}

/// Deciphering a key is meant to be slow: it runs off the async threads.
async fn decode(text: &SecretString, passphrase: Option<&SecretString>) -> Result<PrivateKey, keys::Error> {
    let (text, passphrase) = (text.clone(), passphrase.cloned());
    tokio::task::spawn_blocking(move || {
        keys::decode_secret_key(text.expose_secret(), passphrase.as_ref().map(|p| p.expose_secret()))
    })
    .await
    .unwrap_or(Err(keys::Error::CouldNotReadKey))
}

/// Opens a locked key with the passphrase that was typed before, or asks for it.
async fn unlock(
    path: &Path,
    text: &SecretString,
    prompt: &dyn Prompt,
    asking: &Asking,
) -> Result<PrivateKey, SignError> {
    let id = SecretId::Key(path.to_owned());
    if let Some(secrets) = prompt.secrets()
        && let Some(known) = secrets.recall(&id)
    {
        match decode(text, Some(&known)).await {
            Ok(key) => return Ok(key),
            Err(_) => secrets.forget(&id),
        }
    }
    for attempt in 0..PASSPHRASE_TRIES {
        let prompt_text = if attempt == 0 { "" } else { WRONG_PASSPHRASE };
        let request = SecretRequest {
            subject: path.display().to_string(),
            kind: SecretKind::Passphrase,
            prompt: prompt_text.to_owned(),
            echo: false,
        };
        let asked = asking.begin();
        let answer = prompt.ask(Question::Secret(request)).await;
        drop(asked);
        let Answer::Secret(passphrase) = answer else { return Err(unusable("it needs a passphrase")) };
        if let Ok(key) = decode(text, Some(&passphrase)).await {
            if let Some(secrets) = prompt.secrets() {
                secrets.keep(id, passphrase);
            }
            return Ok(key);
        }
    }
    // Of PEM's ciphers only some can be read, and a wrong passphrase looks the same.
    let is_own_format = text.expose_secret().contains("BEGIN OPENSSH PRIVATE KEY");
    Err(unusable(if is_own_format {
        "the passphrase was wrong"
    } else {
        "the passphrase was wrong, or the cipher is none that can be read; ssh-keygen -p converts the file"
    }))
}

/// Signs with an identity file, and opens it for that alone: whoever is asked for a passphrase
/// is asked for a key that the server takes.
pub struct FileSigner<'a> {
    pub file: &'a mut KeyFile,
    pub prompt: &'a dyn Prompt,
    pub asking: &'a Asking,
}

impl FileSigner<'_> {
    async fn sign(&mut self, hash: Option<HashAlg>, mut data: Vec<u8>) -> Result<Vec<u8>, SignError> {
        let file = &mut *self.file;
        if file.open.is_none() {
            let key = unlock(&file.path, &file.text, self.prompt, self.asking).await?;
            if key.public_key().key_data() != file.public.key_data() {
                return Err(unusable("the public key beside it belongs to another one"));
            }
            file.open = Some(key);
        }
        let Some(key) = &file.open else { return Err(SignError::Gone) };
        let signature = match key.key_data() {
            KeypairData::Rsa(pair) => (pair, hash).try_sign(&data),
            pair => pair.try_sign(&data),
        };
        signature.map_err(unusable)?.encode_prefixed(&mut data).map_err(unusable)?;
        Ok(data)
    }
}

impl Signer for FileSigner<'_> {
    type Error = SignError;

    fn auth_sign(
        &mut self,
        _: &AgentIdentity,
        hash: Option<HashAlg>,
        data: Vec<u8>,
    ) -> impl Future<Output = Result<Vec<u8>, SignError>> + Send {
        self.sign(hash, data)
    }
}

/// Signs with a key that the agent holds.
pub struct AgentSigner<'a> {
    pub agent: &'a mut AgentClient<UnixStream>,
    pub asking: &'a Asking,
}

impl AgentSigner<'_> {
    async fn sign(
        &mut self,
        key: &AgentIdentity,
        hash: Option<HashAlg>,
        data: Vec<u8>,
    ) -> Result<Vec<u8>, SignError> {
        let _asked = self.asking.begin();
        let signing = self.agent.sign_request(key, hash, data);
        match tokio::time::timeout(AGENT_SIGN_TIMEOUT, signing).await {
            Ok(signed) => signed.map_err(unusable),
            Err(_) => Err(unusable("the agent did not sign in time")),
        }
    }
}

impl Signer for AgentSigner<'_> {
    type Error = SignError;

    fn auth_sign(
        &mut self,
        key: &AgentIdentity,
        hash: Option<HashAlg>,
        data: Vec<u8>,
    ) -> impl Future<Output = Result<Vec<u8>, SignError>> + Send {
        self.sign(key, hash, data)
    }
}

/// What an agent holds.
pub struct AgentKeys {
    pub agent: AgentClient<UnixStream>,
    pub keys: Vec<PublicKey>,
    pub certificates: Vec<Certificate>,
}

/// Asks the agent for its keys. `Ok(None)` where there is no agent.
pub async fn agent_keys(agent: &Agent) -> Result<Option<AgentKeys>, String> {
    let socket = match agent {
        Agent::Environment => std::env::var_os("SSH_AUTH_SOCK").map(PathBuf::from),
        Agent::Socket(path) => Some(path.clone()),
        Agent::None => None,
    };
    let Some(socket) = socket else { return Ok(None) };
    let asking = async {
        let Ok(mut agent) = AgentClient::connect_uds(socket).await else { return Ok(None) };
        let identities = agent.request_identities().await.map_err(|error| error.to_string())?;
        let (mut keys, mut certificates) = (Vec::new(), Vec::new());
        for identity in identities {
            match identity {
                AgentIdentity::PublicKey { key, .. } => keys.push(key),
                AgentIdentity::Certificate { certificate, .. } => certificates.push(certificate),
            }
        }
        Ok(Some(AgentKeys { agent, keys, certificates }))
    };
    tokio::time::timeout(AGENT_TIMEOUT, asking).await.unwrap_or_else(|_| Err("it does not answer".to_owned()))
}
