//! Keys as people write them, and sequences of two. Must know nothing of what they do.

use std::fmt;

use crossterm::event::{KeyCode, KeyModifiers};

use super::Key;

/// A key, or two that are pressed one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Chord {
    pub first: Key,
    pub second: Option<Key>,
}

impl From<Key> for Chord {
    fn from(first: Key) -> Chord {
        Chord { first, second: None }
    }
}

/// As on keycaps: `F5`, `gg`, `^K ^D`.
impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first)?;
        let Some(second) = self.second else { return Ok(()) };
        let is_plain = |key: Key| matches!(key.typed(), Some(c) if c != ' ');
        if !is_plain(self.first) || !is_plain(second) {
            f.write_str(" ")?;
        }
        write!(f, "{second}")
    }
}

/// The names of keys that are no characters, each with the other ways to write it.
const NAMES: &[(&[&str], KeyCode)] = &[
    (&["enter", "return"], KeyCode::Enter),
    (&["esc", "escape"], KeyCode::Esc),
    (&["tab"], KeyCode::Tab),
    (&["backspace"], KeyCode::Backspace),
    (&["space"], KeyCode::Char(' ')),
    (&["up", "↑"], KeyCode::Up),
    (&["down", "↓"], KeyCode::Down),
    (&["left", "←"], KeyCode::Left),
    (&["right", "→"], KeyCode::Right),
    (&["home"], KeyCode::Home),
    (&["end"], KeyCode::End),
    (&["pgup", "pageup"], KeyCode::PageUp),
    (&["pgdn", "pgdown", "pagedown"], KeyCode::PageDown),
    (&["ins", "insert"], KeyCode::Insert),
    (&["del", "delete"], KeyCode::Delete),
];

const MODIFIERS: &[(&str, KeyModifiers)] =
    &[("ctrl", KeyModifiers::CONTROL), ("alt", KeyModifiers::ALT), ("shift", KeyModifiers::SHIFT)];

/// A key as it is written in `keys.toml`: `F5`, `c`, `Ctrl-G`, `Alt-Left`, `Shift-Tab`, `Space`.
///
/// # Errors
/// Why it is no key, in words.
pub fn key(text: &str) -> Result<Key, String> {
    let mut rest = text;
    let mut mods = KeyModifiers::NONE;
    // A dash alone, or behind the last dash, is the key itself.
    while let Some((name, behind)) = rest.split_once(['-', '+']).filter(|(_, behind)| !behind.is_empty()) {
        let wanted = name.to_lowercase();
        let Some((_, modifier)) = MODIFIERS.iter().find(|(modifier, _)| *modifier == wanted) else { break };
        mods |= *modifier;
        rest = behind;
    }
    if let Some(letter) = rest.strip_prefix('^').filter(|letter| !letter.is_empty()) {
        mods |= KeyModifiers::CONTROL;
        rest = letter;
    }
    let mut chars = rest.chars();
    let code = match (chars.next(), chars.next()) {
        (None, _) => return Err("it is empty".to_owned()),
        (Some(c), None) if c.is_control() => return Err("it is a control character".to_owned()),
        (Some(c), None) if !NAMES.iter().any(|(names, _)| names.contains(&rest)) => KeyCode::Char(c),
        _ => named(&rest.to_lowercase()).ok_or_else(|| "there is no such key".to_owned())?,
    };
    let code = match code {
        KeyCode::Char(c) if mods.contains(KeyModifiers::CONTROL) => KeyCode::Char(c.to_ascii_lowercase()),
        code => code,
    };
    let shift = mods.contains(KeyModifiers::SHIFT);
    // Alt-C is the key that C stands on; the capital is written Alt-Shift-C.
    let code = match code {
        KeyCode::Char(c) if mods.contains(KeyModifiers::ALT) => {
            KeyCode::Char(if shift { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
        }
        code => code,
    };
    match code {
        KeyCode::Tab if shift => Ok(Key::new(KeyCode::BackTab, mods)),
        KeyCode::Char(c) if shift && mods == KeyModifiers::SHIFT && c.is_lowercase() => {
            // What the terminal sends for it.
            Ok(Key::new(KeyCode::Char(c.to_uppercase().next().unwrap_or(c)), KeyModifiers::NONE))
        }
        KeyCode::Char('c') if mods == KeyModifiers::CONTROL => {
            Err("Ctrl-C always leaves what is at hand".to_owned())
        }
        // Terminals cannot tell these apart.
        KeyCode::Char('i') if mods == KeyModifiers::CONTROL => Ok(Key::new(KeyCode::Tab, KeyModifiers::NONE)),
        KeyCode::Char('m') if mods == KeyModifiers::CONTROL => {
            Ok(Key::new(KeyCode::Enter, KeyModifiers::NONE))
        }
        code => Ok(Key::new(code, mods)),
    }
}

fn named(name: &str) -> Option<KeyCode> {
    if let Some(number) = name.strip_prefix('f').and_then(|number| number.parse::<u8>().ok()) {
        return (1..=24).contains(&number).then_some(KeyCode::F(number));
    }
    NAMES.iter().find(|(names, _)| names.contains(&name)).map(|(_, code)| *code)
}

/// A key, or two with a blank between them: `F5`, `g g`, `Ctrl-K Ctrl-D`. Two characters may stand
/// together: `gg`.
///
/// # Errors
/// Why it is none, in words.
pub fn chord(text: &str) -> Result<Chord, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        [] => Err("it is empty; a blank is written Space".to_owned()),
        [first, second] => Ok(Chord { first: key(first)?, second: Some(key(second)?) }),
        [one] => {
            let mut chars = one.chars();
            match (chars.next(), chars.next(), chars.next()) {
                (Some(a), Some(b), None) if a != '^' && named(&one.to_lowercase()).is_none() => {
                    Ok(Chord { first: key(&a.to_string())?, second: Some(key(&b.to_string())?) })
                }
                _ => key(one).map(Chord::from),
            }
        }
        _ => Err("a sequence has two keys".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_written() {
        for (text, shown) in [
            ("F5", "F5"),
            ("f12", "F12"),
            ("c", "c"),
            ("C", "C"),
            ("Shift-g", "G"),
            ("Ctrl-G", "^G"),
            ("ctrl+g", "^G"),
            ("^g", "^G"),
            ("^", "^"),
            ("-", "-"),
            ("+", "+"),
            ("Ctrl--", "^-"),
            ("Ctrl-\\", "^\\"),
            ("Alt-.", "Alt-."),
            ("Alt-Left", "Alt-←"),
            ("Alt-c", "Alt-C"),
            ("Alt-Shift-C", "Alt-Shift-C"),
            ("Shift-Tab", "Shift-Tab"),
            ("Ctrl-I", "Tab"),
            ("Space", "Space"),
            ("PgDn", "PgDn"),
            ("→", "→"),
            ("gg", "gg"),
            ("ZZ", "ZZ"),
            ("g Home", "g Home"),
            ("Ctrl-K Ctrl-D", "^K ^D"),
        ] {
            assert_eq!(chord(text).map(|chord| chord.to_string()).as_deref(), Ok(shown), "{text}");
        }
        for text in ["", " ", "F25", "Hyper-x", "Entr", "Ctrl-C", "a b c", "\u{7}"] {
            assert!(chord(text).is_err(), "{text}: {:?}", chord(text));
        }
    }
}
