//! Creates links, in the place of what stands there where that is allowed. Copies no bytes.

use super::{
    journal::Journal,
    part::{NAMES, Part, about_target},
    step::CopyLink,
};
use crate::fs::{ErrorKind, FileSystem, Result};

/// Copies a symlink as a symlink.
pub async fn symlink(
    from: &dyn FileSystem,
    to: &dyn FileSystem,
    link: &CopyLink,
    journal: &Journal,
) -> Result<()> {
    let target = match &link.target {
        Some(target) => target.clone(),
        None => from.read_link(&link.source).await?,
    };
    journal.begin_link(from.id(), &link.source, &link.path, link.replace);
    if link.replace {
        replace_link(to, link, &target).await?;
    } else {
        to.symlink(&link.path, &target).await?;
    }
    journal.done(from.id(), &link.source);
    Ok(())
}

async fn replace_link(to: &dyn FileSystem, link: &CopyLink, target: &[u8]) -> Result<()> {
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
                let renamed = to.rename(part.path(), &link.path, true).await;
                if renamed.is_err() {
                    let _ = to.remove_file(part.path()).await;
                }
                break renamed;
            }
        }
    };
    replaced.map_err(|error| about_target(error, part.path(), &link.path))
}
