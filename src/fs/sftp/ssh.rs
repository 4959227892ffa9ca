//! The SSH connection under SFTP: the socket, the handshake, the host key. Decides nothing about
//! keys itself (`trust` does) and logs in through `auth`.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::{StreamExt, stream::FuturesUnordered};
use russh::{
    Disconnect, Preferred, cipher,
    client::{self, DisconnectReason},
    keys::{Algorithm, EcdsaCurve, HashAlg},
};
use tokio::net::TcpStream;

use super::{
    auth,
    channel::Channel,
    config::{AddressFamily, HostConfig, StrictHostKeyChecking},
};
use crate::{
    fs::{Context, Error, ErrorKind, Operation, Result, Stage, Target},
    trust::{
        Answer, Prompt, Question, UnknownHost,
        known_hosts::{self, KnownHosts, Verdict},
    },
};

/// For one address; several are tried a moment apart.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// From the connection to the keys: whatever listens there may say nothing, or no end of it.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long the first address has before the next is tried beside it (RFC 8305 section 5).
const NEXT_ADDRESS: Duration = Duration::from_millis(250);

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

/// Connects, checks the host key and logs in.
pub async fn connect(config: &HostConfig, target: &Target, context: &Context) -> Result<Connection> {
    let unsupported = match (config.jumps.is_empty(), &config.proxy_command) {
        (false, _) => Some("ProxyJump"),
        (true, Some(_)) => Some("ProxyCommand"),
        // A key that is revoked there must not pass unseen.
        (true, None) if config.revoked_host_keys.is_some() => Some("RevokedHostKeys"),
        (true, None) => None,
    };
    if let Some(what) = unsupported {
        return Err(Error::new(ErrorKind::Unsupported, Operation::Connect)
            .with_detail(format!("ssh_config asks for {what}, which wharf cannot do yet")));
    }
    let socket = reach(config, context).await?;
    let address = socket.peer_addr().map(|a| a.ip().to_string()).unwrap_or_default();
    context.observer.stage(Stage::CheckingHostKey);
    let known = KnownHosts::load(&config.user_known_hosts, &config.global_known_hosts).map_err(|e| {
        Error::new(ErrorKind::HostKeyRefused, Operation::CheckHostKey).with_detail(e.to_string())
    })?;
    let (name, port) = config.known_as();
    let name = name.to_owned();
    let preferred = preferences(&known.known_algorithms(&name, port));
    let findings = Arc::new(Mutex::new(Findings::default()));
    let ended = Arc::new(Mutex::new(None));
    let handler = Handler {
        checker: HostKeyChecker {
            known,
            name,
            port,
            address,
            strict: config.strict_host_key_checking,
            file: config.user_known_hosts.first().cloned(),
            hashed: config.hash_known_hosts,
            prompt: context.prompt.clone(),
        },
        findings: findings.clone(),
        ended: ended.clone(),
    };
    let handshake = client::connect_stream(Arc::new(client_config(config, preferred)), socket, handler);
    let limit = config.connect_timeout.unwrap_or(HANDSHAKE_TIMEOUT);
    let handshake = tokio::select! {
        handshake = handshake => handshake,
        () = silence(limit, &findings) => {
            return Err(Error::new(ErrorKind::Timeout, Operation::Connect)
                .with_detail(format!("it accepted, but the SSH handshake took more than {} s", limit.as_secs())));
        }
    };
    let mut handle = match handshake {
        Ok(handle) => handle,
        Err(error) => {
            if let Some(refused) = lock(&findings).refused.take() {
                return Err(refused);
            }
            return Err(handshake_error(&error));
        }
    };
    context.observer.stage(Stage::LoggingIn);
    let banner = || std::mem::take(&mut lock(&findings).banner);
    auth::login(&mut handle, config, target, context, &banner).await.map_err(|error| {
        // A server that hangs up in the middle has often said why.
        match (error.detail(), lock(&ended).clone()) {
            (None, Some(why)) => error.with_detail(why),
            _ => error,
        }
    })?;
    let host_key_type = lock(&findings).host_key_type.clone();
    Ok(Connection { handle, ended, host_key_type })
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

    pub async fn disconnect(&self) {
        let _ = self.handle.disconnect(Disconnect::ByApplication, "", "").await;
    }
}

