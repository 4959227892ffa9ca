//! `wharf` against proftpd's mod_sftp, an SSH and SFTP server that shares no code with OpenSSH's:
//! what it does otherwise must not show. What every server must do is in `contract.rs`.

#[path = "interop/tree.rs"]
mod tree;

mod support;

use std::{
    ffi::OsString,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use support::{
    PASSWORD, SshServer, Sshd, SshdConfig,
    mod_sftp::{ModSftp, ModSftpConfig},
    program::{config_for, into, on, wharf},
};
use tree::{Alike, assert_alike, assert_no_strays, build, bytes, untouched};

fn temporary() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("wharf-mod-sftp-").tempdir().expect("a temporary directory")
}

fn make(parent: &Path, name: &str) -> PathBuf {
    let dir = parent.join(name);
    fs::create_dir(&dir).expect("a directory");
    dir
}

fn cp(from: OsString, to: OsString) -> [OsString; 4] {
    ["cp".into(), "-r".into(), from, to]
}

/// mod_sftp ends the connection when it is asked to run a command.
#[test]
fn a_checksum_is_computed_here_and_the_connection_stays() {
    let server = ModSftp::start(ModSftpConfig::default());
    let config = config_for(&[("one", &server)]);
    let file = server.root().join("file");
    fs::write(&file, "content").expect("a file");
    let summed = wharf(&config, ["sum".into(), on("one", &file), on("one", &file)]).ends(0);
    assert!(!server.log().contains("'exec' channel request"), "{}", server.log());
    let sum = "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73";
    assert_eq!(summed.text().matches(sum).count(), 2, "{}", summed.text());
    summed.says(&["read and computed here"]);
}

#[test]
fn a_rich_tree_arrives_whole_on_every_way() {
    let (one, two) = (ModSftp::start(ModSftpConfig::default()), Sshd::start(SshdConfig::default()));
    let config = config_for(&[("one", &one), ("two", &two)]);
    let dir = temporary();
    let tree = dir.path().join("tree");
    build(&tree);
    let mut source: OsString = tree.clone().into();
    // Each way starts where the one before has arrived.
    for (way, host) in [
        ("local to mod_sftp", Some("one")),
        ("mod_sftp to itself", Some("one")),
        ("mod_sftp to OpenSSH", Some("two")),
        ("OpenSSH to mod_sftp", Some("one")),
        ("mod_sftp to local", None),
    ] {
        println!("{way}");
        let target = make(dir.path(), way);
        let place = host.map_or(target.clone().into(), |host| on(host, &target));
        wharf(&config, cp(source.clone(), into(&place))).ends(0).silently();
        let arrived = target.join("tree");
        assert_alike(&tree, &arrived, Alike::Seconds);
        assert_no_strays(dir.path());
        let before = untouched(&arrived);
        wharf(&config, cp(source, into(&place))).ends(0).silently();
        assert!(before == untouched(&arrived), "a second run wrote something: {way}");
        source = host.map_or(arrived.clone().into(), |host| on(host, &arrived));
    }
}

/// Its RMDIR and LSTAT follow a link to what it leads to.
#[test]
fn removing_a_link_spares_what_it_leads_to() {
    let server = ModSftp::start(ModSftpConfig::default());
    let root = server.root();
    let dir = make(&root, "dir");
    fs::write(dir.join("precious"), "precious").unwrap();
    make(&root, "empty");
    let tree = make(&root, "tree");
    for place in [&root, &tree] {
        symlink(&dir, place.join("to dir")).unwrap();
        symlink(root.join("empty"), place.join("to empty")).unwrap();
        symlink(dir.join("precious"), place.join("to file")).unwrap();
        symlink("nowhere", place.join("dangling")).unwrap();
    }
    let mut arguments: Vec<OsString> = vec!["rm".into(), "-r".into()];
    for name in ["to dir", "to empty", "to file", "dangling", "tree"] {
        arguments.push(on("harness", &root.join(name)));
    }
    wharf(&server.ssh_config(), arguments).ends(0).silently();
    let mut left: Vec<_> = fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["dir", "empty"]);
    assert_eq!(fs::read(dir.join("precious")).unwrap(), b"precious");
}

