//! The replies of FTP: RFC 959, 2228, 2389, 2428, 3659 and 4217. A pure table.

use super::Meaning;

#[rustfmt::skip]
pub(super) const TABLE: &[Meaning] = &[];
