//! Creates links, symbolic and hard, in the place of what stands there where that is allowed. Copies
//! no bytes.

use super::{
    apart::Apart,
    journal::Journal,
    part::{NAMES, Part, about_target},
    step::{CopyLink, HardLink},
};
use crate::fs::{ErrorKind, FileSystem, Result};

/// Copies a symlink as a symlink.
pub async fn symlink(
    from: &dyn FileSystem,
    to: &dyn FileSystem,
    link: &CopyLink,
    journal: &Journal,
    apart: &Apart,
) -> Result<()> {
    let target = match &link.target {
        Some(target) => target.clone(),
        None => from.read_link(&link.source).await?,
    };
    journal.begin_link(from.id(), &link.source, &link.path, link.replace);
    if link.replace {
        replace_link(from, to, link, &target, apart).await?;
    } else {
        to.symlink(&link.path, &target).await?;
    }
    journal.done(from.id(), &link.source);
    Ok(())
}

/// Gives the file that was copied to `link.first` its other name.
pub async fn hard_link(
    from: &dyn FileSystem,
    to: &dyn FileSystem,
    link: &HardLink,
    journal: &Journal,
    apart: &Apart,
) -> Result<()> {
    let HardLink { file, first, .. } = link;
    if !file.replace {
        journal.begin_whole(from.id(), file);
        to.hard_link(first, &file.target).await?;
        journal.done(from.id(), &file.source);
        return Ok(());
    }
    let mut part = Part::claim(to.id(), &file.target);
    let mut names = 0;
    loop {
        journal.begin(from.id(), file, part.path());
        match to.hard_link(first, part.path()).await {
            Err(error) if error.kind() == ErrorKind::AlreadyExists && names < NAMES => {
                names += 1;
                part.renew(&file.target);
            }
            Err(error) => return Err(about_target(error, part.path(), &file.target)),
            Ok(()) => break,
        }
    }
    let moved = file.moves.then_some((from, &file.source));
    let renamed = apart.replace(moved, to, part.path(), &file.target).await;
    // rename(2) does nothing where both are names of one file already.
    let removed = to.remove_file(part.path()).await;
    renamed.map_err(|error| about_target(error, part.path(), &file.target))?;
    match removed {
        Err(error) if error.kind().ends_session() => return Err(error),
        _ => {}
    }
    journal.done(from.id(), &file.source);
    Ok(())
}

async fn replace_link(
    from: &dyn FileSystem,
    to: &dyn FileSystem,
    link: &CopyLink,
    target: &[u8],
    apart: &Apart,
) -> Result<()> {
    let mut part = Part::claim(to.id(), &link.path);
    let mut names = 0;
    let replaced = loop {
        match to.symlink(part.path(), target).await {
            Err(error) if error.kind() == ErrorKind::AlreadyExists && names < NAMES => {
                names += 1;
                part.renew(&link.path);
            }
            Err(error) => break Err(error),
            Ok(()) => {
                let moved = link.moves.then_some((from, &link.source));
                let renamed = apart.replace(moved, to, part.path(), &link.path).await;
                if renamed.is_err() {
                    let _ = to.remove_file(part.path()).await;
                }
                break renamed;
            }
        }
    };
    replaced.map_err(|error| about_target(error, part.path(), &link.path))
}
