//! The rules of signaling: one node, then several.

use std::time::Duration;

use libp2p::{Multiaddr, PeerId};

use super::*;
use crate::{
    clock::Now,
    identity::Identity,
    node::{
        Denied, Rate, Verdict,
        link::{Output, StateMachine},
        rehearsal::{Dialed, Rehearsal},
    },
    wire::{
        Array, Bytes, Signed, V1,
        attach::FromNode,
        cbor,
        envelope::{Envelope, EnvelopeId, Parcel, blind},
        limits,
        signal::{Carried, SignalFrame, Undelivered},
    },
};

mod among_nodes;
mod at_the_entrance;
mod by_gossip;
mod from_a_neighbour;
mod hostile;
mod paths;

const ROOM: &str = "lobby";

fn peer(n: u8) -> Identity {
    Identity::from_seed([n; 32])
}

fn node(n: u8) -> PeerId {
    Identity::from_seed([100 + n; 32]).peer_id()
}

fn id(n: u8) -> EnvelopeId {
    Array::new([n; 16])
}

fn address() -> Multiaddr {
    "/ip4/127.0.0.1/tcp/4001".parse().unwrap()
}

/// Envelope `n` from `from` to `to`, made and valid now.
fn envelope(from: &Identity, to: PeerId, n: u8, now: Now) -> Carried {
    expiring(from, to, n, now.millis + limits::ENVELOPE_LIFE_MS)
}

fn expiring(from: &Identity, to: PeerId, n: u8, expires: u64) -> Carried {
    let body = Envelope {
        v: V1,
        from: from.peer_id(),
        tag: blind(&id(n), &to),
        id: id(n),
        expires,
        kid: Array::new([1; 8]),
        sealed: vec![2; 200],
    };
    Carried {
        to,
        room: ROOM.to_owned(),
        via: Vec::new(),
        parcel: Parcel::Envelope(Signed::sign(from, body).to_wire()),
    }
}

/// The same with a signature that nobody made.
fn forged(mut carried: Carried) -> Carried {
    if let Parcel::Envelope(bytes) = &mut carried.parcel {
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
    }
    carried
}

fn outputs(state: &mut State) -> Vec<Output<Event>> {
    std::iter::from_fn(|| state.output()).collect()
}

fn events(state: &mut State) -> Vec<Event> {
    outputs(state)
        .into_iter()
        .filter_map(|output| match output {
            Output::Event(event) => Some(event),
            _ => None,
        })
        .collect()
}

fn delivery(carried: &Carried) -> Event {
    Event::ToPeer {
        peer: carried.to,
        message: FromNode::Carry(carried.clone()),
    }
}

fn undelivered(sender: &Identity, carried: &Carried, n: u8, code: &str) -> Event {
    Event::ToPeer {
        peer: sender.peer_id(),
        message: FromNode::Undelivered(Undelivered {
            id: id(n),
            to: carried.to,
            code: code.to_owned(),
        }),
    }
}

fn gossip(carried: &Carried) -> Event {
    Event::Gossip {
        room: ROOM.to_owned(),
        parcel: carried.parcel.clone(),
    }
}

/// A node with an attached peer.
fn one() -> (State, Identity, Now) {
    let mut state = State::new(Config::default(), node(0));
    let alice = peer(1);
    state.attached(alice.peer_id(), Now::read());
    (state, alice, Now::read())
}
