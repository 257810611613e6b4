//! A duty between nodes: a state machine, driven over a link.

use std::{
    collections::{HashMap, VecDeque},
    task::{Context, Poll, ready},
};

use libp2p::{
    Multiaddr, PeerId,
    core::{Endpoint, transport::PortUse},
    swarm::{
        ConnectionDenied, ConnectionId, DialError, FromSwarm, NetworkBehaviour, THandlerInEvent,
        THandlerOutEvent, ToSwarm,
        dial_opts::{DialOpts, PeerCondition},
    },
};
use web_time::Instant;

use super::{Command, Config, Event, Handler, Link, LinkId};
use crate::{clock::Now, node::Alarm, wire::Malformed};

/// What a state machine wants done.
#[derive(Debug)]
pub enum Output<E> {
    /// Send a frame to a neighbour. Dropped if the link to it isn't open.
    Send(PeerId, Vec<u8>),
    /// Open a link to a node; one that isn't connected is dialed first, by the addresses that are
    /// known for it. Ends in `linked` or `unlinked`.
    Dial(PeerId),
    /// Something that others should know.
    Event(E),
}

/// The rules of a duty: events and the present time in, outputs out. It holds no socket, no
/// task and no clock. After every call the driver takes all outputs, and then asks for the
/// next deadline.
pub trait StateMachine: Send + 'static {
    /// What it tells the rest of the node.
    type Event: Send + 'static;

    /// The link to a neighbour is open. Called again when a further one opens: the neighbour may
    /// have been started anew, while its former connection isn't known to be dead yet.
    fn linked(&mut self, node: PeerId, address: &Multiaddr, now: Now);
    /// The last link to a neighbour is gone, or one that was asked for can't be had.
    fn unlinked(&mut self, node: PeerId, now: Now);
    /// The last connection to a neighbour is gone that had no link.
    fn parted(&mut self, _node: PeerId) {}
    /// A frame arrived. An error ends the link.
    fn received(&mut self, node: PeerId, frame: &[u8], now: Now) -> Result<(), Malformed>;
    /// When it next wants to be called, if nothing else happens.
    fn deadline(&self) -> Option<Instant>;
    /// The deadline has passed.
    fn expired(&mut self, now: Now);
    /// The next thing to do.
    fn output(&mut self) -> Option<Output<Self::Event>>;
}

/// A `NetworkBehaviour` around a [`StateMachine`].
pub struct Duty<S: StateMachine> {
    state: S,
    link: Link,
    /// The open links of each neighbour, oldest first.
    open: HashMap<PeerId, Vec<LinkId>>,
    /// Nodes to which a link was asked for that isn't open yet, and whether the last connection
    /// to them has ended meanwhile.
    asked: HashMap<PeerId, bool>,
    pending: VecDeque<ToSwarm<S::Event, Command>>,
    alarm: Alarm,
}

impl<S: StateMachine> Duty<S> {
    /// Puts `state` behind a link.
    pub fn new(config: Config, state: S) -> Self {
        Duty {
            state,
            link: Link::new(config),
            open: HashMap::new(),
            asked: HashMap::new(),
            pending: VecDeque::new(),
            alarm: Alarm::default(),
        }
    }

    /// The state machine. Whoever calls this from outside the swarm's own polling polls the
    /// swarm afterwards.
    pub fn state_mut(&mut self) -> &mut S {
        &mut self.state
    }

    /// The state machine, to look at.
    pub fn state(&self) -> &S {
        &self.state
    }

    /// Whether a link to `node` is open.
    pub fn is_linked(&self, node: &PeerId) -> bool {
        self.open.contains_key(node)
    }

    /// Opens a link to a neighbour that stays, if this side dialed it.
    pub fn keep(&mut self, node: PeerId) {
        if !self.is_linked(&node) {
            self.link.open_if_dialed(node);
        }
    }

