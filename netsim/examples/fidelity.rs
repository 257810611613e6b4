//! The simulated half of the comparison with real nodes: the very scenario of
//! tests/bench/fidelity, with the same names for the same samples.
//!
//! `cargo run --release --example fidelity -- simulated.json [seed]`, then
//! `node tests/bench/fidelity.mjs real.json simulated.json`.

use std::{cell::RefCell, collections::HashMap, rc::Rc, time::Duration};

use libp2p::{Multiaddr, PeerId, multiaddr::Protocol, swarm::SwarmEvent};
use rand::{RngExt, seq::SliceRandom};
use simnet::{Carrier, Carriers, HostConfig, Running, Settings, Simulation, Stream};
use velox_mesh::{
    carriers,
    clock::Now,
    content,
    identity::Identity,
    node::{self, AddressBook},
    peer::{self, Event},
};

simnet::interpose!();

const NETWORK: &str = "fidelity.bench";
const ROOM: &str = "fidelity";
/// The first node and thirty others; each of the others has a peer.
const NODES: usize = 31;
const REGIONS: usize = 10;
const BETWEEN_STARTS: Duration = Duration::from_millis(300);
const SETTLE: Duration = Duration::from_secs(60);
const JOINS: usize = 75;
const BETWEEN_JOINS: Duration = Duration::from_secs(2);
const AWAY: Duration = Duration::from_secs(1);
const LOOKUPS: usize = 180;
const BETWEEN_LOOKUPS: Duration = Duration::from_secs(1);
const RESOURCES: usize = 3;

const ROUND_TRIPS: &str = include_str!("../data/region-rtt-ms.csv");

/// One-way latencies between hosts: a host's region is its number's last digit, and a peer is on
/// its node's machine.
fn latencies() -> Vec<Vec<Duration>> {
    let matrix: Vec<Vec<f64>> = ROUND_TRIPS
        .lines()
        .filter(|line| !line.starts_with('#'))
        .skip(1)
        .map(|line| {
            line.split(',')
                .skip(1)
                .map(|cell| cell.trim().parse().expect("the matrix has numbers"))
                .collect()
        })
        .collect();
    (0..NODES)
        .map(|from| {
            (0..NODES)
                .map(|to| match from == to {
                    true => Duration::ZERO,
                    false => Duration::from_secs_f64(matrix[from % REGIONS][to % REGIONS] / 2e3),
                })
                .collect()
        })
        .collect()
}

/// What peers have told: when, who, what.
type Log = Rc<RefCell<Vec<(Duration, usize, Event)>>>;

struct Stage<'a> {
    sim: &'a mut Simulation,
    nodes: Vec<Running<node::Behaviour>>,
    peers: Vec<(PeerId, Running<peer::Behaviour>)>,
    log: Log,
    chance: Stream,
}

#[derive(Default)]
struct Samples {
    gossip: Vec<f64>,
    first: Vec<f64>,
    end: Vec<f64>,
    connections: Vec<f64>,
}

