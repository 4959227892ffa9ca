//! A directory's entries as a pane shows them: kept sorted while batches arrive, filtered, with
//! the selection. Plain data of any size; never looks at the screen.

use std::collections::{HashMap, HashSet};

use crate::{
    engine::Standing,
    fs::{
        Entry, Kind,
        entry::{Sort, SortKey, compare, natural_key},
    },
};

/// The orders on offer.
pub const SORTS: [SortKey; 4] = [SortKey::Name, SortKey::Size, SortKey::Modified, SortKey::Extension];

/// An entry with what sorting and selecting need.
#[derive(Clone, Debug)]
pub struct Item {
    pub entry: Entry,
    key: Box<[u8]>,
    pub selected: bool,
    /// How far a folder is summed up; what it holds is its size then.
    pub measured: Option<Standing>,
}

/// What is selected, or shown: how many and how large.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    pub count: u64,
    /// As far as sizes are known; folders count as nothing.
    pub bytes: u64,
}

impl Sum {
    fn of<'a>(items: impl Iterator<Item = &'a Item>) -> Sum {
        items.fold(Sum::default(), |sum, item| Sum {
            count: sum.count + 1,
            bytes: sum.bytes.saturating_add(item.bytes()),
        })
    }
}

impl Item {
    fn bytes(&self) -> u64 {
        // The size of a link to a folder is that of the link.
        let counts = self.entry.kind == Kind::Dir || !self.entry.is_dir_like();
        self.entry.attributes.size.filter(|_| counts).unwrap_or(0)
    }
}

/// Entries, their order, and those of them that are shown.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    items: Vec<Item>,
    /// Indices into `items`, all of them, sorted.
    sorted: Vec<u32>,
    /// Those of `sorted` that pass the filter, in the same order.
    shown: Vec<u32>,
    sort: Sort,
    hidden: bool,
    /// Lower case; empty shows all.
    filter: String,
    total: Sum,
    selected: Sum,
}

impl Listing {
    /// An empty one with the order and the view of this one.
    pub fn emptied(&self) -> Listing {
        Listing { sort: self.sort, hidden: self.hidden, filter: self.filter.clone(), ..Listing::default() }
    }

    /// How many entries are shown.
    pub fn len(&self) -> usize {
        self.shown.len()
    }

