//! From a key to an action, and from an action to whoever sees to it.

use super::{
    attributes, boards, commands, compare, connect, dialogs, drag, edit,
    effect::{Effect, Effects, Sign},
    files, find, goto, hold, jobs, measure, opener, palette, panels, places, rename, review, signs, tabs,
    viewer, workspace,
};
use crate::{
    ui::{
        action::Action,
        keymap::{Chord, Key, Meaning, Mode, edit},
        state::{Deed, Overlay, Panel, State, Transfer, Work},
    },
    words,
};

/// What a key means where the keys go now.
pub(super) fn on_key(state: &mut State, key: Key, fx: &mut Effects) {
    if let Some(Overlay::Tour) = state.overlay() {
        state.overlays.pop();
        return;
    }
    if key == Key::new(crossterm::event::KeyCode::Char('c'), crossterm::event::KeyModifiers::CONTROL) {
        // Whatever it means elsewhere, here it gets one out of the thing at hand.
        let stops = state.overlay().is_some()
            || state.filtering
            || state.trial.is_some()
            || state.viewer.is_some()
            || state.compare.is_some()
            || state.grip.is_some()
            || state.active().is_waiting();
        return on_action(state, if stops { Action::Cancel } else { Action::Quit }, fx);
    }
    let mode = state.mode();
    if let Some((_, first)) = state.pending.take().filter(|(pending, _)| *pending == mode) {
        // A second key that leads nowhere ends the sequence, and does nothing else: it was not
        // meant for what it does alone.
        if let Some(action) = state.keymap.bound(mode, Chord { first, second: Some(key) }) {
            on_action(state, action, fx);
        }
        return;
    }
    let meaning = state.keymap.meaning(mode, key);
    let suspends = state.keymap.meaning(Mode::Base, key) == Some(Meaning::Action(Action::Suspend));
    if meaning.is_none() && suspends && key.typed().is_none() {
        // The shell is a key away from dialogs too.
        return fx.push(Effect::Terminal(Sign::Suspend));
    }
    match meaning {
        Some(Meaning::Action(Action::SwitchTab)) if tabs::by_number(state, key) => return,
        Some(Meaning::Action(action)) => return on_action(state, action, fx),
        Some(Meaning::Begins) => {
            state.pending = Some((mode, key));
            return;
        }
        None => {}
    }
    match mode {
        Mode::Text | Mode::Filter => {
            if let Some(request) = edit(key) {
                dialogs::edit(state, request);
            }
        }
        Mode::Choice => dialogs::letter(state, key, fx),
        Mode::Form => connect::form_key(state, key),
        Mode::Find => find::key(state, key),
        Mode::GoTo => goto::key(state, key, fx),
        Mode::Rename => rename::key(state, key),
        Mode::Palette => {
            if let Some(request) = edit(key) {
                palette::edit(state, request);
            }
        }
        Mode::Connect => connect::edit(state, key),
        Mode::Base | Mode::Panes | Mode::Transfers | Mode::Log | Mode::Reader | Mode::Viewer => {}
        Mode::Review | Mode::Compare | Mode::Details => {}
    }
}

