//! The linked nodes, what they may ask for, and their records.

use std::{
    collections::{BTreeSet, HashMap},
    hash::{DefaultHasher, Hash, Hasher},
    net::IpAddr,
};

use libp2p::{Multiaddr, PeerId, multiaddr::Protocol};
use web_time::Instant;

use super::Config;
use crate::{
    clock::Now,
    node::{
        Budget,
        addresses::{self, Reach},
    },
    wire::{Bytes, Malformed, Signed, limits, node_record::NodeRecord, signed::Refused},
};

/// IP addresses that a neighbour is known to be connected from or to.
const SEEN_AT: usize = 4;

/// All linked nodes.
#[derive(Debug)]
pub(super) struct Neighbours {
    known: HashMap<PeerId, Neighbour>,
    /// When each node record ends.
    ends: BTreeSet<(Instant, PeerId)>,
    max: usize,
}

#[derive(Debug)]
struct Neighbour {
    /// Of the link.
    address: Multiaddr,
    seen_at: Vec<IpAddr>,
    locates: Budget,
    records: Budget,
    record: Option<Known>,
}

#[derive(Debug)]
struct Known {
    record: Signed<NodeRecord>,
    addresses: Vec<Option<Multiaddr>>,
    end: Instant,
}

/// A node record that is new here.
#[derive(Debug, PartialEq)]
pub(super) struct News {
    /// The record.
    pub record: Signed<NodeRecord>,
    /// The neighbour's address.
    pub address: Multiaddr,
    /// What of the record the connection confirms.
    pub confirmed: Vec<Multiaddr>,
}

impl Neighbour {
    fn reach(&self) -> Reach {
        reach(&self.address)
    }

    /// Whether the neighbour answers at `address`, as far as the connection says: at an IP
    /// address that it is connected at, or under a name that it was dialed by or that TLS
    /// proves.
    fn confirms(&self, address: &Multiaddr) -> bool {
        if address.iter().any(|p| matches!(p, Protocol::P2pCircuit)) {
            return false;
        }
        match (addresses::ip(address), name(address)) {
            (Some(ip), _) => self.seen_at.contains(&ip.to_canonical()),
            (None, Some(own)) => {
                name(&self.address) == Some(own)
                    || (is_secure(address) && reach(address) == Reach::Global)
            }
            (None, None) => false,
        }
    }

    /// How widely the record may be told, if at all.
    ///
    /// A record is signed as a whole and can't be told in parts. From a node that is met over
    /// the open internet, every address must be confirmed: else it would send pages to a
    /// stranger's. What a neighbour on the same host or private network lists is told to
    /// whoever is there as well, and to nobody else.
    fn scope(&self, known: &Known) -> Option<Reach> {
        if self.reach() < Reach::Global {
            return Some(Reach::Private);
        }
        let confirmed = known
            .addresses
            .iter()
            .all(|address| address.as_ref().is_some_and(|a| self.confirms(a)));
        confirmed.then_some(Reach::Global)
    }

    fn see(&mut self, address: &Multiaddr) {
        if let Some(ip) = addresses::ip(address).map(|ip| ip.to_canonical())
            && !self.seen_at.contains(&ip)
            && self.seen_at.len() < SEEN_AT
        {
            self.seen_at.push(ip);
        }
    }
}

impl Neighbours {
    pub fn new(max: usize) -> Self {
        Neighbours {
            known: HashMap::new(),
            ends: BTreeSet::new(),
            max,
        }
    }

    /// A link is open. `false` if there are too many.
    pub fn add(&mut self, node: PeerId, address: &Multiaddr, config: &Config, now: Now) -> bool {
        if self.known.len() >= self.max && !self.known.contains_key(&node) {
            return false;
        }
        let neighbour = self.known.entry(node).or_insert_with(|| Neighbour {
            address: address.clone(),
            seen_at: Vec::new(),
            locates: Budget::new(config.node_locates, now),
            records: Budget::new(config.node_records, now),
            record: None,
        });
        neighbour.see(address);
        true
    }

    /// The last link is gone.
    pub fn remove(&mut self, node: &PeerId) {
        if let Some(known) = self.known.remove(node).and_then(|gone| gone.record) {
            self.ends.remove(&(known.end, *node));
        }
    }

    /// A neighbour is connected at a further address.
    pub fn see(&mut self, node: &PeerId, address: &Multiaddr) {
        if let Some(neighbour) = self.known.get_mut(node) {
            neighbour.see(address);
        }
    }

    pub fn contains(&self, node: &PeerId) -> bool {
        self.known.contains_key(node)
    }

    /// Every neighbour, and how far away it is.
    pub fn iter(&self) -> impl Iterator<Item = (PeerId, Reach)> {
        self.known.iter().map(|(node, n)| (*node, n.reach()))
    }

    /// Whether a neighbour may ask for one more look-up.
    pub fn may_locate(&mut self, node: &PeerId, now: Now) -> bool {
        self.known
            .get_mut(node)
            .is_some_and(|neighbour| neighbour.locates.take(1, now))
    }

