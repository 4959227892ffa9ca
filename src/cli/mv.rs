//! `wharf mv`: a rename where that is possible, else a copy whose sources are removed once all of
//! it has arrived.

use std::os::unix::ffi::OsStrExt;

use super::{Common, Exit, MvArguments, conflict_policy, driver::Driver, places, progress, report};
use crate::{
    engine::Command,
    fs::{Error, ErrorKind, Location, Operation, Result},
    transfer::{Landing, OnConflict, Policy, Request},
};

pub async fn run(arguments: &MvArguments, common: &Common) -> Result<Exit> {
    let places = places(&arguments.places, common)?;
    let on_conflict = conflict_policy(arguments.on_conflict, common)?;
    let keeps_name = arguments.places.last().is_some_and(|last| last.as_bytes().ends_with(b"/"));
    let mut driver = Driver::start(common)?;
    let moved = match driver.open(&places).await {
        Ok(locations) => {
            let mover = Mover { arguments, common, on_conflict, driver: &mut driver };
            mover.all(locations, keeps_name).await
        }
        Err(error) => Err(error),
    };
    driver.finish().await;
    moved
}

struct Mover<'a> {
    arguments: &'a MvArguments,
    common: &'a Common,
    on_conflict: OnConflict,
    driver: &'a mut Driver,
}

impl Mover<'_> {
    async fn all(mut self, mut sources: Vec<Location>, keeps_name: bool) -> Result<Exit> {
        let Some(target) = sources.pop() else { return Ok(Exit::Usage) };
        let into = match self.driver.look(&target).await {
            Ok(entry) => entry.is_dir_like(),
            Err(error) if error.kind() == ErrorKind::NotFound && !keeps_name && sources.len() == 1 => false,
            Err(error) => return Err(error),
        };
        if !into && (keeps_name || sources.len() > 1) {
            return Err(Error::new(ErrorKind::NotADirectory, Operation::Rename)
                .at(&target.path)
                .on(target.fs.as_str()));
        }
        let mut exit = Exit::Done;
        for source in sources {
            let landed = match source.path.name() {
                Some(name) if into => target.join(name),
                _ => target.clone(),
            };
            let outcome = self.one(&source, &landed, if into { &target } else { &landed }, into).await;
            match outcome {
                Ok(code) => exit = exit.max(code),
                Err(error) => {
                    report(&error);
                    exit = exit.max(Exit::of(&error));
                }
            }
        }
        Ok(exit)
    }

    async fn one(
        &mut self,
        source: &Location,
        landed: &Location,
        target: &Location,
        into: bool,
    ) -> Result<Exit> {
        if source.fs == landed.fs {
            if landed.path.is_within(&source.path) {
                return Err(Error::new(ErrorKind::Usage, Operation::Rename)
                    .at(&source.path)
                    .on(source.fs.as_str())
                    .with_detail("source and target are the same, or one inside the other"));
            }
            let job = self.driver.job();
            let (from, to) = (source.clone(), landed.path.clone());
            match self.driver.run(job, Command::Rename { job, from, to }, |_| {}).await {
                Ok(_) => return Ok(Exit::Done),
                Err(error) => match error.kind() {
                    ErrorKind::AlreadyExists if self.arguments.on_conflict.is_some() => {}
                    // Another volume of the same machine: OpenSSH has no more than "failure" for it.
                    ErrorKind::Unsupported | ErrorKind::Failure => {}
                    _ => return Err(error),
                },
            }
        }
        self.across(source, target, into).await
    }

    /// Copies, and removes the source if all of it arrived.
    async fn across(&mut self, source: &Location, target: &Location, into: bool) -> Result<Exit> {
        let request = Request {
            sources: vec![source.clone()],
            target: target.clone(),
            landing: if into { Landing::Into } else { Landing::Auto },
            policy: Policy { recursive: true, on_conflict: self.on_conflict, preserve: true },
            remove_source: true,
        };
        let outcome = progress::copy(self.driver, request, self.common.quiet).await?;
        Ok(if outcome.failed + outcome.skipped > 0 { Exit::Items } else { Exit::Done })
    }
}
