//! A directory of any file system as a file system of its own, from which nothing leads out, and
//! which may be read-only. Must never know a protocol or what is behind the file system it wraps.
//!
//! Every operation resolves its path on the file system behind it before it acts on the result,
//! and links that lead out are neither followed nor made. Between the two steps somebody who
//! can write to the directory by other means could still put a link in the way: against such a
//! person only the system's own means help.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;

use super::{
    Algorithm, Attributes, ByteStream, Capabilities, Checksum, Entry, EntryStream, Error, ErrorKind,
    FileSystem, FsId, Operation, OwnerNames, Pace, Principal, ReadOptions, RemotePath, Result, Sink, Space,
    WriteOptions, Written,
};

/// A jail over another file system.
pub struct Rooted {
    id: FsId,
    inner: Arc<dyn FileSystem>,
    root: RemotePath,
    read_only: bool,
}

impl Rooted {
    /// Makes `root`, which must be a directory, the `/` of a file system.
    pub async fn new(inner: Arc<dyn FileSystem>, root: &RemotePath) -> Result<Self> {
        let root = inner.canonicalize(root).await?;
        if !inner.stat(&root).await?.is_dir_like() {
            return Err(Error::new(ErrorKind::NotADirectory, Operation::Canonicalize).at(&root));
        }
        Ok(Rooted { id: FsId::new(format!("{}:{root}", inner.id())), inner, root, read_only: false })
    }

    /// The same, refusing whatever would change something.
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// The path on the file system behind, before links are resolved.
    fn inside(&self, path: &RemotePath) -> RemotePath {
        path.components().fold(self.root.clone(), |inner, name| inner.join(name))
    }

    /// Where operations that follow links act.
    async fn target(&self, operation: Operation, path: &RemotePath) -> Result<RemotePath> {
        let real = self.inner.canonicalize(&self.inside(path)).await;
        let real = real.map_err(|error| retold(error, Some(operation), path))?;
        if real.is_within(&self.root) { Ok(real) } else { Err(leads_out(operation, path)) }
    }

    /// Where operations that act on the name itself do so. The root has no name.
    async fn name(&self, operation: Operation, path: &RemotePath) -> Result<RemotePath> {
        let (Some(parent), Some(name)) = (path.parent(), path.name()) else {
            let kind = match operation {
                Operation::CreateDir | Operation::Symlink => ErrorKind::AlreadyExists,
                Operation::Open | Operation::RemoveFile => ErrorKind::IsADirectory,
                _ => ErrorKind::PermissionDenied,
            };
            return Err(Error::new(kind, operation).at(path));
        };
        Ok(self.target(operation, &parent).await.map_err(|e| retold(e, None, path))?.join(name))
    }

    fn writable(&self, operation: Operation, path: &RemotePath) -> Result<()> {
        if !self.read_only {
            return Ok(());
        }
        Err(Error::new(ErrorKind::PermissionDenied, operation).at(path).with_detail("read-only"))
    }

    /// What may be seen from inside: nothing of where a link that leads out ends.
    fn shown(&self, mut entry: Entry, path: &RemotePath, dir: Option<RemotePath>) -> Entry {
        entry.name = path.name().unwrap_or(b"/").into();
        censor(&mut entry, &self.root, dir.as_ref());
        entry
    }
}

/// Whether a link in `dir` that holds `target` stays within `root` all along its way.
fn leads_within(root: &RemotePath, dir: &RemotePath, target: &[u8]) -> bool {
    let Some(depth) = dir.strip_prefix(root) else { return false };
    let mut depth = RemotePath::new(depth).components().count();
    if target.starts_with(b"/") {
        // Climbing back above the root by `..` would be a way out too.
        let climbs = target.split(|b| *b == b'/').any(|part| part == b"..");
        return !climbs && RemotePath::new(target).is_within(root);
    }
    target.split(|b| *b == b'/').all(|part| {
        match part {
            b"" | b"." => {}
            b".." => match depth.checked_sub(1) {
                Some(above) => depth = above,
                None => return false,
            },
            _ => depth += 1,
        }
        true
    })
}

