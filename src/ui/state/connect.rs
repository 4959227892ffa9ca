//! The connect screen: what can be chosen, what is typed to find it, and the lines it is listed
//! in. Plain data and the matching; must never connect or read a file.

mod lines;
mod places;

use tui_input::Input;

use self::lines::{all, found};
pub use self::places::{Hosts, Places};
use crate::config::Program;

/// One thing to choose. The numbers are places in the lists of [`Places`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    Bookmark(usize),
    Host(usize),
    Recent(usize),
    /// What was typed, as a place.
    Typed,
    /// Not a place, but a way to one.
    Start(Start),
}

/// What one can begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    NewBookmark,
    Import(Program),
    Demo,
    Tour,
    /// The tabs of the last session.
    Session,
    Workspaces,
}

/// A folder of bookmarks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// All of it, such as `work/web`.
    pub path: String,
    /// What of the path the folder around it does not say. Unescaped.
    pub label: String,
    /// How many folders it lies in.
    pub depth: u16,
    pub is_open: bool,
    /// How many bookmarks are in it, and in the folders in it.
    pub count: usize,
}

/// A line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    Heading(&'static str),
    Folder(Folder),
    Choice(Choice),
    /// Something to read, unescaped, and whether it is bad news.
    Note(String, bool),
}

/// The connect screen of one pane.
#[derive(Clone, Debug, Default)]
pub struct Chooser {
    pub input: Input,
    pub lines: Vec<Line>,
    /// The line of the cursor: one with a choice or a folder wherever there is one.
    pub cursor: usize,
    pub top: usize,
    /// The person has put the cursor where it is.
    pub moved: bool,
}

impl Line {
    /// Whether the cursor may stand on it.
    fn can_be_chosen(&self) -> bool {
        matches!(self, Line::Choice(_) | Line::Folder(_))
    }

    /// Whether it stands for the same as another line, which may have been drawn before.
    fn is_same(&self, other: &Line) -> bool {
        match (self, other) {
            (Line::Folder(one), Line::Folder(other)) => one.path == other.path,
            _ => self == other,
        }
    }
}

impl Chooser {
    pub fn new(places: &Places) -> Chooser {
        let mut chooser = Chooser::default();
        chooser.refresh(places);
        chooser
    }

    pub fn typed(&self) -> &str {
        self.input.value().trim()
    }

    /// The choice under the cursor.
    pub fn choice(&self) -> Option<&Choice> {
        match self.lines.get(self.cursor)? {
            Line::Choice(choice) => Some(choice),
            _ => None,
        }
    }

    /// The folder under the cursor.
    pub fn folder(&self) -> Option<&Folder> {
        match self.lines.get(self.cursor)? {
            Line::Folder(folder) => Some(folder),
            _ => None,
        }
    }

    /// The line of the folder that what is under the cursor is in.
    pub fn line_of_folder(&self) -> Option<usize> {
        let depth = match self.lines.get(self.cursor)? {
            Line::Folder(folder) => folder.depth,
            Line::Choice(Choice::Bookmark(_)) => u16::MAX,
            _ => return None,
        };
        (0..self.cursor)
            .rev()
            .take_while(|at| !matches!(self.lines.get(*at), Some(Line::Heading(_))))
            .find(|at| matches!(self.lines.get(*at), Some(Line::Folder(folder)) if folder.depth < depth))
    }

    /// Makes the lines anew: what is typed has changed, and the best match is what is meant.
    pub fn search(&mut self, places: &Places) {
        self.lines = self.make(places);
        self.top = 0;
        self.moved = false;
        self.move_to(0);
    }

    /// Makes the lines anew after the places have changed. The cursor stays on what it was put
    /// on, where that is still there.
    pub fn refresh(&mut self, places: &Places) {
        let chosen = self.lines.get(self.cursor).cloned().filter(|_| self.moved);
        self.lines = self.make(places);
        let again = chosen.map(|chosen| self.lines.iter().position(|line| line.is_same(&chosen)));
        self.move_to(again.map_or(0, |at| at.unwrap_or(self.cursor)));
    }

    fn make(&self, places: &Places) -> Vec<Line> {
        if self.typed().is_empty() { all(places) } else { found(places, self.typed()) }
    }

