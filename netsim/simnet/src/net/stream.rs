//! One direction of a stream.

use std::{collections::VecDeque, task::Waker};

use super::tap::Mouth;
use crate::Nanos;

/// Bytes that may be under way or unread: Yamux and QUIC let a stream have about as many.
const WINDOW: usize = 1024 * 1024;
/// A chunk that writes of the same moment are added to ends at this size.
const CHUNK: usize = 64 * 1024;

/// What goes to one end of a stream.
#[derive(Default)]
pub(crate) struct Half {
    /// Under way, in order. An empty chunk is the end.
    transit: VecDeque<Chunk>,
    /// Arrived, to be read.
    inbox: VecDeque<Vec<u8>>,
    /// How much of the first is read.
    read: usize,
    unread: usize,
    last_arrival: Nanos,
    /// No more is written.
    pub closed: bool,
    /// The end has arrived.
    ended: bool,
    /// The reader is gone.
    pub deaf: bool,
    /// The writer is gone.
    pub mute: bool,
    pub reader: Option<Waker>,
    pub writer: Option<Waker>,
    /// What changes what is written.
    pub mouth: Mouth,
}

struct Chunk {
    sent: Nanos,
    bytes: Vec<u8>,
}

/// What a write comes to.
pub(crate) enum Written {
    /// A chunk of its own, to be shipped.
    Chunk(usize),
    /// It goes with the chunk before.
    Along(usize),
    /// There is no room.
    Full,
}

impl Half {
    pub fn write(&mut self, bytes: &[u8], now: Nanos) -> Written {
        let bytes = &bytes[..bytes.len().min(self.room())];
        if bytes.is_empty() {
            return Written::Full;
        }
        self.push(bytes, now)
    }

    /// Bytes that may still be written.
    pub fn room(&self) -> usize {
        let under_way: usize = self.transit.iter().map(|chunk| chunk.bytes.len()).sum();
        WINDOW.saturating_sub(self.unread + under_way)
    }

    /// Writes all of it, whether there is room or not.
    pub fn push(&mut self, bytes: &[u8], now: Nanos) -> Written {
        match self.transit.back_mut() {
            Some(last)
                if last.sent == now
                    && !last.bytes.is_empty()
                    && last.bytes.len() + bytes.len() <= CHUNK =>
            {
                last.bytes.extend_from_slice(bytes);
                Written::Along(bytes.len())
            }
            _ => {
                self.transit.push_back(Chunk {
                    sent: now,
                    bytes: bytes.to_vec(),
                });
                Written::Chunk(bytes.len())
            }
        }
    }

    /// No more will be written. Says whether that is new.
    pub fn close(&mut self, now: Nanos) -> bool {
        if self.closed {
            return false;
        }
        self.closed = true;
        self.transit.push_back(Chunk {
            sent: now,
            bytes: Vec::new(),
        });
        true
    }

    /// What was shipped last arrives at `at`, but not before what was shipped earlier.
    pub fn arrives(&mut self, at: Nanos) -> Nanos {
        self.last_arrival = self.last_arrival.max(at);
        self.last_arrival
    }

    /// The length of the chunk that arrives next.
    pub fn next_length(&self) -> Option<usize> {
        self.transit.front().map(|chunk| chunk.bytes.len())
    }

    pub fn take_arrived(&mut self) -> Option<Vec<u8>> {
        self.transit.pop_front().map(|chunk| chunk.bytes)
    }

    pub fn accept(&mut self, bytes: Vec<u8>) {
        if bytes.is_empty() {
            self.ended = true;
        } else if !self.deaf {
            self.unread += bytes.len();
            self.inbox.push_back(bytes);
        }
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    /// Reads what has arrived. None: there is nothing yet; 0: it has ended.
    pub fn read(&mut self, into: &mut [u8]) -> Option<usize> {
        let mut filled = 0;
        while filled < into.len()
            && let Some(first) = self.inbox.front()
        {
            let count = (first.len() - self.read).min(into.len() - filled);
            into[filled..filled + count].copy_from_slice(&first[self.read..self.read + count]);
            filled += count;
            self.read += count;
            if self.read == first.len() {
                self.inbox.pop_front();
                self.read = 0;
            }
        }
        if filled > 0 {
            self.unread -= filled;
            if let Some(writer) = self.writer.take() {
                writer.wake();
            }
            return Some(filled);
        }
        self.ended.then_some(0)
    }

    /// The reader is gone.
    pub fn turn_deaf(&mut self) {
        self.deaf = true;
        self.inbox.clear();
        self.unread = 0;
        self.reader = None;
        if let Some(writer) = self.writer.take() {
            writer.wake();
        }
    }

    /// Nothing more comes of it.
    pub fn is_spent(&self) -> bool {
        self.deaf && self.mute && self.transit.is_empty()
    }

    /// Its connection is over at an end: whoever waits looks again.
    pub fn wake(&mut self) {
        for waker in [self.reader.take(), self.writer.take()]
            .into_iter()
            .flatten()
        {
            waker.wake();
        }
    }
}
