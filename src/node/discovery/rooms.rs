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

/// A room that this node serves.
#[derive(Debug)]
struct Room {
    since: Instant,
    /// The hours under whose keys it is published.
    hours: [u64; 2],
    turn: Instant,
    /// Keys whose queries are under way.
    searching: Vec<Vec<u8>>,
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
            turning_ms: u64::try_from(bounds.turning.as_millis()).unwrap_or(HOUR_MS),
        }
    }

    /// The room is served, or searched once more. `None` if there are too many rooms.
    pub fn seek(&mut self, name: &str, now: Now) -> Option<Keys> {
        let mut keys = Keys::default();
        if let Some(room) = self.rooms.get(name) {
            if now.instant.saturating_duration_since(room.since) <= self.settling {
                keys.again = self.keys(name, room.hours);
            }
        } else {
            if self.rooms.len() >= self.max {
                return None;
            }
            let hours = [hour(now), hour(now) + 1];
            let turn = self.turn(name, now);
            keys.want = self.keys(name, hours);
            self.turns.insert((turn, name.to_owned()));
            self.rooms.insert(
                name.to_owned(),
                Room {
                    since: now.instant,
                    hours,
                    turn,
                    searching: Vec::new(),
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
            keys.unwant = self.keys(name, room.hours);
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
        if let Some(name) = self.searches.remove(key)
            && let Some(room) = self.rooms.get_mut(&name)
        {
            room.searching.retain(|other| other != key);
        }
    }

    /// A room whose keys turn with the hour.
    pub fn pop(&mut self, now: Now) -> Option<Keys> {
        let (at, name) = self.turns.first()?;
        if *at > now.instant {
            return None;
        }
        let name = name.clone();
        self.turns.pop_first();
        let next = self.turn(&name, now);
        let hours = [hour(now), hour(now) + 1];
        let room = self.rooms.get_mut(&name)?;
        let before = std::mem::replace(&mut room.hours, hours);
        room.turn = next;
        self.turns.insert((next, name.clone()));
        let only = |these: [u64; 2], those: [u64; 2]| {
            let only = these.into_iter().filter(move |hour| !those.contains(hour));
            only.map(|hour| room_key(&self.network, &name, hour))
                .collect()
        };
        Some(Keys {
            want: only(hours, before),
            unwant: only(before, hours),
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

    fn keys(&self, name: &str, hours: [u64; 2]) -> Vec<Vec<u8>> {
        hours
            .iter()
            .map(|hour| room_key(&self.network, name, *hour))
            .collect()
    }

    /// When a room's keys turn next: some time into the next hour, at another moment for each
    /// room and node, so that not everything is published at once.
    fn turn(&self, name: &str, now: Now) -> Instant {
        let mut hash = DefaultHasher::new();
        (self.node, name).hash(&mut hash);
        let jitter = hash.finish() % self.turning_ms.max(1);
        let left = HOUR_MS - now.millis % HOUR_MS;
        now.instant + Duration::from_millis(left + jitter)
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
    fn this_hour_and_the_next_are_published() {
        let (mut rooms, now) = (rooms(), at_ten());
        let keys = rooms.seek("a", now).unwrap();
        assert_eq!(keys.want, [key("a", 1_000), key("a", 1_001)]);
        let soon = now.after(Duration::from_secs(10));
        let keys = rooms.seek("a", soon).unwrap();
        assert_eq!(keys.again.len(), 2, "the DHT may not have been joined yet");
        let keys = rooms.seek("a", now.after(Duration::from_secs(31))).unwrap();
        assert_eq!(keys, Keys::default());
        let keys = rooms.unseek("a");
        assert_eq!(keys.unwant, [key("a", 1_000), key("a", 1_001)]);
        assert_eq!(rooms.deadline(), None);
        assert!(rooms.search(now).is_none());
    }

    #[test]
    fn keys_turn_with_the_hour_each_at_its_own_moment() {
        let (mut rooms, now) = (rooms(), at_ten());
        rooms.seek("a", now).unwrap();
        rooms.seek("b", now).unwrap();
        let hour_ends = now.after(Duration::from_secs(3_000)).instant;
        let turns: Vec<_> = rooms.turns.iter().map(|(at, _)| *at).collect();
        assert_ne!(turns[0], turns[1]);
        for at in &turns {
            let into = *at - hour_ends;
            assert!(into < Duration::from_secs(600));
        }
        let first = now.after(turns[0] - now.instant);
        let keys = rooms.pop(first).unwrap();
        assert_eq!((keys.want.len(), keys.unwant.len()), (1, 1));
        let turned = if keys.want[0] == key("a", 1_002) {
            "a"
        } else {
            "b"
        };
        assert_eq!(keys.want, [key(turned, 1_002)]);
        assert_eq!(keys.unwant, [key(turned, 1_000)]);
        assert_eq!(rooms.pop(first), None);
        // A node that slept for hours publishes what is due then.
        let late = now.after(Duration::from_secs(5 * 3_600));
        let keys = rooms.pop(late).unwrap();
        assert_eq!((keys.want.len(), keys.unwant.len()), (2, 2));
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
