//! The SSH connection under SFTP: the handshake, hop by hop. Leaves the host key to `host_key`, the
//! login to `auth`, the stream to `transport`.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use russh::{
    Disconnect, Preferred, cipher,
    client::{self, DisconnectReason},
    keys::{self, Algorithm, EcdsaCurve, HashAlg},
};
use secrecy::SecretString;
use tokio::process::Child;

use super::{
    ahead::ReadAhead,
    auth,
    channel::Channel,
    config::{self, HostConfig},
    host_key::HostKeyChecker,
    transport::{self, Transport},
};
use crate::fs::{Context, Error, ErrorKind, Operation, Result, Stage, Target};

/// From the connection to the keys: whatever listens there may say nothing, or no end of it.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);

/// Bytes that the server may send ahead per channel: what bounds a download is then the
/// session's own window, not SSH's.
const RECEIVE_WINDOW: u32 = 64 << 20;

/// How often a silent server is asked whether it is there, unless ServerAliveInterval says:
/// unlike a shell, a pane must show a lost server soon.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// A connection that is logged in.
pub struct Connection {
    handle: client::Handle<Handler>,
    ended: Arc<Mutex<Option<String>>>,
    host_key_type: String,
    /// The jump host that it runs through.
    through: Option<Box<Connection>>,
    _proxy: Option<Child>,
}

/// What the handshake and the connection's end leave behind.
#[derive(Default)]
struct Findings {
    /// The host key is being judged, perhaps by a person.
    asking: bool,
    refused: Option<Error>,
    host_key_type: String,
    banner: String,
}

/// russh's callbacks for one connection.
pub struct Handler {
    checker: HostKeyChecker,
    findings: Arc<Mutex<Findings>>,
    ended: Arc<Mutex<Option<String>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Jump hosts in a row beyond this many are taken for a circle.
const MOST_JUMPS: usize = 16;

/// Reaches the host as its configuration says, through jump hosts if it has any, checks the host
/// key and logs in. On each hop the key is checked and the login asked for as on the last.
pub async fn connect(config: &HostConfig, target: &Target, context: &Context) -> Result<Connection> {
    let through = jumps(config, context, 0).await?;
    hop_to(config, through, target.password.as_ref(), context).await
}

/// The connection to the last jump host of `config`, if it has any.
async fn jumps(config: &HostConfig, context: &Context, before: usize) -> Result<Option<Connection>> {
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
                None => Box::pin(jumps(&hop, &context, before + count + 1)).await?,
                before => before,
            };
            hop_to(&hop, before_it, None, &context).await
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
    // A key that is revoked there must not pass unseen.
    if config.revoked_host_keys.is_some() {
        return Err(Error::new(ErrorKind::Unsupported, Operation::CheckHostKey)
            .with_detail("ssh_config has RevokedHostKeys, which wharf cannot check yet"));
    }
    let transport = match &through {
        Some(connection) => connection.tunnel(config, context).await?,
        None => transport::connect(config, context).await?,
    };
    context.observer.stage(Stage::CheckingHostKey);
    let checker = HostKeyChecker::load(config, transport.address, context.prompt.clone()).await?;
    let preferred = preferences(&checker.known_types(), checker.has_authorities());
    let findings = Arc::new(Mutex::new(Findings::default()));
    let ended = Arc::new(Mutex::new(None));
    let handler = Handler { checker, findings: findings.clone(), ended: ended.clone() };
    let client = Arc::new(client_config(config, preferred));
    let limit = config.connect_timeout.unwrap_or(HANDSHAKE_TIMEOUT);
    let stream = ReadAhead::new(transport.stream, RECEIVE_WINDOW as usize);
    let handshake = tokio::select! {
        handshake = client::connect_stream(client, stream, handler) => handshake,
        () = silence(limit, &findings) => {
            return Err(Error::new(ErrorKind::Timeout, Operation::Connect)
                .with_detail(format!("it accepted, but the SSH handshake took more than {} s", limit.as_secs())));
        }
    };
    let mut handle = match handshake {
        Ok(handle) => handle,
        Err(error) => {
            let refused = lock(&findings).refused.take();
            return Err(refused.unwrap_or_else(|| handshake_error(&error)));
        }
    };
    context.observer.stage(Stage::LoggingIn);
    let banner = || std::mem::take(&mut lock(&findings).banner);
    auth::login(&mut handle, config, password, context, &banner).await.map_err(|error| {
        // A server that hangs up in the middle has often said why.
        match (error.detail(), lock(&ended).clone()) {
            (None, Some(why)) => error.with_detail(why),
            _ => error,
        }
    })?;
    let host_key_type = lock(&findings).host_key_type.clone();
    Ok(Connection { handle, ended, host_key_type, through: through.map(Box::new), _proxy: transport.proxy })
}

/// Waits until `limit` has passed during which nobody was being asked about the host key: a
/// person may take any time.
async fn silence(limit: Duration, findings: &Mutex<Findings>) {
    loop {
        tokio::time::sleep(limit).await;
        if !lock(findings).asking {
            return;
        }
    }
}

impl Connection {
    /// For example `ed25519`.
    pub fn host_key_type(&self) -> &str {
        &self.host_key_type
    }

