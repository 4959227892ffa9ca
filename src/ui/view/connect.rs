//! Draws the connect screen of a pane: the search line, and what there is to choose.

use ratatui::layout::{Position, Rect};

use super::Pen;
use crate::{
    fs::{
        Timestamp,
        place::{conceal, redact},
    },
    ui::{
        action::Action,
        keymap::Mode,
        layout::PaneAreas,
        state::{
            Choice, Chooser, State,
            connect::{Line, Start},
        },
        text,
        theme::Role,
        update,
    },
    words,
};

/// Returns where the terminal's cursor belongs if this pane has the keys.
pub(super) fn draw(
    pen: &mut Pen<'_>,
    state: &State,
    chooser: &Chooser,
    areas: &PaneAreas,
    active: bool,
) -> Option<Position> {
    let outer = areas.outer;
    if outer.width < 8 || outer.height < 2 {
        return None;
    }
    let mark = if active { "▸" } else { " " };
    let x = pen.put(outer.x + 1, outer.y, 1, mark, Role::Title);
    pen.put(
        x,
        outer.y,
        outer.width.saturating_sub(4),
        "connect ",
        if active { Role::Title } else { Role::Soft },
    );
    let cursor = search_line(pen, chooser, areas.header, active);
    let height = usize::from(areas.rows.height);
    let first = chooser.first_line(height);
    let width = name_width(state, chooser, areas.rows);
    for (y, (at, line)) in
        (areas.rows.y..areas.rows.bottom()).zip(chooser.lines.iter().enumerate().skip(first))
    {
        let area = Rect { y, height: 1, ..areas.rows };
        draw_line(pen, state, chooser, (line, depth(chooser, at)), area, width);
        if at == chooser.cursor && matches!(line, Line::Choice(_) | Line::Folder(_)) {
            let (tint, mark, role) = if active {
                (Role::Cursor, "▌", Role::Accent)
            } else {
                (Role::CursorIdle, "▏", Role::Faint)
            };
            pen.tint(area, tint);
            pen.put(area.x, y, area.width.min(1), mark, role);
            pen.tint(Rect { width: 1.min(area.width), ..area }, tint);
        }
    }
    scrollbar(pen, areas, chooser, active);
    foot(pen, state, chooser, areas);
    cursor.filter(|_| active && state.overlay().is_none())
}

fn search_line(pen: &mut Pen<'_>, chooser: &Chooser, area: Rect, active: bool) -> Option<Position> {
    if area.height == 0 || area.width < 6 {
        return None;
    }
    let x = pen.put(area.x + 1, area.y, 2, "› ", if active { Role::Title } else { Role::Faint });
    let room = area.right().saturating_sub(x + 1);
    let value = chooser.input.value();
    if value.is_empty() {
        let ways = ["type to find, or a URL, or host:path", "name, URL or host:path", "name or URL"];
        let fits = ways.into_iter().find(|hint| text::width(hint) <= usize::from(room));
        pen.put(x, area.y, room, fits.unwrap_or_default(), Role::Faint);
        return Some(Position { x, y: area.y });
    }
    let cut = value.char_indices().nth(chooser.input.cursor()).map_or(value.len(), |(at, _)| at);
    let (before, after) = value.split_at(cut);
    let (before, after) = (words::escape(before), words::escape(after));
    let start = text::tail(&before, usize::from(room).saturating_sub(1));
    let at = pen.put(x, area.y, room, start, Role::Text);
    pen.put(at, area.y, area.right().saturating_sub(at + 1), &after, Role::Text);
    Some(Position { x: at, y: area.y })
}

