//! What is read off now and then.

use std::{collections::HashMap, time::Duration};

use netsim_scenario::{Kind, metrics, metrics::Duty};
use simnet::{Traffic, hooks};

use super::{Run, joins::SAMPLE};
use crate::{
    agenda::{Deed, HostNo, RoomNo},
    population::Standing,
    programs::{NETWORK, Program},
};

/// Who joined later than this before a sample need not be seen yet.
const NEW: Duration = Duration::from_secs(2);

/// What was read off the last time.
#[derive(Default)]
pub(super) struct Sampler {
    traffic: HashMap<(HostNo, u32), [Traffic; Duty::ALL.len()]>,
    last: Option<(Duration, u64, u64)>,
}

impl Run<'_> {
    pub(super) fn sample(&mut self) {
        let now = self.sim.now();
        self.agenda
            .add(now + self.scenario.sample_every.0, Deed::Sample);
        let nodes = self.population.alive(|kind| kind == Kind::Node).count();
        let peers = self.population.alive(Kind::is_peer).count();
        let hosts = self.population.alive(|_| true).count();
        self.measures
            .gauge(metrics::NODES_ALIVE.name, now, nodes as f64);
        self.measures
            .gauge(metrics::PEERS_ALIVE.name, now, peers as f64);
        let memory = resident_memory() as f64;
        self.measures.gauge(metrics::MEMORY_TOTAL.name, now, memory);
        self.measures.gauge(
            metrics::MEMORY_PER_HOST.name,
            now,
            memory / hosts.max(1) as f64,
        );
        self.sample_pace(now);
        self.sample_traffic(now);
        self.sample_connections(now);
        self.sample_neighbours(now);
        self.sample_bounds(now);
        if let Some(agreement) = self.agreement() {
            self.measures
                .gauge(metrics::PRESENCE_AGREEMENT.name, now, agreement);
        }
    }

    fn sample_pace(&mut self, now: Duration) {
        let (wall, events) = (hooks::real_clock(), self.sim.happened());
        if let Some((last, last_wall, last_events)) = self.sampler.last {
            let span = (now - last).as_secs_f64();
            let took = (wall - last_wall) as f64 / 1e9;
            self.measures
                .gauge(metrics::WALL_PER_SECOND.name, now, took / span);
            self.measures.gauge(
                metrics::EVENTS_PER_SECOND.name,
                now,
                (events - last_events) as f64 / span,
            );
        }
        self.sampler.last = Some((now, wall, events));
    }

    fn sample_traffic(&mut self, now: Duration) {
        let span = self.scenario.sample_every.as_secs_f64();
        let living: Vec<_> = self.population.alive(|_| true).collect();
        let mut before = std::mem::take(&mut self.sampler.traffic);
        for host in living {
            let (id, life) = {
                let host = &self.population.hosts[host];
                (host.id, host.life)
            };
            let mut duties = [Traffic::default(); Duty::ALL.len()];
            self.sim.each_traffic(id, |protocol, traffic| {
                duties[duty(protocol) as usize] += *traffic;
            });
            let last = before.remove(&(host, life));
            self.sampler.traffic.insert((host, life), duties);
            let (Some(last), true) = (last, now >= self.scenario.warmup.0) else {
                continue;
            };
            let rates: Vec<_> = duties
                .iter()
                .zip(&last)
                .map(|(new, old)| rate(new, old, span))
                .collect();
            let bytes: f64 = rates.iter().map(|(bytes, _)| bytes).sum();
            let messages: f64 = rates.iter().map(|(_, messages)| messages).sum();
            match self.population.group(host).kind {
                Kind::Node => {
                    self.measures.sample(metrics::NODE_BYTES.name, now, bytes);
                    self.measures
                        .sample(metrics::NODE_MESSAGES.name, now, messages);
                    for (duty, (bytes, messages)) in Duty::ALL.iter().zip(rates) {
                        self.measures.sample(duty.bytes().name, now, bytes);
                        self.measures.sample(duty.messages().name, now, messages);
                    }
                }
                Kind::Browser | Kind::Native => {
                    self.measures.sample(metrics::PEER_BYTES.name, now, bytes);
                }
                Kind::Bootstrap => {}
            }
        }
    }

    fn sample_connections(&mut self, now: Duration) {
        if now < self.scenario.warmup.0 {
            return;
        }
        for number in 0..self.population.hosts.len() {
            let Some(Program::Node(running)) = &self.population.hosts[number].program else {
                continue;
            };
            let count = running.look(|swarm| swarm.behaviour().connections().len());
            if let Some(count) = count {
                self.measures
                    .sample(metrics::NODE_CONNECTIONS.name, now, count as f64);
            }
        }
    }

    /// Share of the pairs that should see each other that do, over all rooms.
    fn agreement(&self) -> Option<f64> {
        let (mut agree, mut pairs) = (0.0, 0.0);
        let now = self.sim.now();
        for room in 0..self.rooms.all.len() {
            if self.rooms.all[room].pair {
                continue;
            }
            let hosts = &self.population.hosts;
            let joined = &self.rooms.all[room].members;
            let is_new = |host| match joined.get(&host) {
                Some(Some(since)) => *since + NEW > now,
                _ => true,
            };
            let mut members: Vec<_> = self
                .rooms
                .present(room, |host| {
                    hosts[host].standing == Standing::Up && !hosts[host].attached.is_empty()
                })
                .collect();
            let with_new = members.len();
            members.retain(|host| !is_new(*host));
            if members.len() < 2 {
                continue;
            }
            let (a, p) = if members.len() <= SAMPLE.min(self.big_above()) {
                self.pairs_by_peers(room, &members)
            } else {
                self.pairs_by_nodes(room, &members, with_new)
            };
            agree += a;
            pairs += p;
        }
        (pairs > 0.0).then(|| agree / pairs)
    }

    fn pairs_by_peers(&self, room: RoomNo, members: &[HostNo]) -> (f64, f64) {
        let name = &self.rooms.all[room].name;
        let mut agree = 0.0;
        for seer in members {
            let Some(Program::Peer(running)) = &self.population.hosts[*seer].program else {
                continue;
            };
            let seen = running.look(|swarm| {
                let state = swarm.behaviour().state();
                members
                    .iter()
                    .filter(|other| {
                        let peer = self.population.hosts[**other].peer_id();
                        *other != seer && state.sees(name, &peer)
                    })
                    .count()
            });
            agree += seen.unwrap_or(0) as f64;
        }
        (agree, (members.len() * (members.len() - 1)) as f64)
    }

    fn pairs_by_nodes(&self, room: RoomNo, members: &[HostNo], with_new: usize) -> (f64, f64) {
        let name = &self.rooms.all[room].name;
        let (mut agree, mut pairs) = (0.0, 0.0);
        for node in self.serving(room) {
            let Some(Program::Node(running)) = &self.population.hosts[node].program else {
                continue;
            };
            let listed = running.look(|swarm| {
                let presence = swarm.behaviour().presence();
                if members.len() > self.big_above() {
                    let nearness = nearness(presence.size(name), members.len(), with_new);
                    return members.len() as f64 * nearness;
                }
                let listed = members.iter().filter(|member| {
                    presence.lists(name, &self.population.hosts[**member].peer_id())
                });
                listed.count() as f64
            });
            agree += listed.unwrap_or(0.0);
            pairs += members.len() as f64;
        }
        (agree, pairs)
    }
}

