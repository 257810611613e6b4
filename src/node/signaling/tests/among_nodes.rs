//! Envelopes between several nodes, in virtual time.

use super::*;

/// Three nodes: Alice at node 0, Bob at node 2.
fn stage() -> (Rehearsal<State>, Identity, PeerId) {
    let mut stage = Rehearsal::new();
    for n in 0..3 {
        let state = State::new(Config::default(), node(n));
        stage.enter(node(n), &format!("/ip4/10.0.0.{n}/tcp/4001"), state);
    }
    let (alice, bob) = (peer(1), peer(2).peer_id());
    stage.state(node(0)).attached(alice.peer_id(), Now::read());
    stage.state(node(2)).attached(bob, Now::read());
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
    stage.state(node(1)).attached(bob, Now::read());
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
