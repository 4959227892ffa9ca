//! What a person has set of the look and the keys, made from the texts of their files. Every
//! mistake in them is named with its line, and the rest counts. Must read no file itself.

use super::{
    keymap::Keymap,
    theme::file::{BUILT_IN, Choice},
};
use crate::config::{Look, settings::Icons};

/// The settings of the interface.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    pub keymap: Keymap,
    pub theme: Choice,
    pub icons: Icons,
    /// Copies are verified by checksums.
    pub verify: bool,
    pub notify: bool,
    pub bell: bool,
    pub progress: Option<bool>,
    /// What means nothing in the files, each with its file and line. Unescaped.
    pub problems: Vec<String>,
}

impl Settings {
    /// Takes over what the files say.
    pub fn of(look: &Look) -> Settings {
        let mut problems = look.problems.clone();
        let keymap = look.keys.as_ref().map_or_else(Keymap::default, |keys| {
            let (keymap, wrong) = Keymap::custom(&keys.text, &keys.file);
            problems.extend(wrong);
            keymap
        });
        let theme = match (&look.theme, look.settings.theme.as_str()) {
            (Some(file), _) => {
                let (choice, wrong) = Choice::parse(&file.text, &file.file);
                problems.extend(wrong);
                choice
            }
            // Nothing is set.
            (None, "") => Choice::default(),
            (None, name) => Choice::built_in(name).unwrap_or_else(|| {
                let all = BUILT_IN.join(", ");
                problems.push(format!(
                    "{}: there is no theme {name}; there are {all}, and the files in the directory themes",
                    look.settings.theme_at
                ));
                Choice::default()
            }),
        };
        let crate::config::Settings { icons, verify, notify, bell, progress, .. } = look.settings;
        Settings { keymap, theme, icons, verify, notify, bell, progress, problems }
    }
}