    /// A node record arrived from `node`. An error is a breach of the protocol.
    pub fn announced(
        &mut self,
        node: PeerId,
        bytes: &[u8],
        network: &str,
        now: Now,
    ) -> Result<Option<News>, Malformed> {
        let Some(neighbour) = self.known.get_mut(&node) else {
            return Ok(None);
        };
        if !neighbour.records.take(1, now) {
            return Ok(None);
        }
        let record = Signed::<NodeRecord>::verify(bytes).map_err(|refused| match refused {
            Refused::Malformed(malformed) => malformed,
            other => breach("signature", other.to_string()),
        })?;
        if record.node != node {
            return Err(breach(
                "node",
                format!("is {}: not who sends it", record.node),
            ));
        }
        if record.network != network {
            return Err(breach("network", format!("is {:?}", record.network)));
        }
        let longest = limits::NODE_RECORD_LIFE_MS + limits::CLOCK_SKEW_MS;
        let left = record.expires.saturating_sub(now.millis);
        let older = neighbour
            .record
            .as_ref()
            .is_some_and(|k| k.record.seq >= record.seq);
        if left == 0 || left > longest || older {
            return Ok(None);
        }
        let known = Known {
            addresses: record.addrs.iter().map(|text| text.parse().ok()).collect(),
            end: now.instant + std::time::Duration::from_millis(left),
            record: record.clone(),
        };
        let confirmed = known
            .addresses
            .iter()
            .flatten()
            .filter(|address| neighbour.confirms(address))
            .cloned()
            .collect();
        self.ends.insert((known.end, node));
        if let Some(before) = neighbour.record.replace(known) {
            self.ends.remove(&(before.end, node));
            // The two may end at the same moment.
            if let Some(known) = &neighbour.record {
                self.ends.insert((known.end, node));
            }
        }
        Ok(Some(News {
            record,
            address: neighbour.address.clone(),
            confirmed,
        }))
    }

    /// Forgets records that have ended.
    pub fn expire(&mut self, now: Now) {
        while let Some((end, node)) = self.ends.first().copied() {
            if end > now.instant {
                return;
            }
            self.ends.pop_first();
            if let Some(neighbour) = self.known.get_mut(&node) {
                neighbour.record = None;
            }
        }
    }

    /// When the next record ends.
    pub fn deadline(&self) -> Option<Instant> {
        self.ends.first().map(|(end, _)| *end)
    }

    /// Up to `count` records for a page that comes from `whom`: of nodes with an address
    /// for pages that it can reach, from different networks first, and others for others.
    pub fn records_for(&self, whom: &Multiaddr, count: usize) -> Vec<Bytes> {
        let its = reach(whom);
        let mut fit: Vec<_> =
            self.known
                .iter()
                .filter_map(|(node, neighbour)| Some((node, neighbour, neighbour.record.as_ref()?)))
                .filter(|(_, neighbour, known)| {
                    neighbour.scope(known).is_some_and(|scope| scope >= its)
                        && known.addresses.iter().flatten().any(|address| {
                            addresses::is_for_browsers(address) && reach(address) >= its
                        })
                })
                .map(|(node, neighbour, known)| {
                    let mut hash = DefaultHasher::new();
                    (addresses::ip(whom), node).hash(&mut hash);
                    (hash.finish(), network(&neighbour.address), known)
                })
                .collect();
        fit.sort_by_key(|(rank, ..)| *rank);
        let mut networks = Vec::new();
        let (mut first, mut second) = (Vec::new(), Vec::new());
        for (_, network, known) in fit {
            if networks.contains(&network) {
                second.push(known);
            } else {
                networks.push(network);
                first.push(known);
            }
        }
        first
            .into_iter()
            .chain(second)
            .take(count)
            .map(|known| known.record.to_wire())
            .collect()
    }

    pub fn len(&self) -> usize {
        self.known.len()
    }

    pub fn records(&self) -> usize {
        self.ends.len()
    }
}

fn breach(field: &'static str, reason: String) -> Malformed {
    Malformed::Field {
        what: "node record",
        field,
        reason,
    }
}

/// The DNS name that an address begins with.
fn name(address: &Multiaddr) -> Option<String> {
    match address.iter().next()? {
        Protocol::Dns(name) | Protocol::Dns4(name) | Protocol::Dns6(name) => {
            Some(name.to_ascii_lowercase())
        }
        _ => None,
    }
}

/// How far an address reaches. Names that only a host or a network resolves are theirs; what
/// begins with neither an IP address nor a name doesn't leave the process.
pub(super) fn reach(address: &Multiaddr) -> Reach {
    match name(address) {
        Some(name) if name == "localhost" || name.ends_with(".localhost") => Reach::Loopback,
        Some(name) if name.ends_with(".local") => Reach::Private,
        Some(_) => Reach::Global,
        None => addresses::ip(address).map_or(Reach::Loopback, addresses::reach),
    }
}

fn is_secure(address: &Multiaddr) -> bool {
    address
        .iter()
        .any(|protocol| matches!(protocol, Protocol::Wss(_) | Protocol::Tls))
        && addresses::is_for_browsers(address)
}

/// The network that an address is in: /16 of IPv4, /32 of IPv6.
fn network(address: &Multiaddr) -> Option<[u8; 4]> {
    match addresses::ip(address)?.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            Some([a, b, 0, 0])
        }
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.octets();
            Some([a, b, c, d])
        }
    }
}
