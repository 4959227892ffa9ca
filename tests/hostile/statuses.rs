//! Every status that a server can answer, to every operation: reported with the operation, the
//! path and the code, logged, and worded with its name.

use std::sync::{Arc, Mutex};

use wharf::{
    fs::{
        self, Attributes, Context, Error, ErrorKind, FileSystem, LogLine, Observer, Operation, ReadOptions,
        RemotePath, Result, Stage, WriteOptions,
    },
    reply,
    trust::Never,
    words,
};

use crate::{Script, patient, serve_greeting, string};

/// The statuses of the drafts, and one that nobody has defined.
fn codes() -> impl Iterator<Item = u32> {
    (0..32).chain([4711])
}

/// VERSION with the extensions that wharf uses.
fn greeting() -> Vec<u8> {
    let mut body = vec![2, 0, 0, 0, 3];
    for name in [
        "posix-rename@openssh.com",
        "statvfs@openssh.com",
        "hardlink@openssh.com",
        "lsetstat@openssh.com",
        "copy-data",
    ] {
        body.extend(string(name.as_bytes()));
        body.extend(string(b"1"));
    }
    [&(body.len() as u32).to_be_bytes()[..], &body].concat()
}

/// Answers everything with `code`, but for the question where the login is.
fn always(code: u32) -> Script {
    Arc::new(move |asked| match asked.kind {
        16 if asked.subject() == b"." => None,
        _ => Some(asked.status(code, "as the script says")),
    })
}

#[derive(Default)]
struct Heard(Mutex<Vec<LogLine>>);

impl Observer for Heard {
    fn reply(&self, line: LogLine) {
        self.0.lock().unwrap().push(line);
    }
    fn stage(&self, _: Stage) {}
}

/// Everything that can be asked of a server about `path`, with what it is called.
async fn everything(fs: &Arc<dyn FileSystem>, path: &RemotePath) -> Vec<(Operation, Result<()>)> {
    use Operation::*;
    let to = RemotePath::new("/to");
    let mode = Attributes { mode: Some(0o600), ..Attributes::default() };
    let options = || WriteOptions { exclusive: true, ..WriteOptions::default() };
    vec![
        (List, fs.list(path).await.map(drop)),
        (Stat, fs.stat(path).await.map(drop)),
        (Stat, fs.lstat(path).await.map(drop)),
        (Open, fs.read(path, ReadOptions::default()).await.map(drop)),
        (Open, fs.write(path, options()).await.map(drop)),
        (CreateDir, fs.create_dir(path, None).await),
        (RemoveFile, fs.remove_file(path).await),
        (RemoveDir, fs.remove_dir(path).await),
        (Rename, fs.rename(path, &to, false).await),
        (Rename, fs.rename(path, &to, true).await),
        (SetAttributes, fs.set_attributes(path, &mode).await),
        (SetAttributes, fs.set_link_attributes(path, &mode).await),
        (Symlink, fs.symlink(path, b"x").await),
        (ReadLink, fs.read_link(path).await.map(drop)),
        (HardLink, fs.hard_link(path, &to).await),
        (Canonicalize, fs.canonicalize(path).await.map(drop)),
        (Space, fs.space(path).await.map(drop)),
        (Open, fs.copy_within(path, &to, WriteOptions::default(), &|_: u64| {}).await.map(drop)),
    ]
}

/// What the code says where a result was owed.
fn check(code: u32, operation: Operation, error: &Error, path: &RemotePath) {
    let what = format!("{code} to {operation:?}: {error}");
    assert_eq!(error.operation(), operation, "{what}");
    assert_eq!(error.path(), Some(path), "{what}");
    if code == reply::SFTP_OK {
        assert_eq!(error.kind(), ErrorKind::Protocol, "{what}");
        return;
    }
    assert_eq!(error.reply().map(|reply| reply.code), Some(code), "{what}");
    let text = words::error(error).to_string();
    for part in [format!("SFTP status {code}"), "as the script says".to_owned(), path.to_string()] {
        assert!(text.contains(&part), "{part} is missing in {text}");
    }
    match reply::sftp(code) {
        Some(meaning) => assert!(text.contains(meaning.name), "{text}"),
        None => assert_eq!(error.kind(), ErrorKind::Failure, "{what}"),
    }
    assert!(!words::error(error).advice.is_empty(), "{text}");
}

#[tokio::test]
async fn every_status_is_reported_for_every_operation() {
    let path = RemotePath::new("/f");
    for code in codes() {
        let server = serve_greeting(always(code), Vec::leak(greeting())).await;
        let heard = Arc::new(Heard::default());
        let context = Context {
            ssh: server.ssh.clone(),
            ftp: Default::default(),
            prompt: Arc::new(Never),
            observer: heard.clone(),
            wanted: None,
        };
        let fs = patient(fs::connect(&server.target, &context)).await.unwrap().fs;
        let mut failed = 0;
        for (operation, outcome) in patient(everything(&fs, &path)).await {
            match outcome {
                Err(error) => {
                    check(code, operation, &error, &path);
                    failed += 1;
                }
                Ok(()) => assert_eq!(code, reply::SFTP_OK, "{operation:?} took {code} for success"),
            }
        }
        // With OK, what needs no more than that has gone well.
        assert_eq!(failed, if code == reply::SFTP_OK { 9 } else { 18 }, "{code}");
        let lines = heard.0.lock().unwrap();
        let logged = lines.iter().filter(|line| line.path.as_ref() == Some(&path) && line.reply.code == code);
        assert!(logged.count() >= 17, "{code}: {lines:?}");
    }
}

