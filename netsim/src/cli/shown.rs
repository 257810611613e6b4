//! What goes to the terminal, and what doesn't.

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal, Write},
    path::Path,
};

use netsim_report::{Figures, Spread, Sweep, text::Colour};
use serde::Serialize;

use super::{Failure, Outcome};

/// Writes to standard output. Whoever reads may have seen enough.
pub fn say(text: &str) {
    let mut out = io::stdout().lock();
    if out
        .write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .is_err()
    {
        std::process::exit(0);
    }
}

/// Colours on a terminal, unless `NO_COLOR` (no-color.org) is set.
pub fn colour() -> Colour {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|set| !set.is_empty());
    match io::stdout().is_terminal() && !unwanted {
        true => Colour::Always,
        false => Colour::Never,
    }
}

/// The end of `netsim run` and `netsim merge`.
pub fn results(sweep: &Sweep, json: bool, out: Option<&Path>) -> Result<Outcome, Failure> {
    if json {
        let line = serde_json::to_string(&Verdict::new(sweep, out)).map_err(Failure::new)?;
        say(&format!("{line}\n"));
    } else {
        say(&format!(
            "{}\n",
            netsim_report::text::results(sweep, colour())
        ));
        match out {
            Some(out) => eprintln!("The report: {}", out.join("report.html").display()),
            None => eprintln!("Nothing was kept; --out DIR keeps the report and the figures."),
        }
    }
    Ok(match sweep.is_good() {
        true => Outcome::Good,
        false => Outcome::Bad,
    })
}

/// What `--json` prints, in one line. A run is a sweep of one seed.
#[derive(Serialize)]
struct Verdict<'a> {
    scenario: &'a str,
    /// Every run got to its end and every promise held.
    good: bool,
    held: usize,
    promises: usize,
    runs: Vec<Ran<'a>>,
    checks: Vec<Promise<'a>>,
    /// By metric, then statistic.
    figures: BTreeMap<&'a str, &'a Figures<Spread>>,
    out: Option<&'a Path>,
}

#[derive(Serialize)]
struct Ran<'a> {
    seed: u64,
    ended: &'a netsim_report::Ending,
    trace_hash: &'a str,
    virtual_seconds: f64,
    wall_seconds: f64,
    events: u64,
    peak_memory_bytes: u64,
}

#[derive(Serialize)]
struct Promise<'a> {
    promise: &'a str,
    metric: &'a str,
    held: bool,
    limit: f64,
    reached: Option<Spread>,
    found: &'a str,
    failed_seeds: &'a [u64],
}

impl<'a> Verdict<'a> {
    fn new(sweep: &'a Sweep, out: Option<&'a Path>) -> Self {
        let (held, promises) = sweep.held();
        let runs = sweep.runs.iter().map(|facts| Ran {
            seed: facts.seed,
            ended: &facts.ended,
            trace_hash: &facts.trace_hash,
            virtual_seconds: facts.virtual_seconds,
            wall_seconds: facts.wall_seconds,
            events: facts.events,
            peak_memory_bytes: facts.peak_memory_bytes,
        });
        let checks = sweep.checks.iter().map(|check| Promise {
            promise: &check.promise,
            metric: &check.metric,
            held: check.held,
            limit: check.bound.limit,
            reached: check.reached,
            found: &check.found,
            failed_seeds: &check.failed_seeds,
        });
        let figures = sweep.metrics.iter();
        Verdict {
            scenario: &sweep.scenario.name,
            good: sweep.is_good(),
            held,
            promises,
            runs: runs.collect(),
            checks: checks.collect(),
            figures: figures
                .map(|summary| (summary.metric.as_str(), &summary.figures))
                .collect(),
            out,
        }
    }
}
