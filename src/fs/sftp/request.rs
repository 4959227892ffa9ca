//! What an SFTP client asks, as bytes: version 3 (draft-ietf-secsh-filexfer-02) and OpenSSH's
//! extensions. Names and handles are bytes throughout. Must never do I/O.

use bytes::{BufMut, Bytes, BytesMut};

use crate::fs::{Attributes, Timestamp};

/// Bits of the `pflags` of OPEN.
pub mod open {
    pub const READ: u32 = 0x01;
    pub const WRITE: u32 = 0x02;
    pub const CREAT: u32 = 0x08;
    pub const TRUNC: u32 = 0x10;
    pub const EXCL: u32 = 0x20;
}

/// Which attributes a packet holds: draft-ietf-secsh-filexfer-02 section 5.
pub mod attr {
    pub const SIZE: u32 = 0x01;
    pub const UIDGID: u32 = 0x02;
    pub const PERMISSIONS: u32 = 0x04;
    pub const ACMODTIME: u32 = 0x08;
    pub const EXTENDED: u32 = 0x8000_0000;
}

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
    /// `lsetstat@openssh.com`: OpenSSH PROTOCOL section 4.7.
    LSetStat {
        path: &'a [u8],
        attributes: &'a Attributes,
    },
    /// `copy-data`: draft-ietf-secsh-filexfer-extensions-00 section 7. `len` 0 is to the end.
    CopyData {
        from: &'a [u8],
        offset: u64,
        len: u64,
        to: &'a [u8],
    },
    /// `check-file-name`: draft-ietf-secsh-filexfer-extensions-00 section 3, for the whole file.
    CheckFile {
        path: &'a [u8],
        algorithm: &'a [u8],
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
            Request::LSetStat { .. } => "lsetstat@openssh.com",
            Request::CopyData { .. } => "copy-data",
            Request::CheckFile { .. } => "check-file-name",
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
            Request::LSetStat { path, attributes } => {
                head(&mut out, 200);
                put_string(&mut out, self.name().as_bytes());
                put_string(&mut out, path);
                put_attributes(&mut out, attributes);
            }
            Request::CopyData { from, offset, len, to } => {
                head(&mut out, 200);
                put_string(&mut out, self.name().as_bytes());
                put_string(&mut out, from);
                out.put_u64(offset);
                out.put_u64(len);
                put_string(&mut out, to);
                out.put_u64(offset);
            }
            Request::CheckFile { path, algorithm } => {
                head(&mut out, 200);
                put_string(&mut out, self.name().as_bytes());
                put_string(&mut out, path);
                put_string(&mut out, algorithm);
                // From the start, to the end, as one block.
                out.put_u64(0);
                out.put_u64(0);
                out.put_u32(0);
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
        flags |= attr::SIZE;
    }
    if owner.is_some() {
        flags |= attr::UIDGID;
    }
    if attributes.mode.is_some() {
        flags |= attr::PERMISSIONS;
    }
    if mtime.is_some() {
        flags |= attr::ACMODTIME;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::sftp::response;

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
        assert_eq!(attributes_of(out), attributes);
    }

    fn attributes_of(encoded: BytesMut) -> Attributes {
        match response::decode(105, encoded.freeze()).unwrap() {
            response::Response::Attributes(found) => found.attributes,
            other => panic!("{other:?}"),
        }
    }
}
