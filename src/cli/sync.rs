//! `wharf sync`: makes one directory like another.

use super::{Common, Exit, arguments::SyncArguments, driver::Driver, places, progress, steps};
use crate::{
    fs::{Error, ErrorKind, Operation, Result},
    transfer::{Landing, OnConflict, Policy, Request},
    words,
};

pub async fn run(arguments: &SyncArguments, common: &Common) -> Result<Exit> {
    let places = places(&arguments.places, common)?;
    let mut driver = Driver::start(common)?;
    let outcome = async {
        let mut locations = driver.open(&places).await?;
        let Some(target) = locations.pop() else { return Ok(Exit::Usage) };
        if let Some(source) = locations.first()
            && source.fs == target.fs
            && source.path == target.path
        {
            return Err(Error::new(ErrorKind::Usage, Operation::ReadArguments)
                .at(&target.path)
                .with_detail("source and target are the same place"));
        }
        let request = Request {
            sources: locations,
            target,
            landing: Landing::Onto,
            policy: Policy {
                recursive: true,
                on_conflict: OnConflict::Different,
                preserve: true,
                delete: arguments.delete,
                compare_content: arguments.checksum,
                limit: arguments.transfer.limit,
                retries: arguments.transfer.retries,
            },
            remove_source: false,
        };
        if arguments.dry_run {
            return steps::show(&mut driver, request, arguments.json).await;
        }
        let started = std::time::Instant::now();
        let Some(outcome) = progress::copy(&mut driver, request, common.quiet).await? else {
            return Ok(Exit::Interrupted);
        };
        if !common.quiet {
            let took = words::duration(started.elapsed());
            super::say(format_args!("{} in {took}", words::outcome(&outcome, "copied")));
        }
        Ok(if outcome.failed > 0 { Exit::Items } else { Exit::Done })
    }
    .await;
    driver.finish().await;
    outcome
}
