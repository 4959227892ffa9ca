//! Changes the attributes of files and trees. Links below a tree are never followed; directories
//! are changed after what they hold, as they may be closed to us by it. Knows no protocol.

use std::collections::BTreeMap;

use super::{
    context::{Transfer, cancelled},
    counters::add,
    walk::{self, Watcher},
};
use crate::fs::{
    Attributes, Entry, Error, ErrorKind, Kind, Operation, RemotePath, Result, Timestamp, mode::ModeChange,
};

/// What is to be set, with the numbers of owners as the file system has them.
#[derive(Clone, Debug, Default)]
pub struct Resolved {
    pub mode: Option<ModeChange>,
    pub uid: Option<u32>,
    pub gid: Option<u32>,
    pub mtime: Option<Timestamp>,
    pub atime: Option<Timestamp>,
}

impl Resolved {
    /// The attributes to be set on `entry`. The error: its permissions depend on what they are,
    /// and those are not known.
    fn attributes(&self, entry: &Entry) -> std::result::Result<Attributes, &'static str> {
        let mode = match (&self.mode, entry.attributes.mode) {
            (None, _) => None,
            (Some(change), None) if change.needs_old() => {
                return Err("the server does not tell the permissions; give them in octal");
            }
            (Some(change), old) => Some(change.apply(old.unwrap_or_default(), entry.kind == Kind::Dir)),
        };
        Ok(Attributes {
            mode,
            uid: self.uid,
            gid: self.gid,
            mtime: self.mtime,
            atime: self.atime,
            size: None,
        })
    }
}

/// Changes `roots`, each followed if it is a link, and with `recursive` all that is below those
/// that are directories. Failures are reported.
pub async fn trees(
    transfer: &Transfer,
    roots: &[RemotePath],
    change: &Resolved,
    recursive: bool,
) -> Result<()> {
    let fs = &transfer.from;
    let mut files = Vec::new();
    let mut dirs: BTreeMap<usize, Vec<(RemotePath, Entry)>> = BTreeMap::new();
    for root in roots {
        let found = async {
            let entry = fs.lstat(root).await?;
            // What a link leads to is changed, but not what is below that.
            if entry.kind == Kind::Symlink { Ok((fs.stat(root).await?, false)) } else { Ok((entry, true)) }
        };
        let found = transfer.cancel.run_until_cancelled(found).await.ok_or_else(cancelled)?;
        let (entry, below) = match found {
            Ok(found) => found,
            Err(error) => {
                let error: Error = error;
                if error.kind().ends_session() {
                    return Err(error);
                }
                transfer.failed(error.during(Operation::SetAttributes));
                continue;
            }
        };
        if entry.kind == Kind::Dir && recursive && below {
            let walk = walk::tree(fs, root, transfer);
            let found = transfer.cancel.run_until_cancelled(walk).await.ok_or_else(cancelled)??;
            for found in found {
                match found.entry.kind {
                    Kind::Dir => dirs
                        .entry(found.path.components().count())
                        .or_default()
                        .push((found.path, found.entry)),
                    _ => files.push((found.path, found.entry)),
                }
            }
            dirs.entry(root.components().count()).or_default().push((root.clone(), entry));
        } else {
            files.push((root.clone(), Entry { kind: followed(entry.kind), ..entry }));
        }
    }
    let set = |this: Transfer, (path, entry): (RemotePath, Entry)| async move {
        this.counters.start(&path);
        set(&this, &path, &entry, change).await
    };
    transfer.each(files, set).await?;
    for level in dirs.into_values().rev() {
        transfer.each(level, set).await?;
    }
    Ok(())
}

/// A link that was given by name has been followed already.
fn followed(kind: Kind) -> Kind {
    if kind == Kind::Symlink { Kind::Other } else { kind }
}

async fn set(transfer: &Transfer, path: &RemotePath, entry: &Entry, change: &Resolved) -> Result<()> {
    let fs = &transfer.from;
    let refuse = |why: &'static str| {
        Error::new(ErrorKind::Unsupported, Operation::SetAttributes)
            .at(path)
            .on(fs.id().as_str())
            .with_detail(why)
    };
    let mut attributes = change.attributes(entry).map_err(refuse)?;
    if entry.kind != Kind::Symlink {
        fs.set_attributes(path, &attributes).await?;
    } else {
        // A link's own permissions mean nothing.
        attributes.mode = None;
        if attributes == Attributes::default() {
            return Ok(());
        }
        match fs.set_link_attributes(path, &attributes).await {
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                transfer.reporter.warning(error.with_detail("links were left as they are"));
                return Ok(());
            }
            other => other?,
        }
    }
    match entry.kind {
        Kind::Dir => add(&transfer.counters.dirs, 1),
        Kind::Symlink => add(&transfer.counters.links, 1),
        _ => transfer.counters.made(),
    }
    Ok(())
}
