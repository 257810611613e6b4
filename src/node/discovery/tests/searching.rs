//! Look-ups of resources: by peers, by neighbours, over several nodes.

use super::*;

/// Several nodes and a DHT that knows at once who has announced what.
struct Mesh {
    stage: Rehearsal<State>,
    dht: HashMap<Vec<u8>, Vec<PeerId>>,
    /// Its queries go on until they are stopped.
    endless: bool,
    stopped: usize,
    events: Vec<(PeerId, Event)>,
}

impl Mesh {
    fn new(nodes: u8) -> Self {
        let mut stage = Rehearsal::new();
        for n in 0..nodes {
            stage.enter(node(n), &format!("/ip4/10.0.0.{n}/tcp/4001"), state(n));
        }
        Mesh {
            stage,
            dht: HashMap::new(),
            endless: false,
            stopped: 0,
            events: Vec::new(),
        }
    }

    fn provide(&mut self, at: u8, record: Signed<PresenceRecord>) {
        let now = self.stage.now;
        self.stage
            .state(node(at))
            .provide(record.peer, 1, record, now)
            .unwrap();
        self.run(Duration::ZERO);
        self.events.clear();
    }

    fn locate(&mut self, at: u8, n: u8, id: u64, cid: &str) {
        let now = self.stage.now;
        self.stage
            .state(node(at))
            .locate(peer(n).peer_id(), locate(id, cid), now)
            .unwrap();
    }

    /// Lets `span` pass, the DHT answering within it.
    fn run(&mut self, span: Duration) {
        let step = Duration::from_millis(5);
        let mut left = span;
        loop {
            self.stage.run(left.min(step));
            let now = self.stage.now;
            for (who, event) in std::mem::take(&mut self.stage.events) {
                match event {
                    Event::StartProviding(key) => self.dht.entry(key).or_default().push(who),
                    Event::StopProviding(_) => {}
                    Event::FindProviders(key) => {
                        let nodes = self.dht.get(&key).cloned().unwrap_or_default();
                        let state = self.stage.state(who);
                        state.providers_found(&key, &nodes, now);
                        if !self.endless {
                            state.query_finished(&key, now);
                        }
                    }
                    Event::StopFinding(key) => {
                        self.stopped += 1;
                        self.stage.state(who).query_finished(&key, now);
                    }
                    other => self.events.push((who, other)),
                }
            }
            if left.is_zero() {
                return;
            }
            left = left.saturating_sub(step);
        }
    }

    fn told(&mut self, at: u8, n: u8) -> (Vec<Bytes>, bool) {
        let events: Vec<_> = self
            .events
            .iter()
            .filter(|(who, _)| *who == node(at))
            .map(|(_, event)| event.clone())
            .collect();
        told(&events, n)
    }
}

fn sorted(mut records: Vec<Bytes>) -> Vec<Bytes> {
    records.sort();
    records
}

#[test]
fn providers_at_other_nodes_are_found_and_verified() {
    let mut mesh = Mesh::new(4);
    let now = mesh.stage.now;
    let records = [
        record(1, CID, now),
        record(2, CID, now),
        record(3, CID, now),
    ];
    mesh.provide(1, records[0].clone());
    mesh.provide(1, records[1].clone());
    mesh.provide(2, records[2].clone());
    mesh.provide(3, record(4, OTHER, now));
    mesh.stage.link(node(0), node(1));
    mesh.locate(0, 9, 5, CID);
    mesh.run(Duration::from_millis(200));
    let (found, last) = mesh.told(0, 9);
    assert!(last, "everybody has answered");
    let expected = records.iter().map(Signed::to_wire).collect();
    assert_eq!(sorted(found), sorted(expected));
    assert_eq!(mesh.stage.dials, [(node(0), node(2))]);
}

