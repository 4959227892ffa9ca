//! File systems: the trait that every backend implements, the registry of protocols and
//! [`connect`]. Knows nothing of screens, jobs or plans.

pub mod entry;
pub mod error;
pub mod following;
pub mod ftp;
pub mod local;
pub mod memory;
pub mod mode;
pub mod needle;
mod pace;
pub mod path;
pub mod place;
pub mod rooted;
mod scheme;
pub mod sftp;
pub mod sum;

use std::{path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;

pub use entry::{Attributes, Entry, Kind, OwnerNames, Precision, Space, Timestamp};
pub use error::{Error, ErrorKind, Operation, Result};
pub use ftp::FtpOptions;
pub use needle::Needle;
pub use pace::Pace;
pub use path::{FsId, Location, RemotePath};
pub use place::{Place, PlacePath, Target};
pub use scheme::{FTP, FTPES, FTPS, Part, SCHEMES, SFTP, Scheme, scheme};
pub use sum::{Algorithm, Checksum};

use crate::{reply::Reply, trust::Prompt};

/// A listing in batches, in the order that the server sends them. Never holds `.` and `..`,
/// and every name has passed [`path::check_name`]. A name that was refused arrives as an
/// `Err` of kind [`ErrorKind::InvalidName`] that does not end the stream, and so does a failure
/// about the path of one entry. Fused.
pub type EntryStream = BoxStream<'static, Result<Vec<Entry>>>;

/// A file's bytes in order; ends at the end of the file or with one error. Fused.
pub type ByteStream = BoxStream<'static, Result<Bytes>>;

/// What a command prints, as it prints it, and then how it ended, once. Fused. Dropping it asks
/// the command to end.
pub type OutputStream = BoxStream<'static, Result<Output>>;

/// What comes out of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    Stdout(Bytes),
    Stderr(Bytes),
    /// The exit status.
    Exited(u32),
    /// Ended by a signal, by its name without `SIG`.
    Killed(String),
}

/// Whether a name is a user's or a group's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Principal {
    User,
    Group,
}

/// What a backend can do beyond the obligatory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// Rename replaces an existing target in one step.
    pub atomic_replace: bool,
    pub symlinks: bool,
    pub hard_links: bool,
    /// Copies a file within itself, without its bytes coming here.
    pub copy_within: bool,
    /// Computes checksums where the file is. A server may still refuse when it is asked.
    pub checksums: bool,
    /// Runs commands. A server may still refuse when it is asked.
    pub commands: bool,
    /// Owner and group can be set by those who may.
    pub owners: bool,
    /// Permission bits can be set.
    pub modes: bool,
    /// Modification times can be set.
    pub times: bool,
    /// The finest difference between two modification times that survives a round trip.
    pub time_precision: Duration,
    /// How many files are worth being moved at the same time.
    pub parallel_files: usize,
    /// Whether reaching it crosses a network.
    pub remote: bool,
    /// A file that was cut off while it was written holds its beginning, without a gap.
    pub written_in_order: bool,
}

/// How to read.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadOptions {
    /// First byte to read.
    pub offset: u64,
    /// The size that a listing told, so that small files need fewer round trips. A file that
    /// has become longer or shorter since is read to its real end all the same.
    pub expected_size: Option<u64>,
}

/// How to create the file that a [`Sink`] fills.
#[derive(Clone, Debug, Default)]
pub struct WriteOptions {
    /// Fail with [`ErrorKind::AlreadyExists`] if anything stands at the path, a dangling
    /// symlink included. Otherwise an existing file is truncated.
    pub exclusive: bool,
    /// Permission bits while the file is being written; the backend's default if `None`.
    pub create_mode: Option<u32>,
    /// Set once all data has been written, before the file is closed.
    pub attributes: Attributes,
    /// The total that will be written, if it is known.
    pub expected_size: Option<u64>,
    /// What was written is on the server's disk, not only on its way there, before [`Sink::finish`]
    /// says that it is done: where the backend can.
    pub sync: bool,
    /// Write on from this offset into the file that stands at the path; what is beyond it is cut
    /// off. [`ErrorKind::NotFound`] if there is none, [`ErrorKind::Unsupported`] where a backend
    /// cannot. `exclusive` and `create_mode` mean nothing then.
    pub resume: Option<u64>,
    /// The server that the bytes are read from while they are written. Where connections are few,
    /// one must be left for that.
    pub source: Option<FsId>,
}

