//! Resumed and completed copies, checked by their sums.

use super::*;
use crate::fs::{Attributes, Precision, memory::Memory};

fn request(content: &[u8]) -> CopyFile {
    CopyFile {
        source: RemotePath::new("/from/file"),
        target: RemotePath::new("/to/file"),
        size: Some(content.len() as u64),
        mtime: None,
        attributes: Attributes::default(),
        mtime_precision: Precision::default(),
        replace: true,
        verify: true,
        resume: None,
        identity: None,
        moves: false,
    }
}

async fn copy(from: &Memory, to: &Memory, file: &CopyFile, resume: Option<u64>) -> Result<Copied> {
    let (moved, own, carried) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let (throttle, journal) = (Throttle::default(), Journal::default());
    let mut part = Part::claim(to.id(), &file.target);
    part.left = resume.map_or(Left::Nothing, Left::Begun);
    let apart = Apart::default();
    let checking = AtomicU64::new(0);
    let flow = Flow {
        moved: &moved,
        own: &own,
        carried: &carried,
        checking: &checking,
        throttle: &throttle,
        journal: &journal,
        apart: &apart,
    };
    let copied = super::file(from, to, file, &mut part, flow).await;
    let there = resume.or(file.resume).unwrap_or_default();
    if copied.is_ok() {
        // What was there already is done, and was not moved.
        let (moved, carried) = (moved.load(Ordering::Relaxed), carried.load(Ordering::Relaxed));
        assert_eq!(Some((moved, carried)), file.size.map(|size| (size, size - there)));
    }
    copied
}

/// What is compared before a copy goes on is only the end of what is there.
#[tokio::test]
async fn a_resumed_file_is_verified_from_its_start() {
    let content = vec![7; 500_000];
    let (from, to) = (Memory::new("resumed-from"), Memory::new("resumed-to"));
    let (file, part) = (request(&content), RemotePath::new("/to/.file.wharf-part"));
    from.plant(&file.source, &content).unwrap();
    to.plant(&file.target, b"old").unwrap();
    to.plant(&part, &content[..300_000]).unwrap();
    let copied = copy(&from, &to, &file, Some(300_000)).await.unwrap();
    assert!(copied.verified.is_some() && copied.warnings.is_empty(), "{copied:?}");
    assert!(to.content(&file.target).unwrap() == content);
    let mut damaged = content[..300_000].to_vec();
    damaged[10] = 8;
    to.plant(&part, &damaged).unwrap();
    let error = copy(&from, &to, &file, Some(300_000)).await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Mismatch, Operation::Verify));
    assert_eq!(error.path(), Some(&file.target));
    assert!(to.content(&file.target).unwrap() == content && to.content(&part).is_err());
}

/// What is there is never made less, whatever the checksum says of the rest.
#[tokio::test]
async fn a_completed_file_that_is_not_the_same_is_cut_back() {
    let content = vec![7; 500_000];
    let (from, to) = (Memory::new("completed-from"), Memory::new("completed-to"));
    let file = CopyFile { resume: Some(300_000), ..request(&content) };
    from.plant(&file.source, &content).unwrap();
    let mut part = content[..300_000].to_vec();
    part[10] = 8;
    to.plant(&file.target, &part).unwrap();
    let error = copy(&from, &to, &file, None).await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Mismatch, Operation::Verify));
    assert!(to.content(&file.target).unwrap() == part);
    // Without looking at all of it, its end is what counts.
    let file = CopyFile { verify: false, ..file };
    copy(&from, &to, &file, None).await.unwrap();
    assert!(to.content(&file.target).unwrap()[300_000..] == content[300_000..]);
    // It has grown since it was listed.
    let error = copy(&from, &to, &file, None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(to.content(&file.target).unwrap().len(), 500_000);
}
