//! Which plots a report has. A plot whose metrics weren't measured isn't there.

use crate::{Figure, html::Subject, plot::Chart};

mod distribution;
mod duties;
mod over_time;

use distribution::distribution;
use duties::duties;
use over_time::{Curve, OverTime};

/// The plots of one report, or of two side by side, in their order.
pub fn charts(subjects: &[Subject]) -> Vec<Chart> {
    let over_time = |of: &OverTime| of.chart(subjects);
    let charts = [
        OverTime::new(
            "Population",
            "Who was up, and what happened.",
            &[
                Curve::value("nodes.alive", "nodes"),
                Curve::value("peers.alive", "peers"),
            ],
        )
        .wide()
        .chart(subjects),
        distribution(
            subjects,
            "How fast a join gets around",
            &[
                ("gossip.latency", "one other node has it"),
                ("join.seen_half", "half of the room sees it"),
                ("join.seen_99", "99 % see it"),
                ("join.seen_all", "all see it"),
            ],
        ),
        distribution(
            subjects,
            "How fast a peer finds others",
            &[
                ("join.first", "sees a member"),
                ("sight.mutual", "a pair sees each other"),
                ("sample.full", "sees a full sample"),
            ],
        ),
        over_time(&OverTime::new(
            "Agreement on presence",
            "Of the pairs of live members of a room, those that are listed to each other.",
            &[Curve::value("presence.agreement", "pairs that agree")],
        )),
        over_time(&OverTime::new(
            "Ghosts",
            "Members that are gone, and that some live node still lists.",
            &[Curve::value("presence.ghosts", "ghosts")],
        )),
        over_time(&OverTime::new(
            "A join’s way to other nodes, over time",
            "The median, and the slowest in twenty and in a hundred, by the time of the join.",
            &[
                Curve::of("gossip.latency", Figure::P50, "median"),
                Curve::of("gossip.latency", Figure::P95, "95 % within"),
                Curve::of("gossip.latency", Figure::P99, "99 % within"),
            ],
        )),
        over_time(&OverTime::new(
            "Delivery",
            "Of the joins and envelopes, those that arrived in time.",
            &[
                Curve::of("gossip.delivery", Figure::Share, "joins at other nodes"),
                Curve::of("envelope.acked", Figure::Share, "envelopes acknowledged"),
            ],
        )),
        over_time(&OverTime::new(
            "Look-ups that find a provider",
            "Of the look-ups that had a live provider to find.",
            &[Curve::of("lookup.found", Figure::Share, "found")],
        )),
        over_time(&OverTime::new(
            "Time to the first provider",
            "The median, and the slowest in twenty, by the time of the look-up.",
            &[
                Curve::of("lookup.first", Figure::P50, "median"),
                Curve::of("lookup.first", Figure::P95, "95 % within"),
            ],
        )),
        distribution(
            subjects,
            "How long a look-up takes",
            &[
                ("lookup.first", "first provider"),
                ("lookup.end", "whole look-up"),
            ],
        ),
        distribution(
            subjects,
            "How long an envelope takes",
            &[
                ("envelope.latency", "all"),
                ("honest.envelope.latency", "between the honest"),
            ],
        ),
        distribution(
            subjects,
            "How long attaching takes",
            &[
                ("attach.first", "first attachment"),
                ("attach.again", "as many as before a loss"),
                ("attach.without", "without any"),
            ],
        ),
        distribution(
            subjects,
            "How fast nodes are ready",
            &[
                ("node.ready", "a new node"),
                ("neighbour.sync", "a new neighbour is up to date"),
            ],
        ),
        over_time(
            &OverTime::new(
                "Connections of a node",
                "To other nodes: the median, and nine nodes of ten within the band.",
                &[Curve::of("node.connections", Figure::P50, "median")],
            )
            .banded(),
        ),
        over_time(
            &OverTime::new(
                "Bytes of a node, each second",
                "Sent and received: the median, and nine nodes of ten within the band.",
                &[Curve::of("node.bytes_per_second", Figure::P50, "median")],
            )
            .banded(),
        ),
        duties(subjects),
        over_time(&OverTime::new(
            "Memory of the simulation",
            "The whole process, with all hosts in it.",
            &[Curve::value("memory.total", "memory")],
        )),
        over_time(&OverTime::new(
            "Cost of the simulation",
            "Wall time for a virtual second; of this machine.",
            &[Curve::value("wall.per_virtual_second", "wall time")],
        )),
    ];
    charts.into_iter().flatten().collect()
}

fn with_seeds(about: &str, subjects: &[Subject], banded: bool) -> String {
    match subjects
        .iter()
        .map(|subject| subject.sweep.runs.len())
        .max()
    {
        Some(seeds) if seeds > 1 && banded => format!("{about} Medians of {seeds} seeds."),
        Some(seeds) if seeds > 1 => {
            format!("{about} Medians of {seeds} seeds, with all seeds in the bands.")
        }
        _ => about.to_owned(),
    }
}

fn named(subject: &Subject, curve: &str, several: bool, many: bool) -> String {
    match (several, many) {
        (false, _) => curve.to_owned(),
        (true, false) => subject.name.clone(),
        (true, true) => format!("{}, {curve}", subject.name),
    }
}
