//! Requests: who is let in, and what it is granted.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use turn_types::{
    AddressFamily,
    attribute::{
        ChannelNumber, Data, EvenPort, Lifetime, RequestedAddressFamily, RequestedTransport,
        XorPeerAddress,
    },
    message::{ALLOCATE, CHANNEL_BIND, CREATE_PERMISSION, REFRESH},
    stun::{
        attribute::{
            Attribute, AttributeStaticType, AttributeType, MessageIntegrity,
            MessageIntegritySha256, Nonce, Realm, Username,
        },
        message::{BINDING, LongTermKeyCredentials, Message},
    },
};

use super::{Relays, Server};
use crate::{
    allocation::{Allocation, NoRoom},
    answer::{self, Refusal, Seal},
    client::{Client, Moment, RelayId},
    credentials::read,
};

/// Attributes that a client may require to be understood (those below 0x8000).
const UNDERSTOOD: [AttributeType; 12] = [
    Username::TYPE,
    MessageIntegrity::TYPE,
    MessageIntegritySha256::TYPE,
    Realm::TYPE,
    Nonce::TYPE,
    ChannelNumber::TYPE,
    Lifetime::TYPE,
    XorPeerAddress::TYPE,
    Data::TYPE,
    RequestedAddressFamily::TYPE,
    EvenPort::TYPE,
    RequestedTransport::TYPE,
];

/// A request that its signature shows to be a user's.
struct Signed<'a> {
    client: Client,
    request: &'a Message<'a>,
    username: String,
    seal: Seal,
}

/// Why a request isn't one.
enum Unsigned {
    Refused(Refusal),
    Challenged(Refusal),
}

impl Server {
    pub(super) fn request(
        &mut self,
        client: Client,
        request: &Message,
        relays: &mut impl Relays,
        now: Moment,
    ) -> Option<Vec<u8>> {
        if request.has_method(BINDING) {
            let free = self.may_answer_stranger(&client, now);
            return free.then(|| answer::mapped(request, client.remote));
        }
        let signed = match self.authenticate(client, request, now) {
            Ok(signed) => signed,
            Err(_) if !self.may_answer_stranger(&client, now) => return None,
            Err(Unsigned::Refused(refusal)) => {
                return Some(answer::refused(request, &refusal, None));
            }
            Err(Unsigned::Challenged(refusal)) => {
                let nonce = self.nonces.issue(client.remote.ip(), now.unix);
                return Some(answer::challenged(request, &refusal, &self.realm, &nonce));
            }
        };
        let granted = self.grant(&signed, relays, now);
        Some(granted.unwrap_or_else(|refusal| {
            tracing::debug!(
                code = refusal.code,
                reason = refusal.reason,
                user = signed.username,
                "TURN request refused"
            );
            answer::refused(request, &refusal, Some(&signed.seal))
        }))
    }

    /// A datagram may come from anywhere; what is answered before it is known from where costs
    /// whoever is named as its source.
    fn may_answer_stranger(&mut self, client: &Client, now: Moment) -> bool {
        client.stream.is_some() || self.strangers.allow(client.remote.ip(), now.instant)
    }

