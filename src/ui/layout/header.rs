//! The line at the top of a pane: what it says, and where the parts of the path stand, for
//! drawing and for the mouse alike. Pure.

use ratatui::layout::Rect;

use super::{ROOMY, short_path};
use crate::{
    fs::{Location, Place, RemotePath},
    ui::{
        state::{Lost, Next, Pane, Phase, Side, State},
        text,
    },
    words,
};

/// What a piece of the header is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Gap,
    Side,
    Protocol,
    /// The server, or what is being reached.
    Name,
    Path,
    Trust,
    /// That nothing is encrypted.
    Open,
    Lost,
}

/// A piece, where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    pub part: Part,
    pub x: u16,
    pub columns: u16,
    /// Escaped.
    pub text: String,
}

/// A folder of the path that can be gone to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub area: Rect,
    /// How many names its path has.
    pub depth: usize,
}

#[derive(Clone, Debug, Default)]
pub struct Header {
    pub pieces: Vec<Piece>,
    /// Which pane this is, where only one of them is seen: it leads to the other one.
    pub side: Option<Rect>,
    pub steps: Vec<Step>,
}

/// The header of a pane within its border.
pub fn header(state: &State, side: Side, outer: Rect) -> Header {
    let mut header = Header::default();
    if outer.width < 8 || outer.height == 0 {
        return header;
    }
    let pane = state.pane(side);
    let view = &pane.view;
    let room = trust(state, pane, outer, &mut header);
    let mut x = outer.x + 2;
    let end = x + room;
    let mut put = |x: &mut u16, part: Part, most: u16, text: &str| {
        let columns = most.min(end.saturating_sub(*x));
        header.pieces.push(Piece { part, x: *x, columns, text: text.to_owned() });
        let used = text::width(text::head(text, usize::from(columns)));
        *x = x.saturating_add(u16::try_from(used).unwrap_or(columns));
    };
    let left = |x: u16| usize::from(end.saturating_sub(x));
    if super::shows_one_pane(state.size) {
        let begins = x;
        let name = if side == Side::Left { "left" } else { "right" };
        // Of the tabs that have no line of their own, at least how many there are.
        let tab = match (state.tabs.count(), state.size.height) {
            (2.., ..ROOMY) => format!("{}/{} ", state.tabs.current + 1, state.tabs.count()),
            _ => String::new(),
        };
        put(&mut x, Part::Side, u16::MAX, &format!("{tab}{name}⇄"));
        header.side = Some(Rect { x: begins, y: outer.y, width: x - begins, height: 1 });
        put(&mut x, Part::Gap, 1, " ");
    }
    let Some(location) = &view.location else {
        let label = match &pane.phase {
            Phase::Connecting(connecting) => connecting.label.clone(),
            _ => match &pane.tried {
                Some(Place::Remote(target, _)) => words::escape(&target.label()).into_owned(),
                _ => "nowhere".to_owned(),
            },
        };
        let shown = text::cut(&label, left(x).saturating_sub(1));
        put(&mut x, Part::Name, u16::MAX, &shown);
        put(&mut x, Part::Gap, 1, " ");
        return header;
    };
    if location.fs.is_local() {
        put(&mut x, Part::Protocol, u16::MAX, "local");
    } else {
        put(&mut x, Part::Protocol, u16::MAX, view.info.protocol);
        put(&mut x, Part::Gap, u16::from(!view.info.protocol.is_empty()), " ");
        let shown = text::cut_middle(&words::escape(&view.info.label), left(x) / 2);
        put(&mut x, Part::Name, u16::MAX, &shown);
    }
    put(&mut x, Part::Gap, 2, "  ");
    let path = short_path(location, &state.home);
    let room = left(x).saturating_sub(1);
    let shown = text::cut_start(&path, room);
    let begins = x;
    put(&mut x, Part::Path, u16::MAX, &shown);
    let area = Rect { x: begins, y: outer.y, width: x - begins, height: 1 };
    put(&mut x, Part::Gap, 1, " ");
    header.steps = steps(location, &state.home, text::width(&path), area);
    header
}

