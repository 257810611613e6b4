//! The handshake inside a WebSocket: `Noise_XX_25519_ChaChaPoly_SHA256` with libp2p's identity
//! payload (libp2p specs, noise/README.md). The client initiates; the prologue is
//! `velox.attach.1`.
//!
//! Bytes in, bytes out: the socket is somebody else's.

use libp2p::{PeerId, identity::PublicKey};
use prost::Message;
use snow::{Builder, HandshakeState, TransportState};

use crate::identity::Identity;

/// The Noise protocol's name.
pub const PATTERN: &str = "Noise_XX_25519_ChaChaPoly_SHA256";
/// The prologue, and the WebSocket subprotocol.
pub const PROLOGUE: &str = "velox.attach.1";
/// Bytes of the largest Noise message, its tag included.
pub const MAX_MESSAGE: usize = 65_535;
/// Bytes of the tag on a transport message.
pub const TAG: usize = 16;

const SIGNATURE_PREFIX: &[u8] = b"noise-libp2p-static-key:";

/// Why a handshake, or a message after it, fails.
#[derive(Debug, thiserror::Error)]
pub enum NoiseError {
    /// The bytes don't fit the handshake's state or keys.
    #[error("noise: {0}")]
    Noise(#[from] snow::Error),
    /// The payload isn't libp2p's.
    #[error("noise: the identity payload is malformed")]
    Payload,
    /// The payload's key isn't Ed25519 or didn't sign the static key.
    #[error("noise: the identity key didn't sign the static key")]
    Identity,
}

/// libp2p's `NoiseHandshakePayload`; extensions are ignored.
#[derive(Clone, PartialEq, Message)]
struct Payload {
    #[prost(bytes = "vec", tag = "1")]
    identity_key: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    identity_sig: Vec<u8>,
}

/// A node's side of the handshake, after the client's first message.
pub struct Responder {
    state: HandshakeState,
}

impl Responder {
    /// Takes the client's first message; gives the answer to send.
    pub fn respond(identity: &Identity, first: &[u8]) -> Result<(Self, Vec<u8>), NoiseError> {
        let builder = Builder::new(PATTERN.parse()?);
        let keypair = builder.generate_keypair()?;
        let mut state = builder
            .prologue(PROLOGUE.as_bytes())?
            .local_private_key(&keypair.private)?
            .build_responder()?;
        let mut scratch = vec![0; MAX_MESSAGE];
        state.read_message(first, &mut scratch)?;
        let payload = payload(identity, &keypair.public);
        let length = state.write_message(&payload, &mut scratch)?;
        scratch.truncate(length);
        Ok((Responder { state }, scratch))
    }

    /// Takes the client's second message: now it is known who it is.
    pub fn finish(mut self, third: &[u8]) -> Result<(PeerId, Cipher), NoiseError> {
        let mut scratch = vec![0; MAX_MESSAGE];
        let length = self.state.read_message(third, &mut scratch)?;
        let peer = {
            let remote = self.state.get_remote_static().ok_or(NoiseError::Payload)?;
            verify_payload(&scratch[..length], remote)?
        };
        Ok((
            peer,
            Cipher {
                state: self.state.into_transport_mode()?,
            },
        ))
    }
}

/// Both directions after the handshake.
pub struct Cipher {
    state: TransportState,
}

impl Cipher {
    /// Encrypts up to `MAX_MESSAGE - TAG` bytes into one message.
    pub fn encrypt(&mut self, plaintext: &[u8]) -> Result<Vec<u8>, NoiseError> {
        let mut out = vec![0; plaintext.len() + TAG];
        let length = self.state.write_message(plaintext, &mut out)?;
        out.truncate(length);
        Ok(out)
    }

