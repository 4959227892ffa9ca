//! The servers that are connected, one session each, shared by all jobs. Reconnects what was
//! lost when it is needed again, and what is shown by itself. Never draws; asks only through the
//! engine's questions.

mod revive;

pub(super) use revive::pause_before;

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, OnceLock, Weak,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Instant,
};

use async_trait::async_trait;
use tokio::sync::Notify;

use super::{Answer, Ask, JobId, Options, Shared, What, lock, stored::Stored};
use crate::{
    fs::{
        self, Connected, Context, Error, ErrorKind, FileSystem, FsId, FtpOptions, Location, LogLine,
        Observer, Operation, Place, PlacePath, RemotePath, Result, ServerInfo, SshOptions, Stage, Target,
    },
    trust::{self, Prompt, Question, SecretStore, Secrets},
};

/// Every file system in use.
pub(crate) struct Sessions {
    ssh: SshOptions,
    ftp: FtpOptions,
    local: Arc<dyn FileSystem>,
    current_dir: RemotePath,
    home: RemotePath,
    slots: Mutex<HashMap<FsId, Arc<Slot>>>,
    /// Logins with options of their own.
    special: Mutex<HashMap<String, SshOptions>>,
    shown: Mutex<HashSet<FsId>>,
    /// Told when `shown` changes.
    looked: Notify,
    /// What was typed, so that the same login need not ask twice.
    secrets: Arc<Secrets>,
    /// Passwords that the person let wharf keep.
    store: OnceLock<Arc<dyn SecretStore>>,
    /// The program is ending: a session that ends now is not lost.
    closing: AtomicBool,
}

/// One server: how to reach it, and its session while there is one.
struct Slot {
    id: FsId,
    target: Target,
    /// When a job last wanted it.
    used: Mutex<Instant>,
    /// Somebody is at work to bring it back already.
    reviving: AtomicBool,
    /// How often that was tried, until a session lasts.
    attempts: AtomicU32,
    /// Locked while connecting, so that two jobs do not log in twice.
    live: tokio::sync::Mutex<Option<Live>>,
}

#[derive(Clone)]
struct Live {
    fs: Arc<dyn FileSystem>,
    info: ServerInfo,
    home: RemotePath,
    /// It came back by itself, no job having wanted it.
    revived: bool,
    since: Instant,
}

impl Sessions {
    pub(crate) fn new(options: Options) -> Self {
        Sessions {
            ssh: options.ssh,
            ftp: options.ftp,
            local: options.local,
            current_dir: options.current_dir,
            home: options.home,
            slots: Mutex::default(),
            special: Mutex::default(),
            shown: Mutex::default(),
            looked: Notify::new(),
            secrets: Arc::default(),
            store: OnceLock::new(),
            closing: AtomicBool::new(false),
        }
    }

    pub(crate) fn use_secrets(&self, store: Arc<dyn SecretStore>) {
        // The first one stays.
        let _ = self.store.set(store);
    }

    /// From now on that login is reached with these options.
    pub(crate) fn reach(&self, target: &Target, options: SshOptions) {
        lock(&self.special).insert(target.label(), options);
    }

    /// The hosts that ssh_config names.
    pub(crate) async fn hosts(&self) -> Result<Vec<String>> {
        fs::sftp::hosts(&self.ssh).await
    }

    /// Remembers which file systems are on the screen.
    pub(crate) fn show(&self, shown: Vec<FsId>) {
        *lock(&self.shown) = shown.into_iter().collect();
        self.looked.notify_waiters();
    }

    fn is_shown(&self, id: &FsId) -> bool {
        lock(&self.shown).contains(id)
    }

