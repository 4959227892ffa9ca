//! Draws what the pointer pulls along, and lights up where it would land.

use ratatui::layout::Rect;

use super::Pen;
use crate::ui::{
    layout::{self, Areas},
    state::{Grip, Pulled, State, Work},
    text,
    theme::Role,
};

fn pulled(state: &State) -> Option<&Pulled> {
    match &state.grip {
        Some(Grip::Pulled(pulled)) => Some(pulled),
        _ => None,
    }
}

/// The pane or the row of the folder that would take it.
pub(super) fn target(pen: &mut Pen<'_>, state: &State, areas: &Areas) {
    let Some(pulled) = pulled(state) else { return };
    let Some(place) = layout::drop_place(areas, state, pulled) else { return };
    let Some(pane) = areas.pane(place.side) else { return };
    match place.row {
        None => {
            let Rect { x, y, width, height } = pane.outer;
            for edge in [
                Rect { x, y, width, height: 1 },
                Rect { x, y: pane.outer.bottom().saturating_sub(1), width, height: 1 },
                Rect { x, y, width: 1, height },
                Rect { x: pane.outer.right().saturating_sub(1), y, width: 1, height },
            ] {
                pen.tint(edge.intersection(pane.outer), Role::Accent);
            }
        }
        Some(row) => {
            let top = state.pane(place.side).view.first_row(usize::from(pane.rows.height));
            let Ok(down) = u16::try_from(row.saturating_sub(top)) else { return };
            let line = Rect { y: pane.rows.y.saturating_add(down), height: 1, ..pane.rows };
            pen.tint(line.intersection(pane.rows), Role::ButtonChosen);
        }
    }
}

/// `copy 3 items → web-01:/var/www`, beside the pointer.
pub(super) fn label(pen: &mut Pen<'_>, state: &State, areas: &Areas) {
    let Some(pulled) = pulled(state) else { return };
    let place = layout::drop_place(areas, state, pulled);
    let verb = if pulled.work == Work::Move { "move" } else { "copy" };
    let room = usize::from(areas.screen.width.saturating_sub(2));
    let (text, role) = match &place {
        Some(place) => {
            let to = layout::place_label(&state.pane(place.side).view, &place.location, &state.home);
            let what = format!(" {verb} {} → ", text::cut_middle(&pulled.load.name, (room / 3).max(8)));
            let left = room.saturating_sub(text::width(&what) + 2);
            (format!("{what}{} ", text::cut_start(&to, left)), Role::Button)
        }
        None => {
            let what = format!(" {verb} {} ", text::cut_middle(&pulled.load.name, room / 2));
            let how = format!("{what}→ the other pane, or a folder ");
            (if text::width(&how) <= room { how } else { what }, Role::Button)
        }
    };
    let width = u16::try_from(text::width(&text)).unwrap_or(u16::MAX).min(areas.screen.width);
    // Below the pointer, so that it does not cover what is pointed at.
    let x = pulled.at.0.saturating_add(1).min(areas.screen.width.saturating_sub(width));
    let below = pulled.at.1.saturating_add(1);
    let y = if below < areas.screen.height { below } else { pulled.at.1.saturating_sub(1) };
    let area = Rect { x, y, width, height: 1 };
    pen.clear(area);
    pen.put(x, y, width, &text, role);
}
