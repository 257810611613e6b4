use std::collections::{HashMap, HashSet};

use libp2p::PeerId;
use serde::Serialize;

use super::{
    Config, check,
    desk::Desk,
    entry::Merged,
    memory::Memory,
    neighbours::Neighbours,
    served::{Served, sign_detached},
    timers::Timer,
    topic::Topic,
};
use crate::{
    clock::Now,
    identity::Identity,
    node::{Budget, Denied, Leftovers, Verdict, link::Output},
    wire::{
        Signed,
        presence::{Changes, Leave, PresenceRecord},
    },
};

/// The rules of presence. What attached peers and the rest of the node say comes in by the
/// methods here; what neighbours say over their links by
/// [`StateMachine`](crate::node::link::StateMachine).
pub struct State {
    pub(super) desk: Desk,
    pub(super) rooms: HashMap<Topic, Served>,
    pub(super) neighbours: Neighbours,
    pub(super) memory: Memory,
    /// What attached peers may join, made with their first room.
    joins: HashMap<PeerId, Budget>,
    /// What is left of it of those that are gone.
    left: Leftovers<Budget>,
    /// Nodes that may still be looked for because a peer's whereabouts are in doubt.
    pub(super) doubts: Option<Budget>,
}

/// Counts for the status page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Rooms served.
    pub rooms: usize,
    /// Those of them that are big: their members aren't all known here.
    pub big_rooms: usize,
    /// Members of these rooms, each counted once per room; those of big rooms as their nodes
    /// say.
    pub members: usize,
    /// Those of them that are attached here.
    pub local_members: usize,
    /// Records kept, those of gone peers and nodes' counts included.
    pub records: usize,
    /// Records and leaves of gone peers, kept so that they stay gone.
    pub tombstones: usize,
    /// Links to other nodes.
    pub links: usize,
    /// Digests sent to neighbours since the start.
    pub digests_sent: u64,
    /// Digests received from neighbours since the start.
    pub digests_received: u64,
    /// Digests that differed and were answered.
    pub differences_sent: u64,
    /// Signed messages sent to neighbours, gossip not counted.
    pub messages_sent: u64,
    /// Gossip messages published.
    pub gossip_published: u64,
    /// Gossip messages that held something new.
    pub gossip_accepted: u64,
    /// Gossip messages with a bad signature or encoding.
    pub gossip_rejected: u64,
    /// Times that a lost node was presumed dead.
    pub nodes_presumed_dead: u64,
}

impl State {
    /// A node that serves no room yet.
    pub fn new(config: Config, identity: Identity, network: String) -> Self {
        State {
            left: Leftovers::new(config.max_left),
            joins: HashMap::new(),
            doubts: None,
            desk: Desk::new(config, identity, network),
            rooms: HashMap::new(),
            neighbours: Neighbours::default(),
            memory: Memory::default(),
        }
    }

    /// An attached peer is in a room: its first record, or a newer one. The first is answered
    /// with a snapshot.
    ///
    /// # Errors
    /// `quota` past a bound of [`Config`]; `expired` where the record is over, from the future,
    /// or void already (the peer has left, or its attachment here has ended, after it was
    /// signed): a newly signed one is welcome. `network` and `denied` where the record isn't for
    /// this network or node.
    pub fn join(&mut self, record: Signed<PresenceRecord>, now: Now) -> Result<(), Denied> {
        let topic = Topic::of(&self.desk.network, &record.room);
        self.admit(topic, &record, now)?;
        let peer = record.peer;
        self.pay(topic, peer, now)?;
        let opened = !self.rooms.contains_key(&topic);
        if opened {
            self.open(topic, &record.room, now)?;
        }
        let node = self.desk.node();
        let desk = &mut self.desk;
        let Some(served) = self.rooms.get_mut(&topic) else {
            return Ok(());
        };
        let merged = served.room.join(&record, now, &desk.config);
        let first = served.local.insert(peer);
        desk.locals.entry(peer).or_default().insert(topic);
        desk.timers.cancel(Timer::Close(topic));
        if first {
            served.snapshot(peer, desk);
        }
        if first || merged == Merged::New {
            let rank = served.room.get(&peer).map_or(0, |entry| entry.rank(&node));
            served.publish_said(peer, rank, desk, now);
        }
        served.settle(desk, now);
        if opened {
            self.greet(topic, now);
        }
        Ok(())
    }

