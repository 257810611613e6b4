//! Who can't reach whom.

use std::collections::HashMap;

use crate::{HostId, Nanos};

/// Partitions of the network. Hosts on different sides of any of them don't hear of each other;
/// a host that a partition doesn't name hears of everybody.
#[derive(Default)]
pub(crate) struct Cuts {
    all: HashMap<u64, Cut>,
    next: u64,
}

struct Cut {
    since: Nanos,
    sides: HashMap<HostId, u32>,
}

impl Cuts {
    pub fn add(&mut self, sides: HashMap<HostId, u32>, now: Nanos) -> u64 {
        self.next += 1;
        self.all.insert(self.next, Cut { since: now, sides });
        self.next
    }

    pub fn remove(&mut self, id: u64) {
        self.all.remove(&id);
    }

    /// Since when two hosts can't reach each other, if they can't.
    pub fn between(&self, a: HostId, b: HostId) -> Option<Nanos> {
        self.all
            .values()
            .filter(|cut| match (cut.sides.get(&a), cut.sides.get(&b)) {
                (Some(one), Some(other)) => one != other,
                _ => false,
            })
            .map(|cut| cut.since)
            .min()
    }
}
