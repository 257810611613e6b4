//! A body, its signer and its signature.
//!
//! On the wire a signed message is the DAG-CBOR list `[body, signature]` of two byte strings;
//! `body` is the DAG-CBOR of a [`Body`]. The Ed25519 signature is over
//! `<domain> 0x00 <body>`, so that a signature made for one message type says nothing about
//! another. The public key is in the signer's PeerId, which the body names.

use std::{fmt, ops::Deref, sync::Arc};

use libp2p::PeerId;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Array, Bytes, Malformed, cbor};
use crate::identity::{self, Identity};

/// The body of a signed message.
pub trait Body: Serialize + DeserializeOwned {
    /// The message's name in errors.
    const NAME: &'static str;
    /// What its signatures are made under, and no other type's.
    const DOMAIN: &'static str;
    /// The most bytes that the signed message may have.
    const MAX: usize;

    /// Who must have signed it.
    fn signer(&self) -> PeerId;

    /// Bounds that the types don't express. Called after decoding and before the signature is
    /// looked at.
    fn check(&self) -> Result<(), Malformed>;
}

/// Why a signed message isn't believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It isn't a message of its type.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The signer's PeerId doesn't hold an Ed25519 key.
    #[error("{what}: signer {signer} isn't the PeerId of an Ed25519 key")]
    NoKey {
        /// The message's type.
        what: &'static str,
        /// Who is said to have signed.
        signer: PeerId,
    },
    /// The signature isn't the signer's over this body under this domain.
    #[error("{what}: the signature isn't {signer}'s")]
    Forged {
        /// The message's type.
        what: &'static str,
        /// Who is said to have signed.
        signer: PeerId,
    },
}

#[derive(Serialize, Deserialize)]
struct Outer(Bytes, Array<64>);

/// A message whose signature has been verified: there is no other way to have one than to sign
/// it or to verify it.
pub struct Signed<T> {
    body: T,
    bytes: Arc<[u8]>,
}

impl<T: Body> Signed<T> {
    /// Signs `body`, which must name `identity` as its signer.
    pub fn sign(identity: &Identity, body: T) -> Self {
        debug_assert_eq!(body.signer(), identity.peer_id());
        let encoded = cbor::encode(&body);
        let signature = identity.sign(T::DOMAIN, &encoded);
        let bytes = cbor::encode(&Outer(Bytes::from(encoded), Array::new(signature)));
        Signed {
            body,
            bytes: bytes.into(),
        }
    }

    /// Decodes and verifies a signed message.
    pub fn verify(bytes: &[u8]) -> Result<Self, Refused> {
        let (outer, body) = Self::decode(bytes)?;
        let signer = body.signer();
        let Some(key) = identity::public_key(&signer) else {
            return Err(Refused::NoKey {
                what: T::NAME,
                signer,
            });
        };
        if !identity::verify(&key, T::DOMAIN, &outer.0, &*outer.1) {
            return Err(Refused::Forged {
                what: T::NAME,
                signer,
            });
        }
        Ok(Signed {
            body,
            bytes: bytes.into(),
        })
    }

    /// Decodes a signed message without looking at the signature: for those who only carry it
    /// to somebody who will.
    pub fn peek(bytes: &[u8]) -> Result<T, Malformed> {
        Self::decode(bytes).map(|(_, body)| body)
    }

    fn decode(bytes: &[u8]) -> Result<(Outer, T), Malformed> {
        let outer: Outer = cbor::decode(T::NAME, bytes, T::MAX)?;
        let body: T = cbor::decode(T::NAME, &outer.0, T::MAX)?;
        body.check()?;
        Ok((outer, body))
    }

    /// The message as it goes over the wire.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The message as it goes over the wire, for a field of another message.
    pub fn to_wire(&self) -> Bytes {
        Bytes::from(self.bytes.to_vec())
    }

    /// What was signed.
    pub fn body(&self) -> &T {
        &self.body
    }
}

impl<T> Deref for Signed<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.body
    }
}

impl<T: Clone> Clone for Signed<T> {
    fn clone(&self) -> Self {
        Signed {
            body: self.body.clone(),
            bytes: self.bytes.clone(),
        }
    }
}

impl<T> PartialEq for Signed<T> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl<T: fmt::Debug> fmt::Debug for Signed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.body.fmt(f)
    }
}

/// `Ok` if `text`, the `field` of `what`, has between 1 and `max` bytes and no control
/// characters.
pub(super) fn check_name(
    what: &'static str,
    field: &'static str,
    text: &str,
    max: usize,
) -> Result<(), Malformed> {
    let reason = if text.is_empty() {
        "is empty".to_owned()
    } else if text.len() > max {
        format!("has {} bytes: at most {max} are allowed", text.len())
    } else if text.chars().any(char::is_control) {
        "holds a control character".to_owned()
    } else {
        return Ok(());
    };
    Err(Malformed::Field {
        what,
        field,
        reason,
    })
}
