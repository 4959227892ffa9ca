//! What is on its way by hand: pulled along with the mouse, or picked up. Plain data; where it may land is
//! `layout::drop`'s to say, what happens there is `update`'s business.

use super::{Side, Work};
use crate::fs::Location;

/// Some items of one folder, and what they are called together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// The folder that they are in.
    pub folder: Location,
    pub items: Vec<Location>,
    /// Escaped.
    pub name: String,
}

impl Load {
    /// Whether a folder is another one than theirs, and none of them.
    pub fn may_go_to(&self, target: &Location) -> bool {
        *target != self.folder && self.swallowed_by(target).is_none()
    }

    /// The one of them that holds the folder: it cannot go into itself.
    pub fn swallowed_by(&self, target: &Location) -> Option<&Location> {
        self.items.iter().find(|item| item.fs == target.fs && target.path.is_within(&item.path))
    }
}

/// What the left button holds while it is down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grip {
    /// An item that was pressed: it is pulled once the pointer leaves it.
    Pressed {
        side: Side,
        folder: Location,
        name: Box<[u8]>,
        /// Column and row of the screen.
        at: (u16, u16),
    },
    Pulled(Pulled),
    /// With Ctrl: the rows that the pointer crosses become as the first one became.
    Selecting {
        side: Side,
        folder: Location,
        /// The row that was crossed last.
        row: usize,
        selected: bool,
    },
    /// The line between the panes.
    Divider,
}

/// Items that follow the pointer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulled {
    pub load: Load,
    /// Copy or move.
    pub work: Work,
    /// Where the pointer is: column and row of the screen.
    pub at: (u16, u16),
}

/// Items that were picked up and wait to be dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub load: Load,
    /// Copy or move.
    pub work: Work,
    /// Where they are, escaped.
    pub from: String,
    /// Once more, and they are let go.
    pub letting_go: bool,
}
