//! Nodes of one local network find each other by multicast DNS (RFC 6762), with no bootstrap node
//! and no word to the outside.
//!
//! [`Beacon`] is when to ask and to answer, and whom to believe; [`serve`] gives it sockets.

mod beacon;
mod message;
mod service;

pub(super) use beacon::Found;
pub(super) use service::serve;
