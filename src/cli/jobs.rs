//! `wharf jobs`: transfers that were interrupted or have items that failed. Decides nothing.

use std::{
    ffi::OsString,
    io::{self, Write},
    os::unix::ffi::OsStrExt,
};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{
    Common, Exit,
    driver::Driver,
    printed, progress, report,
    summary::{self, Telling},
};
use crate::{
    engine::{Command, What},
    fs::{Error, ErrorKind, Location, Operation, Result, Timestamp},
    transfer::{OnConflict, journal::Stored},
    words,
};

#[derive(Args, Debug)]
pub struct JobsArguments {
    #[command(subcommand)]
    pub command: Option<JobsCommand>,

    /// One JSON object per line
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum JobsCommand {
    /// Say what was interrupted
    List {
        /// One JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Go on where it stopped, and try again what failed
    Resume(Which),
    /// Say which items failed, and why
    Show {
        /// As `wharf jobs` shows it
        id: String,

        /// One JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Try again only what failed, or of that only ITEM
    Retry {
        /// As `wharf jobs` shows it
        id: String,

        /// Paths as `wharf jobs show` has them; without any, all that failed
        #[arg(value_name = "ITEM")]
        items: Vec<OsString>,
    },
    /// Forget it, and remove the parts of files that it has left
    Discard(Which),
}

#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub struct Which {
    /// As `wharf jobs` shows it
    pub id: Option<String>,

    /// All that do not run
    #[arg(long)]
    pub all: bool,
}

pub async fn run(arguments: &JobsArguments, common: &Common) -> Result<Exit> {
    let mut driver = Driver::start(common)?;
    let outcome = match &arguments.command {
        None => list(&mut driver, arguments.json).await,
        Some(JobsCommand::List { json }) => list(&mut driver, *json || arguments.json).await,
        Some(JobsCommand::Resume(which)) => each(&mut driver, which, common, true).await,
        Some(JobsCommand::Show { id, json }) => show(&mut driver, id, *json || arguments.json).await,
        Some(JobsCommand::Retry { id, items }) => retry(&mut driver, id, items, common).await,
        Some(JobsCommand::Discard(which)) => each(&mut driver, which, common, false).await,
    };
    driver.finish().await;
    outcome
}

async fn stored(driver: &mut Driver) -> Result<Vec<Stored>> {
    let job = driver.job();
    let mut found = Vec::new();
    driver
        .run(job, Command::Stored { job }, |what| {
            if let What::Stored(stored) = what {
                found = stored;
            }
        })
        .await?;
    Ok(found)
}

async fn list(driver: &mut Driver, as_json: bool) -> Result<Exit> {
    let stored = stored(driver).await?;
    let mut out = io::stdout().lock();
    let shown = stored.iter().try_for_each(|job| match as_json {
        true => writeln!(out, "{}", json(job)),
        false => writeln!(out, "{}", line(job)),
    });
    printed(shown)?;
    if stored.is_empty() && !as_json {
        super::say("Nothing was interrupted.");
    }
    Ok(Exit::Done)
}

/// The job of that name.
async fn find(driver: &mut Driver, id: &str) -> Result<Stored> {
    let unknown = Error::new(ErrorKind::NotFound, Operation::FindJob)
        .on(id)
        .with_detail("there is no interrupted transfer of that name");
    stored(driver).await?.into_iter().find(|job| job.id == id).ok_or(unknown)
}

async fn show(driver: &mut Driver, id: &str, as_json: bool) -> Result<Exit> {
    let job = find(driver, id).await?;
    let mut out = io::stdout().lock();
    let shown = job.failures.iter().try_for_each(|failure| {
        if as_json {
            let Location { fs, path } = &failure.source;
            let why = Some(&failure.why.said).filter(|said| !said.is_empty());
            let mut value = json!({ "place": fs.as_str(), "path": path.to_string(), "why": why });
            super::add_hex(&mut value, "path_hex", path.as_bytes());
            return writeln!(out, "{value}");
        }
        writeln!(out, "{}", words::error(&failure.error()))
    });
    printed(shown)?;
    if job.failures.is_empty() && !as_json {
        super::say("Nothing of it has failed.");
    }
    Ok(Exit::Done)
}

async fn retry(driver: &mut Driver, id: &str, items: &[OsString], common: &Common) -> Result<Exit> {
    let job = find(driver, id).await?;
    let mut wanted = Vec::new();
    for item in items {
        let is_it = |location: &&Location| location.path.as_bytes() == item.as_bytes();
        let found = job.failures.iter().map(|failure| &failure.source).find(is_it);
        wanted.push(found.cloned().ok_or_else(|| {
            Error::new(ErrorKind::NotFound, Operation::FindJob)
                .on(item.to_string_lossy().into_owned())
                .with_detail(format!("it is not among what has failed; `wharf jobs show {id}` lists that"))
        })?);
    }
    let started = std::time::Instant::now();
    let Some(ended) = progress::retry(driver, id.to_owned(), wanted, common.quiet).await? else {
        return Ok(Exit::Interrupted);
    };
    let telling = Telling { aloud: !common.quiet, as_json: false, quiet: common.quiet };
    summary::tell(&ended, started.elapsed(), "copied", telling)
}

async fn each(driver: &mut Driver, which: &Which, common: &Common, resume: bool) -> Result<Exit> {
    let ids: Vec<String> = match &which.id {
        Some(id) => vec![id.clone()],
        None => stored(driver).await?.into_iter().filter(|job| !job.running).map(|job| job.id).collect(),
    };
    let mut worst = Exit::Done;
    for id in ids {
        let exit = match resume {
            true => go_on(driver, id, common).await,
            false => {
                let job = driver.job();
                driver.run(job, Command::Discard { job, id }, |_| {}).await.map(|_| Exit::Done)
            }
        };
        worst = worst.max(exit.unwrap_or_else(|error| {
            report(&error);
            Exit::of(&error)
        }));
        if worst == Exit::Interrupted {
            break;
        }
    }
    Ok(worst)
}

async fn go_on(driver: &mut Driver, id: String, common: &Common) -> Result<Exit> {
    let started = std::time::Instant::now();
    let Some(ended) = progress::resume(driver, id, common.quiet).await? else {
        return Ok(Exit::Interrupted);
    };
    let telling = Telling { aloud: !common.quiet, as_json: false, quiet: common.quiet };
    summary::tell(&ended, started.elapsed(), "copied", telling)
}

fn kind(job: &Stored) -> &'static str {
    let policy = &job.request.policy;
    match job.request.remove_source {
        true => "move",
        false if policy.on_conflict == OnConflict::Different || policy.chosen.is_some() => "sync",
        false => "copy",
    }
}

fn shown(location: &Location) -> String {
    let path = words::escape_bytes(location.path.as_bytes());
    if location.fs.is_local() { path } else { format!("{}{path}", words::escape(location.fs.as_str())) }
}

/// How it stands, in a word.
fn standing(job: &Stored) -> &'static str {
    match (job.running, job.failed, job.open) {
        (true, _, _) => "running",
        (false, 1.., 0) => "failed items",
        (false, _, _) => "interrupted",
    }
}

fn line(job: &Stored) -> String {
    let sources: Vec<String> = job.request.sources.iter().take(3).map(shown).collect();
    let more = match job.request.sources.len().saturating_sub(sources.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = Timestamp::from_seconds(now.map_or(0, |since| since.as_secs() as i64));
    let failed = match job.failed {
        0 => String::new(),
        failed => format!(", {} failed", words::count(failed)),
    };
    format!(
        "{}  {}  {}  {} {}{more} to {}  ({} done{failed})",
        job.id,
        words::timestamp(Timestamp::from_seconds(job.started), now),
        standing(job),
        kind(job),
        sources.join(", "),
        shown(&job.request.target),
        words::totals(&job.reached),
    )
}

fn json(job: &Stored) -> Value {
    let place =
        |location: &Location| json!({ "place": location.fs.as_str(), "path": location.path.to_string() });
    json!({
        "id": job.id,
        "kind": kind(job),
        "started": job.started,
        "running": job.running,
        "sources": job.request.sources.iter().map(place).collect::<Vec<_>>(),
        "target": place(&job.request.target),
        "files_done": job.reached.files,
        "bytes_done": job.reached.bytes,
        "files_begun": job.open,
        "failed": job.failed,
    })
}
