//! The small commands on places: rm, mkdir, cat, stat, ln, realpath, df. Each goes through all its
//! places; one that fails is named and does not stop the others.

use std::{
    ffi::OsString,
    io::{self, Write},
    os::unix::ffi::OsStrExt,
};

use serde_json::json;

use super::{
    Common, Exit, driver,
    driver::Driver,
    ls,
    options::{LnArguments, MkdirArguments, PlacesArguments, RmArguments, StatArguments},
    places, printed, report,
};
use crate::{
    engine::{Command, JobId, What},
    fs::{Entry, Error, ErrorKind, FsId, Kind, Location, Operation, Result, Space},
    words,
};

/// Opens the places, runs `work` on them and ends the sessions.
pub(super) async fn on_places(
    arguments: &[OsString],
    common: &Common,
    work: impl AsyncFnOnce(&mut Driver, Vec<Location>) -> Result<Exit>,
) -> Result<Exit> {
    let places = places(arguments, common)?;
    let mut driver = Driver::start(common)?;
    let done = match driver.open(&places).await {
        Ok(locations) => work(&mut driver, locations).await,
        Err(error) => Err(error),
    };
    driver.finish().await;
    done
}

/// Sends one command per place; failures are reported.
pub(super) async fn each(
    driver: &mut Driver,
    locations: Vec<Location>,
    command: impl Fn(JobId, Location) -> Command,
    mut hear: impl FnMut(&Location, What),
) -> Result<Exit> {
    let mut exit = Exit::Done;
    for location in locations {
        let job = driver.job();
        if let Err(error) =
            driver.run(job, command(job, location.clone()), |what| hear(&location, what)).await
        {
            report(&error);
            exit = exit.max(Exit::of(&error));
        }
    }
    Ok(exit)
}

/// Refuses what is only called `.` or `..`, as rm(1) and mv(1) do: that it was more than meant shows too late.
pub(super) fn refuse_dots(arguments: &[OsString]) -> Result<()> {
    for argument in arguments {
        let bytes = argument.as_bytes();
        let end = bytes.iter().rposition(|byte| *byte != b'/').map_or(0, |at| at + 1);
        let last = bytes.get(..end).and_then(|all| all.rsplit(|byte| matches!(byte, b'/' | b':')).next());
        if matches!(last, Some(b"." | b"..")) {
            let place = String::from_utf8_lossy(bytes);
            return Err(Error::new(ErrorKind::Usage, Operation::ReadArguments).with_detail(format!(
                "{place} ends in . or .., and is neither removed nor moved; give its name"
            )));
        }
    }
    Ok(())
}

/// The same for all that a server or this machine has.
pub(super) fn refuse_root(location: &Location) -> Result<()> {
    if !location.path.is_root() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Usage, Operation::ReadArguments)
        .at(&location.path)
        .on(location.fs.as_str())
        .with_detail("all that is there is neither removed nor moved; name what is to go"))
}

pub async fn rm(arguments: &RmArguments, common: &Common) -> Result<Exit> {
    refuse_dots(&arguments.places)?;
    on_places(&arguments.places, common, async |driver, locations| {
        let mut exit = Exit::Done;
        let mut items = Vec::new();
        locations.iter().try_for_each(refuse_root)?;
        for location in locations {
            match driver.look(&location).await {
                Ok(entry) if entry.kind == Kind::Dir && !arguments.recursive => {
                    report(
                        &Error::new(ErrorKind::IsADirectory, Operation::RemoveFile)
                            .at(&location.path)
                            .on(location.fs.as_str())
                            .with_detail("-r removes directories with all that they hold"),
                    );
                    exit = exit.max(Exit::Items);
                }
                Ok(_) => items.push(location),
                Err(error) => {
                    report(&error);
                    exit = exit.max(Exit::of(&error));
                }
            }
        }
        if !items.is_empty() {
            let job = driver.job();
            let outcome = driver.run(job, Command::Remove { job, items }, |what| driver::item(&what)).await?;
            if outcome.failed > 0 {
                exit = exit.max(Exit::Items);
            }
        }
        Ok(exit)
    })
    .await
}

pub async fn mkdir(arguments: &MkdirArguments, common: &Common) -> Result<Exit> {
    let parents = arguments.parents;
    on_places(&arguments.places, common, async |driver, locations| {
        each(driver, locations, |job, location| Command::CreateDir { job, location, parents }, |_, _| {})
            .await
    })
    .await
}

pub async fn ln(arguments: &LnArguments, common: &Common) -> Result<Exit> {
    if !arguments.symbolic {
        return hard_link(arguments, common).await;
    }
    let target = arguments.target.as_bytes().to_vec();
    on_places(std::slice::from_ref(&arguments.place), common, async |driver, locations| {
        let command = |job, location| Command::Symlink { job, location, target: target.clone() };
        each(driver, locations, command, |_, _| {}).await
    })
    .await
}

async fn hard_link(arguments: &LnArguments, common: &Common) -> Result<Exit> {
    let both = [arguments.target.clone(), arguments.place.clone()];
    on_places(&both, common, async |driver, locations| {
        let [file, link] = &locations[..] else { return Ok(Exit::Usage) };
        if file.fs != link.fs {
            return Err(Error::new(ErrorKind::Usage, Operation::HardLink)
                .at(&link.path)
                .on(link.fs.as_str())
                .with_detail("a second name for a file has to be on the same server"));
        }
        let command = |job, location| Command::HardLink { job, location, to: link.path.clone() };
        each(driver, vec![file.clone()], command, |_, _| {}).await
    })
    .await
}

