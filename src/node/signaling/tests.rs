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
    state.attached(alice.peer_id());
    (state, alice, Now::read())
}

mod at_the_entrance {
    use super::*;

    fn denied(
        change: impl FnOnce(&mut Carried),
        sender: &Identity,
        maker: &Identity,
    ) -> (Denied, State) {
        let (mut state, _, now) = one();
        state.attached(sender.peer_id());
        let mut carried = envelope(maker, peer(2).peer_id(), 1, now);
        change(&mut carried);
        let denied = state
            .carry(sender.peer_id(), carried, vec![node(1)], true, now)
            .unwrap_err();
        (denied, state)
    }

    #[test]
    fn what_is_wrong_in_form_ends_the_attachment() {
        let alice = peer(1);
        let to_another = |carried: &mut Carried| carried.to = peer(3).peer_id();
        let cut = |carried: &mut Carried| {
            carried.parcel = Parcel::Envelope(Bytes::from(vec![0x82, 0x40]));
        };
        let many = |carried: &mut Carried| carried.via = (0..5).map(node).collect();
        let long = |carried: &mut Carried| carried.room = "r".repeat(129);
        let none = |carried: &mut Carried| carried.room.clear();
        let changes: [fn(&mut Carried); 5] = [to_another, cut, many, long, none];
        for change in changes {
            let (denied, mut state) = denied(change, &alice, &alice);
            assert_eq!((denied.code, denied.fatal), ("malformed", true), "{denied}");
            assert!(outputs(&mut state).is_empty());
            assert_eq!(state.summary().refused, 1);
        }
    }

    #[test]
    fn nobody_sends_for_another() {
        let (denied, _) = denied(|_| {}, &peer(1), &peer(5));
        assert_eq!((denied.code, denied.fatal), ("forged", true));
    }

    #[test]
    fn a_peer_that_is_not_attached_sends_nothing() {
        let (mut state, _, now) = one();
        let bob = peer(2);
        let carried = envelope(&bob, peer(1).peer_id(), 1, now);
        let denied = state
            .carry(bob.peer_id(), carried, vec![], true, now)
            .unwrap_err();
        assert!(!denied.fatal, "it may be a race with detaching");
        assert!(outputs(&mut state).is_empty());
    }

    #[test]
    fn what_is_too_late_comes_back() {
        let (mut state, alice, now) = one();
        let carried = expiring(&alice, peer(2).peer_id(), 1, now.millis - 120_001);
        state
            .carry(alice.peer_id(), carried.clone(), vec![node(1)], true, now)
            .unwrap();
        assert_eq!(
            events(&mut state),
            [undelivered(&alice, &carried, 1, "expired")]
        );
        let carried = expiring(&alice, peer(2).peer_id(), 2, now.millis + 150_001);
        let denied = state
            .carry(alice.peer_id(), carried, vec![node(1)], true, now)
            .unwrap_err();
        assert_eq!((denied.code, denied.fatal), ("expired", false));
    }

    #[test]
    fn a_flood_comes_back_and_others_feel_nothing() {
        let now = Now::read();
        let config = Config {
            peer_envelopes: Rate {
                per_second: 1,
                burst: 3,
            },
            ..Config::default()
        };
        let mut state = State::new(config, node(0));
        let (alice, bob) = (peer(1), peer(2));
        state.attached(alice.peer_id());
        state.attached(bob.peer_id());
        for n in 0..5 {
            let carried = envelope(&alice, bob.peer_id(), n, now);
            state
                .carry(alice.peer_id(), carried.clone(), vec![], false, now)
                .unwrap();
            let expected = if n < 3 {
                delivery(&carried)
            } else {
                undelivered(&alice, &carried, n, "quota")
            };
            assert_eq!(events(&mut state), [expected]);
        }
        let carried = envelope(&bob, alice.peer_id(), 9, now);
        state
            .carry(bob.peer_id(), carried.clone(), vec![], false, now)
            .unwrap();
        assert_eq!(events(&mut state), [delivery(&carried)]);
        let later = now.after(Duration::from_secs(1));
        let carried = envelope(&alice, bob.peer_id(), 7, later);
        state
            .carry(alice.peer_id(), carried.clone(), vec![], false, later)
            .unwrap();
        assert_eq!(events(&mut state), [delivery(&carried)]);
    }

