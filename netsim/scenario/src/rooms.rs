use rand::Rng;
use rand_distr::{Distribution, Zipf};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Span;

/// Rooms of one kind, and who is in them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rooms {
    /// What events, envelopes and Sybils call them; unique.
    pub name: String,
    /// How many rooms. With joins of kind `pair` there is always a new one, and this isn't
    /// written.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub count: u32,
    /// Groups of peers whose hosts are their members, drawn at random, a host at most once for
    /// each room. Default: every group of kind `browser` or `native` that behaves honestly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<String>>,
    /// How many members each room has. Default: two.
    #[serde(default)]
    pub size: Sizes,
    /// When its members join: not before they are attached. Default: as soon as they are.
    #[serde(default)]
    pub joins: Joins,
    /// Mean time, exponential, after which in each room one member leaves and another peer
    /// joins. Default: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub churn_every: Option<Span>,
}

fn one() -> u32 {
    1
}

/// How many members a room has.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Sizes {
    /// The same for each room.
    Fixed {
        /// Members.
        #[schemars(range(min = 1, max = 1_000_000))]
        size: u32,
    },
    /// As people meet: most rooms are small, few are large. A size of k is k^-exponent as
    /// likely as a size of 1.
    Zipf {
        /// How steeply large rooms get rare.
        #[serde(default = "exponent")]
        #[schemars(range(min = 0, max = 10))]
        exponent: f64,
        /// The smallest room; what is drawn below it is raised to it.
        #[serde(default = "smallest")]
        #[schemars(range(min = 1, max = 1_000_000))]
        min: u32,
        /// The largest room.
        #[schemars(range(min = 1, max = 1_000_000))]
        max: u32,
    },
    /// Every host of the groups, newcomers too.
    All,
}

fn exponent() -> f64 {
    1.0
}

fn smallest() -> u32 {
    2
}

impl Default for Sizes {
    fn default() -> Self {
        Sizes::Fixed { size: 2 }
    }
}

impl Sizes {
    /// The members of one room of groups with `hosts` hosts: never more than those.
    pub fn draw(&self, hosts: u32, rng: &mut (impl Rng + ?Sized)) -> u32 {
        let size = match *self {
            Sizes::Fixed { size } => size,
            // A Zipf draw of at most a million, so that no f64 is inexact.
            Sizes::Zipf { exponent, min, max } => Zipf::new(f64::from(max), exponent)
                .map_or(min, |zipf| zipf.sample(rng) as u32)
                .clamp(min, max.max(min)),
            Sizes::All => hosts,
        };
        size.min(hosts)
    }
}

/// When a room's members join it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Joins {
    /// As soon as each is attached.
    #[default]
    AtStart,
    /// At random moments.
    Over {
        /// The first of them.
        #[serde(default)]
        from: Span,
        /// The time within which all have joined.
        over: Span,
    },
    /// Some as soon as they are attached, the others later: a room that grows.
    Grow {
        /// Members that join as soon as they are attached.
        #[schemars(range(min = 1, max = 1_000_000))]
        first: u32,
        /// When the first of the others joins.
        at: Span,
        /// The time within which all the others have joined, each at a random moment.
        over: Span,
    },
    /// Again and again two peers on different nodes join a room at once that nobody has been in,
    /// and leave it.
    Pair {
        /// When the first pair joins. Default: the end of the warm-up.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<Span>,
        /// Time between two pairs.
        every: Span,
        /// How long a pair stays.
        #[serde(default = "stay")]
        stay: Span,
    },
}

fn stay() -> Span {
    Span::secs(15)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn zipf_sizes_fall_as_their_exponent_says() {
        let sizes = Sizes::Zipf {
            exponent: 1.0,
            min: 1,
            max: 50,
        };
        let mut rng = StdRng::seed_from_u64(1);
        let mut counts = [0u32; 51];
        for _ in 0..50_000 {
            counts[sizes.draw(1000, &mut rng) as usize] += 1;
        }
        let ratio = f64::from(counts[1]) / f64::from(counts[10]);
        assert!((8.5..11.5).contains(&ratio), "{ratio}");
    }

    proptest! {
        #[test]
        fn a_room_is_within_its_bounds(
            seed: u64, hosts in 0u32..3000, min in 1u32..20, more in 0u32..500, exponent in 0.0..3.0,
        ) {
            let mut rng = StdRng::seed_from_u64(seed);
            let max = min + more;
            let size = Sizes::Zipf { exponent, min, max }.draw(hosts, &mut rng);
            prop_assert!(size <= hosts && size <= max && (size >= min || size == hosts));
            prop_assert_eq!(Sizes::Fixed { size: max }.draw(hosts, &mut rng), max.min(hosts));
            prop_assert_eq!(Sizes::All.draw(hosts, &mut rng), hosts);
        }
    }
}
