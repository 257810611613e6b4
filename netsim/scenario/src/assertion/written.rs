use std::{fmt, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::{Assertion, Expectation, Stat, Window};
use crate::{
    Bandwidth, Size, Span,
    metrics::{self, Better, Metric, MetricKind, Unit},
    mistake::nearest,
};

/// What must hold, as the file says it.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Assertion")]
pub(crate) struct Written {
    /// Of what: a metric of the catalogue.
    metric: String,
    /// What is taken of its values in the window. A distribution has mean, min, max, count and
    /// percentiles; a gauge mean, min, max, last and percentiles; an outcome share, count and
    /// misses; a counter total and per_second. Default: share of an outcome, total of a counter.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(title = "statistic")]
    stat: Option<Stat>,
    /// The largest value that holds: a duration, a size or a bandwidth as the metric has it,
    /// else a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    at_most: Option<Amount>,
    /// The smallest value that holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    at_least: Option<Amount>,
    /// The value is at most so many times what it is over the window `of`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000))]
    at_most_times: Option<f64>,
    /// The value is at least so many times what it is over the window `of`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000))]
    at_least_times: Option<f64>,
    /// The window that `at_most_times` and `at_least_times` compare with.
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<Window>,
    /// Every sample of a gauge is as good as this (at least it where higher is better, at most
    /// where lower is) from `within` after the window's start on, until its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    recovers_to: Option<Amount>,
    /// The time that a recovery may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    within: Option<Span>,
    /// The window begins when this event is over, and `from` and `to` are counted from there.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
    /// Where the window begins. Default: the end of the warm-up, or the event of `after`.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Span>,
    /// Where the window ends. Default: the end of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<Span>,
    /// Why, for the report.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// A bound as it is written: with its unit, or a number.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Amount {
    Text(String),
    Number(f64),
}

impl JsonSchema for Amount {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Amount".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "title": "duration, size, bandwidth or number",
            "description": "A value in the metric's unit: \"800ms\", \"6 GB\", \"5 KB/s\", or a number.",
            "type": ["string", "number"],
        })
    }
}

impl Amount {
    fn in_unit(&self, unit: Unit) -> Result<f64, String> {
        let parsed = match (self, unit) {
            (Amount::Text(text), Unit::Milliseconds) => {
                text.parse::<Span>().map(|span| span.as_secs_f64() * 1e3)
            }
            (Amount::Text(text), Unit::Seconds) => {
                text.parse::<Span>().map(|span| span.as_secs_f64())
            }
            (Amount::Text(text), Unit::Bytes) => text.parse::<Size>().map(|size| size.0 as f64),
            (Amount::Text(text), Unit::BytesPerSecond) => text
                .parse::<Bandwidth>()
                .map(|bandwidth| bandwidth.0 as f64),
            (Amount::Text(text), Unit::Count | Unit::PerSecond | Unit::Share) => Err(format!(
                "\"{text}\" is in quotes, but this is a number without a unit"
            )),
            (Amount::Number(number), Unit::Count | Unit::PerSecond | Unit::Share) => Ok(*number),
            (Amount::Number(number), Unit::Milliseconds) => Err(format!(
                "{number} has no unit; did you mean \"{number}ms\"?"
            )),
            (Amount::Number(number), Unit::Seconds) => {
                Err(format!("{number} has no unit; did you mean \"{number}s\"?"))
            }
            (Amount::Number(number), Unit::Bytes) => Err(format!(
                "{number} has no unit; did you mean \"{number} B\"?"
            )),
            (Amount::Number(number), Unit::BytesPerSecond) => Err(format!(
                "{number} has no unit; did you mean \"{number} B/s\"?"
            )),
        };
        match (parsed?, unit) {
            (value, Unit::Share) if !(0.0..=1.0).contains(&value) => {
                Err(format!("{value} is no share; shares are between 0 and 1"))
            }
            (value, _) if !value.is_finite() || value < 0.0 => {
                Err(format!("{value} can't be; it must be 0 or more"))
            }
            (value, _) => Ok(value),
        }
    }

