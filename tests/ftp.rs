//! FTP and FTPS on real servers, beyond the contract: whom to trust, how data connections come
//! about, what a server that counts its connections allows, charsets, and copies between places.

mod support;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt};
use support::{
    Sshd, SshdConfig,
    certificates::Issuer,
    ftp::{ALL, FtpConfig, FtpServer, Software, Tls, TlsVersion},
    program::{Ran, command, start},
};
use wharf::{
    fs::{
        Connected, Context, Error, ErrorKind, FileSystem, FtpOptions, LogLine, Observer, Operation,
        ReadOptions, RemotePath, SshOptions, Stage, Target, WriteOptions,
        ftp::{Active, DataMode},
    },
    trust::{Answer, Prompt, Question, UnknownCertificate},
};

#[derive(Default)]
struct Ear(Mutex<Vec<LogLine>>);

impl Ear {
    fn codes(&self, request: &str) -> Vec<u32> {
        let log = self.0.lock().unwrap();
        log.iter().filter(|l| l.request.starts_with(request)).map(|l| l.reply.code).collect()
    }
}

impl Observer for Ear {
    fn reply(&self, line: LogLine) {
        self.0.lock().unwrap().push(line);
    }

    fn stage(&self, _: Stage) {}
}

/// Answers every question alike and remembers the certificates it was shown.
struct Person {
    answer: Answer,
    shown: Mutex<Vec<UnknownCertificate>>,
}

impl Person {
    fn who_says(answer: Answer) -> Arc<Person> {
        Arc::new(Person { answer, shown: Mutex::default() })
    }

    fn shown(&self) -> Vec<UnknownCertificate> {
        self.shown.lock().unwrap().clone()
    }
}

#[async_trait]
impl Prompt for Person {
    async fn ask(&self, question: Question) -> Answer {
        if let Question::UnknownCertificate(certificate) = question {
            self.shown.lock().unwrap().push(*certificate);
        }
        self.answer.clone()
    }
}

fn target(server: &FtpServer) -> Target {
    let scheme = match server.config().tls {
        Tls::None => &wharf::fs::FTP,
        Tls::Implicit => &wharf::fs::FTPS,
        Tls::Offered | Tls::Required => &wharf::fs::FTPES,
    };
    Target {
        scheme,
        host: "127.0.0.1".into(),
        user: Some(server.user().to_owned()),
        port: Some(server.port()),
        password: Some(server.password().into()),
    }
}

async fn connect_as(
    server: &FtpServer,
    ftp: FtpOptions,
    prompt: Arc<dyn Prompt>,
    observer: Arc<dyn Observer>,
) -> Result<Connected, Error> {
    let context = Context { ssh: SshOptions::default(), ftp, prompt, observer, wanted: None };
    wharf::fs::connect(&target(server), &context).await
}

async fn connect(server: &FtpServer, options: FtpOptions) -> Arc<dyn FileSystem> {
    let options = FtpOptions { tls_ca: Some(server.ca_file()), ..options };
    let nobody = Person::who_says(Answer::No);
    connect_as(server, options, nobody, Arc::new(Ear::default())).await.unwrap().fs
}

fn at(server: &FtpServer, name: impl AsRef<[u8]>) -> RemotePath {
    RemotePath::new(server.home()).join(name.as_ref())
}

async fn put(fs: &dyn FileSystem, path: &RemotePath, content: &[u8]) -> Result<(), Error> {
    let mut sink = fs.write(path, WriteOptions { exclusive: true, ..WriteOptions::default() }).await?;
    for chunk in content.chunks(100_000) {
        sink.write(chunk.to_vec().into()).await?;
    }
    sink.finish().await.map(drop)
}

async fn get(fs: &dyn FileSystem, path: &RemotePath) -> Result<Vec<u8>, Error> {
    let chunks: Vec<bytes::Bytes> = fs.read(path, ReadOptions::default()).await?.try_collect().await?;
    Ok(chunks.concat())
}

