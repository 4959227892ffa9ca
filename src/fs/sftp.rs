//! The SFTP backend: a [`FileSystem`] over SSH (version 3 with OpenSSH's extensions). Owns the
//! session and what its operations share. Prompts only through [`crate::trust::Prompt`].

mod ahead;
mod assembler;
mod auth;
mod channel;
pub mod config;
mod connect;
mod exec;
mod failure;
mod foretold;
mod further;
mod gauge;
mod hop;
mod host_key;
mod lane;
mod lanes;
mod limits;
mod link_text;
mod links;
mod list;
mod owners;
mod patience;
mod preferences;
mod pulse;
mod read;
mod request;
mod response;
mod ssh;
mod stop;
mod sync;
mod terminal;
mod transport;
mod version;
mod window;
mod within;
mod write;

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;

use self::{
    channel::{Channel, unexpected},
    failure::Wanted,
    foretold::Foretold,
    further::Further,
    lanes::Lanes,
    limits::Limits,
    request::Request,
    response::{FileAttributes, Response},
    stop::Stopping,
    window::Window,
};
pub use self::{
    config::hosts,
    connect::{connect, route},
};
use super::{
    Algorithm, Attributes, ByteStream, Capabilities, Checksum, Entry, EntryStream, Error, ErrorKind,
    FileSystem, FsId, Kind, LogLine, Observer, Operation, OutputStream, OwnerNames, Pace, Principal,
    ReadOptions, RemotePath, RemoteTerminal, Result, Sink, Space, WriteOptions, Written,
};
use crate::reply::{self, Reply};

const MIB: usize = 1 << 20;

/// One login on one server.
struct Session {
    id: FsId,
    connection: ssh::Connection,
    observer: Arc<dyn Observer>,
    /// Carries data, and everything while it is the only one.
    first: Channel,
    /// Carries listings and queries, so that they need not queue behind data.
    second: OnceLock<Channel>,
    /// Carry uploads along with the first, where the link is long.
    lanes: Lanes,
    /// Carry large files along with this one, where each has only its share of a long link.
    further: Further,
    limits: Limits,
    /// Whether LSTAT, RMDIR, RENAME and READLINK are about a link itself. proftpd's mod_sftp
    /// follows it for all but the last, where it leads somewhere, and there tells where that is.
    sees_links: bool,
    /// What stood at the path that it is wanted for.
    foretold: Foretold,
    read_window: Arc<Window>,
    write_window: Arc<Window>,
    /// Owners' and groups' names, each once.
    names: Mutex<HashSet<Arc<str>>>,
    /// Why the server runs no commands, once that is known.
    no_commands: OnceLock<Error>,
    /// Commands that nobody waits for any more.
    stopping: Stopping,
    /// The server has refused to copy by itself.
    no_copies: AtomicBool,
}

/// How many requests, in words for the log.
fn requests(count: u64) -> String {
    if count == 1 { "1 request".to_owned() } else { format!("{count} requests") }
}

impl Session {
    fn limits(&self) -> Limits {
        self.limits
    }

    fn sees_links(&self) -> bool {
        self.sees_links
    }

    /// About a round trip: the shortest time that an answer has taken.
    fn round_trip(&self) -> Duration {
        let second = self.second.get().map_or(Duration::MAX, Channel::quickest);
        self.first.quickest().min(second)
    }

    fn data_channel(&self) -> Channel {
        self.first.clone()
    }

    fn query_channel(&self) -> Channel {
        match self.second.get() {
            Some(channel) if channel.ended().is_none() => channel.clone(),
            _ => self.first.clone(),
        }
    }

    fn error(&self, error: Error, path: &RemotePath) -> Error {
        error.at(path).on(self.id.as_str())
    }

    fn log(&self, request: &Request<'_>, path: Option<&RemotePath>, response: &Response, started: Instant) {
        let reply = match response {
            Response::Status { code, text } => Reply::sftp(*code, text.clone()),
            _ => Reply::sftp(reply::SFTP_OK, ""),
        };
        self.log_as(request.name().to_owned(), path, reply, started);
    }

