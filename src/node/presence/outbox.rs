use std::collections::{HashMap, VecDeque};

use libp2p::PeerId;
use web_time::Instant;

use super::{
    Config,
    bundle::{Bundle, Unit},
    pace::Pace,
    room::Room,
};
use crate::clock::Now;

/// What this node is to publish on a room's topic: about whom, not what, so that a message that
/// waits is overtaken by a newer one about the same peer.
pub(super) struct Outbox {
    order: VecDeque<PeerId>,
    about: HashMap<PeerId, About>,
    /// This node's count.
    count: bool,
    max: usize,
    pace: Pace,
}

#[derive(Clone, Copy, Debug, Default)]
struct About {
    /// The peer's own newest message.
    said: bool,
    /// This node's word that the peer isn't attached here.
    detached: bool,
}

impl Outbox {
    /// Messages go at `pace`, what waits meanwhile in one. What is about more
    /// than `max` peers is left to the digests.
    pub fn new(pace: Pace, max: usize) -> Self {
        Outbox {
            order: VecDeque::new(),
            about: HashMap::new(),
            count: false,
            max,
            pace,
        }
    }

    /// Publish the newest record or leave of a peer.
    pub fn add_said(&mut self, peer: PeerId) {
        self.add(peer, |about| about.said = true);
    }

    /// Publish this node's word that the peer isn't attached here.
    pub fn add_detached(&mut self, peer: PeerId) {
        self.add(peer, |about| about.detached = true);
    }

    /// Publish this node's count.
    pub fn add_count(&mut self) {
        self.count = true;
    }

    fn add(&mut self, peer: PeerId, mark: impl FnOnce(&mut About)) {
        if let Some(about) = self.about.get_mut(&peer) {
            mark(about);
        } else if self.order.len() < self.max {
            let mut about = About::default();
            mark(&mut about);
            self.order.push_back(peer);
            self.about.insert(peer, about);
        }
    }

    /// The next message and the peers whose own words are in it, if it may go now; `Err` says
    /// when it may. What concerns nobody any more, since the room has become big, is dropped.
    pub fn next(
        &mut self,
        room: &Room,
        node: &PeerId,
        now: Now,
        config: &Config,
    ) -> Result<Option<(Bundle, Vec<PeerId>)>, Instant> {
        if self.is_empty() {
            return Ok(None);
        }
        let reach = room.reach(config);
        while let Some(peer) = self.order.front() {
            let about = self.about.get(peer).copied().unwrap_or_default();
            if about.detached || room.concerns_others(peer, reach, now.millis) {
                break;
            }
            self.about.remove(peer);
            self.order.pop_front();
        }
        if self.is_empty() {
            return Ok(None);
        }
        self.pace.go(now)?;
        let mut bundle = Bundle::default();
        let mut said = Vec::new();
        if std::mem::take(&mut self.count)
            && let Some(wire) = room.counts().wire(node)
        {
            let alone = bundle.add(Unit::count(wire));
            debug_assert!(alone.is_ok(), "a unit alone fits");
        }
        while let Some(peer) = self.order.front() {
            let mut about = self.about.get(peer).copied().unwrap_or_default();
            about.said &= room.concerns_others(peer, reach, now.millis);
            if bundle.add(unit(room, node, peer, about)).is_err() {
                break;
            }
            if about.said {
                said.push(*peer);
            }
            self.about.remove(peer);
            self.order.pop_front();
        }
        Ok((bundle.len > 0).then_some((bundle, said)))
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty() && !self.count
    }
}

fn unit(room: &Room, node: &PeerId, peer: &PeerId, about: About) -> Unit {
    let Some(entry) = room.get(peer) else {
        return Unit::default();
    };
    let said = about.said;
    Unit {
        record: entry
            .record()
            .filter(|_| said)
            .map(|record| record.wire.clone()),
        leave: entry.leave().filter(|_| said).cloned(),
        detached: entry
            .void_by(node)
            .filter(|_| about.detached)
            .cloned()
            .into_iter()
            .collect(),
        count: None,
    }
}
