//! The rules of attachments: events and the present time in, frames and events out.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    net::IpAddr,
    time::Duration,
};

use libp2p::{Multiaddr, PeerId, multiaddr::Protocol};
use serde::Serialize;
use web_time::Instant;

use super::{config::Config, door::Door, outbox::Outbox};
use crate::{
    clock::Now,
    node::{Budget, Denied, IceOffer, Leftovers, Rate, ice::RENEWAL},
    wire::{
        Bytes, Signed, VERSION,
        attach::{Beat, FromNode, FromPeer, GoAway, Hello, Locate, Refusal, Welcome},
        cbor,
        fragment::Reassembly,
        limits,
        presence::{Leave, PresenceRecord},
        signal::Carried,
    },
};

/// How much earlier than it is due a ping may leave, when another leaves.
const ALONG: Duration = Duration::from_millis(50);
/// Pings that leave together: some 2 ms of work, for which envelopes wait.
const TOGETHER: usize = 32;

/// One attachment, by what carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AttachmentId {
    /// A libp2p stream; the number is the behaviour's own.
    Stream(u64),
    /// A carrier that came in through the entrance.
    External(u64),
}

/// What an attached peer does.
#[derive(Debug)]
pub enum Event {
    /// It said hello and waits for its welcome: call [`State::welcome`].
    Attached {
        /// The peer.
        peer: PeerId,
        /// Its address, as this node sees it.
        address: Multiaddr,
    },
    /// Its attachment to this node has ended.
    Detached {
        /// The peer.
        peer: PeerId,
    },
    /// It is in a room.
    Join {
        /// Verified, its own, for this network, unexpired, and lists this node.
        record: Signed<PresenceRecord>,
    },
    /// It has left a room.
    Leave {
        /// Verified and its own.
        leave: Signed<Leave>,
    },
    /// It wants a room's snapshot, or has missed presence because it read too slowly.
    Resync {
        /// The peer.
        peer: PeerId,
        /// The room.
        room: String,
    },
    /// It provides a resource.
    Provide {
        /// The peer.
        peer: PeerId,
        /// The request's id.
        id: u64,
        /// As in `Join`; the room is `/cid/<cid>`.
        record: Signed<PresenceRecord>,
    },
    /// It no longer provides a resource.
    Unprovide {
        /// Verified and its own; the room is `/cid/<cid>`.
        leave: Signed<Leave>,
    },
    /// It looks for providers.
    Locate {
        /// The peer.
        peer: PeerId,
        /// What it looks for.
        locate: Locate,
    },
    /// It sends an envelope.
    Carry {
        /// The peer.
        peer: PeerId,
        /// The envelope; nothing in it has been looked at.
        carried: Carried,
    },
}

/// What the driver has to do.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "an output is taken as soon as it is there: few wait at once"
)]
pub enum Output {
    /// Give a frame to the carrier.
    Send(AttachmentId, Vec<u8>),
    /// End the carrier once everything is written.
    Close(AttachmentId),
    /// Tell the rest of the node.
    Event(Event),
}

/// Figures for the status page.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Summary {
    /// Peers that have been welcomed.
    pub attached: usize,
    /// Of these, such as haven't answered for a while.
    pub away: usize,
    /// Of these, such as are on a carrier other than a libp2p stream.
    pub websocket: usize,
    /// Attachments since the start.
    pub accepted: u64,
    /// Attachments refused or ended for what the peer did.
    pub refused: u64,
}

struct Attachment {
    peer: PeerId,
    address: Multiaddr,
    ip: Option<IpAddr>,
    welcomed: bool,
    hidden: bool,
    opened: Instant,
    last_heard: Instant,
    last_ping: Option<Instant>,
    next_beat: u64,
    budget: Budget,
    /// When the peer needs new credentials for ICE servers.
    renewal: Instant,
    outbox: Outbox,
    reassembly: Reassembly,
    /// When `timers` has an entry for it.
    deadline: Instant,
}

impl Attachment {
    fn is_away(&self, config: &Config, now: Instant) -> bool {
        self.silent_since() + config.away() <= now
    }

    /// From when on the peer owes an answer: a hidden page, which is pinged rarely, owes one
    /// from its last ping on.
    fn silent_since(&self) -> Instant {
        match self.last_ping {
            Some(ping) if ping > self.last_heard && self.hidden => ping,
            _ => self.last_heard,
        }
    }
}

