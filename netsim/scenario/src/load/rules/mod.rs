//! What spans keys: names that must exist, times within the run, keys that don't go together.

mod assertions;
mod events;
mod groups;
mod workload;

use std::{collections::HashMap, time::Duration};

use super::{Findings, steps};
use crate::{Assertion, Latency, Scenario, Step, mistake::meant};

/// Reports whatever can't be meant. Assertions come with their indexes in the file, since those
/// that can't be read aren't among them.
pub(crate) fn check(
    scenario: &Scenario,
    assertions: &[(usize, Assertion)],
    findings: &mut Findings<'_>,
) {
    run(scenario, findings);
    names(scenario, findings);
    network(scenario, findings);
    groups::check(scenario, findings);
    workload::check(scenario, findings);
    events::check(scenario, findings);
    assertions::check(scenario, assertions, findings);
}

fn run(scenario: &Scenario, findings: &mut Findings<'_>) {
    positive(findings, steps!["duration"], scenario.duration.0);
    positive(findings, steps!["max_wall"], scenario.max_wall.0);
    positive(findings, steps!["sample_every"], scenario.sample_every.0);
    if scenario.max_memory.0 == 0 {
        findings.at(steps!["max_memory"], "`max_memory` must be more than 0");
    }
    if scenario.warmup >= scenario.duration {
        let message = format!(
            "nothing is measured: `warmup` is {}, and the run ends at {}",
            scenario.warmup, scenario.duration
        );
        findings.at(steps!["warmup"], message);
    } else if scenario.sample_every.0 > scenario.duration.0 - scenario.warmup.0 {
        let message = "no sample is taken: `sample_every` is longer than what is measured";
        findings.at(steps!["sample_every"], message);
    }
    if scenario.name.trim().is_empty() {
        findings.at(steps!["name"], "`name` is empty");
    }
}

fn names(scenario: &Scenario, findings: &mut Findings<'_>) {
    let groups = scenario.groups.iter().map(|group| group.name.as_str());
    unique("group", groups, findings);
    let rooms = scenario.rooms.iter().map(|rooms| rooms.name.as_str());
    unique("rooms", rooms, findings);
    let events = scenario.events.iter().map(|event| event.name.as_str());
    unique("event", events, findings);
}

fn unique<'a>(list: &str, names: impl Iterator<Item = &'a str>, findings: &mut Findings<'_>) {
    let mut first = HashMap::new();
    for (index, name) in names.enumerate() {
        if name.trim().is_empty() {
            findings.at(
                steps![list, index, "name"],
                format!("`name` of [[{list}]] is empty"),
            );
        } else if let Some(before) = first.insert(name, index) {
            let message = format!(
                "[[{list}]] number {} is called \"{name}\" too; each needs a name of its own",
                before + 1
            );
            findings.at(steps![list, index, "name"], message);
        }
    }
}

fn network(scenario: &Scenario, findings: &mut Findings<'_>) {
    if let Latency::Fixed(latency) = scenario.network.latency {
        positive(findings, steps!["network", "latency"], latency.0);
    }
    for (name, link) in &scenario.network.links {
        for (key, bandwidth) in [("up", link.up), ("down", link.down)] {
            if bandwidth.is_some_and(|bandwidth| bandwidth.0 == 0) {
                let message = format!("`{key}` of link \"{name}\" must be more than 0");
                findings.at(steps!["network", "links", name.as_str(), key], message);
            }
        }
    }
}

/// A time that must be more than nothing.
fn positive(findings: &mut Findings<'_>, path: &[Step], span: Duration) {
    if span.is_zero() {
        let of = findings.document.name_of_value(path);
        findings.at(path, format!("{of} must be more than 0s"));
    }
}

/// A moment that must be within the run.
fn within(scenario: &Scenario, findings: &mut Findings<'_>, path: &[Step], moment: Duration) {
    if moment >= scenario.duration.0 {
        let of = findings.document.name_of_value(path);
        let message = format!("{of} never comes: the run ends at {}", scenario.duration);
        findings.at(path, message);
    }
}

/// A group that must exist.
fn known_group(
    scenario: &Scenario,
    findings: &mut Findings<'_>,
    path: &[Step],
    name: &str,
) -> bool {
    let known = scenario.group(name).is_some();
    if !known {
        let names = scenario.groups.iter().map(|group| group.name.as_str());
        findings.at(path, format!("no group \"{name}\"{}", meant(name, names)));
    }
    known
}

/// A `[[rooms]]` that must exist.
fn known_rooms(
    scenario: &Scenario,
    findings: &mut Findings<'_>,
    path: &[Step],
    name: &str,
) -> bool {
    let known = scenario.rooms.iter().any(|rooms| rooms.name == name);
    if !known {
        let names = scenario.rooms.iter().map(|rooms| rooms.name.as_str());
        let message = match scenario.rooms.is_empty() {
            true => format!("no rooms \"{name}\": the scenario has no [[rooms]]"),
            false => format!("no rooms \"{name}\"{}", meant(name, names)),
        };
        findings.at(path, message);
    }
    known
}
