//! The review of conflicts: one by one, for the rest, by key and by click; and what the engine
//! hears of it.

use super::*;
use wharf::{transfer::Decisions, ui::keymap::Mode};

/// Twelve files of a stylesheet and its pictures, newer and older, larger and smaller.
fn many(count: u64) -> Ask {
    let (here, there) = (local().0, remote().0);
    let shown = (0..12)
        .map(|at: i64| {
            let name =
                format!("assets/{}", ["site.css", "print.css", "logo.svg", "über-uns.jpeg"][at as usize % 4]);
            let name = if at < 4 { name } else { format!("assets/{at}/{}", &name[7..]) };
            let file = name.rsplit('/').next().unwrap().to_owned();
            let path = |base: &Location| Location::new(base.fs.clone(), base.path.resolve(name.as_bytes()));
            Conflict {
                source: path(&here),
                target: path(&there),
                source_entry: entry(&file, 4000 + at as u64 % 3 * 300, 300 + at % 2 * 3 * DAY),
                target_entry: entry(&file, 4300, DAY),
            }
        })
        .collect();
    Ask::Conflicts { shown, count }
}

pub fn asked(w: u16, h: u16) -> Ui {
    let (mut ui, job) = copying(w, h);
    ui.event(job, What::Ask { question: QuestionId(9), ask: many(12) });
    ui
}

#[track_caller]
fn decisions(ui: &Ui) -> Decisions {
    match ui.last() {
        Command::Answer { question: QuestionId(9), answer: Answer::Conflicts(Some(decisions)) } => {
            decisions.clone()
        }
        other => panic!("{other:?}"),
    }
}

fn decided(ui: &Ui) -> Vec<(String, OnConflict)> {
    let mut items: Vec<_> =
        decisions(ui).items.into_iter().map(|(path, how)| (path.to_string(), how)).collect();
    items.sort_by(|a, b| a.0.cmp(&b.0));
    items
}

#[test]
fn the_review() {
    snapshot("review", asked);
    snapshot("review_decided", |w, h| {
        let mut ui = asked(w, h);
        ui.press("o s n Down W");
        ui
    });
    snapshot("review_filtered", |w, h| {
        let mut ui = asked(w, h);
        ui.press("/");
        ui.type_text("css");
        ui
    });
}

#[test]
fn the_folder_that_all_are_in_is_said_once() {
    for ((w, h), folder) in SIZES.into_iter().zip([
        "in …/assets ",
        "in web-01:/var/www/site/assets ",
        "in web-01:/var/www/site/assets ",
    ]) {
        let screen = asked(w, h).screen();
        assert!(screen.contains(folder), "{screen}");
    }
}

#[test]
fn each_is_answered_by_its_key_and_the_rest_together() {
    let mut ui = asked(80, 24);
    assert_eq!(ui.state.mode(), Mode::Review);
    ui.press("o s n w d Home Down o Enter");
    assert_eq!(decisions(&ui).rest, OnConflict::Skip, "what is undecided stays as it is");
    let at = |name: &str| format!("/var/www/site/assets/{name}");
    let expected = [
        (at("4/site.css"), OnConflict::Different),
        (at("logo.svg"), OnConflict::Overwrite),
        (at("print.css"), OnConflict::Overwrite),
        (at("site.css"), OnConflict::Rename),
        (at("über-uns.jpeg"), OnConflict::Newer),
    ];
    assert_eq!(decided(&ui), expected);
    assert!(ui.state.overlays.is_empty());

    for (keys, rest) in [
        ("O", OnConflict::Overwrite),
        ("S", OnConflict::Skip),
        ("N", OnConflict::Rename),
        ("W", OnConflict::Newer),
        ("D", OnConflict::Different),
    ] {
        let mut ui = asked(80, 24);
        ui.press("s");
        ui.press(keys);
        ui.press("Enter");
        assert_eq!(decisions(&ui).rest, rest);
        // What was decided by itself holds, whatever comes for the rest.
        assert_eq!(decisions(&ui).items.len(), usize::from(rest != OnConflict::Skip), "{keys}");
    }
    let mut ui = asked(80, 24);
    ui.press("o Up Backspace Enter");
    assert!(decisions(&ui).items.is_empty(), "taken back");
}

