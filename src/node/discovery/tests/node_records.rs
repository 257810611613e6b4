//! Records of nodes: what neighbours are told, believed and told of.

use super::*;

fn node_record(n: u8, now: Now, addrs: &[&str]) -> Signed<NodeRecord> {
    changed_record(n, now, addrs, |_| {})
}

fn changed_record(
    n: u8,
    now: Now,
    addrs: &[&str],
    change: impl FnOnce(&mut NodeRecord),
) -> Signed<NodeRecord> {
    let mut record = NodeRecord {
        v: V1,
        network: NETWORK.to_owned(),
        node: node(n),
        seq: now.millis,
        expires: now.millis + limits::NODE_RECORD_LIFE_MS,
        addrs: addrs.iter().map(|text| (*text).to_owned()).collect(),
    };
    change(&mut record);
    Signed::sign(&node_identity(n), record)
}

fn frame(record: &Signed<NodeRecord>) -> Vec<u8> {
    cbor::encode(&DiscoveryFrame::Node(NodeAnnouncement {
        record: record.to_wire(),
    }))
}

/// A node linked to node 1 at `remote`, which has announced `addrs`.
fn met(remote: &str, addrs: &[&str]) -> (State, Signed<NodeRecord>, Now) {
    let (mut state, now) = (state(0), Now::read());
    state.linked(node(1), &address(remote), now);
    let record = node_record(1, now, addrs);
    state.received(node(1), &frame(&record), now).unwrap();
    (state, record, now)
}

const GLOBAL: &str = "/ip4/8.8.4.4/tcp/50000";
const PRIVATE: &str = "/ip4/192.168.1.7/tcp/50000";
const LOOPBACK: &str = "/ip4/127.0.0.1/tcp/50000";

/// Who is handed the record: somebody far, on the same network, on the same host.
fn handed(state: &State) -> [bool; 3] {
    [GLOBAL, PRIVATE, LOOPBACK].map(|whom| !state.nodes_for(&address(whom), 8).is_empty())
}

#[test]
fn a_confirmed_record_is_handed_to_everybody() {
    let addrs = [
        "/ip4/8.8.4.4/tcp/80/ws",
        "/ip4/8.8.4.4/udp/4001/quic-v1",
        "/dns4/node.example/tcp/443/wss",
        "/dns/node.example/tcp/443/tls/ws",
    ];
    let (mut state, record, _) = met(GLOBAL, &addrs);
    assert_eq!(handed(&state), [true; 3]);
    assert_eq!(
        state.nodes_for(&address(GLOBAL), 8),
        [record.to_wire()],
        "as signed"
    );
    let seen = events(&mut state);
    let [
        Event::NodeRecord {
            confirmed,
            address: at,
            ..
        },
    ] = seen.as_slice()
    else {
        panic!("{seen:?}");
    };
    assert_eq!(confirmed.len(), 4);
    assert_eq!(*at, address(GLOBAL));
}

#[test]
fn a_strangers_address_goes_nowhere() {
    for stranger in [
        "/ip4/9.9.9.9/tcp/80/ws",
        "/ip6/2620:fe::fe/tcp/80/ws",
        "/ip4/192.168.1.7/tcp/80/ws",
        "/ip4/127.0.0.1/tcp/80/ws",
        "/dns4/victim.example/tcp/80/ws",
        "/dns4/localhost/tcp/443/wss",
        "/ip4/8.8.4.4/tcp/80/ws/p2p-circuit",
        "/memory/7",
        "no address",
    ] {
        let (mut state, _, _) = met(GLOBAL, &["/ip4/8.8.4.4/tcp/80/ws", stranger]);
        assert_eq!(handed(&state), [false; 3], "{stranger}");
        let seen = events(&mut state);
        let [Event::NodeRecord { confirmed, .. }] = seen.as_slice() else {
            panic!("{seen:?}");
        };
        assert_eq!(*confirmed, [address("/ip4/8.8.4.4/tcp/80/ws")]);
    }
}

#[test]
fn a_second_connection_confirms_a_second_address() {
    let addrs = ["/ip4/8.8.4.4/tcp/80/ws", "/ip6/2620:fe::fe/tcp/80/ws"];
    let (mut state, _, _) = met(GLOBAL, &addrs);
    assert_eq!(handed(&state), [false; 3]);
    state.seen_at(node(1), &address("/ip6/2620:fe::fe/udp/9/quic-v1"));
    assert_eq!(handed(&state), [true; 3]);
}

