//! The program, as whoever types its name meets it.
#![allow(dead_code, reason = "every file of tests uses its part")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

/// What a command came to.
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// Runs `netsim` to its end.
pub fn netsim(arguments: &[&str]) -> Ran {
    let output = command(arguments).output().expect("the program runs");
    Ran {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_netsim"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// A scenario of the repository.
pub fn scenario(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    path.join(name).display().to_string()
}

/// A few nodes and pages for a few seconds, which promise what they keep.
pub const FEW: &str = r#"name = "few"
duration = "20s"
warmup = "8s"
sample_every = "1s"

[[group]]
name = "bootstrap"
kind = "bootstrap"
count = 1

[[group]]
name = "nodes"
kind = "node"
count = 4

[[group]]
name = "pages"
kind = "browser"
count = 6
arrival = { kind = "steady", from = "2s", over = "2s" }

[[rooms]]
name = "rooms"
count = 2
size = { kind = "fixed", size = 3 }

[[envelopes]]
per_second = 5

[[assert]]
metric = "envelope.acked"
at_least = 1
"#;

/// A folder with a file `few.toml`, which holds `text`.
pub fn folder_with(text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("few.toml");
    fs::write(&file, text).expect("a file");
    (folder, file.display().to_string())
}

pub fn json(path: PathBuf) -> Value {
    let text = fs::read_to_string(&path);
    let text = text.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).expect("JSON")
}

impl Ran {
    /// What `--json` printed.
    pub fn verdict(&self) -> Value {
        let mut lines = self.out.lines();
        let line = lines.next().unwrap_or_else(|| panic!("{}", self.err));
        assert_eq!(lines.next(), None, "one line");
        serde_json::from_str(line).expect("JSON")
    }
}
