//! The tabs: pairs of panes, of which one is seen. Plain data, and exchanging one pair for
//! another. Must start nothing and stop nothing.

use super::{Pane, Side, State};
use crate::engine::JobId;

/// As many as there are digits to reach them.
pub const MOST_TABS: usize = 9;

/// A pair of panes that is not seen now.
#[derive(Clone, Debug)]
pub struct Parked {
    pub left: Pane,
    pub right: Pane,
    pub active: Side,
}

/// The pairs that are not seen, and where the one that is seen stands among them.
#[derive(Clone, Debug, Default)]
pub struct Tabs {
    /// In the order of their numbers, the one that is seen left out.
    pub parked: Vec<Parked>,
    /// Its place in that order, from 0.
    pub current: usize,
}

impl Tabs {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.parked.len() + 1
    }

    /// Where the tab with that place in the order is parked; `None` for the one that is seen.
    fn slot(&self, tab: usize) -> Option<usize> {
        match tab.cmp(&self.current) {
            std::cmp::Ordering::Less => Some(tab),
            std::cmp::Ordering::Equal => None,
            std::cmp::Ordering::Greater => Some(tab - 1),
        }
    }
}

impl State {
    /// The panes of a tab, by its place in the order, and which of them is active.
    pub fn tab(&self, tab: usize) -> Option<(&Pane, &Pane, Side)> {
        match self.tabs.slot(tab) {
            None => Some((&self.left, &self.right, self.active)),
            Some(slot) => self.tabs.parked.get(slot).map(|p| (&p.left, &p.right, p.active)),
        }
    }

    /// Every pane of every tab, those that are seen first.
    pub fn all_panes(&self) -> impl Iterator<Item = &Pane> {
        let parked = self.tabs.parked.iter().flat_map(|parked| [&parked.left, &parked.right]);
        [&self.left, &self.right].into_iter().chain(parked)
    }

    /// Whether a pane of any tab waits for this job.
    pub fn any_pane_waits_for(&self, job: JobId) -> bool {
        self.all_panes().any(|pane| pane.job() == Some(job))
    }

    /// Puts the parked pair of that slot into sight and what was seen in its place.
    fn exchange(&mut self, slot: usize) {
        if let Some(parked) = self.tabs.parked.get_mut(slot) {
            std::mem::swap(&mut parked.left, &mut self.left);
            std::mem::swap(&mut parked.right, &mut self.right);
            std::mem::swap(&mut parked.active, &mut self.active);
        }
    }

    /// Does something to every tab, as if each were the one that is seen.
    pub fn in_every_tab(&mut self, mut work: impl FnMut(&mut State)) {
        work(self);
        for slot in 0..self.tabs.parked.len() {
            self.exchange(slot);
            work(self);
            self.exchange(slot);
        }
    }

    /// Does something in the tab whose pane waits for the job. The outcome, or `None` where no
    /// pane does.
    pub fn where_awaited<T>(&mut self, job: JobId, work: impl FnOnce(&mut State, Side) -> T) -> Option<T> {
        if let Some(side) = self.side_of(job) {
            return Some(work(self, side));
        }
        let waits = |pane: &Pane| pane.job() == Some(job);
        let slot = self.tabs.parked.iter().position(|p| waits(&p.left) || waits(&p.right))?;
        self.exchange(slot);
        let outcome = self.side_of(job).map(|side| work(self, side));
        self.exchange(slot);
        outcome
    }

    /// Shows another tab, by its place in the order; false where there is none.
    pub fn show_tab(&mut self, tab: usize) -> bool {
        let Some(slot) = self.tabs.slot(tab).filter(|slot| *slot < self.tabs.parked.len()) else {
            return tab == self.tabs.current;
        };
        let mut shown = self.tabs.parked.remove(slot);
        std::mem::swap(&mut shown.left, &mut self.left);
        std::mem::swap(&mut shown.right, &mut self.right);
        std::mem::swap(&mut shown.active, &mut self.active);
        let was = std::mem::replace(&mut self.tabs.current, tab);
        if let Some(slot) = self.tabs.slot(was) {
            self.tabs.parked.insert(slot, shown);
        }
        true
    }

    /// Parks a copy of what is seen in front of it: what is seen is the new tab behind it.
    pub fn add_tab(&mut self) {
        let seen = Parked { left: self.left.clone(), right: self.right.clone(), active: self.active };
        self.tabs.parked.insert(self.tabs.current, seen);
        self.tabs.current += 1;
    }

    /// Drops what is seen and shows the next tab, else the one before; false for the last one.
    pub fn drop_tab(&mut self) -> bool {
        if self.tabs.parked.is_empty() {
            return false;
        }
        let slot = self.tabs.current.min(self.tabs.parked.len() - 1);
        let next = self.tabs.parked.remove(slot);
        (self.left, self.right, self.active) = (next.left, next.right, next.active);
        self.tabs.current = slot;
        true
    }
}
