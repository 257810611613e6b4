//! Resources: who provides them, and who looks for them.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use libp2p::PeerId;
use netsim_scenario::metrics;
use rand::{RngExt, seq::IndexedRandom};
use simnet::Stream;
use velox_mesh::{
    clock::Now,
    content,
    wire::{Signed, presence::PresenceRecord},
};

use super::{Run, life::exponential, ms};
use crate::{
    agenda::{Deed, HostNo},
    population::Standing,
    programs::Program,
};

/// A provider counts as one from this long after it began: its node has published it by then.
const SETTLED: Duration = Duration::from_secs(15);

struct Lookup {
    cid: String,
    at: Duration,
    found: Option<Duration>,
}

/// All resources and look-ups.
pub(super) struct Lookups {
    /// By kind.
    cids: Vec<Vec<String>>,
    /// Who provides what, and since when.
    providers: BTreeMap<String, BTreeMap<HostNo, Option<Duration>>>,
    of_host: BTreeMap<HostNo, BTreeSet<String>>,
    under_way: BTreeMap<(HostNo, u64), Lookup>,
    chance: Stream,
}

impl Lookups {
    pub fn new(seed: u64) -> Self {
        Lookups {
            cids: Vec::new(),
            providers: BTreeMap::new(),
            of_host: BTreeMap::new(),
            under_way: BTreeMap::new(),
            chance: Stream::new(seed, "resources"),
        }
    }
}

