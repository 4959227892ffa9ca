//! Names between the server's bytes and ours: as they are, or through a charset that was set for
//! the site. Refuses what would break a command's line. Does no I/O.

use encoding_rs::Encoding;

use crate::fs::{Error, ErrorKind, Operation, RemotePath, Result};

/// How the server writes names and texts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Names {
    /// `None`: bytes are passed on as they are, which keeps names of any charset whole.
    charset: Option<&'static Encoding>,
}

impl Names {
    /// By the charset's label (WHATWG's Encoding Standard): `latin1`, `windows-1251`, `shift_jis`.
    /// `utf-8` means bytes as they are.
    pub fn new(label: Option<&str>) -> Result<Names> {
        let Some(label) = label else { return Ok(Names::default()) };
        let charset = Encoding::for_label(label.trim().as_bytes()).filter(|charset| {
            // UTF-16 holds NUL bytes, which no control connection carries.
            charset.is_ascii_compatible()
        });
        match charset {
            Some(charset) if charset == encoding_rs::UTF_8 => Ok(Names::default()),
            Some(charset) => Ok(Names { charset: Some(charset) }),
            None => Err(Error::new(ErrorKind::Usage, Operation::ReadArguments)
                .on("--ftp-charset")
                .with_detail(format!("no charset is called {label}"))),
        }
    }

    /// Whether names are UTF-8 as far as anybody said.
    pub fn are_utf8(&self) -> bool {
        self.charset.is_none()
    }

    /// The path as the server is to get it. Fails before anything is sent: RFC 959 section 5.3.1
    /// has no way to carry CR, LF or NUL in an argument.
    pub fn wire(&self, path: &RemotePath) -> Result<Vec<u8>> {
        let refuse = |why: String| {
            let operation = Operation::Open;
            Err(Error::new(ErrorKind::InvalidName, operation).at(path).with_detail(why))
        };
        if path.as_bytes().iter().any(|b| matches!(b, b'\r' | b'\n' | 0)) {
            return refuse("FTP cannot carry a name with a line break".to_owned());
        }
        let Some(charset) = self.charset else { return Ok(path.as_bytes().to_vec()) };
        let Ok(text) = std::str::from_utf8(path.as_bytes()) else {
            return refuse(format!("it is not UTF-8, and this server's names are {}", charset.name()));
        };
        let (bytes, _, lossy) = charset.encode(text);
        if lossy || bytes.iter().any(|b| matches!(b, b'\r' | b'\n' | 0)) {
            return refuse(format!("the server's charset {} lacks one of its characters", charset.name()));
        }
        Ok(bytes.into_owned())
    }

    /// A name or path that the server sent. `None` where it cannot be written back as it came.
    pub fn ours(&self, wire: &[u8]) -> Option<Vec<u8>> {
        let Some(charset) = self.charset else { return Some(wire.to_vec()) };
        let text = charset.decode_without_bom_handling_and_without_replacement(wire)?;
        let (back, _, lossy) = charset.encode(&text);
        (!lossy && *back == *wire).then(|| text.into_owned().into_bytes())
    }

    /// Text for people.
    pub fn text(&self, wire: &[u8]) -> String {
        match self.charset {
            Some(charset) => charset.decode_without_bom_handling(wire).0.into_owned(),
            None => String::from_utf8_lossy(wire).into_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_pass_as_they_are() {
        let names = Names::new(None).unwrap();
        let path = RemotePath::new(b"/caf\xe9/\xff");
        assert_eq!(names.wire(&path).unwrap(), path.as_bytes());
        assert_eq!(names.ours(b"caf\xe9").unwrap(), b"caf\xe9");
    }

    #[test]
    fn a_charset_goes_both_ways() {
        let names = Names::new(Some("latin1")).unwrap();
        assert_eq!(names.wire(&RemotePath::new("/café")).unwrap(), b"/caf\xe9");
        assert_eq!(names.ours(b"caf\xe9").unwrap(), "café".as_bytes());
        for byte in 1..=255u8 {
            let Some(name) = names.ours(&[b'x', byte]) else { panic!("{byte} has no character") };
            if !matches!(byte, b'\r' | b'\n' | b'/') {
                assert_eq!(names.wire(&RemotePath::new(name)).unwrap(), [b'/', b'x', byte]);
            }
        }
        let japanese = Names::new(Some("shift_jis")).unwrap();
        assert_eq!(japanese.wire(&RemotePath::new("/港")).unwrap(), b"/\x8d\x60");
        assert_eq!(japanese.ours(b"\x8d"), None);
    }

    #[test]
    fn what_a_line_cannot_carry_is_refused() {
        for name in ["/a\nDELE b", "/a\rb"] {
            let error = Names::default().wire(&RemotePath::new(name)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidName);
        }
        let latin = Names::new(Some("latin1")).unwrap();
        assert_eq!(latin.wire(&RemotePath::new("/港")).unwrap_err().kind(), ErrorKind::InvalidName);
    }

    #[test]
    fn unknown_charsets_are_named() {
        assert_eq!(Names::new(Some("klingon")).unwrap_err().kind(), ErrorKind::Usage);
        assert!(Names::new(Some("utf-16")).is_err());
        assert!(Names::new(Some("UTF-8")).unwrap().charset.is_none());
    }
}
