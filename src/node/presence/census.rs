use std::collections::HashMap;

use libp2p::PeerId;

/// Who is in a room, such that a sample costs no more than its size.
#[derive(Default)]
pub(super) struct Census {
    list: Vec<PeerId>,
    at: HashMap<PeerId, usize>,
}

impl Census {
    pub fn len(&self) -> usize {
        self.list.len()
    }

    pub fn contains(&self, peer: &PeerId) -> bool {
        self.at.contains_key(peer)
    }

    pub fn iter(&self) -> impl Iterator<Item = &PeerId> {
        self.list.iter()
    }

    pub fn insert(&mut self, peer: PeerId) {
        let end = self.list.len();
        self.at.entry(peer).or_insert_with(|| {
            self.list.push(peer);
            end
        });
    }

    pub fn remove(&mut self, peer: &PeerId) {
        if let Some(at) = self.at.remove(peer) {
            self.list.swap_remove(at);
            if let Some(moved) = self.list.get(at) {
                self.at.insert(*moved, at);
            }
        }
    }

    /// `n` members at random, or all if there are no more; never `except`.
    pub fn sample(&self, n: usize, except: &PeerId) -> Vec<PeerId> {
        let wanted = (n + 1).min(self.list.len());
        rand::seq::index::sample(&mut rand::rng(), self.list.len(), wanted)
            .into_iter()
            .map(|i| self.list[i])
            .filter(|peer| peer != except)
            .take(n)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn samples_members_alone_and_all_if_few() {
        let mut census = Census::default();
        let peers: Vec<_> = (0..100).map(|_| PeerId::random()).collect();
        peers.iter().for_each(|peer| census.insert(*peer));
        census.insert(peers[0]);
        assert_eq!(census.len(), 100);
        for gone in &peers[50..] {
            census.remove(gone);
        }
        census.remove(&peers[99]);
        let all: HashSet<_> = census.sample(64, &peers[0]).into_iter().collect();
        assert_eq!(all, peers[1..50].iter().copied().collect());
        for _ in 0..50 {
            let some: HashSet<_> = census.sample(10, &peers[3]).into_iter().collect();
            assert_eq!(some.len(), 10);
            assert!(some.is_subset(&peers[..50].iter().copied().collect()));
            assert!(!some.contains(&peers[3]));
        }
        assert!(Census::default().sample(3, &peers[0]).is_empty());
    }
}
