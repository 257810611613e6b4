use std::collections::{BTreeSet, HashMap};

use libp2p::PeerId;

use super::{Config, check, digest, rank::Rank};
use crate::{
    clock::Now,
    wire::{Bytes, Millis, Signed, presence::Count},
};

/// How many members a room has: node by node, the greater of what its count says and of those
/// who are known by their records to have their first attachment there. So each member counts
/// once, whether the nodes take the room to be big or not, and a node is believed for itself
/// alone.
#[derive(Default)]
pub(super) struct Counts {
    nodes: HashMap<PeerId, Node>,
    /// When counts are over.
    ends: BTreeSet<(Millis, PeerId)>,
    /// Who has said a count: the smallest ranks are kept.
    ranks: BTreeSet<(Rank, PeerId)>,
    size: usize,
    serving: usize,
    /// Other nodes that say they have members.
    counting: usize,
}

#[derive(Default)]
struct Node {
    /// Members known by their records.
    here: usize,
    claim: Option<Claim>,
    /// Presumed dead: nobody is attached to it.
    dead: bool,
    /// This node: it knows better than what it last said.
    own: bool,
}

struct Claim {
    members: usize,
    seq: u64,
    end: Millis,
    rank: Rank,
    hash: u64,
    wire: Bytes,
}

impl Node {
    fn members(&self) -> usize {
        let claim = self.claim.as_ref().filter(|_| !self.dead && !self.own);
        self.here.max(claim.map_or(0, |claim| claim.members))
    }

    fn counts(&self) -> bool {
        let claim = self.claim.as_ref().filter(|_| !self.dead && !self.own);
        claim.is_some_and(|claim| claim.members > 0)
    }

    fn is_empty(&self) -> bool {
        self.here == 0 && self.claim.is_none() && !self.dead && !self.own
    }
}

impl Counts {
    /// As `own` sees it.
    pub fn new(own: PeerId) -> Self {
        let mut counts = Counts::default();
        counts.change(own, |node| node.own = true);
        counts
    }

    /// Members of the room.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Nodes that have some.
    pub fn serving(&self) -> usize {
        self.serving
    }

    /// Whether another node counts its members, because it takes the room to be big.
    pub fn others_count(&self) -> bool {
        self.counting > 0
    }

    /// Whether a node has said how many members it has, so that they count without a name.
    pub fn has_said(&self, node: &PeerId) -> bool {
        self.nodes.get(node).is_some_and(Node::counts)
    }

    /// Counts that are kept.
    pub fn len(&self) -> usize {
        self.ranks.len()
    }

    /// Members known by their records who have their first attachment at `node`.
    pub fn here(&self, node: &PeerId) -> usize {
        self.nodes.get(node).map_or(0, |node| node.here)
    }

    /// A member's first attachment was at one node and is at another.
    pub fn moved(&mut self, from: Option<PeerId>, to: Option<PeerId>) {
        if from == to {
            return;
        }
        if let Some(from) = from {
            self.change(from, |node| node.here = node.here.saturating_sub(1));
        }
        if let Some(to) = to {
            self.change(to, |node| node.here += 1);
        }
    }

    /// Presumes a node dead, or no longer so.
    pub fn presume(&mut self, node: PeerId, dead: bool) {
        self.change(node, |node| node.dead = dead);
    }

    /// Takes in a count. `true` if others should hear of it: where a node says one each second
    /// or faster, not all of them travel.
    pub fn merge(
        &mut self,
        count: &Signed<Count>,
        space: usize,
        now: Now,
        config: &Config,
    ) -> bool {
        if !check::is_timely_count(count, now) {
            return false;
        }
        let known = self.claim(&count.node);
        if known
            .is_some_and(|known| (known.seq, known.wire.as_slice()) >= (count.seq, count.bytes()))
        {
            return false;
        }
        let rank = Rank::of_node(&count.network, &count.room, &count.node);
        let news = known.is_none_or(|known| count.seq >= known.seq.saturating_add(1_000));
        if known.is_none() && !self.make_room(rank, space, config) {
            return false;
        }
        let most = config.max_local;
        let claim = Claim {
            members: usize::try_from(count.members).map_or(most, |members| members.min(most)),
            seq: count.seq,
            end: check::over(count.expires),
            rank,
            hash: digest::hash(count.bytes()),
            wire: count.to_wire(),
        };
        self.set(count.node, Some(claim));
        news
    }

    /// Whether there is a place for a count of this rank, if need be another's.
    fn make_room(&mut self, rank: Rank, space: usize, config: &Config) -> bool {
        if self.ranks.len() < config.max_counts && space > 0 {
            return true;
        }
        match self.ranks.last().copied() {
            Some((last, node)) if rank < last => {
                self.set(node, None);
                true
            }
            _ => false,
        }
    }

    /// Whether a count of this node would be kept.
    pub fn admits(&self, network: &str, room: &str, node: &PeerId, config: &Config) -> bool {
        self.ranks.len() < config.max_counts
            || self.claim(node).is_some()
            || self
                .ranks
                .last()
                .is_some_and(|(last, _)| Rank::of_node(network, room, node) < *last)
    }

    /// Forgets what is over.
    pub fn expire(&mut self, now: Now) {
        while let Some((end, node)) = self.ends.first().copied()
            && end <= now.millis
        {
            self.set(node, None);
        }
    }

    /// When the first count is over.
    pub fn next_end(&self) -> Option<Millis> {
        self.ends.first().map(|(end, _)| *end)
    }

