//! How a host is reached, as ssh_config(5) says: `ssh -G` is asked where OpenSSH is installed, for
//! whoever uses both means the same by one file; elsewhere `resolver` answers in its place. Owns
//! the asking, the parsing of the answer and the expansion of its tokens. Must never connect, and
//! never guess where a file says otherwise.

mod algorithms;
mod answer;
mod hosts;
mod keyword;
mod line;
mod matching;
mod resolver;
mod source;
mod tokens;
mod value;

use std::{
    ffi::OsString,
    io,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{process::Command, sync::OnceCell};

use crate::{
    fs::{Error, ErrorKind, Operation, Result, SshOptions, error::kind_of_io},
    trust::known_hosts::DEFAULT_PORT,
};
use answer::{Answer, is_none};
pub use hosts::hosts;
use resolver::Request;
use tokens::{Local, Tokens};

/// `Match exec` and canonical names may take a while; more than this is a hang.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// All that a connection needs to know of ssh_config, with tokens and `~` expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostConfig {
    /// As it was asked for.
    pub original: String,
    pub hostname: String,
    pub user: String,
    pub port: u16,

    /// In the order to try them, those of the command line first. Defaults need not exist.
    pub identity_files: Vec<PathBuf>,
    /// Use no key of the agent but those of `identity_files`.
    pub identities_only: bool,
    pub agent: Agent,
    pub certificate_files: Vec<PathBuf>,

    /// The first one is appended to. Empty for `none`: nothing can be remembered then.
    pub user_known_hosts: Vec<PathBuf>,
    pub global_known_hosts: Vec<PathBuf>,
    pub strict_host_key_checking: StrictHostKeyChecking,
    pub hash_known_hosts: bool,
    pub host_key_alias: Option<String>,
    pub check_host_ip: bool,
    /// Keys never to be accepted: one per line, or a KRL as ssh-keygen(1) writes it.
    pub revoked_host_keys: Option<PathBuf>,

    /// The hosts to go through, nearest first; each is resolved for itself.
    pub jumps: Vec<Jump>,
    /// For `sh -c`, tokens expanded. Never set together with `jumps`.
    pub proxy_command: Option<String>,

    pub connect_timeout: Option<Duration>,
    /// `None`: the server is never asked whether it is alive.
    pub server_alive_interval: Option<Duration>,
    pub server_alive_count_max: u32,
    /// Bytes after which the keys are renewed; `None` leaves it to the protocol's own limit.
    pub rekey_bytes: Option<u64>,
    /// The time after which they are.
    pub rekey_time: Option<Duration>,
    pub address_family: AddressFamily,

    pub pubkey_authentication: bool,
    pub password_authentication: bool,
    pub kbd_interactive_authentication: bool,
    /// Empty: in ssh's own order.
    pub preferred_authentications: Vec<String>,
    pub number_of_password_prompts: u32,

    /// Empty, like the other lists below, where nobody has set it: wharf's own choice. Else as
    /// ssh would offer them, best first; wharf need not have them all.
    pub ciphers: Vec<String>,
    pub macs: Vec<String>,
    pub kex_algorithms: Vec<String>,
    pub host_key_algorithms: Vec<String>,
    /// Signatures that keys may be used for in logging in. Empty: all but those with SHA-1.
    pub pubkey_accepted_algorithms: Vec<String>,
}

/// Which agent to ask for keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Agent {
    /// The one that `SSH_AUTH_SOCK` names, if it does.
    Environment,
    None,
    Socket(PathBuf),
}

/// What an unknown host key leads to. A changed or revoked one is refused with each of them
/// here, `Off` included, where ssh would merely restrict the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StrictHostKeyChecking {
    /// It is refused.
    Yes,
    Ask,
    /// It is remembered.
    AcceptNew,
    /// The same.
    Off,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressFamily {
    Any,
    Inet,
    Inet6,
}

/// One hop of ProxyJump.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jump {
    pub host: String,
    pub user: Option<String>,
    pub port: Option<u16>,
}

impl HostConfig {
    /// The name and port that [`crate::trust::known_hosts`] wants: `HostKeyAlias` stands for
    /// both.
    pub fn known_as(&self) -> (&str, u16) {
        match &self.host_key_alias {
            Some(alias) => (alias, DEFAULT_PORT),
            None => (&self.hostname, self.port),
        }
    }
}

/// Finds out how `host` is reached. What is given beats what the files say.
pub async fn resolve(
    host: &str,
    user: Option<&str>,
    port: Option<u16>,
    options: &SshOptions,
) -> Result<HostConfig> {
    resolve_with("ssh".as_ref(), host, user, port, options).await.map_err(|error| error.on(host))
}