    /// A value in a unit, as a file would have it.
    pub(super) fn of(value: f64, unit: Unit) -> Self {
        match unit {
            Unit::Milliseconds => {
                Amount::Text(Span(Duration::from_secs_f64(value / 1e3)).to_string())
            }
            Unit::Seconds => Amount::Text(Span(Duration::from_secs_f64(value)).to_string()),
            Unit::Bytes => Amount::Text(Size(value.round() as u64).to_string()),
            Unit::BytesPerSecond => Amount::Text(Bandwidth(value.round() as u64).to_string()),
            Unit::Count | Unit::PerSecond | Unit::Share => Amount::Number(value),
        }
    }
}

/// What is wrong with a written assertion: the key and the words.
type Wrong = (&'static str, String);

impl Written {
    /// The assertion, or all that is wrong with it, each with the key that it is about.
    pub(crate) fn read(self) -> Result<Assertion, Vec<Wrong>> {
        let Some(metric) = metrics::find(&self.metric) else {
            let names = metrics::ALL.iter().map(|metric| metric.name);
            let meant = match nearest(&self.metric, names) {
                Some(name) => format!("did you mean `{name}`?"),
                None => "docs/netsim-scenarios.md lists them".to_owned(),
            };
            return Err(vec![(
                "metric",
                format!("no metric `{}`; {meant}", self.metric),
            )]);
        };
        let mut wrong = Vec::new();
        let expect = self.expectation(metric, &mut wrong);
        match (expect, wrong.is_empty()) {
            (Some(expect), true) => Ok(Assertion {
                metric,
                expect,
                window: Window {
                    after: self.after,
                    from: self.from,
                    to: self.to,
                },
                why: self.why,
            }),
            _ => Err(wrong),
        }
    }

    fn expectation(&self, metric: &Metric, wrong: &mut Vec<Wrong>) -> Option<Expectation> {
        let bounds = [
            ("at_most", self.at_most.is_some()),
            ("at_least", self.at_least.is_some()),
            ("at_most_times", self.at_most_times.is_some()),
            ("at_least_times", self.at_least_times.is_some()),
            ("recovers_to", self.recovers_to.is_some()),
        ];
        let written: Vec<_> = bounds
            .iter()
            .filter(|(_, is)| *is)
            .map(|(key, _)| *key)
            .collect();
        let [bound] = written[..] else {
            let message = match written.len() {
                0 => "an assertion needs a bound: `at_most`, `at_least`, `at_most_times`, \
                      `at_least_times` or `recovers_to`"
                    .to_owned(),
                _ => format!(
                    "one bound for each assertion, not {}",
                    written.join(" and ")
                ),
            };
            wrong.push((written.get(1).copied().unwrap_or("metric"), message));
            return None;
        };
        let times = bound.ends_with("_times");
        if times != self.of.is_some() {
            wrong.push(match times {
                true => (
                    bound,
                    format!(
                        "`{bound}` compares with another window; add `of = {{ from = …, to = … }}`"
                    ),
                ),
                false => (
                    "of",
                    "`of` goes with `at_most_times` or `at_least_times`".to_owned(),
                ),
            });
        }
        if bound == "recovers_to" {
            return self.recovery(metric, wrong);
        }
        if self.within.is_some() {
            wrong.push((
                "within",
                "`within` goes with `recovers_to`; a window ends at `to`".to_owned(),
            ));
        }
        let stat = self.stat(metric, wrong)?;
        let amount = |key, amount: &Amount, wrong: &mut Vec<Wrong>| match amount
            .in_unit(metric.unit_of(stat))
        {
            Ok(value) => Some(value),
            Err(message) => {
                wrong.push((key, format!("`{key}` of `{}`: {message}", metric.name)));
                None
            }
        };
        let of = || self.of.clone();
        Some(
            match (
                &self.at_most,
                &self.at_least,
                self.at_most_times,
                self.at_least_times,
            ) {
                (Some(value), ..) => Expectation::AtMost {
                    stat,
                    value: amount("at_most", value, wrong)?,
                },
                (_, Some(value), ..) => Expectation::AtLeast {
                    stat,
                    value: amount("at_least", value, wrong)?,
                },
                (_, _, Some(times), _) => Expectation::AtMostTimes {
                    stat,
                    times,
                    of: of()?,
                },
                (_, _, _, Some(times)) => Expectation::AtLeastTimes {
                    stat,
                    times,
                    of: of()?,
                },
                _ => return None,
            },
        )
    }

    fn recovery(&self, metric: &Metric, wrong: &mut Vec<Wrong>) -> Option<Expectation> {
        if metric.kind != MetricKind::Gauge || metric.better == Better::Neither {
            wrong.push((
                "recovers_to",
                format!(
                    "`{}` doesn't recover: `recovers_to` is for gauges such as \
                     `presence.agreement`; use `at_most` or `at_least` with a window",
                    metric.name
                ),
            ));
            return None;
        }
        if self.stat.is_some() {
            wrong.push((
                "stat",
                "`recovers_to` looks at every sample; leave `stat` out".to_owned(),
            ));
        }
        let within = self.within.or_else(|| {
            let message = "`recovers_to` needs `within`, the time that it may take".to_owned();
            wrong.push(("recovers_to", message));
            None
        })?;
        match self.recovers_to.as_ref()?.in_unit(metric.unit) {
            Ok(to) => Some(Expectation::Recovers { to, within }),
            Err(message) => {
                wrong.push((
                    "recovers_to",
                    format!("`recovers_to` of `{}`: {message}", metric.name),
                ));
                None
            }
        }
    }

    fn stat(&self, metric: &Metric, wrong: &mut Vec<Wrong>) -> Option<Stat> {
        let stats = metric.kind.stats();
        let names = || {
            stats
                .iter()
                .map(|stat| stat.name())
                .collect::<Vec<_>>()
                .join(", ")
        };
        match self.stat.or(metric.kind.default_stat()) {
            Some(stat) if stats.contains(&stat) => Some(stat),
            Some(stat) => {
                let message = format!(
                    "`{}` is a {}, which has no `{stat}`; it has {}",
                    metric.name,
                    metric.kind,
                    names()
                );
                wrong.push(("stat", message.replace("a outcome", "an outcome")));
                None
            }
            None => {
                let message = format!("`stat` is missing: `{}` has {}", metric.name, names());
                wrong.push(("metric", message));
                None
            }
        }
    }
}

impl TryFrom<Written> for Assertion {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        written.read().map_err(|wrong| {
            let messages: Vec<_> = wrong.into_iter().map(|(_, message)| message).collect();
            messages.join("; ")
        })
    }
}

