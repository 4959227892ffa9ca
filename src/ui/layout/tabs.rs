//! The tabs in the title line, for drawing and for the mouse alike. Pure.

use ratatui::layout::Rect;

use super::{BOTH_PANES, short_path};
use crate::{
    ui::{
        state::{Pane, Side, State},
        text,
    },
    words,
};

/// A tab's name takes at most this much, and where there are many, this little.
const NAME: usize = 16;
const SHORT_NAME: usize = 6;

/// The tabs that fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TabBar {
    /// The place in the order of the first one that is seen.
    pub first: usize,
    pub tabs: Vec<(Rect, String)>,
    /// `[+]`; empty where there is no room for it.
    pub more: Rect,
    /// The column behind all of it.
    pub end: u16,
}

/// Where the tabs stand in the title line, behind the program's name.
pub fn tab_bar(state: &State, title: Rect) -> TabBar {
    let x = title.x.saturating_add(8);
    let count = state.tabs.count();
    let is_narrow = title.width < BOTH_PANES;
    if is_narrow && count == 1 {
        // What is held needs the room.
        return TabBar { end: title.x.saturating_add(6).min(title.right()), ..TabBar::default() };
    }
    let all = usize::from(title.right().saturating_sub(x));
    // What is held stands behind them, and what runs.
    let room = match (state.held.is_some(), is_narrow) {
        (true, true) => all / 3,
        (true, false) => all / 2,
        (false, _) => all * 2 / 3,
    };
    let labels = |most: usize| -> Vec<String> {
        (0..count).map(|tab| format!("[{}]", text::cut_middle(&label(state, tab), most))).collect()
    };
    let width = |labels: &[String]| labels.iter().map(|label| text::width(label) + 1).sum::<usize>() + 3;
    let mut shown = labels(NAME);
    if width(&shown) > room {
        shown = labels(SHORT_NAME + 2);
    }
    if width(&shown) > room {
        // The numbers are what the keys need.
        shown = (1..=count).map(|number| format!("[{number}]")).collect();
    }
    let mut first = 0;
    while width(&shown) > room.max(8) && shown.len() > 1 {
        // The one that is seen stays.
        if first < state.tabs.current {
            shown.remove(0);
            first += 1;
        } else {
            shown.pop();
        }
    }
    let mut bar = TabBar { first, end: x, ..TabBar::default() };
    let mut place = |x: &mut u16, text: &str| {
        let width = u16::try_from(text::width(text)).unwrap_or(u16::MAX);
        let area = Rect { x: *x, y: title.y, width, height: 1 }.intersection(title);
        bar.end = area.right().max(bar.end);
        *x = x.saturating_add(width).saturating_add(1);
        area
    };
    let mut at = x;
    let placed: Vec<(Rect, String)> = shown.into_iter().map(|text| (place(&mut at, &text), text)).collect();
    let more = place(&mut at, "[+]");
    bar.tabs = placed;
    bar.more = more;
    bar
}

/// `1 web-01`: the server if there is one, else the folder.
fn label(state: &State, tab: usize) -> String {
    let name = state.tab(tab).map_or_else(String::new, |(left, right, active)| {
        let (here, other) = if active == Side::Left { (left, right) } else { (right, left) };
        let server = |pane: &Pane| {
            let is_remote = pane.view.location.as_ref().is_some_and(|location| !location.fs.is_local());
            (is_remote && pane.chooser.is_none()).then(|| words::escape(&pane.view.info.label).into_owned())
        };
        server(here).or_else(|| server(other)).unwrap_or_else(|| {
            // One that has been nowhere yet shows the connect screen.
            let local = |pane: &Pane| pane.view.location.clone().filter(|location| location.fs.is_local());
            let location = local(here).or_else(|| local(other));
            let path = location.map(|location| short_path(&location, &state.home));
            let path =
                path.unwrap_or_else(|| if here.chooser.is_some() { "connect" } else { "…" }.to_owned());
            match path.rsplit('/').next() {
                Some(name) if !name.is_empty() => name.to_owned(),
                _ => path,
            }
        })
    });
    format!("{} {name}", tab + 1)
}
