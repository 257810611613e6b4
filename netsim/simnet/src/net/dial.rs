//! Dials, from the first packet to the handshake's end.

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    task::Waker,
};

use futures_timer::clock;
use libp2p::{Multiaddr, PeerId};

use super::{
    Carrier, Happening,
    carrier::Cost,
    connection::{Connection, ConnectionId, End, Handshake},
};
use crate::{HostId, Nanos, Nat, chance::Stream, hosts::Life, nanos, world::World};

/// How long a NAT remembers to whom a host has sent.
const MAPPING: Nanos = 60_000_000_000;

/// Dials that have reached a host, and who waits for them.
#[derive(Default)]
pub(crate) struct Inbox {
    pub dials: VecDeque<ConnectionId>,
    pub waker: Option<Waker>,
}

impl World {
    /// Dials an address, whoever is there.
    pub(crate) fn dial(&mut self, from: HostId, address: &Multiaddr) -> Option<ConnectionId> {
        let (ip, carrier) = super::parse(address)?;
        let now = clock::now();
        let to = self.by_address.get(&ip).copied();
        let target = to.unwrap_or(from);
        let path = self.path(from, target);
        self.remember_mapping(from, target, now);
        let nth = self.next_dial(from);
        let mut connection = Connection {
            carrier,
            cost: match self.settings.wire {
                true => Cost::BARE_TCP,
                false => carrier.cost(),
            },
            path,
            chance: Stream::new(
                self.settings.seed,
                ("link", self.host(from).address, ip, nth),
            ),
            ends: [
                End::new(from, self.host(from).peer),
                End::new(target, self.host(target).peer),
            ],
            streams: BTreeMap::new(),
            next_stream: [0, 1],
            began: now,
            bytes: 0,
        };
        let late = connection.handshake_delay();
        let id = self.net.insert(connection);
        if to.is_some() && to != Some(from) {
            self.schedule(now + late + path.base, Happening::Dialed(id));
        } else {
            let at = now + self.dial_timeout(from, carrier);
            self.schedule(at, Happening::Failed(id));
        }
        Some(id)
    }

    pub(crate) fn dialed(&mut self, id: ConnectionId) {
        let now = clock::now();
        let Some(connection) = self.net.get(id) else {
            return;
        };
        let (carrier, base, began) = (connection.carrier, connection.path.base, connection.began);
        let round_trips = connection.cost.round_trips;
        let [from, to] = [connection.ends[0].host, connection.ends[1].host];
        if connection.ends[0].dropped {
            self.net.remove(id);
            return;
        }
        let host = self.host(to);
        let passes = host.life != Life::Gone
            && self.cuts.between(from, to).is_none()
            && self.passes_nat(from, to, now);
        let listens =
            matches!(host.life, Life::Up | Life::Frozen) && host.listens.contains(&carrier);
        if passes && listens {
            self.remember_mapping(to, from, now);
            let peer = self.host(to).peer;
            let handshake = 2 * base * round_trips;
            // One way has been gone.
            let connected = now + handshake - base;
            let latest = began + self.dial_timeout(from, carrier);
            if connected > latest {
                self.schedule(latest, Happening::Failed(id));
                return;
            }
            if let Some(connection) = self.net.get_mut(id) {
                connection.ends[1].peer = peer;
            }
            self.schedule(connected, Happening::Connected(id));
            self.schedule(connected + base, Happening::Accepted(id));
            let inbox = &mut self.host_mut(to).inbox;
            inbox.dials.push_back(id);
            if let Some(waker) = inbox.waker.take() {
                waker.wake();
            }
        } else if passes && carrier.system_answers() {
            self.refuse(id, now + base);
        } else {
            let at = began + self.dial_timeout(from, carrier);
            self.schedule(at, Happening::Failed(id));
        }
    }

    fn dial_timeout(&self, host: HostId, carrier: Carrier) -> Nanos {
        let own = self.host(host).config.dial_timeout;
        nanos(own.unwrap_or(carrier.dial_timeout()))
    }

