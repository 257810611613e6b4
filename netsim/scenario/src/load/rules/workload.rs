use super::{Findings, known_group, known_rooms, positive, steps, within};
use crate::{Joins, Scenario, Sizes, Step};

pub(super) fn check(scenario: &Scenario, findings: &mut Findings<'_>) {
    for index in 0..scenario.rooms.len() {
        rooms(scenario, index, findings);
    }
    for index in 0..scenario.resources.len() {
        resources(scenario, index, findings);
    }
    for index in 0..scenario.envelopes.len() {
        envelopes(scenario, index, findings);
    }
}

fn rooms(scenario: &Scenario, index: usize, findings: &mut Findings<'_>) {
    let rooms = &scenario.rooms[index];
    let of = |keys: &[&str]| path_of("rooms", index, keys);
    let peers = peers(scenario, "rooms", index, rooms.groups.as_deref(), findings);
    match rooms.size {
        Sizes::Zipf { min, max, .. } if min > max => {
            let message = format!("the smallest size {min} is above the largest {max}");
            findings.at(&of(&["size", "min"]), message);
        }
        Sizes::Fixed { size } if peers.is_some_and(|peers| size > peers) => {
            let message = format!(
                "a room of {size}, but its groups have {} peers",
                peers.unwrap_or_default()
            );
            findings.at(&of(&["size", "size"]), message);
        }
        _ => (),
    }
    if let Some(every) = rooms.churn_every {
        positive(findings, &of(&["churn_every"]), every.0);
    }
    if matches!(rooms.size, Sizes::All) && rooms.churn_every.is_some() {
        let message = "`churn_every` changes members for others, but all peers are members";
        findings.at(&of(&["churn_every"]), message);
    }
    match rooms.joins {
        Joins::AtStart => (),
        Joins::Over { from, over } => {
            within(scenario, findings, &of(&["joins", "from"]), from.0);
            positive(findings, &of(&["joins", "over"]), over.0);
        }
        Joins::Grow { at, over, .. } => {
            within(scenario, findings, &of(&["joins", "at"]), at.0);
            positive(findings, &of(&["joins", "over"]), over.0);
        }
        Joins::Pair { from, every, stay } => {
            let from = from.unwrap_or(scenario.warmup);
            within(scenario, findings, &of(&["joins", "from"]), from.0);
            positive(findings, &of(&["joins", "every"]), every.0);
            positive(findings, &of(&["joins", "stay"]), stay.0);
            for key in ["count", "size", "churn_every"] {
                let path = of(&[key]);
                if findings.document.has(&path) {
                    let message = format!(
                        "`{key}` has no meaning for pairs, which join a new room each time"
                    );
                    findings.at_key(&path, message);
                }
            }
            if peers.is_some_and(|peers| peers < 2) {
                findings.at(&of(&["groups"]), "a pair needs two peers");
            }
        }
    }
}

fn resources(scenario: &Scenario, index: usize, findings: &mut Findings<'_>) {
    let resources = &scenario.resources[index];
    let of = |keys: &[&str]| path_of("resources", index, keys);
    let peers = peers(
        scenario,
        "resources",
        index,
        resources.groups.as_deref(),
        findings,
    );
    if peers.is_some_and(|peers| resources.providers > peers) {
        let message = format!(
            "{} providers for each resource, but its groups have {} peers",
            resources.providers,
            peers.unwrap_or_default()
        );
        findings.at(&of(&["providers"]), message);
    }
    within(scenario, findings, &of(&["from"]), resources.from.0);
}

fn envelopes(scenario: &Scenario, index: usize, findings: &mut Findings<'_>) {
    let envelopes = &scenario.envelopes[index];
    let of = |keys: &[&str]| path_of("envelopes", index, keys);
    for (number, name) in envelopes.rooms.iter().flatten().enumerate() {
        let path = [of(&["rooms"]), vec![Step::Index(number)]].concat();
        known_rooms(scenario, findings, &path, name);
    }
    if scenario.rooms.is_empty() && envelopes.rooms.is_none() {
        let message =
            "envelopes travel between members of rooms, and the scenario has no [[rooms]]";
        findings.at(&of(&[]), message);
    }
    if envelopes.size.0 == 0 {
        findings.at(
            &of(&["size"]),
            "`size` of [[envelopes]] must be more than 0",
        );
    }
    if let Some(from) = envelopes.from {
        within(scenario, findings, &of(&["from"]), from.0);
    }
}

/// Checks that groups are of peers, and counts those; nothing if one isn't known.
fn peers(
    scenario: &Scenario,
    list: &str,
    index: usize,
    names: Option<&[String]>,
    findings: &mut Findings<'_>,
) -> Option<u32> {
    let mut right = true;
    for (number, name) in names.unwrap_or_default().iter().enumerate() {
        let path = [path_of(list, index, &["groups"]), vec![Step::Index(number)]].concat();
        right &= known_group(scenario, findings, &path, name);
        if let Some(group) = scenario.group(name)
            && !group.kind.is_peer()
        {
            right = false;
            let message = format!(
                "group \"{name}\" is of kind \"{}\", but [[{list}]] are of peers (kind \"browser\" or \"native\")",
                group.kind.name()
            );
            findings.at(&path, message);
        }
    }
    let groups = scenario.peers(names);
    if right && groups.is_empty() {
        right = false;
        let message = format!("[[{list}]] need peers: a group of kind \"browser\" or \"native\"");
        findings.at(&path_of(list, index, &["groups"]), message);
    }
    right.then(|| {
        groups
            .iter()
            .fold(0, |sum: u32, group| sum.saturating_add(group.count))
    })
}

fn path_of(list: &str, index: usize, keys: &[&str]) -> Vec<Step> {
    let keys = keys.iter().map(|key| Step::from(*key));
    steps![list, index].iter().cloned().chain(keys).collect()
}
