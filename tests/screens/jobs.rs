//! Transfers that were interrupted, items that failed, and what can be done about both.

use super::*;
use wharf::{
    transfer::{
        Landing, Policy, Request,
        journal::{Failure, Reason, Stored},
    },
    ui::{keymap::Mode, state::Standing, update::jobs_at_start},
};

fn stored(id: &str, name: &str, running: bool) -> Stored {
    let policy = Policy { on_conflict: OnConflict::Ask, ..Policy::default() };
    Stored {
        id: id.into(),
        started: NOW - 7 * 3600,
        request: Request {
            sources: vec![local().0.join(name.as_bytes())],
            target: remote().0,
            landing: Landing::Into,
            policy,
            remove_source: false,
        },
        places: Vec::new(),
        reached: Totals { files: 128, bytes: 95_800_000, ..Totals::default() },
        planned: Some(Totals { files: 180, bytes: 134_217_728, ..Totals::default() }),
        open: 2,
        failed: 0,
        ended: None,
        failures: Vec::new(),
        running,
        parts: Vec::new(),
    }
}

fn interrupted(w: u16, h: u16) -> Ui {
    let mut ui = two_panes(w, h);
    let mut effects = Vec::new();
    jobs_at_start(&mut ui.state, &mut effects);
    ui.take(effects);
    let Command::Stored { job } = *ui.last() else { panic!("nothing was asked") };
    let all = vec![
        stored("aaaaaa", "assets", false),
        stored("bbbbbb", "x", true),
        stored("cccccc", "dump.sql", false),
    ];
    ui.event(job, What::Stored(all));
    ui.event(job, What::Done(Outcome::default()));
    ui
}

#[test]
fn what_was_interrupted_is_offered() {
    snapshot("interrupted", interrupted);
    snapshot("interrupted_entered", |w, h| {
        let mut ui = interrupted(w, h);
        ui.press("T");
        ui
    });
    snapshot("interrupted_forgotten", |w, h| {
        let mut ui = interrupted(w, h);
        ui.press("T x");
        ui
    });
}

#[test]
fn enter_goes_on_with_it_and_x_forgets_it() {
    let mut ui = interrupted(80, 24);
    assert!(ui.says("2 transfers were interrupted"));
    ui.press("T Enter");
    let Command::Resume { job, id } = ui.last().clone() else { panic!("{:?}", ui.last()) };
    assert_eq!(id, "aaaaaa");
    let done = Totals { files: 180, ..Totals::default() };
    ui.event(job, What::Done(Outcome { done, ..Outcome::default() }));
    assert!(ui.says("180 copied"));
    // The safe answer keeps it.
    ui.press("Down x Enter");
    assert!(!matches!(ui.last(), Command::Discard { .. }));
    ui.press("x y");
    assert!(matches!(ui.last(), Command::Discard { id, .. } if id == "cccccc"));
    assert_eq!(ui.state.transfers.jobs.len(), 1);
}

#[test]
fn a_start_without_records_says_nothing() {
    let mut ui = two_panes(80, 24);
    let mut effects = Vec::new();
    jobs_at_start(&mut ui.state, &mut effects);
    ui.take(effects);
    let Command::Stored { job } = *ui.last() else { panic!("nothing was asked") };
    ui.event(job, What::Stored(vec![stored("bbbbbb", "x", true)]));
    ui.event(job, What::Done(Outcome::default()));
    assert!(ui.state.notice.is_none() && ui.state.transfers.jobs.is_empty() && ui.state.panel.is_none());
}

/// A copy of a folder of which three files failed.
fn failed(w: u16, h: u16) -> (Ui, JobId) {
    let (mut ui, job) = copying(w, h);
    for (name, code, text) in
        [("a.css", 3, "Permission denied"), ("deep/b.css", 4, "Failure"), ("c.css", 2, "No such file")]
    {
        let path = RemotePath::new(format!("/var/www/site/assets/{name}"));
        ui.event(job, What::ItemFailed(Error::sftp(Operation::Write, Reply::sftp(code, text)).at(&path)));
    }
    let warning = Error::new(ErrorKind::Unsupported, Operation::SetAttributes);
    ui.event(job, What::Warning(warning.at(&RemotePath::new("/var/www/site/assets/d.css"))));
    ui.event(job, What::Resumable { id: "abcdef".into(), reached: Totals::default() });
    let done = Totals { files: 20, bytes: 400_000, ..Totals::default() };
    ui.event(job, What::Done(Outcome { done, failed: 3, ..Outcome::default() }));
    (ui, job)
}

