//! Figures of a metric over a window of the run.

use std::ops::Range;

use crate::{
    Measures, Reading, Samples, Statistics, Summary, Tally,
    quantile::{curve, quantile},
};

/// Points of the quantile curve: every hundredth.
const CURVE: usize = 101;

/// A window in milliseconds, its end excluded.
pub type Window = Range<u32>;

/// The summary of a metric in a window, if anything was measured there.
pub fn summary(measures: &Measures, metric: &str, window: Window) -> Option<Summary> {
    if let Some(samples) = measures.samples(metric) {
        distribution(metric, samples, window)
    } else if let Some(outcomes) = measures.outcomes(metric) {
        share(metric, outcomes, window)
    } else if let Some(readings) = measures.readings(metric) {
        gauge(metric, readings, window)
    } else {
        measures
            .counts(metric)
            .map(|counts| count(metric, counts, window))
    }
}

fn distribution(metric: &str, samples: &Samples, window: Window) -> Option<Summary> {
    let sorted = samples.sorted(window);
    let (first, last) = (sorted.first()?, sorted.last()?);
    let sum: f64 = sorted.iter().copied().map(f64::from).sum();
    Some(Summary {
        metric: metric.to_owned(),
        count: (sorted.len() as f64 * samples.weight()).round(),
        statistics: Statistics {
            mean: Some(sum / sorted.len() as f64),
            min: Some(f64::from(*first)),
            p50: quantile(&sorted, 0.5),
            p90: quantile(&sorted, 0.9),
            p95: quantile(&sorted, 0.95),
            p99: quantile(&sorted, 0.99),
            max: Some(f64::from(*last)),
            ..Statistics::default()
        },
        quantiles: curve(&sorted, CURVE),
        sampled: samples.is_sampled(),
    })
}

fn share(metric: &str, [tries, successes]: &[Tally; 2], window: Window) -> Option<Summary> {
    let tried = tries.sum(window.clone());
    (tried > 0.0).then(|| {
        let share = Some(successes.sum(window) / tried);
        let statistics = Statistics {
            share,
            ..Statistics::default()
        };
        plain(metric, tried, statistics)
    })
}

/// A gauge holds what it was last set to, so a window begins with the reading before it.
fn gauge(metric: &str, readings: &[Reading], window: Window) -> Option<Summary> {
    let from = readings.partition_point(|reading| reading.at_ms < window.start);
    let to = readings.partition_point(|reading| reading.at_ms < window.end);
    let exact = readings
        .get(from)
        .is_some_and(|reading| reading.at_ms == window.start);
    let from = if exact { from } else { from.saturating_sub(1) };
    let readings = readings.get(from..to)?;
    let last = readings.last()?;
    let values = || readings.iter().map(|reading| reading.value);
    let mut sorted: Vec<f64> = values().collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let statistics = Statistics {
        mean: Some(values().sum::<f64>() / readings.len() as f64),
        min: sorted.first().copied(),
        p50: quantile(&sorted, 0.5),
        p90: quantile(&sorted, 0.9),
        p95: quantile(&sorted, 0.95),
        p99: quantile(&sorted, 0.99),
        max: sorted.last().copied(),
        last: Some(last.value),
        ..Statistics::default()
    };
    Some(plain(metric, readings.len() as f64, statistics))
}

fn count(metric: &str, counts: &Tally, window: Window) -> Summary {
    let total = counts.sum(window.clone());
    let seconds = f64::from(window.end.saturating_sub(window.start)) / 1e3;
    let per_second = (seconds > 0.0).then(|| total / seconds);
    plain(
        metric,
        total,
        Statistics {
            per_second,
            ..Statistics::default()
        },
    )
}

fn plain(metric: &str, count: f64, statistics: Statistics) -> Summary {
    let metric = metric.to_owned();
    Summary {
        metric,
        count,
        statistics,
        quantiles: Vec::new(),
        sampled: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn a_gauge_holds_between_readings() {
        let mut measures = Measures::new();
        for (at, value) in [(0, 5.0), (10, 7.0), (30, 9.0)] {
            measures.gauge("nodes", seconds(at), value);
        }
        let inside = summary(&measures, "nodes", 15_000..20_000).unwrap();
        assert_eq!(inside.statistics.last, Some(7.0));
        let on_the_second = summary(&measures, "nodes", 10_000..31_000).unwrap();
        assert_eq!(on_the_second.statistics.min, Some(7.0));
        assert_eq!(on_the_second.statistics.max, Some(9.0));
    }

    #[test]
    fn a_share_counts_only_its_window() {
        let mut measures = Measures::new();
        for (at, found) in [(1, true), (2, false), (3, true), (9, false)] {
            measures.outcome("found", seconds(at), found);
        }
        let early = summary(&measures, "found", 0..4_000).unwrap();
        assert_eq!(
            (early.count, early.statistics.share),
            (3.0, Some(2.0 / 3.0))
        );
        assert!(summary(&measures, "found", 4_000..9_000).is_none());
    }

    #[test]
    fn nothing_was_counted_is_a_figure_too() {
        let mut measures = Measures::new();
        measures.count("bytes", seconds(1), 100.0);
        let later = summary(&measures, "bytes", 5_000..7_000).unwrap();
        assert_eq!((later.count, later.statistics.per_second), (0.0, Some(0.0)));
        assert!(summary(&measures, "unheard-of", 0..1_000).is_none());
    }
}
