use std::collections::{BTreeSet, HashMap};

use libp2p::PeerId;
use web_time::Instant;

use super::topic::Topic;

/// What is to happen later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Timer {
    /// More of the room's outbox may be gossiped.
    Publish(Topic),
    /// The room's attached peers may be told more.
    Notify(Topic),
    /// This node's count of a big room is to be said.
    Count(Topic),
    /// Pass on to neighbours what came by a link.
    Cascade(Topic),
    /// The next round of digests.
    Digest(Topic),
    /// The next look-up of the room's nodes.
    Seek(Topic),
    /// The first record or tombstone of the room ends.
    Ends(Topic),
    /// The room has had no attached peer for long enough.
    Close(Topic),
    /// The attachments before this one in rank have had their time to publish.
    TakeOver(Topic, PeerId),
    /// A peer whose record lists this node has had its time to join here.
    Claim(Topic, PeerId),
    /// A peer that has lost an attachment has had its time to renew its record.
    Doubt(Topic, PeerId),
    /// Nodes at which such a peer may be have had their time to be heard.
    Convict(Topic, PeerId),
}

/// Timers by name; each is set once or not at all.
#[derive(Default)]
pub(super) struct Timers {
    at: HashMap<Timer, Instant>,
    queue: BTreeSet<(Instant, Timer)>,
}

impl Timers {
    /// Sets a timer, or moves it.
    pub fn set(&mut self, timer: Timer, at: Instant) {
        if let Some(before) = self.at.insert(timer, at) {
            self.queue.remove(&(before, timer));
        }
        self.queue.insert((at, timer));
    }

    /// Sets a timer unless it is set to an earlier time.
    pub fn set_by(&mut self, timer: Timer, at: Instant) {
        if self.at.get(&timer).is_none_or(|before| at < *before) {
            self.set(timer, at);
        }
    }

    /// Unsets a timer.
    pub fn cancel(&mut self, timer: Timer) {
        if let Some(at) = self.at.remove(&timer) {
            self.queue.remove(&(at, timer));
        }
    }

    /// When the first timer is due.
    pub fn next(&self) -> Option<Instant> {
        self.queue.first().map(|(at, _)| *at)
    }

    /// Takes a timer that is due.
    pub fn due(&mut self, now: Instant) -> Option<Timer> {
        let (at, timer) = *self.queue.first()?;
        if at > now {
            return None;
        }
        self.cancel(timer);
        Some(timer)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn come_in_order_and_once() {
        let start = Instant::now();
        let after = |ms| start + Duration::from_millis(ms);
        let topic = Topic::of("n", "r");
        let mut timers = Timers::default();
        timers.set(Timer::Seek(topic), after(30));
        timers.set(Timer::Publish(topic), after(20));
        timers.set(Timer::Seek(topic), after(10));
        timers.set_by(Timer::Publish(topic), after(50));
        timers.set(Timer::Close(topic), after(5));
        timers.cancel(Timer::Close(topic));
        assert_eq!(timers.next(), Some(after(10)));
        assert_eq!(timers.due(after(9)), None);
        assert_eq!(timers.due(after(40)), Some(Timer::Seek(topic)));
        assert_eq!(timers.due(after(40)), Some(Timer::Publish(topic)));
        assert_eq!(timers.due(after(40)), None);
        assert_eq!(timers.next(), None);
    }
}
