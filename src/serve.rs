//! A file system shared over SFTP: the SSH listener, the login and the channels. What the
//! requests do is in `handler`. Must never touch files itself, nor know the engine or a screen.

pub mod demo;
mod guarded;
mod handler;
mod handles;
mod wire;

use std::{collections::HashMap, future::Future, io, net::SocketAddr, sync::Arc, time::Duration};

use hmac::{Hmac, Mac};
use russh::{
    Channel, ChannelId, Disconnect, MethodKind, MethodSet,
    keys::{
        PrivateKey,
        ssh_key::private::{Ed25519Keypair, KeypairData},
    },
    server::{self, Auth, ChannelOpenHandle, Msg, Session},
};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use tokio::{
    net::{TcpListener, TcpStream, ToSocketAddrs},
    sync::Semaphore,
    task::JoinHandle,
};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::fs::FileSystem;
use guarded::Guarded;
use handler::SftpHandler;

/// As OpenSSH's LoginGraceTime, only shorter: nobody types a password into this for minutes.
const LOGIN_TIME: Duration = Duration::from_secs(60);
const MAX_CONNECTIONS: usize = 64;
/// As OpenSSH's MaxSessions.
const MAX_CHANNELS: usize = 10;
const MAX_LOGIN_ATTEMPTS: usize = 6;
/// Bytes that a client may send on a channel before it hears of more room.
const WINDOW: u32 = 16 << 20;
/// The largest that russh takes without complaint.
const MAX_SSH_PACKET: u32 = 65_535;
/// SSH messages that may wait for a channel's handler. The session's loop stands still while
/// this is full, and with it every reply: more requests than this are never under way.
const CHANNEL_QUEUE: usize = 1_024;

/// What is shared, and with whom.
#[derive(Clone)]
pub struct Share {
    pub fs: Arc<dyn FileSystem>,
    pub user: String,
    pub password: SecretString,
}

/// A running listener. Dropping it ends it and its connections.
pub struct Server {
    addr: SocketAddr,
    host_key: HostKey,
    stopped: DropGuard,
    accepting: JoinHandle<()>,
}

/// The public half of the server's key, fresh for every start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostKey {
    /// As in `id_ed25519.pub`: type and base64, without a comment.
    pub line: String,
    /// As on the wire (RFC 4253 section 6.6).
    pub blob: Vec<u8>,
}

impl Server {
    /// Where it listens; the port is the real one if 0 was asked for.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub fn host_key(&self) -> &HostKey {
        &self.host_key
    }

    /// Stops listening and ends the connections.
    pub async fn shutdown(self) {
        drop(self.stopped);
        // It can only have ended already.
        let _ = self.accepting.await;
    }
}

/// Listens at `addr` with a fresh ed25519 host key; returns once it does.
pub async fn start(share: Share, addr: impl ToSocketAddrs) -> io::Result<Server> {
    let key = PrivateKey::new(KeypairData::from(Ed25519Keypair::from_seed(&rand::random())), "")
        .map_err(io::Error::other)?;
    let host_key = HostKey {
        line: key.public_key().to_openssh().map_err(io::Error::other)?.trim_end().to_owned(),
        blob: key.public_key().to_bytes().map_err(io::Error::other)?,
    };
    let config = Arc::new(server::Config {
        methods: MethodSet::from(&[MethodKind::Password][..]),
        auth_rejection_time: Duration::from_secs(1),
        // The first try is a client asking which methods there are.
        auth_rejection_time_initial: Some(Duration::ZERO),
        max_auth_attempts: MAX_LOGIN_ATTEMPTS,
        keys: vec![key],
        window_size: WINDOW,
        maximum_packet_size: MAX_SSH_PACKET,
        channel_buffer_size: CHANNEL_QUEUE,
        event_buffer_size: 64,
        inactivity_timeout: None,
        keepalive_interval: Some(Duration::from_secs(30)),
        nodelay: true,
        ..server::Config::default()
    });
    let listener = TcpListener::bind(addr).await?;
    let addr = listener.local_addr()?;
    let stop = CancellationToken::new();
    let accepting = tokio::spawn(accept(listener, config, Arc::new(share), stop.clone()));
    Ok(Server { addr, host_key, stopped: stop.drop_guard(), accepting })
}

async fn accept(
    listener: TcpListener,
    config: Arc<server::Config>,
    share: Arc<Share>,
    stop: CancellationToken,
) {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let open_files = Arc::new(Semaphore::new(handles::MAX_OPEN));
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Some(accepted) = stop.run_until_cancelled(listener.accept()).await else { break };
        while connections.try_join_next().is_some() {}
        let (socket, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                // Out of descriptors, most likely: trying again at once would only spin.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let Ok(permit) = room.clone().try_acquire_owned() else {
            tracing::warn!(%peer, "too many connections: one was turned away");
            continue;
        };
        let logged_in = CancellationToken::new();
        let client = Client {
            share: share.clone(),
            peer,
            logged_in: logged_in.clone(),
            open_files: open_files.clone(),
            channels: HashMap::new(),
        };
        let (config, stop) = (config.clone(), stop.clone());
        connections.spawn(async move {
            converse(socket, config, client, logged_in, stop).await;
            tracing::info!(%peer, "session ended");
            drop(permit);
        });
    }
    while connections.join_next().await.is_some() {}
}

