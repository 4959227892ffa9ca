//! FileZilla's `sitemanager.xml`. The elements and numbers are those that FileZilla 3 writes
//! (`sitemanager.cpp`, `server.h` and `serverpath.cpp` of its sources). A DOCTYPE is refused, and
//! so are entities of a file's own.

use quick_xml::{
    Reader,
    escape::resolve_predefined_entity,
    events::{BytesStart, Event},
};

use super::{
    CHARSET, Found, HOST, KEY, LONGEST, MOST_SITES, Options, PPK, PROTOCOL, Remark, Remarks, called,
    local_path, note,
};
use crate::{
    config::{Bookmark, line_of},
    fs::{self, Place, PlacePath, RemotePath, Scheme, Target},
};

/// Folders within folders beyond this are no person's work.
const DEEPEST: usize = 64;

const FOLDER: Remark = Remark(
    "its folder on the server is not understood; it starts at the login's",
    "their folders on the server are not understood; they start at the login's",
);
const TLS: Remark = Remark(
    "FileZilla takes TLS where the server has it; here it is ftpes, which insists on it",
    "FileZilla takes TLS where the server has it; here they are ftpes, which insists on it",
);

/// An element that is open.
enum Open {
    /// By its place in the list of folders.
    Folder(usize),
    Server(Box<Server>),
    /// A field of a server.
    Field(String, String),
    Other,
}

struct Folder {
    parent: Option<usize>,
    name: String,
}

#[derive(Default)]
struct Server {
    fields: Vec<(String, String)>,
    /// Old versions have the name beside the fields.
    text: String,
    folder: Option<usize>,
}

impl Server {
    fn get(&self, name: &str) -> &str {
        self.fields.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.trim())
    }
}

