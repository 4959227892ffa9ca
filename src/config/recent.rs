//! The places that were reached lately, newest first. Owns their file's format. Must never hold a
//! password.

use serde::{Deserialize, Serialize};

use crate::fs::place::redact;

/// A place that was reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recent {
    /// As it can be opened again, without a password.
    pub url: String,
    /// In seconds since 1970.
    pub at: i64,
}

/// The list in a text. What cannot be read is forgotten: it is no work of a person's hands.
pub fn parse(text: &str) -> Vec<Recent> {
    let mut list: Vec<Recent> = serde_json::from_str(text).unwrap_or_default();
    // Somebody else may have written it.
    list.retain(|recent| !recent.url.is_empty() && redact(&recent.url) == recent.url);
    list
}

pub fn text(list: &[Recent]) -> String {
    serde_json::to_string_pretty(list).unwrap_or_else(|_| "[]".to_owned()) + "\n"
}

/// Puts a place in front, once, and keeps at most `most`.
pub fn visit(list: &mut Vec<Recent>, url: &str, at: i64, most: usize) {
    list.retain(|recent| recent.url != url);
    if redact(url) == url {
        list.insert(0, Recent { url: url.to_owned(), at });
    }
    list.truncate(most);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newest_first_each_once_and_no_more_than_allowed() {
        let mut list = Vec::new();
        for (at, url) in ["sftp://a/", "sftp://b/", "sftp://a/", "sftp://c/"].iter().enumerate() {
            visit(&mut list, url, at as i64, 2);
        }
        let urls: Vec<&str> = list.iter().map(|recent| recent.url.as_str()).collect();
        assert_eq!(urls, ["sftp://c/", "sftp://a/"]);
        assert_eq!(parse(&text(&list)), list);
        visit(&mut list, "sftp://d/", 9, 0);
        assert!(list.is_empty());
    }

    #[test]
    fn a_password_is_never_kept() {
        let mut list = Vec::new();
        visit(&mut list, "sftp://ann:secret@h/", 1, 50);
        assert!(list.is_empty());
        assert!(parse(r#"[{"url":"sftp://ann:secret@h/","at":1}]"#).is_empty());
        assert!(parse("{broken").is_empty());
    }
}
