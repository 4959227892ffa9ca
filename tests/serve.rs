//! The SFTP server, asked by another client than wharf's own.

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use futures::{StreamExt, TryStreamExt};
use russh::client;
use russh_sftp::{
    client::{Config, RawSftpSession, error::Error},
    protocol::{FileAttributes, OpenFlags, Packet, StatusCode},
};
use secrecy::ExposeSecret;
use tokio::time::timeout;
use wharf::{
    fs::{FileSystem, RemotePath, memory::Memory},
    serve::{self, HostKey, Server, Share, demo},
};

const MIB: usize = 1 << 20;

struct Trusting(HostKey);

impl client::Handler for Trusting {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        key: &russh::keys::PublicKeyOrCertificate,
    ) -> Result<bool, Self::Error> {
        let russh::keys::PublicKeyOrCertificate::PublicKey { key, .. } = key else { return Ok(false) };
        assert_eq!(key.to_openssh().unwrap().trim_end(), self.0.line);
        assert_eq!(key.to_bytes().unwrap(), self.0.blob);
        Ok(true)
    }
}

async fn connect(server: &Server) -> client::Handle<Trusting> {
    let config = client::Config { window_size: 1 << 20, ..client::Config::default() };
    client::connect(Arc::new(config), server.addr(), Trusting(server.host_key().clone())).await.unwrap()
}

async fn channel(ssh: &client::Handle<Trusting>) -> RawSftpSession {
    let channel = ssh.channel_open_session().await.unwrap();
    channel.request_subsystem(true, "sftp").await.unwrap();
    let config = Config { max_packet_len: 1 << 20, request_timeout_secs: 60, ..Config::default() };
    let sftp = RawSftpSession::new_with_config(channel.into_stream(), config);
    let version = sftp.init().await.unwrap();
    assert_eq!(version.extensions.get("posix-rename@openssh.com").map(String::as_str), Some("1"));
    sftp
}

struct Shared {
    memory: Arc<Memory>,
    server: Server,
    ssh: client::Handle<Trusting>,
    sftp: RawSftpSession,
}

