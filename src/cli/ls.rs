//! `wharf ls`.

use std::io::{self, BufWriter, IsTerminal, Write};

use serde_json::{Value, json};

use super::{
    Common, Exit, driver, driver::Driver, links, options::LsArguments, place, printed, report,
    warn_of_password,
};
use crate::{
    engine::{Command, What},
    fs::{
        Entry, ErrorKind, Kind, Location, Precision, Result, Timestamp,
        entry::{Sort, compare, natural_key},
    },
    words,
};

pub async fn run(arguments: &LsArguments, common: &Common) -> Result<Exit> {
    let place = place(&arguments.place, common)?;
    warn_of_password(&place);
    let mut driver = Driver::start(common)?;
    let listed = async {
        let location = driver.open(std::slice::from_ref(&place)).await?.remove(0);
        if arguments.recursive {
            return tree(&mut driver, location, arguments).await;
        }
        let (entries, exit, within) = list(&mut driver, &location, arguments).await?;
        printed(print(&entries, arguments, within.as_ref(), false)).map(|()| exit)
    }
    .await;
    driver.finish().await;
    listed
}

/// Prints a directory and all below it, each as soon as it is listed. Links are not followed.
async fn tree(driver: &mut Driver, top: Location, arguments: &LsArguments) -> Result<Exit> {
    let mut exit = Exit::Done;
    let mut ahead = vec![top.clone()];
    let mut first = true;
    while let Some(dir) = ahead.pop() {
        let (entries, code, _) = match list(driver, &dir, arguments).await {
            Ok(listed) => listed,
            Err(error) if error.kind().ends_session() || dir == top => return Err(error),
            Err(error) => {
                report(&error);
                exit = exit.max(Exit::Items);
                continue;
            }
        };
        exit = exit.max(code);
        if !first && !arguments.json {
            printed(io::stdout().write_all(b"\n"))?;
        }
        first = false;
        printed(print(&entries, arguments, Some(&dir), true))?;
        let below = entries.iter().rev().filter(|entry| entry.kind == Kind::Dir);
        ahead.extend(below.map(|entry| dir.join(&entry.name)));
    }
    Ok(exit)
}

/// What is there, and the directory that it is in.
async fn list(
    driver: &mut Driver,
    location: &Location,
    arguments: &LsArguments,
) -> Result<(Vec<Entry>, Exit, Option<Location>)> {
    let mut entries = Vec::new();
    let mut within = Some(location.clone());
    let mut failed = 0u64;
    let job = driver.job();
    let listed = driver
        .run(job, Command::List { job, location: location.clone() }, |what| match what {
            What::Entries(batch) => entries.extend(batch),
            What::ItemFailed(error) => {
                report(&error);
                failed += 1;
            }
            other => driver::item(&other),
        })
        .await;
    if let Err(error) = listed {
        // Not a directory: then the thing itself, as ls does.
        let may_be_file =
            matches!(error.kind(), ErrorKind::NotADirectory | ErrorKind::Failure | ErrorKind::NotFound);
        if !may_be_file {
            return Err(error);
        }
        let job = driver.job();
        let looked = driver
            .run(job, Command::Stat { job, location: location.clone() }, |what| {
                if let What::Entries(batch) = what {
                    entries.extend(batch);
                }
            })
            .await;
        if looked.is_err() || entries.iter().any(|entry| entry.kind == Kind::Dir) {
            return Err(error);
        }
        within = location.parent();
    } else if !arguments.all {
        entries.retain(|entry| !entry.is_hidden());
    }
    let mut keyed: Vec<(Box<[u8]>, Entry)> =
        entries.into_iter().map(|entry| (natural_key(&entry.name), entry)).collect();
    let sort = Sort { dirs_first: false, ..Sort::default() };
    keyed.sort_by(|(a_key, a), (b_key, b)| compare(sort, a, a_key, b, b_key));
    let exit = if failed > 0 { Exit::Items } else { Exit::Done };
    Ok((keyed.into_iter().map(|(_, entry)| entry).collect(), exit, within))
}