    pub fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }

    /// How many there are, shown or not.
    pub fn loaded(&self) -> usize {
        self.items.len()
    }

    /// The entry in that place of the order.
    pub fn get(&self, at: usize) -> Option<&Item> {
        self.items.get(*self.shown.get(at)? as usize)
    }

    /// What is shown, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Item> {
        self.shown.iter().filter_map(|index| self.items.get(*index as usize))
    }

    /// All there are, shown or not, in no order.
    pub fn all(&self) -> impl Iterator<Item = &Item> {
        self.items.iter()
    }

    /// Where a name stands, if it is shown.
    pub fn position(&self, name: &[u8]) -> Option<usize> {
        self.iter().position(|item| *item.entry.name == *name)
    }

    /// What stays with an entry while the order changes.
    pub fn id(&self, at: usize) -> Option<u32> {
        self.shown.get(at).copied()
    }

    /// Where that entry stands now, if it is shown.
    pub fn position_of(&self, id: u32) -> Option<usize> {
        self.shown.iter().position(|shown| *shown == id)
    }

    pub fn sort(&self) -> Sort {
        self.sort
    }

    pub fn shows_hidden(&self) -> bool {
        self.hidden
    }

    pub fn filter(&self) -> &str {
        &self.filter
    }

    pub fn total(&self) -> Sum {
        self.total
    }

    /// What is selected among the entries that are shown: nothing else is ever acted upon.
    pub fn selected(&self) -> Sum {
        self.selected
    }

    /// Merges a batch in: only the batch is sorted, then put in place by binary search.
    pub fn add(&mut self, batch: Vec<Entry>) {
        let first = self.items.len();
        self.items.extend(batch.into_iter().map(|entry| Item {
            key: natural_key(&entry.name),
            entry: sizeless(entry),
            selected: false,
            measured: None,
        }));
        let mut fresh: Vec<u32> = (first..self.items.len()).filter_map(|i| u32::try_from(i).ok()).collect();
        let (items, sort) = (&self.items, self.sort);
        fresh.sort_unstable_by(|a, b| order(items, sort, *a, *b));
        let seen: Vec<u32> = fresh.iter().copied().filter(|index| self.passes(*index)).collect();
        merge(&mut self.sorted, &fresh, |a, b| order(items, sort, a, b));
        merge(&mut self.shown, &seen, |a, b| order(items, sort, a, b));
        let more = Sum::of(seen.iter().filter_map(|index| self.items.get(*index as usize)));
        self.total.count += more.count;
        self.total.bytes = self.total.bytes.saturating_add(more.bytes);
    }

    /// What a folder holds, as far as it is known. `id` is where it stood when that was asked for,
    /// which spares looking for it.
    pub fn set_measured(&mut self, id: u32, name: &[u8], standing: Option<Standing>, bytes: Option<u64>) {
        let is_it = |item: &Item| *item.entry.name == *name && item.entry.kind == Kind::Dir;
        let at = match self.items.get(id as usize) {
            Some(item) if is_it(item) => Some(id as usize),
            _ => self.items.iter().position(is_it),
        };
        if let Some(item) = at.and_then(|at| self.items.get_mut(at)) {
            item.measured = standing;
            item.entry.attributes.size = bytes;
        }
    }

    /// Puts everything in its place and counts anew, after sizes have changed.
    pub fn settle_sizes(&mut self) {
        if self.sort.key == SortKey::Size {
            let (items, sort) = (&self.items, self.sort);
            self.sorted.sort_by(|a, b| order(items, sort, *a, *b));
        }
        self.refilter();
    }

    /// Folders are not summed up any more.
    pub fn forget_measured(&mut self) {
        for item in self.items.iter_mut().filter(|item| item.measured.is_some()) {
            (item.measured, item.entry.attributes.size) = (None, None);
        }
        self.settle_sizes();
    }

    /// Takes over what folders hold from an older listing of the same directory.
    pub fn adopt_measured(&mut self, older: &Listing) {
        let known = older
            .items
            .iter()
            .filter_map(|item| Some((&*item.entry.name, (item.measured?, item.entry.attributes.size))));
        let known: HashMap<&[u8], (Standing, Option<u64>)> = known.collect();
        if known.is_empty() {
            return;
        }
        for item in self.items.iter_mut().filter(|item| item.entry.kind == Kind::Dir) {
            if let Some((standing, bytes)) = known.get(&*item.entry.name) {
                (item.measured, item.entry.attributes.size) = (Some(*standing), *bytes);
            }
        }
        self.settle_sizes();
    }

    pub fn set_sort(&mut self, sort: Sort) {
        let filter = std::mem::take(&mut self.filter);
        self.set_view(sort, self.hidden, &filter);
    }

    pub fn set_hidden(&mut self, hidden: bool) {
        let filter = std::mem::take(&mut self.filter);
        self.set_view(self.sort, hidden, &filter);
    }

    pub fn set_filter(&mut self, text: &str) {
        self.set_view(self.sort, self.hidden, text);
    }

    /// Order and filter at once, which costs no more than one of them.
    pub fn set_view(&mut self, sort: Sort, hidden: bool, filter: &str) {
        if sort != self.sort {
            self.sort = sort;
            let items = &self.items;
            self.sorted.sort_unstable_by(|a, b| order(items, sort, *a, *b));
        }
        self.hidden = hidden;
        self.filter = filter.to_lowercase();
        self.refilter();
    }

    fn refilter(&mut self) {
        self.shown = self.sorted.iter().copied().filter(|index| self.passes(*index)).collect();
        self.total = Sum::of(self.iter());
        self.recount();
    }

    fn passes(&self, index: u32) -> bool {
        let Some(item) = self.items.get(index as usize) else { return false };
        (self.hidden || !item.entry.is_hidden()) && (self.filter.is_empty() || self.matches(&item.entry.name))
    }

    fn matches(&self, name: &[u8]) -> bool {
        let needle = self.filter.as_bytes();
        if name.is_ascii() && needle.is_ascii() {
            return name.windows(needle.len()).any(|part| part.eq_ignore_ascii_case(needle));
        }
        String::from_utf8_lossy(name).to_lowercase().contains(&self.filter)
    }

    fn recount(&mut self) {
        self.selected = Sum::of(self.iter().filter(|item| item.selected));
    }

    fn item_mut(&mut self, at: usize) -> Option<&mut Item> {
        self.items.get_mut(*self.shown.get(at)? as usize)
    }

    pub fn set_selected(&mut self, at: usize, selected: bool) {
        let Some(item) = self.item_mut(at) else { return };
        if item.selected == selected {
            return;
        }
        item.selected = selected;
        let bytes = item.bytes();
        if selected {
            self.selected.count += 1;
            self.selected.bytes = self.selected.bytes.saturating_add(bytes);
        } else {
            self.selected.count = self.selected.count.saturating_sub(1);
            self.selected.bytes = self.selected.bytes.saturating_sub(bytes);
        }
    }

    /// Sets each shown entry's selection from what it was.
    pub fn select_by(&mut self, choose: impl Fn(bool) -> bool) {
        for index in &self.shown {
            if let Some(item) = self.items.get_mut(*index as usize) {
                item.selected = choose(item.selected);
            }
        }
        self.recount();
    }

    /// Selects or unselects the shown entries that are chosen; how many there are of them.
    pub fn select_where(&mut self, selected: bool, chosen: impl Fn(&Entry) -> bool) -> usize {
        let mut count = 0;
        for index in &self.shown {
            if let Some(item) = self.items.get_mut(*index as usize)
                && chosen(&item.entry)
            {
                item.selected = selected;
                count += 1;
            }
        }
        self.recount();
        count
    }

    /// Nothing is selected any more, shown or not.
    pub fn select_none(&mut self) {
        self.items.iter_mut().for_each(|item| item.selected = false);
        self.recount();
    }

    /// Takes over the selection of an older listing of the same directory, by name.
    pub fn adopt_selection(&mut self, older: &Listing) {
        let names: HashSet<&[u8]> =
            older.items.iter().filter(|item| item.selected).map(|item| &*item.entry.name).collect();
        if names.is_empty() {
            return;
        }
        for item in &mut self.items {
            item.selected = names.contains(&*item.entry.name);
        }
        self.recount();
    }
}

