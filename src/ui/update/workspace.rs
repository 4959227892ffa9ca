//! Workspaces: the tabs and their places as they are, and as they were. Must touch no file: what
//! is to be kept goes out as an effect.

use super::{
    connect,
    effect::{Effect, Effects},
    places, tabs,
};
use crate::{
    config::{Active, Change, Tab, Workspace, check_workspace},
    fs::{Location, Place, RemotePath},
    ui::state::{Field, Overlay, Pane, Phase, Side, State, Step, Typing, tabs::MOST_TABS},
    words,
};

/// Asks what to call the tabs as they are.
pub(super) fn ask_name(state: &mut State) {
    if !state.places.can_keep {
        return state.hint("Workspaces are not kept here.");
    }
    let field = Field::text(&state.workspace);
    state.overlays.push(Overlay::Text { typing: Typing::Workspace, field, error: None });
}

/// Keeps the tabs as they are by that name.
pub(super) fn save(state: &mut State, name: &str, fx: &mut Effects) -> Result<(), String> {
    check_workspace(name).map_err(|why| format!("{}.", words::capital(why)))?;
    let workspace = Workspace { name: name.to_owned(), ..current(state) };
    if workspace.is_empty() {
        return Err("No pane shows a place yet.".to_owned());
    }
    state.workspace = name.to_owned();
    fx.push(Effect::Keep(Change::SaveWorkspace(workspace)));
    Ok(())
}

/// Shows those that there are, to choose from.
pub(super) fn choose(state: &mut State) {
    if state.places.workspaces.is_empty() && state.places.session.is_none() {
        let keys = state.keymap.all_keys(crate::ui::action::Action::SaveWorkspace);
        let key = keys.first().map(|key| format!("; {key} keeps the tabs as they are")).unwrap_or_default();
        return state.hint(format!("There is no workspace yet{key}."));
    }
    state.overlays.push(Overlay::Workspaces { choice: 0 });
}

/// Opens the one in that place of the list: the last session comes behind those with names.
pub(super) fn chosen(state: &mut State, choice: usize, fx: &mut Effects) {
    let places = &state.places;
    let named = places.workspaces.get(choice).cloned();
    if let Some(workspace) = named.or_else(|| places.session.clone()) {
        restore(state, &workspace, fx);
    }
}

/// Opens the tabs of the last session.
pub(super) fn last_session(state: &mut State, fx: &mut Effects) {
    match state.places.session.clone() {
        Some(session) => restore(state, &session, fx),
        None => state.hint("There is no last session: nothing was open when wharf ended."),
    }
}

/// Opens a workspace by its name; false where there is none.
pub fn open_workspace(state: &mut State, name: &str, fx: &mut Effects) -> bool {
    let Some(workspace) = state.places.workspaces.iter().find(|workspace| workspace.name == name).cloned()
    else {
        return false;
    };
    restore(state, &workspace, fx);
    true
}

/// Puts these tabs in place of those that there are. What runs goes on.
fn restore(state: &mut State, workspace: &Workspace, fx: &mut Effects) {
    state.in_every_tab(|state| {
        for side in Side::BOTH {
            places::stop_waiting(state, side, fx);
        }
    });
    tabs::leave(state);
    state.tabs.parked.clear();
    state.tabs.current = 0;
    for (at, tab) in workspace.tabs.iter().take(MOST_TABS).enumerate() {
        if at > 0 {
            state.add_tab();
        }
        (state.left, state.right) = (Pane::default(), Pane::default());
        for (side, text) in [(Side::Left, &tab.left), (Side::Right, &tab.right)] {
            match Workspace::place(text) {
                Some(place) => places::connect(state, side, place, Step::New, fx),
                None => connect::choose(state, side, fx),
            }
        }
        state.active = if tab.active == Active::Right { Side::Right } else { Side::Left };
    }
    state.show_tab(workspace.tab.saturating_sub(1).min(state.tabs.count() - 1));
    state.workspace.clone_from(&workspace.name);
    state.hint(match workspace.name.as_str() {
        "" => "The last session's tabs are back.".to_owned(),
        name => format!("The workspace {} is open.", words::escape(name)),
    });
}

/// The tabs as they are now.
pub(super) fn current(state: &State) -> Workspace {
    let tabs = (0..state.tabs.count()).filter_map(|tab| state.tab(tab)).map(|(left, right, active)| Tab {
        left: text_of(state, left),
        right: text_of(state, right),
        active: if active == Side::Right { Active::Right } else { Active::Left },
    });
    Workspace { name: String::new(), tab: state.tabs.current + 1, tabs: tabs.collect() }
}

/// What a pane shows or is on its way to, as it is opened again; empty for what is none.
fn text_of(state: &State, pane: &Pane) -> String {
    if pane.chooser.is_some() {
        return String::new();
    }
    let place = match (&pane.phase, &pane.view.location) {
        (Phase::Connecting(connecting), _) => Some(connecting.place.clone()),
        (_, Some(location)) if is_demo(state, location) => None,
        (_, Some(location)) => Some(places::place_of(state, location)),
        (_, None) => pane.tried.clone(),
    };
    match place {
        Some(Place::Local(path)) => match String::from_utf8(path) {
            Ok(path) => shortened(path, &state.home),
            Err(_) => String::new(),
        },
        Some(remote) => remote.to_url(),
        None => String::new(),
    }
}

/// With `~` for the home directory; empty where it depends on where wharf was started.
fn shortened(path: String, home: &RemotePath) -> String {
    let home = std::str::from_utf8(home.as_bytes()).unwrap_or_default().trim_end_matches('/');
    match path.strip_prefix(home) {
        Some("") if !home.is_empty() => "~".to_owned(),
        Some(rest) if !home.is_empty() && rest.starts_with('/') => format!("~{rest}"),
        _ if path.starts_with(['/', '~']) => path,
        _ => String::new(),
    }
}

fn is_demo(state: &State, location: &Location) -> bool {
    state.places.demo.as_ref() == Some(&location.fs)
}
