//! Where pulled items would land. Pure.

use super::{Areas, Hit, hit, short_path};
use crate::{
    fs::{Location, RemotePath},
    ui::state::{Pulled, Row, Side, State, View},
    words,
};

/// A folder that takes what is pulled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropPlace {
    pub side: Side,
    /// The row of the folder; `None` where it is the pane's own.
    pub row: Option<usize>,
    pub location: Location,
}

/// Where it would land now; `None` where nothing would come of it.
pub fn drop_place(areas: &Areas, state: &State, pulled: &Pulled) -> Option<DropPlace> {
    let (side, row) = match hit(areas, state, pulled.at.0, pulled.at.1) {
        Hit::Row(side, row) => (side, Some(row)),
        Hit::Header(side, _) | Hit::Pane(side) | Hit::Path(side, _) => (side, None),
        _ => return None,
    };
    let pane = state.pane(side);
    let here = pane.usable()?;
    let folder = match row.and_then(|row| pane.view.row(row)) {
        Some(Row::Above) => here.parent(),
        Some(Row::Item(item)) if item.entry.is_dir_like() => Some(here.join(&item.entry.name)),
        _ => None,
    };
    let (row, location) = match folder {
        Some(folder) => (row, folder),
        None => (None, here.clone()),
    };
    pulled.load.may_go_to(&location).then_some(DropPlace { side, row, location })
}

/// A place as it is called where something goes to it: `web-01:/var/www`, escaped.
pub fn place_label(view: &View, location: &Location, home: &RemotePath) -> String {
    let path = short_path(location, home);
    if location.fs.is_local() { path } else { format!("{}:{path}", words::escape(&view.info.label)) }
}
