//! Connections: two ends, and what goes on between them.

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    task::Waker,
};

use futures_timer::clock;
use libp2p::PeerId;

use super::{
    Carrier, Happening,
    carrier::Cost,
    path::{Path, on_the_line, transmission},
    protocols::{ProtocolId, Sniff},
    stream::Half,
};
use crate::{HostId, Nanos, chance::Stream, hosts::Life, nanos, world::World};

/// A connection's place, and which of those that had it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId {
    place: u32,
    tenant: u32,
}

/// Why an end is no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    /// One of both has closed it.
    Closed,
    /// Nothing was heard for too long.
    Silence,
}

impl From<Over> for io::Error {
    fn from(over: Over) -> Self {
        match over {
            Over::Closed => io::ErrorKind::ConnectionReset.into(),
            Over::Silence => io::ErrorKind::TimedOut.into(),
        }
    }
}

/// How far a handshake is at an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Handshake {
    UnderWay,
    Done,
    Failed(io::ErrorKind),
}

/// One end of a connection.
pub(crate) struct End {
    pub host: HostId,
    pub peer: Option<PeerId>,
    pub handshake: Handshake,
    /// Waits for the handshake.
    pub upgrade: Option<Waker>,
    pub over: Option<Over>,
    /// Nobody holds it any more.
    pub dropped: bool,
    /// Its host has vanished.
    pub vanished: bool,
    /// Waits for new streams, and for the end.
    pub muxer: Option<Waker>,
    /// Streams that the other end has opened.
    pub inbound: VecDeque<u32>,
    /// When the last of what was sent to it arrives.
    pub last_arrival: Nanos,
    /// Streams whose next chunk waits for a partition to end.
    pub held: VecDeque<u32>,
    /// When the other end's close was sent to it.
    pub close_sent: bool,
}

/// A stream.
pub(crate) struct SubStream {
    /// By the end that it goes to.
    pub halves: [Half; 2],
    pub protocol: ProtocolId,
    pub opener: u8,
    pub sniff: Sniff,
    /// The other end knows of it.
    pub known: bool,
}

/// A connection.
pub(crate) struct Connection {
    pub carrier: Carrier,
    pub cost: Cost,
    pub path: Path,
    pub chance: Stream,
    /// The dialer's and the listener's.
    pub ends: [End; 2],
    pub streams: BTreeMap<u32, SubStream>,
    pub next_stream: [u32; 2],
    pub began: Nanos,
    /// Sent over it so far, both ways.
    pub bytes: u64,
}

/// All connections.
#[derive(Default)]
pub(crate) struct Net {
    all: Vec<(u32, Option<Connection>)>,
    free: Vec<u32>,
}

impl Net {
    pub fn insert(&mut self, connection: Connection) -> ConnectionId {
        let place = self.free.pop().unwrap_or_else(|| {
            self.all.push((0, None));
            u32::try_from(self.all.len() - 1).expect("fewer connections than 2^32")
        });
        let (tenant, slot) = &mut self.all[place as usize];
        *slot = Some(connection);
        ConnectionId {
            place,
            tenant: *tenant,
        }
    }

    pub fn get(&self, id: ConnectionId) -> Option<&Connection> {
        match self.all.get(id.place as usize) {
            Some((tenant, Some(connection))) if *tenant == id.tenant => Some(connection),
            _ => None,
        }
    }

    pub fn get_mut(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        match self.all.get_mut(id.place as usize) {
            Some((tenant, Some(connection))) if *tenant == id.tenant => Some(connection),
            _ => None,
        }
    }

    pub fn remove(&mut self, id: ConnectionId) {
        if self.get(id).is_some() {
            let (tenant, slot) = &mut self.all[id.place as usize];
            *tenant = tenant.wrapping_add(1);
            *slot = None;
            self.free.push(id.place);
        }
    }

    pub fn ids(&self) -> impl Iterator<Item = ConnectionId> {
        self.all
            .iter()
            .enumerate()
            .filter(|(_, (_, slot))| slot.is_some())
            .map(|(place, (tenant, _))| ConnectionId {
                place: u32::try_from(place).expect("as above"),
                tenant: *tenant,
            })
    }

    /// Connections that stand at both ends.
    pub fn standing(&self) -> impl Iterator<Item = (ConnectionId, &Connection)> {
        self.ids().filter_map(|id| {
            let connection = self.get(id)?;
            let stands = connection
                .ends
                .iter()
                .all(|end| end.handshake == Handshake::Done && end.over.is_none() && !end.vanished);
            stands.then_some((id, connection))
        })
    }
}

impl End {
    pub fn new(host: HostId, peer: Option<PeerId>) -> Self {
        End {
            host,
            peer,
            handshake: Handshake::UnderWay,
            upgrade: None,
            over: None,
            dropped: false,
            vanished: false,
            muxer: None,
            inbound: VecDeque::new(),
            last_arrival: 0,
            held: VecDeque::new(),
            close_sent: false,
        }
    }

