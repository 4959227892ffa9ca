//! One pane: where it is, what it shows, and what it waits for. Plain data and the moves of its
//! cursor. Must never talk to the engine.

use std::time::Duration;

use super::{
    connect::Chooser,
    listing::{Item, Listing},
};
use crate::{
    engine::JobId,
    fs::{Error, FsId, Location, Place, ServerInfo, Space, Stage},
};

/// Which pane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    Left,
    Right,
}

impl Side {
    pub const BOTH: [Side; 2] = [Side::Left, Side::Right];

    pub fn other(self) -> Side {
        match self {
            Side::Left => Side::Right,
            Side::Right => Side::Left,
        }
    }
}

/// What a pane is doing.
#[derive(Clone, Debug)]
pub enum Phase {
    /// Everything is there; nothing is awaited.
    Ready,
    Connecting(Connecting),
    Listing(Loading),
    /// There is nothing to show, and why.
    Failed(Error),
    /// The connection is gone; what is shown is what was there last.
    Lost(Lost),
}

/// A connection that is gone.
#[derive(Clone, Debug)]
pub struct Lost {
    pub error: Error,
    pub next: Next,
}

/// What happens to a lost connection without anybody's help. Times are on the clock of
/// [`super::Clock::running`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing.
    Nothing,
    /// It is tried again then, or is being tried if that is past.
    TryAt(Duration),
}

impl Lost {
    pub fn new(error: Error) -> Lost {
        Lost { error, next: Next::Nothing }
    }
}

#[derive(Clone, Debug)]
pub struct Connecting {
    pub job: JobId,
    /// What it connects to, as it was written.
    pub label: String,
    pub place: Place,
    pub stage: Option<Stage>,
    /// On the clock of [`super::Clock::running`].
    pub since: Duration,
}

#[derive(Clone, Debug)]
pub struct Loading {
    pub job: JobId,
    pub since: Duration,
    /// The new listing of a refresh, until it replaces the old one. Otherwise entries go
    /// straight to where they are seen.
    pub incoming: Option<Listing>,
}

/// Where going somewhere leaves its trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    New,
    Back,
    Forward,
}

/// A place with its listing: what changes as a whole when a pane goes elsewhere.
#[derive(Clone, Debug, Default)]
pub struct View {
    pub location: Option<Location>,
    pub info: ServerInfo,
    pub listing: Listing,
    /// The row of the cursor; row 0 is `..` wherever there is a folder above.
    pub cursor: usize,
    /// The first row that is drawn, adjusted to the height when it is drawn.
    pub top: usize,
    pub space: Option<Space>,
    /// The listing ended before all of it had come.
    pub incomplete: bool,
}

/// A pane.
#[derive(Clone, Debug)]
pub struct Pane {
    pub view: View,
    pub phase: Phase,
    /// What was shown before, to return to if the way fails or is given up.
    pub before: Option<Box<(View, Phase)>>,
    /// What was connected to last, to try again where nothing came of it.
    pub tried: Option<Place>,
    /// How the way that is under way will enter the history.
    pub step: Step,
    pub back: Vec<Location>,
    pub forward: Vec<Location>,
    /// It was connected, and has listed nothing yet.
    pub is_new: bool,
    /// The name the cursor is to find as soon as it is listed.
    pub wanted: Option<Box<[u8]>>,
    /// The connect screen, in front of what the pane shows.
    pub chooser: Option<Chooser>,
}

impl Default for Pane {
    fn default() -> Self {
        Pane {
            view: View::default(),
            phase: Phase::Ready,
            before: None,
            tried: None,
            step: Step::New,
            back: Vec::new(),
            forward: Vec::new(),
            is_new: false,
            wanted: None,
            chooser: None,
        }
    }
}

/// What stands in a row.
#[derive(Clone, Copy, Debug)]
pub enum Row<'a> {
    /// `..`
    Above,
    Item(&'a Item),
}

impl View {
    /// Whether row 0 is `..`.
    pub fn has_above(&self) -> bool {
        self.location.as_ref().is_some_and(|location| !location.path.is_root())
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.listing.len() + usize::from(self.has_above())
    }

