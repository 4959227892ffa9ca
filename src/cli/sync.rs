//! `wharf sync`: makes one directory like another, or each like the other.

use super::{
    Common, Exit, both,
    driver::Driver,
    options::SyncArguments,
    places, progress, steps,
    summary::{self, Telling},
};
use crate::{
    fs::{Error, ErrorKind, Operation, Result},
    transfer::{Landing, OnConflict, Policy, Request},
};

pub async fn run(arguments: &SyncArguments, common: &Common) -> Result<Exit> {
    if arguments.both && arguments.delete {
        // clap's own words would not say why.
        return Err(Error::new(ErrorKind::Usage, Operation::ReadArguments).on("--both --delete").with_detail(
            "nobody remembers how the two sides were before: what only one has may be new there, or deleted on the other",
        ));
    }
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
        if arguments.both {
            let Some(left) = locations.first() else { return Ok(Exit::Usage) };
            return both::run(&mut driver, left, &target, arguments, common).await;
        }
        let request = Request {
            sources: locations,
            target,
            landing: Landing::Onto,
            policy: Policy {
                recursive: true,
                on_conflict: OnConflict::Different,
                preserve: true,
                follow: arguments.follow,
                delete: arguments.delete,
                compare_content: arguments.checksum,
                ..arguments.transfer.policy()
            },
            remove_source: false,
        };
        if arguments.dry_run {
            return steps::show(&mut driver, vec![request], arguments.json, false).await;
        }
        let started = std::time::Instant::now();
        let Some(ended) = progress::copy(&mut driver, request, common.quiet).await? else {
            return Ok(Exit::Interrupted);
        };
        let telling = Telling { aloud: !common.quiet, as_json: arguments.json, quiet: common.quiet };
        summary::tell(&ended, started.elapsed(), "copied", telling)
    }
    .await;
    driver.finish().await;
    outcome
}
