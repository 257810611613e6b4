//! Metrics over time, at even steps.

use std::ops::{Range, RangeInclusive};

use crate::{
    Figure, Measures, Reading, Samples, Series, SeriesTable, Tally,
    quantile::{quantile, rounded},
};

/// Points that a plot can show.
const POINTS: f64 = 300.0;
/// Steps that read well on an axis, in seconds.
const STEPS: [f64; 11] = [
    1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0,
];

/// Which steps a run is divided into.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// Seconds that the scenario sets.
    pub planned: f64,
    /// Seconds that the run came to.
    pub lived: f64,
    /// Seconds between two samples, so that no step is without one.
    pub every: f64,
}

/// Every figure of the metrics named.
pub fn series(measures: &Measures, metrics: &[&str], extent: Extent) -> SeriesTable {
    let Extent {
        planned,
        lived,
        every,
    } = extent;
    let wanted = (planned.max(lived) / POINTS).max(every);
    let step = STEPS
        .into_iter()
        .find(|step| *step >= wanted)
        .unwrap_or(3600.0);
    let points = (lived / step).ceil() as usize;
    let steps = Steps {
        milliseconds: (step * 1e3) as u32,
        points,
    };
    SeriesTable {
        step,
        times: (0..points).map(|point| point as f64 * step).collect(),
        series: metrics
            .iter()
            .flat_map(|metric| of_metric(measures, metric, &steps))
            .collect(),
    }
}

/// A step ends before the next begins.
fn inclusive(step: &Range<u32>) -> RangeInclusive<u32> {
    step.start..=step.end.saturating_sub(1)
}

struct Steps {
    milliseconds: u32,
    points: usize,
}

impl Steps {
    fn windows(&self) -> impl Iterator<Item = Range<u32>> {
        let step = self.milliseconds;
        (0..self.points as u32).map(move |point| point * step..(point + 1) * step)
    }
}

fn of_metric(measures: &Measures, metric: &str, steps: &Steps) -> Vec<Series> {
    let figures = if let Some(samples) = measures.samples(metric) {
        quantiles(samples, steps)
    } else if let Some([tries, successes]) = measures.outcomes(metric) {
        vec![(Figure::Share, shares(tries, successes, steps))]
    } else if let Some(readings) = measures.readings(metric) {
        vec![(Figure::Value, levels(readings, steps))]
    } else if let Some(counts) = measures.counts(metric) {
        vec![(Figure::Rate, rates(counts, steps))]
    } else {
        Vec::new()
    };
    let metric = || metric.to_owned();
    let named = |(figure, values): (Figure, Vec<Option<f64>>)| Series {
        metric: metric(),
        figure,
        values: values.into_iter().map(|value| value.map(rounded)).collect(),
    };
    figures.into_iter().map(named).collect()
}

fn quantiles(samples: &Samples, steps: &Steps) -> Vec<(Figure, Vec<Option<f64>>)> {
    const QUANTILES: [(Figure, f64); 4] = [
        (Figure::P5, 0.05),
        (Figure::P50, 0.5),
        (Figure::P95, 0.95),
        (Figure::P99, 0.99),
    ];
    let mut bins: Vec<Vec<f32>> = vec![Vec::new(); steps.points];
    for sample in samples.kept() {
        if let Some(bin) = bins.get_mut((sample.at_ms / steps.milliseconds) as usize) {
            bin.push(sample.value);
        }
    }
    for bin in &mut bins {
        bin.sort_unstable_by(f32::total_cmp);
    }
    let at = |q| bins.iter().map(|bin| quantile(bin, q)).collect();
    let mean = (Figure::Mean, bins.iter().map(|bin| mean(bin)).collect());
    let quantiles = QUANTILES.into_iter().map(|(figure, q)| (figure, at(q)));
    std::iter::once(mean).chain(quantiles).collect()
}

fn mean(values: &[f32]) -> Option<f64> {
    let sum: f64 = values.iter().copied().map(f64::from).sum();
    (!values.is_empty()).then(|| sum / values.len() as f64)
}

fn shares(tries: &Tally, successes: &Tally, steps: &Steps) -> Vec<Option<f64>> {
    let share = |window: Range<u32>| {
        let tried = tries.sum(inclusive(&window));
        (tried > 0.0).then(|| successes.sum(inclusive(&window)) / tried)
    };
    steps.windows().map(share).collect()
}

fn levels(readings: &[Reading], steps: &Steps) -> Vec<Option<f64>> {
    let level = |window: Range<u32>| {
        let after = readings.partition_point(|reading| reading.at_ms < window.end);
        let last = readings.get(after.checked_sub(1)?)?;
        Some(last.value)
    };
    steps.windows().map(level).collect()
}

fn rates(counts: &Tally, steps: &Steps) -> Vec<Option<f64>> {
    let seconds = f64::from(steps.milliseconds) / 1e3;
    steps
        .windows()
        .map(|window| Some(counts.sum(inclusive(&window)) / seconds))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn each_kind_has_its_figures() {
        let mut measures = Measures::new();
        for second in 0..600 {
            let at = Duration::from_secs(second);
            measures.sample("gossip.latency", at, second as f64);
            measures.outcome("lookup.found", at, second % 2 == 0);
            measures.count("refusals", at, 10.0);
            if second % 60 == 0 {
                measures.gauge("nodes.alive", at, second as f64);
            }
        }
        let metrics = [
            "gossip.latency",
            "lookup.found",
            "nodes.alive",
            "refusals",
            "unheard-of",
        ];
        let table = series(
            &measures,
            &metrics,
            Extent {
                planned: 600.0,
                lived: 600.0,
                every: 1.0,
            },
        );
        assert_eq!(
            (table.step, table.times.len(), table.times[1]),
            (2.0, 300, 2.0)
        );
        assert_eq!(table.series.len(), 8);
        let at = |metric: &str, figure, point: usize| {
            let series = table
                .series
                .iter()
                .find(|s| s.metric == metric && s.figure == figure);
            series.unwrap().values[point]
        };
        assert_eq!(at("gossip.latency", Figure::P50, 3), Some(6.5));
        assert_eq!(at("lookup.found", Figure::Share, 3), Some(0.5));
        assert_eq!(at("nodes.alive", Figure::Value, 31), Some(60.0));
        assert_eq!(at("refusals", Figure::Rate, 299), Some(10.0));
    }

    #[test]
    fn a_run_cut_short_has_the_steps_of_a_whole_one() {
        let table = series(
            &Measures::new(),
            &[],
            Extent {
                planned: 3600.0,
                lived: 100.0,
                every: 5.0,
            },
        );
        assert_eq!((table.step, table.times.len()), (15.0, 7));
    }
}
