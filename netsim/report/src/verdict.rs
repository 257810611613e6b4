//! The scenario's assertions, held against what was measured.

use std::time::Duration;

use netsim_scenario::{
    Assertion, Expectation, Scenario, Stat,
    metrics::{Better, Metric},
};

use crate::{
    Bound, Check, Measures, Side, Unit,
    unit::{clock, digits, length},
    window::{Windowed, window},
    words::promise,
};

/// One check for each assertion, in their order. `lived` is the virtual time that the run came to:
/// what it didn't live to see doesn't hold.
pub fn verdicts(scenario: &Scenario, measures: &Measures, lived: Duration) -> Vec<Check> {
    let run = Evidence {
        scenario,
        measures,
        lived,
    };
    scenario
        .assertions
        .iter()
        .map(|assertion| run.check(assertion))
        .collect()
}

/// What may be lost of a time when it is written as a number of seconds.
const SLACK: Duration = Duration::from_millis(1);

struct Evidence<'a> {
    scenario: &'a Scenario,
    measures: &'a Measures,
    lived: Duration,
}

/// What was reached, in words; or why nothing was.
struct Found {
    reached: Option<f64>,
    words: String,
}

impl Evidence<'_> {
    fn check(&self, assertion: &Assertion) -> Check {
        let metric = assertion.metric;
        let (bound, found) = match &assertion.expect {
            Expectation::AtMost { stat, value } => {
                let unit = Unit::from(metric.unit_of(*stat));
                let bound = Bound {
                    limit: *value,
                    side: Side::AtMost,
                    unit,
                };
                (bound, self.absolute(assertion, *stat, unit))
            }
            Expectation::AtLeast { stat, value } => {
                let unit = Unit::from(metric.unit_of(*stat));
                let bound = Bound {
                    limit: *value,
                    side: Side::AtLeast,
                    unit,
                };
                (bound, self.absolute(assertion, *stat, unit))
            }
            Expectation::AtMostTimes { stat, times, of } => {
                let bound = Bound {
                    limit: *times,
                    side: Side::AtMost,
                    unit: Unit::Times,
                };
                (bound, self.relative(assertion, *stat, of))
            }
            Expectation::AtLeastTimes { stat, times, of } => {
                let bound = Bound {
                    limit: *times,
                    side: Side::AtLeast,
                    unit: Unit::Times,
                };
                (bound, self.relative(assertion, *stat, of))
            }
            Expectation::Recovers { to, within } => {
                let limit = within.as_secs_f64();
                let bound = Bound {
                    limit,
                    side: Side::AtMost,
                    unit: Unit::Seconds,
                };
                (bound, self.recovery(assertion, *to, within.0))
            }
        };
        let end = assertion
            .window
            .range(self.scenario)
            .end
            .min(self.scenario.duration.0);
        let mut check = Check {
            promise: promise(assertion),
            why: assertion.why.clone(),
            metric: metric.name.to_owned(),
            held: found.reached.is_some_and(|reached| bound.admits(reached)),
            bound,
            reached: found.reached,
            found: found.words,
        };
        if end > self.lived.saturating_add(SLACK) {
            let lived = clock(self.lived.as_secs_f64());
            check.held = false;
            check.found += &format!("; the run ended at {lived}, before the time was over");
        }
        check
    }

    fn windowed(&self, metric: &Metric, of: &netsim_scenario::Window) -> Windowed {
        Windowed::new(self.measures, metric, window(of.range(self.scenario)))
    }

    fn absolute(&self, assertion: &Assertion, stat: Stat, unit: Unit) -> Found {
        let metric = assertion.metric;
        let values = self.windowed(metric, &assertion.window);
        match values.figure(stat) {
            Some(reached) => {
                let words = format!("{}{}", unit.say(reached), amount(&values, stat));
                Found {
                    reached: Some(reached),
                    words,
                }
            }
            None => nothing(metric, &assertion.window),
        }
    }

    fn relative(&self, assertion: &Assertion, stat: Stat, of: &netsim_scenario::Window) -> Found {
        let metric = assertion.metric;
        let unit = Unit::from(metric.unit_of(stat));
        let Some(value) = self.windowed(metric, &assertion.window).figure(stat) else {
            return nothing(metric, &assertion.window);
        };
        let Some(base) = self.windowed(metric, of).figure(stat) else {
            return nothing(metric, of);
        };
        if base == 0.0 && value != 0.0 {
            let words = format!(
                "{} against none {of}: no multiple says that",
                unit.say(value)
            );
            return Found {
                reached: None,
                words,
            };
        }
        let times = if base == 0.0 { 1.0 } else { value / base };
        let (value, base) = (unit.say(value), unit.say(base));
        let words = format!("{} × ({value} against {base})", digits(times));
        Found {
            reached: Some(times),
            words,
        }
    }

    /// The time of the last sample that wasn't good enough, from the window's start: recovery is
    /// in time if that is before `within` is over.
    fn recovery(&self, assertion: &Assertion, to: f64, within: Duration) -> Found {
        let metric = assertion.metric;
        let range = assertion.window.range(self.scenario);
        let start = range.start;
        let due = window(start.saturating_add(within)..range.end);
        let all = window(range);
        let readings = self.measures.readings(metric.name).unwrap_or_default();
        let inside = || {
            readings
                .iter()
                .filter(|reading| all.contains(&reading.at_ms))
        };
        if !inside().any(|reading| due.contains(&reading.at_ms)) {
            return nothing(metric, &assertion.window);
        }
        let is_bad = |value: f64| match metric.better {
            Better::Lower => value > to,
            Better::Higher | Better::Neither => value < to,
        };
        let since = |at_ms: u32| f64::from(at_ms - all.start()) / 1e3;
        let unit = Unit::from(metric.unit);
        let Some(bad) = inside().rfind(|reading| is_bad(reading.value)) else {
            let words = format!("it never was worse than {}", unit.say(to));
            return Found {
                reached: Some(0.0),
                words,
            };
        };
        let after = since(bad.at_ms);
        let stood = format!("still {} after {}", unit.say(bad.value), length(after));
        let good = inside().find(|reading| reading.at_ms > bad.at_ms);
        let Some(good) = good.map(|reading| since(reading.at_ms)) else {
            return Found {
                reached: None,
                words: format!("{stood}, at the end"),
            };
        };
        let words = format!("{stood}, good from {} on", length(good));
        let late = due.contains(&bad.at_ms);
        Found {
            reached: Some(if late { good } else { after }),
            words,
        }
    }
}