#[test]
fn a_node_that_was_dialed_by_name_is_confirmed_by_name() {
    let addrs = ["/dns4/Node.example/tcp/80/ws"];
    let (state, ..) = met("/dns4/node.example/tcp/4001", &addrs);
    assert_eq!(handed(&state), [true; 3]);
}

#[test]
fn what_is_near_is_told_to_those_who_are_near() {
    let (state, ..) = met(
        PRIVATE,
        &["/ip4/192.168.1.7/tcp/80/ws", "/ip4/127.0.0.1/tcp/80/ws"],
    );
    assert_eq!(handed(&state), [false, true, true]);
    let (state, ..) = met(LOOPBACK, &["/ip4/127.0.0.1/tcp/80/ws"]);
    assert_eq!(
        handed(&state),
        [false, false, true],
        "nothing there for a neighbour"
    );
    let (state, ..) = met(
        LOOPBACK,
        &["/ip4/127.0.0.1/tcp/80/ws", "/ip4/192.168.1.7/tcp/80/ws"],
    );
    assert_eq!(handed(&state), [false, true, true]);
}

#[test]
fn a_page_needs_a_websocket_or_webrtc_direct() {
    let nodes = ["/ip4/8.8.4.4/tcp/4001", "/ip4/8.8.4.4/udp/1/quic-v1"];
    let (state, ..) = met(GLOBAL, &nodes);
    assert_eq!(handed(&state), [false; 3]);
    for page in [
        "/ip4/8.8.4.4/tcp/80/ws",
        "/ip4/8.8.4.4/udp/4601/webrtc-direct",
    ] {
        let (state, ..) = met(GLOBAL, &[nodes[0], nodes[1], page]);
        assert_eq!(handed(&state), [true; 3], "{page}");
    }
}

#[test]
fn records_end_with_their_time_and_with_the_link() {
    let addrs = ["/ip4/8.8.4.4/tcp/80/ws"];
    let (mut state, _, now) = met(GLOBAL, &addrs);
    let end = now.after(Duration::from_millis(limits::NODE_RECORD_LIFE_MS));
    assert_eq!(
        state.deadline(),
        Some(now.after(Duration::from_secs(2)).instant)
    );
    state.expired(now.after(Duration::from_secs(2)));
    assert_eq!(state.deadline(), Some(end.instant));
    state.expired(end);
    assert_eq!(handed(&state), [false; 3]);
    assert_eq!(state.deadline(), None);
    let (mut state, _, now) = met(GLOBAL, &addrs);
    state.unlinked(node(1), now);
    assert_eq!(handed(&state), [false; 3]);
    assert_eq!(state.summary().node_records, 0);
}

#[test]
fn the_newest_record_counts() {
    let (mut state, _, now) = met(GLOBAL, &["/ip4/8.8.4.4/tcp/80/ws"]);
    let newer = changed_record(1, now, &[], |record| record.seq += 1);
    state.received(node(1), &frame(&newer), now).unwrap();
    assert_eq!(handed(&state), [false; 3]);
    let older = node_record(1, now, &["/ip4/8.8.4.4/tcp/80/ws"]);
    state.received(node(1), &frame(&older), now).unwrap();
    assert_eq!(handed(&state), [false; 3]);
    assert_eq!(state.summary().node_records, 1);
}

#[test]
fn a_false_record_ends_the_link_and_an_old_one_is_passed_over() {
    let (mut state, now) = (state(0), Now::read());
    state.linked(node(1), &address(GLOBAL), now);
    let addrs = ["/ip4/8.8.4.4/tcp/80/ws"];
    let other = changed_record(1, now, &addrs, |record| record.network = "else".to_owned());
    assert!(state.received(node(1), &frame(&other), now).is_err());
    let anothers = node_record(2, now, &addrs);
    assert!(state.received(node(1), &frame(&anothers), now).is_err());
    let mut forged = node_record(1, now, &addrs).to_wire();
    let last = forged.len() - 1;
    forged[last] ^= 1;
    let forged = cbor::encode(&DiscoveryFrame::Node(NodeAnnouncement { record: forged }));
    assert!(state.received(node(1), &forged, now).is_err());
    for expires in [
        now.millis,
        now.millis + limits::NODE_RECORD_LIFE_MS + 120_001,
    ] {
        let record = changed_record(1, now, &addrs, |record| record.expires = expires);
        state.received(node(1), &frame(&record), now).unwrap();
    }
    assert_eq!(handed(&state), [false; 3]);
    assert_eq!(state.summary().refused, 3);
}