    /// Decrypts one message.
    pub fn decrypt(&mut self, message: &[u8]) -> Result<Vec<u8>, NoiseError> {
        let mut out = vec![0; message.len()];
        let length = self.state.read_message(message, &mut out)?;
        out.truncate(length);
        Ok(out)
    }
}

/// The identity payload that says: `identity` uses the Noise key `static_key`.
pub fn payload(identity: &Identity, static_key: &[u8]) -> Vec<u8> {
    let keypair = identity.keypair();
    Payload {
        identity_key: keypair.public().encode_protobuf(),
        identity_sig: keypair
            .sign(&[SIGNATURE_PREFIX, static_key].concat())
            .expect("Ed25519 signing can't fail"),
    }
    .encode_to_vec()
}

/// Who says so, if the signature holds and the key is Ed25519.
pub fn verify_payload(payload: &[u8], static_key: &[u8]) -> Result<PeerId, NoiseError> {
    let payload = Payload::decode(payload).map_err(|_| NoiseError::Payload)?;
    let key =
        PublicKey::try_decode_protobuf(&payload.identity_key).map_err(|_| NoiseError::Payload)?;
    let signed = [SIGNATURE_PREFIX, static_key].concat();
    if key.clone().try_into_ed25519().is_err() || !key.verify(&signed, &payload.identity_sig) {
        return Err(NoiseError::Identity);
    }
    Ok(key.to_peer_id())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn initiator(private: &[u8], prologue: &str) -> HandshakeState {
        Builder::new(PATTERN.parse().unwrap())
            .prologue(prologue.as_bytes())
            .unwrap()
            .local_private_key(private)
            .unwrap()
            .build_initiator()
            .unwrap()
    }

    fn shake(
        client: &Identity,
        signer: &Identity,
    ) -> Result<(PeerId, Cipher, TransportState), NoiseError> {
        let node = Identity::generate();
        let keypair = Builder::new(PATTERN.parse().unwrap())
            .generate_keypair()
            .unwrap();
        let mut state = initiator(&keypair.private, PROLOGUE);
        let mut buffer = vec![0; MAX_MESSAGE];
        let n = state.write_message(&[], &mut buffer).unwrap();
        let (responder, answer) = Responder::respond(&node, &buffer[..n])?;
        let n = state.read_message(&answer, &mut buffer).unwrap();
        let remote = state.get_remote_static().unwrap().to_vec();
        assert_eq!(
            verify_payload(&buffer[..n], &remote).unwrap(),
            node.peer_id()
        );
        let payload = Payload {
            identity_key: client.keypair().public().encode_protobuf(),
            identity_sig: signer
                .keypair()
                .sign(&[SIGNATURE_PREFIX, &keypair.public[..]].concat())
                .unwrap(),
        };
        let n = state
            .write_message(&payload.encode_to_vec(), &mut buffer)
            .unwrap();
        let (peer, cipher) = responder.finish(&buffer[..n])?;
        Ok((peer, cipher, state.into_transport_mode().unwrap()))
    }

    #[test]
    fn both_ends_know_each_other_and_talk() {
        let client = Identity::generate();
        let (peer, mut cipher, mut other) = shake(&client, &client).unwrap();
        assert_eq!(peer, client.peer_id());
        let mut buffer = vec![0; 100];
        let n = other.write_message(b"hello", &mut buffer).unwrap();
        assert_eq!(cipher.decrypt(&buffer[..n]).unwrap(), b"hello");
        let sealed = cipher.encrypt(b"welcome").unwrap();
        let n = other.read_message(&sealed, &mut buffer).unwrap();
        assert_eq!(&buffer[..n], b"welcome");
        buffer[0] ^= 1;
        assert!(cipher.decrypt(&buffer[..20]).is_err(), "altered");
    }

    #[test]
    fn nobody_passes_for_another() {
        let claimed = Identity::generate();
        let real = Identity::generate();
        assert!(matches!(shake(&claimed, &real), Err(NoiseError::Identity)));
    }

    #[test]
    fn another_prologue_or_garbage_is_refused() {
        let node = Identity::generate();
        assert!(Responder::respond(&node, b"").is_err());
        assert!(
            Responder::respond(&node, &[7; 40]).is_ok(),
            "a bare key and payload"
        );
        let keypair = Builder::new(PATTERN.parse().unwrap())
            .generate_keypair()
            .unwrap();
        let mut state = initiator(&keypair.private, "velox.attach.2");
        let mut buffer = vec![0; MAX_MESSAGE];
        let n = state.write_message(&[], &mut buffer).unwrap();
        let (_, answer) = Responder::respond(&node, &buffer[..n]).unwrap();
        assert!(state.read_message(&answer, &mut buffer).is_err());
    }
}
