//! SFTP version 3 packets, to and from bytes: draft-ietf-secsh-filexfer-02 and OpenSSH's
//! extensions. Names and handles are bytes throughout. Must never do I/O.

use bytes::{BufMut, Bytes, BytesMut};

use crate::fs::{Attributes, Kind, Timestamp};

/// The largest packet that is taken from a server. DATA is bounded by what was asked for; some
/// servers send NAME packets far past the draft's 34,000 bytes.
pub const MAX_PACKET: usize = 4 << 20;

/// Bits of the `pflags` of OPEN.
pub mod open {
    pub const READ: u32 = 0x01;
    pub const WRITE: u32 = 0x02;
    pub const CREAT: u32 = 0x08;
    pub const TRUNC: u32 = 0x10;
    pub const EXCL: u32 = 0x20;
}

const ATTR_SIZE: u32 = 0x01;
const ATTR_UIDGID: u32 = 0x02;
const ATTR_PERMISSIONS: u32 = 0x04;
const ATTR_ACMODTIME: u32 = 0x08;
const ATTR_EXTENDED: u32 = 0x8000_0000;

/// Packet type of DATA, which is assembled apart from the others.
pub const TYPE_DATA: u8 = 103;
/// Packet type of VERSION, the only one without a request id.
pub const TYPE_VERSION: u8 = 2;

/// What a client asks.
#[derive(Clone, Copy, Debug)]
pub enum Request<'a> {
    Open {
        path: &'a [u8],
        pflags: u32,
        attributes: &'a Attributes,
    },
    Close {
        handle: &'a [u8],
    },
    Read {
        handle: &'a [u8],
        offset: u64,
        len: u32,
    },
    /// The data follows the packet's head; `len` is its length.
    Write {
        handle: &'a [u8],
        offset: u64,
        len: u32,
    },
    LStat {
        path: &'a [u8],
    },
    FStat {
        handle: &'a [u8],
    },
    SetStat {
        path: &'a [u8],
        attributes: &'a Attributes,
    },
    FSetStat {
        handle: &'a [u8],
        attributes: &'a Attributes,
    },
    OpenDir {
        path: &'a [u8],
    },
    ReadDir {
        handle: &'a [u8],
    },
    Remove {
        path: &'a [u8],
    },
    MkDir {
        path: &'a [u8],
        attributes: &'a Attributes,
    },
    RmDir {
        path: &'a [u8],
    },
    RealPath {
        path: &'a [u8],
    },
    Stat {
        path: &'a [u8],
    },
    Rename {
        from: &'a [u8],
        to: &'a [u8],
    },
    ReadLink {
        path: &'a [u8],
    },
    /// In OpenSSH's order, which is the reverse of the draft's and what servers expect.
    Symlink {
        target: &'a [u8],
        link: &'a [u8],
    },
    Extended {
        name: &'static str,
        strings: &'a [&'a [u8]],
    },
}