#[test]
fn announcements_have_a_budget() {
    let (mut state, now) = (state(0), Now::read());
    state.linked(node(1), &address(GLOBAL), now);
    for seq in 0..50 {
        let record = changed_record(1, now, &[], |record| record.seq += seq);
        state.received(node(1), &frame(&record), now).unwrap();
    }
    let burst = Config::default().node_records.burst as usize;
    assert_eq!(events(&mut state).len(), burst);
}

#[test]
fn records_from_different_networks_come_first() {
    let (mut state, now) = (state(0), Now::read());
    for n in 1..=9 {
        // Eight nodes of one network, one of another.
        let ip = if n < 9 {
            format!("8.8.4.{n}")
        } else {
            "9.9.9.9".to_owned()
        };
        state.linked(node(n), &address(&format!("/ip4/{ip}/tcp/5")), now);
        let record = node_record(n, now, &[&format!("/ip4/{ip}/tcp/80/ws")]);
        state.received(node(n), &frame(&record), now).unwrap();
    }
    for whom in 0..20 {
        let nodes = state.nodes_for(&address(&format!("/ip4/5.6.7.{whom}/tcp/1")), 2);
        let ips: Vec<_> = nodes
            .iter()
            .map(|bytes| Signed::<NodeRecord>::peek(bytes).unwrap().addrs[0].clone())
            .collect();
        assert_eq!(ips.len(), 2);
        assert!(
            ips.contains(&"/ip4/9.9.9.9/tcp/80/ws".to_owned()),
            "{ips:?}"
        );
    }
    assert_eq!(state.nodes_for(&address(GLOBAL), 100).len(), 9);
}

#[test]
fn the_own_record_goes_to_every_neighbour_now_later_and_as_it_changes() {
    let (mut state, now) = (state(0), Now::read());
    let told = |state: &mut State| -> Vec<_> {
        let mut told: Vec<_> = outputs(state)
            .into_iter()
            .filter_map(|output| match output {
                Output::Send(node, frame) => Some((node, frame)),
                _ => None,
            })
            .collect();
        told.sort();
        told
    };
    let both = |frame: &[u8]| {
        let mut both = vec![(node(1), frame.to_vec()), (node(2), frame.to_vec())];
        both.sort();
        both
    };
    state.linked(node(1), &address(GLOBAL), now);
    let first = node_record(0, now, &[]);
    state.set_own_record(first.clone(), now);
    assert_eq!(told(&mut state), [(node(1), frame(&first))]);
    state.linked(node(2), &address(LOOPBACK), now);
    assert_eq!(told(&mut state), [(node(2), frame(&first))]);
    state.set_own_record(first.clone(), now);
    assert!(told(&mut state).is_empty(), "nothing has changed");
    let second = changed_record(0, now, &[], |record| record.seq += 1);
    state.set_own_record(second.clone(), now);
    assert_eq!(told(&mut state), both(&frame(&second)));
    let later = now.after(Duration::from_secs(600));
    state.expired(later);
    assert_eq!(told(&mut state), both(&frame(&second)));
}

#[test]
fn neighbours_near_and_far_are_told_what_reaches_them() {
    let (mut state, now) = (state(0), Now::read());
    state.linked(node(1), &address(GLOBAL), now);
    state.linked(node(2), &address(LOOPBACK), now);
    let near = node_record(0, now, &["/ip4/127.0.0.1/tcp/80/ws"]);
    let far = node_record(0, now, &["/ip4/8.8.8.8/tcp/80/ws"]);
    state.set_own_record_for(Reach::Loopback, near.clone(), now);
    state.set_own_record_for(Reach::Global, far.clone(), now);
    let sent: HashMap<_, _> = outputs(&mut state)
        .into_iter()
        .filter_map(|output| match output {
            Output::Send(node, frame) => Some((node, frame)),
            _ => None,
        })
        .collect();
    assert_eq!(sent[&node(1)], frame(&far));
    assert_eq!(sent[&node(2)], frame(&near));
}