/// The name of a choice, and what stands behind it. Escaped.
fn words_of(state: &State, chooser: &Chooser, choice: &Choice) -> (String, String) {
    let places = &state.places;
    match choice {
        Choice::Bookmark(at) => match places.bookmarks.get(*at) {
            Some(bookmark) => {
                let url = bookmark.place().map_or_else(|_| redact(&bookmark.place), |place| place.to_url());
                let url = words::escape(&url).into_owned();
                let detail = match bookmark.folder.as_str() {
                    // Where it is found by typing, no folder stands above it.
                    folder if !folder.is_empty() && !chooser.typed().is_empty() => {
                        format!("{}/  {url}", words::escape(folder))
                    }
                    _ => url,
                };
                (words::escape(&bookmark.name).into_owned(), detail)
            }
            None => Default::default(),
        },
        Choice::Host(at) => {
            let host = words::escape(places.host(*at).unwrap_or_default()).into_owned();
            let detail = if chooser.typed().is_empty() { "" } else { "host of ssh_config" };
            (host, detail.to_owned())
        }
        Choice::Recent(at) => match places.recent.get(*at) {
            Some(recent) => {
                let at = Timestamp::from_seconds(recent.at);
                let time = words::timestamp_in(at, state.clock.now, state.zone);
                (words::escape(&recent.url).into_owned(), time)
            }
            None => Default::default(),
        },
        Choice::Typed => {
            let text = words::escape(&conceal(chooser.typed())).into_owned();
            let is_host = !text.contains([':', '/']) && !text.starts_with(['~', '.']);
            (format!("Go to {text}"), if is_host { "as a host" } else { "" }.to_owned())
        }
        Choice::Start(start) => {
            let found = |program| places.importable.iter().find(|found| found.program == program);
            let (name, action) = match start {
                Start::NewBookmark => ("New bookmark".to_owned(), Action::AddBookmark),
                Start::Import(program) => {
                    let what = found(*program).map(update::import_name).unwrap_or_default();
                    (format!("Import {what}"), Action::Import)
                }
                Start::Demo => ("Look around in a demo".to_owned(), Action::Demo),
                Start::Tour => ("A tour of this screen".to_owned(), Action::Tour),
                Start::Session => {
                    let tabs = places.session.as_ref().map_or(0, |session| session.tabs.len() as u64);
                    let tabs = words::plural(tabs, "tab", "tabs");
                    (format!("The last session, {tabs}"), Action::RestoreSession)
                }
                Start::Workspaces => {
                    let count = words::plural(places.workspaces.len() as u64, "workspace", "workspaces");
                    (format!("{count} to open"), Action::OpenWorkspace)
                }
            };
            // The panes' letters would be typed into the search here.
            let here = state.keymap.keys(Mode::Connect, action).first().map(ToString::to_string);
            (name, here.unwrap_or_default())
        }
    }
}

/// How wide the names of bookmarks and hosts are, so that what is behind them lines up.
fn name_width(state: &State, chooser: &Chooser, rows: Rect) -> usize {
    let width = chooser
        .lines
        .iter()
        .filter_map(|line| match line {
            Line::Choice(choice @ (Choice::Bookmark(_) | Choice::Host(_))) => {
                // Those in folders stand two columns further in.
                Some(text::width(&words_of(state, chooser, choice).0) + 2)
            }
            _ => None,
        })
        .max();
    width.unwrap_or(0).clamp(10, (usize::from(rows.width) / 2).max(10))
}

/// How many folders a line lies in. A folder's own bookmarks stand right below it.
fn depth(chooser: &Chooser, at: usize) -> u16 {
    match chooser.lines.get(at) {
        Some(Line::Folder(folder)) => folder.depth,
        Some(Line::Choice(Choice::Bookmark(_))) => {
            let above = chooser.lines.iter().take(at).rev().find_map(|line| match line {
                Line::Folder(folder) => Some(Some(folder.depth + 1)),
                Line::Heading(_) => Some(None),
                _ => None,
            });
            above.flatten().unwrap_or(0)
        }
        _ => 0,
    }
}

