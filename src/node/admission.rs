//! How many connections a program has at once, and how many to one other.
//!
//! What libp2p's own `connection-limits` 0.7 does, without its entry for each PeerId that was ever
//! connected: a page is another PeerId at every visit.

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    task::{Context, Poll},
};

use libp2p::{
    Multiaddr, PeerId,
    core::{Endpoint, transport::PortUse},
    swarm::{
        ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent,
        THandlerOutEvent, ToSwarm, dummy,
    },
};

/// Bounds, both ways together where nothing else is said.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections that others have begun and that aren't established.
    pub arriving: usize,
    /// Dials under way.
    pub dialing: usize,
    /// Established connections.
    pub established: usize,
    /// Established connections to one PeerId.
    pub with_one: usize,
}

/// A connection beyond a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are {limit} connections {what} already, which is the limit")]
pub struct Full {
    what: &'static str,
    limit: usize,
}

/// Counts connections and refuses those beyond its bounds.
#[derive(Debug)]
pub struct Behaviour {
    limits: Limits,
    arriving: BTreeSet<ConnectionId>,
    dialing: BTreeSet<ConnectionId>,
    established: usize,
    with: BTreeMap<PeerId, usize>,
}

impl Behaviour {
    /// Nobody is connected.
    pub fn new(limits: Limits) -> Self {
        Behaviour {
            limits,
            arriving: BTreeSet::new(),
            dialing: BTreeSet::new(),
            established: 0,
            with: BTreeMap::new(),
        }
    }

    fn admit(&self, peer: PeerId) -> Result<THandler<Self>, ConnectionDenied> {
        let with_one = self.with.get(&peer).copied().unwrap_or_default();
        check("with this peer", with_one, self.limits.with_one)?;
        check("in all", self.established, self.limits.established)?;
        Ok(dummy::ConnectionHandler)
    }
}

