//! The sites of other programs, as bookmarks. Owns where those programs keep them, how much of a
//! file is read, and what a site is called here. Must never carry a password over, and writes
//! nothing: saving is `store`'s business.

mod filezilla;
mod winscp;

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use super::{Bookmark, check_folder, check_ftp, check_name, file};
use crate::fs::{Error, ErrorKind, Operation, Place, Result};

/// More than this is no list that a person keeps.
const LIMIT: u64 = 16 << 20;

/// Sites beyond these are left where they are.
const MOST_SITES: usize = 5_000;

/// Longer texts of a field are cut.
const LONGEST: usize = 4 << 10;

/// Whose sites they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Program {
    FileZilla,
    WinScp,
    /// Hosts of ssh_config.
    Ssh,
}

impl Program {
    pub fn name(self) -> &'static str {
        match self {
            Program::FileZilla => "FileZilla",
            Program::WinScp => "WinSCP",
            Program::Ssh => "ssh_config",
        }
    }

    /// Where it keeps them below a home directory, the likeliest first. WinSCP runs on Windows
    /// alone: there is its file where wine has it, or where a person has put it.
    fn files(self, home: &Path) -> Vec<PathBuf> {
        let below: &[&str] = match self {
            Program::FileZilla => &[
                ".config/filezilla/sitemanager.xml",
                ".filezilla/sitemanager.xml",
                ".var/app/org.filezillaproject.Filezilla/config/filezilla/sitemanager.xml",
            ],
            Program::WinScp => &["WinSCP.ini", ".config/WinSCP.ini", ".wine/drive_c/WinSCP.ini"],
            Program::Ssh => &[],
        };
        below.iter().map(|file| home.join(file)).collect()
    }
}

/// What a file of another program holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Their names and folders as that program has them.
    pub sites: Vec<Bookmark>,
    /// How many have a password there, which stays there.
    pub passwords: usize,
    /// What could not be taken over as it is, in sentences. Unescaped.
    pub notes: Vec<String>,
}

/// What an import would add, or has added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    pub program: Program,
    /// The file, as people write it.
    pub file: String,
    /// As they are called here.
    pub added: Vec<Bookmark>,
    /// How many bookmarks there are already that lead to the same place.
    pub present: usize,
    pub passwords: usize,
    pub notes: Vec<String>,
}

impl Imported {
    /// What it came to, in sentences. Unescaped.
    pub fn said(&self, dry: bool) -> Vec<String> {
        let sites = |count: usize| if count == 1 { "1 site".to_owned() } else { format!("{count} sites") };
        let verb = match (self.added.len(), dry) {
            (1, false) => "is a bookmark now",
            (_, false) => "are bookmarks now",
            (1, true) => "would become a bookmark",
            (_, true) => "would become bookmarks",
        };
        let of = match self.program {
            Program::Ssh => self.file.clone(),
            program => format!("{} ({})", program.name(), self.file),
        };
        let there = match self.present {
            0 => String::new(),
            1 => "; 1 is there already".to_owned(),
            count => format!("; {count} are there already"),
        };
        let mut said = vec![format!("{} of {of} {verb}{there}.", sites(self.added.len()))];
        if self.passwords > 0 {
            said.push(match self.passwords {
                1 => "1 password stays where it is: wharf asks when it connects.".to_owned(),
                count => format!("{count} passwords stay where they are: wharf asks when it connects."),
            });
        }
        said.extend(self.notes.iter().cloned());
        said
    }
}

/// The program's own file below that home directory, where there is one.
pub fn usual_file(program: Program, home: &Path) -> Option<PathBuf> {
    program.files(home).into_iter().find(|file| file.is_file())
}

/// Whose file it is, by its first bytes.
pub fn program_of(text: &[u8]) -> Option<Program> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let start = String::from_utf8_lossy(text.get(..text.len().min(LONGEST)).unwrap_or_default());
    if start.trim_start().starts_with('<') {
        return Some(Program::FileZilla);
    }
    let is_section = |line: &str| {
        let line = line.trim();
        line.starts_with('[') && line.ends_with(']')
    };
    start.lines().any(is_section).then_some(Program::WinScp)
}

