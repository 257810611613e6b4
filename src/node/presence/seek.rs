use std::time::Duration;

use web_time::Instant;

use super::Config;
use crate::clock::Now;

/// Of the pause after the first look-ups, the longest one.
const MOST: u32 = 8;
/// Rooms of one node that are looked up at that pace. With ten times as many, each waits ten times
/// as long: what nobody noticed is rare, and the node's look-ups are no more than before.
const ROOMS: usize = 1_000;
/// How much longer one room's pauses are than another's.
const PACES: std::ops::RangeInclusive<f64> = 0.5..=1.5;

/// When a room's nodes are looked up: as the room opens, 2 and 10 s after it, 60 s later, and
/// from then on after twice as long each time, up to 8 minutes; and when a node is lost, which
/// begins the doubling anew. On a node with more than a thousand rooms the later ones are further
/// apart. Each room has a pace of its own, from half to one and a half times as long, so that rooms
/// that were opened together aren't looked up together.
///
/// Each look-up costs the mesh some 75 requests. The first ones make sure that nodes that open
/// the room at the same time find each other; the later ones are against what nobody noticed.
pub(super) struct Seek {
    opened: Instant,
    step: usize,
    pause: Duration,
    /// What the pauses of the later look-ups are multiplied by.
    pace: f64,
    last: Instant,
    next: Instant,
}

impl Seek {
    /// The first look-up is made now.
    pub fn new(now: Now, config: &Config) -> Self {
        Self::at_pace(rand::random_range(PACES), now, config)
    }

    fn at_pace(pace: f64, now: Now, config: &Config) -> Self {
        let mut seek = Seek {
            opened: now.instant,
            step: 0,
            pause: config.seek_again(),
            pace,
            last: now.instant,
            next: now.instant,
        };
        seek.sought(now, 1, config);
        seek
    }

    /// A look-up is made now, by a node of so many rooms.
    pub fn sought(&mut self, now: Now, rooms: usize, config: &Config) {
        self.last = now.instant;
        while self.next <= now.instant {
            self.next = match config.seek_seconds.get(self.step) {
                Some(seconds) => self.opened + Duration::from_secs(*seconds),
                None => {
                    let pause = self.pause;
                    self.pause = (2 * pause).min(config.seek_again() * MOST);
                    let crowded = rooms.max(ROOMS) as f64 / ROOMS as f64;
                    now.instant + pause.mul_f64(crowded * self.pace)
                }
            };
            self.step += 1;
        }
    }

    /// Whether the last one was one of the first, whose end is that simultaneous openers meet:
    /// a room with neighbours enough has no need of it.
    pub fn is_early(&self, config: &Config) -> bool {
        self.step <= config.seek_seconds.len()
    }

    /// When the schedule wants the next one.
    pub fn next(&self) -> Instant {
        self.next
    }

    /// When the next one may be made because a node was lost.
    pub fn after_loss(&mut self, now: Now, config: &Config) -> Instant {
        self.pause = config.seek_again();
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
        let mut seek = Seek::at_pace(1.0, start, &config);
        let mut times = Vec::new();
        for _ in 0..8 {
            let since = seek.next() - start.instant;
            times.push(since.as_secs());
            seek.sought(start.after(since), 1_000, &config);
        }
        assert_eq!(times, [2, 10, 70, 190, 430, 910, 1_390, 1_870]);
    }

    #[test]
    fn among_many_rooms_only_the_first_look_ups_come_as_soon() {
        let start = Now::read();
        let config = Config::default();
        let mut seek = Seek::at_pace(1.0, start, &config);
        let mut times = Vec::new();
        for _ in 0..5 {
            let since = seek.next() - start.instant;
            times.push(since.as_secs());
            seek.sought(start.after(since), 10_000, &config);
        }
        assert_eq!(times, [2, 10, 610, 1_810, 4_210]);
    }

    #[test]
    fn each_room_has_a_pace_of_its_own() {
        let start = Now::read();
        let config = Config::default();
        let mut later: Vec<_> = (0..40)
            .map(|_| {
                let mut seek = Seek::new(start, &config);
                seek.sought(start.after(Duration::from_secs(2)), 1, &config);
                let third = start.after(Duration::from_secs(10));
                seek.sought(third, 1, &config);
                (seek.next() - third.instant).as_millis()
            })
            .collect();
        later.sort_unstable();
        assert!(later[0] >= 30_000 && later[39] <= 90_000, "{later:?}");
        later.dedup();
        assert!(later.len() > 30, "{later:?}");
    }

    #[test]
    fn losses_are_spaced_and_keep_the_schedule() {
        let start = Now::read();
        let config = Config::default();
        let mut seek = Seek::at_pace(1.0, start, &config);
        let pause = Duration::from_secs(5);
        assert_eq!(seek.after_loss(start, &config), start.instant + pause);
        let later = start.after(Duration::from_secs(20));
        seek.sought(later, 1, &config);
        let next = seek.next();
        let loss = later.after(Duration::from_secs(7));
        assert_eq!(seek.after_loss(loss, &config), loss.instant);
        seek.sought(loss, 1, &config);
        assert_eq!(seek.next(), next);
    }
}
