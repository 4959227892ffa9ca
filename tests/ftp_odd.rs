//! FTP servers that are hostile, odd or unlucky: each answers a few commands in its own way and
//! the rest as servers do. Nothing here needs a real server.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt};
use wharf::{
    fs::{
        Attributes, Connected, Context, Entry, Error, ErrorKind, FileSystem, FtpOptions, Kind, LogLine,
        Observer, Operation, Precision, Principal, ReadOptions, RemotePath, Scheme, SshOptions, Stage,
        Target, WriteOptions,
    },
    trust::{Answer, Prompt, Question, SecretKind},
};

/// What the server does on a line.
#[derive(Clone)]
enum Do {
    /// Bytes on the control connection, as they are.
    Say(&'static [u8]),
    /// Something first, data on the waiting connection, something at the end.
    Send(&'static [u8], Vec<u8>, &'static [u8]),
    /// Data that never ends.
    Flood(&'static [u8]),
    /// Takes data, then says something.
    Take(&'static [u8]),
    /// Closes the control connection.
    Hang,
}

use Do::{Flood, Hang, Say, Send, Take};

type Odd = Arc<dyn Fn(&str, usize) -> Option<Do> + std::marker::Send + Sync>;

/// Answers by `odd` what it knows, which also hears how often that line was said, and else as any
/// server would. Keeps every line.
struct Fake {
    port: u16,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    fn start(
        banner: &'static str,
        odd: impl Fn(&str, usize) -> Option<Do> + std::marker::Send + Sync + 'static,
    ) -> Fake {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (lines, odd): (_, Odd) = (heard.clone(), Arc::new(odd));
        let counts: Arc<Mutex<HashMap<String, usize>>> = Arc::default();
        thread::spawn(move || {
            for control in listener.incoming().flatten() {
                let (lines, odd, counts) = (lines.clone(), odd.clone(), counts.clone());
                thread::spawn(move || {
                    let _ = serve(control, banner, &lines, &odd, &counts);
                });
            }
        });
        Fake { port, heard }
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }

    fn target(&self, scheme: &'static Scheme) -> Target {
        Target {
            scheme,
            host: "127.0.0.1".into(),
            user: Some("ann".into()),
            port: Some(self.port),
            password: Some("pw".into()),
        }
    }

    async fn try_connect(&self, scheme: &'static Scheme) -> Result<Connected, Error> {
        self.connect_with(self.target(scheme), FtpOptions::default(), Arc::new(Silent)).await
    }

    async fn connect_with(
        &self,
        target: Target,
        ftp: FtpOptions,
        ear: Arc<dyn Observer>,
    ) -> Result<Connected, Error> {
        let prompt = Arc::new(Accountant);
        let context = Context { ssh: SshOptions::default(), ftp, prompt, observer: ear, wanted: None };
        wharf::fs::connect(&target, &context).await
    }

    async fn connect(&self) -> Arc<dyn FileSystem> {
        self.try_connect(&wharf::fs::FTP).await.unwrap().fs
    }
}

fn serve(
    mut control: TcpStream,
    banner: &str,
    lines: &Mutex<Vec<String>>,
    odd: &Odd,
    counts: &Mutex<HashMap<String, usize>>,
) -> std::io::Result<()> {
    control.write_all(banner.as_bytes())?;
    let mut waiting: Option<TcpListener> = None;
    let mut reader = BufReader::new(control.try_clone()?);
    loop {
        let mut line = Vec::new();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let line = String::from_utf8_lossy(&line).trim_end_matches("\r\n").to_owned();
        lines.lock().unwrap().push(line.clone());
        let times = {
            let mut counts = counts.lock().unwrap();
            let count = counts.entry(line.clone()).or_default();
            *count += 1;
            *count
        };
        let verb = line.split(' ').next().unwrap_or_default().to_owned();
        let mut data = || waiting.take().and_then(|listener| listener.accept().ok()).map(|(data, _)| data);
        match odd(&line, times) {
            Some(Say(bytes)) if verb == "EPSV" || verb == "PASV" => {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
                let port = listener.local_addr()?.port();
                let text = String::from_utf8_lossy(bytes);
                let text =
                    text.replace("HIGH", &(port >> 8).to_string()).replace("LOW", &(port & 255).to_string());
                waiting = Some(listener);
                control.write_all(text.as_bytes())?;
            }
            Some(Say(bytes)) => control.write_all(bytes)?,
            Some(Send(first, bytes, last)) => {
                control.write_all(first)?;
                if let Some(mut data) = data() {
                    let _ = data.write_all(&bytes);
                    let _ = data.shutdown(Shutdown::Both);
                }
                control.write_all(last)?;
            }
            Some(Flood(bytes)) => {
                control.write_all(b"150 here it comes\r\n")?;
                if let Some(mut data) = data() {
                    while data.write_all(bytes).is_ok() {}
                }
                return Ok(());
            }
            Some(Take(last)) => {
                control.write_all(b"150 go on\r\n")?;
                if let Some(mut data) = data() {
                    std::io::copy(&mut data, &mut std::io::sink())?;
                }
                control.write_all(last)?;
            }
            Some(Hang) => return control.shutdown(Shutdown::Both),
            None => {
                let text: &[u8] = match verb.as_str() {
                    "USER" => b"331 password\r\n",
                    "PASS" => b"230 welcome\r\n",
                    "SYST" => b"215 UNIX Type: L8\r\n",
                    "FEAT" => b"211-Features:\r\n EPSV\r\n SIZE\r\n MDTM\r\n REST STREAM\r\n211 End\r\n",
                    "PWD" => b"257 \"/\" is here\r\n",
                    "TYPE" | "NOOP" | "ALLO" => b"200 ok\r\n",
                    "CWD" => b"250 there\r\n",
                    "REST" => b"350 from there\r\n",
                    "EPSV" => {
                        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
                        let port = listener.local_addr()?.port();
                        waiting = Some(listener);
                        control.write_all(format!("229 go (|||{port}|)\r\n").as_bytes())?;
                        continue;
                    }
                    "QUIT" => return control.write_all(b"221 bye\r\n"),
                    _ => b"502 no\r\n",
                };
                control.write_all(text)?;
            }
        }
    }
}

const BANNER: &str = "220 fake\r\n";
const FILE: &[u8] = b"-rw-r--r-- 1 ann ann 5 Nov 21  2024 file\r\n";

struct Silent;

impl Observer for Silent {
    fn reply(&self, _: LogLine) {}
    fn stage(&self, _: Stage) {}
}

#[derive(Default)]
struct Ear(Mutex<Vec<LogLine>>);

impl Observer for Ear {
    fn reply(&self, line: LogLine) {
        self.0.lock().unwrap().push(line);
    }

    fn stage(&self, _: Stage) {}
}

/// Knows the account, and no password.
struct Accountant;

#[async_trait]
impl Prompt for Accountant {
    async fn ask(&self, question: Question) -> Answer {
        match question {
            Question::Secret(request) if request.kind == SecretKind::Interactive => {
                Answer::Secret("books".to_owned().into())
            }
            _ => Answer::No,
        }
    }
}

fn path(text: &str) -> RemotePath {
    RemotePath::new(text)
}

async fn entries(fs: &dyn FileSystem, at: &str) -> Result<Vec<Entry>, Error> {
    fs.list(&path(at)).await?.try_concat().await
}

async fn content(fs: &dyn FileSystem, at: &str, options: ReadOptions) -> Result<Vec<u8>, Error> {
    let chunks: Vec<bytes::Bytes> = fs.read(&path(at), options).await?.try_collect().await?;
    Ok(chunks.concat())
}

async fn put(fs: &dyn FileSystem, at: &str, content: &[u8]) -> Result<(), Error> {
    let mut sink = fs.write(&path(at), WriteOptions::default()).await?;
    sink.write(content.to_vec().into()).await?;
    sink.finish().await.map(drop)
}

fn list_of(bytes: Vec<u8>) -> impl Fn(&str, usize) -> Option<Do> + std::marker::Send + Sync {
    move |line, _| line.starts_with("LIST").then(|| Send(b"150 list\r\n", bytes.clone(), b"226 done\r\n"))
}

#[tokio::test]
async fn banners_with_numbers_and_replies_without_text() {
    let fake =
        Fake::start("220-hello\r\n123 users online\r\n220-\r\n 220 x\r\n220 go\r\n", |line, _| match line {
            "TYPE I" => Some(Say(b"200\r\n")),
            "SYST" => Some(Say(b"215-\r\n 500 is no end\r\n215 UNIX\r\n")),
            line if line.starts_with("LIST") => Some(Send(b"150\r\n", FILE.to_vec(), b"226\r\n")),
            _ => None,
        });
    let fs = fake.connect().await;
    assert_eq!(entries(&*fs, "/").await.unwrap()[0].attributes.size, Some(5));
}

#[tokio::test]
async fn a_reply_that_is_none_ends_the_connection() {
    for banner in ["SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n", "999 x\r\n"] {
        let error = Fake::start(banner, |_, _| None).try_connect(&wharf::fs::FTP).await.err().unwrap();
        assert_eq!((error.kind(), error.operation()), (ErrorKind::Protocol, Operation::Connect), "{error}");
    }
    let error = Fake::start("421 too many users\r\n", |_, _| None).try_connect(&wharf::fs::FTP).await;
    let error = error.err().unwrap();
    assert_eq!(error.reply().map(|r| r.code), Some(421), "{error}");
}

/// The address in the answer to PASV may be anybody's.
#[tokio::test]
async fn data_goes_to_the_control_connections_peer_whatever_pasv_says() {
    for answer in [
        &b"227 Entering Passive Mode (192,0,2,1,HIGH,LOW)\r\n"[..],
        b"227 Entering Passive Mode 10,0,0,1,HIGH,LOW.\r\n",
    ] {
        let fake = Fake::start(BANNER, move |line, _| match line {
            "EPSV" => Some(Say(b"500 what\r\n")),
            "PASV" => Some(Say(answer)),
            line if line.starts_with("LIST") => Some(Send(b"150 x\r\n", FILE.to_vec(), b"226 x\r\n")),
            _ => None,
        });
        let fs = fake.connect().await;
        assert_eq!(entries(&*fs, "/").await.unwrap().len(), 1);
        assert_eq!(entries(&*fs, "/").await.unwrap().len(), 1);
        let asked = fake.heard().iter().filter(|line| *line == "EPSV").count();
        assert_eq!(asked, 1, "asked again for what was refused: {:?}", fake.heard());
    }
}

/// Everything of a file arrived, the server says it has not.
#[tokio::test]
async fn a_426_behind_the_data_is_a_failure() {
    let fake = Fake::start(BANNER, |line, _| match line {
        "SIZE /file" => Some(Say(b"213 5\r\n")),
        "RETR /file" => Some(Send(b"150 x\r\n", b"hello".to_vec(), b"426 broken\r\n")),
        "STOR /new" => Some(Take(b"426 broken\r\n")),
        line if line.starts_with("LIST") => Some(Send(b"150 x\r\n", FILE.to_vec(), b"426 broken\r\n")),
        _ => None,
    });
    let fs = fake.connect().await;
    assert!(entries(&*fs, "/").await.is_err());
    let error = content(&*fs, "/file", ReadOptions::default()).await.unwrap_err();
    assert_eq!((error.path(), error.operation()), (Some(&path("/file")), Operation::Read), "{error}");
    assert!(!error.kind().ends_session(), "{error}");
    let error = put(&*fs, "/new", b"hello").await.unwrap_err();
    assert_eq!(error.reply().map(|r| r.code), Some(426), "{error}");
    assert!(!fs.is_lost());
}

#[tokio::test]
async fn data_cut_short_is_gone_on_with_where_it_was_cut() {
    let fake = Fake::start(BANNER, |line, times| match (line, times) {
        ("SIZE /file", _) => Some(Say(b"213 11\r\n")),
        ("RETR /file", 1) => Some(Send(b"150 x\r\n", b"hello ".to_vec(), b"226 done\r\n")),
        ("RETR /file", _) => Some(Send(b"150 x\r\n", b"world".to_vec(), b"226 done\r\n")),
        _ => None,
    });
    let fs = fake.connect().await;
    for expected_size in [None, Some(11)] {
        let options = ReadOptions { offset: 0, expected_size };
        if expected_size.is_none() {
            assert_eq!(content(&*fs, "/file", options).await.unwrap(), b"hello world");
            assert!(fake.heard().contains(&"REST 6".to_owned()));
        }
    }
}

/// Cut again and again: an error in the end, never a short file taken for whole.
#[tokio::test]
async fn data_cut_with_226_is_a_failure() {
    let fake = Fake::start(BANNER, |line, _| match line {
        "SIZE /file" => Some(Say(b"213 1000\r\n")),
        "RETR /file" => Some(Send(b"150 x\r\n", b"hello".to_vec(), b"226 done\r\n")),
        _ => None,
    });
    let fs = fake.connect().await;
    for expected_size in [None, Some(1000)] {
        let options = ReadOptions { offset: 0, expected_size };
        let error = content(&*fs, "/file", options).await.unwrap_err();
        assert!(error.detail().is_some_and(|d| d.contains("of 1000 bytes")), "{error}");
        assert!(!error.kind().ends_session(), "{error}");
    }
}

#[tokio::test]
async fn a_written_file_of_another_size_is_a_failure() {
    let fake = Fake::start(BANNER, |line, _| match line {
        "STOR /file" => Some(Take(b"226 done\r\n")),
        "SIZE /file" => Some(Say(b"213 4\r\n")),
        _ => None,
    });
    let fs = fake.connect().await;
    let error = put(&*fs, "/file", b"hello").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Mismatch, "{error}");
}

#[tokio::test]
async fn a_listing_without_end_can_be_left_and_is_bounded_by_lines() {
    for line in [FILE, &b"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"[..], b"what is this\r\n"] {
        let fake = Fake::start(BANNER, move |said, _| match said {
            said if said.starts_with("LIST") => Some(Flood(line)),
            "MDTM /file" => Some(Say(b"213 20241121000000\r\n")),
            _ => None,
        });
        let fs = fake.connect().await;
        let mut batches = fs.list(&path("/")).await.unwrap();
        for _ in 0..3 {
            // A line that never ends gives nothing to wait for.
            let next = tokio::time::timeout(Duration::from_millis(300), batches.next()).await;
            if let Ok(next) = next {
                assert!(next.is_some());
            }
        }
        drop(batches);
        assert!(fs.stat(&path("/")).await.is_ok(), "the session goes on");
    }
}

/// What came in the clear behind the answer to AUTH is not to be taken for said under TLS.
#[tokio::test]
async fn bytes_in_front_of_tls_are_refused() {
    let fake = Fake::start(BANNER, |line, _| {
        (line == "AUTH TLS").then_some(Say(b"234 go\r\n230 you are in\r\n211 End\r\n"))
    });
    let error = fake.try_connect(&wharf::fs::FTPES).await.err().unwrap();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Protocol, Operation::Connect), "{error}");
    assert_eq!(fake.heard(), ["AUTH TLS"]);
}