    fn log_as(&self, request: String, path: Option<&RemotePath>, reply: Reply, started: Instant) {
        let (fs, path) = (self.id.clone(), path.cloned());
        self.observer.reply(LogLine { fs, request, path, reply, elapsed: started.elapsed() });
    }

    /// One shared copy of `name`.
    fn intern(&self, name: &str) -> Arc<str> {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = names.get(name) {
            return known.clone();
        }
        let fresh: Arc<str> = Arc::from(name);
        // A server cannot make this grow without end.
        if names.len() < 10_000 {
            names.insert(fresh.clone());
        }
        fresh
    }

    /// Sends one request about `path` on the query channel and logs its answer.
    async fn ask(&self, operation: Operation, request: Request<'_>, path: &RemotePath) -> Result<Response> {
        let started = Instant::now();
        let response = self
            .query_channel()
            .send(operation, request)
            .response()
            .await
            .map_err(|e| self.error(e, path))?;
        self.log(&request, Some(path), &response, started);
        Ok(response)
    }

    /// Sends a request that is answered with a status, and expects OK.
    async fn command(&self, operation: Operation, request: Request<'_>, path: &RemotePath) -> Result<()> {
        self.foretold.forget();
        match self.ask(operation, request, path).await? {
            Response::Status { code: reply::SFTP_OK, .. } => Ok(()),
            other => Err(self.error(unexpected(operation, &other), path)),
        }
    }
}

/// The file system of one login.
struct Sftp {
    session: Arc<Session>,
}

impl Sftp {
    fn entry(&self, path: &RemotePath, found: FileAttributes) -> Entry {
        let mut entry = Entry::new(path.name().unwrap_or(b"/"), found.kind_or_guess(b""));
        entry.special = found.special;
        entry.attributes = found.attributes;
        entry
    }

    async fn attributes(&self, request: Request<'_>, path: &RemotePath) -> Result<Entry> {
        let response = self.session.ask(Operation::Stat, request, path).await?;
        self.attributes_of(response, path)
    }

    fn attributes_of(&self, response: Response, path: &RemotePath) -> Result<Entry> {
        match response {
            Response::Attributes(found) => Ok(self.entry(path, found)),
            other => Err(self.session.error(unexpected(Operation::Stat, &other), path)),
        }
    }
}

#[async_trait]
impl FileSystem for Sftp {
    fn id(&self) -> &FsId {
        &self.session.id
    }

    fn capabilities(&self) -> Capabilities {
        let has = |extension| self.session.first.version().has(extension);
        let commands = self.session.no_commands.get().is_none();
        Capabilities {
            atomic_replace: has("posix-rename@openssh.com"),
            symlinks: true,
            hard_links: has(within::HARDLINK),
            copy_within: has(within::COPY_DATA) && !self.session.no_copies.load(Ordering::Relaxed),
            checksums: commands || within::CHECK_FILE.iter().any(|name| has(name)),
            commands,
            owners: true,
            modes: true,
            times: true,
            time_precision: Duration::from_secs(1),
            parallel_files: self.session.limits.files,
            remote: true,
            written_in_order: false,
        }
    }

    async fn list(&self, path: &RemotePath) -> Result<EntryStream> {
        match list::list(self.session.clone(), path).await {
            // OpenSSH says "no such file" for a file where a directory should be.
            Err(error) if error.kind() == ErrorKind::NotFound => match self.stat(path).await {
                Ok(entry) if entry.kind != Kind::Dir => Err(error.with_kind(ErrorKind::NotADirectory)),
                _ => Err(error),
            },
            other => other,
        }
    }

    async fn stat(&self, path: &RemotePath) -> Result<Entry> {
        self.attributes(Request::Stat { path: path.as_bytes() }, path).await
    }

    async fn lstat(&self, path: &RemotePath) -> Result<Entry> {
        let request = Request::LStat { path: path.as_bytes() };
        if let Some((response, asked)) = self.session.foretold.take(path) {
            self.session.log(&request, Some(path), &response, asked);
            return self.attributes_of(response, path);
        }
        if self.session.sees_links {
            return self.attributes(request, path).await;
        }
        let (link, found) = tokio::join!(links::is_link(&self.session, path), self.attributes(request, path));
        match found {
            Ok(entry) if entry.kind == Kind::Symlink => Ok(entry),
            // What was found is what the link leads to.
            _ if link? => Ok(Entry::new(path.name().unwrap_or(b"/"), Kind::Symlink)),
            found => found,
        }
    }