    fn refuse(&mut self, id: ConnectionId, at: Nanos) {
        if let Some(connection) = self.net.get_mut(id) {
            connection.ends[0].handshake = Handshake::Failed(io::ErrorKind::ConnectionRefused);
        }
        self.schedule(at, Happening::Failed(id));
    }

    pub(crate) fn connected(&mut self, id: ConnectionId) {
        let Some(connection) = self.net.get_mut(id) else {
            return;
        };
        let [dialer, listener] = &mut connection.ends;
        if listener.vanished || listener.over.is_some() {
            // It has gone away in the middle of the handshake.
            let (began, carrier, from) = (connection.began, connection.carrier, dialer.host);
            let at = began + self.dial_timeout(from, carrier);
            self.schedule(at, Happening::Failed(id));
            return;
        }
        if dialer.over.is_none() {
            dialer.handshake = Handshake::Done;
            dialer.wake();
        }
    }

    pub(crate) fn accepted(&mut self, id: ConnectionId) {
        let Some(connection) = self.net.get_mut(id) else {
            return;
        };
        let [dialer, listener] = &mut connection.ends;
        if listener.over.is_some() {
            return;
        }
        listener.handshake = if dialer.dropped || dialer.vanished {
            Handshake::Failed(io::ErrorKind::ConnectionReset)
        } else {
            Handshake::Done
        };
        listener.wake();
    }

    pub(crate) fn dial_failed(&mut self, id: ConnectionId) {
        let Some(connection) = self.net.get_mut(id) else {
            return;
        };
        let dialer = &mut connection.ends[0];
        if dialer.handshake == Handshake::UnderWay {
            dialer.handshake = Handshake::Failed(io::ErrorKind::TimedOut);
        }
        let dropped = dialer.dropped;
        dialer.wake();
        if dropped {
            self.net.remove(id);
        }
    }

    fn passes_nat(&self, from: HostId, to: HostId, now: Nanos) -> bool {
        let host = self.host(to);
        let fresh = |sent: &Nanos| sent + MAPPING > now;
        match host.config.nat {
            Nat::Open => true,
            Nat::FullCone => host.mappings.values().any(fresh),
            Nat::Restricted => host.mappings.get(&from).is_some_and(fresh),
            Nat::Symmetric => false,
        }
    }

    /// A host behind a NAT sends to another.
    pub(crate) fn remember_mapping(&mut self, from: HostId, to: HostId, now: Nanos) {
        let host = self.host_mut(from);
        if matches!(host.config.nat, Nat::FullCone | Nat::Restricted) {
            host.mappings.insert(to, now);
            if host.mappings.len() > 256 {
                host.mappings.retain(|_, sent| *sent + MAPPING > now);
            }
        }
    }

    /// How many dials a host has begun.
    fn next_dial(&mut self, from: HostId) -> u64 {
        let host = self.host_mut(from);
        host.dials += 1;
        host.dials
    }

    /// Who is at the other end, once the handshake is done at this one.
    pub(crate) fn handshake(
        &mut self,
        id: ConnectionId,
        end: usize,
        waker: &Waker,
    ) -> Option<io::Result<PeerId>> {
        let Some(connection) = self.net.get_mut(id) else {
            return Some(Err(io::ErrorKind::ConnectionReset.into()));
        };
        let other = connection.ends[1 - end].peer;
        match (connection.ends[end].handshake, other) {
            (Handshake::UnderWay, _) => {
                connection.ends[end].upgrade = Some(waker.clone());
                None
            }
            (Handshake::Done, Some(peer)) => Some(Ok(peer)),
            (Handshake::Done, None) => Some(Err(io::ErrorKind::ConnectionReset.into())),
            (Handshake::Failed(kind), _) => Some(Err(kind.into())),
        }
    }

    /// Whether a carrier can be dialed by one who speaks `carriers`.
    pub(crate) fn speaks(carriers: &[Carrier], address: &Multiaddr) -> bool {
        super::parse(address).is_some_and(|(_, carrier)| carriers.contains(&carrier))
    }
}
