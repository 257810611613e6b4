//! Queries of the DHT under way, and what they have brought.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use libp2p::PeerId;
use web_time::Instant;

use crate::clock::Now;

/// Answers in a row without a new node after which a query that has found somebody has found
/// nearly everybody: twenty nodes keep a key, and name the same who are published under it.
const QUIET: usize = 4;

/// At most one query for a key at a time: who needs a key that is being looked for joins in.
#[derive(Debug)]
pub(super) struct Queries {
    active: HashMap<Vec<u8>, Query>,
    /// When each counts as over, in this order.
    ends: VecDeque<(Instant, Vec<u8>)>,
    life: Duration,
    max: usize,
    max_nodes: usize,
}

#[derive(Debug)]
struct Query {
    nodes: Vec<PeerId>,
    /// Answers that named nodes since one named a new one.
    quiet: usize,
    end: Instant,
}

/// What became of the wish to look for a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Begun {
    /// A query has to be started.
    Start,
    /// One is under way, and has found these.
    Joined(Vec<PeerId>),
    /// There are too many.
    Full,
}

impl Queries {
    pub fn new(life: Duration, max: usize, max_nodes: usize) -> Self {
        Queries {
            active: HashMap::new(),
            ends: VecDeque::new(),
            life,
            max,
            max_nodes,
        }
    }

    pub fn begin(&mut self, key: &[u8], now: Now) -> Begun {
        if let Some(query) = self.active.get(key) {
            return Begun::Joined(query.nodes.clone());
        }
        if self.active.len() >= self.max {
            return Begun::Full;
        }
        let end = now.instant + self.life;
        let query = Query {
            nodes: Vec::new(),
            quiet: 0,
            end,
        };
        self.active.insert(key.to_vec(), query);
        self.ends.push_back((end, key.to_vec()));
        Begun::Start
    }

    /// Nodes that an answer to the query brought and none had brought before.
    pub fn found(&mut self, key: &[u8], nodes: &[PeerId]) -> Vec<PeerId> {
        let Some(query) = self.active.get_mut(key) else {
            return Vec::new();
        };
        let before = query.nodes.len();
        for node in nodes {
            if query.nodes.len() < self.max_nodes && !query.nodes.contains(node) {
                query.nodes.push(*node);
            }
        }
        if query.nodes.len() > before {
            query.quiet = 0;
        } else if !nodes.is_empty() {
            query.quiet += 1;
        }
        query.nodes[before..].to_vec()
    }

    /// Whether more answers would hardly bring more.
    pub fn is_quiet(&self, key: &[u8]) -> bool {
        self.active
            .get(key)
            .is_some_and(|query| query.quiet >= QUIET)
    }

    /// Whether one is under way.
    pub fn is_active(&self, key: &[u8]) -> bool {
        self.active.contains_key(key)
    }

    /// The query is over. Whether it was under way.
    pub fn finish(&mut self, key: &[u8]) -> bool {
        self.active.remove(key).is_some()
    }

    /// A query that nobody has reported the end of.
    pub fn pop(&mut self, now: Now) -> Option<Vec<u8>> {
        loop {
            let (end, key) = self.ends.front()?;
            let current = self.active.get(key).is_some_and(|query| query.end == *end);
            if current && *end > now.instant {
                return None;
            }
            let (_, key) = self.ends.pop_front()?;
            if current {
                self.active.remove(&key);
                return Some(key);
            }
        }
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.ends.front().map(|(end, _)| *end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE: Duration = Duration::from_secs(15);

    #[test]
    fn a_key_is_looked_for_once_at_a_time() {
        let (mut queries, now) = (Queries::new(LIFE, 2, 3), Now::read());
        let nodes: Vec<_> = (0..5).map(|_| PeerId::random()).collect();
        assert_eq!(queries.begin(b"a", now), Begun::Start);
        assert_eq!(queries.found(b"a", &nodes[..2]), nodes[..2]);
        assert_eq!(
            queries.found(b"a", &nodes),
            nodes[2..3],
            "new ones, bounded"
        );
        assert_eq!(queries.begin(b"a", now), Begun::Joined(nodes[..3].to_vec()));
        assert_eq!(queries.begin(b"b", now), Begun::Start);
        assert_eq!(queries.begin(b"c", now), Begun::Full);
        assert!(queries.finish(b"a"));
        assert!(!queries.finish(b"a"));
        assert!(queries.found(b"a", &nodes).is_empty());
        assert_eq!(queries.begin(b"c", now), Begun::Start);
    }

    #[test]
    fn a_query_is_quiet_when_answers_repeat_each_other() {
        let (mut queries, now) = (Queries::new(LIFE, 2, 3), Now::read());
        let nodes: Vec<_> = (0..2).map(|_| PeerId::random()).collect();
        queries.begin(b"a", now);
        for _ in 0..10 {
            queries.found(b"a", &[]);
        }
        assert!(!queries.is_quiet(b"a"), "nobody is found yet");
        for named in [&nodes[..1], &nodes[..1], &nodes[..1], &nodes[..1], &nodes] {
            assert!(!queries.is_quiet(b"a"));
            queries.found(b"a", named);
        }
        for _ in 0..QUIET {
            assert!(!queries.is_quiet(b"a"));
            queries.found(b"a", &nodes);
        }
        assert!(queries.is_quiet(b"a"));
    }

    #[test]
    fn a_query_without_an_end_ends() {
        let (mut queries, now) = (Queries::new(LIFE, 2, 3), Now::read());
        queries.begin(b"a", now);
        queries.finish(b"a");
        let later = now.after(Duration::from_secs(5));
        queries.begin(b"a", later);
        assert_eq!(queries.pop(now.after(LIFE)), None, "the second is younger");
        assert_eq!(queries.pop(later.after(LIFE)), Some(b"a".to_vec()));
        assert_eq!(queries.deadline(), None);
    }
}
