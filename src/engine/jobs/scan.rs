//! The jobs that walk a tree without changing it: looking for names, and summing up what folders
//! hold. They leave nothing half done: dropping them is enough.

use std::time::{Duration, Instant};

use tokio::sync::mpsc::{self, UnboundedSender};

use super::{super::What, Job, by_file_system};
use crate::{
    fs::{Entry, Error, Kind, Location, RemotePath, Result},
    transfer::{
        Outcome, Totals,
        find::{Match, Query, SHOWN, Tally},
        walk::{self, Watcher},
    },
};

/// Between two words about how far a walk is.
const TOLD_EVERY: Duration = Duration::from_millis(100);

/// Failures that are told one by one; those beyond are only counted.
const FAILURES: u64 = 1000;

/// Passes failures on, as many as anybody would read.
struct Telling {
    what: UnboundedSender<What>,
    failed: std::sync::atomic::AtomicU64,
}

impl Telling {
    fn new(what: UnboundedSender<What>) -> Telling {
        Telling { what, failed: 0.into() }
    }

    /// Nobody listens any more only where the job is being dropped.
    fn tell(&self, what: What) {
        let _ = self.what.send(what);
    }

    fn failures(&self) -> u64 {
        self.failed.load(std::sync::atomic::Ordering::Relaxed)
    }
}

impl Watcher for Telling {
    fn found(&self, _entry: &Entry) {}

    fn failed(&self, error: Error) {
        if self.failed.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < FAILURES {
            self.tell(What::ItemFailed(error));
        }
    }
}

/// Says when it is time for another word.
struct Pace(Option<Instant>);

impl Pace {
    fn is_due(&mut self) -> bool {
        let now = Instant::now();
        let due = self.0.is_none_or(|last| now.duration_since(last) >= TOLD_EVERY);
        if due {
            self.0 = Some(now);
        }
        due
    }
}

impl Job {
    pub(super) async fn find(&self, location: &Location, query: &Query) -> Result<Outcome> {
        let (sender, told) = mpsc::unbounded_channel();
        let walking = async move {
            let telling = Telling::new(sender);
            let fs = self.fs(&location.fs).await?;
            let mut tally = Tally::default();
            let mut pace = Pace(None);
            let mut found = Vec::new();
            walk::each(&fs, vec![location.path.clone()], &telling, |_, path, entries| {
                tally.dirs += 1;
                let mut below = Vec::new();
                for entry in entries.unwrap_or_default() {
                    tally.entries += 1;
                    let at = path.join(&entry.name);
                    if entry.kind == Kind::Dir {
                        below.push(at.clone());
                    }
                    if query.matches(&entry) {
                        tally.matches += 1;
                        if tally.matches <= SHOWN {
                            found.push(Match { path: at, entry });
                        }
                    }
                }
                if pace.is_due() {
                    telling.tell(What::Matches(std::mem::take(&mut found)));
                    telling.tell(What::Scanned(tally));
                }
                below
            })
            .await?;
            telling.tell(What::Matches(found));
            telling.tell(What::Scanned(tally));
            let done = Totals { files: tally.matches, ..Totals::default() };
            Ok(Outcome { done, failed: telling.failures(), ..Outcome::default() })
        };
        tokio::join!(walking, self.hand_on_told(told)).0
    }

    pub(super) async fn measure(&self, items: &[Location]) -> Result<Outcome> {
        let (sender, told) = mpsc::unbounded_channel();
        let walking = async move {
            let telling = Telling::new(sender);
            let mut done = Totals::default();
            for (id, paths) in by_file_system(items) {
                let fs = self.fs(&id).await?;
                let mut sums = Sums::new(&paths);
                walk::each(&fs, paths, &telling, |root, path, entries| {
                    let (below, told) = sums.add(root, path, entries);
                    if let Some((path, totals, standing)) = told {
                        let location = Location::new(id.clone(), path);
                        telling.tell(What::Measured { location, totals, standing });
                    }
                    below
                })
                .await?;
                for sum in &sums.0 {
                    done.files += sum.totals.files;
                    done.dirs += sum.totals.dirs;
                    done.bytes = done.bytes.saturating_add(sum.totals.bytes);
                }
            }
            Ok(Outcome { done, failed: telling.failures(), ..Outcome::default() })
        };
        tokio::join!(walking, self.hand_on_told(told)).0
    }

    /// Tells until nobody has anything to say any more.
    async fn hand_on_told(&self, mut told: mpsc::UnboundedReceiver<What>) {
        while let Some(what) = told.recv().await {
            self.shared.emit(self.job, what).await;
        }
    }
}

/// How far a folder is summed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// There is more to come.
    Counting,
    /// This is all.
    Whole,
    /// This is all that could be seen: folders in it could not be listed.
    AtLeast,
}

/// What one folder holds.
struct Sum {
    path: RemotePath,
    totals: Totals,
    /// Directories that are still to be listed.
    open: u64,
    hidden: bool,
    pace: Pace,
}

struct Sums(Vec<Sum>);

impl Sums {
    fn new(paths: &[RemotePath]) -> Sums {
        let sum = |path: &RemotePath| Sum {
            path: path.clone(),
            totals: Totals::default(),
            open: 1,
            hidden: false,
            pace: Pace(None),
        };
        Sums(paths.iter().map(sum).collect())
    }

    /// Takes a directory in. What is below it, and what is worth telling.
    fn add(
        &mut self,
        root: usize,
        path: &RemotePath,
        entries: Option<Vec<Entry>>,
    ) -> (Vec<RemotePath>, Option<(RemotePath, Totals, Standing)>) {
        let Some(sum) = self.0.get_mut(root) else { return (Vec::new(), None) };
        sum.open = sum.open.saturating_sub(1);
        sum.hidden |= entries.is_none();
        let mut below = Vec::new();
        for entry in entries.unwrap_or_default() {
            match entry.kind {
                Kind::Dir => {
                    sum.totals.dirs += 1;
                    sum.open += 1;
                    below.push(path.join(&entry.name));
                }
                Kind::Symlink => sum.totals.links += 1,
                Kind::File | Kind::Other => {
                    sum.totals.files += 1;
                    let size = entry.attributes.size.unwrap_or_default();
                    sum.totals.bytes = sum.totals.bytes.saturating_add(size);
                }
            }
        }
        let standing = match (sum.open, sum.hidden) {
            (0, false) => Standing::Whole,
            (0, true) => Standing::AtLeast,
            _ if sum.pace.is_due() => Standing::Counting,
            _ => return (below, None),
        };
        (below, Some((sum.path.clone(), sum.totals, standing)))
    }
}
