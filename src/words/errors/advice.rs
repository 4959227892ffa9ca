//! What can be done about an error: whole sentences, by its kind, what was being done, and what the
//! place and the code tell. Decides nothing.

use crate::{
    fs::{Error, ErrorKind, Operation},
    reply::{Protocol, Reply},
    words::escape,
};

pub(super) fn advice(error: &Error) -> String {
    use ErrorKind::*;
    let general = match error.kind() {
        Usage => match error.operation() {
            Operation::ReadArguments => "`wharf --help` tells what there is.",
            Operation::ReadConfig => {
                "Correct it there; -F FILE reads another ssh_config, -F none reads no configuration."
            }
            Operation::ParsePlace => {
                "Write a path, sftp://user@host:port/path, or host:path; a local name with a colon starts with ./"
            }
            Operation::ReadBookmarks
            | Operation::SaveBookmarks
            | Operation::ReadWorkspaces
            | Operation::SaveWorkspaces => "Correct the file; wharf has changed nothing in it.",
            Operation::ImportBookmarks => "`wharf bookmark import --help` says whose files wharf reads.",
            Operation::Plan => "Choose a target outside of what is copied.",
            _ => "Choose another source or target.",
        },
        NotFound if error.operation() == Operation::FindWorkspace => {
            "Their names are in workspaces.toml, beside the bookmarks."
        }
        NotFound if error.operation() == Operation::FindBookmark => {
            "`wharf bookmark list` tells which there are."
        }
        NotFound => "Check the path; refresh the listing, as it may have been moved or deleted.",
        PermissionDenied => match error.operation() {
            // Files are opened to be read and to be written.
            Operation::Open => {
                "The login may not open this; check its owner and mode, or log in as somebody who may."
            }
            Operation::Write | Operation::CreateDir | Operation::Symlink | Operation::Copy => {
                "The login may not write here; choose another folder, or ask its owner for access."
            }
            Operation::List | Operation::Read | Operation::Stat => {
                "The login may not read this; check its owner and mode, or log in as somebody who may."
            }
            _ => {
                "The login may not do this here; check the owner and the mode, or log in as somebody who may."
            }
        },
        AlreadyExists => "Choose another name, or remove what is there first.",
        NotADirectory => "Check the path: a part of it is a file.",
        // Only a copy without recursion refuses a folder as its source.
        IsADirectory if error.operation() == Operation::Copy => "Repeat it with -r.",
        IsADirectory => "Choose a name that no folder has.",
        NotEmpty => {
            "Somebody may have put something there meanwhile; refresh, and delete it with all it holds."
        }
        NoSpace => "Free some space there or ask for a larger quota, then repeat it.",
        InvalidName if error.operation() == Operation::List => {
            "It is left out; rename it on the server, or report it with the log (-v) if it should be there."
        }
        InvalidName => {
            "Rename it: a name is not empty, is not . or .., holds no / and no NUL, and suits the target."
        }
        LinkRefused => {
            "wharf writes through no link here; remove the link, or choose the folder it leads to."
        }
        Unsupported => "Do without it here, or use a server that supports it.",
        Unresolved => "Check the spelling of the host, your network, and HostName in ssh_config.",
        ConnectionFailed => "Check host and port, that the server runs, and that no firewall is in between.",
        ConnectionLost => "A pane connects again by itself; a copy that is repeated goes on where it was.",
        Timeout => "The server or the network is slow or gone; try again in a while.",
        LoginFailed => {
            "Check the user name, and the password or key; IdentityFile in ssh_config says which keys are tried."
        }
        // Somebody in between looks exactly like a new identity: no easy way past it.
        HostKeyRefused | CertificateRefused if error.changed_identity().is_some() => {
            "Do not go on before the server's administrator has confirmed the new one; only then remove the older one's line from that file."
        }
        HostKeyRefused if error.detail().is_some() => {
            "Do not go on before the server's administrator has confirmed this key."
        }
        HostKeyRefused => {
            "Ask the server's administrator for its fingerprint and compare it before you connect again."
        }
        CertificateRefused => {
            "Ask the server's administrator for its fingerprint; connect again and say yes if it is the same, or start wharf with --tls-ca and its issuer."
        }
        Protocol => "Connect again; if it stays, report it with the log (-v), as either side has a bug.",
        Cancelled => "What was done until then stays; repeat it to go on.",
        Mismatch => "The file changed while it was copied, or the target damaged it; copy it again.",
        Conflict => "Choose to overwrite, to keep both, or only the newer one, and repeat it.",
        Failure => match error.operation() {
            Operation::Rename | Operation::CreateDir => {
                "The usual causes: the target exists already, or lies on another volume."
            }
            Operation::RemoveDir => "The usual cause: the folder is not empty.",
            Operation::Write | Operation::Close | Operation::Copy => {
                "The usual causes: the disk or a quota is full, or the target exists."
            }
            _ => "Try again; the log shows what was asked and answered.",
        },
    };
    if let Some(advice) = ftp_login_advice(error) {
        return advice;
    }
    // The table knows more than the kind where the code is a rare one.
    match error.reply().and_then(Reply::meaning) {
        // 550 is said of whatever was asked for: of writing, that the file is looked for in vain is
        // no reason.
        Some(meaning) if meaning.code == FTP_FILE_UNAVAILABLE && writes(error.operation()) => {
            let is_vague = error.kind() == ErrorKind::Failure;
            (if is_vague { NOT_WRITTEN } else { general }).to_owned()
        }
        Some(meaning) if meaning.code > 8 && !meaning.advice.is_empty() => meaning.advice.to_owned(),
        _ => general.to_owned(),
    }
}

/// FTP's refusal of a file, whatever the reason.
const FTP_FILE_UNAVAILABLE: u32 = 550;

/// Of what is neither there nor in a place that is missing, the server has no other reason mostly.
const NOT_WRITTEN: &str = "The login may not write here, most likely; choose another folder, or ask its \
                           owner for access.";

fn writes(operation: Operation) -> bool {
    use Operation::{Copy, CreateDir, HardLink, Symlink, Write};
    matches!(operation, Write | CreateDir | Symlink | HardLink | Copy)
}

/// What the place tells of a refused login: whether anybody was named, and whether there was TLS.
fn ftp_login_advice(error: &Error) -> Option<String> {
    let meaning = error.reply().filter(|reply| reply.protocol == Protocol::Ftp)?.meaning()?;
    let (scheme, rest) = error.place()?.split_once("://")?;
    if error.kind() != ErrorKind::LoginFailed || !matches!(meaning.code, 430 | 530) {
        return None;
    }
    let mut advice = match rest.contains('@') {
        true => meaning.advice.to_owned(),
        false => format!("The server may let in nobody without a name: {scheme}://NAME@{}.", escape(rest)),
    };
    if scheme == "ftp" {
        advice += " The server may want TLS: ftpes:// in place of ftp://.";
    }
    Some(advice)
}
