//! The end of a report: how to make it again, and the scenario itself.

use std::fmt::Write;

use crate::{Sweep, html::escape};

pub fn scenario(sweep: &Sweep) -> String {
    let scenario = &sweep.scenario;
    let mut out = format!(
        "<h2>Made again</h2><div class=\"card again\"><pre><code>{}</code></pre><dl>",
        escape(&command(sweep))
    );
    if let [run] = sweep.runs.as_slice() {
        _ = write!(
            out,
            "<dt>Trace hash</dt><dd><code>{}</code></dd>",
            escape(&run.trace_hash)
        );
    }
    let version = sweep.runs.first().map_or("", |run| &run.version);
    _ = write!(
        out,
        "<dt>Program</dt><dd>{}</dd></dl></div><p class=\"hint\">The same program, scenario and \
         seed do the same, event by event, on any machine: then the trace hash is the same. Wall \
         time and memory are those of the machine.</p>",
        escape(version)
    );
    if !scenario.text.is_empty() {
        _ = write!(
            out,
            "<h2>The scenario</h2><details class=\"card\"><summary>{}</summary><pre><code>{}\
             </code></pre></details>",
            escape(&scenario.file),
            escape(&scenario.text)
        );
    }
    out
}

/// What to type for the same result.
fn command(sweep: &Sweep) -> String {
    let file = &sweep.scenario.file;
    let file = if file.is_empty() {
        "scenario.toml"
    } else {
        file
    };
    let quoted = match file.contains(|c: char| !(c.is_ascii_alphanumeric() || "-_./".contains(c))) {
        true => format!("'{}'", file.replace('\'', r"'\''")),
        false => file.to_owned(),
    };
    let seeds: Vec<u64> = sweep.runs.iter().map(|run| run.seed).collect();
    match seeds.as_slice() {
        [seed] => format!("netsim run {quoted} --seed {seed}"),
        [first, .., last] if last - first + 1 == seeds.len() as u64 => {
            format!("netsim run {quoted} --seeds {first}..{last}")
        }
        seeds => {
            let each = seeds
                .iter()
                .map(|seed| format!("netsim run {quoted} --seed {seed}"));
            each.collect::<Vec<_>>().join("\n")
        }
    }
}
