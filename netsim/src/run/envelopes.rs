//! Envelopes, and how they get there.

use std::{collections::BTreeMap, time::Duration};

use libp2p::PeerId;
use netsim_scenario::metrics;
use rand::RngExt;
use simnet::Stream;
use velox_mesh::{clock::Now, wire::envelope::EnvelopeId};

use super::{Run, life::exponential, ms};
use crate::{
    agenda::{Deed, HostNo},
    population::Standing,
    programs::Program,
};

struct Flight {
    from: HostNo,
    to: HostNo,
    lives: (u32, u32),
    at: Duration,
    arrived: bool,
}

/// The envelopes under way.
pub(super) struct Flights {
    all: BTreeMap<u64, Flight>,
    by_id: BTreeMap<(HostNo, Vec<u8>), u64>,
    next: u64,
    chance: Stream,
}

impl Flights {
    pub fn new(seed: u64) -> Self {
        Flights {
            all: BTreeMap::new(),
            by_id: BTreeMap::new(),
            next: 0,
            chance: Stream::new(seed, "envelopes"),
        }
    }
}

impl Run<'_> {
    pub(super) fn plan_envelopes(&mut self) {
        for (kind, spec) in self.scenario.envelopes.iter().enumerate() {
            let from = spec.from.map_or(self.scenario.warmup.0, |from| from.0);
            self.agenda.add(from, Deed::Send(kind));
        }
    }

    pub(super) fn send(&mut self, kind: usize) {
        let spec = self.scenario.envelopes[kind].clone();
        let now = self.sim.now();
        if spec.per_second > 0.0 {
            let mean = Duration::from_secs_f64(1.0 / spec.per_second);
            let wait = exponential(mean, &mut self.envelopes.chance);
            self.agenda.add(now + wait, Deed::Send(kind));
        }
        // A few tries find two who see each other, where there are any.
        for _ in 0..8 {
            if let Some((room, from, to)) = self.draw_two(kind) {
                self.send_between(room, from, to, spec.size.0 as usize);
                return;
            }
        }
    }

    fn draw_two(&mut self, kind: usize) -> Option<(usize, HostNo, HostNo)> {
        let spec = &self.scenario.envelopes[kind];
        let kinds: Vec<_> = self
            .scenario
            .rooms_of(spec)
            .into_iter()
            .map(|rooms| rooms.name.clone())
            .collect();
        let rooms = self.rooms.all.len();
        if rooms == 0 {
            return None;
        }
        let room = self.envelopes.chance.random_range(0..rooms);
        if !kinds.contains(&self.scenario.rooms[self.rooms.all[room].kind].name) {
            return None;
        }
        let hosts = &self.population.hosts;
        let members: Vec<_> = self
            .rooms
            .present(room, |host| {
                hosts[host].standing == Standing::Up && !hosts[host].attached.is_empty()
            })
            .collect();
        if members.len() < 2 {
            return None;
        }
        let chance = &mut self.envelopes.chance;
        let from = members[chance.random_range(0..members.len())];
        let to = members[chance.random_range(0..members.len())];
        let sees = from != to && self.sees(from, room, to)? && self.sees(to, room, from)?;
        sees.then_some((room, from, to))
    }

    fn send_between(&mut self, room: usize, from: HostNo, to: HostNo, size: usize) {
        let hosts = &self.population.hosts;
        let Some(Program::Peer(running)) = &hosts[from].program else {
            return;
        };
        self.envelopes.next += 1;
        let number = self.envelopes.next;
        let mut bytes = vec![0; size.max(8)];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        let peer = hosts[to].peer_id();
        let name = self.rooms.all[room].name.clone();
        let sent = running.with(|swarm| {
            let state = swarm.behaviour_mut().state_mut();
            state.send(&name, &peer, bytes, Now::read())
        });
        if let Some(Ok(id)) = sent {
            let flight = Flight {
                from,
                to,
                lives: (hosts[from].life, hosts[to].life),
                at: self.sim.now(),
                arrived: false,
            };
            self.envelopes.all.insert(number, flight);
            self.envelopes.by_id.insert((from, id_bytes(&id)), number);
        }
    }

    /// An envelope's content has arrived.
    pub(super) fn received(&mut self, to: HostNo, from: &PeerId, bytes: &[u8], at: Duration) {
        let Some(number) = bytes.first_chunk().map(|first| u64::from_be_bytes(*first)) else {
            return;
        };
        let sender = self.population.whose(from);
        let Some(flight) = self.envelopes.all.get_mut(&number) else {
            return;
        };
        if flight.to == to && Some(flight.from) == sender && !flight.arrived {
            flight.arrived = true;
            let (sent, by) = (flight.at, [flight.from, flight.to]);
            self.measures
                .sample(metrics::ENVELOPE_LATENCY.name, sent, ms(at - sent));
            self.honest_sample(metrics::HONEST_ENVELOPE_LATENCY, sent, ms(at - sent), by);
        }
    }

    pub(super) fn acknowledged(&mut self, from: HostNo, id: &EnvelopeId, _: Duration) {
        self.settled(from, id, true);
    }

    pub(super) fn given_up(&mut self, from: HostNo, id: &EnvelopeId, _: Duration) {
        self.settled(from, id, false);
    }

    fn settled(&mut self, from: HostNo, id: &EnvelopeId, acked: bool) {
        let Some(number) = self.envelopes.by_id.remove(&(from, id_bytes(id))) else {
            return;
        };
        let Some(flight) = self.envelopes.all.remove(&number) else {
            return;
        };
        let hosts = &self.population.hosts;
        let both_lived = hosts[flight.from].life == flight.lives.0
            && hosts[flight.to].life == flight.lives.1
            && hosts[flight.to].standing == Standing::Up;
        if !acked && !both_lived {
            return;
        }
        self.measures
            .outcome(metrics::ENVELOPE_ACKED.name, flight.at, acked);
        let by = [flight.from, flight.to];
        self.honest_outcome(metrics::HONEST_ENVELOPE_ACKED, flight.at, acked, by);
    }
}

fn id_bytes(id: &EnvelopeId) -> Vec<u8> {
    (**id).to_vec()
}
