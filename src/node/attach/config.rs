use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Bounds on attachments.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Attachments at once. An idle one costs about 12 KiB by WebSocket, 95 by WebRTC-direct.
    pub max: usize,
    /// Attachments at once from one IP address: a school or an office behind one NAT.
    pub max_per_address: usize,
    /// Messages a second that a peer may send on average: joining, offering and batched
    /// candidates towards a dozen members stay far below.
    pub messages_per_second: u32,
    /// Messages that a peer may send at once.
    pub message_burst: u32,
    /// Seconds between two pings of a visible page.
    pub ping_seconds: u64,
    /// Seconds between two pings of a hidden page, whose processor should sleep.
    pub hidden_ping_seconds: u64,
    /// Seconds without an answer after which a peer counts as away.
    pub away_seconds: u64,
    /// Seconds without an answer after which a peer is gone.
    pub gone_seconds: u64,
    /// Seconds that a peer has to say hello.
    pub hello_seconds: u64,
    /// Bytes that may wait for one peer. Presence beyond is dropped and sent anew as a
    /// snapshot when the peer reads again; anything else beyond ends the attachment.
    pub max_queue: usize,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            max: 10_000,
            max_per_address: 256,
            messages_per_second: 100,
            message_burst: 400,
            ping_seconds: 4,
            hidden_ping_seconds: 15,
            away_seconds: 5,
            gone_seconds: 30,
            hello_seconds: 5,
            max_queue: 512 * 1024,
        }
    }
}

impl Config {
    pub(super) fn ping(&self, hidden: bool) -> Duration {
        Duration::from_secs(if hidden {
            self.hidden_ping_seconds
        } else {
            self.ping_seconds
        })
    }

    pub(super) fn away(&self) -> Duration {
        Duration::from_secs(self.away_seconds)
    }

    pub(super) fn gone(&self) -> Duration {
        Duration::from_secs(self.gone_seconds)
    }

    pub(super) fn hello(&self) -> Duration {
        Duration::from_secs(self.hello_seconds)
    }
}
