//! What one run has to tell, as it is kept in `run.json`.

use serde::{Deserialize, Serialize};

/// The number that `run.json` begins with. It changes when an older program would misread it.
pub const FORMAT: u32 = 1;

/// One run of one seed: where it came from, how it ended, and all that it measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    pub format: u32,
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
    pub scenario: Origin,
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

/// A metric over the whole run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    pub metric: String,
    /// Values, tries, readings; for a count, how much.
    pub count: f64,
    /// Each where the kind of metric has it.
    #[serde(flatten)]
    pub statistics: Statistics,
    /// Values at even steps from the lowest to the highest, of a distribution.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quantiles: Vec<f64>,
    /// There were too many values to keep: quantiles are those of an even sample.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sampled: bool,
}

/// The figures of a summary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Statistics {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p90: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p95: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// Of the tries, those that succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<f64>,
    /// Of a count, over the run's virtual time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_second: Option<f64>,
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
    /// The promise as a sentence, with its bound.
    pub promise: String,
    pub metric: String,
    /// What was asked for, in words with its unit: `≤ 800 ms`.
    pub bound: String,
    pub reached: Reached,
    pub held: bool,
}

/// What an assertion found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "what")]
pub enum Reached {
    /// In the metric's unit, or a ratio, or seconds: `text` says it in words.
    Figure { value: f64, text: String },
    /// Nothing was measured, or what the promise waits for never came: it doesn't hold.
    Nothing { why: String },
}

impl Ending {
    /// Whether the run went on to the end that its scenario sets.
    pub fn is_complete(&self) -> bool {
        *self == Self::Completed
    }
}

impl Run {
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

impl SeriesTable {
    pub fn get(&self, metric: &str, figure: Figure) -> Option<&Series> {
        self.series
            .iter()
            .find(|series| series.metric == metric && series.figure == figure)
    }
}
