//! What plans come out of listings and policies. Must never touch a disk or a server.

use std::collections::VecDeque;

use super::*;
use crate::{
    fs::{Timestamp, path::NAME_MAX},
    transfer::descend::Ending,
};

fn entry(name: &str, kind: Kind, size: u64, mtime: i64) -> Entry {
    let mut entry = Entry::new(name.as_bytes(), kind);
    entry.attributes.size = Some(size);
    entry.attributes.mtime = Some(Timestamp::from_seconds(mtime));
    entry.attributes.mode = Some(0o640);
    entry
}

/// A source with all below it.
struct Tree {
    top: Source,
    below: Vec<(RemotePath, Entry)>,
}

fn source(path: &str, kind: Kind, target: &str, below: &[(&str, Kind)]) -> Tree {
    let found = |path: &str, kind| {
        let path = RemotePath::new(path);
        let name = String::from_utf8(path.name().unwrap().to_vec()).unwrap();
        (path, entry(&name, kind, 10, 100))
    };
    let (path, entry) = found(path, kind);
    Tree {
        top: Source { path, entry, target: RemotePath::new(target) },
        below: below.iter().map(|(path, kind)| found(path, *kind)).collect(),
    }
}

fn run(trees: &[Tree], existing: &[(&str, Entry)], on_conflict: OnConflict) -> Plan {
    run_under(trees, existing, &Policy { on_conflict, ..Policy::default() })
}

fn run_under(trees: &[Tree], existing: &[(&str, Entry)], policy: &Policy) -> Plan {
    run_onto(trees, existing, policy, true)
}

/// The plans of all directories, one after the other, as one.
fn run_onto(trees: &[Tree], existing: &[(&str, Entry)], policy: &Policy, times_kept: bool) -> Plan {
    let existing: HashMap<RemotePath, Entry> =
        existing.iter().map(|(path, entry)| (RemotePath::new(path), entry.clone())).collect();
    let mut whole = Plan::default();
    let mut ending = Ending::default();
    let mut waiting = VecDeque::from([None::<Below>]);
    while let Some(of) = waiting.pop_front() {
        let sources: Vec<Source> = match &of {
            None => trees.iter().map(|tree| tree.top.clone()).collect(),
            Some(of) => {
                let all = trees.iter().flat_map(|tree| &tree.below);
                let here = all.filter(|(path, _)| of.path.is_some() && path.parent() == of.path);
                let place = |path: &RemotePath| of.target.join(path.name().unwrap());
                here.map(|(path, entry)| Source {
                    path: path.clone(),
                    entry: entry.clone(),
                    target: place(path),
                })
                .collect()
            }
        };
        let is_here = |path: &RemotePath| match &of {
            None => sources.iter().any(|source| source.target.parent() == path.parent()),
            Some(of) => path.parent().as_ref() == Some(&of.target),
        };
        let here = existing.iter().filter(|(path, _)| is_here(path));
        let plan = plan(&Input {
            source_fs: &FsId::new("a"),
            target_fs: &FsId::new("b"),
            sources: &sources,
            existing: &here.map(|(path, entry)| (path.clone(), entry.clone())).collect(),
            policy,
            time_precision: Duration::from_secs(1),
            times_kept,
            compared: &HashMap::new(),
            taken: &HashSet::new(),
            begun: &Begun::default(),
        });
        if let Some(Below { target, finish: Some(finish), .. }) = of
            && (finish.always || plan.touched)
        {
            ending.finishing.push((target, finish.attributes));
        }
        for step in plan.steps {
            match step {
                Step::Remove { path, kind } => ending.removals.push((path, kind)),
                Step::SetAttributes { path, attributes } => ending.finishing.push((path, attributes)),
                step => whole.steps.push(step),
            }
        }
        whole.totals = whole.totals + plan.totals;
        whole.removals = whole.removals + plan.removals;
        whole.skipped += plan.skipped;
        whole.refused.extend(plan.refused);
        whole.conflicts.extend(plan.conflicts);
        waiting.extend(plan.below.into_iter().map(Some));
    }
    whole.steps.extend(ending.into_steps());
    whole
}