/// The sites of a file, or what is wrong with it.
pub(super) fn parse(bytes: &[u8]) -> Result<Found, String> {
    let text = std::str::from_utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes))
        .map_err(|_| "it is not UTF-8".to_owned())?;
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Open> = Vec::new();
    let mut folders: Vec<Folder> = Vec::new();
    let mut servers: Vec<Server> = Vec::new();
    let mut is_filezilla = false;
    let line = |at: u64| line_of(text, usize::try_from(at).unwrap_or(usize::MAX));
    loop {
        let event = reader.read_event().map_err(|error| {
            let at = line(reader.error_position());
            format!("line {at}: {}", error.to_string().lines().next().unwrap_or("this is no XML"))
        })?;
        match event {
            Event::Start(start) => {
                is_filezilla |= start.name().as_ref() == "FileZilla3";
                if open.len() >= DEEPEST {
                    return Err(format!("its elements lie more than {DEEPEST} deep"));
                }
                let element = opened(&start, &open, &mut folders);
                open.push(element);
            }
            Event::Empty(start) => is_filezilla |= start.name().as_ref() == "FileZilla3",
            Event::Text(said) => add(&mut open, &mut folders, &said.into_inner()),
            Event::CData(said) => add(&mut open, &mut folders, &said.into_inner()),
            Event::GeneralRef(named) => {
                let c = named.resolve_char_ref().map_err(|error| error.to_string())?;
                let known = c.map(String::from);
                let known =
                    known.or_else(|| resolve_predefined_entity(&named.into_inner()).map(str::to_owned));
                add(&mut open, &mut folders, &known.ok_or("it has entities of its own")?);
            }
            Event::End(_) => match open.pop() {
                Some(Open::Field(name, value)) => {
                    if let Some(Open::Server(server)) = open.last_mut() {
                        server.fields.push((name, value));
                    }
                }
                Some(Open::Server(server)) if servers.len() <= MOST_SITES => servers.push(*server),
                _ => {}
            },
            Event::DocType(_) => return Err("it has a DOCTYPE, which FileZilla writes none of".to_owned()),
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
    if !is_filezilla {
        return Err("it is not FileZilla's sitemanager.xml".to_owned());
    }
    if !open.is_empty() {
        return Err("it ends in the middle".to_owned());
    }
    Ok(found(&servers, &folders))
}

fn opened(start: &BytesStart<'_>, open: &[Open], folders: &mut Vec<Folder>) -> Open {
    let parent = open.iter().rev().find_map(|open| match open {
        Open::Folder(at) => Some(*at),
        _ => None,
    });
    let name = start.name();
    match (name.as_ref(), open.last()) {
        (_, Some(Open::Server(_))) => Open::Field(name.as_ref().to_owned(), String::new()),
        (_, Some(Open::Field(..))) => Open::Other,
        ("Folder", _) if folders.len() <= MOST_SITES => {
            folders.push(Folder { parent, name: String::new() });
            Open::Folder(folders.len() - 1)
        }
        ("Server", _) => Open::Server(Box::new(Server { folder: parent, ..Server::default() })),
        _ => Open::Other,
    }
}

/// Text goes to what is open; what is within something else is none of ours.
fn add(open: &mut [Open], folders: &mut [Folder], said: &str) {
    let slot = match open.last_mut() {
        Some(Open::Folder(at)) => folders.get_mut(*at).map(|folder| &mut folder.name),
        Some(Open::Server(server)) => Some(&mut server.text),
        Some(Open::Field(_, value)) => Some(value),
        Some(Open::Other) | None => None,
    };
    if let Some(slot) = slot.filter(|slot| slot.len() < LONGEST) {
        slot.extend(said.chars().take(LONGEST));
    }
}

fn path_of(folders: &[Folder], at: Option<usize>) -> String {
    let mut names = Vec::new();
    let mut next = at.and_then(|at| folders.get(at));
    while let Some(folder) = next {
        names.push(folder.name.trim().replace('/', "-"));
        // A parent always comes before its children.
        next = folder.parent.and_then(|at| folders.get(at));
    }
    names.reverse();
    names.join("/")
}

fn found(servers: &[Server], folders: &[Folder]) -> Found {
    let mut found = Found::default();
    let mut remarks = Remarks::default();
    for server in servers {
        if !server.get("Pass").is_empty() {
            found.passwords += 1;
        }
        let Some(mut site) = site(server, &mut remarks) else { continue };
        site.folder = path_of(folders, server.folder);
        found.sites.push(site);
    }
    found.notes = remarks.said();
    found
}

fn site(server: &Server, remarks: &mut Remarks) -> Option<Bookmark> {
    let name = match server.get("Name") {
        "" => server.text.trim(),
        name => name,
    };
    let name = called(name, server.get("Host"));
    let user = Some(server.get("User")).filter(|user| !user.is_empty());
    // Logontype 0 is anonymous.
    let anonymous = server.get("Logontype") == "0" || user.is_none();
    let Some(scheme) = scheme(server.get("Protocol"), anonymous) else {
        remarks.add(&PROTOCOL, &name);
        return None;
    };
    let is_ssh = scheme.name == "sftp";
    let port =
        server.get("Port").parse::<u16>().ok().filter(|port| *port > 0 && *port != scheme.default_port);
    let user = user.filter(|_| is_ssh || !anonymous).map(str::to_owned);
    let target = Target { scheme, host: server.get("Host").to_owned(), user, port, password: None };
    let (remote, understood) = remote_dir(server.get("RemoteDir"));
    let place = Place::Remote(target, PlacePath::Login).to_url();
    if Place::parse(place.as_bytes()).is_err() {
        remarks.add(&HOST, &name);
        return None;
    }
    if !understood {
        remarks.add(&FOLDER, &name);
    }
    if scheme.name == "ftpes" && server.get("Protocol") != "4" {
        remarks.add(&TLS, &name);
    }
    let mut remark = note(server.get("Comments"));
    let key = server.get("Keyfile");
    if is_ssh && !key.is_empty() {
        remarks.add(if key.to_ascii_lowercase().ends_with(".ppk") { &PPK } else { &KEY }, &name);
        let key = format!("key: {key}");
        remark = note(&remark.map_or(key.clone(), |remark| format!("{remark}; {key}")));
    }
    let ftp = if is_ssh { None } else { options(server, &name, remarks) };
    Some(Bookmark {
        name,
        folder: String::new(),
        place,
        remote: remote.map(|path| path.to_string()),
        local: local_path(server.get("LocalDir")),
        ftp,
        note: remark,
    })
}

/// The mode of data connections, the charset of names, and how many connections there may be.
fn options(server: &Server, name: &str, remarks: &mut Remarks) -> Option<String> {
    let mut options = Options::default();
    match server.get("PasvMode") {
        "MODE_ACTIVE" => options.add("active"),
        "MODE_PASSIVE" => options.add("passive"),
        _ => {}
    }
    if server.get("EncodingType") == "Custom" && !options.add_charset(server.get("CustomEncoding")) {
        remarks.add(&CHARSET, name);
    }
    // FileZilla's own form ends at 10; 0 is no limit.
    if let Ok(most @ 1..=10) = server.get("MaximumMultipleConnections").parse::<u8>() {
        options.add(format!("connections={most}"));
    }
    options.text()
}

/// `ServerProtocol` of FileZilla's server.h.
fn scheme(number: &str, anonymous: bool) -> Option<&'static Scheme> {
    Some(match number {
        // FTP over TLS where the server has it: with a password never without.
        "0" | "" if anonymous => &fs::FTP,
        "0" | "" => &fs::FTPES,
        "1" => &fs::SFTP,
        "3" => &fs::FTPS,
        "4" => &fs::FTPES,
        "6" => &fs::FTP,
        _ => return None,
    })
}

