use libp2p::StreamProtocol;

use super::{Config, State};
use crate::{
    identity::Identity,
    node::link::{self, Duty},
    wire::limits,
};

/// The presence duty on a node's connections.
pub type Behaviour = Duty<State>;

/// Bytes that may wait for one neighbour: a snapshot of the largest room.
const MAX_QUEUE: usize = 8 * 1024 * 1024;

/// The presence duty of the node `identity` in `network`, on `/velox/<network>/presence/1`.
pub fn behaviour(config: Config, identity: Identity, network: String) -> Behaviour {
    let link = link::Config {
        protocol: StreamProtocol::try_from_owned(format!("/velox/{network}/presence/1"))
            .expect("starts with a slash"),
        opens: link::Opens::WhenAsked,
        accepts: true,
        max_frame: limits::NODE_FRAME,
        max_queue: MAX_QUEUE,
    };
    Duty::new(link, State::new(config, identity, network))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::StreamExt;
    use libp2p::{
        Multiaddr, Swarm, SwarmBuilder, Transport,
        core::{transport::MemoryTransport, upgrade::Version},
        noise,
        swarm::SwarmEvent,
        yamux,
    };

    use super::*;
    use crate::{
        clock::Now,
        wire::{Array, Signed, V1, presence::PresenceRecord},
    };

    const NETWORK: &str = "example.org";

    /// A node with one member in the room `lobby`.
    fn node() -> Swarm<Behaviour> {
        let identity = Identity::generate();
        let mut swarm = SwarmBuilder::with_existing_identity(identity.keypair().clone())
            .with_tokio()
            .with_other_transport(|key| {
                MemoryTransport::default()
                    .upgrade(Version::V1)
                    .authenticate(noise::Config::new(key).unwrap())
                    .multiplex(yamux::Config::default())
            })
            .unwrap()
            .with_behaviour(|_| behaviour(Config::default(), identity.clone(), NETWORK.into()))
            .unwrap()
            .build();
        let (peer, now) = (Identity::generate(), Now::read());
        let record = PresenceRecord {
            v: V1,
            network: NETWORK.into(),
            room: "lobby".into(),
            peer: peer.peer_id(),
            key: Array::new([0; 32]),
            seq: now.millis,
            expires: now.millis + 60_000,
            attach: vec![identity.peer_id()],
            meta: Vec::new(),
        };
        let state = swarm.behaviour_mut().state_mut();
        state.join(Signed::sign(&peer, record), now).unwrap();
        swarm
    }

    async fn address(swarm: &mut Swarm<Behaviour>) -> Multiaddr {
        swarm.listen_on("/memory/0".parse().unwrap()).unwrap();
        loop {
            if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
                return address;
            }
        }
    }

    #[tokio::test]
    async fn two_nodes_meet_over_a_stream() {
        let (mut a, mut b) = (node(), node());
        let address = address(&mut b).await;
        a.dial(address).unwrap();
        let members = |swarm: &Swarm<Behaviour>| swarm.behaviour().state().summary().members;
        let meet = async {
            while members(&a) < 2 || members(&b) < 2 {
                tokio::select! {
                    event = a.select_next_some() => {
                        if let SwarmEvent::ConnectionEstablished { peer_id, .. } = event {
                            let state = a.behaviour_mut().state_mut();
                            state.room_nodes("lobby", &[peer_id], Now::read());
                        }
                    }
                    _ = b.select_next_some() => {}
                    // Frames change a state without an event of the swarm.
                    () = tokio::time::sleep(Duration::from_millis(10)) => {}
                }
            }
        };
        let met = tokio::time::timeout(Duration::from_secs(20), meet).await;
        assert!(met.is_ok(), "{} and {} members", members(&a), members(&b));
    }
}