/// What became of a finished write.
#[derive(Clone, Debug, Default)]
pub struct Written {
    /// The size that the file system itself reports after the last byte, where it does.
    pub size: Option<u64>,
    /// A time or mode that could not be set; the data is whole all the same.
    pub attributes_refused: Option<Error>,
}

/// A file being written. Dropping it without [`Sink::finish`] closes the file and leaves what
/// was written so far; only `finish` knows whether all of it arrived.
#[async_trait]
pub trait Sink: Send {
    /// Takes the next bytes; waits only for room. A failure of earlier bytes may show here.
    async fn write(&mut self, chunk: Bytes) -> Result<()>;

    /// The first so many bytes of the file have arrived for certain, without a gap. What a write
    /// that is cut off can be resumed from, also where `finish` has failed.
    fn acknowledged(&self) -> u64 {
        0
    }

    /// Writes what is left, sets the attributes, closes, and waits for every acknowledgement. Nothing
    /// can be written after it.
    async fn finish(&mut self) -> Result<Written>;
}

/// Files in one place, whatever is behind it. Every method can be cancelled by dropping its
/// future; a session stays usable after that.
#[async_trait]
pub trait FileSystem: Send + Sync {
    fn id(&self) -> &FsId;

    fn capabilities(&self) -> Capabilities;

    /// Lists a directory; a symlink to one is followed.
    async fn list(&self, path: &RemotePath) -> Result<EntryStream>;

    /// What is at the path, symlinks followed. The entry's name is the path's last component,
    /// `/` for the root.
    async fn stat(&self, path: &RemotePath) -> Result<Entry>;

    /// What is at the path itself, be it a symlink.
    async fn lstat(&self, path: &RemotePath) -> Result<Entry>;

    async fn read(&self, path: &RemotePath, options: ReadOptions) -> Result<ByteStream>;

    async fn write(&self, path: &RemotePath, options: WriteOptions) -> Result<Box<dyn Sink>>;

    /// A file of so many bytes is about to be written: what that takes may be got ready meanwhile.
    fn expect_write(&self, _size: u64) {}

    /// Somebody else may have written beside `path`: what was lately seen there is not believed any more.
    fn doubt(&self, _path: &RemotePath) {}

    /// Creates one directory. [`ErrorKind::AlreadyExists`] if anything is there. A server's umask
    /// may take bits away from `mode`.
    async fn create_dir(&self, path: &RemotePath, mode: Option<u32>) -> Result<()>;

    /// Removes a file or a symlink, never what a symlink points to, never a directory.
    async fn remove_file(&self, path: &RemotePath) -> Result<()>;

    /// Removes an empty directory.
    async fn remove_dir(&self, path: &RemotePath) -> Result<()>;

    /// Renames within the file system. With `replace`, an existing file at `to` is replaced in
    /// one step, or the call fails with [`ErrorKind::Unsupported`]; without it, an existing
    /// target is [`ErrorKind::AlreadyExists`].
    async fn rename(&self, from: &RemotePath, to: &RemotePath, replace: bool) -> Result<()>;

    /// Sets what is `Some` (size excepted), following symlinks.
    async fn set_attributes(&self, path: &RemotePath, attributes: &Attributes) -> Result<()>;

    /// Creates a symlink at `path` that holds `target`.
    async fn symlink(&self, path: &RemotePath, target: &[u8]) -> Result<()> {
        let _ = target;
        Err(Error::new(ErrorKind::Unsupported, Operation::Symlink).at(path))
    }

    async fn read_link(&self, path: &RemotePath) -> Result<Vec<u8>> {
        Err(Error::new(ErrorKind::Unsupported, Operation::ReadLink).at(path))
    }

    /// Sets what is `Some` (size excepted) on what is at the path itself, be it a symlink.
    async fn set_link_attributes(&self, path: &RemotePath, attributes: &Attributes) -> Result<()> {
        let _ = attributes;
        Err(Error::new(ErrorKind::Unsupported, Operation::SetAttributes).at(path))
    }

    /// Gives the file at `path` a second name, `to`. [`ErrorKind::AlreadyExists`] if anything is
    /// there.
    async fn hard_link(&self, path: &RemotePath, to: &RemotePath) -> Result<()> {
        let _ = to;
        Err(Error::new(ErrorKind::Unsupported, Operation::HardLink).at(path))
    }

