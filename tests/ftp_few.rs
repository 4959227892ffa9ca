//! Servers that allow few connections: copies within them end, with success or with a clear word,
//! and never hang. The servers are scripted, so that each refuses when it matters.

mod support;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use async_trait::async_trait;
use futures::TryStreamExt;
use support::{
    ftp_script::{Control, Script, Scripted},
    program,
};
use wharf::{
    fs::{
        Context, Error, ErrorKind, FileSystem, FsId, FtpOptions, LogLine, Observer, ReadOptions, RemotePath,
        Sink, SshOptions, Stage, Target, WriteOptions,
    },
    trust::{Answer, Prompt, Question},
};

/// Only what hangs takes this long.
const PATIENCE: Duration = Duration::from_secs(40);

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

async fn connect(server: &Scripted) -> Arc<dyn FileSystem> {
    let target = Target {
        scheme: &wharf::fs::FTP,
        host: "127.0.0.1".into(),
        user: Some("ann".to_owned()),
        port: Some(server.port()),
        password: Some("secret".to_owned().into()),
    };
    let (ssh, ftp) = (SshOptions::default(), FtpOptions::default());
    let context = Context { ssh, ftp, prompt: Arc::new(Nobody), observer: Arc::new(Nobody), wanted: None };
    wharf::fs::connect(&target, &context).await.unwrap().fs
}

fn path(name: &str) -> RemotePath {
    RemotePath::root().join(name.as_bytes())
}

/// Writes `name` with bytes that come from `source`.
async fn open(fs: &dyn FileSystem, name: &str, source: Option<&FsId>) -> Result<Box<dyn Sink>, Error> {
    fs.write(&path(name), WriteOptions { source: source.cloned(), ..WriteOptions::default() }).await
}

async fn fill(mut sink: Box<dyn Sink>, content: &[u8]) -> Result<(), Error> {
    for chunk in content.chunks(100_000) {
        sink.write(chunk.to_vec().into()).await?;
    }
    sink.finish().await.map(drop)
}

async fn get(fs: &dyn FileSystem, name: &str) -> Result<Vec<u8>, Error> {
    let chunks: Vec<bytes::Bytes> = fs.read(&path(name), ReadOptions::default()).await?.try_collect().await?;
    Ok(chunks.concat())
}

