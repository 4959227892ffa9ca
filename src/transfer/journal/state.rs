//! What a record knows, kept in step: what is open, what is finished, and what of that does not count
//! any more. Must do no I/O but the record's own lines.

use std::sync::Arc;

use super::{Item, Line, State};
use crate::{
    fs::{FsId, RemotePath},
    transfer::Totals,
};

impl State {
    pub(super) fn server(&mut self, fs: &FsId) -> u32 {
        let at = self.servers.iter().position(|known| known == fs).unwrap_or_else(|| {
            self.servers.push(fs.clone());
            self.servers.len() - 1
        });
        u32::try_from(at).unwrap_or(u32::MAX)
    }

    pub(super) fn key(&mut self, fs: &FsId, source: &RemotePath) -> (u32, RemotePath) {
        (self.server(fs), source.clone())
    }

    pub(super) fn write(&mut self, line: &Line, now: bool) {
        if let Some(disk) = &mut self.disk {
            disk.write(line, now);
        }
    }

    pub(super) fn begin(&mut self, key: (u32, RemotePath), mut item: Item) {
        item.number = self.next;
        self.next += 1;
        if self.disk.is_some() {
            let line = Line::begun(key.0, &key.1, &item);
            self.write(&line, true);
        }
        self.unfinish(&key);
        self.open.insert(key, item);
    }

    /// What is begun anew, or failed, is not finished any more.
    pub(super) fn unfinish(&mut self, key: &(u32, RemotePath)) {
        let (on, source) = key;
        self.finished.remove(*on, source);
        if self.before.get(*on, source).is_some() {
            self.overtaken.insert(key.clone());
        }
    }

    pub(super) fn finish(&mut self, key: (u32, RemotePath)) {
        self.failed.remove(&key);
        let Some(item) = self.open.remove(&key) else { return };
        let item = Item { done: true, part: None, ..item };
        let (on, source) = &key;
        if let Err(item) = self.finished.insert(*on, source, item) {
            self.open.insert(key, item);
        }
    }

    pub(super) fn is_finished(&self, key: &(u32, RemotePath)) -> bool {
        let (on, source) = key;
        self.open.get(key).is_some_and(|item| item.done)
            || self.finished.get(*on, source).is_some()
            || (!self.overtaken.contains(key) && self.before.get(*on, source).is_some())
    }

    /// From now on, all that is finished was so before this run.
    pub(super) fn settle(&mut self) {
        if self.finished.is_empty() && self.overtaken.is_empty() {
            return;
        }
        let before = Arc::make_mut(&mut self.before);
        for (on, source) in self.overtaken.drain() {
            before.remove(on, &source);
        }
        before.absorb(std::mem::take(&mut self.finished));
    }

    pub(super) fn reached(&self) -> Totals {
        let mut reached = self.finished.totals() + self.before.totals();
        for (on, source) in &self.overtaken {
            if let Some(item) = self.before.get(*on, source) {
                reached.files -= 1;
                reached.bytes = reached.bytes.saturating_sub(item.size.unwrap_or_default());
            }
        }
        for item in self.open.values() {
            reached.files += u64::from(item.done);
            reached.bytes += if item.done { item.size.unwrap_or_default() } else { item.offset };
        }
        reached
    }
}
