//! Whatever happens, nodes agree in the end on who is in the room.

use proptest::prelude::*;

use super::simulation::{FAIR, Simulation, Weather};
use super::*;

const NODES: usize = 6;
const PEERS: usize = 8;

#[derive(Clone, Debug)]
enum Step {
    Join(usize, Vec<usize>),
    Leave(usize),
    CrashPeer(usize),
    Link(usize, usize),
    Unlink(usize, usize),
    Split(u8),
    Heal,
    Restart(usize),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let (node, peer) = (0..NODES, 0..PEERS);
    let at = prop::collection::btree_set(0..NODES, 1..4)
        .prop_map(|at| at.into_iter().collect::<Vec<_>>())
        .prop_shuffle();
    prop_oneof![
        8 => (peer.clone(), at).prop_map(|(peer, at)| Step::Join(peer, at)),
        3 => peer.clone().prop_map(Step::Leave),
        3 => peer.prop_map(Step::CrashPeer),
        2 => (node.clone(), node.clone()).prop_map(|(a, b)| Step::Link(a, b)),
        2 => (node.clone(), node.clone()).prop_map(|(a, b)| Step::Unlink(a, b)),
        1 => any::<u8>().prop_map(Step::Split),
        1 => Just(Step::Heal),
        1 => node.prop_map(Step::Restart),
        8 => (0u64..4_000).prop_map(Step::Wait),
    ]
}

fn act(simulation: &mut Simulation, step: Step) {
    match step {
        Step::Join(peer, at) => simulation.join(peer, &at),
        Step::Leave(peer) => simulation.leave(peer),
        Step::CrashPeer(peer) => simulation.crash_peer(peer),
        Step::Link(a, b) => simulation.link(a, b),
        Step::Unlink(a, b) => simulation.unlink(a, b),
        Step::Split(mask) => simulation.split(|i| mask & (1 << i) != 0),
        Step::Heal => simulation.heal(),
        Step::Restart(node) => {
            simulation.kill(node);
            simulation.restart(node);
        }
        Step::Wait(time) => simulation.run(ms(time)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whatever was lost, delayed, split or restarted: once it is quiet, everybody knows.
    #[test]
    fn in_the_end_everybody_knows(
        seed in any::<u64>(),
        gossip_loss in 0.0..0.6f64,
        frame_loss in 0.0..0.3f64,
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let weather = Weather { gossip_loss, frame_loss, delay: ms(400) };
        let mut simulation = Simulation::new(NODES, PEERS, seed, weather);
        let mut forgot = false;
        for step in steps {
            forgot |= matches!(step, Step::Restart(_) | Step::Split(_));
            act(&mut simulation, step);
        }
        simulation.heal();
        simulation.weather.frame_loss = 0.0;
        simulation.run(secs(150));
        let unknown: Vec<_> = simulation
            .mistakes()
            .into_iter()
            .filter(|mistake| !mistake.ends_with(" 0 too few"))
            .collect();
        prop_assert_eq!(unknown, Vec::<String>::new());
        // Where a node restarted, or closed the room while it was cut off, what it alone knew
        // of the gone is lost: then their records must end.
        for _ in 0..if forgot { 3 } else { 0 } {
            simulation.renew();
            simulation.run(secs(240));
        }
        prop_assert_eq!(simulation.mistakes(), Vec::<String>::new());
    }

    /// With nothing lost, a join or leave is known in a second.
    #[test]
    fn in_fair_weather_everybody_knows_at_once(
        seed in any::<u64>(),
        steps in prop::collection::vec(
            (0..PEERS, prop::collection::btree_set(0..NODES, 1..4)), 1..12),
    ) {
        let mut simulation = Simulation::new(NODES, PEERS + NODES, seed, FAIR);
        // A member on every node, so that all of them serve the room.
        for node in 0..NODES {
            simulation.join(PEERS + node, &[node]);
        }
        simulation.run(secs(15));
        prop_assert_eq!(simulation.mistakes(), Vec::<String>::new());
        for (peer, at) in steps {
            if simulation.members[peer].is_in() {
                simulation.leave(peer);
            } else {
                simulation.join(peer, &at.into_iter().collect::<Vec<_>>());
            }
            simulation.run(secs(1));
            prop_assert_eq!(simulation.mistakes(), Vec::<String>::new());
        }
    }
}

#[test]
fn strangers_who_join_one_room_find_each_other_within_two_seconds() {
    let mut simulation = Simulation::new(8, 8, 1, FAIR);
    for i in 0..8 {
        simulation.join(i, &[i]);
    }
    simulation.run(secs(2));
    assert_eq!(simulation.mistakes(), Vec::<String>::new());
}

#[test]
fn a_split_network_agrees_within_35_seconds_of_healing() {
    for seed in 0..6 {
        let mut simulation = Simulation::new(10, 20, seed, FAIR);
        for i in 0..14 {
            simulation.join(i, &[i % 10]);
        }
        simulation.run(secs(20));
        assert_eq!(simulation.mistakes(), Vec::<String>::new());
        simulation.split(|i| i >= 5);
        simulation.run(secs(40 + 17 * seed));
        // Each side goes on without the other.
        simulation.leave(0);
        simulation.crash_peer(6);
        for i in 14..20 {
            simulation.join(i, &[i % 10]);
        }
        simulation.run(secs(40));
        assert!(
            !simulation.mistakes().is_empty(),
            "they can't know of each other"
        );
        simulation.heal();
        simulation.run(secs(35));
        assert_eq!(simulation.mistakes(), Vec::<String>::new(), "seed {seed}");
    }
}

#[test]
fn a_dead_node_s_peers_are_gone_and_the_rest_stays() {
    let mut simulation = Simulation::new(6, 12, 3, FAIR);
    for i in 0..12 {
        simulation.join(i, &[i % 6, (i + 1) % 6]);
    }
    simulation.run(secs(20));
    // Two that hang on node 0 alone.
    simulation.join(0, &[0]);
    simulation.join(1, &[0]);
    simulation.run(secs(5));
    simulation.kill(0);
    simulation.run(secs(5));
    assert!(!simulation.mistakes().is_empty());
    simulation.run(secs(95));
    assert_eq!(simulation.mistakes(), Vec::<String>::new());
    assert_eq!(simulation.truth().len(), 10);
}

#[test]
fn a_settled_room_says_little() {
    let mut simulation = Simulation::new(6, 60, 4, FAIR);
    for i in 0..60 {
        simulation.join(i, &[i % 6, (i + 1) % 6]);
    }
    simulation.run(secs(60));
    assert_eq!(simulation.mistakes(), Vec::<String>::new());
    let messages = simulation.sum(|summary| summary.messages_sent);
    let gossip = simulation.sum(|summary| summary.gossip_published);
    let digests = simulation.sum(|summary| summary.digests_sent);
    simulation.run(secs(120));
    assert_eq!(simulation.sum(|summary| summary.messages_sent), messages);
    assert_eq!(simulation.sum(|summary| summary.gossip_published), gossip);
    let digests = simulation.sum(|summary| summary.digests_sent) - digests;
    assert!(
        digests <= 6 * 5 * 5,
        "{digests}: one per neighbour in 26 to 30 s"
    );
}
