//! Where records are: one file per job in one directory, readable by their owner alone, locked as
//! long as the job runs. Blocks on the disk.

use std::{
    collections::HashMap,
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use rand::Rng;

use super::{
    Disk, Journal, Reason, State,
    line::{self, Head, Line},
};
use crate::{
    fs::{Error, ErrorKind, FsId, Location, Operation, Place, RemotePath, Result},
    transfer::{Outcome, Request, Totals},
};

/// Another program that only looks at a record has it for less than this, so many times over.
const LOOK: Duration = Duration::from_millis(25);
const LOOKS: u32 = 20;

const ENDING: &str = "jsonl";

/// A line is no longer than two paths and some numbers.
const LONGEST_LINE: u64 = 1 << 20;

/// A job that is recorded, as a list shows it.
#[derive(Clone, Debug)]
pub struct Stored {
    pub id: String,
    /// Seconds since 1970.
    pub started: i64,
    pub request: Request,
    /// The logins that it needs.
    pub places: Vec<Place>,
    /// What is done, and what has arrived of the rest.
    pub reached: Totals,
    /// Files and bytes of all of it, where that was known.
    pub planned: Option<Totals>,
    /// Files that were begun and are not done.
    pub open: u64,
    pub failed: u64,
    /// How it ended, where it came to its end with items that failed.
    pub ended: Option<Outcome>,
    /// The sources that failed, by their paths.
    pub failures: Vec<Failure>,
    /// A program is at work on it.
    pub running: bool,
    /// Where the parts are that it has left.
    pub parts: Vec<RemotePath>,
}

/// A source that could not be copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub source: Location,
    pub why: Reason,
}

impl Failure {
    /// The same as an error.
    pub fn error(&self) -> Error {
        self.why.error().at(&self.source.path).on(self.source.fs.as_str())
    }
}

fn path_of(dir: &Path, id: &str) -> Option<PathBuf> {
    let plain = !id.is_empty() && id.len() <= 32 && id.bytes().all(|b| b.is_ascii_alphanumeric());
    plain.then(|| dir.join(id).with_extension(ENDING))
}

fn failed(path: &Path, error: &io::Error) -> Error {
    Error::io(Operation::WriteLog, error).on(path.display().to_string())
}

/// Starts a record of `request` in `dir`; `url` says how each login is reached.
///
/// # Errors
/// Whatever keeps the file from being written.
pub fn create(dir: &Path, request: &Request, url: &dyn Fn(&FsId) -> String, started: i64) -> Result<Journal> {
    let (head, servers) = Head::of(request, url, started);
    let made = || -> io::Result<Disk> {
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        loop {
            let id = format!("{:06x}", rand::rng().random::<u32>() & 0xff_ffff);
            let path = dir.join(&id).with_extension(ENDING);
            let mut options = OpenOptions::new();
            match options.read(true).append(true).create_new(true).mode(0o600).open(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error),
                Ok(mut file) => {
                    file.lock()?;
                    let mut text = Vec::new();
                    line::append(&mut text, &head)?;
                    for line in request.policy.chosen.iter().flat_map(|chosen| Line::chosen(chosen)) {
                        line::append(&mut text, &line)?;
                    }
                    file.write_all(&text)?;
                    return Ok(Disk { id, path, file, buffer: Vec::new(), trouble: None });
                }
            }
        }
    };
    let disk = made().map_err(|error| failed(dir, &error))?;
    let state = State { servers, disk: Some(disk), ..State::default() };
    Ok(Journal { shared: Arc::new(Mutex::new(state)) })
}

/// Every record, the oldest first. What cannot be read is none.
pub fn list(dir: &Path) -> Vec<Stored> {
    let mut found: Vec<Stored> = std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let path = entry.path();
            let id = path.file_stem()?.to_str()?.to_owned();
            let file = File::open(path_of(dir, &id).filter(|own| *own == path)?).ok()?;
            let running = matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
            // Whoever wants to go on with it is not to find it taken by a look.
            let _ = file.unlock();
            let (head, state) = read(&file).ok()?;
            stored(id, &head, &state, running)
        })
        .collect();
    found.sort_by(|a, b| a.started.cmp(&b.started).then_with(|| a.id.cmp(&b.id)));
    found
}

fn stored(id: String, head: &Head, state: &State, running: bool) -> Option<Stored> {
    let (places, servers, mut request) = head.request()?;
    let failure = |((on, path), why): (&(u32, RemotePath), &Reason)| {
        let fs = servers.get(*on as usize)?.clone();
        Some(Failure { source: Location::new(fs, path.clone()), why: why.clone() })
    };
    let mut failures: Vec<Failure> = state.failed.iter().filter_map(failure).collect();
    failures.sort_by(|a, b| a.source.path.cmp(&b.source.path));
    if let Some(count) = head.chosen {
        // Less than what was chosen would be something else.
        let whole = (state.chosen.copy.len() + state.chosen.remove.len()) as u64 == count;
        request.policy.chosen = Some(Arc::new(state.chosen.clone())).filter(|_| whole);
        request.policy.chosen.as_ref()?;
    }
    Some(Stored {
        id,
        started: head.started,
        request,
        places,
        reached: state.reached(),
        planned: state.planned.map(|(files, bytes)| Totals { files, bytes, ..Totals::default() }),
        open: state.open.values().filter(|item| !item.done).count() as u64,
        failed: state.failed.len() as u64,
        ended: state.ended,
        failures,
        running,
        parts: state.open.values().filter_map(|item| item.part.clone()).collect(),
    })
}