fn noise(len: usize) -> Vec<u8> {
    (0..len as u64).map(|i| (i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as u8).collect()
}

fn tls(tls: Tls, issuer: Issuer) -> FtpConfig {
    FtpConfig { tls, issuer, ..FtpConfig::default() }
}

#[tokio::test]
async fn a_certificate_of_nobody_is_shown_and_pinned_and_a_changed_one_is_refused() {
    for software in ALL {
        let mut server = FtpServer::start(software, tls(Tls::Required, Issuer::Itself));
        let pins = server.dir().join("state/certificates");
        let options = FtpOptions { pins: Some(pins.clone()), ..FtpOptions::default() };
        let ear = || Arc::new(Ear::default());

        let no = Person::who_says(Answer::No);
        let error = connect_as(&server, options.clone(), no.clone(), ear()).await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::CertificateRefused, "{error}");
        assert!(error.changed_identity().is_none(), "{error}");
        let shown = no.shown().remove(0);
        assert_eq!(shown.fingerprint.to_string(), server.identity().fingerprint());
        assert!(shown.reason.contains("self-signed"), "{shown:?}");
        assert_eq!(shown.names, ["localhost", "127.0.0.1"]);
        assert_eq!((shown.not_before.as_str(), shown.not_after.as_str()), ("2020-01-01", "2090-01-01"));
        assert!(!pins.exists());

        let yes = Person::who_says(Answer::Yes);
        let connected = connect_as(&server, options.clone(), yes.clone(), ear()).await.unwrap();
        let path = at(&server, "file");
        put(&*connected.fs, &path, b"content").await.unwrap();
        assert_eq!(get(&*connected.fs, &path).await.unwrap(), b"content");
        assert!(fs::read_to_string(&pins).unwrap().contains(&server.identity().fingerprint()));

        let pinned = connect_as(&server, options.clone(), no.clone(), ear()).await.unwrap();
        assert_eq!(get(&*pinned.fs, &path).await.unwrap(), b"content");
        assert_eq!(no.shown().len(), 1, "asked again");

        let old = server.identity().fingerprint();
        server.restart_with_new_identity();
        let error = connect_as(&server, options, yes.clone(), ear()).await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::CertificateRefused, "{error}");
        let changed = error.changed_identity().expect("it is another one");
        assert_eq!(changed.fingerprint, server.identity().fingerprint());
        let [known] = changed.remembered.as_slice() else { panic!("{changed:?}") };
        assert_eq!((&known.fingerprint, &known.file, known.line), (&old, &pins, 1));
        assert_eq!(yes.shown().len(), 1, "a changed certificate is no question");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_certificate_is_said() {
    for (issuer, reason) in [
        (Issuer::AuthorityForAnotherName, "not for this server's name"),
        (Issuer::AuthorityLongAgo, "expired"),
    ] {
        let server = FtpServer::start(Software::Proftpd, tls(Tls::Implicit, issuer));
        let person = Person::who_says(Answer::No);
        let options = FtpOptions { tls_ca: Some(server.ca_file()), ..FtpOptions::default() };
        let outcome = connect_as(&server, options, person.clone(), Arc::new(Ear::default())).await;
        assert_eq!(outcome.err().unwrap().operation(), Operation::CheckCertificate);
        assert!(person.shown()[0].reason.contains(reason), "{:?}", person.shown());
    }
    let server = FtpServer::start(Software::Vsftpd, tls(Tls::Required, Issuer::Authority));
    let person = Person::who_says(Answer::No);
    let outcome = connect_as(&server, FtpOptions::default(), person.clone(), Arc::new(Ear::default())).await;
    assert_eq!(outcome.err().unwrap().kind(), ErrorKind::CertificateRefused);
    let reason = person.shown().remove(0).reason;
    assert!(reason.contains("roots"), "{reason}");
}

/// A self-signed certificate in `--tls-ca` is the server's own: trusted as it is.
#[tokio::test]
async fn the_servers_own_certificate_may_be_named_as_trusted() {
    let server = FtpServer::start(Software::Vsftpd, tls(Tls::Required, Issuer::Itself));
    let file = server.dir().join("own.pem");
    fs::write(&file, &server.identity().cert_pem).unwrap();
    let options = FtpOptions { tls_ca: Some(file), ..FtpOptions::default() };
    let person = Person::who_says(Answer::No);
    connect_as(&server, options, person.clone(), Arc::new(Ear::default())).await.unwrap();
    assert!(person.shown().is_empty());
}

#[tokio::test]
async fn both_versions_of_tls() {
    for (software, versions, newest, wanted) in [
        (Software::Vsftpd, None, false, "TLS 1.2"),
        (Software::Proftpd, None, false, "TLS 1.2"),
        (Software::Proftpd, None, true, "TLS 1.3"),
        (Software::Pureftpd, None, true, "TLS 1.3"),
        (Software::Pureftpd, Some((TlsVersion::V1_3, TlsVersion::V1_3)), false, "TLS 1.3"),
    ] {
        let config = FtpConfig { tls_versions: versions, ..tls(Tls::Required, Issuer::Authority) };
        let server = FtpServer::start(software, config);
        let options = FtpOptions {
            tls_ca: Some(server.ca_file()),
            tls13: newest,
            connections: 3,
            ..FtpOptions::default()
        };
        let nobody = Person::who_says(Answer::No);
        let connected = connect_as(&server, options, nobody, Arc::new(Ear::default())).await.unwrap();
        assert_eq!(connected.info.trust, wanted, "{software:?}");
        let content = noise(300_000);
        for number in 0..6 {
            let path = at(&server, format!("file{number}"));
            put(&*connected.fs, &path, &content).await.unwrap();
            assert!(get(&*connected.fs, &path).await.unwrap() == content);
        }
    }
}

#[tokio::test]
async fn active_data_connections() {
    for software in ALL {
        for tls_wanted in [Tls::None, Tls::Required] {
            let server = FtpServer::start(software, tls(tls_wanted, Issuer::Authority));
            let ear = Arc::new(Ear::default());
            let options = FtpOptions {
                tls_ca: Some(server.ca_file()),
                data: DataMode::Active,
                active: Active {
                    ports: Some((20_000, 60_000)),
                    external: Some("127.0.0.1".parse().unwrap()),
                },
                ..FtpOptions::default()
            };
            let nobody = Person::who_says(Answer::No);
            let fs = connect_as(&server, options, nobody, ear.clone()).await.unwrap().fs;
            let path = at(&server, "file");
            let content = noise(500_000);
            put(&*fs, &path, &content).await.unwrap();
            assert!(get(&*fs, &path).await.unwrap() == content);
            let listed = fs.list(&RemotePath::new(server.home())).await.unwrap().try_concat().await.unwrap();
            assert_eq!(listed.len(), 1);
            assert!(ear.codes("EPSV").is_empty() && !ear.codes("EPRT").is_empty());
        }
    }
}

/// Passive mode is refused: active mode is tried without being told.
#[tokio::test]
async fn active_mode_is_tried_where_passive_is_refused() {
    let config = FtpConfig { extra: vec!["pasv_enable=NO".into()], ..FtpConfig::default() };
    let server = FtpServer::start(Software::Vsftpd, config);
    let fs = connect(&server, FtpOptions::default()).await;
    put(&*fs, &at(&server, "file"), b"content").await.unwrap();
    assert_eq!(get(&*fs, &at(&server, "file")).await.unwrap(), b"content");
}

#[tokio::test]
async fn names_in_a_charset_of_the_sites_own() {
    for software in ALL {
        let server = FtpServer::start(software, FtpConfig::default());
        let options = FtpOptions { charset: Some("latin1".into()), ..FtpOptions::default() };
        let ftp = connect(&server, options).await;
        put(&*ftp, &at(&server, "café"), b"content").await.unwrap();
        use std::os::unix::ffi::OsStrExt;
        let stored: Vec<_> = fs::read_dir(server.root()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(stored[0].as_bytes(), b"caf\xe9", "{software:?}");
        let listed = ftp.list(&RemotePath::new(server.home())).await.unwrap().try_concat().await.unwrap();
        assert_eq!(&*listed[0].name, "café".as_bytes());
        assert_eq!(get(&*ftp, &at(&server, "café")).await.unwrap(), b"content");
        let error = put(&*ftp, &at(&server, "港"), b"").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidName, "{error}");
    }
}

/// Only EPSV and EPRT name no IPv4 address: RFC 2428.
#[tokio::test]
async fn over_ipv6() {
    let server = FtpServer::start(Software::Vsftpd, FtpConfig { ipv6: true, ..FtpConfig::default() });
    for (data, wanted) in [(DataMode::Automatic, "EPSV"), (DataMode::Active, "EPRT |2|::1|")] {
        let ear = Arc::new(Ear::default());
        let context = Context {
            ssh: SshOptions::default(),
            ftp: FtpOptions { data, ..FtpOptions::default() },
            prompt: Person::who_says(Answer::No),
            observer: ear.clone(),
            wanted: None,
        };
        let there = Target { host: "::1".into(), ..target(&server) };
        let fs = wharf::fs::connect(&there, &context).await.unwrap().fs;
        let path = at(&server, wanted.get(..4).unwrap());
        put(&*fs, &path, &noise(200_000)).await.unwrap();
        assert!(get(&*fs, &path).await.unwrap() == noise(200_000));
        let said = ear.codes(wanted);
        assert!(said.iter().all(|code| matches!(code, 200 | 229)) && said.len() >= 2, "{wanted}: {said:?}");
        assert!(ear.codes("PASV").is_empty() && ear.codes("PORT").is_empty());
    }
}

/// What a bookmark keeps counts wherever its server is reached, unless the command line says
/// otherwise.
#[test]
fn a_bookmark_keeps_what_its_site_needs() {
    let server = FtpServer::start(Software::Vsftpd, FtpConfig { anonymous: true, ..FtpConfig::default() });
    fs::write(server.anonymous_root().join("public"), b"for all").unwrap();
    let wharf = |arguments: &[&str]| {
        let mut command = command(Path::new("none"), arguments);
        command.env("XDG_CONFIG_HOME", server.dir().join("config"));
        command.env("XDG_STATE_HOME", server.dir().join("state"));
        start(command).wait()
    };
    let place = format!("ftp://127.0.0.1:{}", server.port());
    let options = ["--ftp-active", "--ftp-charset=latin1", "--connections=3"];
    wharf(&[&["bookmark", "add", "site", &place], &options[..]].concat()).ends(0);
    let shown = wharf(&["bookmark", "show", "site"]).ends(0).text();
    assert!(shown.contains("active, charset=latin1, connections=3"), "{shown}");
    for (arguments, has, lacks) in [
        (&["-v", "ls", "site:"][..], "EPRT", "EPSV"),
        (&["-v", "ls", &place][..], "EPRT", "EPSV"),
        (&["-v", "--ftp-passive", "cat", "site:/public"][..], "EPSV", "EPRT"),
    ] {
        let ran = wharf(arguments).ends(0);
        let said = |verb: &str| ran.stderr.lines().any(|line| line.starts_with(verb));
        assert!(said(has) && !said(lacks), "{}", ran.stderr);
    }
    wharf(&["bookmark", "add", "other", "sftp://host", "--ftp-active"]).ends(2).says(&["FTP"]);
    // What somebody has written wrongly is said, and costs no more than itself.
    let file = server.dir().join("config/wharf/bookmarks.toml");
    let text = fs::read_to_string(&file).unwrap().replace("connections=3", "fast");
    fs::write(&file, text).unwrap();
    wharf(&["-v", "ls", "site:"]).ends(0).says(&["\nEPSV"]);
    wharf(&["bookmark", "list"]).ends(0).says(&["fast is no FTP option"]);
}

/// A port is asked for ahead: its answer may have lain there for long when it is read.
#[tokio::test]
async fn the_log_does_not_take_idle_time_for_the_servers() {
    for software in ALL {
        let server = FtpServer::start(software, FtpConfig::default());
        let ear = Arc::new(Ear::default());
        let context = Context {
            ssh: SshOptions::default(),
            ftp: FtpOptions::default(),
            prompt: Person::who_says(Answer::No),
            observer: ear.clone(),
            wanted: None,
        };
        let fs = wharf::fs::connect(&target(&server), &context).await.unwrap().fs;
        put(&*fs, &at(&server, "file"), b"content").await.unwrap();
        for _ in 0..2 {
            tokio::time::sleep(Duration::from_millis(1500)).await;
            assert_eq!(get(&*fs, &at(&server, "file")).await.unwrap(), b"content");
        }
        let log = ear.0.lock().unwrap();
        let ports: Vec<_> = log.iter().filter(|line| line.request == "EPSV").collect();
        assert!(ports.len() >= 3, "{software:?}: {ports:?}");
        for line in ports {
            assert!(line.elapsed < Duration::from_secs(1), "{software:?}: {line:?}");
        }
    }
}

#[tokio::test]
async fn anonymous_logins_need_no_words() {
    for software in [Software::Vsftpd, Software::Proftpd] {
        let server = FtpServer::start(software, FtpConfig { anonymous: true, ..FtpConfig::default() });
        fs::write(server.anonymous_root().join("public"), b"for all").unwrap();
        let mut target = target(&server);
        (target.user, target.password) = (None, None);
        let context = Context {
            ssh: SshOptions::default(),
            ftp: FtpOptions::default(),
            prompt: Person::who_says(Answer::No),
            observer: Arc::new(Ear::default()),
            wanted: None,
        };
        let fs = wharf::fs::connect(&target, &context).await.unwrap().fs;
        assert_eq!(get(&*fs, &RemotePath::new("/public")).await.unwrap(), b"for all");
    }
}

#[tokio::test]
async fn a_server_that_allows_two_connections_gets_two_and_serves_all() {
    for software in ALL {
        let config = FtpConfig { max_per_address: Some(2), ..FtpConfig::default() };
        let server = FtpServer::start(software, config);
        let fs = connect(&server, FtpOptions::default()).await;
        let files = (0..40).map(|number| {
            let (fs, path) = (&fs, at(&server, format!("file{number}")));
            async move {
                put(&**fs, &path, format!("content {number}").as_bytes()).await.unwrap();
                assert_eq!(get(&**fs, &path).await.unwrap(), format!("content {number}").as_bytes());
                fs.capabilities().parallel_files
            }
        });
        // Once nothing has become free for long, the server is asked for more again: on a slow
        // machine what was learnt may be over by the end.
        let learnt = futures::future::join_all(files).await;
        assert!(learnt.iter().any(|most| *most <= 2), "{software:?}: {learnt:?}");
        assert!(!fs.is_lost());
    }
}

#[tokio::test]
async fn sessions_that_were_cut_come_back() {
    for software in ALL {
        let server = FtpServer::start(software, FtpConfig::default());
        let fs = connect(&server, FtpOptions::default()).await;
        let path = at(&server, "file");
        put(&*fs, &path, b"content").await.unwrap();
        server.cut_sessions();
        assert_eq!(get(&*fs, &path).await.unwrap(), b"content", "{software:?}");
        server.cut_sessions();
        assert_eq!(fs.stat(&path).await.unwrap().attributes.size, Some(7));
        server.cut_sessions();
        put(&*fs, &at(&server, "more"), b"content").await.unwrap();
    }
}

/// A big file is gone on with over another connection when its own is cut.
#[tokio::test]
async fn reading_survives_a_cut() {
    let server = FtpServer::start(Software::Vsftpd, FtpConfig::default());
    let content = noise(64 << 20);
    server.put("big", &content);
    let fs = connect(&server, FtpOptions::default()).await;
    let mut stream = fs.read(&at(&server, "big"), ReadOptions::default()).await.unwrap();
    let mut got = Vec::new();
    let mut cut = false;
    while let Some(chunk) = stream.try_next().await.unwrap() {
        got.extend_from_slice(&chunk);
        if !cut && got.len() > 1 << 20 {
            server.cut_sessions();
            cut = true;
        }
    }
    assert!(cut && got == content, "{} bytes", got.len());
}

#[tokio::test]
async fn a_cancelled_transfer_costs_its_connection_alone() {
    let server = FtpServer::start(Software::Proftpd, FtpConfig::default());
    server.put("big", &noise(16 << 20));
    let fs = connect(&server, FtpOptions::default()).await;
    for _ in 0..10 {
        let mut stream = fs.read(&at(&server, "big"), ReadOptions::default()).await.unwrap();
        stream.try_next().await.unwrap().unwrap();
        drop(stream);
        let sink = fs.write(&at(&server, "part"), WriteOptions::default()).await.unwrap();
        drop(sink);
        assert_eq!(fs.stat(&at(&server, "big")).await.unwrap().attributes.size, Some(16 << 20));
    }
}

/// A directory that takes no new names has its files written in place: by the kind of the error.
#[tokio::test]
async fn a_directory_without_room_for_names_is_permission_denied() {
    use std::os::unix::fs::PermissionsExt;
    for software in ALL {
        let server = FtpServer::start(software, FtpConfig::default());
        let dir = server.root().join("closed");
        fs::create_dir(&dir).unwrap();
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o555)).unwrap();
        server.give(&dir);
        let ftp = connect(&server, FtpOptions::default()).await;
        let error = put(&*ftp, &at(&server, "closed").join(b"new"), b"x").await.unwrap_err();
        assert_eq!(
            (error.kind(), error.operation()),
            (ErrorKind::PermissionDenied, Operation::Open),
            "{error}"
        );
    }
}

