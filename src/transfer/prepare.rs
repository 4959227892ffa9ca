//! Finds out what the sources are and where each lands, and lists both sides. Decides nothing
//! about a single file (`plan` does) and changes nothing.

use std::collections::HashMap;

use futures::{FutureExt, StreamExt, TryStreamExt, future, stream};

use super::{
    Landing, OnConflict, Policy, compare,
    context::Transfer,
    plan::{self, Plan, Source},
    prepared::Prepared,
    walk::{self, Watcher},
};
use crate::fs::{Entry, Error, ErrorKind, Kind, Operation, RemotePath, Result};

impl Transfer {
    /// Finds out what the sources are and where each lands, and lists both sides.
    pub async fn prepare(
        &self,
        sources: &[RemotePath],
        target: &RemotePath,
        landing: Landing,
        policy: &Policy,
    ) -> Result<Prepared> {
        let stats: Vec<_> = sources.iter().map(|path| self.from.lstat(path)).collect();
        let (found, directory) = tokio::join!(future::join_all(stats), self.to.stat(target));
        let into = match (landing, directory) {
            (Landing::Onto, Ok(_)) => false,
            (Landing::Onto, Err(error)) if error.kind() == ErrorKind::NotFound => false,
            (Landing::Onto, Err(error)) => return Err(error.during(Operation::Plan)),
            (_, Ok(entry)) if entry.kind == Kind::Dir => true,
            (Landing::Into, Ok(_)) => {
                return Err(Error::new(ErrorKind::NotADirectory, Operation::Plan)
                    .at(target)
                    .on(self.to.id().as_str()));
            }
            (Landing::Into, Err(error)) => return Err(error.during(Operation::Plan)),
            (Landing::Auto, Ok(_)) if sources.len() > 1 => {
                return Err(Error::new(ErrorKind::NotADirectory, Operation::Plan)
                    .at(target)
                    .on(self.to.id().as_str())
                    .with_detail("several sources need a directory to go to"));
            }
            (Landing::Auto, Ok(_)) => false,
            (Landing::Auto, Err(error)) if error.kind() == ErrorKind::NotFound && sources.len() == 1 => false,
            (Landing::Auto, Err(error)) => return Err(error.during(Operation::Plan)),
        };
        let mut walks = Vec::new();
        let mut looks = Vec::new();
        for (path, entry) in sources.iter().zip(found) {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) if error.kind().ends_session() => return Err(error),
                Err(error) => {
                    self.failed(error);
                    continue;
                }
            };
            let landed = match path.name() {
                Some(name) if into => target.join(name),
                _ => target.clone(),
            };
            if let Err(error) = self.check_overlap(path, &landed, entry.kind).await {
                self.failed(error);
                continue;
            }
            self.found(&entry);
            looks.push(self.look(landed.clone()).boxed());
            walks.push(self.walk(path.clone(), entry, landed, policy.recursive).boxed());
        }
        let looks = stream::iter(looks).buffered(1024).try_collect::<Vec<_>>();
        let (sources, tops) = tokio::try_join!(future::try_join_all(walks), looks)?;
        let across_forms = policy.on_conflict == OnConflict::Different;
        let mut wanted = plan::target_dirs(&sources);
        if across_forms {
            wanted = wanted.iter().map(plan::form).collect();
        }
        let is_wanted = |path: &RemotePath| match across_forms {
            true => wanted.contains(&plan::form(path)),
            false => wanted.contains(path),
        };
        let existing = walk::existing(&self.to, &tops, &is_wanted, policy.delete, self).await?;
        let incomplete = self.counters.failures() > 0;
        let mut prepared = Prepared { sources, existing, compared: HashMap::new(), incomplete, into };
        if across_forms {
            compare::links(self, &mut prepared).await?;
        }
        if policy.compare_content {
            prepared.compared = compare::contents(self, &prepared).await?;
        }
        Ok(prepared)
    }

    async fn walk(
        &self,
        path: RemotePath,
        entry: Entry,
        target: RemotePath,
        recursive: bool,
    ) -> Result<Source> {
        let below = if entry.kind == Kind::Dir && recursive {
            walk::tree(&self.from, &path, self).await?
        } else {
            Vec::new()
        };
        Ok(Source { path, entry, target, below })
    }

    /// What stands at a target path, if anything.
    async fn look(&self, path: RemotePath) -> Result<(RemotePath, Option<Entry>)> {
        match self.to.lstat(&path).await {
            Ok(entry) => Ok((path, Some(entry))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok((path, None)),
            Err(error) => Err(error),
        }
    }

    /// A directory must not be copied into itself, whatever links lead there.
    async fn check_overlap(&self, source: &RemotePath, target: &RemotePath, kind: Kind) -> Result<()> {
        if self.from.id() != self.to.id() || kind != Kind::Dir {
            return Ok(());
        }
        let parent = target.parent().unwrap_or_else(RemotePath::root);
        let (real_source, real_parent) =
            tokio::join!(self.from.canonicalize(source), self.to.canonicalize(&parent));
        let real_source = real_source.unwrap_or_else(|_| source.clone());
        let real_target = real_parent.unwrap_or(parent).join(target.name().unwrap_or(b"x"));
        if real_target.is_within(&real_source) {
            return Err(Error::new(ErrorKind::Usage, Operation::Plan)
                .at(source)
                .on(self.from.id().as_str())
                .with_detail("a directory cannot be copied into itself"));
        }
        Ok(())
    }

    /// The plan under `policy`.
    pub fn plan(&self, prepared: &Prepared, policy: &Policy) -> Plan {
        let (from, to) = (self.from.capabilities(), self.to.capabilities());
        plan::plan(&plan::Input {
            source_fs: self.from.id(),
            target_fs: self.to.id(),
            sources: &prepared.sources,
            existing: &prepared.existing,
            policy,
            time_precision: from.time_precision.max(to.time_precision),
            times_kept: to.times,
            compared: &prepared.compared,
            incomplete: prepared.incomplete,
            begun: &self.begun,
        })
    }
}
