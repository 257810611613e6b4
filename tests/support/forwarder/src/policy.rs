//! What becomes of a packet.

use std::time::Instant;

use crate::Packet;

/// A host, by its place in the list that [`Forwarder::start`](crate::Forwarder::start) was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostId(pub usize);

/// A packet's way on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passage {
    /// The host that gets it.
    pub to: HostId,
    /// When; at once if that has passed. Packets from one host to another never overtake each
    /// other, so one may come later than this.
    pub at: Instant,
}

/// Decides what becomes of packets. Called on the forwarding thread for every one, so it has to
/// be quick.
pub trait Policy: Send + 'static {
    /// `from` has sent this packet, which may be changed; `None` loses it.
    fn pass(&mut self, from: HostId, packet: &mut Packet, now: Instant) -> Option<Passage>;
}