    /// Whether an attached peer may be in a room by this record.
    fn admit(&self, topic: Topic, record: &PresenceRecord, now: Now) -> Result<(), Denied> {
        let config = &self.desk.config;
        let node = self.desk.node();
        if record.network != self.desk.network {
            let text = format!("this node serves network {}", self.desk.network);
            return Err(Denied::new("network", text));
        }
        if !record.attach.contains(&node) {
            let text = format!("the record doesn't list this node: add {node} to `attach`");
            return Err(Denied::new("denied", text));
        }
        if !check::is_timely(record, now) {
            let text =
                "the record is over or from the future: set the clock by `welcome`, sign anew";
            return Err(Denied::new("expired", text));
        }
        let rooms = self.desk.locals.get(&record.peer);
        if rooms.is_some_and(|rooms| {
            rooms.len() >= config.max_rooms_per_peer && !rooms.contains(&topic)
        }) {
            let most = config.max_rooms_per_peer;
            let text = format!("a peer may be in {most} rooms on this node: leave one first");
            return Err(Denied::new("quota", text));
        }
        let Some(served) = self.rooms.get(&topic) else {
            return Ok(());
        };
        if served.name != record.room {
            let text = "this node serves another room of the same topic: choose another name";
            return Err(Denied::new("denied", text));
        }
        if served.local.len() >= config.max_local && !served.local.contains(&record.peer) {
            let most = config.max_local;
            let text = format!("the room has {most} members on this node: attach to another node");
            return Err(Denied::new("quota", text));
        }
        let void = served.room.get(&record.peer);
        if void.is_some_and(|entry| entry.refuses(record.seq, &node)) {
            let text = "the record is void or replaced: sign it anew with a higher `seq`";
            return Err(Denied::new("expired", text));
        }
        Ok(())
    }

    /// Takes what it costs to let a peer into a room from what that may cost.
    fn pay(&mut self, topic: Topic, peer: PeerId, now: Now) -> Result<(), Denied> {
        let rate = self.desk.config.joins;
        let served = self.rooms.get(&topic);
        if served.is_some_and(|served| served.local.contains(&peer)) {
            return Ok(());
        }
        let left = &mut self.left;
        let budget = self.joins.entry(peer).or_insert_with(|| {
            left.take(&peer, now)
                .unwrap_or_else(|| Budget::new(rate, now))
        });
        if budget.take(1, now) {
            return Ok(());
        }
        let most = rate.per_second;
        let text = format!("a peer may come to {most} rooms a second: wait");
        Err(Denied::new("quota", text))
    }

    /// Starts to serve a room.
    fn open(&mut self, topic: Topic, room: &str, now: Now) -> Result<(), Denied> {
        let most = self.desk.config.max_rooms;
        if self.rooms.len() >= most {
            let idle = self.rooms.values().find(|served| served.local.is_empty());
            let Some(idle) = idle.map(|served| served.topic) else {
                let text = format!("this node serves {most} rooms: attach to another node");
                return Err(Denied::new("quota", text));
            };
            self.close(&idle);
        }
        let served = Served::open(room.to_owned(), topic, &mut self.desk, now);
        self.rooms.insert(topic, served);
        Ok(())
    }

    /// Stops serving a room.
    pub(super) fn close(&mut self, topic: &Topic) {
        let Some(served) = self.rooms.remove(topic) else {
            return;
        };
        let config = &self.desk.config;
        let nodes = served.nodes.remembered(config.max_remembered_nodes);
        self.memory.keep(*topic, served.name.clone(), nodes, config);
        served.close(&mut self.desk);
    }

