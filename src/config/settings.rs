//! The settings of `config.toml`. Owns their names and defaults. Must never write the file.

use serde::{Deserialize, de::DeserializeOwned};
use toml::{Spanned, de::DeTable, de::DeValue};

use super::line::{Problems, in_a_line, line_of};

/// The pictures in front of names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Icons {
    #[default]
    None,
    /// Letters.
    Ascii,
    /// Signs that most fonts have.
    Unicode,
    /// Those of a Nerd Font, which the terminal must have.
    Nerd,
}

/// What a person can set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How many recent places are remembered; 0 remembers none.
    pub recent_places: usize,
    /// The name of a theme: a built-in one, or a file in `themes`.
    pub theme: String,
    /// The file and the line that name the theme; empty where none does.
    pub theme_at: String,
    pub icons: Icons,
    /// Transfers between the same two places that run at a time; the others wait.
    pub transfers: usize,
    /// Whether the panes compare checksums when they copy.
    pub verify: bool,
    /// Whether the terminal is told of what ended while nobody looked.
    pub notify: bool,
    /// And rings its bell.
    pub bell: bool,
    /// Whether the terminal shows progress itself; `None` where it is known to be able to.
    pub progress: Option<bool>,
}

/// What can be set, as it is written in the file.
const NAMES: [&str; 8] =
    ["recent_places", "theme", "icons", "transfers", "verify", "notify", "bell", "progress"];

impl Default for Settings {
    fn default() -> Self {
        Settings {
            recent_places: 50,
            theme: "auto".to_owned(),
            theme_at: String::new(),
            icons: Icons::None,
            transfers: 3,
            verify: false,
            notify: true,
            bell: false,
            progress: None,
        }
    }
}

impl Settings {
    /// The settings in the text of `file`, and what in it means nothing, each with its line. What
    /// cannot be read has its default.
    pub fn parse(text: &str, file: &str) -> (Settings, Vec<String>) {
        let mut settings = Settings::default();
        let (root, errors) = DeTable::parse_recoverable(text);
        let mut problems = Problems::of(text, file, &errors);
        let mut rows: Vec<_> = root.into_inner().into_iter().collect();
        rows.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in rows {
            let at = value.span().start;
            let result = match key.get_ref().as_ref() {
                "recent_places" => set(&mut settings.recent_places, NUMBER, value),
                "theme" => {
                    settings.theme_at = format!("{file}:{}", line_of(text, at));
                    set(&mut settings.theme, "the name of a theme, as \"dark\"", value)
                }
                "icons" => set(&mut settings.icons, "none, ascii, unicode or nerd", value),
                "transfers" => set(&mut settings.transfers, NUMBER, value),
                "verify" => set(&mut settings.verify, SWITCH, value),
                "notify" => set(&mut settings.notify, SWITCH, value),
                "bell" => set(&mut settings.bell, SWITCH, value),
                "progress" => set(&mut settings.progress, SWITCH, value),
                other => {
                    let all = NAMES.join(", ");
                    problems.add(key.span().start, format!("there is no setting {other}; there are {all}"));
                    Ok(())
                }
            };
            if let Err(why) = result {
                problems.add(at, format!("{} is to be {why}", key.get_ref()));
            }
        }
        (settings, problems.told())
    }
}

/// What a setting is to be, in words.
const NUMBER: &str = "a number from 0 on, as 5";
const SWITCH: &str = "true or false";

fn set<T: DeserializeOwned>(slot: &mut T, what: &str, value: Spanned<DeValue<'_>>) -> Result<(), String> {
    let read = T::deserialize(toml::de::ValueDeserializer::from(value));
    *slot = read.map_err(|error| format!("{what}: {}", in_a_line(error.message())))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_counts_and_the_rest_has_its_default() {
        assert_eq!(Settings::parse("", "c").0.recent_places, 50);
        let (settings, problems) = Settings::parse("\nother = 1\nrecent_places = 0\n", "c.toml");
        assert_eq!(settings.recent_places, 0);
        assert!(
            problems[0].starts_with("c.toml:2: there is no setting other; there are recent_places, theme,")
        );
        let (settings, problems) = Settings::parse("# first\nrecent_places = \"x\"", "c.toml");
        assert_eq!(settings, Settings::default());
        assert!(
            problems[0].starts_with("c.toml:2: recent_places is to be a number from 0 on"),
            "{problems:?}"
        );
        let (settings, problems) = Settings::parse("recent_places = 7\n[[[\n", "c.toml");
        assert_eq!(settings.recent_places, 7);
        let (settings, none) = Settings::parse("icons = 'nerd'\ntheme = 'mono'", "c");
        assert_eq!((settings.icons, settings.theme.as_str(), none.len()), (Icons::Nerd, "mono", 0));
        assert_eq!(Settings::parse("icons = 'big'", "c").1.len(), 1);
        // Each is known by its name, and says what it is to be.
        for name in NAMES {
            let (_, problems) = Settings::parse(&format!("{name} = []"), "c");
            let wanted = format!("c:1: {name} is to be ");
            assert!(problems.len() == 1 && problems[0].starts_with(&wanted), "{problems:?}");
            assert!(!problems[0].contains('\n'), "{problems:?}");
        }
        assert!(problems[0].starts_with("c.toml:2: "), "{problems:?}");
    }
}
