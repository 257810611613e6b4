//! The running bootstrap node.

use std::{collections::HashMap, future::Future, time::Duration};

use futures::StreamExt;
use libp2p::{
    Multiaddr, PeerId, Swarm, identify,
    multiaddr::Protocol,
    swarm::{DialError, SwarmEvent, dial_opts::DialOpts},
};
use tokio::sync::{mpsc, watch};
use velox_mesh::{
    clock::Now,
    config::Settings,
    identity::Identity,
    node::{
        AddressBook, StartError, check_network, data_dir::DataDir, explain, from_outside,
        protocol_version, with_peer_id,
    },
};

use crate::{
    behaviour::{Behaviour, BehaviourEvent, Met, swarm},
    names,
};

/// The file of the address book in the data directory.
const BOOK: &str = "nodes.json";
/// How often it looks after itself.
const TICK: Duration = Duration::from_secs(2);
/// How many ticks lie between two writes of what has changed.
const TICKS_PER_SAVE: u32 = 8;
/// With fewer nodes in its routing table it dials those that it remembers.
const ENOUGH: usize = 8;
/// Dials in one tick.
const DIALS: usize = 4;
/// Nodes of other networks that are kept account of, so as to be logged once in a while only.
const MAX_STRANGERS: usize = 1_024;
const STRANGER_LOGGED_MS: u64 = 10 * 60_000;

/// What `/metrics` shows.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    pub connections: usize,
    pub routing_table: usize,
    pub provider_records: usize,
    pub known: usize,
    pub strangers: usize,
}

/// A bootstrap node that listens.
pub struct Server {
    swarm: Swarm<Behaviour>,
    network: String,
    book: AddressBook,
    disk: Option<DataDir>,
    /// Bootstrap nodes by name, and addresses of bootstrap nodes that name none.
    named: Vec<PeerId>,
    nameless: Vec<Multiaddr>,
    /// Where others reach it, as its operator says.
    external: Vec<Multiaddr>,
    /// Nodes of other networks, and when they were last logged, in ms.
    strangers: HashMap<PeerId, u64>,
    figures: watch::Sender<Figures>,
    dials: (mpsc::Sender<DialOpts>, mpsc::Receiver<DialOpts>),
}

impl Server {
    /// Opens the data directory and listens on every address.
    pub async fn start(settings: Settings) -> Result<Self, StartError> {
        check_network(&settings.network)?;
        let disk = settings
            .data_dir
            .as_deref()
            .map(DataDir::open)
            .transpose()?;
        let identity = match &disk {
            Some(disk) => disk.identity()?,
            None => Identity::generate(),
        };
        let mut book: AddressBook = disk
            .as_ref()
            .map(|disk| disk.recall(BOOK))
            .unwrap_or_default();
        let (mut named, mut nameless) = (Vec::new(), Vec::new());
        for address in &settings.bootstrap {
            match address.iter().last() {
                Some(Protocol::P2p(node)) => {
                    book.pin(node, address.clone());
                    named.push(node);
                }
                _ => nameless.push(address.clone()),
            }
        }
        let mut server = Server {
            swarm: swarm(&identity, &settings)?,
            network: settings.network,
            external: settings.external_address,
            book,
            disk,
            named,
            nameless,
            strangers: HashMap::new(),
            figures: watch::Sender::default(),
            dials: mpsc::channel(64),
        };
        server.listen(&settings.listen).await?;
        Ok(server)
    }

    async fn listen(&mut self, addresses: &[Multiaddr]) -> Result<(), StartError> {
        let mut waiting = HashMap::new();
        for address in addresses {
            let failed = |error| StartError::Listen {
                address: address.clone(),
                reason: explain(&error),
            };
            let id = self.swarm.listen_on(address.clone()).map_err(failed)?;
            waiting.insert(id, address.clone());
        }
        while !waiting.is_empty() {
            match self.swarm.select_next_some().await {
                SwarmEvent::NewListenAddr {
                    listener_id,
                    address,
                } => {
                    waiting.remove(&listener_id);
                    self.listens(address);
                }
                SwarmEvent::ListenerClosed {
                    listener_id,
                    reason: Err(error),
                    ..
                } => {
                    if let Some(address) = waiting.remove(&listener_id) {
                        let reason = error.to_string();
                        return Err(StartError::Listen { address, reason });
                    }
                }
                event => self.on_event(event),
            }
        }
        Ok(())
    }

    fn listens(&mut self, address: Multiaddr) {
        tracing::info!(%address, "listening");
        for outside in from_outside(&self.external, &[address]) {
            self.swarm.add_external_address(outside);
        }
    }

    /// Its PeerId.
    pub fn peer_id(&self) -> PeerId {
        *self.swarm.local_peer_id()
    }

    /// Where it listens, with `/p2p/…`.
    pub fn addresses(&self) -> Vec<Multiaddr> {
        self.swarm
            .listeners()
            .map(|address| with_peer_id(address.clone(), self.peer_id()))
            .collect()
    }

    /// What `/metrics` shows, as of the last tick.
    pub fn figures(&self) -> watch::Receiver<Figures> {
        self.figures.subscribe()
    }

