//! Drives the rules over libp2p streams and over the entrance's carriers.

use std::{
    collections::{BTreeMap, VecDeque},
    task::{Context, Poll, ready},
};

use futures::{StreamExt, channel::mpsc};
use libp2p::{
    Multiaddr, PeerId,
    core::{Endpoint, transport::PortUse},
    swarm::{
        ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandlerInEvent,
        THandlerOutEvent, ToSwarm,
    },
};

use super::{AttachmentId, Config, Entrance, Event, Output, PROTOCOL, State, entrance::Arrival};
use crate::{
    clock::Now,
    node::{
        Alarm,
        link::{self, Link, LinkId},
    },
    wire::limits,
};

/// A `NetworkBehaviour` around [`State`].
pub struct Behaviour {
    state: State,
    link: Link,
    streams: BTreeMap<LinkId, u64>,
    links: BTreeMap<u64, LinkId>,
    next_stream: u64,
    entrance: Entrance,
    arrivals: mpsc::Receiver<Arrival>,
    external: BTreeMap<u64, mpsc::UnboundedSender<Vec<u8>>>,
    pending: VecDeque<Event>,
    alarm: Alarm,
}

impl Behaviour {
    /// A node of `network` that accepts attachments within `config`.
    pub fn new(config: Config, network: String, node: PeerId) -> Self {
        let (entrance, arrivals) = Entrance::new();
        Behaviour {
            link: Link::new(link::Config {
                protocol: PROTOCOL,
                opens: link::Opens::Never,
                accepts: true,
                max_frame: limits::ATTACH_FRAME,
                max_queue: config.max_queue,
            }),
            state: State::new(config, network, node),
            streams: BTreeMap::new(),
            links: BTreeMap::new(),
            next_stream: 0,
            entrance,
            arrivals,
            external: BTreeMap::new(),
            pending: VecDeque::new(),
            alarm: Alarm::default(),
        }
    }

    /// Where carriers other than libp2p streams come in.
    pub fn entrance(&self) -> Entrance {
        self.entrance.clone()
    }

    /// The rules. Whoever calls this from outside the swarm's own polling polls the swarm
    /// afterwards.
    pub fn state_mut(&mut self) -> &mut State {
        &mut self.state
    }

    /// The rules, to look at.
    pub fn state(&self) -> &State {
        &self.state
    }

    fn on_link(&mut self, event: link::Event) {
        let now = Now::read();
        match event {
            link::Event::Up { link, address } => {
                let number = self.next_stream;
                self.next_stream += 1;
                if let Some(former) = self.streams.insert(link, number) {
                    self.links.remove(&former);
                    self.state.closed(AttachmentId::Stream(former));
                }
                self.links.insert(number, link);
                self.state
                    .opened(AttachmentId::Stream(number), link.peer, address, now);
            }
            link::Event::Frame { link, frame } => {
                if let Some(number) = self.streams.get(&link) {
                    self.state
                        .received(AttachmentId::Stream(*number), &frame, now);
                }
            }
            link::Event::Written { link, bytes } => {
                if let Some(number) = self.streams.get(&link) {
                    self.state.written(AttachmentId::Stream(*number), bytes);
                }
            }
            link::Event::Down { link, .. } => {
                if let Some(number) = self.streams.remove(&link) {
                    self.links.remove(&number);
                    self.state.closed(AttachmentId::Stream(number));
                }
            }
        }
    }

    fn on_arrival(&mut self, arrival: Arrival) {
        let now = Now::read();
        match arrival {
            Arrival::Opened {
                id,
                peer,
                address,
                outgoing,
            } => {
                self.external.insert(id, outgoing);
                self.state
                    .opened(AttachmentId::External(id), peer, address, now);
            }
            Arrival::Frame { id, frame } => {
                self.state.received(AttachmentId::External(id), &frame, now);
            }
            Arrival::Written { id, bytes } => {
                self.state.written(AttachmentId::External(id), bytes);
            }
            Arrival::Closed { id } => {
                self.external.remove(&id);
                self.state.closed(AttachmentId::External(id));
            }
        }
    }

    fn carry_out(&mut self, output: Output) {
        match output {
            Output::Send(AttachmentId::Stream(number), frame) => {
                if let Some(link) = self.links.get(&number) {
                    self.link.send(*link, frame);
                }
            }
            Output::Send(AttachmentId::External(id), frame) => {
                if let Some(outgoing) = self.external.get(&id) {
                    // An error means that its task has ended, of which `Closed` will tell.
                    outgoing.unbounded_send(frame).ok();
                }
            }
            Output::Close(AttachmentId::Stream(number)) => {
                if let Some(link) = self.links.get(&number) {
                    self.link.close(*link);
                }
            }
            Output::Close(AttachmentId::External(id)) => {
                self.external.remove(&id);
            }
            Output::Event(event) => self.pending.push_back(event),
        }
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = link::Handler;
    type ToSwarm = Event;

    fn handle_established_inbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<link::Handler, ConnectionDenied> {
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
    ) -> Result<link::Handler, ConnectionDenied> {
        self.link
            .handle_established_outbound_connection(connection, peer, address, role, port_use)
    }

    fn on_swarm_event(&mut self, event: FromSwarm) {
        self.link.on_swarm_event(event);
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

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ToSwarm<Event, THandlerInEvent<Self>>> {
        loop {
            while let Some(output) = self.state.output() {
                self.carry_out(output);
            }
            if let Some(event) = self.pending.pop_front() {
                return Poll::Ready(ToSwarm::GenerateEvent(event));
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
            if let Poll::Ready(Some(arrival)) = self.arrivals.poll_next_unpin(cx) {
                self.on_arrival(arrival);
                continue;
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
