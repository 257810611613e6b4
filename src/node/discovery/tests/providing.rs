//! What attached peers provide, and what of it is published.

use super::*;
use crate::node::discovery::keys::HOUR_MS;

#[test]
fn the_first_provider_publishes_and_the_last_withdraws() {
    let (mut state, now) = (state(0), Now::read());
    state
        .provide(peer(1).peer_id(), 7, record(1, CID, now), now)
        .unwrap();
    assert_eq!(
        events(&mut state),
        [Event::StartProviding(key(CID)), done(1, 7)]
    );
    state
        .provide(peer(2).peer_id(), 8, record(2, CID, now), now)
        .unwrap();
    assert_eq!(events(&mut state), [done(2, 8)]);
    state.detached(peer(1).peer_id(), now);
    assert!(events(&mut state).is_empty());
    let leave = Leave {
        v: V1,
        network: NETWORK.to_owned(),
        room: format!("/cid/{CID}"),
        peer: peer(2).peer_id(),
        seq: now.millis + 1,
    };
    state.unprovide(Signed::sign(&peer(2), leave), now);
    assert_eq!(events(&mut state), [Event::StopProviding(key(CID))]);
    assert_eq!(state.summary().published, 0);
}

#[test]
fn publications_keep_their_pace_and_done_waits_for_them() {
    let now = Now::read();
    let config = Config {
        publications: Rate {
            per_second: 1,
            burst: 1,
        },
        ..Config::default()
    };
    let mut state = State::new(config, NETWORK.to_owned(), node(0));
    state
        .provide(peer(1).peer_id(), 1, record(1, CID, now), now)
        .unwrap();
    events(&mut state);
    state
        .provide(peer(1).peer_id(), 2, record(1, OTHER, now), now)
        .unwrap();
    // Another provider of the same joins the wait; a refreshed record doesn't jump the queue.
    state
        .provide(peer(2).peer_id(), 3, record(2, OTHER, now), now)
        .unwrap();
    let later = now.after(Duration::from_millis(500));
    let newer = changed(1, OTHER, later, |_| {});
    state.provide(peer(1).peer_id(), 4, newer, later).unwrap();
    assert!(events(&mut state).is_empty());
    let second = now.after(Duration::from_secs(1));
    assert_eq!(
        state.deadline(),
        Some(later.after(Duration::from_secs(1)).instant)
    );
    state.expired(second);
    let mut seen = events(&mut state);
    assert_eq!(seen.remove(0), Event::StartProviding(key(OTHER)));
    assert_eq!(seen.len(), 2);
    assert!(seen.contains(&done(1, 4)) && seen.contains(&done(2, 3)));
}

#[test]
fn records_that_are_not_renewed_end() {
    let (mut state, now) = (state(0), Now::read());
    state
        .provide(peer(1).peer_id(), 1, record(1, CID, now), now)
        .unwrap();
    events(&mut state);
    let end = now.after(Duration::from_millis(limits::RECORD_LIFE_MS));
    assert_eq!(state.deadline(), Some(end.instant));
    state.expired(end);
    assert_eq!(events(&mut state), [Event::StopProviding(key(CID))]);
    assert_eq!(state.summary().resources, 0);
}

#[test]
fn refusals_say_why() {
    let now = Now::read();
    let config = Config {
        resources_per_peer: 1,
        ..Config::default()
    };
    let mut state = State::new(config, NETWORK.to_owned(), node(0));
    let alice = peer(1).peer_id();
    let no_cid = changed(1, CID, now, |record| record.room = "/cid/lobby".to_owned());
    let denied = state.provide(alice, 1, no_cid, now).unwrap_err();
    assert_eq!((denied.code, denied.fatal), ("bad-cid", false));
    let denied = state
        .provide(alice, 1, record(2, CID, now), now)
        .unwrap_err();
    assert_eq!((denied.code, denied.fatal), ("forged", true));
    state.provide(alice, 1, record(1, CID, now), now).unwrap();
    let denied = state
        .provide(alice, 2, record(1, OTHER, now), now)
        .unwrap_err();
    assert_eq!((denied.code, denied.fatal), ("quota", false));
    assert_eq!(state.summary().published, 1);
}

