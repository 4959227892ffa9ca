//! How many files are under way on one file system, over all jobs together: each job has its share
//! of that. Must do no I/O.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::fs::{FileSystem, FsId};

/// A file of this size or less weighs one; larger ones count for more, so that a few big files
/// do not fill the memory that many small ones may use.
pub(super) const SMALL_FILE: u64 = 256 << 10;

/// What a job has in any case, however much the others hold: this part of the whole.
const ASSURED: usize = 8;

/// The gates of all file systems.
#[derive(Default)]
pub struct Gates(Mutex<HashMap<FsId, Weak<Gate>>>);

/// The gate of one file system.
struct Gate(Mutex<State>);

#[derive(Default)]
struct State {
    capacity: usize,
    used: usize,
    jobs: BTreeMap<u64, Taken>,
    next: u64,
}

/// What one job has of a gate, and wants.
#[derive(Default)]
struct Taken {
    used: usize,
    /// Its last place is given up: it goes with what is still under way.
    left: bool,
    waiting: VecDeque<(usize, oneshot::Sender<Permit>)>,
}

/// One job's place at a gate; given up when dropped.
struct Share {
    gate: Arc<Gate>,
    job: u64,
    /// What a file counts for: two where it is read and written on the same server.
    factor: usize,
}

/// So much of a gate; given back when dropped.
struct Permit {
    gate: Arc<Gate>,
    job: u64,
    weight: usize,
}

/// A file's leave to be under way.
pub struct Leave {
    _own: Option<OwnedSemaphorePermit>,
    _permits: Vec<Permit>,
}

/// One job's places at the gates of both its file systems. Clones share them.
#[derive(Clone, Default)]
pub struct Room {
    shares: Arc<Vec<Share>>,
    /// What the job itself keeps to, and what of it is free.
    own: Option<(usize, Arc<Semaphore>)>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Gates {
    fn share(&self, fs: &dyn FileSystem, factor: usize) -> Share {
        let mut gates = lock(&self.0);
        gates.retain(|_, gate| gate.strong_count() > 0);
        let gate = gates.get(fs.id()).and_then(Weak::upgrade).unwrap_or_else(|| {
            let gate = Arc::new(Gate(Mutex::default()));
            gates.insert(fs.id().clone(), Arc::downgrade(&gate));
            gate
        });
        let mut state = lock(&gate.0);
        // The server may tell something else once it is connected again.
        state.capacity = fs.capabilities().parallel_files.max(1);
        let job = state.next;
        state.next += 1;
        state.jobs.insert(job, Taken::default());
        drop(state);
        Share { gate, job, factor }
    }

    /// A job's places. What bounds it are the servers; this machine only where there is none; and
    /// `most` files at a time where that is less.
    pub fn between(&self, from: &dyn FileSystem, to: &dyn FileSystem, most: Option<u16>) -> Room {
        let same = from.id() == to.id();
        let mut shares = match (from.capabilities().remote, to.capabilities().remote) {
            (true, false) => vec![self.share(from, 1)],
            (false, true) => vec![self.share(to, 1)],
            (remote, _) if same => vec![self.share(to, if remote { 2 } else { 1 })],
            _ => vec![self.share(from, 1), self.share(to, 1)],
        };
        // All take them in the same order: nobody waits for somebody who waits for them.
        if !same && from.id() > to.id() {
            shares.reverse();
        }
        let own = most.map(|most| usize::from(most.max(1)));
        Room { shares: Arc::new(shares), own: own.map(|most| (most, Arc::new(Semaphore::new(most)))) }
    }
}

impl Room {
    /// Waits until a file of `size` bytes may be under way.
    pub async fn take(&self, size: u64) -> Leave {
        let own = match &self.own {
            Some((_, free)) => free.clone().acquire_owned().await.ok(),
            None => None,
        };
        let mut permits = Vec::new();
        for share in self.shares.iter() {
            permits.extend(share.take(size).await);
        }
        Leave { _own: own, _permits: permits }
    }

    /// How many files the job has under way at most, whatever the servers bear.
    pub fn most(&self) -> usize {
        self.own.as_ref().map_or(usize::MAX, |(most, _)| *most)
    }
}

impl Share {
    /// `None` only where the gate is gone, which it is not while there is a share.
    async fn take(&self, size: u64) -> Option<Permit> {
        let (sender, turn) = oneshot::channel();
        {
            let mut state = lock(&self.gate.0);
            let most = state.capacity.div_ceil(4);
            let weight = usize::try_from(size / SMALL_FILE).unwrap_or(most).saturating_add(1) * self.factor;
            let weight = weight.min(most.max(self.factor));
            if let Some(taken) = state.jobs.get_mut(&self.job) {
                taken.waiting.push_back((weight, sender));
            }
        }
        self.gate.pass();
        turn.await.ok()
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut state = lock(&self.gate.0);
        if let Some(taken) = state.jobs.get_mut(&self.job) {
            taken.left = true;
        }
        state.sweep(self.job);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        {
            let mut state = lock(&self.gate.0);
            state.used = state.used.saturating_sub(self.weight);
            if let Some(taken) = state.jobs.get_mut(&self.job) {
                taken.used = taken.used.saturating_sub(self.weight);
            }
            state.sweep(self.job);
        }
        self.gate.pass();
    }
}

impl Gate {
    /// Lets through whoever may. Those that have gone away meanwhile give back at once.
    fn pass(self: &Arc<Self>) {
        loop {
            let mut state = lock(&self.0);
            let Some((job, weight, sender)) = state.next_one() else { return };
            drop(state);
            // Nobody holds the gate now: a permit that is not wanted gives itself back.
            drop(sender.send(Permit { gate: self.clone(), job, weight }));
        }
    }
}

impl State {
    fn sweep(&mut self, job: u64) {
        if self.jobs.get(&job).is_some_and(|taken| taken.left && taken.used == 0) {
            self.jobs.remove(&job);
        }
    }