    pub fn wake(&mut self) {
        for waker in [self.upgrade.take(), self.muxer.take()]
            .into_iter()
            .flatten()
        {
            waker.wake();
        }
    }
}

impl World {
    /// Ships what a stream's half has been given last.
    pub(crate) fn ship(&mut self, id: ConnectionId, to: usize, stream: u32, length: usize) {
        let now = clock::now();
        let Some(connection) = self.net.get_mut(id) else {
            return;
        };
        let [sender, receiver] = [connection.ends[1 - to].host, connection.ends[to].host];
        if connection.ends[to].vanished {
            return;
        }
        if self.cuts.between(sender, receiver).is_some() {
            connection.ends[to].held.push_back(stream);
            return;
        }
        let bytes = on_the_line(connection.cost, length);
        let (flight, late) = connection.flight(bytes);
        let line = &mut self.hosts[sender.index()];
        let left = line.up_free.max(now) + transmission(bytes, line.config.last_mile.up);
        line.up_free = left;
        let Some(connection) = self.net.get_mut(id) else {
            return;
        };
        let end = &mut connection.ends[to];
        let mut arrival = (left + flight).max(end.last_arrival);
        if connection.carrier.one_order() {
            arrival += late;
            end.last_arrival = arrival;
        } else {
            end.last_arrival = arrival;
            arrival += late;
        }
        if let Some(half) = connection.half(stream, to) {
            arrival = half.arrives(arrival);
        }
        let to = u8::try_from(to).expect("0 or 1");
        self.schedule(arrival, Happening::Arrived(id, to, stream));
    }

    pub(crate) fn arrived(&mut self, id: ConnectionId, end: usize, stream: u32) {
        let now = clock::now();
        let Some(connection) = self.net.get_mut(id) else {
            return;
        };
        let (cost, host) = (connection.cost, connection.ends[end].host);
        if connection.ends[end].vanished {
            return;
        }
        let Some(length) = connection
            .half(stream, end)
            .and_then(|half| half.next_length())
        else {
            return;
        };
        let line = &mut self.hosts[host.index()];
        let time = transmission(on_the_line(cost, length), line.config.last_mile.down);
        let through = line.down_free.max(now) + time;
        line.down_free = through;
        // What is less than a packet's jitter isn't worth an event.
        if through <= now + 50_000 {
            self.received(id, end, stream);
        } else {
            let end = u8::try_from(end).expect("0 or 1");
            self.schedule(through, Happening::Received(id, end, stream));
        }
    }

    pub(crate) fn received(&mut self, id: ConnectionId, end: usize, stream: u32) {
        let Some(connection) = self.net.get_mut(id) else {
            return;
        };
        if connection.ends[end].vanished {
            return;
        }
        let (cost, host) = (connection.cost, connection.ends[end].host);
        let Some(sub) = connection.streams.get_mut(&stream) else {
            return;
        };
        let protocol = sub.protocol;
        let Some(chunk) = sub.halves[end].take_arrived() else {
            return;
        };
        if !sub.known && usize::from(sub.opener) != end {
            sub.known = true;
            connection.ends[end].inbound.push_back(stream);
            if let Some(waker) = connection.ends[end].muxer.take() {
                waker.wake();
            }
        }
        let length = chunk.len();
        self.note(&id.place.to_le_bytes());
        self.note(&stream.to_le_bytes());
        self.note(&chunk);
        let Some(connection) = self.net.get_mut(id) else {
            return;
        };
        if let Some(half) = connection.half(stream, end) {
            half.accept(chunk);
        }
        connection.prune(stream);
        if length > 0 {
            let traffic = self.hosts[host.index()].ledger.entry(protocol);
            traffic.received_bytes += on_the_line(cost, length);
            traffic.received_messages += 1;
        }
    }

    /// An end closes: the other hears of it after all that was sent before.
    pub(crate) fn close(&mut self, id: ConnectionId, end: usize) {
        let now = clock::now();
        let Some(connection) = self.net.get_mut(id) else {
            return;
        };
        if connection.ends[end].over.is_none() {
            connection.ends[end].over = Some(Over::Closed);
        }
        let other = 1 - end;
        if connection.ends[other].close_sent || connection.ends[other].over.is_some() {
            return;
        }
        connection.ends[other].close_sent = true;
        let [from, to] = [connection.ends[end].host, connection.ends[other].host];
        if connection.ends[other].vanished || self.cuts.between(from, to).is_some() {
            return;
        }
        let (flight, _) = connection.flight(0);
        let at = (now + flight).max(connection.ends[other].last_arrival);
        let other = u8::try_from(other).expect("0 or 1");
        self.schedule(at, Happening::Closed(id, other));
    }

