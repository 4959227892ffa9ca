//! Keys from `keys.toml`: a preset, and what the file changes in it. Every name or key that means
//! nothing, and every key that is to mean two things, is named with its line; the rest works. Must
//! read no file itself.

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Chord, Keymap, Mode, chord::chord, kebab};
use crate::{
    config::{Problems, line_of},
    ui::action::Action,
};

/// The built-in presets, each as changes to the default keys.
pub const PRESETS: [(&str, &str); 3] = [
    ("default", ""),
    ("mc", include_str!("../../../assets/keys/mc.toml")),
    ("vim", include_str!("../../../assets/keys/vim.toml")),
];

/// What a text binds.
struct Binding {
    mode: Mode,
    action: Action,
    chord: Chord,
    line: usize,
    /// Where in the text it stands.
    at: usize,
}

impl Binding {
    /// Whether it takes the key away from what another action has in the mode.
    fn takes(&self, mode: Mode, chord: Chord, action: Action) -> bool {
        let same_place = self.mode == mode || self.mode == Mode::Base && mode.has_base();
        same_place && self.action != action && collide(self.chord, chord)
    }
}

/// A text, with what is wrong in it.
struct Reader<'a> {
    text: &'a str,
    problems: Problems<'a>,
}

impl Keymap {
    /// The preset of that name.
    pub fn preset(name: &str) -> Option<Keymap> {
        let (_, text) = PRESETS.iter().find(|(preset, _)| *preset == name)?;
        let mut keymap = Keymap::default();
        keymap.change(text, name);
        Some(keymap)
    }

    /// The keys that a `keys.toml` asks for, and what in it means nothing, each with `file` and
    /// its line. Unescaped.
    pub fn custom(text: &str, file: &str) -> (Keymap, Vec<String>) {
        let (root, _) = DeTable::parse_recoverable(text);
        let mut keymap = Keymap::default();
        let mut problems = Vec::new();
        if let Some(preset) = root.get_ref().get("preset") {
            let name = preset.get_ref().as_str().unwrap_or_default();
            match Keymap::preset(name) {
                Some(found) => keymap = found,
                None => {
                    let names = PRESETS.map(|(name, _)| name).join(", ");
                    let line = line_of(text, preset.span().start);
                    problems.push(format!("{file}:{line}: there is no preset {name}; there are {names}"));
                }
            }
        }
        problems.extend(keymap.change(text, file));
        (keymap, problems)
    }

    /// Takes over what the text binds; returns what in it means nothing.
    fn change(&mut self, text: &str, file: &str) -> Vec<String> {
        let (root, errors) = DeTable::parse_recoverable(text);
        let mut reader = Reader { text, problems: Problems::of(text, file, &errors) };
        let (named, bindings) = reader.bindings(root.get_ref());
        for (mode, action) in &named {
            let at = self.bindings.iter().position(|(m, _, a)| (m, a) == (mode, action));
            let at = at.unwrap_or(self.bindings.len());
            self.bindings.retain(|(m, _, a)| (m, a) != (mode, action));
            let fresh = bindings.iter().filter(|b| (b.mode, b.action) == (*mode, *action));
            let fresh: Vec<_> = fresh.map(|b| (b.mode, b.chord, b.action)).collect();
            self.bindings.splice(at..at, fresh);
        }
        let before = self.bindings.clone();
        // What the text says comes before what was there.
        let says = |mode: Mode, chord: Chord, action: Action| {
            bindings.iter().any(|b| (b.mode, b.chord, b.action) == (mode, chord, action))
        };
        self.bindings.retain(|(mode, chord, action)| {
            says(*mode, *chord, *action) || !bindings.iter().any(|b| b.takes(*mode, *chord, *action))
        });
        // What loses its last key to another action does not lose it in silence.
        let mut told = Vec::new();
        for (mode, chord, action) in before {
            let has_key = self.bindings.iter().any(|(m, _, a)| (*m, *a) == (mode, action));
            let by = bindings.iter().find(|b| b.takes(mode, chord, action));
            let Some(by) = by.filter(|_| !has_key && !told.contains(&(mode, action))) else { continue };
            told.push((mode, action));
            let (lost, taker, mode) = (action.id(), by.action.id(), mode.id());
            reader.problems.add(
                by.at,
                format!("{} is {taker} now, and {lost} has no key in [{mode}]: give it one, or []", by.chord),
            );
        }
        reader.problems.told()
    }
}

/// Whether one hides the other: they are the same, or one is how the other begins.
fn collide(a: Chord, b: Chord) -> bool {
    a.first == b.first && (a.second.is_none() || b.second.is_none() || a.second == b.second)
}

