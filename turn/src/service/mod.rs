//! The server at work: its UDP sockets, its streams, and a socket for every allocation.

mod outbox;
mod relays;
mod streams;

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    task::JoinSet,
};
use velox_sockets::{Inbox, Socket};

use self::{outbox::Outbox, relays::Sockets, streams::Streams};
use crate::{
    client::{Client, Moment},
    config::Config,
    credentials::Secret,
    policy::Policy,
    server::{Outcome, Server, Summary},
};

/// Batches that are taken from one socket before others have their turn.
const BATCHES: usize = 4;
/// Receive buffers of a listener.
const LISTENER_BATCH: usize = 16;
/// Ports that are tried where any will do.
const TRIES: usize = 16;
/// How often what is over is looked for.
const TICK: Duration = Duration::from_secs(1);

/// How a server is set up.
#[derive(Clone, Debug)]
pub struct Setup {
    /// UDP and TCP addresses to listen on, each for both.
    pub listen: Vec<SocketAddr>,
    /// Ports of relayed addresses, first and last.
    pub ports: (u16, u16),
    /// This host as others see it, at most one address a family, where a router in front of it
    /// translates addresses one to one.
    pub external: Vec<IpAddr>,
    /// The realm of the users: a name of at most 100 bytes.
    pub realm: String,
    /// What makes their passwords.
    pub secret: Secret,
    /// Bounds.
    pub config: Config,
    /// Peers that may be relayed to.
    pub policy: Policy,
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
#[error("can't serve TURN on {address} ({carrier}): {source}; choose another with [turn] listen")]
pub struct ServiceError {
    /// What was asked for.
    pub address: SocketAddr,
    /// UDP or TCP.
    pub carrier: &'static str,
    /// What the system says.
    pub source: io::Error,
}

/// What others hold of a server.
#[derive(Clone, Debug)]
pub struct Handle(Arc<Shared>);

impl Handle {
    /// Whether there may be new allocations at present.
    pub fn lends(&self) -> bool {
        self.0.lock().server.lends(Moment::read())
    }

    /// Serves a client on a stream that was accepted elsewhere, as one with TLS is, until it ends.
    pub async fn serve(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + 'static,
        local: SocketAddr,
        remote: SocketAddr,
    ) {
        streams::serve(self.0.clone(), stream, local, remote).await;
    }
}

/// A server at work, until it is dropped.
#[derive(Debug)]
pub struct Service {
    shared: Arc<Shared>,
    listening: Vec<SocketAddr>,
    tasks: JoinSet<()>,
}

#[derive(Debug)]
struct Shared {
    inner: Mutex<Inner>,
    inboxes: Mutex<Vec<Inbox>>,
    listeners: Vec<Arc<Socket>>,
}

#[derive(Debug)]
struct Inner {
    server: Server,
    sockets: Sockets,
    streams: Streams,
}

impl Service {
    /// Binds the addresses and serves, on the present Tokio runtime.
    pub fn start(setup: Setup) -> Result<Self, ServiceError> {
        let mut listeners = Vec::new();
        let mut acceptors = Vec::new();
        for address in &setup.listen {
            let (udp, tcp) = bind(*address)?;
            listeners.push(Arc::new(udp));
            acceptors.push(tcp);
        }
        let hosts: Vec<_> = if_addrs::get_if_addrs()
            .unwrap_or_default()
            .iter()
            .map(if_addrs::Interface::ip)
            .chain(setup.external.iter().copied())
            .collect();
        let server = Server::new(
            setup.config.clone(),
            setup.policy,
            setup.realm,
            setup.secret,
            hosts.iter().copied(),
        );
        let shared = Arc::new_cyclic(|shared| Shared {
            inner: Mutex::new(Inner {
                server,
                sockets: Sockets::new(shared.clone(), hosts, setup.external, setup.ports),
                streams: Streams::new(&setup.config),
            }),
            inboxes: Mutex::default(),
            listeners,
        });
        let mut tasks = JoinSet::new();
        for socket in shared.listeners.clone() {
            tasks.spawn(listen(shared.clone(), socket));
        }
        for acceptor in acceptors {
            tasks.spawn(accept(shared.clone(), acceptor));
        }
        tasks.spawn(tidy(shared.clone()));
        Ok(Service {
            listening: shared
                .listeners
                .iter()
                .map(|socket| socket.local())
                .collect(),
            shared,
            tasks,
        })
    }

    /// The addresses that it listens on, each by UDP and by TCP.
    pub fn listening(&self) -> &[SocketAddr] {
        &self.listening
    }

    /// A handle on it.
    pub fn handle(&self) -> Handle {
        Handle(self.shared.clone())
    }

