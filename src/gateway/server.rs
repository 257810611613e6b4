//! Binding a port, knowing by which addresses it is reached, and serving until told to stop.

use std::{
    io,
    net::{IpAddr, SocketAddr},
};

use axum::{Router, serve::ListenerExt};
use libp2p::{Multiaddr, multiaddr::Protocol};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

/// Why an HTTP server doesn't start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The port is taken, or the address isn't this machine's.
    #[error("can't serve HTTP on {address}: {source}; choose another with --http")]
    Bind {
        /// What was asked for.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}

/// A bound port, not yet served.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

/// A server at work. Dropping it leaves it at work.
#[derive(Debug)]
pub struct Serving {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Server {
    /// Binds a port; 0 is any.
    pub async fn bind(address: SocketAddr) -> Result<Self, ServerError> {
        let failed = |source| ServerError::Bind { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Server { listener, address })
    }

    /// The port, where any was asked for, too.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Every address by which it is reached: one per interface where it listens on all, this
    /// host's own first.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        let port = self.address.port();
        if !self.address.ip().is_unspecified() {
            return vec![self.address];
        }
        let mut ips: Vec<_> = if_addrs::get_if_addrs()
            .unwrap_or_default()
            .into_iter()
            .map(|interface| interface.ip())
            .filter(|ip| ip.is_ipv4() || self.address.is_ipv6())
            .filter(|ip| !matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local()))
            .collect();
        ips.sort_by_key(|ip| (!ip.is_loopback(), ip.is_ipv6()));
        ips.dedup();
        ips.into_iter()
            .map(|ip| SocketAddr::new(ip, port))
            .collect()
    }

    /// The addresses as multiaddrs of WebSocket attachments.
    pub fn multiaddrs(&self) -> Vec<Multiaddr> {
        self.addresses()
            .into_iter()
            .map(|address| {
                Multiaddr::from(address.ip())
                    .with(Protocol::Tcp(address.port()))
                    .with(Protocol::Ws("/".into()))
            })
            .collect()
    }

    /// The first address, as a URL.
    pub fn url(&self) -> String {
        let address = self.addresses().first().copied().unwrap_or(self.address);
        format!("http://{address}")
    }

    /// Serves in the background.
    pub fn serve(self, router: Router) -> Serving {
        let (stop, stopped) = oneshot::channel::<()>();
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        // Attachments send small frames at any time: Nagle's algorithm would keep each back until
        // the page's kernel acknowledges the one before, which takes it up to 40 ms.
        let listener = self.listener.tap_io(|connection| {
            // A connection that refuses is slower, and that is all.
            connection.set_nodelay(true).ok();
        });
        let task = tokio::spawn(async move {
            tokio::select! {
                served = axum::serve(listener, service) => {
                    if let Err(error) = served {
                        tracing::error!(%error, "the HTTP server has failed");
                    }
                }
                Ok(()) = stopped => {}
            }
        });
        Serving { stop, task }
    }
}

impl Serving {
    /// Frees the port. Requests under way are cut.
    pub async fn stop(self) {
        // If nobody listens any more, the task has ended already.
        self.stop.send(()).ok();
        self.task.await.ok();
    }
}
