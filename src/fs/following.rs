//! A file system as it looks where every symlink is followed: what a link leads to stands in its
//! place. Links that lead nowhere, or back to where they are, are failures of their own in a listing.
//! Must never know a protocol.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use futures::{StreamExt, stream};

use super::{
    Algorithm, Attributes, ByteStream, Capabilities, Checksum, Entry, EntryStream, Error, ErrorKind,
    FileSystem, FsId, Kind, Operation, OutputStream, OwnerNames, Pace, Principal, ReadOptions, RemotePath,
    Result, Sink, Space, WriteOptions, Written,
};

/// Links that are looked up at the same time.
const LOOKS: usize = 32;

/// Links to directories within each other. A server that does not say where a directory really is
/// would else lead in circles: each of these costs a listing, and two in one directory cost twice as many.
const NESTED: usize = 16;

/// Another file system with its symlinks followed.
pub struct Following {
    inner: Arc<dyn FileSystem>,
    ways: Arc<Mutex<Ways>>,
}

/// Where directories really are: those that were listed first, and those behind links.
#[derive(Default)]
struct Ways(HashMap<RemotePath, Way>);

#[derive(Clone)]
struct Way {
    real: RemotePath,
    /// The links that lead to it, one within the other.
    nested: usize,
}

impl Ways {
    /// The nearest directory at or above `path` of which that is known, and the real path.
    fn of(&self, path: &RemotePath) -> Option<(RemotePath, Way)> {
        let mut at = path.clone();
        loop {
            if let Some(way) = self.0.get(&at) {
                let rest = path.strip_prefix(&at).unwrap_or_default();
                let real = RemotePath::new(rest).components().fold(way.real.clone(), |p, name| p.join(name));
                return Some((at, Way { real, nested: way.nested }));
            }
            at = at.parent()?;
        }
    }

    /// Whether a directory that is really `real` is one of those that `dir` lies in, or itself.
    fn leads_back(&self, dir: &RemotePath, real: &RemotePath) -> bool {
        let mut at = dir.clone();
        loop {
            match self.of(&at) {
                Some((_, way)) if way.real == *real => return true,
                Some(_) => {}
                None => return false,
            }
            match at.parent() {
                Some(above) => at = above,
                None => return false,
            }
        }
    }
}

fn lock(ways: &Mutex<Ways>) -> MutexGuard<'_, Ways> {
    ways.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Following {
    pub fn new(inner: Arc<dyn FileSystem>) -> Following {
        Following { inner, ways: Arc::default() }
    }
}

/// What stands behind the link `name` in `dir`.
async fn follow(inner: &dyn FileSystem, ways: &Mutex<Ways>, dir: &RemotePath, name: &[u8]) -> Result<Entry> {
    let path = dir.join(name);
    let mut entry = inner.stat(&path).await.map_err(|error| match error.kind() {
        ErrorKind::NotFound => error.about(&path).with_detail("the link leads nowhere"),
        _ => error.about(&path),
    })?;
    entry.name = name.into();
    if entry.kind == Kind::Dir {
        let real = inner.canonicalize(&path).await.unwrap_or_else(|_| path.clone());
        let mut ways = lock(ways);
        let nested = ways.of(dir).map_or(0, |(_, way)| way.nested) + 1;
        if ways.leads_back(dir, &real) {
            return Err(Error::new(ErrorKind::LinkRefused, Operation::List)
                .at(&path)
                .on(inner.id().as_str())
                .with_detail("the link leads back to a folder that it is in"));
        }
        if nested > NESTED {
            return Err(Error::new(ErrorKind::LinkRefused, Operation::List)
                .at(&path)
                .on(inner.id().as_str())
                .with_detail(format!("more than {NESTED} links to folders lead here, one in the other")));
        }
        ways.0.insert(path, Way { real, nested });
    }
    Ok(entry)
}

