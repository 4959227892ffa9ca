//! `wharf cp`.

use std::os::unix::ffi::OsStrExt;

use super::{Common, Exit, arguments::CpArguments, conflict_policy, driver::Driver, places, progress, steps};
use crate::{
    fs::Result,
    transfer::{Landing, Policy, Request},
    words,
};

pub async fn run(arguments: &CpArguments, common: &Common) -> Result<Exit> {
    let places = places(&arguments.places, common)?;
    let on_conflict = conflict_policy(arguments.on_conflict, common)?;
    let keeps_name = arguments.places.last().is_some_and(|last| last.as_bytes().ends_with(b"/"));
    let mut driver = Driver::start(common)?;
    let outcome = async {
        let mut locations = driver.open(&places).await?;
        let Some(target) = locations.pop() else { return Ok(Exit::Usage) };
        let request = Request {
            sources: locations,
            target,
            landing: if keeps_name { Landing::Into } else { Landing::Auto },
            policy: Policy {
                recursive: arguments.recursive,
                on_conflict,
                preserve: !arguments.no_preserve,
                limit: arguments.transfer.limit,
                retries: arguments.transfer.retries,
                ..Policy::default()
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
        if common.verbose || bar_was_wanted(common) {
            super::say(format_args!(
                "{} in {}",
                words::outcome(&outcome, "copied"),
                words::duration(started.elapsed())
            ));
        }
        Ok(if outcome.failed > 0 { Exit::Items } else { Exit::Done })
    }
    .await;
    driver.finish().await;
    outcome
}

fn bar_was_wanted(common: &Common) -> bool {
    use std::io::IsTerminal;
    !common.quiet && std::io::stderr().is_terminal()
}
