//! `wharf explain`: what a status means. Needs no server.

use std::io::{self, Write};

use super::{Exit, ExplainArguments, printed};
use crate::{
    fs::{Error, ErrorKind, Operation, Result},
    reply::{self, Meaning},
};

pub fn run(arguments: &ExplainArguments) -> Result<Exit> {
    let usage = |detail: String| {
        let typed = arguments.words.join(" ");
        Error::new(ErrorKind::Usage, Operation::ReadArguments).on(typed).with_detail(detail)
    };
    let code = match &arguments.words[..] {
        [] => None,
        [protocol] if protocol.eq_ignore_ascii_case("sftp") => None,
        [code] => Some(code),
        [protocol, code] if protocol.eq_ignore_ascii_case("sftp") => Some(code),
        [protocol, ..] => {
            return Err(usage(format!("{protocol} has no codes that wharf knows; sftp has")));
        }
    };
    let rows = match code {
        None => reply::sftp_table().iter().collect(),
        Some(code) => {
            let number = code.parse().ok();
            let Some(meaning) = number.and_then(reply::sftp) else {
                let most = reply::sftp_table().len() - 1;
                return Err(usage(format!("{code} is no SFTP status; they go from 0 to {most}")));
            };
            vec![meaning]
        }
    };
    printed(print(&rows)).map(|()| Exit::Done)
}

fn print(rows: &[&Meaning]) -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    for row in rows {
        writeln!(out, "{:>3}  {:<36} {}.", row.code, row.name, row.meaning)?;
        if !row.advice.is_empty() {
            writeln!(out, "     {}", row.advice)?;
        }
    }
    out.flush()
}
