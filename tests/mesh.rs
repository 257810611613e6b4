//! Promises of the mesh, kept by real nodes and native peers over loopback.

use std::{future::Future, time::Duration};

use libp2p::Multiaddr;
use velox_mesh::{
    node::{Node, with_peer_id},
    peer::{Event, Peer, Room},
};

const NETWORK: &str = "mesh.test";

async fn within<T>(seconds: u64, what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(Duration::from_secs(seconds), future).await {
        Ok(value) => value,
        Err(_) => panic!("not within {seconds} s: {what}"),
    }
}

fn address(node: &Node) -> Multiaddr {
    with_peer_id(node.listening()[0].clone(), node.peer_id())
}

async fn node(bootstrap: &[&Node]) -> Node {
    node_with(bootstrap, |_| {}).await
}

async fn node_with(
    bootstrap: &[&Node],
    change: impl FnOnce(&mut velox_mesh::node::Config),
) -> Node {
    let loopback = "/ip4/127.0.0.1/tcp/0".parse().expect("a multiaddr");
    let mut builder = Node::builder(NETWORK).listen(loopback);
    for other in bootstrap {
        builder = builder.bootstrap(address(other));
    }
    builder.configure(change).spawn().await.expect("starts")
}

/// A peer of one node, attached.
async fn peer(node: &Node) -> Peer {
    let peer = Peer::builder(NETWORK)
        .node(address(node))
        .configure(|config| config.attachments = 1)
        .spawn()
        .await
        .expect("starts");
    attached(&peer, 1).await;
    peer
}

async fn attached(peer: &Peer, count: usize) {
    let mut events = peer.events();
    within(10, "attached", async {
        while peer.attached().await.expect("runs").len() < count {
            events.recv().await.expect("runs");
        }
    })
    .await;
}

/// Waits until `room` shows exactly these members besides the peer itself.
async fn sees(peer: &Peer, room: &Room, seconds: u64, others: &[&Peer]) {
    let mut events = peer.events();
    let mut expected: Vec<_> = others.iter().map(|peer| peer.peer_id()).collect();
    expected.sort();
    let mut seen = Vec::new();
    let agreed = tokio::time::timeout(Duration::from_secs(seconds), async {
        loop {
            seen = room
                .members()
                .await
                .expect("runs")
                .iter()
                .map(|record| record.peer)
                .collect();
            seen.sort();
            if seen == expected {
                return;
            }
            events.recv().await.expect("runs");
        }
    })
    .await;
    assert!(
        agreed.is_ok(),
        "sees {seen:?}, not {expected:?}, after {seconds} s"
    );
}

