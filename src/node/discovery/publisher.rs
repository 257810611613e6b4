//! Which keys this node is published under in the DHT, and at what pace.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use web_time::Instant;

use crate::{
    clock::Now,
    node::{Budget, Rate},
};

/// Keys that somebody here wants published, and the queue of those that still have to be.
///
/// Several may want the same key. The number of keys is bounded by the rooms and resources that
/// stand behind them.
#[derive(Debug)]
pub(super) struct Publisher {
    keys: HashMap<Vec<u8>, Key>,
    /// In the order in which they were asked for.
    queue: BTreeMap<u64, Vec<u8>>,
    serial: u64,
    rate: Rate,
    budget: Option<Budget>,
    /// When the budget will give the next one.
    next: Option<Instant>,
}

#[derive(Debug, Default)]
struct Key {
    wanted: usize,
    started: bool,
    queued: Option<u64>,
}

impl Publisher {
    pub fn new(rate: Rate) -> Self {
        Publisher {
            keys: HashMap::new(),
            queue: BTreeMap::new(),
            serial: 0,
            rate,
            budget: None,
            next: None,
        }
    }

    /// Somebody wants the key published. Whether it is already.
    pub fn want(&mut self, key: &[u8]) -> bool {
        let entry = self.keys.entry(key.to_vec()).or_default();
        entry.wanted += 1;
        if entry.started {
            return true;
        }
        self.again(key);
        false
    }

    /// Whether the key's publication has been started.
    pub fn is_started(&self, key: &[u8]) -> bool {
        self.keys.get(key).is_some_and(|entry| entry.started)
    }

    /// Publishes a wanted key once more.
    pub fn again(&mut self, key: &[u8]) {
        let Some(entry) = self.keys.get_mut(key) else {
            return;
        };
        if entry.queued.is_none() {
            self.serial += 1;
            entry.queued = Some(self.serial);
            self.queue.insert(self.serial, key.to_vec());
        }
    }

    /// Publishes every wanted key once more.
    pub fn all_again(&mut self) {
        let mut started: Vec<_> = self
            .keys
            .iter()
            .filter(|(_, entry)| entry.started)
            .map(|(key, _)| key.clone())
            .collect();
        started.sort_unstable();
        for key in started {
            self.again(&key);
        }
    }

    /// One who wanted the key no longer does. Whether the publication has to be stopped.
    pub fn unwant(&mut self, key: &[u8]) -> bool {
        let Some(entry) = self.keys.get_mut(key) else {
            return false;
        };
        entry.wanted = entry.wanted.saturating_sub(1);
        if entry.wanted > 0 {
            return false;
        }
        if let Some(serial) = entry.queued {
            self.queue.remove(&serial);
        }
        let started = entry.started;
        self.keys.remove(key);
        started
    }

    /// The next key whose publication starts now.
    pub fn start(&mut self, now: Now) -> Option<Vec<u8>> {
        if self.queue.is_empty() {
            self.next = None;
            return None;
        }
        let rate = self.rate;
        let budget = self.budget.get_or_insert_with(|| Budget::new(rate, now));
        if !budget.take(1, now) {
            let pause = Duration::from_secs(1) / rate.per_second.max(1);
            self.next = Some(now.instant + pause);
            return None;
        }
        let (_, key) = self.queue.pop_first()?;
        if let Some(entry) = self.keys.get_mut(&key) {
            entry.queued = None;
            entry.started = true;
        }
        Some(key)
    }

    /// When [`Publisher::start`] is to be called again.
    pub fn deadline(&self) -> Option<Instant> {
        self.next
    }

    /// Keys that are wanted.
    pub fn len(&self) -> usize {
        self.keys.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publisher(per_second: u32, burst: u32) -> Publisher {
        Publisher::new(Rate { per_second, burst })
    }

    #[test]
    fn starts_once_and_stops_with_the_last() {
        let (mut publisher, now) = (publisher(10, 10), Now::read());
        assert!(!publisher.want(b"a"));
        assert!(!publisher.want(b"a"), "not before it has started");
        assert_eq!(publisher.start(now), Some(b"a".to_vec()));
        assert_eq!(publisher.start(now), None);
        assert!(publisher.want(b"a"));
        publisher.again(b"a");
        publisher.again(b"a");
        assert_eq!(publisher.start(now), Some(b"a".to_vec()));
        assert_eq!(publisher.start(now), None);
        assert!(!publisher.unwant(b"a"));
        assert!(!publisher.unwant(b"a"));
        assert!(publisher.unwant(b"a"));
        assert!(!publisher.unwant(b"a"));
        assert_eq!(publisher.len(), 0);
    }

    #[test]
    fn what_never_started_is_not_stopped() {
        let mut publisher = publisher(10, 10);
        publisher.want(b"a");
        assert!(!publisher.unwant(b"a"));
        assert_eq!(publisher.start(Now::read()), None);
    }

    #[test]
    fn keeps_its_pace_and_order() {
        let (mut publisher, now) = (publisher(2, 1), Now::read());
        publisher.want(b"a");
        publisher.want(b"b");
        assert_eq!(publisher.start(now), Some(b"a".to_vec()));
        assert_eq!(publisher.start(now), None);
        let next = now.after(Duration::from_millis(500));
        assert_eq!(publisher.deadline(), Some(next.instant));
        assert_eq!(publisher.start(next), Some(b"b".to_vec()));
        assert_eq!(publisher.start(next), None);
        assert_eq!(publisher.deadline(), None);
    }

    #[test]
    fn wanting_and_unwanting_leaves_nothing_behind() {
        let mut publisher = publisher(1, 1);
        for _ in 0..100 {
            publisher.want(b"a");
            publisher.unwant(b"a");
        }
        assert_eq!((publisher.len(), publisher.queue.len()), (0, 0));
    }
}
