//! One node and its attached peers.

use super::*;

#[test]
fn the_first_member_opens_the_room_and_gets_a_snapshot() {
    let (mut node, now) = (Node::new(), Now::read());
    let mut peer = Peer::new(now);
    let record = peer.record(&[node.id()], now);
    node.state.join(record.clone(), now).unwrap();
    let events = node.events();
    assert!(matches!(&events[0], Event::Subscribe { topic } if *topic == lobby()));
    assert!(matches!(&events[1], Event::Seek { room } if room == ROOM));
    let Event::ToPeer { peer: to, message } = &events[2] else {
        panic!("a snapshot, not {:?}", events[2]);
    };
    assert_eq!(*to, peer.id());
    assert_eq!(snapshot(message).records.len(), 0);
    assert_eq!(snapshot(message).size, 1);
    assert!(matches!(&events[3], Event::Publish { .. }), "at once");
    assert_eq!(events.len(), 4);
    assert_eq!(node.state.room_of_topic(&lobby()), Some(ROOM));
    assert_eq!(node.state.room_of_topic("v1/nonsense"), None);
    let summary = node.state.summary();
    assert_eq!(
        (summary.rooms, summary.members, summary.local_members),
        (1, 1, 1)
    );
    assert!(
        serde_json::to_string(&summary)
            .unwrap()
            .contains("\"members\":1")
    );
}

#[test]
fn two_pages_on_one_node_see_each_other_at_once() {
    let (mut node, now) = (Node::new(), Now::read());
    let (mut a, mut b) = (Peer::new(now), Peer::new(now));
    let first = a.record(&[node.id()], now);
    node.state.join(first.clone(), now).unwrap();
    node.told();
    let later = now.after(ms(60));
    let second = b.record(&[node.id()], later);
    node.state.join(second.clone(), later).unwrap();
    let told = node.told();
    assert_eq!(told.len(), 2);
    assert_eq!(told[0].0, b.id());
    assert_eq!(snapshot(&told[0].1).records, [first.to_wire()]);
    assert_eq!(snapshot(&told[0].1).size, 2);
    assert_eq!(told[1].0, a.id());
    assert_eq!(presence(&told[1].1).records, [second.to_wire()]);
    assert_eq!(presence(&told[1].1).size, 2);
}

#[test]
fn a_peer_is_never_told_of_itself() {
    let (mut node, now) = (Node::new(), Now::read());
    let mut peers: Vec<_> = (0..5).map(|_| Peer::new(now)).collect();
    for round in 0..3 {
        for peer in &mut peers {
            let record = peer.record(&[node.id()], now.after(secs(round)));
            node.state.join(record, now.after(secs(round))).unwrap();
        }
    }
    node.state.detached(peers[0].id(), now.after(secs(3)));
    node.run(now.after(secs(3)), now.after(secs(4)));
    for (to, message) in node.told() {
        let (records, gone) = match &message {
            FromNode::Snapshot(snapshot) => (&snapshot.records, Vec::new()),
            FromNode::Presence(presence) => (&presence.records, presence.gone.clone()),
            other => panic!("{other:?}"),
        };
        assert!(records.iter().all(|record| peer_of(record) != to));
        assert!(!gone.contains(&to));
    }
}

#[test]
fn further_changes_are_told_together_within_50_ms() {
    let (mut node, now) = (Node::new(), Now::read());
    let mut watcher = Peer::new(now);
    node.state
        .join(watcher.record(&[node.id()], now), now)
        .unwrap();
    let later = now.after(secs(1));
    let mut peers: Vec<_> = (0..10).map(|_| Peer::new(later)).collect();
    for peer in &mut peers {
        let record = peer.record(&[node.id()], later);
        node.state.join(record, later).unwrap();
    }
    let to_watcher = |told: Vec<(PeerId, FromNode)>| -> Vec<FromNode> {
        let own = told.into_iter().filter(|(to, _)| *to == watcher.id());
        own.map(|(_, message)| message).collect()
    };
    let at_once = to_watcher(node.told());
    assert_eq!(at_once.len(), 2, "its snapshot and the first change");
    assert_eq!(presence(&at_once[1]).records.len(), 1);
    node.run(later, later.after(ms(49)));
    assert!(to_watcher(node.told()).is_empty());
    node.run(later, later.after(ms(50)));
    let rest = to_watcher(node.told());
    assert_eq!(rest.len(), 1);
    assert_eq!(presence(&rest[0]).records.len(), 9);
    assert_eq!(presence(&rest[0]).size, 11);
}