#[test]
fn the_dht_is_left_alone_soon_after_somebody_is_found_unless_that_was_not_enough() {
    let mut mesh = Mesh::new(3);
    mesh.endless = true;
    mesh.stage.link(node(0), node(1));
    let now = mesh.stage.now;
    mesh.provide(1, record(1, CID, now));
    mesh.locate(0, 9, 5, CID);
    mesh.run(Duration::from_millis(450));
    assert_eq!((mesh.told(0, 9).1, mesh.stopped), (false, 0));
    mesh.run(Duration::from_millis(100));
    assert_eq!((mesh.told(0, 9).1, mesh.stopped), (true, 1));
    // The same peer again: to the end of its time. Another one: not.
    mesh.events.clear();
    mesh.locate(0, 9, 6, CID);
    mesh.run(Duration::from_millis(4_900));
    assert_eq!((mesh.told(0, 9).1, mesh.stopped), (false, 1));
    mesh.run(Duration::from_millis(200));
    assert_eq!((mesh.told(0, 9).1, mesh.stopped), (true, 2));
    mesh.locate(0, 8, 7, CID);
    mesh.run(Duration::from_millis(600));
    assert_eq!((mesh.told(0, 8).1, mesh.stopped), (true, 3));
    // After a minute nobody remembers.
    mesh.run(Duration::from_secs(60));
    mesh.events.clear();
    mesh.locate(0, 9, 8, CID);
    mesh.run(Duration::from_millis(600));
    assert!(mesh.told(0, 9).1);
}

#[test]
fn a_look_up_that_finds_nobody_goes_on() {
    let mut mesh = Mesh::new(2);
    mesh.endless = true;
    mesh.stage.link(node(0), node(1));
    mesh.locate(0, 9, 5, CID);
    mesh.run(Duration::from_millis(4_900));
    assert_eq!((mesh.told(0, 9).1, mesh.stopped), (false, 0));
    mesh.run(Duration::from_millis(200));
    assert_eq!((mesh.told(0, 9).1, mesh.stopped), (true, 1));
}

#[test]
fn nobody_provides_it_is_said_after_a_second_search() {
    let mut mesh = Mesh::new(2);
    mesh.stage.link(node(0), node(1));
    mesh.locate(0, 9, 5, CID);
    mesh.run(Duration::ZERO);
    mesh.run(Duration::ZERO);
    assert_eq!(mesh.told(0, 9), (vec![], false));
    mesh.run(Duration::ZERO);
    assert_eq!(mesh.told(0, 9), (vec![], true));
}

#[test]
fn own_peers_come_at_once_and_never_the_asker() {
    let mut mesh = Mesh::new(2);
    let now = mesh.stage.now;
    let (alice, bob) = (record(1, CID, now), record(2, CID, now));
    mesh.provide(0, alice.clone());
    mesh.provide(0, bob.clone());
    // Alice is attached to node 1 as well.
    mesh.provide(1, alice.clone());
    mesh.locate(0, 1, 5, CID);
    mesh.stage.run(Duration::ZERO);
    let seen: Vec<_> = mesh.stage.take(node(0));
    assert_eq!(told(&seen, 1), (vec![bob.to_wire()], false));
    mesh.stage.events = seen
        .into_iter()
        .filter(|event| matches!(event, Event::FindProviders(_)))
        .map(|event| (node(0), event))
        .collect();
    mesh.run(Duration::from_millis(200));
    assert_eq!(
        mesh.told(0, 1),
        (vec![], true),
        "nothing twice, nor herself"
    );
}

#[test]
fn a_node_that_is_gone_costs_the_deadline_at_most() {
    for (dialed, ms) in [(Dialed::Refuses, 100), (Dialed::Silent, 5_050)] {
        let mut mesh = Mesh::new(3);
        let now = mesh.stage.now;
        mesh.provide(1, record(1, CID, now));
        mesh.provide(2, record(2, CID, now));
        mesh.stage.dialed(node(2), dialed);
        mesh.locate(0, 9, 5, CID);
        mesh.run(Duration::from_millis(90));
        assert_eq!(mesh.told(0, 9).0.len(), 1);
        mesh.run(Duration::from_millis(ms - 90));
        assert_eq!(mesh.told(0, 9), (vec![record(1, CID, now).to_wire()], true));
        assert_eq!(mesh.stage.state(node(0)).summary().lookups, 0);
    }
}

