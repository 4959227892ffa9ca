//! Renaming many at a time: new names made from old ones by a recipe, what stands in the way of
//! them, and the order in which they can be given. Pure: the names are all it knows.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Local, Utc};
use regex::bytes::{NoExpand, Regex, RegexBuilder};

use crate::fs::{
    Entry, Timestamp,
    path::{NAME_MAX, check_name},
};

/// Which letters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Letters {
    #[default]
    AsTheyAre,
    Lower,
    Upper,
    /// The first letter of each word a capital, the others small.
    Title,
}

/// How new names are made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recipe {
    /// `[N]` is the name without its extension, `[E]` the extension with its dot, `[C]` a counter
    /// (`[C:3]` with three digits, `[C:3:10]` from 10 on), `[D]` the date of the last change, `[[`
    /// a bracket.
    pub pattern: String,
    /// Replaced in what the pattern has made; empty replaces nothing.
    pub search: String,
    pub replace: String,
    /// `search` is a regular expression, and `$1` in `replace` its first group.
    pub is_regex: bool,
    pub letters: Letters,
    /// Dates are by UTC, not by the clock on this machine's wall.
    pub utc: bool,
}

/// An item with the name that it would get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renamed {
    pub from: Box<[u8]>,
    pub to: Box<[u8]>,
    pub problem: Option<Problem>,
}

impl Renamed {
    pub fn changes(&self) -> bool {
        self.from != self.to
    }
}

/// A name, and the one that it gives way to.
pub type NewName = (Box<[u8]>, Box<[u8]>);

/// Why a name cannot be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Another of them gets the same.
    Twice,
    /// Something that is not renamed has it.
    Exists,
    /// It is no name.
    Invalid(&'static str),
}

/// One rename in a folder. Each can be done once those before it are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which of the renames it belongs to.
    pub item: usize,
    pub from: Box<[u8]>,
    pub to: Box<[u8]>,
}

enum Part {
    Text(String),
    Name,
    Extension,
    Counter { digits: usize, from: u64 },
    Date,
}

impl Recipe {
    /// The names that the entries would get, in their order, and what stands in the way. `others`
    /// are the names in the same folder.
    ///
    /// # Errors
    /// What is wrong with the recipe, in a sentence.
    pub fn apply(&self, entries: &[&Entry], others: &HashSet<Box<[u8]>>) -> Result<Vec<Renamed>, String> {
        let parts = parse(&self.pattern)?;
        let search = self.search()?;
        let mut out: Vec<Renamed> = (0u64..)
            .zip(entries)
            .map(|(at, entry)| {
                let made = self.made(&parts, entry, at);
                let to = match &search {
                    None => made,
                    Some(search) if self.is_regex => {
                        search.replace_all(&made, self.replace.as_bytes()).into_owned()
                    }
                    Some(search) => search.replace_all(&made, NoExpand(self.replace.as_bytes())).into_owned(),
                };
                let to = self.letters.of(&to);
                Renamed { from: entry.name.clone(), to: to.into(), problem: None }
            })
            .collect();
        check(&mut out, others);
        Ok(out)
    }

    fn search(&self) -> Result<Option<Regex>, String> {
        /// Bytes that a compiled expression may take.
        const LARGEST: usize = 1 << 20;
        if self.search.is_empty() {
            return Ok(None);
        }
        let text = if self.is_regex { self.search.clone() } else { regex::escape(&self.search) };
        let built = RegexBuilder::new(&text).size_limit(LARGEST).build();
        built.map(Some).map_err(|error| {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default();
            format!(
                "This is no regular expression: {}.",
                last.trim_start_matches("error: ").trim_end_matches('.')
            )
        })
    }

