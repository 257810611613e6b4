//! A small run for tests.

use std::time::Duration;

use netsim_scenario::{Scenario, metrics};

use crate::{Ending, Facts, Mark, Measures, Run};

const TEXT: &str = r#"
name = "small <one> & \"quoted\""
about = "A <script>alert(1)</script> test."
duration = "60s"
warmup = "10s"

[[group]]
name = "nodes"
kind = "node"
count = 5

[[group]]
name = "peers"
kind = "browser"
count = 5

[[rooms]]
name = "rooms"
count = 1

[[event]]
name = "</style><b>kill"
at = "30s"
do = "kill"
group = "nodes"
share = 0.2

[[assert]]
metric = "gossip.latency"
stat = "p99"
at_most = "100ms"

[[assert]]
metric = "presence.agreement"
recovers_to = 0.9
within = "10s"
after = "</style><b>kill"
why = "<i>so</i>"
"#;

pub fn scenario() -> Scenario {
    Scenario::parse("small.toml".as_ref(), TEXT).unwrap()
}

/// Half of its figures depend on the seed; seeds above 10 break the first promise.
pub fn run(seed: u64) -> Run {
    let scenario = scenario();
    let mut measures = Measures::new();
    for second in 0..=60 {
        let at = Duration::from_secs(second);
        let latency = 30.0 + second as f64 / 10.0 + 7.0 * seed as f64 + 1.0 / 3.0;
        measures.sample(metrics::GOSSIP_LATENCY, at, latency);
        measures.outcome(metrics::GOSSIP_DELIVERY, at, second != 31);
        measures.gauge(
            metrics::NODES_ALIVE,
            at,
            if second < 30 { 5.0 } else { 4.0 },
        );
        let agreement = if (30..35).contains(&second) { 0.5 } else { 1.0 };
        measures.gauge(metrics::PRESENCE_AGREEMENT, at, agreement);
        measures.sample(metrics::DUTY_GOSSIP_BYTES, at, 1000.0);
        measures.sample(metrics::DUTY_KAD_BYTES, at, 500.0);
        measures.count(metrics::REFUSALS, at, 1.0);
    }
    let facts = Facts {
        seed,
        version: "1.2.3".to_owned(),
        trace_hash: format!("{seed:032x}"),
        ended: Ending::Completed,
        virtual_seconds: 60.0,
        wall_seconds: 1.5 + seed as f64,
        events: 12_345,
        peak_memory_bytes: 1 << 27,
        hosts: 10,
        marks: Mark::of(&scenario),
    };
    Run::new(&scenario, "dir/it's <small>.toml", TEXT, facts, &measures)
}
