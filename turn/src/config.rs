use serde::{Deserialize, Serialize};

/// What relaying may cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Allocations at once, each of which holds a UDP port.
    pub max_allocations: usize,
    /// Allocations of one user. A page has one for every session, server URL and address family:
    /// a call of eight on two nodes by UDP and TCP has 14 on each.
    pub max_per_user: usize,
    /// Allocations of one IP address, or one IPv6 /64, however many users it has: a school's.
    pub max_per_address: usize,
    /// Peers' addresses that one allocation may talk with.
    pub max_permissions: usize,
    /// Channels of one allocation.
    pub max_channels: usize,
    /// TCP connections at once.
    pub max_streams: usize,
    /// TCP connections of one IP address, or of one IPv6 /64.
    pub max_streams_per_address: usize,
    /// Bytes that may wait for one client that is connected by TCP; what is relayed beyond is
    /// lost, as it may be by UDP.
    pub max_queue: usize,
    /// Seconds that an allocation lasts after each refresh, unless it asks for less.
    pub lifetime_seconds: u32,
    /// Seconds after which the server wants a new nonce.
    pub nonce_seconds: u64,
    /// What one user may have relayed, both ways together.
    pub per_user: Budget,
    /// What all of them may.
    pub in_all: Budget,
    /// Bytes of a day (since 0:00 UTC), after which there are no new allocations until the next, and
    /// none of those that there are is refreshed.
    pub bytes_per_day: u64,
    /// Answers a second to one address that hasn't proved who it is: they are longer than the
    /// questions.
    pub strangers_per_second: u32,
    /// Such answers at once.
    pub strangers_burst: u32,
    /// Addresses of which that is remembered.
    pub max_strangers: usize,
}

/// How fast bytes may pass. What is above is lost, which their congestion control heeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Bytes a second, on average.
    pub bytes_per_second: u64,
    /// Bytes at once after a rest.
    pub burst: u64,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            max_allocations: 2_000,
            max_per_user: 48,
            max_per_address: 512,
            max_permissions: 64,
            max_channels: 64,
            max_streams: 2_000,
            max_streams_per_address: 128,
            max_queue: 256 * 1024,
            lifetime_seconds: 600,
            nonce_seconds: 3_600,
            // Seven pictures of 1.5 Mbit/s each way are 2.6 MB.
            per_user: Budget {
                bytes_per_second: 5_000_000,
                burst: 20_000_000,
            },
            in_all: Budget {
                bytes_per_second: 50_000_000,
                burst: 100_000_000,
            },
            bytes_per_day: 500_000_000_000,
            strangers_per_second: 20,
            strangers_burst: 100,
            max_strangers: 10_000,
        }
    }
}
