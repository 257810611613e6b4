//! The libp2p protocols and duties of a node, put together.

use std::{collections::HashSet, time::Duration};

use libp2p::{
    PeerId,
    gossipsub::{
        self, MessageAuthenticity, MessageId, PeerScoreParams, PeerScoreThresholds,
        TopicScoreParams, ValidationMode,
    },
    identify, kad,
    swarm::NetworkBehaviour,
};
use sha2::{Digest, Sha256};

use super::{Config, admission, attach, discovery, presence, pulse, relay, signaling};
use crate::{clock::Now, identity::Identity, wire::limits};

/// What gossipsub must take at a time, in bytes, for messages of [`limits::GOSSIP`] to pass: one of
/// them, what it is wrapped in (source, topic, signature), and the 8 KiB that its decoder may have
/// read beyond the message's end, which version 0.50 counts as the message's own. With less the
/// stream ends without a word as soon as a big message has another behind it.
const GOSSIP_READ: usize = limits::GOSSIP + 1024 + 8 * 1024;

/// How long a node that has gone is remembered for what it did. Shorter than gossipsub's hour: who
/// comes with a new key pays for a handshake instead.
const RETAIN_SCORE: Duration = Duration::from_secs(60);

/// Everything that a node does on its connections.
#[derive(NetworkBehaviour)]
pub struct Duties {
    pub(super) admission: admission::Behaviour,
    pub(super) identify: identify::Behaviour,
    pub(super) pulse: pulse::Behaviour,
    pub(super) kad: kad::Behaviour<discovery::Store>,
    pub(super) relay: relay::Behaviour,
    pub(super) gossipsub: gossipsub::Behaviour,
    pub(super) attach: attach::Behaviour,
    pub(super) presence: presence::Behaviour,
    pub(super) signaling: signaling::Behaviour,
    pub(super) discovery: discovery::Behaviour,
}

/// What nodes of `network` call their protocol family; others are strangers.
pub fn protocol_version(network: &str) -> String {
    format!("/velox/{network}/1")
}

/// What a node calls itself.
pub const AGENT: &str = concat!("velox/", env!("CARGO_PKG_VERSION"));

impl Duties {
    pub(super) fn new(identity: &Identity, config: &Config) -> Self {
        let node = identity.peer_id();
        let network = config.network.clone();
        let admission = admission::Limits {
            arriving: 256,
            // 32 queries of the DHT may be under way for rooms alone, with nine requests each; what
            // is refused here counts as a node that can't be reached.
            dialing: 256,
            established: 4 * config.connections.high + config.attach.max,
            with_one: 4,
        };
        let mut kad = kad::Behaviour::with_config(
            node,
            discovery::Store::new(config.discovery.store.clone(), node),
            discovery::kad_config(&network),
        );
        kad.set_mode(Some(kad::Mode::Server));
        Duties {
            admission: admission::Behaviour::new(admission),
            identify: identify::Behaviour::new(
                identify::Config::new(protocol_version(&network), identity.keypair().public())
                    .with_agent_version(AGENT.to_owned())
                    .with_push_listen_addr_updates(true),
            ),
            pulse: pulse::Behaviour::default(),
            kad,
            relay: relay::behaviour(&config.relay, node),
            gossipsub: gossipsub(identity),
            attach: attach::Behaviour::new(config.attach.clone(), network.clone(), node),
            presence: presence::behaviour(
                config.presence.clone(),
                identity.clone(),
                network.clone(),
            ),
            signaling: signaling::behaviour(config.signaling.clone(), &network, node),
            discovery: discovery::behaviour(config.discovery.clone(), network, node),
        }
    }

    /// Forgets what peers that are gone have left, once it has filled up.
    pub(super) fn forget_gone(&mut self, now: Now) {
        self.attach.state_mut().forget_gone(now);
        self.presence.state_mut().forget_gone(now);
        self.signaling.state_mut().forget_gone(now);
        self.discovery.state_mut().forget_gone(now);
    }
}

fn gossipsub(identity: &Identity) -> gossipsub::Behaviour {
    let config = gossipsub::ConfigBuilder::default()
        .validation_mode(ValidationMode::Strict)
        .validate_messages()
        .message_id_fn(message_id)
        .max_transmit_size(GOSSIP_READ)
        // Also what a hello with every topic must fit in.
        .max_control_message_size(limits::GOSSIP)
        .heartbeat_interval(Duration::from_secs(1))
        .build()
        .expect("constant settings are consistent");
    let mut gossipsub = gossipsub::Behaviour::new(
        MessageAuthenticity::Signed(identity.keypair().clone()),
        config,
    )
    .expect("signing fits strict validation");
    gossipsub
        .with_peer_score(score_params(), PeerScoreThresholds::default())
        .expect("constant scores are consistent");
    gossipsub
}

