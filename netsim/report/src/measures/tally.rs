//! Amounts added up over time.

use std::ops::RangeInclusive;

/// What was counted, by the millisecond. Writing is cheapest in the order of time.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Ascending by time.
    sums: Vec<(u32, f64)>,
}

impl Tally {
    pub(crate) fn add(&mut self, at_ms: u32, n: f64) {
        match self.sums.last_mut() {
            Some((last, sum)) if *last == at_ms => *sum += n,
            Some((last, _)) if *last > at_ms => self.add_late(at_ms, n),
            _ => self.sums.push((at_ms, n)),
        }
    }

    fn add_late(&mut self, at_ms: u32, n: f64) {
        match self.sums.binary_search_by_key(&at_ms, |(at, _)| *at) {
            Ok(at) => self.sums[at].1 += n,
            Err(at) => self.sums.insert(at, (at_ms, n)),
        }
    }

    /// The sum over a window in milliseconds, both ends included.
    pub fn sum(&self, window: RangeInclusive<u32>) -> f64 {
        let from = self.sums.partition_point(|(at, _)| at < window.start());
        let inside = self.sums[from..]
            .iter()
            .take_while(|(at, _)| at <= window.end());
        // The sum of nothing is -0.
        inside.map(|(_, n)| n).sum::<f64>() + 0.0
    }

    pub fn is_empty(&self) -> bool {
        self.sums.is_empty()
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
        assert_eq!(tally.sum(0..=50), 5.0);
        assert_eq!(tally.sum(51..=929), 8.0);
        assert_eq!(tally.sum(930..=950), 18.0);
        assert_eq!(tally.sum(0..=u32::MAX), 31.0);
    }
}
