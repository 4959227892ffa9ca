//! Workspaces: tabs with their places, by name, and those of the last session. Owns the text of
//! `workspaces.toml`. Must never see a password: places are written without one.

use serde::{Deserialize, Serialize};
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, value};

use super::line::{in_a_line, line_of};
use crate::fs::{Error, ErrorKind, Operation, Place, Result, place::redact};

/// More tabs than this can be reached by no key.
const MOST_TABS: usize = 9;

/// Which pane has the keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Active {
    #[default]
    Left,
    Right,
}

/// A tab: what its panes show. An empty place is the connect screen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tab {
    #[serde(default)]
    pub left: String,
    #[serde(default)]
    pub right: String,
    #[serde(default)]
    pub active: Active,
}

/// Tabs, by a name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    #[serde(default)]
    pub name: String,
    /// The number of the tab that is seen, from 1.
    #[serde(default)]
    pub tab: usize,
    #[serde(default)]
    pub tabs: Vec<Tab>,
}

#[derive(Default, Deserialize)]
struct File {
    #[serde(default)]
    workspace: Vec<Workspace>,
}

impl Workspace {
    /// The place of a pane, to be opened; `None` for the connect screen, and for what is none.
    pub fn place(text: &str) -> Option<Place> {
        let mut place = Place::parse(text.as_bytes()).ok().filter(|_| !text.is_empty())?;
        if let Place::Remote(target, _) = &mut place {
            target.password = None;
        }
        Some(place)
    }

    /// Whether there is anything in it to come back to.
    pub fn is_empty(&self) -> bool {
        self.tabs.iter().all(|tab| tab.left.is_empty() && tab.right.is_empty())
    }

    /// Without what must not be written.
    fn cleaned(&self) -> Workspace {
        let clean = |text: &str| if redact(text) == text { text.to_owned() } else { String::new() };
        let tab = |tab: &Tab| Tab { left: clean(&tab.left), right: clean(&tab.right), active: tab.active };
        Workspace { tabs: self.tabs.iter().take(MOST_TABS).map(tab).collect(), ..self.clone() }
    }
}

/// Whether a workspace can have that name.
pub fn check_workspace(name: &str) -> std::result::Result<(), &'static str> {
    if name.trim().is_empty() {
        Err("a workspace needs a name")
    } else if name.trim() != name || name.chars().any(char::is_control) {
        Err("a name cannot begin or end with a space, or contain control characters")
    } else if name.len() > 100 {
        Err("a name cannot be longer than 100 bytes")
    } else {
        Ok(())
    }
}

/// A text that is none of ours: what is wrong with it, and in which line.
fn broken(text: &str, span: Option<std::ops::Range<usize>>, message: &str, file: &str) -> Error {
    let line = span.map_or(1, |span| line_of(text, span.start));
    Error::new(ErrorKind::Usage, Operation::ReadWorkspaces)
        .on(format!("{file}:{line}"))
        .with_detail(in_a_line(message))
}

/// Reads the text of `file`, whose name is only for errors.
///
/// # Errors
/// [`ErrorKind::Usage`] where it is no TOML, or none of this kind.
pub fn parse(text: &str, file: &str) -> Result<Vec<Workspace>> {
    let read: File =
        toml::from_str(text).map_err(|error| broken(text, error.span(), error.message(), file))?;
    Ok(read.workspace.iter().map(Workspace::cleaned).filter(|workspace| !workspace.tabs.is_empty()).collect())
}

