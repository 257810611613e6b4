//! What a metric came to in a part of the run.

use std::{ops::RangeInclusive, time::Duration};

use netsim_scenario::{
    Stat,
    metrics::{Metric, MetricKind},
};

use crate::{
    Figures, Measures, Summary,
    measures::milliseconds,
    quantile::{curve, quantile, rounded},
};

/// Points of a quantile curve: every hundredth.
const CURVE: usize = 101;

/// A part of the run in milliseconds, both ends included.
pub type Window = RangeInclusive<u32>;

pub fn window(range: std::ops::Range<Duration>) -> Window {
    milliseconds(range.start)..=milliseconds(range.end)
}

/// A metric's values in a window, made ready for their statistics.
pub enum Windowed {
    /// Ascending, and how many measured values each stands for.
    Distribution {
        sorted: Vec<f32>,
        weight: f64,
    },
    Outcome {
        tries: f64,
        successes: f64,
    },
    /// Ascending, and the latest.
    Gauge {
        sorted: Vec<f64>,
        last: Option<f64>,
    },
    Counter {
        total: f64,
        seconds: f64,
    },
}

impl Windowed {
    pub fn new(measures: &Measures, metric: &Metric, window: Window) -> Self {
        let name = metric.name;
        match metric.kind {
            MetricKind::Distribution => {
                let samples = measures.samples(name);
                Self::Distribution {
                    sorted: samples
                        .map(|samples| samples.sorted(window))
                        .unwrap_or_default(),
                    weight: samples.map_or(1.0, |samples| samples.weight()),
                }
            }
            MetricKind::Outcome => {
                let outcomes = measures.outcomes(name);
                let sum = |of: usize| outcomes.map_or(0.0, |both| both[of].sum(window.clone()));
                Self::Outcome {
                    tries: sum(0),
                    successes: sum(1),
                }
            }
            MetricKind::Gauge => {
                let readings = measures.readings(name).unwrap_or_default();
                let inside = readings
                    .iter()
                    .filter(|reading| window.contains(&reading.at_ms));
                let mut sorted: Vec<f64> = inside.map(|reading| reading.value).collect();
                let last = sorted.last().copied();
                sorted.sort_unstable_by(f64::total_cmp);
                Self::Gauge { sorted, last }
            }
            MetricKind::Counter => {
                let milliseconds = window.end().saturating_sub(*window.start());
                let total = measures
                    .counts(name)
                    .map_or(0.0, |counts| counts.sum(window));
                Self::Counter {
                    total,
                    seconds: f64::from(milliseconds) / 1e3,
                }
            }
        }
    }

    /// Nothing where there was nothing to take it of; a number of things is then 0.
    pub fn figure(&self, stat: Stat) -> Option<f64> {
        match self {
            Self::Distribution { sorted, weight } => match stat {
                Stat::Count => Some((sorted.len() as f64 * weight).round()),
                _ => of_sorted(sorted, stat),
            },
            Self::Outcome { tries, successes } => match stat {
                Stat::Count => Some(*tries),
                Stat::Misses => Some(tries - successes),
                Stat::Share => (*tries > 0.0).then(|| successes / tries),
                _ => None,
            },
            Self::Gauge { sorted, last } => match stat {
                Stat::Last => *last,
                _ => of_sorted(sorted, stat),
            },
            Self::Counter { total, seconds } => match stat {
                Stat::Total => Some(*total),
                Stat::PerSecond => (*total > 0.0 && *seconds > 0.0).then(|| total / seconds),
                _ => None,
            },
        }
    }
}

fn of_sorted<T: Copy + Into<f64>>(sorted: &[T], stat: Stat) -> Option<f64> {
    match (stat, stat.quantile()) {
        (_, Some(q)) => quantile(sorted, q),
        (Stat::Mean, None) if !sorted.is_empty() => {
            Some(sorted.iter().copied().map(Into::into).sum::<f64>() / sorted.len() as f64)
        }
        _ => None,
    }
}

/// All statistics of a metric in a window; nothing if it wasn't measured at all.
pub fn summary(measures: &Measures, metric: &Metric, window: Window) -> Option<Summary> {
    if !measures.has(metric.name) {
        return None;
    }
    let values = Windowed::new(measures, metric, window);
    let stats = metric.kind.stats().iter();
    let figures: Figures<f64> = stats
        .filter_map(|stat| Some((*stat, values.figure(*stat)?)))
        .collect();
    let quantiles = match &values {
        Windowed::Distribution { sorted, .. } => {
            curve(sorted, CURVE).into_iter().map(rounded).collect()
        }
        _ => Vec::new(),
    };
    let sampled = measures
        .samples(metric.name)
        .is_some_and(|samples| samples.is_sampled());
    Some(Summary {
        metric: metric.name.to_owned(),
        figures,
        quantiles,
        sampled,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use netsim_scenario::metrics;

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn a_window_includes_both_ends() {
        let mut measures = Measures::new();
        for second in 0..=10 {
            measures.gauge(metrics::NODES_ALIVE, seconds(second), second as f64);
            measures.sample(metrics::GOSSIP_LATENCY, seconds(second), second as f64);
            measures.outcome(metrics::GOSSIP_DELIVERY, seconds(second), second % 2 == 0);
            measures.count(metrics::REFUSALS, seconds(second), 1.0);
        }
        let figure = |metric: &Metric, stat| {
            Windowed::new(&measures, metric, window(seconds(2)..seconds(6))).figure(stat)
        };
        assert_eq!(figure(&metrics::NODES_ALIVE, Stat::Min), Some(2.0));
        assert_eq!(figure(&metrics::NODES_ALIVE, Stat::Last), Some(6.0));
        assert_eq!(figure(&metrics::GOSSIP_LATENCY, Stat::Mean), Some(4.0));
        assert_eq!(figure(&metrics::GOSSIP_LATENCY, Stat::P75), Some(5.0));
        assert_eq!(figure(&metrics::GOSSIP_DELIVERY, Stat::Misses), Some(2.0));
        assert_eq!(figure(&metrics::GOSSIP_DELIVERY, Stat::Share), Some(0.6));
        assert_eq!(figure(&metrics::REFUSALS, Stat::PerSecond), Some(1.25));
    }

    #[test]
    fn nothing_is_a_number_only_where_things_are_numbered() {
        let measures = Measures::new();
        for metric in metrics::ALL {
            let values = Windowed::new(&measures, metric, 0..=1000);
            for stat in metric.kind.stats() {
                let numbered = matches!(stat, Stat::Count | Stat::Misses | Stat::Total);
                assert_eq!(
                    values.figure(*stat),
                    numbered.then_some(0.0),
                    "{} {stat}",
                    metric.name
                );
            }
            assert!(summary(&measures, metric, 0..=1000).is_none());
        }
    }
}
