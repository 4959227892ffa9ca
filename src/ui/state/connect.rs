//! The connect screen: what can be chosen, what is typed to find it, and the lines it is listed
//! in. Plain data and the matching; must never connect or read a file.

use frizbee::{CaseMatching, Config, Matcher};
use tui_input::Input;

use crate::{
    config::{Bookmark, Named, Recent, named},
    engine::JobId,
    fs::{Error, Place, Result, place::local_name},
};

/// The hosts of ssh_config, as far as they are known.
#[derive(Clone, Debug, Default)]
pub enum Hosts {
    #[default]
    Unknown,
    Known(Vec<String>),
    Failed(Error),
}

/// Everything that can be chosen, whichever pane asks.
#[derive(Clone, Debug, Default)]
pub struct Places {
    pub bookmarks: Vec<Bookmark>,
    pub hosts: Hosts,
    /// The job that asks for them.
    pub hosts_job: Option<JobId>,
    /// Newest first.
    pub recent: Vec<Recent>,
    /// Why the bookmarks could not be read.
    pub error: Option<Error>,
    /// Whether anything is kept between runs.
    pub can_keep: bool,
}

/// One thing to choose. The numbers are places in the lists of [`Places`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    Bookmark(usize),
    Host(usize),
    Recent(usize),
    /// What was typed, as a place.
    Typed,
}

/// A line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    Heading(&'static str),
    Folder(String),
    Choice(Choice),
    /// Something to read, unescaped, and whether it is bad news.
    Note(String, bool),
}

/// The connect screen of one pane.
#[derive(Clone, Debug, Default)]
pub struct Chooser {
    pub input: Input,
    pub lines: Vec<Line>,
    /// The line of the cursor: one with a choice wherever there is one.
    pub cursor: usize,
    pub top: usize,
    /// The person has put the cursor where it is.
    pub moved: bool,
}

impl Places {
    fn hosts(&self) -> &[String] {
        match &self.hosts {
            Hosts::Known(hosts) => hosts,
            Hosts::Unknown | Hosts::Failed(_) => &[],
        }
    }

    pub fn host(&self, at: usize) -> Option<&str> {
        self.hosts().get(at).map(String::as_str)
    }

    /// The bookmark that `name:` or `name:path` names, if one does.
    ///
    /// # Errors
    /// As [`named`].
    pub fn named(&self, text: &str) -> Result<Option<Named>> {
        let name = text.split(':').next().unwrap_or_default();
        let rest = text.get(name.len()..).unwrap_or_default();
        if rest.is_empty() || rest.starts_with("://") || name == local_name() {
            return Ok(None);
        }
        named(&self.bookmarks, text.as_bytes())
    }

    /// The recent places that no bookmark leads to.
    fn recent(&self) -> impl Iterator<Item = usize> + '_ {
        let marked: Vec<String> = self
            .bookmarks
            .iter()
            .filter_map(|bookmark| bookmark.place().ok().map(|place| place.to_url()))
            .collect();
        (0..self.recent.len())
            .filter(move |at| self.recent.get(*at).is_some_and(|recent| !marked.contains(&recent.url)))
    }
}

/// Whether a text is meant as a place rather than as something to look for.
fn is_place(text: &str) -> bool {
    text.contains("://") || text.contains(':') || text.starts_with(['/', '~', '.'])
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
        let again = chosen.map(|chosen| self.lines.iter().position(|line| *line == chosen));
        self.move_to(again.map_or(0, |at| at.unwrap_or(self.cursor)));
    }

    fn make(&self, places: &Places) -> Vec<Line> {
        if self.typed().is_empty() { all(places) } else { found(places, self.typed()) }
    }

    /// To that line, or the nearest below or above that can be chosen.
    pub fn move_to(&mut self, line: usize) {
        let line = line.min(self.lines.len().saturating_sub(1));
        let is_choice = |at: &usize| matches!(self.lines.get(*at), Some(Line::Choice(_)));
        let below = (line..self.lines.len()).find(is_choice);
        self.cursor = below.or_else(|| (0..line).rev().find(is_choice)).unwrap_or(line);
    }

    /// So many choices further up.
    pub fn up(&mut self, by: usize) {
        let before = (0..self.cursor).rev().filter(|at| matches!(self.lines.get(*at), Some(Line::Choice(_))));
        if let Some(at) = before.take(by).last() {
            self.cursor = at;
        }
        self.moved = true;
    }

    /// So many choices further down.
    pub fn down(&mut self, by: usize) {
        let behind = (self.cursor + 1..self.lines.len())
            .filter(|at| matches!(self.lines.get(*at), Some(Line::Choice(_))));
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
        let first = self.lines.iter().position(|line| matches!(line, Line::Choice(_))).unwrap_or(0);
        let highest = if self.cursor <= first { 0 } else { self.cursor };
        self.top.clamp(lowest, highest.max(lowest)).min(last_top)
    }
}