impl Reader<'_> {
    /// The actions that are bound anew, and their keys.
    fn bindings(&mut self, root: &DeTable<'_>) -> (Vec<(Mode, Action)>, Vec<Binding>) {
        let (mut named, mut out) = (Vec::new(), Vec::new());
        // In the order of the lines, so that it is the later one that is named.
        let mut tables: Vec<_> = root.iter().filter(|(key, _)| key.get_ref() != "preset").collect();
        tables.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in tables {
            let mode = Mode::ALL.into_iter().find(|mode| mode.id() == key.get_ref().as_ref());
            let (Some(mode), DeValue::Table(table)) = (mode, value.get_ref()) else {
                let modes = Mode::ALL.map(Mode::id).join(", ");
                let what = format!("there is no [{}]; there are preset, {modes}", key.get_ref());
                self.problems.add(key.span().start, what);
                continue;
            };
            let mut rows: Vec<_> = table.iter().collect();
            rows.sort_by_key(|(key, _)| key.span().start);
            for (key, value) in rows {
                let Some(action) = Action::of_id(key.get_ref()) else {
                    self.problems.add(key.span().start, format!("there is no action {}", key.get_ref()));
                    continue;
                };
                named.push((mode, action));
                let keys: Vec<&Spanned<DeValue<'_>>> = match value.get_ref() {
                    DeValue::Array(keys) => keys.iter().collect(),
                    _ => vec![value],
                };
                for written in keys {
                    self.binding(mode, action, written, &mut out);
                }
            }
        }
        (named, out)
    }

    fn binding(&mut self, mode: Mode, action: Action, key: &Spanned<DeValue<'_>>, out: &mut Vec<Binding>) {
        let at = key.span().start;
        let DeValue::String(text) = key.get_ref() else {
            return self
                .problems
                .add(at, format!("the keys of {} are texts, as in [\"F5\", \"c\"]", action.id()));
        };
        let chord = match chord(text) {
            Ok(chord) => chord,
            Err(why) => return self.problems.add(at, format!("{text} is no key: {why}")),
        };
        let types = matches!(mode, Mode::Text | Mode::Filter | Mode::Connect | Mode::Form | Mode::Palette);
        if types && chord.first.typed().is_some() {
            return self.problems.add(at, format!("{text} is typed in [{}]", mode.id()));
        }
        let other = out.iter().find(|b| b.mode == mode && b.action != action && collide(b.chord, chord));
        match other {
            Some(other) => {
                let what = match other.chord == chord {
                    true => format!("{chord} is {} already", other.action.id()),
                    false => {
                        format!("{chord} cannot be told from {}, which is {}", other.chord, other.action.id())
                    }
                };
                let line = other.line;
                self.problems.add(at, format!("{what} in line {line}; that one counts"));
            }
            None => out.push(Binding { mode, action, chord, line: line_of(self.text, at), at }),
        }
    }
}

impl Mode {
    /// As it is written in `keys.toml`.
    pub fn id(self) -> String {
        kebab(&format!("{self:?}"))
    }
}

impl Action {
    /// As it is written in `keys.toml`: `new-folder`.
    pub fn id(self) -> String {
        kebab(&format!("{self:?}"))
    }

