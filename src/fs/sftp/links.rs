//! Links on servers that follow them unasked: whether a path is one, and what it holds. Knows
//! no requests but those.

use std::sync::Arc;

use futures::TryStreamExt;

use super::{Session, Sftp, list, request::Request, response::Response};
use crate::fs::{Error, ErrorKind, FileSystem, Operation, RemotePath, Result};

/// Whether there is a link, where LSTAT may not say so. Where nothing is, there is none.
pub async fn is_link(session: &Session, path: &RemotePath) -> Result<bool> {
    let request = Request::ReadLink { path: path.as_bytes() };
    let answer = session.query_channel().send(Operation::Stat, request).response().await;
    let answer = answer.map_err(|e| session.error(e, path))?;
    Ok(matches!(answer, Response::Names(names) if !names.is_empty()))
}

/// Does what renaming must do of itself where there are links, and says whether that was all.
/// The server would rename what `from` leads to, and replace what `to` leads to.
pub async fn rename(fs: &Sftp, from: &RemotePath, to: &RemotePath, replace: bool) -> Result<bool> {
    let during = |error: Error| error.during(Operation::Rename);
    let session = &fs.session;
    let (is_source, is_target) = tokio::join!(is_link(session, from), is_link(session, to));
    if is_target.map_err(during)? {
        if !replace {
            return Err(session.error(Error::new(ErrorKind::AlreadyExists, Operation::Rename), to));
        }
        fs.remove_file(to).await.map_err(during)?;
    }
    if !is_source.map_err(during)? {
        return Ok(false);
    }
    // No step replaces: what stands there, unless it was a link, fails the first.
    let text = fs.read_link(from).await.map_err(during)?;
    fs.symlink(to, &text).await.map_err(during)?;
    fs.remove_file(from).await.map_err(during)?;
    Ok(true)
}

/// What the link at `path` holds, as the listing of its directory has it.
pub async fn listed_text(session: &Arc<Session>, path: &RemotePath) -> Option<Vec<u8>> {
    let (parent, name) = (path.parent()?, path.name()?);
    let mut batches = list::list(session.clone(), &parent).await.ok()?;
    while let Some(batch) = batches.try_next().await.ok()? {
        if let Some(entry) = batch.into_iter().find(|entry| &*entry.name == name) {
            return entry.target.map(Vec::from);
        }
    }
    None
}