impl Run<'_> {
    pub(super) fn plan_resources(&mut self) {
        for kind in 0..self.scenario.resources.len() {
            let spec = self.scenario.resources[kind].clone();
            let hosts = self.candidates(spec.groups.as_deref());
            let mut cids = Vec::new();
            for number in 0..spec.count {
                let cid =
                    content::cid::raw(format!("resource {kind}/{number}").as_bytes()).to_string();
                let mut providers: Vec<_> = hosts
                    .sample(&mut self.resources.chance, spec.providers as usize)
                    .copied()
                    .collect();
                providers.sort_unstable();
                for host in providers {
                    self.resources
                        .of_host
                        .entry(host)
                        .or_default()
                        .insert(cid.clone());
                    self.resources
                        .providers
                        .entry(cid.clone())
                        .or_default()
                        .insert(host, None);
                }
                cids.push(cid);
            }
            self.resources.cids.push(cids);
            let first = self.scenario.warmup.0.max(spec.from.0 + SETTLED);
            self.agenda.add(first, Deed::Lookup(kind));
        }
    }

    pub(super) fn inherit_resources(&mut self, old: HostNo, new: HostNo) {
        let cids = self.resources.of_host.remove(&old).unwrap_or_default();
        for cid in &cids {
            if let Some(providers) = self.resources.providers.get_mut(cid) {
                providers.remove(&old);
                providers.insert(new, None);
            }
        }
        self.resources.of_host.insert(new, cids);
    }

    /// A host has started: it provides what it is meant to.
    pub(super) fn provide_again(&mut self, host: HostNo) {
        let now = self.sim.now();
        let from = self
            .scenario
            .resources
            .iter()
            .map(|spec| spec.from.0)
            .min()
            .unwrap_or_default();
        for cid in self
            .resources
            .of_host
            .get(&host)
            .cloned()
            .unwrap_or_default()
        {
            if let Some(providers) = self.resources.providers.get_mut(&cid) {
                providers.insert(host, None);
            }
            self.agenda.add(now.max(from), Deed::Provide(host, cid));
        }
    }

    pub(super) fn provide(&mut self, host: HostNo, cid: &str) {
        let now = self.sim.now();
        let person = &self.population.hosts[host];
        let Some(Program::Peer(running)) = &person.program else {
            return;
        };
        running.with(|swarm| {
            let state = swarm.behaviour_mut().state_mut();
            state.provide(cid, Now::read());
        });
        if let Some(since) = self
            .resources
            .providers
            .get_mut(cid)
            .and_then(|providers| providers.get_mut(&host))
        {
            *since = Some(now);
        }
    }

    pub(super) fn look_up(&mut self, kind: usize) {
        let spec = self.scenario.resources[kind].clone();
        let now = self.sim.now();
        if spec.lookups_per_second > 0.0 {
            let mean = Duration::from_secs_f64(1.0 / spec.lookups_per_second);
            let wait = exponential(mean, &mut self.resources.chance);
            self.agenda.add(now + wait, Deed::Lookup(kind));
        }
        let which = spec.popularity.draw(spec.count, &mut self.resources.chance);
        let cid = self.resources.cids[kind][which as usize].clone();
        let hosts = &self.population.hosts;
        let provided = self.resources.providers.get(&cid).is_some_and(|providers| {
            providers.iter().any(|(host, since)| {
                hosts[*host].standing == Standing::Up
                    && since.is_some_and(|since| since + SETTLED <= now)
            })
        });
        let askers: Vec<_> = self
            .candidates(spec.groups.as_deref())
            .into_iter()
            .filter(|host| {
                hosts[*host].standing == Standing::Up
                    && !hosts[*host].attached.is_empty()
                    && hosts[*host].behave.is_honest()
                    && !self
                        .resources
                        .of_host
                        .get(host)
                        .is_some_and(|own| own.contains(&cid))
            })
            .collect();
        if askers.is_empty() || !provided {
            return;
        }
        let asker = askers[self.resources.chance.random_range(0..askers.len())];
        let Some(Program::Peer(running)) = &hosts[asker].program else {
            return;
        };
        let id = running.with(|swarm| swarm.behaviour_mut().state_mut().locate(&cid));
        if let Some(id) = id {
            let lookup = Lookup {
                cid,
                at: now,
                found: None,
            };
            self.resources.under_way.insert((asker, id), lookup);
        }
    }

    /// An answer to a look-up.
    pub(super) fn providers(
        &mut self,
        asker: HostNo,
        id: u64,
        records: &[Signed<PresenceRecord>],
        last: bool,
        at: Duration,
    ) {
        let live = records.iter().any(|record| self.is_live(&record.peer));
        let Some(lookup) = self.resources.under_way.get_mut(&(asker, id)) else {
            return;
        };
        let started = lookup.at;
        if live && lookup.found.is_none() {
            lookup.found = Some(at);
            self.measures
                .sample(metrics::LOOKUP_FIRST.name, started, ms(at - started));
            let (first, by) = (ms(at - started), [asker, asker]);
            self.honest_sample(metrics::HONEST_LOOKUP_FIRST, started, first, by);
        }
        if last && let Some(lookup) = self.resources.under_way.remove(&(asker, id)) {
            // A provider may have departed while it was looked for.
            let hosts = &self.population.hosts;
            let lives = self
                .resources
                .providers
                .get(&lookup.cid)
                .is_some_and(|providers| {
                    providers.iter().any(|(host, since)| {
                        hosts[*host].standing == Standing::Up
                            && since.is_some_and(|since| since + SETTLED <= started)
                    })
                });
            if lookup.found.is_some() || lives {
                let found = lookup.found.is_some();
                self.measures
                    .outcome(metrics::LOOKUP_FOUND.name, started, found);
                self.honest_outcome(metrics::HONEST_LOOKUP_FOUND, started, found, [asker, asker]);
            }
            self.measures
                .sample(metrics::LOOKUP_END.name, started, ms(at - started));
        }
    }

    /// Look-ups of one who has departed don't count.
    pub(super) fn forget_lookups(&mut self, asker: HostNo) {
        self.resources
            .under_way
            .retain(|(other, _), _| *other != asker);
    }

    fn is_live(&self, peer: &PeerId) -> bool {
        self.population
            .whose(peer)
            .is_some_and(|host| self.population.hosts[host].is_alive())
    }
}
