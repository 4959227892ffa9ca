//! What comes of a plan that is edited. Must never touch a disk or a server.

use super::*;
use crate::fs::FsId;

fn half(kind: Kind, size: u64) -> Option<Half> {
    let mtime = Some(Timestamp::from_seconds(100));
    Some(Half { kind, size: Some(size), mtime, mtime_precision: Precision::Second })
}

fn pair(path: &str, relation: Relation) -> Pair {
    let kind = if path.ends_with('/') { Kind::Dir } else { Kind::File };
    let path = path.trim_end_matches('/');
    Pair {
        path: path.as_bytes().into(),
        right_path: None,
        left: half(kind, 10).filter(|_| relation != Relation::OnlyRight),
        right: half(kind, 7).filter(|_| relation != Relation::OnlyLeft),
        relation,
    }
}

fn comparison(pairs: &[(&str, Relation)]) -> Comparison {
    let mut comparison = Comparison::default();
    comparison.add(pairs.iter().map(|(path, relation)| pair(path, *relation)).collect());
    comparison
}

fn shown(comparison: &Comparison) -> Vec<String> {
    let row = |(at, pair): (usize, &Pair)| {
        let mark = match comparison.way(at) {
            Way::Nothing => "=",
            Way::Right => "→",
            Way::Left => "←",
            Way::Remove => "×",
        };
        format!("{mark} {}", String::from_utf8_lossy(&pair.path))
    };
    comparison.pairs().iter().enumerate().map(row).collect()
}

use Relation::{Clash, Different, NewerLeft, NewerRight, OnlyLeft, OnlyRight, Same};

#[test]
fn files_come_before_the_folders_beside_them_and_batches_in_any_order() {
    let mut comparison = comparison(&[("b", Same), ("a/", Same), ("a/z", Same), ("c/", OnlyLeft)]);
    comparison.add(vec![pair("a/b/x", Same), pair("c/y", OnlyLeft)]);
    comparison.add(vec![pair("a/b/", Same), pair("a b", Same)]);
    let order: Vec<String> =
        comparison.pairs().iter().map(|pair| String::from_utf8_lossy(&pair.path).into_owned()).collect();
    assert_eq!(order, ["a b", "b", "a", "a/z", "a/b", "a/b/x", "c", "c/y"]);
    assert_eq!(comparison.below(2), 2..6);
    assert_eq!(comparison.below(1), 1..2);
}

#[test]
fn names_are_in_natural_order() {
    let comparison =
        comparison(&[("file10", Same), ("B", Same), ("file2", Same), ("a", Same), ("file02", Same)]);
    let order: Vec<String> =
        comparison.pairs().iter().map(|pair| String::from_utf8_lossy(&pair.path).into_owned()).collect();
    assert_eq!(order, ["a", "B", "file02", "file2", "file10"]);
}

#[test]
fn each_mode_says_what_is_done() {
    let mut comparison = comparison(&[
        ("clash", Clash),
        ("diff", Different),
        ("here", OnlyLeft),
        ("newer", NewerLeft),
        ("older", NewerRight),
        ("same", Same),
        ("there", OnlyRight),
    ]);
    let right = ["= clash", "→ diff", "→ here", "→ newer", "→ older", "= same", "= there"];
    assert_eq!(shown(&comparison), right);
    comparison.set_deletes(true);
    assert_eq!(shown(&comparison)[6], "× there");
    comparison.set_mode(Mode::Left);
    let left = ["= clash", "← diff", "× here", "← newer", "← older", "= same", "← there"];
    assert_eq!(shown(&comparison), left);
    // Nobody knows whether it was removed there or made here.
    comparison.set_mode(Mode::Both);
    let both = ["= clash", "= diff", "→ here", "→ newer", "← older", "= same", "← there"];
    assert_eq!(shown(&comparison), both);
    let sums = comparison.sums();
    assert_eq!((sums.undecided, sums.left_alone), (2, 2));
    assert_eq!((sums.to_right.copied.files, sums.to_right.copied.bytes, sums.to_right.replaced), (2, 20, 1));
    assert_eq!((sums.to_left.copied.files, sums.to_left.copied.bytes), (2, 14));
    assert!(comparison.set(1, Some(Way::Left)));
    assert_eq!(comparison.sums().undecided, 1);
    assert!(!comparison.set(0, Some(Way::Left)), "what clashes cannot be copied");
}

