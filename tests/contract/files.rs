//! Reading and writing.

use futures::StreamExt;
use wharf::fs::{Attributes, ErrorKind, Operation, ReadOptions, Timestamp, WriteOptions};

use crate::{Place, noise};

const MIB: usize = 1 << 20;

pub async fn writes_and_reads(place: Place) {
    for len in [1, 100, 4096, 100_001, MIB - 1, MIB, MIB + 1, 3 * MIB + 17] {
        for announced in [None, Some(len as u64)] {
            let content = noise(len);
            let path = place.at(format!("file{len}-{}", announced.is_some()));
            let options = WriteOptions { exclusive: true, expected_size: announced, ..Default::default() };
            let written = place.put_with(&path, &content, options).await.unwrap();
            assert!(written.size.is_none_or(|size| size == len as u64), "{written:?}");
            assert!(written.attributes_refused.is_none(), "{written:?}");
            for expected_size in [None, Some(len as u64)] {
                let got = place.get(&path, ReadOptions { offset: 0, expected_size }).await.unwrap();
                assert!(got == content, "{len} bytes came back as {}", got.len());
            }
        }
    }
}

pub async fn reads_from_an_offset(place: Place) {
    for len in [1000, 2 * MIB + 5] {
        let content = noise(len);
        let path = place.put("file", &content).await;
        for offset in [0, 1, 999, len / 2, len - 1, len, len + 1, 10 * len] {
            for expected_size in [None, Some(len as u64)] {
                let options = ReadOptions { offset: offset as u64, expected_size };
                let got = place.get(&path, options).await.unwrap();
                assert!(got == content[offset.min(len)..], "{offset} of {len}: {} bytes", got.len());
            }
        }
    }
}

pub async fn resumes_writes(place: Place) {
    let content = noise(3 * MIB + 17);
    for (kept, stands) in [(0, 10), (1, 1), (MIB, MIB + 5000), (3 * MIB + 17, 3 * MIB + 17)] {
        for announced in [None, Some(content.len() as u64)] {
            // What stands beyond the offset is not to be trusted.
            let mut old = content[..kept].to_vec();
            old.resize(stands, 0xAA);
            let path = place.put(&format!("part{kept}-{}", announced.is_some()), &old).await;
            let options = WriteOptions {
                expected_size: announced,
                resume: Some(kept as u64),
                ..WriteOptions::default()
            };
            match place.put_with(&path, &content[kept..], options).await {
                Err(error) if error.kind() == ErrorKind::Unsupported && !place.exact_kinds => return,
                written => assert!(written.unwrap().size.is_none_or(|size| size == content.len() as u64)),
            }
            assert!(place.content(&path).await == content, "from {kept}");
        }
    }
    let nothing = place.at("nothing");
    let resumed = WriteOptions { resume: Some(5), ..WriteOptions::default() };
    let refused = place.put_with(&nothing, b"x", resumed).await;
    place.refused(refused, ErrorKind::NotFound, Operation::Open, &nothing);
}

pub async fn ended_streams_stay_ended(place: Place) {
    for len in [0, 10, 2 * MIB] {
        let path = place.put("file", &noise(len)).await;
        let mut stream = place.fs.read(&path, ReadOptions::default()).await.unwrap();
        while let Some(chunk) = stream.next().await {
            chunk.unwrap();
        }
        assert!(stream.next().await.is_none() && stream.next().await.is_none());
    }
    let mut stream = place.fs.list(&place.root).await.unwrap();
    while let Some(batch) = stream.next().await {
        batch.unwrap();
    }
    assert!(stream.next().await.is_none() && stream.next().await.is_none());
}

pub async fn empty_files(place: Place) {
    for announced in [None, Some(0)] {
        let path = place.at(format!("empty{announced:?}"));
        let options = WriteOptions { expected_size: announced, ..Default::default() };
        let written = place.put_with(&path, b"", options).await.unwrap();
        assert!(written.size.is_none_or(|size| size == 0));
        assert_eq!(place.fs.stat(&path).await.unwrap().attributes.size, Some(0));
        for expected_size in [None, Some(0)] {
            assert!(place.get(&path, ReadOptions { offset: 0, expected_size }).await.unwrap().is_empty());
        }
    }
}

pub async fn ignores_wrong_expectations(place: Place) {
    let content = noise(2 * MIB);
    for announced in [0, 10, MIB, 20 * MIB] {
        let path = place.at(format!("file{announced}"));
        let options = WriteOptions { expected_size: Some(announced as u64), ..Default::default() };
        place.put_with(&path, &content, options).await.unwrap();
        let options = ReadOptions { offset: 0, expected_size: Some(announced as u64) };
        assert!(place.get(&path, options).await.unwrap() == content, "announced {announced}");
    }
}

pub async fn exclusive_refuses_what_exists(place: Place) {
    let path = place.put("file", b"old").await;
    for announced in [None, Some(3)] {
        let options = WriteOptions { exclusive: true, expected_size: announced, ..Default::default() };
        let result = place.put_with(&path, b"new", options).await;
        place.refused(result, ErrorKind::AlreadyExists, Operation::Open, &path);
        assert_eq!(place.content(&path).await, b"old");
    }
}

pub async fn truncates(place: Place) {
    for announced in [None, Some(5)] {
        let path = place.put("file", &noise(200_000)).await;
        let options = WriteOptions { expected_size: announced, ..Default::default() };
        place.put_with(&path, b"short", options).await.unwrap();
        assert_eq!(place.content(&path).await, b"short");
    }
}

