//! The rules of discovery: one node, then several with a DHT between them.

use std::{collections::HashMap, time::Duration};

use libp2p::{Multiaddr, PeerId};

use super::{keys::Resource, *};
use crate::{
    clock::Now,
    identity::Identity,
    node::{
        Rate, Reach,
        link::{Output, StateMachine},
        rehearsal::{Dialed, Rehearsal},
    },
    wire::{
        Array, Bytes, Signed, V1,
        attach::{Done, FromNode, Locate, Providers},
        cbor,
        discovery::{DiscoveryFrame, NodeAnnouncement},
        limits,
        node_record::NodeRecord,
        presence::{Leave, PresenceRecord},
    },
};

mod node_records;
mod providing;
mod searching;

const NETWORK: &str = "example.org";
const CID: &str = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e";
const OTHER: &str = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku";

fn peer(n: u8) -> Identity {
    Identity::from_seed([n; 32])
}

fn node(n: u8) -> PeerId {
    node_identity(n).peer_id()
}

fn node_identity(n: u8) -> Identity {
    Identity::from_seed([100 + n; 32])
}

fn key(cid: &str) -> Vec<u8> {
    Resource::of_cid(cid).unwrap().key
}

fn address(text: &str) -> Multiaddr {
    text.parse().unwrap()
}

fn state(n: u8) -> State {
    State::new(Config::default(), NETWORK.to_owned(), node(n))
}

/// Peer `n` provides `cid`, says so for ten minutes.
fn record(n: u8, cid: &str, now: Now) -> Signed<PresenceRecord> {
    changed(n, cid, now, |_| {})
}

fn changed(
    n: u8,
    cid: &str,
    now: Now,
    change: impl FnOnce(&mut PresenceRecord),
) -> Signed<PresenceRecord> {
    let mut record = PresenceRecord {
        v: V1,
        network: NETWORK.to_owned(),
        room: format!("/cid/{cid}"),
        peer: peer(n).peer_id(),
        key: Array::new([0; 32]),
        seq: now.millis,
        expires: now.millis + limits::RECORD_LIFE_MS,
        attach: vec![],
        meta: vec![],
    };
    change(&mut record);
    Signed::sign(&peer(n), record)
}

fn locate(id: u64, cid: &str) -> Locate {
    Locate {
        id,
        cid: cid.to_owned(),
    }
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

fn done(n: u8, id: u64) -> Event {
    Event::ToPeer {
        peer: peer(n).peer_id(),
        message: FromNode::Done(Done { id }),
    }
}

/// What peer `n` is told of providers: the records' bytes, and whether it was the last answer.
fn told(events: &[Event], n: u8) -> (Vec<Bytes>, bool) {
    let mut all = Vec::new();
    let mut ended = false;
    for event in events {
        if let Event::ToPeer {
            peer: whom,
            message: FromNode::Providers(providers),
        } = event
            && *whom == peer(n).peer_id()
        {
            assert!(!ended, "an answer after the last");
            all.extend(providers.records.clone());
            ended = providers.last;
        }
    }
    (all, ended)
}