fn censor(entry: &mut Entry, root: &RemotePath, dir: Option<&RemotePath>) {
    if let (Some(target), Some(dir)) = (&entry.target, dir)
        && !leads_within(root, dir, target)
    {
        entry.target_kind = None;
    }
}

fn leads_out(operation: Operation, path: &RemotePath) -> Error {
    Error::new(ErrorKind::LinkRefused, operation).at(path).with_detail("leads out of the shared directory")
}

/// The error with the path as it is seen from inside.
fn retold(error: Error, operation: Option<Operation>, path: &RemotePath) -> Error {
    let mut out = Error::new(error.kind(), operation.unwrap_or(error.operation())).at(path);
    if let Some(place) = error.place() {
        out = out.on(place);
    }
    if let Some(reply) = error.reply() {
        out = out.with_reply(reply.clone());
    }
    match error.detail() {
        Some(detail) => out.with_detail(detail),
        None => out,
    }
}

#[async_trait]
impl FileSystem for Rooted {
    fn id(&self) -> &FsId {
        &self.id
    }

    fn capabilities(&self) -> Capabilities {
        // A command could go anywhere.
        Capabilities { commands: false, ..self.inner.capabilities() }
    }

    async fn list(&self, path: &RemotePath) -> Result<EntryStream> {
        let dir = self.target(Operation::List, path).await?;
        let stream = self.inner.list(&dir).await.map_err(|e| retold(e, None, path))?;
        let (path, root) = (path.clone(), self.root.clone());
        Ok(stream
            .map(move |batch| match batch {
                Ok(mut entries) => {
                    entries.iter_mut().for_each(|entry| censor(entry, &root, Some(&dir)));
                    Ok(entries)
                }
                Err(error) => Err(retold(error, None, &path)),
            })
            .boxed())
    }

    async fn stat(&self, path: &RemotePath) -> Result<Entry> {
        let real = self.target(Operation::Stat, path).await?;
        let entry = self.inner.stat(&real).await.map_err(|e| retold(e, None, path))?;
        Ok(self.shown(entry, path, None))
    }

    async fn lstat(&self, path: &RemotePath) -> Result<Entry> {
        if path.is_root() {
            return self.stat(path).await;
        }
        let real = self.name(Operation::Stat, path).await?;
        let entry = self.inner.lstat(&real).await.map_err(|e| retold(e, None, path))?;
        Ok(self.shown(entry, path, real.parent()))
    }

    async fn read(&self, path: &RemotePath, options: ReadOptions) -> Result<ByteStream> {
        let real = self.target(Operation::Open, path).await?;
        let stream = self.inner.read(&real, options).await.map_err(|e| retold(e, None, path))?;
        let path = path.clone();
        Ok(stream.map(move |chunk| chunk.map_err(|e| retold(e, None, &path))).boxed())
    }

    async fn write(&self, path: &RemotePath, options: WriteOptions) -> Result<Box<dyn Sink>> {
        self.writable(Operation::Open, path)?;
        let real = self.name(Operation::Open, path).await?;
        if self.inner.capabilities().remote && !options.exclusive && self.inner.capabilities().symlinks {
            // Only file systems of this machine are known not to write through links.
            if self.inner.lstat(&real).await.is_ok_and(|entry| entry.target.is_some()) {
                return Err(leads_out(Operation::Open, path));
            }
        }
        let sink = self.inner.write(&real, options).await.map_err(|e| retold(e, None, path))?;
        Ok(Box::new(RootedSink { sink, path: path.clone() }))
    }

    async fn create_dir(&self, path: &RemotePath, mode: Option<u32>) -> Result<()> {
        self.writable(Operation::CreateDir, path)?;
        let real = self.name(Operation::CreateDir, path).await?;
        self.inner.create_dir(&real, mode).await.map_err(|e| retold(e, None, path))
    }

    async fn remove_file(&self, path: &RemotePath) -> Result<()> {
        self.writable(Operation::RemoveFile, path)?;
        let real = self.name(Operation::RemoveFile, path).await?;
        self.inner.remove_file(&real).await.map_err(|e| retold(e, None, path))
    }

