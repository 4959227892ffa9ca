//! Why something failed, as far as a record keeps it. Pure.

use crate::fs::{Error, ErrorKind, Operation};

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
}

impl Reason {
    pub fn of(error: &Error) -> Reason {
        let said = error.detail().or(error.reply().map(|reply| reply.text.as_str())).unwrap_or_default();
        Reason {
            kind: error.kind(),
            operation: error.operation(),
            said: said.chars().take(LONGEST).collect(),
        }
    }

    /// Kind and operation as a record names them.
    pub(super) fn names(&self) -> (String, String) {
        (format!("{:?}", self.kind), format!("{:?}", self.operation))
    }

    pub(super) fn named(kind: &str, operation: &str, said: String) -> Reason {
        let kinds = KINDS.into_iter().find(|known| format!("{known:?}") == kind);
        let operations = OPERATIONS.into_iter().find(|known| format!("{known:?}") == operation);
        Reason {
            kind: kinds.unwrap_or(ErrorKind::Failure),
            operation: operations.unwrap_or(Operation::Copy),
            said,
        }
    }
}
