//! Draws one pane: its header, columns, rows and foot.

use ratatui::layout::{Position, Rect};

use super::{
    Pen, connect,
    parts::{key, middle},
    spinner,
};
use crate::{
    engine::Standing,
    fs::{Entry, Error, ErrorKind, Kind, entry::SortKey},
    trust::ChangedIdentity,
    ui::{
        action::Action,
        icons,
        layout::{
            Columns, PaneAreas, SHORT_TIME,
            header::{self, Part, Piece, seconds_left},
        },
        sheet,
        state::{Item, Pane, Phase, Row, Side, State, View},
        text,
        theme::Role,
    },
    words,
};

/// Returns where the terminal's cursor belongs if this pane's filter is being typed.
pub(super) fn draw(pen: &mut Pen<'_>, state: &State, side: Side, areas: &PaneAreas) -> Option<Position> {
    let pane = state.pane(side);
    let active = state.active == side && !state.in_panel;
    pen.frame(areas.outer, if active { Role::BorderActive } else { Role::Border });
    if let Some(chooser) = &pane.chooser {
        return connect::draw(pen, state, chooser, areas, active);
    }
    draw_header(pen, state, side, areas, active);
    match &pane.phase {
        Phase::Failed(error) => failure(pen, state, areas, error),
        Phase::Connecting(connecting) if pane.view.location.is_none() => {
            let stage = connecting.stage.map_or("connecting", words::stage);
            let what = [format!("Connecting to {}", connecting.label), format!("{stage}…")];
            wait(pen, state, areas, &what, connecting.since);
        }
        Phase::Listing(loading) if pane.view.listing.loaded() == 0 && loading.incoming.is_none() => {
            column_names(pen, areas, &pane.view);
            rows(pen, state, pane, areas, active);
            wait(pen, state, areas, &["Listing…".to_owned()], loading.since);
        }
        _ => {
            column_names(pen, areas, &pane.view);
            rows(pen, state, pane, areas, active);
            if pane.view.listing.is_empty() && !pane.is_waiting() && pane.view.location.is_some() {
                empty(pen, areas, &pane.view);
            }
        }
    }
    scrollbar(pen, areas, &pane.view, active);
    foot(pen, state, pane, areas, active)
}

fn draw_header(pen: &mut Pen<'_>, state: &State, side: Side, areas: &PaneAreas, active: bool) {
    let outer = areas.outer;
    let header = header::header(state, side, outer);
    if outer.width >= 8 && outer.height > 0 {
        pen.put(outer.x + 1, outer.y, 1, if active { "▸" } else { " " }, Role::Title);
    }
    for Piece { part, x, columns, text } in header.pieces {
        let role = match part {
            Part::Gap => Role::Text,
            Part::Side => Role::Accent,
            Part::Protocol => Role::Faint,
            Part::Name | Part::Path if active => Role::Title,
            Part::Name | Part::Trust => Role::Soft,
            Part::Path => Role::Text,
            Part::Open => Role::Warning,
            Part::Lost => Role::Bad,
        };
        pen.put(x, outer.y, columns, &text, role);
    }
}

fn column_names(pen: &mut Pen<'_>, areas: &PaneAreas, view: &View) {
    if areas.header.height == 0 {
        return;
    }
    let sort = view.listing.sort();
    let arrow = |key: SortKey| match (sort.key == key, sort.descending) {
        (false, _) => "",
        (true, false) => " ▲",
        (true, true) => " ▼",
    };
    let look = |key: SortKey| if sort.key == key { Role::Soft } else { Role::Faint };
    let y = areas.header.y;
    let columns = &areas.columns;
    if let Some(column) = columns.name {
        let by_extension = sort.key == SortKey::Extension;
        let name = if by_extension {
            format!("Name by extension{}", arrow(SortKey::Extension))
        } else {
            format!("Name{}", arrow(SortKey::Name))
        };
        let role = if by_extension { Role::Soft } else { look(SortKey::Name) };
        pen.put(column.x, y, column.width, &text::cut(&name, usize::from(column.width)), role);
    }
    if let Some(column) = columns.size {
        pen.put_right(
            column.x,
            y,
            column.width,
            &format!("Size{}", arrow(SortKey::Size)),
            look(SortKey::Size),
        );
    }
    if let Some(column) = columns.modified {
        let is_short = column.width <= SHORT_TIME && sort.key == SortKey::Modified;
        let name = format!("{}{}", if is_short { "Modif." } else { "Modified" }, arrow(SortKey::Modified));
        pen.put(column.x, y, column.width, &name, look(SortKey::Modified));
    }
    if let Some(column) = columns.mode {
        pen.put(column.x, y, column.width, "Mode", Role::Faint);
    }
    if let Some(column) = columns.owner {
        pen.put(column.x, y, column.width, "Owner", Role::Faint);
    }
}

