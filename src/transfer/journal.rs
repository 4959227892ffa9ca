//! The record of a job: which files were begun, how far each is for certain, and which are done.
//! In memory always; with a directory also in a file, so that what was interrupted can go on. Must
//! never copy a byte, and never hold a password.

mod finished;
mod line;
mod reason;
mod state;
mod store;

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fs::File,
    io::{self, Write},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use finished::Finished;
use line::Line;
pub use reason::Reason;
pub use store::{Failure, Stored, create, discard, list, open};

use super::{Chosen, Decisions, Landing, OnConflict, Outcome, Policy, Totals, step::CopyFile};
use crate::fs::{Entry, Error, ErrorKind, FileSystem, FsId, Operation, RemotePath, Result, Timestamp};

/// Lines that may wait to be written together, in bytes.
const BUFFERED: usize = 16 << 10;

/// What is known of one source that was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Where it lands.
    pub target: RemotePath,
    /// The name that it is written under until it is whole; `None` once it is, and for links.
    pub part: Option<RemotePath>,
    /// The source as it was when it was begun.
    pub size: Option<u64>,
    pub mtime: Option<Timestamp>,
    /// It was to replace something.
    pub replace: bool,
    /// So many bytes of the part have arrived for certain, without a gap.
    pub offset: u64,
    pub done: bool,
    /// Names it in the lines.
    number: u64,
}

impl Item {
    /// Whether the source is still what was begun.
    pub fn is_of(&self, entry: &Entry) -> bool {
        self.size == entry.attributes.size && self.mtime == entry.attributes.mtime
    }
}

/// What was begun of one file system's files: what a plan needs to know.
#[derive(Clone, Debug, Default)]
pub struct Begun {
    /// What is not finished, by the paths of the sources.
    pub open: HashMap<RemotePath, Item>,
    finished: Arc<Finished>,
    /// The place in the request's list of file systems.
    on: u32,
    /// Directories that this job creates.
    pub dirs: HashSet<RemotePath>,
}

impl Begun {
    /// What was begun of a source, be it finished or not.
    pub fn get(&self, source: &RemotePath) -> Option<Item> {
        self.open.get(source).cloned().or_else(|| self.finished.get(self.on, source))
    }
}

/// The record of one job. Clones share it.
#[derive(Clone, Default)]
pub struct Journal {
    shared: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// What is not finished, by the place in the request's list of file systems.
    open: HashMap<(u32, RemotePath), Item>,
    /// What this run has finished.
    finished: Finished,
    /// What was finished before it, which a plan looks at meanwhile.
    before: Arc<Finished>,
    /// What of that does not count any more.
    overtaken: HashSet<(u32, RemotePath)>,
    servers: Vec<FsId>,
    dirs: HashSet<RemotePath>,
    /// Sources that were moved by renaming.
    renamed: HashSet<(u32, RemotePath)>,
    landing: Option<Landing>,
    policy: Option<OnConflict>,
    decided: Arc<HashMap<RemotePath, OnConflict>>,
    /// What a person has chosen of the request.
    chosen: Chosen,
    /// What all of it amounts to, once that is known.
    planned: Option<(u64, u64)>,
    removing: bool,
    /// What failed, and why.
    failed: HashMap<(u32, RemotePath), Reason>,
    /// How it ended, unless something was begun since.
    ended: Option<Outcome>,
    next: u64,
    disk: Option<Disk>,
}

/// The file, which is locked as long as this lives.
struct Disk {
    id: String,
    path: PathBuf,
    file: File,
    buffer: Vec<u8>,
    trouble: Option<io::Error>,
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.flush();
    }
}

