//! The recorder that a simulation writes to while it runs.

use std::{collections::BTreeMap, time::Duration};

use netsim_scenario::metrics::{self, Metric, MetricKind};

mod samples;
mod tally;

pub use samples::{RESERVOIR, Sample, Samples};
pub use tally::Tally;

/// A metric of the catalogue, or its name.
pub trait Measured {
    fn name(&self) -> &'static str;
}

impl Measured for Metric {
    fn name(&self) -> &'static str {
        self.name
    }
}

impl Measured for &Metric {
    fn name(&self) -> &'static str {
        self.name
    }
}

impl Measured for &'static str {
    fn name(&self) -> &'static str {
        self
    }
}

/// The name, after a look into the catalogue in debug builds.
fn checked(metric: impl Measured, kind: MetricKind) -> &'static str {
    let name = metric.name();
    debug_assert_eq!(
        metrics::find(name).map(|metric| metric.kind),
        Some(kind),
        "{name}"
    );
    name
}

/// One reading of a gauge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// Milliseconds of virtual time since the start of the run.
    pub at_ms: u32,
    pub value: f64,
}

/// Whatever a run measured, by metric. Writing is a look-up by name and a push; values are in the
/// unit that the metric has in the catalogue. Times are virtual, since the start of the run.
#[derive(Clone, Debug, Default)]
pub struct Measures {
    samples: BTreeMap<&'static str, Samples>,
    outcomes: BTreeMap<&'static str, [Tally; 2]>,
    gauges: BTreeMap<&'static str, Vec<Reading>>,
    counts: BTreeMap<&'static str, Tally>,
}

impl Measures {
    pub fn new() -> Self {
        Self::default()
    }

    /// One value of a distribution, such as a latency. What isn't a finite number is left out.
    pub fn sample(&mut self, metric: impl Measured, at: Duration, value: f64) {
        let metric = checked(metric, MetricKind::Distribution);
        if value.is_finite() {
            self.samples
                .entry(metric)
                .or_default()
                .push(milliseconds(at), value);
        }
    }

    /// Whether one attempt succeeded; the metric is the share of those that did.
    pub fn outcome(&mut self, metric: impl Measured, at: Duration, succeeded: bool) {
        let metric = checked(metric, MetricKind::Outcome);
        let [tries, successes] = self.outcomes.entry(metric).or_default();
        let at = milliseconds(at);
        tries.add(at, 1.0);
        if succeeded {
            successes.add(at, 1.0);
        }
    }

    /// What something stands at now; it holds until the next reading.
    pub fn gauge(&mut self, metric: impl Measured, at: Duration, value: f64) {
        let metric = checked(metric, MetricKind::Gauge);
        if value.is_finite() {
            let reading = Reading {
                at_ms: milliseconds(at),
                value,
            };
            self.gauges.entry(metric).or_default().push(reading);
        }
    }

    /// `n` more of something, such as bytes sent.
    pub fn count(&mut self, metric: impl Measured, at: Duration, n: f64) {
        let metric = checked(metric, MetricKind::Counter);
        if n.is_finite() {
            self.counts
                .entry(metric)
                .or_default()
                .add(milliseconds(at), n);
        }
    }

    pub fn samples(&self, metric: &str) -> Option<&Samples> {
        self.samples.get(metric)
    }

    /// All tries and, of those, the successes.
    pub fn outcomes(&self, metric: &str) -> Option<&[Tally; 2]> {
        self.outcomes.get(metric)
    }

    /// In the order of writing, which is that of time.
    pub fn readings(&self, metric: &str) -> Option<&[Reading]> {
        self.gauges.get(metric).map(Vec::as_slice)
    }

    pub fn counts(&self, metric: &str) -> Option<&Tally> {
        self.counts.get(metric)
    }

    /// Whether anything at all was written for a metric.
    pub fn has(&self, metric: &str) -> bool {
        self.samples.contains_key(metric)
            || self.outcomes.contains_key(metric)
            || self.gauges.contains_key(metric)
            || self.counts.contains_key(metric)
    }
}

/// Runs are shorter than the 49 days that fit.
pub(crate) fn milliseconds(at: Duration) -> u32 {
    u32::try_from(at.as_millis()).unwrap_or(u32::MAX)
}
