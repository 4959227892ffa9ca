//! Going on with a file that is there in part: only where what is there ends as the source does at that
//! place. Writes nothing itself.

use futures::StreamExt;

use super::{part::unfinished, step::CopyFile};
use crate::fs::{
    Attributes, Error, ErrorKind, FileSystem, Kind, Operation, ReadOptions, RemotePath, Result, Sink,
    WriteOptions,
};

/// Bytes in front of the place where a copy goes on that source and target must have in common.
const COMPARED: u64 = 64 << 10;

/// What is not believed at the end of a file that was cut off: 256 KiB. A server that went down
/// may have lost it, or kept zeros in its place.
const DOUBTED: u64 = 256 << 10;

/// Whether a copy goes on.
pub(super) enum Resumed {
    /// From there.
    At(Box<dyn Sink>, u64),
    /// It begins anew; worth telling where something was there.
    Not(Option<Error>),
}

/// Opens the part to be written on, from `offset` at least, if it ends as the source does there.
/// How much of it has arrived, its size tells as well where it was written in order.
pub(super) async fn resume(
    from: &dyn FileSystem,
    to: &dyn FileSystem,
    file: &CopyFile,
    part: &RemotePath,
    offset: u64,
) -> Result<Resumed> {
    let again = |why: &str| {
        let error = Error::new(ErrorKind::Mismatch, Operation::Write).at(&file.target).on(to.id().as_str());
        Ok(Resumed::Not(Some(error.with_detail(format!("it was copied from the start again: {why}")))))
    };
    let in_order = to.capabilities().written_in_order;
    if (offset == 0 && !in_order) || file.size.is_none_or(|size| size < offset) {
        return Ok(Resumed::Not(None));
    }
    let size = match to.lstat(part).await {
        // A link would be written through.
        Ok(entry) if entry.kind != Kind::File => return again("something else stands where it was"),
        Ok(entry) => entry.attributes.size,
        Err(error) if error.kind().ends_session() => return Err(error),
        Err(_) if offset == 0 => return Ok(Resumed::Not(None)),
        Err(_) => return again("what was there of it is gone"),
    };
    if size.is_some_and(|size| size < offset) {
        return again("less of it has arrived than was known");
    }
    let there = size.filter(|size| in_order && file.size.is_some_and(|whole| *size <= whole));
    let certain = offset;
    let mut differs = false;
    let mut offsets = vec![there.map_or(offset, |size| offset.max(size.saturating_sub(DOUBTED)))];
    // Some go on from the end alone.
    offsets.extend(there.filter(|end| *end > offsets[0]));
    offsets.push(certain);
    offsets.dedup();
    for offset in offsets.into_iter().filter(|offset| *offset > 0) {
        let start = offset - offset.min(COMPARED);
        let (ours, theirs) =
            tokio::try_join!(block(to, part, start, offset), block(from, &file.source, start, offset))?;
        // Zeros prove nothing of what is only there: a server may have set the room aside.
        if ours != theirs || (offset > certain && ours.iter().all(|byte| *byte == 0)) {
            differs = true;
            continue;
        }
        let options = WriteOptions { resume: Some(offset), exclusive: false, ..unfinished(from, file) };
        match to.write(part, options).await {
            Ok(sink) => return Ok(Resumed::At(sink, offset)),
            Err(error) if error.kind().ends_session() || error.is_passing() => return Err(error),
            Err(error) if error.kind() == ErrorKind::Unsupported => {}
            Err(_) => return again("what was there of it could not be opened"),
        }
    }
    if differs { again("the source is not what it was") } else { Ok(Resumed::Not(None)) }
}

/// Opens the target itself to be written on behind the first `there` bytes, if those are all that it
/// holds and end as the source does at that place. They stay as they are whatever happens then.
pub(super) async fn behind(
    from: &dyn FileSystem,
    to: &dyn FileSystem,
    file: &CopyFile,
    there: u64,
) -> Result<Box<dyn Sink>> {
    let refuse = |why: &str| {
        let error = Error::new(ErrorKind::Conflict, Operation::Copy).at(&file.target).on(to.id().as_str());
        Err(error.with_detail(format!("{why}, so it was left as it is")))
    };
    let start = there - there.min(COMPARED);
    let (ours, theirs) =
        tokio::try_join!(block(to, &file.target, start, there), block(from, &file.source, start, there))?;
    if ours != theirs {
        return refuse("what is there is not the beginning of the source");
    }
    // Never through a link, and nothing is cut off that somebody has written since.
    let now = to.lstat(&file.target).await?;
    if now.kind != Kind::File || now.attributes.size != Some(there) {
        return refuse("it has changed since it was listed");
    }
    to.write(&file.target, completing(from, file, there)).await
}

/// Takes away again what was written behind the first `there` bytes.
pub(super) async fn cut_back(
    from: &dyn FileSystem,
    to: &dyn FileSystem,
    file: &CopyFile,
    there: u64,
) -> Result<()> {
    let options = WriteOptions { attributes: Attributes::default(), ..completing(from, file, there) };
    to.write(&file.target, options).await?.finish().await.map(drop)
}

fn completing(from: &dyn FileSystem, file: &CopyFile, there: u64) -> WriteOptions {
    WriteOptions { resume: Some(there), exclusive: false, create_mode: None, ..unfinished(from, file) }
}

/// The bytes from `start` to `end`, or fewer where the file is shorter.
async fn block(fs: &dyn FileSystem, path: &RemotePath, start: u64, end: u64) -> Result<Vec<u8>> {
    let mut stream = fs.read(path, ReadOptions { offset: start, expected_size: None }).await?;
    let wanted = usize::try_from(end - start).unwrap_or(usize::MAX);
    let mut bytes = Vec::new();
    // To the end where that is near: a stream that is left may cost its connection.
    while bytes.len() <= wanted
        && let Some(chunk) = stream.next().await
    {
        bytes.extend_from_slice(&chunk?);
    }
    bytes.truncate(wanted);
    Ok(bytes)
}
