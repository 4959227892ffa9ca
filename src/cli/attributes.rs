//! `wharf chmod`, `chown` and `touch`.

use std::ffi::OsString;

use clap::Args;

use super::{Common, Exit, driver, driver::Driver, manage::on_places, report};
use crate::{
    engine::Command,
    fs::{Error, ErrorKind, Location, Operation, Result, Timestamp, mode::ModeChange},
    transfer::{Change, Owner},
};

#[derive(Args, Debug)]
pub struct ChmodArguments {
    /// Directories with all that is below; links there are not followed
    #[arg(short = 'R', long)]
    pub recursive: bool,

    /// In octal, for example 644, or as clauses, for example u+x,go-w
    #[arg(value_parser = parse_mode, allow_hyphen_values = true)]
    pub mode: ModeChange,

    #[arg(required = true, value_name = "PLACE")]
    pub places: Vec<OsString>,
}

fn parse_mode(text: &str) -> std::result::Result<ModeChange, &'static str> {
    text.parse()
}

#[derive(Args, Debug)]
pub struct ChownArguments {
    /// Directories with all that is below; links there are changed themselves
    #[arg(short = 'R', long)]
    pub recursive: bool,

    /// [OWNER][:GROUP], each a name as the server knows it, or a number
    #[arg(value_parser = parse_owners)]
    pub owners: Owners,

    #[arg(required = true, value_name = "PLACE")]
    pub places: Vec<OsString>,
}

#[derive(Clone, Debug)]
pub struct Owners {
    owner: Option<Owner>,
    group: Option<Owner>,
}

fn parse_owners(text: &str) -> std::result::Result<Owners, &'static str> {
    const HOW: &str = "write OWNER, OWNER:GROUP or :GROUP";
    let (owner, group) = match text.split_once(':') {
        Some((_, "")) => return Err(HOW),
        Some((owner, group)) => (owner, Some(group)),
        None => (text, None),
    };
    let parsed = |name: &str| {
        // Names are looked up first, as one may be of digits: POSIX, chown.
        Owner::Name(name.to_owned())
    };
    let owners = Owners { owner: (!owner.is_empty()).then(|| parsed(owner)), group: group.map(parsed) };
    if owners.owner.is_none() && owners.group.is_none() { Err(HOW) } else { Ok(owners) }
}

#[derive(Args, Debug)]
pub struct TouchArguments {
    /// The time to set, as RFC 3339 has it: 2026-11-21T12:00:00Z
    #[arg(short, long, value_name = "TIME", value_parser = parse_time)]
    pub date: Option<Timestamp>,

    /// Set only when it was read last
    #[arg(short, long)]
    pub access: bool,

    /// Set only when it was changed last; with -a, both, as without either
    #[arg(short, long)]
    pub modification: bool,

    /// Leave alone what is not there
    #[arg(short = 'c', long)]
    pub no_create: bool,

    #[arg(required = true, value_name = "PLACE")]
    pub places: Vec<OsString>,
}

fn parse_time(text: &str) -> std::result::Result<Timestamp, String> {
    chrono::DateTime::parse_from_rfc3339(text)
        .map(|time| Timestamp { seconds: time.timestamp(), nanos: time.timestamp_subsec_nanos() })
        .map_err(|_| "times are written as 2026-11-21T12:00:00Z or 2026-11-21T12:00:00+01:00".to_owned())
}

pub async fn chmod(arguments: &ChmodArguments, common: &Common) -> Result<Exit> {
    let change = Change { mode: Some(arguments.mode.clone()), ..Change::default() };
    all(&arguments.places, common, change, arguments.recursive).await
}

pub async fn chown(arguments: &ChownArguments, common: &Common) -> Result<Exit> {
    let Owners { owner, group } = arguments.owners.clone();
    all(&arguments.places, common, Change { owner, group, ..Change::default() }, arguments.recursive).await
}

async fn all(places: &[OsString], common: &Common, change: Change, recursive: bool) -> Result<Exit> {
    on_places(places, common, async |driver, locations| set(driver, locations, change, recursive).await).await
}

async fn set(driver: &mut Driver, items: Vec<Location>, change: Change, recursive: bool) -> Result<Exit> {
    let job = driver.job();
    let command = Command::SetAttributes { job, items, change, recursive };
    let outcome = driver.run(job, command, |what| driver::item(&what)).await?;
    Ok(if outcome.failed > 0 { Exit::Items } else { Exit::Done })
}

pub async fn touch(arguments: &TouchArguments, common: &Common) -> Result<Exit> {
    let time = arguments.date.unwrap_or_else(super::ls::now);
    let both = arguments.access == arguments.modification;
    let set_if = |wanted: bool| (both || wanted).then_some(time);
    let change = Change {
        mtime: set_if(arguments.modification),
        atime: set_if(arguments.access),
        ..Change::default()
    };
    on_places(&arguments.places, common, async |driver, locations| {
        let mut exit = Exit::Done;
        let mut there = Vec::new();
        for location in locations {
            match here(driver, &location, arguments).await {
                Ok(true) => there.push(location),
                Ok(false) => {}
                Err(error) => {
                    report(&error);
                    exit = exit.max(Exit::of(&error));
                }
            }
        }
        if there.is_empty() {
            return Ok(exit);
        }
        Ok(exit.max(set(driver, there, change, false).await?))
    })
    .await
}

/// Whether there is a file to set the time of, after one was created where that is wanted.
async fn here(driver: &mut Driver, location: &Location, arguments: &TouchArguments) -> Result<bool> {
    match driver.look(location).await {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
        Ok(_) => return Ok(true),
    }
    if arguments.no_create {
        return Ok(false);
    }
    let job = driver.job();
    match driver.run(job, Command::CreateFile { job, location: location.clone() }, |_| {}).await {
        // Somebody else was faster.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(true),
        Err(error) => Err(Error::during(error, Operation::Write)),
        Ok(_) => Ok(true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_are_one_or_both() {
        let names = |text: &str| parse_owners(text).map(|owners| (owners.owner, owners.group)).ok();
        let name = |text: &str| Some(Owner::Name(text.to_owned()));
        assert_eq!(names("ann"), Some((name("ann"), None)));
        assert_eq!(names("ann:www"), Some((name("ann"), name("www"))));
        assert_eq!(names(":www"), Some((None, name("www"))));
        assert_eq!(names("1000:7"), Some((name("1000"), name("7"))));
        for bad in ["", ":", "ann:"] {
            assert!(names(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn times_may_have_a_zone() {
        assert_eq!(parse_time("1970-01-01T01:00:01+01:00"), Ok(Timestamp::from_seconds(1)));
        assert!(parse_time("yesterday").is_err());
    }
}