fn rows(pen: &mut Pen<'_>, state: &State, pane: &Pane, areas: &PaneAreas, active: bool) {
    let view = &pane.view;
    let height = usize::from(areas.rows.height);
    let first = view.first_row(height);
    let stale = matches!(pane.phase, Phase::Lost(_) | Phase::Connecting(_));
    for (y, at) in (areas.rows.y..areas.rows.bottom()).zip(first..) {
        let Some(row) = view.row(at) else { break };
        let area = Rect { y, height: 1, ..areas.rows };
        match row {
            Row::Above => {
                if let Some(column) = areas.columns.name {
                    pen.put(column.x, y, column.width, "..", Role::Soft);
                }
            }
            Row::Item(item) => entry_row(pen, state, item, &areas.columns, area, stale),
        }
        if at == view.cursor {
            pen.tint(area, if active { Role::Cursor } else { Role::CursorIdle });
            pen.put(
                area.x,
                y,
                area.width.min(1),
                if active { "▌" } else { "▏" },
                if active { Role::Accent } else { Role::Faint },
            );
            pen.tint(
                Rect { width: 1.min(area.width), ..area },
                if active { Role::Cursor } else { Role::CursorIdle },
            );
        }
    }
}

fn entry_row(pen: &mut Pen<'_>, state: &State, item: &Item, columns: &Columns, area: Rect, stale: bool) {
    let entry = &item.entry;
    let y = area.y;
    let role = if item.selected {
        Role::Selected
    } else if stale {
        Role::Faint
    } else {
        look(entry)
    };
    if item.selected && area.width > 1 {
        pen.put(area.x + 1, y, 1, "*", Role::Selected);
    }
    if let Some(column) = columns.name {
        let name = words::escape_bytes(&entry.name);
        let suffix = suffix(entry);
        let room = usize::from(column.width).saturating_sub(suffix.len());
        let mut x = column.x;
        let mut room = room;
        if let Some(icon) = icons::icon(state.icons, entry).filter(|_| room > 8) {
            pen.put(x, y, 1, icon, role);
            (x, room) = (x + 2, room - 2);
        }
        let left = (column.x + column.width).saturating_sub(x);
        let x = pen.put(x, y, left, &text::cut_middle(&name, room), role);
        pen.put(x, y, (column.x + column.width).saturating_sub(x), suffix, Role::Faint);
    }
    if let Some(column) = columns.size {
        match item.measured {
            None => size(pen, entry, column.x, y, column.width),
            Some(standing) => measured(pen, state, entry, standing, column.x, y, column.width),
        }
    }
    if let (Some(column), Some(time)) = (columns.modified, entry.attributes.mtime) {
        let text = match column.width > SHORT_TIME {
            true => words::timestamp_in(time, state.clock.now, state.zone),
            false => words::timestamp_short(time, state.clock.now, state.zone),
        };
        pen.put(column.x, y, column.width, &text, Role::Soft);
    }
    if let (Some(column), Some(mode)) = (columns.mode, entry.attributes.mode) {
        pen.put(column.x, y, column.width, &words::mode_of(entry, mode), Role::Faint);
    }
    if let Some(column) = columns.owner {
        let owner = match (&entry.owner, entry.attributes.uid) {
            (Some(name), _) => words::escape(name).into_owned(),
            (None, Some(uid)) => uid.to_string(),
            (None, None) => String::new(),
        };
        pen.put(column.x, y, column.width, &text::cut(&owner, usize::from(column.width)), Role::Soft);
    }
}

/// What `ls -F` appends, so that kinds are told without colours.
fn suffix(entry: &Entry) -> &'static str {
    match (entry.kind, entry.is_dir_like()) {
        (Kind::Symlink, true) => "@/",
        (Kind::Symlink, false) => "@",
        (_, true) => "/",
        _ => "",
    }
}

