//! Hosts: where they are and what their line is like.

use std::{collections::HashMap, net::Ipv4Addr, time::Duration};

use libp2p::PeerId;

use crate::{
    Nanos,
    chance::Stream,
    executor::TaskId,
    net::{Carrier, Inbox, Ledger, Tap},
};

/// A host of a simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostId(pub(crate) u32);

impl HostId {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// What stands between a host and those who dial it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Nat {
    /// Nothing: a public address.
    #[default]
    Open,
    /// Anybody gets in while the host has a connection, or has sent something in the last
    /// minute.
    FullCone,
    /// Only those get in to whom the host has sent something in the last minute.
    Restricted,
    /// Nobody gets in: a mapping is for the one whom the host has dialed.
    Symmetric,
}

/// The line between a host and its region's network, in each direction.
#[derive(Clone, Copy, Debug, Default)]
pub struct LastMile {
    /// One way.
    pub latency: Duration,
    /// Standard deviation of what is added to it.
    pub jitter: Duration,
    /// Share of packets that are lost.
    pub loss: f64,
    /// Bytes a second that it sends; no bound if there is none.
    pub up: Option<u64>,
    /// Bytes a second that it receives.
    pub down: Option<u64>,
}

/// What a host is like.
#[derive(Clone, Debug, Default)]
pub struct HostConfig {
    /// An index into [`Settings::regions`](crate::Settings::regions).
    pub region: usize,
    /// Its line.
    pub last_mile: LastMile,
    /// Who gets in.
    pub nat: Nat,
    /// How far its clock is ahead of the network's time, in ms.
    pub clock_offset_ms: i64,
    /// Its address; one in a /16 of its own, as far as they go, if there is none.
    pub address: Option<Ipv4Addr>,
    /// After which its dials fail: what libp2p has for the carrier, if there is none.
    pub dial_timeout: Option<Duration>,
}

/// How a host is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    Up,
    /// It computes nothing, like a page in the background of a phone; its network goes on.
    Frozen,
    /// Its programs have ended; the system still answers for them.
    Stopped,
    /// Nothing answers.
    Gone,
}

pub(crate) struct Host {
    pub config: HostConfig,
    pub address: Ipv4Addr,
    pub life: Life,
    pub peer: Option<PeerId>,
    pub listens: Vec<Carrier>,
    pub inbox: Inbox,
    /// What its programs draw from; taken while they compute.
    pub chance: Option<Stream>,
    pub tasks: Vec<TaskId>,
    /// Tasks that were woken while it was frozen.
    pub stalled: Vec<TaskId>,
    pub up_free: Nanos,
    pub down_free: Nanos,
    /// To whom it has sent lately, kept behind a NAT only.
    pub mappings: HashMap<HostId, Nanos>,
    pub ledger: Ledger,
    /// Dials that it has begun.
    pub dials: u64,
    /// What changes what it writes.
    pub tap: Option<Tap>,
}

impl Host {
    pub fn new(id: HostId, key: &str, config: HostConfig, seed: u64) -> Self {
        Host {
            address: config.address.unwrap_or_else(|| spread(id)),
            config,
            life: Life::Up,
            peer: None,
            listens: Vec::new(),
            inbox: Inbox::default(),
            chance: Some(Stream::new(seed, ("host", key))),
            tasks: Vec::new(),
            stalled: Vec::new(),
            up_free: 0,
            down_free: 0,
            mappings: HashMap::new(),
            ledger: Ledger::default(),
            dials: 0,
            tap: None,
        }
    }
}

/// Public addresses, 46,080 networks of 65,536.
fn spread(id: HostId) -> Ipv4Addr {
    let [network, host] = [id.0 % (180 * 256), id.0 / (180 * 256)];
    let [a, b] = [20 + network / 256, network % 256];
    Ipv4Addr::from((a << 24) | (b << 16) | (host + 1))
}
