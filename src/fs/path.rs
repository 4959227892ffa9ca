//! Paths as servers see them: bytes, absolute, separated by `/`. Owns [`RemotePath`],
//! [`FsId`] and [`Location`]. Must never touch `std::path`, the disk or the network.

use std::{fmt, sync::Arc};

/// An absolute path on one file system: raw bytes, `/`-separated, without `.` and `..`
/// components, never empty and never ending in `/` except for the root itself.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RemotePath(Arc<[u8]>);

/// The longest name that common file systems hold, in bytes.
pub const NAME_MAX: usize = 255;

/// Why a byte string cannot be one component of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("the name is empty")]
    Empty,
    #[error("the name is . or ..")]
    Dots,
    #[error("the name contains a /")]
    Slash,
    #[error("the name contains a NUL byte")]
    Nul,
}

/// Whether `name` is usable as exactly one path component. Everything a server lists must
/// pass this before it is joined to a path.
pub fn check_name(name: &[u8]) -> Result<(), NameError> {
    match name {
        b"" => Err(NameError::Empty),
        b"." | b".." => Err(NameError::Dots),
        _ if name.contains(&b'/') => Err(NameError::Slash),
        _ if name.contains(&0) => Err(NameError::Nul),
        _ => Ok(()),
    }
}

impl RemotePath {
    /// The root directory, `/`.
    pub fn root() -> Self {
        RemotePath(Arc::from(&b"/"[..]))
    }

    /// Normalises `bytes` into an absolute path: repeated slashes collapse, `.` vanishes and
    /// `..` drops the component before it (never above the root). A relative input is taken
    /// as relative to the root.
    pub fn new(bytes: impl AsRef<[u8]>) -> Self {
        Self::root().resolve(bytes.as_ref())
    }

    /// The path as bytes, as it goes on the wire.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub fn is_root(&self) -> bool {
        &*self.0 == b"/"
    }

    /// This path with one component appended. The name is trusted to be one component;
    /// names from outside go through [`RemotePath::join_checked`].
    pub fn join(&self, name: &[u8]) -> Self {
        debug_assert!(check_name(name).is_ok());
        let mut out = Vec::with_capacity(self.0.len() + 1 + name.len());
        if !self.is_root() {
            out.extend_from_slice(&self.0);
        }
        out.push(b'/');
        out.extend_from_slice(name);
        RemotePath(out.into())
    }

    /// This path with one component appended, if `name` is one component.
    pub fn join_checked(&self, name: &[u8]) -> Result<Self, NameError> {
        check_name(name).map(|()| self.join(name))
    }

    /// Resolves `relative` against this path, textually: absolute input replaces it, `.` and
    /// `..` are applied without asking the server about symlinks.
    pub fn resolve(&self, relative: &[u8]) -> Self {
        let mut parts: Vec<&[u8]> = Vec::new();
        if !relative.starts_with(b"/") {
            parts.extend(self.components());
        }
        for part in relative.split(|b| *b == b'/') {
            match part {
                b"" | b"." => {}
                b".." => {
                    parts.pop();
                }
                name => parts.push(name),
            }
        }
        if parts.is_empty() {
            return Self::root();
        }
        let mut out = Vec::with_capacity(relative.len() + self.0.len() + 1);
        for part in parts {
            out.push(b'/');
            out.extend_from_slice(part);
        }
        RemotePath(out.into())
    }

    /// The directory that holds this path; `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        let cut = self.0.iter().rposition(|b| *b == b'/').unwrap_or(0);
        Some(if cut == 0 { Self::root() } else { RemotePath(Arc::from(&self.0[..cut])) })
    }

    /// The last component; `None` for the root.
    pub fn name(&self) -> Option<&[u8]> {
        if self.is_root() {
            return None;
        }
        self.0.rsplit(|b| *b == b'/').next()
    }

    /// The components from the root down.
    pub fn components(&self) -> impl Iterator<Item = &[u8]> {
        self.0.split(|b| *b == b'/').filter(|part| !part.is_empty())
    }

    /// Whether this path is `other` or lies below it.
    pub fn is_within(&self, other: &RemotePath) -> bool {
        other.is_root()
            || self.0 == other.0
            || (self.0.starts_with(&other.0) && self.0.get(other.0.len()) == Some(&b'/'))
    }

    /// The part of this path below `base`, without a leading slash; `None` if it is elsewhere.
    pub fn strip_prefix(&self, base: &RemotePath) -> Option<&[u8]> {
        if !self.is_within(base) {
            return None;
        }
        let rest = &self.0[if base.is_root() { 0 } else { base.0.len() }..];
        Some(rest.strip_prefix(b"/").unwrap_or(rest))
    }
}

