//! Rooms: who is in them, who joins and leaves.

use std::{collections::BTreeMap, rc::Rc, time::Duration};

use netsim_scenario::{Joins as When, Sizes};
use rand::{
    RngExt,
    seq::{IndexedRandom, IteratorRandom},
};
use simnet::Stream;
use velox_mesh::clock::Now;

use super::{Run, life::exponential};
use crate::{
    agenda::{Deed, HostNo, RoomNo},
    programs::{self, Program},
};

/// A room.
pub(super) struct Room {
    pub name: Rc<str>,
    /// Its `[[rooms]]`.
    pub kind: usize,
    /// Who is meant to be in it, and since when he is.
    pub members: BTreeMap<HostNo, Option<Duration>>,
    pub pair: bool,
}

/// All rooms.
pub(super) struct Rooms {
    pub all: Vec<Room>,
    /// The rooms that each host is meant to be in.
    pub of_host: BTreeMap<HostNo, Vec<RoomNo>>,
    /// When members join who don't as soon as they are attached.
    planned: BTreeMap<(RoomNo, HostNo), Duration>,
    chance: Stream,
    pairs: u64,
}

impl Rooms {
    pub fn new(seed: u64) -> Self {
        Rooms {
            all: Vec::new(),
            of_host: BTreeMap::new(),
            planned: BTreeMap::new(),
            chance: Stream::new(seed, "rooms"),
            pairs: 0,
        }
    }

    /// Members that are in a room and alive, by `alive`.
    pub fn present<'a>(
        &'a self,
        room: RoomNo,
        alive: impl Fn(HostNo) -> bool + 'a,
    ) -> impl Iterator<Item = HostNo> + 'a {
        self.all[room]
            .members
            .iter()
            .filter(move |(host, since)| since.is_some() && alive(**host))
            .map(|(host, _)| *host)
    }
}

