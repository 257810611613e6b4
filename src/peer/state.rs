//! A native peer's rules: events and the present time in, frames and events out.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    time::Duration,
};

use libp2p::{Multiaddr, PeerId, multiaddr::Protocol};
use web_time::Instant;

use super::{
    Config,
    envelopes::{Envelopes, Missed, Word},
    rooms::{Change, Rooms},
};
use crate::{
    clock::Now,
    identity::Identity,
    node::link::LinkId,
    wire::{
        Bytes, Malformed, Signed, VERSION,
        attach::{Bye, FromNode, FromPeer, Hello, Locate, Provide, Record, Refusal},
        cbor,
        envelope::{EnvelopeId, Kind},
        fragment::{self, Reassembly},
        limits,
        node_record::NodeRecord,
        presence::PresenceRecord,
        seal::SealingKey,
        signal::Carried,
    },
};

/// How long a dial is waited for until another node is dialed beside it. To the dead, a dial
/// takes 5 to 10 s.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// How long after a failed dial a node is tried again; doubled by each further one, to 10 s.
const RETRY: Duration = Duration::from_millis(500);
const MAX_RETRY: Duration = Duration::from_secs(10);
/// Nodes that are remembered.
const MAX_NODES: usize = 64;

/// What a peer sees happen.
#[derive(Debug, Clone)]
pub enum Event {
    /// An attachment stands.
    Attached(PeerId),
    /// An attachment has ended.
    Detached(PeerId),
    /// A member of a room appeared.
    Joined(Signed<PresenceRecord>),
    /// A member of a room is gone.
    Left {
        /// The room.
        room: String,
        /// Who.
        peer: PeerId,
    },
    /// A member sent something.
    Message {
        /// Who, proved by signature.
        from: PeerId,
        /// In which room.
        room: String,
        /// What.
        bytes: Vec<u8>,
    },
    /// The receiver has acknowledged an envelope.
    Delivered(EnvelopeId),
    /// An envelope's receiver can't be reached.
    Unreachable(EnvelopeId),
    /// Providers of a resource.
    Providers {
        /// The number that [`State::locate`] gave.
        id: u64,
        /// Verified records in the resource's pseudo-room.
        records: Vec<Signed<PresenceRecord>>,
        /// Nothing more will come from this node.
        last: bool,
    },
    /// A resource is announced.
    Provided(u64),
    /// A node has refused something.
    Refused(Refusal),
}

/// What the driver has to do.
#[derive(Debug)]
pub enum Output {
    /// Dial a node.
    Dial(PeerId, Vec<Multiaddr>),
    /// Send a frame.
    Send(LinkId, Vec<u8>),
    /// End a link.
    Close(LinkId),
    /// Tell the application.
    Event(Event),
}

/// Why something can't be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The receiver isn't a known member of the room.
    #[error("that peer isn't a member of the room: wait until it joins")]
    NoMember,
    /// Too much is under way.
    #[error("too many envelopes wait for their acks: wait for some of them")]
    Full,
}

struct Candidate {
    node: PeerId,
    addresses: Vec<Multiaddr>,
    failures: u32,
    /// When it may be dialed (again).
    next: Instant,
    /// Until when it is dialed only if nobody else is there.
    avoided: Option<Instant>,
    /// Since when it is being dialed.
    dialing: Option<Instant>,
}

struct Attachment {
    link: LinkId,
    welcomed: bool,
    /// It ends as soon as there is another in its place.
    leaving: bool,
    /// When hello was sent.
    greeted: Instant,
    /// How far its node's clock is ahead of this peer's, in ms.
    offset: Option<i64>,
    reassembly: Reassembly,
    next_fragment: u64,
}

