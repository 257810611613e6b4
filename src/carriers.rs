//! What nodes and peers connect over: TCP, QUIC and WebRTC-direct.

mod linger;
mod optimistic;

use std::time::Duration;

use libp2p::{
    PeerId, Swarm, SwarmBuilder, Transport,
    core::{muxing::StreamMuxerBox, transport::Boxed, upgrade::Version},
    identity::Keypair,
    noise, quic,
    swarm::NetworkBehaviour,
    tcp, yamux,
};
use libp2p_webrtc_direct::{Certificate, WebRtcDirect};

use linger::Lingering;

/// How long a dial may take: time for two lost packets around the world. A look-up that meets
/// dead nodes waits for each of them.
pub const DIAL_TIMEOUT: Duration = Duration::from_secs(3);

/// Why there is no swarm.
#[derive(Debug, thiserror::Error)]
#[error("can't set up {what}: {reason}")]
pub struct SwarmError {
    /// Which part of it.
    pub what: &'static str,
    /// Why.
    pub reason: String,
}

/// A swarm over all of them, in which a connection without a stream is closed after `idle`.
pub(crate) fn swarm<B: NetworkBehaviour>(
    key: &Keypair,
    certificate: Certificate,
    idle: Duration,
    behaviour: B,
) -> Result<Swarm<B>, SwarmError> {
    let failed = |what| {
        move |reason: &dyn std::fmt::Display| SwarmError {
            what,
            reason: reason.to_string(),
        }
    };
    let swarm = SwarmBuilder::with_existing_identity(key.clone())
        .with_tokio()
        .with_other_transport(|key| {
            Ok(
                tcp::tokio::Transport::new(tcp::Config::default().nodelay(true))
                    .upgrade(Version::V1Lazy)
                    .authenticate(noise::Config::new(key)?)
                    .multiplex(yamux::Config::default())
                    .map(|(peer, connection), _| (peer, Lingering::new(connection))),
            )
        })
        .map_err(|error| failed("noise")(&error))?
        .with_other_transport(|key| {
            let mut config = quic::Config::new(key);
            config.handshake_timeout = DIAL_TIMEOUT;
            quic::tokio::Transport::new(config)
                .map(|(peer, connection), _| (peer, Lingering::new(connection)))
        })
        .map_err(|never| match never {})?
        .with_other_transport(|key| {
            let config = libp2p_webrtc_direct::Config::new(key.clone(), certificate);
            WebRtcDirect::new(config)
                .map(|(peer, connection), _| (peer, Lingering::new(connection)))
        })
        .map_err(|never| match never {})?
        .with_dns()
        .map_err(|error| failed("the DNS resolver")(&error))?
        .with_behaviour(|_| behaviour)
        .map_err(|never| match never {})?
        .with_swarm_config(|config| config.with_idle_connection_timeout(idle))
        .with_connection_timeout(DIAL_TIMEOUT)
        .build();
    Ok(swarm)
}

/// Makes the connections of a transport what those of nodes are: streams for protocols of ours
/// begin without a round trip. For swarms over other transports than these.
pub fn optimistic(transport: Boxed<(PeerId, StreamMuxerBox)>) -> Boxed<(PeerId, StreamMuxerBox)> {
    let optimistic = |connection| StreamMuxerBox::new(Lingering::new(connection));
    transport
        .map(move |(peer, connection), _| (peer, optimistic(connection)))
        .boxed()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use futures::StreamExt;
    use libp2p::{StreamProtocol, kad, swarm::SwarmEvent};
    use tokio::time::timeout;

    use super::*;

    /// More than a connection's questions at once, so that some wait for others.
    const KEYS: u8 = 100;

    fn dht() -> Swarm<kad::Behaviour<kad::store::MemoryStore>> {
        let key = Keypair::generate_ed25519();
        let peer = key.public().to_peer_id();
        let mut config = kad::Config::new(StreamProtocol::new("/velox/test/kad/1"));
        config.set_record_filtering(kad::StoreInserts::FilterBoth);
        let store = kad::store::MemoryStore::new(peer);
        let mut dht = kad::Behaviour::with_config(peer, store, config);
        dht.set_mode(Some(kad::Mode::Server));
        swarm(
            &key,
            Certificate::generate().unwrap(),
            Duration::from_secs(9),
            dht,
        )
        .unwrap()
    }

    async fn what_wants_no_answer_arrives(address: &str) {
        let (mut speaker, mut listener) = (dht(), dht());
        listener.listen_on(address.parse().unwrap()).unwrap();
        let address = loop {
            if let SwarmEvent::NewListenAddr { address, .. } = listener.select_next_some().await {
                break address;
            }
        };
        let node = *listener.local_peer_id();
        speaker.behaviour_mut().add_address(&node, address);
        for key in 0..KEYS {
            let key = kad::RecordKey::new(&[key]);
            speaker.behaviour_mut().start_providing(key).unwrap();
        }
        let mut heard = HashSet::new();
        let all = async {
            while heard.len() < usize::from(KEYS) {
                tokio::select! {
                    _ = speaker.select_next_some() => {}
                    event = listener.select_next_some() => {
                        if let SwarmEvent::Behaviour(kad::Event::InboundRequest {
                            request: kad::InboundRequest::AddProvider { record: Some(record) },
                        }) = event
                        {
                            heard.insert(record.key);
                        }
                    }
                }
            }
        };
        let all = timeout(Duration::from_secs(20), all).await;
        assert!(all.is_ok(), "{} of {KEYS} arrived", heard.len());
    }

    #[tokio::test]
    async fn what_wants_no_answer_arrives_over_quic() {
        what_wants_no_answer_arrives("/ip4/127.0.0.1/udp/0/quic-v1").await;
    }

    #[tokio::test]
    async fn what_wants_no_answer_arrives_over_tcp() {
        what_wants_no_answer_arrives("/ip4/127.0.0.1/tcp/0").await;
    }

    #[tokio::test]
    async fn what_wants_no_answer_arrives_over_webrtc_direct() {
        what_wants_no_answer_arrives("/ip4/127.0.0.1/udp/0/webrtc-direct").await;
    }
}
