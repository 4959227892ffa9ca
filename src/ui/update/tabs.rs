//! Tabs: opening, closing, switching. Sessions are shared, and transfers go on whatever is seen.

use super::{effect::Effects, places};
use crate::ui::{
    action::Action,
    keymap::Key,
    state::{Phase, Side, State, tabs::MOST_TABS},
};

pub(super) fn on_action(state: &mut State, action: Action, fx: &mut Effects) {
    match action {
        Action::NewTab => open(state, fx),
        Action::CloseTab => close(state, fx),
        Action::SwitchTab => show(state, (state.tabs.current + 1) % state.tabs.count()),
        _ => {}
    }
}

/// A digit goes to the tab of that number.
pub(super) fn by_number(state: &mut State, key: Key) -> bool {
    let Some(number) = key.typed().and_then(|c| c.to_digit(10)).filter(|number| *number > 0) else {
        return false;
    };
    show(state, number as usize - 1);
    true
}

/// Shows a tab by its place in the order.
pub(super) fn show(state: &mut State, tab: usize) {
    if tab >= state.tabs.count() {
        let keys = state.keymap.all_keys(Action::NewTab);
        let open = keys.first().map(|key| format!("; {key} opens one")).unwrap_or_default();
        return state.hint(format!("There is no tab {}{open}.", tab + 1));
    }
    leave(state);
    state.show_tab(tab);
}

/// What is half done in the tab that is left: what is typed, what was clicked.
pub(super) fn leave(state: &mut State) {
    state.filtering = false;
    state.in_panel = false;
    state.last_click = None;
    state.notice = None;
}

fn open(state: &mut State, fx: &mut Effects) {
    if state.tabs.count() >= MOST_TABS {
        let keys = state.keymap.all_keys(Action::CloseTab);
        let close = keys.first().map(|key| format!("; {key} closes one")).unwrap_or_default();
        return state.hint(format!("There are {MOST_TABS} tabs{close}."));
    }
    leave(state);
    state.add_tab();
    for side in Side::BOTH {
        let pane = state.pane_mut(side);
        pane.view.listing.select_none();
        // One job has one pane that waits for it: the new tab asks for itself.
        match std::mem::replace(&mut pane.phase, Phase::Ready) {
            Phase::Listing(loading) => {
                let location = pane.view.location.clone();
                if loading.incoming.is_none() {
                    // What has come so far comes again.
                    pane.view.location = None;
                }
                if let Some(location) = location {
                    places::start_listing(state, side, location, fx);
                }
            }
            Phase::Connecting(connecting) => {
                let step = pane.step;
                places::connect(state, side, connecting.place, step, fx);
            }
            phase => pane.phase = phase,
        }
    }
}

fn close(state: &mut State, fx: &mut Effects) {
    if state.tabs.count() == 1 {
        return state.hint("This is the only tab.");
    }
    leave(state);
    for side in Side::BOTH {
        places::stop_waiting(state, side, fx);
    }
    state.drop_tab();
}
