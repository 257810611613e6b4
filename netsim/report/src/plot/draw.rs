//! A chart as HTML.

use std::fmt::Write;

use crate::{
    html::escape,
    plot::{Along, Axis, Chart, Event, Labels, Shape, Spread, readout::readout},
    unit::{Unit, digits},
};

/// The picture's own measure in both directions; it is stretched to what room there is.
const SIDE: f64 = 1000.0;

pub fn draw(chart: &Chart) -> String {
    let mut out = String::new();
    let class = if chart.wide {
        "plot card wide"
    } else {
        "plot card"
    };
    let rows = place_names(chart).1;
    let head = 0.7 + 1.4 * rows.max(1) as f64;
    _ = write!(
        out,
        "<figure class=\"{class}\"><figcaption><h3>{}</h3><p>{}</p></figcaption>{}\
         <div class=\"frame\" style=\"--head:{head:.2}rem\"><p class=\"y-title\">{}</p>",
        escape(&chart.title),
        escape(&chart.about),
        legend(chart),
        escape(&axis_unit(&chart.y, chart.y_labels)),
    );
    out.push_str(&labels(&chart.y, chart.y_labels, "y-labels", "bottom"));
    out.push_str("<div class=\"area\" tabindex=\"0\">");
    out.push_str(&picture(chart));
    out.push_str(&events(chart));
    out.push_str("</div>");
    out.push_str(&labels(&chart.x, chart.x_labels, "x-labels", "left"));
    _ = write!(
        out,
        "<p class=\"x-title\">{}</p></div>",
        escape(&chart.x_title)
    );
    out.push_str(&happened(chart));
    out.push_str(&readout(chart));
    out.push_str("</figure>\n");
    out
}

/// None where the title says it: for a single layer over time.
fn legend(chart: &Chart) -> String {
    let named = || chart.layers.iter().filter(|layer| !layer.name.is_empty());
    if named().count() == 1 && chart.along == Along::X {
        return String::new();
    }
    let mut out = String::from("<ul class=\"legend\">");
    for layer in named() {
        let key = match layer.shape {
            Shape::Line { dashed: true, .. } => "key dashed",
            Shape::Line { .. } => "key",
            Shape::Band { stacked: true, .. } => "key filled",
            Shape::Band { .. } | Shape::Across { .. } => "key band",
        };
        let name = escape(&layer.name);
        _ = write!(
            out,
            "<li class=\"c{}\"><i class=\"{key}\"></i>{name}</li>",
            layer.colour
        );
    }
    out.push_str("</ul>");
    out
}

/// The unit in which an axis's values are written, where all share one.
fn axis_unit(axis: &Axis, labels: Labels) -> String {
    match (labels, axis.spread) {
        (Labels::In(unit), Spread::Linear) => unit.scale(axis.max).name.to_owned(),
        _ => String::new(),
    }
}

fn labels(axis: &Axis, labels: Labels, class: &str, side: &str) -> String {
    /// As many as have room beside each other in half of the page's width.
    const FITTING: usize = 9;
    let crowded = axis.ticks.len() > FITTING;
    let mut out = format!("<div class=\"{class}\" aria-hidden=\"true\">");
    for tick in &axis.ticks {
        let text = match (labels, axis.spread) {
            (Labels::In(unit), Spread::Linear) => {
                stepped(tick.value / unit.scale(axis.max).divisor, step(axis, unit))
            }
            _ => labels.say(tick.value),
        };
        let class = match (tick.minor, axis.spread) {
            (false, _) => "",
            (true, Spread::Log) if !crowded => " class=\"fine\"",
            (true, _) => " class=\"minor\"",
        };
        _ = write!(
            out,
            "<span{class} style=\"{side}:{:.2}%\">{text}</span>",
            tick.place * 100.0
        );
    }
    out.push_str("</div>");
    out
}

/// What lies between two ticks, in the multiple that is shown.
fn step(axis: &Axis, unit: Unit) -> f64 {
    match axis.ticks.as_slice() {
        [first, second, ..] => (second.value - first.value) / unit.scale(axis.max).divisor,
        _ => 1.0,
    }
}

/// With as many decimals as tell it from the next tick.
fn stepped(value: f64, step: f64) -> String {
    let decimals = (-step.log10() - 1e-9).ceil().clamp(0.0, 6.0) as usize;
    match decimals {
        0 => digits(value.round()),
        _ => format!("{value:.decimals$}"),
    }
}

fn picture(chart: &Chart) -> String {
    let mut out = format!(
        "<svg viewBox=\"0 0 {SIDE} {SIDE}\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{}\">",
        escape(&format!("{}. {}", chart.title, chart.about)),
    );
    out.push_str("<path class=\"grid\" d=\"");
    for tick in &chart.y.ticks {
        _ = write!(out, "M0 {:.1}H{SIDE}", (1.0 - tick.place) * SIDE);
    }
    if chart.x.spread == Spread::Log {
        for tick in &chart.x.ticks {
            _ = write!(out, "M{:.1} 0V{SIDE}", tick.place * SIDE);
        }
    }
    out.push_str("\"/>");
    for layer in &chart.layers {
        let colour = layer.colour;
        match &layer.shape {
            Shape::Line { points, dashed } => {
                let dashed = if *dashed { " dashed" } else { "" };
                let path = line(chart, points);
                _ = write!(out, "<path class=\"line c{colour}{dashed}\" d=\"{path}\"/>");
            }
            Shape::Across { points } => {
                let path = across(chart, points);
                _ = write!(out, "<path class=\"band c{colour}\" d=\"{path}\"/>");
            }
            Shape::Band { points, stacked } => {
                let class = if *stacked { "stack" } else { "band" };
                let path = band(chart, points);
                _ = write!(out, "<path class=\"{class} c{colour}\" d=\"{path}\"/>");
            }
        }
    }
    for event in &chart.events {
        let x = chart.x.place(event.at) * SIDE;
        _ = write!(out, "<path class=\"event\" d=\"M{x:.1} 0V{SIDE}\"/>");
    }
    out.push_str("</svg>");
    out
}

