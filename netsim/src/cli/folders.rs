//! The folders that runs are kept in: `run.json` of one seed; `seed-<n>/` of each and
//! `sweep.json` of several.

use std::{
    fs,
    path::{Path, PathBuf},
};

use netsim_report::{Run, Sweep};

use super::Failure;

/// The folder of one seed of several.
pub fn of_seed(folder: &Path, seed: u64) -> PathBuf {
    folder.join(format!("seed-{seed}"))
}

/// Makes a folder, before the work whose results it is for.
pub fn make(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| {
        Failure::Other(format!(
            "can't make the folder {}: {error}; give another with --out",
            folder.display()
        ))
    })
}

/// Keeps one run. What a sweep left in the folder would hide it.
pub fn keep_run(folder: &Path, run: &Run) -> Result<(), Failure> {
    netsim_report::write_run(folder, run).map_err(Failure::new)?;
    remove(&folder.join("sweep.json"))
}

/// Keeps what several seeds came to.
pub fn keep_sweep(folder: &Path, sweep: &Sweep) -> Result<(), Failure> {
    netsim_report::write_sweep(folder, sweep).map_err(Failure::new)?;
    remove(&folder.join("run.json"))
}

fn remove(path: &Path) -> Result<(), Failure> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Failure::Other(format!(
            "can't remove {}, which is of an earlier run: {error}",
            path.display()
        ))),
        _ => Ok(()),
    }
}

/// Every run that a folder holds: its own, or those of its seeds.
pub fn runs(folder: &Path) -> Result<Vec<Run>, Failure> {
    if folder.is_file() || folder.join("run.json").exists() {
        return Ok(vec![netsim_report::read_run(folder).map_err(Failure::new)?]);
    }
    let unreadable = |error| {
        Failure::Other(format!(
            "can't read the folder {}: {error}",
            folder.display()
        ))
    };
    let mut seeds = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.join("run.json").exists() {
            seeds.push(path);
        }
    }
    if seeds.is_empty() {
        return Err(Failure::Other(format!(
            "there is no run in {}; give folders that `netsim run --out` has written",
            folder.display()
        )));
    }
    seeds.sort();
    seeds
        .iter()
        .map(|seed| netsim_report::read_run(seed).map_err(Failure::new))
        .collect()
}
