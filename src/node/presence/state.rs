use libp2p::{Multiaddr, PeerId};
use serde::Serialize;
use web_time::Instant;

use super::{Config, Event};
use crate::{
    clock::Now,
    identity::Identity,
    node::{
        Denied, Verdict,
        link::{Output, StateMachine},
    },
    wire::{
        Malformed, Signed,
        presence::{Changes, Leave, PresenceRecord},
    },
};

/// The rules of presence.
pub struct State {}

/// Counts for the status page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Rooms served.
    pub rooms: usize,
    /// Members of these rooms, each counted once per room.
    pub members: usize,
    /// Those of them that are attached here.
    pub local_members: usize,
}

impl State {
    /// A node that serves no room yet.
    pub fn new(_config: Config, _identity: Identity, _network: String) -> Self {
        State {}
    }

    /// An attached peer is in a room: a new record, or a newer one.
    pub fn join(&mut self, _record: Signed<PresenceRecord>, _now: Now) -> Result<(), Denied> {
        Ok(())
    }

    /// An attached peer has left a room.
    pub fn leave(&mut self, _leave: Signed<Leave>, _now: Now) {}

    /// A peer's attachment here has ended without a leave.
    pub fn detached(&mut self, _peer: PeerId, _now: Now) {}

    /// An attached peer wants a room's snapshot again.
    pub fn resync(&mut self, _peer: PeerId, _room: &str, _now: Now) {}

    /// Gossip arrived on a room's topic.
    pub fn gossip(&mut self, _topic: &str, _changes: Changes, _now: Now) -> Verdict {
        Verdict::Ignore
    }

    /// The DHT's answer to [`Event::Seek`].
    pub fn room_nodes(&mut self, _room: &str, _nodes: &[PeerId], _now: Now) {}

    /// A neighbour subscribes to a topic.
    pub fn subscribed(&mut self, _node: PeerId, _topic: &str, _now: Now) {}

    /// A neighbour no longer subscribes to a topic.
    pub fn unsubscribed(&mut self, _node: PeerId, _topic: &str, _now: Now) {}

    /// The room of a topic, if it is served here.
    pub fn room_of_topic(&self, _topic: &str) -> Option<&str> {
        None
    }

    /// A room's topic: short, because gossipsub tells every topic to every neighbour.
    pub fn topic(_network: &str, _room: &str) -> String {
        String::new()
    }

    /// The nodes that a member is attached to, in rank order.
    pub fn attachments_of(&self, _room: &str, _peer: &PeerId) -> Vec<PeerId> {
        Vec::new()
    }

    /// Neighbours that serve a room of this node: connections not to cut.
    pub fn room_nodes_known(&self) -> impl Iterator<Item = PeerId> {
        std::iter::empty()
    }

    /// The nodes of each room, to keep on disk.
    pub fn remembered(&self) -> Vec<(String, Vec<PeerId>)> {
        Vec::new()
    }

    /// What [`State::remembered`] gave before a restart.
    pub fn remember(&mut self, _rooms: impl IntoIterator<Item = (String, Vec<PeerId>)>) {}

    /// Counts for the status page.
    pub fn summary(&self) -> Summary {
        Summary::default()
    }
}

impl StateMachine for State {
    type Event = Event;

    fn linked(&mut self, _node: PeerId, _address: &Multiaddr, _now: Now) {}

    fn unlinked(&mut self, _node: PeerId, _now: Now) {}

    fn received(&mut self, _node: PeerId, _frame: &[u8], _now: Now) -> Result<(), Malformed> {
        Ok(())
    }

    fn deadline(&self) -> Option<Instant> {
        None
    }

    fn expired(&mut self, _now: Now) {}

    fn output(&mut self) -> Option<Output<Event>> {
        None
    }
}
