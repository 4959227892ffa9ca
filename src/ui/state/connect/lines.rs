//! The lines of the connect screen: all that there is, grouped, or what matches. Must hold no
//! cursor.

use std::collections::BTreeSet;

use frizbee::{CaseMatching, Config, Matcher};

use super::{Choice, Folder, Hosts, Line, Places, Start};
use crate::{
    config::{Bookmark, check_folder},
    fs::Place,
    ui::text,
};

/// Columns that a note may take: as many as a pane of the narrowest pair has for it.
const NOTE: usize = 34;

/// A note, in as many lines as it needs.
fn note(what: &str, is_bad: bool) -> impl Iterator<Item = Line> {
    text::wrap(what, NOTE).into_iter().map(move |line| Line::Note(line, is_bad))
}

/// Whether a text is meant as a place rather than as something to look for.
fn is_place(text: &str) -> bool {
    text.contains("://") || text.contains(':') || text.starts_with(['/', '~', '.'])
}

/// Everything, grouped.
pub(super) fn all(places: &Places) -> Vec<Line> {
    let mut lines = Vec::new();
    if places.error.is_some() || !places.bookmarks.is_empty() {
        lines.push(Line::Heading("Bookmarks"));
    }
    if places.error.is_some() {
        lines.push(Line::Note("their file cannot be read".to_owned(), true));
    }
    tree(places, &places.folders(), "", 0, &mut lines);
    match &places.hosts {
        Hosts::Known(hosts) if !hosts.is_empty() => {
            lines.push(Line::Heading("Hosts of ssh_config"));
            lines.extend((0..hosts.len()).map(|at| Line::Choice(Choice::Host(at))));
        }
        Hosts::Failed(error) => {
            lines.push(Line::Heading("Hosts of ssh_config"));
            lines.extend(note(error.detail().unwrap_or("it cannot be read"), true));
        }
        Hosts::Unknown if places.hosts_job.is_some() => {
            lines.push(Line::Heading("Hosts of ssh_config"));
            lines.push(Line::Note("reading…".to_owned(), false));
        }
        Hosts::Known(_) | Hosts::Unknown => {}
    }
    let recent: Vec<Line> = places.recent().map(|at| Line::Choice(Choice::Recent(at))).collect();
    if !recent.is_empty() {
        lines.push(Line::Heading("Recent"));
        lines.extend(recent);
    }
    let mut again = Vec::new();
    again.extend(places.session.is_some().then_some(Start::Session));
    again.extend((!places.workspaces.is_empty()).then_some(Start::Workspaces));
    if !again.is_empty() {
        lines.push(Line::Heading("Tabs"));
        lines.extend(again.into_iter().map(|start| Line::Choice(Choice::Start(start))));
    }
    lines.extend(starts(places));
    lines
}

/// Where a bookmark is listed: at the top where its folder is none that could be saved.
pub(super) fn folder_of(bookmark: &Bookmark) -> &str {
    if check_folder(&bookmark.folder).is_ok() { &bookmark.folder } else { "" }
}

/// The bookmarks of a folder in the order of the file, then the folders in it.
fn tree(places: &Places, all: &BTreeSet<&str>, folder: &str, depth: u16, lines: &mut Vec<Line>) {
    let own = places.bookmarks.iter().enumerate().filter(|(_, bookmark)| folder_of(bookmark) == folder);
    lines.extend(own.map(|(at, _)| Line::Choice(Choice::Bookmark(at))));
    let mut inside: Vec<&str> = all.iter().filter_map(|path| first_below(folder, path)).collect();
    inside.dedup();
    inside.sort_by_key(|name| name.to_lowercase());
    for name in inside {
        let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
        let path = only_way_down(all, path);
        let is_in = |other: &str| other == path || first_below(&path, other).is_some();
        let count = places.bookmarks.iter().filter(|bookmark| is_in(folder_of(bookmark))).count();
        let is_open = !places.closed.contains(&path);
        let label = path.get(folder.len()..).unwrap_or_default().trim_start_matches('/').to_owned();
        lines.push(Line::Folder(Folder { path: path.clone(), label, depth, is_open, count }));
        if is_open {
            tree(places, all, &path, depth.saturating_add(1), lines);
        }
    }
}

/// The name that follows `folder` in a path below it.
fn first_below<'a>(folder: &str, path: &'a str) -> Option<&'a str> {
    let rest = match folder {
        "" => path,
        folder => path.strip_prefix(folder)?.strip_prefix('/')?,
    };
    rest.split('/').next().filter(|name| !name.is_empty())
}

/// A folder that holds nothing but one other folder is shown as one with that.
fn only_way_down(all: &BTreeSet<&str>, mut path: String) -> String {
    loop {
        let mut names: Vec<&str> = all.iter().filter_map(|other| first_below(&path, other)).collect();
        names.dedup();
        match names[..] {
            [only] if !all.contains(path.as_str()) => path = format!("{path}/{only}"),
            _ => return path,
        }
    }
}

/// What there is to begin with, until there is something to come back to.
fn starts(places: &Places) -> Vec<Line> {
    if !places.bookmarks.is_empty() || places.error.is_some() {
        return Vec::new();
    }
    let is_new = places.recent.is_empty();
    let mut starts = Vec::new();
    if places.can_keep && is_new {
        starts.push(Start::NewBookmark);
    }
    starts.extend(places.importable.iter().map(|importable| Start::Import(importable.program)));
    if is_new {
        starts.extend(places.can_demo.then_some(Start::Demo));
        starts.push(Start::Tour);
    }
    let mut lines = Vec::new();
    if !starts.is_empty() {
        lines.push(Line::Heading(if is_new { "No bookmarks yet" } else { "Bookmarks" }));
        if is_new {
            lines.extend(note("Type sftp://user@host/path or host:path and press Enter, or:", false));
        }
        lines.extend(starts.into_iter().map(|start| Line::Choice(Choice::Start(start))));
    }
    lines
}

/// What matches, the best first. What can be taken for a place is one as well.
pub(super) fn found(places: &Places, typed: &str) -> Vec<Line> {
    let mut choices = Vec::new();
    let mut texts = Vec::new();
    for (at, bookmark) in places.bookmarks.iter().enumerate() {
        choices.push(Choice::Bookmark(at));
        texts.push(format!("{} {} {}", bookmark.name, bookmark.folder, bookmark.place));
    }
    for (at, host) in places.hosts().iter().enumerate() {
        choices.push(Choice::Host(at));
        texts.push(host.clone());
    }
    for at in places.recent() {
        if let Some(recent) = places.recent.get(at) {
            choices.push(Choice::Recent(at));
            texts.push(recent.url.clone());
        }
    }
    let config = Config { casing: CaseMatching::Ignore, ..Config::default() };
    let matches = Matcher::new(typed, &config).match_list(&texts);
    let matching = matches
        .iter()
        .filter_map(|found| choices.get(usize::try_from(found.index).ok()?).cloned())
        .map(Line::Choice);
    let mut lines: Vec<Line> = matching.collect();
    let as_place = Line::Choice(Choice::Typed);
    if is_place(typed) {
        lines.insert(0, as_place);
    } else if Place::host(typed).is_some() {
        // A host that nobody has named yet.
        lines.push(as_place);
    }
    if lines.is_empty() {
        lines.push(Line::Note("nothing matches".to_owned(), false));
    }
    lines
}