/// One connection from its first byte to its last.
async fn converse(
    socket: TcpStream,
    config: Arc<server::Config>,
    client: Client,
    logged_in: CancellationToken,
    stop: CancellationToken,
) {
    // Without it small replies wait for company; a system that cannot is merely slower.
    let _ = socket.set_nodelay(true);
    let begin = tokio::time::timeout(LOGIN_TIME, server::run_stream(config, socket, client));
    let Some(Ok(Ok(mut session))) = stop.run_until_cancelled(begin).await else { return };
    let handle = session.handle();
    let too_late = async {
        if tokio::time::timeout(LOGIN_TIME, logged_in.cancelled()).await.is_ok() {
            std::future::pending::<()>().await;
        }
    };
    let words = tokio::select! {
        result = &mut session => {
            if let Err(error) = result {
                tracing::debug!(%error, "a session broke off");
            }
            return;
        }
        () = too_late => "no login in time",
        () = stop.cancelled() => "the server stops",
    };
    let farewell = async {
        if handle.disconnect(Disconnect::ByApplication, words.into(), String::new()).await.is_ok() {
            let _ = session.await;
        }
    };
    // A peer that does not take leave is left.
    let _ = tokio::time::timeout(Duration::from_secs(1), farewell).await;
}

/// One connection's side of the SSH protocol.
struct Client {
    share: Arc<Share>,
    peer: SocketAddr,
    logged_in: CancellationToken,
    /// Shared by all connections.
    open_files: Arc<Semaphore>,
    channels: HashMap<ChannelId, OpenChannel>,
}

struct OpenChannel {
    /// Until a subsystem takes it.
    channel: Option<Channel<Msg>>,
    ended: CancellationToken,
}

/// Closed by either side, or gone with its connection.
impl Drop for OpenChannel {
    fn drop(&mut self) {
        self.ended.cancel();
    }
}

impl server::Handler for Client {
    type Error = russh::Error;

    async fn auth_none(&mut self, _: &str) -> Result<Auth, Self::Error> {
        Ok(try_again())
    }

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, Self::Error> {
        let known = same(user, &self.share.user) & same(password, self.share.password.expose_secret());
        if known {
            tracing::info!(peer = %self.peer, "session started");
            self.logged_in.cancel();
            Ok(Auth::Accept)
        } else {
            tracing::warn!(peer = %self.peer, "a login was refused");
            Ok(try_again())
        }
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        // A reply that is dropped refuses.
        if self.channels.len() < MAX_CHANNELS {
            let ended = CancellationToken::new();
            self.channels.insert(channel.id(), OpenChannel { channel: Some(channel), ended });
            reply.accept().await;
        }
        Ok(())
    }

    fn subsystem_request(
        &mut self,
        id: ChannelId,
        name: &str,
        session: &mut Session,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send {
        let result = self.start_subsystem(id, name, session);
        std::future::ready(result)
    }

    async fn shell_request(&mut self, id: ChannelId, session: &mut Session) -> Result<(), Self::Error> {
        session.channel_failure(id)
    }

    async fn exec_request(
        &mut self,
        id: ChannelId,
        _: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_failure(id)
    }

    async fn channel_close(&mut self, id: ChannelId, _: &mut Session) -> Result<(), Self::Error> {
        self.channels.remove(&id);
        Ok(())
    }
}

impl Client {
    fn start_subsystem(
        &mut self,
        id: ChannelId,
        name: &str,
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        let open = self.channels.get_mut(&id).filter(|_| name == "sftp");
        let taken = open.and_then(|open| open.channel.take().map(|channel| (channel, open.ended.clone())));
        let Some((channel, ended)) = taken else {
            return session.channel_failure(id);
        };
        session.channel_success(id)?;
        let handler = SftpHandler::new(self.share.fs.clone(), self.open_files.clone());
        let config = russh_sftp::server::Config { max_client_packet_len: wire::MAX_ACCEPTED };
        let stream = Guarded::new(channel.into_stream(), ended);
        // It starts a task of its own and returns at once.
        tokio::spawn(russh_sftp::server::run_with_config(stream, handler, config));
        Ok(())
    }
}

/// A refusal that leaves the password as the way in; russh's own takes the method away, and a
/// mistyped password could not be typed again.
fn try_again() -> Auth {
    let methods = MethodSet::from(&[MethodKind::Password][..]);
    Auth::Reject { proceed_with_methods: Some(methods), partial_success: false }
}

/// Compares in a time that depends on the lengths only, as the keyed digests of unlike texts
/// differ in unpredictable places.
fn same(given: &str, expected: &str) -> bool {
    let key: [u8; 32] = rand::random();
    let digest = |text: &str| Hmac::<Sha256>::new_from_slice(&key).ok().map(|mac| mac.chain_update(text));
    match (digest(given), digest(expected)) {
        (Some(given), Some(expected)) => given.verify(&expected.finalize().into_bytes()).is_ok(),
        _ => false,
    }
}