    /// A node's count, as it is sent.
    pub fn wire(&self, node: &PeerId) -> Option<&Bytes> {
        self.claim(node).map(|claim| &claim.wire)
    }

    /// The sequence of a node's count.
    pub fn seq(&self, node: &PeerId) -> Option<u64> {
        self.claim(node).map(|claim| claim.seq)
    }

    /// All counts: of whom, what each puts into a digest, and as it is sent.
    pub fn all(&self) -> impl Iterator<Item = (&PeerId, u64, &Bytes)> {
        self.nodes.iter().filter_map(|(id, node)| {
            let claim = node.claim.as_ref()?;
            Some((id, claim.hash, &claim.wire))
        })
    }

    fn claim(&self, node: &PeerId) -> Option<&Claim> {
        self.nodes.get(node)?.claim.as_ref()
    }

    fn set(&mut self, node: PeerId, claim: Option<Claim>) {
        if let Some(claim) = &claim {
            self.ends.insert((claim.end, node));
            self.ranks.insert((claim.rank, node));
        }
        let before = self.change(node, |node| std::mem::replace(&mut node.claim, claim));
        if let Some(before) = before {
            let now = self.claim(&node).map(|claim| claim.end);
            if now != Some(before.end) {
                self.ends.remove(&(before.end, node));
            }
            if now.is_none() {
                self.ranks.remove(&(before.rank, node));
            }
        }
    }

    /// The one place where a node's share changes.
    fn change<T>(&mut self, id: PeerId, change: impl FnOnce(&mut Node) -> T) -> T {
        let node = self.nodes.entry(id).or_default();
        let (before, counted) = (node.members(), node.counts());
        let result = change(node);
        let (after, counts) = (node.members(), node.counts());
        self.counting = self.counting + usize::from(counts) - usize::from(counted);
        self.size = self.size - before + after;
        self.serving = self.serving + usize::from(after > 0) - usize::from(before > 0);
        if node.is_empty() {
            self.nodes.remove(&id);
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{identity::Identity, wire::V1};

    fn count(node: &Identity, members: u64, seq: u64) -> Signed<Count> {
        let body = Count {
            v: V1,
            network: "n".into(),
            room: "r".into(),
            node: node.peer_id(),
            members,
            seq,
            expires: seq + 60_000,
        };
        Signed::sign(node, body)
    }

    #[test]
    fn each_member_counts_once() {
        let (config, now) = (Config::default(), Now::read());
        let (a, b, own) = (Identity::generate(), Identity::generate(), PeerId::random());
        let mut counts = Counts::new(own);
        for _ in 0..3 {
            counts.moved(None, Some(a.peer_id()));
            counts.moved(None, Some(b.peer_id()));
        }
        counts.moved(None, Some(own));
        assert_eq!((counts.size(), counts.serving()), (7, 3));
        assert!(counts.merge(&count(&a, 10, now.millis), 9, now, &config));
        assert_eq!(counts.size(), 14, "three of the ten are known by name");
        assert!(counts.merge(&count(&b, 2, now.millis), 9, now, &config));
        assert_eq!(counts.size(), 14, "three are known by name");
        counts.moved(Some(b.peer_id()), Some(a.peer_id()));
        counts.moved(Some(b.peer_id()), None);
        assert_eq!(counts.size(), 13, "two are said");
        counts.presume(a.peer_id(), true);
        assert_eq!(counts.size(), 7, "four records and no more");
        counts.presume(a.peer_id(), false);
        counts.expire(now.after(Duration::from_secs(60)));
        assert_eq!(counts.size(), 13, "clocks may differ");
        counts.expire(now.after(Duration::from_secs(180)));
        assert_eq!((counts.size(), counts.len()), (6, 0));
    }

    #[test]
    fn a_node_speaks_for_itself_and_no_more_than_it_can_serve() {
        let (config, now) = (Config::default(), Now::read());
        let (a, own) = (Identity::generate(), Identity::generate());
        let mut counts = Counts::new(own.peer_id());
        assert!(counts.merge(&count(&a, u64::MAX, now.millis), 9, now, &config));
        assert_eq!(counts.size(), config.max_local);
        assert!(!counts.merge(&count(&a, 5, now.millis - 1), 9, now, &config));
        assert!(!counts.merge(&count(&a, 5, now.millis + 200_000), 9, now, &config));
        let soon = count(&a, 5, now.millis + 999);
        assert!(!counts.merge(&soon, 9, now, &config), "isn't passed on");
        assert_eq!(counts.size(), 5, "but counts");
        counts.merge(&count(&own, 900, now.millis), 9, now, &config);
        assert_eq!(counts.size(), 5, "what it once said of itself");
    }

    #[test]
    fn of_too_many_everybody_keeps_the_same() {
        let config = Config {
            max_counts: 8,
            ..Config::default()
        };
        let now = Now::read();
        let nodes: Vec<_> = (0..40).map(|_| Identity::generate()).collect();
        let keep = |order: &mut dyn Iterator<Item = &Identity>| {
            let mut counts = Counts::new(PeerId::random());
            for node in order {
                counts.merge(&count(node, 1, now.millis), 9, now, &config);
            }
            assert_eq!((counts.len(), counts.size()), (8, 8));
            let mut kept: Vec<_> = counts.all().map(|(node, ..)| *node).collect();
            kept.sort_unstable();
            kept
        };
        assert_eq!(keep(&mut nodes.iter()), keep(&mut nodes.iter().rev()));
    }
}
