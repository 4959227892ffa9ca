//! Which key means which action where, and how keys are written. Hints and help are made from
//! it, so that they cannot lie. Must change no state.

pub mod chord;
mod defaults;
pub mod file;
mod hints;
mod key;
mod line;
mod mode;

pub use chord::Chord;
pub use key::Key;
pub use line::edit;
pub use mode::Mode;

use self::hints::{help_in, hinted, name_in};
use super::action::Action;

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

    /// What is bound in just this mode, in the order of the help: its keys, and what it does
    /// there.
    pub fn help(&self, mode: Mode) -> Vec<(Vec<Chord>, Action, &'static str)> {
        let rows = Action::all().iter().filter_map(|info| {
            let keys = self.in_mode(mode, info.action);
            let does = help_in(mode, info.action).unwrap_or(info.help);
            (!keys.is_empty()).then_some((keys, info.action, does))
        });
        rows.collect()
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
}
