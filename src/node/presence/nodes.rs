use std::collections::{HashMap, HashSet, VecDeque};

use libp2p::PeerId;
use web_time::Instant;

use super::Config;
use crate::clock::Now;

/// The nodes that serve a room with this one, and those of which it was said that they do.
#[derive(Default)]
pub(super) struct RoomNodes {
    /// Who subscribed to the topic, or spoke of the room, over a link.
    known: HashMap<PeerId, Node>,
    /// Whom the DHT or memory names; the latest last.
    said: VecDeque<PeerId>,
    /// Who wasn't heard though a peer may be attached there; the latest last.
    unheard: VecDeque<PeerId>,
    /// Who was asked for a snapshot and hasn't answered.
    asked: HashSet<PeerId>,
    snapshots: usize,
}

struct Node {
    since: Instant,
    heard: Instant,
    /// The link is gone and the node hasn't been back in the room.
    lost: bool,
    /// It could not be dialed since.
    failed: bool,
    dead: bool,
}

impl RoomNodes {
    /// A linked node serves the room. `true` if it was presumed dead until now.
    pub fn confirm(&mut self, node: PeerId, now: Now, config: &Config) -> bool {
        self.said.retain(|other| *other != node);
        let unheard = self.unheard.len();
        self.unheard.retain(|other| *other != node);
        let unheard = unheard > self.unheard.len();
        if let Some(known) = self.known.get_mut(&node) {
            known.heard = now.instant;
            if known.lost {
                known.since = now.instant;
            }
            known.lost = false;
            known.failed = false;
            return std::mem::take(&mut known.dead) || unheard;
        }
        if self.known.len() >= config.max_nodes_per_room {
            let oldest = self.known.iter().filter(|(_, known)| known.lost);
            let Some(oldest) = oldest
                .min_by_key(|(_, known)| known.heard)
                .map(|(id, _)| *id)
            else {
                return unheard;
            };
            self.known.remove(&oldest);
        }
        self.known.insert(
            node,
            Node {
                since: now.instant,
                heard: now.instant,
                lost: false,
                failed: false,
                dead: false,
            },
        );
        unheard
    }

    /// Takes note of nodes that are said to serve the room.
    pub fn hear_of(&mut self, nodes: impl IntoIterator<Item = PeerId>, config: &Config) {
        for node in nodes {
            if self.known.contains_key(&node) || self.said.contains(&node) {
                continue;
            }
            if self.said.len() >= config.max_nodes_per_room {
                self.said.pop_front();
            }
            self.said.push_back(node);
        }
    }

    /// Whether a node that has just been linked may serve the room.
    pub fn may_serve(&self, node: &PeerId) -> bool {
        self.known.contains_key(node) || self.said.contains(node)
    }

    /// Whether a linked node is known to serve the room.
    pub fn serves(&self, node: &PeerId) -> bool {
        self.known.get(node).is_some_and(|known| !known.lost)
    }

    /// The link to a node is gone. `true` if it served the room and is to be found again: not
    /// if it has just been linked and there are enough others, for then one side cut the link
    /// because it has too many, and would do so again.
    pub fn lose(&mut self, node: &PeerId, now: Now, config: &Config) -> bool {
        self.asked.remove(node);
        let Some(known) = self.known.get_mut(node).filter(|known| !known.lost) else {
            return false;
        };
        known.lost = true;
        known.heard = now.instant;
        let linked_for = now.instant.saturating_duration_since(known.since);
        if linked_for < config.silence() && self.linked().count() >= config.room_links {
            self.known.remove(node);
            return false;
        }
        true
    }

    /// The node could not be dialed.
    pub fn fail(&mut self, node: &PeerId) {
        if let Some(known) = self.known.get_mut(node) {
            known.failed = known.lost;
        }
    }

    /// The node has stopped serving the room.
    pub fn remove(&mut self, node: &PeerId) {
        self.known.remove(node);
        self.asked.remove(node);
    }

