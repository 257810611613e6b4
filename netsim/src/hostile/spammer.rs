//! A peer that sends its nodes a multiple of what they let it.

use std::{
    collections::{HashMap, VecDeque},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use futures::{AsyncRead, AsyncWrite, FutureExt};
use futures_timer::Delay;
use libp2p::{
    Multiaddr, PeerId, Stream, StreamProtocol,
    core::{
        Endpoint,
        transport::PortUse,
        upgrade::{DeniedUpgrade, ReadyUpgrade},
    },
    multiaddr::Protocol,
    swarm::{
        ConnectionDenied, ConnectionHandler, ConnectionHandlerEvent, ConnectionId, FromSwarm,
        NetworkBehaviour, SubstreamProtocol, ToSwarm,
        dial_opts::{DialOpts, PeerCondition},
        handler::{ConnectionEvent, FullyNegotiatedOutbound},
    },
};
use velox_mesh::{clock::Now, node::attach::PROTOCOL};

use super::arsenal::{Arsenal, Target};

/// How often it sends.
const TICK: Duration = Duration::from_millis(20);
/// What it may make up for at once, of a time when it could not send.
const ARREARS: Duration = Duration::from_millis(100);
/// How long it waits before it dials a node again, or opens a stream that was refused.
const PAUSE: Duration = Duration::from_millis(10);

type Shared = Arc<Mutex<Arsenal>>;

fn of(arsenal: &Shared) -> MutexGuard<'_, Arsenal> {
    arsenal.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A spammer. It keeps a connection to each of its nodes, and on each an attachment; when the
/// node ends that, it opens another at once, on the same connection if it still stands.
pub struct Spammer {
    arsenal: Shared,
    nodes: HashMap<PeerId, Multiaddr>,
    dials: VecDeque<PeerId>,
    pause: Delay,
}

impl Spammer {
    /// Attaches to all of `nodes`, which end in their PeerIds.
    pub fn new(arsenal: Arsenal, nodes: Vec<Multiaddr>) -> Self {
        let nodes: HashMap<_, _> = nodes
            .into_iter()
            .filter_map(|address| match address.iter().last() {
                Some(Protocol::P2p(node)) => Some((node, address)),
                _ => None,
            })
            .collect();
        let mut dials: Vec<_> = nodes.keys().copied().collect();
        dials.sort_unstable();
        Spammer {
            arsenal: Arc::new(Mutex::new(arsenal)),
            nodes,
            dials: dials.into(),
            pause: Delay::new(Duration::ZERO),
        }
    }

    /// Whom to harm from now on.
    pub fn aim(&mut self, targets: Vec<Target>) {
        of(&self.arsenal).aim(targets);
    }

    fn dial(&mut self, node: PeerId) {
        if self.nodes.contains_key(&node) && !self.dials.contains(&node) {
            self.dials.push_back(node);
            self.pause.reset(PAUSE);
        }
    }
}

impl NetworkBehaviour for Spammer {
    type ConnectionHandler = Handler;
    type ToSwarm = std::convert::Infallible;

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<Handler, ConnectionDenied> {
        Ok(Handler::new(self.arsenal.clone()))
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<Handler, ConnectionDenied> {
        Ok(Handler::new(self.arsenal.clone()))
    }

    fn on_swarm_event(&mut self, event: FromSwarm) {
        match event {
            FromSwarm::ConnectionClosed(closed) if closed.remaining_established == 0 => {
                self.dial(closed.peer_id);
            }
            FromSwarm::DialFailure(failure) => {
                if let Some(node) = failure.peer_id {
                    self.dial(node);
                }
            }
            _ => {}
        }
    }

    fn on_connection_handler_event(
        &mut self,
        _: PeerId,
        _: ConnectionId,
        event: std::convert::Infallible,
    ) {
        match event {}
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<ToSwarm<std::convert::Infallible, std::convert::Infallible>> {
        if self.dials.is_empty() || self.pause.poll_unpin(cx).is_pending() {
            return Poll::Pending;
        }
        let Some(node) = self.dials.pop_front() else {
            return Poll::Pending;
        };
        self.pause.reset(Duration::ZERO);
        let addresses = self.nodes.get(&node).cloned().into_iter().collect();
        Poll::Ready(ToSwarm::Dial {
            opts: DialOpts::peer_id(node)
                .addresses(addresses)
                .condition(PeerCondition::DisconnectedAndNotDialing)
                .build(),
        })
    }
}

/// One connection's attachment.
pub struct Handler {
    arsenal: Shared,
    /// When a stream is to be asked for.
    open: Option<Delay>,
    stream: Option<Stream>,
    outgoing: Vec<u8>,
    written: usize,
    tick: Delay,
    /// Until when it has sent what it wanted to.
    sent_until: Now,
}

impl Handler {
    fn new(arsenal: Shared) -> Self {
        Handler {
            arsenal,
            open: Some(Delay::new(Duration::ZERO)),
            stream: None,
            outgoing: Vec::new(),
            written: 0,
            tick: Delay::new(TICK),
            sent_until: Now::read(),
        }
    }

    fn lost(&mut self) {
        self.stream = None;
        self.open = Some(Delay::new(PAUSE));
    }

    /// Adds what is due, if all of the last is out.
    fn load(&mut self, cx: &mut Context<'_>) {
        while self.tick.poll_unpin(cx).is_ready() {
            self.tick.reset(TICK);
        }
        if self.written < self.outgoing.len() {
            return;
        }
        let now = Now::read();
        let span = now
            .instant
            .saturating_duration_since(self.sent_until.instant);
        let mut arsenal = of(&self.arsenal);
        let count = (span.min(ARREARS).as_secs_f64() * arsenal.rate()) as usize;
        if count == 0 {
            return;
        }
        self.sent_until = now;
        self.outgoing.clear();
        self.written = 0;
        arsenal.draw(count, now, &mut self.outgoing);
    }

    /// `Err` when the stream is over.
    fn drive(&mut self, cx: &mut Context<'_>) -> Result<(), ()> {
        self.load(cx);
        let Some(stream) = &mut self.stream else {
            return Ok(());
        };
        while self.written < self.outgoing.len() {
            match Pin::new(&mut *stream).poll_write(cx, &self.outgoing[self.written..]) {
                Poll::Ready(Ok(count)) if count > 0 => self.written += count,
                Poll::Ready(_) => return Err(()),
                Poll::Pending => break,
            }
        }
        if let Poll::Ready(Err(_)) = Pin::new(&mut *stream).poll_flush(cx) {
            return Err(());
        }
        // What the node says is of no interest.
        let mut heard = [0; 16 * 1024];
        loop {
            match Pin::new(&mut *stream).poll_read(cx, &mut heard) {
                Poll::Ready(Ok(count)) if count > 0 => {}
                Poll::Ready(_) => return Err(()),
                Poll::Pending => return Ok(()),
            }
        }
    }
}

type Outbound = ReadyUpgrade<StreamProtocol>;

impl ConnectionHandler for Handler {
    type FromBehaviour = std::convert::Infallible;
    type ToBehaviour = std::convert::Infallible;
    type InboundProtocol = DeniedUpgrade;
    type OutboundProtocol = Outbound;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = ();

    fn listen_protocol(&self) -> SubstreamProtocol<DeniedUpgrade> {
        SubstreamProtocol::new(DeniedUpgrade, ())
    }

    fn connection_keep_alive(&self) -> bool {
        true
    }

    fn on_behaviour_event(&mut self, event: std::convert::Infallible) {
        match event {}
    }

    fn on_connection_event(&mut self, event: ConnectionEvent<DeniedUpgrade, Outbound>) {
        match event {
            ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound {
                protocol: stream,
                ..
            }) => {
                self.stream = Some(stream);
                self.outgoing = of(&self.arsenal).hello();
                self.written = 0;
            }
            ConnectionEvent::DialUpgradeError(_) => self.lost(),
            _ => {}
        }
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<Outbound, (), std::convert::Infallible>> {
        if self.stream.is_some() && self.drive(cx).is_err() {
            self.lost();
        }
        if let Some(pause) = &mut self.open
            && pause.poll_unpin(cx).is_ready()
        {
            self.open = None;
            return Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest {
                protocol: SubstreamProtocol::new(ReadyUpgrade::new(PROTOCOL), ()),
            });
        }
        Poll::Pending
    }
}
