//! Where the DHT's provider records lie.

use std::{
    borrow::Cow,
    collections::{HashMap, hash_map},
    iter,
    net::IpAddr,
};

use libp2p::{
    Multiaddr, PeerId,
    kad::{
        ProviderRecord, Record, RecordKey as Key,
        store::{Error, RecordStore, Result},
    },
    multiaddr::Protocol,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde::{Deserialize, Serialize};
use web_time::Instant;

/// Bounds on what other nodes store here, and on what this one publishes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreConfig {
    /// Records of other nodes in all: about 500 bytes each.
    pub records: usize,
    /// Records under one key: what the DHT hands out for it.
    pub per_key: usize,
    /// Records of one node: those of its own rooms and resources that fall to this node.
    pub per_provider: usize,
    /// Records from one address range (/16 of IPv4, /32 of IPv6).
    pub per_range: usize,
    /// Records of this node: those of its rooms and of its peers' resources.
    pub own: usize,
    /// Bytes of a key: a room's has 32, a CID's multihash seldom more than 66.
    pub key_bytes: usize,
    /// Addresses that are kept of one record.
    pub addresses: usize,
}

impl Default for StoreConfig {
    fn default() -> Self {
        StoreConfig {
            records: 32_768,
            per_key: 20,
            per_provider: 1_024,
            per_range: 8_192,
            own: 16_384,
            key_bytes: 96,
            addresses: 8,
        }
    }
}

/// Records that are looked at for having expired whenever one is stored: the store is swept
/// faster than it fills.
const SWEPT: usize = 3;

/// A network that one party may own: nodes of one range are taken for one party where the store
/// is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Range {
    V4([u8; 2]),
    V6([u8; 4]),
    /// No IP address is listed.
    Unknown,
}

impl Range {
    /// Of the first IP address that is listed.
    fn of(addresses: &[Multiaddr]) -> Self {
        let ip = addresses
            .iter()
            .find_map(|address| match address.iter().next()? {
                Protocol::Ip4(ip) => Some(IpAddr::from(ip)),
                Protocol::Ip6(ip) => Some(IpAddr::from(ip)),
                _ => None,
            });
        match ip.map(|ip| ip.to_canonical()) {
            Some(IpAddr::V4(ip)) => {
                let [a, b, ..] = ip.octets();
                Range::V4([a, b])
            }
            Some(IpAddr::V6(ip)) => {
                let [a, b, c, d, ..] = ip.octets();
                Range::V6([a, b, c, d])
            }
            None => Range::Unknown,
        }
    }
}

/// One record, and where it stands in each of its three groups.
#[derive(Debug)]
struct Slot {
    record: ProviderRecord,
    range: Range,
    in_key: usize,
    in_provider: usize,
    in_range: usize,
}

/// A bounded store of provider records; it keeps no value records.
///
/// What is full replaces at random, so that nobody holds a place by having come first: in all,
/// and among one node's or one range's records. Under a full key a record of the range that has
/// the most there gives way, so that one network can't fill a key alone. This node's own records
/// are kept apart and never give way.
#[derive(Debug)]
pub struct Store {
    config: StoreConfig,
    node: PeerId,
    rng: StdRng,
    own: HashMap<Key, ProviderRecord>,
    slots: Vec<Slot>,
    keys: HashMap<Key, Vec<usize>>,
    providers: HashMap<PeerId, Vec<usize>>,
    ranges: HashMap<Range, Vec<usize>>,
    /// Where the sweep goes on.
    swept: usize,
}

impl Store {
    /// The empty store of `node`.
    pub fn new(config: StoreConfig, node: PeerId) -> Self {
        Self::with_rng(config, node, rand::make_rng())
    }

    /// The empty store of `node`, which draws from `rng` what is replaced.
    pub fn with_rng(config: StoreConfig, node: PeerId, rng: StdRng) -> Self {
        Store {
            config,
            node,
            rng,
            own: HashMap::new(),
            slots: Vec::new(),
            keys: HashMap::new(),
            providers: HashMap::new(),
            ranges: HashMap::new(),
            swept: 0,
        }
    }

    /// The empty store of `node`; the same `seed` replaces the same.
    pub fn with_seed(config: StoreConfig, node: PeerId, seed: u64) -> Self {
        Self::with_rng(config, node, StdRng::seed_from_u64(seed))
    }

