//! The present time, as state machines are told it.

use std::time::Duration;

use web_time::{Instant, SystemTime, UNIX_EPOCH};

use crate::wire::Millis;

/// One reading of both clocks: a monotonic one for timers and the network's time for expiries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// For timers.
    pub instant: Instant,
    /// For expiries that others read: milliseconds since the Unix epoch.
    pub millis: Millis,
}

impl Now {
    /// Reads the clocks. Only event loops and behaviours do so; state machines are given the
    /// result.
    pub fn read() -> Self {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Now {
            instant: Instant::now(),
            millis: Millis::try_from(since_epoch.as_millis()).unwrap_or(Millis::MAX),
        }
    }

    /// The same moment, `later`.
    pub fn after(self, later: Duration) -> Self {
        Now {
            instant: self.instant + later,
            millis: self.millis + u64::try_from(later.as_millis()).unwrap_or(u64::MAX),
        }
    }
}
