//! How long nodes take to get ready.

use std::{collections::BTreeMap, time::Duration};

use netsim_scenario::metrics;

use super::{Run, ms};
use crate::agenda::{Deed, HostNo};

/// By then a node is ready.
const READY: Duration = Duration::from_secs(30);

/// Nodes that have started lately: by host and life, when they were ready.
#[derive(Default)]
pub(super) struct Readiness {
    watched: BTreeMap<(HostNo, u32), Option<Duration>>,
}

impl Run<'_> {
    /// A node starts.
    pub(super) fn watch_start(&mut self, node: HostNo) {
        let life = self.population.hosts[node].life;
        self.readiness.watched.insert((node, life), None);
        let over = self.sim.now() + READY;
        self.agenda.add(over, Deed::Ready(node, life));
    }

    /// A node is ready.
    pub(super) fn ready(&mut self, node: HostNo, at: Duration) {
        let host = &self.population.hosts[node];
        let (life, started) = (host.life, host.started);
        if let Some(when) = self.readiness.watched.get_mut(&(node, life)) {
            *when = Some(at);
        }
        self.measures
            .sample(metrics::NODE_READY.name, started, ms(at - started));
    }

    /// A node has had its time.
    pub(super) fn ready_over(&mut self, node: HostNo, life: u32) {
        let host = &self.population.hosts[node];
        let when = self.readiness.watched.remove(&(node, life)).flatten();
        // Who has departed before couldn't get ready.
        if when.is_some() || (host.life == life && host.is_alive() && host.behave.is_honest()) {
            let started = self.sim.now() - READY;
            self.measures
                .outcome(metrics::NODE_READY_FOUND.name, started, when.is_some());
        }
    }
}
