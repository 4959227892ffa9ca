//! Where one is in a long list, and what of it a typed text lets through. Plain data.

use tui_input::Input;

/// The row of the cursor and the first one that is seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    pub cursor: usize,
    pub top: usize,
}

impl Place {
    /// Keeps the cursor on a row that there is, and on the screen.
    pub fn settle(&mut self, count: usize, height: usize) {
        let height = height.max(1);
        self.cursor = self.cursor.min(count.saturating_sub(1));
        self.top = self.top.min(count.saturating_sub(height)).min(self.cursor);
        if self.cursor >= self.top.saturating_add(height) {
            self.top = self.cursor + 1 - height;
        }
    }

    /// Scrolls; the cursor comes along only where it would leave the screen.
    pub fn scroll(&mut self, rows: isize, count: usize, height: usize) {
        self.top = self.top.saturating_add_signed(rows).min(count.saturating_sub(height));
        let bottom = self.top.saturating_add(height.saturating_sub(1));
        self.cursor = self.cursor.clamp(self.top, bottom);
        self.settle(count, height);
    }
}

/// A text that names have to hold to be shown, without regard to case.
#[derive(Clone, Debug, Default)]
pub struct Sieve {
    pub input: Input,
    /// It is being typed.
    pub typing: bool,
}

impl Sieve {
    pub fn text(&self) -> &str {
        self.input.value()
    }

    /// What tells whether a name passes.
    pub fn test(&self) -> impl Fn(&[u8]) -> bool {
        let wanted = self.input.value().to_lowercase();
        move |name| wanted.is_empty() || String::from_utf8_lossy(name).to_lowercase().contains(&wanted)
    }
}
