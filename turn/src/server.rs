//! The rules: what passes, and how long. What requests change is in `requests`.

mod requests;

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    io,
    net::{IpAddr, SocketAddr},
    time::Instant,
};

use serde::Serialize;
use turn_types::{
    attribute::{Data, XorPeerAddress},
    channel::ChannelData,
    message::SEND,
    stun::{
        attribute::{Attribute, AttributeStaticType},
        message::{Message, MessageClass},
    },
};
use velox_sockets::RateLimit;

use crate::{
    allocation::Allocation,
    client::{Client, Moment, RelayId},
    config::Config,
    credentials::Secret,
    delivery::Delivery,
    nonces::Nonces,
    policy::Policy,
    users::Users,
};

/// Where relay sockets come from.
pub trait Relays {
    /// Opens a socket in this address family from which `client`'s peers are reached, at an even
    /// port if it is to be. Gives its address as peers see it.
    /// [`AddrNotAvailable`](io::ErrorKind::AddrNotAvailable) means that the host has no address of
    /// this family.
    fn open(
        &mut self,
        id: RelayId,
        client: &Client,
        ipv6: bool,
        even: bool,
    ) -> io::Result<SocketAddr>;

    /// Closes it.
    fn close(&mut self, id: RelayId);
}

/// What follows from a message.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// Nothing.
    Nothing,
    /// The client is answered.
    Answer(Vec<u8>),
    /// A peer is sent something.
    Relay {
        /// By which relay socket.
        relay: RelayId,
        /// To whom.
        peer: SocketAddr,
        /// What.
        data: &'a [u8],
    },
    /// The peer is a client of this server itself: it is handed what it is sent.
    Deliver(Delivery<'a>),
}

/// Figures for the status page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Relayed addresses that are lent.
    pub allocations: usize,
    /// Users who have some.
    pub users: usize,
    /// Bytes relayed since the start.
    pub relayed_bytes: u64,
    /// Bytes that were above a budget, and lost.
    pub dropped_bytes: u64,
}

/// A STUN and TURN server, but for its sockets.
#[derive(Debug)]
pub struct Server {
    config: Config,
    policy: Policy,
    realm: String,
    secret: Secret,
    nonces: Nonces,
    allocations: HashMap<RelayId, Allocation>,
    by_client: HashMap<Client, RelayId>,
    by_relayed: HashMap<SocketAddr, RelayId>,
    expiries: BTreeSet<(Instant, RelayId)>,
    /// This host's own addresses.
    hosts: HashSet<IpAddr>,
    users: Users,
    strangers: RateLimit,
    next: u64,
}

impl Server {
    /// A server for the users of `realm`, at most 100 bytes, on a host with these addresses.
    pub fn new(
        config: Config,
        policy: Policy,
        realm: String,
        secret: Secret,
        hosts: impl IntoIterator<Item = IpAddr>,
    ) -> Self {
        Server {
            nonces: Nonces::new(config.nonce_seconds),
            strangers: RateLimit::new(
                config.strangers_per_second,
                config.strangers_burst,
                config.max_strangers,
            ),
            hosts: hosts.into_iter().map(|ip| ip.to_canonical()).collect(),
            allocations: HashMap::new(),
            by_client: HashMap::new(),
            by_relayed: HashMap::new(),
            expiries: BTreeSet::new(),
            users: Users::new(),
            next: 0,
            config,
            policy,
            realm,
            secret,
        }
    }

