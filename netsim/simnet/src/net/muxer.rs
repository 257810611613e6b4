//! An end of a connection, and its streams, as libp2p holds them.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use futures::{AsyncRead, AsyncWrite};
use futures_timer::clock;
use libp2p::core::muxing::{StreamMuxer, StreamMuxerEvent};

use super::{
    connection::{Connection, ConnectionId, SubStream},
    path::{on_the_line, transmission},
    protocols::{ProtocolId, Sniff},
    stream::{Half, Written},
};
use crate::world::{self, World};

/// One end of a connection.
pub(crate) struct Muxer {
    id: ConnectionId,
    end: usize,
}

/// One end of a stream.
pub(crate) struct Substream {
    id: ConnectionId,
    end: usize,
    stream: u32,
}

impl Muxer {
    pub fn new(id: ConnectionId, end: usize) -> Self {
        Muxer { id, end }
    }

    /// The stream that stands for all that a raw connection carries. The end is let go with it.
    pub fn raw(self) -> (Self, Substream) {
        let stream = world::with(|world| {
            if let Some(connection) = world.net.get_mut(self.id) {
                connection.open(RAW, 0, true);
            }
            Substream {
                id: self.id,
                end: self.end,
                stream: RAW,
            }
        });
        (self, stream)
    }
}

/// The only stream of a raw connection.
const RAW: u32 = u32::MAX;

fn reset() -> io::Error {
    io::ErrorKind::ConnectionReset.into()
}

impl Connection {
    fn open(&mut self, stream: u32, opener: usize, known: bool) {
        self.streams.entry(stream).or_insert_with(|| SubStream {
            halves: [Half::default(), Half::default()],
            protocol: ProtocolId::UNKNOWN,
            opener: u8::try_from(opener).expect("0 or 1"),
            sniff: Sniff::Reading(Vec::new()),
            known,
        });
    }

    /// Whether anything may still be read or written at an end.
    fn check(&self, end: usize) -> io::Result<()> {
        match self.ends[end].over {
            Some(over) => Err(over.into()),
            None => Ok(()),
        }
    }
}

impl StreamMuxer for Muxer {
    type Substream = Substream;
    type Error = io::Error;

    fn poll_inbound(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Substream, io::Error>> {
        let (id, end) = (self.id, self.end);
        world::with(|world| {
            let connection = world.net.get_mut(id).ok_or_else(reset)?;
            if let Some(stream) = connection.ends[end].inbound.pop_front() {
                return Poll::Ready(Ok(Substream { id, end, stream }));
            }
            connection.check(end)?;
            connection.ends[end].muxer = Some(cx.waker().clone());
            Poll::Pending
        })
    }

    fn poll_outbound(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Result<Substream, io::Error>> {
        let (id, end) = (self.id, self.end);
        world::with(|world| {
            let connection = world.net.get_mut(id).ok_or_else(reset)?;
            connection.check(end)?;
            let stream = connection.next_stream[end];
            connection.next_stream[end] += 2;
            connection.open(stream, end, false);
            Poll::Ready(Ok(Substream { id, end, stream }))
        })
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        world::with(|world| world.close(self.id, self.end));
        Poll::Ready(Ok(()))
    }

    fn poll(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<StreamMuxerEvent, io::Error>> {
        let (id, end) = (self.id, self.end);
        world::with(|world| {
            let connection = world.net.get_mut(id).ok_or_else(reset)?;
            if connection.ends[end].inbound.is_empty() {
                connection.check(end)?;
            }
            connection.ends[end].muxer = Some(cx.waker().clone());
            Poll::Pending
        })
    }
}

impl Drop for Muxer {
    fn drop(&mut self) {
        world::try_with(|world| world.drop_end(self.id, self.end));
    }
}

impl AsyncRead for Substream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        world::with(|world| {
            let connection = world.net.get_mut(self.id).ok_or_else(reset)?;
            let over = connection.check(self.end);
            let half = connection.half(self.stream, self.end).ok_or_else(reset)?;
            if let Some(count) = half.read(into) {
                return Poll::Ready(Ok(count));
            }
            over?;
            half.reader = Some(cx.waker().clone());
            Poll::Pending
        })
    }
}

impl AsyncWrite for Substream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        world::with(|world| world.write(&self, bytes, cx))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        world::with(|world| world.close_stream(&self));
        Poll::Ready(Ok(()))
    }
}