impl Disk {
    fn write(&mut self, line: &Line, now: bool) {
        let start = self.buffer.len();
        if line::append(&mut self.buffer, line).is_err() {
            self.buffer.truncate(start);
        }
        if now || self.buffer.len() >= BUFFERED {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if self.buffer.is_empty() {
            return;
        }
        // A copy does not fail because it could not be resumed.
        if let Err(error) = self.file.write_all(&self.buffer) {
            self.trouble.get_or_insert(error);
        }
        self.buffer.clear();
    }
}

impl Journal {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The name of the file, without its ending; `None` where there is none.
    pub fn id(&self) -> Option<String> {
        self.lock().disk.as_ref().map(|disk| disk.id.clone())
    }

    /// Why the file could not be written, once.
    pub fn trouble(&self) -> Option<Error> {
        let mut state = self.lock();
        let disk = state.disk.as_mut()?;
        let error = disk.trouble.take()?;
        Some(Error::io(Operation::WriteLog, &error).on(disk.path.display().to_string()))
    }

    /// Removes the file: there is nothing more to go on with.
    pub fn forget(&self) {
        if let Some(disk) = self.lock().disk.take() {
            let _ = std::fs::remove_file(&disk.path);
        }
    }

    /// Puts what was decided about conflicts into the policy.
    pub fn apply(&self, policy: &mut Policy) {
        let state = self.lock();
        if let Some(rest) = state.policy {
            (policy.on_conflict, policy.decided) = (rest, state.decided.clone());
        }
    }

    /// Keeps what was decided about conflicts.
    pub fn decide(&self, decisions: Decisions) {
        let mut state = self.lock();
        for (path, how) in &decisions.items {
            state.write(&Line::decided(path, *how), false);
        }
        // Last: without it, what was decided is asked again.
        state.write(&Line::Policy(decisions.rest), true);
        (state.policy, state.decided) = (Some(decisions.rest), Arc::new(decisions.items));
    }

    /// Whether the sources go into the target or become it: what was made since must not change
    /// that.
    pub fn landing(&self) -> Option<Landing> {
        self.lock().landing
    }

    pub fn land(&self, landing: Landing) {
        let mut state = self.lock();
        if state.landing != Some(landing) {
            state.landing = Some(landing);
            state.write(&Line::Landing(landing), true);
        }
    }

    /// What all of it amounts to, for whoever looks at the record later.
    pub fn planned(&self, totals: Totals) {
        let mut state = self.lock();
        // As with what is finished, a link counts as a file.
        let (files, bytes) = (totals.files + totals.links, totals.bytes);
        if state.planned != Some((files, bytes)) {
            state.planned = Some((files, bytes));
            state.write(&Line::Planned { files, bytes }, true);
        }
    }

    /// It came to its end, with items that failed: whoever looks at the record later is told the same.
    pub fn ended(&self, outcome: Outcome) {
        let mut state = self.lock();
        state.ended = Some(outcome);
        state.write(&Line::Ended(outcome), true);
    }

    /// A move has begun to remove its sources: those that are missing are not missed.
    pub fn remove(&self) {
        let mut state = self.lock();
        state.removing = true;
        state.write(&Line::Removing, true);
    }

    /// Whether a source that is not there has been moved already.
    pub fn is_moved(&self, fs: &FsId, source: &RemotePath) -> bool {
        let mut state = self.lock();
        let key = state.key(fs, source);
        state.renamed.contains(&key)
    }

    pub fn is_removing(&self) -> bool {
        self.lock().removing
    }

    /// A source is about to be moved by renaming it: afterwards it is not there any more.
    pub fn renamed(&self, fs: &FsId, source: &RemotePath) {
        let mut state = self.lock();
        let key = state.key(fs, source);
        state.write(&Line::renamed(key.0, source), true);
        state.renamed.insert(key);
    }

    /// Directories that are about to be created. They get their times and permissions at the end,
    /// however often the job goes on in between.
    pub fn dirs<'a>(&self, dirs: impl Iterator<Item = &'a RemotePath>) {
        let mut state = self.lock();
        for dir in dirs {
            if state.dirs.insert(dir.clone()) {
                state.write(&Line::dir(dir), false);
            }
        }
    }

