//! The rules of a peer, against nodes that lose what they should carry.

use std::collections::BTreeMap;

use libp2p::{Multiaddr, PeerId, swarm::ConnectionId};

use super::{Config, Event, Output, State};
use crate::{
    clock::Now,
    identity::Identity,
    node::link::LinkId,
    wire::{
        Signed, VERSION,
        attach::{FromNode, FromPeer, Snapshot, Welcome},
        cbor, limits,
        presence::PresenceRecord,
        signal::Carried,
    },
};

const NETWORK: &str = "example.org";
const ROOM: &str = "room";

/// A peer and what it has said to each of its nodes.
struct Rig {
    state: State,
    links: BTreeMap<PeerId, LinkId>,
    dialed: Vec<PeerId>,
    closed: Vec<PeerId>,
    said: Vec<(PeerId, FromPeer)>,
    events: Vec<Event>,
    now: Now,
}

fn node(n: u8) -> PeerId {
    Identity::from_seed([100 + n; 32]).peer_id()
}

impl Rig {
    /// Attached to the first two of `nodes`.
    fn new(n: u8, nodes: &[PeerId]) -> Self {
        let now = Now::read();
        let mut config = Config::new(NETWORK);
        config.nodes = nodes
            .iter()
            .map(|node| -> Multiaddr { format!("/ip4/20.0.0.1/tcp/1/p2p/{node}").parse().unwrap() })
            .collect();
        let mut rig = Rig {
            state: State::new(config, &Identity::from_seed([n; 32]), now),
            links: BTreeMap::new(),
            dialed: Vec::new(),
            closed: Vec::new(),
            said: Vec::new(),
            events: Vec::new(),
            now,
        };
        rig.drain();
        for node in std::mem::take(&mut rig.dialed) {
            rig.attach(node);
        }
        rig
    }

    fn attach(&mut self, node: PeerId) {
        self.attach_at(node, self.now.millis);
    }

    /// Attaches to a node whose clock shows `time`.
    fn attach_at(&mut self, node: PeerId, time: u64) {
        let connection = ConnectionId::new_unchecked(self.links.len() + 1);
        let link = LinkId {
            peer: node,
            connection,
        };
        self.links.insert(node, link);
        self.state.linked(link, self.now);
        self.hear(
            node,
            &FromNode::Welcome(Welcome {
                version: VERSION,
                lease: 30_000,
                time,
                observed: String::new(),
                ice: Vec::new(),
                nodes: Vec::new(),
            }),
        );
    }

    fn hear(&mut self, node: PeerId, message: &FromNode) {
        let frame = cbor::encode(message);
        let link = self.links[&node];
        self.state.received(link, &frame, self.now).unwrap();
        self.drain();
    }

    fn pass(&mut self, ms: u64) {
        self.now = self.now.after(std::time::Duration::from_millis(ms));
        self.state.expired(self.now);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.state.output() {
            match output {
                Output::Dial(node, _) => self.dialed.push(node),
                Output::Send(link, frame) => {
                    let message = cbor::decode("message", &frame, limits::ATTACH_FRAME).unwrap();
                    self.said.push((link.peer, message));
                }
                Output::Close(link) => self.closed.push(link.peer),
                Output::Event(event) => self.events.push(event),
            }
        }
    }

    /// Envelopes that were said since the last call, and to whom.
    fn carried(&mut self) -> Vec<(PeerId, Carried)> {
        let said = std::mem::take(&mut self.said);
        said.into_iter()
            .filter_map(|(node, message)| match message {
                FromPeer::Carry(carried) => Some((node, carried)),
                _ => None,
            })
            .collect()
    }

    fn delivered(&self) -> usize {
        let delivered = |event: &&Event| matches!(event, Event::Delivered(_));
        self.events.iter().filter(delivered).count()
    }
}

/// Two peers, with three nodes each, which see each other.
fn two() -> (Rig, Rig) {
    let mut ann = Rig::new(1, &[node(1), node(2), node(3)]);
    let mut bob = Rig::new(2, &[node(4), node(5), node(6)]);
    for rig in [&mut ann, &mut bob] {
        rig.state.join(ROOM, Vec::new(), rig.now);
        rig.drain();
    }
    let record = |rig: &Rig| {
        let mut joins = rig.said.iter().filter_map(|(_, message)| match message {
            FromPeer::Join(join) => Some(join.record.clone()),
            _ => None,
        });
        joins.next_back().unwrap()
    };
    let (anns, bobs) = (record(&ann), record(&bob));
    for (rig, record, at) in [(&mut ann, bobs, node(1)), (&mut bob, anns, node(4))] {
        let snapshot = FromNode::Snapshot(Snapshot {
            room: ROOM.to_owned(),
            records: vec![record],
            size: 2,
        });
        rig.hear(at, &snapshot);
        rig.said.clear();
    }
    (ann, bob)
}

fn bring(rig: &mut Rig, by: PeerId, mut carried: Carried) {
    carried.via = Vec::new();
    rig.hear(by, &FromNode::Carry(carried));
}

fn nodes(carried: &[(PeerId, Carried)]) -> Vec<PeerId> {
    carried.iter().map(|(node, _)| *node).collect()
}

