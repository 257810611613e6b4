//! From a [`Config`] to a running node.

use std::time::Duration;

use libp2p::{Multiaddr, PeerId, multiaddr::Protocol};
use libp2p_webrtc_direct::Certificate;
use tokio::sync::{mpsc, watch};
use web_time::Instant;

use super::{
    Behaviour, Config, Node,
    addresses::{self, explain},
    data_dir::{DataDir, DataDirError},
    event_loop::{BOOK, EventLoop, ROOMS},
    handle::Shared,
    lan, turn,
};
use crate::{
    carriers::{SwarmError, swarm},
    identity::Identity,
};

/// How long a connection without a stream is kept.
pub const IDLE_CONNECTION: Duration = Duration::from_secs(30);

/// Why a node doesn't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The network's name can't be one.
    #[error(
        "'{0}' can't be a network's name: give 1 to 64 bytes of letters, digits, '.', '-' or '_'"
    )]
    Network(String),
    /// The data directory can't be used.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// An address can't be listened on.
    #[error("can't listen on {address}: {reason}; choose another with --listen")]
    Listen {
        /// The address.
        address: Multiaddr,
        /// Why.
        reason: String,
    },
    /// STUN and TURN can't be served.
    #[error(transparent)]
    Turn(#[from] velox_turn::ServiceError),
    /// libp2p can't be set up.
    #[error(transparent)]
    Transport(#[from] SwarmError),
}

/// Puts a node together. See [`Node::builder`].
#[derive(Clone, Debug)]
pub struct Builder {
    config: Config,
}

impl Node {
    /// A node of `network`, which is to be given addresses, and then [`Builder::spawn`].
    pub fn builder(network: impl Into<String>) -> Builder {
        Builder {
            config: Config::new(network),
        }
    }
}

impl From<Config> for Builder {
    fn from(config: Config) -> Self {
        Builder { config }
    }
}

impl Builder {
    /// Listens on an address; may be called several times. Port 0 is any.
    pub fn listen(mut self, address: Multiaddr) -> Self {
        self.config.listen.push(address);
        self
    }

    /// Starts from a node at this address; may be called several times.
    pub fn bootstrap(mut self, address: Multiaddr) -> Self {
        self.config.bootstrap.push(address);
        self
    }

    /// Keeps the key and what is known in this directory.
    pub fn data_dir(mut self, path: impl Into<std::path::PathBuf>) -> Self {
        self.config.data_dir = Some(path.into());
        self
    }

    /// Everything else.
    pub fn configure(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// Starts the node on the present Tokio runtime. When this returns, it listens.
    pub async fn spawn(self) -> Result<Node, StartError> {
        let config = self.config;
        check_network(&config.network)?;
        let disk = config.data_dir.as_deref().map(DataDir::open).transpose()?;
        let identity = match &disk {
            Some(disk) => disk.identity()?,
            None => Identity::generate(),
        };
        let mut behaviour = Behaviour::new(
            identity.clone(),
            config.clone(),
            disk.as_ref()
                .map(|disk| disk.recall(BOOK))
                .unwrap_or_default(),
        );
        if let Some(disk) = &disk {
            behaviour.remember_room_nodes(disk.recall(ROOMS));
        }
        let entrance = behaviour.entrance();
        let certificate = match &disk {
            Some(disk) => disk.certificate()?,
            None => Certificate::generate().map_err(|error| SwarmError {
                what: "the certificate",
                reason: error.to_string(),
            })?,
        };
        let mut swarm = swarm(identity.keypair(), certificate, IDLE_CONNECTION, behaviour)?;
        for address in &config.listen {
            swarm
                .listen_on(address.clone())
                .map_err(|error| StartError::Listen {
                    address: address.clone(),
                    reason: explain(&error),
                })?;
        }
        let external = config.external.iter().filter_map(addresses::ip).collect();
        let turn = turn::start(&config.turn, &config.network, external)?;
        let turn = turn.map(|(service, offer)| {
            swarm.behaviour_mut().offer_ice(offer);
            service
        });
        let (listening, watched) = watch::channel(Vec::new());
        let (commands, received) = mpsc::channel(64);
        let mut heard = listening.subscribe();
        let turn_handle = turn.as_ref().map(velox_turn::Service::handle);
        let (find, nearby) = mpsc::channel(16);
        if config.mdns {
            let (network, listening) = (config.network.clone(), listening.subscribe());
            tokio::spawn(lan::serve(network, identity.peer_id(), listening, find));
        }
        let event_loop = EventLoop {
            swarm,
            config: config.clone(),
            disk,
            turn,
            nearby,
            commands: received,
            listening,
            started: Instant::now(),
        };
        tokio::spawn(event_loop.run());
        heard
            .wait_for(|all| heard_of_each(&config.listen, all))
            .await
            .map_err(|_| SwarmError {
                what: "the listeners",
                reason: "the event loop has ended".to_owned(),
            })?;
        Ok(Node {
            shared: std::sync::Arc::new(Shared {
                network: config.network,
                identity,
                entrance,
                listening: watched,
                turn: turn_handle,
            }),
            commands,
        })
    }
}

/// Whether there is an address for each that was asked for. One alone may bring several.
fn heard_of_each(asked: &[Multiaddr], heard: &[Multiaddr]) -> bool {
    let kind = |address: &Multiaddr| -> Vec<_> {
        let parts = address.iter().map(|part| part.tag());
        parts
            .filter(|tag| !matches!(*tag, "certhash" | "p2p"))
            .collect()
    };
    let count = |all: &[Multiaddr], one: &Multiaddr| {
        all.iter().filter(|other| kind(other) == kind(one)).count()
    };
    asked
        .iter()
        .all(|address| count(heard, address) >= count(asked, address))
}

/// The name goes into protocol names, topics and file names.
pub fn check_network(name: &str) -> Result<(), StartError> {
    let fits = (1..=crate::wire::limits::NETWORK).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
    if fits {
        Ok(())
    } else {
        Err(StartError::Network(name.escape_debug().to_string()))
    }
}

/// An address as others dial it.
pub fn with_peer_id(address: Multiaddr, peer_id: PeerId) -> Multiaddr {
    address.with(Protocol::P2p(peer_id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listener_is_waited_for() {
        let all = |texts: &[&str]| -> Vec<Multiaddr> {
            texts.iter().map(|text| text.parse().unwrap()).collect()
        };
        let asked = all(&[
            "/ip4/0.0.0.0/tcp/0",
            "/ip4/0.0.0.0/udp/0/quic-v1",
            "/ip4/0.0.0.0/udp/0/webrtc-direct",
        ]);
        let hash = "certhash/uEiAyzGym84SKL4CnAfRTvI7Qv8U0er99J_YgMIPEretyHQ";
        let direct = |ip| format!("/ip4/{ip}/udp/3/webrtc-direct/{hash}");
        let (one, two) = (direct("127.0.0.1"), direct("10.0.0.1"));
        let mut heard = all(&[&one, &two, "/ip4/127.0.0.1/udp/2/quic-v1"]);
        assert!(!heard_of_each(&asked, &heard), "TCP is still to come");
        heard.extend(all(&["/ip4/127.0.0.1/tcp/1"]));
        assert!(heard_of_each(&asked, &heard));
    }
}
