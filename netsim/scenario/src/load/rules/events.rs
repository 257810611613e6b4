use std::{collections::HashSet, time::Duration};

use super::{Findings, groups::behave, known_group, positive, steps, within};
use crate::{Action, Arrival, Event, Kind, Region, Scenario, Span, Step};

pub(super) fn check(scenario: &Scenario, findings: &mut Findings<'_>) {
    for (index, event) in scenario.events.iter().enumerate() {
        within(scenario, findings, steps!["event", index, "at"], event.at.0);
        groups(scenario, index, event, findings);
        lasting(scenario, index, event, findings);
        match &event.action {
            Action::Split { regions, share, .. } => {
                split(index, regions.as_deref(), *share, findings);
            }
            Action::Behave {
                group, behave: as_, ..
            } => {
                if let Some(group) = scenario.group(group) {
                    let path = steps!["event", index, "as"];
                    behave(scenario, as_, group.kind, path, findings);
                }
            }
            Action::Start { group, count, .. } => start(scenario, index, group, *count, findings),
            Action::Freeze { group, .. } => {
                if let Some(group) = scenario.group(group)
                    && group.kind != Kind::Browser
                {
                    let message = format!(
                        "only browsers freeze, and group \"{}\" is of kind \"{}\"",
                        group.name,
                        group.kind.name()
                    );
                    findings.at(steps!["event", index, "group"], message);
                }
            }
            _ => (),
        }
    }
}

fn groups(scenario: &Scenario, index: usize, event: &Event, findings: &mut Findings<'_>) {
    match &event.action {
        Action::Cut { between, .. } => {
            for (side, name) in between.iter().enumerate() {
                let path = steps!["event", index, "between", side];
                known_group(scenario, findings, path, name);
            }
        }
        action => {
            for name in action.groups() {
                known_group(scenario, findings, steps!["event", index, "group"], name);
            }
        }
    }
}

fn lasting(scenario: &Scenario, index: usize, event: &Event, findings: &mut Findings<'_>) {
    let (key, span): (_, Option<Span>) = match &event.action {
        Action::Split { lasting, .. } | Action::Cut { lasting, .. } => ("for", *lasting),
        Action::Freeze { lasting, .. } => ("for", Some(*lasting)),
        Action::Restart { after, .. } => ("after", Some(*after)),
        Action::Start { over, .. } => ("over", (!over.is_zero()).then_some(*over)),
        Action::Kill { .. } | Action::Leave { .. } | Action::Behave { .. } => return,
    };
    let Some(span) = span else { return };
    let path: &[Step] = steps!["event", index, key];
    positive(findings, path, span.0);
    let end: Duration = event.end();
    if event.at < scenario.duration && end > scenario.duration.0 {
        let message = format!(
            "event \"{}\" would last until {}, but the run ends at {}",
            event.name,
            Span(end),
            scenario.duration
        );
        findings.at(path, message);
    }
}

fn split(
    index: usize,
    regions: Option<&[Vec<Region>]>,
    share: Option<f64>,
    findings: &mut Findings<'_>,
) {
    match (regions, share) {
        (None, None) => {
            let message = "a split needs `regions = [[…], […]]` or `share = 0.5`";
            findings.at(steps!["event", index], message);
        }
        (Some(_), Some(_)) => {
            let message = "a split goes by `regions` or by `share`, not by both";
            findings.at(steps!["event", index, "share"], message);
        }
        (Some(sides), None) => {
            if sides.len() < 2 {
                let message = "a split has two sides or more: `regions = [[…], […]]`";
                findings.at(steps!["event", index, "regions"], message);
            }
            let mut seen = HashSet::new();
            for region in sides.iter().flatten() {
                if !seen.insert(region) {
                    let message = format!("\"{region}\" is on one side of a split only");
                    findings.at(steps!["event", index, "regions"], message);
                }
            }
        }
        (None, Some(_)) => (),
    }
}

fn start(
    scenario: &Scenario,
    index: usize,
    name: &str,
    count: Option<u32>,
    findings: &mut Findings<'_>,
) {
    let Some(group) = scenario.group(name) else {
        return;
    };
    if group.arrival != Arrival::Event {
        let message = format!(
            "group \"{name}\" arrives by itself; give it `arrival = {{ kind = \"event\" }}`"
        );
        findings.at(steps!["event", index, "group"], message);
    }
    if let Some(count) = count
        && count > group.count
    {
        let message = format!("{count} hosts of \"{name}\", which has {}", group.count);
        findings.at(steps!["event", index, "count"], message);
    }
}
