//! Many nodes in virtual time: links that delay, lose and end, gossip that is lost and
//! reordered, a DHT that knows who seeks a room, and peers that keep what they are told.

use std::collections::{BTreeMap, HashMap, HashSet};

use rand::{RngExt, SeedableRng, rngs::SmallRng};
use web_time::Instant;

use super::*;

/// How bad the weather is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weather {
    /// Part of gossip messages that are lost on each hop.
    pub gossip_loss: f64,
    /// Part of frames that a full queue drops.
    pub frame_loss: f64,
    /// Longest time that a message takes.
    pub delay: Duration,
}

pub(super) const FAIR: Weather = Weather {
    gossip_loss: 0.0,
    frame_loss: 0.0,
    delay: Duration::from_millis(80),
};

/// Bytes that gossipsub puts around data: publisher, signature, topic, sequence.
const GOSSIP_OVERHEAD: usize = 150;

enum Arrival {
    Frame {
        link: u64,
        from: usize,
        frame: Vec<u8>,
    },
    Gossip {
        from: usize,
        topic: String,
        data: Vec<u8>,
    },
    Subscribed {
        from: usize,
        topic: String,
        on: bool,
    },
    Linked {
        link: u64,
        other: usize,
    },
    DialFailed(PeerId),
    Found {
        room: String,
    },
}

struct Host {
    node: Node,
    up: bool,
    topics: HashSet<String>,
    seen: HashSet<Vec<u8>>,
    /// Which side of a split it is on.
    side: u8,
    links: BTreeMap<usize, u64>,
    deadline: Option<Instant>,
}

/// A peer, the nodes it is attached to, and what each of them has told it.
pub(super) struct Member {
    peer: Peer,
    at: Vec<usize>,
    /// Whether it is in the room.
    joined: bool,
    told: HashMap<usize, BTreeSet<PeerId>>,
}

impl Member {
    /// Whether it is in the room.
    pub fn is_in(&self) -> bool {
        self.joined
    }
}

pub(super) struct Simulation {
    start: Now,
    pub now: Now,
    hosts: Vec<Host>,
    pub members: Vec<Member>,
    queue: BTreeMap<(Instant, u64), (usize, Arrival)>,
    count: u64,
    /// When each host wants to be called.
    deadlines: BTreeSet<(Instant, usize)>,
    ids: HashMap<PeerId, usize>,
    /// When the last frame of a link arrives: they don't overtake each other.
    last: HashMap<(u64, usize), Instant>,
    seeking: HashMap<String, HashSet<usize>>,
    config: Config,
    /// Bytes of gossip and frames that have arrived at nodes.
    pub bytes: usize,
    pub weather: Weather,
    rng: SmallRng,
}

impl Simulation {
    /// `nodes` nodes and `peers` peers that don't know of each other.
    pub fn new(nodes: usize, peers: usize, seed: u64, weather: Weather) -> Self {
        Self::with(Config::default(), nodes, peers, seed, weather)
    }

    /// The same with other bounds.
    pub fn with(config: Config, nodes: usize, peers: usize, seed: u64, weather: Weather) -> Self {
        // Ten minutes into an hour: the sample of a big room turns as records come to expire in
        // the next one, which costs more for ten minutes.
        let now = Now {
            millis: 490_000 * 3_600_000 + 600_000,
            ..Now::read()
        };
        let mut rng = SmallRng::seed_from_u64(seed);
        let mut identity = || Identity::from_seed(rng.random());
        let hosts: Vec<_> = (0..nodes)
            .map(|_| Host {
                node: Node::of(identity(), config.clone()),
                up: true,
                topics: HashSet::new(),
                seen: HashSet::new(),
                side: 0,
                links: BTreeMap::new(),
                deadline: None,
            })
            .collect();
        let members: Vec<_> = (0..peers)
            .map(|_| Member {
                peer: Peer::of(identity(), now),
                at: Vec::new(),
                joined: false,
                told: HashMap::new(),
            })
            .collect();
        let hosts_ids = hosts.iter().map(|host: &Host| host.node.id());
        let members_ids = members.iter().map(|member: &Member| member.peer.id());
        let ids = hosts_ids.enumerate().chain(members_ids.enumerate());
        let ids = ids.map(|(at, id)| (id, at)).collect();
        Simulation {
            start: now,
            now,
            hosts,
            members,
            queue: BTreeMap::new(),
            count: 0,
            deadlines: BTreeSet::new(),
            ids,
            last: HashMap::new(),
            seeking: HashMap::new(),
            config,
            bytes: 0,
            weather,
            rng,
        }
    }

