//! `wharf explain`: what a status or a reply means. Needs no server.

use std::io::{self, Write};

use super::{Exit, options::ExplainArguments, printed};
use crate::{
    fs::{Error, ErrorKind, Operation, Result},
    reply::{self, FtpClass, Meaning, Protocol},
    words,
};

/// A row to print.
enum Row {
    Known(&'static Meaning),
    /// A code that no specification has, told by its digits.
    Class(u32, FtpClass),
}

pub fn run(arguments: &ExplainArguments) -> Result<Exit> {
    let usage = |detail: String| {
        let typed = arguments.words.join(" ");
        Error::new(ErrorKind::Usage, Operation::ReadArguments).on(typed).with_detail(detail)
    };
    let (only, code) = match &arguments.words[..] {
        [] => (None, None),
        [word] => match protocol(word) {
            Some(protocol) => (Some(protocol), None),
            None if word.starts_with(|first: char| first.is_ascii_digit()) => (None, Some(word)),
            None => return Err(usage(format!("{word} is neither a code nor sftp or ftp"))),
        },
        [word, code, ..] => match protocol(word) {
            Some(protocol) => (Some(protocol), Some(code)),
            None => return Err(usage(format!("{word} has no codes that wharf knows; sftp and ftp have"))),
        },
    };
    let asked = |protocol| only.is_none() || only == Some(protocol);
    let mut rows = Vec::new();
    match code {
        None => {
            for (protocol, table) in
                [(Protocol::Sftp, reply::sftp_table()), (Protocol::Ftp, reply::ftp_table())]
            {
                rows.extend(table.iter().filter(|_| asked(protocol)).map(Row::Known));
            }
        }
        Some(code) => {
            let number: Option<u32> = code.parse().ok();
            if let Some(number) = number {
                rows.extend(reply::sftp(number).filter(|_| asked(Protocol::Sftp)).map(Row::Known));
                if asked(Protocol::Ftp) {
                    let known = reply::ftp(number).map(Row::Known);
                    rows.extend(known.or_else(|| Some(Row::Class(number, reply::ftp_class(number)?))));
                }
            }
            if rows.is_empty() {
                let most = reply::sftp_table().len() - 1;
                return Err(usage(match only {
                    Some(Protocol::Sftp) => format!("{code} is no SFTP status; they go from 0 to {most}"),
                    Some(Protocol::Ftp) => format!("{code} is no FTP reply; they go from 100 to 699"),
                    None | Some(Protocol::Command) => format!(
                        "{code} is neither an SFTP status (0 to {most}) nor an FTP reply (100 to 699)"
                    ),
                }));
            }
        }
    }
    printed(print(&rows)).map(|()| Exit::Done)
}

fn protocol(word: &str) -> Option<Protocol> {
    match word.to_ascii_lowercase().as_str() {
        "sftp" => Some(Protocol::Sftp),
        // TLS changes no reply.
        "ftp" | "ftps" | "ftpes" => Some(Protocol::Ftp),
        _ => None,
    }
}

fn print(rows: &[Row]) -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    for row in rows {
        let advice = match row {
            Row::Known(row) => {
                writeln!(out, "{:>3}  {:<36} {}.", row.code, row.name, row.meaning)?;
                row.advice
            }
            Row::Class(code, class) => {
                writeln!(out, "{code:>3}  No FTP specification has this code. {}.", words::ftp_class(class))?;
                class.advice
            }
        };
        if !advice.is_empty() {
            writeln!(out, "     {advice}")?;
        }
    }
    out.flush()
}
