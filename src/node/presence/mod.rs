//! Rooms: who is here.
//!
//! A node serves the rooms that its attached peers are in. What it knows of a room is a set of
//! signed messages (records, leaves and detached notes), and every node that holds the same set
//! sees the same members: so it doesn't matter by which way and in which order they arrive, be
//! it from an attached peer, by gossip, or in answer to a digest or a request for a snapshot.
//!
//! Above 512 members a room is big: then nodes tell each other of a sample of 256, the same for
//! all, and how many members each of them has. What that costs doesn't grow with the room.
//!
//! This folder knows nothing of gossipsub, the DHT or attachments but the events that name
//! them: the node's router carries those out.

mod answers;
mod audience;
mod behaviour;
mod bundle;
mod census;
mod check;
mod config;
mod counting;
mod counts;
mod desk;
mod digest;
mod entry;
mod exchange;
mod letter;
mod memory;
mod neighbours;
mod nodes;
mod outbox;
mod pace;
mod rank;
mod room;
mod sample;
mod seek;
mod served;
mod shared;
mod state;
#[cfg(test)]
mod tests;
mod timers;
mod topic;
mod view;

pub use behaviour::{Behaviour, behaviour};
pub use config::Config;
pub use state::{State, Summary};

use libp2p::PeerId;

use crate::wire::attach::FromNode;

/// What presence wants of the rest of the node.
#[derive(Debug)]
pub enum Event {
    /// Subscribe to a room's topic.
    Subscribe {
        /// The topic.
        topic: String,
    },
    /// The room is no longer served.
    Unsubscribe {
        /// The topic.
        topic: String,
    },
    /// Gossip this. Nothing hangs on it: what is lost is made good by digests.
    Publish {
        /// The topic.
        topic: String,
        /// An encoded [`Gossip::Presence`](crate::wire::presence::Gossip::Presence).
        data: Vec<u8>,
    },
    /// Publish this node under the room's DHT key and look up the room's nodes; the answer is
    /// [`State::room_nodes`].
    Seek {
        /// The room.
        room: String,
    },
    /// The room is no longer served: stop publishing.
    Unseek {
        /// The room.
        room: String,
    },
    /// Send this to an attached peer.
    ToPeer {
        /// The peer.
        peer: PeerId,
        /// A `snapshot` or `presence`.
        message: FromNode,
    },
}