impl Request<'_> {
    /// The request's name in the draft, without its prefix.
    pub fn name(&self) -> &'static str {
        match self {
            Request::Open { .. } => "OPEN",
            Request::Close { .. } => "CLOSE",
            Request::Read { .. } => "READ",
            Request::Write { .. } => "WRITE",
            Request::LStat { .. } => "LSTAT",
            Request::FStat { .. } => "FSTAT",
            Request::SetStat { .. } => "SETSTAT",
            Request::FSetStat { .. } => "FSETSTAT",
            Request::OpenDir { .. } => "OPENDIR",
            Request::ReadDir { .. } => "READDIR",
            Request::Remove { .. } => "REMOVE",
            Request::MkDir { .. } => "MKDIR",
            Request::RmDir { .. } => "RMDIR",
            Request::RealPath { .. } => "REALPATH",
            Request::Stat { .. } => "STAT",
            Request::Rename { .. } => "RENAME",
            Request::ReadLink { .. } => "READLINK",
            Request::Symlink { .. } => "SYMLINK",
            Request::Extended { name, .. } => name,
        }
    }

    /// The packet, up to where the data of a WRITE begins.
    pub fn encode(&self, id: u32) -> Bytes {
        let mut out = BytesMut::with_capacity(64);
        out.put_u32(0);
        let mut payload = 0;
        let head = |out: &mut BytesMut, kind: u8| {
            out.put_u8(kind);
            out.put_u32(id);
        };
        match *self {
            Request::Open { path, pflags, attributes } => {
                head(&mut out, 3);
                put_string(&mut out, path);
                out.put_u32(pflags);
                put_attributes(&mut out, attributes);
            }
            Request::Close { handle } => {
                head(&mut out, 4);
                put_string(&mut out, handle);
            }
            Request::Read { handle, offset, len } => {
                head(&mut out, 5);
                put_string(&mut out, handle);
                out.put_u64(offset);
                out.put_u32(len);
            }
            Request::Write { handle, offset, len } => {
                head(&mut out, 6);
                put_string(&mut out, handle);
                out.put_u64(offset);
                out.put_u32(len);
                payload = len as usize;
            }
            Request::LStat { path } => {
                head(&mut out, 7);
                put_string(&mut out, path);
            }
            Request::FStat { handle } => {
                head(&mut out, 8);
                put_string(&mut out, handle);
            }
            Request::SetStat { path, attributes } => {
                head(&mut out, 9);
                put_string(&mut out, path);
                put_attributes(&mut out, attributes);
            }
            Request::FSetStat { handle, attributes } => {
                head(&mut out, 10);
                put_string(&mut out, handle);
                put_attributes(&mut out, attributes);
            }
            Request::OpenDir { path } => {
                head(&mut out, 11);
                put_string(&mut out, path);
            }
            Request::ReadDir { handle } => {
                head(&mut out, 12);
                put_string(&mut out, handle);
            }
            Request::Remove { path } => {
                head(&mut out, 13);
                put_string(&mut out, path);
            }
            Request::MkDir { path, attributes } => {
                head(&mut out, 14);
                put_string(&mut out, path);
                put_attributes(&mut out, attributes);
            }
            Request::RmDir { path } => {
                head(&mut out, 15);
                put_string(&mut out, path);
            }
            Request::RealPath { path } => {
                head(&mut out, 16);
                put_string(&mut out, path);
            }
            Request::Stat { path } => {
                head(&mut out, 17);
                put_string(&mut out, path);
            }
            Request::Rename { from, to } => {
                head(&mut out, 18);
                put_string(&mut out, from);
                put_string(&mut out, to);
            }
            Request::ReadLink { path } => {
                head(&mut out, 19);
                put_string(&mut out, path);
            }
            Request::Symlink { target, link } => {
                head(&mut out, 20);
                put_string(&mut out, target);
                put_string(&mut out, link);
            }
            Request::Extended { name, strings } => {
                head(&mut out, 200);
                put_string(&mut out, name.as_bytes());
                for text in strings {
                    put_string(&mut out, text);
                }
            }
        }
        let length = (out.len() - 4 + payload) as u32;
        out[..4].copy_from_slice(&length.to_be_bytes());
        out.freeze()
    }
}

/// The INIT packet for version 3.
pub fn encode_init() -> Bytes {
    Bytes::from_static(&[0, 0, 0, 5, 1, 0, 0, 0, 3])
}

fn put_string(out: &mut BytesMut, bytes: &[u8]) {
    out.put_u32(bytes.len() as u32);
    out.put_slice(bytes);
}