impl Drop for Substream {
    fn drop(&mut self) {
        world::try_with(|world| world.drop_stream(self));
    }
}

impl World {
    fn write(
        &mut self,
        at: &Substream,
        bytes: &[u8],
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let to = 1 - at.end;
        let connection = self.net.get_mut(at.id).ok_or_else(reset)?;
        connection.check(at.end)?;
        let sender = connection.ends[at.end].host;
        let sub = connection.streams.get_mut(&at.stream).ok_or_else(reset)?;
        if sub.halves[to].deaf || sub.halves[to].closed {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if usize::from(sub.opener) == at.end
            && let Some(name) = sub.sniff.read(bytes)
        {
            sub.protocol = self.protocols.id(&name);
        }
        let protocol = sub.protocol;
        if protocol != ProtocolId::UNKNOWN
            && let Some(tap) = &mut self.hosts[sender.index()].tap
        {
            if sub.halves[to].room() == 0 {
                sub.halves[to].writer = Some(cx.waker().clone());
                return Poll::Pending;
            }
            let name = self.protocols.name_of(protocol);
            if let Some(said) = sub.halves[to].mouth.say(name, bytes, tap) {
                if !said.is_empty() {
                    let written = sub.halves[to].push(&said, clock::now());
                    self.written(at, &written);
                }
                return Poll::Ready(Ok(bytes.len()));
            }
        }
        let written = sub.halves[to].write(bytes, clock::now());
        match written {
            Written::Full => {
                sub.halves[to].writer = Some(cx.waker().clone());
                Poll::Pending
            }
            Written::Chunk(count) | Written::Along(count) => {
                self.written(at, &written);
                Poll::Ready(Ok(count))
            }
        }
    }

    /// Puts on the line what a stream has been given.
    fn written(&mut self, at: &Substream, written: &Written) {
        let Some(connection) = self.net.get_mut(at.id) else {
            return;
        };
        let (cost, sender) = (connection.cost, connection.ends[at.end].host);
        let Some(sub) = connection.streams.get(&at.stream) else {
            return;
        };
        let protocol = sub.protocol;
        let bytes = match written {
            Written::Chunk(count) => on_the_line(cost, *count),
            Written::Along(count) => *count as u64,
            Written::Full => return,
        };
        connection.bytes += bytes;
        let line = self.host_mut(sender);
        let traffic = line.ledger.entry(protocol);
        traffic.sent_bytes += bytes;
        if let Written::Chunk(count) = written {
            traffic.sent_messages += 1;
            self.ship(at.id, 1 - at.end, at.stream, *count);
        } else {
            line.up_free += transmission(bytes, line.config.last_mile.up);
        }
    }

    fn close_stream(&mut self, at: &Substream) {
        let to = 1 - at.end;
        let Some(connection) = self.net.get_mut(at.id) else {
            return;
        };
        if connection.ends[at.end].over.is_some() {
            return;
        }
        let known = connection
            .streams
            .get(&at.stream)
            .is_some_and(|sub| sub.known || sub.halves[to].next_length().is_some());
        let Some(half) = connection.half(at.stream, to) else {
            return;
        };
        // A stream that was opened and never written to is never heard of.
        if half.close(clock::now()) {
            if known {
                self.ship(at.id, to, at.stream, 0);
            } else if let Some(half) = connection.half(at.stream, to) {
                half.take_arrived();
                half.turn_deaf();
            }
        }
    }

    fn drop_stream(&mut self, at: &Substream) {
        self.close_stream(at);
        let Some(connection) = self.net.get_mut(at.id) else {
            return;
        };
        let Some(sub) = connection.streams.get_mut(&at.stream) else {
            return;
        };
        sub.halves[at.end].turn_deaf();
        sub.halves[1 - at.end].mute = true;
        if !sub.known && usize::from(sub.opener) == at.end && sub.halves[1 - at.end].deaf {
            connection.streams.remove(&at.stream);
        } else {
            connection.prune(at.stream);
        }
    }
}
