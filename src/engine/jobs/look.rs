//! The jobs that only look: reaching a place, listing, checksums. They leave nothing half
//! done: dropping them is enough.

use futures::StreamExt;

use super::{super::What, Job, lock};
use crate::{
    fs::{Algorithm, Checksum, Error, ErrorKind, FileSystem, Kind, Location, Operation, Place, Result},
    transfer::{Outcome, verify},
};

impl Job {
    pub(super) async fn open(&self, place: &Place) -> Result<Outcome> {
        let (location, info) = self.shared.sessions.open(&self.shared, self.job, place).await?;
        self.shared.emit(self.job, What::Connected { location, info }).await;
        Ok(Outcome::default())
    }

    pub(super) async fn test(&self, place: &Place) -> Result<Outcome> {
        let (fs, location, info) = self.shared.sessions.open_anew(&self.shared, self.job, place).await?;
        self.shared.emit(self.job, What::Connected { location: location.clone(), info }).await;
        let listed = self.list_on(&*fs, &location).await;
        if !location.fs.is_local() {
            fs.close().await;
        }
        listed
    }

    pub(super) async fn hosts(&self) -> Result<Outcome> {
        let hosts = self.shared.sessions.hosts().await?;
        self.shared.emit(self.job, What::Hosts(hosts)).await;
        Ok(Outcome::default())
    }

    pub(super) async fn list(&self, location: &Location) -> Result<Outcome> {
        let fs = self.fs(&location.fs).await?;
        self.list_on(&*fs, location).await
    }

    async fn list_on(&self, fs: &dyn FileSystem, location: &Location) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        let listing = async {
            let mut batches = fs.list(&location.path).await?;
            while let Some(batch) = batches.next().await {
                match batch {
                    Ok(entries) => self.shared.emit(self.job, What::Entries(entries)).await,
                    Err(error) if error.kind() == ErrorKind::InvalidName => {
                        outcome.failed += 1;
                        self.shared.emit(self.job, What::ItemFailed(error)).await;
                    }
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        };
        let space = async {
            // A server that does not tell its space is no reason for a word.
            if let Ok(space) = fs.space(&location.path).await {
                self.shared.emit(self.job, What::Space(space)).await;
            }
        };
        let (listed, ()) = tokio::join!(listing, space);
        listed.map(|()| outcome)
    }

    pub(super) async fn stat(&self, location: &Location) -> Result<Outcome> {
        let fs = self.fs(&location.fs).await?;
        let mut entry = fs.lstat(&location.path).await?;
        if entry.kind == Kind::Symlink {
            entry.target = fs.read_link(&location.path).await.ok().map(Into::into);
            entry.target_kind = fs.stat(&location.path).await.ok().map(|found| found.kind);
        }
        if entry.owner.is_none() && entry.group.is_none() {
            let names = fs.owner_names(entry.attributes.uid, entry.attributes.gid).await;
            (entry.owner, entry.group) = (names.owner, names.group);
        }
        self.shared.emit(self.job, What::Entries(vec![entry])).await;
        Ok(Outcome::default())
    }

    pub(super) async fn terminal(
        &self,
        location: &Location,
        size: (u16, u16),
        term: &str,
    ) -> Result<Outcome> {
        let terminal = self.fs(&location.fs).await?.terminal(&location.path, size, term).await?;
        lock(&self.shared.terminals).insert(self.job, terminal);
        Ok(Outcome::default())
    }

    pub(super) async fn space(&self, location: &Location) -> Result<Outcome> {
        let space = self.fs(&location.fs).await?.space(&location.path).await?;
        self.shared.emit(self.job, What::Space(space)).await;
        Ok(Outcome::default())
    }

    pub(super) async fn canonicalize(&self, location: &Location) -> Result<Outcome> {
        let path = self.fs(&location.fs).await?.canonicalize(&location.path).await?;
        self.shared.emit(self.job, What::Resolved(Location::new(location.fs.clone(), path))).await;
        Ok(Outcome::default())
    }

    /// The checksum, computed where the file is if that can be, else here from its bytes.
    pub(super) async fn checksum(&self, location: &Location, algorithm: Algorithm) -> Result<Outcome> {
        let fs = self.fs(&location.fs).await?;
        let there = if fs.capabilities().checksums {
            fs.checksum(&location.path, algorithm).await
        } else {
            Err(Error::new(ErrorKind::Unsupported, Operation::Checksum))
        };
        let sum = match there {
            Err(error) if error.kind() == ErrorKind::Unsupported => sum_up(&*fs, location, algorithm).await?,
            other => other?,
        };
        self.shared.emit(self.job, What::Checksum(sum)).await;
        Ok(Outcome::default())
    }
}

/// Reads the file and sums it up.
async fn sum_up(fs: &dyn FileSystem, location: &Location, algorithm: Algorithm) -> Result<Checksum> {
    let entry = fs.stat(&location.path).await.map_err(|error| error.during(Operation::Checksum))?;
    if entry.kind == Kind::Dir {
        let error = Error::new(ErrorKind::IsADirectory, Operation::Checksum).at(&location.path);
        return Err(error.on(location.fs.as_str()));
    }
    verify::read_and_sum(fs, &location.path, algorithm, entry.attributes.size).await
}