    /// Copies one regular file to `to` without its bytes coming here; `options` as for
    /// [`FileSystem::write`]. Tells `pace` of bytes as they are done, and asks it before they are.
    /// After a failure there may be a part of the file at `to`. [`ErrorKind::Unsupported`] where it
    /// cannot be done: then the bytes have to be moved.
    async fn copy_within(
        &self,
        from: &RemotePath,
        to: &RemotePath,
        options: WriteOptions,
        pace: &dyn Pace,
    ) -> Result<Written> {
        let _ = (to, options, pace);
        Err(Error::new(ErrorKind::Unsupported, Operation::CopyWithin).at(from))
    }

    /// What was written to the volumes that these directories are on, names included, is on their
    /// disks when this returns. [`ErrorKind::Unsupported`] where that cannot be asked for at once.
    async fn sync_volumes(&self, dirs: &[RemotePath]) -> Result<()> {
        let _ = dirs;
        Err(Error::new(ErrorKind::Unsupported, Operation::Close))
    }

    /// The same for one file: its bytes, and its name where the backend can.
    async fn sync_file(&self, path: &RemotePath) -> Result<()> {
        Err(Error::new(ErrorKind::Unsupported, Operation::Close).at(path))
    }

    /// The checksum of a regular file, computed where the file is. [`ErrorKind::Unsupported`]
    /// where that cannot be done: then its bytes have to be read.
    async fn checksum(&self, path: &RemotePath, algorithm: Algorithm) -> Result<Checksum> {
        let _ = algorithm;
        Err(Error::new(ErrorKind::Unsupported, Operation::Checksum).at(path))
    }

    /// The algorithm that [`FileSystem::checksum`] is best asked for: the strongest of those that
    /// are computed where the files are. The default where there is none.
    fn preferred_checksum(&self) -> Algorithm {
        Algorithm::default()
    }

    /// Runs `command`, a line for the login's shell, in the directory `dir`, with nothing to
    /// read on its standard input.
    async fn execute(&self, dir: &RemotePath, command: &[u8]) -> Result<OutputStream> {
        let _ = command;
        Err(Error::new(ErrorKind::Unsupported, Operation::Execute).at(dir))
    }

    /// Opens a shell in the directory `dir`, on a terminal of `size` columns and rows and of the
    /// kind `term`, as TERM has it.
    async fn terminal(&self, dir: &RemotePath, size: (u16, u16), term: &str) -> Result<RemoteTerminal> {
        let _ = (size, term);
        Err(Error::new(ErrorKind::Unsupported, Operation::OpenShell).at(dir))
    }

    /// The number of a user or group, by its name.
    async fn owner_id(&self, principal: Principal, name: &str) -> Result<u32> {
        let _ = principal;
        Err(Error::new(ErrorKind::Unsupported, Operation::FindOwner).on(name))
    }

    /// The names of a user and a group, where they are easily had.
    async fn owner_names(&self, uid: Option<u32>, gid: Option<u32>) -> OwnerNames {
        let _ = (uid, gid);
        OwnerNames::default()
    }

    /// The path with all symlinks resolved.
    async fn canonicalize(&self, path: &RemotePath) -> Result<RemotePath>;

    /// Free and total space where `path` is.
    async fn space(&self, path: &RemotePath) -> Result<Space> {
        Err(Error::new(ErrorKind::Unsupported, Operation::Space).at(path))
    }

    /// Whether the session behind it has ended for good.
    fn is_lost(&self) -> bool {
        false
    }

    /// How long a server that owes an answer has been silent, zero where it owes none; `None` where
    /// that is not known.
    fn silence(&self) -> Option<Duration> {
        None
    }

    /// Waits until the session behind it has ended, and says why. Never returns where there is
    /// no session.
    async fn lost(&self) -> Error {
        std::future::pending().await
    }

    /// Ends the sessions behind it. Later calls fail with [`ErrorKind::ConnectionLost`].
    async fn close(&self) {}
}

/// A shell on a server. Dropping it hangs up.
pub struct RemoteTerminal {
    /// What is typed, and the terminal's size when that changes.
    pub typed: tokio::sync::mpsc::Sender<Typed>,
    /// What it shows; how the shell ended as the last.
    pub shown: OutputStream,
}

