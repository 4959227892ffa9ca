//! What `ssh -G` prints, by keyword, or what stands for it. Must never interpret more of a value
//! than its form.

use std::time::Duration;

use super::{Result, usage};

/// Lists that `ssh -G` prints whether anybody has set them or not.
const LISTS: [&str; 5] =
    ["ciphers", "macs", "kexalgorithms", "hostkeyalgorithms", "pubkeyacceptedalgorithms"];

/// Keywords and values in order, a keyword several times where it has several values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer(Vec<(String, Vec<u8>)>);

impl Answer {
    /// Reads the answer of `ssh -G`: a keyword and its value per line.
    pub fn new(text: &[u8]) -> Self {
        let pairs = text.split(|&b| b == b'\n').filter(|line| !line.is_empty()).map(|line| {
            let cut = line.iter().position(|&b| b == b' ').unwrap_or(line.len());
            let (keyword, value) = line.split_at(cut);
            (String::from_utf8_lossy(keyword).to_ascii_lowercase(), value.trim_ascii().to_vec())
        });
        Answer(pairs.collect())
    }

    pub fn of(pairs: Vec<(String, Vec<u8>)>) -> Self {
        Answer(pairs)
    }

    /// Leaves out the lists that are as ssh has them where nothing is said.
    pub fn without(mut self, defaults: &Answer) -> Self {
        self.0.retain(|pair| !LISTS.contains(&pair.0.as_str()) || !defaults.0.contains(pair));
        self
    }

    /// A list of algorithms of which the configuration leaves nothing, if there is one.
    pub fn empty_list(&self) -> Option<&str> {
        self.0
            .iter()
            .find(|(keyword, value)| LISTS.contains(&keyword.as_str()) && value.is_empty())
            .map(|(keyword, _)| keyword.as_str())
    }

    pub fn all<'a>(&'a self, keyword: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.0.iter().filter(move |(k, v)| k == keyword && !v.is_empty()).map(|(_, v)| v.as_slice())
    }

    pub fn bytes(&self, keyword: &str) -> Option<&[u8]> {
        self.0.iter().find(|(k, v)| k == keyword && !v.is_empty()).map(|(_, v)| v.as_slice())
    }

    pub fn text(&self, keyword: &str) -> Option<String> {
        self.bytes(keyword).map(|value| String::from_utf8_lossy(value).into_owned())
    }

    /// `None` is also what `none` means.
    pub fn some(&self, keyword: &str) -> Option<&[u8]> {
        self.bytes(keyword).filter(|value| !is_none(value))
    }

    pub fn needed(&self, keyword: &str) -> Result<String> {
        self.text(keyword).ok_or_else(|| usage(&format!("ssh -G names no {keyword}")))
    }

    pub fn flag(&self, keyword: &str, unsaid: bool) -> bool {
        match self.bytes(keyword) {
            None => unsaid,
            Some(value) => !matches!(value, b"no" | b"false"),
        }
    }

    pub fn number(&self, keyword: &str) -> Option<u64> {
        std::str::from_utf8(self.bytes(keyword)?).ok()?.parse().ok()
    }

    pub fn seconds(&self, keyword: &str) -> Option<Duration> {
        self.number(keyword).filter(|&n| n > 0).map(Duration::from_secs)
    }

    pub fn list(&self, keyword: &str) -> Vec<String> {
        let text = self.text(keyword).unwrap_or_default();
        text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
    }
}

pub(super) fn is_none(value: &[u8]) -> bool {
    value.eq_ignore_ascii_case(b"none")
}
