//! Nodes that this node knows, and how to dial them: what brings it back when every bootstrap
//! node is gone.

use std::collections::HashMap;

use libp2p::{Multiaddr, PeerId, multiaddr::Protocol};
use serde::{Deserialize, Serialize};

use crate::{clock::Now, wire::Millis};

/// Nodes kept. Enough that, of nodes that live for an hour, some still stand a day later.
const MAX_NODES: usize = 512;
/// Addresses kept of one node.
const MAX_ADDRESSES: usize = 8;
/// Failed dials after which a node is forgotten, unless it was given by hand.
const MAX_FAILURES: u32 = 6;
/// Milliseconds until a dial is tried again after the first failure; doubled by each further
/// one, up to 60 s.
const RETRY_MS: Millis = 2_000;
const MAX_RETRY_MS: Millis = 60_000;

/// One node, as the file has it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Entry {
    addresses: Vec<Multiaddr>,
    /// When it was last connected; 0 if never.
    seen: Millis,
    /// Given by hand: never forgotten, not written to disk.
    #[serde(skip)]
    pinned: bool,
    #[serde(skip)]
    failures: u32,
    #[serde(skip)]
    tried: Millis,
}

/// The nodes that a node knows.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AddressBook {
    nodes: HashMap<PeerId, Entry>,
    #[serde(skip)]
    changed: bool,
}

impl AddressBook {
    /// Adds a node that the operator named.
    pub fn pin(&mut self, node: PeerId, address: Multiaddr) {
        let entry = self.entry(node);
        entry.pinned = true;
        push(&mut entry.addresses, address);
    }

    /// A dial to this address has reached the node: the address goes to the front.
    pub fn dialed(&mut self, node: PeerId, address: Multiaddr) {
        if let Some(entry) = self.nodes.get_mut(&node) {
            let address = without_peer_id(address);
            entry.addresses.retain(|other| *other != address);
            entry.addresses.insert(0, address);
            entry.addresses.truncate(MAX_ADDRESSES);
            entry.failures = 0;
        }
    }

    /// Another node says that it can be dialed there.
    pub fn heard_of(&mut self, node: PeerId, addresses: impl IntoIterator<Item = Multiaddr>) {
        let entry = self.entry(node);
        for address in addresses.into_iter().take(MAX_ADDRESSES) {
            push(&mut entry.addresses, address);
        }
        self.trim();
    }

    /// A node is connected and says that it listens on these addresses.
    pub fn met(&mut self, node: PeerId, addresses: impl IntoIterator<Item = Multiaddr>, now: Now) {
        let entry = self.entry(node);
        entry.seen = now.millis;
        entry.failures = 0;
        let former = std::mem::take(&mut entry.addresses);
        for address in addresses.into_iter().chain(former) {
            push(&mut entry.addresses, address);
        }
        self.changed = true;
        self.trim();
    }

    /// A dial has failed.
    pub fn failed(&mut self, node: &PeerId) {
        let Some(entry) = self.nodes.get_mut(node) else {
            return;
        };
        entry.failures += 1;
        if entry.failures >= MAX_FAILURES && !entry.pinned {
            self.nodes.remove(node);
            self.changed = true;
        }
    }

    /// It can't be used at all: it belongs to another network.
    pub fn forget(&mut self, node: &PeerId) {
        self.changed |= self.nodes.remove(node).is_some();
    }

    /// The addresses of a node.
    pub fn addresses(&self, node: &PeerId) -> &[Multiaddr] {
        self.nodes
            .get(node)
            .map(|entry| &entry.addresses[..])
            .unwrap_or_default()
    }

    /// Up to `count` nodes worth a dial now, the last seen first, and counts them as tried.
    pub fn candidates(
        &mut self,
        count: usize,
        now: Now,
        mut usable: impl FnMut(&PeerId) -> bool,
    ) -> Vec<PeerId> {
        let mut due: Vec<_> = self
            .nodes
            .iter()
            .filter(|(node, entry)| {
                let wait = (RETRY_MS << entry.failures.min(5)).min(MAX_RETRY_MS);
                (entry.tried == 0 || entry.tried + wait <= now.millis) && usable(node)
            })
            .map(|(node, entry)| (entry.pinned, entry.seen, *node))
            .collect();
        due.sort_unstable_by(|a, b| b.cmp(a));
        due.truncate(count);
        due.into_iter()
            .map(|(_, _, node)| {
                self.entry(node).tried = now.millis;
                node
            })
            .collect()
    }

    /// Nodes in the book.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether no node is known.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Whether it has changed since the last call.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    fn entry(&mut self, node: PeerId) -> &mut Entry {
        self.nodes.entry(node).or_insert_with(|| Entry {
            addresses: Vec::new(),
            seen: 0,
            pinned: false,
            failures: 0,
            tried: 0,
        })
    }

    /// Forgets the longest unseen beyond the bound.
    fn trim(&mut self) {
        while self.nodes.len() > MAX_NODES {
            let oldest = self
                .nodes
                .iter()
                .filter(|(_, entry)| !entry.pinned)
                .min_by_key(|(_, entry)| entry.seen)
                .map(|(node, _)| *node);
            match oldest {
                Some(node) => self.nodes.remove(&node),
                None => return,
            };
        }
    }
}

fn push(addresses: &mut Vec<Multiaddr>, address: Multiaddr) {
    let address = without_peer_id(address);
    if !addresses.contains(&address) && addresses.len() < MAX_ADDRESSES {
        addresses.push(address);
    }
}

/// The address without a `/p2p/…` at its end.
pub fn without_peer_id(mut address: Multiaddr) -> Multiaddr {
    if matches!(address.iter().last(), Some(Protocol::P2p(_))) {
        address.pop();
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn address(port: u16) -> Multiaddr {
        format!("/ip4/127.0.0.1/tcp/{port}").parse().unwrap()
    }

    #[test]
    fn survives_a_restart_with_the_last_seen_first() {
        let (early, late) = (PeerId::random(), PeerId::random());
        let now = Now::read();
        let mut book = AddressBook::default();
        book.met(early, [address(1)], now);
        book.met(late, [address(2)], now.after(Duration::from_secs(1)));
        let text = serde_json::to_string(&book).unwrap();
        let mut again: AddressBook = serde_json::from_str(&text).unwrap();
        assert_eq!(again.addresses(&early), [address(1)]);
        assert_eq!(again.candidates(2, now, |_| true), [late, early]);
        assert_eq!(again.candidates(2, now, |_| true), [], "not twice at once");
        let later = now.after(Duration::from_secs(5));
        assert_eq!(again.candidates(1, later, |node| *node == early), [early]);
    }

    #[test]
    fn forgets_who_is_never_there_but_not_who_was_named() {
        let (met, named) = (PeerId::random(), PeerId::random());
        let mut book = AddressBook::default();
        book.met(met, [address(1)], Now::read());
        book.pin(named, address(2));
        for _ in 0..MAX_FAILURES {
            book.failed(&met);
            book.failed(&named);
        }
        assert!(book.addresses(&met).is_empty());
        assert_eq!(book.addresses(&named), [address(2)]);
    }

    #[test]
    fn is_bounded() {
        let mut book = AddressBook::default();
        let now = Now::read();
        for second in 0..(MAX_NODES as u64 + 10) {
            let many = (0..100).map(address);
            book.met(
                PeerId::random(),
                many,
                now.after(Duration::from_secs(second)),
            );
        }
        assert_eq!(book.len(), MAX_NODES);
        assert!(
            book.nodes
                .values()
                .all(|entry| entry.addresses.len() <= MAX_ADDRESSES)
        );
    }
}