#[tokio::test]
async fn without_tls_nothing_is_said_where_tls_was_asked_for() {
    for answer in [&b"502 no\r\n"[..], b"200 fine\r\n", b"331 password\r\n"] {
        let fake = Fake::start(BANNER, move |line, _| (line == "AUTH TLS").then_some(Say(answer)));
        let error = fake.try_connect(&wharf::fs::FTPES).await.err().unwrap();
        assert_eq!(error.operation(), Operation::Connect, "{error}");
        assert_eq!(fake.heard(), ["AUTH TLS"]);
    }
}

#[tokio::test]
async fn line_breaks_never_reach_the_server() {
    let fake = Fake::start(BANNER, |_, _| None);
    let fs = fake.connect().await;
    let before = fake.heard().len();
    let bad = path("/a\r\nDELE precious");
    let outcomes = [
        fs.create_dir(&bad, None).await,
        fs.remove_file(&bad).await,
        fs.remove_dir(&bad).await,
        fs.rename(&bad, &path("/b"), true).await,
        fs.rename(&path("/b"), &bad, true).await,
        fs.list(&bad).await.map(drop),
        fs.read(&bad, ReadOptions::default()).await.map(drop),
        fs.write(&bad, WriteOptions::default()).await.map(drop),
        fs.set_attributes(&bad, &Attributes { mode: Some(0o644), ..Attributes::default() }).await,
    ];
    for outcome in outcomes {
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::InvalidName);
    }
    let said = fake.heard().split_off(before);
    assert!(said.iter().all(|line| !line.contains("DELE") && !line.contains("/a")), "{said:?}");
    // The same in a user's name and a password.
    for (user, password) in [("ann\r\nDELE x", "pw"), ("ann", "pw\r\nDELE x")] {
        let mut target = fake.target(&wharf::fs::FTP);
        target.user = Some(user.into());
        target.password = Some(password.to_owned().into());
        assert!(fake.connect_with(target, FtpOptions::default(), Arc::new(Silent)).await.is_err());
    }
    assert!(fake.heard().iter().all(|line| !line.contains("DELE")));
}

