use std::{path::PathBuf, sync::Arc, time::Duration};

use rand::{Rng, RngExt};
use rand_distr::{Distribution, Exp1, Weibull};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Span;

/// How long a host stays before it departs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Session {
    /// To the end of the run, unless an event ends it.
    #[default]
    Forever,
    /// Memoryless: who has stayed long leaves as soon as who came just now.
    Exponential {
        /// The mean.
        mean: Span,
    },
    /// As measured in file-sharing networks with a shape below 1: many short visits, a few long
    /// ones.
    Weibull {
        /// About 63 % of sessions are shorter.
        scale: Span,
        /// Below 1: the longer a host has stayed, the longer it goes on to.
        #[schemars(range(min = 0.1, max = 20))]
        shape: f64,
    },
    /// Drawn at random from lengths that were measured.
    Trace {
        /// A text file with the seconds of one session in each line, relative to the scenario.
        /// Empty lines and those that begin with `#` are passed over.
        file: PathBuf,
        /// What the file holds.
        #[serde(skip)]
        lengths: Trace,
    },
}

/// Session lengths in seconds, as read from a trace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace(pub(crate) Arc<[f64]>);

impl Trace {
    /// Reads what a trace file holds. An error has the line that can't be read.
    pub fn parse(text: &str) -> Result<Self, (usize, String)> {
        let mut lengths = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match line.parse::<f64>() {
                Ok(seconds) if seconds > 0.0 && seconds < 1e9 => lengths.push(seconds),
                _ => {
                    return Err((
                        index + 1,
                        format!(
                            "\"{line}\" is no session length; each line holds seconds, above 0"
                        ),
                    ));
                }
            }
        }
        if lengths.is_empty() {
            return Err((1, "the trace holds no session length".to_owned()));
        }
        Ok(Trace(lengths.into()))
    }

    /// The lengths, in seconds.
    pub fn seconds(&self) -> &[f64] {
        &self.0
    }
}

impl Session {
    /// The length of one host's session; none if it stays.
    pub fn draw(&self, rng: &mut (impl Rng + ?Sized)) -> Option<Duration> {
        let seconds = match self {
            Session::Forever => return None,
            Session::Exponential { mean } => {
                let one: f64 = Exp1.sample(rng);
                mean.as_secs_f64() * one
            }
            Session::Weibull { scale, shape } => {
                Weibull::new(scale.as_secs_f64(), *shape).ok()?.sample(rng)
            }
            Session::Trace { lengths, .. } => {
                let lengths = lengths.seconds();
                if lengths.is_empty() {
                    return None;
                }
                lengths[rng.random_range(0..lengths.len())]
            }
        };
        // Beyond 30 years a session is for ever, and no Duration overflows.
        (seconds < 1e9).then(|| Duration::from_secs_f64(seconds))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    fn mean(session: &Session, seed: u64) -> f64 {
        let mut rng = StdRng::seed_from_u64(seed);
        let draws = 20_000;
        let sum: f64 = (0..draws)
            .map(|_| {
                session
                    .draw(&mut rng)
                    .map_or(0.0, |length| length.as_secs_f64())
            })
            .sum();
        sum / f64::from(draws)
    }

    #[test]
    fn who_stays_for_ever_has_no_length() {
        assert_eq!(Session::Forever.draw(&mut StdRng::seed_from_u64(1)), None);
    }

    #[test]
    fn a_trace_is_drawn_from() {
        let lengths = Trace::parse("# seconds\n1.5\n\n3\n").unwrap();
        assert_eq!(lengths.seconds(), [1.5, 3.0]);
        let session = Session::Trace {
            file: "sessions.csv".into(),
            lengths,
        };
        assert!((mean(&session, 1) - 2.25).abs() < 0.05);
    }

    #[test]
    fn a_torn_trace_is_refused_with_its_line() {
        assert_eq!(Trace::parse("1\n2\nthree\n").unwrap_err().0, 3);
        assert_eq!(Trace::parse("1\n-2\n").unwrap_err().0, 2);
        assert_eq!(Trace::parse("1\nNaN\n").unwrap_err().0, 2);
        assert!(Trace::parse("# nothing\n").is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn an_exponential_has_its_mean(seed: u64, secs in 1u64..100_000) {
            let session = Session::Exponential { mean: Span::secs(secs) };
            // 20,000 draws: a standard error of 0.7 %.
            prop_assert!((mean(&session, seed) / secs as f64 - 1.0).abs() < 0.04);
        }

        #[test]
        fn a_weibull_has_63_percent_below_its_scale(seed: u64, shape in 0.3..5.0) {
            let scale = Span::secs(100);
            let session = Session::Weibull { scale, shape };
            let mut rng = StdRng::seed_from_u64(seed);
            let below = (0..20_000)
                .filter(|_| session.draw(&mut rng).is_some_and(|length| length < scale.0))
                .count();
            prop_assert!((below as f64 / 20_000.0 - 0.632).abs() < 0.02);
        }
    }
}