    fn host(&self, id: &PeerId) -> Option<usize> {
        let at = self.ids.get(id).copied()?;
        (self.hosts.get(at)?.node.id() == *id).then_some(at)
    }

    fn delay(&mut self) -> Duration {
        self.weather.delay.mul_f64(self.rng.random_range(0.1..1.0))
    }

    fn post(&mut self, to: usize, arrival: Arrival, delay: Duration) {
        let at = match &arrival {
            Arrival::Frame { link, .. } => {
                let at = self.now.instant + delay;
                let last = self.last.entry((*link, to)).or_insert(at);
                *last = at.max(*last);
                *last
            }
            _ => self.now.instant + delay,
        };
        self.count += 1;
        self.queue.insert((at, self.count), (to, arrival));
    }

    // What peers do.

    /// A peer joins, renews or moves: it tells all nodes that it is attached to.
    pub fn join(&mut self, member: usize, at: &[usize]) {
        let at: Vec<_> = at
            .iter()
            .copied()
            .filter(|host| self.hosts[*host].up)
            .collect();
        let before = std::mem::replace(&mut self.members[member].at, at.clone());
        let ids: Vec<_> = at.iter().map(|host| self.hosts[*host].node.id()).collect();
        if !ids.is_empty() {
            let record = self.members[member].peer.record(&ids, self.now);
            self.members[member].joined = true;
            for host in &at {
                let joined = self.hosts[*host].node.state.join(record.clone(), self.now);
                joined.expect("a fresh record is welcome");
                self.collect(*host);
            }
        }
        for host in before.into_iter().filter(|host| !at.contains(host)) {
            self.detach(member, host);
        }
    }

    /// Every member renews its record.
    pub fn renew(&mut self) {
        for member in 0..self.members.len() {
            if self.members[member].joined {
                self.join(member, &self.members[member].at.clone());
            }
        }
    }

    /// A peer leaves the room by all its attachments.
    pub fn leave(&mut self, member: usize) {
        if !std::mem::take(&mut self.members[member].joined) {
            return;
        }
        let leave = self.members[member].peer.leave();
        for host in self.members[member].at.clone() {
            self.hosts[host].node.state.leave(leave.clone(), self.now);
            self.collect(host);
            self.members[member].told.remove(&host);
        }
    }

    /// A tab crashes: its nodes notice.
    pub fn crash_peer(&mut self, member: usize) {
        for host in std::mem::take(&mut self.members[member].at) {
            self.detach(member, host);
        }
        self.members[member].joined = false;
    }

    fn detach(&mut self, member: usize, host: usize) {
        let id = self.members[member].peer.id();
        self.members[member].told.remove(&host);
        self.hosts[host].node.state.detached(id, self.now);
        self.collect(host);
    }

    // What becomes of nodes and links.

    /// Links two nodes, if the network allows it.
    pub fn link(&mut self, a: usize, b: usize) {
        let reachable =
            self.hosts[a].up && self.hosts[b].up && self.hosts[a].side == self.hosts[b].side;
        if a == b || !reachable || self.is_linked(a, b) {
            return;
        }
        self.count += 1;
        let link = self.count;
        for (to, other) in [(a, b), (b, a)] {
            self.hosts[to].links.insert(other, link);
            let delay = self.delay();
            self.post(to, Arrival::Linked { link, other }, delay);
            for topic in self.hosts[other].topics.clone() {
                let delay = self.delay();
                let arrival = Arrival::Subscribed {
                    from: other,
                    topic,
                    on: true,
                };
                self.post(to, arrival, delay);
            }
        }
    }