/// A peer's state.
pub struct State {
    config: Config,
    rooms: Rooms,
    envelopes: Envelopes,
    candidates: Vec<Candidate>,
    /// In rank order: the first is the primary. Those that are to be replaced come last.
    attachments: Vec<Attachment>,
    /// How far the network's time is ahead of this peer's clock, in ms: the median of its nodes.
    offset: i64,
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
            candidates: Vec::new(),
            attachments: Vec::new(),
            offset: 0,
            provided: BTreeMap::new(),
            locating: HashMap::new(),
            next_request: 0,
            outputs: VecDeque::new(),
            stopped: false,
            config,
        };
        for address in state.config.nodes.clone() {
            if let Some(Protocol::P2p(node)) = address.iter().last() {
                state.learn(node, vec![address], now);
            }
        }
        state.attach(now);
        state
    }

    /// Enters a room, or changes the metadata there.
    pub fn join(&mut self, room: &str, meta: Vec<u8>, now: Now) {
        let now = self.network_time(now);
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
        let now = self.network_time(now);
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
        let now = self.network_time(now);
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
        if let Some(candidate) = self.candidate(&link.peer) {
            candidate.dialing = None;
            candidate.failures = 0;
        }
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
            offset: None,
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
        let now = self.network_time(now);
        let Some(position) = self
            .attachments
            .iter()
            .position(|attachment| attachment.link == link)
        else {
            return self.failed(&link.peer, now);
        };
        let ended = self.attachments.remove(position);
        self.envelopes.forget(link);
        self.postpone(&link.peer, now);
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
        self.postpone(node, now);
        self.attach(now);
    }

    /// A frame arrived. After an error the link is to be ended.
    pub fn received(&mut self, link: LinkId, frame: &[u8], now: Now) -> Result<(), Malformed> {
        let now = self.network_time(now);
        let message: FromNode = cbor::decode("message", frame, limits::ATTACH_FRAME)?;
        self.message(link, message, now)
    }

    /// When [`State::expired`] wants to be called.
    pub fn deadline(&self) -> Option<Instant> {
        let lacking = self.lacking();
        let dial = (lacking > 0)
            .then(|| {
                self.candidates
                    .iter()
                    .filter(|candidate| {
                        candidate.dialing.is_none() && !self.is_linked(&candidate.node)
                    })
                    .map(|candidate| match candidate.avoided {
                        Some(until) if !self.attachments.is_empty() => candidate.next.max(until),
                        _ => candidate.next,
                    })
                    .min()
            })
            .flatten()
            .map(|next| next.max(self.impatient(lacking).unwrap_or(next)));
        dial.into_iter().chain(self.envelopes.deadline()).min()
    }

    /// The deadline has passed.
    pub fn expired(&mut self, now: Now) {
        let now = self.network_time(now);
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
        let now = self.network_time(now);
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
                attachment.welcomed = true;
                let now = self.set_time(link, welcome.time, now);
                self.learn_records(&welcome.nodes, now);
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
                self.learn_records(&away.nodes, now);
                self.postpone(&link.peer, now);
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
        let penalty = self.config.penalty;
        if let Some(candidate) = self.candidate(&link.peer) {
            candidate.avoided = Some(now.instant + penalty);
        }
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

    /// Expiries that others read are in the network's time, of which a peer's clock may be far
    /// off.
    fn network_time(&self, now: Now) -> Now {
        Now {
            millis: now.millis.saturating_add_signed(self.offset),
            ..now
        }
    }

    /// A node has said what time it is. `now` is the network's time as it was taken till then;
    /// what comes back is what it is taken for from now on.
    fn set_time(&mut self, link: LinkId, time: u64, now: Now) -> Now {
        let own = now.millis.saturating_add_signed(-self.offset);
        for attachment in &mut self.attachments {
            if attachment.link == link {
                let back = now.instant.saturating_duration_since(attachment.greeted) / 2;
                let time = time.saturating_add(u64::try_from(back.as_millis()).unwrap_or(0));
                let offset = i128::from(time) - i128::from(own);
                attachment.offset = i64::try_from(offset).ok();
            }
        }
        let mut offsets: Vec<_> = self
            .attachments
            .iter()
            .filter_map(|attachment| attachment.offset)
            .collect();
        offsets.sort_unstable();
        if let Some(median) = offsets.get(offsets.len() / 2) {
            self.offset = *median;
        }
        let now = Now {
            millis: own.saturating_add_signed(self.offset),
            ..now
        };
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

    /// When the dials under way have taken too long for as many attachments as are lacking: from
    /// then on others are dialed beside them. At once if there are too few dials.
    fn impatient(&self, lacking: usize) -> Option<Instant> {
        let mut until: Vec<_> = self
            .candidates
            .iter()
            .filter_map(|candidate| candidate.dialing)
            .map(|since| since + PATIENCE)
            .collect();
        until.sort_unstable_by(|a, b| b.cmp(a));
        until.get(lacking.checked_sub(1)?).copied()
    }

    /// Attachments for which a node is to be dialed now.
    fn missing(&self, now: Now) -> usize {
        let hopeful = self
            .candidates
            .iter()
            .filter_map(|candidate| candidate.dialing)
            .filter(|since| *since + PATIENCE > now.instant)
            .count();
        self.lacking().saturating_sub(hopeful)
    }

    /// Dials as many nodes as attachments are missing.
    fn attach(&mut self, now: Now) {
        let missing = self.missing(now);
        let linked: Vec<_> = self
            .attachments
            .iter()
            .map(|attachment| attachment.link.peer)
            .collect();
        let mut due: Vec<_> = self
            .candidates
            .iter_mut()
            .filter(|candidate| {
                let avoided = candidate.avoided.is_some_and(|until| until > now.instant);
                candidate.dialing.is_none()
                    && candidate.next <= now.instant
                    && (!avoided || linked.is_empty())
                    && !linked.contains(&candidate.node)
            })
            .collect();
        due.sort_by_key(|candidate| candidate.failures);
        for candidate in due.into_iter().take(missing) {
            candidate.dialing = Some(now.instant);
            self.outputs
                .push_back(Output::Dial(candidate.node, candidate.addresses.clone()));
        }
    }

    fn is_linked(&self, node: &PeerId) -> bool {
        self.attachments
            .iter()
            .any(|attachment| attachment.link.peer == *node)
    }

    fn postpone(&mut self, node: &PeerId, now: Now) {
        if let Some(candidate) = self.candidate(node) {
            candidate.dialing = None;
            candidate.next =
                now.instant + (RETRY * (1 << candidate.failures.min(5))).min(MAX_RETRY);
            candidate.failures += 1;
        }
    }

    fn candidate(&mut self, node: &PeerId) -> Option<&mut Candidate> {
        self.candidates
            .iter_mut()
            .find(|candidate| candidate.node == *node)
    }

    fn learn_records(&mut self, records: &[Bytes], now: Now) {
        for record in records {
            let Ok(record) = Signed::<NodeRecord>::verify(record) else {
                continue;
            };
            if record.network != self.config.network || record.expires < now.millis {
                continue;
            }
            let addresses = record
                .addrs
                .iter()
                .filter_map(|text| text.parse::<Multiaddr>().ok())
                .filter(|address| {
                    !address
                        .iter()
                        .any(|part| matches!(part, Protocol::Ws(_) | Protocol::Wss(_)))
                })
                .collect();
            self.learn(record.node, addresses, now);
        }
    }

    fn learn(&mut self, node: PeerId, addresses: Vec<Multiaddr>, now: Now) {
        if addresses.is_empty() {
            return;
        }
        if let Some(candidate) = self.candidate(&node) {
            candidate.addresses.extend(addresses);
            candidate.addresses.sort_unstable();
            candidate.addresses.dedup();
            candidate.addresses.truncate(limits::NODE_ADDRESSES);
        } else if self.candidates.len() < MAX_NODES {
            self.candidates.push(Candidate {
                node,
                addresses,
                failures: 0,
                next: now.instant,
                avoided: None,
                dialing: None,
            });
        }
    }

    fn request(&mut self) -> u64 {
        self.next_request += 1;
        self.next_request
    }
}

fn resource_room(cid: &str) -> String {
    format!("{}{cid}", crate::node::attach::RESOURCE_ROOM)
}
