//! Whether source and target of a move are two files. A link above, a mount, a server that is this
//! machine, with a root of its own perhaps: all make one file look like two. Changes nothing.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use crate::fs::{Error, ErrorKind, FileSystem, Operation, RemotePath, Result};

/// Pairs of directories that are kept.
const MOST: usize = 10_000;

/// The pairs of directories, at the source and at the target, that are known to be two.
#[derive(Debug, Default)]
pub struct Apart(Mutex<HashSet<(RemotePath, RemotePath)>>);

impl Apart {
    /// Refuses to replace the target of a move where it is the source: what was just written beside the
    /// target, as `part`, then stands beside the source as well. Replaced, and removed as the source, the
    /// only file there is would be lost.
    pub(super) async fn check(
        &self,
        from: &dyn FileSystem,
        source: &RemotePath,
        part: &RemotePath,
    ) -> Result<()> {
        let (Some(here), Some(there), Some(name)) = (source.parent(), part.parent(), part.name()) else {
            return Ok(());
        };
        let beside = here.join(name);
        let pair = (here, there);
        if self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&pair) {
            return Ok(());
        }
        from.doubt(&beside);
        match from.lstat(&beside).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let mut pairs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                if pairs.len() < MOST {
                    pairs.insert(pair);
                }
                Ok(())
            }
            Err(error) => Err(error.about(source)),
            Ok(_) => Err(Error::new(ErrorKind::Conflict, Operation::Copy)
                .at(source)
                .on(from.id().as_str())
                .with_detail("source and target are the same file, so it stays as it is")),
        }
    }

    /// Puts `part` in the place of `target`; where that is a move of `moved`, only if [`Apart::check`]
    /// lets it.
    pub(super) async fn replace(
        &self,
        moved: Option<(&dyn FileSystem, &RemotePath)>,
        to: &dyn FileSystem,
        part: &RemotePath,
        target: &RemotePath,
    ) -> Result<()> {
        if let Some((from, source)) = moved {
            self.check(from, source, part).await?;
        }
        to.rename(part, target, true).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::memory::Memory;

    #[tokio::test]
    async fn what_appears_beside_the_source_is_beside_it() {
        let from = Memory::new("apart");
        let path = |text: &str| RemotePath::new(text);
        from.plant(&path("/a/.x.wharf-part"), b"x").unwrap();
        let apart = Apart::default();
        let error = apart.check(&from, &path("/a/x"), &path("/link/.x.wharf-part")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        apart.check(&from, &path("/a/y"), &path("/b/.y.wharf-part")).await.unwrap();
        // What is known of two directories holds for all files in them.
        apart.check(&from, &path("/a/x"), &path("/b/.x.wharf-part")).await.unwrap();
        assert!(apart.check(&from, &path("/a/x"), &path("/c/.x.wharf-part")).await.is_err());
    }
}
