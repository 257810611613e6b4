//! What one run has to tell, as it is kept in `run.json`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use netsim_scenario::{Scenario, Stat, metrics};

use crate::{
    Figures, Measures, Unit,
    series::{Extent, series},
    verdict::verdicts,
    window::{summary, window},
};

/// The number that `run.json` begins with. It changes when an older program would misread it.
pub const FORMAT: u32 = 1;

/// One run of one seed: where it came from, how it ended, and all that it measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    pub format: u32,
    pub scenario: Origin,
    #[serde(flatten)]
    pub facts: Facts,
    /// In the catalogue's order; a metric that wasn't measured isn't here.
    pub metrics: Vec<Summary>,
    pub series: SeriesTable,
    pub checks: Vec<Check>,
}

/// What the simulator knows of a run besides its measurements.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    pub seed: u64,
    /// Of the program that ran it.
    pub version: String,
    /// Equal for two runs that did the same, bit for bit.
    pub trace_hash: String,
    pub ended: Ending,
    pub virtual_seconds: f64,
    pub wall_seconds: f64,
    /// Events that the simulator handled.
    pub events: u64,
    pub peak_memory_bytes: u64,
    /// Hosts that ever lived.
    pub hosts: u64,
    pub marks: Vec<Mark>,
}

/// Where the scenario came from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    pub name: String,
    pub about: String,
    /// As it was given to `netsim run`.
    pub file: String,
    /// The whole file.
    pub text: String,
}

/// How a run came to its end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "how", content = "message")]
pub enum Ending {
    #[default]
    Completed,
    /// The run used up its wall time.
    WallBound,
    /// The run used up its memory.
    MemoryBound,
    Interrupted,
    Crashed(String),
}

/// Something named that happened at a time: an event of the scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    pub name: String,
    /// Virtual, since the start of the run.
    pub seconds: f64,
}

/// A metric over the measured part of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    pub metric: String,
    /// Those that this kind of metric has.
    pub figures: Figures<f64>,
    /// Values at even steps of share from the lowest to the highest, of a distribution.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quantiles: Vec<f64>,
    /// There were too many values to keep: quantiles are those of an even sample.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sampled: bool,
}

/// What changed over time, all at the same times.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SeriesTable {
    /// Seconds that each point stands for.
    pub step: f64,
    /// Where each point begins, in seconds.
    pub times: Vec<f64>,
    pub series: Vec<Series>,
}

/// One figure of one metric over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    pub metric: String,
    pub figure: Figure,
    /// Nothing where nothing was measured.
    pub values: Vec<Option<f64>>,
}

/// Which figure of a metric a series shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Figure {
    Mean,
    P5,
    P50,
    P95,
    P99,
    /// Of a gauge: what it stood at, at the end of the step.
    Value,
    /// Of outcomes: the share of successes.
    Share,
    /// Of a count: per second.
    Rate,
}

/// One assertion of the scenario, held against what was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// The assertion as a sentence, with its bound.
    pub promise: String,
    /// Why it is asked for, as the scenario says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    pub metric: String,
    pub bound: Bound,
    /// Nothing if nothing was measured, or what was waited for never came.
    pub reached: Option<f64>,
    /// What was reached in words with its unit, or why there is nothing.
    pub found: String,
    pub held: bool,
}

/// Where the line is that a figure must not cross.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bound {
    pub limit: f64,
    pub side: Side,
    /// What `limit` and the figure reached are in.
    pub unit: Unit,
}

/// On which side of its bound a figure must stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    AtMost,
    AtLeast,
}

impl Ending {
    /// Whether the run went on to the end that its scenario sets.
    pub fn is_complete(&self) -> bool {
        *self == Self::Completed
    }
}

impl Mark {
    /// The scenario's events, and for those that last also when they are over.
    pub fn of(scenario: &Scenario) -> Vec<Self> {
        let marks = scenario.events.iter().flat_map(|event| {
            let mark = |name: &str, at: Duration| Self {
                name: name.to_owned(),
                seconds: at.as_secs_f64(),
            };
            let over = (event.end() > event.at.0)
                .then(|| mark(&format!("{} is over", event.name), event.end()));
            std::iter::once(mark(&event.name, event.at.0)).chain(over)
        });
        let mut marks: Vec<_> = marks.collect();
        marks.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
        marks
    }
}

impl Run {
    /// All that a run has to tell, with its assertions judged. `file` and `text` are the scenario
    /// as it was given.
    pub fn new(
        scenario: &Scenario,
        file: &str,
        text: &str,
        facts: Facts,
        measures: &Measures,
    ) -> Self {
        let lived = Duration::try_from_secs_f64(facts.virtual_seconds).unwrap_or_default();
        let measured = window(scenario.warmup.0..lived);
        let of = |metric| summary(measures, metric, measured.clone());
        let names: Vec<&str> = metrics::ALL.iter().map(|metric| metric.name).collect();
        let extent = Extent {
            planned: scenario.duration.as_secs_f64(),
            lived: lived.as_secs_f64(),
            every: scenario.sample_every.as_secs_f64(),
        };
        Self {
            format: FORMAT,
            scenario: Origin {
                name: scenario.name.clone(),
                about: scenario.about.clone(),
                file: file.to_owned(),
                text: text.to_owned(),
            },
            metrics: metrics::ALL.iter().filter_map(of).collect(),
            series: series(measures, &names, extent),
            checks: verdicts(scenario, measures, lived),
            facts,
        }
    }

    /// How many promises held, of how many.
    pub fn held(&self) -> (usize, usize) {
        (
            self.checks.iter().filter(|check| check.held).count(),
            self.checks.len(),
        )
    }

    /// Whether the run completed and every promise held: what `netsim run` exits by.
    pub fn is_good(&self) -> bool {
        self.facts.ended.is_complete() && self.checks.iter().all(|check| check.held)
    }

    pub fn metric(&self, name: &str) -> Option<&Summary> {
        self.metrics.iter().find(|summary| summary.metric == name)
    }
}

impl Summary {
    pub fn get(&self, stat: Stat) -> Option<f64> {
        self.figures.get(stat).copied()
    }
}

impl SeriesTable {
    pub fn get(&self, metric: &str, figure: Figure) -> Option<&Series> {
        self.series
            .iter()
            .find(|series| series.metric == metric && series.figure == figure)
    }
}
