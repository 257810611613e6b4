//! Strangers: each sends one datagram from a port of its own, spread over addresses of
//! 127.0.0.0/8. Prints `{"event":"sent","sent":…,"answered":…,"bytes":…}`: who was answered got
//! past the node's limits, and cost it all that a first contact costs.

use std::{
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    thread,
    time::Duration,
};

use clap::ValueEnum;
use libp2p::{Multiaddr, multiaddr::Protocol};
use libp2p_webrtc_direct::{Credentials, Version};
use serde_json::json;
use str0m::ice::{StunMessageBuilder, TransId};

use crate::failure::Failure;

/// Datagrams under way at once: far from what a socket's buffer holds.
const BATCH: u32 = 64;
/// How long an answer may take. Only such as the node refuses are waited for as long.
const PATIENCE: Duration = Duration::from_millis(100);
/// What a batch that isn't answered is given.
const PAUSE: Duration = Duration::from_millis(4);

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// A signed first STUN request, with the key inside.
    Contact,
    /// As long as one, and nothing.
    Garbage,
}

#[derive(clap::Args)]
pub struct Options {
    /// The node: /ip4/…/udp/…/webrtc-direct/….
    #[arg(long)]
    node: Multiaddr,
    #[arg(long, value_enum)]
    kind: Kind,
    /// Datagrams.
    #[arg(long, default_value_t = 20_000)]
    count: u32,
    /// Addresses that they come from.
    #[arg(long, default_value_t = 2_000)]
    sources: u32,
}

pub fn run(options: Options) -> Result<(), Failure> {
    let parts: Vec<_> = options.node.iter().take(2).collect();
    let [Protocol::Ip4(ip), Protocol::Udp(port)] = parts[..] else {
        return Err(Failure::Address(options.node.to_string()));
    };
    let node = SocketAddr::from((ip, port));
    let (mut answered, mut bytes) = (0, 0);
    let numbers: Vec<_> = (0..options.count).collect();
    for batch in numbers.chunks(BATCH as usize) {
        let mut sockets = Vec::new();
        for number in batch {
            let datagram = match options.kind {
                Kind::Contact => first_contact(),
                Kind::Garbage => vec![200; first_contact().len()],
            };
            bytes += datagram.len();
            sockets.push(send(node, number % options.sources, &datagram)?);
        }
        match options.kind {
            Kind::Contact => {
                answered += sockets.iter().filter(|socket| is_answered(socket)).count()
            }
            Kind::Garbage => thread::sleep(PAUSE),
        }
    }
    let done = json!({
        "event": "sent",
        "sent": options.count,
        "answered": answered,
        "bytes": bytes / options.count.max(1) as usize,
    });
    println!("{done}");
    Ok(())
}

/// From any port of the address of this number: 127.1.0.0 and what follows.
fn send(node: SocketAddr, number: u32, datagram: &[u8]) -> Result<UdpSocket, Failure> {
    let failed = Failure::io("sending a datagram");
    let source = Ipv4Addr::from(u32::from(Ipv4Addr::new(127, 1, 0, 0)) + number);
    let socket = UdpSocket::bind((source, 0)).map_err(&failed)?;
    socket.set_read_timeout(Some(PATIENCE)).map_err(&failed)?;
    socket.send_to(datagram, node).map_err(&failed)?;
    Ok(socket)
}

fn is_answered(socket: &UdpSocket) -> bool {
    socket.recv_from(&mut [0; 256]).is_ok()
}

/// What a browser sends first.
fn first_contact() -> Vec<u8> {
    let Credentials { server, client, .. } = Credentials::dial(Version::V2);
    let username = format!("{server}:{client}");
    let request = StunMessageBuilder::new()
        .binding()
        .request()
        .username(&username)
        .prio(1)
        .ice_controlling(7)
        .use_candidate()
        .build(TransId::new());
    let crypto = str0m::crypto::from_feature_flags();
    let sign = |key: &[u8], parts: &[&[u8]]| crypto.sha1_hmac_provider.sha1_hmac(key, parts);
    let mut bytes = vec![0; 1024];
    let length = request
        .to_bytes(Some(server.as_bytes()), &mut bytes, sign)
        .expect("it fits in 1,024 bytes");
    bytes.truncate(length);
    bytes
}