/// A folder's own size says nothing of what it holds.
fn sizeless(mut entry: Entry) -> Entry {
    if entry.kind == Kind::Dir {
        entry.attributes.size = None;
    }
    entry
}

fn order(items: &[Item], sort: Sort, a: u32, b: u32) -> std::cmp::Ordering {
    match (items.get(a as usize), items.get(b as usize)) {
        // The index ends every tie, so that a name listed twice keeps its order.
        (Some(x), Some(y)) => compare(sort, &x.entry, &x.key, &y.entry, &y.key).then(a.cmp(&b)),
        _ => a.cmp(&b),
    }
}

/// Merges sorted `fresh` into sorted `into`, from the end, moving each stretch once.
fn merge(into: &mut Vec<u32>, fresh: &[u32], cmp: impl Fn(u32, u32) -> std::cmp::Ordering) {
    let mut left = into.len();
    into.resize(left + fresh.len(), 0);
    for (before, new) in fresh.iter().enumerate().rev() {
        let old = into.get(..left).unwrap_or_default();
        let at = old.partition_point(|index| cmp(*index, *new).is_lt());
        into.copy_within(at..left, at + before + 1);
        if let Some(slot) = into.get_mut(at + before) {
            *slot = *new;
        }
        left = at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::entry::SortKey;

    fn file(name: &str, size: u64) -> Entry {
        let mut entry = Entry::new(name.as_bytes(), Kind::File);
        entry.attributes.size = Some(size);
        entry
    }

    fn names(listing: &Listing) -> Vec<String> {
        listing.iter().map(|item| String::from_utf8_lossy(&item.entry.name).into_owned()).collect()
    }

    #[test]
    fn batches_merge_into_one_order() {
        let mut listing = Listing::default();
        listing.add(vec![file("b", 1), file("d10", 2), file(".h", 9)]);
        listing.add(vec![]);
        listing.add(vec![file("a", 3), file("d9", 4), file("e", 5), Entry::new(&b"z"[..], Kind::Dir)]);
        assert_eq!(names(&listing), ["z", "a", "b", "d9", "d10", "e"]);
        assert_eq!(listing.total(), Sum { count: 6, bytes: 15 });
        listing.set_hidden(true);
        assert_eq!(names(&listing), ["z", ".h", "a", "b", "d9", "d10", "e"]);
        listing.set_sort(Sort { key: SortKey::Size, descending: true, dirs_first: false });
        assert_eq!(names(&listing), [".h", "e", "d9", "a", "d10", "b", "z"]);
        listing.set_filter("D");
        assert_eq!(names(&listing), ["d9", "d10"]);
    }

    #[test]
    fn merging_equals_sorting() {
        let mut piecewise = Listing::default();
        let all: Vec<Entry> = (0..1000u64).map(|i| file(&format!("f{}", i * 7919 % 1000), i)).collect();
        for batch in all.chunks(37) {
            piecewise.add(batch.to_vec());
        }
        let mut at_once = Listing::default();
        at_once.add(all);
        assert_eq!(names(&piecewise), names(&at_once));
        assert_eq!(names(&piecewise).first().map(String::as_str), Some("f0"));
    }

    #[test]
    fn selection_is_counted_and_survives_a_new_listing() {
        let mut listing = Listing::default();
        listing.add(vec![file("a", 1), file("b", 2), file("c", 4)]);
        listing.set_selected(0, true);
        listing.set_selected(2, true);
        listing.set_selected(2, true);
        assert_eq!(listing.selected(), Sum { count: 2, bytes: 5 });
        listing.set_filter("a");
        assert_eq!(listing.selected(), Sum { count: 1, bytes: 1 });
        let mut newer = listing.emptied();
        newer.add(vec![file("c", 8), file("d", 1)]);
        newer.adopt_selection(&listing);
        newer.set_filter("");
        assert_eq!(newer.selected(), Sum { count: 1, bytes: 8 });
        newer.select_by(|was| !was);
        assert_eq!(newer.selected(), Sum { count: 1, bytes: 1 });
        newer.select_none();
        assert_eq!(newer.selected(), Sum::default());
    }
}
