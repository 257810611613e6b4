//! Seeds in processes of their own, on one machine or several, merged and compared.

mod support;

use std::{fs, path::Path};

use support::{FEW, folder_with, json, netsim};

fn seeds(sweep: &Path) -> Vec<u64> {
    let sweep = json(sweep.join("sweep.json"));
    let runs = sweep["runs"].as_array().expect("runs");
    runs.iter().filter_map(|run| run["seed"].as_u64()).collect()
}

#[test]
fn a_sweep_is_the_same_in_parts_and_at_once() {
    let (folder, file) = folder_with(FEW);
    let at = |name: &str| folder.path().join(name);
    let path = |name: &str| at(name).display().to_string();
    let run = |more: &[&str]| {
        let ran = netsim(&[&["run", &file, "--seeds", "1..3", "--jobs", "2"], more].concat());
        assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
        ran
    };
    let ran = run(&["--out", &path("whole")]);
    assert!(ran.out.contains("held in 3 of 3 seeds"), "{}", ran.out);
    assert!(at("whole/report.html").exists() && at("whole/seed-2/report.html").exists());
    run(&["--shard", "1/2", "--out", &path("first")]);
    run(&["--shard", "2/2", "--out", &path("second")]);
    assert_eq!(seeds(&at("first")), [1, 3]);
    assert_eq!(seeds(&at("second")), [2]);

    let merged = netsim(&[
        "merge",
        &path("first"),
        &path("second"),
        "--out",
        &path("merged"),
    ]);
    assert_eq!(merged.code, Some(0), "{}", merged.err);
    assert_eq!(seeds(&at("merged")), [1, 2, 3]);
    for seed in 1..=3 {
        let trace =
            |sweep: &str| fs::read_to_string(at(&format!("{sweep}/seed-{seed}/trace.hash")));
        assert_eq!(
            trace("whole").expect("a file"),
            trace("merged").expect("a file")
        );
    }
    let twice = netsim(&[
        "merge",
        &path("whole"),
        &path("second"),
        "--out",
        &path("twice"),
    ]);
    assert_eq!(twice.code, Some(2));
    assert!(twice.err.contains("seed 2 is there twice"), "{}", twice.err);

    let page = path("pages/compared.html");
    let compared = netsim(&["compare", &path("whole"), &path("merged"), "--out", &page]);
    assert_eq!(compared.code, Some(0), "{}", compared.err);
    assert!(
        compared.out.contains("envelope.latency"),
        "{}",
        compared.out
    );
    assert!(fs::read_to_string(page).expect("a page").contains("<html"));
}

#[test]
fn a_seed_that_fails_its_promise_fails_the_sweep() {
    let text = FEW.replace("at_least = 1\n", "stat = \"count\"\nat_least = 100000\n");
    let (folder, file) = folder_with(&text);
    let ran = netsim(&["run", &file, "--seeds", "1..2", "--json"]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    let verdict = ran.verdict();
    assert_eq!(verdict["good"], false);
    assert_eq!(
        verdict["checks"][0]["failed_seeds"],
        serde_json::json!([1, 2])
    );
    let left: Vec<_> = fs::read_dir(folder.path()).expect("the folder").collect();
    assert_eq!(left.len(), 1, "nothing is kept without --out");
}

#[test]
fn one_run_after_a_sweep_in_the_same_folder_is_what_is_read() {
    let (folder, file) = folder_with(FEW);
    let out = folder.path().join("out").display().to_string();
    assert_eq!(
        netsim(&["run", &file, "--seeds", "1..2", "--out", &out]).code,
        Some(0)
    );
    assert_eq!(
        netsim(&["run", &file, "--seed", "7", "--out", &out]).code,
        Some(0)
    );
    let compared = netsim(&["compare", &out, &out]);
    assert_eq!(compared.code, Some(0), "{}", compared.err);
    assert!(!Path::new(&out).join("sweep.json").exists());
    let merged = folder.path().join("merged");
    let path = merged.display().to_string();
    assert_eq!(netsim(&["merge", &out, "--out", &path]).code, Some(0));
    assert_eq!(seeds(&merged), [7]);
}