    async fn remove_dir(&self, path: &RemotePath) -> Result<()> {
        self.writable(Operation::RemoveDir, path)?;
        let real = self.name(Operation::RemoveDir, path).await?;
        self.inner.remove_dir(&real).await.map_err(|e| retold(e, None, path))
    }

    async fn rename(&self, from: &RemotePath, to: &RemotePath, replace: bool) -> Result<()> {
        self.writable(Operation::Rename, from)?;
        let real = self.name(Operation::Rename, from).await?;
        let target = self.name(Operation::Rename, to).await.map_err(|e| retold(e, None, from))?;
        if let (Ok(link), Some(dir)) = (self.inner.read_link(&real).await, target.parent())
            && !leads_within(&self.root, &dir, &link)
        {
            return Err(leads_out(Operation::Rename, from));
        }
        self.inner.rename(&real, &target, replace).await.map_err(|e| retold(e, None, from))
    }

    async fn set_attributes(&self, path: &RemotePath, attributes: &Attributes) -> Result<()> {
        self.writable(Operation::SetAttributes, path)?;
        let real = self.target(Operation::SetAttributes, path).await?;
        self.inner.set_attributes(&real, attributes).await.map_err(|e| retold(e, None, path))
    }

    async fn symlink(&self, path: &RemotePath, target: &[u8]) -> Result<()> {
        self.writable(Operation::Symlink, path)?;
        let real = self.name(Operation::Symlink, path).await?;
        if !real.parent().is_some_and(|dir| leads_within(&self.root, &dir, target)) {
            return Err(leads_out(Operation::Symlink, path));
        }
        self.inner.symlink(&real, target).await.map_err(|e| retold(e, None, path))
    }

    async fn read_link(&self, path: &RemotePath) -> Result<Vec<u8>> {
        let real = self.name(Operation::ReadLink, path).await?;
        self.inner.read_link(&real).await.map_err(|e| retold(e, None, path))
    }

    async fn set_link_attributes(&self, path: &RemotePath, attributes: &Attributes) -> Result<()> {
        self.writable(Operation::SetAttributes, path)?;
        let real = self.name(Operation::SetAttributes, path).await?;
        self.inner.set_link_attributes(&real, attributes).await.map_err(|e| retold(e, None, path))
    }

    async fn hard_link(&self, path: &RemotePath, to: &RemotePath) -> Result<()> {
        self.writable(Operation::HardLink, path)?;
        let real = self.name(Operation::HardLink, path).await?;
        let target = self.name(Operation::HardLink, to).await.map_err(|e| retold(e, None, path))?;
        // Some systems link what a symlink leads to, others the symlink: a second name for one
        // could lead out from where the first does not.
        if self.inner.read_link(&real).await.is_ok() {
            return Err(leads_out(Operation::HardLink, path));
        }
        self.inner.hard_link(&real, &target).await.map_err(|e| retold(e, None, path))
    }

    async fn copy_within(
        &self,
        from: &RemotePath,
        to: &RemotePath,
        options: WriteOptions,
        pace: &dyn Pace,
    ) -> Result<Written> {
        self.writable(Operation::CopyWithin, to)?;
        if self.inner.capabilities().remote && !options.exclusive {
            // Only file systems of this machine are known not to write through links.
            return Err(Error::new(ErrorKind::Unsupported, Operation::CopyWithin).at(from));
        }
        let source = self.target(Operation::CopyWithin, from).await?;
        let target = self.name(Operation::CopyWithin, to).await?;
        let copied = self.inner.copy_within(&source, &target, options, pace).await;
        let written = copied.map_err(|error| {
            let about = if error.path() == Some(&target) { to } else { from };
            retold(error, None, about)
        })?;
        let attributes_refused = written.attributes_refused.map(|e| retold(e, None, to));
        Ok(Written { attributes_refused, ..written })
    }

