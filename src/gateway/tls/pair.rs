use std::{
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio_rustls::rustls::{
    client::verify_server_name,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
    server::ParsedCertificate,
    sign::CertifiedKey,
};

/// A certificate chain and its key, which belong together.
#[derive(Clone, Debug)]
pub struct Pair {
    pub(super) certified: Arc<CertifiedKey>,
    begins: u64,
    ends: u64,
}

/// Why a certificate can't be served.
#[derive(Debug, thiserror::Error)]
pub enum BadCertificate {
    /// It can't be read.
    #[error("can't read {what}: {reason}")]
    Unreadable {
        /// Which file, or which part.
        what: String,
        /// Why.
        reason: String,
    },
    /// Another key's.
    #[error("the certificate isn't this key's: give the key that it was issued for")]
    Key,
    /// Another name's.
    #[error("the certificate isn't for {0}: get one for every --domain")]
    Domain(String),
    /// It isn't valid now.
    #[error("the certificate isn't valid now: renew it, or set the clock right")]
    Time,
}

impl Pair {
    /// Reads both from PEM, and checks that they belong to each other, to the names and to now.
    pub fn parse(chain: &[u8], key: &[u8], domains: &[String]) -> Result<Self, BadCertificate> {
        let unreadable = |what: &str, reason: &dyn std::fmt::Display| BadCertificate::Unreadable {
            what: what.to_owned(),
            reason: reason.to_string(),
        };
        let chain = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| unreadable("the certificate", &error))?;
        let Some(leaf) = chain.first().cloned() else {
            return Err(unreadable("the certificate", &"there is none in the file"));
        };
        let key =
            PrivateKeyDer::from_pem_slice(key).map_err(|error| unreadable("the key", &error))?;
        let provider = aws_lc_rs::default_provider();
        let signer = provider
            .key_provider
            .load_private_key(key)
            .map_err(|error| unreadable("the key", &error))?;
        let certified = CertifiedKey::new(chain, signer);
        if certified.keys_match().is_err() {
            return Err(BadCertificate::Key);
        }
        let parsed = ParsedCertificate::try_from(&leaf)
            .map_err(|error| unreadable("the certificate", &error))?;
        for domain in domains {
            let name = ServerName::try_from(domain.as_str())
                .map_err(|_| BadCertificate::Domain(domain.clone()))?;
            verify_server_name(&parsed, &name)
                .map_err(|_| BadCertificate::Domain(domain.clone()))?;
        }
        let (_, details) = x509_parser::parse_x509_certificate(&leaf)
            .map_err(|error| unreadable("the certificate", &error))?;
        let seconds =
            |time: x509_parser::time::ASN1Time| u64::try_from(time.timestamp()).unwrap_or(0);
        let pair = Pair {
            certified: Arc::new(certified),
            begins: seconds(details.validity().not_before),
            ends: seconds(details.validity().not_after),
        };
        // Clocks differ a little, and certificates are used as soon as they are issued.
        if now() + 300 < pair.begins || now() >= pair.ends {
            return Err(BadCertificate::Time);
        }
        Ok(pair)
    }

    /// Reads both from files.
    pub fn read(chain: &Path, key: &Path, domains: &[String]) -> Result<Self, BadCertificate> {
        let read = |path: &Path| {
            std::fs::read(path).map_err(|error| BadCertificate::Unreadable {
                what: path.display().to_string(),
                reason: error.to_string(),
            })
        };
        Self::parse(&read(chain)?, &read(key)?, domains)
    }

    /// How long until it should be renewed: when a third of its life is left.
    pub fn renewal(&self) -> Duration {
        let at = self.ends - self.ends.saturating_sub(self.begins) / 3;
        Duration::from_secs(at.saturating_sub(now()))
    }
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    fn issue(domain: &str, years: [i32; 2]) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![domain.to_owned()]).unwrap();
        params.not_before = date_time_ymd(years[0], 1, 1);
        params.not_after = date_time_ymd(years[1], 1, 1);
        let certificate = params.self_signed(&key).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    fn parse(chain: &str, key: &str, domain: &str) -> Result<Pair, BadCertificate> {
        Pair::parse(chain.as_bytes(), key.as_bytes(), &[domain.to_owned()])
    }

    #[test]
    fn a_certificate_fits_its_key_its_names_and_the_time() {
        let (chain, key) = issue("example.org", [2020, 2100]);
        let pair = parse(&chain, &key, "example.org").unwrap();
        assert!(pair.renewal() > Duration::from_secs(365 * 24 * 3_600));
        let (_, other) = issue("example.org", [2020, 2100]);
        assert!(matches!(
            parse(&chain, &other, "example.org"),
            Err(BadCertificate::Key)
        ));
        let bad = parse(&chain, &key, "example.com");
        assert!(matches!(bad, Err(BadCertificate::Domain(name)) if name == "example.com"));
        for years in [[2000, 2010], [2090, 2100]] {
            let (chain, key) = issue("example.org", years);
            let bad = parse(&chain, &key, "example.org");
            assert!(matches!(bad, Err(BadCertificate::Time)), "{years:?}");
        }
        for (chain, key) in [("", &key[..]), (&chain[..], ""), ("nonsense", "nonsense")] {
            let bad = parse(chain, key, "example.org");
            assert!(matches!(bad, Err(BadCertificate::Unreadable { .. })));
        }
    }
}
