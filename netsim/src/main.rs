//! `netsim`: churn in a Velox mesh, simulated with the real code in virtual time.
//!
//! What runs is the production `node::Behaviour`, the bootstrap node's and the native peer's
//! ([`programs`]), each on a simulated host ([`simnet`]). A scenario says who takes part and what
//! happens ([`netsim_scenario`]); a [`run`] carries it out and measures, and what it has measured
//! is judged and shown by [`netsim_report`].

mod agenda;
mod cli;
mod geography;
mod hostile;
mod population;
mod programs;
mod run;
mod sightings;

use std::process::ExitCode;

simnet::interpose!();

/// A thousand nodes come and go, and what they leave must be used again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::main()
}