/// Reads a file of another program; without one named, whose it is shows in the file.
///
/// # Errors
/// [`ErrorKind::Usage`] where it is none, or broken; what reading a file can end with.
pub fn read(program: Option<Program>, path: &Path, shown: &str) -> Result<(Program, Found)> {
    let failed = |error: &std::io::Error| {
        Error::io(Operation::ImportBookmarks, error).on(shown).with_detail(error.to_string())
    };
    let bytes = file::read_bytes(path, LIMIT)
        .map_err(|error| failed(&error))?
        .ok_or_else(|| Error::new(ErrorKind::NotFound, Operation::ImportBookmarks).on(shown))?;
    let wrong =
        |why: String| Error::new(ErrorKind::Usage, Operation::ImportBookmarks).on(shown).with_detail(why);
    let Some(program) = program.or_else(|| program_of(&bytes)) else {
        return Err(wrong("it is neither FileZilla's sitemanager.xml nor a WinSCP.ini".to_owned()));
    };
    let mut found = match program {
        Program::FileZilla => filezilla::parse(&bytes).map_err(wrong)?,
        Program::WinScp => winscp::parse(&bytes).map_err(wrong)?,
        Program::Ssh => return Err(wrong("hosts are read from an ssh_config by -F".to_owned())),
    };
    if found.sites.len() > MOST_SITES {
        let left = found.sites.len() - MOST_SITES;
        found.sites.truncate(MOST_SITES);
        found.notes.push(format!("Only the first {MOST_SITES} sites are taken; {left} are left out."));
    }
    Ok((program, found))
}

/// The hosts of an ssh_config as sites.
pub fn hosts(names: &[String]) -> Found {
    let site = |name: &String| {
        Place::host(name).map(|place| Bookmark {
            name: name.clone(),
            place: place.to_url(),
            ..Bookmark::default()
        })
    };
    Found { sites: names.iter().filter_map(site).collect(), ..Found::default() }
}

/// What of `found` is not there yet, each with a name that is free. What leads where a bookmark
/// leads already is counted, and left out.
pub fn plan(program: Program, file: String, found: Found, existing: &[Bookmark]) -> Imported {
    let url = |bookmark: &Bookmark| bookmark.place().ok().map(|place| place.to_url());
    let there: HashSet<String> = existing.iter().filter_map(url).collect();
    let mut names: HashSet<String> = existing.iter().map(|bookmark| bookmark.name.clone()).collect();
    let mut imported = Imported {
        program,
        file,
        added: Vec::new(),
        present: 0,
        passwords: found.passwords,
        notes: found.notes,
    };
    let mut renamed = Vec::new();
    for mut site in found.sites {
        let Some(url) = url(&site) else { continue };
        if there.contains(&url) {
            imported.present += 1;
            continue;
        }
        site.folder = folder(&site.folder);
        let name = free_name(&site.name, &site.folder, &names);
        if name != site.name {
            site.name = name;
            renamed.push(site.name.clone());
        }
        names.insert(site.name.clone());
        imported.added.push(site);
    }
    if !renamed.is_empty() {
        imported.notes.push(told(&RENAMED, &renamed));
    }
    imported
}

/// The folder as it can be here.
fn folder(text: &str) -> String {
    let parts = text
        .split('/')
        .map(|part| part.chars().filter(|c| !c.is_control()).collect::<String>().trim().to_owned());
    let mut folder = String::new();
    for part in parts.filter(|part| !part.is_empty()) {
        let longer = if folder.is_empty() { part } else { format!("{folder}/{part}") };
        if check_folder(&longer).is_err() {
            break;
        }
        folder = longer;
    }
    folder
}

