//! What a bootstrap node promises.

mod support;

use libp2p::{
    Multiaddr, identify,
    kad::{self, GetProvidersOk, QueryResult, RecordKey},
    swarm::SwarmEvent,
};
use support::{BehaviourEvent, PATIENCE, Program, command, listening, until};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

const NETWORK: &str = "example.org";

/// Dials the program and waits until it has been identified.
async fn meet(
    swarm: &mut libp2p::Swarm<support::Behaviour>,
    program: &Program,
    address: &Multiaddr,
) -> identify::Info {
    let node = program.peer_id;
    swarm
        .behaviour_mut()
        .kad
        .add_address(&node, address.clone());
    swarm.dial(address.clone()).expect("nothing forbids it");
    until(swarm, |event| match event {
        SwarmEvent::Behaviour(BehaviourEvent::Identify(identify::Event::Received {
            peer_id,
            info,
            ..
        })) if peer_id == node => Some(info),
        _ => None,
    })
    .await
}

#[tokio::test]
async fn nodes_that_know_only_the_bootstrap_node_find_each_other() {
    let program = Program::start(NETWORK, &[]).await;
    let [tcp, quic] = &program.addresses[..] else {
        panic!("two addresses: {:?}", program.addresses);
    };
    let mut one = listening(NETWORK).await;
    meet(&mut one, &program, tcp).await;
    let key = RecordKey::new(b"a room");
    let provider = *one.local_peer_id();
    one.behaviour_mut()
        .kad
        .start_providing(key.clone())
        .unwrap();
    // It announces itself while the other looks.
    let announcing = tokio::spawn(async move { until(&mut one, |_| None::<()>).await });

    let mut other = listening(NETWORK).await;
    meet(&mut other, &program, quic).await;
    let mut found = false;
    while !found {
        other.behaviour_mut().kad.get_providers(key.clone());
        found = until(&mut other, |event| match event {
            SwarmEvent::Behaviour(BehaviourEvent::Kad(kad::Event::OutboundQueryProgressed {
                result: QueryResult::GetProviders(Ok(result)),
                ..
            })) => Some(match result {
                GetProvidersOk::FoundProviders { providers, .. } => providers.contains(&provider),
                GetProvidersOk::FinishedWithNoAdditionalRecord { .. } => false,
            }),
            _ => None,
        })
        .await;
    }
    announcing.abort();
}

#[tokio::test]
async fn it_speaks_the_dht_and_identify_and_nothing_else() {
    let program = Program::start(NETWORK, &[]).await;
    let mut node = listening(NETWORK).await;
    let info = meet(&mut node, &program, &program.addresses[0]).await;
    let mut protocols: Vec<_> = info.protocols.iter().map(ToString::to_string).collect();
    protocols.sort();
    let expected = [
        "/ipfs/id/1.0.0",
        "/ipfs/id/push/1.0.0",
        "/velox/example.org/kad/1",
    ];
    assert_eq!(protocols, expected);
    assert_eq!(info.protocol_version, "/velox/example.org/1");
}

#[tokio::test]
async fn a_node_of_another_network_is_sent_away_and_named_in_the_log() {
    let mut program = Program::start(NETWORK, &[]).await;
    let mut stranger = listening("elsewhere.org").await;
    stranger.dial(program.addresses[0].clone()).unwrap();
    until(&mut stranger, |event| {
        matches!(event, SwarmEvent::ConnectionClosed { .. }).then_some(())
    })
    .await;
    let line = program.logs("another network").await;
    assert!(line.contains("/velox/elsewhere.org/1"), "{line}");
    assert!(
        line.contains(&stranger.local_peer_id().to_string()),
        "{line}"
    );
}

#[tokio::test]
async fn it_stops_cleanly_and_comes_back_with_its_key_and_what_it_knew() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().to_str().unwrap();
    let mut program = Program::start(NETWORK, &["--data-dir", data_dir]).await;
    let mut node = listening(NETWORK).await;
    node.dial(program.addresses[0].clone()).unwrap();
    // The node goes on while the program identifies it.
    let met = tokio::select! {
        line = program.logs("node met") => line,
        () = until(&mut node, |_| None) => unreachable!("until nothing"),
    };
    assert!(met.contains(&node.local_peer_id().to_string()), "{met}");
    let before = program.peer_id;
    program.signal("TERM").await;
    let status = timeout(PATIENCE, program.child.wait())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(status.code(), Some(0));

    let again = Program::start(NETWORK, &["--data-dir", data_dir]).await;
    assert_eq!(again.peer_id, before);
    // Nobody tells it about the node: it remembers, and dials.
    until(&mut node, |event| match event {
        SwarmEvent::ConnectionEstablished {
            peer_id, endpoint, ..
        } => (peer_id == before && endpoint.is_listener()).then_some(()),
        _ => None,
    })
    .await;
}

#[tokio::test]
async fn it_answers_for_its_health() {
    let program = Program::start(NETWORK, &["--http", "127.0.0.1:0"]).await;
    let http = program.http.clone().unwrap();
    for (path, expected) in [
        ("/healthz", "ok"),
        ("/readyz", "ok"),
        ("/metrics", "velox_bootstrap_connections 0"),
    ] {
        let body = get(&http, path).await;
        assert!(
            body.contains("200 OK") && body.contains(expected),
            "{path}: {body}"
        );
    }
}

#[tokio::test]
async fn what_is_wrong_is_said_in_one_line() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();
    let busy = format!("/ip4/127.0.0.1/tcp/{port}");
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("identity.key"), "no key").unwrap();
    let unreadable = dir.path().to_str().unwrap();
    for (flags, code, expected) in [
        (vec!["--listen", &busy], 1, "choose another with --listen"),
        (
            vec!["--listen", "/ip4/127.0.0.1/tcp/0", "--data-dir", unreadable],
            1,
            "identity.key",
        ),
        (
            vec!["--network", "no spaces"],
            1,
            "can't be a network's name",
        ),
        (vec!["--config", "/nowhere.toml"], 1, "/nowhere.toml"),
        (vec!["--bootstrap", "nonsense"], 2, "nonsense"),
        (vec!["--no-such-flag"], 2, "--no-such-flag"),
    ] {
        let run = command().args(&flags).output();
        let output = timeout(PATIENCE, run).await.unwrap().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{flags:?}: {said}");
        assert!(said.contains(expected), "{flags:?}: {said}");
    }
}

#[tokio::test]
async fn a_wrong_bootstrap_address_is_named_in_the_log() {
    let first = Program::start(NETWORK, &[]).await;
    let (mut address, other) = (first.addresses[0].clone(), libp2p::PeerId::random());
    address.pop();
    let wrong = format!("{address}/p2p/{other}");
    let mut program = Program::start(NETWORK, &["--bootstrap", &wrong]).await;
    let line = program.logs("can't reach a bootstrap node").await;
    assert!(line.contains(&first.peer_id.to_string()), "{line}");
}

async fn get(http: &str, path: &str) -> String {
    let address = http.strip_prefix("http://").expect("HTTP on loopback");
    let mut stream = TcpStream::connect(address).await.expect("HTTP on loopback");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream
        .write_all(request.as_bytes())
        .await
        .expect("HTTP on loopback");
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .await
        .expect("HTTP on loopback");
    answer
}
