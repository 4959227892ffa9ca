//! How a copy, a move or a sync ended: for people on standard error, as JSON on standard output. Decides
//! nothing.

use std::{
    io::{self, Write},
    time::Duration,
};

use serde_json::{Value, json};

use super::{Exit, printed, progress::Ended};
use crate::{
    fs::{Result, sum::Computed},
    transfer::Verified,
    words,
};

/// How it is to be told.
#[derive(Clone, Copy)]
pub struct Telling {
    /// In a sentence.
    pub aloud: bool,
    pub as_json: bool,
    /// How the copies were verified; only `-q` keeps that back.
    pub quiet: bool,
}

/// Says how it ended, and what to exit with.
pub fn tell(ended: &Ended, took: Duration, verb: &str, telling: Telling) -> Result<Exit> {
    let Ended { outcome, verified } = ended;
    if !telling.quiet {
        for (by, files) in verified {
            super::say(format_args!("wharf: {}", words::verified(by, *files)));
        }
    }
    if telling.aloud {
        super::say(format_args!("{} in {}", words::outcome(outcome, verb), words::duration(took)));
    }
    if telling.as_json {
        printed(writeln!(io::stdout().lock(), "{}", json_of(ended, took)))?;
    }
    Ok(if outcome.failed + outcome.changed > 0 { Exit::Items } else { Exit::Done })
}

fn json_of(ended: &Ended, took: Duration) -> Value {
    let Ended { outcome, verified } = ended;
    json!({
        "files": outcome.done.files,
        "dirs": outcome.done.dirs,
        "links": outcome.done.links,
        "bytes": outcome.done.bytes,
        "deleted": outcome.removed,
        "skipped": outcome.skipped,
        "failed": outcome.failed,
        "changed": outcome.changed,
        "seconds": took.as_secs_f64(),
        "verified": verified.iter().map(|(by, files)| means(by, *files)).collect::<Vec<_>>(),
    })
}

fn means(verified: &Verified, files: u64) -> Value {
    let (computed, by) = match verified.by {
        Computed::Here => ("here", None),
        Computed::Server(by) => ("server", Some(by)),
    };
    json!({ "files": files, "algorithm": verified.algorithm.name(), "computed": computed, "by": by })
}
