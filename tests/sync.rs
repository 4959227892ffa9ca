//! `wharf sync`, the real program between this machine and a real server, in both directions.

mod support;

use std::{
    collections::BTreeMap,
    fs::{self, File, FileTimes},
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, SystemTime},
};

use support::{Sshd, SshdConfig};

struct World {
    sshd: Sshd,
    dir: tempfile::TempDir,
}

impl World {
    fn new() -> World {
        let world = World { sshd: Sshd::start(SshdConfig::default()), dir: tempfile::tempdir().unwrap() };
        let source = world.path("a");
        fs::create_dir_all(source.join("deep/er")).unwrap();
        fs::write(source.join("one.txt"), "one").unwrap();
        fs::write(source.join("deep/two.txt"), "two two").unwrap();
        fs::write(source.join("deep/er/\u{e9}t\u{e9}.txt"), "summer").unwrap();
        fs::create_dir(source.join("empty")).unwrap();
        symlink("deep/two.txt", source.join("link")).unwrap();
        fs::set_permissions(source.join("one.txt"), fs::Permissions::from_mode(0o640)).unwrap();
        for file in ["one.txt", "deep/two.txt", "deep", "empty"] {
            age(&source.join(file), 5000);
        }
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn local(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// The same path, as the server has it.
    fn remote(&self, name: &str) -> String {
        format!("{}:{}", support::ALIAS, self.path(name).display())
    }

    /// Exit code, standard output, standard error.
    fn sync(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_wharf"))
            .env("XDG_STATE_HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/state"))
            .arg("-F")
            .arg(self.sshd.ssh_config())
            .args(["--batch", "sync"])
            .args(arguments)
            .env_remove("SSH_AUTH_SOCK")
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
    }

    #[track_caller]
    fn ok(&self, arguments: &[&str]) -> (String, String) {
        let (code, out, err) = self.sync(arguments);
        assert_eq!(code, 0, "{arguments:?}: {out}{err}");
        (out, err)
    }
}

fn age(path: &Path, seconds: u64) {
    let then = SystemTime::now() - Duration::from_secs(seconds);
    File::open(path).unwrap().set_times(FileTimes::new().set_modified(then)).unwrap();
}

/// Everything below a directory: kind, mode, time in seconds, and content or link target.
fn tree(root: &Path) -> BTreeMap<PathBuf, (u32, i64, Vec<u8>)> {
    fn visit(root: &Path, dir: &Path, out: &mut BTreeMap<PathBuf, (u32, i64, Vec<u8>)>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let meta = fs::symlink_metadata(&path).unwrap();
            let (content, time) = if meta.is_symlink() {
                (fs::read_link(&path).unwrap().as_os_str().as_encoded_bytes().to_vec(), 0)
            } else if meta.is_dir() {
                visit(root, &path, out);
                (Vec::new(), meta.mtime())
            } else {
                (fs::read(&path).unwrap(), meta.mtime())
            };
            let mode = if meta.is_symlink() { 0 } else { meta.mode() };
            out.insert(path.strip_prefix(root).unwrap().to_owned(), (mode, time, content));
        }
    }
    let mut out = BTreeMap::new();
    visit(root, root, &mut out);
    out
}

