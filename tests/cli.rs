//! The headless commands as scripts meet them: exit codes, sentences, listings; and servers that
//! are not what they should be.

mod support;

use std::{
    ffi::{OsStr, OsString},
    fs,
    io::Write,
    net::{Ipv4Addr, TcpListener},
    os::unix::{
        ffi::OsStrExt,
        fs::{PermissionsExt, symlink},
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use support::{
    PASSWORD, PASSWORD_USER, Sshd, SshdConfig, generate,
    program::{Ran, bare, command, on, start, wharf},
};

fn temporary() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("wharf-cli-").tempdir().expect("a temporary directory")
}

/// An ssh_config for whatever listens on a port of this machine; it trusts no key yet.
fn config_of(dir: &Path, port: u16, more: &str) -> PathBuf {
    let file = dir.join("config");
    let text = format!(
        "Host there\n HostName 127.0.0.1\n Port {port}\n{more}\nHost *\n IdentityAgent none\n IdentityFile none\n \
         UserKnownHostsFile {0}/known_hosts\n GlobalKnownHostsFile /dev/null\n",
        dir.display()
    );
    fs::write(&file, text).unwrap();
    file
}

fn ls(config: &Path, place: impl AsRef<OsStr>) -> Ran {
    wharf(config, [OsStr::new("ls"), place.as_ref()])
}

#[test]
fn what_cannot_be_understood_ends_with_2() {
    let none = Path::new("none");
    for place in ["sftp://h:0/", "gopher://h/x", "sftp://", "sftp://h/%zz", "", "a$(id):", "sftp://::1/"] {
        let ran = ls(none, place).ends(2).says(&["wharf: Could not make sense of"]);
        assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
        wharf(none, ["cp", "/etc/hostname", place]).ends(2);
    }
    for arguments in [
        &["cp", "one"][..],
        &["cp"],
        &["ls", "--no-such-option"],
        &["cp", "--on-conflict=x", "a", "b"],
        &["cp", "--jobs=0", "a", "b"],
        &["sync", "--jobs=65", "a", "b"],
        &["mv", "--jobs=many", "a", "b"],
    ] {
        wharf(none, arguments).ends(2).says(&["error:", "--help"]);
    }
    let dir = temporary();
    let broken = dir.path().join("config");
    fs::write(&broken, "Host *\n  NoSuchKeyword yes\n").unwrap();
    ls(&broken, "there:").ends(2).says(&[broken.to_str().unwrap(), "line 2", "nosuchkeyword", "-F none"]);
    ls(&dir.path().join("missing"), "there:").ends(2).says(&["missing"]);
    // Without a terminal there are no panes.
    start(bare()).wait().ends(2).says(&["terminal"]);
}

#[test]
fn a_host_without_address_or_listener_ends_with_3() {
    ls(Path::new("none"), "sftp://no-such-host.invalid/")
        .ends(3)
        .says(&["Could not look up the address of", "no-such-host.invalid"]);
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    ls(Path::new("none"), format!("sftp://127.0.0.1:{port}/")).ends(3).says(&[
        "Could not connect to",
        &format!("127.0.0.1:{port}"),
        "refused",
    ]);
    // Every place is reached before anything is copied.
    let dir = temporary();
    let target = dir.path().join("copy");
    wharf(Path::new("none"), ["cp", &format!("sftp://127.0.0.1:{port}/x"), target.to_str().unwrap()]).ends(3);
    assert!(!target.exists());
}

/// A server that accepts connections and does `then` with each.
fn listen(then: impl Fn(std::net::TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    // Ends with the process: it waits for connections that nobody makes any more.
    thread::spawn(move || listener.incoming().flatten().for_each(then));
    port
}

#[test]
fn what_is_no_ssh_server_is_called_so() {
    let dir = temporary();
    for answer in
        ["HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", "", "\0\x01\x02\n", "220 ftp ready\r\n"]
    {
        let port = listen(move |mut stream| {
            let _ = stream.write_all(answer.as_bytes());
        });
        let ran = ls(&config_of(dir.path(), port, ""), "there:").ends(3);
        ran.says(&["Could not connect to", "sftp://there"]);
    }
}

#[test]
fn a_server_that_says_nothing_is_given_up() {
    let dir = temporary();
    let (sender, held) = std::sync::mpsc::channel();
    let port = listen(move |stream| {
        let _ = sender.send(stream);
    });
    let since = Instant::now();
    ls(&config_of(dir.path(), port, " ConnectTimeout 1"), "there:").ends(3).says(&["sftp://there"]);
    assert!(since.elapsed() < Duration::from_secs(10), "{:?}", since.elapsed());
    drop(held);
}

#[test]
fn a_wrong_password_ends_with_3_and_is_never_shown() {
    let server = Sshd::start(SshdConfig { password_auth: true, ..SshdConfig::default() });
    let dir = temporary();
    let config = config_of(dir.path(), server.port(), "");
    let url = |password: &str| format!("sftp://{PASSWORD_USER}:{password}@127.0.0.1:{}/tmp", server.port());
    let run = |password: &str| wharf(&config, ["ls", "-v", "--accept-new", &url(password)]);
    let ran = run("s3cret-but-wrong").ends(3).says(&["Could not log in to", PASSWORD_USER, "process list"]);
    assert!(!ran.stderr.contains("s3cret"), "{}", ran.stderr);
    let ran = run(&PASSWORD.replace(' ', "%20")).ends(0).says(&["process list"]);
    assert!(!ran.stderr.contains(PASSWORD) && !ran.stderr.contains("correct"), "{}", ran.stderr);
    // None at all, and nobody to ask.
    wharf(&config, ["ls", "--accept-new", "there:"]).ends(3).says(&["Could not log in to sftp://there"]);
    // What cannot be parsed does not show it either.
    let ran = ls(&config, "sftp://u:s3cret@h:x/").ends(2);
    assert!(!ran.stderr.contains("s3cret"), "{}", ran.stderr);
}

#[test]
fn an_unknown_host_is_refused_or_remembered() {
    let server = Sshd::start(SshdConfig::default());
    let dir = temporary();
    let key = format!(" IdentityFile {}\n IdentitiesOnly yes", server.user_key().display());
    let config = config_of(dir.path(), server.port(), &key);
    let known = dir.path().join("new").join("known");
    let place = on("there", server.dir());
    let with = |more: &[&str]| {
        let mut arguments: Vec<OsString> = vec!["ls".into(), "--known-hosts".into(), known.clone().into()];
        arguments.extend(more.iter().map(OsString::from));
        arguments.push(place.clone());
        arguments
    };
    let print = fingerprint(&server);
    let ran = wharf(&config, with(&[])).ends(4);
    ran.says(&[
        "Could not trust the host key of sftp://there",
        &print,
        &format!("[127.0.0.1]:{}", server.port()),
    ]);
    // Without --batch there is still nobody to ask.
    let mut command = bare();
    command.arg("-F").arg(&config).args(with(&[]));
    start(command).wait().ends(4).says(&[&print]);
    assert!(!known.exists());

    wharf(&config, with(&["--accept-new"])).ends(0);
    let mode = fs::metadata(&known).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600, "{mode:o}");
    let text = fs::read_to_string(&known).unwrap();
    assert_eq!(text, format!("[127.0.0.1]:{} {}\n", server.port(), server.host_key("ed25519")));
    wharf(&config, with(&[])).ends(0);
    wharf(&config, with(&["--accept-new"])).ends(0);
    assert_eq!(fs::read_to_string(&known).unwrap(), text, "it is remembered once");
    assert!(!dir.path().join("known_hosts").exists(), "only the file that was given is written");
    let ssh = Command::new("sftp")
        .arg("-F")
        .arg(&config)
        .args(["-o", "StrictHostKeyChecking=yes", "-b", "/dev/null", "-o"])
        .arg(format!("UserKnownHostsFile={}", known.display()))
        .arg("there")
        .output()
        .unwrap();
    assert!(ssh.status.success(), "{}", String::from_utf8_lossy(&ssh.stderr));
}

fn fingerprint(server: &Sshd) -> String {
    let key = server.dir().join("host_ed25519.pub");
    let output = Command::new("ssh-keygen").arg("-lf").arg(key).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.split(' ').nth(1).unwrap().to_owned()
}

#[test]
fn a_changed_host_key_is_refused_whatever_is_asked() {
    let mut server = Sshd::start(SshdConfig::default());
    let config = server.ssh_config();
    let text = fs::read_to_string(server.known_hosts()).unwrap();
    let known = format!("# a comment\n\n{text}");
    fs::write(server.known_hosts(), &known).unwrap();
    let place = on("harness", server.dir());
    ls(&config, &place).ends(0);
    let old = fingerprint(&server);
    server.restart_with_new_host_key();
    let new = fingerprint(&server);
    let line = format!("{}:3", server.known_hosts().display());
    for more in [&[][..], &["--accept-new"]] {
        let mut arguments: Vec<&OsStr> = vec!["ls".as_ref(), &place];
        arguments.extend(more.iter().map(OsStr::new));
        let ran = wharf(&config, arguments).ends(4).says(&["CHANGED", &old, &new, &line]);
        assert!(ran.stdout.is_empty());
        let target = server.dir().join("never");
        let mut arguments = vec!["cp".into(), "/etc/hostname".into(), on("harness", &target)];
        arguments.extend(more.iter().map(OsString::from));
        wharf(&config, arguments).ends(4);
        assert!(!target.exists());
    }
    assert_eq!(fs::read_to_string(server.known_hosts()).unwrap(), known);
}

#[test]
fn an_identity_that_is_missing_or_foreign_is_named() {
    let server = Sshd::start(SshdConfig::default());
    let dir = temporary();
    let place = on("harness", server.dir());
    let run = |identity: &Path| {
        wharf(&server.ssh_config(), ["ls".as_ref(), "-i".as_ref(), identity.as_os_str(), &place])
    };
    let missing = dir.path().join("missing");
    let ran = run(&missing);
    assert!(ran.code.is_some_and(|code| code != 0), "{ran:?}");
    ran.says(&[missing.to_str().unwrap(), "No such file"]);
    let foreign = dir.path().join("foreign");
    generate(&foreign, "ed25519");
    // As with ssh, the keys of the configuration come behind those of the command line.
    run(&foreign).ends(0);
    let config = config_of(dir.path(), server.port(), "");
    let arguments: [&OsStr; 5] =
        ["ls".as_ref(), "--accept-new".as_ref(), "-i".as_ref(), foreign.as_ref(), "there:".as_ref()];
    wharf(&config, arguments).ends(3).says(&[foreign.to_str().unwrap(), "the server takes publickey"]);
    wharf(&config, ["ls".as_ref(), "-i".as_ref(), server.user_key().as_os_str(), "there:".as_ref()]).ends(0);
}

#[test]
fn a_login_without_sftp_is_told_from_a_lost_one() {
    let dir = temporary();
    let connect = |server: &Sshd, user: &str| {
        let more = format!(" User {user}\n IdentityFile {}", server.user_key().display());
        wharf(&config_of(dir.path(), server.port(), &more), ["ls", "--accept-new", "there:"])
    };
    // Creates the user whose shell is plain: root's own may be slow.
    let with = |line: &str| {
        let config = SshdConfig { password_auth: true, extra: vec![line.into()], ..SshdConfig::default() };
        Sshd::start(config)
    };
    let server = with("Subsystem sftp /bin/false");
    connect(&server, PASSWORD_USER).ends(3).says(&["Could not open a session on sftp://there"]);
    let server = with("Subsystem sftp /no/such/program");
    connect(&server, PASSWORD_USER).ends(3).says(&["Could not open a session on sftp://there", "127"]);
    let server = with("ForceCommand echo Welcome to the jungle; exec /usr/lib/openssh/sftp-server");
    connect(&server, PASSWORD_USER).ends(3).says(&["did not speak SFTP", "Welcome to the jungle"]);
    let server = with("ForceCommand exit 9");
    connect(&server, PASSWORD_USER).ends(3).says(&["SFTP program ended with 9"]);
    let server = with("AllowUsers nobody-else");
    connect(&server, PASSWORD_USER).ends(3).says(&["Could not log in"]);
}

#[test]
fn single_failures_end_with_1() {
    let server = Sshd::start(SshdConfig { password_auth: true, ..SshdConfig::default() });
    let dir = temporary();
    let place = |path: &str| on("harness", Path::new(path));
    ls(&server.ssh_config(), place("/no/such")).ends(1).says(&["/no/such", "SSH_FX_NO_SUCH_FILE"]);
    ls(&server.ssh_config(), "/no/such").ends(1).says(&["/no/such", "No such file"]);
    let config = config_of(
        dir.path(),
        server.port(),
        &format!(" User {PASSWORD_USER}\n IdentityFile {}", server.user_key().display()),
    );
    wharf(&config, ["ls", "--accept-new", "there:/root"])
        .ends(1)
        .says(&["Could not list /root on sftp://there", "SSH_FX_PERMISSION_DENIED"]);
    wharf(&config, ["cp", "/etc/hostname", "there:/root/x"]).ends(1).says(&["/root/x", "Permission denied"]);
    wharf(&config, ["cp", "/etc/hostname", "there:/x"]).ends(1).says(&["/x", "Permission denied"]);
    wharf(&config, ["cp", "there:/etc/shadow", "/tmp/wharf-never"]).ends(1).says(&["/etc/shadow"]);
    assert!(!Path::new("/tmp/wharf-never").exists());
}

/// A directory with one of each, dated.
fn sample(dir: &Path) -> PathBuf {
    let root = dir.join("sample");
    fs::create_dir_all(root.join("folder")).unwrap();
    fs::write(root.join("file 2"), "12345").unwrap();
    fs::write(root.join("file 10"), "").unwrap();
    fs::write(root.join(".hidden"), "").unwrap();
    fs::write(root.join(OsStr::from_bytes(b"odd\xff")), "odd").unwrap();
    symlink("file 2", root.join("link")).unwrap();
    fs::set_permissions(root.join("file 2"), fs::Permissions::from_mode(0o640)).unwrap();
    let time = std::time::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let file = fs::File::open(root.join("file 2")).unwrap();
    file.set_times(fs::FileTimes::new().set_modified(time)).unwrap();
    root
}

#[test]
fn listings_say_what_is_there() {
    let server = Sshd::start(SshdConfig::default());
    let config = server.ssh_config();
    let dir = temporary();
    let root = sample(dir.path());
    for place in [root.clone().into_os_string(), on("harness", &root)] {
        println!("{place:?}");
        let run = |more: &[&str]| {
            let mut arguments: Vec<&OsStr> = vec!["ls".as_ref(), &place];
            arguments.extend(more.iter().map(OsStr::new));
            let ran = wharf(&config, arguments).ends(0);
            assert!(ran.stderr.is_empty(), "{}", ran.stderr);
            ran
        };
        assert_eq!(run(&[]).stdout, b"file 2\nfile 10\nfolder\nlink\nodd\xff\n");
        assert_eq!(run(&["-a"]).lines().len(), 6);
        assert_eq!(run(&["-a"]).lines().iter().filter(|line| *line == ".hidden").count(), 1);

        let long = run(&["-l"]).lines();
        assert_eq!(long.len(), 5);
        let words: Vec<&str> = long[0].split_whitespace().collect();
        assert_eq!(words[..4], ["-rw-r-----", &server.user(), &server.user(), "5"], "{}", long[0]);
        assert!(long[0].ends_with(" file 2") && long[0].contains("2023"), "{}", long[0]);
        assert!(long[2].starts_with('d') && long[3].starts_with('l'), "{long:?}");

        let objects: Vec<Value> =
            run(&["--json", "-a"]).lines().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(objects.len(), 6);
        let find = |name: &str| objects.iter().find(|object| object["name"] == name).unwrap();
        let file = find("file 2");
        assert_eq!(
            (&file["kind"], &file["size"], &file["mode"]),
            (&"file".into(), &5.into(), &"0640".into())
        );
        assert_eq!(file["mtime"], "2023-11-14T22:13:20Z");
        assert_eq!(
            (file["owner"].as_str(), file["group"].as_str()),
            (Some(&*server.user()), Some(&*server.user()))
        );
        assert!(file.get("target").is_some_and(Value::is_null) && file.get("name_hex").is_none());
        assert_eq!(find("folder")["kind"], "dir");
        assert_eq!(find("link")["kind"], "symlink");
        assert_eq!(find("odd\u{fffd}")["name_hex"], "6f6464ff");
    }
}

#[test]
fn one_thing_is_listed_as_itself() {
    let server = Sshd::start(SshdConfig::default());
    let config = server.ssh_config();
    let dir = temporary();
    let root = sample(dir.path());
    fs::create_dir(root.join("folder/inside")).unwrap();
    symlink("nowhere", root.join("dangling")).unwrap();
    symlink("folder", root.join("to folder")).unwrap();
    let places: [fn(&Path) -> OsString; 2] = [|path| path.into(), |path| on("harness", path)];
    for place in places {
        let list = |name: &str| ls(&config, place(&root.join(name))).ends(0).text();
        assert_eq!(list("file 2"), "file 2\n");
        assert_eq!(list(".hidden"), ".hidden\n");
        assert_eq!(list("dangling"), "dangling\n");
        assert_eq!(list("link"), "link\n");
        assert_eq!(list("to folder"), "inside\n");
        ls(&config, place(&root.join("folder/inside"))).ends(0).silently();
        let mut arguments = vec!["ls".into(), "--json".into(), place(&root.join("link"))];
        let json: Value = serde_json::from_str(&wharf(&config, &arguments).ends(0).text()).unwrap();
        assert_eq!((&json["kind"], &json["target"]), (&"symlink".into(), &"file 2".into()));
        arguments[1] = "-l".into();
        assert!(wharf(&config, &arguments).ends(0).text().ends_with("link -> file 2\n"));
        for name in ["missing", "file 2/below"] {
            ls(&config, place(&root.join(name))).ends(1).says(&[name]);
        }
    }
    // No place is this directory, no path is the login directory.
    let mut here = command(&config, ["ls"]);
    here.current_dir(root.join("folder"));
    assert_eq!(start(here).wait().ends(0).text(), "inside\n");
    let home = nix::unistd::User::from_name(&server.user()).unwrap().unwrap().dir;
    let (with, without) = (ls(&config, on("harness", &home)).ends(0), ls(&config, "harness:").ends(0));
    assert_eq!(with.stdout, without.stdout);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let dir = temporary();
    for number in 0..5000 {
        fs::write(
            dir.path().join(format!("a rather long name, so that no pipe holds them all {number}")),
            "",
        )
        .unwrap();
    }
    let program = env!("CARGO_BIN_EXE_wharf");
    for more in ["", "-l", "--json"] {
        let script = format!("set -o pipefail; {program} ls {more} {} | head -1", dir.path().display());
        let output = Command::new("bash").args(["-c", &script]).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        assert_eq!(output.stdout.iter().filter(|byte| **byte == b'\n').count(), 1);
    }
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = bare();
    command.arg("ls").arg(dir.path()).stdout(full).stderr(Stdio::piped());
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("No space left"), "{output:?}");
}

