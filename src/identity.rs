//! Keys, PeerIds, and signatures with a domain for each message type.

use libp2p::{
    PeerId,
    identity::{Keypair, PublicKey, ed25519},
    multihash::Multihash,
};

/// An Ed25519 key and the PeerId that names it.
#[derive(Clone)]
pub struct Identity {
    keypair: Keypair,
    peer_id: PeerId,
}

/// A key can't be used.
#[derive(Debug, thiserror::Error)]
#[error("not an Ed25519 key: {0}")]
pub struct BadKey(String);

impl Identity {
    /// A fresh identity.
    pub fn generate() -> Self {
        Self::from_keypair(Keypair::generate_ed25519())
    }

    /// The identity whose Ed25519 secret is `seed`. For test vectors and simulations.
    pub fn from_seed(mut seed: [u8; 32]) -> Self {
        let secret = ed25519::SecretKey::try_from_bytes(&mut seed)
            .expect("any 32 bytes are an Ed25519 secret");
        Self::from_keypair(ed25519::Keypair::from(secret).into())
    }

    /// Reads what [`Identity::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BadKey> {
        let keypair = Keypair::from_protobuf_encoding(bytes).map_err(|e| BadKey(e.to_string()))?;
        if keypair.clone().try_into_ed25519().is_err() {
            return Err(BadKey(format!("it is an {:?} key", keypair.key_type())));
        }
        Ok(Self::from_keypair(keypair))
    }

    /// libp2p's protobuf encoding of the private key.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.keypair
            .to_protobuf_encoding()
            .expect("an Ed25519 key has an encoding")
    }

    fn from_keypair(keypair: Keypair) -> Self {
        let peer_id = keypair.public().to_peer_id();
        Identity { keypair, peer_id }
    }

    /// The PeerId: the public key itself, in an identity multihash.
    pub fn peer_id(&self) -> PeerId {
        self.peer_id
    }

    /// The key pair, for libp2p's own handshakes.
    pub fn keypair(&self) -> &Keypair {
        &self.keypair
    }

    /// Signs `domain 0x00 body`.
    pub fn sign(&self, domain: &str, body: &[u8]) -> [u8; 64] {
        let signature = self
            .keypair
            .sign(&message(domain, body))
            .expect("Ed25519 signing can't fail");
        signature
            .try_into()
            .expect("an Ed25519 signature has 64 bytes")
    }
}

/// The Ed25519 key inside a PeerId, if that is what it is made of.
pub fn public_key(peer: &PeerId) -> Option<PublicKey> {
    let multihash = Multihash::<64>::from_bytes(&peer.to_bytes()).ok()?;
    if multihash.code() != 0 {
        return None;
    }
    let key = PublicKey::try_decode_protobuf(multihash.digest()).ok()?;
    key.clone().try_into_ed25519().ok()?;
    Some(key)
}

/// Whether `signature` is `key`'s over `domain 0x00 body`.
pub fn verify(key: &PublicKey, domain: &str, body: &[u8], signature: &[u8]) -> bool {
    key.verify(&message(domain, body), signature)
}

fn message(domain: &str, body: &[u8]) -> Vec<u8> {
    [domain.as_bytes(), &[0], body].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_holds_for_its_domain_alone() {
        let identity = Identity::generate();
        let signature = identity.sign("velox/presence/1", b"body");
        let key = public_key(&identity.peer_id()).expect("an Ed25519 PeerId");
        assert!(verify(&key, "velox/presence/1", b"body", &signature));
        assert!(!verify(&key, "velox/leave/1", b"body", &signature));
        assert!(!verify(&key, "velox/presence/1", b"bodY", &signature));
    }

    #[test]
    fn comes_back_from_bytes() {
        let identity = Identity::generate();
        let again = Identity::from_bytes(&identity.to_bytes()).expect("reads back");
        assert_eq!(again.peer_id(), identity.peer_id());
        assert!(Identity::from_bytes(b"garbage").is_err());
    }
}
