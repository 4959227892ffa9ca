//! Between our words and those of SFTP version 3 (draft-ietf-secsh-filexfer-02): attributes,
//! statuses, long names, sizes. Pure translation. Must never do I/O.

use bytes::{Buf, Bytes};
use chrono::{DateTime, Local, Utc};
use russh_sftp::{
    protocol::{File, FileAttributes, Status, StatusCode},
    server::StatusReply,
};

use crate::fs::{Attributes, Entry, Error, ErrorKind, Kind, Timestamp};

/// The longest SFTP packet that is accepted, in bytes: more than is announced, since a WRITE of
/// 256 KiB of data has its header on top.
pub const MAX_ACCEPTED: u32 = 512 << 10;
/// The longest packet that is announced; also many clients' own limit for what they accept.
pub const MAX_PACKET: u64 = 256 << 10;
/// The most data that one READ yields, as in OpenSSH.
pub const MAX_DATA: u32 = 255 << 10;

const S_IFDIR: u32 = 0o040_000;
const S_IFREG: u32 = 0o100_000;
const S_IFLNK: u32 = 0o120_000;

pub fn ok(id: u32) -> Status {
    Status { id, status_code: StatusCode::Ok, error_message: String::new(), language_tag: String::new() }
}

/// A failure as the client is told of it: the status, and in its text what the status cannot say.
pub fn reply(error: &Error) -> StatusReply {
    use ErrorKind as K;
    let (code, words) = match error.kind() {
        K::NotFound => (StatusCode::NoSuchFile, "no such file or directory"),
        K::PermissionDenied => (StatusCode::PermissionDenied, "permission denied"),
        K::LinkRefused => {
            (StatusCode::PermissionDenied, "a symbolic link leads where it must not, or in circles")
        }
        K::Unsupported => (StatusCode::OpUnsupported, "not supported here"),
        K::AlreadyExists => (StatusCode::Failure, "the name exists already"),
        K::NotADirectory => (StatusCode::Failure, "not a directory"),
        K::IsADirectory => (StatusCode::Failure, "is a directory"),
        K::NotEmpty => (StatusCode::Failure, "the directory is not empty"),
        K::NoSpace => (StatusCode::Failure, "no space is left"),
        K::InvalidName => (StatusCode::Failure, "the name cannot be used here"),
        // The codes for a lost connection are the client's own: a server must not send them.
        K::ConnectionFailed | K::ConnectionLost | K::Timeout => {
            (StatusCode::Failure, "the place behind this server cannot be reached")
        }
        _ => (StatusCode::Failure, "the operation failed"),
    };
    match error.detail() {
        Some(detail) => code.with_message(format!("{words} ({detail})")),
        None => code.with_message(words),
    }
}

pub fn failure(words: &str) -> StatusReply {
    StatusCode::Failure.with_message(words)
}

/// Version 3 has one flag for both times and one for both owners: where one of a pair is
/// unknown, the other stands for it.
pub fn attributes(entry: &Entry) -> FileAttributes {
    let own = &entry.attributes;
    let (kind, usual) = match entry.kind {
        Kind::File => (S_IFREG, 0o644),
        Kind::Dir => (S_IFDIR, 0o755),
        Kind::Symlink => (S_IFLNK, 0o777),
        Kind::Other => (0, 0o644),
    };
    FileAttributes {
        size: own.size,
        uid: own.uid.or(own.gid),
        gid: own.gid.or(own.uid),
        // The kind travels in the mode alone.
        permissions: Some(kind | own.mode.unwrap_or(usual)),
        atime: own.atime.or(own.mtime).map(seconds),
        mtime: own.mtime.or(own.atime).map(seconds),
        user: None,
        group: None,
    }
}

fn seconds(time: Timestamp) -> u32 {
    u32::try_from(time.seconds.max(0)).unwrap_or(u32::MAX)
}

/// What a client asks to be set, but for the size.
pub fn wanted(attributes: &FileAttributes) -> Attributes {
    let time = |seconds: Option<u32>| seconds.map(|s| Timestamp::from_seconds(s.into()));
    Attributes {
        size: None,
        mtime: time(attributes.mtime),
        atime: time(attributes.atime),
        mode: attributes.permissions.map(|mode| mode & 0o7777),
        uid: attributes.uid,
        gid: attributes.gid,
    }
}

