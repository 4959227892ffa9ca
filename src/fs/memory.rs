//! A file system in memory: the reference for what the trait means, and the ground for tests of
//! planning and running. Must never touch the disk, the network or a clock.

mod tree;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream};

use super::{
    Algorithm, Attributes, ByteStream, Capabilities, Checksum, Entry, EntryStream, Error, ErrorKind,
    FileSystem, FsId, Operation, Pace, ReadOptions, RemotePath, Result, Sink, Space, WriteOptions, Written,
    sum::{Computed, Summer},
};
use tree::{NodeId, Tree};

/// Small, so that listings come in several batches and files in several chunks, as they do
/// from servers.
const BATCH: usize = 100;
const CHUNK: usize = 64 << 10;

/// Files in memory. Nobody is denied anything; times are counted, one second per change.
pub struct Memory {
    id: FsId,
    capabilities: Capabilities,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    tree: Tree,
    faults: Vec<(Operation, RemotePath, Error)>,
}

impl State {
    /// The failure that was ordered for this call, if one was.
    fn fault(&mut self, operation: Operation, path: &RemotePath) -> Result<()> {
        match self.faults.iter().position(|(o, p, _)| *o == operation && p == path) {
            Some(at) => Err(self.faults.remove(at).2.at(path)),
            None => Ok(()),
        }
    }
}

impl Memory {
    /// An empty file system; its id is `memory://NAME`.
    pub fn new(name: &str) -> Self {
        Memory {
            id: FsId::new(format!("memory://{name}")),
            capabilities: Capabilities {
                atomic_replace: true,
                symlinks: true,
                hard_links: true,
                copy_within: true,
                checksums: true,
                commands: false,
                owners: true,
                modes: true,
                times: true,
                time_precision: std::time::Duration::from_nanos(1),
                parallel_files: 16,
                remote: false,
                written_in_order: false,
            },
            state: Arc::default(),
        }
    }

    /// The same, claiming and keeping to other abilities: what is not there is
    /// [`ErrorKind::Unsupported`].
    pub fn with_capabilities(mut self, capabilities: Capabilities) -> Self {
        self.capabilities = capabilities;
        self
    }

