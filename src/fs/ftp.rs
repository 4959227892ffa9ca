//! FTP with and without TLS.

pub mod listing;
