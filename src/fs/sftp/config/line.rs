//! A line of ssh_config and its parts: the keyword, the words behind it, quotes and comments. The
//! two ways of splitting are ssh's own, and differ. Must never know what a keyword means.

/// What stands on a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// From 1.
    pub number: usize,
    /// In lower case.
    pub keyword: String,
    /// All that stands behind the keyword and its `=`, comments and quotes included.
    pub rest: &'a [u8],
}

/// Why a line cannot be read.
pub(super) type Fault = (usize, String);

/// The lines that say something, in order.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = Result<Line<'_>, Fault>> {
    text.split(|&b| b == b'\n').enumerate().filter_map(|(index, raw)| {
        let number = index + 1;
        // What follows a NUL does not exist for ssh.
        let raw = raw.split(|&b| b == 0).next().unwrap_or_default();
        line(trim_end(raw), number).map_err(|fault| (number, fault)).transpose()
    })
}

fn line(raw: &[u8], number: usize) -> Result<Option<Line<'_>>, String> {
    let mut scan = Delimited::new(skip_blanks(raw));
    if matches!(scan.rest.first(), None | Some(b'#')) {
        return Ok(None);
    }
    let keyword = scan.next_word().ok_or("a quote without its end")?;
    // A quoted keyword, or one that begins with the `=`: ssh knows none of that kind.
    let keyword = String::from_utf8_lossy(&keyword).to_ascii_lowercase();
    let rest = skip_blanks(scan.rest);
    if rest.is_empty() {
        return Err(format!("no argument after keyword \"{keyword}\""));
    }
    Ok(Some(Line { number, keyword, rest }))
}

impl Line<'_> {
    /// The words behind the keyword. A `#` that begins a word ends the line.
    pub fn words(&self) -> Result<Vec<Vec<u8>>, String> {
        let mut words = Vec::new();
        let mut rest = skip(self.rest, is_space);
        while !matches!(rest.first(), None | Some(b'#')) {
            let (word, after) = word(rest).ok_or("a quote without its end")?;
            words.push(word);
            rest = skip(after, is_space);
        }
        Ok(words)
    }

    /// The whole rest of the line, as commands are read: nothing is unquoted.
    pub fn command(&self) -> &[u8] {
        skip(self.rest, |b| is_white(b) || b == b'=')
    }
}

/// One word with its quotes and escapes undone; `None` where a quote does not end.
fn word(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut out = Vec::new();
    let mut quote = None;
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match (byte, quote) {
            (b'\\', _) => {
                let next = text.get(at + 1).copied();
                let escapes =
                    matches!(next, Some(b'\'' | b'"' | b'\\')) || quote.is_none() && next == Some(b' ');
                if escapes {
                    at += 1;
                }
                out.push(text[at]);
            }
            (byte, None) if is_space(byte) => return Some((out, &text[at..])),
            (b'"' | b'\'', None) => quote = Some(byte),
            (byte, Some(open)) if byte == open => quote = None,
            (byte, _) => out.push(byte),
        }
        at += 1;
    }
    quote.is_none().then_some((out, &[]))
}

/// The other way: words end at blanks and at one `=`; only `"` quotes, and nothing escapes it.
/// Keywords and the criteria of Match are read like this.
pub(super) struct Delimited<'a> {
    pub rest: &'a [u8],
}

impl<'a> Delimited<'a> {
    pub fn new(text: &'a [u8]) -> Self {
        Delimited { rest: text }
    }

    /// The next word, empty at the end; `None` where a quote does not end.
    pub fn next_word(&mut self) -> Option<Vec<u8>> {
        let text = self.rest;
        let Some(cut) = text.iter().position(|&b| is_white(b) || b == b'"' || b == b'=') else {
            self.rest = &[];
            return Some(text.to_vec());
        };
        if text[cut] == b'"' {
            let end = cut + 1 + text[cut + 1..].iter().position(|&b| b == b'"')?;
            self.rest = skip_blanks(&text[end + 1..]);
            return Some([&text[..cut], &text[cut + 1..end]].concat());
        }
        let after = skip_blanks(&text[cut + 1..]);
        self.rest = match after.strip_prefix(b"=") {
            Some(rest) if text[cut] != b'=' => skip_blanks(rest),
            _ => after,
        };
        Some(text[..cut].to_vec())
    }
}

fn is_space(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

fn is_white(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

fn skip(text: &[u8], is_skipped: impl Fn(u8) -> bool) -> &[u8] {
    let cut = text.iter().position(|&b| !is_skipped(b)).unwrap_or(text.len());
    &text[cut..]
}

pub(super) fn skip_blanks(text: &[u8]) -> &[u8] {
    skip(text, is_white)
}

/// A form feed may end a line, but not be all of it.
fn trim_end(text: &[u8]) -> &[u8] {
    let last = text.iter().rposition(|&b| !is_white(b) && b != 0x0c);
    let kept = last.map_or(text.len().min(1), |last| last + 1);
    &text[..kept]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (String, Vec<String>) {
        let line = line(text.as_bytes(), 1).unwrap().unwrap();
        let words = line.words().unwrap();
        (line.keyword, words.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect())
    }

    #[test]
    fn keyword_and_words() {
        for text in ["Port 22", " \tport=22", "PORT = 22", "port =22 # x", "port \"22\"", "\"port\" 22"] {
            assert_eq!(read(text), ("port".to_owned(), vec!["22".to_owned()]), "{text}");
        }
        let words = read(r#"Host "a b" c\ d 'e "f' g"h i"j "\"" \n x#y #z"#).1;
        assert_eq!(words, ["a b", "c d", "e \"f", "gh ij", "\"", "\\n", "x#y"]);
    }

    #[test]
    fn what_says_nothing_and_what_cannot_be_read() {
        let text = b"\n  # Host x\n\t\nHost\nHost \"x\nPort 22\0 x\n";
        let found: Vec<_> = lines(text).collect();
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!(found[0].as_ref().unwrap_err().0, 4);
        assert!(found[1].as_ref().unwrap().words().is_err());
        assert_eq!(found[2].as_ref().unwrap().rest, b"22");
    }

    #[test]
    fn criteria_end_at_an_equals_sign() {
        let mut scan = Delimited::new(b"host=a,b user = \"x y\" exec \"test 1 = 1\"");
        let mut words = Vec::new();
        while let Some(word) = scan.next_word().filter(|word| !word.is_empty()) {
            words.push(String::from_utf8(word).unwrap());
        }
        assert_eq!(words, ["host", "a,b", "user", "x y", "exec", "test 1 = 1"]);
    }
}
