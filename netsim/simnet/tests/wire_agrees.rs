//! Real Noise and Yamux take as long as what stands for them.

mod support;

use simnet::{Carrier, HostConfig, Settings};
use support::{ms, pinger_over, secs};

simnet::interpose!();

/// When the dialer and the listener were connected, the round trips of pings, and the bytes that
/// the dialer has sent.
fn measure(wire: bool) -> (f64, f64, Vec<f64>, f64) {
    let settings = Settings {
        seed: 1,
        regions: vec![vec![ms(40)]],
        wire,
        ..Settings::default()
    };
    simnet::run(settings, |sim| {
        let tcp = &[Carrier::Tcp];
        let ann = pinger_over(sim, "ann", HostConfig::default(), tcp);
        let bob = pinger_over(sim, "bob", HostConfig::default(), tcp);
        ann.dial(sim, &bob, Carrier::Tcp);
        sim.run_until(secs(20));
        let connected = |who: &support::Pinger| {
            let at = who.when("connected", secs(0)).expect("it connects");
            at.as_secs_f64() * 1e3
        };
        let mut sent = 0;
        sim.each_traffic(ann.host, |_, traffic| sent += traffic.sent_bytes);
        let sent = sent as f64;
        (connected(&ann), connected(&bob), ann.pings(), sent)
    })
}

#[test]
fn the_fast_mode_takes_as_long_as_the_wire() {
    let (fast_dialer, fast_listener, fast_pings, fast_bytes) = measure(false);
    let (wire_dialer, wire_listener, wire_pings, wire_bytes) = measure(true);
    let same = |fast: f64, wire: f64| (fast - wire).abs() <= 0.05 * wire;
    assert!(
        same(fast_dialer, wire_dialer),
        "{fast_dialer} {wire_dialer}"
    );
    assert!(
        same(fast_listener, wire_listener),
        "{fast_listener} {wire_listener}"
    );
    assert!(fast_pings.len().abs_diff(wire_pings.len()) <= 1);
    for (fast, wire) in fast_pings.iter().zip(&wire_pings) {
        assert!(same(*fast, *wire), "{fast_pings:?} {wire_pings:?}");
    }
    // Handshakes aren't counted in the fast mode, nor Yamux's own pings.
    let handshake = 1_200.0;
    assert!(
        (fast_bytes..fast_bytes * 1.1 + handshake).contains(&wire_bytes),
        "{fast_bytes} {wire_bytes}"
    );
}
