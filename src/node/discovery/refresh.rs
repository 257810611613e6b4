//! Which buckets of the DHT's routing table get a look-up of their own.
//!
//! After the look-up of the node itself, kad looks up a key for each bucket that is farther than
//! the nearest neighbour: a dozen look-ups of some 40 requests for a node that joins a thousand
//! others, half of them for keys that miss their bucket. Here the table is looked at: only far
//! buckets that are short of nodes get one.

use std::collections::BTreeMap;

use libp2p::{PeerId, kad::KBucketKey};

/// As many as a look-up ends with: the near buckets that hold no more together need none of
/// their own.
const NEAR: usize = 20;
/// A far bucket with fewer gets a look-up.
const ENOUGH: usize = 10;
/// Buckets beyond, of nodes that share more than this many first bits with this one, are left
/// to chance: a key for one of them is found by 2¹³ hashes, about a millisecond.
const DEEPEST: u32 = 12;

/// Nodes in the routing table, by the number of first bits that they share with this one.
pub type Depths = BTreeMap<u32, usize>;

/// Rounds of look-ups, one after the other, that begin when the node has looked itself up.
#[derive(Debug)]
pub struct Refresh {
    node: KBucketKey<PeerId>,
    /// The bucket whose turn is next, in a round.
    depth: Option<u32>,
}

impl Refresh {
    /// Nothing to be looked up yet.
    pub fn new(node: PeerId) -> Self {
        Refresh {
            node: node.into(),
            depth: None,
        }
    }

    /// The node has looked itself up: what to look up now. `table` is asked for when no round is
    /// under way.
    pub fn begin(&mut self, table: impl FnOnce() -> Depths) -> Option<Vec<u8>> {
        if self.depth.is_some() {
            return None;
        }
        self.depth = Some(0);
        self.next(&table())
    }

    /// A look-up has ended: what to look up now.
    pub fn next(&mut self, table: &Depths) -> Option<Vec<u8>> {
        let first = self.depth?;
        let short = |depth: &u32| table.get(depth).is_none_or(|nodes| *nodes < ENOUGH);
        let found = (first..far(table)).find(short);
        self.depth = found.map(|depth| depth + 1);
        found.map(|depth| key_at(&self.node, depth))
    }
}

/// The number of far buckets: behind them come no more nodes than a look-up ends with.
fn far(table: &Depths) -> u32 {
    let mut left: usize = table.values().sum();
    let near = table.iter().find(|&(_, nodes)| {
        let all = left <= NEAR;
        left -= nodes;
        all
    });
    let deepest = table.keys().next_back().map_or(0, |depth| depth + 1);
    near.map_or(deepest, |(depth, _)| *depth).min(DEEPEST)
}

/// A key that shares exactly the first `depth` bits with this node.
fn key_at(node: &KBucketKey<PeerId>, depth: u32) -> Vec<u8> {
    loop {
        let key = rand::random::<[u8; 32]>().to_vec();
        if depth_of(node, &KBucketKey::new(key.clone())) == Some(depth) {
            return key;
        }
    }
}

fn depth_of(node: &KBucketKey<PeerId>, key: &KBucketKey<Vec<u8>>) -> Option<u32> {
    node.distance(key).ilog2().map(|bit| 255 - bit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(refresh: &mut Refresh, table: &Depths) -> Vec<u32> {
        let mut next = refresh.begin(|| table.clone());
        let mut depths = Vec::new();
        while let Some(key) = next {
            assert_eq!(refresh.begin(|| table.clone()), None, "one round at a time");
            depths.extend(depth_of(&refresh.node, &KBucketKey::new(key)));
            next = refresh.next(table);
        }
        depths
    }

    #[test]
    fn looks_up_what_is_far_and_short() {
        let mut refresh = Refresh::new(PeerId::random());
        assert!(round(&mut refresh, &Depths::new()).is_empty());
        // The near ones, of depth 6 and more, are 16.
        let mut table: Depths = [(0, 4), (1, 20), (2, 3), (3, 20), (5, 9), (6, 9)].into();
        table.extend([(7, 5), (9, 2)]);
        assert_eq!(round(&mut refresh, &table), [0, 2, 4, 5]);
        assert_eq!(round(&mut refresh, &table), [0, 2, 4, 5], "and again");
    }

    #[test]
    fn what_a_look_up_has_filled_is_left() {
        let mut refresh = Refresh::new(PeerId::random());
        let mut table: Depths = [(0, 4), (1, 4), (2, 20), (3, 20)].into();
        let key = refresh.begin(|| table.clone()).expect("depth 0 is short");
        assert_eq!(depth_of(&refresh.node, &KBucketKey::new(key)), Some(0));
        table.insert(1, 10);
        assert_eq!(refresh.next(&table), None);
        assert_eq!(refresh.next(&table), None, "nobody's look-up");
    }

    #[test]
    fn a_small_table_needs_none() {
        let mut refresh = Refresh::new(PeerId::random());
        assert!(round(&mut refresh, &[(0, 8), (1, 8), (5, 4)].into()).is_empty());
    }

    #[test]
    fn deep_tables_are_bounded() {
        let table: Depths = (0..40).map(|depth| (depth, 20)).collect();
        assert_eq!(far(&table), DEEPEST);
        assert_eq!(far(&Depths::new()), 0);
    }
}
