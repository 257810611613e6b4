//! What a transport counts.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counters since the start, and two gauges. All may be read at any time.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Datagrams received.
    pub datagrams_received: Count,
    /// Datagrams sent.
    pub datagrams_sent: Count,
    /// Datagrams from strangers that weren't understood, or weren't signed.
    pub strangers_refused: Count,
    /// First contacts and plain STUN requests that came too often.
    pub rate_limited: Count,
    /// Plain STUN requests and first contacts that were answered.
    pub strangers_answered: Count,
    /// Contacts that were turned away since there were too many connections or handshakes.
    pub turned_away: Count,
    /// Inbound connections that reached the Noise handshake.
    pub accepted: Count,
    /// Connections that were given up before they were authenticated.
    pub handshakes_failed: Count,
    /// Connections that ended since the peer wasn't heard any more.
    pub silent: Count,
    /// Gauge: connections, authenticated or not.
    pub connections: Count,
}

/// A number that anybody may read and the transport changes.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// The present value.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }

    pub(crate) fn add(&self, more: u64) {
        self.0.fetch_add(more, Relaxed);
    }

    pub(crate) fn sub(&self, less: u64) {
        self.0.fetch_sub(less, Relaxed);
    }
}
