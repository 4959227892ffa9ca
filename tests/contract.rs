//! What every backend of `FileSystem` must keep to, run against each of them. A backend joins
//! with one line at the end of this file. Must never know what is inside a backend.

use std::{
    any::Any,
    future::Future,
    sync::{Arc, Mutex},
};

use futures::TryStreamExt;
use wharf::{
    fs::{
        Capabilities, Context, Entry, Error, ErrorKind, FileSystem, FtpOptions, LogLine, Observer, Operation,
        ReadOptions, RemotePath, SshOptions, Stage, Target, WriteOptions, Written, local::Local,
        memory::Memory, rooted::Rooted,
    },
    serve,
    trust::Never,
};

#[path = "contract/directories.rs"]
mod directories;
#[path = "contract/files.rs"]
mod files;
#[path = "contract/links.rs"]
mod links;
mod support;
#[path = "contract/within.rs"]
mod within;

use support::ftp::{FtpConfig, FtpServer, Software, Tls};

/// An empty directory of a backend, and what may be expected there.
pub struct Place {
    pub fs: Arc<dyn FileSystem>,
    pub root: RemotePath,
    /// Whether every kind of error can be told from the others; where the protocol has no
    /// code for it, a plain failure will do.
    pub exact_kinds: bool,
    /// Whether names may be any bytes but `/` and NUL.
    pub any_bytes: bool,
    /// What must live as long as the place.
    pub keep: Box<dyn Any + Send + Sync>,
}

impl Place {
    pub fn at(&self, name: impl AsRef<[u8]>) -> RemotePath {
        name.as_ref().split(|b| *b == b'/').fold(self.root.clone(), |path, part| path.join(part))
    }

    /// Whether a name may hold a line break: no FTP command can carry one.
    pub fn bears_line_breaks(&self) -> bool {
        !self.fs.id().as_str().starts_with("ftp")
    }

    pub fn capabilities(&self) -> Capabilities {
        self.fs.capabilities()
    }

    pub async fn put(&self, name: &str, content: &[u8]) -> RemotePath {
        let path = self.at(name);
        self.put_with(&path, content, WriteOptions::default()).await.unwrap();
        path
    }

    pub async fn put_with(
        &self,
        path: &RemotePath,
        content: &[u8],
        options: WriteOptions,
    ) -> Result<Written, Error> {
        let mut sink = self.fs.write(path, options).await?;
        for chunk in content.chunks(100_000) {
            sink.write(chunk.to_vec().into()).await?;
        }
        sink.finish().await
    }

    pub async fn get(&self, path: &RemotePath, options: ReadOptions) -> Result<Vec<u8>, Error> {
        let stream = self.fs.read(path, options).await?;
        stream
            .try_fold(Vec::new(), |mut all, chunk| async move {
                assert!(!chunk.is_empty(), "a chunk without bytes");
                all.extend_from_slice(&chunk);
                Ok(all)
            })
            .await
    }

    pub async fn content(&self, path: &RemotePath) -> Vec<u8> {
        self.get(path, ReadOptions::default()).await.unwrap()
    }

    pub async fn list(&self, path: &RemotePath) -> Result<Vec<Entry>, Error> {
        let mut entries = self.fs.list(path).await?.try_concat().await?;
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    pub async fn names(&self, path: &RemotePath) -> Vec<Vec<u8>> {
        self.list(path).await.unwrap().into_iter().map(|entry| entry.name.into_vec()).collect()
    }

    /// An error of that kind that says where it comes from.
    #[track_caller]
    pub fn refused<T>(
        &self,
        result: Result<T, Error>,
        kind: ErrorKind,
        operation: Operation,
        path: &RemotePath,
    ) {
        let Err(error) = result else { panic!("{operation:?} on {path:?} went well; expected {kind:?}") };
        // OpenSSH says "no such file" also for links in a circle and for files taken as
        // directories, others say "permission denied".
        use ErrorKind::{Failure, NotFound, PermissionDenied};
        let vague = !self.exact_kinds && matches!(error.kind(), Failure | NotFound | PermissionDenied);
        assert!(error.kind() == kind || vague, "{error}; expected {kind:?}");
        assert_eq!(error.operation(), operation, "{error}");
        assert_eq!(error.path(), Some(path), "{error}");
    }
}

/// Bytes that repeat nowhere near, so that a shifted block shows.
pub fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut out = Vec::with_capacity(len + 8);
    while out.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        out.extend_from_slice(&state.to_le_bytes());
    }
    out.truncate(len);
    out
}

