//! Further channels for uploads: sshd takes no more than 2 MiB ahead of its answers on each, so
//! that a long link is filled by several at once. Knows no data and no order of it.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use bytes::Bytes;
use futures::future::join_all;
use tokio::sync::{Notify, mpsc};

use super::{
    Session,
    channel::{Channel, Pending},
    request::{Request, open},
    response::Response,
};
use crate::fs::{Attributes, Operation, RemotePath};

/// Channels beside the first two. sshd allows ten sessions per connection (MaxSessions), and a
/// command or two may want one.
const MOST: usize = 6;

/// The further channels of a session.
#[derive(Default)]
pub struct Lanes {
    channels: Mutex<Vec<Channel>>,
    asked: AtomicBool,
    /// They are open, as many of them as the server allows.
    opened: AtomicBool,
    /// Told when they are.
    pub settled: Notify,
    next: AtomicUsize,
}

impl Lanes {
    fn open(&self) -> Vec<Channel> {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        channels.retain(|channel| channel.ended().is_none());
        channels.clone()
    }

    /// Opens them, once and in the background. A server that allows fewer gets by with those.
    pub fn ask(session: &Arc<Session>) {
        let bears_them = session.first.version().bears_channels();
        if session.lanes.asked.swap(true, Ordering::Relaxed) {
            return;
        }
        if !bears_them {
            return session.lanes.settle();
        }
        let session = Arc::downgrade(session);
        tokio::spawn(async move {
            let Some(session) = session.upgrade() else { return };
            let opened = join_all((0..MOST).map(|_| session.connection.open_sftp())).await;
            let opened = opened.into_iter().flatten();
            session.lanes.channels.lock().unwrap_or_else(PoisonError::into_inner).extend(opened);
            session.lanes.settle();
        });
    }

    fn settle(&self) {
        self.opened.store(true, Ordering::Release);
        self.settled.notify_waiters();
    }

    /// Whether no more of them are being opened.
    pub fn are_settled(&self) -> bool {
        self.opened.load(Ordering::Acquire)
    }

    /// The channel for the next upload: each in turn, with `first` among them.
    pub fn pick(&self, first: Channel) -> Channel {
        let mut channels = self.open();
        channels.push(first);
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % channels.len();
        channels.swap_remove(turn)
    }
}

/// A file that is open on one channel; closed when dropped.
pub struct Lane {
    pub channel: Channel,
    pub handle: Bytes,
    /// Bytes on their way on it.
    pub ahead: usize,
    closed: bool,
}

impl Lane {
    pub fn new(channel: Channel, handle: Bytes) -> Lane {
        Lane { channel, handle, ahead: 0, closed: false }
    }

    /// Closes it, with the answer to hear.
    pub fn close(mut self) -> Pending {
        self.closed = true;
        self.channel.send(Operation::Close, Request::Close { handle: &self.handle })
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        if !self.closed {
            drop(self.channel.send(Operation::Close, Request::Close { handle: &self.handle }));
        }
    }
}

/// Opens a file that exists on every further channel but `own`; each arrives when the server has
/// answered. `None` while there are no such channels.
pub fn widen(session: &Session, own: &Channel, path: &RemotePath) -> Option<mpsc::UnboundedReceiver<Lane>> {
    let channels = session.lanes.open();
    if channels.is_empty() {
        return None;
    }
    let (sender, arriving) = mpsc::unbounded_channel();
    let nothing = Attributes::default();
    let request = Request::Open { path: path.as_bytes(), pflags: open::WRITE, attributes: &nothing };
    for channel in channels.into_iter().chain([session.data_channel()]) {
        if channel.is(own) {
            continue;
        }
        let opened = channel.send(Operation::Open, request);
        let sender = sender.clone();
        tokio::spawn(async move {
            if let Ok(Response::Handle(handle)) = opened.response().await {
                // Where nobody wants it any more, dropping it closes it.
                let _ = sender.send(Lane::new(channel, handle));
            }
        });
    }
    Some(arriving)
}
