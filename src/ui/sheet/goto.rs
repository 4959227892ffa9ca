//! Going to a path as a sheet: the line to type in, and below it what it may be completed to. Pure.

use ratatui::layout::Rect;

use super::{Line, Piece, Row, Sheet, centred, cut, frame_width, inside, place_field, room, told};
use crate::{
    ui::{
        state::{
            GoTo, State,
            goto::{Awaited, Candidate},
        },
        text,
        theme::Role,
    },
    words,
};

/// How large it would like to be.
const WIDTH: u16 = 84;
const LIST: u16 = 12;
const LABEL: u16 = 6;

pub(super) fn place(state: &State, goto: &GoTo) -> Sheet {
    let height = room(state.size).height;
    let width = frame_width(state.size, WIDTH);
    let columns = usize::from(width.saturating_sub(6)).max(1);
    let (role, said) = said(state, goto);
    let gap = u16::from(height >= 14);
    let most = match &goto.error {
        // There is nothing else to see.
        Some(_) if goto.candidates.is_empty() => usize::from(height.saturating_sub(4 + 3 * gap)).max(1),
        _ => usize::from(height / 4).clamp(1, 4),
    };
    let told = told(&said, columns, most);
    let told_rows = u16::try_from(told.len()).unwrap_or(1);
    let wanted = 2 + 3 * gap + 1 + told_rows + LIST;
    let area_height = wanted.min(height);
    let area = centred(room(state.size), width, area_height);
    let inner = inside(area, gap);
    let mut take = cut(inner);
    let path = take(1);
    take(gap);
    let status = take(told_rows);
    take(gap);
    let body = take(u16::MAX);
    let value = Rect { x: path.x.saturating_add(LABEL), width: path.width.saturating_sub(LABEL), ..path };
    let typed = place_field(value, &goto.field);
    let notes = told
        .into_iter()
        .zip(status.y..)
        .map(|(part, y)| (Rect { y, height: 1, ..status }, vec![Piece(role, part)]))
        .collect();
    let (count, seen) = (goto.candidates.len(), usize::from(body.height));
    let first = goto.chosen.map_or(0, |at| at.saturating_sub(seen / 2)).min(count.saturating_sub(seen));
    let lines: Vec<Line> =
        goto.candidates.iter().skip(first).take(seen).map(|candidate| line(candidate, columns)).collect();
    Sheet {
        title: "Go to".to_owned(),
        area,
        body,
        lines,
        window: Some((first, count)),
        // Without one under the cursor the list can be clicked all the same.
        chosen: (count > 0).then(|| goto.chosen.unwrap_or(usize::MAX)),
        typing_at: Some(typed.cursor),
        rows: vec![Row {
            slot: 0,
            label: "Path",
            area: path,
            value,
            shown: typed.shown,
            role: Role::Text,
            has_focus: true,
        }],
        notes,
        ..Sheet::default()
    }
}

fn line(candidate: &Candidate, columns: usize) -> Line {
    let beside = text::width(candidate.detail);
    let room = columns.saturating_sub(beside + 1);
    let shown = text::pad(&text::cut_middle(&candidate.shown, room), room + 1);
    let role = if candidate.is_folder { Role::Dir } else { Role::Text };
    vec![Piece(role, shown), Piece(Role::Faint, candidate.detail.to_owned())]
}

fn said(state: &State, goto: &GoTo) -> (Role, String) {
    if let Some(error) = &goto.error {
        return (Role::Bad, format!("✗ {error}"));
    }
    if let Some(wait) = &goto.wait {
        let what = match &wait.what {
            Awaited::Names(location) => {
                format!("listing {}", words::escape_bytes(location.path.as_bytes()))
            }
            Awaited::Home { .. } => "asking for the home directory".to_owned(),
            Awaited::Look(location) => {
                format!("looking at {}", words::escape_bytes(location.path.as_bytes()))
            }
        };
        let time = words::duration(state.clock.running.saturating_sub(wait.since));
        let spinner = text::spinner(state.clock.running);
        return (Role::Soft, format!("{spinner} {what}… {time} (Esc stops)"));
    }
    let is_small = state.size.width < 60 || state.size.height < 16;
    let said = match (&goto.label, is_small) {
        (Some(label), true) => format!("A path on {label}; Tab completes."),
        (Some(label), false) => format!(
            "A path on {label} (~ is the login's home), local:/path for this machine, a URL or host:path. Tab completes, ↑ is what you went to before."
        ),
        (None, true) => "A path or URL; Tab completes.".to_owned(),
        (None, false) => {
            "A path on this machine, sftp://user@host:port/path, host:path, or a bookmark. Tab completes, ↑ is what you went to before.".to_owned()
        }
    };
    (Role::Soft, said)
}
