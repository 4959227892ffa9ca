//! The start of an SFTP conversation: INIT goes out, VERSION comes back, or whatever a server says
//! in its place. Knows no requests and no answers.

use std::time::Duration;

use bytes::BytesMut;
use russh::{ChannelMsg, ChannelReadHalf};

use super::{
    assembler::{Assembler, Packet},
    response::Version,
};
use crate::fs::{Error, ErrorKind, Operation, Result};

/// How long a server may take from the subsystem request to its VERSION.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// Waits for VERSION while `asking` asks for the subsystem and sends INIT. `why_ended` knows why the
/// connection ended, where it did. What comes behind VERSION stays in `assembler`.
pub async fn exchanged(
    incoming: &mut ChannelReadHalf,
    assembler: &mut Assembler,
    asking: impl Future<Output = std::result::Result<(), russh::Error>>,
    why_ended: impl Fn() -> Option<String>,
) -> Result<Version> {
    let broken = |e: russh::Error| {
        Error::new(ErrorKind::ConnectionLost, Operation::OpenChannel).with_detail(e.to_string())
    };
    let starting = async {
        // Both at once: INIT waits for room that comes with the subsystem, and when the
        // connection ends before, only whoever listens hears of it.
        tokio::select! {
            version = await_version(incoming, assembler) => version,
            Err(error) = asking => Err(broken(error)),
        }
    };
    let version = tokio::time::timeout(START_TIMEOUT, starting).await.unwrap_or_else(|_| {
        Err(Error::new(ErrorKind::Timeout, Operation::OpenChannel).with_detail(
            "the login worked but SFTP did not start within 30 s; a start-up file of the \
             login's shell may be waiting for something",
        ))
    });
    let version = match version {
        Err(error) if error.kind() == ErrorKind::ConnectionLost => {
            // The reason comes a moment after the end.
            tokio::time::sleep(Duration::from_millis(50)).await;
            return Err(match why_ended() {
                Some(said) => error.with_detail(said),
                None => error,
            });
        }
        version => version?,
    };
    if version.version < 3 {
        return Err(Error::new(ErrorKind::Unsupported, Operation::OpenChannel)
            .with_detail(format!("the server speaks SFTP version {} only", version.version)));
    }
    Ok(version)
}

async fn await_version(incoming: &mut ChannelReadHalf, assembler: &mut Assembler) -> Result<Version> {
    let refused =
        |detail: String| Err(Error::new(ErrorKind::Unsupported, Operation::OpenChannel).with_detail(detail));
    let mut said = BytesMut::new();
    loop {
        match incoming.wait().await {
            Some(ChannelMsg::Data { data }) => {
                assembler.push(data);
                match assembler.next() {
                    Ok(Some(Packet::Version(version))) => return Ok(version),
                    Ok(None) => {}
                    Ok(Some(_)) => {
                        return refused("the server began with something else than VERSION".into());
                    }
                    Err(_) => {
                        let start = assembler.peek(120);
                        return refused(format!(
                            "the server did not speak SFTP but printed: {}",
                            String::from_utf8_lossy(&start).trim()
                        ));
                    }
                }
            }
            Some(ChannelMsg::ExtendedData { data, .. }) if said.len() < 1000 => said.extend_from_slice(&data),
            Some(ChannelMsg::Failure) => {
                return refused("the server has no SFTP subsystem".into());
            }
            Some(ChannelMsg::ExitStatus { exit_status }) if exit_status != 0 => {
                let said = String::from_utf8_lossy(&said).trim().to_owned();
                return refused(format!("the server's SFTP program ended with {exit_status} {said}"));
            }
            Some(_) => {}
            None => {
                let said = String::from_utf8_lossy(&said).trim().to_owned();
                return Err(Error::new(ErrorKind::ConnectionLost, Operation::OpenChannel).with_detail(said));
            }
        }
    }
}