    /// Reaches `place` and finds its path.
    pub(crate) async fn open(
        &self,
        shared: &Arc<Shared>,
        job: JobId,
        place: &Place,
    ) -> Result<(Location, ServerInfo)> {
        match place {
            Place::Local(path) => {
                let path = match &path[..] {
                    b"~" => self.home.clone(),
                    [b'~', b'/', rest @ ..] => self.home.resolve(rest),
                    path => self.current_dir.resolve(path),
                };
                let info = ServerInfo { label: "local".into(), protocol: "local", trust: String::new() };
                Ok((Location::new(FsId::local(), path), info))
            }
            Place::Remote(target, path) => {
                let id = FsId::new(target.label());
                let slot = lock(&self.slots)
                    .entry(id.clone())
                    .or_insert_with(|| {
                        Arc::new(Slot {
                            id: id.clone(),
                            target: target.clone(),
                            used: Mutex::new(Instant::now()),
                            reviving: AtomicBool::new(false),
                            attempts: AtomicU32::new(0),
                            live: tokio::sync::Mutex::default(),
                        })
                    })
                    .clone();
                let live = self.wanted(shared, job, &slot, Some(path)).await?;
                Ok((Location::new(id, path.resolve(&live.home)), live.info))
            }
        }
    }

    /// The file system of that name, reconnected if it was lost.
    pub(crate) async fn get(
        &self,
        shared: &Arc<Shared>,
        job: JobId,
        id: &FsId,
    ) -> Result<Arc<dyn FileSystem>> {
        if id.is_local() {
            return Ok(self.local.clone());
        }
        let slot = lock(&self.slots).get(id).cloned().ok_or_else(|| {
            Error::new(ErrorKind::ConnectionLost, Operation::Connect)
                .on(id.as_str())
                .with_detail("this place has not been opened")
        })?;
        Ok(self.wanted(shared, job, &slot, None).await?.fs)
    }

    /// The file system of that name if it can be used as it is.
    pub(crate) fn present(&self, id: &FsId) -> Option<Arc<dyn FileSystem>> {
        if id.is_local() {
            return Some(self.local.clone());
        }
        let slot = lock(&self.slots).get(id).cloned()?;
        let live = slot.live.try_lock().ok()?;
        live.as_ref().filter(|live| !live.fs.is_lost()).map(|live| live.fs.clone())
    }

    /// How that file system is reached: `local`, or the URL of a login, without its password.
    pub(crate) fn url(&self, id: &FsId) -> String {
        let slot = lock(&self.slots).get(id).cloned();
        match slot {
            Some(slot) => Place::Remote(slot.target.clone(), PlacePath::Login).to_url(),
            None => id.as_str().to_owned(),
        }
    }

    /// The slot's session for a job, which is about to look at `path`.
    async fn wanted(
        &self,
        shared: &Arc<Shared>,
        job: JobId,
        slot: &Arc<Slot>,
        path: Option<&PlacePath>,
    ) -> Result<Live> {
        *lock(&slot.used) = Instant::now();
        let link = Link::new(shared, job, &slot.target);
        self.live(shared, slot, Arc::new(link), path).await
    }

    async fn live(
        &self,
        shared: &Arc<Shared>,
        slot: &Arc<Slot>,
        link: Arc<Link>,
        path: Option<&PlacePath>,
    ) -> Result<Live> {
        let mut live = slot.live.lock().await;
        if let Some(live) = live.as_ref().filter(|live| !live.fs.is_lost()) {
            return Ok(live.clone());
        }
        let revived = link.silent;
        let Connected { fs, info, home } = self.connect(&slot.target, link, path).await?;
        let fresh = Live { fs: fs.clone(), info: info.clone(), home, revived, since: Instant::now() };
        let was_lost = live.replace(fresh.clone()).is_some();
        let (weak, slot) = (Arc::downgrade(shared), slot.clone());
        tokio::spawn(async move {
            let error = fs.lost().await;
            drop(fs);
            revive::after(weak, slot, error).await;
        });
        if was_lost {
            shared.emit_in_order(What::Reconnected { fs: fresh.fs.id().clone(), info }).await;
        }
        Ok(fresh)
    }

