//! One connection's link.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use either::Either;
use futures::{AsyncRead, AsyncWrite};
use libp2p::{
    Stream, StreamProtocol,
    core::upgrade::{DeniedUpgrade, ReadyUpgrade},
    swarm::{
        ConnectionHandler, ConnectionHandlerEvent, SubstreamProtocol,
        handler::{ConnectionEvent, FullyNegotiatedInbound, FullyNegotiatedOutbound},
    },
};

use super::{Config, Opens};
use crate::wire::frame;

/// From the behaviour.
#[derive(Debug)]
pub enum Command {
    /// Open a stream, if there is none.
    Open,
    /// Write this frame.
    Send(Vec<u8>),
    /// End the link once everything is written.
    Close,
}

/// To the behaviour.
#[derive(Debug)]
pub enum Report {
    /// The stream is open.
    Up,
    /// A frame arrived.
    Frame(Vec<u8>),
    /// So many bytes of frames have left the queue since the last report.
    Written(usize),
    /// The stream is over. A reason is given where the other side broke the protocol.
    Down(Option<String>),
}

/// Bytes that are read at a time: most frames are smaller.
const READ: usize = 4 * 1024;

/// Drives the link of one connection: one stream, or two where both sides opened one at the same
/// time. Each side writes to the one that it had first and reads from both.
pub struct Handler {
    config: Config,
    /// Whether an outbound stream is still to be asked for, or is under way.
    opening: Opening,
    streams: Vec<Half>,
    outgoing: VecDeque<Vec<u8>>,
    /// Bytes of `outgoing`, the written part of its front included.
    queued: usize,
    /// How much of the front of `outgoing` is written.
    offset: usize,
    written: usize,
    needs_flush: bool,
    closing: bool,
    reports: VecDeque<Report>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Opening {
    No,
    Wanted,
    Underway,
}

struct Half {
    stream: Stream,
    decoder: frame::Decoder,
    outbound: bool,
}

impl Handler {
    pub(super) fn new(config: Config, dialer: bool) -> Self {
        let opening = match config.opens {
            Opens::AtOnce if dialer => Opening::Wanted,
            _ => Opening::No,
        };
        Handler {
            opening,
            streams: Vec::new(),
            outgoing: VecDeque::new(),
            queued: 0,
            offset: 0,
            written: 0,
            needs_flush: false,
            closing: false,
            reports: VecDeque::new(),
            config,
        }
    }

    fn opened(&mut self, stream: Stream, outbound: bool) {
        if self.streams.iter().any(|half| half.outbound == outbound) {
            self.down(None);
        }
        self.streams.push(Half {
            stream,
            decoder: frame::Decoder::new(self.config.max_frame),
            outbound,
        });
        if self.streams.len() == 1 {
            self.closing = false;
            self.reports.push_back(Report::Up);
        }
    }

    fn down(&mut self, reason: Option<String>) {
        self.streams.clear();
        self.outgoing.clear();
        self.queued = 0;
        self.offset = 0;
        self.written = 0;
        self.needs_flush = false;
        self.reports.push_back(Report::Down(reason));
    }

    /// Writes what can be written. `Ok(true)` if the stream has ended by `Close`.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> io::Result<bool> {
        let Some(Half { stream, .. }) = self.streams.first_mut() else {
            return Ok(false);
        };
        while let Some(front) = self.outgoing.front() {
            match Pin::new(&mut *stream).poll_write(cx, &front[self.offset..])? {
                Poll::Ready(0) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(n) => {
                    self.needs_flush = true;
                    self.offset += n;
                    if self.offset == front.len() {
                        self.written += front.len();
                        self.queued -= front.len();
                        self.offset = 0;
                        self.outgoing.pop_front();
                    }
                }
                Poll::Pending => break,
            }
        }
        if self.needs_flush
            && let Poll::Ready(done) = Pin::new(&mut *stream).poll_flush(cx)
        {
            done?;
            self.needs_flush = false;
        }
        if self.written > 0 {
            self.reports.push_back(Report::Written(self.written));
            self.written = 0;
        }
        if self.closing
            && self.outgoing.is_empty()
            && !self.needs_flush
            && let Poll::Ready(done) = Pin::new(stream).poll_close(cx)
        {
            done?;
            return Ok(true);
        }
        Ok(false)
    }

