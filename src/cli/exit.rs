//! What a run ended with, as a number for scripts. Must never print.

use std::process::ExitCode;

use crate::fs::{Error, ErrorKind, Operation};

/// What a run ended with: DESIGN's exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    Done,
    /// Some items failed or were refused.
    Items,
    Usage,
    /// No connection, or the login was refused.
    Connection,
    /// The server's identity was refused.
    Identity,
    /// `wharf jobs` has it.
    Interrupted,
    /// `exec` ends as the command did.
    Passed(u8),
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}

impl Exit {
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Items => 1,
            Exit::Usage => 2,
            Exit::Connection => 3,
            Exit::Identity => 4,
            Exit::Interrupted => 5,
            Exit::Passed(code) => code,
        }
    }

    /// The code for an error that ended a command.
    pub fn of(error: &Error) -> Exit {
        match error.kind() {
            ErrorKind::Usage => Exit::Usage,
            // A file of the configuration that is not there, such as -i's.
            ErrorKind::AlreadyExists if error.operation() == Operation::SaveBookmarks => Exit::Usage,
            ErrorKind::NotFound | ErrorKind::PermissionDenied
                if error.operation() == Operation::ReadConfig =>
            {
                Exit::Usage
            }
            ErrorKind::HostKeyRefused | ErrorKind::CertificateRefused => Exit::Identity,
            ErrorKind::Unresolved
            | ErrorKind::ConnectionFailed
            | ErrorKind::ConnectionLost
            | ErrorKind::LoginFailed => Exit::Connection,
            ErrorKind::Timeout | ErrorKind::Protocol | ErrorKind::Unsupported
                if is_connecting(error.operation()) =>
            {
                Exit::Connection
            }
            _ => Exit::Items,
        }
    }
}

fn is_connecting(operation: Operation) -> bool {
    use Operation::*;
    matches!(operation, Resolve | Connect | CheckHostKey | CheckCertificate | Login | OpenChannel)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_the_exit_codes_of_the_design() {
        let exit = |kind, operation| Exit::of(&Error::new(kind, operation)).code();
        assert_eq!(exit(ErrorKind::Usage, Operation::ParsePlace), 2);
        assert_eq!(exit(ErrorKind::LoginFailed, Operation::Login), 3);
        assert_eq!(exit(ErrorKind::Unresolved, Operation::Resolve), 3);
        assert_eq!(exit(ErrorKind::Timeout, Operation::Connect), 3);
        assert_eq!(exit(ErrorKind::HostKeyRefused, Operation::CheckHostKey), 4);
        assert_eq!(exit(ErrorKind::CertificateRefused, Operation::CheckCertificate), 4);
        assert_eq!(exit(ErrorKind::NotFound, Operation::List), 1);
        assert_eq!(exit(ErrorKind::Unsupported, Operation::Space), 1);
    }
}
