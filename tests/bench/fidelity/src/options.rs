use std::{path::PathBuf, time::Duration};

use clap::Parser;
use serde::Serialize;

/// Measures gossip and look-ups between real nodes with the latencies of the world.
#[derive(Clone, Debug, Parser, Serialize)]
pub struct Options {
    /// Round-trip times between regions.
    #[arg(long, default_value = "netsim/data/region-rtt-ms.csv")]
    pub regions: PathBuf,
    /// Where the samples are written.
    #[arg(long, default_value = "fidelity-real.json")]
    pub out: PathBuf,
    /// The `velox` program; by default the one beside this program.
    #[arg(long)]
    pub velox: Option<PathBuf>,
    /// Nodes, besides the one to start from.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u8).range(2..=200))]
    pub nodes: u8,
    /// Delays are those of the regions times this; 0 measures what the machine itself takes.
    #[arg(long, default_value_t = 1.0)]
    pub scale: f64,
    /// Most milliseconds that jitter adds to a packet's delay.
    #[arg(long, default_value_t = 0)]
    pub jitter_ms: u64,
    /// Milliseconds between the starts of two nodes.
    #[arg(long, default_value_t = 300)]
    pub start_ms: u64,
    /// Seconds to settle.
    #[arg(long, default_value_t = 60)]
    pub settle_seconds: u64,
    /// Leaves and joins that are measured.
    #[arg(long, default_value_t = 75)]
    pub joins: usize,
    /// Milliseconds between two joins.
    #[arg(long, default_value_t = 2_000)]
    pub join_ms: u64,
    /// Resources that each peer provides.
    #[arg(long, default_value_t = 3)]
    pub resources: usize,
    /// Look-ups that are measured.
    #[arg(long, default_value_t = 180)]
    pub lookups: usize,
    /// Milliseconds between two look-ups.
    #[arg(long, default_value_t = 1_000)]
    pub lookup_ms: u64,
    /// Decides who joins and who looks for what.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

impl Options {
    /// Longer than a run takes, so that one that hangs ends.
    pub fn bound(&self) -> Duration {
        let starts = self.start_ms * u64::from(self.nodes);
        let joins = self.join_ms * self.joins as u64;
        let lookups = self.lookup_ms * self.lookups as u64;
        Duration::from_secs(300 + self.settle_seconds)
            + Duration::from_millis(starts + joins + lookups)
    }
}