    /// Ends the link of two nodes.
    pub fn unlink(&mut self, a: usize, b: usize) {
        if !self.is_linked(a, b) {
            return;
        }
        self.hosts[a].links.remove(&b);
        self.hosts[b].links.remove(&a);
        for (to, other) in [(a, b), (b, a)] {
            if self.hosts[to].up {
                let id = self.hosts[other].node.id();
                self.hosts[to].node.state.unlinked(id, self.now);
                self.collect(to);
            }
        }
    }

    fn linked(&self, host: usize) -> Vec<usize> {
        self.hosts[host].links.keys().copied().collect()
    }

    fn is_linked(&self, a: usize, b: usize) -> bool {
        self.hosts[a].links.contains_key(&b)
    }

    /// Splits the network in two.
    pub fn split(&mut self, side: impl Fn(usize) -> bool) {
        for (i, host) in self.hosts.iter_mut().enumerate() {
            host.side = u8::from(side(i));
        }
        for a in 0..self.hosts.len() {
            for b in self.linked(a) {
                if self.hosts[a].side != self.hosts[b].side {
                    self.unlink(a, b);
                }
            }
        }
    }

    /// Makes it whole again.
    pub fn heal(&mut self) {
        self.hosts.iter_mut().for_each(|host| host.side = 0);
    }

    /// A node dies with everything that it knows.
    pub fn kill(&mut self, host: usize) {
        for other in self.linked(host) {
            self.unlink(host, other);
        }
        self.hosts[host].up = false;
        self.set_deadline(host);
        self.hosts[host].topics.clear();
        self.seeking.values_mut().for_each(|nodes| {
            nodes.remove(&host);
        });
        for member in &mut self.members {
            member.at.retain(|at| *at != host);
            member.told.remove(&host);
            member.joined &= !member.at.is_empty();
        }
    }

    /// It starts again, with its key.
    pub fn restart(&mut self, host: usize) {
        if !self.hosts[host].up {
            let identity = self.hosts[host].node.identity.clone();
            self.hosts[host].node = Node::of(identity, self.config.clone());
            self.hosts[host].seen.clear();
            self.hosts[host].up = true;
        }
    }

    // Time.

    /// Lets time pass.
    pub fn run(&mut self, time: Duration) {
        let until = self.now.after(time);
        loop {
            let arrival = self.queue.first_key_value().map(|((at, _), _)| *at);
            let timer = self.deadlines.first().copied();
            let next = arrival.into_iter().chain(timer.map(|(at, _)| at)).min();
            let Some(next) = next.filter(|at| *at <= until.instant) else {
                self.now = until;
                return;
            };
            let elapsed = next.saturating_duration_since(self.start.instant);
            let now = self.start.after(elapsed);
            if now.instant > self.now.instant {
                self.now = now;
            }
            match timer {
                Some((at, host)) if arrival.is_none_or(|arrival| at < arrival) => {
                    self.hosts[host].node.state.expired(self.now);
                    self.collect(host);
                }
                _ => {
                    if let Some((_, (to, arrival))) = self.queue.pop_first() {
                        self.arrive(to, arrival);
                    }
                }
            }
        }
    }

