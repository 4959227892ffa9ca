//! Commands of FTP that no server must have, on scripted servers and on a real one: checksums
//! computed there, and the ways to set a file's time.

mod support;

use std::sync::Arc;

use async_trait::async_trait;
use support::{
    ftp::{FtpConfig, FtpServer, Software},
    ftp_script::{Control, Script, Scripted},
};
use wharf::{
    fs::{
        Algorithm, Attributes, Checksum, Context, Error, ErrorKind, FileSystem, FtpOptions, LogLine,
        Observer, Operation, RemotePath, SshOptions, Stage, Target, Timestamp,
        sum::{Computed, Summer},
    },
    trust::{Answer, Prompt, Question},
};

struct Nobody;

#[async_trait]
impl Prompt for Nobody {
    async fn ask(&self, _: Question) -> Answer {
        Answer::No
    }
}

impl Observer for Nobody {
    fn reply(&self, _: LogLine) {}
    fn stage(&self, _: Stage) {}
}

async fn connect(port: u16, user: &str, password: &str) -> Arc<dyn FileSystem> {
    let target = Target {
        scheme: &wharf::fs::FTP,
        host: "127.0.0.1".into(),
        user: Some(user.to_owned()),
        port: Some(port),
        password: Some(password.to_owned().into()),
    };
    let (ssh, ftp) = (SshOptions::default(), FtpOptions::default());
    let context = Context { ssh, ftp, prompt: Arc::new(Nobody), observer: Arc::new(Nobody), wanted: None };
    wharf::fs::connect(&target, &context).await.unwrap().fs
}

async fn reach(server: &Scripted) -> Arc<dyn FileSystem> {
    connect(server.port(), "ann", "secret").await
}

/// A server that announces `features`, one per line.
fn with(features: &'static str) -> Script {
    Script::new().file("abc", b"abc").on("FEAT", move |control, _| {
        control.say(format!("211-Features:\r\n EPSV\r\n SIZE\r\n MDTM\r\n{features}211 End\r\n"));
    })
}

/// Answers the same to a command whatever its argument.
fn says(reply: &'static str) -> impl Fn(&mut Control, &str) + Send + Sync + 'static {
    move |control, _| control.reply(reply)
}

fn path(text: &str) -> RemotePath {
    RemotePath::new(text)
}

fn of_abc(algorithm: Algorithm) -> String {
    let mut summer = Summer::new(algorithm);
    summer.add(b"abc");
    summer.finish().to_string()
}

#[track_caller]
fn is_sum(sum: Result<Checksum, Error>, algorithm: Algorithm, by: &'static str) {
    let sum = sum.unwrap();
    assert_eq!((sum.to_string(), sum.by), (of_abc(algorithm), Computed::Server(by)));
}

/// What has the file read instead.
#[track_caller]
fn is_unsupported(sum: Result<Checksum, Error>) {
    let error = sum.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Unsupported, Operation::Checksum), "{error}");
    assert!(error.path().is_some(), "{error}");
}

fn count(server: &Scripted, line: &str) -> usize {
    server.lines().iter().filter(|heard| *heard == line).count()
}

