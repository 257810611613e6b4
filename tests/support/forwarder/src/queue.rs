//! Packets on their way.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashMap},
    time::Instant,
};

use crate::{HostId, Packet, Passage};

/// A packet that is due.
pub(crate) struct Due {
    pub(crate) to: HostId,
    pub(crate) at: Instant,
    pub(crate) packet: Packet,
}

/// Packets on their way, soonest first; what goes from one host to another stays in order.
#[derive(Default)]
pub(crate) struct Queue {
    order: BinaryHeap<Reverse<(Instant, u64)>>,
    packets: BTreeMap<u64, (HostId, Packet)>,
    /// When the last packet of a path is due.
    last: HashMap<(HostId, HostId), Instant>,
    next: u64,
}

impl Queue {
    pub(crate) fn len(&self) -> usize {
        self.packets.len()
    }

    pub(crate) fn push(&mut self, from: HostId, passage: Passage, packet: Packet) {
        let last = self.last.entry((from, passage.to)).or_insert(passage.at);
        *last = passage.at.max(*last);
        self.order.push(Reverse((*last, self.next)));
        self.packets.insert(self.next, (passage.to, packet));
        self.next += 1;
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.order.peek().map(|Reverse((at, _))| *at)
    }

    pub(crate) fn pop(&mut self, now: Instant) -> Option<Due> {
        if self.deadline()? > now {
            return None;
        }
        let Reverse((at, number)) = self.order.pop()?;
        let (to, packet) = self.packets.remove(&number)?;
        Some(Due { to, at, packet })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn push(queue: &mut Queue, from: usize, to: usize, at: Instant, mark: u8) {
        let mut bytes = [mark; 20];
        bytes[0] = 0x45;
        let passage = Passage { to: HostId(to), at };
        queue.push(HostId(from), passage, Packet::new(&bytes).unwrap());
    }

    fn marks(queue: &mut Queue, now: Instant) -> Vec<u8> {
        std::iter::from_fn(|| queue.pop(now))
            .map(|due| due.packet.bytes()[1])
            .collect()
    }

    #[test]
    fn soonest_first_and_nobody_overtakes_on_a_path() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut queue = Queue::default();
        push(&mut queue, 0, 1, at(30), 1);
        push(&mut queue, 0, 1, at(20), 2);
        push(&mut queue, 2, 1, at(20), 3);
        push(&mut queue, 0, 1, at(40), 4);
        assert_eq!(queue.deadline(), Some(at(20)));
        assert_eq!(marks(&mut queue, at(29)), [3]);
        assert_eq!(marks(&mut queue, at(39)), [1, 2]);
        assert_eq!(marks(&mut queue, at(40)), [4]);
        assert_eq!((queue.len(), queue.deadline()), (0, None));
    }
}