fn run(server: &FtpServer, arguments: &[&str]) -> Ran {
    let mut all = vec!["--tls-ca".to_owned(), server.ca_file().display().to_string()];
    all.extend(arguments.iter().map(|argument| (*argument).to_owned()));
    let mut command = command(Path::new("none"), all);
    command.env("XDG_STATE_HOME", server.dir().join("state"));
    start(command).wait()
}

fn url(server: &FtpServer, path: &str) -> String {
    let scheme = target(server).scheme.name;
    let password = server.password().replace(' ', "%20");
    format!("{scheme}://{}:{password}@127.0.0.1:{}{path}", server.user(), server.port())
}

fn tree(root: &Path, files: usize) {
    for number in 0..files {
        let dir = root.join(format!("d{}", number % 5));
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join(format!("f{number}")), noise(100 + number * 37)).unwrap();
    }
}

fn same(a: &Path, b: &Path) {
    let list = |root: &Path| -> Vec<(PathBuf, Vec<u8>)> {
        let mut out = Vec::new();
        let mut dirs = vec![root.to_owned()];
        while let Some(dir) = dirs.pop() {
            for entry in fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    dirs.push(path);
                } else {
                    out.push((path.strip_prefix(root).unwrap().to_owned(), fs::read(&path).unwrap()));
                }
            }
        }
        out.sort();
        out
    };
    assert!(list(a) == list(b), "{} and {} differ", a.display(), b.display());
}

