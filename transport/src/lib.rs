//! WebRTC-direct for rust-libp2p: browsers dial a node with no certificate authority, no domain
//! and no TLS, by an address like
//! `/ip4/192.0.2.1/udp/4601/webrtc-direct/certhash/uEi…/p2p/12D3…`.
//!
//! It speaks handshakes [v1 and v2](Version) of the libp2p specification on one UDP port, listens
//! and dials, and answers plain STUN Binding requests besides, so that a node is a STUN server
//! for the browsers that it serves.
//!
//! ```no_run
//! use libp2p_core::{Transport, muxing::StreamMuxerBox};
//! use libp2p_identity::Keypair;
//! use libp2p_webrtc_direct::{Certificate, Config, WebRtcDirect};
//!
//! # fn example(identity: Keypair) -> Result<(), Box<dyn std::error::Error>> {
//! // Keep it: its fingerprint is in the node's addresses.
//! let certificate = Certificate::generate()?;
//! let config = Config::new(identity, certificate);
//! let transport = WebRtcDirect::new(config)
//!     .map(|(peer, connection), _| (peer, StreamMuxerBox::new(connection)))
//!     .boxed();
//! # drop(transport);
//! # Ok(())
//! # }
//! ```
//!
//! # How it works
//!
//! A listener is one socket and one task (`driver.rs`), which owns all connections on it. What
//! comes from an address that no connection has is judged by the [`entrance`], in which a
//! stranger costs two HMACs and a few hundred bytes until DTLS begins. A connection is a str0m
//! instance, its data channels and its deadlines (`connection.rs`); once channel 0 is open, Noise
//! runs over it in the swarm's own task. Users of streams and the driver meet in `link.rs`, where
//! each stream is a small state machine (`stream/state.rs`) of [`frame`]s.

pub mod address;
mod certificate;
pub mod config;
mod connection;
mod crypto;
mod driver;
pub mod entrance;
mod error;
mod fingerprint;
pub mod frame;
mod link;
mod metrics;
mod muxer;
mod noise;
mod pace;
mod stream;
mod stun;
mod transport;
mod username;
mod window;

pub use certificate::{Certificate, CertificateError};
pub use config::Config;
pub use error::{Ended, Error};
pub use fingerprint::{Fingerprint, noise_prologue};
pub use metrics::{Count, Metrics};
pub use muxer::Connection;
pub use stream::handle::Stream;
pub use transport::WebRtcDirect;
pub use username::{Credentials, UsernameError, Version};