fn written(plan: &Plan) -> Vec<String> {
    plan.steps
        .iter()
        .filter_map(|step| match step {
            Step::Copy(copy) => Some(copy.target.to_string()),
            _ => None,
        })
        .collect()
}

#[test]
fn a_tree_becomes_steps_in_order() {
    let tree = source(
        "/s/d",
        Kind::Dir,
        "/t/d",
        &[("/s/d/x", Kind::File), ("/s/d/e", Kind::Dir), ("/s/d/e/y", Kind::File)],
    );
    let plan = run(&[tree], &[], OnConflict::Refuse);
    let kinds: Vec<&str> = plan
        .steps
        .iter()
        .map(|s| match s {
            Step::CreateDir(_) => "dir",
            Step::Copy(_) => "copy",
            Step::Link(_) => "link",
            Step::SetAttributes { .. } => "set",
            Step::Remove { .. } => "remove",
        })
        .collect();
    assert_eq!(kinds, ["dir", "copy", "dir", "copy", "set", "set"]);
    let Step::SetAttributes { path, .. } = &plan.steps[4] else { panic!() };
    assert_eq!(*path, RemotePath::new("/t/d/e"), "the inner directory is finished first");
    assert_eq!(plan.totals, Totals { files: 2, dirs: 2, links: 0, bytes: 20 });
}

#[test]
fn policies_decide_conflicts() {
    let one = [source("/s/x", Kind::File, "/t/x", &[])];
    let older = [("/t/x", entry("x", Kind::File, 5, 50))];
    let newer = [("/t/x", entry("x", Kind::File, 5, 150))];
    let same = [("/t/x", entry("x", Kind::File, 10, 100))];
    assert_eq!(written(&run(&one, &older, OnConflict::Overwrite)), ["/t/x"]);
    assert_eq!(run(&one, &older, OnConflict::Skip).skipped, 1);
    assert_eq!(written(&run(&one, &older, OnConflict::Rename)), ["/t/x (1)"]);
    assert_eq!(written(&run(&one, &older, OnConflict::Newer)), ["/t/x"]);
    assert_eq!(run(&one, &newer, OnConflict::Newer).skipped, 1);
    assert_eq!(run(&one, &same, OnConflict::Refuse).skipped, 1);
    assert_eq!(run(&one, &older, OnConflict::Refuse).refused[0].kind(), ErrorKind::Conflict);
    assert_eq!(run(&one, &older, OnConflict::Ask).conflicts.len(), 1);
}

#[test]
fn a_free_name_keeps_the_extension_and_counts_on() {
    let one = [source("/s/a.txt", Kind::File, "/t/a.txt", &[])];
    let existing = [
        ("/t/a.txt", entry("a.txt", Kind::File, 1, 1)),
        ("/t/a (1).txt", entry("a (1).txt", Kind::File, 1, 1)),
    ];
    assert_eq!(written(&run(&one, &existing, OnConflict::Rename)), ["/t/a (2).txt"]);
}

#[test]
fn a_free_name_fits_where_the_name_just_did() {
    for name in ["x".repeat(255), format!("{}.txt", "é".repeat(125)), format!("a.{}", "y".repeat(253))] {
        let path = format!("/t/{name}");
        let one = [source(&format!("/s/{name}"), Kind::File, &path, &[])];
        let existing = [(path.as_str(), entry(&name, Kind::File, 1, 1))];
        let free = written(&run(&one, &existing, OnConflict::Rename)).remove(0);
        assert!(free.len() <= "/t/".len() + NAME_MAX && free.contains(" (1)"), "{free}");
    }
}

