//! wharf: a dual-pane terminal file manager for local files and servers.
//!
//! # The map
//!
//! - [`fs`]: the trait `FileSystem`, its backends (this machine, SFTP, memory) and what is common
//!   to them: paths, entries, errors, places. Knows no jobs and no screen.
//! - [`trust`]: known_hosts, and the questions that are put to a person. A leaf.
//! - [`reply`]: the codes that servers answer with, and what they mean. A leaf.
//! - [`words`]: how errors, sizes and names are worded and escaped for people. Near-leaf: it
//!   knows the data of `fs`, `trust`, `reply` and `transfer`, and no behaviour.
//! - [`transfer`]: planning and running copies between any two file systems. Knows no protocol.
//! - [`engine`]: sessions and jobs behind `Command` and `Event`: the narrow waist.
//! - [`config`]: bookmarks, recent places, settings and the keyring. Made by `main` alone, and
//!   passed on as values.
//! - [`ui`]: the terminal: state, update, layout, views, and the loop around them.
//! - [`cli`]: the headless commands on the same engine.
//! - [`serve`]: a directory shared over SFTP; the demo's server.
//!
//! # Invariants
//!
//! - Arrows point down: `main → {ui, cli, serve} → engine → transfer → fs`; `serve` goes straight
//!   to `fs`. `tests/layers.rs` checks it.
//! - No I/O, clock or spawn in `ui::{state, update, layout, view}` and `transfer::plan`.
//! - Names from servers are one component or are refused; text from servers is escaped by
//!   `words::escape` before a terminal sees it.
//! - A write has succeeded when `Sink::finish` says so, and not before.

pub mod cli;
pub mod config;
pub mod engine;
pub mod fs;
pub mod reply;
pub mod serve;
pub mod transfer;
pub mod trust;
pub mod ui;
pub mod words;