    /// Serves until `stop`, then keeps what it knows.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        let mut ticks = tokio::time::interval(TICK);
        let mut count = 0u32;
        loop {
            tokio::select! {
                event = self.swarm.select_next_some() => self.on_event(event),
                Some(dial) = self.dials.1.recv() => self.dial(dial),
                _ = ticks.tick() => {
                    self.look_for_nodes();
                    self.publish_figures();
                    count += 1;
                    if count.is_multiple_of(TICKS_PER_SAVE) {
                        self.save();
                    }
                }
                () = &mut stop => return self.save(),
            }
        }
    }

    fn on_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(BehaviourEvent::Identify(identify::Event::Received {
                peer_id,
                info,
                ..
            })) => self.identified(peer_id, info),
            SwarmEvent::ConnectionEstablished {
                peer_id, endpoint, ..
            } if endpoint.is_dialer() => {
                self.book
                    .dialed(peer_id, endpoint.get_remote_address().clone());
            }
            SwarmEvent::OutgoingConnectionError { peer_id, error, .. } => {
                if let Some(node) = peer_id {
                    self.book.failed(&node);
                }
                if peer_id.is_none_or(|node| self.named.contains(&node)) {
                    self.bootstrap_failed(&error);
                }
            }
            SwarmEvent::NewListenAddr { address, .. } => self.listens(address),
            SwarmEvent::ListenerError { error, .. } => {
                tracing::warn!(%error, "a listener has failed");
            }
            _ => {}
        }
    }

    fn identified(&mut self, node: PeerId, info: identify::Info) {
        let now = Now::read();
        let protocol = info.protocol_version.clone();
        match self.swarm.behaviour_mut().meet(&self.network, node, info) {
            Met::Stranger => self.refuse(node, &protocol, now),
            Met::Client => {}
            Met::Member(listen) => {
                if self.book.addresses(&node).is_empty() {
                    tracing::info!(%node, addresses = listen.len(), "node met");
                }
                self.book.met(node, listen, now);
            }
        }
    }

    fn refuse(&mut self, node: PeerId, protocol: &str, now: Now) {
        self.book.forget(&node);
        // The connection may just have gone by itself.
        let _ = self.swarm.disconnect_peer_id(node);
        self.figures.send_modify(|figures| figures.strangers += 1);
        let logged = self.strangers.get(&node);
        if logged.is_some_and(|logged| now.millis < logged + STRANGER_LOGGED_MS) {
            return;
        }
        if self.strangers.len() >= MAX_STRANGERS {
            self.strangers.clear();
        }
        self.strangers.insert(node, now.millis);
        let theirs: String = protocol.chars().take(100).collect();
        tracing::warn!(
            %node,
            %theirs,
            ours = %protocol_version(&self.network),
            "refused: a node of another network; check its --network and --bootstrap"
        );
    }

    fn bootstrap_failed(&self, error: &DialError) {
        let reasons = match error {
            DialError::Transport(tried) => tried
                .iter()
                .map(|(address, error)| format!("{address}: {}", explain(error)))
                .collect::<Vec<_>>()
                .join("; "),
            DialError::WrongPeerId { obtained, address } => {
                format!("{address}: another node is there: {obtained}")
            }
            // Another dial is under way, or limits are met: no news of the address.
            _ => return,
        };
        tracing::warn!(
            reason = %reasons,
            "can't reach a bootstrap node; check that it runs and that its address is right"
        );
    }

    fn look_for_nodes(&mut self) {
        if self.routing_table() >= ENOUGH {
            return;
        }
        let own = self.peer_id();
        let swarm = &self.swarm;
        let candidates = self.book.candidates(DIALS, Now::read(), |node| {
            *node != own && !swarm.is_connected(node)
        });
        for node in candidates {
            let addresses = self.book.addresses(&node).to_vec();
            self.resolve(addresses, move |found| {
                DialOpts::peer_id(node).addresses(found).build()
            });
        }
        if self.swarm.network_info().num_peers() == 0 {
            for address in self.nameless.clone() {
                self.resolve(vec![address], |mut found| {
                    let address = found.pop().unwrap_or_else(Multiaddr::empty);
                    DialOpts::unknown_peer_id().address(address).build()
                });
            }
        }
    }

    /// Turns names into addresses, beside the loop, and what they make then comes to
    /// [`dial`](Self::dial).
    fn resolve(
        &self,
        addresses: Vec<Multiaddr>,
        dial: impl FnOnce(Vec<Multiaddr>) -> DialOpts + Send + 'static,
    ) {
        let dials = self.dials.0.clone();
        tokio::spawn(async move {
            let mut found = Vec::new();
            for address in &addresses {
                let resolved = names::resolve(address).await;
                if resolved.is_empty() {
                    tracing::warn!(%address, "the name isn't known; check its spelling");
                }
                found.extend(resolved);
            }
            if !found.is_empty() {
                // The node has stopped meanwhile.
                dials.send(dial(found)).await.ok();
            }
        });
    }

    fn dial(&mut self, dial: DialOpts) {
        if let Err(error) = self.swarm.dial(dial) {
            tracing::debug!(%error, "not dialed");
        }
    }

    fn routing_table(&mut self) -> usize {
        let kad = &mut self.swarm.behaviour_mut().kad;
        kad.kbuckets().map(|bucket| bucket.num_entries()).sum()
    }

    fn publish_figures(&mut self) {
        let routing_table = self.routing_table();
        let known = self.book.len();
        let connections = self.swarm.network_info().num_peers();
        let store = &*self.swarm.behaviour_mut().kad.store_mut();
        let provider_records = store.len();
        self.figures.send_modify(|figures| {
            *figures = Figures {
                connections,
                routing_table,
                provider_records,
                known,
                strangers: figures.strangers,
            };
        });
    }

    fn save(&mut self) {
        let Some(disk) = &self.disk else { return };
        if self.book.take_changed()
            && let Err(error) = disk.remember(BOOK, &self.book)
        {
            tracing::warn!(%error, "what this node knows is not kept");
        }
    }
}
