//! Comparing both panes' folders: what is found is taken in as it comes, the plan is edited, and
//! what is shown is run. Must do nothing that is not shown.

use super::{
    boards,
    effect::{Effect, Effects},
    files,
};
use crate::{
    engine::{Command, JobId, What},
    fs::Location,
    transfer::sync::{Load, Mode, Relation, Sums, Way},
    ui::{
        action::Action,
        layout,
        state::{Compare, Deed, Overlay, Side, State, Tone, Work},
    },
    words,
};

/// Opens the screen for what both panes show.
pub(super) fn open(state: &mut State, fx: &mut Effects) {
    let place = |state: &State, side: Side| {
        let pane = state.pane(side);
        let location = pane.usable().cloned()?;
        let label = layout::place_label(&pane.view, &location, &state.home);
        Some((location, label))
    };
    let (Some(left), Some(right)) = (place(state, Side::Left), place(state, Side::Right)) else {
        return state.hint("Both panes have to show a folder to be compared.");
    };
    let inside = |a: &Location, b: &Location| a.fs == b.fs && a.path.is_within(&b.path);
    if left.0 == right.0 {
        return state.hint("Both panes show the same folder: show in each one what is to be compared.");
    }
    if inside(&left.0, &right.0) || inside(&right.0, &left.0) {
        return state.hint("One of the folders is inside the other: they cannot be compared.");
    }
    state.notice = None;
    state.filtering = false;
    state.in_panel = false;
    let mut compare = Compare::new(left, right);
    compare.plan.set_mode(if state.active == Side::Right { Mode::Left } else { Mode::Right });
    state.compare = Some(Box::new(compare));
    start(state, fx);
}

/// Lists both sides, from the beginning.
fn start(state: &mut State, fx: &mut Effects) {
    let job = state.fresh_job();
    let since = state.clock.running;
    let Some(old) = state.compare.take() else { return };
    stop(&old, fx);
    let Compare { left, right, left_label, right_label, content, seen, sieve, .. } = *old;
    let mut compare = Compare::new((left, left_label), (right, right_label));
    // What was decided is about what was there.
    compare.plan.set_mode(old.plan.mode());
    compare.plan.set_deletes(old.plan.deletes());
    (compare.content, compare.seen, compare.sieve) = (content, seen, sieve);
    (compare.job, compare.since) = (Some(job), since);
    let (left, right) = (compare.left.clone(), compare.right.clone());
    state.compare = Some(Box::new(compare));
    fx.push(Effect::Send(Command::Compare { job, left, right, content }));
}

fn stop(compare: &Compare, fx: &mut Effects) {
    if let Some(job) = compare.job {
        fx.push(Effect::Send(Command::Cancel { job }));
    }
}

pub(super) fn is_ours(state: &State, job: JobId) -> bool {
    state.compare.as_ref().is_some_and(|compare| compare.job == Some(job))
}

/// What the engine reports while it lists.
pub(super) fn on_event(state: &mut State, what: What) {
    let Some(compare) = &mut state.compare else { return };
    match what {
        What::Compared(pairs) => {
            // Whoever has not moved yet stays at the top.
            let current = compare.current_path().filter(|_| compare.place.cursor > 0);
            compare.plan.add(pairs);
            compare.refresh(current);
        }
        What::ItemFailed(error) => compare.fail(error),
        What::Done(_) => compare.job = None,
        What::Failed(error) => {
            compare.job = None;
            compare.ended = Some(words::error(&error).to_string());
        }
        What::Cancelled => {
            compare.job = None;
            compare.ended =
                Some("Stopped before all was compared; what is shown is what would run.".to_owned());
        }
        _ => return,
    }
    boards::settle(state);
}

/// True if the action was one of the comparison's.
pub(super) fn on_action(state: &mut State, action: Action, fx: &mut Effects) -> bool {
    if boards::moved(state, action) {
        return true;
    }
    let Some(compare) = &mut state.compare else { return false };
    let mut current = compare.current_path();
    match action {
        Action::ToRight => return decide(state, Some(Way::Right)),
        Action::ToLeft => return decide(state, Some(Way::Left)),
        Action::LeaveRow => return decide(state, Some(Way::Nothing)),
        Action::RemoveThere => return decide(state, Some(Way::Remove)),
        Action::Undecide => return decide(state, None),
        Action::NextWay => next_way(state),
        Action::Filter => compare.sieve.typing = true,
        Action::Accept => accept(state, fx),
        Action::Cancel => leave(state, fx),
        Action::Refresh => start(state, fx),
        Action::ByContent => {
            compare.content = !compare.content;
            start(state, fx);
        }
        Action::SyncMode => {
            compare.plan.set_mode(match compare.plan.mode() {
                Mode::Right => Mode::Left,
                Mode::Left => Mode::Both,
                Mode::Both => Mode::Right,
            });
            compare.refresh(current.take());
        }
        Action::Deletions => {
            let deletes = !compare.plan.deletes();
            compare.plan.set_deletes(deletes);
            compare.refresh(current.take());
            if compare.plan.mode() == Mode::Both {
                state.hint("Both ways, nothing is deleted but what you choose: d on a row.");
            }
        }
        Action::ShowOnlyLeft | Action::ShowChanged | Action::ShowOnlyRight | Action::ShowSame => {
            let seen = &mut compare.seen;
            let shown = match action {
                Action::ShowOnlyLeft => &mut seen.only_left,
                Action::ShowChanged => &mut seen.changed,
                Action::ShowOnlyRight => &mut seen.only_right,
                _ => &mut seen.same,
            };
            *shown = !*shown;
            compare.refresh(current.take());
        }
        _ => return false,
    }
    boards::settle(state);
    true
}

