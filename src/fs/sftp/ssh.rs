//! The SSH connection under SFTP: the handshake, hop by hop. Leaves the host key to `host_key`, the
//! login to `auth`, the stream to `transport`.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use russh::{
    Disconnect, MethodKind, Preferred,
    client::{self, DisconnectReason},
    keys,
};
use secrecy::SecretString;
use tokio::process::Child;

use super::{
    ahead::ReadAhead,
    auth::{self, LoggedIn},
    channel::{Channel, Early, Ended, Pending},
    config::{self, HostConfig},
    hop::{HopPrompt, Methods},
    host_key::HostKeyChecker,
    patience::Asking,
    preferences::{nothing_in_common, preferences},
    pulse::{self, Counted, Limits, Pulse},
    transport::{self, Transport},
};
use crate::fs::{Context, Error, ErrorKind, Operation, Result, Stage, Target};

/// From the connection to the keys: whatever listens there may say nothing, or no end of it.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);

/// For a channel to open and for its first answers, on a server that has let us in.
pub const OPEN_TIMEOUT: Duration = Duration::from_secs(30);

/// Bytes that the server may send ahead per channel: what bounds a download is then the
/// session's own window, not SSH's.
const RECEIVE_WINDOW: u32 = 64 << 20;

/// How often a silent server is asked whether it is there, unless ServerAliveInterval says: what
/// forgets idle connections on the way must not forget this one.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// A connection that is logged in.
pub struct Connection {
    handle: Arc<client::Handle<Handler>>,
    ended: Arc<Mutex<Option<Ended>>>,
    pulse: Arc<Pulse>,
    host_key_type: String,
    login: LoggedIn,
    findings: Arc<Mutex<Findings>>,
    /// The jump host that it runs through.
    through: Option<Box<Connection>>,
    _proxy: Option<Child>,
}

/// What the handshake and the connection's end leave behind.
#[derive(Default)]
struct Findings {
    refused: Option<Error>,
    host_key_type: String,
    is_openssh: bool,
    banner: String,
}

