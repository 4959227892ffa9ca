//! Renaming several items by a pattern: the fields, and what would become of each name. Plain
//! data; the names are made by `transfer::rename`.

use std::collections::HashSet;

use super::Field;
use crate::{
    fs::{Entry, Location},
    transfer::rename::{Letters, Recipe, Renamed},
};

/// How many fields there are: pattern, search, replace, whether that is a regular expression, and
/// the letters.
pub const FIELDS: usize = 5;

const LETTERS: [Letters; 4] = [Letters::AsTheyAre, Letters::Lower, Letters::Upper, Letters::Title];

/// The dialog.
#[derive(Clone, Debug)]
pub struct Rename {
    pub folder: Location,
    /// What is renamed, in the order of the counter.
    pub entries: Vec<Entry>,
    /// Every name in the folder.
    pub names: HashSet<Box<[u8]>>,
    pub pattern: Field,
    pub search: Field,
    pub replace: Field,
    pub is_regex: bool,
    pub letters: Letters,
    pub utc: bool,
    pub focus: usize,
    pub scroll: usize,
    /// What would become of each, or what is wrong with the recipe.
    pub made: Result<Vec<Renamed>, String>,
}

impl Rename {
    pub fn new(folder: Location, entries: Vec<Entry>, names: HashSet<Box<[u8]>>, utc: bool) -> Rename {
        let mut rename = Rename {
            folder,
            entries,
            names,
            pattern: Field::text("[N][E]"),
            search: Field::default(),
            replace: Field::default(),
            is_regex: false,
            letters: Letters::AsTheyAre,
            utc,
            focus: 0,
            scroll: 0,
            made: Ok(Vec::new()),
        };
        rename.make();
        rename
    }

    /// Makes the names anew: something of the recipe has changed.
    pub fn make(&mut self) {
        let recipe = Recipe {
            pattern: self.pattern.input.value().to_owned(),
            search: self.search.input.value().to_owned(),
            replace: self.replace.input.value().to_owned(),
            is_regex: self.is_regex,
            letters: self.letters,
            utc: self.utc,
        };
        self.made = recipe.apply(&self.entries.iter().collect::<Vec<_>>(), &self.names);
    }

    /// The field that is typed into.
    pub fn field_mut(&mut self) -> Option<&mut Field> {
        match self.focus {
            0 => Some(&mut self.pattern),
            1 => Some(&mut self.search),
            2 => Some(&mut self.replace),
            _ => None,
        }
    }

    pub fn change_letters(&mut self, forward: bool) {
        let at = LETTERS.iter().position(|letters| *letters == self.letters).unwrap_or(0);
        let step = if forward { 1 } else { LETTERS.len() - 1 };
        self.letters = LETTERS.get((at + step) % LETTERS.len()).copied().unwrap_or_default();
    }

    /// How many names change, and how many cannot be given.
    pub fn counts(&self) -> (usize, usize) {
        let made = self.made.as_deref().unwrap_or_default();
        let changing = made.iter().filter(|one| one.changes()).count();
        (changing, made.iter().filter(|one| one.problem.is_some()).count())
    }
}
