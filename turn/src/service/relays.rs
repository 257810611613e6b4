//! The sockets of relayed addresses.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Weak},
};

use rand::RngExt;
use tokio::task::AbortHandle;
use velox_sockets::Socket;

use super::{BATCHES, Inner, Shared, outbox::Outbox};
use crate::{
    client::{Client, Moment, RelayId},
    policy::Policy,
    server::Relays,
};

/// Ports that are tried before none counts as free.
const TRIES: usize = 64;

#[derive(Debug)]
pub(super) struct Sockets {
    shared: Weak<Shared>,
    open: HashMap<RelayId, Open>,
    hosts: Vec<IpAddr>,
    external: Vec<IpAddr>,
    ports: (u16, u16),
}

#[derive(Debug)]
struct Open {
    socket: Arc<Socket>,
    task: AbortHandle,
}

impl Sockets {
    pub fn new(
        shared: Weak<Shared>,
        hosts: Vec<IpAddr>,
        external: Vec<IpAddr>,
        ports: (u16, u16),
    ) -> Self {
        Sockets {
            shared,
            open: HashMap::new(),
            hosts,
            external,
            ports,
        }
    }

    pub fn get(&self, id: RelayId) -> Option<&Arc<Socket>> {
        self.open.get(&id).map(|open| &open.socket)
    }

    pub fn close_all(&mut self) {
        for (_, open) in self.open.drain() {
            open.task.abort();
        }
    }

    /// The address of this host at which a client's peers can send to it: the one by which the
    /// client came, or one of the other family that reaches as far.
    fn ip(&self, client: &Client, ipv6: bool) -> Option<IpAddr> {
        let came = client.local.ip().to_canonical();
        if came.is_ipv6() == ipv6 {
            return Some(came);
        }
        let open = Policy::default();
        let mut others = self.hosts.iter().filter(|ip| ip.is_ipv6() == ipv6);
        others
            .find(|ip| open.allows(**ip) == open.allows(came) && !ip.is_unspecified())
            .copied()
    }
}

impl Relays for Sockets {
    fn open(
        &mut self,
        id: RelayId,
        client: &Client,
        ipv6: bool,
        even: bool,
    ) -> io::Result<SocketAddr> {
        let ip = self.ip(client, ipv6);
        let ip = ip.ok_or(io::ErrorKind::AddrNotAvailable)?;
        let shared = self.shared.upgrade();
        let shared = shared.ok_or(io::ErrorKind::NotConnected)?;
        let socket = Arc::new(bind(ip, self.ports, even)?);
        let external = self
            .external
            .iter()
            .find(|external| external.is_ipv6() == ipv6);
        let seen = external.filter(|_| !ip.is_loopback()).unwrap_or(&ip);
        let seen = SocketAddr::new(*seen, socket.local().port());
        let task = tokio::spawn(receive(shared, id, socket.clone())).abort_handle();
        self.open.insert(id, Open { socket, task });
        Ok(seen)
    }

    fn close(&mut self, id: RelayId) {
        if let Some(open) = self.open.remove(&id) {
            open.task.abort();
        }
    }
}

/// A socket at a random port, so that nobody can guess who has it.
fn bind(ip: IpAddr, (first, last): (u16, u16), even: bool) -> io::Result<Socket> {
    let mut rng = rand::rng();
    let mut failed = io::ErrorKind::AddrInUse.into();
    for _ in 0..TRIES {
        let port = rng.random_range(first..=last.max(first));
        let port = if even { port & !1 } else { port };
        match Socket::bind(SocketAddr::new(ip, port), true) {
            Ok(socket) => return Ok(socket),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

/// Takes what peers send.
async fn receive(shared: Arc<Shared>, id: RelayId, socket: Arc<Socket>) {
    let mut outbox = Outbox::default();
    let nothing = socket.backlog();
    while socket.ready(&nothing).await.is_ok() {
        let mut inbox = shared.inbox();
        for _ in 0..BATCHES {
            let mut inner = None;
            let now = Moment::read();
            let more = socket.receive(&mut inbox, |peer, _, data| {
                let inner = inner.get_or_insert_with(|| shared.lock());
                let Inner {
                    server, streams, ..
                } = &mut **inner;
                if let Some(delivery) = server.peer_sent(id, peer, data, now) {
                    outbox.deliver(&shared, streams, delivery);
                }
            });
            drop(inner);
            outbox.send();
            if !matches!(more, Ok(true)) {
                break;
            }
        }
        shared.give_back(inbox);
    }
}
