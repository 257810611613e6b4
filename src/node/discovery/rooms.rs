//! Rooms that this node serves: under which keys they are published, and their searches.

use std::{
    collections::{BTreeSet, HashMap, HashSet, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use libp2p::PeerId;
use web_time::Instant;

use super::keys::{HOUR_MS, hour, room_key};
use crate::{clock::Now, wire::limits};

/// Searches of a room that go on to their end: when it opens, and again when those have published
/// it who opened it at the same time. Whoever opens it later looks as thoroughly, and finds this
/// node; so there is always one who has asked more nodes than a few that lie.
const THOROUGH: usize = 2;

/// A room that this node serves.
#[derive(Debug)]
struct Room {
    /// The hours under whose keys it is published.
    hours: Vec<u64>,
    /// How long into a turn this room's moments lie, in ms.
    jitter: u64,
    turn: Instant,
    /// Keys whose queries are under way.
    searching: Vec<Vec<u8>>,
    /// Searches that have ended.
    searches: usize,
    /// One of them has found somebody.
    known: bool,
    told: HashSet<PeerId>,
}

/// What a change of a room means for what is published.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Keys {
    /// Now wanted.
    pub want: Vec<Vec<u8>>,
    /// No longer wanted.
    pub unwant: Vec<Vec<u8>>,
    /// Wanted before, to be published once more.
    pub again: Vec<Vec<u8>>,
}

/// All rooms.
#[derive(Debug)]
pub(super) struct Rooms {
    network: String,
    node: PeerId,
    rooms: HashMap<String, Room>,
    /// When each room's keys turn with the hour.
    turns: BTreeSet<(Instant, String)>,
    /// Which room a key under way is of.
    searches: HashMap<Vec<u8>, String>,
    /// Rooms whose search waits for others to end.
    queue: VecDeque<String>,
    max: usize,
    max_searches: usize,
    max_nodes: usize,
    settling: Duration,
    /// Until when this node counts as new to the DHT.
    settled: Option<Instant>,
    turning_ms: u64,
}

/// Bounds on rooms.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub rooms: usize,
    pub searches: usize,
    pub nodes: usize,
    pub settling: Duration,
    pub turning: Duration,
}

impl Rooms {
    pub fn new(network: String, node: PeerId, bounds: Bounds) -> Self {
        Rooms {
            network,
            node,
            rooms: HashMap::new(),
            turns: BTreeSet::new(),
            searches: HashMap::new(),
            queue: VecDeque::new(),
            max: bounds.rooms,
            max_searches: bounds.searches,
            max_nodes: bounds.nodes,
            settling: bounds.settling,
            settled: None,
            turning_ms: u64::try_from(bounds.turning.as_millis()).unwrap_or(HOUR_MS),
        }
    }

    /// The node has its first neighbour: for a while, what it publishes may not reach those who
    /// should keep it.
    pub fn joined(&mut self, now: Now) {
        self.settled = Some(now.instant + self.settling);
    }

    /// The room is served, or searched once more. `None` if there are too many rooms.
    pub fn seek(&mut self, name: &str, now: Now) -> Option<Keys> {
        let mut keys = Keys::default();
        if let Some(room) = self.rooms.get(name) {
            if self.settled.is_none_or(|at| now.instant < at) {
                keys.again = self.keys(name, &room.hours);
            }
        } else {
            if self.rooms.len() >= self.max {
                return None;
            }
            let jitter = self.jitter(name);
            let mut hours = self.hours(jitter, now);
            hours.retain(|of| *of >= hour(now));
            let turn = self.turn(jitter, now);
            keys.want = self.keys(name, &hours);
            self.turns.insert((turn, name.to_owned()));
            self.rooms.insert(
                name.to_owned(),
                Room {
                    hours,
                    jitter,
                    turn,
                    searching: Vec::new(),
                    searches: 0,
                    known: false,
                    told: HashSet::new(),
                },
            );
        }
        if !self.queue.iter().any(|other| other == name) {
            self.queue.push_back(name.to_owned());
        }
        Some(keys)
    }

