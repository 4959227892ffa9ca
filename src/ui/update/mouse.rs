//! The mouse: what was hit is the layout's to say, what it does is here.

use std::time::Duration;

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use super::{actions::on_action, boards, dialogs, drag, effect::Effects, menu, panels, places, tabs, viewer};
use crate::ui::{
    action::Action,
    keymap::Mode,
    layout::{self, Hit},
    state::{Click, Grip, Overlay, Side, State},
};

const DOUBLE_CLICK: Duration = Duration::from_millis(400);
const WHEEL_ROWS: usize = 3;

pub(super) fn on_mouse(state: &mut State, event: MouseEvent, fx: &mut Effects) {
    if let Some(Overlay::Tour) = state.overlay() {
        if matches!(event.kind, MouseEventKind::Down(_)) {
            state.overlays.pop();
        }
        return;
    }
    let areas = layout::layout(state.size, state);
    let hit = layout::hit(&areas, state, event.column, event.row);
    if state.viewer.is_some() && state.overlay().is_none() {
        match event.kind {
            MouseEventKind::ScrollUp => return viewer::scroll(state, -(WHEEL_ROWS as isize)),
            MouseEventKind::ScrollDown => return viewer::scroll(state, WHEEL_ROWS as isize),
            _ => {}
        }
    }
    if matches!(hit, Hit::Listed(_) | Hit::Cell(_) | Hit::Dialog) && layout::board::is_in_front(state) {
        match event.kind {
            MouseEventKind::ScrollUp => return boards::scroll(state, -(WHEEL_ROWS as isize)),
            MouseEventKind::ScrollDown => return boards::scroll(state, WHEEL_ROWS as isize),
            _ => {}
        }
    }
    match event.kind {
        MouseEventKind::Down(MouseButton::Left) if event.modifiers.contains(KeyModifiers::CONTROL) => {
            drag::let_go(state);
            if let Hit::Row(side, row) = hit {
                focus(state, side);
                state.last_click = None;
                drag::select(state, side, row);
            }
        }
        MouseEventKind::Down(MouseButton::Left) => {
            drag::let_go(state);
            click(state, hit, fx);
            match hit {
                // A double click has led elsewhere.
                Hit::Row(side, row) if state.last_click.is_some() => {
                    drag::press(state, side, row, (event.column, event.row));
                }
                Hit::Divider(_) => state.grip = Some(Grip::Divider),
                _ => {}
            }
        }
        MouseEventKind::Drag(MouseButton::Left) => drag::pull(state, &areas, event),
        MouseEventKind::Up(MouseButton::Left) => drag::release(state, &areas, event, fx),
        MouseEventKind::Down(MouseButton::Right) => {
            drag::let_go(state);
            state.last_click = None;
            if let Hit::Row(side, row) = hit {
                focus(state, side);
                menu::open(state, side, row, (event.column, event.row));
            }
        }
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
        Hit::Listed(row) => {
            boards::move_to(state, row);
            let now = Click { side: state.active, row, at: state.clock.running };
            let again =
                last.is_some_and(|last| last.row == row && now.at.saturating_sub(last.at) <= DOUBLE_CLICK);
            match again {
                true if state.mode() == Mode::Details => on_action(state, Action::Accept, fx),
                true => {}
                false => state.last_click = Some(now),
            }
        }
        Hit::Cell(row) => boards::press(state, row),
        Hit::Field(at) => dialogs::focus_field(state, at),
        Hit::Chosen(row) => dialogs::click_line(state, row, fx),
        Hit::Header(side, key) => {
            focus(state, side);
            places::sort_by(state, side, key);
        }
        Hit::Path(side, depth) => {
            focus(state, side);
            places::go_up_to(state, side, depth, fx);
        }
        Hit::Pane(side) | Hit::Divider(side) => focus(state, side),
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
        Hit::Place(tab) => tabs::show(state, tab),
        Hit::NewTab => on_action(state, Action::NewTab, fx),
        Hit::Hint(action) => on_action(state, action, fx),
        Hit::Button(at) => dialogs::press(state, at, fx),
        // A menu is left by pointing elsewhere.
        Hit::Nothing if matches!(state.overlay(), Some(Overlay::Menu(_))) => dialogs::close(state, fx),
        Hit::Dialog | Hit::Nothing => {}
    }
}

fn focus(state: &mut State, side: Side) {
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
        Hit::Row(side, _)
        | Hit::Header(side, _)
        | Hit::Path(side, _)
        | Hit::Pane(side)
        | Hit::Divider(side) => {
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
        Hit::Place(_) | Hit::NewTab | Hit::Hint(_) | Hit::Listed(_) | Hit::Cell(_) | Hit::Nothing => {}
    }
}