async fn shared() -> Shared {
    let memory = Arc::new(Memory::new("shared"));
    let share = Share { fs: memory.clone(), user: "ann".into(), password: "tide".into() };
    let server = serve::start(share, (Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let mut ssh = connect(&server).await;
    assert!(ssh.authenticate_password("ann", "tide").await.unwrap().success());
    let sftp = channel(&ssh).await;
    Shared { memory, server, ssh, sftp }
}

fn path(text: &str) -> RemotePath {
    RemotePath::new(text)
}

fn noise(len: usize) -> Vec<u8> {
    (0..len as u64).map(|i| (i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8).collect()
}

#[track_caller]
fn refused<T>(result: Result<T, Error>, code: StatusCode) -> String {
    match result {
        Err(Error::Status(status)) => {
            assert_eq!(status.status_code, code, "{}", status.error_message);
            assert!(!status.error_message.is_empty());
            status.error_message
        }
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("went through; expected {code}"),
    }
}

const CREATE: OpenFlags = OpenFlags::WRITE.union(OpenFlags::CREATE).union(OpenFlags::TRUNCATE);

async fn put(sftp: &RawSftpSession, name: &str, content: &[u8], block: usize) -> Result<(), Error> {
    let handle = sftp.open(name, CREATE, FileAttributes::empty()).await?.handle;
    let writes = content.chunks(block).enumerate().map(|(i, part)| {
        let handle = handle.clone();
        async move { sftp.write(handle, (i * block) as u64, part.to_vec()).await }
    });
    futures::stream::iter(writes).buffered(32).try_collect::<Vec<_>>().await?;
    sftp.close(handle).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn puts_and_gets() {
    let Shared { memory, sftp, server: _server, ssh: _ssh } = shared().await;
    for (len, block) in [(0, 1), (10, 10), (3 * MIB + 7, 32_768), (5 * MIB, 256 << 10)] {
        let content = noise(len);
        put(&sftp, "/file", &content, block).await.unwrap();
        assert!(memory.content(&path("/file")).unwrap() == content);
        let handle = sftp.open("/file", OpenFlags::READ, FileAttributes::empty()).await.unwrap().handle;
        // More of them under way than the client's window has room for.
        let reads = (0..len.div_ceil(100_000)).map(|i| {
            let (sftp, handle) = (&sftp, handle.clone());
            async move { sftp.read(handle, (i * 100_000) as u64, 100_000).await.map(|data| data.data) }
        });
        let parts: Vec<Vec<u8>> = futures::stream::iter(reads).buffered(128).try_collect().await.unwrap();
        assert!(parts.concat() == content, "{len}");
        refused(sftp.read(handle.clone(), len as u64, 10).await, StatusCode::Eof);
        sftp.close(handle).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_anywhere() {
    let Shared { memory, sftp, server: _server, ssh: _ssh } = shared().await;
    let content = noise(4 * MIB);
    memory.plant(&path("/file"), &content).unwrap();
    let handle = sftp.open("/file", OpenFlags::READ, FileAttributes::empty()).await.unwrap().handle;
    for offset in [0, 100, 50, 3 * MIB, MIB, MIB + 1000, MIB + 1000 + 500_000, 4 * MIB - 10, 0] {
        let data = sftp.read(handle.clone(), offset as u64, 70_000).await.unwrap().data;
        assert!(data == content[offset..(offset + 70_000).min(content.len())], "{offset}");
    }
    refused(sftp.read(handle.clone(), 100 * MIB as u64, 10).await, StatusCode::Eof);
    let data = sftp.read(handle, 0, 4 * MIB as u32).await.unwrap().data;
    assert!(!data.is_empty() && content.starts_with(&data));
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_out_of_order_within_reason() {
    let Shared { memory, sftp, server: _server, ssh: _ssh } = shared().await;
    let handle = sftp.open("/file", CREATE, FileAttributes::empty()).await.unwrap().handle;
    sftp.write(handle.clone(), 4, b"efgh".to_vec()).await.unwrap();
    sftp.write(handle.clone(), 8, b"ij".to_vec()).await.unwrap();
    sftp.write(handle.clone(), 0, b"abcd".to_vec()).await.unwrap();
    refused(sftp.write(handle.clone(), 2, b"x".to_vec()).await, StatusCode::Failure);
    // A gap is told of when the file is closed; too much behind one at once.
    let far = 100 * MIB as u64;
    sftp.write(handle.clone(), far, noise(200_000)).await.unwrap();
    let mut result = Ok(());
    for i in 1..100 {
        result = sftp.write(handle.clone(), far + i * 200_000, noise(200_000)).await.map(drop);
        if result.is_err() {
            break;
        }
    }
    refused(result, StatusCode::Failure);
    refused(sftp.close(handle.clone()).await, StatusCode::Failure);
    refused(sftp.close(handle).await, StatusCode::Failure);
    assert_eq!(memory.content(&path("/file")).unwrap(), b"abcdefghij");
    let update = sftp.open("/file", OpenFlags::WRITE, FileAttributes::empty()).await;
    refused(update, StatusCode::OpUnsupported);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_with_long_names() {
    let Shared { memory, sftp, server: _server, ssh: _ssh } = shared().await;
    for i in 0..500 {
        memory.plant(&path(&format!("/dir/file {i}")), b"12345").unwrap();
    }
    memory.plant(&RemotePath::new(b"/dir/latin\xe9"), b"").unwrap();
    let handle = sftp.opendir("/dir").await.unwrap().handle;
    let mut names = Vec::new();
    loop {
        match sftp.readdir(handle.clone()).await {
            Ok(batch) => {
                assert!((1..=200).contains(&batch.files.len()));
                names.extend(batch.files);
            }
            result => {
                refused(result, StatusCode::Eof);
                break;
            }
        }
    }
    assert_eq!(names.len(), 500, "the name that is not UTF-8 is left out");
    assert!(names[0].longname.starts_with("-rw-r--r--"), "{}", names[0].longname);
    assert_eq!((names[0].attrs.size, names[0].attrs.is_regular()), (Some(5), true));
    sftp.close(handle).await.unwrap();
    refused(sftp.opendir("/dir/file 1").await, StatusCode::Failure);
    refused(sftp.opendir("/missing").await, StatusCode::NoSuchFile);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_come_and_go() {
    let Shared { memory, sftp, server: _server, ssh: _ssh } = shared().await;
    sftp.mkdir("/dir", FileAttributes { permissions: Some(0o750), ..FileAttributes::empty() }).await.unwrap();
    assert_eq!(sftp.stat("/dir").await.unwrap().attrs.permissions, Some(0o40750));
    refused(sftp.mkdir("/dir", FileAttributes::empty()).await, StatusCode::Failure);
    put(&sftp, "/a", b"a", 1).await.unwrap();
    put(&sftp, "/b", b"b", 1).await.unwrap();
    assert!(refused(sftp.rename("/a", "/b").await, StatusCode::Failure).contains("exists"));
    sftp.rename("/a", "/dir/a").await.unwrap();
    assert!(refused(sftp.rmdir("/dir").await, StatusCode::Failure).contains("not empty"));
    refused(sftp.remove("/dir").await, StatusCode::Failure);
    let two = |old: &str, new: &str| {
        let string = |s: &str| [&(s.len() as u32).to_be_bytes()[..], s.as_bytes()].concat();
        [string(old), string(new)].concat()
    };
    let replaced = sftp.extended("posix-rename@openssh.com", two("/dir/a", "/b")).await.unwrap();
    assert!(matches!(replaced, Packet::Status(status) if status.status_code == StatusCode::Ok));
    assert_eq!(memory.content(&path("/b")).unwrap(), b"a");
    sftp.rmdir("/dir").await.unwrap();
    sftp.remove("/b").await.unwrap();
    refused(sftp.stat("/b").await, StatusCode::NoSuchFile);
    assert_eq!(sftp.realpath("x/../y").await.unwrap().files[0].filename, "/y");
}

#[tokio::test(flavor = "multi_thread")]
async fn links_with_openssh_s_order() {
    let Shared { memory, sftp, server: _server, ssh: _ssh } = shared().await;
    memory.plant(&path("/file"), b"content").unwrap();
    sftp.symlink("file", "/link").await.unwrap();
    assert_eq!(memory.read_link(&path("/link")).await.unwrap(), b"file");
    assert_eq!(sftp.readlink("/link").await.unwrap().files[0].filename, "file");
    assert!(sftp.lstat("/link").await.unwrap().attrs.is_symlink());
    assert_eq!(sftp.stat("/link").await.unwrap().attrs.size, Some(7));
    assert_eq!(sftp.realpath("/link").await.unwrap().files[0].filename, "/file");
}

#[tokio::test(flavor = "multi_thread")]
async fn attributes_and_extensions() {
    let Shared { memory, sftp, server: _server, ssh: _ssh } = shared().await;
    let times = |mtime| FileAttributes {
        permissions: Some(0o100640),
        atime: Some(1),
        mtime: Some(mtime),
        ..FileAttributes::empty()
    };
    let handle = sftp.open("/file", CREATE, times(0)).await.unwrap().handle;
    sftp.write(handle.clone(), 0, b"12345".to_vec()).await.unwrap();
    sftp.fsetstat(handle.clone(), times(1_234_567)).await.unwrap();
    assert_eq!(sftp.fstat(handle.clone()).await.unwrap().attrs.size, Some(5));
    sftp.fsync(handle.clone()).await.unwrap();
    sftp.close(handle).await.unwrap();
    let attributes = memory.stat(&path("/file")).await.unwrap().attributes;
    assert_eq!((attributes.mtime.unwrap().seconds, attributes.mode), (1_234_567, Some(0o640)));
    sftp.setstat("/file", times(7)).await.unwrap();
    assert_eq!(sftp.stat("/file").await.unwrap().attrs.mtime, Some(7));
    memory.set_capacity(Some(40_960));
    let space = sftp.statvfs("/").await.unwrap();
    assert_eq!(space.blocks * space.fragment_size, 40_960);
    assert_eq!(sftp.limits().await.unwrap().max_read_len, 255 << 10);
    let unknown = sftp.extended("copy-data", Vec::new()).await.unwrap();
    assert!(matches!(unknown, Packet::Status(status) if status.status_code == StatusCode::OpUnsupported));
    assert!(refused(put(&sftp, "/big", &noise(MIB), 32_768).await, StatusCode::Failure).contains("space"));
}

#[tokio::test(flavor = "multi_thread")]
async fn handles_are_bounded_and_never_reused() {
    let Shared { memory, sftp, server: _server, ssh: _ssh } = shared().await;
    memory.plant(&path("/file"), b"content").unwrap();
    let mut handles = Vec::new();
    let words = loop {
        match sftp.open("/file", OpenFlags::READ, FileAttributes::empty()).await {
            Ok(opened) => handles.push(opened.handle),
            result => break refused(result, StatusCode::Failure),
        }
        assert!(handles.len() < 10_000);
    };
    assert!(words.contains("too many"), "{words}");
    let closed = handles.pop().unwrap();
    sftp.close(closed.clone()).await.unwrap();
    let reopened = sftp.open("/file", OpenFlags::READ, FileAttributes::empty()).await.unwrap().handle;
    assert!(reopened != closed && !handles.contains(&reopened));
    refused(sftp.read(closed, 0, 1).await, StatusCode::Failure);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_off_download_leaves_the_connection_usable() {
    let Shared { memory, ssh, server: _server, sftp: _sftp } = shared().await;
    memory.plant(&path("/file"), &noise(8 * MIB)).unwrap();
    for _ in 0..15 {
        let sftp = channel(&ssh).await;
        let handle = sftp.open("/file", OpenFlags::READ, FileAttributes::empty()).await.unwrap().handle;
        let first = sftp.read(handle.clone(), 0, 1000).await.unwrap();
        assert_eq!(first.data.len(), 1000);
        let many = (0..64).map(|i| sftp.read(handle.clone(), i * 100_000, 100_000));
        let abandoned = timeout(Duration::from_millis(1), futures::future::join_all(many)).await;
        drop(abandoned);
        drop(sftp);
    }
    let sftp = channel(&ssh).await;
    assert_eq!(sftp.stat("/file").await.unwrap().attrs.size, Some(8 * MIB as u64));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_right_password_opens() {
    let Shared { server, ssh: _ssh, sftp: _sftp, .. } = shared().await;
    let mut ssh = connect(&server).await;
    for (user, password) in [("ann", "tidal"), ("bob", "tide")] {
        assert!(!ssh.authenticate_password(user, password).await.unwrap().success());
    }
    assert!(!ssh.authenticate_none("ann").await.unwrap().success());
    assert!(ssh.authenticate_password("ann", "tide").await.unwrap().success());
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_ends_sessions() {
    let Shared { server, sftp, ssh: _ssh, .. } = shared().await;
    let addr = server.addr();
    timeout(Duration::from_secs(10), server.shutdown()).await.unwrap();
    assert!(sftp.stat("/").await.is_err());
    assert!(tokio::net::TcpStream::connect(addr).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_is_what_it_says() {
    let demo = demo::start().await.unwrap();
    let mut ssh = connect(demo.server()).await;
    let password = demo.password().expose_secret();
    assert!(ssh.authenticate_password(demo.user(), password).await.unwrap().success());
    let sftp = channel(&ssh).await;
    for there in ["/README.txt", "/ships/海鷗.txt", "/harbour/.pilot-notes", "/harbour/tide table.txt"] {
        assert!(sftp.stat(there).await.unwrap().attrs.is_regular(), "{there}");
    }
    assert!(sftp.stat("/latest").await.unwrap().attrs.size > Some(100));
    assert_eq!(sftp.stat("/tools/signal.sh").await.unwrap().attrs.permissions, Some(0o100755));
    // Clients read on past the end before they know where it is.
    let chart = sftp.open("/charts/approach.chart", OpenFlags::READ, FileAttributes::empty()).await.unwrap();
    let reads = (0..40).map(|i| sftp.read(chart.handle.clone(), i * 200_000, 200_000));
    let parts = futures::future::join_all(reads).await;
    let len: usize = parts.iter().flatten().map(|part| part.data.len()).sum();
    assert_eq!(len, 6 * MIB);
    refused(sftp.symlink("../../../etc/passwd", "/escape").await, StatusCode::PermissionDenied);
    put(&sftp, "/empty berth/new", &noise(100_000), 32_768).await.unwrap();
    let local = demo.local_dir().to_owned();
    assert!(local.join("letter.txt").is_file());
    drop(demo);
    assert!(!local.exists());
}