/// Resolves the host and connects the socket, the addresses staggered.
async fn reach(config: &HostConfig, context: &Context) -> Result<TcpStream> {
    context.observer.stage(Stage::Resolving);
    let addresses: Vec<SocketAddr> =
        match tokio::net::lookup_host((config.hostname.as_str(), config.port)).await {
            Ok(found) => found
                .filter(|address| match config.address_family {
                    AddressFamily::Any => true,
                    AddressFamily::Inet => address.is_ipv4(),
                    AddressFamily::Inet6 => address.is_ipv6(),
                })
                .collect(),
            Err(error) => {
                return Err(Error::new(ErrorKind::Unresolved, Operation::Resolve)
                    .with_detail(format!("{}: {error}", config.hostname)));
            }
        };
    if addresses.is_empty() {
        return Err(Error::new(ErrorKind::Unresolved, Operation::Resolve)
            .with_detail(format!("{} has no usable address", config.hostname)));
    }
    context.observer.stage(Stage::Connecting);
    let timeout = config.connect_timeout.unwrap_or(CONNECT_TIMEOUT);
    let mut attempts: FuturesUnordered<_> =
        addresses
            .into_iter()
            .enumerate()
            .map(|(rank, address)| async move {
                tokio::time::sleep(NEXT_ADDRESS * rank as u32).await;
                match tokio::time::timeout(timeout, TcpStream::connect(address)).await {
                    Ok(Ok(socket)) => Ok(socket),
                    Ok(Err(error)) => Err(Error::io(Operation::Connect, &error)
                        .with_detail(format!("{address}: {}", error.kind()))),
                    Err(_) => Err(Error::new(ErrorKind::Timeout, Operation::Connect)
                        .with_detail(format!("{address} did not answer within {} s", timeout.as_secs()))),
                }
            })
            .collect();
    let mut last = Error::new(ErrorKind::ConnectionFailed, Operation::Connect);
    while let Some(outcome) = attempts.next().await {
        match outcome {
            Ok(socket) => {
                let _ = socket.set_nodelay(true);
                return Ok(socket);
            }
            Err(error) => last = error,
        }
    }
    if last.kind() == ErrorKind::Failure || last.kind() == ErrorKind::ConnectionLost {
        last = last.with_kind(ErrorKind::ConnectionFailed);
    }
    Err(last)
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
/// the one that can be checked; never SHA-1. AES-GCM first where the processor has AES.
fn preferences(known: &[String]) -> Preferred {
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
    Preferred { key: keys.into(), cipher: ciphers.into(), ..Preferred::DEFAULT }
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
        russh::Error::HUP | russh::Error::Disconnect => {
            "the server closed the connection during the SSH handshake".to_owned()
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
        server_key: &russh::keys::PublicKeyOrCertificate,
    ) -> Result<bool, Self::Error> {
        // Certificates are never offered, so none can come.
        let russh::keys::PublicKeyOrCertificate::PublicKey { key, .. } = server_key else { return Ok(false) };
        let blob = key.to_bytes().map_err(russh::Error::SshKey)?;
        lock(&self.findings).asking = true;
        let judged = self.checker.check(key.algorithm().as_str(), &blob).await;
        lock(&self.findings).asking = false;
        match judged {
            Ok(()) => {
                let name = key.algorithm().as_str().trim_start_matches("ssh-").to_owned();
                lock(&self.findings).host_key_type = name;
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

/// Decides on one server's key by known_hosts and, at a first contact, by the person.
struct HostKeyChecker {
    known: KnownHosts,
    name: String,
    port: u16,
    address: String,
    strict: StrictHostKeyChecking,
    /// Where a new key is remembered.
    file: Option<std::path::PathBuf>,
    hashed: bool,
    prompt: Arc<dyn Prompt>,
}

impl HostKeyChecker {
    async fn check(&self, key_type: &str, blob: &[u8]) -> Result<()> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_key_types_are_offered_first_and_sha1_never() {
        let preferred = preferences(&["ssh-rsa".to_owned()]);
        assert_eq!(preferred.key[0], Algorithm::Rsa { hash: Some(HashAlg::Sha512) });
        assert!(!preferred.key.contains(&Algorithm::Rsa { hash: None }));
        assert_eq!(preferences(&[]).key[0], Algorithm::Ed25519);
    }
}