    fn arrive(&mut self, to: usize, arrival: Arrival) {
        if !self.hosts[to].up {
            return;
        }
        let now = self.now;
        match arrival {
            Arrival::Frame { link, from, frame } => {
                if self.hosts[to].links.get(&from) == Some(&link) {
                    self.bytes += frame.len();
                    let id = self.hosts[from].node.id();
                    let received = self.hosts[to].node.state.received(id, &frame, now);
                    received.expect("nodes speak the protocol");
                }
            }
            Arrival::Gossip { from, topic, data } => self.hear(to, from, topic, data),
            Arrival::Subscribed { from, topic, on } => {
                if self.is_linked(from, to) {
                    let id = self.hosts[from].node.id();
                    let state = &mut self.hosts[to].node.state;
                    if on {
                        state.subscribed(id, &topic, now);
                    } else {
                        state.unsubscribed(id, &topic, now);
                    }
                }
            }
            Arrival::Linked { link, other } => {
                if self.hosts[to].links.get(&other) == Some(&link) {
                    let id = self.hosts[other].node.id();
                    self.hosts[to].node.link(id, now);
                }
            }
            Arrival::DialFailed(node) => {
                let linked = self
                    .host(&node)
                    .is_some_and(|other| self.is_linked(to, other));
                if !linked {
                    self.hosts[to].node.state.unlinked(node, now);
                }
            }
            Arrival::Found { room } => {
                let nodes = self.seeking.get(&room).into_iter().flatten();
                let ids: Vec<_> = nodes.map(|host| self.hosts[*host].node.id()).collect();
                self.hosts[to].node.state.room_nodes(&room, &ids, now);
            }
        }
        self.collect(to);
    }

    fn hear(&mut self, to: usize, from: usize, topic: String, data: Vec<u8>) {
        self.bytes += data.len() + GOSSIP_OVERHEAD;
        if !self.hosts[to].topics.contains(&topic) || !self.hosts[to].seen.insert(data.clone()) {
            return;
        }
        let Gossip::Presence(changes) = cbor::decode("gossip", &data, GOSSIP).unwrap() else {
            return;
        };
        let verdict = self.hosts[to].node.state.gossip(&topic, changes, self.now);
        assert_ne!(verdict, Verdict::Reject, "no node here lies");
        if verdict == Verdict::Accept {
            self.spread(to, Some(from), topic, data);
        }
    }

    fn spread(&mut self, from: usize, except: Option<usize>, topic: String, data: Vec<u8>) {
        for to in self.linked(from) {
            let subscribed = self.hosts[to].topics.contains(&topic);
            let lost = self.rng.random_bool(self.weather.gossip_loss);
            if subscribed && Some(to) != except && !lost {
                let (topic, data) = (topic.clone(), data.clone());
                let delay = self.delay();
                self.post(to, Arrival::Gossip { from, topic, data }, delay);
            }
        }
    }

    /// Carries out what a node wants done.
    fn collect(&mut self, host: usize) {
        for output in self.hosts[host].node.outputs() {
            match output {
                Output::Send(to, frame) => self.send(host, &to, frame),
                Output::Dial(to) => self.dial(host, to),
                Output::Event(event) => self.event(host, event),
            }
        }
        self.set_deadline(host);
    }

    fn set_deadline(&mut self, host: usize) {
        let Host {
            node, up, deadline, ..
        } = &mut self.hosts[host];
        let next = node.state.deadline().filter(|_| *up);
        if let Some(before) = std::mem::replace(deadline, next) {
            self.deadlines.remove(&(before, host));
        }
        self.deadlines.extend(next.map(|at| (at, host)));
    }

    fn send(&mut self, from: usize, to: &PeerId, frame: Vec<u8>) {
        let Some(to) = self.host(to) else { return };
        let link = self.hosts[from].links.get(&to).copied();
        let Some(link) = link else { return };
        if !self.rng.random_bool(self.weather.frame_loss) {
            let delay = self.delay();
            self.post(to, Arrival::Frame { link, from, frame }, delay);
        }
    }

    fn dial(&mut self, from: usize, to: PeerId) {
        let other = self.host(&to).filter(|other| {
            self.hosts[*other].up && self.hosts[*other].side == self.hosts[from].side
        });
        match other {
            Some(other) => self.link(from, other),
            None => self.post(from, Arrival::DialFailed(to), secs(5)),
        }
    }

