//! Copies that go wrong: each says why, leaves nothing half-written, and spares the rest.

use std::{
    ffi::OsString,
    fs::{self, File},
    os::unix::fs::{MetadataExt, chown, symlink},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use nix::{
    sys::{signal::Signal, stat::Mode},
    unistd::{User, mkfifo},
};

use super::{
    make,
    support::{
        PASSWORD_USER, Sshd, SshdConfig,
        program::{as_user, command, config_for, into, on, start, user_command, wharf},
    },
    temporary,
    tree::{assert_no_strays, bytes, set_mode, set_time, strays, untouched},
};

/// A server on which one does not log in as root, as root may do everything.
fn humble_server() -> (Sshd, PathBuf) {
    // Asking for logins with a password creates the user; the key works for it too.
    let server = Sshd::start(SshdConfig { password_auth: true, ..SshdConfig::default() });
    let file = server.dir().join("humble_config");
    let own = fs::read_to_string(server.ssh_config()).unwrap();
    let lines = own.lines().map(|line| match line.trim_start().starts_with("User ") {
        true => format!("  User {PASSWORD_USER}\n"),
        false => format!("{line}\n"),
    });
    fs::write(&file, lines.collect::<String>()).unwrap();
    (server, file)
}

fn give_away(path: &Path) {
    let user = User::from_name(PASSWORD_USER).unwrap().unwrap();
    chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw())).unwrap();
}

/// A temporary directory that everybody may enter.
fn open_temporary() -> tempfile::TempDir {
    let dir = temporary();
    set_mode(dir.path(), 0o755);
    dir
}

/// Not before a copy, but under it.
#[test]
fn a_folder_that_is_closed_under_a_running_copy_costs_its_own_files_alone() {
    let (_server, config) = humble_server();
    let dir = open_temporary();
    set_mode(dir.path(), 0o777);
    for way in ["down", "here"] {
        let (tree, target) = (dir.path().join(way), dir.path().join(format!("{way}-target")));
        let big: Vec<u8> = (0..2_500_000u32).map(|at| (at % 251) as u8).collect();
        for name in ["", "closed", "open"] {
            fs::create_dir(tree.join(name)).unwrap();
            give_away(&tree.join(name));
        }
        fs::write(tree.join("big"), &big).unwrap();
        give_away(&tree.join("big"));
        for number in 0..5 {
            for name in ["closed", "open"] {
                let file = tree.join(format!("{name}/{number}"));
                fs::write(&file, "content").unwrap();
                give_away(&file);
            }
        }
        // One after the other: while the first is copied, the others are listed and wait.
        let source = if way == "down" { on("harness", &tree) } else { tree.clone().into_os_string() };
        let options = ["cp", "-r", "--jobs=1", "--limit=800k"].map(std::ffi::OsString::from);
        let arguments = options.into_iter().chain([source, target.clone().into_os_string()]);
        let mut running = start(match way {
            "down" => command(&config, arguments),
            _ => user_command(PASSWORD_USER, arguments),
        });
        running.until(|| target.join(".big.wharf-part").exists());
        set_mode(&tree.join("closed"), 0o000);
        let ran = running.wait().ends(1).says(&["closed"]);
        set_mode(&tree.join("closed"), 0o755);
        assert!(fs::read(target.join("big")).unwrap() == big, "{way}: {}", ran.stderr);
        for number in 0..5 {
            assert!(!target.join(format!("closed/{number}")).exists(), "{way}: {}", ran.stderr);
            assert_eq!(fs::read(target.join(format!("open/{number}"))).unwrap(), b"content", "{way}");
        }
        assert_no_strays(&target);
    }
}