    /// Reads once from each stream. `Ok(false)` if nothing has arrived.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Result<bool, Option<String>> {
        let mut arrived = false;
        let mut place = 0;
        while let Some(half) = self.streams.get_mut(place) {
            match half.poll_read(cx, &mut self.reports) {
                Ok(more) => arrived |= more,
                // What the other side no longer writes to, and this one never did.
                Err(None) if place > 0 => {
                    self.streams.remove(place);
                    continue;
                }
                Err(reason) => return Err(reason),
            }
            place += 1;
        }
        Ok(arrived)
    }
}

impl Half {
    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        reports: &mut VecDeque<Report>,
    ) -> Result<bool, Option<String>> {
        let mut buffer = [0; READ];
        match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
            Poll::Pending => Ok(false),
            Poll::Ready(Err(_) | Ok(0)) => Err(None),
            Poll::Ready(Ok(n)) => {
                self.decoder.extend(&buffer[..n]);
                loop {
                    match self.decoder.next_frame() {
                        Ok(Some(frame)) => reports.push_back(Report::Frame(frame)),
                        Ok(None) => return Ok(true),
                        Err(malformed) => return Err(Some(malformed.to_string())),
                    }
                }
            }
        }
    }
}

type Inbound = Either<ReadyUpgrade<StreamProtocol>, DeniedUpgrade>;

impl ConnectionHandler for Handler {
    type FromBehaviour = Command;
    type ToBehaviour = Report;
    type InboundProtocol = Inbound;
    type OutboundProtocol = ReadyUpgrade<StreamProtocol>;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = ();

    fn listen_protocol(&self) -> SubstreamProtocol<Inbound> {
        SubstreamProtocol::new(
            if self.config.accepts {
                Either::Left(ReadyUpgrade::new(self.config.protocol.clone()))
            } else {
                Either::Right(DeniedUpgrade)
            },
            (),
        )
    }

    fn connection_keep_alive(&self) -> bool {
        !self.streams.is_empty() || self.opening != Opening::No
    }

    fn on_behaviour_event(&mut self, command: Command) {
        match command {
            Command::Open => {
                if self.streams.is_empty() && self.opening == Opening::No {
                    self.opening = Opening::Wanted;
                }
            }
            Command::Send(frame) => {
                if self.streams.is_empty() || self.closing {
                    return;
                }
                if self.queued + frame.len() > self.config.max_queue {
                    tracing::debug!(
                        protocol = %self.config.protocol,
                        queued = self.queued,
                        "neighbour reads too slowly, frame dropped"
                    );
                    return;
                }
                let mut framed = Vec::with_capacity(frame.len() + 4);
                frame::push(&mut framed, &frame);
                self.queued += framed.len();
                self.outgoing.push_back(framed);
            }
            Command::Close => self.closing = true,
        }
    }

    fn on_connection_event(
        &mut self,
        event: ConnectionEvent<Inbound, ReadyUpgrade<StreamProtocol>>,
    ) {
        match event {
            ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound {
                protocol: futures::future::Either::Left(stream),
                ..
            }) => self.opened(stream, false),
            ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound {
                protocol: stream,
                ..
            }) => {
                self.opening = Opening::No;
                self.opened(stream, true);
            }
            ConnectionEvent::DialUpgradeError(_) => {
                self.opening = Opening::No;
                if self.streams.is_empty() {
                    self.reports.push_back(Report::Down(None));
                }
            }
            _ => {}
        }
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<Self::OutboundProtocol, (), Report>> {
        loop {
            if let Some(report) = self.reports.pop_front() {
                return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(report));
            }
            if self.opening == Opening::Wanted {
                self.opening = Opening::Underway;
                return Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest {
                    protocol: SubstreamProtocol::new(
                        ReadyUpgrade::new(self.config.protocol.clone()),
                        (),
                    ),
                });
            }
            match self.poll_write(cx) {
                Ok(false) => {}
                Ok(true) | Err(_) => {
                    self.down(None);
                    continue;
                }
            }
            match self.poll_read(cx) {
                Ok(true) => continue,
                Ok(false) if self.reports.is_empty() => return Poll::Pending,
                Ok(false) => {}
                Err(reason) => self.down(reason),
            }
        }
    }
}
