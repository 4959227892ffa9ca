//! Everything a person can mean: each intent with its short name, its line of help and the group
//! it is listed under. Must know no keys (that is `keymap`) and change no state (`update`).

/// One intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
    OtherPane,
    Open,
    Parent,
    Home,
    GoTo,
    Connect,
    Bookmark,
    AddBookmark,
    EditBookmark,
    TestPlace,
    Import,
    Demo,
    Back,
    Forward,
    ShowLeft,
    ShowRight,
    SamePlace,
    Swap,
    Refresh,
    NewTab,
    CloseTab,
    SwitchTab,
    SaveWorkspace,
    OpenWorkspace,
    RestoreSession,
    Select,
    SelectUp,
    SelectDown,
    SelectAll,
    Invert,
    SelectPattern,
    UnselectPattern,
    Copy,
    Move,
    Rename,
    NewFolder,
    NewFile,
    Symlink,
    HardLink,
    Delete,
    PickUp,
    PickUpMove,
    Drop,
    Properties,
    Permissions,
    Owner,
    RunCommand,
    CopyPath,
    View,
    Edit,
    OpenWith,
    Shell,
    Hex,
    Wrap,
    Colours,
    ScrollLeft,
    ScrollRight,
    SearchText,
    SearchNext,
    SearchPrevious,
    Filter,
    Find,
    Measure,
    Sort,
    Hidden,
    Transfers,
    Log,
    CancelJob,
    PauseJob,
    Earlier,
    Later,
    RetryJob,
    LimitJob,
    LimitAll,
    RetryItem,
    ClearFinished,
    Details,
    Explain,
    Compare,
    ToRight,
    ToLeft,
    LeaveRow,
    RemoveThere,
    NextWay,
    Undecide,
    SyncMode,
    Deletions,
    ByContent,
    ShowOnlyLeft,
    ShowChanged,
    ShowOnlyRight,
    ShowSame,
    Overwrite,
    Skip,
    KeepBoth,
    OnlyNewer,
    OnlyDifferent,
    Complete,
    OverwriteRest,
    SkipRest,
    KeepBothRest,
    NewerRest,
    DifferentRest,
    CompleteRest,
    PreviousChoice,
    NextChoice,
    Accept,
    Cancel,
    Help,
    Tour,
    Palette,
    Suspend,
    Quit,
}

/// The heading an action is listed under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    Moving,
    Places,
    Selecting,
    Files,
    Showing,
    Panels,
    Comparing,
    Conflicts,
    Viewer,
    Dialogs,
    Program,
}

impl Group {
    /// In the order of the help.
    pub const ALL: [Group; 11] = [
        Group::Moving,
        Group::Places,
        Group::Selecting,
        Group::Files,
        Group::Showing,
        Group::Panels,
        Group::Comparing,
        Group::Conflicts,
        Group::Viewer,
        Group::Dialogs,
        Group::Program,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Group::Moving => "Moving",
            Group::Places => "Places",
            Group::Selecting => "Selecting",
            Group::Files => "Files",
            Group::Showing => "What is shown",
            Group::Panels => "Transfers and log",
            Group::Comparing => "Comparing two folders",
            Group::Conflicts => "What exists already",
            Group::Viewer => "Viewing a file",
            Group::Dialogs => "Dialogs",
            Group::Program => "wharf",
        }
    }
}

/// What an action is called.
#[derive(Debug)]
pub struct Info {
    pub action: Action,
    pub group: Group,
    /// One or two words: for the hints.
    pub name: &'static str,
    /// One line: for the help.
    pub help: &'static str,
}

impl Action {
    /// Whether it moves, searches or changes the look of text and bytes: of no use with a picture.
    pub fn is_about_text(self) -> bool {
        use Action::*;
        matches!(
            self,
            Up | Down
                | PageUp
                | PageDown
                | First
                | Last
                | ScrollLeft
                | ScrollRight
                | Wrap
                | Colours
                | SearchText
                | SearchNext
                | SearchPrevious
                | GoTo
        )
    }

