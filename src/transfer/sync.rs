//! Two directories side by side, and what is to be done about each thing in them: a plan that can
//! be edited. Pure: what was found comes from `compare`, what was decided goes to a copy.

mod both;

use std::{cmp::Ordering, collections::HashSet, sync::Arc, time::Duration};

use super::{Chosen, Landing, OnConflict, Policy, Request, Totals};
use crate::fs::{Entry, Kind, Location, Precision, RemotePath, Timestamp};

/// What is compared of one side's entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Half {
    pub kind: Kind,
    pub size: Option<u64>,
    pub mtime: Option<Timestamp>,
    pub mtime_precision: Precision,
}

impl From<&Entry> for Half {
    fn from(entry: &Entry) -> Self {
        Half {
            kind: entry.kind,
            size: entry.attributes.size,
            mtime: entry.attributes.mtime,
            mtime_precision: entry.mtime_precision,
        }
    }
}

/// How the sides differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    OnlyLeft,
    OnlyRight,
    NewerLeft,
    NewerRight,
    /// They are not the same, and neither is known to be the newer one.
    Different,
    /// A folder on one side stands where the other has something else, or something that is
    /// neither file nor folder nor link is in the way.
    Clash,
    Same,
}

impl Relation {
    pub fn is_change(self) -> bool {
        matches!(self, Relation::NewerLeft | Relation::NewerRight | Relation::Different | Relation::Clash)
    }
}

/// One name, on either side or on both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Below the directories that are compared, as the left side writes it where it has it.
    pub path: Box<[u8]>,
    /// As the right side writes it, where that is another way.
    pub right_path: Option<Box<[u8]>>,
    pub left: Option<Half>,
    pub right: Option<Half>,
    pub relation: Relation,
}

impl Pair {
    pub fn is_dir(&self) -> bool {
        [self.left, self.right].into_iter().flatten().any(|half| half.kind == Kind::Dir)
    }

    pub fn name(&self) -> &[u8] {
        self.path.rsplit(|b| *b == b'/').next().unwrap_or_default()
    }

    /// Below how many directories it is.
    pub fn depth(&self) -> usize {
        self.path.iter().filter(|b| **b == b'/').count()
    }

    fn right_path(&self) -> &[u8] {
        self.right_path.as_deref().unwrap_or(&self.path)
    }

    /// What can be done about it, what does least first.
    pub fn ways(&self) -> &'static [Way] {
        let is_odd = |half: Option<Half>| half.is_some_and(|half| half.kind == Kind::Other);
        match self.relation {
            Relation::Clash => &[Way::Nothing],
            Relation::OnlyLeft if is_odd(self.left) => &[Way::Nothing, Way::Remove],
            Relation::OnlyRight if is_odd(self.right) => &[Way::Nothing, Way::Remove],
            Relation::OnlyLeft => &[Way::Nothing, Way::Right, Way::Remove],
            Relation::OnlyRight => &[Way::Nothing, Way::Left, Way::Remove],
            _ if self.is_dir() => &[Way::Nothing],
            _ => &[Way::Nothing, Way::Right, Way::Left],
        }
    }
}

/// What both sides can tell and keep.
#[derive(Clone, Copy, Debug)]
pub struct Keeping {
    /// The coarser of both sides' time precisions: times closer than this are equal.
    pub precision: Duration,
    /// Each side can be given the other's times. What cannot is younger than what it was made of.
    pub left_times: bool,
    pub right_times: bool,
}

