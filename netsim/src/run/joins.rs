//! Joins, and how the news of each spreads.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use netsim_scenario::{Kind, metrics};
use velox_mesh::config::Settings;

use super::{Run, ms};
use crate::agenda::{Deed, HostNo, RoomNo};

/// How long a join is watched.
const WATCHED: Duration = Duration::from_secs(10);
/// Joins of one room that are watched at once; others of a crowd are not.
const MOST_OF_A_ROOM: usize = 32;
/// In larger rooms a peer sees a sample, and nodes are asked rather than peers.
pub(super) const SAMPLE: usize = 64;
/// By then somebody of a room must be seen.
const FOUND: Duration = Duration::from_secs(3);

/// A join that is watched.
struct Watched {
    room: RoomNo,
    host: HostNo,
    life: u32,
    at: Duration,
    honest: bool,
    /// Peers that were in the room before, and when each saw it.
    peers: BTreeMap<HostNo, Option<Duration>>,
    /// Nodes that were in it, and when.
    nodes: BTreeMap<HostNo, Option<Duration>>,
    /// How many others were there to be seen.
    others: usize,
    honest_others: BTreeSet<HostNo>,
    first: Option<Duration>,
    full: Option<Duration>,
    /// The other of a pair, and when he was seen.
    partner: Option<(HostNo, Option<Duration>)>,
}

/// All joins that are watched.
#[derive(Default)]
pub(super) struct Joins {
    watched: BTreeMap<u64, Watched>,
    by_member: BTreeMap<(RoomNo, HostNo), u64>,
    next: u64,
    /// Rooms that hosts join when they are attached.
    pub waiting: BTreeMap<HostNo, Vec<RoomNo>>,
}

