//! Listing a directory: several READDIRs in flight on one handle, links looked up along the
//! way. Refuses names that are not one component. Knows no sorting and no screen.

use std::{collections::VecDeque, sync::Arc, time::Instant};

use bytes::Bytes;
use futures::{StreamExt, stream};

use super::{
    Session,
    channel::{Channel, Pending, unexpected},
    link_text,
    request::Request,
    requests,
    response::{self, Name, Response},
};
use crate::{
    fs::{Entry, EntryStream, Error, ErrorKind, Kind, Operation, RemotePath, Result, path::check_name},
    reply::{self, Reply},
};

/// READDIRs sent at once to a directory of unknown size: the second of them already gets the
/// end of a small one.
const FIRST: usize = 2;

/// READDIRs in flight at most.
const MOST: usize = 64;

/// Where an answer has so many names, there are more by the hundred: no time is lost in finding out
/// how many.
const FULL: usize = 64;

/// Names after which a listing is taken for one that never ends.
const MOST_NAMES: u64 = 5_000_000;

/// Answers without a name, in one listing.
const MOST_EMPTY: u64 = 1000;

/// Refused names of one listing that are told one by one.
const REFUSED: u64 = 100;

pub async fn list(session: Arc<Session>, path: &RemotePath) -> Result<EntryStream> {
    let channel = session.query_channel();
    let started = Instant::now();
    let request = Request::OpenDir { path: path.as_bytes() };
    let response =
        channel.send(Operation::List, request).response().await.map_err(|e| session.error(e, path))?;
    session.log(&request, Some(path), &response, started);
    let handle = match response {
        Response::Handle(handle) => handle,
        other => return Err(session.error(unexpected(Operation::List, &other), path)),
    };
    let lister = Lister {
        session,
        channel,
        path: path.clone(),
        handle: Some(handle),
        in_flight: VecDeque::new(),
        depth: FIRST,
        refused: VecDeque::new(),
        refusals: 0,
        named: 0,
        empty: 0,
        entries: 0,
        requests: 0,
        started,
    };
    // Refused names do not end the stream, so that try_unfold cannot be used.
    let batches = stream::unfold(Some(lister), |lister| async move {
        let mut lister = lister?;
        match lister.next_batch().await {
            Ok(Some(batch)) => Some((Ok(batch), Some(lister))),
            Ok(None) => None,
            Err(error) if error.kind() == ErrorKind::InvalidName => Some((Err(error), Some(lister))),
            Err(error) => Some((Err(error), None)),
        }
    });
    Ok(batches.fuse().boxed())
}

struct Lister {
    session: Arc<Session>,
    channel: Channel,
    path: RemotePath,
    /// Closed when dropped.
    handle: Option<Bytes>,
    in_flight: VecDeque<Pending>,
    depth: usize,
    refused: VecDeque<Error>,
    refusals: u64,
    /// Names so far, and answers that had none.
    named: u64,
    empty: u64,
    entries: u64,
    requests: u64,
    started: Instant,
}

