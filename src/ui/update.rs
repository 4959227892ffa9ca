//! What every message does to the state, and what the shell is to do for it. Pure: no I/O, no
//! clock; time comes in with [`Msg::Tick`].

mod dialogs;
mod events;
mod files;
mod mouse;
mod panels;
mod places;

use crossterm::event::MouseEvent;
use ratatui::layout::Size;

pub use panels::{name as job_name, standing};
pub use places::{SORTS, open};

use super::{
    action::Action,
    keymap::{Key, Mode, edit},
    layout, sheet,
    state::{Clock, Deed, Overlay, Panel, Side, State, Tone},
};
use crate::{
    engine::{Command, Event, ProgressBoard},
    words,
};

/// Everything that can happen to the UI.
#[derive(Clone, Debug)]
pub enum Msg {
    Key(Key),
    Action(Action),
    Paste(String),
    Mouse(MouseEvent),
    Resize(u16, u16),
    Event(Event),
    Progress(ProgressBoard),
    /// What time it is now.
    Tick(Clock),
}

/// What `ui` is to do.
#[derive(Clone, Debug)]
pub enum Effect {
    Send(Command),
    SetTitle(String),
    Quit,
}

/// The effects of one message, in order.
pub type Effects = Vec<Effect>;

/// Takes one message in.
pub fn update(state: &mut State, msg: Msg) -> Effects {
    let mut fx = Effects::new();
    match msg {
        Msg::Key(key) => on_key(state, key, &mut fx),
        Msg::Action(action) => on_action(state, action, &mut fx),
        Msg::Paste(text) => dialogs::paste(state, &text),
        Msg::Mouse(event) => mouse::on_mouse(state, event, &mut fx),
        Msg::Resize(width, height) => state.size = Size::new(width, height),
        Msg::Event(event) => events::on_event(state, event, &mut fx),
        Msg::Progress(board) => events::on_progress(state, board),
        Msg::Tick(clock) => state.clock = clock,
    }
    dialogs::next_question(state);
    settle(state);
    let title = title(state);
    if title != state.title {
        state.title.clone_from(&title);
        fx.push(Effect::SetTitle(title));
    }
    fx
}

/// Brings scrolled things back to where there is something to see.
fn settle(state: &mut State) {
    let areas = layout::layout(state.size, state);
    for side in Side::BOTH {
        let height = areas.pane(side).map_or(1, |pane| usize::from(pane.rows.height).max(1));
        let view = &mut state.pane_mut(side).view;
        view.move_to(view.cursor);
        view.top = view.first_row(height);
    }
    if let Some(limit) = sheet::sheet(state).map(|sheet| sheet.last_scroll())
        && let Some(scroll) = state.overlays.last_mut().and_then(dialogs::scroll_mut)
    {
        *scroll = (*scroll).min(limit);
    }
}

fn title(state: &State) -> String {
    let name = |side: Side| {
        let view = &state.pane(side).view;
        let path = view.location.as_ref().map(|location| layout::short_path(location, &state.home));
        match (path, view.info.label.as_str()) {
            (Some(path), "" | "local") => path,
            (Some(path), label) => format!("{}:{path}", words::escape(label)),
            (None, _) => "…".to_owned(),
        }
    };
    format!("wharf: {} | {}", name(state.active), name(state.active.other()))
}

fn on_key(state: &mut State, key: Key, fx: &mut Effects) {
    if key == Key::new(crossterm::event::KeyCode::Char('c'), crossterm::event::KeyModifiers::CONTROL) {
        // Whatever it means elsewhere, here it gets one out of the thing at hand.
        let stops = state.overlay().is_some() || state.filtering || state.active().is_waiting();
        return on_action(state, if stops { Action::Cancel } else { Action::Quit }, fx);
    }
    let mode = state.mode();
    if let Some(action) = state.keymap.action(mode, key) {
        return on_action(state, action, fx);
    }
    match mode {
        Mode::Text | Mode::Filter => {
            if let Some(request) = edit(key) {
                dialogs::edit(state, request);
            }
        }
        Mode::Choice => dialogs::letter(state, key, fx),
        Mode::Base | Mode::Panes | Mode::Transfers | Mode::Log | Mode::Reader => {}
    }
}

fn on_action(state: &mut State, action: Action, fx: &mut Effects) {
    match state.mode() {
        Mode::Text | Mode::Choice | Mode::Reader => return dialogs::on_action(state, action, fx),
        Mode::Transfers | Mode::Log => {
            if panels::on_action(state, action, fx) {
                return;
            }
        }
        Mode::Filter => {
            if dialogs::filter_action(state, action) {
                return;
            }
        }
        Mode::Base | Mode::Panes => {}
    }
    use Action::*;
    match action {
        Transfers => panels::toggle(state, Panel::Transfers),
        Log => panels::toggle(state, Panel::Log),
        Help => state.overlays.push(Overlay::Help { scroll: 0 }),
        Quit => quit(state, fx),
        OtherPane => {
            if state.in_panel {
                state.in_panel = false;
            } else {
                state.active = state.active.other();
                state.filtering = false;
            }
        }
        Up | Down | PageUp | PageDown | First | Last | Select | SelectUp | SelectDown | SelectAll
        | Invert | Filter | Sort | Hidden => places::on_view_action(state, action),
        Open | Parent | Home | GoTo | Back | Forward | ShowLeft | ShowRight | SamePlace | Swap | Refresh => {
            places::on_action(state, action, fx);
        }
        Copy | Rename | NewFolder | Delete => files::on_action(state, action, fx),
        Cancel => cancel(state, fx),
        CancelJob | ClearFinished | Details | Explain => {
            // From a hint's button: these belong to a panel that is open.
            panels::on_action(state, action, fx);
        }
        PreviousChoice | NextChoice | Accept => {}
    }
}

/// Esc: one step out of whatever there is, the nearest first.
fn cancel(state: &mut State, fx: &mut Effects) {
    let side = state.active;
    if state.pane(side).is_waiting() {
        places::give_up(state, side, fx);
    } else if state.pane(side.other()).is_waiting() && state.notice.is_none() {
        places::give_up(state, side.other(), fx);
    } else if state.notice.take().is_some() {
    } else if !state.active().view.listing.filter().is_empty() {
        state.active_mut().view.keep_cursor(|listing| listing.set_filter(""));
    } else {
        state.active_mut().view.listing.select_none();
    }
}

fn quit(state: &mut State, fx: &mut Effects) {
    let running = state.transfers.running().count() + state.errands.len();
    if running == 0 {
        leave(state, fx);
        return;
    }
    let lines = state
        .transfers
        .running()
        .take(5)
        .map(panels::name)
        .chain(["They stop where they are; what is copied completely stays.".to_owned()])
        .collect();
    state.overlays.push(Overlay::Confirm { deed: Deed::Quit, lines, choice: 0, scroll: 0 });
}

fn leave(state: &mut State, fx: &mut Effects) {
    state.quitting = true;
    fx.push(Effect::Quit);
}

fn hint(state: &mut State, text: impl Into<String>) {
    state.say(Tone::Plain, text);
}
