//! Single values of ssh_config: their forms, and what stands in for them in the answer of
//! `ssh -G`. Must never know which line or host they belong to.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::keyword::Form;

/// A value in the form that `ssh -G` prints; `None` where it leaves the setting unsaid.
pub(super) fn read(form: Form, word: &[u8]) -> Result<Option<Vec<u8>>, String> {
    let text = || String::from_utf8_lossy(word).into_owned();
    let bad = || format!("unsupported value {:?}", text());
    Ok(Some(match form {
        Form::Text => word.to_vec(),
        Form::OneOf(values) => {
            let value = word.to_ascii_lowercase();
            if !values.iter().any(|known| known.as_bytes() == value) {
                return Err(bad());
            }
            value
        }
        Form::Time if word == b"none" => return Ok(None),
        Form::Time => seconds(word).ok_or_else(bad)?.to_string().into_bytes(),
        Form::Count => {
            let count = text().parse::<u32>().ok().filter(|&n| n <= i32::MAX as u32).ok_or_else(bad)?;
            count.to_string().into_bytes()
        }
        Form::Port => {
            let port = text().parse::<u16>().ok().filter(|&port| port != 0).ok_or_else(bad)?;
            port.to_string().into_bytes()
        }
        Form::HostName => expand_host(word, "").map(|_| word.to_vec())?,
        Form::Agent => {
            check_agent(&text())?;
            word.to_vec()
        }
        Form::Algorithms(family) => {
            let text = text();
            family.check(&text)?;
            family.assemble(&text)?.join(",").into_bytes()
        }
    }))
}

/// Section TIME FORMATS of sshd_config(5): `90`, `1m30s`, `1h`; the last may lack its unit.
fn seconds(text: &[u8]) -> Option<u32> {
    let mut total: u32 = 0;
    let mut rest = text;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        let number: u32 = std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()?;
        let unit = match rest.get(digits).map(u8::to_ascii_lowercase) {
            None | Some(b's') => 1,
            Some(b'm') => 60,
            Some(b'h') => 60 * 60,
            Some(b'd') => 24 * 60 * 60,
            Some(b'w') => 7 * 24 * 60 * 60,
            Some(_) => return None,
        };
        total = total.checked_add(number.checked_mul(unit)?)?;
        rest = rest.get(digits + 1..).unwrap_or_default();
    }
    (total <= i32::MAX as u32).then_some(total)
}

/// The words of RekeyLimit: bytes, and the seconds where they are said.
pub(super) fn rekey_limit(words: &[Vec<u8>]) -> Result<(u64, Option<u32>), String> {
    let bytes = match words.first().map(Vec::as_slice) {
        None | Some(b"") => return Err("keyword rekeylimit without an argument".to_owned()),
        Some(b"default") => 0,
        Some(word) => {
            scaled(word).ok_or_else(|| format!("bad number {:?}", String::from_utf8_lossy(word)))?
        }
    };
    // sshd_config(5) has no smaller one: a cipher's block.
    if bytes != 0 && bytes < 16 {
        return Err("RekeyLimit too small".to_owned());
    }
    let time = match words.get(1).map(Vec::as_slice) {
        None | Some(b"none") => None,
        Some(word) => Some(seconds(word).ok_or("RekeyLimit with a bad time")?),
    };
    match words.get(2) {
        None => Ok((bytes as u64, time)),
        Some(_) => Err("keyword rekeylimit: extra arguments at end of line".to_owned()),
    }
}

