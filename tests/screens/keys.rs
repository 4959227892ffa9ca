//! The command palette and the keys: what is found, what runs, and what the screen says of it.

use super::*;
use wharf::ui::keymap::Mode;

#[test]
fn the_palette() {
    snapshot("palette", |w, h| {
        let mut ui = two_panes(w, h);
        ui.press("Down :");
        ui
    });
    snapshot("palette_found", |w, h| {
        let mut ui = two_panes(w, h);
        ui.press("Down ^P");
        ui.type_text("show");
        ui.press("Down");
        ui
    });
    snapshot("palette_nothing_found", |w, h| {
        let mut ui = two_panes(w, h);
        ui.press(":");
        ui.type_text("qqqq");
        ui
    });
}

#[test]
fn the_palette_runs_what_it_finds() {
    let mut ui = two_panes(80, 24);
    ui.press("Down :");
    assert_eq!(ui.state.mode(), Mode::Palette);
    ui.type_text("new file");
    ui.press("Enter");
    assert!(matches!(ui.state.overlay(), Some(Overlay::Text { .. })), "{:?}", ui.state.overlay());
    ui.press("Esc :");
    ui.type_text("qqqq");
    // Nothing to run: it stays open, and Esc leaves without doing anything.
    ui.press("Enter");
    assert_eq!(ui.state.mode(), Mode::Palette);
    ui.press("Esc");
    assert_eq!(ui.state.mode(), Mode::Panes);
    ui.press(":");
    ui.msg(Msg::Paste("swap\n".into()));
    ui.press("Enter");
    assert_eq!(ui.state.left.view.info.label, "web-01");
}

#[test]
fn the_palette_takes_the_mouse() {
    let mut ui = two_panes(80, 24);
    ui.press(":");
    ui.type_text("hidden");
    let shown = ui.state.left.view.listing.shows_hidden();
    let at = ui.find(|hit| hit == Hit::Chosen(0));
    ui.click(at);
    assert_eq!(ui.state.mode(), Mode::Panes);
    assert_ne!(ui.state.left.view.listing.shows_hidden(), shown);
}

#[test]
fn the_palette_marks_what_applies_now() {
    let mut ui = two_panes(80, 24);
    ui.press("Down Down Down :");
    let applies = |ui: &Ui, action| ui.state.applies(action);
    assert!(applies(&ui, Action::Copy) && applies(&ui, Action::Rename) && applies(&ui, Action::Quit));
    assert!(
        !applies(&ui, Action::Explain) && !applies(&ui, Action::Back) && !applies(&ui, Action::TestPlace)
    );
    ui.press("Esc Home :");
    assert!(!applies(&ui, Action::Copy), "there is nothing to copy on `..`");
    // What does not apply says why when it is run all the same.
    ui.type_text("rename");
    ui.press("Enter");
    assert!(ui.says("Put the cursor on what to rename"));
}
