//! What the footer hints at in each mode, and under which name. Must know no key: those come from
//! the table.

use super::{super::action::Action, Mode};

/// An action's name where it is hinted: some say more in one place than in another.
pub(super) fn name_in(mode: Mode, action: Action) -> Option<&'static str> {
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

/// The actions to hint at, the most useful first.
pub(super) fn hinted(mode: Mode) -> &'static [Action] {
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
