//! The clocks and the chance of a simulation are its own.

use std::{
    collections::HashMap,
    time::{Duration, Instant, SystemTime},
};

use futures_timer::Delay;
use libp2p::swarm::dummy;
use simnet::{Carriers, HostConfig, Settings, hooks};

simnet::interpose!();

const HOUR: Duration = Duration::from_secs(3_600);

#[test]
fn an_hour_of_sleep_passes_in_milliseconds_and_every_clock_agrees() {
    let began = Instant::now();
    simnet::run(Settings::default(), |sim| {
        let (instant, system) = (Instant::now(), SystemTime::now());
        sim.run_until(HOUR);
        assert_eq!(sim.now(), HOUR);
        assert_eq!(instant.elapsed(), HOUR);
        assert_eq!(system.elapsed().unwrap(), HOUR);
        assert!(hooks::active());
    });
    assert!(!hooks::active(), "another thread lives in real time");
    assert!(began.elapsed() < HOUR, "the hour was virtual");
    let real = Duration::from_nanos(hooks::real_clock());
    let shown = Duration::from_nanos(hooks::real_clock());
    assert!(shown - real < HOUR);
}

#[test]
fn a_delay_is_over_when_its_time_has_come() {
    simnet::run(Settings::default(), |sim| {
        let host = sim.host("sleeper", HostConfig::default());
        let woken = std::rc::Rc::new(std::cell::Cell::new(None));
        let told = woken.clone();
        sim.spawn(host, async move {
            Delay::new(HOUR).await;
            told.set(Some(simnet::now()));
        });
        sim.run_until(HOUR - Duration::from_nanos(1));
        assert_eq!(woken.get(), None);
        sim.run_until(HOUR);
        assert_eq!(woken.get(), Some(HOUR));
    });
}

#[test]
fn a_host_has_its_own_clock() {
    simnet::run(Settings::default(), |sim| {
        let config = HostConfig {
            clock_offset_ms: -90_000,
            ..HostConfig::default()
        };
        let late = sim.host("late", config);
        let right = sim.host("right", HostConfig::default());
        let [late, right] = [late, right].map(|host| sim.within(host, SystemTime::now));
        assert_eq!(right.duration_since(late).unwrap(), Duration::from_secs(90));
    });
}

#[test]
fn chance_comes_from_the_seed_and_the_host() {
    let keys = |seed: u64, names: &'static [&'static str]| {
        let settings = Settings {
            seed,
            ..Settings::default()
        };
        simnet::run(settings, move |sim| {
            let hosts: Vec<_> = names
                .iter()
                .map(|name| sim.host(name, HostConfig::default()))
                .collect();
            hosts
                .into_iter()
                .map(|host| sim.key(host).public().to_peer_id())
                .collect::<Vec<_>>()
        })
    };
    let two = keys(1, &["ann", "bob"]);
    assert_eq!(two, keys(1, &["ann", "bob"]));
    assert_ne!(two, keys(2, &["ann", "bob"]));
    assert_eq!(
        two[1],
        keys(1, &["ann", "zoe", "bob"])[2],
        "another host changes nothing for those that were there"
    );
}

#[test]
fn who_computes_within_another_leaves_it_its_clock_and_chance() {
    simnet::run(Settings::default(), |sim| {
        let ahead = |ms| HostConfig {
            clock_offset_ms: ms,
            ..HostConfig::default()
        };
        let ann = sim.host("ann", ahead(60_000));
        let bob = sim.host("bob", ahead(0));
        let nobody = Carriers::default();
        let of_ann = sim.key(ann);
        let ann = sim.swarm(ann, &of_ann, nobody, HOUR, || dummy::Behaviour);
        let of_bob = sim.key(bob);
        let bob = sim.swarm(bob, &of_bob, nobody, HOUR, || dummy::Behaviour);
        let start = SystemTime::now();
        let ahead = |now: SystemTime| now.duration_since(start).unwrap().as_secs();
        ann.with(|_| {
            assert_eq!(ahead(SystemTime::now()), 60);
            bob.with(|_| assert_eq!(ahead(SystemTime::now()), 0));
            assert_eq!(ahead(SystemTime::now()), 60);
        });
        assert_eq!(ahead(SystemTime::now()), 0);
    });
}

#[test]
fn hash_maps_have_the_same_order_in_every_run() {
    let order = || {
        simnet::run(Settings::default(), |_| {
            let map: HashMap<u32, ()> = (0..1_000).map(|key| (key, ())).collect();
            map.into_keys().collect::<Vec<_>>()
        })
    };
    assert_eq!(order(), order());
}

#[test]
fn a_simulation_can_be_dropped_with_its_swarms() {
    simnet::run(Settings::default(), |sim| {
        let host = sim.host("ann", HostConfig::default());
        let key = sim.key(host);
        let running = sim.swarm(host, &key, Carriers::default(), HOUR, || dummy::Behaviour);
        sim.run_until(HOUR);
        assert!(running.is_running());
        sim.stop(host);
        assert!(!running.is_running());
    });
}
