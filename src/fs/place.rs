//! Places as people write them: a local path, a URL, or a host's name with a path. Owns the
//! parsing. Must never look at the disk, the environment or the network.

use std::fmt;

use secrecy::SecretString;

use super::{Error, ErrorKind, Operation, RemotePath, Result, Scheme, scheme};

/// A place on the command line or in the go-to field.
#[derive(Clone, Debug)]
pub enum Place {
    /// A local path as typed; relative ones are relative to the current directory.
    Local(Vec<u8>),
    Remote(Target, PlacePath),
}

/// A login on a server: everything of a URL but the path.
#[derive(Clone, Debug)]
pub struct Target {
    pub scheme: &'static Scheme,
    /// As typed: for SFTP a host name, an address or a Host of ssh_config.
    pub host: String,
    pub user: Option<String>,
    pub port: Option<u16>,
    /// A password given in the URL; it is never stored, logged or shown.
    pub password: Option<SecretString>,
}

/// Where on the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlacePath {
    /// The directory that the server puts a login in.
    Login,
    /// Relative to that directory.
    Relative(Vec<u8>),
    Absolute(RemotePath),
}

impl PlacePath {
    /// The path behind `name:`: absolute, or relative to the login directory.
    pub fn parse(bytes: &[u8]) -> PlacePath {
        place_path(bytes)
    }

    /// What a server takes for the same path before the login directory is known; `None` where only
    /// [`Self::resolve`] can tell.
    pub fn as_sent(&self) -> Option<&[u8]> {
        match self {
            PlacePath::Login => None,
            PlacePath::Absolute(path) => Some(path.as_bytes()),
            PlacePath::Relative(bytes) => {
                let is_plain = bytes.split(|b| *b == b'/').all(|part| !matches!(part, b"" | b"." | b".."));
                is_plain.then_some(bytes)
            }
        }
    }

    /// The path, once the login directory is known.
    pub fn resolve(&self, login: &RemotePath) -> RemotePath {
        match self {
            PlacePath::Login => login.clone(),
            PlacePath::Relative(bytes) => login.resolve(bytes),
            PlacePath::Absolute(path) => path.clone(),
        }
    }
}

impl Target {
    /// `sftp://ann@web-01:2222`: what was typed, without password and path.
    pub fn label(&self) -> String {
        use fmt::Write;
        let mut text = format!("{}://", self.scheme.name);
        if let Some(user) = &self.user {
            let _ = write!(text, "{user}@");
        }
        if self.host.contains(':') {
            let _ = write!(text, "[{}]", self.host);
        } else {
            text.push_str(&self.host);
        }
        if let Some(port) = self.port {
            let _ = write!(text, ":{port}");
        }
        text
    }
}

impl Place {
    /// Parses DESIGN section 4's forms. `text` is bytes because local paths are.
    ///
    /// `name:path` is a host only where no `/` stands before the colon; `./name:path` is local.
    pub fn parse(text: &[u8]) -> Result<Place> {
        let bad = |why: &str| {
            Error::new(ErrorKind::Usage, Operation::ParsePlace)
                .on(if text.is_empty() { "''".to_owned() } else { conceal(&String::from_utf8_lossy(text)) })
                .with_detail(why)
        };
        if text.is_empty() {
            return Err(bad("a place cannot be empty"));
        }
        if text.contains(&0) {
            return Err(bad("a place cannot contain a NUL byte"));
        }
        if let Some(at) = find(text, b"://")
            && let Ok(name) = std::str::from_utf8(&text[..at])
            && !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
        {
            let name = name.to_ascii_lowercase();
            let scheme = scheme(&name).ok_or_else(|| bad(&format!("wharf does not speak {name}://")))?;
            let rest = &text[at + 3..];
            return parse_url(scheme, rest).map_err(|why| match has_stray_slash(rest) {
                // What is wrong would quote a part of it.
                true => bad("a / in a user's name or a password is written %2F"),
                false => bad(&why),
            });
        }
        let colon = host_end(text);
        let slash = text.iter().position(|b| *b == b'/').unwrap_or(text.len());
        match colon {
            Some(colon) if colon > 0 && colon < slash => {
                let host =
                    std::str::from_utf8(&text[..colon]).map_err(|_| bad("the host's name is not UTF-8"))?;
                let (user, host) = user_and_host(host);
                if host.is_empty() && text[colon..].starts_with(b"::") {
                    return Err(bad(IN_BRACKETS));
                }
                check_host(host).map_err(|why| bad(&why))?;
                check_user(user.as_deref()).map_err(|why| bad(&why))?;
                let target =
                    Target { scheme: &super::SFTP, host: host.to_owned(), user, port: None, password: None };
                Ok(Place::Remote(target, place_path(&text[colon + 1..])))
            }
            _ => Ok(Place::Local(text.to_vec())),
        }
    }