async fn resolve_with(
    program: &Path,
    host: &str,
    user: Option<&str>,
    port: Option<u16>,
    options: &SshOptions,
) -> Result<HostConfig> {
    if !is_safe_host(host) {
        return Err(usage("the host's name contains characters that no host has"));
    }
    if !user.is_none_or(is_safe_user) {
        return Err(usage("the user's name contains characters that no login has"));
    }
    for identity in &options.identities {
        if let Err(error) = tokio::fs::metadata(identity).await {
            let detail = format!(
                "{}: {}",
                identity.display(),
                Error::io(Operation::ReadConfig, &error).detail().unwrap_or_default()
            );
            return Err(Error::new(kind_of_io(&error), Operation::ReadConfig).with_detail(detail));
        }
    }
    let local = Local::new()?;
    let answer = match ask(program, host, user, port, options).await? {
        Some(answer) => answer,
        None => resolve_without_ssh(host, user, port, options).await?,
    };
    let mut config = parse(host, &answer, &local)?;
    config.identity_files.splice(0..0, options.identities.iter().cloned());
    if let Some(file) = &options.known_hosts {
        config.user_known_hosts = vec![file.clone()];
    }
    if options.accept_new {
        config.strict_host_key_checking = StrictHostKeyChecking::AcceptNew;
    }
    Ok(config)
}

/// What the files say, read by wharf itself.
async fn resolve_without_ssh(
    host: &str,
    user: Option<&str>,
    port: Option<u16>,
    options: &SshOptions,
) -> Result<Answer> {
    let (host, user, options) = (host.to_owned(), user.map(str::to_owned), options.clone());
    let reading = tokio::task::spawn_blocking(move || {
        let request = Request { host: &host, user: user.as_deref(), port, options: &options };
        resolver::resolve(&request, &Local::new()?)
    });
    match tokio::time::timeout(TIME_LIMIT * 2, reading).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => {
            Err(Error::new(ErrorKind::Failure, Operation::ReadConfig).with_detail(error.to_string()))
        }
        Err(_) => Err(Error::new(ErrorKind::Timeout, Operation::ReadConfig)
            .with_detail("the configuration's files cannot be read to their end")),
    }
}

/// What ssh answers where nothing is configured.
static DEFAULTS: OnceCell<Answer> = OnceCell::const_new();

/// What `ssh -G` says, less the lists of algorithms that nobody has set; `None` where there is no
/// ssh.
///
/// `ssh -G` prints those lists in full even so, and does not tell whose they are. wharf prefers
/// other algorithms where it may choose: so the same ssh is asked what it says without a
/// configuration, and a list that is no other than that one is taken for nobody's. Who sets a
/// list to just what ssh would do anyway does not mean to rule wharf's order out.
async fn ask(
    program: &Path,
    host: &str,
    user: Option<&str>,
    port: Option<u16>,
    options: &SshOptions,
) -> Result<Option<Answer>> {
    let nothing = SshOptions { config_file: Some("none".into()), ..SshOptions::default() };
    let defaults = DEFAULTS.get_or_try_init(|| async {
        let text = run(program, "localhost", None, None, &nothing).await?;
        text.map(|text| Answer::new(&text)).ok_or_else(|| usage("ssh has gone"))
    });
    let (answer, defaults) = tokio::join!(run(program, host, user, port, options), defaults);
    let Some(answer) = answer? else { return Ok(None) };
    Ok(Some(Answer::new(&answer).without(defaults?)))
}

/// What `ssh -G` prints; `None` where there is no ssh.
async fn run(
    program: &Path,
    host: &str,
    user: Option<&str>,
    port: Option<u16>,
    options: &SshOptions,
) -> Result<Option<Vec<u8>>> {
    let mut command = Command::new(program);
    // -T: without it ssh remarks that there is no terminal.
    command.arg("-G").arg("-T");
    if let Some(file) = &options.config_file {
        command.arg("-F").arg(file);
    }
    if let Some(user) = user {
        command.arg("-l").arg(user);
    }
    if let Some(port) = port {
        command.arg("-p").arg(port.to_string());
    }
    if !options.identities.is_empty() {
        // As with `-i`: the default identities are not tried, those of the files are.
        command.arg("-o").arg("IdentityFile=none");
    }
    command.arg("--").arg(host).stdin(Stdio::null()).kill_on_drop(true);

    let output = match tokio::time::timeout(TIME_LIMIT, command.output()).await {
        Ok(Ok(output)) => output,
        Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Ok(Err(error)) => return Err(Error::io(Operation::ReadConfig, &error)),
        Err(_) => {
            let error = Error::new(ErrorKind::Timeout, Operation::ReadConfig);
            return Err(error.with_detail("ssh -G did not answer; does a Match exec hang?"));
        }
    };
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        let words = words.trim();
        return Err(usage(if words.is_empty() { "ssh -G failed" } else { words }));
    }
    Ok(Some(output.stdout))
}

