//! The small commands, the real program on a real server and on this machine: mv, rm, mkdir, cat,
//! stat, chmod, chown, touch, ln, sum, exec, realpath, ls -R, df, explain, and --log.

mod support;

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
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
            .env("XDG_STATE_HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/state"))
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

/// As rm and mv elsewhere: `sub/..` is more than whoever wrote it meant, and `/` is all there is.
#[test]
fn what_has_no_name_is_neither_removed_nor_moved() {
    let world = World::new();
    fs::create_dir_all(world.path("keep/sub")).unwrap();
    fs::write(world.path("keep/file"), "precious").unwrap();
    let elsewhere = world.local("elsewhere");
    for place in [world.local("keep/sub/.."), world.remote("keep/sub/../"), world.remote("keep/.")] {
        world.fails(2, &["rm", "-r", &place], "give its name");
        world.fails(2, &["mv", &place, &elsewhere], "give its name");
    }
    world.fails(2, &["rm", "-r", &format!("{}:..", support::ALIAS)], "give its name");
    world.fails(2, &["mv", &format!("{}:/", support::ALIAS), &elsewhere], "neither removed nor moved");
    assert!(world.path("keep/file").exists() && !world.path("elsewhere").exists());
    // Within a path they lead on as ever.
    world.ok(&["rm", "-r", &world.remote("keep/sub/../file")]);
    assert!(!world.path("keep/file").exists());
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
        .env("XDG_STATE_HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/state"))
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
    world.ok(&["chmod", "u-s,go-rx", &world.remote("file")]);
    assert_eq!(mode(&world.path("file")), 0o700);
    world.ok(&["chmod", "4755", &world.remote("file")]);
    for bad in ["999", "x", "77777", "+644", "u+q"] {
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

#[test]
fn chmod_of_trees_follows_no_link() {
    let world = World::new();
    for side in ["remote", "local"] {
        let at = |name: &str| {
            let name = format!("{side}/{name}");
            if side == "remote" { world.remote(&name) } else { world.local(&name) }
        };
        let path = |name: &str| world.path(&format!("{side}/{name}"));
        fs::create_dir_all(path("tree/sub")).unwrap();
        fs::write(path("tree/sub/file"), "").unwrap();
        fs::write(path("outside"), "").unwrap();
        fs::set_permissions(path("outside"), fs::Permissions::from_mode(0o604)).unwrap();
        fs::set_permissions(path("tree/sub/file"), fs::Permissions::from_mode(0o644)).unwrap();
        symlink("../outside", path("tree/link")).unwrap();
        world.ok(&["chmod", "-R", "u=rwX,go=", &at("tree")]);
        assert_eq!(mode(&path("tree")), 0o700);
        assert_eq!((mode(&path("tree/sub")), mode(&path("tree/sub/file"))), (0o700, 0o600));
        assert_eq!(mode(&path("outside")), 0o604);
        // A link that is given by its name is followed.
        world.ok(&["chmod", "600", &at("tree/link")]);
        assert_eq!(mode(&path("outside")), 0o600);
        // Even where the directories are closed by it.
        world.ok(&["chmod", "-R", "a-rwx", &at("tree")]);
        assert_eq!(mode(&path("tree")), 0);
        world.fails(1, &["chmod", "600", &at("none"), &at("outside")], "none");
    }
}

#[test]
fn chown_by_name_and_number() {
    let world = World::new();
    fs::write(world.path("file"), "").unwrap();
    let before = fs::metadata(world.path("file")).unwrap();
    let user = nix::unistd::User::from_uid(before.uid().into()).unwrap().unwrap();
    let group = nix::unistd::Group::from_gid(before.gid().into()).unwrap().unwrap();
    for place in [world.remote("file"), world.local("file")] {
        world.ok(&["chown", &user.name, &place]);
        world.ok(&["chown", &format!("{}:{}", user.name, group.name), &place]);
        world.ok(&["chown", &format!(":{}", before.gid()), &place]);
        world.fails(1, &["chown", "nobody-of-this-name", &place], "nobody-of-this-name");
        if before.uid() == 0 {
            world.ok(&["chown", "12345:54321", &place]);
            let after = fs::metadata(world.path("file")).unwrap();
            assert_eq!((after.uid(), after.gid()), (12345, 54321));
            world.ok(&["chown", "0:0", &place]);
        }
    }
    world.fails(2, &["chown", ":", &world.local("file")], "OWNER");
}

#[test]
fn touch_sets_times_and_creates() {
    let world = World::new();
    for (place, path) in [("remote", "one"), ("local", "two")] {
        let place = if place == "remote" { world.remote(path) } else { world.local(path) };
        world.ok(&["touch", "-c", &place]);
        assert!(!world.path(path).exists());
        world.ok(&["touch", &place]);
        assert_eq!(fs::metadata(world.path(path)).unwrap().len(), 0);
        fs::write(world.path(path), "content").unwrap();
        world.ok(&["touch", "-d", "2001-09-09T01:46:40Z", &place]);
        let metadata = fs::metadata(world.path(path)).unwrap();
        assert_eq!((metadata.mtime(), metadata.atime(), metadata.len()), (1_000_000_000, 1_000_000_000, 7));
        world.ok(&["touch", "-a", "-d", "2004-09-16T23:59:59Z", &place]);
        world.ok(&["touch", "-m", "-d", "2011-03-13T07:06:40Z", &place]);
        let metadata = fs::metadata(world.path(path)).unwrap();
        assert_eq!((metadata.mtime(), metadata.atime()), (1_300_000_000, 1_095_379_199));
        world.ok(&["touch", "-am", "-d", "2001-09-09T01:46:40Z", &place]);
        let metadata = fs::metadata(world.path(path)).unwrap();
        assert_eq!((metadata.mtime(), metadata.atime()), (1_000_000_000, 1_000_000_000));
        world.fails(2, &["touch", "-d", "yesterday", &place], "yesterday");
    }
}

#[test]
fn hard_links_are_second_names() {
    let world = World::new();
    fs::write(world.path("file"), "content").unwrap();
    let inode = fs::metadata(world.path("file")).unwrap().ino();
    world.ok(&["ln", &world.remote("file"), &world.remote("far")]);
    world.ok(&["ln", &world.local("file"), &world.local("near")]);
    for name in ["far", "near"] {
        assert_eq!(fs::metadata(world.path(name)).unwrap().ino(), inode);
    }
    world.fails(1, &["ln", &world.remote("file"), &world.remote("far")], "exists");
    world.fails(2, &["ln", &world.local("file"), &world.remote("other")], "same server");
}

#[test]
fn copies_within_a_server_need_no_traffic() {
    let world = World::new();
    let bytes: Vec<u8> = (0..=255u8).cycle().take(5_000_000).collect();
    fs::create_dir_all(world.path("from/sub")).unwrap();
    fs::write(world.path("from/sub/file"), &bytes).unwrap();
    fs::write(world.path("from/empty"), "").unwrap();
    fs::set_permissions(world.path("from/sub/file"), fs::Permissions::from_mode(0o741)).unwrap();
    let (code, _, log) = world.wharf(&["-v", "cp", "-r", &world.remote("from"), &world.remote("to")]);
    assert_eq!(code, 0, "{log}");
    assert!(log.contains("copy-data 5000000 bytes") && !log.contains("READ 5000000"), "{log}");
    assert!(fs::read(world.path("to/sub/file")).unwrap() == bytes);
    assert_eq!(mode(&world.path("to/sub/file")), 0o741);
    assert_eq!(fs::metadata(world.path("to/empty")).unwrap().len(), 0);
    let time = |name: &str| fs::metadata(world.path(name)).unwrap().mtime();
    assert_eq!(time("from/sub/file"), time("to/sub/file"));
    // What stands at the target is replaced whole. A part that some other wharf may be writing is
    // left alone.
    fs::write(world.path("to/sub/.file.wharf-part"), "another").unwrap();
    fs::write(world.path("to/sub/file"), "old").unwrap();
    world.ok(&["cp", "--on-conflict", "overwrite", &world.remote("from/sub/file"), &world.remote("to/sub/")]);
    assert!(fs::read(world.path("to/sub/file")).unwrap() == bytes);
    assert_eq!(fs::read(world.path("to/sub/.file.wharf-part")).unwrap(), b"another");
    assert_eq!(fs::read_dir(world.path("to/sub")).unwrap().count(), 2);
    world.ok(&["cp", "-r", &world.local("from"), &world.local("near")]);
    assert!(fs::read(world.path("near/sub/file")).unwrap() == bytes);
}

#[test]
fn sums_say_who_computed_them() {
    let world = World::new();
    fs::write(world.path("file"), "abc").unwrap();
    let digits = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    for place in [world.remote("file"), world.local("file")] {
        let (code, out, err) = world.wharf(&["sum", &place]);
        assert_eq!((code, out), (0, format!("{digits}  {place}\n")), "{err}");
        let by = if place.contains(':') { "computed by the server (sha256sum)" } else { "computed here" };
        assert!(err.contains(by), "{err}");
    }
    let line = world.ok(&["sum", "-a", "sha1", "--json", &world.remote("file")]);
    let row: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(row["checksum"], "a9993e364706816aba3e25717850c26c9cd0d89d");
    assert_eq!((&row["computed"], &row["by"]), (&"server".into(), &"sha1sum".into()));
    for place in [world.remote("file"), world.local("file")] {
        assert_eq!(world.ok(&["sum", "-a", "crc32", &place]), format!("352441c2  {place}\n"));
        assert_eq!(
            world.ok(&["sum", "-a", "md5", &place]),
            format!("900150983cd24fb0d6963f7d28e17f72  {place}\n")
        );
    }
    world.fails(1, &["sum", &world.remote("none"), &world.remote("file")], "none");
    world.fails(1, &["sum", &world.remote("")], "folder");
    world.fails(2, &["sum", "-a", "crc", &world.remote("file")], "sha256");
}

/// Such a server starts SFTP whatever it is asked to run.
#[test]
fn a_server_that_runs_no_commands_is_done_without() {
    let extra = vec!["ForceCommand internal-sftp".to_owned()];
    let sshd = Sshd::start(SshdConfig { extra, ..SshdConfig::default() });
    let world = World { sshd, dir: tempfile::tempdir().unwrap() };
    fs::write(world.path("file"), "abc").unwrap();
    let started = std::time::Instant::now();
    let (code, out, err) = world.wharf(&["sum", &world.remote("file"), &world.remote("file")]);
    assert_eq!(code, 0, "{err}");
    assert!(out.starts_with("ba7816bf") && err.contains("read and computed here"), "{out}{err}");
    assert!(started.elapsed().as_secs() < 10, "it is not waited for");
    world.fails(1, &["exec", &world.remote(""), "--", "true"], "runs no commands");
    // Names are found in the server's own lists then.
    let me = nix::unistd::User::from_uid(nix::unistd::getuid()).unwrap().unwrap();
    world.ok(&["chown", &me.name, &world.remote("file")]);
}

#[test]
fn exec_passes_everything_on() {
    let world = World::new();
    fs::create_dir(world.path("it's a dir")).unwrap();
    fs::write(world.path("it's a dir/a b"), "x").unwrap();
    for dir in [world.remote("it's a dir"), world.local("it's a dir")] {
        let (code, out, err) = world.wharf(&["exec", &dir, "--", "ls; echo oops >&2; exit 42"]);
        assert_eq!((code, &out[..]), (42, "a b\n"), "{err}");
        assert!(err.contains("oops"), "{err}");
        assert_eq!(world.ok(&["exec", &dir, "--", "echo", "$HOME", "*", "it's"]), "$HOME * it's\n");
        assert_eq!(world.wharf(&["exec", &dir, "--", "kill -9 $$"]).0, 137);
        let many = world.ok(&["exec", &dir, "--", "head -c 3000000 /dev/zero"]);
        assert_eq!(many.len(), 3_000_000);
    }
    assert_ne!(world.wharf(&["exec", &world.remote("none"), "--", "true"]).0, 0);
}

#[test]
fn realpath_and_ls_of_trees() {
    let world = World::new();
    let real = world.dir.path().canonicalize().unwrap();
    fs::create_dir_all(world.path("tree/sub/deep")).unwrap();
    fs::write(world.path("tree/sub/file"), "").unwrap();
    symlink("sub", world.path("tree/link")).unwrap();
    for place in [world.remote("tree/link/file"), world.local("tree/link/file")] {
        assert_eq!(world.ok(&["realpath", &place]), format!("{}\n", real.join("tree/sub/file").display()));
    }
    for place in [world.remote("tree"), world.local("tree")] {
        let tree = world.path("tree").display().to_string();
        let listed = world.ok(&["ls", "-R", &place]);
        let wanted = format!("{tree}:\nlink\nsub\n\n{tree}/sub:\ndeep\nfile\n\n{tree}/sub/deep:\n");
        assert_eq!(listed, wanted);
        assert_eq!(world.ok(&["ls", "-R", "--json", &place]).lines().count(), 4);
    }
}

#[test]
fn the_log_has_every_operation_and_is_nobody_elses() {
    let world = World::new();
    let log = world.local("log");
    fs::write(world.path("log"), "before\n").unwrap();
    fs::set_permissions(world.path("log"), fs::Permissions::from_mode(0o644)).unwrap();
    world.ok(&["--log", &log, "mkdir", &world.remote("dir")]);
    world.fails(1, &["--log", &log, "mkdir", &world.remote("dir")], "exists");
    let text = fs::read_to_string(world.path("log")).unwrap();
    assert!(text.starts_with("before\n"), "{text}");
    assert!(
        text.contains("MKDIR") && text.contains("4 SSH_FX_FAILURE") && text.contains("failed: "),
        "{text}"
    );
    for line in text.lines().skip(1) {
        let (time, rest) = line.split_once(' ').unwrap();
        assert!(chrono::DateTime::parse_from_rfc3339(time).is_ok() && !rest.is_empty(), "{line}");
    }
    assert_eq!(mode(&world.path("log")), 0o600);
    world.fails(2, &["--log", "/none/where", "mkdir", &world.remote("x")], "/none/where");
    assert!(!world.path("x").exists());
}

#[test]
fn what_is_moved_onto_itself_stays() {
    let world = World::new();
    fs::create_dir(world.path("dir")).unwrap();
    fs::write(world.path("dir/file"), "precious").unwrap();
    symlink("dir", world.path("way")).unwrap();
    for (from, to) in [
        (world.remote("dir/file"), world.remote("dir/file")),
        (world.remote("dir/file"), world.remote("way/file")),
        (world.local("dir/file"), world.local("dir/")),
        (world.local("way/file"), world.local("dir/file")),
    ] {
        let (code, _, err) = world.wharf(&["mv", "--on-conflict", "overwrite", &from, &to]);
        assert_ne!(code, 0, "{from} {to}: {err}");
        assert_eq!(fs::read_to_string(world.path("dir/file")).unwrap(), "precious", "{from} {to}");
    }
}

/// What has no end must end where nobody reads any more.
#[test]
fn a_reader_that_stops_ends_cat_and_exec() {
    let world = World::new();
    let file = fs::File::create(world.path("sparse")).unwrap();
    file.set_len(1 << 40).unwrap();
    let dir = world.remote("");
    for arguments in [vec!["exec", &dir, "--", "yes"], vec!["cat", &world.remote("sparse")]] {
        let mut command = support::program::command(&world.sshd.ssh_config(), &arguments);
        let mut child = command.spawn().unwrap();
        let mut out = child.stdout.take().unwrap();
        std::io::Read::read_exact(&mut out, &mut [0; 4]).unwrap();
        drop(out);
        let started = std::time::Instant::now();
        while child.try_wait().unwrap().is_none() {
            if started.elapsed().as_secs() > 30 {
                child.kill().unwrap();
                panic!("{arguments:?} goes on");
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
}

/// Whether a process of this machine was started with that argument.
fn runs(argument: &str) -> bool {
    let wanted = format!("\0{argument}\0");
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
    lines.into_iter().any(|line| String::from_utf8_lossy(&line).ends_with(&wanted))
}

/// OpenSSH's server refuses to pass on a signal where one logs in as root.
#[test]
fn a_command_that_is_given_up_ends_with_all_that_it_started() {
    let world = World::new();
    let dir = world.remote("");
    let number = std::process::id();
    let (behind, front) = (format!("{number}.125"), format!("{number}.25"));
    let line = format!("sleep {behind} & sleep {front}; echo over");
    let arguments = ["exec", dir.as_str(), "--", &line];
    let mut running = support::program::start(support::program::command(&world.sshd.ssh_config(), arguments));
    running.until(|| runs(&behind) && runs(&front));
    running.signal(nix::sys::signal::Signal::SIGINT);
    running.end().unwrap();
    // It was told before the program has ended; to end takes it a moment.
    let started = std::time::Instant::now();
    while runs(&behind) || runs(&front) {
        assert!(started.elapsed().as_secs() < 10, "it goes on");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
