//! What an SFTP server answers, from bytes: version 3 (draft-ietf-secsh-filexfer-02) and OpenSSH's
//! extensions. Names and handles are bytes throughout. Must never do I/O.

use bytes::Bytes;

use super::request::attr;
use crate::fs::{Attributes, Kind, Space, Timestamp, entry::special_of};

/// The largest packet that is taken from a server. DATA is bounded by what was asked for; some
/// servers send NAME packets far past the draft's 34,000 bytes.
pub const MAX_PACKET: usize = 4 << 20;

/// Packet type of DATA, which is assembled apart from the others.
pub const TYPE_DATA: u8 = 103;
/// Packet type of VERSION, the only one without a request id.
pub const TYPE_VERSION: u8 = 2;

/// What a server answers, DATA aside.
#[derive(Debug)]
pub enum Response {
    Status { code: u32, text: String },
    Handle(Bytes),
    Data(Vec<Bytes>),
    Names(Vec<Name>),
    Attributes(FileAttributes),
    Extended(Bytes),
}

impl Response {
    /// For messages about an answer that does not fit the question.
    pub fn name(&self) -> &'static str {
        match self {
            Response::Status { .. } => "STATUS",
            Response::Handle(_) => "HANDLE",
            Response::Data(_) => "DATA",
            Response::Names(_) => "NAME",
            Response::Attributes(_) => "ATTRS",
            Response::Extended(_) => "EXTENDED_REPLY",
        }
    }
}

/// One entry of a NAME packet, unchecked.
#[derive(Debug)]
pub struct Name {
    pub name: Bytes,
    /// A line as `ls -l` prints it; the draft recommends it, nobody guarantees it.
    pub long: Bytes,
    pub attributes: FileAttributes,
}

/// Attributes with the kind that their permission bits tell.
#[derive(Clone, Debug, Default)]
pub struct FileAttributes {
    pub attributes: Attributes,
    /// `None` where the server sent no permissions or no type among them.
    pub kind: Option<Kind>,
    /// As in [`Entry`](crate::fs::Entry).
    pub special: Option<char>,
}

impl FileAttributes {
    /// The kind, where the server left it out: from the long name's first letter, else a file
    /// if there is a size.
    pub fn kind_or_guess(&self, long: &[u8]) -> Kind {
        self.kind.unwrap_or(match (long.first(), self.attributes.size) {
            (Some(b'd'), _) => Kind::Dir,
            (Some(b'l'), _) => Kind::Symlink,
            (_, Some(_)) => Kind::File,
            _ => Kind::Other,
        })
    }
}

/// Why bytes are no packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("a packet ends too early")]
    Short,
    #[error("a packet of {0} bytes is too long")]
    TooLong(usize),
    #[error("packet type {0} is no answer")]
    UnknownType(u8),
    #[error("a packet claims more entries than it has bytes")]
    TooMany,
}

/// A cursor over a packet's body.
struct Reader(Bytes);

impl Reader {
    fn take(&mut self, n: usize) -> Result<Bytes, Malformed> {
        if self.0.len() < n {
            return Err(Malformed::Short);
        }
        Ok(self.0.split_to(n))
    }

    fn u32(&mut self) -> Result<u32, Malformed> {
        let bytes = self.take(4)?;
        Ok(bytes.iter().fold(0, |n, b| n << 8 | u32::from(*b)))
    }

    fn u64(&mut self) -> Result<u64, Malformed> {
        Ok(u64::from(self.u32()?) << 32 | u64::from(self.u32()?))
    }

    fn string(&mut self) -> Result<Bytes, Malformed> {
        let len = self.u32()? as usize;
        self.take(len)
    }

    fn attributes(&mut self) -> Result<FileAttributes, Malformed> {
        let flags = self.u32()?;
        let mut out = FileAttributes::default();
        if flags & attr::SIZE != 0 {
            out.attributes.size = Some(self.u64()?);
        }
        if flags & attr::UIDGID != 0 {
            out.attributes.uid = Some(self.u32()?);
            out.attributes.gid = Some(self.u32()?);
        }
        if flags & attr::PERMISSIONS != 0 {
            let mode = self.u32()?;
            out.attributes.mode = Some(mode & 0o7777);
            out.special = special_of(mode);
            out.kind = match mode & 0o170_000 {
                0o100_000 => Some(Kind::File),
                0o040_000 => Some(Kind::Dir),
                0o120_000 => Some(Kind::Symlink),
                0 => None,
                _ => Some(Kind::Other),
            };
        }
        if flags & attr::ACMODTIME != 0 {
            out.attributes.atime = Some(Timestamp::from_seconds(self.u32()?.into()));
            out.attributes.mtime = Some(Timestamp::from_seconds(self.u32()?.into()));
        }
        if flags & attr::EXTENDED != 0 {
            for _ in 0..self.u32()? {
                self.string()?;
                self.string()?;
            }
        }
        Ok(out)
    }
}

/// Parses a packet's body behind its type and request id.
pub fn decode(kind: u8, body: Bytes) -> Result<Response, Malformed> {
    let mut reader = Reader(body);
    Ok(match kind {
        101 => {
            let code = reader.u32()?;
            // Old servers send neither message nor language.
            let text = reader.string().unwrap_or_default();
            Response::Status { code, text: String::from_utf8_lossy(&text).into_owned() }
        }
        102 => Response::Handle(reader.string()?),
        TYPE_DATA => Response::Data(vec![reader.string()?]),
        104 => {
            let count = reader.u32()? as usize;
            // An entry has two string lengths and flags at least.
            if count > reader.0.len() / 12 {
                return Err(Malformed::TooMany);
            }
            let mut names = Vec::with_capacity(count);
            for _ in 0..count {
                names.push(Name {
                    name: reader.string()?,
                    long: reader.string()?,
                    attributes: reader.attributes()?,
                });
            }
            Response::Names(names)
        }
        105 => Response::Attributes(reader.attributes()?),
        201 => Response::Extended(reader.0),
        other => return Err(Malformed::UnknownType(other)),
    })
}

