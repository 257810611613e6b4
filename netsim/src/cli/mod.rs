//! The command line: parsing and printing.

mod run;
mod single;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Simulates churn in a Velox mesh, with the real code in virtual time.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a scenario.
    Run(run::Arguments),
}

/// What a command comes to.
enum Outcome {
    /// It did what it should, and all that it was to check holds.
    Good,
    /// Something doesn't hold.
    Bad,
}

/// Why a command can't be carried out: one line that says what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Failure(String);

pub fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Run(arguments) => run::main(&arguments),
    };
    match result {
        Ok(Outcome::Good) => ExitCode::SUCCESS,
        Ok(Outcome::Bad) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("netsim: {failure}");
            ExitCode::from(2)
        }
    }
}