#[tokio::test]
async fn an_account_is_asked_for_where_332_wants_one() {
    let fake = Fake::start(BANNER, |line, _| match line {
        "PASS pw" => Some(Say(b"332 and whose books?\r\n")),
        "ACCT books" => Some(Say(b"230 welcome\r\n")),
        _ => None,
    });
    let ear = Arc::new(Ear::default());
    fake.connect_with(fake.target(&wharf::fs::FTP), FtpOptions::default(), ear.clone()).await.unwrap();
    let log = ear.0.lock().unwrap();
    let requests: Vec<&str> = log.iter().map(|line| line.request.as_str()).collect();
    assert_eq!(requests[..4], ["(greeting)", "USER ann", "PASS ***", "ACCT ***"]);
    assert!(log.iter().all(|line| !format!("{line:?}").contains("books\"")));
}

#[tokio::test]
async fn what_ftp_has_no_word_for_is_said_and_not_asked() {
    let fake = Fake::start(BANNER, |_, _| None);
    let fs = fake.connect().await;
    let dir = path("/dir");
    let before = fake.heard().len();
    let owner = Attributes { uid: Some(1000), ..Attributes::default() };
    for (refused, what) in [
        (fs.execute(&dir, b"true").await.map(drop), "FTP has no shell"),
        (fs.terminal(&dir, (80, 24), "xterm").await.map(drop), "FTP has no shell"),
        (fs.owner_id(Principal::User, "ann").await.map(drop), "FTP knows no owners to set"),
        (fs.set_attributes(&dir, &owner).await, "FTP knows no owners to set"),
        (fs.symlink(&dir, b"to").await, "FTP creates no links"),
        (fs.hard_link(&dir, &path("/to")).await, "FTP creates no links"),
    ] {
        let error = refused.unwrap_err();
        assert_eq!((error.kind(), error.detail()), (ErrorKind::Unsupported, Some(what)), "{error}");
    }
    assert_eq!(fake.heard().len(), before);
}