/// Its details.
pub fn failed_details(w: u16, h: u16) -> Ui {
    let (mut ui, _) = failed(w, h);
    ui.press("T Enter Down");
    ui
}

#[test]
fn every_item_that_failed_is_listed_and_explained() {
    snapshot("details_failed", failed_details);
    let (mut ui, _) = failed(80, 24);
    ui.press("T Enter");
    assert_eq!(ui.state.mode(), Mode::Details);
    ui.press("Enter");
    assert!(ui.screen().contains("SSH_FX_PERMISSION_DENIED"), "{}", ui.screen());
    ui.press("Esc");
    assert_eq!(ui.state.mode(), Mode::Details);
    ui.press("Esc");
    assert_eq!(ui.state.mode(), Mode::Transfers);
}

#[test]
fn what_failed_is_tried_again_all_or_one() {
    let (mut ui, job) = failed(80, 24);
    ui.press("T r");
    let Command::Resume { job: again, id } = ui.last().clone() else { panic!("{:?}", ui.last()) };
    assert_eq!(id, "abcdef");
    assert_ne!(again, job);
    assert_eq!(ui.state.transfers.jobs.len(), 1, "it is the same row");
    ui.press("r");
    assert!(ui.says("not over yet"));

    // One by itself is tried by the record, so that it knows what is still missing.
    let (mut ui, _) = failed(80, 24);
    ui.press("T Enter Down r");
    let Command::Retry { job, id, items } = ui.last().clone() else { panic!("{:?}", ui.last()) };
    assert_eq!(
        (id.as_str(), items),
        ("abcdef", vec![local().0.join(b"assets").join(b"deep").join(b"b.css")])
    );
    let one = Outcome { done: Totals { files: 1, ..Totals::default() }, ..Outcome::default() };
    ui.event(job, What::Resumable { id, reached: Totals::default() });
    ui.event(job, What::Done(one));
    let transfer = &ui.state.transfers.jobs[0];
    assert_eq!((transfer.failures.len(), transfer.progress.done.files), (2, 21));
    assert!(matches!(&transfer.standing, Standing::Done(outcome) if outcome.failed == 2));
    // What the record does not know of comes to nothing, and loses nothing.
    ui.press("r");
    let Command::Retry { job, .. } = ui.last().clone() else { panic!("{:?}", ui.last()) };
    ui.event(job, What::Failed(Error::new(ErrorKind::NotFound, Operation::FindJob)));
    let transfer = &ui.state.transfers.jobs[0];
    assert_eq!((transfer.resumable.as_deref(), transfer.failures.len()), (Some("abcdef"), 2));
    assert!(matches!(&transfer.standing, Standing::Done(outcome) if outcome.failed == 2));
}

#[test]
fn one_item_of_an_earlier_transfer_is_tried_again_by_itself() {
    let mut ui = two_panes(100, 24);
    let mut effects = Vec::new();
    jobs_at_start(&mut ui.state, &mut effects);
    ui.take(effects);
    let Command::Stored { job } = *ui.last() else { panic!("nothing was asked") };
    let failure = |name: &str| Failure {
        source: local().0.join(b"assets").join(name.as_bytes()),
        why: Reason {
            kind: ErrorKind::PermissionDenied,
            operation: Operation::Open,
            said: "Permission denied".into(),
            code: None,
        },
    };
    let failures = vec![failure("a.css"), failure("b.css")];
    let all = vec![Stored { failed: 2, failures, ..stored("aaaaaa", "assets", false) }];
    ui.event(job, What::Stored(all));
    ui.event(job, What::Done(Outcome::default()));
    assert!(ui.says("some of it failed"));
    ui.press("T");
    assert!(ui.screen().contains("2 failed"), "{}", ui.screen());
    // Enter shows what failed; to go on with all of it is a key of its own.
    ui.press("Enter");
    assert!(ui.screen().contains("a.css") && ui.screen().contains("Permission denied"), "{}", ui.screen());
    ui.press("Down r");
    let Command::Retry { job, id, items } = ui.last().clone() else { panic!("{:?}", ui.last()) };
    assert_eq!((id.as_str(), items), ("aaaaaa", vec![failure("b.css").source]));
    let done = Totals { files: 1, ..Totals::default() };
    ui.event(job, What::Resumable { id, reached: Totals::default() });
    ui.event(job, What::Done(Outcome { done, ..Outcome::default() }));
    let transfer = &ui.state.transfers.jobs[0];
    assert_eq!((transfer.failures.len(), transfer.resumable.as_deref()), (1, Some("aaaaaa")));
    assert!(matches!(transfer.standing, Standing::Interrupted(known) if known.failed == 1));
    assert_eq!(transfer.progress.done.files, 128, "the rest stands as it did");
}

