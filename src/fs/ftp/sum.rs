//! Checksums that the server computes: HASH (draft-bryan-ftpext-hash) and the older commands named
//! after their algorithm, which no RFC has. What cannot be had that way, or not for sure, is
//! [`ErrorKind::Unsupported`]: then somebody reads the file. Reads no file.

use std::sync::{Arc, atomic::Ordering};

use super::{
    control::Command,
    features::Features,
    reply_reader::RawReply,
    session::{Session, Tries},
};
use crate::fs::{Algorithm, Checksum, Error, ErrorKind, Operation, RemotePath, Result, sum::Computed};

/// One way to have an algorithm computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    algorithm: Algorithm,
    /// `None` for HASH, which has to be told the algorithm.
    verb: Option<&'static str>,
    /// Its bit in `Learnt::refused_sums`.
    bit: u32,
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

/// Two at most. MD5 is that of draft-twine-ftpmd5.
fn verbs(algorithm: Algorithm) -> &'static [&'static str] {
    match algorithm {
        Algorithm::Sha256 => &["XSHA256"],
        Algorithm::Sha512 => &["XSHA512"],
        Algorithm::Sha1 => &["XSHA1", "XSHA"],
        Algorithm::Md5 => &["XMD5", "MD5"],
        Algorithm::Crc32 => &["XCRC"],
    }
}

impl Way {
    /// What the server offers, best first.
    pub fn all(features: &Features) -> impl Iterator<Item = Way> {
        let hash = features.line("HASH").unwrap_or_default();
        let hashes: Vec<&str> = hash.split(';').map(|name| name.trim_end_matches('*').trim()).collect();
        let mut ways = Vec::new();
        for (at, algorithm) in Algorithm::ALL.into_iter().enumerate() {
            let bit = 1 << (at * 3);
            if hashes.contains(&hash_name(algorithm)) {
                ways.push(Way { algorithm, verb: None, bit });
            }
            for (nth, verb) in verbs(algorithm).iter().enumerate() {
                if features.has(verb) {
                    ways.push(Way { algorithm, verb: Some(*verb), bit: bit << (nth + 1) });
                }
            }
        }
        ways.into_iter()
    }

    /// Whether the file that the server takes `path` for is surely this one. Behind a name, the older
    /// commands may have a first and a last byte; names with a blank stand in quotes on some
    /// servers, and on others the quotes are the name's.
    fn can_name(self, path: &RemotePath) -> bool {
        self.verb.is_none() || !path.as_bytes().iter().any(|b| b.is_ascii_whitespace() || *b == b'"')
    }

    fn found(self, raw: &RawReply, path: &[u8]) -> Option<Checksum> {
        let by = Computed::Server(self.verb.unwrap_or("HASH"));
        match self.verb {
            None => hash_answer(raw, self.algorithm, by),
            Some(_) => answer(raw, self.algorithm, by, path),
        }
    }
}

/// The best algorithm of those that the server offers and has not refused.
pub fn preferred(session: &Session) -> Algorithm {
    let refused = session.learnt.refused_sums.load(Ordering::Relaxed);
    let mut ways = Way::all(session.features()).filter(|way| refused & way.bit == 0);
    ways.next().map_or_else(Algorithm::default, |way| way.algorithm)
}

/// The checksum by the first way that the server does not refuse. A command that it does not know
/// is not tried again.
pub async fn checksum(session: &Arc<Session>, path: &RemotePath, algorithm: Algorithm) -> Result<Checksum> {
    let operation = Operation::Checksum;
    let wire = session.wire(operation, path)?;
    let mut last = None;
    for way in Way::all(session.features()) {
        let refused = session.learnt.refused_sums.load(Ordering::Relaxed);
        if way.algorithm != algorithm || refused & way.bit != 0 || !way.can_name(path) {
            continue;
        }
        let raw = ask(session, path, way, &wire).await?;
        if is_answer(&raw)
            && let Some(sum) = way.found(&raw, &wire)
        {
            return Ok(sum);
        }
        if matches!(raw.code, 500 | 502 | 504) {
            session.learnt.refused_sums.fetch_or(way.bit, Ordering::Relaxed);
        }
        let error = if is_answer(&raw) {
            let error = Error::new(ErrorKind::Unsupported, operation).with_reply(session.log().reply(&raw));
            session.error(error.with_detail("the answer holds no checksum of this kind"), path)
        } else {
            session.refusal(operation, &raw, path)
        };
        match error.kind() {
            // Reading would find the same.
            ErrorKind::NotFound
            | ErrorKind::PermissionDenied
            | ErrorKind::IsADirectory
            | ErrorKind::ConnectionLost => return Err(error),
            _ => last = Some(error.with_kind(ErrorKind::Unsupported)),
        }
    }
    Err(last.unwrap_or_else(|| session.error(Error::new(ErrorKind::Unsupported, operation), path)))
}

/// 213 is the draft's of HASH, 251 that of draft-twine-ftpmd5; most of the others say 250.
fn is_answer(raw: &RawReply) -> bool {
    matches!(raw.code, 200 | 213 | 250 | 251)
}