#[test]
fn a_file_in_a_directorys_way_bars_all_below_it() {
    let tree = source("/s/d", Kind::Dir, "/t/d", &[("/s/d/e", Kind::Dir), ("/s/d/e/y", Kind::File)]);
    let plan = run(&[tree], &[("/t/d", entry("d", Kind::File, 1, 1))], OnConflict::Overwrite);
    assert!(plan.steps.is_empty());
    assert_eq!(plan.refused.len(), 1);
}

#[test]
fn two_sources_cannot_share_a_target() {
    let sources = [source("/s/x", Kind::File, "/t/x", &[]), source("/r/x", Kind::File, "/t/x", &[])];
    let plan = run(&sources, &[], OnConflict::Overwrite);
    assert_eq!(written(&plan), ["/t/x"]);
    assert_eq!(plan.refused.len(), 1);
}

#[test]
fn nothing_is_written_through_a_link_in_the_target() {
    let tree = [source("/s/d", Kind::Dir, "/t/d", &[("/s/d/x", Kind::File)])];
    let mut link = entry("d", Kind::Symlink, 1, 1);
    link.target_kind = Some(Kind::Dir);
    let planned = run(&tree, &[("/t/d", link)], OnConflict::Overwrite);
    assert!(planned.steps.is_empty());
    // The same name twice in one listing, first as a link, then as a directory.
    let twins = source(
        "/s/t",
        Kind::Dir,
        "/t/t",
        &[("/s/t/d", Kind::Symlink), ("/s/t/d", Kind::Dir), ("/s/t/d/x", Kind::File)],
    );
    assert!(written(&run(&[twins], &[], OnConflict::Overwrite)).is_empty());
}

#[test]
fn directories_need_recursion() {
    let tree = [source("/s/d", Kind::Dir, "/t/d", &[])];
    let plan = run_under(&tree, &[], &Policy { recursive: false, ..Policy::default() });
    assert_eq!(plan.refused[0].kind(), ErrorKind::IsADirectory);
}

#[test]
fn what_stands_in_the_way_is_to_be_removed_first() {
    for (kind, in_the_way, said) in [
        (Kind::File, Kind::Dir, "a directory stands where this file would go"),
        (Kind::Dir, Kind::File, "a file stands where this directory would go"),
        (Kind::Dir, Kind::Symlink, "a symlink stands where this directory would go"),
    ] {
        let plan = run(
            &[source("/s/x", kind, "/t/x", &[])],
            &[("/t/x", entry("x", in_the_way, 0, 100))],
            OnConflict::Overwrite,
        );
        assert_eq!(plan.refused[0].kind(), ErrorKind::AlreadyExists, "{kind:?} onto {in_the_way:?}");
        assert_eq!(plan.refused[0].detail(), Some(said));
    }
}

fn sync(sources: &[Tree], existing: &[(&str, Entry)]) -> Plan {
    let policy = Policy { on_conflict: OnConflict::Different, delete: true, ..Policy::default() };
    run_under(sources, existing, &policy)
}

fn removed(plan: &Plan) -> Vec<String> {
    plan.steps
        .iter()
        .filter_map(|step| match step {
            Step::Remove { path, .. } => Some(path.to_string()),
            _ => None,
        })
        .collect()
}

#[test]
fn a_sync_with_nothing_to_do_has_no_steps() {
    let tree = [source("/s", Kind::Dir, "/t", &[("/s/x", Kind::File), ("/s/e", Kind::Dir)])];
    let same = [
        ("/t", entry("t", Kind::Dir, 10, 100)),
        ("/t/x", entry("x", Kind::File, 10, 100)),
        ("/t/e", entry("e", Kind::Dir, 10, 100)),
    ];
    let plan = sync(&tree, &same);
    assert_eq!(plan.steps, []);
    assert_eq!(plan.skipped, 1);
}

