//! What others may send, and what becomes of it.

use proptest::prelude::*;

use super::*;
use crate::wire::presence::{Count, Difference, Digest, RoomChanges};

/// A node with one member of its own.
fn node() -> (Node, Peer, Now) {
    let (mut node, now) = (Node::new(), Now::read());
    let mut peer = Peer::new(now);
    node.state
        .join(peer.record(&[node.id()], now), now)
        .unwrap();
    node.outputs();
    (node, peer, now)
}

fn far() -> [PeerId; 2] {
    [PeerId::random(), PeerId::random()]
}

#[test]
fn what_is_new_is_accepted_once() {
    let (mut node, _, now) = node();
    let mut peer = Peer::new(now);
    let record = peer.record(&far(), now);
    let mut gossip = |changes: Changes| node.state.gossip(&lobby(), changes, now);
    assert_eq!(gossip(records(&[&record])), Verdict::Accept);
    assert_eq!(gossip(records(&[&record])), Verdict::Ignore, "a replay");
    let newer = peer.record(&far(), now);
    assert_eq!(gossip(records(&[&newer])), Verdict::Accept);
    assert_eq!(gossip(records(&[&record])), Verdict::Ignore, "older");
    let leave = peer.leave();
    assert_eq!(gossip(leaves(&[&leave])), Verdict::Accept);
    assert_eq!(gossip(leaves(&[&leave])), Verdict::Ignore);
    assert_eq!(
        gossip(records(&[&newer])),
        Verdict::Ignore,
        "the tombstone holds"
    );
    let back = peer.record(&far(), now);
    assert_eq!(gossip(records(&[&back])), Verdict::Accept);
    assert_eq!(
        gossip(leaves(&[&leave])),
        Verdict::Ignore,
        "an old leave is void"
    );
    assert_eq!(gossip(Changes::default()), Verdict::Ignore);
    assert!(node.has(&peer));
}

#[test]
fn a_tombstone_holds_until_the_record_is_over() {
    let (mut node, mut own, now) = node();
    let mut peer = Peer::new(now);
    let record = peer.record(&far(), now);
    node.state.gossip(&lobby(), records(&[&record]), now);
    node.state.gossip(&lobby(), leaves(&[&peer.leave()]), now);
    let mut last = now;
    for minute in 1..=20 {
        let then = now.after(secs(60 * minute));
        node.run(last, then);
        node.state
            .join(own.record(&[node.id()], then), then)
            .unwrap();
        let verdict = node.state.gossip(&lobby(), records(&[&record]), then);
        assert_eq!(verdict, Verdict::Ignore, "minute {minute}");
        assert!(!node.has(&peer));
        last = then;
    }
    assert_eq!(node.state.summary().tombstones, 0, "forgotten in the end");
    assert_eq!(node.state.summary().records, 1);
}

#[test]
fn the_forged_is_rejected() {
    let (mut node, own, now) = node();
    let mut peer = Peer::new(now);
    let record = peer.record(&far(), now);
    let mut wire = record.bytes().to_vec();
    let last = wire.len() - 1;
    wire[last] ^= 1;
    let forged = Changes {
        records: vec![Bytes::from(wire)],
        ..Changes::default()
    };
    let mut gossip = |changes: Changes| node.state.gossip(&lobby(), changes, now);
    assert_eq!(gossip(forged.clone()), Verdict::Reject);
    let garbage = Changes {
        leaves: vec![Bytes::from(b"garbage".to_vec())],
        ..Changes::default()
    };
    assert_eq!(gossip(garbage), Verdict::Reject);
    let mut mixed = records(&[&record]);
    mixed.records.extend(forged.records);
    assert_eq!(gossip(mixed), Verdict::Reject);
    assert_eq!(
        node.members(ROOM),
        [own.id()].into(),
        "nothing of it counts"
    );
    let counted = node.state.summary().gossip_rejected;
    assert_eq!(counted, 3);
}

