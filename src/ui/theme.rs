//! Colours: what each part of the screen looks like on dark and light terminals, with many
//! colours, few, or none. Owns no state; whoever makes one says what the terminal can do.

mod colour;
pub mod file;

use ratatui::style::{Color, Modifier, Style};

/// What a piece of the screen is, so that its look is decided in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// What matters.
    Text,
    /// The rest.
    Soft,
    /// What is there but rarely read: units, separators.
    Faint,
    Accent,
    /// Accent and bold: what is active.
    Title,
    Border,
    BorderActive,
    Dir,
    Link,
    Executable,
    Special,
    Hidden,
    Selected,
    Good,
    Warning,
    Bad,
    /// The row of the cursor where the keys go.
    Cursor,
    /// The row of the cursor elsewhere.
    CursorIdle,
    Button,
    ButtonChosen,
    ButtonDanger,
    Input,
    /// The parts of a text that is coloured by its syntax.
    Comment,
    String,
    Number,
    Keyword,
    Type,
    Function,
    /// A tag, a key, the name of a setting.
    Tag,
}

impl Role {
    pub const ALL: [Role; 29] = [
        Role::Text,
        Role::Soft,
        Role::Faint,
        Role::Accent,
        Role::Title,
        Role::Border,
        Role::BorderActive,
        Role::Dir,
        Role::Link,
        Role::Executable,
        Role::Special,
        Role::Hidden,
        Role::Selected,
        Role::Good,
        Role::Warning,
        Role::Bad,
        Role::Cursor,
        Role::CursorIdle,
        Role::Button,
        Role::ButtonChosen,
        Role::ButtonDanger,
        Role::Input,
        Role::Comment,
        Role::String,
        Role::Number,
        Role::Keyword,
        Role::Type,
        Role::Function,
        Role::Tag,
    ];
}

/// How many colours a terminal shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// `NO_COLOR`: weight and inversion only.
    None,
    Sixteen,
    Indexed,
    True,
}

/// What is behind the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Background {
    Dark,
    Light,
}

/// The colours in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Theme {
    pub depth: Depth,
    pub background: Background,
    /// Looks that replace those of the program, the last one of a role first.
    pub own: Vec<(Role, Style)>,
}

impl Default for Theme {
    fn default() -> Self {
        Theme { depth: Depth::Indexed, background: Background::Dark, own: Vec::new() }
    }
}

/// One colour in each depth.
type Shade = (u32, u8, Color);

/// Terminals without any colour.
fn has_none(term: &str) -> bool {
    term == "dumb" || term.starts_with("vt1") || term.starts_with("vt2") || term.ends_with("-m")
}

impl Theme {
    /// Chooses by what the environment says; `variable` looks one up.
    pub fn choose(variable: impl Fn(&str) -> Option<String>) -> Theme {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let term = set("TERM").unwrap_or_default();
        let depth = if set("NO_COLOR").is_some() || has_none(&term) {
            Depth::None
        } else if set("COLORTERM").is_some_and(|v| v == "truecolor" || v == "24bit") {
            Depth::True
        } else if term.contains("256color") || term.contains("kitty") || term.contains("alacritty") {
            Depth::Indexed
        } else {
            Depth::Sixteen
        };
        // COLORFGBG is "foreground;background" as indices of the sixteen colours.
        let light = set("COLORFGBG")
            .and_then(|value| value.rsplit(';').next().and_then(|back| back.parse::<u8>().ok()))
            .is_some_and(|back| back == 7 || (9..=15).contains(&back));
        let background = if light { Background::Light } else { Background::Dark };
        Theme { depth, background, own: Vec::new() }
    }

