//! From a host's name to a control connection that is logged in: addresses, TLS, user, password
//! and account, what the server can do, binary mode. Asks only through [`Prompt`]; where TLS is
//! wanted, nothing but AUTH is said in the clear.

use std::{
    net::SocketAddr,
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use secrecy::{ExposeSecret, SecretString};
use tokio::{net::TcpStream, time::timeout};

use super::{
    control::{Command, Control, Log, lost},
    features::Features,
    reply_reader::RawReply,
    stream::Stream,
    tls::{self, Refused, Trust},
};
use crate::{
    fs::{Context, Error, ErrorKind, Operation, RemotePath, Result, Stage},
    reply::Reply,
    trust::{Answer, Prompt, Question, SecretId, SecretKind, SecretRequest},
};

const CONNECTING: Duration = Duration::from_secs(20);

/// How often a person may type the password anew.
const TRIES: usize = 3;

/// Characters of the server's refusal that are shown above the next prompt.
const MOST_SAID: usize = 500;

/// What anonymous logins are asked to give as their password is an e-mail address: RFC 1635.
const ANONYMOUS_PASSWORD: &str = "anonymous@example.com";

/// When TLS begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Never: `ftp://`.
    None,
    /// With AUTH TLS, before anything else is said: `ftpes://`, RFC 4217.
    Explicit,
    /// At once: `ftps://`.
    Implicit,
}

/// Everything that a further control connection needs, without a person.
pub struct Login {
    pub host: String,
    pub port: u16,
    pub security: Security,
    pub user: String,
    pub trust: Option<Trust>,
    pub log: Log,
    secrets: Mutex<Secrets>,
    /// The secrets came from somebody who may type them anew.
    typed: AtomicBool,
    pub features: OnceLock<Features>,
}

#[derive(Clone, Default)]
struct Secrets {
    password: Option<SecretString>,
    account: Option<SecretString>,
}

/// The first connection of a session, and where it stands.
pub struct First {
    pub control: Control,
    pub home: RemotePath,
}

impl Login {
    pub fn new(
        host: String,
        port: u16,
        security: Security,
        user: Option<String>,
        password: Option<SecretString>,
        trust: Option<Trust>,
        log: Log,
    ) -> Login {
        let anonymous = user.as_deref().is_none_or(|user| matches!(user, "anonymous" | "ftp"));
        let password = password.or_else(|| anonymous.then(|| SecretString::from(ANONYMOUS_PASSWORD)));
        let secrets = Mutex::new(Secrets { password, account: None });
        let user = user.unwrap_or_else(|| "anonymous".to_owned());
        let typed = AtomicBool::new(false);
        Login { host, port, security, user, trust, log, secrets, typed, features: OnceLock::new() }
    }