#[test]
fn the_commands_on_every_server() {
    for software in ALL {
        let server = FtpServer::start(software, tls(Tls::Required, Issuer::Authority));
        let here = tempfile::tempdir().unwrap();
        let source = here.path().join("up");
        tree(&source, 60);
        let there = |path: &str| url(&server, &format!("{}{path}", server.home()));
        run(&server, &["cp", "-r", source.to_str().unwrap(), &there("/up")]).ends(0);
        same(&source, &server.root().join("up"));
        // The same again is skipped: times are known to the second.
        run(&server, &["cp", "-r", source.to_str().unwrap(), &there("/")]).ends(0);
        same(&source, &server.root().join("up"));
        run(&server, &["cp", "-r", &there("/up"), here.path().join("down").to_str().unwrap()]).ends(0);
        same(&source, &here.path().join("down"));
        // Within the server, and moved.
        run(&server, &["cp", "-r", &there("/up"), &there("/copy")]).ends(0);
        same(&source, &server.root().join("copy"));
        run(&server, &["mv", &there("/copy"), &there("/moved")]).ends(0);
        same(&source, &server.root().join("moved"));
        run(&server, &["mv", &there("/moved"), here.path().to_str().unwrap()]).ends(0);
        same(&source, &here.path().join("moved"));
        assert!(!server.root().join("moved").exists());
        run(&server, &["mkdir", "-p", &there("/a/b/c")]).ends(0);
        run(&server, &["chmod", "640", &there("/up/d0/f0")]).ends(0);
        let said = run(&server, &["stat", "--json", &there("/up/d0/f0")]).ends(0).text();
        assert!(said.contains("\"size\":100") && said.contains("640"), "{said}");
        assert_eq!(run(&server, &["cat", &there("/up/d0/f0")]).ends(0).stdout, noise(100));
        let listed = run(&server, &["ls", &there("/up/d1")]).ends(0).lines();
        assert_eq!(listed.len(), 12, "{listed:?}");
        std::os::unix::fs::symlink("up", server.root().join("link")).unwrap();
        run(&server, &["rm", "-r", &there("/link")]).ends(0);
        assert!(server.root().join("up/d0/f0").exists(), "deleted through a link: {software:?}");
        fs::create_dir(server.root().join("other")).unwrap();
        fs::write(server.root().join("other/precious"), "x").unwrap();
        std::os::unix::fs::symlink("../other", server.root().join("up/inner")).unwrap();
        run(&server, &["rm", "-r", &there("/up"), &there("/a")]).ends(0);
        assert!(!server.root().join("up").exists());
        assert!(server.root().join("other/precious").exists(), "deleted through a link: {software:?}");
        run(&server, &["ls", &there("/nowhere")]).ends(1).says(&["/nowhere"]);
        run(&server, &["rm", &there("/nowhere")]).ends(1);
    }
}