impl From<Assertion> for Written {
    fn from(assertion: Assertion) -> Self {
        let Assertion {
            metric,
            expect,
            window,
            why,
        } = assertion;
        let mut written = Written {
            metric: metric.name.to_owned(),
            after: window.after,
            from: window.from,
            to: window.to,
            why,
            ..Written::default()
        };
        let amount = |stat, value| Some(Amount::of(value, metric.unit_of(stat)));
        match expect {
            Expectation::AtMost { stat, value } => {
                (written.stat, written.at_most) = (Some(stat), amount(stat, value));
            }
            Expectation::AtLeast { stat, value } => {
                (written.stat, written.at_least) = (Some(stat), amount(stat, value));
            }
            Expectation::AtMostTimes { stat, times, of } => {
                (written.stat, written.at_most_times, written.of) =
                    (Some(stat), Some(times), Some(of));
            }
            Expectation::AtLeastTimes { stat, times, of } => {
                (written.stat, written.at_least_times, written.of) =
                    (Some(stat), Some(times), Some(of));
            }
            Expectation::Recovers { to, within } => {
                written.recovers_to = Some(Amount::of(to, metric.unit));
                written.within = Some(within);
            }
        }
        written
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Amount::Text(text) => f.write_str(text),
            Amount::Number(number) => number.fmt(f),
        }
    }
}