pub async fn refuses_directories(place: Place) {
    let dir = place.at("dir");
    place.fs.create_dir(&dir, None).await.unwrap();
    let read = place.get(&dir, ReadOptions::default()).await;
    // OpenSSH opens a directory and fails the first read.
    let operation = read.as_ref().err().map_or(Operation::Open, |error| error.operation());
    assert!(matches!(operation, Operation::Open | Operation::Read));
    place.refused(read, ErrorKind::IsADirectory, operation, &dir);
    let written = place.put_with(&dir, b"x", WriteOptions::default()).await;
    place.refused(written, ErrorKind::IsADirectory, Operation::Open, &dir);
    place.refused(place.fs.remove_file(&dir).await, ErrorKind::IsADirectory, Operation::RemoveFile, &dir);
    assert!(place.fs.stat(&dir).await.is_ok());
}

pub async fn attributes_are_set_at_the_end(place: Place) {
    let able = place.capabilities();
    for len in [10, 2 * MIB] {
        for announced in [None, Some(len as u64)] {
            let path = place.at(format!("file{len}-{}", announced.is_some()));
            let wanted = Attributes {
                mtime: able.times.then_some(Timestamp::from_seconds(1_111_111_111)),
                mode: able.modes.then_some(0o604),
                ..Default::default()
            };
            let options = WriteOptions {
                exclusive: true,
                create_mode: able.modes.then_some(0o600),
                attributes: wanted.clone(),
                expected_size: announced,
                ..Default::default()
            };
            let written = place.put_with(&path, &noise(len), options).await.unwrap();
            assert!(written.attributes_refused.is_none(), "{written:?}");
            let got = place.fs.stat(&path).await.unwrap().attributes;
            assert_eq!(got.size, Some(len as u64));
            if able.times {
                assert_eq!(got.mtime, wanted.mtime);
            }
            if able.modes {
                assert_eq!(got.mode, wanted.mode);
            }
        }
    }
}

pub async fn create_mode_is_exact(place: Place) {
    if !place.capabilities().modes {
        return;
    }
    for mode in [0o600, 0o400, 0o644] {
        for announced in [None, Some(3)] {
            let path = place.at(format!("file{mode:o}-{}", announced.is_some()));
            let options = WriteOptions {
                exclusive: true,
                create_mode: Some(mode),
                expected_size: announced,
                ..Default::default()
            };
            place.put_with(&path, b"abc", options).await.unwrap();
            assert_eq!(place.fs.stat(&path).await.unwrap().attributes.mode, Some(mode));
        }
    }
}

pub async fn a_dropped_sink_is_no_success(place: Place) {
    let content = noise(3 * MIB);
    for announced in [None, Some(content.len() as u64), Some(10)] {
        let path = place.at(format!("file{announced:?}"));
        let options = WriteOptions { expected_size: announced, ..Default::default() };
        let mut sink = place.fs.write(&path, options).await.unwrap();
        sink.write(content[..10].to_vec().into()).await.unwrap();
        drop(sink);
        // Whatever is there is a beginning of what was written, and the place goes on working.
        match place.get(&path, ReadOptions::default()).await {
            Ok(got) => assert!(content[..10].starts_with(&got)),
            result => place.refused(result, ErrorKind::NotFound, Operation::Open, &path),
        }
        let after = place.at(format!("after{announced:?}"));
        place.put_with(&after, b"fine", WriteOptions::default()).await.unwrap();
        assert_eq!(place.content(&after).await, b"fine");
    }
}

pub async fn removes_files(place: Place) {
    let path = place.put("file", b"x").await;
    place.fs.remove_file(&path).await.unwrap();
    assert!(place.names(&place.root).await.is_empty());
}

pub async fn round_trip_of_ten_mebibytes(place: Place) {
    let content = noise(10 * MIB);
    let path = place.at("big");
    let mut sink = place.fs.write(&path, WriteOptions::default()).await.unwrap();
    // Chunks of many sizes, larger than any buffer too.
    let mut rest = &content[..];
    for size in [1, 7, 1000, 65_536, 5 * MIB, 255 << 10].into_iter().cycle() {
        let (chunk, later) = rest.split_at(size.min(rest.len()));
        sink.write(chunk.to_vec().into()).await.unwrap();
        rest = later;
        if rest.is_empty() {
            break;
        }
    }
    let written = sink.finish().await.unwrap();
    assert!(written.size.is_none_or(|size| size == content.len() as u64));
    assert!(place.content(&path).await == content);
}

pub async fn two_hundred_at_once(place: Place) {
    let content = noise(200 * 4096);
    let copies = (0..200_usize).map(|i| {
        let (place, content) = (&place, &content[i * 4096..(i + 1) * 4096]);
        async move {
            let path = place.at(format!("file{i}"));
            let options =
                WriteOptions { exclusive: true, expected_size: Some(4096), ..WriteOptions::default() };
            place.put_with(&path, content, options).await.unwrap();
            let options = ReadOptions { offset: 0, expected_size: Some(4096) };
            assert_eq!(place.get(&path, options).await.unwrap(), content, "file{i}");
        }
    });
    futures::future::join_all(copies).await;
    assert_eq!(place.list(&place.root).await.unwrap().len(), 200);
}

pub async fn writes_to_missing_directories_fail(place: Place) {
    let path = place.at("missing/file");
    for announced in [None, Some(1)] {
        let options = WriteOptions { expected_size: announced, ..Default::default() };
        let result = place.put_with(&path, b"x", options).await;
        place.refused(result, ErrorKind::NotFound, Operation::Open, &path);
    }
}

pub async fn streams_can_be_dropped(place: Place) {
    let content = noise(8 * MIB);
    let path = place.put("file", &content).await;
    for _ in 0..20 {
        let mut stream = place.fs.read(&path, ReadOptions::default()).await.unwrap();
        let first = stream.next().await.unwrap().unwrap();
        assert!(content.starts_with(&first));
    }
    assert!(place.content(&path).await == content);
}
