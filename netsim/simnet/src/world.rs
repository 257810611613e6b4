//! Everything there is in a simulation but its tasks and timers: hosts, connections, and what is
//! to happen when.

use std::{
    cell::RefCell,
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    hash::{DefaultHasher, Hasher},
    net::Ipv4Addr,
};

use futures_timer::clock;

use crate::{
    Nanos, Settings, hooks,
    hosts::{Host, HostConfig, HostId},
    net::{Cuts, Happening, Net, Protocols},
};

thread_local! {
    static WORLD: RefCell<Option<World>> = const { RefCell::new(None) };
}

/// Runs `f` on this thread's world. What it calls mustn't poll, nor drop what may be a
/// connection.
pub(crate) fn with<T>(f: impl FnOnce(&mut World) -> T) -> T {
    try_with(f).expect("called outside of simnet::run")
}

/// The same, where the simulation may have ended.
pub(crate) fn try_with<T>(f: impl FnOnce(&mut World) -> T) -> Option<T> {
    WORLD
        .try_with(|world| world.borrow_mut().as_mut().map(f))
        .ok()
        .flatten()
}

pub(crate) fn begin(settings: Settings) {
    WORLD.with(|world| *world.borrow_mut() = Some(World::new(settings)));
}

pub(crate) fn end() {
    let world = WORLD.with(|world| world.borrow_mut().take());
    drop(world);
}

/// Computes as `host`: with its clock and its chance.
pub(crate) fn as_host<T>(host: HostId, f: impl FnOnce() -> T) -> T {
    let (offset, chance) = with(|world| {
        let host = world.host_mut(host);
        (
            host.config.clock_offset_ms.saturating_mul(1_000_000),
            host.chance.take(),
        )
    });
    let (offset, before) = hooks::switch(offset, chance);
    let result = f();
    if let (_, Some(chance)) = hooks::switch(offset, before) {
        with(|world| world.host_mut(host).chance = Some(chance));
    }
    result
}

pub(crate) struct World {
    pub settings: Settings,
    pub hosts: Vec<Host>,
    pub by_address: HashMap<Ipv4Addr, HostId>,
    pub net: Net,
    pub cuts: Cuts,
    pub protocols: Protocols,
    /// By time and order.
    coming: BinaryHeap<Reverse<(Nanos, u64, Happening)>>,
    order: u64,
    trace: DefaultHasher,
    happened: u64,
}

impl World {
    fn new(settings: Settings) -> Self {
        World {
            settings,
            hosts: Vec::new(),
            by_address: HashMap::new(),
            net: Net::default(),
            cuts: Cuts::default(),
            protocols: Protocols::default(),
            coming: BinaryHeap::new(),
            order: 0,
            trace: DefaultHasher::new(),
            happened: 0,
        }
    }

    pub fn add_host(&mut self, key: &str, config: HostConfig) -> HostId {
        let id = HostId(u32::try_from(self.hosts.len()).expect("fewer hosts than 2^32"));
        let host = Host::new(id, key, config, self.settings.seed);
        self.by_address.insert(host.address, id);
        self.hosts.push(host);
        id
    }

    pub fn host(&self, id: HostId) -> &Host {
        &self.hosts[id.index()]
    }

    pub fn host_mut(&mut self, id: HostId) -> &mut Host {
        &mut self.hosts[id.index()]
    }

    /// Has something happen at `at`.
    pub fn schedule(&mut self, at: Nanos, happening: Happening) {
        self.order += 1;
        self.coming
            .push(Reverse((at.max(clock::now()), self.order, happening)));
    }

    pub fn next_due(&self) -> Option<Nanos> {
        self.coming.peek().map(|Reverse((at, _, _))| *at)
    }

    /// What happens by `at`, one at a time.
    pub fn take_due(&mut self, at: Nanos) -> Option<Happening> {
        if self.next_due()? > at {
            return None;
        }
        let Reverse((time, _, happening)) = self.coming.pop()?;
        self.happened += 1;
        self.trace.write_u64(time);
        Some(happening)
    }

    /// Adds to what the trace's hash is of.
    pub fn note(&mut self, bytes: &[u8]) {
        self.trace.write(bytes);
    }

    /// A hash of all that has happened: when, between whom, and every byte.
    pub fn trace_hash(&self) -> u64 {
        self.trace.finish()
    }

    /// How much has happened.
    pub fn happened(&self) -> u64 {
        self.happened
    }
}