#[test]
fn another_room_or_network_is_rejected() {
    let (mut node, _, now) = node();
    let mut peer = Peer::new(now);
    let elsewhere = peer.record_in("elsewhere", &far(), now);
    let mut gossip = |changes: Changes| node.state.gossip(&lobby(), changes, now);
    assert_eq!(gossip(records(&[&elsewhere])), Verdict::Reject);
    let mut body = peer.body(ROOM, &far(), now);
    body.network = "other".into();
    let foreign = Signed::sign(&peer.identity, body);
    assert_eq!(gossip(records(&[&foreign])), Verdict::Reject);
    let leave = peer.leave_of("elsewhere");
    assert_eq!(gossip(leaves(&[&leave])), Verdict::Reject);
    let record = peer.record(&far(), now);
    let many = vec![&record; 65];
    assert_eq!(gossip(records(&many)), Verdict::Reject, "more than 64");
    let verdict = node.state.gossip("v1/unknown", records(&[&record]), now);
    assert_eq!(verdict, Verdict::Ignore);
}

#[test]
fn the_expired_and_the_future_are_ignored() {
    let (mut node, own, now) = node();
    let mut peer = Peer::new(now);
    let mut verdict = |change: fn(&mut PresenceRecord)| {
        let mut body = peer.body(ROOM, &far(), now);
        change(&mut body);
        let record = Signed::sign(&peer.identity, body);
        node.state.gossip(&lobby(), records(&[&record]), now)
    };
    assert_eq!(verdict(|body| body.expires -= 720_000), Verdict::Ignore);
    assert_eq!(verdict(|body| body.expires = 0), Verdict::Ignore);
    assert_eq!(verdict(|body| body.expires += 121_000), Verdict::Ignore);
    assert_eq!(verdict(|body| body.expires = u64::MAX), Verdict::Ignore);
    assert_eq!(verdict(|body| body.seq += 121_000), Verdict::Ignore);
    assert_eq!(verdict(|body| body.seq = u64::MAX), Verdict::Ignore);
    assert_eq!(
        verdict(|body| body.attach.clear()),
        Verdict::Ignore,
        "attached to nothing"
    );
    assert_eq!(node.members(ROOM), [own.id()].into());
    let mut peer = Peer::new(now);
    let record = peer.record(&far(), now);
    node.state.gossip(&lobby(), records(&[&record]), now);
    peer.seq = u64::MAX - 1;
    let verdict = node.state.gossip(&lobby(), leaves(&[&peer.leave()]), now);
    assert_eq!(verdict, Verdict::Ignore);
    assert!(node.has(&peer));
}

#[test]
fn a_leave_by_somebody_else_changes_nothing() {
    let (mut node, own, now) = node();
    let liar = Identity::generate();
    let body = Leave {
        v: V1,
        network: NETWORK.into(),
        room: ROOM.into(),
        peer: own.id(),
        seq: own.seq + 1,
    };
    let encoded = cbor::encode(&body);
    let signature = liar.sign("velox/leave/1", &encoded);
    let wire = cbor::encode(&(Bytes::from(encoded), Array::new(signature)));
    let changes = Changes {
        leaves: vec![Bytes::from(wire)],
        ..Changes::default()
    };
    assert_eq!(node.state.gossip(&lobby(), changes, now), Verdict::Reject);
    assert!(node.has(&own));
}

#[test]
fn a_node_voids_its_own_attachment_only() {
    let (mut node, own, now) = node();
    let (x, y, z) = (
        Identity::generate(),
        Identity::generate(),
        Identity::generate(),
    );
    let mut peer = Peer::new(now);
    let record = peer.record(&[x.peer_id(), y.peer_id()], now);
    let mut gossip = |changes: Changes| node.state.gossip(&lobby(), changes, now);
    assert_eq!(gossip(records(&[&record])), Verdict::Accept);
    let word = |by: &Identity, seq: u64| detached(by, &peer, seq);
    assert_eq!(gossip(detaches(&[&word(&z, record.seq)])), Verdict::Ignore);
    assert_eq!(
        gossip(detaches(&[&word(&x, record.seq - 1)])),
        Verdict::Ignore,
        "older"
    );
    assert_eq!(
        gossip(detaches(&[&word(&x, u64::MAX)])),
        Verdict::Ignore,
        "future"
    );
    assert_eq!(gossip(detaches(&[&word(&x, record.seq)])), Verdict::Accept);
    assert_eq!(gossip(detaches(&[&word(&x, record.seq)])), Verdict::Ignore);
    let stranger = detached(&x, &Peer::new(now), record.seq);
    assert_eq!(
        gossip(detaches(&[&stranger])),
        Verdict::Ignore,
        "of an unknown peer"
    );
    let of_own = detached(&x, &own, own.seq);
    assert_eq!(gossip(detaches(&[&of_own])), Verdict::Ignore);
    assert_eq!(node.state.attachments_of(ROOM, &peer.id()), [y.peer_id()]);
    let mut gossip = |changes: Changes| node.state.gossip(&lobby(), changes, now);
    assert_eq!(
        gossip(detaches(&[&word(&y, record.seq + 5)])),
        Verdict::Accept
    );
    assert!(!node.has(&peer), "every attachment is void");
    assert!(node.has(&own));
    let mut gossip = |changes: Changes| node.state.gossip(&lobby(), changes, now);
    assert_eq!(gossip(records(&[&record])), Verdict::Ignore);
    let again = peer.record(&[x.peer_id(), y.peer_id()], now);
    assert_eq!(gossip(records(&[&again])), Verdict::Accept);
    assert_eq!(
        node.state.attachments_of(ROOM, &peer.id()),
        [x.peer_id()],
        "a higher sequence overrides, but y has spoken about later records too"
    );
}

