//! What a file system does with its files by itself: hard links, copies, checksums, commands,
//! owners. Where it has none of it, it says Unsupported and changes nothing.

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use futures::TryStreamExt;
use tokio::sync::{Notify, Semaphore};
use wharf::fs::{
    Algorithm, Attributes, ErrorKind, Kind, Operation, Output, Pace, Principal, Timestamp, WriteOptions,
    sum::Summer,
};

use crate::{Place, noise};

pub async fn hard_links(place: Place) {
    let file = place.put("file", b"content").await;
    let link = place.at("link");
    let linked = place.fs.hard_link(&file, &link).await;
    if !place.capabilities().hard_links {
        place.refused(linked, ErrorKind::Unsupported, Operation::HardLink, &file);
        assert_eq!(place.names(&place.root).await, [b"file"]);
        return;
    }
    linked.unwrap();
    assert_eq!(place.fs.lstat(&link).await.unwrap().kind, Kind::File);
    place.fs.remove_file(&file).await.unwrap();
    assert_eq!(place.content(&link).await, b"content", "the other name keeps it");
    let other = place.put("other", b"other").await;
    let taken = place.fs.hard_link(&other, &link).await;
    place.refused(taken, ErrorKind::AlreadyExists, Operation::HardLink, &other);
    assert_eq!(place.content(&link).await, b"content");
    let missing = place.at("missing");
    let result = place.fs.hard_link(&missing, &place.at("new")).await;
    place.refused(result, ErrorKind::NotFound, Operation::HardLink, &missing);
}

pub async fn copies_within(place: Place) {
    let content = noise(3_000_001);
    let file = place.put("file", &content).await;
    let to = place.at("copy");
    let told = AtomicU64::new(0);
    let tell = |bytes: u64| {
        told.fetch_add(bytes, Ordering::Relaxed);
    };
    let mtime = Timestamp::from_seconds(1_234_567_890);
    let options = |size, exclusive| WriteOptions {
        exclusive,
        create_mode: Some(0o600),
        attributes: Attributes { mtime: Some(mtime), mode: Some(0o640), ..Attributes::default() },
        expected_size: size,
        ..WriteOptions::default()
    };
    let copied = place.fs.copy_within(&file, &to, options(Some(3_000_001), true), &tell).await;
    if !place.capabilities().copy_within {
        place.refused(copied.map(drop), ErrorKind::Unsupported, Operation::CopyWithin, &file);
        assert_eq!(place.names(&place.root).await, [b"file"]);
        return;
    }
    let written = copied.unwrap();
    assert!(written.attributes_refused.is_none() && written.size.is_none_or(|size| size == 3_000_001));
    assert_eq!(told.load(Ordering::Relaxed), 3_000_001);
    assert!(place.content(&to).await == content);
    let entry = place.fs.stat(&to).await.unwrap().attributes;
    assert_eq!((entry.mtime, entry.mode), (Some(mtime), Some(0o640)));
    let again = place.fs.copy_within(&file, &to, options(None, true), &tell).await;
    place.refused(again.map(drop), ErrorKind::AlreadyExists, Operation::Open, &to);
    // A size that was wrong, or not known, leaves nothing out; what was longer is cut.
    for size in [None, Some(0), Some(17), Some(9_000_000)] {
        let longer = place.put("over", &noise(4_000_000)).await;
        place.fs.copy_within(&file, &longer, options(size, false), &tell).await.unwrap();
        assert!(place.content(&longer).await == content, "{size:?}");
    }
    let empty = place.put("empty", b"").await;
    place.fs.copy_within(&empty, &place.at("void"), options(Some(0), true), &tell).await.unwrap();
    assert_eq!(place.content(&place.at("void")).await, b"");
}

/// Lets so many bytes pass as the test gives out.
struct Held {
    given: Semaphore,
    told: AtomicU64,
    /// Somebody waits.
    waits: Notify,
}

const PIECE: usize = 1 << 20;

#[async_trait]
impl Pace for Held {
    fn moved(&self, bytes: u64) {
        self.told.fetch_add(bytes, Ordering::SeqCst);
    }

    async fn pass(&self, bytes: u64) {
        assert!(bytes <= PIECE as u64, "{bytes} at a time");
        if self.given.available_permits() < bytes as usize {
            self.waits.notify_one();
        }
        self.given.acquire_many(bytes as u32).await.unwrap().forget();
    }

