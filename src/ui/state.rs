//! All that the screen shows, as plain data. Must do no I/O and know no clock: what time it is
//! comes in with a message.

pub mod carry;
pub mod compare;
pub mod connect;
pub mod details;
pub mod find;
pub mod form;
pub mod goto;
pub mod highlight;
pub mod listing;
pub mod log;
pub mod measure;
pub mod overlay;
pub mod palette;
pub mod pane;
pub mod picture;
pub mod rename;
pub mod review;
pub mod rows;
pub mod tabs;
pub mod transfers;
pub mod viewer;

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use ratatui::layout::Size;

pub use carry::{Grip, Held, Load, Pulled};
pub use compare::Compare;
pub use connect::{Choice, Chooser, Hosts, Places};
pub use details::Details;
pub use find::{Find, Search};
pub use form::{Form, Slot};
pub use goto::GoTo;
pub use listing::{Item, Listing, SORTS, Sum};
pub use log::Log;
pub use measure::Measure;
pub use overlay::{
    Asking, CommandOutput, Deed, Field, Menu, Overlay, Overtaken, Permissions, Properties, Question, Summary,
    Typing,
};
pub use palette::Palette;
pub use pane::{Connecting, Loading, Lost, Next, Pane, Phase, Row, Side, Step, View};
pub use rename::Rename;
pub use review::Review;
pub use tabs::{Parked, Tabs};
pub use transfers::{Interrupted, Standing, Transfer, Transfers, Work};
pub use viewer::Viewer;

use super::{
    keymap::{Key, Keymap, Mode},
    theme::Theme,
};
use crate::{
    config::settings::Icons,
    engine::{Draft, Fate, JobId},
    fs::{Error, FsId, Location, RemotePath, ServerInfo, Stage, Target, Timestamp},
    words::Zone,
};

/// What time it is, as the last message said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    pub now: Timestamp,
    /// Since the program started; never jumps.
    pub running: Duration,
}

impl Default for Clock {
    fn default() -> Self {
        Clock { now: Timestamp::from_seconds(0), running: Duration::ZERO }
    }
}

/// Jobs whose beginning is remembered.
const BEGAN: usize = 256;

/// The panel below the panes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Panel {
    Transfers,
    Log,
}

/// The terminal's own sign of progress.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bar {
    /// Nothing runs.
    #[default]
    None,
    /// Something runs, and how long it takes is not known.
    Busy,
    /// In hundredths.
    Percent(u8),
}

/// How a notice is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Good,
    Bad,
}

/// What the status line says until something else happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub tone: Tone,
    pub text: String,
}

/// A small job whose end only refreshes the panes.
#[derive(Clone, Debug)]
pub struct Errand {
    pub job: JobId,
    /// The folders whose listings it changes.
    pub touches: Vec<Location>,
    /// The name the cursor goes to once it is done.
    pub wanted: Box<[u8]>,
    /// What is going on, such as `Creating the folder x`.
    pub doing: String,
    /// What to say when it is done.
    pub done: String,
}

/// A file of a server being edited on this machine.
#[derive(Clone, Debug)]
pub struct Edit {
    /// That fetches it, or puts it back.
    pub job: JobId,
    /// It is only looked at, by the system's program.
    pub to_open: bool,
    /// Escaped.
    pub name: String,
    /// The folder that it was opened in: where its name is a link, not the one that holds it.
    pub folder: Option<Location>,
    /// `None` while it is being fetched.
    pub draft: Option<Box<Draft>>,
    /// It is on its way back, and did not arrive because of this.
    pub failure: Option<Error>,
    /// What became of it.
    pub fate: Option<Fate>,
    /// It goes beside what has changed meanwhile.
    pub beside: bool,
}

/// A place being tried out: logged in to, listed, and left.
#[derive(Clone, Debug)]
pub struct Trial {
    pub job: JobId,
    /// What is tried, escaped.
    pub name: String,
    pub stage: Option<Stage>,
    /// On the clock of [`Clock::running`].
    pub since: Duration,
    /// Where it led.
    pub location: Option<Location>,
    pub entries: u64,
}

/// A click that may become a double click.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Click {
    pub side: Side,
    pub row: usize,
    pub at: Duration,
}