#[test]
fn one_bad_item_never_stops_the_batch() {
    let (_server, config) = humble_server();
    let dir = open_temporary();
    let tree = make(dir.path(), "tree");
    for name in ["1", "2", "closed", "y", "z"] {
        fs::write(tree.join(name), name).unwrap();
    }
    let cellar = make(&tree, "cellar");
    fs::write(cellar.join("deep"), "deep").unwrap();
    mkfifo(&tree.join("pipe"), Mode::from_bits_truncate(0o644)).unwrap();
    set_mode(&tree.join("closed"), 0o000);
    set_mode(&cellar, 0o000);
    let expect = |target: &Path| {
        for name in ["1", "2", "y", "z"] {
            assert_eq!(fs::read_to_string(target.join(name)).unwrap(), name);
        }
        for name in ["closed", "pipe", "cellar/deep"] {
            assert!(!target.join(name).exists(), "{name}");
        }
        assert_no_strays(dir.path());
    };
    let named = ["tree/closed", "tree/cellar", "tree/pipe"];

    let down = dir.path().join("down");
    let ran = wharf(&config, ["cp".into(), "-r".into(), on("harness", &tree), down.clone().into()]).ends(1);
    assert_eq!(ran.stderr.lines().count(), 3, "{}", ran.stderr);
    ran.says(&named).says(&["SSH_FX_PERMISSION_DENIED", "a device, a socket or a pipe"]);
    expect(&down);

    let yard = make(dir.path(), "yard");
    give_away(&yard);
    let here = yard.join("here");
    let ran = as_user(PASSWORD_USER, ["cp".into(), "-r".into(), tree.into_os_string(), here.clone().into()]);
    assert_eq!(ran.stderr.lines().count(), 3, "{}", ran.stderr);
    ran.ends(1).says(&named).says(&["ermission denied"]);
    expect(&here);
}

#[test]
fn a_missing_source_does_not_stop_the_others() {
    let server = Sshd::start(SshdConfig::default());
    let dir = temporary();
    fs::write(dir.path().join("a"), "a").unwrap();
    let target = make(dir.path(), "target");
    let missing = dir.path().join("missing");
    let arguments =
        ["cp".into(), missing.into(), dir.path().join("a").into(), on("harness", &target)] as [OsString; 4];
    wharf(&server.ssh_config(), arguments).ends(1).says(&["/missing"]);
    assert_eq!(fs::read(target.join("a")).unwrap(), b"a");
    let gone = on("harness", Path::new("/no such/file"));
    wharf(&server.ssh_config(), ["cp".into(), gone, target.into()])
        .ends(1)
        .says(&["/no such/file", "SSH_FX_NO_SUCH_FILE"]);
}

#[test]
fn a_directory_that_takes_nothing_new_is_told_for_every_file() {
    let (_server, config) = humble_server();
    let dir = open_temporary();
    let tree = make(dir.path(), "tree");
    for name in ["1", "2", "mine"] {
        fs::write(tree.join(name), format!("new {name}")).unwrap();
    }
    let shut = make(dir.path(), "shut");
    fs::write(shut.join("mine"), "old mine").unwrap();
    give_away(&shut.join("mine"));
    give_away(&shut);
    set_mode(&shut, 0o555);
    let cp = |arguments: &[&str]| {
        let mut all: Vec<OsString> = vec!["cp".into()];
        all.extend(arguments.iter().map(OsString::from));
        all.extend(["1", "2", "mine"].map(|name| tree.join(name).into()));
        all
    };
    for (way, target) in [("up", on("harness", &shut)), ("here", shut.clone().into())] {
        println!("{way}");
        fs::write(shut.join("mine"), "old mine").unwrap();
        set_time(&shut.join("mine"), 1_600_000_000, 0);
        let run = |mut arguments: Vec<OsString>| {
            arguments.push(target.clone());
            if way == "up" { wharf(&config, arguments) } else { as_user(PASSWORD_USER, arguments) }
        };
        let ran = run(cp(&[])).ends(1);
        assert_eq!(ran.stderr.lines().count(), 3, "{}", ran.stderr);
        assert_eq!(fs::read(shut.join("mine")).unwrap(), b"old mine");
        // What is there and may be written can only be written in place, and that is told.
        let ran = run(cp(&["--on-conflict", "overwrite"])).ends(1);
        assert!(!ran.stderr.contains("wharf-part"), "{}", ran.stderr);
        ran.says(&["Could not write", "shut/1", "shut/2", "shut/mine", "written in place"]);
        assert_eq!(fs::read(shut.join("mine")).unwrap(), b"new mine");
        assert_eq!(fs::read_dir(&shut).unwrap().count(), 1);
    }
}

