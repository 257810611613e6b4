//! A run that is cut short stops, says so, and keeps its results.

mod support;

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
    time::Duration,
};

use support::{FEW, command, folder_with, json, netsim};

/// Virtual time for longer than any test waits.
fn endless() -> String {
    FEW.replace("duration = \"20s\"", "duration = \"30h\"")
}

/// Runs a scenario that is cut short; gives what it said, and how run.json says it ended.
fn cut_short(text: &str) -> (String, serde_json::Value) {
    let (folder, file) = folder_with(text);
    let out = folder.path().join("out");
    let ran = netsim(&["run", &file, "--out", &out.display().to_string()]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert!(out.join("report.html").exists() && out.join("series.csv").exists());
    (ran.out, json(out.join("run.json")))
}

fn is_kept(run: &serde_json::Value) {
    assert!(run["virtual_seconds"].as_f64() > Some(1.0), "{run}");
    assert_eq!(run["trace_hash"].as_str().map(str::len), Some(16));
    let metrics = run["metrics"].as_array().expect("metrics");
    assert!(metrics.iter().any(|of| of["metric"] == "nodes.alive"));
}

#[test]
fn wall_time() {
    let (said, run) = cut_short(&endless().replace("warmup", "max_wall = \"2s\"\nwarmup"));
    assert!(
        said.contains("was stopped at its bound of wall time"),
        "{said}"
    );
    assert_eq!(run["ended"]["how"], "wall-bound");
    is_kept(&run);
}

#[test]
fn memory() {
    // The program itself has some; hosts have more.
    let text = endless()
        .replace("warmup", "max_memory = \"28 MB\"\nwarmup")
        .replace(
            "count = 4",
            "count = 12\narrival = { kind = \"steady\", from = \"5s\", over = \"30s\" }",
        );
    let (said, run) = cut_short(&text);
    assert!(
        said.contains("was stopped at its bound of memory"),
        "{said}"
    );
    assert_eq!(run["ended"]["how"], "memory-bound");
    is_kept(&run);
}

/// Sends a signal, as `kill` does.
fn signal(child: &Child, name: &str) {
    let sent = Command::new("sh")
        .args(["-c", &format!("kill -{name} {}", child.id())])
        .status();
    assert!(sent.expect("a shell").success());
}

#[test]
fn an_interrupt() {
    for name in ["INT", "TERM"] {
        let (folder, file) = folder_with(&endless());
        let out = folder.path().join("out");
        let mut child = command(&["run", &file, "--out", &out.display().to_string()])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program runs");
        // It makes the folder before it heeds signals, and both before it simulates.
        while !out.exists() {
            std::thread::sleep(Duration::from_millis(10));
        }
        std::thread::sleep(Duration::from_secs(2));
        signal(&child, name);
        let status = child.wait().expect("it ends");
        assert_eq!(status.code(), Some(1), "{name}");
        let run = json(out.join("run.json"));
        assert_eq!(run["ended"]["how"], "interrupted");
        is_kept(&run);
    }
}

#[test]
fn a_sweep_is_interrupted_with_all_its_processes() {
    let (folder, file) = folder_with(&endless());
    let out = folder.path().join("out");
    let mut child = command(&["run", &file, "--seeds", "1..4", "--jobs", "2", "--out"])
        .arg(&out)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    while !out.join("seed-2").exists() {
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(Duration::from_secs(2));
    signal(&child, "INT");
    let said = BufReader::new(child.stderr.take().expect("a pipe"));
    let said: Vec<_> = said.lines().map_while(Result::ok).collect();
    assert_eq!(child.wait().expect("it ends").code(), Some(1));
    assert!(
        said.iter()
            .any(|line| line.contains("2 of 4 seeds weren't run")),
        "{said:?}"
    );
    let sweep = json(out.join("sweep.json"));
    let ended = sweep["runs"].as_array().expect("runs").iter();
    assert!(ended.map(|run| &run["ended"]["how"]).eq(["interrupted"; 2]));
    for seed in ["seed-1", "seed-2"] {
        is_kept(&json(out.join(seed).join("run.json")));
    }
}

#[test]
fn the_parent_of_a_sweep_is_gone() {
    let (folder, file) = folder_with(FEW);
    let out = folder.path().join("out");
    let text = endless();
    let mut child = command(&["run", &file, "--supervised", "--seed", "1", "--out"])
        .arg(&out)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let mut input = child.stdin.take().expect("a pipe");
    write!(input, "{}\n{text}", text.len()).expect("it reads");
    let mut output = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let under_way = |line: String| line.split(' ').next().is_some_and(|at| at.len() > 4);
    while !under_way(output.next().expect("a line").expect("text")) {}
    drop((input, output));
    assert_eq!(child.wait().expect("it ends").code(), Some(1));
    assert_eq!(json(out.join("run.json"))["ended"]["how"], "interrupted");
}
