//! The values of one distribution, eight bytes each, and bounded in number.

use std::ops::RangeInclusive;

/// How many values of a metric are kept (40 MB). From then on each further one takes the place of
/// a kept one at random, so that those kept stay an even sample of all.
pub const RESERVOIR: usize = 5_000_000;

/// One value and when it was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Milliseconds of virtual time since the start of the run.
    pub at_ms: u32,
    pub value: f32,
}

/// Vitter's reservoir (Algorithm R), drawing from a generator of its own so that the same run
/// keeps the same values.
#[derive(Clone, Debug)]
pub struct Samples {
    kept: Vec<Sample>,
    seen: u64,
    capacity: usize,
    state: u64,
}

impl Default for Samples {
    fn default() -> Self {
        Self::with_capacity(RESERVOIR)
    }
}

impl Samples {
    /// Keeps at most `capacity` values.
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            kept: Vec::new(),
            seen: 0,
            capacity,
            state: 0,
        }
    }

    pub(crate) fn push(&mut self, at_ms: u32, value: f64) {
        self.seen += 1;
        let sample = Sample {
            at_ms,
            value: value as f32,
        };
        if self.kept.len() < self.capacity {
            self.kept.push(sample);
        } else {
            let place = self.draw() % self.seen;
            if let Some(kept) = usize::try_from(place)
                .ok()
                .and_then(|at| self.kept.get_mut(at))
            {
                *kept = sample;
            }
        }
    }

    /// How many values were measured, kept or not.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// Whether more were measured than kept, so that quantiles are estimates.
    pub fn is_sampled(&self) -> bool {
        self.seen > self.kept.len() as u64
    }

    pub fn kept(&self) -> &[Sample] {
        &self.kept
    }

    /// How many measured values one kept value stands for.
    pub fn weight(&self) -> f64 {
        if self.kept.is_empty() {
            1.0
        } else {
            self.seen as f64 / self.kept.len() as f64
        }
    }

    /// The values measured in a window (milliseconds, both ends included), in ascending order.
    pub fn sorted(&self, window: RangeInclusive<u32>) -> Vec<f32> {
        let inside = self
            .kept
            .iter()
            .filter(|sample| window.contains(&sample.at_ms));
        let mut values: Vec<f32> = inside.map(|sample| sample.value).collect();
        values.sort_unstable_by(f32::total_cmp);
        values
    }

    /// SplitMix64.
    fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_reservoir_stays_an_even_sample() {
        let mut samples = Samples::with_capacity(2_000);
        for n in 0..20_000u32 {
            samples.push(n, f64::from(n));
        }
        assert_eq!(samples.kept().len(), 2_000);
        assert_eq!(samples.seen(), 20_000);
        assert!(samples.is_sampled());
        let sorted = samples.sorted(0..=u32::MAX);
        let median = sorted[1_000];
        assert!((8_500.0..11_500.0).contains(&median), "{median}");
        let early = sorted.iter().filter(|value| **value < 2_000.0).count();
        assert!((130..270).contains(&early), "{early}");
    }

    #[test]
    fn a_window_includes_both_ends() {
        let mut samples = Samples::default();
        for (at, value) in [(10, 3.0), (20, 1.0), (30, 2.0)] {
            samples.push(at, value);
        }
        assert_eq!(samples.sorted(10..=20), [1.0, 3.0]);
        assert!(!samples.is_sampled());
    }
}
