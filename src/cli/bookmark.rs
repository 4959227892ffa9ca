//! `wharf bookmark`: bookmarks added, listed, shown, removed and imported. Connects nowhere; what is kept
//! and how is `config`'s business.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand, ValueEnum};

use super::{Common, Exit, printed};
use crate::{
    config::{Bookmark, Imported, Program, Store, check_folder, check_name, import, store},
    fs::{Error, ErrorKind, Operation, Part, Place, Result, sftp},
    words,
};

#[derive(Debug, Subcommand)]
pub enum BookmarkCommand {
    /// Give a place a name: `wharf NAME` and `NAME:path` then lead to it
    Add(BookmarkAddArguments),
    /// List all of them
    List {
        /// One JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Say all that is known of one
    Show { name: String },
    /// Remove one, and its password from the keyring
    Remove { name: String },
    /// Make bookmarks of other programs' sites; what is there already stays, and no password is taken
    Import(BookmarkImportArguments),
}

#[derive(Args, Debug)]
pub struct BookmarkImportArguments {
    /// Whose sites; without this, FILE shows it, and without FILE FileZilla's and WinSCP's are
    /// taken where they usually are
    #[arg(long, value_enum, value_name = "PROGRAM")]
    pub from: Option<ImportArgument>,

    /// Only print what would be added
    #[arg(short = 'n', long)]
    pub dry_run: bool,

    /// sitemanager.xml, WinSCP.ini, or with --from ssh an ssh_config
    pub file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ImportArgument {
    /// Hosts of ssh_config, patterns left out
    Ssh,
    Filezilla,
    Winscp,
}

impl From<ImportArgument> for Program {
    fn from(argument: ImportArgument) -> Self {
        match argument {
            ImportArgument::Ssh => Program::Ssh,
            ImportArgument::Filezilla => Program::FileZilla,
            ImportArgument::Winscp => Program::WinScp,
        }
    }
}

#[derive(Args, Debug)]
pub struct BookmarkAddArguments {
    pub name: String,

    /// A path, sftp://USER@HOST:PORT/PATH, or HOST:PATH
    pub place: String,

    /// Where it is listed, such as work/web
    #[arg(long, value_name = "FOLDER", default_value = "")]
    pub folder: String,

