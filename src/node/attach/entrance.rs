//! How carriers that aren't libp2p streams come in: the gateway's WebSockets.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use futures::{SinkExt, StreamExt, channel::mpsc};
use libp2p::{Multiaddr, PeerId};

/// Frames of all external carriers that may wait for the node's loop. A carrier that finds the
/// queue full waits, and so does whoever writes to it.
const QUEUE: usize = 1024;

pub(super) enum Arrival {
    Opened {
        id: u64,
        peer: PeerId,
        address: Multiaddr,
        outgoing: mpsc::UnboundedSender<Vec<u8>>,
    },
    Frame {
        id: u64,
        frame: Vec<u8>,
    },
    Written {
        id: u64,
        bytes: usize,
    },
    Closed {
        id: u64,
    },
}

/// Where carriers come in. Cheap to clone.
#[derive(Clone)]
pub struct Entrance {
    arrivals: mpsc::Sender<Arrival>,
    next: Arc<AtomicU64>,
}

/// The node has stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the node has stopped")]
pub struct Stopped;

impl Entrance {
    pub(super) fn new() -> (Self, mpsc::Receiver<Arrival>) {
        let (arrivals, receiver) = mpsc::channel(QUEUE);
        let next = Arc::new(AtomicU64::new(0));
        (Entrance { arrivals, next }, receiver)
    }

    /// Brings a carrier in, whose handshake has proved that the other end is `peer`.
    pub async fn open(&mut self, peer: PeerId, address: Multiaddr) -> Result<Carrier, Stopped> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        // Bounded by the attachment's credit: the node gives no more than 32 KiB ahead of
        // what is reported as written.
        let (outgoing, incoming) = mpsc::unbounded();
        let mut arrivals = self.arrivals.clone();
        arrivals
            .send(Arrival::Opened {
                id,
                peer,
                address,
                outgoing,
            })
            .await
            .map_err(|_| Stopped)?;
        Ok(Carrier {
            id,
            arrivals,
            outgoing: incoming,
        })
    }
}

/// One carrier's end in its own task. Dropping it ends the attachment.
pub struct Carrier {
    id: u64,
    arrivals: mpsc::Sender<Arrival>,
    outgoing: mpsc::UnboundedReceiver<Vec<u8>>,
}

impl Carrier {
    /// The next frame to write; `None` once the node has ended the attachment.
    pub async fn next(&mut self) -> Option<Vec<u8>> {
        self.outgoing.next().await
    }

    /// A frame that waits to be written, if there is one already.
    pub fn try_next(&mut self) -> Option<Vec<u8>> {
        self.outgoing.try_recv().ok()
    }

    /// Says that frames of so many bytes have been written.
    pub async fn written(&mut self, bytes: usize) -> Result<(), Stopped> {
        let id = self.id;
        self.arrive(Arrival::Written { id, bytes }).await
    }

    /// Hands in a frame that has arrived.
    pub async fn received(&mut self, frame: Vec<u8>) -> Result<(), Stopped> {
        let id = self.id;
        self.arrive(Arrival::Frame { id, frame }).await
    }

    async fn arrive(&mut self, arrival: Arrival) -> Result<(), Stopped> {
        self.arrivals.send(arrival).await.map_err(|_| Stopped)
    }
}

impl Drop for Carrier {
    fn drop(&mut self) {
        // A clone of a sender has a slot of its own, so this is never refused for want of room.
        let closed = Arrival::Closed { id: self.id };
        self.arrivals.clone().try_send(closed).ok();
    }
}
