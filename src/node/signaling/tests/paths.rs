//! Which way an envelope takes, and which next.

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
    state.attached(bob, Now::read());
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
    state.attached(bob, Now::read());
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
    state.attached(alice.peer_id(), Now::read());
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
    state.attached(alice.peer_id(), Now::read());
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
