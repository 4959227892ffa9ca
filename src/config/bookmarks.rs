//! Bookmarks and the text of `bookmarks.toml`. Owns reading it, and changing it so that comments,
//! order and unknown keys stay. Must never see a password: there is no key for one.

use serde::{Deserialize, Serialize};
use toml_edit::{ArrayOfTables, Document, DocumentMut, Item, Table, value};

use super::line::{in_a_line, line_of};
use crate::fs::{
    Error, ErrorKind, Operation, Place, PlacePath, Result, Target,
    ftp::Site,
    place::{local_name, redact},
};

/// A place with a name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bookmark {
    /// What `name:` on the command line means; unique.
    pub name: String,
    /// Where it is listed, such as `work/web`; empty at the top.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub folder: String,
    /// A URL, `host:path` or a local path.
    pub place: String,
    /// Where to start there, if not at the path of `place`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote: Option<String>,
    /// Where the other pane starts on this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local: Option<String>,
    /// What an FTP site needs beside its login: a [`Site`] in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ftp: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// The keys of a bookmark, in the order in which they are written.
const KEYS: [&str; 7] = ["name", "folder", "place", "remote", "local", "ftp", "note"];

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bookmarks {
    pub list: Vec<Bookmark>,
    /// What means nothing or cannot be used, each with its line. Unescaped.
    pub warnings: Vec<String>,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    bookmark: Vec<Bookmark>,
}

impl Bookmark {
    /// The place with its start path; a password in it is left out.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] where it is none.
    pub fn place(&self) -> Result<Place> {
        Ok(match (Place::parse(self.place.as_bytes())?, &self.remote) {
            (Place::Local(path), None) => Place::Local(path),
            (Place::Local(_), Some(start)) => Place::Local(start.clone().into_bytes()),
            (Place::Remote(mut target, path), start) => {
                target.password = None;
                let path = start.as_ref().map_or(path, |start| PlacePath::parse(start.as_bytes()));
                Place::Remote(target, path)
            }
        })
    }

    fn get(&self, key: &str) -> Option<&str> {
        match key {
            "name" => Some(&self.name),
            "folder" => Some(self.folder.as_str()).filter(|folder| !folder.is_empty()),
            "place" => Some(&self.place),
            "remote" => self.remote.as_deref(),
            "local" => self.local.as_deref(),
            "ftp" => self.ftp.as_deref(),
            "note" => self.note.as_deref(),
            _ => None,
        }
    }
}

/// The options of the first bookmark for that login.
pub fn site(bookmarks: &[Bookmark], target: &Target) -> Option<Site> {
    let label = target.label();
    bookmarks.iter().find_map(|bookmark| {
        let text = bookmark.ftp.as_ref()?;
        match bookmark.place() {
            Ok(Place::Remote(of, _)) if of.label() == label => text.parse().ok(),
            _ => None,
        }
    })
}

/// Whether a bookmark can have that name: `name:path` must mean it, and nothing else.
pub fn check_name(name: &str) -> Result<(), &'static str> {
    if name.trim().is_empty() {
        Err("a bookmark needs a name")
    } else if name.trim() != name {
        Err("a name cannot begin or end with a space")
    } else if name.contains([':', '/', '\\']) {
        Err("a name cannot contain : or / or \\")
    } else if name.chars().any(char::is_control) {
        Err("a name cannot contain control characters")
    } else if name.starts_with(['-', '~']) || matches!(name, "." | "..") || name == local_name() {
        Err("this name means something else already")
    } else if name.len() > 100 {
        Err("a name cannot be longer than 100 bytes")
    } else {
        Ok(())
    }
}

/// Whether bookmarks can be listed there: names between slashes, or nothing.
pub fn check_folder(folder: &str) -> Result<(), &'static str> {
    if folder.chars().any(char::is_control) {
        Err("a folder cannot contain control characters")
    } else if !folder.is_empty() && folder.split('/').any(|part| part.trim().is_empty()) {
        Err("a folder is written as work or work/web")
    } else if folder.len() > 200 {
        Err("a folder cannot be longer than 200 bytes")
    } else {
        Ok(())
    }
}

/// Whether a text is one of options for an FTP site: [`Site`].
pub fn check_ftp(text: &str) -> Result<(), String> {
    text.parse::<Site>().map(drop)
}