/// Writes what is `Some`. Version 3 knows whole seconds from 1970 to 2106 and sets both times
/// or none; a time outside of that is left out.
fn put_attributes(out: &mut BytesMut, attributes: &Attributes) {
    let seconds = |time: Option<Timestamp>| time.and_then(|t| u32::try_from(t.seconds).ok());
    let mtime = seconds(attributes.mtime);
    let atime = seconds(attributes.atime).or(mtime);
    let owner = attributes.uid.zip(attributes.gid);
    let mut flags = 0;
    if attributes.size.is_some() {
        flags |= ATTR_SIZE;
    }
    if owner.is_some() {
        flags |= ATTR_UIDGID;
    }
    if attributes.mode.is_some() {
        flags |= ATTR_PERMISSIONS;
    }
    if mtime.is_some() {
        flags |= ATTR_ACMODTIME;
    }
    out.put_u32(flags);
    if let Some(size) = attributes.size {
        out.put_u64(size);
    }
    if let Some((uid, gid)) = owner {
        out.put_u32(uid);
        out.put_u32(gid);
    }
    if let Some(mode) = attributes.mode {
        out.put_u32(mode & 0o7777);
    }
    if let (Some(atime), Some(mtime)) = (atime, mtime) {
        out.put_u32(atime);
        out.put_u32(mtime);
    }
}

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
        if flags & ATTR_SIZE != 0 {
            out.attributes.size = Some(self.u64()?);
        }
        if flags & ATTR_UIDGID != 0 {
            out.attributes.uid = Some(self.u32()?);
            out.attributes.gid = Some(self.u32()?);
        }
        if flags & ATTR_PERMISSIONS != 0 {
            let mode = self.u32()?;
            out.attributes.mode = Some(mode & 0o7777);
            out.kind = match mode & 0o170_000 {
                0o100_000 => Some(Kind::File),
                0o040_000 => Some(Kind::Dir),
                0o120_000 => Some(Kind::Symlink),
                0 => None,
                _ => Some(Kind::Other),
            };
        }
        if flags & ATTR_ACMODTIME != 0 {
            out.attributes.atime = Some(Timestamp::from_seconds(self.u32()?.into()));
            out.attributes.mtime = Some(Timestamp::from_seconds(self.u32()?.into()));
        }
        if flags & ATTR_EXTENDED != 0 {
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
pub fn decode_space(body: Bytes) -> Result<crate::fs::Space, Malformed> {
    let mut reader = Reader(body);
    let (_, fragment) = (reader.u64()?, reader.u64()?);
    let (blocks, _, available) = (reader.u64()?, reader.u64()?, reader.u64()?);
    Ok(crate::fs::Space { free: available.saturating_mul(fragment), total: blocks.saturating_mul(fragment) })
}

/// Owner and group from a long name that looks like `ls -l`'s.
pub fn owner_and_group(long: &[u8]) -> Option<(&str, &str)> {
    let text = std::str::from_utf8(long).ok()?;
    let mut fields = text.split_ascii_whitespace();
    let mode = fields.next()?;
    let links = fields.next()?;
    let looks_right = mode.len() >= 10 && (links == "?" || links.bytes().all(|b| b.is_ascii_digit()));
    if !looks_right {
        return None;
    }
    Some((fields.next()?, fields.next()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn open_is_encoded_as_the_draft_says() {
        let attributes = Attributes { mode: Some(0o600), ..Attributes::default() };
        let packet = Request::Open { path: b"/\xff", pflags: open::READ, attributes: &attributes }.encode(7);
        assert_eq!(&packet[..], b"\0\0\0\x17\x03\0\0\0\x07\0\0\0\x02/\xff\0\0\0\x01\0\0\0\x04\0\0\x01\x80");
    }

    #[test]
    fn a_write_counts_its_data() {
        let packet = Request::Write { handle: b"h", offset: 1, len: 1000 }.encode(1);
        let length = u32::from_be_bytes([packet[0], packet[1], packet[2], packet[3]]);
        assert_eq!(length as usize, packet.len() - 4 + 1000);
    }

    #[test]
    fn attributes_survive_a_round_trip() {
        let attributes = Attributes {
            size: Some(5 << 40),
            mtime: Some(Timestamp::from_seconds(1_700_000_000)),
            atime: Some(Timestamp::from_seconds(1_600_000_000)),
            mode: Some(0o4755),
            uid: Some(0),
            gid: Some(65_534),
        };
        let mut out = BytesMut::new();
        put_attributes(&mut out, &attributes);
        assert_eq!(Reader(out.freeze()).attributes().unwrap().attributes, attributes);
    }

    #[test]
    fn times_out_of_range_are_left_out() {
        for seconds in [-1, i64::from(u32::MAX) + 1] {
            let attributes =
                Attributes { mtime: Some(Timestamp::from_seconds(seconds)), ..Attributes::default() };
            let mut out = BytesMut::new();
            put_attributes(&mut out, &attributes);
            assert_eq!(&out[..], [0; 4]);
        }
    }

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

    proptest! {
        #[test]
        fn any_bytes_are_decoded_or_refused(kind in 0u8.., body in prop::collection::vec(any::<u8>(), 0..300)) {
            let body = Bytes::from(body);
            let _ = decode(kind, body.clone());
            let _ = decode_version(body.clone());
            let _ = decode_limits(body.clone());
            let _ = decode_space(body.clone());
            let _ = owner_and_group(&body);
        }
    }
}
