//! What transfers amount to, how far they are and how they ended, in words. Pure formatting; owns no
//! numbers and adds none up beyond what a sentence says.

use super::{count, plural, size};
use crate::{
    fs::sum::Computed,
    transfer::{Outcome, Totals, Verified},
};

/// `2 folders, 992 files, 1.2 GiB`: what a plan amounts to, without what is none.
pub fn totals(totals: &Totals) -> String {
    let mut parts = Vec::new();
    for (number, one, many) in
        [(totals.dirs, "folder", "folders"), (totals.files, "file", "files"), (totals.links, "link", "links")]
    {
        if number > 0 {
            parts.push(plural(number, one, many));
        }
    }
    if totals.bytes > 0 {
        parts.push(size(totals.bytes));
    }
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
}

/// `13.0 of 286 MiB`: the unit once where both have the same.
pub fn size_of(done: u64, total: u64) -> String {
    let (now, all) = (size(done), size(total));
    let unit = |text: &str| text.rsplit(' ').next().map(str::to_owned);
    let short = now.split(' ').next().filter(|_| done == 0 || unit(&now) == unit(&all));
    format!("{} of {all}", short.unwrap_or(&now))
}

/// `128 of 180 files`: what is counted where there are no bytes, files before all else.
pub fn items_of(done: &Totals, total: &Totals) -> String {
    let of = |done: u64, total: u64, one, many| format!("{} of {}", count(done), plural(total, one, many));
    match total {
        Totals { files: 0, links: 0, dirs, .. } => of(done.dirs, *dirs, "folder", "folders"),
        Totals { files: 0, links, .. } => of(done.links, *links, "link", "links"),
        Totals { files, .. } => of(done.files, *files, "file", "files"),
    }
}

/// `13.0 of 286 MiB · 0 of 1 file`: how far something is.
pub fn reached(done: &Totals, total: &Totals) -> String {
    let items = items_of(done, total);
    if total.bytes > 0 { format!("{} · {items}", size_of(done.bytes, total.bytes)) } else { items }
}

/// `992 copied, 3 skipped, 8 failed`; `verb` is what was done.
pub fn outcome(outcome: &Outcome, verb: &str) -> String {
    outcome_to(outcome, verb, "")
}

/// The same with where it went: `992 copied to web-01:/srv, 3 skipped`; where nothing was done,
/// `nothing was copied to web-01:/srv: 8 failed`.
pub fn outcome_to(outcome: &Outcome, verb: &str, target: &str) -> String {
    let files = outcome.done.files + outcome.done.links;
    // Folders are made on the way: they count only where nothing else was done, or where they were
    // meant as well.
    let done = match files {
        0 => outcome.done.dirs,
        _ if verb == "changed" => files + outcome.done.dirs,
        _ => files,
    };
    let left_out = outcome.removed + outcome.skipped + outcome.changed + outcome.failed;
    let what = match (files, done) {
        // It was all there: an empty folder that goes where there is one of its name.
        (_, 0) if left_out == 0 => "nothing had to be".to_owned(),
        (_, 0) => "nothing was".to_owned(),
        (0, folders) => plural(folders, "folder", "folders"),
        (_, done) => count(done),
    };
    let to = if target.is_empty() { String::new() } else { format!(" to {target}") };
    let rest: Vec<String> = [
        (outcome.removed, "deleted"),
        (outcome.skipped, "skipped"),
        (outcome.changed, "changed meanwhile"),
        (outcome.failed, "failed"),
    ]
    .into_iter()
    .filter(|(number, _)| *number > 0)
    .map(|(number, how)| format!("{} {how}", count(number)))
    .collect();
    // That nothing was done has a reason, else it is what all of it came to.
    let between = match (done, rest.is_empty()) {
        (_, true) => "",
        (0, _) => ": ",
        _ => ", ",
    };
    format!("{what} {verb}{to}{between}{}", rest.join(", "))
}

/// What is done with a file between its last byte and its name, where checksums were asked for.
pub const CHECKING: &str = "checking what was written";

/// `verified 12 files by sha256sum on the server`: how the checksums of copies were had.
pub fn verified(by: &Verified, files: u64) -> String {
    let files = plural(files, "file", "files");
    match by.by {
        Computed::Server(means) => {
            let name = by.algorithm.name();
            let means = if means.to_lowercase().replace('-', "").contains(name) {
                means.to_owned()
            } else {
                format!("{means} ({name})")
            };
            format!("verified {files} by {means} on the server")
        }
        Computed::Here => format!("verified {files} by reading back ({})", by.algorithm.name()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_told_without_what_is_none() {
        assert_eq!(
            totals(&Totals { files: 2, dirs: 1, links: 0, bytes: 2048 }),
            "1 folder, 2 files, 2.0 KiB"
        );
        assert_eq!(totals(&Totals::default()), "nothing");
    }

    #[test]
    fn a_unit_that_both_sizes_have_is_said_once() {
        assert_eq!(size_of(13_631_488, 299_892_736), "13.0 of 286 MiB");
        assert_eq!(size_of(524_288, 299_892_736), "512 KiB of 286 MiB");
        assert_eq!(size_of(0, 299_892_736), "0 of 286 MiB");
        assert_eq!(size_of(7, 28), "7 of 28 B");
    }

    #[test]
    fn how_far_it_is_counts_what_there_is() {
        let total = Totals { files: 1, bytes: 299_892_736, ..Totals::default() };
        let done = Totals { bytes: 13_631_488, ..Totals::default() };
        assert_eq!(reached(&done, &total), "13.0 of 286 MiB · 0 of 1 file");
        let folders = |dirs| Totals { dirs, ..Totals::default() };
        assert_eq!(reached(&folders(1), &folders(3)), "1 of 3 folders");
    }

    #[test]
    fn an_outcome_says_where_it_went_before_what_was_left_out() {
        let done = Totals { files: 992, dirs: 4, ..Totals::default() };
        assert_eq!(
            outcome(&Outcome { done, failed: 8, ..Outcome::default() }, "copied"),
            "992 copied, 8 failed"
        );
        let done = Totals { files: 2, ..Totals::default() };
        let outcome = Outcome { done, skipped: 2, ..Outcome::default() };
        assert_eq!(outcome_to(&outcome, "copied", "web-01:/srv"), "2 copied to web-01:/srv, 2 skipped");
    }

    #[test]
    fn folders_are_named_where_nothing_else_was_done() {
        let folders = |dirs| Outcome { done: Totals { dirs, ..Totals::default() }, ..Outcome::default() };
        assert_eq!(outcome(&folders(1), "moved"), "1 folder moved");
        assert_eq!(outcome(&folders(2), "deleted"), "2 folders deleted");
        let done = Totals { files: 6, dirs: 1, ..Totals::default() };
        assert_eq!(outcome(&Outcome { done, ..Outcome::default() }, "changed"), "7 changed");
    }

    #[test]
    fn that_nothing_was_done_says_why() {
        let failed = Outcome { failed: 1, skipped: 2, ..Outcome::default() };
        assert_eq!(
            outcome_to(&failed, "copied", "nas:/x"),
            "nothing was copied to nas:/x: 2 skipped, 1 failed"
        );
        assert_eq!(outcome(&Outcome::default(), "moved"), "nothing had to be moved");
    }
}
