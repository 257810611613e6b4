use std::time::Duration;

use web_time::Instant;

use crate::clock::Now;

/// Lets the first of a burst go at once, and the rest once per interval.
#[derive(Debug)]
pub(super) struct Pace {
    every: Duration,
    last: Option<Instant>,
}

impl Pace {
    pub fn new(every: Duration) -> Self {
        Pace { every, last: None }
    }

    /// `Ok` if it may go now, and then it has gone; else when it may.
    pub fn go(&mut self, now: Now) -> Result<(), Instant> {
        match self.last.map(|last| last + self.every) {
            Some(next) if next > now.instant => Err(next),
            _ => {
                self.last = Some(now.instant);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_at_once_then_by_the_interval() {
        let now = Now::read();
        let every = Duration::from_millis(250);
        let mut pace = Pace::new(every);
        assert_eq!(pace.go(now), Ok(()));
        assert_eq!(pace.go(now), Err(now.instant + every));
        assert_eq!(pace.go(now.after(every)), Ok(()));
        assert!(pace.go(now.after(every * 3 / 2)).is_err());
        assert_eq!(pace.go(now.after(every * 9)), Ok(()));
    }
}
