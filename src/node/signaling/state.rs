use std::collections::{BTreeMap, HashMap, VecDeque};

use libp2p::{Multiaddr, PeerId};
use web_time::Instant;

use super::{
    Config, Summary, carry_frame,
    dials::Dials,
    flights::{Flights, MAX_NODES},
    outside::{self, Life, Outside},
    seen::Seen,
};
use crate::{
    clock::Now,
    node::{
        Budget, Denied, Leftovers, Rate, Refills, Verdict,
        link::{Output, StateMachine},
    },
    wire::{
        Malformed,
        attach::FromNode,
        cbor,
        envelope::{EnvelopeId, Parcel},
        limits,
        signal::{Carried, SignalFrame, Undelivered},
    },
};

/// What signaling tells the rest of the node.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// For a peer that is attached here: `carry` or `undelivered`.
    ToPeer {
        /// The peer.
        peer: PeerId,
        /// What it is told.
        message: FromNode,
    },
    /// Publish on the room's topic. The parcel's signature has been verified.
    Gossip {
        /// The room.
        room: String,
        /// The envelope, its receiver blinded.
        parcel: Parcel,
    },
}

/// The rules of signaling.
#[derive(Debug)]
pub struct State {
    config: Config,
    node: PeerId,
    /// Peers attached here: as many as attach lets in.
    attached: BTreeMap<PeerId, Attached>,
    /// What peers that are gone may still send.
    left: Leftovers<Attached>,
    /// Nodes linked to this one.
    pub(super) neighbours: HashMap<PeerId, Traffic>,
    pub(super) seen: Seen,
    pub(super) flights: Flights,
    pub(super) dials: Dials,
    gossip: Option<Budget>,
    pub(super) outputs: VecDeque<Output<Event>>,
    pub(super) counts: Summary,
}

#[derive(Debug)]
struct Attached {
    /// The PeerId's bytes, as blinded receivers are made of them.
    bytes: Vec<u8>,
    /// Made when it first sends something.
    traffic: Option<Traffic>,
    gossip: Option<Budget>,
}

impl Refills for Attached {
    fn is_full(&mut self, now: Now) -> bool {
        let traffic = self.traffic.as_mut();
        let full = |budget: &mut Budget| budget.is_full(now);
        traffic.is_none_or(|traffic| full(&mut traffic.envelopes) && full(&mut traffic.bytes))
            && self.gossip.as_mut().is_none_or(full)
    }
}

/// What somebody may send.
#[derive(Debug)]
pub(super) struct Traffic {
    envelopes: Budget,
    bytes: Budget,
}

impl Traffic {
    fn new(envelopes: Rate, bytes: Rate, now: Now) -> Self {
        Traffic {
            envelopes: Budget::new(envelopes, now),
            bytes: Budget::new(bytes, now),
        }
    }

    fn take(&mut self, bytes: usize, now: Now) -> bool {
        self.envelopes.take(1, now) && self.bytes.take(bytes, now)
    }
}

/// One way to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Path {
    /// The receiver is attached here.
    Here,
    /// To the best of the receiver's nodes; to the next if it refuses.
    Hop,
    /// To all the others at once: the best one was silent.
    OtherHops,
    /// To every node of the room.
    Gossip,
}

impl State {
    /// Nothing attached and nothing linked.
    pub fn new(config: Config, node: PeerId) -> Self {
        State {
            node,
            attached: BTreeMap::new(),
            left: Leftovers::new(config.left),
            neighbours: HashMap::new(),
            seen: Seen::new(config.seen),
            flights: Flights::new(config.held_for(), config.held, config.held_bytes),
            dials: Dials::new(config.dial_for(), config.dials, config.waiting),
            gossip: None,
            outputs: VecDeque::new(),
            counts: Summary::default(),
            config,
        }
    }

    /// A peer is attached here.
    pub fn attached(&mut self, peer: PeerId, now: Now) {
        let left = &mut self.left;
        self.attached.entry(peer).or_insert_with(|| {
            left.take(&peer, now).unwrap_or_else(|| Attached {
                bytes: peer.to_bytes(),
                traffic: None,
                gossip: None,
            })
        });
    }