    /// As a URL that [`Place::parse`] reads back, without the password; a local path as it is.
    pub fn to_url(&self) -> String {
        let (target, path) = match self {
            Place::Local(path) => return String::from_utf8_lossy(path).into_owned(),
            Place::Remote(target, path) => (target, path),
        };
        let user = target.user.as_ref().map(|user| percent_encode(user.as_bytes(), b""));
        let mut text = Target { user, password: None, ..target.clone() }.label();
        match path {
            PlacePath::Login => {}
            PlacePath::Relative(bytes) => text.push_str(&format!("/~/{}", percent_encode(bytes, b"/"))),
            PlacePath::Absolute(path) => text.push_str(&percent_encode(path.as_bytes(), b"/")),
        }
        text
    }

    /// A bare name as a host, for `wharf NAME` where no such file exists.
    pub fn host(name: &str) -> Option<Place> {
        let (user, host) = user_and_host(name);
        (check_host(host).is_ok() && check_user(user.as_deref()).is_ok()).then(|| {
            let target =
                Target { scheme: &super::SFTP, host: host.to_owned(), user, port: None, password: None };
            Place::Remote(target, PlacePath::Login)
        })
    }
}

const IN_BRACKETS: &str = "an IPv6 address goes in [brackets]";

/// Where the colon behind a host is: the first that is not inside the brackets of an address.
fn host_end(text: &[u8]) -> Option<usize> {
    let start = text.iter().position(|b| *b == b'[').filter(|at| *at == 0 || text[at - 1] == b'@');
    let from = match start.map(|at| (at, find(&text[at..], b"]:"))) {
        Some((at, Some(end))) => at + end,
        // An address and nothing behind it, as a file may be called.
        Some((_, None)) if text.ends_with(b"]") => return None,
        _ => 0,
    };
    text[from..].iter().position(|b| *b == b':').map(|at| from + at)
}

/// `user@host`, where an IPv6 address may stand in brackets.
fn user_and_host(text: &str) -> (Option<String>, &str) {
    let (user, host) = match text.rsplit_once('@') {
        Some((user, host)) => (Some(user.to_owned()), host),
        None => (None, text),
    };
    (user, host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host))
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// The path behind `name:`; `~` and relative paths start at the login directory.
fn place_path(bytes: &[u8]) -> PlacePath {
    match bytes {
        b"" | b"~" | b"~/" => PlacePath::Login,
        [b'~', b'/', rest @ ..] => PlacePath::Relative(rest.to_vec()),
        [b'/', ..] => PlacePath::Absolute(RemotePath::new(bytes)),
        rest => PlacePath::Relative(rest.to_vec()),
    }
}

fn parse_url(scheme: &'static Scheme, rest: &[u8]) -> Result<Place, String> {
    let cut = rest.iter().position(|b| *b == b'/').unwrap_or(rest.len());
    let authority = std::str::from_utf8(&rest[..cut]).map_err(|_| "the host's name is not UTF-8")?;
    let (login, host_port) = match authority.rsplit_once('@') {
        Some((login, host_port)) => (Some(login), host_port),
        None => (None, authority),
    };
    let (host, port) = split_port(host_port)?;
    let host = decode_text(host, "host")?;
    check_host(&host)?;
    let (user, password) = match login {
        None => (None, None),
        Some(login) => {
            let (user, password) = match login.split_once(':') {
                Some((user, password)) => (user, Some(password)),
                None => (login, None),
            };
            let password = password.map(|p| decode_text(p, "password")).transpose()?;
            (Some(decode_text(user, "user")?), password.map(SecretString::from))
        }
    };
    check_user(user.as_deref())?;
    let path = percent_decode(&rest[cut..])?;
    if path.contains(&0) {
        return Err("the path contains a NUL byte".into());
    }
    let path = match &path[..] {
        b"" => PlacePath::Login,
        [b'/', b'~'] | [b'/', b'~', b'/'] => PlacePath::Login,
        [b'/', b'~', b'/', rest @ ..] => PlacePath::Relative(rest.to_vec()),
        all => PlacePath::Absolute(RemotePath::new(all)),
    };
    Ok(Place::Remote(Target { scheme, host, user, port, password }, path))
}

/// Splits `host:port` and `[v6]:port`.
fn split_port(text: &str) -> Result<(&str, Option<u16>), String> {
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (host, after) = rest.split_once(']').ok_or("the [ of the address has no ]")?;
        match after.strip_prefix(':') {
            Some(port) => (host, Some(port)),
            None if after.is_empty() => (host, None),
            None => return Err("only :PORT may follow the ]".into()),
        }
    } else {
        match text.rsplit_once(':') {
            Some((host, _)) if host.contains(':') => return Err(IN_BRACKETS.into()),
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        }
    };
    let port = match port {
        None | Some("") => None,
        Some(port) => match port.parse::<u16>() {
            Ok(number) if number > 0 && port.bytes().all(|b| b.is_ascii_digit()) => Some(number),
            _ => return Err(format!("{port} is no port; it must be 1 to 65535")),
        },
    };
    Ok((host, port))
}

