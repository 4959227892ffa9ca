//! Keys that must never be accepted, whatever else is known of them: the file of RevokedHostKeys,
//! a list of public keys or a KRL (ssh-keygen(1), KEY REVOCATION LISTS). Owns the reading and the
//! looking up. Must never decide what follows from either.

mod krl;

use std::{
    collections::HashSet,
    fs::File,
    io::{self, Read},
    path::Path,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::known_hosts::{algorithm, canonical};
use krl::Certificates;

/// A file longer than this is not read. Each entry takes memory of about its own size.
const LONGEST: u64 = 64 << 20;

/// Why a file cannot be used. Nothing may be concluded from it then: ssh refuses every key.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("it is longer than {} MiB", LONGEST >> 20)]
    TooLong,
    #[error("line {0} is no public key")]
    Line(usize),
    #[error("the KRL is damaged: {0}")]
    Krl(&'static str),
}

/// What a file revokes.
#[derive(Clone, Debug, Default)]
pub struct Revoked {
    /// In the form of which equal keys have equal bytes.
    keys: HashSet<Vec<u8>>,
    sha1: HashSet<[u8; 20]>,
    sha256: HashSet<[u8; 32]>,
    certificates: Vec<Certificates>,
}

/// What of a certificate can be revoked; keys are blobs of RFC 4253 section 6.6.
#[derive(Clone, Copy, Debug)]
pub struct Certificate<'a> {
    /// The key that it certifies, without the certificate.
    pub key: &'a [u8],
    /// Who signed it.
    pub authority: &'a [u8],
    pub serial: u64,
    pub key_id: &'a [u8],
}

impl Revoked {
    /// Reads a file. One that does not exist is unusable too, as with ssh: it may have gone with
    /// all that it revoked.
    pub fn load(path: &Path) -> Result<Revoked, Unusable> {
        let mut bytes = Vec::new();
        File::open(path)?.take(LONGEST + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > LONGEST {
            return Err(Unusable::TooLong);
        }
        Revoked::parse(&bytes)
    }

    /// Reads what a file holds.
    pub fn parse(bytes: &[u8]) -> Result<Revoked, Unusable> {
        if bytes.starts_with(krl::MAGIC) { krl::parse(bytes).map_err(Unusable::Krl) } else { list(bytes) }
    }

    /// Whether a key is revoked.
    pub fn has_key(&self, blob: &[u8]) -> bool {
        self.sha1.contains::<[u8; 20]>(&Sha1::digest(blob).into())
            || self.sha256.contains::<[u8; 32]>(&Sha256::digest(blob).into())
            || self.keys.contains(&comparable(blob))
    }

    /// Whether a certificate is, by itself, by its key or by its authority.
    pub fn has_certificate(&self, certificate: &Certificate<'_>) -> bool {
        self.has_key(certificate.key)
            || self.has_key(certificate.authority)
            || self.certificates.iter().any(|some| some.include(certificate))
    }

    fn revoke(&mut self, blob: &[u8]) {
        self.keys.insert(comparable(blob));
    }
}

fn comparable(blob: &[u8]) -> Vec<u8> {
    canonical(blob).unwrap_or_else(|| blob.to_vec())
}

/// A public key per line; one that cannot be read makes the whole list unusable, as with ssh.
fn list(text: &[u8]) -> Result<Revoked, Unusable> {
    let mut revoked = Revoked::default();
    for (index, line) in text.split(|&b| b == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() || line[0] == b'#' {
            continue;
        }
        let mut words = line.split(|b| b.is_ascii_whitespace()).filter(|word| !word.is_empty());
        let named = words.next().unwrap_or_default();
        let blob = words.next().and_then(|word| STANDARD.decode(word).ok());
        let blob = blob.filter(|blob| {
            canonical(blob).is_some() && algorithm(blob).is_some_and(|name| name.as_bytes() == named)
        });
        revoked.revoke(&blob.ok_or(Unusable::Line(index + 1))?);
    }
    Ok(revoked)
}

#[cfg(test)]
mod tests;