/// scan_scaled(3): a number with a fraction, and one letter for a power of 1024. Negative ones are
/// too small for all that asks.
fn scaled(word: &[u8]) -> Option<i64> {
    let text = word.trim_ascii_start();
    let (sign, text) = match text {
        [b'-', rest @ ..] => (-1, rest),
        [b'+', rest @ ..] => (1, rest),
        text => (1, text),
    };
    let digits = |from: &[u8]| from.iter().take_while(|b| b.is_ascii_digit()).count();
    let (whole, rest) = text.split_at(digits(text));
    let whole =
        whole.iter().try_fold(0i64, |sum, b| sum.checked_mul(10)?.checked_add(i64::from(b - b'0')))?;
    let (fraction, rest) = match rest {
        [b'.', rest @ ..] => rest.split_at(digits(rest)),
        rest => (&[][..], rest),
    };
    let mut tenths = fraction.len();
    let mut fraction =
        fraction.iter().try_fold(0i64, |sum, b| sum.checked_mul(10)?.checked_add(i64::from(b - b'0')))?;
    let Some((letter, rest)) = rest.split_first() else { return Some(sign * whole) };
    let power = b"bkmgtpe".iter().position(|known| *known == letter.to_ascii_lowercase())?;
    if rest.first().is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    let scale = 1i64 << (10 * power);
    if whole > i64::MAX / scale {
        return None;
    }
    // As there: digits that do not fit are left out.
    while fraction >= i64::MAX / scale {
        (fraction, tenths) = (fraction / 10, tenths.checked_sub(1)?);
    }
    let part = (0..tenths).fold(fraction * scale, |part, _| part / 10);
    Some(sign * (whole * scale).checked_add(part)?)
}

/// ssh refuses a name of a variable that cannot be, or one in braces that is not set.
fn check_agent(text: &str) -> Result<(), String> {
    let is_name =
        |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if let Some(name) = text.strip_prefix('$').filter(|name| !name.starts_with('{')) {
        return if is_name(name) { Ok(()) } else { Err(format!("{name:?} is no name of a variable")) };
    }
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("${") {
        let (name, after) = after.split_once('}').ok_or("a ${ without its }")?;
        if !is_name(name) || std::env::var_os(name).is_none() {
            return Err(format!("the variable {name:?} is not set"));
        }
        rest = after;
    }
    Ok(())
}

/// HostName knows `%h`, the host as it was asked for, and `%%`.
pub(super) fn expand_host(name: &[u8], host: &str) -> Result<String, String> {
    let text = String::from_utf8_lossy(name);
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match (c, c == '%') {
            (_, true) => match rest.next() {
                Some('h') => out.push_str(host),
                Some('%') => out.push('%'),
                other => return Err(format!("%{} in HostName is not understood", other.unwrap_or(' '))),
            },
            (c, false) => out.push(c),
        }
    }
    Ok(out)
}

/// The usual form of an address, or `None` where the host is a name.
pub(super) fn canonical_address(host: &str) -> Option<String> {
    let (address, scope) = match host.split_once('%') {
        Some((address, scope)) => (address, format!("%{scope}")),
        None => (host, String::new()),
    };
    if let Ok(address) = address.parse::<Ipv6Addr>() {
        return Some(format!("{address}{scope}"));
    }
    if scope.is_empty() { short_ipv4(host) } else { None }
}

/// inet_aton(3): up to four numbers, octal and hexadecimal ones too, the last of which fills what
/// is left.
fn short_ipv4(host: &str) -> Option<String> {
    let parts: Vec<&str> = host.split('.').collect();
    let (last, first) = parts.split_last()?;
    if first.len() > 3 {
        return None;
    }
    let number = |text: &str| -> Option<u32> {
        let lower = text.to_ascii_lowercase();
        let (digits, radix) = match lower.strip_prefix("0x") {
            Some(digits) => (digits, 16),
            None if lower.len() > 1 && lower.starts_with('0') => (&lower[1..], 8),
            None => (lower.as_str(), 10),
        };
        if digits.starts_with('+') { None } else { u32::from_str_radix(digits, radix).ok() }
    };
    let mut address: u32 = 0;
    for (index, part) in first.iter().enumerate() {
        let value = number(part).filter(|&value| value <= 255)?;
        address |= value << (24 - 8 * index);
    }
    let room = 32 - 8 * first.len() as u32;
    let value = number(last).filter(|&value| room == 32 || value < 1 << room)?;
    Some(Ipv4Addr::from(address | value).to_string())
}
