//! Two folders compared: what is shown, how it is changed, and that only what is shown is run.

use super::*;
use wharf::{
    fs::Precision,
    transfer::{
        Request,
        sync::{Half, Mode as Sync, Pair, Relation},
    },
    ui::keymap::Mode,
};

fn half(kind: Kind, size: u64, age: i64) -> Option<Half> {
    Some(Half {
        kind,
        size: Some(size),
        mtime: Some(Timestamp::from_seconds(NOW - age)),
        mtime_precision: Precision::Second,
    })
}

fn pair(path: &str, relation: Relation) -> Pair {
    let kind = if path.ends_with('/') { Kind::Dir } else { Kind::File };
    let path = path.trim_end_matches('/');
    let (here, there) = match relation {
        Relation::NewerLeft => (300, 18 * DAY),
        Relation::NewerRight => (18 * DAY, 300),
        _ => (2 * DAY, 2 * DAY),
    };
    Pair {
        path: path.as_bytes().into(),
        right_path: None,
        left: half(kind, 4301, here).filter(|_| relation != Relation::OnlyRight),
        right: half(kind, if relation == Relation::Same { 4301 } else { 3100 }, there)
            .filter(|_| relation != Relation::OnlyLeft),
        relation,
    }
}

fn pairs() -> Vec<Pair> {
    use Relation::{Clash, Different, NewerLeft, NewerRight, OnlyLeft, OnlyRight, Same};
    [
        ("assets/", Same),
        ("assets/site.css", NewerLeft),
        ("assets/logo.svg", Same),
        ("assets/photo-of-the-harbour-at-night-2024.jpeg", OnlyLeft),
        ("assets/fonts/", OnlyLeft),
        ("assets/fonts/serif.woff2", OnlyLeft),
        ("index.html", NewerLeft),
        ("robots.txt", NewerRight),
        ("same.txt", Same),
        ("odd", Different),
        ("build", Clash),
        ("old/", OnlyRight),
        ("old/a.html", OnlyRight),
        ("old/b.html", OnlyRight),
        ("日本語のファイル名.txt", OnlyRight),
    ]
    .map(|(path, relation)| pair(path, relation))
    .into()
}

fn begun(w: u16, h: u16) -> (Ui, JobId) {
    let mut ui = two_panes(w, h);
    ui.press("S");
    let Command::Compare { job, .. } = *ui.last() else { panic!("nothing is compared: {:?}", ui.last()) };
    (ui, job)
}

pub(super) fn compared(w: u16, h: u16) -> Ui {
    let (mut ui, job) = begun(w, h);
    let mut pairs = pairs();
    let later = pairs.split_off(6);
    ui.event(job, What::Compared(later));
    ui.event(job, What::Compared(pairs));
    ui.event(job, What::Done(Outcome::default()));
    ui
}

fn row(ui: &Ui, name: &str) -> usize {
    let compare = ui.state.compare.as_ref().expect("it is compared");
    let is_it = |at: &usize| compare.plan.pairs()[*at].path == name.as_bytes().into();
    compare.rows.iter().position(is_it).unwrap_or_else(|| panic!("{name} is not shown"))
}

fn go_to(ui: &mut Ui, name: &str) {
    let row = row(ui, name);
    ui.press("Home");
    for _ in 0..row {
        ui.press("Down");
    }
}

fn requests(ui: &Ui) -> Vec<&Request> {
    ui.sent
        .iter()
        .filter_map(|command| match command {
            Command::Copy { request, .. } => Some(request),
            _ => None,
        })
        .collect()
}

fn paths(set: &std::collections::HashSet<RemotePath>) -> Vec<String> {
    let mut paths: Vec<String> = set.iter().map(ToString::to_string).collect();
    paths.sort();
    paths
}

#[test]
fn the_comparison() {
    snapshot("compare", compared);
    snapshot("compare_both_ways", |w, h| {
        let mut ui = compared(w, h);
        ui.press("m m End");
        ui
    });
    snapshot("compare_deleting_and_same", |w, h| {
        let mut ui = compared(w, h);
        ui.press("D 4 Down Down =");
        ui
    });
    snapshot("compare_asks_before_it_deletes", |w, h| {
        let mut ui = compared(w, h);
        ui.press("D Enter");
        ui
    });
    snapshot("compare_listing", |w, h| {
        let (mut ui, job) = begun(w, h);
        ui.event(job, What::Compared(pairs().split_off(6)));
        ui.event(job, What::ItemFailed(lost()));
        ui.at(4);
        ui
    });
}

