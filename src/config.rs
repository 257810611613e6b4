//! One typed configuration: defaults, then a TOML file, then `VELOX_…` variables, then flags.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use figment::{
    Figment,
    providers::{Env, Format, Serialized, Toml},
};
use libp2p::Multiaddr;
use serde::{Deserialize, Serialize};

use crate::gateway::{Https, Proxies};
use crate::node::{self, ConnectionsConfig, attach, discovery, presence, relay, signaling, turn};

/// What a long-running program may be told, in the file's words.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The network's name.
    pub network: String,
    /// Nodes to start from.
    pub bootstrap: Vec<Multiaddr>,
    /// libp2p addresses to listen on.
    pub listen: Vec<Multiaddr>,
    /// Where others reach the node, where that isn't where it listens.
    pub external_address: Vec<Multiaddr>,
    /// Whether the node finds others in its local network, and is found (multicast DNS).
    pub mdns: bool,
    /// Where HTTP is served.
    pub http: Option<SocketAddr>,
    /// Where the key and what is known are kept.
    pub data_dir: Option<PathBuf>,
    /// Connections to other nodes.
    pub connections: ConnectionsConfig,
    /// Attachments.
    pub attach: attach::Config,
    /// Rooms.
    pub presence: presence::Config,
    /// Envelopes.
    pub signaling: signaling::Config,
    /// Resources, and the DHT.
    pub discovery: discovery::Config,
    /// Circuits for peers of stock libp2p.
    pub relay: relay::Config,
    /// STUN and TURN.
    pub turn: turn::Config,
    /// TLS for pages.
    pub https: Https,
    /// Reverse proxies in front of HTTP.
    pub proxies: Proxies,
}

impl Default for Settings {
    fn default() -> Self {
        let address = |text: &str| text.parse().expect("a constant multiaddr");
        Settings {
            network: "velox".to_owned(),
            bootstrap: Vec::new(),
            listen: vec![
                address("/ip4/0.0.0.0/tcp/4600"),
                address("/ip4/0.0.0.0/udp/4600/quic-v1"),
                address("/ip4/0.0.0.0/udp/4601/webrtc-direct"),
            ],
            external_address: Vec::new(),
            mdns: true,
            http: Some(SocketAddr::from(([0, 0, 0, 0], 8080))),
            data_dir: None,
            connections: Default::default(),
            attach: Default::default(),
            presence: Default::default(),
            signaling: Default::default(),
            discovery: Default::default(),
            relay: Default::default(),
            turn: turn::Config {
                listen: None,
                ..Default::default()
            },
            https: Default::default(),
            proxies: Default::default(),
        }
    }
}

/// Flags, which come last and are left out where they weren't given.
#[derive(Clone, Debug, Default, Serialize, clap::Args)]
pub struct Flags {
    /// The network's name.
    #[arg(long, value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// A node to start from, with its /p2p/… (repeatable).
    #[arg(long, value_name = "MULTIADDR")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bootstrap: Vec<Multiaddr>,
    /// A libp2p address to listen on (repeatable; port 0 is any).
    #[arg(long, value_name = "MULTIADDR")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub listen: Vec<Multiaddr>,
    /// Where others reach this node, where a router translates addresses: a multiaddr, or an IP
    /// address behind which the ports are the same (repeatable).
    #[arg(long, value_name = "ADDRESS", value_parser = external)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub external_address: Vec<Multiaddr>,
    /// Where to serve HTTP (port 0 is any).
    #[arg(long, value_name = "ADDR:PORT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<SocketAddr>,
    /// Where to keep the key and what is known.
    #[arg(long, value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<PathBuf>,
    /// A TOML file with any of these and every bound.
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    pub config: Option<PathBuf>,
}

/// The configuration can't be read.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file isn't there.
    #[error("can't read the configuration {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A value doesn't fit, or a name isn't known.
    #[error("{0}")]
    Value(String),
}

impl Settings {
    /// Puts the layers together, over `defaults`.
    pub fn load(defaults: Settings, flags: &Flags) -> Result<Settings, ConfigError> {
        let mut figment = Figment::from(Serialized::defaults(defaults));
        if let Some(path) = &flags.config {
            readable(path)?;
            figment = figment.merge(Toml::file_exact(path));
        }
        figment
            .merge(Env::prefixed("VELOX_").split("__").ignore(&["log"]))
            .merge(Serialized::defaults(flags))
            .extract()
            .map_err(|error| ConfigError::Value(error.to_string()))
    }

    /// The node that these settings describe.
    pub fn node(mut self) -> node::Config {
        if self.turn.tls.is_none() {
            let port = self.https.listen.first().map_or(443, SocketAddr::port);
            let name = self.https.domains.first();
            self.turn.tls = name.map(|name| format!("{name}:{port}"));
        }
        node::Config {
            network: self.network,
            bootstrap: self.bootstrap,
            listen: self.listen,
            external: self.external_address,
            mdns: self.mdns,
            http: self.http,
            data_dir: self.data_dir,
            connections: self.connections,
            attach: self.attach,
            presence: self.presence,
            signaling: self.signaling,
            discovery: self.discovery,
            relay: self.relay,
            turn: self.turn,
        }
    }
}

/// An address as an operator may have it at hand.
fn external(text: &str) -> Result<Multiaddr, String> {
    if let Ok(ip) = text.parse::<std::net::IpAddr>() {
        return Ok(ip.into());
    }
    text.parse().map_err(|_| {
        "give an IP address, or a multiaddr such as /ip4/192.0.2.1/tcp/4600".to_owned()
    })
}

fn readable(path: &Path) -> Result<(), ConfigError> {
    match std::fs::File::open(path) {
        Ok(_) => Ok(()),
        Err(source) => Err(ConfigError::File {
            path: path.to_owned(),
            source,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> (tempfile::TempDir, Flags) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("velox.toml");
        std::fs::write(&path, text).unwrap();
        let flags = Flags {
            config: Some(path),
            ..Flags::default()
        };
        (dir, flags)
    }

    #[test]
    fn flags_come_after_the_file() {
        let (_dir, mut flags) = file(
            "network = 'from-file'\nlisten = ['/ip4/127.0.0.1/tcp/1']\n[connections]\nhigh = 9\n",
        );
        flags.network = Some("from-flag".to_owned());
        let settings = Settings::load(Settings::default(), &flags).unwrap();
        assert_eq!(settings.network, "from-flag");
        assert_eq!(settings.listen.len(), 1);
        assert_eq!(
            (settings.connections.high, settings.connections.low),
            (9, 24)
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        let (_dir, flags) = file("[attach]\nmaximum = 3\n");
        let error = Settings::load(Settings::default(), &flags)
            .unwrap_err()
            .to_string();
        assert!(error.contains("maximum"), "{error}");
        let flags = Flags {
            config: Some("/nowhere/velox.toml".into()),
            ..Flags::default()
        };
        let error = Settings::load(Settings::default(), &flags)
            .unwrap_err()
            .to_string();
        assert!(error.contains("/nowhere/velox.toml"), "{error}");
    }
}