#[test]
fn with_a_filter_the_rest_is_what_it_shows() {
    let mut ui = asked(80, 24);
    ui.press("/");
    ui.type_text("CSS");
    ui.press("Enter O");
    // Esc leaves the filter first, and then nothing else.
    ui.press("Esc");
    assert_eq!(ui.state.mode(), Mode::Review);
    ui.press("Enter");
    assert_eq!(decisions(&ui).rest, OnConflict::Skip);
    assert_eq!(decided(&ui).len(), 6);
    assert!(decided(&ui).iter().all(|(path, how)| path.ends_with(".css") && *how == OnConflict::Overwrite));
}

#[test]
fn escape_gives_the_copy_up() {
    let mut ui = asked(80, 24);
    ui.press("O Esc");
    assert!(matches!(ui.last(), Command::Answer { answer: Answer::Conflicts(None), .. }));
}

/// How much there is beside what is asked about.
#[test]
fn what_needs_no_answer_is_told_as_well() {
    for (w, h, said) in [
        (140, 40, "· 168 other files, 120 MiB, without a question"),
        (80, 24, "unless you choose · 168 other files, 120 MiB"),
    ] {
        let mut ui = asked(w, h);
        let job = ui.state.transfers.jobs[0].job;
        let total = Totals { files: 168, bytes: 120 << 20, ..Totals::default() };
        let phase = TransferPhase::Asking;
        ui.msg(Msg::Progress(vec![(job, Progress { phase, total, ..Progress::default() })]));
        assert!(ui.screen().contains(said), "{}", ui.screen());
    }
}

#[test]
fn a_click_on_the_answer_goes_through_them() {
    let mut ui = asked(80, 24);
    let at = ui.find(|hit| hit == Hit::Cell(2));
    ui.click(at);
    ui.click(at);
    ui.click(at);
    let row = ui.find(|hit| hit == Hit::Listed(5));
    ui.click(row);
    ui.press("o");
    let hint = ui.find(|hit| hit == Hit::Hint(Action::SkipRest));
    ui.click(hint);
    ui.press("Enter");
    let answers: Vec<OnConflict> = decided(&ui).into_iter().map(|(_, how)| how).collect();
    assert_eq!(answers, [OnConflict::Overwrite, OnConflict::Rename]);
}

#[test]
fn what_is_not_listed_is_answered_with_the_rest() {
    let (mut ui, job) = copying(80, 24);
    ui.event(job, What::Ask { question: QuestionId(9), ask: many(3000) });
    assert!(ui.screen().contains("3,000 files exist already"), "{}", ui.screen());
    assert!(ui.screen().contains("2,988 more than are listed"), "{}", ui.screen());
    ui.press("S");
    assert!(ui.screen().contains("3,000 skip"), "{}", ui.screen());
}

#[test]
fn a_hundred_thousand_conflicts_stay_quick() {
    let (mut ui, job) = copying(140, 40);
    let Ask::Conflicts { shown, .. } = many(12) else { unreachable!() };
    let shown: Vec<Conflict> = shown.into_iter().cycle().take(100_000).collect();
    ui.event(job, What::Ask { question: QuestionId(9), ask: Ask::Conflicts { shown, count: 100_000 } });
    let begun = std::time::Instant::now();
    for _ in 0..20 {
        ui.press("o");
        ui.screen();
    }
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
}

/// Some decided, the rest together.
pub(super) fn decided_screen() -> Ui {
    let mut ui = asked(80, 24);
    ui.press("o s n Down W");
    ui
}