/// Everything, grouped.
fn all(places: &Places) -> Vec<Line> {
    let mut lines = Vec::new();
    if places.error.is_some() || !places.bookmarks.is_empty() {
        lines.push(Line::Heading("Bookmarks"));
    }
    if places.error.is_some() {
        lines.push(Line::Note("their file cannot be read".to_owned(), true));
    }
    let mut order: Vec<usize> = (0..places.bookmarks.len()).collect();
    let folder = |at: usize| places.bookmarks.get(at).map_or("", |bookmark| bookmark.folder.as_str());
    // Those without a folder come first, and within one the order of the file stays.
    order.sort_by_key(|at| (folder(*at).to_lowercase(), *at));
    let mut open = "";
    for at in order {
        if folder(at) != open {
            open = folder(at);
            lines.push(Line::Folder(open.to_owned()));
        }
        lines.push(Line::Choice(Choice::Bookmark(at)));
    }
    match &places.hosts {
        Hosts::Known(hosts) if !hosts.is_empty() => {
            lines.push(Line::Heading("Hosts of ssh_config"));
            lines.extend((0..hosts.len()).map(|at| Line::Choice(Choice::Host(at))));
        }
        Hosts::Failed(error) => {
            lines.push(Line::Heading("Hosts of ssh_config"));
            let why = error.detail().unwrap_or("it cannot be read").to_owned();
            lines.push(Line::Note(why, true));
        }
        Hosts::Unknown if places.hosts_job.is_some() => {
            lines.push(Line::Heading("Hosts of ssh_config"));
            lines.push(Line::Note("reading…".to_owned(), false));
        }
        Hosts::Known(_) | Hosts::Unknown => {}
    }
    let recent: Vec<Line> = places.recent().map(|at| Line::Choice(Choice::Recent(at))).collect();
    if !recent.is_empty() {
        lines.push(Line::Heading("Recent"));
        lines.extend(recent);
    }
    lines
}

/// What matches, the best first. What can be taken for a place is one as well.
fn found(places: &Places, typed: &str) -> Vec<Line> {
    let mut choices = Vec::new();
    let mut texts = Vec::new();
    for (at, bookmark) in places.bookmarks.iter().enumerate() {
        choices.push(Choice::Bookmark(at));
        texts.push(format!("{} {} {}", bookmark.name, bookmark.folder, bookmark.place));
    }
    for (at, host) in places.hosts().iter().enumerate() {
        choices.push(Choice::Host(at));
        texts.push(host.clone());
    }
    for at in places.recent() {
        if let Some(recent) = places.recent.get(at) {
            choices.push(Choice::Recent(at));
            texts.push(recent.url.clone());
        }
    }
    let config = Config { casing: CaseMatching::Ignore, ..Config::default() };
    let matches = Matcher::new(typed, &config).match_list(&texts);
    let matching = matches
        .iter()
        .filter_map(|found| choices.get(usize::try_from(found.index).ok()?).cloned())
        .map(Line::Choice);
    let mut lines: Vec<Line> = matching.collect();
    let as_place = Line::Choice(Choice::Typed);
    if is_place(typed) {
        lines.insert(0, as_place);
    } else if Place::host(typed).is_some() {
        // A host that nobody has named yet.
        lines.push(as_place);
    }
    if lines.is_empty() {
        lines.push(Line::Note("nothing matches".to_owned(), false));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> Places {
        let bookmark = |name: &str, folder: &str, place: &str| Bookmark {
            name: name.into(),
            folder: folder.into(),
            place: place.into(),
            ..Bookmark::default()
        };
        let recent = |url: &str| Recent { url: url.into(), at: 0 };
        Places {
            bookmarks: vec![
                bookmark("shop", "work/web", "sftp://ann@web-01/var/www"),
                bookmark("backup", "", "nas:backup"),
            ],
            hosts: Hosts::Known(vec!["web-01".into(), "nas".into()]),
            hosts_job: None,
            recent: vec![recent("sftp://ann@web-01/var/www"), recent("sftp://pi@cam/")],
            error: None,
            can_keep: true,
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
        assert!(chooser.lines.contains(&Line::Folder("work/web".into())));
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
        assert!(seen.iter().all(Option::is_some), "{seen:?}");
        assert_eq!(chooser.choice(), Some(&Choice::Recent(1)));
        chooser.up(100);
        assert_eq!(chooser.choice(), Some(&Choice::Bookmark(1)));
        assert_eq!(chooser.first_line(3), 0);
        chooser.down(100);
        assert!(chooser.first_line(3) + 3 > chooser.cursor);
        assert_eq!(Chooser::new(&Places::default()).choice(), None);
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