#[test]
fn exit_codes_of_what_does_not_come_about() {
    let server = FtpServer::start(Software::Vsftpd, tls(Tls::Required, Issuer::Itself));
    run(&server, &["ls", &url(&server, "/")]).ends(4).says(&[
        "certificate",
        "self-signed",
        &server.identity().fingerprint(),
    ]);
    let trusted = FtpServer::start(Software::Vsftpd, tls(Tls::Required, Issuer::Authority));
    let wrong = url(&trusted, "/").replace("correct", "wrong");
    run(&trusted, &["ls", &wrong]).ends(3).says(&["530"]);
    // Nothing is said in the clear where TLS was asked for, and the other way round.
    let plain = FtpServer::start(Software::Vsftpd, FtpConfig::default());
    run(&plain, &["ls", &url(&plain, "/").replace("ftp://", "ftpes://")]).ends(3).says(&["TLS"]);
    run(&plain, &["ls", &url(&plain, "/").replace("ftp://", "ftps://")]).ends(3);
    run(&plain, &["--tls-ca", "/nowhere", "ls", &url(&plain, "/")]).ends(2);
}

#[test]
fn from_sftp_to_ftp_and_back() {
    let server = FtpServer::start(Software::Proftpd, FtpConfig::default());
    let sshd = Sshd::start(SshdConfig::default());
    let here = tempfile::tempdir().unwrap();
    let source = here.path().join("tree");
    tree(&source, 40);
    let ssh = |path: &Path| format!("{}:{}", support::ALIAS, path.display());
    let ftp = |path: &str| url(&server, &format!("{}{path}", server.home()));
    let config = sshd.ssh_config();
    let wharf = |from: &str, to: &str| support::program::wharf(&config, ["cp", "-r", from, to]).ends(0);
    wharf(&ssh(&source), &ftp("/tree"));
    same(&source, &server.root().join("tree"));
    let back = here.path().join("back");
    wharf(&ftp("/tree"), &ssh(&back));
    same(&source, &back);
    let other = FtpServer::start(Software::Pureftpd, FtpConfig::default());
    wharf(&ftp("/tree"), &url(&other, &format!("{}/tree", other.home())));
    same(&source, &other.root().join("tree"));
}