    /// A file is about to be written under the name `part`. When this returns, the file of the
    /// record has it: nobody can find a part, or a target, of which it does not know.
    pub fn begin(&self, fs: &FsId, file: &CopyFile, part: &RemotePath) {
        let mut state = self.lock();
        let key = state.key(fs, &file.source);
        state.begin(
            key,
            Item {
                target: file.target.clone(),
                part: Some(part.clone()),
                size: file.size,
                mtime: file.mtime,
                replace: file.replace,
                offset: 0,
                done: false,
                number: 0,
            },
        );
    }

    /// A file is about to appear under its own name, whole: another name of one that is there.
    pub fn begin_whole(&self, fs: &FsId, file: &CopyFile) {
        let mut state = self.lock();
        let key = state.key(fs, &file.source);
        let (target, size, mtime) = (file.target.clone(), file.size, file.mtime);
        let replace = file.replace;
        state
            .begin(key, Item { target, part: None, size, mtime, replace, offset: 0, done: false, number: 0 });
    }

    /// Whether a source was copied to its end.
    pub fn is_done(&self, fs: &FsId, source: &RemotePath) -> bool {
        let mut state = self.lock();
        let key = state.key(fs, source);
        state.is_finished(&key)
    }

    /// A link is about to be created.
    pub fn begin_link(&self, fs: &FsId, source: &RemotePath, target: &RemotePath, replace: bool) {
        let mut state = self.lock();
        let key = state.key(fs, source);
        let (target, part, size, mtime) = (target.clone(), None, None, None);
        state.begin(key, Item { target, part, size, mtime, replace, offset: 0, done: false, number: 0 });
    }

    /// The first `offset` bytes of the part have arrived.
    pub fn arrived(&self, fs: &FsId, source: &RemotePath, offset: u64) {
        let mut state = self.lock();
        let key = state.key(fs, source);
        let Some(item) = state.open.get_mut(&key).filter(|item| item.offset != offset) else { return };
        item.offset = offset;
        let number = item.number;
        state.write(&Line::At { n: number, offset }, true);
    }

    /// The target is whole and has its name.
    pub fn done(&self, fs: &FsId, source: &RemotePath) {
        let mut state = self.lock();
        let key = state.key(fs, source);
        let number = state.open.get(&key).map(|item| item.number);
        state.finish(key);
        if let Some(n) = number {
            // Where this is lost, the target tells.
            state.write(&Line::Done { n }, false);
        }
    }

    /// Copying it failed, and nothing of it is left.
    pub fn failed(&self, fs: &FsId, source: &RemotePath, why: &Error) {
        let why = Reason::of(why);
        let mut state = self.lock();
        let key = state.key(fs, source);
        state.open.remove(&key);
        state.unfinish(&key);
        state.write(&Line::failed(key.0, source, &why), false);
        state.failed.insert(key, why);
    }

    /// Whether there is something that could be tried again.
    pub fn has_failed(&self) -> bool {
        !self.lock().failed.is_empty()
    }

    /// Nothing was begun: there is nothing to go on with.
    pub fn is_empty(&self) -> bool {
        let state = self.lock();
        let is_finished = !state.finished.is_empty() || !state.before.is_empty();
        state.open.is_empty() && !is_finished && state.failed.is_empty() && !state.removing
    }

    /// How much is done, for telling whether anything has moved since.
    pub fn reached(&self) -> Totals {
        self.lock().reached()
    }

    /// What was begun of `fs`.
    pub fn begun(&self, fs: &FsId) -> Begun {
        let mut state = self.lock();
        let on = state.server(fs);
        state.settle();
        let of_server = state.open.iter().filter(|((at, _), _)| *at == on);
        let open = of_server.map(|((_, source), item)| (source.clone(), item.clone())).collect();
        Begun { open, finished: state.before.clone(), on, dirs: state.dirs.clone() }
    }

