//! Asking for the colours of a file that is looked at: from its beginning to a little behind what
//! is seen, one piece after the other, and only of what is there.

use bytes::Bytes;

use super::{Effect, Effects, Shape};
use crate::ui::{
    rows,
    state::{
        State, Viewer,
        highlight::{CHUNK, Chunk, Highlight, Highlighted, MOST},
    },
    theme::Depth,
};

/// Bytes behind what is seen that are coloured as well.
const AHEAD: u64 = 8 << 10;

/// Asks for the next piece where it has to do with what is seen.
pub(super) fn settle(state: &mut State, viewer: &mut Viewer, shape: Shape, height: usize, fx: &mut Effects) {
    let wanted = state.colours && state.theme.depth != Depth::None && !shape.hex;
    let highlight = &viewer.highlight;
    if !wanted || highlight.waiting || highlight.over || viewer.encoding.is_none() || viewer.top >= MOST {
        return;
    }
    let (page, _) = rows::page(&viewer.blocks, shape, viewer.top, height);
    let end = page.last().map_or(viewer.top, |row| row.end);
    if highlight.reached >= end.saturating_add(AHEAD) {
        return;
    }
    let Some(bytes) = piece(viewer) else { return };
    let ticket = match viewer.highlight.ticket {
        Some(ticket) => ticket,
        None => state.fresh_job(),
    };
    (viewer.highlight.ticket, viewer.highlight.waiting) = (Some(ticket), true);
    let path = viewer.location.path.as_bytes().to_vec();
    let start = viewer.highlight.reached;
    fx.push(Effect::Highlight(Box::new(Chunk { ticket, path, start, bytes })));
}

/// What there is behind that which has its colours: whole lines, but for a very long one.
fn piece(viewer: &Viewer) -> Option<Bytes> {
    let from = viewer.highlight.reached;
    let mut bytes: Vec<u8> = Vec::new();
    let mut is_end = false;
    while bytes.len() < CHUNK
        && !is_end
        && let Ok(part) = viewer.blocks.from(from + bytes.len() as u64)
    {
        is_end = part.is_empty();
        bytes.extend_from_slice(part.get(..CHUNK - bytes.len()).unwrap_or(part));
    }
    match bytes.iter().rposition(|byte| *byte == b'\n') {
        Some(last) if !is_end => bytes.truncate(last + 1),
        None if bytes.len() < CHUNK && !is_end => return None,
        _ => {}
    }
    (!bytes.is_empty()).then(|| bytes.into())
}

/// What there was of the file is there no more.
pub(super) fn forget(viewer: &mut Viewer) {
    viewer.highlight = Highlight::default();
}

/// Takes in what came back.
pub(in crate::ui::update) fn take(state: &mut State, highlighted: Highlighted) {
    if let Some(viewer) = &mut state.viewer {
        viewer.highlight.take(highlighted);
    }
}
