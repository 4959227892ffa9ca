//! The servers that are connected, one session each, shared by all jobs. Reconnects what was
//! lost when it is needed again. Never draws; asks only through the engine's questions.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, Weak},
};

use async_trait::async_trait;

use super::{Answer, Ask, JobId, Options, Shared, What, lock, stored::Stored};
use crate::{
    fs::{
        self, Connected, Context, Error, ErrorKind, FileSystem, FsId, Location, LogLine, Observer, Operation,
        Place, RemotePath, Result, ServerInfo, SshOptions, Stage, Target,
    },
    trust::{self, Prompt, Question, SecretStore},
};

/// Every file system in use.
pub(crate) struct Sessions {
    ssh: SshOptions,
    local: Arc<dyn FileSystem>,
    current_dir: RemotePath,
    home: RemotePath,
    slots: Mutex<HashMap<FsId, Arc<Slot>>>,
    /// Passwords that the person let wharf keep.
    secrets: OnceLock<Arc<dyn SecretStore>>,
}

/// One server: how to reach it, and its session while there is one.
struct Slot {
    target: Target,
    /// Locked while connecting, so that two jobs do not log in twice.
    live: tokio::sync::Mutex<Option<Live>>,
}

#[derive(Clone)]
struct Live {
    fs: Arc<dyn FileSystem>,
    info: ServerInfo,
    home: RemotePath,
}

impl Sessions {
    pub(crate) fn new(options: Options) -> Self {
        Sessions {
            ssh: options.ssh,
            local: options.local,
            current_dir: options.current_dir,
            home: options.home,
            slots: Mutex::default(),
            secrets: OnceLock::new(),
        }
    }

    pub(crate) fn use_secrets(&self, secrets: Arc<dyn SecretStore>) {
        // The first one stays.
        let _ = self.secrets.set(secrets);
    }

    /// The hosts that ssh_config names.
    pub(crate) async fn hosts(&self) -> Result<Vec<String>> {
        fs::sftp::hosts(&self.ssh).await
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
                        Arc::new(Slot { target: target.clone(), live: tokio::sync::Mutex::default() })
                    })
                    .clone();
                let live = self.live(shared, job, &slot).await?;
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
        Ok(self.live(shared, job, &slot).await?.fs)
    }

    async fn live(&self, shared: &Arc<Shared>, job: JobId, slot: &Slot) -> Result<Live> {
        let mut live = slot.live.lock().await;
        if let Some(live) = live.as_ref().filter(|live| !live.fs.is_lost()) {
            return Ok(live.clone());
        }
        let Connected { fs, info, home } = self.connect(shared, job, &slot.target).await?;
        let fresh = Live { fs: fs.clone(), info, home };
        *live = Some(fresh.clone());
        let shared = Arc::downgrade(shared);
        tokio::spawn(async move {
            let error = fs.lost().await;
            if let Some(shared) = shared.upgrade() {
                shared.emit(JobId::NONE, What::Lost(error)).await;
            }
        });
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
        let Connected { fs, info, home } = self.connect(shared, job, target).await?;
        let location = Location::new(FsId::new(target.label()), path.resolve(&home));
        Ok((fs, location, info))
    }

    async fn connect(&self, shared: &Arc<Shared>, job: JobId, target: &Target) -> Result<Connected> {
        let stored = self.secrets.get().map(|secrets| Stored::new(secrets, target, &self.ssh));
        let link = Arc::new(Link { shared: Arc::downgrade(shared), job, stored });
        let context = Context { ssh: self.ssh.clone(), prompt: link.clone(), observer: link };
        fs::connect(target, &context).await
    }

    /// Ends all sessions.
    pub(crate) async fn close(&self) {
        let slots: Vec<Arc<Slot>> = lock(&self.slots).values().cloned().collect();
        for slot in slots {
            if let Ok(mut live) = slot.live.try_lock()
                && let Some(live) = live.take()
            {
                live.fs.close().await;
            }
        }
    }
}

/// Carries a connection's questions, stages and log lines to the engine. The session outlives
/// the job that opened it: the log goes on, stages do not matter then.
struct Link {
    shared: Weak<Shared>,
    job: JobId,
    stored: Option<Stored>,
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
        if shared.batch {
            return trust::Answer::No;
        }
        match shared.ask(self.job, Ask::Trust(question)).await {
            Some(Answer::Trust(answer)) => answer,
            _ => trust::Answer::No,
        }
    }
}

impl Observer for Link {
    fn reply(&self, line: LogLine) {
        if let Some(shared) = self.shared.upgrade() {
            shared.log(line);
        }
    }

    fn stage(&self, stage: Stage) {
        if let Some(shared) = self.shared.upgrade() {
            // A listener that is far behind can do without knowing the stage.
            let _ = shared.events.try_send(super::Event { job: self.job, what: What::Stage(stage) });
        }
    }
}
