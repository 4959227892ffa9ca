//! Going to a path by typing it: what is typed, what it may be completed to, and what was gone to
//! before. Plain data and the matching; must list nothing itself.

use std::time::Duration;

use frizbee::{CaseMatching, Config, Matcher};

use super::{Field, Side};
use crate::{
    engine::JobId,
    fs::{Entry, Location, entry::natural_key},
};

/// Candidates that are kept: nobody looks through more.
const MOST: usize = 500;

/// Folders whose names are kept while the dialog is open.
const CACHED: usize = 32;

/// The dialog.
#[derive(Clone, Debug)]
pub struct GoTo {
    pub side: Side,
    /// What relative paths are relative to.
    pub here: Option<Location>,
    /// The server as it is called, where the pane shows one. Escaped.
    pub label: Option<String>,
    pub field: Field,
    /// Why what was typed leads nowhere.
    pub error: Option<String>,
    pub candidates: Vec<Candidate>,
    /// The candidate that the field holds.
    pub chosen: Option<usize>,
    /// What was gone to before that the field holds, counted from the latest.
    pub recalled: Option<usize>,
    /// What was typed before something was recalled or chosen.
    pub typed: String,
    pub folders: Vec<Folder>,
    pub wait: Option<Wait>,
    /// Tab was pressed before there were names to complete to.
    pub completes: bool,
}

/// Something that what is typed may be meant as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// What the field holds once it is taken.
    pub text: String,
    /// As it is shown, escaped.
    pub shown: String,
    /// What it is, in a word.
    pub detail: &'static str,
    pub is_folder: bool,
}

/// The names in a folder.
#[derive(Clone, Debug)]
pub struct Folder {
    pub location: Location,
    pub entries: Vec<Entry>,
    /// All of them are there.
    pub whole: bool,
    /// Why not, in words.
    pub error: Option<String>,
}

/// What the dialog waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    pub job: JobId,
    pub what: Awaited,
    /// On the clock of [`super::Clock::running`].
    pub since: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Awaited {
    /// The names in a folder.
    Names(Location),
    /// The home directory of a login; then it is gone on with.
    Home { enters: bool },
    /// What is there.
    Look(Location),
}

impl GoTo {
    pub fn new(side: Side, here: Option<Location>, label: Option<String>) -> GoTo {
        GoTo {
            side,
            here,
            label,
            field: Field::default(),
            error: None,
            candidates: Vec::new(),
            chosen: None,
            recalled: None,
            typed: String::new(),
            folders: Vec::new(),
            wait: None,
            completes: false,
        }
    }

    pub fn text(&self) -> &str {
        self.field.input.value()
    }

    pub fn set_text(&mut self, text: &str) {
        self.field = Field::text(text);
    }

    pub fn folder(&self, location: &Location) -> Option<&Folder> {
        self.folders.iter().find(|folder| folder.location == *location)
    }

    /// The folder whose names are coming in.
    pub fn folder_mut(&mut self, location: &Location) -> &mut Folder {
        let at = self.folders.iter().position(|folder| folder.location == *location);
        let at = at.unwrap_or_else(|| {
            if self.folders.len() >= CACHED {
                self.folders.remove(0);
            }
            let location = location.clone();
            self.folders.push(Folder { location, entries: Vec::new(), whole: false, error: None });
            self.folders.len() - 1
        });
        &mut self.folders[at]
    }

    /// Puts candidates up: those that begin like what is typed, then those that hold its letters
    /// in their order.
    pub fn offer(&mut self, all: Vec<(String, Candidate)>, partial: &str) {
        let begins = |name: &str| name.to_lowercase().starts_with(&partial.to_lowercase());
        let (mut first, rest): (Vec<_>, Vec<_>) = all.into_iter().partition(|(name, _)| begins(name));
        if !partial.is_empty() {
            // Of those that begin alike, the ones in the same case.
            first.sort_by_key(|(name, _)| !name.starts_with(partial));
        }
        self.candidates = first.into_iter().map(|(_, candidate)| candidate).take(MOST).collect();
        if !partial.is_empty() && self.candidates.len() < MOST {
            let config = Config { casing: CaseMatching::Ignore, ..Config::default() };
            let names: Vec<&str> = rest.iter().map(|(name, _)| name.as_str()).collect();
            let found = Matcher::new(partial, &config).match_list(&names);
            let found = found.iter().filter_map(|found| rest.get(usize::try_from(found.index).ok()?));
            let room = MOST - self.candidates.len();
            self.candidates.extend(found.map(|(_, candidate)| candidate.clone()).take(room));
        }
        self.chosen = None;
    }
}

/// Entries in the order to offer them in: folders first, then by name.
pub fn in_order(entries: &[Entry]) -> Vec<&Entry> {
    let mut order: Vec<(bool, Box<[u8]>, &Entry)> =
        entries.iter().map(|entry| (!entry.is_dir_like(), natural_key(&entry.name), entry)).collect();
    order.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    order.into_iter().map(|(_, _, entry)| entry).collect()
}

/// What all of them begin with.
pub fn common_beginning<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut texts = texts.into_iter();
    let mut common = texts.next().unwrap_or_default().to_owned();
    for text in texts {
        let same = common.chars().zip(text.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8());
        common.truncate(same.sum());
    }
    common
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_common_ends_at_a_character() {
        assert_eq!(common_beginning(["/var/log", "/var/lib"]), "/var/l");
        assert_eq!(common_beginning(["täg", "tög"]), "t");
        assert_eq!(common_beginning([]), "");
    }
}
