use std::time::Duration;

use libp2p::PeerId;
use web_time::Instant;

use super::{
    Event,
    audience::Audience,
    check::{self, Verified},
    counting::Counting,
    desk::Desk,
    nodes::RoomNodes,
    outbox::Outbox,
    pace::Pace,
    room::{Applied, Room},
    seek::Seek,
    timers::Timer,
    topic::Topic,
};
use crate::{
    clock::Now,
    wire::{
        Signed, V1, cbor,
        presence::{Count, Detached, Gossip, PresenceFrame},
    },
};

/// Messages that a room may have at once after a while of silence: one peer that changes its record
/// every second doesn't hold up another that joins.
const PUBLISHED_AT_ONCE: u32 = 2;

/// A room that this node serves: what it knows of it, whom it tells, and when.
pub(super) struct Served {
    pub name: String,
    pub topic: Topic,
    pub room: Room,
    /// Attached peers in the room.
    pub local: Audience,
    pub nodes: RoomNodes,
    pub seek: Seek,
    outbox: Outbox,
    counting: Counting,
    notify: Pace,
    /// The size that all attached peers know, and when they were told.
    size: (usize, Option<Instant>),
    /// Entries that the desk has counted.
    counted: usize,
}

impl Served {
    /// Opens a room: its topic is subscribed to and its nodes are looked up.
    pub fn open(name: String, topic: Topic, desk: &mut Desk, now: Now) -> Self {
        let config = &desk.config;
        let seek = Seek::new(now, config);
        let served = Served {
            topic,
            room: Room::new(desk.identity.peer_id()),
            local: Audience::default(),
            nodes: RoomNodes::default(),
            outbox: Outbox::new(
                Pace::new(config.publish(), PUBLISHED_AT_ONCE),
                config.max_local.saturating_add(config.max_tombstones),
            ),
            counting: Counting::default(),
            notify: Pace::new(config.notify(), 1),
            size: (0, None),
            counted: 0,
            name: name.clone(),
            seek,
        };
        desk.timers.set(Timer::Seek(topic), served.seek.next());
        desk.tell(Event::Subscribe {
            topic: topic.to_string(),
        });
        desk.tell(Event::Seek { room: name });
        served.next_round(desk, now);
        tracing::debug!(room = %served.name, "room opened");
        served
    }

    /// Closes the room for good.
    pub fn close(self, desk: &mut Desk) {
        use Timer::*;
        for timer in [Publish, Notify, Count, Cascade, Digest, Seek, Ends, Close] {
            desk.timers.cancel(timer(self.topic));
        }
        desk.entries -= self.counted;
        desk.tell(Event::Unsubscribe {
            topic: self.topic.to_string(),
        });
        tracing::debug!(room = %self.name, "room closed");
        desk.tell(Event::Unseek { room: self.name });
    }

    /// Takes in what another node sent or gossiped.
    pub fn apply(&mut self, batch: Verified, desk: &mut Desk, now: Now) -> Applied {
        let applied = self.room.apply(batch, desk.space(), now, &desk.config);
        let node = desk.node();
        for peer in &applied.joined {
            let here = self
                .room
                .get(peer)
                .is_some_and(|entry| entry.is_attached_to(&node));
            if here && !self.local.contains(peer) {
                let at = now.instant + desk.config.claim();
                desk.timers.set(Timer::Claim(self.topic, *peer), at);
            }
        }
        applied
    }

    /// The newest message about a peer was seen on the topic: nobody need publish it.
    pub fn seen_gossiped(&mut self, peer: PeerId, desk: &mut Desk) {
        self.room.gossiped(&peer, &desk.config);
        desk.timers.cancel(Timer::TakeOver(self.topic, peer));
    }

    /// Publishes an attached peer's newest message, if it concerns other nodes: at once if its
    /// attachment here has rank 0, else a second later for each that comes before.
    pub fn publish_said(&mut self, peer: PeerId, rank: usize, desk: &mut Desk, now: Now) {
        let wait = desk.config.takeover(rank);
        self.publish_after(wait, peer, desk, now);
    }

    fn publish_after(&mut self, wait: Duration, peer: PeerId, desk: &mut Desk, now: Now) {
        let reach = self.room.reach(&desk.config);
        let known = self.room.get(&peer).is_none_or(|entry| entry.gossiped);
        if known || !self.room.concerns_others(&peer, reach, now.millis) {
            return;
        }
        self.room.share(&peer);
        if wait.is_zero() {
            self.outbox.add_said(peer);
        } else {
            let timer = Timer::TakeOver(self.topic, peer);
            desk.timers.set_by(timer, now.instant + wait);
        }
    }

    /// Publishes an attached peer's newest message now, unless somebody else has.
    pub fn take_over(&mut self, peer: PeerId, desk: &mut Desk, now: Now) {
        self.publish_after(Duration::ZERO, peer, desk, now);
    }