/// Its READLINK tells where a relative link leads, not what it holds.
#[test]
fn relative_links_stay_relative() {
    let server = ModSftp::start(ModSftpConfig::default());
    let root = server.root();
    let tree = make(&root, "tree");
    make(&tree, "inner");
    let texts = [
        "file",
        "inner/file",
        "../other",
        "../../../beyond",
        ".",
        "..",
        "./dotted",
        "inner/",
        "/etc/hostname",
    ];
    for (number, text) in texts.iter().enumerate() {
        symlink(text, tree.join(number.to_string())).unwrap();
    }
    let target = temporary();
    wharf(&server.ssh_config(), cp(on("harness", &tree), into(target.path()))).ends(0).silently();
    let mut single: Vec<OsString> = vec!["cp".into()];
    for (number, text) in texts.iter().enumerate() {
        let copied = fs::read_link(target.path().join("tree").join(number.to_string())).unwrap();
        assert_eq!(copied.as_os_str(), *text);
        single.push(on("harness", &tree.join(number.to_string())));
    }
    single.push(into(target.path()));
    wharf(&server.ssh_config(), single).ends(0).silently();
    for (number, text) in texts.iter().enumerate() {
        assert_eq!(fs::read_link(target.path().join(number.to_string())).unwrap().as_os_str(), *text);
    }
}

#[test]
fn moving_takes_links_and_what_was_copied() {
    let server = ModSftp::start(ModSftpConfig::default());
    let tree = make(&server.root(), "tree");
    fs::write(server.root().join("stays"), "stays").unwrap();
    fs::write(tree.join("file"), "file").unwrap();
    symlink("file", tree.join("link")).unwrap();
    symlink("../stays", tree.join("out")).unwrap();
    symlink("nowhere", tree.join("dangling")).unwrap();
    let here = temporary();
    let config = server.ssh_config();
    // Between places it is a copy and a removal, within one a rename.
    wharf(&config, ["mv".into(), on("harness", &tree), into(here.path())]).ends(0).silently();
    assert!(!tree.exists());
    let moved = here.path().join("tree");
    assert_eq!(fs::read_link(moved.join("out")).unwrap(), Path::new("../stays"));
    wharf(&config, ["mv".into(), moved.into(), on("harness", &tree)]).ends(0).silently();
    let again = server.root().join("again");
    let link = |dir: &Path| on("harness", &dir.join("link"));
    wharf(&config, ["mv".into(), on("harness", &tree), on("harness", &again)]).ends(0).silently();
    wharf(&config, ["mv".into(), link(&again), on("harness", &again.join("renamed"))]).ends(0).silently();
    assert_eq!(fs::read_link(again.join("renamed")).unwrap(), Path::new("file"));
    assert_eq!(fs::read(again.join("file")).unwrap(), b"file");
    assert_eq!(fs::read(server.root().join("stays")).unwrap(), b"stays");
}

/// New keys every second or every mebibyte, in the middle of both ways.
#[test]
fn transfers_go_on_across_new_keys() {
    let extra = vec!["SFTPRekey required 1 1".to_owned()];
    let server = ModSftp::start(ModSftpConfig { extra });
    let here = temporary();
    let file = here.path().join("file");
    fs::write(&file, bytes(40 << 20, 3)).unwrap();
    let config = server.ssh_config();
    let there = server.root().join("file");
    wharf(&config, cp(file.clone().into(), on("harness", &there))).ends(0).silently();
    wharf(&config, cp(on("harness", &there), here.path().join("back").into())).ends(0).silently();
    for copy in [there, here.path().join("back")] {
        assert!(fs::read(copy).unwrap() == fs::read(&file).unwrap());
    }
    let keys = server.log().matches("NEWKEYS").count();
    assert!(keys > 4, "only {keys} exchanges of keys:\n{}", server.log());
}

/// A second channel at work during a write makes it die or hang.
#[test]
fn small_files_beside_a_big_one_do_not_end_the_session() {
    let server = ModSftp::start(ModSftpConfig::default());
    let dir = temporary();
    let tree = make(dir.path(), "tree");
    fs::write(tree.join("big"), bytes(48 << 20, 9)).unwrap();
    for number in 0..20u64 {
        fs::write(tree.join(number.to_string()), bytes(number * 100, number)).unwrap();
    }
    for round in 0..3 {
        let target = server.root().join(round.to_string());
        wharf(&server.ssh_config(), cp(tree.clone().into(), on("harness", &target))).ends(0).silently();
        assert_alike(&tree, &target, Alike::Seconds);
    }
}

/// It does not read while it writes: neither side may do so.
#[test]
fn a_big_file_copied_within_the_server_does_not_get_stuck() {
    let server = ModSftp::start(ModSftpConfig::default());
    let (from, to) = (server.root().join("from"), server.root().join("to"));
    fs::write(&from, bytes(64 << 20, 5)).unwrap();
    wharf(&server.ssh_config(), cp(on("harness", &from), on("harness", &to))).ends(0).silently();
    assert!(fs::read(to).unwrap() == fs::read(from).unwrap());
}

