//! Certificates that a person decided to trust: one line per server in a file of wharf's own,
//! `host:port sha256 FINGERPRINT`. Owns that file and nothing else; knows no TLS.

use std::{
    fmt, fs,
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

/// The SHA-256 of a certificate's DER form.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    pub fn of(der: &[u8]) -> Self {
        Fingerprint(Sha256::digest(der).into())
    }

    /// As a picture of eleven lines, drawn as those of host keys are.
    pub fn picture(&self) -> String {
        super::picture::of(&self.0, "[X.509]")
    }

    fn parse(text: &str) -> Option<Self> {
        let mut out = [0; 32];
        let text: String = text.chars().filter(|c| *c != ':').collect();
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        for (byte, pair) in out.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Fingerprint(out))
    }
}

/// `AB:CD:…` as `openssl x509 -fingerprint -sha256` prints it.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            write!(f, "{}{byte:02X}", if at > 0 { ":" } else { "" })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// What the file says of one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    pub fingerprint: Fingerprint,
    /// Counted from 1.
    pub line: usize,
}

/// The file of pinned certificates. It need not exist.
#[derive(Clone, Debug)]
pub struct Pins {
    file: PathBuf,
}

impl Pins {
    pub fn new(file: PathBuf) -> Self {
        Pins { file }
    }

    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The pin of `server` (`host:port`). The last line counts; lines that make no sense are
    /// passed over.
    pub fn find(&self, server: &str) -> io::Result<Option<Pin>> {
        let text = self.read()?;
        let pins = text.lines().enumerate().filter_map(|(at, line)| {
            let mut words = line.split_whitespace();
            if words.next()? != server || words.next()? != "sha256" {
                return None;
            }
            Some(Pin { fingerprint: Fingerprint::parse(words.next()?)?, line: at + 1 })
        });
        Ok(pins.last())
    }

    /// Pins a certificate to `server`. The file is replaced in one step and is its owner's alone.
    pub fn remember(&self, server: &str, fingerprint: Fingerprint) -> io::Result<()> {
        let dir = self.file.parent().unwrap_or_else(|| Path::new("."));
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        // Two programs that pin at the same time must not lose each other's line.
        let lock = fs::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(self.file.with_extension("lock"))?;
        lock.lock()?;
        let mut text = self.read()?;
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(&format!("{server} sha256 {fingerprint}\n"));
        let mut fresh = tempfile::Builder::new().prefix(".certificates").tempfile_in(dir)?;
        fresh.write_all(text.as_bytes())?;
        fresh.as_file().sync_all()?;
        fresh.persist(&self.file).map_err(|e| e.error)?;
        Ok(())
    }

    fn read(&self) -> io::Result<String> {
        match fs::read(&self.file) {
            Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn pins_are_found_again_and_the_last_one_counts() {
        let dir = tempfile::tempdir().unwrap();
        let pins = Pins::new(dir.path().join("state/certificates"));
        assert_eq!(pins.find("host:21").unwrap(), None);
        let (one, two) = (Fingerprint::of(b"one"), Fingerprint::of(b"two"));
        pins.remember("host:21", one).unwrap();
        pins.remember("host:2121", two).unwrap();
        assert_eq!(pins.find("host:21").unwrap(), Some(Pin { fingerprint: one, line: 1 }));
        pins.remember("host:21", two).unwrap();
        assert_eq!(pins.find("host:21").unwrap(), Some(Pin { fingerprint: two, line: 3 }));
        assert_eq!(pins.find("host:2").unwrap(), None);
        let mode = fs::metadata(pins.file()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn nonsense_is_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("certificates");
        let good = Fingerprint::of(b"x");
        fs::write(&file, format!("h:1 sha256 zz\nh:1\n# h:1\nh:1 sha256 {good}\nh:1 md5 {good}")).unwrap();
        let pins = Pins::new(file);
        assert_eq!(pins.find("h:1").unwrap().unwrap().line, 4);
        pins.remember("h:2", good).unwrap();
        assert_eq!(pins.find("h:2").unwrap().unwrap().line, 6);
    }

    #[test]
    fn fingerprints_read_as_they_are_written() {
        let print = Fingerprint::of(b"abc");
        assert_eq!(Fingerprint::parse(&print.to_string()), Some(print));
        assert_eq!(print.to_string().len(), 95);
    }
}