    async fn sync_volumes(&self, dirs: &[RemotePath]) -> Result<()> {
        let mut real = Vec::with_capacity(dirs.len());
        for dir in dirs {
            real.push(self.target(Operation::Close, dir).await?);
        }
        let about = dirs.first().cloned().unwrap_or_else(RemotePath::root);
        self.inner.sync_volumes(&real).await.map_err(|e| retold(e, None, &about))
    }

    async fn sync_file(&self, path: &RemotePath) -> Result<()> {
        let real = self.target(Operation::Close, path).await?;
        self.inner.sync_file(&real).await.map_err(|e| retold(e, None, path))
    }

    async fn checksum(&self, path: &RemotePath, algorithm: Algorithm) -> Result<Checksum> {
        let real = self.target(Operation::Checksum, path).await?;
        self.inner.checksum(&real, algorithm).await.map_err(|e| retold(e, None, path))
    }

    fn preferred_checksum(&self) -> Algorithm {
        self.inner.preferred_checksum()
    }

    async fn owner_id(&self, principal: Principal, name: &str) -> Result<u32> {
        self.inner.owner_id(principal, name).await
    }

    async fn owner_names(&self, uid: Option<u32>, gid: Option<u32>) -> OwnerNames {
        self.inner.owner_names(uid, gid).await
    }

    async fn canonicalize(&self, path: &RemotePath) -> Result<RemotePath> {
        let real = self.target(Operation::Canonicalize, path).await?;
        Ok(RemotePath::new(real.strip_prefix(&self.root).unwrap_or_default()))
    }

    async fn space(&self, path: &RemotePath) -> Result<Space> {
        let real = self.target(Operation::Space, path).await?;
        self.inner.space(&real).await.map_err(|e| retold(e, None, path))
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

struct RootedSink {
    sink: Box<dyn Sink>,
    path: RemotePath,
}

#[async_trait]
impl Sink for RootedSink {
    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        self.sink.write(chunk).await.map_err(|e| retold(e, None, &self.path))
    }

    async fn finish(&mut self) -> Result<Written> {
        let written = self.sink.finish().await.map_err(|e| retold(e, None, &self.path))?;
        let attributes_refused = written.attributes_refused.map(|e| retold(e, None, &self.path));
        Ok(Written { attributes_refused, ..written })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::memory::Memory;

    fn path(text: &str) -> RemotePath {
        RemotePath::new(text)
    }

    /// A jail at /jail; outside of it /secret/file, and links of all sorts that lead there.
    async fn jail() -> (Arc<Memory>, Rooted) {
        let memory = Arc::new(Memory::new("jail"));
        memory.plant(&path("/secret/file"), b"secret").unwrap();
        memory.plant(&path("/jail/dir/file"), b"mine").unwrap();
        for (link, target) in [
            ("/jail/absolute", "/secret"),
            ("/jail/climbing", "../secret"),
            ("/jail/dir/deep", "../../secret/file"),
            ("/jail/file", "/secret/file"),
            ("/jail/beside", "/jailbreak"),
            ("/jail/fine", "dir/file"),
            ("/jail/homely", "/jail/dir"),
        ] {
            memory.symlink(&path(link), target.as_bytes()).await.unwrap();
        }
        memory.plant(&path("/jailbreak/file"), b"secret").unwrap();
        let rooted = Rooted::new(memory.clone(), &path("/jail")).await.unwrap();
        (memory, rooted)
    }

    fn refused<T>(result: Result<T>, at: &str) {
        match result {
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::LinkRefused, "{error}");
                assert_eq!(error.path(), Some(&path(at)), "{error}");
            }
            Ok(_) => panic!("{at} went through"),
        }
    }

