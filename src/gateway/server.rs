//! Binding ports, knowing by which addresses they are reached, and serving until told to stop.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::{Router, middleware};
use libp2p::{Multiaddr, multiaddr::Protocol};
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
    task::{JoinHandle, JoinSet},
};
use tokio_rustls::TlsAcceptor;

use super::{
    front::Front,
    incoming::{Incoming, Remote},
    proxies::{self, Proxies},
    tls::{BadCertificate, Certificates, Https, Orders, Pair},
};

/// Connections that are ready and wait for the HTTP server to take them.
const READY: usize = 64;
/// How often an operator's certificate files are looked at.
const RELOAD: Duration = Duration::from_secs(30);

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

/// What serves https.
#[derive(Debug)]
struct Secure {
    listeners: Vec<TcpListener>,
    domains: Vec<String>,
    port: u16,
    certificates: Arc<Certificates>,
    source: Source,
}

/// Where the certificate comes from.
#[derive(Debug)]
enum Source {
    Files { chain: PathBuf, key: PathBuf },
    Acme(Box<Orders>),
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
    pub async fn secure(
        mut self,
        https: Https,
        data_dir: Option<&Path>,
    ) -> Result<Self, ServerError> {
        let Some(first) = https.domains.first() else {
            return Ok(self);
        };
        let certificates = Arc::new(Certificates::default());
        let source = match (https.certificate, https.key) {
            (Some(chain), Some(key)) => {
                certificates.install(&Pair::read(&chain, &key, &https.domains)?);
                Source::Files { chain, key }
            }
            _ if https.acme.enabled => Source::Acme(Box::new(Orders {
                config: https.acme,
                domains: https.domains.clone(),
                folder: data_dir.ok_or(ServerError::NoDataDir)?.join("acme"),
                certificates: certificates.clone(),
            })),
            _ => return Err(ServerError::NoCertificate(first.clone())),
        };
        let mut listeners = Vec::new();
        let mut port = 0;
        for address in https.listen {
            let failed = |source| ServerError::BindSecure { address, source };
            let Some(listener) = bind(address).map_err(failed)? else {
                continue;
            };
            port = listener.local_addr().map_err(failed)?.port();
            listeners.push(listener);
        }
        self.secure = Some(Secure {
            listeners,
            domains: https.domains,
            port,
            certificates,
            source,
        });
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
        let secure = self.secure.iter().flat_map(|secure| {
            let named = |domain: &String| {
                Multiaddr::empty()
                    .with(Protocol::Dns(domain.clone().into()))
                    .with(Protocol::Tcp(secure.port))
                    .with(Protocol::Wss("/".into()))
            };
            secure.domains.iter().map(named)
        });
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
        let urls = self.secure.iter().flat_map(|secure| {
            let port = match secure.port {
                443 => String::new(),
                port => format!(":{port}"),
            };
            let url = move |domain: &String| format!("https://{domain}{port}");
            secure.domains.iter().map(url)
        });
        urls.collect()
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
            let tls = TlsAcceptor::from(secure.certificates.server_config());
            for listener in secure.listeners {
                tasks.spawn(front(listener, Some(tls.clone()), turn.clone()).run());
            }
            let (domains, certificates) = (secure.domains, secure.certificates);
            match secure.source {
                Source::Files { chain, key } => {
                    tasks.spawn(reload(chain, key, domains, certificates));
                }
                Source::Acme(orders) => {
                    tasks.spawn(orders.run());
                }
            }
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

/// Binds a port for https; nothing where the host has no such address family.
fn bind(address: SocketAddr) -> io::Result<Option<TcpListener>> {
    let socket = match address {
        SocketAddr::V4(_) => socket2::Domain::IPV4,
        SocketAddr::V6(_) => socket2::Domain::IPV6,
    };
    let socket = match socket2::Socket::new(socket, socket2::Type::STREAM, None) {
        Ok(socket) => socket,
        Err(_) if address.is_ipv6() => return Ok(None),
        Err(error) => return Err(error),
    };
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(1_024)?;
    TcpListener::from_std(socket.into()).map(Some)
}

/// Serves the certificate of an operator's files as it is renewed by others.
async fn reload(
    chain: PathBuf,
    key: PathBuf,
    domains: Vec<String>,
    certificates: Arc<Certificates>,
) {
    let changed = |path: &Path| {
        std::fs::metadata(path)
            .and_then(|meta| meta.modified())
            .ok()
    };
    let mut seen = (changed(&chain), changed(&key));
    loop {
        tokio::time::sleep(RELOAD).await;
        let now = (changed(&chain), changed(&key));
        if now == seen {
            continue;
        }
        match Pair::read(&chain, &key, &domains) {
            Ok(pair) => {
                certificates.install(&pair);
                seen = now;
                tracing::info!(path = %chain.display(), "the certificate was read again");
            }
            // Half written, perhaps: the next look tells.
            Err(error) => tracing::warn!(%error, "the old certificate is still served"),
        }
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
