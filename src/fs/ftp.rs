//! The FTP backend: a [`FileSystem`] over FTP with and without TLS, on control connections of its
//! own making. Owns what each operation amounts to in commands. Prompts only through
//! [`crate::trust::Prompt`].

mod attributes;
mod clock;
mod control;
mod data;
mod failure;
mod features;
mod known;
mod list;
pub mod listing;
mod login;
mod names;
mod pool;
mod port;
mod read;
mod reply_reader;
mod session;
mod site;
mod stream;
mod sum;
mod tls;
mod write;

use std::{
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use async_trait::async_trait;

use self::{
    control::{Command, Log},
    data::Data,
    failure::Wanted,
    login::{First, Login, Security, quoted_path},
    names::Names,
    pool::Pool,
    session::Session,
    tls::Trust,
};
pub use self::{
    data::{Active, DataMode},
    site::{Site, Sites, ports},
};
use super::{
    Algorithm, Attributes, ByteStream, Capabilities, Checksum, Connected, Context, Entry, EntryStream, Error,
    ErrorKind, FileSystem, FsId, HostKeyState, Kind, Operation, OutputStream, Principal, ReadOptions,
    RemotePath, RemoteTerminal, Result, Route, ServerInfo, Sink, Stage, Target, WriteOptions,
};
use crate::trust::certificates::Pins;

/// Control connections at the same time, if the server allows that many.
const CONNECTIONS: usize = 16;

/// As many, where an answer takes no longer than [`NEAR`]: more have nothing left to wait for, and
/// take the server's processors from each other.
const CONNECTIONS_NEAR: usize = 6;
const NEAR: Duration = Duration::from_millis(2);

/// How to reach FTP servers, as the command line said it.
#[derive(Clone, Debug, Default)]
pub struct FtpOptions {
    /// Certificates to trust instead of the system's roots: a file in PEM form.
    pub tls_ca: Option<PathBuf>,
    /// TLS 1.3 may be used; otherwise 1.2, and 1.3 only with servers that have nothing older.
    pub tls13: bool,
    /// The file of pinned certificates; without it, a yes holds for this session.
    pub pins: Option<PathBuf>,
    /// Who opens data connections.
    pub data: DataMode,
    pub active: Active,
    /// The charset of the server's names by its label; bytes as they are if `None`.
    pub charset: Option<String>,
    /// Control connections at the same time; 0 leaves it to wharf.
    pub connections: usize,
    /// What is known of single sites; what is said above counts more.
    pub sites: Sites,
}

fn security(target: &Target) -> Security {
    match target.scheme.name {
        "ftps" => Security::Implicit,
        "ftpes" => Security::Explicit,
        _ => Security::None,
    }
}

/// Connects to `target`, checks its certificate where there is TLS, and logs in.
pub async fn connect(target: &Target, context: &Context) -> Result<Connected> {
    let label = target.label();
    reach(target, context).await.map_err(|e| e.on(label.as_str()))
}

async fn reach(target: &Target, context: &Context) -> Result<Connected> {
    let options = context.ftp.at(target);
    context.observer.stage(Stage::ReadingConfig);
    let id = FsId::new(target.label());
    let names = Names::new(options.charset.as_deref())?;
    let log = Log { fs: id, observer: context.observer.clone(), names };
    let port = target.port.unwrap_or(target.scheme.default_port);
    let security = security(target);
    let trust = match security {
        Security::None => None,
        Security::Explicit | Security::Implicit => {
            let pins = options.pins.clone().map(Pins::new);
            Some(Trust::new(&target.host, port, options.tls_ca.as_deref(), pins, options.tls13)?)
        }
    };
    let login = Login::new(
        target.host.clone(),
        port,
        security,
        target.user.clone(),
        target.password.clone(),
        trust,
        log,
    );
    let First { control, home } = login.first(context).await?;
    let info = ServerInfo {
        label: target.user.as_ref().map_or_else(|| target.host.clone(), |u| format!("{u}@{}", target.host)),
        protocol: target.scheme.name,
        trust: control.tls_version().unwrap_or_default().to_owned(),
    };
    let login = Arc::new(login);
    let connections = match options.connections {
        0 if control.quickest <= NEAR => CONNECTIONS_NEAR,
        0 => CONNECTIONS,
        given => given,
    };
    let pool = Pool::new(login.clone(), connections, control);
    let data = Data::new(options.data.clone(), options.active.clone());
    let session = Arc::new(Session::new(login, pool, data));
    Ok(Connected { fs: Arc::new(Ftp { session }), info, home })
}

/// How `target` would be reached; connects nowhere.
pub fn route(target: &Target) -> Route {
    Route {
        protocol: target.scheme.name,
        host: target.host.clone(),
        port: target.port.unwrap_or(target.scheme.default_port),
        user: target.user.clone().unwrap_or_else(|| "anonymous".to_owned()),
        identity_files: Vec::new(),
        jumps: Vec::new(),
        proxy_command: None,
        host_key: HostKeyState::NotChecked,
    }
}

const NO_SHELL: &str = "FTP has no shell";
const NO_LINKS: &str = "FTP creates no links";
const NO_OWNERS: &str = "FTP knows no owners to set";

/// The file system of one login.
struct Ftp {
    session: Arc<Session>,
}

impl Ftp {
    async fn name_failure(&self, error: Error, path: &RemotePath, wanted: Wanted) -> Error {
        failure::named(&self.session, error, path, wanted).await
    }

    /// What the protocol has no word for.
    fn lacking(&self, operation: Operation, path: &RemotePath, what: &'static str) -> Error {
        self.session.error(Error::new(ErrorKind::Unsupported, operation), path).with_detail(what)
    }

    /// One command on a path that a plain completion answers.
    async fn simple(&self, operation: Operation, verb: &str, path: &RemotePath) -> Result<()> {
        let command = self.session.command(operation, verb, path)?;
        let raw = self.session.ask(operation, path, command).await?;
        if raw.is_completion() { Ok(()) } else { Err(self.session.refusal(operation, &raw, path)) }
    }
}

#[async_trait]
impl FileSystem for Ftp {
    fn id(&self) -> &FsId {
        self.session.id()
    }

    fn capabilities(&self) -> Capabilities {
        let (features, learnt) = (self.session.features(), &self.session.learnt);
        let exact = features.has_honest_mlst() || (features.has_mdtm() && features.bears_pipelining());
        Capabilities {
            // RNTO is rename(2) on Unix; other servers refuse where something is in the way.
            atomic_replace: features.is_unix,
            symlinks: false,
            hard_links: false,
            copy_within: false,
            checksums: sum::Way::all(features).next().is_some(),
            commands: false,
            owners: false,
            modes: features.is_unix && !learnt.no_chmod.load(Ordering::Relaxed),
            times: !learnt.ways_to_set_time(features).is_empty(),
            time_precision: Duration::from_secs(if exact { 1 } else { 60 }),
            parallel_files: self.session.pool.size(),
            remote: true,
            written_in_order: true,
        }
    }

    async fn list(&self, path: &RemotePath) -> Result<EntryStream> {
        match list::list(&self.session, path).await {
            Err(error) => Err(self.name_failure(error, path, Wanted::Dir).await),
            listed => listed,
        }
    }

    async fn stat(&self, path: &RemotePath) -> Result<Entry> {
        attributes::stat(&self.session, path).await
    }

    async fn lstat(&self, path: &RemotePath) -> Result<Entry> {
        attributes::lstat(&self.session, path).await
    }

    async fn read(&self, path: &RemotePath, options: ReadOptions) -> Result<ByteStream> {
        match read::read(self.session.clone(), path, options).await {
            Err(error) => Err(self.name_failure(error, path, Wanted::File).await),
            stream => stream,
        }
    }

    async fn write(&self, path: &RemotePath, options: WriteOptions) -> Result<Box<dyn Sink>> {
        write::write(self.session.clone(), path, options).await
    }

    async fn create_dir(&self, path: &RemotePath, mode: Option<u32>) -> Result<()> {
        if let Err(error) = self.simple(Operation::CreateDir, "MKD", path).await {
            return Err(self.name_failure(error, path, Wanted::Nothing).await);
        }
        self.session.known.created_directory(path);
        // A mode that cannot be set leaves a directory that is as good as any other there.
        if mode.is_some() {
            let wanted = Attributes { mode, ..Attributes::default() };
            match attributes::set(&self.session, path, &wanted).await {
                Err(error) if error.kind().ends_session() => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    async fn remove_file(&self, path: &RemotePath) -> Result<()> {
        if let Err(error) = self.simple(Operation::RemoveFile, "DELE", path).await {
            return Err(self.name_failure(error, path, Wanted::File).await);
        }
        self.session.known.removed(path);
        Ok(())
    }

    async fn remove_dir(&self, path: &RemotePath) -> Result<()> {
        if let Err(error) = self.simple(Operation::RemoveDir, "RMD", path).await {
            return Err(self.name_failure(error, path, Wanted::EmptyDir).await);
        }
        self.session.known.removed(path);
        Ok(())
    }

    /// RNTO replaces on Unix servers: without `replace` it is looked first, and somebody else may
    /// be faster.
    async fn rename(&self, from: &RemotePath, to: &RemotePath, replace: bool) -> Result<()> {
        let operation = Operation::Rename;
        let refuse = |kind| Err(self.session.error(Error::new(kind, operation), from));
        if replace && !self.capabilities().atomic_replace {
            match attributes::exists(&self.session, to).await {
                Ok(false) => {}
                Ok(true) => return refuse(ErrorKind::Unsupported),
                Err(error) => return Err(error.during(operation).about(from)),
            }
        }
        if !replace {
            match attributes::exists(&self.session, to).await {
                Ok(false) => {}
                Ok(true) => {
                    // Where the source is missing as well, that is what to tell.
                    let missing = attributes::exists(&self.session, from).await.is_ok_and(|exists| !exists);
                    return refuse(if missing { ErrorKind::NotFound } else { ErrorKind::AlreadyExists });
                }
                Err(error) => return Err(error.during(operation).about(from)),
            }
        }
        let commands =
            [self.session.command(operation, "RNFR", from)?, self.session.command(operation, "RNTO", to)?];
        let replies = self.session.ask_all(operation, from, &commands).await?;
        let [first, second] = &replies[..] else { return refuse(ErrorKind::Protocol) };
        if !first.is_intermediate() {
            let error = self.session.refusal(operation, first, from);
            return Err(self.name_failure(error, from, Wanted::Something).await);
        }
        if !second.is_completion() {
            self.session.known.doubt(to);
            return Err(self.session.refusal(operation, second, from));
        }
        self.session.known.renamed(from, to);
        Ok(())
    }

    async fn set_attributes(&self, path: &RemotePath, attributes: &Attributes) -> Result<()> {
        match attributes::set(&self.session, path, attributes).await {
            Err(error) => Err(self.name_failure(error, path, Wanted::Something).await),
            Ok(()) => Ok(()),
        }
    }

    /// Where LIST shows it.
    async fn read_link(&self, path: &RemotePath) -> Result<Vec<u8>> {
        let entry =
            attributes::lstat(&self.session, path).await.map_err(|e| e.during(Operation::ReadLink))?;
        let refuse = |kind| Err(self.session.error(Error::new(kind, Operation::ReadLink), path));
        match (entry.kind, entry.target) {
            (Kind::Symlink, Some(target)) => Ok(target.into()),
            (Kind::Symlink, None) => refuse(ErrorKind::Unsupported),
            _ => refuse(ErrorKind::Failure),
        }
    }

    async fn symlink(&self, path: &RemotePath, _: &[u8]) -> Result<()> {
        Err(self.lacking(Operation::Symlink, path, NO_LINKS))
    }

    async fn hard_link(&self, path: &RemotePath, _: &RemotePath) -> Result<()> {
        Err(self.lacking(Operation::HardLink, path, NO_LINKS))
    }

    async fn execute(&self, dir: &RemotePath, _: &[u8]) -> Result<OutputStream> {
        Err(self.lacking(Operation::Execute, dir, NO_SHELL))
    }

    async fn terminal(&self, dir: &RemotePath, _: (u16, u16), _: &str) -> Result<RemoteTerminal> {
        Err(self.lacking(Operation::OpenShell, dir, NO_SHELL))
    }

    async fn owner_id(&self, _: Principal, name: &str) -> Result<u32> {
        Err(Error::new(ErrorKind::Unsupported, Operation::FindOwner).on(name).with_detail(NO_OWNERS))
    }

    async fn checksum(&self, path: &RemotePath, algorithm: Algorithm) -> Result<Checksum> {
        match sum::checksum(&self.session, path, algorithm).await {
            Err(error) => Err(self.name_failure(error, path, Wanted::File).await),
            sum => sum,
        }
    }

    fn preferred_checksum(&self) -> Algorithm {
        sum::preferred(&self.session)
    }

    fn doubt(&self, path: &RemotePath) {
        self.session.known.doubt(path);
    }

    /// CWD and PWD: what the server calls the directory.
    async fn canonicalize(&self, path: &RemotePath) -> Result<RemotePath> {
        let operation = Operation::Canonicalize;
        let commands = [self.session.command(operation, "CWD", path)?, Command::new("PWD")];
        let replies = self.session.ask_all(operation, path, &commands).await?;
        let [entered, named] = &replies[..] else {
            return Err(self.session.error(Error::new(ErrorKind::Protocol, operation), path));
        };
        if entered.is_completion() {
            let named = quoted_path(named).and_then(|path| self.session.log().names.ours(&path));
            return Ok(named.map_or_else(|| path.clone(), RemotePath::new));
        }
        let (Some(parent), Some(name)) = (path.parent(), path.name()) else {
            return Err(self.session.refusal(operation, entered, path));
        };
        attributes::lstat(&self.session, path).await.map_err(|e| e.during(operation))?;
        Ok(self.canonicalize(&parent).await.map_err(|e| e.about(path))?.join(name))
    }

    fn is_lost(&self) -> bool {
        self.session.pool.has_ended()
    }

    async fn lost(&self) -> Error {
        self.session.pool.when_ended().await.on(self.session.id().as_str())
    }

    async fn close(&self) {
        self.session.pool.close().await;
    }
}
