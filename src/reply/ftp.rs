//! The replies of FTP: RFC 959, 1123, 1639, 2228, 2389, 2428, 2640, 3659 and 4217, and the few others that
//! servers are known for (231, 430, 434). Pure tables.
//!
//! FTP's replies have no names; those here are the RFC's own short words in the form that SFTP's have.

use super::{Meaning, row};

/// What the digits of a reply say, known code or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Class {
    /// The first digit as the RFC writes it, for example `4yz`.
    pub first: &'static str,
    /// What became of the command, as a phrase.
    pub outcome: &'static str,
    /// What to do about it; empty where there is nothing to do.
    pub advice: &'static str,
    /// What the reply is about, by its second digit; empty where the RFC leaves that digit open.
    pub subject: &'static str,
}

/// The class of a code by its first and second digit (RFC 959 section 4.2; 6yz from RFC 2228 section 5);
/// `None` if it is no FTP reply.
pub fn class(code: u32) -> Option<Class> {
    let (first, outcome, advice) = match code / 100 {
        1 => ("1yz", "begun; another reply follows", ""),
        2 => ("2yz", "done", ""),
        3 => ("3yz", "accepted so far; the server waits for what belongs to it", ""),
        4 => ("4yz", "refused for now", "The same may work later: try again."),
        5 => ("5yz", "refused for good", "The same would be refused again; read what the server said."),
        6 => ("6yz", "a reply that is protected", ""),
        _ => return None,
    };
    let subject = match code / 10 % 10 {
        0 => "the command's syntax",
        1 => "information",
        2 => "connections",
        3 => "login and security",
        5 => "the file system",
        _ => "",
    };
    Some(Class { first, outcome, advice, subject })
}

