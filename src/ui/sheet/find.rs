//! The search below a folder as a sheet: what is asked for, how far it is, and the list of what
//! was found. Pure.

use ratatui::layout::Rect;

use super::{Line, Piece, Row, Sheet, centred, cut, frame_width, inside, place_field, room, told};
use crate::{
    fs::{Entry, Error, Kind, RemotePath},
    transfer::find::{Match, Wanted},
    ui::{
        state::{Find, Search, State},
        text,
        theme::Role,
    },
    words,
};

/// How wide it would like to be, in columns.
const WIDTH: u16 = 116;
const LABEL: u16 = 6;
/// Columns of a size and of a time.
const SIZE: usize = 9;
const TIME: usize = 12;

pub(super) fn place(state: &State, find: &Find) -> Sheet {
    let height = room(state.size).height;
    let width = frame_width(state.size, WIDTH);
    // Nothing is listed before it is looked for.
    let most = match height {
        9.. if find.search.is_none() => 9,
        20.. => height.saturating_sub(4),
        _ => height,
    };
    let area = centred(room(state.size), width, most);
    let inner = inside(area, 0);
    let gap = u16::from(inner.height >= 12);
    let mut take = cut(inner);
    let name = take(1);
    let choices = take(1);
    take(gap);
    let columns = usize::from(inner.width).max(1);
    let said = said(state, find);
    // The list matters more than a long sentence.
    let most = if find.rows() > 0 { usize::from(inner.height / 4).clamp(1, 3) } else { 3 };
    let told = told(&said.1, columns, most);
    let status = take(u16::try_from(told.len()).unwrap_or(1));
    take(gap);
    let body = take(u16::MAX);
    let notes = told
        .into_iter()
        .zip(status.y..)
        .map(|(part, y)| (Rect { y, height: 1, ..status }, vec![Piece(said.0, part)]))
        .collect();
    let (count, seen) = (find.rows(), usize::from(body.height));
    let first = find.cursor.saturating_sub(seen / 2).min(count.saturating_sub(seen));
    let lines = lines(state, find, columns, first, seen);
    let (rows, typing_at) = fields(find, name, choices);
    Sheet {
        title: format!("Find below {}", text::cut_start(&find.label, usize::from(width).saturating_sub(20))),
        area,
        body,
        window: Some((first, count)),
        chosen: (find.rows() > 0).then_some(find.cursor),
        lines,
        rows,
        typing_at,
        notes,
        ..Sheet::default()
    }
}

fn fields(find: &Find, name: Rect, choices: Rect) -> (Vec<Row>, Option<u16>) {
    let value = |area: Rect| Rect {
        x: area.x.saturating_add(LABEL),
        width: area.width.saturating_sub(LABEL),
        ..area
    };
    let typed = place_field(value(name), &find.name);
    let empty = find.name.input.value().is_empty();
    let shown = if empty { "part of a name, or *.txt".to_owned() } else { typed.shown.clone() };
    let shown = text::cut(&shown, usize::from(value(name).width));
    let row = |slot: usize, label: &'static str, area: Rect, shown: String, role: Role| Row {
        slot,
        label,
        area,
        value: value(area),
        shown,
        role,
        has_focus: find.focus == slot,
    };
    let wanted = match find.wanted {
        Wanted::Anything => "all",
        Wanted::Files => "files",
        Wanted::Folders => "folders",
    };
    let case = if find.heeds_case { "exact" } else { "any" };
    let half = choices.width.div_ceil(2).clamp(19, 26).min(choices.width);
    let left = Rect { width: half.saturating_sub(2), ..choices };
    let right = Rect {
        x: choices.x.saturating_add(half),
        width: choices.width.saturating_sub(half).min(24),
        ..choices
    };
    let rows = vec![
        row(0, "Name", name, shown, if empty { Role::Faint } else { Role::Text }),
        row(1, "Kind", left, format!("‹ {wanted} ›"), Role::Text),
        row(2, "Case", right, format!("‹ {case} ›"), Role::Text),
    ];
    (rows, (find.focus == 0).then_some(typed.cursor))
}

/// The line between what is asked for and what was found.
fn said(state: &State, find: &Find) -> (Role, String) {
    if let Some(error) = &find.error {
        return (Role::Bad, format!("✗ {error}"));
    }
    if let Some(said) = &find.said {
        return (Role::Title, said.clone());
    }
    let Some(search) = &find.search else {
        return (Role::Soft, "Enter looks here and below; links are not followed.".to_owned());
    };
    let (role, mut text) = progress(state, search);
    if !find.is_answered() {
        text.push_str(" Enter looks anew.");
    } else if !find.marked.is_empty() {
        text.push_str(&format!(" {} marked.", words::count(find.marked.len() as u64)));
    }
    (role, text)
}