/// russh's callbacks for one connection.
pub struct Handler {
    checker: HostKeyChecker,
    findings: Arc<Mutex<Findings>>,
    ended: Arc<Mutex<Option<Ended>>>,
    pulse: Arc<Pulse>,
    /// Raised while the host key is judged, perhaps by a person.
    asking: Asking,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Jump hosts in a row beyond this many are taken for a circle.
const MOST_JUMPS: usize = 16;

/// Reaches the host as its configuration says, through jump hosts if it has any, checks the host
/// key and logs in by one of `methods`. On each hop the key is checked and the login asked for as on
/// the last.
pub async fn connect(
    config: &HostConfig,
    target: &Target,
    context: &Context,
    mut methods: Methods<'_>,
) -> Result<Connection> {
    let through = jumps(config, context, 0, &mut methods).await?;
    hop_to(&methods.next(config), through, target.password.as_ref(), context).await
}

/// The connection to the last jump host of `config`, if it has any.
async fn jumps(
    config: &HostConfig,
    context: &Context,
    before: usize,
    methods: &mut Methods<'_>,
) -> Result<Option<Connection>> {
    if before + config.jumps.len() > MOST_JUMPS {
        return Err(Error::new(ErrorKind::Usage, Operation::Connect)
            .with_detail(format!("more than {MOST_JUMPS} jump hosts: ProxyJump goes in a circle")));
    }
    // Identities of the command line are meant for the target, as with ssh.
    let mut context = context.clone();
    context.ssh.identities.clear();
    let mut through = None;
    for (count, jump) in config.jumps.iter().enumerate() {
        let reached = async {
            let hop = config::resolve(&jump.host, jump.user.as_deref(), jump.port, &context.ssh).await?;
            // The first hop is reached as its own configuration says, the others through it.
            let before_it = match through.take() {
                None => Box::pin(jumps(&hop, &context, before + count + 1, methods)).await?,
                before => before,
            };
            let prompt = HopPrompt::new(context.prompt.clone(), &jump.host);
            hop_to(&methods.next(&hop), before_it, None, &Context { prompt, ..context.clone() }).await
        };
        through = Some(reached.await.map_err(|error| error.on(format!("jump host {}", jump.host)))?);
    }
    Ok(through)
}

/// Connects to one host, directly or through the connection before it.
async fn hop_to(
    config: &HostConfig,
    through: Option<Connection>,
    password: Option<&SecretString>,
    context: &Context,
) -> Result<Connection> {
    let transport = match &through {
        Some(connection) => connection.tunnel(config, context).await?,
        None => transport::connect(config, context).await?,
    };
    context.observer.stage(Stage::CheckingHostKey);
    let checker = HostKeyChecker::load(config, transport.address, context.prompt.clone()).await?;
    let preferred = preferences(config, &checker.known_types(), checker.has_authorities())?;
    let findings = Arc::new(Mutex::new(Findings::default()));
    let ended = Arc::new(Mutex::new(None));
    let (pulse, asking) = (Pulse::new(silence_limits(config)), Asking::default());
    let handler = Handler {
        checker,
        findings: findings.clone(),
        ended: ended.clone(),
        pulse: pulse.clone(),
        asking: asking.clone(),
    };
    let client = Arc::new(client_config(config, preferred));
    let limit = config.connect_timeout.unwrap_or(HANDSHAKE_TIMEOUT);
    let stream = ReadAhead::new(Counted::new(transport.stream, pulse.clone()), RECEIVE_WINDOW as usize);
    // russh goes on by itself with what nobody waits for any more: the stream's end ends that.
    let guard = pulse.guard();
    let handshake = asking.within(limit, client::connect_stream(client, stream, handler)).await;
    let mut handle = match handshake {
        Some(Ok(handle)) => handle,
        Some(Err(error)) => {
            let refused = lock(&findings).refused.take();
            return Err(refused.unwrap_or_else(|| handshake_error(&error)));
        }
        None => {
            return Err(Error::new(ErrorKind::Timeout, Operation::Connect).with_detail(format!(
                "it accepted, but the SSH handshake took more than {} s",
                limit.as_secs()
            )));
        }
    };
    context.observer.stage(Stage::LoggingIn);
    let banner = || std::mem::take(&mut lock(&findings).banner);
    let logging_in = auth::login(&mut handle, config, password, context, &asking, &banner);
    let login = logging_in.await.map_err(|error| {
        // A server that hangs up in the middle has often said why.
        match (error.detail(), lock(&ended).clone()) {
            (None, Some(ended)) => error.with_detail(ended.said),
            _ => error,
        }
    })?;
    guard.disarm();
    let handle = Arc::new(handle);
    let weak = Arc::downgrade(&handle);
    tokio::spawn(pulse::watch(Arc::downgrade(&pulse), async move || {
        if let Some(handle) = weak.upgrade() {
            let _ = handle.send_keepalive(true).await;
        }
    }));
    let host_key_type = lock(&findings).host_key_type.clone();
    let through = through.map(Box::new);
    let _proxy = transport.proxy;
    Ok(Connection { handle, ended, pulse, host_key_type, login, findings, through, _proxy })
}

impl Connection {
    /// For example `ed25519`.
    pub fn host_key_type(&self) -> &str {
        &self.host_key_type
    }

    /// Whether the same login would go once more with nobody there.
    pub fn needs_nobody(&self) -> bool {
        self.login.needs_nobody && self.through.as_ref().is_none_or(|through| through.needs_nobody())
    }

    /// What logged in, from the first hop to the last.
    pub fn methods(&self) -> Vec<MethodKind> {
        let mut methods = self.through.as_ref().map_or_else(Vec::new, |through| through.methods());
        methods.push(self.login.by);
        methods
    }

    /// Opens another session channel with SFTP on it.
    pub async fn open_sftp(&self) -> Result<Channel> {
        self.open_sftp_with(&[]).await.map(|(channel, _)| channel)
    }

