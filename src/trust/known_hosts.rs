//! Host keys by OpenSSH's rules: whether a server's key is the one that its known_hosts files
//! hold, and adding one to them. Owns the reading, the matching and the appending. Must never
//! ask anybody, decide what an unknown key means, or see a network; keys are the raw blobs of
//! RFC 4253 section 6.6.
//!
//! The format is sshd(8)'s, SSH_KNOWN_HOSTS FILE FORMAT. Where ssh and this could differ, this is
//! the stricter one: a key is `Known` only where `ssh` accepts it without a question.

mod key;
mod line;

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

pub(super) use key::canonical;
pub use key::{algorithm, fingerprint, randomart};

use super::pattern;
use line::{Line, Marker};

/// The port that known_hosts leaves out: names on it are written without brackets.
pub const DEFAULT_PORT: u16 = 22;

/// The lines of all files that say something about a host's key.
#[derive(Clone, Debug, Default)]
pub struct KnownHosts {
    entries: Vec<Entry>,
    invalid: Vec<InvalidLine>,
}

#[derive(Clone, Debug)]
struct Entry {
    file: Arc<Path>,
    number: usize,
    line: Line,
}

/// A line that ssh would pass over, and so does this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidLine {
    pub file: PathBuf,
    /// From 1.
    pub line: usize,
    pub reason: &'static str,
}

/// A file is there and cannot be read: what it would have said, a revocation for one, is not
/// known, so nothing may be concluded.
#[derive(Debug, thiserror::Error)]
#[error("{}: {error}", .path.display())]
pub struct LoadError {
    pub path: PathBuf,
    #[source]
    pub error: io::Error,
}

/// What the files say of a host and a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The host has this key.
    Known { file: PathBuf, line: usize },
    /// Nothing is known of the host.
    Unknown,
    /// Keys are known for the host, and this is none of them; its type may be another, too.
    Changed { known: Vec<KnownKey> },
    /// The key must not be accepted from this host, whatever else is known.
    Revoked { file: PathBuf, line: usize },
}

/// A key, or a certificate, that a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownKey {
    pub file: PathBuf,
    /// From 1; 0 where it is not known.
    pub line: usize,
    /// For example `ssh-ed25519`; empty for a certificate.
    pub key_type: String,
    /// `SHA256:…`, or `AB:CD:…` of a certificate.
    pub fingerprint: String,
}

impl KnownHosts {
    /// Reads the user's files, then the system's. A file that does not exist is empty.
    pub fn load(user_files: &[PathBuf], global_files: &[PathBuf]) -> Result<KnownHosts, LoadError> {
        let mut known = KnownHosts::default();
        for path in user_files.iter().chain(global_files) {
            match std::fs::read(path) {
                Ok(text) => known.add(path, &text),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(LoadError { path: path.clone(), error }),
            }
        }
        Ok(known)
    }

    /// Adds the lines of a file that is read already.
    pub fn add(&mut self, path: &Path, text: &[u8]) {
        let file: Arc<Path> = path.into();
        for (index, raw) in text.split(|&b| b == b'\n').enumerate() {
            match line::parse(raw) {
                Ok(Some(line)) => {
                    self.entries.push(Entry { file: Arc::clone(&file), number: index + 1, line });
                }
                Ok(None) => {}
                Err(reason) => {
                    self.invalid.push(InvalidLine { file: path.to_owned(), line: index + 1, reason })
                }
            }
        }
    }

    /// The lines that were passed over, as ssh passes over them.
    pub fn invalid_lines(&self) -> &[InvalidLine] {
        &self.invalid
    }