    fn authenticate<'a>(
        &self,
        client: Client,
        request: &'a Message<'a>,
        now: Moment,
    ) -> Result<Signed<'a>, Unsigned> {
        let challenged = |code, reason| Unsigned::Challenged(Refusal::new(code, reason));
        let signed = request.has_attribute(MessageIntegrity::TYPE)
            || request.has_attribute(MessageIntegritySha256::TYPE);
        if !signed {
            return Err(challenged(401, "sign with a user's name and password"));
        }
        let (Ok(username), Ok(realm), Ok(nonce)) = (
            request.attribute::<Username>(),
            request.attribute::<Realm>(),
            request.attribute::<Nonce>(),
        ) else {
            let reason = "a signed request has a user name, a realm and a nonce";
            return Err(Unsigned::Refused(Refusal::new(400, reason)));
        };
        if !self
            .nonces
            .is_good(nonce.nonce(), client.remote.ip(), now.unix)
        {
            return Err(challenged(438, "sign with the new nonce"));
        }
        let username = username.username().to_owned();
        if realm.realm() != self.realm || read(&username).is_none() {
            return Err(challenged(401, "no such user in this realm"));
        }
        let password = self.secret.password(&username);
        let credentials =
            LongTermKeyCredentials::new(username.clone(), password, self.realm.clone());
        match request.validate_integrity(&credentials.clone().into()) {
            Ok(algorithm) => Ok(Signed {
                client,
                request,
                username,
                seal: (credentials.make_key(algorithm), algorithm),
            }),
            Err(_) => Err(challenged(401, "the password is wrong")),
        }
    }

    fn grant(
        &mut self,
        signed: &Signed,
        relays: &mut impl Relays,
        now: Moment,
    ) -> Result<Vec<u8>, Refusal> {
        let unknown: Vec<_> = signed
            .request
            .iter_attributes()
            .map(|(_, attribute)| attribute.get_type())
            .filter(|kind| kind.comprehension_required() && !UNDERSTOOD.contains(kind))
            .collect();
        if !unknown.is_empty() {
            let refusal = Refusal::new(420, "attributes that aren't understood");
            return Err(Refusal { unknown, ..refusal });
        }
        let existing = self.by_client.get(&signed.client).copied();
        if signed.request.has_method(ALLOCATE) {
            return match existing {
                Some(id) => self.allocated_before(signed, id, now),
                None => self.allocate(signed, relays, now),
            };
        }
        let id = existing.ok_or(Refusal::new(437, "no allocation: it may have ended"))?;
        if self.allocations[&id].username != signed.username {
            return Err(Refusal::new(441, "the allocation is another user's"));
        }
        match signed.request.method() {
            REFRESH => self.refresh(signed, id, relays, now),
            CREATE_PERMISSION => self.permit(signed, id, now),
            CHANNEL_BIND => self.bind(signed, id, now),
            _ => Err(Refusal::new(400, "no such method")),
        }
    }

    fn allocate(
        &mut self,
        signed: &Signed,
        relays: &mut impl Relays,
        now: Moment,
    ) -> Result<Vec<u8>, Refusal> {
        let request = signed.request;
        match request.attribute::<RequestedTransport>() {
            Ok(transport) if transport.protocol() == RequestedTransport::UDP => {}
            Ok(_) => return Err(Refusal::new(442, "only UDP is relayed")),
            Err(_) => return Err(Refusal::new(400, "no transport is requested")),
        }
        let even = request.attribute::<EvenPort>().ok();
        if even.as_ref().is_some_and(EvenPort::requested) {
            return Err(Refusal::new(508, "ports aren't reserved"));
        }
        let (until, user) = read(&signed.username).unwrap_or((0, ""));
        if until <= now.unix {
            return Err(Refusal::new(
                401,
                "the credentials have ended: ask for new ones",
            ));
        }
        if self.users.is_spent(&self.config, now.unix) {
            return Err(Refusal::new(508, "today's bytes are used up"));
        }
        if self.allocations.len() >= self.config.max_allocations {
            return Err(Refusal::new(508, "no more allocations"));
        }
        let source = signed.client.remote.ip();
        if !self.users.open(user, source, &self.config) {
            return Err(Refusal::new(
                486,
                "as many allocations as a user or an address may have",
            ));
        }
        let id = RelayId(self.next);
        let family = request.attribute::<RequestedAddressFamily>().ok();
        let family = family.map(|family| family.family());
        let mut open = |ipv6| relays.open(id, &signed.client, ipv6, even.is_some());
        let opened = match family {
            Some(family) => open(family == AddressFamily::IPV6),
            // IPv4 is what is meant, if there is any.
            None => open(false).or_else(|error| match error.kind() {
                io::ErrorKind::AddrNotAvailable => open(true),
                _ => Err(error),
            }),
        };
        let relayed = opened.map_err(|error| {
            self.users.close(user, source);
            if error.kind() == io::ErrorKind::AddrNotAvailable {
                return Refusal::new(440, "no address of this family");
            }
            tracing::warn!(%error, "can't open a relay socket");
            Refusal::new(508, "no port is free")
        })?;
        self.next += 1;
        let seconds = self.config.lifetime_seconds;
        let expires = now.instant + Duration::from_secs(seconds.into());
        let transaction = request.transaction_id();
        let names = (signed.username.as_str(), user);
        let allocation = Allocation::new(signed.client, names, transaction, relayed, expires);
        self.allocations.insert(id, allocation);
        self.by_client.insert(signed.client, id);
        self.by_relayed.insert(relayed, id);
        self.expiries.insert((expires, id));
        self.hosts.insert(relayed.ip());
        let source = signed.client.remote;
        Ok(answer::allocated(
            request,
            source,
            relayed,
            seconds,
            &signed.seal,
        ))
    }

    /// The client has an allocation: this is the same request again, whose answer was lost, or an
    /// error.
    fn allocated_before(
        &self,
        signed: &Signed,
        id: RelayId,
        now: Moment,
    ) -> Result<Vec<u8>, Refusal> {
        let allocation = &self.allocations[&id];
        if allocation.transaction != signed.request.transaction_id() {
            return Err(Refusal::new(437, "this client has an allocation"));
        }
        let left = allocation.expires.saturating_duration_since(now.instant);
        Ok(answer::allocated(
            signed.request,
            signed.client.remote,
            allocation.relayed,
            left.as_secs() as u32,
            &signed.seal,
        ))
    }

    fn refresh(
        &mut self,
        signed: &Signed,
        id: RelayId,
        relays: &mut impl Relays,
        now: Moment,
    ) -> Result<Vec<u8>, Refusal> {
        let lifetime = signed.request.attribute::<Lifetime>();
        if lifetime.is_ok_and(|lifetime| lifetime.seconds() == 0) {
            self.remove(id, relays);
            return Ok(answer::refreshed(signed.request, 0, &signed.seal));
        }
        if self.users.is_spent(&self.config, now.unix) {
            return Err(Refusal::new(508, "today's bytes are used up"));
        }
        let seconds = self.config.lifetime_seconds;
        if let Some(allocation) = self.allocations.get_mut(&id) {
            self.expiries.remove(&(allocation.expires, id));
            allocation.expires = now.instant + Duration::from_secs(seconds.into());
            self.expiries.insert((allocation.expires, id));
        }
        Ok(answer::refreshed(signed.request, seconds, &signed.seal))
    }

    fn permit(&mut self, signed: &Signed, id: RelayId, now: Moment) -> Result<Vec<u8>, Refusal> {
        let peers: Vec<_> = (0..)
            .map_while(|n| signed.request.nth_attribute::<XorPeerAddress>(n).ok())
            .map(|peer| {
                peer.addr(signed.request.transaction_id())
                    .ip()
                    .to_canonical()
            })
            .collect();
        if peers.is_empty() {
            return Err(Refusal::new(400, "no peer is named"));
        }
        for peer in &peers {
            self.check_peer(id, *peer)?;
        }
        let allocation = self.allocations.get_mut(&id).expect("found by its client");
        match allocation.permit(&peers, &self.config, now.instant) {
            Ok(()) => Ok(answer::done(signed.request, &signed.seal)),
            Err(_) => Err(Refusal::new(508, "as many permissions as there may be")),
        }
    }

    fn bind(&mut self, signed: &Signed, id: RelayId, now: Moment) -> Result<Vec<u8>, Refusal> {
        let request = signed.request;
        let (Ok(number), Ok(peer)) = (
            request.attribute::<ChannelNumber>(),
            request.attribute::<XorPeerAddress>(),
        ) else {
            return Err(Refusal::new(400, "a channel has a number and a peer"));
        };
        if !(0x4000..=0x7ffe).contains(&number.channel()) {
            return Err(Refusal::new(400, "channels have numbers from 0x4000 on"));
        }
        let peer = peer.addr(request.transaction_id());
        let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        self.check_peer(id, peer.ip())?;
        let allocation = self.allocations.get_mut(&id).expect("found by its client");
        match allocation.bind(number.channel(), peer, &self.config, now.instant) {
            Ok(()) => Ok(answer::done(request, &signed.seal)),
            Err(NoRoom::Taken) => Err(Refusal::new(400, "the channel or the peer has another")),
            Err(NoRoom::Full) => Err(Refusal::new(508, "as many channels as there may be")),
        }
    }

    fn check_peer(&self, id: RelayId, peer: IpAddr) -> Result<(), Refusal> {
        let relayed = self.allocations[&id].relayed.ip();
        if peer.is_ipv6() != relayed.is_ipv6() {
            return Err(Refusal::new(
                443,
                "the relayed address is of another family",
            ));
        }
        // Another client's relayed address may be this host's, however private that is.
        let own = self.hosts.contains(&peer);
        let allowed = self.policy.allows(peer) || (own && self.policy.own_host);
        if !allowed {
            return Err(Refusal::new(
                403,
                "this server doesn't relay to such an address",
            ));
        }
        Ok(())
    }
}
