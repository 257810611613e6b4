use serde::{Deserialize, Serialize};
use web_time::Instant;

use crate::clock::Now;

/// How fast something may go on, and how much of it at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Units that come back every second.
    pub per_second: u32,
    /// Units that may be taken at once after a rest. What is larger than this never passes.
    pub burst: u32,
}

/// A token bucket: starts full, is refilled at a [`Rate`]. 32 bytes, no timer.
#[derive(Clone, Debug)]
pub struct Budget {
    rate: Rate,
    level: f64,
    at: Instant,
}

impl Budget {
    /// A full bucket.
    pub fn new(rate: Rate, now: Now) -> Self {
        Budget {
            rate,
            level: f64::from(rate.burst),
            at: now.instant,
        }
    }

    /// Takes `n` units if they are there; else takes nothing and says `false`.
    pub fn take(&mut self, n: usize, now: Now) -> bool {
        self.refill(now);
        let n = n as f64;
        if n > self.level {
            return false;
        }
        self.level -= n;
        true
    }

    /// Whether nothing is missing: forgetting a full bucket and making it again is the same.
    pub fn is_full(&mut self, now: Now) -> bool {
        self.refill(now);
        self.level >= f64::from(self.rate.burst)
    }

    fn refill(&mut self, now: Now) {
        let elapsed = now.instant.saturating_duration_since(self.at);
        self.at = self.at.max(now.instant);
        self.level = (self.level + elapsed.as_secs_f64() * f64::from(self.rate.per_second))
            .min(f64::from(self.rate.burst));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    const RATE: Rate = Rate {
        per_second: 10,
        burst: 20,
    };

    #[test]
    fn gives_the_burst_then_the_rate() {
        let now = Now::read();
        let mut budget = Budget::new(RATE, now);
        assert!(!budget.take(21, now), "more than the bucket holds");
        assert!(budget.take(20, now));
        assert!(!budget.take(1, now));
        let later = now.after(Duration::from_millis(100));
        assert!(budget.take(1, later));
        assert!(!budget.take(1, later));
        assert!(!budget.is_full(later));
        assert!(budget.is_full(later.after(Duration::from_secs(2))));
    }

    #[test]
    fn a_clock_that_steps_back_gives_nothing() {
        let now = Now::read().after(Duration::from_secs(10));
        let mut budget = Budget::new(RATE, now);
        assert!(budget.take(20, now));
        let mut earlier = now;
        earlier.instant -= Duration::from_secs(5);
        assert!(!budget.take(1, earlier));
        assert!(!budget.take(1, now), "the step isn't counted twice");
    }

    proptest! {
        #[test]
        fn never_gives_more_than_burst_and_rate(
            steps in prop::collection::vec((0u64..400, 0usize..8), 1..200),
        ) {
            let start = Now::read();
            let mut budget = Budget::new(RATE, start);
            let (mut now, mut taken, mut elapsed) = (start, 0, 0);
            for (ms, n) in steps {
                now = now.after(Duration::from_millis(ms));
                elapsed += ms;
                if budget.take(n, now) {
                    taken += n;
                }
                prop_assert!(taken as f64 <= 20.0 + elapsed as f64 / 100.0 + 1e-6);
            }
        }
    }
}
