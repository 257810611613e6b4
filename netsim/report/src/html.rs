//! The report: one page that needs nothing from outside. All that it shows is there without a
//! script; whatever comes from a scenario is escaped.

use serde::Serialize;

use crate::{Change, Comparison, Sweep, plot::draw};

mod foot;
mod head;
mod promises;
mod sections;
mod table;

pub use head::{cut_short, headline};

/// A sweep under the name by which it is told from another.
pub struct Subject<'a> {
    pub name: String,
    pub sweep: &'a Sweep,
}

/// `report.html` of a run or of several seeds.
pub fn report(sweep: &Sweep) -> String {
    let subjects = [Subject {
        name: String::new(),
        sweep,
    }];
    let body = [
        head::verdict(sweep),
        promises::promises(sweep),
        plots(&subjects),
        table::metrics(sweep),
        table::seeds(sweep),
        foot::scenario(sweep),
    ];
    page(&sweep.scenario.name, &body.concat())
}

/// The report of two runs or sweeps side by side.
pub fn comparison_report(comparison: &Comparison) -> String {
    let Comparison { before, after, .. } = comparison;
    let [first, second] = names(before, after);
    let subjects = [
        Subject {
            name: first,
            sweep: before,
        },
        Subject {
            name: second,
            sweep: after,
        },
    ];
    let body = [
        head::comparison(comparison, &subjects),
        promises::changed(&subjects),
        plots(&subjects),
        table::comparison(comparison, &subjects),
        foot::scenario(before),
    ];
    page(
        &format!("{} compared", before.scenario.name),
        &body.concat(),
    )
}

/// By scenario if those differ, else by program, else by order.
pub fn names(before: &Sweep, after: &Sweep) -> [String; 2] {
    let version = |sweep: &Sweep| sweep.runs.first().map(|run| run.version.clone());
    let pairs = [
        (before.scenario.name.clone(), after.scenario.name.clone()),
        (
            version(before).unwrap_or_default(),
            version(after).unwrap_or_default(),
        ),
    ];
    let pair = pairs
        .into_iter()
        .find(|(a, b)| a != b && !a.is_empty() && !b.is_empty());
    let (a, b) = pair.unwrap_or_else(|| ("first".to_owned(), "second".to_owned()));
    [a, b]
}

fn plots(subjects: &[Subject]) -> String {
    let charts = sections::charts(subjects);
    if charts.is_empty() {
        return String::new();
    }
    let drawn: String = charts.iter().map(draw).collect();
    format!("<h2>What was measured</h2><div class=\"plots\">{drawn}</div>")
}

fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{} · Velox Mesh netsim</title>\n<link rel=\"icon\" href=\"data:,\">\n\
         <style>\n{}</style>\n</head>\n<body>\n{body}<script>\n{}</script>\n</body>\n</html>\n",
        escape(title),
        include_str!("html/style.css"),
        include_str!("html/script.js"),
    )
}

/// The class that colours a change.
fn change_class(change: Change) -> &'static str {
    match change {
        Change::Better => "better",
        Change::Worse => "worse",
        Change::Same | Change::Other | Change::OneSided => "",
    }
}

/// Text as HTML shows it, in elements and in quoted attributes.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// JSON that can stand in a script element.
pub fn json(value: &impl Serialize) -> String {
    let text = serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned());
    text.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
}
