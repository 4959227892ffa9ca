//! What every message does to the state, and what the shell is to do for it. Pure: no I/O, no
//! clock; time comes in with [`Msg::Tick`].

mod actions;
mod attributes;
mod boards;
mod commands;
mod compare;
mod connect;
mod dialogs;
mod drag;
mod edit;
mod effect;
mod events;
mod files;
mod find;
mod goto;
mod hold;
mod jobs;
mod measure;
mod menu;
mod mouse;
mod opener;
mod palette;
mod panels;
mod places;
mod questions;
mod removal;
mod rename;
mod review;
mod signs;
mod tabs;
mod viewer;
mod workspace;

use crossterm::event::MouseEvent;
use ratatui::layout::Size;

pub(in crate::ui) use connect::import_name;
pub use connect::{choose, greet, kept_at_start};
pub use dialogs::settings_at_start;
pub use effect::{Demo, Effect, Effects, Outside, Sign};
pub use jobs::jobs_at_start;
pub use places::open;
pub use viewer::shape as viewer_shape;
pub use workspace::open_workspace;

use super::{
    action::Action,
    keymap::Key,
    layout, sheet,
    state::{Clock, Side, State, highlight::Highlighted, picture::Pictured},
};
use crate::{
    config::Kept,
    engine::{Command, Event, ProgressBoard},
    fs::FsId,
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
    /// The terminal has the focus, or has it no more.
    Focus(bool),
    Event(Event),
    Progress(ProgressBoard),
    /// What is kept between runs, after a change.
    Kept(Box<Kept>),
    /// The terminal is back from another program: its exit status, or why there is none.
    Returned(Outside, Result<i32, String>),
    /// The demo runs, or why it does not.
    Demo(Result<Demo, String>),
    /// The system's program could not open a file: its name, and why, unescaped.
    Opened(String, String),
    /// Colours of a piece of the file that is looked at.
    Highlighted(Box<Highlighted>),
    /// The picture that is looked at, as it fits the screen.
    Picture(Box<Pictured>),
    /// Somebody ends the program from outside: a signal, or the terminal is gone.
    Ended,
    /// What time it is now.
    Tick(Clock),
}

/// Takes one message in.
pub fn update(state: &mut State, msg: Msg) -> Effects {
    let mut fx = Effects::new();
    match msg {
        Msg::Key(key) => actions::on_key(state, key, &mut fx),
        Msg::Action(action) => actions::on_action(state, action, &mut fx),
        Msg::Paste(text) => dialogs::paste(state, &text, &mut fx),
        Msg::Mouse(event) => {
            state.pending = None;
            mouse::on_mouse(state, event, &mut fx);
        }
        Msg::Resize(width, height) => state.size = Size::new(width, height),
        Msg::Focus(focused) => state.focused = focused,
        Msg::Event(event) => events::on_event(state, event, &mut fx),
        Msg::Progress(board) => events::on_progress(state, board),
        Msg::Kept(kept) => connect::on_kept(state, *kept),
        Msg::Returned(from, ended) => edit::returned(state, &from, ended, &mut fx),
        Msg::Demo(demo) => connect::demo_started(state, demo, &mut fx),
        Msg::Opened(name, why) => opener::failed(state, &name, &why),
        Msg::Highlighted(highlighted) => viewer::highlight::take(state, *highlighted),
        Msg::Picture(pictured) => viewer::picture::take(state, *pictured),
        Msg::Ended => dialogs::leave(state, &mut fx),
        Msg::Tick(clock) => state.clock = clock,
    }
    questions::next(state);
    settle(state);
    viewer::settle(state, &mut fx);
    measure::settle(state, &mut fx);
    tell_shown(state, &mut fx);
    signs::tell_progress(state, &mut fx);
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
        if let Some(chooser) = &mut state.pane_mut(side).chooser {
            chooser.top = chooser.first_line(height);
        }
    }
    boards::settle(state);
    if let Some(limit) = sheet::sheet(state).map(|sheet| sheet.last_scroll())
        && let Some(scroll) = state.overlays.last_mut().and_then(dialogs::scroll_mut)
    {
        *scroll = (*scroll).min(limit);
    }
}

/// Tells the engine which servers the panes show, when that changes.
fn tell_shown(state: &mut State, fx: &mut Effects) {
    let mut shown: Vec<FsId> = Vec::new();
    // A tab that is not seen is a step away: its servers count as well.
    for pane in state.all_panes() {
        // A pane on its way returns to where it was if the way leads nowhere.
        let before = pane.before.as_ref().and_then(|before| before.0.location.as_ref());
        for location in [pane.view.location.as_ref(), before].into_iter().flatten() {
            if !location.fs.is_local() && !shown.contains(&location.fs) {
                shown.push(location.fs.clone());
            }
        }
    }
    if shown != state.shown {
        state.shown.clone_from(&shown);
        // Before what the same message leads to: a job may lose its server at once.
        fx.insert(0, Effect::Send(Command::Show { shown }));
    }
}

fn title(state: &State) -> String {
    let name = |side: Side| {
        let view = &state.pane(side).view;
        if state.pane(side).chooser.is_some() {
            return "connect".to_owned();
        }
        let path = view.location.as_ref().map(|location| layout::short_path(location, &state.home));
        match (path, view.info.label.as_str()) {
            (Some(path), "" | "local") => path,
            (Some(path), label) => format!("{}:{path}", words::escape(label)),
            (None, _) => "…".to_owned(),
        }
    };
    format!("wharf: {} | {}", name(state.active), name(state.active.other()))
}
