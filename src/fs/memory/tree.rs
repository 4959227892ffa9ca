//! The nodes of a file system in memory and what can be done to them, by the rules of POSIX.
//! Must never wait for anything: whoever holds it holds a lock.

use std::collections::{BTreeMap, HashMap, VecDeque};

use crate::fs::{
    Attributes, Entry, Error, ErrorKind, Kind, Operation, RemotePath, Result, Timestamp, WriteOptions,
};

/// As many as Linux follows before it says ELOOP.
const LINKS_FOLLOWED: usize = 40;
/// Where the counted time begins: 2001-09-09 01:46:40 UTC, so that it looks like a time.
const EPOCH: i64 = 1_000_000_000;

pub type NodeId = u64;

const ROOT: NodeId = 0;

#[derive(Debug)]
enum Body {
    File(Vec<u8>),
    Dir(BTreeMap<Box<[u8]>, NodeId>),
    Symlink(Vec<u8>),
}

#[derive(Debug)]
struct Node {
    body: Body,
    attributes: Attributes,
    /// The names that it has beside its first.
    more_names: u32,
}

pub struct Tree {
    nodes: HashMap<NodeId, Node>,
    next: NodeId,
    now: i64,
    /// The bytes of all files.
    pub used: u64,
    pub capacity: Option<u64>,
}

impl Default for Tree {
    fn default() -> Self {
        let mut tree = Tree { nodes: HashMap::new(), next: ROOT, now: EPOCH, used: 0, capacity: None };
        tree.add(Body::Dir(BTreeMap::new()), 0o755);
        tree
    }
}

/// Where a path leads.
struct Walked {
    /// With all symlinks resolved, up to the last component.
    path: RemotePath,
    /// The directory that holds the last component; the root's own is the root.
    parent: NodeId,
    node: Option<NodeId>,
}

fn fail<T>(kind: ErrorKind, operation: Operation, path: &RemotePath) -> Result<T> {
    Err(Error::new(kind, operation).at(path))
}

impl Tree {
    fn tick(&mut self) -> Timestamp {
        self.now += 1;
        Timestamp::from_seconds(self.now)
    }

    fn add(&mut self, body: Body, mode: u32) -> NodeId {
        let now = self.tick();
        let attributes = Attributes {
            mtime: Some(now),
            atime: Some(now),
            mode: Some(mode & 0o7777),
            ..Attributes::default()
        };
        let id = self.next;
        self.next += 1;
        self.nodes.insert(id, Node { body, attributes, more_names: 0 });
        id
    }

    fn dir(&self, id: NodeId) -> Option<&BTreeMap<Box<[u8]>, NodeId>> {
        match &self.nodes.get(&id)?.body {
            Body::Dir(names) => Some(names),
            _ => None,
        }
    }

    /// Changes what a directory holds.
    fn relink(&mut self, parent: NodeId, name: &[u8], node: Option<NodeId>) {
        let now = self.tick();
        if let Some(Node { body: Body::Dir(names), attributes, .. }) = self.nodes.get_mut(&parent) {
            match node {
                Some(node) => names.insert(name.into(), node),
                None => names.remove(name),
            };
            attributes.mtime = Some(now);
        }
    }

    /// Takes one name from a node; with its last it goes.
    fn drop_node(&mut self, id: NodeId) {
        if let Some(node) = self.nodes.get_mut(&id)
            && node.more_names > 0
        {
            node.more_names -= 1;
            return;
        }
        if let Some(Node { body: Body::File(data), .. }) = self.nodes.remove(&id) {
            self.used -= data.len() as u64;
        }
    }