impl Run<'_> {
    pub(super) fn plan_rooms(&mut self) {
        for kind in 0..self.scenario.rooms.len() {
            let spec = self.scenario.rooms[kind].clone();
            if let When::Pair { from, .. } = spec.joins {
                let from = from.map_or(self.scenario.warmup.0, |from| from.0);
                self.agenda.add(from, Deed::Pair(kind));
                continue;
            }
            let hosts = self.candidates(spec.groups.as_deref());
            for number in 0..spec.count {
                let room = self.rooms.all.len();
                let size = spec.size.draw(
                    u32::try_from(hosts.len()).unwrap_or(u32::MAX),
                    &mut self.rooms.chance,
                );
                self.rooms.all.push(Room {
                    name: programs::room_name(&spec.name, u64::from(number)).into(),
                    kind,
                    members: BTreeMap::new(),
                    pair: false,
                });
                let mut members: Vec<_> = hosts
                    .sample(&mut self.rooms.chance, size as usize)
                    .copied()
                    .collect();
                members.sort_unstable();
                for (place, host) in members.into_iter().enumerate() {
                    self.enrol(room, host);
                    let (from, over) = match spec.joins {
                        When::Over { from, over } => (from.0, over.0),
                        When::Grow { first, at, over } if place >= first as usize => (at.0, over.0),
                        _ => continue,
                    };
                    let at = from + over.mul_f64(self.rooms.chance.random());
                    self.rooms.planned.insert((room, host), at);
                    self.agenda.add(at, Deed::Join(room, host));
                }
                if let Some(mean) = spec.churn_every {
                    let wait = exponential(mean.0, &mut self.rooms.chance);
                    self.agenda
                        .add(self.scenario.warmup.0 + wait, Deed::Churn(room));
                }
            }
        }
    }

    /// The hosts of groups of peers, or of all honest ones.
    pub(super) fn candidates(&self, groups: Option<&[String]>) -> Vec<HostNo> {
        let mut hosts: Vec<_> = self
            .scenario
            .peers(groups)
            .into_iter()
            .filter_map(|group| self.population.group_no(&group.name))
            .flat_map(|group| self.population.of_group(group).to_vec())
            .collect();
        hosts.sort_unstable();
        hosts
    }

    fn enrol(&mut self, room: RoomNo, host: HostNo) {
        self.rooms.all[room].members.insert(host, None);
        self.rooms.of_host.entry(host).or_default().push(room);
    }

    /// A newcomer takes the place of one who is gone.
    pub(super) fn inherit(&mut self, old: HostNo, new: HostNo) {
        for room in self.rooms.of_host.remove(&old).unwrap_or_default() {
            self.rooms.all[room].members.remove(&old);
            if !self.rooms.all[room].pair {
                self.enrol(room, new);
            }
        }
        self.inherit_resources(old, new);
    }

    /// One who is gone for good isn't meant to be anywhere.
    pub(super) fn forget_member(&mut self, host: HostNo) {
        for room in self.rooms.of_host.remove(&host).unwrap_or_default() {
            self.rooms.all[room].members.remove(&host);
        }
    }

    /// A host has started: it joins the rooms that it is meant to be in, but those that it joins
    /// at a time of its own.
    pub(super) fn rejoin(&mut self, host: HostNo) {
        let now = self.sim.now();
        for room in self.rooms.of_host.get(&host).cloned().unwrap_or_default() {
            let planned = self.rooms.planned.get(&(room, host));
            if planned.is_none_or(|at| *at < now) {
                self.agenda.add(now, Deed::Join(room, host));
            }
        }
        // Rooms of everybody take in newcomers.
        let open: Vec<_> = (0..self.rooms.all.len())
            .filter(|room| {
                let room = &self.rooms.all[*room];
                let spec = &self.scenario.rooms[room.kind];
                spec.size == Sizes::All && !room.pair && !room.members.contains_key(&host)
            })
            .collect();
        for room in open {
            let spec = self.scenario.rooms[self.rooms.all[room].kind].clone();
            if self.candidates(spec.groups.as_deref()).contains(&host) {
                self.enrol(room, host);
                self.agenda.add(now, Deed::Join(room, host));
            }
        }
    }

    pub(super) fn join(&mut self, room: RoomNo, host: HostNo) {
        let now = self.sim.now();
        let person = &self.population.hosts[host];
        let Some(Program::Peer(running)) = &person.program else {
            return;
        };
        if !self.rooms.all[room].members.contains_key(&host) {
            return;
        }
        if person.attached.is_empty() {
            // It joins when it is attached.
            self.rooms.all[room].members.insert(host, None);
            self.joins.waiting.entry(host).or_default().push(room);
            return;
        }
        let name = self.rooms.all[room].name.clone();
        running.with(|swarm| {
            let state = swarm.behaviour_mut().state_mut();
            state.join(&name, Vec::new(), Now::read());
        });
        self.watch_join(room, host);
        self.rooms.all[room].members.insert(host, Some(now));
    }

    pub(super) fn leave(&mut self, room: RoomNo, host: HostNo) {
        self.rooms.all[room].members.remove(&host);
        if let Some(rooms) = self.rooms.of_host.get_mut(&host) {
            rooms.retain(|other| *other != room);
        }
        self.unwatch(room, host);
        let name = self.rooms.all[room].name.clone();
        if let Some(Program::Peer(running)) = &self.population.hosts[host].program {
            running.with(|swarm| swarm.behaviour_mut().state_mut().leave(&name));
        }
    }

    pub(super) fn churn(&mut self, room: RoomNo) {
        let spec = self.scenario.rooms[self.rooms.all[room].kind].clone();
        let now = self.sim.now();
        let hosts = &self.population.hosts;
        let leaves = self
            .rooms
            .present(room, |host| hosts[host].is_alive())
            .choose(&mut Stream::new(now.as_nanos() as u64, ("leaves", room)));
        let outside: Vec<_> = self
            .candidates(spec.groups.as_deref())
            .into_iter()
            .filter(|host| {
                let person = &self.population.hosts[*host];
                person.is_alive()
                    && person.behave.is_honest()
                    && !self.rooms.all[room].members.contains_key(host)
            })
            .collect();
        if let Some(leaves) = leaves {
            self.leave(room, leaves);
            let joins = outside
                .choose(&mut self.rooms.chance)
                .copied()
                .unwrap_or(leaves);
            self.enrol(room, joins);
            let delay = if joins == leaves { 1 } else { 0 };
            self.agenda
                .add(now + Duration::from_secs(delay), Deed::Join(room, joins));
        }
        if let Some(mean) = spec.churn_every {
            let wait = exponential(mean.0, &mut self.rooms.chance);
            self.agenda.add(now + wait, Deed::Churn(room));
        }
    }

    /// Two peers on different nodes join a new room at once.
    pub(super) fn pair(&mut self, kind: usize) {
        let spec = self.scenario.rooms[kind].clone();
        let When::Pair { every, stay, .. } = spec.joins else {
            return;
        };
        let now = self.sim.now();
        self.agenda.add(now + every.0, Deed::Pair(kind));
        let ready: Vec<_> = self
            .candidates(spec.groups.as_deref())
            .into_iter()
            .filter(|host| {
                let host = &self.population.hosts[*host];
                host.standing == crate::population::Standing::Up && !host.attached.is_empty()
            })
            .collect();
        let Some(&one) = ready.choose(&mut self.rooms.chance) else {
            return;
        };
        let elsewhere: Vec<_> = ready
            .into_iter()
            .filter(|other| {
                let nodes = &self.population.hosts[one].attached;
                self.population.hosts[*other]
                    .attached
                    .iter()
                    .all(|node| !nodes.contains(node))
            })
            .collect();
        let Some(&other) = elsewhere.choose(&mut self.rooms.chance) else {
            return;
        };
        let room = self.rooms.all.len();
        self.rooms.pairs += 1;
        self.rooms.all.push(Room {
            name: format!("{}/{}", spec.name, self.rooms.pairs).into(),
            kind,
            members: BTreeMap::new(),
            pair: true,
        });
        for host in [one, other] {
            self.enrol(room, host);
            self.join(room, host);
            self.agenda.add(now + stay.0, Deed::Leave(room, host));
        }
    }
}