fn usage(detail: &str) -> Error {
    Error::new(ErrorKind::Usage, Operation::ReadConfig).with_detail(detail)
}

/// ssh's own rule since 9.6 (CVE-2023-51385): a name may reach a shell through ProxyCommand or
/// Match exec. `@` and `/` would make it more than a name.
fn is_safe_host(host: &str) -> bool {
    !host.is_empty()
        && !host.starts_with('-')
        && !host.chars().any(|c| c.is_whitespace() || c.is_control() || "'`\"$\\;&<>|(){}@/".contains(c))
}

fn is_safe_user(user: &str) -> bool {
    !user.is_empty()
        && !user.starts_with('-')
        && !user.ends_with('\\')
        && !user.chars().any(|c| c.is_control() || "'`\"$;&<>|(){}".contains(c))
        && !user.split(char::is_whitespace).skip(1).any(|word| word.starts_with('-'))
}

fn path(bytes: impl Into<Vec<u8>>) -> PathBuf {
    PathBuf::from(OsString::from_vec(bytes.into()))
}

fn parse(original: &str, answer: &Answer, local: &Local) -> Result<HostConfig> {
    if let Some(keyword) = answer.empty_list() {
        return Err(usage(&format!("{keyword}: the configuration leaves no algorithm to choose from")));
    }
    let hostname = answer.needed("hostname")?;
    let user = answer.needed("user")?;
    let port =
        answer.needed("port")?.parse::<u16>().map_err(|_| usage("ssh -G names a port that is no port"))?;
    let host_key_alias = answer.some("hostkeyalias").map(|value| String::from_utf8_lossy(value).into_owned());
    let tokens = Tokens {
        local,
        original,
        hostname: &hostname,
        user: &user,
        port,
        alias: host_key_alias.as_deref().unwrap_or(original),
    };
    let files = |keyword| -> Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for value in answer.all(keyword).filter(|value| !is_none(value)) {
            files.extend(tokens.file(value)?.map(path));
        }
        Ok(files)
    };
    let jumps = match answer.some("proxyjump") {
        Some(value) => parse_jumps(&tokens.command(&String::from_utf8_lossy(value))?)?,
        None => Vec::new(),
    };
    // As ssh refuses it. Circles over several hosts show when they are walked.
    if let Some(last) = jumps.last()
        && last.host == hostname
        && last.port.unwrap_or(DEFAULT_PORT) == port
        && last.user.as_ref().is_none_or(|name| *name == user)
    {
        return Err(usage(&format!("ProxyJump: {hostname} cannot be reached through itself")));
    }
    let proxy_command = match answer.some("proxycommand").filter(|_| jumps.is_empty()) {
        Some(value) => Some(tokens.command(&String::from_utf8_lossy(value))?),
        None => None,
    };
    let agent = match answer.bytes("identityagent") {
        None | Some(b"SSH_AUTH_SOCK") => Agent::Environment,
        Some(value) if is_none(value) => Agent::None,
        Some(value) => agent_at(value, &tokens)?,
    };
    Ok(HostConfig {
        original: original.to_owned(),
        identity_files: files("identityfile")?,
        certificate_files: files("certificatefile")?,
        identities_only: answer.flag("identitiesonly", false),
        agent,
        user_known_hosts: known_hosts_files(answer, "userknownhostsfile", local),
        global_known_hosts: known_hosts_files(answer, "globalknownhostsfile", local),
        strict_host_key_checking: match answer.bytes("stricthostkeychecking") {
            Some(b"yes" | b"true") => StrictHostKeyChecking::Yes,
            Some(b"accept-new") => StrictHostKeyChecking::AcceptNew,
            Some(b"no" | b"false" | b"off") => StrictHostKeyChecking::Off,
            _ => StrictHostKeyChecking::Ask,
        },
        hash_known_hosts: answer.flag("hashknownhosts", false),
        check_host_ip: answer.flag("checkhostip", false),
        revoked_host_keys: answer.some("revokedhostkeys").map(|value| path(local.tilde(value))),
        jumps,
        proxy_command,
        connect_timeout: answer.seconds("connecttimeout"),
        server_alive_interval: answer.seconds("serveraliveinterval"),
        server_alive_count_max: count(answer.number("serveralivecountmax")),
        rekey_bytes: rekey_limit(answer.bytes("rekeylimit"), 0),
        rekey_time: rekey_limit(answer.bytes("rekeylimit"), 1).map(Duration::from_secs),
        address_family: match answer.bytes("addressfamily") {
            Some(b"inet") => AddressFamily::Inet,
            Some(b"inet6") => AddressFamily::Inet6,
            _ => AddressFamily::Any,
        },
        pubkey_authentication: answer.flag("pubkeyauthentication", true),
        password_authentication: answer.flag("passwordauthentication", true),
        kbd_interactive_authentication: answer.flag("kbdinteractiveauthentication", true),
        preferred_authentications: answer.list("preferredauthentications"),
        number_of_password_prompts: count(answer.number("numberofpasswordprompts")),
        ciphers: answer.list("ciphers"),
        kex_algorithms: answer.list("kexalgorithms"),
        macs: answer.list("macs"),
        host_key_algorithms: answer.list("hostkeyalgorithms"),
        pubkey_accepted_algorithms: answer.list("pubkeyacceptedalgorithms"),
        hostname,
        user,
        port,
        host_key_alias,
    })
}

