//! What the record of a job takes in memory. Alone in its program: what others use would be counted
//! with it.

use std::fs;

use wharf::{
    fs::{Attributes, Error, ErrorKind, FsId, Operation, Precision, RemotePath, Timestamp},
    transfer::{journal::Journal, step::CopyFile},
};

/// Bytes of this program that are in memory.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

fn file(number: u64) -> CopyFile {
    let name = format!("{:03}/IMG_{number:08}.jpeg", number / 1000);
    CopyFile {
        source: RemotePath::new(format!("/home/ann/photos/2026/holidays/{name}")),
        target: RemotePath::new(format!("/srv/backup/photos/2026/holidays/{name}")),
        size: Some(number),
        mtime: Some(Timestamp::from_seconds(1_700_000_000 + number as i64)),
        mtime_precision: Precision::default(),
        attributes: Attributes::default(),
        replace: false,
        verify: false,
        resume: None,
        identity: None,
        moves: false,
    }
}

#[test]
fn a_million_files_take_little_memory() {
    let files: u64 = if std::env::var_os("WHARF_LONG_FAULTS").is_some() { 1_000_000 } else { 200_000 };
    let (journal, fs) = (Journal::default(), FsId::local());
    let part = RemotePath::new("/srv/backup/photos/.part");
    let before = resident();
    for number in 0..files {
        let file = file(number);
        journal.begin(&fs, &file, &part);
        journal.done(&fs, &file.source);
    }
    let each = resident().saturating_sub(before) / files;
    println!("{files} files: {each} bytes each");
    assert!(each < 160, "{each} bytes each: a million would take {} MiB", (each * 1_000_000) >> 20);
    let reached = journal.reached();
    assert_eq!((reached.files, reached.bytes), (files, files * (files - 1) / 2));

    // A run that goes on finds all of it, and what is begun anew is not finished.
    let begun = journal.begun(&fs);
    let one = file(files / 2);
    let known = begun.get(&one.source).unwrap();
    assert!(known.done && known.target == one.target && known.size == one.size && known.mtime == one.mtime);
    journal.begin(&fs, &one, &part);
    assert_eq!(journal.reached().files, files - 1);
    assert!(!journal.is_done(&fs, &one.source) && journal.is_done(&fs, &file(1).source));
    let why = Error::new(ErrorKind::PermissionDenied, Operation::Open);
    journal.failed(&fs, &one.source, &why);
    assert_eq!(journal.reached().files, files - 1);
    assert!(journal.begun(&fs).get(&one.source).is_none());
    journal.begin(&fs, &one, &part);
    journal.done(&fs, &one.source);
    assert_eq!(journal.reached(), reached);
    assert!(journal.begun(&fs).get(&one.source).is_some_and(|item| item.done));
}