/// What a server says of itself in VERSION.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Version {
    pub version: u32,
    /// Names of the extensions, with their data.
    pub extensions: Vec<(Bytes, Bytes)>,
}

impl Version {
    pub fn has(&self, extension: &str) -> bool {
        self.extensions.iter().any(|(name, _)| name == extension.as_bytes())
    }
}

impl Version {
    /// Whether a second channel may be at work beside the first. proftpd's mod_sftp up to 1.3.8
    /// at least corrupts its memory when there is one during a write, and dies of it or hangs; it
    /// has OpenSSH's older extensions along with `versions`, which OpenSSH does not send.
    pub fn bears_channels(&self) -> bool {
        let has_openssh_extensions = self.extensions.iter().any(|(name, _)| name.ends_with(b"@openssh.com"));
        !(self.has("versions") && has_openssh_extensions) || self.has("lsetstat@openssh.com")
    }
}

/// Parses the body of VERSION behind its type.
pub fn decode_version(body: Bytes) -> Result<Version, Malformed> {
    let mut reader = Reader(body);
    let mut out = Version { version: reader.u32()?, extensions: Vec::new() };
    while !reader.0.is_empty() {
        out.extensions.push((reader.string()?, reader.string()?));
    }
    Ok(out)
}

/// The reply to `limits@openssh.com` (OpenSSH PROTOCOL section 4.8); 0 is "no limit told".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub packet: u64,
    pub read: u64,
    pub write: u64,
    pub handles: u64,
}

/// Parses the body of the reply to `limits@openssh.com`.
pub fn decode_limits(body: Bytes) -> Result<Limits, Malformed> {
    let mut reader = Reader(body);
    Ok(Limits { packet: reader.u64()?, read: reader.u64()?, write: reader.u64()?, handles: reader.u64()? })
}

/// The reply to `statvfs@openssh.com` (OpenSSH PROTOCOL section 4.4), as far as it is used.
pub fn decode_space(body: Bytes) -> Result<Space, Malformed> {
    let mut reader = Reader(body);
    let (_, fragment) = (reader.u64()?, reader.u64()?);
    let (blocks, _, available) = (reader.u64()?, reader.u64()?, reader.u64()?);
    Ok(Space { free: available.saturating_mul(fragment), total: blocks.saturating_mul(fragment) })
}

/// The reply to `check-file-name`: the algorithm's name and the checksum. Some servers put the
/// extension's name in front, as an earlier draft has it.
pub fn decode_check(body: Bytes) -> Result<(Bytes, Bytes), Malformed> {
    let mut reader = Reader(body);
    let mut algorithm = reader.string()?;
    if algorithm.starts_with(b"check-file") {
        algorithm = reader.string()?;
    }
    Ok((algorithm, reader.0))
}

/// The reply to `users-groups-by-id@openssh.com` (OpenSSH PROTOCOL section 4.10) for one user
/// and one group; an unknown one has an empty name.
pub fn decode_owner_names(body: Bytes) -> Result<(Bytes, Bytes), Malformed> {
    let mut reader = Reader(body);
    let (users, groups) = (reader.string()?, reader.string()?);
    let first = |names: Bytes| if names.is_empty() { Ok(names) } else { Reader(names).string() };
    Ok((first(users)?, first(groups)?))
}

/// Owner and group from a long name that looks like `ls -l`'s.
pub fn owner_and_group(long: &[u8]) -> Option<(&str, &str)> {
    // Field by field: the name at the end need not be UTF-8.
    let mut fields = long.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty());
    let mode = fields.next()?;
    let links = fields.next()?;
    let looks_right = mode.len() >= 10 && (links == b"?" || links.iter().all(u8::is_ascii_digit));
    if !looks_right {
        return None;
    }
    let mut text = || std::str::from_utf8(fields.next()?).ok();
    Some((text()?, text()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_packet_that_lies_about_its_count_is_refused() {
        let body = Bytes::from_static(b"\xff\xff\xff\xff\0\0\0\0");
        assert_eq!(decode(104, body).unwrap_err(), Malformed::TooMany);
    }

    #[test]
    fn a_status_without_message_is_understood() {
        match decode(101, Bytes::from_static(b"\0\0\0\x02")).unwrap() {
            Response::Status { code: 2, text } => assert!(text.is_empty()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn owners_come_from_lines_like_ls() {
        assert_eq!(
            owner_and_group(b"-rw-r--r--    1 ann      www          12 Nov 20 21:02 x"),
            Some(("ann", "www"))
        );
        assert_eq!(owner_and_group(b"x.txt"), None);
    }

    #[test]
    fn the_owner_of_a_name_that_is_not_utf8_is_read_too() {
        assert_eq!(
            owner_and_group(b"-rw-r--r--    1 ann      www          12 Nov 20 21:02 lat\xe9"),
            Some(("ann", "www"))
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_decoded_or_refused(kind in 0u8.., body in prop::collection::vec(any::<u8>(), 0..300)) {
            let body = Bytes::from(body);
            let _ = decode(kind, body.clone());
            let _ = decode_version(body.clone());
            let _ = decode_limits(body.clone());
            let _ = decode_space(body.clone());
            let _ = decode_check(body.clone());
            let _ = decode_owner_names(body.clone());
            let _ = owner_and_group(&body);
        }
    }
}
