//! What a peer's rules tell: the application, and who drives them.

use libp2p::{Multiaddr, PeerId};

use crate::{
    node::link::LinkId,
    wire::{Signed, attach::Refusal, envelope::EnvelopeId, presence::PresenceRecord},
};

/// What a peer sees happen.
#[derive(Debug, Clone)]
pub enum Event {
    /// An attachment stands.
    Attached(PeerId),
    /// An attachment has ended.
    Detached(PeerId),
    /// A member of a room appeared.
    Joined(Signed<PresenceRecord>),
    /// A member of a room is gone.
    Left {
        /// The room.
        room: String,
        /// Who.
        peer: PeerId,
    },
    /// A member sent something.
    Message {
        /// Who, proved by signature.
        from: PeerId,
        /// In which room.
        room: String,
        /// What.
        bytes: Vec<u8>,
    },
    /// The receiver has acknowledged an envelope.
    Delivered(EnvelopeId),
    /// An envelope's receiver can't be reached.
    Unreachable(EnvelopeId),
    /// Providers of a resource.
    Providers {
        /// The number that [`State::locate`](super::State::locate) gave.
        id: u64,
        /// Verified records in the resource's pseudo-room.
        records: Vec<Signed<PresenceRecord>>,
        /// Nothing more will come from this node.
        last: bool,
    },
    /// A resource is announced.
    Provided(u64),
    /// A node has refused something.
    Refused(Refusal),
}

/// What the driver has to do.
#[derive(Debug)]
pub enum Output {
    /// Dial a node.
    Dial(PeerId, Vec<Multiaddr>),
    /// Send a frame.
    Send(LinkId, Vec<u8>),
    /// End a link.
    Close(LinkId),
    /// Tell the application.
    Event(Event),
}

/// Why something can't be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The receiver isn't a known member of the room.
    #[error("that peer isn't a member of the room: wait until it joins")]
    NoMember,
    /// Too much is under way.
    #[error("too many envelopes wait for their acks: wait for some of them")]
    Full,
}
