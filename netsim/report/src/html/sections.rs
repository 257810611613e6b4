//! Which plots a report has. A plot whose metrics weren't measured isn't there.

use netsim_scenario::metrics::Duty;

use crate::{
    Figure, Spread, Sweep, SweptSummary, Unit,
    html::Subject,
    plot::{Along, Axis, Chart, Event, Labels, Layer},
    words::{duty_title, unit},
};

/// The plots of one report, or of two side by side, in their order.
pub fn charts(subjects: &[Subject]) -> Vec<Chart> {
    let over_time = |of: &OverTime| of.chart(subjects);
    let charts = [
        OverTime {
            wide: true,
            ..OverTime::new(
                "Population",
                "Who was up, and what happened.",
                &[
                    Curve::value("nodes.alive", "nodes"),
                    Curve::value("peers.alive", "peers"),
                ],
            )
        }
        .chart(subjects),
        distribution(
            subjects,
            "How fast a join gets around",
            &[
                ("gossip.latency", "one other node has it"),
                ("join.seen_half", "half of the room sees it"),
                ("join.seen_99", "99 % see it"),
                ("join.seen_all", "all see it"),
            ],
        ),
        distribution(
            subjects,
            "How fast a peer finds others",
            &[
                ("join.first", "sees a member"),
                ("sight.mutual", "a pair sees each other"),
                ("sample.full", "sees a full sample"),
            ],
        ),
        over_time(&OverTime::new(
            "Agreement on presence",
            "Of the pairs of live members of a room, those that are listed to each other.",
            &[Curve::value("presence.agreement", "pairs that agree")],
        )),
        over_time(&OverTime::new(
            "Ghosts",
            "Members that are gone, and that some live node still lists.",
            &[Curve::value("presence.ghosts", "ghosts")],
        )),
        over_time(&OverTime::new(
            "A join’s way to other nodes, over time",
            "The median, and the slowest in twenty and in a hundred, by the time of the join.",
            &[
                Curve::of("gossip.latency", Figure::P50, "median"),
                Curve::of("gossip.latency", Figure::P95, "95 % within"),
                Curve::of("gossip.latency", Figure::P99, "99 % within"),
            ],
        )),
        over_time(&OverTime::new(
            "Delivery",
            "Of the joins and envelopes, those that arrived in time.",
            &[
                Curve::of("gossip.delivery", Figure::Share, "joins at other nodes"),
                Curve::of("envelope.acked", Figure::Share, "envelopes acknowledged"),
            ],
        )),
        over_time(&OverTime::new(
            "Look-ups that find a provider",
            "Of the look-ups that had a live provider to find.",
            &[Curve::of("lookup.found", Figure::Share, "found")],
        )),
        over_time(&OverTime::new(
            "Time to the first provider",
            "The median, and the slowest in twenty, by the time of the look-up.",
            &[
                Curve::of("lookup.first", Figure::P50, "median"),
                Curve::of("lookup.first", Figure::P95, "95 % within"),
            ],
        )),
        distribution(
            subjects,
            "How long a look-up takes",
            &[
                ("lookup.first", "first provider"),
                ("lookup.end", "whole look-up"),
            ],
        ),
        distribution(
            subjects,
            "How long an envelope takes",
            &[
                ("envelope.latency", "all"),
                ("honest.envelope.latency", "between the honest"),
            ],
        ),
        distribution(
            subjects,
            "How long attaching takes",
            &[
                ("attach.first", "first attachment"),
                ("attach.again", "as many as before a loss"),
                ("attach.without", "without any"),
            ],
        ),
        distribution(
            subjects,
            "How fast nodes are ready",
            &[
                ("node.ready", "a new node"),
                ("neighbour.sync", "a new neighbour is up to date"),
            ],
        ),
        over_time(&OverTime {
            band: true,
            ..OverTime::new(
                "Connections of a node",
                "To other nodes: the median, and nine nodes of ten within the band.",
                &[Curve::of("node.connections", Figure::P50, "median")],
            )
        }),
        over_time(&OverTime {
            band: true,
            ..OverTime::new(
                "Bytes of a node, each second",
                "Sent and received: the median, and nine nodes of ten within the band.",
                &[Curve::of("node.bytes_per_second", Figure::P50, "median")],
            )
        }),
        duties(subjects),
        over_time(&OverTime::new(
            "Memory of the simulation",
            "The whole process, with all hosts in it.",
            &[Curve::value("memory.total", "memory")],
        )),
        over_time(&OverTime::new(
            "Cost of the simulation",
            "Wall time for a virtual second; of this machine.",
            &[Curve::value("wall.per_virtual_second", "wall time")],
        )),
    ];
    charts.into_iter().flatten().collect()
}