    /// The same, with requests that leave before the server has said its version where that is
    /// OpenSSH's; others may not bear it, and there are no answers then.
    pub async fn open_sftp_with(&self, early: &[Early<'_>]) -> Result<(Channel, Vec<Pending>)> {
        let started = Instant::now();
        let opened = tokio::time::timeout(OPEN_TIMEOUT, self.handle.channel_open_session()).await;
        let channel = match opened.map_err(|_| no_answer())? {
            Ok(channel) => channel,
            Err(error @ russh::Error::ChannelOpenFailure(_)) => {
                return Err(
                    Error::new(ErrorKind::Unsupported, Operation::OpenChannel).with_detail(error.to_string())
                );
            }
            Err(error) => {
                // What the connection ended for comes a moment after its channels end.
                tokio::time::sleep(Duration::from_millis(50)).await;
                let said = lock(&self.ended).clone().map_or_else(|| error.to_string(), |ended| ended.said);
                return Err(Error::new(ErrorKind::ConnectionLost, Operation::OpenChannel).with_detail(said));
            }
        };
        let round_trip = started.elapsed();
        // By now OpenSSH's server has announced its host keys.
        let early = if lock(&self.findings).is_openssh { early } else { &[] };
        let ended = self.ended.clone();
        let why_ended = Arc::new(move || lock(&ended).clone());
        Channel::start(channel, round_trip, early, self.pulse.clone(), why_ended).await
    }

    /// A stream to another host through this one.
    async fn tunnel(&self, config: &HostConfig, context: &Context) -> Result<Transport> {
        context.observer.stage(Stage::Connecting);
        self.pulse.carry();
        let (host, port) = (config.hostname.as_str(), u32::from(config.port));
        let limit = config.connect_timeout.unwrap_or(HANDSHAKE_TIMEOUT);
        let opening = self.handle.channel_open_direct_tcpip(host, port, "127.0.0.1", 0);
        let channel = match tokio::time::timeout(limit, opening).await {
            Ok(Ok(channel)) => channel,
            Ok(Err(error)) => {
                return Err(Error::new(ErrorKind::ConnectionFailed, Operation::Connect)
                    .with_detail(format!("the jump host could not reach {host}:{port}: {error}")));
            }
            Err(_) => {
                return Err(Error::new(ErrorKind::Timeout, Operation::Connect).with_detail(format!(
                    "the jump host did not reach {host}:{port} within {} s",
                    limit.as_secs()
                )));
            }
        };
        let address = format!("{host} through a jump host");
        Ok(Transport { stream: Box::new(channel.into_stream()), address, proxy: None })
    }

    pub async fn disconnect(&self) {
        let mut next = Some(self);
        while let Some(connection) = next {
            let _ = connection.handle.disconnect(Disconnect::ByApplication, "", "").await;
            next = connection.through.as_deref();
        }
    }

    /// The same on a terminal of `size` columns and rows and of the kind `term`.
    pub async fn execute_on_terminal(
        &self,
        command: Vec<u8>,
        (columns, rows): (u16, u16),
        term: &str,
    ) -> Result<russh::Channel<client::Msg>> {
        let failed = not_begun(Operation::OpenShell);
        let channel = self.handle.channel_open_session().await.map_err(failed)?;
        channel.request_pty(true, term, columns.into(), rows.into(), 0, 0, &[]).await.map_err(failed)?;
        channel.exec(true, command).await.map_err(failed)?;
        Ok(channel)
    }

    /// Opens a session channel and asks for `command` to be run on it; whether that is granted
    /// is the channel's first message.
    pub async fn execute(&self, command: &str) -> Result<russh::Channel<client::Msg>> {
        let failed = not_begun(Operation::Execute);
        let channel = self.handle.channel_open_session().await.map_err(failed)?;
        channel.exec(true, command).await.map_err(failed)?;
        Ok(channel)
    }
}

/// Why a command has not even begun.
fn not_begun(operation: Operation) -> impl Fn(russh::Error) -> Error + Copy {
    move |error| {
        let kind = match error {
            russh::Error::ChannelOpenFailure(_) => ErrorKind::Unsupported,
            _ => ErrorKind::ConnectionLost,
        };
        Error::new(kind, operation).with_detail(error.to_string())
    }
}

/// For a server that lets us in and then says nothing.
pub fn no_answer() -> Error {
    Error::new(ErrorKind::Timeout, Operation::OpenChannel)
        .with_detail(format!("the login worked but SFTP did not start within {} s", OPEN_TIMEOUT.as_secs()))
}

/// Unlike a shell, a pane must show a lost server soon; but where ServerAliveInterval and
/// ServerAliveCountMax say when an idle server counts as lost, they say it.
fn silence_limits(config: &HostConfig) -> Limits {
    match config.server_alive_interval {
        None => Limits::NETWORK,
        Some(_) => Limits::NETWORK.patient_when_idle(),
    }
}

/// The limits of RFC 4253 section 9, or narrower ones of ssh_config.
fn rekey_limits(config: &HostConfig) -> russh::Limits {
    let standard = russh::Limits::default();
    let bytes = config.rekey_bytes.and_then(|bytes| usize::try_from(bytes).ok());
    let bytes = bytes.map_or(standard.rekey_write_limit, |bytes| bytes.min(standard.rekey_write_limit));
    let time =
        config.rekey_time.map_or(standard.rekey_time_limit, |time| time.min(standard.rekey_time_limit));
    russh::Limits::new(bytes, bytes, time)
}

fn client_config(config: &HostConfig, preferred: Preferred) -> client::Config {
    client::Config {
        window_size: RECEIVE_WINDOW,
        maximum_packet_size: 65_535,
        channel_buffer_size: 1024,
        preferred,
        limits: rekey_limits(config),
        keepalive_interval: Some(config.server_alive_interval.unwrap_or(KEEPALIVE)),
        keepalive_max: config.server_alive_count_max.max(1) as usize,
        nodelay: true,
        ..client::Config::default()
    }
}

fn handshake_error(error: &russh::Error) -> Error {
    if let russh::Error::NoCommonAlgo { kind, ours, theirs } = error {
        return nothing_in_common(kind, ours, theirs);
    }
    let kind = match error {
        russh::Error::IO(_) | russh::Error::HUP | russh::Error::Disconnect => ErrorKind::ConnectionFailed,
        russh::Error::ConnectionTimeout
        | russh::Error::KeepaliveTimeout
        | russh::Error::InactivityTimeout
        | russh::Error::Elapsed(_) => ErrorKind::Timeout,
        russh::Error::WrongServerSig | russh::Error::UnknownKey => ErrorKind::HostKeyRefused,
        _ => ErrorKind::Protocol,
    };
    let detail = match error {
        russh::Error::HUP | russh::Error::Disconnect | russh::Error::IO(_) => {
            "the connection was closed during the SSH handshake; perhaps what answers there is no SSH server"
                .to_owned()
        }
        russh::Error::Version => "what answers there is no SSH server".to_owned(),
        other => other.to_string(),
    };
    Error::new(kind, Operation::Connect).with_detail(detail)
}

impl client::Handler for Handler {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        server_key: &keys::PublicKeyOrCertificate,
    ) -> Result<bool, Self::Error> {
        let asked = self.asking.begin();
        let (algorithm, verdict) = match server_key {
            keys::PublicKeyOrCertificate::PublicKey { key, .. } => {
                let blob = key.to_bytes().map_err(russh::Error::SshKey)?;
                (key.algorithm(), self.checker.check(key.algorithm().as_str(), &blob).await)
            }
            keys::PublicKeyOrCertificate::Certificate(certificate) => {
                (certificate.algorithm(), self.checker.check_certificate(certificate).await)
            }
        };
        drop(asked);
        match verdict {
            Ok(()) => {
                lock(&self.findings).host_key_type = algorithm.as_str().trim_start_matches("ssh-").to_owned();
                Ok(true)
            }
            Err(error) => {
                lock(&self.findings).refused = Some(error);
                Ok(false)
            }
        }
    }

