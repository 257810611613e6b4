//! All metrics as tables.

use std::fmt::Write;

use netsim_scenario::Stat;

use crate::{
    Comparison, Spread, Sweep, SweptSummary,
    html::{Subject, change_class, escape},
    unit::length,
    words::{self, title, unit_of},
};

/// The columns: a heading, and the statistics of which the first that a metric has stands there.
const COLUMNS: [(&str, &[Stat]); 7] = [
    ("number", &[Stat::Count, Stat::Total]),
    (
        "mean, share, rate",
        &[Stat::Mean, Stat::Share, Stat::PerSecond],
    ),
    ("min", &[Stat::Min]),
    ("half within", &[Stat::P50]),
    ("95 % within", &[Stat::P95]),
    ("99 % within", &[Stat::P99]),
    ("max", &[Stat::Max]),
];

pub fn metrics(sweep: &Sweep) -> String {
    if sweep.metrics.is_empty() {
        return String::new();
    }
    let mut out = String::from(
        "<h2>All metrics</h2><div class=\"card scroll\"><table><thead><tr><th>Metric</th>",
    );
    for (heading, _) in COLUMNS {
        _ = write!(out, "<th>{heading}</th>");
    }
    out.push_str("</tr></thead><tbody>");
    for summary in &sweep.metrics {
        _ = write!(
            out,
            "<tr><th title=\"{}\">{}<small><code>{}</code></small></th>",
            escape(words::about(&summary.metric)),
            escape(&title(&summary.metric)),
            escape(&summary.metric)
        );
        for (_, stats) in COLUMNS {
            out.push_str(&cell(summary, stats, sweep.is_single()));
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table></div>");
    if !sweep.is_single() {
        out.push_str(
            "<p class=\"hint\">Medians over the seeds, and below them the least and the most.</p>",
        );
    }
    if sweep.metrics.iter().any(|summary| summary.sampled) {
        let names = sweep.metrics.iter().filter(|summary| summary.sampled);
        let names: Vec<_> = names
            .map(|s| format!("<code>{}</code>", escape(&s.metric)))
            .collect();
        _ = write!(
            out,
            "<p class=\"hint\">Of {} there were more values than are kept: their quantiles are \
             those of an even sample.</p>",
            names.join(", ")
        );
    }
    out
}

fn cell(summary: &SweptSummary, stats: &[Stat], single: bool) -> String {
    let found = stats
        .iter()
        .find_map(|stat| Some((*stat, *summary.figures.get(*stat)?)));
    let Some((stat, spread)) = found else {
        return "<td></td>".to_owned();
    };
    format!("<td>{}</td>", figure(&summary.metric, stat, spread, single))
}

fn figure(metric: &str, stat: Stat, spread: Spread, single: bool) -> String {
    let unit = unit_of(metric, stat);
    let median = unit.say(spread.median);
    let (min, max) = (unit.say(spread.min), unit.say(spread.max));
    if single || min == max {
        return median;
    }
    format!("{median}<small><span>{min} –</span> <span>{max}</span></small>")
}

/// A row for each seed, if there are several.
pub fn seeds(sweep: &Sweep) -> String {
    if sweep.is_single() {
        return String::new();
    }
    let mut out = String::from(
        "<h2>The seeds</h2><div class=\"card scroll\"><table><thead><tr><th>Seed</th>\
         <th>promises held</th><th>wall time</th><th>events</th><th>most memory</th>\
         <th>trace hash</th></tr></thead><tbody>",
    );
    for run in &sweep.runs {
        let failed = sweep
            .checks
            .iter()
            .filter(|c| c.failed_seeds.contains(&run.seed))
            .count();
        let all = sweep.checks.len();
        let ended = if run.ended.is_complete() {
            ""
        } else {
            "<small>not to its end</small>"
        };
        let class = if failed == 0 { "better" } else { "worse" };
        _ = write!(
            out,
            "<tr><th>{}{ended}</th><td><span class=\"{class}\">{} of {all}</span></td><td>{}</td>\
             <td>{}</td><td>{}</td><td><code>{}</code></td></tr>",
            run.seed,
            all - failed,
            length(run.wall_seconds),
            crate::unit::digits(run.events as f64),
            crate::Unit::Bytes.say(run.peak_memory_bytes as f64),
            escape(&run.trace_hash),
        );
    }
    out.push_str("</tbody></table></div>");
    out
}

pub fn comparison(comparison: &Comparison, subjects: &[Subject; 2]) -> String {
    let [before, after] = subjects;
    let mut out = format!(
        "<h2>All metrics</h2><div class=\"card scroll\"><table><thead><tr><th>Metric</th><th></th>\
         <th>{}</th><th>{}</th><th>change</th><th></th></tr></thead><tbody>",
        escape(&before.name),
        escape(&after.name)
    );
    for row in &comparison.rows {
        let cell = |value: Option<Spread>, sweep: &Sweep| {
            value.map_or("–".to_owned(), |spread| {
                figure(&row.metric, row.stat, spread, sweep.is_single())
            })
        };
        let class = change_class(row.change);
        _ = write!(
            out,
            "<tr><th>{}<small><code>{}</code></small></th><td>{}</td><td>{}</td><td>{}</td>\
             <td class=\"{class}\">{}</td><td class=\"{class}\">{}</td></tr>",
            escape(&title(&row.metric)),
            escape(&row.metric),
            row.stat,
            cell(row.before, before.sweep),
            cell(row.after, after.sweep),
            row.said(),
            row.change,
        );
    }
    out.push_str("</tbody></table></div>");
    out
}