    fn walk(&self, path: &RemotePath, follow_last: bool, operation: Operation) -> Result<Walked> {
        let mut ahead: VecDeque<Vec<u8>> = path.components().map(<[u8]>::to_vec).collect();
        let mut passed: Vec<(Vec<u8>, NodeId)> = Vec::new();
        let mut links = 0;
        while let Some(name) = ahead.pop_front() {
            let here = passed.last().map_or(ROOT, |(_, id)| *id);
            let Some(names) = self.dir(here) else {
                return fail(ErrorKind::NotADirectory, operation, path);
            };
            match &name[..] {
                b"" | b"." => continue,
                b".." => {
                    passed.pop();
                    continue;
                }
                _ => {}
            }
            if name.len() > 255 {
                return fail(ErrorKind::InvalidName, operation, path);
            }
            let last = ahead.is_empty();
            let Some(&id) = names.get(&name[..]) else {
                if !last {
                    return fail(ErrorKind::NotFound, operation, path);
                }
                let parent = joined(passed.iter().map(|(name, _)| &name[..]));
                return Ok(Walked { path: parent.join(&name), parent: here, node: None });
            };
            if let (Some(Node { body: Body::Symlink(target), .. }), true) =
                (self.nodes.get(&id), follow_last || !last)
            {
                links += 1;
                if links > LINKS_FOLLOWED {
                    return fail(ErrorKind::LinkRefused, operation, path);
                }
                if target.starts_with(b"/") {
                    passed.clear();
                }
                for part in target.rsplit(|b| *b == b'/') {
                    ahead.push_front(part.to_vec());
                }
                continue;
            }
            passed.push((name, id));
        }
        let node = passed.last().map_or(ROOT, |(_, id)| *id);
        let parent = passed.len().checked_sub(2).map_or(ROOT, |above| passed[above].1);
        Ok(Walked { path: joined(passed.iter().map(|(name, _)| &name[..])), parent, node: Some(node) })
    }

    pub fn existing(&self, path: &RemotePath, follow: bool, operation: Operation) -> Result<NodeId> {
        match self.walk(path, follow, operation)?.node {
            Some(node) => Ok(node),
            None => fail(ErrorKind::NotFound, operation, path),
        }
    }

    /// The directory and the name for something new, which is refused if it is there already.
    fn vacant(&self, path: &RemotePath, operation: Operation) -> Result<(NodeId, Box<[u8]>)> {
        let walked = self.walk(path, false, operation)?;
        match (walked.node, walked.path.name()) {
            (None, Some(name)) => Ok((walked.parent, name.into())),
            _ => fail(ErrorKind::AlreadyExists, operation, path),
        }
    }

    fn kind(&self, id: NodeId) -> Kind {
        match self.nodes.get(&id).map(|node| &node.body) {
            Some(Body::File(_)) => Kind::File,
            Some(Body::Dir(_)) => Kind::Dir,
            Some(Body::Symlink(_)) => Kind::Symlink,
            None => Kind::Other,
        }
    }

    fn entry(&self, id: NodeId, name: &[u8], path: &RemotePath) -> Entry {
        let mut entry = Entry::new(name, self.kind(id));
        let is_shared = self.nodes.get(&id).is_some_and(|node| node.more_names > 0);
        entry.identity = is_shared.then_some((0, id));
        let Some(node) = self.nodes.get(&id) else { return entry };
        entry.attributes = node.attributes.clone();
        match &node.body {
            Body::File(data) => entry.attributes.size = Some(data.len() as u64),
            Body::Symlink(target) => {
                entry.attributes.size = Some(target.len() as u64);
                entry.target = Some(target.as_slice().into());
                entry.target_kind =
                    self.existing(path, true, Operation::Stat).ok().map(|node| self.kind(node));
            }
            Body::Dir(_) => {}
        }
        entry
    }

    pub fn stat(&self, path: &RemotePath, follow: bool) -> Result<Entry> {
        let node = self.existing(path, follow, Operation::Stat)?;
        Ok(self.entry(node, path.name().unwrap_or(b"/"), path))
    }

    pub fn list(&self, path: &RemotePath) -> Result<Vec<Entry>> {
        let node = self.existing(path, true, Operation::List)?;
        let Some(names) = self.dir(node) else {
            return fail(ErrorKind::NotADirectory, Operation::List, path);
        };
        Ok(names.iter().map(|(name, id)| self.entry(*id, name, &path.join(name))).collect())
    }

    pub fn data(&self, node: NodeId, path: &RemotePath) -> Result<&[u8]> {
        match self.nodes.get(&node).map(|node| &node.body) {
            Some(Body::File(data)) => Ok(data),
            _ => fail(ErrorKind::IsADirectory, Operation::Open, path),
        }
    }