#[tokio::test]
async fn every_old_command_is_asked_in_its_servers_manner() {
    for (feature, algorithm, by, reply) in [
        (" XMD5\r\n", Algorithm::Md5, "XMD5", "250 900150983CD24FB0D6963F7D28E17F72"),
        (" MD5\r\n", Algorithm::Md5, "MD5", "251 \"/abc\" 900150983cd24fb0d6963f7d28e17f72"),
        (" XCRC\r\n", Algorithm::Crc32, "XCRC", "250-Computing CRC32 digest\r\n250 352441C2"),
        (" XCRC\r\n", Algorithm::Crc32, "XCRC", "213 352441c2 \"/abc\""),
        (" XSHA\r\n", Algorithm::Sha1, "XSHA", "250 a9993e364706816aba3e25717850c26c9cd0d89d"),
        (" XSHA1\r\n", Algorithm::Sha1, "XSHA1", "250 A9993E364706816ABA3E25717850C26C9CD0D89D"),
        (
            " XSHA256\r\n",
            Algorithm::Sha256,
            "XSHA256",
            "250 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ),
    ] {
        let server = with(feature).on(by, says(reply)).start();
        let fs = reach(&server).await;
        assert!(fs.capabilities().checksums);
        is_sum(fs.checksum(&path("/abc"), algorithm).await, algorithm, by);
        assert_eq!(count(&server, &format!("{by} /abc")), 1, "{:?}", server.lines());
    }
}

#[tokio::test]
async fn hash_is_told_the_algorithm_before_each_file() {
    let server = with(" HASH SHA-256*;MD5;CRC32\r\n")
        .on("OPTS", says("200 chosen"))
        .on("HASH", |control, argument| match argument {
            "/a 0 1" => control.reply("213 MD5 0-3 900150983cd24fb0d6963f7d28e17f72 a 0 1"),
            "/abc" => control.reply("213 CRC32 0-3 352441c2 abc"),
            _ => control.reply("550 No such file"),
        })
        .start();
    let fs = reach(&server).await;
    is_sum(fs.checksum(&path("/a 0 1"), Algorithm::Md5).await, Algorithm::Md5, "HASH");
    is_sum(fs.checksum(&path("/abc"), Algorithm::Crc32).await, Algorithm::Crc32, "HASH");
    // The algorithm that the server is left with is not the one that was asked for.
    is_unsupported(fs.checksum(&path("/abc"), Algorithm::Sha256).await);
    is_unsupported(fs.checksum(&path("/abc"), Algorithm::Sha1).await);
    let error = fs.checksum(&path("/gone"), Algorithm::Md5).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    for line in ["OPTS HASH CRC32", "OPTS HASH SHA-256"] {
        assert_eq!(count(&server, line), 1, "{:?}", server.lines());
    }
    assert_eq!(count(&server, "OPTS HASH MD5"), 2);
    assert_eq!(count(&server, "OPTS HASH SHA-1"), 0);
}

#[tokio::test]
async fn a_sum_of_another_length_is_none() {
    for (feature, algorithm, verb, reply) in [
        (" XCRC\r\n", Algorithm::Crc32, "XCRC", "250 52441c2"),
        (" XCRC\r\n", Algorithm::Crc32, "XCRC", "250 900150983cd24fb0d6963f7d28e17f72"),
        (" XCRC\r\n", Algorithm::Crc32, "XCRC", "250 aaaaaaaa bbbbbbbb"),
        (" XMD5\r\n", Algorithm::Md5, "XMD5", "250 900150983cd24fb0d6963f7d28e17f7"),
        (" XMD5\r\n", Algorithm::Md5, "XMD5", "250 900150983cd24fb0d6963f7d28e17f7g"),
        (" XMD5\r\n", Algorithm::Md5, "XMD5", "226 900150983cd24fb0d6963f7d28e17f72"),
        (" HASH MD5\r\n", Algorithm::Md5, "HASH", "213 MD5 0-3 352441c2 900150983cd24fb0d6963f7d28e17f72"),
        (" HASH MD5\r\n", Algorithm::Md5, "HASH", "213 MD5 1-3 900150983cd24fb0d6963f7d28e17f72 abc"),
        (" HASH MD5\r\n", Algorithm::Md5, "HASH", "213 MD4 0-3 900150983cd24fb0d6963f7d28e17f72 abc"),
    ] {
        let server = with(feature).on(verb, says(reply)).start();
        let fs = reach(&server).await;
        is_unsupported(fs.checksum(&path("/abc"), algorithm).await);
        assert_eq!(count(&server, &format!("{verb} /abc")), 1, "{:?}", server.lines());
    }
}

#[tokio::test]
async fn a_command_that_is_refused_is_not_asked_again() {
    for code in ["500", "502", "504"] {
        let refusal: &'static str = match code {
            "500" => "500 what",
            "502" => "502 not here",
            _ => "504 not so",
        };
        let server = with(" HASH MD5\r\n XMD5\r\n XCRC\r\n")
            .on("OPTS", says(refusal))
            .on("XMD5", says("250 900150983cd24fb0d6963f7d28e17f72"))
            .on("XCRC", says(refusal))
            .start();
        let fs = reach(&server).await;
        for _ in 0..2 {
            is_sum(fs.checksum(&path("/abc"), Algorithm::Md5).await, Algorithm::Md5, "XMD5");
            is_unsupported(fs.checksum(&path("/abc"), Algorithm::Crc32).await);
        }
        for (line, times) in [("OPTS HASH MD5", 1), ("HASH /abc", 0), ("XMD5 /abc", 2), ("XCRC /abc", 1)] {
            assert_eq!(count(&server, line), times, "{line} {code}: {:?}", server.lines());
        }
    }
}

