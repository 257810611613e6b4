//! One run of a scenario: what is done when, to whom, and what comes of it.

mod bounds;
mod envelopes;
mod events;
mod ghosts;
mod honest;
mod hostility;
mod joins;
mod life;
mod neighbours;
mod peers;
mod readiness;
mod resources;
mod rooms;
mod sample;

pub use sample::resident_memory;

use std::{cell::RefCell, collections::BTreeMap, rc::Rc, time::Duration};

use netsim_report::Measures;
use netsim_scenario::Scenario;
use simnet::{Simulation, Split, Stream};
use velox_mesh::config::Settings;

use crate::{
    agenda::{Agenda, Deed},
    population::Population,
    programs::{self, NodeLog, PeerLog},
    sightings::Sightings,
};

/// How often peers' news are taken note of at least. They carry their own times.
const STEP: Duration = Duration::from_millis(100);

/// Why a run ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Of wall time.
    Wall,
    /// Of memory.
    Memory,
    /// Somebody has interrupted it.
    Interrupted,
}

/// What the outside sees of a run in its course, and may say to it.
pub trait Watch {
    /// How far it is. What comes back ends the run.
    fn progress(&mut self, at: Duration, nodes: usize, peers: usize, events: u64) -> Option<Bound>;
}

/// A run in its course.
pub struct Run<'a> {
    sim: &'a mut Simulation,
    scenario: Scenario,
    settings: Vec<Settings>,
    population: Population,
    agenda: Agenda,
    /// What was measured so far.
    pub measures: Measures,
    rooms: rooms::Rooms,
    joins: joins::Joins,
    resources: resources::Lookups,
    envelopes: envelopes::Flights,
    ghosts: ghosts::Ghosts,
    sampler: sample::Sampler,
    honest: honest::Honest,
    readiness: readiness::Readiness,
    neighbours: neighbours::Neighbours,
    log: PeerLog,
    nodes: NodeLog,
    sightings: Rc<RefCell<Sightings>>,
    splits: BTreeMap<usize, Split>,
    chance: Stream,
    seed: u64,
}

impl<'a> Run<'a> {
    /// A run that is about to begin.
    ///
    /// # Errors
    /// Says which group's settings the production configuration doesn't know.
    pub fn new(sim: &'a mut Simulation, scenario: Scenario, seed: u64) -> Result<Self, String> {
        let settings = scenario
            .groups
            .iter()
            .map(|group| {
                programs::settings(group)
                    .map_err(|error| format!("[group.settings] of \"{}\": {error}", group.name))
            })
            .collect::<Result<_, _>>()?;
        let mut run = Run {
            sim,
            settings,
            population: Population::new(scenario.clone(), seed),
            agenda: Agenda::default(),
            measures: Measures::new(),
            rooms: rooms::Rooms::new(seed),
            joins: joins::Joins::default(),
            resources: resources::Lookups::new(seed),
            envelopes: envelopes::Flights::new(seed),
            ghosts: ghosts::Ghosts::default(),
            sampler: sample::Sampler::default(),
            honest: honest::Honest::default(),
            readiness: readiness::Readiness::default(),
            neighbours: neighbours::Neighbours::default(),
            log: PeerLog::default(),
            nodes: NodeLog::default(),
            sightings: Rc::default(),
            splits: BTreeMap::new(),
            chance: Stream::new(seed, "run"),
            seed,
            scenario,
        };
        run.plan();
        Ok(run)
    }

    fn plan(&mut self) {
        for group in 0..self.scenario.groups.len() {
            self.plan_group(group);
        }
        self.plan_rooms();
        self.plan_resources();
        self.plan_envelopes();
        for (number, event) in self.scenario.events.iter().enumerate() {
            self.agenda.add(event.at.0, Deed::Event(number));
        }
        self.agenda.add(self.scenario.sample_every.0, Deed::Sample);
        self.agenda.add(Duration::from_secs(1), Deed::Ghosts);
    }

    /// Goes on to the scenario's end, or until `watch` says so.
    pub fn play(&mut self, watch: &mut dyn Watch) -> Option<Bound> {
        let end = self.scenario.duration.0;
        let mut told = 0;
        while self.sim.now() < end {
            let now = self.sim.now();
            let until = self
                .agenda
                .next()
                .map_or(now + STEP, |next| next.min(now + STEP))
                .min(end);
            self.sim.run_until(until);
            self.take_note();
            while let Some(deed) = self.agenda.take_due(self.sim.now()) {
                self.carry_out(deed);
            }
            let second = self.sim.now().as_millis() / 250;
            if second > told {
                told = second;
                let nodes = self.population.alive(|kind| !kind.is_peer()).count();
                let peers = self.population.alive(|kind| kind.is_peer()).count();
                let bound = watch.progress(self.sim.now(), nodes, peers, self.sim.happened());
                if bound.is_some() {
                    self.conclude_honest();
                    return bound;
                }
            }
        }
        self.conclude();
        None
    }

    fn carry_out(&mut self, deed: Deed) {
        match deed {
            Deed::Start(host) => self.start(host),
            Deed::Depart(host, life) => self.session_over(host, life),
            Deed::Freeze(host, life) => self.freeze(host, life),
            Deed::Thaw(host, life) => self.thaw(host, life),
            Deed::Join(room, host) => self.join(room, host),
            Deed::Leave(room, host) => self.leave(room, host),
            Deed::Churn(room) => self.churn(room),
            Deed::Pair(kind) => self.pair(kind),
            Deed::Provide(host, cid) => self.provide(host, &cid),
            Deed::Lookup(kind) => self.look_up(kind),
            Deed::Send(kind) => self.send(kind),
            Deed::Aim(host, life) => self.aim(host, life),
            Deed::Ready(node, life) => self.ready_over(node, life),
            Deed::SyncOver(id) => self.sync_over(id),
            Deed::JoinOver(join) => self.join_over(join),
            Deed::Event(number) => self.event(number),
            Deed::EventOver(number) => self.event_over(number),
            Deed::Ghosts => self.look_for_ghosts(),
            Deed::Sample => self.sample(),
        }
    }

    /// What there is to say at the end.
    fn conclude(&mut self) {
        self.take_note();
        self.conclude_ghosts();
        self.conclude_honest();
    }

    /// Hosts that ever were.
    pub fn hosts(&self) -> usize {
        self.population.hosts.len()
    }

    /// The hash of all that has happened.
    pub fn trace_hash(&self) -> u64 {
        self.sim.trace_hash()
    }

    /// The events of the simulator.
    pub fn happened(&self) -> u64 {
        self.sim.happened()
    }

    /// Virtual time.
    pub fn now(&self) -> Duration {
        self.sim.now()
    }
}

/// As the catalogue has it.
fn ms(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}
