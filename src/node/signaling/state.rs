use std::collections::VecDeque;

use libp2p::{Multiaddr, PeerId};
use serde::Serialize;
use web_time::Instant;

use super::Config;
use crate::{
    clock::Now,
    node::{
        Denied, Verdict,
        link::{Output, StateMachine},
    },
    wire::{Malformed, attach::FromNode, envelope::Parcel, signal::Carried},
};

/// What signaling tells the rest of the node.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// For a peer that is attached here: `carry` or `undelivered`.
    ToPeer {
        /// The peer.
        peer: PeerId,
        /// What it is told.
        message: FromNode,
    },
    /// Publish on the room's topic. The parcel's signature has been verified.
    Gossip {
        /// The room.
        room: String,
        /// The envelope, its receiver blinded.
        parcel: Parcel,
    },
}

/// What signaling has done since the node started, and what it holds now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Handed to a peer attached here, from a peer attached here.
    pub delivered_here: u64,
    /// Handed to a peer attached here, from a neighbour.
    pub delivered_by_node: u64,
    /// Handed to a peer attached here, from gossip.
    pub delivered_by_gossip: u64,
    /// Handed to a neighbour.
    pub sent_to_nodes: u64,
    /// Gossiped by this node for a peer of its own.
    pub gossiped: u64,
    /// Given up: the sender was told.
    pub undelivered: u64,
    /// Gossip that had been seen before, and repetitions beyond measure.
    pub duplicates: u64,
    /// Too late when they came.
    pub expired: u64,
    /// Refused by a budget.
    pub over_budget: u64,
    /// Refused for their form or their signature.
    pub refused: u64,
    /// Dials that failed or took too long.
    pub dials_failed: u64,
    /// Envelopes held now.
    pub held: usize,
    /// Their bytes.
    pub held_bytes: usize,
    /// Peers attached now.
    pub attached: usize,
    /// Neighbours linked now.
    pub neighbours: usize,
}

/// The rules of signaling.
#[derive(Debug)]
pub struct State {
    outputs: VecDeque<Output<Event>>,
}

impl State {
    /// Nothing attached and nothing linked.
    pub fn new(_config: Config, _node: PeerId) -> Self {
        State {
            outputs: VecDeque::new(),
        }
    }

    /// A peer is attached here.
    pub fn attached(&mut self, _peer: PeerId) {}

    /// It no longer is.
    pub fn detached(&mut self, _peer: PeerId) {}

    /// An envelope from the attached peer `from`. `via`: the nodes that the receiver may be
    /// attached to, best first. `in_room`: whether this node serves the envelope's room.
    pub fn carry(
        &mut self,
        _from: PeerId,
        _carried: Carried,
        _via: Vec<PeerId>,
        _in_room: bool,
        _now: Now,
    ) -> Result<(), Denied> {
        Ok(())
    }

    /// An envelope came by gossip on the topic of `room`.
    pub fn gossip(&mut self, _parcel: Parcel, _room: &str, _now: Now) -> Verdict {
        Verdict::Ignore
    }

    /// What has been done, and what is held.
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
        self.outputs.pop_front()
    }
}
