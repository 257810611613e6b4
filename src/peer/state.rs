//! A native peer's rules: events and the present time in, frames and events out.

use std::collections::{BTreeMap, HashMap, VecDeque};

use libp2p::{PeerId, multiaddr::Protocol};
use web_time::Instant;

use super::{
    Config, Event, Output, SendError,
    candidates::Candidates,
    envelopes::{Envelopes, Missed, Word},
    network_time::NetworkTime,
    rooms::{Change, Rooms},
};
use crate::{
    clock::Now,
    identity::Identity,
    node::link::LinkId,
    wire::{
        Malformed, Signed, VERSION,
        attach::{Bye, FromNode, FromPeer, Hello, Locate, Provide, Record},
        cbor,
        envelope::{EnvelopeId, Kind},
        fragment::{self, Reassembly},
        limits,
        presence::PresenceRecord,
        seal::SealingKey,
        signal::Carried,
    },
};

struct Attachment {
    link: LinkId,
    welcomed: bool,
    /// It ends as soon as there is another in its place.
    leaving: bool,
    /// When hello was sent.
    greeted: Instant,
    /// How far its node's clock is ahead of this peer's, in ms.
    ahead: Option<i64>,
    reassembly: Reassembly,
    next_fragment: u64,
}

/// A peer's state.
pub struct State {
    config: Config,
    rooms: Rooms,
    envelopes: Envelopes,
    candidates: Candidates,
    /// In rank order: the first is the primary. Those that are to be replaced come last.
    attachments: Vec<Attachment>,
    time: NetworkTime,
    provided: BTreeMap<String, u64>,
    locating: HashMap<u64, String>,
    next_request: u64,
    outputs: VecDeque<Output>,
    stopped: bool,
}

impl State {
    /// A peer that is attached to nothing yet.
    pub fn new(config: Config, identity: &Identity, now: Now) -> Self {
        let key = SealingKey::generate();
        let mut state = State {
            rooms: Rooms::new(
                identity.clone(),
                config.network.clone(),
                key.public(),
                config.max_members,
                now,
            ),
            envelopes: Envelopes::new(identity.clone(), key, &config),
            candidates: Candidates::default(),
            attachments: Vec::new(),
            time: NetworkTime::default(),
            provided: BTreeMap::new(),
            locating: HashMap::new(),
            next_request: 0,
            outputs: VecDeque::new(),
            stopped: false,
            config,
        };
        for address in state.config.nodes.clone() {
            if let Some(Protocol::P2p(node)) = address.iter().last() {
                state.candidates.learn(node, vec![address], now);
            }
        }
        state.attach(now);
        state
    }

    /// Enters a room, or changes the metadata there.
    pub fn join(&mut self, room: &str, meta: Vec<u8>, now: Now) {
        let now = self.time.at(now);
        self.rooms.join(room.to_owned(), meta);
        self.announce(room, now);
    }

    /// Leaves a room.
    pub fn leave(&mut self, room: &str) {
        if let Some(leave) = self.rooms.leave(room) {
            let record = leave.to_wire();
            self.tell_all(&FromPeer::Leave(Record { record }));
        }
    }

    /// The members that are seen in a room.
    pub fn members(&self, room: &str) -> Vec<Signed<PresenceRecord>> {
        self.rooms.members(room)
    }

    /// Whether a peer is seen in a room.
    pub fn sees(&self, room: &str, peer: &PeerId) -> bool {
        self.rooms.member(room, peer).is_some()
    }

    /// How many are seen in a room.
    pub fn seen(&self, room: &str) -> usize {
        self.rooms.len(room)
    }

    /// The nodes that this peer is attached to, the primary first.
    pub fn attached(&self) -> Vec<PeerId> {
        self.attachments
            .iter()
            .filter(|attachment| attachment.welcomed)
            .map(|attachment| attachment.link.peer)
            .collect()
    }