/// All attachments of a node.
pub struct State {
    config: Config,
    door: Door,
    attachments: BTreeMap<AttachmentId, Attachment>,
    /// The attachment of each peer that has said hello.
    by_peer: BTreeMap<PeerId, AttachmentId>,
    per_ip: HashMap<IpAddr, usize>,
    /// What peers that are gone may still say.
    left: Leftovers<Budget>,
    timers: BTreeSet<(Instant, AttachmentId)>,
    outputs: VecDeque<Output>,
    ice: Option<IceOffer>,
    accepted: u64,
    refused: u64,
}

impl State {
    /// A node without attachments.
    pub fn new(config: Config, network: String, node: PeerId) -> Self {
        State {
            door: Door { network, node },
            attachments: BTreeMap::new(),
            by_peer: BTreeMap::new(),
            per_ip: HashMap::new(),
            left: Leftovers::new(config.max),
            timers: BTreeSet::new(),
            outputs: VecDeque::new(),
            ice: None,
            accepted: 0,
            refused: 0,
            config,
        }
    }

    /// A carrier is open; the peer is who its handshake proved it to be.
    pub fn opened(&mut self, id: AttachmentId, peer: PeerId, address: Multiaddr, now: Now) {
        let ip = ip_of(&address);
        let from_ip = ip.and_then(|ip| self.per_ip.get(&ip)).copied().unwrap_or(0);
        if let Some(ip) = ip {
            *self.per_ip.entry(ip).or_default() += 1;
        }
        let deadline = now.instant + self.config.hello();
        self.timers.insert((deadline, id));
        let full = self.attachments.len() >= self.config.max;
        let budget = self.spent(&peer, now).unwrap_or_else(|| {
            let rate = Rate {
                per_second: self.config.messages_per_second,
                burst: self.config.message_burst,
            };
            Budget::new(rate, now)
        });
        self.attachments.insert(
            id,
            Attachment {
                peer,
                address,
                ip,
                welcomed: false,
                hidden: false,
                opened: now.instant,
                last_heard: now.instant,
                last_ping: None,
                next_beat: 0,
                budget,
                renewal: now.instant + RENEWAL,
                outbox: Outbox::new(self.config.max_queue),
                reassembly: Reassembly::default(),
                deadline,
            },
        );
        if full {
            self.refuse_and_close(id, "quota", "this node is full; attach to another");
        } else if from_ip >= self.config.max_per_address {
            self.refuse_and_close(
                id,
                "quota",
                "too many attachments from your address; attach to another node",
            );
        }
    }

    /// What a peer that was here before, or still is by another carrier, may say.
    fn spent(&mut self, peer: &PeerId, now: Now) -> Option<Budget> {
        let former = self.by_peer.get(peer);
        former
            .and_then(|id| self.attachments.get(id))
            .map(|attachment| attachment.budget.clone())
            .or_else(|| self.left.take(peer, now))
    }

    /// A frame arrived.
    pub fn received(&mut self, id: AttachmentId, frame: &[u8], now: Now) {
        let Some(attachment) = self.attachments.get_mut(&id) else {
            return;
        };
        attachment.last_heard = now.instant;
        if !attachment.budget.take(1, now) {
            return self.refuse_and_close(
                id,
                "quota",
                "too many messages a second; slow down and attach again",
            );
        }
        let taken = cbor::decode("message", frame, limits::ATTACH_FRAME)
            .map_err(Denied::from)
            .and_then(|message| self.message(id, message, now));
        if let Err(denied) = taken {
            self.deny(id, &denied, None, None);
        }
    }

    /// The carrier has written so many bytes.
    pub fn written(&mut self, id: AttachmentId, bytes: usize) {
        if let Some(attachment) = self.attachments.get_mut(&id) {
            attachment.outbox.written(bytes);
            self.flush(id);
        }
    }

    /// The carrier is gone.
    pub fn closed(&mut self, id: AttachmentId) {
        self.remove(id);
    }

    /// Offers peers that attach from now on a STUN and TURN server.
    pub fn offer_ice(&mut self, offer: IceOffer) {
        self.ice = Some(offer);
    }

    /// The server that is offered.
    pub fn ice_offer(&self) -> Option<&IceOffer> {
        self.ice.as_ref()
    }

