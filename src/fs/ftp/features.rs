//! What one server can do and bears: FEAT (RFC 2389), SYST, and what its greeting gives away.
//! Reads replies; sends nothing.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};

use super::reply_reader::RawReply;

/// Told once, by the first login.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// Feature lines in capitals without the blank in front.
    lines: Vec<String>,
    /// Paths and permissions as Unix has them.
    pub is_unix: bool,
    software: Software,
}

/// Servers whose habits were tried. All others are taken to bear nothing unusual.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Software {
    Vsftpd,
    Proftpd,
    PureFtpd,
    #[default]
    Other,
}

/// How a file's time is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetTime {
    /// draft-somers-ftp-mfxx section 3.1.
    Mfmt,
    /// MDTM with a time in front of the path, as several servers have it.
    Mdtm,
    /// `SITE UTIME time path`.
    SiteUtime,
    /// `SITE UTIME path accessed modified created UTC`, which is older.
    SiteUtimes,
    Never,
}

/// What was found out along the way and holds for the whole session.
#[derive(Debug, Default)]
pub struct Learnt {
    refused_times: AtomicU8,
    pub no_directory_times: AtomicBool,
    pub no_chmod: AtomicBool,
    /// `LIST -a` is taken for a name or lists nothing.
    pub no_list_all: AtomicBool,
    /// MLST or MLSD was refused though FEAT has it.
    pub no_mlst: AtomicBool,
    /// STOR behind REST was refused: APPE may do.
    pub no_store_restart: AtomicBool,
    /// Commands for checksums that were refused though FEAT has them: a bit each.
    pub refused_sums: AtomicU32,
}

impl Learnt {
    /// The ways to set a time that the server has not refused, best first.
    pub fn ways_to_set_time(&self, features: &Features) -> Vec<SetTime> {
        let refused = self.refused_times.load(Ordering::Relaxed);
        let mut ways = features.ways_to_set_time();
        ways.retain(|way| refused & way.bit() == 0);
        ways
    }

    /// The server does not know this way.
    pub fn cannot_set_time_by(&self, way: SetTime) {
        self.refused_times.fetch_or(way.bit(), Ordering::Relaxed);
    }
}

