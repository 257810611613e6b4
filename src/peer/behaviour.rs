//! A native peer as a `NetworkBehaviour`: its rules, driven over libp2p streams.

use std::{
    collections::VecDeque,
    task::{Context, Poll, ready},
    time::Duration,
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

use super::{Config, Event, Output, State};
use crate::{
    clock::Now,
    identity::Identity,
    node::{
        Alarm,
        attach::PROTOCOL,
        link::{self, Link},
    },
    wire::limits,
};

/// How often it is looked whether records are to be renewed.
const RENEWAL: Duration = Duration::from_secs(60);
/// Bytes that may wait for one node.
const MAX_QUEUE: usize = 1024 * 1024;

/// A native peer.
pub struct Behaviour {
    state: State,
    link: Link,
    pending: VecDeque<ToSwarm<Event, link::Command>>,
    renewal: Now,
    alarm: Alarm,
}

impl Behaviour {
    /// A peer that will attach to the nodes of `config`.
    pub fn new(config: Config, identity: &Identity) -> Self {
        let now = Now::read();
        Behaviour {
            state: State::new(config, identity, now),
            link: Link::new(link::Config {
                protocol: PROTOCOL,
                opens: link::Opens::AtOnce,
                accepts: false,
                max_frame: limits::ATTACH_FRAME,
                max_queue: MAX_QUEUE,
            }),
            pending: VecDeque::new(),
            renewal: now.after(RENEWAL),
            alarm: Alarm::default(),
        }
    }

    /// The rules, to look at.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The rules. Whoever calls this from outside the swarm's own polling polls the swarm
    /// afterwards.
    pub fn state_mut(&mut self) -> &mut State {
        &mut self.state
    }

    fn on_link(&mut self, event: link::Event) {
        let now = Now::read();
        match event {
            link::Event::Up { link, .. } => self.state.linked(link, now),
            link::Event::Frame { link, frame } => {
                if let Err(malformed) = self.state.received(link, &frame, now) {
                    tracing::warn!(node = %link.peer, %malformed, "attachment ended");
                    self.link.close(link);
                }
            }
            link::Event::Written { .. } => {}
            link::Event::Down { link, .. } => self.state.unlinked(link, now),
        }
    }

    fn carry_out(&mut self, output: Output) {
        match output {
            Output::Dial(node, addresses) => self.pending.push_back(ToSwarm::Dial {
                opts: DialOpts::peer_id(node)
                    .addresses(addresses)
                    .condition(PeerCondition::NotDialing)
                    .build(),
            }),
            Output::Send(link, frame) => self.link.send(link, frame),
            Output::Close(link) => self.link.close(link),
            Output::Event(event) => self.pending.push_back(ToSwarm::GenerateEvent(event)),
        }
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = link::Handler;
    type ToSwarm = Event;

    fn handle_established_inbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<link::Handler, ConnectionDenied> {
        self.link
            .handle_established_inbound_connection(id, peer, local, remote)
    }

    fn handle_established_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        role: Endpoint,
        port_use: PortUse,
    ) -> Result<link::Handler, ConnectionDenied> {
        self.link
            .handle_established_outbound_connection(id, peer, address, role, port_use)
    }

    fn on_swarm_event(&mut self, event: FromSwarm) {
        if let FromSwarm::DialFailure(failure) = &event {
            let ours = !matches!(failure.error, DialError::DialPeerConditionFalse(_));
            if let (Some(node), true) = (failure.peer_id, ours) {
                self.state.failed(&node, Now::read());
            }
        }
        self.link.on_swarm_event(event);
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        id: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        self.link.on_connection_handler_event(peer, id, event);
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ToSwarm<Event, THandlerInEvent<Self>>> {
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
            let now = Now::read();
            if self.renewal.instant <= now.instant {
                self.renewal = now.after(RENEWAL);
                self.state.renew(now);
                continue;
            }
            let mut deadline = self.renewal.instant;
            if let Some(due) = self.state.deadline() {
                if due <= now.instant {
                    self.state.expired(now);
                    continue;
                }
                deadline = deadline.min(due);
            }
            ready!(self.alarm.poll(deadline, now.instant, cx));
        }
    }
}