#[test]
fn without_an_ack_an_envelope_goes_over_every_attachment() {
    let (mut ann, bob) = two();
    let to = Identity::from_seed([2; 32]).peer_id();
    ann.state.send(ROOM, &to, vec![1], ann.now).unwrap();
    ann.drain();
    assert_eq!(nodes(&ann.carried()), [node(1)]);
    ann.pass(700);
    assert_eq!(nodes(&ann.carried()), [node(1), node(2)]);
    ann.pass(700);
    assert_eq!(nodes(&ann.carried()), [node(1), node(2)]);
    drop(bob);
}

#[test]
fn an_ack_goes_back_as_the_envelope_came_and_again_by_every_way() {
    let (mut ann, mut bob) = two();
    let to = Identity::from_seed([2; 32]).peer_id();
    ann.state.send(ROOM, &to, vec![1], ann.now).unwrap();
    ann.drain();
    let (_, envelope) = ann.carried().remove(0);
    bring(&mut bob, node(5), envelope.clone());
    let first = bob.carried();
    assert_eq!(nodes(&first), [node(5)], "that way is known to go");
    bring(&mut bob, node(5), envelope);
    let again = bob.carried();
    assert_eq!(nodes(&again), [node(4), node(5)]);
    assert!(
        again.iter().all(|(_, ack)| ack.parcel == first[0].1.parcel),
        "the same ack, so that nodes try their next path"
    );
    bring(&mut ann, node(2), again[0].1.clone());
    assert_eq!(ann.delivered(), 1);
}

#[test]
fn an_attachment_that_loses_envelopes_is_replaced_by_another() {
    let (mut ann, mut bob) = two();
    let to = Identity::from_seed([2; 32]).peer_id();
    for n in 0..2 {
        assert!(ann.dialed.is_empty(), "one miss may be anybody's fault");
        ann.state.send(ROOM, &to, vec![n], ann.now).unwrap();
        ann.drain();
        // The first node loses it, the second doesn't.
        assert_eq!(nodes(&ann.carried()), [node(1)]);
        ann.pass(700);
        let by_second = ann.carried().pop().unwrap().1;
        bring(&mut bob, node(4), by_second);
        let ack = bob.carried().pop().unwrap().1;
        bring(&mut ann, node(2), ack);
    }
    assert_eq!(ann.delivered(), 2);
    assert_eq!(ann.dialed, [node(3)]);
    assert!(ann.closed.is_empty(), "it serves until there is another");
    assert_eq!(ann.state.attached(), [node(2), node(1)]);
    ann.attach(node(3));
    assert_eq!(ann.closed, [node(1)]);
    let link = ann.links[&node(1)];
    ann.state.unlinked(link, ann.now);
    ann.dialed.clear();
    ann.pass(30_000);
    assert!(ann.dialed.is_empty());
    assert_eq!(ann.state.attached(), [node(2), node(3)]);
}

#[test]
fn an_ack_in_time_makes_up_for_a_miss_and_a_silent_peer_misses_once() {
    let (mut ann, mut bob) = two();
    let to = Identity::from_seed([2; 32]).peer_id();
    for n in 0..6 {
        ann.state.send(ROOM, &to, vec![n], ann.now).unwrap();
        ann.drain();
        let (_, envelope) = ann.carried().remove(0);
        if n % 2 == 0 {
            ann.pass(700);
            ann.carried();
        }
        bring(&mut bob, node(4), envelope);
        let ack = bob.carried().pop().unwrap().1;
        bring(&mut ann, node(1), ack);
    }
    assert_eq!(ann.delivered(), 6);
    for n in 0..3 {
        ann.state.send(ROOM, &to, vec![n], ann.now).unwrap();
        ann.pass(3_000);
    }
    let lost = |event: &&Event| matches!(event, Event::Unreachable(_));
    assert_eq!(ann.events.iter().filter(lost).count(), 3);
    assert!(ann.dialed.is_empty(), "it may be that he is gone");
}

#[test]
fn while_a_dial_hangs_another_node_is_dialed() {
    let mut rig = Rig::new(1, &[node(1), node(2), node(3), node(4)]);
    let link = rig.links[&node(1)];
    rig.state.unlinked(link, rig.now);
    rig.drain();
    assert_eq!(rig.dialed, [node(3)]);
    let deadline = rig.state.deadline().unwrap();
    assert!(
        deadline > rig.now.instant,
        "it would be polled without pause"
    );
    rig.pass(1_499);
    assert_eq!(rig.dialed, [node(3)]);
    rig.pass(1);
    assert_eq!(rig.dialed, [node(3), node(4)]);
    rig.attach(node(4));
    assert_eq!(rig.state.attached(), [node(2), node(4)]);
    // The first answers after all, and isn't needed.
    rig.attach(node(3));
    assert_eq!(rig.closed, [node(3)]);
}

#[test]
fn records_are_in_the_time_of_the_nodes_and_not_in_a_clock_that_is_off() {
    let mut rig = Rig::new(1, &[]);
    let ten_minutes = 600_000;
    let network = rig.now.millis - ten_minutes;
    rig.attach_at(node(1), network);
    rig.attach_at(node(2), network + 50);
    rig.state.join(ROOM, Vec::new(), rig.now);
    rig.drain();
    let record = rig
        .said
        .iter()
        .find_map(|(_, message)| match message {
            FromPeer::Join(join) => Some(join.record.clone()),
            _ => None,
        })
        .unwrap();
    let record = Signed::<PresenceRecord>::verify(&record).unwrap();
    let left = record.expires - network;
    assert!(left.abs_diff(limits::RECORD_LIFE_MS) <= 50, "{left}");
    assert!(record.seq.abs_diff(network) <= 100, "{}", record.seq);
}
