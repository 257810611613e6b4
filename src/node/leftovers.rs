use std::collections::BTreeMap;

use libp2p::PeerId;

use super::Budget;
use crate::clock::Now;

/// What fills up again by itself, so that to forget it when it is full changes nothing.
pub(crate) trait Refills {
    /// Whether it has filled up.
    fn is_full(&mut self, now: Now) -> bool;
}

impl Refills for Budget {
    fn is_full(&mut self, now: Now) -> bool {
        Budget::is_full(self, now)
    }
}

/// What peers that are gone have left of their budgets: whoever comes back finds no more than
/// that. Otherwise a peer that was sent away for what it did would only have to attach again.
#[derive(Debug)]
pub(crate) struct Leftovers<T> {
    left: BTreeMap<PeerId, T>,
    max: usize,
}

impl<T: Refills> Leftovers<T> {
    /// Remembers up to `max` peers. Beyond that nobody new is remembered before others' budgets
    /// have filled up: who comes with ever new keys pays for a handshake each time.
    pub(crate) fn new(max: usize) -> Self {
        Leftovers {
            left: BTreeMap::new(),
            max,
        }
    }

    /// A peer is gone, and leaves this.
    pub(crate) fn put(&mut self, peer: PeerId, left: T) {
        if self.left.len() < self.max {
            self.left.insert(peer, left);
        }
    }

    /// The same of one who has done nothing since it came: what it did before counts.
    pub(crate) fn put_back(&mut self, peer: PeerId, left: T) {
        if !self.left.contains_key(&peer) {
            self.put(peer, left);
        }
    }

    /// A peer has come, or is back: what it had left.
    pub(crate) fn take(&mut self, peer: &PeerId, now: Now) -> Option<T> {
        if self.left.len() >= self.max {
            self.forget(now);
        }
        self.left.remove(peer)
    }

    /// Forgets what has filled up.
    pub(crate) fn forget(&mut self, now: Now) {
        self.left.retain(|_, left| !left.is_full(now));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::node::Rate;

    const RATE: Rate = Rate {
        per_second: 10,
        burst: 20,
    };

    fn spent(now: Now) -> Budget {
        let mut budget = Budget::new(RATE, now);
        assert!(budget.take(20, now));
        budget
    }

    #[test]
    fn who_comes_back_has_no_more_than_before() {
        let (now, peer) = (Now::read(), PeerId::random());
        let mut leftovers = Leftovers::new(8);
        leftovers.put(peer, spent(now));
        let later = now.after(Duration::from_millis(100));
        let mut budget = leftovers.take(&peer, later).expect("it is remembered");
        assert!(budget.take(1, later));
        assert!(!budget.take(1, later));
    }

    #[test]
    fn what_is_full_is_forgotten_first_and_all_is_bounded() {
        let now = Now::read();
        let [idle, first, second, third] = [(); 4].map(|()| PeerId::random());
        let mut leftovers = Leftovers::new(2);
        leftovers.put(idle, Budget::new(RATE, now));
        leftovers.put(first, spent(now));
        leftovers.put(second, spent(now));
        assert!(leftovers.take(&second, now).is_none(), "there was no room");
        leftovers.put(second, spent(now));
        assert!(
            leftovers.take(&second, now).is_some(),
            "the full one made way"
        );
        assert!(leftovers.take(&idle, now).is_none());
        leftovers.put(third, spent(now));
        leftovers.forget(now);
        assert_eq!(leftovers.left.len(), 2);
        leftovers.forget(now.after(Duration::from_secs(2)));
        assert!(leftovers.left.is_empty(), "full by now");
    }
}
