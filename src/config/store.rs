//! Carries out changes: reads the file as it is now, changes it, replaces it. Owns where the files
//! are. Blocks on the disk and the keyring: not for tasks that must not wait.

use std::{
    env, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Bookmark, Bookmarks, Change, Importable, Imported, Kept, Look, Made, Program, Settings, Text, bookmarks,
    file, gone,
    import::{self, Found},
    keyring::Keyring,
    recent, secret_key,
    workspaces::{self, Workspace},
};
use crate::{
    fs::{Error, ErrorKind, Operation, Place, Result},
    trust::SecretStore,
};

/// Where everything is kept.
#[derive(Clone)]
pub struct Store {
    bookmarks: PathBuf,
    recent: PathBuf,
    gone: PathBuf,
    jobs: PathBuf,
    workspaces: PathBuf,
    /// The tabs of the last session.
    session: PathBuf,
    /// Whether the tour was shown.
    toured: PathBuf,
    /// Where other programs keep their sites.
    home: Option<PathBuf>,
    settings: Settings,
    look: Look,
    secrets: Arc<dyn SecretStore>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("bookmarks", &self.bookmarks).field("recent", &self.recent).finish()
    }
}

impl Store {
    /// The person's own, where the platform keeps such files; `None` where there is no home.
    pub fn of_person() -> Option<Store> {
        let dirs = directories::ProjectDirs::from("", "", "wharf")?;
        let state = dirs.state_dir().unwrap_or_else(|| dirs.data_local_dir());
        let store = Store::new(dirs.config_dir(), state, Arc::new(Keyring::default()));
        Some(Store { home: home(), ..store })
    }

    /// One with its files in these directories, which need not exist.
    pub fn new(config_dir: &Path, state_dir: &Path, secrets: Arc<dyn SecretStore>) -> Store {
        let file = config_dir.join("config.toml");
        let mut problems = Vec::new();
        let settings = read_text(&file, &mut problems).map(|Text { file, text }| {
            let (settings, wrong) = Settings::parse(&text, &file);
            problems.extend(wrong);
            settings
        });
        let settings = settings.unwrap_or_default();
        let keys = read_text(&config_dir.join("keys.toml"), &mut problems);
        // A name with a slash leads elsewhere.
        let is_name = !settings.theme.contains('/') && !settings.theme.starts_with('.');
        let theme = config_dir.join("themes").join(format!("{}.toml", settings.theme));
        let theme = if is_name { read_text(&theme, &mut problems) } else { None };
        let look = Look { settings: settings.clone(), theme, keys, problems };
        Store {
            bookmarks: config_dir.join("bookmarks.toml"),
            recent: state_dir.join("recent.json"),
            gone: state_dir.join("gone.json"),
            jobs: state_dir.join("jobs"),
            workspaces: config_dir.join("workspaces.toml"),
            session: state_dir.join("session.toml"),
            toured: state_dir.join("toured"),
            home: None,
            settings,
            look,
            secrets,
        }
    }

    /// The same, with other programs' sites below that home directory.
    pub fn with_home(self, home: &Path) -> Store {
        Store { home: Some(home.to_owned()), ..self }
    }

    /// Where other programs' sites are looked for.
    pub fn home(&self) -> Option<&Path> {
        self.home.as_deref()
    }

    /// What the files say of look and keys, as they were when this was made.
    pub fn look(&self) -> &Look {
        &self.look
    }

    /// Where the bookmarks are, or will be.
    pub fn bookmarks_file(&self) -> &Path {
        &self.bookmarks
    }

    /// Where the records of transfers are, or will be.
    pub fn jobs_dir(&self) -> &Path {
        &self.jobs
    }

    pub fn secrets(&self) -> Arc<dyn SecretStore> {
        self.secrets.clone()
    }

    /// The bookmarks as they are now.
    ///
    /// # Errors
    /// As [`bookmarks::parse`], and what reading a file can end with.
    pub fn bookmarks(&self) -> Result<Bookmarks> {
        bookmarks::parse(&self.text()?, &self.shown())
    }

