//! What a node knows of its rooms, to look at.

use libp2p::PeerId;

use super::{State, entry::Entry, topic::Topic};

impl State {
    /// Whether this node serves a room.
    pub fn serves(&self, room: &str) -> bool {
        self.rooms
            .contains_key(&Topic::of(&self.desk.network, room))
    }

    /// Whether this node lists `peer` as a member of a room.
    pub fn lists(&self, room: &str, peer: &PeerId) -> bool {
        self.rooms
            .get(&Topic::of(&self.desk.network, room))
            .and_then(|served| served.room.get(peer))
            .is_some_and(Entry::is_here)
    }
}
