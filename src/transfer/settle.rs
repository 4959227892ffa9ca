//! Sees to it that what a move has copied is on the target's disk before its source goes. Removes
//! nothing itself.

use super::{
    context::{Transfer, cancelled},
    walk::Watcher,
};
use crate::fs::{Error, ErrorKind, RemotePath, Result};

/// So many files are written out one by one: to write out a whole volume for them, with all that
/// others have written there, would take longer.
const FEW: usize = 32;

impl Transfer {
    /// Waits until all that this job has copied is on the disk, where the target can say so. What
    /// it says it could not write is a failed item.
    ///
    /// # Errors
    /// What ends the session, and a cancellation.
    pub async fn settle(&self) -> Result<()> {
        let files = self.journal.targets(self.from.id());
        let dirs: Vec<RemotePath> = self.journal.target_dirs(self.from.id()).into_iter().collect();
        if files.len() > FEW || (files.is_empty() && !dirs.is_empty()) {
            let synced = self.cancel.run_until_cancelled(self.to.sync_volumes(&dirs)).await;
            match synced.ok_or_else(cancelled)? {
                Ok(()) => return Ok(()),
                Err(error) if cannot_say(&error) => {}
                Err(error) if error.kind().ends_session() => return Err(error),
                Err(error) => {
                    self.failed(error);
                    return Ok(());
                }
            }
        }
        let mut files = files.into_iter();
        let Some(first) = files.next() else { return Ok(()) };
        let sync = |this: Transfer, path: RemotePath| async move {
            match this.to.sync_file(&path).await {
                Err(error) if cannot_say(&error) || is_closed(&error) => Ok(()),
                synced => synced,
            }
        };
        let synced = self.cancel.run_until_cancelled(self.to.sync_file(&first)).await;
        if synced.ok_or_else(cancelled)?.is_err_and(|error| cannot_say(&error)) {
            return Ok(());
        }
        // The first one again: what it may have failed for is told there, and it costs nothing.
        self.each(std::iter::once(first).chain(files), sync).await
    }
}

fn cannot_say(error: &Error) -> bool {
    error.kind() == ErrorKind::Unsupported
}

/// A file that its owner may not read cannot be opened to be asked about.
fn is_closed(error: &Error) -> bool {
    error.kind() == ErrorKind::PermissionDenied
}