    /// Logs in to `place` whether or not there is a session; nobody else gets to use this one.
    pub(crate) async fn open_anew(
        &self,
        shared: &Arc<Shared>,
        job: JobId,
        place: &Place,
    ) -> Result<(Arc<dyn FileSystem>, Location, ServerInfo)> {
        let Place::Remote(target, path) = place else {
            let (location, info) = self.open(shared, job, place).await?;
            return Ok((self.local.clone(), location, info));
        };
        let link = Arc::new(Link::new(shared, job, target));
        let Connected { fs, info, home } = self.connect(target, link, Some(path)).await?;
        let location = Location::new(FsId::new(target.label()), path.resolve(&home));
        Ok((fs, location, info))
    }

    async fn connect(&self, target: &Target, link: Arc<Link>, path: Option<&PlacePath>) -> Result<Connected> {
        let special = lock(&self.special).get(&target.label()).cloned();
        let ssh = special.unwrap_or_else(|| self.ssh.clone());
        let context = Context {
            ssh,
            ftp: self.ftp.clone(),
            prompt: link.clone(),
            observer: link,
            wanted: path.cloned(),
        };
        fs::connect(target, &context).await
    }

    /// Ends all sessions.
    pub(crate) async fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
        let slots: Vec<Arc<Slot>> = lock(&self.slots).values().cloned().collect();
        let closing = slots.iter().map(|slot| async {
            if let Ok(mut live) = slot.live.try_lock()
                && let Some(live) = live.take()
            {
                live.fs.close().await;
            }
        });
        futures::future::join_all(closing).await;
    }
}

/// Carries a connection's questions, stages and log lines to the engine. The session outlives
/// the job that opened it: the log goes on, stages do not matter then.
struct Link {
    shared: Weak<Shared>,
    job: JobId,
    secrets: Arc<Secrets>,
    stored: Option<Stored>,
    /// Nobody has asked for this connection: it must ask nobody either.
    silent: bool,
    /// A silent connection had something to ask.
    wanted_to_ask: AtomicBool,
}

impl Link {
    fn new(shared: &Arc<Shared>, job: JobId, target: &Target) -> Link {
        let sessions = &shared.sessions;
        let stored = sessions.store.get().map(|store| Stored::new(store, target, &sessions.ssh));
        let (secrets, shared) = (sessions.secrets.clone(), Arc::downgrade(shared));
        Link { shared, job, secrets, stored, silent: false, wanted_to_ask: AtomicBool::new(false) }
    }

    fn silent(shared: &Arc<Shared>, target: &Target) -> Link {
        Link { silent: true, ..Link::new(shared, JobId::NONE, target) }
    }
}

#[async_trait]
impl Prompt for Link {
    async fn ask(&self, question: Question) -> trust::Answer {
        let Some(shared) = self.shared.upgrade() else { return trust::Answer::No };
        if let Some(stored) = &self.stored
            && let Some(password) = stored.answer(&question).await
        {
            return trust::Answer::Secret(password);
        }
        if self.silent {
            self.wanted_to_ask.store(true, Ordering::Relaxed);
            return trust::Answer::No;
        }
        if shared.batch {
            return trust::Answer::No;
        }
        match shared.ask(self.job, Ask::Trust(question)).await {
            Some(Answer::Trust(answer)) => answer,
            _ => trust::Answer::No,
        }
    }

    fn secrets(&self) -> Option<&Secrets> {
        Some(&self.secrets)
    }
}

impl Observer for Link {
    fn reply(&self, line: LogLine) {
        if let Some(shared) = self.shared.upgrade() {
            shared.log(line);
        }
    }

    fn stage(&self, stage: Stage) {
        if let Some(shared) = self.shared.upgrade().filter(|_| !self.silent) {
            // A listener that is far behind can do without knowing the stage.
            let _ = shared.events.try_send(super::Event { job: self.job, what: What::Stage(stage) });
        }
    }
}