/// In the middle of a file, and at its end.
#[tokio::test]
async fn a_status_in_the_middle_is_reported() {
    for code in codes().skip(2) {
        for kind in [5, 6, 4] {
            let script: Script =
                Arc::new(move |asked| (asked.kind == kind).then(|| asked.status(code, "so")));
            let server = serve_greeting(script, b"\0\0\0\x05\x02\0\0\0\x03").await;
            let fs = server.connect().await.unwrap();
            let path = RemotePath::new("/new");
            let (operation, error) = if kind == 5 {
                (Operation::Read, crate::read(&fs, None).await.unwrap_err())
            } else {
                let mut sink = patient(fs.write(&path, WriteOptions::default())).await.unwrap();
                patient(sink.write(b"abc"[..].into())).await.unwrap();
                let operation = if kind == 6 { Operation::Write } else { Operation::Close };
                (operation, patient(sink.finish()).await.unwrap_err())
            };
            assert_eq!(error.operation(), operation, "{error}");
            assert_eq!(error.reply().unwrap().code, code, "{error}");
            assert!(error.path().is_some(), "{error}");
        }
    }
}

/// The program itself: exit codes, and the path and the code's name on standard error.
#[tokio::test(flavor = "multi_thread")]
async fn the_program_ends_with_the_code_of_the_design() {
    for (code, exit) in [(2, 1), (3, 1), (4, 1), (5, 1), (6, 3), (7, 3), (8, 1), (15, 1), (4711, 1)] {
        let server = serve_greeting(always(code), Vec::leak(greeting())).await;
        let place = format!("sftp://ann:pw@127.0.0.1:{}/f", server.target.port.unwrap());
        for words in [vec!["mkdir"], vec!["stat"], vec!["cat"], vec!["chmod", "600"], vec!["ln", "-s", "x"]] {
            let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_wharf"));
            command.args(["--batch", "-F", "none", "--known-hosts"]);
            command.arg(server.ssh.known_hosts.as_ref().unwrap()).args(&words).arg(&place);
            let ran = patient(command.output()).await.unwrap();
            let said = String::from_utf8_lossy(&ran.stderr).into_owned();
            assert_eq!(ran.status.code(), Some(exit), "{code} {words:?}: {said}");
            assert!(said.contains("/f") && said.contains(&format!("SFTP status {code}")), "{said}");
        }
    }
}

/// A server that announces that it copies by itself, and then does not: the bytes are moved.
#[tokio::test]
async fn a_refused_copy_says_so_and_is_not_tried_again() {
    for code in [reply::SFTP_OP_UNSUPPORTED, reply::SFTP_PERMISSION_DENIED] {
        let script: Script = Arc::new(move |asked| (asked.kind == 200).then(|| asked.status(code, "off")));
        let server = serve_greeting(script, Vec::leak(greeting())).await;
        let fs = server.connect().await.unwrap();
        assert!(fs.capabilities().copy_within);
        let (from, to) = (RemotePath::new("/f"), RemotePath::new("/to"));
        let copied = patient(fs.copy_within(&from, &to, WriteOptions::default(), &|_: u64| {})).await;
        assert_eq!(copied.unwrap_err().kind(), ErrorKind::Unsupported);
        assert!(!fs.capabilities().copy_within);
    }
}

/// draft-ietf-secsh-filexfer-extensions-00 section 3, and a server that answers nonsense to it.
#[tokio::test]
async fn check_file_is_used_and_checked() {
    use wharf::fs::{Algorithm, sum::Computed};
    let mut greeting = vec![2, 0, 0, 0, 3];
    greeting.extend([string(b"check-file"), string(b"")].concat());
    let greeting = [&(greeting.len() as u32).to_be_bytes()[..], &greeting].concat();
    let path = RemotePath::new("/f");
    for (prefixed, name, length, good) in [
        (false, &b"sha256"[..], 32, true),
        (true, b"sha256", 32, true),
        (false, b"md5", 16, false),
        (false, b"sha256", 31, false),
        (false, b"sha256", 4000, false),
    ] {
        let script: Script = Arc::new(move |asked| {
            (asked.kind == 200).then(|| {
                let mut body = if prefixed { string(b"check-file") } else { Vec::new() };
                body.extend(string(name));
                body.extend(vec![0xab; length]);
                asked.packet(201, &body)
            })
        });
        let server = serve_greeting(script, Vec::leak(greeting.clone())).await;
        let fs = server.connect().await.unwrap();
        match patient(fs.checksum(&path, Algorithm::Sha256)).await {
            Ok(sum) => assert!(good && sum.by == Computed::Server("check-file")),
            Err(error) => assert!(!good && error.kind() == ErrorKind::Protocol, "{error}"),
        }
    }
}
