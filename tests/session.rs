//! A session's life: keys renewed in the middle of a transfer, a loss noticed, and the way back
//! without a question. Against real servers.

mod support;

use std::{
    fs,
    path::Path,
    process::{Command as Process, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use support::{PASSWORD, PASSWORD_USER, Sshd, SshdConfig, person::PATIENCE};
use tokio::sync::mpsc;
use wharf::{
    engine::{Answer, Ask, Command, Engine, Event, JobId, Options, What},
    fs::{ErrorKind, FsId, Location, Place, RemotePath, SshOptions, local::Local},
    transfer::{Landing, OnConflict, Policy, Request},
    trust::{Answer as Said, Question},
};

struct Bench {
    engine: Engine,
    events: mpsc::Receiver<Event>,
    next: u64,
    /// What a question for a secret is answered with; `None` is a person who is not there.
    password: Option<&'static str>,
    asked: usize,
}

impl Bench {
    fn new(config: &Path) -> Bench {
        let ssh = SshOptions { config_file: Some(config.to_owned()), ..SshOptions::default() };
        let (engine, events) = Engine::start(Options {
            ssh,
            ftp: Default::default(),
            local: Arc::new(Local::new()),
            current_dir: RemotePath::root(),
            home: RemotePath::root(),
            batch: false,
        });
        Bench { engine, events, next: 1, password: None, asked: 0 }
    }

    fn job(&mut self) -> JobId {
        self.next += 1;
        JobId(self.next)
    }

    async fn event(&mut self) -> Event {
        let event =
            tokio::time::timeout(PATIENCE, self.events.recv()).await.expect("nothing happens").unwrap();
        if let What::Ask { question, ask: Ask::Trust(Question::Secret(_)) } = &event.what {
            self.asked += 1;
            let said = self.password.map_or(Said::No, |password| Said::Secret(password.into()));
            self.engine.send(Command::Answer { question: *question, answer: Answer::Trust(said) });
        }
        event
    }

    /// Waits for what `wanted` picks.
    async fn until<T>(&mut self, wanted: impl Fn(&What) -> Option<T>) -> T {
        loop {
            if let Some(found) = wanted(&self.event().await.what) {
                return found;
            }
        }
    }

    /// Runs a job; how it ended.
    async fn run(&mut self, job: JobId, command: Command) -> What {
        self.engine.send(command);
        loop {
            let event = self.event().await;
            if event.job == job && matches!(event.what, What::Done(_) | What::Failed(_) | What::Cancelled) {
                return event.what;
            }
        }
    }

    async fn open(&mut self) -> FsId {
        let job = self.job();
        let place = Place::parse(b"harness:/").unwrap();
        self.engine.send(Command::Open { job, place });
        let id = self
            .until(|what| match what {
                What::Connected { location, .. } => Some(Ok(location.fs.clone())),
                What::Failed(error) => Some(Err(error.clone())),
                _ => None,
            })
            .await;
        id.unwrap()
    }

    async fn list(&mut self, id: &FsId) -> What {
        let job = self.job();
        self.run(job, Command::List { job, location: Location::new(id.clone(), RemotePath::root()) }).await
    }

    fn show(&self, shown: &[&FsId]) {
        self.engine.send(Command::Show { shown: shown.iter().map(|id| (*id).clone()).collect() });
    }
}

fn is_lost(what: &What) -> Option<()> {
    matches!(what, What::Lost(_)).then_some(())
}

fn is_back(what: &What) -> Option<()> {
    matches!(what, What::Reconnected { .. }).then_some(())
}

fn tries(what: &What) -> Option<(u32, Duration)> {
    match what {
        What::Reconnecting { attempt, wait, .. } => Some((*attempt, *wait)),
        _ => None,
    }
}

/// An sshd for the user with a password.
fn with_password(lines: &[&str]) -> Sshd {
    let extra = lines.iter().map(ToString::to_string).collect();
    let sshd = Sshd::start(SshdConfig { password_auth: true, extra, ..SshdConfig::default() });
    let own = fs::read_to_string(sshd.ssh_config()).unwrap();
    let text = format!("Host harness\n  User {PASSWORD_USER}\n  PubkeyAuthentication no\n{own}");
    fs::write(sshd.ssh_config(), text).unwrap();
    sshd
}

#[tokio::test]
async fn a_shown_server_is_found_again_by_itself() {
    let mut sshd = Sshd::start(SshdConfig::default());
    let mut bench = Bench::new(&sshd.ssh_config());
    let id = bench.open().await;
    bench.show(&[&id]);
    sshd.stop();
    let began = Instant::now();
    bench.until(is_lost).await;
    assert!(began.elapsed() < Duration::from_secs(5), "noticed after {:?}", began.elapsed());
    let (first, pause) = bench.until(tries).await;
    assert_eq!(first, 1);
    assert!(pause >= Duration::from_millis(800) && pause <= Duration::from_millis(1200), "{pause:?}");
    // Nobody listens: the pauses grow.
    let (second, longer) = bench.until(tries).await;
    assert_eq!(second, 2);
    assert!(longer > pause, "{longer:?}");
    sshd.restart();
    bench.until(is_back).await;
    assert!(matches!(bench.list(&id).await, What::Done(_)));
    assert_eq!(bench.asked, 0);
}

#[tokio::test]
async fn a_server_that_nobody_sees_is_left_alone_until_it_is_needed() {
    let sshd = Sshd::start(SshdConfig::default());
    let mut bench = Bench::new(&sshd.ssh_config());
    let id = bench.open().await;
    let logins = || sshd.log().matches("Accepted publickey").count();
    let before = logins();
    sshd.cut_sessions();
    bench.until(is_lost).await;
    // Longer than the first pause would be.
    let more = tokio::time::timeout(Duration::from_secs(3), bench.until(tries)).await;
    assert!(more.is_err() && logins() == before);
    assert!(matches!(bench.list(&id).await, What::Done(_)));
    assert_eq!(logins(), before + 1);
}

#[tokio::test]
async fn a_password_brings_the_same_login_back_unasked() {
    for lines in [
        &["AuthenticationMethods password"][..],
        &["UsePAM yes", "KbdInteractiveAuthentication yes", "AuthenticationMethods keyboard-interactive"],
    ] {
        let sshd = with_password(lines);
        let mut bench = Bench::new(&sshd.ssh_config());
        bench.password = Some(PASSWORD);
        let id = bench.open().await;
        bench.show(&[&id]);
        bench.password = None;
        sshd.cut_sessions();
        bench.until(is_lost).await;
        bench.until(is_back).await;
        assert_eq!(bench.asked, 1, "{lines:?}");
        assert!(matches!(bench.list(&id).await, What::Done(_)));
    }
}

#[tokio::test]
async fn a_way_back_that_needs_an_answer_waits_for_the_person() {
    // A password, and then something that may be a code.
    let sshd = with_password(&[
        "UsePAM yes",
        "KbdInteractiveAuthentication yes",
        "AuthenticationMethods password,keyboard-interactive",
    ]);
    let mut bench = Bench::new(&sshd.ssh_config());
    bench.password = Some(PASSWORD);
    let id = bench.open().await;
    bench.show(&[&id]);
    sshd.cut_sessions();
    bench.until(is_lost).await;
    let left = bench
        .until(|what| match what {
            What::LeftLost { error, .. } => Some(error.kind()),
            What::Reconnected { .. } => Some(ErrorKind::Failure),
            _ => None,
        })
        .await;
    assert_eq!((left, bench.asked), (ErrorKind::LoginFailed, 2), "asked twice by the first login alone");
    // The person's own attempt asks.
    assert!(matches!(bench.list(&id).await, What::Done(_)));
    assert_eq!(bench.asked, 3, "the password is known, the second answer is not");
}

#[tokio::test]
async fn a_changed_host_key_is_not_tried_again() {
    let mut sshd = Sshd::start(SshdConfig::default());
    let mut bench = Bench::new(&sshd.ssh_config());
    let id = bench.open().await;
    bench.show(&[&id]);
    sshd.restart_with_new_host_key();
    let left = bench
        .until(|what| match what {
            What::LeftLost { error, .. } => Some(error.kind()),
            What::Reconnected { .. } => Some(ErrorKind::Failure),
            _ => None,
        })
        .await;
    assert_eq!(left, ErrorKind::HostKeyRefused);
}

#[tokio::test]
async fn a_server_that_stops_answering_is_noticed_while_something_waits() {
    let sshd = Sshd::start(SshdConfig::default());
    let mut bench = Bench::new(&sshd.ssh_config());
    let id = bench.open().await;
    sshd.freeze_sessions();
    let began = Instant::now();
    let ended = bench.list(&id).await;
    let took = began.elapsed();
    sshd.thaw_sessions();
    let What::Failed(error) = ended else { panic!("{ended:?}") };
    assert_eq!(error.kind(), ErrorKind::ConnectionLost, "{error}");
    assert!(error.detail().unwrap().contains("stopped answering"), "{error}");
    assert!(took < Duration::from_secs(20), "{took:?}");
    // And the next wish connects anew.
    assert!(matches!(bench.list(&id).await, What::Done(_)));
}

#[tokio::test]
async fn a_server_that_dies_silently_is_noticed_while_nothing_waits() {
    let sshd = Sshd::start(SshdConfig::default());
    let mut bench = Bench::new(&sshd.ssh_config());
    let id = bench.open().await;
    bench.show(&[&id]);
    sshd.freeze_sessions();
    let began = Instant::now();
    bench.until(is_lost).await;
    let took = began.elapsed();
    sshd.thaw_sessions();
    assert!(took < Duration::from_secs(24), "{took:?}");
    bench.until(is_back).await;
}

/// Copies `from` to `to` in the engine and back, and compares.
async fn there_and_back(sshd: &Sshd, size: usize) {
    let here = tempfile::tempdir().unwrap();
    let there = sshd.dir().join("there");
    fs::create_dir(&there).unwrap();
    let source = here.path().join("data");
    let made = Process::new("head")
        .args(["-c", &size.to_string(), "/dev/urandom"])
        .stdout(Stdio::from(fs::File::create(&source).unwrap()))
        .status();
    assert!(made.unwrap().success());
    fs::create_dir(here.path().join("back")).unwrap();
    let mut bench = Bench::new(&sshd.ssh_config());
    let id = bench.open().await;
    let at = |fs: &FsId, path: &Path| {
        Location::new(fs.clone(), RemotePath::new(path.as_os_str().as_encoded_bytes()))
    };
    let local = FsId::local();
    for (from, to) in [
        (at(&local, &source), at(&id, &there)),
        (at(&id, &there.join("data")), at(&local, &here.path().join("back"))),
    ] {
        let job = bench.job();
        let policy = Policy { on_conflict: OnConflict::Refuse, ..Policy::default() };
        let request =
            Request { sources: vec![from], target: to, landing: Landing::Into, policy, remove_source: false };
        let ended = bench.run(job, Command::Copy { job, request }).await;
        assert!(matches!(ended, What::Done(outcome) if outcome.failed == 0), "{ended:?}");
    }
    let same = Process::new("cmp").arg(&source).arg(here.path().join("back/data")).status();
    assert!(same.unwrap().success());
    let same = Process::new("cmp").arg(&source).arg(there.join("data")).status();
    assert!(same.unwrap().success());
}

/// More than a hundred megabytes, and not a round number.
const LARGE: usize = (100 << 20) + 12_345;

#[tokio::test]
async fn the_server_renews_the_keys_in_the_middle_of_a_transfer() {
    let extra = vec!["RekeyLimit 1M".into(), "LogLevel DEBUG1".into()];
    let sshd = Sshd::start(SshdConfig { extra, ..SshdConfig::default() });
    there_and_back(&sshd, LARGE).await;
    let renewed = sshd.log().matches("SSH2_MSG_KEXINIT sent").count();
    assert!(renewed > 50, "only {renewed} key exchanges");
}

#[tokio::test]
async fn we_renew_the_keys_in_the_middle_of_a_transfer() {
    let extra = vec!["LogLevel DEBUG1".into()];
    let sshd = Sshd::start(SshdConfig { extra, ..SshdConfig::default() });
    let own = fs::read_to_string(sshd.ssh_config()).unwrap();
    fs::write(sshd.ssh_config(), format!("Host harness\n  RekeyLimit 4M\n{own}")).unwrap();
    there_and_back(&sshd, LARGE).await;
    let renewed = sshd.log().matches("SSH2_MSG_KEXINIT received").count();
    assert!(renewed > 20, "only {renewed} key exchanges");
}
