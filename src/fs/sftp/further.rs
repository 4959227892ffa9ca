//! Further connections to the same server, for large files on long links that give each
//! connection only a part of what they can carry. Asks nobody: they come about by what logged in before,
//! or not at all. Knows no data and no order of it.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use bytes::Bytes;
use futures::future::BoxFuture;
use tokio::sync::mpsc;

use super::{
    Session,
    channel::Channel,
    gauge::{Advice, Gauge},
    lane::{LARGE, LONG_LINK, Lane, Member},
    request::{Request, open},
    response::Response,
    ssh::Connection,
};
use crate::fs::{Attributes, Operation, RemotePath, Result};

/// Connections beside the first.
const MOST: usize = 3;

/// Logs in once more without asking anybody.
pub type Redial = Box<dyn Fn() -> BoxFuture<'static, Result<Connection>> + Send + Sync>;

/// The further connections of a session.
#[derive(Default)]
pub struct Further {
    /// `None` where a login needs somebody: a code typed, a key touched.
    redial: Option<Redial>,
    members: Mutex<Vec<Arc<Member>>>,
    /// One file at a time finds out whether one more helps.
    trying: AtomicBool,
    /// One more did not help, or could not be had.
    enough: AtomicBool,
}

impl Further {
    pub fn new(redial: Option<Redial>) -> Further {
        Further { redial, ..Further::default() }
    }

    fn members(&self) -> MutexGuard<'_, Vec<Arc<Member>>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those that live.
    fn living(&self) -> Vec<Arc<Member>> {
        let mut members = self.members();
        members.retain(|member| member.channel.ended().is_none());
        members.clone()
    }

    fn may_grow(&self) -> bool {
        self.redial.is_some() && !self.enough.load(Ordering::Relaxed) && self.living().len() < MOST
    }

    fn dismiss(&self, member: &Arc<Member>) {
        self.enough.store(true, Ordering::Relaxed);
        self.members().retain(|other| !Arc::ptr_eq(other, member));
    }

    /// Lets all of them go.
    pub fn close(&self) {
        self.enough.store(true, Ordering::Relaxed);
        self.members().clear();
    }

    async fn add(&self) -> Option<Arc<Member>> {
        let redial = self.redial.as_ref()?;
        let reached = async {
            let connection = redial().await?;
            let channel = connection.open_sftp().await?;
            Ok::<_, crate::fs::Error>(Arc::new(Member::new(connection, channel)))
        };
        match reached.await {
            Ok(member) => {
                tracing::info!("one more connection");
                self.members().push(member.clone());
                Some(member)
            }
            Err(error) => {
                tracing::info!(%error, "no further connection");
                self.enough.store(true, Ordering::Relaxed);
                None
            }
        }
    }
}

/// What a large file is opened for on further connections.
#[derive(Clone)]
pub enum Purpose {
    /// To be read, where it is the same as what this channel and handle have open: the name may lead
    /// to another file by now, or on another connection.
    Read(Channel, Bytes),
    /// To be written. Its name must be nobody else's.
    Write,
}

/// One large file's share of the further connections.
pub struct Spread {
    session: Arc<Session>,
    path: RemotePath,
    purpose: Purpose,
    gauge: Gauge,
    sender: mpsc::UnboundedSender<Option<Lane>>,
    arriving: mpsc::UnboundedReceiver<Option<Lane>>,
    /// This file is the one that finds out.
    tries: bool,
    /// Whether this one helps.
    tried: Option<Arc<Member>>,
}

