//! What is at a path, and setting times and permissions: MLST, or the listing of the directory
//! above with SIZE and MDTM; MFMT, MDTM or SITE UTIME; SITE CHMOD.

use std::sync::{Arc, atomic::Ordering};

use futures::TryStreamExt;

use super::{
    clock,
    control::{Command, PATIENCE},
    features::SetTime,
    known::Look,
    list, listing,
    pool::Lease,
    read::size_of,
    reply_reader::RawReply,
    session::Session,
};
use crate::fs::{
    Attributes, Entry, Error, ErrorKind, Kind, Operation, Precision, RemotePath, Result, Timestamp,
};

/// Links that lead to links: as many as Linux follows.
const LINKS: usize = 40;

/// What is at `path` itself, be it a symlink.
pub async fn lstat(session: &Arc<Session>, path: &RemotePath) -> Result<Entry> {
    let operation = Operation::Stat;
    let Some(parent) = path.parent() else { return directory(session, path).await };
    if session.features().has_honest_mlst() && !session.learnt.no_mlst.load(Ordering::Relaxed) {
        let raw = session.ask(operation, path, session.command(operation, "MLST", path)?).await?;
        if raw.is_completion() {
            return mlst(session, path, &raw);
        }
        if !raw.is_unknown_command() {
            return Err(no_file(session.refusal(operation, &raw, path)));
        }
        session.learnt.no_mlst.store(true, Ordering::Relaxed);
    }
    let mut entry = match session.known.look(path) {
        Look::Free => return Err(missing(session, path)),
        Look::Taken(Some(entry)) => entry,
        Look::Taken(None) | Look::Unknown => match find(session, path, &parent).await {
            Ok(entry) => entry.ok_or_else(|| missing(session, path))?,
            // A directory that may be entered need not show what it holds.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => probe(session, path).await?,
            Err(error) if error.kind() == ErrorKind::NotADirectory => return Err(missing(session, path)),
            Err(error) => return Err(session.error(error.during(operation), path)),
        },
    };
    if entry.kind == Kind::File && !refresh(session, path, &mut entry).await? {
        session.known.doubt(path);
        entry = find(session, path, &parent)
            .await
            .map_err(|e| session.error(e.during(operation), path))?
            .ok_or_else(|| missing(session, path))?;
    }
    Ok(entry)
}

/// What is at `path`, symlinks followed.
pub async fn stat(session: &Arc<Session>, path: &RemotePath) -> Result<Entry> {
    let mut at = path.clone();
    for _ in 0..LINKS {
        let mut entry = lstat(session, &at).await.map_err(|e| e.about(path))?;
        if entry.kind != Kind::Symlink {
            entry.name = path.name().unwrap_or(b"/").into();
            return Ok(entry);
        }
        // A directory can be entered wherever the link leads.
        if entry.target_kind == Some(Kind::Dir) || entry.target.is_none() {
            return match probe(session, path).await {
                Ok(found) => Ok(found),
                Err(error) => Err(error.about(path)),
            };
        }
        let parent = at.parent().unwrap_or_else(RemotePath::root);
        at = parent.resolve(entry.target.as_deref().unwrap_or_default());
    }
    Err(session.error(Error::new(ErrorKind::LinkRefused, Operation::Stat), path))
}

