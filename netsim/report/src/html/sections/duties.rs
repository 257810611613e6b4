//! A node's bytes by what they are for.

use netsim_scenario::metrics::Duty;

use super::{
    over_time::{Points, points, timed},
    with_seeds,
};
use crate::{
    Figure, Unit,
    html::Subject,
    plot::{Chart, Layer},
    words::duty_title,
};

/// A node's bytes, duty upon duty: the greatest at the bottom, the small ones as one.
pub fn duties(subjects: &[Subject]) -> Option<Chart> {
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
