//! `WinSCP.ini`: a section per site, `[Sessions\folder/name]`, names and values percent-encoded.
//! The keys and numbers are those of WinSCP's `SessionData.cpp`; what is not written there has
//! its default.

use super::{
    Found, HOST, KEY, LONGEST, MOST_SITES, Options, PPK, PROTOCOL, Remark, Remarks, called, local_path, note,
};
use crate::{
    config::Bookmark,
    fs::{self, Place, PlacePath, Scheme, Target},
};

const SECTION: &str = "Sessions\\";

const SCP: Remark = Remark("it was SCP, and is SFTP here", "they were SCP, and are SFTP here");
/// WinSCP writes names then as its Windows does, and does not say how that is.
const CHARSET: Remark = Remark(
    "its names are in Windows' own charset; charset= among the bookmark's FTP options names it",
    "their names are in Windows' own charset; charset= among the bookmarks' FTP options names it",
);

struct Site {
    /// Its folders and its name, decoded.
    path: String,
    fields: Vec<(String, String)>,
}

impl Site {
    fn get(&self, key: &str) -> &str {
        self.fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map_or("", |(_, value)| value)
    }
}

/// The sites of a file, or what is wrong with it.
pub(super) fn parse(bytes: &[u8]) -> Result<Found, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.contains(&0) {
        return Err("it is no text; save it as UTF-8".to_owned());
    }
    let text = String::from_utf8_lossy(bytes);
    let mut sites: Vec<Site> = Vec::new();
    let mut is_winscp = false;
    let mut inside = false;
    for line in text.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            is_winscp |= section.starts_with(SECTION) || section.starts_with("Configuration");
            let path = section.strip_prefix(SECTION).map(decode);
            // What new sites begin with is no site.
            inside =
                path.as_ref().is_some_and(|path| path != "Default Settings") && sites.len() <= MOST_SITES;
            if let Some(path) = path.filter(|_| inside) {
                sites.push(Site { path, fields: Vec::new() });
            }
        } else if inside
            && let Some((key, value)) = line.split_once('=')
            && let Some(site) = sites.last_mut()
            && site.fields.len() < 1_000
        {
            site.fields.push((key.trim().to_owned(), decode(value.trim())));
        }
    }
    if !is_winscp {
        return Err("it is no WinSCP.ini: it has no sites".to_owned());
    }
    let mut found = Found::default();
    let mut remarks = Remarks::default();
    // A workspace is a set of sites that stand by themselves as well.
    for site in sites.iter().filter(|site| site.get("IsWorkspace") != "1") {
        if ["Password", "PasswordPlain", "Passphrase"].iter().any(|key| !site.get(key).is_empty()) {
            found.passwords += 1;
        }
        found.sites.extend(bookmark(site, &mut remarks));
    }
    found.notes = remarks.said();
    Ok(found)
}

/// Percent-decoding as WinSCP writes it: with a byte-order mark where it is UTF-8. What is no
/// encoding stays as it is.
fn decode(text: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = text.bytes().take(LONGEST);
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let mut digit = || ahead.next().and_then(|byte| char::from(byte).to_digit(16));
        match (byte, digit(), digit()) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                bytes = ahead;
            }
            _ => out.push(byte),
        }
    }
    let out = out.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&out);
    match std::str::from_utf8(out) {
        Ok(text) => text.to_owned(),
        // From before WinSCP wrote UTF-8.
        Err(_) => out.iter().copied().map(char::from).collect(),
    }
}

fn bookmark(site: &Site, remarks: &mut Remarks) -> Option<Bookmark> {
    let (folder, name) = site.path.rsplit_once('/').unwrap_or(("", &site.path));
    let name = called(name, site.get("HostName"));
    let Some(scheme) = scheme(site) else {
        remarks.add(&PROTOCOL, &name);
        return None;
    };
    let is_ssh = scheme.name == "sftp";
    let port = site.get("PortNumber").parse::<u16>().ok();
    let port = port.filter(|port| *port > 0 && *port != scheme.default_port);
    let user = Some(site.get("UserName")).filter(|user| !user.is_empty());
    let user = user.filter(|user| is_ssh || *user != "anonymous").map(str::to_owned);
    let target = Target { scheme, host: site.get("HostName").to_owned(), user, port, password: None };
    let place = Place::Remote(target, PlacePath::Login).to_url();
    if Place::parse(place.as_bytes()).is_err() {
        remarks.add(&HOST, &name);
        return None;
    }
    if site.get("FSProtocol") == "0" {
        remarks.add(&SCP, &name);
    }
    let mut remark = note(site.get("Note"));
    let key = site.get("PublicKeyFile");
    if is_ssh && !key.is_empty() {
        remarks.add(if key.to_ascii_lowercase().ends_with(".ppk") { &PPK } else { &KEY }, &name);
        let key = format!("key: {key}");
        remark = note(&remark.map_or(key.clone(), |remark| format!("{remark}; {key}")));
    }
    let mut options = Options::default();
    if !is_ssh && site.get("FtpPasvMode") == "0" {
        options.add("active");
    }
    // 0 is never UTF-8, 1 always, 2 as the server says.
    if !is_ssh && site.get("Utf") == "0" {
        remarks.add(&CHARSET, &name);
    }
    let remote = Some(site.get("RemoteDirectory")).filter(|path| path.starts_with('/'));
    Some(Bookmark {
        name,
        folder: folder.to_owned(),
        place,
        remote: remote.map(str::to_owned),
        local: local_path(site.get("LocalDirectory")),
        ftp: options.text(),
        note: remark,
    })
}

