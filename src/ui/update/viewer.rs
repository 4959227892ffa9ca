//! Looking at a file: moving in it, fetching what is to be seen and a little more, searching.
//! Must ask for no more than a bounded part of the file.

pub(super) mod highlight;
pub(super) mod picture;

use std::ops::ControlFlow;

use super::{
    effect::{Effect, Effects},
    find,
};
use crate::{
    engine::{Command, JobId, What},
    fs::{Entry, Kind, Location, Needle},
    ui::{
        action::Action,
        layout,
        rows::{self, Shape},
        state::{
            Field, Overlay, State, Typing, Viewer,
            picture::Picture,
            viewer::{BLOCK, Encoding, Fetch, Missing, Move, Running, Search},
        },
        theme::Depth,
    },
    words,
};

/// Blocks that are asked for at a time.
const FETCHED: u64 = 4;

/// Columns that one key scrolls.
const SIDEWAYS: usize = 8;

/// Bytes of what is there already that a search looks through itself.
const SEARCHED_HERE: usize = 1 << 20;

/// Looks at the file under the cursor.
pub(super) fn open(state: &mut State) {
    let Some(here) = state.active().usable().cloned() else {
        return state.hint("This pane shows no place that can be worked in now.");
    };
    let Some(item) = state.active().view.current() else {
        return state.hint("Put the cursor on the file to look at.");
    };
    let (location, entry) = (here.join(&item.entry.name), item.entry.clone());
    if let Err(why) = open_at(state, location, &entry) {
        state.hint(why);
    }
}

/// Looks at a file; the error says why it cannot be looked at.
pub(super) fn open_at(state: &mut State, location: Location, entry: &Entry) -> Result<(), String> {
    let name = words::escape_bytes(&entry.name);
    match entry.target_kind.unwrap_or(entry.kind) {
        Kind::Dir => return Err(format!("{name} is a folder; opening it shows what it holds.")),
        Kind::Other => return Err(format!("{name} is no file that has bytes to look at.")),
        Kind::File | Kind::Symlink => {}
    }
    state.notice = None;
    state.filtering = false;
    state.viewer = Some(Box::new(Viewer::new(location, name)));
    Ok(())
}

/// How the file is shown, and how many rows of it.
pub fn shape(state: &State, viewer: &Viewer) -> (Shape, usize) {
    let (_, rows) = layout::viewer(&layout::layout(state.size, state));
    let shape = Shape {
        columns: usize::from(rows.width).max(1),
        hex: viewer.is_hex(),
        wrap: viewer.wrap,
        left: if viewer.wrap { 0 } else { viewer.left },
        encoding: viewer.encoding.unwrap_or(Encoding::Utf8),
    };
    (shape, usize::from(rows.height).max(1))
}

/// True if the action was one of the viewer's.
pub(super) fn on_action(state: &mut State, action: Action, fx: &mut Effects) -> bool {
    let Some(mut viewer) = state.viewer.take() else { return false };
    let (_, height) = shape(state, &viewer);
    let page = isize::try_from(height.saturating_sub(1).max(1)).unwrap_or(isize::MAX);
    let mut stays = true;
    let mut known = true;
    state.notice = None;
    match action {
        action if viewer.is_picture() && action.is_about_text() => {}
        Action::Up => move_by(&mut viewer, -1),
        Action::Down => move_by(&mut viewer, 1),
        Action::PageUp => move_by(&mut viewer, -page),
        Action::PageDown => move_by(&mut viewer, page),
        Action::First => viewer.to_do = Some(Move::To(0)),
        Action::Last => viewer.to_do = Some(Move::End),
        Action::Hex => {
            viewer.hex = match viewer.picture {
                // A picture is text to nobody.
                Some(_) if viewer.hex.is_some() => None,
                Some(_) => Some(true),
                None => Some(!viewer.is_hex()),
            };
            viewer.to_do = Some(Move::To(viewer.top));
        }
        Action::Wrap => {
            (viewer.wrap, viewer.left) = (!viewer.wrap, 0);
            viewer.to_do = Some(Move::To(viewer.top));
        }
        Action::Colours => {
            state.colours = !state.colours;
            let said = match (state.colours, state.theme.depth) {
                (true, Depth::None) => "This terminal is to show no colours.",
                (true, _) => "Coloured by its syntax.",
                (false, _) => "Shown plainly.",
            };
            state.hint(said);
        }
        Action::ScrollLeft => viewer.left = viewer.left.saturating_sub(SIDEWAYS),
        Action::ScrollRight if viewer.wrap || viewer.is_hex() => {}
        Action::ScrollRight => viewer.left = viewer.left.saturating_add(SIDEWAYS).min(BLOCK as usize),
        Action::SearchText => {
            state.overlays.push(Overlay::Text {
                typing: Typing::Search,
                field: Field::default(),
                error: None,
            });
        }
        Action::GoTo => {
            state.overlays.push(Overlay::Text {
                typing: Typing::Offset,
                field: Field::default(),
                error: None,
            });
        }
        Action::SearchNext => again(state, &mut viewer, false, fx),
        Action::SearchPrevious => again(state, &mut viewer, true, fx),
        Action::Refresh => {
            drop_fetch(&mut viewer, fx);
            picture::stop(&mut viewer, fx);
            viewer.blocks.clear();
            highlight::forget(&mut viewer);
            if viewer.picture.take().is_some() {
                viewer.encoding = None;
            }
            viewer.error = None;
        }
        Action::Cancel => {
            if stop_search(&mut viewer, fx) {
                state.hint("The search was stopped.");
            } else {
                drop_fetch(&mut viewer, fx);
                picture::stop(&mut viewer, fx);
                stays = false;
            }
        }
        Action::Quit | Action::Palette => known = false,
        _ => {}
    }
    if stays {
        state.viewer = Some(viewer);
    } else {
        find::resume(state);
    }
    known
}

