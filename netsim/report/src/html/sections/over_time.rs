//! Figures over the time of the run.

use super::{named, with_seeds};
use crate::{
    Figure, Mark, Spread, Sweep, Unit,
    html::Subject,
    plot::{Along, Axis, Chart, Event, Labels, Layer},
    words::unit,
};

/// One figure of one metric over time.
pub struct Curve {
    metric: &'static str,
    figure: Figure,
    name: &'static str,
}

impl Curve {
    pub fn of(metric: &'static str, figure: Figure, name: &'static str) -> Self {
        Self {
            metric,
            figure,
            name,
        }
    }

    pub fn value(metric: &'static str, name: &'static str) -> Self {
        Self::of(metric, Figure::Value, name)
    }
}

/// Figures of one unit over the run.
pub struct OverTime<'a> {
    title: &'static str,
    about: &'static str,
    curves: &'a [Curve],
    band: bool,
    wide: bool,
}

impl<'a> OverTime<'a> {
    pub fn new(title: &'static str, about: &'static str, curves: &'a [Curve]) -> Self {
        Self {
            title,
            about,
            curves,
            band: false,
            wide: false,
        }
    }

    /// With the p5 and p95 of the first curve's metric around it.
    pub fn banded(self) -> Self {
        Self { band: true, ..self }
    }

    /// Across the page, with the events' names.
    pub fn wide(self) -> Self {
        Self { wide: true, ..self }
    }

    pub fn chart(&self, subjects: &[Subject]) -> Option<Chart> {
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
pub type Points = Vec<(f64, Option<Spread>)>;

/// In the middle of each step; nothing if nothing was measured.
pub fn points(sweep: &Sweep, metric: &str, figure: Figure) -> Option<Points> {
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
pub fn timed(
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
    let event = |(at, mark): (usize, &Mark)| Event {
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
fn shared_marks<'a>(subjects: &[Subject<'a>]) -> &'a [Mark] {
    let mut all = subjects.iter().map(|subject| subject.sweep.marks());
    let first = all.next().unwrap_or_default();
    if all.all(|marks| marks == first) {
        first
    } else {
        &[]
    }
}
