//! SHA-256 fingerprints of DTLS certificates, and the Noise prologue made of two of them.

use std::fmt;

use libp2p_core::multihash::Multihash;

use crate::crypto;

/// Multicodec of sha2-256.
const SHA2_256: u64 = 0x12;
/// WebRTC-direct, "Connection Security".
const PROLOGUE_PREFIX: &[u8] = b"libp2p-webrtc-noise:";

/// The SHA-256 digest of a certificate in DER.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of a certificate in DER.
    pub fn of(certificate: &[u8]) -> Self {
        Fingerprint(crypto::provider().sha256_provider.sha256(certificate))
    }

    /// As it stands in `/certhash`. `None` for another hash than sha2-256, which is the only one
    /// that every implementation must know.
    pub fn from_multihash(hash: &Multihash<64>) -> Option<Self> {
        if hash.code() != SHA2_256 {
            return None;
        }
        hash.digest().try_into().ok().map(Fingerprint)
    }

    /// As it stands in `/certhash`.
    pub fn to_multihash(self) -> Multihash<64> {
        Multihash::wrap(SHA2_256, &self.0).expect("32 bytes fit into 64")
    }

    pub(crate) fn from_str0m(fingerprint: &str0m::config::Fingerprint) -> Option<Self> {
        let sha256 = fingerprint.hash_func.eq_ignore_ascii_case("sha-256");
        let bytes = fingerprint.bytes.as_slice().try_into().ok();
        bytes.filter(|_| sha256).map(Fingerprint)
    }

    pub(crate) fn to_str0m(self) -> str0m::config::Fingerprint {
        str0m::config::Fingerprint {
            hash_func: "sha-256".to_owned(),
            bytes: self.0.to_vec(),
        }
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl From<[u8; 32]> for Fingerprint {
    fn from(digest: [u8; 32]) -> Self {
        Fingerprint(digest)
    }
}

/// What both ends mix into the Noise handshake, so that it succeeds only over the very DTLS
/// connection that both see. `client` dialed.
pub fn noise_prologue(client: Fingerprint, server: Fingerprint) -> Vec<u8> {
    let mut prologue = PROLOGUE_PREFIX.to_vec();
    prologue.extend(client.to_multihash().to_bytes());
    prologue.extend(server.to_multihash().to_bytes());
    prologue
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
            .collect()
    }

    fn fingerprint(text: &str) -> Fingerprint {
        Fingerprint(hex(text).try_into().unwrap())
    }

    #[test]
    fn the_prologue_is_the_specs() {
        let client =
            fingerprint("3e79af40d6059617a0d83b83a52ce73b0c1f37a72c6043ad2969e2351bdca870");
        let server =
            fingerprint("30fc9f469c207419dfdd0aab5f27a86c973c94e40548db9375cca2e915973b99");
        assert_eq!(
            noise_prologue(client, server),
            hex(
                "6c69627032702d7765627274632d6e6f6973653a12203e79af40d6059617a0d83b83a52ce73b0c1f37\
                 a72c6043ad2969e2351bdca870122030fc9f469c207419dfdd0aab5f27a86c973c94e40548db9375cc\
                 a2e915973b99"
            )
        );
    }

    #[test]
    fn other_hashes_are_not_taken_for_ours() {
        let ours = fingerprint("30fc9f469c207419dfdd0aab5f27a86c973c94e40548db9375cca2e915973b99");
        assert_eq!(
            Fingerprint::from_multihash(&ours.to_multihash()),
            Some(ours)
        );
        let blake = Multihash::wrap(0xb220, &[7; 32]).unwrap();
        assert_eq!(Fingerprint::from_multihash(&blake), None);
        let short = Multihash::wrap(SHA2_256, &[7; 20]).unwrap();
        assert_eq!(Fingerprint::from_multihash(&short), None);
    }
}