#[test]
fn speeds_are_drawn_and_failures_are_bounded() {
    let (mut ui, job) = copying(140, 40);
    let total = Totals { files: 180, dirs: 4, links: 0, bytes: 134_217_728 };
    for second in 0..70 {
        ui.at(10 + second);
        let progress = Progress {
            phase: TransferPhase::Running,
            done: Totals { files: second, dirs: 4, links: 0, bytes: second * 1_000_000 },
            total,
            rate: 1_000_000.0 * (1.0 + (second % 7) as f64),
            moved: second * 1_000_000,
            elapsed: Duration::from_secs(second),
            remaining: Some(Duration::from_secs(42)),
            ..Progress::default()
        };
        ui.msg(Msg::Progress(vec![(job, progress)]));
    }
    assert_eq!(ui.state.transfers.jobs[0].rates.len(), 60);
    ui.press("T Enter");
    insta::assert_snapshot!("details_running_140x40", ui.screen());
    for _ in 0..12_000 {
        ui.event(job, What::ItemFailed(lost()));
    }
    let transfer = &ui.state.transfers.jobs[0];
    assert_eq!((transfer.failures.len(), transfer.more_failures), (10_000, 2_000));
}

#[test]
fn what_a_transfer_waits_for_is_told_while_it_lasts() {
    let (mut ui, job) = copying(140, 40);
    let progress = |phase, silent| Progress {
        phase,
        done: Totals { files: 12, dirs: 4, links: 0, bytes: 12_000_000 },
        total: Totals { files: 180, dirs: 4, links: 0, bytes: 134_217_728 },
        elapsed: Duration::from_secs(30),
        silent,
        ..Progress::default()
    };
    let silent = Some(Duration::from_secs(12));
    ui.msg(Msg::Progress(vec![(job, progress(TransferPhase::Running, silent))]));
    insta::assert_snapshot!("transfer_silent_140x40", ui.screen());
    assert!(ui.screen().contains("no answer for 12 s"), "{}", ui.screen());
    ui.msg(Msg::Progress(vec![(job, progress(TransferPhase::Planning, silent))]));
    assert!(ui.screen().contains("looking at what there is, no answer for 12 s"), "{}", ui.screen());
    // Given up: why, and when it is tried again.
    ui.event(job, What::Retrying { attempt: 1, wait: Duration::from_secs(4), error: lost() });
    ui.msg(Msg::Progress(vec![(job, progress(TransferPhase::Waiting, None))]));
    let screen = ui.screen();
    assert!(screen.contains("trying again in 4 s, connection lost (Connection reset by peer)"), "{screen}");
    assert!(
        screen.contains("ann@web-01:22 was lost: Connection reset by peer; trying again in 4 s."),
        "{screen}"
    );
}

/// Whoever is in between reads what plain FTP says: that stands where it is seen all the time.
#[test]
fn what_is_not_encrypted_says_so() {
    for (protocol, trust, wanted) in
        [("ftp", "", Some("! not encrypted")), ("ftpes", "TLS 1.2", Some("✓ TLS 1.2")), ("local", "", None)]
    {
        let mut ui = two_panes(140, 40);
        ui.state.right.view.info = ServerInfo { label: "nas".into(), protocol, trust: trust.into() };
        let screen = ui.screen();
        let head = screen.lines().nth(1).unwrap();
        match wanted {
            Some(wanted) => assert!(head.contains(wanted), "{head}"),
            None => assert!(!head.contains("encrypted"), "{head}"),
        }
    }
}

