//! Tabs: each a pair of panes; what is late reaches the one that waits for it.

use wharf::{
    engine::{Command, JobId, What},
    fs::{ErrorKind, FsId, Location, RemotePath, entry::SortKey},
    transfer::Outcome,
    ui::{
        layout::Hit,
        state::{Phase, Side},
        update::choose,
    },
};

use crate::{Ui, copying, entry, local, lost, remote, snapshot, two_panes};

#[test]
fn tabs_stand_in_the_title_line() {
    snapshot("tabs", |w, h| {
        let mut ui = two_panes(w, h);
        ui.press("t Tab Backspace");
        ui.fill(Side::Right, vec![entry("site/", 4096, 60)]);
        ui.press("t 2");
        ui
    });
    snapshot("tabs_nine_and_held", |w, h| {
        let mut ui = two_panes(w, h);
        ui.press("t t t t t t t t t Down Space y 8");
        ui
    });
}

#[test]
fn a_tab_with_the_connect_screen_is_called_by_what_else_it_shows() {
    let mut ui = Ui::new(80, 24);
    let mut effects = Vec::new();
    choose(&mut ui.state, Side::Right, &mut effects);
    ui.take(effects);
    ui.state.active = Side::Right;
    assert!(ui.screen().contains("[1 connect]"), "{}", ui.screen());
    ui.show(Side::Left, ".", local(), vec![entry("notes.md", 1, 60)]);
    assert!(ui.screen().contains("[1 site]"), "{}", ui.screen());
}

#[test]
fn a_tab_keeps_what_it_shows() {
    let mut ui = two_panes(80, 24);
    ui.press("Down Down Space s s t");
    assert_eq!(ui.state.tabs.count(), 2);
    assert_eq!(ui.state.left.view.location, Some(local().0));
    assert_eq!(ui.state.left.view.listing.selected().count, 0, "a selection belongs to its tab");
    ui.press("Tab Backspace");
    ui.fill(Side::Right, vec![entry("site/", 4096, 60)]);
    let www = remote().0.parent();
    ui.press("1");
    assert_eq!((ui.state.tabs.current, ui.state.active), (0, Side::Left));
    assert_eq!(ui.state.right.view.location, Some(remote().0));
    assert_eq!(ui.state.left.view.listing.selected().count, 1);
    assert_eq!(ui.state.left.view.listing.sort().key, SortKey::Size);
    assert!(ui.state.right.back.is_empty());
    ui.press("2");
    assert_eq!((ui.state.tabs.current, ui.state.active), (1, Side::Right));
    assert_eq!(ui.state.right.view.location, www);
    assert_eq!(ui.state.right.back, [remote().0]);
}

#[test]
fn tabs_are_numbered_in_order_whichever_is_seen() {
    let mut ui = two_panes(100, 30);
    ui.press("t t");
    let names = |ui: &Ui| -> Vec<String> {
        (0..ui.state.tabs.count())
            .map(|tab| {
                let path = &ui.state.tab(tab).unwrap().0.view.location.as_ref().unwrap().path;
                String::from_utf8_lossy(path.name().unwrap()).into_owned()
            })
            .collect()
    };
    for (tab, folder) in [("1", "assets"), ("3", "current"), ("2", "assets")] {
        ui.press(tab);
        ui.press(if folder == "assets" { "Home Down Enter" } else { "Home Down Down Enter" });
        ui.fill(Side::Left, vec![]);
    }
    assert_eq!(names(&ui), ["assets", "assets", "current"]);
    for tab in ["3", "1", "2", "1", "3"] {
        ui.press(tab);
        assert_eq!(names(&ui), ["assets", "assets", "current"], "{tab}");
    }
    // The last one closes to the one before, any other to the next.
    ui.press("w");
    assert_eq!((names(&ui).len(), ui.state.tabs.current), (2, 1));
    ui.press("1 w w");
    assert_eq!((names(&ui).len(), ui.state.tabs.current), (1, 0));
    assert!(ui.says("the only tab"));
    ui.press("4");
    assert!(ui.says("no tab 4"));
}

