//! The files of ssh_config: which are read, who may have written them, and what Include means.
//! Must never interpret a line.

use std::{
    fs::File,
    io::{self, Read},
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Path, PathBuf},
};

use nix::unistd::getuid;

use super::{Error, Operation, Result, path, tokens::Local, usage};
use crate::fs::{SshOptions, error::kind_of_io};

/// Files within files beyond this depth are an error, as with ssh.
const DEEPEST: usize = 16;

/// A file longer than this is no configuration.
const LONGEST: u64 = 16 << 20;

const SYSTEM_FILE: &str = "/etc/ssh/ssh_config";

/// Where relative names of Include start, and whether a `~` may begin them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// `~/.ssh`.
    User,
    /// `/etc/ssh`.
    System,
}

/// A file that has been read.
#[derive(Debug)]
pub(super) struct Source {
    pub path: PathBuf,
    pub owner: Owner,
    pub text: Vec<u8>,
    trust: Trust,
    depth: usize,
}

/// What the files are read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// To do as they say: where ssh looks at who may have written them, so does this.
    Checked,
    /// To look at names only.
    Any,
}

/// The files in the order of their precedence: `-F` alone, or the user's and then the system's.
pub(super) fn files(options: &SshOptions, local: &Local, trust: Trust) -> Result<Vec<Source>> {
    let source = |path: PathBuf, owner, text| Source { path, owner, text, trust, depth: 0 };
    if let Some(given) = &options.config_file {
        // "none" is ssh's way to say: read no configuration.
        if given.as_os_str() == "none" {
            return Ok(Vec::new());
        }
        let text = read(given, Trust::Any)?
            .ok_or_else(|| usage(&format!("{}: no such file or directory", given.display())))?;
        return Ok(vec![source(given.clone(), Owner::User, text)]);
    }
    let mut found = Vec::new();
    let personal = local.home.join(".ssh/config");
    if let Some(text) = read(&personal, trust)? {
        found.push(source(personal, Owner::User, text));
    }
    if let Some(text) = read(Path::new(SYSTEM_FILE), Trust::Any)? {
        found.push(source(SYSTEM_FILE.into(), Owner::System, text));
    }
    Ok(found)
}

impl Source {
    /// The files that one argument of Include stands for, sorted by name. None is no error.
    pub fn include(&self, argument: &[u8], local: &Local) -> Result<Vec<Source>, String> {
        if self.depth >= DEEPEST {
            return Err(format!("Include goes deeper than {DEEPEST} files"));
        }
        let pattern = self.anchored(argument, local)?;
        let pattern = pattern.to_str().ok_or("Include: the name is not UTF-8")?;
        let options = glob::MatchOptions {
            case_sensitive: true,
            require_literal_separator: true,
            require_literal_leading_dot: true,
        };
        let found =
            glob::glob_with(pattern, options).map_err(|error| format!("Include {pattern}: {error}"))?;
        let mut sources = Vec::new();
        for path in found {
            let path = path.map_err(|error| format!("Include {pattern}: {error}"))?;
            let words = |error: Error| error.detail().unwrap_or_default().to_owned();
            if let Some(text) = read(&path, self.trust).map_err(words)? {
                sources.push(Source {
                    path,
                    owner: self.owner,
                    text,
                    trust: self.trust,
                    depth: self.depth + 1,
                });
            }
        }
        Ok(sources)
    }

    fn anchored(&self, argument: &[u8], local: &Local) -> Result<PathBuf, String> {
        if argument.is_empty() {
            return Err("Include with an empty name".to_owned());
        }
        let name = path(argument);
        match (self.owner, argument[0]) {
            (_, b'/') => Ok(name),
            (Owner::System, b'~') => Err("Include of the system's file cannot begin with ~".to_owned()),
            // Unlike elsewhere, this ~ is the environment's: it is glob(3) that expands it.
            (Owner::User, b'~') => Ok(match (argument.get(1), std::env::var_os("HOME")) {
                (None | Some(b'/'), Some(home)) if !home.is_empty() => {
                    path([home.as_bytes(), &argument[1..]].concat())
                }
                _ => path(local.tilde(argument)),
            }),
            (Owner::User, _) => Ok(std::env::var_os("HOME")
                .filter(|home| !home.is_empty())
                .map_or_else(|| local.home.clone(), PathBuf::from)
                .join(".ssh")
                .join(name)),
            (Owner::System, _) => Ok(Path::new("/etc/ssh").join(name)),
        }
    }
}

/// The file's text; `None` where there is none. Where it is checked, one that somebody else
/// could have written is refused: it names programs that are run.
fn read(path: &Path, trust: Trust) -> Result<Option<Vec<u8>>> {
    let failed = |error: io::Error| {
        let detail = format!("{}: {}", path.display(), error.kind());
        Error::new(kind_of_io(&error), Operation::ReadConfig).with_detail(detail)
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let about = file.metadata().map_err(failed)?;
    if about.is_dir() {
        return Ok(None);
    }
    let is_ours = about.uid() == 0 || about.uid() == getuid().as_raw();
    if trust == Trust::Checked && (!is_ours || about.mode() & 0o022 != 0) {
        return Err(usage(&format!(
            "bad owner or permissions on {}: others may write to it",
            path.display()
        )));
    }
    let mut text = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut text).map_err(failed)?;
    if text.len() as u64 > LONGEST {
        return Err(usage(&format!("{}: it is too long for an ssh_config", path.display())));
    }
    Ok(Some(text))
}
