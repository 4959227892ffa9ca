//! The lines of a record: one JSON object each, paths percent-encoded, with a checksum of it behind a
//! space. Must do no I/O.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Item, Reason, State};
use crate::{
    fs::{
        FsId, Location, Place, PlacePath, RemotePath, Timestamp,
        place::{percent_decode, percent_encode},
    },
    transfer::{Chosen, Landing, OnConflict, Outcome, Policy, Request},
};

/// Appends `value` to `text` as a line.
///
/// # Errors
/// None that a value of this file has.
pub(super) fn append(text: &mut Vec<u8>, value: &impl Serialize) -> serde_json::Result<()> {
    let start = text.len();
    serde_json::to_writer(&mut *text, value)?;
    let sum = crc32fast::hash(text.get(start..).unwrap_or_default());
    text.extend_from_slice(format!(" {sum:08x}\n").as_bytes());
    Ok(())
}

/// What a line says. `None` where it is not as it was written: a disk or a crash may have changed it,
/// and a name with another letter in it is another file.
pub(super) fn parse<T: serde::de::DeserializeOwned>(line: &[u8]) -> Option<T> {
    let line = line.strip_suffix(b"\n")?;
    let (json, sum) = line.split_at_checked(line.len().checked_sub(9)?)?;
    let is_whole = sum == format!(" {:08x}", crc32fast::hash(json)).as_bytes();
    if is_whole { serde_json::from_slice(json).ok() } else { None }
}

/// What is written first.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Head {
    /// Of this form of a record.
    pub version: u32,
    /// Seconds since 1970.
    pub started: i64,
    /// `local`, or the URL of a login.
    pub servers: Vec<String>,
    pub sources: Vec<Spot>,
    pub target: Spot,
    pub landing: Landing,
    pub policy: Policy,
    pub remove_source: bool,
    /// So many lines that say what was chosen follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen: Option<u64>,
}

