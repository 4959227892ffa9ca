//! What a refusal was about: 550 and 553 are all that many servers say. Finds out by looking, and
//! changes nothing.

use std::sync::Arc;

use futures::TryStreamExt;

use super::{attributes, list, session::Session};
use crate::fs::{Error, ErrorKind, Kind, RemotePath, path::NAME_MAX};

/// What a failed operation needed at its path.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    Nothing,
    File,
    /// A file that is there, or room for one.
    FileOrNothing,
    Dir,
    EmptyDir,
    Something,
}

/// The error with the kind that fits what is at `path`.
pub async fn named(session: &Arc<Session>, error: Error, path: &RemotePath, wanted: Wanted) -> Error {
    let vague = matches!(error.kind(), ErrorKind::Failure | ErrorKind::PermissionDenied);
    let Some(code) = error.reply().map(|reply| reply.code).filter(|_| vague) else { return error };
    if path.name().is_some_and(|name| name.len() > NAME_MAX) {
        return error.with_kind(ErrorKind::InvalidName);
    }
    session.known.doubt(path);
    let found = match attributes::lstat(session, path).await {
        Ok(entry) => Some(entry.kind),
        Err(e) if e.kind() == ErrorKind::NotFound => None,
        Err(_) => return error,
    };
    let kind = match (wanted, found) {
        (Wanted::Nothing, Some(_)) => ErrorKind::AlreadyExists,
        (Wanted::File | Wanted::FileOrNothing, Some(Kind::Dir)) => ErrorKind::IsADirectory,
        (Wanted::Dir | Wanted::EmptyDir, Some(kind)) if kind != Kind::Dir => ErrorKind::NotADirectory,
        (Wanted::EmptyDir, Some(_)) if holds_something(session, path).await => ErrorKind::NotEmpty,
        (Wanted::Nothing | Wanted::FileOrNothing, None) if lacks_parent(session, path).await => {
            ErrorKind::NotFound
        }
        // 553, "file name not allowed", of a name that others have: it is the place.
        (Wanted::FileOrNothing, _) if code == 553 => ErrorKind::PermissionDenied,
        (Wanted::Nothing | Wanted::FileOrNothing, None) | (_, Some(_)) => return error,
        (_, None) => ErrorKind::NotFound,
    };
    error.with_kind(kind)
}

async fn lacks_parent(session: &Arc<Session>, path: &RemotePath) -> bool {
    let Some(parent) = path.parent() else { return false };
    attributes::stat(session, &parent).await.is_err_and(|error| error.kind() == ErrorKind::NotFound)
}

async fn holds_something(session: &Arc<Session>, path: &RemotePath) -> bool {
    let Ok(batches) = list::list(session, path).await else { return false };
    batches.try_any(|batch| std::future::ready(!batch.is_empty())).await.unwrap_or(false)
}
