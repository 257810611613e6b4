//! Every kind of assertion holds when it should, and says why when it doesn't.

use std::time::Duration;

use netsim_report::{Check, Measures, verdicts};
use netsim_scenario::{Scenario, metrics};

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// The check of one assertion on a run of two minutes, of which the first ten seconds aren't
/// measured, with something happening from 60 s to 80 s.
fn check(assertion: &str, measures: &Measures, lived: u64) -> Check {
    let text = format!(
        r#"
name = "kinds"
duration = "2m"
warmup = "10s"

[[group]]
name = "nodes"
kind = "node"
count = 9

[[group]]
name = "peers"
kind = "browser"
count = 9

[[rooms]]
name = "rooms"
count = 1

[[event]]
name = "split"
at = "60s"
do = "split"
regions = [["london"], ["tokyo"]]
for = "20s"

[[assert]]
{assertion}
"#
    );
    let scenario = Scenario::parse("kinds.toml".as_ref(), &text).unwrap_or_else(|e| panic!("{e}"));
    let mut checks = verdicts(&scenario, measures, seconds(lived));
    assert_eq!(checks.len(), 1);
    checks.remove(0)
}

/// Everything at once, once a second: latencies of as many milliseconds as seconds have passed.
fn measured() -> Measures {
    let mut measures = Measures::new();
    for second in 0..=120 {
        let at = seconds(second);
        measures.sample(metrics::GOSSIP_LATENCY, at, second as f64);
        measures.outcome(metrics::GOSSIP_DELIVERY, at, !(60..80).contains(&second));
        measures.count(metrics::REFUSALS, at, 2.0);
        let agreement = match second {
            60..80 => 0.5,
            80..90 => 0.9,
            _ => 1.0,
        };
        measures.gauge(metrics::PRESENCE_AGREEMENT, at, agreement);
        measures.gauge(
            metrics::PRESENCE_GHOSTS,
            at,
            if second == 100 { 3.0 } else { 0.0 },
        );
    }
    measures
}

#[track_caller]
fn holds(assertion: &str, reached: f64) {
    let check = check(assertion, &measured(), 120);
    assert!(check.held, "{check:?}");
    assert_eq!(check.reached, Some(reached), "{check:?}");
}

#[track_caller]
fn fails(assertion: &str, words: &str) {
    let check = check(assertion, &measured(), 120);
    assert!(!check.held, "{check:?}");
    assert!(check.found.contains(words), "{check:?}");
}

#[test]
fn a_statistic_is_taken_of_its_window() {
    let latency = "metric = \"gossip.latency\"\nstat =";
    holds(&format!("{latency} \"p50\"\nat_most = \"65ms\""), 65.0);
    holds(
        &format!("{latency} \"max\"\nat_most = \"20ms\"\nto = \"20s\""),
        20.0,
    );
    holds(
        &format!("{latency} \"min\"\nat_least = \"80ms\"\nafter = \"split\""),
        80.0,
    );
    holds(
        &format!("{latency} \"mean\"\nat_most = \"85ms\"\nafter = \"split\"\nto = \"10s\""),
        85.0,
    );
    holds(
        &format!("{latency} \"count\"\nat_least = 11\nfrom = \"20s\"\nto = \"30s\""),
        11.0,
    );
    fails(
        &format!("{latency} \"p99\"\nat_most = \"100ms\""),
        "119 ms of 111 values",
    );
}

#[test]
fn shares_misses_and_totals_are_counted() {
    holds(
        "metric = \"gossip.delivery\"\nat_least = 1.0\nto = \"59s\"",
        1.0,
    );
    holds(
        "metric = \"gossip.delivery\"\nstat = \"misses\"\nat_most = 20",
        20.0,
    );
    fails(
        "metric = \"gossip.delivery\"\nat_least = 0.9",
        "82 % of 111 tries",
    );
    holds("metric = \"refusals\"\nat_most = 222", 222.0);
    fails("metric = \"refusals\"\nat_most = 0", "222");
}

#[test]
fn a_gauge_has_a_last_sample() {
    holds(
        "metric = \"presence.agreement\"\nstat = \"last\"\nat_least = 1.0",
        1.0,
    );
    holds(
        "metric = \"presence.ghosts\"\nstat = \"max\"\nat_most = 3",
        3.0,
    );
    fails(
        "metric = \"presence.agreement\"\nstat = \"min\"\nat_least = 0.9",
        "50 %",
    );
}

#[test]
fn one_window_is_measured_against_another() {
    let relative = "metric = \"gossip.latency\"\nstat = \"max\"\nfrom = \"30s\"\nto = \"40s\"";
    let of = "of = { from = \"10s\", to = \"20s\" }";
    holds(&format!("{relative}\nat_most_times = 2.0\n{of}"), 2.0);
    holds(&format!("{relative}\nat_least_times = 1.5\n{of}"), 2.0);
    fails(
        &format!("{relative}\nat_most_times = 1.9\n{of}"),
        "2 × (40 ms against 20 ms)",
    );
    let ghosts = "metric = \"presence.ghosts\"\nstat = \"max\"\nat_most_times = 2.0";
    fails(
        &format!("{ghosts}\nof = {{ to = \"20s\" }}"),
        "against none",
    );
}

#[test]
fn a_series_recovers_when_no_later_sample_is_bad() {
    let recovers = "metric = \"presence.agreement\"\nrecovers_to = 0.99\nafter = \"split\"";
    holds(&format!("{recovers}\nwithin = \"10s\""), 9.0);
    let late = format!("{recovers}\nwithin = \"9s\"");
    fails(&late, "still 90 % after 9 s, good from 10 s on");
    let never = format!("{recovers}\nwithin = \"4s\"\nto = \"9s\"");
    fails(&never, "still 90 % after 9 s, at the end");
    let ghosts = "metric = \"presence.ghosts\"\nrecovers_to = 0\nwithin = \"5s\"";
    holds(&format!("{ghosts}\nto = \"90s\""), 0.0);
    fails(ghosts, "still 3 after 1 min 30 s");
}

#[test]
fn nothing_measured_holds_nothing() {
    let nothing = |assertion: &str| {
        let check = check(assertion, &Measures::new(), 120);
        assert!(!check.held && check.reached.is_none(), "{check:?}");
        assert!(check.found.starts_with("nothing was measured"), "{check:?}");
    };
    nothing("metric = \"gossip.latency\"\nstat = \"p99\"\nat_most = \"1s\"");
    nothing("metric = \"gossip.delivery\"\nat_least = 0.1");
    nothing("metric = \"presence.agreement\"\nrecovers_to = 0.9\nwithin = \"5s\"");
    nothing(
        "metric = \"gossip.latency\"\nstat = \"p50\"\nat_most_times = 9.0\nof = { to = \"20s\" }",
    );
    let none = check(
        "metric = \"quota.overruns\"\nat_most = 0",
        &Measures::new(),
        120,
    );
    assert!(none.held, "that nothing happened is what it asks: {none:?}");
}

#[test]
fn what_a_run_did_not_live_to_see_does_not_hold() {
    let assertion = "metric = \"refusals\"\nat_most = 1000";
    assert!(check(assertion, &measured(), 120).held);
    let cut = check(assertion, &measured(), 90);
    assert!(!cut.held);
    assert!(
        cut.found
            .ends_with("the run ended at 1:30, before the time was over"),
        "{cut:?}"
    );
    assert!(check(&format!("{assertion}\nto = \"80s\""), &measured(), 90).held);
}
