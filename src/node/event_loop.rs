//! Drives the swarm: sockets, disk, and the questions of [`Node`](super::Node).

use std::time::Duration;

use futures::StreamExt;
use libp2p::{Multiaddr, PeerId, Swarm, swarm::SwarmEvent};
use tokio::sync::{mpsc, oneshot, watch};
use web_time::Instant;

use super::{
    Behaviour, Config, Event, Status,
    addresses::{from_outside, is_for_browsers},
    data_dir::DataDir,
    handle::{Command, Document},
    lan::Found,
    status::{ConnectionSummary, DhtSummary},
};
use crate::{
    clock::Now,
    wire::{Bytes, Signed},
};

/// How often what has changed is written to disk.
const SAVE: Duration = Duration::from_secs(15);
/// How long attached peers have to go elsewhere when the node stops.
const DRAIN: Duration = Duration::from_millis(500);
/// How long closing connections may take.
const PARTING: Duration = Duration::from_millis(500);

/// The file of the address book in the data directory.
pub(super) const BOOK: &str = "nodes.json";
/// The file of the rooms' nodes.
pub(super) const ROOMS: &str = "rooms.json";

pub(super) struct EventLoop {
    pub(super) swarm: Swarm<Behaviour>,
    pub(super) config: Config,
    pub(super) disk: Option<DataDir>,
    /// Served as long as the loop runs.
    pub(super) turn: Option<velox_turn::Service>,
    /// Nodes of the local network, as they are found.
    pub(super) nearby: mpsc::Receiver<Found>,
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) listening: watch::Sender<Vec<Multiaddr>>,
    pub(super) started: Instant,
}

impl EventLoop {
    pub(super) async fn run(mut self) {
        let mut save = tokio::time::interval(SAVE);
        loop {
            tokio::select! {
                event = self.swarm.select_next_some() => self.on_event(event),
                command = self.commands.recv() => match command {
                    Some(Command::Stop { done }) => return self.stop(Some(done)).await,
                    Some(command) => self.on_command(command),
                    None => return self.stop(None).await,
                },
                Some(found) = self.nearby.recv() => {
                    tracing::debug!(node = %found.node, "a node in this local network");
                    let book = self.swarm.behaviour_mut().book_mut();
                    book.heard_of(found.node, found.addresses);
                }
                _ = save.tick() => self.save(),
            }
        }
    }

    fn on_event(&mut self, event: SwarmEvent<Event>) {
        match event {
            SwarmEvent::NewListenAddr { address, .. } => {
                tracing::info!(%address, "listening");
                let own = [address.clone()];
                for outside in from_outside(&self.config.external, &own) {
                    if !is_for_browsers(&outside) {
                        self.swarm.add_external_address(outside);
                    }
                }
                self.listening.send_modify(|all| all.push(address));
            }
            SwarmEvent::ExpiredListenAddr { address, .. } => {
                self.listening
                    .send_modify(|all| all.retain(|other| *other != address));
            }
            SwarmEvent::Behaviour(Event::Stranger { node, protocol }) => tracing::warn!(
                %node,
                theirs = %protocol,
                ours = %self.config.network,
                "a node of another network was left; check --network and --bootstrap"
            ),
            SwarmEvent::Behaviour(Event::BootstrapFailed { address, reason }) => tracing::warn!(
                %address,
                %reason,
                "can't reach this bootstrap node; check that it runs and that its address is right"
            ),
            SwarmEvent::ListenerError { error, .. } => {
                tracing::warn!(%error, "a listener has failed");
            }
            _ => {}
        }
    }

    fn on_command(&mut self, command: Command) {
        let behaviour = self.swarm.behaviour_mut();
        // An answer that nobody waits for any more is dropped.
        match command {
            Command::Status(answer) => {
                answer.send(self.status()).ok();
            }
            Command::Document { for_whom, answer } => {
                let record = behaviour.record_for(&for_whom);
                let document = Document {
                    record: record.map_or_else(Bytes::new, Signed::to_wire),
                    nodes: behaviour.nodes_for(&for_whom),
                };
                answer.send(document).ok();
            }
            Command::RoomSize { room, answer } => {
                answer.send(behaviour.room_size(&room)).ok();
            }
            Command::IceServers { from, answer } => {
                let servers = behaviour.ice_servers(from, Now::read());
                answer.send(servers).ok();
            }
            Command::HttpAddresses(addresses) => behaviour.set_http_addresses(addresses),
            Command::Stop { .. } => {}
        }
    }

    fn status(&mut self) -> Status {
        let peer_id = *self.swarm.local_peer_id();
        let known = self.swarm.behaviour_mut().book_mut().len();
        let dht = DhtSummary {
            routing_table: self.swarm.behaviour_mut().routing_table_len(),
            provider_records: self.swarm.behaviour_mut().provider_records(),
        };
        let behaviour = self.swarm.behaviour();
        let summaries = behaviour.summaries(Now::read());
        let mut peer_ids: Vec<_> = behaviour
            .connections()
            .iter()
            .map(PeerId::to_string)
            .collect();
        peer_ids.sort_unstable();
        Status {
            version: env!("CARGO_PKG_VERSION"),
            network: self.config.network.clone(),
            peer_id: peer_id.to_string(),
            uptime_seconds: self.started.elapsed().as_secs(),
            addresses: behaviour
                .record()
                .map(|record| record.addrs.clone())
                .unwrap_or_default(),
            connections: ConnectionSummary {
                nodes: behaviour.connections().len(),
                low: self.config.connections.low,
                high: self.config.connections.high,
                known,
                peer_ids,
            },
            attachments: summaries.attachments,
            turn: self.turn.as_ref().map(velox_turn::Service::summary),
            rooms: summaries.rooms,
            signaling: summaries.signaling,
            discovery: summaries.discovery,
            dht,
        }
    }

    fn save(&mut self) {
        let Some(disk) = &self.disk else { return };
        let behaviour = self.swarm.behaviour_mut();
        let mut saved = Ok(());
        if behaviour.book_mut().take_changed() {
            saved = disk.remember(BOOK, behaviour.book_mut());
        }
        let saved = saved.and_then(|()| disk.remember(ROOMS, &behaviour.room_nodes()));
        if let Err(error) = saved {
            tracing::warn!(%error, "what this node knows is not kept");
        }
    }

    async fn stop(mut self, done: Option<oneshot::Sender<()>>) {
        self.save();
        self.swarm.behaviour_mut().drain("the node is stopping");
        let drained = tokio::time::sleep(DRAIN);
        tokio::pin!(drained);
        loop {
            let attached = self
                .swarm
                .behaviour()
                .duties()
                .attach
                .state()
                .summary(Now::read())
                .attached;
            if attached == 0 {
                break;
            }
            tokio::select! {
                event = self.swarm.select_next_some() => self.on_event(event),
                () = &mut drained => break,
            }
        }
        self.part().await;
        if let Some(done) = done {
            done.send(()).ok();
        }
    }

    /// Closes every connection in words: a QUIC connection that just falls silent would count as
    /// alive for seconds, while this node may be back.
    async fn part(&mut self) {
        let nodes: Vec<_> = self.swarm.connected_peers().copied().collect();
        for node in nodes {
            // Gone by itself meanwhile.
            self.swarm.disconnect_peer_id(node).ok();
        }
        let closed = async {
            while self.swarm.network_info().num_peers() > 0 {
                self.swarm.select_next_some().await;
            }
        };
        if tokio::time::timeout(PARTING, closed).await.is_err() {
            tracing::debug!("some connections were cut");
        }
    }
}
