use std::collections::{HashMap, HashSet};

use libp2p::PeerId;
use web_time::Instant;

use super::{Config, topic::Topic};
use crate::{clock::Now, node::Budget};

/// The nodes that this one is, was or tried to be connected to.
#[derive(Default)]
pub(super) struct Neighbours {
    nodes: HashMap<PeerId, Neighbour>,
    /// Who subscribes to a topic, be it served here or not: a room may open later.
    topics: HashMap<Topic, HashSet<PeerId>>,
    linked: usize,
}

#[derive(Default)]
struct Neighbour {
    linked: bool,
    dialed: Option<Instant>,
    topics: HashSet<Topic>,
    answers: Option<Budget>,
}

impl Neighbours {
    /// The link to `node` is open. Gives the topics that it is known to subscribe to.
    pub fn link(&mut self, node: PeerId, config: &Config) -> Vec<Topic> {
        self.make_room(&node, config);
        let neighbour = self.nodes.entry(node).or_default();
        self.linked += usize::from(!neighbour.linked);
        neighbour.linked = true;
        neighbour.topics.iter().copied().collect()
    }

    /// The neighbour is gone, and with it what it said. `false` if it wasn't linked.
    pub fn unlink(&mut self, node: &PeerId) -> bool {
        let Some(neighbour) = self.nodes.get_mut(node) else {
            return false;
        };
        for topic in std::mem::take(&mut neighbour.topics) {
            remove(&mut self.topics, &topic, node);
        }
        neighbour.answers = None;
        let linked = std::mem::take(&mut neighbour.linked);
        self.linked -= usize::from(linked);
        linked
    }

    pub fn is_linked(&self, node: &PeerId) -> bool {
        self.nodes
            .get(node)
            .is_some_and(|neighbour| neighbour.linked)
    }

    /// Links that are open.
    pub fn linked(&self) -> usize {
        self.linked
    }

    /// The neighbour subscribes to a topic.
    pub fn subscribe(&mut self, node: PeerId, topic: Topic, config: &Config) {
        self.make_room(&node, config);
        let neighbour = self.nodes.entry(node).or_default();
        if neighbour.topics.len() < config.max_topics_per_neighbour
            && neighbour.topics.insert(topic)
        {
            self.topics.entry(topic).or_default().insert(node);
        }
    }

    /// The neighbour no longer subscribes to a topic.
    pub fn unsubscribe(&mut self, node: &PeerId, topic: &Topic) {
        if let Some(neighbour) = self.nodes.get_mut(node) {
            neighbour.topics.remove(topic);
        }
        remove(&mut self.topics, topic, node);
    }

    /// Neighbours that subscribe to a topic, linked or not.
    pub fn subscribers(&self, topic: &Topic) -> Vec<PeerId> {
        let nodes = self.topics.get(topic).into_iter().flatten();
        nodes.copied().collect()
    }

    /// When the node was last dialed, if that is remembered.
    pub fn dialed(&self, node: &PeerId) -> Option<Instant> {
        self.nodes.get(node)?.dialed
    }

    /// Whether the node may be dialed now; then it is taken to be.
    pub fn dial(&mut self, node: PeerId, now: Now, config: &Config) -> bool {
        self.make_room(&node, config);
        let neighbour = self.nodes.entry(node).or_default();
        let rests = neighbour
            .dialed
            .is_some_and(|last| last + config.redial() > now.instant);
        if neighbour.linked || rests {
            return false;
        }
        neighbour.dialed = Some(now.instant);
        true
    }

    /// Whether so many signed messages may be sent to the neighbour in answer to it.
    pub fn may_answer(&mut self, node: &PeerId, n: usize, now: Now, config: &Config) -> bool {
        self.nodes.get_mut(node).is_some_and(|neighbour| {
            neighbour
                .answers
                .get_or_insert_with(|| Budget::new(config.answers(), now))
                .take(n, now)
        })
    }

    /// Forgets all who aren't linked when there are too many to remember. Those who are
    /// linked are as many as the swarm allows.
    fn make_room(&mut self, node: &PeerId, config: &Config) {
        if self.nodes.contains_key(node)
            || self.nodes.len() < config.max_neighbours.saturating_add(self.linked)
        {
            return;
        }
        let topics = &mut self.topics;
        self.nodes.retain(|node, neighbour| {
            if !neighbour.linked {
                for topic in &neighbour.topics {
                    remove(topics, topic, node);
                }
            }
            neighbour.linked
        });
    }
}

fn remove(topics: &mut HashMap<Topic, HashSet<PeerId>>, topic: &Topic, node: &PeerId) {
    if let Some(nodes) = topics.get_mut(topic) {
        nodes.remove(node);
        if nodes.is_empty() {
            topics.remove(topic);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_lost_neighbour_has_no_subscriptions() {
        let config = Config::default();
        let (node, topic) = (PeerId::random(), Topic::of("n", "r"));
        let mut neighbours = Neighbours::default();
        neighbours.subscribe(node, topic, &config);
        assert_eq!(neighbours.subscribers(&topic), [node], "linked or not");
        assert_eq!(neighbours.link(node, &config), [topic]);
        assert_eq!(neighbours.subscribers(&topic), [node]);
        assert!(neighbours.unlink(&node));
        assert!(!neighbours.unlink(&node));
        neighbours.subscribe(node, topic, &config);
        assert!(!neighbours.unlink(&node), "it never was linked");
        assert!(neighbours.link(node, &config).is_empty());
        assert!(neighbours.topics.is_empty());
    }

    #[test]
    fn dials_rest() {
        let config = Config::default();
        let (node, now) = (PeerId::random(), Now::read());
        let mut neighbours = Neighbours::default();
        assert!(neighbours.dial(node, now, &config));
        assert!(!neighbours.dial(node, now.after(Duration::from_secs(4)), &config));
        assert!(neighbours.dial(node, now.after(Duration::from_secs(5)), &config));
    }

    #[test]
    fn strangers_are_forgotten_and_the_linked_are_kept() {
        let config = Config {
            max_neighbours: 8,
            max_topics_per_neighbour: 4,
            ..Config::default()
        };
        let mut neighbours = Neighbours::default();
        let linked = PeerId::random();
        neighbours.link(linked, &config);
        for i in 0..100 {
            neighbours.subscribe(linked, Topic::of("n", &i.to_string()), &config);
            neighbours.subscribe(PeerId::random(), Topic::of("n", "r"), &config);
            neighbours.dial(PeerId::random(), Now::read(), &config);
            assert!(neighbours.nodes.len() <= 9);
        }
        assert!(neighbours.is_linked(&linked));
        assert_eq!(neighbours.nodes[&linked].topics.len(), 4);
        assert!(neighbours.topics.len() <= 5);
        assert!(neighbours.topics[&Topic::of("n", "r")].len() <= 8);
    }
}