    pub(crate) fn heard_close(&mut self, id: ConnectionId, end: usize) {
        self.end_is_over(id, end, Over::Closed);
    }

    pub(crate) fn heard_nothing(&mut self, id: ConnectionId, end: usize) {
        let now = clock::now();
        let Some(connection) = self.net.get(id) else {
            return;
        };
        let Some(silence) = connection.carrier.silence() else {
            return;
        };
        let [own, other] = [&connection.ends[end], &connection.ends[1 - end]];
        let cut = self
            .cuts
            .between(own.host, other.host)
            .is_some_and(|since| since + nanos(silence) <= now);
        // A close that a partition has swallowed.
        let lost = own.close_sent && other.over.is_some();
        if other.vanished || cut || lost {
            self.end_is_over(id, end, Over::Silence);
        }
    }

    fn end_is_over(&mut self, id: ConnectionId, end: usize, over: Over) {
        let Some(connection) = self.net.get_mut(id) else {
            return;
        };
        if connection.ends[end].over.is_none() {
            connection.ends[end].over = Some(over);
        }
        if connection.ends[end].handshake == Handshake::UnderWay {
            connection.ends[end].handshake = Handshake::Failed(io::ErrorKind::ConnectionReset);
        }
        connection.ends[end].wake();
        for stream in connection.streams.values_mut() {
            for half in &mut stream.halves {
                half.wake();
            }
        }
        connection.ends[end].wake();
        self.forget_if_over(id);
    }

    /// Nobody holds an end any more.
    pub(crate) fn drop_end(&mut self, id: ConnectionId, end: usize) {
        let Some(connection) = self.net.get_mut(id) else {
            return;
        };
        connection.ends[end].dropped = true;
        let host = connection.ends[end].host;
        if self.host(host).life == Life::Gone {
            self.vanish(id, end);
        } else {
            self.close(id, end);
        }
        self.forget_if_over(id);
    }

    /// The host at an end is no more: the other end hears nothing, and sometime acts on it.
    fn vanish(&mut self, id: ConnectionId, end: usize) {
        let Some(connection) = self.net.get_mut(id) else {
            return;
        };
        connection.ends[end].vanished = true;
        connection.ends[end].over = Some(Over::Closed);
        if let Some(silence) = connection.carrier.silence() {
            let other = u8::try_from(1 - end).expect("0 or 1");
            self.schedule(clock::now() + nanos(silence), Happening::Silent(id, other));
        }
    }

    fn forget_if_over(&mut self, id: ConnectionId) {
        let over = self
            .net
            .get(id)
            .is_some_and(|connection| connection.ends.iter().all(|end| end.dropped));
        if over {
            self.net.remove(id);
        }
    }

    /// A partition begins: what it crosses falls silent.
    pub(crate) fn fall_silent(&mut self) {
        let now = clock::now();
        for id in self.net.ids().collect::<Vec<_>>() {
            let Some(connection) = self.net.get(id) else {
                continue;
            };
            let [a, b] = [connection.ends[0].host, connection.ends[1].host];
            let silence = connection.carrier.silence();
            if let (Some(silence), Some(_)) = (silence, self.cuts.between(a, b)) {
                for end in 0..2 {
                    self.schedule(now + nanos(silence), Happening::Silent(id, end));
                }
            }
        }
    }

    /// A partition has ended: what was held is sent again.
    pub(crate) fn speak_again(&mut self) {
        for id in self.net.ids().collect::<Vec<_>>() {
            for to in 0..2 {
                let Some(connection) = self.net.get_mut(id) else {
                    continue;
                };
                let [a, b] = [connection.ends[0].host, connection.ends[1].host];
                if connection.ends[to].held.is_empty() || self.cuts.between(a, b).is_some() {
                    continue;
                }
                // The sender probes at growing intervals.
                let probe = connection.chance.unit() * 2e9;
                let Some(connection) = self.net.get_mut(id) else {
                    continue;
                };
                connection.ends[to].last_arrival = connection.ends[to]
                    .last_arrival
                    .max(clock::now() + probe as Nanos);
                for stream in std::mem::take(&mut connection.ends[to].held) {
                    let length = self
                        .net
                        .get_mut(id)
                        .and_then(|connection| connection.half(stream, to))
                        .and_then(|half| half.next_length());
                    if let Some(length) = length {
                        self.ship(id, to, stream, length);
                    }
                }
            }
        }
    }
}

impl Connection {
    pub fn half(&mut self, stream: u32, to: usize) -> Option<&mut Half> {
        self.streams
            .get_mut(&stream)
            .map(|stream| &mut stream.halves[to])
    }

    /// Forgets a stream that both ends have dropped.
    pub fn prune(&mut self, stream: u32) {
        let done = self
            .streams
            .get(&stream)
            .is_some_and(|sub| sub.halves.iter().all(Half::is_spent));
        if done {
            self.streams.remove(&stream);
        }
    }
}