/// A rate that falls only because nothing is to be moved any more says nothing; what is waited for does.
#[test]
fn the_title_says_what_is_waited_for() {
    let (mut ui, job) = copying(140, 40);
    let whole = Totals { files: 180, dirs: 4, links: 0, bytes: 134_217_728 };
    let progress =
        |phase, checking| Progress { phase, checking, done: whole, total: whole, ..Progress::default() };
    for (phase, checking, wanted) in [
        (TransferPhase::Asking, 0, "⇅ 1 job  waits for your answer "),
        (TransferPhase::Paused, 0, "100%  paused"),
        (TransferPhase::Running, 2, "100%  checking"),
    ] {
        ui.msg(Msg::Progress(vec![(job, progress(phase, checking))]));
        let screen = ui.screen();
        assert!(screen.lines().next().unwrap().contains(wanted), "{screen}");
    }
    assert!(ui.screen().contains("checking what was written"), "{}", ui.screen());
    // A run that begins anew has counted nothing yet.
    ui.msg(Msg::Progress(vec![(job, Progress { phase: TransferPhase::Waiting, ..Progress::default() })]));
    assert_eq!(ui.state.transfers.jobs[0].progress.done, whole);
}

/// What two jobs share they are through with together, whatever each has of it now.
#[test]
fn the_time_of_all_is_judged_by_what_all_move_together() {
    let mut ui = two_panes(140, 24);
    ui.press("Down F5 Down F5");
    let jobs: Vec<JobId> = ui.state.transfers.jobs.iter().map(|transfer| transfer.job).collect();
    let at = |gib: u64, rate: f64, seconds| Progress {
        phase: TransferPhase::Running,
        total: Totals { files: 1, bytes: gib << 30, ..Totals::default() },
        rate,
        remaining: Some(Duration::from_secs(seconds)),
        ..Progress::default()
    };
    let mib = f64::from(1 << 20);
    ui.msg(Msg::Progress(vec![(jobs[0], at(5, 160.0 * mib, 32)), (jobs[1], at(5, mib, 5120))]));
    assert!(ui.screen().contains("ETA 1:03"), "{}", ui.screen());
    // Many small files are bound by their number.
    ui.msg(Msg::Progress(vec![(jobs[0], at(5, 160.0 * mib, 32)), (jobs[1], at(0, mib, 5120))]));
    assert!(ui.screen().contains("ETA 1:25:20"), "{}", ui.screen());
}

#[test]
fn a_removal_says_that_it_runs() {
    let mut ui = two_panes(80, 24);
    ui.press("Down F8 y");
    assert!(
        ui.screen().contains("deleting") && !ui.screen().contains("waiting for its turn"),
        "{}",
        ui.screen()
    );
    let job = ui.state.transfers.jobs[0].job;
    let of = |files| Totals { files, ..Totals::default() };
    let running =
        Progress { phase: TransferPhase::Running, done: of(128), total: of(500), ..Progress::default() };
    ui.msg(Msg::Progress(vec![(job, running)]));
    assert!(ui.screen().contains("128 of 500 files"), "{}", ui.screen());
}

#[test]
fn the_line_is_shown_and_changed() {
    let mut ui = two_panes(80, 24);
    ui.press("Down");
    let mut jobs = Vec::new();
    for _ in 0..4 {
        ui.press("F5 Down");
        let Command::Copy { job, .. } = *ui.last() else { panic!("no copy") };
        jobs.push(job);
    }
    let at = |job: JobId, phase| (job, Progress { phase, ..Progress::default() });
    let queued = TransferPhase::Queued;
    let running = at(jobs[0], TransferPhase::Running);
    ui.msg(Msg::Progress(vec![
        running.clone(),
        at(jobs[1], queued),
        at(jobs[2], queued),
        at(jobs[3], queued),
    ]));
    ui.press("T Home Down Down Shift-Up");
    assert!(matches!(ui.last(), Command::Reorder { job, up: true } if *job == jobs[2]), "{:?}", ui.last());
    assert!(ui.screen().contains("queued, 2nd"), "{}", ui.screen());
    ui.msg(Msg::Progress(vec![running, at(jobs[2], queued), at(jobs[1], queued), at(jobs[3], queued)]));
    let order: Vec<JobId> = ui.state.transfers.jobs.iter().map(|transfer| transfer.job).collect();
    assert_eq!(order, [jobs[0], jobs[2], jobs[1], jobs[3]]);
    // The cursor stays on its transfer.
    ui.press("-");
    assert!(matches!(ui.last(), Command::Reorder { job, up: false } if *job == jobs[2]));
    ui.press("Home +");
    assert!(ui.says("does not wait"));
}

/// What is hinted in the panel for the transfer of the cursor, by name.
fn hints(ui: &mut Ui) -> Vec<std::borrow::Cow<'static, str>> {
    let areas = layout::layout(ui.state.size, &ui.state);
    layout::hints::hints(areas.hints, &ui.state).iter().map(|hint| hint.name.clone()).collect()
}

