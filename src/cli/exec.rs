//! `wharf exec`: a command in a directory of a place. What it prints goes on as it is; the exit
//! status is the command's.

use std::{
    ffi::OsString,
    io::{self, Write},
    os::unix::ffi::OsStrExt,
};

use clap::Args;

use super::{Common, Exit, manage::on_places, printed, say};
use crate::{
    engine::{Command, What},
    fs::{Output, Result, path::quote},
    words,
};

#[derive(Args, Debug)]
pub struct ExecArguments {
    /// The directory to run it in
    pub place: OsString,

    /// One word is a line for the shell; several are a program and its arguments as they are
    #[arg(required = true, last = true)]
    pub command: Vec<OsString>,
}

pub async fn run(arguments: &ExecArguments, common: &Common) -> Result<Exit> {
    let command = command(&arguments.command);
    on_places(std::slice::from_ref(&arguments.place), common, async |driver, mut locations| {
        let Some(location) = locations.pop() else { return Ok(Exit::Usage) };
        let job = driver.job();
        let mut exit = Exit::Done;
        let mut printing = Ok(());
        let engine = driver.engine.clone();
        let ran = driver
            .run(job, Command::Execute { job, location, command }, |what| {
                let What::Output(output) = what else { return };
                match output {
                    Output::Stdout(bytes) if printing.is_ok() => {
                        let mut out = io::stdout();
                        printing = out.write_all(&bytes).and_then(|()| out.flush());
                        if printing.is_err() {
                            // Nobody reads on: a command without an end would go on for ever.
                            engine.send(Command::Cancel { job });
                        }
                    }
                    Output::Stdout(_) => {}
                    Output::Stderr(bytes) => {
                        let _ = io::stderr().write_all(&bytes);
                    }
                    Output::Exited(status) => exit = Exit::Passed(status.min(255) as u8),
                    Output::Killed(name) => {
                        say(format_args!("wharf: the command was ended by signal {}", words::escape(&name)));
                        exit = Exit::Passed(128u8.saturating_add(number(&name)));
                    }
                }
            })
            .await;
        if printing.is_err() {
            return printed(printing).map(|()| Exit::Passed(128 + number("PIPE")));
        }
        ran.map(|_| exit)
    })
    .await
}

/// One line for the shell.
fn command(words: &[OsString]) -> Vec<u8> {
    match words {
        [line] => line.as_bytes().to_vec(),
        words => {
            let quoted: Vec<Vec<u8>> = words.iter().map(|word| quote(word.as_bytes())).collect();
            quoted.join(&b' ')
        }
    }
}

/// As shells number them for their exit status.
fn number(signal: &str) -> u8 {
    let numbers = [("HUP", 1), ("INT", 2), ("QUIT", 3), ("ILL", 4), ("ABRT", 6), ("FPE", 8), ("KILL", 9)];
    let more = [("SEGV", 11), ("PIPE", 13), ("ALRM", 14), ("TERM", 15)];
    numbers.iter().chain(&more).find(|(name, _)| *name == signal).map_or(127, |(_, number)| *number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_words_are_not_for_the_shell() {
        let of = |words: &[&str]| command(&words.iter().map(OsString::from).collect::<Vec<_>>());
        assert_eq!(of(&["ls *.rs | wc"]), b"ls *.rs | wc");
        assert_eq!(of(&["ls", "a b", "*", "it's"]), br"'ls' 'a b' '*' 'it'\''s'");
    }
}
