//! Checksums: which there are, what one looks like, and computing one from bytes as they come.
//! Must never read a file.

use std::{fmt, str::FromStr};

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

/// How a file's bytes are summed up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    #[default]
    Sha256,
    Sha512,
    /// Broken against forgery; here for comparing with what somebody published.
    Sha1,
    /// RFC 1321. As broken as [`Algorithm::Sha1`], and more.
    Md5,
    /// ITU-T V.42 section 8.1.1.6.2, as zip and cksfv have it. Finds what went wrong by chance, and
    /// nothing that was meant.
    Crc32,
}

impl Algorithm {
    pub const ALL: [Algorithm; 5] =
        [Algorithm::Sha256, Algorithm::Sha512, Algorithm::Sha1, Algorithm::Md5, Algorithm::Crc32];

    /// As `sha256sum` and draft-ietf-secsh-filexfer-extensions write it.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Sha256 => "sha256",
            Algorithm::Sha512 => "sha512",
            Algorithm::Sha1 => "sha1",
            Algorithm::Md5 => "md5",
            Algorithm::Crc32 => "crc32",
        }
    }

    /// The length of a checksum, in bytes.
    pub fn length(self) -> usize {
        match self {
            Algorithm::Sha256 => 32,
            Algorithm::Sha512 => 64,
            Algorithm::Sha1 => 20,
            Algorithm::Md5 => 16,
            Algorithm::Crc32 => 4,
        }
    }
}

impl FromStr for Algorithm {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = text.to_ascii_lowercase().replace('-', "");
        Algorithm::ALL.into_iter().find(|algorithm| algorithm.name() == plain).ok_or_else(|| {
            let names = Algorithm::ALL.map(Algorithm::name).join(", ");
            format!("the checksums that wharf computes are {names}")
        })
    }
}

/// A checksum of a file's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checksum {
    pub algorithm: Algorithm,
    /// In the order of the digits: a CRC's highest byte first.
    pub bytes: Box<[u8]>,
    /// Who computed it.
    pub by: Computed,
}

/// Where a checksum was computed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Computed {
    /// By this program, from bytes that it read.
    Here,
    /// On the server, by the means named: a program or an extension of the protocol.
    Server(&'static str),
}

impl Checksum {
    /// From hexadecimal digits, if they are as many as the algorithm gives.
    pub fn from_hex(algorithm: Algorithm, text: &str, by: Computed) -> Option<Checksum> {
        if text.len() != algorithm.length() * 2 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let bytes: Option<Vec<u8>> =
            (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect();
        Some(Checksum { algorithm, bytes: bytes?.into(), by })
    }
}

/// The digits, lower case.
impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Sums up bytes as they come.
pub enum Summer {
    Sha256(Sha256),
    Sha512(Sha512),
    Sha1(Sha1),
    Md5(Md5),
    Crc32(crc32fast::Hasher),
}

impl Summer {
    pub fn new(algorithm: Algorithm) -> Summer {
        match algorithm {
            Algorithm::Sha256 => Summer::Sha256(Sha256::new()),
            Algorithm::Sha512 => Summer::Sha512(Sha512::new()),
            Algorithm::Sha1 => Summer::Sha1(Sha1::new()),
            Algorithm::Md5 => Summer::Md5(Md5::new()),
            Algorithm::Crc32 => Summer::Crc32(crc32fast::Hasher::new()),
        }
    }

    pub fn add(&mut self, bytes: &[u8]) {
        match self {
            Summer::Sha256(hash) => hash.update(bytes),
            Summer::Sha512(hash) => hash.update(bytes),
            Summer::Sha1(hash) => hash.update(bytes),
            Summer::Md5(hash) => hash.update(bytes),
            Summer::Crc32(hash) => hash.update(bytes),
        }
    }

    pub fn finish(self) -> Checksum {
        let (algorithm, bytes): (Algorithm, Vec<u8>) = match self {
            Summer::Sha256(hash) => (Algorithm::Sha256, hash.finalize().to_vec()),
            Summer::Sha512(hash) => (Algorithm::Sha512, hash.finalize().to_vec()),
            Summer::Sha1(hash) => (Algorithm::Sha1, hash.finalize().to_vec()),
            Summer::Md5(hash) => (Algorithm::Md5, hash.finalize().to_vec()),
            Summer::Crc32(hash) => (Algorithm::Crc32, hash.finalize().to_be_bytes().to_vec()),
        };
        Checksum { algorithm, bytes: bytes.into(), by: Computed::Here }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of FIPS 180 and RFC 1321 for `abc`; the CRC as gzip stores it.
    #[test]
    fn sums_are_those_of_the_standard() {
        for (algorithm, digits) in [
            (Algorithm::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (Algorithm::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (Algorithm::Md5, "900150983cd24fb0d6963f7d28e17f72"),
            (Algorithm::Crc32, "352441c2"),
        ] {
            let mut summer = Summer::new(algorithm);
            summer.add(b"a");
            summer.add(b"bc");
            let sum = summer.finish();
            assert_eq!(sum.to_string(), digits);
            assert_eq!(Checksum::from_hex(algorithm, digits, Computed::Here), Some(sum));
        }
        assert_eq!(Summer::new(Algorithm::Sha512).finish().bytes.len(), 64);
    }

    #[test]
    fn what_is_no_checksum_is_refused() {
        let of = |text: &str| Checksum::from_hex(Algorithm::Sha1, text, Computed::Here);
        assert!(of("").is_none() && of(&"a".repeat(39)).is_none() && of(&"g".repeat(40)).is_none());
        assert!(of(&"+a".repeat(20)).is_none(), "a sign is no digit");
        assert_eq!("SHA-256".parse(), Ok(Algorithm::Sha256));
        assert_eq!("CRC-32".parse(), Ok(Algorithm::Crc32));
        assert!("md4".parse::<Algorithm>().is_err());
        for algorithm in Algorithm::ALL {
            assert_eq!(algorithm.name().parse(), Ok(algorithm));
            assert_eq!(Summer::new(algorithm).finish().bytes.len(), algorithm.length());
        }
    }
}