    /// Records of other nodes.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether other nodes have stored nothing here.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    fn add(&mut self, mut record: ProviderRecord, now: Instant) -> Result<()> {
        if record.key.as_ref().len() > self.config.key_bytes {
            return Err(Error::ValueTooLarge);
        }
        if record.provider == self.node {
            if self.own.len() >= self.config.own && !self.own.contains_key(&record.key) {
                return Err(Error::MaxProvidedKeys);
            }
            self.own.insert(record.key.clone(), record);
            return Ok(());
        }
        self.sweep(now);
        record.addresses.truncate(self.config.addresses);
        if let Some(slot) = self.find(&record.key, &record.provider) {
            self.remove(slot);
        }
        let range = Range::of(&record.addresses);
        while let Some(slot) = self.in_the_way(&record, range) {
            self.remove(slot);
        }
        if self.slots.len() >= self.config.records {
            return Err(Error::MaxRecords);
        }
        self.insert(record, range);
        Ok(())
    }

    /// A record that has to go before `record` fits.
    fn in_the_way(&mut self, record: &ProviderRecord, range: Range) -> Option<usize> {
        if let Some(there) = self.keys.get(&record.key)
            && there.len() >= self.config.per_key
        {
            let crowd = self.crowd(there);
            return pick(&mut self.rng, &crowd);
        }
        let full = [
            (
                self.providers.get(&record.provider),
                self.config.per_provider,
            ),
            (self.ranges.get(&range), self.config.per_range),
        ];
        for (group, max) in full {
            if let Some(group) = group.filter(|group| group.len() >= max) {
                return pick(&mut self.rng, group);
            }
        }
        if self.slots.len() >= self.config.records && !self.slots.is_empty() {
            return Some(self.rng.random_range(..self.slots.len()));
        }
        None
    }

    /// Those of `slots` whose range has the most among them.
    fn crowd(&self, slots: &[usize]) -> Vec<usize> {
        let mut by_range: Vec<(Range, Vec<usize>)> = Vec::new();
        for &slot in slots {
            let range = self.slots[slot].range;
            match by_range.iter_mut().find(|(other, _)| *other == range) {
                Some((_, members)) => members.push(slot),
                None => by_range.push((range, vec![slot])),
            }
        }
        let most = by_range.iter().map(|(_, m)| m.len()).max().unwrap_or(0);
        by_range
            .into_iter()
            .filter(|(_, members)| members.len() == most)
            .flat_map(|(_, members)| members)
            .collect()
    }

    fn sweep(&mut self, now: Instant) {
        for _ in 0..SWEPT {
            if self.swept >= self.slots.len() {
                self.swept = 0;
            }
            match self.slots.get(self.swept) {
                None => return,
                Some(slot) if slot.record.is_expired(now) => self.remove(self.swept),
                Some(_) => self.swept += 1,
            }
        }
    }

    fn find(&self, key: &Key, provider: &PeerId) -> Option<usize> {
        let slots = self.keys.get(key)?;
        slots
            .iter()
            .copied()
            .find(|slot| self.slots[*slot].record.provider == *provider)
    }

    fn insert(&mut self, record: ProviderRecord, range: Range) {
        let slot = self.slots.len();
        let push = |group: &mut Vec<usize>| {
            group.push(slot);
            group.len() - 1
        };
        let in_key = push(self.keys.entry(record.key.clone()).or_default());
        let in_provider = push(self.providers.entry(record.provider).or_default());
        let in_range = push(self.ranges.entry(range).or_default());
        self.slots.push(Slot {
            record,
            range,
            in_key,
            in_provider,
            in_range,
        });
    }

    /// Takes a slot out of its groups and of `slots`, whose last then takes its place.
    fn remove(&mut self, slot: usize) {
        let Slot {
            ref record,
            range,
            in_key,
            in_provider,
            in_range,
        } = self.slots[slot];
        let (key, provider) = (record.key.clone(), record.provider);
        if let Some(moved) = leave(&mut self.keys, &key, in_key) {
            self.slots[moved].in_key = in_key;
        }
        if let Some(moved) = leave(&mut self.providers, &provider, in_provider) {
            self.slots[moved].in_provider = in_provider;
        }
        if let Some(moved) = leave(&mut self.ranges, &range, in_range) {
            self.slots[moved].in_range = in_range;
        }
        self.slots.swap_remove(slot);
        if let Some(moved) = self.slots.get(slot) {
            let places = [
                (self.keys.get_mut(&moved.record.key), moved.in_key),
                (
                    self.providers.get_mut(&moved.record.provider),
                    moved.in_provider,
                ),
                (self.ranges.get_mut(&moved.range), moved.in_range),
            ];
            for (group, place) in places {
                if let Some(group) = group {
                    group[place] = slot;
                }
            }
        }
    }
}

fn pick(rng: &mut StdRng, slots: &[usize]) -> Option<usize> {
    if slots.is_empty() {
        return None;
    }
    Some(slots[rng.random_range(..slots.len())])
}

/// Takes the member at `place` out of the group of `key`. Returns who has taken its place.
fn leave<K: std::hash::Hash + Eq + Clone>(
    groups: &mut HashMap<K, Vec<usize>>,
    key: &K,
    place: usize,
) -> Option<usize> {
    let group = groups.get_mut(key)?;
    group.swap_remove(place);
    let moved = group.get(place).copied();
    if group.is_empty() {
        groups.remove(key);
    }
    moved
}

impl RecordStore for Store {
    type RecordsIter<'a> = iter::Empty<Cow<'a, Record>>;
    type ProvidedIter<'a> = iter::Map<
        hash_map::Values<'a, Key, ProviderRecord>,
        fn(&'a ProviderRecord) -> Cow<'a, ProviderRecord>,
    >;

    fn get(&self, _: &Key) -> Option<Cow<'_, Record>> {
        None
    }

    fn put(&mut self, _: Record) -> Result<()> {
        Err(Error::MaxRecords)
    }

    fn remove(&mut self, _: &Key) {}

    fn records(&self) -> Self::RecordsIter<'_> {
        iter::empty()
    }

    fn add_provider(&mut self, record: ProviderRecord) -> Result<()> {
        self.add(record, Instant::now())
    }

    fn providers(&self, key: &Key) -> Vec<ProviderRecord> {
        let others = self.keys.get(key).into_iter().flatten();
        self.own
            .get(key)
            .into_iter()
            .chain(others.map(|slot| &self.slots[*slot].record))
            .cloned()
            .collect()
    }

    fn provided(&self) -> Self::ProvidedIter<'_> {
        self.own.values().map(Cow::Borrowed)
    }

    fn remove_provider(&mut self, key: &Key, provider: &PeerId) {
        if *provider == self.node {
            self.own.remove(key);
        } else if let Some(slot) = self.find(key, provider) {
            Store::remove(self, slot);
        }
    }
}

#[cfg(test)]
#[path = "tests/store.rs"]
mod tests;