/// What goes to a shell on a server.
#[derive(Clone, Debug)]
pub enum Typed {
    Keys(Bytes),
    /// Columns and rows.
    Size(u16, u16),
}

/// Where a connection is on its way, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    ReadingConfig,
    Resolving,
    Connecting,
    CheckingHostKey,
    CheckingCertificate,
    LoggingIn,
    OpeningSession,
}

/// One operation and what the server answered: a line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    pub fs: FsId,
    /// The request as the protocol calls it, for example `OPEN` or `READ x 12`.
    pub request: String,
    pub path: Option<RemotePath>,
    pub reply: Reply,
    /// From the request to the arrival of its answer; zero where that is not known.
    pub elapsed: Duration,
}

/// Hears what happens on a connection. Called from the tasks that move data: it must not block.
pub trait Observer: Send + Sync {
    fn reply(&self, line: LogLine);
    fn stage(&self, stage: Stage);
}

/// What a connection may know beside its target.
#[derive(Clone)]
pub struct Context {
    pub ssh: SshOptions,
    pub ftp: FtpOptions,
    pub prompt: Arc<dyn Prompt>,
    pub observer: Arc<dyn Observer>,
    /// What the session is wanted for: a protocol that can asks what stands there along with the login.
    pub wanted: Option<PlacePath>,
}

/// How to reach SSH servers, as the command line said it.
#[derive(Clone, Debug, Default)]
pub struct SshOptions {
    /// `-F`: this ssh_config instead of the user's and the system's.
    pub config_file: Option<PathBuf>,
    /// `-i`: tried before those of the configuration.
    pub identities: Vec<PathBuf>,
    /// `--known-hosts`: instead of the user's file.
    pub known_hosts: Option<PathBuf>,
    /// `--accept-new`: an unknown host key is remembered without asking.
    pub accept_new: bool,
}

/// What is worth knowing of a connection that came about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerInfo {
    /// The name to show: the host as the person wrote it, or `local`.
    pub label: String,
    /// `local`, `sftp`, …
    pub protocol: &'static str,
    /// How the server is trusted, for example `ed25519`; empty where there is nothing to trust.
    pub trust: String,
}

/// A file system ready for use.
pub struct Connected {
    pub fs: Arc<dyn FileSystem>,
    pub info: ServerInfo,
    /// The login directory.
    pub home: RemotePath,
}

/// How a target would be reached, as far as that can be told without reaching it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    pub protocol: &'static str,
    pub host: String,
    pub port: u16,
    pub user: String,
    /// Private keys in the order to be tried; they need not exist.
    pub identity_files: Vec<PathBuf>,
    /// Hosts to go through, nearest first, as ssh_config names them.
    pub jumps: Vec<String>,
    pub proxy_command: Option<String>,
    pub host_key: HostKeyState,
}

/// What can be said of a server's identity before the server is reached. Whether it shows the
/// key that is known is seen only then: nothing here says that it has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostKeyState {
    /// known_hosts has a key or an authority for the host.
    Known,
    Unknown,
    /// Keys are known for the host, and every one of them is revoked.
    Revoked,
    /// The protocol has no host keys, or there is nothing to connect to.
    NotChecked,
}

impl HostKeyState {
    /// As `resolve --json` has it.
    pub fn name(self) -> &'static str {
        match self {
            HostKeyState::Known => "known",
            HostKeyState::Unknown => "unknown",
            HostKeyState::Revoked => "revoked",
            HostKeyState::NotChecked => "not-checked",
        }
    }
}

/// Finds out how `target` would be reached; connects nowhere.
pub async fn route(target: &Target, ssh: &SshOptions) -> Result<Route> {
    match target.scheme.name {
        "sftp" => sftp::route(target, ssh).await,
        "ftp" | "ftps" | "ftpes" => Ok(ftp::route(target)),
        name => Err(Error::new(ErrorKind::Unsupported, Operation::ReadConfig).on(name)),
    }
}

/// Connects and logs in. Asks through `context.prompt`, reports through `context.observer`.
pub async fn connect(target: &Target, context: &Context) -> Result<Connected> {
    match target.scheme.name {
        "sftp" => sftp::connect(target, context).await,
        "ftp" | "ftps" | "ftpes" => ftp::connect(target, context).await,
        name => Err(Error::new(ErrorKind::Unsupported, Operation::Connect).on(name)),
    }
}