/// `CServerPath::GetSafePath`: the kind of path, the length of a prefix and the prefix, and then
/// each name behind its length, all between spaces: `1 0 3 var 3 www`. Lengths count characters,
/// on Windows UTF-16 units. False where it means nothing here.
fn remote_dir(text: &str) -> (Option<RemotePath>, bool) {
    if text.is_empty() {
        return (None, true);
    }
    match names(text, |_| 1).or_else(|| names(text, char::len_utf16)) {
        Some(names) => {
            let path = names.iter().fold(RemotePath::root(), |path, name| path.join(name.as_bytes()));
            (Some(path), true)
        }
        None => (None, false),
    }
}

fn names(text: &str, width: impl Fn(char) -> usize) -> Option<Vec<String>> {
    let (kind, rest) = text.split_once(' ')?;
    // 0 is told by the server, 1 Unix, 9 Cygwin: those are written with slashes.
    if !matches!(kind, "0" | "1" | "9") {
        return None;
    }
    let (prefix, mut rest) = rest.split_once(' ').unwrap_or((rest, ""));
    if prefix != "0" {
        return None;
    }
    let mut names = Vec::new();
    while !rest.is_empty() {
        let (length, behind) = rest.split_once(' ')?;
        let mut left: usize = length.parse().ok()?;
        let end = behind.char_indices().find_map(|(at, c)| {
            if left == 0 {
                return Some(at);
            }
            left = left.saturating_sub(width(c));
            None
        });
        let end = end.unwrap_or(behind.len());
        let name = behind.get(..end)?;
        if left > 0 || name.is_empty() || matches!(name, "." | "..") || name.contains(['/', '\0']) {
            return None;
        }
        names.push(name.to_owned());
        rest = behind.get(end..)?;
        rest = match rest.strip_prefix(' ') {
            Some(rest) => rest,
            None if rest.is_empty() => rest,
            None => return None,
        };
    }
    Some(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<FileZilla3 version="3.66.4" platform="*nix">
  <Servers>
    <Folder expanded="1">Clients &amp; friends
      <Folder expanded="0">North
        <Server>
          <Host>web-01.example.org</Host><Port>2222</Port><Protocol>1</Protocol><Type>0</Type>
          <User>ann</User><Pass encoding="base64">aHVudGVyMg==</Pass><Logontype>1</Logontype>
          <TimezoneOffset>0</TimezoneOffset><PasvMode>MODE_DEFAULT</PasvMode>
          <EncodingType>Auto</EncodingType><Name>shop</Name>
          <Comments>ask Kim&#10;before 9</Comments><Colour>1</Colour>
          <LocalDir>/home/ann/site</LocalDir><RemoteDir>1 0 3 var 6 www öü</RemoteDir>
          <Bookmark><Name>inside</Name><RemoteDir>1 0 3 etc</RemoteDir></Bookmark>
        </Server>
      </Folder>
    </Folder>
    <Server><Host>ftp.example.org</Host><Port>21</Port><Protocol>0</Protocol><Logontype>0</Logontype>
      <LocalDir>C:\site</LocalDir><RemoteDir>3 0 2 C:</RemoteDir>an old name</Server>
    <Server><Host>files</Host><Port>990</Port><Protocol>3</Protocol><User>bo</User><Name>implicit</Name></Server>
    <Server><Host>files</Host><Protocol>0</Protocol><User>bo</User><Logontype>2</Logontype><Name>maybe</Name></Server>
    <Server><Host>files</Host><Protocol>6</Protocol><User>bo</User><PasvMode>MODE_ACTIVE</PasvMode>
      <EncodingType>Custom</EncodingType><CustomEncoding>windows-1251</CustomEncoding>
      <MaximumMultipleConnections>2</MaximumMultipleConnections><Name>plain</Name></Server>
    <Server><Host>key</Host><Protocol>1</Protocol><User>bo</User><Logontype>5</Logontype>
      <Keyfile>/home/ann/id.ppk</Keyfile><Name>key</Name></Server>
    <Server><Host>s3.example.org</Host><Protocol>7</Protocol><Name>bucket</Name></Server>
    <Server><Host>-oProxyCommand=x</Host><Protocol>1</Protocol><Name>evil</Name></Server>
  </Servers>
</FileZilla3>
"#;

    #[test]
    fn sites_with_their_folders() {
        let found = parse(FILE.as_bytes()).unwrap();
        let all: Vec<(&str, &str, &str)> = found
            .sites
            .iter()
            .map(|site| (site.folder.as_str(), site.name.as_str(), site.place.as_str()))
            .collect();
        assert_eq!(
            all,
            [
                ("Clients & friends/North", "shop", "sftp://ann@web-01.example.org:2222"),
                ("", "an old name", "ftp://ftp.example.org"),
                ("", "implicit", "ftps://bo@files"),
                ("", "maybe", "ftpes://bo@files"),
                ("", "plain", "ftp://bo@files"),
                ("", "key", "sftp://bo@key"),
            ]
        );
        let shop = &found.sites[0];
        assert_eq!(shop.remote.as_deref(), Some("/var/www öü"));
        assert_eq!(shop.local.as_deref(), Some("/home/ann/site"));
        assert_eq!(shop.note.as_deref(), Some("ask Kim before 9"));
        assert_eq!(found.sites[1].local, None);
        assert_eq!(found.passwords, 1);
        let said = found.notes.join("\n");
        for part in [
            "key: its key is in PuTTY",
            "maybe: FileZilla takes TLS",
            "bucket: left out, its protocol is none",
            "evil: left out, its host is none",
            "an old name: its folder",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert_eq!(found.sites[4].ftp.as_deref(), Some("active, charset=windows-1251, connections=2"));
        assert!(!said.contains("plain"), "{said}");
        let everything = format!("{found:?}");
        assert!(!everything.contains("hunter2") && !everything.contains("aHVudGVyMg"), "{everything}");
    }

    #[test]
    fn what_an_ftp_site_needs_is_taken_over_and_the_rest_named() {
        let site = |name: &str, more: &str| {
            format!("<Server><Host>h</Host><Protocol>6</Protocol><Name>{name}</Name>{more}</Server>")
        };
        let charset = |label: &str| {
            format!("<EncodingType>Custom</EncodingType><CustomEncoding>{label}</CustomEncoding>")
        };
        let sites = [
            site("utf8", &charset("UTF-8")),
            site("auto", "<EncodingType>UTF-8</EncodingType><CustomEncoding>KOI8-R</CustomEncoding>"),
            site("passive", "<PasvMode>MODE_PASSIVE</PasvMode>"),
            site("many", "<MaximumMultipleConnections>1000</MaximumMultipleConnections>"),
            site("dos", &charset("CP850")),
            site("sly", &charset("latin1, address=192.0.2.1")),
            site("wide", &charset("UTF-16")),
            site("none", &charset("")),
            site("last", &charset("cp437")),
        ];
        let text = format!("<FileZilla3><Servers>{}</Servers></FileZilla3>", sites.concat());
        let found = parse(text.as_bytes()).unwrap();
        let ftp: Vec<_> = found.sites.iter().map(|site| site.ftp.as_deref()).collect();
        assert_eq!(ftp, [None, None, Some("passive"), None, None, None, None, None, None]);
        assert_eq!(
            found.notes,
            ["dos, sly, wide and 2 more: wharf knows no charsets of those names; charset= among the \
              bookmarks' FTP options names others."]
        );
    }

    #[test]
    fn folders_on_the_server() {
        let dir = |text: &str| remote_dir(text).0.map(|path| path.to_string());
        assert_eq!(dir("1 0"), Some("/".into()));
        assert_eq!(dir("0 0 4 a  b"), Some("/a  b".into()));
        assert_eq!(dir("1 0 2 👍"), Some("/👍".into()));
        assert_eq!(dir("1 0 2 .. 3 etc"), None);
        assert_eq!(dir("1 0 99999999999999999999 x"), None);
        assert_eq!(dir("1 0 9 short"), None);
        assert_eq!(dir("2 3 A:: 1 b"), None);
    }

    #[test]
    fn hostile_files_are_refused_or_bounded() {
        let bomb = "<?xml version=\"1.0\"?><!DOCTYPE l [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]>\
                    <FileZilla3><Servers><Server><Host>&b;</Host></Server></Servers></FileZilla3>";
        assert!(parse(bomb.as_bytes()).unwrap_err().contains("DOCTYPE"));
        let entity = "<FileZilla3><Servers><Server><Host>&b;</Host></Server></Servers></FileZilla3>";
        assert!(parse(entity.as_bytes()).is_err());
        let deep = format!("<FileZilla3>{}", "<Folder>".repeat(100_000));
        assert!(parse(deep.as_bytes()).unwrap_err().contains("deep"));
        for text in ["", "<FileZilla3>", "<html/>", "<FileZilla3><Servers></Folder>", "<", "\u{0}"] {
            assert!(parse(text.as_bytes()).is_err(), "{text:?}");
        }
        assert!(parse(b"\xff\xfe<").is_err());
        assert_eq!(parse(b"<FileZilla3/>").unwrap().sites.len(), 0);
        let long = format!(
            "<FileZilla3><Servers><Server><Host>h</Host><Name>{}</Name></Server></Servers></FileZilla3>",
            "x".repeat(1 << 20)
        );
        assert!(parse(long.as_bytes()).unwrap().sites[0].name.len() <= LONGEST);
    }
}
