//! What the network does to those who use it.

mod support;

use simnet::{Carrier, HostConfig, LastMile, Nat, Settings};
use support::{ALL, ms, pinger, secs};

simnet::interpose!();

fn settings() -> Settings {
    Settings {
        seed: 1,
        regions: vec![vec![ms(5), ms(50)], vec![ms(50), ms(5)]],
        ..Settings::default()
    }
}

fn in_region(region: usize) -> HostConfig {
    HostConfig {
        region,
        ..HostConfig::default()
    }
}

fn behind(nat: Nat) -> HostConfig {
    HostConfig {
        nat,
        ..HostConfig::default()
    }
}

#[test]
fn a_connection_takes_the_round_trips_of_its_carrier() {
    for (carrier, round_trips) in [
        (Carrier::Quic, 1),
        (Carrier::Tcp, 2),
        (Carrier::WebSocket, 3),
        (Carrier::WebRtcDirect, 6),
    ] {
        simnet::run(settings(), move |sim| {
            let ann = pinger(sim, "ann", in_region(0));
            let bob = pinger(sim, "bob", in_region(1));
            ann.dial(sim, &bob, carrier);
            sim.run_until(secs(10));
            assert_eq!(ann.when("connected", secs(0)), Some(ms(100 * round_trips)));
            assert_eq!(
                bob.when("connected", secs(0)),
                Some(ms(100 * round_trips + 50)),
                "the listener is half a round trip behind"
            );
            let pings = ann.pings();
            // The first waits for its stream to be agreed on.
            assert!(pings[1..].iter().all(|took| *took == 100.0), "{pings:?}");
        });
    }
}

#[test]
fn jitter_and_loss_make_some_pings_late_and_lose_none() {
    let settings = Settings {
        jitter: 0.1,
        loss: 0.05,
        ..settings()
    };
    simnet::run(settings, |sim| {
        let ann = pinger(sim, "ann", in_region(0));
        let bob = pinger(sim, "bob", in_region(1));
        ann.dial(sim, &bob, Carrier::Quic);
        sim.run_until(secs(1_000));
        let pings = ann.pings();
        assert!(pings.len() > 800, "{}", pings.len());
        assert!(pings.iter().all(|took| *took >= 100.0));
        let late = pings.iter().filter(|took| **took > 250.0).count() as f64;
        let share = late / pings.len() as f64;
        // Either way may lose a packet.
        assert!((0.06..0.14).contains(&share), "{share}");
        assert!(ann.when("no pong", secs(0)).is_none());
    });
}

#[test]
fn a_slow_line_holds_up_what_it_carries() {
    simnet::run(settings(), |sim| {
        let slow = HostConfig {
            last_mile: LastMile {
                latency: ms(10),
                up: Some(1_000),
                ..LastMile::default()
            },
            ..HostConfig::default()
        };
        let ann = pinger(sim, "ann", slow);
        let bob = pinger(sim, "bob", in_region(0));
        ann.dial(sim, &bob, Carrier::Quic);
        sim.run_until(secs(20));
        // 88 bytes with their headers at 1,000 a second, and 30 ms of round trip.
        let pings = ann.pings();
        assert!(
            pings[1..].iter().all(|took| (115.0..122.0).contains(took)),
            "{pings:?}"
        );
    });
}

#[test]
fn the_dead_answer_nobody_and_the_stopped_are_answered_for() {
    simnet::run(settings(), |sim| {
        let ann = pinger(sim, "ann", in_region(0));
        let dead = pinger(sim, "dead", in_region(1));
        let stopped = pinger(sim, "stopped", in_region(1));
        sim.crash(dead.host);
        sim.stop(stopped.host);
        for (other, carrier, after) in [
            (&dead, Carrier::Quic, secs(5)),
            (&dead, Carrier::Tcp, secs(10)),
            (&stopped, Carrier::Quic, secs(5)),
            (&stopped, Carrier::Tcp, ms(100)),
        ] {
            let began = sim.now();
            ann.dial(sim, other, carrier);
            sim.run_until(began + secs(30));
            assert_eq!(
                ann.when("failed", began),
                Some(began + after),
                "{carrier:?}"
            );
        }
    });
}

#[test]
fn a_crash_is_noticed_by_silence_and_a_stop_at_once() {
    for (carrier, silence) in [
        (Carrier::Quic, Some(secs(10))),
        (Carrier::WebRtcDirect, Some(secs(5))),
        (Carrier::Tcp, None),
    ] {
        simnet::run(settings(), move |sim| {
            let ann = pinger(sim, "ann", in_region(0));
            let bob = pinger(sim, "bob", in_region(1));
            let cleo = pinger(sim, "cleo", in_region(1));
            ann.dial(sim, &bob, carrier);
            ann.dial(sim, &cleo, carrier);
            sim.run_until(secs(5));
            sim.stop(bob.host);
            sim.run_until(secs(7));
            assert_eq!(ann.when("closed", secs(5)), Some(secs(5) + ms(50)));
            sim.crash(cleo.host);
            sim.run_until(secs(60));
            let expected = silence.map(|silence| secs(7) + silence);
            assert_eq!(ann.when("closed", secs(7)), expected, "{carrier:?}");
        });
    }
}

