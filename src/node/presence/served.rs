use std::collections::HashSet;

use libp2p::PeerId;

use super::{
    Event,
    bulletin::{self, Bulletin},
    check::Verified,
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
        Signed, V1,
        attach::FromNode,
        cbor,
        presence::{Detached, Gossip, PresenceFrame},
    },
};

/// A room that this node serves: what it knows of it, whom it tells, and when.
pub(super) struct Served {
    pub name: String,
    pub topic: Topic,
    pub room: Room,
    /// Attached peers in the room.
    pub local: HashSet<PeerId>,
    pub nodes: RoomNodes,
    pub seek: Seek,
    outbox: Outbox,
    notify: Pace,
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
            room: Room::default(),
            local: HashSet::new(),
            nodes: RoomNodes::default(),
            outbox: Outbox::new(
                Pace::new(config.publish()),
                config.max_local.saturating_add(config.max_tombstones),
            ),
            notify: Pace::new(config.notify()),
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
        for timer in [Publish, Notify, Cascade, Digest, Seek, Ends, Close] {
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
        self.room.gossiped(&peer);
        desk.timers.cancel(Timer::TakeOver(self.topic, peer));
    }

    /// Publishes an attached peer's newest message: at once if its attachment here has rank 0,
    /// else a second later for each that comes before.
    pub fn publish_said(&mut self, peer: PeerId, rank: usize, desk: &mut Desk, now: Now) {
        if self.room.get(&peer).is_none_or(|entry| entry.gossiped) {
            return;
        }
        if rank == 0 {
            self.outbox.add_said(peer);
        } else {
            let at = now.instant + desk.config.takeover(rank);
            desk.timers.set(Timer::TakeOver(self.topic, peer), at);
        }
    }

    /// Publishes an attached peer's newest message now, unless somebody else has.
    pub fn take_over(&mut self, peer: PeerId) {
        if self.room.get(&peer).is_some_and(|entry| !entry.gossiped) {
            self.outbox.add_said(peer);
        }
    }

    /// Says, to all nodes of the room, that a peer isn't attached here.
    pub fn disown(&mut self, detached: &Signed<Detached>, desk: &mut Desk, now: Now) {
        self.room.detached(detached, now, &desk.config);
        self.outbox.add_detached(detached.peer);
    }

    /// Signs that `peer` isn't attached here, as to its record in this room.
    pub fn disclaim(&mut self, peer: PeerId, desk: &mut Desk, now: Now) {
        let node = desk.node();
        let entry = self
            .room
            .get(&peer)
            .filter(|entry| entry.is_attached_to(&node));
        let Some(seq) = entry
            .and_then(|entry| entry.record())
            .map(|record| record.seq)
        else {
            return;
        };
        let detached = sign_detached(desk, peer, seq);
        self.disown(&detached, desk, now);
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
    pub fn snapshot(&self, peer: PeerId, desk: &mut Desk) {
        let snapshot = bulletin::snapshot(&self.name, &self.room, &peer);
        desk.tell(Event::ToPeer {
            peer,
            message: FromNode::Snapshot(snapshot),
        });
    }

    /// Does what follows from changes: after every call that may have made some.
    pub fn settle(&mut self, desk: &mut Desk, now: Now) {
        for peer in self.room.take_fallen() {
            self.part(peer, desk, now);
        }
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

    fn notify(&mut self, desk: &mut Desk, now: Now) {
        if !self.room.has_changed() {
            return;
        }
        if let Err(next) = self.notify.go(now) {
            desk.timers.set(Timer::Notify(self.topic), next);
            return;
        }
        let changed = self.room.take_changed();
        if self.local.is_empty() {
            return;
        }
        let bulletin = Bulletin::new(&self.name, &self.room, &changed);
        for peer in &self.local {
            for message in bulletin.to(&self.room, peer) {
                desk.tell(Event::ToPeer {
                    peer: *peer,
                    message,
                });
            }
        }
    }

    fn publish(&mut self, desk: &mut Desk, now: Now) {
        let node = desk.node();
        match self.outbox.next(&self.room, &node, now) {
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

    /// Sends the room's digest to neighbours.
    pub fn send_digest(&self, to: impl IntoIterator<Item = PeerId>, desk: &mut Desk) {
        let frame = PresenceFrame::Digest(self.room.digest(&self.name));
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