#[test]
fn a_leave_that_overtakes_its_record_holds() {
    let (mut node, _, now) = node();
    let mut peer = Peer::new(now);
    let record = peer.record(&far(), now);
    let leave = peer.leave();
    let mut gossip = |changes: Changes| node.state.gossip(&lobby(), changes, now);
    assert_eq!(
        gossip(leaves(&[&leave])),
        Verdict::Ignore,
        "of an unknown peer"
    );
    assert_eq!(gossip(records(&[&record])), Verdict::Ignore);
    assert!(!node.has(&peer));
}

#[test]
fn two_records_of_one_sequence_end_the_same_everywhere() {
    let now = Now::read();
    let (mut a, _, _) = node();
    let (mut b, _, _) = node();
    let mut peer = Peer::new(now);
    let first = peer.record(&far(), now);
    peer.seq -= 1;
    let mut body = peer.body(ROOM, &far(), now);
    body.seq = first.seq;
    let second = Signed::sign(&peer.identity, body);
    for (node, order) in [(&mut a, [&first, &second]), (&mut b, [&second, &first])] {
        for record in order {
            node.state.gossip(&lobby(), records(&[record]), now);
        }
    }
    let at = |node: &Node| node.state.attachments_of(ROOM, &peer.id());
    assert_eq!(at(&a), at(&b));
}

#[test]
fn a_flood_is_bounded_and_keeps_nobody_out_who_is_attached_here() {
    let config = Config {
        max_records: 20,
        max_tombstones: 10,
        max_records_in_all: 25,
        ..Config::default()
    };
    let (mut node, now) = (Node::with(config), Now::read());
    let mut own = Peer::new(now);
    node.state.join(own.record(&[node.id()], now), now).unwrap();
    for _ in 0..60 {
        let mut peer = Peer::new(now);
        let record = peer.record(&far(), now);
        node.state.gossip(&lobby(), records(&[&record]), now);
        let (mut early, mut gone) = (Peer::new(now), Peer::new(now));
        node.state.gossip(&lobby(), leaves(&[&early.leave()]), now);
        let record = gone.record(&far(), now);
        node.state.gossip(&lobby(), records(&[&record]), now);
        node.state.gossip(&lobby(), leaves(&[&gone.leave()]), now);
        let summary = node.state.summary();
        assert!(summary.members <= 21);
        assert!(summary.tombstones <= 10);
        assert!(summary.records <= 25);
    }
    assert_eq!(node.state.summary().members, 15, "25 less the gone");
    let mut late = Peer::new(now);
    node.state
        .join(late.record(&[node.id()], now), now)
        .unwrap();
    assert!(node.has(&late));
    node.state.detached(late.id(), now);
    node.state.detached(own.id(), now);
    node.run(now, now.after(secs(61)));
    assert_eq!(node.state.summary().records, 0);
}

#[test]
fn a_neighbour_that_sends_the_forged_or_malformed_is_cut() {
    let (mut node, own, now) = node();
    let thief = PeerId::random();
    node.link(thief, now);
    assert!(node.state.received(thief, b"garbage", now).is_err());
    assert!(node.state.received(thief, &[], now).is_err());
    let mut peer = Peer::new(now);
    let mut wire = peer.record(&far(), now).bytes().to_vec();
    wire[60] ^= 1;
    let frame = PresenceFrame::Records(RoomChanges {
        room: ROOM.into(),
        changes: Changes {
            records: vec![Bytes::from(wire)],
            ..Changes::default()
        },
    });
    let frame = cbor::encode(&frame);
    assert!(node.state.received(thief, &frame, now).is_err());
    assert_eq!(node.members(ROOM), [own.id()].into());
}

