//! `wharf cp` against OpenSSH's own server: every byte, name, mode and time on every way, and
//! what is left when something goes wrong.

#[path = "interop/tree.rs"]
mod tree;
#[path = "interop/trouble.rs"]
mod trouble;

mod support;

use std::{ffi::OsString, fs, os::unix::fs::symlink, path::Path};

use support::{
    Sshd, SshdConfig,
    program::{config_for, into, on, wharf},
};
use tree::{Alike, assert_alike, assert_no_strays, build, bytes, set_mode, set_time, untouched};

fn temporary() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("wharf-interop-").tempdir().expect("a temporary directory")
}

fn make(parent: &Path, name: &str) -> std::path::PathBuf {
    let dir = parent.join(name);
    fs::create_dir(&dir).expect("a directory");
    dir
}

#[test]
fn a_rich_tree_arrives_whole_on_every_way() {
    let (one, two) = (Sshd::start(SshdConfig::default()), Sshd::start(SshdConfig::default()));
    let config = config_for(&[("one", &one), ("two", &two)]);
    let dir = temporary();
    let tree = dir.path().join("tree");
    build(&tree);
    let mut source: OsString = tree.clone().into();
    // Each way starts where the one before has arrived.
    for (way, host, alike) in [
        ("local to a server", Some("one"), Alike::Seconds),
        ("server to server", Some("two"), Alike::Seconds),
        ("to the same server", Some("two"), Alike::Seconds),
        ("server to local", None, Alike::Seconds),
        ("local to local", None, Alike::Seconds),
    ] {
        println!("{way}");
        let target = make(dir.path(), way);
        let place = host.map_or(target.clone().into(), |host| on(host, &target));
        wharf(&config, [&"cp".into(), &"-r".into(), &source, &into(&place)]).ends(0).silently();
        let arrived = target.join("tree");
        assert_alike(&tree, &arrived, alike);
        assert_no_strays(dir.path());
        let before = untouched(&arrived);
        wharf(&config, [&"cp".into(), &"-r".into(), &source, &into(&place)]).ends(0).silently();
        assert!(before == untouched(&arrived), "a second run wrote something: {way}");
        source = host.map_or(arrived.clone().into(), |host| on(host, &arrived));
    }
}

#[test]
fn local_copies_keep_times_to_the_nanosecond() {
    let dir = temporary();
    let tree = make(dir.path(), "tree");
    fs::write(tree.join("file"), "x").unwrap();
    set_time(&tree.join("file"), 1_700_000_000, 123_456_789);
    set_time(&tree, 1_600_000_000, 987_654_321);
    let target = dir.path().join("copy");
    wharf(
        Path::new("none"),
        ["cp".into(), "-r".into(), tree.clone().into_os_string(), target.clone().into()],
    )
    .ends(0);
    assert_alike(&tree, &target, Alike::Exact);
}

#[test]
fn what_differs_is_refused_by_name_and_the_rest_skipped() {
    let server = Sshd::start(SshdConfig::default());
    let dir = temporary();
    let (here, there) = (make(dir.path(), "here"), make(dir.path(), "there"));
    for name in ["same", "longer", "touched"] {
        fs::write(here.join(name), name).unwrap();
        set_time(&here.join(name), 1_700_000_000, 0);
    }
    symlink("same", here.join("link")).unwrap();
    let config = server.ssh_config();
    let up = ["cp".into(), "-r".into(), here.clone().into(), on("harness", &there)];
    let down = ["cp".into(), "-r".into(), on("harness", &there.join("here")), into(dir.path())];
    wharf(&config, &up).ends(0);
    wharf(&config, &down).ends(0).silently();

    let copied = there.join("here");
    fs::write(copied.join("longer"), "longer now").unwrap();
    set_time(&copied.join("longer"), 1_700_000_000, 0);
    set_time(&copied.join("touched"), 1_700_000_001, 0);
    fs::remove_file(copied.join("link")).unwrap();
    symlink("elsewhere", copied.join("link")).unwrap();
    fs::write(here.join("new"), "new").unwrap();
    let ran =
        wharf(&config, &up).ends(1).says(&["here/longer", "here/touched", "here/link", "--on-conflict"]);
    assert!(!ran.stderr.contains("same"), "{}", ran.stderr);
    assert_eq!(ran.stderr.lines().count(), 3, "{}", ran.stderr);
    assert_eq!(fs::read(copied.join("longer")).unwrap(), b"longer now");
    assert_eq!(fs::read(copied.join("new")).unwrap(), b"new", "what is new is copied all the same");
    let ran = wharf(&config, &down).ends(1);
    assert_eq!(ran.stderr.lines().count(), 3, "{}", ran.stderr);
    assert_eq!(fs::read(here.join("longer")).unwrap(), b"longer");
}

