//! One line of known_hosts: its parts, and whether its host field means a name. Must never open a
//! file. Sources: sshd(8), SSH_KNOWN_HOSTS FILE FORMAT; ssh_config(5), PATTERNS.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use sha1::Sha1;

use super::key;
use crate::trust::pattern;

#[derive(Clone, Debug)]
pub(super) struct Line {
    pub marker: Marker,
    pub hosts: Hosts,
    pub key_type: String,
    /// As the file has it.
    pub blob: Vec<u8>,
    /// In the form that compares equal for equal keys.
    pub key: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marker {
    None,
    CertAuthority,
    Revoked,
}

#[derive(Clone, Debug)]
pub(super) enum Hosts {
    /// In lower case.
    Patterns(Vec<u8>),
    Hashed {
        salt: [u8; 20],
        hash: [u8; 20],
    },
}

/// `None` for comments and empty lines, an `Err` with the reason for lines that ssh passes over.
pub(super) fn parse(raw: &[u8]) -> Result<Option<Line>, &'static str> {
    // What follows a NUL does not exist for ssh.
    let raw = raw.split(|&b| b == 0).next().unwrap_or_default();
    let rest = skip_blanks(raw.strip_suffix(b"\r").unwrap_or(raw));
    if rest.is_empty() || rest[0] == b'#' {
        return Ok(None);
    }
    let (marker, rest) = take_marker(rest)?;
    let (hosts, rest) = take_word(rest);
    let hosts = parse_hosts(hosts)?;
    let (named, rest) = take_word(rest);
    if named.is_empty() || named[0] == b'#' {
        return Err("no key");
    }
    let (encoded, _comment) = take_word(rest);
    let blob = decode_key(encoded).ok_or("the key is not base64")?;
    let key = key::canonical(&blob).ok_or("not a key, or of an unknown type")?;
    let key_type = key::algorithm(&blob).ok_or("not a key")?.to_owned();
    let named = std::str::from_utf8(named).map_err(|_| "the key's type is not text")?;
    // What a revocation calls its key does not matter: older versions of ssh take short names.
    if marker != Marker::Revoked && !key::type_is_named(&key_type, named) {
        return Err("the key is of another type than the line says");
    }
    Ok(Some(Line { marker, hosts, key_type, blob, key }))
}

fn take_marker(rest: &[u8]) -> Result<(Marker, &[u8]), &'static str> {
    if rest.first() != Some(&b'@') {
        return Ok((Marker::None, rest));
    }
    let (word, after) = take_word(rest);
    let marker = match word {
        b"@revoked" => Marker::Revoked,
        // ssh ends a marker at the line's first space, at a tab only where there is none; a
        // revocation is honoured all the same, trust is not.
        b"@cert-authority" if rest[word.len()..].first() == Some(&b' ') || !rest.contains(&b' ') => {
            Marker::CertAuthority
        }
        _ => return Err("an unknown marker"),
    };
    if after.first() == Some(&b'@') { Err("more than one marker") } else { Ok((marker, after)) }
}

fn parse_hosts(field: &[u8]) -> Result<Hosts, &'static str> {
    if field.first() != Some(&b'|') {
        return Ok(Hosts::Patterns(field.to_ascii_lowercase()));
    }
    let bad = "a hashed name that cannot be read";
    let body = field.strip_prefix(b"|1|").ok_or(bad)?;
    let mut parts = body.splitn(2, |&b| b == b'|');
    let mut part = || -> Option<[u8; 20]> { STANDARD.decode(parts.next()?).ok()?.try_into().ok() };
    let (salt, hash) = part().zip(part()).ok_or(bad)?;
    Ok(Hosts::Hashed { salt, hash })
}

fn decode_key(encoded: &[u8]) -> Option<Vec<u8>> {
    let encoded: Vec<u8> = encoded.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect();
    STANDARD.decode(encoded).ok()
}

fn skip_blanks(bytes: &[u8]) -> &[u8] {
    let blanks = bytes.iter().take_while(|&&b| is_blank(b)).count();
    &bytes[blanks..]
}

fn take_word(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|&b| is_blank(b)).unwrap_or(bytes.len());
    let (word, rest) = bytes.split_at(end);
    (word, skip_blanks(rest))
}

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

impl Hosts {
    /// `name` in lower case, with its port where that is not 22.
    pub fn matches(&self, name: &str) -> bool {
        match self {
            Hosts::Patterns(list) => pattern::list_matches(list, name.as_bytes()),
            Hosts::Hashed { salt, hash } => hmac(salt, name) == *hash,
        }
    }
}

/// Whether a name, written to a line, would be read as that name and nothing else.
pub(super) fn is_plain_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(['|', '@', '#', '!'])
        && !name.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, ',' | '*' | '?'))
}

/// `|1|salt|hash`, as HashKnownHosts writes names.
pub(super) fn hash_name(name: &str, salt: &[u8; 20]) -> String {
    format!("|1|{}|{}", STANDARD.encode(salt), STANDARD.encode(hmac(salt, name)))
}

fn hmac(salt: &[u8; 20], name: &str) -> [u8; 20] {
    // HMAC takes keys of any length, so the error cannot come about; if it did, the result
    // matches no name.
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(salt) else { return [0; 20] };
    mac.update(name.as_bytes());
    mac.finalize().into_bytes().into()
}
