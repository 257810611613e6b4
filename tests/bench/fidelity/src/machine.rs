//! How busy the machine is: figures of a busy one say less.

use std::{
    fs,
    sync::mpsc::{self, RecvTimeoutError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use serde::Serialize;

use crate::outcome::Percentiles;

/// How often a thread that has nothing to do looks how late it wakes up.
const LOOK: Duration = Duration::from_millis(20);

/// What the machine did between two moments.
#[derive(Clone, Debug, Serialize)]
pub struct Load {
    /// The one-minute load average at the start and at the end.
    pub average: [f64; 2],
    /// Cores that were busy, of all.
    pub busy_cores: f64,
    /// How late a thread of this program that has nothing else to do wakes up: what the peers
    /// and nodes feel too.
    pub wake_late_ms: Percentiles,
}

/// Measures from its start on.
pub struct Watch {
    start: Instant,
    average: f64,
    busy: f64,
    stop: mpsc::Sender<()>,
    wakes: JoinHandle<Vec<f64>>,
}

impl Watch {
    /// Starts measuring.
    pub fn start() -> Self {
        let (stop, stopped) = mpsc::channel();
        Watch {
            start: Instant::now(),
            average: average(),
            busy: busy_seconds(),
            stop,
            wakes: thread::spawn(move || wakes(&stopped)),
        }
    }

    /// What has been since.
    pub fn stop(self) -> Load {
        let seconds = self.start.elapsed().as_secs_f64();
        let busy = busy_seconds() - self.busy;
        drop(self.stop);
        Load {
            average: [self.average, average()],
            busy_cores: busy / seconds,
            wake_late_ms: Percentiles::of(&self.wakes.join().unwrap_or_default()),
        }
    }
}

fn wakes(stopped: &mpsc::Receiver<()>) -> Vec<f64> {
    let mut late = Vec::new();
    loop {
        let start = Instant::now();
        match stopped.recv_timeout(LOOK) {
            Err(RecvTimeoutError::Timeout) => {
                late.push(start.elapsed().saturating_sub(LOOK).as_secs_f64() * 1e3);
            }
            _ => return late,
        }
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn average() -> f64 {
    let text = read("/proc/loadavg");
    let first = text.split(' ').next().and_then(|word| word.parse().ok());
    first.unwrap_or(f64::NAN)
}

/// Of user, nice, system, irq, softirq and steal: proc(5) counts hundredths of a second.
fn busy_seconds() -> f64 {
    let text = read("/proc/stat");
    let ticks: Vec<f64> = text
        .lines()
        .next()
        .unwrap_or_default()
        .split_ascii_whitespace()
        .skip(1)
        .filter_map(|word| word.parse().ok())
        .collect();
    let busy = [0, 1, 2, 5, 6, 7];
    busy.iter()
        .filter_map(|place| ticks.get(*place))
        .sum::<f64>()
        / 100.0
}