    /// Takes what a client sent: one STUN message, or channel data.
    pub fn client_sent<'a>(
        &mut self,
        client: Client,
        message: &'a [u8],
        relays: &mut impl Relays,
        now: Moment,
    ) -> Outcome<'a> {
        match message.first() {
            Some(0x40..=0x7f) => self.channel_data(client, message, now),
            Some(0x00..=0x3f) => {
                let Ok(stun) = Message::from_bytes(message) else {
                    return Outcome::Nothing;
                };
                match (stun.class(), stun.method()) {
                    (MessageClass::Request, _) => match self.request(client, &stun, relays, now) {
                        Some(answer) => Outcome::Answer(answer),
                        None => Outcome::Nothing,
                    },
                    (MessageClass::Indication, SEND) => self.send(client, &stun, message, now),
                    _ => Outcome::Nothing,
                }
            }
            _ => Outcome::Nothing,
        }
    }

    /// Takes what a peer sent to a relayed address.
    pub fn peer_sent<'a>(
        &mut self,
        relay: RelayId,
        peer: SocketAddr,
        data: &'a [u8],
        now: Moment,
    ) -> Option<Delivery<'a>> {
        let allocation = self.allocations.get(&relay)?;
        let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        if !allocation.permits(peer.ip(), now.instant) || !self.passes(&relay, data.len(), now) {
            return None;
        }
        self.delivery(relay, peer, data, now)
    }

    /// A client's stream has ended, and its allocation with it.
    pub fn gone(&mut self, client: &Client, relays: &mut impl Relays) {
        if let Some(id) = self.by_client.get(client) {
            self.remove(*id, relays);
        }
    }

    /// When the next allocation ends.
    pub fn deadline(&self) -> Option<Instant> {
        self.expiries.first().map(|(at, _)| *at)
    }

    /// Ends what is over.
    pub fn expire(&mut self, relays: &mut impl Relays, now: Moment) {
        while let Some(&(at, id)) = self.expiries.first()
            && at <= now.instant
        {
            self.remove(id, relays);
        }
        self.strangers.tidy(now.instant);
    }

    /// Whether there may be new allocations, as far as the day's budget goes.
    pub fn lends(&self, now: Moment) -> bool {
        self.allocations.len() < self.config.max_allocations
            && !self.users.is_spent(&self.config, now.unix)
    }

    /// Figures.
    pub fn summary(&self) -> Summary {
        Summary {
            allocations: self.allocations.len(),
            users: self.users.len(),
            relayed_bytes: self.users.relayed,
            dropped_bytes: self.users.dropped,
        }
    }

    fn channel_data<'a>(&mut self, client: Client, message: &'a [u8], now: Moment) -> Outcome<'a> {
        let Ok((number, length)) = ChannelData::parse_header(message) else {
            return Outcome::Nothing;
        };
        let (Some(data), Some(id)) = (message.get(4..4 + length), self.by_client.get(&client))
        else {
            return Outcome::Nothing;
        };
        let id = *id;
        match self.allocations[&id].peer(number, now.instant) {
            Some(peer) => self.relay(id, peer, data, now),
            None => Outcome::Nothing,
        }
    }

    fn send<'a>(
        &mut self,
        client: Client,
        indication: &Message,
        bytes: &'a [u8],
        now: Moment,
    ) -> Outcome<'a> {
        let (Ok(peer), Some((offset, data)), Some(id)) = (
            indication.attribute::<XorPeerAddress>(),
            indication.raw_attribute_and_offset(Data::TYPE),
            self.by_client.get(&client),
        ) else {
            return Outcome::Nothing;
        };
        let peer = peer.addr(indication.transaction_id());
        // What the indication borrows ends with it: the same bytes, of the message itself.
        let start = offset + 4;
        match bytes.get(start..start + usize::from(data.length())) {
            Some(data) => self.relay(*id, peer, data, now),
            None => Outcome::Nothing,
        }
    }

    /// Sends a client's data to a peer that it may talk with.
    fn relay<'a>(
        &mut self,
        id: RelayId,
        peer: SocketAddr,
        data: &'a [u8],
        now: Moment,
    ) -> Outcome<'a> {
        let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        let allocation = &self.allocations[&id];
        if !allocation.permits(peer.ip(), now.instant) || !self.passes(&id, data.len(), now) {
            return Outcome::Nothing;
        }
        let relayed = self.allocations[&id].relayed;
        if let Some(&other) = self.by_relayed.get(&peer) {
            let permits = self.allocations[&other].permits(relayed.ip(), now.instant);
            let delivery = permits.then(|| self.delivery(other, relayed, data, now));
            return delivery
                .flatten()
                .map_or(Outcome::Nothing, Outcome::Deliver);
        }
        if self.hosts.contains(&peer.ip()) && !self.policy.own_host {
            return Outcome::Nothing;
        }
        Outcome::Relay {
            relay: id,
            peer,
            data,
        }
    }

    fn delivery<'a>(
        &self,
        id: RelayId,
        peer: SocketAddr,
        data: &'a [u8],
        now: Moment,
    ) -> Option<Delivery<'a>> {
        let allocation = self.allocations.get(&id)?;
        Some(Delivery {
            client: allocation.client,
            channel: allocation.channel(&peer, now.instant),
            peer,
            data,
        })
    }

    fn passes(&mut self, id: &RelayId, bytes: usize, now: Moment) -> bool {
        let user = &self.allocations[id].user;
        self.users
            .pass(user, bytes, &self.config, now.instant, now.unix)
    }

    fn remove(&mut self, id: RelayId, relays: &mut impl Relays) {
        if let Some(allocation) = self.allocations.remove(&id) {
            self.by_client.remove(&allocation.client);
            self.by_relayed.remove(&allocation.relayed);
            self.expiries.remove(&(allocation.expires, id));
            let source = allocation.client.remote.ip();
            self.users.close(&allocation.user, source);
            relays.close(id);
        }
    }
}

#[cfg(test)]
mod tests;
