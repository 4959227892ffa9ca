//! Folders being summed up. Plain data; must walk nothing itself.

use std::time::Duration;

use super::State;
use crate::{
    engine::JobId,
    fs::{Error, Location},
};

/// Some folders of one place that are being summed up.
#[derive(Clone, Debug)]
pub struct Measure {
    pub job: JobId,
    /// The place that they are in.
    pub folder: Location,
    /// Their names, each with its place among the entries when it began.
    pub names: Vec<(u32, Box<[u8]>)>,
    /// Why the first folder that could not be read could not.
    pub failure: Option<Error>,
    /// How many of them are done.
    pub done: u64,
    /// On the clock of [`super::Clock::running`].
    pub since: Duration,
}

impl State {
    /// What is being summed up in a place.
    pub fn measure_of(&self, folder: &Location) -> Option<&Measure> {
        self.measures.iter().find(|measure| measure.folder == *folder)
    }
}
