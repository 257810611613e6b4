//! What waits to be sent on one attachment: four classes, each in order, the first class first.

use std::collections::{BTreeSet, VecDeque};

use crate::wire::{attach::FromNode, cbor, fragment, limits};

/// Bytes that a carrier is given ahead of what it has written: little, so that a ping or an
/// envelope never waits behind more than this.
const CREDIT: usize = 32 * 1024;

const CLASSES: usize = 4;
/// The class of presence, the only one that may be dropped.
const PRESENCE: usize = 3;

/// Something other than presence doesn't fit: the peer doesn't read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full;

#[derive(Debug)]
pub(super) struct Outbox {
    max: usize,
    queues: [VecDeque<Vec<u8>>; CLASSES],
    queued: usize,
    /// Bytes given to the carrier and not yet reported as written.
    in_flight: usize,
    next_fragment: u64,
    /// Rooms of which presence was dropped.
    resync: BTreeSet<String>,
}

impl Outbox {
    pub(super) fn new(max: usize) -> Self {
        Outbox {
            max,
            queues: Default::default(),
            queued: 0,
            in_flight: 0,
            next_fragment: 0,
            resync: BTreeSet::new(),
        }
    }

    pub(super) fn push(&mut self, message: &FromNode) -> Result<(), Full> {
        let (class, room) = match message {
            FromNode::Ping(_)
            | FromNode::GoAway(_)
            | FromNode::Welcome(_)
            | FromNode::Refused(_)
            | FromNode::Fragment(_) => (0, None),
            FromNode::Carry(_) | FromNode::Undelivered(_) => (1, None),
            FromNode::Providers(_) | FromNode::Done(_) => (2, None),
            FromNode::Snapshot(snapshot) => (PRESENCE, Some(&snapshot.room)),
            FromNode::Presence(presence) => (PRESENCE, Some(&presence.room)),
        };
        if room.is_some_and(|room| self.resync.contains(room)) {
            return Ok(());
        }
        let bytes = cbor::encode(message);
        if self.queued + bytes.len() > self.max {
            let Some(room) = room else { return Err(Full) };
            self.resync.insert(room.clone());
            return Ok(());
        }
        self.queued += bytes.len();
        if bytes.len() <= limits::FRAGMENT {
            self.queues[class].push_back(bytes);
            return Ok(());
        }
        let id = self.next_fragment;
        self.next_fragment += 1;
        self.queued -= bytes.len();
        for fragment in fragment::cut(id, &bytes) {
            let frame = cbor::encode(&FromNode::Fragment(fragment));
            self.queued += frame.len();
            self.queues[class].push_back(frame);
        }
        Ok(())
    }

    /// The next frame, if the carrier has room for it.
    pub(super) fn next(&mut self) -> Option<Vec<u8>> {
        if self.in_flight >= CREDIT {
            return None;
        }
        let frame = self.queues.iter_mut().find_map(VecDeque::pop_front)?;
        self.queued -= frame.len();
        self.in_flight += frame.len();
        Some(frame)
    }

    /// The carrier has written so many bytes (its own length prefixes may be among them).
    pub(super) fn written(&mut self, bytes: usize) {
        self.in_flight = self.in_flight.saturating_sub(bytes);
    }

    /// A room of which presence was dropped and that can be sent anew, now that the queue is
    /// short again.
    pub(super) fn take_resync(&mut self) -> Option<String> {
        if self.queued > self.max / 8 {
            return None;
        }
        self.resync.pop_first()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{
        Bytes,
        attach::{Beat, Done, Presence},
        signal::Undelivered,
    };
    use libp2p::PeerId;

    fn presence(room: &str, bytes: usize) -> FromNode {
        FromNode::Presence(Presence {
            room: room.into(),
            records: vec![Bytes::from(vec![0; bytes])],
            gone: vec![],
            leaves: vec![],
            size: 1,
        })
    }

    fn undelivered() -> FromNode {
        FromNode::Undelivered(Undelivered {
            id: serde_bytes::ByteArray::new([0; 16]),
            to: PeerId::random(),
            code: "not-attached".into(),
        })
    }

    fn kind(frame: &[u8]) -> String {
        let message: FromNode = cbor::decode("message", frame, limits::ATTACH_FRAME).unwrap();
        format!("{message:?}")
            .split(['(', ' '])
            .next()
            .unwrap()
            .to_owned()
    }

    #[test]
    fn the_first_class_goes_first_even_between_fragments() {
        let mut outbox = Outbox::new(1 << 20);
        outbox.push(&presence("a", 10_000)).unwrap();
        let first = outbox.next().unwrap();
        assert_eq!(kind(&first), "Fragment");
        outbox.push(&FromNode::Done(Done { id: 1 })).unwrap();
        outbox.push(&undelivered()).unwrap();
        outbox.push(&FromNode::Ping(Beat { n: 1 })).unwrap();
        let order: Vec<_> = std::iter::from_fn(|| outbox.next())
            .map(|frame| kind(&frame))
            .collect();
        assert_eq!(
            order,
            ["Ping", "Undelivered", "Done", "Fragment", "Fragment"]
        );
    }

    #[test]
    fn a_carrier_that_does_not_write_is_given_no_more() {
        let mut outbox = Outbox::new(1 << 20);
        for _ in 0..40 {
            outbox.push(&presence("a", 4000)).unwrap();
        }
        let given = std::iter::from_fn(|| outbox.next()).count();
        assert!(given < 12, "{given} frames of 4 KB within 32 KiB");
        outbox.written(5000);
        assert!(outbox.next().is_some());
    }

    #[test]
    fn presence_that_does_not_fit_is_sent_anew_and_all_else_is_full() {
        let mut outbox = Outbox::new(10_000);
        for _ in 0..5 {
            outbox.push(&presence("a", 4000)).unwrap();
        }
        assert_eq!(outbox.take_resync(), None, "not while the queue is long");
        while let Some(frame) = outbox.next() {
            outbox.written(frame.len());
        }
        assert_eq!(outbox.take_resync().as_deref(), Some("a"));
        assert_eq!(outbox.take_resync(), None);
        outbox.push(&presence("a", 4000)).unwrap();
        outbox.push(&presence("a", 4000)).unwrap();
        while outbox.push(&undelivered()).is_ok() {}
        assert_eq!(outbox.push(&undelivered()), Err(Full));
    }
}