impl Run<'_> {
    /// A host has just joined a room.
    pub(super) fn watch_join(&mut self, room: RoomNo, host: HostNo) {
        let now = self.sim.now();
        if now < self.scenario.warmup.0 {
            return;
        }
        let of_room = self
            .joins
            .watched
            .values()
            .filter(|watched| watched.room == room)
            .count();
        if of_room >= MOST_OF_A_ROOM {
            return;
        }
        let listed = SAMPLE.min(self.big_above());
        let hosts = &self.population.hosts;
        let others: Vec<_> = self
            .rooms
            .present(room, |other| other != host && hosts[other].is_alive())
            .collect();
        let own = &hosts[host].attached;
        let nodes: BTreeMap<_, _> = others
            .iter()
            .flat_map(|other| &hosts[*other].attached)
            .filter(|node| !own.contains(node))
            .filter_map(|node| self.population.whose(node))
            .map(|node| (node, None))
            .collect();
        let pair = self.rooms.all[room].pair;
        let partner = if pair {
            others.first().map(|other| (*other, None))
        } else {
            None
        };
        self.joins.next += 1;
        let id = self.joins.next;
        let name = &self.rooms.all[room].name;
        let mut sightings = self.sightings.borrow_mut();
        for node in nodes.keys() {
            sightings.await_at(*node, id, name, hosts[host].peer_id());
        }
        drop(sightings);
        self.joins.watched.insert(
            id,
            Watched {
                room,
                host,
                life: hosts[host].life,
                at: now,
                honest: hosts[host].behave.is_honest(),
                peers: if others.len() < listed {
                    others.iter().map(|other| (*other, None)).collect()
                } else {
                    BTreeMap::new()
                },
                nodes,
                others: others.len(),
                honest_others: others
                    .iter()
                    .copied()
                    .filter(|other| hosts[*other].behave.is_honest())
                    .collect(),
                first: None,
                full: None,
                partner,
            },
        );
        self.joins.by_member.insert((room, host), id);
        self.agenda.add(now + WATCHED, Deed::JoinOver(id));
    }

    /// `seer` has come to see `seen` in a room.
    pub(super) fn sighted(&mut self, room: RoomNo, seer: HostNo, seen: HostNo, at: Duration) {
        // What others see of a newcomer.
        if let Some(id) = self.joins.by_member.get(&(room, seen))
            && let Some(watched) = self.joins.watched.get_mut(id)
        {
            if let Some(when @ None) = watched.peers.get_mut(&seer) {
                *when = Some(at);
            }
            self.met(*id, room, seer, seen, at);
        }
        // What a newcomer sees of others.
        let Some(id) = self.joins.by_member.get(&(room, seer)).copied() else {
            return;
        };
        let sees = self.seen_by(seer, room);
        let (big, sample) = (self.big_above(), self.sample_of_big());
        let Some(watched) = self.joins.watched.get_mut(&id) else {
            return;
        };
        if watched.honest_others.contains(&seen) {
            watched.first.get_or_insert(at);
        }
        let shown = if watched.others < big { SAMPLE } else { sample };
        if sees >= watched.others.min(shown) {
            watched.full.get_or_insert(at);
        }
        self.met(id, room, seer, seen, at);
    }

    /// Rooms above this are too big for nodes to list.
    pub(super) fn big_above(&self) -> usize {
        let nodes = self.node_settings().map(|of| of.presence.big_above);
        nodes.min().unwrap_or(usize::MAX)
    }

    /// What a peer is shown of such a room at least.
    fn sample_of_big(&self) -> usize {
        let nodes = self.node_settings().map(|of| of.presence.sample);
        nodes.min().unwrap_or(SAMPLE).min(SAMPLE)
    }

    fn node_settings(&self) -> impl Iterator<Item = &Settings> {
        let groups = self.scenario.groups.iter().zip(&self.settings);
        groups
            .filter(|(group, _)| group.kind == Kind::Node)
            .map(|(_, settings)| settings)
    }

    /// One of a pair may have seen the other.
    fn met(&mut self, id: u64, room: RoomNo, seer: HostNo, seen: HostNo, at: Duration) {
        if !self.rooms.all[room].pair {
            return;
        }
        // The later of the two joins is the one that has a partner.
        let later = [seer, seen]
            .into_iter()
            .filter_map(|host| self.joins.by_member.get(&(room, host)).copied())
            .max()
            .unwrap_or(id);
        let (Some(seen_by_seer), Some(seer_by_seen)) =
            (self.sees(seer, room, seen), self.sees(seen, room, seer))
        else {
            return;
        };
        if let Some(watched) = self.joins.watched.get_mut(&later)
            && let Some((_, when @ None)) = &mut watched.partner
            && seen_by_seer
            && seer_by_seen
        {
            *when = Some(at);
        }
    }

    /// A node has come to list a newcomer.
    pub(super) fn listed(&mut self, id: u64, node: HostNo, at: Duration) {
        if let Some(watched) = self.joins.watched.get_mut(&id)
            && let Some(when @ None) = watched.nodes.get_mut(&node)
        {
            *when = Some(at);
        }
    }

    /// A member leaves or is gone: nobody need see it any more.
    pub(super) fn unwatch(&mut self, room: RoomNo, host: HostNo) {
        if let Some(id) = self.joins.by_member.get(&(room, host)).copied() {
            let early = self
                .joins
                .watched
                .get(&id)
                .is_some_and(|watched| self.sim.now() < watched.at + FOUND);
            if early {
                self.forget_join(id);
            } else {
                self.join_over(id);
            }
        }
    }

    fn forget_join(&mut self, id: u64) {
        if let Some(watched) = self.joins.watched.remove(&id) {
            self.joins.by_member.remove(&(watched.room, watched.host));
            self.sightings
                .borrow_mut()
                .forget(id, watched.nodes.keys().copied());
        }
    }

    pub(super) fn join_over(&mut self, id: u64) {
        let Some(mut watched) = self.joins.watched.remove(&id) else {
            return;
        };
        self.joins.by_member.remove(&(watched.room, watched.host));
        self.sightings
            .borrow_mut()
            .forget(id, watched.nodes.keys().copied());
        if self.population.hosts[watched.host].life != watched.life {
            return;
        }
        let at = watched.at;
        // Who has departed or fallen asleep meanwhile, or left the room, need not see it.
        let hosts = &self.population.hosts;
        let up = |host: &HostNo| hosts[*host].standing == crate::population::Standing::Up;
        let members = &self.rooms.all[watched.room].members;
        watched
            .peers
            .retain(|peer, when| when.is_some() || (up(peer) && members.contains_key(peer)));
        let still = watched.honest_others.iter().any(up);
        let serving = self.serving(watched.room);
        watched
            .nodes
            .retain(|node, when| when.is_some() || (up(node) && serving.contains(node)));
        for (node, when) in &watched.nodes {
            self.measures
                .outcome(metrics::GOSSIP_DELIVERY.name, at, when.is_some());
            let by = [watched.host, *node];
            self.honest_outcome(metrics::HONEST_GOSSIP_DELIVERY, at, when.is_some(), by);
            if let Some(when) = when {
                let latency = ms(*when - at);
                self.measures
                    .sample(metrics::GOSSIP_LATENCY.name, at, latency);
                self.honest_sample(metrics::HONEST_GOSSIP_LATENCY, at, latency, by);
            }
        }
        let witnesses = if watched.others < SAMPLE.min(self.big_above()) {
            &watched.peers
        } else {
            &watched.nodes
        };
        let mut times: Vec<_> = witnesses
            .values()
            .flatten()
            .map(|when| ms(*when - at))
            .collect();
        times.sort_by(f64::total_cmp);
        for (metric, share) in [
            (metrics::JOIN_SEEN_HALF, 0.5),
            (metrics::JOIN_SEEN_99, 0.99),
            (metrics::JOIN_SEEN_ALL, 1.0),
        ] {
            let needed = (witnesses.len() as f64 * share).ceil() as usize;
            if let Some(time) = needed.checked_sub(1).and_then(|last| times.get(last)) {
                self.measures.sample(metric.name, at, *time);
            }
        }
        if let Some((_, when)) = watched.partner {
            self.measures
                .outcome(metrics::SIGHT_MUTUAL_FOUND.name, at, when.is_some());
            if let Some(when) = when {
                self.measures
                    .sample(metrics::SIGHT_MUTUAL.name, at, ms(when - at));
            }
            return;
        }
        if watched.honest && still {
            let found = watched.first.is_some_and(|first| first <= at + FOUND);
            self.measures.outcome(metrics::JOIN_FOUND.name, at, found);
            if let Some(first) = watched.first {
                self.measures
                    .sample(metrics::JOIN_FIRST.name, at, ms(first - at));
            }
            self.measures
                .outcome(metrics::SAMPLE_FOUND.name, at, watched.full.is_some());
            if let Some(full) = watched.full {
                self.measures
                    .sample(metrics::SAMPLE_FULL.name, at, ms(full - at));
            }
        }
    }

    /// The nodes to which living members of a room are attached.
    pub(super) fn serving(&self, room: RoomNo) -> BTreeSet<HostNo> {
        let hosts = &self.population.hosts;
        self.rooms
            .present(room, |host| hosts[host].is_alive())
            .flat_map(|host| &hosts[host].attached)
            .filter_map(|node| self.population.whose(node))
            .filter(|node| hosts[*node].is_alive())
            .collect()
    }
}