    fn made(&self, parts: &[Part], entry: &Entry, at: u64) -> Vec<u8> {
        let dot = if entry.is_dir_like() { None } else { entry.name.iter().rposition(|byte| *byte == b'.') };
        let (name, extension) = match dot.filter(|dot| *dot > 0) {
            Some(dot) => entry.name.split_at_checked(dot).unwrap_or((&entry.name, b"")),
            None => (&*entry.name, &b""[..]),
        };
        let mut out = Vec::new();
        for part in parts {
            match part {
                Part::Text(text) => out.extend_from_slice(text.as_bytes()),
                Part::Name => out.extend_from_slice(name),
                Part::Extension => out.extend_from_slice(extension),
                Part::Counter { digits, from } => {
                    out.extend_from_slice(format!("{:0digits$}", from.saturating_add(at)).as_bytes());
                }
                Part::Date => {
                    out.extend_from_slice(date(entry.attributes.mtime, self.utc).as_bytes());
                }
            }
        }
        out
    }
}

fn date(time: Option<Timestamp>, utc: bool) -> String {
    let time = time.and_then(|time| DateTime::<Utc>::from_timestamp(time.seconds, 0));
    match time {
        Some(time) if utc => time.format("%Y-%m-%d").to_string(),
        Some(time) => time.with_timezone(&Local).format("%Y-%m-%d").to_string(),
        None => "undated".to_owned(),
    }
}

fn parse(pattern: &str) -> Result<Vec<Part>, String> {
    const HOW: &str = "There are [N], [E], [C], [C:3], [C:3:10] and [D]; a bracket itself is [[.";
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        if c != '[' {
            text.push(c);
            continue;
        }
        if let Some(behind) = rest.strip_prefix('[') {
            text.push('[');
            rest = behind;
            continue;
        }
        let (inside, behind) = rest.split_once(']').ok_or(HOW)?;
        rest = behind;
        if !text.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut text)));
        }
        let mut words = inside.split(':');
        let part = match (words.next().map(str::to_ascii_uppercase).as_deref(), words.next(), words.next()) {
            (Some("N"), None, None) => Part::Name,
            (Some("E"), None, None) => Part::Extension,
            (Some("D"), None, None) => Part::Date,
            (Some("C"), digits, from) if words.next().is_none() => Part::Counter {
                digits: digits.unwrap_or("1").parse().ok().filter(|digits| *digits <= 18).ok_or(HOW)?,
                from: from.unwrap_or("1").parse().map_err(|_| HOW)?,
            },
            _ => return Err(HOW.to_owned()),
        };
        parts.push(part);
    }
    if !text.is_empty() {
        parts.push(Part::Text(text));
    }
    if parts.is_empty() {
        return Err("The pattern is empty.".to_owned());
    }
    Ok(parts)
}

impl Letters {
    /// Bytes that are no text stay as they are.
    fn of(self, name: &[u8]) -> Vec<u8> {
        if self == Letters::AsTheyAre {
            return name.to_vec();
        }
        let mut out = Vec::with_capacity(name.len());
        let mut in_word = false;
        for chunk in name.utf8_chunks() {
            let text = match self {
                Letters::AsTheyAre => chunk.valid().to_owned(),
                Letters::Lower => chunk.valid().to_lowercase(),
                Letters::Upper => chunk.valid().to_uppercase(),
                Letters::Title => {
                    let mut text = String::new();
                    for c in chunk.valid().chars() {
                        if in_word {
                            text.extend(c.to_lowercase())
                        } else {
                            text.extend(c.to_uppercase())
                        }
                        // The letters behind an apostrophe or a dot belong to the word.
                        in_word = c.is_alphanumeric() || matches!(c, '\'' | '’' | '.');
                    }
                    text
                }
            };
            out.extend_from_slice(text.as_bytes());
            out.extend_from_slice(chunk.invalid());
        }
        out
    }
}

/// Marks what cannot be.
fn check(all: &mut [Renamed], others: &HashSet<Box<[u8]>>) {
    let mut count: HashMap<Box<[u8]>, usize> = HashMap::new();
    for one in all.iter() {
        *count.entry(one.to.clone()).or_default() += 1;
    }
    let leaving: HashSet<Box<[u8]>> = all.iter().map(|one| one.from.clone()).collect();
    for one in all {
        one.problem = match check_name(&one.to) {
            Err(crate::fs::path::NameError::Empty) => Some(Problem::Invalid("no name is left")),
            Err(crate::fs::path::NameError::Dots) => Some(Problem::Invalid("this is no name")),
            Err(_) => Some(Problem::Invalid("a name has no /")),
            Ok(()) if one.to.len() > NAME_MAX => Some(Problem::Invalid("too long")),
            Ok(()) if count.get(&one.to).is_some_and(|count| *count > 1) => Some(Problem::Twice),
            Ok(()) if others.contains(&one.to) && !leaving.contains(&one.to) => Some(Problem::Exists),
            Ok(()) => None,
        };
    }
}

