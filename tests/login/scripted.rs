//! An SSH server whose logins are scripted, with as much SFTP as a login needs, and TCP servers
//! that fall silent on the way.

use std::{collections::HashMap, sync::Arc, time::Duration};

use russh::{
    Channel, ChannelId, MethodKind, MethodSet,
    keys::{
        PrivateKey,
        ssh_key::private::{Ed25519Keypair, KeypairData},
    },
    server::{self, Auth, ChannelOpenHandle, Msg, Response, Session},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, Interest},
    net::{TcpListener, TcpStream},
};
use wharf::fs::{self, SshOptions, Target};

type Interactive = Box<dyn Fn(usize, Option<Vec<String>>) -> Auth + Send + Sync>;

/// What the server takes.
pub struct Script {
    pub methods: &'static [MethodKind],
    pub password: Box<dyn Fn(&str) -> Auth + Send + Sync>,
    /// Given the round, from 0, and what was answered to the last one.
    pub interactive: Interactive,
    /// It never answers `none`.
    pub stalls_at_login: bool,
    /// It lets in, and never answers the request for a channel.
    pub stalls_at_channel: bool,
    /// It opens a channel, and says nothing on it.
    pub stalls_at_sftp: bool,
}

impl Default for Script {
    fn default() -> Self {
        Script {
            methods: &[],
            password: Box::new(|_| Auth::reject()),
            interactive: Box::new(|_, _| Auth::reject()),
            stalls_at_login: false,
            stalls_at_channel: false,
            stalls_at_sftp: false,
        }
    }
}

pub struct Running {
    port: u16,
    dir: tempfile::TempDir,
    accepting: tokio::task::JoinHandle<()>,
    /// Connections that are open.
    pub open: tokio::sync::watch::Receiver<usize>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Running {
    pub fn target(&self) -> Target {
        Target {
            scheme: &fs::SFTP,
            host: "127.0.0.1".into(),
            user: Some("ann".into()),
            port: Some(self.port),
            password: None,
        }
    }

    pub fn ssh(&self) -> SshOptions {
        SshOptions { config_file: Some(self.dir.path().join("config")), ..SshOptions::default() }
    }
}

pub async fn serve(script: Script) -> Running {
    let key = PrivateKey::new(KeypairData::from(Ed25519Keypair::from_seed(&rand::random())), "").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let dir = tempfile::tempdir().unwrap();
    let known = dir.path().join("known_hosts");
    std::fs::write(&known, format!("[127.0.0.1]:{port} {}", key.public_key().to_openssh().unwrap())).unwrap();
    let text = format!(
        "Host *\n IdentityFile none\n IdentityAgent none\n UserKnownHostsFile {}\n GlobalKnownHostsFile /dev/null\n \
         StrictHostKeyChecking yes\n ConnectTimeout 2\n",
        known.display()
    );
    std::fs::write(dir.path().join("config"), text).unwrap();
    let config = Arc::new(server::Config {
        keys: vec![key],
        methods: MethodSet::from(script.methods),
        auth_rejection_time: Duration::ZERO,
        max_auth_attempts: 100,
        ..server::Config::default()
    });
    let script = Arc::new(script);
    let (count, open) = tokio::sync::watch::channel(0);
    let accepting = tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let handler = Server { script: script.clone(), round: 0, channels: HashMap::new() };
            let (config, count) = (config.clone(), count.clone());
            count.send_modify(|open| *open += 1);
            let socket = socket.into_std().unwrap();
            let watched = TcpStream::from_std(socket.try_clone().unwrap()).unwrap();
            tokio::spawn(async move {
                until_closed(watched).await;
                count.send_modify(|open| *open -= 1);
            });
            tokio::spawn(async move {
                let socket = TcpStream::from_std(socket).unwrap();
                if let Ok(session) = server::run_stream(config, socket, handler).await {
                    let _ = session.await;
                }
            });
        }
    });
    Running { port, dir, accepting, open }
}

/// Waits for the client's end of the connection to go, though the server is stuck.
async fn until_closed(socket: TcpStream) {
    while socket.ready(Interest::READABLE).await.is_ok_and(|ready| !ready.is_read_closed()) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Accepts, says `greeting`, and then nothing.
pub async fn mute(greeting: &'static [u8]) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("config"),
        "Host *\n ConnectTimeout 2\n UserKnownHostsFile /dev/null\n GlobalKnownHostsFile /dev/null\n",
    )
    .unwrap();
    let (count, open) = tokio::sync::watch::channel(0);
    let accepting = tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let count = count.clone();
            count.send_modify(|open| *open += 1);
            tokio::spawn(async move {
                let _ = socket.write_all(greeting).await;
                let mut heard = vec![0; 1 << 16];
                while socket.read(&mut heard).await.is_ok_and(|length| length > 0) {}
                count.send_modify(|open| *open -= 1);
            });
        }
    });
    Running { port, dir, accepting, open }
}

struct Server {
    script: Arc<Script>,
    round: usize,
    channels: HashMap<ChannelId, Channel<Msg>>,
}

impl server::Handler for Server {
    type Error = russh::Error;

    async fn auth_none(&mut self, _: &str) -> Result<Auth, Self::Error> {
        if self.script.stalls_at_login {
            std::future::pending::<()>().await;
        }
        Ok(if self.script.methods.is_empty() { Auth::Accept } else { Auth::reject() })
    }

    async fn auth_password(&mut self, _: &str, password: &str) -> Result<Auth, Self::Error> {
        Ok((self.script.password)(password))
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        _: &str,
        _: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, Self::Error> {
        let round = if response.is_none() { 0 } else { self.round };
        self.round = round + 1;
        Ok((self.script.interactive)(round, crate::factors::owned(response)))
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        if self.script.stalls_at_channel {
            std::future::pending::<()>().await;
        }
        self.channels.insert(channel.id(), channel);
        reply.accept().await;
        Ok(())
    }

    async fn subsystem_request(
        &mut self,
        id: ChannelId,
        _: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_success(id)?;
        if let Some(channel) = self.channels.remove(&id)
            && !self.script.stalls_at_sftp
        {
            tokio::spawn(talk(channel.into_stream()));
        }
        Ok(())
    }
}

/// VERSION to INIT, `/` to REALPATH, and nothing else is supported.
async fn talk(mut stream: impl AsyncReadExt + AsyncWriteExt + Unpin) -> std::io::Result<()> {
    loop {
        let length = stream.read_u32().await? as usize;
        let mut packet = vec![0; length];
        stream.read_exact(&mut packet).await?;
        let mut answer = Vec::new();
        match packet[0] {
            1 => answer.extend([2, 0, 0, 0, 3]),
            kind => {
                let id = &packet[1..5];
                if kind == 16 {
                    answer.push(104);
                    answer.extend(id);
                    answer.extend([0, 0, 0, 1, 0, 0, 0, 1, b'/', 0, 0, 0, 1, b'/', 0, 0, 0, 0]);
                } else {
                    answer.push(101);
                    answer.extend(id);
                    answer.extend([0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0]);
                }
            }
        }
        stream.write_u32(answer.len() as u32).await?;
        stream.write_all(&answer).await?;
    }
}
