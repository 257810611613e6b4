//! Two runs or sweeps side by side.

use std::fmt;

use netsim_scenario::{
    Stat,
    metrics::{Better, MetricKind, find},
};

use crate::{
    Spread, Sweep, Unit,
    unit::digits,
    words::{better_of, unit_of},
};

/// Below this part of itself, a figure that changed is called the same.
const NOTABLE: f64 = 0.05;
/// The same of shares, whose change is a difference.
const NOTABLE_SHARE: f64 = 0.001;

/// What is different between two sweeps; either may be of one seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    pub before: Sweep,
    pub after: Sweep,
    pub rows: Vec<Compared>,
    /// What keeps the two from being compared as they should, in sentences.
    pub notes: Vec<String>,
}

/// One figure in both.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    pub metric: String,
    pub stat: Stat,
    pub before: Option<Spread>,
    pub after: Option<Spread>,
    pub change: Change,
}

/// What became of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Better,
    Worse,
    Same,
    /// It changed, and that is neither good nor bad.
    Other,
    /// Only one of the two measured it.
    OneSided,
}

impl Comparison {
    /// Runs of different scenarios are compared too, but the notes say so.
    pub fn new(before: Sweep, after: Sweep) -> Self {
        let rows = rows(&before, &after);
        let notes = notes(&before, &after);
        Self {
            before,
            after,
            rows,
            notes,
        }
    }

    pub fn count(&self, change: Change) -> usize {
        self.rows.iter().filter(|row| row.change == change).count()
    }
}

impl Compared {
    /// The median's change as a part of what it was; nothing if it was nothing.
    pub fn ratio(&self) -> Option<f64> {
        let (before, after) = (self.before?.median, self.after?.median);
        (before != 0.0).then(|| after / before - 1.0)
    }
}

impl Compared {
    /// The change in percent, or for shares in points of it.
    pub fn said(&self) -> String {
        let (Some(before), Some(after)) = (self.before, self.after) else {
            return String::new();
        };
        let sign = |change: f64| if change > 0.0 { "+" } else { "" };
        let difference = after.median - before.median;
        match (self.ratio(), unit_of(&self.metric, self.stat)) {
            _ if difference == 0.0 => "0 %".to_owned(),
            (_, Unit::Share) => {
                format!(
                    "{}{} points",
                    sign(difference),
                    digits(round(difference * 100.0))
                )
            }
            (Some(ratio), _) => format!("{}{} %", sign(ratio), digits(round(ratio * 100.0))),
            (None, unit) => format!("{}{}", sign(difference), unit.say(difference)),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Same => "same",
            Self::Other => "changed",
            Self::OneSided => "only one",
        })
    }
}

/// To a hundredth: more would only look exact.
fn round(percent: f64) -> f64 {
    (percent * 100.0).round() / 100.0
}

/// Which statistics of a kind of metric are set side by side.
fn telling(kind: MetricKind) -> &'static [Stat] {
    match kind {
        MetricKind::Distribution => &[Stat::P50, Stat::P99],
        MetricKind::Outcome => &[Stat::Share],
        MetricKind::Gauge => &[Stat::Mean],
        MetricKind::Counter => &[Stat::Total],
    }
}

fn rows(before: &Sweep, after: &Sweep) -> Vec<Compared> {
    let mut names: Vec<&str> = Vec::new();
    for summary in before.metrics.iter().chain(&after.metrics) {
        if !names.contains(&summary.metric.as_str()) {
            names.push(&summary.metric);
        }
    }
    let kind = |name: &str| find(name).map_or(MetricKind::Distribution, |metric| metric.kind);
    let stats = names
        .iter()
        .flat_map(|name| telling(kind(name)).iter().map(move |s| (*name, *s)));
    let row = |(metric, stat): (&str, Stat)| {
        let figure = |sweep: &Sweep| sweep.metric(metric)?.figures.get(stat).copied();
        let (before, after) = (figure(before), figure(after));
        (before.is_some() || after.is_some()).then(|| Compared {
            metric: metric.to_owned(),
            stat,
            before,
            after,
            change: change(better_of(metric, stat), stat == Stat::Share, before, after),
        })
    };
    stats.filter_map(row).collect()
}