/// Whether anything has the name, as far as that was seen lately or can be seen now.
pub async fn exists(session: &Arc<Session>, path: &RemotePath) -> Result<bool> {
    match session.known.look(path) {
        Look::Free => return Ok(false),
        Look::Taken(_) => return Ok(true),
        Look::Unknown => {}
    }
    match lstat(session, path).await {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn missing(session: &Session, path: &RemotePath) -> Error {
    session.error(Error::new(ErrorKind::NotFound, Operation::Stat), path)
}

/// A plain 550 to MLST has one cause mostly.
fn no_file(error: Error) -> Error {
    let is_550 = error.reply().is_some_and(|reply| reply.code == 550);
    if error.kind() == ErrorKind::Failure && is_550 { error.with_kind(ErrorKind::NotFound) } else { error }
}

/// The facts stand in the only line that begins with a blank: RFC 3659 section 7.2.
fn mlst(session: &Session, path: &RemotePath, raw: &RawReply) -> Result<Entry> {
    let refused = || {
        let error = Error::new(ErrorKind::Protocol, Operation::Stat).with_reply(session.log().reply(raw));
        session.error(error.with_detail("the answer to MLST cannot be read"), path)
    };
    let line = raw.lines.iter().find(|line| line.starts_with(b" ")).ok_or_else(refused)?;
    let mut entry = listing::mlst(line).map_err(|_| refused())?;
    entry.name = path.name().unwrap_or(b"/").into();
    entry.target = entry.target.filter(|target| !target.is_empty());
    Ok(entry)
}

/// `path` in the listing of `parent`.
async fn find(session: &Arc<Session>, path: &RemotePath, parent: &RemotePath) -> Result<Option<Entry>> {
    let mut batches = list::list(session, parent).await.map_err(|e| named(e, Operation::List))?;
    let mut found = None;
    loop {
        match batches.try_next().await {
            Ok(Some(batch)) => {
                // To the end: a listing that is left takes its connection with it.
                found = found.or_else(|| batch.into_iter().find(|e| Some(&*e.name) == path.name()));
            }
            Ok(None) => return Ok(found),
            Err(error) if error.kind() == ErrorKind::InvalidName => {}
            Err(error) => return Err(error),
        }
    }
}

/// A plain 550 to CWD or MLSD has one cause mostly.
fn named(error: Error, operation: Operation) -> Error {
    let is_550 = error.reply().is_some_and(|reply| reply.code == 550);
    let kind = if is_550 && error.kind() == ErrorKind::Failure { ErrorKind::NotFound } else { error.kind() };
    error.during(operation).with_kind(kind)
}

/// Size and time as they are now. False where no file is there any more.
async fn refresh(session: &Session, path: &RemotePath, entry: &mut Entry) -> Result<bool> {
    let operation = Operation::Stat;
    let features = session.features();
    if !features.has_size() {
        return Ok(true);
    }
    let mut commands = vec![session.command(operation, "SIZE", path)?];
    if features.has_mdtm() {
        commands.push(session.command(operation, "MDTM", path)?);
    }
    let replies = session.ask_all(operation, path, &commands).await?;
    let Some(size) = replies.first().and_then(size_of) else {
        return Ok(replies.first().is_some_and(RawReply::is_unknown_command));
    };
    entry.attributes.size = Some(size);
    if let Some(mtime) = replies.get(1).and_then(clock::modified) {
        entry.attributes.mtime = Some(mtime);
        entry.mtime_precision = Precision::Second;
    }
    Ok(true)
}

async fn directory(session: &Session, path: &RemotePath) -> Result<Entry> {
    let command = session.command(Operation::Stat, "CWD", path)?;
    let raw = session.ask(Operation::Stat, path, command).await?;
    if raw.is_completion() {
        return Ok(Entry::new(path.name().unwrap_or(b"/"), Kind::Dir));
    }
    Err(no_file(session.refusal(Operation::Stat, &raw, path)))
}

/// What can be told of a path without any listing; links are followed.
async fn probe(session: &Session, path: &RemotePath) -> Result<Entry> {
    let mut file = Entry::new(path.name().unwrap_or(b"/"), Kind::File);
    if session.features().has_size()
        && refresh(session, path, &mut file).await?
        && file.attributes.size.is_some()
    {
        return Ok(file);
    }
    directory(session, path).await
}

/// Commands that set what a file is to have, and read its size.
pub struct Setting {
    path: RemotePath,
    mtime: Option<Timestamp>,
    way: SetTime,
    commands: Vec<Command>,
    parts: Vec<Part>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Time,
    Mode,
    Size,
}

/// What became of a [`Setting`].
#[derive(Default)]
pub struct Outcome {
    pub size: Option<u64>,
    pub refused: Option<Error>,
}

impl Setting {
    pub fn of(session: &Session, path: &RemotePath, wanted: &Attributes, with_size: bool) -> Result<Setting> {
        let operation = Operation::SetAttributes;
        let ways = session.learnt.ways_to_set_time(session.features());
        let way = ways.first().copied().unwrap_or(SetTime::Never);
        let mut setting =
            Setting { path: path.clone(), mtime: None, way, commands: Vec::new(), parts: Vec::new() };
        let wire = session.wire(operation, path)?;
        // The mode first: one that forbids writing does not keep its owner from setting times.
        if let Some(mode) = wanted.mode
            && !session.learnt.no_chmod.load(Ordering::Relaxed)
        {
            setting.push(Part::Mode, Command::at(&format!("SITE CHMOD {:o}", mode & 0o7777), &wire, path));
        }
        if let Some(mtime) = wanted.mtime {
            setting.mtime = Some(mtime);
            if let Some(command) = time_command(way, mtime, &wire, path) {
                setting.push(Part::Time, command);
            }
        }
        if with_size && session.features().has_size() {
            setting.push(Part::Size, Command::at("SIZE", &wire, path));
        }
        Ok(setting)
    }

    fn push(&mut self, part: Part, command: Command) {
        self.parts.push(part);
        self.commands.push(command);
    }

    pub fn commands(&self) -> &[Command] {
        &self.commands
    }

    /// Sends what was not `sent` yet and hears the replies.
    pub async fn conclude(&self, session: &Session, lease: &mut Lease, sent: bool) -> Result<Outcome> {
        let operation = Operation::SetAttributes;
        let replies = if sent {
            let mut replies = Vec::new();
            for _ in &self.commands {
                replies.push(lease.final_reply(operation, PATIENCE).await?);
            }
            replies
        } else {
            lease.ask_all(operation, &self.commands, session.features().bears_pipelining()).await?
        };
        let mut outcome = Outcome::default();
        let mut time_set = self.mtime.is_none();
        let mut tried = None;
        for (part, raw) in self.parts.iter().zip(&replies) {
            match part {
                Part::Size => outcome.size = size_of(raw),
                Part::Mode if raw.is_completion() && raw.code != 202 => {}
                Part::Mode => {
                    if raw.is_unknown_command() {
                        session.learnt.no_chmod.store(true, Ordering::Relaxed);
                    }
                    outcome.refused = Some(session.refusal(operation, raw, &self.path));
                }
                Part::Time if raw.is_completion() && raw.code != 202 => time_set = true,
                Part::Time if !goes_on(self.way, raw) => {
                    time_set = true;
                    outcome.refused = Some(session.refusal(operation, raw, &self.path));
                }
                Part::Time => {
                    if raw.is_unknown_command() {
                        session.learnt.cannot_set_time_by(self.way);
                    }
                    tried = Some(session.refusal(operation, raw, &self.path));
                }
            }
        }
        if !time_set
            && let Some(mtime) = self.mtime
            && let Err(error) = self.set_time(session, lease, mtime, tried).await?
        {
            outcome.refused = Some(error);
        }
        Ok(outcome)
    }

    /// By the first way that the server knows, which is remembered; but not by the way that was
    /// `tried`.
    async fn set_time(
        &self,
        session: &Session,
        lease: &mut Lease,
        mtime: Timestamp,
        tried: Option<Error>,
    ) -> Result<std::result::Result<(), Error>> {
        let (operation, path) = (Operation::SetAttributes, &self.path);
        let wire = session.wire(operation, path)?;
        let was_tried = tried.is_some();
        let mut last = tried;
        for way in session.learnt.ways_to_set_time(session.features()) {
            if was_tried && way == self.way {
                continue;
            }
            let Some(command) = time_command(way, mtime, &wire, path) else { continue };
            let raw = lease.ask(operation, command).await?;
            if raw.is_completion() && raw.code != 202 {
                return Ok(Ok(()));
            }
            let error = session.refusal(operation, &raw, path);
            if !goes_on(way, &raw) {
                return Ok(Err(error));
            }
            if raw.is_unknown_command() {
                session.learnt.cannot_set_time_by(way);
            }
            // That a command is not there says the least.
            if last.as_ref().is_none_or(|e| e.kind() == ErrorKind::Unsupported) {
                last = Some(error);
            }
        }
        Ok(Err(last.unwrap_or_else(|| {
            let error = session.error(Error::new(ErrorKind::Unsupported, operation), path);
            error.with_detail("this server knows no command that sets times")
        })))
    }
}

/// Whether a refusal is one of the way rather than of the file. A server that does not expect the
/// time in front takes it for a name, which it does not find.
fn goes_on(way: SetTime, raw: &RawReply) -> bool {
    raw.is_unknown_command() || (matches!(way, SetTime::Mdtm | SetTime::SiteUtime) && raw.code == 550)
}

fn time_command(way: SetTime, mtime: Timestamp, wire: &[u8], path: &RemotePath) -> Option<Command> {
    let time = clock::written(mtime)?;
    let verb = match way {
        SetTime::Mfmt => format!("MFMT {time}"),
        SetTime::Mdtm => format!("MDTM {time}"),
        SetTime::SiteUtime => format!("SITE UTIME {time}"),
        SetTime::SiteUtimes => {
            let wire = [wire, format!(" {time} {time} {time} UTC").as_bytes()].concat();
            return Some(Command::at("SITE UTIME", &wire, path));
        }
        SetTime::Never => return None,
    };
    Some(Command::at(&verb, wire, path))
}

/// Sets what is `Some`, on a connection of its own.
pub async fn set(session: &Session, path: &RemotePath, wanted: &Attributes) -> Result<()> {
    let operation = Operation::SetAttributes;
    // No command sets an access time; beside another time it is not missed.
    let only_access = wanted.atime.is_some() && wanted.mtime.is_none() && wanted.mode.is_none();
    let owner = wanted.uid.is_some() || wanted.gid.is_some();
    let lacking = |what: &'static str| {
        Err(session.error(Error::new(ErrorKind::Unsupported, operation), path).with_detail(what))
    };
    if owner {
        return lacking(super::NO_OWNERS);
    }
    if only_access {
        return lacking("FTP sets no times of access");
    }
    if wanted.mode.is_some() && session.learnt.no_chmod.load(Ordering::Relaxed) {
        return lacking("this server does not know SITE CHMOD");
    }
    let setting = Setting::of(session, path, wanted, false)?;
    let mut lease = session.lend(operation, path).await?;
    let outcome = match setting.conclude(session, &mut lease, false).await {
        Ok(outcome) => outcome,
        Err(error) => {
            drop(lease);
            return Err(session.settle(session.error(error, path)).await);
        }
    };
    session.known.changed(path);
    match outcome.refused {
        // Said once: many servers set no times of directories, of which a tree may have many.
        Some(error) if wanted.mtime.is_some() && session.known.is_directory(path) => {
            if session.learnt.no_directory_times.swap(true, Ordering::Relaxed) { Ok(()) } else { Err(error) }
        }
        refused => refused.map_or(Ok(()), Err),
    }
}