    fn text(&self) -> Result<String> {
        let failed = |error: io::Error| self.failed(Operation::ReadBookmarks, &error);
        Ok(file::read(&self.bookmarks).map_err(failed)?.unwrap_or_default())
    }

    fn failed(&self, operation: Operation, error: &io::Error) -> Error {
        Error::io(operation, error).on(self.shown()).with_detail(error.to_string())
    }

    /// The file as people write it.
    fn shown(&self) -> String {
        shown(&self.bookmarks)
    }

    /// Everything, as it is now.
    pub fn load(&self) -> Kept {
        let mut kept = Kept::default();
        match self.bookmarks() {
            Ok(Bookmarks { list, warnings }) => {
                kept.bookmarks = list;
                kept.warnings.extend(warnings);
            }
            Err(error) => kept.error = Some(error),
        }
        if self.settings.recent_places > 0 {
            // What cannot be read is as good as nothing: it comes again by itself.
            kept.recent = recent::parse(&file::read(&self.recent).ok().flatten().unwrap_or_default());
            kept.recent.truncate(self.settings.recent_places);
            kept.gone = gone::parse(&file::read(&self.gone).ok().flatten().unwrap_or_default());
        }
        match self.workspaces() {
            Ok(workspaces) => kept.workspaces = workspaces,
            Err(error) => kept.warnings.push(format!(
                "{}: {}; correct it: the workspaces in it cannot be opened",
                error.place().unwrap_or_default(),
                error.detail().unwrap_or("it cannot be read")
            )),
        }
        let session = file::read(&self.session).ok().flatten().unwrap_or_default();
        // No work of a person's hands: what cannot be read is forgotten.
        kept.session = workspaces::parse(&session, "").ok().and_then(|all| all.into_iter().next());
        let is_empty = kept.error.is_none() && kept.bookmarks.is_empty() && kept.recent.is_empty();
        kept.is_first_start = is_empty && !self.toured.exists();
        kept
    }

    /// Makes the change, and says what there is then. A failure leaves the file as it was.
    pub fn apply(&self, change: Change) -> Kept {
        let mut looked = false;
        let outcome = match change {
            Change::Save { old, bookmark, password } => self
                .save(old.as_deref(), &bookmark, password.as_ref())
                .map(|warnings| (Some(Made::Saved(bookmark.name)), warnings)),
            Change::Remove { name } => match self.remove(&name) {
                Ok(true) => Ok((Some(Made::Removed(name)), Vec::new())),
                Ok(false) => Err(unknown(&name)),
                Err(error) => Err(error),
            },
            Change::Visit { url, at } => {
                self.change_recent(|list| recent::visit(list, &url, at, self.settings.recent_places));
                Ok((None, Vec::new()))
            }
            Change::GoneTo { text } => {
                self.remember(&text);
                Ok((None, Vec::new()))
            }
            Change::Forget { url } => {
                self.change_recent(|list| list.retain(|recent| recent.url != url));
                Ok((None, Vec::new()))
            }
            Change::Import { program } => {
                self.import_usual(program).map(|imported| (Some(Made::Imported(imported)), Vec::new()))
            }
            Change::SaveWorkspace(workspace) => {
                self.save_workspace(&workspace).map(|()| (Some(Made::Workspace(workspace.name)), Vec::new()))
            }
            Change::Session(workspace) => {
                // Who remembers no places remembers these neither.
                if self.settings.recent_places > 0
                    && let Ok(text) = workspaces::save("", "", &workspace)
                {
                    let _ = file::write(&self.session, &text);
                }
                Ok((None, Vec::new()))
            }
            Change::Toured => {
                // Where nothing can be written it is shown again.
                let _ = file::write(&self.toured, "");
                Ok((None, Vec::new()))
            }
            Change::Reload => {
                looked = true;
                Ok((None, Vec::new()))
            }
        };
        let mut kept = self.load();
        if looked || matches!(outcome, Ok((Some(Made::Imported(_)), _))) {
            kept.importable = Some(self.importable(&kept.bookmarks));
        }
        match outcome {
            // What the file says was said at the start.
            Ok((made, warnings)) => Kept { made, warnings, ..kept },
            Err(error) => Kept { failed: Some(error), warnings: Vec::new(), ..kept },
        }
    }