/// The wheel.
pub(super) fn scroll(state: &mut State, rows: isize) {
    if let Some(viewer) = &mut state.viewer {
        move_by(viewer, rows);
    }
}

fn move_by(viewer: &mut Viewer, rows: isize) {
    viewer.to_do = Some(match viewer.to_do {
        Some(Move::By(before)) => Move::By(before.saturating_add(rows)),
        _ => Move::By(rows),
    });
}

/// Goes to the offset or the part that was typed.
pub(super) fn go_to(state: &mut State, text: &str) -> Result<(), String> {
    const HOW: &str = "Type a byte, as 4096, 0x1000 or 4 KiB, or a part of the file, as 50%.";
    let Some(viewer) = &mut state.viewer else { return Ok(()) };
    let offset = if let Some(part) = text.strip_suffix('%') {
        let part: f64 = part.trim().parse().map_err(|_| HOW)?;
        if !(0.0..=100.0).contains(&part) {
            return Err(HOW.to_owned());
        }
        let size = viewer.blocks.size.ok_or("The server does not tell how large this file is.")?;
        (size as f64 * part / 100.0) as u64
    } else if let Some(digits) = text.strip_prefix("0x") {
        u64::from_str_radix(digits, 16).map_err(|_| HOW)?
    } else {
        text.parse::<bytesize::ByteSize>().map_err(|_| HOW)?.as_u64()
    };
    let last = viewer.blocks.size.map_or(u64::MAX, |size| size.saturating_sub(1));
    viewer.to_do = Some(if offset >= last { Move::End } else { Move::To(offset) });
    Ok(())
}

/// Searches for what was typed.
pub(super) fn search(state: &mut State, text: &str, fx: &mut Effects) -> Result<(), String> {
    let Some(mut viewer) = state.viewer.take() else { return Ok(()) };
    let latin1 = viewer.encoding == Some(Encoding::Latin1);
    let bytes: Vec<u8> = match latin1 {
        true => text.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect(),
        false => text.as_bytes().to_vec(),
    };
    let result = match Needle::new(&bytes) {
        Some(needle) => {
            stop_search(&mut viewer, fx);
            let shown = words::escape(text).into_owned();
            viewer.search = Some(Search { shown, needle, found: None, running: None });
            again(state, &mut viewer, false, fx);
            Ok(())
        }
        None => Err("Type what to look for.".to_owned()),
    };
    state.viewer = Some(viewer);
    result
}

fn again(state: &mut State, viewer: &mut Viewer, backward: bool, fx: &mut Effects) {
    stop_search(viewer, fx);
    let Some(search) = &mut viewer.search else {
        return state.hint("Nothing was searched for yet.");
    };
    let from = match (search.found, backward) {
        (Some(found), true) => found,
        (Some(found), false) => found + 1,
        (None, _) => viewer.top,
    };
    let mut start = from;
    if !backward {
        // What is there already needs no server.
        let mut here = Vec::new();
        while here.len() < SEARCHED_HERE
            && let Ok(part) = viewer.blocks.from(from + here.len() as u64)
            && !part.is_empty()
        {
            here.extend_from_slice(part);
        }
        if let Some(at) = search.needle.find(&here) {
            let at = from + at as u64;
            search.found = Some(at);
            viewer.to_do = Some(Move::To(at));
            return;
        }
        start += here.len().saturating_sub(search.needle.len() - 1) as u64;
    }
    let job = state.fresh_job();
    search.running = Some(Running { job, backward, at: start });
    let (location, needle) = (viewer.location.clone(), search.needle.clone());
    fx.push(Effect::Send(Command::Search { job, location, needle, from: start, backward }));
}