    #[test]
    fn bytes_are_counted_as_well() {
        let now = Now::read();
        let config = Config {
            peer_bytes: Rate {
                per_second: 1,
                burst: 500,
            },
            ..Config::default()
        };
        let mut state = State::new(config, node(0));
        let alice = peer(1);
        state.attached(alice.peer_id());
        for (n, code) in [(1, "not-attached"), (2, "quota")] {
            let carried = envelope(&alice, peer(2).peer_id(), n, now);
            state
                .carry(alice.peer_id(), carried.clone(), vec![], false, now)
                .unwrap();
            assert_eq!(events(&mut state), [undelivered(&alice, &carried, n, code)]);
        }
    }
}

mod paths {
    use super::*;

    fn carry(
        state: &mut State,
        from: &Identity,
        carried: &Carried,
        via: &[PeerId],
        room: bool,
        now: Now,
    ) {
        state
            .carry(from.peer_id(), carried.clone(), via.to_vec(), room, now)
            .unwrap();
    }

    /// Whom frames go to, and whom dials.
    fn moves(state: &mut State) -> Vec<(&'static str, PeerId)> {
        outputs(state)
            .into_iter()
            .map(|output| match output {
                Output::Send(node, _) => ("send", node),
                Output::Dial(node) => ("dial", node),
                Output::Event(Event::ToPeer { peer, message }) => match message {
                    FromNode::Carry(_) => ("deliver", peer),
                    _ => ("undelivered", peer),
                },
                Output::Event(Event::Gossip { .. }) => ("gossip", node(0)),
            })
            .collect()
    }

    #[test]
    fn a_receiver_at_the_same_node_gets_it_without_its_way() {
        let (mut state, alice, now) = one();
        let bob = peer(2).peer_id();
        state.attached(bob);
        let mut carried = envelope(&alice, bob, 1, now);
        carried.via = vec![node(0), node(1)];
        carry(&mut state, &alice, &carried, &[node(0), node(1)], true, now);
        carried.via.clear();
        assert_eq!(events(&mut state), [delivery(&carried)]);
        assert_eq!(state.summary().delivered_here, 1);
    }

    #[test]
    fn a_linked_node_goes_before_a_better_ranked_one() {
        let (mut state, alice, now) = one();
        state.linked(node(2), &address(), now);
        let carried = envelope(&alice, peer(2).peer_id(), 1, now);
        carry(&mut state, &alice, &carried, &[node(1), node(2)], true, now);
        assert_eq!(moves(&mut state), [("send", node(2))]);
    }

