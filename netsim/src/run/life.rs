//! Hosts start, freeze, depart and come back.

use std::time::Duration;

use netsim_scenario::{Arrival, Kind};
use rand::RngExt;
use rand_distr::{Distribution, Exp1};
use velox_mesh::identity::Identity;

use super::Run;
use crate::{
    agenda::{Deed, HostNo},
    population::Standing,
    programs::{self, Program},
};

impl Run<'_> {
    pub(super) fn plan_group(&mut self, group_no: usize) {
        let group = self.scenario.groups[group_no].clone();
        let count = group.count as usize;
        let mut chance = simnet::Stream::new(self.seed, ("arrival", &group.name));
        for _ in 0..count {
            self.population.add(self.sim, group_no);
        }
        if group.arrival == Arrival::Event {
            return;
        }
        let hosts = self.population.of_group(group_no).to_vec();
        for (host, at) in hosts
            .into_iter()
            .zip(group.arrival.times(count, &mut chance))
        {
            self.agenda.add(at, Deed::Start(host));
        }
    }

    pub(super) fn start(&mut self, number: HostNo) {
        if self.population.hosts[number].is_alive() {
            return;
        }
        let group_no = self.population.hosts[number].group;
        let group = self.scenario.groups[group_no].clone();
        let now = self.sim.now();
        let host = &mut self.population.hosts[number];
        if group.kind.is_peer() && host.life > 0 {
            // A peer has a new key at each start.
            let identity = Identity::from_seed(host.chance.random());
            self.population.rename(number, identity);
        }
        let host = &mut self.population.hosts[number];
        host.standing = Standing::Up;
        host.life += 1;
        host.started = now;
        host.attached.clear();
        host.was_attached = false;
        host.without_since = None;
        host.fewer_since = None;
        let life = host.life;
        self.run_program(number);
        let host = &mut self.population.hosts[number];
        if let Some(session) = group.session.draw(&mut host.chance) {
            self.agenda.add(now + session, Deed::Depart(number, life));
        }
        if let Some(freeze) = group.freeze {
            let awake = exponential(freeze.every.0, &mut host.chance);
            self.agenda.add(now + awake, Deed::Freeze(number, life));
        }
        if matches!(host.program, Some(Program::Node(_))) {
            self.watch_start(number);
        }
        if group.kind.is_peer() {
            self.rejoin(number);
            self.provide_again(number);
        }
    }

    /// Runs what a host runs by its kind, or by how it behaves.
    pub(super) fn run_program(&mut self, number: HostNo) {
        if !self.population.hosts[number].behave.is_honest() {
            self.tap(number);
            if let Some(program) = self.hostile_program(number) {
                self.population.hosts[number].program = Some(program);
                return;
            }
        }
        let group_no = self.population.hosts[number].group;
        let group = self.scenario.groups[group_no].clone();
        let settings = self.settings[group_no].clone();
        let known = match group.kind {
            Kind::Bootstrap | Kind::Node => self.population.bootstraps(self.sim, number),
            Kind::Browser | Kind::Native => self.population.nodes_for(self.sim, number),
        };
        let host = &self.population.hosts[number];
        let (id, identity) = (host.id, host.identity.clone());
        let disk = host.disk.clone();
        let program = match group.kind {
            Kind::Bootstrap => {
                programs::bootstrap_node(self.sim, id, &identity, &group, settings, known)
            }
            Kind::Node => {
                let settings = velox_mesh::config::Settings {
                    bootstrap: known,
                    ..settings
                };
                programs::node(
                    self.sim,
                    id,
                    number,
                    &identity,
                    &group,
                    settings,
                    disk,
                    &self.sightings,
                    &self.nodes,
                )
            }
            Kind::Browser | Kind::Native => {
                programs::peer(self.sim, id, number, &identity, &group, known, &self.log)
            }
        };
        let host = &mut self.population.hosts[number];
        host.program = Some(program);
    }

    pub(super) fn session_over(&mut self, number: HostNo, life: u32) {
        let host = &mut self.population.hosts[number];
        if host.life != life || !host.is_alive() {
            return;
        }
        let group = self.scenario.groups[host.group].clone();
        let crash = host.chance.random::<f64>() < group.leave.crash;
        let returns = group
            .restart
            .filter(|restart| host.chance.random::<f64>() < restart.share);
        self.depart(number, crash);
        let now = self.sim.now();
        match returns {
            Some(restart) => self.away(number, restart.after.0, restart.disk),
            None => {
                self.population.hosts[number].standing = Standing::Gone;
                if group.replace {
                    let group_no = self.population.hosts[number].group;
                    let newcomer = self.population.add(self.sim, group_no);
                    self.inherit(number, newcomer);
                    self.agenda.add(now, Deed::Start(newcomer));
                } else {
                    self.forget_member(number);
                }
            }
        }
    }

    /// A host that has departed comes back.
    pub(super) fn away(&mut self, number: HostNo, after: Duration, disk: bool) {
        let host = &mut self.population.hosts[number];
        host.standing = Standing::Away;
        if !disk {
            host.disk = Default::default();
        }
        self.agenda.add(self.sim.now() + after, Deed::Start(number));
    }

    /// A host departs, with or without a word. Its standing is the caller's business.
    pub(super) fn depart(&mut self, number: HostNo, crash: bool) {
        self.take_note();
        self.save(number);
        let host = &mut self.population.hosts[number];
        let id = host.id;
        host.standing = Standing::Gone;
        if !crash {
            self.say_goodbye(number);
        }
        let host = &mut self.population.hosts[number];
        host.program = None;
        if crash {
            self.sim.crash(id);
        } else {
            self.sim.stop(id);
        }
        self.mourn(number, crash);
    }

    /// What a node would have on disk.
    fn save(&mut self, number: HostNo) {
        let host = &mut self.population.hosts[number];
        if let Some(Program::Node(running)) = &host.program {
            let disk = running.look(|swarm| {
                let behaviour = swarm.behaviour_mut();
                programs::Disk {
                    book: behaviour.book_mut().clone(),
                    rooms: behaviour.room_nodes(),
                }
            });
            host.disk = disk.unwrap_or_default();
        }
    }

    /// A clean departure: as the programs themselves do it, in half a second of their time.
    fn say_goodbye(&mut self, number: HostNo) {
        let host = &self.population.hosts[number];
        match &host.program {
            Some(Program::Node(running)) => {
                running.with(|swarm| swarm.behaviour_mut().drain("the node is stopping"));
            }
            Some(Program::Peer(running)) => {
                running.with(|swarm| swarm.behaviour_mut().state_mut().stop());
            }
            Some(Program::Bootstrap | Program::Spammer(_) | Program::Sybil) | None => {}
        }
        // What was said is sent before the connections are closed.
        self.sim.settle();
    }

    pub(super) fn freeze(&mut self, number: HostNo, life: u32) {
        let host = &mut self.population.hosts[number];
        if host.life != life || host.standing != Standing::Up {
            return;
        }
        let Some(freeze) = self.scenario.groups[host.group].freeze else {
            return;
        };
        let asleep = exponential(freeze.lasting.0, &mut host.chance);
        host.standing = Standing::Frozen;
        let id = host.id;
        self.sim.freeze(id);
        self.agenda
            .add(self.sim.now() + asleep, Deed::Thaw(number, life));
    }

    pub(super) fn thaw(&mut self, number: HostNo, life: u32) {
        let host = &mut self.population.hosts[number];
        if host.life != life || host.standing != Standing::Frozen {
            return;
        }
        host.standing = Standing::Up;
        let id = host.id;
        self.sim.thaw(id);
        if let Some(freeze) = self.scenario.groups[host.group].freeze {
            let awake = exponential(freeze.every.0, &mut host.chance);
            self.agenda
                .add(self.sim.now() + awake, Deed::Freeze(number, life));
        }
    }
}

pub(super) fn exponential(mean: Duration, chance: &mut simnet::Stream) -> Duration {
    let one: f64 = Exp1.sample(chance);
    mean.mul_f64(one)
}