    /// Linked nodes that serve the room.
    pub fn linked(&self) -> impl Iterator<Item = PeerId> + '_ {
        let linked = self.known.iter().filter(|(_, known)| !known.lost);
        linked.map(|(node, _)| *node)
    }

    /// Up to `n` linked nodes that serve the room, those first who have done so for longest.
    pub fn eldest(&self, n: usize) -> Vec<PeerId> {
        let linked = self.known.iter().filter(|(_, known)| !known.lost);
        let mut eldest: Vec<_> = linked.map(|(node, known)| (known.since, *node)).collect();
        eldest.sort_unstable();
        eldest.into_iter().map(|(_, node)| node).take(n).collect()
    }

    /// Nodes to remember: those that are linked, then the rest.
    pub fn remembered(&self, n: usize) -> Vec<PeerId> {
        let mut nodes = self.eldest(n);
        let lost = self
            .known
            .iter()
            .filter(|(_, known)| known.lost && !known.dead);
        nodes.extend(lost.map(|(node, _)| *node));
        nodes.extend(&self.said);
        nodes.truncate(n);
        nodes
    }

    /// Nodes that may serve the room but haven't been heard of it, or not since they were lost.
    pub fn silent(&self) -> impl Iterator<Item = PeerId> + '_ {
        self.lost().chain(self.said.iter().copied())
    }

    /// Lost nodes.
    pub fn lost(&self) -> impl Iterator<Item = PeerId> + '_ {
        let lost = self.known.iter().filter(|(_, known)| known.lost);
        lost.map(|(node, _)| *node)
    }

    /// Lost nodes that have now missed their digests and could not be dialed: they are presumed
    /// dead. A link that only was cut to save connections says nothing about the node.
    pub fn bury(&mut self, now: Now, config: &Config) -> Vec<PeerId> {
        let mut dead = Vec::new();
        self.known.retain(|node, known| {
            let silence = now.instant.saturating_duration_since(known.heard);
            if known.failed && !known.dead && silence >= config.silence() {
                known.dead = true;
                dead.push(*node);
            }
            !(known.lost && silence >= config.forget_node())
        });
        dead
    }

    /// The node isn't heard to serve the room, though a peer may be attached there.
    pub fn convict(&mut self, node: PeerId, config: &Config) {
        if !self.unheard.contains(&node) {
            if self.unheard.len() >= config.max_nodes_per_room {
                self.unheard.pop_front();
            }
            self.unheard.push_back(node);
        }
    }

    /// Whether to ask this node for a snapshot: while few have been taken.
    pub fn ask(&mut self, node: PeerId, config: &Config) -> bool {
        self.snapshots + self.asked.len() < config.snapshots && self.asked.insert(node)
    }

    /// The node sent records: its snapshot, if it was asked for one.
    pub fn answered(&mut self, node: &PeerId) {
        self.snapshots += usize::from(self.asked.remove(node));
    }

    /// Gives up those who haven't answered: others may be asked in their place.
    pub fn ask_anew(&mut self) {
        self.asked.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_lost_node_is_dead_after_two_digests_and_alive_when_it_is_back() {
        let config = Config::default();
        let (node, now) = (PeerId::random(), Now::read());
        let mut nodes = RoomNodes::default();
        assert!(!nodes.confirm(node, now, &config));
        let day = now.after(Duration::from_secs(86_400));
        assert!(nodes.bury(day, &config).is_empty(), "its link is open");
        assert!(nodes.lose(&node, day, &config));
        assert!(!nodes.lose(&node, day, &config));
        let soon = day.after(Duration::from_secs(59));
        assert!(nodes.bury(soon, &config).is_empty());
        let late = day.after(Duration::from_secs(60));
        assert!(nodes.bury(late, &config).is_empty(), "it was not dialed");
        nodes.fail(&node);
        assert_eq!(nodes.bury(late, &config), [node]);
        assert!(nodes.bury(late, &config).is_empty(), "once");
        assert!(nodes.confirm(node, late, &config));
        assert_eq!(nodes.linked().collect::<Vec<_>>(), [node]);
        nodes.lose(&node, late, &config);
        nodes.bury(late.after(Duration::from_secs(3600)), &config);
        assert!(!nodes.may_serve(&node), "forgotten");
    }

    #[test]
    fn the_lost_make_way_and_nothing_grows() {
        let config = Config {
            max_nodes_per_room: 4,
            ..Config::default()
        };
        let now = Now::read();
        let mut nodes = RoomNodes::default();
        let first = PeerId::random();
        nodes.confirm(first, now, &config);
        nodes.lose(&first, now, &config);
        for _ in 0..20 {
            nodes.confirm(PeerId::random(), now, &config);
            nodes.hear_of([PeerId::random(), PeerId::random()], &config);
        }
        assert_eq!(nodes.known.len(), 4);
        assert_eq!(nodes.said.len(), 4);
        assert!(!nodes.known.contains_key(&first));
        assert_eq!(nodes.remembered(6).len(), 6);
    }

    #[test]
    fn a_link_that_is_cut_as_soon_as_it_is_made_is_let_go() {
        let config = Config::default();
        let (now, node) = (Now::read(), PeerId::random());
        let mut nodes = RoomNodes::default();
        nodes.confirm(node, now, &config);
        let soon = now.after(Duration::from_secs(59));
        assert!(nodes.lose(&node, soon, &config), "there are no others");
        nodes.confirm(node, soon, &config);
        for _ in 0..8 {
            nodes.confirm(PeerId::random(), soon, &config);
        }
        let late = soon.after(Duration::from_secs(60));
        assert!(nodes.lose(&node, late, &config), "it was here for long");
        nodes.confirm(node, late, &config);
        assert!(!nodes.lose(&node, late, &config));
        assert_eq!(nodes.lost().count(), 0);
    }

    #[test]
    fn few_are_asked() {
        let config = Config::default();
        let mut nodes = RoomNodes::default();
        let ids: Vec<_> = (0..5).map(|_| PeerId::random()).collect();
        assert!(ids[..3].iter().all(|id| nodes.ask(*id, &config)));
        assert!(!nodes.ask(ids[3], &config));
        nodes.answered(&ids[0]);
        nodes.ask_anew();
        assert!(nodes.ask(ids[3], &config));
        assert!(nodes.ask(ids[4], &config));
        assert!(!nodes.ask(ids[1], &config));
    }
}