/// A path on one of the servers.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Spot {
    pub on: u32,
    pub path: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Line {
    Policy(OnConflict),
    Decided {
        path: String,
        how: OnConflict,
    },
    /// A target path that is to be copied to, and nothing that is not named so.
    Only(String),
    /// A target path that is to be removed.
    Unwanted(String),
    Landing(Landing),
    Planned {
        files: u64,
        bytes: u64,
    },
    Removing,
    Dir(String),
    Begun {
        n: u64,
        #[serde(default, skip_serializing_if = "is_zero")]
        on: u32,
        source: String,
        target: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        part: Option<String>,
        size: Option<u64>,
        /// Seconds and nanoseconds.
        mtime: Option<(i64, u32)>,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        replace: bool,
    },
    At {
        n: u64,
        offset: u64,
    },
    Done {
        n: u64,
    },
    Failed {
        #[serde(flatten)]
        spot: Spot,
        #[serde(default)]
        kind: String,
        #[serde(default)]
        operation: String,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        why: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<String>,
    },
    Renamed(Spot),
    /// The job came to its end, with items that failed.
    Ended(Outcome),
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn encode(path: &RemotePath) -> String {
    percent_encode(path.as_bytes(), b"/")
}

/// A path that a record may name; the directory that it would leave is above the root.
fn decode(text: &str) -> Option<RemotePath> {
    let bytes = percent_decode(text.as_bytes()).ok()?;
    (bytes.starts_with(b"/") && !bytes.contains(&0)).then(|| RemotePath::new(bytes))
}

impl Line {
    pub(super) fn begun(on: u32, source: &RemotePath, item: &Item) -> Line {
        Line::Begun {
            n: item.number,
            on,
            source: encode(source),
            target: encode(&item.target),
            part: item.part.as_ref().map(encode),
            size: item.size,
            mtime: item.mtime.map(|time| (time.seconds, time.nanos)),
            replace: item.replace,
        }
    }

    pub(super) fn decided(path: &RemotePath, how: OnConflict) -> Line {
        Line::Decided { path: encode(path), how }
    }

    /// What was chosen, a line each.
    pub(super) fn chosen(chosen: &Chosen) -> impl Iterator<Item = Line> {
        let copied = chosen.copy.iter().map(|path| Line::Only(encode(path)));
        copied.chain(chosen.remove.iter().map(|path| Line::Unwanted(encode(path))))
    }

    pub(super) fn dir(path: &RemotePath) -> Line {
        Line::Dir(encode(path))
    }

    pub(super) fn failed(on: u32, source: &RemotePath, why: &Reason) -> Line {
        let (kind, operation) = why.names();
        let spot = Spot { on, path: encode(source) };
        Line::Failed { spot, kind, operation, why: why.said.clone(), code: why.code() }
    }

    pub(super) fn renamed(on: u32, source: &RemotePath) -> Line {
        Line::Renamed(Spot { on, path: encode(source) })
    }
}

impl State {
    /// Takes in what a line says. One that makes no sense is none.
    pub(super) fn replay(
        &mut self,
        line: Line,
        by_number: &mut std::collections::HashMap<u64, (u32, RemotePath)>,
    ) {
        match line {
            Line::Policy(policy) => self.policy = Some(policy),
            Line::Decided { path, how } => {
                if let Some(path) = decode(&path) {
                    Arc::make_mut(&mut self.decided).insert(path, how);
                }
            }
            Line::Only(path) => self.chosen.copy.extend(decode(&path)),
            Line::Unwanted(path) => self.chosen.remove.extend(decode(&path)),
            Line::Landing(landing) => self.landing = Some(landing),
            Line::Planned { files, bytes } => self.planned = Some((files, bytes)),
            Line::Removing => self.removing = true,
            Line::Dir(path) => self.dirs.extend(decode(&path)),
            Line::Begun { n, on, source, target, part, size, mtime, replace } => {
                let (Some(source), Some(target)) = (decode(&source), decode(&target)) else { return };
                let mtime = mtime.map(|(seconds, nanos)| Timestamp { seconds, nanos });
                let part = part.and_then(|part| decode(&part));
                self.next = self.next.max(n + 1);
                self.ended = None;
                by_number.insert(n, (on, source.clone()));
                let item = Item { target, part, size, mtime, replace, offset: 0, done: false, number: n };
                let key = (on, source);
                self.unfinish(&key);
                self.open.insert(key, item);
            }
            Line::At { n, offset } => {
                if let Some(item) = by_number.get(&n).and_then(|key| self.open.get_mut(key)) {
                    item.offset = offset;
                }
            }
            Line::Done { n } => {
                if let Some(key) = by_number.remove(&n) {
                    self.finish(key);
                }
            }
            Line::Failed { spot, kind, operation, why, code } => {
                if let Some(path) = decode(&spot.path) {
                    let key = (spot.on, path);
                    self.open.remove(&key);
                    self.unfinish(&key);
                    self.failed.insert(key, Reason::named(&kind, &operation, why, code.as_deref()));
                }
            }
            Line::Renamed(spot) => {
                self.renamed.extend(decode(&spot.path).map(|path| (spot.on, path)));
            }
            Line::Ended(outcome) => self.ended = Some(outcome),
        }
    }
}

impl Head {
    pub(super) fn of(request: &Request, url: &dyn Fn(&FsId) -> String, started: i64) -> (Head, Vec<FsId>) {
        let mut servers: Vec<FsId> = Vec::new();
        let mut spot = |location: &Location| {
            let on = servers.iter().position(|fs| *fs == location.fs).unwrap_or_else(|| {
                servers.push(location.fs.clone());
                servers.len() - 1
            });
            Spot { on: on as u32, path: encode(&location.path) }
        };
        let sources = request.sources.iter().map(&mut spot).collect();
        let target = spot(&request.target);
        let head = Head {
            version: 1,
            started,
            servers: servers.iter().map(url).collect(),
            sources,
            target,
            landing: request.landing,
            policy: request.policy.clone(),
            remove_source: request.remove_source,
            chosen: request
                .policy
                .chosen
                .as_ref()
                .map(|chosen| (chosen.copy.len() + chosen.remove.len()) as u64),
        };
        (head, servers)
    }

    /// The logins, and what was asked for. `None` where it makes no sense.
    pub(super) fn request(&self) -> Option<(Vec<Place>, Vec<FsId>, Request)> {
        let places: Vec<Place> = self.servers.iter().map(|url| place(url)).collect::<Option<_>>()?;
        let servers: Vec<FsId> = places
            .iter()
            .map(|place| match place {
                Place::Local(_) => FsId::local(),
                Place::Remote(target, _) => FsId::new(target.label()),
            })
            .collect();
        let location =
            |spot: &Spot| Some(Location::new(servers.get(spot.on as usize)?.clone(), decode(&spot.path)?));
        let request = Request {
            sources: self.sources.iter().map(location).collect::<Option<_>>()?,
            target: location(&self.target)?,
            landing: self.landing,
            policy: self.policy.clone(),
            remove_source: self.remove_source,
        };
        Some((places, servers, request))
    }
}

fn place(url: &str) -> Option<Place> {
    if url == FsId::local().as_str() {
        return Some(Place::Local(b"/".to_vec()));
    }
    match Place::parse(url.as_bytes()).ok()? {
        Place::Remote(target, _) => Some(Place::Remote(target, PlacePath::Login)),
        Place::Local(_) => None,
    }
}
