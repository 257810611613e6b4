use std::time::Duration;

use web_time::Instant;

use crate::clock::Now;

/// Lets the first few of a burst go at once, and the rest once per interval.
#[derive(Debug)]
pub(super) struct Pace {
    every: Duration,
    /// How far ahead of the interval it may be.
    ahead: Duration,
    /// Until when what has gone takes at the interval's pace.
    until: Option<Instant>,
}

impl Pace {
    /// `at_once` may go at once, when nothing has for so many intervals.
    pub fn new(every: Duration, at_once: u32) -> Self {
        Pace {
            every,
            ahead: every * at_once.saturating_sub(1),
            until: None,
        }
    }

    /// `Ok` if it may go now, and then it has gone; else when it may.
    pub fn go(&mut self, now: Now) -> Result<(), Instant> {
        let until = self.until.map_or(now.instant, |at| at.max(now.instant));
        if until > now.instant + self.ahead {
            return Err(until.checked_sub(self.ahead).unwrap_or(until));
        }
        self.until = Some(until + self.every);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Duration = Duration::from_millis(250);

    #[test]
    fn first_at_once_then_by_the_interval() {
        let now = Now::read();
        let mut pace = Pace::new(EVERY, 1);
        assert_eq!(pace.go(now), Ok(()));
        assert_eq!(pace.go(now), Err(now.instant + EVERY));
        assert_eq!(pace.go(now.after(EVERY)), Ok(()));
        assert!(pace.go(now.after(EVERY * 3 / 2)).is_err());
        assert_eq!(pace.go(now.after(EVERY * 9)), Ok(()));
    }

    #[test]
    fn who_speaks_each_second_holds_nobody_up() {
        let mut now = Now::read();
        let mut pace = Pace::new(EVERY, 2);
        for _ in 0..9 {
            assert_eq!(pace.go(now), Ok(()), "the one who speaks");
            assert_eq!(pace.go(now.after(EVERY / 9)), Ok(()), "somebody else");
            assert_eq!(pace.go(now.after(EVERY / 9)), Err(now.instant + EVERY));
            now = now.after(EVERY * 4);
        }
        for moment in 0..9 {
            let (at, long) = (now.after(EVERY * moment), moment > 0);
            assert_eq!(pace.go(at), Ok(()));
            assert_eq!(
                pace.go(at).is_err(),
                long,
                "a long burst keeps the interval"
            );
        }
    }
}
