//! The rules of attachments, one by one.

use std::time::Duration;

use libp2p::{Multiaddr, PeerId};

use super::{AttachmentId, Config, Event, Output, State};
use crate::{
    clock::Now,
    identity::Identity,
    node::{Denied, IceOffer},
    wire::{
        Array, Bytes, Signed, V1,
        attach::{
            Beat, Bye, Fragment, FromNode, FromPeer, Hello, Presence, Record, Refusal, Visibility,
        },
        cbor, fragment, limits,
        presence::{Leave, PresenceRecord},
    },
};

const NETWORK: &str = "example.org";

struct Rig {
    state: State,
    node: PeerId,
    now: Now,
    next: u64,
}

impl Rig {
    fn new(config: Config) -> Self {
        let node = Identity::generate().peer_id();
        Rig {
            state: State::new(config, NETWORK.into(), node),
            node,
            now: Now::read(),
            next: 0,
        }
    }

    fn open(&mut self, peer: PeerId) -> AttachmentId {
        let id = AttachmentId::External(self.next);
        self.next += 1;
        let address: Multiaddr = "/ip4/192.0.2.7/tcp/4000/ws".parse().unwrap();
        self.state.opened(id, peer, address, self.now);
        id
    }

    fn attach(&mut self, peer: PeerId) -> AttachmentId {
        let id = self.open(peer);
        self.say(id, &hello(NETWORK, 1));
        self.state.welcome(peer, vec![], self.now);
        self.outputs();
        id
    }

    fn say(&mut self, id: AttachmentId, message: &FromPeer) {
        self.state.received(id, &cbor::encode(message), self.now);
    }

    fn wait(&mut self, seconds: u64) {
        let end = self.now.after(Duration::from_secs(seconds));
        while let Some(deadline) = self.state.deadline().filter(|at| *at <= end.instant) {
            self.now = self
                .now
                .after(deadline.saturating_duration_since(self.now.instant));
            self.state.expired(self.now);
        }
        self.now = end;
    }

    fn outputs(&mut self) -> Vec<Output> {
        std::iter::from_fn(|| self.state.output()).collect()
    }

    fn record(&self, peer: &Identity, change: impl FnOnce(&mut PresenceRecord)) -> FromPeer {
        let mut record = PresenceRecord {
            v: V1,
            network: NETWORK.into(),
            room: "lobby".into(),
            peer: peer.peer_id(),
            key: Array::new([1; 32]),
            seq: 1,
            expires: self.now.millis + 60_000,
            attach: vec![self.node],
            meta: vec![],
        };
        change(&mut record);
        FromPeer::Join(Record {
            record: Signed::sign(peer, record).to_wire(),
        })
    }
}

fn hello(network: &str, version: u64) -> FromPeer {
    FromPeer::Hello(Hello {
        versions: vec![version],
        network: network.into(),
        agent: "test".into(),
        token: None,
    })
}

fn messages(outputs: &[Output]) -> Vec<FromNode> {
    let frames = outputs.iter().filter_map(|output| match output {
        Output::Send(_, frame) => Some(frame),
        _ => None,
    });
    frames
        .map(|frame| cbor::decode("message", frame, limits::ATTACH_FRAME).unwrap())
        .collect()
}

fn refusal(outputs: &[Output]) -> Option<Refusal> {
    messages(outputs)
        .into_iter()
        .find_map(|message| match message {
            FromNode::Refused(refusal) => Some(refusal),
            _ => None,
        })
}

fn closed(outputs: &[Output]) -> bool {
    outputs
        .iter()
        .any(|output| matches!(output, Output::Close(_)))
}

fn detached(outputs: &[Output]) -> Option<PeerId> {
    outputs.iter().find_map(|output| match output {
        Output::Event(Event::Detached { peer }) => Some(*peer),
        _ => None,
    })
}

