//! Where the tour's notes stand: each beside the part of the screen that it is about, as far as
//! there is room; else all of them in one frame. Pure.

use ratatui::layout::{Position, Rect};

use super::Areas;
use crate::ui::{
    action::Action,
    state::{Side, State},
    text,
};

/// A note on a part of the screen.
#[derive(Clone, Debug)]
pub struct Note {
    /// With its frame.
    pub area: Rect,
    pub lines: Vec<String>,
    /// Where its frame points at the part, and how.
    pub arrow: Option<(Position, &'static str)>,
}

/// How wide a note may be, without its frame.
const WIDEST: u16 = 40;

/// Below this the notes do not fit beside the parts.
const ROOMY: (u16, u16) = (80, 22);

/// The notes, in the order in which they are drawn.
pub fn notes(state: &State, areas: &Areas) -> Vec<Note> {
    let screen = areas.screen;
    let mode = state.mode_behind();
    let key = |action: Action| {
        // What works right behind the tour, where anything does.
        let here = state.keymap.keys(mode, action);
        let all = state.keymap.all_keys(action);
        here.first().or(all.first()).map(ToString::to_string).unwrap_or_default()
    };
    let said = [
        format!(
            "Two places side by side: this machine or a server. {} goes to the other.",
            key(Action::OtherPane)
        ),
        match state.pane(Side::Right).chooser {
            Some(_) => "Here you choose where to go. Typing finds; so does a URL or host:path.".to_owned(),
            None => format!("{} chooses another place: bookmarks, hosts, any URL.", key(Action::Connect)),
        },
        format!(
            "{} copies to the other pane. {} and {} open the transfers and the log down here.",
            key(Action::Copy),
            key(Action::Transfers),
            key(Action::Log)
        ),
        "What the keys do where you are; a click does it too.".to_owned(),
    ];
    let end = format!(
        "{} lists all keys, {} finds every command by its name. Any key ends this.",
        key(Action::Help),
        key(Action::Palette)
    );
    let panes = (areas.left.as_ref(), areas.right.as_ref());
    let ((Some(left), Some(right)), true) = (panes, screen.width >= ROOMY.0 && screen.height >= ROOMY.1)
    else {
        let long: Vec<&str> = vec![&said[0], &said[2], &end];
        let short = [
            format!("Two places: {} goes to the other.", key(Action::OtherPane)),
            format!("{} chooses where to go.", key(Action::Connect)),
            format!(
                "{} copies, {} and {} show how it went.",
                key(Action::Copy),
                key(Action::Transfers),
                key(Action::Log)
            ),
            format!("{} lists all keys, {} finds commands.", key(Action::Help), key(Action::Palette)),
            "Any key ends this.".to_owned(),
        ];
        let short: Vec<&str> = short.iter().map(String::as_str).collect();
        return vec![one(screen, &long, &short)];
    };
    let [first, second, third, fourth] = &said;
    let mut notes = vec![
        // Below the line that says where the pane is.
        below(left.outer, first),
        below(right.outer, second),
    ];
    let lowest = above(areas.hints, screen.x + 3, fourth);
    let beside = above(areas.status, screen.x + screen.width / 2 + 2, third);
    notes.push(lowest);
    notes.push(beside);
    let mut last = framed(&end, WIDEST);
    last.area.x = screen.x + (screen.width.saturating_sub(last.area.width)) / 2;
    last.area.y = screen.y + (screen.height.saturating_sub(last.area.height)) / 2;
    notes.push(last);
    notes
}

fn framed(what: &str, widest: u16) -> Note {
    let lines = text::wrap(what, usize::from(widest.max(1)));
    let width = lines.iter().map(|line| text::width(line)).max().unwrap_or(0);
    let of = |count: usize| u16::try_from(count).unwrap_or(u16::MAX);
    let area =
        Rect { x: 0, y: 0, width: of(width).saturating_add(4), height: of(lines.len()).saturating_add(2) };
    Note { area, lines, arrow: None }
}

fn below(outer: Rect, what: &str) -> Note {
    let mut note = framed(what, WIDEST.min(outer.width.saturating_sub(8)));
    (note.area.x, note.area.y) = (outer.x + 3, outer.y + 2);
    note.arrow = Some((Position { x: note.area.x + 3, y: note.area.y }, "▲"));
    note
}

fn above(line: Rect, x: u16, what: &str) -> Note {
    let widest = WIDEST.min((line.width / 2).saturating_sub(8));
    let mut note = framed(what, widest);
    (note.area.x, note.area.y) = (x, line.y.saturating_sub(note.area.height));
    note.arrow = Some((Position { x: x + 3, y: line.y.saturating_sub(1) }, "▼"));
    note
}

/// All of them in the middle; where there is no room for that, what is short.
fn one(screen: Rect, what: &[&str], short: &[&str]) -> Note {
    let columns = usize::from(screen.width.saturating_sub(4).min(60)).max(1);
    let most = usize::from(screen.height.saturating_sub(2));
    let wrapped =
        |what: &[&str]| -> Vec<String> { what.iter().flat_map(|what| text::wrap(what, columns)).collect() };
    let what = if wrapped(what).len() > most { short } else { what };
    let mut lines = wrapped(what);
    if lines.len() > most {
        // How to get on is what must not be missed.
        let last = text::wrap(what.last().copied().unwrap_or_default(), columns);
        lines.truncate(most.saturating_sub(last.len()));
        lines.extend(last.into_iter().take(most));
    }
    let of = |count: usize| u16::try_from(count).unwrap_or(u16::MAX);
    let width = lines.iter().map(|line| text::width(line)).max().unwrap_or(0);
    let width = of(width).saturating_add(4).min(screen.width);
    let height = of(lines.len()).saturating_add(2).min(screen.height);
    let area = Rect {
        x: screen.x + (screen.width - width) / 2,
        y: screen.y + (screen.height - height) / 2,
        width,
        height,
    };
    Note { area, lines, arrow: None }
}
