//! What a server shows beside what is remembered of it: two fingerprints in lines of the same
//! length, one below the other, so that they can be compared by eye. Pure; offers no way past it.

use super::{Line, Piece};
use crate::{
    trust::ChangedIdentity,
    ui::{text, theme::Role},
    words,
};

/// The table, in so many columns.
pub(in crate::ui) fn table(changed: &ChangedIdentity, columns: usize) -> Vec<Line> {
    let label = if columns < 60 { 5 } else { 12 };
    let room = columns.saturating_sub(label).max(1);
    let short = label < 12;
    let mut lines = Vec::new();
    let mut row = |name: &'static str, parts: Vec<String>, role: Role| {
        for (at, part) in parts.into_iter().enumerate() {
            let name = if at == 0 { name } else { "" };
            lines.push(vec![Piece(Role::Faint, text::pad(name, label)), Piece(role, part)]);
        }
    };
    let print = |fingerprint: &str, key_type: &str| {
        let mut parts = text::wrap_fingerprint(&words::escape(fingerprint), room);
        if let Some(last) = parts.last_mut().filter(|_| !key_type.is_empty()) {
            let with_type = format!("{last}  {}", words::escape(key_type));
            match text::width(&with_type) <= room {
                true => *last = with_type,
                false if short => {}
                false => parts.push(words::escape(key_type).into_owned()),
            }
        }
        parts
    };
    row("Now", print(&changed.fingerprint, &changed.key_type), Role::Bad);
    for known in &changed.remembered {
        let name = if short { "Was" } else { "Remembered" };
        row(name, print(&known.fingerprint, &known.key_type), Role::Title);
        row(if short { "in" } else { "Stored in" }, text::wrap(&words::stored_in(known), room), Role::Text);
    }
    lines
}
