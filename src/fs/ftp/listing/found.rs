//! What a dialect gets to see of a line, and what it makes of it. Plain data.

use super::{
    Refusal,
    date::{When, Zone},
    token::Token,
};
use crate::fs::Entry;

/// What a dialect made of a line.
#[expect(clippy::large_enum_variant, reason = "there is one at a time, and almost all are entries")]
pub(super) enum Found {
    Entry(Entry, Option<When>),
    Ignored,
    Refused(Refusal),
}

/// What every dialect may know beside the line.
pub(super) struct Context<'a> {
    pub line: &'a [u8],
    pub tokens: &'a [Token<'a>],
    pub zone: &'a Zone,
}
