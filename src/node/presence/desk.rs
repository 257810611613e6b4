use std::collections::{HashMap, HashSet, VecDeque};

use libp2p::PeerId;

use super::{Config, Event, timers::Timers, topic::Topic};
use crate::{
    clock::Now,
    identity::Identity,
    node::link::Output,
    wire::{cbor, presence::PresenceFrame},
};

/// What all rooms share: who this node is, its bounds, timers, and what is to go out.
pub(super) struct Desk {
    pub config: Config,
    pub identity: Identity,
    pub network: String,
    pub timers: Timers,
    pub out: VecDeque<Output<Event>>,
    /// The rooms of each attached peer.
    pub locals: HashMap<PeerId, HashSet<Topic>>,
    /// Entries of all rooms.
    pub entries: usize,
    pub counts: Counts,
}

/// What has happened since the start.
#[derive(Default)]
pub(super) struct Counts {
    pub digests_sent: u64,
    pub digests_received: u64,
    pub differences_sent: u64,
    pub messages_sent: u64,
    pub gossip_published: u64,
    pub gossip_accepted: u64,
    pub gossip_rejected: u64,
    pub nodes_presumed_dead: u64,
}

impl Desk {
    pub fn new(config: Config, identity: Identity, network: String) -> Self {
        Desk {
            config,
            identity,
            network,
            timers: Timers::default(),
            out: VecDeque::new(),
            locals: HashMap::new(),
            entries: 0,
            counts: Counts::default(),
        }
    }

    /// This node.
    pub fn node(&self) -> PeerId {
        self.identity.peer_id()
    }

    /// Entries that may still be added.
    pub fn space(&self) -> usize {
        self.config.max_records_in_all.saturating_sub(self.entries)
    }

    pub fn tell(&mut self, event: Event) {
        self.out.push_back(Output::Event(event));
    }

    pub fn send(&mut self, node: PeerId, frame: &PresenceFrame) {
        self.out.push_back(Output::Send(node, cbor::encode(frame)));
    }

    /// Forgets that an attached peer is in a room.
    pub fn part(&mut self, peer: &PeerId, topic: &Topic) {
        if let Some(rooms) = self.locals.get_mut(peer) {
            rooms.remove(topic);
            if rooms.is_empty() {
                self.locals.remove(peer);
            }
        }
    }

    /// `moment` of the network's time, as a timer's: at least a millisecond ahead.
    pub fn instant(moment: u64, now: Now) -> web_time::Instant {
        let wait = moment.saturating_sub(now.millis).clamp(1, 24 * 60 * 60_000);
        now.instant + std::time::Duration::from_millis(wait)
    }
}
