//! How long a packet takes.

use super::{Carrier, carrier::Cost, connection::Connection};
use crate::{HostId, Nanos, hosts::LastMile, nanos, world::World};

/// What fits in a packet, in bytes.
const PACKET: u64 = 1_200;
/// The least that is waited for a lost packet beyond a round trip and a half.
const LOSS_DELAY: Nanos = 10_000_000;

/// The way between two hosts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Path {
    /// One way, without jitter.
    pub base: Nanos,
    /// Standard deviation of the jitter.
    jitter: f64,
    loss: f64,
}

impl World {
    pub(crate) fn path(&self, a: HostId, b: HostId) -> Path {
        let [one, other] = [a, b].map(|host| &self.host(host).config);
        let regions = self.settings.regions[one.region][other.region];
        let lines: [LastMile; 2] = [one.last_mile, other.last_mile];
        let between = nanos(regions);
        let squares: f64 = lines
            .iter()
            .map(|line| (nanos(line.jitter) as f64).powi(2))
            .sum();
        let jitter = (squares + (between as f64 * self.settings.jitter).powi(2)).sqrt();
        let arrives =
            lines.iter().map(|line| 1.0 - line.loss).product::<f64>() * (1.0 - self.settings.loss);
        Path {
            base: between + lines.iter().map(|line| nanos(line.latency)).sum::<Nanos>(),
            jitter,
            loss: 1.0 - arrives,
        }
    }
}

/// Bytes on the line for a write of `length`.
pub(crate) fn on_the_line(cost: Cost, length: usize) -> u64 {
    let length = length as u64;
    length + length.div_ceil(PACKET).max(1) * cost.overhead
}

/// How long `bytes` take at `rate` bytes a second.
pub(crate) fn transmission(bytes: u64, rate: Option<u64>) -> Nanos {
    match rate {
        Some(rate) => bytes.saturating_mul(1_000_000_000) / rate.max(1),
        None => 0,
    }
}

impl Connection {
    /// How long the next write takes on the way, and how much of it is because of loss.
    pub(crate) fn flight(&mut self, bytes: u64) -> (Nanos, Nanos) {
        let path = self.path;
        let jitter = if path.jitter > 0.0 {
            (path.jitter * self.chance.half_normal()) as Nanos
        } else {
            0
        };
        let packets = bytes.div_ceil(PACKET).max(1);
        let some_lost = 1.0 - (1.0 - path.loss).powf(packets as f64);
        let mut late = 0;
        if self.chance.happens(some_lost) {
            // Noticed by the acknowledgements of what follows, or by a probe (RFC 9002 §6).
            late = 3 * path.base + LOSS_DELAY;
            while self.chance.happens(path.loss) {
                late *= 2;
            }
        }
        (path.base + jitter, late)
    }

    /// How much longer the handshake takes because of loss.
    pub(crate) fn handshake_delay(&mut self) -> Nanos {
        let mut late = 0;
        let some_lost = 1.0 - (1.0 - self.path.loss).powf(f64::from(self.cost.handshake_packets));
        if self.chance.happens(some_lost) {
            late = nanos(Carrier::HANDSHAKE_RETRY);
            while self.chance.happens(self.path.loss) {
                late *= 2;
            }
        }
        late
    }
}