#[test]
fn those_who_ask_the_same_share_a_search() {
    let mut mesh = Mesh::new(3);
    let now = mesh.stage.now;
    mesh.provide(1, record(1, CID, now));
    mesh.provide(2, record(2, CID, now));
    mesh.stage.link(node(0), node(1));
    mesh.stage.dialed(node(2), Dialed::Silent);
    mesh.locate(0, 8, 1, CID);
    mesh.run(Duration::from_millis(100));
    // The late one is told at once what was found before.
    mesh.locate(0, 9, 2, CID);
    mesh.run(Duration::from_millis(10));
    assert_eq!(mesh.told(0, 8).0.len(), 1);
    assert_eq!(mesh.told(0, 9).0.len(), 1);
    let asked = mesh.stage.frames.iter().filter(|(who, _)| *who == node(0));
    assert_eq!(asked.count(), 1);
    mesh.run(Duration::from_secs(6));
    assert!(mesh.told(0, 8).1 && mesh.told(0, 9).1);
}

#[test]
fn a_node_whose_peers_are_gone_says_so() {
    let mut mesh = Mesh::new(2);
    let now = mesh.stage.now;
    mesh.provide(1, record(1, CID, now));
    mesh.stage.state(node(1)).detached(peer(1).peer_id(), now);
    mesh.stage.link(node(0), node(1));
    mesh.locate(0, 9, 5, CID);
    mesh.run(Duration::from_millis(100));
    assert_eq!(mesh.told(0, 9), (vec![], true), "without the deadline");
}

#[test]
fn a_search_without_anybody_waiting_ends() {
    let (mut state, now) = (state(0), Now::read());
    state
        .locate(peer(1).peer_id(), locate(1, CID), now)
        .unwrap();
    assert_eq!(state.summary().lookups, 1);
    state.detached(peer(1).peer_id(), now);
    assert_eq!(state.summary().lookups, 0);
    outputs(&mut state);
    state.providers_found(&key(CID), &[node(1)], now);
    state.query_finished(&key(CID), now);
    assert!(outputs(&mut state).is_empty());
}

#[test]
fn refusals_say_why() {
    let now = Now::read();
    let config = Config {
        peer_locates: Rate {
            per_second: 1,
            burst: 2,
        },
        ..Config::default()
    };
    let mut state = State::new(config, NETWORK.to_owned(), node(0));
    let alice = peer(1).peer_id();
    let denied = state.locate(alice, locate(1, "lobby"), now).unwrap_err();
    assert_eq!((denied.code, denied.fatal), ("bad-cid", false));
    state.locate(alice, locate(1, CID), now).unwrap();
    state.locate(alice, locate(2, OTHER), now).unwrap();
    let denied = state.locate(alice, locate(3, CID), now).unwrap_err();
    assert_eq!((denied.code, denied.fatal), ("quota", false));
    state.detached(alice, now);
    let denied = state.locate(alice, locate(4, CID), now).unwrap_err();
    assert_eq!(denied.code, "quota", "to attach anew changes nothing");
    let later = now.after(Duration::from_secs(1));
    state.locate(alice, locate(5, CID), later).unwrap();
    state
        .locate(peer(2).peer_id(), locate(1, CID), now)
        .unwrap();
}

#[test]
fn searches_are_bounded_and_say_so_by_ending() {
    let now = Now::read();
    let config = Config {
        lookups: 1,
        ..Config::default()
    };
    let mut state = State::new(config, NETWORK.to_owned(), node(0));
    state
        .provide(peer(3).peer_id(), 1, record(3, OTHER, now), now)
        .unwrap();
    state
        .locate(peer(1).peer_id(), locate(1, CID), now)
        .unwrap();
    events(&mut state);
    state
        .locate(peer(2).peer_id(), locate(2, OTHER), now)
        .unwrap();
    let (records, last) = told(&events(&mut state), 2);
    assert_eq!((records.len(), last), (1, true), "what is known here");
}

