//! Hosts on one machine, and between them a network that does what it is told.
//!
//! A [`Host`] is a network namespace with one interface, a TUN device. Whatever is sent there
//! that isn't for the host itself comes to the [`Forwarder`], a thread that asks a [`Policy`]
//! when, where, and whether the packet goes on, and which may change it. Delays between hosts are
//! what [`Links`] does. A [`Laboratory`] has what stands between homes: address translation
//! ([`nat`]), loss, and hosts that move to another address; the program `velox-lab` runs one.
//!
//! ```no_run
//! use std::{net::UdpSocket, time::Duration};
//! use velox_forwarder::{Forwarder, Host, Links};
//!
//! let (ann, bob) = (Host::new([10, 77, 1, 1].into())?, Host::new([10, 77, 2, 1].into())?);
//! let links = Links::uniform([ann.address(), bob.address()], Duration::from_millis(40));
//! let network = Forwarder::start([&ann, &bob], links)?;
//! let at_bob = bob.inside(|| UdpSocket::bind("0.0.0.0:7"))??;
//! let at_ann = ann.inside(|| UdpSocket::bind("0.0.0.0:0"))??;
//! at_ann.send_to(b"hello", (bob.address(), 7))?;
//! at_bob.recv(&mut [0; 16])?; // 40 ms later
//! println!("{:?}", network.stop());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Namespaces have no names: a host is gone when the last of its threads, processes and
//! descriptors is, whatever became of the program that made it. Needs Linux, root,
//! `/dev/net/tun` and `ip`.
#![cfg(target_os = "linux")]
#![warn(missing_docs)]

mod error;
mod figures;
mod forwarder;
mod host;
mod laboratory;
mod links;
pub mod nat;
mod packet;
mod policy;
mod queue;
mod regions;
mod transport;

pub use error::Error;
pub use figures::Figures;
pub use forwarder::Forwarder;
pub use host::Host;
pub use laboratory::{Laboratory, Line, Site};
pub use links::Links;
pub use packet::Packet;
pub use policy::{HostId, Passage, Policy};
pub use regions::Regions;
pub use transport::Transport;
