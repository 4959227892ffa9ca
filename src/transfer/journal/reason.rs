//! Why something failed, as far as a record keeps it. Pure.

use crate::{
    fs::{Error, ErrorKind, Operation},
    reply::{Protocol, Reply},
};

/// Characters that are kept of what was said.
const LONGEST: usize = 300;

/// What a record can name; anything else is a failure.
const KINDS: [ErrorKind; 9] = [
    ErrorKind::NotFound,
    ErrorKind::PermissionDenied,
    ErrorKind::AlreadyExists,
    ErrorKind::NotADirectory,
    ErrorKind::IsADirectory,
    ErrorKind::NoSpace,
    ErrorKind::InvalidName,
    ErrorKind::Mismatch,
    ErrorKind::Conflict,
];

/// Likewise; anything else is a copy.
const OPERATIONS: [Operation; 8] = [
    Operation::Stat,
    Operation::Open,
    Operation::Read,
    Operation::Write,
    Operation::Close,
    Operation::Rename,
    Operation::SetAttributes,
    Operation::Verify,
];

/// Why something failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    pub kind: ErrorKind,
    pub operation: Operation,
    /// What was said about it, unescaped; perhaps nothing.
    pub said: String,
    /// The code that the server answered with.
    pub code: Option<(Protocol, u32)>,
}

impl Reason {
    pub fn of(error: &Error) -> Reason {
        let said = error.detail().or(error.reply().map(|reply| reply.text.as_str())).unwrap_or_default();
        Reason {
            kind: error.kind(),
            operation: error.operation(),
            said: said.chars().take(LONGEST).collect(),
            code: error.reply().map(|reply| (reply.protocol, reply.code)),
        }
    }

    /// The same as an error, of nothing in particular.
    pub(super) fn error(&self) -> Error {
        let error = Error::new(self.kind, self.operation);
        match self.code {
            Some((protocol, code)) => error.with_reply(Reply { protocol, code, text: self.said.clone() }),
            None if self.said.is_empty() => error,
            None => error.with_detail(self.said.clone()),
        }
    }

    /// The code as a record has it: `Ftp 550`.
    pub(super) fn code(&self) -> Option<String> {
        self.code.map(|(protocol, code)| format!("{protocol:?} {code}"))
    }

    /// Kind and operation as a record names them.
    pub(super) fn names(&self) -> (String, String) {
        (format!("{:?}", self.kind), format!("{:?}", self.operation))
    }

    pub(super) fn named(kind: &str, operation: &str, said: String, code: Option<&str>) -> Reason {
        let code = code.and_then(|code| code.split_once(' ')).and_then(|(name, code)| {
            let all = [Protocol::Sftp, Protocol::Ftp, Protocol::Command];
            let protocol = all.into_iter().find(|known| format!("{known:?}") == name)?;
            Some((protocol, code.parse().ok()?))
        });
        let kinds = KINDS.into_iter().find(|known| format!("{known:?}") == kind);
        let operations = OPERATIONS.into_iter().find(|known| format!("{known:?}") == operation);
        Reason {
            kind: kinds.unwrap_or(ErrorKind::Failure),
            operation: operations.unwrap_or(Operation::Copy),
            said,
            code,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_known_in_the_next_run() {
        let denied = Error::ftp(Operation::Open, Reply::ftp(550, "Failed to open file."));
        let why = Reason::of(&denied);
        let ((kind, operation), code) = (why.names(), why.code());
        assert_eq!(code.as_deref(), Some("Ftp 550"));
        let again = Reason::named(&kind, &operation, why.said.clone(), code.as_deref());
        assert_eq!(again, why);
        assert_eq!(again.error().reply(), denied.reply());
        // A record of an older program, or one that makes no sense, has none.
        for code in [None, Some("Ftp"), Some("Http 404"), Some("Ftp x")] {
            let old = Reason::named(&kind, &operation, why.said.clone(), code);
            assert_eq!((old.code, old.error().detail()), (None, Some("Failed to open file.")));
        }
    }
}
