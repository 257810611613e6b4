//! A circuit relay (v2) for peers of stock libp2p: what a browser that js-libp2p runs in needs in
//! order to be dialed. Peers of our own do without; their envelopes carry what it would.

use libp2p::{
    Multiaddr, PeerId,
    swarm::{
        NetworkBehaviour,
        behaviour::{ExternalAddrConfirmed, FromSwarm, toggle::Toggle},
    },
};
use libp2p_relay as relay;
use serde::{Deserialize, Serialize};

use super::addresses;

/// Bounds of the relay. Each reservation costs a connection that is held, each circuit up to
/// 128 KiB in two minutes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Peers that may be reached over this node at once; 0 turns the relay off.
    pub reservations: usize,
    /// Circuits at once.
    pub circuits: usize,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            reservations: 128,
            circuits: 64,
        }
    }
}

/// The relay, where there is one.
pub(super) type Behaviour = Toggle<relay::Behaviour>;

pub(super) fn behaviour(config: &Config, node: PeerId) -> Behaviour {
    let on = (config.reservations > 0).then(|| {
        let bounds = relay::Config {
            max_reservations: config.reservations,
            max_circuits: config.circuits,
            ..relay::Config::default()
        };
        relay::Behaviour::new(node, bounds)
    });
    Toggle::from(on)
}

/// A relay gives out addresses that it was told others reach: those that browsers dial. It alone
/// is told, since in the DHT they would be of no use to anybody.
pub(super) fn listens(relay: &mut Behaviour, address: &Multiaddr) {
    if addresses::is_for_browsers(address) {
        relay.on_swarm_event(FromSwarm::ExternalAddrConfirmed(ExternalAddrConfirmed {
            addr: address,
        }));
    }
}
