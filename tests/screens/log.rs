//! The log: what servers have answered, and how their connections are lost and found again.

use super::*;

/// Twelve seconds without a server.
fn lost_and_back(w: u16, h: u16) -> Ui {
    let mut ui = two_panes(w, h);
    let mut lines = log_lines();
    lines.truncate(2);
    ui.event(JobId::NONE, What::Log { lines, dropped: 0 });
    ui.event(JobId::NONE, What::Lost(lost()));
    ui.event(JobId::NONE, trying_again(4));
    ui.at(13);
    let (location, info) = remote();
    ui.event(JobId::NONE, What::Reconnected { fs: location.fs, info });
    ui
}

fn hinted(ui: &Ui, action: Action) -> bool {
    let areas = layout::layout(ui.state.size, &ui.state);
    layout::hints::hints(areas.hints, &ui.state).iter().any(|hint| hint.action == action)
}

#[test]
fn the_loss_and_the_return_of_a_connection_are_lines_of_it() {
    snapshot("log_lost", |w, h| {
        let mut ui = lost_and_back(w, h);
        ui.press("L");
        ui
    });
    let mut ui = lost_and_back(140, 24);
    ui.press("L");
    let screen = ui.screen();
    for said in [
        "✗ connection lost sftp://ann@web-01:22 → Connection reset by peer",
        "✓ connected again sftp://ann@web-01:22",
    ] {
        assert!(screen.contains(said), "{screen}");
    }
    assert!(screen.contains("12 s"), "how long it was gone:\n{screen}");
    // There is nothing to explain about the good news; about the loss there is.
    assert!(!hinted(&ui, Action::Explain));
    ui.press("Enter");
    assert!(ui.state.overlays.is_empty() && ui.says("no code"));
    ui.press("Up");
    assert!(hinted(&ui, Action::Explain));
    ui.press("Enter");
    let Some(Overlay::Error { words, .. }) = ui.state.overlay() else { panic!("{:?}", ui.state.overlay()) };
    assert!(words.said.contains("reset by peer"), "{words:?}");
}

#[test]
fn a_server_that_is_not_connected_again_says_why_and_once() {
    let mut ui = two_panes(140, 24);
    let fs = remote().0.fs;
    let left = |kind| {
        let error = Error::new(kind, Operation::Login).on(fs.as_str());
        What::LeftLost { fs: fs.clone(), error }
    };
    ui.event(JobId::NONE, What::Lost(lost()));
    // Only left until it is needed: nothing is known that the loss has not said.
    ui.event(JobId::NONE, left(ErrorKind::ConnectionLost));
    assert_eq!(ui.state.log.lines.len(), 1);
    ui.event(JobId::NONE, left(ErrorKind::LoginFailed));
    ui.press("L");
    let said = "✗ not connected again sftp://ann@web-01:22 → the server refused the login";
    assert!(ui.screen().contains(said), "{}", ui.screen());
}

#[test]
fn an_idle_session_that_its_server_ends_is_no_bad_news() {
    let mut ui = two_panes(140, 24);
    ui.event(JobId::NONE, What::Lost(lost().in_good_order()));
    ui.press("L");
    assert!(ui.screen().contains("· connection lost sftp://"), "{}", ui.screen());
}
