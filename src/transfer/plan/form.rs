//! Names that differ only in how Unicode composes them: `é` as one character or as two. One side
//! of a sync may keep the one form, the other side the other. Pure.

use std::collections::{HashMap, HashSet};

use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::fs::RemotePath;

/// The path with its names composed (NFC, UAX 15). Bytes that are no UTF-8 stay as they are.
pub fn form(path: &RemotePath) -> RemotePath {
    match std::str::from_utf8(path.as_bytes()) {
        Ok(text) if !is_nfc(text) => RemotePath::new(text.nfc().collect::<String>()),
        _ => path.clone(),
    }
}

/// What is the same for names that differ in case or in how they are composed only.
pub(in crate::transfer) fn fold(path: &RemotePath) -> String {
    String::from_utf8_lossy(path.as_bytes()).nfc().collect::<String>().to_lowercase()
}

/// How the target writes names, by their composed form.
pub(in crate::transfer) struct Names {
    /// `None` where names are compared byte by byte.
    by_form: Option<HashMap<RemotePath, RemotePath>>,
    /// Those beyond ASCII that stand in the target just so.
    exact: HashSet<RemotePath>,
}

impl Names {
    /// Only names beyond ASCII can differ.
    pub(in crate::transfer) fn new<'a>(
        existing: impl Iterator<Item = &'a RemotePath>,
        across_forms: bool,
    ) -> Names {
        if !across_forms {
            return Names { by_form: None, exact: HashSet::new() };
        }
        let exact: HashSet<RemotePath> =
            existing.filter(|path| !path.as_bytes().is_ascii()).cloned().collect();
        let mut by_form = HashMap::new();
        let mut sorted: Vec<&RemotePath> = exact.iter().collect();
        sorted.sort();
        for path in sorted {
            by_form.entry(form(path)).or_insert_with(|| path.clone());
        }
        Names { by_form: Some(by_form), exact }
    }

    /// What stands in the target under that name in whatever form, else the name as it is, below
    /// its parent as that stands.
    pub(in crate::transfer) fn standing(&mut self, target: RemotePath) -> RemotePath {
        let Some(by_form) = &mut self.by_form else { return target };
        if target.as_bytes().is_ascii() || self.exact.contains(&target) {
            return target;
        }
        let composed = form(&target);
        if let Some(standing) = by_form.get(&composed) {
            return standing.clone();
        }
        let standing = match (target.parent(), target.name()) {
            (Some(parent), Some(name)) => match by_form.get(&form(&parent)) {
                Some(parent) => parent.join(name),
                None => target.clone(),
            },
            _ => target.clone(),
        };
        by_form.insert(composed, standing.clone());
        standing
    }
}