fn change(better: Better, share: bool, before: Option<Spread>, after: Option<Spread>) -> Change {
    let (Some(before), Some(after)) = (before, after) else {
        return Change::OneSided;
    };
    let difference = after.median - before.median;
    let notable = match share {
        true => difference.abs() >= NOTABLE_SHARE,
        false => difference.abs() >= NOTABLE * before.median.abs() && difference != 0.0,
    };
    match (notable, better) {
        (false, _) => Change::Same,
        (true, Better::Neither) => Change::Other,
        (true, Better::Lower) if difference < 0.0 => Change::Better,
        (true, Better::Higher) if difference > 0.0 => Change::Better,
        (true, _) => Change::Worse,
    }
}

fn notes(before: &Sweep, after: &Sweep) -> Vec<String> {
    let mut notes = Vec::new();
    let (a, b) = (&before.scenario, &after.scenario);
    if a.name != b.name {
        notes.push(format!(
            "These are runs of different scenarios, “{}” and “{}”: their figures don't mean the \
             same.",
            a.name, b.name
        ));
    } else if a.text != b.text {
        notes.push(format!(
            "The scenario “{}” was changed between the two: their figures may not mean the same.",
            a.name
        ));
    }
    let seeds = |sweep: &Sweep| sweep.runs.iter().map(|run| run.seed).collect::<Vec<_>>();
    if seeds(before) != seeds(after) {
        notes.push("They ran with different seeds: a part of the change is chance.".to_owned());
    }
    let hashes = |sweep: &Sweep| {
        sweep
            .runs
            .iter()
            .map(|run| run.trace_hash.clone())
            .collect::<Vec<_>>()
    };
    if hashes(before) == hashes(after) {
        notes.push("Both did the same, event by event: their trace hashes are equal.".to_owned());
    }
    for (name, sweep) in [("first", before), ("second", after)] {
        if sweep.runs.iter().any(|run| !run.ended.is_complete()) {
            notes.push(format!("The {name} didn't run to its end."));
        }
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{merge, testing::run};

    fn compared(before: u64, after: u64) -> Comparison {
        let sweep = |seed| merge(vec![run(seed)]).unwrap();
        Comparison::new(sweep(before), sweep(after))
    }

    fn row(comparison: &Comparison, metric: &str, stat: Stat) -> Compared {
        let rows = comparison.rows.iter();
        rows.clone()
            .find(|row| row.metric == metric && row.stat == stat)
            .unwrap()
            .clone()
    }

    #[test]
    fn less_is_better_where_the_catalogue_says_so() {
        let slower = compared(1, 9);
        assert_eq!(
            row(&slower, "gossip.latency", Stat::P99).change,
            Change::Worse
        );
        let faster = compared(9, 1);
        let latency = row(&faster, "gossip.latency", Stat::P99);
        assert_eq!(latency.change, Change::Better);
        assert!(latency.said().starts_with('-') && latency.said().ends_with(" %"));
        assert_eq!(
            row(&faster, "gossip.delivery", Stat::Share).change,
            Change::Same
        );
        assert_eq!(row(&faster, "nodes.alive", Stat::Mean).said(), "0 %");
    }

    #[test]
    fn more_is_better_for_a_share_and_population_is_neither() {
        let spread = |value| {
            Some(Spread {
                median: value,
                min: value,
                max: value,
            })
        };
        let (low, high) = (spread(0.98), spread(0.99));
        assert_eq!(change(Better::Higher, true, low, high), Change::Better);
        assert_eq!(change(Better::Higher, true, high, low), Change::Worse);
        assert_eq!(
            change(Better::Higher, true, spread(0.9999), spread(0.9998)),
            Change::Same
        );
        assert_eq!(
            change(Better::Neither, false, spread(10.0), spread(20.0)),
            Change::Other
        );
        assert_eq!(
            change(Better::Lower, false, spread(0.0), spread(0.0)),
            Change::Same
        );
        assert_eq!(
            change(Better::Lower, false, spread(0.0), spread(1.0)),
            Change::Worse
        );
        assert_eq!(change(Better::Lower, false, None, high), Change::OneSided);
    }

    #[test]
    fn what_makes_a_comparison_doubtful_is_said() {
        let mut other = run(1);
        other.scenario.name = "other".to_owned();
        let sweep = |run| merge(vec![run]).unwrap();
        let notes = Comparison::new(sweep(run(1)), sweep(other)).notes;
        assert!(notes[0].contains("different scenarios"), "{notes:?}");
        assert!(compared(1, 2).notes[0].contains("different seeds"));
        assert!(compared(1, 1).notes[0].contains("trace hashes are equal"));
    }
}
