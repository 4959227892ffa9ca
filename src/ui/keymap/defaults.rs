//! The keys as they are unless a file says otherwise. Must decide nothing.

use crossterm::event::{KeyCode, KeyModifiers};

use super::{super::action::Action, Key, Keymap, Mode};

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
        bind(review, Help, &[(none, F(1)), (none, Char('?'))]);

        let compare = Mode::Compare;
        bind(compare, Accept, &[(none, Enter)]);
        bind(compare, Cancel, &[(none, Esc), (none, Char('q'))]);
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
        bind(Mode::Details, Help, &[(none, F(1)), (none, Char('?'))]);

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
        bind(filter, Help, &[(none, F(1))]);

        let connect = Mode::Connect;
        bind(connect, Open, &[(none, Enter)]);
        bind(connect, Cancel, &[(none, Esc)]);
        bind(connect, Connect, &[(ctrl, Char('b'))]);
        bind(connect, Action::Up, &[(none, KeyCode::Up)]);
        bind(connect, Action::Down, &[(none, KeyCode::Down)]);
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
        // A colon belongs to what is typed here.
        bind(connect, Action::Palette, &[(ctrl, Char('p'))]);
        bind(connect, Quit, &[(none, F(10))]);

        let form = Mode::Form;
        bind(form, Accept, &[(none, Enter)]);
        bind(form, Cancel, &[(none, Esc)]);
        bind(form, NextChoice, &[(none, Tab), (none, KeyCode::Down)]);
        bind(form, PreviousChoice, &[(none, BackTab), (none, KeyCode::Up)]);
        bind(form, TestPlace, &[(ctrl, Char('t'))]);
        bind(form, Help, &[(none, F(1))]);

        let palette = Mode::Palette;
        bind(palette, Accept, &[(none, Enter)]);
        bind(palette, Cancel, &[(none, Esc)]);
        bind(palette, Action::Up, &[(none, KeyCode::Up), (ctrl, Char('p'))]);
        bind(palette, Action::Down, &[(none, KeyCode::Down), (ctrl, Char('n'))]);
        bind(palette, Action::PageUp, &[(none, KeyCode::PageUp)]);
        bind(palette, Action::PageDown, &[(none, KeyCode::PageDown)]);
        bind(palette, First, &[(ctrl, KeyCode::Home)]);
        bind(palette, Last, &[(ctrl, End)]);
        bind(palette, Help, &[(none, F(1))]);

        let go_to = Mode::GoTo;
        bind(go_to, Accept, &[(none, Enter)]);
        bind(go_to, Cancel, &[(none, Esc)]);
        bind(go_to, NextChoice, &[(none, Tab)]);
        bind(go_to, PreviousChoice, &[(none, BackTab)]);
        bind(go_to, Action::Up, &[(none, KeyCode::Up), (ctrl, Char('p'))]);
        bind(go_to, Action::Down, &[(none, KeyCode::Down), (ctrl, Char('n'))]);
        bind(go_to, Action::PageUp, &[(none, KeyCode::PageUp)]);
        bind(go_to, Action::PageDown, &[(none, KeyCode::PageDown)]);
        bind(go_to, Help, &[(none, F(1))]);

        let rename = Mode::Rename;
        bind(rename, Accept, &[(none, Enter)]);
        bind(rename, Cancel, &[(none, Esc)]);
        bind(rename, NextChoice, &[(none, Tab), (none, KeyCode::Down)]);
        bind(rename, PreviousChoice, &[(none, BackTab), (none, KeyCode::Up)]);
        bind(rename, Action::PageUp, &[(none, KeyCode::PageUp)]);
        bind(rename, Action::PageDown, &[(none, KeyCode::PageDown)]);
        bind(rename, Help, &[(none, F(1))]);

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
        bind(Mode::Text, Help, &[(none, F(1))]);

        let choice = Mode::Choice;
        bind(choice, Accept, &[(none, Enter)]);
        bind(choice, NextChoice, &[(none, Tab), (none, Right)]);
        bind(choice, PreviousChoice, &[(none, BackTab), (none, Left)]);
        bind(choice, Action::Up, &[(none, KeyCode::Up)]);
        bind(choice, Action::Down, &[(none, KeyCode::Down)]);
        bind(choice, Action::PageUp, &[(none, KeyCode::PageUp)]);
        bind(choice, Action::PageDown, &[(none, KeyCode::PageDown)]);
        bind(choice, Select, &[(none, Char(' '))]);
        bind(choice, Cancel, &[(none, Esc)]);
        bind(choice, Help, &[(none, F(1)), (none, Char('?'))]);

        bind(Mode::Reader, Cancel, &[(none, Esc), (none, Enter), (none, Char('q'))]);
        Keymap { bindings }
    }
}
