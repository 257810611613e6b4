//! Rooms too large for everybody to be told of everybody. The bounds are an eighth of the
//! defaults, so that many nodes can be had.

use super::simulation::{FAIR, Simulation, Weather};
use super::*;
use crate::wire::presence::RoomChanges;

fn eighth() -> Config {
    Config {
        big_above: 64,
        big_until: 48,
        sample: 32,
        sample_kept: 40,
        count_ms: 4_000,
        count_rush_ms: 80,
        ..Config::default()
    }
}

const NODES: usize = 16;

/// `peers` peers join within ten seconds, each on two nodes; one more node has none.
fn crowd(peers: usize, most: usize, weather: Weather) -> Simulation {
    let mut simulation = Simulation::with(eighth(), NODES + 1, most, 5, weather);
    for peer in 0..peers {
        simulation.join(peer, &[peer % NODES, (peer + 7) % NODES]);
        simulation.run(secs(10) / u32::try_from(peers).unwrap());
    }
    simulation
}

fn assert_size(simulation: &Simulation, percent: usize) {
    let truth = simulation.truth().len();
    for size in simulation.sizes() {
        assert!(
            size.abs_diff(truth) * 100 <= truth * percent,
            "{size} of {truth}"
        );
    }
}

/// Everybody knows a full sample, and nobody who isn't there.
fn assert_sample(simulation: &Simulation) {
    let truth = simulation.truth();
    for known in simulation.known() {
        let gone = known.difference(&truth).count();
        assert!(gone <= 2, "{gone} gone and not known to be");
        assert!(known.len() >= 28, "{} known", known.len());
        assert!(known.len() < truth.len() / 2, "{} known", known.len());
    }
}

#[test]
fn a_crowd_is_known_by_size_and_sample_within_seconds() {
    let mut simulation = crowd(300, 300, FAIR);
    simulation.run(secs(5));
    assert!(simulation.big().iter().all(|big| *big));
    assert_size(&simulation, 5);
}

#[test]
fn lost_gossip_is_made_good() {
    let rain = Weather {
        gossip_loss: 0.5,
        ..FAIR
    };
    let mut simulation = crowd(240, 240, rain);
    simulation.run(secs(60));
    assert_size(&simulation, 5);
    let known = simulation.known();
    let everywhere = known.iter().skip(1).fold(known[0].clone(), |all, one| {
        all.intersection(one).copied().collect()
    });
    assert!(everywhere.len() >= 28, "{} in common", everywhere.len());
}

#[test]
fn members_of_the_sample_that_go_are_replaced() {
    let mut simulation = crowd(240, 240, FAIR);
    simulation.run(secs(10));
    // Until those records are over that all were told of while the room was small.
    for _ in 0..3 {
        simulation.renew();
        simulation.run(secs(240));
    }
    assert_sample(&simulation);
    for peer in 0..240 {
        match peer % 3 {
            0 => simulation.leave(peer),
            1 => simulation.crash_peer(peer),
            _ => {}
        }
    }
    for peer in 0..160 {
        if !simulation.members[peer].is_in() {
            simulation.join(peer, &[(peer + 1) % NODES, peer % NODES]);
        }
    }
    simulation.run(secs(20));
    assert_size(&simulation, 5);
    assert_sample(&simulation);
    for node in 0..5 {
        simulation.kill(node);
    }
    simulation.run(secs(240));
    simulation.renew();
    simulation.run(secs(60));
    assert_size(&simulation, 5);
}

