//! The command line: one file per subcommand, which parses and prints and does nothing else.

mod demo;
mod node;
mod output;
mod status;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The WebRTC Control Room with no room.
#[derive(Debug, Parser)]
#[command(name = "velox", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// A whole mesh on this machine, with a page to try it.
    Demo(demo::Demo),
    /// Run a node.
    Node(node::Run),
    /// What a running node does, by duty.
    Status(status::Show),
}

/// A failure that ends the program: one line that says what to do.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    output::log();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    let done = runtime.block_on(async {
        match cli.command {
            Command::Demo(demo) => demo.run().await,
            Command::Node(node) => node.run().await,
            Command::Status(status) => status.run(),
        }
    });
    runtime.shutdown_background();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failed(&failure),
    }
}

fn failed(failure: &Failure) -> ExitCode {
    eprintln!("velox: {failure}");
    ExitCode::FAILURE
}
