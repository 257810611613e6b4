//! Envelopes, and how they get there.

use std::{collections::BTreeMap, time::Duration};

use libp2p::PeerId;
use netsim_scenario::{Behave, metrics};
use rand::RngExt;
use simnet::Stream;
use velox_mesh::{clock::Now, wire::envelope::EnvelopeId};

use super::{Run, life::exponential, ms};
use crate::{
    agenda::{Deed, HostNo},
    population::Standing,
    programs::Program,
};

/// How often a spammer sends a batch.
const BATCH: Duration = Duration::from_millis(100);

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
            let (sent, honest) = (flight.at, self.are_honest(number));
            self.measures
                .sample(metrics::ENVELOPE_LATENCY.name, sent, ms(at - sent));
            if honest {
                self.measures
                    .sample(metrics::HONEST_ENVELOPE_LATENCY.name, sent, ms(at - sent));
            }
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
        let honest = self.are_honest(number);
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
        if honest {
            self.measures
                .outcome(metrics::HONEST_ENVELOPE_ACKED.name, flight.at, acked);
        }
    }

    fn are_honest(&self, number: u64) -> bool {
        self.envelopes.all.get(&number).is_some_and(|flight| {
            [flight.from, flight.to]
                .into_iter()
                .all(|host| self.population.hosts[host].behave.is_honest())
        })
    }

    /// A spammer sends a multiple of what its node lets it, to whom it sees.
    pub(super) fn spam(&mut self, host: HostNo, life: u32) {
        let person = &self.population.hosts[host];
        let Behave::Spammer { times } = person.behave else {
            return;
        };
        if person.life != life || !person.is_alive() {
            return;
        }
        let now = self.sim.now();
        self.agenda.add(now + BATCH, Deed::Spam(host, life));
        let quota = velox_mesh::node::signaling::Config::default().peer_envelopes;
        let count = (f64::from(quota.per_second) * times * BATCH.as_secs_f64()) as usize;
        let Some(Program::Peer(running)) = &person.program else {
            return;
        };
        let rooms = self.rooms.of_host.get(&host).cloned().unwrap_or_default();
        for room in rooms {
            let name = self.rooms.all[room].name.clone();
            running.with(|swarm| {
                let state = swarm.behaviour_mut().state_mut();
                let members = state.members(&name);
                for (_, member) in (0..count).zip(members.iter().cycle()) {
                    // Beyond what a peer keeps account of, its own code refuses.
                    if state
                        .send(&name, &member.peer, vec![0; 64], Now::read())
                        .is_err()
                    {
                        break;
                    }
                }
            });
        }
    }
}

fn id_bytes(id: &EnvelopeId) -> Vec<u8> {
    (**id).to_vec()
}
