//! The mouse: what was hit is the layout's to say, what it does is here.

use std::time::Duration;

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

use super::{actions::on_action, connect, dialogs, effect::Effects, palette, panels, places, viewer};
use crate::ui::{
    action::Action,
    layout::{self, Hit},
    state::{Click, State},
};

const DOUBLE_CLICK: Duration = Duration::from_millis(400);
const WHEEL_ROWS: usize = 3;

pub(super) fn on_mouse(state: &mut State, event: MouseEvent, fx: &mut Effects) {
    let areas = layout::layout(state.size, state);
    let hit = layout::hit(&areas, state, event.column, event.row);
    if state.viewer.is_some() && state.overlay().is_none() {
        match event.kind {
            MouseEventKind::ScrollUp => return viewer::scroll(state, -(WHEEL_ROWS as isize)),
            MouseEventKind::ScrollDown => return viewer::scroll(state, WHEEL_ROWS as isize),
            _ => {}
        }
    }
    match event.kind {
        MouseEventKind::Down(MouseButton::Left) => click(state, hit, fx),
        MouseEventKind::ScrollUp => wheel(state, hit, true, fx),
        MouseEventKind::ScrollDown => wheel(state, hit, false, fx),
        _ => {}
    }
}

fn click(state: &mut State, hit: Hit, fx: &mut Effects) {
    let last = state.last_click.take();
    match hit {
        Hit::Row(side, row) => {
            focus(state, side);
            let view = &mut state.pane_mut(side).view;
            if row >= view.rows() {
                return;
            }
            view.move_to(row);
            let now = Click { side, row, at: state.clock.running };
            let again = last.is_some_and(|last| {
                (last.side, last.row) == (side, row) && now.at.saturating_sub(last.at) <= DOUBLE_CLICK
            });
            if again {
                on_action(state, Action::Open, fx);
            } else {
                state.last_click = Some(now);
            }
        }
        Hit::Line(side, line) => {
            focus(state, side);
            let Some(chooser) = &mut state.pane_mut(side).chooser else { return };
            chooser.move_to(line);
            chooser.moved = true;
            if chooser.cursor != line {
                return;
            }
            let now = Click { side, row: line, at: state.clock.running };
            let again = last.is_some_and(|last| {
                (last.side, last.row) == (side, line) && now.at.saturating_sub(last.at) <= DOUBLE_CLICK
            });
            if again {
                on_action(state, Action::Open, fx);
            } else {
                state.last_click = Some(now);
            }
        }
        Hit::Field(at) => connect::focus_field(state, at),
        Hit::Chosen(row) => palette::run(state, row, fx),
        Hit::Header(side, key) => {
            focus(state, side);
            places::sort_by(state, side, key);
        }
        Hit::Pane(side) => focus(state, side),
        Hit::Tab(panel) => {
            state.panel = Some(panel);
            state.in_panel = true;
            state.filtering = false;
        }
        Hit::PanelRow(panel, row) => {
            state.in_panel = true;
            state.filtering = false;
            panels::move_to(state, panel, row);
        }
        Hit::Hint(action) => on_action(state, action, fx),
        Hit::Button(at) => dialogs::press(state, at, fx),
        Hit::Dialog | Hit::Nothing => {}
    }
}

fn focus(state: &mut State, side: crate::ui::state::Side) {
    if state.active != side {
        state.filtering = false;
    }
    state.active = side;
    state.in_panel = false;
}

fn wheel(state: &mut State, hit: Hit, up: bool, fx: &mut Effects) {
    let step = |row: usize| if up { row.saturating_sub(WHEEL_ROWS) } else { row.saturating_add(WHEEL_ROWS) };
    match hit {
        Hit::Line(side, _) => {
            if let Some(chooser) = &mut state.pane_mut(side).chooser {
                if up { chooser.up(WHEEL_ROWS) } else { chooser.down(WHEEL_ROWS) }
            }
        }
        Hit::Row(side, _) | Hit::Header(side, _) | Hit::Pane(side) => {
            let height =
                layout::layout(state.size, state).pane(side).map_or(1, |p| usize::from(p.rows.height));
            let view = &mut state.pane_mut(side).view;
            // The list moves, and takes the cursor along only where it would leave the screen.
            let last_top = view.rows().saturating_sub(height);
            view.top = step(view.top).min(last_top);
            let bottom = view.top.saturating_add(height.saturating_sub(1));
            view.move_to(view.cursor.clamp(view.top, bottom));
        }
        Hit::PanelRow(panel, _) | Hit::Tab(panel) => {
            let row = match panel {
                crate::ui::state::Panel::Transfers => state.transfers.cursor,
                crate::ui::state::Panel::Log => state.log.row(),
            };
            panels::move_to(state, panel, step(row));
        }
        Hit::Dialog | Hit::Button(_) | Hit::Field(_) | Hit::Chosen(_) => {
            on_action(state, if up { Action::Up } else { Action::Down }, fx);
        }
        Hit::Hint(_) | Hit::Nothing => {}
    }
}
