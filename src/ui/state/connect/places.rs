//! Everything that the connect screen can offer, whichever pane asks. Plain data.

use std::collections::BTreeSet;

use super::lines::folder_of;
use crate::{
    config::{Bookmark, Importable, Named, Recent, Workspace, named},
    engine::JobId,
    fs::{Error, FsId, Result, place::local_name},
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
    /// Other programs' sites that are no bookmarks yet.
    pub importable: Vec<Importable>,
    pub workspaces: Vec<Workspace>,
    /// The tabs of the last session.
    pub session: Option<Workspace>,
    /// Folders whose bookmarks are not listed.
    pub closed: BTreeSet<String>,
    /// Whether a demo can be started here.
    pub can_demo: bool,
    /// The demo's server, once it was started: it is no place to come back to.
    pub demo: Option<FsId>,
}

impl Places {
    /// The folders that bookmarks are in, each once.
    pub fn folders(&self) -> BTreeSet<&str> {
        self.bookmarks.iter().map(folder_of).filter(|folder| !folder.is_empty()).collect()
    }

    pub(super) fn hosts(&self) -> &[String] {
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
    pub(super) fn recent(&self) -> impl Iterator<Item = usize> + '_ {
        let marked: Vec<String> = self
            .bookmarks
            .iter()
            .filter_map(|bookmark| bookmark.place().ok().map(|place| place.to_url()))
            .collect();
        (0..self.recent.len())
            .filter(move |at| self.recent.get(*at).is_some_and(|recent| !marked.contains(&recent.url)))
    }
}
