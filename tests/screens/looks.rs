//! How a view looks in the dark and in the light theme: a letter for each place of the screen, and
//! what each letter stands for. Must not know what the view is of.

use std::{collections::HashMap, fmt};

use ratatui::{
    Terminal,
    backend::TestBackend,
    buffer::Cell,
    style::{Color, Modifier},
};
use wharf::ui::{
    theme::{Background, Depth, Theme},
    view,
};

use crate::{Ui, look::contrast, seen};

/// A piece of the screen with one look in each theme.
type Look = [(Color, Color, Modifier); 2];

const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+*#%&@";

#[derive(Default)]
pub struct Looks {
    letters: HashMap<Look, char>,
    known: Vec<Look>,
    screens: Vec<String>,
    /// What they are of.
    of: String,
}

impl Looks {
    pub fn add(&mut self, ui: &mut Ui) {
        self.of = seen::what(&ui.state);
        let size = ui.state.size;
        let before = ui.state.theme.clone();
        let [dark, light] = [Background::Dark, Background::Light].map(|background| {
            ui.state.theme = Theme { depth: Depth::True, background, ..Theme::default() };
            let mut terminal = Terminal::new(TestBackend::new(size.width, size.height)).unwrap();
            terminal.draw(|frame| view::draw(frame, &ui.state)).unwrap();
            terminal.backend().buffer().clone()
        });
        ui.state.theme = before;
        let mut screen = format!("{}x{}\n", size.width, size.height);
        for y in 0..size.height {
            for x in 0..size.width {
                let (dark, light) = (dark.cell((x, y)).unwrap(), light.cell((x, y)).unwrap());
                assert_eq!(dark.symbol(), light.symbol(), "the theme changes what is said");
                legible(dark, (0x1a, 0x1b, 0x26));
                legible(light, (0xfa, 0xfa, 0xfa));
                let look = [dark, light].map(|cell| (cell.fg, cell.bg, cell.modifier));
                screen.push(self.letter(look));
            }
            screen.push('\n');
        }
        self.screens.push(screen);
    }

    fn letter(&mut self, look: Look) -> char {
        if look.iter().all(|part| *part == (Color::Reset, Color::Reset, Modifier::empty())) {
            return '.';
        }
        *self.letters.entry(look).or_insert_with(|| {
            self.known.push(look);
            char::from(*LETTERS.get(self.known.len() - 1).unwrap_or(&b'?'))
        })
    }
}

/// Letters and digits can be told from what is behind them: `ground` where nothing else is.
fn legible(cell: &Cell, ground: (u8, u8, u8)) {
    let colour = |colour: Color| match colour {
        Color::Rgb(r, g, b) => Some((r, g, b)),
        _ => None,
    };
    if !cell.symbol().chars().any(char::is_alphanumeric) {
        return;
    }
    if let (Some(text), behind) = (colour(cell.fg), colour(cell.bg).unwrap_or(ground)) {
        let ratio = contrast(text, behind);
        assert!(ratio >= 2.0, "{} in {} on {} is {ratio:.1} to 1", cell.symbol(), cell.fg, cell.bg);
    }
}

impl fmt::Display for Looks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "of: {}", self.of)?;
        for look in &self.known {
            let [dark, light] = look.map(|(fg, bg, modifier)| {
                let bg = if bg == Color::Reset { String::new() } else { format!(" on {bg}") };
                let more = if modifier.is_empty() { String::new() } else { format!(" {modifier:?}") };
                format!("{fg}{bg}{more}")
            });
            writeln!(f, "{}  {dark:<40} {light}", self.letters[look])?;
        }
        self.screens.iter().try_for_each(|screen| write!(f, "\n{screen}"))
    }
}
