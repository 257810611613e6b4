//! How many nodes a node stays connected to, and which of them it may leave.

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    time::Duration,
};

use libp2p::PeerId;
use serde::{Deserialize, Serialize};
use web_time::Instant;

/// Bounds on connections to other nodes. Attached peers aren't counted.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Below this the node looks for more.
    pub low: usize,
    /// Above this it cuts, down to `low`.
    pub high: usize,
    /// Seconds that a new connection is left alone.
    pub grace_seconds: u64,
    /// Above this it cuts, down to `high`, without waiting for `grace_seconds`: a node that
    /// joins, or that many ask, meets hundreds of others for the sake of one question each.
    pub crowd: usize,
    /// Seconds that a new connection is left alone in a crowd: enough for a question, around
    /// the world.
    pub crowd_grace_seconds: u64,
    /// Nodes nearest to this one in the DHT that it never cuts: enough to answer for the keys
    /// around it without a dial.
    pub near: usize,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            low: 24,
            high: 48,
            grace_seconds: 20,
            crowd: 128,
            crowd_grace_seconds: 2,
            near: 8,
        }
    }
}

/// The nodes that this node is connected to.
#[derive(Debug, Default)]
pub struct Connections {
    nodes: HashMap<PeerId, Instant>,
    /// Those that nobody has taken for neighbours yet.
    fresh: HashSet<PeerId>,
}

impl Connections {
    /// A node is connected and has identified itself.
    pub fn add(&mut self, node: PeerId, now: Instant) {
        if let Entry::Vacant(entry) = self.nodes.entry(node) {
            entry.insert(now);
            self.fresh.insert(node);
        }
    }

    /// The last connection to it is gone.
    pub fn remove(&mut self, node: &PeerId) -> bool {
        self.fresh.remove(node);
        self.nodes.remove(node).is_some()
    }

    /// Connected nodes.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether `node` is one of them.
    pub fn contains(&self, node: &PeerId) -> bool {
        self.nodes.contains_key(node)
    }

    /// The connected nodes.
    pub fn iter(&self) -> impl Iterator<Item = &PeerId> {
        self.nodes.keys()
    }

    /// Nodes that are neighbours from now on, each once: all as long as there are few, and above
    /// the low water mark those that have outlived their grace.
    pub fn settle(&mut self, config: &Config, now: Instant) -> Vec<PeerId> {
        let few = self.nodes.len() <= config.low;
        let grace = Duration::from_secs(config.grace_seconds);
        let old = |node: &PeerId| {
            self.nodes
                .get(node)
                .is_none_or(|since| *since + grace <= now)
        };
        let mut settled: Vec<_> = self.fresh.extract_if(|node| few || old(node)).collect();
        settled.sort_unstable();
        settled
    }

    /// Which connections to cut: none up to the high water mark, and above it as many as are
    /// beyond the low one, the youngest first (long-lived nodes tend to live on), never one
    /// that is `needed`: in the gossip mesh, near in the DHT, serving a room of ours. In a crowd
    /// the young are cut too, until the high water mark is reached.
    pub fn to_cut(
        &self,
        config: &Config,
        now: Instant,
        needed: impl Fn(&PeerId) -> bool,
    ) -> Vec<PeerId> {
        let count = self.nodes.len();
        if count <= config.high {
            return Vec::new();
        }
        let grace = Duration::from_secs(config.grace_seconds);
        let mut cut = self.youngest(now, grace, &needed);
        cut.truncate(count - config.low);
        if count - cut.len() > config.crowd {
            let grace = Duration::from_secs(config.crowd_grace_seconds);
            cut = self.youngest(now, grace, &needed);
            cut.truncate(count - config.high);
        }
        cut
    }

    /// Those that are past their grace and not needed, the youngest first.
    fn youngest(
        &self,
        now: Instant,
        grace: Duration,
        needed: &impl Fn(&PeerId) -> bool,
    ) -> Vec<PeerId> {
        let mut spare: Vec<_> = self
            .nodes
            .iter()
            .filter(|(node, since)| **since + grace <= now && !needed(node))
            .map(|(node, since)| (*since, *node))
            .collect();
        spare.sort_unstable_by(|a, b| b.cmp(a));
        spare.into_iter().map(|(_, node)| node).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: Config = Config {
        low: 2,
        high: 4,
        grace_seconds: 20,
        crowd: 6,
        crowd_grace_seconds: 2,
        near: 0,
    };

    #[test]
    fn cuts_the_young_and_unneeded_beyond_the_mark() {
        let start = Instant::now();
        let later = |seconds| start + Duration::from_secs(seconds);
        let nodes: Vec<_> = (0..6).map(|_| PeerId::random()).collect();
        let mut connections = Connections::default();
        for (i, node) in nodes.iter().enumerate().take(4) {
            connections.add(*node, later(i as u64));
        }
        let none = |_: &PeerId| false;
        assert!(connections.to_cut(&CONFIG, later(100), none).is_empty());
        connections.add(nodes[4], later(4));
        assert!(
            connections.to_cut(&CONFIG, later(10), none).is_empty(),
            "too young"
        );
        assert_eq!(
            connections.to_cut(&CONFIG, later(100), none),
            [nodes[4], nodes[3], nodes[2]]
        );
        let needed = |node: &PeerId| *node == nodes[4] || *node == nodes[2];
        assert_eq!(
            connections.to_cut(&CONFIG, later(100), needed),
            [nodes[3], nodes[1], nodes[0]]
        );
        assert!(connections.to_cut(&CONFIG, later(100), |_| true).is_empty());
    }

    #[test]
    fn cuts_the_young_too_in_a_crowd() {
        let start = Instant::now();
        let later = |seconds| start + Duration::from_secs(seconds);
        let nodes: Vec<_> = (0..8).map(|_| PeerId::random()).collect();
        let mut connections = Connections::default();
        for node in &nodes[..6] {
            connections.add(*node, start);
        }
        let none = |_: &PeerId| false;
        assert!(connections.to_cut(&CONFIG, later(5), none).is_empty());
        connections.add(nodes[6], later(1));
        connections.add(nodes[7], later(4));
        let cut = connections.to_cut(&CONFIG, later(5), none);
        assert_eq!(cut.len(), 4, "down to the high water mark");
        assert_eq!(cut[0], nodes[6], "the youngest that is past its grace");
        assert!(!cut.contains(&nodes[7]), "a question may be under way");
    }

    #[test]
    fn few_are_neighbours_at_once_and_of_many_those_that_stay() {
        let start = Instant::now();
        let later = |seconds| start + Duration::from_secs(seconds);
        let nodes: Vec<_> = (0..4).map(|_| PeerId::random()).collect();
        let mut connections = Connections::default();
        connections.add(nodes[0], start);
        connections.add(nodes[0], later(1));
        assert_eq!(connections.settle(&CONFIG, start), [nodes[0]]);
        assert_eq!(connections.settle(&CONFIG, later(50)), [], "once");
        for node in &nodes[1..] {
            connections.add(*node, start);
        }
        connections.remove(&nodes[1]);
        assert_eq!(connections.settle(&CONFIG, later(19)), []);
        let mut stay = nodes[2..].to_vec();
        stay.sort_unstable();
        assert_eq!(connections.settle(&CONFIG, later(20)), stay);
    }
}