/// Old, equal and new ones on both sides under every policy, to a server and from one.
#[test]
fn policies_decide_what_becomes_of_what_exists() {
    let server = Sshd::start(SshdConfig::default());
    let dir = temporary();
    let long = "l".repeat(255);
    let names = ["older", "newer", "x.tar.gz", &long];
    for (number, (policy, up)) in ["overwrite", "skip", "newer", "rename"]
        .into_iter()
        .flat_map(|policy| [(policy, true), (policy, false)])
        .enumerate()
    {
        println!("{policy}, up: {up}");
        let place = make(dir.path(), &number.to_string());
        let (source, target) = (make(&place, "s"), make(&place, "t"));
        for name in names {
            fs::write(source.join(name), "from the source").unwrap();
            set_time(&source.join(name), 1_700_000_000, 0);
            fs::write(target.join(name), "there already").unwrap();
            set_time(&target.join(name), if name == "newer" { 1_700_000_009 } else { 1_600_000_000 }, 0);
        }
        symlink("from the source", source.join("link")).unwrap();
        symlink("there already", target.join("link")).unwrap();
        let mut arguments: Vec<OsString> = vec!["cp".into(), "--on-conflict".into(), policy.into()];
        for name in names.iter().chain(&["link"]) {
            let path = source.join(name);
            // No free name is left beside one of 255 bytes: that one is a test of its own.
            if policy != "rename" || *name != long {
                arguments.push(if up { path.into() } else { on("harness", &path) });
            }
        }
        arguments.push(if up { on("harness", &target) } else { target.clone().into() });
        wharf(&server.ssh_config(), &arguments).ends(0).silently();
        let now = |name: &str| fs::read_to_string(target.join(name)).unwrap();
        let copied = |name: &str| match policy {
            "overwrite" => true,
            "newer" => name != "newer",
            _ => false,
        };
        for name in names {
            assert_eq!(now(name) == "from the source", copied(name), "{policy} {name}");
        }
        let link = fs::read_link(target.join("link")).unwrap();
        assert_eq!(link == Path::new("from the source"), policy == "overwrite", "{policy} {link:?}");
        if policy == "rename" {
            for name in ["older (1)", "newer (1)", "x.tar (1).gz"] {
                assert_eq!(now(name), "from the source");
            }
            assert_eq!(fs::read_link(target.join("link (1)")).unwrap(), Path::new("from the source"));
        }
        assert_no_strays(dir.path());
    }
}

#[test]
fn without_preserving_times_and_modes_are_the_targets_own() {
    let server = Sshd::start(SshdConfig::default());
    let dir = temporary();
    let tree = make(dir.path(), "tree");
    make(&tree, "inner");
    for (name, mode) in [("secret", 0o600), ("program", 0o755)] {
        fs::write(tree.join(name), name).unwrap();
        set_mode(&tree.join(name), mode);
        set_time(&tree.join(name), 1_000_000_000, 0);
    }
    set_time(&tree, 1_000_000_000, 0);
    for (name, place) in [("up", None), ("down", Some(&tree))] {
        let target = dir.path().join(name);
        let (from, to) = match place {
            None => (tree.clone().into(), on("harness", &target)),
            Some(tree) => (on("harness", tree), target.clone().into()),
        };
        wharf(&server.ssh_config(), [&"cp".into(), &"-r".into(), &"--no-preserve".into(), &from, &to])
            .ends(0);
        assert_alike(&tree, &target, Alike::Contents);
        use std::os::unix::fs::MetadataExt;
        for path in [target.join("secret"), target.clone()] {
            assert!(fs::metadata(&path).unwrap().mtime() > 1_600_000_000, "{path:?} has the source's time");
        }
    }
}

