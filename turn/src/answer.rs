//! The answers of the server.

use std::net::SocketAddr;

use turn_types::{
    attribute::{Lifetime, XorRelayedAddress},
    stun::{
        attribute::{
            AttributeType, AttributeWrite, ErrorCode, Nonce, Realm, Software, UnknownAttributes,
            XorMappedAddress,
        },
        message::{
            IntegrityAlgorithm, IntegrityKey, Message, MessageWrite, MessageWriteExt,
            MessageWriteVec,
        },
    },
};

/// What the server calls itself.
const SOFTWARE: &str = concat!("velox-turn/", env!("CARGO_PKG_VERSION"));

/// A key by which an answer is signed.
pub(crate) type Seal = (IntegrityKey, IntegrityAlgorithm);

/// Why a request isn't granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub code: u16,
    pub reason: &'static str,
    pub unknown: Vec<AttributeType>,
}

impl Refusal {
    pub fn new(code: u16, reason: &'static str) -> Self {
        Refusal {
            code,
            reason,
            unknown: Vec::new(),
        }
    }
}

/// The answer to a Binding request.
pub(crate) fn mapped(request: &Message, source: SocketAddr) -> Vec<u8> {
    let source = canonical(source);
    let address = XorMappedAddress::new(source, request.transaction_id());
    success(request, &[&address], None)
}

/// A new allocation.
pub(crate) fn allocated(
    request: &Message,
    source: SocketAddr,
    relayed: SocketAddr,
    seconds: u32,
    seal: &Seal,
) -> Vec<u8> {
    let transaction = request.transaction_id();
    let relayed = XorRelayedAddress::new(relayed, transaction);
    let source = XorMappedAddress::new(canonical(source), transaction);
    let software = Software::new(SOFTWARE).expect("short");
    success(
        request,
        &[&relayed, &Lifetime::new(seconds), &source, &software],
        Some(seal),
    )
}

/// An allocation goes on for so long.
pub(crate) fn refreshed(request: &Message, seconds: u32, seal: &Seal) -> Vec<u8> {
    success(request, &[&Lifetime::new(seconds)], Some(seal))
}

/// Granted.
pub(crate) fn done(request: &Message, seal: &Seal) -> Vec<u8> {
    success(request, &[], Some(seal))
}

/// Refused.
pub(crate) fn refused(request: &Message, refusal: &Refusal, seal: Option<&Seal>) -> Vec<u8> {
    let error = ErrorCode::new(refusal.code, refusal.reason).expect("codes from 300 to 699");
    let unknown = UnknownAttributes::new(&refusal.unknown);
    let answer = Message::builder_error(request, MessageWriteVec::new());
    let with_unknown: &[&dyn AttributeWrite] = &[&error, &unknown];
    let attributes = if refusal.unknown.is_empty() {
        &with_unknown[..1]
    } else {
        with_unknown
    };
    finish(answer, attributes, seal)
}

/// Refused, until it is signed with this realm and nonce.
pub(crate) fn challenged(
    request: &Message,
    refusal: &Refusal,
    realm: &str,
    nonce: &str,
) -> Vec<u8> {
    let error = ErrorCode::new(refusal.code, refusal.reason).expect("codes from 300 to 699");
    let (realm, nonce) = (Realm::new(realm), Nonce::new(nonce));
    let (realm, nonce) = (realm.expect("checked at the start"), nonce.expect("short"));
    let answer = Message::builder_error(request, MessageWriteVec::new());
    finish(answer, &[&error, &realm, &nonce], None)
}

fn success(request: &Message, attributes: &[&dyn AttributeWrite], seal: Option<&Seal>) -> Vec<u8> {
    let answer = Message::builder_success(request, MessageWriteVec::new());
    finish(answer, attributes, seal)
}

fn finish(
    mut answer: MessageWriteVec,
    attributes: &[&dyn AttributeWrite],
    seal: Option<&Seal>,
) -> Vec<u8> {
    for attribute in attributes {
        answer
            .add_attribute(*attribute)
            .expect("each once, before the signature");
    }
    if let Some((key, algorithm)) = seal {
        answer
            .add_message_integrity_with_key(key, *algorithm)
            .expect("one signature");
    }
    answer.finish()
}

/// An IPv4 client is told its IPv4 address, by whatever socket it came.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}
