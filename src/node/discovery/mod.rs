//! Kademlia: who has a resource, which nodes serve a room; and who the neighbours are.
//!
//! The DHT knows only which nodes to ask. [`State`] decides what is published in it and what is
//! looked up, asks the nodes that a look-up names for their peers' signed records, verifies
//! them, and streams them to the peer that wanted to know. It also exchanges signed node
//! records with every neighbour, from which peers learn where else to attach.
//!
//! It doesn't hold the DHT: queries leave as [`Event`]s and their results come in by calls. It
//! knows nothing of how presence unites rooms or of what a resource holds.

mod config;
mod dht;
mod keys;
mod locating;
mod lookups;
mod neighbours;
mod own;
mod publisher;
mod queries;
mod refresh;
mod resources;
mod rooms;
mod state;
mod store;
mod summary;
#[cfg(test)]
mod tests;

pub use config::Config;
pub use dht::{PROVIDER_LIFE, PROVIDER_RENEWAL, kad_config};
pub use keys::{hour, room_key};
pub(super) use refresh::{Depths, Refresh};
pub use state::{Event, State};
pub use store::{Store, StoreConfig};
pub use summary::Summary;

use libp2p::{PeerId, StreamProtocol};

use super::link::{self, Duty};
use crate::wire::limits;

/// The duty as libp2p drives it.
pub type Behaviour = Duty<State>;

/// The duty of `node` in `network`.
pub fn behaviour(config: Config, network: String, node: PeerId) -> Behaviour {
    let protocol = StreamProtocol::try_from_owned(format!("/velox/{network}/discovery/1"))
        .expect("it begins with a slash");
    let link = link::Config {
        protocol,
        opens: link::Opens::WhenAsked,
        accepts: true,
        max_frame: limits::NODE_FRAME,
        max_queue: config.max_queue,
    };
    Duty::new(link, State::new(config, network, node))
}