/// The lines of a dry run without sizes: `verb path`.
fn steps(text: &str) -> Vec<String> {
    text.lines().map(|line| line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn the_target_becomes_like_the_source_both_ways() {
    let world = World::new();
    for (from, to, there) in [
        (world.local("a"), world.remote("up"), "up"),
        (world.remote("a"), world.local("down"), "down"),
        (world.local("a"), world.local("here"), "here"),
        (world.remote("a"), world.remote("across"), "across"),
    ] {
        world.ok(&[&from, &to]);
        assert_eq!(tree(&world.path("a")), tree(&world.path(there)), "{from} {to}");
        let (planned, _) = world.ok(&["--dry-run", "--delete", &from, &to]);
        assert_eq!(planned, "", "nothing is left to do");
    }
}

#[test]
fn only_what_differs_is_copied_and_only_with_delete_is_anything_removed() {
    let world = World::new();
    let (from, to) = (world.local("a"), world.remote("b"));
    world.ok(&[&from, &to]);
    fs::write(world.path("a/one.txt"), "ONE").unwrap();
    fs::write(world.path("a/new"), "new").unwrap();
    fs::create_dir_all(world.path("b/gone/further")).unwrap();
    fs::write(world.path("b/gone/further/x"), "x").unwrap();
    symlink("/", world.path("b/gone/everything")).unwrap();
    let untouched = fs::metadata(world.path("b/deep/two.txt")).unwrap().ino();

    let (planned, _) = world.ok(&["--dry-run", &from, &to]);
    let b = world.path("b").display().to_string();
    assert_eq!(
        steps(&planned),
        [format!("copy {b}/new"), format!("replace {b}/one.txt"), format!("set {b}")]
    );
    let (_, said) = world.ok(&[&from, &to]);
    assert!(said.starts_with("2 copied, 3 skipped in "), "{said}");
    assert!(world.path("b/gone/further/x").exists());
    assert_eq!(fs::metadata(world.path("b/deep/two.txt")).unwrap().ino(), untouched);

    let (planned, _) = world.ok(&["--dry-run", "--delete", &from, &to]);
    assert_eq!(
        steps(&planned),
        [
            format!("delete {b}/gone/further/x"),
            format!("delete {b}/gone/everything"),
            format!("delete {b}/gone/further"),
            format!("delete {b}/gone"),
            format!("set {b}"),
        ]
    );
    let (_, said) = world.ok(&["--delete", &from, &to]);
    assert!(said.contains("4 deleted"), "{said}");
    assert_eq!(tree(&world.path("a")), tree(&world.path("b")));
    assert!(Path::new("/").exists());
}

#[test]
fn a_checksum_finds_what_size_and_time_hide() {
    let world = World::new();
    let (from, to) = (world.local("a"), world.remote("b"));
    world.ok(&[&from, &to]);
    let time = fs::metadata(world.path("a/one.txt")).unwrap().modified().unwrap();
    fs::write(world.path("b/one.txt"), "0NE").unwrap();
    File::open(world.path("b/one.txt")).unwrap().set_times(FileTimes::new().set_modified(time)).unwrap();
    assert_eq!(world.ok(&["-n", &from, &to]).0, "", "the same size and time");
    let (planned, _) = world.ok(&["-n", "--checksum", &from, &to]);
    assert_eq!(
        steps(&planned),
        [
            format!("replace {}/one.txt", world.path("b").display()),
            format!("set {}", world.path("b").display())
        ]
    );
    world.ok(&["--checksum", &from, &to]);
    assert_eq!(fs::read(world.path("b/one.txt")).unwrap(), b"one");
    // The other way round: another time and the same content is not copied, only dated.
    age(&world.path("b/one.txt"), 99);
    let (planned, _) = world.ok(&["-n", "--checksum", &from, &to]);
    assert_eq!(steps(&planned), [format!("set {}/one.txt", world.path("b").display())]);
}

#[test]
fn a_dry_run_changes_nothing_and_speaks_json() {
    let world = World::new();
    let (planned, _) = world.ok(&["-n", "--json", &world.local("a"), &world.remote("b")]);
    assert!(!world.path("b").exists());
    let first: serde_json::Value = serde_json::from_str(planned.lines().next().unwrap()).unwrap();
    assert_eq!(first["step"], "mkdir");
    assert_eq!(first["path"], world.local("b"));
}

#[test]
fn a_source_that_is_gone_empties_nothing() {
    let world = World::new();
    world.ok(&[&world.local("a"), &world.remote("b")]);
    fs::rename(world.path("a"), world.path("moved")).unwrap();
    let (code, out, err) = world.sync(&["--delete", &world.local("a"), &world.remote("b")]);
    assert_eq!(code, 1, "{out}{err}");
    assert_eq!(tree(&world.path("moved")), tree(&world.path("b")));
}

#[test]
fn a_directory_that_cannot_be_listed_is_not_emptied_in_the_target() {
    let world = World::new();
    fs::set_permissions(world.dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    world.ok(&[&world.local("a"), &world.remote("b")]);
    // A directory that root cannot list either: its place is taken by a link that loops.
    fs::rename(world.path("a/deep"), world.path("deep")).unwrap();
    symlink("deep", world.path("a/deep")).unwrap();
    let (code, out, err) = world.sync(&["--delete", &world.local("a"), &world.remote("b")]);
    assert_eq!(code, 1, "{out}{err}");
    assert!(err.contains("a directory stands where"), "{err}");
    assert!(world.path("b/deep/two.txt").exists());
}

#[test]
fn nothing_is_deleted_where_something_was_refused_and_a_dry_run_says_so() {
    let world = World::new();
    for (from, to, name) in
        [(world.local("a"), world.remote("b"), "b"), (world.remote("a"), world.local("c"), "c")]
    {
        world.ok(&[&from, &to]);
        let at = |path: &str| world.path(name).join(path);
        // What is refused may be what the other was renamed to.
        fs::rename(at("one.txt"), at("only-here.txt")).unwrap();
        fs::create_dir(at("one.txt")).unwrap();
        for arguments in [&["--delete", "-n", &from, &to][..], &["--delete", &from, &to]] {
            let (code, out, err) = world.sync(arguments);
            assert_eq!(code, 1, "{arguments:?}: {out}{err}");
            assert!(err.contains("a directory stands where this file would go"), "{err}");
            assert!(err.contains("not all of it was copied, so nothing is deleted"), "{err}");
            assert!(!out.contains("delete"), "{out}");
            assert_eq!(fs::read(at("only-here.txt")).unwrap(), b"one");
        }
        // Once nothing is in the way, both say and do it.
        fs::remove_dir(at("one.txt")).unwrap();
        let (planned, _) = world.ok(&["--delete", "-n", &from, &to]);
        assert!(steps(&planned).contains(&format!("delete {}", at("only-here.txt").display())), "{planned}");
        world.ok(&["--delete", &from, &to]);
        assert_eq!(tree(&world.path("a")), tree(&world.path(name)));
    }
}

#[test]
fn both_sides_get_what_the_other_has_and_nothing_is_lost() {
    let world = World::new();
    let (left, right) = (world.local("a"), world.remote("b"));
    for name in ["b/deep", "b/there/too"] {
        fs::create_dir_all(world.path(name)).unwrap();
    }
    fs::write(world.path("b/there/too/x"), "only there").unwrap();
    fs::write(world.path("b/one.txt"), "newer there").unwrap();
    fs::write(world.path("b/deep/two.txt"), "older").unwrap();
    age(&world.path("b/deep/two.txt"), 50_000);

    // What differs is nobody's to decide: it is named and stays; the rest is done all the same.
    let (code, planned, err) = world.sync(&["--both", "-n", &left, &right]);
    assert_eq!(code, 1, "{planned}{err}");
    for name in ["a/one.txt", "a/deep/two.txt"] {
        assert!(err.contains(&world.local(name)) && err.contains("--on-conflict newer"), "{err}");
    }
    let (b, a) = (world.local("b"), world.local("a"));
    let planned = steps(&planned);
    assert!(
        planned
            .iter()
            .any(|step| step.starts_with("copy sftp://") && step.ends_with("/b/deep/er/\u{e9}t\u{e9}.txt"))
    );
    assert!(
        planned.contains(&format!("copy {a}/there/too/x")) && planned.contains(&format!("mkdir {a}/there"))
    );
    assert!(
        !planned.iter().any(|step| step.contains("one.txt") || step.starts_with("replace")),
        "{planned:?}"
    );
    assert!(!world.path("a/there").exists() && !world.path("b/empty").exists(), "nothing was done: {b}");

    let (code, out, err) = world.sync(&["--both", &left, &right]);
    assert_eq!(code, 1, "{out}{err}");
    assert_eq!(fs::read(world.path("a/there/too/x")).unwrap(), b"only there");
    assert_eq!(fs::read_link(world.path("b/link")).unwrap(), Path::new("deep/two.txt"));
    assert_eq!(fs::read(world.path("a/one.txt")).unwrap(), b"one");
    assert_eq!(fs::read(world.path("b/one.txt")).unwrap(), b"newer there");

    world.ok(&["--both", "--on-conflict", "skip", "-n", &left, &right]);
    let (planned, _) = world.ok(&["--both", "--on-conflict", "newer", "-n", &left, &right]);
    assert_eq!(steps(&planned).len(), 2, "{planned}");
    let (_, said) = world.ok(&["--both", "--on-conflict", "newer", &left, &right]);
    assert!(said.starts_with("2 copied"), "{said}");
    for side in ["a", "b"] {
        assert_eq!(fs::read(world.path(side).join("one.txt")).unwrap(), b"newer there");
        assert_eq!(fs::read(world.path(side).join("deep/two.txt")).unwrap(), b"two two");
    }
    let (planned, _) = world.ok(&["--both", "-n", &left, &right]);
    assert_eq!(planned, "", "nothing is left to do");

    // A file in a folder's place is neither replaced nor copied into.
    fs::remove_dir(world.path("b/empty")).unwrap();
    fs::write(world.path("b/empty"), "in the way").unwrap();
    fs::write(world.path("a/empty/x"), "x").unwrap();
    let (code, out, err) = world.sync(&["--both", "--on-conflict", "newer", &left, &right]);
    assert_eq!(code, 1, "{out}{err}");
    assert!(err.contains("different kinds"), "{err}");
    assert_eq!(fs::read(world.path("b/empty")).unwrap(), b"in the way");
}

#[test]
fn both_ways_know_of_no_deletion() {
    let world = World::new();
    let (code, out, err) = world.sync(&["--both", "--delete", &world.local("a"), &world.remote("b")]);
    assert_eq!(code, 2, "{out}{err}");
    assert!(err.contains("nobody remembers"), "{err}");
    let (code, ..) = world.sync(&["--on-conflict", "newer", &world.local("a"), &world.remote("b")]);
    assert_eq!(code, 2, "means nothing without --both");
    assert!(!world.path("b").exists());
}
