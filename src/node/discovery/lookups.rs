//! Look-ups of resources under way: whom they ask, what they have found, who waits.

use std::{
    collections::{BTreeSet, HashMap, HashSet, VecDeque},
    time::Duration,
};

use libp2p::PeerId;
use web_time::Instant;

use super::keys::Resource;
use crate::{
    clock::Now,
    wire::{Bytes, Signed, limits, presence::PresenceRecord},
};

/// Bounds on look-ups.
#[derive(Clone, Debug)]
pub(super) struct Bounds {
    pub lookups: usize,
    pub waiting: usize,
    pub nodes: usize,
    pub records: usize,
    pub records_per_answer: usize,
    pub dials: usize,
    pub life: Duration,
    /// How long a look-up goes on that has found somebody.
    pub enough: Duration,
}

/// How long it is remembered for whom a look-up was cut short.
const THOROUGH: Duration = Duration::from_secs(60);
/// As many of them: about 200 bytes each.
const MOST_CUT: usize = 1_024;

/// Where a look-up stands with a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Dialing,
    Waiting,
    Done,
}

/// One look-up.
#[derive(Debug)]
pub(super) struct Lookup {
    pub resource: Resource,
    /// Peers that wait, and their requests.
    pub waiting: Vec<(PeerId, u64)>,
    /// What was found: the peer and its record.
    pub found: Vec<(PeerId, Bytes)>,
    /// Peers whose record was found, or told of otherwise.
    known: HashSet<PeerId>,
    nodes: HashMap<PeerId, Asked>,
    /// The DHT has nothing more to say.
    searched: bool,
    /// It named nobody, and was searched once more.
    again: bool,
    /// Somebody who waits asked just before, and that wasn't enough.
    thorough: bool,
    end: Instant,
}

impl Lookup {
    fn is_over(&self, bounds: &Bounds) -> bool {
        self.found.len() >= bounds.records
            || (self.searched && self.nodes.values().all(|asked| *asked == Asked::Done))
    }
}

/// What to do about a node that a query has named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// Send it the question.
    Send,
    /// Dial it; another look-up may already be doing so.
    Dial { already: bool },
    /// Nothing.
    Leave,
}

/// All look-ups, by their number, which is also what nodes are asked by.
#[derive(Debug)]
pub(super) struct Lookups {
    active: HashMap<u64, Lookup>,
    by_room: HashMap<String, u64>,
    /// When each ends.
    ends: BTreeSet<(Instant, u64)>,
    /// For whom a look-up of which room was cut short, and until when his next one isn't; the
    /// latest last.
    cut: VecDeque<(Instant, PeerId, String)>,
    serial: u64,
    bounds: Bounds,
}

impl Lookups {
    pub fn new(bounds: Bounds) -> Self {
        Lookups {
            active: HashMap::new(),
            by_room: HashMap::new(),
            ends: BTreeSet::new(),
            cut: VecDeque::new(),
            serial: 0,
            bounds,
        }
    }

    /// The look-up of a resource that is under way.
    pub fn of_room(&self, room: &str) -> Option<u64> {
        self.by_room.get(room).copied()
    }

    /// The look-ups that wait for a key of the DHT.
    pub fn of_key(&self, key: &[u8]) -> Vec<u64> {
        let of_key = |lookup: &Lookup| lookup.resource.key == key;
        self.sorted(|_, lookup| of_key(lookup))
    }

    /// The look-ups that have named `node` and are not done with it.
    pub fn of_node(&self, node: &PeerId) -> Vec<u64> {
        self.sorted(|_, lookup| {
            lookup
                .nodes
                .get(node)
                .is_some_and(|asked| *asked != Asked::Done)
        })
    }

    fn sorted(&self, which: impl Fn(u64, &Lookup) -> bool) -> Vec<u64> {
        let mut ids: Vec<_> = self
            .active
            .iter()
            .filter(|(id, lookup)| which(**id, lookup))
            .map(|(id, _)| *id)
            .collect();
        ids.sort_unstable();
        ids
    }

    pub fn get_mut(&mut self, id: u64) -> Option<&mut Lookup> {
        self.active.get_mut(&id)
    }

