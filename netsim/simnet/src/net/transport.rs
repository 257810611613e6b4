//! The transport of a simulated host.

use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use libp2p::{
    Multiaddr, PeerId,
    core::{
        muxing::StreamMuxerBox,
        transport::{Boxed, DialOpts, ListenerId, Transport, TransportError, TransportEvent},
    },
};

use super::{Carrier, connection::ConnectionId, muxer::Muxer};
use crate::{HostId, world};

/// Dials and listens for one host.
pub(crate) struct SimTransport {
    host: HostId,
    /// What it can dial.
    carriers: Vec<Carrier>,
    listeners: Vec<(ListenerId, Multiaddr, Carrier)>,
    /// How many of them have been told of.
    told: usize,
}

impl SimTransport {
    pub fn new(host: HostId, carriers: Vec<Carrier>) -> Self {
        SimTransport {
            host,
            carriers,
            listeners: Vec::new(),
            told: 0,
        }
    }
}

/// A handshake: the other's PeerId and this end of the connection, when it is done.
pub(crate) struct Handshake {
    id: ConnectionId,
    end: usize,
    muxer: Option<Muxer>,
}

impl Handshake {
    fn new(id: ConnectionId, end: usize) -> Self {
        Handshake {
            id,
            end,
            muxer: Some(Muxer::new(id, end)),
        }
    }
}

impl Future for Handshake {
    type Output = io::Result<(PeerId, Muxer)>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match world::with(|world| world.handshake(self.id, self.end, cx.waker())) {
            None => Poll::Pending,
            Some(Err(error)) => Poll::Ready(Err(error)),
            Some(Ok(peer)) => match self.muxer.take() {
                Some(muxer) => Poll::Ready(Ok((peer, muxer))),
                None => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
            },
        }
    }
}

impl Transport for SimTransport {
    type Output = (PeerId, Muxer);
    type Error = io::Error;
    type ListenerUpgrade = Handshake;
    type Dial = Handshake;

    fn listen_on(
        &mut self,
        id: ListenerId,
        address: Multiaddr,
    ) -> Result<(), TransportError<io::Error>> {
        let Some((_, carrier)) = super::parse(&address) else {
            return Err(TransportError::MultiaddrNotSupported(address));
        };
        world::with(|world| world.host_mut(self.host).listens.push(carrier));
        self.listeners.push((id, address, carrier));
        Ok(())
    }

    fn remove_listener(&mut self, id: ListenerId) -> bool {
        let Some(place) = self.listeners.iter().position(|(other, ..)| *other == id) else {
            return false;
        };
        let (_, _, carrier) = self.listeners.remove(place);
        self.told = self.told.min(self.listeners.len());
        world::with(|world| {
            world
                .host_mut(self.host)
                .listens
                .retain(|other| *other != carrier);
        });
        true
    }

    fn dial(
        &mut self,
        address: Multiaddr,
        _: DialOpts,
    ) -> Result<Handshake, TransportError<io::Error>> {
        if !world::World::speaks(&self.carriers, &address) {
            return Err(TransportError::MultiaddrNotSupported(address));
        }
        world::with(|world| world.dial(self.host, &address))
            .map(|id| Handshake::new(id, 0))
            .ok_or(TransportError::MultiaddrNotSupported(address))
    }

    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<TransportEvent<Handshake, io::Error>> {
        if let Some((listener_id, address, _)) = self.listeners.get(self.told) {
            let event = TransportEvent::NewAddress {
                listener_id: *listener_id,
                listen_addr: address.clone(),
            };
            self.told += 1;
            return Poll::Ready(event);
        }
        world::with(|world| {
            while let Some(id) = world.host_mut(self.host).inbox.dials.pop_front() {
                let Some(connection) = world.net.get(id) else {
                    continue;
                };
                let (carrier, dialer) = (connection.carrier, connection.ends[0].host);
                let ephemeral = (self.host.index() % 65_536) as u16;
                let send_back_addr = world.seen_at(dialer, carrier, ephemeral);
                let listener = self
                    .listeners
                    .iter()
                    .find(|(_, _, listens)| *listens == carrier);
                let Some((listener_id, local_addr, _)) = listener else {
                    world.drop_end(id, 1);
                    continue;
                };
                return Poll::Ready(TransportEvent::Incoming {
                    listener_id: *listener_id,
                    upgrade: Handshake::new(id, 1),
                    local_addr: local_addr.clone(),
                    send_back_addr,
                });
            }
            world.host_mut(self.host).inbox.waker = Some(cx.waker().clone());
            Poll::Pending
        })
    }
}

impl Drop for SimTransport {
    fn drop(&mut self) {
        world::try_with(|world| {
            let host = world.host_mut(self.host);
            host.listens.clear();
            host.inbox.dials.clear();
            host.inbox.waker = None;
        });
    }
}

/// As a swarm takes it.
pub(crate) fn boxed(transport: SimTransport) -> Boxed<(PeerId, StreamMuxerBox)> {
    transport
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)))
        .boxed()
}
