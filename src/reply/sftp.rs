//! The statuses of SFTP: 0-8 of version 3, the rest of later drafts. A pure table.

use super::{Meaning, row};

/// `SSH_FX_OK`.
pub const SFTP_OK: u32 = 0;
/// `SSH_FX_EOF`.
pub const SFTP_EOF: u32 = 1;
/// `SSH_FX_NO_SUCH_FILE`.
pub const SFTP_NO_SUCH_FILE: u32 = 2;
/// `SSH_FX_PERMISSION_DENIED`.
pub const SFTP_PERMISSION_DENIED: u32 = 3;
/// `SSH_FX_FAILURE`.
pub const SFTP_FAILURE: u32 = 4;
/// `SSH_FX_BAD_MESSAGE`.
pub const SFTP_BAD_MESSAGE: u32 = 5;
/// `SSH_FX_NO_CONNECTION`.
pub const SFTP_NO_CONNECTION: u32 = 6;
/// `SSH_FX_CONNECTION_LOST`.
pub const SFTP_CONNECTION_LOST: u32 = 7;
/// `SSH_FX_OP_UNSUPPORTED`.
pub const SFTP_OP_UNSUPPORTED: u32 = 8;

#[rustfmt::skip]
pub(super) const TABLE: &[Meaning] = &[
    row(0, "SSH_FX_OK", "the operation succeeded", ""),
    row(1, "SSH_FX_EOF", "the end of the file or of the listing", ""),
    row(2, "SSH_FX_NO_SUCH_FILE", "no such file or directory", "Check the path; refresh the listing, as it may have been moved or deleted."),
    row(3, "SSH_FX_PERMISSION_DENIED", "permission denied", "The login may not do this here; check the owner and the mode, or log in as somebody who may."),
    row(4, "SSH_FX_FAILURE", "the operation failed for a reason without a code of its own", "Common causes: the target exists, a folder is not empty, the disk or a quota is full."),
    row(5, "SSH_FX_BAD_MESSAGE", "the server could not make sense of the request", "OpenSSH says this for anything invalid: a name that is too long, or a folder moved into itself."),
    row(6, "SSH_FX_NO_CONNECTION", "there is no connection to the server", "Connect again."),
    row(7, "SSH_FX_CONNECTION_LOST", "the connection to the server was lost", "Connect again; an interrupted copy can be repeated."),
    row(8, "SSH_FX_OP_UNSUPPORTED", "the server does not support this operation", "Do without it, or ask for a newer server."),
    row(9, "SSH_FX_INVALID_HANDLE", "the file handle is not valid", "Try again; the server may have closed the file."),
    row(10, "SSH_FX_NO_SUCH_PATH", "the path does not exist or is invalid", "Check the path, also its parent folders."),
    row(11, "SSH_FX_FILE_ALREADY_EXISTS", "the file exists already", "Choose another name, or allow overwriting."),
    row(12, "SSH_FX_WRITE_PROTECT", "the medium is write-protected", "Choose another place, or have it mounted writable."),
    row(13, "SSH_FX_NO_MEDIA", "there is no medium in the drive", "Insert one."),
    row(14, "SSH_FX_NO_SPACE_ON_FILESYSTEM", "no space is left on the volume", "Free some space on the server."),
    row(15, "SSH_FX_QUOTA_EXCEEDED", "the user's quota is used up", "Free some space, or ask for a larger quota."),
    row(16, "SSH_FX_UNKNOWN_PRINCIPAL", "the owner or group is unknown to the server", "Use a user or group that exists there."),
    row(17, "SSH_FX_LOCK_CONFLICT", "the file is locked by somebody else", "Try again later."),
    row(18, "SSH_FX_DIR_NOT_EMPTY", "the directory is not empty", "Empty it first, or delete it with all that it holds."),
    row(19, "SSH_FX_NOT_A_DIRECTORY", "not a directory", "Check the path."),
    row(20, "SSH_FX_INVALID_FILENAME", "the server does not accept this name", "Choose another name."),
    row(21, "SSH_FX_LINK_LOOP", "too many symbolic links, or they go in a circle", "Mend the links."),
    row(22, "SSH_FX_CANNOT_DELETE", "the file cannot be deleted", "It may be in use or protected."),
    row(23, "SSH_FX_INVALID_PARAMETER", "a parameter was out of range", "Report it with the log."),
    row(24, "SSH_FX_FILE_IS_A_DIRECTORY", "the path is a directory", "Use the operation for directories."),
    row(25, "SSH_FX_BYTE_RANGE_LOCK_CONFLICT", "a part of the file is locked by somebody else", "Try again later."),
    row(26, "SSH_FX_BYTE_RANGE_LOCK_REFUSED", "the server refused a lock", "Try again later."),
    row(27, "SSH_FX_DELETE_PENDING", "the file is about to be deleted", "Refresh the listing."),
    row(28, "SSH_FX_FILE_CORRUPT", "the server's file system is damaged here", "Tell the server's administrator."),
    row(29, "SSH_FX_OWNER_INVALID", "the owner cannot be set to this", "Choose another owner."),
    row(30, "SSH_FX_GROUP_INVALID", "the group cannot be set to this", "Choose another group."),
    row(31, "SSH_FX_NO_MATCHING_BYTE_RANGE_LOCK", "there is no such lock", ""),
];
