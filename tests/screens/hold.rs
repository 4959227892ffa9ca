//! What is picked up stays in hand until it is dropped, or let go of.

use wharf::{
    engine::{Command, What},
    transfer::{OnConflict, Outcome, Request},
    ui::state::{Side, Work},
};

use crate::{Ui, entry, local, lost, remote, snapshot, two_panes};

fn copied(ui: &Ui) -> Option<&Request> {
    match ui.sent.last() {
        Some(Command::Copy { request, .. }) => Some(request),
        _ => None,
    }
}

#[test]
fn what_is_held_is_always_seen() {
    snapshot("held", |w, h| {
        let mut ui = two_panes(w, h);
        ui.press("Down Space Space Space y");
        ui
    });
    snapshot("held_while_a_job_runs", |w, h| {
        let mut ui = two_panes(w, h);
        ui.press("Down Down Down Down Down Down Down F5 Tab Down x");
        ui
    });
}

#[test]
fn picked_up_here_and_dropped_there() {
    let mut ui = two_panes(80, 24);
    ui.press("y");
    assert!(ui.says("Nothing to copy"));
    ui.press("p");
    assert!(ui.says("Nothing is held"));
    ui.press("Down Space Space y");
    assert_eq!(ui.state.held.as_ref().map(|held| held.load.items.len()), Some(2));
    // Where it was picked up it is not dropped, and it stays in hand.
    ui.press("p");
    assert!(ui.says("where it was picked up") && ui.state.held.is_some());
    // It survives going elsewhere.
    ui.press("Tab Down Enter");
    ui.fill(Side::Right, vec![]);
    ui.press("p");
    let request = copied(&ui).expect("a copy");
    assert_eq!(request.sources, [local().0.join(b"assets"), local().0.join(b"current")]);
    assert_eq!(request.target, remote().0.join(b"assets"));
    assert_eq!(request.policy.on_conflict, OnConflict::Ask);
    assert!(!request.remove_source);
    assert!(ui.state.held.is_none());
}

#[test]
fn picked_up_to_move_is_moved_within_the_server() {
    let mut ui = two_panes(80, 24);
    ui.press("Tab Down Down x");
    assert_eq!(ui.state.held.as_ref().map(|held| held.work), Some(Work::Move));
    ui.press("Up Enter");
    ui.fill(Side::Right, vec![]);
    ui.press("p");
    let Some(Command::Copy { job, request }) = ui.sent.last().cloned() else { panic!("no move") };
    assert_eq!(request.sources, [remote().0.join(b"index.html")]);
    assert!(request.remove_source);
    // Both folders are listed again where they are shown.
    ui.press("Backspace");
    ui.fill(Side::Right, vec![entry("assets/", 1, 1)]);
    ui.event(job, What::Done(Outcome::default()));
    assert_eq!(ui.listed(), remote().0);
}

#[test]
fn a_folder_is_not_dropped_into_itself() {
    let mut ui = two_panes(80, 24);
    ui.press("Down y Enter");
    ui.fill(Side::Left, vec![]);
    let sent = ui.sent.len();
    ui.press("p");
    assert!(ui.says("into itself"));
    assert!(ui.state.held.is_some());
    assert_eq!(ui.sent.len(), sent);
}

#[test]
fn escape_twice_lets_go_and_once_does_not() {
    let mut ui = two_panes(80, 24);
    ui.press("Down Down y Esc");
    assert!(ui.says("Once more lets go"));
    // Anything else in between, and it is held on to.
    ui.press("Down Esc");
    assert!(ui.state.held.is_some());
    ui.press("Esc");
    assert!(ui.state.held.is_none());
    assert!(ui.says("is let go"));
    // What is nearer than the hand goes first.
    ui.press("y Space Esc");
    assert_eq!(ui.state.left.view.listing.selected().count, 0);
    assert!(ui.state.held.as_ref().is_some_and(|held| !held.letting_go));
}

#[test]
fn what_is_held_outlives_a_lost_server() {
    let mut ui = two_panes(80, 24);
    ui.press("Tab Down Down y Tab");
    ui.event(wharf::engine::JobId::NONE, What::Lost(lost()));
    ui.press("p");
    // The engine connects again because it is needed.
    assert_eq!(copied(&ui).expect("a copy").sources, [remote().0.join(b"index.html")]);
}