    /// Every action, in the order of the help.
    pub fn all() -> &'static [Info] {
        ALL
    }

    /// What can be done with an item, in the order of its menu.
    pub fn for_items(is_folder: bool) -> impl Iterator<Item = Action> {
        use Action::*;
        let files = ALL.iter().filter(|info| info.group == Group::Files).map(|info| info.action);
        let left_out: &[Action] = match is_folder {
            true => &[NewFolder, NewFile, RunCommand, Drop, View, Edit, HardLink],
            // To look at it is what opens it.
            false => &[NewFolder, NewFile, RunCommand, Drop],
        };
        let open = is_folder.then_some(Open);
        open.into_iter().chain(files.filter(move |action| !left_out.contains(action)))
    }

    /// What can be done with a folder where no item is meant.
    pub fn for_folders() -> impl Iterator<Item = Action> {
        use Action::*;
        [Drop, NewFolder, NewFile, RunCommand, Refresh, SelectAll, Sort, Hidden, GoTo, Connect].into_iter()
    }

    /// What other programs and shells call it, to be found by in the palette.
    pub fn synonyms(self) -> &'static [&'static str] {
        use Action::*;
        match self {
            Open => &["enter", "cd", "xdg-open"],
            Parent => &["up", "cd .."],
            GoTo => &["cd", "path", "url", "location", "jump"],
            Connect => &["bookmarks", "hosts", "ssh", "sftp", "ftp", "hotlist", "servers", "sites", "login"],
            Refresh => &["reload", "reread", "reconnect", "ls"],
            Bookmark => &["favourite", "favorite"],
            Swap => &["exchange"],
            SelectPattern => &["glob", "mark"],
            Select | SelectAll => &["mark", "tag"],
            View => &["cat", "less", "preview", "read", "show", "hexdump", "image"],
            Edit => &["vi", "vim", "nano", "editor"],
            OpenWith => &["xdg-open", "launch"],
            Shell => &["terminal", "bash", "console"],
            Copy => &["cp", "upload", "download", "put", "get", "transfer", "scp"],
            Move => &["mv"],
            PickUp => &["yank"],
            PickUpMove => &["cut"],
            Drop => &["paste"],
            Rename => &["mv", "pattern"],
            NewFolder => &["mkdir", "md", "create", "new folder", "directory"],
            NewFile => &["touch", "create"],
            Symlink => &["ln", "symlink", "symbolic link"],
            HardLink => &["ln"],
            Delete => &["rm", "rmdir", "remove", "erase", "unlink"],
            Properties => &["stat", "info", "attributes", "sha256", "checksum", "hash", "details"],
            Permissions => &["chmod", "mode", "rights", "access"],
            Owner => &["chown", "chgrp", "user", "group"],
            RunCommand => &["exec", "execute", "!", "run"],
            CopyPath => &["clipboard", "url", "pwd"],
            Filter => &["search", "narrow"],
            Find => &["search", "locate", "grep", "glob"],
            Measure => &["du", "size", "calculate"],
            Sort => &["order"],
            Hidden => &["dotfiles"],
            Transfers => &["jobs", "queue", "progress", "background"],
            Log => &["messages", "replies", "history"],
            PauseJob => &["hold", "stop", "continue"],
            CancelJob => &["abort", "stop", "kill"],
            RetryJob => &["resume", "again", "continue"],
            LimitJob | LimitAll => &["limit", "throttle", "bandwidth"],
            Compare => &["sync", "synchronise", "synchronize", "diff", "mirror"],
            Help => &["keys", "manual", "shortcuts"],
            Quit => &["exit", "bye", "close", "logout"],
            _ => &[],
        }
    }

    /// What this action is called.
    pub fn info(self) -> Option<&'static Info> {
        ALL.iter().find(|info| info.action == self)
    }
}

const fn row(action: Action, group: Group, name: &'static str, help: &'static str) -> Info {
    Info { action, group, name, help }
}

