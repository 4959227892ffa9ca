//! Copies one file from any file system to any: to a temporary name, checked, then renamed.
//! Knows no protocol, no queue and no policy.

mod within;

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures::StreamExt;

use within::Within;

use super::{
    Verified,
    apart::Apart,
    journal::Journal,
    limit::Throttle,
    part::{Left, NAMES, Part, about_target, source_of, unfinished},
    remove::{Listed, is_unchanged},
    resume::{Resumed, behind, cut_back, resume},
    step::CopyFile,
    verify::{self, Summing},
};
use crate::fs::{
    Checksum, Error, ErrorKind, FileSystem, Operation, ReadOptions, RemotePath, Result, Sink, WriteOptions,
};

/// What the record hears of how far a file is: after so many bytes, or so long.
const NOTED: u64 = 8 << 20;
const NOTED_AFTER: Duration = Duration::from_secs(1);

/// A file of a server that took so long to read is looked at again.
const LOOKED_AT_AGAIN: Duration = Duration::from_secs(1);
/// How often a file is gone on with in a row whose connection fails, without a byte more of it.
const AGAIN: u32 = 3;

/// How long removing an unfinished file may take: a server that is about to be lost may not answer.
const CLEARING: Duration = Duration::from_secs(3);

/// What became of a copy that succeeded.
#[derive(Debug, Default)]
pub struct Copied {
    pub bytes: u64,
    /// How it was verified, where that was asked for.
    pub verified: Option<Verified>,
    /// The source is not what the listing said: how that shows.
    pub changed: Option<Error>,
    /// Worth telling, though the data is whole.
    pub warnings: Vec<Error>,
}

/// The bytes are at the target; nobody has looked at them there yet.
struct Poured {
    copied: Copied,
    /// Of the whole source; `None` where none was asked for.
    sum: Option<Checksum>,
}

/// What a copy tells while it runs, and what holds it back.
#[derive(Clone, Copy)]
pub struct Flow<'a> {
    /// Bytes that the target has taken.
    pub moved: &'a AtomicU64,
    /// Those of this file among them.
    pub own: &'a AtomicU64,
    /// Bytes that were moved just now, without those that were there already. Only grows.
    pub carried: &'a AtomicU64,
    /// Files that are whole and looked at once more.
    pub checking: &'a AtomicU64,
    pub throttle: &'a Throttle,
    /// Is told what was begun, how far it is, and what is done.
    pub journal: &'a Journal,
    pub apart: &'a Apart,
}

/// Copies `file`, from where an earlier run has left it if that can be. On failure whatever stood
/// at the target still stands there. The temporary file is removed, unless it was the connection
/// that failed: then the journal knows it.
pub async fn file(
    from: &dyn FileSystem,
    to: &dyn FileSystem,
    file: &CopyFile,
    part: &mut Part,
    flow: Flow<'_>,
) -> Result<Copied> {
    let copying = Copying { from, to, file, flow };
    let copied = match file.resume {
        Some(there) => copying.complete(there).await,
        None => copying.beside(part).await,
    };
    let about = |error| about_target(error, part.path(), &file.target);
    let mut copied = copied.map_err(about)?;
    copied.warnings = copied.warnings.into_iter().map(about).collect();
    Ok(copied)
}

/// One copy under way.
#[derive(Clone, Copy)]
struct Copying<'a> {
    from: &'a dyn FileSystem,
    to: &'a dyn FileSystem,
    file: &'a CopyFile,
    flow: Flow<'a>,
}