pub async fn realpath(arguments: &StatArguments, common: &Common) -> Result<Exit> {
    on_places(&arguments.places, common, async |driver, locations| {
        let mut found = Vec::new();
        let exit = each(
            driver,
            locations,
            |job, location| Command::Canonicalize { job, location },
            |_, what| {
                if let What::Resolved(location) = what {
                    found.push(location);
                }
            },
        )
        .await?;
        let mut out = Vec::new();
        for location in &found {
            if arguments.json {
                out.extend(format!("{}\n", json!({ "path": written(location) })).bytes());
            } else if io::IsTerminal::is_terminal(&io::stdout()) {
                out.extend(format!("{}\n", written(location)).bytes());
            } else {
                // A pipe gets the path as it is.
                out.extend_from_slice(location.path.as_bytes());
                out.push(b'\n');
            }
        }
        printed(io::stdout().lock().write_all(&out)).map(|()| exit)
    })
    .await
}

pub async fn cat(arguments: &PlacesArguments, common: &Common) -> Result<Exit> {
    on_places(&arguments.places, common, async |driver, locations| {
        let mut out = io::stdout();
        let mut written = Ok(());
        let mut exit = Exit::Done;
        let engine = driver.engine.clone();
        for location in locations {
            let job = driver.job();
            let read = driver
                .run(job, Command::Read { job, location, offset: 0, length: None }, |what| {
                    if let What::Data(bytes) = what
                        && written.is_ok()
                    {
                        written = out.write_all(&bytes);
                        if written.is_err() {
                            // Nobody reads on.
                            engine.send(Command::Cancel { job });
                        }
                    }
                })
                .await;
            if written.is_err() {
                break;
            }
            if let Err(error) = read {
                report(&error);
                exit = exit.max(Exit::of(&error));
            }
        }
        printed(written.and_then(|()| out.flush())).map(|()| exit)
    })
    .await
}

pub async fn stat(arguments: &StatArguments, common: &Common) -> Result<Exit> {
    on_places(&arguments.places, common, async |driver, locations| {
        let mut found = Vec::new();
        let exit = each(
            driver,
            locations,
            |job, location| Command::Stat { job, location },
            |location, what| {
                if let What::Entries(entries) = what {
                    found.extend(entries.into_iter().map(|entry| (location.clone(), entry)));
                }
            },
        )
        .await?;
        let mut out = io::stdout().lock();
        let text: String =
            found
                .iter()
                .map(|(location, entry)| {
                    if arguments.json { format!("{}\n", ls::object(entry)) } else { details(location, entry) }
                })
                .collect();
        printed(out.write_all(text.as_bytes())).map(|()| exit)
    })
    .await
}

/// A path as it is written on the command line.
pub(super) fn written(location: &Location) -> String {
    let path = words::escape_bytes(location.path.as_bytes());
    if location.fs == FsId::local() { path } else { format!("{}{path}", words::escape(location.fs.as_str())) }
}

/// `ann (1001)`, or as much of it as is known.
fn owner(name: Option<&str>, id: Option<u32>) -> String {
    match (name, id) {
        (Some(name), Some(id)) => format!("{} ({id})", words::escape(name)),
        (Some(name), None) => words::escape(name).into_owned(),
        (None, Some(id)) => id.to_string(),
        (None, None) => "not told".to_owned(),
    }
}

fn details(location: &Location, entry: &Entry) -> String {
    let attributes = &entry.attributes;
    let unknown = || "not told".to_owned();
    let mut rows = vec![
        ("path", written(location)),
        ("kind", words::kind(entry.kind).to_owned()),
        ("size", attributes.size.map_or_else(unknown, |size| format!("{size} ({})", words::size(size)))),
        ("modified", attributes.mtime.map_or_else(unknown, |time| words::timestamp(time, ls::now()))),
        (
            "mode",
            attributes
                .mode
                .map_or_else(unknown, |mode| format!("{mode:04o} ({})", words::mode_of(entry, mode))),
        ),
        ("owner", owner(entry.owner.as_deref(), attributes.uid)),
        ("group", owner(entry.group.as_deref(), attributes.gid)),
    ];
    if let Some(target) = &entry.target {
        rows.push(("target", words::escape_bytes(target)));
    }
    rows.iter().map(|(name, value)| format!("{name:>9}  {value}\n")).collect()
}

pub async fn df(arguments: &StatArguments, common: &Common) -> Result<Exit> {
    on_places(&arguments.places, common, async |driver, locations| {
        let mut found: Vec<(Location, Space)> = Vec::new();
        let exit = each(
            driver,
            locations,
            |job, location| Command::Space { job, location },
            |location, what| {
                if let What::Space(space) = what {
                    found.push((location.clone(), space));
                }
            },
        )
        .await?;
        let line = |(location, space): &(Location, Space)| {
            if arguments.json {
                let object = json!({ "path": written(location), "free": space.free, "total": space.total });
                format!("{object}\n")
            } else {
                format!(
                    "{:>10} free of {:>10}  {}\n",
                    words::size(space.free),
                    words::size(space.total),
                    written(location)
                )
            }
        };
        let text: String = found.iter().map(line).collect();
        printed(io::stdout().lock().write_all(text.as_bytes())).map(|()| exit)
    })
    .await
}
