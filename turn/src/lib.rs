//! A STUN and TURN server: it tells a client which address it comes from (RFC 8489), and lends it
//! one from which peers are reached that no direct way leads to (RFC 8656).
//!
//! [`Server`] is the rules alone: messages and the present time in, answers out. [`Service`] runs
//! them over UDP and TCP on a Tokio runtime. Messages are read and written by `turn-types`.
//!
//! Who may relay is said by [`Secret`]: a user name that carries its own end, and a password that
//! follows from it, as in coturn's `use-auth-secret`. What it may cost is said by [`Config`]: per
//! user, per second, per day. Where to is said by [`Policy`]: never to this host's own services,
//! nor, unless the operator wishes so, to loopback, private or link-local addresses.

mod allocation;
mod answer;
mod client;
mod config;
mod credentials;
mod delivery;
mod framing;
mod meter;
mod nonces;
mod policy;
mod server;
mod service;
mod users;

pub use client::{Client, Moment, RelayId};
pub use config::{Budget, Config};
pub use credentials::{Credentials, Secret};
pub use delivery::Delivery;
pub use framing::{Foreign, Framing};
pub use policy::Policy;
pub use server::{Outcome, Relays, Server, Summary};
pub use service::{Handle, Service, ServiceError, Setup};
