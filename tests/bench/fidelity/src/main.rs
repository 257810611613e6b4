//! Real nodes with the latencies of the world between them: the half of the fidelity check that
//! isn't simulated.
//!
//! One node to start from and a number of others, each a `velox node` process on a host of its
//! own ([`velox_forwarder`]) in one of ten regions; on each of the others' hosts a native peer,
//! attached to that node alone. All peers enter one room, each provides a few resources, and
//! the network is left to settle. Then:
//!
//! - **joins**: every interval one peer leaves the room, and joins it again half an interval
//!   later. `gossip_ms` is the time from the call of `Peer::join` to `Event::Joined` at each
//!   other peer.
//! - **look-ups**: every interval a peer looks for a resource that another provides.
//!   `lookup_first_ms` and `lookup_end_ms` are the times from the call of `Peer::locate` to the
//!   first record and to the end of them.
//!
//! All peers are threads of this process, so one clock tells all times. The last line of
//! standard output is a table; `--out` gets every sample as JSON.
#[cfg(target_os = "linux")]
mod machine;
#[cfg(target_os = "linux")]
mod network;
#[cfg(target_os = "linux")]
mod options;
#[cfg(target_os = "linux")]
mod outcome;
#[cfg(target_os = "linux")]
mod process;
#[cfg(target_os = "linux")]
mod run;
#[cfg(target_os = "linux")]
mod site;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    use clap::Parser;
    match run::measure(options::Options::parse()) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fidelity: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("fidelity: hosts are made of Linux's network namespaces");
    std::process::exit(1);
}
