//! The command palette: what is typed to find an action, which ones match, and which would do
//! something now. Plain data and the matching; must know no keys and run nothing.

use frizbee::{CaseMatching, Config, Matcher};
use tui_input::Input;

use super::{Pane, Panel, State};
use crate::ui::action::{Action, Group, Info};

/// The palette, as it stands.
#[derive(Clone, Debug)]
pub struct Palette {
    pub input: Input,
    /// The actions that match, the best first.
    pub found: Vec<Action>,
    pub cursor: usize,
}

impl Default for Palette {
    fn default() -> Self {
        let mut palette = Palette { input: Input::default(), found: Vec::new(), cursor: 0 };
        palette.search();
        palette
    }
}

impl Palette {
    /// Finds anew: what is typed has changed, and the best match is what is meant.
    pub fn search(&mut self) {
        self.found = found(self.input.value().trim());
        self.cursor = 0;
    }

    /// The action under the cursor.
    pub fn chosen(&self) -> Option<Action> {
        self.found.get(self.cursor).copied()
    }

    pub fn move_to(&mut self, row: usize) {
        self.cursor = row.min(self.found.len().saturating_sub(1));
    }
}

/// What can be run from the palette: dialogs have their own keys, and the palette is open.
fn offered() -> impl Iterator<Item = &'static Info> {
    Action::all().iter().filter(|info| {
        !matches!(info.group, Group::Dialogs | Group::Conflicts) && info.action != Action::Palette
    })
}

/// Those that are called so come first, here or elsewhere; then those whose name has the letters in
/// it, then those that speak of it.
fn found(typed: &str) -> Vec<Action> {
    let all: Vec<&Info> = offered().collect();
    if typed.is_empty() {
        // Nobody opens it to go one row up.
        let (moving, others): (Vec<&Info>, Vec<&Info>) =
            all.into_iter().partition(|info| info.group == Group::Moving);
        return others.into_iter().chain(moving).map(|info| info.action).collect();
    }
    let config = Config { casing: CaseMatching::Ignore, ..Config::default() };
    let mut matcher = Matcher::new(typed, &config);
    let names: Vec<&str> = all.iter().map(|info| info.name).collect();
    let lower = typed.to_lowercase();
    let called = |word: &str, is: fn(&str, &str) -> bool| is(&word.to_lowercase(), &lower);
    let known_as = |is: fn(&str, &str) -> bool| {
        all.iter().filter(move |info| {
            called(info.name, is) || info.action.synonyms().iter().any(|word| called(word, is))
        })
    };
    let begins = all.iter().filter(|info| called(info.name, |name, typed| name.starts_with(typed)));
    let by_letters = matcher.match_list(&names);
    let by_letters = by_letters.iter().filter_map(|found| all.get(usize::try_from(found.index).ok()?));
    let speaks = all.iter().filter(|info| {
        let text = format!("{} {}", info.help, info.group.title()).to_lowercase();
        lower.split_whitespace().all(|word| text.contains(word))
    });
    let mut out: Vec<Action> = Vec::new();
    for info in known_as(|word, typed| word == typed)
        .chain(begins)
        .chain(known_as(|word, typed| word.starts_with(typed)))
        .chain(by_letters)
        .chain(speaks)
    {
        if !out.contains(&info.action) {
            out.push(info.action);
        }
    }
    out
}

impl State {
    /// Whether an action would do something where the keys go once no dialog is open. What is
    /// not known to need anything applies.
    pub fn applies(&self, action: Action) -> bool {
        use Action::*;
        let panel = self.panel.filter(|_| self.in_panel);
        let (here, there) = (self.active(), self.pane(self.active.other()));
        let has_items = |pane: &Pane| pane.usable().is_some() && !pane.view.targets().is_empty();
        if self.viewer.is_some() {
            let group = action.info().map(|info| info.group);
            return matches!(group, Some(Group::Viewer | Group::Moving))
                || matches!(action, GoTo | Refresh | Help | Quit);
        }
        match action {
            Hex | Wrap | Colours | ScrollLeft | ScrollRight | SearchText | SearchNext | SearchPrevious => {
                false
            }
            Compare => here.usable().is_some() && there.usable().is_some(),
            ToRight | ToLeft | LeaveRow | RemoveThere | NextWay | Undecide | SyncMode | Deletions
            | ByContent | ShowOnlyLeft | ShowChanged | ShowOnlyRight | ShowSame => self.compare.is_some(),
            RetryItem => false,
            CancelJob | PauseJob | Details | RetryJob | Earlier | Later | LimitJob | LimitAll => {
                panel == Some(Panel::Transfers) && self.transfers.current().is_some_and(|t| t.allows(action))
            }
            ClearFinished => {
                panel == Some(Panel::Transfers) && self.transfers.jobs.iter().any(|t| t.allows(action))
            }
            Explain => panel == Some(Panel::Log) && self.log.explains(),
            AddBookmark | EditBookmark | TestPlace | Import => here.chooser.is_some(),
            Action::Demo => self.places.can_demo,
            RestoreSession => self.places.session.is_some(),
            OpenWorkspace => !self.places.workspaces.is_empty() || self.places.session.is_some(),
            SaveWorkspace => self.places.can_keep,
            OpenWith => here.usable().is_some() && here.view.current().is_some(),
            Back => !here.back.is_empty(),
            Forward => !here.forward.is_empty(),
            Action::Drop => self.held.is_some() && here.usable().is_some(),
            Copy | Move => has_items(here) && there.usable().is_some(),
            Delete | Permissions | Owner => has_items(here),
            Rename | Symlink | HardLink | Properties => {
                here.usable().is_some() && here.view.current().is_some()
            }
            CopyPath | Find | Measure => here.usable().is_some(),
            NewFolder | NewFile | RunCommand | Bookmark | SamePlace => here.usable().is_some(),
            Select | SelectUp | SelectDown | SelectAll | Invert => !here.view.listing.is_empty(),
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(text: &str) -> Vec<Action> {
        let mut palette = Palette { input: Input::new(text.to_owned()), ..Palette::default() };
        palette.search();
        palette.found
    }

    #[test]
    fn every_action_but_those_of_dialogs_is_offered() {
        let all = find("");
        assert_eq!(all.len(), offered().count());
        assert!(all.contains(&Action::Copy) && all.contains(&Action::Quit));
        assert!(!all.contains(&Action::Accept) && !all.contains(&Action::Palette));
    }

    #[test]
    fn a_name_is_found_by_its_letters_and_before_what_only_speaks_of_it() {
        assert_eq!(find("copy").first(), Some(&Action::Copy));
        assert_eq!(find("PERM").first(), Some(&Action::Permissions));
        assert_eq!(find("nwfl").first(), Some(&Action::NewFile));
        assert!(find("checksum").contains(&Action::Properties));
        assert_eq!(find("no such thing at all"), []);
    }

    #[test]
    fn what_other_programs_call_it_finds_it() {
        for (word, action) in [
            ("mkdir", Action::NewFolder),
            ("chmod", Action::Permissions),
            ("exit", Action::Quit),
            ("Exi", Action::Quit),
            ("rm", Action::Delete),
            ("paste", Action::Drop),
            ("sync", Action::Compare),
            ("du", Action::Measure),
        ] {
            assert_eq!(find(word).first(), Some(&action), "{word}");
        }
    }
}