/// Everything.
#[derive(Clone, Debug)]
pub struct State {
    pub size: Size,
    pub clock: Clock,
    pub zone: Zone,
    pub theme: Theme,
    pub icons: Icons,
    /// Copies are verified by checksums.
    pub verify: bool,
    pub keymap: Keymap,
    /// The first key of a sequence, and where it was pressed.
    pub pending: Option<(Mode, Key)>,
    /// This machine's home directory, for `~`.
    pub home: RemotePath,
    pub left: Pane,
    pub right: Pane,
    pub active: Side,
    /// The tabs that are not seen: `left`, `right` and `active` are those of the one that is.
    pub tabs: Tabs,
    /// How much of the width is the left pane's, in thousandths.
    pub split: u16,
    pub panel: Option<Panel>,
    /// Whether the keys go to the panel.
    pub in_panel: bool,
    /// Whether the active pane's filter is being typed.
    pub filtering: bool,
    /// A file being looked at, in front of the panes and behind the dialogs.
    pub viewer: Option<Box<Viewer>>,
    /// Files that are looked at are coloured by their syntax.
    pub colours: bool,
    /// The comparison of both panes' folders, in front of them as the viewer is.
    pub compare: Option<Box<Compare>>,
    pub overlays: Vec<Overlay>,
    /// The last search below a folder, to come back to.
    pub found: Option<Box<Find>>,
    /// Paths that were typed and gone to, the latest first.
    pub gone: Vec<String>,
    /// The home directories of logins, as far as they were asked for.
    pub homes: HashMap<FsId, RemotePath>,
    /// Questions that wait until no dialog is open.
    pub waiting: VecDeque<Question>,
    pub transfers: Transfers,
    pub errands: Vec<Errand>,
    /// Folders that are being summed up.
    pub measures: Vec<Measure>,
    /// Files of servers that are being edited on this machine.
    pub edits: Vec<Edit>,
    /// The shell on a server that is being opened: its job, and the server's name, escaped.
    pub opening_shell: Option<(JobId, String)>,
    /// What the workspace is called that was opened or saved last.
    pub workspace: String,
    /// What kind of terminal this is, for programs on servers.
    pub term: String,
    pub log: Log,
    /// What the connect screen offers.
    pub places: Places,
    pub trial: Option<Trial>,
    pub notice: Option<Notice>,
    /// The file systems of the panes, as the engine was told last.
    pub shown: Vec<FsId>,
    /// How each connected file system was reached, to reach it again.
    pub targets: HashMap<FsId, Target>,
    /// What each file system said of itself when it was connected last, for panes that come back
    /// to it once no pane shows it any more.
    pub servers: HashMap<FsId, ServerInfo>,
    pub next_job: u64,
    /// When the latest jobs began, on the clock of [`Clock::running`].
    pub began: VecDeque<(JobId, Duration)>,
    pub last_click: Option<Click>,
    /// Whether the terminal has the focus, as far as it tells.
    pub focused: bool,
    /// What the terminal's own sign of progress says.
    pub bar: Bar,
    /// What the left button holds.
    pub grip: Option<Grip>,
    /// What was picked up.
    pub held: Option<Held>,
    /// What the terminal's title says.
    pub title: String,
    pub quitting: bool,
}

impl State {
    pub fn new(size: Size, home: RemotePath) -> State {
        State {
            size,
            clock: Clock::default(),
            zone: Zone::Local,
            theme: Theme::default(),
            icons: Icons::None,
            verify: false,
            keymap: Keymap::default(),
            pending: None,
            home,
            left: Pane::default(),
            right: Pane::default(),
            active: Side::Left,
            tabs: Tabs::default(),
            split: 500,
            panel: None,
            in_panel: false,
            filtering: false,
            viewer: None,
            colours: true,
            compare: None,
            overlays: Vec::new(),
            found: None,
            gone: Vec::new(),
            homes: HashMap::new(),
            waiting: VecDeque::new(),
            transfers: Transfers::default(),
            errands: Vec::new(),
            measures: Vec::new(),
            edits: Vec::new(),
            opening_shell: None,
            workspace: String::new(),
            term: "xterm-256color".to_owned(),
            log: Log::default(),
            places: Places::default(),
            trial: None,
            notice: None,
            shown: Vec::new(),
            targets: HashMap::new(),
            servers: HashMap::new(),
            next_job: 1,
            began: VecDeque::new(),
            last_click: None,
            focused: true,
            bar: Bar::None,
            grip: None,
            held: None,
            title: String::new(),
            quitting: false,
        }
    }

    pub fn pane(&self, side: Side) -> &Pane {
        match side {
            Side::Left => &self.left,
            Side::Right => &self.right,
        }
    }

    pub fn pane_mut(&mut self, side: Side) -> &mut Pane {
        match side {
            Side::Left => &mut self.left,
            Side::Right => &mut self.right,
        }
    }

    pub fn active(&self) -> &Pane {
        self.pane(self.active)
    }

    pub fn active_mut(&mut self) -> &mut Pane {
        self.pane_mut(self.active)
    }

    /// The pane that waits for this job.
    pub fn side_of(&self, job: JobId) -> Option<Side> {
        Side::BOTH.into_iter().find(|side| self.pane(*side).job() == Some(job))
    }

    pub fn fresh_job(&mut self) -> JobId {
        let job = JobId(self.next_job);
        self.next_job = self.next_job.saturating_add(1);
        self.began.push_back((job, self.clock.running));
        if self.began.len() > BEGAN {
            self.began.pop_front();
        }
        job
    }