fn look(entry: &Entry) -> Role {
    match entry.kind {
        Kind::Symlink => Role::Link,
        Kind::Dir => Role::Dir,
        Kind::Other => Role::Special,
        Kind::File if entry.is_hidden() => Role::Hidden,
        Kind::File if entry.attributes.mode.is_some_and(|mode| mode & 0o111 != 0) => Role::Executable,
        Kind::File => Role::Text,
    }
}

/// Number and unit each in a column of their own: the numbers stand below each other.
fn size(pen: &mut Pen<'_>, entry: &Entry, x: u16, y: u16, width: u16) {
    const UNIT: u16 = 3;
    match entry.attributes.size.filter(|_| !entry.is_dir_like()) {
        Some(bytes) => {
            let text = words::size(bytes);
            let (number, unit) = text.split_once(' ').unwrap_or((&text, ""));
            let room = width.saturating_sub(UNIT + 1);
            pen.put_right(x, y, room, number, Role::Soft);
            pen.put(x + room + 1, y, UNIT, unit, Role::Faint);
        }
        None => pen.put_right(x, y, width.saturating_sub(UNIT + 1), "-", Role::Faint),
    }
}

/// What a folder holds, as far as it is known.
fn measured(pen: &mut Pen<'_>, state: &State, entry: &Entry, standing: Standing, x: u16, y: u16, width: u16) {
    const UNIT: u16 = 3;
    let Some(bytes) = entry.attributes.size else {
        let text =
            if standing == Standing::Counting { format!("{} …", spinner(state)) } else { "?".to_owned() };
        return pen.put_right(x, y, width, &text, Role::Faint);
    };
    let text = words::size(bytes);
    let (number, unit) = text.split_once(' ').unwrap_or((&text, ""));
    let (number, role) = match standing {
        Standing::Counting => (format!("{}{number}", spinner(state)), Role::Faint),
        Standing::Whole => (number.to_owned(), Role::Soft),
        Standing::AtLeast => (format!("≥{number}"), Role::Warning),
    };
    // The mark may take one of the two columns before.
    let room = width.saturating_sub(UNIT + 1);
    pen.put_right(x.saturating_sub(1), y, room + 1, &number, role);
    pen.put(x + room + 1, y, UNIT, unit, Role::Faint);
}

fn wait(pen: &mut Pen<'_>, state: &State, areas: &PaneAreas, what: &[String], since: std::time::Duration) {
    let elapsed = words::duration(state.clock.running.saturating_sub(since));
    let mut lines = Vec::new();
    for (at, text) in what.iter().enumerate() {
        let text =
            if at + 1 == what.len() { format!("{} {text} {elapsed}", spinner(state)) } else { text.clone() };
        lines.push((if at == 0 { Role::Text } else { Role::Soft }, text));
    }
    if areas.rows.height > 3 {
        lines.push((Role::Text, String::new()));
    }
    lines.push((Role::Faint, format!("{} cancels", key(state, Action::Cancel))));
    middle(pen, areas, &lines);
}

fn failure(pen: &mut Pen<'_>, state: &State, areas: &PaneAreas, error: &Error) {
    let words = words::error(error);
    let (again, elsewhere) = (key(state, Action::Refresh), key(state, Action::Connect));
    let gap = || (Role::Text, String::new());
    if let Some(changed) = &words.changed {
        return changed_identity(pen, state, areas, &words, changed);
    }
    if error.kind() == ErrorKind::Cancelled {
        // Who gave it up needs no reasons.
        let place = error.place().map(|place| format!(" to {}", words::escape(place))).unwrap_or_default();
        let how = format!("{again} connects · {elsewhere} goes elsewhere");
        return middle(
            pen,
            areas,
            &[(Role::Soft, format!("Not connected{place}.")), gap(), (Role::Faint, how)],
        );
    }
    let mut lines = vec![(Role::Bad, format!("✗ {}", words.what))];
    // A fact a line: two fingerprints are compared more easily below each other.
    lines.extend(words.said.split("; ").map(|part| (Role::Text, part.to_owned())));
    if areas.rows.height >= 10 {
        lines.extend([gap(), (Role::Soft, words.advice), gap()]);
    }
    let columns = usize::from(areas.rows.width.saturating_sub(4)).max(1);
    let mut lines: Vec<(Role, String)> = lines
        .into_iter()
        .flat_map(|(role, text)| text::wrap(&text, columns).into_iter().map(move |line| (role, line)))
        .collect();
    let room = usize::from(areas.rows.height).saturating_sub(1);
    if lines.len() > room {
        // What there is no room for is in a dialog.
        lines.truncate(room);
        lines.push((Role::Faint, format!("{} tells all of it", key(state, Action::Open))));
    } else {
        lines.push((Role::Faint, format!("{again} tries again · {elsewhere} goes elsewhere")));
    }
    middle(pen, areas, &lines);
}

