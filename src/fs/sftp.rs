//! Stub.
pub mod config;

use super::{Connected, Context, Result, Target};
pub async fn connect(_: &Target, _: &Context) -> Result<Connected> {
    todo!()
}
