//! A native peer, the twin of the browser's client: attachments, rooms, envelopes, resources.
//!
//! [`State`] holds the rules, [`Behaviour`] drives it over libp2p streams (the simulator runs
//! it as it is), [`Peer`] is what programs use. Sessions aren't among its verbs yet: peers talk
//! by envelopes.

mod behaviour;
mod candidates;
mod config;
mod envelopes;
mod event;
mod handle;
mod network_time;
mod rooms;
mod state;
#[cfg(test)]
mod tests;

pub use behaviour::Behaviour;
pub use config::Config;
pub use event::{Event, Output, SendError};
pub use handle::{Builder, IDLE_CONNECTION, Peer, PeerError, Room};
pub use state::State;
