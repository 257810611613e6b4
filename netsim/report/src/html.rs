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
    page(&sweep.scenario.name, "single", &body.concat())
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
        "compared",
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

fn page(title: &str, class: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{} · Velox Mesh netsim</title>\n<link rel=\"icon\" href=\"data:,\">\n\
         <style>\n{}</style>\n</head>\n<body class=\"{class}\">\n{body}<script>\n{}</script>\n</body>\n</html>\n",
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{merge, testing::run};

    fn pages() -> Vec<String> {
        let single = || merge(vec![run(1)]).unwrap();
        let sweep = merge(vec![run(1), run(2), run(12)]).unwrap();
        let comparison = Comparison::new(single(), sweep.clone());
        vec![
            report(&single()),
            report(&sweep),
            comparison_report(&comparison),
        ]
    }

    #[test]
    fn a_page_asks_for_nothing_from_outside() {
        for page in pages() {
            for outside in [
                "http:",
                "https:",
                "src=",
                "url(",
                "@import",
                "<link rel=\"style",
            ] {
                assert!(!page.contains(outside), "{outside}");
            }
        }
    }

    #[test]
    fn what_a_scenario_says_stays_text() {
        for page in pages() {
            for raw in [
                "<script>alert",
                "small <one>",
                "</style><b>kill",
                "<i>so</i>",
            ] {
                assert!(!page.contains(raw), "{raw}");
            }
            assert!(page.contains("small &lt;one&gt; &amp; &quot;quoted&quot;"));
            assert!(page.contains("&lt;/style&gt;&lt;b&gt;kill"));
            assert_eq!(page.matches("<style>").count(), 1);
            assert_eq!(page.matches("</style>").count(), 1);
            assert_eq!(
                page.matches("<script").count(),
                page.matches("</script>").count()
            );
        }
    }

    #[test]
    fn a_plot_without_figures_is_not_there() {
        let page = report(&merge(vec![run(1)]).unwrap());
        assert!(page.contains("<h3>Population</h3>"));
        assert!(page.contains("<h3>Bytes of a node by duty, each second</h3>"));
        assert!(!page.contains("Look-ups that find a provider"));
        assert!(!page.contains("NaN"));
    }

    #[test]
    fn a_run_without_any_figure_is_still_a_page() {
        let mut empty = run(1);
        empty.facts.ended = crate::Ending::Crashed("no <memory>".to_owned());
        (empty.metrics, empty.series, empty.checks) = Default::default();
        let page = report(&merge(vec![empty]).unwrap());
        assert!(page.contains("The scenario promises nothing"));
        assert!(page.contains("crashed (no &lt;memory&gt;)"));
        assert!(!page.contains("What was measured"));
    }

    #[test]
    fn the_verdict_and_the_way_to_repeat_it_are_there() {
        let [single, sweep, compared] = pages().try_into().unwrap();
        assert!(single.contains("<h1>All 2 promises held</h1>"));
        assert!(
            single.contains(
                "netsim run &#39;dir/it&#39;\\&#39;&#39;s &lt;small&gt;.toml&#39; --seed 1"
            )
        );
        assert!(sweep.contains("<h1>1 of 2 promises held in each of 3 seeds</h1>"));
        assert!(sweep.contains("held in 2 of 3 seeds, not in seed 12"));
        assert!(compared.contains("worse") && compared.contains("different seeds"));
    }
}
