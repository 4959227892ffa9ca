//! The codes that servers answer with: SFTP statuses and FTP replies, their names, meanings and
//! advice. Pure tables and the [`Reply`] that carries a code with the server's own words.
//! Must never do I/O or know who asked.

mod ftp;
mod sftp;

pub use ftp::{Class as FtpClass, class as ftp_class};
pub use sftp::{
    SFTP_BAD_MESSAGE, SFTP_CONNECTION_LOST, SFTP_EOF, SFTP_FAILURE, SFTP_NO_CONNECTION, SFTP_NO_SUCH_FILE,
    SFTP_OK, SFTP_OP_UNSUPPORTED, SFTP_PERMISSION_DENIED,
};

/// The protocol a code belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    Sftp,
    /// FTP with and without TLS.
    Ftp,
    /// A command that was run on the server: its exit status.
    Command,
}

/// What a server answered: a code and the words it sent along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub protocol: Protocol,
    pub code: u32,
    /// The server's own text, unescaped: it goes through [`crate::words::escape`] before a
    /// terminal sees it. Empty if the server sent none.
    pub text: String,
}

impl Reply {
    pub fn sftp(code: u32, text: impl Into<String>) -> Self {
        Reply { protocol: Protocol::Sftp, code, text: text.into() }
    }

    pub fn ftp(code: u32, text: impl Into<String>) -> Self {
        Reply { protocol: Protocol::Ftp, code, text: text.into() }
    }

    /// What became of a command that was run on the server.
    pub fn command(status: u32, text: impl Into<String>) -> Self {
        Reply { protocol: Protocol::Command, code: status, text: text.into() }
    }

    /// What the code means, if it is one that is known.
    pub fn meaning(&self) -> Option<&'static Meaning> {
        match self.protocol {
            Protocol::Sftp => sftp(self.code),
            Protocol::Ftp => ftp(self.code),
            Protocol::Command => None,
        }
    }

    /// Whether the code says that something failed (an end of file is no failure).
    pub fn is_failure(&self) -> bool {
        match self.protocol {
            Protocol::Sftp => self.code > SFTP_EOF,
            // RFC 959 section 4.2: 4yz and 5yz are negative completions. 6yz is another reply in a wrapping.
            Protocol::Ftp => (400..600).contains(&self.code),
            Protocol::Command => self.code != 0,
        }
    }
}

/// One row of a code table.
#[derive(Debug, PartialEq, Eq)]
pub struct Meaning {
    pub code: u32,
    /// The name in the specification, for example `SSH_FX_NO_SUCH_FILE`.
    pub name: &'static str,
    /// What it says, as a phrase.
    pub meaning: &'static str,
    /// What to do about it; empty where there is nothing to do.
    pub advice: &'static str,
}

/// The meaning of an SFTP status code: 0-8 from draft-ietf-secsh-filexfer-02 section 7, the
/// rest from draft-ietf-secsh-filexfer-13 section 9.1.
pub fn sftp(code: u32) -> Option<&'static Meaning> {
    sftp::TABLE.iter().find(|m| m.code == code)
}

/// Every SFTP status in order of its code.
pub fn sftp_table() -> &'static [Meaning] {
    sftp::TABLE
}

/// The meaning of an FTP reply code: RFC 959 section 4.2 and those that came later.
pub fn ftp(code: u32) -> Option<&'static Meaning> {
    ftp::TABLE.iter().find(|m| m.code == code)
}

/// Every FTP reply in order of its code.
pub fn ftp_table() -> &'static [Meaning] {
    ftp::TABLE
}

const fn row(code: u32, name: &'static str, meaning: &'static str, advice: &'static str) -> Meaning {
    Meaning { code, name, meaning, advice }
}

#[cfg(test)]
mod tests {
    use super::{sftp::TABLE as SFTP, *};

    #[test]
    fn table_is_complete_and_in_order() {
        assert!(SFTP.iter().enumerate().all(|(i, m)| m.code as usize == i));
        assert_eq!(SFTP.len(), 32);
        assert!(sftp(999).is_none());
        assert!(SFTP[2..].iter().all(|m| m.name.starts_with("SSH_FX_") && !m.meaning.is_empty()));
    }

    #[test]
    fn end_of_file_is_no_failure() {
        assert!(!Reply::sftp(SFTP_EOF, "").is_failure());
        assert!(Reply::sftp(SFTP_NO_SUCH_FILE, "").is_failure());
    }

    #[test]
    fn ftp_fails_with_4yz_and_5yz() {
        for code in [110, 226, 257, 331, 399, 600, 632] {
            assert!(!Reply::ftp(code, "").is_failure(), "{code}");
        }
        for code in [400, 421, 550, 599] {
            assert!(Reply::ftp(code, "").is_failure(), "{code}");
        }
        assert_eq!(Reply::ftp(452, "").meaning().map(|meaning| meaning.name), Some("INSUFFICIENT_STORAGE"));
    }
}