/// The order in which the names can be given: none is given before whoever has it has left it.
/// Where they go round in a circle, one of them takes another name meanwhile, made by `spare`.
///
/// `renames` must have been checked: no target twice, none that exists and stays.
pub fn steps(renames: &[NewName], mut spare: impl FnMut(usize) -> Box<[u8]>) -> Vec<Step> {
    let holders: HashMap<&[u8], usize> =
        renames.iter().enumerate().map(|(at, (from, _))| (&**from, at)).collect();
    let mut done = vec![false; renames.len()];
    let mut out = Vec::new();
    for start in 0..renames.len() {
        // Whoever holds the name goes first, and so on; a circle comes back to its start.
        let mut chain = Vec::new();
        let mut on_chain = HashSet::new();
        let mut at = start;
        let circle = loop {
            let Some((from, to)) = renames.get(at).filter(|(from, to)| from != to) else { break None };
            if done.get(at).copied().unwrap_or(true) {
                break None;
            }
            if !on_chain.insert(at) {
                break Some(at);
            }
            chain.push((at, from, to));
            match holders.get(&**to) {
                Some(holder) => at = *holder,
                None => break None,
            }
        };
        let aside = circle.map(|item| (item, spare(item)));
        if let Some((item, name)) = &aside
            && let Some((from, _)) = renames.get(*item)
        {
            out.push(Step { item: *item, from: from.clone(), to: name.clone() });
        }
        for (item, from, to) in chain.into_iter().rev() {
            let from = match &aside {
                Some((moved, name)) if *moved == item => name.clone(),
                _ => from.clone(),
            };
            out.push(Step { item, from, to: to.clone() });
            if let Some(slot) = done.get_mut(item) {
                *slot = true;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fs::Kind;

    fn entry(name: &str) -> Entry {
        let mut entry = Entry::new(name.as_bytes(), Kind::File);
        // 2026-11-20 21:00 UTC.
        entry.attributes.mtime = Some(Timestamp::from_seconds(1_795_208_400));
        entry
    }

    fn recipe(pattern: &str) -> Recipe {
        Recipe { pattern: pattern.into(), utc: true, ..Recipe::default() }
    }

    fn names(recipe: &Recipe, old: &[&str]) -> Vec<String> {
        let entries: Vec<Entry> = old.iter().map(|name| entry(name)).collect();
        let renamed = recipe.apply(&entries.iter().collect::<Vec<_>>(), &HashSet::new()).unwrap();
        renamed.iter().map(|one| String::from_utf8_lossy(&one.to).into_owned()).collect()
    }

    #[test]
    fn placeholders() {
        assert_eq!(names(&recipe("[N][E]"), &["a.tar.gz", "b", ".env"]), ["a.tar.gz", "b", ".env"]);
        assert_eq!(names(&recipe("x-[C:3][E]"), &["a.jpg", "b"]), ["x-001.jpg", "x-002"]);
        assert_eq!(names(&recipe("[C:2:10]_[n]"), &["a.jpg", "b"]), ["10_a", "11_b"]);
        assert_eq!(names(&recipe("[D] [[[C]]"), &["a"]), ["2026-11-20 [1]"]);
        for bad in ["", "[X]", "[N", "[C:x]", "[C:99]", "[N:1]", "[C:1:2:3]"] {
            assert!(recipe(bad).apply(&[&entry("a")], &HashSet::new()).is_err(), "{bad}");
        }
    }

    #[test]
    fn searching_and_letters() {
        let plain = Recipe { search: ".".into(), replace: "$0_".into(), ..recipe("[N][E]") };
        assert_eq!(names(&plain, &["a.b.c"]), ["a$0_b$0_c"]);
        let regex = Recipe {
            search: r"^(\d+)-(.*)$".into(),
            replace: "$2 ${1}x".into(),
            is_regex: true,
            ..recipe("[N]")
        };
        assert_eq!(names(&regex, &["12-ab.txt"]), ["ab 12x"]);
        let broken = Recipe { search: "(".into(), is_regex: true, ..recipe("[N]") };
        assert!(broken.apply(&[&entry("a")], &HashSet::new()).unwrap_err().contains("regular expression"));
        let letters = |letters| Recipe { letters, ..recipe("[N][E]") };
        assert_eq!(
            names(&letters(Letters::Title), &["ärger mit-PETER'S file.TXT"]),
            ["Ärger Mit-Peter's File.txt"]
        );
        assert_eq!(names(&letters(Letters::Upper), &["straße.txt"]), ["STRASSE.TXT"]);
        let bytes = Entry::new(&b"CAF\xe9.Txt"[..], Kind::File);
        let made = letters(Letters::Lower).apply(&[&bytes], &HashSet::new()).unwrap();
        assert_eq!(&*made[0].to, b"caf\xe9.txt");
    }

    #[test]
    fn what_cannot_be_is_marked() {
        let entries = ["a", "b", "c.x"].map(entry);
        let entries: Vec<&Entry> = entries.iter().collect();
        let others: HashSet<Box<[u8]>> = ["a", "b", "c.x", "d"].map(|name| name.as_bytes().into()).into();
        let problems = |recipe: &Recipe| -> Vec<Option<Problem>> {
            recipe.apply(&entries, &others).unwrap().iter().map(|one| one.problem).collect()
        };
        assert_eq!(problems(&recipe("same")), [Some(Problem::Twice); 3]);
        let to_d = Recipe { search: "a".into(), replace: "d".into(), ..recipe("[N][E]") };
        assert_eq!(problems(&to_d), [Some(Problem::Exists), None, None]);
        let round = Recipe { search: "a".into(), replace: "b".into(), ..recipe("[N][E]") };
        assert_eq!(problems(&round), [Some(Problem::Twice), Some(Problem::Twice), None]);
        assert!(matches!(problems(&recipe("[E]"))[0], Some(Problem::Invalid(_))));
        assert!(matches!(problems(&recipe("[N]/x"))[1], Some(Problem::Invalid(_))));
        assert_eq!(problems(&recipe(&"x".repeat(256)))[0], Some(Problem::Invalid("too long")));
    }

    proptest! {
        /// Whatever goes to whatever: every step finds its source and no target in the way, and in
        /// the end everything is called as it was to be.
        #[test]
        fn steps_lead_there_without_ever_replacing(order in Just((0..9u8).collect::<Vec<_>>()).prop_shuffle(), kept in 0..9u8, shift in 0..4u8) {
            let name = |n: u8| -> Box<[u8]> { format!("n{n}").into_bytes().into() };
            let renames: Vec<_> = (0..9u8)
                .map(|n| (name(n), if n < kept { name(order[n as usize]) } else { name(order[n as usize] + 9 * shift.min(1)) }))
                .collect();
            // Only what a check would let pass.
            let targets: HashSet<_> = renames.iter().map(|(_, to)| to.clone()).collect();
            prop_assume!(targets.len() == renames.len());
            let mut folder: HashMap<Box<[u8]>, usize> =
                renames.iter().enumerate().map(|(at, (from, _))| (from.clone(), at)).collect();
            let steps = steps(&renames, |at| format!(".spare{at}").into_bytes().into());
            for step in &steps {
                let held = folder.remove(&step.from).expect("its source is there");
                prop_assert_eq!(held, step.item);
                prop_assert!(folder.insert(step.to.clone(), held).is_none(), "{:?} is taken", step.to);
            }
            for (at, (_, to)) in renames.iter().enumerate() {
                prop_assert_eq!(folder.get(to), Some(&at));
            }
            prop_assert!(steps.len() <= renames.len() + renames.len() / 2);
        }
    }
}