fn run<F: Future<Output = ()>>(place: impl Future<Output = Place>, case: impl FnOnce(Place) -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async { case(place.await).await });
}

struct Silent;

impl Observer for Silent {
    fn reply(&self, _: LogLine) {}
    fn stage(&self, _: Stage) {}
}

async fn connected(target: Target, ssh: SshOptions) -> Arc<dyn FileSystem> {
    let context = Context {
        ssh,
        ftp: FtpOptions::default(),
        prompt: Arc::new(Never),
        observer: Arc::new(Silent),
        wanted: None,
    };
    wharf::fs::connect(&target, &context).await.unwrap().fs
}

fn target(host: &str) -> Target {
    Target { scheme: &wharf::fs::SFTP, host: host.to_owned(), user: None, port: None, password: None }
}

/// The SFTP client on OpenSSH's server.
async fn openssh() -> Place {
    let sshd = support::Sshd::start(support::SshdConfig::default());
    let dir = tempfile::tempdir().unwrap();
    let root = RemotePath::new(dir.path().canonicalize().unwrap().as_os_str().as_encoded_bytes());
    let options = SshOptions { config_file: Some(sshd.ssh_config()), ..SshOptions::default() };
    let fs = connected(target(support::ALIAS), options).await;
    Place { fs, root, exact_kinds: false, any_bytes: true, keep: Box::new((dir, Mutex::new(sshd))) }
}

/// The SFTP client on proftpd's mod_sftp.
async fn proftpd() -> Place {
    use support::SshServer;
    let server = support::mod_sftp::ModSftp::start(Default::default());
    let dir = tempfile::tempdir().unwrap();
    let root = RemotePath::new(dir.path().canonicalize().unwrap().as_os_str().as_encoded_bytes());
    let options = SshOptions { config_file: Some(server.ssh_config()), ..SshOptions::default() };
    let fs = connected(target(support::ALIAS), options).await;
    Place { fs, root, exact_kinds: false, any_bytes: true, keep: Box::new((dir, Mutex::new(server))) }
}

/// The FTP client on a real server.
async fn ftp(software: Software, tls: Tls) -> Place {
    let config = FtpConfig {
        tls,
        require_reuse: tls != Tls::None && software != Software::Pureftpd,
        ..FtpConfig::default()
    };
    let server = FtpServer::start(software, config);
    let scheme = match tls {
        Tls::None => &wharf::fs::FTP,
        Tls::Implicit => &wharf::fs::FTPS,
        Tls::Offered | Tls::Required => &wharf::fs::FTPES,
    };
    let target = Target {
        scheme,
        host: "127.0.0.1".into(),
        user: Some(server.user().to_owned()),
        port: Some(server.port()),
        password: Some(server.password().into()),
    };
    let ftp = FtpOptions { tls_ca: Some(server.ca_file()), ..FtpOptions::default() };
    let context = Context {
        ssh: SshOptions::default(),
        ftp,
        prompt: Arc::new(Never),
        observer: Arc::new(Silent),
        wanted: None,
    };
    let fs = wharf::fs::connect(&target, &context).await.unwrap().fs;
    let root = RemotePath::new(server.home());
    Place { fs, root, exact_kinds: false, any_bytes: true, keep: Box::new(Mutex::new(server)) }
}

async fn vsftpd() -> Place {
    ftp(Software::Vsftpd, Tls::None).await
}

async fn vsftpd_tls() -> Place {
    ftp(Software::Vsftpd, Tls::Required).await
}

async fn vsftpd_implicit() -> Place {
    ftp(Software::Vsftpd, Tls::Implicit).await
}

async fn proftpd_ftp() -> Place {
    ftp(Software::Proftpd, Tls::None).await
}

async fn proftpd_tls() -> Place {
    ftp(Software::Proftpd, Tls::Required).await
}

async fn pureftpd() -> Place {
    ftp(Software::Pureftpd, Tls::None).await
}

async fn pureftpd_tls() -> Place {
    ftp(Software::Pureftpd, Tls::Required).await
}

