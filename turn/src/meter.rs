use std::time::{Duration, Instant};

use crate::config::Budget;

/// Bytes that may still pass: a budget kept as the one instant at which it is full again.
#[derive(Clone, Debug)]
pub(crate) struct Meter {
    full_again: Option<Instant>,
}

impl Meter {
    pub fn new() -> Self {
        Meter { full_again: None }
    }

    /// Lets so many bytes pass, if the budget has them.
    pub fn take(&mut self, bytes: usize, budget: Budget, now: Instant) -> bool {
        let rate = budget.bytes_per_second.max(1) as f64;
        let time = |bytes: f64| Duration::from_secs_f64(bytes / rate);
        let full = self.full_again.map_or(now, |full| full.max(now));
        let after = full + time(bytes as f64);
        if after.duration_since(now) > time(budget.burst as f64) {
            return false;
        }
        self.full_again = Some(after);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_burst_and_then_the_rate() {
        let budget = Budget {
            bytes_per_second: 1_000,
            burst: 5_000,
        };
        let (mut meter, now) = (Meter::new(), Instant::now());
        assert!(!meter.take(5_001, budget, now));
        assert!(meter.take(5_000, budget, now));
        assert!(!meter.take(100, budget, now));
        let later = now + Duration::from_millis(101);
        assert!(meter.take(100, budget, later));
        assert!(!meter.take(100, budget, later));
        assert!(meter.take(5_000, budget, later + Duration::from_secs(9)));
    }
}
