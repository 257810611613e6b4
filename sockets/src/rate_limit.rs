//! How often one source may be answered: a token bucket per source in bounded memory, kept as the
//! one instant at which the bucket is full again (the generic cell rate algorithm).

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    time::{Duration, Instant},
};

/// A limit per source address; an IPv6 source is its /64.
#[derive(Debug)]
pub struct RateLimit {
    interval: Duration,
    tolerance: Duration,
    capacity: usize,
    full_again: HashMap<IpAddr, Instant>,
    swept: Option<Instant>,
}

impl RateLimit {
    /// `per_second` on average, `burst` at once, and memory for `sources`; a source past that
    /// number is refused until another's bucket is full again.
    pub fn new(per_second: u32, burst: u32, sources: usize) -> Self {
        let interval = Duration::from_secs(1) / per_second.max(1);
        RateLimit {
            interval,
            tolerance: interval * burst.saturating_sub(1),
            capacity: sources,
            full_again: HashMap::new(),
            swept: None,
        }
    }

    /// Takes a token of this source, if it has one.
    pub fn allow(&mut self, source: IpAddr, now: Instant) -> bool {
        let source = block(source);
        let full = match self.full_again.get(&source).copied() {
            Some(full) => full.max(now),
            None if self.full_again.len() < self.capacity || self.sweep(now) => now,
            None => return false,
        };
        if full.duration_since(now) > self.tolerance {
            return false;
        }
        self.full_again.insert(source, full + self.interval);
        true
    }

    /// How many sources are remembered.
    pub fn sources(&self) -> usize {
        self.full_again.len()
    }

    /// Forgets sources whose buckets are full, at most ten times a second; whether there is room.
    fn sweep(&mut self, now: Instant) -> bool {
        let due = self
            .swept
            .is_none_or(|last| now.duration_since(last) >= Duration::from_millis(100));
        if due {
            self.swept = Some(now);
            self.full_again.retain(|_, full| *full > now);
        }
        self.full_again.len() < self.capacity
    }

    /// Forgets what isn't needed any more and gives the memory back.
    pub fn tidy(&mut self, now: Instant) {
        self.full_again.retain(|_, full| *full > now);
        self.full_again.shrink_to(64);
    }
}

/// What counts as one source: an IPv4 address, or an IPv6 /64, since whoever has one address of
/// that has them all.
pub fn block(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V6(ip) => {
            let mut segments = ip.segments();
            segments[4..].fill(0);
            IpAddr::V6(Ipv6Addr::from(segments))
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_burst_and_then_the_rate() {
        let mut limit = RateLimit::new(10, 5, 100);
        let start = Instant::now();
        let source = ip("192.0.2.1");
        let passed = (0..20).filter(|_| limit.allow(source, start)).count();
        assert_eq!(passed, 5);
        assert!(limit.allow(ip("192.0.2.2"), start), "others aren't held");
        let later = start + Duration::from_millis(100);
        assert!(limit.allow(source, later));
        assert!(!limit.allow(source, later));
        let rested = start + Duration::from_secs(10);
        assert_eq!((0..20).filter(|_| limit.allow(source, rested)).count(), 5);
    }

    #[test]
    fn a_64_is_one_source() {
        let mut limit = RateLimit::new(1, 1, 100);
        let now = Instant::now();
        assert!(limit.allow(ip("2001:db8::1"), now));
        assert!(!limit.allow(ip("2001:db8::2"), now));
        assert!(limit.allow(ip("2001:db8:0:1::1"), now));
        assert!(limit.allow(ip("192.0.2.1"), now));
        assert!(!limit.allow(ip("::ffff:192.0.2.1"), now));
    }

    #[test]
    fn memory_is_bounded_and_comes_back() {
        let mut limit = RateLimit::new(10, 5, 50);
        let now = Instant::now();
        for last in 0..=255 {
            limit.allow(IpAddr::from([192, 0, 2, last]), now);
        }
        assert_eq!(limit.sources(), 50);
        let later = now + Duration::from_secs(1);
        assert!(
            limit.allow(ip("198.51.100.1"), later),
            "stale sources make room"
        );
        assert_eq!(limit.sources(), 1);
        limit.tidy(later + Duration::from_secs(1));
        assert_eq!(limit.sources(), 0);
    }
}