fn stop_search(viewer: &mut Viewer, fx: &mut Effects) -> bool {
    match viewer.search.as_mut().and_then(|search| search.running.take()) {
        Some(Running { job, .. }) => {
            fx.push(Effect::Send(Command::Cancel { job }));
            true
        }
        None => false,
    }
}

fn drop_fetch(viewer: &mut Viewer, fx: &mut Effects) {
    if let Some(Fetch { job, .. }) = viewer.fetch.take() {
        fx.push(Effect::Send(Command::Cancel { job }));
    }
}

/// Whether the job is one of the viewer's.
pub(super) fn waits_for(state: &State, job: JobId) -> bool {
    state.viewer.as_ref().is_some_and(|viewer| {
        viewer.fetch.as_ref().is_some_and(|fetch| fetch.job == job)
            || picture::job(viewer) == Some(job)
            || viewer.search.as_ref().and_then(|s| s.running).is_some_and(|running| running.job == job)
    })
}

pub(super) fn on_event(state: &mut State, job: JobId, what: What, fx: &mut Effects) {
    let Some(mut viewer) = state.viewer.take() else { return };
    if viewer.fetch.as_ref().is_some_and(|fetch| fetch.job == job) {
        on_fetched(&mut viewer, what);
    } else if picture::job(&viewer) == Some(job) {
        picture::on_event(state, &mut viewer, what, fx);
    } else {
        on_searched(state, &mut viewer, what);
    }
    state.viewer = Some(viewer);
}

fn on_fetched(viewer: &mut Viewer, what: What) {
    match what {
        What::Entries(entries) => {
            let Some(entry) = entries.first() else { return };
            let now = (entry.attributes.mtime, entry.attributes.size);
            match (now.1, viewer.blocks.size) {
                _ if viewer.mtime.is_none() || now == (viewer.mtime, viewer.blocks.size) => {}
                // Somebody writes on at its end.
                (Some(size), Some(before)) if size > before => {
                    viewer.blocks.forget_end();
                    highlight::forget(viewer);
                }
                // What is there is of another file.
                _ => {
                    viewer.blocks.clear();
                    highlight::forget(viewer);
                }
            }
            viewer.mtime = now.0;
            // Files that are made while they are read say that they are empty.
            viewer.blocks.size = now.1.filter(|size| *size > 0);
        }
        What::Data(bytes) => {
            let Some(fetch) = &mut viewer.fetch else { return };
            let room =
                usize::try_from(fetch.length).unwrap_or(usize::MAX).saturating_sub(fetch.received.len());
            fetch.received.extend_from_slice(bytes.get(..room).unwrap_or(&bytes));
        }
        What::Done(_) => {
            let Some(fetch) = viewer.fetch.take() else { return };
            let received = fetch.received.len() as u64;
            let end = fetch.from + received;
            if received < fetch.length {
                viewer.blocks.size = Some(end);
            } else if viewer.blocks.size.is_some_and(|size| size < end) {
                viewer.blocks.size = None;
            }
            if fetch.from == 0 && viewer.encoding.is_none() {
                viewer.encoding = Some(Encoding::of(&fetch.received));
                viewer.picture = Picture::of(&fetch.received);
            }
            for (index, block) in (fetch.from / BLOCK..).zip(fetch.received.chunks(BLOCK as usize)) {
                viewer.blocks.insert(index, block.to_vec().into(), viewer.top);
            }
        }
        What::Failed(error) => (viewer.fetch, viewer.error) = (None, Some(error)),
        What::Cancelled => viewer.fetch = None,
        _ => {}
    }
}

fn on_searched(state: &mut State, viewer: &mut Viewer, what: What) {
    let Some(search) = &mut viewer.search else { return };
    match what {
        What::Searched(at) => {
            if let Some(running) = &mut search.running {
                running.at = at;
            }
        }
        What::Found(Some(at)) => {
            search.found = Some(at);
            viewer.to_do = Some(Move::To(at));
        }
        What::Found(None) => {
            let whither = match search.running {
                Some(Running { backward: true, .. }) => "before here",
                _ => "from here on",
            };
            state.hint(format!("{} is not found {whither}.", search.shown));
        }
        What::Failed(error) => {
            search.running = None;
            state.say(crate::ui::state::Tone::Bad, words::error(&error).to_string());
        }
        What::Done(_) | What::Cancelled => search.running = None,
        _ => {}
    }
}