#[test]
fn frames_about_other_rooms_are_nothing() {
    let (mut node, _, now) = node();
    let thief = PeerId::random();
    node.link(thief, now);
    node.outputs();
    let digest = PresenceFrame::Digest(Digest {
        room: "elsewhere".into(),
        reach: Array::new([0xff; 8]),
        sum: Array::new([1; 8]),
    });
    node.receive(thief, &digest, now);
    assert!(node.outputs().is_empty());
    assert_eq!(node.state.room_nodes_known().count(), 0);
}

#[test]
fn a_count_is_a_node_s_word_on_itself() {
    let (mut node, _, now) = node();
    let (liar, other) = (Identity::generate(), Identity::generate());
    let body = |members: u64, seq: u64| Count {
        v: V1,
        network: NETWORK.into(),
        room: ROOM.into(),
        node: liar.peer_id(),
        members,
        seq,
        expires: now.millis + 600_000,
    };
    let changes = |wire: Vec<u8>| Changes {
        counts: vec![Bytes::from(wire)],
        ..Changes::default()
    };
    let said = |members, seq| {
        let count = Signed::sign(&liar, body(members, seq));
        changes(count.bytes().to_vec())
    };
    let mut gossip = |changes: Changes| node.state.gossip(&lobby(), changes, now);
    assert_eq!(gossip(said(u64::MAX, now.millis)), Verdict::Accept);
    assert_eq!(gossip(said(u64::MAX, now.millis)), Verdict::Ignore);
    assert_eq!(gossip(said(7, now.millis - 1)), Verdict::Ignore, "older");
    assert_eq!(gossip(said(7, now.millis + 121_000)), Verdict::Ignore);
    let encoded = cbor::encode(&body(9, now.millis));
    let signature = other.sign("velox/count/1", &encoded);
    let forged = cbor::encode(&(Bytes::from(encoded), Array::new(signature)));
    assert_eq!(gossip(changes(forged)), Verdict::Reject, "by another");
    let mut elsewhere = body(9, now.millis);
    elsewhere.room = "elsewhere".into();
    let elsewhere = Signed::sign(&liar, elsewhere);
    let verdict = gossip(changes(elsewhere.bytes().to_vec()));
    assert_eq!(verdict, Verdict::Reject);
    assert_eq!(node.state.size(ROOM), 1 + Config::default().max_local);
    // Believed or not: whoever is there is still told of.
    let mut peer = Peer::new(now);
    let record = peer.record(&far(), now);
    let mut gossip = |changes: Changes| node.state.gossip(&lobby(), changes, now);
    assert_eq!(gossip(records(&[&record])), Verdict::Accept);
    assert!(node.has(&peer));
}

#[test]
fn a_difference_nobody_asked_for_gives_no_more_than_its_budget() {
    let (mut node, _, now) = node();
    let thief = PeerId::random();
    node.link(thief, now);
    node.outputs();
    let all = PresenceFrame::Difference(Difference {
        room: ROOM.into(),
        reach: Array::new([0xff; 8]),
        differing: Array::new([0xff; 32]),
        changes: Changes::default(),
    });
    let mut sent = 0;
    for _ in 0..50_000 {
        node.receive(thief, &all, now);
        sent += node.frames(&thief).len();
    }
    assert!(sent <= 16_384, "{sent}");
}

proptest! {
    #[test]
    fn no_frame_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let (mut node, _, now) = node();
        let thief = PeerId::random();
        node.link(thief, now);
        let _ = node.state.received(thief, &bytes, now);
    }

    #[test]
    fn no_changed_record_passes(at in 0usize..400, bit in 0u8..8) {
        let (mut node, own, now) = node();
        let mut peer = Peer::new(now);
        let mut wire = peer.record(&far(), now).bytes().to_vec();
        let at = at % wire.len();
        wire[at] ^= 1 << bit;
        let changes = Changes { records: vec![Bytes::from(wire)], ..Changes::default() };
        prop_assert_eq!(node.state.gossip(&lobby(), changes, now), Verdict::Reject);
        prop_assert_eq!(node.members(ROOM), [own.id()].into());
    }
}
