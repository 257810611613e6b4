//! The node's STUN and TURN server.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use serde::{Deserialize, Serialize};
use velox_turn::{Policy, Secret, Service, Setup};

use super::{StartError, addresses::has_ipv6, ice::IceOffer};

/// The port of STUN and TURN (RFC 8489).
const PORT: u16 = 3478;

/// How a node serves STUN and TURN.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where, by UDP and by TCP; an empty list is nowhere, port 0 any. Left out, it is port 3478
    /// of every interface, or any port if that one is taken: peers are told which.
    pub listen: Option<Vec<SocketAddr>>,
    /// Where it takes TLS, as `example.org:443`. `velox node` knows it by its `--domain`.
    pub tls: Option<String>,
    /// Whether it relays, or only tells peers their addresses.
    pub relay: bool,
    /// The first and the last port that peers of a relayed session send to: a firewall has to let
    /// UDP through to them.
    pub ports: (u16, u16),
    /// What passwords are made with, if others (a coturn, a site's backend) are to make them too.
    pub secret: Option<String>,
    /// Whether it is offered by its private addresses too: in a network of one's own.
    pub private: bool,
    /// Peers that may be relayed to.
    pub peers: Policy,
    /// What it may cost.
    pub limits: velox_turn::Config,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            listen: Some(Vec::new()),
            tls: None,
            relay: true,
            ports: (49_152, 65_535),
            secret: None,
            private: false,
            peers: Policy::default(),
            limits: velox_turn::Config::default(),
        }
    }
}

fn everywhere(port: u16) -> [SocketAddr; 2] {
    [
        SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)),
        SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)),
    ]
}

/// Starts it. `external` is this host as others see it, where that differs.
pub(super) fn start(
    config: &Config,
    network: &str,
    external: Vec<IpAddr>,
) -> Result<Option<(Service, IceOffer)>, StartError> {
    let interfaces: Vec<_> = if_addrs::get_if_addrs()
        .unwrap_or_default()
        .iter()
        .map(if_addrs::Interface::ip)
        .collect();
    // A host without IPv6 can still have a configuration with it.
    let here = |address: &SocketAddr| address.is_ipv4() || has_ipv6();
    let on = |port| everywhere(port).into_iter().filter(here).collect();
    let (listen, otherwise): (Vec<_>, Option<Vec<_>>) = match &config.listen {
        Some(listen) => (
            listen.iter().filter(|one| here(one)).copied().collect(),
            None,
        ),
        None => (on(PORT), Some(on(0))),
    };
    if listen.is_empty() {
        return Ok(None);
    }
    let secret = match &config.secret {
        Some(secret) => Secret::new(secret.as_bytes()),
        None => Secret::random(),
    };
    let mut limits = config.limits.clone();
    if !config.relay {
        limits.max_allocations = 0;
    }
    let setup = Setup {
        listen,
        ports: config.ports,
        external: external.clone(),
        realm: network.to_owned(),
        secret: secret.clone(),
        config: limits,
        policy: config.peers,
    };
    let service = match (Service::start(setup.clone()), otherwise) {
        (Err(error), Some(listen)) if error.source.kind() == io::ErrorKind::AddrInUse => {
            let service = Service::start(Setup { listen, ..setup })?;
            let ports: Vec<_> = service.listening().iter().map(SocketAddr::port).collect();
            tracing::warn!("port {PORT} is taken: STUN and TURN are served on {ports:?}");
            service
        }
        (started, _) => started?,
    };
    let addresses: Vec<_> = service
        .listening()
        .iter()
        .flat_map(|bound| {
            let at = |ip: &IpAddr| SocketAddr::new(*ip, bound.port());
            let same = |ip: &&IpAddr| ip.is_ipv4() == bound.is_ipv4();
            let own: Vec<_> = if bound.ip().is_unspecified() {
                interfaces.iter().filter(same).map(at).collect()
            } else {
                vec![*bound]
            };
            external
                .iter()
                .filter(same)
                .map(at)
                .chain(own)
                .collect::<Vec<_>>()
        })
        .collect();
    let handle = service.handle();
    let offer = IceOffer::new(addresses, config.private, secret, move || handle.lends())
        .secured(config.tls.clone());
    Ok(Some((service, offer)))
}
