//! The panel below the panes: transfers and log. Must start no jobs.

use super::{
    effect::{Effect, Effects},
    events, jobs,
};
use crate::{
    engine::Command,
    transfer::Phase,
    ui::{
        action::Action,
        layout,
        state::{Details, Overlay, Panel, Standing, State, Transfer, log::Line},
    },
};

/// Shows and enters a panel; leaves and closes the one that has the keys.
pub(super) fn toggle(state: &mut State, panel: Panel) {
    state.filtering = false;
    if state.panel == Some(panel) && state.in_panel {
        state.panel = None;
        state.in_panel = false;
    } else {
        state.panel = Some(panel);
        state.in_panel = true;
    }
}

/// True if the action was one of the panel's.
pub(super) fn on_action(state: &mut State, action: Action, fx: &mut Effects) -> bool {
    let Some(panel) = state.panel else { return false };
    let areas = layout::layout(state.size, state);
    let page = areas.panel.map_or(1, |panel| usize::from(panel.rows.height)).max(1);
    let row = match panel {
        Panel::Transfers => state.transfers.cursor,
        Panel::Log => state.log.row(),
    };
    let to = match action {
        Action::Up => row.saturating_sub(1),
        Action::Down => row.saturating_add(1),
        Action::PageUp => row.saturating_sub(page),
        Action::PageDown => row.saturating_add(page),
        Action::First => 0,
        Action::Last => usize::MAX - 1,
        Action::Cancel => {
            state.notice = None;
            state.in_panel = false;
            if !layout::has_room_for_panel(state.size) {
                state.panel = None;
            }
            return true;
        }
        Action::CancelJob => {
            let job = state.transfers.current().map(|transfer| transfer.job);
            if state.transfers.current().is_some_and(|t| !t.is_running() && t.resumable.is_some()) {
                jobs::ask_discard(state, state.transfers.cursor);
                return true;
            }
            match job {
                Some(_) if state.transfers.current().is_some_and(Transfer::is_stopping) => {
                    state.hint("It is stopping already.");
                }
                Some(job) if state.transfers.current().is_some_and(Transfer::is_running) => {
                    events::cancel_job(state, job, fx);
                }
                Some(_) => state.hint("This one has ended already."),
                None => state.hint("Nothing runs."),
            }
            return true;
        }
        Action::PauseJob => {
            let standing = state.transfers.current().map(|t| (t.job, t.is_running(), t.progress.phase));
            match standing {
                Some((job, true, phase @ (Phase::Running | Phase::Paused))) => {
                    let paused = phase == Phase::Running;
                    fx.push(Effect::Send(Command::Pause { job, paused }));
                }
                Some((_, true, _)) => state.hint("It has not begun to move anything yet."),
                Some(_) => state.hint("This one has ended already."),
                None => state.hint("Nothing runs."),
            }
            return true;
        }
        Action::ClearFinished => {
            state.transfers.clear_finished();
            return true;
        }
        Action::Earlier | Action::Later if panel == Panel::Transfers => {
            jobs::reorder(state, action == Action::Earlier, fx);
            return true;
        }
        Action::LimitJob | Action::LimitAll if panel == Panel::Transfers => {
            jobs::ask_limit(state, action == Action::LimitAll);
            return true;
        }
        Action::RetryJob if panel == Panel::Transfers => {
            jobs::go_on(state, state.transfers.cursor, fx);
            return true;
        }
        Action::Details | Action::Open if panel == Panel::Transfers => {
            match state.transfers.current() {
                Some(transfer)
                    if matches!(transfer.standing, Standing::Interrupted(_))
                        && transfer.failures.is_empty() =>
                {
                    jobs::go_on(state, state.transfers.cursor, fx);
                }
                Some(transfer) => {
                    let details = Details::of(transfer.job);
                    state.notice = None;
                    state.overlays.push(Overlay::Details(details));
                }
                None => {}
            }
            return true;
        }
        Action::Explain | Action::Open if panel == Panel::Log => {
            match state.log.current().cloned() {
                Some(Line::Reply(line)) => {
                    state.overlays.push(Overlay::Explain { line: Box::new(line), scroll: 0 });
                }
                Some(Line::Lost { error, .. } | Line::Left { error }) => jobs::explain(state, &error),
                Some(Line::Back { .. }) => state.hint("This line has no code that could be explained."),
                None => {}
            }
            return true;
        }
        _ => return false,
    };
    move_to(state, panel, to);
    true
}

pub(super) fn move_to(state: &mut State, panel: Panel, row: usize) {
    match panel {
        Panel::Transfers => state.transfers.move_to(row),
        Panel::Log => state.log.move_to(row),
    }
}