    /// How a role looks.
    pub fn style(&self, role: Role) -> Style {
        if let Some((_, own)) = self.own.iter().rev().find(|(other, _)| *other == role) {
            return reduced(*own, self.depth);
        }
        if self.depth == Depth::None {
            return plain(role);
        }
        let dark = self.background == Background::Dark;
        let pick = |on_dark: Shade, on_light: Shade| {
            let (rgb, index, named) = if dark { on_dark } else { on_light };
            match self.depth {
                Depth::True => Color::from_u32(rgb),
                Depth::Indexed => Color::Indexed(index),
                Depth::Sixteen | Depth::None => named,
            }
        };
        let fg = |on_dark: Shade, on_light: Shade| Style::new().fg(pick(on_dark, on_light));
        // An accent of one's own is that of all that is drawn in it.
        let own_accent = self.own.iter().rev().find(|(other, _)| *other == Role::Accent);
        let own_accent = own_accent.and_then(|(_, own)| reduced(*own, self.depth).fg);
        let accent = || {
            own_accent.unwrap_or_else(|| pick((0x7aa2f7, 111, Color::LightBlue), (0x2e5fd0, 26, Color::Blue)))
        };
        let text = || pick((0xd5d8e0, 253, Color::Reset), (0x23262f, 235, Color::Reset));
        let raised = || pick((0x2c3450, 237, Color::Blue), (0xd4def7, 189, Color::Cyan));
        let low = || pick((0x24262e, 235, Color::Black), (0xe9e9ec, 254, Color::Gray));
        match role {
            Role::Text => Style::new().fg(text()),
            Role::Soft => fg((0x9ea3b0, 248, Color::Gray), (0x5a5f6b, 241, Color::DarkGray)),
            Role::Faint => fg((0x6b7080, 242, Color::DarkGray), (0x8b909c, 246, Color::DarkGray)),
            Role::Accent => Style::new().fg(accent()),
            Role::Title => Style::new().fg(accent()).add_modifier(Modifier::BOLD),
            Role::Border => fg((0x454a59, 239, Color::DarkGray), (0xb9bdc7, 250, Color::Gray)),
            Role::BorderActive => Style::new().fg(accent()),
            Role::Dir => fg((0x89b4fa, 110, Color::LightBlue), (0x2458b8, 25, Color::Blue))
                .add_modifier(Modifier::BOLD),
            Role::Link => fg((0x7fc8c2, 116, Color::Cyan), (0x0f7a74, 30, Color::Cyan)),
            Role::Executable => fg((0xa6d189, 150, Color::Green), (0x3f7d20, 64, Color::Green)),
            Role::Special => fg((0xd4a6d9, 182, Color::Magenta), (0x8a3f93, 97, Color::Magenta)),
            Role::Hidden => fg((0x8a8f9d, 246, Color::Gray), (0x7a7f8b, 243, Color::DarkGray)),
            Role::Selected => fg((0xe5c07b, 180, Color::Yellow), (0x9a6400, 130, Color::Magenta))
                .add_modifier(Modifier::BOLD),
            Role::Good => fg((0x98c379, 114, Color::Green), (0x2f7d32, 28, Color::Green)),
            Role::Warning => fg((0xe5c07b, 180, Color::Yellow), (0x9a6400, 130, Color::Red)),
            Role::Bad => fg((0xf07178, 210, Color::LightRed), (0xc62828, 160, Color::Red)),
            // Few of sixteen colours can be read on another one.
            Role::Cursor if self.depth == Depth::Sixteen => {
                Style::new().fg(if dark { Color::White } else { Color::Black }).bg(raised())
            }
            Role::Cursor => Style::new().bg(raised()),
            Role::CursorIdle => Style::new().bg(low()),
            Role::Button => Style::new().fg(text()).bg(low()),
            Role::ButtonChosen => {
                let dark_text = own_accent.map_or(dark, |accent| colour::is_light(accent).unwrap_or(dark));
                let dark_text = dark_text.then_some((0x10131c, 234, Color::Black));
                let shade = dark_text.unwrap_or((0xffffff, 231, Color::White));
                Style::new().fg(pick(shade, shade)).bg(accent())
            }
            Role::ButtonDanger => Style::new()
                .fg(pick((0x10131c, 234, Color::Black), (0xffffff, 231, Color::White)))
                .bg(pick((0xf07178, 210, Color::LightRed), (0xc62828, 160, Color::Red))),
            Role::Input => Style::new().fg(text()).bg(low()),
            Role::Comment => fg((0x8089a0, 103, Color::DarkGray), (0x6f7683, 243, Color::DarkGray)),
            Role::String => fg((0x98c379, 114, Color::Green), (0x2f7d32, 28, Color::Green)),
            Role::Number => fg((0xe0a06b, 179, Color::Yellow), (0xa34a00, 130, Color::Red)),
            Role::Keyword => fg((0xc099e8, 176, Color::LightMagenta), (0x8a3f93, 91, Color::Magenta)),
            Role::Type => fg((0x7fc8c2, 116, Color::Cyan), (0x0f7a74, 30, Color::Cyan)),
            Role::Function => fg((0x89b4fa, 110, Color::LightBlue), (0x2458b8, 25, Color::Blue)),
            Role::Tag => fg((0xf0909b, 211, Color::LightRed), (0xb3263b, 124, Color::Red)),
        }
    }