/// Two fingerprints are compared one below the other, whatever else there is room for.
fn changed_identity(
    pen: &mut Pen<'_>,
    state: &State,
    areas: &PaneAreas,
    words: &words::ErrorWords,
    changed: &ChangedIdentity,
) {
    let Rect { x, y, width, height } = areas.rows;
    let columns = usize::from(width.saturating_sub(4)).max(1);
    let plain = |role: Role, text: &str| -> Vec<sheet::Line> {
        text::wrap(text, columns).into_iter().map(|part| vec![sheet::Piece(role, part)]).collect()
    };
    let mut lines = plain(Role::Bad, &format!("✗ {}", words.title));
    lines.push(Vec::new());
    lines.extend(sheet::identity::table(changed, columns));
    lines.push(Vec::new());
    lines.extend(plain(Role::Soft, &words.advice));
    lines.push(Vec::new());
    let (again, elsewhere) = (key(state, Action::Refresh), key(state, Action::Connect));
    lines.extend(plain(Role::Faint, &format!("{again} tries again · {elsewhere} goes elsewhere")));
    if lines.len() > usize::from(height) {
        lines.retain(|line| !line.is_empty());
    }
    let all = format!("{} tells all of it", key(state, Action::Open));
    if lines.len() > usize::from(height) {
        lines.truncate(usize::from(height.saturating_sub(1)));
        lines.extend(plain(Role::Faint, &all).into_iter().take(1));
    }
    let used = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let top = y + height.saturating_sub(used) / 3;
    for (y, line) in (top..areas.rows.bottom()).zip(&lines) {
        let mut x = x + 2;
        for sheet::Piece(role, text) in line {
            x = pen.put(x, y, areas.rows.right().saturating_sub(x + 1), text, *role);
        }
    }
}

fn empty(pen: &mut Pen<'_>, areas: &PaneAreas, view: &View) {
    let text = if view.listing.loaded() == 0 {
        "This folder is empty".to_owned()
    } else if view.listing.filter().is_empty() {
        format!("{} hidden", words::plural(view.listing.loaded() as u64, "name is", "names are"))
    } else {
        format!("No name contains \u{201c}{}\u{201d}", words::escape(view.listing.filter()))
    };
    middle(pen, areas, &[(Role::Faint, text)]);
}

fn scrollbar(pen: &mut Pen<'_>, areas: &PaneAreas, view: &View, active: bool) {
    let (rows, height) = (view.rows(), usize::from(areas.rows.height));
    if height == 0 || rows <= height || areas.outer.width == 0 {
        return;
    }
    let thumb = (height * height / rows).max(1);
    let at = view.first_row(height) * (height - thumb) / (rows - height);
    let x = areas.outer.right() - 1;
    for y in (areas.rows.y..areas.rows.bottom()).skip(at).take(thumb) {
        pen.put(x, y, 1, "┃", if active { Role::Accent } else { Role::Soft });
    }
}

