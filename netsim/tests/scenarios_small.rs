//! The promises of every scenario in scenarios/small hold.

mod support;

use support::{netsim, scenario};

fn holds(name: &str) {
    let ran = netsim(&["run", &scenario(&format!("small/{name}.toml"))]);
    let verdict = ran.out.split("\n\n").skip(1).collect::<Vec<_>>().join("\n");
    assert_eq!(ran.code, Some(0), "{verdict}\n{}", ran.err);
}

macro_rules! scenarios {
    ($($test:ident: $name:literal,)*) => {
        $(
            #[test]
            fn $test() {
                holds($name);
            }
        )*

        const NAMES: &[&str] = &[$($name),*];
    };
}

scenarios! {
    bootstrap_loss: "bootstrap-loss",
    churn_10min: "churn-10min",
    clock_skew: "clock-skew",
    cold_room: "cold-room",
    flash_crowd: "flash-crowd",
    half_dies: "half-dies",
    liars: "liars",
    many_rooms: "many-rooms",
    one_big_room: "one-big-room",
    partition_heals: "partition-heals",
    spammers: "spammers",
    steady: "steady",
    sybil_near_key: "sybil-near-key",
}

#[test]
fn there_is_a_test_for_each() {
    let folder = std::fs::read_dir(scenario("small")).expect("the folder");
    let mut files: Vec<_> = folder
        .map(|entry| entry.expect("a file").path())
        .filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned()))
        .collect();
    files.sort();
    assert_eq!(files, NAMES);
}