    #[tokio::test]
    async fn nothing_leads_out() {
        let (memory, jail) = jail().await;
        for at in ["/absolute/file", "/climbing/file", "/dir/deep", "/file", "/beside/file"] {
            let at_path = path(at);
            refused(jail.stat(&at_path).await, at);
            refused(jail.read(&at_path, ReadOptions::default()).await, at);
            refused(jail.canonicalize(&at_path).await, at);
            refused(jail.space(&at_path).await, at);
            refused(jail.set_attributes(&at_path, &Attributes::default()).await, at);
            refused(jail.checksum(&at_path, Algorithm::Sha256).await, at);
            refused(
                jail.copy_within(&at_path, &path("/new"), WriteOptions::default(), &|_: u64| {}).await,
                at,
            );
        }
        for dir in ["/absolute", "/climbing", "/beside"] {
            refused(jail.list(&path(dir)).await, dir);
            let at = format!("{dir}/new");
            let new = path(&at);
            refused(jail.write(&new, WriteOptions::default()).await, &at);
            refused(jail.create_dir(&new, None).await, &at);
            refused(jail.symlink(&new, b"x").await, &at);
            refused(jail.rename(&path("/fine"), &new, true).await, "/fine");
            refused(jail.hard_link(&path("/dir/file"), &new).await, "/dir/file");
            refused(
                jail.hard_link(&path(&format!("{dir}/file")), &path("/new")).await,
                &format!("{dir}/file"),
            );
            let at = format!("{dir}/file");
            refused(jail.lstat(&path(&at)).await, &at);
            refused(jail.remove_file(&path(&at)).await, &at);
            refused(jail.rename(&path(&at), &path("/mine"), false).await, &at);
        }
        assert_eq!(memory.content(&path("/secret/file")).unwrap(), b"secret");
    }

    #[tokio::test]
    async fn dots_stop_at_the_root() {
        let (_, jail) = jail().await;
        let up = path("/../../secret/file");
        assert_eq!(jail.stat(&up).await.unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(&*jail.stat(&RemotePath::root()).await.unwrap().name, b"/");
        let root = RemotePath::root();
        assert_eq!(jail.remove_dir(&root).await.unwrap_err().kind(), ErrorKind::PermissionDenied);
    }

    #[tokio::test]
    async fn links_that_lead_out_are_not_made() {
        let (_, jail) = jail().await;
        for target in ["/secret", "..", "../x", "dir/../../x", "/jail/../secret", "a/../../jail/b"] {
            refused(jail.symlink(&path("/new"), target.as_bytes()).await, "/new");
        }
        jail.symlink(&path("/dir/up"), b"../fine").await.unwrap();
        refused(jail.rename(&path("/dir/up"), &path("/up"), false).await, "/dir/up");
    }

    #[tokio::test]
    async fn links_within_work() {
        let (_, jail) = jail().await;
        assert_eq!(jail.stat(&path("/fine")).await.unwrap().attributes.size, Some(4));
        assert_eq!(jail.canonicalize(&path("/homely/file")).await.unwrap(), path("/dir/file"));
        let entry = jail.lstat(&path("/file")).await.unwrap();
        assert_eq!((entry.kind, entry.target_kind), (crate::fs::Kind::Symlink, None));
        assert!(jail.lstat(&path("/fine")).await.unwrap().target_kind.is_some());
    }

    #[tokio::test]
    async fn read_only_changes_nothing() {
        let (memory, jail) = jail().await;
        let jail = jail.read_only();
        let (file, new) = (path("/dir/file"), path("/new"));
        let denied = |result: Result<()>| {
            assert_eq!(result.unwrap_err().kind(), ErrorKind::PermissionDenied);
        };
        denied(jail.write(&new, WriteOptions::default()).await.map(drop));
        denied(jail.create_dir(&new, None).await);
        denied(jail.remove_file(&file).await);
        denied(jail.remove_dir(&path("/dir")).await);
        denied(jail.rename(&file, &new, true).await);
        denied(jail.set_attributes(&file, &Attributes::default()).await);
        denied(jail.symlink(&new, b"dir").await);
        denied(jail.hard_link(&file, &new).await);
        denied(jail.set_link_attributes(&file, &Attributes::default()).await);
        denied(jail.copy_within(&file, &new, WriteOptions::default(), &|_: u64| {}).await.map(drop));
        assert!(jail.read(&file, ReadOptions::default()).await.is_ok());
        assert_eq!(memory.content(&path("/jail/dir/file")).unwrap(), b"mine");
    }
}