    fn on_link(&mut self, event: Event) {
        let now = Now::read();
        match event {
            Event::Up { link, address } => {
                self.asked.remove(&link.peer);
                self.open.entry(link.peer).or_default().push(link);
                self.state.linked(link.peer, &address, now);
            }
            Event::Frame { link, frame } => {
                if let Err(malformed) = self.state.received(link.peer, &frame, now) {
                    tracing::warn!(node = %link.peer, %malformed, "link closed");
                    self.link.close(link);
                }
            }
            Event::Written { .. } => {}
            Event::Down { link, reason } => {
                if let Some(reason) = reason {
                    tracing::warn!(node = %link.peer, %reason, "link broken");
                }
                if let Some(links) = self.open.get_mut(&link.peer) {
                    links.retain(|other| *other != link);
                    if links.is_empty() {
                        self.open.remove(&link.peer);
                        self.state.unlinked(link.peer, now);
                    }
                } else {
                    self.asked.remove(&link.peer);
                    self.state.unlinked(link.peer, now);
                }
            }
        }
    }

    fn dial(&mut self, node: PeerId) {
        self.pending.push_back(ToSwarm::Dial {
            opts: DialOpts::peer_id(node)
                .condition(PeerCondition::DisconnectedAndNotDialing)
                .build(),
        });
    }

    /// The last connection to a node is gone, on which there was no link.
    fn lost(&mut self, node: PeerId) {
        match self.asked.get_mut(&node) {
            // The connection was about to end as the link was asked for.
            Some(again @ false) => {
                *again = true;
                self.dial(node);
            }
            Some(true) => {
                self.asked.remove(&node);
                self.state.unlinked(node, Now::read());
            }
            None => self.state.parted(node),
        }
    }

    fn carry_out(&mut self, output: Output<S::Event>) {
        match output {
            Output::Send(node, frame) => {
                // The newest: an older one may be dead and not know it.
                if let Some(link) = self.open.get(&node).and_then(|links| links.last()) {
                    self.link.send(*link, frame);
                }
            }
            Output::Dial(node) => {
                self.asked.insert(node, false);
                if !self.link.open(node) {
                    self.dial(node);
                }
            }
            Output::Event(event) => self.pending.push_back(ToSwarm::GenerateEvent(event)),
        }
    }
}

impl<S: StateMachine> NetworkBehaviour for Duty<S> {
    type ConnectionHandler = Handler;
    type ToSwarm = S::Event;

    fn handle_established_inbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<Handler, ConnectionDenied> {
        self.link
            .handle_established_inbound_connection(connection, peer, local, remote)
    }

    fn handle_established_outbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        role: Endpoint,
        port_use: PortUse,
    ) -> Result<Handler, ConnectionDenied> {
        self.link
            .handle_established_outbound_connection(connection, peer, address, role, port_use)
    }

    fn on_swarm_event(&mut self, event: FromSwarm) {
        self.link.on_swarm_event(event);
        match event {
            FromSwarm::DialFailure(failure) => {
                if let Some(peer) = failure.peer_id
                    && !self.open.contains_key(&peer)
                    // Another duty dials it already: that dial's end is told to all.
                    && !matches!(failure.error, DialError::DialPeerConditionFalse(_))
                {
                    self.asked.remove(&peer);
                    self.state.unlinked(peer, Now::read());
                }
            }
            FromSwarm::ConnectionEstablished(established)
                if self.asked.contains_key(&established.peer_id) =>
            {
                self.link.open(established.peer_id);
            }
            // What isn't open says nothing as it goes.
            FromSwarm::ConnectionClosed(closed)
                if closed.remaining_established == 0
                    && !self.open.contains_key(&closed.peer_id) =>
            {
                self.lost(closed.peer_id);
            }
            _ => {}
        }
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        self.link
            .on_connection_handler_event(peer, connection, event);
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ToSwarm<S::Event, THandlerInEvent<Self>>> {
        loop {
            while let Some(output) = self.state.output() {
                self.carry_out(output);
            }
            if let Some(event) = self.pending.pop_front() {
                return Poll::Ready(event);
            }
            match self.link.poll(cx) {
                Poll::Ready(ToSwarm::GenerateEvent(event)) => {
                    self.on_link(event);
                    continue;
                }
                Poll::Ready(other) => {
                    return Poll::Ready(other.map_out(|_| unreachable!("matched above")));
                }
                Poll::Pending => {}
            }
            let Some(deadline) = self.state.deadline() else {
                return Poll::Pending;
            };
            let now = Now::read();
            if deadline <= now.instant {
                self.state.expired(now);
                continue;
            }
            ready!(self.alarm.poll(deadline, now.instant, cx));
        }
    }
}
