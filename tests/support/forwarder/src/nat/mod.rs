//! Network address translation as homes and carriers have it: plain state machines, to which
//! packets and the time are given.
//!
//! A [`Kind`] says how a NAT behaves in the words of [RFC 4787]; a [`Nat`] is one such box with
//! a public address; a [`Chain`] is what stands between a host and the internet: one of them, or
//! two, or none. Nothing here knows of interfaces, delays, or hosts.
//!
//! [RFC 4787]: https://www.rfc-editor.org/rfc/rfc4787

mod chain;
mod kind;
mod translation;

pub use chain::Chain;
pub use kind::{Filtering, Kind, Mapping};
pub use translation::Nat;
