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
}
