//! What a forwarder has done, and how punctually.

use std::time::Duration;

/// Lateness is counted in steps of 10 µs, up to 50 ms.
const STEP: Duration = Duration::from_micros(10);
const STEPS: usize = 5_000;

/// What a forwarder has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Packets handed over.
    pub passed: u64,
    /// Bytes in them.
    pub bytes: u64,
    /// Packets that the policy lost, or that were for nobody.
    pub lost: u64,
    /// Packets for which there was no room in the queue, or that the receiver didn't take.
    pub overflowed: u64,
    late: Vec<u64>,
}

impl Default for Figures {
    fn default() -> Self {
        Figures {
            passed: 0,
            bytes: 0,
            lost: 0,
            overflowed: 0,
            late: vec![0; STEPS],
        }
    }
}

impl Figures {
    pub(crate) fn late(&mut self, by: Duration) {
        let step = (by.as_micros() / STEP.as_micros()) as usize;
        self.late[step.min(STEPS - 1)] += 1;
    }

    /// How late the share `p` of the packets left at most, to 10 µs; what is later than 50 ms
    /// counts as that.
    pub fn lateness(&self, p: f64) -> Duration {
        let wanted = (p * self.passed as f64).ceil() as u64;
        let mut sum = 0;
        let within = self.late.iter().position(|count| {
            sum += count;
            sum >= wanted
        });
        STEP * (within.unwrap_or(STEPS - 1) + 1) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lateness_is_a_quantile() {
        let mut figures = Figures::default();
        for micros in [5, 15, 25, 90_000] {
            figures.passed += 1;
            figures.late(Duration::from_micros(micros));
        }
        assert_eq!(figures.lateness(0.5), Duration::from_micros(20));
        assert_eq!(figures.lateness(0.75), Duration::from_micros(30));
        assert_eq!(figures.lateness(1.0), Duration::from_millis(50));
    }
}
