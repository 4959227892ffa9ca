//! `wharf sum`: checksums, printed as sha256sum(1) and its like print them. Says on standard error who computed
//! each.

use std::{
    ffi::OsString,
    io::{self, IsTerminal, Write},
    os::unix::ffi::OsStrExt,
};

use clap::Args;
use serde_json::json;

use super::{Common, Exit, manage::on_places, printed, report, say};
use crate::{
    engine::{Command, What},
    fs::{Algorithm, Checksum, Result, place::redact, sum::Computed},
    words,
};

#[derive(Args, Debug)]
pub struct SumArguments {
    /// sha256, sha512, sha1, md5 or crc32
    #[arg(short, long, default_value = "sha256", value_parser = parse_algorithm)]
    pub algorithm: Algorithm,

    /// One JSON object per line
    #[arg(long)]
    pub json: bool,

    #[arg(required = true, value_name = "PLACE")]
    pub places: Vec<OsString>,
}

fn parse_algorithm(text: &str) -> std::result::Result<Algorithm, String> {
    text.parse()
}

pub async fn run(arguments: &SumArguments, common: &Common) -> Result<Exit> {
    let algorithm = arguments.algorithm;
    on_places(&arguments.places, common, async |driver, locations| {
        let mut exit = Exit::Done;
        for (argument, location) in arguments.places.iter().zip(locations) {
            let job = driver.job();
            let mut sum = None;
            let command = Command::Checksum { job, location, algorithm };
            let computed = driver
                .run(job, command, |what| {
                    if let What::Checksum(found) = what {
                        sum = Some(found);
                    }
                })
                .await;
            if let Err(error) = computed {
                report(&error);
                exit = exit.max(Exit::of(&error));
            }
            let Some(sum) = sum else { continue };
            if !common.quiet {
                let place = words::escape_bytes(&shown(argument.as_bytes()));
                say(format_args!("wharf: {place}: {}", words::computed(&sum.by)));
            }
            let out = io::stdout();
            let is_terminal = out.is_terminal();
            let place = shown(argument.as_bytes());
            printed(out.lock().write_all(&line(&sum, &place, arguments.json, is_terminal)))?;
        }
        Ok(exit)
    })
    .await
}

/// The place as it was given, but for a password in its URL.
fn shown(argument: &[u8]) -> Vec<u8> {
    if argument.windows(3).any(|part| part == b"://") {
        return redact(&String::from_utf8_lossy(argument)).into_bytes();
    }
    argument.to_vec()
}

fn line(sum: &Checksum, place: &[u8], as_json: bool, is_terminal: bool) -> Vec<u8> {
    if as_json {
        let (computed, by) = match sum.by {
            Computed::Here => ("here", None),
            Computed::Server(by) => ("server", Some(by)),
        };
        let object = json!({
            "place": String::from_utf8_lossy(place),
            "algorithm": sum.algorithm.name(),
            "checksum": sum.to_string(),
            "computed": computed,
            "by": by,
        });
        return format!("{object}\n").into_bytes();
    }
    if is_terminal {
        return format!("{sum}  {}\n", words::escape_bytes(place)).into_bytes();
    }
    // As GNU does: a name that would break the line is escaped, and a backslash in front says so.
    let mut name = Vec::with_capacity(place.len());
    for byte in place {
        match byte {
            b'\\' => name.extend_from_slice(b"\\\\"),
            b'\n' => name.extend_from_slice(b"\\n"),
            b'\r' => name.extend_from_slice(b"\\r"),
            other => name.push(*other),
        }
    }
    let mark = if name.len() > place.len() { "\\" } else { "" };
    [format!("{mark}{sum}  ").as_bytes(), &name, b"\n"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_a_place_is_not_printed() {
        assert_eq!(shown(b"ftp://ann:secret@h/f"), b"ftp://ann:***@h/f");
        assert_eq!(shown(b"plain\xff"), b"plain\xff");
    }

    #[test]
    fn lines_are_those_of_sha256sum() {
        let sum = Checksum { algorithm: Algorithm::Sha1, bytes: [0xab; 20].into(), by: Computed::Here };
        let digits = "ab".repeat(20);
        let text = |name: &[u8]| String::from_utf8(line(&sum, name, false, false)).unwrap();
        assert_eq!(text(b"a b"), format!("{digits}  a b\n"));
        assert_eq!(text(b"a\nb\\"), format!("\\{digits}  a\\nb\\\\\n"));
        let object: serde_json::Value = serde_json::from_slice(&line(&sum, b"a", true, false)).unwrap();
        assert_eq!((&object["checksum"], &object["computed"]), (&digits.into(), &"here".into()));
    }
}
