//! Renaming several by a pattern, and the properties and permissions of several.

use super::*;
use wharf::{engine::Standing, fs::mode::ModeChange, transfer::Change};

fn selecting(width: u16, height: u16) -> Ui {
    let mut ui = two_panes(width, height);
    ui.press("+ Enter");
    ui
}

fn renaming(width: u16, height: u16) -> Ui {
    let mut ui = selecting(width, height);
    ui.press("r");
    ui
}

#[test]
fn the_dialog() {
    snapshot("rename_many", |w, h| {
        let mut ui = renaming(w, h);
        ui.press("^u");
        ui.type_text("site-[C:2][E]");
        ui
    });
    snapshot("rename_many_conflicts", |w, h| {
        let mut ui = renaming(w, h);
        ui.press("Tab");
        ui.type_text("^(.).*");
        ui.press("Tab");
        ui.type_text("$1");
        ui.press("Tab Space");
        ui
    });
    snapshot("rename_many_wrong", |w, h| {
        let mut ui = renaming(w, h);
        ui.type_text("[X]");
        ui
    });
}

#[test]
fn only_what_changes_is_renamed_and_in_one_job() {
    let mut ui = renaming(80, 24);
    ui.press("Tab");
    ui.type_text("notes");
    ui.press("Tab");
    ui.type_text("words");
    ui.press("Enter");
    let Command::RenameAll { job, folder, names } = ui.last() else { panic!("{:?}", ui.last()) };
    assert_eq!(folder, &local().0);
    assert_eq!(names, &[(b"notes.md"[..].into(), b"words.md"[..].into())]);
    let job = *job;
    let done = Outcome { done: Totals { files: 1, ..Totals::default() }, ..Outcome::default() };
    ui.event(job, What::Done(done));
    assert!(ui.says("1 renamed"), "{:?}", ui.state.notice);
    assert_eq!(ui.listed(), local().0);
}

#[test]
fn nothing_is_renamed_while_names_cannot_be_given() {
    let mut ui = renaming(80, 24);
    ui.press("^u");
    ui.type_text("same");
    let sent = ui.sent.len();
    ui.press("Enter");
    assert_eq!(ui.sent.len(), sent);
    assert!(matches!(ui.state.overlay(), Some(Overlay::Rename(_))));
    assert!(ui.screen().contains("✗ twice"), "{}", ui.screen());
    // A name that is there but filtered out stands in the way as well.
    let mut ui = two_panes(80, 24);
    ui.press("/");
    ui.type_text("m");
    ui.press("Enter + Enter r ^u");
    ui.type_text("index.html");
    assert!(ui.screen().contains("✗"), "{}", ui.screen());
}

#[test]
fn one_item_is_renamed_by_its_name() {
    let mut ui = two_panes(80, 24);
    ui.press("Down Down r");
    assert!(matches!(ui.state.overlay(), Some(Overlay::Text { .. })));
}

#[test]
fn the_mouse_turns_choices() {
    let mut ui = renaming(120, 30);
    let letters = ui.find(|hit| hit == Hit::Field(4));
    ui.click(letters);
    ui.click(letters);
    assert!(ui.screen().contains("UPPER CASE"));
    assert!(ui.screen().contains("NOTES.MD"));
}

fn different() -> Vec<Entry> {
    let mut entries = vec![entry("a.txt", 10, DAY), entry("b.sh", 20, 3 * DAY), entry("dir/", 1, DAY)];
    entries[1].attributes.mode = Some(0o750);
    entries[1].owner = Some("root".into());
    entries
}

fn mixed(width: u16, height: u16) -> Ui {
    let mut ui = two_panes(width, height);
    ui.press("^r");
    ui.fill(Side::Left, different());
    ui.press("+ Enter");
    ui
}

#[test]
fn several_at_once() {
    snapshot("properties_of_several", |w, h| {
        let mut ui = mixed(w, h);
        ui.press("i");
        ui
    });
    snapshot("permissions_mixed", |w, h| {
        let mut ui = mixed(w, h);
        ui.press("P");
        ui
    });
    snapshot("time", |w, h| {
        let mut ui = mixed(w, h);
        ui.press("i t");
        ui.type_text("2026-11-21 14:05");
        ui
    });
}

