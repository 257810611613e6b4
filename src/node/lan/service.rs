//! The sockets of multicast DNS: one that hears all interfaces, and one for each to speak by.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4},
    time::Duration,
};

use libp2p::{Multiaddr, PeerId};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::{
    net::UdpSocket,
    sync::{mpsc, watch},
    time::{Instant, interval, sleep_until},
};

use super::beacon::{Beacon, Found};
use crate::clock::Now;

/// Where everybody listens (RFC 6762, section 3).
const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);
const PORT: u16 = 5353;
/// Bytes of the longest message.
const LONGEST: usize = 9_000;
/// How often it is looked whether the host has other addresses.
const LOOK: Duration = Duration::from_secs(10);

/// Finds nodes of this network nearby, until nobody wants to hear of them any more.
pub async fn serve(
    network: String,
    node: PeerId,
    mut listening: watch::Receiver<Vec<Multiaddr>>,
    found: mpsc::Sender<Found>,
) {
    let mut beacon = Beacon::new(network, node, Now::read());
    let (mut here, mut sockets) = (Vec::new(), None);
    let mut look = interval(LOOK);
    let mut buffer = vec![0; LONGEST];
    loop {
        let deadline = Instant::from_std(beacon.deadline());
        tokio::select! {
            _ = look.tick() => {
                let now = interfaces();
                if now != here || sockets.is_none() {
                    here = now;
                    sockets = Sockets::open(&here)
                        .inspect_err(|error| tracing::debug!(%error, "no multicast DNS"))
                        .ok();
                    beacon.moved(Now::read());
                }
            }
            changed = listening.changed() => {
                if changed.is_err() {
                    return;
                }
                let all = listening.borrow_and_update().clone();
                beacon.listens(&all, Now::read());
            }
            heard = receive(sockets.as_ref(), &mut buffer) => match heard {
                Ok((length, from)) => {
                    for one in beacon.heard(from, &buffer[..length], Now::read()) {
                        // A full queue has enough to dial.
                        if let Err(mpsc::error::TrySendError::Closed(_)) = found.try_send(one) {
                            return;
                        }
                    }
                }
                Err(_) => sockets = None,
            },
            () = sleep_until(deadline) => {
                if let Some(message) = beacon.say(Now::read())
                    && let Some(sockets) = &sockets
                {
                    sockets.say(&message).await;
                }
            }
        }
    }
}

async fn receive(sockets: Option<&Sockets>, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
    match sockets {
        Some(sockets) => sockets.hear.recv_from(buffer).await,
        None => std::future::pending().await,
    }
}

/// IPv4 addresses of this host that others in a local network may have.
fn interfaces() -> Vec<Ipv4Addr> {
    let mut all: Vec<_> = if_addrs::get_if_addrs()
        .unwrap_or_default()
        .iter()
        .filter(|interface| !interface.is_loopback())
        .filter_map(|interface| match interface.ip() {
            IpAddr::V4(ip) => Some(ip),
            IpAddr::V6(_) => None,
        })
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

struct Sockets {
    hear: UdpSocket,
    speak: Vec<UdpSocket>,
}

impl Sockets {
    fn open(interfaces: &[Ipv4Addr]) -> io::Result<Self> {
        let hear = bind(Ipv4Addr::UNSPECIFIED)?;
        let mut speak = Vec::new();
        for ip in interfaces {
            // One that takes no multicast is left out.
            if hear.join_multicast_v4(&GROUP, ip).is_ok()
                && let Ok(socket) = bind(*ip)
                && socket.set_multicast_if_v4(ip).is_ok()
                && let Ok(socket) = UdpSocket::from_std(socket.into())
            {
                speak.push(socket);
            }
        }
        Ok(Sockets {
            hear: UdpSocket::from_std(hear.into())?,
            speak,
        })
    }

    async fn say(&self, message: &[u8]) {
        for socket in &self.speak {
            if let Err(error) = socket.send_to(message, (GROUP, PORT)).await {
                tracing::debug!(%error, "multicast DNS can't be sent");
            }
        }
    }
}

/// A socket on the port that every program of this kind shares.
fn bind(ip: Ipv4Addr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    // Messages of other hops aren't of this link; others may check that ours are.
    socket.set_multicast_ttl_v4(255)?;
    socket.set_multicast_loop_v4(true)?;
    socket.bind(&SocketAddrV4::new(ip, PORT).into())?;
    Ok(socket)
}