    /// Sends bytes to a member of a room. Ends in `Delivered` or `Unreachable`.
    pub fn send(
        &mut self,
        room: &str,
        to: &PeerId,
        bytes: Vec<u8>,
        now: Now,
    ) -> Result<EnvelopeId, SendError> {
        let now = self.time.at(now);
        let to = self
            .rooms
            .member(room, to)
            .ok_or(SendError::NoMember)?
            .clone();
        let own = self.rooms.record(room, self.listed(), now);
        let first = self.nearest(&to);
        let (id, carried) = self
            .envelopes
            .send(&to, bytes, own, first, now)
            .map_err(|_| SendError::Full)?;
        if let Some(link) = first {
            self.tell(link, &FromPeer::Carry(carried));
        }
        Ok(id)
    }

    /// Announces a resource.
    pub fn provide(&mut self, cid: &str, now: Now) -> u64 {
        let now = self.time.at(now);
        let id = self.request();
        self.provided.insert(cid.to_owned(), id);
        self.announce_resource(cid, id, now);
        id
    }

    /// Looks for a resource's providers.
    pub fn locate(&mut self, cid: &str) -> u64 {
        let id = self.request();
        self.locating.insert(id, cid.to_owned());
        let cid = cid.to_owned();
        if let Some(primary) = self.primary() {
            self.tell(primary, &FromPeer::Locate(Locate { id, cid }));
        }
        id
    }

    /// Says good-bye to every node.
    pub fn stop(&mut self) {
        self.stopped = true;
        self.tell_all(&FromPeer::Bye(Bye {}));
        for attachment in std::mem::take(&mut self.attachments) {
            self.outputs.push_back(Output::Close(attachment.link));
        }
    }

    /// A stream to a node is open.
    pub fn linked(&mut self, link: LinkId, now: Now) {
        self.candidates.linked(&link.peer);
        let enough = self.staying().count() >= self.config.attachments;
        let twice = self
            .attachments
            .iter()
            .any(|attachment| attachment.link.peer == link.peer);
        if enough || twice || self.stopped {
            self.outputs.push_back(Output::Close(link));
            return;
        }
        self.attachments.push(Attachment {
            link,
            welcomed: false,
            leaving: false,
            greeted: now.instant,
            ahead: None,
            reassembly: Reassembly::default(),
            next_fragment: 0,
        });
        self.attachments
            .sort_by_key(|attachment| attachment.leaving);
        self.tell(
            link,
            &FromPeer::Hello(Hello {
                versions: vec![VERSION],
                network: self.config.network.clone(),
                agent: crate::node::AGENT.to_owned(),
                token: None,
            }),
        );
        self.attach(now);
    }

    /// A stream is over, or could not be opened.
    pub fn unlinked(&mut self, link: LinkId, now: Now) {
        let now = self.time.at(now);
        let Some(position) = self
            .attachments
            .iter()
            .position(|attachment| attachment.link == link)
        else {
            return self.failed(&link.peer, now);
        };
        let ended = self.attachments.remove(position);
        self.envelopes.forget(link);
        self.candidates.postpone(&link.peer, now);
        if ended.welcomed {
            self.rooms.forget_node(&link.peer);
            self.outputs
                .push_back(Output::Event(Event::Detached(link.peer)));
            self.announce_all(now);
        }
        self.attach(now);
    }

    /// A dial has failed.
    pub fn failed(&mut self, node: &PeerId, now: Now) {
        self.candidates.postpone(node, now);
        self.attach(now);
    }

    /// A frame arrived. After an error the link is to be ended.
    pub fn received(&mut self, link: LinkId, frame: &[u8], now: Now) -> Result<(), Malformed> {
        let now = self.time.at(now);
        let message: FromNode = cbor::decode("message", frame, limits::ATTACH_FRAME)?;
        self.message(link, message, now)
    }

