//! One key with its modifiers, and how it is written on a keycap. Must know nothing of what it does.

use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

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
        // The bytes 0x1C to 0x1F, which terminals send for these keys, are told by crossterm as digits.
        let code = match event.code {
            KeyCode::Char(digit @ '4'..='7') if event.modifiers == KeyModifiers::CONTROL => {
                KeyCode::Char(match digit {
                    '4' => '\\',
                    '5' => ']',
                    '6' => '^',
                    _ => '_',
                })
            }
            code => code,
        };
        Key::new(code, event.modifiers)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_written_as_on_keycaps() {
        let key = |mods, code| Key::new(code, mods).to_string();
        assert_eq!(key(KeyModifiers::NONE, KeyCode::F(5)), "F5");
        assert_eq!(key(KeyModifiers::CONTROL, KeyCode::Char('g')), "^G");
        assert_eq!(key(KeyModifiers::CONTROL, KeyCode::Left), "Ctrl-←");
        assert_eq!(key(KeyModifiers::SHIFT, KeyCode::Char('G')), "G");
        assert_eq!(key(KeyModifiers::SHIFT, KeyCode::BackTab), "Shift-Tab");
    }

    /// `^\\` of the preset mc did nothing in terminals that send a byte for it.
    #[test]
    fn control_keys_beyond_the_letters_are_known() {
        for (told, pressed) in [('4', '\\'), ('5', ']'), ('6', '^'), ('7', '_')] {
            let event = KeyEvent::new(KeyCode::Char(told), KeyModifiers::CONTROL);
            assert_eq!(Key::from(event), Key::new(KeyCode::Char(pressed), KeyModifiers::CONTROL));
        }
        let event = KeyEvent::new(KeyCode::Char('4'), KeyModifiers::ALT);
        assert_eq!(Key::from(event), Key::new(KeyCode::Char('4'), KeyModifiers::ALT));
    }
}