impl Spread {
    /// For a file of which `left` bytes are to be moved; `None` where it is not worth it.
    pub fn new(session: &Arc<Session>, path: &RemotePath, purpose: Purpose, left: u64) -> Option<Spread> {
        let members = session.further.living();
        let may = !members.is_empty() || session.further.may_grow();
        if left < LARGE || session.round_trip() < LONG_LINK || !may {
            return None;
        }
        let (sender, arriving) = mpsc::unbounded_channel();
        let (session, path) = (session.clone(), path.clone());
        for member in members {
            let (sender, path, purpose) = (sender.clone(), path.clone(), purpose.clone());
            tokio::spawn(async move {
                if let Some(lane) = open_on(member, &path, &purpose).await {
                    let _ = sender.send(Some(lane));
                }
            });
        }
        let gauge = Gauge::new();
        Some(Spread { session, path, purpose, gauge, sender, arriving, tries: false, tried: None })
    }

    /// The file had to wait so long for the server, not for its other end.
    pub fn waited(&mut self, since: Instant) {
        self.gauge.waited(since.elapsed());
    }

    /// Takes further connections into use, or out of it, with `done` bytes moved and `left` to go: adds
    /// to `lanes`, or retires one of them.
    pub fn step(&mut self, done: u64, left: u64, lanes: &mut Vec<Lane>) {
        match self.arriving.try_recv() {
            Ok(Some(lane)) => {
                if self.tries && self.tried.is_none() {
                    self.tried = lane.member.clone();
                    self.gauge.added();
                }
                return lanes.push(lane);
            }
            Ok(None) => self.end_trial(),
            Err(_) => {}
        }
        match self.gauge.advise(Instant::now(), done, left) {
            Advice::GoOn => {}
            Advice::Add => self.add(),
            Advice::Retire => {
                let tried = self.tried.take();
                self.end_trial();
                if let Some(member) = tried {
                    tracing::info!("one more connection brought nothing");
                    self.session.further.dismiss(&member);
                    lanes.iter_mut().filter(|lane| lane.is_on(&member)).for_each(|lane| lane.retired = true);
                }
            }
        }
    }

    fn add(&mut self) {
        let further = &self.session.further;
        if !further.may_grow() {
            return self.end_trial();
        }
        if !self.tries && further.trying.swap(true, Ordering::Relaxed) {
            return self.gauge.over();
        }
        (self.tries, self.tried) = (true, None);
        let (session, sender) = (self.session.clone(), self.sender.clone());
        let (path, purpose) = (self.path.clone(), self.purpose.clone());
        tokio::spawn(async move {
            let lane = match session.further.add().await {
                Some(member) => open_on(member, &path, &purpose).await,
                None => None,
            };
            let _ = sender.send(lane);
        });
    }

    fn end_trial(&mut self) {
        self.gauge.over();
        if std::mem::take(&mut self.tries) {
            self.session.further.trying.store(false, Ordering::Relaxed);
        }
    }
}

impl Drop for Spread {
    fn drop(&mut self) {
        self.end_trial();
    }
}

/// Opens a file on a further connection; what does not work there goes over the first.
async fn open_on(member: Arc<Member>, path: &RemotePath, purpose: &Purpose) -> Option<Lane> {
    let nothing = Attributes::default();
    let pflags = match purpose {
        Purpose::Read(..) => open::READ,
        Purpose::Write => open::WRITE,
    };
    let request = Request::Open { path: path.as_bytes(), pflags, attributes: &nothing };
    let Ok(Response::Handle(handle)) = member.channel.send(Operation::Open, request).response().await else {
        return None;
    };
    let lane = Lane::on(member, handle);
    if let Purpose::Read(channel, own) = purpose {
        let (here, there) = tokio::join!(found(channel, own), found(&lane.channel, &lane.handle));
        if here.is_none() || here != there {
            return None;
        }
    }
    Some(lane)
}

/// What tells whether two handles are of the same file; that it is read does not change it.
async fn found(channel: &Channel, handle: &[u8]) -> Option<Attributes> {
    match channel.send(Operation::Stat, Request::FStat { handle }).response().await {
        Ok(Response::Attributes(found)) => Some(Attributes { atime: None, ..found.attributes }),
        _ => None,
    }
}
