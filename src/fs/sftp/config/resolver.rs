//! What `ssh -G` would answer, where there is no ssh to be asked: the files of ssh_config are read
//! by ssh's own rules, the first value that is obtained counts. Must never interpret more than
//! ssh does, and never pass over what it does not understand: that is an error that names the
//! line.
//!
//! Source: ssh_config(5) of OpenSSH 9.2, and `ssh -G` itself, which the tests hold this against.

use std::{collections::BTreeMap, time::Instant};

use super::{
    Error, ErrorKind, Operation, Result, SshOptions, TIME_LIMIT,
    algorithms::Family,
    answer::{Answer, is_none},
    keyword::{Keyword, keyword},
    line::{Line, lines},
    matching::{self, Facts},
    parse_jumps,
    source::{Owner, Source, Trust, files},
    tokens::{Local, Tokens},
    usage,
    value::{canonical_address, expand_host, read, rekey_limit},
};
use crate::trust::{
    known_hosts::DEFAULT_PORT,
    pattern::{list_matches, matches},
};

/// As many as ssh takes of each.
const MOST_IDENTITIES: usize = 100;
const MOST_KNOWN_HOSTS_FILES: usize = 32;

/// What ssh tries where no IdentityFile is said, in its order.
const IDENTITIES: [&str; 7] =
    ["id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk", "id_xmss", "id_dsa"];

/// What is asked, as the command line of ssh would ask it.
pub(super) struct Request<'a> {
    pub host: &'a str,
    pub user: Option<&'a str>,
    pub port: Option<u16>,
    pub options: &'a SshOptions,
}

/// Answers as `ssh -G` does, keyword by keyword.
pub(super) fn resolve(request: &Request<'_>, local: &Local) -> Result<Answer> {
    let sources = files(request.options, local, Trust::Checked)?;
    let mut reader = Reader {
        local,
        original: request.host,
        host: request.host.to_owned(),
        settings: Settings::default(),
        is_final: false,
        wants_final: false,
        deadline: Instant::now() + TIME_LIMIT,
    };
    if let Some(user) = request.user {
        reader.settings.values.insert("user", user.as_bytes().to_vec());
    }
    if let Some(port) = request.port {
        reader.settings.values.insert("port", port.to_string().into_bytes());
    }
    if !request.options.identities.is_empty() {
        reader.settings.each.entry("identityfile").or_default().push((Owner::User, b"none".to_vec()));
    }
    reader.pass(&sources)?;
    reader.host = reader.final_host()?;
    if reader.wants_final || reader.canonicalizes() {
        reader.is_final = true;
        let host = reader.host.clone().into_bytes();
        reader.settings.values.insert("hostname", host);
        reader.pass(&sources)?;
    }
    reader.answer()
}

/// What has been obtained so far.
#[derive(Default)]
struct Settings {
    values: BTreeMap<&'static str, Vec<u8>>,
    lists: BTreeMap<&'static str, Vec<Vec<u8>>>,
    /// The same file may be named by the user and by the system.
    each: BTreeMap<&'static str, Vec<(Owner, Vec<u8>)>>,
    /// The two halves of RekeyLimit are obtained each by itself.
    rekey_bytes: Option<u64>,
    rekey_seconds: Option<u32>,
}

impl Settings {
    fn text(&self, name: &str) -> Option<String> {
        self.values.get(name).map(|value| String::from_utf8_lossy(value).into_owned())
    }

    fn is_yes(&self, name: &str) -> Option<bool> {
        self.values.get(name).map(|value| !matches!(value.as_slice(), b"no" | b"false"))
    }

    /// The first value that is obtained is the one that counts.
    fn obtain(&mut self, name: &'static str, value: Vec<u8>) {
        self.values.entry(name).or_insert(value);
    }
}

struct Reader<'a> {
    local: &'a Local,
    original: &'a str,
    /// What Host is compared with: as asked for at first, the real one the second time.
    host: String,
    settings: Settings,
    is_final: bool,
    wants_final: bool,
    deadline: Instant,
}

