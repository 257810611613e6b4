//! What can go wrong.

use std::{io, time::Duration};

use libp2p_core::{Multiaddr, multihash};
use libp2p_identity::PeerId;

/// Why a listener, a dial or a handshake failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A socket can't be opened, or fails.
    #[error("UDP on {address}: {source}")]
    Socket {
        /// The address.
        address: Multiaddr,
        /// What the system says.
        source: io::Error,
    },
    /// An address to dial has no `/certhash`, or none that is sha2-256.
    #[error("{0} can't be dialed: it needs a /certhash of sha2-256")]
    NoCerthash(Multiaddr),
    /// The connection ended before the peer was authenticated.
    #[error("the connection ended during the handshake: {0}")]
    Ended(#[from] Ended),
    /// The Noise handshake failed.
    #[error("the peer can't be authenticated: {0}")]
    Noise(#[from] libp2p_noise::Error),
    /// Somebody else answered.
    #[error("expected {expected}, but {actual} answered")]
    WrongPeer {
        /// Whom the address names.
        expected: PeerId,
        /// Who answered.
        actual: PeerId,
    },
    /// The hash in an address isn't one.
    #[error("the certhash can't be read: {0}")]
    Certhash(#[from] multihash::Error),
}

/// Why a connection ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ended {
    /// We closed it.
    #[error("closed by us")]
    Closed,
    /// The peer closed it.
    #[error("closed by the peer")]
    ByPeer,
    /// The peer wasn't heard any more.
    #[error("the peer wasn't heard for {0:?}")]
    Silent(Duration),
    /// The handshake took too long.
    #[error("the handshake wasn't done within {0:?}")]
    HandshakeTimeout(Duration),
    /// ICE, DTLS or SCTP failed, or the peer broke their rules.
    #[error("WebRTC failed: {0}")]
    Failed(String),
    /// The peer went on sending although it was told to wait.
    #[error("the peer sent more than it was allowed to")]
    Overrun,
    /// The driver is gone, with its runtime.
    #[error("the transport was stopped")]
    Stopped,
}
