//! The schema, the tables of the documentation and the scenarios in the repository are what the
//! types say. `UPDATE=1 cargo test` writes the first two anew.

#![expect(clippy::unwrap_used, reason = "tests, and what they share")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use netsim_scenario::{Scenario, key_tables, metric_table, schema};

fn netsim() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Compares a file with what it should hold, or writes it.
fn current(path: &Path, wanted: &str) {
    let there = fs::read_to_string(path).unwrap_or_default();
    if there == wanted {
        return;
    }
    assert!(
        std::env::var_os("UPDATE").is_some(),
        "{} is out of date: run `UPDATE=1 cargo test -p netsim-scenario`",
        path.display()
    );
    fs::write(path, wanted).unwrap();
}

/// A text with what stands between two marks replaced.
fn between(text: &str, mark: &str, wanted: &str) -> String {
    let (start, end) = (
        format!("<!-- {mark} -->\n"),
        format!("<!-- end of {mark} -->"),
    );
    let from = text.find(&start).expect("the mark") + start.len();
    let to = text.find(&end).expect("the end mark");
    format!("{}\n{}\n{}", &text[..from], wanted.trim_end(), &text[to..])
}

fn scenarios(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            scenarios(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "toml") {
            found.push(path);
        }
    }
}

#[test]
fn the_schema_is_current() {
    current(&netsim().join("scenario.schema.json"), &schema());
}

#[test]
fn the_documentation_is_current() {
    let path = netsim().join("../docs/netsim-scenarios.md");
    let text = fs::read_to_string(&path).unwrap();
    let text = between(&text, "keys", &key_tables());
    current(&path, &between(&text, "metrics", &metric_table()));
}

#[test]
fn every_example_of_the_documentation_loads() {
    let path = netsim().join("../docs/netsim-scenarios.md");
    let text = fs::read_to_string(&path).unwrap();
    let examples: Vec<_> = text
        .split("```toml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .filter(|example| example.starts_with("name = "))
        .collect();
    assert!(!examples.is_empty());
    for example in examples {
        if let Err(mistakes) = Scenario::parse(&path, example) {
            panic!("{mistakes}");
        }
    }
}

#[test]
fn every_scenario_loads_and_fits_the_schema() {
    let schema = serde_json::from_str(&schema()).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let mut found = Vec::new();
    scenarios(&netsim().join("scenarios"), &mut found);
    assert!(found.len() >= 26, "{found:?}");
    for path in found {
        let scenario = match Scenario::load(&path) {
            Ok(scenario) => scenario,
            Err(error) => panic!("{error}"),
        };
        let small = path.parent().unwrap().ends_with("small");
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let name = if small {
            format!("small-{stem}")
        } else {
            stem.to_owned()
        };
        assert_eq!(scenario.name, name);
        assert!(!scenario.about.is_empty(), "{}", path.display());
        assert!(!scenario.assertions.is_empty(), "{}", path.display());
        let text = fs::read_to_string(&path).unwrap();
        let value: serde_json::Value = toml::from_str(&text).unwrap();
        let errors: Vec<_> = validator
            .iter_errors(&value)
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{}: {errors:?}", path.display());
        let json = serde_json::to_value(&scenario).unwrap();
        assert!(
            validator.is_valid(&json),
            "{} as it is written back",
            path.display()
        );
    }
}

#[test]
fn the_schema_refuses_what_the_reader_refuses() {
    let schema = serde_json::from_str(&schema()).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let base = "name = 'a'\nduration = '1m'\n[[group]]\nname = 'n'\nkind = 'node'\ncount = 1\n";
    for (added, fits) in [
        ("", true),
        ("sesion = { kind = 'forever' }", false),
        ("session = { kind = 'forever', mean = '1m' }", false),
        ("session = { kind = 'exponential', mean = '1m' }", true),
        ("session = { kind = 'exponential', mean = 'soon' }", false),
        ("leave = { crash = 2 }", false),
        (
            "[[event]]\nname = 'e'\nat = '1s'\ndo = 'kill'\ngroup = 'n'",
            true,
        ),
        (
            "[[event]]\nname = 'e'\nat = '1s'\ndo = 'kill'\ngroup = 'n'\nfor = '1s'",
            false,
        ),
        (
            "[[event]]\nname = 'e'\nat = '1s'\ndo = 'burn'\ngroup = 'n'",
            false,
        ),
        ("settings = { attach = { max = 3 } }", true),
        ("nat = 'symmetric'", true),
        ("nat = 'none'", false),
    ] {
        let text = format!("{base}{added}\n");
        let value: serde_json::Value = toml::from_str(&text).unwrap();
        assert_eq!(validator.is_valid(&value), fits, "schema: {added}");
        assert_eq!(
            Scenario::parse("a.toml".as_ref(), &text).is_ok(),
            fits,
            "reader: {added}"
        );
    }
}
