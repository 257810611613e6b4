//! A run's series as RFC 4180 has it.

use crate::{Figure, SeriesTable};

/// A line of names, then one line for each time; what wasn't measured is left empty.
pub fn csv(table: &SeriesTable) -> String {
    let mut lines = String::from("time_s");
    for series in &table.series {
        let name = format!("{}.{}", series.metric, figure(series.figure));
        lines.push(',');
        lines.push_str(&field(&name));
    }
    lines.push_str("\r\n");
    for (point, time) in table.times.iter().enumerate() {
        lines.push_str(&time.to_string());
        for series in &table.series {
            lines.push(',');
            if let Some(value) = series.values.get(point).copied().flatten() {
                lines.push_str(&value.to_string());
            }
        }
        lines.push_str("\r\n");
    }
    lines
}

fn figure(figure: Figure) -> &'static str {
    match figure {
        Figure::Mean => "mean",
        Figure::P5 => "p5",
        Figure::P50 => "p50",
        Figure::P95 => "p95",
        Figure::P99 => "p99",
        Figure::Value => "value",
        Figure::Share => "share",
        Figure::Rate => "per-second",
    }
}

fn field(text: &str) -> String {
    if text.contains(['"', ',', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Series;

    #[test]
    fn names_are_quoted_and_gaps_are_empty() {
        let series = |metric: &str, figure, values| Series {
            metric: metric.to_owned(),
            figure,
            values,
        };
        let table = SeriesTable {
            step: 0.5,
            times: vec![0.0, 0.5],
            series: vec![
                series("a \"b\", c", Figure::P50, vec![None, Some(1.25)]),
                series("nodes", Figure::Value, vec![Some(3.0)]),
            ],
        };
        let expected = "time_s,\"a \"\"b\"\", c.p50\",nodes.value\r\n0,,3\r\n0.5,1.25,\r\n";
        assert_eq!(csv(&table), expected);
    }
}
