//! Resident memory of `velox-bootstrap` with 200 nodes connected, half by TCP, half by QUIC,
//! each of which has announced itself and looked up the nodes around it.

#[path = "../tests/support/mod.rs"]
mod support;

use libp2p::{
    Swarm,
    kad::{self, QueryResult, RecordKey},
    swarm::SwarmEvent,
};
use support::{Behaviour, BehaviourEvent, Program, node, until};

const NODES: usize = 200;

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(measure());
}

async fn measure() {
    let program = Program::start("bench", &[]).await;
    let alone = program.resident();
    let mut nodes = Vec::new();
    for n in 0..NODES {
        let mut node = node("bench");
        // Nobody answers there: the nodes stay apart, and only the program's connections count.
        node.add_external_address("/ip4/127.0.0.1/tcp/1".parse().expect("a multiaddr"));
        join(&mut node, &program, n).await;
        // It answers the others for as long as the program is looked at.
        nodes.push(tokio::spawn(async move {
            loop {
                futures::StreamExt::select_next_some(&mut node).await;
            }
        }));
    }
    let mib = |bytes: u64| bytes as f64 / 1024.0 / 1024.0;
    let full = program.resident();
    println!("velox-bootstrap, resident memory:");
    println!("  started            {:6.1} MiB", mib(alone));
    println!("  {NODES} nodes connected {:5.1} MiB", mib(full));
    println!(
        "  each               {:6.1} KiB",
        (full - alone) as f64 / 1024.0 / NODES as f64
    );
}

async fn join(node: &mut Swarm<Behaviour>, program: &Program, n: usize) {
    let address = program.addresses[n % program.addresses.len()].clone();
    node.behaviour_mut()
        .kad
        .add_address(&program.peer_id, address);
    let key = RecordKey::new(&n.to_be_bytes());
    node.behaviour_mut()
        .kad
        .start_providing(key)
        .expect("a free store");
    until(node, |event| match event {
        SwarmEvent::Behaviour(BehaviourEvent::Kad(kad::Event::OutboundQueryProgressed {
            result: QueryResult::StartProviding(done),
            ..
        })) => Some(done.expect("announced")),
        _ => None,
    })
    .await;
    node.behaviour_mut()
        .kad
        .bootstrap()
        .expect("it knows the program");
}