#[test]
fn a_leave_is_told_with_its_proof() {
    let (mut node, now) = (Node::new(), Now::read());
    let (mut a, mut b) = (Peer::new(now), Peer::new(now));
    node.state.join(a.record(&[node.id()], now), now).unwrap();
    node.state.join(b.record(&[node.id()], now), now).unwrap();
    let later = now.after(secs(1));
    node.run(now, later);
    node.events();
    let leave = a.leave();
    node.state.leave(leave.clone(), later);
    let events = node.events();
    let [Event::ToPeer { peer, message }, Event::Publish { .. }] = &events[..] else {
        panic!("told and published at once, not {events:?}");
    };
    assert_eq!(*peer, b.id());
    assert_eq!(presence(message).gone, [a.id()]);
    assert_eq!(presence(message).leaves, [leave.to_wire()]);
    assert_eq!(presence(message).size, 1);
}

#[test]
fn the_end_of_the_only_attachment_is_signed_told_and_published() {
    let (mut node, now) = (Node::new(), Now::read());
    let (mut a, mut b) = (Peer::new(now), Peer::new(now));
    node.state.join(a.record(&[node.id()], now), now).unwrap();
    node.state.join(b.record(&[node.id()], now), now).unwrap();
    let later = now.after(secs(1));
    node.run(now, later);
    node.events();
    node.state.detached(a.id(), later);
    assert!(!node.has(&a));
    let events = node.events();
    let [Event::ToPeer { message, .. }, Event::Publish { data, .. }] = &events[..] else {
        panic!("told and published at once, not {events:?}");
    };
    assert_eq!(presence(message).gone, [a.id()]);
    assert!(presence(message).leaves.is_empty());
    let Gossip::Presence(changes) = cbor::decode("gossip", data, GOSSIP).unwrap() else {
        panic!("presence");
    };
    let detached = Signed::<Detached>::verify(&changes.detached[0]).unwrap();
    assert_eq!((detached.node, detached.peer), (node.id(), a.id()));
    assert!(detached.seq >= a.seq);
}

#[test]
fn a_peer_attached_elsewhere_too_stays() {
    let (mut node, other, now) = (Node::new(), PeerId::random(), Now::read());
    let (mut a, mut b) = (Peer::new(now), Peer::new(now));
    let ids = [node.id(), other];
    node.state.join(a.record(&ids, now), now).unwrap();
    node.state.join(b.record(&[node.id()], now), now).unwrap();
    assert_eq!(node.state.attachments_of(ROOM, &a.id()), ids);
    let later = now.after(secs(1));
    node.run(now, later);
    node.events();
    node.state.detached(a.id(), later);
    assert!(node.has(&a));
    assert_eq!(node.state.attachments_of(ROOM, &a.id()), [other]);
    let events = node.events();
    assert!(
        matches!(&events[..], [Event::Publish { .. }]),
        "nobody is told: {events:?}"
    );
}

#[test]
fn one_word_ends_the_attachment_in_all_rooms() {
    let (mut node, now) = (Node::new(), Now::read());
    let mut peer = Peer::new(now);
    for room in ["a", "b", "c"] {
        node.state
            .join(peer.record_in(room, &[node.id()], now), now)
            .unwrap();
    }
    node.run(now, now.after(secs(1)));
    node.events();
    node.state.detached(peer.id(), now.after(secs(1)));
    let words: BTreeSet<_> = node
        .events()
        .into_iter()
        .filter_map(|event| match event {
            Event::Publish { topic, data } => Some((topic, data)),
            _ => None,
        })
        .collect();
    assert_eq!(words.len(), 3, "on each room's topic");
    let data: BTreeSet<_> = words.iter().map(|(_, data)| data).collect();
    assert_eq!(data.len(), 1, "the same signed word");
    assert_eq!(node.state.summary().members, 0);
}