#[test]
fn replacing_a_link_spares_what_it_leads_to() {
    let server = ModSftp::start(ModSftpConfig::default());
    let (root, here) = (server.root(), temporary());
    fs::write(root.join("precious"), "precious").unwrap();
    fs::write(here.path().join("new"), "new").unwrap();
    for (name, leads) in [("link", "precious"), ("dangling", "nowhere")] {
        symlink(leads, root.join(name)).unwrap();
        let arguments: [OsString; 5] = [
            "cp".into(),
            "--on-conflict".into(),
            "overwrite".into(),
            here.path().join("new").into(),
            on("harness", &root.join(name)),
        ];
        wharf(&server.ssh_config(), arguments).ends(0).silently();
        assert!(!root.join(name).is_symlink());
        assert_eq!(fs::read(root.join(name)).unwrap(), b"new");
    }
    assert_eq!(fs::read(root.join("precious")).unwrap(), b"precious");
    assert!(!root.join("nowhere").exists());
}

#[test]
fn six_hundred_small_files_at_once() {
    let server = ModSftp::start(ModSftpConfig::default());
    let dir = temporary();
    let tree = make(dir.path(), "tree");
    for number in 0..600u64 {
        fs::write(tree.join(format!("{number}")), bytes(number * 7 % 3000, number)).unwrap();
    }
    let (up, down) = (dir.path().join("up"), dir.path().join("down"));
    wharf(&server.ssh_config(), cp(tree.clone().into(), on("harness", &up))).ends(0).silently();
    wharf(&server.ssh_config(), cp(on("harness", &up), down.clone().into())).ends(0).silently();
    for arrived in [up, down] {
        assert_alike(&tree, &arrived, Alike::Seconds);
    }
    assert_no_strays(dir.path());
}

#[test]
fn host_keys_are_judged_as_elsewhere() {
    let mut server = ModSftp::start(ModSftpConfig::default());
    let list = [OsString::from("ls"), on("harness", &server.root())];
    wharf(&server.ssh_config(), &list).ends(0);
    let known = fs::read(server.known_hosts()).unwrap();
    fs::write(server.known_hosts(), "").unwrap();
    wharf(&server.ssh_config(), &list).ends(4);
    assert_eq!(fs::read(server.known_hosts()).unwrap(), b"", "nobody has said yes");
    fs::write(server.known_hosts(), known).unwrap();
    server.restart_with_new_host_key();
    wharf(&server.ssh_config(), &list).ends(4).says(&["CHANGED"]);
}

#[test]
fn a_password_logs_in_and_a_wrong_one_does_not() {
    let server = ModSftp::start(ModSftpConfig::default());
    fs::write(server.root().join("file"), "").unwrap();
    let ls = |password: &str| {
        let place = format!("sftp://{}:{password}@127.0.0.1:{}/", server.user(), server.port());
        let place = format!("{place}{}", server.root().display().to_string().trim_start_matches('/'));
        let known_hosts = server.known_hosts().into_os_string();
        wharf(Path::new("none"), ["--known-hosts".into(), known_hosts, "ls".into(), place.into()])
    };
    assert_eq!(ls(&PASSWORD.replace(' ', "%20")).ends(0).lines(), ["file"]);
    ls("wrong").ends(3);
}

#[test]
fn what_fails_says_why() {
    let server = ModSftp::start(ModSftpConfig::default());
    let config = server.ssh_config();
    let missing = on("harness", Path::new("/no such/file"));
    wharf(&config, cp(missing, "here".into())).ends(1).says(&["/no such/file", "SSH_FX_NO_SUCH_FILE"]);
    let dir = make(&server.root(), "dir");
    fs::write(dir.join("file"), "").unwrap();
    wharf(&config, ["rm".into(), on("harness", &dir)]).ends(1).says(&["dir"]);
    assert!(dir.join("file").exists());
}

#[test]
fn a_server_that_goes_away_is_told() {
    let server = ModSftp::start(ModSftpConfig::default());
    let here = temporary();
    let big = server.root().join("big");
    // More than any machine reads before it is cut, and nothing on the disk.
    fs::File::create(&big).unwrap().set_len(8 << 30).unwrap();
    let target = here.path().join("big");
    let arguments = ["cp".into(), "--retries=0".into(), on("harness", &big), target.clone().into()];
    let mut running = support::program::start(support::program::command(&server.ssh_config(), arguments));
    running.until(|| server.log().contains("READ"));
    server.cut_sessions();
    let ran = running.wait();
    assert!(matches!(ran.code, Some(1 | 3 | 5)), "{ran:?}");
    assert!(!target.exists(), "half a file under the final name");
}