    /// When [`State::expired`] wants to be called.
    pub fn deadline(&self) -> Option<Instant> {
        let dial = self
            .candidates
            .deadline(self.lacking(), &self.linked_nodes());
        dial.into_iter().chain(self.envelopes.deadline()).min()
    }

    /// The deadline has passed.
    pub fn expired(&mut self, now: Now) {
        let now = self.time.at(now);
        let (again, lost) = self.envelopes.expired(now);
        for carried in again {
            self.carry_by_all(&carried);
        }
        for lost in lost {
            if let Some(word) = lost.word {
                self.heed(word, Missed::Peer(lost.to), now);
            }
            self.outputs
                .push_back(Output::Event(Event::Unreachable(lost.id)));
        }
        self.attach(now);
    }

    /// Renews records that have lived half of their life. To be called now and then: every
    /// minute will do.
    pub fn renew(&mut self, now: Now) {
        let now = self.time.at(now);
        for room in self.rooms.due(now) {
            self.announce(&room, now);
        }
        for (cid, id) in self.provided.clone() {
            self.announce_resource(&cid, id, now);
        }
    }

    /// The next thing to do.
    pub fn output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn message(&mut self, link: LinkId, message: FromNode, now: Now) -> Result<(), Malformed> {
        let Some(attachment) = self
            .attachments
            .iter_mut()
            .find(|attachment| attachment.link == link)
        else {
            return Ok(());
        };
        match message {
            FromNode::Fragment(piece) => {
                if let Some(whole) = attachment.reassembly.push(&piece)? {
                    let message: FromNode = cbor::decode("message", &whole, limits::MESSAGE)?;
                    if !matches!(message, FromNode::Fragment(_)) {
                        return self.message(link, message, now);
                    }
                }
            }
            FromNode::Welcome(welcome) => {
                let again = std::mem::replace(&mut attachment.welcomed, true);
                let now = self.set_time(link, welcome.time, now);
                if again {
                    return Ok(());
                }
                self.candidates
                    .learn_records(&welcome.nodes, &self.config.network, now);
                self.outputs
                    .push_back(Output::Event(Event::Attached(link.peer)));
                self.announce_all(now);
                self.part();
                self.attach(now);
            }
            FromNode::Snapshot(snapshot) => {
                let changes =
                    self.rooms
                        .snapshot(link.peer, &snapshot.room, &snapshot.records, now);
                self.report(&snapshot.room, changes);
            }
            FromNode::Presence(presence) => {
                let changes = self.rooms.changed(
                    link.peer,
                    &presence.room,
                    &presence.records,
                    &presence.gone,
                    &presence.leaves,
                    now,
                );
                self.report(&presence.room, changes);
            }
            FromNode::Carry(carried) => self.open(link, &carried, now),
            FromNode::Providers(providers) => {
                let Some(cid) = self.locating.get(&providers.id).cloned() else {
                    return Ok(());
                };
                if providers.last {
                    self.locating.remove(&providers.id);
                }
                let room = resource_room(&cid);
                let records = providers
                    .records
                    .iter()
                    .filter_map(|record| Signed::<PresenceRecord>::verify(record).ok())
                    .filter(|record| record.room == room)
                    .collect();
                self.outputs.push_back(Output::Event(Event::Providers {
                    id: providers.id,
                    records,
                    last: providers.last,
                }));
            }
            FromNode::Done(done) => {
                self.outputs
                    .push_back(Output::Event(Event::Provided(done.id)));
            }
            FromNode::Refused(refusal) => {
                if let Some(id) = refusal.id {
                    self.locating.remove(&id);
                }
                self.outputs
                    .push_back(Output::Event(Event::Refused(refusal)));
            }
            FromNode::Ping(beat) => self.tell(link, &FromPeer::Pong(beat)),
            FromNode::GoAway(away) => {
                self.candidates
                    .learn_records(&away.nodes, &self.config.network, now);
                self.candidates.postpone(&link.peer, now);
                self.tell(link, &FromPeer::Bye(Bye {}));
                self.outputs.push_back(Output::Close(link));
            }
            // The retry over the next path is due soon anyway.
            FromNode::Undelivered(_) => {}
        }
        Ok(())
    }