impl Lister {
    async fn next_batch(&mut self) -> Result<Option<Vec<Entry>>> {
        loop {
            if let Some(error) = self.refused.pop_front() {
                return Err(error);
            }
            let Some(handle) = &self.handle else { return Ok(None) };
            while self.in_flight.len() < self.depth {
                let request = Request::ReadDir { handle };
                self.in_flight.push_back(self.channel.send(Operation::List, request));
                self.requests += 1;
            }
            let Some(first) = self.in_flight.pop_front() else { return Ok(None) };
            match first.response().await.map_err(|e| self.session.error(e, &self.path))? {
                Response::Names(names) => {
                    self.named += names.len() as u64;
                    self.empty += u64::from(names.is_empty());
                    if self.named > MOST_NAMES || self.empty > MOST_EMPTY {
                        let error = Error::new(ErrorKind::Protocol, Operation::List)
                            .with_detail("the listing does not end");
                        return Err(self.session.error(error, &self.path));
                    }
                    self.depth = if names.len() >= FULL { MOST } else { (self.depth * 2).min(MOST) };
                    let batch = self.entries_of(names).await?;
                    self.entries += batch.len() as u64;
                    if !batch.is_empty() {
                        return Ok(Some(batch));
                    }
                }
                Response::Status { code: reply::SFTP_EOF, text } => {
                    let names = if self.entries == 1 { "name" } else { "names" };
                    let request =
                        format!("READDIR, {} {names}, in {}", self.entries, requests(self.requests));
                    let reply = Reply::sftp(reply::SFTP_EOF, text);
                    self.session.log_as(request, Some(&self.path), reply, self.started);
                    self.close();
                    if self.refusals > REFUSED {
                        let more = self.refusals - REFUSED;
                        self.refuse(format!("{more} more names were none"));
                    }
                }
                other => {
                    let error = self.session.error(unexpected(Operation::List, &other), &self.path);
                    if let Some(reply) = error.reply() {
                        let request = "READDIR".to_owned();
                        self.session.log_as(request, Some(&self.path), reply.clone(), self.started);
                    }
                    return Err(error);
                }
            }
        }
    }

    async fn entries_of(&mut self, names: Vec<Name>) -> Result<Vec<Entry>> {
        let mut batch = Vec::with_capacity(names.len());
        let mut links = Vec::new();
        for name in names {
            if matches!(&name.name[..], b"." | b"..") {
                continue;
            }
            if let Err(why) = check_name(&name.name) {
                self.refusals += 1;
                if self.refusals <= REFUSED {
                    let shown = String::from_utf8_lossy(&name.name).into_owned();
                    self.refuse(format!("the server listed {shown:?}: {why}"));
                }
                continue;
            }
            let entry = self.entry_of(name);
            if entry.kind == Kind::Symlink {
                let path = self.path.join(&entry.name);
                let stat = self.channel.send(Operation::Stat, Request::Stat { path: path.as_bytes() });
                let target =
                    self.channel.send(Operation::ReadLink, Request::ReadLink { path: path.as_bytes() });
                links.push((batch.len(), stat, target));
            }
            batch.push(entry);
        }
        for (index, stat, target) in links {
            let stat = stat.response().await.map_err(|e| self.session.error(e, &self.path))?;
            let target = target.response().await.map_err(|e| self.session.error(e, &self.path))?;
            let Some(entry) = batch.get_mut(index) else { continue };
            // A dangling or unreadable link stays a link without a known target.
            if let Response::Attributes(found) = stat {
                entry.target_kind = found.kind;
            }
            if let Response::Names(names) = target {
                let path = self.path.join(&entry.name);
                let size = entry.attributes.size;
                entry.target = names.into_iter().next().map(|name| match self.session.sees_links() {
                    true => Box::from(&name.name[..]),
                    false => link_text::text_of(&path, &name.name, size).into(),
                });
            }
        }
        Ok(batch)
    }

    fn refuse(&mut self, why: String) {
        let error = Error::new(ErrorKind::InvalidName, Operation::List).with_detail(why);
        self.refused.push_back(self.session.error(error, &self.path));
    }

    fn entry_of(&self, name: Name) -> Entry {
        let mut entry = Entry::new(&name.name[..], name.attributes.kind_or_guess(&name.long));
        entry.special = name.attributes.special;
        entry.attributes = name.attributes.attributes;
        if let Some((owner, group)) = response::owner_and_group(&name.long) {
            entry.owner = Some(self.session.intern(owner));
            entry.group = Some(self.session.intern(group));
        }
        entry
    }

    fn close(&mut self) {
        if let Some(handle) = self.handle.take() {
            drop(self.channel.send(Operation::Close, Request::Close { handle: &handle }));
        }
    }
}

impl Drop for Lister {
    fn drop(&mut self) {
        self.close();
    }
}
