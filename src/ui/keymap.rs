//! Which key means which action where, and how keys are written. Hints and help are made from
//! it, so that they cannot lie. Must change no state.

pub mod chord;
pub mod file;

use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tui_input::InputRequest;

pub use chord::Chord;

use super::action::Action;

/// A key with its modifiers. Shift is not kept where the character tells it already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    pub code: KeyCode,
    pub mods: KeyModifiers,
}

impl Key {
    pub fn new(code: KeyCode, mods: KeyModifiers) -> Self {
        let kept = mods & (KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT);
        match code {
            KeyCode::Char(c) if kept.contains(KeyModifiers::CONTROL) => {
                Key { code: KeyCode::Char(c.to_ascii_lowercase()), mods: kept - KeyModifiers::SHIFT }
            }
            KeyCode::Char(_) | KeyCode::BackTab => Key { code, mods: kept - KeyModifiers::SHIFT },
            _ => Key { code, mods: kept },
        }
    }

    /// The character that typing this key inserts.
    pub fn typed(self) -> Option<char> {
        match self.code {
            KeyCode::Char(c) if self.mods.is_empty() && !c.is_control() => Some(c),
            _ => None,
        }
    }
}

impl From<KeyEvent> for Key {
    fn from(event: KeyEvent) -> Self {
        Key::new(event.code, event.modifiers)
    }
}

/// As on a keycap: `F5`, `^G`, `Alt-←`, `Space`.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = !matches!(self.code, KeyCode::Char(_));
        if self.mods.contains(KeyModifiers::CONTROL) {
            f.write_str(if named { "Ctrl-" } else { "^" })?;
        }
        if self.mods.contains(KeyModifiers::ALT) {
            f.write_str("Alt-")?;
        }
        if self.mods.contains(KeyModifiers::SHIFT) {
            f.write_str("Shift-")?;
        }
        match self.code {
            KeyCode::Char(' ') => f.write_str("Space"),
            KeyCode::Char(c) if self.mods.contains(KeyModifiers::CONTROL) => {
                write!(f, "{}", c.to_ascii_uppercase())
            }
            KeyCode::Char(c) if self.mods.contains(KeyModifiers::ALT) => {
                // The capital is another key.
                f.write_str(if c.is_ascii_uppercase() { "Shift-" } else { "" })?;
                write!(f, "{}", c.to_ascii_uppercase())
            }
            KeyCode::Char(c) => write!(f, "{c}"),
            KeyCode::F(n) => write!(f, "F{n}"),
            KeyCode::Up => f.write_str("↑"),
            KeyCode::Down => f.write_str("↓"),
            KeyCode::Left => f.write_str("←"),
            KeyCode::Right => f.write_str("→"),
            KeyCode::PageUp => f.write_str("PgUp"),
            KeyCode::PageDown => f.write_str("PgDn"),
            KeyCode::BackTab => f.write_str("Shift-Tab"),
            KeyCode::Delete => f.write_str("Del"),
            KeyCode::Insert => f.write_str("Ins"),
            code => write!(f, "{code:?}"),
        }
    }
}

/// Where keys go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Wherever no dialog and no filter takes the keys.
    Base,
    Panes,
    Transfers,
    Log,
    /// The filter is being typed.
    Filter,
    /// A dialog with a line to type.
    Text,
    /// A dialog with buttons.
    Choice,
    /// Help and explanations.
    Reader,
    /// The connect screen.
    Connect,
    /// A dialog with several lines to type.
    Form,
    /// The command palette.
    Palette,
    /// A search below a folder.
    Find,
    /// A path being typed.
    GoTo,
    /// A pattern for many names.
    Rename,
    /// A file being looked at.
    Viewer,
    /// The review of conflicts.
    Review,
    /// The comparison of two folders.
    Compare,
    /// The details of a transfer.
    Details,
}

impl Mode {
    pub const ALL: [Mode; 18] = [
        Mode::Base,
        Mode::Panes,
        Mode::Transfers,
        Mode::Log,
        Mode::Filter,
        Mode::Text,
        Mode::Choice,
        Mode::Reader,
        Mode::Connect,
        Mode::Form,
        Mode::Palette,
        Mode::Find,
        Mode::GoTo,
        Mode::Rename,
        Mode::Viewer,
        Mode::Review,
        Mode::Compare,
        Mode::Details,
    ];

