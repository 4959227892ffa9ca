//! Runs engine commands one after another for a headless command: opens places, answers
//! questions on the terminal, prints the log, and turns interrupts into cancellation.

use std::{collections::HashMap, sync::Arc};

use tokio::sync::mpsc;

use super::{Common, prompt, report};
use crate::{
    engine::{Answer, Ask, Command, Engine, Event, JobId, Options, ProgressBoard, What},
    fs::{Entry, Error, ErrorKind, Location, Operation, Place, RemotePath, Result, local::Local},
    transfer::Outcome,
    words,
};

/// The engine with somebody to listen to it.
pub struct Driver {
    pub engine: Engine,
    events: mpsc::Receiver<Event>,
    next_job: u64,
    verbose: bool,
    batch: bool,
    interrupted: mpsc::Receiver<()>,
    /// What runs can go on after an interruption.
    resumes: bool,
}

impl Driver {
    pub fn start(common: &Common) -> Result<Driver> {
        let (engine, events) = Engine::start(options(common)?);
        super::record(&engine, common)?;
        if let Some(store) = &common.store {
            engine.use_secrets(store.secrets());
            engine.keep_jobs(store.jobs_dir().to_owned());
        }
        let (interrupt, interrupted) = mpsc::channel(1);
        tokio::spawn(async move {
            use tokio::signal::unix::{SignalKind, signal};
            let (Ok(mut int), Ok(mut term), Ok(mut hup)) = (
                signal(SignalKind::interrupt()),
                signal(SignalKind::terminate()),
                signal(SignalKind::hangup()),
            ) else {
                return;
            };
            loop {
                tokio::select! {
                    _ = int.recv() => {}
                    _ = term.recv() => {}
                    _ = hup.recv() => {}
                }
                if interrupt.send(()).await.is_err() {
                    return;
                }
            }
        });
        Ok(Driver {
            engine,
            events,
            next_job: 1,
            verbose: common.verbose,
            batch: common.batch,
            interrupted,
            resumes: false,
        })
    }

    /// Whether what runs from now on can go on after an interruption.
    pub fn resumes(&mut self, resumes: bool) {
        self.resumes = resumes;
    }

    /// A number for the next job.
    pub fn job(&mut self) -> JobId {
        self.next_job += 1;
        JobId(self.next_job)
    }

    /// Reaches all `places`, at the same time.
    pub async fn open(&mut self, places: &[Place]) -> Result<Vec<Location>> {
        let jobs: Vec<JobId> = places.iter().map(|_| self.job()).collect();
        for (job, place) in jobs.iter().zip(places) {
            self.engine.send(Command::Open { job: *job, place: place.clone() });
        }
        let mut found: HashMap<JobId, Location> = HashMap::new();
        let mut failed = None;
        for _ in &jobs {
            self.run_until_end(&jobs, |job, what| {
                if let What::Connected { location, .. } = what {
                    found.insert(job, location);
                }
            })
            .await
            .unwrap_or_else(|error| {
                failed.get_or_insert(error);
                Outcome::default()
            });
        }
        if let Some(error) = failed {
            return Err(error);
        }
        jobs.iter()
            .map(|job| {
                found.remove(job).ok_or_else(|| Error::new(ErrorKind::ConnectionLost, Operation::Connect))
            })
            .collect()
    }

    /// Sends `command` and hands on what it reports until it ends.
    pub async fn run(&mut self, job: JobId, command: Command, mut hear: impl FnMut(What)) -> Result<Outcome> {
        self.engine.send(command);
        self.run_until_end(&[job], |_, what| hear(what)).await
    }

    /// Looks at one path, links not followed.
    pub async fn look(&mut self, location: &Location) -> Result<Entry> {
        let job = self.job();
        let mut found = None;
        self.run(job, Command::Stat { job, location: location.clone() }, |what| {
            if let What::Entries(entries) = what {
                found = entries.into_iter().next();
            }
        })
        .await?;
        found.ok_or_else(|| Error::new(ErrorKind::NotFound, Operation::Stat).at(&location.path))
    }

    /// Handles events until one of `jobs` ends.
    async fn run_until_end(&mut self, jobs: &[JobId], mut hear: impl FnMut(JobId, What)) -> Result<Outcome> {
        loop {
            let event = tokio::select! {
                event = self.events.recv() => event,
                Some(()) = self.interrupted.recv() => {
                    for job in jobs {
                        let job = *job;
                        self.engine.send(match self.resumes {
                            true => Command::Interrupt { job },
                            false => Command::Cancel { job },
                        });
                    }
                    continue;
                }
            };
            let Some(Event { job, what }) = event else {
                return Err(Error::new(ErrorKind::Cancelled, Operation::Plan));
            };
            match what {
                What::Log { lines, dropped } if self.verbose => {
                    for line in &lines {
                        super::say(format_args!("{}", words::log_line(line)));
                    }
                    if dropped > 0 {
                        super::say(format_args!("(and {dropped} more)"));
                    }
                }
                What::Ask { question, ask } => {
                    let answer = self.answer(ask).await;
                    self.engine.send(Command::Answer { question, answer });
                }
                What::Done(outcome) if jobs.contains(&job) => return Ok(outcome),
                What::Failed(error) if jobs.contains(&job) => return Err(error),
                What::Cancelled if jobs.contains(&job) => {
                    return Err(Error::new(ErrorKind::Cancelled, Operation::Copy));
                }
                what => hear(job, what),
            }
        }
    }

    async fn answer(&mut self, ask: Ask) -> Answer {
        if self.batch {
            return match ask {
                Ask::Trust(_) => Answer::Trust(crate::trust::Answer::No),
                Ask::Conflicts { .. } => Answer::Conflicts(None),
            };
        }
        // Typing takes its time: the question waits on a thread of its own.
        let asked = tokio::task::spawn_blocking(move || prompt::answer(&ask)).await;
        asked.unwrap_or(Answer::Conflicts(None))
    }

    /// The progress of the transfer that runs.
    pub fn progress(&self) -> tokio::sync::watch::Receiver<ProgressBoard> {
        self.engine.progress()
    }

    /// Ends the sessions.
    pub async fn finish(self) {
        let Driver { engine, mut events, .. } = self;
        // Somebody must listen to the end, or a job that reports would wait for ever.
        let drain = tokio::spawn(async move { while events.recv().await.is_some() {} });
        engine.shut_down().await;
        drain.abort();
    }
}

/// What the engine needs to know of this machine.
pub fn options(common: &Common) -> Result<Options> {
    use std::os::unix::ffi::OsStrExt;
    let current_dir = std::env::current_dir().map_err(|e| Error::io(Operation::ReadConfig, &e))?;
    let current_dir = RemotePath::new(current_dir.as_os_str().as_bytes());
    let home = directories::BaseDirs::new()
        .map_or_else(|| current_dir.clone(), |dirs| RemotePath::new(dirs.home_dir().as_os_str().as_bytes()));
    Ok(Options {
        ssh: common.ssh_options(),
        ftp: common.ftp_options(),
        local: Arc::new(Local::new()),
        current_dir,
        home,
        batch: common.batch,
    })
}

/// Reports a failed item.
pub fn item(what: &What) {
    match what {
        What::ItemFailed(error) | What::Warning(error) => report(error),
        _ => {}
    }
}