#[test]
fn back_again_needs_a_new_record() {
    let (mut node, now) = (Node::new(), Now::read());
    let mut peer = Peer::new(now);
    let old = peer.record(&[node.id()], now);
    node.state.join(old.clone(), now).unwrap();
    node.state.detached(peer.id(), now);
    let denied = node.state.join(old.clone(), now).unwrap_err();
    assert_eq!(denied.code, "expired");
    assert!(!node.has(&peer));
    let new = peer.record(&[node.id()], now);
    node.state.join(new, now).unwrap();
    assert!(node.has(&peer));
    node.state.leave(peer.leave(), now);
    assert_eq!(node.state.join(old, now).unwrap_err().code, "expired");
    assert!(!node.has(&peer));
    node.state
        .join(peer.record(&[node.id()], now), now)
        .unwrap();
    assert!(node.has(&peer));
}

#[test]
fn a_record_that_is_not_renewed_expires() {
    let (mut node, now) = (Node::new(), Now::read());
    let (mut a, mut b) = (Peer::new(now), Peer::new(now));
    node.state.join(a.record(&[node.id()], now), now).unwrap();
    node.state.join(b.record(&[node.id()], now), now).unwrap();
    let renewed = now.after(secs(300));
    node.run(now, renewed);
    node.state
        .join(b.record(&[node.id()], renewed), renewed)
        .unwrap();
    node.run(renewed, now.after(secs(719)));
    assert!(node.has(&a), "clocks may differ by two minutes");
    node.events();
    node.run(now.after(secs(719)), now.after(secs(721)));
    assert!(!node.has(&a));
    assert!(node.has(&b));
    let told = node.told();
    assert_eq!(told.len(), 1);
    assert_eq!(presence(&told[0].1).gone, [a.id()]);
    assert_eq!(
        node.state.summary().local_members,
        1,
        "it has to join again"
    );
}

#[test]
fn a_large_room_is_sampled() {
    let (mut node, now) = (Node::new(), Now::read());
    for _ in 0..200 {
        let mut peer = Peer::new(now);
        node.state
            .join(peer.record(&[node.id()], now), now)
            .unwrap();
    }
    node.events();
    let mut last = Peer::new(now);
    node.state
        .join(last.record(&[node.id()], now), now)
        .unwrap();
    let told = node.told();
    let message = snapshot(&told[0].1);
    assert_eq!(message.records.len(), 64);
    assert_eq!(message.size, 201);
    let some: BTreeSet<_> = message.records.iter().map(peer_of).collect();
    assert_eq!(some.len(), 64);
    node.state.resync(last.id(), ROOM, now);
    let told = node.told();
    let other: BTreeSet<_> = snapshot(&told[0].1).records.iter().map(peer_of).collect();
    assert_eq!(some, other, "who was shown is shown again");
    node.state.resync(PeerId::random(), ROOM, now);
    node.state.resync(last.id(), "elsewhere", now);
    assert!(
        node.told().is_empty(),
        "only members of the room are answered"
    );
}

#[test]
fn the_room_lingers_for_a_minute() {
    let (mut node, now) = (Node::new(), Now::read());
    let mut peer = Peer::new(now);
    node.state
        .join(peer.record(&[node.id()], now), now)
        .unwrap();
    node.state.leave(peer.leave(), now);
    node.run(now, now.after(secs(59)));
    node.events();
    let back = now.after(secs(59));
    node.state
        .join(peer.record(&[node.id()], back), back)
        .unwrap();
    assert!(
        !node
            .events()
            .iter()
            .any(|event| matches!(event, Event::Subscribe { .. }))
    );
    let gone = now.after(secs(90));
    node.run(back, gone);
    assert_eq!(node.state.summary().rooms, 1);
    node.state.detached(peer.id(), gone);
    node.events();
    node.run(gone, gone.after(secs(60)));
    let events = node.events();
    assert!(matches!(
        &events[..],
        [Event::Unsubscribe { topic }, Event::Unseek { room }]
            if *topic == lobby() && room == ROOM
    ));
    let summary = node.state.summary();
    assert_eq!((summary.rooms, summary.records), (0, 0));
    assert_eq!(node.state.deadline(), None, "nothing is left of it");
}

