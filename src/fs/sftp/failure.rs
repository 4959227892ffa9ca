//! What a bare FAILURE of version 3 means: found out by looking at what stands at the path.
//! Decides nothing.

use super::Sftp;
use crate::{
    fs::{Error, ErrorKind, FileSystem, Kind, RemotePath, path::NAME_MAX},
    reply,
};

/// What a failed operation needed at its path.
#[derive(Clone, Copy)]
pub enum Wanted {
    Nothing,
    File,
    EmptyDir,
}

impl Sftp {
    /// Version 3 says FAILURE for much that has a name: finds out which by looking.
    pub(super) async fn name_failure(&self, error: Error, path: &RemotePath, wanted: Wanted) -> Error {
        if path.name().is_some_and(|name| name.len() > NAME_MAX)
            && error.reply().is_some_and(|reply| reply.code == reply::SFTP_BAD_MESSAGE)
        {
            return error.with_kind(ErrorKind::InvalidName);
        }
        if error.kind() != ErrorKind::Failure {
            return error;
        }
        let found = self.lstat(path).await;
        let kind = match (wanted, found.as_ref().map(|entry| entry.kind)) {
            (Wanted::Nothing, Ok(_)) => ErrorKind::AlreadyExists,
            (Wanted::File, Ok(Kind::Dir)) => ErrorKind::IsADirectory,
            (Wanted::EmptyDir, Ok(Kind::Dir)) if self.holds_something(path).await => ErrorKind::NotEmpty,
            (Wanted::EmptyDir, Ok(kind)) if kind != Kind::Dir => ErrorKind::NotADirectory,
            _ => return error,
        };
        error.with_kind(kind)
    }

    async fn holds_something(&self, path: &RemotePath) -> bool {
        use futures::StreamExt;
        match self.list(path).await {
            Ok(mut batches) => matches!(batches.next().await, Some(Ok(batch)) if !batch.is_empty()),
            Err(_) => false,
        }
    }
}
