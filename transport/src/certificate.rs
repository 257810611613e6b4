//! The certificate of a node: made once, valid for decades, because its fingerprint is part of
//! addresses that people store.

use std::fmt;

use rcgen::{CertificateParams, DistinguishedName, KeyPair, PKCS_ECDSA_P256_SHA256, date_time_ymd};

use crate::fingerprint::Fingerprint;

const CERTIFICATE: &str = "CERTIFICATE";
const PRIVATE_KEY: &str = "PRIVATE KEY";

/// A self-signed P-256 certificate with its key.
#[derive(Clone)]
pub struct Certificate {
    certificate: Vec<u8>,
    private_key: Vec<u8>,
}

/// A certificate can't be made or read.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The random number generator or the signature failed.
    #[error("can't make a certificate: {0}")]
    Generate(#[from] rcgen::Error),
    /// The text isn't PEM.
    #[error("can't read the certificate, it isn't PEM: {0}")]
    Pem(#[from] pem::PemError),
    /// A part isn't there.
    #[error("the PEM file has no section '{0}'")]
    Missing(&'static str),
    /// The key isn't an ECDSA key on P-256 in PKCS #8.
    #[error("the private key isn't a PKCS #8 ECDSA key on P-256: {0}")]
    Key(rcgen::Error),
}

impl Certificate {
    /// Makes one that is valid from 2020 to 2099, with nothing in it that tells one node from
    /// another but its key.
    pub fn generate() -> Result<Self, CertificateError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name = DistinguishedName::new();
        parameters.not_before = date_time_ymd(2020, 1, 1);
        parameters.not_after = date_time_ymd(2099, 12, 31);
        // Firefox refuses two certificates with one issuer and one serial number.
        parameters.serial_number = Some(rand::random::<[u8; 16]>().to_vec().into());
        let certificate = parameters.self_signed(&key)?;
        Ok(Certificate {
            certificate: certificate.der().to_vec(),
            private_key: key.serialize_der(),
        })
    }

    /// Reads what [`Certificate::to_pem`] wrote: a certificate and its PKCS #8 key.
    pub fn from_pem(text: &str) -> Result<Self, CertificateError> {
        let sections = pem::parse_many(text)?;
        let section = |tag: &'static str| {
            sections
                .iter()
                .find(|section| section.tag() == tag)
                .map(|section| section.contents().to_vec())
                .ok_or(CertificateError::Missing(tag))
        };
        let private_key = section(PRIVATE_KEY)?;
        let key: &[u8] = &private_key;
        let key = rcgen::KeyPair::try_from(key).map_err(CertificateError::Key)?;
        if !key.is_compatible(&PKCS_ECDSA_P256_SHA256) {
            return Err(CertificateError::Key(
                rcgen::Error::UnsupportedSignatureAlgorithm,
            ));
        }
        Ok(Certificate {
            certificate: section(CERTIFICATE)?,
            private_key,
        })
    }

    /// Certificate and key as PEM. Keep it from others: it holds the private key.
    pub fn to_pem(&self) -> String {
        pem::encode_many(&[
            pem::Pem::new(CERTIFICATE, self.certificate.clone()),
            pem::Pem::new(PRIVATE_KEY, self.private_key.clone()),
        ])
    }

    /// What stands in the node's addresses behind `/certhash`.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.certificate)
    }

    pub(crate) fn to_str0m(&self) -> str0m::config::DtlsCert {
        str0m::config::DtlsCert {
            certificate: self.certificate.clone(),
            private_key: self.private_key.clone(),
        }
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Certificate")
            .field(&self.fingerprint())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let made = Certificate::generate().unwrap();
        let read = Certificate::from_pem(&made.to_pem()).unwrap();
        assert_eq!(read.fingerprint(), made.fingerprint());
        assert_eq!(read.private_key, made.private_key);
        let other = Certificate::generate().unwrap();
        assert_ne!(other.fingerprint(), made.fingerprint());
    }

    #[test]
    fn a_torn_file_is_named() {
        let whole = Certificate::generate().unwrap().to_pem();
        let half = &whole[..whole.find("-----BEGIN PRIVATE").unwrap()];
        assert!(matches!(
            Certificate::from_pem(half),
            Err(CertificateError::Missing("PRIVATE KEY"))
        ));
        assert!(Certificate::from_pem("").is_err());
        let nonsense = pem::encode_many(&[
            pem::Pem::new(CERTIFICATE, vec![1]),
            pem::Pem::new(PRIVATE_KEY, vec![2]),
        ]);
        assert!(matches!(
            Certificate::from_pem(&nonsense),
            Err(CertificateError::Key(_))
        ));
    }
}
