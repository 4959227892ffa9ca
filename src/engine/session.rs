//! The servers that are connected, one session each, shared by all jobs. Reconnects what was
//! lost when it is needed again. Never draws; asks only through the engine's questions.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, Weak},
};

use async_trait::async_trait;

use super::{Answer, Ask, JobId, Options, Shared, What, lock};
use crate::{
    fs::{
        self, Connected, Context, Error, ErrorKind, FileSystem, FsId, FtpOptions, Location, LogLine,
        Observer, Operation, Place, RemotePath, Result, ServerInfo, SshOptions, Stage, Target,
    },
    trust::{self, Prompt, Question},
};

/// Every file system in use.
pub(crate) struct Sessions {
    ssh: SshOptions,
    ftp: FtpOptions,
    local: Arc<dyn FileSystem>,
    current_dir: RemotePath,
    home: RemotePath,
    slots: Mutex<HashMap<FsId, Arc<Slot>>>,
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
            ftp: options.ftp,
            local: options.local,
            current_dir: options.current_dir,
            home: options.home,
            slots: Mutex::default(),
        }
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
        let link = Arc::new(Link { shared: Arc::downgrade(shared), job });
        let context =
            Context { ssh: self.ssh.clone(), ftp: self.ftp.clone(), prompt: link.clone(), observer: link };
        let Connected { fs, info, home } = fs::connect(&slot.target, &context).await?;
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
}

#[async_trait]
impl Prompt for Link {
    async fn ask(&self, question: Question) -> trust::Answer {
        let Some(shared) = self.shared.upgrade() else { return trust::Answer::No };
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