/// The text with `workspace` in place of the one of its name, or at the end. What else stands
/// there stays as it is.
///
/// # Errors
/// As [`parse`].
pub fn save(text: &str, file: &str, workspace: &Workspace) -> Result<String> {
    parse(text, file)?;
    let mut document: DocumentMut = text
        .parse()
        .map_err(|error: toml_edit::TomlError| broken(text, error.span(), error.message(), file))?;
    let item = document.entry("workspace").or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
    let tables = item.as_array_of_tables_mut().ok_or_else(|| {
        broken(text, None, "each workspace must stand under a [[workspace]] of its own", file)
    })?;
    let workspace = workspace.cleaned();
    let at = tables.iter().position(|table| named(table) == Some(&workspace.name));
    let made = table(&workspace);
    match at.and_then(|at| tables.get_mut(at)) {
        Some(old) => {
            let decor = old.decor().clone();
            *old = made;
            *old.decor_mut() = decor;
        }
        None => tables.push(made),
    }
    Ok(document.to_string())
}

fn named(table: &Table) -> Option<&str> {
    table.get("name").and_then(Item::as_str)
}

fn table(workspace: &Workspace) -> Table {
    let mut table = Table::new();
    if !workspace.name.is_empty() {
        table.insert("name", value(&workspace.name));
    }
    table.insert("tab", value(i64::try_from(workspace.tab).unwrap_or(1)));
    let mut tabs = ArrayOfTables::new();
    for tab in &workspace.tabs {
        let mut row = Table::new();
        row.insert("left", value(&tab.left));
        row.insert("right", value(&tab.right));
        if tab.active == Active::Right {
            row.insert("active", value("right"));
        }
        tabs.push(row);
    }
    table.insert("tabs", Item::ArrayOfTables(tabs));
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace(name: &str, left: &str, right: &str) -> Workspace {
        let tab = Tab { left: left.into(), right: right.into(), active: Active::Right };
        Workspace { name: name.into(), tab: 1, tabs: vec![tab] }
    }

    #[test]
    fn what_goes_in_comes_out() {
        let shop = workspace("shop", "~/site", "sftp://ann@web-01/var/www");
        let text = save("# mine\n", "w.toml", &shop).unwrap();
        let two = workspace("nas", "", "sftp://nas");
        let text = save(&text, "w.toml", &two).unwrap();
        assert!(text.contains("# mine\n"), "{text}");
        assert_eq!(parse(&text, "w.toml").unwrap(), [shop.clone(), two.clone()]);
        let changed = workspace("shop", "/srv", "");
        let text = save(&text, "w.toml", &changed).unwrap();
        assert_eq!(parse(&text, "w.toml").unwrap(), [changed, two]);
        let theirs = format!("# about all\n\n{}", text.replace("# mine\n", ""));
        let again = save(&theirs, "w.toml", &shop).unwrap();
        assert!(again.starts_with("# about all\n"), "{again}");
        assert_eq!(parse(&again, "w.toml").unwrap()[0], shop);
    }

    #[test]
    fn a_password_is_never_kept() {
        let shop = workspace("shop", "~/site", "sftp://ann:secret@web-01/");
        let text = save("", "w.toml", &shop).unwrap();
        assert!(!text.contains("secret"), "{text}");
        let theirs = "[[workspace]]\nname = \"x\"\n[[workspace.tabs]]\nleft = \"sftp://a:secret@h\"\n";
        assert!(!format!("{:?}", parse(theirs, "w").unwrap()).contains("secret"));
    }

    #[test]
    fn a_broken_file_is_an_error_and_stays() {
        for text in ["[[workspace]", "workspace = 3\n", "[[workspace]]\ntabs = 7\n"] {
            let error = parse(text, "w.toml").unwrap_err();
            assert_eq!(error.operation(), Operation::ReadWorkspaces);
            assert!(error.place().is_some_and(|place| place.starts_with("w.toml:")), "{error}");
            assert!(error.detail().is_some_and(|detail| !detail.contains(['\n', '|', '^'])), "{error}");
            assert!(save(text, "w.toml", &workspace("a", "b", "c")).is_err());
        }
        assert!(parse("", "w").unwrap().is_empty());
        let many = format!("[[workspace]]\nname = 'x'\n{}", "[[workspace.tabs]]\nleft = '/'\n".repeat(50));
        assert_eq!(parse(&many, "w").unwrap()[0].tabs.len(), MOST_TABS);
    }
}
