//! Renders reports of invented figures, to look at: `cargo run --example sample -- <folder>`.

use std::{error::Error, path::Path, time::Duration};

use netsim_report::{
    Comparison, Ending, Facts, Mark, Measures, Run, comparison_report, merge, text, write_file,
    write_run, write_sweep,
};
use netsim_scenario::{
    Scenario,
    metrics::{self, Duty},
};

const TEXT: &str = include_str!("sample.toml");

fn main() -> Result<(), Box<dyn Error>> {
    let out = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "sample-report".to_owned());
    let out = Path::new(&out);
    let scenario = Scenario::parse("sample.toml".as_ref(), TEXT).map_err(|e| e.to_string())?;
    let run = |seed, pace| invent(&scenario, seed, pace);
    let single = merge(vec![run(1, 1.0)])?;
    write_run(out, &run(1, 1.0))?;
    let sweep = merge((1..=7).map(|seed| run(seed, 1.0)).collect())?;
    write_sweep(&out.join("sweep"), &sweep)?;
    let mut faster = run(1, 0.8);
    faster.facts.version = "0.2.0 (invented)".to_owned();
    let comparison = Comparison::new(single.clone(), merge(vec![faster])?);
    write_file(out, "compared.html", &comparison_report(&comparison))?;
    let colour = text::Colour::Always;
    print!("{}", text::results(&single, colour));
    print!("{}", text::results(&sweep, text::Colour::Never));
    print!("{}", text::comparison(&comparison, colour));
    Ok(())
}

/// Chance for the invented.
struct Chance(u64);

impl Chance {
    fn draw(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) as f64 / (1u64 << 31) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * self.draw().max(1e-12).ln()).sqrt() * (std::f64::consts::TAU * self.draw()).cos()
    }

    fn latency(&mut self, median: f64, spread: f64) -> f64 {
        median * (self.normal() * spread).exp()
    }
}

fn invent(scenario: &Scenario, seed: u64, pace: f64) -> Run {
    let mut chance = Chance(seed * 7919);
    let mut measures = Measures::new();
    let strain = 1.0 + 0.15 * chance.normal().abs();
    for second in 0..=600u64 {
        let at = Duration::from_secs(second);
        let trouble = trouble(second as f64) * strain;
        let nodes = if second < 180 { 403.0 } else { 203.0 };
        if second % 5 == 0 {
            samples(&mut measures, &mut chance, at, nodes, trouble, pace);
        }
        happenings(&mut measures, &mut chance, at, trouble, pace);
    }
    let facts = Facts {
        seed,
        version: "0.1.0 (invented)".to_owned(),
        trace_hash: format!("{:016x}{:016x}", seed * 0x9e37_79b9_7f4a, !seed),
        ended: Ending::Completed,
        virtual_seconds: 600.0,
        wall_seconds: 412.0 * pace + 20.0 * chance.draw(),
        events: 48_213_377 + seed * 10_007,
        peak_memory_bytes: 2_412_000_000,
        hosts: 2311,
        marks: Mark::of(scenario),
    };
    Run::new(
        scenario,
        "netsim/scenarios/sample.toml",
        TEXT,
        facts,
        &measures,
    )
}

/// How much is wrong at a time: 0 for nothing.
fn trouble(second: f64) -> f64 {
    let after = |event: f64, lasting: f64| {
        if second < event {
            0.0
        } else {
            (-((second - event) / lasting)).exp()
        }
    };
    let split = if (360.0..420.0).contains(&second) {
        0.8
    } else {
        after(420.0, 9.0) * 0.7
    };
    after(180.0, 7.0) + split
}