    async fn openssh_ext_host_keys_announced(
        &mut self,
        _: Vec<keys::PublicKey>,
        session: &mut client::Session,
    ) -> Result<(), Self::Error> {
        lock(&self.findings).is_openssh = session.remote_sshid().starts_with(b"SSH-2.0-OpenSSH_");
        Ok(())
    }

    async fn auth_banner(&mut self, banner: &str, _: &mut client::Session) -> Result<(), Self::Error> {
        let mut findings = lock(&self.findings);
        let room = 4096usize.saturating_sub(findings.banner.len());
        findings.banner.extend(banner.chars().take(room));
        Ok(())
    }

    async fn disconnected(&mut self, reason: DisconnectReason<Self::Error>) -> Result<(), Self::Error> {
        let silent = "the server has stopped answering";
        let (said, orderly, outcome) = match reason {
            DisconnectReason::ReceivedDisconnect(info) => {
                (format!("the server disconnected: {}", info.message), true, Ok(()))
            }
            DisconnectReason::Error(error) => {
                let said = match &error {
                    _ if self.pulse.is_cut() => silent.to_owned(),
                    russh::Error::KeepaliveTimeout => silent.to_owned(),
                    russh::Error::HUP => "the server closed the connection".to_owned(),
                    russh::Error::IO(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                        "the server closed the connection".to_owned()
                    }
                    russh::Error::IO(error) => error.kind().to_string(),
                    other => other.to_string(),
                };
                (said, false, Err(error))
            }
        };
        *lock(&self.ended) = Some(Ended { said, orderly });
        outcome
    }
}