async fn hears(events: &mut tokio::sync::broadcast::Receiver<Event>, text: &str) {
    within(10, text, async {
        loop {
            if let Event::Message { bytes, .. } = events.recv().await.expect("runs") {
                assert_eq!(bytes, text.as_bytes());
                return;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn peers_on_two_nodes_meet_and_talk() {
    let first = node(&[]).await;
    let second = node(&[&first]).await;
    let (ann, bob) = (peer(&first).await, peer(&second).await);
    let at_ann = ann.join("lobby", b"\"ann\"".to_vec()).await.unwrap();
    let at_bob = bob.join("lobby", vec![]).await.unwrap();
    sees(&ann, &at_ann, 5, &[&bob]).await;
    sees(&bob, &at_bob, 5, &[&ann]).await;
    assert_eq!(at_bob.members().await.unwrap()[0].meta, b"\"ann\"");

    let (mut to_ann, mut to_bob) = (ann.events(), bob.events());
    at_ann
        .send(bob.peer_id(), b"hello".to_vec())
        .await
        .expect("acknowledged");
    hears(&mut to_bob, "hello").await;
    at_bob
        .send(ann.peer_id(), vec![b'x'; 20_000])
        .await
        .expect("in fragments");
    hears(&mut to_ann, &"x".repeat(20_000)).await;

    at_ann.leave().await.unwrap();
    sees(&bob, &at_bob, 5, &[]).await;
}

#[tokio::test]
async fn peers_of_one_node_meet_without_gossip() {
    let only = node(&[]).await;
    let (ann, bob) = (peer(&only).await, peer(&only).await);
    let at_ann = ann.join("lobby", vec![]).await.unwrap();
    let at_bob = bob.join("lobby", vec![]).await.unwrap();
    sees(&ann, &at_ann, 5, &[&bob]).await;
    sees(&bob, &at_bob, 5, &[&ann]).await;
    bob.stop().await.unwrap();
    sees(&ann, &at_ann, 5, &[]).await;
}

#[tokio::test]
async fn peers_attach_over_webrtc_direct() {
    let directory = tempfile::tempdir().expect("a directory");
    let start = async || {
        Node::builder(NETWORK)
            .listen(
                "/ip4/127.0.0.1/udp/0/webrtc-direct"
                    .parse()
                    .expect("a multiaddr"),
            )
            .data_dir(directory.path())
            .spawn()
            .await
            .expect("starts")
    };
    let certhash = |node: &Node| {
        let address = node.listening()[0].to_string();
        address
            .split_once("/certhash/")
            .map(|(_, hash)| hash.to_owned())
    };
    let only = start().await;
    let (one, two) = (peer(&only).await, peer(&only).await);
    let in_one = one.join("room", vec![]).await.expect("runs");
    let in_two = two.join("room", vec![]).await.expect("runs");
    sees(&one, &in_one, 10, &[&two]).await;
    sees(&two, &in_two, 10, &[&one]).await;
    let status = only.status().await.expect("runs");
    assert_eq!(
        (status.attachments.attached, status.connections.nodes),
        (2, 0)
    );
    let before = certhash(&only);
    assert!(before.is_some() && status.addresses[0].contains("/certhash/"));
    only.stop().await.expect("stops");
    drop(only);
    assert_eq!(
        certhash(&start().await),
        before,
        "addresses outlive a restart"
    );
}

#[tokio::test]
async fn a_node_dies_and_its_peers_keep_their_rooms() {
    let first = node(&[]).await;
    let second = node(&[&first]).await;
    let third = node(&[&first, &second]).await;
    let bob = peer(&third).await;
    let at_bob = bob.join("lobby", vec![]).await.unwrap();
    let ann = Peer::builder(NETWORK)
        .node(address(&first))
        .node(address(&second))
        .spawn()
        .await
        .unwrap();
    attached(&ann, 2).await;
    let at_ann = ann.join("lobby", vec![]).await.unwrap();
    sees(&ann, &at_ann, 5, &[&bob]).await;
    sees(&bob, &at_bob, 5, &[&ann]).await;

    let primary = ann.attached().await.unwrap()[0];
    let dying = if primary == first.peer_id() {
        &first
    } else {
        &second
    };
    let mut at_ann_events = ann.events();
    dying.stop().await.unwrap();
    within(10, "detached", async {
        while !matches!(at_ann_events.recv().await, Ok(Event::Detached(_))) {}
    })
    .await;
    let mut to_bob = bob.events();
    at_ann
        .send(bob.peer_id(), b"still here".to_vec())
        .await
        .expect("over the other node");
    hears(&mut to_bob, "still here").await;
    sees(&bob, &at_bob, 10, &[&ann]).await;
}

#[tokio::test]
async fn who_is_gone_is_unreachable_within_three_seconds() {
    let only = node(&[]).await;
    let (ann, bob) = (peer(&only).await, peer(&only).await);
    let at_ann = ann.join("lobby", vec![]).await.unwrap();
    bob.join("lobby", vec![]).await.unwrap();
    sees(&ann, &at_ann, 5, &[&bob]).await;
    let gone = bob.peer_id();
    let record = at_ann.members().await.unwrap().remove(0);
    assert_eq!(record.peer, gone);
    bob.stop().await.unwrap();
    let error = within(5, "an error", at_ann.send(gone, b"hello?".to_vec())).await;
    assert!(error.is_err());
}

#[tokio::test]
async fn providers_are_found_across_nodes() {
    let first = node(&[]).await;
    let second = node(&[&first]).await;
    let third = node(&[&first, &second]).await;
    let (ann, bob) = (peer(&first).await, peer(&third).await);
    let cid = velox_mesh::content::add(b"a resource").root.to_string();
    within(10, "provided", ann.provide(&cid)).await.unwrap();
    let found = within(10, "located", async {
        loop {
            // Its node may ask before the announcement has reached the DHT.
            if let Some(record) = bob.locate(&cid).await.unwrap().recv().await {
                return record;
            }
        }
    })
    .await;
    assert_eq!(found.peer, ann.peer_id());
    let unknown = velox_mesh::content::add(b"nobody has this")
        .root
        .to_string();
    let mut nobody = bob.locate(&unknown).await.unwrap();
    assert!(within(10, "an end", nobody.recv()).await.is_none());
}

#[tokio::test]
async fn a_node_restarts_without_any_bootstrap_node() {
    let dir = tempfile::tempdir().unwrap();
    let seed = node(&[]).await;
    let other = node(&[&seed]).await;
    let keep = |config: &mut velox_mesh::node::Config| config.data_dir = Some(dir.path().into());
    let restarted = node_with(&[&seed], keep).await;
    let name = restarted.peer_id();
    connected(&restarted, 2).await;
    restarted.stop().await.unwrap();
    seed.stop().await.unwrap();
    let again = within(10, "the directory is free", async {
        loop {
            let builder = Node::builder(NETWORK)
                .listen("/ip4/127.0.0.1/tcp/0".parse().unwrap())
                .configure(keep);
            match builder.spawn().await {
                Ok(node) => return node,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    })
    .await;
    assert_eq!(again.peer_id(), name);
    connected(&again, 1).await;
    drop(other);
}

async fn connected(node: &Node, count: usize) {
    let mut tick = tokio::time::interval(Duration::from_millis(50));
    within(20, "connected", async {
        while node.status().await.expect("runs").connections.nodes < count {
            tick.tick().await;
        }
    })
    .await;
}

#[tokio::test]
async fn two_networks_never_mix() {
    let ours = node(&[]).await;
    let theirs = Node::builder("other.test")
        .listen("/ip4/127.0.0.1/tcp/0".parse().unwrap())
        .bootstrap(address(&ours))
        .spawn()
        .await
        .unwrap();
    let third = node(&[&ours]).await;
    connected(&third, 1).await;
    assert_eq!(theirs.status().await.unwrap().connections.nodes, 0);
    assert_eq!(ours.status().await.unwrap().connections.nodes, 1);

    let lost = Peer::builder("other.test")
        .node(address(&ours))
        .spawn()
        .await
        .unwrap();
    let mut events = lost.events();
    let refusal = within(10, "a refusal", async {
        loop {
            if let Event::Refused(refusal) = events.recv().await.expect("runs") {
                return refusal;
            }
        }
    })
    .await;
    assert_eq!(refusal.code, "network");
    assert!(refusal.text.contains(NETWORK), "{}", refusal.text);
}

/// Twelve nodes with so few connections that two can be found which have none between them.
#[tokio::test]
async fn nodes_of_a_room_find_each_other() {
    let sparse = |config: &mut velox_mesh::node::Config| {
        config.connections.low = 2;
        config.connections.high = 3;
        config.connections.grace_seconds = 1;
        config.connections.near = 0;
    };
    let mut nodes = vec![node_with(&[], sparse).await];
    for number in 1..12 {
        let known = [&nodes[number - 1], &nodes[number / 2]];
        let next = node_with(&known, sparse).await;
        connected(&next, 1).await;
        nodes.push(next);
    }
    let (one, other) = within(30, "two nodes that stay without a connection", async {
        let mut tick = tokio::time::interval(Duration::from_millis(200));
        let mut apart_for = [0; 12];
        loop {
            tick.tick().await;
            let first = nodes[0].status().await.unwrap().connections.peer_ids;
            for number in 1..12 {
                let known = nodes[number].status().await.unwrap().connections.peer_ids;
                let met = known.contains(&nodes[0].peer_id().to_string())
                    || first.contains(&nodes[number].peer_id().to_string());
                let apart = !met && !first.is_empty() && !known.is_empty();
                apart_for[number] = if apart { apart_for[number] + 1 } else { 0 };
                if apart_for[number] == 10 {
                    return (&nodes[0], &nodes[number]);
                }
            }
        }
    })
    .await;
    let (ann, bob) = (peer(one).await, peer(other).await);
    let at_ann = ann.join("far apart", vec![]).await.unwrap();
    let at_bob = bob.join("far apart", vec![]).await.unwrap();
    sees(&ann, &at_ann, 20, &[&bob]).await;
    sees(&bob, &at_bob, 20, &[&ann]).await;
    at_ann
        .send(bob.peer_id(), b"found you".to_vec())
        .await
        .expect("acknowledged");
}
