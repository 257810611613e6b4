//! Two processes that run the same seed do the same, bit for bit.

mod support;

use serde_json::Value;
use support::{FEW, folder_with, netsim};

/// Of a run: its trace, and what it measured but for the machine's own time and memory.
fn trace(text: &str, seed: &str) -> (String, Vec<(String, Value)>) {
    let (_folder, file) = folder_with(text);
    let verdict = netsim(&["run", &file, "--seed", seed, "--json"]).verdict();
    let trace = verdict["runs"][0]["trace_hash"].as_str().expect("a hash");
    let figures = verdict["figures"].as_object().expect("figures");
    let of_the_machine = |metric: &str| metric.starts_with("memory.") || metric.contains("wall.");
    let figures = figures.iter().filter(|(metric, _)| !of_the_machine(metric));
    (
        trace.to_owned(),
        figures
            .map(|(metric, values)| (metric.clone(), values.clone()))
            .collect(),
    )
}

#[test]
fn a_seed_is_a_run() {
    let (one, figures) = trace(FEW, "1");
    let (again, figures_again) = trace(FEW, "1");
    assert_eq!(one, again);
    assert_eq!(figures, figures_again);
    let (other, _) = trace(FEW, "2");
    assert_ne!(one, other);
}

#[test]
fn churn_crashes_and_lookups_repeat_too() {
    let churn = FEW.replace(
        "count = 6\n",
        "count = 6\nsession = { kind = \"exponential\", mean = \"6s\" }\n\
         leave = { crash = 0.5 }\nnat = { open = 0.2, full-cone = 0.2, restricted = 0.3, symmetric = 0.3 }\n",
    ) + "[network]\njitter = 0.1\nloss = 0.01\n\
         [[resources]]\ncount = 3\nlookups_per_second = 2\n\
         [[event]]\nname = \"one\"\nat = \"12s\"\ndo = \"kill\"\ngroup = \"nodes\"\nshare = 0.25\n";
    let (one, figures) = trace(&churn, "1");
    assert_eq!((one, figures), trace(&churn, "1"));
}

#[test]
fn real_noise_and_yamux_repeat_too() {
    let wire = FEW
        .replace("count = 1\n", "count = 1\ncarriers = [\"tcp\"]\n")
        .replace("count = 4\n", "count = 4\ncarriers = [\"tcp\"]\n")
        .replace(
            "kind = \"browser\"\ncount = 6\n",
            "kind = \"native\"\ncount = 6\ncarriers = [\"tcp\"]\n",
        )
        + "[network]\nwire = true\n";
    let (one, figures) = trace(&wire, "1");
    assert!(figures.iter().any(|(metric, _)| metric == "envelope.acked"));
    assert_eq!((one, figures), trace(&wire, "1"));
}