    /// To that line, or the nearest below or above that can be chosen.
    pub fn move_to(&mut self, line: usize) {
        let line = line.min(self.lines.len().saturating_sub(1));
        let is_choice = |at: &usize| self.lines.get(*at).is_some_and(Line::can_be_chosen);
        let below = (line..self.lines.len()).find(is_choice);
        self.cursor = below.or_else(|| (0..line).rev().find(is_choice)).unwrap_or(line);
    }

    /// So many choices further up.
    pub fn up(&mut self, by: usize) {
        let before = (0..self.cursor).rev().filter(|at| self.lines.get(*at).is_some_and(Line::can_be_chosen));
        if let Some(at) = before.take(by).last() {
            self.cursor = at;
        }
        self.moved = true;
    }

    /// So many choices further down.
    pub fn down(&mut self, by: usize) {
        let behind = (self.cursor + 1..self.lines.len())
            .filter(|at| self.lines.get(*at).is_some_and(Line::can_be_chosen));
        if let Some(at) = behind.take(by).last() {
            self.cursor = at;
        }
        self.moved = true;
    }

    /// The first line to draw so that the cursor is among `height` lines, with the headings
    /// above the first choice.
    pub fn first_line(&self, height: usize) -> usize {
        let last_top = self.lines.len().saturating_sub(height);
        let lowest = (self.cursor + 1).saturating_sub(height);
        let first = self.lines.iter().position(Line::can_be_chosen).unwrap_or(0);
        let highest = if self.cursor <= first { 0 } else { self.cursor };
        self.top.clamp(lowest, highest.max(lowest)).min(last_top)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::{Bookmark, Importable, Recent},
        fs::Place,
    };

    fn bookmark(name: &str, folder: &str, place: &str) -> Bookmark {
        Bookmark { name: name.into(), folder: folder.into(), place: place.into(), ..Bookmark::default() }
    }

    fn recent(url: &str) -> Recent {
        Recent { url: url.into(), at: 0 }
    }

    fn places() -> Places {
        Places {
            bookmarks: vec![
                bookmark("shop", "work/web", "sftp://ann@web-01/var/www"),
                bookmark("backup", "", "nas:backup"),
            ],
            hosts: Hosts::Known(vec!["web-01".into(), "nas".into()]),
            hosts_job: None,
            recent: vec![recent("sftp://ann@web-01/var/www"), recent("sftp://pi@cam/")],
            can_keep: true,
            ..Places::default()
        }
    }

    fn choices(chooser: &Chooser) -> Vec<Choice> {
        let choice = |line: &Line| match line {
            Line::Choice(choice) => Some(choice.clone()),
            _ => None,
        };
        chooser.lines.iter().filter_map(choice).collect()
    }

    #[test]
    fn everything_is_listed_in_its_group_once() {
        let chooser = Chooser::new(&places());
        use Choice::*;
        assert_eq!(choices(&chooser), [Bookmark(1), Bookmark(0), Host(0), Host(1), Recent(1)]);
        assert_eq!(chooser.choice(), Some(&Bookmark(1)));
        let folders = chooser.lines.iter().filter(|line| matches!(line, Line::Folder(_)));
        assert_eq!(folders.count(), 1, "work holds nothing but web");
    }

    #[test]
    fn typing_finds_by_parts_of_any_of_it() {
        let places = places();
        let find = |text: &str| {
            let mut chooser = Chooser::new(&places);
            chooser.input = Input::new(text.to_owned());
            chooser.search(&places);
            choices(&chooser)
        };
        assert_eq!(find("shp").first(), Some(&Choice::Bookmark(0)));
        assert_eq!(find("NAS").first(), Some(&Choice::Host(1)));
        assert_eq!(find("cam").first(), Some(&Choice::Recent(1)));
        assert_eq!(find("cam").last(), Some(&Choice::Typed));
        assert_eq!(find("sftp://x").first(), Some(&Choice::Typed));
        assert_eq!(find("web-01:/x").first(), Some(&Choice::Typed));
        assert_eq!(find("/etc").first(), Some(&Choice::Typed));
        assert_eq!(find("no such thing"), []);
    }

