//! The settings of `config.toml`. Owns their names and defaults. Must never write the file.

use serde::Deserialize;

/// What a person can set.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// How many recent places are remembered; 0 remembers none.
    pub recent_places: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { recent_places: 50 }
    }
}

impl Settings {
    /// The settings in a text, and why they are the default ones if it cannot be read.
    pub fn parse(text: &str) -> (Settings, Option<String>) {
        match toml::from_str(text) {
            Ok(settings) => (settings, None),
            Err(error) => (Settings::default(), Some(error.message().to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_counts_and_the_rest_has_its_default() {
        assert_eq!(Settings::parse("").0.recent_places, 50);
        assert_eq!(Settings::parse("recent_places = 0\nother = 1").0.recent_places, 0);
        let (settings, why) = Settings::parse("recent_places = \"x\"");
        assert_eq!(settings, Settings::default());
        assert!(why.is_some());
    }
}
