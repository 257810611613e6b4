//! Distributions: what share of all took how long.

use super::{named, with_seeds};
use crate::{
    SweptSummary, Unit,
    html::Subject,
    plot::{Along, Axis, Chart, Labels, Layer},
    words::unit,
};

/// Of each metric, which share of its values lies below what.
pub fn distribution(subjects: &[Subject], title: &str, curves: &[(&str, &str)]) -> Option<Chart> {
    let several = subjects.len() > 1;
    let curves = if several {
        &curves[..curves.len().min(2)]
    } else {
        curves
    };
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
            let line = Layer::line(&named(subject, name, several, true), colour, median);
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