    pub fn create_file(&mut self, path: &RemotePath, options: &WriteOptions) -> Result<NodeId> {
        let walked = self.walk(path, false, Operation::Open)?;
        let Some(node) = walked.node else {
            let (parent, name) = self.vacant(path, Operation::Open)?;
            let file = self.add(Body::File(Vec::new()), options.create_mode.unwrap_or(0o644));
            self.relink(parent, &name, Some(file));
            return Ok(file);
        };
        if options.exclusive {
            return fail(ErrorKind::AlreadyExists, Operation::Open, path);
        }
        let now = self.tick();
        match self.nodes.get_mut(&node) {
            Some(Node { body: Body::File(data), attributes, .. }) => {
                self.used -= data.len() as u64;
                data.clear();
                attributes.mtime = Some(now);
                Ok(node)
            }
            Some(Node { body: Body::Symlink(_), .. }) => fail(ErrorKind::LinkRefused, Operation::Open, path),
            _ => fail(ErrorKind::IsADirectory, Operation::Open, path),
        }
    }

    /// The file at `path`, cut off at `len` bytes, to be appended to.
    pub fn cut_file(&mut self, path: &RemotePath, len: u64) -> Result<NodeId> {
        let node = self.existing(path, false, Operation::Open)?;
        let now = self.tick();
        match self.nodes.get_mut(&node) {
            Some(Node { body: Body::File(data), .. }) if (data.len() as u64) < len => {
                fail(ErrorKind::Mismatch, Operation::Open, path)
            }
            Some(Node { body: Body::File(data), attributes, .. }) => {
                self.used -= data.len() as u64 - len;
                data.truncate(len as usize);
                attributes.mtime = Some(now);
                Ok(node)
            }
            Some(Node { body: Body::Symlink(_), .. }) => fail(ErrorKind::LinkRefused, Operation::Open, path),
            _ => fail(ErrorKind::IsADirectory, Operation::Open, path),
        }
    }

    /// Appends to a file. One that has been removed meanwhile takes everything, as on a disk.
    pub fn append(&mut self, file: NodeId, path: &RemotePath, bytes: &[u8]) -> Result<()> {
        let now = self.tick();
        let Some(Node { body: Body::File(data), attributes, .. }) = self.nodes.get_mut(&file) else {
            return Ok(());
        };
        let used = self.used + bytes.len() as u64;
        if self.capacity.is_some_and(|capacity| used > capacity) {
            return fail(ErrorKind::NoSpace, Operation::Write, path);
        }
        self.used = used;
        data.extend_from_slice(bytes);
        attributes.mtime = Some(now);
        Ok(())
    }

    pub fn create_dir(&mut self, path: &RemotePath, mode: Option<u32>) -> Result<()> {
        let (parent, name) = self.vacant(path, Operation::CreateDir)?;
        let dir = self.add(Body::Dir(BTreeMap::new()), mode.unwrap_or(0o755));
        self.relink(parent, &name, Some(dir));
        Ok(())
    }

