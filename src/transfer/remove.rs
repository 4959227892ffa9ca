//! Removes trees, and what a move has copied. Follows no links; directories go only once they are
//! empty. Knows no protocol.

use std::collections::BTreeMap;

use super::{
    run::{Prepared, Transfer, add, cancelled},
    walk::{self, Watcher},
};
use crate::fs::{Attributes, Entry, Error, ErrorKind, Kind, Operation, RemotePath, Result};

/// What is to be removed: exactly this, and directories only once they are empty.
#[derive(Default)]
pub struct Removal {
    /// With what a listing said, where the file must still be that.
    files: Vec<(RemotePath, Option<Attributes>)>,
    /// By depth.
    dirs: BTreeMap<usize, Vec<RemotePath>>,
}

impl Removal {
    /// What a move has copied: each file goes only if it is still what was listed.
    pub fn of_copied(prepared: &Prepared) -> Removal {
        let mut removal = Removal::default();
        for (path, entry) in prepared.found() {
            removal.add(path.clone(), entry, true);
        }
        removal
    }

    fn add(&mut self, path: RemotePath, entry: &Entry, only_unchanged: bool) {
        match entry.kind {
            Kind::Dir => self.dirs.entry(path.components().count()).or_default().push(path),
            _ => self.files.push((path, only_unchanged.then(|| entry.attributes.clone()))),
        }
    }
}

/// Removes `roots` with all below them, following no links. Failures are reported.
pub async fn trees(transfer: &Transfer, roots: &[RemotePath]) -> Result<()> {
    let fs = &transfer.from;
    let mut removal = Removal::default();
    for root in roots {
        let entry = match fs.lstat(root).await {
            Ok(entry) => entry,
            Err(error) if error.kind().ends_session() => return Err(error),
            Err(error) => {
                transfer.failed(error);
                continue;
            }
        };
        transfer.found(&entry);
        if entry.kind == Kind::Dir {
            let walk = walk::tree(fs, root, transfer);
            let below = transfer.cancel.run_until_cancelled(walk).await.ok_or_else(cancelled)??;
            for found in below {
                removal.add(found.path, &found.entry, false);
            }
        }
        removal.add(root.clone(), &entry, false);
    }
    exactly(transfer, removal).await
}

/// Removes what was found and nothing that came since: a directory that is not empty stays.
pub async fn exactly(transfer: &Transfer, removal: Removal) -> Result<()> {
    transfer
        .each(removal.files, |this, (path, listed)| async move {
            this.counters.start(&path);
            if let Some(listed) = listed {
                let now = this.from.lstat(&path).await?.attributes;
                // What was not told has not changed for all that is known.
                let size_differs = now.size.zip(listed.size).is_some_and(|(now, then)| now != then);
                let time_differs = now.mtime.zip(listed.mtime).is_some_and(|(now, then)| now != then);
                if size_differs || time_differs {
                    return Err(Error::new(ErrorKind::Mismatch, Operation::RemoveFile)
                        .at(&path)
                        .on(this.from.id().as_str())
                        .with_detail("it has changed since it was copied, so it stays"));
                }
            }
            this.from.remove_file(&path).await?;
            add(&this.counters.files, 1);
            Ok(())
        })
        .await?;
    for level in removal.dirs.into_values().rev() {
        transfer
            .each(level, |this, path| async move {
                this.from.remove_dir(&path).await?;
                add(&this.counters.dirs, 1);
                Ok(())
            })
            .await?;
    }
    Ok(())
}
