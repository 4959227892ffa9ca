//! Removes trees, and what a move has copied. Follows no links; directories go only once they are
//! empty. Knows no protocol.

use std::collections::BTreeMap;

use super::{
    context::{Transfer, cancelled},
    counters::add,
    plan::Source,
    walk::{self, Watcher},
};
use crate::fs::{
    Attributes, Entry, Error, ErrorKind, Kind, Operation, Precision, RemotePath, Result, Timestamp,
};

/// What is to be removed: exactly this, and directories only once they are empty.
#[derive(Default)]
pub struct Removal {
    files: Vec<Folder>,
    /// By depth.
    dirs: BTreeMap<usize, Vec<RemotePath>>,
}

/// Files of one directory. There may be millions in all: their names are kept in one piece.
struct Folder {
    path: RemotePath,
    names: Vec<u8>,
    /// Where each name ends, and what a listing said, where the file must still be that.
    items: Vec<(usize, Option<Listed>)>,
}

/// Size and time of a file as a listing had them.
#[derive(Clone, Copy)]
pub(super) struct Listed {
    pub(super) size: Option<u64>,
    pub(super) mtime: Option<Timestamp>,
    pub(super) precision: Precision,
}

impl From<&Entry> for Listed {
    fn from(entry: &Entry) -> Self {
        let Attributes { size, mtime, .. } = entry.attributes;
        Listed { size, mtime, precision: entry.mtime_precision }
    }
}

/// Whether a file is still what a listing showed, as exactly as that was. What one of them does
/// not say tells nothing.
pub(super) fn is_unchanged(listed: &Listed, now: &Entry) -> bool {
    let exact = listed.precision.max(now.mtime_precision).span().as_secs() as i64;
    let size_differs = now.attributes.size.zip(listed.size).is_some_and(|(now, then)| now != then);
    let time_differs = now.attributes.mtime.zip(listed.mtime).is_some_and(|(now, then)| {
        if exact > 0 { (now.seconds - then.seconds).abs() >= exact } else { now != then }
    });
    !size_differs && !time_differs
}

impl Folder {
    fn into_files(self) -> impl Iterator<Item = (RemotePath, Option<Listed>)> {
        let Folder { path, names, items } = self;
        let mut start = 0;
        items.into_iter().filter_map(move |(end, listed)| {
            let name = names.get(start..end)?;
            start = end;
            Some((path.join(name), listed))
        })
    }
}

impl Removal {
    /// What a sync has planned to remove.
    pub fn of(steps: Vec<(RemotePath, Kind)>) -> Removal {
        let mut removal = Removal::default();
        for (path, kind) in steps {
            removal.add(path, kind, None);
        }
        removal
    }

    /// Adds what a move is about to copy: each file goes only if it is still what was listed.
    pub(super) fn add_found(&mut self, sources: &[Source]) {
        for Source { path, entry, .. } in sources {
            self.add(path.clone(), entry.kind, Some(entry.into()));
        }
    }

    fn add(&mut self, path: RemotePath, kind: Kind, listed: Option<Listed>) {
        let (parent, name) = match (kind, path.parent(), path.name()) {
            (Kind::File | Kind::Symlink | Kind::Other, Some(parent), Some(name)) => (parent, name),
            _ => return self.dirs.entry(path.components().count()).or_default().push(path),
        };
        if self.files.last().is_none_or(|folder| folder.path != parent) {
            self.files.push(Folder { path: parent, names: Vec::new(), items: Vec::new() });
        }
        if let Some(folder) = self.files.last_mut() {
            folder.names.extend_from_slice(name);
            folder.items.push((folder.names.len(), listed));
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
                removal.add(found.path, found.entry.kind, None);
            }
        }
        removal.add(root.clone(), entry.kind, None);
    }
    exactly(transfer, removal).await
}

/// Removes what was found and nothing that came since: a directory that is not empty stays.
pub async fn exactly(transfer: &Transfer, removal: Removal) -> Result<()> {
    transfer
        .each(removal.files.into_iter().flat_map(Folder::into_files), |this, (path, listed)| async move {
            this.counters.start(&path);
            if let Some(listed) = listed
                && !is_unchanged(&listed, &this.from.lstat(&path).await?)
            {
                return Err(Error::new(ErrorKind::Mismatch, Operation::RemoveFile)
                    .at(&path)
                    .on(this.from.id().as_str())
                    .with_detail("it has changed since it was copied, so it stays"));
            }
            this.from.remove_file(&path).await?;
            this.counters.made();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_in_minutes_is_compared_in_minutes() {
        let entry = |seconds, precision| {
            let mut entry = Entry::new(&b"x"[..], Kind::File);
            entry.attributes.size = Some(1);
            entry.attributes.mtime = Some(Timestamp::from_seconds(seconds));
            entry.mtime_precision = precision;
            entry
        };
        let listed = |entry: Entry| Listed::from(&entry);
        let minute = listed(entry(600, Precision::Minute));
        assert!(is_unchanged(&minute, &entry(633, Precision::Second)));
        assert!(!is_unchanged(&minute, &entry(660, Precision::Second)));
        let exact = listed(entry(600, Precision::Second));
        assert!(is_unchanged(&exact, &entry(600, Precision::Second)));
        assert!(!is_unchanged(&exact, &entry(601, Precision::Second)));
    }
}
