//! Has the server write to its disk what it has taken: file by file over SFTP, or whole volumes by a
//! tool of its own. Writes nothing itself.

use std::{sync::Arc, time::Instant};

use super::{
    Session,
    channel::unexpected,
    exec,
    request::{Request, open},
    response::Response,
    write::FSYNC,
};
use crate::{
    fs::{Attributes, Error, ErrorKind, Operation, RemotePath, Result},
    reply::{self, Reply},
};

/// Asks for one file: OpenSSH PROTOCOL section 4.6. A server does not say that of a directory.
pub async fn file(session: &Session, path: &RemotePath) -> Result<()> {
    let unsupported = || session.error(Error::new(ErrorKind::Unsupported, Operation::Close), path);
    if !session.first.version().has(FSYNC) {
        return Err(unsupported());
    }
    let started = Instant::now();
    let nothing = Attributes::default();
    let request = Request::Open { path: path.as_bytes(), pflags: open::READ, attributes: &nothing };
    let channel = session.data_channel();
    let opened = channel.send(Operation::Close, request).response().await;
    let handle = match opened.map_err(|e| session.error(e, path))? {
        Response::Handle(handle) => handle,
        other => return Err(session.error(unexpected(Operation::Close, &other), path)),
    };
    let asked = channel.send(Operation::Close, Request::Extended { name: FSYNC, strings: &[&handle] });
    drop(channel.send(Operation::Close, Request::Close { handle: &handle }));
    let reply: Reply = asked.status().await.map_err(|e| session.error(e, path))?;
    session.log_as(FSYNC.into(), Some(path), reply.clone(), started);
    match reply.code {
        reply::SFTP_OK => Ok(()),
        reply::SFTP_OP_UNSUPPORTED => Err(unsupported()),
        _ => Err(session.error(Error::sftp(Operation::Close, reply), path)),
    }
}

/// Asks for the volumes of directories, by a command.
pub async fn volumes(session: &Arc<Session>, dirs: &[RemotePath]) -> Result<()> {
    let Some(first) = dirs.first() else { return Ok(()) };
    if exec::sync_volumes(session, dirs).await? {
        return Ok(());
    }
    let error = session.error(Error::new(ErrorKind::Unsupported, Operation::Close), first);
    Err(error.with_detail("the server's own tools did not do it"))
}