/// A name as close to `wanted` as can be had.
fn free_name(wanted: &str, folder: &str, taken: &HashSet<String>) -> String {
    let clean: String = wanted
        .chars()
        .filter(|c| !c.is_control())
        .map(|c| if matches!(c, ':' | '/' | '\\') { '-' } else { c })
        .collect();
    let base = head(clean.trim().trim_start_matches(['-', '~']).trim(), 80);
    let base =
        if check_name(&base).is_ok() { base } else { head(&format!("site {base}"), 80).trim().to_owned() };
    let last = folder.rsplit('/').next().filter(|part| !part.is_empty() && !part.contains([':', '\\']));
    let with_folder = last.map(|last| head(&format!("{base} ({})", head(last, 16)), 100));
    let numbered = (2..).map(|number: u64| format!("{base} {number}"));
    std::iter::once(base.clone())
        .chain(with_folder)
        .chain(numbered)
        .find(|name| !taken.contains(name) && check_name(name).is_ok())
        .unwrap_or(base)
}

/// The beginning, at most so many bytes.
fn head(text: &str, most: usize) -> String {
    let end = text.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= most).last();
    text.get(..end.unwrap_or(0)).unwrap_or_default().trim().to_owned()
}

/// A path on this machine, where the text is one: other programs' are often another machine's.
fn local_path(text: &str) -> Option<String> {
    let text = text.trim();
    (text.starts_with(['/', '~']) && !text.contains('\0')).then(|| text.to_owned())
}

/// A note on one line.
fn note(text: &str) -> Option<String> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    Some(head(&text, 500)).filter(|text| !text.is_empty())
}

/// What is to be told of sites, behind their names: of one, and of several.
struct Remark(&'static str, &'static str);