/// Puts how far the server is trusted, or that it is lost, at the right end; returns how much
/// room is left of it.
fn trust(state: &State, pane: &Pane, outer: Rect, header: &mut Header) -> u16 {
    let view = &pane.view;
    let lost = matches!(pane.phase, Phase::Lost(_));
    let room = outer.width.saturating_sub(4);
    // How far the server is trusted gives way before the path does.
    let path_width = view.location.as_ref().map_or(0, |location| {
        text::width(&short_path(location, &state.home))
            + text::width(&words::escape(&view.info.label))
            + view.info.protocol.len()
            + 6
            + if super::shows_one_pane(state.size) { 7 } else { 0 }
    });
    let is_open = view.info.protocol == "ftp" && view.info.trust.is_empty();
    let fits = |text: &str| path_width + text::width(text) < usize::from(room);
    let trust = match (&pane.phase, view.info.trust.as_str()) {
        (Phase::Lost(lost), _) => lost_marks(state, lost)
            .into_iter()
            .find(|mark| fits(mark))
            .unwrap_or_else(|| " ✗ lost ".to_owned()),
        // Whoever is in between reads all of it, the password first.
        (_, "") if is_open => " ! not encrypted ".to_owned(),
        (_, "") => String::new(),
        (_, trust) => format!(" ✓ {} ", words::escape(trust)),
    };
    let trust = match trust {
        trust if trust.is_empty() || fits(&trust) => trust,
        _ if lost => trust,
        _ if is_open => " ! ".to_owned(),
        _ => " ✓ ".to_owned(),
    };
    let width = u16::try_from(text::width(&trust)).unwrap_or(u16::MAX);
    if width == 0 || room < width.saturating_add(12) {
        return room;
    }
    let x = outer.right().saturating_sub(width + 2);
    let part = match (lost, is_open) {
        (true, _) => Part::Lost,
        (false, true) => Part::Open,
        (false, false) => Part::Trust,
    };
    header.pieces.push(Piece { part, x, columns: width, text: trust });
    room.saturating_sub(width + 1)
}

/// Until a lost server is tried again; `None` where it is not.
pub fn seconds_left(state: &State, lost: &Lost) -> Option<u128> {
    match lost.next {
        Next::Nothing => None,
        Next::TryAt(at) => Some(at.saturating_sub(state.clock.running).as_millis().div_ceil(1000)),
    }
}

/// That a server is lost and when it is tried again, from the longest way to say it.
fn lost_marks(state: &State, lost: &Lost) -> Vec<String> {
    match seconds_left(state, lost) {
        None => Vec::new(),
        Some(0) => vec![" ✗ lost, trying again ".to_owned()],
        Some(seconds) => {
            vec![format!(" ✗ lost, trying again in {seconds} s "), format!(" ✗ lost, again in {seconds} s ")]
        }
    }
}

/// Where each folder of the path stands in `area`, which shows the end of a text of that width.
fn steps(location: &Location, home: &RemotePath, whole: usize, area: Rect) -> Vec<Step> {
    let names: Vec<&[u8]> = location.path.components().collect();
    let at_home = location.fs.is_local() && !home.is_root() && location.path.is_within(home);
    let first = if at_home { home.components().count() } else { 0 };
    let cut = whole.saturating_sub(usize::from(area.width));
    // The ellipsis is no part of any name.
    let seen_from = if cut > 0 { cut + 1 } else { 0 };
    let mut out = Vec::new();
    let mut column = 0;
    let mut add = |depth: usize, width: usize| {
        let (from, to) = (column.max(seen_from), column + width);
        column = to;
        let of = |column: usize| area.x.saturating_add(u16::try_from(column - cut).unwrap_or(u16::MAX));
        if from < to {
            let area = Rect { x: of(from), y: area.y, width: of(to).saturating_sub(of(from)), height: 1 };
            out.push(Step { area, depth });
        }
    };
    // `~` and the root are one column each.
    add(first, 1);
    for (at, name) in names.iter().enumerate().skip(first) {
        let slash = usize::from(at_home || at > 0);
        add(at + 1, slash + text::width(&words::escape_bytes(name)));
    }
    out
}
