//! One connection's stream.

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

use super::Config;
use crate::wire::frame;

/// From the behaviour.
#[derive(Debug)]
pub enum Command {
    /// Write this frame.
    Send(Vec<u8>),
    /// End the stream once everything is written.
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

/// Drives the stream of one connection.
pub struct Handler {
    config: Config,
    /// Whether an outbound stream is still to be asked for.
    open: bool,
    stream: Option<Stream>,
    decoder: frame::Decoder,
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

impl Handler {
    pub(super) fn new(config: Config, dialer: bool) -> Self {
        Handler {
            open: dialer && config.opens,
            stream: None,
            decoder: frame::Decoder::new(config.max_frame),
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

    fn opened(&mut self, stream: Stream) {
        if self.stream.is_some() {
            self.down(None);
        }
        self.stream = Some(stream);
        self.decoder = frame::Decoder::new(self.config.max_frame);
        self.closing = false;
        self.reports.push_back(Report::Up);
    }

    fn down(&mut self, reason: Option<String>) {
        self.stream = None;
        self.outgoing.clear();
        self.queued = 0;
        self.offset = 0;
        self.written = 0;
        self.needs_flush = false;
        self.reports.push_back(Report::Down(reason));
    }

    /// Writes what can be written. `Ok(true)` if the stream has ended by `Close`.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> io::Result<bool> {
        let Some(stream) = self.stream.as_mut() else {
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

    /// Reads once. `Ok(false)` if nothing has arrived.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Result<bool, Option<String>> {
        let Some(stream) = self.stream.as_mut() else {
            return Ok(false);
        };
        let mut buffer = [0; 16 * 1024];
        match Pin::new(stream).poll_read(cx, &mut buffer) {
            Poll::Pending => Ok(false),
            Poll::Ready(Err(_) | Ok(0)) => Err(None),
            Poll::Ready(Ok(n)) => {
                self.decoder.extend(&buffer[..n]);
                loop {
                    match self.decoder.next_frame() {
                        Ok(Some(frame)) => self.reports.push_back(Report::Frame(frame)),
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
        self.stream.is_some() || self.open
    }

    fn on_behaviour_event(&mut self, command: Command) {
        match command {
            Command::Send(frame) => {
                if self.stream.is_none() || self.closing {
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
            }) => self.opened(stream),
            ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound {
                protocol: stream,
                ..
            }) => self.opened(stream),
            ConnectionEvent::DialUpgradeError(_) if self.stream.is_none() => {
                self.reports.push_back(Report::Down(None));
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
            if self.open {
                self.open = false;
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
