//! The small commands, the real program on a real server and on this machine: mv, rm, mkdir, cat,
//! stat, chmod, ln, df, explain.

mod support;

use std::{
    fs,
    os::unix::fs::{MetadataExt, symlink},
    path::Path,
    process::Command,
};

use support::{Sshd, SshdConfig};

struct World {
    sshd: Sshd,
    dir: tempfile::TempDir,
}

impl World {
    fn new() -> World {
        World { sshd: Sshd::start(SshdConfig::default()), dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    /// The same path, as the server has it.
    fn remote(&self, name: &str) -> String {
        format!("{}:{}", support::ALIAS, self.path(name).display())
    }

    fn local(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// Exit code, standard output, standard error.
    fn wharf(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_wharf"))
            .arg("-F")
            .arg(self.sshd.ssh_config())
            .arg("--batch")
            .args(arguments)
            .env_remove("SSH_AUTH_SOCK")
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
    }

    #[track_caller]
    fn ok(&self, arguments: &[&str]) -> String {
        let (code, out, err) = self.wharf(arguments);
        assert_eq!(code, 0, "{arguments:?}: {out}{err}");
        out
    }

    #[track_caller]
    fn fails(&self, code: i32, arguments: &[&str], saying: &str) {
        let (got, out, err) = self.wharf(arguments);
        assert_eq!(got, code, "{arguments:?}: {out}{err}");
        assert!(err.contains(saying) && !err.contains("panicked"), "{arguments:?}: {err}");
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

#[test]
fn mkdir_makes_one_or_all() {
    let world = World::new();
    world.ok(&["mkdir", &world.remote("one")]);
    world.fails(1, &["mkdir", &world.remote("one")], "exists");
    world.fails(1, &["mkdir", &world.remote("a/b/c")], "a/b/c");
    world.ok(&["mkdir", "-p", &world.remote("a/b/c"), &world.local("d/e")]);
    world.ok(&["mkdir", "-p", &world.remote("a/b/c")]);
    assert!(world.path("a/b/c").is_dir() && world.path("d/e").is_dir());
    fs::write(world.path("file"), "").unwrap();
    world.fails(1, &["mkdir", "-p", &world.remote("file/x")], "file");
}

#[test]
fn rm_removes_links_and_not_what_they_lead_to() {
    let world = World::new();
    fs::create_dir_all(world.path("keep/deep")).unwrap();
    fs::write(world.path("keep/deep/file"), "precious").unwrap();
    fs::create_dir_all(world.path("tree/sub")).unwrap();
    fs::write(world.path("tree/sub/x"), "x").unwrap();
    symlink(world.path("keep"), world.path("tree/link")).unwrap();
    world.fails(1, &["rm", &world.remote("tree")], "-r");
    world.ok(&["rm", "-r", &world.remote("tree")]);
    assert!(!world.path("tree").exists());
    assert_eq!(fs::read_to_string(world.path("keep/deep/file")).unwrap(), "precious");
    symlink(world.path("keep"), world.path("link")).unwrap();
    world.ok(&["rm", "-r", &world.remote("link")]);
    assert!(world.path("keep/deep/file").exists() && world.path("link").symlink_metadata().is_err());
    world.fails(1, &["rm", &world.remote("none"), &world.remote("keep/deep/file")], "none");
    assert!(!world.path("keep/deep/file").exists(), "one that fails does not stop the others");
}

#[test]
fn mv_renames_in_place_and_copies_across() {
    let world = World::new();
    fs::create_dir_all(world.path("from/sub")).unwrap();
    fs::write(world.path("from/sub/x"), "content").unwrap();
    fs::create_dir(world.path("to")).unwrap();
    let inode = fs::metadata(world.path("from/sub/x")).unwrap().ino();
    world.ok(&["mv", &world.remote("from"), &world.remote("to/")]);
    assert_eq!(fs::metadata(world.path("to/from/sub/x")).unwrap().ino(), inode, "a rename on one server");
    world.ok(&["mv", &world.remote("to/from"), &world.local("renamed")]);
    assert_eq!(fs::read_to_string(world.path("renamed/sub/x")).unwrap(), "content");
    assert!(!world.path("to/from").exists());
    fs::write(world.path("other"), "other").unwrap();
    world.fails(1, &["mv", &world.local("other"), &world.local("renamed/sub/x")], "");
    world.fails(1, &["mv", &world.local("other"), &world.remote("renamed/sub/x")], "--on-conflict");
    assert_eq!(fs::read_to_string(world.path("renamed/sub/x")).unwrap(), "content");
    assert!(world.path("other").exists(), "what was refused stays");
    world.ok(&["mv", "--on-conflict", "overwrite", &world.local("other"), &world.remote("renamed/sub/x")]);
    assert_eq!(fs::read_to_string(world.path("renamed/sub/x")).unwrap(), "other");
    world.fails(2, &["mv", &world.remote("renamed"), &world.remote("renamed/sub")], "inside");
}

#[test]
fn cat_writes_bytes_as_they_are() {
    let world = World::new();
    let bytes: Vec<u8> = (0..=255).cycle().take(700_000).collect();
    fs::write(world.path("file"), &bytes).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_wharf"))
        .arg("-F")
        .arg(world.sshd.ssh_config())
        .args(["--batch", "cat", &world.remote("file"), &world.local("file")])
        .output()
        .unwrap();
    assert!(output.status.success());
    assert!(output.stdout == [&bytes[..], &bytes[..]].concat());
    world.fails(1, &["cat", &world.remote("none")], "none");
}

#[test]
fn stat_chmod_and_ln() {
    let world = World::new();
    fs::write(world.path("file"), "12345").unwrap();
    world.ok(&["chmod", "640", &world.remote("file")]);
    assert_eq!(mode(&world.path("file")), 0o640);
    world.ok(&["chmod", "4755", &world.local("file")]);
    assert_eq!(mode(&world.path("file")), 0o4755);
    for bad in ["999", "x", "77777", "+644"] {
        assert_eq!(world.wharf(&["chmod", bad, &world.local("file")]).0, 2, "{bad}");
    }
    world.ok(&["ln", "-s", "file", &world.remote("link")]);
    assert_eq!(fs::read_link(world.path("link")).unwrap(), Path::new("file"));
    world.fails(1, &["ln", "-s", "x", &world.remote("link")], "exists");
    let line = world.ok(&["stat", "--json", &world.remote("link"), &world.remote("file")]);
    let rows: Vec<serde_json::Value> = line.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&rows[0]["kind"], &rows[0]["target"]), (&"symlink".into(), &"file".into()));
    assert_eq!((&rows[1]["size"], &rows[1]["mode"]), (&5.into(), &"4755".into()));
    let text = world.ok(&["stat", &world.remote("file")]);
    assert!(text.contains("5 (5 B)") && text.contains("4755"), "{text}");
}

#[test]
fn df_tells_the_same_of_one_disk() {
    let world = World::new();
    let total = |place: &str| {
        let line = world.ok(&["df", "--json", place]);
        serde_json::from_str::<serde_json::Value>(&line).unwrap()["total"].as_u64().unwrap()
    };
    assert_eq!(total(&world.remote("")), total(&world.local("")));
    assert!(world.ok(&["df", &world.remote("")]).contains("free of"));
}

#[test]
fn explain_needs_no_server() {
    let world = World::new();
    assert!(world.ok(&["explain", "sftp", "3"]).contains("SSH_FX_PERMISSION_DENIED"));
    assert!(world.ok(&["explain", "3"]).contains("SSH_FX_PERMISSION_DENIED"));
    assert!(world.ok(&["explain"]).lines().count() > 40);
    assert!(world.ok(&["explain", "ftp", "452"]).contains("space"));
    assert!(world.ok(&["explain", "FTPS", "452"]).contains("INSUFFICIENT_STORAGE"));
    assert!(world.ok(&["explain", "452"]).contains("452  INSUFFICIENT_STORAGE"));
    let all = world.ok(&["explain", "ftp"]);
    assert!(all.contains("110  ") && all.contains("633  ") && !all.contains("SSH_FX"));
    assert!(world.ok(&["explain"]).contains("633  "));
    assert!(!world.ok(&["explain", "sftp"]).contains("633  "));
    let unknown = world.ok(&["explain", "ftp", "459"]);
    assert!(unknown.contains("Refused for now (4yz), about the file system"), "{unknown}");
    assert!(unknown.contains("may work later"));
    world.fails(2, &["explain", "ftp", "3"], "100 to 699");
    world.fails(2, &["explain", "ftp", "10054"], "10054");
    world.fails(2, &["explain", "99"], "99");
    world.fails(2, &["explain", "ftp", "x"], "x");
    world.fails(2, &["explain", "gopher"], "gopher");
    world.fails(2, &["explain", "sftp", "99"], "99");
    world.fails(2, &["explain", "gopher", "1"], "gopher");
}