/// ssh's default for the two counts that there are is 3.
fn count(said: Option<u64>) -> u32 {
    said.and_then(|n| n.try_into().ok()).unwrap_or(3)
}

/// `ssh -G` prints RekeyLimit as bytes and seconds, 0 for what is left to the default.
fn rekey_limit(value: Option<&[u8]>, at: usize) -> Option<u64> {
    let word = std::str::from_utf8(value?).ok()?.split_whitespace().nth(at)?;
    word.parse().ok().filter(|&limit| limit > 0)
}

fn agent_at(value: &[u8], tokens: &Tokens) -> Result<Agent> {
    // ssh_config(5): "If the string begins with a '$' character, then it will be treated as an
    // environment variable containing the location of the socket."
    if let Some(name) = value.strip_prefix(b"$").filter(|name| name.first() != Some(&b'{')) {
        let socket = std::env::var_os(std::ffi::OsStr::from_bytes(name)).filter(|v| !v.is_empty());
        return Ok(socket.map_or(Agent::None, |socket| Agent::Socket(socket.into())));
    }
    Ok(tokens.file(value)?.map_or(Agent::None, |socket| Agent::Socket(path(socket))))
}

/// The files of one keyword. `ssh -G` has expanded their tokens, prints them on one line, and has
/// left out the quotes around spaces: a word that could not begin a path, and is none by itself,
/// belongs to the one before.
fn known_hosts_files(answer: &Answer, keyword: &str, local: &Local) -> Vec<PathBuf> {
    let mut files: Vec<Vec<u8>> = Vec::new();
    for line in answer.all(keyword).filter(|line| !is_none(line)) {
        let before = files.len();
        for word in line.split(|&b| b == b' ') {
            match files[before..].last_mut() {
                Some(last) if !matches!(word.first(), Some(b'/' | b'~')) && !path(word).exists() => {
                    last.push(b' ');
                    last.extend_from_slice(word);
                }
                _ => files.push(word.to_vec()),
            }
        }
    }
    files
        .iter()
        .map(|file| file.trim_ascii())
        .filter(|file| !file.is_empty())
        .map(|file| path(local.tilde(file)))
        .collect()
}

/// `[user@]host[:port]` or an `ssh://` URL, several with commas between.
fn parse_jumps(value: &str) -> Result<Vec<Jump>> {
    value
        .split(',')
        .map(|hop| parse_jump(hop.trim()).ok_or_else(|| usage(&format!("ProxyJump {hop:?}: not a host"))))
        .collect()
}

fn parse_jump(hop: &str) -> Option<Jump> {
    let hop = hop.strip_prefix("ssh://").unwrap_or(hop).trim_end_matches('/');
    let (user, rest) = match hop.rsplit_once('@') {
        Some((user, rest)) => (Some(user.to_owned()), rest),
        None => (None, hop),
    };
    let (host, port) = match rest.strip_prefix('[') {
        Some(bracketed) => {
            let (host, after) = bracketed.split_once(']')?;
            if after.is_empty() { (host, None) } else { (host, Some(after.strip_prefix(':')?)) }
        }
        // More than one colon is an address of IPv6, which has no port without brackets.
        None => match rest.split_once(':') {
            Some((host, port)) if !port.contains(':') => (host, Some(port)),
            _ => (rest, None),
        },
    };
    let port = match port {
        Some(port) => Some(port.parse().ok().filter(|&port: &u16| port != 0)?),
        None => None,
    };
    let safe = is_safe_host(host) && user.as_deref().is_none_or(is_safe_user);
    safe.then(|| Jump { host: host.to_owned(), user, port })
}

#[cfg(test)]
mod tests;
