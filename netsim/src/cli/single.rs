//! One seed of a scenario, in this process.

use std::{
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc, Mutex, Once,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use netsim_report::{Ending, Facts, Mark, Measures};
use simnet::{Simulation, hooks};

use super::{bars::State, scenario::Loaded};
use crate::{
    geography,
    run::{Bound, Run, Watch, resident_memory},
};

/// How often the progress is shown.
const SHOWN: Duration = Duration::from_millis(200);
/// A run that hasn't heeded a bound for so long doesn't get on in its virtual time.
const GRACE: Duration = Duration::from_secs(30);
/// Beyond its bound of memory by so much, it has no time left to heed it.
const EXCESS: f64 = 1.25;

/// How far the simulation is, for the thread that shows it.
struct Progress {
    /// Milliseconds of virtual time.
    at: AtomicU64,
    nodes: AtomicU64,
    peers: AtomicU64,
    events: AtomicU64,
    interrupted: Arc<AtomicBool>,
}

impl Progress {
    fn state(&self) -> State {
        State {
            at: Duration::from_millis(self.at.load(Ordering::Relaxed)),
            nodes: self.nodes.load(Ordering::Relaxed),
            peers: self.peers.load(Ordering::Relaxed),
            events: self.events.load(Ordering::Relaxed),
        }
    }

    fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}

/// Watches a run from within it.
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
        let at = u64::try_from(at.as_millis()).unwrap_or(u64::MAX);
        progress.at.store(at, Ordering::Relaxed);
        progress.nodes.store(nodes as u64, Ordering::Relaxed);
        progress.peers.store(peers as u64, Ordering::Relaxed);
        progress.events.store(events, Ordering::Relaxed);
        #[cfg(test)]
        tests::perhaps_panic(at);
        let memory = resident_memory();
        self.peak_memory = self.peak_memory.max(memory);
        let wall = Duration::from_nanos(hooks::real_clock() - self.began);
        if progress.is_interrupted() {
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

/// Runs a scenario and shows how far it is. However it ends, what was measured until then comes
/// back.
pub fn run(
    loaded: &Loaded,
    seed: u64,
    interrupted: Arc<AtomicBool>,
    show: &mut dyn FnMut(State),
) -> netsim_report::Run {
    note_panics();
    let progress = Arc::new(Progress {
        at: AtomicU64::new(0),
        nodes: AtomicU64::new(0),
        peers: AtomicU64::new(0),
        events: AtomicU64::new(0),
        interrupted,
    });
    let (done, result) = mpsc::channel();
    let began = Instant::now();
    thread::spawn({
        let (loaded, progress) = (loaded.clone(), progress.clone());
        // Whoever waits may have given up.
        move || done.send(simulate(&loaded, seed, &progress)).ok()
    });
    let scenario = &loaded.scenario;
    let mut interrupted_at = None;
    loop {
        match result.recv_timeout(SHOWN) {
            Ok(run) => return run,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                let why = "its thread has ended".to_owned();
                return without_results(loaded, seed, Ending::Crashed(why), &progress, began);
            }
        }
        show(progress.state());
        if progress.is_interrupted() {
            interrupted_at.get_or_insert_with(Instant::now);
        }
        let ignored = if began.elapsed() > scenario.max_wall.0 + GRACE {
            Some(Ending::WallBound)
        } else if resident_memory() as f64 > scenario.max_memory.0 as f64 * EXCESS {
            Some(Ending::MemoryBound)
        } else if interrupted_at.is_some_and(|at| at.elapsed() > GRACE) {
            Some(Ending::Interrupted)
        } else {
            None
        };
        if let Some(ending) = ignored {
            return without_results(loaded, seed, ending, &progress, began);
        }
    }
}

/// What there is to say of a run that can't be asked.
fn without_results(
    loaded: &Loaded,
    seed: u64,
    ended: Ending,
    progress: &Progress,
    began: Instant,
) -> netsim_report::Run {
    let state = progress.state();
    let facts = Facts {
        ended,
        virtual_seconds: state.at.as_secs_f64(),
        wall_seconds: began.elapsed().as_secs_f64(),
        events: state.events,
        peak_memory_bytes: resident_memory(),
        ..facts(loaded, seed)
    };
    reported(loaded, facts, &Measures::new())
}

fn facts(loaded: &Loaded, seed: u64) -> Facts {
    Facts {
        seed,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        marks: Mark::of(&loaded.scenario),
        ..Facts::default()
    }
}

fn reported(loaded: &Loaded, facts: Facts, measures: &Measures) -> netsim_report::Run {
    let file = loaded.path.display().to_string();
    netsim_report::Run::new(&loaded.scenario, &file, &loaded.text, facts, measures)
}

fn simulate(loaded: &Loaded, seed: u64, progress: &Arc<Progress>) -> netsim_report::Run {
    let scenario = &loaded.scenario;
    let settings = simnet::Settings {
        seed,
        regions: geography::one_way(scenario.network.latency),
        jitter: scenario.network.jitter,
        loss: scenario.network.loss,
        wire: scenario.network.wire,
    };
    let guard = Guard {
        progress: progress.clone(),
        began: hooks::real_clock(),
        max_wall: scenario.max_wall.0,
        max_memory: scenario.max_memory.0,
        peak_memory: 0,
    };
    let began = Instant::now();
    // Set before the simulation is taken apart, which may panic once more.
    let result = Arc::new(Mutex::new(None));
    let ended = panic::catch_unwind({
        let (loaded, result) = (loaded.clone(), result.clone());
        let guard = AssertUnwindSafe(guard);
        move || {
            simnet::run(settings, move |sim| {
                let AssertUnwindSafe(mut guard) = guard;
                let run = play(sim, &loaded, seed, &mut guard);
                if let Ok(mut result) = result.lock() {
                    *result = Some(run);
                }
            });
        }
    });
    let kept = result.lock().ok().and_then(|mut result| result.take());
    match (kept, ended) {
        (Some(run), Ok(())) => run,
        (Some(mut run), Err(_)) => {
            if run.facts.ended.is_complete() {
                run.facts.ended = Ending::Crashed(panic_message());
            }
            run
        }
        (None, _) => {
            let ended = Ending::Crashed(panic_message());
            without_results(loaded, seed, ended, progress, began)
        }
    }
}

/// The run itself, on the simulation's thread.
fn play(sim: &mut Simulation, loaded: &Loaded, seed: u64, guard: &mut Guard) -> netsim_report::Run {
    let scenario = &loaded.scenario;
    let mut run = match Run::new(sim, scenario.clone(), seed) {
        Ok(run) => run,
        Err(why) => {
            let ended = Ending::Crashed(why);
            let facts = Facts {
                ended,
                ..facts(loaded, seed)
            };
            return reported(loaded, facts, &Measures::new());
        }
    };
    let ended = match panic::catch_unwind(AssertUnwindSafe(|| run.play(guard))) {
        Ok(None) => Ending::Completed,
        Ok(Some(Bound::Wall)) => Ending::WallBound,
        Ok(Some(Bound::Memory)) => Ending::MemoryBound,
        Ok(Some(Bound::Interrupted)) => Ending::Interrupted,
        Err(_) => Ending::Crashed(panic_message()),
    };
    let facts = Facts {
        trace_hash: format!("{:016x}", run.trace_hash()),
        ended,
        virtual_seconds: run.now().as_secs_f64(),
        wall_seconds: (hooks::real_clock() - guard.began) as f64 / 1e9,
        events: run.happened(),
        peak_memory_bytes: guard.peak_memory.max(resident_memory()),
        hosts: run.hosts() as u64,
        ..facts(loaded, seed)
    };
    reported(loaded, facts, &run.measures)
}

/// What the last panic said, and where.
static PANIC: Mutex<Option<String>> = Mutex::new(None);

/// A panic of the simulation belongs to the results, not to the middle of the progress bar; with
/// `RUST_BACKTRACE` it is told there too.
fn note_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let simulated = thread::current().name() == Some("simulation");
            if simulated && let Ok(mut last) = PANIC.lock() {
                let payload = info.payload_as_str().unwrap_or("a panic without a message");
                let place = info.location().map(|at| format!(" at {at}"));
                *last = Some(format!("{payload}{}", place.unwrap_or_default()));
            }
            if !simulated || std::env::var_os("RUST_BACKTRACE").is_some() {
                usual(info);
            }
        }));
    });
}

