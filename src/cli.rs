//! The headless commands: arguments in, text or JSON out, an exit code. The same engine as the
//! terminal UI. Must never move a byte of a file itself.

mod arguments;
mod attributes;
pub mod bookmark;
mod both;
mod cp;
mod driver;
mod exec;
mod exit;
mod explain;
mod jobs;
mod links;
mod ls;
mod manage;
mod mv;
mod options;
mod progress;
mod prompt;
mod record;
mod resolve;
mod steps;
mod sum;
mod summary;
mod sync;

use std::{ffi::OsString, os::unix::ffi::OsStrExt};

use crate::{
    config::{self, Named},
    fs::{Error, ErrorKind, Operation, Place, Result},
    transfer::OnConflict,
    words,
};

pub use arguments::{Arguments, Command};
pub use driver::options as engine_options;
pub use exit::Exit;
pub use options::Common;
use options::ConflictArgument;
pub use record::start as record;

/// Parses a place of the command line. `name:path` is a bookmark first, then a host.
pub fn place(argument: &OsString, common: &Common) -> Result<Place> {
    if argument.as_bytes().contains(&b':')
        && let Some(named) = named(argument, common)?
    {
        return Ok(named.place);
    }
    Place::parse(argument.as_bytes())
}

/// Parses a pane's place. A bare name that is no file here is a bookmark first; then it is taken
/// for a host, as ssh would.
pub fn pane_place(argument: &OsString, common: &Common) -> Result<Named> {
    let bare = std::str::from_utf8(argument.as_bytes())
        .ok()
        .filter(|name| !name.contains(['/', ':']) && !matches!(*name, "" | "." | ".." | "~"))
        .filter(|_| std::path::Path::new(argument).symlink_metadata().is_err());
    if (bare.is_some() || argument.as_bytes().contains(&b':'))
        && let Some(named) = named(argument, common)?
    {
        return Ok(named);
    }
    let place = match bare.and_then(Place::host) {
        Some(host) => host,
        None => Place::parse(argument.as_bytes())?,
    };
    Ok(Named { place, local: None })
}

/// The bookmark that a place may name. The bookmarks are read only where it may.
fn named(argument: &OsString, common: &Common) -> Result<Option<Named>> {
    let text = argument.as_bytes();
    let name = text.split(|b| *b == b':').next().unwrap_or_default();
    let is_url = text.get(name.len()..).is_some_and(|rest| rest.starts_with(b"://"));
    match &common.store {
        Some(store) if !is_url && !name.is_empty() && !name.contains(&b'/') => {
            config::named(&store.bookmarks()?.list, text)
        }
        _ => Ok(None),
    }
}

/// The policy for what exists already. `ask` needs somebody to ask.
fn conflict_policy(argument: Option<ConflictArgument>, common: &Common) -> Result<OnConflict> {
    match argument {
        Some(ConflictArgument::Ask) if common.batch || !prompt::has_terminal() => {
            Err(Error::new(ErrorKind::Usage, Operation::ReadArguments)
                .on("--on-conflict ask")
                .with_detail("there is nobody to ask: it needs a terminal, and no --batch"))
        }
        argument => Ok(argument.map_or(OnConflict::Refuse, Into::into)),
    }
}

/// Parses places, warning of passwords in them.
fn places(arguments: &[OsString], common: &Common) -> Result<Vec<Place>> {
    let places = arguments.iter().map(|argument| place(argument, common)).collect::<Result<Vec<Place>>>()?;
    places.iter().for_each(warn_of_password);
    Ok(places)
}

/// Warns of a password in a place: other users of this machine can see it.
pub fn warn_of_password(place: &Place) {
    if let Place::Remote(target, _) = place
        && target.password.is_some()
    {
        say(format_args!("wharf: a password in a place can be seen by others in the process list"));
    }
}

/// Prints a line on standard error. Nobody reading it any more is no reason to stop.
pub fn say(line: impl std::fmt::Display) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Whoever reads may stop reading; anything else that goes wrong is an error.
fn printed(outcome: std::io::Result<()>) -> Result<()> {
    match outcome {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::io(Operation::Write, &error).on("standard output"))
        }
        _ => Ok(()),
    }
}

/// Adds what a name's or path's bytes are where a text cannot hold them.
fn add_hex(object: &mut serde_json::Value, key: &str, bytes: &[u8]) {
    if std::str::from_utf8(bytes).is_err() {
        object[key] = bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into();
    }
}

/// Prints an error as people read it.
pub fn report(error: &Error) {
    say(format_args!("wharf: {}", words::error(error)));
}

/// Runs a headless command to its end.
pub async fn run(command: &Command, common: &Common) -> Exit {
    let outcome = match command {
        Command::Cp(arguments) => cp::run(arguments, common).await,
        Command::Ls(arguments) => ls::run(arguments, common).await,
        Command::Mv(arguments) => mv::run(arguments, common).await,
        Command::Sync(arguments) => sync::run(arguments, common).await,
        Command::Rm(arguments) => manage::rm(arguments, common).await,
        Command::Mkdir(arguments) => manage::mkdir(arguments, common).await,
        Command::Cat(arguments) => manage::cat(arguments, common).await,
        Command::Stat(arguments) => manage::stat(arguments, common).await,
        Command::Chmod(arguments) => attributes::chmod(arguments, common).await,
        Command::Chown(arguments) => attributes::chown(arguments, common).await,
        Command::Touch(arguments) => attributes::touch(arguments, common).await,
        Command::Ln(arguments) => manage::ln(arguments, common).await,
        Command::Sum(arguments) => sum::run(arguments, common).await,
        Command::Realpath(arguments) => manage::realpath(arguments, common).await,
        Command::Exec(arguments) => exec::run(arguments, common).await,
        Command::Df(arguments) => manage::df(arguments, common).await,
        Command::Resolve(arguments) => resolve::run(arguments, common).await,
        Command::Bookmark(command) => bookmark::run(command, common).await,
        Command::Jobs(arguments) => jobs::run(arguments, common).await,
        Command::Explain(arguments) => explain::run(arguments),
        // The demo is a face of its own, not a headless command.
        Command::Demo => Ok(Exit::Usage),
    };
    outcome.unwrap_or_else(|error| {
        report(&error);
        Exit::of(&error)
    })
}
