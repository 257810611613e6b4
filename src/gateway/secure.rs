//! https: on which ports, under which names, and where the certificate comes from.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use libp2p::{Multiaddr, multiaddr::Protocol};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::{
    server::ServerError,
    tls::{Certificates, Https, Orders, Pair},
};
use crate::node::has_ipv6;

/// How often an operator's certificate files are looked at.
const RELOAD: Duration = Duration::from_secs(30);

/// What serves https.
#[derive(Debug)]
pub(super) struct Secure {
    pub listeners: Vec<TcpListener>,
    pub renewal: Renewal,
    domains: Vec<String>,
    port: u16,
    certificates: Arc<Certificates>,
}

/// What keeps the certificate fresh.
#[derive(Debug)]
pub(super) enum Renewal {
    Files(Files),
    Acme(Box<Orders>),
}

/// An operator's files.
#[derive(Debug)]
pub(super) struct Files {
    chain: PathBuf,
    key: PathBuf,
    domains: Vec<String>,
    certificates: Arc<Certificates>,
}

impl Secure {
    /// Binds the ports; nothing where there are no names.
    pub fn bind(https: Https, data_dir: Option<&Path>) -> Result<Option<Self>, ServerError> {
        let Some(first) = https.domains.first() else {
            return Ok(None);
        };
        let certificates = Arc::new(Certificates::default());
        let domains = https.domains.clone();
        let renewal = match (https.certificate, https.key) {
            (Some(chain), Some(key)) => {
                certificates.install(&Pair::read(&chain, &key, &domains)?);
                Renewal::Files(Files {
                    chain,
                    key,
                    domains,
                    certificates: certificates.clone(),
                })
            }
            _ if https.acme.enabled => Renewal::Acme(Box::new(Orders {
                config: https.acme,
                domains,
                folder: data_dir.ok_or(ServerError::NoDataDir)?.join("acme"),
                certificates: certificates.clone(),
            })),
            _ => return Err(ServerError::NoCertificate(first.clone())),
        };
        let (mut listeners, mut port) = (Vec::new(), 0);
        // A host without IPv6 can still have a configuration with it.
        let here = |address: &std::net::SocketAddr| address.is_ipv4() || has_ipv6();
        for address in https.listen.into_iter().filter(here) {
            let failed = |source| ServerError::BindSecure { address, source };
            let listener = velox_sockets::listen(address).map_err(failed)?;
            port = listener.local_addr().map_err(failed)?.port();
            listeners.push(listener);
        }
        Ok(Some(Secure {
            listeners,
            renewal,
            domains: https.domains,
            port,
            certificates,
        }))
    }

    /// Where pages attach, by each name.
    pub fn multiaddrs(&self) -> Vec<Multiaddr> {
        let named = |domain: &String| {
            Multiaddr::empty()
                .with(Protocol::Dns(domain.clone().into()))
                .with(Protocol::Tcp(self.port))
                .with(Protocol::Wss("/".into()))
        };
        self.domains.iter().map(named).collect()
    }

    /// The same as URLs.
    pub fn urls(&self) -> Vec<String> {
        let port = match self.port {
            443 => String::new(),
            port => format!(":{port}"),
        };
        let url = |domain: &String| format!("https://{domain}{port}");
        self.domains.iter().map(url).collect()
    }

    /// What shakes hands with those who come.
    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.certificates.server_config())
    }
}

impl Renewal {
    /// Renews the certificate when it is time, for as long as it is polled.
    pub async fn run(self) {
        match self {
            Renewal::Files(files) => files.reload().await,
            Renewal::Acme(orders) => orders.run().await,
        }
    }
}

impl Files {
    /// Serves the certificate as it is renewed by others.
    async fn reload(self) {
        let changed = |path: &Path| {
            std::fs::metadata(path)
                .and_then(|meta| meta.modified())
                .ok()
        };
        let look = || (changed(&self.chain), changed(&self.key));
        let mut seen = look();
        let mut ticks = tokio::time::interval(RELOAD);
        loop {
            ticks.tick().await;
            let now = look();
            if now == seen {
                continue;
            }
            match Pair::read(&self.chain, &self.key, &self.domains) {
                Ok(pair) => {
                    self.certificates.install(&pair);
                    seen = now;
                    tracing::info!(path = %self.chain.display(), "the certificate was read again");
                }
                // Half written, perhaps: the next look tells.
                Err(error) => tracing::warn!(%error, "the old certificate is still served"),
            }
        }
    }
}