/// A text that is none of ours: what is wrong with it, and in which line.
fn broken(text: &str, span: Option<std::ops::Range<usize>>, message: &str, file: &str) -> Error {
    let line = span.map_or(1, |span| line_of(text, span.start));
    Error::new(ErrorKind::Usage, Operation::ReadBookmarks)
        .on(format!("{file}:{line}"))
        .with_detail(in_a_line(message))
}

/// Reads the text of `file`, whose name is only for errors.
///
/// # Errors
/// [`ErrorKind::Usage`] with file and line where it is no TOML, or a bookmark lacks a name or a
/// place.
pub fn parse(text: &str, file: &str) -> Result<Bookmarks> {
    let read: File =
        toml::from_str(text).map_err(|error| broken(text, error.span(), error.message(), file))?;
    let document = Document::parse(text)
        .map_err(|error: toml_edit::TomlError| broken(text, error.span(), error.message(), file))?;
    let mut warnings = Vec::new();
    let mut warn = |span: Option<std::ops::Range<usize>>, what: &str| {
        warnings.push(format!("{file}:{}: {what}", span.map_or(1, |span| line_of(text, span.start))));
    };
    for (key, item) in document.as_table() {
        let span = document.as_table().key(key).and_then(|key| key.span());
        if key != "bookmark" {
            warn(span, &format!("wharf knows no {key}; it stays as it is"));
            continue;
        }
        for (at, table) in item.as_array_of_tables().into_iter().flatten().enumerate() {
            for (key, _) in table.iter().filter(|(key, _)| !KEYS.contains(key)) {
                let span = table.key(key).and_then(|key| key.span());
                warn(span, &format!("a bookmark has no {key}; it stays as it is"));
            }
            let Some(bookmark) = read.bookmark.get(at) else { continue };
            let span = |key: &str| table.get(key).and_then(Item::span);
            if let Err(why) = check_name(&bookmark.name) {
                warn(span("name"), why);
            }
            if read.bookmark.iter().take(at).any(|other| other.name == bookmark.name) {
                let what = format!("there is a bookmark {} further up; that one counts", bookmark.name);
                warn(span("name"), &what);
            }
            if redact(&bookmark.place) != bookmark.place {
                warn(span("place"), "a password stands here; it is not used, so take it out");
            }
            if let Some(Err(why)) = bookmark.ftp.as_deref().map(check_ftp) {
                warn(span("ftp"), &why);
            }
            if let Err(error) = bookmark.place() {
                warn(span("place"), error.detail().unwrap_or("this is no place"));
            }
        }
    }
    Ok(Bookmarks { list: read.bookmark, warnings })
}

/// The text with `bookmark` in place of the one named `old`, or at the end where there is none.
///
/// # Errors
/// As [`parse`]; and [`ErrorKind::Usage`] where the name is taken, or the bookmarks are written
/// as one line that cannot be changed without losing its form.
pub fn save(text: &str, file: &str, old: Option<&str>, bookmark: &Bookmark) -> Result<String> {
    let known = parse(text, file)?;
    let taken = known.list.iter().any(|other| other.name == bookmark.name);
    if taken && old != Some(bookmark.name.as_str()) {
        return Err(Error::new(ErrorKind::AlreadyExists, Operation::SaveBookmarks)
            .on(file)
            .with_detail(format!("there is a bookmark {} already", bookmark.name)));
    }
    let mut document: DocumentMut = text
        .parse()
        .map_err(|error: toml_edit::TomlError| broken(text, error.span(), error.message(), file))?;
    let tables = tables(&mut document, file)?;
    let at = old.and_then(|old| position(tables, old));
    match at.and_then(|at| tables.get_mut(at)) {
        Some(table) => KEYS.iter().for_each(|key| set(table, key, bookmark.get(key))),
        None => push(tables, bookmark, text.trim().is_empty()),
    }
    Ok(document.to_string())
}

/// The text with all of these at the end. Their names must be free.
///
/// # Errors
/// As [`save`].
pub fn append(text: &str, file: &str, bookmarks: &[Bookmark]) -> Result<String> {
    parse(text, file)?;
    let mut document: DocumentMut = text
        .parse()
        .map_err(|error: toml_edit::TomlError| broken(text, error.span(), error.message(), file))?;
    let tables = tables(&mut document, file)?;
    for (at, bookmark) in bookmarks.iter().enumerate() {
        push(tables, bookmark, at == 0 && text.trim().is_empty());
    }
    Ok(document.to_string())
}

