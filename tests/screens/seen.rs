//! That every kind of view is drawn by some test: what a view is of stands in the snapshot of its
//! looks, and whatever no snapshot names is missing. Must not draw anything itself.

use std::{collections::BTreeSet, fs, path::Path};

use wharf::ui::{
    keymap::Mode,
    state::{
        State,
        overlay::{Asking, Overlay},
    },
};

/// The name of each kind, and all names. A kind without a name does not compile.
macro_rules! named {
    ($name:ident, $all:ident: $kind:ty { $($pattern:pat => $text:literal,)+ }) => {
        fn $name(of: &$kind) -> &'static str {
            match of { $($pattern => $text,)+ }
        }
        const $all: &[&str] = &[$($text,)+];
    };
}

named!(overlay, OVERLAYS: Overlay {
    Overlay::Text { .. } => "a line to type",
    Overlay::Confirm { .. } => "a confirmation",
    Overlay::Sort { .. } => "orders",
    Overlay::Menu(_) => "a menu",
    Overlay::Question(_) => "a question",
    Overlay::Form(_) => "a form",
    Overlay::Help { .. } => "help",
    Overlay::Problems { .. } => "problems of the settings",
    Overlay::Workspaces { .. } => "workspaces",
    Overlay::Told { .. } => "what came of something",
    Overlay::Tour => "the tour",
    Overlay::Palette(_) => "the palette",
    Overlay::Find(_) => "a search",
    Overlay::GoTo(_) => "a path",
    Overlay::Rename(_) => "a pattern for names",
    Overlay::Explain { .. } => "an explanation",
    Overlay::Details(_) => "details of a transfer",
    Overlay::Error { .. } => "an error",
    Overlay::Properties(_) => "properties",
    Overlay::Permissions(_) => "permissions",
    Overlay::Summary(_) => "a summary",
    Overlay::Output(_) => "a command's output",
    Overlay::Overtaken(_) => "a file that was overtaken",
});

named!(asking, ASKINGS: Asking {
    Asking::Host { .. } => "about a host key",
    Asking::Certificate { .. } => "about a certificate",
    Asking::Secret { .. } => "about a secret",
    Asking::Conflicts(_) => "about conflicts",
});

/// What is seen of `state`: the topmost dialog, if there is one, and the keys that are at hand.
pub fn what(state: &State) -> String {
    let mut said = vec![format!("keys of {:?}", state.mode())];
    if let Some(top) = state.overlays.last() {
        said.push(overlay(top).to_owned());
        if let Overlay::Question(question) = top {
            said.push(asking(&question.ask).to_owned());
        }
    }
    said.join(", ")
}

#[test]
fn every_kind_of_view_has_a_snapshot() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots/looks");
    let mut seen = BTreeSet::new();
    for file in fs::read_dir(dir).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("of: ")).expect("what it is of");
        seen.extend(line.split(", ").map(str::to_owned));
    }
    let modes = Mode::ALL.iter().filter(|mode| **mode != Mode::Base).map(|mode| format!("keys of {mode:?}"));
    let wanted = OVERLAYS.iter().chain(ASKINGS).map(ToString::to_string).chain(modes);
    let missing: Vec<String> = wanted.filter(|name| !seen.contains(name)).collect();
    assert!(missing.is_empty(), "no snapshot shows {missing:?}");
}
