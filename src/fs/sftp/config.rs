//! How a host is reached, as ssh_config(5) says: `ssh -G` is asked where OpenSSH is installed, for
//! no other reader of these files agrees with it. Owns the asking, the parsing of the answer and
//! the expansion of its tokens. Must never connect, and never guess where a file says otherwise.

mod answer;
mod tokens;

use std::{
    ffi::OsString,
    io,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::process::Command;

use crate::{
    fs::{Error, ErrorKind, Operation, Result, SshOptions, error::kind_of_io},
    trust::known_hosts::DEFAULT_PORT,
};
use answer::{Answer, is_none};
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
    /// Signatures that keys may be used for. Empty: all but those with SHA-1.
    pub pubkey_accepted_algorithms: Vec<String>,
    pub number_of_password_prompts: u32,

    /// Empty, like the next two, where nothing is said: the library's own choice.
    pub ciphers: Vec<String>,
    pub kex_algorithms: Vec<String>,
    pub host_key_algorithms: Vec<String>,
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
    let mut config = match ask(program, host, user, port, options).await? {
        Some(answer) => parse(host, &answer, &local)?,
        None => {
            let personal = local.home.join(".ssh/config");
            let personal = tokio::fs::symlink_metadata(&personal).await.is_ok().then_some(personal);
            plain(host, user, port, options.config_file.as_deref().or(personal.as_deref()), &local)?
        }
    };
    config.identity_files.splice(0..0, options.identities.iter().cloned());
    if let Some(file) = &options.known_hosts {
        config.user_known_hosts = vec![file.clone()];
    }
    if options.accept_new {
        config.strict_host_key_checking = StrictHostKeyChecking::AcceptNew;
    }
    Ok(config)
}

/// What `ssh -G` prints; `None` where there is no ssh.
async fn ask(
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

fn parse(original: &str, text: &[u8], local: &Local) -> Result<HostConfig> {
    let answer = Answer::new(text);
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
        user_known_hosts: known_hosts_files(answer.some("userknownhostsfile"), local),
        global_known_hosts: known_hosts_files(answer.some("globalknownhostsfile"), local),
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
        pubkey_accepted_algorithms: answer.list("pubkeyacceptedalgorithms"),
        number_of_password_prompts: count(answer.number("numberofpasswordprompts")),
        ciphers: answer.list("ciphers"),
        kex_algorithms: answer.list("kexalgorithms"),
        host_key_algorithms: answer.list("hostkeyalgorithms"),
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

/// The files of one line. `ssh -G` has expanded their tokens, and has left out the quotes around
/// spaces: a word that could not begin a path, and is none by itself, belongs to the one before.
fn known_hosts_files(line: Option<&[u8]>, local: &Local) -> Vec<PathBuf> {
    let mut files: Vec<Vec<u8>> = Vec::new();
    for word in line.unwrap_or_default().split(|&b| b == b' ') {
        match files.last_mut() {
            Some(last) if !matches!(word.first(), Some(b'/' | b'~')) && !path(word).exists() => {
                last.push(b' ');
                last.extend_from_slice(word);
            }
            _ => files.push(word.to_vec()),
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

/// What ssh does without any configuration. `unread` is a file that would have to be honoured.
fn plain(
    host: &str,
    user: Option<&str>,
    port: Option<u16>,
    unread: Option<&Path>,
    local: &Local,
) -> Result<HostConfig> {
    // "none" is ssh's way to say: read no configuration.
    if let Some(file) = unread.filter(|file| file.as_os_str() != "none") {
        let detail = format!("{}: cannot be honoured, for ssh is not installed", file.display());
        return Err(Error::new(ErrorKind::Unsupported, Operation::ReadConfig).with_detail(detail));
    }
    let ssh = local.home.join(".ssh");
    Ok(HostConfig {
        original: host.to_owned(),
        hostname: host.to_ascii_lowercase(),
        user: user.unwrap_or(&local.user).to_owned(),
        port: port.unwrap_or(DEFAULT_PORT),
        identity_files: ["id_ed25519", "id_ecdsa", "id_rsa"].iter().map(|name| ssh.join(name)).collect(),
        identities_only: false,
        agent: Agent::Environment,
        certificate_files: Vec::new(),
        user_known_hosts: vec![ssh.join("known_hosts")],
        global_known_hosts: vec!["/etc/ssh/ssh_known_hosts".into()],
        strict_host_key_checking: StrictHostKeyChecking::Ask,
        hash_known_hosts: false,
        host_key_alias: None,
        check_host_ip: false,
        revoked_host_keys: None,
        jumps: Vec::new(),
        proxy_command: None,
        connect_timeout: None,
        server_alive_interval: None,
        server_alive_count_max: 3,
        rekey_bytes: None,
        rekey_time: None,
        address_family: AddressFamily::Any,
        pubkey_authentication: true,
        password_authentication: true,
        kbd_interactive_authentication: true,
        preferred_authentications: Vec::new(),
        pubkey_accepted_algorithms: Vec::new(),
        number_of_password_prompts: 3,
        ciphers: Vec::new(),
        kex_algorithms: Vec::new(),
        host_key_algorithms: Vec::new(),
    })
}

#[cfg(test)]
mod tests;
