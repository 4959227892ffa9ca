//! How much one request may carry, and how many files may be open: what the server tells by
//! `limits@openssh.com`, and what is assumed where it does not. Pure.

use super::response::{self, Response};

/// What a server without `limits@openssh.com` is asked for at a time: every server takes it.
const PLAIN_REQUEST: u32 = 32 << 10;

/// The largest request, as OpenSSH's server allows: 256 KiB less room for the packet's head.
const LARGEST_REQUEST: u64 = 255 << 10;

/// Files moved at the same time: enough that a tree of small ones is bound by the link's
/// bandwidth rather than by its round trips.
const MOST_FILES: u64 = 256;

/// The same, on a server that does not tell how many it bears.
const PLAIN_FILES: usize = 64;

/// How much one request may carry.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub read: u32,
    pub write: u32,
    /// Files that may be open at the same time.
    pub files: usize,
}

/// The limits from the answer to the question for them.
pub fn limits_of(response: Response) -> Limits {
    let told = match response {
        Response::Extended(body) => response::decode_limits(body).ok(),
        _ => None,
    };
    // A limit of 0 means that the server does not say.
    let bound = |limit: u64| match limit {
        0 => PLAIN_REQUEST,
        limit => limit.clamp(1024, LARGEST_REQUEST) as u32,
    };
    match told {
        Some(told) => Limits {
            read: bound(told.read),
            write: bound(told.write),
            // Half of what there is: listings and other programs of the login need handles too.
            files: match told.handles / 2 {
                0 => PLAIN_FILES,
                half => half.min(MOST_FILES) as usize,
            },
        },
        None => Limits { read: PLAIN_REQUEST, write: PLAIN_REQUEST, files: PLAIN_FILES },
    }
}