#[test]
fn the_room_is_looked_up_by_schedule() {
    let (mut node, now) = (Node::new(), Now::read());
    let mut peer = Peer::new(now);
    node.state
        .join(peer.record(&[node.id()], now), now)
        .unwrap();
    let mut times = Vec::new();
    for second in 0..=300 {
        let later = now.after(secs(second));
        node.run(later, later);
        let events = node.events();
        let seeks = events
            .iter()
            .filter(|event| matches!(event, Event::Seek { .. }));
        times.extend(seeks.map(|_| second));
    }
    assert_eq!(times[..3], [0, 2, 10]);
    let pauses = [times[3] - times[2], times[4] - times[3]];
    assert!((30..=91).contains(&pauses[0]), "{times:?}");
    assert!(pauses[1].abs_diff(2 * pauses[0]) <= 2, "{times:?}");
}

#[test]
fn bounds_are_refused_by_name() {
    let config = Config {
        max_rooms: 3,
        max_rooms_per_peer: 2,
        max_local: 2,
        ..Config::default()
    };
    let (mut node, now) = (Node::with(config), Now::read());
    let id = node.id();
    let mut peers: Vec<_> = (0..4).map(|_| Peer::new(now)).collect();
    let mut join = |peer: usize, room: &str, attach: &[PeerId]| {
        let record = peers[peer].record_in(room, attach, now);
        node.state.join(record, now).map_err(|denied| denied.code)
    };
    assert_eq!(join(0, "a", &[id]), Ok(()));
    assert_eq!(join(0, "b", &[id]), Ok(()));
    assert_eq!(join(0, "c", &[id]), Err("quota"));
    assert_eq!(
        join(0, "b", &[id]),
        Ok(()),
        "a newer record is no further room"
    );
    assert_eq!(join(1, "a", &[id]), Ok(()));
    assert_eq!(
        join(2, "a", &[id]),
        Err("quota"),
        "two attached peers in the room"
    );
    assert_eq!(join(2, "c", &[id]), Ok(()));
    assert_eq!(join(3, "d", &[id]), Err("quota"), "three rooms on the node");
    assert_eq!(join(3, "b", &[PeerId::random()]), Err("denied"));
    node.state.leave(peers[2].leave_of("c"), now);
    let record = peers[3].record_in("d", &[id], now);
    node.state.join(record, now).unwrap();
    assert_eq!(node.state.summary().rooms, 3, "an idle room made way");
}

#[test]
fn a_record_of_another_network_or_time_is_refused() {
    let (mut node, now) = (Node::new(), Now::read());
    let mut peer = Peer::new(now);
    let mut code = |change: fn(&mut PresenceRecord)| {
        let mut body = peer.body(ROOM, &[node.id()], now);
        change(&mut body);
        let record = Signed::sign(&peer.identity, body);
        node.state.join(record, now).map_err(|denied| denied.code)
    };
    assert_eq!(code(|body| body.network = "other".into()), Err("network"));
    assert_eq!(code(|body| body.expires -= 721_000), Err("expired"));
    assert_eq!(code(|body| body.expires += 121_000), Err("expired"));
    assert_eq!(code(|body| body.seq += 121_000), Err("expired"));
    assert_eq!(
        code(|body| body.expires -= 719_000),
        Ok(()),
        "two minutes are tolerated"
    );
}

#[test]
fn only_the_primary_publishes_and_the_next_takes_over_after_a_second() {
    let (mut node, other, now) = (Node::new(), PeerId::random(), Now::read());
    let mut peer = Peer::new(now);
    let record = peer.record(&[other, node.id()], now);
    node.state.join(record.clone(), now).unwrap();
    assert!(node.published().is_empty());
    node.run(now, now.after(ms(999)));
    assert!(node.published().is_empty());
    node.run(now, now.after(ms(1000)));
    assert_eq!(node.published(), [records(&[&record])]);
    node.run(now, now.after(secs(20)));
    assert!(node.published().is_empty(), "once");

    let later = now.after(secs(20));
    let record = peer.record(&[other, node.id()], later);
    node.state.join(record.clone(), later).unwrap();
    assert_eq!(
        node.state.gossip(&lobby(), records(&[&record]), later),
        Verdict::Ignore
    );
    node.run(later, later.after(secs(5)));
    assert!(node.published().is_empty(), "it was seen gossiped");

    let (mut next, later) = (Peer::new(later), later.after(secs(5)));
    let record = next.record(&[other, node.id()], later);
    node.state.gossip(&lobby(), records(&[&record]), later);
    node.state.join(record, later).unwrap();
    node.run(later, later.after(secs(5)));
    assert!(
        node.published().is_empty(),
        "it was seen before the peer joined"
    );

    let later = later.after(secs(5));
    let record = peer.record(&[other, node.id()], later);
    assert_eq!(
        node.state.gossip(&lobby(), records(&[&record]), later),
        Verdict::Accept
    );
    node.state.join(record, later).unwrap();
    let leave = peer.leave();
    node.state.leave(leave.clone(), later);
    node.run(later, later.after(ms(999)));
    assert!(node.published().is_empty());
    node.run(later, later.after(ms(1000)));
    assert_eq!(node.published(), [leaves(&[&leave])], "leaves alike");
}

