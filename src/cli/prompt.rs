//! Questions on the terminal, for the headless commands. Blocks while somebody types.

use std::io::{BufRead, IsTerminal, Write};

use secrecy::SecretString;

use crate::{
    engine::{Answer, Ask},
    transfer::OnConflict,
    trust::{self, Question},
    words,
};

/// Puts the question and waits for the answer; no where there is no terminal.
pub fn answer(ask: &Ask) -> Answer {
    match ask {
        Ask::Trust(question) => Answer::Trust(trust(question)),
        Ask::Conflicts { shown, count } => {
            if !has_terminal() {
                return Answer::Conflicts(None);
            }
            super::say(format_args!(
                "{} would land on something that exists:",
                words::plural(*count, "item", "items")
            ));
            for conflict in shown.iter().take(10) {
                let size = |entry: &crate::fs::Entry| {
                    entry.attributes.size.map_or_else(|| "?".to_owned(), words::size)
                };
                super::say(format_args!(
                    "  {} ({}, there {})",
                    words::escape_bytes(conflict.target.path.as_bytes()),
                    size(&conflict.source_entry),
                    size(&conflict.target_entry)
                ));
            }
            loop {
                let typed = line("[o]verwrite, [s]kip, [r]ename, only [n]ewer, com[p]lete, or [c]ancel? ");
                return Answer::Conflicts(match typed.as_deref().map(str::trim) {
                    Some("o") => Some(OnConflict::Overwrite.into()),
                    Some("s") => Some(OnConflict::Skip.into()),
                    Some("r") => Some(OnConflict::Rename.into()),
                    Some("n") => Some(OnConflict::Newer.into()),
                    Some("p") => Some(OnConflict::Resume.into()),
                    Some("c") | None => None,
                    Some(_) => continue,
                });
            }
        }
    }
}

/// Whether somebody can be asked.
pub(super) fn has_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

fn trust(question: &Question) -> trust::Answer {
    let words = words::question(question);
    match question {
        Question::UnknownHost(_) | Question::UnknownCertificate(_) => {
            if !has_terminal() {
                return trust::Answer::No;
            }
            super::say(format_args!("{}\n{}", words.title, words.lines.join("\n")));
            loop {
                match line("Type yes to trust it, no to leave: ").as_deref().map(str::trim) {
                    Some("yes") => return trust::Answer::Yes,
                    Some("no") | None => return trust::Answer::No,
                    Some(_) => {}
                }
            }
        }
        Question::Secret(request) if request.echo => match line(&format!("{} ", one_line(&words))) {
            Some(typed) => trust::Answer::Secret(SecretString::from(typed)),
            None => trust::Answer::No,
        },
        // Asks on the terminal itself, so that standard input can be something else.
        Question::Secret(_) => match rpassword::prompt_password(format!("{} ", one_line(&words))) {
            Ok(typed) => trust::Answer::Secret(SecretString::from(typed)),
            Err(_) => trust::Answer::No,
        },
    }
}

/// Who asks, what else they say, and the prompt.
fn one_line(words: &words::QuestionWords) -> String {
    let mut parts = vec![words.title.clone()];
    parts.extend(words.lines.iter().cloned());
    parts.push(words.prompt.clone());
    parts.join("\n")
}

/// One line from standard input, without its end; `None` at its end.
fn line(prompt: &str) -> Option<String> {
    let mut terminal = std::io::stderr();
    write!(terminal, "{prompt}").and_then(|()| terminal.flush()).ok()?;
    let mut typed = String::new();
    match std::io::stdin().lock().read_line(&mut typed) {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(typed.trim_end_matches(['\r', '\n']).to_owned()),
    }
}
