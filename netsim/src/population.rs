//! Who takes part: hosts, their lives, and what they start from.

use std::{collections::HashMap, sync::Arc, time::Duration};

use libp2p::{Multiaddr, PeerId};
use netsim_scenario::{Behave, Group, Kind, Nat, Region, Scenario};
use rand::{RngExt, seq::IndexedRandom};
use simnet::{HostConfig, HostId, LastMile, Simulation, Stream};
use velox_mesh::{carriers::DIAL_TIMEOUT, identity::Identity};

use crate::{
    agenda::HostNo,
    geography, hostile,
    programs::{self, Disk, Program},
};

/// How a host is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It hasn't started yet.
    Waiting,
    /// It runs.
    Up,
    /// It computes nothing for a while.
    Frozen,
    /// It has departed, and comes back.
    Away,
    /// It has departed for good.
    Gone,
}

/// A host.
pub struct Host {
    /// Its group's number.
    pub group: usize,
    /// On the simulated network.
    pub id: HostId,
    /// Its key.
    pub identity: Identity,
    /// What decides over its life.
    pub chance: Stream,
    /// Where it is.
    pub region: Region,
    /// What it does that it shouldn't.
    pub behave: Behave,
    /// It has done so at some time.
    pub misbehaved: bool,
    /// How it is doing.
    pub standing: Standing,
    /// How often it has started.
    pub life: u32,
    /// It has been attached in this life.
    pub was_attached: bool,
    /// When it last started.
    pub started: Duration,
    /// What it runs.
    pub program: Option<Program>,
    /// What it has on disk.
    pub disk: Disk,
    /// The nodes that a peer is attached to.
    pub attached: Vec<PeerId>,
    /// Since when a peer that was attached isn't.
    pub without_since: Option<Duration>,
    /// Since when a peer has fewer attachments than it wants.
    pub fewer_since: Option<Duration>,
}

impl Host {
    /// Whether it is up, frozen or not.
    pub fn is_alive(&self) -> bool {
        matches!(self.standing, Standing::Up | Standing::Frozen)
    }

    /// Its PeerId.
    pub fn peer_id(&self) -> PeerId {
        self.identity.peer_id()
    }
}

/// Everybody.
pub struct Population {
    scenario: Scenario,
    /// All hosts that ever were.
    pub hosts: Vec<Host>,
    by_peer: HashMap<PeerId, HostNo>,
    by_group: Vec<Vec<HostNo>>,
    one_way: Vec<Vec<Duration>>,
    chance: Stream,
    seed: u64,
}

impl Population {
    /// Nobody yet.
    pub fn new(scenario: Scenario, seed: u64) -> Self {
        Population {
            by_group: vec![Vec::new(); scenario.groups.len()],
            one_way: geography::one_way(scenario.network.latency),
            scenario,
            hosts: Vec::new(),
            by_peer: HashMap::new(),
            chance: Stream::new(seed, "population"),
            seed,
        }
    }

    /// The group of a host.
    pub fn group(&self, host: HostNo) -> &Group {
        &self.scenario.groups[self.hosts[host].group]
    }

    /// The number of a group.
    pub fn group_no(&self, name: &str) -> Option<usize> {
        self.scenario
            .groups
            .iter()
            .position(|group| group.name == name)
    }

    /// The hosts of a group.
    pub fn of_group(&self, group: usize) -> &[HostNo] {
        &self.by_group[group]
    }

    /// Whose PeerId that is.
    pub fn whose(&self, peer: &PeerId) -> Option<HostNo> {
        self.by_peer.get(peer).copied()
    }

    /// Living hosts of a kind.
    pub fn alive(&self, fits: impl Fn(Kind) -> bool) -> impl Iterator<Item = HostNo> {
        self.hosts
            .iter()
            .enumerate()
            .filter(move |(_, host)| host.is_alive() && fits(self.scenario.groups[host.group].kind))
            .map(|(number, _)| number)
    }

    /// Adds a host, which doesn't run yet. Its chance depends on the seed, its group and its
    /// place in it, and on nobody else.
    pub fn add(&mut self, sim: &mut Simulation, group_no: usize) -> HostNo {
        let group = &self.scenario.groups[group_no];
        let place = self.by_group[group_no].len();
        let name = format!("{}/{place}", group.name);
        let mut chance = Stream::new(self.seed, ("host", &name));
        let region = group.regions[place % group.regions.len()];
        let line = self
            .scenario
            .network
            .link(group.link())
            .expect("a scenario that was loaded names only links that exist");
        let offset = i64::try_from(group.clock_offset.as_millis()).unwrap_or(i64::MAX / 2);
        let config = HostConfig {
            region: region as usize,
            last_mile: LastMile {
                latency: line.latency.0,
                jitter: line.latency.0.mul_f64(line.jitter),
                loss: line.loss,
                up: Some(line.up.0),
                down: Some(line.down.0),
            },
            nat: match group.nat().draw(&mut chance) {
                Nat::Open => simnet::Nat::Open,
                Nat::FullCone => simnet::Nat::FullCone,
                Nat::Restricted => simnet::Nat::Restricted,
                Nat::Symmetric => simnet::Nat::Symmetric,
            },
            clock_offset_ms: chance.random_range(-offset..=offset),
            address: None,
            dial_timeout: Some(DIAL_TIMEOUT),
        };
        let id = sim.host(&name, config);
        let identity = match &group.behave {
            Behave::Sybil { rooms } => {
                let rooms = rooms.clone();
                self.sybil(&name, &rooms)
            }
            _ => Identity::from_seed(chance.random()),
        };
        let group = &self.scenario.groups[group_no];
        let number = self.hosts.len();
        self.by_peer.insert(identity.peer_id(), number);
        self.by_group[group_no].push(number);
        self.hosts.push(Host {
            group: group_no,
            id,
            identity,
            chance,
            region,
            behave: group.behave.clone(),
            misbehaved: !group.behave.is_honest(),
            standing: Standing::Waiting,
            life: 0,
            was_attached: false,
            started: Duration::ZERO,
            program: None,
            disk: Disk::default(),
            attached: Vec::new(),
            without_since: None,
            fewer_since: None,
        });
        number
    }

