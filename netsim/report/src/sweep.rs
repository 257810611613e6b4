//! Several seeds of one scenario, as one.

use netsim_scenario::Stat;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    Bound, Check, FORMAT, Facts, Figure, Figures, Mark, Origin, Run, SeriesTable, quantile::median,
};

/// Runs of one scenario with several seeds: medians, and how far the seeds lie apart. One run is
/// a sweep too, of one seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sweep {
    pub format: u32,
    pub scenario: Origin,
    /// By seed.
    pub runs: Vec<Facts>,
    pub metrics: Vec<SweptSummary>,
    /// Seconds that each point of a series stands for.
    pub step: f64,
    /// Where each point of a series begins, in seconds.
    pub times: Vec<f64>,
    pub series: Vec<SweptSeries>,
    pub checks: Vec<SweptCheck>,
}

/// One figure in every seed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    pub median: f64,
    pub min: f64,
    pub max: f64,
}

/// A metric in every seed that measured it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SweptSummary {
    pub metric: String,
    pub figures: Figures<Spread>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quantiles: Vec<Spread>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sampled: bool,
}

/// One figure of one metric over time, in every seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SweptSeries {
    pub metric: String,
    pub figure: Figure,
    pub values: Vec<Option<Spread>>,
}

/// An assertion in every seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SweptCheck {
    pub promise: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    pub metric: String,
    pub bound: Bound,
    /// Over the seeds that reached anything.
    pub reached: Option<Spread>,
    /// Of a single seed, in its words; of several, those of the first that failed, if any did.
    pub found: String,
    pub held: bool,
    /// In how many of how many seeds it held.
    pub held_in: (usize, usize),
    pub failed_seeds: Vec<u64>,
}

/// Why runs can't be one sweep.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum MergeError {
    #[error("there is no run to merge; give the folders that runs were written to")]
    Nothing,
    #[error(
        "cannot merge runs of `{first}` with runs of `{other}`: they ran different scenarios; \
         set them side by side with `netsim compare`"
    )]
    OtherScenario { first: String, other: String },
    #[error("cannot merge runs by {first} with runs by {other}: run them again with one program")]
    OtherVersion { first: String, other: String },
    #[error("seed {0} is there twice; give each run once")]
    SeedTwice(u64),
}

/// Makes one of the runs of a scenario, whichever machine each was made on.
pub fn merge(mut runs: Vec<Run>) -> Result<Sweep, MergeError> {
    runs.sort_by_key(|run| run.facts.seed);
    let first = runs.first().ok_or(MergeError::Nothing)?;
    for (before, run) in runs.iter().zip(&runs[1..]) {
        agree(first, run)?;
        if before.facts.seed == run.facts.seed {
            return Err(MergeError::SeedTwice(run.facts.seed));
        }
    }
    let longest = runs
        .iter()
        .max_by_key(|run| run.series.times.len())
        .unwrap_or(first);
    Ok(Sweep {
        format: FORMAT,
        scenario: first.scenario.clone(),
        metrics: metrics(&runs),
        step: longest.series.step,
        times: longest.series.times.clone(),
        series: series(&runs, &longest.series),
        checks: checks(&runs),
        runs: runs.iter().map(|run| run.facts.clone()).collect(),
    })
}

fn agree(first: &Run, run: &Run) -> Result<(), MergeError> {
    if (&run.scenario.name, &run.scenario.text) != (&first.scenario.name, &first.scenario.text) {
        let (first, other) = (first.scenario.name.clone(), run.scenario.name.clone());
        return Err(MergeError::OtherScenario { first, other });
    }
    if run.facts.version != first.facts.version {
        let (first, other) = (first.facts.version.clone(), run.facts.version.clone());
        return Err(MergeError::OtherVersion { first, other });
    }
    Ok(())
}