    /// Forgets those who are gone and whose budgets have filled up.
    pub fn forget_gone(&mut self, now: Now) {
        self.left.forget(now);
    }

    /// It no longer is.
    pub fn detached(&mut self, peer: PeerId) {
        if let Some(attached) = self.attached.remove(&peer)
            && attached.traffic.is_some()
        {
            self.left.put(peer, attached);
        }
    }

    /// An envelope from the attached peer `from`. `via`: the nodes that the receiver may be
    /// attached to, best first. `in_room`: whether this node serves the envelope's room.
    ///
    /// What can't be delivered for a reason that lies outside the peer is told to it as
    /// `undelivered`. An error is the peer's own fault.
    pub fn carry(
        &mut self,
        from: PeerId,
        carried: Carried,
        via: Vec<PeerId>,
        in_room: bool,
        now: Now,
    ) -> Result<(), Denied> {
        let Some(attached) = self.attached.get_mut(&from) else {
            return Err(Denied::new("denied", "not attached: say hello again"));
        };
        let outside = check(&from, &carried).inspect_err(|_| self.counts.refused += 1)?;
        let id = outside.id;
        let traffic = attached.traffic.get_or_insert_with(|| {
            Traffic::new(self.config.peer_envelopes, self.config.peer_bytes, now)
        });
        if !traffic.take(outside::len(&carried.parcel), now) {
            self.counts.over_budget += 1;
            self.undelivered(from, id, carried.to, "quota");
            return Ok(());
        }
        match outside.life(now) {
            Life::Valid => {}
            Life::Over => {
                self.counts.expired += 1;
                self.undelivered(from, id, carried.to, "expired");
                return Ok(());
            }
            Life::TooLong => {
                self.counts.refused += 1;
                return Err(Denied::new(
                    "expired",
                    "the envelope ends more than 30 s ahead: take the time from welcome",
                ));
            }
        }
        let nodes = self.ranked(via);
        let trace = self.seen.trace(&from, &id, now);
        let attempt = usize::from(trace.attempts);
        trace.attempts = trace.attempts.saturating_add(1);
        let paths = [
            (self.attached.contains_key(&carried.to), Path::Here),
            (!nodes.is_empty(), Path::Hop),
            (nodes.len() > 1, Path::OtherHops),
            (in_room && !trace.gossiped, Path::Gossip),
        ];
        let open = || {
            paths
                .iter()
                .filter(|(open, _)| *open)
                .map(|(_, path)| *path)
        };
        let path = open().nth(attempt % open().count().max(1));
        match path {
            Some(Path::Here) => {
                trace.deliveries = trace.deliveries.saturating_add(1);
                self.counts.delivered_here += 1;
                self.deliver(carried);
            }
            Some(Path::Hop) => self.hop(from, id, carried, nodes, false, in_room, now),
            Some(Path::OtherHops) => {
                let others = nodes[1..].to_vec();
                self.hop(from, id, carried, others, true, in_room, now);
            }
            Some(Path::Gossip) => self.publish(from, carried, now)?,
            None => self.undelivered(from, id, carried.to, "not-attached"),
        }
        Ok(())
    }

    /// An envelope came by gossip on the topic of `room`.
    pub fn gossip(&mut self, parcel: Parcel, room: &str, now: Now) -> Verdict {
        let Ok(outside) = Outside::read(&parcel) else {
            self.counts.refused += 1;
            return Verdict::Reject;
        };
        if outside.life(now) != Life::Valid {
            self.counts.expired += 1;
            return Verdict::Ignore;
        }
        if self.seen.trace(&outside.from, &outside.id, now).gossiped {
            self.counts.duplicates += 1;
            return Verdict::Ignore;
        }
        let rate = self.config.gossip;
        let budget = self.gossip.get_or_insert_with(|| Budget::new(rate, now));
        if !budget.take(1, now) {
            self.counts.over_budget += 1;
            return Verdict::Ignore;
        }
        if !outside.verify() {
            self.counts.refused += 1;
            return Verdict::Reject;
        }
        self.seen.trace(&outside.from, &outside.id, now).gossiped = true;
        let receiver = self
            .attached
            .iter()
            .find(|(_, attached)| outside.is_for_bytes(&attached.bytes))
            .map(|(peer, _)| *peer);
        if let Some(to) = receiver {
            self.counts.delivered_by_gossip += 1;
            self.deliver(Carried {
                to,
                room: room.to_owned(),
                via: Vec::new(),
                parcel,
            });
        }
        Verdict::Accept
    }