    /// An attached peer has left a room.
    pub fn leave(&mut self, leave: Signed<Leave>, now: Now) {
        let topic = Topic::of(&self.desk.network, &leave.room);
        let node = self.desk.node();
        let desk = &mut self.desk;
        let Some(served) = self.rooms.get_mut(&topic) else {
            return;
        };
        if served.name != leave.room || desk.network != leave.network {
            return;
        }
        let rank = served
            .room
            .get(&leave.peer)
            .map_or(0, |entry| entry.rank(&node));
        let merged = served.room.leave(&leave, usize::MAX, now, &desk.config);
        if merged == Merged::New {
            served.publish_said(leave.peer, rank, desk, now);
        }
        served.settle(desk, now);
    }

    /// Forgets those who are gone and whose budgets have filled up.
    pub fn forget_gone(&mut self, now: Now) {
        self.left.forget(now);
    }

    /// A peer's attachment here has ended without a leave. Where nothing else holds it in a
    /// room, it is gone from there; where another attachment does, that one is used from now on.
    pub fn detached(&mut self, peer: PeerId, now: Now) {
        let node = self.desk.node();
        if let Some(budget) = self.joins.remove(&peer) {
            self.left.put(peer, budget);
        }
        let desk = &mut self.desk;
        let topics = desk.locals.remove(&peer).unwrap_or_default();
        let mut listed = Vec::new();
        let mut seq = 0;
        for topic in &topics {
            let Some(served) = self.rooms.get_mut(topic) else {
                continue;
            };
            served.part(peer, desk, now);
            let entry = served
                .room
                .get(&peer)
                .filter(|entry| entry.is_attached_to(&node));
            if let Some(record) = entry.and_then(|entry| entry.record()) {
                seq = seq.max(record.seq);
                listed.push(*topic);
            }
        }
        if !listed.is_empty() {
            let detached = sign_detached(desk, peer, seq);
            for topic in &listed {
                if let Some(served) = self.rooms.get_mut(topic) {
                    served.disown(&detached, desk, now);
                }
            }
        }
        for topic in &topics {
            if let Some(served) = self.rooms.get_mut(topic) {
                served.settle(desk, now);
            }
        }
    }

    /// An attached peer wants a room's snapshot again.
    pub fn resync(&mut self, peer: PeerId, room: &str, _now: Now) {
        let topic = Topic::of(&self.desk.network, room);
        if let Some(served) = self.rooms.get_mut(&topic) {
            served.snapshot(peer, &mut self.desk);
        }
    }

    /// Gossip arrived on a room's topic.
    pub fn gossip(&mut self, topic: &str, changes: Changes, now: Now) -> Verdict {
        let desk = &mut self.desk;
        let served = Topic::parse(topic).and_then(|topic| self.rooms.get_mut(&topic));
        let Some(served) = served else {
            return Verdict::Ignore;
        };
        let verified = check::verify(&changes, &desk.network, &served.name, Some(&served.room));
        let batch = match verified {
            Ok(batch) => batch,
            Err(malformed) => {
                tracing::debug!(room = %served.name, %malformed, "gossip rejected");
                desk.counts.gossip_rejected += 1;
                return Verdict::Reject;
            }
        };
        let applied = served.apply(batch, desk, now);
        for peer in applied.confirmed {
            served.seen_gossiped(peer, desk);
        }
        served.settle(desk, now);
        if applied.new == 0 {
            return Verdict::Ignore;
        }
        desk.counts.gossip_accepted += 1;
        Verdict::Accept
    }

    /// The DHT's answer to [`Event::Seek`](super::Event::Seek): up to four nodes that aren't
    /// linked yet are dialed, in the order given; where the room has neighbours enough, now and
    /// then one at random.
    pub fn room_nodes(&mut self, room: &str, nodes: &[PeerId], now: Now) {
        let topic = Topic::of(&self.desk.network, room);
        self.try_nodes(topic, nodes, now);
    }

    /// A neighbour subscribes to a topic.
    pub fn subscribed(&mut self, node: PeerId, topic: &str, now: Now) {
        let Some(topic) = Topic::parse(topic) else {
            return;
        };
        self.neighbours.subscribe(node, topic, &self.desk.config);
        self.meet(topic, node, now);
    }

