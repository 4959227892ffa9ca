//! What a person has set and what wharf remembers between runs: bookmarks, recent places and a
//! few settings. Owns their data, their files and the keyring. Only `main` makes a [`Store`]; it
//! passes values and the store on. Must never connect, draw, or write a secret into a file.

pub mod bookmarks;
mod file;
pub mod gone;
pub mod import;
pub mod keyring;
mod line;
pub mod look;
pub mod recent;
pub mod settings;
pub mod store;
pub mod workspaces;

use secrecy::SecretString;

use crate::fs::{Error, Location, Place, PlacePath, Result, Target};

pub use bookmarks::{Bookmark, Bookmarks, check_folder, check_ftp, check_name, site};
pub use import::{Imported, Program};
pub use line::{Problems, line_of};
pub use look::{Look, Text};
pub use recent::Recent;
pub use settings::Settings;
pub use store::Store;
pub use workspaces::{Active, Tab, Workspace, check_workspace};

/// What is to be kept.
#[derive(Clone, Debug)]
pub enum Change {
    /// Save a bookmark, in place of the one named `old` if there is one. A password goes to the
    /// keyring; `None` leaves the one that is there.
    Save { old: Option<String>, bookmark: Box<Bookmark>, password: Option<SecretString> },
    /// Remove the bookmark of that name, and its password.
    Remove { name: String },
    /// A place was reached, at that time in seconds since 1970.
    Visit { url: String, at: i64 },
    /// A path was typed and gone to.
    GoneTo { text: String },
    /// Forget a recent place.
    Forget { url: String },
    /// Add the sites of another program's usual file as bookmarks.
    Import { program: Program },
    /// Keep tabs by their name.
    SaveWorkspace(Workspace),
    /// The tabs as they were when the program ended.
    Session(Workspace),
    /// The tour was shown, and need not be shown by itself again.
    Toured,
    /// Nothing: only look what there is now, other programs' sites among it.
    Reload,
}

/// A change that was made and is worth a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Made {
    Saved(String),
    Removed(String),
    Imported(Imported),
    Workspace(String),
}

/// What there is after a change, or at the start.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    pub bookmarks: Vec<Bookmark>,
    /// Newest first.
    pub recent: Vec<Recent>,
    /// Paths that were typed and gone to, the latest first.
    pub gone: Vec<String>,
    pub workspaces: Vec<Workspace>,
    /// The tabs of the last session, where there was anything in them.
    pub session: Option<Workspace>,
    /// Why the bookmarks cannot be read; nothing in their file was changed.
    pub error: Option<Error>,
    pub made: Option<Made>,
    /// Nothing was kept before, and the tour was not shown.
    pub is_first_start: bool,
    /// Other programs' sites that are no bookmarks yet; `None` where nobody has looked.
    pub importable: Option<Vec<Importable>>,
    /// Why a bookmark was not saved or removed; nothing was changed then.
    pub failed: Option<Error>,
    /// Something worth knowing about the files: keys that mean nothing, a password not stored.
    pub warnings: Vec<String>,
}

/// Sites of another program that can be had as bookmarks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Importable {
    pub program: Program,
    /// How many are no bookmarks yet.
    pub sites: usize,
}

/// A place behind the name of a bookmark.
#[derive(Clone, Debug)]
pub struct Named {
    pub place: Place,
    /// What the other pane shows if it shows this machine.
    pub local: Option<Place>,
}

/// The place that `name`, `name:` or `name:path` stands for if `name` is a bookmark. A path goes
/// by the rules of `host:path`; without one the bookmark's own start counts.
///
/// # Errors
/// [`crate::fs::ErrorKind::Usage`] where the bookmark's place cannot be parsed.
pub fn named(bookmarks: &[Bookmark], text: &[u8]) -> Result<Option<Named>> {
    let (name, path) = match text.iter().position(|b| *b == b':') {
        Some(colon) => (&text[..colon], &text[colon + 1..]),
        None => (text, &b""[..]),
    };
    let Some(bookmark) = bookmarks.iter().find(|b| b.name.as_bytes() == name) else { return Ok(None) };
    let place = bookmark.place()?;
    let place = match place {
        place if path.is_empty() => place,
        Place::Remote(target, _) => Place::Remote(target, PlacePath::parse(path)),
        Place::Local(start) => match path {
            [b'/' | b'~', ..] => Place::Local(path.to_vec()),
            path => Place::Local([&start, &b"/"[..], path].concat()),
        },
    };
    let local = bookmark.local.as_ref().map(|path| Place::Local(path.clone().into_bytes()));
    Ok(Some(Named { place, local }))
}

/// Under what a password for this login is kept in the keyring.
pub fn secret_key(target: &Target) -> String {
    target.label()
}

/// A place that is shown as a URL, to be opened again.
pub fn url(target: &Target, location: &Location) -> String {
    Place::Remote(target.clone(), PlacePath::Absolute(location.path.clone())).to_url()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bookmark(name: &str, place: &str) -> Bookmark {
        Bookmark { name: name.into(), place: place.into(), ..Bookmark::default() }
    }

    fn path(place: &Place) -> PlacePath {
        match place {
            Place::Remote(_, path) => path.clone(),
            Place::Local(path) => panic!("local: {path:?}"),
        }
    }

    #[test]
    fn a_name_stands_for_its_place() {
        let mut shop = bookmark("the shop", "sftp://ann@web-01:2222/var/www");
        shop.local = Some("~/site".into());
        let all = [shop, bookmark("here", "/srv/here"), bookmark("broken", "gopher://x")];
        let found = named(&all, b"the shop").unwrap().unwrap();
        assert_eq!(path(&found.place), PlacePath::parse(b"/var/www"));
        assert!(matches!(found.local, Some(Place::Local(path)) if path == b"~/site"));
        assert_eq!(path(&named(&all, b"the shop:").unwrap().unwrap().place), PlacePath::parse(b"/var/www"));
        assert_eq!(
            path(&named(&all, b"the shop:log").unwrap().unwrap().place),
            PlacePath::Relative(b"log".to_vec())
        );
        assert_eq!(path(&named(&all, b"the shop:/x").unwrap().unwrap().place), PlacePath::parse(b"/x"));
        let Place::Local(joined) = named(&all, b"here:sub").unwrap().unwrap().place else { panic!("remote") };
        assert_eq!(joined, b"/srv/here/sub");
        assert!(named(&all, b"web-01:/x").unwrap().is_none());
        assert!(named(&all, b"broken:").is_err());
    }
}
