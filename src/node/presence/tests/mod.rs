//! The rules as a whole: one node with its peers, two nodes over a link, and many of them in
//! virtual time.

mod agreement;
mod alone;
mod between;
mod big;
mod doubt;
mod hostile;
mod shown;
mod simulation;

use std::{collections::BTreeSet, time::Duration};

use libp2p::PeerId;

use super::{Config, Event, State, topic::Topic};
use crate::{
    clock::Now,
    identity::Identity,
    node::{
        Rate, Verdict,
        link::{Output, StateMachine},
    },
    wire::{
        Array, Bytes, Signed, V1,
        attach::{FromNode, Presence, Snapshot},
        cbor,
        limits::{GOSSIP, NODE_FRAME},
        presence::{Changes, Detached, Gossip, Leave, PresenceFrame, PresenceRecord},
    },
};

const NETWORK: &str = "example.org";
const ROOM: &str = "lobby";

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// A node under test that does nothing but what it is told.
struct Node {
    state: State,
    identity: Identity,
}

impl Node {
    fn new() -> Self {
        Self::with(Config::default())
    }

    fn with(config: Config) -> Self {
        Self::of(Identity::generate(), config)
    }

    fn of(identity: Identity, config: Config) -> Self {
        Node {
            state: State::new(config, identity.clone(), NETWORK.into()),
            identity,
        }
    }

    fn id(&self) -> PeerId {
        self.identity.peer_id()
    }

    fn outputs(&mut self) -> Vec<Output<Event>> {
        std::iter::from_fn(|| self.state.output()).collect()
    }

    fn events(&mut self) -> Vec<Event> {
        let outputs = self.outputs().into_iter();
        let events = outputs.filter_map(|output| match output {
            Output::Event(event) => Some(event),
            _ => None,
        });
        events.collect()
    }

    /// Frames to `node` that are waiting; everything else that waits is dropped.
    fn frames(&mut self, node: &PeerId) -> Vec<PresenceFrame> {
        let outputs = self.outputs().into_iter();
        let frames = outputs.filter_map(|output| match output {
            Output::Send(to, frame) if to == *node => {
                Some(cbor::decode("frame", &frame, NODE_FRAME).unwrap())
            }
            _ => None,
        });
        frames.collect()
    }

    /// What is published that waits; everything else that waits is dropped.
    fn published(&mut self) -> Vec<Changes> {
        let events = self.events().into_iter();
        let published = events.filter_map(|event| match event {
            Event::Publish { topic, data } => {
                assert_eq!(topic, lobby());
                match cbor::decode("gossip", &data, GOSSIP).unwrap() {
                    Gossip::Presence(changes) => Some(changes),
                    Gossip::Envelope(_) => panic!("an envelope"),
                }
            }
            _ => None,
        });
        published.collect()
    }

    /// What its attached peers are told that waits; everything else that waits is dropped.
    fn told(&mut self) -> Vec<(PeerId, FromNode)> {
        let events = self.events().into_iter();
        let told = events.filter_map(|event| match event {
            Event::ToPeer { peer, message } => Some((peer, message)),
            _ => None,
        });
        told.collect()
    }

    /// Lets time pass from one deadline to the next.
    fn run(&mut self, from: Now, until: Now) {
        while let Some(deadline) = self.state.deadline().filter(|at| *at <= until.instant) {
            let elapsed = deadline.saturating_duration_since(from.instant);
            self.state.expired(from.after(elapsed));
        }
        self.state.expired(until);
    }

    fn link(&mut self, other: PeerId, now: Now) {
        self.state.linked(other, &"/memory/1".parse().unwrap(), now);
    }

    fn receive(&mut self, from: PeerId, frame: &PresenceFrame, now: Now) {
        self.state
            .received(from, &cbor::encode(frame), now)
            .unwrap();
    }

    fn members(&self, room: &str) -> BTreeSet<PeerId> {
        let served = self.state.rooms.get(&Topic::of(NETWORK, room));
        let here = served.map(|served| served.room.here());
        here.map(|here| here.sample(here.len(), &self.id()))
            .unwrap_or_default()
            .into_iter()
            .collect()
    }

    fn has(&self, peer: &Peer) -> bool {
        self.members(ROOM).contains(&peer.id())
    }
}

/// A peer that signs what it is told to.
struct Peer {
    identity: Identity,
    seq: u64,
}

impl Peer {
    fn new(now: Now) -> Self {
        Self::of(Identity::generate(), now)
    }

    fn of(identity: Identity, now: Now) -> Self {
        Peer {
            identity,
            seq: now.millis,
        }
    }

    fn id(&self) -> PeerId {
        self.identity.peer_id()
    }

    fn body(&mut self, room: &str, attach: &[PeerId], now: Now) -> PresenceRecord {
        self.seq = (self.seq + 1).max(now.millis);
        PresenceRecord {
            v: V1,
            network: NETWORK.into(),
            room: room.into(),
            peer: self.id(),
            key: Array::new([7; 32]),
            seq: self.seq,
            expires: now.millis + 600_000,
            attach: attach.to_vec(),
            meta: Vec::new(),
        }
    }

    /// A new record in [`ROOM`].
    fn record(&mut self, attach: &[PeerId], now: Now) -> Signed<PresenceRecord> {
        let body = self.body(ROOM, attach, now);
        Signed::sign(&self.identity, body)
    }

    /// A new record in another room.
    fn record_in(&mut self, room: &str, attach: &[PeerId], now: Now) -> Signed<PresenceRecord> {
        let body = self.body(room, attach, now);
        Signed::sign(&self.identity, body)
    }

    /// A leave of [`ROOM`].
    fn leave(&mut self) -> Signed<Leave> {
        self.leave_of(ROOM)
    }

    fn leave_of(&mut self, room: &str) -> Signed<Leave> {
        self.seq += 1;
        let body = Leave {
            v: V1,
            network: NETWORK.into(),
            room: room.into(),
            peer: self.id(),
            seq: self.seq,
        };
        Signed::sign(&self.identity, body)
    }
}

fn detached(node: &Identity, peer: &Peer, seq: u64) -> Signed<Detached> {
    let body = Detached {
        v: V1,
        network: NETWORK.into(),
        node: node.peer_id(),
        peer: peer.id(),
        seq,
    };
    Signed::sign(node, body)
}

fn lobby() -> String {
    State::topic(NETWORK, ROOM)
}

fn records(list: &[&Signed<PresenceRecord>]) -> Changes {
    Changes {
        records: list.iter().map(|record| record.to_wire()).collect(),
        ..Changes::default()
    }
}

fn leaves(list: &[&Signed<Leave>]) -> Changes {
    Changes {
        leaves: list.iter().map(|leave| leave.to_wire()).collect(),
        ..Changes::default()
    }
}

fn detaches(list: &[&Signed<Detached>]) -> Changes {
    Changes {
        detached: list.iter().map(|detached| detached.to_wire()).collect(),
        ..Changes::default()
    }
}

fn snapshot(message: &FromNode) -> &Snapshot {
    match message {
        FromNode::Snapshot(snapshot) => snapshot,
        other => panic!("a snapshot, not {other:?}"),
    }
}

fn presence(message: &FromNode) -> &Presence {
    match message {
        FromNode::Presence(presence) => presence,
        other => panic!("presence, not {other:?}"),
    }
}

fn peer_of(record: &Bytes) -> PeerId {
    Signed::<PresenceRecord>::verify(record).unwrap().peer
}