    /// Begins a look-up. `None` if there are too many.
    pub fn begin(&mut self, resource: Resource, now: Now) -> Option<u64> {
        if self.active.len() >= self.bounds.lookups {
            return None;
        }
        self.serial += 1;
        let end = now.instant + self.bounds.life;
        self.by_room.insert(resource.room.clone(), self.serial);
        self.ends.insert((end, self.serial));
        self.active.insert(
            self.serial,
            Lookup {
                resource,
                waiting: Vec::new(),
                found: Vec::new(),
                known: HashSet::new(),
                nodes: HashMap::new(),
                searched: false,
                again: false,
                thorough: false,
                end,
            },
        );
        Some(self.serial)
    }

    /// A peer waits, which knows of `told` already. `false` if too many wait.
    pub fn wait(&mut self, id: u64, peer: PeerId, request: u64, told: &[PeerId], now: Now) -> bool {
        let over = |(until, ..): &(Instant, PeerId, String)| *until <= now.instant;
        while self.cut.front().is_some_and(over) {
            self.cut.pop_front();
        }
        let Some(lookup) = self.active.get_mut(&id) else {
            return false;
        };
        if lookup.waiting.len() >= self.bounds.waiting {
            return false;
        }
        lookup.waiting.push((peer, request));
        let mut cut = self.cut.iter();
        lookup.thorough |= cut.any(|(_, who, room)| *who == peer && *room == lookup.resource.room);
        lookup.known.extend(told);
        true
    }

    /// The DHT names `node`.
    pub fn named(&mut self, id: u64, node: PeerId, linked: bool) -> Ask {
        let dialing = self.dialing();
        let Some(lookup) = self.active.get_mut(&id) else {
            return Ask::Leave;
        };
        if lookup.nodes.contains_key(&node) || lookup.nodes.len() >= self.bounds.nodes {
            return Ask::Leave;
        }
        let already = dialing.contains(&node);
        let (asked, ask) = if linked {
            (Asked::Waiting, Ask::Send)
        } else if already || dialing.len() < self.bounds.dials {
            (Asked::Dialing, Ask::Dial { already })
        } else {
            (Asked::Done, Ask::Leave)
        };
        lookup.nodes.insert(node, asked);
        ask
    }

    fn dialing(&self) -> HashSet<PeerId> {
        self.active
            .values()
            .flat_map(|lookup| &lookup.nodes)
            .filter(|(_, asked)| **asked == Asked::Dialing)
            .map(|(node, _)| *node)
            .collect()
    }

    /// `node` is linked: the look-ups that now ask it.
    pub fn linked(&mut self, node: &PeerId) -> Vec<u64> {
        let mut asks = Vec::new();
        for id in self.of_node(node) {
            if let Some(lookup) = self.active.get_mut(&id)
                && let Some(asked @ Asked::Dialing) = lookup.nodes.get_mut(node)
            {
                *asked = Asked::Waiting;
                asks.push(id);
            }
        }
        asks
    }

    /// Nothing more will come from `node`. Whether something was waited for.
    pub fn done_with(&mut self, id: u64, node: &PeerId) -> bool {
        let asked = self.active.get_mut(&id).and_then(|l| l.nodes.get_mut(node));
        match asked {
            Some(asked) if *asked != Asked::Done => {
                *asked = Asked::Done;
                true
            }
            _ => false,
        }
    }

    /// Whether `node` was sent the question and hasn't answered.
    pub fn is_waiting_for(&self, id: u64, node: &PeerId) -> bool {
        let asked = self
            .active
            .get(&id)
            .and_then(|lookup| lookup.nodes.get(node));
        asked == Some(&Asked::Waiting)
    }

