//! What is to be done, and when.

use std::{collections::BTreeMap, time::Duration};

/// A host of the run, by its number.
pub type HostNo = usize;
/// A room of the run, by its number.
pub type RoomNo = usize;

/// Something that is done at a moment.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    /// A host starts for the first time, or comes back.
    Start(HostNo),
    /// A session is over: of the host's life of this number.
    Depart(HostNo, u32),
    /// A browser freezes.
    Freeze(HostNo, u32),
    /// A browser wakes.
    Thaw(HostNo, u32),
    /// A peer joins a room.
    Join(RoomNo, HostNo),
    /// A peer leaves a room.
    Leave(RoomNo, HostNo),
    /// One member of a room makes way for another.
    Churn(RoomNo),
    /// A pair meets in a new room, of this kind.
    Pair(usize),
    /// A peer provides a resource.
    Provide(HostNo, String),
    /// Somebody looks for a resource, of this kind.
    Lookup(usize),
    /// Somebody sends an envelope, of this kind.
    Send(usize),
    /// A spammer looks whom to harm.
    Aim(HostNo, u32),
    /// A node has had its time to get ready.
    Ready(HostNo, u32),
    /// Two nodes have been connected for long enough.
    SyncOver(u64),
    /// A join has been watched for long enough.
    JoinOver(u64),
    /// An event of the scenario begins.
    Event(usize),
    /// Its effect ends.
    EventOver(usize),
    /// It is looked who still lists the dead.
    Ghosts,
    /// Gauges are read.
    Sample,
}

/// Deeds in the order of their times, and of their entry.
#[derive(Debug, Default)]
pub struct Agenda {
    deeds: BTreeMap<(Duration, u64), Deed>,
    order: u64,
}

impl Agenda {
    /// Has something done at `at`.
    pub fn add(&mut self, at: Duration, deed: Deed) {
        self.order += 1;
        self.deeds.insert((at, self.order), deed);
    }

    /// When the next is due.
    pub fn next(&self) -> Option<Duration> {
        self.deeds.keys().next().map(|(at, _)| *at)
    }

    /// The next that is due by `now`.
    pub fn take_due(&mut self, now: Duration) -> Option<Deed> {
        if self.next()? > now {
            return None;
        }
        self.deeds.pop_first().map(|(_, deed)| deed)
    }
}
