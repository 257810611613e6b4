//! `Peer` and `Room`: what a program holds of a running peer.

use std::{collections::HashMap, time::Duration};

use futures::StreamExt;
use libp2p::{Multiaddr, PeerId, Swarm, swarm::SwarmEvent};
use libp2p_webrtc_direct::Certificate;
use tokio::sync::{broadcast, mpsc, oneshot};

use super::{Behaviour, Config, Event, SendError};
use crate::{
    carriers::{SwarmError, swarm},
    clock::Now,
    identity::Identity,
    wire::{Signed, envelope::EnvelopeId, presence::PresenceRecord},
};

/// How long a connection without a stream is kept.
pub const IDLE_CONNECTION: Duration = Duration::from_secs(10);
/// Events that a listener may be behind before it loses some.
const EVENTS: usize = 1024;

/// Why something a peer was asked for fails.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// libp2p can't be set up.
    #[error(transparent)]
    Transport(#[from] SwarmError),
    /// The peer has been stopped.
    #[error("the peer has stopped")]
    Stopped,
    /// It can't be sent.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The receiver gave no ack over any path.
    #[error("{0} can't be reached: it gave no ack over any path")]
    Unreachable(PeerId),
}

enum Command {
    Join(String, Vec<u8>),
    Leave(String),
    Members(String, oneshot::Sender<Vec<Signed<PresenceRecord>>>),
    Attached(oneshot::Sender<Vec<PeerId>>),
    Send {
        room: String,
        to: PeerId,
        bytes: Vec<u8>,
        done: oneshot::Sender<Result<(), PeerError>>,
    },
    Provide(String, oneshot::Sender<()>),
    Locate(String, mpsc::Sender<Signed<PresenceRecord>>),
    Stop(oneshot::Sender<()>),
}

/// A running native peer. Cheap to clone; it runs until [`Peer::stop`], or until the last clone
/// is dropped.
#[derive(Clone)]
pub struct Peer {
    peer_id: PeerId,
    commands: mpsc::Sender<Command>,
    events: broadcast::Sender<Event>,
}

/// Puts a peer together. See [`Peer::builder`].
#[derive(Clone, Debug)]
pub struct Builder {
    config: Config,
}

impl Builder {
    /// Attaches to this node, given with its `/p2p/…`; may be called several times. Other nodes
    /// are learnt from it.
    pub fn node(mut self, address: Multiaddr) -> Self {
        self.config.nodes.push(address);
        self
    }

    /// Everything else.
    pub fn configure(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// Starts the peer on the present Tokio runtime.
    pub async fn spawn(self) -> Result<Peer, PeerError> {
        let identity = Identity::generate();
        // Nobody dials a peer, so its certificate needn't last.
        let certificate = Certificate::generate().map_err(|error| SwarmError {
            what: "the certificate",
            reason: error.to_string(),
        })?;
        let behaviour = Behaviour::new(self.config, &identity);
        let swarm = swarm(identity.keypair(), certificate, IDLE_CONNECTION, behaviour)?;
        let (commands, received) = mpsc::channel(64);
        let (events, _) = broadcast::channel(EVENTS);
        let peer = Peer {
            peer_id: identity.peer_id(),
            commands,
            events: events.clone(),
        };
        tokio::spawn(
            Driver {
                swarm,
                commands: received,
                events,
                sending: HashMap::new(),
                providing: HashMap::new(),
                locating: HashMap::new(),
            }
            .run(),
        );
        Ok(peer)
    }
}

impl Peer {
    /// A peer of `network`, which is to be given nodes, and then [`Builder::spawn`].
    pub fn builder(network: impl Into<String>) -> Builder {
        Builder {
            config: Config::new(network),
        }
    }

    /// The peer's PeerId, fresh at every start.
    pub fn peer_id(&self) -> PeerId {
        self.peer_id
    }

    /// All that happens from now on.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// Enters a room. It goes on over every attachment until [`Room::leave`].
    pub async fn join(&self, room: &str, meta: Vec<u8>) -> Result<Room, PeerError> {
        self.tell(Command::Join(room.to_owned(), meta)).await?;
        Ok(Room {
            peer: self.clone(),
            name: room.to_owned(),
        })
    }

    /// The nodes that it is attached to, the primary first.
    pub async fn attached(&self) -> Result<Vec<PeerId>, PeerError> {
        self.ask(Command::Attached).await
    }

    /// Announces that it provides a resource; returns when a node has begun to publish it.
    pub async fn provide(&self, cid: &str) -> Result<(), PeerError> {
        self.ask(|done| Command::Provide(cid.to_owned(), done))
            .await
    }

    /// Looks for a resource's providers, who come one by one until the nodes know no more.
    pub async fn locate(
        &self,
        cid: &str,
    ) -> Result<mpsc::Receiver<Signed<PresenceRecord>>, PeerError> {
        let (found, receiver) = mpsc::channel(64);
        self.tell(Command::Locate(cid.to_owned(), found)).await?;
        Ok(receiver)
    }

