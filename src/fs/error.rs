//! The one error type of the file systems and of everything above them: what kind of failure,
//! in which operation, on which path, with the server's reply. Must never hold wording for the
//! screen: that is `words`.

use std::{fmt, io, sync::Arc};

use super::RemotePath;
use crate::{
    reply::{self, Reply},
    trust::ChangedIdentity,
};

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, as far as a decision depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// A place or an argument that cannot be understood.
    Usage,
    NotFound,
    PermissionDenied,
    AlreadyExists,
    NotADirectory,
    IsADirectory,
    NotEmpty,
    /// A full disk or a used-up quota.
    NoSpace,
    /// The name cannot exist on the target, or the server sent one that must not be used.
    InvalidName,
    /// A link where only a plain file or directory may be, or links in a circle.
    LinkRefused,
    Unsupported,
    /// The host name does not resolve.
    Unresolved,
    /// No connection came about: refused, unreachable.
    ConnectionFailed,
    /// A connection that was there is gone.
    ConnectionLost,
    Timeout,
    /// The server refused the login.
    LoginFailed,
    /// The server's identity was refused: changed, revoked, or the person said no.
    HostKeyRefused,
    /// The server's certificate was refused: not trusted, changed, or the person said no.
    CertificateRefused,
    /// The peer broke the protocol.
    Protocol,
    Cancelled,
    /// The source changed while it was read, or the result is not what was sent.
    Mismatch,
    /// Conflict policy says not to touch what exists.
    Conflict,
    /// The server or the system said no more than that it failed.
    Failure,
}

impl ErrorKind {
    /// Whether the same request may succeed later without anybody changing anything.
    pub fn is_retryable(self) -> bool {
        use ErrorKind::*;
        matches!(self, ConnectionFailed | ConnectionLost | Timeout)
    }

    /// Whether the session that reported this is of no further use.
    pub fn ends_session(self) -> bool {
        use ErrorKind::*;
        matches!(self, ConnectionLost | Timeout | Protocol)
    }
}

/// What was being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    ParsePlace,
    ReadArguments,
    ReadConfig,
    ReadBookmarks,
    SaveBookmarks,
    FindBookmark,
    /// Reading another program's sites.
    ImportBookmarks,
    ReadWorkspaces,
    SaveWorkspaces,
    FindWorkspace,
    Resolve,
    Connect,
    CheckHostKey,
    RememberHostKey,
    CheckCertificate,
    RememberCertificate,
    Login,
    OpenChannel,
    List,
    Stat,
    Open,
    Read,
    Write,
    Close,
    CreateDir,
    RemoveFile,
    RemoveDir,
    Rename,
    SetAttributes,
    Symlink,
    HardLink,
    ReadLink,
    Canonicalize,
    Space,
    Checksum,
    /// Comparing the checksums of a copy and its source.
    Verify,
    CopyWithin,
    /// Running a command.
    Execute,
    /// Opening a shell on a server.
    OpenShell,
    /// Finding the number of a user or group.
    FindOwner,
    /// Writing the log, or the record of a job.
    WriteLog,
    /// Finding an interrupted job.
    FindJob,
    Copy,
    Plan,
}

/// A failure. Cheap to clone, so that it can be shown, logged and kept.
#[derive(Clone, Debug)]
pub struct Error(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    kind: ErrorKind,
    operation: Operation,
    path: Option<RemotePath>,
    place: Option<Arc<str>>,
    reply: Option<Reply>,
    detail: Option<Arc<str>>,
    orderly: bool,
    passing: bool,
    changed: Option<ChangedIdentity>,
}

impl Error {
    pub fn new(kind: ErrorKind, operation: Operation) -> Self {
        Error(Box::new(Parts {
            kind,
            operation,
            path: None,
            place: None,
            reply: None,
            detail: None,
            orderly: false,
            passing: false,
            changed: None,
        }))
    }

    /// From an error of the operating system.
    pub fn io(operation: Operation, error: &io::Error) -> Self {
        Error::new(kind_of_io(error), operation).with_detail(io_text(error))
    }