#[test]
fn a_sync_writes_what_differs_and_removes_what_is_gone_at_the_source() {
    let tree = [source("/s", Kind::Dir, "/t", &[("/s/x", Kind::File), ("/s/y", Kind::File)])];
    let there = [
        ("/t", entry("t", Kind::Dir, 10, 100)),
        ("/t/x", entry("x", Kind::File, 10, 90)),
        ("/t/y", entry("y", Kind::File, 10, 100)),
        ("/t/old", entry("old", Kind::Dir, 10, 100)),
        ("/t/old/a", entry("a", Kind::File, 10, 100)),
        ("/t/link", entry("link", Kind::Symlink, 10, 100)),
    ];
    let plan = sync(&tree, &there);
    assert_eq!(written(&plan), ["/t/x"]);
    assert_eq!(removed(&plan), ["/t/old/a", "/t/link", "/t/old"], "what a directory holds goes first");
    assert_eq!(plan.removals, Totals { files: 1, dirs: 1, links: 1, bytes: 0 });
    // Writing and removing change the directory's time: it gets the source's back.
    let Some(Step::SetAttributes { path, .. }) = plan.steps.last() else { panic!("{:?}", plan.steps) };
    assert_eq!(*path, RemotePath::new("/t"));
}

#[test]
fn a_sync_without_delete_removes_nothing() {
    let tree = [source("/s", Kind::Dir, "/t", &[])];
    let there = [("/t", entry("t", Kind::Dir, 10, 100)), ("/t/old", entry("old", Kind::File, 1, 1))];
    let policy = Policy { on_conflict: OnConflict::Different, ..Policy::default() };
    assert_eq!(run_under(&tree, &there, &policy).steps, []);
}

#[test]
fn what_is_refused_is_not_removed() {
    // A directory at the source, a file in the target: the file stays.
    let tree = [source("/s", Kind::Dir, "/t", &[("/s/x", Kind::Dir), ("/s/y", Kind::File)])];
    let there = [
        ("/t", entry("t", Kind::Dir, 10, 100)),
        ("/t/x", entry("x", Kind::File, 10, 100)),
        ("/t/y", entry("y", Kind::Dir, 10, 100)),
        ("/t/y/z", entry("z", Kind::File, 10, 100)),
    ];
    let plan = sync(&tree, &there);
    assert_eq!(plan.refused.len(), 2);
    assert!(removed(&plan).is_empty(), "{:?}", plan.steps);
}

#[test]
fn the_same_content_with_other_permissions_only_gets_those() {
    let tree = [source("/s/x", Kind::File, "/t/x", &[])];
    let mut there = entry("x", Kind::File, 10, 100);
    there.attributes.mode = Some(0o600);
    let plan = sync(&tree, &[("/t/x", there)]);
    let [Step::SetAttributes { attributes, .. }] = &plan.steps[..] else { panic!("{:?}", plan.steps) };
    assert_eq!(attributes.mode, Some(0o640));
}

#[test]
fn a_sync_takes_a_name_in_either_unicode_form_for_the_same() {
    let (composed, decomposed) = ("caf\u{e9}", "cafe\u{301}");
    let tree = [source(
        "/s",
        Kind::Dir,
        "/t",
        &[
            (&format!("/s/{composed}"), Kind::Dir),
            (&format!("/s/{composed}/{composed}.txt"), Kind::File),
            (&format!("/s/{composed}/new"), Kind::File),
        ],
    )];
    let dir = format!("/t/{decomposed}");
    let file = format!("/t/{decomposed}/{decomposed}.txt");
    let there = [
        ("/t", entry("t", Kind::Dir, 10, 100)),
        (dir.as_str(), entry(decomposed, Kind::Dir, 10, 100)),
        (file.as_str(), entry("x", Kind::File, 10, 100)),
    ];
    let plan = sync(&tree, &there);
    assert_eq!(written(&plan), [format!("/t/{decomposed}/new")]);
    assert!(removed(&plan).is_empty());
}

