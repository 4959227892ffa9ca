//! What a dry run shows: the steps that a run would take, one per line. Changes nothing.

use std::io::{self, BufWriter, IsTerminal, Write};

use serde_json::{Value, json};

use super::{Exit, driver, driver::Driver, printed};
use crate::{
    engine::{Command, What},
    fs::{FsId, RemotePath, Result},
    transfer::{Request, step::Step},
    words,
};

/// Plans `requests` and prints their steps on standard output, each with its place where paths
/// alone do not tell whose they are.
pub async fn show(
    driver: &mut Driver,
    requests: Vec<Request>,
    as_json: bool,
    with_place: bool,
) -> Result<Exit> {
    let mut exit = Exit::Done;
    for request in requests {
        let fs = request.target.fs.clone();
        let job = driver.job();
        let mut steps = Vec::new();
        let outcome = driver
            .run(job, Command::Plan { job, request }, |what| match what {
                What::Steps(more) => steps.extend(more),
                other => driver::item(&other),
            })
            .await?;
        if outcome.failed > 0 {
            exit = Exit::Items;
        }
        printed(print(&steps, &fs, as_json, with_place && !fs.is_local()))?;
    }
    Ok(exit)
}

fn print(steps: &[Step], fs: &FsId, as_json: bool, with_place: bool) -> io::Result<()> {
    let stdout = io::stdout();
    let on_terminal = stdout.is_terminal();
    let mut out = BufWriter::new(stdout.lock());
    for step in steps {
        if as_json {
            writeln!(out, "{}", json(step, fs))?;
            continue;
        }
        let (verb, path) = words_of(step);
        write!(out, "{verb:<8} ")?;
        if with_place {
            write!(out, "{}", words::escape(fs.as_str()))?;
        }
        if on_terminal {
            out.write_all(words::escape_bytes(path.as_bytes()).as_bytes())?;
        } else {
            out.write_all(path.as_bytes())?;
        }
        if let Step::Copy(file) = step
            && let Some(size) = file.size
        {
            write!(out, "  {}", words::size(size))?;
        }
        writeln!(out)?;
    }
    out.flush()
}

fn words_of(step: &Step) -> (&'static str, &RemotePath) {
    match step {
        Step::CreateDir(dir) => ("mkdir", &dir.path),
        Step::Copy(file) if file.replace => ("replace", &file.target),
        Step::Copy(file) => ("copy", &file.target),
        Step::Link(link) => ("link", &link.path),
        Step::SetAttributes { path, .. } => ("set", path),
        Step::Remove { path, .. } => ("delete", path),
    }
}

fn json(step: &Step, fs: &FsId) -> Value {
    let (verb, path) = words_of(step);
    let mut value = json!({ "step": verb, "place": fs.as_str(), "path": path.to_string() });
    super::add_hex(&mut value, "path_hex", path.as_bytes());
    match step {
        Step::Copy(file) => {
            value["source"] = file.source.to_string().into();
            value["size"] = file.size.into();
        }
        Step::Remove { kind, .. } => value["kind"] = words::kind(*kind).into(),
        _ => {}
    }
    value
}
