//! Themes by name: the built-in ones, and those of `themes/NAME.toml`, which say what each role
//! looks like. Every mistake is named with its line, and the rest counts. Must read no file itself.

use ratatui::style::{Modifier, Style};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Background, Depth, Role, Theme, colour};
use crate::{config::Problems, ui::keymap::kebab};

/// What a theme changes in what the terminal calls for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// `None`: as the terminal's is.
    pub background: Option<Background>,
    /// Never more colours than these.
    pub depth: Option<Depth>,
    /// Looks that replace those of the program.
    pub own: Vec<(Role, Style)>,
}

/// The names of the built-in themes.
pub const BUILT_IN: [&str; 5] = ["auto", "dark", "light", "16", "mono"];

impl Choice {
    pub fn built_in(name: &str) -> Option<Choice> {
        let choice = Choice::default();
        Some(match name {
            "auto" => choice,
            "dark" => Choice { background: Some(Background::Dark), ..choice },
            "light" => Choice { background: Some(Background::Light), ..choice },
            "16" => Choice { depth: Some(Depth::Sixteen), ..choice },
            "mono" => Choice { depth: Some(Depth::None), ..choice },
            _ => return None,
        })
    }

    /// The theme in the text of `file`, and what in it means nothing, each with its line.
    pub fn parse(text: &str, file: &str) -> (Choice, Vec<String>) {
        let mut choice = Choice::default();
        let (root, errors) = DeTable::parse_recoverable(text);
        let mut problems = Problems::of(text, file, &errors);
        for (key, value) in sorted(root.get_ref()) {
            let at = value.span().start;
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("base", DeValue::String(name)) => match Choice::built_in(name) {
                    Some(base) => choice = Choice { own: choice.own, ..base },
                    None => {
                        problems
                            .add(at, format!("there is no theme {name}; there are {}", BUILT_IN.join(", ")));
                    }
                },
                ("roles", DeValue::Table(roles)) => {
                    for (key, value) in sorted(roles) {
                        let Some(role) =
                            Role::ALL.into_iter().find(|role| role.id() == key.get_ref().as_ref())
                        else {
                            let all = Role::ALL.map(Role::id).join(", ");
                            problems.add(
                                key.span().start,
                                format!("there is no role {}; there are {all}", key.get_ref()),
                            );
                            continue;
                        };
                        match style(value) {
                            Ok(style) => choice.own.push((role, style)),
                            Err((at, why)) => problems.add(at, why),
                        }
                    }
                }
                (other, _) => problems.add(
                    key.span().start,
                    format!("{other} means nothing here; a theme has base = \"dark\" and [roles]"),
                ),
            }
        }
        (choice, problems.told())
    }

    /// The theme on a terminal.
    pub fn on(&self, terminal: Theme) -> Theme {
        let depth = self.depth.map_or(terminal.depth, |most| terminal.depth.min(most));
        Theme { depth, background: self.background.unwrap_or(terminal.background), own: self.own.clone() }
    }
}

/// In the order of the lines.
fn sorted<'a, 'i>(
    table: &'a DeTable<'i>,
) -> Vec<(&'a Spanned<std::borrow::Cow<'i, str>>, &'a Spanned<DeValue<'i>>)> {
    let mut rows: Vec<_> = table.iter().collect();
    rows.sort_by_key(|(key, _)| key.span().start);
    rows
}

/// A colour of the text, or a table with more.
fn style(value: &Spanned<DeValue<'_>>) -> Result<Style, (usize, String)> {
    let DeValue::Table(table) = value.get_ref() else {
        return Ok(Style::new().fg(colour_of(value)?));
    };
    let mut style = Style::new();
    for (key, value) in sorted(table) {
        let modifier = match key.get_ref().as_ref() {
            "fg" => {
                style = style.fg(colour_of(value)?);
                continue;
            }
            "bg" => {
                style = style.bg(colour_of(value)?);
                continue;
            }
            "bold" => Modifier::BOLD,
            "dim" => Modifier::DIM,
            "italic" => Modifier::ITALIC,
            "underlined" => Modifier::UNDERLINED,
            "reversed" => Modifier::REVERSED,
            other => {
                let what =
                    format!("there is no {other}; there are fg, bg, bold, dim, italic, underlined, reversed");
                return Err((key.span().start, what));
            }
        };
        match value.get_ref() {
            DeValue::Boolean(true) => style = style.add_modifier(modifier),
            DeValue::Boolean(false) => {}
            _ => return Err((value.span().start, format!("{} is true or false", key.get_ref()))),
        }
    }
    Ok(style)
}

fn colour_of(value: &Spanned<DeValue<'_>>) -> Result<ratatui::style::Color, (usize, String)> {
    let text = match value.get_ref() {
        DeValue::String(text) => text.as_ref(),
        DeValue::Integer(number) => number.as_str(),
        _ => "this",
    };
    colour::parse(text).map_err(|why| (value.span().start, why))
}

impl Role {
    /// As it is written in a theme.
    pub fn id(self) -> String {
        kebab(&format!("{self:?}"))
    }
}

#[cfg(test)]
mod tests {
    use ratatui::style::Color;

    use super::*;

    #[test]
    fn a_theme_says_what_roles_look_like() {
        let text = "base = 'light'\n[roles]\ntext = '#101010'\ncursor = { bg = 189, bold = true }\n";
        let (choice, problems) = Choice::parse(text, "t.toml");
        assert_eq!(problems, Vec::<String>::new());
        let theme = choice.on(Theme { depth: Depth::Indexed, ..Theme::default() });
        assert_eq!(theme.background, Background::Light);
        assert_eq!(theme.style(Role::Text).fg, Some(Color::Indexed(233)));
        assert_eq!(
            theme.style(Role::Cursor),
            Style::new().bg(Color::Indexed(189)).add_modifier(Modifier::BOLD)
        );
        let plain = Theme { depth: Depth::Indexed, background: Background::Light, own: Vec::new() };
        assert_eq!(theme.style(Role::Bad), plain.style(Role::Bad), "the rest is as it was");
    }

    #[test]
    fn no_colour_is_used_where_there_is_none() {
        let (choice, _) = Choice::parse("[roles]\nbad = { fg = 'red', bg = 'blue', bold = true }", "t");
        let theme = choice.on(Theme { depth: Depth::None, ..Theme::default() });
        let style = theme.style(Role::Bad);
        assert_eq!((style.fg, style.bg, style.add_modifier), (None, None, Modifier::BOLD));
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        let text = "base = 'dusk'\ncolour = 1\n[roles]\ntext = 'bluish'\ntxt = 'red'\ncursor = { gb = 1 }\n\
                    dir = { bold = 1 }\nbad = 'red'\n";
        let (choice, problems) = Choice::parse(text, "t.toml");
        for (line, problem) in [1, 2, 4, 5, 6, 7].into_iter().zip(&problems) {
            assert!(problem.starts_with(&format!("t.toml:{line}: ")), "{problem}");
        }
        assert_eq!((problems.len(), choice.own.len()), (6, 1), "{problems:#?}");
        assert!(!Choice::parse("[roles", "t").1.is_empty());
    }

    #[test]
    fn built_in_themes_take_colours_away_and_never_add_any() {
        for name in BUILT_IN {
            let choice = Choice::built_in(name).unwrap();
            for depth in [Depth::None, Depth::Sixteen, Depth::Indexed, Depth::True] {
                assert!(choice.on(Theme { depth, ..Theme::default() }).depth <= depth, "{name}");
            }
        }
    }
}
