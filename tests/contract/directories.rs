//! Listings, attributes, directories, renames.

use std::collections::HashSet;

use futures::StreamExt;
use wharf::fs::{Attributes, ErrorKind, Kind, Operation, RemotePath, Timestamp, WriteOptions};

use crate::Place;

pub async fn lists_what_is_there(place: Place) {
    place.put("b.txt", b"two").await;
    place.fs.create_dir(&place.at("a"), None).await.unwrap();
    place.put(".hidden", b"").await;
    let entries = place.list(&place.root).await.unwrap();
    let names: Vec<&[u8]> = entries.iter().map(|e| &*e.name).collect();
    assert_eq!(names, [&b".hidden"[..], b"a", b"b.txt"]);
    assert_eq!(entries[1].kind, Kind::Dir);
    assert_eq!((entries[2].kind, entries[2].attributes.size), (Kind::File, Some(3)));
}

pub async fn lists_in_batches(place: Place) {
    const COUNT: usize = 3_000;
    let puts = (0..COUNT).map(|i| {
        let place = &place;
        async move {
            place.put(&format!("f{i}"), b"").await;
        }
    });
    futures::stream::iter(puts).buffer_unordered(32).collect::<Vec<_>>().await;
    let mut stream = place.fs.list(&place.root).await.unwrap();
    let (mut batches, mut names) = (0, HashSet::new());
    while let Some(batch) = stream.next().await {
        batches += 1;
        for entry in batch.unwrap() {
            assert!(entry.name.starts_with(b"f"), "{entry:?}");
            assert!(names.insert(entry.name), "twice the same name");
        }
    }
    assert_eq!(names.len(), COUNT);
    assert!(batches > 1, "all in one batch");
}

pub async fn lists_an_empty_directory(place: Place) {
    assert!(place.list(&place.root).await.unwrap().is_empty());
}

pub async fn refuses_to_list_what_is_none(place: Place) {
    let file = place.put("file", b"x").await;
    place.refused(place.list(&file).await, ErrorKind::NotADirectory, Operation::List, &file);
    let missing = place.at("missing");
    place.refused(place.list(&missing).await, ErrorKind::NotFound, Operation::List, &missing);
}

pub async fn stats_every_kind(place: Place) {
    let file = place.put("file", b"12345").await;
    let dir = place.at("dir");
    place.fs.create_dir(&dir, None).await.unwrap();
    for entry in [place.fs.stat(&file).await.unwrap(), place.fs.lstat(&file).await.unwrap()] {
        assert_eq!((&*entry.name, entry.kind, entry.attributes.size), (&b"file"[..], Kind::File, Some(5)));
        assert!(entry.attributes.mtime.is_some());
    }
    let entry = place.fs.stat(&dir).await.unwrap();
    assert_eq!((&*entry.name, entry.kind), (&b"dir"[..], Kind::Dir));
    if place.capabilities().symlinks {
        let link = place.at("link");
        place.fs.symlink(&link, b"file").await.unwrap();
        assert_eq!(place.fs.lstat(&link).await.unwrap().kind, Kind::Symlink);
        let followed = place.fs.stat(&link).await.unwrap();
        assert_eq!((&*followed.name, followed.kind), (&b"link"[..], Kind::File));
        assert_eq!(followed.attributes.size, Some(5));
    }
}

pub async fn creates_and_removes(place: Place) {
    let dir = place.at("dir");
    place.fs.create_dir(&dir, None).await.unwrap();
    assert_eq!(place.fs.stat(&dir).await.unwrap().kind, Kind::Dir);
    place.refused(
        place.fs.create_dir(&dir, None).await,
        ErrorKind::AlreadyExists,
        Operation::CreateDir,
        &dir,
    );
    let file = place.put("file", b"").await;
    place.refused(
        place.fs.create_dir(&file, None).await,
        ErrorKind::AlreadyExists,
        Operation::CreateDir,
        &file,
    );
    let orphan = place.at("no/where");
    place.refused(
        place.fs.create_dir(&orphan, None).await,
        ErrorKind::NotFound,
        Operation::CreateDir,
        &orphan,
    );
    place.fs.remove_dir(&dir).await.unwrap();
    place.refused(place.fs.stat(&dir).await, ErrorKind::NotFound, Operation::Stat, &dir);
}