#[test]
fn hello_is_answered_by_welcome_with_the_time() {
    let mut rig = Rig::new(Config::default());
    let peer = PeerId::random();
    let id = rig.open(peer);
    rig.say(id, &hello(NETWORK, 1));
    assert!(matches!(
        rig.outputs()[..],
        [Output::Event(Event::Attached { peer: who, .. })] if who == peer
    ));
    rig.state.welcome(peer, vec![], rig.now);
    match &messages(&rig.outputs())[..] {
        [FromNode::Welcome(welcome)] => {
            assert_eq!(welcome.time, rig.now.millis);
            assert_eq!(welcome.lease, 30_000);
            assert!(welcome.observed.contains("192.0.2.7"));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(rig.state.summary(rig.now).attached, 1);
}

#[test]
fn another_network_or_version_is_refused_by_name() {
    for (hello, code, word) in [
        (hello("example.com", 1), "network", "example.org"),
        (hello(NETWORK, 2), "version", "version 1"),
    ] {
        let mut rig = Rig::new(Config::default());
        let id = rig.open(PeerId::random());
        rig.say(id, &hello);
        let outputs = rig.outputs();
        let refusal = refusal(&outputs).unwrap();
        assert_eq!(refusal.code, code);
        assert!(
            refusal.fatal && refusal.text.contains(word),
            "{}",
            refusal.text
        );
        assert!(closed(&outputs));
        assert_eq!(detached(&outputs), None, "it never was attached");
    }
}

#[test]
fn nothing_comes_before_hello_and_hello_comes_soon() {
    let mut rig = Rig::new(Config::default());
    let id = rig.open(PeerId::random());
    rig.say(id, &FromPeer::Pong(Beat { n: 1 }));
    assert!(closed(&rig.outputs()));

    rig.open(PeerId::random());
    rig.wait(4);
    assert!(!closed(&rig.outputs()));
    rig.wait(2);
    assert!(closed(&rig.outputs()), "after 5 s");
}

#[test]
fn a_peer_that_answers_stays_and_a_silent_one_is_away_then_gone() {
    let mut rig = Rig::new(Config::default());
    let (lively, silent) = (PeerId::random(), PeerId::random());
    let id = rig.attach(lively);
    rig.attach(silent);
    let mut gone = None;
    for second in 1..=40u64 {
        rig.wait(1);
        let outputs = rig.outputs();
        let pinged = outputs
            .iter()
            .any(|output| matches!(output, Output::Send(to, _) if *to == id));
        if pinged {
            rig.say(id, &FromPeer::Pong(Beat { n: second }));
        }
        if let Some(peer) = detached(&outputs) {
            assert_eq!(peer, silent);
            gone = Some(second);
        }
        let away = rig.state.summary(rig.now).away;
        assert_eq!(
            away,
            usize::from((5..30).contains(&second)),
            "second {second}"
        );
    }
    assert_eq!(gone, Some(30));
    assert_eq!(rig.state.summary(rig.now).attached, 1);
}

#[test]
fn whose_ping_is_due_soon_is_pinged_along_and_a_hello_has_all_its_time() {
    let config = Config {
        hello_seconds: Config::default().ping_seconds,
        ..Config::default()
    };
    let mut rig = Rig::new(config);
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(rig.attach(PeerId::random()));
        rig.now = rig.now.after(Duration::from_millis(30));
    }
    let waits = rig.open(PeerId::random());
    for expected in [vec![ids[0], ids[1]], vec![ids[2]], vec![waits]] {
        let deadline = rig.state.deadline().unwrap();
        rig.now = rig.now.after(deadline - rig.now.instant);
        rig.state.expired(rig.now);
        let outputs = rig.outputs();
        let told = outputs.iter().filter_map(|output| match output {
            Output::Send(id, _) => Some(*id),
            _ => None,
        });
        assert_eq!(told.collect::<Vec<_>>(), expected);
    }
    // From now on the first two have one turn.
    let deadline = rig.state.deadline().unwrap();
    rig.now = rig.now.after(deadline - rig.now.instant);
    rig.state.expired(rig.now);
    assert_eq!(rig.outputs().len(), 2);
}

#[test]
fn a_hidden_page_is_pinged_every_15_seconds() {
    let mut rig = Rig::new(Config::default());
    let id = rig.attach(PeerId::random());
    rig.say(id, &FromPeer::Visibility(Visibility { hidden: true }));
    let mut pings = 0;
    for _ in 0..60 {
        rig.wait(1);
        for message in messages(&rig.outputs()) {
            if let FromNode::Ping(beat) = message {
                pings += 1;
                rig.say(id, &FromPeer::Pong(beat));
            }
        }
    }
    assert!((3..=5).contains(&pings), "{pings} pings in a minute");
    assert_eq!(rig.state.summary(rig.now).away, 0);
}

#[test]
fn a_page_that_says_whether_it_is_seen_is_pinged_at_once() {
    let mut rig = Rig::new(Config::default());
    let id = rig.attach(PeerId::random());
    let mut last = 0;
    for hidden in [false, true, false] {
        rig.outputs();
        rig.say(id, &FromPeer::Visibility(Visibility { hidden }));
        let said = messages(&rig.outputs());
        let [FromNode::Ping(beat)] = said.as_slice() else {
            panic!("{said:?}");
        };
        assert!(beat.n > last);
        last = beat.n;
    }
    // The next comes as soon as a visible page's does, though it was hidden just before.
    rig.wait(Config::default().ping_seconds);
    assert!(matches!(messages(&rig.outputs())[..], [FromNode::Ping(_)]));
}

#[test]
fn bye_and_a_closed_carrier_are_noticed_at_once() {
    let mut rig = Rig::new(Config::default());
    let (first, second) = (PeerId::random(), PeerId::random());
    let id = rig.attach(first);
    rig.say(id, &FromPeer::Bye(Bye {}));
    assert_eq!(detached(&rig.outputs()), Some(first));
    let id = rig.attach(second);
    rig.state.closed(id);
    assert_eq!(detached(&rig.outputs()), Some(second));
    assert_eq!(rig.state.deadline(), None, "no timer is left behind");
}

#[test]
fn a_peer_that_comes_back_was_never_away() {
    let mut rig = Rig::new(Config::default());
    let peer = PeerId::random();
    let old = rig.attach(peer);
    let new = rig.open(peer);
    rig.say(new, &hello(NETWORK, 1));
    let outputs = rig.outputs();
    assert_eq!(detached(&outputs), None);
    assert!(
        outputs
            .iter()
            .any(|output| matches!(output, Output::Close(id) if *id == old))
    );
    rig.state.closed(old);
    assert_eq!(detached(&rig.outputs()), None);
    rig.state.closed(new);
    assert_eq!(detached(&rig.outputs()), Some(peer));
}

#[test]
fn own_records_pass_and_foreign_forged_or_misdated_ones_do_not() {
    let mut rig = Rig::new(Config::default());
    let peer = Identity::generate();
    let id = rig.attach(peer.peer_id());
    rig.say(id, &rig.record(&peer, |_| {}));
    assert!(matches!(
        rig.outputs()[..],
        [Output::Event(Event::Join { .. })]
    ));

    let now = rig.now.millis;
    let future = now + limits::RECORD_LIFE_MS + limits::CLOCK_SKEW_MS + 1;
    let past = now - limits::CLOCK_SKEW_MS - 1;
    type Change = Box<dyn FnOnce(&mut PresenceRecord)>;
    let wrong: [(&str, Change); 5] = [
        (
            "network",
            Box::new(|record| record.network = "example.com".into()),
        ),
        ("denied", Box::new(|record| record.attach.clear())),
        ("denied", Box::new(|record| record.room = "/cid/x".into())),
        ("expired", Box::new(move |record| record.expires = future)),
        ("expired", Box::new(move |record| record.expires = past)),
    ];
    for (code, change) in wrong {
        let message = rig.record(&peer, change);
        rig.say(id, &message);
        let outputs = rig.outputs();
        let refusal = refusal(&outputs).unwrap();
        assert_eq!(
            (refusal.code.as_str(), refusal.fatal),
            (code, false),
            "{}",
            refusal.text
        );
        assert!(!closed(&outputs));
    }

    // Somebody else's record, or an altered one, costs the attachment.
    let other = Identity::generate();
    rig.say(id, &rig.record(&other, |_| {}));
    assert_eq!(refusal(&rig.outputs()).unwrap().code, "forged");
    let id = rig.attach(peer.peer_id());
    let FromPeer::Join(mut join) = rig.record(&peer, |_| {}) else {
        unreachable!()
    };
    join.record[20] ^= 1;
    rig.say(id, &FromPeer::Join(join));
    let outputs = rig.outputs();
    assert!(refusal(&outputs).unwrap().fatal && closed(&outputs));
}

#[test]
fn nobody_says_anothers_leave() {
    let mut rig = Rig::new(Config::default());
    let (peer, victim) = (Identity::generate(), Identity::generate());
    let id = rig.attach(peer.peer_id());
    let leave = |who: &Identity| {
        let body = Leave {
            v: V1,
            network: NETWORK.into(),
            room: "lobby".into(),
            peer: who.peer_id(),
            seq: 2,
        };
        let record = Signed::sign(who, body).to_wire();
        FromPeer::Leave(Record { record })
    };
    rig.say(id, &leave(&peer));
    assert!(matches!(
        rig.outputs()[..],
        [Output::Event(Event::Leave { .. })]
    ));
    rig.say(id, &leave(&victim));
    let outputs = rig.outputs();
    assert_eq!(refusal(&outputs).unwrap().code, "forged");
    assert_eq!(
        detached(&outputs),
        Some(peer.peer_id()),
        "it costs itself its attachment"
    );
    assert!(
        !outputs
            .iter()
            .any(|output| matches!(output, Output::Event(Event::Leave { .. })))
    );
}

#[test]
fn garbage_and_floods_end_the_attachment() {
    let mut rig = Rig::new(Config::default());
    let id = rig.attach(PeerId::random());
    rig.state.received(id, b"\xff\xff", rig.now);
    let outputs = rig.outputs();
    assert_eq!(refusal(&outputs).unwrap().code, "malformed");
    assert!(closed(&outputs));

    let id = rig.attach(PeerId::random());
    for n in 0..500 {
        rig.say(id, &FromPeer::Pong(Beat { n }));
    }
    let outputs = rig.outputs();
    assert_eq!(refusal(&outputs).unwrap().code, "quota");
    assert!(closed(&outputs));
}

#[test]
fn attachments_are_bounded_in_all_and_by_address() {
    let mut rig = Rig::new(Config {
        max: 3,
        max_per_address: 2,
        ..Config::default()
    });
    rig.attach(PeerId::random());
    let second = rig.attach(PeerId::random());
    rig.open(PeerId::random());
    assert!(
        refusal(&rig.outputs())
            .unwrap()
            .text
            .contains("your address")
    );
    rig.state.closed(second);
    rig.outputs();
    rig.attach(PeerId::random());
    assert_eq!(
        rig.state.summary(rig.now).attached,
        2,
        "the place was given back"
    );
}

#[test]
fn large_messages_come_in_fragments() {
    let mut rig = Rig::new(Config::default());
    let peer = Identity::generate();
    let id = rig.attach(peer.peer_id());
    let message = cbor::encode(&rig.record(&peer, |_| {}));
    let half = message.len() / 2;
    for (last, part) in [(false, &message[..half]), (true, &message[half..])] {
        let data = Bytes::from(part.to_vec());
        rig.say(id, &FromPeer::Fragment(Fragment { id: 9, last, data }));
    }
    assert!(matches!(
        rig.outputs()[..],
        [Output::Event(Event::Join { .. })]
    ));

    let nested = cbor::encode(&FromPeer::Fragment(Fragment {
        id: 1,
        last: true,
        data: Bytes::from(message),
    }));
    for piece in fragment::cut(2, &nested) {
        rig.say(id, &FromPeer::Fragment(piece));
    }
    assert!(refusal(&rig.outputs()).unwrap().fatal);
}

#[test]
fn presence_that_was_dropped_is_asked_for_again() {
    let mut rig = Rig::new(Config {
        max_queue: 8_000,
        ..Config::default()
    });
    let peer = PeerId::random();
    let id = rig.attach(peer);
    let presence = FromNode::Presence(Presence {
        room: "lobby".into(),
        records: vec![Bytes::from(vec![0; 3_000])],
        gone: vec![],
        leaves: vec![],
        size: 1,
    });
    let mut sent = 0;
    for _ in 0..20 {
        rig.state.send(peer, &presence);
        for output in rig.outputs() {
            if let Output::Send(_, frame) = output {
                sent += frame.len();
            }
        }
    }
    rig.state.written(id, sent);
    while let Some(bytes) = Some(rig.outputs()).filter(|outputs| !outputs.is_empty()) {
        for output in bytes {
            match output {
                Output::Send(_, frame) => rig.state.written(id, frame.len()),
                Output::Event(Event::Resync { room, .. }) => {
                    assert_eq!(room, "lobby");
                    return;
                }
                other => panic!("{other:?}"),
            }
        }
    }
    panic!("no resync");
}

#[test]
fn a_draining_node_says_where_to_go() {
    let mut rig = Rig::new(Config::default());
    rig.attach(PeerId::random());
    let elsewhere = Bytes::from(vec![1, 2, 3]);
    rig.state.drain("stopping", |_| vec![elsewhere.clone()]);
    match &messages(&rig.outputs())[..] {
        [FromNode::GoAway(away)] => assert_eq!(away.nodes, [elsewhere]),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_refusal_that_is_not_fatal_leaves_the_attachment() {
    let mut rig = Rig::new(Config::default());
    let peer = PeerId::random();
    rig.attach(peer);
    let denied = Denied::new("quota", "too many rooms");
    rig.state
        .refuse(peer, &denied, Some(4), Some("lobby".into()));
    let outputs = rig.outputs();
    let refusal = refusal(&outputs).unwrap();
    assert_eq!(
        (refusal.id, refusal.room.as_deref()),
        (Some(4), Some("lobby"))
    );
    assert!(!closed(&outputs) && rig.state.is_attached(&peer));
}

#[test]
fn who_is_sent_away_for_saying_too_much_comes_back_with_nothing_left() {
    let mut rig = Rig::new(Config {
        messages_per_second: 10,
        message_burst: 20,
        ..Config::default()
    });
    let peer = Identity::generate().peer_id();
    let pong = FromPeer::Pong(Beat { n: 0 });
    let id = rig.attach(peer);
    for _ in 0..19 {
        rig.say(id, &pong);
    }
    assert!(!closed(&rig.outputs()));
    rig.say(id, &pong);
    assert!(closed(&rig.outputs()), "beyond the burst");
    let id = rig.open(peer);
    rig.say(id, &hello(NETWORK, 1));
    assert_eq!(refusal(&rig.outputs()).unwrap().code, "quota");
    rig.wait(1);
    let id = rig.attach(peer);
    for _ in 0..9 {
        rig.say(id, &pong);
    }
    assert!(!closed(&rig.outputs()), "what has come back in a second");
    rig.say(id, &pong);
    assert!(closed(&rig.outputs()));
    let other = rig.attach(Identity::generate().peer_id());
    rig.say(other, &pong);
    assert!(!closed(&rig.outputs()), "nobody else pays for it");
}

#[test]
fn several_carriers_of_one_peer_have_one_budget() {
    let mut rig = Rig::new(Config {
        messages_per_second: 1,
        message_burst: 20,
        ..Config::default()
    });
    let peer = Identity::generate().peer_id();
    let carriers = [(); 5].map(|()| rig.open(peer));
    let mut taken = 0;
    for id in carriers {
        rig.say(id, &hello(NETWORK, 1));
        for _ in 0..20 {
            if closed(&rig.outputs()) {
                break;
            }
            rig.say(id, &FromPeer::Pong(Beat { n: 0 }));
            taken += 1;
        }
    }
    assert!(taken <= 25, "{taken}");
}

#[test]
fn credentials_for_ice_servers_come_with_the_welcome_and_are_renewed_before_they_end() {
    let mut rig = Rig::new(Config::default());
    let at = "20.0.0.1:3478".parse().unwrap();
    let secret = velox_turn::Secret::new("north");
    rig.state
        .offer_ice(IceOffer::new([at], false, secret, || true));
    let peer = PeerId::random();
    let id = rig.open(peer);
    rig.say(id, &hello(NETWORK, 1));
    rig.state.welcome(peer, vec![], rig.now);
    let end = |welcome: &FromNode| match welcome {
        FromNode::Welcome(welcome) => {
            let name = welcome.ice[0].username.as_ref()?;
            let (end, user) = name.split_once(':')?;
            assert_eq!(user, peer.to_string());
            Some(end.parse::<u64>().unwrap() * 1_000)
        }
        _ => None,
    };
    let ends: Vec<_> = messages(&rig.outputs()).iter().filter_map(end).collect();
    let mut last = ends[0];
    let mut renewals = 0;
    for _ in 0..300 {
        rig.now = rig.now.after(Duration::from_secs(4));
        rig.say(id, &FromPeer::Pong(Beat { n: 1 }));
        rig.state.expired(rig.now);
        for message in messages(&rig.outputs()) {
            if let Some(end) = end(&message) {
                renewals += 1;
                last = end;
            }
        }
        assert!(
            last > rig.now.millis + 90_000,
            "what it has is about to end"
        );
    }
    assert_eq!(renewals, 2, "in 20 minutes");
}
