//! Runs any rust-libp2p `NetworkBehaviour` in virtual time: whole swarms, as many as memory
//! holds, in one thread, over links with latency, jitter, loss, bandwidth and NATs; the same
//! run, bit for bit, for the same seed.
//!
//! ```no_run
//! use std::time::Duration;
//! use simnet::{Carrier, Carriers, HostConfig, Settings, Simulation};
//!
//! simnet::interpose!(); // in the binary, once
//!
//! let settings = Settings { seed: 1, ..Settings::default() };
//! simnet::run(settings, |sim: &mut Simulation| {
//!     let host = sim.host("ann", HostConfig::default());
//!     let key = sim.key(host);
//!     let quic = Carriers { listen: &[Carrier::Quic], dial: &[Carrier::Quic] };
//!     let swarm = sim.swarm(host, &key, quic, Duration::from_secs(30), || {
//!         libp2p::swarm::dummy::Behaviour
//!     });
//!     sim.run_until(Duration::from_secs(3_600)); // takes milliseconds
//!     assert_eq!(swarm.with(|swarm| swarm.connected_peers().count()), Some(0));
//! });
//! ```
//!
//! # How
//!
//! Every timer of libp2p is a `futures_timer::Delay`, every clock it reads is the system's, and
//! all chance comes from `getrandom`. So three things are put in the place of the real ones: the
//! crate `futures-timer` (by `[patch.crates-io]` in the workspace of whoever uses this), and the
//! functions `clock_gettime` and `getrandom`, which [`interpose!`] defines in the binary. They
//! act on the thread of a simulation only; another thread beside it sees the real clock.
//!
//! [`Simulation`] polls what is ready, in order; when nothing is, time jumps to the next timer or
//! packet. What runs takes no virtual time: a host's computing power isn't simulated.
//!
//! # Chance
//!
//! Hosts and links draw from streams of their own, derived from the seed and their names. What
//! libp2p draws from its thread's generator (`rand::rng()`) and the order of its hash maps is the
//! same in every run of a seed, but shared by all hosts of it.

#![warn(missing_docs)]

mod chance;
mod executor;
pub mod hooks;
mod hosts;
mod net;
mod running;
mod simulation;
mod world;

pub use chance::Stream;
pub use hosts::{HostConfig, HostId, LastMile, Nat};
pub use net::{Carrier, ConnectionId, Filter, Traffic};
pub use running::Running;
pub use simulation::{BoxedTransport, Carriers, Settings, Simulation, Split, run};

/// The present, on the thread of a simulation: the time since its start.
pub fn now() -> std::time::Duration {
    std::time::Duration::from_nanos(futures_timer::clock::now())
}

/// Has [`Simulation::run_until`] return as soon as whoever can compute at the present moment has
/// done so: for who listens to a swarm and wants the world looked at as it is now.
pub fn interrupt() {
    simulation::interrupt();
}

/// Nanoseconds since the start.
pub(crate) type Nanos = u64;

pub(crate) fn nanos(span: std::time::Duration) -> Nanos {
    Nanos::try_from(span.as_nanos()).unwrap_or(Nanos::MAX)
}
