//! The end of a write: the end of the data, the server's word on it, then time, permissions and
//! size. Must send no data.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use super::{
    super::{
        attributes::Setting,
        control::{LONG_PATIENCE, PATIENCE, lost},
        reply_reader::RawReply,
        session::STALLED,
        stream::Stream,
    },
    LAST_WORDS, Writer,
};
use crate::fs::{Attributes, Error, ErrorKind, Operation, Result, Written};

impl Writer {
    /// Data did not go: what the server says of it counts for more.
    pub(super) async fn broken(&mut self, error: Error) -> Error {
        self.data = None;
        let Some(mut lease) = self.lease.take() else { return error };
        let said = async {
            loop {
                let raw = lease.reply(Operation::Write, PATIENCE).await?;
                if !raw.is_preliminary() {
                    return Ok::<_, Error>(raw);
                }
                self.first = Some(raw);
            }
        };
        let said = timeout(LAST_WORDS, said).await;
        // Finding out more may need a connection.
        drop(lease);
        match said {
            Ok(Ok(raw)) if !raw.is_completion() => self.refused(&raw).await,
            _ => error,
        }
    }

    /// Hears 150 and 226, while what the other side still sends on the data connection is read:
    /// closing a socket with something unread would take back what has not arrived yet.
    async fn conclusion(&mut self, mut data: Stream) -> Result<RawReply> {
        let Some(lease) = &mut self.lease else {
            return Err(Error::new(ErrorKind::ConnectionLost, Operation::Close));
        };
        let drained = async {
            let mut rest = [0; 1024];
            while matches!(data.read(&mut rest).await, Ok(read) if read > 0) {}
            std::future::pending::<()>().await;
        };
        let first = &mut self.first;
        let said = async {
            loop {
                let raw = lease.reply(Operation::Close, LONG_PATIENCE).await?;
                if !raw.is_preliminary() {
                    return Ok(raw);
                }
                *first = Some(raw);
            }
        };
        tokio::select! {
            raw = said => raw,
            () = drained => Err(Error::new(ErrorKind::ConnectionLost, Operation::Close)),
        }
    }

    /// What is to be set once the data is there.
    fn wanted(&self) -> Attributes {
        let created = self.options.create_mode.filter(|_| self.options.resume.is_none());
        let mode = self.options.attributes.mode.or(created);
        Attributes { mode, ..self.options.attributes.clone() }
    }

    pub(super) async fn conclude(&mut self) -> Result<Written> {
        if self.holds_back {
            self.release_held().await?;
        }
        if self.data.is_none() {
            self.open().await?;
        }
        let gone = || Error::new(ErrorKind::ConnectionLost, Operation::Close);
        let mut data = self.data.take().ok_or_else(gone)?;
        // Under TLS this says that all was said, which tells an end from a cut.
        let error = match timeout(STALLED, data.shutdown()).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(lost(Operation::Close, &error)),
            Err(_) => Some(Error::new(ErrorKind::Timeout, Operation::Close)),
        };
        if let Some(error) = error {
            return Err(self.broken(error).await);
        }
        let setting = Setting::of(&self.session, &self.path, &self.wanted(), true)?;
        // A new file can be set right behind its data without waiting for the word that it is
        // whole: if it is not, nobody uses it. What existed before is left alone until then.
        let overlap = self.options.exclusive && self.session.features().bears_overlap();
        if overlap && let Some(lease) = &mut self.lease {
            if self.session.data.works_ahead() {
                lease.send_port_ahead(Operation::SetAttributes, setting.commands()).await?;
            } else {
                lease.send(Operation::SetAttributes, setting.commands()).await?;
            }
        }
        let raw = self.conclusion(data).await?;
        if !raw.is_completion() {
            if overlap {
                self.lease = None;
            }
            self.release().await;
            return Err(self.refused(&raw).await);
        }
        let mut lease = self.lease.take().ok_or_else(gone)?;
        let outcome = match setting.conclude(&self.session, &mut lease, overlap).await {
            Ok(outcome) => outcome,
            // The data is whole; what became of its time and mode is not known.
            Err(error) => {
                drop(lease);
                let error = self.session.settle(self.session.error(error, &self.path)).await;
                if error.kind().ends_session() {
                    return Err(error);
                }
                return Ok(Written { size: None, attributes_refused: Some(error) });
            }
        };
        self.session.prepare_next(&mut lease, Operation::Close).await;
        self.session.known.changed(&self.path);
        if let Some(size) = outcome.size
            && size != self.base() + self.sent
        {
            let sent = self.base() + self.sent;
            return Err(Error::new(ErrorKind::Mismatch, Operation::Close)
                .with_detail(format!("{sent} bytes were sent, but the server has {size}")));
        }
        // A server without SIZE has said that it took everything; there is nothing to compare.
        Ok(Written { size: outcome.size, attributes_refused: outcome.refused })
    }
}
