//! Further channels for uploads: sshd takes no more than 2 MiB ahead of its answers on each, so
//! that a long link is filled by several at once. Knows no data and no order of it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use futures::{StreamExt, stream::FuturesUnordered};
use tokio::sync::{mpsc, watch};

use super::{
    Session,
    channel::Channel,
    lane::Lane,
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
    opened: watch::Sender<Opened>,
    asked: AtomicBool,
    next: AtomicUsize,
}

/// Those that are there. A server may take its time for each.
#[derive(Default)]
struct Opened {
    channels: Vec<Channel>,
    /// No more of them are being opened.
    all: bool,
}

impl Lanes {
    fn open(&self) -> Vec<Channel> {
        self.opened.borrow().channels.iter().filter(|channel| channel.ended().is_none()).cloned().collect()
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
            let mut opening: FuturesUnordered<_> =
                (0..MOST).map(|_| session.connection.open_sftp()).collect();
            while let Some(opened) = opening.next().await {
                if let Ok(channel) = opened {
                    session.lanes.opened.send_modify(|opened| opened.channels.push(channel));
                }
            }
            session.lanes.settle();
        });
    }

    fn settle(&self) {
        self.opened.send_modify(|opened| opened.all = true);
    }

    /// The channel for the next upload: each in turn, with `first` among them.
    pub fn pick(&self, first: Channel) -> Channel {
        let mut channels = self.open();
        channels.push(first);
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % channels.len();
        channels.swap_remove(turn)
    }
}

/// Opens a file that exists on every further channel but `own`, also on those that are still being
/// opened; each arrives when the server has answered.
pub fn widen(session: &Session, own: &Channel, path: &RemotePath) -> mpsc::UnboundedReceiver<Lane> {
    let (sender, arriving) = mpsc::unbounded_channel();
    let mut opened = session.lanes.opened.subscribe();
    let (own, first, path) = (own.clone(), session.data_channel(), path.clone());
    tokio::spawn(async move {
        let open = |channel: Channel| {
            if channel.is(&own) || channel.ended().is_some() {
                return;
            }
            let nothing = Attributes::default();
            let request = Request::Open { path: path.as_bytes(), pflags: open::WRITE, attributes: &nothing };
            let opened = channel.send(Operation::Open, request);
            let sender = sender.clone();
            tokio::spawn(async move {
                if let Ok(Response::Handle(handle)) = opened.response().await {
                    // Where nobody wants it any more, dropping it closes it.
                    let _ = sender.send(Lane::new(channel, handle));
                }
            });
        };
        open(first);
        let mut known = 0;
        loop {
            let (fresh, all) = {
                let opened = opened.borrow_and_update();
                (opened.channels.get(known..).unwrap_or_default().to_vec(), opened.all)
            };
            known += fresh.len();
            fresh.into_iter().for_each(open);
            if all {
                return;
            }
            tokio::select! {
                changed = opened.changed() => {
                    if changed.is_err() {
                        return;
                    }
                }
                () = sender.closed() => return,
            }
        }
    });
    arriving
}
