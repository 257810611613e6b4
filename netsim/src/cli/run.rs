//! `netsim run`.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use super::{
    Failure, Outcome,
    bars::Bars,
    folders,
    scenario::Loaded,
    seeds::{Seeds, Shard},
    several, shown, single, supervised,
};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The scenario file.
    scenario: PathBuf,
    /// The seed, instead of the scenario's own.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Several seeds, both ends included, each in a process of its own.
    #[arg(long, value_name = "FIRST..LAST", conflicts_with = "seed")]
    seeds: Option<Seeds>,
    /// How many of them run at once [default: as many as there are cores].
    #[arg(long, value_name = "N", requires = "seeds")]
    jobs: Option<NonZeroUsize>,
    /// Which part of the seeds to run here, such as 2/3; `netsim merge` joins the parts.
    #[arg(long, value_name = "I/N", requires = "seeds", requires = "out")]
    shard: Option<Shard>,
    /// Where to keep report.html and the figures: of several seeds each in seed-<n>/.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print one line of JSON instead of tables.
    #[arg(long)]
    json: bool,
    /// For a sweep's own processes: the scenario comes by standard input, the progress goes to
    /// standard output, and the run ends when standard input does.
    #[arg(long, hide = true, requires = "seed", requires = "out")]
    supervised: bool,
}

pub fn main(arguments: &Arguments) -> Result<Outcome, Failure> {
    if arguments.supervised {
        let (seed, out) = (arguments.seed, arguments.out.as_deref());
        let (seed, out) = seed.zip(out).unwrap_or((0, Path::new(".")));
        return supervised::main(&arguments.scenario, seed, out);
    }
    let loaded = Loaded::read(&arguments.scenario)?;
    if let Some(out) = &arguments.out {
        folders::make(out)?;
    }
    let interrupted = Arc::new(AtomicBool::new(false));
    heed_interrupts(&interrupted);
    match arguments.seeds {
        Some(seeds) => sweep(arguments, &loaded, seeds, &interrupted),
        None => one(arguments, &loaded, interrupted),
    }
}

fn one(
    arguments: &Arguments,
    loaded: &Loaded,
    interrupted: Arc<AtomicBool>,
) -> Result<Outcome, Failure> {
    let seed = arguments.seed.unwrap_or(loaded.scenario.seed);
    let bars = Bars::new(loaded.scenario.duration.0);
    let mut bar = bars.begin(&loaded.scenario.name);
    let run = single::run(loaded, seed, interrupted, &mut |state| bar.show(state));
    drop(bar);
    let out = arguments.out.as_deref();
    if let Some(out) = out {
        folders::keep_run(out, &run)?;
    }
    let sweep = netsim_report::merge(vec![run]).map_err(Failure::new)?;
    shown::results(&sweep, arguments.json, out)
}

fn sweep(
    arguments: &Arguments,
    loaded: &Loaded,
    seeds: Seeds,
    interrupted: &AtomicBool,
) -> Result<Outcome, Failure> {
    let seeds = seeds.of(arguments.shard);
    if seeds.is_empty() {
        let shard = arguments.shard.unwrap_or_default();
        return Err(Failure::Other(format!(
            "there are too few seeds for a part {shard}"
        )));
    }
    let jobs = arguments.jobs.or(thread::available_parallelism().ok());
    let jobs = jobs.map_or(1, NonZeroUsize::get);
    // What nobody wants to keep is gone at the end.
    let passing = match &arguments.out {
        Some(_) => None,
        None => Some(tempfile::tempdir().map_err(Failure::new)?),
    };
    let out = arguments.out.as_deref();
    let folder = out.or(passing.as_ref().map(tempfile::TempDir::path));
    let folder = folder.unwrap_or(Path::new("."));
    let runs = several::run(loaded, &seeds, jobs, folder, interrupted)?;
    let left = seeds.len() - runs.len();
    if runs.is_empty() {
        eprintln!("netsim: interrupted before any seed had begun");
        return Ok(Outcome::Bad);
    }
    let sweep = netsim_report::merge(runs).map_err(Failure::new)?;
    if let Some(out) = out {
        folders::keep_sweep(out, &sweep)?;
    }
    let outcome = shown::results(&sweep, arguments.json, out)?;
    if left > 0 {
        eprintln!(
            "netsim: interrupted: {left} of {} seeds weren't run",
            seeds.len()
        );
        return Ok(Outcome::Bad);
    }
    Ok(outcome)
}

/// The first signal ends what runs, and its results are kept; the second ends everything.
pub fn heed_interrupts(interrupted: &Arc<AtomicBool>) {
    let stop = interrupted.clone();
    let heeded = ctrlc::set_handler(move || {
        if stop.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    });
    if let Err(error) = heeded {
        eprintln!("netsim: an interrupt will lose the results: {error}");
    }
}