#[rustfmt::skip]
const ALL: &[Info] = &[
    row(Action::Up, Group::Moving, "Up", "one row up"),
    row(Action::Down, Group::Moving, "Down", "one row down"),
    row(Action::PageUp, Group::Moving, "Page up", "one page up"),
    row(Action::PageDown, Group::Moving, "Page down", "one page down"),
    row(Action::First, Group::Moving, "First", "to the first row"),
    row(Action::Last, Group::Moving, "Last", "to the last row"),
    row(Action::OtherPane, Group::Moving, "Other pane", "to the other pane; from a panel back to the panes"),
    row(Action::Open, Group::Places, "Open", "open the folder; look at the file"),
    row(Action::Parent, Group::Places, "Parent folder", "to the folder above"),
    row(Action::Home, Group::Places, "Home", "to the home folder of this machine or login"),
    row(Action::GoTo, Group::Places, "Go to", "go to a path, a URL or host:path; Tab completes"),
    row(Action::Connect, Group::Places, "Connect", "bookmarks, hosts of ssh_config and recent places"),
    row(Action::Bookmark, Group::Places, "Bookmark", "bookmark this place"),
    row(Action::AddBookmark, Group::Places, "New", "in the connect screen: a new bookmark"),
    row(Action::EditBookmark, Group::Places, "Edit", "in the connect screen: edit this bookmark"),
    row(Action::TestPlace, Group::Places, "Test", "in the connect screen and its form: try to connect"),
    row(Action::Import, Group::Places, "Import", "in the connect screen: FileZilla's and WinSCP's sites"),
    row(Action::Demo, Group::Places, "Demo", "start a server over a sample tree, and show it here"),
    row(Action::Back, Group::Places, "Back", "back to where this pane was before"),
    row(Action::Forward, Group::Places, "Forward", "forward again"),
    row(Action::ShowLeft, Group::Places, "Show left", "show the right pane's place in the left pane"),
    row(Action::ShowRight, Group::Places, "Show right", "show the left pane's place in the right pane"),
    row(Action::SamePlace, Group::Places, "Same place", "show this place in the other pane too"),
    row(Action::Swap, Group::Places, "Swap", "swap the panes"),
    row(Action::Refresh, Group::Places, "Refresh", "list again; connect again where the connection was lost"),
    row(Action::NewTab, Group::Places, "New tab", "a new tab with both panes as they are"),
    row(Action::CloseTab, Group::Places, "Close tab", "close this tab; what runs goes on"),
    row(Action::SwitchTab, Group::Places, "Next tab", "to the tab of that number"),
    row(Action::SaveWorkspace, Group::Places, "Save workspace", "keep the tabs and their places by a name"),
    row(Action::OpenWorkspace, Group::Places, "Open workspace", "tabs and places that were kept"),
    row(Action::RestoreSession, Group::Places, "Last session", "the tabs as they were when wharf ended last"),
    row(Action::Select, Group::Selecting, "Select", "select or unselect, and step down"),
    row(Action::SelectUp, Group::Selecting, "Select up", "the same, stepping up"),
    row(Action::SelectDown, Group::Selecting, "Select down", "the same, stepping down"),
    row(Action::SelectAll, Group::Selecting, "Select all", "select all that is shown"),
    row(Action::Invert, Group::Selecting, "Invert", "select what is not selected, and the reverse"),
    row(Action::View, Group::Files, "View", "look at a file, as text or as bytes"),
    row(Action::Edit, Group::Files, "Edit", "edit in $VISUAL or $EDITOR; files of a server are put back"),
    row(Action::OpenWith, Group::Files, "Open with", "open with the system's program; on a server, a copy"),
    row(Action::Shell, Group::Files, "Shell", "a shell in this folder, on the server too"),
    row(Action::SelectPattern, Group::Selecting, "Select by pattern", "select by pattern, as *.txt"),
    row(Action::UnselectPattern, Group::Selecting, "Unselect", "unselect by pattern"),
    row(Action::Copy, Group::Files, "Copy", "copy to the other pane's folder"),
    row(Action::Move, Group::Files, "Move", "move to the other pane's folder"),
    row(Action::PickUp, Group::Files, "Pick up", "pick up to copy: to be dropped in any pane, tab or server"),
    row(Action::PickUpMove, Group::Files, "Pick up, move", "pick up to move"),
    row(Action::Drop, Group::Files, "Drop", "drop here what was picked up"),
    row(Action::Rename, Group::Files, "Rename", "rename in place; several by a pattern"),
    row(Action::NewFolder, Group::Files, "Folder", "create a folder"),
    row(Action::NewFile, Group::Files, "New file", "create an empty file"),
    row(Action::Symlink, Group::Files, "Link", "create a symbolic link to what is under the cursor"),
    row(Action::HardLink, Group::Files, "Hard link", "give the file under the cursor a second name"),
    row(Action::Delete, Group::Files, "Delete", "delete, after asking"),
    row(Action::Properties, Group::Files, "Properties", "all that is known of a file, and its checksum"),
    row(Action::Permissions, Group::Files, "Permissions", "set who may read, write and execute"),
    row(Action::Owner, Group::Files, "Owner", "set owner and group, where the login may"),
    row(Action::RunCommand, Group::Files, "Command", "run a command here and see what it prints"),
    row(Action::CopyPath, Group::Files, "Copy path", "put paths or URLs on the terminal's clipboard"),
    row(Action::Filter, Group::Showing, "Filter", "show only names that contain what you type"),
    row(Action::Find, Group::Showing, "Find", "find names in this folder and all below it"),
    row(Action::Measure, Group::Showing, "Sizes", "count what folders hold; on .. all of them"),
    row(Action::Sort, Group::Showing, "Sort", "choose the order"),
    row(Action::Hidden, Group::Showing, "Hidden", "show or hide names that begin with a dot"),
    row(Action::Transfers, Group::Panels, "Transfers", "show, enter or close the list of transfers"),
    row(Action::Log, Group::Panels, "Log", "show, enter or close the log of replies"),
    row(Action::PauseJob, Group::Panels, "Pause", "in the transfers: hold this one, or let it go on"),
    row(Action::CancelJob, Group::Panels, "Cancel job", "in the transfers: stop this one"),
    row(Action::ClearFinished, Group::Panels, "Clear", "in the transfers: forget those that ended"),
    row(Action::RetryJob, Group::Panels, "Go on", "in the transfers: go on with it, and try what failed again"),
    row(Action::Earlier, Group::Panels, "Earlier", "in the transfers: let this one have its turn earlier"),
    row(Action::Later, Group::Panels, "Later", "in the transfers: let this one have its turn later"),
    row(Action::LimitJob, Group::Panels, "Speed", "in the transfers: how fast this one may be"),
    row(Action::LimitAll, Group::Panels, "Speed of all", "in the transfers: how fast all may be together"),
    row(Action::RetryItem, Group::Panels, "Retry", "in the details: try this one again"),
    row(Action::Details, Group::Panels, "Details", "in the transfers: what failed, and why"),
    row(Action::Explain, Group::Panels, "Explain", "in the log: what this code means"),
    row(Action::Compare, Group::Comparing, "Compare", "compare both panes' folders, and make them the same"),
    row(Action::ToRight, Group::Comparing, "To the right", "copy this to the right side; a folder with all in it"),
    row(Action::ToLeft, Group::Comparing, "To the left", "copy this to the left side"),
    row(Action::LeaveRow, Group::Comparing, "Leave", "leave both sides as they are"),
    row(Action::RemoveThere, Group::Comparing, "Delete it", "delete what only one side has"),
    row(Action::NextWay, Group::Comparing, "Change", "go through what can be done about it"),
    row(Action::Undecide, Group::Comparing, "Undo", "leave it to the direction, or to what holds for the rest"),
    row(Action::SyncMode, Group::Comparing, "Direction", "to the right, to the left, or both ways"),
    row(Action::Deletions, Group::Comparing, "Deletions", "delete what the source does not have, or keep it"),
    row(Action::ByContent, Group::Comparing, "By content", "compare the bytes instead of size and time"),
    row(Action::ShowOnlyLeft, Group::Comparing, "Only left", "show or hide what only the left side has"),
    row(Action::ShowChanged, Group::Comparing, "Changed", "show or hide what differs"),
    row(Action::ShowOnlyRight, Group::Comparing, "Only right", "show or hide what only the right side has"),
    row(Action::ShowSame, Group::Comparing, "The same", "show or hide what is the same on both sides"),
    row(Action::Overwrite, Group::Conflicts, "Overwrite", "overwrite this one"),
    row(Action::Skip, Group::Conflicts, "Skip", "leave this one as it is"),
    row(Action::KeepBoth, Group::Conflicts, "Keep both", "copy this one under a new name"),
    row(Action::OnlyNewer, Group::Conflicts, "If newer", "overwrite this one if the source is newer"),
    row(Action::OnlyDifferent, Group::Conflicts, "If different", "overwrite this one unless size and time are the same"),
    row(Action::Complete, Group::Conflicts, "Complete", "append what this one lacks, if the source begins with it"),
    row(Action::OverwriteRest, Group::Conflicts, "Overwrite rest", "overwrite all others, or all that the filter shows"),
    row(Action::SkipRest, Group::Conflicts, "Skip rest", "leave all others as they are"),
    row(Action::KeepBothRest, Group::Conflicts, "Keep both, rest", "copy all others under new names"),
    row(Action::NewerRest, Group::Conflicts, "Rest if newer", "overwrite all others that are older than their sources"),
    row(Action::DifferentRest, Group::Conflicts, "Rest if different", "overwrite all others that differ in size or time"),
    row(Action::CompleteRest, Group::Conflicts, "Complete rest", "append what others lack that their sources begin with"),
    row(Action::Hex, Group::Viewer, "Hex", "as bytes, or as text or picture again"),
    row(Action::Wrap, Group::Viewer, "Wrap", "wrap long lines, or cut them"),
    row(Action::Colours, Group::Viewer, "Colours", "colour the text by its syntax, or not"),
    row(Action::ScrollLeft, Group::Viewer, "Left", "where lines are cut: to the left"),
    row(Action::ScrollRight, Group::Viewer, "Right", "where lines are cut: to the right"),
    row(Action::SearchText, Group::Viewer, "Search", "search; case counts if you type a capital letter"),
    row(Action::SearchNext, Group::Viewer, "Next", "the next place where it is found"),
    row(Action::SearchPrevious, Group::Viewer, "Previous", "the place before"),
    row(Action::PreviousChoice, Group::Dialogs, "Previous", "the choice before"),
    row(Action::NextChoice, Group::Dialogs, "Next", "the next choice"),
    row(Action::Accept, Group::Dialogs, "Accept", "take what was typed or chosen"),
    row(Action::Cancel, Group::Dialogs, "Cancel", "close a dialog, stop a wait, end a filter, unselect, let go"),
    row(Action::Help, Group::Program, "Help", "this help"),
    row(Action::Tour, Group::Program, "Tour", "what the parts of the screen are for"),
    row(Action::Palette, Group::Program, "Commands", "find any of these by name, and run it"),
    row(Action::Suspend, Group::Program, "Suspend", "back to the shell; `fg` comes back here"),
    row(Action::Quit, Group::Program, "Quit", "leave; asks while something runs"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_listed_once_and_worded() {
        for (at, info) in ALL.iter().enumerate() {
            assert!(!info.name.is_empty() && !info.help.is_empty());
            assert!(ALL.iter().skip(at + 1).all(|other| other.action != info.action), "{:?}", info.action);
            let twin = ALL.iter().skip(at + 1).find(|o| o.name == info.name && o.group == info.group);
            assert!(twin.is_none(), "{} is two things", info.name);
            assert!(Group::ALL.contains(&info.group));
        }
    }
}
