use std::{
    net::SocketAddr,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

/// Who speaks to the server, and where: the five-tuple that an allocation belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Client {
    /// The server's own address, as the client has it.
    pub local: SocketAddr,
    /// The client's.
    pub remote: SocketAddr,
    /// The connection, where it isn't UDP.
    pub stream: Option<u64>,
}

/// An allocation, and its relay socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RelayId(pub u64);

/// The present, by both clocks.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// For what lasts.
    pub instant: Instant,
    /// For what was signed: seconds since 1970.
    pub unix: u64,
}

impl Moment {
    /// What the clocks show.
    pub fn read() -> Self {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH);
        Moment {
            instant: Instant::now(),
            unix: unix.map_or(0, |since| since.as_secs()),
        }
    }
}