    fn open(&mut self, link: LinkId, carried: &Carried, now: Now) {
        let rooms = &self.rooms;
        let known = |peer: &PeerId| rooms.member(&carried.room, peer).cloned();
        let Some(opened) = self.envelopes.open(carried, known, now) else {
            return;
        };
        if let Some(ack) = opened.ack {
            if opened.again {
                // The ack was lost, or is slower than the sender's patience.
                self.carry_by_all(&ack);
            } else {
                self.tell(link, &FromPeer::Carry(ack));
            }
        }
        if opened.again {
            return;
        }
        let event = match opened.kind {
            Kind::Ack(id) => {
                let Some(word) = self.envelopes.acknowledged(&id, now) else {
                    return;
                };
                if let Some(word) = word {
                    self.heed(word, Missed::Envelope(*id), now);
                }
                Event::Delivered(id)
            }
            Kind::Message(bytes) => Event::Message {
                from: opened.from,
                room: opened.room,
                bytes: bytes.into_vec(),
            },
            _ => return,
        };
        self.outputs.push_back(Output::Event(event));
    }

    fn report(&mut self, room: &str, changes: Vec<Change>) {
        for change in changes {
            let event = match change {
                Change::Joined(record) => Event::Joined(record),
                Change::Left(peer) => Event::Left {
                    room: room.to_owned(),
                    peer,
                },
            };
            self.outputs.push_back(Output::Event(event));
        }
    }

    /// The attachment to send to a member by: the first whose node has it attached too, which
    /// saves a hop, or the primary.
    fn nearest(&self, to: &PresenceRecord) -> Option<LinkId> {
        let welcomed = || {
            self.attachments
                .iter()
                .filter(|attachment| attachment.welcomed)
        };
        welcomed()
            .find(|attachment| to.attach.contains(&attachment.link.peer))
            .or(welcomed().next())
            .map(|attachment| attachment.link)
    }

    fn carry_by_all(&mut self, carried: &Carried) {
        self.tell_all(&FromPeer::Carry(carried.clone()));
    }

    /// Takes to heart what an ack says of an attachment, or its absence: one that loses envelopes
    /// is replaced.
    fn heed(&mut self, word: Word, what: Missed, now: Now) {
        let Some(link) = self.envelopes.heed(word, what) else {
            return;
        };
        let until = now.instant + self.config.penalty;
        self.candidates.avoid(&link.peer, until);
        let attachment = self
            .attachments
            .iter_mut()
            .find(|attachment| attachment.link == link);
        if let Some(attachment) = attachment {
            tracing::debug!(node = %link.peer, "replaced: acks are missing");
            attachment.leaving = true;
        }
        self.attachments
            .sort_by_key(|attachment| attachment.leaving);
        self.attach(now);
    }

    /// Attachments that aren't to be replaced.
    fn staying(&self) -> impl Iterator<Item = &Attachment> {
        self.attachments
            .iter()
            .filter(|attachment| !attachment.leaving)
    }

    /// Ends the attachments in whose place others have come.
    fn part(&mut self) {
        let there = self.staying().filter(|attachment| attachment.welcomed);
        if there.count() < self.config.attachments {
            return;
        }
        let leaving: Vec<_> = self
            .attachments
            .iter()
            .filter(|attachment| attachment.leaving)
            .map(|attachment| attachment.link)
            .collect();
        for link in leaving {
            self.tell(link, &FromPeer::Bye(Bye {}));
            self.outputs.push_back(Output::Close(link));
        }
    }

