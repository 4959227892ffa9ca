//! What was found in one directory on both sides, before it is planned. Plain data; does no I/O.

use std::collections::{HashMap, HashSet};

use super::plan::{Names, Source};
use crate::fs::{Entry, RemotePath};

/// Listed and placed, ready to be planned under any policy.
#[derive(Default)]
pub struct Prepared {
    pub(super) sources: Vec<Source>,
    pub(super) existing: HashMap<RemotePath, Entry>,
    /// By target path: whether the content was found to be the same.
    pub(super) compared: HashMap<RemotePath, bool>,
    /// Target paths that earlier steps use.
    pub(super) taken: HashSet<RemotePath>,
}

impl Prepared {
    /// Everything that was found with the target path where it lands, written as the target
    /// writes it.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&RemotePath, &Entry, RemotePath)> {
        let mut names = Names::new(self.existing.keys(), true);
        self.sources.iter().map(move |source| {
            let target = names.standing(source.target.clone());
            (&source.path, &source.entry, target)
        })
    }

    pub(super) fn existing(&self, target: &RemotePath) -> Option<&Entry> {
        self.existing.get(target)
    }

    /// Notes where links lead, by their paths on either side.
    pub(super) fn set_links(
        &mut self,
        mut here: HashMap<RemotePath, Vec<u8>>,
        there: HashMap<RemotePath, Vec<u8>>,
    ) {
        for source in &mut self.sources {
            if let Some(target) = here.remove(&source.path) {
                source.entry.target = Some(target.into());
            }
        }
        for (path, target) in there {
            if let Some(entry) = self.existing.get_mut(&path) {
                entry.target = Some(target.into());
            }
        }
    }
}
