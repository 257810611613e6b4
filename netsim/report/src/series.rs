//! Metrics over time, at even steps.

use std::ops::{Range, RangeInclusive};

use crate::{Figure, Measures, Reading, Samples, Series, SeriesTable, Tally, quantile::quantile};

/// Points that a plot can show.
const POINTS: f64 = 300.0;
/// Steps that read well on an axis, in seconds.
const STEPS: [f64; 11] = [
    1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0,
];

/// Every figure of the metrics named, over a run of `planned` seconds that went on for `lived`.
pub fn series(measures: &Measures, metrics: &[&str], planned: f64, lived: f64) -> SeriesTable {
    let wanted = planned.max(lived) / POINTS;
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
    let named = |(figure, values)| Series {
        metric: metric(),
        figure,
        values,
    };
    figures.into_iter().map(named).collect()
}

fn quantiles(samples: &Samples, steps: &Steps) -> Vec<(Figure, Vec<Option<f64>>)> {
    let mut bins: Vec<Vec<f32>> = vec![Vec::new(); steps.points];
    for sample in samples.kept() {
        if let Some(bin) = bins.get_mut((sample.at_ms / steps.milliseconds) as usize) {
            bin.push(sample.value);
        }
    }
    for bin in &mut bins {
        bin.sort_unstable_by(f32::total_cmp);
    }
    [
        (Figure::P5, 0.05),
        (Figure::P50, 0.5),
        (Figure::P95, 0.95),
        (Figure::P99, 0.99),
    ]
    .map(|(figure, q)| (figure, bins.iter().map(|bin| quantile(bin, q)).collect()))
    .into()
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
        let table = series(&measures, &metrics, 600.0, 600.0);
        assert_eq!(
            (table.step, table.times.len(), table.times[1]),
            (2.0, 300, 2.0)
        );
        assert_eq!(table.series.len(), 7);
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
        let table = series(&Measures::new(), &[], 3600.0, 100.0);
        assert_eq!((table.step, table.times.len()), (15.0, 7));
    }
}