    /// Takes up the records of an answer: verified, each peer once. Returns the new ones, and
    /// how many were refused.
    pub fn answered(
        &mut self,
        id: u64,
        records: &[Bytes],
        network: &str,
        now: Now,
    ) -> (Vec<(PeerId, Bytes)>, usize) {
        let Some(lookup) = self.active.get_mut(&id) else {
            return (Vec::new(), 0);
        };
        let (mut new, mut refused) = (Vec::new(), 0);
        for bytes in records.iter().take(self.bounds.records_per_answer) {
            if lookup.found.len() >= self.bounds.records {
                break;
            }
            // Cheap first: what is known needs no signature check.
            match Signed::<PresenceRecord>::peek(bytes) {
                Ok(body) if lookup.known.contains(&body.peer) => continue,
                Ok(body) if is_valid(&body, network, &lookup.resource.room, now) => {}
                _ => {
                    refused += 1;
                    continue;
                }
            }
            match Signed::<PresenceRecord>::verify(bytes) {
                Ok(record) => {
                    lookup.known.insert(record.peer);
                    lookup.found.push((record.peer, bytes.clone()));
                    new.push((record.peer, bytes.clone()));
                }
                Err(_) => refused += 1,
            }
        }
        if !new.is_empty() {
            self.cut_short(id, now);
        }
        (new, refused)
    }

    /// Somebody is found: whoever else is known to the same nodes will be in a moment, and the
    /// rest of the DHT isn't bothered, unless the same peer's last look-up wasn't enough.
    fn cut_short(&mut self, id: u64, now: Now) {
        let Some(lookup) = self.active.get_mut(&id) else {
            return;
        };
        let end = now.instant + self.bounds.enough;
        if lookup.thorough || end >= lookup.end {
            return;
        }
        self.ends.remove(&(lookup.end, id));
        self.ends.insert((end, id));
        lookup.end = end;
        for (peer, _) in &lookup.waiting {
            if self.cut.len() >= MOST_CUT {
                self.cut.pop_front();
            }
            let room = lookup.resource.room.clone();
            self.cut.push_back((now.instant + THOROUGH, *peer, room));
        }
    }

    /// Whether to search the DHT once more: the first time it named nobody. In a mesh that has just
    /// formed a search may end among nodes that aren't the nearest; it has met others on its way.
    pub fn search_again(&mut self, id: u64) -> bool {
        self.active.get_mut(&id).is_some_and(|lookup| {
            let none = lookup.nodes.is_empty() && lookup.found.is_empty();
            none && !std::mem::replace(&mut lookup.again, true)
        })
    }

    /// The DHT has nothing more to say.
    pub fn searched(&mut self, id: u64) {
        if let Some(lookup) = self.active.get_mut(&id) {
            lookup.searched = true;
        }
    }

    /// Takes a look-up out if it is over.
    pub fn take_if_over(&mut self, id: u64) -> Option<Lookup> {
        if self.active.get(&id)?.is_over(&self.bounds) {
            self.take(id)
        } else {
            None
        }
    }

    /// Takes a look-up out whose time is over.
    pub fn pop(&mut self, now: Now) -> Option<Lookup> {
        let (end, id) = *self.ends.first()?;
        if end > now.instant {
            return None;
        }
        self.take(id)
    }

    /// A peer no longer waits for anything. Look-ups that nobody waits for end.
    pub fn forget(&mut self, peer: &PeerId) {
        let ids = self.sorted(|_, lookup| lookup.waiting.iter().any(|(who, _)| who == peer));
        for id in ids {
            if let Some(lookup) = self.active.get_mut(&id) {
                lookup.waiting.retain(|(who, _)| who != peer);
                if lookup.waiting.is_empty() {
                    self.take(id);
                }
            }
        }
    }

    fn take(&mut self, id: u64) -> Option<Lookup> {
        let lookup = self.active.remove(&id)?;
        self.ends.remove(&(lookup.end, id));
        self.by_room.remove(&lookup.resource.room);
        Some(lookup)
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.ends.first().map(|(end, _)| *end)
    }

    pub fn len(&self) -> usize {
        self.active.len()
    }
}

/// Whether a record, once verified, says that its peer provides the resource of `room` now.
fn is_valid(record: &PresenceRecord, network: &str, room: &str, now: Now) -> bool {
    let longest = limits::RECORD_LIFE_MS + limits::CLOCK_SKEW_MS;
    record.network == network
        && record.room == room
        && record.expires.saturating_add(limits::CLOCK_SKEW_MS) >= now.millis
        && record.expires <= now.millis.saturating_add(longest)
}