#[test]
fn late_news_reaches_the_tab_that_waits_for_it() {
    let mut ui = two_panes(80, 24);
    ui.press("Down Enter");
    let job = ui.job(Side::Left);
    ui.press("t");
    let again = ui.job(Side::Left);
    assert_ne!(job, again, "each tab asks for itself");
    ui.event(again, What::Entries(vec![entry("new-tab", 1, 1)]));
    ui.event(job, What::Entries(vec![entry("old-tab", 1, 1), entry("older", 1, 1)]));
    ui.event(job, What::Done(Outcome::default()));
    assert_eq!(ui.state.left.view.listing.loaded(), 1);
    assert!(ui.state.left.is_waiting());
    ui.press("1");
    assert_eq!(ui.state.left.view.listing.loaded(), 2);
    assert!(!ui.state.left.is_waiting());
    assert_eq!(ui.state.left.back, [local().0]);
}

#[test]
fn a_closed_tab_stops_what_it_waits_for() {
    let mut ui = two_panes(80, 24);
    ui.press("t Down Enter");
    let job = ui.job(Side::Left);
    ui.press("w");
    assert!(ui.sent.iter().any(|command| matches!(command, Command::Cancel { job: j } if *j == job)));
    ui.event(job, What::Entries(vec![entry("late", 1, 1)]));
    assert!(!ui.screen().contains("late"));
}

#[test]
fn a_lost_server_is_lost_and_found_in_every_tab() {
    let mut ui = two_panes(80, 24);
    ui.press("t Tab Ctrl-Right");
    ui.fill(Side::Right, vec![]);
    ui.event(JobId::NONE, What::Lost(lost()));
    ui.press("1");
    assert!(
        matches!(&ui.state.right.phase, Phase::Lost(lost) if lost.error.kind() == ErrorKind::ConnectionLost)
    );
    ui.press("2");
    let fs = FsId::new("sftp://ann@web-01:22");
    // The engine goes on trying for a tab that is not seen.
    assert_eq!(ui.state.shown, std::slice::from_ref(&fs));
    ui.event(JobId::NONE, What::Reconnected { fs, info: remote().1 });
    ui.press("1");
    assert!(matches!(ui.state.right.phase, Phase::Listing(_)));
}

#[test]
fn transfers_go_on_and_refresh_tabs_that_are_not_seen() {
    let (mut ui, job) = copying(80, 24);
    ui.press("t Tab Down Enter");
    ui.fill(Side::Right, vec![]);
    ui.press("t");
    let sent = ui.sent.len();
    ui.event(job, What::Done(Outcome::default()));
    let listed: Vec<Location> = ui.sent[sent..]
        .iter()
        .filter_map(|command| match command {
            Command::List { location, .. } => Some(location.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(listed, [remote().0], "the first tab shows it");
    assert!(!ui.state.right.is_waiting());
    ui.press("1");
    assert!(ui.state.right.is_waiting());
}

#[test]
fn what_is_held_is_carried_from_tab_to_tab() {
    let mut ui = two_panes(80, 24);
    ui.press("Down y t Tab Down Enter");
    ui.fill(Side::Right, vec![]);
    ui.press("1 w p");
    let Some(Command::Copy { request, .. }) = ui.sent.last() else { panic!("no copy") };
    assert_eq!(request.sources, [local().0.join(b"assets")]);
    assert_eq!(request.target.path, RemotePath::new("/var/www/site/assets"));
}

#[test]
fn tabs_are_buttons() {
    let mut ui = two_panes(80, 24);
    let more = ui.find(|hit| hit == Hit::NewTab);
    ui.click(more);
    assert_eq!((ui.state.tabs.count(), ui.state.tabs.current), (2, 1));
    let first = ui.find(|hit| hit == Hit::Place(0));
    ui.click(first);
    assert_eq!(ui.state.tabs.current, 0);
    // No more than can be reached with a digit.
    for _ in 0..12 {
        ui.press("t");
    }
    assert_eq!(ui.state.tabs.count(), 9);
    assert!(ui.says("9 tabs"));
}

/// Without colours too.
#[test]
fn the_tab_that_is_seen_has_a_mark() {
    let mut ui = two_panes(80, 24);
    assert!(!ui.screen().lines().next().unwrap().contains('▸'), "one tab needs none");
    ui.press("t");
    assert!(ui.screen().lines().next().unwrap().contains("▸[2 web-01]"), "{}", ui.screen());
    ui.press("1");
    assert!(ui.screen().lines().next().unwrap().contains("wharf ▸[1 web-01]"), "{}", ui.screen());
}