#[test]
fn a_target_that_cannot_keep_times_is_not_written_again_and_again() {
    let existing = [("/t/x", entry("x", Kind::File, 10, 5000))];
    let policy = Policy { on_conflict: OnConflict::Different, ..Policy::default() };
    let tree = [source("/s/x", Kind::File, "/t/x", &[])];
    let plan_with = |times_kept| run_onto(&tree, &existing, &policy, times_kept);
    assert_eq!(written(&plan_with(true)), ["/t/x"]);
    assert_eq!(plan_with(false).steps, []);
}

#[test]
fn what_is_planned_again_takes_no_name_that_is_taken_by_then() {
    let policy = Policy { on_conflict: OnConflict::Ask, ..Policy::default() };
    let sources =
        [source("/s/x", Kind::File, "/t/x", &[]).top, source("/s/y", Kind::File, "/t/x (1)", &[]).top];
    let existing = HashMap::from([(RemotePath::new("/t/x"), entry("x", Kind::File, 5, 50))]);
    let made = |policy: &Policy, sources: &[Source], taken: &HashSet<RemotePath>| {
        plan(&Input {
            source_fs: &FsId::new("a"),
            target_fs: &FsId::new("b"),
            sources,
            existing: &existing,
            policy,
            time_precision: Duration::from_secs(1),
            times_kept: true,
            compared: &HashMap::new(),
            taken,
            begun: &Begun::default(),
        })
    };
    let asked = made(&policy, &sources, &HashSet::new());
    assert_eq!(written(&asked), ["/t/x (1)"]);
    assert_eq!(asked.undecided.len(), 1);
    let rename = Policy { on_conflict: OnConflict::Rename, ..Policy::default() };
    let decided = made(&rename, &asked.undecided, &asked.taken);
    assert_eq!(written(&decided), ["/t/x (2)"]);
}

#[test]
fn names_of_one_file_are_told_where_they_are_to_stay_that() {
    for preserve in [true, false] {
        let mut one = source("/s/a", Kind::File, "/t/a", &[]);
        one.top.entry.identity = Some((1, 7));
        let made = run_under(&[one], &[], &Policy { preserve, ..Policy::default() });
        let [Step::Copy(file)] = &made.steps[..] else { panic!("{:?}", made.steps) };
        assert_eq!(file.identity.is_some(), preserve);
    }
}

#[test]
fn what_was_decided_about_one_conflict_comes_before_the_policy() {
    let names = ["a", "b", "c", "d"];
    let below: Vec<(String, Kind)> = names.iter().map(|name| (format!("/s/{name}"), Kind::File)).collect();
    let below: Vec<(&str, Kind)> = below.iter().map(|(path, kind)| (path.as_str(), *kind)).collect();
    let sources = [source("/s", Kind::Dir, "/t", &below)];
    let existing: Vec<(String, Entry)> =
        names.iter().map(|name| (format!("/t/{name}"), entry(name, Kind::File, 3, 200))).collect();
    let mut existing: Vec<(&str, Entry)> =
        existing.iter().map(|(path, entry)| (path.as_str(), entry.clone())).collect();
    existing.push(("/t", entry("t", Kind::Dir, 0, 0)));
    let decided =
        [("/t/a", OnConflict::Overwrite), ("/t/b", OnConflict::Rename), ("/t/c", OnConflict::Newer)];
    let decided = decided.map(|(path, how)| (RemotePath::new(path), how)).into_iter().collect();
    let policy =
        Policy { on_conflict: OnConflict::Skip, decided: std::sync::Arc::new(decided), ..Policy::default() };
    let plan = run_under(&sources, &existing, &policy);
    assert_eq!(written(&plan), ["/t/a", "/t/b (1)"]);
    assert_eq!((plan.skipped, plan.conflicts.len()), (2, 0));
}