/// What --help names, this file and its neighbours use. A new line belongs here with its test.
#[test]
fn help_lists_what_there_is_and_no_more() {
    let listed = |arguments: &[&str]| -> Vec<String> {
        let ran = wharf(Path::new("none"), arguments).ends(0);
        let options = ran.lines().into_iter().filter_map(|line| {
            let line = line.trim_start();
            line.starts_with('-').then(|| line.split("  ").next().unwrap().to_owned())
        });
        options.collect()
    };
    let common = [
        "-F, --ssh-config <FILE>",
        "-i, --identity <FILE>",
        "--known-hosts <FILE>",
        "--accept-new",
        "--batch",
        "--log <FILE>",
        "--tls-ca <FILE>",
        "--ftp-active",
        "--ftp-passive",
        "--ftp-ports <FIRST-LAST>",
        "--ftp-address <ADDRESS>",
        "--ftp-charset <CHARSET>",
        "--ftp-tls13",
        "--connections <N>",
        "-q, --quiet",
        "-v, --verbose",
        "-h, --help",
    ];
    let with = |own: &[&str]| {
        let mut all: Vec<String> = own.iter().chain(&common).map(|s| s.to_string()).collect();
        all.sort();
        all
    };
    let sorted = |mut list: Vec<String>| {
        list.sort();
        list
    };
    assert_eq!(sorted(listed(&["-h"])), with(&["-V, --version", "--workspace <NAME>"]));
    assert_eq!(
        sorted(listed(&["cp", "-h"])),
        with(&[
            "-r, --recursive",
            "--on-conflict <POLICY>",
            "--retries <N>",
            "--no-preserve",
            "--verify",
            "-L, --follow",
            "--limit <RATE>",
            "--jobs <N>",
            "-n, --dry-run",
            "--json"
        ])
    );
    assert_eq!(sorted(listed(&["ls", "-h"])), with(&["-l", "-a, --all", "-R, --recursive", "--json"]));
    let text = wharf(Path::new("none"), ["--help"]).ends(0).text();
    let commands: Vec<&str> = text
        .lines()
        .skip_while(|line| !line.starts_with("Commands:"))
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let known = [
        "demo", "cp", "ls", "mv", "sync", "rm", "mkdir", "cat", "stat", "chmod", "chown", "touch", "ln",
        "sum", "realpath", "exec", "df", "resolve", "bookmark", "jobs", "explain", "help",
    ];
    assert_eq!(commands, known);
    let version = wharf(Path::new("none"), ["--version"]).ends(0).text();
    assert_eq!(version, format!("wharf {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn verbose_shows_the_conversation_and_quiet_only_errors() {
    let server = Sshd::start(SshdConfig::default());
    let dir = temporary();
    fs::write(dir.path().join("a"), "a").unwrap();
    let copy = |name: &str, more: &str| {
        let target = on("harness", &dir.path().join(name));
        wharf(&server.ssh_config(), ["cp".into(), more.into(), dir.path().join("a").into(), target])
    };
    copy("b", "-q").ends(0).silently();
    let ran = copy("c", "-v").ends(0);
    assert!(ran.stdout.is_empty());
    ran.says(&["OPEN", "WRITE 1 bytes", "CLOSE"]);
    copy("no/such", "-q").ends(1).says(&["no/such"]);
}
