//! What a node takes from an attached peer.

use super::*;

fn denied(
    change: impl FnOnce(&mut Carried),
    sender: &Identity,
    maker: &Identity,
) -> (Denied, State) {
    let (mut state, _, now) = one();
    state.attached(sender.peer_id(), Now::read());
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
    state.attached(alice.peer_id(), Now::read());
    state.attached(bob.peer_id(), Now::read());
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
    state.attached(alice.peer_id(), Now::read());
    for (n, code) in [(1, "not-attached"), (2, "quota")] {
        let carried = envelope(&alice, peer(2).peer_id(), n, now);
        state
            .carry(alice.peer_id(), carried.clone(), vec![], false, now)
            .unwrap();
        assert_eq!(events(&mut state), [undelivered(&alice, &carried, n, code)]);
    }
}

#[test]
fn a_peer_that_attaches_anew_has_what_was_left() {
    let mut state = State::new(
        Config {
            peer_envelopes: Rate {
                per_second: 10,
                burst: 5,
            },
            ..Config::default()
        },
        node(0),
    );
    let (alice, bob, now) = (peer(1), peer(2).peer_id(), Now::read());
    let mut delivered = 0;
    for n in 0..12 {
        state.attached(alice.peer_id(), now);
        state.attached(bob, now);
        let carried = envelope(&alice, bob, n, now);
        state
            .carry(alice.peer_id(), carried.clone(), Vec::new(), false, now)
            .unwrap();
        delivered += usize::from(events(&mut state).contains(&delivery(&carried)));
        state.detached(alice.peer_id());
    }
    assert_eq!(delivered, 5);
    let later = now.after(Duration::from_secs(1));
    state.attached(alice.peer_id(), later);
    let carried = envelope(&alice, bob, 20, later);
    state
        .carry(alice.peer_id(), carried.clone(), Vec::new(), false, later)
        .unwrap();
    assert_eq!(events(&mut state), [delivery(&carried)]);
}
