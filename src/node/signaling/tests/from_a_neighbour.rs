//! What a node takes from a neighbour.

use super::*;

fn frame(carried: &Carried) -> Vec<u8> {
    cbor::encode(&SignalFrame::Carry(carried.clone()))
}

/// What the neighbour is told.
fn answer(state: &mut State) -> Option<Undelivered> {
    outputs(state).into_iter().find_map(|output| match output {
        Output::Send(_, frame) => match cbor::decode("frame", &frame, 1000).unwrap() {
            SignalFrame::Undelivered(undelivered) => Some(undelivered),
            other => panic!("{other:?}"),
        },
        _ => None,
    })
}

#[test]
fn delivers_to_a_peer_of_its_own() {
    let (mut state, alice, now) = one();
    state.linked(node(1), &address(), now);
    let carried = envelope(&peer(2), alice.peer_id(), 1, now);
    state.received(node(1), &frame(&carried), now).unwrap();
    assert_eq!(events(&mut state), [delivery(&carried)]);
    assert_eq!(state.summary().delivered_by_node, 1);
}

#[test]
fn says_what_it_does_not_deliver() {
    let (mut state, alice, now) = one();
    state.linked(node(1), &address(), now);
    let bob = peer(2);
    let cases = [
        (envelope(&bob, peer(3).peer_id(), 1, now), "not-attached"),
        (
            expiring(&bob, alice.peer_id(), 2, now.millis - 120_001),
            "expired",
        ),
        (
            expiring(&bob, alice.peer_id(), 3, now.millis + 150_001),
            "expired",
        ),
    ];
    for (carried, code) in cases {
        state.received(node(1), &frame(&carried), now).unwrap();
        assert_eq!(answer(&mut state).unwrap().code, code);
    }
}

#[test]
fn a_neighbour_has_a_budget() {
    let now = Now::read();
    let config = Config {
        node_envelopes: Rate {
            per_second: 1,
            burst: 1,
        },
        ..Config::default()
    };
    let mut state = State::new(config, node(0));
    state.attached(peer(1).peer_id(), Now::read());
    state.linked(node(1), &address(), now);
    state.linked(node(2), &address(), now);
    for (from, n, refused) in [(1, 1, false), (1, 2, true), (2, 3, false)] {
        let carried = envelope(&peer(2), peer(1).peer_id(), n, now);
        state.received(node(from), &frame(&carried), now).unwrap();
        let code = answer(&mut state).map(|undelivered| undelivered.code);
        assert_eq!(code.as_deref(), refused.then_some("quota"));
    }
}

#[test]
fn repetitions_are_handed_on_within_measure() {
    let (mut state, alice, now) = one();
    state.linked(node(1), &address(), now);
    let carried = envelope(&peer(2), alice.peer_id(), 1, now);
    for _ in 0..20 {
        state.received(node(1), &frame(&carried), now).unwrap();
    }
    assert_eq!(events(&mut state).len(), 4);
    assert_eq!(state.summary().duplicates, 16);
}

#[test]
fn what_is_malformed_ends_the_link() {
    let (mut state, alice, now) = one();
    state.linked(node(1), &address(), now);
    let mut other = envelope(&peer(2), alice.peer_id(), 1, now);
    other.parcel = Parcel::Envelope(Bytes::from(vec![1, 2, 3]));
    assert!(state.received(node(1), &frame(&other), now).is_err());
    let mut wrong_tag = envelope(&peer(2), peer(3).peer_id(), 1, now);
    wrong_tag.to = alice.peer_id();
    assert!(state.received(node(1), &frame(&wrong_tag), now).is_err());
    assert!(state.received(node(1), &[0xff], now).is_err());
    assert!(outputs(&mut state).is_empty());
}

#[test]
fn an_unknown_neighbour_is_not_listened_to() {
    let (mut state, alice, now) = one();
    let carried = envelope(&peer(2), alice.peer_id(), 1, now);
    state.received(node(1), &frame(&carried), now).unwrap();
    assert!(outputs(&mut state).is_empty());
}
