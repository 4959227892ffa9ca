//! The words of a line, each with its place in it, and the numbers that sizes are printed as.

/// A run of bytes that are neither space nor tab.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    pub text: &'a [u8],
    /// Where it begins in the line.
    pub start: usize,
}

impl Token<'_> {
    pub const fn end(&self) -> usize {
        self.start + self.text.len()
    }

    pub fn is_number(&self) -> bool {
        is_number(self.text)
    }
}

/// How many words of a line are looked at: what describes a file never takes more, and a name of many
/// words costs nothing.
const MOST: usize = 40;

pub(super) fn tokens(line: &[u8]) -> Vec<Token<'_>> {
    let mut found = Vec::with_capacity(12);
    let mut at = 0;
    while found.len() < MOST {
        let Some(skip) = line[at..].iter().position(|byte| !is_space(*byte)) else { break };
        let start = at + skip;
        let length = line[start..].iter().position(|byte| is_space(*byte)).unwrap_or(line.len() - start);
        found.push(Token { text: &line[start..start + length], start });
        at = start + length;
    }
    found
}

pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

pub(super) fn trim(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|byte| !is_space(*byte)).unwrap_or(text.len());
    let end = text.iter().rposition(|byte| !is_space(*byte)).map_or(start, |last| last + 1);
    &text[start..end]
}

pub(super) fn is_number(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

/// All of it digits, at least one and at most `most`.
pub(super) fn number(text: &[u8], most: usize) -> Option<u32> {
    if text.is_empty() || text.len() > most || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(text.iter().fold(0, |value, digit| value * 10 + u32::from(digit - b'0')))
}

/// A size as a listing says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    Bytes(u64),
    /// Rounded, as `34.5k` is: no size to be relied on.
    Rounded,
    /// 2^63 or more: no file has it.
    TooLarge,
}

/// `1234`, `1,234,567`, `1.234.567`, `1'234`, `34.5k`.
pub(super) fn size(text: &[u8]) -> Option<Size> {
    let digits: Vec<u8> = if is_number(text) { text.to_vec() } else { grouped(text)? };
    let Some(digits) = std::str::from_utf8(&digits).ok().filter(|digits| !digits.is_empty()) else {
        return Some(Size::Rounded);
    };
    Some(match digits.parse::<u64>() {
        Ok(bytes) if bytes <= i64::MAX as u64 => Size::Bytes(bytes),
        _ => Size::TooLarge,
    })
}

/// The digits of a number in groups of three; none of a rounded one.
fn grouped(text: &[u8]) -> Option<Vec<u8>> {
    if !text.first()?.is_ascii_digit() {
        return None;
    }
    if let Some(separator @ (b',' | b'.' | b'\'')) = text.iter().find(|byte| !byte.is_ascii_digit()) {
        let mut groups = text.split(|byte| byte == separator);
        let first = groups.next()?;
        let mut digits = first.to_vec();
        let whole = is_number(first)
            && first.len() <= 3
            && groups.all(|group| {
                digits.extend_from_slice(group);
                group.len() == 3 && is_number(group)
            });
        if whole {
            return Some(digits);
        }
    }
    let (unit, number) = match text.split_last()? {
        (b'B' | b'b', rest) => rest.split_last()?,
        (unit, rest) => (unit, rest),
    };
    let (unit, number) = if *unit == b'i' { number.split_last()? } else { (unit, number) };
    let is_decimal = number.iter().filter(|byte| matches!(byte, b'.' | b',')).count() <= 1
        && number.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b','));
    (matches!(unit, b'k' | b'K' | b'm' | b'M' | b'g' | b'G' | b't' | b'T') && is_decimal).then(Vec::new)
}
