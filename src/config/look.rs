//! The texts that say how the interface looks and which keys it has. Plain data: what they mean
//! is the interface's to say.

use super::Settings;

/// The text of a file, with the name that people know it by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    pub file: String,
    pub text: String,
}

/// What there is.
#[derive(Clone, Debug, Default)]
pub struct Look {
    pub settings: Settings,
    /// `themes/NAME.toml` of the theme that is set, where there is one.
    pub theme: Option<Text>,
    /// `keys.toml`.
    pub keys: Option<Text>,
    /// What is wrong with the files, each with its file and line. Unescaped.
    pub problems: Vec<String>,
}
