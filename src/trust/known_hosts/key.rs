//! Public keys as they travel: the blobs of RFC 4253 section 6.6, their type, size, fingerprint
//! and picture. Must never check a signature or read a private key.

use std::ops::RangeInclusive;

use base64::{Engine, engine::general_purpose::STANDARD, engine::general_purpose::STANDARD_NO_PAD};
use sha2::{Digest, Sha256};

use crate::trust::picture;

/// What a type's blob holds after its name.
struct Kind {
    name: &'static str,
    /// As ssh-keygen calls it in pictures.
    short: &'static str,
    fields: &'static [Field],
    bits: Bits,
}

#[derive(Clone, Copy)]
enum Field {
    /// RFC 4251 section 5: an `mpint`, here never negative.
    Number,
    /// A `string` of a length within the bounds.
    Bytes(usize, usize),
    /// The name of the curve: RFC 5656 section 3.1.
    Curve(&'static str),
}

enum Bits {
    Fixed(u32),
    /// The length of the number in that field.
    OfNumber(usize),
}

const ANY: Field = Field::Bytes(1, usize::MAX);

static KINDS: &[Kind] = &[
    Kind { name: "ssh-ed25519", short: "ED25519", fields: &[Field::Bytes(32, 32)], bits: Bits::Fixed(256) },
    Kind { name: "ssh-rsa", short: "RSA", fields: &[Field::Number, Field::Number], bits: Bits::OfNumber(1) },
    Kind {
        name: "ecdsa-sha2-nistp256",
        short: "ECDSA",
        fields: &[Field::Curve("nistp256"), ANY],
        bits: Bits::Fixed(256),
    },
    Kind {
        name: "ecdsa-sha2-nistp384",
        short: "ECDSA",
        fields: &[Field::Curve("nistp384"), ANY],
        bits: Bits::Fixed(384),
    },
    Kind {
        name: "ecdsa-sha2-nistp521",
        short: "ECDSA",
        fields: &[Field::Curve("nistp521"), ANY],
        bits: Bits::Fixed(521),
    },
    Kind {
        name: "sk-ssh-ed25519@openssh.com",
        short: "ED25519-SK",
        fields: &[Field::Bytes(32, 32), Field::Bytes(0, usize::MAX)],
        bits: Bits::Fixed(256),
    },
    Kind {
        name: "sk-ecdsa-sha2-nistp256@openssh.com",
        short: "ECDSA-SK",
        fields: &[Field::Curve("nistp256"), ANY, Field::Bytes(0, usize::MAX)],
        bits: Bits::Fixed(256),
    },
    Kind {
        name: "ssh-dss",
        short: "DSA",
        fields: &[Field::Number, Field::Number, Field::Number, Field::Number],
        bits: Bits::OfNumber(0),
    },
];

/// The key's type, for example `ssh-ed25519`; `None` where the bytes are no key.
pub fn algorithm(blob: &[u8]) -> Option<&str> {
    let (name, _) = take_string(blob)?;
    let name = std::str::from_utf8(name).ok()?;
    // RFC 4251 section 6: printable ASCII without commas, at most 64 characters.
    let plain = (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic() && b != b',');
    plain.then_some(name)
}

/// `SHA256:…`, as `ssh-keygen -l` prints it.
pub fn fingerprint(blob: &[u8]) -> String {
    format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(blob)))
}

pub(super) fn base64(blob: &[u8]) -> String {
    STANDARD.encode(blob)
}

/// The blob with every number in its shortest form, so that equal keys are equal bytes; `None`
/// where it is no whole key of a type that known_hosts can hold, a certificate for example.
pub(in crate::trust) fn canonical(blob: &[u8]) -> Option<Vec<u8>> {
    let (kind, fields) = split(blob)?;
    let mut out = Vec::with_capacity(blob.len());
    put_string(&mut out, kind.name.as_bytes());
    for (field, value) in kind.fields.iter().zip(fields) {
        match field {
            Field::Number => put_string(&mut out, magnitude(value)),
            Field::Bytes(..) | Field::Curve(_) => put_string(&mut out, value),
        }
    }
    Some(out)
}

/// Whether a key of type `algorithm` may stand behind `name` in a known_hosts line.
pub(super) fn type_is_named(algorithm: &str, name: &str) -> bool {
    algorithm == name || algorithm == "ssh-rsa" && matches!(name, "rsa-sha2-256" | "rsa-sha2-512")
}

/// The fingerprint as a picture of eleven lines, as `ssh-keygen -lv` draws it.
pub fn randomart(blob: &[u8]) -> String {
    picture::of(&Sha256::digest(blob), &title(blob))
}

fn title(blob: &[u8]) -> String {
    let Some((kind, fields)) = split(blob) else { return String::new() };
    let bits = match kind.bits {
        Bits::Fixed(bits) => bits,
        Bits::OfNumber(index) => {
            let number = magnitude(fields[index]);
            let leading = number.first().map_or(0, |b| b.leading_zeros());
            u32::try_from(number.len() * 8).unwrap_or(u32::MAX).saturating_sub(leading)
        }
    };
    let long = format!("[{} {bits}]", kind.short);
    if long.len() <= picture::WIDTH { long } else { format!("[{}]", kind.short) }
}

fn split(blob: &[u8]) -> Option<(&'static Kind, Vec<&[u8]>)> {
    let name = algorithm(blob)?;
    let kind = KINDS.iter().find(|kind| kind.name == name)?;
    let (_, mut rest) = take_string(blob)?;
    let mut fields = Vec::with_capacity(kind.fields.len());
    for field in kind.fields {
        let (value, after) = take_string(rest)?;
        let fits = match *field {
            Field::Number => value.first().is_some_and(|b| b & 0x80 == 0),
            Field::Bytes(least, most) => RangeInclusive::new(least, most).contains(&value.len()),
            Field::Curve(curve) => value == curve.as_bytes(),
        };
        if !fits {
            return None;
        }
        fields.push(value);
        rest = after;
    }
    rest.is_empty().then_some((kind, fields))
}

fn magnitude(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|&&b| b == 0).count();
    &number[zeros..]
}

/// RFC 4251 section 5: a `string` is its length in four bytes, then itself.
fn take_string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_be_bytes(*length).try_into().ok()?)
}

fn put_string(out: &mut Vec<u8>, value: &[u8]) {
    // A part of a blob is no longer than the blob, whose parts had lengths of four bytes.
    out.extend_from_slice(&(value.len() as u32).to_be_bytes());
    out.extend_from_slice(value);
}
