//! Logging in: agent, identity files, keyboard-interactive, password, in OpenSSH's order. Asks
//! only through `Prompt`, keeps no secret longer than the login.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use russh::{
    MethodKind,
    client::{AuthResult, Handle, Handler, KeyboardInteractiveAuthResponse},
    keys::{
        self, Certificate, HashAlg, PrivateKey, PrivateKeyWithHashAlg, PublicKey,
        agent::{AgentIdentity, client::AgentClient},
    },
};
use secrecy::{ExposeSecret, SecretString};

use super::config::{Agent, HostConfig};
use crate::{
    fs::{Context, Error, ErrorKind, Operation, Result},
    trust::{Answer, Question, SecretKind, SecretRequest},
};

/// How often a passphrase is asked for.
const PASSPHRASE_TRIES: usize = 3;

/// Keys from the agent beyond this many are not tried: OpenSSH's server hangs up at its sixth
/// failure (MaxAuthTries), and a password must still find its chance.
const AGENT_TRIES: usize = 4;

/// Logs in as `config.user`, first with the password that was given, if one was. `banner` hands over what the server has said so far.
pub async fn login<H: Handler>(
    handle: &mut Handle<H>,
    config: &HostConfig,
    given: Option<&SecretString>,
    context: &Context,
    banner: &(dyn Fn() -> String + Sync),
) -> Result<()> {
    let mut login = Login {
        handle,
        config,
        context,
        tried: Vec::new(),
        accepted: None,
        rsa_hash: None,
        problems: Vec::new(),
    };
    // Whoever gives a password means it: keys come after it.
    if login.given_password(given).await? || login.with_keys().await? {
        return Ok(());
    }
    // Nothing has been tried yet: `none` makes the server say what it takes.
    if login.accepted.is_none() {
        let user = config.user.clone();
        let result = login.handle.authenticate_none(user).await.map_err(broken)?;
        if login.note(result, None) {
            return Ok(());
        }
    }
    if login.interactive(given).await? || login.asked_password().await? {
        return Ok(());
    }
    Err(login.refused(&banner()))
}

struct Login<'a, H: Handler> {
    handle: &'a mut Handle<H>,
    config: &'a HostConfig,
    context: &'a Context,
    /// What was tried, for the error.
    tried: Vec<String>,
    /// What the server said it takes next.
    accepted: Option<Vec<MethodKind>>,
    rsa_hash: Option<Option<HashAlg>>,
    /// Keys that could not be used, and why.
    problems: Vec<String>,
}

fn broken(error: russh::Error) -> Error {
    let error_text = match error {
        russh::Error::SendError | russh::Error::RecvError | russh::Error::Disconnect | russh::Error::HUP => {
            None
        }
        other => Some(other.to_string()),
    };
    let error = Error::new(ErrorKind::ConnectionLost, Operation::Login);
    match error_text {
        Some(text) => error.with_detail(text),
        None => error,
    }
}

