//! Certificates: those of an operator's files, or those that the node gets for itself.

mod acme;
mod pair;

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, RwLock},
};

use serde::{Deserialize, Serialize};
use tokio_rustls::rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

pub use acme::Acme;
pub(super) use acme::Orders;
pub use pair::{BadCertificate, Pair};

/// The protocol by which an ACME server checks a name (RFC 8737).
pub(super) const ACME_TLS: &[u8] = b"acme-tls/1";
/// TURN's name in TLS (RFC 7443).
pub(super) const TURN: &[u8] = b"stun.turn";

/// How a node serves https.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Https {
    /// The node's own names; without one there is no https.
    pub domains: Vec<String>,
    /// Where: pages need port 443 only for addresses without a port.
    pub listen: Vec<std::net::SocketAddr>,
    /// A certificate chain and its key, as PEM files, which are read again when they change.
    pub certificate: Option<PathBuf>,
    /// The key.
    pub key: Option<PathBuf>,
    /// Where a certificate is got, if not from files.
    pub acme: Acme,
}

impl Default for Https {
    fn default() -> Self {
        Https {
            domains: Vec::new(),
            listen: vec![
                std::net::SocketAddr::from(([0, 0, 0, 0], 443)),
                std::net::SocketAddr::from(([0_u16; 8], 443)),
            ],
            certificate: None,
            key: None,
            acme: Acme::default(),
        }
    }
}

/// The certificate that is served at present, and those that prove names to an ACME server.
#[derive(Debug, Default)]
pub(super) struct Certificates {
    present: RwLock<Option<Arc<CertifiedKey>>>,
    proofs: RwLock<HashMap<String, Arc<CertifiedKey>>>,
}

impl Certificates {
    pub fn install(&self, pair: &Pair) {
        *self.present.write().expect("nobody panics with it") = Some(pair.certified.clone());
    }

    fn prove(&self, domain: &str, proof: CertifiedKey) {
        let mut proofs = self.proofs.write().expect("nobody panics with it");
        proofs.insert(domain.to_owned(), Arc::new(proof));
    }

    fn forget_proofs(&self) {
        self.proofs.write().expect("nobody panics with it").clear();
    }

    /// What a TLS server needs.
    pub fn server_config(self: &Arc<Self>) -> Arc<ServerConfig> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has what these versions need")
            .with_no_client_auth()
            .with_cert_resolver(self.clone());
        config.alpn_protocols = [b"http/1.1", ACME_TLS, TURN].map(<[u8]>::to_vec).to_vec();
        Arc::new(config)
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let mut protocols = hello.alpn().into_iter().flatten();
        if protocols.any(|protocol| protocol == ACME_TLS) {
            let proofs = self.proofs.read().expect("nobody panics with it");
            return proofs.get(hello.server_name()?).cloned();
        }
        self.present.read().expect("nobody panics with it").clone()
    }
}
