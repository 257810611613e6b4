//! The run of a simulation.

use std::{cell::Cell, thread, time::Duration};

use futures_timer::clock;
use libp2p::{
    Multiaddr, PeerId, Swarm,
    core::{muxing::StreamMuxerBox, transport::Boxed},
    identity::Keypair,
    swarm::{self, NetworkBehaviour},
};

use crate::{
    HostConfig, HostId, Running,
    chance::Stream,
    executor, hooks,
    hosts::Life,
    nanos,
    net::{self, Carrier, ConnectionId, Filter, Traffic, transport::SimTransport},
    world,
};

thread_local! {
    static INTERRUPTED: Cell<bool> = const { Cell::new(false) };
}

pub(crate) fn interrupt() {
    INTERRUPTED.with(|interrupted| interrupted.set(true));
}

/// What connects hosts.
pub type BoxedTransport = Boxed<(PeerId, StreamMuxerBox)>;

/// What holds for all hosts.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What all chance comes from.
    pub seed: u64,
    /// One-way latencies between regions, by row and column.
    pub regions: Vec<Vec<Duration>>,
    /// Standard deviation of what is added to a latency, as a share of it.
    pub jitter: f64,
    /// Share of packets that are lost on the way, beside those of the last miles.
    pub loss: f64,
    /// Runs real Noise and Yamux over what stands for TCP. Much slower; carriers other than
    /// [`Carrier::Tcp`] can't be used then.
    pub wire: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            seed: 0,
            regions: vec![vec![Duration::from_millis(20)]],
            jitter: 0.0,
            loss: 0.0,
            wire: false,
        }
    }
}

