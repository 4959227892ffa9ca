//! Makes text from outside safe and honest on a terminal: whatever would move the cursor, change
//! the direction of reading, or not be seen at all is written out. Owns no other wording.

use std::{borrow::Cow, fmt::Write};

/// `text` with controls, line breaks, bidirectional controls and invisible characters written
/// out: `\x1b`, `\n`, `\u{202e}`. Borrowed where there was nothing to do.
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(needs_escape) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    text.chars().for_each(|c| push(&mut out, c));
    Cow::Owned(out)
}

/// The same for bytes that may not be UTF-8: each invalid byte becomes `\xff`.
pub fn escape_bytes(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(&escape(chunk.valid()));
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

/// A name as a line that can be edited and read back by [`unspell`]: as [`escape_bytes`] shows it,
/// and each backslash of its own doubled.
pub fn spell(name: &[u8]) -> String {
    let doubled: Vec<Vec<u8>> = name.split(|b| *b == b'\\').map(<[u8]>::to_vec).collect();
    let parts: Vec<String> = doubled.iter().map(|part| escape_bytes(part)).collect();
    parts.join("\\\\")
}

/// The bytes of a name as [`spell`] writes it. The error says what is wrong, as a sentence.
pub fn unspell(text: &str) -> Result<Vec<u8>, &'static str> {
    const HOW: &str =
        "A backslash is written \\\\; \\n, \\t, \\x1b and \\u{202e} stand for what cannot be typed.";
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('\\') {
        out.extend_from_slice(before.as_bytes());
        let mut letters = behind.chars();
        rest = match letters.next() {
            Some('\\') => {
                out.push(b'\\');
                letters.as_str()
            }
            Some('n') => {
                out.push(b'\n');
                letters.as_str()
            }
            Some('r') => {
                out.push(b'\r');
                letters.as_str()
            }
            Some('t') => {
                out.push(b'\t');
                letters.as_str()
            }
            Some('x') => {
                let digits = letters.as_str().get(..2).ok_or(HOW)?;
                out.push(byte(digits).ok_or(HOW)?);
                letters.as_str().get(2..).ok_or(HOW)?
            }
            Some('u') => {
                let (digits, behind) =
                    letters.as_str().strip_prefix('{').and_then(|text| text.split_once('}')).ok_or(HOW)?;
                let c = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32).ok_or(HOW)?;
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                behind
            }
            _ => return Err(HOW),
        };
    }
    out.extend_from_slice(rest.as_bytes());
    Ok(out)
}

fn byte(digits: &str) -> Option<u8> {
    digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u8::from_str_radix(digits, 16).ok()).flatten()
}

fn push(out: &mut String, c: char) {
    let _ = match c {
        '\n' => out.write_str("\\n"),
        '\r' => out.write_str("\\r"),
        '\t' => out.write_str("\\t"),
        c if !needs_escape(c) => out.write_char(c),
        c if c.is_ascii() => write!(out, "\\x{:02x}", c as u32),
        c => write!(out, "\\u{{{:x}}}", c as u32),
    };
}

/// Controls (C0, DEL, C1), line and paragraph separators, bidirectional controls, and the
/// characters that show as nothing or as a blank without being a space.
fn needs_escape(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_borrowed() {
        for text in ["", "index.html", "Größe 日本語 👍", "a b\\c", "e\u{301}"] {
            assert!(matches!(escape(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    #[test]
    fn what_could_deceive_is_shown() {
        for (input, expected) in [
            ("\x1b[2Jx", "\\x1b[2Jx"),
            ("a\nb\r\tc", "a\\nb\\r\\tc"),
            ("\u{9b}1m", "\\u{9b}1m"),
            ("exe\u{202e}gpj", "exe\\u{202e}gpj"),
            ("a\u{200b}b", "a\\u{200b}b"),
            ("\u{feff}x", "\\u{feff}x"),
            ("\u{7f}", "\\x7f"),
            ("\u{2066}x\u{2069}", "\\u{2066}x\\u{2069}"),
        ] {
            assert_eq!(escape(input), expected);
        }
    }

    #[test]
    fn bytes_that_are_not_text_are_shown() {
        assert_eq!(escape_bytes(b"caf\xe9 \xff\n"), "caf\\xe9 \\xff\\n");
        assert_eq!(escape_bytes("grün".as_bytes()), "grün");
    }

    #[test]
    fn names_are_spelled_and_read_back() {
        for name in [
            &b"plain.txt"[..],
            b"caf\xe9",
            b"a\nb\tc\rd",
            b"\x1b[31m\x7f",
            b"back\\slash\\",
            b"\\x41",
            b"\\\xff",
            "\u{202e}gnp \u{200b}".as_bytes(),
            b"\xed\xa0\x80",
            b"",
        ] {
            let text = spell(name);
            assert!(!text.contains(needs_escape), "{text}");
            assert_eq!(unspell(&text).as_deref(), Ok(name), "{text}");
        }
        for byte in 0..=255u8 {
            assert_eq!(unspell(&spell(&[b'a', byte, b'b'])), Ok(vec![b'a', byte, b'b']));
        }
        for bad in ["\\", "a\\q", "\\x4", "\\xgg", "\\x+1", "\\u202e", "\\u{}", "\\u{d800}", "\\x\u{e9}1"] {
            assert!(unspell(bad).is_err(), "{bad}");
        }
    }
}