/// Does what the person wants.
pub(super) fn on_action(state: &mut State, action: Action, fx: &mut Effects) {
    if action == Action::Cancel && state.overlay().is_none() && drag::let_go(state) {
        return;
    }
    if action != Action::Cancel
        && let Some(held) = &mut state.held
    {
        held.letting_go = false;
    }
    if action == Action::Help {
        // What is open stays behind it.
        return state.overlays.push(Overlay::Help { scroll: 0 });
    }
    match state.mode() {
        Mode::Filter if boards::is_filtering(state) => return boards::filter_action(state, action),
        Mode::Review => return review::on_action(state, action, fx),
        Mode::Details => return jobs::on_action(state, action, fx),
        Mode::Compare => {
            if compare::on_action(state, action, fx) {
                return;
            }
        }
        Mode::Form => return connect::form_action(state, action, fx),
        Mode::Palette => return palette::on_action(state, action, fx),
        Mode::Find => return find::on_action(state, action, fx),
        Mode::GoTo => return goto::on_action(state, action, fx),
        Mode::Rename => return rename::on_action(state, action, fx),
        Mode::Text | Mode::Choice | Mode::Reader => return dialogs::on_action(state, action, fx),
        Mode::Connect => {
            if connect::on_action(state, action, fx) {
                return;
            }
        }
        Mode::Transfers | Mode::Log => {
            if panels::on_action(state, action, fx) {
                return;
            }
        }
        Mode::Viewer => {
            if viewer::on_action(state, action, fx) {
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
        Palette => palette::open(state),
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
        | Invert | SelectPattern | UnselectPattern | Filter | Sort | Hidden => {
            places::on_view_action(state, action)
        }
        Open | Parent | Home | GoTo | Back | Forward | ShowLeft | ShowRight | SamePlace | Swap | Refresh => {
            places::on_action(state, action, fx);
        }
        NewTab | CloseTab | SwitchTab => tabs::on_action(state, action, fx),
        SaveWorkspace => workspace::ask_name(state),
        OpenWorkspace => workspace::choose(state),
        RestoreSession => workspace::last_session(state, fx),
        Connect => connect::choose(state, state.active, fx),
        Bookmark => connect::bookmark_this(state),
        Demo => connect::start_demo(state, fx),
        Tour => state.overlays.push(Overlay::Tour),
        AddBookmark | EditBookmark | TestPlace | Import => {
            state.hint("This belongs to the connect screen.");
        }
        Copy | Move | Rename | NewFolder | NewFile | Symlink | HardLink | Delete => {
            files::on_action(state, action, fx);
        }
        PickUp | PickUpMove | Drop => hold::on_action(state, action, fx),
        Properties | Permissions | Owner => attributes::on_action(state, action, fx),
        RunCommand => commands::ask(state),
        Find => find::open(state),
        Measure => measure::start(state, fx),
        CopyPath => signs::copy_paths(state, fx),
        Suspend => fx.push(Effect::Terminal(Sign::Suspend)),
        View => viewer::open(state),
        Edit => edit::open(state, fx),
        Shell => edit::shell(state, fx),
        OpenWith => opener::open(state, fx),
        Hex | Wrap | Colours | ScrollLeft | ScrollRight | SearchText | SearchNext | SearchPrevious => {
            state.hint("This belongs to a file that is being looked at.");
        }
        Cancel => cancel(state, fx),
        CancelJob | PauseJob | ClearFinished | Details | Explain => {
            // From a hint's button: these belong to a panel that is open.
            panels::on_action(state, action, fx);
        }
        Compare => compare::open(state, fx),
        RetryJob | RetryItem | Earlier | Later | LimitJob | LimitAll => {
            panels::on_action(state, action, fx);
        }
        ToRight | ToLeft | LeaveRow | RemoveThere | NextWay | Undecide | SyncMode | ByContent | Deletions
        | ShowOnlyLeft | ShowChanged | ShowOnlyRight | ShowSame => {
            state.hint("This belongs to the comparison of two folders.");
        }
        Overwrite | Skip | KeepBoth | OnlyNewer | OnlyDifferent | Complete | OverwriteRest | SkipRest
        | KeepBothRest | NewerRest | DifferentRest | CompleteRest => {
            state.hint("This belongs to a question about what exists already.");
        }
        Help | PreviousChoice | NextChoice | Accept => {}
    }
}

/// Esc: one step out of whatever there is, the nearest first.
fn cancel(state: &mut State, fx: &mut Effects) {
    let side = state.active;
    // What was said goes with the key, and is no step of its own.
    state.notice = None;
    if edit::stop_fetching(state, fx) || hold::let_go(state) {
    } else if state.trial.is_some() {
        connect::stop_trial(state, fx);
    } else if state.pane(side).is_waiting() {
        places::give_up(state, side, fx);
    } else if measure::stop(state, fx) || files::stop_errand(state, fx) {
    } else if state.pane(side.other()).is_waiting() {
        places::give_up(state, side.other(), fx);
    } else if !state.active().view.listing.filter().is_empty() {
        state.active_mut().view.keep_cursor(|listing| listing.set_filter(""));
    } else if state.active().view.listing.selected().count > 0 {
        state.active_mut().view.listing.select_none();
    } else {
        // What is selected but not shown as well.
        state.active_mut().view.listing.select_none();
        hold::ask_to_let_go(state);
    }
}

fn quit(state: &mut State, fx: &mut Effects) {
    let running: Vec<&Transfer> = state.transfers.running().collect();
    let others = state.errands.len() + state.edits.len();
    if running.is_empty() && others == 0 {
        dialogs::leave(state, fx);
        return;
    }
    let mut lines: Vec<String> = running.iter().take(5).map(|transfer| transfer.title()).collect();
    if running.len() > 5 {
        lines.push(format!("and {} more", words::count(running.len() as u64 - 5)));
    }
    lines.push(what_becomes(state, &running, others));
    let deed = Deed::Quit { running: what_runs(&running, others) };
    state.overlays.push(Overlay::Confirm { deed, lines, choice: 0, scroll: 0 });
}

/// `a copy runs`, `3 copies run`.
fn what_runs(running: &[&Transfer], others: usize) -> String {
    let (one, many) = match running.first().map(|transfer| transfer.work) {
        _ if others > 0 => ("something", "things"),
        Some(first) if running.iter().all(|transfer| transfer.work == first) => match first {
            Work::Copy => ("a copy", "copies"),
            Work::Move => ("a move", "moves"),
            Work::Sync => ("a sync", "syncs"),
            Work::Remove => ("a deletion", "deletions"),
            Work::Rename => ("a rename", "renames"),
            Work::Change => ("a change", "changes"),
        },
        _ => ("a job", "jobs"),
    };
    match running.len() + others {
        1 => format!("{one} runs"),
        count => format!("{} run", words::plural(count as u64, one, many)),
    }
}

/// What is left of what runs, and how it goes on.
fn what_becomes(state: &State, running: &[&Transfer], others: usize) -> String {
    let resumable = running.iter().filter(|transfer| transfer.moves_bytes()).count();
    let all = running.len() + others;
    let stops = if all == 1 { "It stops where it is" } else { "They stop where they are" };
    if resumable == 0 {
        return format!("{stops}; what is done stays done.");
    }
    let key = |chords: Vec<Chord>| chords.first().map(ToString::to_string).unwrap_or_default();
    let panel = key(state.keymap.all_keys(Action::Transfers));
    let enter = key(state.keymap.keys(Mode::Transfers, Action::Details));
    let with = match (resumable, all) {
        (1, 1) => "it",
        (_, all) if resumable == all => "them",
        _ => "what is copied or moved, and not with the rest",
    };
    format!("{stops}. When wharf starts again, {panel} and {enter} go on with {with}.")
}
