//! What can't be meant is refused, in words, with exit code 2, before anything runs.

mod support;

use support::{FEW, folder_with, netsim};

/// What is said of a scenario, without its folder.
fn refused(text: &str) -> String {
    let (folder, file) = folder_with(text);
    let out = folder.path().join("out");
    let ran = netsim(&["run", &file, "--out", &out.display().to_string()]);
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    assert_eq!(ran.out, "");
    assert!(!out.exists(), "nothing has run");
    let checked = netsim(&["check", &file]);
    assert_eq!((checked.code, &checked.err), (Some(2), &ran.err));
    ran.err
        .replace(&format!("{}/", folder.path().display()), "")
}

#[test]
fn an_unknown_key_is_named_with_its_place_and_what_was_meant() {
    let text = FEW.replace("warmup =", "warmpu =");
    assert_eq!(
        refused(&text),
        "few.toml:3:1: unknown key `warmpu` in the scenario; did you mean `warmup`?\n"
    );
}

#[test]
fn every_mistake_is_told_at_once() {
    let text = FEW
        .replace("count = 4", "count = -4")
        .replace("name = \"rooms\"", "nmae = \"rooms\"");
    let said = refused(&text);
    assert_eq!(said.lines().count(), 3, "{said}");
    assert!(said.contains("few.toml:14:9: "), "{said}");
    assert!(said.contains("few.toml:23:1: unknown key `nmae`"), "{said}");
}

#[test]
fn an_assertion_on_nothing_is_refused() {
    let said = refused(&format!(
        "{FEW}[[assert]]\nmetric = \"lookup.found\"\nat_least = 1\n"
    ));
    assert!(
        said.contains("nothing is measured as `lookup.found`"),
        "{said}"
    );
}

#[test]
fn a_group_that_does_not_exist_is_refused() {
    let event = "[[event]]\nname = \"e\"\nat = \"9s\"\ndo = \"kill\"\ngroup = \"node\"\n";
    let said = refused(&format!("{FEW}{event}"));
    assert!(said.contains("did you mean `nodes`?"), "{said}");
}

#[test]
fn settings_that_production_does_not_know_are_refused() {
    let text = FEW.replace(
        "count = 4",
        "count = 4\nsettings = { presence = { hearbeat = 3 } }",
    );
    let said = refused(&text);
    assert!(
        said.starts_with("few.toml:15:27: unknown setting `hearbeat`, expected one of"),
        "{said}"
    );
}

#[test]
fn what_is_no_toml_and_no_file_is_refused() {
    let said = refused("name = \n");
    assert!(said.starts_with("few.toml:1:"), "{said}");
    let ran = netsim(&["run", "/nowhere/few.toml"]);
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.err
            .contains("can't read the scenario /nowhere/few.toml"),
        "{}",
        ran.err
    );
}

#[test]
fn a_command_that_can_not_be_meant_is_refused() {
    let (folder, file) = folder_with(FEW);
    let empty = folder.path().display().to_string();
    for arguments in [
        &["run", &file, "--seeds", "9..1"][..],
        &["run", &file, "--seeds", "1..9", "--seed", "1"],
        &["run", &file, "--shard", "1/2"],
        &[
            "run", &file, "--seeds", "1..2", "--shard", "3/2", "--out", "x",
        ],
        &[
            "run", &file, "--seeds", "1..2", "--shard", "3/3", "--out", &empty,
        ],
        &["run", &file, "--seeds", "1..2", "--jobs", "0"],
        &["run", &file, "--out", "/proc/nowhere"],
        &["merge", &empty, "--out", &empty],
        &["compare", &empty, "/nowhere"],
        &["check"],
        &[],
    ] {
        let ran = netsim(arguments);
        assert_eq!(ran.code, Some(2), "{arguments:?}: {}", ran.err);
        assert!(!ran.err.is_empty() && ran.out.is_empty(), "{arguments:?}");
    }
}

#[test]
fn the_schema_is_the_committed_one() {
    let ran = netsim(&["schema"]);
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("scenario.schema.json");
    let committed = std::fs::read_to_string(path).expect("the schema");
    assert_eq!((ran.code, ran.out), (Some(0), committed));
}