/// A host that could be taken for an option, or that would break a line or a terminal, is none.
fn check_host(host: &str) -> Result<(), String> {
    if host.is_empty() {
        return Err("the host is missing".into());
    }
    if host.starts_with('-') {
        return Err("a host cannot begin with -".into());
    }
    if host.chars().any(|c| c.is_whitespace() || c.is_control() || "/@\\\"'`$;&|<>(){}[]".contains(c)) {
        return Err("the host contains characters that no host has".into());
    }
    Ok(())
}

fn check_user(user: Option<&str>) -> Result<(), String> {
    match user {
        Some("") => Err("the user in front of the @ is missing".into()),
        Some(user) if user.starts_with('-') || user.chars().any(char::is_control) => {
            Err("the user contains characters that no user has".into())
        }
        _ => Ok(()),
    }
}

fn decode_text(text: &str, what: &str) -> Result<String, String> {
    String::from_utf8(percent_decode(text.as_bytes())?).map_err(|_| format!("the {what} is not UTF-8"))
}

/// RFC 3986 section 2.1 percent-decoding.
pub fn percent_decode(text: &[u8]) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(&byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut digit = || bytes.next().and_then(|b| (*b as char).to_digit(16));
        match (digit(), digit()) {
            (Some(high), Some(low)) => out.push((high * 16 + low) as u8),
            _ => {
                return Err(
                    "a % must be followed by two hexadecimal digits; a % itself is written %25".into()
                );
            }
        }
    }
    Ok(out)
}

/// RFC 3986 section 2.1 percent-encoding of all but unreserved characters and those of `keep`.
pub fn percent_encode(bytes: &[u8], keep: &[u8]) -> String {
    use fmt::Write;
    let mut out = String::with_capacity(bytes.len());
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) || keep.contains(byte) {
            out.push(*byte as char);
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// What stands for this machine in front of a colon.
pub fn local_name() -> &'static str {
    "local"
}