#[test]
fn the_bounds_are_crossed_both_ways_by_all_and_not_between() {
    let mut simulation = crowd(60, 100, FAIR);
    simulation.run(secs(20));
    assert!(simulation.big().iter().all(|big| !big), "60 aren't many");
    assert_eq!(simulation.mistakes(), Vec::<String>::new());
    for peer in 60..100 {
        simulation.join(peer, &[peer % NODES, (peer + 7) % NODES]);
    }
    simulation.run(secs(5));
    assert!(simulation.big().iter().all(|big| *big), "100 are");
    for peer in 0..45 {
        simulation.leave(peer);
    }
    simulation.run(secs(80));
    assert!(simulation.big().iter().all(|big| *big), "55 still are");
    assert_size(&simulation, 5);
    simulation.renew();
    for peer in 45..60 {
        simulation.leave(peer);
    }
    simulation.run(secs(100));
    assert!(simulation.big().iter().all(|big| !big), "40 aren't");
    assert_eq!(
        simulation.mistakes(),
        Vec::<String>::new(),
        "everybody knows everybody again"
    );
    assert_size(&simulation, 0);
}

#[test]
fn between_the_bounds_a_node_takes_a_room_for_what_the_others_do() {
    let mut simulation = crowd(80, 100, FAIR);
    simulation.run(secs(10));
    for peer in 0..25 {
        simulation.leave(peer);
    }
    simulation.run(secs(70));
    simulation.join(90, &[NODES]);
    simulation.run(secs(15));
    assert_eq!(simulation.big(), [true; NODES + 1]);
    assert_size(&simulation, 5);
}

#[test]
fn ten_times_the_members_cost_each_node_no_more_than_twice_the_bytes() {
    let cost = |peers: usize| {
        let mut simulation = crowd(peers, peers + 20, FAIR);
        simulation.run(secs(60));
        // Five minutes, in which each record is renewed and a tenth comes or goes.
        let before = simulation.bytes;
        for second in 0..300 {
            for peer in (second * peers / 300)..((second + 1) * peers / 300) {
                if peer % 10 == 0 {
                    simulation.leave(peer);
                } else {
                    simulation.join(peer, &[peer % NODES, (peer + 7) % NODES]);
                }
            }
            simulation.run(secs(1));
        }
        (simulation.bytes - before) / NODES
    };
    let (few, many) = (cost(62), cost(620));
    // Within ten minutes of an hour's end the sample turns, and it is up to 2.7 times.
    assert!(many <= 2 * few, "{few} bytes for 62, {many} for 620");
}

/// A node to which the room is big, and one that knows no big rooms.
fn unlike() -> (Node, Node, Vec<Peer>, Now) {
    let now = Now::read();
    let mut big = Node::with(eighth());
    let mut small = Node::with(Config {
        big_above: 4_000,
        big_until: 4_000,
        ..eighth()
    });
    let mut peers = Vec::new();
    for i in 0..140 {
        let node = if i < 100 { &mut big } else { &mut small };
        let mut peer = Peer::new(now);
        let record = peer.record(&[node.id()], now);
        node.state.join(record, now).unwrap();
        peers.push(peer);
    }
    big.run(now, now.after(secs(5)));
    small.run(now, now.after(secs(5)));
    big.outputs();
    small.outputs();
    (big, small, peers, now.after(secs(5)))
}

/// Carries frames until there are no more, and publications if wished. Gives the frames' number.
fn talk(a: &mut Node, b: &mut Node, gossip: bool, now: Now) -> usize {
    let ids = [a.id(), b.id()];
    let mut count = 0;
    loop {
        let mut silent = true;
        for (from, to, ids) in [(0, 1, ids), (1, 0, ids)] {
            let (sender, receiver) = if from == 0 {
                (&mut *a, &mut *b)
            } else {
                (&mut *b, &mut *a)
            };
            for output in sender.outputs() {
                match output {
                    Output::Send(node, frame) if node == ids[to] => {
                        count += 1;
                        silent = false;
                        receiver.state.received(ids[from], &frame, now).unwrap();
                    }
                    Output::Event(Event::Publish { topic, data }) if gossip => {
                        let Gossip::Presence(changes) = cbor::decode("", &data, GOSSIP).unwrap()
                        else {
                            panic!("an envelope");
                        };
                        let verdict = receiver.state.gossip(&topic, changes, now);
                        assert_ne!(verdict, Verdict::Reject);
                    }
                    _ => {}
                }
            }
        }
        if silent {
            return count;
        }
    }
}

