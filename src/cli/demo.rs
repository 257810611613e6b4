//! `velox demo`
use super::Failure;
use clap::Args;
/// A whole mesh on this machine, with a page to try it.
#[derive(Debug, Args)]
pub struct Demo {}
impl Demo {
    pub async fn run(self) -> Result<(), Failure> {
        Err("not built yet".into())
    }
}
