//! The paths that were typed and gone to, the latest first. Owns their file's format. Must never
//! hold a password.

use crate::fs::place::redact;

/// Paths that are remembered.
pub const MOST: usize = 100;

/// A longer one, in bytes, is not remembered.
const LONG: usize = 4096;

/// The list in a text. What cannot be read is forgotten: it is no work of a person's hands.
pub fn parse(text: &str) -> Vec<String> {
    let mut list: Vec<String> = serde_json::from_str(text).unwrap_or_default();
    // Somebody else may have written it.
    list.retain(|text| may_be_kept(text));
    list.truncate(MOST);
    list
}

pub fn text(list: &[String]) -> String {
    serde_json::to_string_pretty(list).unwrap_or_else(|_| "[]".to_owned()) + "\n"
}

/// Puts a path in front of what was gone to before, once. False where it is not to be kept.
pub fn remember(list: &mut Vec<String>, text: &str) -> bool {
    if !may_be_kept(text) {
        return false;
    }
    list.retain(|known| known != text);
    list.insert(0, text.to_owned());
    list.truncate(MOST);
    true
}

fn may_be_kept(text: &str) -> bool {
    !text.is_empty() && text.len() <= LONG && redact(text) == text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_remembered_once_and_no_password_ever() {
        let mut gone = Vec::new();
        for text in ["/a", "/b", "/a", "sftp://ann:secret@h/", "", &"x".repeat(LONG + 1)] {
            remember(&mut gone, text);
        }
        assert_eq!(gone, ["/a", "/b"]);
        assert_eq!(parse(&text(&gone)), gone);
        (0..200).for_each(|n| assert!(remember(&mut gone, &n.to_string())));
        assert_eq!(gone.len(), MOST);
    }

    #[test]
    fn what_others_wrote_is_checked() {
        assert_eq!(parse(r#"["/a", "sftp://ann:secret@h/", "", "/b"]"#), ["/a", "/b"]);
        assert!(parse("[1, 2]").is_empty() && parse("no list").is_empty() && parse("").is_empty());
    }
}