/// Lossy text: for logs and messages, which escape it further before a terminal sees it.
impl fmt::Display for RemotePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for RemotePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

/// Which file system a path belongs to: `local`, or the URL of a login without its path
/// (`sftp://alice@web-01:22`). Cheap to clone; equal ids share one session.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FsId(Arc<str>);

impl FsId {
    const LOCAL: &'static str = "local";

    pub fn new(text: impl Into<Arc<str>>) -> Self {
        FsId(text.into())
    }

    /// This machine's own files.
    pub fn local() -> Self {
        FsId::new(Self::LOCAL)
    }

    pub fn is_local(&self) -> bool {
        &*self.0 == Self::LOCAL
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FsId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for FsId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A path together with the file system it is on: all that a pane holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Location {
    pub fs: FsId,
    pub path: RemotePath,
}

impl Location {
    pub fn new(fs: FsId, path: RemotePath) -> Self {
        Location { fs, path }
    }

    /// The same file system, one component further down.
    pub fn join(&self, name: &[u8]) -> Self {
        Location::new(self.fs.clone(), self.path.join(name))
    }

    /// The directory that holds this one; `None` at the root.
    pub fn parent(&self) -> Option<Self> {
        Some(Location::new(self.fs.clone(), self.path.parent()?))
    }
}

/// `bytes` as one word of a POSIX shell (section 2.2.2): between single quotes everything stands
/// for itself but the quote.
pub fn quote(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 2);
    out.push(b'\'');
    for byte in bytes {
        match byte {
            b'\'' => out.extend_from_slice(b"'\\''"),
            other => out.push(*other),
        }
    }
    out.push(b'\'');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalises() {
        for (input, expected) in [
            ("", "/"),
            ("/", "/"),
            ("//a//b/", "/a/b"),
            ("/a/./b/../c", "/a/c"),
            ("/../..", "/"),
            ("a/b", "/a/b"),
        ] {
            assert_eq!(RemotePath::new(input).as_bytes(), expected.as_bytes(), "{input}");
        }
    }

    #[test]
    fn resolves_relative_and_absolute() {
        let base = RemotePath::new("/home/ann");
        assert_eq!(base.resolve(b"x/../y"), RemotePath::new("/home/ann/y"));
        assert_eq!(base.resolve(b"/etc"), RemotePath::new("/etc"));
        assert_eq!(base.resolve(b"../../.."), RemotePath::root());
    }

    #[test]
    fn parent_name_and_prefix() {
        let path = RemotePath::new("/a/b");
        assert_eq!(path.parent(), Some(RemotePath::new("/a")));
        assert_eq!(RemotePath::new("/a").parent(), Some(RemotePath::root()));
        assert_eq!(RemotePath::root().parent(), None);
        assert_eq!(path.name(), Some(&b"b"[..]));
        assert_eq!(path.strip_prefix(&RemotePath::root()), Some(&b"a/b"[..]));
        assert_eq!(path.strip_prefix(&RemotePath::new("/a")), Some(&b"b"[..]));
        assert_eq!(RemotePath::new("/ab").strip_prefix(&RemotePath::new("/a")), None);
    }

    #[test]
    fn hostile_names_are_refused() {
        for bad in [&b""[..], b".", b"..", b"a/b", b"/", b"a\0b"] {
            assert!(RemotePath::root().join_checked(bad).is_err(), "{bad:?}");
        }
        assert!(RemotePath::root().join_checked(b"\xff\n").is_ok());
    }

    #[test]
    fn quoting_leaves_nothing_to_the_shell() {
        assert_eq!(quote(b"a b"), b"'a b'");
        assert_eq!(quote(b"it's"), br"'it'\''s'");
        assert_eq!(quote(b"$(x)`y`\\\n*\xff"), b"'$(x)`y`\\\n*\xff'");
        assert_eq!(quote(b""), b"''");
    }
}
