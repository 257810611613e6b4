//! One framed stream to each neighbour that speaks a protocol.
//!
//! One side opens the stream and both use it both ways; its frames are
//! those of [`wire::frame`](crate::wire::frame). [`Link`] moves frames and knows nothing of what
//! is in them. [`Duty`] drives a plain [`StateMachine`] over a link: presence, signaling and
//! discovery are such state machines.

mod behaviour;
mod duty;
mod handler;

pub use behaviour::{Event, Link, LinkId};
pub use duty::{Duty, Output, StateMachine};
pub use handler::{Command, Handler, Report};

use libp2p::StreamProtocol;

/// When a side opens a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opens {
    /// It waits for the other side's.
    Never,
    /// As a connection that it dialed is established.
    AtOnce,
    /// When there is something to be said, or it is told to.
    WhenAsked,
}

/// How a link's streams come to be.
#[derive(Clone, Debug)]
pub struct Config {
    /// The protocol's name.
    pub protocol: StreamProtocol,
    /// Whether this side opens streams.
    pub opens: Opens,
    /// Whether this side accepts streams.
    pub accepts: bool,
    /// Bytes of the largest frame that may arrive.
    pub max_frame: usize,
    /// Bytes that may wait to be written to one neighbour. A frame beyond is dropped and
    /// counted: the state machines mend losses by their own retries.
    pub max_queue: usize,
}