impl SetTime {
    fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl Features {
    pub fn new(greeting: &RawReply, system: &RawReply, features: &RawReply) -> Features {
        let lines = match features.code {
            211 => features
                .lines
                .get(1..features.lines.len().saturating_sub(1))
                .unwrap_or_default()
                .iter()
                .take(500)
                .map(|line| String::from_utf8_lossy(line).trim().to_ascii_uppercase())
                .filter(|line| !line.is_empty())
                .collect(),
            _ => Vec::new(),
        };
        let system = String::from_utf8_lossy(system.last()).to_ascii_uppercase();
        let banner: Vec<String> =
            greeting.lines.iter().map(|l| String::from_utf8_lossy(l).to_lowercase()).collect();
        let banner = banner.join("\n");
        let mut out = Features {
            lines,
            is_unix: system.contains("UNIX") || system.is_empty(),
            software: Software::Other,
        };
        out.software = match () {
            () if banner.contains("vsftpd") || out.reads_like_vsftpd() => Software::Vsftpd,
            () if banner.contains("proftpd") || (out.has("CSID") && out.has("MFF")) => Software::Proftpd,
            () if banner.contains("pure-ftpd") || (out.has("ESTA") && out.has("ESTP")) => Software::PureFtpd,
            () => Software::Other,
        };
        out
    }

    /// The greeting can be anything that its administrator likes; the list of features cannot.
    fn reads_like_vsftpd(&self) -> bool {
        let plain = ["EPRT", "EPSV", "MDTM", "PASV", "REST STREAM", "SIZE", "TVFS"];
        let rest = self
            .lines
            .iter()
            .filter(|line| !matches!(line.split(' ').next(), Some("AUTH" | "PBSZ" | "PROT" | "UTF8")));
        rest.eq(plain)
    }

    pub fn has(&self, feature: &str) -> bool {
        self.line(feature).is_some()
    }

    /// What stands behind the feature's name.
    pub fn line(&self, feature: &str) -> Option<&str> {
        self.lines.iter().find_map(|line| {
            let rest = line.strip_prefix(feature)?;
            (rest.is_empty() || rest.starts_with(' ')).then_some(rest.trim_start())
        })
    }

    /// MLST and MLSD, where they show what LIST shows. ProFTPD's pass links off as what they lead
    /// to, and leave out those that lead nowhere: deleting a tree must not go through them.
    pub fn has_honest_mlst(&self) -> bool {
        (self.has("MLST") || self.has("MLSD")) && self.software != Software::Proftpd
    }

    pub fn has_size(&self) -> bool {
        self.lines.is_empty() || self.has("SIZE")
    }

    pub fn has_mdtm(&self) -> bool {
        self.lines.is_empty() || self.has("MDTM")
    }

    /// Several commands may leave in one write, each being answered in its turn.
    pub fn bears_pipelining(&self) -> bool {
        self.software != Software::Other
    }

    /// Commands may be sent while data moves and are read when it has moved. ProFTPD refuses them
    /// with 450, and Pure-FTPd may swallow them.
    pub fn bears_overlap(&self) -> bool {
        self.software == Software::Vsftpd
    }

    /// The byte 255 is doubled in commands, as Telnet has it (RFC 854). Few servers undo that.
    pub fn doubles_telnet_iac(&self) -> bool {
        self.software == Software::Proftpd
    }

    fn ways_to_set_time(&self) -> Vec<SetTime> {
        let mut ways = Vec::new();
        if self.has("MFMT") || self.lines.is_empty() {
            ways.push(SetTime::Mfmt);
        }
        if self.has_mdtm() {
            ways.push(SetTime::Mdtm);
        }
        if !self.has("MFMT") {
            ways.extend([SetTime::SiteUtime, SetTime::SiteUtimes]);
        }
        ways
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(code: u16, lines: &[&str]) -> RawReply {
        RawReply { code, lines: lines.iter().map(|l| l.as_bytes().to_vec()).collect() }
    }

    fn features(banner: &str, lines: &[&str]) -> Features {
        Features::new(&raw(220, &[banner]), &raw(215, &["UNIX Type: L8"]), &raw(211, lines))
    }

    #[test]
    fn feature_lines_are_read_in_any_case() {
        let found = features("x", &["Features:", " mlst Type*;Size*;", " HASH SHA-256;MD5*", "End"]);
        assert!(found.has("MLST") && found.has_honest_mlst() && !found.has("END") && !found.has("ML"));
        assert!(!found.bears_pipelining());
        let none = Features::new(&raw(220, &[""]), &raw(502, &[""]), &raw(500, &["?"]));
        assert!(none.has_size() && !none.has("SIZE"));
    }

    #[test]
    fn servers_are_known_by_more_than_their_greeting() {
        let lines = [
            "Features:",
            " AUTH TLS",
            " EPRT",
            " EPSV",
            " MDTM",
            " PASV",
            " REST STREAM",
            " SIZE",
            " TVFS",
            "End",
        ];
        assert!(features("Welcome to our archive", &lines).bears_overlap());
        assert!(!features("Welcome to our archive", &lines[..5]).bears_overlap());
        let proftpd = features("ready", &["F", " CSID", " MFF modify;", " MLST size*;", "End"]);
        assert!(proftpd.bears_pipelining() && !proftpd.bears_overlap() && !proftpd.has_honest_mlst());
    }

    #[test]
    fn ways_to_set_a_time_are_tried_in_turn() {
        let found = features("x", &["F", " MDTM", "End"]);
        let learnt = Learnt::default();
        assert_eq!(learnt.ways_to_set_time(&found), [SetTime::Mdtm, SetTime::SiteUtime, SetTime::SiteUtimes]);
        learnt.cannot_set_time_by(SetTime::Mdtm);
        assert_eq!(learnt.ways_to_set_time(&found), [SetTime::SiteUtime, SetTime::SiteUtimes]);
        learnt.cannot_set_time_by(SetTime::SiteUtime);
        learnt.cannot_set_time_by(SetTime::SiteUtimes);
        assert!(learnt.ways_to_set_time(&found).is_empty());
    }
}