/// Runs a simulation on a thread of its own, in which time is virtual, and gives what `f` gives.
///
/// # Panics
///
/// When `f` does, and where the binary lacks [`interpose!`](crate::interpose).
pub fn run<T: Send + 'static>(
    settings: Settings,
    f: impl FnOnce(&mut Simulation) -> T + Send + 'static,
) -> T {
    let body = move || {
        hooks::enter(Stream::new(settings.seed, "the world"));
        let first = std::time::Instant::now();
        assert!(
            clock::now() == 0 && first.elapsed() == Duration::ZERO,
            "real time goes on: call simnet::interpose!() in the binary"
        );
        world::begin(settings);
        let mut simulation = Simulation { _private: () };
        let result = f(&mut simulation);
        executor::clear();
        world::end();
        result
    };
    let thread = thread::Builder::new()
        .name("simulation".to_owned())
        .stack_size(64 * 1024 * 1024)
        .spawn(body)
        .expect("a thread can be started");
    match thread.join() {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// A simulation: its hosts, and its time. There is one in a thread.
pub struct Simulation {
    _private: (),
}

impl Simulation {
    /// The present: the time since the start.
    pub fn now(&self) -> Duration {
        crate::now()
    }

    /// A new host. Its chance comes from the seed and `key`.
    pub fn host(&mut self, key: &str, config: HostConfig) -> HostId {
        world::with(|world| world.add_host(key, config))
    }

    /// A key for a host, from the host's own chance. (`Keypair::generate_ed25519` draws from the
    /// generator that all hosts of the thread share.)
    pub fn key(&mut self, host: HostId) -> Keypair {
        let mut secret = [0; 32];
        world::as_host(host, || hooks::fill(&mut secret));
        Keypair::ed25519_from_bytes(secret).expect("any 32 bytes are an Ed25519 secret")
    }

    /// Computes on `host`: with its clock and its chance.
    pub fn within<T>(&mut self, host: HostId, f: impl FnOnce() -> T) -> T {
        world::as_host(host, f)
    }

    /// Runs a swarm on a host, which has one at most. It listens over `listen` and can dial over
    /// `dial`; a connection without a stream is closed after `idle`.
    pub fn swarm<B: NetworkBehaviour>(
        &mut self,
        host: HostId,
        key: &Keypair,
        carriers: Carriers<'_>,
        idle: Duration,
        behaviour: impl FnOnce() -> B,
    ) -> Running<B> {
        self.swarm_over(host, key, carriers, |transport| transport, idle, behaviour)
    }

    /// Runs a swarm over a transport that is changed first: for programs that put something of
    /// theirs around connections.
    pub fn swarm_over<B: NetworkBehaviour>(
        &mut self,
        host: HostId,
        key: &Keypair,
        carriers: Carriers<'_>,
        over: impl FnOnce(BoxedTransport) -> BoxedTransport,
        idle: Duration,
        behaviour: impl FnOnce() -> B,
    ) -> Running<B> {
        let peer = key.public().to_peer_id();
        let wire = world::with(|world| {
            world.host_mut(host).peer = Some(peer);
            world.host_mut(host).life = Life::Up;
            world.settings.wire
        });
        let transport = SimTransport::new(host, carriers.dial.to_vec());
        let transport = over(if wire {
            net::wire::boxed(transport, key)
        } else {
            net::transport::boxed(transport)
        });
        let config = swarm::Config::with_executor(move |task| {
            executor::spawn(host, task);
        })
        .with_idle_connection_timeout(idle);
        let swarm = world::as_host(host, || {
            let mut swarm = Swarm::new(transport, behaviour(), peer, config);
            for carrier in carriers.listen {
                swarm
                    .listen_on(net::address(host, *carrier))
                    .expect("a host's own address can be listened on");
            }
            swarm
        });
        Running::start(host, swarm)
    }

    /// Runs a task on a host, beside its swarm.
    pub fn spawn(&mut self, host: HostId, task: impl Future<Output = ()> + 'static) {
        executor::spawn(host, task);
    }

    /// Where a host is reached over a carrier.
    pub fn address(&self, host: HostId, carrier: Carrier) -> Multiaddr {
        net::address(host, carrier)
    }

    /// Ends a host's programs. Their connections are closed; who dials is answered by the
    /// system, if at all. A swarm may be started there again.
    pub fn stop(&mut self, host: HostId) {
        self.end(host, Life::Stopped);
    }

    /// A host vanishes, without a word to anybody.
    pub fn crash(&mut self, host: HostId) {
        self.end(host, Life::Gone);
    }

    fn end(&mut self, host: HostId, life: Life) {
        let tasks = world::with(|world| {
            let host = world.host_mut(host);
            host.life = life;
            host.stalled.clear();
            std::mem::take(&mut host.tasks)
        });
        world::as_host(host, || executor::drop_all(&tasks));
    }

    /// A host stops computing, as a page in the background does; what is sent to it waits.
    pub fn freeze(&mut self, host: HostId) {
        world::with(|world| {
            let host = world.host_mut(host);
            if host.life == Life::Up {
                host.life = Life::Frozen;
            }
        });
    }

    /// A frozen host goes on.
    pub fn thaw(&mut self, host: HostId) {
        let stalled = world::with(|world| {
            let host = world.host_mut(host);
            if host.life == Life::Frozen {
                host.life = Life::Up;
            }
            std::mem::take(&mut host.stalled)
        });
        for task in stalled {
            executor::wake(task);
        }
    }

    /// From now on `tap` is asked for each stream that the host writes to, with its protocol
    /// (the first that its opener proposed), whether what is written there is changed on its
    /// way out, and by what: so that a program that behaves itself can be made to lie. What has
    /// been asked for stays for the stream's life. A filter sees the negotiation of the protocol
    /// too, as far as it is still to come. Raw connections ([`Settings::wire`]) have no streams
    /// to be seen.
    pub fn tap(&mut self, host: HostId, tap: impl FnMut(&str) -> Option<Filter> + 'static) {
        let before = world::with(|world| world.host_mut(host).tap.replace(Box::new(tap)));
        drop(before);
    }

    /// From now on hosts of different numbers don't hear of each other. Those that aren't named
    /// hear of everybody. Gives what [`Simulation::mend`] wants.
    pub fn split(&mut self, sides: impl IntoIterator<Item = (HostId, u32)>) -> Split {
        world::with(|world| {
            let id = world.cuts.add(sides.into_iter().collect(), clock::now());
            world.fall_silent();
            Split(id)
        })
    }

    /// Ends a partition.
    pub fn mend(&mut self, split: Split) {
        world::with(|world| {
            world.cuts.remove(split.0);
            world.speak_again();
        });
    }

    /// Has everybody compute who can, without time passing.
    pub fn settle(&mut self) {
        while executor::poll_next().is_some() {}
    }

    /// Goes on until `until`, since the start, or until [`interrupt`](crate::interrupt) is called.
    pub fn run_until(&mut self, until: Duration) {
        let until = nanos(until);
        loop {
            self.settle();
            if INTERRUPTED.with(Cell::take) {
                return;
            }
            let happening = world::with(|world| world.next_due());
            let timer = clock::next_due();
            let Some(next) = [happening, timer].into_iter().flatten().min() else {
                break;
            };
            if next > until {
                break;
            }
            // Timers before packets of the same moment; whoever is woken by either is polled
            // before what comes next.
            clock::advance(next.max(clock::now()));
            while let Some(happening) = world::with(|world| world.take_due(next)) {
                world::with(|world| world.happen(happening));
            }
        }
        if until > clock::now() {
            clock::advance(until);
        }
    }

    /// What a host has sent and received so far, by the protocol of the streams.
    pub fn traffic(&self, host: HostId) -> Vec<(String, Traffic)> {
        world::with(|world| {
            world
                .host(host)
                .ledger
                .iter()
                .map(|(index, traffic)| (world.protocols.name(index).to_owned(), *traffic))
                .collect()
        })
    }

    /// Calls `f` with the protocol and the traffic of each of a host's.
    pub fn each_traffic(&self, host: HostId, mut f: impl FnMut(&str, &Traffic)) {
        world::with(|world| {
            for (index, traffic) in world.host(host).ledger.iter() {
                f(world.protocols.name(index), traffic);
            }
        });
    }

    /// A hash of all that has been received so far: when, over which connection, every byte.
    pub fn trace_hash(&self) -> u64 {
        world::with(|world| world.trace_hash())
    }

    /// How many packets and steps of handshakes there were.
    pub fn happened(&self) -> u64 {
        world::with(|world| world.happened())
    }

    /// Connections that stand.
    pub fn connections(&self) -> usize {
        world::with(|world| world.net.standing().count())
    }

    /// Calls `f` with each connection that stands: who dialed, who listens, and the bytes that
    /// were sent over it so far, both ways. A connection's number is never another's.
    pub fn each_connection(&self, mut f: impl FnMut(ConnectionId, [HostId; 2], u64)) {
        world::with(|world| {
            for (id, connection) in world.net.standing() {
                let ends = [connection.ends[0].host, connection.ends[1].host];
                f(id, ends, connection.bytes);
            }
        });
    }
}

/// What a swarm listens on and dials over.
#[derive(Clone, Copy, Debug, Default)]
pub struct Carriers<'a> {
    /// Listens.
    pub listen: &'a [Carrier],
    /// Dials.
    pub dial: &'a [Carrier],
}

/// A partition of the network.
#[derive(Debug)]
#[must_use = "mend it, or it lasts"]
pub struct Split(u64);
