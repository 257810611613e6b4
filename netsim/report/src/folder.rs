//! A run's folder: `run.json`, `series.csv`, `trace.hash`, and the report beside them.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;

use crate::{FORMAT, MergeError, Run, Sweep, csv::csv, html::report, merge};

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
    #[error("{} doesn't make a report: {source}", path.display())]
    NoSweep { path: PathBuf, source: MergeError },
}

/// Writes a run's files, the report with them; each appears whole or not at all, and `run.json`
/// last.
pub fn write_run(folder: &Path, run: &Run) -> Result<(), FolderError> {
    let single = merge(vec![run.clone()]).map_err(|source| FolderError::NoSweep {
        path: folder.to_owned(),
        source,
    })?;
    write_file(folder, "series.csv", &csv(&run.series))?;
    write_file(folder, "trace.hash", &format!("{}\n", run.facts.trace_hash))?;
    write_file(folder, "report.html", &report(&single))?;
    write_file(folder, "run.json", &json(&folder.join("run.json"), run)?)
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

/// Writes `sweep.json` and the report of several seeds.
pub fn write_sweep(folder: &Path, sweep: &Sweep) -> Result<(), FolderError> {
    write_file(folder, "report.html", &report(sweep))?;
    write_file(
        folder,
        "sweep.json",
        &json(&folder.join("sweep.json"), sweep)?,
    )
}

/// Reads a run back, by its folder or its `run.json`.
pub fn read_run(path: &Path) -> Result<Run, FolderError> {
    read(&named(path, "run.json"))
}

/// Reads several seeds back, by their folder or `sweep.json`; a folder with one run is a sweep of
/// one seed.
pub fn read_sweep(path: &Path) -> Result<Sweep, FolderError> {
    let swept = named(path, "sweep.json");
    if swept.ends_with("sweep.json") && swept.exists() {
        return read(&swept);
    }
    let run = read_run(path)?;
    merge(vec![run]).map_err(|source| FolderError::NoSweep {
        path: path.to_owned(),
        source,
    })
}

fn named(path: &Path, name: &str) -> PathBuf {
    if path.is_dir() {
        path.join(name)
    } else {
        path.to_owned()
    }
}

fn json(path: &Path, what: &impl Serialize) -> Result<String, FolderError> {
    let damaged = |source| FolderError::Damaged {
        path: path.to_owned(),
        source,
    };
    serde_json::to_string(what)
        .map(|json| json + "\n")
        .map_err(damaged)
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T, FolderError> {
    let text = fs::read_to_string(path).map_err(|source| FolderError::Read {
        path: path.to_owned(),
        source,
    })?;
    let damaged = |source| FolderError::Damaged {
        path: path.to_owned(),
        source,
    };
    let json: serde_json::Value = serde_json::from_str(&text).map_err(damaged)?;
    match json.get("format").and_then(serde_json::Value::as_u64) {
        Some(found) if found != u64::from(FORMAT) => Err(FolderError::OtherFormat {
            path: path.to_owned(),
            found,
        }),
        _ => serde_json::from_value(json).map_err(damaged),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn a_run_is_read_back_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let run = testing::run(3);
        write_run(&folder.path().join("new/folder"), &run).unwrap();
        let folder = folder.path().join("new/folder");
        assert_eq!(read_run(&folder).unwrap(), run);
        assert_eq!(read_run(&folder.join("run.json")).unwrap(), run);
        let mut names: Vec<_> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        assert_eq!(
            names,
            ["report.html", "run.json", "series.csv", "trace.hash"]
        );
        let one = read_sweep(&folder).unwrap();
        assert_eq!(one.runs, [run.facts]);
    }

    #[test]
    fn a_sweep_is_read_back_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let sweep = merge(vec![testing::run(1), testing::run(2)]).unwrap();
        write_sweep(folder.path(), &sweep).unwrap();
        assert_eq!(read_sweep(folder.path()).unwrap(), sweep);
    }

    #[test]
    fn another_format_and_no_run_at_all_are_refused_in_words() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.json");
        let said = |text: &str| {
            fs::write(&path, text).unwrap();
            read_run(folder.path()).unwrap_err().to_string()
        };
        assert!(said(r#"{"format":7}"#).contains("has format 7, and this program reads format 1"));
        assert!(said("{}").contains("is no run"));
        fs::remove_file(&path).unwrap();
        let missing = read_run(folder.path()).unwrap_err().to_string();
        assert!(missing.starts_with("cannot read"), "{missing}");
    }
}