fn line(chart: &Chart, points: &[(f64, Option<f64>)]) -> String {
    let mut out = String::new();
    let mut drawing = false;
    for (x, y) in points {
        if let Some(y) = y {
            let (x, y) = spot(chart, *x, *y);
            _ = write!(out, "{}{x:.1} {y:.1}", if drawing { 'L' } else { 'M' });
        }
        // A point between two gaps is still seen: round ends make it a dot.
        if y.is_some() && !drawing {
            out.push_str("h0");
        }
        drawing = y.is_some();
    }
    out
}

fn band(chart: &Chart, points: &[(f64, Option<(f64, f64)>)]) -> String {
    let mut out = String::new();
    for run in points.split(|(_, between)| between.is_none()) {
        let upper = run
            .iter()
            .filter_map(|(x, b)| b.map(|b| spot(chart, *x, b.1)));
        let lower = run
            .iter()
            .rev()
            .filter_map(|(x, b)| b.map(|b| spot(chart, *x, b.0)));
        for (at, (x, y)) in upper.chain(lower).enumerate() {
            _ = write!(out, "{}{x:.1} {y:.1}", if at == 0 { 'M' } else { 'L' });
        }
        if !run.is_empty() {
            out.push('Z');
        }
    }
    out
}

fn across(chart: &Chart, points: &[(f64, (f64, f64))]) -> String {
    let right = points.iter().map(|(y, (_, high))| spot(chart, *high, *y));
    let left = points
        .iter()
        .rev()
        .map(|(y, (low, _))| spot(chart, *low, *y));
    let mut out = String::new();
    for (at, (x, y)) in right.chain(left).enumerate() {
        _ = write!(out, "{}{x:.1} {y:.1}", if at == 0 { 'M' } else { 'L' });
    }
    out + "Z"
}

fn spot(chart: &Chart, x: f64, y: f64) -> (f64, f64) {
    (chart.x.place(x) * SIDE, (1.0 - chart.y.place(y)) * SIDE)
}

fn events(chart: &Chart) -> String {
    let mut out = String::new();
    let (rows, _) = place_names(chart);
    for (event, row) in chart.events.iter().zip(rows) {
        let Event { number, name, at } = event;
        let (name, left) = (escape(name), chart.x.place(*at) * 100.0);
        let side = if left > 70.0 { " before" } else { "" };
        let shown = if chart.names_events {
            format!("<span>{name}</span>")
        } else {
            String::new()
        };
        _ = write!(
            out,
            "<b class=\"badge{side}\" style=\"left:{left:.2}%;--row:{row}\" title=\"{name}\">\
             {number}{shown}</b>",
        );
    }
    out
}

/// The events' names as a list, for where they have no room in the plot.
fn happened(chart: &Chart) -> String {
    if !chart.names_events || chart.events.is_empty() {
        return String::new();
    }
    let item = |Event { number, name, at }: &Event| {
        let (at, name) = (chart.x_labels.say(*at), escape(name));
        format!("<li><b class=\"badge\">{number}</b><time>{at}</time> {name}</li>")
    };
    let items: String = chart.events.iter().map(item).collect();
    format!("<ol class=\"happened\">{items}</ol>")
}

/// The row of each event's name, so that names don't lie over one another at full width, and how
/// many rows there are. Rows count from the plot upwards.
fn place_names(chart: &Chart) -> (Vec<usize>, usize) {
    /// Of the plot's width, for a character and for a badge with its margins.
    const CHARACTER: f64 = 0.0068;
    const BADGE: f64 = 0.032;
    if !chart.names_events {
        return (
            vec![0; chart.events.len()],
            usize::from(!chart.events.is_empty()),
        );
    }
    let mut taken: Vec<Vec<(f64, f64)>> = Vec::new();
    let row = |event: &Event| {
        let at = chart.x.place(event.at);
        let width = event.name.chars().count() as f64 * CHARACTER + BADGE;
        let (from, to) = if at > 0.7 {
            (at - width, at + 0.02)
        } else {
            (at - 0.02, at + width)
        };
        let is_free = |row: &Vec<(f64, f64)>| row.iter().all(|(f, t)| to < *f || from > *t);
        let row = taken.iter().position(is_free).unwrap_or(taken.len());
        if row == taken.len() {
            taken.push(Vec::new());
        }
        taken[row].push((from, to));
        row
    };
    let rows = chart.events.iter().map(row).collect();
    (rows, taken.len())
}
