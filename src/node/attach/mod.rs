//! A node's side of attachments: who is attached, over what, alive or not, within which budget.
//!
//! [`State`] holds the rules and knows nothing of what carries its frames: a libp2p stream
//! ([`Link`](super::link::Link)) for native peers, or whatever comes in through the
//! [`Entrance`], as the gateway's WebSockets do. It also knows nothing of rooms, envelopes and
//! resources: what a peer asks for leaves as an [`Event`], checked for form, signature and
//! ownership, and what it is told comes in by [`State::send`].

mod behaviour;
mod config;
mod door;
mod entrance;
mod outbox;
mod state;

pub use behaviour::Behaviour;
pub use config::Config;
pub use door::RESOURCE_ROOM;
pub use entrance::{Carrier, Entrance};
pub use state::{AttachmentId, Event, Output, State, Summary};

/// The libp2p protocol of an attachment.
pub const PROTOCOL: libp2p::StreamProtocol = libp2p::StreamProtocol::new("/velox/attach/1");

#[cfg(test)]
mod tests;