    /// Limits the sum of all files, in bytes; what goes beyond is [`ErrorKind::NoSpace`].
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.lock().tree.capacity = bytes;
    }

    /// Lets the next call of `operation` on `path` fail with `error`, once; several add up.
    /// [`Operation::Open`] fails the opening of a file, [`Operation::Read`] its stream after the
    /// first chunk, [`Operation::Write`] a chunk, [`Operation::Close`] the finish, and
    /// [`Operation::SetAttributes`] also the attributes of a finish.
    pub fn fail_next(&self, operation: Operation, path: &RemotePath, error: Error) {
        self.lock().faults.push((operation, path.clone(), error));
    }

    /// Puts a file there, with the directories above it.
    pub fn plant(&self, path: &RemotePath, content: &[u8]) -> Result<()> {
        let mut state = self.lock();
        if let Some(parent) = path.parent() {
            state.tree.make_dirs(&parent)?;
        }
        let file = state.tree.create_file(path, &WriteOptions::default())?;
        state.tree.append(file, path, content)
    }

    /// Puts a directory there, with those above it.
    pub fn plant_dir(&self, path: &RemotePath) -> Result<()> {
        self.lock().tree.make_dirs(path)
    }

    /// What the file holds.
    pub fn content(&self, path: &RemotePath) -> Result<Vec<u8>> {
        let state = self.lock();
        let node = state.tree.existing(path, true, Operation::Read)?;
        state.tree.data(node, path).map(<[u8]>::to_vec)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// The state, unless this call is to fail.
    fn begin(&self, operation: Operation, path: &RemotePath) -> Result<MutexGuard<'_, State>> {
        let mut state = self.lock();
        state.fault(operation, path)?;
        Ok(state)
    }

    fn settable(&self, attributes: &Attributes, path: &RemotePath) -> Result<()> {
        let times = attributes.mtime.is_some() || attributes.atime.is_some();
        let owners = attributes.uid.is_some() || attributes.gid.is_some();
        if (attributes.mode.is_some() && !self.capabilities.modes)
            || (times && !self.capabilities.times)
            || (owners && !self.capabilities.owners)
        {
            return Err(Error::new(ErrorKind::Unsupported, Operation::SetAttributes).at(path));
        }
        Ok(())
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl FileSystem for Memory {
    fn id(&self) -> &FsId {
        &self.id
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    async fn list(&self, path: &RemotePath) -> Result<EntryStream> {
        let entries = self.begin(Operation::List, path)?.tree.list(path)?;
        let batches: Vec<Result<Vec<Entry>>> =
            entries.chunks(BATCH).map(|batch| Ok(batch.to_vec())).collect();
        Ok(stream::iter(batches).boxed())
    }

    async fn stat(&self, path: &RemotePath) -> Result<Entry> {
        self.begin(Operation::Stat, path)?.tree.stat(path, true)
    }

    async fn lstat(&self, path: &RemotePath) -> Result<Entry> {
        self.begin(Operation::Stat, path)?.tree.stat(path, false)
    }

    async fn read(&self, path: &RemotePath, options: ReadOptions) -> Result<ByteStream> {
        let mut state = self.begin(Operation::Open, path)?;
        let node = state.tree.existing(path, true, Operation::Open)?;
        let data = state.tree.data(node, path)?;
        let from = usize::try_from(options.offset).unwrap_or(usize::MAX).min(data.len());
        let mut chunks: Vec<Result<Bytes>> =
            data[from..].chunks(CHUNK).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
        if let Err(fault) = state.fault(Operation::Read, path) {
            chunks.truncate(1);
            chunks.push(Err(fault));
        }
        Ok(stream::iter(chunks).boxed())
    }

    async fn write(&self, path: &RemotePath, options: WriteOptions) -> Result<Box<dyn Sink>> {
        let file = match options.resume {
            Some(offset) => self.begin(Operation::Open, path)?.tree.cut_file(path, offset)?,
            None => self.begin(Operation::Open, path)?.tree.create_file(path, &options)?,
        };
        let refusal = self.settable(&options.attributes, path).err();
        let (state, path) = (self.state.clone(), path.clone());
        let written = options.resume.unwrap_or(0);
        Ok(Box::new(MemorySink { state, file, path, attributes: options.attributes, refusal, written }))
    }

    async fn create_dir(&self, path: &RemotePath, mode: Option<u32>) -> Result<()> {
        self.begin(Operation::CreateDir, path)?.tree.create_dir(path, mode)
    }

    async fn remove_file(&self, path: &RemotePath) -> Result<()> {
        self.begin(Operation::RemoveFile, path)?.tree.remove_file(path)
    }

    async fn remove_dir(&self, path: &RemotePath) -> Result<()> {
        self.begin(Operation::RemoveDir, path)?.tree.remove_dir(path)
    }

    async fn rename(&self, from: &RemotePath, to: &RemotePath, replace: bool) -> Result<()> {
        let mut state = self.begin(Operation::Rename, from)?;
        if replace && !self.capabilities.atomic_replace {
            return Err(Error::new(ErrorKind::Unsupported, Operation::Rename).at(from));
        }
        state.tree.rename(from, to, replace)
    }

    async fn set_attributes(&self, path: &RemotePath, attributes: &Attributes) -> Result<()> {
        let mut state = self.begin(Operation::SetAttributes, path)?;
        self.settable(attributes, path)?;
        let node = state.tree.existing(path, true, Operation::SetAttributes)?;
        state.tree.set(node, attributes);
        Ok(())
    }

    async fn symlink(&self, path: &RemotePath, target: &[u8]) -> Result<()> {
        let mut state = self.begin(Operation::Symlink, path)?;
        if !self.capabilities.symlinks {
            return Err(Error::new(ErrorKind::Unsupported, Operation::Symlink).at(path));
        }
        state.tree.symlink(path, target)
    }

    async fn read_link(&self, path: &RemotePath) -> Result<Vec<u8>> {
        self.begin(Operation::ReadLink, path)?.tree.read_link(path)
    }

    async fn set_link_attributes(&self, path: &RemotePath, attributes: &Attributes) -> Result<()> {
        let mut state = self.begin(Operation::SetAttributes, path)?;
        self.settable(attributes, path)?;
        let node = state.tree.existing(path, false, Operation::SetAttributes)?;
        state.tree.set(node, attributes);
        Ok(())
    }

    async fn hard_link(&self, path: &RemotePath, to: &RemotePath) -> Result<()> {
        let mut state = self.begin(Operation::HardLink, path)?;
        if !self.capabilities.hard_links {
            return Err(Error::new(ErrorKind::Unsupported, Operation::HardLink).at(path));
        }
        state.tree.hard_link(path, to)
    }

    async fn copy_within(
        &self,
        from: &RemotePath,
        to: &RemotePath,
        options: WriteOptions,
        pace: &dyn Pace,
    ) -> Result<Written> {
        let content = {
            let state = self.begin(Operation::CopyWithin, from)?;
            if !self.capabilities.copy_within {
                return Err(Error::new(ErrorKind::Unsupported, Operation::CopyWithin).at(from));
            }
            let node = state.tree.existing(from, true, Operation::CopyWithin)?;
            state.tree.data(node, from)?.to_vec()
        };
        let mut sink = self.write(to, options).await?;
        let mut rest = Bytes::from(content);
        while !rest.is_empty() {
            let piece = pace.piece(CHUNK as u64).min(rest.len() as u64);
            pace.pass(piece).await;
            sink.write(rest.split_to(piece as usize)).await?;
            pace.moved(piece);
        }
        sink.finish().await
    }

    async fn checksum(&self, path: &RemotePath, algorithm: Algorithm) -> Result<Checksum> {
        let state = self.begin(Operation::Checksum, path)?;
        if !self.capabilities.checksums {
            return Err(Error::new(ErrorKind::Unsupported, Operation::Checksum).at(path));
        }
        let node = state.tree.existing(path, true, Operation::Checksum)?;
        let mut summer = Summer::new(algorithm);
        summer.add(state.tree.data(node, path).map_err(|e| e.during(Operation::Checksum))?);
        Ok(Checksum { by: Computed::Server("memory"), ..summer.finish() })
    }

    async fn canonicalize(&self, path: &RemotePath) -> Result<RemotePath> {
        self.begin(Operation::Canonicalize, path)?.tree.canonicalize(path)
    }

    /// An unlimited file system calls itself as large as it is full.
    async fn space(&self, path: &RemotePath) -> Result<Space> {
        let state = self.begin(Operation::Space, path)?;
        state.tree.existing(path, true, Operation::Space)?;
        let total = state.tree.capacity.unwrap_or(state.tree.used);
        Ok(Space { free: total.saturating_sub(state.tree.used), total })
    }
}

struct MemorySink {
    state: Arc<Mutex<State>>,
    file: NodeId,
    path: RemotePath,
    attributes: Attributes,
    /// Why the attributes cannot be set, if that is known from the start.
    refusal: Option<Error>,
    written: u64,
}

#[async_trait]
impl Sink for MemorySink {
    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        let mut state = lock(&self.state);
        state.fault(Operation::Write, &self.path)?;
        state.tree.append(self.file, &self.path, &chunk)?;
        self.written += chunk.len() as u64;
        Ok(())
    }

    fn acknowledged(&self) -> u64 {
        self.written
    }

    async fn finish(&mut self) -> Result<Written> {
        let mut state = lock(&self.state);
        let refusal = match self.refusal.take() {
            Some(error) => Err(error),
            None if self.attributes == Attributes::default() => Ok(()),
            None => state.fault(Operation::SetAttributes, &self.path),
        };
        if refusal.is_ok() {
            state.tree.set(self.file, &self.attributes);
        }
        state.fault(Operation::Close, &self.path)?;
        Ok(Written { size: Some(self.written), attributes_refused: refusal.err() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::TryStreamExt;

    #[tokio::test]
    async fn faults_strike_once_and_where_they_were_ordered() {
        let memory = Memory::new("faults");
        let path = RemotePath::new("/file");
        memory.plant(&path, &[7; 3 * CHUNK]).unwrap();
        let lost = || Error::new(ErrorKind::ConnectionLost, Operation::Read);
        memory.fail_next(Operation::Read, &path, lost());
        let read = || async { memory.read(&path, ReadOptions::default()).await.unwrap() };
        let chunks: Vec<Result<Bytes>> = read().await.collect().await;
        assert_eq!(chunks.len(), 2);
        let error = chunks[1].as_ref().unwrap_err();
        assert_eq!((error.kind(), error.path()), (ErrorKind::ConnectionLost, Some(&path)));
        assert_eq!(read().await.try_collect::<Vec<_>>().await.unwrap().len(), 3);
        memory.fail_next(Operation::Close, &path, lost());
        let mut sink = memory.write(&path, WriteOptions::default()).await.unwrap();
        assert!(sink.finish().await.is_err());
        assert!(memory.stat(&RemotePath::new("/other")).await.is_err());
    }

    #[tokio::test]
    async fn a_full_memory_takes_no_more_until_something_goes() {
        let memory = Memory::new("full");
        memory.set_capacity(Some(10));
        let path = RemotePath::new("/file");
        memory.plant(&path, b"12345678").unwrap();
        let error = memory.plant(&RemotePath::new("/more"), b"123").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoSpace);
        memory.remove_file(&path).await.unwrap();
        memory.plant(&RemotePath::new("/more"), b"123").unwrap();
        assert_eq!(memory.space(&RemotePath::root()).await.unwrap(), Space { free: 7, total: 10 });
    }

    #[tokio::test]
    async fn keeps_to_the_abilities_it_claims() {
        let memory = Memory::new("plain").with_capabilities(Capabilities::default());
        let path = RemotePath::new("/file");
        let mode = Attributes { mode: Some(0o600), ..Attributes::default() };
        let options = WriteOptions { attributes: mode.clone(), ..WriteOptions::default() };
        let written = memory.write(&path, options).await.unwrap().finish().await.unwrap();
        assert_eq!(written.attributes_refused.unwrap().kind(), ErrorKind::Unsupported);
        let unsupported = |result: Result<()>| {
            assert_eq!(result.unwrap_err().kind(), ErrorKind::Unsupported);
        };
        unsupported(memory.set_attributes(&path, &mode).await);
        unsupported(memory.symlink(&RemotePath::new("/link"), b"file").await);
        unsupported(memory.rename(&path, &RemotePath::new("/other"), true).await);
    }
}