    pub fn make_dirs(&mut self, path: &RemotePath) -> Result<()> {
        let mut here = RemotePath::root();
        for name in path.components() {
            here = here.join(name);
            match self.create_dir(&here, None) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    pub fn remove_file(&mut self, path: &RemotePath) -> Result<()> {
        let operation = Operation::RemoveFile;
        let walked = self.walk(path, false, operation)?;
        match (walked.node, walked.path.name()) {
            (Some(node), _) if self.dir(node).is_some() => fail(ErrorKind::IsADirectory, operation, path),
            (Some(node), Some(name)) => {
                self.relink(walked.parent, name, None);
                self.drop_node(node);
                Ok(())
            }
            _ => fail(ErrorKind::NotFound, operation, path),
        }
    }

    pub fn remove_dir(&mut self, path: &RemotePath) -> Result<()> {
        let operation = Operation::RemoveDir;
        let walked = self.walk(path, false, operation)?;
        let Some(node) = walked.node else { return fail(ErrorKind::NotFound, operation, path) };
        let Some(name) = walked.path.name() else {
            return fail(ErrorKind::PermissionDenied, operation, path);
        };
        match self.dir(node) {
            None => fail(ErrorKind::NotADirectory, operation, path),
            Some(names) if !names.is_empty() => fail(ErrorKind::NotEmpty, operation, path),
            Some(_) => {
                self.relink(walked.parent, name, None);
                self.drop_node(node);
                Ok(())
            }
        }
    }

    pub fn rename(&mut self, from: &RemotePath, to: &RemotePath, replace: bool) -> Result<()> {
        let operation = Operation::Rename;
        let source = self.walk(from, false, operation)?;
        let target = self.walk(to, false, operation)?;
        let Some(node) = source.node else { return fail(ErrorKind::NotFound, operation, from) };
        let (Some(old), Some(new)) = (source.path.name(), target.path.name()) else {
            return fail(ErrorKind::PermissionDenied, operation, from);
        };
        let is_dir = self.dir(node).is_some();
        if let Some(there) = target.node {
            if !replace {
                return fail(ErrorKind::AlreadyExists, operation, from);
            }
            if there == node {
                return Ok(());
            }
            match self.dir(there) {
                Some(_) if !is_dir => return fail(ErrorKind::IsADirectory, operation, from),
                Some(names) if !names.is_empty() => return fail(ErrorKind::NotEmpty, operation, from),
                None if is_dir => return fail(ErrorKind::NotADirectory, operation, from),
                _ => {}
            }
        }
        if is_dir && target.path.is_within(&source.path) {
            let error = Error::new(ErrorKind::Failure, operation).at(from);
            return Err(error.with_detail("a directory cannot be moved into itself"));
        }
        self.relink(source.parent, old, None);
        self.relink(target.parent, new, Some(node));
        if let Some(there) = target.node {
            self.drop_node(there);
        }
        Ok(())
    }

    /// Sets what is `Some`, but for the size.
    pub fn set(&mut self, node: NodeId, new: &Attributes) {
        let Some(Node { attributes: old, .. }) = self.nodes.get_mut(&node) else { return };
        old.mtime = new.mtime.or(old.mtime);
        old.atime = new.atime.or(old.atime);
        old.mode = new.mode.map(|mode| mode & 0o7777).or(old.mode);
        old.uid = new.uid.or(old.uid);
        old.gid = new.gid.or(old.gid);
    }

    pub fn symlink(&mut self, path: &RemotePath, target: &[u8]) -> Result<()> {
        let (parent, name) = self.vacant(path, Operation::Symlink)?;
        let link = self.add(Body::Symlink(target.to_vec()), 0o777);
        self.relink(parent, &name, Some(link));
        Ok(())
    }

    /// A second name for the file at `path`, a symlink not followed.
    pub fn hard_link(&mut self, path: &RemotePath, to: &RemotePath) -> Result<()> {
        let operation = Operation::HardLink;
        let node = self.existing(path, false, operation)?;
        if self.dir(node).is_some() {
            return fail(ErrorKind::PermissionDenied, operation, path);
        }
        let (parent, name) = self.vacant(to, operation).map_err(|error| error.about(path))?;
        self.relink(parent, &name, Some(node));
        if let Some(node) = self.nodes.get_mut(&node) {
            node.more_names += 1;
        }
        Ok(())
    }

    pub fn read_link(&self, path: &RemotePath) -> Result<Vec<u8>> {
        let node = self.existing(path, false, Operation::ReadLink)?;
        match self.nodes.get(&node).map(|node| &node.body) {
            Some(Body::Symlink(target)) => Ok(target.clone()),
            _ => {
                let error = Error::new(ErrorKind::Failure, Operation::ReadLink).at(path);
                Err(error.with_detail("not a symbolic link"))
            }
        }
    }

    pub fn canonicalize(&self, path: &RemotePath) -> Result<RemotePath> {
        let walked = self.walk(path, true, Operation::Canonicalize)?;
        match walked.node {
            Some(_) => Ok(walked.path),
            None => fail(ErrorKind::NotFound, Operation::Canonicalize, path),
        }
    }
}

fn joined<'a>(names: impl Iterator<Item = &'a [u8]>) -> RemotePath {
    names.fold(RemotePath::root(), |path, name| path.join(name))
}