    /// What has been done, and what is held.
    pub fn summary(&self) -> Summary {
        Summary {
            held: self.flights.len(),
            held_bytes: self.flights.bytes(),
            attached: self.attached.len(),
            neighbours: self.neighbours.len(),
            ..self.counts
        }
    }

    /// The nodes to try: linked ones first, else as ranked; this one and repetitions left out.
    fn ranked(&self, mut nodes: Vec<PeerId>) -> Vec<PeerId> {
        nodes.truncate(self.config.via.min(MAX_NODES));
        let mut at = 0;
        while at < nodes.len() {
            if nodes[at] == self.node || nodes[..at].contains(&nodes[at]) {
                nodes.remove(at);
            } else {
                at += 1;
            }
        }
        nodes.sort_by_key(|node| !self.neighbours.contains_key(node));
        nodes
    }

    fn deliver(&mut self, mut carried: Carried) {
        carried.via = Vec::new();
        self.outputs.push_back(Output::Event(Event::ToPeer {
            peer: carried.to,
            message: FromNode::Carry(carried),
        }));
    }

    pub(super) fn undelivered(&mut self, sender: PeerId, id: EnvelopeId, to: PeerId, code: &str) {
        self.counts.undelivered += 1;
        self.outputs.push_back(Output::Event(Event::ToPeer {
            peer: sender,
            message: FromNode::Undelivered(Undelivered {
                id,
                to,
                code: code.to_owned(),
            }),
        }));
    }

    /// Gossips for a peer of ours. What is forged would be held against this node by those
    /// that it gossips to.
    pub(super) fn publish(
        &mut self,
        sender: PeerId,
        carried: Carried,
        now: Now,
    ) -> Result<(), Denied> {
        let outside = check(&sender, &carried)?;
        let id = outside.id;
        let allowed = self.attached.get_mut(&sender).is_some_and(|attached| {
            let rate = self.config.peer_gossip;
            let budget = attached
                .gossip
                .get_or_insert_with(|| Budget::new(rate, now));
            budget.take(1, now)
        });
        if !allowed {
            self.counts.over_budget += 1;
            self.undelivered(sender, id, carried.to, "quota");
            return Ok(());
        }
        if !outside.verify() {
            self.counts.refused += 1;
            return Err(Denied::fatal(
                "forged",
                format!("the envelope's signature isn't {sender}'s: sign with the attached key"),
            ));
        }
        self.seen.trace(&sender, &id, now).gossiped = true;
        self.counts.gossiped += 1;
        self.outputs.push_back(Output::Event(Event::Gossip {
            room: carried.room,
            parcel: carried.parcel,
        }));
        Ok(())
    }