    /// The room is no longer served.
    pub fn unseek(&mut self, name: &str) -> Keys {
        let mut keys = Keys::default();
        if let Some(room) = self.rooms.remove(name) {
            self.turns.remove(&(room.turn, name.to_owned()));
            self.queue.retain(|other| other != name);
            for key in &room.searching {
                self.searches.remove(key);
            }
            keys.unwant = self.keys(name, &room.hours);
        }
        keys
    }

    /// Keys of the next search that may begin. Near the end of an hour the next hour's key is
    /// searched as well: nodes whose clocks are ahead look there.
    pub fn search(&mut self, now: Now) -> Option<Vec<Vec<u8>>> {
        while self.searches.len() < self.max_searches {
            let name = self.queue.pop_front()?;
            let this = hour(now);
            let ahead = hour(Now {
                millis: now.millis + limits::CLOCK_SKEW_MS,
                ..now
            });
            let mut keys: Vec<_> = (this..=ahead)
                .map(|hour| room_key(&self.network, &name, hour))
                .collect();
            let Some(room) = self.rooms.get_mut(&name) else {
                continue;
            };
            if room.searching.is_empty() {
                room.told.clear();
            }
            keys.retain(|key| !room.searching.contains(key));
            room.searching.extend(keys.iter().cloned());
            for key in &keys {
                self.searches.insert(key.clone(), name.clone());
            }
            if !keys.is_empty() {
                return Some(keys);
            }
        }
        None
    }

    /// A query has named nodes: the room that they serve, and those not told before.
    pub fn found(&mut self, key: &[u8], nodes: &[PeerId]) -> Option<(String, Vec<PeerId>)> {
        let name = self.searches.get(key)?;
        let room = self.rooms.get_mut(name)?;
        let mut new = Vec::new();
        for node in nodes {
            if *node != self.node && room.told.len() < self.max_nodes && room.told.insert(*node) {
                new.push(*node);
            }
        }
        (!new.is_empty()).then(|| (name.clone(), new))
    }

    /// A query is over.
    pub fn searched(&mut self, key: &[u8]) {
        if let Some(room) = self.end(key)
            && room.searching.is_empty()
        {
            room.searches += 1;
            room.known |= !room.told.is_empty();
        }
    }

    /// A query couldn't begin: the room's next search makes up for it.
    pub fn put_off(&mut self, key: &[u8]) {
        self.end(key);
    }

    fn end(&mut self, key: &[u8]) -> Option<&mut Room> {
        let name = self.searches.remove(key)?;
        let room = self.rooms.get_mut(&name)?;
        room.searching.retain(|other| other != key);
        Some(room)
    }

    /// Whether a key is searched for the sake of a room whose nodes are known: the search is after
    /// what may have been missed, and need not be as thorough as the first ones.
    pub fn is_known(&self, key: &[u8]) -> bool {
        let room = self.searches.get(key).and_then(|name| self.rooms.get(name));
        room.is_some_and(|room| room.known && room.searches >= THOROUGH)
    }

    /// A room whose keys turn with the hour.
    pub fn pop(&mut self, now: Now) -> Option<Keys> {
        let (at, name) = self.turns.first()?;
        if *at > now.instant {
            return None;
        }
        let name = name.clone();
        self.turns.pop_first();
        let jitter = self.rooms.get(&name)?.jitter;
        let next = self.turn(jitter, now);
        let hours = self.hours(jitter, now);
        let room = self.rooms.get_mut(&name)?;
        let before = std::mem::replace(&mut room.hours, hours.clone());
        room.turn = next;
        self.turns.insert((next, name.clone()));
        let only = |these: &[u64], those: &[u64]| {
            let only: Vec<_> = these
                .iter()
                .copied()
                .filter(|hour| !those.contains(hour))
                .collect();
            self.keys(&name, &only)
        };
        Some(Keys {
            want: only(&hours, &before),
            unwant: only(&before, &hours),
            again: Vec::new(),
        })
    }

    /// When the next room's keys turn.
    pub fn deadline(&self) -> Option<Instant> {
        self.turns.first().map(|(at, _)| *at)
    }

    pub fn len(&self) -> usize {
        self.rooms.len()
    }