/// How two entries of the same name differ. `content` is whether their bytes are the same, where
/// those were compared.
pub fn relate(left: &Entry, right: &Entry, keeping: Keeping, content: Option<bool>) -> Relation {
    match (left.kind, right.kind) {
        (Kind::Dir, Kind::Dir) => return Relation::Same,
        (Kind::Dir | Kind::Other, _) | (_, Kind::Dir | Kind::Other) => return Relation::Clash,
        (Kind::Symlink, Kind::Symlink) if left.target.is_some() && left.target == right.target => {
            return Relation::Same;
        }
        // A link's own time says nothing: few places can set it.
        (Kind::Symlink, _) | (_, Kind::Symlink) => return Relation::Different,
        (Kind::File, Kind::File) => {}
    }
    let span = left.mtime_precision.max(right.mtime_precision).span();
    let precision = (keeping.precision.max(span).as_nanos() as i128).max(1);
    let nanos = |entry: &Entry| {
        entry.attributes.mtime.map(|t| i128::from(t.seconds) * 1_000_000_000 + i128::from(t.nanos))
    };
    // By how much the left one is newer.
    let newer = nanos(left).zip(nanos(right)).map(|(left, right)| left - right);
    if content == Some(true) {
        return Relation::Same;
    }
    let same_size = left.attributes.size.is_some() && left.attributes.size == right.attributes.size;
    let may_be_copy = newer.is_some_and(|newer| {
        let right_is_copy = if keeping.right_times { newer.abs() < precision } else { newer < precision };
        let left_is_copy = if keeping.left_times { newer.abs() < precision } else { -newer < precision };
        right_is_copy || left_is_copy
    });
    if same_size && may_be_copy && content.is_none() {
        return Relation::Same;
    }
    match newer {
        Some(newer) if newer >= precision => Relation::NewerLeft,
        Some(newer) if -newer >= precision => Relation::NewerRight,
        _ => Relation::Different,
    }
}

/// What is done about one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    Nothing,
    /// The right side becomes as the left one is.
    Right,
    Left,
    /// It goes, on the side that has it.
    Remove,
}

/// What is done about everything that was not decided by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// The right side becomes like the left one.
    #[default]
    Right,
    Left,
    /// Each side gets what is newer on the other.
    Both,
}

/// What a plan amounts to on one side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// What comes, bytes included.
    pub copied: Totals,
    /// So many of those replace something.
    pub replaced: u64,
    pub removed: u64,
}

/// What a plan amounts to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    pub to_right: Load,
    pub to_left: Load,
    /// Changes that nothing is done about.
    pub left_alone: u64,
    /// Of those, what nobody but the person can decide.
    pub undecided: u64,
}

/// How many pairs there are of each sort; directories that both sides have are not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sorts {
    pub only_left: u64,
    pub changed: u64,
    pub only_right: u64,
    pub same: u64,
}

/// Both sides and the plan for them.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    /// A directory before what it holds, its files before the directories in it.
    pairs: Vec<Pair>,
    /// What the person has decided.
    own: Vec<Option<Way>>,
    /// What comes of it.
    ways: Vec<Way>,
    mode: Mode,
    delete: bool,
}

impl Comparison {
    pub fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Whether mirroring removes what the other side does not have.
    pub fn deletes(&self) -> bool {
        self.delete
    }

    /// What is done about a pair.
    pub fn way(&self, at: usize) -> Way {
        self.ways.get(at).copied().unwrap_or(Way::Nothing)
    }

    /// Whether the person has decided about it.
    pub fn is_own(&self, at: usize) -> bool {
        self.own.get(at).is_some_and(Option::is_some)
    }

    /// Neither the mode nor the person says what is to be done.
    pub fn is_undecided(&self, at: usize) -> bool {
        let Some(pair) = self.pairs.get(at) else { return false };
        match pair.relation {
            Relation::Clash => true,
            Relation::Different => self.mode == Mode::Both && !self.is_own(at),
            _ => false,
        }
    }

    /// Takes in what was found, in whatever order.
    pub fn add(&mut self, mut found: Vec<Pair>) {
        found.sort_by(order);
        let old = std::mem::take(&mut self.pairs).into_iter().zip(std::mem::take(&mut self.own));
        let mut old = old.peekable();
        let mut new = found.into_iter().peekable();
        loop {
            let older_first = match (old.peek(), new.peek()) {
                (Some((old, _)), Some(new)) => order(old, new) != Ordering::Greater,
                (Some(_), None) => true,
                (None, Some(_)) => false,
                (None, None) => break,
            };
            let (pair, own) = match older_first {
                true => old.next().unzip(),
                false => (new.next(), Some(None)),
            };
            self.pairs.extend(pair);
            self.own.extend(own);
        }
        self.settle();
    }

    pub fn set_mode(&mut self, mode: Mode) {
        self.mode = mode;
        self.settle();
    }

    pub fn set_deletes(&mut self, delete: bool) {
        self.delete = delete;
        self.settle();
    }