    async fn read(&self, path: &RemotePath, options: ReadOptions) -> Result<ByteStream> {
        read::read(self.session.clone(), path, options).await
    }

    async fn write(&self, path: &RemotePath, options: WriteOptions) -> Result<Box<dyn Sink>> {
        let exclusive = options.exclusive;
        match write::write(self.session.clone(), path, options).await {
            Ok(sink) => Ok(sink),
            Err(error) => {
                let wanted = if exclusive { Wanted::Nothing } else { Wanted::File };
                Err(self.name_failure(error, path, wanted).await)
            }
        }
    }

    fn expect_write(&self, size: u64) {
        if size >= lane::LARGE && self.session.round_trip() >= lane::LONG_LINK {
            Lanes::ask(&self.session);
        }
    }

    async fn create_dir(&self, path: &RemotePath, mode: Option<u32>) -> Result<()> {
        let attributes = Attributes { mode, ..Attributes::default() };
        let request = Request::MkDir { path: path.as_bytes(), attributes: &attributes };
        match self.session.command(Operation::CreateDir, request, path).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.name_failure(error, path, Wanted::Nothing).await),
        }
    }

    async fn remove_file(&self, path: &RemotePath) -> Result<()> {
        let request = Request::Remove { path: path.as_bytes() };
        match self.session.command(Operation::RemoveFile, request, path).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.name_failure(error, path, Wanted::File).await),
        }
    }

    async fn remove_dir(&self, path: &RemotePath) -> Result<()> {
        if !self.session.sees_links && links::is_link(&self.session, path).await? {
            let error =
                Error::new(ErrorKind::NotADirectory, Operation::RemoveDir).with_detail("it is a link");
            return Err(self.session.error(error, path));
        }
        let request = Request::RmDir { path: path.as_bytes() };
        match self.session.command(Operation::RemoveDir, request, path).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.name_failure(error, path, Wanted::EmptyDir).await),
        }
    }

    async fn rename(&self, from: &RemotePath, to: &RemotePath, replace: bool) -> Result<()> {
        if !self.session.sees_links && links::rename(self, from, to, replace).await? {
            return Ok(());
        }
        let strings = [from.as_bytes(), to.as_bytes()];
        let has_posix_rename = self.capabilities().atomic_replace;
        let request = if replace && has_posix_rename {
            Request::Extended { name: "posix-rename@openssh.com", strings: &strings }
        } else if has_posix_rename {
            // A server that has both keeps RENAME as the draft wants it: never replacing.
            Request::Rename { from: from.as_bytes(), to: to.as_bytes() }
        } else {
            // RENAME must not replace; a server that does it anyway would lose a file.
            match self.lstat(to).await {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error.during(Operation::Rename)),
                Ok(_) => {
                    let kind = if replace { ErrorKind::Unsupported } else { ErrorKind::AlreadyExists };
                    return Err(self.session.error(Error::new(kind, Operation::Rename), to));
                }
            }
            Request::Rename { from: from.as_bytes(), to: to.as_bytes() }
        };
        match self.session.command(Operation::Rename, request, from).await {
            Ok(()) => Ok(()),
            Err(error) if !replace => Err(self.name_failure(error, to, Wanted::Nothing).await),
            Err(error) => Err(error),
        }
    }

    async fn set_attributes(&self, path: &RemotePath, attributes: &Attributes) -> Result<()> {
        owners::set(self, path, attributes, true).await
    }

    async fn set_link_attributes(&self, path: &RemotePath, attributes: &Attributes) -> Result<()> {
        owners::set(self, path, attributes, false).await
    }

    async fn hard_link(&self, path: &RemotePath, to: &RemotePath) -> Result<()> {
        match within::hard_link(&self.session, path, to).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.name_failure(error, to, Wanted::Nothing).await),
        }
    }

    async fn copy_within(
        &self,
        from: &RemotePath,
        to: &RemotePath,
        options: WriteOptions,
        pace: &dyn Pace,
    ) -> Result<Written> {
        let exclusive = options.exclusive;
        match within::copy(&self.session, from, to, options, pace).await {
            Err(error) if error.operation() == Operation::Open && error.path() == Some(to) => {
                let wanted = if exclusive { Wanted::Nothing } else { Wanted::File };
                Err(self.name_failure(error, to, wanted).await)
            }
            other => other,
        }
    }

    async fn sync_volumes(&self, dirs: &[RemotePath]) -> Result<()> {
        sync::volumes(&self.session, dirs).await
    }

    async fn sync_file(&self, path: &RemotePath) -> Result<()> {
        sync::file(&self.session, path).await
    }

    async fn checksum(&self, path: &RemotePath, algorithm: Algorithm) -> Result<Checksum> {
        match within::check_file(&self.session, path, algorithm).await? {
            Some(checksum) => Ok(checksum),
            None => exec::checksum(&self.session, path, algorithm).await,
        }
    }

    async fn execute(&self, dir: &RemotePath, command: &[u8]) -> Result<OutputStream> {
        exec::execute(&self.session, dir, command).await
    }

    async fn terminal(&self, dir: &RemotePath, size: (u16, u16), term: &str) -> Result<RemoteTerminal> {
        terminal::open(&self.session, dir, size, term).await
    }

    async fn owner_id(&self, principal: Principal, name: &str) -> Result<u32> {
        owners::id(self, principal, name).await
    }

    async fn owner_names(&self, uid: Option<u32>, gid: Option<u32>) -> OwnerNames {
        owners::names(&self.session, uid, gid).await
    }

    async fn symlink(&self, path: &RemotePath, target: &[u8]) -> Result<()> {
        let request = Request::Symlink { target, link: path.as_bytes() };
        match self.session.command(Operation::Symlink, request, path).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.name_failure(error, path, Wanted::Nothing).await),
        }
    }

    async fn read_link(&self, path: &RemotePath) -> Result<Vec<u8>> {
        let request = Request::ReadLink { path: path.as_bytes() };
        match self.session.ask(Operation::ReadLink, request, path).await? {
            Response::Names(names) if !names.is_empty() => {
                let told = names[0].name.to_vec();
                if self.session.sees_links || !told.starts_with(b"/") {
                    return Ok(told);
                }
                Ok(links::listed_text(&self.session, path).await.unwrap_or(told))
            }
            other => Err(self.session.error(unexpected(Operation::ReadLink, &other), path)),
        }
    }

    async fn canonicalize(&self, path: &RemotePath) -> Result<RemotePath> {
        let request = Request::RealPath { path: path.as_bytes() };
        match self.session.ask(Operation::Canonicalize, request, path).await? {
            Response::Names(names) if !names.is_empty() => Ok(RemotePath::new(&names[0].name)),
            other => Err(self.session.error(unexpected(Operation::Canonicalize, &other), path)),
        }
    }

    async fn space(&self, path: &RemotePath) -> Result<Space> {
        const STATVFS: &str = "statvfs@openssh.com";
        if !self.session.first.version().has(STATVFS) {
            return Err(self.session.error(Error::new(ErrorKind::Unsupported, Operation::Space), path));
        }
        let request = Request::Extended { name: STATVFS, strings: &[path.as_bytes()] };
        let malformed = |e: response::Malformed| {
            let error = Error::new(ErrorKind::Protocol, Operation::Space).with_detail(e.to_string());
            self.session.error(error, path)
        };
        match self.session.ask(Operation::Space, request, path).await? {
            Response::Extended(body) => response::decode_space(body).map_err(malformed),
            other => Err(self.session.error(unexpected(Operation::Space, &other), path)),
        }
    }

    fn silence(&self) -> Option<Duration> {
        Some(self.session.first.silence().unwrap_or_default())
    }

    fn is_lost(&self) -> bool {
        self.session.first.ended().is_some()
    }

    async fn lost(&self) -> Error {
        self.session.first.when_ended().await.on(self.session.id.as_str())
    }

    async fn close(&self) {
        self.session.further.close();
        self.session.stopping.settle().await;
        self.session.connection.disconnect().await;
    }
}