/// The same changes, published by two nodes, are one message.
fn message_id(message: &gossipsub::Message) -> MessageId {
    let mut hash = Sha256::new();
    hash.update(message.topic.as_str());
    hash.update([0]);
    hash.update(&message.data);
    MessageId::new(&hash.finalize()[..20])
}

fn score_params() -> PeerScoreParams {
    PeerScoreParams {
        // Several nodes of a laboratory share an address.
        ip_colocation_factor_threshold: 32.0,
        ip_colocation_factor_whitelist: [
            std::net::Ipv4Addr::LOCALHOST.into(),
            std::net::Ipv6Addr::LOCALHOST.into(),
        ]
        .into(),
        // Every page that was attached has a score: an hour of them is what a busy node would keep.
        retain_score: RETAIN_SCORE,
        ..PeerScoreParams::default()
    }
}

/// Scores on a room's topic: rooms are quiet for hours, so nobody is blamed for silence; an
/// invalid message costs its forwarder most of its standing.
pub(super) fn topic_score_params() -> TopicScoreParams {
    TopicScoreParams {
        topic_weight: 1.0,
        time_in_mesh_weight: 0.01,
        time_in_mesh_quantum: Duration::from_secs(1),
        time_in_mesh_cap: 100.0,
        first_message_deliveries_weight: 0.1,
        first_message_deliveries_decay: 0.9,
        first_message_deliveries_cap: 50.0,
        mesh_message_deliveries_weight: 0.0,
        mesh_failure_penalty_weight: 0.0,
        invalid_message_deliveries_weight: -10.0,
        invalid_message_deliveries_decay: 0.97,
        ..TopicScoreParams::default()
    }
}

impl Duties {
    /// Nodes whose connection serves something that a new one couldn't at once: the gossip
    /// mesh, rooms of ours, the `near` nodes of the DHT around `own`.
    pub(super) fn needed(&mut self, own: PeerId, near: usize) -> HashSet<PeerId> {
        let mut needed: HashSet<_> = self.gossipsub.all_mesh_peers().copied().collect();
        needed.extend(self.presence.state().room_nodes_known());
        needed.extend(
            self.kad
                .get_closest_local_peers(&kad::KBucketKey::from(own))
                .take(near)
                .map(|key| *key.preimage()),
        );
        needed
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt;
    use libp2p::{
        Swarm, SwarmBuilder, Transport,
        core::{transport::MemoryTransport, upgrade::Version},
        gossipsub::IdentTopic,
        noise,
        swarm::SwarmEvent,
        yamux,
    };

    use super::*;

    fn gossiper() -> Swarm<gossipsub::Behaviour> {
        let identity = Identity::generate();
        SwarmBuilder::with_existing_identity(identity.keypair().clone())
            .with_tokio()
            .with_other_transport(|key| {
                MemoryTransport::default()
                    .upgrade(Version::V1)
                    .authenticate(noise::Config::new(key).unwrap())
                    .multiplex(yamux::Config::default())
            })
            .unwrap()
            .with_behaviour(|_| gossipsub(&identity))
            .unwrap()
            .build()
    }

    #[tokio::test]
    async fn the_biggest_messages_arrive_though_one_follows_the_other() {
        const MESSAGES: u8 = 20;
        // As long as that of any room.
        let topic = IdentTopic::new("t".repeat(256));
        let (mut speaker, mut listener) = (gossiper(), gossiper());
        listener.behaviour_mut().subscribe(&topic).unwrap();
        listener.listen_on("/memory/0".parse().unwrap()).unwrap();
        let mut heard = HashSet::new();
        let gossip = async {
            while heard.len() < usize::from(MESSAGES) {
                tokio::select! {
                    event = speaker.select_next_some() => {
                        if let SwarmEvent::Behaviour(gossipsub::Event::Subscribed { .. }) = event {
                            for n in 0..MESSAGES {
                                let data = vec![n; limits::GOSSIP];
                                speaker.behaviour_mut().publish(topic.clone(), data).unwrap();
                            }
                        }
                    }
                    event = listener.select_next_some() => match event {
                        SwarmEvent::NewListenAddr { address, .. } => speaker.dial(address).unwrap(),
                        SwarmEvent::Behaviour(gossipsub::Event::Message { message, .. }) => {
                            assert_eq!(message.data.len(), limits::GOSSIP);
                            heard.insert(message.data[0]);
                        }
                        _ => {}
                    }
                }
            }
        };
        let all = tokio::time::timeout(Duration::from_secs(20), gossip).await;
        assert!(all.is_ok(), "{} of {MESSAGES} arrived", heard.len());
    }
}