    fn has_base(self) -> bool {
        matches!(self, Mode::Panes | Mode::Transfers | Mode::Log)
    }
}

/// The table.
#[derive(Clone, Debug)]
pub struct Keymap {
    bindings: Vec<(Mode, Chord, Action)>,
}

/// What a key leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    Action(Action),
    /// Another key is awaited.
    Begins,
}

impl Keymap {
    /// What the key means in the mode, if anything. A mode's own keys come before those that
    /// hold everywhere.
    pub fn meaning(&self, mode: Mode, key: Key) -> Option<Meaning> {
        let find = |wanted: Mode| {
            let begins = self.bindings.iter().find(|(m, chord, _)| *m == wanted && chord.first == key);
            begins.map(|(_, chord, action)| match chord.second {
                None => Meaning::Action(*action),
                Some(_) => Meaning::Begins,
            })
        };
        find(mode).or_else(|| if mode.has_base() { find(Mode::Base) } else { None })
    }

    /// What the keys, pressed one after the other, mean in the mode.
    pub fn bound(&self, mode: Mode, chord: Chord) -> Option<Action> {
        match (self.meaning(mode, chord.first)?, chord.second) {
            (Meaning::Action(action), None) => Some(action),
            (Meaning::Begins, Some(_)) => {
                let find = |wanted: Mode| {
                    self.bindings.iter().find(|(m, c, _)| *m == wanted && *c == chord).map(|b| b.2)
                };
                find(mode).or_else(|| if mode.has_base() { find(Mode::Base) } else { None })
            }
            _ => None,
        }
    }

    /// What may follow a key in the mode: each way with its action.
    pub fn continuations(&self, mode: Mode, first: Key) -> Vec<(Chord, Action)> {
        let here = |m: Mode| m == mode || m == Mode::Base && mode.has_base();
        self.bindings
            .iter()
            .filter(|(m, chord, _)| here(*m) && chord.first == first && chord.second.is_some())
            .filter(|(_, chord, action)| self.bound(mode, *chord) == Some(*action))
            .map(|(_, chord, action)| (*chord, *action))
            .collect()
    }

    /// The keys of an action in the mode, the one to show first.
    pub fn keys(&self, mode: Mode, action: Action) -> Vec<Chord> {
        let mut keys = self.in_mode(mode, action);
        if mode.has_base() {
            // A mode's own keys hide those that hold everywhere.
            let everywhere = self.in_mode(Mode::Base, action).into_iter();
            keys.extend(everywhere.filter(|chord| self.bound(mode, *chord) == Some(action)));
        }
        keys
    }

    /// The keys that are bound to an action in just this mode.
    pub fn in_mode(&self, mode: Mode, action: Action) -> Vec<Chord> {
        let bound = |(m, _, a): &&(Mode, Chord, Action)| *m == mode && *a == action;
        self.bindings.iter().filter(bound).map(|(_, chord, _)| *chord).collect()
    }

    /// Every key of an action wherever work is done, as the help lists it.
    pub fn all_keys(&self, action: Action) -> Vec<Chord> {
        // What turns the pages of the help or walks a form means something else in the panes.
        let apart = |mode: Mode| {
            matches!(
                mode,
                Mode::Reader
                    | Mode::Connect
                    | Mode::Form
                    | Mode::Palette
                    | Mode::Find
                    | Mode::GoTo
                    | Mode::Rename
                    | Mode::Viewer
                    | Mode::Review
                    | Mode::Compare
                    | Mode::Details
            )
        };
        let keys = |apart_ones: bool| {
            let mut keys = Vec::new();
            for (mode, key, bound) in &self.bindings {
                if *bound == action && apart(*mode) == apart_ones && !keys.contains(key) {
                    keys.push(*key);
                }
            }
            keys
        };
        let keys_at_work = keys(false);
        if keys_at_work.is_empty() { keys(true) } else { keys_at_work }
    }

    /// What the footer shows in a mode: the most useful first, with its key and its name there.
    pub fn hints(&self, mode: Mode) -> Vec<(Chord, Action, &'static str)> {
        let hint =
            |action: &Action| Some((*self.keys(mode, *action).first()?, *action, name_in(mode, *action)?));
        hinted(mode).iter().filter_map(hint).collect()
    }
}