impl Spread {
    /// Nothing for no values.
    pub fn of(values: &[f64]) -> Option<Self> {
        Some(Self {
            median: median(values)?,
            min: values.iter().copied().min_by(f64::total_cmp)?,
            max: values.iter().copied().max_by(f64::total_cmp)?,
        })
    }
}

/// Names in the order in which they first come up.
fn names<'a, T: PartialEq>(all: impl Iterator<Item = T> + 'a) -> Vec<T> {
    let mut names = Vec::new();
    for name in all {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn metrics(runs: &[Run]) -> Vec<SweptSummary> {
    let named = names(
        runs.iter()
            .flat_map(|run| run.metrics.iter().map(|m| m.metric.as_str())),
    );
    let swept = |metric: &str| {
        let found: Vec<_> = runs.iter().filter_map(|run| run.metric(metric)).collect();
        let stats = names(
            found
                .iter()
                .flat_map(|summary| summary.figures.iter().map(|f| f.0)),
        );
        let spread = |stat: Stat| {
            let values = found.iter().filter_map(|summary| summary.get(stat));
            Some((stat, Spread::of(&values.collect::<Vec<_>>())?))
        };
        let points = found
            .iter()
            .map(|summary| summary.quantiles.len())
            .max()
            .unwrap_or(0);
        let at = |point: usize| {
            let values = found
                .iter()
                .filter_map(|summary| summary.quantiles.get(point).copied());
            Spread::of(&values.collect::<Vec<_>>())
        };
        SweptSummary {
            metric: metric.to_owned(),
            figures: stats.into_iter().filter_map(spread).collect(),
            quantiles: (0..points).filter_map(at).collect(),
            sampled: found.iter().any(|summary| summary.sampled),
        }
    };
    named.into_iter().map(swept).collect()
}

fn series(runs: &[Run], longest: &SeriesTable) -> Vec<SweptSeries> {
    let comparable = || runs.iter().filter(|run| run.series.step == longest.step);
    let keys = names(comparable().flat_map(|run| {
        run.series
            .series
            .iter()
            .map(|series| (series.metric.as_str(), series.figure))
    }));
    let swept = |(metric, figure)| {
        let found: Vec<_> = comparable()
            .filter_map(|run| run.series.get(metric, figure))
            .collect();
        let at = |point: usize| {
            let values = found
                .iter()
                .filter_map(|s| s.values.get(point).copied().flatten());
            Spread::of(&values.collect::<Vec<_>>())
        };
        let values = (0..longest.times.len()).map(at).collect();
        SweptSeries {
            metric: metric.to_owned(),
            figure,
            values,
        }
    };
    keys.into_iter().map(swept).collect()
}

fn checks(runs: &[Run]) -> Vec<SweptCheck> {
    let of = |(at, first): (usize, &Check)| {
        let each: Vec<(u64, &Check)> = runs
            .iter()
            .filter_map(|run| Some((run.facts.seed, run.checks.get(at)?)))
            .collect();
        let reached: Vec<f64> = each.iter().filter_map(|(_, check)| check.reached).collect();
        let failed = || each.iter().filter(|(_, check)| !check.held);
        let telling = failed().map(|(_, check)| *check).next().unwrap_or(first);
        let held = each.iter().filter(|(_, check)| check.held).count();
        SweptCheck {
            promise: first.promise.clone(),
            why: first.why.clone(),
            metric: first.metric.clone(),
            bound: first.bound.clone(),
            reached: Spread::of(&reached),
            found: telling.found.clone(),
            held: held == runs.len(),
            held_in: (held, runs.len()),
            failed_seeds: failed().map(|(seed, _)| *seed).collect(),
        }
    };
    let longest = runs
        .iter()
        .map(|run| &run.checks)
        .max_by_key(|checks| checks.len());
    longest.into_iter().flatten().enumerate().map(of).collect()
}

impl Sweep {
    /// Whether there is one seed only, so that nothing spreads.
    pub fn is_single(&self) -> bool {
        self.runs.len() == 1
    }

    pub fn held(&self) -> (usize, usize) {
        (
            self.checks.iter().filter(|check| check.held).count(),
            self.checks.len(),
        )
    }

    /// Whether every run completed and every promise held in every seed.
    pub fn is_good(&self) -> bool {
        let (held, all) = self.held();
        held == all && self.runs.iter().all(|run| run.ended.is_complete())
    }

    pub fn metric(&self, name: &str) -> Option<&SweptSummary> {
        self.metrics.iter().find(|summary| summary.metric == name)
    }

    pub fn series(&self, metric: &str, figure: Figure) -> Option<&SweptSeries> {
        self.series
            .iter()
            .find(|series| series.metric == metric && series.figure == figure)
    }

    /// The scenario's events, as they came in the first seed.
    pub fn marks(&self) -> &[Mark] {
        self.runs.first().map_or(&[], |run| &run.marks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::run;

    #[test]
    fn seeds_become_medians_and_ranges() {
        let sweep = merge(vec![run(3), run(1), run(2)]).unwrap();
        assert_eq!(
            sweep.runs.iter().map(|run| run.seed).collect::<Vec<_>>(),
            [1, 2, 3]
        );
        let latency = sweep.metric("gossip.latency").unwrap();
        let least = latency.figures.get(Stat::Min).unwrap();
        let each: Vec<f64> = [1, 2, 3]
            .map(|seed| {
                run(seed)
                    .metric("gossip.latency")
                    .unwrap()
                    .get(Stat::Min)
                    .unwrap()
            })
            .into();
        assert_eq!(
            (least.min, least.median, least.max),
            (each[0], each[1], each[2])
        );
        assert_eq!(latency.quantiles.len(), 101);
        assert_eq!(
            latency.quantiles[0].median,
            crate::quantile::rounded(each[1])
        );
        let series = sweep.series("gossip.latency", Figure::P50).unwrap();
        assert_eq!(series.values.len(), sweep.times.len());
        assert!(
            series
                .values
                .iter()
                .flatten()
                .all(|s| s.min < s.median && s.median < s.max)
        );
    }

    #[test]
    fn a_promise_holds_if_it_holds_in_every_seed() {
        let sweep = merge(vec![run(1), run(2), run(12)]).unwrap();
        let [latency, recovery] = sweep.checks.as_slice() else {
            panic!("two promises")
        };
        assert_eq!((latency.held, latency.held_in), (false, (2, 3)));
        assert_eq!(latency.failed_seeds, [12]);
        assert_eq!((recovery.held, recovery.held_in), (true, (3, 3)));
        assert_eq!(sweep.held(), (1, 2));
        assert!(!sweep.is_good());
    }

    #[test]
    fn a_run_cut_short_takes_part_as_far_as_it_went() {
        let mut short = run(2);
        short.facts.ended = crate::Ending::WallBound;
        short.series.times.truncate(3);
        for series in &mut short.series.series {
            series.values.truncate(3);
        }
        let sweep = merge(vec![short, run(1)]).unwrap();
        let series = sweep.series("nodes.alive", Figure::Value).unwrap();
        assert!(series.values.iter().all(Option::is_some));
        assert!(!sweep.is_good());
    }

    #[test]
    fn what_does_not_belong_together_is_not_merged() {
        assert_eq!(merge(Vec::new()), Err(MergeError::Nothing));
        assert_eq!(merge(vec![run(4), run(4)]), Err(MergeError::SeedTwice(4)));
        let mut other = run(5);
        other.scenario.text.push('#');
        assert!(matches!(
            merge(vec![run(4), other]),
            Err(MergeError::OtherScenario { .. })
        ));
        let mut other = run(5);
        other.facts.version.push('1');
        assert!(matches!(
            merge(vec![run(4), other]),
            Err(MergeError::OtherVersion { .. })
        ));
    }
}