impl<H: Handler> Login<'_, H> {
    /// Remembers the outcome of one try; whether it was a success.
    fn note(&mut self, result: AuthResult, what: Option<String>) -> bool {
        match result {
            AuthResult::Success => true,
            AuthResult::Failure { remaining_methods, partial_success } => {
                self.accepted = Some(remaining_methods.to_vec());
                if let Some(what) = what {
                    self.tried.push(if partial_success {
                        format!("{what} (accepted, more is required)")
                    } else {
                        what
                    });
                }
                false
            }
        }
    }

    fn takes(&self, method: MethodKind) -> bool {
        self.accepted.as_ref().is_none_or(|methods| methods.contains(&method))
    }

    fn lost(&self) -> bool {
        self.handle.is_closed()
    }

    /// The hash for an RSA key: the best that the server says it takes, never SHA-1.
    async fn hash_for(&mut self, key: &PublicKey) -> Result<Option<HashAlg>> {
        if !key.algorithm().is_rsa() {
            return Ok(None);
        }
        if self.rsa_hash.is_none() {
            let best = self.handle.best_supported_rsa_hash().await.map_err(broken)?;
            self.rsa_hash = Some(best.flatten().or(Some(HashAlg::Sha256)));
        }
        Ok(self.rsa_hash.flatten())
    }

    async fn with_keys(&mut self) -> Result<bool> {
        if !self.config.pubkey_authentication {
            return Ok(false);
        }
        let offered = self.agent_keys().await?;
        if offered.done {
            return Ok(true);
        }
        // Keys that need no passphrase first: nobody is asked for one in vain.
        for may_ask in [false, true] {
            for path in &self.config.identity_files {
                if !self.takes(MethodKind::PublicKey) || self.lost() {
                    return Ok(false);
                }
                if self.with_file(path, &offered.keys, may_ask).await? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    async fn agent_keys(&mut self) -> Result<Offered> {
        let mut offered = Offered::default();
        let socket = match &self.config.agent {
            Agent::Environment => std::env::var_os("SSH_AUTH_SOCK").map(PathBuf::from),
            Agent::Socket(path) => Some(path.clone()),
            Agent::None => None,
        };
        let Some(socket) = socket else { return Ok(offered) };
        let Ok(mut agent) = AgentClient::connect_uds(socket).await else { return Ok(offered) };
        let Ok(identities) = agent.request_identities().await else { return Ok(offered) };
        let configured: Vec<PublicKey> =
            self.config.identity_files.iter().filter_map(|path| public_half(path)).collect();
        let mut keys = Vec::new();
        let mut certificates = Vec::new();
        for identity in identities {
            match identity {
                AgentIdentity::PublicKey { key, .. } => keys.push(key),
                AgentIdentity::Certificate { certificate, .. } => certificates.push(certificate),
            }
        }
        let is_configured = |key: &PublicKey| configured.iter().any(|c| c.key_data() == key.key_data());
        if self.config.identities_only {
            keys.retain(is_configured);
        }
        keys.sort_by_key(|key| !is_configured(key));
        if self.config.identities_only {
            certificates.retain(|c| configured.iter().any(|k| k.key_data() == c.public_key()));
        }
        for certificate in certificates.into_iter().take(AGENT_TRIES) {
            if !self.takes(MethodKind::PublicKey) || self.lost() {
                break;
            }
            let hash = self.hash_for(&PublicKey::from(certificate.public_key().clone())).await?;
            let what = format!("the certificate {} from the agent", certificate.key_id());
            let user = self.config.user.clone();
            match self.handle.authenticate_certificate_with(user, certificate, hash, &mut agent).await {
                Ok(result) => {
                    if self.note(result, Some(what)) {
                        offered.done = true;
                        return Ok(offered);
                    }
                }
                Err(error) => self.problems.push(format!("{what}: {error}")),
            }
        }
        for key in keys.into_iter().take(AGENT_TRIES) {
            if !self.takes(MethodKind::PublicKey) || self.lost() {
                break;
            }
            let hash = self.hash_for(&key).await?;
            let user = self.config.user.clone();
            let what = format!("{} from the agent", key.fingerprint(HashAlg::Sha256));
            match self.handle.authenticate_publickey_with(user, key.clone(), hash, &mut agent).await {
                Ok(result) => {
                    if self.note(result, Some(what)) {
                        offered.done = true;
                        return Ok(offered);
                    }
                }
                Err(error) => self.problems.push(format!("{what}: {error}")),
            }
            offered.keys.push(key);
        }
        Ok(offered)
    }

    async fn with_file(&mut self, path: &Path, offered: &[PublicKey], may_ask: bool) -> Result<bool> {
        if let Some(public) = public_half(path)
            && offered.iter().any(|key| key.key_data() == public.key_data())
        {
            return Ok(false);
        }
        let Some(key) = self.load(path, may_ask).await? else { return Ok(false) };
        let key = Arc::new(key);
        let user = self.config.user.clone();
        if let Some(certificate) = self.certificate_of(path, key.public_key()) {
            let what = format!("the certificate of {}", path.display());
            let result = self
                .handle
                .authenticate_openssh_cert(user.clone(), key.clone(), certificate)
                .await
                .map_err(broken)?;
            if self.note(result, Some(what)) {
                return Ok(true);
            }
            if !self.takes(MethodKind::PublicKey) || self.lost() {
                return Ok(false);
            }
        }
        let hash = self.hash_for(key.public_key()).await?;
        let key = PrivateKeyWithHashAlg::new(key, hash);
        let result = self.handle.authenticate_publickey(user, key).await.map_err(broken)?;
        Ok(self.note(result, Some(path.display().to_string())))
    }

    /// The certificate that belongs to a key: one of CertificateFile, or `KEY-cert.pub` beside it.
    fn certificate_of(&self, path: &Path, key: &PublicKey) -> Option<Certificate> {
        let mut beside = path.as_os_str().to_owned();
        beside.push("-cert.pub");
        self.config
            .certificate_files
            .iter()
            .cloned()
            .chain([PathBuf::from(beside)])
            .filter_map(|file| keys::load_openssh_certificate(file).ok())
            .find(|certificate| certificate.public_key() == key.key_data())
    }

    /// Reads a private key: without `may_ask` those that have no passphrase, with it the others,
    /// asking for theirs. `None` where there is no such file or it cannot be used.
    async fn load(&mut self, path: &Path, may_ask: bool) -> Result<Option<PrivateKey>> {
        let text = match tokio::fs::read_to_string(path).await {
            Ok(text) => text,
            Err(error) if may_ask || error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                self.problems.push(format!("{}: {error}", path.display()));
                return Ok(None);
            }
        };
        match decode_key(text.clone(), None).await {
            Ok(key) => return Ok((!may_ask).then_some(key)),
            Err(keys::Error::KeyIsEncrypted) if may_ask => {}
            Err(keys::Error::KeyIsEncrypted) => return Ok(None),
            Err(_) if may_ask => return Ok(None),
            Err(error) => {
                self.problems.push(format!("{}: {error}", path.display()));
                return Ok(None);
            }
        }
        for _ in 0..PASSPHRASE_TRIES {
            let request = SecretRequest {
                subject: path.display().to_string(),
                kind: SecretKind::Passphrase,
                prompt: String::new(),
                echo: false,
            };
            let Answer::Secret(passphrase) = self.context.prompt.ask(Question::Secret(request)).await else {
                self.problems.push(format!("{}: it needs a passphrase", path.display()));
                return Ok(None);
            };
            if let Ok(key) = decode_key(text.clone(), Some(passphrase)).await {
                return Ok(Some(key));
            }
        }
        self.problems.push(format!("{}: the passphrase was wrong", path.display()));
        Ok(None)
    }

    /// The password that came with the place, tried once.
    async fn given_password(&mut self, given: Option<&SecretString>) -> Result<bool> {
        match given {
            Some(password) if self.takes_password() => {
                self.password(password, "the password in the URL").await
            }
            _ => Ok(false),
        }
    }

    async fn asked_password(&mut self) -> Result<bool> {
        for attempt in 0..self.config.number_of_password_prompts {
            if !self.takes_password() {
                break;
            }
            // In OpenSSH's words: asked the same twice, one would think that nothing had happened.
            let prompt = if attempt == 0 { "" } else { "Permission denied, please try again.\nPassword:" };
            let Some(password) = self.ask(SecretKind::Password, prompt.to_owned(), false).await else {
                break;
            };
            if self.password(&password, "password").await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn takes_password(&self) -> bool {
        self.config.password_authentication && self.takes(MethodKind::Password) && !self.lost()
    }

    fn takes_interactive(&self) -> bool {
        self.config.kbd_interactive_authentication
            && self.takes(MethodKind::KeyboardInteractive)
            && !self.lost()
    }

    async fn ask(&self, kind: SecretKind, prompt: String, echo: bool) -> Option<SecretString> {
        let subject = format!("{}@{}", self.config.user, self.config.hostname);
        let request = SecretRequest { subject, kind, prompt, echo };
        match self.context.prompt.ask(Question::Secret(request)).await {
            Answer::Secret(secret) => Some(secret),
            Answer::Yes | Answer::No => None,
        }
    }

    async fn password(&mut self, password: &SecretString, what: &str) -> Result<bool> {
        let (user, secret) = (self.config.user.clone(), password.expose_secret().to_owned());
        let result = self.handle.authenticate_password(user, secret).await.map_err(broken)?;
        Ok(self.note(result, Some(what.to_owned())))
    }

    /// Keyboard-interactive: every prompt in the server's words, echo as told. A password that
    /// came with the place answers the first hidden prompt, once.
    async fn interactive(&mut self, given: Option<&SecretString>) -> Result<bool> {
        let mut given = given;
        for _ in 0..self.config.number_of_password_prompts {
            if !self.takes_interactive() {
                break;
            }
            let user = self.config.user.clone();
            let mut response =
                self.handle.authenticate_keyboard_interactive_start(user, None).await.map_err(broken)?;
            loop {
                match response {
                    KeyboardInteractiveAuthResponse::Success => return Ok(true),
                    KeyboardInteractiveAuthResponse::Failure { remaining_methods, partial_success } => {
                        let result = AuthResult::Failure { remaining_methods, partial_success };
                        self.note(result, Some("keyboard-interactive".to_owned()));
                        break;
                    }
                    KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } => {
                        let mut answers = Vec::with_capacity(prompts.len());
                        for prompt in prompts {
                            let known = given.take_if(|_| !prompt.echo).cloned();
                            let answer = match known {
                                Some(password) => Some(password),
                                None => self.ask(SecretKind::Interactive, prompt.prompt, prompt.echo).await,
                            };
                            let Some(secret) = answer else {
                                self.tried.push("keyboard-interactive (not answered)".to_owned());
                                return Ok(false);
                            };
                            answers.push(secret.expose_secret().to_owned());
                        }
                        response = self
                            .handle
                            .authenticate_keyboard_interactive_respond(answers)
                            .await
                            .map_err(broken)?;
                    }
                }
            }
        }
        Ok(false)
    }

    fn refused(&self, banner: &str) -> Error {
        let mut detail = if self.tried.is_empty() {
            "nothing could be tried".to_owned()
        } else {
            format!("tried {}", self.tried.join(", "))
        };
        if let Some(methods) = &self.accepted
            && !methods.is_empty()
        {
            let names: Vec<&str> = methods.iter().map(<&str>::from).collect();
            detail += &format!("; the server takes {}", names.join(", "));
        }
        for problem in &self.problems {
            detail += &format!("; {problem}");
        }
        if self.lost() {
            detail += "; the server closed the connection";
        }
        if !banner.trim().is_empty() {
            detail += &format!("; the server says: {}", banner.trim());
        }
        Error::new(ErrorKind::LoginFailed, Operation::Login)
            .with_detail(format!("as {}: {detail}", self.config.user))
    }
}

#[derive(Default)]
struct Offered {
    done: bool,
    keys: Vec<PublicKey>,
}

/// Deciphering a key is meant to be slow: it runs off the async threads.
async fn decode_key(text: String, passphrase: Option<SecretString>) -> Result<PrivateKey, keys::Error> {
    tokio::task::spawn_blocking(move || {
        keys::decode_secret_key(&text, passphrase.as_ref().map(|p| p.expose_secret()))
    })
    .await
    .unwrap_or(Err(keys::Error::CouldNotReadKey))
}

/// The public key that stands beside a private one.
fn public_half(path: &Path) -> Option<PublicKey> {
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    keys::load_public_key(PathBuf::from(name)).ok()
}