/// Copying within a server that allows two connections needs both for each file.
#[test]
fn copying_within_a_server_of_two_connections() {
    let server =
        FtpServer::start(Software::Vsftpd, FtpConfig { max_per_address: Some(2), ..FtpConfig::default() });
    tree(&server.root().join("tree"), 30);
    for entry in fs::read_dir(server.root().join("tree")).unwrap() {
        server.give(&entry.unwrap().path());
    }
    let there = |path: &str| url(&server, &format!("{}{path}", server.home()));
    let started = Instant::now();
    run(&server, &["cp", "-r", &there("/tree"), &there("/copy")]).ends(0);
    same(&server.root().join("tree"), &server.root().join("copy"));
    assert!(started.elapsed() < Duration::from_secs(30));
}

/// Both print the name as it is, and so its second half as a line of its own.
#[tokio::test]
async fn a_name_with_a_line_break_is_not_listed_under_its_halves() {
    for software in [Software::Vsftpd, Software::Proftpd] {
        let server = FtpServer::start(software, FtpConfig::default());
        server.put("good", b"good");
        server.put("a\nb", b"");
        server.put("x\n-rw-r--r--   1 1000     1000            5 Nov 20 21:02 precious", b"");
        let fs = connect(&server, FtpOptions::default()).await;
        let items: Vec<_> = fs.list(&RemotePath::new(server.home())).await.unwrap().collect().await;
        let names: Vec<Vec<u8>> = items.iter().flatten().flatten().map(|entry| entry.name.to_vec()).collect();
        assert_eq!(names, [b"good".to_vec()], "{software:?}");
        let is_broken = |error: &&&Error| error.detail().is_some_and(|text| text.contains("line break"));
        let errors: Vec<&Error> = items.iter().filter_map(|item| item.as_ref().err()).collect();
        assert_eq!(errors.iter().filter(is_broken).count(), 2, "{software:?} {errors:?}");
        assert_eq!(errors.len(), 2, "{software:?} {errors:?}");
    }
}

/// The log told of a lost session where the program had just come to its end.
#[test]
fn leaving_in_good_order_is_no_failure_in_the_log() {
    let server = FtpServer::start(Software::Vsftpd, FtpConfig::default());
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let place = url(&server, &server.home());
    run(&server, &["--log", log.to_str().unwrap(), "ls", &place]).ends(0);
    let text = fs::read_to_string(log).unwrap();
    assert!(text.contains("QUIT") && !text.contains("failed"), "{text}");
}