/// The SFTP client on wharf's own server.
async fn served() -> Place {
    let dir = tempfile::tempdir().unwrap();
    let root = RemotePath::new(dir.path().canonicalize().unwrap().as_os_str().as_encoded_bytes());
    let share = serve::Share { fs: Arc::new(Local::new()), user: "ann".into(), password: "pw".into() };
    let server = serve::start(share, "127.0.0.1:0").await.unwrap();
    let known_hosts = dir.path().with_extension("known_hosts");
    let line = format!("[127.0.0.1]:{} {}\n", server.addr().port(), server.host_key().line);
    std::fs::write(&known_hosts, line).unwrap();
    let options = SshOptions {
        config_file: Some("none".into()),
        known_hosts: Some(known_hosts.clone()),
        ..SshOptions::default()
    };
    let mut target = target("127.0.0.1");
    target.port = Some(server.addr().port());
    target.user = Some("ann".into());
    target.password = Some("pw".into());
    let fs = connected(target, options).await;
    std::fs::remove_file(known_hosts).unwrap();
    Place { fs, root, exact_kinds: false, any_bytes: false, keep: Box::new((dir, server)) }
}

macro_rules! cases {
    ($backend:ident: $($module:ident { $($case:ident)* })*) => {
        mod $backend {
            $(mod $module {
                $(#[test]
                fn $case() {
                    crate::run(crate::$backend(), crate::$module::$case);
                })*
            })*
        }
    };
}

macro_rules! backend {
    ($backend:ident) => {
        cases! { $backend:
            directories {
                lists_what_is_there lists_in_batches lists_an_empty_directory refuses_to_list_what_is_none
                stats_every_kind creates_and_removes refuses_to_remove_what_is_full creates_with_a_mode
                renames_files renames_without_replacing renames_over renames_directories
                sets_attributes canonicalizes tells_space missing_paths_are_not_found
                root_is_a_directory bears_odd_names
            }
            files {
                writes_and_reads reads_from_an_offset resumes_writes ended_streams_stay_ended empty_files ignores_wrong_expectations
                exclusive_refuses_what_exists truncates refuses_directories attributes_are_set_at_the_end
                create_mode_is_exact a_dropped_sink_is_no_success removes_files round_trip_of_ten_mebibytes
                two_hundred_at_once writes_to_missing_directories_fail streams_can_be_dropped
            }
            links {
                link_and_read_back dangling_links loops_end links_are_removed_not_followed
                links_are_renamed_not_followed
                directories_behind_links never_writes_through_a_link refuses_to_read_what_is_no_link
                existing_names_are_not_linked_over
            }
            within {
                hard_links copies_within copies_within_keep_to_their_pace copies_within_spare_what_is_there sums_up runs_commands sets_owners
                sets_one_time_and_leaves_the_other links_have_times_of_their_own
            }
        }
    };
}

fn temp() -> (tempfile::TempDir, RemotePath) {
    use std::os::unix::ffi::OsStrExt;
    let dir = tempfile::tempdir().unwrap();
    let real = dir.path().canonicalize().unwrap();
    let root = RemotePath::new(real.as_os_str().as_bytes());
    (dir, root)
}

async fn local() -> Place {
    let (dir, root) = temp();
    let any_bytes = cfg!(target_os = "linux");
    Place { fs: Arc::new(Local::new()), root, exact_kinds: true, any_bytes, keep: Box::new(dir) }
}

async fn memory() -> Place {
    let fs = Memory::new("contract");
    let root = RemotePath::new("/some/where");
    fs.plant_dir(&root).unwrap();
    Place { fs: Arc::new(fs), root, exact_kinds: true, any_bytes: true, keep: Box::new(()) }
}

async fn rooted() -> Place {
    let (dir, root) = temp();
    let fs = Rooted::new(Arc::new(Local::new()), &root).await.unwrap();
    let any_bytes = cfg!(target_os = "linux");
    Place { fs: Arc::new(fs), root: RemotePath::root(), exact_kinds: true, any_bytes, keep: Box::new(dir) }
}

backend!(local);
backend!(memory);
backend!(rooted);
backend!(openssh);
backend!(proftpd);
backend!(served);
backend!(vsftpd);
backend!(vsftpd_tls);
backend!(vsftpd_implicit);
backend!(proftpd_ftp);
backend!(proftpd_tls);
backend!(pureftpd);
backend!(pureftpd_tls);
