//! A host's thread: its node, and the peer that is attached there.

use std::{
    io,
    net::Ipv4Addr,
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use libp2p::{Multiaddr, PeerId};
use tokio::sync::{broadcast::error::RecvError, mpsc, oneshot};
use velox_forwarder::Host;
use velox_mesh::peer::{Event, Peer, PeerError, Room};

use crate::process::{Process, Start};

pub const ROOM: &str = "fidelity";
const ATTACH: Duration = Duration::from_secs(30);

/// Why a site fails.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    #[error(transparent)]
    Host(#[from] velox_forwarder::Error),
    #[error("node of {address}: {source}")]
    Node {
        address: Ipv4Addr,
        source: io::Error,
    },
    #[error("peer of {address}: {source}")]
    Peer {
        address: Ipv4Addr,
        source: PeerError,
    },
    #[error("the peer of {0} isn't attached after {ATTACH:?}")]
    NotAttached(Ipv4Addr),
    #[error("{0} has ended early")]
    Ended(Ipv4Addr),
}

/// What a site is asked.
pub enum Order {
    /// Enter the room, with the number of the join as metadata.
    Join(u32),
    Leave,
    /// How many others are in the room.
    Members(oneshot::Sender<usize>),
    Provide(String, oneshot::Sender<()>),
    /// Look for a resource, under a number.
    Locate(usize, String),
    /// How many nodes the node is connected to.
    Connections(oneshot::Sender<io::Result<u64>>),
    Stop,
}

/// What a site reports, each with the moment.
#[derive(Debug)]
pub enum Sight {
    /// `Peer::join` was called.
    Called { join: u32, at: Instant },
    /// A peer saw another join.
    Joined {
        seen_by: PeerId,
        join: u32,
        at: Instant,
    },
    /// A look-up is over.
    Located {
        lookup: usize,
        called: Instant,
        first: Option<Instant>,
        end: Instant,
    },
    /// Events were lost, so that samples are missing.
    Lost(u64),
}

/// A started site.
pub struct Site {
    address: Ipv4Addr,
    /// How others reach its node.
    pub addresses: Vec<Multiaddr>,
    /// Its peer, if it has one.
    pub peer: Option<PeerId>,
    orders: mpsc::Sender<Order>,
    thread: Option<JoinHandle<()>>,
}

impl Site {
    /// Starts the node of a host and, where `sights` are wanted, a peer; returns when the node
    /// is ready and the peer attached.
    pub async fn start(
        host: Arc<Host>,
        start: Start,
        sights: Option<mpsc::UnboundedSender<Sight>>,
    ) -> Result<Self, SiteError> {
        let address = host.address();
        let (orders, received) = mpsc::channel(64);
        let (ready, started) = oneshot::channel();
        let failed = move |source| SiteError::Node { address, source };
        let thread = thread::Builder::new()
            .name(start.name.clone())
            .spawn(move || {
                let runtime = host.enter().map_err(SiteError::from).and_then(|()| {
                    tokio::runtime::Builder::new_current_thread()
                        .enable_all()
                        .build()
                        .map_err(failed)
                });
                match runtime {
                    Ok(runtime) => runtime.block_on(live(address, start, sights, received, ready)),
                    Err(error) => drop(ready.send(Err(error))),
                }
            })
            .map_err(failed)?;
        let (addresses, peer) = started.await.map_err(|_| SiteError::Ended(address))??;
        Ok(Site {
            address,
            addresses,
            peer,
            orders,
            thread: Some(thread),
        })
    }

    /// Tells it something.
    pub async fn tell(&self, order: Order) -> Result<(), SiteError> {
        let ended = |_| SiteError::Ended(self.address);
        self.orders.send(order).await.map_err(ended)
    }

    /// Asks it something.
    pub async fn ask<T>(
        &self,
        order: impl FnOnce(oneshot::Sender<T>) -> Order,
    ) -> Result<T, SiteError> {
        let (answer, receiver) = oneshot::channel();
        self.tell(order(answer)).await?;
        receiver.await.map_err(|_| SiteError::Ended(self.address))
    }

    /// Tells it to end, and doesn't wait.
    pub fn stop(&self) {
        // It fails where the site has ended, or is far behind: then it hears when we are dropped.
        self.orders.try_send(Order::Stop).ok();
    }
}

impl Drop for Site {
    /// Waits until the node has ended.
    fn drop(&mut self) {
        // A site without orders to come ends.
        self.orders = mpsc::channel(1).0;
        if let Some(thread) = self.thread.take() {
            // A panic has been printed.
            thread.join().ok();
        }
    }
}

type Ready = (Vec<Multiaddr>, Option<PeerId>);

async fn live(
    address: Ipv4Addr,
    start: Start,
    sights: Option<mpsc::UnboundedSender<Sight>>,
    orders: mpsc::Receiver<Order>,
    ready: oneshot::Sender<Result<Ready, SiteError>>,
) {
    let network = start.network.clone();
    let node = match Process::start(address, start).await {
        Ok(node) => node,
        Err(source) => return drop(ready.send(Err(SiteError::Node { address, source }))),
    };
    let peer = match &sights {
        Some(_) => match attach(address, network, &node).await {
            Ok(peer) => Some(peer),
            Err(error) => return drop(ready.send(Err(error))),
        },
        None => None,
    };
    let id = peer.as_ref().map(Peer::peer_id);
    if ready.send(Ok((node.addresses.clone(), id))).is_ok() {
        match (&peer, sights) {
            (Some(peer), Some(sights)) => take_part(peer, &node, sights, orders).await,
            _ => only_serve(&node, orders).await,
        }
    }
    if let Some(peer) = peer {
        peer.stop().await.ok();
    }
    node.stop().await;
}

/// A peer of this node alone.
async fn attach(address: Ipv4Addr, network: String, node: &Process) -> Result<Peer, SiteError> {
    let failed = |source| SiteError::Peer { address, source };
    let mut builder = Peer::builder(network).configure(|config| config.attachments = 1);
    for known in &node.addresses {
        builder = builder.node(known.clone());
    }
    let peer = builder.spawn().await.map_err(failed)?;
    let mut events = peer.events();
    let attached = async {
        while peer.attached().await?.is_empty() {
            events.recv().await.map_err(|_| PeerError::Stopped)?;
        }
        Ok(())
    };
    match tokio::time::timeout(ATTACH, attached).await {
        Ok(result) => result.map_err(failed)?,
        Err(_) => return Err(SiteError::NotAttached(address)),
    }
    Ok(peer)
}

async fn only_serve(node: &Process, mut orders: mpsc::Receiver<Order>) {
    while let Some(order) = orders.recv().await {
        match order {
            Order::Connections(answer) => drop(answer.send(node.connections().await)),
            Order::Stop => return,
            _ => {}
        }
    }
}

async fn take_part(
    peer: &Peer,
    node: &Process,
    sights: mpsc::UnboundedSender<Sight>,
    mut orders: mpsc::Receiver<Order>,
) {
    let mut events = peer.events();
    let mut room = None;
    loop {
        tokio::select! {
            biased;
            event = events.recv() => {
                let at = Instant::now();
                match event {
                    Ok(Event::Joined(record)) => {
                        if let Ok(meta) = <[u8; 4]>::try_from(record.meta.as_slice()) {
                            let join = u32::from_le_bytes(meta);
                            let seen_by = peer.peer_id();
                            sights.send(Sight::Joined { seen_by, join, at }).ok();
                        }
                    }
                    Ok(_) => {}
                    Err(RecvError::Lagged(count)) => drop(sights.send(Sight::Lost(count))),
                    Err(RecvError::Closed) => return,
                }
            }
            order = orders.recv() => match order {
                Some(Order::Stop) | None => return,
                Some(order) => obey(order, peer, node, &mut room, &sights).await,
            },
        }
    }
}

async fn obey(
    order: Order,
    peer: &Peer,
    node: &Process,
    room: &mut Option<Room>,
    sights: &mpsc::UnboundedSender<Sight>,
) {
    match order {
        Order::Join(join) => {
            let at = Instant::now();
            *room = peer.join(ROOM, join.to_le_bytes().to_vec()).await.ok();
            sights.send(Sight::Called { join, at }).ok();
        }
        Order::Leave => {
            if let Some(room) = room.take() {
                room.leave().await.ok();
            }
        }
        Order::Members(answer) => {
            let members = match room {
                Some(room) => room.members().await.unwrap_or_default().len(),
                None => 0,
            };
            answer.send(members).ok();
        }
        Order::Provide(cid, answer) => {
            let peer = peer.clone();
            tokio::spawn(async move {
                if peer.provide(&cid).await.is_ok() {
                    answer.send(()).ok();
                }
            });
        }
        Order::Locate(lookup, cid) => {
            tokio::spawn(locate(peer.clone(), lookup, cid, sights.clone()));
        }
        Order::Connections(answer) => drop(answer.send(node.connections().await)),
        Order::Stop => {}
    }
}

async fn locate(peer: Peer, lookup: usize, cid: String, sights: mpsc::UnboundedSender<Sight>) {
    let called = Instant::now();
    let Ok(mut found) = peer.locate(&cid).await else {
        return;
    };
    let mut first = None;
    while found.recv().await.is_some() {
        first.get_or_insert_with(Instant::now);
    }
    let end = Instant::now();
    let sight = Sight::Located {
        lookup,
        called,
        first,
        end,
    };
    sights.send(sight).ok();
}
