//! What must hold: a statistic of a metric over a part of the run.

mod written;

use std::{fmt, ops::Range, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Scenario, Span,
    metrics::{Better, Metric},
};
use written::Amount;
pub(crate) use written::Written;

/// What must hold.
///
/// A metric without a value in the window (no look-up, no envelope) holds nothing: then the
/// assertion fails, but for `count`, `misses`, `total` and `per_second`, which are 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Written", into = "Written")]
pub struct Assertion {
    /// Of what.
    pub metric: &'static Metric,
    /// What of it.
    pub expect: Expectation,
    /// When.
    pub window: Window,
    /// Why, for the report.
    pub why: Option<String>,
}

/// What an assertion says of its metric. Values are in the unit of the statistic
/// ([`Metric::unit_of`]).
#[derive(Clone, Debug, PartialEq)]
pub enum Expectation {
    /// The statistic over the window is at most this.
    AtMost {
        /// Of the window's values.
        stat: Stat,
        /// The bound.
        value: f64,
    },
    /// The statistic over the window is at least this.
    AtLeast {
        /// Of the window's values.
        stat: Stat,
        /// The bound.
        value: f64,
    },
    /// The statistic over the window is at most so many times what it is over another one.
    AtMostTimes {
        /// Of either window's values.
        stat: Stat,
        /// The factor.
        times: f64,
        /// The other window.
        of: Window,
    },
    /// The statistic over the window is at least so many times what it is over another one.
    AtLeastTimes {
        /// Of either window's values.
        stat: Stat,
        /// The factor.
        times: f64,
        /// The other window.
        of: Window,
    },
    /// Every sample from `within` after the window's start on, until its end, is as good as
    /// this.
    Recovers {
        /// At least this where higher is better, at most where lower is.
        to: f64,
        /// The time that it may take, from the window's start.
        within: Span,
    },
}

/// A part of the run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Window {
    /// An event. The other two are then counted from when it is over: when a split has healed,
    /// or at once where it doesn't last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Where it begins. Default: the end of the warm-up, or the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Span>,
    /// Where it ends. Default: the end of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Span>,
}

impl Window {
    /// The virtual time that it covers. An event that the scenario doesn't have counts as the
    /// run's start.
    pub fn range(&self, scenario: &Scenario) -> Range<Duration> {
        let (base, start) = match &self.after {
            Some(name) => {
                let end = scenario
                    .event(name)
                    .map_or(Duration::ZERO, crate::Event::end);
                (end, end)
            }
            None => (Duration::ZERO, scenario.warmup.0),
        };
        let counted = |span: Span| base.saturating_add(span.0);
        self.from.map_or(start, counted)..self.to.map_or(scenario.duration.0, counted)
    }
}

/// What is taken of a window's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
#[allow(missing_docs)]
pub enum Stat {
    Mean,
    Min,
    P1,
    P5,
    P10,
    P25,
    P50,
    P75,
    P90,
    P95,
    P99,
    #[serde(rename = "p99.9")]
    P999,
    Max,
    /// How many values there are.
    Count,
    /// The last sample.
    Last,
    /// The share of an outcome that came to be.
    Share,
    /// How many of an outcome didn't.
    Misses,
    /// How often, over the window.
    Total,
    /// How often a second.
    PerSecond,
}

impl Stat {
    /// Its name in scenarios and results.
    pub const fn name(self) -> &'static str {
        match self {
            Stat::Mean => "mean",
            Stat::Min => "min",
            Stat::P1 => "p1",
            Stat::P5 => "p5",
            Stat::P10 => "p10",
            Stat::P25 => "p25",
            Stat::P50 => "p50",
            Stat::P75 => "p75",
            Stat::P90 => "p90",
            Stat::P95 => "p95",
            Stat::P99 => "p99",
            Stat::P999 => "p99.9",
            Stat::Max => "max",
            Stat::Count => "count",
            Stat::Last => "last",
            Stat::Share => "share",
            Stat::Misses => "misses",
            Stat::Total => "total",
            Stat::PerSecond => "per_second",
        }
    }

    /// The quantile that it is: 0 for the smallest value, 1 for the largest.
    pub const fn quantile(self) -> Option<f64> {
        Some(match self {
            Stat::Min => 0.0,
            Stat::P1 => 0.01,
            Stat::P5 => 0.05,
            Stat::P10 => 0.1,
            Stat::P25 => 0.25,
            Stat::P50 => 0.5,
            Stat::P75 => 0.75,
            Stat::P90 => 0.9,
            Stat::P95 => 0.95,
            Stat::P99 => 0.99,
            Stat::P999 => 0.999,
            Stat::Max => 1.0,
            _ => return None,
        })
    }
}

impl fmt::Display for Stat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.after, self.from, self.to) {
            (None, None, None) => f.write_str("over the whole run"),
            (None, Some(from), None) => write!(f, "from {from} on"),
            (None, None, Some(to)) => write!(f, "until {to}"),
            (None, Some(from), Some(to)) => write!(f, "from {from} to {to}"),
            (Some(after), None, None) => write!(f, "after {after}"),
            (Some(after), Some(from), None) => write!(f, "from {from} after {after}"),
            (Some(after), None, Some(to)) => write!(f, "until {to} after {after}"),
            (Some(after), Some(from), Some(to)) => write!(f, "from {from} to {to} after {after}"),
        }
    }
}

/// `lookup.first p99 ≤ 2s, from 2m to 12m`.
impl fmt::Display for Assertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let metric = self.metric;
        let amount = |stat, value| Amount::of(value, metric.unit_of(stat));
        write!(f, "{} ", metric.name)?;
        match &self.expect {
            Expectation::AtMost { stat, value } => write!(f, "{stat} ≤ {}", amount(*stat, *value)),
            Expectation::AtLeast { stat, value } => write!(f, "{stat} ≥ {}", amount(*stat, *value)),
            Expectation::AtMostTimes { stat, times, of } => {
                write!(f, "{stat} ≤ {times} × that {of}")
            }
            Expectation::AtLeastTimes { stat, times, of } => {
                write!(f, "{stat} ≥ {times} × that {of}")
            }
            Expectation::Recovers { to, within } => {
                let sign = if metric.better == Better::Lower {
                    '≤'
                } else {
                    '≥'
                };
                write!(
                    f,
                    "{sign} {} again within {within}",
                    Amount::of(*to, metric.unit)
                )
            }
        }?;
        write!(f, ", {}", self.window)
    }
}