    /// Saves a bookmark; returns what is worth knowing about its password.
    ///
    /// # Errors
    /// As [`bookmarks::save`], and what writing a file can end with.
    pub fn save(
        &self,
        old: Option<&str>,
        bookmark: &Bookmark,
        password: Option<&secrecy::SecretString>,
    ) -> Result<Vec<String>> {
        let before = file::locked(&self.bookmarks, || {
            let text = self.text()?;
            let before = bookmarks::parse(&text, &self.shown())?.list;
            self.write(&bookmarks::save(&text, &self.shown(), old, bookmark)?)?;
            Ok::<_, Error>(before)
        })?;
        let old = old.and_then(|old| before.iter().find(|other| other.name == old));
        let (was, is) = (old.and_then(key_of), key_of(bookmark));
        let mut said = Vec::new();
        let outcome = match (is, password) {
            (Some(is), Some(password)) => self.secrets.set(&is, password),
            // A login that moved takes its password along.
            (Some(is), None) => match was.as_ref().filter(|was| **was != is) {
                Some(was) => match self.secrets.get(was) {
                    Ok(Some(password)) => self.secrets.set(&is, &password),
                    _ => Ok(()),
                },
                None => Ok(()),
            },
            (None, _) => Ok(()),
        };
        if let Err(error) = outcome {
            said.push(format!("Its password was not stored: {error}. wharf asks for it when it connects."));
        }
        if let Some(was) = was {
            self.forget_secret(&was);
        }
        Ok(said)
    }

    /// Removes a bookmark and its password; false where there is none of that name.
    ///
    /// # Errors
    /// As [`bookmarks::remove`], and what writing a file can end with.
    pub fn remove(&self, name: &str) -> Result<bool> {
        let removed = file::locked(&self.bookmarks, || {
            let text = self.text()?;
            let list = bookmarks::parse(&text, &self.shown())?.list;
            let Some(text) = bookmarks::remove(&text, &self.shown(), name)? else { return Ok(None) };
            self.write(&text)?;
            Ok::<_, Error>(list.into_iter().find(|bookmark| bookmark.name == name))
        })?;
        if let Some(key) = removed.as_ref().and_then(key_of) {
            self.forget_secret(&key);
        }
        Ok(removed.is_some())
    }

    /// The workspaces as they are now.
    ///
    /// # Errors
    /// As [`workspaces::parse`], and what reading a file can end with.
    pub fn workspaces(&self) -> Result<Vec<Workspace>> {
        workspaces::parse(&self.workspaces_text()?, &shown(&self.workspaces))
    }

    fn workspaces_text(&self) -> Result<String> {
        let failed = |error: io::Error| {
            Error::io(Operation::ReadWorkspaces, &error)
                .on(shown(&self.workspaces))
                .with_detail(error.to_string())
        };
        Ok(file::read(&self.workspaces).map_err(failed)?.unwrap_or_default())
    }

    /// Keeps tabs by their name.
    ///
    /// # Errors
    /// As [`workspaces::save`], and what writing a file can end with.
    pub fn save_workspace(&self, workspace: &Workspace) -> Result<()> {
        let file = shown(&self.workspaces);
        file::locked(&self.workspaces, || {
            let text = workspaces::save(&self.workspaces_text()?, &file, workspace)?;
            file::write(&self.workspaces, &text)
                .map_err(|error| Error::io(Operation::SaveWorkspaces, &error).on(file.as_str()))
        })
    }

    /// Adds what is found of another program's sites and is not there yet. With `dry`, only says
    /// what that is.
    ///
    /// # Errors
    /// As [`bookmarks::append`], and what writing a file can end with.
    pub fn import(&self, program: Program, file: String, found: Found, dry: bool) -> Result<Imported> {
        file::locked(&self.bookmarks, || {
            let text = self.text()?;
            let existing = bookmarks::parse(&text, &self.shown())?.list;
            let imported = import::plan(program, file, found, &existing);
            if !dry && !imported.added.is_empty() {
                self.write(&bookmarks::append(&text, &self.shown(), &imported.added)?)?;
            }
            Ok(imported)
        })
    }

