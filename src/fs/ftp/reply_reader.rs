//! Replies out of the bytes of a control connection: RFC 959 section 4.2, single lines and
//! several, in bounded memory. Does no I/O and knows no meaning of a code.

/// The longest line of a reply, in bytes. A path in it is 4 KiB at most on common systems.
const LONGEST_LINE: usize = 16 << 10;

/// The longest reply with all its lines, in bytes: long banners exist, endless ones do not.
const LONGEST_REPLY: usize = 512 << 10;

/// One reply as the server wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawReply {
    pub code: u16,
    /// Its text line by line, without the codes in front and the ends of the lines.
    pub lines: Vec<Vec<u8>>,
}

impl RawReply {
    /// 1yz: another reply follows.
    pub fn is_preliminary(&self) -> bool {
        self.code < 200
    }

    /// 2yz: done.
    pub fn is_completion(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// 3yz: waits for the rest of a sequence.
    pub fn is_intermediate(&self) -> bool {
        (300..400).contains(&self.code)
    }

    /// The code says that the command is not there, or not with this argument.
    pub fn is_unknown_command(&self) -> bool {
        matches!(self.code, 202 | 500 | 501 | 502 | 504)
    }

    /// The last line, which carries the result where there is one.
    pub fn last(&self) -> &[u8] {
        self.lines.last().map_or(&[], Vec::as_slice)
    }
}

/// Why bytes are no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("the server sent a line that begins with no reply code")]
    NoCode,
    #[error("the server sent a line longer than 16 KiB")]
    LongLine,
    #[error("the server sent a reply longer than 512 KiB")]
    LongReply,
}

/// Gathers bytes and gives replies.
#[derive(Debug, Default)]
pub struct ReplyReader {
    buffer: Vec<u8>,
    /// Bytes at the start of `buffer` that were taken.
    taken: usize,
    /// Bytes of `buffer` known to hold no end of a line behind `taken`.
    scanned: usize,
    /// A reply of several lines that has not ended.
    open: Option<RawReply>,
    open_len: usize,
}

impl ReplyReader {
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.taken > 0 {
            self.buffer.drain(..self.taken);
            self.scanned -= self.taken.min(self.scanned);
            self.taken = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// Whether bytes are here that no reply has used.
    pub fn holds_something(&self) -> bool {
        self.open.is_some() || self.taken < self.buffer.len()
    }

    /// The next reply, if all of it is here.
    pub fn take(&mut self) -> Result<Option<RawReply>, Malformed> {
        while let Some(line) = self.line()? {
            match &mut self.open {
                Some(open) => {
                    self.open_len += line.len();
                    if self.open_len > LONGEST_REPLY {
                        return Err(Malformed::LongReply);
                    }
                    // Only the same code followed by a blank ends it; texts may begin with digits.
                    match split_code(&line) {
                        Some((code, b'-', text)) if code == open.code => open.lines.push(text.to_vec()),
                        Some((code, _, text)) if code == open.code => {
                            open.lines.push(text.to_vec());
                            return Ok(self.open.take());
                        }
                        _ => open.lines.push(line),
                    }
                }
                // An empty line between replies is nobody's text.
                None if line.is_empty() => {}
                None => {
                    let (code, mark, text) = split_code(&line).ok_or(Malformed::NoCode)?;
                    let reply = RawReply { code, lines: vec![text.to_vec()] };
                    if mark != b'-' {
                        return Ok(Some(reply));
                    }
                    self.open_len = line.len();
                    self.open = Some(reply);
                }
            }
        }
        Ok(None)
    }

    /// The next whole line without its end.
    fn line(&mut self) -> Result<Option<Vec<u8>>, Malformed> {
        let from = self.scanned.max(self.taken);
        match self.buffer[from..].iter().position(|b| *b == b'\n') {
            Some(at) => {
                let mut line = &self.buffer[self.taken..from + at];
                if line.len() > LONGEST_LINE {
                    return Err(Malformed::LongLine);
                }
                while let [rest @ .., b'\r'] = line {
                    line = rest;
                }
                let line = line.to_vec();
                self.taken = from + at + 1;
                self.scanned = self.taken;
                Ok(Some(line))
            }
            None if self.buffer.len() - self.taken > LONGEST_LINE => Err(Malformed::LongLine),
            None => {
                self.scanned = self.buffer.len();
                Ok(None)
            }
        }
    }
}

/// Code, the byte behind it (a blank where the line ends there) and the text.
fn split_code(line: &[u8]) -> Option<(u16, u8, &[u8])> {
    let (digits, rest) = line.split_at_checked(3)?;
    if !digits.iter().all(u8::is_ascii_digit) || !(b'1'..=b'6').contains(&digits[0]) {
        return None;
    }
    let code = digits.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
    match rest {
        [] => Some((code, b' ', rest)),
        [mark @ (b' ' | b'-'), text @ ..] => Some((code, *mark, text)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&str]) -> Result<Vec<RawReply>, Malformed> {
        let mut reader = ReplyReader::default();
        let mut out = Vec::new();
        for piece in pieces {
            reader.feed(piece.as_bytes());
            while let Some(reply) = reader.take()? {
                out.push(reply);
            }
        }
        Ok(out)
    }

    fn reply(code: u16, lines: &[&str]) -> RawReply {
        RawReply { code, lines: lines.iter().map(|l| l.as_bytes().to_vec()).collect() }
    }

    #[test]
    fn replies_come_in_any_pieces() {
        let text = "220 hello\r\n230-one\r\n two\r\n230 three\r\n";
        let wanted = [reply(220, &["hello"]), reply(230, &["one", " two", "three"])];
        assert_eq!(read(&[text]).unwrap(), wanted);
        let bytes: Vec<&str> = text.split("").collect();
        assert_eq!(read(&bytes).unwrap(), wanted);
    }

    #[test]
    fn only_the_same_code_and_a_blank_end_several_lines() {
        let text =
            "220-welcome\r\n123 users online\r\n220-more\r\n220not\r\n221 no\r\n220 ready\r\n200 ok\r\n";
        let lines = ["welcome", "123 users online", "more", "220not", "221 no", "ready"];
        assert_eq!(read(&[text]).unwrap(), [reply(220, &lines), reply(200, &["ok"])]);
    }

    #[test]
    fn a_bare_code_is_a_reply() {
        assert_eq!(read(&["200\r\n"]).unwrap(), [reply(200, &[""])]);
        assert_eq!(read(&["211-a\n211\n"]).unwrap(), [reply(211, &["a", ""])]);
    }

    #[test]
    fn what_is_no_reply_is_refused() {
        assert_eq!(read(&["SSH-2.0-OpenSSH\r\n"]), Err(Malformed::NoCode));
        assert_eq!(read(&["999 x\r\n"]), Err(Malformed::NoCode));
        assert_eq!(read(&["2000 x\r\n"]), Err(Malformed::NoCode));
    }

    #[test]
    fn endless_lines_and_replies_are_refused() {
        let long = "x".repeat(LONGEST_LINE + 10);
        assert_eq!(read(&["200 ", &long]), Err(Malformed::LongLine));
        let mut reader = ReplyReader::default();
        reader.feed(b"230-start\r\n");
        let outcome = (0..1_000).find_map(|_| {
            reader.feed(&[&[b'y'; 1_000][..], b"\r\n"].concat());
            reader.take().err()
        });
        assert_eq!(outcome, Some(Malformed::LongReply));
    }
}
