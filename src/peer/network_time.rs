//! The network's time: expiries that others read are told in it, and a peer's clock may be far
//! off.

use crate::clock::Now;

/// How far the network's time is ahead of this peer's clock.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct NetworkTime {
    ms: i64,
}

impl NetworkTime {
    /// The network's time, now.
    pub fn at(self, own: Now) -> Now {
        Now {
            millis: own.millis.saturating_add_signed(self.ms),
            ..own
        }
    }

    /// This peer's own time, of the network's.
    pub fn own(self, network: Now) -> Now {
        Now {
            millis: network.millis.saturating_add_signed(-self.ms),
            ..network
        }
    }

    /// It is the median of what nodes say: `ahead` has how far each one's clock is ahead of this
    /// peer's, in ms. It stays as it is if none says anything.
    pub fn take_median(&mut self, ahead: impl Iterator<Item = i64>) {
        let mut ahead: Vec<_> = ahead.collect();
        ahead.sort_unstable();
        if let Some(median) = ahead.get(ahead.len() / 2) {
            self.ms = *median;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_clock_that_is_off_moves_nobody() {
        let now = Now::read();
        let mut time = NetworkTime::default();
        time.take_median([].into_iter());
        assert_eq!(time.at(now), now);
        time.take_median([5_000, 3_600_000, 5_020].into_iter());
        assert_eq!(time.at(now).millis, now.millis + 5_020);
        assert_eq!(time.own(time.at(now)), now);
        time.take_median([-5_000].into_iter());
        assert_eq!(time.at(now).millis, now.millis - 5_000);
    }
}