/// `NewFolder` as `new-folder`: how modes and actions are written in files.
pub(in crate::ui) fn kebab(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !out.is_empty() {
            out.push('-');
        }
        out.extend(c.to_lowercase());
    }
    out
}

/// An action's name where it is hinted: some say more in one place than in another.
fn name_in(mode: Mode, action: Action) -> Option<&'static str> {
    Some(match (mode, action) {
        (Mode::Reader | Mode::Viewer, Action::Cancel) => "Close",
        (Mode::Viewer, Action::Last) => "End",
        (Mode::Choice, Action::PageDown) => "More",
        (Mode::Connect, Action::Open) => "Connect",
        (Mode::Connect, Action::Cancel) => "Leave",
        (Mode::Form, Action::Accept) => "Save",
        (Mode::Palette, Action::Accept) => "Run",
        (Mode::Review, Action::Accept) => "Copy",
        (Mode::Review, Action::KeepBoth) => "Both",
        (Mode::Compare, Action::Accept) => "Run",
        (Mode::Compare, Action::Cancel) => "Leave",
        (Mode::Details, Action::Accept) => "Explain",
        (Mode::Details, Action::Cancel) => "Close",
        (Mode::Details, Action::RetryItem) => "Try again",
        (Mode::Details, Action::RetryJob) => "All again",
        (Mode::Rename, Action::Accept) => "Rename",
        (Mode::Rename, Action::NextChoice) => "Next field",
        (Mode::GoTo, Action::Accept) => "Go there",
        (Mode::GoTo, Action::NextChoice) => "Complete",
        (Mode::GoTo, Action::Up) => "Before",
        (Mode::Find, Action::Accept) => "Find, go there",
        (Mode::Find, Action::NextChoice) => "Next field",
        (Mode::Find, Action::Select) => "Mark",
        (Mode::Form, Action::NextChoice) => "Next field",
        (Mode::Filter, Action::Accept) => "Keep it",
        (Mode::Filter, Action::Cancel) => "Show all",
        (Mode::Transfers | Mode::Log, Action::OtherPane) => "Panes",
        (_, action) => action.info()?.name,
    })
}

fn hinted(mode: Mode) -> &'static [Action] {
    use Action::*;
    match mode {
        Mode::Base | Mode::Panes => &[
            Help,
            View,
            Edit,
            Copy,
            Move,
            Delete,
            NewFolder,
            Connect,
            Filter,
            Action::Palette,
            Rename,
            GoTo,
            Sort,
            Select,
            Find,
            Measure,
            Refresh,
            Transfers,
            Log,
            Quit,
        ],
        Mode::Review => &[
            Accept,
            Cancel,
            Overwrite,
            Skip,
            OverwriteRest,
            SkipRest,
            KeepBoth,
            OnlyNewer,
            OnlyDifferent,
            Complete,
            KeepBothRest,
            NewerRest,
            Undecide,
            Filter,
        ],
        Mode::Compare => &[
            Accept,
            Cancel,
            ToRight,
            ToLeft,
            LeaveRow,
            RemoveThere,
            SyncMode,
            Deletions,
            Undecide,
            Filter,
            Refresh,
            Help,
        ],
        Mode::Details => &[Cancel, Accept, RetryItem, RetryJob],
        Mode::Transfers => &[
            Help,
            Details,
            PauseJob,
            CancelJob,
            RetryJob,
            ClearFinished,
            LimitJob,
            OtherPane,
            Transfers,
            Log,
        ],
        Mode::Log => &[Help, Explain, OtherPane, Log, Transfers],
        Mode::Filter => &[Accept, Cancel, Up, Down],
        Mode::Text => &[Accept, Cancel],
        Mode::Choice => &[Accept, Cancel, PageDown, NextChoice],
        Mode::Connect => {
            &[Open, Cancel, AddBookmark, EditBookmark, Action::Delete, TestPlace, OtherPane, Help, Quit]
        }
        Mode::Form => &[Accept, Cancel, NextChoice, TestPlace],
        Mode::Palette => &[Accept, Cancel, Up, Down, PageDown],
        Mode::Rename => &[Accept, Cancel, NextChoice, PageDown],
        Mode::GoTo => &[Accept, Cancel, NextChoice, Up, PageDown],
        Mode::Find => &[Accept, Cancel, NextChoice, View, Copy, Move, Action::Delete, Select],
        Mode::Viewer => {
            &[Cancel, Hex, Wrap, SearchText, SearchNext, SearchPrevious, Colours, GoTo, PageDown, Last, Help]
        }
        Mode::Reader => &[Cancel, Up, Down, PageDown],
    }
}

