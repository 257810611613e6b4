//! The network: carriers, connections, and how long everything takes.

mod carrier;
mod connection;
mod cuts;
mod dial;
mod happening;
mod muxer;
mod path;
mod protocols;
mod stream;
mod tap;
pub(crate) mod transport;
pub(crate) mod wire;

pub use carrier::Carrier;
pub(crate) use carrier::{address, parse};
pub use connection::ConnectionId;
pub(crate) use connection::Net;
pub(crate) use cuts::Cuts;
pub(crate) use dial::Inbox;
pub(crate) use happening::Happening;
pub use protocols::Traffic;
pub(crate) use protocols::{Ledger, Protocols};
pub use tap::Filter;
pub(crate) use tap::Tap;
