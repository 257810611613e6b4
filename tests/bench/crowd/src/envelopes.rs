//! Two native peers in one room of the node: how long an envelope takes from one to the other.
//! Prints `{"event":"envelopes","ms":[…],"acked_ms":[…]}`: from the call of `Room::send` to the
//! other's `Event::Message`, and to its ack.

use std::time::{Duration, Instant};

use libp2p::{Multiaddr, PeerId};
use serde_json::json;
use tokio::{
    sync::broadcast::Receiver,
    time::{sleep, timeout},
};
use velox_mesh::peer::{Event, Peer, PeerError};

use crate::failure::Failure;

/// For whatever has no figure of its own.
const PATIENCE: Duration = Duration::from_secs(20);
const ROOM: &str = "envelopes";

#[derive(clap::Args)]
pub struct Options {
    /// The node, with its /p2p/….
    #[arg(long)]
    node: Multiaddr,
    /// Its network.
    #[arg(long)]
    network: String,
    /// Envelopes, one after the other.
    #[arg(long, default_value_t = 500)]
    count: u32,
    /// Milliseconds between two: a node grants a peer 100 messages a second.
    #[arg(long, default_value_t = 20)]
    every: u64,
}

pub async fn run(options: Options) -> Result<(), Failure> {
    let (from, mut sees) = attached(&options).await?;
    let (to, mut hears) = attached(&options).await?;
    let room = from.join(ROOM, Vec::new()).await?;
    to.join(ROOM, Vec::new()).await?;
    let (sender, receiver) = (from.peer_id(), to.peer_id());
    joined(&mut sees, receiver).await?;
    joined(&mut hears, sender).await?;
    let (mut ms, mut acked_ms) = (Vec::new(), Vec::new());
    for number in 0..options.count {
        let body = number.to_be_bytes().to_vec();
        let start = Instant::now();
        let arrived = async {
            until(&mut hears, "message", |event| {
                matches!(event, Event::Message { bytes, .. } if *bytes == number.to_be_bytes())
            })
            .await?;
            Ok(start.elapsed())
        };
        let acked = async {
            room.send(receiver, body).await?;
            Ok::<_, Failure>(start.elapsed())
        };
        let (arrived, acked) = futures::try_join!(arrived, acked)?;
        ms.push(arrived.as_secs_f64() * 1e3);
        acked_ms.push(acked.as_secs_f64() * 1e3);
        sleep(Duration::from_millis(options.every)).await;
    }
    println!(
        "{}",
        json!({ "event": "envelopes", "ms": ms, "acked_ms": acked_ms })
    );
    from.stop().await?;
    Ok(to.stop().await?)
}

async fn attached(options: &Options) -> Result<(Peer, Receiver<Event>), Failure> {
    let peer = Peer::builder(&options.network)
        .node(options.node.clone())
        .configure(|config| config.attachments = 1)
        .spawn()
        .await?;
    let mut events = peer.events();
    until(&mut events, "attachment", |event| {
        matches!(event, Event::Attached(_))
    })
    .await?;
    Ok((peer, events))
}

async fn joined(events: &mut Receiver<Event>, who: PeerId) -> Result<(), Failure> {
    until(
        events,
        "sight of the other",
        |event| matches!(event, Event::Joined(record) if record.peer == who),
    )
    .await
}

async fn until(
    events: &mut Receiver<Event>,
    what: &'static str,
    wanted: impl Fn(&Event) -> bool,
) -> Result<(), Failure> {
    let seen = async {
        loop {
            let event = events.recv().await.map_err(|_| PeerError::Stopped)?;
            if wanted(&event) {
                return Ok(());
            }
        }
    };
    timeout(PATIENCE, seen)
        .await
        .map_err(|_| Failure::Late(what))?
}