#[rustfmt::skip]
pub(super) const TABLE: &[Meaning] = &[
    row(110, "RESTART_MARKER", "a marker to restart the transfer from", ""),
    row(120, "READY_IN_MINUTES", "the server will be ready in some minutes", "Wait for as long as it says, or try again later."),
    row(125, "TRANSFER_STARTING", "the data connection is open already; the transfer starts", ""),
    row(150, "FILE_STATUS_OKAY", "the file is in order; the data connection is about to be opened", ""),
    row(200, "COMMAND_OKAY", "the command succeeded", ""),
    row(202, "COMMAND_SUPERFLUOUS", "the command is not needed here and was ignored", ""),
    row(211, "SYSTEM_STATUS", "the state of the server, or the list of what it can do", ""),
    row(212, "DIRECTORY_STATUS", "the state of a directory", ""),
    row(213, "FILE_STATUS", "the state of a file: its size, its time or its listing", ""),
    row(214, "HELP_MESSAGE", "a text of help for people", ""),
    row(215, "SYSTEM_TYPE", "the kind of system that the server runs on", ""),
    row(220, "SERVICE_READY", "the server is ready for a new user", ""),
    row(221, "SERVICE_CLOSING", "the server says goodbye and closes the connection", ""),
    row(225, "DATA_CONNECTION_OPEN", "the data connection is open, and nothing is being transferred", ""),
    row(226, "CLOSING_DATA_CONNECTION", "the transfer is complete; the data connection is closed", ""),
    row(227, "ENTERING_PASSIVE_MODE", "the server waits for a data connection at the address it names", ""),
    row(228, "ENTERING_LONG_PASSIVE_MODE", "the server waits for a data connection at the long address it names", ""),
    row(229, "ENTERING_EXTENDED_PASSIVE_MODE", "the server waits for a data connection at the port it names", ""),
    row(230, "USER_LOGGED_IN", "the login succeeded", ""),
    row(231, "USER_LOGGED_OUT", "the user is logged out", ""),
    row(232, "LOGGED_IN_BY_SECURITY_DATA", "the login succeeded by what TLS or another protection said of the user", ""),
    row(234, "SECURITY_EXCHANGE_COMPLETE", "the protection is agreed; TLS begins now", ""),
    row(235, "SECURITY_DATA_ACCEPTED", "the data for the protection was accepted; no more is needed", ""),
    row(250, "FILE_ACTION_COMPLETED", "what was asked of the file or directory is done", ""),
    row(257, "PATHNAME_CREATED", "the path: the current directory, or one that was created", ""),
    row(331, "NEED_PASSWORD", "the user name is accepted; a password is needed", ""),
    row(332, "NEED_ACCOUNT", "an account is needed to log in", "Ask the server's administrator for the account's name."),
    row(334, "SECURITY_MECHANISM_ACCEPTED", "the kind of protection is accepted; its data is needed", ""),
    row(335, "MORE_SECURITY_DATA_NEEDED", "the data for the protection was accepted; more is needed", ""),
    row(336, "CHALLENGE_FOR_PASSWORD", "the user name is accepted; the answer to a challenge is needed as the password", "Answer what the server's text asks."),
    row(350, "PENDING_FURTHER_INFORMATION", "accepted; the server waits for the command that completes it", ""),
    row(421, "SERVICE_NOT_AVAILABLE", "the server closes the connection: it shuts down, it waited too long, or there are too many connections", "Try again later, or with fewer connections at a time."),
    row(425, "CANT_OPEN_DATA_CONNECTION", "the data connection could not be opened", "A firewall may be in between; try the other of passive and active mode."),
    row(426, "CONNECTION_CLOSED", "the data connection was closed before the end; the transfer was broken off", "Try again; what has arrived can be continued."),
    row(430, "INVALID_USER_OR_PASSWORD", "the user name or the password is wrong", "Check the user name and the password."),
    row(431, "NEED_UNAVAILABLE_RESOURCE", "something that the protection needs is missing for now", "Try again later; the server's keys or certificates may not be set up."),
    row(434, "HOST_UNAVAILABLE", "the host that was asked for is not available", "Check the host's name; try again later."),
    row(450, "FILE_UNAVAILABLE_FOR_NOW", "the file is not available for now: it may be in use", "Try again later."),
    row(451, "LOCAL_ERROR", "an error on the server broke the action off", "Try again; if it stays, tell the server's administrator."),
    row(452, "INSUFFICIENT_STORAGE", "the server has not enough space left", "Free some space on the server."),
    row(500, "SYNTAX_ERROR", "the server does not know the command, or the line was too long", "Do without it; older servers know fewer commands."),
    row(501, "SYNTAX_ERROR_IN_PARAMETERS", "the command's parameters are not valid", "Check the name for characters that the server does not accept."),
    row(502, "COMMAND_NOT_IMPLEMENTED", "the server does not support the command", "Do without it, or ask for a newer server."),
    row(503, "BAD_SEQUENCE_OF_COMMANDS", "the command is out of order; something must come before it", "Log in first; if that was done, report it with the log."),
    row(504, "PARAMETER_NOT_IMPLEMENTED", "the server does not support the command with this parameter", "Do without it."),
    row(521, "ADDRESS_FAMILY_NOT_SUPPORTED", "the server does not support this kind of address; to a request to create a directory: it exists already", "Try passive mode; or choose another name."),
    row(522, "NETWORK_PROTOCOL_NOT_SUPPORTED", "the server does not support this network protocol, or it refuses the protection of the data connection", "Try the other of IPv4 and IPv6; over TLS, the server may want the session of the control connection to be resumed."),
    row(530, "NOT_LOGGED_IN", "not logged in: the user name or the password is wrong, or the login is not allowed", "Check the user name and the password."),
    row(532, "NEED_ACCOUNT_FOR_STORING", "an account is needed to store files", "Ask the server's administrator for the account's name."),
    row(533, "PROTECTION_LEVEL_DENIED", "the server's policy does not allow this protection for commands", "Connect with TLS."),
    row(534, "DENIED_FOR_POLICY_REASONS", "the server's policy does not allow this", "The server may not offer TLS, or want it for what was asked."),
    row(535, "SECURITY_CHECK_FAILED", "the security check failed: a hash, a sequence number or a certificate is wrong", "Connect again; check the client's certificate where one is wanted."),
    row(536, "PROTECTION_LEVEL_NOT_SUPPORTED", "the kind of protection in use does not support this level for data", "Choose another level of protection."),
    row(537, "COMMAND_PROTECTION_NOT_SUPPORTED", "the kind of protection in use does not support this level for commands", "Choose another level of protection."),
    row(550, "FILE_UNAVAILABLE", "no such file or directory, or no permission", "Check the path and who may use it; refresh the listing."),
    row(551, "PAGE_TYPE_UNKNOWN", "the transfer was broken off: the type of a page is unknown", "Transfer the file as binary, not in pages."),
    row(552, "EXCEEDED_STORAGE_ALLOCATION", "the user's quota, or the space of the directory, is used up", "Free some space, or ask for a larger quota."),
    row(553, "FILE_NAME_NOT_ALLOWED", "the server does not accept this name", "Choose another name; it may also be that nothing may be written here."),
    row(554, "INVALID_RESTART_PARAMETER", "the transfer cannot be continued from this position", "Begin it again from the start."),
    row(555, "TYPE_MISMATCH", "the transfer cannot be continued: its type or structure is another one now", "Begin it again from the start."),
    row(631, "INTEGRITY_PROTECTED_REPLY", "a reply that is protected from being changed", ""),
    row(632, "CONFIDENTIAL_AND_PROTECTED_REPLY", "a reply that is protected from being changed and from being read", ""),
    row(633, "CONFIDENTIAL_REPLY", "a reply that is protected from being read", ""),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_worded() {
        assert!(TABLE.is_sorted_by(|a, b| a.code < b.code));
        for row in TABLE {
            let Meaning { code, name, meaning, advice } = row;
            assert!(!name.is_empty() && name.len() <= 36, "{code}");
            assert!(name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'), "{code} {name}");
            assert!(!meaning.is_empty() && !meaning.ends_with('.'), "{code}");
            assert!(advice.is_empty() || advice.ends_with('.'), "{code}");
            assert!(class(*code).is_some(), "{code}");
            // A person who is refused something wants to know what to do.
            assert!(!(400..600).contains(code) || !advice.is_empty(), "{code}");
        }
    }

    #[test]
    fn every_code_of_the_rfcs_is_in_the_table() {
        // RFC 959 section 4.2.2.
        let rfc_959 = [
            110, 120, 125, 150, 200, 202, 211, 212, 213, 214, 215, 220, 221, 225, 226, 227, 230, 250, 257,
            331, 332, 350, 421, 425, 426, 450, 451, 452, 500, 501, 502, 503, 504, 530, 532, 550, 551, 552,
            553,
        ];
        // RFC 1123 section 4.1.3.4, RFC 1639 section 4, RFC 2428 sections 2 and 3.
        let later = [554, 555, 228, 521, 229, 522];
        // RFC 2228 section 5; RFC 4217 adds none.
        let rfc_2228 = [232, 234, 235, 334, 335, 336, 431, 533, 534, 535, 536, 537, 631, 632, 633];
        for code in rfc_959.into_iter().chain(later).chain(rfc_2228) {
            assert!(TABLE.iter().any(|row| row.code == code), "{code}");
        }
    }

    #[test]
    fn unknown_codes_have_a_class_and_other_numbers_none() {
        let odd = class(459).unwrap();
        assert_eq!((odd.first, odd.subject), ("4yz", "the file system"));
        assert_eq!(class(248).unwrap().subject, "");
        for code in [0, 7, 99, 700, 999, 10_054, u32::MAX] {
            assert_eq!(class(code), None, "{code}");
        }
    }
}