    /// The key of a sybil: it lies next to that of the first room of `rooms` in the hour in which
    /// the run begins.
    pub fn sybil(&self, name: &str, rooms: &str) -> Identity {
        let nodes = self
            .scenario
            .groups
            .iter()
            .filter(|group| !group.kind.is_peer())
            .map(|group| group.count as usize)
            .sum();
        let chance = Stream::new(self.seed, ("sybil", name));
        hostile::next_to(&programs::first_room_key(rooms), nodes, chance)
    }

    /// Sybils next to the same room, living or not, and where they listen.
    pub fn like(&self, sim: &Simulation, rooms: &str) -> Arc<[(PeerId, Vec<Multiaddr>)]> {
        self.hosts
            .iter()
            .filter(|host| matches!(&host.behave, Behave::Sybil { rooms: other } if other == rooms))
            .map(|host| {
                let address = sim.address(host.id, simnet::Carrier::Quic);
                (host.peer_id(), vec![address])
            })
            .collect()
    }

    /// A host gets a new key.
    pub fn rename(&mut self, host: HostNo, identity: Identity) {
        self.by_peer.remove(&self.hosts[host].peer_id());
        self.by_peer.insert(identity.peer_id(), host);
        self.hosts[host].identity = identity;
    }

    /// Living hosts of some groups, without `but`.
    fn living(&self, groups: &[&Group], but: HostNo) -> Vec<HostNo> {
        groups
            .iter()
            .filter_map(|group| self.group_no(&group.name))
            .flat_map(|group| &self.by_group[group])
            .copied()
            .filter(|host| *host != but && self.hosts[*host].standing == Standing::Up)
            .collect()
    }

    /// What a node or bootstrap node starts from: up to eight living hosts, at random.
    pub fn bootstraps(&mut self, sim: &Simulation, host: HostNo) -> Vec<Multiaddr> {
        let groups = self.scenario.bootstraps(self.group(host));
        let mut living = self.living(&groups, host);
        if living.is_empty() {
            // Every bootstrap node is gone: any node that somebody knows will do.
            let nodes: Vec<_> = self
                .scenario
                .groups
                .iter()
                .filter(|group| group.kind == Kind::Node)
                .collect();
            living = self.living(&nodes, host);
        }
        let some: Vec<_> = living
            .sample(&mut self.chance, 8)
            .map(|other| &self.hosts[*other])
            .collect();
        some.into_iter()
            .filter_map(|other| self.address_for(sim, host, other))
            .collect()
    }

    /// The nodes that a peer knows at first.
    pub fn nodes_for(&mut self, sim: &Simulation, host: HostNo) -> Vec<Multiaddr> {
        let group = self.group(host);
        let attach = group.attach();
        let groups = self.scenario.attaches_to(group);
        let mut living = self.living(&groups, host);
        let known = attach.known as usize;
        let region = self.hosts[host].region;
        // Of equally near ones any will do.
        let mut chosen: Vec<_> = living
            .sample(&mut self.chance, living.len())
            .copied()
            .collect();
        if attach.nearest {
            chosen.sort_by_key(|node| {
                self.one_way[region as usize][self.hosts[*node].region as usize]
            });
        }
        chosen.truncate(known);
        living.clear();
        chosen
            .into_iter()
            .filter_map(|node| self.address_for(sim, host, &self.hosts[node]))
            .collect()
    }

    /// Where a peer dials the nodes that it is attached to.
    pub fn nodes_of(&self, sim: &Simulation, host: HostNo) -> Vec<Multiaddr> {
        let attached = self.hosts[host].attached.iter();
        attached
            .filter_map(|node| self.whose(node))
            .filter_map(|node| self.address_for(sim, host, &self.hosts[node]))
            .collect()
    }

    /// Where a host dials another: over the first of its carriers that the other has.
    fn address_for(&self, sim: &Simulation, host: HostNo, other: &Host) -> Option<Multiaddr> {
        let has = programs::listens(&self.scenario.groups[other.group]);
        let carrier = programs::dials(self.group(host))
            .into_iter()
            .find(|carrier| has.contains(carrier))?;
        Some(programs::address_of(
            sim,
            other.id,
            other.peer_id(),
            carrier,
        ))
    }

    /// A share of a group's living hosts, at random, in the order of their numbers.
    pub fn draw(&mut self, group: &str, share: f64) -> Vec<HostNo> {
        let Some(group) = self.group_no(group) else {
            return Vec::new();
        };
        let living: Vec<_> = self.by_group[group]
            .iter()
            .copied()
            .filter(|host| self.hosts[*host].is_alive())
            .collect();
        let count = (living.len() as f64 * share).round() as usize;
        let mut drawn: Vec<_> = living.sample(&mut self.chance, count).copied().collect();
        drawn.sort_unstable();
        drawn
    }
}