fn draw_line(
    pen: &mut Pen<'_>,
    state: &State,
    chooser: &Chooser,
    (line, depth): (&Line, u16),
    area: Rect,
    name_width: usize,
) {
    let (x, y) = (area.x, area.y);
    // On a narrow screen names count more than how deep they lie.
    let indent = 2 * depth.min(area.width / 12);
    let room = |x: u16| area.right().saturating_sub(x + 1);
    let put = |pen: &mut Pen<'_>, x: u16, what: &str, role: Role| {
        pen.put(x, y, room(x), &text::cut(what, usize::from(room(x))), role)
    };
    match line {
        Line::Heading(name) => {
            put(pen, x + 1, name, Role::Title);
        }
        Line::Folder(folder) => {
            let mark = if folder.is_open { "▾" } else { "▸" };
            let behind = put(pen, x + 2 + indent, mark, Role::Faint);
            let behind = put(pen, behind + 1, &format!("{}/", words::escape(&folder.label)), Role::Dir);
            if !folder.is_open {
                put(pen, behind + 2, &folder.count.to_string(), Role::Faint);
            }
        }
        Line::Note(what, bad) => {
            let role = if *bad { Role::Bad } else { Role::Faint };
            put(pen, x + 2, &words::escape(what), role);
        }
        Line::Choice(choice) => {
            let (name, detail) = words_of(state, chooser, choice);
            let x = x + 2 + indent;
            match choice {
                Choice::Bookmark(_) | Choice::Host(_) => {
                    let width = name_width.saturating_sub(usize::from(indent)).max(4);
                    let shown = text::pad(&text::cut_middle(&name, width), width);
                    let behind = put(pen, x, &shown, Role::Text);
                    let left = room(behind + 2);
                    let detail = text::cut(&detail, usize::from(left));
                    pen.put(behind + 2, y, left, &detail, Role::Faint);
                }
                Choice::Recent(_) | Choice::Typed | Choice::Start(_) => {
                    let width = text::width(&detail) + 2;
                    let fits = usize::from(room(x)) >= text::width(&name) + width
                        || usize::from(room(x)) >= width + 24;
                    let for_name =
                        usize::from(room(x)).saturating_sub(if fits && width > 2 { width } else { 0 });
                    let role = if *choice == Choice::Typed { Role::Accent } else { Role::Text };
                    pen.put(x, y, room(x), &text::cut_middle(&name, for_name), role);
                    if fits {
                        pen.put_right(x, y, room(x), &detail, Role::Faint);
                    }
                }
            }
        }
    }
}

fn scrollbar(pen: &mut Pen<'_>, areas: &PaneAreas, chooser: &Chooser, active: bool) {
    let (lines, height) = (chooser.lines.len(), usize::from(areas.rows.height));
    if height == 0 || lines <= height || areas.outer.width == 0 {
        return;
    }
    let thumb = (height * height / lines).max(1);
    let at = chooser.first_line(height) * (height - thumb) / (lines - height);
    for y in (areas.rows.y..areas.rows.bottom()).skip(at).take(thumb) {
        pen.put(areas.outer.right() - 1, y, 1, "┃", if active { Role::Accent } else { Role::Soft });
    }
}

/// The note of what the cursor is on, else how many there are.
fn foot(pen: &mut Pen<'_>, state: &State, chooser: &Chooser, areas: &PaneAreas) {
    let outer = areas.outer;
    let note = match chooser.choice() {
        Some(Choice::Bookmark(at)) => state.places.bookmarks.get(*at).and_then(|b| b.note.as_deref()),
        _ => None,
    };
    let is_place = |line: &&Line| matches!(line, Line::Choice(choice) if !matches!(choice, Choice::Start(_)));
    let count = chooser.lines.iter().filter(is_place).count();
    let summary = match (note, chooser.folder()) {
        (Some(note), _) => words::escape(note).into_owned(),
        (None, Some(folder)) => words::plural(folder.count as u64, "bookmark", "bookmarks"),
        _ if count == 0 => return,
        _ => words::plural(count as u64, "place", "places"),
    };
    let room = outer.width.saturating_sub(4);
    let shown = text::cut(&format!(" {summary} "), usize::from(room));
    pen.put(outer.x + 2, outer.bottom() - 1, room, &shown, Role::Soft);
}
