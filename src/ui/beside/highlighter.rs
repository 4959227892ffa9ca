//! Finds out what the parts of a text are by its syntax. Must know nothing of colours: a part has
//! a role, and what that looks like is the theme's business.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxReference, SyntaxSet};

use super::{Job, Kind};
use crate::{
    engine::JobId,
    ui::{
        state::highlight::{Chunk, Highlighted, Span},
        theme::Role,
        update::Msg,
    },
};

pub(super) const KIND: Kind<Chunk> = Kind { name: "highlighter", start, failed };

/// A longer line, in bytes, stays plain and is not looked into.
const LONG: usize = 2000;

/// A chunk that takes longer is the last one: some lines take a syntax seconds.
const PATIENCE: Duration = Duration::from_secs(2);

/// So much of the first line is looked at for what the file is.
const FIRST: usize = 200;

/// What is put behind a name without changing what the file is.
const BEHIND: [&str; 9] = [".bak", ".orig", ".old", ".new", ".in", ".dist", ".example", ".sample", "~"];

/// What the scopes of a syntax mean, by their beginnings; the longest that fits counts.
const MEANINGS: &[(&str, Meaning)] = &[
    ("comment", Meaning::Is(Role::Comment)),
    ("string", Meaning::Is(Role::String)),
    ("constant", Meaning::Is(Role::Number)),
    ("support.constant", Meaning::Is(Role::Number)),
    ("keyword", Meaning::Is(Role::Keyword)),
    ("keyword.operator", Meaning::Plain),
    ("keyword.operator.word", Meaning::Is(Role::Keyword)),
    ("storage", Meaning::Is(Role::Keyword)),
    ("variable.language", Meaning::Is(Role::Keyword)),
    ("variable.function", Meaning::Is(Role::Function)),
    ("support.function", Meaning::Is(Role::Function)),
    ("entity.name", Meaning::Is(Role::Type)),
    ("entity.name.function", Meaning::Is(Role::Function)),
    ("entity.name.tag", Meaning::Is(Role::Tag)),
    ("entity.name.section", Meaning::Is(Role::Title)),
    ("entity.other.attribute-name", Meaning::Is(Role::Type)),
    ("entity.other.inherited-class", Meaning::Is(Role::Type)),
    ("support.type", Meaning::Is(Role::Type)),
    ("support.type.property-name", Meaning::Is(Role::Tag)),
    ("support.class", Meaning::Is(Role::Type)),
    ("meta.mapping.key", Meaning::Key),
    ("meta.structure.dictionary.key", Meaning::Key),
    ("meta.diff.header", Meaning::Is(Role::Title)),
    ("meta.diff.range", Meaning::Is(Role::Keyword)),
    ("markup.heading", Meaning::Is(Role::Title)),
    ("markup.inserted", Meaning::Is(Role::Good)),
    ("markup.deleted", Meaning::Is(Role::Bad)),
    ("markup.changed", Meaning::Is(Role::Warning)),
    ("markup.raw", Meaning::Is(Role::String)),
    ("markup.underline.link", Meaning::Is(Role::Link)),
    ("meta.interpolation", Meaning::Plain),
    ("meta.template.expression", Meaning::Plain),
    ("source", Meaning::Plain),
];

/// What a scope says of the text that it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    Is(Role),
    /// Whatever is around it.
    Plain,
    /// A string in it is a name.
    Key,
}

/// The file being worked on.
struct Document {
    ticket: JobId,
    name: String,
    state: ParseState,
    stack: ScopeStack,
    /// How far it has come.
    at: u64,
    /// The last chunk ended in a line that is too long.
    in_long: bool,
}

struct Highlighter {
    syntaxes: SyntaxSet,
    prefixes: Vec<(Scope, usize, Meaning)>,
    /// What the scopes met so far mean.
    known: HashMap<Scope, Option<Meaning>>,
    document: Option<Document>,
    patience: Duration,
}

fn start() -> Job<Chunk> {
    let mut highlighter = Highlighter::new();
    Box::new(move |chunk| Msg::Highlighted(Box::new(highlighter.take(&chunk))))
}

fn failed(chunk: &Chunk) -> Msg {
    Msg::Highlighted(Box::new(plain(chunk)))
}

fn plain(chunk: &Chunk) -> Highlighted {
    let end = chunk.start + chunk.bytes.len() as u64;
    Highlighted { ticket: chunk.ticket, syntax: None, end, spans: Vec::new(), goes_on: false }
}

impl Highlighter {
    fn new() -> Highlighter {
        let prefix = |(text, meaning): &(&str, Meaning)| Some((Scope::new(text).ok()?, text.len(), *meaning));
        Highlighter {
            syntaxes: two_face::syntax::extra_newlines(),
            prefixes: MEANINGS.iter().filter_map(prefix).collect(),
            known: HashMap::new(),
            document: None,
            patience: PATIENCE,
        }
    }

