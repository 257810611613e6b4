//! Hosts that do what they shouldn't, from their start or from some moment on.

use std::time::Duration;

use libp2p::{Multiaddr, PeerId, multiaddr::Protocol};
use netsim_scenario::Behave;
use simnet::Stream;

use super::Run;
use crate::{
    agenda::{Deed, HostNo},
    hostile::{self, Arsenal, Rates, Target},
    programs::{self, Program},
};

/// How often a spammer looks whom to harm.
const AIMED: Duration = Duration::from_secs(5);
/// Whom it harms at once.
const TARGETS: usize = 64;

impl Run<'_> {
    /// From now on a host behaves so.
    pub(super) fn turn(&mut self, number: HostNo, behave: Behave) {
        let host = &mut self.population.hosts[number];
        let before = std::mem::replace(&mut host.behave, behave.clone());
        host.misbehaved |= !behave.is_honest();
        if before == behave || !host.is_alive() {
            return;
        }
        let other_program = [&before, &behave]
            .iter()
            .any(|behave| matches!(behave, Behave::Spammer { .. } | Behave::Sybil { .. }));
        if !other_program {
            return self.tap(number);
        }
        // Whom it served or met before knows it as one that crashes and comes back.
        let id = host.id;
        self.take_note();
        self.leave_all(number);
        let host = &mut self.population.hosts[number];
        host.program = None;
        self.sim.stop(id);
        if let Behave::Sybil { rooms } = &behave {
            let group = self.population.group(number).name.clone();
            let identity = self.population.sybil(&format!("{group}#{number}"), rooms);
            self.population.rename(number, identity);
        }
        self.run_program(number);
    }

    /// What a host says is what it should be, or isn't.
    pub(super) fn tap(&mut self, number: HostNo) {
        let host = &self.population.hosts[number];
        let chance = Stream::new(self.seed, ("hostile", number));
        match host.behave {
            Behave::Dropper { share } => self.sim.tap(host.id, hostile::dropper(share, chance)),
            Behave::Liar { share } => self.sim.tap(host.id, hostile::liar(share, chance)),
            Behave::Honest | Behave::Spammer { .. } | Behave::Sybil { .. } => {
                self.sim.tap(host.id, |_| None);
            }
        }
    }

    /// The program of a spammer or a sybil; none for others.
    pub(super) fn hostile_program(&mut self, number: HostNo) -> Option<Program> {
        let host = &self.population.hosts[number];
        let (id, identity, life) = (host.id, host.identity.clone(), host.life);
        let group = self.scenario.groups[host.group].clone();
        match host.behave.clone() {
            Behave::Spammer { times } => {
                let nodes = self.nodes_of(number);
                let peers: Vec<PeerId> = nodes
                    .iter()
                    .filter_map(|address| match address.iter().last() {
                        Some(Protocol::P2p(node)) => Some(node),
                        _ => None,
                    })
                    .collect();
                let rates = Rates::beyond(times, &velox_mesh::config::Settings::default());
                let chance = Stream::new(self.seed, ("spam", number, life));
                let arsenal = Arsenal::new(identity.clone(), peers, rates, chance);
                self.agenda.add(self.sim.now(), Deed::Aim(number, life));
                let program = programs::spammer(self.sim, id, &identity, &group, arsenal, nodes);
                Some(program)
            }
            Behave::Sybil { rooms } => {
                let known = self.population.bootstraps(self.sim, number);
                let like = self.population.like(self.sim, &rooms);
                let key = programs::first_room_key(&rooms);
                let program = programs::sybil(self.sim, id, &identity, &group, &key, like, known);
                Some(program)
            }
            Behave::Honest | Behave::Dropper { .. } | Behave::Liar { .. } => None,
        }
    }

    /// The nodes that a peer was attached to, or those that it would attach to.
    fn nodes_of(&mut self, number: HostNo) -> Vec<Multiaddr> {
        let count = self.population.group(number).attach().count as usize;
        let mut nodes = self.population.nodes_of(self.sim, number);
        if nodes.is_empty() {
            nodes = self.population.nodes_for(self.sim, number);
        }
        nodes.truncate(count);
        nodes
    }

    /// Whom a spammer harms: members of the rooms that it was in, as it could have learnt by
    /// looking.
    pub(super) fn aim(&mut self, number: HostNo, life: u32) {
        let host = &self.population.hosts[number];
        if host.life != life || !host.is_alive() {
            return;
        }
        let Some(Program::Spammer(running)) = &host.program else {
            return;
        };
        let mut targets = Vec::new();
        for room in self.rooms.of_host.get(&number).into_iter().flatten() {
            let hosts = &self.population.hosts;
            let members = self
                .rooms
                .present(*room, |other| other != number && hosts[other].is_alive());
            targets.extend(members.map(|member| Target {
                peer: hosts[member].peer_id(),
                room: self.rooms.all[*room].name.to_string().into(),
                via: hosts[member].attached.clone(),
            }));
        }
        targets.truncate(TARGETS);
        running.with(|swarm| swarm.behaviour_mut().aim(targets));
        self.agenda
            .add(self.sim.now() + AIMED, Deed::Aim(number, life));
    }

    /// A host is no longer a member of its rooms, as an honest peer would be.
    fn leave_all(&mut self, number: HostNo) {
        self.forget_lookups(number);
        self.joins.waiting.remove(&number);
        for room in self.rooms.of_host.get(&number).cloned().unwrap_or_default() {
            self.unwatch(room, number);
            self.rooms.all[room].members.remove(&number);
        }
    }
}