/// What a key does to a line being typed.
pub fn edit(key: Key) -> Option<InputRequest> {
    use InputRequest::*;
    if let Some(c) = key.typed() {
        return Some(InsertChar(c));
    }
    let ctrl = key.mods.contains(KeyModifiers::CONTROL);
    let alt = key.mods.contains(KeyModifiers::ALT);
    Some(match key.code {
        KeyCode::Backspace if ctrl || alt => DeletePrevWord,
        KeyCode::Backspace => DeletePrevChar,
        KeyCode::Delete if ctrl || alt => DeleteNextWord,
        KeyCode::Delete => DeleteNextChar,
        KeyCode::Left if ctrl || alt => GoToPrevWord,
        KeyCode::Left => GoToPrevChar,
        KeyCode::Right if ctrl || alt => GoToNextWord,
        KeyCode::Right => GoToNextChar,
        KeyCode::Home => GoToStart,
        KeyCode::End => GoToEnd,
        KeyCode::Char(c) if ctrl => match c {
            'a' => GoToStart,
            'e' => GoToEnd,
            'b' => GoToPrevChar,
            'f' => GoToNextChar,
            'h' => DeletePrevChar,
            'd' => DeleteNextChar,
            'w' => DeletePrevWord,
            'u' => DeleteLine,
            'k' => DeleteTillEnd,
            'y' => Yank,
            _ => return None,
        },
        KeyCode::Char(c) if alt => match c {
            'b' => GoToPrevWord,
            'f' => GoToNextWord,
            'd' => DeleteNextWord,
            _ => return None,
        },
        _ => return None,
    })
}