    /// Where the other pane starts on this machine
    #[arg(long, value_name = "PATH")]
    pub local: Option<String>,

    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
}

pub(super) async fn run(command: &BookmarkCommand, common: &Common) -> Result<Exit> {
    let store = common.store.as_deref().ok_or_else(|| {
        Error::new(ErrorKind::NotFound, Operation::ReadBookmarks)
            .with_detail("there is no home directory to keep them in")
    })?;
    match command {
        BookmarkCommand::Add(arguments) => add(arguments, store, common),
        BookmarkCommand::List { json } => list(store, *json),
        BookmarkCommand::Show { name } => show(store, name),
        BookmarkCommand::Remove { name } => match store.remove(name)? {
            true => Ok(Exit::Done),
            false => Err(store::unknown(name)),
        },
        BookmarkCommand::Import(arguments) => import(arguments, store, common).await,
    }
}

async fn import(arguments: &BookmarkImportArguments, store: &Store, common: &Common) -> Result<Exit> {
    let from = arguments.from.map(Program::from);
    let dry = arguments.dry_run;
    if from == Some(Program::Ssh) {
        let mut options = common.ssh_options();
        options.config_file = arguments.file.clone().or(options.config_file);
        let shown = options.config_file.as_deref().map_or("~/.ssh/config".to_owned(), store::shown);
        let hosts = sftp::hosts(&options).await?;
        let imported = store.import(Program::Ssh, shown, import::hosts(&hosts), dry)?;
        return tell(&imported, dry, common.quiet).map(|()| Exit::Done);
    }
    let files: Vec<(Option<Program>, PathBuf)> = match &arguments.file {
        Some(file) => vec![(from, file.clone())],
        None => usual(from, store)?,
    };
    for (program, file) in files {
        let shown = store::shown(&file);
        let (program, found) = import::read(program, &file, &shown)?;
        tell(&store.import(program, shown, found, dry)?, dry, common.quiet)?;
    }
    Ok(Exit::Done)
}

/// The files of other programs that are where they usually are.
fn usual(from: Option<Program>, store: &Store) -> Result<Vec<(Option<Program>, PathBuf)>> {
    let programs = from.map_or(vec![Program::FileZilla, Program::WinScp], |program| vec![program]);
    let home = store.home().unwrap_or(Path::new(""));
    let file = |program: &Program| Some((Some(*program), import::usual_file(*program, home)?));
    let files: Vec<_> = programs.iter().filter_map(file).collect();
    if files.is_empty() {
        let names: Vec<&str> = programs.iter().map(|program| program.name()).collect();
        return Err(Error::new(ErrorKind::NotFound, Operation::ImportBookmarks)
            .on(names.join(" and "))
            .with_detail("there is no file of theirs where it usually is; name it"));
    }
    Ok(files)
}

/// What was added on standard output, and what there is to say about it behind that.
fn tell(imported: &Imported, dry: bool, quiet: bool) -> Result<()> {
    let text: String = imported
        .added
        .iter()
        .map(|bookmark| format!("{}  {}\n", full(bookmark), words::escape(&leads_to(bookmark))))
        .collect();
    printed(io::stdout().lock().write_all(text.as_bytes()))?;
    if !quiet {
        imported.said(dry).iter().for_each(|line| super::say(words::escape(line)));
    }
    Ok(())
}

/// `folder/name`, escaped.
fn full(bookmark: &Bookmark) -> String {
    match bookmark.folder.as_str() {
        "" => words::escape(&bookmark.name).into_owned(),
        folder => format!("{}/{}", words::escape(folder), words::escape(&bookmark.name)),
    }
}

fn add(arguments: &BookmarkAddArguments, store: &Store, common: &Common) -> Result<Exit> {
    let bad = |what: &str, why: &str| {
        Error::new(ErrorKind::Usage, Operation::ReadArguments).on(what).with_detail(why)
    };
    check_name(&arguments.name).map_err(|why| bad(&arguments.name, why))?;
    check_folder(&arguments.folder).map_err(|why| bad(&arguments.folder, why))?;
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let parsed = Place::parse(arguments.place.as_bytes())?;
    let ftp = Some(common.ftp.site().to_string()).filter(|text| !text.is_empty());
    if ftp.is_some() && !takes_options(&parsed) {
        return Err(bad(&arguments.place, "the options for FTP mean nothing to this place"));
    }
    let place = match parsed {
        place @ Place::Remote(..) if has_password(&place) => {
            super::say(format_args!(
                "wharf: the password in the place is not kept; save it in the panes, which put it in the keyring"
            ));
            place.to_url()
        }
        Place::Remote(..) => arguments.place.clone(),
        // Where one is now must not decide where the bookmark leads.
        Place::Local(path) => absolute(&path)?,
    };
    let bookmark = Bookmark {
        name: arguments.name.clone(),
        folder: arguments.folder.clone(),
        place,
        remote: None,
        local: given(&arguments.local),
        ftp,
        note: given(&arguments.note),
    };
    store.save(None, &bookmark, None)?;
    if !common.quiet {
        super::say(format_args!(
            "{} is in {}",
            words::escape(&bookmark.name),
            words::escape(&store.bookmarks_file().display().to_string())
        ));
    }
    Ok(Exit::Done)
}

fn takes_options(place: &Place) -> bool {
    matches!(place, Place::Remote(target, _) if target.scheme.parts.contains(&Part::Options))
}

fn has_password(place: &Place) -> bool {
    matches!(place, Place::Remote(target, _) if target.password.is_some())
}

fn absolute(path: &[u8]) -> Result<String> {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let bytes = if path.starts_with(b"~") {
        path.to_vec()
    } else {
        std::path::absolute(std::ffi::OsStr::from_bytes(path))
            .map_err(|error| Error::io(Operation::ReadArguments, &error))?
            .into_os_string()
            .into_vec()
    };
    String::from_utf8(bytes).map_err(|error| {
        Error::new(ErrorKind::Usage, Operation::ReadArguments)
            .on(words::escape_bytes(error.as_bytes()))
            .with_detail("a bookmark's path must be UTF-8")
    })
}

/// What is wrong with the file is no reason not to list the rest.
fn read(store: &Store) -> Result<Vec<Bookmark>> {
    let read = store.bookmarks()?;
    for warning in &read.warnings {
        super::say(format_args!("wharf: {}", words::escape(warning)));
    }
    Ok(read.list)
}

fn list(store: &Store, json: bool) -> Result<Exit> {
    let all = read(store)?;
    let mut text = String::new();
    let escaped = |part: &str| words::escape(part).into_owned();
    let width = all.iter().map(|bookmark| full(bookmark).chars().count()).max().unwrap_or(0).min(40);
    for bookmark in &all {
        if json {
            text.push_str(&format!("{}\n", object(bookmark)));
        } else {
            text.push_str(&format!("{:<width$}  {}\n", full(bookmark), escaped(&leads_to(bookmark))));
        }
    }
    printed(io::stdout().lock().write_all(text.as_bytes())).map(|()| Exit::Done)
}

fn object(bookmark: &Bookmark) -> serde_json::Value {
    serde_json::json!({
        "name": bookmark.name,
        "folder": bookmark.folder,
        "place": leads_to(bookmark),
        "local": bookmark.local,
        "ftp": bookmark.ftp,
        "note": bookmark.note,
    })
}

/// As a URL where it can be; never with a password.
fn leads_to(bookmark: &Bookmark) -> String {
    bookmark.place().map_or_else(|_| crate::fs::place::redact(&bookmark.place), |place| place.to_url())
}

fn show(store: &Store, name: &str) -> Result<Exit> {
    let all = read(store)?;
    let bookmark = all.iter().find(|bookmark| bookmark.name == name).ok_or_else(|| store::unknown(name))?;
    let mut rows = vec![("name", bookmark.name.clone())];
    if !bookmark.folder.is_empty() {
        rows.push(("folder", bookmark.folder.clone()));
    }
    rows.push(("place", leads_to(bookmark)));
    rows.extend(bookmark.local.clone().map(|local| ("local", local)));
    rows.extend(bookmark.ftp.clone().map(|ftp| ("ftp", ftp)));
    rows.extend(bookmark.note.clone().map(|note| ("note", note)));
    let text: String =
        rows.iter().map(|(name, value)| format!("{name:>11}  {}\n", words::escape(value))).collect();
    printed(io::stdout().lock().write_all(text.as_bytes())).map(|()| Exit::Done)
}