/// Whether what stands in front of the first `/` of a URL may be half of a password.
fn has_stray_slash(rest: &[u8]) -> bool {
    let cut = rest.iter().position(|b| *b == b'/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(cut);
    !authority.contains(&b'@') && authority.contains(&b':') && path.contains(&b'@')
}

/// The text with all that may be a password blotted out: whatever stands between `://` and the
/// last `@`, from the first colon on. For what is no place, or not yet one.
pub fn conceal(text: &str) -> String {
    let Some(start) = text.find("://").map(|at| at + 3) else { return text.to_owned() };
    let Some(at) = text.get(start..).and_then(|rest| rest.rfind('@')).map(|at| start + at) else {
        return text.to_owned();
    };
    match text.get(start..at).and_then(|login| login.find(':')) {
        Some(colon) => {
            let (before, behind) = (text.get(..start + colon), text.get(at..));
            format!("{}:***{}", before.unwrap_or_default(), behind.unwrap_or_default())
        }
        None => text.to_owned(),
    }
}

/// The text with a password in its URL blotted out.
pub fn redact(text: &str) -> String {
    let Some(start) = text.find("://").map(|at| at + 3) else { return text.to_owned() };
    let end = text[start..].find('/').map_or(text.len(), |at| start + at);
    let Some(at) = text[start..end].rfind('@').map(|at| start + at) else { return text.to_owned() };
    match text[start..at].find(':') {
        Some(colon) => format!("{}:***{}", &text[..start + colon], &text[at..]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_password_with_a_slash_shows_in_no_error() {
        for text in ["sftp://ann:se/cret@host/x", "ftp://ann:1/cret:x@y@host", "sftp://a b:se/cr@et@h"] {
            let Err(error) = Place::parse(text.as_bytes()) else { continue };
            let said = format!("{error:?}");
            for part in ["cret", "se/", "is no port", "cr@"] {
                assert!(!said.contains(part), "{text}: {said}");
            }
        }
        let error = Place::parse(b"sftp://ann:se/cret@host/x").unwrap_err();
        assert_eq!(error.place(), Some("sftp://ann:***@host/x"));
        assert!(error.detail().is_some_and(|detail| detail.contains("%2F")));
        assert_eq!(conceal("sftp://host:22/a"), "sftp://host:22/a");
        assert_eq!(conceal("sftp://ann@host/a"), "sftp://ann@host/a");
        assert_eq!(conceal("web-01:/a@b"), "web-01:/a@b");
    }

    fn remote(text: &str) -> (Target, PlacePath) {
        match Place::parse(text.as_bytes()).unwrap() {
            Place::Remote(target, path) => (target, path),
            Place::Local(path) => panic!("{text} is local: {path:?}"),
        }
    }

    #[test]
    fn urls() {
        let (target, path) = remote("sftp://ann:p%40ss@web-01:2222/var/www%20x");
        assert_eq!(
            (target.host.as_str(), target.user.as_deref(), target.port),
            ("web-01", Some("ann"), Some(2222))
        );
        assert_eq!(target.password.unwrap().expose_secret(), "p@ss");
        assert_eq!(path, PlacePath::Absolute(RemotePath::new("/var/www x")));
        let (target, path) = remote("SFTP://[::1]:22/~/x/y");
        assert_eq!(target.host, "::1");
        assert_eq!(path, PlacePath::Relative(b"x/y".to_vec()));
        assert_eq!(remote("sftp://h").1, PlacePath::Login);
        assert_eq!(remote("sftp://h/").1, PlacePath::Absolute(RemotePath::root()));
        assert_eq!(remote("sftp://h/%ff").1, PlacePath::Absolute(RemotePath::new(b"/\xff")));
    }

    #[test]
    fn host_and_path() {
        let (target, path) = remote("ann@web:/srv");
        assert_eq!((target.host.as_str(), target.user.as_deref()), ("web", Some("ann")));
        assert_eq!(path, PlacePath::Absolute(RemotePath::new("/srv")));
        assert_eq!(remote("web:").1, PlacePath::Login);
        assert_eq!(remote("web:docs").1, PlacePath::Relative(b"docs".to_vec()));
        assert_eq!(remote("web:~/docs").1, PlacePath::Relative(b"docs".to_vec()));
    }

    #[test]
    fn an_address_in_brackets_needs_no_url() {
        let (target, path) = remote("[::1]:/srv");
        assert_eq!((target.host.as_str(), target.user), ("::1", None));
        assert_eq!(path, PlacePath::Absolute(RemotePath::new("/srv")));
        let (target, path) = remote("ann@[fe80::1%eth0]:a]:b");
        assert_eq!((target.host.as_str(), target.user.as_deref()), ("fe80::1%eth0", Some("ann")));
        assert_eq!(path, PlacePath::Relative(b"a]:b".to_vec()));
        let Some(Place::Remote(target, _)) = Place::host("ann@[::1]") else { panic!("it is a host") };
        assert_eq!((target.host.as_str(), target.user.as_deref()), ("::1", Some("ann")));
        assert_eq!(Place::parse(b"ann@::1:/x").unwrap_err().detail(), Some(IN_BRACKETS));
        assert!(Place::parse(b"[::1:/x").is_err() && Place::parse(b"a[b]:/x").is_err());
    }

    #[test]
    fn local_paths() {
        for text in ["./web:path", "/a:b", "[::1]", "dir/[::1]:x", "plain", ":x", "dir/x:y", "..", "a b"] {
            assert!(matches!(Place::parse(text.as_bytes()), Ok(Place::Local(_))), "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused_with_a_reason() {
        for text in [
            "",
            "gopher://h/",
            "sftp://",
            "sftp:///x",
            "sftp://h:0/",
            "sftp://h:70000/",
            "sftp://h:+1/",
            "sftp://::1/",
            "sftp://[::1/",
            "sftp://h/%zz",
            "sftp://h/%00",
            "sftp://-oProxyCommand=x/",
            "-x:y",
            "a$(id):",
            "sftp://@h/",
        ] {
            let error = Place::parse(text.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage, "{text}");
            assert!(error.detail().is_some_and(|d| !d.is_empty()), "{text}");
        }
    }

    #[test]
    fn a_url_leads_back() {
        for text in [
            "sftp://ann@web-01:2222/var/www%20x",
            "sftp://h",
            "sftp://[::1]:22/~/x/y",
            "sftp://a%3Ab@h/%FF%25",
        ] {
            assert_eq!(Place::parse(text.as_bytes()).unwrap().to_url(), text);
        }
        assert_eq!(Place::parse(b"sftp://ann:secret@h/x").unwrap().to_url(), "sftp://ann@h/x");
        assert_eq!(Place::parse(b"web:docs").unwrap().to_url(), "sftp://web/~/docs");
    }

    #[test]
    fn a_password_never_shows() {
        let error = Place::parse(b"sftp://ann:secret@h:x/").unwrap_err();
        assert_eq!(error.place(), Some("sftp://ann:***@h:x/"));
        let (target, _) = remote("sftp://ann:secret@h/");
        assert!(!format!("{target:?}").contains("secret"));
        assert_eq!(target.label(), "sftp://ann@h");
    }
}