/// One figure of one metric over time.
struct Curve {
    metric: &'static str,
    figure: Figure,
    name: &'static str,
}

impl Curve {
    fn of(metric: &'static str, figure: Figure, name: &'static str) -> Self {
        Self {
            metric,
            figure,
            name,
        }
    }

    fn value(metric: &'static str, name: &'static str) -> Self {
        Self::of(metric, Figure::Value, name)
    }
}

/// Figures of one unit over the run.
struct OverTime<'a> {
    title: &'static str,
    about: &'static str,
    curves: &'a [Curve],
    /// With the p5 and p95 of the first curve's metric around it.
    band: bool,
    wide: bool,
}

impl<'a> OverTime<'a> {
    fn new(title: &'static str, about: &'static str, curves: &'a [Curve]) -> Self {
        Self {
            title,
            about,
            curves,
            band: false,
            wide: false,
        }
    }

    fn chart(&self, subjects: &[Subject]) -> Option<Chart> {
        let mut layers = Vec::new();
        let several = subjects.len() > 1;
        for (which, subject) in subjects.iter().enumerate() {
            let shown = |at: &usize| !several || *at == 0 || at + 1 == self.curves.len();
            let curves = self.curves.iter().enumerate().filter(|(at, _)| shown(at));
            let found = curves.filter_map(|(at, curve)| {
                Some((
                    at,
                    curve,
                    points(subject.sweep, curve.metric, curve.figure)?,
                ))
            });
            for (at, curve, points) in found {
                let colour = if several { which + 1 } else { at + 1 };
                let name = named(subject, curve.name, several, self.curves.len() > 1);
                if self.band && at == 0 {
                    layers.extend(band(subject, curve.metric, colour, several));
                } else if !subject.sweep.is_single() {
                    let range = points.iter().map(|(x, s)| (*x, s.map(|s| (s.min, s.max))));
                    layers.push(Layer::band("", colour, range.collect()));
                }
                let medians = points.iter().map(|(x, s)| (*x, s.map(|s| s.median)));
                let line = Layer::line(&name, colour, medians.collect());
                layers.push(if several && at > 0 {
                    line.dashed()
                } else {
                    line
                });
            }
        }
        let unit = self
            .curves
            .first()
            .map_or(Unit::Number, |curve| unit(curve.metric));
        let about = with_seeds(self.about, subjects, self.band);
        timed(subjects, self.title, about, unit, layers, self.wide)
    }
}

fn with_seeds(about: &str, subjects: &[Subject], banded: bool) -> String {
    match subjects
        .iter()
        .map(|subject| subject.sweep.runs.len())
        .max()
    {
        Some(seeds) if seeds > 1 && banded => format!("{about} Medians of {seeds} seeds."),
        Some(seeds) if seeds > 1 => {
            format!("{about} Medians of {seeds} seeds, with all seeds in the bands.")
        }
        _ => about.to_owned(),
    }
}

fn named(subject: &Subject, curve: &str, several: bool, many: bool) -> String {
    match (several, many) {
        (false, _) => curve.to_owned(),
        (true, false) => subject.name.clone(),
        (true, true) => format!("{}, {curve}", subject.name),
    }
}

type Points = Vec<(f64, Option<Spread>)>;

