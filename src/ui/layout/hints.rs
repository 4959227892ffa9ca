//! The footer's hints: what the keys do at this moment, the most useful first, and where each
//! stands. Pure; what may be hinted at in a mode at all is in `keymap`.

use std::borrow::Cow;

use ratatui::layout::Rect;

use super::shows_one_pane;
use crate::ui::{
    action::Action,
    keymap::{Chord, Mode},
    sheet::{self, Sheet},
    state::{Asking, Choice, Grip, Overlay, Phase, Question, State, Typing, Viewer, Work},
    text,
};

/// A hint of the footer, where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    pub area: Rect,
    pub key: Chord,
    pub action: Action,
    pub name: Cow<'static, str>,
}

/// The footer's hints, as many as fit.
pub fn hints(area: Rect, state: &State) -> Vec<Hint> {
    let mut out = Vec::new();
    let mut x = area.x.saturating_add(1);
    // The tour tells of what the keys do behind it.
    let mode = state.mode_behind_tour();
    let ways: Vec<(Chord, Action, &'static str)> = match state.pending {
        // What may follow the key that was pressed.
        Some((pending, key)) if pending == mode => state
            .keymap
            .continuations(mode, key)
            .into_iter()
            .filter_map(|(chord, action)| Some((chord, action, action.info()?.name)))
            .collect(),
        _ => {
            let mut ways = state.keymap.hints(mode);
            // What the moment is about comes first; the others keep their order.
            let first = first(state, mode);
            ways.sort_by_key(|(_, action, _)| first.iter().position(|a| a == action).unwrap_or(first.len()));
            ways
        }
    };
    // Laid out once for all of them: a long one takes its time.
    let sheet = sheet::sheet(state);
    for (key, action, name) in ways {
        if !does_something(state, mode, action, sheet.as_ref()) {
            continue;
        }
        let name = name_now(state, mode, action, sheet.as_ref()).unwrap_or(Cow::Borrowed(name));
        let width = text::width(&key.to_string()) + 1 + text::width(&name);
        let width = u16::try_from(width).unwrap_or(u16::MAX);
        if area.height == 0 || x.saturating_add(width) >= area.right() {
            break;
        }
        out.push(Hint { area: Rect { x, y: area.y, width, height: 1 }, key, action, name });
        x = x.saturating_add(width + 2);
    }
    out
}

/// Nothing is hinted that would do nothing.
fn does_something(state: &State, mode: Mode, action: Action, sheet: Option<&Sheet>) -> bool {
    use Action::*;
    if matches!(action, Up | Down | PageDown) && sheet.is_some_and(|sheet| sheet.last_scroll() == 0) {
        return false;
    }
    if let Some(Grip::Pulled(_)) = &state.grip {
        return action == Cancel;
    }
    match (mode, state.in_front()) {
        (Mode::Viewer, _) => state.viewer.as_ref().is_some_and(|viewer| in_the_viewer(viewer, action)),
        (Mode::Transfers | Mode::Log, _) => state.applies(action),
        (Mode::Details, Some(Overlay::Details(details))) => details.allows(state, action),
        (Mode::Choice, Some(overlay)) => match action {
            Select => matches!(overlay, Overlay::Permissions(_)),
            _ => true,
        },
        (Mode::Find, Some(Overlay::Find(find))) => match action {
            View | Copy | Move | Delete | Select => !find.targets().is_empty(),
            _ => true,
        },
        (Mode::Panes, None) => in_the_panes(state, action),
        (Mode::Connect, None) => among_places(state, action),
        _ => true,
    }
}

fn in_the_viewer(viewer: &Viewer, action: Action) -> bool {
    match action {
        _ if viewer.is_picture() && action.is_about_text() => false,
        Action::Wrap | Action::Colours => !viewer.is_hex(),
        Action::SearchNext | Action::SearchPrevious => {
            viewer.search.as_ref().is_some_and(|search| search.found.is_some() && search.running.is_none())
        }
        _ => true,
    }
}

fn in_the_panes(state: &State, action: Action) -> bool {
    use Action::*;
    let pane = state.active();
    let shows_nothing = pane.view.location.is_none();
    match action {
        // Needs no hint where the panes stand ready.
        Cancel => pane.is_waiting(),
        Drop => state.held.is_some(),
        Open => shows_nothing && matches!(pane.phase, Phase::Failed(_)),
        Refresh => !matches!(pane.phase, Phase::Connecting(_)),
        View | Edit | Copy | Move | Delete | NewFolder | Filter | Rename | Sort | Select | Find | Measure => {
            !shows_nothing && pane.usable().is_some()
        }
        _ => true,
    }
}

fn among_places(state: &State, action: Action) -> bool {
    use Action::*;
    let Some(chooser) = &state.active().chooser else { return false };
    let places = &state.places;
    let choice = chooser.choice();
    match action {
        Open => choice.is_some() || chooser.folder().is_some(),
        AddBookmark => places.can_keep,
        EditBookmark => places.can_keep && !matches!(choice, None | Some(Choice::Start(_))),
        Delete => match choice {
            Some(Choice::Bookmark(_) | Choice::Recent(_)) => places.can_keep,
            _ => false,
        },
        TestPlace => !matches!(choice, None | Some(Choice::Start(_))) && state.trial.is_none(),
        Import => !places.importable.is_empty(),
        Demo => places.can_demo,
        _ => true,
    }
}