#[test]
fn a_void_primary_counts_for_nothing() {
    let (mut node, now) = (Node::new(), Now::read());
    let other = Identity::generate();
    let mut peer = Peer::new(now);
    let record = peer.record(&[other.peer_id(), node.id()], now);
    node.state.join(record, now).unwrap();
    let word = detached(&other, &peer, peer.seq + 10);
    assert_eq!(
        node.state.gossip(&lobby(), detaches(&[&word]), now),
        Verdict::Accept
    );
    let later = now.after(secs(5));
    node.run(now, later);
    node.events();
    let record = peer.record(&[other.peer_id(), node.id()], now);
    node.state.join(record.clone(), later).unwrap();
    assert_eq!(node.published(), [records(&[&record])], "at once");
}

#[test]
fn gossip_is_batched_but_the_first_two_go_at_once() {
    let (mut node, now) = (Node::new(), Now::read());
    let mut all = BTreeSet::new();
    for _ in 0..100 {
        let mut peer = Peer::new(now);
        all.insert(peer.id());
        node.state
            .join(peer.record(&[node.id()], now), now)
            .unwrap();
    }
    let mut sent = BTreeSet::new();
    let mut sizes = Vec::new();
    for i in 0..4 {
        let at = now.after(ms(250 * i));
        node.run(at, at.after(ms(if i == 0 { 0 } else { 249 })));
        let published = node.published();
        assert!(published.len() <= if i == 0 { 2 } else { 1 });
        for changes in published {
            sizes.push(changes.records.len());
            sent.extend(changes.records.iter().map(peer_of));
        }
    }
    assert_eq!(sizes, [1, 1, 64, 34]);
    assert_eq!(sent, all);
}

#[test]
fn what_waits_is_overtaken_by_what_is_newer() {
    let (mut node, now) = (Node::new(), Now::read());
    let (mut a, mut b) = (Peer::new(now), Peer::new(now));
    node.state.join(a.record(&[node.id()], now), now).unwrap();
    node.state.join(a.record(&[node.id()], now), now).unwrap();
    node.published();
    node.state.join(b.record(&[node.id()], now), now).unwrap();
    node.state.join(b.record(&[node.id()], now), now).unwrap();
    let leave = b.leave();
    node.state.leave(leave.clone(), now);
    node.run(now, now.after(ms(250)));
    assert_eq!(node.published(), [leaves(&[&leave])]);
}

#[test]
fn a_peer_comes_to_no_more_rooms_than_its_pace_allows_even_if_it_attaches_anew() {
    let config = Config {
        joins: Rate {
            per_second: 1,
            burst: 3,
        },
        ..Config::default()
    };
    let (mut node, now) = (Node::with(config), Now::read());
    let id = node.id();
    let mut peer = Peer::new(now);
    for (room, expected) in [
        ("a", Ok(())),
        ("b", Ok(())),
        ("b", Ok(())),
        ("c", Ok(())),
        ("d", Err("quota")),
    ] {
        let record = peer.record_in(room, &[id], now);
        let joined = node.state.join(record, now).map_err(|denied| denied.code);
        assert_eq!(joined, expected, "{room}");
    }
    node.state.detached(peer.id(), now);
    let later = now.after(secs(1));
    for (room, expected) in [("a", Ok(())), ("b", Err("quota"))] {
        let record = peer.record_in(room, &[id], later);
        let joined = node.state.join(record, later).map_err(|denied| denied.code);
        assert_eq!(joined, expected, "{room}");
    }
}