/// In the middle of each step; nothing if nothing was measured.
fn points(sweep: &Sweep, metric: &str, figure: Figure) -> Option<Points> {
    let series = sweep.series(metric, figure)?;
    let middle = sweep.step / 2.0;
    let points: Points = sweep
        .times
        .iter()
        .map(|at| at + middle)
        .zip(series.values.iter().copied())
        .collect();
    points
        .iter()
        .any(|(_, value)| value.is_some())
        .then_some(points)
}

fn band(subject: &Subject, metric: &str, colour: usize, several: bool) -> Option<Layer> {
    let low = points(subject.sweep, metric, Figure::P5)?;
    let high = points(subject.sweep, metric, Figure::P95)?;
    let both = |low: Option<Spread>, high: Option<Spread>| Some((low?.median, high?.median));
    let between = low
        .iter()
        .zip(&high)
        .map(|((x, low), (_, high))| (*x, both(*low, *high)));
    let name = named(subject, "p5 to p95", several, true);
    Some(Layer::band(&name, colour, between.collect()))
}

/// A chart over the time of the run, if there is anything on it.
fn timed(
    subjects: &[Subject],
    title: &str,
    about: String,
    unit: Unit,
    layers: Vec<Layer>,
    wide: bool,
) -> Option<Chart> {
    let (low, high) = layers
        .iter()
        .filter_map(Layer::range)
        .reduce(|(a, b), (c, d)| (a.min(c), b.max(d)))?;
    let end = |subject: &Subject| {
        let seconds = subject.sweep.runs.iter().map(|run| run.virtual_seconds);
        seconds.fold(0.0, f64::max)
    };
    let y = if unit == Unit::Share {
        Axis::share(low)
    } else {
        Axis::of(unit, low.min(0.0), high)
    };
    let marks = if let [only] = subjects {
        only.sweep.marks()
    } else {
        shared_marks(subjects)
    };
    let event = |(at, mark): (usize, &crate::Mark)| Event {
        number: at + 1,
        name: mark.name.clone(),
        at: mark.seconds,
    };
    Some(Chart {
        title: title.to_owned(),
        about,
        x: Axis::time(subjects.iter().map(end).fold(0.0, f64::max)),
        x_labels: Labels::Clock,
        x_title: String::new(),
        y,
        y_labels: Labels::In(unit),
        layers,
        events: marks.iter().enumerate().map(event).collect(),
        names_events: wide,
        along: Along::X,
        wide,
    })
}

/// Of two reports only the events that both have at the same times.
fn shared_marks<'a>(subjects: &[Subject<'a>]) -> &'a [crate::Mark] {
    let mut all = subjects.iter().map(|subject| subject.sweep.marks());
    let first = all.next().unwrap_or_default();
    if all.all(|marks| marks == first) {
        first
    } else {
        &[]
    }
}

/// Of each metric, which share of its values lies below what.
fn distribution(subjects: &[Subject], title: &str, curves: &[(&str, &str)]) -> Option<Chart> {
    let several = subjects.len() > 1;
    let curves = if several {
        &curves[..curves.len().min(2)]
    } else {
        curves
    };
    let measured = |metric: &str| {
        subjects
            .iter()
            .any(|subject| subject.sweep.metric(metric).is_some())
    };
    let many = curves.iter().filter(|(metric, _)| measured(metric)).count() > 1;
    let mut layers = Vec::new();
    let mut lowest = f64::INFINITY;
    let mut highest: f64 = 0.0;
    for (which, subject) in subjects.iter().enumerate() {
        for (at, (metric, name)) in curves.iter().enumerate() {
            let Some(summary) = subject.sweep.metric(metric) else {
                continue;
            };
            let steps = summary.quantiles.len().saturating_sub(1).max(1) as f64;
            if summary.quantiles.is_empty() {
                continue;
            }
            let share = |at: usize| at as f64 / steps;
            for value in summary.quantiles.iter().flat_map(|s| [s.min, s.max]) {
                lowest = if value > 0.0 {
                    lowest.min(value)
                } else {
                    lowest
                };
                highest = highest.max(value);
            }
            let colour = if several { which + 1 } else { at + 1 };
            if !subject.sweep.is_single() {
                layers.push(Layer::across(colour, across(summary, steps)));
            }
            let median = summary.quantiles.iter().enumerate();
            let median = median.map(|(at, s)| (s.median, Some(share(at)))).collect();
            let line = Layer::line(&named(subject, name, several, many), colour, median);
            layers.push(if several && at > 0 {
                line.dashed()
            } else {
                line
            });
        }
    }
    // A few far ones at the fast end would take half of the axis.
    let lowest = lowest.max(highest / 1e4);
    let about = "Which share of all took at most how long.";
    (!layers.is_empty() && highest > 0.0).then(|| Chart {
        title: title.to_owned(),
        about: with_seeds(about, subjects, false),
        x: Axis::log(lowest, highest),
        x_labels: Labels::In(
            curves
                .first()
                .map_or(Unit::Number, |(metric, _)| unit(metric)),
        ),
        x_title: String::new(),
        y: Axis::quarters(),
        y_labels: Labels::In(Unit::Share),
        layers,
        events: Vec::new(),
        names_events: false,
        along: Along::Y,
        wide: false,
    })
}

