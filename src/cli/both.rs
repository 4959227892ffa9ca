//! `wharf sync --both`: each side gets what only the other has. What is done is decided where the
//! compare screen decides it; here it is only said and sent.

use super::{
    Common, Exit,
    driver::{self, Driver},
    options::SyncArguments,
    progress::{self, Ended},
    report, say, steps,
    summary::{self, Telling},
};
use crate::{
    engine::{Command, What},
    fs::{Error, ErrorKind, Location, Operation, Result},
    transfer::{
        OnConflict, Outcome, Policy,
        sync::{Comparison, Pair},
    },
};

pub async fn run(
    driver: &mut Driver,
    left: &Location,
    right: &Location,
    arguments: &SyncArguments,
    common: &Common,
) -> Result<Exit> {
    let on_conflict = arguments.on_conflict.map_or(OnConflict::Refuse, Into::into);
    let started = std::time::Instant::now();
    let (pairs, mut failed) = compare(driver, left, right, arguments.checksum).await?;
    let comparison = Comparison::both_ways(pairs, on_conflict);
    let mut skipped = 0;
    for (pair, why) in comparison.left_alone() {
        if pair.relation.is_change() && on_conflict == OnConflict::Skip {
            skipped += 1;
            continue;
        }
        failed += 1;
        let on = if pair.left.is_some() { left } else { right };
        let error = Error::new(ErrorKind::Conflict, Operation::Copy).at(&on.path.resolve(&pair.path));
        report(&error.on(on.fs.as_str()).with_detail(why));
    }
    let policy = Policy { on_conflict, ..arguments.transfer.policy() };
    let requests = comparison.requests_under(left, right, &policy);
    if arguments.dry_run {
        let exit = steps::show(driver, requests, arguments.json, true).await?;
        return Ok(if failed > 0 { exit.max(Exit::Items) } else { exit });
    }
    let mut all = Ended { outcome: Outcome { failed, skipped, ..Outcome::default() }, verified: Vec::new() };
    let count = requests.len();
    for (at, request) in requests.into_iter().enumerate() {
        let Some(ended) = progress::copy(driver, request, common.quiet).await? else {
            if at + 1 < count {
                say("wharf: the other direction was not begun; the same command does it");
            }
            return Ok(Exit::Interrupted);
        };
        all = all.and(ended);
    }
    let telling = Telling { aloud: !common.quiet, as_json: arguments.json, quiet: common.quiet };
    summary::tell(&all, started.elapsed(), "copied", telling)
}

/// What both sides have, and how many directories could not be listed: those have been named.
async fn compare(
    driver: &mut Driver,
    left: &Location,
    right: &Location,
    content: bool,
) -> Result<(Vec<Pair>, u64)> {
    let job = driver.job();
    let command = Command::Compare { job, left: left.clone(), right: right.clone(), content };
    let (mut pairs, mut failed) = (Vec::new(), 0);
    driver
        .run(job, command, |what| match what {
            What::Compared(more) => pairs.extend(more),
            other => {
                failed += u64::from(matches!(other, What::ItemFailed(_)));
                driver::item(&other);
            }
        })
        .await?;
    Ok((pairs, failed))
}
