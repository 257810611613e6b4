//! What the scenario promises: what didn't hold first, each with the figure reached and how much
//! of its bound that is.

use std::fmt::Write;

use crate::{
    Bound, Side, Spread, Sweep, SweptCheck, Unit,
    html::{Subject, escape},
    unit::digits,
};

pub fn promises(sweep: &Sweep) -> String {
    let mut out = String::new();
    for (title, held) in [("What didn’t hold", false), ("What held", true)] {
        let checks: Vec<_> = sweep
            .checks
            .iter()
            .filter(|check| check.held == held)
            .collect();
        if !checks.is_empty() {
            let rows: String = checks
                .iter()
                .map(|check| promise(check, sweep.is_single()))
                .collect();
            _ = write!(
                out,
                "<h2>{title}</h2><ul class=\"card promises\">{rows}</ul>"
            );
        }
    }
    out
}

fn promise(check: &SweptCheck, single: bool) -> String {
    let class = if check.held {
        "promise"
    } else {
        "promise failed"
    };
    let why = check.why.as_deref().map_or(String::new(), |why| {
        format!("<span class=\"found\">{}</span>", escape(why))
    });
    format!(
        "<li class=\"{class}\">{}<div>{}<span class=\"found\">{}</span>{why}</div>{}</li>",
        sign(check.held),
        escape(&check.promise),
        found(check, single),
        check.reached.map_or_else(String::new, |reached| meter(
            &check.bound,
            worst(check, reached)
        )),
    )
}

fn sign(held: bool) -> &'static str {
    if held {
        "<svg class=\"sign\" viewBox=\"0 0 20 20\" role=\"img\" aria-label=\"held\">\
         <circle cx=\"10\" cy=\"10\" r=\"10\"/><path d=\"m5.5 10.4 3 3 6-6.6\"/></svg>"
    } else {
        "<svg class=\"sign\" viewBox=\"0 0 20 20\" role=\"img\" aria-label=\"not held\">\
         <circle cx=\"10\" cy=\"10\" r=\"10\"/><path d=\"m6.5 6.5 7 7m0-7-7 7\"/></svg>"
    }
}

/// The figure in words, itself in bold.
fn found(check: &SweptCheck, single: bool) -> String {
    let unit = check.bound.unit;
    match check.reached {
        Some(Spread { median, min, max }) if !single => {
            let range = match (unit.say(min), unit.say(max)) {
                (min, max) if min == max => "in every seed".to_owned(),
                (min, max) => format!("in the median, from {min} to {max}"),
            };
            format!(
                "Reached <b>{}</b> {range}; {}",
                unit.say(median),
                held_in(check)
            )
        }
        Some(_) => {
            let digit = check.found.starts_with(|c: char| c.is_ascii_digit());
            let end = check.found.find([';', '(']).unwrap_or(check.found.len());
            let end = check.found.find(" of ").map_or(end, |of| of.min(end));
            let (figure, rest) = check.found.split_at(end);
            match digit {
                true => format!(
                    "Reached <b>{}</b> {}",
                    escape(figure.trim()),
                    escape(rest.trim_start())
                ),
                false => {
                    let end = check.found.find(',').unwrap_or(check.found.len());
                    let (first, rest) = check.found.split_at(end);
                    format!("<b>{}</b>{}", escape(&sentence(first)), escape(rest))
                }
            }
        }
        None => format!("<b>{}</b>", escape(&sentence(&check.found))),
    }
}

/// In which seeds it held, or else which to run again.
fn held_in(check: &SweptCheck) -> String {
    /// More than that are no help.
    const NAMED: usize = 8;
    let (held, all) = check.held_in;
    let failed = check.failed_seeds.len();
    let named: Vec<_> = check
        .failed_seeds
        .iter()
        .map(u64::to_string)
        .take(NAMED)
        .collect();
    let more = if failed > NAMED { " and others" } else { "" };
    match (held, named.as_slice()) {
        (_, []) => format!("held in all {all} seeds"),
        (0, _) => "held in no seed".to_owned(),
        (_, [seed]) => format!("held in {held} of {all} seeds, not in seed {seed}"),
        (_, seeds) => {
            format!(
                "held in {held} of {all} seeds, not in {}{more}",
                seeds.join(", ")
            )
        }
    }
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// Of several seeds the one nearest to the bound, or the farthest beyond it.
fn worst(check: &SweptCheck, reached: Spread) -> f64 {
    match check.bound.side {
        Side::AtMost => reached.max,
        Side::AtLeast => reached.min,
    }
}

/// How much of its bound a figure is; of a share that is to be near to all, how much of what may
/// be missing. A bound of nothing has no such part.
fn meter(bound: &Bound, reached: f64) -> String {
    /// Where on the track the bound is, as long as the figure doesn't lie beyond its end.
    const LIMIT: f64 = 0.75;
    let (part, words) = match bound.side {
        Side::AtMost if bound.limit > 0.0 => (reached / bound.limit, "of the bound"),
        Side::AtLeast if bound.unit == Unit::Share && (0.5..1.0).contains(&bound.limit) => (
            (1.0 - reached) / (1.0 - bound.limit),
            "of what may be missing",
        ),
        Side::AtLeast if bound.limit > 0.0 && bound.limit.is_finite() => {
            (reached / bound.limit, "of what is asked")
        }
        _ => return String::new(),
    };
    let limit = if part * LIMIT > 1.0 {
        1.0 / part
    } else {
        LIMIT
    };
    let said = if part >= 2.0 {
        format!("{} ×", digits(part))
    } else {
        format!("{:.0} %", part * 100.0)
    };
    let words = if part >= 2.0 {
        words.replacen("of ", "", 1)
    } else {
        words.to_owned()
    };
    format!(
        "<div class=\"meter\"><span class=\"track\"><i class=\"fill\" style=\"width:{:.1}%\"></i>\
         <i class=\"limit\" style=\"left:calc({:.1}% - 1px)\"></i></span>{said} {words}</div>",
        (part * limit).clamp(0.0, 1.0) * 100.0,
        limit * 100.0,
    )
}

/// The promises of two sweeps, side by side.
pub fn changed(subjects: &[Subject; 2]) -> String {
    let [before, after] = subjects;
    let mut sentences: Vec<&str> = Vec::new();
    for check in before.sweep.checks.iter().chain(&after.sweep.checks) {
        if !sentences.contains(&check.promise.as_str()) {
            sentences.push(&check.promise);
        }
    }
    if sentences.is_empty() {
        return String::new();
    }
    let mut out = format!(
        "<h2>What was promised</h2><div class=\"card scroll\"><table class=\"held\"><thead><tr>\
         <th>Promise</th><th>{}</th><th>{}</th></tr></thead><tbody>",
        escape(&before.name),
        escape(&after.name)
    );
    let cell = |sweep: &Sweep, sentence: &str| match sweep
        .checks
        .iter()
        .find(|check| check.promise == sentence)
    {
        None => "<td>not promised</td>".to_owned(),
        Some(check) => {
            let (class, word) = if check.held {
                ("better", "held")
            } else {
                ("worse", "not held")
            };
            let figure = check
                .reached
                .map_or("nothing measured".to_owned(), |reached| {
                    check.bound.unit.say(reached.median)
                });
            format!("<td><span class=\"{class}\">{word}</span><small>{figure}</small></td>")
        }
    };
    for sentence in sentences {
        _ = write!(
            out,
            "<tr><th>{}</th>{}{}</tr>",
            escape(sentence),
            cell(before.sweep, sentence),
            cell(after.sweep, sentence)
        );
    }
    out.push_str("</tbody></table></div>");
    out
}