#[test]
fn what_is_hinted_fits_the_transfer_of_the_cursor() {
    let running = |phase| {
        let (mut ui, job) = copying(140, 40);
        ui.msg(Msg::Progress(vec![(job, Progress { phase, ..Progress::default() })]));
        (ui, job)
    };
    let ended = |what| {
        let (mut ui, job) = running(TransferPhase::Running);
        ui.event(job, what);
        ui
    };
    let error = Error::new(ErrorKind::Failure, Operation::Plan);
    for (mut ui, wanted, unwanted) in [
        (
            running(TransferPhase::Running).0,
            vec!["Details", "Pause", "Cancel job", "Speed"],
            vec!["Clear", "Go on"],
        ),
        (running(TransferPhase::Paused).0, vec!["Go on", "Cancel job"], vec!["Pause", "Clear"]),
        (running(TransferPhase::Asking).0, vec!["Cancel job"], vec!["Pause", "Go on"]),
        (
            ended(What::Done(Outcome::default())),
            vec!["Details", "Clear"],
            vec!["Pause", "Cancel job", "Go on", "Speed"],
        ),
        (ended(What::Failed(error)), vec!["Details", "Clear"], vec!["Pause", "Cancel job", "Go on", "Speed"]),
        (failed(140, 40).0, vec!["Details", "Forget", "Go on", "Clear"], vec!["Pause", "Cancel job"]),
        (interrupted(140, 40), vec!["Forget", "Go on"], vec!["Details", "Pause", "Clear"]),
    ] {
        ui.press("T");
        let hints = hints(&mut ui);
        assert!(
            wanted.iter().all(|name| hints.iter().any(|hint| hint == name)),
            "{wanted:?} of {hints:?}\n{}",
            ui.screen()
        );
        assert!(
            !unwanted.iter().any(|name| hints.iter().any(|hint| hint == name)),
            "{unwanted:?} in {hints:?}"
        );
    }
    // The same in its details.
    let (mut ui, _) = failed(140, 40);
    ui.press("T Enter");
    assert_eq!(hints(&mut ui), ["Close", "Explain", "Help", "Try again", "All again"]);
    ui.press("End");
    assert_eq!(
        hints(&mut ui),
        ["Close", "Explain", "Help", "All again"],
        "a warning is nothing to be tried again"
    );
    let mut ui = ended(What::Done(Outcome::default()));
    ui.press("T Enter");
    assert_eq!(hints(&mut ui), ["Close", "Help"]);
    // What was told to stop is not stopped again.
    let (mut ui, _) = running(TransferPhase::Running);
    ui.press("T x");
    let sent = ui.sent.len();
    assert!(!hints(&mut ui).iter().any(|hint| hint == "Cancel job"));
    ui.press("x");
    assert_eq!(ui.sent.len(), sent);
    assert!(ui.says("stopping"), "{:?}", ui.state.notice);
}

#[test]
fn a_transfer_that_failed_says_how_far_it_came_and_why() {
    let failing = |bytes| {
        let (mut ui, job) = copying(100, 30);
        let done = Totals { bytes, ..Totals::default() };
        let total = Totals { files: 3, bytes: 900_000, ..Totals::default() };
        ui.event(job, What::Planned(total));
        let phase = TransferPhase::Running;
        ui.msg(Msg::Progress(vec![(job, Progress { phase, done, total, ..Progress::default() })]));
        (ui, job)
    };
    for (bytes, said) in [(36, "failed after 36 B"), (0, "failed before anything was copied")] {
        let (mut ui, job) = failing(bytes);
        ui.event(job, What::Failed(Error::new(ErrorKind::NoSpace, Operation::Write).on("sftp://ann@web-01")));
        ui.press("T Enter");
        let screen = ui.screen();
        assert!(screen.contains(said) && !screen.contains(" of 3 files"), "{screen}");
        assert!(screen.contains("no space is left") && !screen.contains("Nothing has failed"), "{screen}");
        ui.press("Enter");
        assert!(matches!(ui.state.overlay(), Some(Overlay::Error { .. })), "{screen}");
    }
    let (mut ui, job) = failing(36);
    ui.press("T x");
    ui.event(job, What::Cancelled);
    ui.press("Enter");
    assert!(ui.screen().contains("cancelled after 36 B"), "{}", ui.screen());
    // Where each item failed by itself, their number tells more than the bytes that were tried.
    let (mut ui, job) = failing(36);
    ui.event(job, What::ItemFailed(lost()));
    ui.event(job, What::Done(Outcome { failed: 1, ..Outcome::default() }));
    ui.press("T Enter");
    assert!(ui.screen().contains("1 failed of 3 files, 879 KiB"), "{}", ui.screen());
}