pub async fn refuses_to_remove_what_is_full(place: Place) {
    let dir = place.at("dir");
    place.fs.create_dir(&dir, None).await.unwrap();
    let file = place.put("dir/file", b"").await;
    place.refused(place.fs.remove_dir(&dir).await, ErrorKind::NotEmpty, Operation::RemoveDir, &dir);
    place.refused(place.fs.remove_dir(&file).await, ErrorKind::NotADirectory, Operation::RemoveDir, &file);
    assert_eq!(place.names(&dir).await, [b"file"]);
}

pub async fn creates_with_a_mode(place: Place) {
    if !place.capabilities().modes {
        return;
    }
    for mode in [0o700, 0o777, 0o500] {
        let dir = place.at(format!("dir{mode:o}"));
        place.fs.create_dir(&dir, Some(mode)).await.unwrap();
        let found = place.fs.stat(&dir).await.unwrap().attributes.mode;
        // A server may apply its umask to what it creates.
        let masked = place.capabilities().remote.then_some(mode & !0o022);
        assert!(found == Some(mode) || found == masked, "{found:?} instead of {mode:o}");
    }
}

pub async fn renames_files(place: Place) {
    let from = place.put("from", b"content").await;
    place.fs.create_dir(&place.at("dir"), None).await.unwrap();
    let to = place.at("dir/to");
    place.fs.rename(&from, &to, false).await.unwrap();
    assert_eq!(place.content(&to).await, b"content");
    assert_eq!(place.names(&place.root).await, [b"dir"]);
    for replace in [false, true] {
        if replace && !place.capabilities().atomic_replace {
            continue;
        }
        let result = place.fs.rename(&from, &to, replace).await;
        let kind = result.as_ref().err().map(|e| e.kind());
        // Where both are wrong, either may be told.
        if kind != Some(ErrorKind::AlreadyExists) {
            place.refused(result, ErrorKind::NotFound, Operation::Rename, &from);
        }
    }
}

pub async fn renames_without_replacing(place: Place) {
    let from = place.put("from", b"new").await;
    let to = place.put("to", b"old").await;
    place.refused(
        place.fs.rename(&from, &to, false).await,
        ErrorKind::AlreadyExists,
        Operation::Rename,
        &from,
    );
    assert_eq!(place.content(&to).await, b"old");
    assert_eq!(place.content(&from).await, b"new");
}

pub async fn renames_over(place: Place) {
    let from = place.put("from", b"new").await;
    let to = place.put("to", b"old").await;
    let result = place.fs.rename(&from, &to, true).await;
    if place.capabilities().atomic_replace {
        result.unwrap();
        assert_eq!(place.content(&to).await, b"new");
        assert_eq!(place.names(&place.root).await, [b"to"]);
    } else {
        place.refused(result, ErrorKind::Unsupported, Operation::Rename, &from);
        assert_eq!(place.content(&to).await, b"old");
    }
}

pub async fn renames_directories(place: Place) {
    let (from, to) = (place.at("from"), place.at("to"));
    place.fs.create_dir(&from, None).await.unwrap();
    place.put("from/file", b"inside").await;
    place.fs.rename(&from, &to, false).await.unwrap();
    assert_eq!(place.content(&place.at("to/file")).await, b"inside");
    let result = place.fs.rename(&to, &place.at("to/deeper"), false).await;
    place.refused(result, ErrorKind::Failure, Operation::Rename, &to);
}

pub async fn sets_attributes(place: Place) {
    let file = place.put("file", b"content").await;
    let mtime = Timestamp::from_seconds(1_234_567_890);
    if place.capabilities().times {
        let wanted = Attributes { mtime: Some(mtime), ..Attributes::default() };
        place.fs.set_attributes(&file, &wanted).await.unwrap();
        assert_eq!(place.fs.stat(&file).await.unwrap().attributes.mtime, Some(mtime));
        if place.capabilities().time_precision.as_nanos() == 1 {
            let fine = Timestamp { seconds: 1_000, nanos: 123_456_789 };
            let wanted = Attributes { mtime: Some(fine), ..Attributes::default() };
            place.fs.set_attributes(&file, &wanted).await.unwrap();
            assert_eq!(place.fs.stat(&file).await.unwrap().attributes.mtime, Some(fine));
        }
    }
    if place.capabilities().modes {
        let before = place.fs.stat(&file).await.unwrap().attributes.mtime;
        let wanted = Attributes { mode: Some(0o640), ..Attributes::default() };
        place.fs.set_attributes(&file, &wanted).await.unwrap();
        let entry = place.fs.stat(&file).await.unwrap();
        assert_eq!((entry.attributes.mode, entry.attributes.mtime), (Some(0o640), before));
        let missing = place.at("missing");
        let result = place.fs.set_attributes(&missing, &wanted).await;
        place.refused(result, ErrorKind::NotFound, Operation::SetAttributes, &missing);
    }
    assert_eq!(place.content(&file).await, b"content");
}

