//! Whether nodes keep within their bounds.

use std::time::Duration;

use netsim_scenario::metrics;
use velox_mesh::{clock::Now, config::Settings, node::Summaries};

use super::Run;
use crate::programs::Program;

impl Run<'_> {
    /// Counts the bounds beyond which nodes are.
    pub(super) fn sample_bounds(&mut self, now: Duration) {
        let mut overruns = 0;
        for host in &self.population.hosts {
            let Some(Program::Node(running)) = &host.program else {
                continue;
            };
            let settings = &self.settings[host.group];
            let beyond = running.look(|swarm| {
                let connections = swarm.network_info().connection_counters().num_established();
                let behaviour = swarm.behaviour_mut();
                let records = behaviour.provider_records();
                beyond(
                    &behaviour.summaries(Now::read()),
                    records,
                    connections,
                    settings,
                )
            });
            overruns += beyond.unwrap_or(0);
        }
        self.measures
            .count(metrics::QUOTA_OVERRUNS.name, now, overruns as f64);
    }
}

/// How many of its bounds a node is beyond.
fn beyond(is: &Summaries, records: usize, connections: u32, may: &Settings) -> usize {
    let (signaling, discovery) = (&may.signaling, &may.discovery);
    [
        (is.attachments.attached, may.attach.max),
        (is.rooms.rooms, may.presence.max_rooms),
        // Records and leaves of peers that are attached here aren't bounded with the others'.
        (
            is.rooms.records,
            may.presence.max_records_in_all + is.rooms.local_members + is.rooms.tombstones,
        ),
        (is.signaling.held, signaling.held),
        (is.signaling.held_bytes, signaling.held_bytes),
        (is.signaling.attached, may.attach.max),
        (is.signaling.neighbours, signaling.neighbours),
        (is.discovery.resources, discovery.resources),
        (is.discovery.lookups, discovery.lookups),
        (is.discovery.rooms, discovery.rooms),
        (is.discovery.neighbours, discovery.neighbours),
        (records, discovery.store.records + discovery.store.own),
        // To nodes and peers together: the swarm refuses more.
        (
            connections as usize,
            4 * may.connections.high + may.attach.max,
        ),
    ]
    .iter()
    .filter(|(is, may)| is > may)
    .count()
}