/// What was recorded, at the next start.
fn at_next_start(stored: Stored) -> Ui {
    let mut ui = two_panes(100, 24);
    let mut effects = Vec::new();
    jobs_at_start(&mut ui.state, &mut effects);
    ui.take(effects);
    let Command::Stored { job } = *ui.last() else { panic!("nothing was asked") };
    ui.event(job, What::Stored(vec![stored]));
    ui.event(job, What::Done(Outcome::default()));
    ui
}

#[test]
fn one_that_ended_with_failures_says_the_same_at_the_next_start() {
    let (mut before, _) = failed(100, 24);
    let Standing::Done(outcome) = before.state.transfers.jobs[0].standing else { panic!() };
    let why =
        Reason { kind: ErrorKind::NotFound, operation: Operation::Open, said: String::new(), code: None };
    // One of the three is no file that was copied, such as a folder.
    let failures = ["a.css", "c.css"]
        .map(|name| Failure { source: local().0.join(b"assets").join(name.as_bytes()), why: why.clone() });
    let stored = Stored {
        failed: 2,
        failures: failures.to_vec(),
        ended: Some(outcome),
        ..stored("abcdef", "assets", false)
    };
    let mut after = at_next_start(stored);
    assert!(after.says("Some of an earlier transfer has failed"), "{:?}", after.state.notice);
    let words = |ui: &Ui| ui.state.transfers.jobs[0].standing_words();
    assert_eq!(words(&after), "20 copied, 3 failed");
    assert_eq!(words(&after), words(&before));
    before.press("T");
    after.press("T");
    assert_eq!(hints(&mut before), hints(&mut after));

    after.press("Enter r");
    let Command::Retry { job, id, .. } = after.last().clone() else { panic!("{:?}", after.last()) };
    after.event(job, What::Resumable { id, reached: Totals::default() });
    let done = Totals { files: 1, bytes: 7, ..Totals::default() };
    after.event(job, What::Done(Outcome { done, ..Outcome::default() }));
    assert_eq!(words(&after), "21 copied, 2 failed");
}

#[test]
fn one_that_failed_as_a_whole_has_reached_what_its_record_says() {
    let (mut ui, job) = copying(100, 24);
    let done = Totals { files: 1, bytes: 70_000, ..Totals::default() };
    let phase = TransferPhase::Running;
    ui.msg(Msg::Progress(vec![(job, Progress { phase, done, ..Progress::default() })]));
    let reached = Totals { files: 1, bytes: 65_536, ..Totals::default() };
    ui.event(job, What::Resumable { id: "abcdef".into(), reached });
    ui.event(job, What::Failed(lost()));
    ui.press("T Enter");
    assert!(ui.screen().contains("failed after 1 file, 64.0 KiB"), "{}", ui.screen());
}

fn running(phase: TransferPhase) -> Progress {
    Progress {
        phase,
        done: Totals { bytes: 22_230_000, ..Totals::default() },
        total: Totals { files: 1, bytes: 300_000_000, ..Totals::default() },
        rate: 3_100_000.0,
        elapsed: Duration::from_secs(7),
        remaining: Some(Duration::from_secs(90)),
        ..Progress::default()
    }
}

#[test]
fn what_runs_never_stands_on_the_last_reply() {
    let (mut ui, job) = copying(40, 10);
    ui.msg(Msg::Progress(vec![(job, running(TransferPhase::Running))]));
    ui.event(JobId::NONE, What::Log { lines: log_lines(), dropped: 0 });
    ui.state.notice = None;
    let screen = ui.screen();
    let status = screen.lines().nth(8).unwrap();
    assert!(status.contains("…  ⇅ 1 job  7%"), "{status}");
}

#[test]
fn that_an_answer_is_waited_for_is_what_is_left_out_last() {
    for (w, h, held) in [(40, 10, false), (80, 24, false), (80, 24, true)] {
        let (mut ui, job) = copying(w, h);
        if held {
            ui.press("Down x Tab");
        }
        ui.msg(Msg::Progress(vec![(job, running(TransferPhase::Asking))]));
        ui.state.notice = None;
        assert!(ui.screen().contains("1 job  waits for you"), "{}", ui.screen());
    }
}

