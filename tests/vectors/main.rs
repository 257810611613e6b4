//! The test vectors in docs/spec/vectors: made here from fixed keys, compared with what is
//! committed, and read by the tests of web/ as well. `VELOX_WRITE_VECTORS=1` writes them anew.

mod actors;
mod attach;
mod envelopes;
mod frames;
mod hpke;
mod json;
mod malformed;
mod nodes;
mod noise;
mod records;
mod unixfs;

use std::{fs, path::PathBuf};

use serde_json::{Value, json};

/// Compares `cases` with the committed file of that name, or writes it.
fn hold(file: &str, cases: Vec<Value>) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("docs/spec/vectors")
        .join(file);
    let made = json!({ "cases": cases });
    if std::env::var_os("VELOX_WRITE_VECTORS").is_some() {
        let text = serde_json::to_string_pretty(&made).expect("JSON values have a text");
        fs::write(&path, text + "\n").expect("the vectors folder can be written");
        return;
    }
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let committed: Value = serde_json::from_str(&text).expect("the committed file is JSON");
    let names = |v: &Value| -> Vec<Value> {
        v["cases"]
            .as_array()
            .map(|cases| cases.iter().map(|c| c["name"].clone()).collect())
            .unwrap_or_default()
    };
    assert_eq!(names(&committed), names(&made), "{file}: other cases");
    for (committed, made) in committed["cases"]
        .as_array()
        .into_iter()
        .flatten()
        .zip(&cases)
    {
        assert_eq!(committed, made, "{file}: the wire has changed");
    }
}