    /// A pair and all below it.
    pub fn below(&self, at: usize) -> std::ops::Range<usize> {
        let Some(pair) = self.pairs.get(at).filter(|pair| pair.is_dir()) else { return at..at + 1 };
        let is_below = |other: &Pair| {
            other.path.strip_prefix(&*pair.path).is_some_and(|rest| rest.first() == Some(&b'/'))
        };
        let rest = self.pairs.get(at + 1..).unwrap_or_default();
        at..at + 1 + rest.partition_point(is_below)
    }

    /// Decides about a pair, and about all below it; `None` leaves it to the mode again. Where a way
    /// is none for something, that stays as it is. False where it is none for all of them.
    pub fn set(&mut self, at: usize, way: Option<Way>) -> bool {
        let mut any = false;
        for at in self.below(at) {
            let (Some(pair), Some(own)) = (self.pairs.get(at), self.own.get_mut(at)) else { break };
            if way.is_none_or(|way| pair.ways().contains(&way)) {
                *own = way;
                any = true;
            }
        }
        self.settle();
        any
    }

    /// What the mode says.
    fn by_mode(&self, pair: &Pair) -> Way {
        let mirror = |source: Relation, to: Way| match pair.relation {
            Relation::Same | Relation::Clash => Way::Nothing,
            Relation::OnlyLeft | Relation::OnlyRight if pair.relation == source => to,
            Relation::OnlyLeft | Relation::OnlyRight if self.delete => Way::Remove,
            Relation::OnlyLeft | Relation::OnlyRight => Way::Nothing,
            _ => to,
        };
        let way = match self.mode {
            Mode::Right => mirror(Relation::OnlyLeft, Way::Right),
            Mode::Left => mirror(Relation::OnlyRight, Way::Left),
            Mode::Both => match pair.relation {
                Relation::OnlyLeft | Relation::NewerLeft => Way::Right,
                Relation::OnlyRight | Relation::NewerRight => Way::Left,
                _ => Way::Nothing,
            },
        };
        if pair.ways().contains(&way) { way } else { Way::Nothing }
    }

    /// What each pair comes to: a directory is created where something goes into it, and stays
    /// where something in it does.
    fn settle(&mut self) {
        /// What is done with things directly or further below.
        #[derive(Clone, Copy, Default)]
        struct Below {
            comes: bool,
            stays: bool,
        }
        let mut ways = vec![Way::Nothing; self.pairs.len()];
        // By depth: of what was met since the last directory of that depth.
        let mut below: Vec<Below> = Vec::new();
        for (at, pair) in self.pairs.iter().enumerate().rev() {
            let depth = pair.depth();
            below.resize(below.len().max(depth + 2), Below::default());
            let inner = std::mem::take(&mut below[depth + 1]);
            let wanted = self.own.get(at).copied().flatten().unwrap_or_else(|| self.by_mode(pair));
            let way = match (pair.relation, wanted) {
                (Relation::OnlyLeft, _) if inner.comes => Way::Right,
                (Relation::OnlyRight, _) if inner.comes => Way::Left,
                (_, Way::Remove) if inner.stays => Way::Nothing,
                (_, wanted) => wanted,
            };
            if let Some(slot) = ways.get_mut(at) {
                *slot = way;
            }
            let outer = &mut below[depth];
            outer.comes |= inner.comes || matches!(way, Way::Right | Way::Left);
            outer.stays |= inner.stays || way != Way::Remove;
        }
        self.ways = ways;
    }

    pub fn sorts(&self) -> Sorts {
        let mut sorts = Sorts::default();
        for pair in &self.pairs {
            match pair.relation {
                Relation::OnlyLeft => sorts.only_left += 1,
                Relation::OnlyRight => sorts.only_right += 1,
                Relation::Same if pair.is_dir() => {}
                Relation::Same => sorts.same += 1,
                _ => sorts.changed += 1,
            }
        }
        sorts
    }