/// How near a node's count of a room is to what it should be: somewhere from `least` to `most`.
fn nearness(count: usize, least: usize, most: usize) -> f64 {
    if count < least {
        count as f64 / least as f64
    } else if count > most {
        most as f64 / count as f64
    } else {
        1.0
    }
}

fn rate(new: &Traffic, old: &Traffic, span: f64) -> (f64, f64) {
    let bytes = |traffic: &Traffic| traffic.sent_bytes + traffic.received_bytes;
    let messages = |traffic: &Traffic| traffic.sent_messages + traffic.received_messages;
    (
        (bytes(new) - bytes(old)) as f64 / span,
        (messages(new) - messages(old)) as f64 / span,
    )
}

/// The duty that a protocol belongs to.
fn duty(protocol: &str) -> Duty {
    let own = protocol
        .strip_prefix("/velox/")
        .map(|rest| rest.strip_prefix(NETWORK).unwrap_or(rest));
    match own {
        Some("/kad/1") => Duty::Kad,
        Some("/presence/1") => Duty::Presence,
        Some("/signal/1") => Duty::Signal,
        Some("/discovery/1") => Duty::Discovery,
        Some("attach/1") => Duty::Attach,
        Some(_) => Duty::Other,
        None if protocol.starts_with("/meshsub/") || protocol.starts_with("/floodsub/") => {
            Duty::Gossip
        }
        None if protocol.starts_with("/ipfs/id/") => Duty::Identify,
        None if protocol.starts_with("/ipfs/ping/") => Duty::Ping,
        None => Duty::Other,
    }
}

/// Memory of this process, in bytes.
pub fn resident_memory() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm")
        .ok()
        .and_then(|text| text.split_whitespace().nth(1)?.parse::<u64>().ok());
    pages.unwrap_or(0) * 4_096
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_protocol_has_its_duty() {
        for (protocol, expected) in [
            ("/velox/netsim/kad/1", Duty::Kad),
            ("/velox/netsim/presence/1", Duty::Presence),
            ("/velox/netsim/signal/1", Duty::Signal),
            ("/velox/netsim/discovery/1", Duty::Discovery),
            ("/velox/attach/1", Duty::Attach),
            ("/meshsub/1.2.0", Duty::Gossip),
            ("/ipfs/id/1.0.0", Duty::Identify),
            ("/ipfs/id/push/1.0.0", Duty::Identify),
            ("/ipfs/ping/1.0.0", Duty::Ping),
            ("", Duty::Other),
        ] {
            assert_eq!(duty(protocol), expected, "{protocol}");
        }
    }

    #[test]
    fn a_count_is_near_from_both_sides() {
        assert_eq!(
            [50, 100, 105, 110].map(|n| nearness(n, 100, 110)),
            [0.5, 1.0, 1.0, 1.0]
        );
        assert_eq!(nearness(220, 100, 110), 0.5);
    }

    #[test]
    fn this_process_has_memory() {
        assert!(resident_memory() > 1 << 20);
    }
}
