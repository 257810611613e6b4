//! What a node takes from gossip.

use super::*;

#[test]
fn finds_its_receiver_blinded() {
    let (mut state, alice, now) = one();
    state.attached(peer(3).peer_id(), Now::read());
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