/// `FSProtocol` is 0 SCP, 1 SFTP or SCP, 2 SFTP, 5 FTP; others are no files on a server. `Ftps` is
/// 0 none, 1 implicit, 2 and 3 explicit.
fn scheme(site: &Site) -> Option<&'static Scheme> {
    Some(match (site.get("FSProtocol"), site.get("Ftps")) {
        ("" | "0" | "1" | "2", _) => &fs::SFTP,
        ("5", "" | "0") => &fs::FTP,
        ("5", "1") => &fs::FTPS,
        ("5", _) => &fs::FTPES,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\u{feff}[Configuration\\Interface]\r\nX=1\r\n\
        [Sessions\\Default%20Settings]\r\nUserName=nobody\r\n\
        [Sessions\\My%20Sites/web%20server]\r\nHostName=web-01.example.org\r\nPortNumber=2222\r\n\
        UserName=ann\r\nPassword=A35C745532A4\r\nPublicKeyFile=C:%5CUsers%5Cann%5Ckey.ppk\r\n\
        RemoteDirectory=/var/www\r\nLocalDirectory=C:%5Csite\r\nNote=ask%20Kim%0D%0Afirst\r\n\
        [Sessions\\%EF%BB%BFM%C3%B6we]\r\nHostName=m\r\nFSProtocol=0\r\n\
        [Sessions\\plain]\r\nHostName=f\r\nFSProtocol=5\r\nUserName=anonymous\r\n\
        [Sessions\\implicit]\r\nHostName=f\r\nFSProtocol=5\r\nFtps=1\r\nPortNumber=990\r\nUserName=bo\r\n\
        [Sessions\\explicit]\r\nHostName=f\r\nFSProtocol=5\r\nFtps=3\r\nUserName=bo\r\nFtpPasvMode=0\r\nUtf=0\r\n\
        [Sessions\\dav]\r\nHostName=f\r\nFSProtocol=6\r\n\
        [Sessions\\evil]\r\nHostName=a%20b\r\n\
        [Sessions\\all]\r\nIsWorkspace=1\r\nHostName=w\r\n\
        [SshHostKeys]\r\nrsa2@22:m=0x23\r\n";

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
                ("My Sites", "web server", "sftp://ann@web-01.example.org:2222"),
                ("", "Möwe", "sftp://m"),
                ("", "plain", "ftp://f"),
                ("", "implicit", "ftps://bo@f"),
                ("", "explicit", "ftpes://bo@f"),
            ]
        );
        let first = &found.sites[0];
        assert_eq!(first.remote.as_deref(), Some("/var/www"));
        assert_eq!(first.local, None);
        assert_eq!(first.note.as_deref(), Some("ask Kim first; key: C:\\Users\\ann\\key.ppk"));
        assert_eq!(found.passwords, 1);
        let said = found.notes.join("\n");
        for part in [
            "web server: its key is in PuTTY",
            "Möwe: it was SCP",
            "dav: left out, its protocol is none",
            "evil: left out, its host is none",
            "explicit: its names are in Windows' own charset",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert_eq!(found.sites[4].ftp.as_deref(), Some("active"));
        assert!(!format!("{found:?}").contains("A35C745532A4"));
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in [&b""[..], b"[core]\nbare = true\n", b"Host x\n", b"[\0S\0"] {
            assert!(parse(text).is_err());
        }
        assert_eq!(decode("100%"), "100%");
        assert_eq!(decode("%e4"), "ä");
        assert_eq!(decode("%C3%A4%zz"), "ä%zz");
    }
}