/// Takes up a record, which is locked from now on.
///
/// # Errors
/// [`ErrorKind::NotFound`] where there is none of that name, [`ErrorKind::Conflict`] where a
/// program is at work on it.
pub fn open(dir: &Path, id: &str) -> Result<(Journal, Stored)> {
    let unknown = || {
        Error::new(ErrorKind::NotFound, Operation::FindJob)
            .on(id)
            .with_detail("there is no interrupted transfer of that name")
    };
    let path = path_of(dir, id).ok_or_else(unknown)?;
    let mut file = match OpenOptions::new().read(true).append(true).open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(unknown()),
        Err(error) => return Err(failed(&path, &error)),
    };
    let mut looks = 0;
    let locked = loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if looks < LOOKS => {
                looks += 1;
                std::thread::sleep(LOOK);
            }
            locked => break locked,
        }
    };
    match locked {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(Error::new(ErrorKind::Conflict, Operation::FindJob)
                .on(id)
                .with_detail("another wharf is at work on it"));
        }
        Err(TryLockError::Error(error)) => return Err(failed(&path, &error)),
    }
    let (head, mut state) = read(&file).map_err(|error| failed(&path, &error))?;
    let broken =
        || Error::new(ErrorKind::Failure, Operation::FindJob).on(id).with_detail("its record makes no sense");
    let stored = stored(id.to_owned(), &head, &state, false).ok_or_else(broken)?;
    state.servers = head.request().ok_or_else(broken)?.1;
    // A line that was cut off must not swallow the next one.
    file.write_all(b"\n").map_err(|error| failed(&path, &error))?;
    state.disk = Some(Disk { id: id.to_owned(), path, file, buffer: Vec::new(), trouble: None });
    Ok((Journal { shared: Arc::new(Mutex::new(state)) }, stored))
}

/// Removes the record; its parts are somebody else's to remove.
///
/// # Errors
/// As [`open`].
pub fn discard(dir: &Path, id: &str) -> Result<()> {
    open(dir, id).map(|(journal, _)| journal.forget())
}

fn read(mut file: &File) -> io::Result<(Head, State)> {
    file.seek(SeekFrom::Start(0))?;
    let mut lines = BufReader::new(file);
    let mut text = Vec::new();
    (&mut lines).take(LONGEST_LINE * 16).read_until(b'\n', &mut text)?;
    let garbled = || io::Error::new(io::ErrorKind::InvalidData, "its first line is not as it was written");
    let head: Head = line::parse(&text).ok_or_else(garbled)?;
    if head.version != 1 {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is of a later version"));
    }
    let (mut state, mut by_number) = (State::default(), HashMap::new());
    loop {
        text.clear();
        if (&mut lines).take(LONGEST_LINE).read_until(b'\n', &mut text)? == 0 {
            return Ok((head, state));
        }
        if let Some(line) = line::parse::<Line>(&text) {
            state.replay(line, &mut by_number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transfer::{Landing, Policy};

    #[test]
    fn a_record_says_how_its_job_ended_until_that_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let fs = FsId::local();
        let at = |path: &str| Location::new(FsId::local(), RemotePath::new(path));
        let request = Request {
            sources: vec![at("/from")],
            target: at("/to"),
            landing: Landing::Into,
            policy: Policy::default(),
            remove_source: false,
        };
        let journal = create(dir.path(), &request, &|fs| fs.as_str().to_owned(), 7).unwrap();
        let source = RemotePath::new("/from/a");
        journal.planned(Totals { files: 2, links: 1, bytes: 36, ..Totals::default() });
        journal.failed(&fs, &source, &Error::new(ErrorKind::PermissionDenied, Operation::Open));
        // A folder that could not be created has failed as well, and is no source of a copy.
        let done = Totals { files: 1, dirs: 1, bytes: 12, ..Totals::default() };
        let ended = Outcome { done, failed: 2, ..Outcome::default() };
        journal.ended(ended);
        drop(journal);
        let stored = list(dir.path()).remove(0);
        assert_eq!((stored.ended, stored.failed), (Some(ended), 1));
        assert_eq!(stored.planned.map(|planned| planned.files), Some(3), "links are files here");

        let (journal, _) = open(dir.path(), &stored.id).unwrap();
        journal.begin_link(&fs, &source, &RemotePath::new("/to/from/a"), false);
        drop(journal);
        assert_eq!(list(dir.path()).remove(0).ended, None);
    }
}