    fn keys(&self, name: &str, hours: &[u64]) -> Vec<Vec<u8>> {
        hours
            .iter()
            .map(|hour| room_key(&self.network, name, *hour))
            .collect()
    }

    /// Each room has moments of its own on each node, so that not everything is published at
    /// once.
    fn jitter(&self, name: &str) -> u64 {
        let mut hash = DefaultHasher::new();
        (self.node, name).hash(&mut hash);
        hash.finish() % self.turning_ms.max(1)
    }

    /// Into an hour, when the last hour's key is withdrawn and when the next one's is published.
    fn moments(&self, jitter: u64) -> [u64; 2] {
        let begins = HOUR_MS.saturating_sub(2 * self.turning_ms);
        [jitter, begins + jitter]
    }

    /// Under which hours' keys a room is published.
    fn hours(&self, jitter: u64, now: Now) -> Vec<u64> {
        let [withdrawn, published] = self.moments(jitter);
        let (this, into) = (hour(now), now.millis % HOUR_MS);
        if into < withdrawn {
            vec![this.saturating_sub(1), this]
        } else if into < published {
            vec![this]
        } else {
            vec![this, this + 1]
        }
    }

    /// When that changes next.
    fn turn(&self, jitter: u64, now: Now) -> Instant {
        let [withdrawn, published] = self.moments(jitter);
        let into = now.millis % HOUR_MS;
        let next = [withdrawn, published, HOUR_MS + withdrawn]
            .into_iter()
            .find(|moment| *moment > into)
            .unwrap_or(2 * HOUR_MS);
        now.instant + Duration::from_millis(next - into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rooms() -> Rooms {
        Rooms::new(
            "example.org".to_owned(),
            PeerId::random(),
            Bounds {
                rooms: 3,
                searches: 2,
                nodes: 4,
                settling: Duration::from_secs(30),
                turning: Duration::from_secs(600),
            },
        )
    }

    /// Ten minutes into an hour.
    fn at_ten() -> Now {
        Now {
            millis: 1_000 * HOUR_MS + 600_000,
            ..Now::read()
        }
    }

    fn key(room: &str, hour: u64) -> Vec<u8> {
        room_key("example.org", room, hour)
    }

    #[test]
    fn this_hour_is_published_and_once_more_by_a_node_new_to_the_dht() {
        let (mut rooms, now) = (rooms(), at_ten());
        let keys = rooms.seek("a", now).unwrap();
        assert_eq!(keys.want, [key("a", 1_000)]);
        let soon = now.after(Duration::from_secs(10));
        rooms.joined(soon);
        let keys = rooms.seek("a", soon).unwrap();
        assert_eq!(keys.again, [key("a", 1_000)]);
        let later = soon.after(Duration::from_secs(30));
        assert_eq!(rooms.seek("a", later).unwrap(), Keys::default());
        let keys = rooms.seek("b", later).unwrap();
        assert_eq!(keys.want, [key("b", 1_000)]);
        let keys = rooms.seek("b", later).unwrap();
        assert_eq!(keys, Keys::default(), "the DHT knows of it");
        let keys = rooms.unseek("a");
        assert_eq!(keys.unwant, [key("a", 1_000)]);
        rooms.unseek("b");
        assert_eq!(rooms.deadline(), None);
        assert!(rooms.search(now).is_none());
    }

    #[test]
    fn keys_turn_with_the_hour_each_at_its_own_moment() {
        let (mut rooms, now) = (rooms(), at_ten());
        rooms.seek("a", now).unwrap();
        rooms.seek("b", now).unwrap();
        let turns: Vec<_> = rooms.turns.iter().map(|(at, _)| *at).collect();
        assert_ne!(turns[0], turns[1]);
        for at in &turns {
            let before_the_end = now.instant + Duration::from_secs(3_000) - *at;
            assert!(
                before_the_end > Duration::from_secs(600),
                "clocks may be off"
            );
            assert!(before_the_end <= Duration::from_secs(1_200));
        }
        let first = now.after(turns[0] - now.instant);
        let keys = rooms.pop(first).unwrap();
        assert_eq!((keys.want.len(), keys.unwant.len()), (1, 0));
        let turned = if keys.want[0] == key("a", 1_001) {
            "a"
        } else {
            "b"
        };
        assert_eq!(keys.want, [key(turned, 1_001)]);
        assert_eq!(rooms.pop(first), None);
        let second = first.after(turns[1] - turns[0]);
        rooms.pop(second).unwrap();
        let at = rooms.deadline().unwrap();
        assert!(at >= now.instant + Duration::from_secs(3_000));
        assert!(at < now.instant + Duration::from_secs(3_600));
        let third = second.after(at - second.instant);
        let keys = rooms.pop(third).unwrap();
        assert_eq!(keys.want, Vec::<Vec<u8>>::new());
        assert_eq!(keys.unwant, [key(turned, 1_000)]);
        // A node that slept for hours publishes what is due then.
        let late = now.after(Duration::from_secs(5 * 3_600));
        let keys = rooms.pop(late).unwrap();
        assert_eq!((keys.want.len(), keys.unwant.len()), (1, 2));
    }

    #[test]
    fn near_the_end_of_an_hour_both_keys_are_searched() {
        let (mut rooms, now) = (rooms(), at_ten());
        rooms.seek("a", now).unwrap();
        assert_eq!(rooms.search(now), Some(vec![key("a", 1_000)]));
        rooms.searched(&key("a", 1_000));
        let late = now.after(Duration::from_secs(49 * 60));
        rooms.seek("a", late).unwrap();
        assert_eq!(
            rooms.search(late),
            Some(vec![key("a", 1_000), key("a", 1_001)])
        );
    }

    #[test]
    fn searches_wait_their_turn() {
        let (mut rooms, now) = (rooms(), at_ten());
        for name in ["a", "b", "c"] {
            rooms.seek(name, now).unwrap();
            rooms.seek(name, now).unwrap();
        }
        assert_eq!(rooms.seek("d", now), None, "too many rooms");
        assert!(rooms.search(now).is_some() && rooms.search(now).is_some());
        assert_eq!(rooms.search(now), None);
        rooms.seek("a", now).unwrap();
        rooms.searched(&key("b", 1_000));
        assert_eq!(rooms.search(now), Some(vec![key("c", 1_000)]));
        rooms.searched(&key("c", 1_000));
        assert_eq!(rooms.search(now), None, "a is still being searched");
    }

    #[test]
    fn only_searches_that_ran_count_towards_the_thorough_ones() {
        let (mut rooms, now) = (rooms(), at_ten());
        let key = key("a", 1_000);
        let known = |rooms: &mut Rooms, ran: bool| {
            rooms.seek("a", now).unwrap();
            rooms.search(now).unwrap();
            if ran {
                rooms.found(&key, &[PeerId::random()]).unwrap();
                rooms.searched(&key);
            } else {
                rooms.put_off(&key);
            }
            rooms.seek("a", now).unwrap();
            rooms.search(now).unwrap();
            let known = rooms.is_known(&key);
            rooms.put_off(&key);
            known
        };
        assert!(!known(&mut rooms, true));
        assert!(!known(&mut rooms, false));
        assert!(!known(&mut rooms, false));
        assert!(known(&mut rooms, true));
    }

    #[test]
    fn each_node_is_told_once_a_search() {
        let (mut rooms, now) = (rooms(), at_ten());
        let own = rooms.node;
        let nodes: Vec<_> = (0..9).map(|_| PeerId::random()).collect();
        rooms.seek("a", now).unwrap();
        rooms.search(now).unwrap();
        let key = key("a", 1_000);
        let (room, told) = rooms.found(&key, &[nodes[0], own, nodes[0]]).unwrap();
        assert_eq!((room.as_str(), told), ("a", vec![nodes[0]]));
        assert_eq!(rooms.found(&key, &nodes[..1]), None);
        assert_eq!(rooms.found(&key, &nodes).unwrap().1, nodes[1..4], "bounded");
        rooms.searched(&key);
        assert_eq!(rooms.found(&key, &nodes), None);
        rooms.seek("a", now).unwrap();
        rooms.search(now).unwrap();
        assert_eq!(rooms.found(&key, &nodes[..1]).unwrap().1, nodes[..1]);
    }
}