fn push(tables: &mut ArrayOfTables, bookmark: &Bookmark, is_first: bool) {
    let mut table = Table::new();
    for key in KEYS {
        set(&mut table, key, bookmark.get(key));
    }
    if !is_first {
        table.decor_mut().set_prefix("\n");
    }
    tables.push(table);
}

/// The text without the bookmark of that name; `None` where there is none.
///
/// # Errors
/// As [`parse`].
pub fn remove(text: &str, file: &str, name: &str) -> Result<Option<String>> {
    parse(text, file)?;
    let mut document: DocumentMut = text
        .parse()
        .map_err(|error: toml_edit::TomlError| broken(text, error.span(), error.message(), file))?;
    let tables = tables(&mut document, file)?;
    let Some(at) = position(tables, name) else { return Ok(None) };
    let removed = tables.remove(at);
    // What stands above the first bookmark and apart from it is about the file.
    let above = removed.decor().prefix().and_then(|prefix| prefix.as_str()).unwrap_or_default().to_owned();
    if at == 0
        && let Some(end) = above.rfind("\n\n")
    {
        let kept = &above[..=end];
        match tables.get_mut(0) {
            Some(next) => {
                let own = next.decor().prefix().and_then(|prefix| prefix.as_str()).unwrap_or_default();
                let joined = format!("{kept}\n{}", own.trim_start_matches('\n'));
                next.decor_mut().set_prefix(joined);
            }
            None => {
                let trailing = document.trailing().as_str().unwrap_or_default().to_owned();
                document.set_trailing(format!("{kept}{trailing}"));
            }
        }
    }
    Ok(Some(document.to_string()))
}

fn tables<'a>(document: &'a mut DocumentMut, file: &str) -> Result<&'a mut ArrayOfTables> {
    let item = document.entry("bookmark").or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
    item.as_array_of_tables_mut().ok_or_else(|| {
        Error::new(ErrorKind::Usage, Operation::SaveBookmarks)
            .on(file)
            .with_detail("each bookmark must stand under a [[bookmark]] of its own for wharf to change them")
    })
}

fn position(tables: &ArrayOfTables, name: &str) -> Option<usize> {
    tables.iter().position(|table| table.get("name").and_then(Item::as_str) == Some(name))
}

