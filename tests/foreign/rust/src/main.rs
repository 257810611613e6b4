//! rust-libp2p as it comes, with nothing of ours but the transport: identify, ping, gossipsub and
//! `/echo/1.0.0`, on one address of WebRTC-direct. What it hears on the topic `there` it
//! says backwards on `back`. Tells on stdout, a JSON object a line, where it listens and what it
//! sees.

mod echo;

use std::{error::Error, time::Duration};

use futures::StreamExt;
use libp2p::{
    Swarm, SwarmBuilder, Transport,
    core::muxing::StreamMuxerBox,
    gossipsub::{self, IdentTopic, MessageAuthenticity},
    identify,
    identity::Keypair,
    ping,
    swarm::{NetworkBehaviour, SwarmEvent},
};
use libp2p_request_response as request_response;
use libp2p_webrtc_direct::{Certificate, Config, WebRtcDirect};
use serde_json::{Value, json};

/// Longer than any pause of a test.
const IDLE_CONNECTION: Duration = Duration::from_secs(60);

/// gossipsub 0.50.1 takes all that is in its read buffer for one message's size: a message and up
/// to 8 KiB of the next must be within this, or the stream is over.
const MOST_READ: usize = 128 * 1024;

#[derive(NetworkBehaviour)]
struct Behaviour {
    identify: identify::Behaviour,
    ping: ping::Behaviour,
    gossipsub: gossipsub::Behaviour,
    echo: echo::Behaviour,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut swarm = swarm(Keypair::generate_ed25519())?;
    let back = IdentTopic::new("back");
    let there = IdentTopic::new("there");
    swarm.behaviour_mut().gossipsub.subscribe(&there)?;
    swarm.listen_on("/ip4/127.0.0.1/udp/0/webrtc-direct".parse()?)?;
    loop {
        match swarm.select_next_some().await {
            SwarmEvent::NewListenAddr { address, .. } => {
                let peer = *swarm.local_peer_id();
                let address = address.with_p2p(peer).map_err(|_| "another's address")?;
                say(
                    json!({ "event": "ready", "peer_id": peer.to_string(), "addrs": [address.to_string()] }),
                );
            }
            SwarmEvent::Behaviour(BehaviourEvent::Gossipsub(gossipsub::Event::Message {
                message,
                ..
            })) => {
                say(json!({ "event": "heard", "size": message.data.len() }));
                let backwards: Vec<u8> = message.data.into_iter().rev().collect();
                let gossipsub = &mut swarm.behaviour_mut().gossipsub;
                if let Err(error) = gossipsub.publish(back.clone(), backwards) {
                    say(json!({ "event": "unsaid", "reason": error.to_string() }));
                }
            }
            SwarmEvent::Behaviour(BehaviourEvent::Echo(request_response::Event::Message {
                message:
                    request_response::Message::Request {
                        request, channel, ..
                    },
                ..
            })) => {
                // Its asker has gone otherwise.
                swarm
                    .behaviour_mut()
                    .echo
                    .send_response(channel, request)
                    .ok();
            }
            SwarmEvent::ConnectionClosed { peer_id, cause, .. } => {
                let cause = cause.map(|cause| cause.to_string());
                say(
                    json!({ "event": "disconnected", "peer": peer_id.to_string(), "cause": cause }),
                );
            }
            _ => {}
        }
    }
}

fn swarm(identity: Keypair) -> Result<Swarm<Behaviour>, Box<dyn Error>> {
    let config = Config::new(identity.clone(), Certificate::generate()?);
    let behaviour = Behaviour {
        identify: identify::Behaviour::new(identify::Config::new(
            "/velox-stock/1".to_owned(),
            identity.public(),
        )),
        ping: ping::Behaviour::default(),
        gossipsub: gossipsub::Behaviour::new(
            MessageAuthenticity::Signed(identity.clone()),
            gossipsub::ConfigBuilder::default()
                .max_transmit_size(MOST_READ)
                .build()?,
        )?,
        echo: echo::behaviour(),
    };
    Ok(SwarmBuilder::with_existing_identity(identity)
        .with_tokio()
        .with_other_transport(|_| {
            WebRtcDirect::new(config)
                .map(|(peer, connection), _| (peer, StreamMuxerBox::new(connection)))
        })?
        .with_behaviour(|_| behaviour)?
        .with_swarm_config(|config| config.with_idle_connection_timeout(IDLE_CONNECTION))
        .build())
}

fn say(event: Value) {
    println!("{event}");
}
