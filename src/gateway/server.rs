//! Binding ports, knowing by which addresses they are reached, and serving until told to stop.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    path::Path,
    sync::Arc,
};

use super::{
    front::Front,
    incoming::{Incoming, Remote},
    proxies::{self, Proxies},
    secure::Secure,
    tls::{BadCertificate, Https},
};
use axum::{Router, middleware};
use libp2p::{Multiaddr, multiaddr::Protocol};
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
    task::{JoinHandle, JoinSet},
};

/// Connections that are ready and wait for the HTTP server to take them.
const READY: usize = 64;
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
    /// The same, for https.
    #[error(
        "can't serve https on {address}: {source}; stop what has the port, give the program the \
         right to it (setcap cap_net_bind_service=+ep), or choose another with [https] listen"
    )]
    BindSecure {
        /// What was asked for.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The certificate can't be served.
    #[error(transparent)]
    Certificate(#[from] BadCertificate),
    /// There is no certificate, and no way to get one.
    #[error(
        "https for {0} needs a certificate: give --acme to get one, or [https] certificate and \
         key with a file each"
    )]
    NoCertificate(String),
    /// A certificate that is got needs a place.
    #[error("--acme needs a --data-dir to keep the certificate in")]
    NoDataDir,
}

/// Bound ports, not yet served.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    proxies: Arc<Proxies>,
    secure: Option<Secure>,
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
        Ok(Server {
            listener,
            address,
            proxies: Arc::default(),
            secure: None,
        })
    }

    /// Believes these proxies.
    pub fn behind(mut self, proxies: Proxies) -> Self {
        self.proxies = Arc::new(proxies);
        self
    }

    /// Serves https too, if there are names for it. Certificates that are got are kept in the data
    /// directory.
    pub fn secure(mut self, https: Https, data_dir: Option<&Path>) -> Result<Self, ServerError> {
        self.secure = Secure::bind(https, data_dir)?;
        Ok(self)
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

    /// The addresses as multiaddrs of WebSocket attachments, those with TLS first.
    pub fn multiaddrs(&self) -> Vec<Multiaddr> {
        let secure = self.secure.iter().flat_map(Secure::multiaddrs);
        let plain = self.addresses();
        secure
            .chain(plain.into_iter().map(|address| {
                Multiaddr::from(address.ip())
                    .with(Protocol::Tcp(address.port()))
                    .with(Protocol::Ws("/".into()))
            }))
            .collect()
    }

    /// The first address, as a URL.
    pub fn url(&self) -> String {
        let address = self.addresses().first().copied().unwrap_or(self.address);
        format!("http://{address}")
    }

    /// Where https is reached, if it is served.
    pub fn secure_urls(&self) -> Vec<String> {
        self.secure.iter().flat_map(Secure::urls).collect()
    }

    /// Serves in the background. What speaks TURN on the https port goes to `turn`.
    pub fn serve(self, router: Router, turn: Option<velox_turn::Handle>) -> Serving {
        let (stop, stopped) = oneshot::channel::<()>();
        let (ready, arriving) = mpsc::channel(READY);
        let heed = middleware::from_fn_with_state(self.proxies.clone(), proxies::heed);
        let service = router
            .layer(heed)
            .into_make_service_with_connect_info::<Remote>();
        let incoming = Incoming {
            ready: arriving,
            local: self.address,
        };
        let mut tasks = JoinSet::new();
        let front = |listener, tls, turn| Front {
            listener,
            tls,
            proxies: self.proxies.clone(),
            turn,
            ready: ready.clone(),
        };
        tasks.spawn(front(self.listener, None, None).run());
        if let Some(secure) = self.secure {
            let tls = secure.acceptor();
            for listener in secure.listeners {
                tasks.spawn(front(listener, Some(tls.clone()), turn.clone()).run());
            }
            tasks.spawn(secure.renewal.run());
        }
        let task = tokio::spawn(async move {
            tokio::select! {
                served = axum::serve(incoming, service) => {
                    if let Err(error) = served {
                        tracing::error!(%error, "the HTTP server has failed");
                    }
                }
                Ok(()) = stopped => {}
            }
            tasks.shutdown().await;
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