/// What comes before all others at this moment.
fn first(state: &State, mode: Mode) -> &'static [Action] {
    use Action::*;
    if mode != Mode::Panes {
        return &[];
    }
    match &state.active().phase {
        // The other one is not seen.
        Phase::Ready if shows_one_pane(state.size) && state.held.is_none() => &[Help, OtherPane],
        Phase::Connecting(_) => &[Cancel, Help, OtherPane, Connect],
        Phase::Failed(_) => &[Refresh, Connect, Open, Help, GoTo],
        Phase::Lost(_) => &[Refresh, Connect, Help],
        Phase::Ready | Phase::Listing(_) if state.held.is_some() && shows_one_pane(state.size) => {
            &[Drop, OtherPane, Help]
        }
        Phase::Ready | Phase::Listing(_) if state.held.is_some() => &[Help, Drop],
        Phase::Ready | Phase::Listing(_) => &[],
    }
}

/// What an action is called at this moment, where that says more than its name in the mode.
fn name_now(state: &State, mode: Mode, action: Action, sheet: Option<&Sheet>) -> Option<Cow<'static, str>> {
    let name = match (mode, state.in_front(), action) {
        (_, _, Action::Cancel) if matches!(state.grip, Some(Grip::Pulled(_))) => {
            "Cancel   Alt or Shift moves"
        }
        (Mode::Review, ..) => return review(state, action).map(Cow::Borrowed),
        (Mode::Find, Some(Overlay::Find(find)), Action::Accept) => match find.is_answered() {
            true if find.rows() > 0 => "Go there",
            _ => "Find",
        },
        (Mode::Viewer, _, Action::Cancel) => {
            let search = state.viewer.as_ref()?.search.as_ref()?;
            search.running.is_some().then_some("Stop")?
        }
        (Mode::Viewer, _, Action::Hex) => match state.viewer.as_ref()? {
            viewer if viewer.is_hex() && viewer.picture.is_some() => "Picture",
            viewer if viewer.is_hex() => "Text",
            _ => return None,
        },
        (Mode::Transfers, ..) => state.transfers.current()?.name_of(action)?,
        (Mode::Text, Some(overlay), Action::Accept) => typed(overlay)?,
        (Mode::Choice, Some(overlay), Action::Accept) => return chosen(overlay, sheet?),
        (Mode::Reader, Some(Overlay::Output(output)), Action::Cancel) if output.job.is_some() => "Stop",
        (Mode::Panes, None, Action::Cancel) => "Stop",
        (Mode::Panes, None, Action::Drop) => "Drop here",
        (Mode::Panes, None, Action::Open) => "Why",
        (Mode::Panes, None, Action::Refresh) => match state.active().phase {
            Phase::Failed(_) => "Try again",
            Phase::Lost(_) => "Connect again",
            _ => return None,
        },
        (Mode::Connect, None, action) => return place(state, action).map(Cow::Borrowed),
        _ => return None,
    };
    Some(Cow::Borrowed(name))
}

fn typed(overlay: &Overlay) -> Option<&'static str> {
    Some(match overlay {
        Overlay::Text { typing, .. } => match typing {
            Typing::NewFolder(_) | Typing::NewFile(_) | Typing::Symlink(_) | Typing::HardLink(_) => "Create",
            Typing::Rename(_) => "Rename",
            Typing::Owner { .. } | Typing::Time { .. } | Typing::Limit(_) => "Set",
            Typing::Pattern { select: true, .. } => "Select",
            Typing::Pattern { select: false, .. } => "Unselect",
            Typing::Workspace => "Save",
            Typing::Search => "Search",
            Typing::Offset => "Go there",
            Typing::Command(_) => "Run",
        },
        Overlay::Question(Question { ask: Asking::Secret { .. }, .. }) => "Answer",
        _ => return None,
    })
}

/// What Enter does in a dialog with buttons is what the chosen one says.
fn chosen(overlay: &Overlay, sheet: &Sheet) -> Option<Cow<'static, str>> {
    Some(match overlay {
        Overlay::Permissions(_) => "Set".into(),
        Overlay::Menu(menu) => menu.actions.get(menu.choice)?.info()?.name.into(),
        Overlay::Sort { .. } => "Sort".into(),
        Overlay::Workspaces { .. } => "Open".into(),
        _ => {
            let label = &sheet.buttons.iter().find(|button| button.chosen)?.label;
            // Behind the letter that presses it.
            let label = label.trim();
            label.split_once("  ").map_or(label, |(_, name)| name).to_owned().into()
        }
    })
}

fn review(state: &State, action: Action) -> Option<&'static str> {
    let moves = state.asks().is_some_and(|transfer| transfer.work == Work::Move);
    (moves && action == Action::Accept).then_some("Move")
}

fn place(state: &State, action: Action) -> Option<&'static str> {
    let chooser = state.active().chooser.as_ref()?;
    Some(match (action, chooser.choice()) {
        (Action::Open, None) => match chooser.folder()?.is_open {
            true => "Close the folder",
            false => "Open the folder",
        },
        (Action::Open, Some(Choice::Start(_))) => "Choose",
        (Action::Cancel, _) if state.trial.is_some() => "Stop the test",
        (Action::Cancel, _) if !chooser.input.value().is_empty() => "Clear",
        (Action::EditBookmark, Some(Choice::Host(_) | Choice::Recent(_) | Choice::Typed)) => "Bookmark",
        (Action::Delete, Some(Choice::Recent(_))) => "Forget",
        (Action::Delete, _) => "Remove",
        _ => return None,
    })
}