fn check(what: &'static str, count: usize, limit: usize) -> Result<(), ConnectionDenied> {
    if count < limit {
        Ok(())
    } else {
        Err(ConnectionDenied::new(Full { what, limit }))
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = dummy::ConnectionHandler;
    type ToSwarm = Infallible;

    fn handle_pending_inbound_connection(
        &mut self,
        id: ConnectionId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        check("being accepted", self.arriving.len(), self.limits.arriving)?;
        self.arriving.insert(id);
        Ok(())
    }

    fn handle_established_inbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.arriving.remove(&id);
        self.admit(peer)
    }

    fn handle_pending_outbound_connection(
        &mut self,
        id: ConnectionId,
        _: Option<PeerId>,
        _: &[Multiaddr],
        _: Endpoint,
    ) -> Result<Vec<Multiaddr>, ConnectionDenied> {
        check("being dialed", self.dialing.len(), self.limits.dialing)?;
        self.dialing.insert(id);
        Ok(Vec::new())
    }

    fn handle_established_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.dialing.remove(&id);
        self.admit(peer)
    }

    fn on_swarm_event(&mut self, event: FromSwarm) {
        match event {
            FromSwarm::ConnectionEstablished(established) => {
                self.established += 1;
                *self.with.entry(established.peer_id).or_default() += 1;
            }
            FromSwarm::ConnectionClosed(closed) => {
                self.established = self.established.saturating_sub(1);
                if closed.remaining_established == 0 {
                    self.with.remove(&closed.peer_id);
                } else {
                    self.with
                        .insert(closed.peer_id, closed.remaining_established);
                }
            }
            FromSwarm::DialFailure(failure) => {
                self.dialing.remove(&failure.connection_id);
            }
            FromSwarm::ListenFailure(failure) => {
                self.arriving.remove(&failure.connection_id);
            }
            _ => {}
        }
    }

    fn on_connection_handler_event(
        &mut self,
        _: PeerId,
        _: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        match event {}
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Infallible, THandlerInEvent<Self>>> {
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use libp2p::{
        core::ConnectedPoint,
        swarm::{
            DialError,
            behaviour::{ConnectionClosed, ConnectionEstablished, DialFailure},
        },
    };

    use super::*;

    const LIMITS: Limits = Limits {
        arriving: 1,
        dialing: 1,
        established: 3,
        with_one: 2,
    };

    fn id(number: usize) -> ConnectionId {
        ConnectionId::new_unchecked(number)
    }

    fn nowhere() -> Multiaddr {
        Multiaddr::empty()
    }

    /// Somebody dials and is admitted.
    fn arrive(behaviour: &mut Behaviour, number: usize, peer: PeerId) -> Result<(), Full> {
        let why = |denied: ConnectionDenied| denied.downcast::<Full>().expect("ours");
        let (id, to) = (id(number), nowhere());
        behaviour
            .handle_pending_inbound_connection(id, &to, &to)
            .map_err(why)?;
        behaviour
            .handle_established_inbound_connection(id, peer, &to, &to)
            .map_err(why)?;
        behaviour.on_swarm_event(FromSwarm::ConnectionEstablished(ConnectionEstablished {
            peer_id: peer,
            connection_id: id,
            endpoint: &endpoint(),
            failed_addresses: &[],
            other_established: 0,
        }));
        Ok(())
    }

    fn leave(behaviour: &mut Behaviour, number: usize, peer: PeerId, remaining: usize) {
        behaviour.on_swarm_event(FromSwarm::ConnectionClosed(ConnectionClosed {
            peer_id: peer,
            connection_id: id(number),
            endpoint: &endpoint(),
            cause: None,
            remaining_established: remaining,
        }));
    }

    fn endpoint() -> ConnectedPoint {
        ConnectedPoint::Listener {
            local_addr: nowhere(),
            send_back_addr: nowhere(),
        }
    }

    #[test]
    fn so_many_with_one_and_so_many_in_all() {
        let mut behaviour = Behaviour::new(LIMITS);
        let [one, other] = [(); 2].map(|()| PeerId::random());
        arrive(&mut behaviour, 1, one).unwrap();
        arrive(&mut behaviour, 2, one).unwrap();
        let full = arrive(&mut behaviour, 3, one).unwrap_err();
        assert_eq!((full.what, full.limit), ("with this peer", 2));
        arrive(&mut behaviour, 4, other).unwrap();
        let full = arrive(&mut behaviour, 5, PeerId::random()).unwrap_err();
        assert_eq!((full.what, full.limit), ("in all", 3));
        leave(&mut behaviour, 1, one, 1);
        arrive(&mut behaviour, 6, one).unwrap();
    }

    #[test]
    fn nothing_is_kept_of_who_is_gone() {
        let mut behaviour = Behaviour::new(LIMITS);
        for number in 0..100 {
            let peer = PeerId::random();
            arrive(&mut behaviour, number, peer).unwrap();
            leave(&mut behaviour, number, peer, 0);
        }
        assert_eq!(behaviour.established, 0);
        assert!(behaviour.with.is_empty() && behaviour.arriving.is_empty());
    }

    #[test]
    fn so_many_under_way() {
        let mut behaviour = Behaviour::new(LIMITS);
        let (to, peer) = (nowhere(), PeerId::random());
        let dial = |behaviour: &mut Behaviour, number| {
            behaviour.handle_pending_outbound_connection(
                id(number),
                Some(peer),
                &[],
                Endpoint::Dialer,
            )
        };
        dial(&mut behaviour, 1).unwrap();
        let full = dial(&mut behaviour, 2).unwrap_err();
        assert_eq!(full.downcast::<Full>().unwrap().what, "being dialed");
        behaviour.on_swarm_event(FromSwarm::DialFailure(DialFailure {
            peer_id: Some(peer),
            error: &DialError::Aborted,
            connection_id: id(1),
        }));
        dial(&mut behaviour, 3).unwrap();
        behaviour
            .handle_pending_inbound_connection(id(4), &to, &to)
            .unwrap();
        let full = behaviour
            .handle_pending_inbound_connection(id(5), &to, &to)
            .unwrap_err();
        assert_eq!(full.downcast::<Full>().unwrap().what, "being accepted");
    }
}
