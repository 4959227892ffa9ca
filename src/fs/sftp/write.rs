//! Writing a file: WRITEs run ahead of their answers, and only the answer to CLOSE makes the
//! file whole. Knows no source and no plan.

use std::{collections::VecDeque, sync::Arc, time::Instant};

use async_trait::async_trait;
use bytes::Bytes;

use super::{
    Session,
    channel::{Channel, Pending, unexpected},
    request::{Request, open},
    requests,
    response::Response,
    window::Permit,
};
use crate::{
    fs::{Attributes, Error, Operation, RemotePath, Result, Sink, WriteOptions, Written},
    reply::{self, Reply},
};

/// Creates `path` and returns what takes its bytes.
pub async fn write(session: Arc<Session>, path: &RemotePath, options: WriteOptions) -> Result<Box<dyn Sink>> {
    let channel = session.data_channel();
    let started = Instant::now();
    let how = if options.exclusive { open::EXCL } else { open::TRUNC };
    let create = Attributes { mode: options.create_mode, ..Attributes::default() };
    let request =
        Request::Open { path: path.as_bytes(), pflags: open::WRITE | open::CREAT | how, attributes: &create };
    let response =
        channel.send(Operation::Open, request).response().await.map_err(|e| session.error(e, path))?;
    session.log(&request, Some(path), &response, started);
    let handle = match response {
        Response::Handle(handle) => handle,
        // Version 3 has no status for "exists"; servers say FAILURE. The caller asks what stands
        // there.
        other => return Err(session.error(unexpected(Operation::Open, &other), path)),
    };
    Ok(Box::new(Writer {
        chunk: session.limits().write as usize,
        session,
        channel,
        path: path.clone(),
        handle: Some(handle),
        offset: 0,
        gathered: Vec::new(),
        gathered_len: 0,
        in_flight: VecDeque::new(),
        requests: 0,
        started,
        attributes: options.attributes,
    }))
}

struct Writer {
    session: Arc<Session>,
    channel: Channel,
    path: RemotePath,
    handle: Option<Bytes>,
    /// Offset of the next WRITE.
    offset: u64,
    chunk: usize,
    gathered: Vec<Bytes>,
    gathered_len: usize,
    in_flight: VecDeque<Pending>,
    requests: u64,
    started: Instant,
    attributes: Attributes,
}

impl Writer {
    fn request(&mut self, payload: Vec<Bytes>, len: usize, permit: Permit) {
        let Some(handle) = &self.handle else { return };
        let request = Request::Write { handle, offset: self.offset, len: len as u32 };
        self.in_flight.push_back(self.channel.send_data(Operation::Write, request, payload, permit));
        self.offset += len as u64;
        self.requests += 1;
    }

    /// Takes the first `len` bytes of what was gathered.
    fn cut(&mut self, len: usize) -> Vec<Bytes> {
        let mut out = Vec::new();
        let mut missing = len;
        let mut rest = std::mem::take(&mut self.gathered).into_iter();
        for mut piece in rest.by_ref() {
            if piece.len() > missing {
                out.push(piece.split_to(missing));
                self.gathered.push(piece);
                break;
            }
            missing -= piece.len();
            out.push(piece);
            if missing == 0 {
                break;
            }
        }
        self.gathered.extend(rest);
        self.gathered_len -= len;
        out
    }

    async fn settle(&self, pending: Pending) -> Result<()> {
        pending.ok().await.map_err(|error| self.failed(error))
    }

    /// Looks at the answers that have arrived, without waiting, so that an error shows early.
    fn settle_arrived(&mut self) -> Result<()> {
        while let Some(outcome) = self.in_flight.front_mut().and_then(Pending::arrived) {
            self.in_flight.pop_front();
            outcome.map_err(|error| self.failed(error))?;
        }
        Ok(())
    }

    fn failed(&self, error: Error) -> Error {
        if let Some(reply) = error.reply() {
            self.session.log_as("WRITE".into(), Some(&self.path), reply.clone(), self.started);
        }
        self.session.error(error, &self.path)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if let Some(handle) = self.handle.take() {
            drop(self.channel.send(Operation::Close, Request::Close { handle: &handle }));
        }
    }
}

#[async_trait]
impl Sink for Writer {
    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        self.gathered_len += chunk.len();
        self.gathered.push(chunk);
        self.settle_arrived()?;
        while self.gathered_len >= self.chunk {
            let permit = self.session.write_window.take(self.chunk).await;
            let payload = self.cut(self.chunk);
            self.request(payload, self.chunk, permit);
        }
        Ok(())
    }

    /// The last WRITE, FSETSTAT, FSTAT and CLOSE leave together: one round trip behind the data.
    async fn finish(mut self: Box<Self>) -> Result<Written> {
        if self.gathered_len > 0 {
            let len = self.gathered_len;
            let permit = self.session.write_window.take(len + 256).await;
            let payload = self.cut(len);
            self.request(payload, len, permit);
        }
        let Some(handle) = self.handle.take() else { return Ok(Written::default()) };
        let wants_attributes = self.attributes != Attributes::default();
        let set = wants_attributes.then(|| {
            let request = Request::FSetStat { handle: &handle, attributes: &self.attributes };
            self.channel.send(Operation::SetAttributes, request)
        });
        let stat = self.channel.send(Operation::Stat, Request::FStat { handle: &handle });
        let close = self.channel.send(Operation::Close, Request::Close { handle: &handle });
        while let Some(first) = self.in_flight.pop_front() {
            self.settle(first).await?;
        }
        if self.requests > 0 {
            let request = format!("WRITE {} bytes in {}", self.offset, requests(self.requests));
            self.session.log_as(request, Some(&self.path), Reply::sftp(reply::SFTP_OK, ""), self.started);
        }
        let mut written = Written::default();
        if let Some(set) = set {
            let reply = set.status().await.map_err(|e| self.session.error(e, &self.path))?;
            self.session.log_as("FSETSTAT".into(), Some(&self.path), reply.clone(), self.started);
            if reply.code != reply::SFTP_OK {
                let error = Error::sftp(Operation::SetAttributes, reply);
                written.attributes_refused = Some(self.session.error(error, &self.path));
            }
        }
        if let Response::Attributes(found) =
            stat.response().await.map_err(|e| self.session.error(e, &self.path))?
        {
            written.size = found.attributes.size;
        }
        let reply = close.status().await.map_err(|e| self.session.error(e, &self.path))?;
        self.session.log_as("CLOSE".into(), Some(&self.path), reply.clone(), self.started);
        if reply.code != reply::SFTP_OK {
            return Err(self.session.error(Error::sftp(Operation::Close, reply), &self.path));
        }
        Ok(written)
    }
}