impl Copying<'_> {
    /// Goes on where one connection of several failed, as long as it comes further.
    async fn beside(self, part: &mut Part) -> Result<Copied> {
        let mut tries = 0;
        let mut reached = 0;
        loop {
            let error = match self.once(part).await {
                Err(error) if error.is_passing() && !self.to.is_lost() && !self.from.is_lost() => error,
                ended => return ended,
            };
            if part.reached > reached {
                (tries, reached) = (0, part.reached);
            }
            if tries >= AGAIN || !self.to.capabilities().written_in_order {
                self.clear(part.path()).await;
                return Err(error);
            }
            tries += 1;
            tracing::info!(%error, tries, "one connection failed; going on");
            self.flow.moved.fetch_sub(self.flow.own.swap(0, Ordering::Relaxed), Ordering::Relaxed);
            part.left = Left::Begun(0);
        }
    }

    async fn once(self, part: &mut Part) -> Result<Copied> {
        let told = match std::mem::replace(&mut part.left, Left::Nothing) {
            Left::Nothing => None,
            Left::Useless => {
                self.remove_left(part.path()).await?;
                None
            }
            Left::Begun(offset) => match resume(self.from, self.to, self.file, part.path(), offset).await? {
                Resumed::At(sink, offset) => {
                    part.reached = part.reached.max(offset);
                    self.count_as_there(offset);
                    let poured = self.pour(sink, offset).await;
                    return self.conclude(part.path(), poured).await;
                }
                Resumed::Not(why) => {
                    self.remove_left(part.path()).await?;
                    why
                }
            },
        };
        let mut copied = self.anew(part).await?;
        copied.warnings.extend(told);
        Ok(copied)
    }

    async fn remove_left(self, part: &RemotePath) -> Result<()> {
        match self.to.remove_file(part).await {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Removes what there is of an unfinished file, if that can be done soon.
    async fn clear(self, part: &RemotePath) {
        let _ = tokio::time::timeout(CLEARING, self.to.remove_file(part)).await;
    }

    /// Counts bytes that were moved.
    fn count(self, bytes: u64) {
        self.flow.carried.fetch_add(bytes, Ordering::Relaxed);
        self.count_as_there(bytes);
    }

    /// Counts bytes that are at the target, whoever has moved them.
    fn count_as_there(self, bytes: u64) {
        self.flow.moved.fetch_add(bytes, Ordering::Relaxed);
        self.flow.own.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Copies from the start.
    async fn anew(self, part: &mut Part) -> Result<Copied> {
        let mut names = 0;
        loop {
            self.flow.journal.begin(self.from.id(), self.file, part.path());
            let outcome = match self.within(part.path()).await {
                Some(copied) => copied,
                None => match self.to.write(part.path(), unfinished(self.from, self.file)).await {
                    Ok(sink) => self.pour(sink, 0).await,
                    Err(error) => Err(error),
                },
            };
            match outcome {
                // Another program is writing there, or was; a sink may find that only at its end.
                Err(error) if error.kind() == ErrorKind::AlreadyExists && names < NAMES => {
                    names += 1;
                    part.renew(&self.file.target);
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(error),
                Err(error) if forbids_names(&error, part.path()) && self.file.replace => {
                    return self.in_place(error).await;
                }
                outcome => return self.conclude(part.path(), outcome).await,
            }
        }
    }

    /// Gives a whole file its name once it was looked at, or clears away what there is of it.
    async fn conclude(self, part: &RemotePath, poured: Result<Poured>) -> Result<Copied> {
        let whole = match poured {
            Ok(poured) => self.looked_at(part, poured).await,
            Err(error) => Err(error),
        };
        let whole = match whole {
            Ok(copied) if self.file.moves && self.file.replace => {
                self.flow.apart.check(self.from, &self.file.source, part).await.map(|()| copied)
            }
            whole => whole,
        };
        let error = match whole {
            Ok(copied) => match self.to.rename(part, &self.file.target, self.file.replace).await {
                Ok(()) => {
                    self.flow.journal.done(self.from.id(), &self.file.source);
                    return Ok(copied);
                }
                Err(error) => replace_error(error, self.file),
            },
            Err(error) => error,
        };
        // What a lost connection has left can be written on.
        if !error.kind().ends_session() && !error.is_passing() && !self.to.is_lost() {
            self.clear(part).await;
        }
        Err(error)
    }

    /// Compares the checksums where that was asked for.
    async fn looked_at(self, at: &RemotePath, poured: Poured) -> Result<Copied> {
        let Poured { mut copied, sum } = poured;
        if let Some(sum) = sum {
            self.flow.checking.fetch_add(1, Ordering::Relaxed);
            let checking = self.flow.checking;
            scopeguard::defer! { checking.fetch_sub(1, Ordering::Relaxed); }
            copied.verified = Some(verify::check(self.to, at, &sum).await?);
        }
        Ok(copied)
    }

    /// Lets a file system copy by itself where source and target are both on it. `None` where the
    /// bytes have to be moved after all.
    async fn within(self, part: &RemotePath) -> Option<Result<Poured>> {
        let Copying { from, to, file, flow } = self;
        if from.id() != to.id() || !to.capabilities().copy_within {
            return None;
        }
        let (pace, since) = (Within::of(self), Instant::now());
        let outcome = to.copy_within(&file.source, part, unfinished(from, file), &pace).await;
        let bytes = pace.bytes();
        match outcome {
            Ok(written) => {
                let mut copied = Copied { bytes: written.size.unwrap_or(bytes), ..Copied::default() };
                copied.warnings.extend(written.attributes_refused);
                copied.changed = self.changed(copied.bytes, since).await;
                if !file.verify {
                    return Some(Ok(Poured { copied, sum: None }));
                }
                let summed = verify::sum(from, &file.source, to.preferred_checksum()).await;
                Some(summed.map(|sum| Poured { copied, sum: Some(sum) }))
            }
            Err(error)
                if error.kind().ends_session()
                    || matches!(error.kind(), ErrorKind::NoSpace | ErrorKind::AlreadyExists) =>
            {
                Some(Err(error))
            }
            // Whatever it is: if moving the bytes fails as well, that says why.
            Err(error) => {
                flow.moved.fetch_sub(bytes, Ordering::Relaxed);
                flow.own.fetch_sub(bytes, Ordering::Relaxed);
                if error.kind() != ErrorKind::Unsupported {
                    let _ = to.remove_file(part).await;
                }
                None
            }
        }
    }

    /// Where the directory forbids new names, an existing file can still be written over.
    async fn in_place(self, why: Error) -> Result<Copied> {
        let file = self.file;
        if self.may_be_its_own_target().await {
            return Err(why);
        }
        let options = WriteOptions {
            exclusive: false,
            create_mode: None,
            attributes: file.attributes.clone(),
            expected_size: file.size,
            sync: true,
            source: source_of(self.from),
            ..WriteOptions::default()
        };
        let Ok(sink) = self.to.write(&file.target, options).await else { return Err(why) };
        let poured = self.pour(sink, 0).await?;
        let mut copied = self.looked_at(&file.target, poured).await?;
        self.flow.journal.done(self.from.id(), &file.source);
        copied.warnings.push(
            why.at(&file.target).with_detail("the directory takes no new names, so it was written in place"),
        );
        Ok(copied)
    }

    /// Whether what stands at the target cannot be told from the source. Opened to be written over, a file
    /// that is its own source would be empty before it has been read.
    async fn may_be_its_own_target(self) -> bool {
        let (source, target) =
            tokio::join!(self.from.stat(&self.file.source), self.to.stat(&self.file.target));
        match (source, target) {
            (Ok(source), Ok(target)) => is_unchanged(&Listed::from(&source), &target),
            _ => true,
        }
    }

    /// Moves the bytes from `start` on, and sums up all of the file where it is to be verified.
    async fn pour(self, mut sink: Box<dyn Sink>, start: u64) -> Result<Poured> {
        let Copying { from, to, file, flow } = self;
        let mut summing = file.verify.then(|| Summing::new(to.preferred_checksum()));
        if let Some(summing) = &mut summing {
            // What an earlier run has moved was summed up by nobody.
            verify::add_start(from, &file.source, start, summing).await?;
        }
        let since = Instant::now();
        let options = ReadOptions { offset: start, expected_size: file.size };
        let at_source = |error: Error| error.on(from.id().as_str());
        let mut stream = from.read(&file.source, options).await.map_err(at_source)?;
        let mut copied = Copied { bytes: start, ..Copied::default() };
        let mut noted = (start, Instant::now());
        while let Some(chunk) = stream.next().await {
            let moved = match chunk {
                Ok(chunk) => {
                    if let Some(summing) = &mut summing {
                        summing.add(&chunk).await;
                    }
                    self.pass(&mut *sink, chunk, &mut copied).await
                }
                Err(error) => Err(at_source(error)),
            };
            let arrived = sink.acknowledged();
            let due = arrived >= noted.0 + NOTED || (arrived > noted.0 && noted.1.elapsed() >= NOTED_AFTER);
            if due || (moved.is_err() && arrived > noted.0) {
                flow.journal.arrived(from.id(), &file.source, arrived);
                noted = (arrived, Instant::now());
            }
            moved?;
        }
        let written = sink.finish().await;
        if written.is_err() && sink.acknowledged() > noted.0 {
            // All that was on its way may have arrived while it was waited for.
            flow.journal.arrived(from.id(), &file.source, sink.acknowledged());
        }
        let written = written?;
        if let Some(size) = written.size
            && size != copied.bytes
        {
            return Err(Error::new(ErrorKind::Mismatch, Operation::Write)
                .at(&file.target)
                .with_detail(format!("{} bytes were sent, but the file has {size}", copied.bytes)));
        }
        copied.warnings.extend(written.attributes_refused);
        copied.changed = self.changed(copied.bytes, since).await;
        let sum = match summing {
            Some(summing) => Some(summing.finish().await?),
            None => None,
        };
        Ok(Poured { copied, sum })
    }

    async fn pass(self, sink: &mut dyn Sink, chunk: Bytes, copied: &mut Copied) -> Result<()> {
        let len = chunk.len() as u64;
        self.flow.throttle.pass(len).await;
        sink.write(chunk).await?;
        copied.bytes += len;
        self.count(len);
        Ok(())
    }

    /// What to say where a file is not what the listing said, now that it has been read. Where asking
    /// costs a round trip, only what took a while to read is looked at again: a sync finds the rest by
    /// its time.
    async fn changed(self, bytes: u64, since: Instant) -> Option<Error> {
        let Copying { from, file, .. } = self;
        let say = |what: String| {
            let error =
                Error::new(ErrorKind::Mismatch, Operation::Read).at(&file.source).on(from.id().as_str());
            Some(error.with_detail(format!("it changed while it was copied: {what}")))
        };
        if let Some(size) = file.size.filter(|size| *size != bytes) {
            return say(format!("{size} bytes when listed, {bytes} when read"));
        }
        if from.capabilities().remote && since.elapsed() < LOOKED_AT_AGAIN {
            return None;
        }
        let listed = Listed { size: file.size, mtime: file.mtime, precision: file.mtime_precision };
        match from.stat(&file.source).await {
            Ok(now) if now.attributes.size != file.size && now.attributes.size.is_some() => {
                say(format!("it has {} bytes by now", now.attributes.size.unwrap_or_default()))
            }
            Ok(now) if !is_unchanged(&listed, &now) => say("it was written to".to_owned()),
            Ok(_) => None,
            Err(error) if error.kind() == ErrorKind::NotFound => say("it is not there any more".to_owned()),
            // That it cannot be told is no reason for a word.
            Err(_) => None,
        }
    }

    /// Completes a file that is there in part, where it stands.
    async fn complete(self, there: u64) -> Result<Copied> {
        let Copying { from, to, file, flow } = self;
        let sink = behind(from, to, file, there).await?;
        flow.journal.begin_whole(from.id(), file);
        flow.moved.fetch_add(there, Ordering::Relaxed);
        let poured = self.pour(sink, there).await?;
        match self.looked_at(&file.target, poured).await {
            Ok(copied) => {
                flow.journal.done(from.id(), &file.source);
                Ok(copied)
            }
            Err(error) if error.kind() == ErrorKind::Mismatch => {
                let back = cut_back(from, to, file, there).await.is_ok();
                let said = error.detail().unwrap_or_default().to_owned();
                Err(if back {
                    error.with_detail(format!("{said}; it is as long again as it was"))
                } else {
                    error
                })
            }
            Err(error) => Err(error),
        }
    }
}

/// Whether the target takes no file under the temporary name; a small one shows that only when
/// it is finished. The source's own refusals are about another path.
fn forbids_names(error: &Error, part: &RemotePath) -> bool {
    error.kind() == ErrorKind::PermissionDenied
        && error.operation() == Operation::Open
        && error.path() == Some(part)
}

fn replace_error(error: Error, file: &CopyFile) -> Error {
    match error.kind() {
        ErrorKind::AlreadyExists => error
            .with_kind(ErrorKind::Conflict)
            .with_detail("it appeared at the target while this was being copied; nothing was replaced"),
        ErrorKind::Unsupported if file.replace => error.with_detail(
            "the server cannot replace a file in one step; delete the old one first, or copy under another name",
        ),
        _ => error,
    }
}

#[cfg(test)]
mod tests;