/// One name of a listing; `None` where it is no UTF-8 and so cannot be carried.
pub fn name(entry: &Entry, now: DateTime<Utc>) -> Option<File> {
    let filename = std::str::from_utf8(&entry.name).ok()?.to_owned();
    let longname = format!("{} {filename}", long(entry, now));
    Some(File { filename, longname, attrs: attributes(entry) })
}

/// The line of `ls -l` without the name.
fn long(entry: &Entry, now: DateTime<Utc>) -> String {
    let kind = match entry.kind {
        Kind::File => '-',
        Kind::Dir => 'd',
        Kind::Symlink => 'l',
        Kind::Other => '?',
    };
    let own = &entry.attributes;
    let id = |name: &Option<std::sync::Arc<str>>, id: Option<u32>| match (name, id) {
        (Some(name), _) => name.to_string(),
        (None, Some(id)) => id.to_string(),
        (None, None) => "?".to_owned(),
    };
    let time = own.mtime.and_then(|time| DateTime::from_timestamp(time.seconds, 0));
    let date = time.map_or_else(String::new, |time| {
        let months = (now - time).num_days();
        let format = if (-1..183).contains(&months) { "%b %e %H:%M" } else { "%b %e  %Y" };
        time.with_timezone(&Local).format(format).to_string()
    });
    format!(
        "{kind}{} {:>4} {:<8} {:<8} {:>8} {date:>12}",
        own.mode.map_or_else(|| "?????????".to_owned(), permissions),
        1,
        id(&entry.owner, own.uid),
        id(&entry.group, own.gid),
        own.size.unwrap_or(0),
    )
}

fn permissions(mode: u32) -> String {
    let mut text: Vec<char> =
        (0..9).map(|bit| if mode & (0o400 >> bit) == 0 { '-' } else { ['r', 'w', 'x'][bit % 3] }).collect();
    for (flag, at, set, unset) in [(0o4000, 2, 's', 'S'), (0o2000, 5, 's', 'S'), (0o1000, 8, 't', 'T')] {
        if mode & flag != 0 {
            text[at] = if text[at] == 'x' { set } else { unset };
        }
    }
    text.into_iter().collect()
}

/// Takes the next string of an extended request.
pub fn take_string(data: &mut Bytes) -> Result<String, StatusReply> {
    let bad = || StatusCode::BadMessage.with_message("the request is cut short or not UTF-8");
    let len = data.try_get_u32().map_err(|_| bad())? as usize;
    if data.remaining() < len {
        return Err(bad());
    }
    String::from_utf8(data.split_to(len).to_vec()).map_err(|_| bad())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_read_as_ls_writes_them() {
        assert_eq!(permissions(0o755), "rwxr-xr-x");
        assert_eq!(permissions(0o4711), "rws--x--x");
        assert_eq!(permissions(0o3640), "rw-r-S--T");
    }

    #[test]
    fn long_names_look_like_ls() {
        let mut entry = Entry::new(&b"name"[..], Kind::Dir);
        entry.attributes.mode = Some(0o750);
        entry.attributes.mtime = Some(Timestamp::from_seconds(1_000_000_000));
        entry.attributes.uid = Some(7);
        let file = name(&entry, DateTime::UNIX_EPOCH + chrono::Duration::days(20_000)).unwrap();
        assert!(file.longname.starts_with("drwxr-x---    1 7        ?"), "{}", file.longname);
        assert!(file.longname.ends_with("  2001 name"), "{}", file.longname);
        entry.name = b"\xff"[..].into();
        assert!(name(&entry, DateTime::UNIX_EPOCH).is_none());
    }

    #[test]
    fn extended_strings_are_bounded() {
        assert_eq!(take_string(&mut Bytes::from_static(b"\0\0\0\x02ab")).unwrap(), "ab");
        for bad in [&b"\0\0"[..], b"\0\0\0\x03ab", b"\xff\xff\xff\xffa", b"\0\0\0\x01\xff"] {
            assert!(take_string(&mut Bytes::from_static(bad)).is_err());
        }
    }
}
