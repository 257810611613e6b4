//! What hosts see that behave for the whole run: known at its end.

use std::time::Duration;

use netsim_scenario::metrics::Metric;

use super::Run;
use crate::agenda::HostNo;

enum Value {
    Sample(f64),
    Outcome(bool),
}

/// Values that wait for the run's end.
#[derive(Default)]
pub(super) struct Honest {
    values: Vec<(&'static str, Duration, Value, [HostNo; 2])>,
}

impl Run<'_> {
    /// A value of `metric` that counts if both hosts behave for the whole run.
    pub(super) fn honest_sample(
        &mut self,
        metric: Metric,
        at: Duration,
        value: f64,
        by: [HostNo; 2],
    ) {
        self.honest_value(metric, at, Value::Sample(value), by);
    }

    /// An outcome that counts if both hosts behave for the whole run.
    pub(super) fn honest_outcome(
        &mut self,
        metric: Metric,
        at: Duration,
        good: bool,
        by: [HostNo; 2],
    ) {
        self.honest_value(metric, at, Value::Outcome(good), by);
    }

    fn honest_value(&mut self, metric: Metric, at: Duration, value: Value, by: [HostNo; 2]) {
        if self.scenario.is_hostile() {
            self.honest.values.push((metric.name, at, value, by));
        }
    }

    pub(super) fn conclude_honest(&mut self) {
        for (metric, at, value, by) in std::mem::take(&mut self.honest.values) {
            let honest = |host: &HostNo| !self.population.hosts[*host].misbehaved;
            if !by.iter().all(honest) {
                continue;
            }
            match value {
                Value::Sample(value) => self.measures.sample(metric, at, value),
                Value::Outcome(good) => self.measures.outcome(metric, at, good),
            }
        }
    }
}