    /// Judges the key that a server has shown.
    ///
    /// `host` is the name as it was resolved by ssh_config, not an address looked up from it. A
    /// `HostKeyAlias` stands in for host and port together: pass it with [`DEFAULT_PORT`].
    ///
    /// On another port than 22 the name is `[host]:port`; only where that has no key at all does
    /// a line for the bare `host` count, and only in favour of the key or against a revoked one
    /// (`ssh -v`: "checking without port identifier"). A certificate is never `Known` here.
    pub fn check(&self, host: &str, port: u16, key_blob: &[u8]) -> Verdict {
        let shown = key::canonical(key_blob);
        let is_shown = |line: &Line| match &shown {
            Some(shown) => line.key == *shown,
            None => line.blob == key_blob,
        };
        let names = names(host, port);
        for entry in self.matching_any(&names).filter(|e| e.line.marker == Marker::Revoked) {
            if is_shown(&entry.line) {
                return Verdict::Revoked { file: entry.file.to_path_buf(), line: entry.number };
            }
        }
        let mut changed = Vec::new();
        for (index, name) in names.iter().enumerate() {
            for entry in self.matching(name).filter(|e| e.line.marker == Marker::None) {
                if is_shown(&entry.line) {
                    return Verdict::Known { file: entry.file.to_path_buf(), line: entry.number };
                }
                if index == 0 {
                    changed.push(entry.known_key());
                }
            }
            if !changed.is_empty() {
                return Verdict::Changed { known: changed };
            }
        }
        Verdict::Unknown
    }

    /// The types of the keys known for a host, each once, in the files' order: those to ask the
    /// server for first, lest a known server shows a key of another type. `ssh-rsa` is the type
    /// of a key; the algorithms to offer for it are `rsa-sha2-512` and `rsa-sha2-256`
    /// (RFC 8332).
    pub fn known_algorithms(&self, host: &str, port: u16) -> Vec<String> {
        let names = names(host, port);
        let revoked = self.revoked(&names);
        let mut found: Vec<String> = Vec::new();
        for name in &names {
            for entry in self.matching(name).filter(|e| e.line.marker == Marker::None) {
                if !revoked.contains(&entry.line.key.as_slice()) && !found.contains(&entry.line.key_type) {
                    found.push(entry.line.key_type.clone());
                }
            }
            if !found.is_empty() {
                break;
            }
        }
        found
    }

    /// The keys known for a host, less those revoked.
    pub fn keys(&self, host: &str, port: u16) -> Vec<Vec<u8>> {
        let names = names(host, port);
        let revoked = self.revoked(&names);
        let keys = self.matching_any(&names).filter(|e| e.line.marker == Marker::None);
        keys.filter(|e| !revoked.contains(&e.line.key.as_slice())).map(|e| e.line.blob.clone()).collect()
    }

    /// Whether keys are known for a host, and every one of them is revoked.
    pub fn has_only_revoked(&self, host: &str, port: u16) -> bool {
        let names = names(host, port);
        let revoked = self.revoked(&names);
        let mut keys = self.matching_any(&names).filter(|e| e.line.marker != Marker::Revoked).peekable();
        keys.peek().is_some() && keys.all(|e| revoked.contains(&e.line.key.as_slice()))
    }

