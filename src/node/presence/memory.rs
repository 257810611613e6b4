use std::collections::{HashMap, VecDeque};

use libp2p::PeerId;

use super::{Config, topic::Topic};

/// Nodes of rooms that aren't served at present: where to ask first when they are again.
#[derive(Default)]
pub(super) struct Memory {
    rooms: HashMap<Topic, (String, Vec<PeerId>)>,
    /// The oldest first.
    order: VecDeque<Topic>,
}

impl Memory {
    /// Remembers the nodes of a room; the oldest room makes way.
    pub fn keep(&mut self, topic: Topic, room: String, mut nodes: Vec<PeerId>, config: &Config) {
        nodes.truncate(config.max_remembered_nodes);
        if nodes.is_empty() || config.max_remembered_rooms == 0 {
            return;
        }
        if self.rooms.insert(topic, (room, nodes)).is_some() {
            self.order.retain(|other| *other != topic);
        }
        self.order.push_back(topic);
        if self.order.len() > config.max_remembered_rooms
            && let Some(oldest) = self.order.pop_front()
        {
            self.rooms.remove(&oldest);
        }
    }

    /// Takes the nodes of a room that is served from now on.
    pub fn take(&mut self, topic: &Topic) -> Vec<PeerId> {
        self.order.retain(|other| other != topic);
        let taken = self.rooms.remove(topic);
        taken.map(|(_, nodes)| nodes).unwrap_or_default()
    }

    /// Everything that is remembered, the oldest first.
    pub fn all(&self) -> impl Iterator<Item = (String, Vec<PeerId>)> + '_ {
        self.order
            .iter()
            .filter_map(|topic| self.rooms.get(topic).cloned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_latest() {
        let config = Config {
            max_remembered_rooms: 2,
            max_remembered_nodes: 1,
            ..Config::default()
        };
        let node = PeerId::random();
        let mut memory = Memory::default();
        for room in ["a", "b", "a", "c", "empty"] {
            let nodes = if room == "empty" {
                vec![]
            } else {
                vec![node, PeerId::random()]
            };
            memory.keep(Topic::of("n", room), room.into(), nodes, &config);
        }
        let kept: Vec<_> = memory.all().collect();
        assert_eq!(kept, [("a".into(), vec![node]), ("c".into(), vec![node])]);
        assert_eq!(memory.take(&Topic::of("n", "a")), [node]);
        assert!(memory.take(&Topic::of("n", "a")).is_empty());
        assert_eq!(memory.all().count(), 1);
    }
}