#[test]
fn a_folder_stays_where_something_in_it_does_and_comes_where_something_comes() {
    let mut comparison =
        comparison(&[("d/", OnlyRight), ("d/x", OnlyRight), ("d/e/", OnlyRight), ("d/e/y", OnlyRight)]);
    comparison.set_deletes(true);
    assert_eq!(shown(&comparison), ["× d", "× d/x", "× d/e", "× d/e/y"]);
    // Kept further below: all above it stays.
    comparison.set(3, Some(Way::Nothing));
    assert_eq!(shown(&comparison), ["= d", "× d/x", "= d/e", "= d/e/y"]);
    // Copied back: the folders come along.
    comparison.set(3, Some(Way::Left));
    assert_eq!(shown(&comparison), ["← d", "× d/x", "← d/e", "← d/e/y"]);
    // A folder's row changes all below it, and gives it back to the mode.
    comparison.set(0, Some(Way::Nothing));
    assert_eq!(shown(&comparison), ["= d", "= d/x", "= d/e", "= d/e/y"]);
    comparison.set(0, None);
    assert_eq!(shown(&comparison), ["× d", "× d/x", "× d/e", "× d/e/y"]);
}

#[test]
fn requests_name_what_is_shown_and_nothing_else() {
    let mut comparison = comparison(&[
        ("d/", OnlyLeft),
        ("d/new", OnlyLeft),
        ("back", NewerRight),
        ("gone", OnlyRight),
        ("left", NewerLeft),
    ]);
    let at = |path: &str| Location::new(FsId::new("x"), RemotePath::new(path));
    comparison.set_deletes(true);
    comparison.set(0, Some(Way::Left));
    comparison.set(2, Some(Way::Nothing));
    let requests = comparison.requests(&at("/l"), &at("/r"));
    let chosen: Vec<_> = requests.iter().map(|request| request.policy.chosen.clone().unwrap()).collect();
    let paths = |set: &HashSet<RemotePath>| {
        let mut paths: Vec<String> = set.iter().map(ToString::to_string).collect();
        paths.sort();
        paths
    };
    assert_eq!(shown(&comparison), ["← back", "× gone", "= left", "→ d", "→ d/new"]);
    assert_eq!(paths(&chosen[0].copy), ["/r/d", "/r/d/new"]);
    assert_eq!(paths(&chosen[0].remove), ["/r/gone"]);
    assert_eq!(paths(&chosen[1].copy), ["/l/back"]);
    assert!(chosen[1].remove.is_empty() && !requests[1].policy.delete);
    assert_eq!(comparison.sums().left_alone, 1);
}

#[test]
fn what_is_the_same_depends_on_what_both_sides_can_tell() {
    let entry = |size: u64, mtime: i64| {
        let mut entry = Entry::new(*b"x", Kind::File);
        entry.attributes.size = Some(size);
        entry.attributes.mtime = Some(Timestamp::from_seconds(mtime));
        entry
    };
    let keeping = |seconds: u64, left_times: bool, right_times: bool| Keeping {
        precision: Duration::from_secs(seconds),
        left_times,
        right_times,
    };
    let exact = keeping(1, true, true);
    assert_eq!(relate(&entry(1, 100), &entry(1, 100), exact, None), Same);
    assert_eq!(relate(&entry(1, 101), &entry(1, 100), exact, None), NewerLeft);
    assert_eq!(relate(&entry(1, 100), &entry(2, 101), exact, None), NewerRight);
    assert_eq!(relate(&entry(1, 100), &entry(2, 100), exact, None), Different);
    assert_eq!(relate(&entry(1, 101), &entry(1, 100), keeping(2, true, true), None), Same);
    // A copy on a server that keeps no times is younger than what it was made of.
    assert_eq!(relate(&entry(1, 100), &entry(1, 900), keeping(1, true, false), None), Same);
    assert_eq!(relate(&entry(1, 900), &entry(1, 100), keeping(1, true, false), None), NewerLeft);
    // Bytes say more than times.
    assert_eq!(relate(&entry(1, 900), &entry(1, 100), exact, Some(true)), Same);
    assert_eq!(relate(&entry(1, 100), &entry(1, 100), exact, Some(false)), Different);
    let mut day = entry(1, 86_400);
    day.mtime_precision = Precision::Day;
    assert_eq!(relate(&day, &entry(1, 90_000), exact, None), Same);
    let dir = Entry::new(*b"x", Kind::Dir);
    assert_eq!(relate(&dir, &dir, exact, None), Same);
    assert_eq!(relate(&dir, &entry(1, 1), exact, None), Clash);
}
