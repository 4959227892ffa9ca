//! Where in a text of a person's something stands. Must know nothing of what is in it.

/// The line of a place in a text, counted from one.
pub fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1
}