    /// Says, to all nodes of the room, that a peer isn't attached here.
    pub fn disown(&mut self, detached: &Signed<Detached>, desk: &mut Desk, now: Now) {
        let peer = detached.peer;
        self.room.detached(detached, now, &desk.config);
        let entry = self.room.get(&peer);
        if entry.is_some_and(|entry| check::over(entry.shared_until) > now.millis) {
            self.outbox.add_detached(peer);
        }
    }

    /// Signs that `peer` isn't attached here, as to its record in this room: unless it is in rooms
    /// here, and was not before it signed with the sequence `first`.
    pub fn disclaim(&mut self, peer: PeerId, first: Option<u64>, desk: &mut Desk, now: Now) {
        let node = desk.node();
        let entry = self.room.get(&peer);
        let entry = entry.filter(|entry| entry.is_attached_to(&node) && !entry.local);
        let seq = entry
            .and_then(|entry| entry.record())
            .map(|record| record.seq)
            .filter(|seq| first.is_none_or(|first| *seq < first));
        let Some(seq) = seq else {
            return;
        };
        let detached = sign_detached(desk, peer, seq);
        self.disown(&detached, desk, now);
    }

    /// Has the peer's nodes looked for later, if it may no longer be at any: not now, since it has
    /// time to renew its record, and of a node that has died with it the link may still be open.
    pub fn doubt(&mut self, peer: PeerId, desk: &mut Desk, now: Now) {
        let entry = self.room.get(&peer);
        if entry.is_some_and(|entry| entry.in_doubt().next().is_some()) {
            let at = now.instant + desk.config.doubt().mul_f64(rand::random_range(1.0..1.5));
            desk.timers.set_by(Timer::Doubt(self.topic, peer), at);
        }
    }

    /// Nodes at which a peer may no longer be, though they don't say so, and which this one
    /// hasn't heard to serve the room.
    pub fn unheard(&self, peer: &PeerId, desk: &Desk) -> Vec<PeerId> {
        let (entry, own) = (self.room.get(peer), desk.node());
        let nodes = entry.into_iter().flat_map(|entry| entry.in_doubt());
        nodes
            .filter(|node| **node != own && !self.nodes.serves(node))
            .copied()
            .collect()
    }

    /// Takes a peer not to be at nodes that still aren't heard.
    pub fn convict(&mut self, peer: PeerId, desk: &mut Desk, now: Now) {
        for node in self.unheard(&peer, desk) {
            tracing::debug!(room = %self.name, %peer, %node, "a node that isn't heard: its peer is presumed gone");
            self.nodes.convict(node, &desk.config);
            self.room.convict(peer, &node, now, &desk.config);
        }
    }

    /// A peer is no longer attached here or no longer in the room.
    pub fn part(&mut self, peer: PeerId, desk: &mut Desk, now: Now) {
        desk.part(&peer, &self.topic);
        if self.local.remove(&peer) {
            self.room.part(peer, now, &desk.config);
            if self.local.is_empty() {
                let at = now.instant + desk.config.linger();
                desk.timers.set(Timer::Close(self.topic), at);
            }
        }
    }

    /// Sends an attached peer the room's snapshot.
    pub fn snapshot(&mut self, peer: PeerId, desk: &mut Desk) {
        if let Some(message) = self.local.snapshot(&self.name, &self.room, &peer) {
            desk.tell(Event::ToPeer { peer, message });
        }
    }

    /// Does what follows from changes: after every call that may have made some.
    pub fn settle(&mut self, desk: &mut Desk, now: Now) {
        for peer in self.room.take_fallen() {
            self.part(peer, desk, now);
        }
        for peer in self.room.take_shaken() {
            self.doubt(peer, desk, now);
        }
        self.resize(desk, now);
        self.notify(desk, now);
        self.publish(desk, now);
        match self.room.next_end() {
            Some(end) => desk
                .timers
                .set(Timer::Ends(self.topic), Desk::instant(end, now)),
            None => desk.timers.cancel(Timer::Ends(self.topic)),
        }
        desk.entries = desk.entries + self.room.len() - self.counted;
        self.counted = self.room.len();
    }

    /// Heeds that the room has become big, or no longer is.
    fn resize(&mut self, desk: &mut Desk, now: Now) {
        let turned = self.room.resize(&desk.config);
        if let Some(big) = turned {
            let size = self.room.size();
            tracing::debug!(room = %self.name, size, big, "room resized");
        }
        let node = desk.node();
        if self.room.is_big() {
            for peer in self.room.untold(&desk.config) {
                let rank = self.room.get(&peer).map_or(0, |entry| entry.rank(&node));
                self.publish_said(peer, rank, desk, now);
            }
            self.count(desk, now);
        } else if turned == Some(false) {
            // Records say it all again: each node's in its turn.
            for peer in self.room.untold(&desk.config) {
                let wait = desk.config.resize().mul_f64(rand::random());
                let rank = self.room.get(&peer).map_or(0, |entry| entry.rank(&node));
                let wait = wait + desk.config.takeover(rank);
                self.publish_after(wait, peer, desk, now);
            }
            desk.timers.cancel(Timer::Count(self.topic));
            if self.counting.stop() {
                self.say_count(0, desk.config.count_life(0), desk, now);
            }
        }
    }