fn foot(pen: &mut Pen<'_>, state: &State, pane: &Pane, areas: &PaneAreas, active: bool) -> Option<Position> {
    let outer = areas.outer;
    if outer.width < 8 || outer.height < 2 {
        return None;
    }
    let y = outer.bottom() - 1;
    let view = &pane.view;
    let mut room = outer.width.saturating_sub(4);
    let (summary, summary_role) = summary(state, pane);
    let filter = view.listing.filter();
    if let Some(space) = view.space {
        let text = format!(" {} free ", words::size(space.free));
        let width = u16::try_from(text::width(&text)).unwrap_or(u16::MAX);
        // What is selected matters more than how much room there is.
        let filter_width = if filter.is_empty() { 0 } else { text::width(&words::escape(filter)) + 3 };
        let needed = text::width(&summary) + 3 + text::width(&text) + filter_width;
        if needed <= usize::from(room) {
            pen.put(outer.right().saturating_sub(width + 2), y, width, &text, Role::Faint);
            room = room.saturating_sub(width + 1);
        }
    }
    let mut x = outer.x + 2;
    let end = x + room;
    let filtering = active && state.filtering && state.overlay().is_none();
    if filtering || !filter.is_empty() {
        let shown = format!(" /{}", text::cut_start(&words::escape(filter), usize::from(room / 2)));
        x = pen.put(x, y, end.saturating_sub(x), &shown, Role::Title);
    }
    let typing_at = filtering.then_some(Position { x, y });
    if filtering {
        x = pen.put(x, y, end.saturating_sub(x).min(1), " ", Role::Text);
    }
    let text = text::cut(&format!(" {summary} "), usize::from(end.saturating_sub(x)));
    if text.trim().len() > 1 {
        pen.put(x, y, end.saturating_sub(x), &text, summary_role);
    }
    typing_at
}

fn summary(state: &State, pane: &Pane) -> (String, Role) {
    let view = &pane.view;
    let (selected, total) = (view.listing.selected(), view.listing.total());
    let elapsed = |since| words::duration(state.clock.running.saturating_sub(since));
    match &pane.phase {
        Phase::Listing(loading) => {
            let count = match &loading.incoming {
                Some(newer) => newer.loaded(),
                None => view.listing.loaded(),
            };
            let what = match (count, &loading.incoming) {
                (0, Some(_)) => "refreshing".to_owned(),
                (0, None) => "listing".to_owned(),
                (count, _) => format!("{} so far", words::plural(count as u64, "entry", "entries")),
            };
            let stops = key(state, Action::Cancel);
            let text = format!("{} {what} {}; {stops} stops", spinner(state), elapsed(loading.since));
            return (text, Role::Soft);
        }
        Phase::Connecting(connecting) if view.location.is_some() => {
            let stage = connecting.stage.map_or("connecting", words::stage);
            let stops = key(state, Action::Cancel);
            let text = format!("{} {stage} {}; {stops} stops", spinner(state), elapsed(connecting.since));
            return (text, Role::Soft);
        }
        Phase::Lost(lost) => {
            let key = key(state, Action::Refresh);
            let text = match seconds_left(state, lost) {
                None if lost.error.changed_identity().is_some() => {
                    let what = match lost.error.kind() {
                        ErrorKind::CertificateRefused => "certificate",
                        _ => "host key",
                    };
                    format!("its {what} has CHANGED; {key} shows it")
                }
                None => format!("connection lost; {key} connects again"),
                Some(0) => format!("trying again; {key} now"),
                Some(seconds) => format!("trying again in {seconds} s; {key} now"),
            };
            return (text, Role::Bad);
        }
        Phase::Ready | Phase::Connecting(_) | Phase::Failed(_) => {}
    }
    if let Some(measure) = view.location.as_ref().and_then(|here| state.measure_of(here)) {
        let counted = format!(
            "{} of {}",
            words::count(measure.done),
            words::plural(measure.names.len() as u64, "folder", "folders")
        );
        let text = format!("{} counted {counted} {}", spinner(state), elapsed(measure.since));
        return (format!("{text}; {} stops", key(state, Action::Cancel)), Role::Soft);
    }
    if view.location.is_none() || matches!(pane.phase, Phase::Failed(_)) {
        return (String::new(), Role::Soft);
    }
    let bytes = |bytes: u64| if bytes > 0 { format!(", {}", words::size(bytes)) } else { String::new() };
    if selected.count > 0 {
        let text = format!(
            "{} of {} selected{}",
            words::count(selected.count),
            words::count(total.count),
            bytes(selected.bytes)
        );
        return (text, Role::Selected);
    }
    let mut text = format!("{}{}", words::plural(total.count, "entry", "entries"), bytes(total.bytes));
    if view.incomplete {
        text.push_str(", incomplete");
    }
    (text, if view.incomplete { Role::Warning } else { Role::Soft })
}