    /// Figures.
    pub fn summary(&self) -> Summary {
        self.shared.lock().server.summary()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.tasks.abort_all();
        self.shared.lock().sockets.close_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Room to receive in, which relay sockets share: few of them receive at the same time.
    fn inbox(&self) -> Inbox {
        let mut inboxes = self.inboxes.lock().unwrap_or_else(PoisonError::into_inner);
        inboxes.pop().unwrap_or_else(|| Inbox::new(4))
    }

    fn give_back(&self, inbox: Inbox) {
        let mut inboxes = self.inboxes.lock().unwrap_or_else(PoisonError::into_inner);
        if inboxes.len() < 4 {
            inboxes.push(inbox);
        }
    }

    /// The socket by which a UDP client is answered.
    fn listener(&self, client: &Client) -> Option<&Arc<Socket>> {
        self.listeners.iter().find(|socket| {
            let local = socket.local();
            local.port() == client.local.port()
                && (local.ip() == client.local.ip()
                    || (local.ip().is_unspecified() && local.is_ipv4() == client.local.is_ipv4()))
        })
    }
}

impl Inner {
    /// Takes one message of a client; what follows from it goes into the outbox.
    fn client_sent(
        &mut self,
        shared: &Shared,
        client: Client,
        message: &[u8],
        outbox: &mut Outbox,
        now: Moment,
    ) {
        match self
            .server
            .client_sent(client, message, &mut self.sockets, now)
        {
            Outcome::Nothing => {}
            Outcome::Answer(answer) => outbox.answer(shared, &self.streams, client, &answer),
            Outcome::Relay { relay, peer, data } => {
                if let Some(socket) = self.sockets.get(relay) {
                    outbox.relay(socket, peer, data);
                }
            }
            Outcome::Deliver(delivery) => outbox.deliver(shared, &self.streams, delivery),
        }
    }
}

/// The same port by UDP and by TCP. Of a port that is any, TCP may have a connection on the one
/// that UDP finds free: then it is another.
fn bind(address: SocketAddr) -> Result<(Socket, TcpListener), ServiceError> {
    let failed = |carrier| {
        move |source| ServiceError {
            address,
            carrier,
            source,
        }
    };
    let mut tries = if address.port() == 0 { TRIES } else { 1 };
    loop {
        tries -= 1;
        let udp = Socket::bind(address, true).map_err(failed("UDP"))?;
        match velox_sockets::listen(udp.local()) {
            Ok(tcp) => return Ok((udp, tcp)),
            Err(error) if tries > 0 && error.kind() == io::ErrorKind::AddrInUse => {}
            Err(error) => return Err(failed("TCP")(error)),
        }
    }
}

/// Takes what clients send by UDP.
async fn listen(shared: Arc<Shared>, socket: Arc<Socket>) {
    let mut inbox = Inbox::new(LISTENER_BATCH);
    let mut outbox = Outbox::default();
    let nothing = socket.backlog();
    loop {
        let received = socket.ready(&nothing).await.and_then(|()| {
            let mut more = true;
            for _ in 0..BATCHES {
                let mut inner = None;
                let now = Moment::read();
                more = socket.receive(&mut inbox, |remote, local, message| {
                    let inner: &mut MutexGuard<_> = inner.get_or_insert_with(|| shared.lock());
                    let client = Client {
                        local,
                        remote,
                        stream: None,
                    };
                    inner.client_sent(&shared, client, message, &mut outbox, now);
                })?;
                drop(inner);
                outbox.send();
                if !more {
                    break;
                }
            }
            Ok(more)
        });
        if let Err(error) = received {
            tracing::warn!(address = %socket.local(), %error, "TURN's UDP socket has failed");
            return;
        }
    }
}

async fn accept(shared: Arc<Shared>, listener: TcpListener) {
    let mut clients = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, remote)) => {
                    stream.set_nodelay(true).ok();
                    if let Ok(local) = stream.local_addr() {
                        clients.spawn(streams::serve(shared.clone(), stream, local, remote));
                    }
                }
                // Out of file descriptors, most likely: others must end first.
                Err(error) => {
                    tracing::warn!(%error, "TURN can't accept a connection");
                    tokio::time::sleep(TICK).await;
                }
            },
            Some(_) = clients.join_next() => {}
        }
    }
}

async fn tidy(shared: Arc<Shared>) {
    let mut tick = tokio::time::interval(TICK);
    loop {
        tick.tick().await;
        let mut inner = shared.lock();
        let Inner {
            server, sockets, ..
        } = &mut *inner;
        server.expire(sockets, Moment::read());
    }
}
