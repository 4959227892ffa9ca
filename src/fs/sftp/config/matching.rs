//! The criteria of Match: ssh_config(5), keyword Match. Owns what is compared with what, and the
//! running of `exec`. Must never read a file.

use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use sha1::{Digest, Sha1};

use super::{
    line::{Delimited, skip_blanks},
    tokens::Local,
};
use crate::trust::pattern::{list_matches, matches};

/// How often a command is looked after.
const PAUSE: Duration = Duration::from_millis(5);

/// What is known at the line of a Match.
pub(super) struct Facts<'a> {
    pub local: &'a Local,
    /// As asked for.
    pub original: &'a str,
    /// With HostName applied, as far as one has been obtained.
    pub host: &'a str,
    pub user: &'a str,
    pub port: u16,
    pub alias: Option<&'a str>,
    pub tag: &'a [u8],
    pub has_jump: bool,
    /// The files are read for the second time.
    pub is_final: bool,
    /// Whether commands may run at all: not in files that cannot apply.
    pub may_run: bool,
    pub deadline: Instant,
}

/// What a Match comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub applies: bool,
    /// The files are to be read again once the host is known.
    pub wants_final: bool,
}

/// Whether the criteria hold. All of them are read even where one does not.
pub(super) fn evaluate(criteria: &[u8], facts: &Facts<'_>) -> Result<Outcome, String> {
    let mut scan = Delimited::new(criteria);
    let mut outcome = Outcome { applies: true, wants_final: false };
    let mut count = 0;
    while !matches!(skip_blanks(scan.rest).first(), None | Some(b'#')) {
        let criterion = next(&mut scan)?;
        let criterion = String::from_utf8_lossy(&criterion).into_owned();
        let (negated, name) = match criterion.strip_prefix('!') {
            Some(name) => (true, name.to_ascii_lowercase()),
            None => (false, criterion.to_ascii_lowercase()),
        };
        if name == "all" {
            // ssh lets one criterion stand before it: `Match final all`.
            if count > 1 || !matches!(skip_blanks(scan.rest).first(), None | Some(b'#')) {
                return Err("all cannot be combined with other criteria of Match".to_owned());
            }
            outcome.applies &= !negated;
            return Ok(outcome);
        }
        count += 1;
        let holds = match name.as_str() {
            "final" | "canonical" => {
                outcome.wants_final |= name == "final";
                facts.is_final
            }
            _ => {
                let argument = next(&mut scan)?;
                if argument.is_empty() || argument[0] == b'#' {
                    return Err(format!("Match {name} without an argument"));
                }
                let run = outcome.applies && facts.may_run;
                facts.holds(&name, &argument, run)?.unwrap_or(!negated)
            }
        };
        if holds == negated {
            outcome.applies = false;
        }
    }
    if count == 0 { Err("Match without a criterion".to_owned()) } else { Ok(outcome) }
}

fn next(scan: &mut Delimited<'_>) -> Result<Vec<u8>, String> {
    scan.next_word().ok_or_else(|| "a quote without its end".to_owned())
}

impl Facts<'_> {
    /// `None` for a command that was not run, as nothing depends on it any more.
    fn holds(&self, name: &str, argument: &[u8], run: bool) -> Result<Option<bool>, String> {
        let in_lower_case =
            |name: &str| list_matches(&argument.to_ascii_lowercase(), name.to_ascii_lowercase().as_bytes());
        Ok(Some(match name {
            "host" => in_lower_case(self.host),
            "originalhost" => in_lower_case(self.original),
            "user" => list_matches(argument, self.user.as_bytes()),
            "localuser" => list_matches(argument, self.local.user.as_bytes()),
            // An empty tag is matched by "*" as by nothing else.
            "tagged" => list_matches(argument, self.tag) || self.tag.is_empty() && matches(argument, b""),
            "exec" => {
                let command = self.expand(argument)?;
                if !run {
                    return Ok(None);
                }
                self.exec(&command)?
            }
            other => return Err(format!("Match {other} is not understood where there is no ssh")),
        }))
    }

    fn expand(&self, argument: &[u8]) -> Result<Vec<u8>, String> {
        let mut out = Vec::new();
        let mut bytes = argument.iter();
        while let Some(&byte) = bytes.next() {
            if byte != b'%' {
                out.push(byte);
                continue;
            }
            let port = self.port.to_string();
            let short = self.local.host.split('.').next().unwrap_or_default();
            match bytes.next() {
                Some(b'%') => out.push(b'%'),
                Some(b'C') => out.extend(self.hash()?.bytes()),
                Some(b'L') => out.extend(short.bytes()),
                Some(b'd') => out.extend(self.local.home.as_os_str().as_bytes()),
                Some(b'h') => out.extend(self.host.bytes()),
                Some(b'i') => out.extend(self.local.uid.to_string().bytes()),
                Some(b'k') => out.extend(self.alias.unwrap_or(self.host).bytes()),
                Some(b'l') => out.extend(self.local.host.bytes()),
                Some(b'n') => out.extend(self.original.bytes()),
                Some(b'p') => out.extend(port.bytes()),
                Some(b'r') => out.extend(self.user.bytes()),
                Some(b'u') => out.extend(self.local.user.bytes()),
                Some(&other) => return Err(format!("%{} in Match exec is not understood", other as char)),
                None => return Err("a % at the end of a value".to_owned()),
            }
        }
        Ok(out)
    }

    /// `%C`. Versions of ssh differ in whether ProxyJump is a part of it.
    fn hash(&self) -> Result<String, String> {
        if self.has_jump {
            return Err("%C together with ProxyJump is not understood where there is no ssh".to_owned());
        }
        let text = format!("{}{}{}{}", self.local.host, self.host, self.port, self.user);
        Ok(Sha1::digest(text).iter().map(|byte| format!("{byte:02x}")).collect())
    }

    fn exec(&self, command: &[u8]) -> Result<bool, String> {
        let shown = String::from_utf8_lossy(command);
        let shell =
            std::env::var_os("SHELL").filter(|shell| !shell.is_empty()).unwrap_or_else(|| "/bin/sh".into());
        let mut child = Command::new(&shell)
            .arg("-c")
            .arg(OsStr::from_bytes(command))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("Match exec: {}: {error}", shell.to_string_lossy()))?;
        loop {
            match child.try_wait() {
                Ok(Some(status)) => {
                    return match status.code() {
                        Some(code) => Ok(code == 0),
                        None => Err(format!("Match exec {shown:?} was killed")),
                    };
                }
                Ok(None) if Instant::now() < self.deadline => std::thread::sleep(PAUSE),
                outcome => {
                    let _ = child.kill();
                    let _ = child.wait();
                    return Err(match outcome {
                        Err(error) => format!("Match exec {shown:?}: {error}"),
                        Ok(_) => format!("Match exec {shown:?} does not end"),
                    });
                }
            }
        }
    }
}