/// Sets a key and keeps the comment behind it.
fn set(table: &mut Table, key: &str, to: Option<&str>) {
    let Some(to) = to else {
        table.remove(key);
        return;
    };
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(old) if old.as_str() == Some(to) => {}
        Some(old) => {
            let decor = old.decor().clone();
            *old = to.into();
            *old.decor_mut() = decor;
        }
        None => {
            table.insert(key, value(to));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
# All the places of the harbour.

# The shop: ask Kim before changing it.
[[bookmark]]
name = \"shop\"   # as everybody calls it
place = \"sftp://ann@web-01:2222/var/www\"
colour = \"red\"
folder = 'work/web'

[[bookmark]]
place = \"nas:backup\"
name = \"backup\"
# the end
";

    fn bookmark(name: &str, place: &str) -> Bookmark {
        Bookmark { name: name.into(), place: place.into(), ..Bookmark::default() }
    }

    #[test]
    fn reading_names_what_it_does_not_know_with_its_line() {
        let read = parse(FILE, "b.toml").unwrap();
        let names: Vec<&str> = read.list.iter().map(|b| b.name.as_str()).collect();
        assert_eq!(names, ["shop", "backup"]);
        assert_eq!(read.list[0].folder, "work/web");
        assert_eq!(read.warnings, ["b.toml:7: a bookmark has no colour; it stays as it is"]);
        assert_eq!(parse("", "b.toml").unwrap(), Bookmarks::default());
    }

    #[test]
    fn saving_changes_nothing_else() {
        let mut shop = parse(FILE, "b.toml").unwrap().list.remove(0);
        shop.place = "sftp://ann@web-02".into();
        shop.note = Some("moved \"north\"".into());
        let text = save(FILE, "b.toml", Some("shop"), &shop).unwrap();
        let wanted = FILE
            .replace("sftp://ann@web-01:2222/var/www", "sftp://ann@web-02")
            .replace("'work/web'\n", "'work/web'\nnote = 'moved \"north\"'\n");
        assert_eq!(text, wanted);
        assert_eq!(parse(&text, "b.toml").unwrap().list[0], shop);
        // Saved as it is, it stays as it is.
        assert_eq!(save(FILE, "b.toml", Some("backup"), &bookmark("backup", "nas:backup")).unwrap(), FILE);
    }

    #[test]
    fn a_new_one_comes_last() {
        let text = save(FILE, "b.toml", None, &bookmark("new", "host:")).unwrap();
        assert!(text.starts_with(FILE.trim_end_matches("# the end\n")), "{text}");
        assert!(text.contains("# the end"), "{text}");
        assert_eq!(parse(&text, "b.toml").unwrap().list.len(), 3);
        let first = save("", "b.toml", None, &bookmark("new", "host:")).unwrap();
        assert_eq!(first, "[[bookmark]]\nname = \"new\"\nplace = \"host:\"\n");
        let taken = save(FILE, "b.toml", None, &bookmark("shop", "host:")).unwrap_err();
        assert_eq!(taken.kind(), ErrorKind::AlreadyExists);
        let renamed = save(FILE, "b.toml", Some("shop"), &bookmark("backup", "host:")).unwrap_err();
        assert_eq!(renamed.kind(), ErrorKind::AlreadyExists);
    }

    #[test]
    fn removing_leaves_what_is_about_the_file() {
        let text = remove(FILE, "b.toml", "shop").unwrap().unwrap();
        assert!(text.starts_with("# All the places of the harbour.\n\n[[bookmark]]\n"), "{text}");
        assert!(!text.contains("Kim") && text.contains("# the end"), "{text}");
        let text = remove(&text, "b.toml", "backup").unwrap().unwrap();
        assert!(text.starts_with("# All the places of the harbour.\n"), "{text}");
        assert_eq!(remove(&text, "b.toml", "backup").unwrap(), None);
    }

    #[test]
    fn a_broken_file_is_an_error_with_its_line() {
        for (text, line) in [
            ("[[bookmark]]\nname = \"a\nplace = 1\n", 2),
            ("\n[[bookmark]]\nname = \"a\"\n", 2),
            ("[[bookmark]]\nname = \"a\"\nplace = 7\n", 3),
            ("bookmark = 3\n", 1),
        ] {
            for error in [
                parse(text, "b.toml").unwrap_err(),
                save(text, "b.toml", None, &bookmark("new", "x:")).unwrap_err(),
                remove(text, "b.toml", "a").unwrap_err(),
            ] {
                assert_eq!(error.operation(), Operation::ReadBookmarks);
                assert_eq!(error.place(), Some(format!("b.toml:{line}").as_str()), "{text}");
                assert!(error.detail().is_some_and(|detail| !detail.contains('\n')), "{text}");
            }
        }
        let inline = "bookmark = [{ name = \"a\", place = \"b:\" }]\n";
        assert_eq!(parse(inline, "b.toml").unwrap().list.len(), 1);
        assert!(save(inline, "b.toml", None, &bookmark("new", "x:")).is_err());
    }

    #[test]
    fn what_cannot_be_used_is_said() {
        let text = "[[bookmark]]\nname = \"a:b\"\nplace = \"sftp://x:secret@h/\"\n\
                    [[bookmark]]\nname = \"a:b\"\nplace = \"gopher://h\"\n[other]\n";
        let warnings = parse(text, "b.toml").unwrap().warnings.join("\n");
        for part in
            ["b.toml:2: a name", "b.toml:3: a password", "b.toml:5: there is", "b.toml:6: ", "b.toml:7: "]
        {
            assert!(warnings.contains(part), "{part}: {warnings}");
        }
        assert!(!warnings.contains("secret"), "{warnings}");
    }

    #[test]
    fn names_that_would_mean_something_else_are_refused() {
        for name in ["", " ", "a:b", "a/b", "-x", "~", "..", "local", "a\u{7}", " a", &"x".repeat(101)] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
        for name in ["shop", "The shop (new)", "größe", "web-01"] {
            assert_eq!(check_name(name), Ok(()), "{name:?}");
        }
        for folder in ["", "work", "work/web", "my places/of 2026"] {
            assert_eq!(check_folder(folder), Ok(()), "{folder:?}");
        }
        for folder in ["/", "/work", "work/", "a//b", "a\n"] {
            assert!(check_folder(folder).is_err(), "{folder:?}");
        }
    }

    #[test]
    fn a_start_path_counts_more_than_the_path_of_the_place() {
        let mut shop = bookmark("shop", "sftp://ann:secret@web/var");
        shop.remote = Some("~/www".into());
        let Ok(Place::Remote(target, path)) = shop.place() else { panic!("local") };
        assert_eq!(path, PlacePath::Relative(b"www".to_vec()));
        assert!(target.password.is_none());
    }
}