fn noise(len: usize) -> Vec<u8> {
    (0..len as u64).map(|i| (i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as u8).collect()
}

/// Serves so many connections at the same time and refuses the rest.
fn at_most(most: usize) -> impl Fn(usize, &mut Control) + Send + Sync {
    let open = AtomicUsize::new(0);
    move |_, control| {
        if open.fetch_add(1, Ordering::SeqCst) >= most {
            control.reply("421 too many connections");
        } else {
            control.serve();
        }
        open.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Set when dropped, so that a test that fails does not leave its server waiting.
struct Flag(Arc<AtomicBool>);

impl Drop for Flag {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Two writers once took both connections that there were, while the third was long in being
/// refused; what they read from had none.
#[tokio::test]
async fn two_writers_leave_a_connection_to_read_from() {
    let (refuses, reached) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let (late, count) = (refuses.clone(), reached.clone());
    let server = Script::new()
        .file("a", b"content of a")
        .play(move |number, control| {
            count.fetch_max(number + 1, Ordering::SeqCst);
            if number < 2 {
                return control.serve();
            }
            while !late.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(1));
            }
            control.reply("421 too many connections");
        })
        .start();
    let refuses = Flag(refuses);
    let fs = connect(&server).await;
    let first = open(&*fs, "one", Some(fs.id())).await.unwrap();
    let second = tokio::spawn({
        let fs = fs.clone();
        async move { open(&*fs, "two", Some(fs.id())).await }
    });
    // It waits for the third connection, or has taken the second.
    while reached.load(Ordering::SeqCst) < 3 && !second.is_finished() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let content = tokio::time::timeout(PATIENCE, get(&*fs, "a")).await.expect("it hangs").unwrap();
    fill(first, &content).await.unwrap();
    drop(refuses);
    let second = tokio::time::timeout(PATIENCE, second).await.expect("it hangs").unwrap().unwrap();
    let content = tokio::time::timeout(PATIENCE, get(&*fs, "a")).await.expect("it hangs").unwrap();
    fill(second, &content).await.unwrap();
    for copy in ["one", "two"] {
        assert_eq!(server.content(copy).unwrap(), b"content of a");
    }
    assert!(!fs.is_lost());
}

#[tokio::test]
async fn many_copies_at_once_end_with_any_number_of_connections() {
    for most in 1..5 {
        let server = Script::new().file("a", noise(300_000)).play(at_most(most)).start();
        let fs = connect(&server).await;
        let copies = (0..12).map(|number| {
            let fs = fs.clone();
            async move {
                let sink = open(&*fs, &format!("copy{number}"), Some(fs.id())).await.unwrap();
                let content = get(&*fs, "a").await.unwrap();
                fill(sink, &content).await.unwrap();
            }
        });
        let all = futures::future::join_all(copies);
        tokio::time::timeout(PATIENCE, all).await.unwrap_or_else(|_| panic!("{most} connections: it hangs"));
        for number in 0..12 {
            assert!(server.content(&format!("copy{number}")).unwrap() == noise(300_000));
        }
        assert!(!fs.is_lost());
    }
}

/// Files that come from elsewhere need no second connection, however big they are.
#[tokio::test]
async fn one_connection_takes_what_comes_from_elsewhere() {
    let server = Script::new().play(at_most(1)).start();
    let fs = connect(&server).await;
    let content = noise(20 << 20);
    let elsewhere = FsId::new("elsewhere");
    for (name, source) in [("local", None), ("remote", Some(&elsewhere))] {
        let all = async { fill(open(&*fs, name, source).await?, &content).await };
        tokio::time::timeout(PATIENCE, all).await.expect("it hangs").unwrap();
        assert!(server.content(name).unwrap() == content);
    }
}

#[test]
fn one_connection_copies_small_files_within_itself_and_says_why_no_big_ones() {
    let server =
        Script::new().file("small", noise(3 << 20)).file("big", noise(9 << 20)).play(at_most(1)).start();
    let run = |from: &str, to: &str| {
        let place = |name: &str| format!("ftp://ann:secret@127.0.0.1:{}/{name}", server.port());
        program::wharf(Path::new("none"), ["cp", &place(from), &place(to)])
    };
    run("small", "copy").ends(0);
    assert!(server.content("copy").unwrap() == noise(3 << 20));
    run("big", "other").ends(1).says(&["one connection only", "8 MiB"]);
    assert_eq!(server.content("other"), None);
}

/// One of two connections breaks while the other waits for what it would bring, and no other is
/// given: somebody has to be told no.
#[tokio::test]
async fn a_connection_that_breaks_and_is_not_given_again_ends_the_wait() {
    let server = Script::new()
        .file("a", b"content")
        .play(|number, control| match number {
            1 => control.serve(),
            0 => {
                control.reply("220 ready");
                while let Some(line) = control.next() {
                    if line.starts_with("RETR") || line.starts_with("SIZE") {
                        return control.reset();
                    }
                    control.answer(&line);
                }
            }
            _ => control.reply("421 too many connections"),
        })
        .start();
    let fs = connect(&server).await;
    let sink = open(&*fs, "copy", Some(fs.id())).await.unwrap();
    let read = tokio::time::timeout(PATIENCE, get(&*fs, "a")).await.expect("it hangs");
    let error = read.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failure, "{error}");
    // The one that there is still serves.
    fill(sink, b"something").await.unwrap();
    assert_eq!(get(&*fs, "copy").await.unwrap(), b"something");
    assert!(!fs.is_lost());
}