/// Does what is to be done as far as the bytes are there, and asks for those that are not.
pub(super) fn settle(state: &mut State, fx: &mut Effects) {
    let Some(mut viewer) = state.viewer.take() else { return };
    let (shape, height) = shape(state, &viewer);
    if viewer.error.is_none() && viewer.is_picture() {
        picture::settle(state, &mut viewer, fx);
    } else if viewer.error.is_none() {
        let wanted = match viewer.encoding {
            // What it is, and so what a row is, shows at the beginning.
            None => Some((0, true)),
            Some(_) => match carry_out(&mut viewer, shape, height) {
                Err(Missing(offset)) => Some((offset, true)),
                Ok(()) => ahead(&viewer, shape, height),
            },
        };
        if let Some((offset, urgent)) = wanted {
            fetch(state, &mut viewer, offset, urgent, fx);
        }
        highlight::settle(state, &mut viewer, shape, height, fx);
    }
    state.viewer = Some(viewer);
}

fn fetch(state: &mut State, viewer: &mut Viewer, offset: u64, urgent: bool, fx: &mut Effects) {
    if let Some(running) = &viewer.fetch {
        let comes = (running.from..running.from + running.length).contains(&offset);
        if comes || !urgent {
            return;
        }
        drop_fetch(viewer, fx);
    }
    let mut first = offset - offset % BLOCK;
    // Whoever goes up goes on going up.
    if offset < viewer.top {
        for _ in 1..FETCHED {
            match first.checked_sub(BLOCK) {
                Some(before) if !viewer.blocks.has(before) => first = before,
                _ => break,
            }
        }
    }
    let length = FETCHED * BLOCK;
    let job = state.fresh_job();
    let since = state.clock.running;
    viewer.fetch = Some(Fetch { job, from: first, length, received: Vec::new(), since });
    let location = viewer.location.clone();
    fx.push(Effect::Send(Command::Read { job, location, offset: first, length: Some(length) }));
}

/// What will be needed next: the end of what is seen, or a little behind or before it.
fn ahead(viewer: &Viewer, shape: Shape, height: usize) -> Option<(u64, bool)> {
    let (page, missing) = rows::page(&viewer.blocks, shape, viewer.top, height);
    if let Some(Missing(offset)) = missing {
        return Some((offset, true));
    }
    let end = page.last().map_or(viewer.top, |row| row.end);
    let behind = end.saturating_add(BLOCK);
    let before = viewer.top.checked_sub(BLOCK).filter(|before| !viewer.blocks.has(*before));
    let is_far = |offset: &u64| !viewer.blocks.has(*offset);
    Some(behind).filter(is_far).or(before).map(|offset| (offset, false))
}

fn carry_out(viewer: &mut Viewer, shape: Shape, height: usize) -> Result<(), Missing> {
    while let Some(step) = viewer.to_do {
        viewer.to_do = match step {
            Move::To(offset) => {
                let start = rows::start_of(&viewer.blocks, shape, offset)?;
                viewer.top = start;
                None
            }
            Move::End => {
                let Some(size) = viewer.blocks.size else {
                    // It shows when the end has been read.
                    return Ok(());
                };
                viewer.top = rows::start_of(&viewer.blocks, shape, size.saturating_sub(1))?;
                Some(Move::By(1 - isize::try_from(height).unwrap_or(1)))
            }
            Move::By(0) => None,
            Move::By(up @ ..0) => match rows::above(&viewer.blocks, shape, viewer.top, up.unsigned_abs())? {
                Some((start, rows)) => {
                    viewer.top = start;
                    Some(Move::By(up.saturating_add_unsigned(rows)))
                }
                None => None,
            },
            Move::By(rows) => match step_down(viewer, shape, height)? {
                ControlFlow::Continue(()) => Some(Move::By(rows - 1)),
                ControlFlow::Break(()) => None,
            },
        };
    }
    Ok(())
}

/// One row down.
fn step_down(viewer: &mut Viewer, shape: Shape, height: usize) -> Result<ControlFlow<()>, Missing> {
    let (page, missing) = rows::page(&viewer.blocks, shape, viewer.top, height + 1);
    let next = match (page.get(1), missing) {
        // The end stays at the lower edge.
        (Some(second), _) if page.len() > height => Some(second.start),
        (_, Some(missing)) => return Err(missing),
        _ => None,
    };
    Ok(match next {
        Some(start) => {
            viewer.top = start;
            ControlFlow::Continue(())
        }
        None => ControlFlow::Break(()),
    })
}