#[test]
fn what_is_shown_is_run_and_nothing_else() {
    let mut ui = compared(80, 24);
    assert_eq!(ui.state.mode(), Mode::Compare);
    go_to(&mut ui, "robots.txt");
    ui.press("Left");
    go_to(&mut ui, "assets/site.css");
    ui.press("=");
    go_to(&mut ui, "old");
    ui.press("d");
    ui.press("Enter y");
    assert!(ui.state.compare.is_none());
    let requests = requests(&ui);
    let [to_right, to_left] = requests.as_slice() else { panic!("{requests:?}") };
    assert_eq!((&to_right.sources[0], &to_right.target), (&local().0, &remote().0));
    let chosen = to_right.policy.chosen.as_ref().unwrap();
    let at = |name: &str| format!("/var/www/site/{name}");
    let copied = [
        "assets/fonts",
        "assets/fonts/serif.woff2",
        "assets/photo-of-the-harbour-at-night-2024.jpeg",
        "index.html",
        "odd",
    ];
    assert_eq!(paths(&chosen.copy), copied.map(at));
    assert_eq!(paths(&chosen.remove), ["old", "old/a.html", "old/b.html"].map(at));
    assert_eq!(paths(&to_left.policy.chosen.as_ref().unwrap().copy), ["/home/ann/site/robots.txt"]);
    assert!(!to_left.policy.delete);
    // Both jobs are in the list, and the panes are listed again when each has ended.
    assert_eq!(ui.state.transfers.jobs.len(), 2);
}

#[test]
fn deleting_asks_and_keeps_by_default() {
    let mut ui = compared(80, 24);
    ui.press("D Enter");
    assert!(ui.screen().contains("This cannot be undone"), "{}", ui.screen());
    ui.press("Enter");
    assert!(requests(&ui).is_empty() && ui.state.compare.is_some());
    // What the plan says beside that is said again.
    ui.press("Enter");
    let screen = ui.screen();
    assert!(screen.contains("6 files, 25.2 KiB to") && screen.contains("; 4 replaced"), "{screen}");
    ui.press("Esc");
    // Without deletions there is nothing to ask.
    ui.press("D Enter");
    assert_eq!(requests(&ui).len(), 1);
}

#[test]
fn a_folder_changes_all_that_is_in_it() {
    let mut ui = compared(80, 24);
    go_to(&mut ui, "assets");
    ui.press("=");
    ui.press("Enter");
    let chosen = requests(&ui)[0].policy.chosen.as_ref().unwrap();
    assert!(paths(&chosen.copy).iter().all(|path| !path.contains("assets")), "{chosen:?}");
    let mut ui = compared(80, 24);
    go_to(&mut ui, "assets");
    // Space goes through what can be done about all in it.
    ui.press("Space");
    let compare = ui.state.compare.as_ref().unwrap();
    assert_eq!(compare.plan.sums().to_right.copied.files, 3);
    ui.press("Space Space Backspace");
    let compare = ui.state.compare.as_ref().unwrap();
    assert_eq!(compare.plan.sums().to_right.copied.files, 6);
}

#[test]
fn both_ways_leave_what_nobody_can_know_to_the_person() {
    let mut ui = compared(80, 24);
    ui.press("m m");
    let compare = ui.state.compare.as_ref().unwrap();
    assert_eq!(compare.plan.mode(), Sync::Both);
    assert_eq!(compare.sums.undecided, 2);
    go_to(&mut ui, "odd");
    ui.press("Right");
    assert_eq!(ui.state.compare.as_ref().unwrap().sums.undecided, 1);
    // A folder and a file cannot take each other's place.
    go_to(&mut ui, "build");
    ui.press("Right");
    assert!(ui.says("nothing"), "{:?}", ui.state.notice);
}

