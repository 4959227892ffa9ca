//! Symlinks: each case has nothing to say about backends without them.

use wharf::fs::{ErrorKind, Kind, Operation, ReadOptions, WriteOptions};

use crate::Place;

pub async fn link_and_read_back(place: Place) {
    if !place.capabilities().symlinks {
        return;
    }
    let file = place.put("file", b"content").await;
    let link = place.at("link");
    place.fs.symlink(&link, b"file").await.unwrap();
    assert_eq!(place.fs.read_link(&link).await.unwrap(), b"file");
    assert_eq!(place.content(&link).await, b"content");
    let entries = place.list(&place.root).await.unwrap();
    let entry = entries.iter().find(|e| &*e.name == b"link").unwrap();
    assert_eq!(entry.kind, Kind::Symlink);
    assert!(entry.target_kind.is_none_or(|kind| kind == Kind::File));
    assert!(entry.target.as_ref().is_none_or(|target| &**target == b"file"));
    assert_eq!(place.fs.lstat(&file).await.unwrap().kind, Kind::File);
}

pub async fn dangling_links(place: Place) {
    if !place.capabilities().symlinks {
        return;
    }
    let link = place.at("link");
    place.fs.symlink(&link, b"no/where").await.unwrap();
    assert_eq!(place.fs.read_link(&link).await.unwrap(), b"no/where");
    assert_eq!(place.fs.lstat(&link).await.unwrap().kind, Kind::Symlink);
    place.refused(place.fs.stat(&link).await, ErrorKind::NotFound, Operation::Stat, &link);
    let read = place.get(&link, ReadOptions::default()).await;
    place.refused(read, ErrorKind::NotFound, Operation::Open, &link);
    for announced in [None, Some(1)] {
        let options = WriteOptions { exclusive: true, expected_size: announced, ..Default::default() };
        let result = place.put_with(&link, b"x", options).await;
        place.refused(result, ErrorKind::AlreadyExists, Operation::Open, &link);
    }
    assert_eq!(place.names(&place.root).await, [b"link"]);
}

pub async fn loops_end(place: Place) {
    if !place.capabilities().symlinks {
        return;
    }
    place.fs.symlink(&place.at("one"), b"two").await.unwrap();
    place.fs.symlink(&place.at("two"), b"one").await.unwrap();
    let (one, inside) = (place.at("one"), place.at("one/inside"));
    place.refused(place.fs.stat(&one).await, ErrorKind::LinkRefused, Operation::Stat, &one);
    place.refused(place.fs.stat(&inside).await, ErrorKind::LinkRefused, Operation::Stat, &inside);
    let read = place.get(&one, ReadOptions::default()).await;
    place.refused(read, ErrorKind::LinkRefused, Operation::Open, &one);
    assert_eq!(place.list(&place.root).await.unwrap().len(), 2);
}

pub async fn links_are_removed_not_followed(place: Place) {
    if !place.capabilities().symlinks {
        return;
    }
    let file = place.put("file", b"content").await;
    place.fs.create_dir(&place.at("dir"), None).await.unwrap();
    place.fs.symlink(&place.at("to-file"), b"file").await.unwrap();
    place.fs.symlink(&place.at("to-dir"), b"dir").await.unwrap();
    let to_dir = place.at("to-dir");
    let refused = place.fs.remove_dir(&to_dir).await;
    place.refused(refused, ErrorKind::NotADirectory, Operation::RemoveDir, &to_dir);
    place.fs.remove_file(&place.at("to-file")).await.unwrap();
    place.fs.remove_file(&to_dir).await.unwrap();
    assert_eq!(place.content(&file).await, b"content");
    assert_eq!(place.names(&place.root).await, [&b"dir"[..], b"file"]);
}

pub async fn links_are_renamed_not_followed(place: Place) {
    if !place.capabilities().symlinks {
        return;
    }
    let file = place.put("file", b"content").await;
    let (link, renamed) = (place.at("link"), place.at("renamed"));
    place.fs.symlink(&link, b"file").await.unwrap();
    place.fs.rename(&link, &renamed, false).await.unwrap();
    assert_eq!(place.fs.read_link(&renamed).await.unwrap(), b"file");
    let new = place.put("new", b"new").await;
    let refused = place.fs.rename(&new, &renamed, false).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::AlreadyExists);
    place.fs.symlink(&link, b"no/where").await.unwrap();
    let refused = place.fs.rename(&new, &link, false).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::AlreadyExists);
    if place.capabilities().atomic_replace {
        place.fs.rename(&new, &renamed, true).await.unwrap();
        assert_eq!(place.fs.lstat(&renamed).await.unwrap().kind, Kind::File);
        assert_eq!(place.content(&renamed).await, b"new");
    }
    assert_eq!(place.content(&file).await, b"content");
}

pub async fn directories_behind_links(place: Place) {
    if !place.capabilities().symlinks {
        return;
    }
    place.fs.create_dir(&place.at("dir"), None).await.unwrap();
    place.put("dir/file", b"content").await;
    place.fs.symlink(&place.at("link"), b"dir").await.unwrap();
    assert_eq!(place.names(&place.at("link")).await, [b"file"]);
    assert_eq!(place.content(&place.at("link/file")).await, b"content");
    place.put("link/new", b"new").await;
    assert_eq!(place.content(&place.at("dir/new")).await, b"new");
}

pub async fn never_writes_through_a_link(place: Place) {
    if !place.capabilities().symlinks {
        return;
    }
    let file = place.put("file", b"precious").await;
    let link = place.at("link");
    place.fs.symlink(&link, b"file").await.unwrap();
    for announced in [None, Some(1)] {
        let exclusive = WriteOptions { exclusive: true, expected_size: announced, ..Default::default() };
        let result = place.put_with(&link, b"x", exclusive).await;
        place.refused(result, ErrorKind::AlreadyExists, Operation::Open, &link);
    }
    // Not every server lets a client say that links are not to be followed.
    if !place.capabilities().remote {
        for announced in [None, Some(1)] {
            let options = WriteOptions { expected_size: announced, ..Default::default() };
            let result = place.put_with(&link, b"x", options).await;
            place.refused(result, ErrorKind::LinkRefused, Operation::Open, &link);
        }
    }
    assert_eq!(place.content(&file).await, b"precious");
}

pub async fn refuses_to_read_what_is_no_link(place: Place) {
    if !place.capabilities().symlinks {
        return;
    }
    let file = place.put("file", b"").await;
    place.refused(place.fs.read_link(&file).await, ErrorKind::Failure, Operation::ReadLink, &file);
}

pub async fn existing_names_are_not_linked_over(place: Place) {
    if !place.capabilities().symlinks {
        return;
    }
    let file = place.put("file", b"content").await;
    let result = place.fs.symlink(&file, b"elsewhere").await;
    place.refused(result, ErrorKind::AlreadyExists, Operation::Symlink, &file);
    assert_eq!(place.content(&file).await, b"content");
}
