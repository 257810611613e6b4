//! The command line: parsing and printing.

mod bars;
mod compare;
mod folders;
mod merge;
mod run;
mod scenario;
mod seeds;
mod several;
mod shown;
mod single;
mod supervised;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

/// Simulates churn in a Velox mesh, with the real code in virtual time.
#[derive(Debug, Parser)]
#[command(version)]
#[command(after_help = "\
Exit code: 0 if all promises held, 1 if one didn't or a run was cut short, 2 if the command or \
a scenario can't be meant.
docs/netsim.md is the guide, docs/netsim-scenarios.md has every key of a scenario.")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a scenario, with one seed or several.
    Run(run::Arguments),
    /// Join runs of several seeds, whichever machines they were made on.
    Merge(merge::Arguments),
    /// Set two runs or sweeps side by side.
    Compare(compare::Arguments),
    /// Say what is wrong with scenarios, without running them.
    Check {
        /// The scenario files.
        #[arg(required = true)]
        scenarios: Vec<PathBuf>,
    },
    /// Print the JSON Schema of a scenario, for editors.
    Schema,
}

/// What a command comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// It did what it should, and all that it was to check holds.
    Good,
    /// Something doesn't hold.
    Bad,
}

/// Why a command can't be carried out: what was attempted, and what to do.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// Every mistake in a scenario has its line, which begins with its place.
    #[error("{0}")]
    Mistaken(String),
    #[error("netsim: {0}")]
    Other(String),
}

impl Failure {
    fn new(why: impl ToString) -> Self {
        Failure::Other(why.to_string())
    }
}

pub fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Run(arguments) => run::main(&arguments),
        Command::Merge(arguments) => merge::main(&arguments),
        Command::Compare(arguments) => compare::main(&arguments),
        Command::Check { scenarios } => scenario::check_all(&scenarios),
        Command::Schema => {
            shown::say(&netsim_scenario::schema());
            Ok(Outcome::Good)
        }
    };
    match result {
        Ok(Outcome::Good) => ExitCode::SUCCESS,
        Ok(Outcome::Bad) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(2)
        }
    }
}