fn progress(state: &State, search: &Search) -> (Role, String) {
    let tally = search.tally;
    // Matches arrive before the tally that counts them.
    let count = tally.matches.max(search.matches.len() as u64);
    let found = match (count, search.matches.len() as u64) {
        (0, _) => "nothing found".to_owned(),
        (count, shown) if shown < count && search.job.is_none() => {
            format!("{} found ({} shown)", words::count(count), words::count(shown))
        }
        (count, _) => format!("{} found", words::count(count)),
    };
    let within = format!("in {}", words::plural(tally.dirs, "folder", "folders"));
    let time = match search.took {
        Some(took) => words::clock(took),
        None => words::duration(state.clock.running.saturating_sub(search.since)),
    };
    let unread = match search.failures {
        0 => String::new(),
        count => format!(" {} could not be read.", words::plural(count, "folder", "folders")),
    };
    if search.job.is_some() {
        let so_far =
            if count == 0 { "nothing yet".to_owned() } else { format!("{} found", words::count(count)) };
        return (Role::Soft, format!("{} {so_far} {within}, {time}. Esc stops.{unread}", spinner(state)));
    }
    let end = match (&search.error, search.stopped) {
        (Some(error), _) => {
            return (Role::Bad, format!("✗ {} Until then {found} {within}.", words::error(error)));
        }
        (None, true) => "Stopped: ",
        (None, false) => "",
    };
    let mut said = format!("{end}{found} {within}, {time}.{unread}");
    if let Some(first) = said.get(..1).map(str::to_uppercase) {
        said.replace_range(..1, &first);
    }
    (if search.failures > 0 || search.stopped { Role::Warning } else { Role::Soft }, said)
}

fn spinner(state: &State) -> &'static str {
    crate::ui::text::spinner(state.clock.running)
}

/// The lines that are seen: making all of ten thousand for every frame would be felt.
fn lines(state: &State, find: &Find, columns: usize, first: usize, count: usize) -> Vec<Line> {
    let Some(search) = &find.search else { return Vec::new() };
    let root = &find.root.path;
    let found = search.matches.iter().enumerate().skip(first);
    let found = found.map(|(at, found)| line(state, root, found, find.marked.contains(&at), columns));
    let failed = search.failed.iter().skip(first.saturating_sub(search.matches.len()));
    found.chain(failed.map(|error| failure(root, error, columns))).take(count).collect()
}

/// Path below the root, size and time, as much as fits.
fn line(state: &State, root: &RemotePath, found: &Match, marked: bool, columns: usize) -> Line {
    let entry = &found.entry;
    let time = columns >= 60;
    let beside = 1 + SIZE + if time { 2 + TIME } else { 0 };
    let room = columns.saturating_sub(2 + beside);
    let below = found.path.strip_prefix(root).unwrap_or_default();
    let cut = below.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
    let (folder, name) = below.split_at_checked(cut).unwrap_or((b"", below));
    let suffix = suffix(entry);
    let name = text::cut_middle(&words::escape_bytes(name), room.saturating_sub(suffix.len()));
    let folder =
        text::cut_start(&words::escape_bytes(folder), room.saturating_sub(text::width(&name) + suffix.len()));
    let used = text::width(&folder) + text::width(&name) + suffix.len();
    let size = match entry.attributes.size {
        Some(size) if !entry.is_dir_like() => words::size(size),
        _ => "-".to_owned(),
    };
    let look = if marked { Role::Selected } else { look(entry) };
    let mut line = vec![
        Piece(Role::Selected, if marked { "* " } else { "  " }.to_owned()),
        Piece(Role::Faint, folder),
        Piece(look, name),
        Piece(Role::Faint, suffix.to_owned()),
        Piece(Role::Text, " ".repeat(room.saturating_sub(used) + 1)),
        Piece(Role::Soft, text::pad_left(&size, SIZE)),
    ];
    if time {
        let at = entry.attributes.mtime.map(|at| words::timestamp_in(at, state.clock.now, state.zone));
        line.push(Piece(Role::Soft, format!("  {}", text::pad(&at.unwrap_or_default(), TIME))));
    }
    line
}

fn failure(root: &RemotePath, error: &Error, columns: usize) -> Line {
    let words = words::error(error);
    let path = match error.path().and_then(|path| path.strip_prefix(root)) {
        Some(b"") | None => "this folder".to_owned(),
        Some(below) => format!("{}/", words::escape_bytes(below)),
    };
    let path = text::cut_start(&path, columns / 2);
    let room = columns.saturating_sub(text::width(&path) + 4);
    vec![
        Piece(Role::Bad, format!("✗ {path}")),
        Piece(Role::Soft, format!("  {}", text::cut(&words.said, room))),
    ]
}

fn suffix(entry: &Entry) -> &'static str {
    match (entry.kind, entry.is_dir_like()) {
        (Kind::Symlink, _) => "@",
        (_, true) => "/",
        _ => "",
    }
}

fn look(entry: &Entry) -> Role {
    match entry.kind {
        Kind::Dir => Role::Dir,
        Kind::Symlink => Role::Link,
        Kind::Other => Role::Special,
        Kind::File => Role::Text,
    }
}
