//! Dials under way, and which envelopes wait for them.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use libp2p::PeerId;
use web_time::Instant;

use crate::clock::Now;

/// Dials, each given the same time, bounded in number.
#[derive(Debug)]
pub(super) struct Dials {
    waiting: HashMap<PeerId, (Instant, Vec<u64>)>,
    /// When each is given up, in this order. Entries of dials that ended before are passed over.
    ends: VecDeque<(Instant, PeerId)>,
    life: Duration,
    max: usize,
    max_waiting: usize,
}

/// What became of the wish to wait for a dial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// A dial has to be started.
    Dial,
    /// One is under way.
    Underway,
    /// There are too many: it counts as failed.
    Full,
}

impl Dials {
    pub fn new(life: Duration, max: usize, max_waiting: usize) -> Self {
        Dials {
            waiting: HashMap::new(),
            ends: VecDeque::new(),
            life,
            max,
            max_waiting,
        }
    }

    /// The flight `name` waits for a link to `node`.
    pub fn wait(&mut self, node: PeerId, name: u64, now: Now) -> Wait {
        if let Some((_, names)) = self.waiting.get_mut(&node) {
            if names.len() >= self.max_waiting {
                return Wait::Full;
            }
            names.push(name);
            return Wait::Underway;
        }
        if self.waiting.len() >= self.max {
            return Wait::Full;
        }
        let end = now.instant + self.life;
        self.waiting.insert(node, (end, vec![name]));
        self.ends.push_back((end, node));
        Wait::Dial
    }

    /// The dial of `node` has ended: who waited for it.
    pub fn end(&mut self, node: &PeerId) -> Vec<u64> {
        self.waiting
            .remove(node)
            .map(|(_, names)| names)
            .unwrap_or_default()
    }

    /// A node whose dial has taken too long, and who waited for it.
    pub fn pop(&mut self, now: Now) -> Option<(PeerId, Vec<u64>)> {
        loop {
            let (end, node) = *self.ends.front()?;
            let current = self.waiting.get(&node).is_some_and(|(at, _)| *at == end);
            if current && end > now.instant {
                return None;
            }
            self.ends.pop_front();
            if current {
                return Some((node, self.end(&node)));
            }
        }
    }

    /// When the next dial is given up.
    pub fn deadline(&self) -> Option<Instant> {
        self.ends.front().map(|(end, _)| *end)
    }
}
