//! `Node`: what the rest of the program holds of a running node.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use libp2p::{Multiaddr, PeerId};
use tokio::sync::{mpsc, oneshot, watch};

use super::{Status, attach::Entrance};
use crate::{
    identity::Identity,
    wire::{Bytes, attach::IceServer},
};

/// What the event loop is asked.
pub(super) enum Command {
    Status(oneshot::Sender<Status>),
    Document {
        for_whom: Multiaddr,
        answer: oneshot::Sender<Document>,
    },
    RoomSize {
        room: String,
        answer: oneshot::Sender<usize>,
    },
    IceServers {
        from: IpAddr,
        answer: oneshot::Sender<Vec<IceServer>>,
    },
    HttpAddresses(Vec<Multiaddr>),
    Stop {
        done: oneshot::Sender<()>,
    },
}

/// The signed part of a discovery document.
#[derive(Debug, Clone)]
pub struct Document {
    /// The node's own signed record.
    pub record: Bytes,
    /// Signed records of other nodes.
    pub nodes: Vec<Bytes>,
}

/// A running node. Cheap to clone; the node runs until [`Node::stop`], or until the last clone
/// is dropped.
#[derive(Clone)]
pub struct Node {
    pub(super) shared: Arc<Shared>,
    pub(super) commands: mpsc::Sender<Command>,
}

pub(super) struct Shared {
    pub(super) network: String,
    pub(super) identity: Identity,
    pub(super) entrance: Entrance,
    pub(super) listening: watch::Receiver<Vec<Multiaddr>>,
    pub(super) turn: Option<velox_turn::Handle>,
}

/// The node has stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the node has stopped")]
pub struct Stopped;

impl Node {
    /// The node's PeerId.
    pub fn peer_id(&self) -> PeerId {
        self.shared.identity.peer_id()
    }

    /// The network that it belongs to.
    pub fn network(&self) -> &str {
        &self.shared.network
    }

    /// The libp2p addresses on which it listens at present, without `/p2p/…`.
    pub fn listening(&self) -> Vec<Multiaddr> {
        self.shared.listening.borrow().clone()
    }

    /// Its TURN server, if it has one: for streams that are accepted elsewhere.
    pub fn turn(&self) -> Option<&velox_turn::Handle> {
        self.shared.turn.as_ref()
    }

    /// Figures by duty.
    pub async fn status(&self) -> Result<Status, Stopped> {
        self.ask(Command::Status).await
    }

    /// What a page at `remote` needs to join.
    pub async fn document(&self, remote: SocketAddr) -> Result<Document, Stopped> {
        let for_whom = Multiaddr::from(remote.ip().to_canonical());
        self.ask(|answer| Command::Document { for_whom, answer })
            .await
    }

    /// Members of a room, as far as this node knows: 0 where it doesn't serve it.
    pub async fn room_size(&self, room: &str) -> Result<usize, Stopped> {
        let room = room.to_owned();
        self.ask(|answer| Command::RoomSize { room, answer }).await
    }

    /// ICE servers for a client at `from` that isn't attached, as attached peers have them.
    pub async fn ice_servers(&self, from: IpAddr) -> Result<Vec<IceServer>, Stopped> {
        self.ask(|answer| Command::IceServers { from, answer })
            .await
    }

    /// Says where the node's HTTP server is reached.
    pub async fn set_http_addresses(&self, addresses: Vec<Multiaddr>) -> Result<(), Stopped> {
        self.commands
            .send(Command::HttpAddresses(addresses))
            .await
            .map_err(|_| Stopped)
    }

    /// Sends attached peers away, keeps what is known on disk, and stops.
    pub async fn stop(&self) -> Result<(), Stopped> {
        self.ask(|done| Command::Stop { done }).await
    }

    /// Where carriers of attachments come in.
    pub fn entrance(&self) -> Entrance {
        self.shared.entrance.clone()
    }

    /// The node's key: handshakes need it.
    pub fn identity(&self) -> &Identity {
        &self.shared.identity
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, Stopped> {
        let (answer, receiver) = oneshot::channel();
        self.commands
            .send(command(answer))
            .await
            .map_err(|_| Stopped)?;
        receiver.await.map_err(|_| Stopped)
    }
}
