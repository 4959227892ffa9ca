//! Which paths a Rust source names, without comments, literals and inline test modules. Reads
//! tokens, not grammar: enough for `use` trees and for paths in code.

use std::collections::HashMap;

#[derive(Debug, PartialEq, Eq)]
pub struct Reference {
    /// From `crate`, or from the name of another crate.
    pub path: Vec<String>,
    /// From 1.
    pub line: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    /// `::`
    Path,
    Mark(char),
}

/// Every path of two or more parts that the text of `module` names.
pub fn references(module: &[String], text: &str) -> Vec<Reference> {
    let tokens = without_tests(&tokens(text));
    let mut imported: HashMap<String, Vec<String>> = HashMap::new();
    let mut named = Vec::new();
    let mut inline: Vec<(String, usize)> = Vec::new();
    let (mut depth, mut at, mut in_use) = (0, 0, false);
    while at < tokens.len() {
        let before = at.checked_sub(1).map(|i| &tokens[i].0);
        match &tokens[at].0 {
            Token::Mark('{') => depth += 1,
            Token::Mark('}') => {
                depth -= 1;
                inline.retain(|(_, opened)| *opened <= depth);
            }
            Token::Mark(';') => in_use = false,
            Token::Word(word) if word == "use" => in_use = true,
            Token::Word(word) if word == "mod" => {
                if let (Some((Token::Word(name), _)), Some((Token::Mark('{'), _))) =
                    (tokens.get(at + 1), tokens.get(at + 2))
                {
                    inline.push((name.clone(), depth + 1));
                    at += 1;
                }
            }
            Token::Word(_) if before != Some(&Token::Path) && before != Some(&Token::Mark('.')) => {
                let mut leaves = Vec::new();
                at = tree(&tokens, at, Vec::new(), &mut leaves);
                let here: Vec<String> =
                    module.iter().cloned().chain(inline.iter().map(|(name, _)| name.clone())).collect();
                for leaf in leaves {
                    let path = absolute(&here, leaf.path);
                    if in_use && let Some(name) = leaf.alias.or_else(|| path.last().cloned()) {
                        imported.insert(name, path.clone());
                    }
                    named.push((path, leaf.line, in_use));
                }
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    named
        .into_iter()
        .map(|(path, line, in_use)| {
            let expanded = match imported.get(&path[0]) {
                Some(whole) if !in_use => [whole.as_slice(), &path[1..]].concat(),
                _ => path.clone(),
            };
            // A bare word that was imported has been counted where it was imported.
            let counts = in_use || path.len() > 1;
            (Reference { path: expanded, line }, counts)
        })
        .filter(|(reference, counts)| *counts && reference.path.len() > 1)
        .map(|(reference, _)| reference)
        .collect()
}

struct Leaf {
    path: Vec<String>,
    alias: Option<String>,
    line: usize,
}

/// Reads one path or `use` tree; returns the index of the first token behind it.
fn tree(tokens: &[(Token, usize)], mut at: usize, mut path: Vec<String>, leaves: &mut Vec<Leaf>) -> usize {
    let mut line = tokens.get(at).map_or(0, |(_, line)| *line);
    loop {
        match tokens.get(at) {
            Some((Token::Word(word), on)) => {
                line = *on;
                // `engine::{self}` is `engine`.
                if word != "self" || path.is_empty() {
                    path.push(word.clone());
                }
                at += 1;
            }
            Some((Token::Mark('*'), _)) if !path.is_empty() => {
                path.push("*".to_owned());
                leaves.push(Leaf { path, alias: None, line });
                return at + 1;
            }
            Some((Token::Mark('{'), _)) if !path.is_empty() => {
                at += 1;
                while !matches!(tokens.get(at), None | Some((Token::Mark('}'), _))) {
                    let next = tree(tokens, at, path.clone(), leaves);
                    // Something that is no tree: go past it rather than round it.
                    at = if next == at { at + 1 } else { next };
                    if matches!(tokens.get(at), Some((Token::Mark(','), _))) {
                        at += 1;
                    }
                }
                return at + 1;
            }
            _ => return at,
        }
        if matches!(tokens.get(at), Some((Token::Path, _)))
            && matches!(tokens.get(at + 1), Some((Token::Word(_) | Token::Mark('*' | '{'), _)))
        {
            at += 1;
            continue;
        }
        let mut alias = None;
        if let [(Token::Word(word), _), (Token::Word(name), _), ..] = &tokens[at.min(tokens.len())..]
            && word == "as"
        {
            alias = Some(name.clone());
            at += 2;
        }
        leaves.push(Leaf { path, alias, line });
        return at;
    }
}

fn absolute(here: &[String], path: Vec<String>) -> Vec<String> {
    let ups = path.iter().take_while(|part| *part == "super").count();
    let (base, rest) = match path.first().map(String::as_str) {
        Some("self") => (here, &path[1..]),
        Some("super") => (&here[..here.len().saturating_sub(ups)], &path[ups..]),
        _ => return path,
    };
    std::iter::once("crate".to_owned()).chain(base.iter().cloned()).chain(rest.iter().cloned()).collect()
}

/// Leaves out `#[cfg(test)] mod name { … }`.
fn without_tests(tokens: &[(Token, usize)]) -> Vec<(Token, usize)> {
    let word = |text: &str| Token::Word(text.to_owned());
    let start = [
        Token::Mark('#'),
        Token::Mark('['),
        word("cfg"),
        Token::Mark('('),
        word("test"),
        Token::Mark(')'),
        Token::Mark(']'),
        word("mod"),
    ];
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let starts = tokens[at..].iter().map(|(token, _)| token).take(start.len()).eq(start.iter());
        if !(starts && matches!(tokens.get(at + start.len() + 1), Some((Token::Mark('{'), _)))) {
            kept.push(tokens[at].clone());
            at += 1;
            continue;
        }
        at += start.len() + 1;
        let mut depth = 0;
        while let Some((token, _)) = tokens.get(at) {
            at += 1;
            match token {
                Token::Mark('{') => depth += 1,
                Token::Mark('}') => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    kept
}

fn tokens(text: &str) -> Vec<(Token, usize)> {
    let chars: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < chars.len() {
        let start = at;
        let next = chars.get(at + 1).copied();
        match chars[at] {
            '/' if next == Some('/') => at += chars[at..].iter().take_while(|c| **c != '\n').count(),
            '/' if next == Some('*') => at = end_of_comment(&chars, at),
            '"' => at = end_of_text(&chars, at),
            '\'' => at = end_of_quote(&chars, at),
            'r' | 'b' | 'c' if raw_text(&chars, at).is_some() => at = raw_text(&chars, at).unwrap_or(at + 1),
            ':' if next == Some(':') => {
                found.push((Token::Path, line));
                at += 2;
            }
            c if c.is_alphabetic() || c == '_' => {
                let word: String =
                    chars[at..].iter().take_while(|c| c.is_alphanumeric() || **c == '_').collect();
                at += word.chars().count();
                found.push((Token::Word(word), line));
            }
            c if c.is_ascii_digit() => {
                at += chars[at..].iter().take_while(|c| c.is_alphanumeric() || **c == '_').count();
                found.push((Token::Mark('0'), line));
            }
            c => {
                if !c.is_whitespace() {
                    found.push((Token::Mark(c), line));
                }
                at += 1;
            }
        }
        line += chars[start..at.min(chars.len())].iter().filter(|c| **c == '\n').count();
    }
    found
}

fn end_of_comment(chars: &[char], mut at: usize) -> usize {
    let mut depth = 0;
    while at + 1 < chars.len() {
        match (chars[at], chars[at + 1]) {
            ('/', '*') => depth += 1,
            ('*', '/') => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    chars.len()
}

fn end_of_text(chars: &[char], mut at: usize) -> usize {
    at += 1;
    while at < chars.len() {
        match chars[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    chars.len()
}

/// A character, or a lifetime, which has no closing quote.
fn end_of_quote(chars: &[char], at: usize) -> usize {
    if chars.get(at + 1) == Some(&'\\') {
        let rest = chars.get(at + 3..).unwrap_or_default();
        return at + 4 + rest.iter().take_while(|c| **c != '\'').count();
    }
    if chars.get(at + 2) == Some(&'\'') { at + 3 } else { at + 1 }
}

/// The end of `r"…"`, `r#"…"#`, `b"…"`, `br#"…"#` and so on; `None` where it is a mere word.
fn raw_text(chars: &[char], at: usize) -> Option<usize> {
    if at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_') {
        return None;
    }
    let prefix = chars[at..].iter().take_while(|c| matches!(c, 'r' | 'b' | 'c')).count();
    let raw = chars[at..at + prefix].contains(&'r');
    let hashes = chars[at + prefix..].iter().take_while(|c| **c == '#').count();
    let open = at + prefix + hashes;
    if prefix > 2 || chars.get(open) != Some(&'"') || (hashes > 0 && !raw) {
        return None;
    }
    if !raw {
        return Some(end_of_text(chars, open));
    }
    let mut end = open + 1;
    while end < chars.len() {
        if chars[end] == '"' && chars[end + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes
        {
            return Some(end + 1 + hashes);
        }
        end += 1;
    }
    Some(chars.len())
}