    fn secrets(&self) -> Secrets {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn remember(&self, change: impl FnOnce(&mut Secrets)) {
        change(&mut self.secrets.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Connects and logs in for the first time: asks what has to be asked.
    pub async fn first(&self, context: &Context) -> Result<First> {
        let mut tries = 0;
        let mut refusal = String::new();
        let kept = SecretId::Login { user: self.user.clone(), host: self.host.clone(), port: self.port };
        if let Some(secrets) = context.prompt.secrets()
            && let Some(password) = secrets.recall(&kept)
        {
            // Typed earlier; if it has become wrong, it is asked for again.
            self.remember(|known| {
                if known.password.is_none() {
                    known.password = Some(password);
                    self.typed.store(true, Ordering::Relaxed);
                }
            });
        }
        loop {
            let (mut control, greeting) = self.reach(Some(context)).await?;
            context.observer.stage(Stage::LoggingIn);
            match self.log_in(&mut control, Some((&*context.prompt, &refusal))).await {
                Ok(()) => {
                    if let (Some(secrets), Some(password)) =
                        (context.prompt.secrets(), self.secrets().password)
                        && self.typed.load(Ordering::Relaxed)
                    {
                        secrets.keep(kept.clone(), password);
                    }
                }
                Err(error) if error.kind() == ErrorKind::LoginFailed && tries + 1 < TRIES => {
                    if let Some(secrets) = context.prompt.secrets() {
                        secrets.forget(&kept);
                    }
                    // A wrong password is typed anew; one that nobody typed is not tried again.
                    if !self.forget_typed_password() {
                        return Err(error);
                    }
                    tries += 1;
                    // Asked the same twice, one would think that nothing had happened.
                    refusal = error.reply().map_or_else(String::new, refused_with);
                    continue;
                }
                Err(error) => return Err(error),
            }
            context.observer.stage(Stage::OpeningSession);
            self.protect(&mut control).await?;
            let home = self.look_round(&mut control, &greeting).await?;
            return Ok(First { control, home });
        }
    }

    /// One more connection of a session that is known to work.
    pub async fn another(&self) -> Result<Control> {
        let (mut control, _) = self.reach(None).await?;
        self.log_in(&mut control, None).await?;
        self.protect(&mut control).await?;
        let together = self.features.get().is_some_and(Features::bears_pipelining);
        let mut commands = vec![Command::new("TYPE I")];
        if self.features.get().is_some_and(|features| features.has("UTF8")) && self.log.names.are_utf8() {
            commands.push(Command::new("OPTS UTF8 ON"));
        }
        let replies = control.ask_all(Operation::Login, &commands, together).await?;
        binary(&control, replies.first())?;
        control.fresh = true;
        Ok(control)
    }

    /// Resolves, connects, and starts TLS as far as it comes before the login.
    async fn reach(&self, context: Option<&Context>) -> Result<(Control, RawReply)> {
        let stage = |stage| {
            if let Some(context) = context {
                context.observer.stage(stage);
            }
        };
        loop {
            stage(Stage::Resolving);
            let addresses = self.addresses().await?;
            stage(Stage::Connecting);
            let tcp = connect(&addresses).await?;
            let peer = tcp.peer_addr().map_err(|e| lost(Operation::Connect, &e))?;
            match self.secure(tcp).await {
                Ok(outcome) => return Ok(outcome),
                Err(Failed::Error(error)) => return Err(error),
                Err(Failed::Tls(error)) => {
                    let Some(trust) = &self.trust else { return Err(lost(Operation::Connect, &error)) };
                    if trust.offers_more_after(&error) {
                        continue;
                    }
                    match (trust.refused(&error, &peer.to_string()), context) {
                        (Refused::Certificate(certificate), Some(context)) => {
                            stage(Stage::CheckingCertificate);
                            let question = Question::UnknownCertificate(certificate.clone());
                            match context.prompt.ask(question).await {
                                Answer::Yes => trust.accept(&certificate, true)?,
                                _ => return Err(not_trusted(&certificate)),
                            }
                        }
                        (Refused::Certificate(certificate), None) => return Err(not_trusted(&certificate)),
                        (Refused::Error(error), _) => return Err(error),
                    }
                }
            }
        }
    }

    async fn addresses(&self) -> Result<Vec<SocketAddr>> {
        let unresolved = |detail: String| {
            Error::new(ErrorKind::Unresolved, Operation::Resolve).on(self.host.as_str()).with_detail(detail)
        };
        let lookup = tokio::net::lookup_host((self.host.as_str(), self.port));
        match timeout(CONNECTING, lookup).await {
            Ok(Ok(found)) => {
                let found: Vec<SocketAddr> = found.take(16).collect();
                if found.is_empty() {
                    Err(unresolved("the name has no address".to_owned()))
                } else {
                    Ok(found)
                }
            }
            Ok(Err(error)) => Err(unresolved(error.to_string())),
            Err(_) => Err(unresolved("the name service does not answer".to_owned())),
        }
    }

    async fn secure(&self, tcp: TcpStream) -> std::result::Result<(Control, RawReply), Failed> {
        let tls = self.trust.as_ref().map(Trust::session).transpose()?;
        if self.security == Security::Implicit
            && let Some(session) = &tls
        {
            let stream = handshake(session, tcp).await?;
            let mut control = control(stream, &self.log)?;
            let greeting = self.greet(&mut control).await?;
            control.data_tls = tls;
            return Ok((control, greeting));
        }
        let mut plain = control(Stream::Plain(tcp), &self.log)?;
        let greeting = self.greet(&mut plain).await?;
        let (Security::Explicit, Some(session)) = (self.security, tls) else { return Ok((plain, greeting)) };
        let raw = plain.ask(Operation::Connect, Command::new("AUTH TLS")).await?;
        if raw.code != 234 {
            return Err(Failed::Error(
                Error::new(ErrorKind::Unsupported, Operation::Connect)
                    .with_reply(self.log.reply(&raw))
                    .with_detail("the server does not start TLS, so nothing more was said to it"),
            ));
        }
        let (tcp, log) = plain.into_plain()?;
        let stream = handshake(&session, tcp).await?;
        let mut control = control(stream, &log)?;
        control.data_tls = Some(session);
        Ok((control, greeting))
    }

    async fn greet(&self, control: &mut Control) -> Result<RawReply> {
        let raw = control.greeting().await?;
        if raw.is_completion() {
            return Ok(raw);
        }
        let error = Error::ftp(Operation::Connect, self.log.reply(&raw));
        Err(error.with_kind(ErrorKind::ConnectionFailed))
    }

    /// USER, PASS, ACCT: RFC 959 section 5.4. With nobody to `ask`, only what is known is said; they
    /// come with what the server said of the answers before.
    async fn log_in(&self, control: &mut Control, ask: Option<(&dyn Prompt, &str)>) -> Result<()> {
        let mut raw = control.ask(Operation::Login, Command::new(format!("USER {}", self.user))).await?;
        if raw.code == 331 {
            let password = match (self.secrets().password, ask) {
                (Some(password), _) => password,
                (None, Some((prompt, ""))) => self.ask(prompt, SecretKind::Password, "").await?,
                (None, Some((prompt, refusal))) => {
                    self.ask(prompt, SecretKind::Password, &format!("{refusal}\nPassword:")).await?
                }
                (None, None) => return Err(no_answer("the server asks for a password")),
            };
            self.remember(|secrets| secrets.password = Some(password.clone()));
            raw = control.ask(Operation::Login, Command::secret("PASS", password.expose_secret())).await?;
        }
        if raw.code == 332 {
            let account = match (self.secrets().account, ask) {
                (Some(account), _) => account,
                (None, Some((prompt, _))) => self.ask(prompt, SecretKind::Interactive, "Account:").await?,
                (None, None) => return Err(no_answer("the server asks for an account")),
            };
            self.remember(|secrets| secrets.account = Some(account.clone()));
            raw = control.ask(Operation::Login, Command::secret("ACCT", account.expose_secret())).await?;
        }
        if raw.is_completion() {
            return Ok(());
        }
        Err(Error::ftp(Operation::Login, self.log.reply(&raw)).with_kind(ErrorKind::LoginFailed))
    }

    async fn ask(&self, prompt: &dyn Prompt, kind: SecretKind, text: &str) -> Result<SecretString> {
        let request = SecretRequest {
            subject: SecretRequest::login(&self.user, &self.host, self.port, &[21, 990]),
            kind,
            prompt: text.to_owned(),
            echo: false,
        };
        match prompt.ask(Question::Secret(request)).await {
            Answer::Secret(secret) => {
                self.typed.store(true, Ordering::Relaxed);
                Ok(secret)
            }
            _ => Err(no_answer("nobody gave the answer that the server asks for")),
        }
    }

    /// Whether there was a password that a person typed; it is gone then.
    fn forget_typed_password(&self) -> bool {
        let typed = self.typed.swap(false, Ordering::Relaxed);
        if typed {
            self.remember(|secrets| *secrets = Secrets::default());
        }
        typed
    }

    /// Data under TLS too: RFC 4217 section 9.
    async fn protect(&self, control: &mut Control) -> Result<()> {
        if !control.is_tls() {
            return Ok(());
        }
        let together = self.features.get().is_some_and(Features::bears_pipelining);
        let commands = [Command::new("PBSZ 0"), Command::new("PROT P")];
        let replies = control.ask_all(Operation::Login, &commands, together).await?;
        match replies.last() {
            Some(raw) if raw.is_completion() => Ok(()),
            Some(raw) => Err(Error::new(ErrorKind::Unsupported, Operation::Login)
                .with_reply(self.log.reply(raw))
                .with_detail("the server would move data in the clear, so nothing was moved")),
            None => Err(Error::new(ErrorKind::Protocol, Operation::Login)),
        }
    }

    /// What the server is and can do, UTF-8 names, binary mode, and the login directory.
    async fn look_round(&self, control: &mut Control, greeting: &RawReply) -> Result<RemotePath> {
        // The greeting alone may tell that everything can be asked at once.
        let nothing = RawReply { code: 500, lines: Vec::new() };
        let together = Features::new(greeting, &nothing, &nothing).bears_pipelining();
        let commands = ["SYST", "FEAT", "PWD", "TYPE I"].map(Command::new);
        let replies = control.ask_all(Operation::OpenChannel, &commands, together).await?;
        let [system, features, directory, binary_mode] = &replies[..] else {
            return Err(Error::new(ErrorKind::Protocol, Operation::OpenChannel));
        };
        binary(control, Some(binary_mode))?;
        let features = Features::new(greeting, system, features);
        if features.has("UTF8") && self.log.names.are_utf8() {
            // RFC 2640's own way needs no command, but some servers wait for one.
            control.ask(Operation::OpenChannel, Command::new("OPTS UTF8 ON")).await?;
        }
        let _ = self.features.set(features);
        Ok(quoted_path(directory)
            .and_then(|path| self.log.names.ours(&path))
            .map_or_else(RemotePath::root, RemotePath::new))
    }
}

enum Failed {
    /// The handshake: the reason may be the certificate.
    Tls(std::io::Error),
    Error(Error),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Failed::Error(error)
    }
}

async fn handshake(session: &tls::Session, tcp: TcpStream) -> std::result::Result<Stream, Failed> {
    match timeout(CONNECTING, session.handshake(tcp)).await {
        Ok(outcome) => outcome.map_err(Failed::Tls),
        Err(_) => Err(Failed::Error(
            Error::new(ErrorKind::Timeout, Operation::Connect).with_detail("TLS did not come about"),
        )),
    }
}

fn control(stream: Stream, log: &Log) -> Result<Control> {
    Control::new(stream, log.clone()).map_err(|e| lost(Operation::Connect, &e))
}

/// Each address in turn: RFC 6724 has sorted them.
async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream> {
    let mut outcome = Error::new(ErrorKind::ConnectionFailed, Operation::Connect);
    for address in addresses {
        match timeout(CONNECTING, TcpStream::connect(address)).await {
            Ok(Ok(tcp)) => {
                // Commands are small and each is waited for.
                tcp.set_nodelay(true).map_err(|e| lost(Operation::Connect, &e))?;
                return Ok(tcp);
            }
            Ok(Err(error)) => {
                outcome = Error::io(Operation::Connect, &error).with_kind(ErrorKind::ConnectionFailed);
            }
            Err(_) => outcome = Error::new(ErrorKind::Timeout, Operation::Connect),
        }
    }
    Err(outcome)
}

fn not_trusted(certificate: &crate::trust::UnknownCertificate) -> Error {
    Error::new(ErrorKind::CertificateRefused, Operation::CheckCertificate).with_detail(format!(
        "{}; its SHA-256 fingerprint is {}",
        certificate.reason, certificate.fingerprint
    ))
}

/// `530 Login incorrect.`
fn refused_with(reply: &Reply) -> String {
    let said: String = reply.text.chars().take(MOST_SAID).collect();
    format!("{} {}", reply.code, if said.is_empty() { "Not logged in." } else { &said })
}

fn no_answer(why: &str) -> Error {
    Error::new(ErrorKind::LoginFailed, Operation::Login).with_detail(why)
}

fn binary(control: &Control, raw: Option<&RawReply>) -> Result<()> {
    match raw {
        Some(raw) if raw.is_completion() => Ok(()),
        Some(raw) => Err(Error::ftp(Operation::OpenChannel, control.log().reply(raw))
            .with_detail("the server has no binary mode, without which files would be changed")),
        None => Err(Error::new(ErrorKind::Protocol, Operation::OpenChannel)),
    }
}

/// The path of `257 "/dir" …`, in which a quote is doubled: RFC 959 appendix II.
pub fn quoted_path(raw: &RawReply) -> Option<Vec<u8>> {
    if raw.code != 257 {
        return None;
    }
    let text = raw.lines.first()?;
    let start = text.iter().position(|b| *b == b'"')? + 1;
    let mut path = Vec::new();
    let mut bytes = text[start..].iter().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' if bytes.peek() == Some(&&b'"') => {
                bytes.next();
                path.push(b'"');
            }
            b'"' => return Some(path),
            byte => path.push(*byte),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_in_paths_are_doubled() {
        let path = |text: &str| quoted_path(&RawReply { code: 257, lines: vec![text.as_bytes().to_vec()] });
        assert_eq!(path("\"/a/b\" is the current directory").unwrap(), b"/a/b");
        assert_eq!(path("\"/a \"\"b\"\"\" created").unwrap(), b"/a \"b\"");
        assert_eq!(path("\"/a"), None);
        assert_eq!(path("none"), None);
    }
}