mod answers {
    use super::*;

    /// Node 0 looks CID up for peer 9 and has asked node 1.
    fn asked() -> (State, Now, u64) {
        let (mut state, now) = (state(0), Now::read());
        state.linked(node(1), &address("/ip4/10.0.0.1/tcp/1"), now);
        state
            .locate(peer(9).peer_id(), locate(5, CID), now)
            .unwrap();
        outputs(&mut state);
        state.providers_found(&key(CID), &[node(1)], now);
        let asked = outputs(&mut state);
        let Some(Output::Send(_, frame)) = asked.first() else {
            panic!("{asked:?}");
        };
        let DiscoveryFrame::Locate(question) =
            cbor::decode("frame", frame, limits::NODE_FRAME).unwrap()
        else {
            panic!("not a question");
        };
        assert_eq!(question.cid, CID);
        (state, now, question.id)
    }

    fn answer(id: u64, records: Vec<Bytes>) -> Vec<u8> {
        cbor::encode(&DiscoveryFrame::Providers(Providers {
            id,
            records,
            last: true,
        }))
    }

    #[test]
    fn only_true_records_of_the_resource_pass() {
        let (mut state, now, id) = asked();
        let good = record(1, CID, now).to_wire();
        let mut forged = record(2, CID, now).to_wire();
        let last = forged.len() - 1;
        forged[last] ^= 1;
        let wrong = [
            forged,
            record(3, OTHER, now).to_wire(),
            changed(4, CID, now, |record| record.network = "other".to_owned()).to_wire(),
            changed(5, CID, now, |record| record.expires = now.millis - 120_001).to_wire(),
            changed(6, CID, now, |record| record.expires += 120_001).to_wire(),
            Bytes::from(vec![1, 2, 3]),
        ];
        let refused = wrong.len() as u64;
        let mut records = wrong.to_vec();
        records.extend([good.clone(), good.clone()]);
        state.received(node(1), &answer(id, records), now).unwrap();
        assert_eq!(told(&events(&mut state), 9), (vec![good], false));
        assert_eq!(state.summary().refused, refused);
        state.query_finished(&key(CID), now);
        assert_eq!(told(&events(&mut state), 9), (vec![], true));
    }

    #[test]
    fn only_who_was_asked_answers_and_once() {
        let (mut state, now, id) = asked();
        state.linked(node(2), &address("/ip4/10.0.0.2/tcp/1"), now);
        let records = vec![record(1, CID, now).to_wire()];
        state
            .received(node(2), &answer(id, records.clone()), now)
            .unwrap();
        state
            .received(node(1), &answer(id + 1, records.clone()), now)
            .unwrap();
        assert!(events(&mut state).is_empty());
        state.received(node(1), &answer(id, vec![]), now).unwrap();
        state.received(node(1), &answer(id, records), now).unwrap();
        assert!(events(&mut state).is_empty());
    }

    #[test]
    fn an_answer_is_read_up_to_its_bound() {
        let (mut state, now, id) = asked();
        let records = (10..60).map(|n| record(n, CID, now).to_wire()).collect();
        state.received(node(1), &answer(id, records), now).unwrap();
        let (found, _) = told(&events(&mut state), 9);
        assert_eq!(found.len(), Config::default().records_per_answer);
    }

