//! Amounts added up over time.

use std::ops::Range;

/// Milliseconds that a tally doesn't tell apart.
pub const BUCKET: u32 = 100;

/// What was counted, by tenths of a second. Writing is cheapest in the order of time.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Ascending by bucket.
    buckets: Vec<(u32, f64)>,
}

impl Tally {
    pub(crate) fn add(&mut self, at_ms: u32, n: f64) {
        let bucket = at_ms / BUCKET;
        match self.buckets.last_mut() {
            Some((last, sum)) if *last == bucket => *sum += n,
            Some((last, _)) if *last > bucket => self.add_late(bucket, n),
            _ => self.buckets.push((bucket, n)),
        }
    }

    fn add_late(&mut self, bucket: u32, n: f64) {
        match self.buckets.binary_search_by_key(&bucket, |(at, _)| *at) {
            Ok(at) => self.buckets[at].1 += n,
            Err(at) => self.buckets.insert(at, (bucket, n)),
        }
    }

    /// The sum over a window in milliseconds, its end excluded. A bucket belongs to the window in
    /// which it begins.
    pub fn sum(&self, window: Range<u32>) -> f64 {
        let from = self
            .buckets
            .partition_point(|(at, _)| at * BUCKET < window.start);
        let inside = self.buckets[from..]
            .iter()
            .take_while(|(at, _)| at * BUCKET < window.end);
        inside.map(|(_, n)| n).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_late_is_added_where_it_belongs() {
        let mut tally = Tally::default();
        for (at, n) in [(0, 1.0), (950, 2.0), (50, 4.0), (400, 8.0), (930, 16.0)] {
            tally.add(at, n);
        }
        assert_eq!(tally.sum(0..100), 5.0);
        assert_eq!(tally.sum(100..900), 8.0);
        assert_eq!(tally.sum(900..1000), 18.0);
        assert_eq!(tally.sum(0..u32::MAX), 31.0);
    }
}
