//! `~`, `%h` and `${NAME}` in the values of ssh_config: sections TOKENS and ENVIRONMENT VARIABLES
//! of ssh_config(5). Must never run what it expands.

use std::{
    ffi::OsStr,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::PathBuf,
};

use nix::unistd::{User, gethostname, getuid};

use super::{Result, usage};

/// This machine and whoever uses it.
#[derive(Debug)]
pub(super) struct Local {
    pub user: String,
    pub home: PathBuf,
    pub uid: u32,
    pub host: String,
}

impl Local {
    /// The home is that of the user database, as ssh has it, and not `$HOME`.
    pub fn new() -> Result<Local> {
        let uid = getuid();
        let user = User::from_uid(uid)
            .ok()
            .flatten()
            .ok_or_else(|| usage("this user is not in the user database"))?;
        let host = gethostname().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Local { user: user.name, home: user.dir, uid: uid.as_raw(), host })
    }

    /// Expands `~`, `~/x` and `~user/x`; a user that nobody knows stays as written.
    pub fn tilde(&self, value: &[u8]) -> Vec<u8> {
        let Some(rest) = value.strip_prefix(b"~") else { return value.to_vec() };
        let cut = rest.iter().position(|&b| b == b'/').unwrap_or(rest.len());
        let (name, rest) = rest.split_at(cut);
        let home = if name.is_empty() {
            Some(self.home.clone())
        } else {
            std::str::from_utf8(name)
                .ok()
                .and_then(|name| User::from_name(name).ok().flatten())
                .map(|user| user.dir)
        };
        match home {
            Some(home) => [home.as_os_str().as_bytes(), rest].concat(),
            None => value.to_vec(),
        }
    }
}

/// What the tokens of one host stand for.
pub(super) struct Tokens<'a> {
    pub local: &'a Local,
    pub original: &'a str,
    pub hostname: &'a str,
    pub user: &'a str,
    pub port: u16,
    /// HostKeyAlias, or else the host as it was asked for.
    pub alias: &'a str,
}

impl Tokens<'_> {
    /// A file's name, all of it expanded; `None` where it names a variable that is not set, as
    /// ssh ignores the setting then.
    pub fn file(&self, value: &[u8]) -> Result<Option<Vec<u8>>> {
        let value = self.local.tilde(value);
        let mut out = Vec::with_capacity(value.len());
        let mut rest = value.as_slice();
        while let Some((&byte, after)) = rest.split_first() {
            rest = after;
            if byte == b'%' {
                let (&letter, after) =
                    rest.split_first().ok_or_else(|| usage("a % at the end of a value"))?;
                out.extend_from_slice(self.of_file(letter)?.as_bytes());
                rest = after;
            } else if byte == b'$' && rest.first() == Some(&b'{') {
                let end = rest.iter().position(|&b| b == b'}').ok_or_else(|| usage("a ${ without its }"))?;
                let Some(variable) = std::env::var_os(OsStr::from_bytes(&rest[1..end])) else {
                    return Ok(None);
                };
                out.extend_from_slice(&variable.into_vec());
                rest = &rest[end + 1..];
            } else {
                out.push(byte);
            }
        }
        Ok(Some(out))
    }

    /// A ProxyCommand or ProxyJump: they know but a few tokens, and leave variables alone.
    pub fn command(&self, value: &str) -> Result<String> {
        let mut out = String::with_capacity(value.len());
        let mut rest = value.chars();
        while let Some(c) = rest.next() {
            if c != '%' {
                out.push(c);
                continue;
            }
            match rest.next() {
                Some('%') => out.push('%'),
                Some('h') => out.push_str(self.hostname),
                Some('n') => out.push_str(self.original),
                Some('p') => out.push_str(&self.port.to_string()),
                Some('r') => out.push_str(self.user),
                Some('k') => out.push_str(self.alias),
                other => return Err(unknown(other.unwrap_or(' '), "a proxy setting")),
            }
        }
        Ok(out)
    }

    fn of_file(&self, letter: u8) -> Result<String> {
        Ok(match letter {
            b'%' => "%".to_owned(),
            b'd' => return self.home(),
            b'h' => self.hostname.to_owned(),
            b'i' => self.local.uid.to_string(),
            b'k' => self.alias.to_owned(),
            b'L' => self.local.host.split('.').next().unwrap_or_default().to_owned(),
            b'l' => self.local.host.clone(),
            b'n' => self.original.to_owned(),
            b'p' => self.port.to_string(),
            b'r' => self.user.to_owned(),
            b'u' => self.local.user.clone(),
            other => return Err(unknown(other as char, "a file's name")),
        })
    }

    fn home(&self) -> Result<String> {
        self.local
            .home
            .to_str()
            .map(str::to_owned)
            .ok_or_else(|| usage("%d: the home directory's name is not UTF-8"))
    }
}

fn unknown(letter: char, place: &str) -> super::Error {
    usage(&format!("%{letter} in {place} is not understood"))
}