impl Default for Keymap {
    fn default() -> Self {
        use Action::*;
        use KeyCode::*;
        let none = KeyModifiers::NONE;
        let ctrl = KeyModifiers::CONTROL;
        let alt = KeyModifiers::ALT;
        let shift = KeyModifiers::SHIFT;
        let mut bindings = Vec::new();
        let mut bind = |mode: Mode, action: Action, keys: &[(KeyModifiers, KeyCode)]| {
            bindings.extend(keys.iter().map(|(mods, code)| (mode, Key::new(*code, *mods).into(), action)));
        };
        for mode in [
            Mode::Panes,
            Mode::Transfers,
            Mode::Log,
            Mode::Reader,
            Mode::Viewer,
            Mode::Review,
            Mode::Compare,
            Mode::Details,
        ] {
            bind(mode, Action::Up, &[(none, KeyCode::Up), (none, Char('k'))]);
            bind(mode, Action::Down, &[(none, KeyCode::Down), (none, Char('j'))]);
            bind(mode, Action::PageUp, &[(none, KeyCode::PageUp)]);
            bind(mode, Action::PageDown, &[(none, KeyCode::PageDown)]);
            bind(mode, First, &[(none, KeyCode::Home), (none, Char('g'))]);
            bind(mode, Last, &[(none, End), (none, Char('G'))]);
        }
        let review = Mode::Review;
        bind(review, Accept, &[(none, Enter)]);
        bind(review, Cancel, &[(none, Esc)]);
        bind(review, Overwrite, &[(none, Char('o'))]);
        bind(review, Skip, &[(none, Char('s'))]);
        bind(review, KeepBoth, &[(none, Char('n'))]);
        bind(review, OnlyNewer, &[(none, Char('w'))]);
        bind(review, OnlyDifferent, &[(none, Char('d'))]);
        bind(review, Complete, &[(none, Char('u'))]);
        bind(review, OverwriteRest, &[(none, Char('O'))]);
        bind(review, SkipRest, &[(none, Char('S'))]);
        bind(review, KeepBothRest, &[(none, Char('N'))]);
        bind(review, NewerRest, &[(none, Char('W'))]);
        bind(review, DifferentRest, &[(none, Char('D'))]);
        bind(review, CompleteRest, &[(none, Char('U'))]);
        bind(review, Undecide, &[(none, Backspace), (none, Char('z'))]);
        bind(review, NextWay, &[(none, Char(' '))]);
        bind(review, Filter, &[(none, Char('/'))]);

        let compare = Mode::Compare;
        bind(compare, Accept, &[(none, Enter)]);
        bind(compare, Cancel, &[(none, Esc)]);
        bind(compare, ToRight, &[(none, Right), (none, Char('l'))]);
        bind(compare, ToLeft, &[(none, Left), (none, Char('h'))]);
        bind(compare, LeaveRow, &[(none, Char('='))]);
        bind(compare, RemoveThere, &[(none, Char('d')), (none, KeyCode::Delete)]);
        bind(compare, NextWay, &[(none, Char(' '))]);
        bind(compare, Undecide, &[(none, Backspace), (none, Char('z'))]);
        bind(compare, SyncMode, &[(none, Char('m'))]);
        bind(compare, Deletions, &[(none, Char('D'))]);
        bind(compare, ByContent, &[(none, Char('c'))]);
        bind(compare, ShowOnlyLeft, &[(none, Char('1'))]);
        bind(compare, ShowChanged, &[(none, Char('2'))]);
        bind(compare, ShowOnlyRight, &[(none, Char('3'))]);
        bind(compare, ShowSame, &[(none, Char('4'))]);
        bind(compare, Filter, &[(none, Char('/'))]);
        bind(compare, Refresh, &[(ctrl, Char('r'))]);
        bind(compare, Help, &[(none, F(1)), (none, Char('?'))]);
        bind(compare, Action::Palette, &[(none, Char(':')), (ctrl, Char('p'))]);
        bind(compare, Quit, &[(none, F(10))]);

        bind(Mode::Details, Accept, &[(none, Enter)]);
        bind(Mode::Details, Cancel, &[(none, Esc), (none, Char('q'))]);
        bind(Mode::Details, RetryItem, &[(none, Char('r'))]);
        bind(Mode::Details, RetryJob, &[(none, Char('R'))]);

        let viewer = Mode::Viewer;
        bind(viewer, Action::PageDown, &[(none, Char(' '))]);
        bind(viewer, Action::PageUp, &[(none, Char('b'))]);
        bind(viewer, Hex, &[(none, Char('x')), (none, Tab)]);
        bind(viewer, Wrap, &[(none, Char('w'))]);
        bind(viewer, Colours, &[(none, Char('c'))]);
        bind(viewer, ScrollLeft, &[(none, Left), (none, Char('h'))]);
        bind(viewer, ScrollRight, &[(none, Right), (none, Char('l'))]);
        bind(viewer, SearchText, &[(none, Char('/'))]);
        bind(viewer, SearchNext, &[(none, Char('n'))]);
        bind(viewer, SearchPrevious, &[(none, Char('N'))]);
        bind(viewer, GoTo, &[(ctrl, Char('g'))]);
        bind(viewer, Refresh, &[(ctrl, Char('r'))]);
        bind(viewer, Help, &[(none, F(1)), (none, Char('?'))]);
        bind(viewer, Action::Palette, &[(none, Char(':')), (ctrl, Char('p'))]);
        bind(viewer, Quit, &[(none, F(10))]);
        bind(viewer, Cancel, &[(none, Esc), (none, F(3)), (none, Char('q'))]);
        bind(Mode::Reader, Action::PageDown, &[(none, Char(' '))]);

        bind(Mode::Base, OtherPane, &[(none, Tab), (none, BackTab)]);
        bind(Mode::Base, Transfers, &[(none, Char('T'))]);
        bind(Mode::Base, Log, &[(none, Char('L'))]);
        bind(Mode::Base, Help, &[(none, F(1)), (none, Char('?'))]);
        bind(Mode::Base, Tour, &[(shift, F(1))]);
        bind(Mode::Base, Action::Palette, &[(none, Char(':')), (ctrl, Char('p'))]);
        bind(Mode::Base, Suspend, &[(ctrl, Char('z'))]);
        bind(Mode::Base, Quit, &[(none, F(10)), (none, Char('q'))]);

        let panes = Mode::Panes;
        bind(panes, Open, &[(none, Enter), (none, Char('l')), (none, Right)]);
        bind(panes, Parent, &[(none, Backspace), (none, Char('h')), (none, Left)]);
        bind(panes, Action::Home, &[(none, Char('~'))]);
        bind(panes, GoTo, &[(ctrl, Char('g'))]);
        bind(panes, Connect, &[(ctrl, Char('b'))]);
        bind(panes, Bookmark, &[(ctrl, Char('d'))]);
        bind(panes, Back, &[(alt, Left)]);
        bind(panes, Forward, &[(alt, Right)]);
        bind(panes, ShowLeft, &[(ctrl, Left)]);
        bind(panes, ShowRight, &[(ctrl, Right)]);
        bind(panes, SamePlace, &[(none, Char('='))]);
        bind(panes, Swap, &[(ctrl, Char('u'))]);
        bind(panes, Refresh, &[(ctrl, Char('r'))]);
        bind(panes, NewTab, &[(none, Char('t'))]);
        bind(panes, CloseTab, &[(none, Char('w'))]);
        bind(panes, SwitchTab, &('1'..='9').map(|digit| (none, Char(digit))).collect::<Vec<_>>());
        bind(panes, SaveWorkspace, &[(alt, Char('w'))]);
        bind(panes, OpenWorkspace, &[(none, Char('W'))]);
        bind(panes, Select, &[(none, Char(' ')), (none, Insert)]);
        bind(panes, SelectUp, &[(shift, KeyCode::Up)]);
        bind(panes, SelectDown, &[(shift, KeyCode::Down)]);
        bind(panes, SelectAll, &[(ctrl, Char('a'))]);
        bind(panes, Invert, &[(none, Char('*'))]);
        bind(panes, SelectPattern, &[(none, Char('+'))]);
        bind(panes, UnselectPattern, &[(none, Char('-'))]);
        bind(panes, View, &[(none, F(3)), (none, Char('v'))]);
        bind(panes, Edit, &[(none, F(4)), (none, Char('e'))]);
        bind(panes, OpenWith, &[(none, Char('o')), (alt, Enter)]);
        bind(panes, Shell, &[(none, Char('$')), (ctrl, Char('o'))]);
        bind(panes, Copy, &[(none, F(5)), (none, Char('c'))]);
        bind(panes, Move, &[(none, F(6)), (none, Char('m'))]);
        bind(panes, PickUp, &[(none, Char('y'))]);
        bind(panes, PickUpMove, &[(none, Char('x'))]);
        bind(panes, Action::Drop, &[(none, Char('p'))]);
        bind(panes, Rename, &[(none, Char('r'))]);
        bind(panes, NewFolder, &[(none, F(7)), (none, Char('n'))]);
        bind(panes, NewFile, &[(none, Char('N'))]);
        bind(panes, Symlink, &[(alt, Char('s'))]);
        bind(panes, HardLink, &[(alt, Char('h'))]);
        bind(panes, Properties, &[(none, Char('i'))]);
        bind(panes, Permissions, &[(none, Char('P'))]);
        bind(panes, Owner, &[(none, Char('O'))]);
        bind(panes, CopyPath, &[(none, Char('Y'))]);
        bind(panes, RunCommand, &[(none, Char('!'))]);
        bind(panes, Action::Delete, &[(none, F(8)), (none, Char('d')), (none, KeyCode::Delete)]);
        bind(panes, Compare, &[(none, Char('S'))]);
        bind(panes, Filter, &[(none, Char('/'))]);
        bind(panes, Action::Find, &[(ctrl, Char('f'))]);
        bind(panes, Measure, &[(none, Char('u'))]);
        bind(panes, Sort, &[(none, Char('s'))]);
        bind(panes, Hidden, &[(none, Char('.'))]);
        bind(panes, Cancel, &[(none, Esc)]);

        bind(Mode::Transfers, PauseJob, &[(none, Char('p')), (none, Char(' '))]);
        bind(Mode::Transfers, CancelJob, &[(none, Char('x')), (none, KeyCode::Delete)]);
        bind(Mode::Transfers, RetryJob, &[(none, Char('r'))]);
        bind(Mode::Transfers, LimitJob, &[(none, Char('s'))]);
        bind(Mode::Transfers, Earlier, &[(shift, KeyCode::Up), (none, Char('+'))]);
        bind(Mode::Transfers, Later, &[(shift, KeyCode::Down), (none, Char('-'))]);
        bind(Mode::Transfers, LimitAll, &[(none, Char('S'))]);
        bind(Mode::Transfers, ClearFinished, &[(none, Char('c'))]);
        bind(Mode::Transfers, Details, &[(none, Enter)]);
        bind(Mode::Log, Explain, &[(none, Enter)]);
        bind(Mode::Transfers, Cancel, &[(none, Esc)]);
        bind(Mode::Log, Cancel, &[(none, Esc)]);

        let filter = Mode::Filter;
        bind(filter, Accept, &[(none, Enter)]);
        bind(filter, Cancel, &[(none, Esc)]);
        bind(filter, Action::Up, &[(none, KeyCode::Up)]);
        bind(filter, Action::Down, &[(none, KeyCode::Down)]);
        bind(filter, Action::PageUp, &[(none, KeyCode::PageUp)]);
        bind(filter, Action::PageDown, &[(none, KeyCode::PageDown)]);

        let connect = Mode::Connect;
        bind(connect, Open, &[(none, Enter)]);
        bind(connect, Cancel, &[(none, Esc)]);
        bind(connect, Connect, &[(ctrl, Char('b'))]);
        bind(connect, Action::Up, &[(none, KeyCode::Up), (ctrl, Char('p'))]);
        bind(connect, Action::Down, &[(none, KeyCode::Down), (ctrl, Char('n'))]);
        bind(connect, Action::PageUp, &[(none, KeyCode::PageUp)]);
        bind(connect, Action::PageDown, &[(none, KeyCode::PageDown)]);
        bind(connect, First, &[(ctrl, KeyCode::Home)]);
        bind(connect, Last, &[(ctrl, End)]);
        bind(connect, AddBookmark, &[(none, F(7)), (ctrl, Char('d'))]);
        bind(connect, EditBookmark, &[(none, F(4))]);
        bind(connect, Action::Delete, &[(none, F(8))]);
        bind(connect, TestPlace, &[(ctrl, Char('t'))]);
        bind(connect, Import, &[(none, F(5))]);
        bind(connect, RestoreSession, &[(none, F(3))]);
        bind(connect, OpenWorkspace, &[(none, F(2))]);
        bind(connect, Demo, &[(none, F(9))]);
        bind(connect, Tour, &[(shift, F(1))]);
        bind(connect, OtherPane, &[(none, Tab), (none, BackTab)]);
        bind(connect, ShowLeft, &[(ctrl, Left)]);
        bind(connect, ShowRight, &[(ctrl, Right)]);
        bind(connect, Help, &[(none, F(1))]);
        bind(connect, Quit, &[(none, F(10))]);

        let form = Mode::Form;
        bind(form, Accept, &[(none, Enter)]);
        bind(form, Cancel, &[(none, Esc)]);
        bind(form, NextChoice, &[(none, Tab), (none, KeyCode::Down)]);
        bind(form, PreviousChoice, &[(none, BackTab), (none, KeyCode::Up)]);
        bind(form, TestPlace, &[(ctrl, Char('t'))]);

        let palette = Mode::Palette;
        bind(palette, Accept, &[(none, Enter)]);
        bind(palette, Cancel, &[(none, Esc)]);
        bind(palette, Action::Up, &[(none, KeyCode::Up), (ctrl, Char('p'))]);
        bind(palette, Action::Down, &[(none, KeyCode::Down), (ctrl, Char('n'))]);
        bind(palette, Action::PageUp, &[(none, KeyCode::PageUp)]);
        bind(palette, Action::PageDown, &[(none, KeyCode::PageDown)]);
        bind(palette, First, &[(ctrl, KeyCode::Home)]);
        bind(palette, Last, &[(ctrl, End)]);

        let go_to = Mode::GoTo;
        bind(go_to, Accept, &[(none, Enter)]);
        bind(go_to, Cancel, &[(none, Esc)]);
        bind(go_to, NextChoice, &[(none, Tab)]);
        bind(go_to, PreviousChoice, &[(none, BackTab)]);
        bind(go_to, Action::Up, &[(none, KeyCode::Up), (ctrl, Char('p'))]);
        bind(go_to, Action::Down, &[(none, KeyCode::Down), (ctrl, Char('n'))]);
        bind(go_to, Action::PageUp, &[(none, KeyCode::PageUp)]);
        bind(go_to, Action::PageDown, &[(none, KeyCode::PageDown)]);

        let rename = Mode::Rename;
        bind(rename, Accept, &[(none, Enter)]);
        bind(rename, Cancel, &[(none, Esc)]);
        bind(rename, NextChoice, &[(none, Tab), (none, KeyCode::Down)]);
        bind(rename, PreviousChoice, &[(none, BackTab), (none, KeyCode::Up)]);
        bind(rename, Action::PageUp, &[(none, KeyCode::PageUp)]);
        bind(rename, Action::PageDown, &[(none, KeyCode::PageDown)]);

        let find = Mode::Find;
        bind(find, Accept, &[(none, Enter)]);
        bind(find, Cancel, &[(none, Esc)]);
        bind(find, NextChoice, &[(none, Tab)]);
        bind(find, PreviousChoice, &[(none, BackTab)]);
        bind(find, Action::Up, &[(none, KeyCode::Up), (ctrl, Char('p'))]);
        bind(find, Action::Down, &[(none, KeyCode::Down), (ctrl, Char('n'))]);
        bind(find, Action::PageUp, &[(none, KeyCode::PageUp)]);
        bind(find, Action::PageDown, &[(none, KeyCode::PageDown)]);
        bind(find, First, &[(ctrl, KeyCode::Home)]);
        bind(find, Last, &[(ctrl, End)]);
        bind(find, Select, &[(none, Insert)]);
        bind(find, View, &[(none, F(3))]);
        bind(find, Copy, &[(none, F(5))]);
        bind(find, Move, &[(none, F(6))]);
        bind(find, Action::Delete, &[(none, F(8))]);
        bind(find, Help, &[(none, F(1))]);

        bind(Mode::Text, Accept, &[(none, Enter)]);
        bind(Mode::Text, Cancel, &[(none, Esc)]);
        bind(Mode::Text, Action::PageUp, &[(none, KeyCode::PageUp)]);
        bind(Mode::Text, Action::PageDown, &[(none, KeyCode::PageDown)]);

        let choice = Mode::Choice;
        bind(choice, Accept, &[(none, Enter)]);
        bind(choice, NextChoice, &[(none, Tab), (none, Right)]);
        bind(choice, PreviousChoice, &[(none, BackTab), (none, Left)]);
        bind(choice, Action::Up, &[(none, KeyCode::Up)]);
        bind(choice, Action::Down, &[(none, KeyCode::Down)]);
        bind(choice, Action::PageUp, &[(none, KeyCode::PageUp)]);
        bind(choice, Action::PageDown, &[(none, KeyCode::PageDown)]);
        bind(choice, Cancel, &[(none, Esc)]);

        bind(Mode::Reader, Cancel, &[(none, Esc), (none, Enter), (none, Char('q'))]);
        Keymap { bindings }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_has_a_key() {
        let keymap = Keymap::default();
        for info in Action::all() {
            assert!(!keymap.all_keys(info.action).is_empty(), "{:?} cannot be reached", info.action);
        }
    }

    #[test]
    fn no_key_means_two_things_in_one_mode() {
        let keymap = Keymap::default();
        for (at, (mode, key, action)) in keymap.bindings.iter().enumerate() {
            for (other_mode, other_key, other) in keymap.bindings.iter().skip(at + 1) {
                assert!((mode, key) != (other_mode, other_key), "{mode:?} {key}: {action:?} and {other:?}");
            }
        }
    }

    #[test]
    fn hints_name_keys_that_do_what_they_say() {
        let keymap = Keymap::default();
        for mode in Mode::ALL {
            for (key, action, _) in keymap.hints(mode) {
                assert_eq!(keymap.bound(mode, key), Some(action), "{mode:?} {key}");
            }
        }
    }

    #[test]
    fn keys_are_written_as_on_keycaps() {
        let key = |mods, code| Key::new(code, mods).to_string();
        assert_eq!(key(KeyModifiers::NONE, KeyCode::F(5)), "F5");
        assert_eq!(key(KeyModifiers::CONTROL, KeyCode::Char('g')), "^G");
        assert_eq!(key(KeyModifiers::CONTROL, KeyCode::Left), "Ctrl-←");
        assert_eq!(key(KeyModifiers::SHIFT, KeyCode::Char('G')), "G");
        assert_eq!(key(KeyModifiers::SHIFT, KeyCode::BackTab), "Shift-Tab");
    }
}