    fn take(&mut self, chunk: &Chunk) -> Highlighted {
        let text = text(&chunk.bytes);
        if chunk.start == 0 {
            self.document = self.syntax_of(&chunk.path, &text).map(|syntax| Document {
                ticket: chunk.ticket,
                name: syntax.name.clone(),
                state: ParseState::new(syntax),
                stack: ScopeStack::new(),
                at: 0,
                in_long: false,
            });
        }
        let here = |document: &Document| document.ticket == chunk.ticket && document.at == chunk.start;
        let Some(mut document) = self.document.take().filter(here) else { return plain(chunk) };
        let mut spans = Vec::new();
        let mut goes_on = true;
        let since = Instant::now();
        for line in text.split_inclusive('\n') {
            let is_long = document.in_long || line.len() > LONG;
            if since.elapsed() > self.patience
                || !is_long && self.line(&mut document, line, &mut spans).is_none()
            {
                goes_on = false;
                break;
            }
            document.in_long = is_long && !line.ends_with('\n');
            document.at += line.len() as u64;
        }
        let end = chunk.start + text.len() as u64;
        let syntax = Some(document.name.clone());
        self.document = goes_on.then_some(document);
        Highlighted { ticket: chunk.ticket, syntax, end, spans, goes_on }
    }

    /// `None` where the syntax breaks down.
    fn line(&mut self, document: &mut Document, line: &str, spans: &mut Vec<Span>) -> Option<()> {
        let operations = document.state.parse_line(line, &self.syntaxes).ok()?;
        let mut from = 0;
        let end = (line.len(), None);
        for (at, operation) in operations.iter().map(|(at, op)| (*at, Some(op))).chain([end]) {
            if at > from {
                let offset = |at: usize| u32::try_from(document.at + at as u64).ok();
                if let Some(role) = self.role(&document.stack) {
                    add(spans, Span { start: offset(from)?, end: offset(at)?, role });
                }
                from = at;
            }
            if let Some(operation) = operation {
                document.stack.apply(operation).ok()?;
            }
        }
        Some(())
    }

    fn role(&mut self, stack: &ScopeStack) -> Option<Role> {
        let mut found = None;
        for scope in stack.as_slice().iter().rev() {
            match (self.meaning(*scope), found) {
                (Some(Meaning::Key), None | Some(Role::String)) => return Some(Role::Tag),
                (Some(Meaning::Plain), _) => break,
                (Some(Meaning::Is(role)), None) => found = Some(role),
                _ => {}
            }
        }
        found
    }

    fn meaning(&mut self, scope: Scope) -> Option<Meaning> {
        *self.known.entry(scope).or_insert_with(|| {
            let fitting = self.prefixes.iter().filter(|(prefix, ..)| prefix.is_prefix_of(scope));
            fitting.max_by_key(|(_, length, _)| *length).map(|(.., meaning)| *meaning)
        })
    }

    /// By the name, what stands behind its last dot, or the first line.
    fn syntax_of(&self, path: &[u8], text: &str) -> Option<&SyntaxReference> {
        let path = String::from_utf8_lossy(path);
        let mut name = path.rsplit('/').next().unwrap_or_default();
        if path.ends_with("/.ssh/config") {
            name = "ssh_config";
        }
        while let Some(shorter) = BEHIND.iter().find_map(|end| name.strip_suffix(*end)) {
            name = shorter;
        }
        let known = |token: &str| self.syntaxes.find_syntax_by_extension(token);
        let by_name = known(name).or_else(|| known(&name.to_lowercase()));
        let extension = name.rsplit_once('.').map(|(_, extension)| extension);
        let by_extension = || extension.and_then(|e| known(e).or_else(|| known(&e.to_lowercase())));
        let first = || {
            let line = text.split_inclusive('\n').next().unwrap_or_default();
            let cut = (0..=FIRST.min(line.len())).rev().find(|at| line.is_char_boundary(*at)).unwrap_or(0);
            self.syntaxes.find_syntax_by_first_line(line.get(..cut).unwrap_or_default())
        };
        let found = by_name.or_else(by_extension).or_else(first)?;
        (found.name != "Plain Text").then_some(found)
    }
}

/// As text in which each byte is where it was: those that are no UTF-8 become letters.
fn text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for part in bytes.utf8_chunks() {
        text.push_str(part.valid());
        text.extend(part.invalid().iter().map(|_| 'x'));
    }
    text
}

