//! Errors in three parts: what failed on what, what the other side said, what can be done.
//! Decides nothing; only words what an [`Error`] holds.

mod advice;

use std::fmt;

use advice::advice;

use super::{escape, escape_bytes};
use crate::{
    fs::{Error, ErrorKind, Operation},
    reply::{Protocol, Reply, SFTP_BAD_MESSAGE, SFTP_FAILURE},
    trust::{ChangedIdentity, KnownKey},
};

/// An error in sentences, escaped and ready for a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorWords {
    /// What stands over an error that kept a connection from coming about.
    pub title: &'static str,
    /// `Could not write /var/www/index.html on sftp://web-01`. No full stop.
    pub what: String,
    /// `SFTP status 3 (SSH_FX_PERMISSION_DENIED), Permission denied`. No full stop; may be empty.
    pub said: String,
    /// What to do next: whole sentences.
    pub advice: String,
    /// What `said` tells of two identities, for who can show them one below the other.
    pub changed: Option<Box<ChangedIdentity>>,
}

impl fmt::Display for ErrorWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if !self.said.is_empty() {
            write!(f, ": {}", self.said)?;
        }
        if !self.what.ends_with(['.', '?', '!']) || !self.said.is_empty() {
            f.write_str(if self.said.ends_with(['.', '?', '!']) { "" } else { "." })?;
        }
        if !self.advice.is_empty() {
            write!(f, " {}", self.advice)?;
        }
        Ok(())
    }
}

/// An operation as it stands behind "Could not".
pub fn operation(operation: Operation) -> &'static str {
    use Operation::*;
    match operation {
        ReadArguments => "understand",
        ParsePlace => "make sense of",
        ReadConfig => "read the SSH configuration for",
        ReadBookmarks => "read the bookmarks in",
        SaveBookmarks => "save the bookmark in",
        FindBookmark => "find the bookmark",
        ImportBookmarks => "import the sites of",
        ReadWorkspaces => "read the workspaces in",
        SaveWorkspaces => "save the workspace in",
        FindWorkspace => "find the workspace",
        Resolve => "look up the address of",
        Connect => "connect to",
        CheckHostKey => "trust the host key of",
        RememberHostKey => "remember the host key of",
        CheckCertificate => "trust the certificate of",
        RememberCertificate => "remember the certificate of",
        Login => "log in to",
        OpenChannel => "open a session on",
        List => "list",
        Stat => "look at",
        Open => "open",
        Read => "read",
        Write => "write",
        Close => "finish writing",
        CreateDir => "create the folder",
        RemoveFile => "delete",
        RemoveDir => "delete the folder",
        Rename => "rename",
        SetAttributes => "change the attributes of",
        Symlink | HardLink => "create the link",
        ReadLink => "read the link",
        Canonicalize => "resolve",
        Space => "ask for the free space at",
        Checksum => "compute the checksum of",
        Verify => "verify",
        CopyWithin => "copy where it is",
        Execute => "run a command in",
        OpenShell => "open a shell in",
        FindOwner => "find the user or group",
        WriteLog => "write the log to",
        FindJob => "take up the transfer",
        Copy => "copy",
        Plan => "plan the copy of",
    }
}

/// The error in words.
pub fn error(error: &Error) -> ErrorWords {
    ErrorWords {
        title: title(error),
        what: what(error),
        said: said(error),
        advice: advice(error),
        changed: error.changed_identity().cloned().map(Box::new),
    }
}

fn title(error: &Error) -> &'static str {
    match error.kind() {
        ErrorKind::HostKeyRefused if error.changed_identity().is_some() => "Host key changed",
        ErrorKind::CertificateRefused if error.changed_identity().is_some() => "Certificate changed",
        _ => "Not connected",
    }
}