    /// From a status that an SFTP server answered.
    pub fn sftp(operation: Operation, reply: Reply) -> Self {
        let kind = match reply.code {
            reply::SFTP_NO_SUCH_FILE | 10 => ErrorKind::NotFound,
            reply::SFTP_PERMISSION_DENIED | 12 => ErrorKind::PermissionDenied,
            reply::SFTP_NO_CONNECTION | reply::SFTP_CONNECTION_LOST => ErrorKind::ConnectionLost,
            // proftpd's mod_sftp says it for any invalid argument too.
            reply::SFTP_OP_UNSUPPORTED if reply.text == "Invalid parameter" => ErrorKind::Failure,
            reply::SFTP_OP_UNSUPPORTED => ErrorKind::Unsupported,
            11 => ErrorKind::AlreadyExists,
            14 | 15 => ErrorKind::NoSpace,
            18 => ErrorKind::NotEmpty,
            19 => ErrorKind::NotADirectory,
            20 => ErrorKind::InvalidName,
            21 => ErrorKind::LinkRefused,
            24 => ErrorKind::IsADirectory,
            // Among them SSH_FX_BAD_MESSAGE: OpenSSH says it for any invalid argument, such as
            // a directory that would be moved into itself.
            _ => ErrorKind::Failure,
        };
        let mut error = Error::new(kind, operation);
        error.0.reply = Some(reply);
        error
    }

    /// From a reply of class 4yz or 5yz that an FTP server gave. 550 is said of much: the server's
    /// own words help where they are among those that are common.
    pub fn ftp(operation: Operation, reply: Reply) -> Self {
        let kind = match reply.code {
            421 => ErrorKind::ConnectionLost,
            425 | 426 | 450 | 451 | 550 | 551 | 553 => kind_of_ftp_text(&reply.text),
            452 | 552 => ErrorKind::NoSpace,
            430 | 530 | 532 => ErrorKind::PermissionDenied,
            431 | 500..=504 | 521 | 522 | 533..=537 => ErrorKind::Unsupported,
            _ => ErrorKind::Failure,
        };
        Error::new(kind, operation).with_reply(reply)
    }

    /// Says which path it was about, unless somebody nearer has said so already.
    pub fn at(mut self, path: &RemotePath) -> Self {
        self.0.path.get_or_insert_with(|| path.clone());
        self
    }

    /// Says which path it is about to those who do not know the one that was used.
    pub fn about(mut self, path: &RemotePath) -> Self {
        self.0.path = Some(path.clone());
        self
    }

    /// Says which server or file system it was about, unless that is known already.
    pub fn on(mut self, place: impl Into<Arc<str>>) -> Self {
        self.0.place.get_or_insert_with(|| place.into());
        self
    }

    pub fn with_reply(mut self, reply: Reply) -> Self {
        self.0.reply = Some(reply);
        self
    }