#[test]
fn nodes_that_differ_in_whether_a_room_is_big_understand_each_other() {
    let (mut big, mut small, peers, mut now) = unlike();
    assert_eq!(big.state.summary().big_rooms, 1);
    let (a, b) = (big.id(), small.id());
    big.link(b, now);
    small.link(a, now);
    big.state.subscribed(b, &lobby(), now);
    small.state.subscribed(a, &lobby(), now);
    talk(&mut big, &mut small, true, now);
    for round in 0..6 {
        let then = now.after(secs(31));
        big.run(now, then);
        small.run(now, then);
        now = then;
        let frames = talk(&mut big, &mut small, true, now);
        assert!(round < 3 || frames <= 4, "{frames} though nothing is new");
    }
    assert!((100..=140).contains(&big.state.size(ROOM)));
    assert_eq!(small.state.size(ROOM), 140, "100 of them by a count");
    let shared = small.members(ROOM);
    assert!((72..=110).contains(&shared.len()), "{}", shared.len());
    // Somebody of the sample leaves: both know.
    let (gone, mut gone_peer) = peers
        .into_iter()
        .take(100)
        .find(|peer| shared.contains(&peer.id()))
        .map(|peer| (peer.id(), peer))
        .unwrap();
    assert_eq!(small.state.attachments_of(ROOM, &gone), [a]);
    big.state.leave(gone_peer.leave(), now);
    talk(&mut big, &mut small, true, now);
    assert!(!small.members(ROOM).contains(&gone));
}

#[test]
fn who_is_not_in_the_sample_stays_with_its_node() {
    let (mut big, _, _, mut now) = unlike();
    let mut told = 0;
    for _ in 0..200 {
        now = now.after(secs(1));
        let mut peer = Peer::new(now);
        let record = peer.record(&[big.id()], now);
        big.state.join(record, now).unwrap();
        assert_eq!(big.state.attachments_of(ROOM, &peer.id()), [big.id()]);
        let before = big.published().len();
        big.run(now, now.after(secs(1)));
        told += before
            + big
                .published()
                .iter()
                .map(|c| c.records.len())
                .sum::<usize>();
    }
    assert!((5..60).contains(&told), "{told} of 200");
    // A stranger that isn't in it is no news.
    let mut ignored = 0;
    for _ in 0..50 {
        let mut peer = Peer::new(now);
        let record = peer.record(&[PeerId::random()], now);
        let verdict = big.state.gossip(&lobby(), records(&[&record]), now);
        ignored += usize::from(verdict == Verdict::Ignore);
    }
    assert!(ignored >= 25, "{ignored} of 50");
    assert!(big.members(ROOM).len() <= 300 + 50);
}

#[test]
fn a_newcomer_learns_the_size_with_its_snapshot() {
    let (mut big, _, _, now) = unlike();
    let mut new = Node::with(eighth());
    let mut peer = Peer::new(now);
    let record = peer.record(&[new.id()], now);
    new.state.join(record, now).unwrap();
    new.outputs();
    let frame = PresenceFrame::Snapshot(crate::wire::presence::RoomName { room: ROOM.into() });
    let id = new.id();
    big.link(id, now);
    big.outputs();
    big.receive(id, &frame, now);
    let answers = big.frames(&id);
    let sent: usize = answers
        .iter()
        .map(|frame| match frame {
            PresenceFrame::Records(RoomChanges { changes, .. }) => changes.records.len(),
            other => panic!("{other:?}"),
        })
        .sum();
    assert_eq!(sent, 32, "the sample and no more");
    new.link(big.id(), now);
    for frame in &answers {
        new.receive(big.id(), frame, now);
    }
    assert_eq!(new.state.size(ROOM), 101);
    assert_eq!(new.state.summary().big_rooms, 1);
}
