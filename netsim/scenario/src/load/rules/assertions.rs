use std::ops::Range;

use super::{Findings, steps};
use crate::{
    Assertion, Expectation, Joins, Kind, Scenario, Span, Step, Window, metrics::Needs,
    mistake::meant,
};

pub(super) fn check(
    scenario: &Scenario,
    assertions: &[(usize, Assertion)],
    findings: &mut Findings<'_>,
) {
    for (index, assertion) in assertions {
        let around = steps!["assert", *index];
        measured(scenario, around, assertion, findings);
        let range = window(scenario, around, &assertion.window, findings);
        match &assertion.expect {
            Expectation::AtMostTimes { of, .. } | Expectation::AtLeastTimes { of, .. } => {
                window(scenario, steps!["assert", *index, "of"], of, findings);
            }
            Expectation::Recovers { within, .. } => {
                if let Some(range) = range {
                    recovery(scenario, around, &range, *within, findings);
                }
            }
            Expectation::AtMost { .. } | Expectation::AtLeast { .. } => (),
        }
    }
}

/// A metric that nothing in the scenario gives a value.
fn measured(
    scenario: &Scenario,
    around: &[Step],
    assertion: &Assertion,
    findings: &mut Findings<'_>,
) {
    let has = |kind: fn(Kind) -> bool| scenario.groups.iter().any(|group| kind(group.kind));
    let pairs = || {
        scenario
            .rooms
            .iter()
            .any(|rooms| matches!(rooms.joins, Joins::Pair { .. }))
    };
    let (rooms, resources, envelopes) = (
        !scenario.rooms.is_empty(),
        !scenario.resources.is_empty(),
        !scenario.envelopes.is_empty(),
    );
    let (there, what) = match assertion.metric.needs {
        Needs::Nothing => return,
        Needs::Nodes => (has(|kind| kind == Kind::Node), "group of kind \"node\""),
        Needs::Peers => (
            has(Kind::is_peer),
            "group of kind \"browser\" or \"native\"",
        ),
        Needs::Rooms => (rooms, "[[rooms]]"),
        Needs::Pairs => (pairs(), "[[rooms]] with joins of kind \"pair\""),
        Needs::Resources => (resources, "[[resources]]"),
        Needs::Envelopes => (envelopes, "[[envelopes]]"),
        Needs::HostileRooms => (
            rooms && scenario.is_hostile(),
            "[[rooms]] and a host that isn't honest",
        ),
        Needs::HostileEnvelopes => (
            envelopes && scenario.is_hostile(),
            "[[envelopes]] and a host that isn't honest",
        ),
        Needs::HostileResources => (
            resources && scenario.is_hostile(),
            "[[resources]] and a host that isn't honest",
        ),
    };
    if !there {
        let message = format!(
            "nothing is measured as `{}`: the scenario has no {what}",
            assertion.metric.name
        );
        findings.at(&[around, steps!["metric"]].concat(), message);
    }
}

/// The window's place in the run, if it has one.
fn window(
    scenario: &Scenario,
    around: &[Step],
    window: &Window,
    findings: &mut Findings<'_>,
) -> Option<Range<std::time::Duration>> {
    let of = |key: &str| [around, steps![key]].concat();
    if let Some(name) = &window.after
        && scenario.event(name).is_none()
    {
        let names = scenario.events.iter().map(|event| event.name.as_str());
        let message = match scenario.events.is_empty() {
            true => format!("no event \"{name}\": the scenario has no [[event]]"),
            false => format!("no event \"{name}\"{}", meant(name, names)),
        };
        findings.at(&of("after"), message);
        return None;
    }
    let range = window.range(scenario);
    let end = scenario.duration;
    let message = if range.start >= range.end {
        format!(
            "the window is empty: it begins at {} and ends at {}",
            Span(range.start),
            Span(range.end)
        )
    } else if range.end > end.0 {
        format!(
            "the window ends at {}, but the run at {end}",
            Span(range.end)
        )
    } else if range.start < scenario.warmup.0 {
        format!(
            "the window begins at {}, but nothing is measured before the warm-up ends at {}",
            Span(range.start),
            scenario.warmup
        )
    } else {
        return Some(range);
    };
    let key = match (window.from, window.to) {
        (Some(_), _) if range.end <= end.0 => "from",
        (_, Some(_)) => "to",
        (Some(_), None) => "from",
        (None, None) => "after",
    };
    findings.at(&of(key), message);
    None
}

/// After the time that a recovery may take, there must be samples to see it.
fn recovery(
    scenario: &Scenario,
    around: &[Step],
    range: &Range<std::time::Duration>,
    within: Span,
    findings: &mut Findings<'_>,
) {
    let deadline = range.start.saturating_add(within.0);
    if deadline.saturating_add(scenario.sample_every.0) > range.end {
        let message = format!(
            "no sample can show it: it must have recovered by {}, and the window ends at {}",
            Span(deadline),
            Span(range.end)
        );
        findings.at(&[around, steps!["within"]].concat(), message);
    }
}