fn across(summary: &SweptSummary, steps: f64) -> Vec<(f64, (f64, f64))> {
    let spread = summary.quantiles.iter().enumerate();
    spread
        .map(|(at, s)| (at as f64 / steps, (s.min, s.max)))
        .collect()
}

/// A node's bytes, duty upon duty: the greatest at the bottom, the small ones as one.
fn duties(subjects: &[Subject]) -> Option<Chart> {
    const SHOWN: usize = 5;
    let [subject] = subjects else { return None };
    let mut found: Vec<(&str, Points, f64)> = Duty::ALL
        .into_iter()
        .filter_map(|duty| {
            let points = points(subject.sweep, duty.bytes().name, Figure::Mean)?;
            let sum: f64 = points
                .iter()
                .filter_map(|(_, value)| value.map(|v| v.median))
                .sum();
            (sum > 0.0).then(|| (duty_title(duty.name()), points, sum))
        })
        .collect();
    found.sort_by(|a, b| {
        (a.0 == "all else")
            .cmp(&(b.0 == "all else"))
            .then(b.2.total_cmp(&a.2))
    });
    let mut below: Vec<f64> = vec![0.0; subject.sweep.times.len()];
    let mut layers = Vec::new();
    let rest = found.split_off(found.len().min(SHOWN));
    let stack = |below: &mut Vec<f64>, parts: &[&Points]| -> Vec<(f64, Option<(f64, f64)>)> {
        let step = |at: usize| {
            let values = parts
                .iter()
                .filter_map(|part| part.get(at)?.1.map(|v| v.median));
            let from = below.get(at).copied().unwrap_or(0.0);
            (from, from + values.sum::<f64>())
        };
        let x = parts
            .first()
            .into_iter()
            .flat_map(|part| part.iter().map(|(x, _)| *x));
        let stacked: Vec<_> = x.enumerate().map(|(at, x)| (x, Some(step(at)))).collect();
        *below = stacked
            .iter()
            .filter_map(|(_, b)| b.map(|(_, high)| high))
            .collect();
        stacked
    };
    for (at, (name, points, _)) in found.iter().enumerate() {
        layers.push(Layer::stacked(name, at + 1, stack(&mut below, &[points])));
    }
    if !rest.is_empty() {
        let parts: Vec<&Points> = rest.iter().map(|(_, points, _)| points).collect();
        layers.push(Layer::stacked(
            "all else",
            SHOWN + 1,
            stack(&mut below, &parts),
        ));
    }
    let about = with_seeds(
        "On average over the nodes, sent and received.",
        subjects,
        true,
    );
    let title = "Bytes of a node by duty, each second";
    timed(subjects, title, about, Unit::BytesPerSecond, layers, true).map(|chart| Chart {
        names_events: false,
        ..chart
    })
}
