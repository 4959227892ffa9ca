//! What a sync must know beyond the listings: where links lead, and whether files of the same
//! size have the same content. Reads only; decides nothing (`plan` does).

mod sides;

use std::collections::HashMap;

use futures::{StreamExt, stream};
use sha2::{Digest, Sha256};
pub use sides::Sides;

use super::{
    context::{Transfer, cancelled},
    prepared::Prepared,
    walk::Watcher,
};
use crate::fs::{Entry, FileSystem, Kind, ReadOptions, RemotePath, Result};

/// Links whose targets are asked for at the same time.
const LINKS: usize = 64;

/// Fills in where the links lead that both sides have: listings seldom tell.
pub async fn links(transfer: &Transfer, prepared: &mut Prepared) -> Result<()> {
    let unknown = |entry: &Entry| entry.kind == Kind::Symlink && entry.target.is_none();
    let mut here = Vec::new();
    let mut there = Vec::new();
    for (path, entry, target) in prepared.pairs() {
        let Some(existing) = prepared.existing(&target).filter(|e| e.kind == Kind::Symlink) else { continue };
        if unknown(entry) {
            here.push(path.clone());
        }
        if entry.kind == Kind::Symlink && unknown(existing) {
            there.push(target);
        }
    }
    let (here, there) =
        tokio::join!(read_links(&*transfer.from, here, transfer), read_links(&*transfer.to, there, transfer));
    prepared.set_links(here?, there?);
    Ok(())
}

async fn read_links(
    fs: &dyn FileSystem,
    paths: Vec<RemotePath>,
    transfer: &Transfer,
) -> Result<HashMap<RemotePath, Vec<u8>>> {
    let mut out = HashMap::new();
    let mut reading = stream::iter(paths)
        .map(|path| async move { (fs.read_link(&path).await, path) })
        .buffer_unordered(LINKS);
    while let Some((read, path)) =
        transfer.cancel.run_until_cancelled(reading.next()).await.ok_or_else(cancelled)?
    {
        match read {
            Ok(target) => {
                out.insert(path, target);
            }
            Err(error) if error.kind().ends_session() => return Err(error),
            // It is written anew then, and fails there if it must.
            Err(_) => {}
        }
    }
    Ok(out)
}

/// Compares files that both sides have with the same size, byte for byte by their SHA-256. The
/// outcome by target path. What cannot be read is reported and counts as different.
pub async fn contents(transfer: &Transfer, prepared: &Prepared) -> Result<HashMap<RemotePath, bool>> {
    let mut pairs = Vec::new();
    for (path, entry, target) in prepared.pairs() {
        if entry.kind == Kind::File
            && let Some(existing) = prepared.existing(&target)
            && existing.kind == Kind::File
            && entry.attributes.size == existing.attributes.size
        {
            pairs.push((path.clone(), target, entry.attributes.size));
        }
    }
    let parallel = transfer.parallel().clamp(1, 16);
    let mut out = HashMap::new();
    let mut comparing = stream::iter(pairs)
        .map(|(path, target, size)| async move {
            let _leave = transfer.room.take(size.unwrap_or_default()).await;
            let sums =
                tokio::try_join!(digest(&*transfer.from, &path, size), digest(&*transfer.to, &target, size));
            (sums.map(|(a, b)| a == b), target)
        })
        .buffer_unordered(parallel);
    while let Some((same, target)) =
        transfer.cancel.run_until_cancelled(comparing.next()).await.ok_or_else(cancelled)?
    {
        match same {
            Ok(same) => {
                out.insert(target, same);
            }
            Err(error) if error.kind().ends_session() => return Err(error),
            Err(error) => {
                transfer.failed(error);
                out.insert(target, false);
            }
        }
    }
    Ok(out)
}

async fn digest(fs: &dyn FileSystem, path: &RemotePath, size: Option<u64>) -> Result<[u8; 32]> {
    let mut chunks = fs.read(path, ReadOptions { offset: 0, expected_size: size }).await?;
    let mut hash = Sha256::new();
    while let Some(chunk) = chunks.next().await {
        hash.update(&chunk?);
    }
    Ok(hash.finalize().into())
}
