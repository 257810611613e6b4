//! Several seeds of a scenario, each in a process of its own.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    os::unix::process::{CommandExt, ExitStatusExt},
    path::Path,
    process::{Command, ExitStatus, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use netsim_report::{Ending, Facts, Mark, Measures, Run};

use super::{Failure, bars::Bars, folders, scenario::Loaded, supervised};

/// What a process has to say beside its results; there only if it says something.
const MESSAGES: &str = "messages.txt";

/// Runs seeds, `jobs` at once, into their folders; less than all if it is interrupted.
pub fn run(
    loaded: &Loaded,
    seeds: &[u64],
    jobs: usize,
    out: &Path,
    interrupted: &AtomicBool,
) -> Result<Vec<Run>, Failure> {
    let bars = Bars::new(loaded.scenario.duration.0);
    let waiting = Mutex::new(seeds.iter().copied());
    let next = || waiting.lock().ok()?.next();
    let work = || {
        let mut runs = Vec::new();
        while !interrupted.load(Ordering::Relaxed) {
            let Some(seed) = next() else { break };
            runs.push(one(loaded, seed, out, interrupted, &bars)?);
        }
        Ok(runs)
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs.min(seeds.len()))
            .map(|_| scope.spawn(work))
            .collect();
        let mut runs = Vec::new();
        for worker in workers {
            match worker.join() {
                Ok(done) => runs.extend(done?),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok(runs)
    })
}

fn one(
    loaded: &Loaded,
    seed: u64,
    out: &Path,
    interrupted: &AtomicBool,
    bars: &Bars,
) -> Result<Run, Failure> {
    let folder = folders::of_seed(out, seed);
    folders::make(&folder)?;
    // Nothing is left that could be taken for this run's.
    fs::remove_file(folder.join("run.json")).ok();
    let name = format!("{}, seed {seed}", loaded.scenario.name);
    let failed = |error: std::io::Error| Failure::Other(format!("can't run {name}: {error}"));
    let status = supervise(loaded, seed, &folder, interrupted, bars, &name).map_err(failed)?;
    let messages = folder.join(MESSAGES);
    let said = fs::read_to_string(&messages).unwrap_or_default();
    if said.is_empty() {
        fs::remove_file(&messages).ok();
    }
    if folder.join("run.json").exists() {
        return netsim_report::read_run(&folder).map_err(Failure::new);
    }
    let why = format!("its process {}", how(status));
    bars.say(&format!("netsim: {name}: {why}\n{}", said.trim_end()));
    let run = lost(loaded, seed, why);
    folders::keep_run(&folder, &run)?;
    Ok(run)
}

fn supervise(
    loaded: &Loaded,
    seed: u64,
    folder: &Path,
    interrupted: &AtomicBool,
    bars: &Bars,
    name: &str,
) -> std::io::Result<ExitStatus> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(["run", "--supervised", "--seed", &seed.to_string(), "--out"])
        .arg(folder)
        .arg(&loaded.path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(File::create(folder.join(MESSAGES))?)
        // An interrupt from the terminal is for the parent, which hands it on.
        .process_group(0)
        .spawn()?;
    let mut input = child.stdin.take();
    if let Some(input) = &mut input {
        input.write_all(supervised::sent(&loaded.text).as_bytes())?;
        input.flush()?;
    }
    let mut bar = bars.begin(name);
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).lines() {
            if let Some(state) = supervised::read(&line?) {
                bar.show(state);
            }
            if interrupted.load(Ordering::Relaxed) {
                drop(input.take());
            }
        }
    }
    child.wait()
}

fn how(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (_, Some(9)) => {
            "was killed (signal 9): perhaps the memory was used up; fewer --jobs help".to_owned()
        }
        (_, Some(signal)) => format!("was ended by signal {signal}"),
        (Some(code), _) => format!("ended with exit code {code}, without a result"),
        _ => "ended without a result".to_owned(),
    }
}

/// What is known of a run whose process has left nothing.
fn lost(loaded: &Loaded, seed: u64, why: String) -> Run {
    let facts = Facts {
        seed,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ended: Ending::Crashed(why),
        marks: Mark::of(&loaded.scenario),
        ..Facts::default()
    };
    let file = loaded.path.display().to_string();
    Run::new(
        &loaded.scenario,
        &file,
        &loaded.text,
        facts,
        &Measures::new(),
    )
}
