//! What a transfer has found on both sides before anything is planned. Plain data; does no I/O.

use std::collections::HashMap;

use super::plan::{self, Source};
use crate::fs::{Entry, RemotePath};

/// Listed and placed, ready to be planned under any policy.
pub struct Prepared {
    pub(super) sources: Vec<Source>,
    pub(super) existing: HashMap<RemotePath, Entry>,
    /// By target path: whether the content was found to be the same.
    pub(super) compared: HashMap<RemotePath, bool>,
    /// Something could not be listed.
    pub(super) incomplete: bool,
    /// The sources go into the target.
    pub into: bool,
}

impl Prepared {
    /// Everything that was found with the target path where it lands, written as the target
    /// writes it.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&RemotePath, &Entry, RemotePath)> {
        let mut names = plan::Names::new(self.existing.keys(), true);
        self.sources.iter().flat_map(plan::landings).map(move |(path, entry, target)| {
            let target = names.standing(target);
            (path, entry, target)
        })
    }

    /// What stood at a target path when it was listed.
    pub fn existing(&self, target: &RemotePath) -> Option<&Entry> {
        self.existing.get(target)
    }

    /// Notes where links lead, by their paths on either side.
    pub(super) fn set_links(
        &mut self,
        mut here: HashMap<RemotePath, Vec<u8>>,
        there: HashMap<RemotePath, Vec<u8>>,
    ) {
        for source in &mut self.sources {
            let below = source.below.iter_mut().map(|found| (&found.path, &mut found.entry));
            for (path, entry) in std::iter::once((&source.path, &mut source.entry)).chain(below) {
                if let Some(target) = here.remove(path) {
                    entry.target = Some(target.into());
                }
            }
        }
        for (path, target) in there {
            if let Some(entry) = self.existing.get_mut(&path) {
                entry.target = Some(target.into());
            }
        }
    }

    /// Everything that was found at the sources, as it was listed.
    pub fn found(&self) -> impl Iterator<Item = (&RemotePath, &Entry)> {
        self.sources.iter().flat_map(|source| {
            let below = source.below.iter().map(|found| (&found.path, &found.entry));
            std::iter::once((&source.path, &source.entry)).chain(below)
        })
    }
}