impl Stage<'_> {
    fn wait(&mut self, span: Duration) {
        let until = self.sim.now() + span;
        self.sim.run_until(until);
    }

    fn start_nodes(&mut self) {
        let mut first: Vec<Multiaddr> = Vec::new();
        for number in 0..NODES {
            let config = HostConfig {
                region: number,
                dial_timeout: Some(carriers::DIAL_TIMEOUT),
                ..HostConfig::default()
            };
            let host = self.sim.host(&format!("node {number}"), config);
            let identity = self.sim.within(host, Identity::generate);
            let both = &[Carrier::Quic, Carrier::Tcp];
            let over = Carriers {
                listen: both,
                dial: both,
            };
            let mut config = node::Config::new(NETWORK);
            config.bootstrap.clone_from(&first);
            let running = self.sim.swarm_over(
                host,
                identity.keypair(),
                over,
                carriers::optimistic,
                node::IDLE_CONNECTION,
                || node::Behaviour::new(identity.clone(), config, AddressBook::default()),
            );
            if number == 0 {
                first = both
                    .iter()
                    .map(|carrier| {
                        let address = self.sim.address(host, *carrier);
                        address.with(Protocol::P2p(identity.peer_id()))
                    })
                    .collect();
            } else {
                let address = self.sim.address(host, Carrier::Tcp);
                self.start_peer(number, address.with(Protocol::P2p(identity.peer_id())));
            }
            self.nodes.push(running);
            self.wait(BETWEEN_STARTS);
        }
    }

    fn start_peer(&mut self, number: usize, node: Multiaddr) {
        let config = HostConfig {
            region: number,
            dial_timeout: Some(carriers::DIAL_TIMEOUT),
            ..HostConfig::default()
        };
        let host = self.sim.host(&format!("peer {number}"), config);
        let identity = self.sim.within(host, Identity::generate);
        let over = Carriers {
            listen: &[],
            dial: &[Carrier::Tcp],
        };
        let config = peer::Config {
            nodes: vec![node],
            attachments: 1,
            ..peer::Config::new(NETWORK)
        };
        let running = self.sim.swarm_over(
            host,
            identity.keypair(),
            over,
            carriers::optimistic,
            peer::IDLE_CONNECTION,
            || peer::Behaviour::new(config, &identity),
        );
        let (log, place) = (self.log.clone(), self.peers.len());
        running.listen(move |_, event| {
            if let SwarmEvent::Behaviour(event) = event {
                log.borrow_mut().push((simnet::now(), place, event));
            }
        });
        self.peers.push((identity.peer_id(), running));
    }

    fn state<T>(&self, peer: usize, f: impl FnOnce(&mut peer::State) -> T) -> T {
        self.peers[peer]
            .1
            .with(|swarm| f(swarm.behaviour_mut().state_mut()))
            .expect("nobody is stopped")
    }

    fn join(&self, peer: usize) {
        self.state(peer, |state| {
            state.join(ROOM, b"meta".to_vec(), Now::read());
        });
    }

    fn measure(&mut self) -> Samples {
        self.start_nodes();
        self.wait(Duration::from_secs(5));
        let cid = |peer: usize, nth: usize| {
            content::cid::raw(format!("{peer}/{nth}").as_bytes()).to_string()
        };
        for peer in 0..self.peers.len() {
            self.join(peer);
            for nth in 0..RESOURCES {
                self.state(peer, |state| state.provide(&cid(peer, nth), Now::read()));
            }
        }
        self.wait(SETTLE);
        let mut samples = Samples::default();
        self.joins(&mut samples);
        for _ in 0..LOOKUPS {
            let asker = self.chance.random_range(0..self.peers.len());
            let other = self.chance.random_range(1..self.peers.len());
            let other = (asker + other) % self.peers.len();
            let cid = cid(other, self.chance.random_range(0..RESOURCES));
            self.look_up(asker, &cid, &mut samples);
        }
        samples.connections = self
            .nodes
            .iter()
            .filter_map(|node| node.look(|swarm| swarm.connected_peers().count() as f64))
            .collect();
        samples
    }

    fn joins(&mut self, samples: &mut Samples) {
        let mut order: Vec<usize> = Vec::new();
        for _ in 0..JOINS {
            let peer = order.pop().unwrap_or_else(|| {
                order = (0..self.peers.len()).collect();
                order.shuffle(&mut self.chance);
                order.pop().expect("there are peers")
            });
            self.state(peer, |state| state.leave(ROOM));
            self.wait(AWAY);
            self.log.borrow_mut().clear();
            let at = self.sim.now();
            self.join(peer);
            self.wait(BETWEEN_JOINS - AWAY);
            let mut seen = HashMap::new();
            for (when, seer, event) in self.log.borrow().iter() {
                if let Event::Joined(record) = event
                    && record.peer == self.peers[peer].0
                {
                    seen.entry(*seer).or_insert(ms(*when - at));
                }
            }
            samples.gossip.extend(seen.into_values());
        }
    }

    fn look_up(&mut self, asker: usize, cid: &str, samples: &mut Samples) {
        self.log.borrow_mut().clear();
        let at = self.sim.now();
        let asked = self.state(asker, |state| state.locate(cid));
        let mut first = None;
        let mut waited = Duration::ZERO;
        // As in reality: the next begins a second after this one, or when this one has ended.
        loop {
            self.wait(BETWEEN_LOOKUPS);
            waited += BETWEEN_LOOKUPS;
            for (when, who, event) in std::mem::take(&mut *self.log.borrow_mut()) {
                let Event::Providers { id, records, last } = event else {
                    continue;
                };
                if who != asker || id != asked {
                    continue;
                }
                if !records.is_empty() {
                    first.get_or_insert(ms(when - at));
                }
                if last {
                    samples.first.extend(first);
                    samples.end.push(ms(when - at));
                    return;
                }
            }
            if waited > Duration::from_secs(20) {
                return;
            }
        }
    }
}

fn ms(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}

fn json(samples: &Samples) -> String {
    let list = |name: &str, all: &[f64]| {
        let all: Vec<_> = all.iter().map(|one| format!("{one:.3}")).collect();
        format!("\"{name}\":[{}]", all.join(","))
    };
    let lists = [
        list("gossip_ms", &samples.gossip),
        list("lookup_first_ms", &samples.first),
        list("lookup_end_ms", &samples.end),
        list("connections", &samples.connections),
    ];
    format!("{{{}}}\n", lists.join(","))
}

fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let Some(path) = arguments.next() else {
        eprintln!("usage: fidelity <simulated.json> [seed]");
        std::process::exit(2);
    };
    let seed = arguments
        .next()
        .map_or(1, |seed| seed.parse().expect("the seed is a number"));
    let settings = Settings {
        seed,
        regions: latencies(),
        ..Settings::default()
    };
    let samples = simnet::run(settings, move |sim| {
        let mut stage = Stage {
            sim,
            nodes: Vec::new(),
            peers: Vec::new(),
            log: Log::default(),
            chance: Stream::new(seed, "fidelity"),
        };
        stage.measure()
    });
    println!(
        "gossip {:.1} ms ({} samples), first provider {:.1} ms ({}), end {:.1} ms",
        median(&samples.gossip),
        samples.gossip.len(),
        median(&samples.first),
        samples.first.len(),
        median(&samples.end)
    );
    std::fs::write(&path, json(&samples)).expect("the file can be written");
}
