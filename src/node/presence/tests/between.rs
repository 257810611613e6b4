//! Two nodes that serve one room, and the link between them.

use super::*;
use crate::wire::presence::RoomChanges;

/// Two nodes with one member each in the room, who don't know of each other.
struct Pair {
    a: Node,
    b: Node,
    alice: Peer,
    bob: Peer,
    now: Now,
}

impl Pair {
    fn strangers() -> Self {
        Self::with(&Config::default())
    }

    fn with(config: &Config) -> Self {
        let now = Now::read();
        let (mut a, mut b) = (Node::with(config.clone()), Node::with(config.clone()));
        let (mut alice, mut bob) = (Peer::new(now), Peer::new(now));
        a.state.join(alice.record(&[a.id()], now), now).unwrap();
        b.state.join(bob.record(&[b.id()], now), now).unwrap();
        let mut pair = Pair {
            a,
            b,
            alice,
            bob,
            now,
        };
        pair.run(secs(2));
        pair.a.outputs();
        pair.b.outputs();
        pair
    }

    fn linked() -> Self {
        Self::strangers().meet()
    }

    fn meet(mut self) -> Self {
        let pair = &mut self;
        pair.link();
        pair.talk();
        pair.run(secs(1));
        pair.a.outputs();
        pair.b.outputs();
        self
    }

    fn link(&mut self) {
        let (a, b) = (self.a.id(), self.b.id());
        self.a.link(b, self.now);
        self.b.link(a, self.now);
        self.a.state.subscribed(b, &lobby(), self.now);
        self.b.state.subscribed(a, &lobby(), self.now);
    }

    fn unlink(&mut self) {
        self.a.state.unlinked(self.b.id(), self.now);
        self.b.state.unlinked(self.a.id(), self.now);
    }

    fn run(&mut self, time: Duration) {
        let until = self.now.after(time);
        self.a.run(self.now, until);
        self.b.run(self.now, until);
        self.now = until;
    }

    /// Carries frames, and nothing else, until there are no more. Gives their number.
    fn talk(&mut self) -> usize {
        let (a, b) = (self.a.id(), self.b.id());
        let mut count = 0;
        loop {
            let from_a = self.a.frames(&b);
            let from_b = self.b.frames(&a);
            if from_a.is_empty() && from_b.is_empty() {
                return count;
            }
            count += from_a.len() + from_b.len();
            from_a
                .iter()
                .for_each(|frame| self.b.receive(a, frame, self.now));
            from_b
                .iter()
                .for_each(|frame| self.a.receive(b, frame, self.now));
        }
    }

    fn agree(&self) -> bool {
        self.a.members(ROOM) == self.b.members(ROOM)
    }

    fn all_here(&self) -> bool {
        [&self.a, &self.b]
            .iter()
            .all(|node| node.has(&self.alice) && node.has(&self.bob))
    }
}

#[test]
fn nodes_that_find_each_other_exchange_what_they_know_though_all_gossip_was_lost() {
    let mut pair = Pair::strangers();
    assert_eq!(pair.a.members(ROOM).len(), 1);
    pair.link();
    pair.talk();
    assert!(pair.all_here(), "at once, without any timer");
}

#[test]
fn a_newcomer_is_told_by_half_a_round_trip() {
    let mut pair = Pair::strangers();
    pair.link();
    let frames = pair.a.frames(&pair.b.id());
    for frame in &frames {
        pair.b.receive(pair.a.id(), frame, pair.now);
    }
    assert!(
        pair.b.has(&pair.alice),
        "before it has answered: {frames:?}"
    );
}

#[test]
fn a_node_in_the_dht_is_dialed_and_spoken_to() {
    let mut pair = Pair::strangers();
    let (a, b) = (pair.a.id(), pair.b.id());
    pair.a.state.room_nodes(ROOM, &[a, b], pair.now);
    let outputs = pair.a.outputs();
    assert!(
        matches!(&outputs[..], [Output::Dial(node)] if *node == b),
        "{outputs:?}"
    );
    pair.a.state.room_nodes(ROOM, &[b], pair.now);
    assert!(pair.a.outputs().is_empty(), "it is being dialed");
    pair.a.link(b, pair.now);
    pair.b.link(a, pair.now);
    pair.talk();
    assert!(pair.all_here(), "with no word from gossipsub");
}

