//! All links of one protocol.

use std::{
    collections::{BTreeMap, VecDeque},
    task::{Context, Poll, Waker},
};

use libp2p::{
    Multiaddr, PeerId,
    core::{Endpoint, transport::PortUse},
    swarm::{ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, NotifyHandler, ToSwarm},
};

use super::{Command, Config, Handler, Report};

/// One stream: a neighbour may have several connections, and so several links.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId {
    /// The neighbour.
    pub peer: PeerId,
    /// The connection that carries the stream.
    pub connection: ConnectionId,
}

/// What happens on a link.
#[derive(Debug)]
pub enum Event {
    /// The link is open. `address` is the neighbour's, as this side sees it.
    Up {
        /// The link.
        link: LinkId,
        /// The other end's address.
        address: Multiaddr,
    },
    /// A frame arrived.
    Frame {
        /// The link.
        link: LinkId,
        /// What it holds.
        frame: Vec<u8>,
    },
    /// Bytes left the queue.
    Written {
        /// The link.
        link: LinkId,
        /// How many.
        bytes: usize,
    },
    /// The link is over, or could not be opened.
    Down {
        /// The link.
        link: LinkId,
        /// What the other side did wrong, if anything.
        reason: Option<String>,
    },
}

/// What is known of a connection.
struct Connection {
    /// The other end's.
    address: Multiaddr,
    /// Whether this side dialed.
    dialed: bool,
    /// Whether its link is open.
    up: bool,
}

/// A `NetworkBehaviour` that keeps the links of one protocol.
pub struct Link {
    config: Config,
    /// Every connection.
    connections: BTreeMap<LinkId, Connection>,
    pending: VecDeque<ToSwarm<Event, Command>>,
    waker: Option<Waker>,
}

impl Link {
    /// A link behaviour without any link yet.
    pub fn new(config: Config) -> Self {
        Link {
            config,
            connections: BTreeMap::new(),
            pending: VecDeque::new(),
            waker: None,
        }
    }

    /// Queues a frame. Frames to a link that is no longer open are dropped.
    pub fn send(&mut self, link: LinkId, frame: Vec<u8>) {
        self.command(link, Command::Send(frame));
    }

    /// Ends a link after what is queued has been written.
    pub fn close(&mut self, link: LinkId) {
        self.command(link, Command::Close);
    }

    /// Opens a link on the newest connection to a neighbour. `false` if there is none.
    pub fn open(&mut self, peer: PeerId) -> bool {
        let Some((link, _)) = self.connections_to(peer).next_back() else {
            return false;
        };
        let link = *link;
        self.tell(link, Command::Open);
        true
    }

    /// Opens a link if this side dialed the neighbour: both sides may be about to.
    pub fn open_if_dialed(&mut self, peer: PeerId) {
        let dialed = self.connections_to(peer).rfind(|(_, to)| to.dialed);
        if let Some(link) = dialed.map(|(link, _)| *link) {
            self.tell(link, Command::Open);
        }
    }

    fn connections_to(
        &self,
        peer: PeerId,
    ) -> impl DoubleEndedIterator<Item = (&LinkId, &Connection)> {
        let id = |connection| LinkId {
            peer,
            connection: ConnectionId::new_unchecked(connection),
        };
        self.connections.range(id(0)..=id(usize::MAX))
    }

    fn command(&mut self, link: LinkId, command: Command) {
        if self.connections.get(&link).is_some_and(|to| to.up) {
            self.tell(link, command);
        }
    }

    fn tell(&mut self, link: LinkId, command: Command) {
        self.pending.push_back(ToSwarm::NotifyHandler {
            peer_id: link.peer,
            handler: NotifyHandler::One(link.connection),
            event: command,
        });
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn established(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        dialed: bool,
    ) -> Handler {
        let link = LinkId { peer, connection };
        let address = address.clone();
        let to = Connection {
            address,
            dialed,
            up: false,
        };
        self.connections.insert(link, to);
        Handler::new(self.config.clone(), dialed)
    }
}

impl NetworkBehaviour for Link {
    type ConnectionHandler = Handler;
    type ToSwarm = Event;

    fn handle_established_inbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<Handler, ConnectionDenied> {
        Ok(self.established(connection, peer, remote, false))
    }

    fn handle_established_outbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        role: Endpoint,
        _: PortUse,
    ) -> Result<Handler, ConnectionDenied> {
        Ok(self.established(connection, peer, address, role == Endpoint::Dialer))
    }

    fn on_swarm_event(&mut self, event: FromSwarm) {
        if let FromSwarm::ConnectionClosed(closed) = event {
            let link = LinkId {
                peer: closed.peer_id,
                connection: closed.connection_id,
            };
            if self.connections.remove(&link).is_some_and(|to| to.up) {
                self.pending
                    .push_back(ToSwarm::GenerateEvent(Event::Down { link, reason: None }));
            }
        }
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        report: Report,
    ) {
        let link = LinkId { peer, connection };
        let Some(to) = self.connections.get_mut(&link) else {
            return;
        };
        let event = match report {
            Report::Up => {
                to.up = true;
                Event::Up {
                    link,
                    address: to.address.clone(),
                }
            }
            Report::Frame(frame) => Event::Frame { link, frame },
            Report::Written(bytes) => Event::Written { link, bytes },
            Report::Down(reason) => {
                to.up = false;
                Event::Down { link, reason }
            }
        };
        self.pending.push_back(ToSwarm::GenerateEvent(event));
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ToSwarm<Event, Command>> {
        if let Some(event) = self.pending.pop_front() {
            return Poll::Ready(event);
        }
        self.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}
