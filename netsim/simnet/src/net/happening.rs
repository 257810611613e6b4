//! What is to happen on the network.

use super::connection::ConnectionId;
use crate::world::World;

/// Something that happens at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Happening {
    /// A dial reaches the other host.
    Dialed(ConnectionId),
    /// The dialer's handshake is done.
    Connected(ConnectionId),
    /// The listener's handshake is done.
    Accepted(ConnectionId),
    /// A dial has failed.
    Failed(ConnectionId),
    /// Something reaches the line of the host at an end (0: the dialer's).
    Arrived(ConnectionId, u8, u32),
    /// Something has come through the line of the host at an end.
    Received(ConnectionId, u8, u32),
    /// An end hears that the other has closed.
    Closed(ConnectionId, u8),
    /// An end has heard nothing for long.
    Silent(ConnectionId, u8),
}

impl World {
    pub(crate) fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Dialed(id) => self.dialed(id),
            Happening::Connected(id) => self.connected(id),
            Happening::Accepted(id) => self.accepted(id),
            Happening::Failed(id) => self.dial_failed(id),
            Happening::Arrived(id, end, stream) => self.arrived(id, usize::from(end), stream),
            Happening::Received(id, end, stream) => self.received(id, usize::from(end), stream),
            Happening::Closed(id, end) => self.heard_close(id, usize::from(end)),
            Happening::Silent(id, end) => self.heard_nothing(id, usize::from(end)),
        }
    }
}
