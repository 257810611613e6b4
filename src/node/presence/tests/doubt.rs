//! A peer that has lost an attachment: whether it is still at the nodes that it had besides.

use super::*;
use crate::wire::presence::RoomName;

/// A node on which somebody is in the room, and what it hears of Carol, who is attached to `x`
/// and `y`: that she no longer is to `x`. `before` that, something may happen.
fn shaken_after(before: impl Fn(&mut Node, PeerId, Now)) -> (Node, Peer, Identity, Identity, Now) {
    let (mut node, now) = (Node::new(), Now::read());
    let (x, y) = (Identity::generate(), Identity::generate());
    let (mut bob, mut carol) = (Peer::new(now), Peer::new(now));
    let own = bob.record(&[node.id()], now);
    node.state.join(own, now).unwrap();
    let record = carol.record(&[x.peer_id(), y.peer_id()], now);
    node.state.gossip(&lobby(), records(&[&record]), now);
    before(&mut node, y.peer_id(), now);
    let word = detached(&x, &carol, carol.seq);
    node.state.gossip(&lobby(), detaches(&[&word]), now);
    node.outputs();
    (node, carol, x, y, now)
}

fn shaken() -> (Node, Peer, Identity, Identity, Now) {
    shaken_after(|_, _, _| ())
}

fn dials(node: &mut Node) -> Vec<PeerId> {
    let outputs = node.outputs().into_iter();
    let dialed = outputs.filter_map(|output| match output {
        Output::Dial(other) => Some(other),
        _ => None,
    });
    dialed.collect()
}

#[test]
fn who_has_lost_one_node_is_gone_when_the_other_is_never_heard_of() {
    let (mut node, carol, _, y, now) = shaken();
    let soon = now.after(secs(6));
    node.run(now, soon);
    assert_eq!(dials(&mut node), [], "she has time to renew her record");
    let then = now.after(secs(11));
    node.run(soon, then);
    assert_eq!(dials(&mut node), [y.peer_id()]);
    node.state.unlinked(y.peer_id(), then);
    assert!(node.has(&carol));
    let late = now.after(secs(26));
    node.run(then, late);
    assert!(!node.has(&carol), "her last node may have died with her");
    node.link(y.peer_id(), late);
    assert!(!node.has(&carol), "it lives, and doesn't speak of the room");
    let room = ROOM.to_owned();
    node.receive(
        y.peer_id(),
        &PresenceFrame::Snapshot(RoomName { room }),
        late,
    );
    assert!(
        node.has(&carol),
        "it serves the room, and would say if she were gone"
    );
}

#[test]
fn who_has_lost_one_node_is_gone_when_the_link_to_the_other_ends_later() {
    let (mut node, carol, _, y, now) = shaken_after(|node, y, now| {
        node.link(y, now);
        let room = ROOM.to_owned();
        node.receive(y, &PresenceFrame::Snapshot(RoomName { room }), now);
    });
    let lost = now.after(secs(7));
    node.run(now, lost);
    node.state.unlinked(y.peer_id(), lost);
    node.run(lost, now.after(secs(26)));
    assert!(!node.has(&carol));
}

#[test]
fn who_has_lost_one_node_stays_when_the_other_is_heard_of_or_the_record_renewed() {
    let (mut node, carol, _, y, now) = shaken();
    node.run(now, now.after(secs(15)));
    node.link(y.peer_id(), now.after(secs(15)));
    let room = ROOM.to_owned();
    let frame = PresenceFrame::Snapshot(RoomName { room });
    node.receive(y.peer_id(), &frame, now.after(secs(16)));
    node.run(now.after(secs(16)), now.after(secs(59)));
    assert!(node.has(&carol));

    let (mut node, mut carol, x, y, now) = shaken();
    let soon = now.after(secs(6));
    let again = carol.record(&[y.peer_id(), x.peer_id()], soon);
    node.state.gossip(&lobby(), records(&[&again]), soon);
    node.run(soon, now.after(secs(60)));
    assert!(!dials(&mut node).contains(&y.peer_id()));
    assert!(node.has(&carol));
}

#[test]
fn records_that_list_strangers_have_a_budget_of_dials() {
    let doubts = Rate {
        per_second: 1,
        burst: 4,
    };
    let config = Config {
        doubts,
        ..Config::default()
    };
    let (mut node, now) = (Node::with(config), Now::read());
    let (mut bob, x) = (Peer::new(now), Identity::generate());
    let own = bob.record(&[node.id()], now);
    node.state.join(own, now).unwrap();
    for _ in 0..40 {
        let mut peer = Peer::new(now);
        let record = peer.record(&[x.peer_id(), PeerId::random()], now);
        node.state.gossip(&lobby(), records(&[&record]), now);
        let word = detached(&x, &peer, peer.seq);
        node.state.gossip(&lobby(), detaches(&[&word]), now);
    }
    node.outputs();
    node.run(now, now.after(secs(15)));
    let early = dials(&mut node).len();
    assert!((4..=4 + 15).contains(&early), "{early} dials");
    node.run(now.after(secs(15)), now.after(secs(120)));
    assert_eq!(early + dials(&mut node).len(), 40, "all in their time");
    assert_eq!(node.members(ROOM), [bob.id()].into());
}
