//! Members that are gone, and who still lists them.

use std::time::Duration;

use libp2p::PeerId;
use netsim_scenario::metrics;

use super::Run;
use crate::{
    agenda::{Deed, HostNo, RoomNo},
    programs::Program,
};

/// How often it is looked: the resolution of a ghost's life.
const LOOK: Duration = Duration::from_secs(1);

struct Ghost {
    room: RoomNo,
    peer: PeerId,
    since: Duration,
    /// Crashed, and not left.
    crashed: bool,
}

/// The dead that may still be listed.
#[derive(Default)]
pub(super) struct Ghosts {
    all: Vec<Ghost>,
}

impl Run<'_> {
    /// A host has departed.
    pub(super) fn mourn(&mut self, host: HostNo, crashed: bool) {
        let now = self.sim.now();
        self.forget_lookups(host);
        self.joins.waiting.remove(&host);
        let peer = self.population.hosts[host].peer_id();
        for room in self.rooms.of_host.get(&host).cloned().unwrap_or_default() {
            self.unwatch(room, host);
            let member = self.rooms.all[room].members.get_mut(&host);
            if member.is_some_and(|since| since.take().is_some()) {
                self.ghosts.all.push(Ghost {
                    room,
                    peer,
                    since: now,
                    crashed,
                });
            }
        }
    }

    pub(super) fn look_for_ghosts(&mut self) {
        let now = self.sim.now();
        self.agenda.add(now + LOOK, Deed::Ghosts);
        let mut listed = 0.0;
        let mut laid = Vec::new();
        for (number, ghost) in self.ghosts.all.iter().enumerate() {
            let count = self.listing(ghost.room, &ghost.peer);
            listed += count as f64;
            if count == 0 {
                laid.push(number);
            }
        }
        for number in laid.into_iter().rev() {
            let ghost = self.ghosts.all.swap_remove(number);
            if ghost.crashed && ghost.since >= self.scenario.warmup.0 {
                let life = (now - ghost.since).as_secs_f64();
                self.measures
                    .sample(metrics::GHOST_LIFE.name, ghost.since, life);
            }
        }
        self.measures
            .gauge(metrics::PRESENCE_GHOSTS.name, now, listed);
    }

    /// How many live nodes that serve a room list `peer` there.
    fn listing(&self, room: RoomNo, peer: &PeerId) -> usize {
        let name = &self.rooms.all[room].name;
        self.serving(room)
            .into_iter()
            .filter(|node| {
                let Some(Program::Node(running)) = &self.population.hosts[*node].program else {
                    return false;
                };
                running
                    .look(|swarm| swarm.behaviour().presence().lists(name, peer))
                    .unwrap_or(false)
            })
            .count()
    }

    /// What is still listed at the end counts with its age.
    pub(super) fn conclude_ghosts(&mut self) {
        self.look_for_ghosts();
        let now = self.sim.now();
        for ghost in std::mem::take(&mut self.ghosts.all) {
            if ghost.crashed && ghost.since >= self.scenario.warmup.0 {
                let life = (now - ghost.since).as_secs_f64();
                self.measures
                    .sample(metrics::GHOST_LIFE.name, ghost.since, life);
            }
        }
    }
}
