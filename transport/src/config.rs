//! What a transport may be told, and every bound with its default.

use std::time::Duration;

use libp2p_identity::Keypair;

use crate::{certificate::Certificate, username::Version};

/// A transport's configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Who we are.
    pub identity: Keypair,
    /// Our DTLS certificate.
    pub certificate: Certificate,
    /// First contacts.
    pub entrance: EntranceLimits,
    /// Connections on one listener, established or not.
    pub max_connections: usize,
    /// Connections of one listener that are still in the DTLS or Noise handshake.
    pub max_handshakes: usize,
    /// Streams of one connection at once, both directions together.
    pub max_streams: usize,
    /// From the first DTLS datagram, or from a dial, to an authenticated connection.
    pub handshake_timeout: Duration,
    /// A peer that isn't heard for so long is gone. Browsers are heard every 2.5 s when idle, and
    /// a peer that is silent for half of this is asked for a sign.
    pub silence_timeout: Duration,
    /// How long a closed stream waits for the peer's FIN_ACK, and one that the peer has opened for
    /// the peer to close its channel.
    pub fin_ack_timeout: Duration,
    /// Bytes that are sent at once. More than about 90 KiB overruns the receive buffer of a
    /// browser's socket.
    pub send_burst: usize,
    /// Bytes a second that any browser reads: what follows a burst goes at this rate, or as fast
    /// as the peer acknowledges, whichever is more.
    pub send_rate: usize,
    /// Bytes of one connection that are sent and not acknowledged, at most. The throughput is at
    /// most this per round trip; less to who is near, since nobody needs it there.
    pub send_window: usize,
    /// Bytes of one connection that were received and not read yet. Past it the peer is told to
    /// wait. At least 64 KiB.
    pub receive_window: usize,
    /// Which handshake is used for dialing.
    pub dial_version: Version,
}

impl Config {
    /// The defaults, for a node of this identity.
    pub fn new(identity: Keypair, certificate: Certificate) -> Self {
        Config {
            identity,
            certificate,
            entrance: EntranceLimits::default(),
            max_connections: 10_000,
            max_handshakes: 1_024,
            max_streams: 1_024,
            handshake_timeout: Duration::from_secs(10),
            silence_timeout: Duration::from_secs(5),
            fin_ack_timeout: Duration::from_secs(5),
            send_burst: 64 * 1024,
            send_rate: 8_000_000,
            send_window: 512 * 1024,
            receive_window: 512 * 1024,
            dial_version: Version::V2,
        }
    }
}

/// Bounds of what comes from addresses that no connection has yet.
#[derive(Clone, Debug)]
pub struct EntranceLimits {
    /// STUN requests of one source that begin a handshake, a second.
    pub contacts_per_second: u32,
    /// The same, at once. A browser sends a handful per dial, and many may share an address.
    pub contacts_burst: u32,
    /// Plain STUN Binding requests of one source, a second.
    pub plain_per_second: u32,
    /// The same, at once.
    pub plain_burst: u32,
    /// Sources whose rates are kept at once.
    pub sources: usize,
    /// Introductions kept at once; the oldest make room.
    pub half_open: usize,
    /// How long an introduction by STUN is kept when DTLS doesn't follow.
    pub contact_timeout: Duration,
}

impl Default for EntranceLimits {
    fn default() -> Self {
        EntranceLimits {
            contacts_per_second: 100,
            contacts_burst: 400,
            plain_per_second: 10,
            plain_burst: 50,
            sources: 16_384,
            half_open: 4_096,
            contact_timeout: Duration::from_secs(4),
        }
    }
}
