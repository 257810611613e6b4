//! `netsim run`.

use std::path::PathBuf;

use netsim_report::text;
use netsim_scenario::Scenario;

use super::{Failure, Outcome, single};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The scenario file.
    scenario: PathBuf,
    /// The seed, instead of the scenario's own.
    #[arg(long)]
    seed: Option<u64>,
    /// Where to write run.json, series.csv, trace.hash and report.html.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub fn main(arguments: &Arguments) -> Result<Outcome, Failure> {
    let path = &arguments.scenario;
    let file = std::fs::read_to_string(path)
        .map_err(|error| Failure(format!("can't read {}: {error}", path.display())))?;
    let scenario =
        Scenario::parse(path, &file).map_err(|mistakes| Failure(mistakes.to_string()))?;
    let seed = arguments.seed.unwrap_or(scenario.seed);
    let run = single::run(&scenario, path, &file, seed)?;
    if let Some(out) = &arguments.out {
        netsim_report::write_run(out, &run).map_err(|error| Failure(error.to_string()))?;
    }
    let sweep = netsim_report::merge(vec![run]).map_err(|error| Failure(error.to_string()))?;
    println!("{}", text::results(&sweep, text::Colour::Never));
    if let Some(out) = &arguments.out {
        netsim_report::write_file(out, "report.html", &netsim_report::report(&sweep))
            .map_err(|error| Failure(error.to_string()))?;
    }
    Ok(if sweep.is_good() {
        Outcome::Good
    } else {
        Outcome::Bad
    })
}
