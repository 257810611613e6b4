//! A run's folder: `run.json`, `series.csv`, `trace.hash`, and the report beside them.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use thiserror::Error;

use crate::{FORMAT, Run, csv::csv};

/// What keeps a run from being written or read.
#[derive(Debug, Error)]
pub enum FolderError {
    #[error("cannot write {}: {source}; give another folder with --out", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot read {}: {source}; give the folder that a run was written to", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{} is no run: {source}", path.display())]
    Damaged {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error(
        "{} has format {found}, and this program reads format {FORMAT}; run the scenario again",
        path.display()
    )]
    OtherFormat { path: PathBuf, found: u64 },
}

/// Writes a run's files; each appears whole or not at all.
pub fn write_run(folder: &Path, run: &Run) -> Result<(), FolderError> {
    let path = folder.join("run.json");
    let mut json = serde_json::to_string_pretty(run)
        .map_err(|source| FolderError::Damaged { path, source })?;
    json.push('\n');
    write_file(folder, "series.csv", &csv(&run.series))?;
    write_file(folder, "trace.hash", &format!("{}\n", run.facts.trace_hash))?;
    write_file(folder, "run.json", &json)
}

/// Writes one file of a folder, which is made if need be, by way of a name beside it.
pub fn write_file(folder: &Path, name: &str, text: &str) -> Result<(), FolderError> {
    let path = folder.join(name);
    let beside = folder.join(format!(".{name}.{}", std::process::id()));
    let written = fs::create_dir_all(folder)
        .and_then(|()| fs::write(&beside, text))
        .and_then(|()| fs::rename(&beside, &path));
    written.map_err(|source| {
        // The error that matters is the one at hand.
        let _ = fs::remove_file(&beside);
        FolderError::Write { path, source }
    })
}

/// Reads a run back, by its folder or its `run.json`.
pub fn read_run(path: &Path) -> Result<Run, FolderError> {
    let path = if path.is_dir() {
        path.join("run.json")
    } else {
        path.to_owned()
    };
    let text = fs::read_to_string(&path).map_err(|source| FolderError::Read {
        path: path.clone(),
        source,
    })?;
    let damaged = |source| FolderError::Damaged {
        path: path.clone(),
        source,
    };
    let json: serde_json::Value = serde_json::from_str(&text).map_err(damaged)?;
    match json.get("format").and_then(serde_json::Value::as_u64) {
        Some(found) if found != u64::from(FORMAT) => Err(FolderError::OtherFormat { path, found }),
        _ => serde_json::from_value(json).map_err(damaged),
    }
}