pub async fn canonicalizes(place: Place) {
    place.fs.create_dir(&place.at("dir"), None).await.unwrap();
    let file = place.put("dir/file", b"").await;
    assert_eq!(place.fs.canonicalize(&file).await.unwrap(), file);
    assert_eq!(place.fs.canonicalize(&place.root).await.unwrap(), place.root);
    if place.capabilities().symlinks {
        place.fs.symlink(&place.at("link"), b"dir").await.unwrap();
        assert_eq!(place.fs.canonicalize(&place.at("link/file")).await.unwrap(), file);
    }
}

pub async fn tells_space(place: Place) {
    match place.fs.space(&place.root).await {
        Ok(space) => assert!(space.free <= space.total),
        result => place.refused(result, ErrorKind::Unsupported, Operation::Space, &place.root),
    }
}

pub async fn missing_paths_are_not_found(place: Place) {
    let missing = place.at("missing");
    let kind = ErrorKind::NotFound;
    place.refused(place.fs.stat(&missing).await, kind, Operation::Stat, &missing);
    place.refused(place.fs.lstat(&missing).await, kind, Operation::Stat, &missing);
    place.refused(place.fs.read(&missing, Default::default()).await, kind, Operation::Open, &missing);
    place.refused(place.fs.remove_file(&missing).await, kind, Operation::RemoveFile, &missing);
    place.refused(place.fs.remove_dir(&missing).await, kind, Operation::RemoveDir, &missing);
    let result = place.fs.rename(&missing, &place.at("other"), false).await;
    place.refused(result, kind, Operation::Rename, &missing);
    if place.capabilities().symlinks {
        place.refused(place.fs.read_link(&missing).await, kind, Operation::ReadLink, &missing);
    }
}

pub async fn root_is_a_directory(place: Place) {
    let entry = place.fs.stat(&RemotePath::root()).await.unwrap();
    assert_eq!((&*entry.name, entry.kind), (&b"/"[..], Kind::Dir));
}

pub async fn bears_odd_names(place: Place) {
    let mut names: Vec<Vec<u8>> = [
        "with space",
        " leading",
        "-dash",
        "quote'\"`$;&",
        "new\nline",
        "tab\tbell\x07",
        "back\\slash",
        "übung",
        "港口",
        "...",
        "*?[a]",
        "~",
        "%41",
    ]
    .iter()
    .map(|name| name.as_bytes().to_vec())
    .collect();
    names.retain(|name| !name.contains(&b'\n') || place.bears_line_breaks());
    names.push(vec![b'n'; 255]);
    if place.any_bytes {
        names.push(b"latin\xe9".to_vec());
        names.push(b"\xff\xfe".to_vec());
    }
    names.sort();
    let mut prohibited = Vec::new();
    for name in &names {
        let path = place.at(name);
        match place.put_with(&path, name, WriteOptions::default()).await {
            // Pure-FTPd takes no name with a backslash.
            Err(error) if error.reply().is_some_and(|r| r.text.starts_with("Prohibited file name")) => {
                assert_eq!(error.kind(), ErrorKind::InvalidName);
                prohibited.push(name.clone());
            }
            written => drop(written.unwrap()),
        }
    }
    assert!(prohibited.len() <= 1, "{prohibited:?}");
    names.retain(|name| !prohibited.contains(name));
    let shown = place.names(&place.root).await;
    if !place.bears_line_breaks() {
        // Pure-FTPd shows a control character as `_`, and finds nothing under that name.
        names.retain(|name| shown.contains(name) || !name.iter().any(u8::is_ascii_control));
        let plain = |name: &Vec<u8>| names.contains(name) || name.contains(&b'_');
        assert!(names.iter().all(|name| shown.contains(name)) && shown.iter().all(plain), "{shown:?}");
    } else {
        assert_eq!(shown, names);
    }
    for name in &names {
        let path = place.at(name);
        assert_eq!(&place.content(&path).await, name);
        assert_eq!(&*place.fs.stat(&path).await.unwrap().name, &name[..]);
        place.fs.remove_file(&path).await.unwrap();
    }
    let long = place.at(vec![b'n'; 256]);
    let result = place.put_with(&long, b"", WriteOptions::default()).await;
    place.refused(result, ErrorKind::InvalidName, Operation::Open, &long);
}