    /// Where the finished files of `fs` have gone.
    pub fn targets(&self, fs: &FsId) -> Vec<RemotePath> {
        let mut state = self.lock();
        let on = state.server(fs);
        // What was overtaken is there as well, or was.
        state.before.targets(on).chain(state.finished.targets(on)).collect()
    }

    /// The directories that those are in; of those that this job has created, where the first of
    /// them is.
    pub fn target_dirs(&self, fs: &FsId) -> BTreeSet<RemotePath> {
        let mut state = self.lock();
        let on = state.server(fs);
        let above = |dir: &RemotePath| {
            let mut dir = dir.clone();
            while state.dirs.contains(&dir)
                && let Some(parent) = dir.parent()
            {
                dir = parent;
            }
            dir
        };
        let used = state.before.target_dirs(on).chain(state.finished.target_dirs(on));
        used.chain(&state.dirs).map(above).collect()
    }

    /// What was begun and not finished: each source with the name of its part.
    fn parts(&self) -> Vec<((u32, RemotePath), RemotePath)> {
        let state = self.lock();
        let parts = state.open.iter().filter_map(|(key, item)| Some((key.clone(), item.part.clone()?)));
        parts.collect()
    }

    /// Forgets parts that are not there any more, before a job goes on. What remains is what can
    /// be written on.
    ///
    /// # Errors
    /// Only what ends the session.
    pub async fn reconcile(&self, to: &dyn FileSystem) -> Result<()> {
        for (key, part) in self.parts() {
            let gone = match to.lstat(&part).await {
                Ok(_) => false,
                Err(error) if error.kind() == ErrorKind::NotFound => true,
                Err(error) if error.kind().ends_session() => return Err(error),
                Err(_) => false,
            };
            if gone && let Some(item) = self.lock().open.get_mut(&key) {
                (item.part, item.offset) = (None, 0);
            }
        }
        Ok(())
    }

    /// Removes the parts of all that is not done, and forgets them. What cannot be removed is left.
    pub async fn clear(&self, to: &dyn FileSystem) {
        for (key, part) in self.parts() {
            let removed = to.remove_file(&part).await;
            match removed {
                Err(error) if error.kind() != ErrorKind::NotFound => {}
                _ => {
                    if let Some(item) = self.lock().open.get_mut(&key) {
                        (item.part, item.offset) = (None, 0);
                    }
                }
            }
            if to.is_lost() {
                return;
            }
        }
    }

    /// Whether nothing is left that would have to be removed.
    pub fn has_no_parts(&self) -> bool {
        self.parts().is_empty()
    }

    /// Removes a part that is of no use any more.
    ///
    /// # Errors
    /// Only what ends the session.
    pub async fn clear_part(
        &self,
        fs: &FsId,
        source: &RemotePath,
        part: &RemotePath,
        to: &dyn FileSystem,
    ) -> Result<()> {
        match to.remove_file(part).await {
            Err(error) if error.kind().ends_session() => return Err(error),
            _ => {}
        }
        let mut state = self.lock();
        let key = state.key(fs, source);
        // It may have been begun anew meanwhile.
        if state.open.get(&key).is_some_and(|item| item.part.as_ref() == Some(part)) {
            state.open.remove(&key);
        }
        Ok(())
    }

    /// Takes over what another record of the same request has begun and not finished.
    pub fn adopt(&self, other: &Journal) {
        let mut theirs = other.lock();
        let mut state = self.lock();
        let servers = theirs.servers.clone();
        for ((server, source), item) in theirs.open.drain() {
            let Some(fs) = servers.get(server as usize).filter(|_| item.part.is_some()) else { continue };
            let key = state.key(fs, &source);
            let offset = item.offset;
            state.begin(key.clone(), item);
            if let Some(item) = state.open.get(&key) {
                let line = Line::At { n: item.number, offset };
                state.write(&line, true);
            }
        }
    }
}