fn samples(
    measures: &mut Measures,
    chance: &mut Chance,
    at: Duration,
    nodes: f64,
    trouble: f64,
    pace: f64,
) {
    let second = at.as_secs_f64();
    let peers = 1200.0 * (second / 40.0).min(1.0) + 60.0 * (second / 70.0).sin();
    measures.gauge(metrics::NODES_ALIVE, at, nodes);
    measures.gauge(metrics::PEERS_ALIVE, at, peers.round());
    let agreement = (1.0 - 0.16 * trouble - 0.0006 * chance.draw()).clamp(0.0, 1.0);
    measures.gauge(metrics::PRESENCE_AGREEMENT, at, agreement);
    let ghosts = 90.0 * trouble + 2.0 * chance.draw();
    measures.gauge(metrics::PRESENCE_GHOSTS, at, ghosts.round());
    measures.gauge(metrics::MEMORY_TOTAL, at, 1.2e9 + second * 2e6);
    measures.gauge(
        metrics::WALL_PER_SECOND,
        at,
        pace * (0.6 + 0.3 * trouble + 0.05 * chance.draw()),
    );
    for _ in 0..60 {
        let connections = 18.0 + 5.0 * chance.normal() - 6.0 * trouble;
        measures.sample(metrics::NODE_CONNECTIONS, at, connections.max(1.0).round());
        let mut all = 0.0;
        for (duty, bytes) in Duty::ALL
            .into_iter()
            .zip([7e3, 3.2e3, 600.0, 90.0, 5.4e3, 2.1e3, 1.3e3, 300.0, 800.0])
        {
            let bytes = chance.latency(bytes * (1.0 + trouble), 0.3) * pace;
            all += bytes;
            measures.sample(duty.bytes(), at, bytes);
        }
        measures.sample(metrics::NODE_BYTES, at, all);
    }
}

fn happenings(measures: &mut Measures, chance: &mut Chance, at: Duration, trouble: f64, pace: f64) {
    let slow = pace * (1.0 + 1.5 * trouble);
    for _ in 0..20 {
        let heard = chance.latency(150.0 * slow, 0.55);
        measures.sample(metrics::GOSSIP_LATENCY, at, heard);
        measures.outcome(metrics::GOSSIP_DELIVERY, at, chance.draw() > 0.02 * trouble);
        measures.sample(
            metrics::ENVELOPE_LATENCY,
            at,
            chance.latency(110.0 * slow, 0.5),
        );
        measures.outcome(metrics::ENVELOPE_ACKED, at, chance.draw() > 0.03 * trouble);
    }
    for _ in 0..4 {
        measures.sample(
            metrics::JOIN_SEEN_HALF,
            at,
            chance.latency(190.0 * slow, 0.4),
        );
        measures.sample(metrics::JOIN_SEEN_99, at, chance.latency(420.0 * slow, 0.4));
        measures.sample(
            metrics::JOIN_SEEN_ALL,
            at,
            chance.latency(640.0 * slow, 0.5),
        );
        measures.sample(metrics::JOIN_FIRST, at, chance.latency(230.0 * slow, 0.6));
        measures.sample(metrics::SAMPLE_FULL, at, chance.latency(480.0 * slow, 0.5));
        measures.sample(
            metrics::LOOKUP_FIRST,
            at,
            chance.latency(340.0 * slow, 0.55),
        );
        measures.sample(metrics::LOOKUP_END, at, chance.latency(1100.0 * slow, 0.4));
        measures.outcome(
            metrics::LOOKUP_FOUND,
            at,
            chance.draw() > 0.001 + 0.06 * trouble,
        );
        measures.sample(metrics::ATTACH_FIRST, at, chance.latency(310.0 * slow, 0.3));
        measures.sample(metrics::ATTACH_AGAIN, at, chance.latency(700.0 * slow, 0.6));
    }
    if chance.draw() < 0.3 + trouble {
        measures.sample(metrics::GHOST_LIFE, at, 20.0 + 8.0 * chance.draw());
        measures.count(metrics::ATTACH_LOST, at, 1.0);
        measures.sample(metrics::NODE_READY, at, chance.latency(1900.0 * slow, 0.3));
    }
}
