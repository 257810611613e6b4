//! What the page's script reads out where the pointer is.

use serde::Serialize;

use crate::{
    html::json,
    plot::{Along, Axis, Chart, Layer, Shape},
};

#[derive(Serialize)]
struct Readout {
    along: &'static str,
    keys: Vec<Key>,
    rows: Vec<Row>,
}

/// One place where the pointer may be.
#[derive(Serialize)]
struct Key {
    /// In thousandths of the axis.
    at: u32,
    text: String,
}

#[derive(Serialize)]
struct Row {
    name: String,
    colour: usize,
    /// Where the layer is at each key, across the axis; nothing for a gap.
    at: Vec<Option<u32>>,
    text: Vec<String>,
}

pub fn readout(chart: &Chart) -> String {
    let readout = match chart.along {
        Along::X => along_x(chart),
        Along::Y => along_y(chart),
    };
    format!(
        "<script type=\"application/json\">{}</script>",
        json(&readout)
    )
}

fn along_x(chart: &Chart) -> Readout {
    let times = chart
        .layers
        .iter()
        .map(|layer| xs(&layer.shape))
        .max_by_key(Vec::len);
    let times = times.unwrap_or_default();
    let key = |x: &f64| Key {
        at: thousandths(&chart.x, *x),
        text: chart.x_labels.say(*x),
    };
    let row = |layer: &Layer| {
        let points: Vec<(Option<f64>, String)> = match &layer.shape {
            Shape::Line { points, .. } => points.iter().map(|(_, y)| said(chart, *y)).collect(),
            Shape::Band {
                points,
                stacked: true,
            } => points
                .iter()
                .map(|(_, between)| height(chart, *between))
                .collect(),
            Shape::Band { points, .. } => points
                .iter()
                .map(|(_, between)| both(chart, *between))
                .collect(),
            Shape::Across { .. } => Vec::new(),
        };
        let at = points
            .iter()
            .map(|(y, _)| y.map(|y| thousandths(&chart.y, y)))
            .collect();
        let text = points.into_iter().map(|(_, text)| text).collect();
        Row {
            name: layer.name.clone(),
            colour: layer.colour,
            at,
            text,
        }
    };
    let named = chart.layers.iter().filter(|layer| !layer.name.is_empty());
    Readout {
        along: "x",
        keys: times.iter().map(key).collect(),
        rows: named.map(row).collect(),
    }
}

/// For distributions: at each share, the value of each layer.
fn along_y(chart: &Chart) -> Readout {
    let lines = || {
        chart.layers.iter().filter_map(|layer| match &layer.shape {
            Shape::Line { points, .. } => Some((layer, points)),
            Shape::Band { .. } | Shape::Across { .. } => None,
        })
    };
    let longest = lines()
        .map(|(_, points)| points)
        .max_by_key(|points| points.len());
    let shares = longest.into_iter().flatten().filter_map(|(_, y)| *y);
    let key = |y| Key {
        at: thousandths(&chart.y, y),
        text: chart.y_labels.say(y),
    };
    let row = |(layer, points): (&Layer, &Vec<(f64, Option<f64>)>)| Row {
        name: layer.name.clone(),
        colour: layer.colour,
        at: points
            .iter()
            .map(|(x, _)| Some(thousandths(&chart.x, *x)))
            .collect(),
        text: points.iter().map(|(x, _)| chart.x_labels.say(*x)).collect(),
    };
    Readout {
        along: "y",
        keys: shares.map(key).collect(),
        rows: lines().map(row).collect(),
    }
}

fn xs(shape: &Shape) -> Vec<f64> {
    match shape {
        Shape::Line { points, .. } => points.iter().map(|(x, _)| *x).collect(),
        Shape::Band { points, .. } => points.iter().map(|(x, _)| *x).collect(),
        Shape::Across { .. } => Vec::new(),
    }
}

fn said(chart: &Chart, y: Option<f64>) -> (Option<f64>, String) {
    (y, y.map_or_else(String::new, |y| chart.y_labels.say(y)))
}

fn height(chart: &Chart, between: Option<(f64, f64)>) -> (Option<f64>, String) {
    let text = between.map_or_else(String::new, |(low, high)| chart.y_labels.say(high - low));
    (between.map(|(_, high)| high), text)
}

/// A band has no place of its own: the line within it has.
fn both(chart: &Chart, between: Option<(f64, f64)>) -> (Option<f64>, String) {
    let say = |value| chart.y_labels.say(value);
    let text = between.map_or_else(String::new, |(low, high)| {
        format!("{} – {}", say(low), say(high))
    });
    (None, text)
}

fn thousandths(axis: &Axis, value: f64) -> u32 {
    (axis.place(value) * 1000.0).round() as u32
}