#[test]
fn sources_land_as_cp_would_have_it() {
    let server = Sshd::start(SshdConfig::default());
    let config = server.ssh_config();
    let dir = temporary();
    let root = dir.path();
    fs::write(root.join("a"), "a").unwrap();
    fs::write(root.join("b"), "b").unwrap();
    let tree = make(root, "tree");
    fs::write(tree.join("leaf"), "leaf").unwrap();
    let target = make(root, "target");
    let cp = |arguments: &[&OsString]| {
        let command: [OsString; 2] = ["cp".into(), "-r".into()];
        wharf(&config, command.iter().chain(arguments.iter().copied()))
    };
    let here = |name: &str| -> OsString { root.join(name).into() };
    let there = |name: &str| on("harness", &target.join(name));
    let read = |name: &str| fs::read_to_string(target.join(name)).unwrap();

    cp(&[&here("a"), &here("b"), &here("tree"), &there("")]).ends(0).silently();
    assert_eq!((read("a"), read("b"), read("tree/leaf")), ("a".into(), "b".into(), "leaf".into()));
    // Not there: the name to have, for a file and for a directory.
    cp(&[&here("a"), &there("c")]).ends(0).silently();
    cp(&[&here("tree"), &there("wood")]).ends(0).silently();
    assert_eq!((read("c"), read("wood/leaf")), ("a".into(), "leaf".into()));
    // There and a directory: into it, with and without a slash behind either.
    cp(&[&here("a"), &there("wood")]).ends(0);
    cp(&[&here("b"), &there("wood/")]).ends(0);
    cp(&[&here("tree/"), &there("wood")]).ends(0);
    assert_eq!(
        (read("wood/a"), read("wood/b"), read("wood/tree/leaf")),
        ("a".into(), "b".into(), "leaf".into())
    );
    // A slash says directory: where there is none, nothing is made up.
    cp(&[&here("a"), &there("missing/")]).ends(1).says(&["missing"]);
    cp(&[&here("a"), &there("a/")]).ends(1).says(&["target/a"]);
    cp(&[&here("a"), &here("b"), &there("missing")]).ends(1).says(&["missing"]);
    cp(&[&here("a"), &here("b"), &there("a")]).ends(1).says(&["several sources"]);
    cp(&[&here("a"), &there("missing/deeper")]).ends(1).says(&["missing"]);
    assert!(!target.join("missing").exists());
    // From both sides at once; two of one name cannot share it.
    cp(&[&here("b"), &there("c"), &here("tree")]).ends(0);
    assert_eq!(fs::read(tree.join("c")).unwrap(), b"a");
    let one = make(root, "one");
    fs::write(one.join("a"), "another").unwrap();
    let shared = make(&target, "shared");
    cp(&[&here("a"), &here("one/a"), &there("shared")]).ends(1).says(&["one/a", "same name"]);
    assert_eq!(fs::read(shared.join("a")).unwrap(), b"a");
    // A link is a link, also when it is named itself; a directory needs -r.
    symlink("tree", root.join("l")).unwrap();
    cp(&[&here("l"), &there("l")]).ends(0);
    assert_eq!(fs::read_link(target.join("l")).unwrap(), Path::new("tree"));
    let ran = wharf(&config, [&"cp".into(), &here("tree"), &here("a"), &there("shared/")]).ends(1);
    ran.says(&["-r copies directories"]);
    assert!(!shared.join("tree").exists());
    assert_no_strays(root);
}

/// A place of the command line can name whatever a file can be called.
#[test]
fn single_files_of_any_name_can_be_named() {
    let server = Sshd::start(SshdConfig::default());
    let dir = temporary();
    let (source, target, back) =
        (make(dir.path(), "source"), make(dir.path(), "target"), make(dir.path(), "back"));
    let mut up: Vec<OsString> = vec!["cp".into()];
    let mut down = up.clone();
    for name in tree::names() {
        fs::write(source.join(&name), name.as_encoded_bytes()).unwrap();
        up.push(source.join(&name).into());
        down.push(on("harness", &target.join(&name)));
    }
    up.push(on("harness", &target));
    down.push(back.clone().into());
    wharf(&server.ssh_config(), up).ends(0).silently();
    wharf(&server.ssh_config(), down).ends(0).silently();
    // The directories around them were there before, with times of their own.
    for name in tree::names() {
        assert_alike(&source.join(&name), &target.join(&name), Alike::Seconds);
        assert_alike(&source.join(&name), &back.join(&name), Alike::Seconds);
    }
}