fn what(error: &Error) -> String {
    let mut out = format!("Could not {}", operation(error.operation()));
    if error.kind() == ErrorKind::InvalidName && error.operation() == Operation::List {
        // The rest is there.
        out.push_str(" all of");
    }
    let place = error.place().filter(|place| *place != "local").map(escape);
    match (error.path(), place) {
        (Some(path), Some(place)) => {
            out.push_str(&format!(" {} on {place}", escape_bytes(path.as_bytes())));
        }
        (Some(path), None) => out.push_str(&format!(" {}", escape_bytes(path.as_bytes()))),
        (None, Some(place)) => out.push_str(&format!(" {place}")),
        (None, None) => out.push_str(match error.operation() {
            Operation::Copy | Operation::Plan | Operation::Rename | Operation::List => " it",
            _ => " this place",
        }),
    }
    out
}

fn said(error: &Error) -> String {
    let mut parts = Vec::new();
    if let Some(reply) = error.reply() {
        parts.push(code(reply));
    }
    if let Some(detail) = error.detail() {
        // A detail may be several lines (both fingerprints of a changed key): one line here,
        // so each break becomes a semicolon before the rest is escaped.
        let lines: Vec<_> = detail.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let mut text = lines.join("; ");
        if error.kind() == ErrorKind::Unresolved {
            text = unresolved(&text);
        }
        if !parts.iter().any(|part| part.contains(&text)) && !text.is_empty() {
            parts.push(escape(&text).into_owned());
        }
    }
    if let Some(changed) = error.changed_identity() {
        let of = |fingerprint: &str, key_type: &str| match key_type {
            "" => escape(fingerprint).into_owned(),
            _ => format!("{} ({})", escape(fingerprint), escape(key_type)),
        };
        parts.push(format!("the server shows {}", of(&changed.fingerprint, &changed.key_type)));
        parts.extend(changed.remembered.iter().map(|known| {
            format!("remembered is {} in {}", of(&known.fingerprint, &known.key_type), stored_in(known))
        }));
    }
    // Where a code says no more than that it failed, what was found out since says why.
    let vague = error.reply().is_some_and(|reply| matches!(reply.code, SFTP_FAILURE | SFTP_BAD_MESSAGE));
    if parts.is_empty() || (vague && error.kind() != ErrorKind::Failure) {
        parts.push(in_general(error.kind()).to_owned());
    }
    let text = parts.join("; ");
    text.trim_end_matches('.').to_owned()
}

/// `/home/ann/.ssh/known_hosts:12`.
pub fn stored_in(known: &KnownKey) -> String {
    let file = escape(&known.file.to_string_lossy()).into_owned();
    if known.line > 0 { format!("{file}:{}", known.line) } else { file }
}

/// What a resolver said of a name, without the operation and the name that are told already.
fn unresolved(detail: &str) -> String {
    const LOOKUP: &str = "failed to lookup address information: ";
    match detail.split_once(LOOKUP) {
        Some((_, why)) if why.contains("emporary") => format!("the network does not tell ({why})"),
        Some((_, why)) => format!("there is no host of that name ({why})"),
        None => detail.to_owned(),
    }
}

fn code(reply: &Reply) -> String {
    let protocol = match reply.protocol {
        Protocol::Sftp => "SFTP status",
        Protocol::Ftp => "FTP reply",
        Protocol::Command => "exit status",
    };
    let meaning = reply.meaning();
    let mut out = format!("{protocol} {}", reply.code);
    if let Some(meaning) = meaning {
        out.push_str(&format!(" ({})", meaning.name));
    }
    match (reply.text.trim(), meaning) {
        ("", Some(meaning)) => out.push_str(&format!(", {}", meaning.meaning)),
        ("", None) => {}
        (text, _) => out.push_str(&format!(", {}", escape(text))),
    }
    out
}