#[test]
fn four_nodes_are_dialed_at_once() {
    let mut pair = Pair::strangers();
    let nodes: Vec<_> = (0..10).map(|_| PeerId::random()).collect();
    pair.a.state.room_nodes(ROOM, &nodes, pair.now);
    let dialed: Vec<_> = pair
        .a
        .outputs()
        .into_iter()
        .map(|output| match output {
            Output::Dial(node) => node,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(dialed, nodes[..4]);
    for node in &dialed {
        pair.a.state.unlinked(*node, pair.now);
    }
    pair.a.state.room_nodes(ROOM, &nodes, pair.now);
    assert_eq!(pair.a.outputs().len(), 4, "the next four");
    pair.a.state.room_nodes("elsewhere", &nodes, pair.now);
    assert!(pair.a.outputs().is_empty());
}

#[test]
fn three_snapshots_are_taken() {
    let mut pair = Pair::strangers();
    let mut asked = 0;
    for _ in 0..6 {
        let node = PeerId::random();
        pair.a.link(node, pair.now);
        pair.a.state.subscribed(node, &lobby(), pair.now);
        let frames = pair.a.frames(&node);
        asked += usize::from(matches!(frames[0], PresenceFrame::Snapshot(_)));
        let answer = PresenceFrame::Records(crate::wire::presence::RoomChanges {
            room: ROOM.into(),
            changes: Changes::default(),
        });
        pair.a.receive(node, &answer, pair.now);
    }
    assert_eq!(asked, 3, "a digest for the others");
}

#[test]
fn a_subscription_from_before_the_room_opened_is_not_forgotten() {
    let now = Now::read();
    let (mut a, b) = (Node::new(), PeerId::random());
    a.state.subscribed(b, &lobby(), now);
    a.link(b, now);
    assert!(a.frames(&b).is_empty());
    let mut alice = Peer::new(now);
    a.state.join(alice.record(&[a.id()], now), now).unwrap();
    let frames = a.frames(&b);
    assert!(
        matches!(&frames[..], [PresenceFrame::Snapshot(_), PresenceFrame::Records(records)]
            if records.changes.records.len() == 1),
        "{frames:?}"
    );
    assert_eq!(a.state.room_nodes_known().collect::<Vec<_>>(), [b]);
}

#[test]
fn digests_go_every_30_seconds_and_equal_ones_are_not_answered() {
    let mut pair = Pair::linked();
    let mut digests = 0;
    for _ in 0..120 {
        pair.run(secs(1));
        digests += pair.talk();
    }
    assert!((8..=10).contains(&digests), "{digests} in 120 s, both ways");
}

#[test]
fn a_digest_that_says_nothing_new_is_small() {
    let mut pair = Pair::linked();
    pair.run(secs(31));
    let to = pair.b.id();
    let outputs = pair.a.outputs().into_iter();
    let sent = outputs.filter_map(|output| match output {
        Output::Send(node, frame) if node == to => Some(frame.len()),
        _ => None,
    });
    let sent: Vec<_> = sent.collect();
    assert!(sent.len() == 1 && sent[0] < 64, "{sent:?}");
}

#[test]
fn a_lost_join_leave_and_end_are_made_good_by_digests() {
    let mut pair = Pair::linked();
    let mut carol = Peer::new(pair.now);
    let record = carol.record(&[pair.a.id()], pair.now);
    pair.a.state.join(record, pair.now).unwrap();
    pair.a.state.leave(pair.alice.leave(), pair.now);
    pair.b.state.detached(pair.bob.id(), pair.now);
    pair.a.outputs();
    pair.b.outputs();
    assert!(!pair.agree());
    pair.run(secs(30));
    pair.talk();
    assert!(pair.agree());
    assert_eq!(pair.a.members(ROOM), [carol.id()].into());
}

#[test]
fn only_what_differs_travels() {
    let mut pair = Pair::linked();
    for _ in 0..200 {
        let mut peer = Peer::new(pair.now);
        let record = peer.record(&[pair.a.id()], pair.now);
        pair.a.state.join(record, pair.now).unwrap();
    }
    pair.run(secs(31));
    pair.talk();
    assert!(pair.agree());
    let before = pair.a.state.summary().messages_sent + pair.b.state.summary().messages_sent;
    let mut carol = Peer::new(pair.now);
    let record = carol.record(&[pair.a.id()], pair.now);
    pair.a.state.join(record, pair.now).unwrap();
    pair.run(secs(31));
    pair.talk();
    assert!(pair.agree());
    assert_eq!(pair.b.members(ROOM).len(), 203);
    let after = pair.a.state.summary().messages_sent + pair.b.state.summary().messages_sent;
    assert!(after - before < 20, "{} of 203", after - before);
}

#[test]
fn what_an_answer_held_is_not_sent_back() {
    let mut pair = Pair::linked();
    let mut carol = Peer::new(pair.now);
    let record = carol.record(&[pair.a.id()], pair.now);
    pair.a.state.join(record, pair.now).unwrap();
    pair.a.outputs();
    let (a, b, now) = (pair.a.id(), pair.b.id(), pair.now.after(secs(31)));
    pair.b.run(pair.now, now);
    for digest in pair.b.frames(&a) {
        pair.a.receive(b, &digest, now);
    }
    let answer = pair.a.frames(&b);
    assert!(
        matches!(&answer[..], [PresenceFrame::Buckets(_)]),
        "{answer:?}"
    );
    pair.b.receive(a, &answer[0], now);
    let difference = pair.b.frames(&a);
    assert!(
        matches!(&difference[..], [PresenceFrame::Difference(_)]),
        "{difference:?}"
    );
    pair.a.receive(b, &difference[0], now);
    let records = pair.a.frames(&b);
    assert!(
        matches!(&records[..], [PresenceFrame::Records(_)]),
        "{records:?}"
    );
    pair.b.receive(a, &records[0], now);
    assert!(pair.b.has(&carol));
    assert!(pair.b.frames(&a).is_empty());
}

#[test]
fn a_large_room_travels_in_frames_of_64() {
    let mut pair = Pair::strangers();
    for _ in 0..300 {
        let mut peer = Peer::new(pair.now);
        let record = peer.record(&[pair.a.id()], pair.now);
        pair.a.state.join(record, pair.now).unwrap();
    }
    pair.a.outputs();
    pair.link();
    pair.talk();
    assert!(pair.agree());
    assert_eq!(pair.b.members(ROOM).len(), 302);
}

#[test]
fn a_gone_peer_stays_gone_though_others_still_have_its_record() {
    let mut pair = Pair::linked();
    pair.unlink();
    pair.a.state.leave(pair.alice.leave(), pair.now);
    pair.b.state.detached(pair.bob.id(), pair.now);
    pair.a.outputs();
    pair.b.outputs();
    pair.link();
    pair.talk();
    pair.run(secs(31));
    pair.talk();
    assert!(pair.a.members(ROOM).is_empty());
    assert!(pair.b.members(ROOM).is_empty());
}

#[test]
fn a_dead_record_travels_with_what_voids_it() {
    let mut pair = Pair::linked();
    let (x, y, z) = (Identity::generate(), Identity::generate(), PeerId::random());
    let mut carol = Peer::new(pair.now);
    let old = carol.record(&[x.peer_id(), z], pair.now);
    let new = carol.record(&[x.peer_id(), y.peer_id()], pair.now);
    pair.b.state.gossip(&lobby(), records(&[&old]), pair.now);
    pair.a.state.gossip(&lobby(), records(&[&new]), pair.now);
    let words = [
        detached(&x, &carol, carol.seq),
        detached(&y, &carol, carol.seq),
    ];
    for word in &words {
        assert_eq!(
            pair.a.state.gossip(&lobby(), detaches(&[word]), pair.now),
            Verdict::Accept
        );
    }
    assert!(!pair.a.has(&carol));
    assert!(pair.b.has(&carol));
    pair.a.outputs();
    pair.b.outputs();
    pair.run(secs(31));
    pair.talk();
    assert!(
        !pair.b.has(&carol),
        "b had an older record with an attachment that stands"
    );
}

#[test]
fn two_ends_that_are_known_on_one_side_each_make_a_peer_gone() {
    // By digests alone: a snapshot tells of ends anyway.
    let config = Config {
        snapshots: 0,
        ..Config::default()
    };
    let mut pair = Pair::with(&config).meet();
    assert!(pair.all_here());
    let mut carol = Peer::new(pair.now);
    let record = carol.record(&[pair.a.id(), pair.b.id()], pair.now);
    pair.a.state.join(record.clone(), pair.now).unwrap();
    pair.b.state.join(record, pair.now).unwrap();
    pair.unlink();
    pair.a.state.detached(carol.id(), pair.now);
    pair.b.state.detached(carol.id(), pair.now);
    pair.a.outputs();
    pair.b.outputs();
    assert!(
        pair.a.has(&carol) && pair.b.has(&carol),
        "attached to the other, it seems"
    );
    pair.link();
    pair.talk();
    pair.run(secs(31));
    pair.talk();
    assert!(!pair.a.has(&carol) && !pair.b.has(&carol));
}

#[test]
fn a_lost_node_takes_its_members_with_it_and_brings_them_back() {
    let mut pair = Pair::linked();
    assert!(pair.all_here());
    pair.unlink();
    assert!(pair.a.outputs().is_empty());
    pair.run(secs(59));
    pair.a.state.unlinked(pair.b.id(), pair.now);
    assert!(pair.a.has(&pair.bob), "it may come back");
    pair.a.outputs();
    pair.run(secs(32));
    assert!(!pair.a.has(&pair.bob), "two digests missed");
    let told = pair.a.told();
    assert_eq!(presence(&told[0].1).gone, [pair.bob.id()]);
    assert_eq!(pair.a.state.summary().nodes_presumed_dead, 1);
    assert!(pair.a.state.attachments_of(ROOM, &pair.bob.id()).is_empty());
    pair.link();
    assert!(pair.a.has(&pair.bob), "as soon as it is back in the room");
    let told = pair.a.told();
    assert_eq!(presence(&told[0].1).records.len(), 1);
}

#[test]
fn a_new_record_counts_though_its_node_is_presumed_dead() {
    let mut pair = Pair::linked();
    pair.unlink();
    pair.run(secs(92));
    assert!(pair.a.has(&pair.bob), "its link may only have been cut");
    pair.a.state.unlinked(pair.b.id(), pair.now);
    pair.run(secs(31));
    assert!(!pair.a.has(&pair.bob), "it could not be dialed");
    let record = pair.bob.record(&[pair.b.id()], pair.now);
    let verdict = pair.a.state.gossip(&lobby(), records(&[&record]), pair.now);
    assert_eq!(verdict, Verdict::Accept);
    assert!(
        pair.a.has(&pair.bob),
        "it was signed by one who knows better"
    );
}

#[test]
fn who_is_back_in_another_room_of_a_restarted_node_is_disowned_in_this_one() {
    let (mut node, now) = (Node::new(), Now::read());
    let (mut bob, mut carol, x) = (Peer::new(now), Peer::new(now), Identity::generate());
    let own = bob.record(&[node.id()], now);
    node.state.join(own, now).unwrap();
    node.link(x.peer_id(), now);
    let before = carol.record(&[x.peer_id(), node.id()], now);
    let word = detached(&x, &carol, carol.seq);
    let mut changes = records(&[&before]);
    changes.detached = detaches(&[&word]).detached;
    let room = ROOM.to_owned();
    let snapshot = PresenceFrame::Records(RoomChanges { room, changes });
    node.receive(x.peer_id(), &snapshot, now);
    let soon = now.after(secs(1));
    let elsewhere = carol.record_in("elsewhere", &[node.id()], soon);
    node.state.join(elsewhere, soon).unwrap();
    assert!(node.has(&carol));
    node.run(soon, now.after(secs(6)));
    assert!(!node.has(&carol));
    assert!(node.members("elsewhere").contains(&carol.id()));
}

#[test]
fn a_lost_node_is_looked_for_at_once() {
    let mut pair = Pair::linked();
    pair.run(secs(15));
    pair.a.outputs();
    pair.unlink();
    pair.run(ms(1));
    let events = pair.a.events();
    assert!(matches!(&events[..], [Event::Seek { .. }]), "{events:?}");
}

#[test]
fn lost_nodes_are_dialed_again_before_the_next_digest() {
    let mut pair = Pair::linked();
    pair.unlink();
    for _ in 0..5 {
        pair.a.outputs();
        pair.run(secs(31));
        let outputs = pair.a.outputs();
        assert!(
            outputs
                .iter()
                .any(|output| matches!(output, Output::Dial(node) if *node == pair.b.id())),
            "{outputs:?}"
        );
        pair.a.state.unlinked(pair.b.id(), pair.now);
    }
}

#[test]
fn when_one_comes_back_the_others_are_dialed() {
    let mut pair = Pair::linked();
    let others = [PeerId::random(), PeerId::random()];
    for other in others {
        pair.a.link(other, pair.now);
        pair.a.state.subscribed(other, &lobby(), pair.now);
        pair.a.state.unlinked(other, pair.now);
    }
    pair.unlink();
    for _ in 0..4 {
        pair.run(secs(31));
        for node in [others[0], others[1], pair.b.id()] {
            pair.a.state.unlinked(node, pair.now);
        }
    }
    assert!(!pair.a.has(&pair.bob));
    pair.run(secs(6));
    pair.a.outputs();
    let (b, now) = (pair.b.id(), pair.now);
    pair.a.link(b, now);
    let ask = PresenceFrame::Snapshot(crate::wire::presence::RoomName { room: ROOM.into() });
    pair.a.receive(b, &ask, now);
    let mut dialed: Vec<_> = pair
        .a
        .outputs()
        .into_iter()
        .filter_map(|output| match output {
            Output::Dial(node) => Some(node),
            _ => None,
        })
        .collect();
    dialed.sort_unstable();
    let mut expected = others;
    expected.sort_unstable();
    assert_eq!(dialed, expected);
}

#[test]
fn first_words_that_were_lost_are_said_again() {
    let mut pair = Pair::strangers();
    let (a, b) = (pair.a.id(), pair.b.id());
    pair.a.state.room_nodes(ROOM, &[b], pair.now);
    pair.a.link(b, pair.now);
    pair.b.link(a, pair.now);
    pair.a.outputs();
    pair.run(secs(31));
    pair.talk();
    assert!(pair.all_here());
}

#[test]
fn a_peer_that_a_restarted_node_does_not_have_is_disowned() {
    let mut pair = Pair::linked();
    pair.unlink();
    let identity = pair.b.identity.clone();
    pair.b = Node::of(identity, Config::default());
    let mut carol = Peer::new(pair.now);
    let record = carol.record(&[pair.b.id()], pair.now);
    pair.b.state.join(record, pair.now).unwrap();
    pair.b.outputs();
    pair.link();
    pair.talk();
    assert!(pair.b.has(&pair.bob), "it has a few seconds to come back");
    pair.run(ms(4_900));
    pair.talk();
    assert!(pair.b.has(&pair.bob));
    let before = pair.now;
    pair.b.run(before, before.after(ms(300)));
    assert!(!pair.b.has(&pair.bob));
    let published = pair.b.published();
    assert_eq!(published.len(), 1);
    let verdict = pair
        .a
        .state
        .gossip(&lobby(), published[0].clone(), before.after(ms(300)));
    assert_eq!(verdict, Verdict::Accept);
    assert!(!pair.a.has(&pair.bob));
    assert!(pair.a.has(&carol));
}

#[test]
fn a_peer_that_comes_back_in_time_is_not_disowned() {
    let mut pair = Pair::linked();
    let mut carol = Peer::new(pair.now);
    let record = carol.record(&[pair.a.id(), pair.b.id()], pair.now);
    pair.b.state.gossip(&lobby(), records(&[&record]), pair.now);
    pair.run(secs(4));
    pair.b.state.join(record, pair.now).unwrap();
    pair.run(secs(10));
    assert_eq!(pair.b.state.attachments_of(ROOM, &carol.id()).len(), 2);
}

#[test]
fn news_that_came_by_a_link_is_passed_on() {
    let mut pair = Pair::linked();
    let third = PeerId::random();
    pair.a.link(third, pair.now);
    pair.a.state.subscribed(third, &lobby(), pair.now);
    pair.a.outputs();
    let mut carol = Peer::new(pair.now);
    let record = carol.record(&[pair.b.id()], pair.now);
    let frame = PresenceFrame::Records(crate::wire::presence::RoomChanges {
        room: ROOM.into(),
        changes: records(&[&record]),
    });
    pair.a.receive(pair.b.id(), &frame, pair.now);
    let now = pair.now;
    pair.a.run(now, now.after(ms(500)));
    let frames = pair.a.frames(&third);
    assert!(
        matches!(&frames[..], [PresenceFrame::Digest(_)]),
        "{frames:?}"
    );
    pair.a.receive(pair.b.id(), &frame, now.after(ms(500)));
    pair.a.run(now, now.after(secs(2)));
    assert!(pair.a.frames(&third).is_empty(), "what isn't news isn't");
}

#[test]
fn a_node_that_left_the_room_is_no_neighbour_in_it() {
    let mut pair = Pair::linked();
    assert_eq!(pair.a.state.room_nodes_known().count(), 1);
    assert_eq!(
        pair.a.state.remembered(),
        [(ROOM.to_owned(), vec![pair.b.id()])]
    );
    pair.a.state.unsubscribed(pair.b.id(), &lobby(), pair.now);
    assert_eq!(pair.a.state.room_nodes_known().count(), 0);
    pair.run(secs(40));
    assert!(pair.a.frames(&pair.b.id()).is_empty());
}

#[test]
fn a_room_s_nodes_are_remembered_and_dialed_when_it_opens_again() {
    let mut pair = Pair::linked();
    let remembered = pair.a.state.remembered();
    let mut again = Node::new();
    again.state.remember(remembered.clone());
    assert_eq!(again.state.remembered(), remembered);
    let mut carol = Peer::new(pair.now);
    let record = carol.record(&[again.id()], pair.now);
    again.state.join(record, pair.now).unwrap();
    let dials: Vec<_> = again
        .outputs()
        .into_iter()
        .filter(|output| matches!(output, Output::Dial(node) if *node == pair.b.id()))
        .collect();
    assert_eq!(dials.len(), 1);
    assert_eq!(
        again.state.remembered(),
        remembered,
        "until others are known"
    );
    pair.a.state.leave(pair.alice.leave(), pair.now);
    pair.run(secs(61));
    assert_eq!(pair.a.state.summary().rooms, 0);
    assert_eq!(
        pair.a.state.remembered(),
        remembered,
        "over the closing of the room"
    );
}

#[test]
fn an_answer_has_a_budget() {
    let config = Config {
        answers_per_second: 1,
        answer_burst: 500,
        ..Config::default()
    };
    let (mut node, now, thief) = (Node::with(config), Now::read(), PeerId::random());
    for _ in 0..200 {
        let mut peer = Peer::new(now);
        node.state
            .join(peer.record(&[node.id()], now), now)
            .unwrap();
    }
    node.link(thief, now);
    node.outputs();
    let ask = PresenceFrame::Snapshot(crate::wire::presence::RoomName { room: ROOM.into() });
    let mut sent = 0;
    for _ in 0..100 {
        node.receive(thief, &ask, now);
        for frame in node.frames(&thief) {
            match frame {
                PresenceFrame::Records(records) => sent += records.changes.records.len(),
                other => panic!("{other:?}"),
            }
        }
    }
    assert!((200..=500).contains(&sent), "{sent}");
    node.receive(thief, &ask, now.after(secs(300)));
    assert!(!node.frames(&thief).is_empty(), "it comes back");
}