    /// Says good-bye to its nodes and stops.
    pub async fn stop(&self) -> Result<(), PeerError> {
        self.ask(Command::Stop).await
    }

    async fn tell(&self, command: Command) -> Result<(), PeerError> {
        self.commands
            .send(command)
            .await
            .map_err(|_| PeerError::Stopped)
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, PeerError> {
        let (answer, receiver) = oneshot::channel();
        self.tell(command(answer)).await?;
        receiver.await.map_err(|_| PeerError::Stopped)
    }
}

/// A room that a peer is in.
#[derive(Clone)]
pub struct Room {
    peer: Peer,
    name: String,
}

impl Room {
    /// The other members, as far as they are seen.
    pub async fn members(&self) -> Result<Vec<Signed<PresenceRecord>>, PeerError> {
        let name = self.name.clone();
        self.peer.ask(|answer| Command::Members(name, answer)).await
    }

    /// Sends bytes to a member; returns when that member's own ack has come.
    pub async fn send(&self, to: PeerId, bytes: Vec<u8>) -> Result<(), PeerError> {
        let room = self.name.clone();
        self.peer
            .ask(|done| Command::Send {
                room,
                to,
                bytes,
                done,
            })
            .await?
    }

    /// Leaves the room.
    pub async fn leave(self) -> Result<(), PeerError> {
        self.peer.tell(Command::Leave(self.name)).await
    }
}

struct Driver {
    swarm: Swarm<Behaviour>,
    commands: mpsc::Receiver<Command>,
    events: broadcast::Sender<Event>,
    sending: HashMap<EnvelopeId, (PeerId, oneshot::Sender<Result<(), PeerError>>)>,
    providing: HashMap<u64, oneshot::Sender<()>>,
    locating: HashMap<u64, mpsc::Sender<Signed<PresenceRecord>>>,
}

impl Driver {
    async fn run(mut self) {
        loop {
            tokio::select! {
                event = self.swarm.select_next_some() => {
                    if let SwarmEvent::Behaviour(event) = event {
                        self.on_event(event);
                    }
                }
                command = self.commands.recv() => match command {
                    Some(Command::Stop(done)) => return self.stop(Some(done)).await,
                    Some(command) => self.on_command(command),
                    None => return self.stop(None).await,
                },
            }
        }
    }

    // Answers that nobody waits for any more are dropped.
    fn on_command(&mut self, command: Command) {
        let now = Now::read();
        let state = self.swarm.behaviour_mut().state_mut();
        match command {
            Command::Join(room, meta) => state.join(&room, meta, now),
            Command::Leave(room) => state.leave(&room),
            Command::Members(room, answer) => {
                answer.send(state.members(&room)).ok();
            }
            Command::Attached(answer) => {
                answer.send(state.attached()).ok();
            }
            Command::Send {
                room,
                to,
                bytes,
                done,
            } => match state.send(&room, &to, bytes, now) {
                Ok(id) => {
                    self.sending.insert(id, (to, done));
                }
                Err(error) => {
                    done.send(Err(error.into())).ok();
                }
            },
            Command::Provide(cid, done) => {
                let id = state.provide(&cid, now);
                self.providing.insert(id, done);
            }
            Command::Locate(cid, found) => {
                let id = state.locate(&cid);
                self.locating.insert(id, found);
            }
            Command::Stop(_) => {}
        }
    }

    fn on_event(&mut self, event: Event) {
        match &event {
            Event::Delivered(id) => {
                if let Some((_, done)) = self.sending.remove(id) {
                    done.send(Ok(())).ok();
                }
            }
            Event::Unreachable(id) => {
                if let Some((to, done)) = self.sending.remove(id) {
                    done.send(Err(PeerError::Unreachable(to))).ok();
                }
            }
            Event::Provided(id) => {
                if let Some(done) = self.providing.remove(id) {
                    done.send(()).ok();
                }
            }
            Event::Providers { id, records, last } => {
                if let Some(found) = self.locating.get(id) {
                    for record in records {
                        // A slow listener loses what it doesn't take.
                        found.try_send(record.clone()).ok();
                    }
                }
                if *last {
                    self.locating.remove(id);
                }
            }
            Event::Refused(refusal) => {
                if let Some(id) = refusal.id {
                    self.locating.remove(&id);
                    self.providing.remove(&id);
                }
            }
            _ => {}
        }
        // Without a listener nobody is told.
        self.events.send(event).ok();
    }

    async fn stop(mut self, done: Option<oneshot::Sender<()>>) {
        self.swarm.behaviour_mut().state_mut().stop();
        let flushed = tokio::time::sleep(Duration::from_millis(100));
        tokio::pin!(flushed);
        loop {
            tokio::select! {
                _ = self.swarm.select_next_some() => {}
                () = &mut flushed => break,
            }
        }
        if let Some(done) = done {
            done.send(()).ok();
        }
    }
}