/// Prints entries that are in `dir`; `named`, under its name.
fn print(entries: &[Entry], arguments: &LsArguments, dir: Option<&Location>, named: bool) -> io::Result<()> {
    let stdout = io::stdout();
    let on_terminal = stdout.is_terminal();
    let mut out = BufWriter::with_capacity(64 << 10, stdout.lock());
    let now = now();
    let linked = dir.filter(|_| on_terminal && links::are_known(|name| std::env::var(name).ok()));
    let host = linked.and_then(|_| nix::unistd::gethostname().ok()).unwrap_or_default();
    let host = host.to_string_lossy();
    let name = |entry: &Entry| {
        // A terminal never gets raw bytes; a pipe gets nothing else.
        if !on_terminal {
            return entry.name.to_vec();
        }
        let shown = words::escape_bytes(&entry.name);
        match linked.and_then(|dir| links::address(&dir.join(&entry.name), &host)) {
            Some(address) => links::link(&address, &shown).into_bytes(),
            None => shown.into_bytes(),
        }
    };
    let dir = dir.filter(|_| named);
    if let Some(dir) = dir.filter(|_| !arguments.json) {
        let path = dir.path.as_bytes();
        out.write_all(&if on_terminal { words::escape_bytes(path).into_bytes() } else { path.to_vec() })?;
        out.write_all(b":\n")?;
    }
    for entry in entries {
        if arguments.json {
            let mut object = object(entry);
            if let Some(dir) = dir {
                object["dir"] = json!(dir.path.to_string());
            }
            serde_json::to_writer(&mut out, &object)?;
        } else if arguments.long {
            let attributes = &entry.attributes;
            let owner = |name: &Option<std::sync::Arc<str>>, id: Option<u32>| match (name, id) {
                (Some(name), _) => words::escape(name).into_owned(),
                (None, Some(id)) => id.to_string(),
                (None, None) => "?".to_owned(),
            };
            write!(
                out,
                "{} {:<8} {:<8} {:>12} {:>12} ",
                attributes.mode.map_or_else(|| "?".repeat(10), |mode| words::mode_of(entry, mode)),
                owner(&entry.owner, attributes.uid),
                owner(&entry.group, attributes.gid),
                attributes.size.map_or_else(|| "?".to_owned(), |size| size.to_string()),
                attributes.mtime.map_or_else(|| "?".to_owned(), |time| words::timestamp(time, now)),
            )?;
            out.write_all(&name(entry))?;
            if let Some(target) = &entry.target {
                write!(out, " -> {}", words::escape_bytes(target))?;
            }
        } else {
            out.write_all(&name(entry))?;
        }
        out.write_all(b"\n")?;
    }
    out.flush()
}

pub(super) fn now() -> Timestamp {
    let now = chrono::Utc::now();
    Timestamp { seconds: now.timestamp(), nanos: now.timestamp_subsec_nanos() }
}

/// DESIGN section 5: what the server did not say is null.
pub(super) fn object(entry: &Entry) -> Value {
    let attributes = &entry.attributes;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let owner = |name: &Option<std::sync::Arc<str>>, id: Option<u32>| match (name, id) {
        (Some(name), _) => json!(&**name),
        (None, Some(id)) => json!(id.to_string()),
        (None, None) => Value::Null,
    };
    let mtime = attributes.mtime.and_then(|time| chrono::DateTime::from_timestamp(time.seconds, time.nanos));
    let mut object = json!({
        "name": text(&entry.name),
        "kind": match entry.kind {
            Kind::File => "file",
            Kind::Dir => "dir",
            Kind::Symlink => "symlink",
            Kind::Other => "other",
        },
        "size": attributes.size,
        "mtime": mtime.map(|time| time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)),
        "mode": attributes.mode.map(|mode| format!("{mode:04o}")),
        "owner": owner(&entry.owner, attributes.uid),
        "group": owner(&entry.group, attributes.gid),
        "target": entry.target.as_ref().map(|target| text(target)),
    });
    let precision = match entry.mtime_precision {
        Precision::Second => None,
        Precision::Minute => Some("minute"),
        Precision::Day => Some("day"),
    };
    if let Some(precision) = precision {
        object["mtime_precision"] = json!(precision);
    }
    super::add_hex(&mut object, "name_hex", &entry.name);
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_says_null_for_what_is_unknown_and_hex_for_what_is_no_text() {
        let value = object(&Entry::new(&b"a\xff"[..], Kind::Other));
        assert_eq!(value["name"], "a\u{fffd}");
        assert_eq!(value["name_hex"], "61ff");
        assert!(value["size"].is_null() && value["mtime"].is_null() && value["target"].is_null());
        assert!(object(&Entry::new(&b"a"[..], Kind::File)).get("name_hex").is_none());
    }

    #[test]
    fn json_times_are_rfc_3339_in_utc() {
        let mut entry = Entry::new(&b"a"[..], Kind::File);
        entry.attributes.mtime = Some(Timestamp::from_seconds(1_700_000_000));
        assert_eq!(object(&entry)["mtime"], "2023-11-14T22:13:20Z");
        assert!(object(&entry).get("mtime_precision").is_none());
        entry.mtime_precision = Precision::Day;
        assert_eq!(object(&entry)["mtime_precision"], "day");
    }
}
