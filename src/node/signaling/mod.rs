//! Envelopes: how they find their way.
//!
//! [`State`] takes an envelope from an attached peer and brings it to its receiver by the first
//! path that may work: to a peer attached here, over a neighbour that has the receiver, or by
//! gossip to every node of the room. The same envelope sent again by its sender means that no
//! ack came, and takes the next path. Nobody here opens a seal or believes a sender's word that
//! a receiver should check: nodes verify a signature only before they gossip it.
//!
//! It knows nothing of rooms' members, attachments' carriers or gossip's topics: which nodes a
//! receiver is attached to, and whether the node serves a room, it is told with each envelope.

mod carry_frame;
mod config;
mod dials;
mod flights;
mod hops;
mod outside;
mod scan;
mod seen;
mod state;
mod summary;
#[cfg(test)]
mod tests;

pub use config::Config;
#[doc(hidden)]
pub use outside::reads_alike;
pub use state::{Event, State};
pub use summary::Summary;

use libp2p::{PeerId, StreamProtocol};

use super::link::{self, Duty};
use crate::wire::limits;

/// The duty as libp2p drives it.
pub type Behaviour = Duty<State>;

/// The duty of `node` in `network`.
pub fn behaviour(config: Config, network: &str, node: PeerId) -> Behaviour {
    let protocol = StreamProtocol::try_from_owned(format!("/velox/{network}/signal/1"))
        .expect("it begins with a slash");
    let link = link::Config {
        protocol,
        opens: link::Opens::WhenAsked,
        accepts: true,
        max_frame: limits::NODE_FRAME,
        max_queue: config.max_queue,
    };
    Duty::new(link, State::new(config, node))
}
