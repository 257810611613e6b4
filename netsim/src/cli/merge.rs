//! `netsim merge`.

use std::path::PathBuf;

use super::{Failure, Outcome, folders, shown};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Folders that `netsim run --out` has written.
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// Where to write all of it.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Print one line of JSON instead of tables.
    #[arg(long)]
    json: bool,
}

pub fn main(arguments: &Arguments) -> Result<Outcome, Failure> {
    let mut runs = Vec::new();
    for folder in &arguments.folders {
        runs.extend(folders::runs(folder)?);
    }
    let sweep = netsim_report::merge(runs.clone()).map_err(Failure::new)?;
    let out = &arguments.out;
    for run in &runs {
        folders::keep_run(&folders::of_seed(out, run.facts.seed), run)?;
    }
    folders::keep_sweep(out, &sweep)?;
    shown::results(&sweep, arguments.json, Some(out))
}