/// Adds a span, or makes the last one longer.
fn add(spans: &mut Vec<Span>, span: Span) {
    match spans.last_mut() {
        Some(last) if last.end == span.start && last.role == span.role => last.end = span.end,
        _ => spans.push(span),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(path: &str, start: u64, bytes: &[u8]) -> Chunk {
        Chunk { ticket: JobId(1), path: path.into(), start, bytes: bytes.to_vec().into() }
    }

    fn shown(highlighter: &mut Highlighter, path: &str, text: &str) -> (Option<String>, Vec<(String, Role)>) {
        let back = highlighter.take(&chunk(path, 0, text.as_bytes()));
        let part = |span: &Span| (text[span.start as usize..span.end as usize].to_owned(), span.role);
        (back.syntax, back.spans.iter().map(part).collect())
    }

    #[test]
    fn a_text_that_takes_too_long_stays_plain_from_there() {
        let mut highlighter = Highlighter { patience: Duration::ZERO, ..Highlighter::new() };
        let back = highlighter.take(&chunk("/x/main.rs", 0, b"let n = 42;\nlet m = 43;\n"));
        assert!(!back.goes_on && back.spans.is_empty(), "{back:?}");
        let next = highlighter.take(&chunk("/x/main.rs", 24, b"let k = 44;\n"));
        assert!(!next.goes_on && next.spans.is_empty(), "{next:?}");
    }

    #[test]
    fn parts_of_a_text_have_their_roles() {
        let mut highlighter = Highlighter::new();
        for (path, text, syntax, some) in [
            ("/x/main.rs", "// a note\nfn main() { let n = 42; }\n", "Rust", ("42", Role::Number)),
            ("/x/main.rs", "// a note\nfn main() { let n = 42; }\n", "Rust", ("main", Role::Function)),
            ("/x/a.json", "{\"key\": \"value\"}\n", "JSON", ("\"key\"", Role::Tag)),
            ("/x/a.json", "{\"key\": \"value\"}\n", "JSON", ("\"value\"", Role::String)),
            ("/x/Cargo.toml", "name = \"wharf\"\n", "TOML", ("name", Role::Tag)),
            ("/x/a.yaml.bak", "port: 22\n", "YAML", ("22", Role::Number)),
            (
                "/x/run",
                "#!/bin/sh\necho hi # note\n",
                "Bourne Again Shell (bash)",
                ("# note\n", Role::Comment),
            ),
            ("/x/INDEX.HTML", "<p class=\"a\">x</p>\n", "HTML", ("p", Role::Tag)),
            ("/x/Dockerfile", "FROM debian\n", "Dockerfile", ("FROM", Role::Keyword)),
            ("/x/a.diff", "--- a\n+++ b\n@@ -1 +1 @@\n-x\n+y\n", "Diff", ("+y\n", Role::Good)),
            ("/x/sshd_config", "Port 22\n", "SSHD Config", ("22", Role::Number)),
        ] {
            let (found, spans) = shown(&mut highlighter, path, text);
            assert_eq!(found.as_deref(), Some(syntax), "{path}");
            let (wanted, role) = some;
            assert!(spans.contains(&(wanted.to_owned(), role)), "{path}: {wanted} {role:?} not in {spans:?}");
        }
        assert_eq!(shown(&mut highlighter, "/x/notes", "only words\n"), (None, Vec::new()));
        assert_eq!(shown(&mut highlighter, "/x/notes.txt", "only words\n").0, None);
    }

    #[test]
    fn what_begins_in_one_chunk_ends_in_the_next() {
        let mut highlighter = Highlighter::new();
        let first = highlighter.take(&chunk("/a.c", 0, b"int a; /* one\n"));
        assert!(first.goes_on);
        let second = highlighter.take(&chunk("/a.c", first.end, b"two */ int b;\n"));
        let comment = Span { start: 14, end: 20, role: Role::Comment };
        assert!(second.spans.contains(&comment), "{:?}", second.spans);
        let elsewhere = highlighter.take(&chunk("/a.c", 900, b"int c;\n"));
        assert!(!elsewhere.goes_on && elsewhere.spans.is_empty());
    }

    #[test]
    fn bytes_that_are_no_text_and_very_long_lines_do_no_harm() {
        let mut highlighter = Highlighter::new();
        let mut bytes = b"let a = \"\xff\xfe gr\xc3\xbcn\";\n".to_vec();
        let before = bytes.len() as u64;
        bytes.extend([b'"'; 5000]);
        let back = highlighter.take(&chunk("/a.rs", 0, &bytes));
        assert!(back.goes_on && back.spans.iter().all(|span| u64::from(span.end) <= before));
        // The rest of the long line is no line of its own.
        let rest = highlighter.take(&chunk("/a.rs", back.end, b"\"\"\"\nfn f() {}\n"));
        let word = Span { start: back.end as u32 + 4, end: back.end as u32 + 6, role: Role::Keyword };
        assert!(rest.spans.contains(&word), "{:?}", rest.spans);
    }
}