    /// How long a job has been going on; zero for those of long ago.
    pub fn waited(&self, job: JobId) -> Duration {
        let began = self.began.iter().rev().find(|(known, _)| *known == job);
        began.map_or(Duration::ZERO, |(_, at)| self.clock.running.saturating_sub(*at))
    }

    pub fn overlay(&self) -> Option<&Overlay> {
        self.overlays.last()
    }

    /// Where keys go now.
    pub fn mode(&self) -> Mode {
        self.mode_below(self.overlay())
    }

    /// Where keys go once what only tells something, as the help and the tour do, is closed.
    pub fn mode_behind(&self) -> Mode {
        self.mode_below(self.behind())
    }

    /// The dialog that help and tour are asked about, if any.
    pub fn behind(&self) -> Option<&Overlay> {
        self.overlays.iter().rev().find(|overlay| !matches!(overlay, Overlay::Help { .. } | Overlay::Tour))
    }

    /// Where keys go once the tour is closed, which any key does.
    pub fn mode_behind_tour(&self) -> Mode {
        self.mode_below(self.in_front())
    }

    /// The dialog in front; the tour is none, as it only points at what is behind it.
    pub fn in_front(&self) -> Option<&Overlay> {
        self.overlays.iter().rev().find(|overlay| !matches!(overlay, Overlay::Tour))
    }

    /// The transfer that asks what is to be done about what exists already.
    pub fn asks(&self) -> Option<&Transfer> {
        let job = self.overlays.iter().rev().find_map(|overlay| match overlay {
            Overlay::Question(question) => Some(question.job),
            _ => None,
        })?;
        self.transfers.jobs.iter().find(|transfer| transfer.job == job)
    }

    fn mode_below(&self, overlay: Option<&Overlay>) -> Mode {
        match overlay {
            Some(Overlay::Text { .. }) => Mode::Text,
            Some(Overlay::Question(question)) => match question.ask {
                Asking::Secret { .. } => Mode::Text,
                Asking::Host { .. } | Asking::Certificate { .. } => Mode::Choice,
                Asking::Conflicts(ref review) if review.sieve.typing => Mode::Filter,
                Asking::Conflicts(_) => Mode::Review,
            },
            Some(Overlay::Form(_)) => Mode::Form,
            Some(Overlay::Palette(_)) => Mode::Palette,
            Some(Overlay::Find(_)) => Mode::Find,
            Some(Overlay::GoTo(_)) => Mode::GoTo,
            Some(Overlay::Rename(_)) => Mode::Rename,
            Some(
                Overlay::Confirm { .. }
                | Overlay::Sort { .. }
                | Overlay::Workspaces { .. }
                | Overlay::Overtaken(_)
                | Overlay::Menu(_)
                | Overlay::Properties(_)
                | Overlay::Summary(_)
                | Overlay::Permissions(_),
            ) => Mode::Choice,
            Some(
                Overlay::Help { .. }
                | Overlay::Problems { .. }
                | Overlay::Told { .. }
                | Overlay::Tour
                | Overlay::Explain { .. }
                | Overlay::Error { .. }
                | Overlay::Output(_),
            ) => Mode::Reader,
            Some(Overlay::Details(_)) => Mode::Details,
            None if self.viewer.is_some() => Mode::Viewer,
            None if self.compare.as_ref().is_some_and(|compare| compare.sieve.typing) => Mode::Filter,
            None if self.compare.is_some() => Mode::Compare,
            None if self.filtering => Mode::Filter,
            None => match self.panel {
                Some(Panel::Transfers) if self.in_panel => Mode::Transfers,
                Some(Panel::Log) if self.in_panel => Mode::Log,
                _ if self.active().chooser.is_some() => Mode::Connect,
                _ => Mode::Panes,
            },
        }
    }

    /// Whether something on the screen moves with time alone.
    pub fn is_animated(&self) -> bool {
        // Whoever is asked is who is waited for.
        let asks = |pane: &Pane| matches!(self.overlay(), Some(Overlay::Question(asked)) if Some(asked.job) == pane.job());
        let moves = |pane: &Pane| pane.is_waiting() && !asks(pane) || pane.is_returning();
        moves(&self.left)
            || moves(&self.right)
            || self.trial.is_some()
            || self.viewer.as_ref().is_some_and(|viewer| viewer.is_waiting())
            || self.compare.as_ref().is_some_and(|compare| compare.job.is_some())
            || !self.edits.is_empty()
            || !self.measures.is_empty()
            || !self.errands.is_empty()
            || self.overlays.iter().any(Overlay::is_waiting)
            || self.opening_shell.is_some()
            || self.transfers.running().next().is_some()
    }

    pub fn say(&mut self, tone: Tone, text: impl Into<String>) {
        self.notice = Some(Notice { tone, text: text.into() });
    }

    /// Says something that is neither good nor bad.
    pub fn hint(&mut self, text: impl Into<String>) {
        self.say(Tone::Plain, text);
    }
}
