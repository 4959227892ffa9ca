//! What one FTP site needs beside its login, as a bookmark keeps it: a text such as
//! `active, ports=50000-50100, charset=latin1`. Reads and writes that text; connects nowhere.

use std::{fmt, net::IpAddr, str::FromStr, sync::Arc};

use super::{DataMode, FtpOptions};
use crate::fs::Target;

/// Most control connections that may be asked for.
const MOST_CONNECTIONS: usize = 64;

/// The options of a site. What is not set is left to wharf.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Site {
    /// Who opens data connections.
    pub data: DataMode,
    /// First and last port for active mode.
    pub ports: Option<(u16, u16)>,
    /// What the server is told as our address in active mode.
    pub address: Option<IpAddr>,
    /// The charset of names by its label.
    pub charset: Option<String>,
    pub tls13: bool,
    /// Control connections at most; 0 where not set.
    pub connections: usize,
}

type Find = dyn Fn(&Target) -> Option<Site> + Send + Sync;

/// Who knows the sites: asked each time that one is reached.
#[derive(Clone, Default)]
pub struct Sites(Option<Arc<Find>>);

impl Sites {
    pub fn new(find: impl Fn(&Target) -> Option<Site> + Send + Sync + 'static) -> Sites {
        Sites(Some(Arc::new(find)))
    }

    fn of(&self, target: &Target) -> Option<Site> {
        self.0.as_ref().and_then(|find| find(target))
    }
}

impl fmt::Debug for Sites {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Sites(known)" } else { "Sites(none)" })
    }
}

impl FtpOptions {
    /// The options for one target: its site's, where these do not say otherwise.
    pub(super) fn at(&self, target: &Target) -> FtpOptions {
        let mut options = self.clone();
        let Some(site) = self.sites.of(target) else { return options };
        if options.data == DataMode::Automatic {
            options.data = site.data;
        }
        options.active.ports = options.active.ports.or(site.ports);
        options.active.external = options.active.external.or(site.address);
        options.charset = options.charset.or(site.charset);
        options.tls13 |= site.tls13;
        if options.connections == 0 {
            options.connections = site.connections;
        }
        options
    }
}

/// First and last port of `FIRST-LAST`.
pub fn ports(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-')?;
    let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first > 0 && first <= last).then_some((first, last))
}

impl FromStr for Site {
    type Err = String;

    fn from_str(text: &str) -> Result<Site, String> {
        let mut site = Site::default();
        for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            let (name, value) = (name.trim(), value.trim());
            match (name, value) {
                ("active", "") => site.data = DataMode::Active,
                ("passive", "") => site.data = DataMode::Passive,
                ("tls13", "") => site.tls13 = true,
                ("ports", _) => {
                    let why = "ports are written FIRST-LAST, for example ports=50000-50100";
                    site.ports = Some(ports(value).ok_or(why)?);
                }
                ("address", _) => {
                    let why = || format!("{value} is no address; write it in numbers");
                    site.address = Some(value.parse().map_err(|_| why())?);
                }
                ("charset", _) => {
                    // UTF-16 holds NUL bytes, which no control connection carries.
                    let charset = encoding_rs::Encoding::for_label(value.as_bytes());
                    if !charset.is_some_and(encoding_rs::Encoding::is_ascii_compatible) {
                        return Err(format!("wharf knows no charset {value}"));
                    }
                    site.charset = Some(value.to_owned());
                }
                ("connections", _) => match value.parse() {
                    Ok(number) if (1..=MOST_CONNECTIONS).contains(&number) => site.connections = number,
                    _ => return Err(format!("connections go from 1 to {MOST_CONNECTIONS}")),
                },
                _ => {
                    return Err(format!(
                        "{word} is no FTP option; there are active, passive, ports=, address=, charset=, \
                         tls13 and connections="
                    ));
                }
            }
        }
        Ok(site)
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Vec::new();
        match self.data {
            DataMode::Automatic => {}
            DataMode::Passive => words.push("passive".to_owned()),
            DataMode::Active => words.push("active".to_owned()),
        }
        words.extend(self.ports.map(|(first, last)| format!("ports={first}-{last}")));
        words.extend(self.address.map(|address| format!("address={address}")));
        words.extend(self.charset.as_ref().map(|charset| format!("charset={charset}")));
        words.extend(self.tls13.then(|| "tls13".to_owned()));
        words.extend((self.connections > 0).then(|| format!("connections={}", self.connections)));
        f.write_str(&words.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for text in [
            "",
            "active, ports=50000-50100, address=203.0.113.5, charset=latin1, tls13, connections=4",
            "passive",
            "address=2001:db8::1",
        ] {
            assert_eq!(text.parse::<Site>().unwrap().to_string(), text);
        }
        assert_eq!(" active ,ports = 1-2,".parse::<Site>().unwrap().to_string(), "active, ports=1-2");
    }

    #[test]
    fn what_means_nothing_is_said() {
        for text in [
            "fast",
            "ports=9",
            "ports=9-8",
            "address=home",
            "charset=none",
            "charset=utf-16",
            "connections=0",
            "active=1",
        ] {
            assert!(text.parse::<Site>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_command_line_counts_more() {
        let target =
            Target { scheme: &crate::fs::FTP, host: "h".into(), user: None, port: None, password: None };
        let sites = Sites::new(|_| "active, charset=latin1, connections=4".parse().ok());
        let plain = FtpOptions { sites, ..FtpOptions::default() };
        let found = plain.at(&target);
        assert_eq!((found.data, found.connections), (DataMode::Active, 4));
        let said = FtpOptions { data: DataMode::Passive, connections: 2, ..plain };
        let found = said.at(&target);
        assert_eq!((found.data, found.connections), (DataMode::Passive, 2));
        assert_eq!(found.charset.as_deref(), Some("latin1"));
    }
}
