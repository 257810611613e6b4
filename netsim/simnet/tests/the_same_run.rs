//! The same seed gives the same run, and another seed another.

mod support;

use simnet::{Carrier, HostConfig, Settings};
use support::{ms, pinger, secs};

simnet::interpose!();

fn trace(seed: u64) -> u64 {
    let settings = Settings {
        seed,
        regions: vec![vec![ms(20)]],
        jitter: 0.2,
        loss: 0.01,
        ..Settings::default()
    };
    simnet::run(settings, |sim| {
        let all: Vec<_> = (0..10)
            .map(|number| pinger(sim, &format!("pinger {number}"), HostConfig::default()))
            .collect();
        for (one, other) in all.iter().zip(&all[1..]) {
            one.dial(sim, other, Carrier::Quic);
        }
        sim.run_until(secs(60));
        sim.crash(all[5].host);
        sim.run_until(secs(120));
        sim.trace_hash()
    })
}

#[test]
fn one_seed_one_trace() {
    assert_eq!(trace(1), trace(1));
    assert_ne!(trace(1), trace(2));
}
