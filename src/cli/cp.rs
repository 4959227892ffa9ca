//! `wharf cp`.

use std::os::unix::ffi::OsStrExt;

use super::{
    Common, Exit, conflict_policy,
    driver::Driver,
    options::CpArguments,
    places, progress, steps,
    summary::{self, Telling},
};
use crate::{
    fs::Result,
    transfer::{Landing, Policy, Request},
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
                follow: arguments.follow,
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
        let aloud = common.verbose || bar_was_wanted(common);
        let telling = Telling { aloud, as_json: arguments.json, quiet: common.quiet };
        summary::tell(&ended, started.elapsed(), "copied", telling)
    }
    .await;
    driver.finish().await;
    outcome
}

fn bar_was_wanted(common: &Common) -> bool {
    use std::io::IsTerminal;
    !common.quiet && std::io::stderr().is_terminal()
}
