//! `wharf mv`: a move. Whether that is a rename or a copy whose sources are removed once all of
//! it has arrived, the engine decides.

use std::os::unix::ffi::OsStrExt;

use super::{
    Common, Exit, conflict_policy,
    driver::Driver,
    manage,
    options::MvArguments,
    places, progress,
    summary::{self, Telling},
};
use crate::{
    fs::Result,
    transfer::{Landing, Policy, Request},
};

pub async fn run(arguments: &MvArguments, common: &Common) -> Result<Exit> {
    if let [sources @ .., _] = &arguments.places[..] {
        manage::refuse_dots(sources)?;
    }
    let places = places(&arguments.places, common)?;
    let on_conflict = conflict_policy(arguments.on_conflict, common)?;
    let keeps_name = arguments.places.last().is_some_and(|last| last.as_bytes().ends_with(b"/"));
    let mut driver = Driver::start(common)?;
    let moved = async {
        let mut locations = driver.open(&places).await?;
        let Some(target) = locations.pop() else { return Ok(Exit::Usage) };
        locations.iter().try_for_each(manage::refuse_root)?;
        let request = Request {
            sources: locations,
            target,
            landing: if keeps_name { Landing::Into } else { Landing::Auto },
            policy: Policy { on_conflict, ..arguments.transfer.policy() },
            remove_source: true,
        };
        let started = std::time::Instant::now();
        let Some(ended) = progress::copy(&mut driver, request, common.quiet).await? else {
            return Ok(Exit::Interrupted);
        };
        let telling = Telling { aloud: common.verbose, as_json: arguments.json, quiet: common.quiet };
        let exit = summary::tell(&ended, started.elapsed(), "moved", telling)?;
        Ok(if ended.outcome.skipped > 0 { Exit::Items } else { exit })
    }
    .await;
    driver.finish().await;
    moved
}