    #[test]
    fn a_neighbours_questions_have_a_budget_and_always_an_answer() {
        let now = Now::read();
        let config = Config {
            node_locates: Rate {
                per_second: 1,
                burst: 1,
            },
            ..Config::default()
        };
        let mut state = State::new(config, NETWORK.to_owned(), node(0));
        state
            .provide(peer(1).peer_id(), 1, record(1, CID, now), now)
            .unwrap();
        state.linked(node(1), &address("/ip4/10.0.0.1/tcp/1"), now);
        outputs(&mut state);
        for (cid, count) in [(CID, 1), (CID, 0), ("junk", 0)] {
            let question = cbor::encode(&DiscoveryFrame::Locate(locate(3, cid)));
            state.received(node(1), &question, now).unwrap();
            let answers = outputs(&mut state);
            let [Output::Send(to, frame)] = answers.as_slice() else {
                panic!("{answers:?}");
            };
            assert_eq!(*to, node(1));
            match cbor::decode("frame", frame, limits::NODE_FRAME).unwrap() {
                DiscoveryFrame::Providers(Providers {
                    id: 3,
                    records,
                    last: true,
                }) => {
                    assert_eq!(records.len(), count);
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn nodes_of_one_search_and_dials_are_bounded() {
    let now = Now::read();
    let config = Config {
        dials: 3,
        nodes_per_lookup: 5,
        ..Config::default()
    };
    let mut state = State::new(config, NETWORK.to_owned(), node(0));
    for n in 1..4 {
        state.linked(node(n), &address("/ip4/10.0.0.1/tcp/1"), now);
    }
    state
        .locate(peer(9).peer_id(), locate(5, CID), now)
        .unwrap();
    outputs(&mut state);
    let nodes: Vec<_> = (0..60).map(node).collect();
    state.providers_found(&key(CID), &nodes, now);
    let (mut sent, mut dialed) = (0, 0);
    for output in outputs(&mut state) {
        match output {
            Output::Send(..) => sent += 1,
            Output::Dial(_) => dialed += 1,
            Output::Event(event) => panic!("{event:?}"),
        }
    }
    assert_eq!((sent, dialed), (3, 2), "five nodes in all");
    state
        .locate(peer(9).peer_id(), locate(6, OTHER), now)
        .unwrap();
    outputs(&mut state);
    state.providers_found(&key(OTHER), &nodes[10..], now);
    assert_eq!(outputs(&mut state).len(), 1, "the third dial");
}

mod hostile {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn frames_never_panic(frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..20)) {
            let (mut state, now) = (state(0), Now::read());
            state.linked(node(1), &address("/ip4/10.0.0.1/tcp/1"), now);
            for frame in frames {
                let _ = state.received(node(1), &frame, now);
                outputs(&mut state);
            }
        }

        /// Whatever happens in whatever order: every look-up ends with a last answer.
        #[test]
        fn everything_ends(steps in prop::collection::vec((0u8..9, 1u8..5, 0u64..2_000), 1..60)) {
            let (mut state, mut now) = (state(0), Now::read());
            let (mut asked, mut ended) = (0, 0);
            let mut count = |state: &mut State| {
                for event in events(state) {
                    if let Event::ToPeer { message: FromNode::Providers(providers), .. } = event {
                        ended += usize::from(providers.last);
                    }
                }
                ended
            };
            for (what, n, ms) in steps {
                now = now.after(Duration::from_millis(ms));
                match what {
                    0 => state.linked(node(n), &address("/ip4/10.0.0.1/tcp/1"), now),
                    1 => state.unlinked(node(n), now),
                    2 => state.providers_found(&key(CID), &[node(n)], now),
                    3 => state.query_finished(&key(CID), now),
                    4 => state.expired(now),
                    5 => state.seek("lobby", now),
                    6 => {
                        let _ = state.provide(peer(n).peer_id(), 1, record(n, CID, now), now);
                    }
                    _ => {
                        let who = peer(n).peer_id();
                        asked += usize::from(state.locate(who, locate(1, CID), now).is_ok());
                    }
                }
                count(&mut state);
            }
            for _ in 0..4 {
                now = now.after(Duration::from_secs(5));
                state.expired(now);
            }
            prop_assert_eq!(count(&mut state), asked);
            prop_assert_eq!(state.summary().lookups, 0);
        }
    }
}
