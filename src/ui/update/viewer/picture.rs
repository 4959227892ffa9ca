//! A file that is looked at as a picture: reading all of it, within bounds, and asking for what
//! fits the screen.

use super::{Effect, Effects};
use crate::{
    engine::{Command, JobId, What},
    ui::{
        layout,
        state::{
            State, Viewer,
            picture::{Fit, MOST, Picture, Pictured, Stage, Wanted},
        },
    },
    words,
};

/// Asks for what there is to be seen and is not there.
pub(super) fn settle(state: &mut State, viewer: &mut Viewer, fx: &mut Effects) {
    let fit = fit(state);
    let Some(picture) = &viewer.picture else { return };
    match picture.stage {
        Stage::New => begin(state, viewer, fit, fx),
        Stage::Shown(_) if picture.fit != Some(fit) => make(state, viewer, None, fit, fx),
        _ => {}
    }
}

fn fit(state: &State) -> Fit {
    let (_, rows) = layout::viewer(&layout::layout(state.size, state));
    let cells = (rows.width, rows.height);
    Fit { cells, depth: state.theme.depth, background: state.theme.background }
}

fn begin(state: &mut State, viewer: &mut Viewer, fit: Fit, fx: &mut Effects) {
    let size = viewer.blocks.size;
    if size.is_some_and(|size| size > MOST) {
        return fail(viewer, too_large());
    }
    // A small one is there already.
    if let Some(size) = size
        && let Ok(bytes) = viewer.blocks.copy(0, usize::try_from(size).unwrap_or(usize::MAX))
    {
        return make(state, viewer, Some(bytes), fit, fx);
    }
    let job = state.fresh_job();
    let Some(picture) = &mut viewer.picture else { return };
    picture.stage = Stage::Reading { job, received: Vec::new() };
    picture.since = state.clock.running;
    let location = viewer.location.clone();
    // One byte more than may be tells that there are more.
    fx.push(Effect::Send(Command::Read { job, location, offset: 0, length: Some(MOST + 1) }));
}

fn make(state: &mut State, viewer: &mut Viewer, file: Option<Vec<u8>>, fit: Fit, fx: &mut Effects) {
    let ticket = match viewer.picture.as_ref().and_then(|picture| picture.ticket) {
        Some(ticket) => ticket,
        None => state.fresh_job(),
    };
    let Some(picture) = &mut viewer.picture else { return };
    (picture.ticket, picture.fit) = (Some(ticket), Some(fit));
    if file.is_some() {
        (picture.stage, picture.since) = (Stage::Making, state.clock.running);
    }
    let file = file.map(Into::into);
    fx.push(Effect::Picture(Box::new(Wanted { ticket, file, fit })));
}

fn fail(viewer: &mut Viewer, why: String) {
    if let Some(picture) = &mut viewer.picture {
        picture.stage = Stage::Failed(why);
    }
}

fn too_large() -> String {
    format!("Pictures of more than {} are not shown.", words::size(MOST))
}

/// The job that reads it.
pub(super) fn job(viewer: &Viewer) -> Option<JobId> {
    match viewer.picture.as_ref()?.stage {
        Stage::Reading { job, .. } => Some(job),
        _ => None,
    }
}

/// Stops the reading. True if there was any.
pub(super) fn stop(viewer: &mut Viewer, fx: &mut Effects) -> bool {
    let Some(job) = job(viewer) else { return false };
    fx.push(Effect::Send(Command::Cancel { job }));
    fail(viewer, "Stopped.".to_owned());
    true
}

/// Takes in what the reading brings.
pub(super) fn on_event(state: &mut State, viewer: &mut Viewer, what: What, fx: &mut Effects) {
    let Some(Picture { stage: Stage::Reading { received, .. }, .. }) = &mut viewer.picture else { return };
    match what {
        What::Data(bytes) => {
            let room = (MOST as usize + 1).saturating_sub(received.len());
            received.extend_from_slice(bytes.get(..room).unwrap_or(&bytes));
        }
        What::Done(_) if received.len() as u64 > MOST => fail(viewer, too_large()),
        What::Done(_) => {
            let file = std::mem::take(received);
            make(state, viewer, Some(file), fit(state), fx);
        }
        What::Failed(error) => fail(viewer, words::error(&error).to_string()),
        What::Cancelled => fail(viewer, "Stopped.".to_owned()),
        _ => {}
    }
}

/// Takes in what was made.
pub(in crate::ui::update) fn take(state: &mut State, pictured: Pictured) {
    let Some(picture) = state.viewer.as_mut().and_then(|viewer| viewer.picture.as_mut()) else { return };
    // What was made for another size is replaced at once.
    if picture.ticket == Some(pictured.ticket) && picture.fit == Some(pictured.fit) {
        picture.stage = match pictured.result {
            Ok(fitted) => Stage::Shown(fitted),
            Err(why) => Stage::Failed(why),
        };
    }
}
