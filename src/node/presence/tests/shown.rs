//! Whom of a large room an attached peer is shown.

use super::*;

/// A node with `n` members of its own, and one more that has been sent a snapshot.
fn node(n: usize) -> (Node, Vec<Peer>, Peer, BTreeSet<PeerId>, Now) {
    let (mut node, now) = (Node::new(), Now::read());
    let mut others = Vec::new();
    for _ in 0..n {
        let mut peer = Peer::new(now);
        let record = peer.record(&[node.id()], now);
        node.state.join(record, now).unwrap();
        others.push(peer);
    }
    let now = now.after(secs(20));
    node.run(now, now);
    node.outputs();
    let mut last = Peer::new(now);
    let record = last.record(&[node.id()], now);
    node.state.join(record, now).unwrap();
    let told = told_to(&mut node, &last);
    let snapshot = snapshot(&told[0]);
    assert_eq!(snapshot.size, n as u64 + 1);
    let shown = snapshot.records.iter().map(peer_of).collect();
    let later = now.after(secs(20));
    node.run(now, later);
    node.outputs();
    (node, others, last, shown, later)
}

fn told_to(node: &mut Node, peer: &Peer) -> Vec<FromNode> {
    let told = node.told().into_iter();
    let told = told.filter(|(to, _)| *to == peer.id());
    told.map(|(_, message)| message).collect()
}

#[test]
fn a_newcomer_of_a_large_room_is_shown_64_at_once() {
    for n in [100, 1_000] {
        let (_, others, _, shown, _) = node(n);
        assert_eq!(shown.len(), 64);
        let all: BTreeSet<_> = others.iter().map(Peer::id).collect();
        assert!(shown.is_subset(&all));
    }
    let (.., one, _) = node(100);
    let (.., other, _) = node(100);
    assert_ne!(one, other);
}

#[test]
fn who_is_shown_and_goes_is_replaced() {
    let (mut node, mut others, last, mut shown, mut now) = node(100);
    let gone = others.iter_mut().find(|peer| shown.contains(&peer.id()));
    let gone = gone.unwrap();
    node.state.leave(gone.leave(), now);
    let told = told_to(&mut node, &last);
    assert_eq!(told.len(), 1);
    let told = presence(&told[0]);
    assert_eq!(told.gone, [gone.id()]);
    assert_eq!(told.leaves.len(), 1);
    assert_eq!((told.records.len(), told.size), (1, 100));
    shown.remove(&gone.id());
    assert!(shown.insert(peer_of(&told.records[0])), "somebody new");
    now = now.after(secs(1));
    let renewed = others.iter_mut().find(|peer| shown.contains(&peer.id()));
    let record = renewed.unwrap().record(&[node.id()], now);
    node.state.join(record.clone(), now).unwrap();
    let told = told_to(&mut node, &last);
    assert_eq!(presence(&told[0]).records, [record.to_wire()]);
    node.state.resync(last.id(), ROOM, now);
    let told = told_to(&mut node, &last);
    let again: BTreeSet<_> = snapshot(&told[0]).records.iter().map(peer_of).collect();
    assert_eq!(again, shown);
}

#[test]
fn of_others_it_hears_how_many_they_are_once_a_second() {
    let (mut node, mut others, last, shown, start) = node(100);
    let mut sizes = Vec::new();
    for i in 0..50 {
        let now = start.after(ms(100 * i));
        node.run(now, now);
        if i % 2 == 0 {
            let mut peer = Peer::new(now);
            let record = peer.record(&[node.id()], now);
            node.state.join(record, now).unwrap();
        } else if i == 25 {
            let hidden = others.iter_mut().find(|peer| !shown.contains(&peer.id()));
            node.state.leave(hidden.unwrap().leave(), now);
        }
        for message in told_to(&mut node, &last) {
            let told = presence(&message);
            assert!(told.records.is_empty() && told.gone.is_empty());
            sizes.push(told.size);
        }
    }
    assert!((4..=6).contains(&sizes.len()), "{sizes:?}");
    assert!(sizes.is_sorted() && sizes[0] > 101, "{sizes:?}");
}

#[test]
fn a_room_that_grows_and_shrinks_is_shown_as_far_as_64() {
    let (mut node, now) = (Node::new(), Now::read());
    let mut last = Peer::new(now);
    let record = last.record(&[node.id()], now);
    node.state.join(record, now).unwrap();
    let mut shown = BTreeSet::new();
    let mut others: Vec<_> = (0..80).map(|_| Peer::new(now)).collect();
    let mut heed = |node: &mut Node| {
        for message in told_to(node, &last) {
            if let FromNode::Presence(told) = &message {
                shown.extend(told.records.iter().map(peer_of));
                told.gone.iter().for_each(|gone| {
                    shown.remove(gone);
                });
            }
        }
        shown.len()
    };
    for (i, other) in others.iter_mut().enumerate() {
        let then = now.after(ms(100 * (i as u64 + 1)));
        let record = other.record(&[node.id()], then);
        node.state.join(record, then).unwrap();
        assert_eq!(heed(&mut node), (i + 1).min(64));
    }
    let start = now.after(secs(60));
    node.run(start, start);
    for (i, other) in others.iter_mut().enumerate() {
        let then = start.after(ms(100 * i as u64));
        node.run(then, then);
        node.state.leave(other.leave(), then);
        assert_eq!(heed(&mut node), (79 - i).min(64));
    }
}
