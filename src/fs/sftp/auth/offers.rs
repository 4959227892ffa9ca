//! Offering keys to a server: the agent's and those of files, in OpenSSH's order, and no more than
//! leave room for a password. Signs nothing itself.

use russh::{
    MethodKind, Signer,
    client::{AuthResult, Handler},
    keys::{Algorithm, Certificate, HashAlg, PublicKey},
};

use super::{
    ANSWER_TIMEOUT, Login, Step, answer, broken,
    keys::{AgentKeys, AgentSigner, FileSigner, Found, KeyFile, SignError, agent_keys, public_half},
};
use crate::fs::Result;

/// Keys of the agent that no IdentityFile names are tried up to this many, and all keys up to
/// that many where the server takes a password as well: OpenSSH's server hangs up at its sixth
/// failure (MaxAuthTries), and counts keyboard-interactive even where it has nothing to ask.
const AGENT_TRIES: usize = 3;
const KEY_TRIES: usize = 4;

impl<H: Handler> Login<'_, H> {
    /// The keys of the agent, then those of files: first those that need no passphrase, so that
    /// nobody is asked for one in vain.
    pub(super) async fn with_keys(&mut self) -> Result<Step> {
        match agent_keys(&self.config.agent).await {
            Ok(None) => {}
            Ok(Some(held)) => match self.with_agent(held).await? {
                Step::Refused => {}
                step => return Ok(step),
            },
            Err(problem) => self.problem(format!("the agent: {problem}")),
        }
        let mut files = Vec::new();
        let mut opaque = Vec::new();
        for path in &self.config.identity_files {
            match KeyFile::read(path).await {
                Found::Nothing => {}
                Found::Key(file) => files.push(file),
                Found::Opaque(text) => opaque.push((path, text)),
                Found::Problem(problem) => self.problem(format!("{}: {problem}", path.display())),
            }
        }
        files.sort_by_key(|file| file.is_locked);
        for mut file in files {
            match self.with_file(&mut file).await? {
                Step::Refused => {}
                step => return Ok(step),
            }
        }
        for (path, text) in opaque {
            if !self.may_try_key() {
                break;
            }
            let prompt = self.context.prompt.clone();
            match KeyFile::unlocked(path, text, prompt.as_ref(), self.asking).await {
                Ok(mut file) => match self.with_file(&mut file).await? {
                    Step::Refused => {}
                    step => return Ok(step),
                },
                Err(SignError::Unusable(why)) => self.problem(format!("{}: {why}", path.display())),
                Err(SignError::Gone) => break,
            }
        }
        Ok(Step::Refused)
    }

    fn problem(&mut self, problem: String) {
        // With several steps, the same file may be looked at again.
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// Whether one more key may be offered. Counts those that may not.
    fn may_try_key(&mut self) -> bool {
        if !self.takes(MethodKind::PublicKey) {
            return false;
        }
        let takes = |method| self.accepted.as_ref().is_some_and(|methods| methods.contains(&method));
        let more = takes(MethodKind::Password) || takes(MethodKind::KeyboardInteractive);
        if more && self.key_tries >= KEY_TRIES {
            self.untried += 1;
            return false;
        }
        true
    }

    fn was_offered(&self, key: &PublicKey) -> bool {
        self.offered.iter().any(|offered| offered.key_data() == key.key_data())
    }

    async fn with_agent(&mut self, held: AgentKeys) -> Result<Step> {
        let AgentKeys { mut agent, mut keys, mut certificates } = held;
        let config = self.config;
        let configured: Vec<PublicKey> =
            config.identity_files.iter().filter_map(|path| public_half(path)).collect();
        let is_configured = |key: &PublicKey| configured.iter().any(|c| c.key_data() == key.key_data());
        if config.identities_only {
            keys.retain(is_configured);
            certificates.retain(|c| configured.iter().any(|k| k.key_data() == c.public_key()));
        }
        keys.sort_by_key(|key| !is_configured(key));
        for certificate in certificates.into_iter().take(AGENT_TRIES) {
            let what = format!("the certificate {} from the agent", certificate.key_id());
            let mut signer = AgentSigner { agent: &mut agent, asking: self.asking };
            match self.offer_certificate(certificate, what, &mut signer).await? {
                Step::Refused => {}
                step => return Ok(step),
            }
        }
        for (at, key) in keys.into_iter().enumerate() {
            if at >= AGENT_TRIES && !is_configured(&key) {
                self.untried += 1;
                continue;
            }
            let what = format!("{} from the agent", key.fingerprint(HashAlg::Sha256));
            let mut signer = AgentSigner { agent: &mut agent, asking: self.asking };
            match self.offer_key(&key, what, &mut signer).await? {
                Step::Refused => {}
                step => return Ok(step),
            }
        }
        Ok(Step::Refused)
    }

    async fn with_file(&mut self, file: &mut KeyFile) -> Result<Step> {
        let prompt = self.context.prompt.clone();
        let asking = self.asking.clone();
        let (name, public) = (file.path.display().to_string(), file.public.clone());
        if self.was_offered(&public) {
            return Ok(Step::Refused);
        }
        let certificate = file.certificate(&self.config.certificate_files);
        let mut signer = FileSigner { file, prompt: prompt.as_ref(), asking: &asking };
        if let Some(certificate) = certificate {
            let what = format!("the certificate of {name}");
            match self.offer_certificate(certificate, what, &mut signer).await? {
                Step::Refused => {}
                step => return Ok(step),
            }
        }
        self.offer_key(&public, name, &mut signer).await
    }

    /// Offers the key; it signs only if the server would take it (RFC 4252 section 7).
    async fn offer_key<S>(&mut self, key: &PublicKey, what: String, signer: &mut S) -> Result<Step>
    where
        S: Signer<Error = SignError>,
    {
        if self.was_offered(key) || !self.may_try_key() {
            return Ok(Step::Refused);
        }
        let hash = match self.hash_for(key.algorithm(), false).await? {
            Ok(hash) => hash,
            Err(why) => {
                self.problem(format!("{what}: {why}"));
                return Ok(Step::Refused);
            }
        };
        self.offered.push(key.clone());
        self.key_tries += 1;
        self.answered |= wants_touch(&key.algorithm());
        let (user, limit) = (self.config.user.clone(), self.answer_timeout());
        let offering = self.handle.authenticate_publickey_with(user, key.clone(), hash, signer);
        let offered = answer(self.asking, limit, offering).await?;
        self.signed(offered, what)
    }

    async fn offer_certificate<S>(
        &mut self,
        certificate: Certificate,
        what: String,
        signer: &mut S,
    ) -> Result<Step>
    where
        S: Signer<Error = SignError>,
    {
        if !self.may_try_key() {
            return Ok(Step::Refused);
        }
        let hash = match self.hash_for(certificate.algorithm(), true).await? {
            Ok(hash) => hash,
            Err(why) => {
                self.problem(format!("{what}: {why}"));
                return Ok(Step::Refused);
            }
        };
        self.key_tries += 1;
        self.answered |= wants_touch(&certificate.algorithm());
        let (user, limit) = (self.config.user.clone(), self.answer_timeout());
        let offering = self.handle.authenticate_certificate_with(user, certificate, hash, signer);
        let offered = answer(self.asking, limit, offering).await?;
        self.signed(offered, what)
    }

    fn signed(&mut self, offered: Result<AuthResult, SignError>, what: String) -> Result<Step> {
        match offered {
            Ok(result) => Ok(self.note(result, Some(what))),
            // The server waits for the next try as if nothing had been offered.
            Err(SignError::Unusable(why)) => {
                self.problem(format!("{what}: {why}"));
                Ok(Step::Refused)
            }
            Err(SignError::Gone) => Err(broken(&russh::Error::SendError)),
        }
    }

    /// The hash for the signature of an RSA key: the best that the server takes and the
    /// configuration allows. SHA-1 is in neither unless ssh_config asks for it. The inner error
    /// says why the key cannot be offered.
    async fn hash_for(
        &mut self,
        algorithm: Algorithm,
        certified: bool,
    ) -> Result<Result<Option<HashAlg>, String>> {
        let list = &self.config.pubkey_accepted_algorithms;
        let name = |algorithm: &Algorithm| {
            if certified { algorithm.to_certificate_type() } else { algorithm.as_str().to_owned() }
        };
        let allowed = |algorithm: &Algorithm| list.is_empty() || list.contains(&name(algorithm));
        let refused = |algorithm: &Algorithm| {
            Ok(Err(format!("PubkeyAcceptedAlgorithms leaves out {}", name(algorithm))))
        };
        if !matches!(algorithm, Algorithm::Rsa { .. }) {
            return if allowed(&algorithm) { Ok(Ok(None)) } else { refused(&algorithm) };
        }
        let best = match self.rsa_hash {
            Some(best) => best,
            None => {
                let asking = self.handle.best_supported_rsa_hash();
                let best = answer(self.asking, self.config.connect_timeout.unwrap_or(ANSWER_TIMEOUT), asking)
                    .await?
                    .map_err(|e| broken(&e))?;
                // A server that does not say takes SHA-2, all but the oldest.
                *self.rsa_hash.insert(best.unwrap_or(Some(HashAlg::Sha256)))
            }
        };
        let mut wanted = vec![best];
        if best == Some(HashAlg::Sha512) {
            wanted.push(Some(HashAlg::Sha256));
        }
        if best.is_none() && list.is_empty() {
            return Ok(Err("the server takes signatures with SHA-1 only".to_owned()));
        }
        match wanted.iter().find(|hash| allowed(&Algorithm::Rsa { hash: **hash })) {
            Some(hash) => Ok(Ok(*hash)),
            None => refused(&Algorithm::Rsa { hash: best }),
        }
    }
}

/// Whether it is a security key's (OpenSSH PROTOCOL.u2f): each signature may want a touch.
fn wants_touch(algorithm: &Algorithm) -> bool {
    matches!(algorithm, Algorithm::SkEd25519 | Algorithm::SkEcdsaSha2NistP256)
}
