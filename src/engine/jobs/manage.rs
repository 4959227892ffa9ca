//! The jobs that change one thing, or attributes: new folders, files and links, renames,
//! permissions and owners, commands. Knows no protocol.

use std::sync::Arc;

use futures::StreamExt;

use super::{super::What, Job, by_file_system};
use crate::{
    fs::{
        Error, ErrorKind, FileSystem, Kind, Location, Operation, Output, Principal, RemotePath, Result,
        WriteOptions,
    },
    transfer::{
        Change, Outcome, Owner, Totals,
        change::{self, Resolved},
        context::Reporter,
        counters::Counters,
    },
};

impl Job {
    pub(super) async fn create_dir(&self, location: &Location, parents: bool) -> Result<Outcome> {
        let fs = self.fs(&location.fs).await?;
        let mut created = 0;
        if parents {
            // From the first directory that is missing downwards.
            let mut missing = vec![location.path.clone()];
            while let Some(parent) = missing.last().and_then(RemotePath::parent) {
                match fs.stat(&parent).await {
                    Ok(entry) if entry.kind == Kind::Dir => break,
                    Ok(_) => {
                        let error = Error::new(ErrorKind::NotADirectory, Operation::CreateDir);
                        return Err(error.at(&parent).on(location.fs.as_str()));
                    }
                    Err(error) if error.kind() == ErrorKind::NotFound => missing.push(parent),
                    Err(error) => return Err(error),
                }
            }
            for path in missing.iter().rev() {
                match fs.create_dir(path, None).await {
                    Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                        if fs.stat(path).await?.kind != Kind::Dir {
                            return Err(error);
                        }
                    }
                    other => {
                        other?;
                        created += 1;
                    }
                }
            }
        } else {
            fs.create_dir(&location.path, None).await?;
            created = 1;
        }
        Ok(Outcome { done: Totals { dirs: created, ..Totals::default() }, ..Outcome::default() })
    }

    pub(super) async fn symlink(&self, location: &Location, target: &[u8]) -> Result<Outcome> {
        self.fs(&location.fs).await?.symlink(&location.path, target).await?;
        Ok(Outcome { done: Totals { links: 1, ..Totals::default() }, ..Outcome::default() })
    }

    pub(super) async fn rename(&self, from: &Location, to: &RemotePath) -> Result<Outcome> {
        self.fs(&from.fs).await?.rename(&from.path, to, false).await?;
        Ok(Outcome { done: Totals { files: 1, ..Totals::default() }, ..Outcome::default() })
    }

    /// A new, empty file; never in the place of anything.
    pub(super) async fn create_file(&self, location: &Location) -> Result<Outcome> {
        let fs = self.fs(&location.fs).await?;
        let options = WriteOptions { exclusive: true, expected_size: Some(0), ..WriteOptions::default() };
        fs.write(&location.path, options).await?.finish().await?;
        Ok(Outcome { done: Totals { files: 1, ..Totals::default() }, ..Outcome::default() })
    }

    pub(super) async fn hard_link(&self, location: &Location, to: &RemotePath) -> Result<Outcome> {
        self.fs(&location.fs).await?.hard_link(&location.path, to).await?;
        Ok(Outcome { done: Totals { links: 1, ..Totals::default() }, ..Outcome::default() })
    }

    pub(super) async fn execute(&self, location: &Location, command: &[u8]) -> Result<Outcome> {
        let mut output = self.fs(&location.fs).await?.execute(&location.path, command).await?;
        let mut outcome = Outcome::default();
        while let Some(output) = output.next().await {
            let output = output?;
            if matches!(output, Output::Exited(1..) | Output::Killed(_)) {
                outcome.failed = 1;
            }
            self.shared.emit(self.job, What::Output(output)).await;
        }
        Ok(outcome)
    }

    pub(super) async fn set_attributes(
        &self,
        items: &[Location],
        change: &Change,
        recursive: bool,
    ) -> Result<Outcome> {
        let (reporter, telling) = self.reporter();
        tokio::join!(self.set_all(items, change, recursive, reporter), telling).0
    }

    async fn set_all(
        &self,
        items: &[Location],
        change: &Change,
        recursive: bool,
        reporter: Arc<dyn Reporter>,
    ) -> Result<Outcome> {
        let counters = Arc::new(Counters::default());
        for (id, paths) in by_file_system(items) {
            let resolved = async {
                let fs = self.fs(&id).await?;
                let resolved = resolve(&*fs, change).await?;
                Ok((fs, resolved))
            };
            let (fs, resolved) = self.cancellable(Box::pin(resolved)).await?;
            change::trees(&self.on(fs, &counters, &reporter), &paths, &resolved, recursive).await?;
        }
        Ok(Outcome { done: counters.done(), failed: counters.failures(), ..Outcome::default() })
    }
}

/// The change with numbers for owners.
async fn resolve(fs: &dyn FileSystem, change: &Change) -> Result<Resolved> {
    let number = async |principal, owner: &Option<Owner>| match owner {
        None => Ok(None),
        Some(Owner::Id(id)) => Ok(Some(*id)),
        Some(Owner::Name(name)) => match fs.owner_id(principal, name).await {
            Ok(id) => Ok(Some(id)),
            // A name may consist of digits; a number need not have a name.
            Err(error) => name.parse().map(Some).map_err(|_| error),
        },
    };
    Ok(Resolved {
        mode: change.mode.clone(),
        uid: number(Principal::User, &change.owner).await?,
        gid: number(Principal::Group, &change.group).await?,
        mtime: change.mtime,
        atime: change.atime,
    })
}
