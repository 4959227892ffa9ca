//! Listing a directory on one blocking thread, in batches. Must never hold more than a few
//! batches that nobody has taken yet.

use std::{fs, io, os::unix::ffi::OsStringExt, sync::Arc};

use futures::{StreamExt, stream};
use tokio::sync::{mpsc, oneshot};

use super::{
    attributes::{self, Owners},
    system_path,
};
use crate::fs::{Entry, EntryStream, Error, ErrorKind, Kind, Operation, RemotePath, Result};

/// Enough for a first screen, so that it need not wait for the rest.
const FIRST_BATCH: usize = 100;
const BATCH: usize = 1_000;
/// Batches that wait for the reader of the stream.
const AHEAD: usize = 4;

pub async fn list(path: &RemotePath, owners: Arc<Owners>) -> Result<EntryStream> {
    let (opened, is_open) = oneshot::channel();
    let (batches, mut taken) = mpsc::channel(AHEAD);
    let at = path.clone();
    tokio::task::spawn_blocking(move || {
        let told = match fs::read_dir(system_path(&at)) {
            Ok(dir) => opened.send(Ok(())).map(|()| dir).ok(),
            Err(error) => {
                // Whoever asked may be gone, and then nobody minds the error.
                let _ = opened.send(Err(Error::io(Operation::List, &error).at(&at)));
                None
            }
        };
        if let Some(dir) = told {
            send_batches(dir, &at, &owners, &batches);
        }
    });
    let died =
        || Error::new(ErrorKind::Failure, Operation::List).at(path).with_detail("the listing broke off");
    is_open.await.map_err(|_| died())??;
    Ok(stream::poll_fn(move |context| taken.poll_recv(context)).boxed())
}

fn send_batches(
    dir: fs::ReadDir,
    at: &RemotePath,
    owners: &Owners,
    batches: &mpsc::Sender<Result<Vec<Entry>>>,
) {
    let mut room = FIRST_BATCH;
    let mut batch = Vec::with_capacity(room);
    let mut failure = None;
    for item in dir {
        match item {
            Ok(item) => batch.extend(look(item, owners)),
            Err(error) => {
                failure = Some(Error::io(Operation::List, &error).at(at));
                break;
            }
        }
        if batch.len() == room {
            room = BATCH;
            if batches.blocking_send(Ok(std::mem::replace(&mut batch, Vec::with_capacity(room)))).is_err() {
                return;
            }
        }
    }
    // A failed send means that nobody listens any more: there is nothing left to do.
    if !batch.is_empty() && batches.blocking_send(Ok(batch)).is_err() {
        return;
    }
    if let Some(failure) = failure {
        let _ = batches.blocking_send(Err(failure));
    }
}

/// The entry, or nothing if it has vanished since its name was read.
fn look(item: fs::DirEntry, owners: &Owners) -> Option<Entry> {
    let name = item.file_name().into_vec().into_boxed_slice();
    match item.metadata() {
        Ok(metadata) => Some(attributes::from_metadata(&item.path(), name, &metadata, owners)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(_) => Some(Entry::new(name, item.file_type().map_or(Kind::Other, attributes::kind))),
    }
}
