//! The stream of bytes that SSH runs over: a socket, a ProxyCommand's pipes, or a channel through
//! another SSH server. Knows nothing of what is said on it.

use std::{net::SocketAddr, process::Stdio, time::Duration};

use futures::{StreamExt, stream::FuturesUnordered};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    process::{Child, Command},
};

use super::config::{AddressFamily, HostConfig};
use crate::fs::{Context, Error, ErrorKind, Operation, Result, Stage};

/// For one address; several are tried a moment apart.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// How long the first address has before the next is tried beside it (RFC 8305 section 5).
const NEXT_ADDRESS: Duration = Duration::from_millis(250);

/// Anything that SSH can be spoken over.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// A stream and what keeps it alive.
pub struct Transport {
    pub stream: Box<dyn Stream>,
    /// The address that was reached, or what stands for it.
    pub address: String,
    /// Ends with the transport.
    pub proxy: Option<Child>,
}

/// Reaches the host directly or through its ProxyCommand.
pub async fn connect(config: &HostConfig, context: &Context) -> Result<Transport> {
    match &config.proxy_command {
        Some(command) => proxy(command, context),
        None => {
            let socket = tcp(config, context).await?;
            let address = socket.peer_addr().map(|a| a.ip().to_string()).unwrap_or_default();
            Ok(Transport { stream: Box::new(socket), address, proxy: None })
        }
    }
}

/// Starts a ProxyCommand as ssh does. What it says on standard error would tear the screen.
fn proxy(command: &str, context: &Context) -> Result<Transport> {
    context.observer.stage(Stage::Connecting);
    let failed = |detail: String| {
        Error::new(ErrorKind::ConnectionFailed, Operation::Connect)
            .with_detail(format!("ProxyCommand {command}: {detail}"))
    };
    let mut child = Command::new("sh")
        .arg("-c")
        .arg(format!("exec {command}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    let (Some(stdout), Some(stdin)) = (child.stdout.take(), child.stdin.take()) else {
        return Err(failed("it has no standard input or output".into()));
    };
    Ok(Transport {
        stream: Box::new(tokio::io::join(stdout, stdin)),
        address: "through its ProxyCommand".into(),
        proxy: Some(child),
    })
}

/// Resolves the host and connects the socket, the addresses staggered.
async fn tcp(config: &HostConfig, context: &Context) -> Result<TcpStream> {
    context.observer.stage(Stage::Resolving);
    let timeout = config.connect_timeout.unwrap_or(CONNECT_TIMEOUT);
    let looking = tokio::net::lookup_host((config.hostname.as_str(), config.port));
    let Ok(found) = tokio::time::timeout(timeout, looking).await else {
        return Err(Error::new(ErrorKind::Timeout, Operation::Resolve).with_detail(format!(
            "no name server answered for {} within {} s",
            config.hostname,
            timeout.as_secs()
        )));
    };
    let addresses: Vec<SocketAddr> = match found {
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