#[async_trait]
impl FileSystem for Following {
    fn id(&self) -> &FsId {
        self.inner.id()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn list(&self, path: &RemotePath) -> Result<EntryStream> {
        let known = lock(&self.ways).of(path).is_some();
        if !known {
            let real = self.inner.canonicalize(path).await.unwrap_or_else(|_| path.clone());
            lock(&self.ways).0.insert(path.clone(), Way { real, nested: 0 });
        }
        let batches = self.inner.list(path).await?;
        let (inner, ways, dir) = (self.inner.clone(), self.ways.clone(), path.clone());
        let followed = batches.then(move |batch| {
            let (inner, ways, dir) = (inner.clone(), ways.clone(), dir.clone());
            async move {
                let (links, mut entries): (Vec<Entry>, Vec<Entry>) = match batch {
                    Ok(entries) => entries.into_iter().partition(|entry| entry.kind == Kind::Symlink),
                    Err(error) => return vec![Err(error)],
                };
                let mut failures = Vec::new();
                let mut looks = stream::iter(links)
                    .map(|link| {
                        let (inner, ways, dir) = (&inner, &ways, &dir);
                        async move { follow(&**inner, ways, dir, &link.name).await }
                    })
                    .buffer_unordered(LOOKS);
                while let Some(found) = looks.next().await {
                    match found {
                        Ok(entry) => entries.push(entry),
                        Err(error) => failures.push(Err(error)),
                    }
                }
                drop(looks);
                failures.insert(0, Ok(entries));
                failures
            }
        });
        Ok(followed.flat_map(stream::iter).fuse().boxed())
    }

    async fn stat(&self, path: &RemotePath) -> Result<Entry> {
        self.inner.stat(path).await
    }

    async fn lstat(&self, path: &RemotePath) -> Result<Entry> {
        self.inner.stat(path).await
    }

    async fn read(&self, path: &RemotePath, options: ReadOptions) -> Result<ByteStream> {
        self.inner.read(path, options).await
    }

    async fn write(&self, path: &RemotePath, options: WriteOptions) -> Result<Box<dyn Sink>> {
        self.inner.write(path, options).await
    }

    async fn create_dir(&self, path: &RemotePath, mode: Option<u32>) -> Result<()> {
        self.inner.create_dir(path, mode).await
    }

    async fn remove_file(&self, path: &RemotePath) -> Result<()> {
        self.inner.remove_file(path).await
    }

    async fn remove_dir(&self, path: &RemotePath) -> Result<()> {
        self.inner.remove_dir(path).await
    }

    async fn rename(&self, from: &RemotePath, to: &RemotePath, replace: bool) -> Result<()> {
        self.inner.rename(from, to, replace).await
    }

    async fn set_attributes(&self, path: &RemotePath, attributes: &Attributes) -> Result<()> {
        self.inner.set_attributes(path, attributes).await
    }

    async fn symlink(&self, path: &RemotePath, target: &[u8]) -> Result<()> {
        self.inner.symlink(path, target).await
    }

    async fn read_link(&self, path: &RemotePath) -> Result<Vec<u8>> {
        self.inner.read_link(path).await
    }

    async fn hard_link(&self, path: &RemotePath, to: &RemotePath) -> Result<()> {
        self.inner.hard_link(path, to).await
    }

    async fn copy_within(
        &self,
        from: &RemotePath,
        to: &RemotePath,
        options: WriteOptions,
        pace: &dyn Pace,
    ) -> Result<Written> {
        self.inner.copy_within(from, to, options, pace).await
    }

    async fn checksum(&self, path: &RemotePath, algorithm: Algorithm) -> Result<Checksum> {
        self.inner.checksum(path, algorithm).await
    }

    fn preferred_checksum(&self) -> Algorithm {
        self.inner.preferred_checksum()
    }

    async fn execute(&self, dir: &RemotePath, command: &[u8]) -> Result<OutputStream> {
        self.inner.execute(dir, command).await
    }

    async fn owner_id(&self, principal: Principal, name: &str) -> Result<u32> {
        self.inner.owner_id(principal, name).await
    }

    async fn owner_names(&self, uid: Option<u32>, gid: Option<u32>) -> OwnerNames {
        self.inner.owner_names(uid, gid).await
    }

    async fn canonicalize(&self, path: &RemotePath) -> Result<RemotePath> {
        self.inner.canonicalize(path).await
    }

    async fn space(&self, path: &RemotePath) -> Result<Space> {
        self.inner.space(path).await
    }

    fn silence(&self) -> Option<Duration> {
        self.inner.silence()
    }

    fn doubt(&self, path: &RemotePath) {
        self.inner.doubt(path);
    }

    fn is_lost(&self) -> bool {
        self.inner.is_lost()
    }

    async fn lost(&self) -> Error {
        self.inner.lost().await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::memory::Memory;

    async fn listed(fs: &Following, path: &str) -> (Vec<(String, Kind)>, Vec<Error>) {
        let (mut entries, mut failures) = (Vec::new(), Vec::new());
        let mut batches = fs.list(&RemotePath::new(path)).await.unwrap();
        while let Some(batch) = batches.next().await {
            match batch {
                Ok(batch) => entries
                    .extend(batch.iter().map(|e| (String::from_utf8_lossy(&e.name).into_owned(), e.kind))),
                Err(error) => failures.push(error),
            }
        }
        entries.sort();
        (entries, failures)
    }

    #[tokio::test]
    async fn what_links_lead_to_stands_in_their_place() {
        let memory = Memory::new("followed");
        memory.plant(&RemotePath::new("/else/file"), b"content").unwrap();
        memory.plant_dir(&RemotePath::new("/top/dir")).unwrap();
        for (link, target) in [
            ("/top/file", "../else/file"),
            ("/top/away", "/else"),
            ("/top/nowhere", "missing"),
            ("/top/dir/up", ".."),
            ("/else/over", "/top/dir"),
        ] {
            memory.symlink(&RemotePath::new(link), target.as_bytes()).await.unwrap();
        }
        let following = Following::new(Arc::new(memory));
        let (entries, failures) = listed(&following, "/top").await;
        let of = |name: &str, kind| (name.to_owned(), kind);
        assert_eq!(entries, [of("away", Kind::Dir), of("dir", Kind::Dir), of("file", Kind::File)]);
        assert_eq!(failures.len(), 1);
        assert_eq!(failures[0].path(), Some(&RemotePath::new("/top/nowhere")));
        // Back to where it came from, by one link and by two.
        let (entries, failures) = listed(&following, "/top/dir").await;
        assert!(entries.is_empty() && failures[0].kind() == ErrorKind::LinkRefused, "{failures:?}");
        let (entries, failures) = listed(&following, "/top/away").await;
        assert_eq!((entries.len(), failures.len()), (2, 0));
        let (entries, failures) = listed(&following, "/top/away/over").await;
        assert!(entries.is_empty(), "{entries:?}");
        assert_eq!(failures[0].path(), Some(&RemotePath::new("/top/away/over/up")));
    }
}