    fn piece(&self, most: u64) -> u64 {
        most.min(PIECE as u64)
    }
}

/// A limit and a pause hold what a file system copies by itself as well.
pub async fn copies_within_keep_to_their_pace(place: Place) {
    if !place.capabilities().copy_within {
        return;
    }
    let content = noise(5 * PIECE + 17);
    let file = place.put("file", &content).await;
    let held = Held { given: Semaphore::new(2 * PIECE), told: AtomicU64::new(0), waits: Notify::new() };
    let options = WriteOptions { expected_size: Some(content.len() as u64), ..WriteOptions::default() };
    let to = place.at("copy");
    let (copied, ()) = tokio::join!(place.fs.copy_within(&file, &to, options, &held), async {
        held.waits.notified().await;
        assert!(held.told.load(Ordering::SeqCst) <= 2 * PIECE as u64);
        let there = place.fs.stat(&to).await.unwrap().attributes.size.unwrap();
        assert!(there <= 2 * PIECE as u64, "{there} bytes are there");
        held.given.add_permits(content.len());
    });
    copied.unwrap();
    assert_eq!(held.told.load(Ordering::SeqCst), content.len() as u64);
    assert!(place.content(&to).await == content);
}

/// Nothing is emptied for a source that is not there, or is no file.
pub async fn copies_within_spare_what_is_there(place: Place) {
    if !place.capabilities().copy_within {
        return;
    }
    let precious = place.put("precious", b"precious").await;
    place.fs.create_dir(&place.at("dir"), None).await.unwrap();
    for source in ["missing", "dir"] {
        let source = place.at(source);
        let options = WriteOptions::default();
        let copied = place.fs.copy_within(&source, &precious, options, &|_: u64| {}).await;
        assert!(copied.is_err(), "{source:?}");
        if source == place.at("missing") {
            assert_eq!(place.content(&precious).await, b"precious");
        }
    }
}

pub async fn sums_up(place: Place) {
    let content = noise(700_001);
    let name = if place.bears_line_breaks() { "it's -a \\ file\n" } else { "it's -a file" };
    let file = place.put(name, &content).await;
    for algorithm in Algorithm::ALL {
        let summed = place.fs.checksum(&file, algorithm).await;
        // No tool that a server has computes it.
        let by_reading = algorithm == Algorithm::Crc32 && place.fs.id().as_str().starts_with("sftp");
        if !place.capabilities().checksums || by_reading {
            place.refused(summed, ErrorKind::Unsupported, Operation::Checksum, &file);
            continue;
        }
        let mut summer = Summer::new(algorithm);
        summer.add(&content);
        assert_eq!(summed.unwrap().bytes, summer.finish().bytes, "{algorithm:?}");
    }
    // A server's tools may only say that they failed: then reading says why.
    place.fs.create_dir(&place.at("dir"), None).await.unwrap();
    for path in [place.at("missing"), place.at("dir")] {
        assert!(place.fs.checksum(&path, Algorithm::Sha256).await.is_err());
    }
}

pub async fn runs_commands(place: Place) {
    place.put("file", b"content").await;
    let ran = place.fs.execute(&place.root, b"cat file; echo oops >&2; exit 7").await;
    if !place.capabilities().commands {
        place.refused(ran.map(drop), ErrorKind::Unsupported, Operation::Execute, &place.root);
        return;
    }
    let output: Vec<Output> = ran.unwrap().try_collect().await.unwrap();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    for output in &output {
        match output {
            Output::Stdout(bytes) => out.extend_from_slice(bytes),
            Output::Stderr(bytes) => err.extend_from_slice(bytes),
            _ => {}
        }
    }
    assert_eq!((&out[..], &err[..]), (&b"content"[..], &b"oops\n"[..]));
    assert_eq!(output.last(), Some(&Output::Exited(7)));
    let ended = place.fs.execute(&place.root, b"kill -TERM $$").await.unwrap();
    let output: Vec<Output> = ended.try_collect().await.unwrap();
    assert_eq!(output.last(), Some(&Output::Killed("TERM".into())));
    // Nothing to read: a command that asks for it ends.
    let output: Vec<Output> =
        place.fs.execute(&place.root, b"cat").await.unwrap().try_collect().await.unwrap();
    assert_eq!(output, [Output::Exited(0)]);
    let missing = place.at("missing");
    let failed = match place.fs.execute(&missing, b"true").await {
        Ok(output) => output.try_collect::<Vec<_>>().await.unwrap().last() != Some(&Output::Exited(0)),
        Err(_) => true,
    };
    assert!(failed, "not in a directory that is not there");
    // One that is given up does not hold up the next. Servers may let it run to its end.
    drop(place.fs.execute(&place.root, b"sleep 20").await.unwrap());
    let output: Vec<Output> =
        place.fs.execute(&place.root, b"echo a").await.unwrap().try_collect().await.unwrap();
    assert_eq!(output, [Output::Stdout("a\n".into()), Output::Exited(0)]);
}