fn changed(ui: &Ui) -> (Change, bool) {
    match ui.last() {
        Command::SetAttributes { change, recursive, .. } => (change.clone(), *recursive),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_differs_and_is_not_touched_stays() {
    // 644, 750 and 755: read for the group is common to all, write for the owner as well.
    let mut ui = mixed(80, 24);
    ui.press("P");
    assert!(ui.screen().contains("rw?r-??-?") || ui.screen().contains("rw?r-??--"), "{}", ui.screen());
    ui.press("Down w Enter");
    let (change, _) = changed(&ui);
    assert_eq!(change.mode, Some(ModeChange::Bits { set: 0o020, clear: 0, tree: false }));
    // On, off, and back to what differs.
    let mut ui = mixed(80, 24);
    ui.press("P x x x Down w w Enter");
    assert!(ui.says("Nothing was changed"), "{:?}", ui.state.notice);
    let mut ui = mixed(80, 24);
    ui.press("P x x f Enter");
    let (change, recursive) = changed(&ui);
    assert_eq!(change.mode, Some(ModeChange::Bits { set: 0, clear: 0o100, tree: true }));
    assert!(recursive);
    // All of it, in digits.
    let mut ui = mixed(80, 24);
    ui.press("P 6 4 0 Enter");
    assert_eq!(changed(&ui).0.mode, Some(ModeChange::Exact(0o640)));
}

#[test]
fn times_are_set() {
    let mut ui = mixed(80, 24);
    ui.press("i t");
    ui.type_text("yesterday");
    ui.press("Enter");
    assert!(ui.screen().contains("Write 2026-11-21"), "{}", ui.screen());
    ui.press("^u");
    ui.type_text("2026-11-20 21:00");
    ui.press("Enter");
    let (change, _) = changed(&ui);
    assert_eq!(change.mtime, Some(Timestamp::from_seconds(NOW)));
    assert_eq!(change.mode, None);
}

fn counting(width: u16, height: u16) -> (Ui, JobId) {
    let mut ui = two_panes(width, height);
    ui.press("^r");
    ui.fill(
        Side::Left,
        vec![entry("a/", 4096, DAY), entry("b/", 4096, DAY), entry("c/", 4096, DAY), entry("d.txt", 5, DAY)],
    );
    ui.press("g u");
    let Command::Measure { job, items } = ui.last() else { panic!("{:?}", ui.last()) };
    assert_eq!(items.len(), 3);
    let job = *job;
    measured(&mut ui, job, "b", 3 << 20, Standing::Whole);
    measured(&mut ui, job, "c", 1 << 10, Standing::AtLeast);
    (ui, job)
}

fn measured(ui: &mut Ui, job: JobId, name: &str, bytes: u64, standing: Standing) {
    let location = local().0.join(name.as_bytes());
    let totals = Totals { files: 2, dirs: 1, bytes, ..Totals::default() };
    ui.event(job, What::Measured { location, totals, standing });
}

#[test]
fn sizes_of_folders() {
    snapshot("sizes_counting", |w, h| {
        let (mut ui, _) = counting(w, h);
        ui.at(65);
        ui
    });
    snapshot("sizes_sorted", |w, h| {
        let (mut ui, job) = counting(w, h);
        measured(&mut ui, job, "a", 7 << 30, Standing::Whole);
        let done = Totals { files: 6, dirs: 3, bytes: (7 << 30) + (3 << 20) + 1024, ..Totals::default() };
        ui.event(job, What::Done(Outcome { done, failed: 1, ..Outcome::default() }));
        ui.press("s s");
        ui
    });
}

#[test]
fn counted_sizes_order_select_and_last_until_a_refresh() {
    let (mut ui, job) = counting(80, 24);
    ui.press("s s");
    let order = |ui: &Ui| -> Vec<String> {
        let listing = &ui.state.left.view.listing;
        listing.iter().map(|item| String::from_utf8_lossy(&item.entry.name).into_owned()).collect()
    };
    assert_eq!(order(&ui), ["b", "c", "a", "d.txt"]);
    measured(&mut ui, job, "a", 7 << 30, Standing::Whole);
    assert_eq!(order(&ui), ["a", "b", "c", "d.txt"]);
    ui.event(job, What::Done(Outcome::default()));
    assert!(!ui.state.is_animated());
    ui.press("^a");
    assert_eq!(ui.state.left.view.listing.selected().bytes, (7 << 30) + (3 << 20) + 1024 + 5);
    ui.press("^r");
    ui.fill(Side::Left, vec![entry("a/", 4096, DAY)]);
    assert_eq!(ui.state.left.view.listing.get(0).unwrap().measured, None);
}

#[test]
fn counting_is_stopped_by_esc_and_by_leaving() {
    let (mut ui, job) = counting(80, 24);
    ui.press("Esc");
    assert!(matches!(ui.last(), Command::Cancel { job: stopped } if *stopped == job));
    let size = |ui: &Ui, name: &[u8]| {
        let listing = &ui.state.left.view.listing;
        listing.iter().find(|item| *item.entry.name == *name).unwrap().entry.attributes.size
    };
    assert_eq!((size(&ui, b"a"), size(&ui, b"b")), (None, Some(3 << 20)));
    let (mut ui, job) = counting(80, 24);
    ui.press("g Down Enter");
    ui.fill(Side::Left, vec![]);
    assert!(
        ui.sent.iter().any(|command| matches!(command, Command::Cancel { job: stopped } if *stopped == job))
    );
}

#[test]
fn times_are_set_by_what_they_are_of() {
    let noon = Some(wharf::fs::Timestamp::from_seconds(1_795_176_000));
    for (typed, mtime, atime) in [
        ("2026-11-20 12:00", noon, None),
        ("modified 2026-11-20 12:00", noon, None),
        ("accessed 2026-11-20 12:00", None, noon),
        ("  both  2026-11-20 12:00 ", noon, noon),
    ] {
        let mut ui = mixed(80, 24);
        ui.press("i t");
        ui.type_text(typed);
        ui.press("Enter");
        assert_eq!(changed(&ui), (Change { mtime, atime, ..Change::default() }, false), "{typed}");
        let Command::SetAttributes { items, .. } = ui.last() else { panic!("{:?}", ui.last()) };
        assert_eq!(items.len(), 3);
    }
    for wrong in ["accessed", "accessed yesterday", "created 2026-11-20"] {
        let mut ui = mixed(80, 24);
        ui.press("i t");
        ui.type_text(wrong);
        ui.press("Enter");
        assert!(ui.screen().contains("Write 2026-11-21"), "{wrong}: {}", ui.screen());
    }
}