/// `XCRC /abc 0 1` is the first byte of another file.
#[tokio::test]
async fn a_name_with_blanks_is_not_taken_for_a_range() {
    let server = with(" XCRC\r\n").on("XCRC", says("250 352441c2")).start();
    let fs = reach(&server).await;
    for name in ["/abc 0 1", "/a b", "/\"abc\""] {
        is_unsupported(fs.checksum(&path(name), Algorithm::Crc32).await);
    }
    assert!(!server.lines().iter().any(|line| line.starts_with("XCRC")), "{:?}", server.lines());
}

#[tokio::test]
async fn proftpds_sums_are_those_of_the_bytes() {
    let extra = vec!["LoadModule mod_digest.c".to_owned(), "DigestEngine on".to_owned()];
    let server = FtpServer::start(Software::Proftpd, FtpConfig { extra, ..FtpConfig::default() });
    let fs = connect(server.port(), server.user(), server.password()).await;
    let at = |name: &str| RemotePath::new(server.home()).join(name.as_bytes());
    for name in ["abc", "a b", "abc 0 1", "\"abc\"", "900150983cd24fb0d6963f7d28e17f72"] {
        server.put(name, b"abc");
        for algorithm in Algorithm::ALL {
            is_sum(fs.checksum(&at(name), algorithm).await, algorithm, "HASH");
        }
    }
    server.put("abc", b"not abc");
    let sum = fs.checksum(&at("abc 0 1"), Algorithm::Crc32).await;
    is_sum(sum, Algorithm::Crc32, "HASH");
    for path in [at("none"), RemotePath::new(server.home())] {
        assert!(fs.checksum(&path, Algorithm::Md5).await.is_err());
    }
}

const TIME: Timestamp = Timestamp::from_seconds(1_732_190_400);

async fn set_time(fs: &dyn FileSystem) -> Result<(), Error> {
    let wanted = Attributes { mtime: Some(TIME), ..Attributes::default() };
    fs.set_attributes(&path("/abc"), &wanted).await
}

/// The lines that set a time, after `answer` to SITE UTIME; the first attempt and another.
async fn site_utime(answer: impl Fn(&str) -> &'static str + Send + Sync + 'static) -> Vec<String> {
    let server = with("")
        .on("SITE", move |control, argument| {
            let reply = answer(argument);
            control.reply(reply);
        })
        .start();
    let fs = reach(&server).await;
    for _ in 0..2 {
        set_time(&*fs).await.unwrap();
    }
    let lines = server.lines();
    lines.into_iter().filter(|line| line.starts_with("SITE") || line.starts_with("MDTM 2")).collect()
}

const MDTM: &str = "MDTM 20241121120000 /abc";
const SHORT: &str = "SITE UTIME 20241121120000 /abc";
const LONG: &str = "SITE UTIME /abc 20241121120000 20241121120000 20241121120000 UTC";

#[tokio::test]
async fn site_utime_with_the_time_in_front_sets_times() {
    let lines = site_utime(|argument| match SHORT.ends_with(argument) {
        true => "200 UTIME okay",
        false => "500 what",
    });
    assert_eq!(lines.await, [MDTM, SHORT, MDTM, SHORT]);
}

#[tokio::test]
async fn site_utime_with_five_arguments_sets_times() {
    for refusal in ["501 Missing arguments", "500 not understood", "504 not so"] {
        let lines = site_utime(move |argument| match LONG.ends_with(argument) {
            true => "200 UTIME okay",
            false => refusal,
        });
        assert_eq!(lines.await, [MDTM, SHORT, LONG, MDTM, LONG], "{refusal}");
    }
    // The time was taken for a name.
    let lines = site_utime(|argument| match LONG.ends_with(argument) {
        true => "200 UTIME okay",
        false => "550 No such file",
    });
    assert_eq!(lines.await, [MDTM, SHORT, LONG, MDTM, SHORT, LONG]);
}

#[tokio::test]
async fn a_server_that_sets_no_times_says_so_and_is_not_asked_for_long() {
    let server = with("").on("SITE", says("502 no")).on("MDTM", says("502 no")).start();
    let fs = reach(&server).await;
    for _ in 0..2 {
        let error = set_time(&*fs).await.unwrap_err();
        assert_eq!((error.kind(), error.operation()), (ErrorKind::Unsupported, Operation::SetAttributes));
    }
    for line in [MDTM, SHORT, LONG] {
        assert_eq!(count(&server, line), 1, "{line}: {:?}", server.lines());
    }
}