/// The owner that a file has can be set, whole and by halves; nothing else changes.
pub async fn sets_owners(place: Place) {
    let file = place.put("file", b"content").await;
    let before = place.fs.stat(&file).await.unwrap().attributes;
    if !place.capabilities().owners || before.uid.is_none() {
        return;
    }
    for (uid, gid) in [(before.uid, before.gid), (before.uid, None), (None, before.gid)] {
        let wanted = Attributes { uid, gid, ..Attributes::default() };
        place.fs.set_attributes(&file, &wanted).await.unwrap();
        let after = place.fs.stat(&file).await.unwrap().attributes;
        assert_eq!((after.uid, after.gid, after.mode), (before.uid, before.gid, before.mode));
    }
    let suid = Attributes { uid: before.uid, gid: before.gid, mode: Some(0o4755), ..Attributes::default() };
    place.fs.set_attributes(&file, &suid).await.unwrap();
    assert_eq!(place.fs.stat(&file).await.unwrap().attributes.mode, Some(0o4755), "not cleared again");
    let names = place.fs.owner_names(before.uid, before.gid).await;
    if let Some(name) = names.owner {
        assert_eq!(Some(place.fs.owner_id(Principal::User, &name).await.unwrap()), before.uid);
    }
    if let Some(name) = names.group {
        assert_eq!(Some(place.fs.owner_id(Principal::Group, &name).await.unwrap()), before.gid);
    }
    for name in ["nobody-of-this-name", "-n", "", "a:b"] {
        assert!(place.fs.owner_id(Principal::User, name).await.is_err(), "{name}");
    }
}

pub async fn sets_one_time_and_leaves_the_other(place: Place) {
    if !place.capabilities().times {
        return;
    }
    let file = place.put("file", b"content").await;
    let (old, new) = (Timestamp::from_seconds(1_000_000_000), Timestamp::from_seconds(1_234_567_890));
    let both = Attributes { mtime: Some(old), atime: Some(old), ..Attributes::default() };
    place.fs.set_attributes(&file, &both).await.unwrap();
    let one = Attributes { atime: Some(new), ..Attributes::default() };
    let set = place.fs.set_attributes(&file, &one).await;
    let entry = place.fs.stat(&file).await.unwrap().attributes;
    if entry.atime.is_none() {
        // FTP has no access times.
        place.refused(set, ErrorKind::Unsupported, Operation::SetAttributes, &file);
        assert_eq!(entry.mtime, Some(old));
        return;
    }
    set.unwrap();
    assert_eq!((entry.mtime, entry.atime), (Some(old), Some(new)));
}

pub async fn links_have_times_of_their_own(place: Place) {
    if !place.capabilities().symlinks || !place.capabilities().times {
        return;
    }
    let file = place.put("file", b"content").await;
    let before = place.fs.stat(&file).await.unwrap().attributes.mtime;
    let link = place.at("link");
    place.fs.symlink(&link, b"file").await.unwrap();
    let mtime = Some(Timestamp::from_seconds(1_234_567_890));
    let wanted = Attributes { mtime, ..Attributes::default() };
    match place.fs.set_link_attributes(&link, &wanted).await {
        Err(error) if error.kind() == ErrorKind::Unsupported => {}
        set => {
            set.unwrap();
            assert_eq!(place.fs.lstat(&link).await.unwrap().attributes.mtime, mtime);
        }
    }
    assert_eq!(place.fs.stat(&file).await.unwrap().attributes.mtime, before);
}