    pub fn row(&self, at: usize) -> Option<Row<'_>> {
        if self.has_above() && at == 0 {
            return Some(Row::Above);
        }
        self.listing.get(self.entry_index(at)?).map(Row::Item)
    }

    /// A row's place in the listing; `None` for `..`.
    pub fn entry_index(&self, row: usize) -> Option<usize> {
        row.checked_sub(usize::from(self.has_above()))
    }

    /// The entry under the cursor; `None` on `..` and where there is nothing.
    pub fn current(&self) -> Option<&Item> {
        match self.row(self.cursor)? {
            Row::Item(item) => Some(item),
            Row::Above => None,
        }
    }

    pub fn move_to(&mut self, row: usize) {
        self.cursor = row.min(self.rows().saturating_sub(1));
    }

    /// Puts the cursor on a name; false if it is not shown.
    pub fn move_to_name(&mut self, name: &[u8]) -> bool {
        match self.listing.position(name) {
            Some(at) => {
                self.move_to(at + usize::from(self.has_above()));
                true
            }
            None => false,
        }
    }

    /// Changes the listing and keeps the cursor on its entry, or near where it was.
    pub fn keep_cursor(&mut self, change: impl FnOnce(&mut Listing)) {
        let id = self.entry_index(self.cursor).and_then(|at| self.listing.id(at));
        change(&mut self.listing);
        let place = id.and_then(|id| self.listing.position_of(id));
        self.move_to(place.map_or(self.cursor, |at| at + usize::from(self.has_above())));
    }

    /// Takes a newer listing of the same directory: its entries, everything else as it was.
    pub fn replace_listing(&mut self, mut newer: Listing) {
        newer.set_view(self.listing.sort(), self.listing.shows_hidden(), self.listing.filter());
        newer.adopt_selection(&self.listing);
        newer.adopt_measured(&self.listing);
        let name = self.current().map(|item| item.entry.name.clone());
        self.listing = newer;
        let found = name.is_some_and(|name| self.move_to_name(&name));
        if !found {
            self.move_to(self.cursor);
        }
    }

    /// The first row to draw so that the cursor is among `height` rows.
    pub fn first_row(&self, height: usize) -> usize {
        let last_top = self.rows().saturating_sub(height);
        let lowest = (self.cursor + 1).saturating_sub(height);
        self.top.clamp(lowest, self.cursor.max(lowest)).min(last_top)
    }

    /// The locations to act upon: what is selected, else what is under the cursor.
    pub fn targets(&self) -> Vec<&Item> {
        if self.listing.selected().count > 0 {
            self.listing.iter().filter(|item| item.selected).collect()
        } else {
            self.current().into_iter().collect()
        }
    }
}

impl Pane {
    /// The job that this pane waits for.
    pub fn job(&self) -> Option<JobId> {
        match &self.phase {
            Phase::Connecting(connecting) => Some(connecting.job),
            Phase::Listing(loading) => Some(loading.job),
            Phase::Ready | Phase::Failed(_) | Phase::Lost(_) => None,
        }
    }

    pub fn is_waiting(&self) -> bool {
        self.job().is_some()
    }

    /// The place shown, if files can be moved from and to it now. A lost one is connected when
    /// it is needed.
    pub fn usable(&self) -> Option<&Location> {
        match self.phase {
            // What is not seen is neither copied nor copied to.
            _ if self.chooser.is_some() => None,
            Phase::Ready | Phase::Listing(_) | Phase::Lost(_) => self.view.location.as_ref(),
            Phase::Connecting(_) | Phase::Failed(_) => None,
        }
    }

    /// The loss of `fs` in this pane, be it while another connection is under way.
    pub fn lost_mut(&mut self, fs: &FsId) -> Option<&mut Lost> {
        let shows = |view: &View| view.location.as_ref().is_some_and(|location| location.fs == *fs);
        match (&mut self.phase, &mut self.before) {
            (Phase::Lost(lost), _) if shows(&self.view) => Some(lost),
            (_, Some(before)) => match &mut **before {
                (view, Phase::Lost(lost)) if shows(view) => Some(lost),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether a lost connection is being waited for.
    pub fn is_returning(&self) -> bool {
        matches!(&self.phase, Phase::Lost(Lost { next: Next::TryAt(_), .. }))
    }
}
