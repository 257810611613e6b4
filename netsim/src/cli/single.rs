//! One seed of a scenario, in this process.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use netsim_report::{Ending, Facts, Mark};
use netsim_scenario::Scenario;
use simnet::hooks;

use super::Failure;
use crate::{
    geography,
    run::{Bound, Run, Watch, resident_memory},
};

/// How often the progress is shown.
const SHOWN: Duration = Duration::from_millis(200);

/// How far the simulation is, for the thread that shows it.
#[derive(Default)]
struct Progress {
    /// Milliseconds of virtual time.
    at: AtomicU64,
    nodes: AtomicU64,
    peers: AtomicU64,
    events: AtomicU64,
    interrupted: AtomicBool,
    over: AtomicBool,
}

struct Guard {
    progress: Arc<Progress>,
    began: u64,
    max_wall: Duration,
    max_memory: u64,
    peak_memory: u64,
}

impl Watch for Guard {
    fn progress(&mut self, at: Duration, nodes: usize, peers: usize, events: u64) -> Option<Bound> {
        let progress = &self.progress;
        progress.at.store(
            u64::try_from(at.as_millis()).unwrap_or(0),
            Ordering::Relaxed,
        );
        progress.nodes.store(nodes as u64, Ordering::Relaxed);
        progress.peers.store(peers as u64, Ordering::Relaxed);
        progress.events.store(events, Ordering::Relaxed);
        let memory = resident_memory();
        self.peak_memory = self.peak_memory.max(memory);
        let wall = Duration::from_nanos(hooks::real_clock() - self.began);
        if progress.interrupted.load(Ordering::Relaxed) {
            Some(Bound::Interrupted)
        } else if wall > self.max_wall {
            Some(Bound::Wall)
        } else if memory > self.max_memory {
            Some(Bound::Memory)
        } else {
            None
        }
    }
}

/// Runs a scenario, showing how far it is.
pub fn run(
    scenario: &Scenario,
    path: &Path,
    text: &str,
    seed: u64,
) -> Result<netsim_report::Run, Failure> {
    let progress = Arc::new(Progress::default());
    let stop = progress.clone();
    // Only the first of several can be set, which is enough.
    ctrlc::set_handler(move || {
        if stop.interrupted.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    })
    .ok();
    let shown = thread::spawn({
        let (progress, duration) = (progress.clone(), scenario.duration.0);
        move || show(&progress, duration)
    });
    let result = simulate(scenario, path, text, seed, &progress);
    progress.over.store(true, Ordering::Relaxed);
    // It has nothing to say.
    shown.join().ok();
    result
}

fn simulate(
    scenario: &Scenario,
    path: &Path,
    text: &str,
    seed: u64,
    progress: &Arc<Progress>,
) -> Result<netsim_report::Run, Failure> {
    let settings = simnet::Settings {
        seed,
        regions: geography::one_way(scenario.network.latency),
        jitter: scenario.network.jitter,
        loss: scenario.network.loss,
        wire: scenario.network.wire,
    };
    let (scenario, progress) = (scenario.clone(), progress.clone());
    let (file, text) = (path.display().to_string(), text.to_owned());
    simnet::run(settings, move |sim| {
        let began = hooks::real_clock();
        let mut guard = Guard {
            progress,
            began,
            max_wall: scenario.max_wall.0,
            max_memory: scenario.max_memory.0,
            peak_memory: 0,
        };
        let mut run = Run::new(sim, scenario.clone(), seed).map_err(Failure)?;
        let ended = match run.play(&mut guard) {
            None => Ending::Completed,
            Some(Bound::Wall) => Ending::WallBound,
            Some(Bound::Memory) => Ending::MemoryBound,
            Some(Bound::Interrupted) => Ending::Interrupted,
        };
        let facts = Facts {
            seed,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            trace_hash: format!("{:016x}", run.trace_hash()),
            ended,
            virtual_seconds: run.now().as_secs_f64(),
            wall_seconds: (hooks::real_clock() - began) as f64 / 1e9,
            events: run.happened(),
            peak_memory_bytes: guard.peak_memory,
            hosts: run.hosts() as u64,
            marks: Mark::of(&scenario),
        };
        Ok(netsim_report::Run::new(
            &scenario,
            &file,
            &text,
            facts,
            &run.measures,
        ))
    })
}

fn show(progress: &Progress, duration: Duration) {
    let bar = ProgressBar::new(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX));
    let style = ProgressStyle::with_template("{wide_bar} {msg}  {elapsed} of wall time");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let began = Instant::now();
    while !progress.over.load(Ordering::Relaxed) {
        thread::sleep(SHOWN);
        let at = progress.at.load(Ordering::Relaxed);
        let events = progress.events.load(Ordering::Relaxed) as f64;
        bar.set_position(at);
        bar.set_message(format!(
            "{:.0} of {:.0} s, {} nodes, {} peers, {:.0} events/s",
            at as f64 / 1e3,
            duration.as_secs_f64(),
            progress.nodes.load(Ordering::Relaxed),
            progress.peers.load(Ordering::Relaxed),
            events / began.elapsed().as_secs_f64()
        ));
    }
    bar.finish_and_clear();
}