#[test]
fn six_hundred_small_files_at_once() {
    let (one, two) = (Sshd::start(SshdConfig::default()), Sshd::start(SshdConfig::default()));
    let config = config_for(&[("one", &one), ("two", &two)]);
    let dir = temporary();
    let tree = make(dir.path(), "tree");
    for number in 0..600u64 {
        fs::write(tree.join(format!("{number}")), bytes(number * 7 % 3000, number)).unwrap();
    }
    let place = |name: &str| dir.path().join(name);
    for (from, to, arrived) in [
        (tree.clone().into(), on("one", &place("up")), place("up")),
        (on("one", &place("up")), on("two", &place("across")), place("across")),
        (on("two", &place("across")), place("down").into(), place("down")),
    ] {
        wharf(&config, [&"cp".into(), &"-r".into(), &from, &to]).ends(0).silently();
        assert_alike(&tree, &arrived, Alike::Seconds);
    }
    assert_no_strays(dir.path());
}

/// All files share one window for reading and one for writing: whoever waits for the one while
/// holding the other must not keep everybody waiting. Sizes around the largest request differ in
/// how they take their room.
#[test]
fn many_middling_files_between_servers_do_not_wait_for_each_other() {
    let (one, two) = (Sshd::start(SshdConfig::default()), Sshd::start(SshdConfig::default()));
    let config = config_for(&[("one", &one), ("two", &two)]);
    let dir = temporary();
    let tree = make(dir.path(), "tree");
    for number in 0..300u64 {
        let len = [300 << 10, 261_120, 520_000][number as usize % 3] + number;
        fs::write(tree.join(format!("{number}")), bytes(len, number)).unwrap();
    }
    for (from, to) in [("one", "two"), ("one", "one")] {
        let target = dir.path().join(to);
        let arguments = ["cp".into(), "-r".into(), on(from, &tree), on(to, &target)];
        // The deadline of every run is the test: a deadlock would reach it.
        wharf(&config, &arguments).ends(0).silently();
        assert_alike(&tree, &target, Alike::Seconds);
    }
}

/// Queries usually have a channel of their own; a server may allow one only.
#[test]
fn one_channel_is_enough() {
    let server = Sshd::start(SshdConfig { extra: vec!["MaxSessions 1".into()], ..SshdConfig::default() });
    let dir = temporary();
    let tree = make(dir.path(), "tree");
    for number in 0..50u64 {
        fs::write(tree.join(format!("{number}")), bytes(number * 20_000, number)).unwrap();
    }
    let (up, down) = (dir.path().join("up"), dir.path().join("down"));
    wharf(&server.ssh_config(), ["cp".into(), "-r".into(), tree.clone().into(), on("harness", &up)]).ends(0);
    wharf(&server.ssh_config(), ["cp".into(), "-r".into(), on("harness", &up), down.clone().into()]).ends(0);
    assert_alike(&tree, &up, Alike::Seconds);
    assert_alike(&tree, &down, Alike::Seconds);
}

/// What a server without extensions gets: OpenSSH's own can be told to deny them.
#[test]
fn a_server_that_cannot_replace_in_one_step_loses_nothing() {
    let plain = "Subsystem sftp internal-sftp -P posix-rename,limits,statvfs,hardlink,fsync,lsetstat";
    let server = Sshd::start(SshdConfig { extra: vec![plain.into()], ..SshdConfig::default() });
    let dir = temporary();
    let target = make(dir.path(), "target");
    for name in ["a", "b"] {
        fs::write(dir.path().join(name), format!("new {name}")).unwrap();
    }
    fs::write(target.join("a"), "old").unwrap();
    let arguments: Vec<OsString> = vec![
        "cp".into(),
        "--on-conflict=overwrite".into(),
        dir.path().join("a").into(),
        dir.path().join("b").into(),
        on("harness", &target),
    ];
    wharf(&server.ssh_config(), &arguments).ends(1).says(&["target/a"]);
    assert_eq!(fs::read(target.join("a")).unwrap(), b"old");
    assert_eq!(fs::read(target.join("b")).unwrap(), b"new b");
    assert_no_strays(dir.path());
}