    /// Answers a peer's hello; again when its credentials are to be renewed.
    pub fn welcome(&mut self, peer: PeerId, nodes: Vec<Bytes>, now: Now) {
        let Some(attachment) = self
            .by_peer
            .get(&peer)
            .and_then(|id| self.attachments.get_mut(id))
        else {
            return;
        };
        attachment.renewal = now.instant + RENEWAL;
        let ice = match &self.ice {
            Some(offer) => offer.servers(&peer.to_string(), now),
            None => Vec::new(),
        };
        let welcome = FromNode::Welcome(Welcome {
            version: VERSION,
            lease: self.config.gone_seconds * 1000,
            time: now.millis,
            observed: attachment.address.to_string(),
            ice,
            nodes,
        });
        self.send(peer, &welcome);
    }

    /// Queues a message for an attached peer. Messages for others are dropped.
    pub fn send(&mut self, peer: PeerId, message: &FromNode) {
        if let Some(id) = self.by_peer.get(&peer).copied() {
            self.push(id, message);
        }
    }

    /// Refuses what a peer asked for; ends the attachment if `denied` is fatal.
    pub fn refuse(
        &mut self,
        peer: PeerId,
        denied: &Denied,
        about: Option<u64>,
        room: Option<String>,
    ) {
        if let Some(id) = self.by_peer.get(&peer).copied() {
            self.deny(id, denied, about, room);
        }
    }

    /// Tells every peer to go elsewhere: the node is about to stop.
    pub fn drain(&mut self, reason: &str, nodes_for: impl Fn(&Multiaddr) -> Vec<Bytes>) {
        let ids: Vec<_> = self.attachments.keys().copied().collect();
        for id in ids {
            let Some(attachment) = self.attachments.get(&id) else {
                continue;
            };
            let nodes = nodes_for(&attachment.address);
            self.push(
                id,
                &FromNode::GoAway(GoAway {
                    reason: reason.to_owned(),
                    nodes,
                }),
            );
        }
    }

    /// Whether a peer is attached here.
    pub fn is_attached(&self, peer: &PeerId) -> bool {
        self.by_peer.contains_key(peer)
    }

    /// The address of an attached peer.
    pub fn address_of(&self, peer: &PeerId) -> Option<&Multiaddr> {
        let id = self.by_peer.get(peer)?;
        self.attachments
            .get(id)
            .map(|attachment| &attachment.address)
    }

    /// Figures for the status page.
    pub fn summary(&self, now: Now) -> Summary {
        let welcomed = || {
            self.by_peer
                .values()
                .filter_map(|id| self.attachments.get(id))
        };
        Summary {
            attached: self.by_peer.len(),
            away: welcomed()
                .filter(|attachment| attachment.is_away(&self.config, now.instant))
                .count(),
            websocket: self
                .by_peer
                .values()
                .filter(|id| matches!(id, AttachmentId::External(_)))
                .count(),
            accepted: self.accepted,
            refused: self.refused,
        }
    }

    /// Forgets those who are gone and whose budgets have filled up.
    pub fn forget_gone(&mut self, now: Now) {
        self.left.forget(now);
    }

    /// When [`State::expired`] wants to be called.
    pub fn deadline(&self) -> Option<Instant> {
        self.timers.first().map(|(deadline, _)| *deadline)
    }

    /// The deadline has passed.
    pub fn expired(&mut self, now: Now) {
        let mut pinged = 0;
        while let Some(&(deadline, id)) = self.timers.first()
            && deadline <= now.instant
        {
            self.timers.pop_first();
            self.renew(id, now);
            pinged += usize::from(self.tick(id, now.instant));
        }
        if pinged > 0 {
            self.ping_along(TOGETHER.saturating_sub(pinged), now.instant);
        }
    }

    /// Pings a few of those too whose turn comes soon. They share it from then on, and the node
    /// wakes once for all of them.
    fn ping_along(&mut self, most: usize, now: Instant) {
        let soon = |(at, _): &&(Instant, AttachmentId)| *at <= now + ALONG;
        // A hello has all its time.
        let welcomed = |id| self.attachments.get(id).is_some_and(|one| one.welcomed);
        let along: Vec<_> = self
            .timers
            .iter()
            .take_while(soon)
            .filter(|(_, id)| welcomed(id))
            .take(most)
            .copied()
            .collect();
        for (at, id) in along {
            self.timers.remove(&(at, id));
            self.tick(id, now);
        }
    }