#[test]
fn what_was_not_chosen_is_not_touched() {
    let sources = [source(
        "/s",
        Kind::Dir,
        "/t",
        &[("/s/a", Kind::File), ("/s/b", Kind::File), ("/s/d", Kind::Dir), ("/s/d/x", Kind::File)],
    )];
    let existing = [
        ("/t", entry("t", Kind::Dir, 0, 0)),
        ("/t/a", entry("a", Kind::File, 3, 200)),
        ("/t/old", entry("old", Kind::File, 3, 200)),
        ("/t/older", entry("older", Kind::File, 3, 200)),
    ];
    let paths = |paths: &[&str]| paths.iter().map(RemotePath::new).collect();
    let under = |copy: &[&str], remove: &[&str]| Policy {
        on_conflict: OnConflict::Overwrite,
        delete: true,
        chosen: Some(std::sync::Arc::new(crate::transfer::Chosen {
            copy: paths(copy),
            remove: paths(remove),
        })),
        ..Policy::default()
    };
    // What was to be removed has come to the source meanwhile: it stays.
    let plan = run_under(&sources, &existing, &under(&["/t/a"], &["/t/older", "/t/b", "/t/a"]));
    assert_eq!(written(&plan), ["/t/a"]);
    let removed: Vec<_> = plan.steps.iter().filter(|step| matches!(step, Step::Remove { .. })).collect();
    assert_eq!(
        removed,
        [&Step::Remove { path: RemotePath::new("/t/older"), kind: Kind::File }],
        "{:?}",
        plan.steps
    );
    assert_eq!(plan.totals.dirs, 0);
    let plan = run_under(&sources, &existing, &under(&["/t/d", "/t/d/x"], &[]));
    assert_eq!(written(&plan), ["/t/d/x"]);
    assert_eq!(plan.totals.dirs, 1);
}

#[test]
fn what_was_chosen_goes_through_no_link_that_took_its_folder() {
    let sources = [source("/s", Kind::Dir, "/t", &[("/s/d", Kind::Dir), ("/s/d/x", Kind::File)])];
    let existing = [("/t", entry("t", Kind::Dir, 0, 0)), ("/t/d", entry("d", Kind::Symlink, 0, 0))];
    let chosen = crate::transfer::Chosen { copy: [RemotePath::new("/t/d/x")].into(), ..Default::default() };
    let policy = Policy {
        on_conflict: OnConflict::Overwrite,
        chosen: Some(std::sync::Arc::new(chosen)),
        ..Policy::default()
    };
    let plan = run_under(&sources, &existing, &policy);
    assert_eq!((plan.steps.len(), plan.refused.len()), (0, 1));
}

/// What another program has written, or a server does not tell, is never taken for what is left of ours.
#[test]
fn only_what_is_shorter_and_has_its_time_was_lost_with_the_power() {
    let (fs, journal) = (FsId::local(), crate::transfer::journal::Journal::default());
    let source = source("/from/file", Kind::File, "/to/file", &[]).top;
    let plan = run(&[Tree { top: source.clone(), below: Vec::new() }], &[], OnConflict::Refuse);
    let Some(Step::Copy(file)) = plan.steps.first() else { panic!("{plan:?}") };
    journal.begin(&fs, file, &RemotePath::new("/to/.file.wharf-part"));
    let begun = journal.begun(&fs).get(&source.path).unwrap();
    let (mut done, mut renamed) = (begun.clone(), begun.clone());
    (done.done, renamed.part) = (true, None);
    assert!(is_torn(&done, &entry("file", Kind::File, 9, 100)));
    assert!(is_torn(&renamed, &entry("file", Kind::File, 0, 100)));
    assert!(!is_torn(&begun, &entry("file", Kind::File, 9, 100)), "its part is there still");
    assert!(!is_torn(&done, &entry("file", Kind::File, 9, 101)), "somebody has changed it");
    assert!(!is_torn(&done, &entry("file", Kind::File, 10, 100)));
    assert!(!is_torn(&done, &entry("file", Kind::Dir, 9, 100)));
    let mut unknown = entry("file", Kind::File, 9, 100);
    unknown.attributes.size = None;
    assert!(!is_torn(&done, &unknown));
}
