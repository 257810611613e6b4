use std::time::Duration;

use web_time::Instant;

use super::Config;
use crate::clock::Now;

/// When a room's nodes are looked up: as the room opens, 1, 3 and 10 s after it, every 60 s
/// from then on, and when a node is lost.
pub(super) struct Seek {
    opened: Instant,
    step: usize,
    last: Instant,
    next: Instant,
}

impl Seek {
    /// The first look-up is made now.
    pub fn new(now: Now, config: &Config) -> Self {
        let mut seek = Seek {
            opened: now.instant,
            step: 0,
            last: now.instant,
            next: now.instant,
        };
        seek.sought(now, config);
        seek
    }

    /// A look-up is made now.
    pub fn sought(&mut self, now: Now, config: &Config) {
        self.last = now.instant;
        while self.next <= now.instant {
            self.next = match config.seek_seconds.get(self.step) {
                Some(seconds) => self.opened + Duration::from_secs(*seconds),
                None => now.instant + Duration::from_secs(config.seek_again_seconds.max(1)),
            };
            self.step += 1;
        }
    }

    /// When the schedule wants the next one.
    pub fn next(&self) -> Instant {
        self.next
    }

    /// When the next one may be made because a node was lost.
    pub fn after_loss(&self, now: Now, config: &Config) -> Instant {
        let pause = Duration::from_secs(config.seek_lost_seconds);
        now.instant.max(self.last + pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_its_schedule() {
        let start = Now::read();
        let config = Config::default();
        let mut seek = Seek::new(start, &config);
        let mut times = Vec::new();
        for _ in 0..6 {
            let since = seek.next() - start.instant;
            times.push(since.as_secs());
            seek.sought(start.after(since), &config);
        }
        assert_eq!(times, [1, 3, 10, 70, 130, 190]);
    }

    #[test]
    fn losses_are_spaced_and_keep_the_schedule() {
        let start = Now::read();
        let config = Config::default();
        let mut seek = Seek::new(start, &config);
        let pause = Duration::from_secs(5);
        assert_eq!(seek.after_loss(start, &config), start.instant + pause);
        let later = start.after(Duration::from_secs(20));
        seek.sought(later, &config);
        let next = seek.next();
        let loss = later.after(Duration::from_secs(7));
        assert_eq!(seek.after_loss(loss, &config), loss.instant);
        seek.sought(loss, &config);
        assert_eq!(seek.next(), next);
    }
}