    fn announce_all(&mut self, now: Now) {
        for room in self.rooms.names() {
            self.announce(&room, now);
        }
        for (cid, id) in self.provided.clone() {
            self.announce_resource(&cid, id, now);
        }
    }

    fn announce(&mut self, room: &str, now: Now) {
        let listed = self.listed();
        if listed.is_empty() {
            return;
        }
        let record = self.rooms.record(room, listed, now).to_wire();
        self.tell_all(&FromPeer::Join(Record { record }));
    }

    fn announce_resource(&mut self, cid: &str, id: u64, now: Now) {
        let listed = self.listed();
        if listed.is_empty() {
            return;
        }
        let record = self.rooms.record(&resource_room(cid), listed, now);
        let record = record.to_wire();
        self.tell_all(&FromPeer::Provide(Provide { id, record }));
    }

    /// The attachments that a record lists.
    fn listed(&self) -> Vec<PeerId> {
        let mut attached = self.attached();
        attached.truncate(limits::ATTACHMENTS);
        attached
    }

    fn primary(&self) -> Option<LinkId> {
        self.attachments
            .iter()
            .find(|attachment| attachment.welcomed)
            .map(|attachment| attachment.link)
    }

    fn tell_all(&mut self, message: &FromPeer) {
        let welcomed: Vec<_> = self
            .attachments
            .iter()
            .filter(|attachment| attachment.welcomed)
            .map(|attachment| attachment.link)
            .collect();
        for link in welcomed {
            self.tell(link, message);
        }
    }

    fn tell(&mut self, link: LinkId, message: &FromPeer) {
        let Some(attachment) = self
            .attachments
            .iter_mut()
            .find(|attachment| attachment.link == link)
        else {
            return;
        };
        let bytes = cbor::encode(message);
        if bytes.len() <= limits::FRAGMENT {
            self.outputs.push_back(Output::Send(link, bytes));
            return;
        }
        let id = attachment.next_fragment;
        attachment.next_fragment += 1;
        for piece in fragment::cut(id, &bytes) {
            let frame = cbor::encode(&FromPeer::Fragment(piece));
            self.outputs.push_back(Output::Send(link, frame));
        }
    }

    /// A node has said what time it is. `now` is the network's time as it was taken till then;
    /// what comes back is what it is taken for from now on.
    fn set_time(&mut self, link: LinkId, said: u64, now: Now) -> Now {
        let own = self.time.own(now);
        for attachment in &mut self.attachments {
            if attachment.link == link {
                let back = now.instant.saturating_duration_since(attachment.greeted) / 2;
                let there = said.saturating_add(u64::try_from(back.as_millis()).unwrap_or(0));
                let ahead = i128::from(there) - i128::from(own.millis);
                attachment.ahead = i64::try_from(ahead).ok();
            }
        }
        let ahead = self.attachments.iter();
        self.time
            .take_median(ahead.filter_map(|attachment| attachment.ahead));
        let now = self.time.at(own);
        self.rooms.begin(now);
        now
    }

    /// Attachments that there are too few of.
    fn lacking(&self) -> usize {
        match self.stopped {
            true => 0,
            false => self
                .config
                .attachments
                .saturating_sub(self.staying().count()),
        }
    }

    /// Dials as many nodes as attachments are missing.
    fn attach(&mut self, now: Now) {
        let linked = self.linked_nodes();
        let due = self.candidates.dial(self.lacking(), &linked, now);
        let dials = due.into_iter();
        self.outputs
            .extend(dials.map(|(node, addresses)| Output::Dial(node, addresses)));
    }

    fn linked_nodes(&self) -> Vec<PeerId> {
        let links = self.attachments.iter();
        links.map(|attachment| attachment.link.peer).collect()
    }

    fn request(&mut self) -> u64 {
        self.next_request += 1;
        self.next_request
    }
}

fn resource_room(cid: &str) -> String {
    format!("{}{cid}", crate::node::attach::RESOURCE_ROOM)
}
