//! Looking for names below a folder: what is asked for, what was found so far, and what is marked
//! in it. Plain data; must walk nothing itself.

use std::{collections::BTreeSet, time::Duration};

use super::{Field, Side};
use crate::{
    engine::JobId,
    fs::{Error, Location, RemotePath, entry::natural_key},
    transfer::find::{Match, Tally, Wanted},
    ui::state::Click,
};

/// Folders that could not be listed, as many as are named.
const NAMED: usize = 100;

/// What is asked for beside the name, in the order of the fields.
pub const FIELDS: usize = 3;

/// The kinds on offer.
pub const WANTED: [Wanted; 3] = [Wanted::Anything, Wanted::Files, Wanted::Folders];

/// The dialog.
#[derive(Clone, Debug)]
pub struct Find {
    pub side: Side,
    /// Everything below this is looked at.
    pub root: Location,
    /// The root, as it is called. Escaped.
    pub label: String,
    pub name: Field,
    pub wanted: Wanted,
    pub heeds_case: bool,
    /// Which field the keys go to: the name, the kind, the case.
    pub focus: usize,
    /// Why what was typed will not do.
    pub error: Option<String>,
    pub search: Option<Search>,
    /// The row of the cursor among the matches and the folders that could not be listed.
    pub cursor: usize,
    /// Matches to act upon, by their place in the list.
    pub marked: BTreeSet<usize>,
    /// What was begun from here, in words.
    pub said: Option<String>,
    /// It comes back once the file that is being looked at is closed.
    pub returns: bool,
    pub last_click: Option<Click>,
}

/// A search that was begun.
#[derive(Clone, Debug)]
pub struct Search {
    /// What it looks for.
    pub text: String,
    pub wanted: Wanted,
    pub heeds_case: bool,
    /// While it runs.
    pub job: Option<JobId>,
    /// On the clock of [`super::Clock::running`].
    pub since: Duration,
    /// How long it took.
    pub took: Option<Duration>,
    pub tally: Tally,
    pub matches: Vec<Match>,
    /// The first of those that could not be listed.
    pub failed: Vec<Error>,
    pub failures: u64,
    /// It was stopped before its end.
    pub stopped: bool,
    /// Why it ended early.
    pub error: Option<Error>,
}

impl Find {
    pub fn new(side: Side, root: Location, label: String) -> Find {
        Find {
            side,
            root,
            label,
            name: Field::default(),
            wanted: Wanted::Anything,
            heeds_case: false,
            focus: 0,
            error: None,
            search: None,
            cursor: 0,
            marked: BTreeSet::new(),
            said: None,
            returns: false,
            last_click: None,
        }
    }

    /// Whether what is found is what is asked for now.
    pub fn is_answered(&self) -> bool {
        self.search.as_ref().is_some_and(|search| {
            let asked = (self.name.input.value(), self.wanted, self.heeds_case);
            asked == (search.text.as_str(), search.wanted, search.heeds_case)
        })
    }

    /// The job that it waits for.
    pub fn job(&self) -> Option<JobId> {
        self.search.as_ref().and_then(|search| search.job)
    }

    /// How many rows the list has.
    pub fn rows(&self) -> usize {
        self.search.as_ref().map_or(0, |search| search.matches.len() + search.failed.len())
    }

    pub fn move_to(&mut self, row: usize) {
        self.cursor = row.min(self.rows().saturating_sub(1));
    }

    /// The match under the cursor.
    pub fn current(&self) -> Option<&Match> {
        self.search.as_ref()?.matches.get(self.cursor)
    }

    /// Why the folder under the cursor could not be listed.
    pub fn failure(&self) -> Option<&Error> {
        let search = self.search.as_ref()?;
        search.failed.get(self.cursor.checked_sub(search.matches.len())?)
    }

    /// What is marked, else what is under the cursor.
    pub fn targets(&self) -> Vec<&Match> {
        let Some(search) = &self.search else { return Vec::new() };
        if self.marked.is_empty() {
            return self.current().into_iter().collect();
        }
        self.marked.iter().filter_map(|at| search.matches.get(*at)).collect()
    }

    /// The next kind, or the one before.
    pub fn change_wanted(&mut self, forward: bool) {
        let at = WANTED.iter().position(|wanted| *wanted == self.wanted).unwrap_or(0);
        let step = if forward { 1 } else { WANTED.len() - 1 };
        self.wanted = WANTED.get((at + step) % WANTED.len()).copied().unwrap_or_default();
    }

    /// Forgets matches that are there no more.
    pub fn forget(&mut self, gone: &[Location]) {
        let Some(search) = &mut self.search else { return };
        let is_gone = |found: &Match| {
            gone.iter().any(|item| item.fs == self.root.fs && found.path.is_within(&item.path))
        };
        search.matches.retain(|found| !is_gone(found));
        self.marked.clear();
        self.move_to(self.cursor);
    }
}

impl Search {
    pub fn begin(find: &Find, job: JobId, since: Duration) -> Search {
        Search {
            text: find.name.input.value().to_owned(),
            wanted: find.wanted,
            heeds_case: find.heeds_case,
            job: Some(job),
            since,
            took: None,
            tally: Tally::default(),
            matches: Vec::new(),
            failed: Vec::new(),
            failures: 0,
            stopped: false,
            error: None,
        }
    }

    pub fn fail(&mut self, error: Error) {
        self.failures += 1;
        if self.failed.len() < NAMED {
            self.failed.push(error);
        }
    }

    /// Puts the matches in order, which none of them had while they came. Where each of `followed`
    /// stands then.
    pub fn sort(&mut self, root: &RemotePath, followed: &[usize]) -> Vec<usize> {
        let key = |found: &Match| natural_key(found.path.strip_prefix(root).unwrap_or_default());
        let mut order: Vec<(Box<[u8]>, usize)> =
            self.matches.iter().enumerate().map(|(at, found)| (key(found), at)).collect();
        order.sort();
        let mut stands = vec![0; order.len()];
        for (now, (_, was)) in order.iter().enumerate() {
            if let Some(slot) = stands.get_mut(*was) {
                *slot = now;
            }
        }
        let moved = followed.iter().map(|was| stands.get(*was).copied().unwrap_or(*was)).collect();
        self.matches = order.iter().filter_map(|(_, at)| self.matches.get(*at).cloned()).collect();
        moved
    }
}