    /// Opens another session channel with SFTP on it.
    pub async fn open_sftp(&self) -> Result<Channel> {
        let channel = self.handle.channel_open_session().await.map_err(|error| {
            let kind = match error {
                russh::Error::ChannelOpenFailure(_) => ErrorKind::Unsupported,
                _ => ErrorKind::ConnectionLost,
            };
            Error::new(kind, Operation::OpenChannel).with_detail(error.to_string())
        })?;
        let ended = self.ended.clone();
        Channel::start(channel, Arc::new(move || lock(&ended).clone())).await
    }

    /// A stream to another host through this one.
    async fn tunnel(&self, config: &HostConfig, context: &Context) -> Result<Transport> {
        context.observer.stage(Stage::Connecting);
        let (host, port) = (config.hostname.as_str(), u32::from(config.port));
        let channel =
            self.handle.channel_open_direct_tcpip(host, port, "127.0.0.1", 0).await.map_err(|error| {
                Error::new(ErrorKind::ConnectionFailed, Operation::Connect)
                    .with_detail(format!("the jump host could not reach {host}:{port}: {error}"))
            })?;
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
}

fn client_config(config: &HostConfig, preferred: Preferred) -> client::Config {
    client::Config {
        window_size: RECEIVE_WINDOW,
        maximum_packet_size: 65_535,
        channel_buffer_size: 1024,
        preferred,
        keepalive_interval: Some(config.server_alive_interval.unwrap_or(KEEPALIVE)),
        keepalive_max: config.server_alive_count_max.max(1) as usize,
        nodelay: true,
        ..client::Config::default()
    }
}

/// Host key types that are known for the host first, so that a server with several keys shows
/// the one that can be checked; never SHA-1. Certificates only where an authority is known. AES-GCM first where the processor has AES.
fn preferences(known: &[String], certificates: bool) -> Preferred {
    let mut keys = vec![
        Algorithm::Ed25519,
        Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 },
        Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 },
        Algorithm::Ecdsa { curve: EcdsaCurve::NistP521 },
        Algorithm::Rsa { hash: Some(HashAlg::Sha512) },
        Algorithm::Rsa { hash: Some(HashAlg::Sha256) },
    ];
    let rank = |algorithm: &Algorithm| {
        // known_hosts says ssh-rsa for the key whatever the signature's hash.
        let name = if matches!(algorithm, Algorithm::Rsa { .. }) { "ssh-rsa" } else { algorithm.as_str() };
        !known.iter().any(|k| k == name)
    };
    keys.sort_by_key(rank);
    let ciphers = if has_aes() {
        vec![
            cipher::AES_256_GCM,
            cipher::CHACHA20_POLY1305,
            cipher::AES_256_CTR,
            cipher::AES_192_CTR,
            cipher::AES_128_CTR,
        ]
    } else {
        Preferred::DEFAULT.cipher.into_owned()
    };
    let host_key_certificates = if certificates { keys.clone() } else { Vec::new() };
    Preferred {
        key: keys.into(),
        host_key_certificates: host_key_certificates.into(),
        cipher: ciphers.into(),
        ..Preferred::DEFAULT
    }
}

#[cfg(target_arch = "x86_64")]
fn has_aes() -> bool {
    std::arch::is_x86_feature_detected!("aes")
}

#[cfg(target_arch = "aarch64")]
fn has_aes() -> bool {
    std::arch::is_aarch64_feature_detected!("aes")
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn has_aes() -> bool {
    false
}

fn handshake_error(error: &russh::Error) -> Error {
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
        lock(&self.findings).asking = true;
        let (algorithm, verdict) = match server_key {
            keys::PublicKeyOrCertificate::PublicKey { key, .. } => {
                let blob = key.to_bytes().map_err(russh::Error::SshKey)?;
                (key.algorithm(), self.checker.check(key.algorithm().as_str(), &blob).await)
            }
            keys::PublicKeyOrCertificate::Certificate(certificate) => {
                (certificate.algorithm(), self.checker.check_certificate(certificate).await)
            }
        };
        lock(&self.findings).asking = false;
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

    async fn auth_banner(&mut self, banner: &str, _: &mut client::Session) -> Result<(), Self::Error> {
        let mut findings = lock(&self.findings);
        let room = 4096usize.saturating_sub(findings.banner.len());
        findings.banner.extend(banner.chars().take(room));
        Ok(())
    }

    async fn disconnected(&mut self, reason: DisconnectReason<Self::Error>) -> Result<(), Self::Error> {
        let (said, outcome) = match reason {
            DisconnectReason::ReceivedDisconnect(info) => {
                (format!("the server disconnected: {}", info.message), Ok(()))
            }
            DisconnectReason::Error(error) => {
                let said = match &error {
                    russh::Error::KeepaliveTimeout => "the server has stopped answering".to_owned(),
                    russh::Error::HUP => "the server closed the connection".to_owned(),
                    other => other.to_string(),
                };
                (said, Err(error))
            }
        };
        *lock(&self.ended) = Some(said);
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_key_types_are_offered_first_and_sha1_never() {
        let preferred = preferences(&["ssh-rsa".to_owned()], false);
        assert_eq!(preferred.key[0], Algorithm::Rsa { hash: Some(HashAlg::Sha512) });
        assert!(!preferred.key.contains(&Algorithm::Rsa { hash: None }));
        assert_eq!(preferences(&[], false).key[0], Algorithm::Ed25519);
    }
}
