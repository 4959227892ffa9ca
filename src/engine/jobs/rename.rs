//! The job that renames many items of one folder. Never replaces anything, and leaves nothing
//! under a name of its own making where that can be helped.

use std::{collections::HashSet, sync::Arc};

use futures::{StreamExt, stream::FuturesUnordered};

use super::{super::What, Job};
use crate::{
    fs::{Error, ErrorKind, FileSystem, Location, Operation, RemotePath, Result},
    transfer::{
        Outcome, Totals,
        rename::{NewName, Step, steps},
    },
};

/// Renames that depend on no other are done so many at a time.
const AT_A_TIME: usize = 16;

impl Job {
    pub(super) async fn rename_all(&self, folder: &Location, names: &[NewName]) -> Result<Outcome> {
        let fs = self.cancellable(Box::pin(self.fs(&folder.fs))).await?;
        let sources: HashSet<&[u8]> = names.iter().map(|(from, _)| &**from).collect();
        let targets: HashSet<&[u8]> = names.iter().map(|(_, to)| &**to).collect();
        let (mut bound, mut free) = (Vec::new(), Vec::new());
        for (from, to) in names.iter().filter(|(from, to)| from != to) {
            let depends = sources.contains(&**to) || targets.contains(&**from);
            if depends { &mut bound } else { &mut free }.push((from.clone(), to.clone()));
        }
        let mut outcome = Outcome::default();
        let mut free = free.into_iter();
        let mut running = FuturesUnordered::new();
        loop {
            // A rename that was begun is waited for: whether it happened is to be known.
            while running.len() < AT_A_TIME
                && !self.cancel.is_cancelled()
                && let Some((from, to)) = free.next()
            {
                let (fs, folder) = (fs.clone(), folder.path.clone());
                running.push(async move { rename(&fs, &folder, &from, &to).await });
            }
            let Some(renamed) = running.next().await else { break };
            self.take(renamed, &mut outcome).await?;
        }
        if self.cancel.is_cancelled() {
            return Err(Error::new(ErrorKind::Cancelled, Operation::Rename));
        }
        let mark = rand::random::<u32>();
        let spare = |at: usize| format!(".wharf-{mark:08x}-{at}").into_bytes().into();
        self.in_order(&fs, &folder.path, steps(&bound, spare), &bound, &mut outcome).await?;
        Ok(outcome)
    }

    async fn in_order(
        &self,
        fs: &Arc<dyn FileSystem>,
        folder: &RemotePath,
        steps: Vec<Step>,
        names: &[NewName],
        outcome: &mut Outcome,
    ) -> Result<()> {
        // Whoever could not leave stands in the way of others, who are named each by itself; one
        // that waits aside goes back to its own name then.
        let mut aside: Option<usize> = None;
        for step in steps {
            let Some((original, wanted)) = names.get(step.item) else { continue };
            let goes_aside = step.to != *wanted;
            let comes_back = step.from != *original;
            if aside.is_none() && self.cancel.is_cancelled() {
                return Err(Error::new(ErrorKind::Cancelled, Operation::Rename));
            }
            if comes_back && aside != Some(step.item) {
                // It never went.
                continue;
            }
            let mut renamed = rename(fs, folder, &step.from, &step.to).await;
            if goes_aside {
                match renamed {
                    Ok(()) => aside = Some(step.item),
                    Err(error) => self.take(Err(error), outcome).await?,
                }
                continue;
            }
            if comes_back {
                aside = None;
                if let Err(error) = renamed {
                    let back = rename(fs, folder, &step.from, original).await;
                    renamed = Err(match back {
                        Ok(()) => error.at(&folder.join(original)),
                        Err(_) => {
                            let now = String::from_utf8_lossy(&step.from).into_owned();
                            let said = error.detail().map(str::to_owned).unwrap_or_default();
                            error
                                .at(&folder.join(original))
                                .with_detail(format!("{said}; it is called {now} now"))
                        }
                    });
                }
            }
            self.take(renamed, outcome).await?;
        }
        Ok(())
    }

    async fn take(&self, renamed: Result<()>, outcome: &mut Outcome) -> Result<()> {
        match renamed {
            Ok(()) => outcome.done = Totals { files: outcome.done.files + 1, ..outcome.done },
            Err(error) if error.kind().ends_session() => return Err(error),
            Err(error) => {
                outcome.failed += 1;
                self.shared.emit(self.job, What::ItemFailed(error)).await;
            }
        }
        Ok(())
    }
}

async fn rename(fs: &Arc<dyn FileSystem>, folder: &RemotePath, from: &[u8], to: &[u8]) -> Result<()> {
    let (from, to) = (folder.join(from), folder.join(to));
    fs.rename(&from, &to, false).await.map_err(|error: Error| match error.path() {
        Some(_) => error,
        None => error.at(&from),
    })
}
