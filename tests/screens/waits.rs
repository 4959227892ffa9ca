//! Every wait shows what is waited for, for how long, and how to end it.

use super::*;

/// After a minute of it.
fn after(mut ui: Ui) -> String {
    ui.at(1 + 65);
    assert!(ui.state.is_animated(), "the time on the screen stands still:\n{}", ui.screen());
    ui.screen()
}

fn here(keys: &str, text: &str) -> Ui {
    let mut ui = two_panes(100, 24);
    ui.press("Tab Down Down");
    ui.press(keys);
    ui.type_text(text);
    if !text.is_empty() {
        ui.press("Enter");
    }
    ui
}

#[test]
fn every_wait_says_what_for_how_long_and_how_to_end_it() {
    let connecting = {
        let mut ui = Ui::new(100, 24);
        ui.open(Side::Left, "web-01:");
        ui
    };
    let elsewhere = {
        let mut ui = two_panes(100, 24);
        ui.open(Side::Right, "nas:");
        ui
    };
    for (what, ui) in [
        ("Connecting to sftp://web-01", connecting),
        ("connecting", elsewhere),
        ("Listing", here("g Down Enter", "")),
        ("refreshing", here("^r", "")),
        ("Creating the folder new", here("F7", "new")),
        ("Creating the file new", here("N", "new")),
        ("Renaming to index.htmlx", here("r", "x")),
        ("Creating the link indexx", here("Alt-s ^u", "indexx")),
        ("Fetching index.html", here("F4", "")),
        ("reading", here("F3", "")),
        ("being computed", here("i s", "")),
        ("It runs", here("!", "make")),
        ("nothing yet in 0 folders", here("^f", "x")),
        ("listing /srv", {
            let mut ui = here("^g", "");
            ui.type_text("/srv/");
            ui
        }),
        ("looking at /srv", here("^g", "/srv")),
        ("counted 0 of 1 folder", here("g Down u", "")),
    ] {
        let screen = after(ui);
        assert!(screen.contains(what), "{what}:\n{screen}");
        assert!(screen.contains("1:05"), "{what} does not say how long:\n{screen}");
        assert!(screen.contains("Esc"), "{what} does not say how to end it:\n{screen}");
    }
}

#[test]
fn esc_ends_a_small_job() {
    let mut ui = here("F7", "new");
    let Command::CreateDir { job, .. } = ui.last() else { panic!("{:?}", ui.last()) };
    let job = *job;
    ui.press("Esc");
    assert!(matches!(ui.last(), Command::Cancel { job: stopped } if *stopped == job));
    ui.event(job, What::Cancelled);
    assert!(ui.says("Cancelled."));
    assert!(ui.state.errands.is_empty());
}
