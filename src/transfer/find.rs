//! What is looked for below a directory, and whether an entry is that. Pure: who walks the tree is
//! `walk`, who reports is the engine.

use glob::{MatchOptions, Pattern};

use crate::fs::{Entry, Kind, RemotePath};

/// Matches that are handed on; those beyond are only counted.
pub const SHOWN: u64 = 10_000;

/// What an entry may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    #[default]
    Anything,
    /// Everything that is no folder.
    Files,
    Folders,
}

/// What is looked for.
#[derive(Clone, Debug)]
pub struct Query {
    name: Name,
    wanted: Wanted,
    heeds_case: bool,
}

#[derive(Clone, Debug)]
enum Name {
    /// A part of the name; in lower case where case does not count.
    Part(String),
    /// The whole name.
    Pattern(Pattern),
}

/// Something found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    pub path: RemotePath,
    pub entry: Entry,
}

/// How far a walk has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Directories that were listed.
    pub dirs: u64,
    /// Entries that were looked at.
    pub entries: u64,
    /// Those that are what is looked for.
    pub matches: u64,
}

impl Query {
    /// Names that contain `text`; where it holds `*`, `?` or `[`, names that are as a whole like
    /// it.
    ///
    /// # Errors
    /// Why it is no pattern, as a phrase.
    pub fn new(text: &str, wanted: Wanted, heeds_case: bool) -> Result<Query, &'static str> {
        let name = if text.contains(['*', '?', '[']) {
            Name::Pattern(pattern(text)?)
        } else if heeds_case {
            Name::Part(text.to_owned())
        } else {
            Name::Part(text.to_lowercase())
        };
        Ok(Query { name, wanted, heeds_case })
    }

    pub fn matches(&self, entry: &Entry) -> bool {
        let kind = match self.wanted {
            Wanted::Anything => true,
            Wanted::Files => entry.kind != Kind::Dir,
            Wanted::Folders => entry.kind == Kind::Dir,
        };
        kind && self.fits(&String::from_utf8_lossy(&entry.name))
    }

    fn fits(&self, name: &str) -> bool {
        match &self.name {
            Name::Part(part) if self.heeds_case => name.contains(part.as_str()),
            Name::Part(part) if name.is_ascii() && part.is_ascii() => {
                part.is_empty()
                    || name.as_bytes().windows(part.len()).any(|at| at.eq_ignore_ascii_case(part.as_bytes()))
            }
            Name::Part(part) => name.to_lowercase().contains(part.as_str()),
            Name::Pattern(pattern) => {
                let options = MatchOptions { case_sensitive: self.heeds_case, ..MatchOptions::new() };
                pattern.matches_with(name, options)
            }
        }
    }
}

/// A pattern of names: `*` is anything, `?` one character, `[a-f]` one of these.
///
/// # Errors
/// Why it is no pattern, as a phrase.
pub fn pattern(text: &str) -> Result<Pattern, &'static str> {
    // Names have no folders in them for `**` to cross.
    let mut one_by_one = text.to_owned();
    while one_by_one.contains("**") {
        one_by_one = one_by_one.replace("**", "*");
    }
    Pattern::new(&one_by_one).map_err(|_| "a [ in it has no ]")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(text: &str, heeds_case: bool, name: &str) -> bool {
        let entry = Entry::new(name.as_bytes(), Kind::File);
        Query::new(text, Wanted::Anything, heeds_case).unwrap().matches(&entry)
    }

    #[test]
    fn a_text_is_a_part_and_a_pattern_the_whole() {
        assert!(fits("port", false, "Report.pdf") && fits("REPORT", false, "report"));
        assert!(!fits("REPORT", true, "report") && fits("Rep", true, "Report"));
        assert!(fits("**.pdf", false, "Report.PDF") && fits("***", false, "x"));
        assert_eq!(pattern("[a").err(), Some("a [ in it has no ]"));
        assert!(fits("*.pdf", false, "Report.PDF") && !fits("*.pdf", true, "Report.PDF"));
        assert!(!fits("r?port", false, "Report.pdf") && fits("r?port*", false, "Report.pdf"));
        assert!(fits("[a-c]*", false, "b.txt") && !fits("[a-c]*", false, "d.txt"));
        assert!(fits("ÄRGER", false, "ärger.txt") && fits("", false, "x") && fits("*", false, ".hidden"));
        assert!(Query::new("[", Wanted::Anything, false).is_err());
    }

    #[test]
    fn kinds_are_told_apart() {
        let of = |wanted, kind| Query::new("x", wanted, false).unwrap().matches(&Entry::new(&b"x"[..], kind));
        assert!(of(Wanted::Folders, Kind::Dir) && !of(Wanted::Folders, Kind::Symlink));
        assert!(of(Wanted::Files, Kind::Symlink) && of(Wanted::Files, Kind::File));
        assert!(!of(Wanted::Files, Kind::Dir) && of(Wanted::Anything, Kind::Dir));
    }

    #[test]
    fn names_that_are_no_text_are_found_by_what_is() {
        let entry = Entry::new(&b"caf\xe9.txt"[..], Kind::File);
        assert!(Query::new("*.txt", Wanted::Files, true).unwrap().matches(&entry));
        assert!(Query::new("CAF", Wanted::Files, false).unwrap().matches(&entry));
    }
}