    /// Gives a peer new credentials if its are about to end.
    fn renew(&mut self, id: AttachmentId, now: Now) {
        let due = self
            .attachments
            .get(&id)
            .filter(|one| self.ice.is_some() && one.welcomed && one.renewal <= now.instant);
        if let Some(attachment) = due {
            self.welcome(attachment.peer, Vec::new(), now);
        }
    }

    /// The next thing to do.
    pub fn output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// One attachment's timer: gone, or pinged, or neither yet. Whether it was pinged.
    fn tick(&mut self, id: AttachmentId, now: Instant) -> bool {
        let Some(attachment) = self.attachments.get_mut(&id) else {
            return false;
        };
        if !attachment.welcomed {
            self.refuse_and_close(id, "timeout", "no hello came; say hello first");
            return false;
        }
        if attachment.silent_since() + self.config.gone() <= now {
            tracing::debug!(peer = %attachment.peer, "gone: no answer");
            self.outputs.push_back(Output::Close(id));
            self.remove(id);
            return false;
        }
        let interval = self.config.ping(attachment.hidden);
        let due = attachment.last_ping.unwrap_or(attachment.opened) + interval;
        if due <= now + ALONG {
            self.ping(id, now);
            return true;
        }
        attachment.deadline = due.min(attachment.silent_since() + self.config.gone());
        self.timers.insert((attachment.deadline, id));
        false
    }

    /// Pings now, and sets the timer for the next time.
    fn ping(&mut self, id: AttachmentId, now: Instant) {
        let Some(attachment) = self.attachments.get_mut(&id) else {
            return;
        };
        self.timers.remove(&(attachment.deadline, id));
        attachment.last_ping = Some(now);
        attachment.next_beat += 1;
        let due = now + self.config.ping(attachment.hidden);
        attachment.deadline = due.min(attachment.silent_since() + self.config.gone());
        self.timers.insert((attachment.deadline, id));
        let beat = FromNode::Ping(Beat {
            n: attachment.next_beat,
        });
        self.push(id, &beat);
    }

    fn message(&mut self, id: AttachmentId, message: FromPeer, now: Now) -> Result<(), Denied> {
        let Some(attachment) = self.attachments.get_mut(&id) else {
            return Ok(());
        };
        let peer = attachment.peer;
        if let FromPeer::Fragment(fragment) = message {
            let Some(bytes) = attachment.reassembly.push(&fragment)? else {
                return Ok(());
            };
            let whole: FromPeer = cbor::decode("message", &bytes, limits::MESSAGE)?;
            if matches!(whole, FromPeer::Fragment(_)) {
                return Err(Denied::fatal("malformed", "a fragment inside fragments"));
            }
            return self.message(id, whole, now);
        }
        if !attachment.welcomed {
            return match message {
                FromPeer::Hello(hello) => self.hello(id, &hello, now),
                _ => Err(Denied::fatal(
                    "malformed",
                    "the first message must be hello",
                )),
            };
        }
        let event = match message {
            FromPeer::Hello(_) => return Err(Denied::fatal("malformed", "a second hello")),
            FromPeer::Join(join) => Event::Join {
                record: self.door.record(peer, &join.record, false, now)?,
            },
            FromPeer::Leave(leave) => Event::Leave {
                leave: self.door.leave(peer, &leave.record, false)?,
            },
            FromPeer::Resync(resync) => Event::Resync {
                peer,
                room: resync.room,
            },
            FromPeer::Provide(provide) => {
                match self.door.record(peer, &provide.record, true, now) {
                    Ok(record) => Event::Provide {
                        peer,
                        id: provide.id,
                        record,
                    },
                    Err(denied) => {
                        self.deny(id, &denied, Some(provide.id), None);
                        return Ok(());
                    }
                }
            }
            FromPeer::Unprovide(leave) => Event::Unprovide {
                leave: self.door.leave(peer, &leave.record, true)?,
            },
            FromPeer::Locate(locate) => Event::Locate { peer, locate },
            FromPeer::Carry(carried) => Event::Carry { peer, carried },
            FromPeer::Pong(_) => return Ok(()),
            FromPeer::Visibility(visibility) => {
                attachment.hidden = visibility.hidden;
                // An answer, by which a page that hears nothing finds out whether the node lives.
                self.ping(id, now.instant);
                return Ok(());
            }
            FromPeer::Bye(_) => {
                self.outputs.push_back(Output::Close(id));
                self.remove(id);
                return Ok(());
            }
            FromPeer::Fragment(_) => return Ok(()),
        };
        self.outputs.push_back(Output::Event(event));
        Ok(())
    }

