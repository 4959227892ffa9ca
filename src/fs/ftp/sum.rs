//! Checksums that the server computes: HASH (draft-bryan-ftpext-hash) and the older commands named
//! after their algorithm. Reads no file.

use std::sync::Arc;

use super::{control::Command, features::Features, reply_reader::RawReply, session::Session};
use crate::fs::{Algorithm, Checksum, Error, ErrorKind, Operation, RemotePath, Result, sum::Computed};

/// One way to have an algorithm computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    algorithm: Algorithm,
    /// `None` for HASH, which has to be told the algorithm.
    verb: Option<&'static str>,
}

/// HASH, by the names of the draft's registry.
fn hash_name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Sha256 => "SHA-256",
        Algorithm::Sha512 => "SHA-512",
        Algorithm::Sha1 => "SHA-1",
        Algorithm::Md5 => "MD5",
        Algorithm::Crc32 => "CRC32",
    }
}

fn verbs(algorithm: Algorithm) -> &'static [&'static str] {
    match algorithm {
        Algorithm::Sha256 => &["XSHA256"],
        Algorithm::Sha512 => &["XSHA512"],
        Algorithm::Sha1 => &["XSHA1", "XSHA"],
        Algorithm::Md5 => &["XMD5"],
        Algorithm::Crc32 => &["XCRC"],
    }
}

impl Way {
    /// What the server offers, best first.
    pub fn all(features: &Features) -> impl Iterator<Item = Way> {
        let hash = features.line("HASH").unwrap_or_default();
        let hashes: Vec<&str> = hash.split(';').map(|name| name.trim_end_matches('*').trim()).collect();
        let mut ways = Vec::new();
        for algorithm in Algorithm::ALL {
            if hashes.contains(&hash_name(algorithm)) {
                ways.push(Way { algorithm, verb: None });
            }
            for verb in verbs(algorithm) {
                if features.has(verb) {
                    ways.push(Way { algorithm, verb: Some(*verb) });
                }
            }
        }
        ways.into_iter()
    }
}

pub async fn checksum(session: &Arc<Session>, path: &RemotePath, algorithm: Algorithm) -> Result<Checksum> {
    let operation = Operation::Checksum;
    let unsupported = || session.error(Error::new(ErrorKind::Unsupported, operation), path);
    let mut refused = None;
    for way in Way::all(session.features()).filter(|way| way.algorithm == algorithm) {
        let commands = match way.verb {
            Some(verb) => vec![session.command(operation, verb, path)?],
            None => vec![
                Command::new(format!("OPTS HASH {}", hash_name(algorithm))),
                session.command(operation, "HASH", path)?,
            ],
        };
        let replies = session.ask_all(operation, path, &commands).await?;
        let Some(raw) = replies.last() else { return Err(unsupported()) };
        if replies.iter().all(RawReply::is_completion) {
            let by = Computed::Server(way.verb.unwrap_or("HASH"));
            return found(raw, algorithm, by).ok_or_else(|| {
                let error = Error::new(ErrorKind::Protocol, operation).with_reply(session.log().reply(raw));
                session.error(error.with_detail("the answer holds no checksum"), path)
            });
        }
        let error = session.refusal(operation, raw, path);
        if !raw.is_unknown_command() {
            return Err(error);
        }
        refused = Some(error);
    }
    Err(refused.unwrap_or_else(unsupported))
}

/// The first word that is as long as the algorithm's digits.
fn found(raw: &RawReply, algorithm: Algorithm, by: Computed) -> Option<Checksum> {
    raw.lines.iter().find_map(|line| {
        let text = std::str::from_utf8(line).ok()?;
        text.split_ascii_whitespace().find_map(|word| Checksum::from_hex(algorithm, word, by.clone()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(code: u16, lines: &[&str]) -> RawReply {
        RawReply { code, lines: lines.iter().map(|l| l.as_bytes().to_vec()).collect() }
    }

    #[test]
    fn ways_come_from_the_features() {
        let features = Features::new(
            &raw(220, &[""]),
            &raw(215, &["UNIX"]),
            &raw(211, &["x", " HASH CRC32;SHA-1*;SHA-256", " XSHA256", " XCRC", "x"]),
        );
        let ways: Vec<_> = Way::all(&features).map(|way| (way.algorithm, way.verb)).collect();
        assert_eq!(
            ways,
            [
                (Algorithm::Sha256, None),
                (Algorithm::Sha256, Some("XSHA256")),
                (Algorithm::Sha1, None),
                (Algorithm::Crc32, None),
                (Algorithm::Crc32, Some("XCRC")),
            ]
        );
    }

    #[test]
    fn sums_are_found_among_other_words() {
        let digits = "98EA6E4F216F2FB4B69FFF9B3A44842C38686CA685F3F55DC48C5D3FB1107BE4";
        for lines in [&[&*format!("SHA-256 0-3 {digits} f")][..], &["Computing SHA256 digest", digits]] {
            let sum = found(&raw(213, lines), Algorithm::Sha256, Computed::Server("HASH")).unwrap();
            assert_eq!(sum.bytes[..2], [0x98, 0xea]);
        }
        assert!(found(&raw(213, &["none"]), Algorithm::Sha1, Computed::Server("HASH")).is_none());
    }
}
