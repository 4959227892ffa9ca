//! Where keys go. Plain data; must know no key.

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

    /// What the person is at, as the help calls it; `None` where the help is about all there is.
    pub fn title(self) -> Option<&'static str> {
        Some(match self {
            Mode::Base | Mode::Panes | Mode::Reader => return None,
            Mode::Transfers => "in the list of transfers",
            Mode::Log => "in the log",
            Mode::Filter => "in the filter",
            Mode::Text => "in this line",
            Mode::Choice => "in this dialog",
            Mode::Connect => "in the list of places",
            Mode::Form => "in this form",
            Mode::Palette => "in the list of commands",
            Mode::Find => "in the search",
            Mode::GoTo => "in the path",
            Mode::Rename => "in the pattern",
            Mode::Viewer => "in the viewer",
            Mode::Review => "in the review",
            Mode::Compare => "in the comparison",
            Mode::Details => "in the details",
        })
    }

    pub(super) fn has_base(self) -> bool {
        matches!(self, Mode::Panes | Mode::Transfers | Mode::Log)
    }
}