#[test]
fn it_stops_and_is_left_one_step_at_a_time() {
    let (mut ui, job) = begun(80, 24);
    ui.event(job, What::Compared(pairs()));
    ui.press("Enter");
    assert!(ui.says("still being compared"));
    ui.press("Esc");
    assert!(matches!(ui.last(), Command::Cancel { job: stopped } if *stopped == job));
    ui.event(job, What::Cancelled);
    assert!(ui.screen().contains("Stopped before all was compared"), "{}", ui.screen());
    ui.press("/");
    ui.type_text("css");
    ui.press("Enter Esc");
    assert!(ui.state.compare.is_some());
    ui.press("Esc");
    assert!(ui.state.compare.is_none());
}

#[test]
fn questions_of_the_comparison_are_asked_in_front_of_it() {
    let (mut ui, job) = begun(80, 24);
    ui.event(job, What::Ask { question: QuestionId(4), ask: Ask::Trust(unknown_host()) });
    assert!(ui.screen().contains("Unknown server"), "{}", ui.screen());
    ui.press("Esc");
    assert_eq!(ui.state.mode(), Mode::Compare);
}

#[test]
fn the_same_folder_is_not_compared() {
    let mut ui = two_panes(80, 24);
    ui.press("=");
    ui.fill(Side::Right, site());
    ui.press("S");
    assert!(ui.says("same folder") && ui.state.compare.is_none());
}

#[test]
fn clicks_change_rows_and_switches() {
    let mut ui = compared(140, 40);
    let at = row(&ui, "index.html");
    let cell = ui.find(|hit| hit == Hit::Cell(at));
    ui.click(cell);
    let compare = ui.state.compare.as_ref().unwrap();
    let pair = compare.rows[at];
    assert!(compare.plan.is_own(pair));
    let chip = ui.find(|hit| hit == Hit::Hint(Action::SyncMode));
    ui.click(chip);
    assert_eq!(ui.state.compare.as_ref().unwrap().plan.mode(), Sync::Left);
    let same = ui.find(|hit| hit == Hit::Hint(Action::ShowSame));
    ui.click(same);
    assert!(ui.state.compare.as_ref().unwrap().seen.same);
}

#[test]
fn by_content_compares_anew() {
    let mut ui = compared(80, 24);
    ui.press("D c");
    assert!(matches!(ui.last(), Command::Compare { content: true, .. }));
    let compare = ui.state.compare.as_ref().unwrap();
    assert!(compare.plan.deletes() && compare.plan.pairs().is_empty());
}

#[test]
fn a_hundred_thousand_rows_stay_quick() {
    let (mut ui, job) = begun(140, 40);
    let all: Vec<Pair> = (0..100_000)
        .map(|at| {
            if at % 100 == 0 {
                pair(&format!("{:04}/", at / 100), Relation::Same)
            } else {
                pair(&format!("{:04}/{at}", at / 100), Relation::NewerLeft)
            }
        })
        .collect();
    for batch in all.chunks(10_000) {
        ui.event(job, What::Compared(batch.to_vec()));
    }
    ui.event(job, What::Done(Outcome::default()));
    let begun = std::time::Instant::now();
    for _ in 0..10 {
        ui.press("PgDn Space = 4");
        ui.screen();
    }
    // Forty keys in a build without optimization, on a machine that does other things as well.
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn sides_that_are_the_same_say_how_much_that_is_and_how_to_see_it() {
    for (w, h) in SIZES {
        let (mut ui, job) = begun(w, h);
        ui.event(job, What::Compared(vec![pair("a", Relation::Same), pair("b", Relation::Same)]));
        ui.event(job, What::Done(Outcome::default()));
        let screen = ui.screen();
        assert!(screen.contains("Both sides are the same: 2 files."), "{screen}");
        assert!(screen.contains("4 shows them.") || w < 60, "{screen}");
    }
}

#[test]
fn every_switch_is_seen_on_the_smallest_screen() {
    for deletes in ["", "D", "m", "m m", "c"] {
        let mut ui = compared(40, 10);
        ui.press(deletes);
        let screen = ui.screen();
        let chips = screen.lines().nth(1).unwrap();
        assert!(chips.contains("●L ●≠ ●R ○="), "{chips}");
    }
    // Where it is smaller still, a sign says that there are more.
    let screen = compared(26, 10).screen();
    assert!(screen.lines().nth(1).unwrap().contains('…'), "{screen}");
}
