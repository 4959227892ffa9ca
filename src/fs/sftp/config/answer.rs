//! The text that `ssh -G` prints, by keyword. Must never interpret more of a value than its form.

use std::time::Duration;

use super::{Result, usage};

/// The answer of `ssh -G`: a keyword and its value per line, a keyword several times where it
/// has several values.
pub(super) struct Answer<'a>(Vec<(String, &'a [u8])>);

impl<'a> Answer<'a> {
    pub fn new(text: &'a [u8]) -> Self {
        let pairs = text.split(|&b| b == b'\n').filter(|line| !line.is_empty()).map(|line| {
            let cut = line.iter().position(|&b| b == b' ').unwrap_or(line.len());
            let (keyword, value) = line.split_at(cut);
            (String::from_utf8_lossy(keyword).to_ascii_lowercase(), value.trim_ascii())
        });
        Answer(pairs.collect())
    }

    pub fn all(&self, keyword: &'a str) -> impl Iterator<Item = &'a [u8]> + '_ {
        self.0.iter().filter(move |(k, v)| k == keyword && !v.is_empty()).map(|(_, v)| *v)
    }

    pub fn bytes(&self, keyword: &'a str) -> Option<&'a [u8]> {
        self.all(keyword).next()
    }

    pub fn text(&self, keyword: &'a str) -> Option<String> {
        self.bytes(keyword).map(|value| String::from_utf8_lossy(value).into_owned())
    }

    /// `None` is also what `none` means.
    pub fn some(&self, keyword: &'a str) -> Option<&'a [u8]> {
        self.bytes(keyword).filter(|value| !is_none(value))
    }

    pub fn needed(&self, keyword: &'a str) -> Result<String> {
        self.text(keyword).ok_or_else(|| usage(&format!("ssh -G names no {keyword}")))
    }

    pub fn flag(&self, keyword: &'a str, unsaid: bool) -> bool {
        match self.bytes(keyword) {
            None => unsaid,
            Some(value) => !matches!(value, b"no" | b"false"),
        }
    }

    pub fn number(&self, keyword: &'a str) -> Option<u64> {
        std::str::from_utf8(self.bytes(keyword)?).ok()?.parse().ok()
    }

    pub fn seconds(&self, keyword: &'a str) -> Option<Duration> {
        self.number(keyword).filter(|&n| n > 0).map(Duration::from_secs)
    }

    pub fn list(&self, keyword: &'a str) -> Vec<String> {
        let text = self.text(keyword).unwrap_or_default();
        text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
    }
}

pub(super) fn is_none(value: &[u8]) -> bool {
    value.eq_ignore_ascii_case(b"none")
}