    fn hello(&mut self, id: AttachmentId, hello: &Hello, now: Now) -> Result<(), Denied> {
        self.door.hello(hello)?;
        let Some(peer) = self.attachments.get(&id).map(|attachment| attachment.peer) else {
            return Ok(());
        };
        // Several carriers may have been open before the first of them said hello.
        let spent = self.spent(&peer, now);
        let Some(attachment) = self.attachments.get_mut(&id) else {
            return Ok(());
        };
        if let Some(spent) = spent {
            attachment.budget = spent;
        }
        attachment.welcomed = true;
        let (peer, address) = (attachment.peer, attachment.address.clone());
        let former = attachment.deadline;
        attachment.deadline = attachment.opened + self.config.ping(false);
        self.timers.remove(&(former, id));
        self.timers.insert((attachment.deadline, id));
        self.accepted += 1;
        if let Some(older) = self.by_peer.insert(peer, id) {
            // The peer came back over a new carrier before the old one was noticed dead: it
            // stays attached, so nobody is told.
            self.outputs.push_back(Output::Close(older));
            self.forget(older);
        }
        self.outputs
            .push_back(Output::Event(Event::Attached { peer, address }));
        Ok(())
    }

    fn refuse_and_close(&mut self, id: AttachmentId, code: &'static str, text: &str) {
        self.deny(id, &Denied::fatal(code, text), None, None);
    }

    fn deny(
        &mut self,
        id: AttachmentId,
        denied: &Denied,
        about: Option<u64>,
        room: Option<String>,
    ) {
        let Some(attachment) = self.attachments.get(&id) else {
            return;
        };
        self.refused += 1;
        tracing::debug!(peer = %attachment.peer, code = denied.code, text = %denied.text, "refused");
        self.push(
            id,
            &FromNode::Refused(Refusal {
                code: denied.code.to_owned(),
                text: denied.text.clone(),
                id: about,
                room,
                fatal: denied.fatal,
            }),
        );
        if denied.fatal {
            self.outputs.push_back(Output::Close(id));
            self.remove(id);
        }
    }

    fn push(&mut self, id: AttachmentId, message: &FromNode) {
        let Some(attachment) = self.attachments.get_mut(&id) else {
            return;
        };
        if attachment.outbox.push(message).is_err() {
            tracing::debug!(peer = %attachment.peer, "detached: it doesn't read");
            self.refused += 1;
            self.outputs.push_back(Output::Close(id));
            return self.remove(id);
        }
        self.flush(id);
    }

    fn flush(&mut self, id: AttachmentId) {
        let Some(attachment) = self.attachments.get_mut(&id) else {
            return;
        };
        while let Some(frame) = attachment.outbox.next() {
            self.outputs.push_back(Output::Send(id, frame));
        }
        while let Some(room) = attachment.outbox.take_resync() {
            self.outputs.push_back(Output::Event(Event::Resync {
                peer: attachment.peer,
                room,
            }));
        }
    }

    fn remove(&mut self, id: AttachmentId) {
        let Some(attachment) = self.forget(id) else {
            return;
        };
        if self.by_peer.get(&attachment.peer) == Some(&id) {
            self.by_peer.remove(&attachment.peer);
            self.outputs.push_back(Output::Event(Event::Detached {
                peer: attachment.peer,
            }));
        }
    }

    fn forget(&mut self, id: AttachmentId) -> Option<Attachment> {
        let attachment = self.attachments.remove(&id)?;
        self.timers.remove(&(attachment.deadline, id));
        if let Some(ip) = attachment.ip
            && let Some(count) = self.per_ip.get_mut(&ip)
        {
            *count -= 1;
            if *count == 0 {
                self.per_ip.remove(&ip);
            }
        }
        let (peer, budget) = (attachment.peer, attachment.budget.clone());
        match self.by_peer.get(&peer) {
            Some(other) if *other != id => {}
            _ if attachment.welcomed => self.left.put(peer, budget),
            _ => self.left.put_back(peer, budget),
        }
        Some(attachment)
    }
}

fn ip_of(address: &Multiaddr) -> Option<IpAddr> {
    address.iter().find_map(|part| match part {
        Protocol::Ip4(ip) => Some(ip.into()),
        Protocol::Ip6(ip) => Some(ip.into()),
        _ => None,
    })
}
