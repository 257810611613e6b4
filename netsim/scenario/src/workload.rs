use rand::{Rng, RngExt};
use rand_distr::{Distribution, Zipf};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Size, Span};

/// Resources that peers provide, and the look-ups for them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Resources {
    /// How many resources.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub count: u32,
    /// Peers that provide each, drawn at random. When one departs for good, the host that
    /// replaces it provides it.
    #[serde(default = "providers")]
    #[schemars(range(min = 1, max = 10_000))]
    pub providers: u32,
    /// Which of them are asked for. Default: all alike.
    #[serde(default)]
    pub popularity: Popularity,
    /// Look-ups a second, of all peers together, at random moments.
    #[schemars(range(min = 0.0, max = 100_000))]
    pub lookups_per_second: f64,
    /// Groups of peers that provide and look up. Default: every group of kind `browser` or
    /// `native` that behaves honestly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<String>>,
    /// When peers begin to provide. The first look-up comes at the end of the warm-up, or then.
    #[serde(default)]
    pub from: Span,
}

fn providers() -> u32 {
    3
}

/// Which of many is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Popularity {
    /// Each as likely as any other.
    #[default]
    Uniform,
    /// As on the web: the k-th is k^-exponent as likely as the first.
    Zipf {
        /// How steeply popularity falls.
        #[serde(default = "exponent")]
        #[schemars(range(min = 0, max = 10))]
        exponent: f64,
    },
}

fn exponent() -> f64 {
    1.0
}

impl Popularity {
    /// The index of one of `count`; the most popular is 0. `count` is at least 1.
    pub fn draw(&self, count: u32, rng: &mut (impl Rng + ?Sized)) -> u32 {
        let count = count.max(1);
        match *self {
            Popularity::Uniform => rng.random_range(0..count),
            Popularity::Zipf { exponent } => Zipf::new(f64::from(count), exponent)
                .map_or(0, |zipf| zipf.sample(rng) as u32 - 1)
                .min(count - 1),
        }
    }
}

/// Envelopes that members of a room send each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Envelopes {
    /// Envelopes a second, of all rooms together, at random moments: a random room, two random
    /// members that see each other.
    #[schemars(range(min = 0.0, max = 100_000))]
    pub per_second: f64,
    /// Bytes of an envelope's payload.
    #[serde(default = "size")]
    pub size: Size,
    /// The `[[rooms]]` between whose members they travel. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rooms: Option<Vec<String>>,
    /// When the first is sent. Default: the end of the warm-up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Span>,
}

fn size() -> Size {
    Size(2048)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn the_first_is_asked_for_most() {
        let popularity = Popularity::Zipf { exponent: 1.0 };
        let mut rng = StdRng::seed_from_u64(1);
        let mut counts = [0u32; 100];
        for _ in 0..50_000 {
            counts[popularity.draw(100, &mut rng) as usize] += 1;
        }
        let ratio = f64::from(counts[0]) / f64::from(counts[9]);
        assert!((8.5..11.5).contains(&ratio), "{ratio}");
    }

    proptest! {
        #[test]
        fn a_draw_is_one_of_them(seed: u64, count in 1u32..100_000, exponent in 0.0..10.0) {
            let mut rng = StdRng::seed_from_u64(seed);
            prop_assert!(Popularity::Uniform.draw(count, &mut rng) < count);
            let drawn = Popularity::Zipf { exponent }.draw(count, &mut rng);
            prop_assert!(drawn < count);
        }
    }
}
