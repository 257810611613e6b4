//! The task that owns a socket and all connections on it.

use std::{
    collections::{BTreeSet, HashMap},
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::mpsc;
use velox_sockets::{Backlog, Inbox, Socket};

use crate::{
    config::Config,
    connection::{Arrived, Connection, Role, Step},
    entrance::{Contact, Entrance, Ignored, Verdict},
    error::Ended,
    fingerprint::Fingerprint,
    link::{ConnectionId, Link},
    metrics::Metrics,
    stun::is_dtls,
    username::Credentials,
};

/// Receive buffers of a listener's socket; one that dials has one.
const LISTENER_BATCH: usize = 8;
/// Batches of datagrams taken before timers and calls have their turn.
const BATCHES: usize = 4;
/// Connections that have arrived and that the transport hasn't taken yet.
const ARRIVALS: usize = 256;
/// Addresses of one peer besides its first.
const ALIASES: usize = 8;
/// How often the entrance is tidied.
const TICK: Duration = Duration::from_secs(1);

pub(crate) struct Driver {
    config: Arc<Config>,
    metrics: Arc<Metrics>,
    socket: Socket,
    inbox: Inbox,
    table: Table,
    /// None where nobody is let in: behind a dial.
    entrance: Option<Entrance>,
    calls: mpsc::UnboundedReceiver<ConnectionId>,
    tick: Instant,
}

/// The connections, and how they are found.
struct Table {
    /// Boxed, since a table keeps room for twice as many as there are.
    connections: HashMap<ConnectionId, Box<Connection>>,
    addresses: HashMap<SocketAddr, ConnectionId>,
    /// By the server's ufrag.
    ufrags: HashMap<String, ConnectionId>,
    timers: BTreeSet<(Instant, ConnectionId)>,
    handshakes: usize,
    next: ConnectionId,
    backlog: Backlog,
    call: mpsc::UnboundedSender<ConnectionId>,
    arrivals: mpsc::Sender<Arrived>,
}

impl Driver {
    /// For a listener. Connections arrive at the receiver; when it is dropped, no more are let
    /// in, and the driver ends with the last one.
    pub(crate) fn listen(
        socket: Socket,
        config: Arc<Config>,
        metrics: Arc<Metrics>,
    ) -> (Self, mpsc::Receiver<Arrived>) {
        let entrance = Entrance::new(config.entrance.clone());
        Driver::new(socket, config, metrics, Some(entrance))
    }

    /// For a dial, which must be polled for the connection to come about.
    pub(crate) fn dial(
        socket: Socket,
        config: Arc<Config>,
        metrics: Arc<Metrics>,
        (local, remote): (SocketAddr, SocketAddr),
        certhash: Fingerprint,
    ) -> Result<(Self, Arc<Link>, mpsc::Receiver<Arrived>), Ended> {
        let (mut driver, arrivals) = Driver::new(socket, config, metrics, None);
        let credentials = Credentials::dial(driver.config.dial_version);
        let id = driver.table.add(
            &driver.config,
            Role::Client,
            credentials,
            Some(certhash),
            (local, remote),
            Instant::now(),
        )?;
        driver.metrics.connections.add(1);
        let link = driver.table.connections[&id].link.clone();
        Ok((driver, link, arrivals))
    }

    fn new(
        socket: Socket,
        config: Arc<Config>,
        metrics: Arc<Metrics>,
        entrance: Option<Entrance>,
    ) -> (Self, mpsc::Receiver<Arrived>) {
        let (call, calls) = mpsc::unbounded_channel();
        let (arrivals, arrived) = mpsc::channel(ARRIVALS);
        let table = Table {
            connections: HashMap::new(),
            addresses: HashMap::new(),
            ufrags: HashMap::new(),
            timers: BTreeSet::new(),
            handshakes: 0,
            next: 1,
            backlog: socket.backlog(),
            call,
            arrivals,
        };
        let driver = Driver {
            config,
            metrics,
            socket,
            inbox: Inbox::new(if entrance.is_some() {
                LISTENER_BATCH
            } else {
                1
            }),
            table,
            entrance,
            calls,
            tick: Instant::now() + TICK,
        };
        (driver, arrived)
    }

    /// Runs until nobody is let in any more and nobody is left.
    pub(crate) async fn run(mut self) {
        while self.entrance.is_some() || !self.table.connections.is_empty() {
            let timer = self.table.timers.first().map(|(at, _)| *at);
            let next = timer.map_or(self.tick, |at| at.min(self.tick));
            tokio::select! {
                ready = self.socket.ready(&self.table.backlog) => {
                    if let Err(error) = ready.and_then(|()| self.receive()) {
                        tracing::warn!(address = %self.socket.local(), %error, "UDP socket failed");
                        return;
                    }
                }
                Some(id) = self.calls.recv() => self.called(id),
                () = tokio::time::sleep_until(next.into()) => {}
                () = self.table.arrivals.closed(), if self.entrance.is_some() => self.entrance = None,
            }
            self.timers();
            self.socket.send(&mut self.table.backlog);
        }
    }

    fn receive(&mut self) -> io::Result<()> {
        for _ in 0..BATCHES {
            let now = Instant::now();
            let (table, entrance) = (&mut self.table, &mut self.entrance);
            let (config, metrics) = (&*self.config, &*self.metrics);
            let more = self
                .socket
                .receive(&mut self.inbox, |source, destination, bytes| {
                    metrics.datagrams_received.add(1);
                    if let Some(&id) = table.addresses.get(&source) {
                        table.step(id, config, metrics, entrance, now, |connection, step| {
                            connection.datagram(source, bytes, step)
                        });
                    } else if entrance.is_some() {
                        table.stranger(source, destination, bytes, config, metrics, entrance, now);
                    }
                })?;
            self.socket.send(&mut self.table.backlog);
            if !more {
                break;
            }
        }
        Ok(())
    }

    fn called(&mut self, first: ConnectionId) {
        let now = Instant::now();
        let mut id = first;
        loop {
            self.wake(id, now);
            match self.calls.try_recv() {
                Ok(next) => id = next,
                Err(_) => return,
            }
        }
    }

    fn timers(&mut self) {
        let now = Instant::now();
        while let Some(&(at, id)) = self.table.timers.first()
            && at <= now
        {
            self.wake(id, now);
            // Whatever it asked for, others are due as well.
            if let Some(connection) = self.table.connections.get(&id)
                && connection.scheduled.is_some_and(|at| at <= now)
            {
                let later = now + Duration::from_millis(1);
                self.table.schedule(id, later);
            }
        }
        if self.tick <= now {
            self.tick = now + TICK;
            if let Some(entrance) = &mut self.entrance {
                entrance.tick(now);
            }
            if self.table.connections.len() * 4 < self.table.connections.capacity() {
                self.table.connections.shrink_to(64);
                self.table.addresses.shrink_to(64);
                self.table.ufrags.shrink_to(64);
            }
        }
    }

    fn wake(&mut self, id: ConnectionId, now: Instant) {
        let (config, metrics) = (&*self.config, &*self.metrics);
        self.table.step(
            id,
            config,
            metrics,
            &mut self.entrance,
            now,
            |connection, step| connection.wake(step),
        );
    }
}

impl Table {
    fn add(
        &mut self,
        config: &Config,
        role: Role,
        credentials: Credentials,
        certhash: Option<Fingerprint>,
        (local, remote): (SocketAddr, SocketAddr),
        now: Instant,
    ) -> Result<ConnectionId, Ended> {
        let id = self.next;
        self.next += 1;
        let link = Link::new(id, self.call.clone(), config.receive_window);
        let between = (local, remote);
        let ufrag = credentials.server.clone();
        let connection = Connection::new(config, role, credentials, certhash, between, link, now)?;
        self.connections.insert(id, Box::new(connection));
        self.addresses.insert(remote, id);
        self.ufrags.insert(ufrag, id);
        self.handshakes += 1;
        self.schedule(id, now);
        Ok(id)
    }

    fn schedule(&mut self, id: ConnectionId, at: Instant) {
        if let Some(connection) = self.connections.get_mut(&id) {
            let before = connection.scheduled.replace(at);
            if before == Some(at) {
                return;
            }
            if let Some(before) = before {
                self.timers.remove(&(before, id));
            }
            self.timers.insert((at, id));
        }
    }

    /// Lets a connection act, and sees to what comes of it.
    fn step(
        &mut self,
        id: ConnectionId,
        config: &Config,
        metrics: &Metrics,
        entrance: &mut Option<Entrance>,
        now: Instant,
        act: impl FnOnce(&mut Connection, &mut Step<'_>) -> Result<(), Ended>,
    ) {
        let Some(connection) = self.connections.get_mut(&id) else {
            return;
        };
        let handshaking = connection.is_handshaking();
        let mut step = Step {
            config,
            now,
            backlog: &mut self.backlog,
        };
        let mut outcome = guarded(|| act(connection, &mut step));
        if outcome.is_ok()
            && let Some(arrived) = connection.take_arrived()
        {
            if connection.is_server() {
                metrics.accepted.add(1);
            }
            if self.arrivals.try_send(arrived).is_err() {
                metrics.turned_away.add(1);
                outcome = Err(Ended::Stopped);
            }
        }
        if handshaking && (outcome.is_err() || !connection.is_handshaking()) {
            self.handshakes -= 1;
        }
        match outcome {
            Ok(()) => {
                let next = connection.next(config);
                self.schedule(id, next);
            }
            Err(why) => self.end(id, why, config, metrics, entrance, now, handshaking),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the rest of one step")]
    fn end(
        &mut self,
        id: ConnectionId,
        why: Ended,
        config: &Config,
        metrics: &Metrics,
        entrance: &mut Option<Entrance>,
        now: Instant,
        handshaking: bool,
    ) {
        let Some(mut connection) = self.connections.remove(&id) else {
            return;
        };
        tracing::debug!(remote = %connection.remote, %why, handshaking, "connection ended");
        let mut step = Step {
            config,
            now,
            backlog: &mut self.backlog,
        };
        // It has ended, with or without a farewell.
        let _ = guarded(|| {
            connection.farewell(&mut step);
            Ok(())
        });
        self.addresses.remove(&connection.remote);
        for alias in &connection.aliases {
            self.addresses.remove(alias);
        }
        let ufrag = &connection.credentials.server;
        if self.ufrags.get(ufrag) == Some(&id) {
            self.ufrags.remove(ufrag);
        }
        if let Some(at) = connection.scheduled {
            self.timers.remove(&(at, id));
        }
        metrics.connections.sub(1);
        if handshaking {
            metrics.handshakes_failed.add(1);
        }
        if let Ended::Silent(_) = why {
            metrics.silent.add(1);
        }
        if let Some(entrance) = entrance {
            entrance.bury(
                connection.remote,
                connection.credentials.server.clone(),
                now,
            );
        }
        connection.link.lock().end(why);
    }

    /// The connection of somebody who has proved by STUN, from a new address, to be its peer.
    fn moved(&mut self, source: SocketAddr, door: &Entrance) -> Option<ConnectionId> {
        let introduced = door.introduced(source)?;
        let id = *self.ufrags.get(&introduced.server)?;
        let connection = self.connections.get_mut(&id)?;
        let same = connection.credentials == *introduced && connection.aliases.len() < ALIASES;
        same.then(|| {
            connection.aliases.push(source);
            self.addresses.insert(source, id);
            id
        })
    }

    #[expect(clippy::too_many_arguments, reason = "the rest of one step")]
    fn stranger(
        &mut self,
        source: SocketAddr,
        destination: SocketAddr,
        bytes: &[u8],
        config: &Config,
        metrics: &Metrics,
        entrance: &mut Option<Entrance>,
        now: Instant,
    ) {
        let Some(door) = entrance else {
            return;
        };
        if is_dtls(bytes)
            && let Some(id) = self.moved(source, door)
        {
            let contact = door.take(source);
            self.step(id, config, metrics, entrance, now, |connection, step| {
                if let Some(contact) = contact {
                    connection.datagram(source, &contact.request, step)?;
                }
                connection.datagram(source, bytes, step)
            });
            return;
        }
        match door.datagram(source, bytes, now) {
            Verdict::Ignore(Ignored::RateLimited) => metrics.rate_limited.add(1),
            Verdict::Ignore(_) => metrics.strangers_refused.add(1),
            Verdict::Answer(answer) => {
                metrics.strangers_answered.add(1);
                self.backlog.push(destination, source, &answer);
            }
            Verdict::Admit(_)
                if self.connections.len() >= config.max_connections
                    || self.handshakes >= config.max_handshakes =>
            {
                metrics.turned_away.add(1);
            }
            Verdict::Admit(contact) => {
                let Contact {
                    credentials,
                    request,
                    received,
                    sent,
                    ..
                } = *contact;
                let between = (destination, source);
                let added = self.add(config, Role::Server, credentials, None, between, now);
                match added {
                    Ok(id) => {
                        metrics.connections.add(1);
                        self.step(id, config, metrics, entrance, now, |connection, step| {
                            connection.introduce(&request, received, sent, now);
                            connection.datagram(source, bytes, step)
                        });
                    }
                    Err(error) => tracing::debug!(%source, %error, "can't be let in"),
                }
            }
        }
    }
}

/// The SCTP and DTLS below have assertions of their own. Should a peer ever find one that doesn't
/// hold, that peer's connection ends, and not everybody's.
fn guarded(act: impl FnOnce() -> Result<(), Ended>) -> Result<(), Ended> {
    // Whatever was left half done goes with the connection.
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(act))
        .unwrap_or_else(|_| Err(Ended::Failed("an assertion didn't hold".to_owned())))
}

impl Drop for Driver {
    fn drop(&mut self) {
        for connection in self.table.connections.values() {
            connection.link.lock().end(Ended::Stopped);
            self.metrics.connections.sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_ends_one_connection() {
        let ended = guarded(|| panic!("somewhere below"));
        assert!(matches!(ended, Err(Ended::Failed(_))));
        assert_eq!(guarded(|| Ok(())), Ok(()));
    }
}