    #[test]
    fn a_hop_carries_the_frame_of_the_specification() {
        let (mut state, alice, now) = one();
        state.linked(node(1), &address(), now);
        let mut carried = envelope(&alice, peer(2).peer_id(), 1, now);
        carried.via = vec![node(1)];
        carry(&mut state, &alice, &carried, &[node(1)], true, now);
        carried.via.clear();
        let expected = cbor::encode(&SignalFrame::Carry(carried));
        match outputs(&mut state).as_slice() {
            [Output::Send(_, frame)] => assert_eq!(*frame, expected),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_retry_takes_the_next_path() {
        let (mut state, alice, now) = one();
        let bob = peer(2).peer_id();
        let via = [node(0), node(1), node(2), node(3), node(1)];
        for n in 1..4 {
            state.linked(node(n), &address(), now);
        }
        let carried = envelope(&alice, bob, 1, now);
        let mut seen = Vec::new();
        for _ in 0..5 {
            carry(&mut state, &alice, &carried, &via, true, now);
            seen.push(moves(&mut state));
        }
        assert_eq!(seen[0], [("send", node(1))]);
        assert_eq!(seen[1], [("send", node(2)), ("send", node(3))]);
        assert_eq!(seen[2], [("gossip", node(0))]);
        // What was gossiped once isn't gossiped again, and the hops begin anew.
        assert!(!seen[3].is_empty() && !seen[3].contains(&("gossip", node(0))));
        assert!(!seen[4].is_empty() && !seen[4].contains(&("gossip", node(0))));
    }

    #[test]
    fn a_retry_to_a_receiver_here_goes_over_its_other_node() {
        let (mut state, alice, now) = one();
        let bob = peer(2).peer_id();
        state.attached(bob);
        state.linked(node(1), &address(), now);
        let carried = envelope(&alice, bob, 1, now);
        carry(
            &mut state,
            &alice,
            &carried,
            &[node(0), node(1)],
            false,
            now,
        );
        assert_eq!(moves(&mut state), [("deliver", bob)]);
        carry(
            &mut state,
            &alice,
            &carried,
            &[node(0), node(1)],
            false,
            now,
        );
        assert_eq!(moves(&mut state), [("send", node(1))]);
        carry(
            &mut state,
            &alice,
            &carried,
            &[node(0), node(1)],
            false,
            now,
        );
        assert_eq!(moves(&mut state), [("deliver", bob)]);
    }

    #[test]
    fn nowhere_to_go_is_said_at_once() {
        let (mut state, alice, now) = one();
        let carried = envelope(&alice, peer(2).peer_id(), 1, now);
        carry(&mut state, &alice, &carried, &[], false, now);
        assert_eq!(
            events(&mut state),
            [undelivered(&alice, &carried, 1, "not-attached")]
        );
    }

    #[test]
    fn two_nodes_are_dialed_and_the_first_to_answer_gets_it() {
        let (mut state, alice, now) = one();
        let via = [node(1), node(2), node(3)];
        let carried = envelope(&alice, peer(2).peer_id(), 1, now);
        carry(&mut state, &alice, &carried, &via, false, now);
        assert_eq!(moves(&mut state), [("dial", node(1)), ("dial", node(2))]);
        state.linked(node(2), &address(), now);
        assert_eq!(moves(&mut state), [("send", node(2))]);
        state.linked(node(1), &address(), now);
        assert!(moves(&mut state).is_empty());
    }

    #[test]
    fn a_failed_dial_makes_way_for_the_next() {
        let (mut state, alice, now) = one();
        let via = [node(1), node(2), node(3)];
        let carried = envelope(&alice, peer(2).peer_id(), 1, now);
        carry(&mut state, &alice, &carried, &via, false, now);
        moves(&mut state);
        state.unlinked(node(1), now);
        assert_eq!(moves(&mut state), [("dial", node(3))]);
        state.unlinked(node(2), now);
        assert!(moves(&mut state).is_empty());
        state.unlinked(node(3), now);
        assert_eq!(moves(&mut state), [("undelivered", alice.peer_id())]);
        assert_eq!(state.summary().held, 0);
    }

    #[test]
    fn a_dial_is_given_up_after_a_second() {
        let (mut state, alice, now) = one();
        let carried = envelope(&alice, peer(2).peer_id(), 1, now);
        carry(&mut state, &alice, &carried, &[node(1)], true, now);
        assert_eq!(moves(&mut state), [("dial", node(1))]);
        let second = now.after(Duration::from_secs(1));
        assert_eq!(state.deadline(), Some(second.instant));
        state.expired(now.after(Duration::from_millis(999)));
        assert!(moves(&mut state).is_empty());
        state.expired(second);
        assert_eq!(moves(&mut state), [("gossip", node(0))]);
        assert_eq!(state.summary().dials_failed, 1);
    }

    #[test]
    fn waiting_envelopes_share_one_dial() {
        let (mut state, alice, now) = one();
        for n in 1..4 {
            let carried = envelope(&alice, peer(2).peer_id(), n, now);
            carry(&mut state, &alice, &carried, &[node(1)], false, now);
        }
        assert_eq!(moves(&mut state), [("dial", node(1))]);
        state.linked(node(1), &address(), now);
        assert_eq!(moves(&mut state), [("send", node(1)); 3]);
    }

    #[test]
    fn a_lost_link_is_a_refusal() {
        let (mut state, alice, now) = one();
        state.linked(node(1), &address(), now);
        state.linked(node(2), &address(), now);
        let carried = envelope(&alice, peer(2).peer_id(), 1, now);
        carry(
            &mut state,
            &alice,
            &carried,
            &[node(1), node(2)],
            false,
            now,
        );
        assert_eq!(moves(&mut state), [("send", node(1))]);
        state.unlinked(node(1), now);
        assert_eq!(moves(&mut state), [("send", node(2))]);
    }

    #[test]
    fn only_a_node_that_was_asked_may_refuse() {
        let (mut state, alice, now) = one();
        for n in 1..4 {
            state.linked(node(n), &address(), now);
        }
        let carried = envelope(&alice, peer(2).peer_id(), 1, now);
        carry(&mut state, &alice, &carried, &[node(1), node(2)], true, now);
        moves(&mut state);
        let refusal = |n| {
            cbor::encode(&SignalFrame::Undelivered(Undelivered {
                id: id(n),
                to: peer(2).peer_id(),
                code: "not-attached".to_owned(),
            }))
        };
        state.received(node(3), &refusal(1), now).unwrap();
        state.received(node(2), &refusal(1), now).unwrap();
        state.received(node(1), &refusal(2), now).unwrap();
        assert!(moves(&mut state).is_empty());
        state.received(node(1), &refusal(1), now).unwrap();
        assert_eq!(moves(&mut state), [("send", node(2))]);
        state.received(node(1), &refusal(1), now).unwrap();
        assert!(moves(&mut state).is_empty(), "once is enough");
        state.received(node(2), &refusal(1), now).unwrap();
        assert_eq!(moves(&mut state), [("gossip", node(0))]);
    }

    #[test]
    fn a_forged_envelope_is_never_gossiped() {
        let (mut state, alice, now) = one();
        let carried = forged(envelope(&alice, peer(2).peer_id(), 1, now));
        let denied = state
            .carry(alice.peer_id(), carried.clone(), vec![], true, now)
            .unwrap_err();
        assert_eq!((denied.code, denied.fatal), ("forged", true));
        state.linked(node(1), &address(), now);
        let carried = forged(envelope(&alice, peer(2).peer_id(), 2, now));
        carry(&mut state, &alice, &carried, &[node(1)], true, now);
        moves(&mut state);
        state.unlinked(node(1), now);
        assert!(moves(&mut state).is_empty());
        assert_eq!(state.summary().gossiped, 0);
    }

    #[test]
    fn gossip_has_a_budget_of_its_own() {
        let (mut state, alice, now) = one();
        let burst = Config::default().peer_gossip.burst;
        for n in 0..30 {
            let carried = envelope(&alice, peer(2).peer_id(), n, now);
            carry(&mut state, &alice, &carried, &[], true, now);
        }
        assert_eq!(state.summary().gossiped, u64::from(burst));
        assert_eq!(state.summary().over_budget, 30 - u64::from(burst));
    }

    #[test]
    fn what_is_held_is_bounded_and_ends() {
        let now = Now::read();
        let config = Config {
            held: 10,
            ..Config::default()
        };
        let mut state = State::new(config, node(0));
        let alice = peer(1);
        state.attached(alice.peer_id());
        state.linked(node(1), &address(), now);
        for n in 0..50 {
            let carried = envelope(&alice, peer(2).peer_id(), n, now);
            carry(&mut state, &alice, &carried, &[node(1)], false, now);
            assert!(state.summary().held <= 10);
        }
        assert!(state.summary().held_bytes > 0);
        moves(&mut state);
        state.expired(now.after(Duration::from_secs(2)));
        assert!(moves(&mut state).is_empty(), "no answer is a good answer");
        assert_eq!((state.summary().held, state.summary().held_bytes), (0, 0));
        assert_eq!(state.deadline(), None);
    }

    #[test]
    fn dials_are_bounded() {
        let now = Now::read();
        let config = Config {
            dials: 4,
            ..Config::default()
        };
        let mut state = State::new(config, node(0));
        let alice = peer(1);
        state.attached(alice.peer_id());
        for n in 0..8 {
            let carried = envelope(&alice, peer(2).peer_id(), n, now);
            carry(&mut state, &alice, &carried, &[node(n + 1)], false, now);
        }
        let moves = moves(&mut state);
        assert_eq!(moves.iter().filter(|(what, _)| *what == "dial").count(), 4);
        assert_eq!(
            moves
                .iter()
                .filter(|(what, _)| *what == "undelivered")
                .count(),
            4
        );
    }
}

mod from_a_neighbour {
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
        state.attached(peer(1).peer_id());
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
}

mod by_gossip {
    use super::*;

    #[test]
    fn finds_its_receiver_blinded() {
        let (mut state, alice, now) = one();
        state.attached(peer(3).peer_id());
        let carried = envelope(&peer(2), alice.peer_id(), 1, now);
        let verdict = state.gossip(carried.parcel.clone(), ROOM, now);
        assert_eq!(verdict, Verdict::Accept);
        assert_eq!(events(&mut state), [delivery(&carried)]);
        let other = envelope(&peer(2), peer(9).peer_id(), 2, now);
        assert_eq!(state.gossip(other.parcel, ROOM, now), Verdict::Accept);
        assert!(events(&mut state).is_empty());
    }

    #[test]
    fn is_judged_before_it_goes_on() {
        let (mut state, alice, now) = one();
        let to = alice.peer_id();
        let bad = forged(envelope(&peer(2), to, 1, now));
        assert_eq!(state.gossip(bad.parcel, ROOM, now), Verdict::Reject);
        let late = expiring(&peer(2), to, 2, now.millis - 120_001);
        assert_eq!(state.gossip(late.parcel, ROOM, now), Verdict::Ignore);
        let early = expiring(&peer(2), to, 3, now.millis + 150_001);
        assert_eq!(state.gossip(early.parcel, ROOM, now), Verdict::Ignore);
        let junk = Parcel::StaleKey(Bytes::from(vec![0x80]));
        assert_eq!(state.gossip(junk, ROOM, now), Verdict::Reject);
        assert!(events(&mut state).is_empty());
        let good = envelope(&peer(2), to, 1, now);
        assert_eq!(
            state.gossip(good.parcel.clone(), ROOM, now),
            Verdict::Accept,
            "the forgery didn't take its place"
        );
        assert_eq!(state.gossip(good.parcel, ROOM, now), Verdict::Ignore);
    }

    #[test]
    fn a_flood_is_ignored_before_it_costs() {
        let now = Now::read();
        let config = Config {
            gossip: Rate {
                per_second: 1,
                burst: 2,
            },
            ..Config::default()
        };
        let mut state = State::new(config, node(0));
        let verdicts: Vec<_> = (0..4)
            .map(|n| {
                let carried = envelope(&peer(2), peer(1).peer_id(), n, now);
                state.gossip(carried.parcel, ROOM, now)
            })
            .collect();
        assert_eq!(verdicts[..2], [Verdict::Accept; 2]);
        assert_eq!(verdicts[2..], [Verdict::Ignore; 2]);
    }
}

mod among_nodes {
    use super::*;

    /// Three nodes: Alice at node 0, Bob at node 2.
    fn stage() -> (Rehearsal<State>, Identity, PeerId) {
        let mut stage = Rehearsal::new();
        for n in 0..3 {
            let state = State::new(Config::default(), node(n));
            stage.enter(node(n), &format!("/ip4/10.0.0.{n}/tcp/4001"), state);
        }
        let (alice, bob) = (peer(1), peer(2).peer_id());
        stage.state(node(0)).attached(alice.peer_id());
        stage.state(node(2)).attached(bob);
        (stage, alice, bob)
    }

    fn carry(
        stage: &mut Rehearsal<State>,
        from: &Identity,
        carried: &Carried,
        via: &[PeerId],
        in_room: bool,
    ) {
        let now = stage.now;
        stage
            .state(node(0))
            .carry(from.peer_id(), carried.clone(), via.to_vec(), in_room, now)
            .unwrap();
    }

    #[test]
    fn one_hop_brings_it_there() {
        let (mut stage, alice, bob) = stage();
        stage.link(node(0), node(2));
        let carried = envelope(&alice, bob, 1, stage.now);
        carry(&mut stage, &alice, &carried, &[node(2)], false);
        stage.run(Duration::from_millis(50));
        assert_eq!(stage.take(node(2)), [delivery(&carried)]);
        assert_eq!(stage.frames.len(), 1);
    }

    #[test]
    fn a_node_that_is_not_linked_is_dialed() {
        let (mut stage, alice, bob) = stage();
        let carried = envelope(&alice, bob, 1, stage.now);
        carry(&mut stage, &alice, &carried, &[node(2)], false);
        stage.run(Duration::from_millis(100));
        assert_eq!(stage.take(node(2)), [delivery(&carried)]);
        assert_eq!(stage.dials, [(node(0), node(2))]);
    }

    #[test]
    fn a_wrong_node_sends_it_on_to_the_right_one() {
        let (mut stage, alice, bob) = stage();
        stage.link(node(0), node(1));
        stage.link(node(0), node(2));
        let carried = envelope(&alice, bob, 1, stage.now);
        carry(&mut stage, &alice, &carried, &[node(1), node(2)], false);
        stage.run(Duration::from_millis(100));
        assert_eq!(stage.take(node(2)), [delivery(&carried)]);
        assert!(stage.take(node(0)).is_empty());
    }

    #[test]
    fn wrong_nodes_all_over_end_in_gossip_or_a_word_to_the_sender() {
        for in_room in [true, false] {
            let (mut stage, alice, bob) = stage();
            stage.state(node(2)).detached(bob);
            stage.link(node(0), node(1));
            let carried = envelope(&alice, bob, 1, stage.now);
            carry(&mut stage, &alice, &carried, &[node(1), node(2)], in_room);
            stage.run(Duration::from_millis(200));
            let expected = if in_room {
                gossip(&carried)
            } else {
                undelivered(&alice, &carried, 1, "not-attached")
            };
            assert_eq!(stage.take(node(0)), [expected]);
        }
    }

    #[test]
    fn a_silent_dial_costs_a_second() {
        let (mut stage, alice, bob) = stage();
        stage.dialed(node(1), Dialed::Silent);
        stage.dialed(node(2), Dialed::Silent);
        let carried = envelope(&alice, bob, 1, stage.now);
        carry(&mut stage, &alice, &carried, &[node(1), node(2)], false);
        stage.run(Duration::from_millis(990));
        assert!(stage.take(node(0)).is_empty());
        stage.run(Duration::from_millis(20));
        assert_eq!(
            stage.take(node(0)),
            [undelivered(&alice, &carried, 1, "not-attached")]
        );
    }

    #[test]
    fn a_retry_reaches_the_receiver_where_the_first_was_swallowed() {
        let (mut stage, alice, bob) = stage();
        stage.link(node(0), node(1));
        stage.link(node(0), node(2));
        // Node 1 claims Bob as its own and does nothing: as a node that drops envelopes.
        stage.state(node(1)).attached(bob);
        let carried = envelope(&alice, bob, 1, stage.now);
        carry(&mut stage, &alice, &carried, &[node(1), node(2)], true);
        stage.run(Duration::from_millis(700));
        assert!(stage.take(node(2)).is_empty());
        carry(&mut stage, &alice, &carried, &[node(1), node(2)], true);
        stage.run(Duration::from_millis(100));
        assert_eq!(stage.take(node(2)), [delivery(&carried)]);
    }

    #[test]
    fn gossip_reaches_who_is_attached_nowhere_known() {
        let (mut stage, alice, bob) = stage();
        let carried = envelope(&alice, bob, 1, stage.now);
        carry(&mut stage, &alice, &carried, &[], true);
        stage.run(Duration::ZERO);
        let now = stage.now;
        for event in stage.take(node(0)) {
            let Event::Gossip { room, parcel } = event else {
                panic!("{event:?}");
            };
            for n in [1, 2] {
                let verdict = stage.state(node(n)).gossip(parcel.clone(), &room, now);
                assert_eq!(verdict, Verdict::Accept);
            }
        }
        stage.run(Duration::ZERO);
        assert_eq!(stage.take(node(2)), [delivery(&carried)]);
        assert!(stage.take(node(1)).is_empty());
    }

    #[test]
    fn an_answer_finds_its_way_back() {
        let (mut stage, alice, bob) = stage();
        let offer = envelope(&alice, bob, 1, stage.now);
        carry(&mut stage, &alice, &offer, &[node(2)], false);
        stage.run(Duration::from_millis(100));
        stage.take(node(2));
        let answer = envelope(&peer(2), alice.peer_id(), 2, stage.now);
        let now = stage.now;
        stage
            .state(node(2))
            .carry(bob, answer.clone(), vec![node(0)], false, now)
            .unwrap();
        stage.run(Duration::from_millis(100));
        assert_eq!(stage.take(node(0)), [delivery(&answer)]);
        assert_eq!(stage.dials.len(), 1, "over the same link");
    }
}

mod hostile {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn frames_never_panic(frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..20)) {
            let (mut state, _, now) = one();
            state.linked(node(1), &address(), now);
            for frame in frames {
                let _ = state.received(node(1), &frame, now);
                outputs(&mut state);
            }
        }

        /// Whatever happens in whatever order: nothing held outlives its time, and every
        /// envelope that was never sent anywhere is answered.
        #[test]
        fn everything_ends(steps in prop::collection::vec((0u8..8, 0u8..6, 0u64..900), 1..80)) {
            let (mut state, alice, mut now) = one();
            let bob = peer(2).peer_id();
            for (what, n, ms) in steps {
                now = now.after(Duration::from_millis(ms));
                match what {
                    0 => state.linked(node(n), &address(), now),
                    1 => state.unlinked(node(n), now),
                    2 => {
                        let refusal = SignalFrame::Undelivered(Undelivered {
                            id: id(n),
                            to: bob,
                            code: "not-attached".to_owned(),
                        });
                        let _ = state.received(node(n), &cbor::encode(&refusal), now);
                    }
                    3 => state.expired(now),
                    _ => {
                        let via = (n..n + 3).map(node).collect();
                        let carried = envelope(&alice, bob, n, now);
                        let _ = state.carry(alice.peer_id(), carried, via, what == 4, now);
                    }
                }
                outputs(&mut state);
            }
            for _ in 0..4 {
                now = now.after(Duration::from_secs(1));
                state.expired(now);
            }
            prop_assert_eq!(state.deadline(), None);
            prop_assert_eq!(state.summary().held, 0);
            prop_assert_eq!(state.summary().held_bytes, 0);
        }
    }
}