    pub fn sums(&self) -> Sums {
        let mut sums = Sums::default();
        for (at, pair) in self.pairs.iter().enumerate() {
            let (load, half, replaces) = match self.way(at) {
                Way::Nothing => {
                    sums.left_alone += u64::from(pair.relation != Relation::Same);
                    sums.undecided += u64::from(self.is_undecided(at));
                    continue;
                }
                Way::Remove => {
                    let load = if pair.left.is_some() { &mut sums.to_left } else { &mut sums.to_right };
                    load.removed += 1;
                    continue;
                }
                Way::Right => (&mut sums.to_right, pair.left, pair.right.is_some()),
                Way::Left => (&mut sums.to_left, pair.right, pair.left.is_some()),
            };
            let Some(half) = half else { continue };
            match half.kind {
                Kind::Dir => load.copied.dirs += 1,
                Kind::File => load.copied.files += 1,
                Kind::Symlink | Kind::Other => load.copied.links += 1,
            }
            load.replaced += u64::from(replaces);
            if half.kind == Kind::File {
                load.copied.bytes = load.copied.bytes.saturating_add(half.size.unwrap_or_default());
            }
        }
        sums
    }

    /// The copies that do exactly this and nothing else: one for each side that changes.
    pub fn requests(&self, left: &Location, right: &Location) -> Vec<Request> {
        let mut to_right = Chosen::default();
        let mut to_left = Chosen::default();
        for (at, pair) in self.pairs.iter().enumerate() {
            let take = |set: &mut HashSet<RemotePath>, root: &Location, path: &[u8]| {
                set.insert(root.path.resolve(path));
            };
            match self.way(at) {
                Way::Nothing => {}
                Way::Right => take(&mut to_right.copy, right, pair.right_path()),
                Way::Left => take(&mut to_left.copy, left, &pair.path),
                Way::Remove if pair.left.is_some() => take(&mut to_left.remove, left, &pair.path),
                Way::Remove => take(&mut to_right.remove, right, pair.right_path()),
            }
        }
        [(left, right, to_right), (right, left, to_left)]
            .into_iter()
            .filter(|(.., chosen)| *chosen != Chosen::default())
            .map(|(source, target, chosen)| Request {
                sources: vec![source.clone()],
                target: target.clone(),
                landing: Landing::Onto,
                policy: Policy {
                    on_conflict: OnConflict::Overwrite,
                    delete: !chosen.remove.is_empty(),
                    chosen: Some(Arc::new(chosen)),
                    ..Policy::default()
                },
                remove_source: false,
            })
            .collect()
    }
}

/// Directories before what they hold, and in each the files before the directories.
fn order(a: &Pair, b: &Pair) -> Ordering {
    let (mut left, mut right) = (a.path.split(is_slash).peekable(), b.path.split(is_slash).peekable());
    loop {
        let (Some(x), Some(y)) = (left.next(), right.next()) else {
            return a.path.len().cmp(&b.path.len());
        };
        // What goes on is a directory at this level.
        let x_is_dir = left.peek().is_some() || a.is_dir();
        let y_is_dir = right.peek().is_some() || b.is_dir();
        match x_is_dir.cmp(&y_is_dir).then_with(|| natural(x, y)) {
            Ordering::Equal => {}
            other => return other,
        }
    }
}

/// `file2` before `file10`; names that differ at all are never equal.
pub fn natural(a: &[u8], b: &[u8]) -> Ordering {
    let (mut x, mut y) = (a, b);
    let number = |text: &[u8]| text.iter().take_while(|b| b.is_ascii_digit()).count();
    while let (Some(first), Some(second)) = (x.first(), y.first()) {
        let (digits, others) = (number(x), number(y));
        let order = if digits > 0 && others > 0 {
            let (left, right) = (x.get(..digits).unwrap_or_default(), y.get(..others).unwrap_or_default());
            let zeros = |text: &[u8]| text.iter().take_while(|b| **b == b'0').count();
            let left = left.get(zeros(left)..).unwrap_or_default();
            let right = right.get(zeros(right)..).unwrap_or_default();
            (x, y) = (x.get(digits..).unwrap_or_default(), y.get(others..).unwrap_or_default());
            left.len().cmp(&right.len()).then_with(|| left.cmp(right))
        } else {
            (x, y) = (x.get(1..).unwrap_or_default(), y.get(1..).unwrap_or_default());
            first.to_ascii_lowercase().cmp(&second.to_ascii_lowercase())
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    x.len().cmp(&y.len()).then_with(|| a.cmp(b))
}

fn is_slash(b: &u8) -> bool {
    *b == b'/'
}

#[cfg(test)]
mod tests;