#[test]
fn details_of_what_runs_use_the_rows_there_are() {
    let (mut ui, job) = copying(40, 10);
    ui.msg(Msg::Progress(vec![(job, running(TransferPhase::Running))]));
    ui.press("T Enter");
    let screen = ui.screen();
    for fact in ["21.2 of 286 MiB", "0 of 1 file", "3.0 MiB/s now", "1:30 to go"] {
        assert!(screen.contains(fact), "{fact}: {screen}");
    }
}

#[test]
fn a_reason_has_the_rows_that_the_list_leaves() {
    let screen = failed_details(40, 10).screen();
    assert!(
        screen.contains("assets/deep/b.css: SFTP") && screen.contains("SSH_FX_FAILURE), Failure."),
        "{screen}"
    );
}

/// What can go on later is told with its keys, and nothing else promises to.
#[test]
fn quitting_says_what_becomes_of_what_runs() {
    let asked = |keys: &str| {
        let (mut ui, _) = copying(80, 24);
        ui.press(keys);
        ui.screen().replace(['"', '\n', '│'], " ").split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let one = asked("q");
    assert!(one.contains("Quit while a copy runs?"), "{one}");
    let two = asked("Down F5 q");
    assert!(two.contains("Quit while 2 copies run?"), "{two}");
    let mixed = asked("Down F8 Right Enter q");
    assert!(mixed.contains("Quit while 2 jobs run?"), "{mixed}");
    let mut ui = two_panes(80, 24);
    ui.press("Down F8 Right Enter q");
    let screen = ui.screen();
    assert!(screen.contains("Quit while a deletion runs?"), "{screen}");
    assert!(screen.contains("It stops where it is; what is done stays done."), "{screen}");
    assert!(!screen.contains("goes on"), "{screen}");
}

#[test]
fn the_figures_of_several_transfers_stand_below_each_other() {
    for (w, h) in [(80, 24), (140, 40), (300, 40)] {
        let (mut ui, first) = copying(w, h);
        ui.press("Down F5");
        let Command::Copy { job: second, .. } = *ui.last() else { panic!("no copy") };
        let other = Progress {
            total: Totals { files: 7, bytes: 40_000, ..Totals::default() },
            done: Totals { files: 2, bytes: 12_000, ..Totals::default() },
            rate: 900.0,
            remaining: Some(Duration::from_secs(4000)),
            ..running(TransferPhase::Running)
        };
        ui.msg(Msg::Progress(vec![(first, running(TransferPhase::Running)), (second, other)]));
        let screen = ui.screen();
        let rows: Vec<&str> =
            screen.lines().filter(|row| row.contains("ETA ") && row.contains('░')).collect();
        assert_eq!(rows.len(), 2, "{screen}");
        for what in ["/s  ETA", "ETA", "%"] {
            let at = |row: &str| row.split(what).next().map(|before| before.chars().count());
            assert_eq!(at(rows[0]), at(rows[1]), "{what}: {screen}");
        }
        assert!(rows[0].contains("21.2 of 286 MiB") && rows[0].contains("ETA 1:30"), "{screen}");
        assert!(!rows[0].contains("1 file"), "one file needs no count: {screen}");
        assert!(rows[1].contains("2 of 7 files") || w < 100, "{screen}");
    }
}

#[test]
fn what_nobody_measured_is_left_out_of_the_explanation() {
    let mut ui = failed_details(140, 40);
    ui.press("Enter");
    let screen = ui.screen();
    assert!(screen.contains("SFTP status 4") && screen.contains("Asked"), "{screen}");
    assert!(!screen.contains("Took"), "{screen}");
}

#[test]
fn a_transfer_of_nothing_but_folders_says_so() {
    let (mut ui, job) = copying(80, 24);
    let done = Totals { dirs: 1, ..Totals::default() };
    ui.event(job, What::Done(Outcome { done, ..Outcome::default() }));
    assert!(ui.says("1 folder copied to web-01:/var/www/site."));
    let (mut ui, job) = copying(80, 24);
    ui.event(job, What::Done(Outcome { failed: 1, ..Outcome::default() }));
    assert!(ui.says("Nothing was copied to web-01:/var/www/site: 1 failed."));
}
