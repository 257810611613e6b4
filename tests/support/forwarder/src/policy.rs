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

    /// This packet is about to be handed to `to`, and may be changed; `false` loses it. What
    /// stands beside the receiver, such as its NAT, decides here, not when the packet was sent.
    fn arrive(&mut self, _to: HostId, _packet: &mut Packet, _now: Instant) -> bool {
        true
    }
}