    fn carried_by(&mut self, node: PeerId, carried: Carried, now: Now) -> Result<(), Malformed> {
        let Some(traffic) = self.neighbours.get_mut(&node) else {
            return Ok(());
        };
        let outside = Outside::read(&carried.parcel)?;
        let allowed = traffic.take(outside::len(&carried.parcel), now);
        let refusal = if !allowed {
            self.counts.over_budget += 1;
            Some("quota")
        } else if outside.life(now) != Life::Valid {
            self.counts.expired += 1;
            Some("expired")
        } else if !self.attached.contains_key(&carried.to) {
            Some("not-attached")
        } else if !outside.is_for(&carried.to) {
            return Err(Malformed::Field {
                what: "carry",
                field: "tag",
                reason: "isn't the receiver blinded".to_owned(),
            });
        } else {
            None
        };
        if let Some(code) = refusal {
            let frame = SignalFrame::Undelivered(Undelivered {
                id: outside.id,
                to: carried.to,
                code: code.to_owned(),
            });
            self.outputs
                .push_back(Output::Send(node, cbor::encode(&frame)));
            return Ok(());
        }
        let trace = self.seen.trace(&outside.from, &outside.id, now);
        if trace.deliveries >= self.config.deliveries {
            self.counts.duplicates += 1;
            return Ok(());
        }
        trace.deliveries += 1;
        self.counts.delivered_by_node += 1;
        self.deliver(carried);
        Ok(())
    }
}

/// What an attached peer's envelope must be before anything is done with it.
fn check<'a>(from: &PeerId, carried: &'a Carried) -> Result<Outside<'a>, Denied> {
    if carried.via.len() > limits::ATTACHMENTS {
        return Err(Denied::fatal(
            "malformed",
            format!("carry: via lists more than {} nodes", limits::ATTACHMENTS),
        ));
    }
    if carried.room.is_empty() || carried.room.len() > limits::ROOM {
        return Err(Denied::fatal(
            "malformed",
            format!("carry: a room's name has 1 to {} bytes", limits::ROOM),
        ));
    }
    let outside = Outside::read(&carried.parcel)
        .map_err(|malformed| Denied::fatal("malformed", malformed.to_string()))?;
    if outside.from != *from {
        return Err(Denied::fatal(
            "forged",
            format!(
                "the envelope is from {}, the attachment {from}'s",
                outside.from
            ),
        ));
    }
    if !outside.is_for(&carried.to) {
        return Err(Denied::fatal(
            "malformed",
            "carry: the envelope's tag isn't its receiver blinded",
        ));
    }
    Ok(outside)
}

impl StateMachine for State {
    type Event = Event;

    fn linked(&mut self, node: PeerId, _: &Multiaddr, now: Now) {
        if self.neighbours.len() < self.config.neighbours {
            let config = &self.config;
            self.neighbours
                .entry(node)
                .or_insert_with(|| Traffic::new(config.node_envelopes, config.node_bytes, now));
        }
        let names = self.dials.end(&node);
        if !self.neighbours.contains_key(&node) {
            self.unreachable(&node, names, now);
            return;
        }
        for name in names {
            if let Some(flight) = self.flights.get_mut(name)
                && let Some(place) = flight.place(&node)
            {
                flight.dialing.remove(place);
                flight.untried.insert(place);
            }
            self.advance(name, now);
        }
    }

    fn unlinked(&mut self, node: PeerId, now: Now) {
        let mut names = self.dials.end(&node);
        if !names.is_empty() {
            self.counts.dials_failed += 1;
        }
        if self.neighbours.remove(&node).is_some() {
            names.extend(self.flights.sent_to(&node));
        }
        self.unreachable(&node, names, now);
    }

    fn received(&mut self, node: PeerId, frame: &[u8], now: Now) -> Result<(), Malformed> {
        if let Some(carried) = carry_frame::read(frame) {
            return self.carried_by(node, carried, now);
        }
        match cbor::decode("signal frame", frame, limits::NODE_FRAME)? {
            SignalFrame::Carry(carried) => self.carried_by(node, carried, now),
            SignalFrame::Undelivered(undelivered) => {
                self.refused_by(node, undelivered, now);
                Ok(())
            }
        }
    }

    fn deadline(&self) -> Option<Instant> {
        [self.flights.deadline(), self.dials.deadline()]
            .into_iter()
            .flatten()
            .min()
    }

    fn expired(&mut self, now: Now) {
        while let Some((node, names)) = self.dials.pop(now) {
            self.counts.dials_failed += 1;
            self.unreachable(&node, names, now);
        }
        self.land(now);
    }

    fn output(&mut self) -> Option<Output<Event>> {
        self.outputs.pop_front()
    }
}