    fn event(&mut self, host: usize, event: Event) {
        match event {
            Event::Subscribe { topic } => {
                self.hosts[host].topics.insert(topic.clone());
                self.subscription(host, topic, true);
            }
            Event::Unsubscribe { topic } => {
                self.hosts[host].topics.remove(&topic);
                self.subscription(host, topic, false);
            }
            Event::Publish { topic, data } => {
                self.hosts[host].seen.insert(data.clone());
                self.spread(host, None, topic, data);
            }
            Event::Seek { room } => {
                self.seeking.entry(room.clone()).or_default().insert(host);
                let delay = self.delay() * 4;
                self.post(host, Arrival::Found { room }, delay);
            }
            Event::Unseek { room } => {
                if let Some(nodes) = self.seeking.get_mut(&room) {
                    nodes.remove(&host);
                }
            }
            Event::ToPeer { peer, message } => self.tell(host, peer, message),
        }
    }

    fn subscription(&mut self, from: usize, topic: String, on: bool) {
        for to in self.linked(from) {
            let topic = topic.clone();
            let delay = self.delay();
            self.post(to, Arrival::Subscribed { from, topic, on }, delay);
        }
    }

    fn tell(&mut self, host: usize, peer: PeerId, message: FromNode) {
        let member = &mut self.members[self.ids[&peer]];
        let told = member.told.entry(host).or_default();
        let (records, size) = match &message {
            FromNode::Snapshot(snapshot) => {
                told.clear();
                (&snapshot.records, snapshot.size)
            }
            FromNode::Presence(presence) => {
                presence.gone.iter().for_each(|gone| {
                    told.remove(gone);
                });
                (&presence.records, presence.size)
            }
            other => panic!("{other:?}"),
        };
        assert!(records.len() <= 64);
        assert!(size >= 1);
        told.extend(records.iter().map(peer_of));
    }

    // What is true.

    /// Who is in the room.
    pub fn truth(&self) -> BTreeSet<PeerId> {
        let joined = self.members.iter().filter(|member| member.joined);
        joined.map(|member| member.peer.id()).collect()
    }

    /// What is wrong: a node that has members in the room and is mistaken about it, or a peer
    /// that was told something else.
    pub fn mistakes(&self) -> Vec<String> {
        let truth = self.truth();
        let mut mistakes = Vec::new();
        for member in self.members.iter().filter(|member| member.joined) {
            for host in &member.at {
                let known = self.hosts[*host].node.members(ROOM);
                if known != truth {
                    let extra = known.difference(&truth).count();
                    let missing = truth.difference(&known).count();
                    mistakes.push(format!("node {host}: {extra} too many, {missing} too few"));
                }
                let mut told = member.told.get(host).cloned().unwrap_or_default();
                told.insert(member.peer.id());
                if told != known {
                    mistakes.push(format!("node {host} told a peer something else"));
                }
            }
        }
        mistakes.sort();
        mistakes.dedup();
        mistakes
    }

    /// The size of the room that each of its nodes takes it to have.
    pub fn sizes(&self) -> Vec<usize> {
        self.serving().map(|node| node.state.size(ROOM)).collect()
    }

    /// Whether each of the room's nodes takes it to be big.
    pub fn big(&self) -> Vec<bool> {
        let big = |node: &Node| node.state.summary().big_rooms > 0;
        self.serving().map(big).collect()
    }

    /// Who is in the room as far as each of its nodes knows by name.
    pub fn known(&self) -> Vec<BTreeSet<PeerId>> {
        self.serving().map(|node| node.members(ROOM)).collect()
    }

    fn serving(&self) -> impl Iterator<Item = &Node> {
        let up = self.hosts.iter().filter(|host| host.up);
        let nodes = up.map(|host| &host.node);
        nodes.filter(|node| node.state.summary().local_members > 0)
    }

    /// How much the nodes have said.
    pub fn sum(&self, of: impl Fn(&super::super::Summary) -> u64) -> u64 {
        let up = self.hosts.iter().filter(|host| host.up);
        up.map(|host| of(&host.node.state.summary())).sum()
    }
}