/// Answers with one password after the other, and remembers how it was asked.
#[derive(Default)]
struct Guesser(Mutex<Vec<String>>);

#[async_trait]
impl Prompt for Guesser {
    async fn ask(&self, question: Question) -> Answer {
        let Question::Secret(request) = question else { return Answer::No };
        let mut asked = self.0.lock().unwrap();
        asked.push(request.prompt);
        Answer::Secret(format!("guess{}", asked.len()).into())
    }
}

#[tokio::test]
async fn a_refused_password_is_asked_again_with_the_servers_words() {
    let fake = Fake::start(BANNER, |line, _| match line {
        "PASS guess1" => Some(Say(b"530-Sorry,\r\n530 not you.\r\n")),
        "PASS guess2" => Some(Say(b"530\r\n")),
        _ => None,
    });
    let guesser = Arc::new(Guesser::default());
    let mut target = fake.target(&wharf::fs::FTP);
    target.password = None;
    let context = Context {
        ssh: SshOptions::default(),
        ftp: FtpOptions::default(),
        prompt: guesser.clone(),
        observer: Arc::new(Silent),
        wanted: None,
    };
    wharf::fs::connect(&target, &context).await.unwrap();
    let asked = guesser.0.lock().unwrap();
    assert_eq!(asked[..], ["", "530 Sorry,\nnot you.\nPassword:", "530 Not logged in.\nPassword:"]);
}