    /// A neighbour no longer subscribes to a topic.
    pub fn unsubscribed(&mut self, node: PeerId, topic: &str, _now: Now) {
        if let Some(topic) = Topic::parse(topic) {
            self.neighbours.unsubscribe(&node, &topic);
            if let Some(served) = self.rooms.get_mut(&topic) {
                served.nodes.remove(&node);
            }
        }
    }

    /// The room of a topic, if it is served here.
    pub fn room_of_topic(&self, topic: &str) -> Option<&str> {
        let served = self.rooms.get(&Topic::parse(topic)?)?;
        Some(&served.name)
    }

    /// A room's topic: `v1/` and 20 letters.
    pub fn topic(network: &str, room: &str) -> String {
        Topic::of(network, room).to_string()
    }

    /// The nodes that a member of a room is attached to, in rank order; none if the room isn't
    /// served here or the peer isn't in it.
    pub fn attachments_of(&self, room: &str, peer: &PeerId) -> Vec<PeerId> {
        let served = self.rooms.get(&Topic::of(&self.desk.network, room));
        let entry = served.and_then(|served| served.room.get(peer));
        entry
            .map(|entry| entry.attachments().copied().collect())
            .unwrap_or_default()
    }

    /// Members of a room, as far as this node knows: 0 where it doesn't serve it.
    pub fn size(&self, room: &str) -> usize {
        self.rooms
            .get(&Topic::of(&self.desk.network, room))
            .map_or(0, |served| served.room.size())
    }

    /// Linked nodes that serve a room of this node, up to [`Config::room_links`] of each room:
    /// connections not to cut.
    pub fn room_nodes_known(&self) -> impl Iterator<Item = PeerId> + use<> {
        let links = self.desk.config.room_links;
        let rooms = self.rooms.values();
        let nodes: HashSet<_> = rooms
            .flat_map(|served| served.nodes.eldest(links))
            .collect();
        nodes.into_iter()
    }

    /// The nodes of each room, to keep on disk.
    pub fn remembered(&self) -> Vec<(String, Vec<PeerId>)> {
        let most = self.desk.config.max_remembered_nodes;
        let served = self
            .rooms
            .values()
            .map(|served| (served.name.clone(), served.nodes.remembered(most)));
        let served = served.filter(|(_, nodes)| !nodes.is_empty());
        self.memory.all().chain(served).collect()
    }

    /// What [`State::remembered`] gave before a restart: asked first when a room opens.
    pub fn remember(&mut self, rooms: impl IntoIterator<Item = (String, Vec<PeerId>)>) {
        for (room, nodes) in rooms {
            let topic = Topic::of(&self.desk.network, &room);
            self.memory.keep(topic, room, nodes, &self.desk.config);
        }
    }

    /// Counts for the status page.
    pub fn summary(&self) -> Summary {
        let counts = &self.desk.counts;
        let rooms = || self.rooms.values();
        Summary {
            rooms: self.rooms.len(),
            big_rooms: rooms().filter(|served| served.room.is_big()).count(),
            members: rooms().map(|served| served.room.size()).sum(),
            local_members: rooms().map(|served| served.local.len()).sum(),
            records: self.desk.entries,
            tombstones: rooms().map(|served| served.room.tombstones()).sum(),
            links: self.neighbours.linked(),
            digests_sent: counts.digests_sent,
            digests_received: counts.digests_received,
            differences_sent: counts.differences_sent,
            messages_sent: counts.messages_sent,
            gossip_published: counts.gossip_published,
            gossip_accepted: counts.gossip_accepted,
            gossip_rejected: counts.gossip_rejected,
            nodes_presumed_dead: counts.nodes_presumed_dead,
        }
    }

    pub(super) fn dial(&mut self, node: PeerId, now: Now) -> bool {
        let dial = node != self.desk.node() && self.neighbours.dial(node, now, &self.desk.config);
        if dial {
            self.desk.out.push_back(Output::Dial(node));
        }
        dial
    }
}