    /// Adds facts that no code carries: the system's words, a file and line, what was tried.
    pub fn with_detail(mut self, detail: impl Into<Arc<str>>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// The same failure, met while doing something else: a lost connection ends all that waits.
    pub fn during(mut self, operation: Operation) -> Self {
        self.0.operation = operation;
        self
    }

    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// Says that a session ended because its server took leave, as one does that has been idle
    /// for long: nothing is broken.
    pub fn in_good_order(mut self) -> Self {
        self.0.orderly = true;
        self
    }

    /// Says that one connection of several failed: the session goes on, and so may what was cut
    /// off.
    pub fn passing(mut self) -> Self {
        self.0.passing = true;
        self
    }

    /// Says that the server has shown another host key or certificate than the one remembered.
    pub fn with_changed_identity(mut self, changed: ChangedIdentity) -> Self {
        self.0.changed = Some(changed);
        self
    }

    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    pub fn operation(&self) -> Operation {
        self.0.operation
    }

    pub fn path(&self) -> Option<&RemotePath> {
        self.0.path.as_ref()
    }

    /// The server or file system, as [`super::FsId`] prints it or as the person wrote it.
    pub fn place(&self) -> Option<&str> {
        self.0.place.as_deref()
    }

    pub fn reply(&self) -> Option<&Reply> {
        self.0.reply.as_ref()
    }

    pub fn detail(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    /// Whether it is a session that its server took leave of.
    pub fn is_in_good_order(&self) -> bool {
        self.0.orderly
    }

    /// Whether it was one connection that failed, and others are there.
    pub fn is_passing(&self) -> bool {
        self.0.passing
    }

    /// What the server has shown instead of the host key or certificate that is remembered.
    pub fn changed_identity(&self) -> Option<&ChangedIdentity> {
        self.0.changed.as_ref()
    }
}

/// For logs and tests; people read `words::error`.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} in {:?}", self.kind(), self.operation())?;
        if let Some(path) = self.path() {
            write!(f, " on {path:?}")?;
        }
        if let Some(reply) = self.reply() {
            write!(f, ": {} {:?}", reply.code, reply.text)?;
        }
        if let Some(detail) = self.detail() {
            write!(f, ": {detail:?}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// The kind behind an error of the operating system.
pub fn kind_of_io(error: &io::Error) -> ErrorKind {
    use io::ErrorKind as Io;
    match error.kind() {
        Io::NotFound => ErrorKind::NotFound,
        Io::PermissionDenied | Io::ReadOnlyFilesystem => ErrorKind::PermissionDenied,
        Io::AlreadyExists => ErrorKind::AlreadyExists,
        Io::NotADirectory => ErrorKind::NotADirectory,
        Io::IsADirectory => ErrorKind::IsADirectory,
        Io::DirectoryNotEmpty => ErrorKind::NotEmpty,
        Io::StorageFull | Io::QuotaExceeded | Io::FileTooLarge => ErrorKind::NoSpace,
        Io::InvalidFilename => ErrorKind::InvalidName,
        Io::Unsupported | Io::CrossesDevices => ErrorKind::Unsupported,
        Io::ConnectionRefused | Io::HostUnreachable | Io::NetworkUnreachable | Io::AddrNotAvailable => {
            ErrorKind::ConnectionFailed
        }
        Io::ConnectionReset
        | Io::ConnectionAborted
        | Io::BrokenPipe
        | Io::UnexpectedEof
        | Io::NotConnected => ErrorKind::ConnectionLost,
        Io::TimedOut => ErrorKind::Timeout,
        _ => match error.raw_os_error() {
            Some(nix::libc::ELOOP) => ErrorKind::LinkRefused,
            Some(nix::libc::ENOTSUP) => ErrorKind::Unsupported,
            _ => ErrorKind::Failure,
        },
    }
}

/// What servers write behind 550, mostly their system's own words.
fn kind_of_ftp_text(text: &str) -> ErrorKind {
    let text = text.to_ascii_lowercase();
    // The path is quoted in many of them: words that a path may hold by chance come last.
    let words = [
        ("no such file", ErrorKind::NotFound),
        ("not found", ErrorKind::NotFound),
        ("cannot find", ErrorKind::NotFound),
        ("doesn't exist", ErrorKind::NotFound),
        ("does not exist", ErrorKind::NotFound),
        ("not empty", ErrorKind::NotEmpty),
        ("file exists", ErrorKind::AlreadyExists),
        ("already exists", ErrorKind::AlreadyExists),
        ("not a directory", ErrorKind::NotADirectory),
        ("is a directory", ErrorKind::IsADirectory),
        ("too many levels", ErrorKind::LinkRefused),
        ("name too long", ErrorKind::InvalidName),
        ("prohibited file name", ErrorKind::InvalidName),
        ("no space left", ErrorKind::NoSpace),
        ("quota", ErrorKind::NoSpace),
        ("disk full", ErrorKind::NoSpace),
        ("permission denied", ErrorKind::PermissionDenied),
        ("access is denied", ErrorKind::PermissionDenied),
        ("access denied", ErrorKind::PermissionDenied),
        ("not permitted", ErrorKind::PermissionDenied),
        ("read-only", ErrorKind::PermissionDenied),
    ];
    words.iter().find(|(words, _)| text.contains(words)).map_or(ErrorKind::Failure, |(_, kind)| *kind)
}

/// The system's words without Rust's "(os error 2)" behind them.
fn io_text(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error ") {
        Some(cut) => text[..cut].to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_have_kinds() {
        let kind = |code| Error::sftp(Operation::Open, Reply::sftp(code, "")).kind();
        assert_eq!(kind(2), ErrorKind::NotFound);
        assert_eq!(kind(3), ErrorKind::PermissionDenied);
        assert_eq!(kind(4), ErrorKind::Failure);
        assert_eq!(kind(14), ErrorKind::NoSpace);
        assert_eq!(kind(4711), ErrorKind::Failure);
    }

    #[test]
    fn replies_have_kinds() {
        let kind = |code, text: &str| Error::ftp(Operation::Open, Reply::ftp(code, text)).kind();
        assert_eq!(kind(550, "/x: No such file or directory"), ErrorKind::NotFound);
        assert_eq!(kind(550, "Permission denied."), ErrorKind::PermissionDenied);
        assert_eq!(kind(550, "Failed to open file."), ErrorKind::Failure);
        assert_eq!(kind(553, "Can't open that file: Is a directory"), ErrorKind::IsADirectory);
        assert_eq!(kind(552, ""), ErrorKind::NoSpace);
        assert_eq!(kind(421, ""), ErrorKind::ConnectionLost);
        assert_eq!(kind(502, ""), ErrorKind::Unsupported);
        assert_eq!(kind(499, ""), ErrorKind::Failure);
    }

    #[test]
    fn the_nearest_path_stays() {
        let error = Error::new(ErrorKind::NotFound, Operation::Stat).at(&RemotePath::new("/near"));
        assert_eq!(error.at(&RemotePath::new("/far")).path(), Some(&RemotePath::new("/near")));
    }
}