/// A server that answers twice has put all that follows out of step.
#[tokio::test]
async fn a_reply_too_many_costs_the_connection_and_not_the_session() {
    let fake = Fake::start(BANNER, |line, times| match (line, times) {
        ("MKD /a", _) => Some(Say(b"257 made\r\n550 not made\r\n")),
        ("MKD /b", _) => Some(Say(b"257 made\r\n")),
        _ => None,
    });
    let fs = fake.connect().await;
    fs.create_dir(&path("/a"), None).await.unwrap();
    // The surplus is there before the next command goes out, or is noticed with it.
    let users = || fake.heard().iter().filter(|line| line.starts_with("USER")).count();
    for _ in 0..50 {
        if fs.create_dir(&path("/b"), None).await.is_ok() && users() == 2 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(users(), 2, "{:?}", fake.heard());
}

#[tokio::test]
async fn a_connection_that_went_while_idle_is_replaced() {
    let fake = Fake::start(BANNER, |line, times| match (line, times) {
        ("DELE /a", 1) => Some(Hang),
        ("DELE /a", _) => Some(Say(b"250 gone\r\n")),
        _ => None,
    });
    let fs = fake.connect().await;
    fs.remove_file(&path("/a")).await.unwrap();
    assert!(!fs.is_lost());
}

#[tokio::test]
async fn a_421_is_no_answer() {
    let fake = Fake::start(BANNER, |line, times| match (line, times) {
        ("DELE /a", 1) => Some(Say(b"421 good night\r\n")),
        ("DELE /a", _) => Some(Say(b"250 gone\r\n")),
        _ => None,
    });
    let fs = fake.connect().await;
    fs.remove_file(&path("/a")).await.unwrap();
}

/// Where no connection comes back, the session is lost, and says so.
#[tokio::test]
async fn a_server_that_is_gone_is_lost() {
    let fake = Fake::start(BANNER, |line, times| match (line, times) {
        ("DELE /a", _) => Some(Hang),
        ("USER ann", 2..) => Some(Say(b"421 not now\r\n")),
        _ => None,
    });
    let fs = fake.connect().await;
    let error = fs.remove_file(&path("/a")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionLost, "{error}");
    assert!(fs.is_lost());
    let lost = tokio::time::timeout(Duration::from_secs(5), fs.lost()).await.unwrap();
    assert_eq!(lost.kind(), ErrorKind::ConnectionLost);
}

/// LIST shows the server's own clock, MDTM shows UTC.
#[tokio::test]
async fn the_servers_zone_is_found_and_applied() {
    let listing =
        b"-rw-r--r-- 1 ann ann 5 2024-11-21 14:30 exact\r\n-rw-r--r-- 1 ann ann 5 2024-11-21 12:00 other\r\n";
    let fake = Fake::start(BANNER, move |line, _| match line {
        "MDTM /exact" => Some(Say(b"213 20241121123017\r\n")),
        line if line.starts_with("LIST") => Some(Send(b"150 x\r\n", listing.to_vec(), b"226 x\r\n")),
        _ => None,
    });
    let fs = fake.connect().await;
    for first in [true, false] {
        let found = entries(&*fs, "/").await.unwrap();
        let other = &found[1];
        // 10:00 in UTC.
        assert_eq!(other.attributes.mtime.map(|t| t.seconds % 86_400), Some(10 * 3600), "first {first}");
        assert_eq!(other.mtime_precision, Precision::Minute);
    }
}

#[tokio::test]
async fn every_reply_is_logged_with_its_text() {
    let fake = Fake::start("220-one\r\n220 two\r\n", list_of(FILE.to_vec()));
    let ear = Arc::new(Ear::default());
    let connected = fake.connect_with(fake.target(&wharf::fs::FTP), FtpOptions::default(), ear.clone()).await;
    let fs = connected.unwrap().fs;
    entries(&*fs, "/").await.unwrap();
    let log = ear.0.lock().unwrap();
    let of = |request: &str| -> Vec<(u32, &str)> {
        let lines = log.iter().filter(|line| line.request == request);
        lines.map(|line| (line.reply.code, line.reply.text.as_str())).collect()
    };
    assert_eq!(of("(greeting)"), [(220, "one\ntwo")]);
    assert_eq!(of("LIST -a"), [(150, "list"), (226, "done")]);
    assert!(of("EPSV").iter().all(|(code, _)| *code == 229));
    assert!(log.iter().all(|line| !format!("{line:?}").contains("pw")));
}

#[tokio::test]
async fn names_that_are_none_are_refused_and_the_rest_is_shown() {
    let listing = b"-rw-r--r-- 1 ann ann 5 Nov 21  2024 ../evil\r\n-rw-r--r-- 1 ann ann 5 Nov 21  2024 good\r\nwhat is this\r\n";
    let fake = Fake::start(BANNER, list_of(listing.to_vec()));
    let fs = fake.connect().await;
    let items: Vec<_> = fs.list(&path("/")).await.unwrap().collect().await;
    let names: Vec<Entry> = items.iter().flatten().flatten().cloned().collect();
    assert_eq!(names.iter().map(|e| &*e.name).collect::<Vec<_>>(), [&b"good"[..]]);
    let refused =
        items.iter().filter(|item| item.as_ref().is_err_and(|e| e.kind() == ErrorKind::InvalidName));
    assert_eq!(refused.count(), 2);
}

#[tokio::test]
async fn a_server_that_takes_minus_a_for_a_name_is_asked_without() {
    let fake = Fake::start(BANNER, |line, _| match line {
        "LIST -a" => Some(Send(b"150 x\r\n", Vec::new(), b"226 x\r\n")),
        "LIST" => Some(Send(b"150 x\r\n", FILE.to_vec(), b"226 x\r\n")),
        _ => None,
    });
    let fs = fake.connect().await;
    for _ in 0..2 {
        assert_eq!(entries(&*fs, "/").await.unwrap().len(), 1);
    }
    assert_eq!(fake.heard().iter().filter(|line| *line == "LIST -a").count(), 1);
}

#[tokio::test]
async fn a_missing_directory_is_not_an_empty_one() {
    let fake = Fake::start(BANNER, |line, _| match line {
        line if line.starts_with("CWD /missing") => Some(Say(b"550 cannot\r\n")),
        line if line.starts_with("LIST") => Some(Send(b"150 x\r\n", FILE.to_vec(), b"226 x\r\n")),
        _ => None,
    });
    let fs = fake.connect().await;
    assert_eq!(entries(&*fs, "/missing").await.unwrap_err().kind(), ErrorKind::NotFound);
}

/// MLST and a link: what leads somewhere else is not to be deleted through.
#[tokio::test]
async fn mlst_is_read_where_it_is_offered() {
    let fake = Fake::start(BANNER, |line, _| match line {
        "FEAT" => Some(Say(b"211-x\r\n MLST type*;size*;\r\n SIZE\r\n211 x\r\n")),
        "MLST /link" => Some(Say(b"250-x\r\n type=OS.unix=slink:/there;size=3; /link\r\n250 x\r\n")),
        "MLST /gone" => Some(Say(b"550 gone\r\n")),
        "MLST /bad" => Some(Say(b"250 nothing\r\n")),
        _ => None,
    });
    let fs = fake.connect().await;
    let entry = fs.lstat(&path("/link")).await.unwrap();
    assert_eq!((entry.kind, entry.target.as_deref()), (Kind::Symlink, Some(&b"/there"[..])));
    assert_eq!(fs.lstat(&path("/gone")).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(fs.lstat(&path("/bad")).await.unwrap_err().kind(), ErrorKind::Protocol);
}
