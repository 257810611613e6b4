//! The top of a report: whose it is, the verdict, and what kind of run it was.

use std::fmt::Write;

use crate::{
    Change, Comparison, Ending, Facts, Sweep, Unit,
    html::{Subject, escape},
    unit::{digits, length},
};

const BRAND: &str = "<p class=\"brand\"><svg viewBox=\"0 0 32 32\" width=\"26\" height=\"26\" \
     aria-hidden=\"true\"><path d=\"M16 6 6 24h20z\"/><circle cx=\"16\" cy=\"6\" r=\"4\"/>\
     <circle cx=\"6\" cy=\"24\" r=\"4\"/><circle cx=\"26\" cy=\"24\" r=\"4\"/></svg>Velox Mesh</p>";

pub fn verdict(sweep: &Sweep) -> String {
    let mut out = top("Netsim, the churn simulator");
    let of = if sweep.is_single() {
        sweep
            .runs
            .first()
            .map_or(String::new(), |run| format!("seed {}", run.seed))
    } else {
        format!("{} seeds", sweep.runs.len())
    };
    _ = write!(
        out,
        "<header><p class=\"eyebrow\">Scenario <b>{}</b>, {of}</p><h1>{}</h1>",
        escape(&sweep.scenario.name),
        headline(sweep),
    );
    if !sweep.scenario.about.trim().is_empty() {
        _ = write!(
            out,
            "<p class=\"lead\">{}</p>",
            escape(sweep.scenario.about.trim())
        );
    }
    if !sweep.checks.is_empty() {
        out.push_str("<p class=\"pips\" aria-hidden=\"true\">");
        for check in &sweep.checks {
            out.push_str(if check.held {
                "<i></i>"
            } else {
                "<i class=\"failed\"></i>"
            });
        }
        out.push_str("</p>");
    }
    for run in &sweep.runs {
        if let Some(notice) = cut_short(run, sweep.is_single()) {
            _ = write!(out, "<p class=\"notice\">{}</p>", escape(&notice));
        }
    }
    out.push_str(&facts(&sweep.runs));
    out.push_str("</header>");
    out
}

pub fn headline(sweep: &Sweep) -> String {
    let (held, all) = sweep.held();
    let seeds = match sweep.runs.len() {
        1 => String::new(),
        seeds => format!(" in each of {seeds} seeds"),
    };
    match (held, all) {
        (_, 0) => "The scenario promises nothing".to_owned(),
        (1, 1) => format!("The one promise held{seeds}"),
        (0, 1) => "The one promise didn’t hold".to_owned(),
        (held, all) if held == all => format!("All {all} promises held{seeds}"),
        (0, all) => format!("None of {all} promises held{seeds}"),
        (held, all) => format!("{held} of {all} promises held{seeds}"),
    }
}

/// What to say of a run that didn't get to its end.
pub fn cut_short(run: &Facts, single: bool) -> Option<String> {
    let which = if single {
        "The run".to_owned()
    } else {
        format!("The run of seed {}", run.seed)
    };
    let at = length(run.virtual_seconds);
    let what = match &run.ended {
        Ending::Completed => return None,
        Ending::WallBound => "was stopped at its bound of wall time".to_owned(),
        Ending::MemoryBound => "was stopped at its bound of memory".to_owned(),
        Ending::Interrupted => "was interrupted".to_owned(),
        Ending::Crashed(message) => format!("crashed ({message})"),
    };
    Some(format!(
        "{which} {what}, {at} of virtual time in. What it measured until then is here."
    ))
}

fn top(what: &str) -> String {
    format!("<div class=\"top\">{BRAND}<p>{what}</p></div>")
}

fn facts(runs: &[Facts]) -> String {
    let spread = |value: fn(&Facts) -> f64, say: &dyn Fn(f64) -> String| {
        let values: Vec<f64> = runs.iter().map(value).collect();
        let Some(spread) = crate::Spread::of(&values) else {
            return String::new();
        };
        let median = say(spread.median);
        match say(spread.min) == say(spread.max) {
            true => median,
            false => {
                format!(
                    "{median}<small>{} to {}</small>",
                    say(spread.min),
                    say(spread.max)
                )
            }
        }
    };
    let pace = |run: &Facts| run.wall_seconds / run.virtual_seconds.max(1e-9);
    let rate = |run: &Facts| run.events as f64 / run.wall_seconds.max(1e-9);
    let mut out = String::from("<dl class=\"facts\">");
    for (name, figure) in [
        ("virtual time", spread(|run| run.virtual_seconds, &length)),
        ("wall time", spread(|run| run.wall_seconds, &length)),
        (
            "wall for a virtual second",
            spread(pace, &|value| Unit::Seconds.say(value)),
        ),
        ("hosts", spread(|run| run.hosts as f64, &digits)),
        ("events", spread(|run| run.events as f64, &counted)),
        ("events a second", spread(rate, &counted)),
        (
            "most memory",
            spread(|run| run.peak_memory_bytes as f64, &|v| Unit::Bytes.say(v)),
        ),
        (
            "program",
            escape(runs.first().map_or("", |run| &run.version)),
        ),
    ] {
        _ = write!(out, "<div><dt>{name}</dt><dd>{figure}</dd></div>");
    }
    out.push_str("</dl>");
    out
}

/// Great numbers of things, short.
fn counted(value: f64) -> String {
    match value {
        v if v >= 1e9 => format!("{} G", digits(v / 1e9)),
        v if v >= 1e6 => format!("{} M", digits(v / 1e6)),
        v if v >= 1e4 => format!("{} k", digits(v / 1e3)),
        v => digits(v.round()),
    }
}

pub fn comparison(comparison: &Comparison, subjects: &[Subject; 2]) -> String {
    let mut out = top("Netsim, two results side by side");
    let [before, after] = subjects;
    let (better, worse) = (
        comparison.count(Change::Better),
        comparison.count(Change::Worse),
    );
    let headline = match (better, worse) {
        (0, 0) => "Nothing that matters changed".to_owned(),
        (better, 0) => format!("{} better, nothing worse", figures(better)),
        (0, worse) => format!("{} worse, nothing better", figures(worse)),
        (better, worse) => format!("{} better, {worse} worse", figures(better)),
    };
    _ = write!(
        out,
        "<header><p class=\"eyebrow\">Scenario <b>{}</b></p><h1>{headline}</h1>\
         <p class=\"lead\">From <b class=\"c1\">{}</b> ({}) to <b class=\"c2\">{}</b> ({}).</p>",
        escape(&comparison.before.scenario.name),
        escape(&before.name),
        promised(before.sweep),
        escape(&after.name),
        promised(after.sweep),
    );
    for note in &comparison.notes {
        _ = write!(out, "<p class=\"notice plain\">{}</p>", escape(note));
    }
    out.push_str("</header>");
    out
}

fn figures(count: usize) -> String {
    if count == 1 {
        "1 figure".to_owned()
    } else {
        format!("{count} figures")
    }
}

fn promised(sweep: &Sweep) -> String {
    let (held, all) = sweep.held();
    let seeds = match sweep.runs.as_slice() {
        [run] => format!("seed {}", run.seed),
        runs => format!("{} seeds", runs.len()),
    };
    format!("{seeds}, {held} of {all} promises held")
}
