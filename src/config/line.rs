//! Where in a text of a person's something stands, and how what is wrong with it is told. Must know
//! nothing of what is in it.

use std::collections::BTreeSet;

/// The line of a place in a text, counted from one.
pub fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1
}

/// What a parser says, in one line.
pub fn in_a_line(message: &str) -> String {
    message.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(", ")
}

/// What is wrong in the text of a file.
pub struct Problems<'a> {
    text: &'a str,
    file: &'a str,
    /// With their lines.
    found: Vec<(usize, String)>,
    /// Lines that are no TOML.
    broken: BTreeSet<usize>,
}

impl<'a> Problems<'a> {
    /// Begins with what keeps the text from being TOML. Of each line only the first mistake counts:
    /// what else the parser says of it mostly follows from that.
    pub fn of(text: &'a str, file: &'a str, errors: &[toml::de::Error]) -> Problems<'a> {
        let mut problems = Problems { text, file, found: Vec::new(), broken: BTreeSet::new() };
        for error in errors {
            let line = line_of(text, error.span().map_or(0, |span| span.start));
            if problems.broken.insert(line) {
                let what = format!("this line is no TOML: {}", in_a_line(error.message()));
                problems.found.push((line, what));
            }
        }
        problems
    }

    /// Adds what is wrong at a place, unless nobody can know what its line is to say.
    pub fn add(&mut self, at: usize, what: impl Into<String>) {
        let line = line_of(self.text, at);
        if !self.broken.contains(&line) {
            self.found.push((line, what.into()));
        }
    }

    /// Each in one line, with its file and line; the first line first.
    pub fn told(mut self) -> Vec<String> {
        self.found.sort_by_key(|(line, _)| *line);
        self.found.iter().map(|(line, what)| format!("{}:{line}: {what}", self.file)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_told_line_by_line_and_a_broken_line_once() {
        let text = "a = 1\nb = x y z = ]\nc = 2\n[d\n";
        let (_, errors) = toml::de::DeTable::parse_recoverable(text);
        let mut problems = Problems::of(text, "c.toml", &errors);
        for word in ["c = 2", "x y", "a = 1"] {
            problems.add(text.find(word).unwrap(), format!("{word} means nothing"));
        }
        let told = problems.told();
        for (said, wanted) in told.iter().zip([
            "c.toml:1: a = 1 means nothing",
            "c.toml:2: this line is no TOML: ",
            "c.toml:3: c = 2 means nothing",
            "c.toml:4: this line is no TOML: ",
        ]) {
            assert!(said.starts_with(wanted) && !said.contains('\n'), "{told:#?} of {errors:?}");
        }
        assert_eq!(told.len(), 4, "{told:#?}");
    }
}
