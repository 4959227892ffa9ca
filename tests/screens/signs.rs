//! What goes to the terminal beside the screen, and what is pasted into a pane.

use super::*;
use wharf::ui::{state::Bar, update::Sign};

fn copying(elapsed: u64) -> (Ui, JobId) {
    let mut ui = two_panes(80, 24);
    ui.press("Down Down F5");
    let job = match ui.last() {
        Command::Copy { job, .. } => *job,
        other => panic!("no copy: {other:?}"),
    };
    let progress = Progress {
        done: Totals { bytes: 30, ..Totals::default() },
        total: Totals { bytes: 120, ..Totals::default() },
        elapsed: Duration::from_secs(elapsed),
        ..Progress::default()
    };
    ui.msg(Msg::Progress([(job, progress)].into_iter().collect()));
    (ui, job)
}

fn notes(ui: &Ui) -> Vec<&Sign> {
    ui.signs.iter().filter(|sign| matches!(sign, Sign::Notify(_))).collect()
}

#[test]
fn the_terminal_shows_how_far_it_is_and_forgets_it_at_the_end() {
    let (mut ui, job) = copying(1);
    assert_eq!(ui.signs, [Sign::Bar(Bar::Busy), Sign::Bar(Bar::Percent(25))]);
    ui.press("Up Down");
    assert_eq!(ui.signs.len(), 2, "it is told of changes alone");
    ui.event(job, What::Done(Outcome::default()));
    assert_eq!(ui.signs.last(), Some(&Sign::Bar(Bar::None)));
}

#[test]
fn only_who_looks_elsewhere_is_told_and_only_of_long_jobs() {
    for (elapsed, focused, told) in [(11, false, 1), (11, true, 0), (9, false, 0)] {
        let (mut ui, job) = copying(elapsed);
        ui.msg(Msg::Focus(focused));
        ui.event(job, What::Done(Outcome::default()));
        assert_eq!(notes(&ui).len(), told, "{elapsed} {focused}: {:?}", ui.signs);
    }
    let (mut ui, job) = copying(60);
    ui.msg(Msg::Focus(false));
    ui.msg(Msg::Focus(true));
    ui.event(job, What::Failed(lost()));
    assert_eq!(notes(&ui).len(), 0, "who is back again sees it");
}

#[test]
fn paths_and_urls_go_to_the_clipboard() {
    let mut ui = two_panes(80, 24);
    let copied = |ui: &mut Ui| {
        ui.press("Y");
        match ui.signs.pop() {
            Some(Sign::Clipboard(bytes)) => String::from_utf8(bytes).unwrap(),
            other => panic!("no paths: {other:?}"),
        }
    };
    assert_eq!(copied(&mut ui), "/home/ann/site", "on `..` the folder itself");
    ui.press("Down Space Space");
    assert_eq!(copied(&mut ui), "/home/ann/site/assets\n/home/ann/site/current");
    assert!(ui.says("2 paths"));
    ui.press("Tab Down Down");
    let url = copied(&mut ui);
    assert!(url.starts_with("sftp://") && url.ends_with("/var/www/site/index.html"), "{url}");
}

#[test]
fn a_pasted_path_is_gone_to() {
    let mut ui = two_panes(80, 24);
    ui.msg(Msg::Paste("  '/srv/data'\n".into()));
    assert_eq!(ui.listed().path, RemotePath::new("/srv/data"));
    ui.msg(Msg::Paste("sftp://kim@nas:2222/backup".into()));
    assert!(matches!(ui.last(), Command::Open { .. }), "{:?}", ui.last());
    let sent = ui.sent.len();
    for text in ["hello", "", "\n\n", "/a\u{1b}[2Jb", &format!("/{}", "x".repeat(5000))] {
        ui.msg(Msg::Paste(text.into()));
    }
    assert_eq!(ui.sent.len(), sent, "nothing else is");
}

#[test]
fn several_pasted_lines_are_asked_about() {
    let mut ui = two_panes(80, 24);
    let sent = ui.sent.len();
    ui.msg(Msg::Paste("/srv/data\nrm -rf /\n".into()));
    insta::assert_snapshot!("pasted_lines", ui.screen());
    ui.press("Enter");
    assert_eq!(ui.sent.len(), sent, "the safe answer stays");
    ui.msg(Msg::Paste("/srv/data\nrm -rf /\n".into()));
    ui.press("y");
    assert_eq!(ui.listed().path, RemotePath::new("/srv/data"));
}

#[test]
fn suspending_is_the_terminals_business() {
    let mut ui = two_panes(80, 24);
    ui.press("^Z");
    assert_eq!(ui.signs, [Sign::Suspend]);
    let mut ui = two_panes(80, 24);
    ui.press("^G ^Z");
    assert_eq!(ui.signs, [Sign::Suspend], "from a dialog too");
}