/// The answer, or the first refusal: the algorithm of HASH holds for the connection that it was
/// chosen on. A large file takes a server long.
async fn ask(session: &Session, path: &RemotePath, way: Way, wire: &[u8]) -> Result<RawReply> {
    let operation = Operation::Checksum;
    let mut tries = Tries::default();
    loop {
        let mut lease = session.lend(operation, path).await?;
        let fresh = lease.fresh;
        let asking = async {
            if way.verb.is_none() {
                let choice = Command::new(format!("OPTS HASH {}", hash_name(way.algorithm)));
                let raw = lease.ask(operation, choice).await?;
                if !raw.is_completion() {
                    return Ok(raw);
                }
            }
            let command = Command::at(way.verb.unwrap_or("HASH"), wire, path);
            lease.send(operation, &[command]).await?;
            session.conclusion(&mut lease, operation).await
        };
        match asking.await {
            Ok(raw) => return Ok(raw),
            Err(error) if tries.again(&error, fresh) => {}
            Err(error) => {
                drop(lease);
                return Err(session.settle(session.error(error, path)).await);
            }
        }
    }
}

/// `SHA-256 0-49 <digits> <path>`, of the whole file; or, as the first draft had it, the digits alone.
fn hash_answer(raw: &RawReply, algorithm: Algorithm, by: Computed) -> Option<Checksum> {
    raw.lines.iter().find_map(|line| {
        let text = String::from_utf8_lossy(line);
        let mut words = text.split_ascii_whitespace();
        let first = words.next()?;
        let Some(range) = words.next() else { return Checksum::from_hex(algorithm, first, by.clone()) };
        let (start, end) = range.split_once('-')?;
        let is_whole = start.parse() == Ok(0_u64) && end.parse::<u64>().is_ok();
        if !first.eq_ignore_ascii_case(hash_name(algorithm)) || !is_whole {
            return None;
        }
        Checksum::from_hex(algorithm, words.next()?, by.clone())
    })
}

/// The one word that is as long as the algorithm's digits, before or behind other words. Words
/// of the path may look the same, in quotes or not.
fn answer(raw: &RawReply, algorithm: Algorithm, by: Computed, path: &[u8]) -> Option<Checksum> {
    let named: Vec<&[u8]> = path.split(|b| *b == b'/' || b.is_ascii_whitespace()).collect();
    let mut found: Vec<(Checksum, bool)> = Vec::new();
    for line in &raw.lines {
        for word in line.split(|b| b.is_ascii_whitespace()) {
            let text = String::from_utf8_lossy(word);
            let Some(sum) = Checksum::from_hex(algorithm, &text, by.clone()) else { continue };
            if !found.iter().any(|(other, _)| *other == sum) {
                found.push((sum, named.contains(&word)));
            }
        }
    }
    if found.len() > 1 {
        found.retain(|(_, is_named)| !is_named);
    }
    match &found[..] {
        [(sum, _)] => Some(sum.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(code: u16, lines: &[&str]) -> RawReply {
        RawReply { code, lines: lines.iter().map(|l| l.as_bytes().to_vec()).collect() }
    }

    #[test]
    fn ways_come_from_the_features() {
        let lines = ["x", " HASH CRC32;SHA-1*;SHA-256", " XSHA256", " XMD5", " MD5", " XSHA", " XCRC", "x"];
        let features = Features::new(&raw(220, &[""]), &raw(215, &["UNIX"]), &raw(211, &lines));
        let ways: Vec<_> = Way::all(&features).collect();
        assert_eq!(
            ways.iter().map(|way| (way.algorithm, way.verb)).collect::<Vec<_>>(),
            [
                (Algorithm::Sha256, None),
                (Algorithm::Sha256, Some("XSHA256")),
                (Algorithm::Sha1, None),
                (Algorithm::Sha1, Some("XSHA")),
                (Algorithm::Md5, Some("XMD5")),
                (Algorithm::Md5, Some("MD5")),
                (Algorithm::Crc32, None),
                (Algorithm::Crc32, Some("XCRC")),
            ]
        );
        let bits = ways.iter().fold(0, |bits, way| bits | way.bit);
        assert_eq!(bits.count_ones() as usize, ways.len(), "two ways share a bit");
    }

    #[test]
    fn hash_answers_with_what_it_computed_of_what() {
        let digits = "98EA6E4F216F2FB4B69FFF9B3A44842C38686CA685F3F55DC48C5D3FB1107BE4";
        let of = |line: &str| hash_answer(&raw(213, &[line]), Algorithm::Sha256, Computed::Server("HASH"));
        for line in
            [format!("SHA-256 0-3 {digits} f"), format!("sha-256 0-3 {digits} \"a b\""), digits.into()]
        {
            assert_eq!(of(&line).unwrap().bytes[..2], [0x98, 0xea], "{line}");
        }
        for line in [
            format!("SHA-512/256 0-3 {digits} f"),
            format!("SHA-256 1-3 {digits} f"),
            format!("SHA-256 {digits} f"),
            format!("SHA-256 0-3 {} {digits}", &digits[2..]),
            "none".into(),
            String::new(),
        ] {
            assert!(of(&line).is_none(), "{line}");
        }
    }

    #[test]
    fn sums_are_found_among_other_words() {
        let of = |lines: &[&str], path: &str| {
            answer(&raw(250, lines), Algorithm::Crc32, Computed::Server("XCRC"), path.as_bytes())
                .map(|sum| sum.to_string())
        };
        let some = Some("352441c2".to_owned());
        assert_eq!(of(&["Computing CRC32 digest", "352441C2"], "/f"), some);
        assert_eq!(of(&["\"/f\" 352441c2"], "/f"), some);
        assert_eq!(of(&["352441c2 /20241121"], "/20241121"), some);
        assert_eq!(of(&["20241121 352441c2"], "/20241121"), some);
        assert_eq!(of(&["352441c2 352441c2"], "/352441c2"), some);
        for lines in [&["52441c2"][..], &["352441c2a"], &["0x352441"], &["352441c2 aaaaaaaa"], &["no"], &[""]]
        {
            assert_eq!(of(lines, "/f"), None, "{lines:?}");
        }
    }
}