/// A file system of its own, unmounted with this.
struct Disk(PathBuf);

impl Disk {
    fn full(dir: PathBuf) -> Disk {
        fs::create_dir(&dir).unwrap();
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=2m", "wharf-test"]).arg(&dir).output();
        let mount = mount.expect("mount(8)");
        assert!(
            mount.status.success(),
            "a full disk needs a tmpfs, and mounting one needs root with CAP_SYS_ADMIN: {}",
            String::from_utf8_lossy(&mount.stderr)
        );
        let disk = Disk(dir);
        fs::write(disk.0.join("old"), "old").unwrap();
        fs::write(disk.0.join("old big"), "old").unwrap();
        // Writes until the system says no.
        let mut filler = File::create(disk.0.join("filler")).unwrap();
        while std::io::Write::write_all(&mut filler, &[1; 4096]).is_ok() {}
        disk
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_leaves_what_was_there_and_nothing_else() {
    let server = Sshd::start(SshdConfig::default());
    let dir = temporary();
    let source = make(dir.path(), "source");
    for (name, len) in
        [("small", 100), ("middling", 300 << 10), ("big", 9 << 20), ("old", 50 << 10), ("old big", 5 << 20)]
    {
        fs::write(source.join(name), bytes(len, 1)).unwrap();
    }
    fs::write(source.join("empty"), "").unwrap();
    for (number, up) in [true, false].into_iter().enumerate() {
        println!("up: {up}");
        let disk = Disk::full(dir.path().join(number.to_string()));
        let (from, to) = match up {
            true => (source.clone().into_os_string(), on("harness", &disk.0)),
            false => (on("harness", &source), disk.0.clone().into()),
        };
        let mut arguments: Vec<OsString> = vec!["cp".into(), "--on-conflict".into(), "overwrite".into()];
        for name in ["small", "middling", "big", "old", "old big", "empty"] {
            let mut place = into(&from);
            place.push(name);
            arguments.push(place);
        }
        arguments.push(to);
        let ran = wharf(&server.ssh_config(), arguments).ends(1);
        assert_eq!(ran.stderr.lines().count(), 5, "{}", ran.stderr);
        let names = ["small", "middling", "big", "old", "old big"];
        let ran = names.iter().fold(ran, |ran, name| ran.says(&[&format!("/{name}")]));
        ran.says(&[if up { "disk or a quota is full" } else { "No space left on device" }]);
        let mut left: Vec<_> =
            fs::read_dir(&disk.0).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["empty", "filler", "old", "old big"]);
        assert_eq!(fs::read(disk.0.join("old")).unwrap(), b"old");
        assert_eq!(fs::read(disk.0.join("old big")).unwrap(), b"old");
    }
}

/// A file that takes longer to copy than any test waits, but no room.
fn endless(path: &Path) {
    File::create(path).unwrap().set_len(64 << 30).unwrap();
}

/// The same for this machine, which copies holes at once: its blocks are there, and nothing was
/// written to them.
fn endless_here(path: &Path) {
    let file = File::create(path).unwrap();
    nix::fcntl::posix_fallocate(file, 0, 8 << 30).unwrap();
}

fn has_begun(target: &Path) -> bool {
    strays(target).iter().any(|part| fs::metadata(part).is_ok_and(|m| m.len() > 1 << 20))
}

#[test]
fn an_interrupted_copy_leaves_the_old_file_and_no_other() {
    let (one, two) = (Sshd::start(SshdConfig::default()), Sshd::start(SshdConfig::default()));
    let config = config_for(&[("one", &one), ("two", &two)]);
    let dir = temporary();
    let source = make(dir.path(), "source");
    endless(&source.join("big"));
    fs::write(source.join("small"), "small").unwrap();
    for (number, (from, to)) in
        [(None, Some("one")), (Some("one"), None), (Some("one"), Some("two")), (None, None)]
            .into_iter()
            .enumerate()
    {
        println!("{from:?} to {to:?}");
        let target = make(dir.path(), &number.to_string());
        fs::write(target.join("big"), "old").unwrap();
        if from == to {
            endless_here(&source.join("big"));
        }
        let place = |host: Option<&str>, path: &Path| host.map_or(path.into(), |host| on(host, path));
        let mut arguments: Vec<OsString> = vec!["cp".into(), "--on-conflict".into(), "overwrite".into()];
        arguments.extend(["big", "small"].map(|name| place(from, &source.join(name))));
        arguments.push(place(to, &target));
        let signal = if number % 2 == 0 { Signal::SIGINT } else { Signal::SIGTERM };
        let mut running = start(command(&config, arguments));
        running.until(|| has_begun(&target));
        let since = Instant::now();
        running.signal(signal);
        let ran = running.wait();
        assert!(since.elapsed() < Duration::from_secs(10), "it took {:?} to end", since.elapsed());
        let ran = ran.ends(5);
        assert_eq!(fs::read(target.join("big")).unwrap(), b"old");
        // What it has left can be gone on with, or forgotten.
        let (_, job) = ran.stderr.split_once("wharf jobs discard ").expect("what to do");
        let job = job.split(['`', ' ']).next().expect("its number").to_owned();
        wharf(&config, ["jobs".into(), "discard".into(), OsString::from(job)]).ends(0);
        assert_no_strays(dir.path());
    }
}

#[test]
fn after_a_kill_the_next_copy_clears_up() {
    let server = Sshd::start(SshdConfig::default());
    let dir = temporary();
    let (source, target) = (dir.path().join("big"), make(dir.path(), "target"));
    fs::write(target.join("big"), "old").unwrap();
    for (to, make_endless) in
        [(on("harness", &target), endless as fn(&Path)), (target.clone().into(), endless_here)]
    {
        make_endless(&source);
        fs::write(target.join("big"), "old").unwrap();
        let arguments = ["cp".into(), "--on-conflict=overwrite".into(), source.clone().into(), to];
        let mut running = start(command(&server.ssh_config(), &arguments));
        running.until(|| has_begun(&target));
        running.signal(Signal::SIGKILL);
        assert_eq!(running.wait().code, None);
        assert_eq!(fs::read(target.join("big")).unwrap(), b"old");
        assert_eq!(strays(&target).len(), 1);
        fs::write(&source, "small by now").unwrap();
        wharf(&server.ssh_config(), &arguments).ends(0).silently();
        assert_eq!(fs::read(target.join("big")).unwrap(), b"small by now");
        assert_no_strays(dir.path());
    }
}

#[test]
fn a_directory_is_not_copied_into_itself() {
    let server = Sshd::start(SshdConfig::default());
    let dir = temporary();
    let tree = make(dir.path(), "tree");
    make(&tree, "inner");
    fs::write(tree.join("file"), "x").unwrap();
    let other = make(dir.path(), "other");
    symlink(&tree, other.join("back")).unwrap();
    fs::write(dir.path().join("single"), "single").unwrap();
    let before = untouched(dir.path());
    let places: [fn(&Path) -> OsString; 2] = [|path| path.into(), |path| on("harness", path)];
    for place in places {
        let cp = |from: &Path, to: &Path| {
            let arguments = ["cp".into(), "-r".into(), place(from), place(to)];
            wharf(&server.ssh_config(), arguments).ends(1)
        };
        for to in [
            tree.clone(),
            tree.join("inner"),
            tree.join("new"),
            other.join("back"),
            other.join("back/inner/x"),
        ] {
            cp(&tree, &to).says(&["into itself", "Choose a target outside"]);
        }
        // To where it is already.
        cp(&tree, dir.path()).says(&["tree"]);
        cp(&dir.path().join("single"), dir.path()).says(&["same file"]);
    }
    assert!(before == untouched(dir.path()), "something was written");
}

#[test]
fn a_server_that_dies_ends_the_copy_at_once() {
    let (one, mut two) = (Sshd::start(SshdConfig::default()), Sshd::start(SshdConfig::default()));
    let config = config_for(&[("one", &one), ("two", &two)]);
    let dir = temporary();
    let source = make(dir.path(), "source");
    endless(&source.join("big"));
    fs::write(source.join("small"), "small").unwrap();
    let cases = [
        ("to the server", None, Some("one")),
        ("from the server", Some("one"), None),
        ("between", Some("one"), Some("two")),
    ];
    for (case, from, to) in cases {
        println!("{case}");
        let target = make(dir.path(), case);
        fs::write(target.join("big"), "old").unwrap();
        let place = |host: Option<&str>, path: &Path| host.map_or(path.into(), |host| on(host, path));
        let run = || {
            let mut arguments: Vec<OsString> =
                vec!["cp".into(), "-r".into(), "--retries=0".into(), "--on-conflict=overwrite".into()];
            arguments.extend(["big", "small"].map(|name| place(from, &source.join(name))));
            arguments.push(place(to, &target));
            command(&config, arguments)
        };
        let mut running = start(run());
        running.until(|| has_begun(&target));
        let since = Instant::now();
        one.cut_sessions();
        running.wait().ends(5).says(&["sftp://one", "wharf jobs resume"]);
        assert!(since.elapsed() < Duration::from_secs(10), "it took {:?} to end", since.elapsed());
        assert_eq!(fs::read(target.join("big")).unwrap(), b"old");
        // The same once more takes over what the first has left, or clears it away.
        fs::write(source.join("big"), "small by now").unwrap();
        start(run()).wait().ends(0).silently();
        assert_eq!(fs::read(target.join("big")).unwrap(), b"small by now");
        assert_no_strays(&target);
        endless(&source.join("big"));
    }
    // Gone for good before anything began.
    two.stop();
    let arguments = ["cp".into(), "-r".into(), source.into(), on("two", dir.path())];
    wharf(&config, arguments).ends(3).says(&["Could not connect to sftp://two", "refused"]);
}

/// Times that SFTP version 3 cannot carry must not come out as others.
#[test]
fn a_time_before_1970_is_left_out_rather_than_bent() {
    let server = Sshd::start(SshdConfig::default());
    let dir = temporary();
    let file = dir.path().join("old");
    fs::write(&file, "x").unwrap();
    let status = Command::new("touch").args(["-d", "1950-06-01"]).arg(&file).status().unwrap();
    assert!(status.success());
    let copy = dir.path().join("copy");
    wharf(&server.ssh_config(), ["cp".into(), file.clone().into(), on("harness", &copy)]).ends(0);
    assert!(fs::metadata(&copy).unwrap().mtime() > 1_700_000_000);
    let here = dir.path().join("here");
    wharf(&server.ssh_config(), ["cp", file.to_str().unwrap(), here.to_str().unwrap()]).ends(0);
    assert_eq!(fs::metadata(&here).unwrap().mtime(), fs::metadata(&file).unwrap().mtime());
    set_time(&file, 0, 0);
}

/// What a server calls set-user-ID would run as whoever fetched it.
#[test]
fn set_id_bits_stay_behind() {
    let server = Sshd::start(SshdConfig::default());
    let dir = temporary();
    let tree = make(dir.path(), "tree");
    fs::write(tree.join("program"), "x").unwrap();
    set_mode(&tree.join("program"), 0o6755);
    set_mode(&tree, 0o3775);
    let (up, down) = (dir.path().join("up"), dir.path().join("down"));
    wharf(&server.ssh_config(), ["cp".into(), "-r".into(), tree.clone().into(), on("harness", &up)]).ends(0);
    wharf(&server.ssh_config(), ["cp".into(), "-r".into(), on("harness", &tree), down.clone().into()])
        .ends(0);
    for copy in [up, down] {
        assert_eq!(fs::metadata(copy.join("program")).unwrap().mode() & 0o7777, 0o755);
        assert_eq!(fs::metadata(&copy).unwrap().mode() & 0o7777, 0o1775);
    }
}
