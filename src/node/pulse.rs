//! Whether those who stay connected are still there.
//!
//! libp2p's ping, but not for a connection that lives for one question: it begins after
//! [`FIRST`]. A connection whose pings aren't answered is closed: TCP alone takes a quarter of an
//! hour to notice that the other host is gone.

use std::{
    collections::VecDeque,
    task::{Context, Poll},
    time::Duration,
};

use futures::FutureExt;
use futures_timer::Delay;
use libp2p::{
    Multiaddr, PeerId,
    core::{Endpoint, transport::PortUse},
    ping::{self, Failure},
    swarm::{
        CloseConnection, ConnectionDenied, ConnectionHandler, ConnectionHandlerEvent, ConnectionId,
        FromSwarm, NetworkBehaviour, SubstreamProtocol, THandler, THandlerInEvent,
        THandlerOutEvent, ToSwarm, handler::ConnectionEvent,
    },
};

/// The age at which a connection is pinged for the first time.
const FIRST: Duration = Duration::from_secs(15);

/// How long an answer may take. ping tells of the second one in a row that is missing.
const TIMEOUT: Duration = Duration::from_secs(10);

type Ping = THandler<ping::Behaviour>;

/// Pings, and closes what doesn't answer.
pub struct Behaviour {
    ping: ping::Behaviour,
    dead: VecDeque<(PeerId, ConnectionId)>,
}

impl Default for Behaviour {
    fn default() -> Self {
        let config = ping::Config::new().with_timeout(TIMEOUT);
        Behaviour {
            ping: ping::Behaviour::new(config),
            dead: VecDeque::new(),
        }
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = Handler;
    type ToSwarm = std::convert::Infallible;

    fn handle_established_inbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<Handler, ConnectionDenied> {
        self.ping
            .handle_established_inbound_connection(id, peer, local, remote)
            .map(Handler::new)
    }

    fn handle_established_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        role: Endpoint,
        port_use: PortUse,
    ) -> Result<Handler, ConnectionDenied> {
        self.ping
            .handle_established_outbound_connection(id, peer, address, role, port_use)
            .map(Handler::new)
    }

    fn on_swarm_event(&mut self, event: FromSwarm) {
        self.ping.on_swarm_event(event);
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        id: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        if let Err(Failure::Timeout) = event {
            self.dead.push_back((peer, id));
        }
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        match self.dead.pop_front() {
            Some((peer_id, id)) => {
                tracing::debug!(node = %peer_id, "pings unanswered, connection closed");
                Poll::Ready(ToSwarm::CloseConnection {
                    peer_id,
                    connection: CloseConnection::One(id),
                })
            }
            None => Poll::Pending,
        }
    }
}

/// ping's, which isn't driven before its time unless the other side pings.
pub struct Handler {
    ping: Ping,
    wait: Option<Delay>,
}

impl Handler {
    fn new(ping: Ping) -> Self {
        Handler {
            ping,
            wait: Some(Delay::new(FIRST)),
        }
    }
}

impl ConnectionHandler for Handler {
    type FromBehaviour = <Ping as ConnectionHandler>::FromBehaviour;
    type ToBehaviour = <Ping as ConnectionHandler>::ToBehaviour;
    type InboundProtocol = <Ping as ConnectionHandler>::InboundProtocol;
    type OutboundProtocol = <Ping as ConnectionHandler>::OutboundProtocol;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = ();

    fn listen_protocol(&self) -> SubstreamProtocol<Self::InboundProtocol> {
        self.ping.listen_protocol()
    }

    fn on_behaviour_event(&mut self, event: Self::FromBehaviour) {
        self.ping.on_behaviour_event(event);
    }

    fn on_connection_event(
        &mut self,
        event: ConnectionEvent<Self::InboundProtocol, Self::OutboundProtocol>,
    ) {
        if let ConnectionEvent::FullyNegotiatedInbound(_) = event {
            self.wait = None;
        }
        self.ping.on_connection_event(event);
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<Self::OutboundProtocol, (), Self::ToBehaviour>> {
        if let Some(wait) = &mut self.wait {
            futures::ready!(wait.poll_unpin(cx));
            self.wait = None;
        }
        self.ping.poll(cx)
    }
}
