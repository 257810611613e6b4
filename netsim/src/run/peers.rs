//! What peers tell, and what they are asked.

use netsim_scenario::metrics;
use velox_mesh::peer::Event;

use super::{Run, ms};
use crate::{
    agenda::{Deed, HostNo, RoomNo},
    programs::{NodeNews, Program},
};

impl Run<'_> {
    /// Takes note of what peers have told and nodes have seen since the last time.
    pub(super) fn take_note(&mut self) {
        let seen = std::mem::take(&mut self.sightings.borrow_mut().seen);
        for (id, node, at) in seen {
            if !self.synced(id, at) {
                self.listed(id, node, at);
            }
        }
        self.take_note_of_nodes();
        loop {
            let next = self.log.borrow_mut().pop_front();
            let Some((at, number, event)) = next else {
                return;
            };
            if !self.population.hosts[number].is_alive() {
                continue;
            }
            match event {
                Event::Attached(node) => self.attached(number, node, at),
                Event::Detached(node) => self.detached(number, node, at),
                Event::Joined(record) => {
                    let seen = self.population.whose(&record.peer);
                    let room = self.room_of(number, &record.room);
                    if let (Some(seen), Some(room)) = (seen, room) {
                        self.sighted(room, number, seen, at);
                    }
                }
                Event::Left { .. } => {}
                Event::Message { from, bytes, .. } => self.received(number, &from, &bytes, at),
                Event::Delivered(id) => self.acknowledged(number, &id, at),
                Event::Unreachable(id) => self.given_up(number, &id, at),
                Event::Providers { id, records, last } => {
                    self.providers(number, id, &records, last, at);
                }
                Event::Provided(_) => {}
                Event::Refused(refusal) => {
                    if self.population.hosts[number].behave.is_honest() {
                        self.measures.count(metrics::REFUSALS.name, at, 1.0);
                    }
                    if let Some(id) = refusal.id {
                        self.providers(number, id, &[], true, at);
                    }
                }
            }
        }
    }

    fn take_note_of_nodes(&mut self) {
        let news = std::mem::take(&mut *self.nodes.borrow_mut());
        for (at, number, news) in news {
            if !self.population.hosts[number].is_alive() {
                continue;
            }
            match news {
                NodeNews::Ready => self.ready(number, at),
                NodeNews::Connected(peer) => self.connected(number, &peer, at),
            }
        }
    }

    fn attached(&mut self, number: HostNo, node: libp2p::PeerId, at: std::time::Duration) {
        let wanted = self.population.group(number).attach().count as usize;
        let host = &mut self.population.hosts[number];
        let first = host.attached.is_empty();
        if !host.attached.contains(&node) {
            host.attached.push(node);
        }
        if let Some(since) = host.without_since.take() {
            self.measures
                .sample(metrics::ATTACH_WITHOUT.name, at, ms(at - since));
        } else if first && !host.was_attached {
            let after = ms(at - host.started);
            host.was_attached = true;
            self.measures.sample(metrics::ATTACH_FIRST.name, at, after);
        }
        if host.attached.len() >= wanted
            && let Some(since) = host.fewer_since.take()
        {
            self.measures
                .sample(metrics::ATTACH_AGAIN.name, at, ms(at - since));
        }
        for room in self.joins.waiting.remove(&number).unwrap_or_default() {
            self.agenda.add(at, Deed::Join(room, number));
        }
    }

    fn detached(&mut self, number: HostNo, node: libp2p::PeerId, at: std::time::Duration) {
        let host = &mut self.population.hosts[number];
        host.attached.retain(|other| *other != node);
        host.fewer_since.get_or_insert(at);
        if host.attached.is_empty() {
            host.without_since.get_or_insert(at);
        }
        self.measures.count(metrics::ATTACH_LOST.name, at, 1.0);
    }

    /// The room of that name that a host is meant to be in.
    pub(super) fn room_of(&self, host: HostNo, name: &str) -> Option<RoomNo> {
        self.rooms
            .of_host
            .get(&host)?
            .iter()
            .copied()
            .find(|room| &*self.rooms.all[*room].name == name)
    }

    /// Whether a peer sees another in a room; nothing if it doesn't run.
    pub(super) fn sees(&self, seer: HostNo, room: RoomNo, seen: HostNo) -> Option<bool> {
        let Some(Program::Peer(running)) = &self.population.hosts[seer].program else {
            return None;
        };
        let peer = self.population.hosts[seen].peer_id();
        let name = &self.rooms.all[room].name;
        running.look(|swarm| swarm.behaviour().state().sees(name, &peer))
    }

    /// How many a peer sees in a room.
    pub(super) fn seen_by(&self, seer: HostNo, room: RoomNo) -> usize {
        let Some(Program::Peer(running)) = &self.population.hosts[seer].program else {
            return 0;
        };
        let name = &self.rooms.all[room].name;
        running
            .look(|swarm| swarm.behaviour().state().seen(name))
            .unwrap_or(0)
    }
}
