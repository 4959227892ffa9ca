//! Going on with a file that is there in part: only where what is there ends as the source does at that
//! place. Writes nothing itself.

use futures::StreamExt;

use super::{copy::unfinished, step::CopyFile};
use crate::fs::{
    Error, ErrorKind, FileSystem, Kind, Operation, ReadOptions, RemotePath, Result, Sink, WriteOptions,
};

/// Bytes in front of the place where a copy goes on that source and target must have in common.
const COMPARED: u64 = 64 << 10;

/// Whether a copy goes on.
pub(super) enum Resumed {
    /// From there.
    At(Box<dyn Sink>),
    /// It begins anew; worth telling where something was there.
    Not(Option<Error>),
}

/// Opens the part to be written on from `offset`, if it ends as the source does there.
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
    if offset == 0 || file.size.is_none_or(|size| size < offset) {
        return Ok(Resumed::Not(None));
    }
    match to.lstat(part).await {
        Ok(entry) if entry.attributes.size.is_some_and(|size| size < offset) => {
            return again("less of it has arrived than was known");
        }
        Ok(entry) if entry.kind == Kind::File => {}
        // A link would be written through.
        Ok(_) => return again("something else stands where it was"),
        Err(error) if error.kind().ends_session() => return Err(error),
        Err(_) => return again("what was there of it is gone"),
    }
    let start = offset - offset.min(COMPARED);
    let (ours, theirs) =
        tokio::try_join!(block(to, part, start, offset), block(from, &file.source, start, offset))?;
    if ours != theirs {
        return again("the source is not what it was");
    }
    let options = WriteOptions { resume: Some(offset), exclusive: false, ..unfinished(file) };
    match to.write(part, options).await {
        Ok(sink) => Ok(Resumed::At(sink)),
        Err(error) if error.kind().ends_session() => Err(error),
        Err(error) if error.kind() == ErrorKind::Unsupported => Ok(Resumed::Not(None)),
        Err(_) => again("what was there of it could not be opened"),
    }
}

/// The bytes from `start` to `end`, or fewer where the file is shorter.
async fn block(fs: &dyn FileSystem, path: &RemotePath, start: u64, end: u64) -> Result<Vec<u8>> {
    let mut stream = fs.read(path, ReadOptions { offset: start, expected_size: None }).await?;
    let wanted = usize::try_from(end - start).unwrap_or(usize::MAX);
    let mut bytes = Vec::new();
    while bytes.len() < wanted
        && let Some(chunk) = stream.next().await
    {
        bytes.extend_from_slice(&chunk?);
    }
    bytes.truncate(wanted);
    Ok(bytes)
}