/// Gathers what is said once for all sites that it is true of.
#[derive(Default)]
struct Remarks(Vec<(&'static Remark, Vec<String>)>);

impl Remarks {
    fn add(&mut self, remark: &'static Remark, site: &str) {
        match self.0.iter_mut().find(|(said, _)| said.0 == remark.0) {
            Some((_, sites)) => sites.push(site.to_owned()),
            None => self.0.push((remark, vec![site.to_owned()])),
        }
    }

    fn said(self) -> Vec<String> {
        self.0.iter().map(|(remark, sites)| told(remark, sites)).collect()
    }
}

/// `nas, web: what there is to tell of them.` Beyond three, the others are counted.
fn told(Remark(one, several): &Remark, sites: &[String]) -> String {
    let names: Vec<String> = sites.iter().take(3).map(|name| head(name, 40)).collect();
    let names = names.join(", ");
    match sites.len() {
        1 => format!("{names}: {one}."),
        2 | 3 => format!("{names}: {several}."),
        more => format!("{names} and {} more: {several}.", more - 3),
    }
}

/// A site without a name is called as its host.
fn called(name: &str, host: &str) -> String {
    let name = if name.trim().is_empty() { host } else { name };
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// An FTP site's options in the words of its bookmark; `None` where it needs none.
#[derive(Default)]
struct Options(Vec<String>);

impl Options {
    fn add(&mut self, option: impl Into<String>) {
        self.0.push(option.into());
    }

    /// The charset of names by its label. Whether it is one that wharf knows.
    fn add_charset(&mut self, label: &str) -> bool {
        if ["utf-8", "utf8"].contains(&label.to_ascii_lowercase().as_str()) {
            return true;
        }
        let option = format!("charset={label}");
        let is_known = !label.contains(',') && check_ftp(&option).is_ok();
        if is_known {
            self.add(option);
        }
        is_known
    }

    fn text(self) -> Option<String> {
        Some(self.0.join(", ")).filter(|text| !text.is_empty())
    }
}

const PROTOCOL: Remark = Remark(
    "left out, its protocol is none that wharf speaks",
    "left out, their protocols are none that wharf speaks",
);
const HOST: Remark = Remark("left out, its host is none", "left out, their hosts are none");
/// Said of FTP sites whose names are in a charset that wharf does not know.
const CHARSET: Remark = Remark(
    "wharf knows no charset of that name; charset= among the bookmark's FTP options names another",
    "wharf knows no charsets of those names; charset= among the bookmarks' FTP options names others",
);
/// Said of keys that wharf cannot read.
const PPK: Remark = Remark(
    "its key is in PuTTY's format; `puttygen KEY.ppk -O private-openssh -o KEY` converts it",
    "their keys are in PuTTY's format; `puttygen KEY.ppk -O private-openssh -o KEY` converts each",
);
/// Said of keys.
const KEY: Remark = Remark(
    "its key file is in the note; name it under IdentityFile in ssh_config",
    "their key files are in the notes; name them under IdentityFile in ssh_config",
);
const RENAMED: Remark = Remark(
    "called so here, as a bookmark's name is unique and holds no : and no /",
    "called so here, as a bookmark's name is unique and holds no : and no /",
);

#[cfg(test)]
mod tests {
    use super::*;

    fn site(name: &str, folder: &str, place: &str) -> Bookmark {
        Bookmark { name: name.into(), folder: folder.into(), place: place.into(), ..Bookmark::default() }
    }

    fn planned(sites: &[Bookmark], existing: &[Bookmark]) -> Imported {
        let found = Found { sites: sites.to_vec(), ..Found::default() };
        plan(Program::FileZilla, "f".into(), found, existing)
    }

    #[test]
    fn each_gets_a_name_that_is_free() {
        let imported = planned(
            &[
                site("web", "a", "sftp://a"),
                site("web", "b", "sftp://b"),
                site("web", "x/b", "sftp://c"),
                site("web", "b", "sftp://d"),
                site("ftp://h:21", "", "ftp://h"),
                site("-x", "", "ftp://i"),
                site("local", "", "ftp://j"),
                site("", "", "ftp://k"),
                site(&"ü".repeat(300), "", "ftp://l"),
            ],
            &[],
        );
        let names: Vec<&str> = imported.added.iter().map(|site| site.name.as_str()).collect();
        assert_eq!(names[..7], ["web", "web (b)", "web 2", "web 3", "ftp---h-21", "x", "site local"]);
        assert_eq!(names[7], "site");
        assert_eq!(names[8], "ü".repeat(40));
        for site in &imported.added {
            assert_eq!(check_name(&site.name), Ok(()));
        }
        assert!(
            imported.notes.iter().any(|note| note.starts_with("web (b), web 2, web 3 and 5 more: called so"))
        );
    }

    #[test]
    fn what_is_there_already_is_left_out() {
        let existing = [site("mine", "", "sftp://ann@web-01/var/www")];
        let mut same = site("theirs", "work", "sftp://ann@web-01");
        same.remote = Some("/var/www".into());
        let imported = planned(&[same, site("mine", "", "sftp://other")], &existing);
        assert_eq!(imported.present, 1);
        assert_eq!(imported.added.len(), 1);
        assert_eq!(imported.added[0].name, "mine 2");
        let again = planned(&imported.added, &[existing.to_vec(), imported.added.clone()].concat());
        assert_eq!((again.present, again.added.len()), (1, 0));
    }

    #[test]
    fn folders_are_made_to_fit() {
        assert_eq!(folder(" work / web\u{7} "), "work/web");
        assert_eq!(folder("//"), "");
        assert_eq!(folder(&format!("a/{}", "x".repeat(300))), "a");
    }

    #[test]
    fn whose_file_it_is_shows_in_it() {
        assert_eq!(program_of(b"\xef\xbb\xbf<?xml"), Some(Program::FileZilla));
        assert_eq!(program_of(b"; c\r\n[Sessions\\a]\r\n"), Some(Program::WinScp));
        assert_eq!(program_of(b"Host x\n"), None);
        assert_eq!(program_of(b""), None);
    }
}