    /// Says how many members of a big room are this node's own, when it is time.
    fn count(&mut self, desk: &mut Desk, now: Now) {
        let (node, counts) = (desk.node(), self.room.counts());
        let nodes = counts.serving();
        // Others' records may name this node without being attached here.
        let members = counts.here(&node).min(self.local.len());
        let at = self.counting.plan(members, nodes, now, &desk.config);
        if self.counting.is_due(now) {
            let holds = self.counting.say(members, nodes, now, &desk.config);
            self.say_count(members, holds, desk, now);
            let at = self.counting.plan(members, nodes, now, &desk.config);
            desk.timers.set(Timer::Count(self.topic), at);
        } else {
            desk.timers.set(Timer::Count(self.topic), at);
        }
    }

    fn say_count(&mut self, members: usize, holds: Duration, desk: &mut Desk, now: Now) {
        let node = desk.node();
        if !self
            .room
            .counts()
            .admits(&desk.network, &self.name, &node, &desk.config)
        {
            return;
        }
        let before = self.room.counts().seq(&node);
        let body = Count {
            v: V1,
            network: desk.network.clone(),
            room: self.name.clone(),
            node,
            members: members as u64,
            seq: before.map_or(now.millis, |seq| now.millis.max(seq + 1)),
            expires: now.millis + u64::try_from(holds.as_millis()).unwrap_or(u64::MAX),
        };
        let count = Signed::sign(&desk.identity, body);
        self.room.count(&count, now, &desk.config);
        self.outbox.add_count();
    }

    fn notify(&mut self, desk: &mut Desk, now: Now) {
        let size = self.is_size_due(desk, now);
        let changed = self.room.has_changed();
        if !size && !changed {
            return;
        }
        if changed && let Err(next) = self.notify.go(now) {
            desk.timers.set_by(Timer::Notify(self.topic), next);
            return;
        }
        if size {
            self.size = (self.room.size(), Some(now.instant));
        }
        let changed = self.room.take_changed();
        for (peer, message) in self.local.tell(&self.name, &self.room, &changed, size) {
            desk.tell(Event::ToPeer { peer, message });
        }
    }

    /// Whether all attached peers are to be told the room's size now. It can wait a second, and
    /// ten times that where it has changed by less than a hundredth.
    fn is_size_due(&self, desk: &mut Desk, now: Now) -> bool {
        let (told, at) = self.size;
        let change = self.room.size().abs_diff(told);
        if change == 0 || self.local.is_empty() {
            return false;
        }
        let factor = if change * 100 >= told { 1 } else { 10 };
        let due = at.map_or(now.instant, |at| at + desk.config.size_notice() * factor);
        if due > now.instant {
            desk.timers.set_by(Timer::Notify(self.topic), due);
        }
        due <= now.instant
    }

    fn publish(&mut self, desk: &mut Desk, now: Now) {
        let node = desk.node();
        match self.outbox.next(&self.room, &node, now, &desk.config) {
            Ok(None) => return,
            Ok(Some((bundle, said))) => {
                for peer in said {
                    self.seen_gossiped(peer, desk);
                }
                desk.counts.gossip_published += 1;
                desk.tell(Event::Publish {
                    topic: self.topic.to_string(),
                    data: cbor::encode(&Gossip::Presence(bundle.changes)),
                });
            }
            Err(next) => desk.timers.set(Timer::Publish(self.topic), next),
        }
        if !self.outbox.is_empty() {
            let next = now.instant + desk.config.publish();
            desk.timers.set_by(Timer::Publish(self.topic), next);
        }
    }

    /// Sends neighbours the digest of what is to be known to all of them.
    pub fn send_digest(&self, to: impl IntoIterator<Item = PeerId>, desk: &mut Desk) {
        let reach = self.room.reach(&desk.config);
        let buckets = self.room.buckets(reach, &desk.config);
        let frame = PresenceFrame::Digest(buckets.digest(&self.name));
        for node in to {
            desk.counts.digests_sent += 1;
            desk.send(node, &frame);
        }
    }

    /// Sets the time of the next round of digests.
    pub fn next_round(&self, desk: &mut Desk, now: Now) {
        let every = desk.config.digest();
        let jitter = every.mul_f64(rand::random::<f64>() / 8.0);
        desk.timers
            .set(Timer::Digest(self.topic), now.instant + every - jitter);
    }
}

/// This node's word that `peer` isn't attached here, for records up to `seq`.
pub(super) fn sign_detached(desk: &Desk, peer: PeerId, seq: u64) -> Signed<Detached> {
    Signed::sign(
        &desk.identity,
        Detached {
            v: V1,
            network: desk.network.clone(),
            node: desk.node(),
            peer,
            seq,
        },
    )
}