/// What the kind says by itself, where nobody said more.
fn in_general(kind: ErrorKind) -> &'static str {
    use ErrorKind::*;
    match kind {
        Usage => "this is no place that wharf knows",
        NotFound => "no such file or folder",
        PermissionDenied => "permission denied",
        AlreadyExists => "something of that name exists already",
        NotADirectory => "it is not a folder",
        IsADirectory => "it is a folder",
        NotEmpty => "the folder is not empty",
        NoSpace => "no space is left",
        InvalidName => "the name cannot be used",
        LinkRefused => "a symbolic link stands where none may be",
        Unsupported => "the other side cannot do this",
        Unresolved => "the host's name has no address",
        ConnectionFailed => "no connection came about",
        ConnectionLost => "the connection was lost",
        Timeout => "no answer came in time",
        LoginFailed => "the server refused the login",
        HostKeyRefused => "the server's identity was not accepted",
        CertificateRefused => "the server's certificate was not accepted",
        Protocol => "the server broke the protocol",
        Cancelled => "it was cancelled",
        Mismatch => "what arrived is not what was sent",
        Conflict => "the target exists and was left as it is",
        Failure => "no reason was given",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::RemotePath;

    const KINDS: [ErrorKind; 23] = {
        use ErrorKind::*;
        [
            Usage,
            NotFound,
            PermissionDenied,
            AlreadyExists,
            NotADirectory,
            IsADirectory,
            NotEmpty,
            NoSpace,
            InvalidName,
            LinkRefused,
            Unsupported,
            Unresolved,
            ConnectionFailed,
            ConnectionLost,
            Timeout,
            LoginFailed,
            HostKeyRefused,
            CertificateRefused,
            Protocol,
            Cancelled,
            Mismatch,
            Conflict,
            Failure,
        ]
    };

    #[test]
    fn every_kind_has_words_of_its_own() {
        let mut seen = std::collections::HashSet::new();
        for kind in KINDS {
            let words = error(&Error::new(kind, Operation::Stat).on("sftp://h"));
            assert!(!words.said.is_empty() && words.advice.len() > 15, "{kind:?}");
            assert!(seen.insert((words.said, words.advice)), "{kind:?} says what another says");
        }
    }

    #[test]
    fn three_parts_in_one_line() {
        let denied = Error::sftp(Operation::Write, Reply::sftp(3, "Permission denied"))
            .at(&RemotePath::new("/var/www/index.html"))
            .on("sftp://web-01");
        assert_eq!(
            error(&denied).to_string(),
            "Could not write /var/www/index.html on sftp://web-01: SFTP status 3 (SSH_FX_PERMISSION_DENIED), \
             Permission denied. The login may not write here; choose another folder, or ask its owner for access."
        );
        let refused = Error::new(ErrorKind::ConnectionFailed, Operation::Connect)
            .on("sftp://web-01:2222")
            .with_detail("Connection refused");
        assert_eq!(
            error(&refused).to_string(),
            "Could not connect to sftp://web-01:2222: Connection refused. Check host and port, that the server \
             runs, and that no firewall is in between."
        );
    }

    fn changed(file: &str, line: usize, key_type: &str) -> ChangedIdentity {
        let (file, key_type, fingerprint) = (file.into(), key_type.to_owned(), "SHA256:aaa".to_owned());
        let known = KnownKey { file, line, key_type: key_type.clone(), fingerprint };
        ChangedIdentity { fingerprint: "SHA256:bbb".into(), key_type, remembered: vec![known] }
    }

    #[test]
    fn a_changed_key_shows_all_and_offers_no_easy_way() {
        let refused = Error::new(ErrorKind::HostKeyRefused, Operation::CheckHostKey).on("web-01");
        let refused = refused.with_detail("the host key has CHANGED");
        let refused = refused.with_changed_identity(changed("/home/ann/.ssh/known_hosts", 12, "ssh-ed25519"));
        let text = error(&refused).to_string();
        for part in [
            "the server shows SHA256:bbb (ssh-ed25519)",
            "remembered is SHA256:aaa (ssh-ed25519) in /home/ann/.ssh/known_hosts:12",
            "administrator",
        ] {
            assert!(text.contains(part), "{text}");
        }
        assert_eq!(error(&refused).title, "Host key changed");
    }

    #[test]
    fn a_changed_certificate_is_no_unknown_one() {
        let refused = |detail| {
            Error::new(ErrorKind::CertificateRefused, Operation::CheckCertificate).with_detail(detail)
        };
        let new = changed("/x/certificates", 0, "");
        let changed = error(&refused("the certificate has CHANGED").with_changed_identity(new));
        assert_eq!(changed.title, "Certificate changed");
        assert!(changed.said.contains("CHANGED") && changed.advice.starts_with("Do not go on"), "{changed}");
        assert!(changed.said.ends_with("remembered is SHA256:aaa in /x/certificates"), "{changed}");
        // A server's own words are no verdict.
        for detail in ["it is self-signed", "its name has CHANGED"] {
            let unknown = error(&refused(detail));
            assert!(unknown.title != changed.title && unknown.advice.contains("say yes"), "{unknown}");
        }
    }

    #[test]
    fn servers_cannot_speak_to_the_terminal() {
        let nasty = "\x1b]0;x\x07\u{202e}";
        let bad = Error::sftp(Operation::Open, Reply::sftp(4, nasty))
            .at(&RemotePath::new(nasty))
            .on(nasty)
            .with_detail(nasty);
        let text = error(&bad).to_string();
        assert!(!text.contains(|c: char| c.is_control() || c == '\u{202e}'), "{text}");
    }

    #[test]
    fn what_cannot_be_written_is_not_to_be_looked_for() {
        for said in ["Permission denied.", "Create directory operation failed."] {
            let refused = Error::ftp(Operation::CreateDir, Reply::ftp(550, said));
            let advice = error(&refused).advice;
            assert!(advice.contains("may not write here") && advice.contains("another folder"), "{advice}");
        }
        let gone = Error::ftp(Operation::Read, Reply::ftp(550, "Failed to open file."));
        assert!(error(&gone).advice.contains("Check the path"), "reading is another matter");
    }

    #[test]
    fn a_host_that_is_not_found_is_told_once() {
        let of =
            |detail| error(&Error::new(ErrorKind::Unresolved, Operation::Resolve).with_detail(detail)).said;
        assert_eq!(
            of("slow: failed to lookup address information: Name or service not known"),
            "there is no host of that name (Name or service not known)"
        );
        assert!(
            !of("failed to lookup address information: Temporary failure in name resolution")
                .contains("no host")
        );
        assert_eq!(of("nas has no usable address"), "nas has no usable address");
    }

    #[test]
    fn a_refused_ftp_login_is_told_what_may_be_wrong_with_it_and_nothing_else() {
        let advice = |place: &str| {
            let refused = Error::ftp(Operation::Login, Reply::ftp(530, "Login incorrect."));
            error(&refused.with_kind(ErrorKind::LoginFailed).on(place)).advice
        };
        assert_eq!(advice("ftpes://ann@h"), "Check the user name and the password.");
        assert_eq!(advice("ftps://ann@h"), advice("ftpes://ann@h"));
        assert_eq!(
            advice("ftp://ann@h"),
            "Check the user name and the password. The server may want TLS: ftpes:// in place of ftp://."
        );
        assert_eq!(advice("ftpes://h"), "The server may let in nobody without a name: ftpes://NAME@h.");
        assert!(advice("ftp://h").contains("ftp://NAME@h. The server may want TLS"));
    }

    #[test]
    fn rare_codes_bring_their_own_advice() {
        let quota = Error::sftp(Operation::Write, Reply::sftp(15, ""));
        let words = error(&quota);
        assert_eq!(words.said, "SFTP status 15 (SSH_FX_QUOTA_EXCEEDED), the user's quota is used up");
        assert!(words.advice.contains("larger quota"));
    }
}