    /// The keys of the authorities whose certificates may vouch for a host, less those revoked.
    pub fn authorities(&self, host: &str, port: u16) -> Vec<Vec<u8>> {
        let names = names(host, port);
        let revoked = self.revoked(&names);
        for name in &names {
            let found: Vec<Vec<u8>> = self
                .matching(name)
                .filter(|e| e.line.marker == Marker::CertAuthority)
                .filter(|e| !revoked.contains(&e.line.key.as_slice()))
                .map(|e| e.line.blob.clone())
                .collect();
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }

    /// The keys that are revoked for any of `names`.
    fn revoked<'a>(&'a self, names: &'a [String]) -> Vec<&'a [u8]> {
        self.matching_any(names)
            .filter(|e| e.line.marker == Marker::Revoked)
            .map(|e| e.line.key.as_slice())
            .collect()
    }

    fn matching<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Entry> {
        self.entries.iter().filter(move |entry| entry.line.hosts.matches(name))
    }

    fn matching_any<'a>(&'a self, names: &'a [String]) -> impl Iterator<Item = &'a Entry> {
        self.entries.iter().filter(move |entry| names.iter().any(|name| entry.line.hosts.matches(name)))
    }
}

impl Entry {
    fn known_key(&self) -> KnownKey {
        KnownKey {
            file: self.file.to_path_buf(),
            line: self.number,
            key_type: self.line.key_type.clone(),
            fingerprint: fingerprint(&self.line.blob),
        }
    }
}

/// Whether a certificate's principal stands for the host: `*` and `?` are wildcards there, as
/// OpenSSH has it. Without regard to case.
pub fn pattern_matches(principal: &str, host: &str) -> bool {
    pattern::matches(principal.to_ascii_lowercase().as_bytes(), host.to_ascii_lowercase().as_bytes())
}

/// The name that a host and port are remembered by: `web-01`, `[web-01]:2222`.
pub fn recorded_name(host: &str, port: u16) -> String {
    let host = host.to_ascii_lowercase();
    // Port 0 is what ssh itself takes for "no port given".
    if port == DEFAULT_PORT || port == 0 { host } else { format!("[{host}]:{port}") }
}

fn names(host: &str, port: u16) -> Vec<String> {
    let first = recorded_name(host, port);
    let bare = host.to_ascii_lowercase();
    if first == bare { vec![first] } else { vec![first, bare] }
}

/// Appends the key to a known_hosts file, as ssh does after a yes: `hashed` is HashKnownHosts.
///
/// The file and its directory are created if need be, readable by the user alone; nothing that
/// is in the file changes. A symlink to nothing is refused: creating its target would put a
/// file where nobody looks for one.
pub fn remember(file: &Path, host: &str, port: u16, key_blob: &[u8], hashed: bool) -> io::Result<()> {
    remember_as(file, &[recorded_name(host, port)], key_blob, hashed)
}

/// The same under several names of [`recorded_name`]: one line for all, or a line for each where
/// they are hashed.
pub fn remember_as(file: &Path, names: &[String], key_blob: &[u8], hashed: bool) -> io::Result<()> {
    if names.is_empty() || !names.iter().all(|name| line::is_plain_name(name)) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the host's name cannot be written to known_hosts",
        ));
    }
    let Some(key_type) = algorithm(key_blob).filter(|_| key::canonical(key_blob).is_some()) else {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a host key of a type that known_hosts can hold",
        ));
    };
    let hosts: Vec<String> = if hashed {
        names.iter().map(|name| line::hash_name(name, &rand::random())).collect()
    } else {
        vec![names.join(",")]
    };
    let encoded = key::base64(key_blob);
    let entry: String = hosts.iter().map(|hosts| format!("{hosts} {key_type} {encoded}\n")).collect();

    let mut out = open_for_append(file)?;
    let text = if ends_mid_line(&mut out)? { format!("\n{entry}") } else { entry };
    // One write: with O_APPEND, two processes that remember at the same time do not interleave.
    out.write_all(text.as_bytes())
}

fn open_for_append(file: &Path) -> io::Result<File> {
    let mut existing = OpenOptions::new();
    existing.read(true).append(true);
    match existing.open(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        opened => return opened,
    }
    if file.symlink_metadata().is_ok_and(|m| m.is_symlink()) {
        return Err(io::Error::new(io::ErrorKind::NotFound, "it is a symlink to a file that does not exist"));
    }
    if let Some(parent) = file.parent().filter(|p| !p.as_os_str().is_empty()) {
        match DirBuilder::new().mode(0o700).create(parent) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
    match OpenOptions::new().read(true).append(true).create_new(true).mode(0o600).open(file) {
        // Somebody else created it in between.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => existing.open(file),
        opened => opened,
    }
}

fn ends_mid_line(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last[0] != b'\n')
}

#[cfg(test)]
mod tests;
