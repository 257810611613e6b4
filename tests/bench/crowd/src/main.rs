//! Peers of one node, for benchmarks: a crowd that is held ([`hold`]), two that send each other
//! envelopes ([`envelopes`]), and strangers that send one datagram ([`strangers`]).
//!
//! It runs beside the node, whose own processor time and memory are read from /proc. Each result
//! is one JSON object on a line of standard output.

mod attachment;
mod direct;
mod envelopes;
mod failure;
mod hold;
mod strangers;
mod websocket;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Peers of one node, for benchmarks.
#[derive(Parser)]
struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Peers that attach and stay, by commands on standard input.
    Hold(hold::Options),
    /// Two peers in one room, of which one sends the other envelopes.
    Envelopes(envelopes::Options),
    /// Single datagrams from many addresses.
    Strangers(strangers::Options),
}

// One thread: the node is to have the other core.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let outcome = match Options::parse().command {
        Command::Hold(options) => hold::run(options).await,
        Command::Envelopes(options) => envelopes::run(options).await,
        Command::Strangers(options) => strangers::run(options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("velox-crowd: {error}");
            ExitCode::FAILURE
        }
    }
}
