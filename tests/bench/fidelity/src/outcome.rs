//! What came out.

use std::{fmt::Write, time::Instant};

use serde::Serialize;
use velox_forwarder::Figures;

use crate::{machine::Load, options::Options};

/// A peer joined; hosts count from 1.
pub struct Join {
    pub place: usize,
    pub called: Option<Instant>,
    /// When each other peer saw it.
    pub seen: Vec<Option<Instant>>,
}

impl Join {
    pub fn of(place: usize, count: usize) -> Self {
        Join {
            place,
            called: None,
            seen: vec![None; count],
        }
    }

    fn ms(&self) -> Vec<Option<f64>> {
        let since =
            |at: Instant| Some(at.checked_duration_since(self.called?)?.as_secs_f64() * 1e3);
        self.seen.iter().map(|at| at.and_then(since)).collect()
    }
}

/// A peer looked for a resource.
#[derive(Clone, Debug, Serialize)]
pub struct Lookup {
    pub from: usize,
    pub provider: usize,
    pub first_ms: Option<f64>,
    pub end_ms: Option<f64>,
}

impl Lookup {
    pub fn of(from: usize, provider: usize) -> Self {
        Lookup {
            from: from + 1,
            provider: provider + 1,
            first_ms: None,
            end_ms: None,
        }
    }
}

/// Everything else that was seen.
#[derive(Clone, Debug, Serialize)]
pub struct Around {
    /// From the first join of all until all saw all.
    pub agreed_ms: Option<f64>,
    /// Whether all saw all after settling, and again after the joins.
    pub settled: bool,
    pub agreed_after_joins: bool,
    /// Events that came too fast for us: samples are missing.
    pub events_lost: u64,
    /// Both from the first join that is measured to the last look-up.
    pub load: Load,
    pub forwarder: Forwarded,
}

/// What the forwarder did.
#[derive(Clone, Debug, Serialize)]
pub struct Forwarded {
    packets: u64,
    bytes: u64,
    lost: u64,
    overflowed: u64,
    late_ms: Percentiles,
}

impl From<Figures> for Forwarded {
    fn from(figures: Figures) -> Self {
        let late = |p| figures.lateness(p).as_secs_f64() * 1e3;
        Forwarded {
            packets: figures.passed,
            bytes: figures.bytes,
            lost: figures.lost,
            overflowed: figures.overflowed,
            late_ms: Percentiles {
                p50: late(0.5),
                p90: late(0.9),
                p99: late(0.99),
            },
        }
    }
}

/// Of samples in ms.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Percentiles {
    p50: f64,
    p90: f64,
    p99: f64,
}

impl Percentiles {
    pub fn of(samples: &[f64]) -> Self {
        Percentiles {
            p50: percentile(samples, 0.5),
            p90: percentile(samples, 0.9),
            p99: percentile(samples, 0.99),
        }
    }
}

/// All samples of a run.
#[derive(Debug, Serialize)]
pub struct Outcome {
    gossip_ms: Vec<f64>,
    lookup_first_ms: Vec<f64>,
    lookup_end_ms: Vec<f64>,
    connections: Vec<u64>,
    /// Joins that a peer didn't see, of all peers together.
    gossip_missing: usize,
    /// Look-ups that found nobody.
    lookups_missing: usize,
    options: Options,
    #[serde(flatten)]
    around: Around,
    joins: Vec<JoinRow>,
    lookups: Vec<Lookup>,
}

#[derive(Debug, Serialize)]
struct JoinRow {
    from: usize,
    /// By the place of who saw it; nothing at its own.
    ms: Vec<Option<f64>>,
}

impl Outcome {
    pub fn new(
        options: Options,
        joins: Vec<Join>,
        lookups: Vec<Lookup>,
        connections: Vec<u64>,
        around: Around,
    ) -> Self {
        let joins: Vec<_> = joins
            .iter()
            .map(|join| JoinRow {
                from: join.place + 1,
                ms: join.ms(),
            })
            .collect();
        let gossip_ms: Vec<_> = joins
            .iter()
            .flat_map(|row| &row.ms)
            .flatten()
            .copied()
            .collect();
        let wanted: usize = joins.iter().map(|row| row.ms.len() - 1).sum();
        let lookup_first_ms: Vec<_> = lookups.iter().filter_map(|one| one.first_ms).collect();
        Outcome {
            gossip_missing: wanted - gossip_ms.len(),
            lookups_missing: lookups.len() - lookup_first_ms.len(),
            lookup_end_ms: lookups.iter().filter_map(|one| one.end_ms).collect(),
            gossip_ms,
            lookup_first_ms,
            connections,
            options,
            around,
            joins,
            lookups,
        }
    }

    /// The figures, in Markdown.
    pub fn table(&self) -> String {
        let mut text = String::from("| ms | samples | missing | p50 | p90 | p99 |\n");
        text.push_str("| --- | ---: | ---: | ---: | ---: | ---: |\n");
        let rows = [
            ("join seen by a peer", &self.gossip_ms, self.gossip_missing),
            (
                "first provider",
                &self.lookup_first_ms,
                self.lookups_missing,
            ),
            ("end of a look-up", &self.lookup_end_ms, 0),
        ];
        for (name, samples, missing) in rows {
            let Percentiles { p50, p90, p99 } = Percentiles::of(samples);
            let count = samples.len();
            // Writing to a string doesn't fail.
            writeln!(
                text,
                "| {name} | {count} | {missing} | {p50:.1} | {p90:.1} | {p99:.1} |"
            )
            .ok();
        }
        let connections: Vec<_> = self.connections.iter().map(|count| *count as f64).collect();
        let Around {
            load, forwarder, ..
        } = &self.around;
        writeln!(
            text,
            "\nconnections of a node: median {:.0}; all saw all after {} ms; settled: {}, after the joins: {}",
            percentile(&connections, 0.5),
            self.around.agreed_ms.map_or("-".into(), |ms| format!("{ms:.0}")),
            self.around.settled,
            self.around.agreed_after_joins,
        )
        .ok();
        write!(
            text,
            "machine: {:.2} cores busy, load {:.2} to {:.2}; who sleeps wakes {:.2} ms late at p50, {:.2} at p99\n\
             forwarder: {} packets, {:.2} ms late at p50, {:.2} at p99; {} overflowed",
            load.busy_cores,
            load.average[0],
            load.average[1],
            load.wake_late_ms.p50,
            load.wake_late_ms.p99,
            forwarder.packets,
            forwarder.late_ms.p50,
            forwarder.late_ms.p99,
            forwarder.overflowed,
        )
        .ok();
        text
    }
}

/// The value below which the share `p` of the samples lies (nearest rank).
fn percentile(samples: &[f64], p: f64) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let rank = (p * sorted.len() as f64).ceil() as usize;
    sorted
        .get(rank.saturating_sub(1))
        .copied()
        .unwrap_or(f64::NAN)
}
