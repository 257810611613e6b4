//! The transport: listeners and dials.

use std::{
    collections::{HashMap, VecDeque},
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use futures::{FutureExt, future::BoxFuture};
use libp2p_core::{
    Multiaddr, Transport,
    transport::{DialOpts, ListenerId, TransportError, TransportEvent},
};
use libp2p_identity::PeerId;
use tokio::sync::mpsc;
use velox_sockets::Socket;

use crate::{
    address::{Target, announced, remote, to_dial, to_listen},
    config::Config,
    connection::{Arrived, Role},
    driver::Driver,
    error::{Ended, Error},
    metrics::Metrics,
    muxer::Connection,
    noise::authenticate,
};

type Upgrade = BoxFuture<'static, Result<(PeerId, Connection), Error>>;
type Occurrence = TransportEvent<Upgrade, Error>;

/// WebRTC-direct for a libp2p swarm. It needs a Tokio runtime.
#[derive(Debug)]
pub struct WebRtcDirect {
    config: Arc<Config>,
    metrics: Arc<Metrics>,
    listeners: HashMap<ListenerId, Listener>,
    occurred: VecDeque<Occurrence>,
    waker: Option<Waker>,
}

#[derive(Debug)]
struct Listener {
    arrivals: mpsc::Receiver<Arrived>,
    addresses: Vec<Multiaddr>,
}

impl WebRtcDirect {
    /// A transport that listens and dials nowhere yet.
    pub fn new(config: Config) -> Self {
        WebRtcDirect {
            config: Arc::new(config),
            metrics: Arc::default(),
            listeners: HashMap::new(),
            occurred: VecDeque::new(),
            waker: None,
        }
    }

    /// What happens in it, to be read at any time.
    pub fn metrics(&self) -> Arc<Metrics> {
        self.metrics.clone()
    }

    fn receive(&self, arrived: Arrived) -> Upgrade {
        let config = self.config.clone();
        // From here on the connection is closed when the upgrade is dropped.
        let connection = Connection::new(arrived.link, config.max_streams);
        async move {
            let prologue = arrived.prologue;
            authenticate(&config.identity, Role::Server, connection, prologue, None).await
        }
        .boxed()
    }

    fn occur(&mut self, event: Occurrence) {
        self.occurred.push_back(event);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl Transport for WebRtcDirect {
    type Output = (PeerId, Connection);
    type Error = Error;
    type ListenerUpgrade = Upgrade;
    type Dial = Upgrade;

    fn listen_on(
        &mut self,
        id: ListenerId,
        address: Multiaddr,
    ) -> Result<(), TransportError<Error>> {
        let Some(socket) = to_listen(&address) else {
            return Err(TransportError::MultiaddrNotSupported(address));
        };
        let failed = |source| TransportError::Other(Error::Socket { address, source });
        let socket = Socket::bind(socket, true).map_err(failed)?;
        let certhash = self.config.certificate.fingerprint();
        let addresses: Vec<_> = concrete(socket.local())
            .into_iter()
            .map(|socket| announced(socket, certhash))
            .collect();
        let (driver, arrivals) = Driver::listen(socket, self.config.clone(), self.metrics.clone());
        tokio::spawn(driver.run());
        for listen_addr in addresses.clone() {
            self.occur(TransportEvent::NewAddress {
                listener_id: id,
                listen_addr,
            });
        }
        let listener = Listener {
            arrivals,
            addresses,
        };
        self.listeners.insert(id, listener);
        Ok(())
    }

    fn remove_listener(&mut self, id: ListenerId) -> bool {
        let Some(listener) = self.listeners.remove(&id) else {
            return false;
        };
        for listen_addr in listener.addresses {
            self.occur(TransportEvent::AddressExpired {
                listener_id: id,
                listen_addr,
            });
        }
        self.occur(TransportEvent::ListenerClosed {
            listener_id: id,
            reason: Ok(()),
        });
        true
    }

    fn dial(
        &mut self,
        address: Multiaddr,
        options: DialOpts,
    ) -> Result<Upgrade, TransportError<Error>> {
        let supported = to_dial(&address).filter(|_| options.role.is_dialer());
        let Some(target) = supported else {
            return Err(TransportError::MultiaddrNotSupported(address));
        };
        if target.certhash.is_none() {
            return Err(TransportError::Other(Error::NoCerthash(address)));
        }
        let (config, metrics) = (self.config.clone(), self.metrics.clone());
        Ok(dial(config, metrics, target, address).boxed())
    }

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Occurrence> {
        if let Some(event) = self.occurred.pop_front() {
            return Poll::Ready(event);
        }
        let mut came = None;
        let mut stopped = None;
        for (id, listener) in &mut self.listeners {
            match listener.arrivals.poll_recv(cx) {
                Poll::Ready(Some(arrived)) => {
                    came = Some((*id, arrived));
                    break;
                }
                Poll::Ready(None) => stopped = Some(*id),
                Poll::Pending => {}
            }
        }
        if let Some((listener_id, arrived)) = came {
            let local = announced(arrived.local, self.config.certificate.fingerprint());
            let from = remote(arrived.remote);
            return Poll::Ready(TransportEvent::Incoming {
                listener_id,
                local_addr: local,
                send_back_addr: from,
                upgrade: self.receive(arrived),
            });
        }
        if let Some(id) = stopped {
            self.remove_listener(id);
            if let Some(event) = self.occurred.pop_front() {
                return Poll::Ready(event);
            }
        }
        self.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

async fn dial(
    config: Arc<Config>,
    metrics: Arc<Metrics>,
    target: Target,
    address: Multiaddr,
) -> Result<(PeerId, Connection), Error> {
    let failed = |source| Error::Socket {
        address: address.clone(),
        source,
    };
    let Some(certhash) = target.certhash else {
        return Err(Error::NoCerthash(address));
    };
    let source = source_towards(target.socket).map_err(failed)?;
    let socket = Socket::bind(SocketAddr::new(source, 0), false).map_err(failed)?;
    let between = (socket.local(), target.socket);
    let (driver, link, mut arrivals) =
        Driver::dial(socket, config.clone(), metrics, between, certhash)?;
    let connection = Connection::new(link, config.max_streams);
    tokio::spawn(driver.run());
    let Some(arrived) = arrivals.recv().await else {
        let why = connection.link().lock().ended.clone();
        return Err(Error::Ended(why.unwrap_or(Ended::Stopped)));
    };
    let prologue = arrived.prologue;
    authenticate(
        &config.identity,
        Role::Client,
        connection,
        prologue,
        target.peer,
    )
    .await
}

/// Which of our addresses the system uses towards another.
fn source_towards(destination: SocketAddr) -> io::Result<IpAddr> {
    let unspecified: IpAddr = match destination {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let probe = UdpSocket::bind((unspecified, 0))?;
    probe.connect(destination)?;
    Ok(probe.local_addr()?.ip())
}

/// The addresses at which a socket can be reached: those of the interfaces if it is bound to all.
fn concrete(local: SocketAddr) -> Vec<SocketAddr> {
    if !local.ip().is_unspecified() {
        return vec![local];
    }
    let all = if_addrs::get_if_addrs().unwrap_or_else(|error| {
        tracing::warn!(%error, "can't list the network interfaces");
        Vec::new()
    });
    all.iter()
        .map(if_addrs::Interface::ip)
        .filter(|ip| ip.is_ipv4() == local.is_ipv4() && !is_link_local(*ip))
        .map(|ip| SocketAddr::new(ip, local.port()))
        .collect()
}

/// Such addresses mean nothing without an interface, which a multiaddr can't name.
fn is_link_local(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local())
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use libp2p_identity::Keypair;

    use super::*;
    use crate::{certificate::Certificate, fingerprint::Fingerprint};

    fn config() -> Arc<Config> {
        let identity = Keypair::ed25519_from_bytes(rand::random::<[u8; 32]>()).unwrap();
        Arc::new(Config::new(identity, Certificate::generate().unwrap()))
    }

    /// Dials with a prologue that `twist` has changed, as somebody in the middle would have to.
    async fn outcomes(twist: fn(&mut Vec<u8>)) -> (bool, bool) {
        let (server, client) = (config(), config());
        let certhash: Fingerprint = server.certificate.fingerprint();
        let socket = || Socket::bind("127.0.0.1:0".parse().unwrap(), false).unwrap();
        let (here, there) = (socket(), socket());
        let between = (here.local(), there.local());
        let (driver, mut arrivals) = Driver::listen(there, server.clone(), Arc::default());
        tokio::spawn(driver.run());
        let (driver, link, mut arrived) =
            Driver::dial(here, client.clone(), Arc::default(), between, certhash).unwrap();
        let ours = Connection::new(link, 8);
        tokio::spawn(driver.run());
        let one = async {
            let mut prologue = arrived.recv().await.unwrap().prologue;
            twist(&mut prologue);
            authenticate(&client.identity, Role::Client, ours, prologue, None).await
        };
        let other = async {
            let arrived = poll_fn(|cx| arrivals.poll_recv(cx)).await.unwrap();
            let theirs = Connection::new(arrived.link, 8);
            let prologue = arrived.prologue;
            authenticate(&server.identity, Role::Server, theirs, prologue, None).await
        };
        let (one, other) = futures::join!(one, other);
        (one.is_ok(), other.is_ok())
    }

    #[tokio::test]
    async fn a_wrong_prologue_is_refused_by_both_ends() {
        assert_eq!(outcomes(|_| {}).await, (true, true));
        assert_eq!(outcomes(|prologue| prologue[30] ^= 1).await, (false, false));
    }
}