fn nothing(metric: &Metric, window: &netsim_scenario::Window) -> Found {
    let words = format!(
        "nothing was measured: {} has no value {window}",
        metric.name
    );
    Found {
        reached: None,
        words,
    }
}

/// Of how many a figure was taken, where that says how much it's worth.
fn amount(values: &Windowed, stat: Stat) -> String {
    match values {
        Windowed::Distribution { .. } if stat != Stat::Count => {
            let count = values.figure(Stat::Count).unwrap_or(0.0);
            format!(" of {}", many(count, "value"))
        }
        Windowed::Outcome { tries, .. } if stat != Stat::Count => {
            format!(" of {}", many(*tries, "try"))
        }
        _ => String::new(),
    }
}

fn many(count: f64, what: &str) -> String {
    let plural = match (count == 1.0, what.strip_suffix('y')) {
        (true, _) => what.to_owned(),
        (false, Some(stem)) => format!("{stem}ies"),
        (false, None) => format!("{what}s"),
    };
    format!("{} {plural}", digits(count))
}

impl Bound {
    /// Whether a figure is on the right side; the limit itself is.
    pub fn admits(&self, reached: f64) -> bool {
        match self.side {
            Side::AtMost => reached <= self.limit,
            Side::AtLeast => reached >= self.limit,
        }
    }
}