impl Reader<'_> {
    fn pass(&mut self, sources: &[Source]) -> Result<()> {
        for source in sources {
            self.file(source, true, true)?;
        }
        Ok(())
    }

    /// `applies`: whether the lines before the first Host or Match count. `may_apply`: whether
    /// any can, which it cannot where the Include itself does not.
    fn file(&mut self, source: &Source, applies: bool, may_apply: bool) -> Result<()> {
        let mut applies = applies;
        for line in lines(&source.text) {
            let at = |number: usize, why: String| {
                usage(&format!("{} line {number}: {why}", source.path.display()))
            };
            let line = line.map_err(|(number, why)| at(number, why))?;
            let failed = |why| at(line.number, why);
            let words = line.words().map_err(failed)?;
            let keyword = match keyword(&line.keyword) {
                Some(keyword) => keyword,
                None if self.ignores(&line.keyword) => continue,
                None => return Err(failed(format!("Bad configuration option: {}", line.keyword))),
            };
            match keyword {
                Keyword::Host => applies = self.is_host(&words).map_err(failed)? && may_apply,
                Keyword::Match => applies = self.is_match(&line, may_apply).map_err(failed)? && may_apply,
                Keyword::Include => {
                    for word in &words {
                        for included in source.include(word, self.local).map_err(failed)? {
                            self.file(&included, applies, applies)?;
                        }
                    }
                }
                _ => self.setting(keyword, &line, &words, source.owner, applies).map_err(failed)?,
            }
        }
        Ok(())
    }

    fn ignores(&self, keyword: &str) -> bool {
        self.settings
            .values
            .get("ignoreunknown")
            .is_some_and(|list| list_matches(&list.to_ascii_lowercase(), keyword.as_bytes()))
    }

    fn is_host(&self, words: &[Vec<u8>]) -> Result<bool, String> {
        let mut found = false;
        if words.iter().any(Vec::is_empty) {
            return Err("Host with an empty pattern".to_owned());
        }
        for word in words {
            match word.strip_prefix(b"!") {
                Some(pattern) if matches(pattern, self.host.as_bytes()) => return Ok(false),
                Some(_) => {}
                None => found |= matches(word, self.host.as_bytes()),
            }
        }
        Ok(found)
    }

    fn is_match(&mut self, line: &Line<'_>, may_run: bool) -> Result<bool, String> {
        let host = match self.settings.values.get("hostname") {
            Some(name) if !self.is_final => expand_host(name, &self.host)?,
            _ => self.host.clone(),
        };
        let user = self.settings.text("user").unwrap_or_else(|| self.local.user.clone());
        let alias = self.settings.text("hostkeyalias");
        let facts = Facts {
            local: self.local,
            original: self.original,
            host: &host,
            user: &user,
            port: self.port(),
            alias: alias.as_deref(),
            tag: self.settings.values.get("tag").map_or(b"", Vec::as_slice),
            has_jump: self.settings.values.get("proxyjump").is_some_and(|jump| !is_none(jump)),
            is_final: self.is_final,
            may_run,
            deadline: self.deadline,
        };
        let outcome = matching::evaluate(line.rest, &facts)?;
        self.wants_final |= outcome.wants_final;
        Ok(outcome.applies)
    }

    fn port(&self) -> u16 {
        self.settings.text("port").and_then(|port| port.parse().ok()).unwrap_or(DEFAULT_PORT)
    }

    /// Reads a line's value, so that a bad one is found wherever it stands, and keeps it where
    /// the line applies.
    fn setting(
        &mut self,
        keyword: Keyword,
        line: &Line<'_>,
        words: &[Vec<u8>],
        owner: Owner,
        applies: bool,
    ) -> Result<(), String> {
        match keyword {
            Keyword::Value(name, form) => {
                let value = read(form, single(line, words)?)?;
                if let Some(value) = value.filter(|_| applies) {
                    self.settings.obtain(name, value);
                }
            }
            Keyword::List(name) => {
                let has_none = words.iter().any(|word| is_none(word));
                if words.iter().any(Vec::is_empty) || has_none && words.len() > 1 {
                    return Err(format!("keyword {}: an empty word, or none beside others", line.keyword));
                }
                if applies && !words.is_empty() && !self.settings.lists.contains_key(name) {
                    if words.len() > MOST_KNOWN_HOSTS_FILES {
                        return Err(format!("too many {} entries", line.keyword));
                    }
                    self.settings.lists.insert(name, words.to_vec());
                }
            }
            Keyword::Each(name) => {
                let entry = (owner, single(line, words)?.to_vec());
                let files = self.settings.each.entry(name).or_default();
                if applies && !files.contains(&entry) {
                    if files.len() >= MOST_IDENTITIES {
                        return Err(format!("too many {} lines", line.keyword));
                    }
                    files.push(entry);
                }
            }
            // Of ProxyJump and ProxyCommand the first that is obtained rules out the other, but
            // for `ProxyJump none`.
            Keyword::ProxyCommand => {
                let jumps = self.settings.values.get("proxyjump").is_some_and(|jump| !is_none(jump));
                if applies && !jumps {
                    self.settings.obtain("proxycommand", line.command().to_vec());
                }
            }
            Keyword::ProxyJump => {
                let value = line.command().split(|&b| b == b'#').next().unwrap_or_default().trim_ascii();
                let text = String::from_utf8_lossy(value);
                if !is_none(value) {
                    parse_jumps(&text).map_err(|error| error.detail().unwrap_or_default().to_owned())?;
                }
                if applies && !self.settings.values.contains_key("proxycommand") {
                    self.settings.obtain("proxyjump", value.to_vec());
                }
            }
            Keyword::RekeyLimit => {
                let (bytes, seconds) = rekey_limit(words)?;
                if applies {
                    self.settings.rekey_bytes.get_or_insert(bytes);
                    self.settings.rekey_seconds = self.settings.rekey_seconds.or(seconds);
                }
            }
            Keyword::Refuse if applies => {
                let why = String::from_utf8_lossy(line.command());
                return Err(format!("RefuseConnection: {why}"));
            }
            Keyword::Refuse | Keyword::Ignored => {}
            Keyword::Host | Keyword::Match | Keyword::Include => {}
        }
        Ok(())
    }

    /// The host to connect to, as far as that can be told without asking for addresses.
    fn final_host(&self) -> Result<String> {
        let host = match self.settings.values.get("hostname") {
            Some(name) => expand_host(name, &self.host).map_err(|why| usage(&why))?,
            None => self.host.clone(),
        };
        if let Some(address) = canonical_address(&host) {
            // As ssh has it: an address that differs in case only stays as it was written.
            return Ok(if address.eq_ignore_ascii_case(&host) { host } else { address });
        }
        // What looks like an address and is none, perhaps of an interface that is not there.
        if host.contains(['%', ':']) || host.chars().all(|c| c.is_ascii_digit() || c == '.') {
            return Ok(host);
        }
        let host = host.to_ascii_lowercase();
        let is_set = |name: &str| {
            self.settings.values.get(name).is_some_and(|value| !is_none(value) && !value.is_empty())
        };
        let is_direct = !is_set("proxycommand") && !is_set("proxyjump");
        let always = self.settings.values.get("canonicalizehostname").is_some_and(|v| v == b"always");
        if !is_direct && !always {
            return Ok(host);
        }
        let named = |list: &str| {
            self.settings.lists.get(list).is_some_and(|names| names.iter().any(|name| !is_none(name)))
        };
        let dots = host.matches('.').count() as u64;
        let most = self.settings.text("canonicalizemaxdots").and_then(|n| n.parse().ok()).unwrap_or(1);
        let searched = self.canonicalizes() && (host.ends_with('.') || dots <= most);
        if searched && (host.ends_with('.') || named("canonicaldomains"))
            || named("canonicalizepermittedcnames")
        {
            return Err(Error::new(ErrorKind::Unsupported, Operation::ReadConfig)
                .with_detail(format!("CanonicalizeHostname: {host} cannot be canonicalized without ssh")));
        }
        if searched && self.settings.is_yes("canonicalizefallbacklocal") == Some(false) {
            return Err(usage(&format!("CanonicalizeHostname: could not resolve {host}")));
        }
        Ok(host)
    }

    fn canonicalizes(&self) -> bool {
        self.settings.is_yes("canonicalizehostname").unwrap_or(false)
    }

    fn answer(self) -> Result<Answer> {
        let Reader { local, original, host, mut settings, .. } = self;
        let mut pairs: Vec<(String, Vec<u8>)> = Vec::new();
        settings.values.insert("hostname", host.clone().into_bytes());
        settings.values.entry("user").or_insert_with(|| local.user.clone().into_bytes());
        settings.values.entry("port").or_insert_with(|| DEFAULT_PORT.to_string().into_bytes());
        if let Some(alias) = settings.values.get_mut("hostkeyalias") {
            alias.make_ascii_lowercase();
        }
        let (user, alias) = (settings.text("user").unwrap_or_default(), settings.text("hostkeyalias"));
        let tokens = Tokens {
            local,
            original,
            hostname: &host,
            user: &user,
            port: settings.text("port").and_then(|port| port.parse().ok()).unwrap_or(DEFAULT_PORT),
            alias: alias.as_deref().unwrap_or(original),
        };
        let ssh = |name: &str| format!("~/.ssh/{name}").into_bytes();
        let identities = settings.each.remove("identityfile").filter(|files| !files.is_empty());
        let identities = match identities {
            Some(files) => files.into_iter().map(|(_, file)| file).collect(),
            None => IDENTITIES.map(ssh).to_vec(),
        };
        pairs.extend(identities.into_iter().map(|file| ("identityfile".to_owned(), file)));
        for (name, files) in settings.each {
            pairs.extend(files.into_iter().map(|(_, file)| (name.to_owned(), file)));
        }
        let known = settings.lists.remove("userknownhostsfile");
        for file in known.unwrap_or_else(|| ["known_hosts", "known_hosts2"].map(ssh).to_vec()) {
            let file = tokens.file(&file)?.ok_or_else(|| {
                let file = String::from_utf8_lossy(&file);
                usage(&format!("UserKnownHostsFile {file} names a variable that is not set"))
            })?;
            pairs.push(("userknownhostsfile".to_owned(), file));
        }
        let global = settings.lists.remove("globalknownhostsfile").unwrap_or_else(|| {
            ["ssh_known_hosts", "ssh_known_hosts2"]
                .map(|name| format!("/etc/ssh/{name}").into_bytes())
                .to_vec()
        });
        pairs.extend(global.into_iter().map(|file| ("globalknownhostsfile".to_owned(), file)));
        let rekey = [settings.rekey_bytes.unwrap_or(0), settings.rekey_seconds.unwrap_or(0).into()];
        pairs.push(("rekeylimit".to_owned(), format!("{} {}", rekey[0], rekey[1]).into_bytes()));
        pairs.extend(settings.values.into_iter().map(|(name, value)| (name.to_owned(), value)));
        Ok(Answer::of(pairs).without(&defaults()))
    }
}

/// The lists that ssh has where nobody has set them.
fn defaults() -> Answer {
    let lists = [
        ("ciphers", Family::Cipher),
        ("macs", Family::Mac),
        ("kexalgorithms", Family::Kex),
        ("hostkeyalgorithms", Family::Key),
        ("pubkeyacceptedalgorithms", Family::Key),
    ];
    let pair = |(name, family): (&str, Family)| (name.to_owned(), family.defaults().join(",").into_bytes());
    Answer::of(lists.map(pair).to_vec())
}

fn single<'w>(line: &Line<'_>, words: &'w [Vec<u8>]) -> Result<&'w [u8], String> {
    match words {
        [word] if !word.is_empty() => Ok(word),
        [] | [_] => Err(format!("keyword {} without an argument", line.keyword)),
        _ => Err(format!("keyword {}: extra arguments at end of line", line.keyword)),
    }
}

#[cfg(test)]
mod tests;
