//! Streams of chance, each derived from the seed and a name.

use std::{
    convert::Infallible,
    hash::{DefaultHasher, Hash, Hasher},
};

use rand_core::{Rng, SeedableRng, TryRng, utils};
use rand_pcg::Pcg64Mcg;

/// A generator that depends on the seed and on what it is for, and on nothing else: who else
/// draws doesn't matter.
#[derive(Clone, Debug)]
pub struct Stream(Pcg64Mcg);

impl Stream {
    /// The stream of `seed` for `purpose`.
    pub fn new(seed: u64, purpose: impl Hash) -> Self {
        let mut state = [0; 16];
        for (half, salt) in state.chunks_exact_mut(8).zip([1u8, 2]) {
            // The hasher's keys are constants.
            let mut hasher = DefaultHasher::new();
            (seed, salt, &purpose).hash(&mut hasher);
            half.copy_from_slice(&hasher.finish().to_le_bytes());
        }
        Stream(Pcg64Mcg::from_seed(state))
    }

    /// Uniform in 0..1.
    pub fn unit(&mut self) -> f64 {
        // 53 bits, as many as a double's mantissa has.
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Whether something of this probability happens.
    pub fn happens(&mut self, probability: f64) -> bool {
        probability > 0.0 && self.unit() < probability
    }

    /// The absolute value of a standard normal deviate (Box–Muller).
    pub fn half_normal(&mut self) -> f64 {
        let (radius, angle) = (1.0 - self.unit(), self.unit());
        ((-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()).abs()
    }
}

impl TryRng for Stream {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.0.next_u32())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.0.next_u64())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        utils::fill_bytes_via_next_word(bytes, || Ok(self.0.next_u64()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_its_seed_and_purpose() {
        let draw = |seed, purpose: &str| Stream::new(seed, purpose).next_u64();
        assert_eq!(draw(1, "ann"), draw(1, "ann"));
        assert_ne!(draw(1, "ann"), draw(1, "bob"));
        assert_ne!(draw(1, "ann"), draw(2, "ann"));
    }

    #[test]
    fn deviates_have_the_moments_they_should() {
        let mut stream = Stream::new(7, "moments");
        let n = 20_000;
        let mean =
            |draw: &mut dyn FnMut() -> f64| (0..n).map(|_| draw()).sum::<f64>() / f64::from(n);
        let unit = mean(&mut || stream.unit());
        assert!((unit - 0.5).abs() < 0.01, "{unit}");
        // E|N(0, 1)| is the square root of 2/π.
        let half = mean(&mut || stream.half_normal());
        assert!((half - 0.798).abs() < 0.02, "{half}");
    }
}