/// Decides about the row of the cursor and all below it, and steps on.
fn decide(state: &mut State, way: Option<Way>) -> bool {
    let Some(compare) = &mut state.compare else { return false };
    let Some(at) = compare.current() else { return true };
    let current = compare.current_path();
    if compare.plan.set(at, way) {
        compare.refresh(current);
        if !compare.plan.pairs().get(at).is_some_and(|pair| pair.is_dir()) {
            boards::moved(state, Action::Down);
        }
        state.notice = None;
        return true;
    }
    let why = match way {
        Some(Way::Remove) => "Only what one side alone has can be deleted here.",
        Some(Way::Right) => "There is nothing on the left side that could go to the right.",
        Some(Way::Left) => "There is nothing on the right side that could go to the left.",
        _ => "Nothing else can be done about this one.",
    };
    state.hint(why);
    true
}

/// The next of what can be done about the row of the cursor.
pub(super) fn next_way(state: &mut State) {
    let Some(compare) = &mut state.compare else { return };
    let Some(at) = compare.current() else { return };
    let current = compare.current_path();
    let range = compare.plan.below(at);
    let now = compare.plan.way(at);
    // A folder that both sides have goes by what is in it.
    let ways = compare.plan.pairs().get(at).map_or(&[][..], |pair| match pair.ways() {
        [Way::Nothing] if range.len() > 1 => &[Way::Right, Way::Nothing, Way::Left],
        ways => ways,
    });
    let pairs = compare.plan.pairs();
    let differs = |at: &usize| pairs.get(*at).is_some_and(|pair| pair.relation != Relation::Same);
    let of_first = || range.clone().find(differs).map(|first| compare.plan.way(first));
    let now = if ways.first() == Some(&Way::Right) { of_first().unwrap_or(now) } else { now };
    let place = ways.iter().position(|way| *way == now).map_or(0, |at| (at + 1) % ways.len().max(1));
    if let Some(way) = ways.get(place).copied() {
        compare.plan.set(at, Some(way));
        compare.refresh(current);
    }
}

/// Esc: out of the filter, else the listing stops, else the screen is left.
fn leave(state: &mut State, fx: &mut Effects) {
    state.notice = None;
    let Some(compare) = &mut state.compare else { return };
    if !compare.sieve.text().is_empty() {
        let current = compare.current_path();
        compare.sieve = Default::default();
        return compare.refresh(current);
    }
    if compare.job.is_some() {
        return stop(compare, fx);
    }
    state.compare = None;
}

/// Enter: runs what is shown; what would be deleted is asked about first.
fn accept(state: &mut State, fx: &mut Effects) {
    let Some(compare) = &state.compare else { return };
    if compare.job.is_some() {
        return state.hint("It is still being compared; Esc stops that, and what is shown then can be run.");
    }
    let Sums { to_left, to_right, .. } = compare.sums;
    if to_left == Load::default() && to_right == Load::default() {
        return state.hint("There is nothing to do: no row says that something is copied or deleted.");
    }
    if to_left.removed + to_right.removed == 0 {
        return run(state, fx);
    }
    let mut lines = Vec::new();
    for (load, label) in [(to_right, &compare.right_label), (to_left, &compare.left_label)] {
        if load.removed > 0 {
            let what = words::plural(load.removed, "item", "items");
            lines.push(format!("{what} will be deleted in {label}."));
        }
    }
    lines.push("This cannot be undone.".to_owned());
    lines.push(String::new());
    lines.extend(said(compare));
    state.overlays.push(Overlay::Confirm { deed: Deed::Sync, lines, choice: 0, scroll: 0 });
}

/// What would be copied, and how much of that replaces something, in words.
fn said(compare: &Compare) -> Vec<String> {
    let sides = [(compare.sums.to_right, &compare.right_label), (compare.sums.to_left, &compare.left_label)];
    let copied = sides.into_iter().filter(|(load, _)| load.copied != Default::default());
    let line = |(load, label): (Load, &String)| {
        let replaced = match load.replaced {
            0 => String::new(),
            count => format!("; {} replaced", words::count(count)),
        };
        format!("{} to {label}{replaced}", words::totals(&load.copied))
    };
    copied.map(line).collect()
}

/// Starts the jobs, and leaves the screen.
pub(super) fn run(state: &mut State, fx: &mut Effects) {
    let Some(compare) = state.compare.take() else { return };
    for request in compare.plan.requests(&compare.left, &compare.right) {
        let job = state.fresh_job();
        let to_right = request.target == compare.right;
        let (load, label) = match to_right {
            true => (compare.sums.to_right, compare.right_label.clone()),
            false => (compare.sums.to_left, compare.left_label.clone()),
        };
        let items = load.copied.files + load.copied.links + load.copied.dirs + load.removed;
        let name = words::plural(items, "item", "items");
        let mut transfer = files::transfer(job, Work::Sync, name, label, vec![request.target.clone()]);
        transfer.request = Some(Box::new(request.clone()));
        state.transfers.jobs.push(transfer);
        fx.push(Effect::Send(Command::Copy { job, request }));
    }
    files::show_transfers(state);
    if compare.sums.undecided > 0 {
        let left = words::plural(compare.sums.undecided, "row was", "rows were");
        state.say(Tone::Plain, format!("{left} undecided and stay as they are."));
    }
}
