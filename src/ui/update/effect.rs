//! What `ui` is to do for the state: the only way in which it reaches out.

use crate::{config::Change, engine::Command};

/// What `ui` is to do.
#[derive(Clone, Debug)]
pub enum Effect {
    Send(Command),
    /// Keep it between runs; what there is then comes back as [`super::Msg::Kept`].
    Keep(Change),
    SetTitle(String),
    Quit,
}

/// The effects of one message, in order.
pub type Effects = Vec<Effect>;
