//! The binary form of revocation lists: OpenSSH's PROTOCOL.krl. A signature in the file is passed
//! over, as by ssh: it says who wrote the list and makes nobody trust it. Must never open a file.

use super::{Certificate, Revoked, comparable};

/// `SSHKRL` and what stands behind it: section "KRL format".
pub(super) const MAGIC: &[u8] = b"SSHKRL\n\0";

const CERTIFICATES: u8 = 1;
const EXPLICIT_KEY: u8 = 2;
const FINGERPRINT_SHA1: u8 = 3;
const SIGNATURE: u8 = 4;
const FINGERPRINT_SHA256: u8 = 5;
const EXTENSION: u8 = 255;

const SERIAL_LIST: u8 = 0x20;
const SERIAL_RANGE: u8 = 0x21;
const SERIAL_BITMAP: u8 = 0x22;
const KEY_ID: u8 = 0x23;
const CERTIFICATES_EXTENSION: u8 = 0x39;

type Result<T> = std::result::Result<T, &'static str>;

/// The certificates of one authority that are revoked.
#[derive(Clone, Debug, Default)]
pub(super) struct Certificates {
    /// `None`: of whichever authority.
    authority: Option<Vec<u8>>,
    /// First and last.
    serials: Vec<(u64, u64)>,
    /// The first serial and the bits from there on, the last byte's lowest bit first.
    bitmaps: Vec<(u64, Vec<u8>)>,
    key_ids: Vec<Vec<u8>>,
}

impl Certificates {
    pub fn include(&self, certificate: &Certificate<'_>) -> bool {
        if self.authority.as_ref().is_some_and(|key| *key != comparable(certificate.authority)) {
            return false;
        }
        let serial = certificate.serial;
        self.key_ids.iter().any(|id| id == certificate.key_id)
            // 0 is what an authority writes that numbers nothing: it cannot be revoked by number.
            || serial != 0
                && (self.serials.iter().any(|&(first, last)| (first..=last).contains(&serial))
                    || self.bitmaps.iter().any(|(first, bits)| has_bit(bits, serial, *first)))
    }
}

fn has_bit(bits: &[u8], serial: u64, first: u64) -> bool {
    let Some(offset) = serial.checked_sub(first) else { return false };
    let Ok(byte) = usize::try_from(offset / 8) else { return false };
    bits.iter().rev().nth(byte).is_some_and(|bits| bits >> (offset % 8) & 1 == 1)
}

pub(super) fn parse(bytes: &[u8]) -> Result<Revoked> {
    let mut input = Input(bytes.strip_prefix(MAGIC).ok_or("not a KRL")?);
    if input.number32()? != 1 {
        return Err("a version of the format that is not known");
    }
    // The list's own version, its date and its flags.
    for _ in 0..3 {
        input.number64()?;
    }
    // What is reserved, and a comment.
    input.string()?;
    input.string()?;
    let mut revoked = Revoked::default();
    while !input.is_empty() {
        let kind = input.byte()?;
        let mut section = Input(input.string()?);
        match kind {
            CERTIFICATES => revoked.certificates.push(certificates(&mut section)?),
            EXPLICIT_KEY => {
                while !section.is_empty() {
                    revoked.revoke(section.string()?);
                }
            }
            FINGERPRINT_SHA1 => {
                while !section.is_empty() {
                    revoked.sha1.insert(section.digest()?);
                }
            }
            FINGERPRINT_SHA256 => {
                while !section.is_empty() {
                    revoked.sha256.insert(section.digest()?);
                }
            }
            // Its key was the section; the signature itself follows.
            SIGNATURE => {
                input.string()?;
            }
            EXTENSION => extension(&mut section)?,
            _ => return Err("a section of a kind that is not known"),
        }
    }
    Ok(revoked)
}

fn certificates(input: &mut Input<'_>) -> Result<Certificates> {
    let authority = input.string()?;
    let mut found = Certificates {
        authority: (!authority.is_empty()).then(|| comparable(authority)),
        ..Certificates::default()
    };
    // What is reserved.
    input.string()?;
    while !input.is_empty() {
        let kind = input.byte()?;
        let mut section = Input(input.string()?);
        match kind {
            SERIAL_LIST => {
                while !section.is_empty() {
                    let serial = section.number64()?;
                    found.serials.push((serial, serial));
                }
            }
            SERIAL_RANGE => {
                let range = (section.number64()?, section.number64()?);
                if range.0 > range.1 || !section.is_empty() {
                    return Err("a range of serials that cannot be");
                }
                found.serials.push(range);
            }
            SERIAL_BITMAP => {
                let bitmap = (section.number64()?, section.string()?.to_vec());
                if !section.is_empty() {
                    return Err("more than a bitmap in its section");
                }
                found.bitmaps.push(bitmap);
            }
            KEY_ID => {
                while !section.is_empty() {
                    found.key_ids.push(section.string()?.to_vec());
                }
            }
            CERTIFICATES_EXTENSION => extension(&mut section)?,
            _ => return Err("a section of certificates of a kind that is not known"),
        }
    }
    Ok(found)
}

/// Whoever does not know an extension may pass over it, unless it is marked as critical.
fn extension(input: &mut Input<'_>) -> Result<()> {
    input.string()?;
    if input.byte()? == 0 { Ok(()) } else { Err("a critical extension that is not known") }
}

/// Numbers and strings of RFC 4251 section 5.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk().ok_or("it ends too early")?;
        self.0 = rest;
        Ok(*taken)
    }

    fn byte(&mut self) -> Result<u8> {
        self.take::<1>().map(|[byte]| byte)
    }

    fn number32(&mut self) -> Result<u32> {
        self.take().map(u32::from_be_bytes)
    }

    fn number64(&mut self) -> Result<u64> {
        self.take().map(u64::from_be_bytes)
    }

    fn string(&mut self) -> Result<&'a [u8]> {
        let length = usize::try_from(self.number32()?).map_err(|_| "it ends too early")?;
        let (taken, rest) = self.0.split_at_checked(length).ok_or("it ends too early")?;
        self.0 = rest;
        Ok(taken)
    }

    fn digest<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.string()?.try_into().map_err(|_| "a fingerprint of the wrong length")
    }
}