fn panic_message() -> String {
    let last = PANIC.lock().ok().and_then(|mut last| last.take());
    last.unwrap_or_else(|| "a panic without a message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Milliseconds of virtual time at which a run panics; never if 0.
    static PANICS_AT: AtomicU64 = AtomicU64::new(0);

    pub fn perhaps_panic(at: u64) {
        let planned = PANICS_AT.load(Ordering::Relaxed);
        assert!(planned == 0 || at < planned, "a node is beside itself");
    }

    #[test]
    fn a_panic_is_how_a_run_ended_and_what_was_measured_is_kept() {
        let text = "name = \"n\"\nduration = \"10s\"\nsample_every = \"1s\"\n\
                    [[group]]\nname = \"nodes\"\nkind = \"node\"\ncount = 3\n";
        let loaded = Loaded::parse("s.toml".as_ref(), text.to_owned()).unwrap();
        PANICS_AT.store(5_000, Ordering::Relaxed);
        let run = run(&loaded, 1, Arc::default(), &mut |_| ());
        let Ending::Crashed(why) = &run.facts.ended else {
            panic!("{:?}", run.facts.ended)
        };
        assert!(why.starts_with("a node is beside itself at src/"), "{why}");
        assert!((4.9..5.5).contains(&run.facts.virtual_seconds));
        assert!(run.metric("nodes.alive").is_some());
        assert!(!run.is_good());
    }
}
