//! Results for a terminal: aligned columns of plain text, in colour only if asked.

use netsim_scenario::Stat;

use crate::{
    Change, Comparison, Spread, Sweep, SweptCheck, SweptSummary,
    html::{cut_short, headline, names},
    unit::{Unit, digits, length},
    words::unit_of,
};

/// Whether to use colours; whoever calls knows the terminal and `NO_COLOR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    Always,
    Never,
}

#[derive(Clone, Copy)]
enum Ink {
    Plain,
    Green,
    Red,
    Bold,
    Dim,
}

impl Colour {
    fn paint(self, text: &str, ink: Ink) -> String {
        let code = match ink {
            Ink::Plain => "",
            Ink::Green => "32",
            Ink::Red => "31",
            Ink::Bold => "1",
            Ink::Dim => "2",
        };
        match self {
            Self::Always if !code.is_empty() => format!("\x1b[{code}m{text}\x1b[0m"),
            _ => text.to_owned(),
        }
    }
}

/// What was measured, and then what held: the end of `netsim run` and `netsim merge`.
pub fn results(sweep: &Sweep, colour: Colour) -> String {
    format!("{}\n{}", metrics(sweep, colour), assertions(sweep, colour))
}

/// A line for each metric.
pub fn metrics(sweep: &Sweep, colour: Colour) -> String {
    const COLUMNS: [(&str, &[Stat]); 6] = [
        ("number", &[Stat::Count, Stat::Total]),
        ("mean", &[Stat::Mean, Stat::Share, Stat::PerSecond]),
        ("p50", &[Stat::P50]),
        ("p95", &[Stat::P95]),
        ("p99", &[Stat::P99]),
        ("max", &[Stat::Max]),
    ];
    let mut table = Table::new(std::iter::once("metric").chain(COLUMNS.map(|(name, _)| name)));
    for summary in &sweep.metrics {
        let figures = COLUMNS
            .iter()
            .map(|(_, stats)| (figure(summary, stats), Ink::Plain));
        table.row(std::iter::once((summary.metric.clone(), Ink::Plain)).chain(figures));
    }
    table.text(colour)
}

fn figure(summary: &SweptSummary, stats: &[Stat]) -> String {
    let found = stats
        .iter()
        .find_map(|stat| Some((*stat, summary.figures.get(*stat)?)));
    found.map_or_else(String::new, |(stat, spread)| {
        unit_of(&summary.metric, stat).say(spread.median)
    })
}

/// A line for each assertion, and the verdict.
pub fn assertions(sweep: &Sweep, colour: Colour) -> String {
    let mut out = String::new();
    for check in &sweep.checks {
        let (sign, ink) = if check.held {
            ("✓", Ink::Green)
        } else {
            ("✗", Ink::Red)
        };
        out += &format!("{} {}\n", colour.paint(sign, ink), check.promise);
        let found = format!("    {}", found(check, sweep.is_single()));
        out += &colour.paint(&found, if check.held { Ink::Dim } else { Ink::Red });
        out.push('\n');
    }
    for notice in sweep
        .runs
        .iter()
        .filter_map(|run| cut_short(run, sweep.is_single()))
    {
        out += &format!("{}\n", colour.paint(&notice, Ink::Red));
    }
    let wall: f64 = sweep.runs.iter().map(|run| run.wall_seconds).sum();
    let memory = sweep
        .runs
        .iter()
        .map(|run| run.peak_memory_bytes)
        .max()
        .unwrap_or(0);
    let ink = if sweep.is_good() {
        Ink::Green
    } else {
        Ink::Red
    };
    let cost = format!(
        "{} of wall time, {}",
        length(wall),
        Unit::Bytes.say(memory as f64)
    );
    out + &format!("\n{} ({cost})\n", colour.paint(&headline(sweep), ink))
}

fn found(check: &SweptCheck, single: bool) -> String {
    match check.reached {
        Some(Spread { median, min, max }) if !single => {
            let say = |value| check.bound.unit.say(value);
            let (held, all) = check.held_in;
            format!(
                "{} ({} to {}), held in {held} of {all} seeds",
                say(median),
                say(min),
                say(max)
            )
        }
        _ => check.found.clone(),
    }
}