    /// The action that is written so.
    pub fn of_id(id: &str) -> Option<Action> {
        Action::all().iter().map(|info| info.action).find(|action| action.id() == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn means(keymap: &Keymap, mode: Mode, keys: &str) -> Option<Action> {
        keymap.bound(mode, chord(keys).unwrap())
    }

    #[test]
    fn presets_mean_what_they_say_and_nothing_twice() {
        for (name, text) in PRESETS {
            let mut keymap = Keymap::default();
            assert_eq!(keymap.change(text, name), Vec::<String>::new(), "{name}");
            for (at, (mode, chord, action)) in keymap.bindings.iter().enumerate() {
                for (other_mode, other_chord, other) in keymap.bindings.iter().skip(at + 1) {
                    let both = mode == other_mode && collide(*chord, *other_chord);
                    assert!(!both, "{name} {mode:?} {chord}: {action:?} and {other:?}");
                }
            }
            for info in Action::all() {
                assert!(!keymap.all_keys(info.action).is_empty(), "{name}: {:?} has no key", info.action);
            }
        }
    }

    #[test]
    fn the_presets_are_at_home_where_they_come_from() {
        let mc = Keymap::preset("mc").unwrap();
        for (keys, action) in [
            ("F5", Action::Copy),
            ("Ctrl-U", Action::Swap),
            ("Alt-.", Action::Hidden),
            ("Ctrl-\\", Action::Connect),
            ("Ctrl-X c", Action::Permissions),
            ("Insert", Action::Select),
        ] {
            assert_eq!(means(&mc, Mode::Panes, keys), Some(action), "{keys}");
        }
        assert_eq!(means(&mc, Mode::Panes, "d"), None);
        let vim = Keymap::preset("vim").unwrap();
        for (keys, action) in [
            ("gg", Action::First),
            ("G", Action::Last),
            ("yy", Action::PickUp),
            ("dd", Action::PickUpMove),
            ("p", Action::Drop),
            ("Ctrl-D", Action::PageDown),
            ("ZZ", Action::Quit),
            (":", Action::Palette),
        ] {
            assert_eq!(means(&vim, Mode::Panes, keys), Some(action), "{keys}");
        }
        assert_eq!(means(&vim, Mode::Panes, "q"), None);
    }

    #[test]
    fn what_the_file_binds_comes_first() {
        let (keymap, problems) =
            Keymap::custom("[panes]\ncopy = ['x', 'd']\n[base]\nlog = 'p'\nhelp = []\n", "keys.toml");
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert_eq!(means(&keymap, Mode::Panes, "x"), Some(Action::Copy));
        assert_eq!(means(&keymap, Mode::Panes, "d"), Some(Action::Copy), "taken from delete");
        assert_eq!(means(&keymap, Mode::Panes, "F5"), None);
        assert_eq!(means(&keymap, Mode::Panes, "F8"), Some(Action::Delete), "which keeps its others");
        assert_eq!(means(&keymap, Mode::Transfers, "p"), Some(Action::Log), "everywhere");
        assert_eq!(means(&keymap, Mode::Base, "?"), None);
    }

    #[test]
    fn an_action_that_loses_its_only_key_is_named() {
        let text = "[panes]\ncopy = ['F5', 'i']\nmove = ['F6', 'd']\n[base]\nlog = 's'\n";
        let (_, problems) = Keymap::custom(text, "keys.toml");
        assert_eq!(
            problems,
            [
                "keys.toml:2: i is copy now, and properties has no key in [panes]: give it one, or []",
                "keys.toml:5: s is log now, and sort has no key in [panes]: give it one, or []",
                "keys.toml:5: s is log now, and limit-job has no key in [transfers]: give it one, or []",
            ],
            "delete has others"
        );
        // Whoever writes it down means it.
        let text = format!("{text}\n[transfers]\nlimit-job = []\n");
        let (_, problems) =
            Keymap::custom(&text.replace("'i'", "'F9'").replace("[base]", "sort = ['f']\n[base]"), "k");
        assert_eq!(problems, Vec::<String>::new());
    }

    #[test]
    fn what_means_nothing_is_named_with_its_line() {
        let text = "preset = 'emacs'\n[panes]\ncopy = ['F5', 'Entr']\ncpoy = 'x'\nmove = ['F6', 'F5']\n\
                    rename = 7\ngo-to = 'gg'\nsort = 'g'\n[pane]\nup = 'k'\n";
        let (keymap, problems) = Keymap::custom(text, "keys.toml");
        let expected = [
            "keys.toml:1: there is no preset emacs; there are default, mc, vim",
            "keys.toml:3: Entr is no key: there is no such key",
            "keys.toml:4: there is no action cpoy",
            "keys.toml:5: F5 is copy already in line 3; that one counts",
            "keys.toml:6: the keys of rename are texts",
            "keys.toml:8: g cannot be told from gg, which is go-to in line 7",
            "keys.toml:9: there is no [pane]; there are preset, base, panes",
        ];
        assert_eq!(problems.len(), expected.len(), "{problems:#?}");
        for (problem, expected) in problems.iter().zip(expected) {
            assert!(problem.starts_with(expected), "{problem}\n{expected}");
        }
        assert_eq!(means(&keymap, Mode::Panes, "F6"), Some(Action::Move), "the rest works");
        let (keymap, problems) = Keymap::custom("[panes]\ncopy = 'x'\nmove = \n", "k");
        assert!(problems.iter().any(|problem| problem.starts_with("k:3: ")), "{problems:?}");
        assert_eq!(means(&keymap, Mode::Panes, "x"), Some(Action::Copy));
    }

    #[test]
    fn no_text_at_all_breaks_it() {
        let (_, problems) = Keymap::custom("[text]\naccept = 'y'\n[choice]\naccept = 'y'", "k");
        assert_eq!(problems, ["k:2: y is typed in [text]"]);
        for text in ["[", "\u{0}", "panes = 1", "[panes]\ncopy = [[]]", "preset = []", "[[panes]]"] {
            let (keymap, problems) = Keymap::custom(text, "k");
            assert!(!problems.is_empty(), "{text:?}");
            assert_eq!(means(&keymap, Mode::Panes, "F5").is_some(), !text.contains("copy"), "{text:?}");
        }
    }
}