    /// Takes out whoever has the least, if there is room for that; the others do not go past.
    fn next_one(&mut self) -> Option<(u64, usize, oneshot::Sender<Permit>)> {
        for taken in self.jobs.values_mut() {
            taken.waiting.retain(|(_, sender)| !sender.is_closed());
        }
        let waiting = self.jobs.iter_mut().filter(|(_, taken)| !taken.waiting.is_empty());
        let (job, taken) = waiting.min_by_key(|(_, taken)| taken.used)?;
        let weight = taken.waiting.front()?.0;
        let fits = self.used + weight <= self.capacity;
        if !fits && taken.used > 0 && taken.used + weight > self.capacity / ASSURED {
            return None;
        }
        let (weight, sender) = taken.waiting.pop_front()?;
        taken.used += weight;
        self.used += weight;
        Some((*job, weight, sender))
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;
    use crate::fs::memory::Memory;

    fn room(gates: &Gates, fs: &Memory) -> Room {
        gates.between(fs, fs, None)
    }

    #[tokio::test]
    async fn a_job_keeps_to_its_own_measure_however_much_is_free() {
        let (gates, fs) = (Gates::default(), Memory::new("gates"));
        let one = gates.between(&fs, &fs, Some(2));
        let mut held: Vec<Leave> = std::iter::from_fn(|| one.take(1).now_or_never()).collect();
        assert_eq!((held.len(), one.most()), (2, 2));
        assert!(room(&gates, &fs).take(1).now_or_never().is_some(), "others are not held back by it");
        held.pop();
        assert!(one.take(u64::MAX).now_or_never().is_some());
        // A record that was tampered with must not stop it for ever.
        assert!(gates.between(&fs, &fs, Some(0)).take(1).now_or_never().is_some());
    }

    #[tokio::test]
    async fn all_jobs_together_stay_below_what_the_server_takes() {
        let (gates, fs) = (Gates::default(), Memory::new("gates"));
        let (one, other) = (room(&gates, &fs), room(&gates, &fs));
        let most = fs.capabilities().parallel_files;
        let mut held: Vec<Leave> = Vec::new();
        for turn in 0..most {
            let room = if turn % 2 == 0 { &one } else { &other };
            held.push(room.take(1).now_or_never().expect("there is room"));
        }
        assert!(one.take(1).now_or_never().is_none());
        held.pop();
        assert!(one.take(1).now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_job_of_huge_files_leaves_room_for_a_small_one() {
        let (gates, fs) = (Gates::default(), Memory::new("gates"));
        let (huge, small) = (room(&gates, &fs), room(&gates, &fs));
        let mut held = Vec::new();
        while let Some(leave) = huge.take(u64::MAX).now_or_never() {
            held.push(leave);
        }
        assert_eq!(held.len(), 4);
        let mine: Vec<_> = (0..2).map_while(|_| small.take(1).now_or_never()).collect();
        assert_eq!(mine.len(), 2, "an eighth is its own, whatever the others hold");
        assert!(small.take(1).now_or_never().is_none());
    }

    #[tokio::test]
    async fn who_has_least_comes_first() {
        let (gates, fs) = (Gates::default(), Memory::new("gates"));
        let (first, late) = (room(&gates, &fs), room(&gates, &fs));
        let mut held: Vec<Leave> = std::iter::from_fn(|| first.take(1).now_or_never()).take(1000).collect();
        let mut more = Box::pin(first.take(1));
        assert!(more.as_mut().now_or_never().is_none());
        let mut his: Vec<Leave> = std::iter::from_fn(|| late.take(1).now_or_never()).take(1000).collect();
        let mut wanted = Box::pin(late.take(1));
        assert!(wanted.as_mut().now_or_never().is_none());
        // What was let through beyond the measure comes back first.
        for _ in 0..his.len() {
            held.pop();
        }
        held.pop();
        his.push(wanted.as_mut().now_or_never().expect("the one with less"));
        assert!(more.as_mut().now_or_never().is_none());
    }

    #[tokio::test]
    async fn whoever_goes_away_holds_nothing() {
        let (gates, fs) = (Gates::default(), Memory::new("gates"));
        let one = room(&gates, &fs);
        let held: Vec<Leave> = std::iter::from_fn(|| one.take(1).now_or_never()).collect();
        assert!(one.take(1).now_or_never().is_none());
        drop(held);
        let again: Vec<Leave> = std::iter::from_fn(|| one.take(1).now_or_never()).collect();
        assert_eq!(again.len(), fs.capabilities().parallel_files);
    }
}