/// A line for each figure of two runs or sweeps.
pub fn comparison(comparison: &Comparison, colour: Colour) -> String {
    let Comparison {
        before,
        after,
        rows,
        notes,
    } = comparison;
    let [first, second] = names(before, after);
    let mut table = Table::new(["metric", "", &first, &second, "change", ""]);
    for row in rows {
        let unit = unit_of(&row.metric, row.stat);
        let say = |spread: Option<Spread>| spread.map_or("–".to_owned(), |s| unit.say(s.median));
        let ink = match row.change {
            Change::Better => Ink::Green,
            Change::Worse => Ink::Red,
            _ => Ink::Plain,
        };
        table.row([
            (row.metric.clone(), Ink::Plain),
            (row.stat.to_string(), Ink::Plain),
            (say(row.before), Ink::Plain),
            (say(row.after), Ink::Plain),
            (row.said(), Ink::Plain),
            (row.change.to_string(), ink),
        ]);
    }
    let mut out = String::new();
    for note in notes {
        out += &format!("{}\n", colour.paint(note, Ink::Bold));
    }
    out += &table.text(colour);
    let (better, worse) = (
        comparison.count(Change::Better),
        comparison.count(Change::Worse),
    );
    for (name, sweep) in [(&first, before), (&second, after)] {
        let (held, all) = sweep.held();
        out += &format!("\n{name}: {held} of {all} promises held");
    }
    out + &format!(
        "\n{} better, {} worse\n",
        digits(better as f64),
        digits(worse as f64)
    )
}

/// Columns as wide as what is in them: the first to the left, the others to the right.
struct Table {
    rows: Vec<Vec<(String, Ink)>>,
}

impl Table {
    fn new<'a>(headings: impl IntoIterator<Item = &'a str>) -> Self {
        let headings = headings
            .into_iter()
            .map(|heading| (heading.to_owned(), Ink::Bold));
        Self {
            rows: vec![headings.collect()],
        }
    }

    fn row(&mut self, cells: impl IntoIterator<Item = (String, Ink)>) {
        self.rows.push(cells.into_iter().collect());
    }

    fn text(&self, colour: Colour) -> String {
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells
                .map(|(text, _)| text.chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.rows[0].len()).map(width).collect();
        let mut out = String::new();
        for row in &self.rows {
            let cell = |(column, (text, ink)): (usize, &(String, Ink))| {
                let width = widths.get(column).copied().unwrap_or(0);
                let space = " ".repeat(width.saturating_sub(text.chars().count()));
                match column {
                    0 => format!("{}{space}", colour.paint(text, *ink)),
                    _ => format!("{space}{}", colour.paint(text, *ink)),
                }
            };
            let line: Vec<String> = row.iter().enumerate().map(cell).collect();
            out += line.join("  ").trim_end();
            out.push('\n');
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{merge, testing::run};

    #[test]
    fn columns_are_aligned_and_plain() {
        let sweep = merge(vec![run(1)]).unwrap();
        let text = metrics(&sweep, Colour::Never);
        assert!(!text.contains('\x1b'));
        let ends: Vec<usize> = text
            .lines()
            .filter(|line| line.contains("metric") || line.contains("latency"))
            .map(|line| line.chars().count())
            .collect();
        assert_eq!(ends, [ends[0]; 2], "{text}");
    }

    #[test]
    fn the_verdict_comes_last_with_what_failed_above() {
        let text = results(&merge(vec![run(12)]).unwrap(), Colour::Never);
        assert!(
            text.contains("✗ Time of a join to another node: 99 % at most 100 ms"),
            "{text}"
        );
        assert!(text.contains("✓ Live pairs that agree on presence: back up to 90 % within 10 s"));
        assert!(
            text.trim_end()
                .lines()
                .last()
                .unwrap()
                .starts_with("1 of 2 promises held")
        );
        assert!(assertions(&merge(vec![run(1)]).unwrap(), Colour::Always).contains("\x1b[32m✓"));
    }

    #[test]
    fn a_comparison_says_what_became_worse() {
        let sweep = |seed| merge(vec![run(seed)]).unwrap();
        let text = super::comparison(&Comparison::new(sweep(1), sweep(12)), Colour::Never);
        let line = text
            .lines()
            .find(|line| line.starts_with("gossip.latency") && line.contains("p99"));
        assert!(line.unwrap().ends_with("worse"), "{text}");
        assert!(text.contains("second: 1 of 2 promises held"));
    }
}
