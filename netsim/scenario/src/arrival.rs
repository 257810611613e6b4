use std::{f64::consts::TAU, time::Duration};

use rand::{Rng, RngExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Span;

/// When a group's hosts start.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Arrival {
    /// All at one moment.
    AtOnce {
        /// The moment.
        #[serde(default)]
        at: Span,
    },
    /// One after the other, evenly.
    Steady {
        /// When the first starts.
        #[serde(default)]
        from: Span,
        /// The time that all of them take.
        over: Span,
    },
    /// A crowd: each at a moment of its own, at random.
    Flash {
        /// When the crowd begins to come.
        at: Span,
        /// The time within which all have come.
        over: Span,
    },
    /// As visitors come over a day: at random, least at the start, most half a period later.
    Diurnal {
        /// When the first may start, which is the quietest moment of the day.
        #[serde(default)]
        from: Span,
        /// The length of the day.
        #[serde(default = "day")]
        period: Span,
        /// The quietest moment's rate, as a share of the busiest's.
        #[serde(default = "trough")]
        #[schemars(range(min = 0, max = 1))]
        trough: f64,
        /// The time within which all have come. Default: `period`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        over: Option<Span>,
    },
    /// Not by themselves: an event with `do = "start"` starts them.
    Event,
}

fn day() -> Span {
    Span::secs(24 * 60 * 60)
}

fn trough() -> f64 {
    0.3
}

impl Default for Arrival {
    fn default() -> Self {
        Arrival::AtOnce { at: Span::ZERO }
    }
}

impl Arrival {
    /// When each of `count` hosts starts, counted from the run's start, in order. None for
    /// [`Arrival::Event`].
    pub fn times(&self, count: usize, rng: &mut (impl Rng + ?Sized)) -> Vec<Duration> {
        match *self {
            Arrival::AtOnce { at } => vec![at.0; count],
            Arrival::Steady { from, over } => (0..count)
                .map(|index| from.0 + over.mul_f64(index as f64 / count as f64))
                .collect(),
            Arrival::Flash { at, over } => sorted(
                (0..count)
                    .map(|_| at.0 + over.mul_f64(rng.random_range(0.0..1.0)))
                    .collect(),
            ),
            Arrival::Diurnal {
                from,
                period,
                trough,
                over,
            } => {
                let over = over.unwrap_or(period);
                let rate = |at: Duration| {
                    let phase = TAU * at.as_secs_f64() / period.as_secs_f64();
                    trough + (1.0 - trough) * (1.0 - phase.cos()) / 2.0
                };
                let one = |rng: &mut _| thin(over.0, rate, rng);
                sorted((0..count).map(|_| from.0 + one(&mut *rng)).collect())
            }
            Arrival::Event => Vec::new(),
        }
    }
}

fn sorted(mut times: Vec<Duration>) -> Vec<Duration> {
    times.sort_unstable();
    times
}

/// A moment whose density follows `rate` (at most 1), by rejection. Where the rate is next to
/// nothing everywhere it gives up and takes any moment.
fn thin(over: Duration, rate: impl Fn(Duration) -> f64, rng: &mut (impl Rng + ?Sized)) -> Duration {
    let mut at = Duration::ZERO;
    for _ in 0..10_000 {
        at = over.mul_f64(rng.random_range(0.0..1.0));
        if rng.random_range(0.0..1.0) < rate(at) {
            break;
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn a_steady_arrival_is_even() {
        let arrival = Arrival::Steady {
            from: Span::secs(10),
            over: Span::secs(60),
        };
        let times = arrival.times(6, &mut StdRng::seed_from_u64(1));
        let seconds: Vec<_> = times.iter().map(Duration::as_secs).collect();
        assert_eq!(seconds, [10, 20, 30, 40, 50, 60]);
    }

    #[test]
    fn a_day_has_its_trough_and_its_peak() {
        let arrival = Arrival::Diurnal {
            from: Span::ZERO,
            period: day(),
            trough: 0.2,
            over: None,
        };
        let times = arrival.times(40_000, &mut StdRng::seed_from_u64(1));
        let within = |from: u64, to: u64| {
            let hours = |hours| Duration::from_secs(hours * 3600);
            times
                .iter()
                .filter(|at| (hours(from)..hours(to)).contains(at))
                .count() as f64
        };
        let (night, noon) = (within(0, 1) + within(23, 24), within(11, 13));
        assert!(
            (night / noon - 0.2).abs() < 0.05,
            "{night} at night, {noon} at noon"
        );
    }

    proptest! {
        #[test]
        fn times_are_in_order_and_within(
            seed: u64, count in 1usize..200, at in 0u64..1000, over in 1u64..1000, trough in 0.0..1.0,
        ) {
            let (at, over) = (Span::secs(at), Span::secs(over));
            for arrival in [
                Arrival::AtOnce { at },
                Arrival::Steady { from: at, over },
                Arrival::Flash { at, over },
                Arrival::Diurnal { from: at, period: day(), trough, over: Some(over) },
            ] {
                let times = arrival.times(count, &mut StdRng::seed_from_u64(seed));
                prop_assert_eq!(times.len(), count);
                prop_assert!(times.is_sorted());
                prop_assert!(times[0] >= at.0 && times[count - 1] <= at.0 + over.0);
            }
            prop_assert!(Arrival::Event.times(count, &mut StdRng::seed_from_u64(seed)).is_empty());
        }
    }
}
