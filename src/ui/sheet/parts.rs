//! What the lines and buttons of dialogs are made of.

use super::{Line, Piece};
use crate::ui::{text, theme::Role};

pub(super) fn line(role: Role, text: impl Into<String>) -> Line {
    vec![Piece(role, text.into())]
}

pub(super) fn fact(label: &str, value: impl Into<String>) -> Line {
    vec![Piece(Role::Faint, text::pad(label, 10)), Piece(Role::Text, value.into())]
}

pub(super) fn button(label: &str, letter: char) -> (String, char, bool) {
    (label.to_owned(), letter, false)
}