    /// The colour itself, or the nearest that there is.
    pub fn colour(&self, [r, g, b]: [u8; 3]) -> Color {
        colour::reduce(Color::Rgb(r, g, b), self.depth)
    }
}

/// A look with the colours that the depth has.
fn reduced(style: Style, depth: Depth) -> Style {
    let has_colour = depth != Depth::None;
    let reduce = |colour: Option<Color>| colour.filter(|_| has_colour).map(|c| colour::reduce(c, depth));
    Style { fg: reduce(style.fg), bg: reduce(style.bg), ..style }
}

/// Without colours: weight, underline and inversion say what matters; marks say the rest.
fn plain(role: Role) -> Style {
    let with = |modifier| Style::new().add_modifier(modifier);
    match role {
        Role::Title | Role::Dir | Role::Selected | Role::BorderActive | Role::Accent | Role::Bad => {
            with(Modifier::BOLD)
        }
        Role::Faint | Role::Border | Role::Hidden => with(Modifier::DIM),
        Role::Cursor | Role::ButtonChosen | Role::ButtonDanger => with(Modifier::REVERSED),
        Role::Input => with(Modifier::UNDERLINED),
        _ => Style::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(variables: &[(&str, &str)]) -> Theme {
        Theme::choose(|name| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn the_environment_is_heard() {
        assert_eq!(choose(&[("NO_COLOR", "1"), ("COLORTERM", "truecolor")]).depth, Depth::None);
        assert_eq!(choose(&[("NO_COLOR", ""), ("COLORTERM", "truecolor")]).depth, Depth::True);
        assert_eq!(choose(&[("TERM", "xterm-256color")]).depth, Depth::Indexed);
        assert_eq!(choose(&[("TERM", "linux")]).depth, Depth::Sixteen);
        assert_eq!(choose(&[("COLORFGBG", "0;15")]).background, Background::Light);
        assert_eq!(choose(&[("COLORFGBG", "15;0")]).background, Background::Dark);
    }

    #[test]
    fn an_accent_of_ones_own_is_that_of_title_border_and_button() {
        let accent = Color::Rgb(255, 158, 100);
        let named = (Role::Accent, Style::new().fg(accent));
        let mut theme = Theme { depth: Depth::True, own: vec![named], ..Theme::default() };
        for role in [Role::Accent, Role::Title, Role::BorderActive] {
            assert_eq!(theme.style(role).fg, Some(accent), "{role:?}");
        }
        let chosen = theme.style(Role::ButtonChosen);
        assert_eq!((chosen.bg, chosen.fg), (Some(accent), Some(Color::from_u32(0x10131c))));
        theme.background = Background::Light;
        assert_eq!(theme.style(Role::ButtonChosen), chosen, "it can be read on either background");
        theme.own.push((Role::Title, Style::new().fg(Color::Red)));
        assert_eq!(theme.style(Role::Title).fg, Some(Color::Red), "what is named itself is as named");
    }

    #[test]
    fn sixteen_colours_tell_selected_from_bad_and_keep_the_cursors_row_readable() {
        let theme = |background| Theme { depth: Depth::Sixteen, background, own: Vec::new() };
        let light = theme(Background::Light);
        assert_ne!(light.style(Role::Selected).fg, light.style(Role::Bad).fg);
        assert_ne!(light.style(Role::Selected).fg, light.style(Role::Warning).fg);
        assert_eq!(light.style(Role::Cursor).fg, Some(Color::Black));
        assert_eq!(theme(Background::Dark).style(Role::Cursor).fg, Some(Color::White));
    }

    #[test]
    fn without_colour_no_colour_is_used() {
        let theme = Theme { depth: Depth::None, ..Theme::default() };
        for role in [Role::Cursor, Role::Bad, Role::Dir, Role::Button, Role::Good] {
            let style = theme.style(role);
            assert_eq!((style.fg, style.bg), (None, None), "{role:?}");
        }
    }
}