#[test]
fn a_nat_lets_in_whom_it_should() {
    // Who gets in: without a word from the host, after it has sent to somebody else, after it
    // has sent to the dialer.
    for (nat, expected) in [
        (Nat::Open, [true, true, true]),
        (Nat::FullCone, [false, true, true]),
        (Nat::Restricted, [false, false, true]),
        (Nat::Symmetric, [false, false, false]),
    ] {
        for (case, gets_in) in expected.into_iter().enumerate() {
            simnet::run(settings(), move |sim| {
                let host = pinger(sim, "host", behind(nat));
                let dialer = pinger(sim, "dialer", in_region(0));
                let other = pinger(sim, "other", in_region(0));
                if case == 1 {
                    host.dial(sim, &other, Carrier::Quic);
                } else if case == 2 {
                    // It fails, and leaves a mapping.
                    sim.freeze(dialer.host);
                    let split = sim.split([(host.host, 0), (dialer.host, 1)]);
                    host.dial(sim, &dialer, Carrier::Quic);
                    sim.run_until(secs(1));
                    sim.mend(split);
                    sim.thaw(dialer.host);
                }
                sim.run_until(secs(10));
                let began = sim.now();
                dialer.dial(sim, &host, Carrier::Quic);
                sim.run_until(began + secs(8));
                let connected = dialer.when("connected", began).is_some();
                assert_eq!(connected, gets_in, "{nat:?}, case {case}");
            });
        }
    }
}

#[test]
fn a_partition_keeps_its_sides_apart_until_it_ends() {
    simnet::run(settings(), |sim| {
        let ann = pinger(sim, "ann", in_region(0));
        let bob = pinger(sim, "bob", in_region(1));
        let cleo = pinger(sim, "cleo", in_region(0));
        ann.dial(sim, &bob, Carrier::Quic);
        ann.dial(sim, &cleo, Carrier::Quic);
        sim.run_until(secs(5));
        let split = sim.split([(ann.host, 0), (bob.host, 1), (cleo.host, 0)]);
        sim.run_until(secs(30));
        assert_eq!(ann.when("closed", secs(5)), Some(secs(15)), "silence");
        let began = sim.now();
        ann.dial(sim, &bob, Carrier::Quic);
        sim.run_until(secs(40));
        assert!(ann.when("failed", began).is_some());
        sim.mend(split);
        let began = sim.now();
        ann.dial(sim, &bob, Carrier::Quic);
        sim.run_until(secs(45));
        assert!(ann.when("connected", began).is_some());
    });
}

#[test]
fn a_short_partition_breaks_nothing_and_loses_nothing() {
    simnet::run(settings(), |sim| {
        let ann = pinger(sim, "ann", in_region(0));
        let bob = pinger(sim, "bob", in_region(1));
        for carrier in ALL {
            ann.dial(sim, &bob, *carrier);
        }
        sim.run_until(secs(5));
        let split = sim.split([(ann.host, 0), (bob.host, 1)]);
        sim.run_until(secs(8));
        sim.mend(split);
        let mended = sim.now();
        sim.run_until(secs(30));
        assert!(ann.when("closed", secs(0)).is_none());
        assert!(ann.when("no pong", secs(0)).is_none());
        assert!(ann.when("ping", mended).is_some());
    });
}

#[test]
fn a_frozen_host_answers_when_it_wakes() {
    simnet::run(settings(), |sim| {
        let ann = pinger(sim, "ann", in_region(0));
        let bob = pinger(sim, "bob", in_region(1));
        ann.dial(sim, &bob, Carrier::Quic);
        sim.run_until(secs(5));
        let before = ann.pings().len();
        sim.freeze(bob.host);
        sim.run_until(secs(15));
        assert!(ann.pings().len() <= before + 1);
        sim.thaw(bob.host);
        sim.run_until(secs(20));
        assert!(ann.pings().len() > before + 3);
        assert!(ann.when("closed", secs(0)).is_none());
    });
}

#[test]
fn what_a_tapped_host_says_is_changed_and_only_in_the_protocol_meant() {
    for (tapped, hears) in [("/ipfs/ping/1.0.0", false), ("/ipfs/other", true)] {
        simnet::run(settings(), move |sim| {
            let ann = pinger(sim, "ann", in_region(0));
            let bob = pinger(sim, "bob", in_region(0));
            ann.dial(sim, &bob, Carrier::Quic);
            sim.run_until(secs(5));
            assert!(ann.when("ping", secs(0)).is_some());
            // From now on bob's pongs are swallowed, on the stream that is open already too.
            sim.tap(bob.host, move |protocol| {
                let swallow: simnet::Filter = Box::new(|_| Vec::new());
                (protocol == tapped).then_some(swallow)
            });
            // A first ping that fails is told to nobody, and fails after 20 s.
            sim.run_until(secs(60));
            assert_eq!(ann.when("ping", secs(6)).is_some(), hears);
            assert_eq!(ann.when("no pong", secs(6)).is_some(), !hears);
        });
    }
}

#[test]
fn connections_are_told_with_what_went_over_them() {
    simnet::run(settings(), |sim| {
        let ann = pinger(sim, "ann", in_region(0));
        let bob = pinger(sim, "bob", in_region(0));
        ann.dial(sim, &bob, Carrier::Quic);
        sim.run_until(secs(5));
        let sent: u64 = [ann.host, bob.host]
            .into_iter()
            .flat_map(|host| sim.traffic(host))
            .map(|(_, traffic)| traffic.sent_bytes)
            .sum();
        let mut seen = Vec::new();
        sim.each_connection(|_, ends, bytes| seen.push((ends, bytes)));
        assert_eq!(seen, [([ann.host, bob.host], sent)]);
    });
}