    #[test]
    fn the_cursor_skips_what_cannot_be_chosen() {
        let mut chooser = Chooser::new(&places());
        let mut seen = vec![chooser.choice().cloned()];
        for _ in 0..9 {
            chooser.down(1);
            seen.push(chooser.choice().cloned());
        }
        assert_eq!(seen.iter().filter(|choice| choice.is_none()).count(), 1, "the folder: {seen:?}");
        assert_eq!(chooser.choice(), Some(&Choice::Recent(1)));
        chooser.up(100);
        assert_eq!(chooser.choice(), Some(&Choice::Bookmark(1)));
        assert_eq!(chooser.first_line(3), 0);
        chooser.down(100);
        assert!(chooser.first_line(3) + 3 > chooser.cursor);
        assert_eq!(Chooser::new(&Places::default()).choice(), Some(&Choice::Start(Start::Tour)));
    }

    #[test]
    fn folders_lie_in_each_other_and_close() {
        let mut places = Places::default();
        for (name, folder) in
            [("a", "x"), ("b", "x/y/z"), ("c", "p/q"), ("d", "p/q/r"), ("e", "p/qq"), ("f", "")]
        {
            places.bookmarks.push(bookmark(name, folder, "sftp://h"));
        }
        let shown = |places: &Places| -> Vec<String> {
            let line = |line: &Line| match line {
                Line::Folder(folder) => {
                    Some(format!("{}{} {}", " ".repeat(folder.depth.into()), folder.label, folder.count))
                }
                Line::Choice(Choice::Bookmark(at)) => Some(places.bookmarks[*at].name.clone()),
                _ => None,
            };
            Chooser::new(places).lines.iter().filter_map(line).collect()
        };
        assert_eq!(
            shown(&places),
            ["f", "p 3", " q 2", "c", "  r 1", "d", " qq 1", "e", "x 2", "a", " y/z 1", "b"]
        );
        places.closed.insert("p".into());
        assert_eq!(shown(&places), ["f", "p 3", "x 2", "a", " y/z 1", "b"]);
        // Searching looks into what is closed.
        let mut chooser = Chooser::new(&places);
        chooser.input = Input::new("d".to_owned());
        chooser.search(&places);
        assert_eq!(chooser.choice(), Some(&Choice::Bookmark(3)));
        // From a bookmark up to its folder, and to that one's.
        let mut chooser = Chooser::new(&places);
        chooser.down(100);
        let up = chooser.line_of_folder().unwrap();
        chooser.cursor = up;
        assert_eq!(chooser.folder().map(|folder| folder.path.as_str()), Some("x/y/z"));
        chooser.cursor = chooser.line_of_folder().unwrap();
        assert_eq!(chooser.folder().map(|folder| folder.path.as_str()), Some("x"));
        assert_eq!(chooser.line_of_folder(), None);
    }

    #[test]
    fn what_to_begin_with_goes_once_there_are_bookmarks() {
        let mut places = Places { can_keep: true, can_demo: true, ..Places::default() };
        places.importable.push(Importable { program: Program::FileZilla, sites: 14 });
        let starts = |places: &Places| -> Vec<Start> {
            let start = |choice| match choice {
                Choice::Start(start) => Some(start),
                _ => None,
            };
            choices(&Chooser::new(places)).into_iter().filter_map(start).collect()
        };
        use Start::*;
        assert_eq!(starts(&places), [NewBookmark, Import(Program::FileZilla), Demo, Tour]);
        places.recent.push(recent("sftp://h"));
        assert_eq!(starts(&places), [Import(Program::FileZilla)]);
        places.bookmarks.push(bookmark("a", "", "sftp://h"));
        assert_eq!(starts(&places), []);
    }

    #[test]
    fn a_bookmark_comes_before_a_host() {
        let mut places = places();
        places.bookmarks.push(Bookmark {
            name: "nas".into(),
            place: "sftp://other/srv".into(),
            ..Bookmark::default()
        });
        let host = |text: &str| match places.named(text).unwrap()?.place {
            Place::Remote(target, _) => Some(target.host),
            Place::Local(_) => None,
        };
        assert_eq!(host("nas:x").as_deref(), Some("other"));
        for text in ["web-01:x", "sftp://nas/", "nas", "local:nas"] {
            assert_eq!(host(text), None, "{text}");
        }
    }
}