    fn import_usual(&self, program: Program) -> Result<Imported> {
        let nothing = || Error::new(ErrorKind::NotFound, Operation::ImportBookmarks).on(program.name());
        let file =
            self.home.as_ref().and_then(|home| import::usual_file(program, home)).ok_or_else(nothing)?;
        let (program, found) = import::read(Some(program), &file, &shown(&file))?;
        self.import(program, shown(&file), found, false)
    }

    /// What could be imported from where other programs keep their sites.
    fn importable(&self, existing: &[Bookmark]) -> Vec<Importable> {
        let Some(home) = &self.home else { return Vec::new() };
        let sites = |program| {
            let file = import::usual_file(program, home)?;
            // A file that cannot be read says so when somebody asks for it.
            let (program, found) = import::read(Some(program), &file, "").ok()?;
            let sites = import::plan(program, String::new(), found, existing).added.len();
            (sites > 0).then_some(Importable { program, sites })
        };
        [Program::FileZilla, Program::WinScp].into_iter().filter_map(sites).collect()
    }

    fn write(&self, text: &str) -> Result<()> {
        file::write(&self.bookmarks, text).map_err(|error| self.failed(Operation::SaveBookmarks, &error))
    }

    /// A password that no bookmark needs any more.
    fn forget_secret(&self, key: &str) {
        let needed = self
            .bookmarks()
            .map_or(true, |all| all.list.iter().any(|bookmark| key_of(bookmark).as_deref() == Some(key)));
        if !needed {
            // Where there is no keyring there is no password in it.
            let _ = self.secrets.delete(key);
        }
    }

    /// As with recent places: what cannot be written is left, and who keeps none keeps these neither.
    fn remember(&self, text: &str) {
        if self.settings.recent_places == 0 {
            return;
        }
        file::locked(&self.gone, || {
            // Another wharf may have added to it.
            let mut list = gone::parse(&file::read(&self.gone).ok().flatten().unwrap_or_default());
            if gone::remember(&mut list, text) {
                let _ = file::write(&self.gone, &gone::text(&list));
            }
        });
    }

    /// Nothing depends on these: what cannot be written is left.
    fn change_recent(&self, change: impl FnOnce(&mut Vec<super::Recent>)) {
        if self.settings.recent_places == 0 {
            return;
        }
        file::locked(&self.recent, || {
            let mut list = recent::parse(&file::read(&self.recent).ok().flatten().unwrap_or_default());
            let before = list.clone();
            change(&mut list);
            if list != before {
                let _ = file::write(&self.recent, &recent::text(&list));
            }
        });
    }
}

fn home() -> Option<PathBuf> {
    env::var_os("HOME").filter(|home| !home.is_empty()).map(PathBuf::from)
}

/// A file as people write it.
pub fn shown(file: &Path) -> String {
    match home().and_then(|home| file.strip_prefix(home).ok().map(Path::to_path_buf)) {
        Some(rest) => format!("~/{}", rest.display()),
        None => file.display().to_string(),
    }
}

/// The text of a file, where there is one.
fn read_text(file: &Path, problems: &mut Vec<String>) -> Option<Text> {
    match file::read(file) {
        Ok(text) => text.map(|text| Text { file: shown(file), text }),
        Err(error) => {
            problems.push(format!("{}: it cannot be read: {error}", shown(file)));
            None
        }
    }
}

fn key_of(bookmark: &Bookmark) -> Option<String> {
    match bookmark.place() {
        Ok(Place::Remote(target, _)) => Some(secret_key(&target)),
        _ => None,
    }
}

/// What `wharf bookmark show` and `remove` say where there is no such bookmark.
pub fn unknown(name: &str) -> Error {
    Error::new(ErrorKind::NotFound, Operation::FindBookmark).on(name)
}