#[test]
fn a_node_that_was_alone_publishes_again_once_it_is_not() {
    let (mut state, now) = (state(0), Now::read());
    state
        .provide(peer(1).peer_id(), 1, record(1, CID, now), now)
        .unwrap();
    events(&mut state);
    state.linked(node(1), &address("/ip4/10.0.0.1/tcp/1"), now);
    state.linked(node(2), &address("/ip4/10.0.0.2/tcp/1"), now);
    let soon = now.after(Duration::from_secs(2));
    assert_eq!(state.deadline(), Some(soon.instant));
    state.expired(soon);
    assert_eq!(events(&mut state), [Event::StartProviding(key(CID))]);
    state.unlinked(node(1), soon);
    state.linked(node(1), &address("/ip4/10.0.0.1/tcp/1"), soon);
    state.expired(soon.after(Duration::from_secs(2)));
    assert!(events(&mut state).is_empty(), "it wasn't alone");
}

/// Half an hour into an hour: one key is published, and none is about to be.
fn at_half_past() -> Now {
    Now {
        millis: 490_000 * HOUR_MS + HOUR_MS / 2,
        ..Now::read()
    }
}

#[test]
fn rooms_are_published_searched_and_withdrawn() {
    let (mut state, now) = (state(0), at_half_past());
    state.seek("lobby", now);
    let seen = events(&mut state);
    let started: Vec<_> = seen
        .iter()
        .filter(|event| matches!(event, Event::StartProviding(_)))
        .collect();
    let sought: Vec<_> = seen
        .iter()
        .filter_map(|event| match event {
            Event::FindProviders(key) => Some(key.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(started.len(), 1, "this hour");
    assert_eq!(seen[0], Event::StartProviding(sought[0].clone()));
    state.providers_found(&sought[0], &[node(1), node(0), node(1)], now);
    state.providers_found(&sought[0], &[node(1)], now);
    assert_eq!(
        events(&mut state),
        [Event::RoomNodes {
            room: "lobby".to_owned(),
            nodes: vec![node(1)],
        }]
    );
    for key in &sought {
        state.query_finished(key, now);
    }
    state.unseek("lobby", now);
    let stopped = events(&mut state);
    assert_eq!(stopped.len(), 1);
    assert!(
        stopped
            .iter()
            .all(|event| matches!(event, Event::StopProviding(_)))
    );
    state.providers_found(&sought[0], &[node(2)], now);
    assert!(events(&mut state).is_empty());
}

#[test]
fn a_room_is_searched_twice_to_the_end_and_then_until_answers_repeat_each_other() {
    let (mut state, now) = (state(0), at_half_past());
    let search = |state: &mut State, answers: &[&[PeerId]]| {
        state.seek("lobby", now);
        let sought = events(state).into_iter().find_map(|event| match event {
            Event::FindProviders(key) => Some(key),
            _ => None,
        });
        let key = sought.expect("one search at a time");
        let stopped = answers.iter().position(|nodes| {
            state.providers_found(&key, nodes, now);
            events(state).contains(&Event::StopFinding(key.clone()))
        });
        state.query_finished(&key, now);
        stopped
    };
    let (none, one, two): (&[_], &[_], &[_]) = (&[], &[node(1)], &[node(1), node(2)]);
    assert_eq!(search(&mut state, &[none; 10]), None, "nobody yet");
    assert_eq!(search(&mut state, &[one; 10]), None, "the second time");
    let answers = [one, none, one, two, one, two, none, one, two, one, one];
    assert_eq!(
        search(&mut state, &answers),
        Some(8),
        "four that are no news"
    );
}

#[test]
fn a_rooms_keys_turn() {
    let (mut state, now) = (state(0), at_half_past());
    state.seek("lobby", now);
    events(&mut state);
    let until_turn = state.rooms.deadline().unwrap() - now.instant;
    let now = now.after(until_turn);
    state.expired(now);
    let seen = events(&mut state);
    assert!(matches!(seen[..], [Event::StartProviding(_)]), "{seen:?}");
    assert_eq!(state.summary().published, 2);
    let until_turn = state.rooms.deadline().unwrap() - now.instant;
    state.expired(now.after(until_turn));
    let seen = events(&mut state);
    assert!(matches!(seen[..], [Event::StopProviding(_)]), "{seen:?}");
    assert_eq!(state.summary().published, 1);
}

#[test]
fn a_query_that_nobody_ends_is_asked_again() {
    let (mut state, now) = (state(0), Now::read());
    let asked = |state: &mut State| {
        let seen = events(state);
        seen.iter()
            .filter(|event| matches!(event, Event::FindProviders(_)))
            .count()
    };
    state.seek("lobby", now);
    assert!(asked(&mut state) >= 1);
    state.seek("lobby", now);
    assert_eq!(asked(&mut state), 0, "one is under way");
    let later = now.after(Duration::from_secs(15));
    state.expired(later);
    state.seek("lobby", later);
    assert!(asked(&mut state) >= 1);
}
