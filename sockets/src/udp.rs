//! A UDP socket with the kernel's batching: several datagrams per system call where it can.

use std::{
    collections::VecDeque,
    io::{self, IoSliceMut},
    net::{IpAddr, SocketAddr},
};

use quinn_udp::{RecvMeta, UdpSockRef, UdpSocketState};
use socket2::{Domain, Protocol, Type};
use tokio::{io::Interest, net::UdpSocket};

/// The kernel's buffers of a listener, in bytes; Linux gives what it is allowed to give.
const KERNEL_BUFFER: usize = 4 << 20;
/// Bytes that wait while the kernel's buffer is full; what comes on top is lost, as UDP may.
const BACKLOG: usize = 4 << 20;
/// One receive buffer, in bytes: what the kernel may coalesce.
const RECEIVE_BUFFER: usize = 64 * 1024;

/// A bound socket. Several tasks may send by it at once.
#[derive(Debug)]
pub struct Socket {
    socket: UdpSocket,
    state: UdpSocketState,
    local: SocketAddr,
}

/// Room for what is received in one system call: 64 KiB a buffer.
#[derive(Debug)]
pub struct Inbox {
    buffers: Vec<Vec<u8>>,
}

/// What is to be sent.
#[derive(Debug)]
pub struct Backlog {
    batches: VecDeque<Batch>,
    bytes: usize,
    /// Datagrams that the kernel takes in one call.
    most: usize,
}

/// Datagrams of one size, but for the last, which may be shorter.
#[derive(Debug)]
struct Batch {
    destination: SocketAddr,
    source: Option<IpAddr>,
    segment: usize,
    contents: Vec<u8>,
}

impl Socket {
    /// Binds a socket, on the present Tokio runtime: a `busy` one with the kernel's larger buffers.
    /// One on an IPv6 address takes nothing by IPv4.
    pub fn bind(address: SocketAddr, busy: bool) -> io::Result<Self> {
        let socket = socket2::Socket::new(
            Domain::for_address(address),
            Type::DGRAM,
            Some(Protocol::UDP),
        )?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        let socket = UdpSocket::from_std(socket.into())?;
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        if busy {
            let reference = || UdpSockRef::from(&socket);
            let _ = state.set_recv_buffer_size(reference(), KERNEL_BUFFER);
            let _ = state.set_send_buffer_size(reference(), KERNEL_BUFFER);
        }
        Ok(Socket {
            local: socket.local_addr()?,
            socket,
            state,
        })
    }

    /// The address that it is bound to.
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// An empty backlog for it.
    pub fn backlog(&self) -> Backlog {
        Backlog {
            batches: VecDeque::new(),
            bytes: 0,
            most: self.state.max_gso_segments(),
        }
    }

    /// Ready when there may be something to receive, or something that waits can be sent.
    pub async fn ready(&self, backlog: &Backlog) -> io::Result<()> {
        let interest = if backlog.batches.is_empty() {
            Interest::READABLE
        } else {
            Interest::READABLE | Interest::WRITABLE
        };
        self.socket.ready(interest).await.map(drop)
    }

    /// Receives what is there, at most one batch, and gives each datagram to `take` with source
    /// and destination. Whether there may be more.
    pub fn receive(
        &self,
        inbox: &mut Inbox,
        mut take: impl FnMut(SocketAddr, SocketAddr, &[u8]),
    ) -> io::Result<bool> {
        let mut metas = vec![RecvMeta::default(); inbox.buffers.len()];
        let mut slices: Vec<_> = inbox
            .buffers
            .iter_mut()
            .map(|b| IoSliceMut::new(b))
            .collect();
        let (socket, state) = (&self.socket, &self.state);
        let received = socket.try_io(Interest::READABLE, || {
            state.recv(UdpSockRef::from(socket), &mut slices, &mut metas)
        });
        let received = match received {
            Ok(received) => received,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            // An ICMP message about an earlier datagram.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => return Ok(true),
            Err(error) => return Err(error),
        };
        for (meta, buffer) in metas.iter().zip(&inbox.buffers).take(received) {
            let ip = meta.dst_ip.unwrap_or(self.local.ip());
            let destination = SocketAddr::new(ip, self.local.port());
            let stride = meta.stride.max(1);
            for datagram in buffer[..meta.len].chunks(stride) {
                take(meta.addr, destination, datagram);
            }
        }
        Ok(true)
    }

    /// Sends what waits, as far as the kernel takes it.
    pub fn send(&self, backlog: &mut Backlog) {
        while let Some(batch) = backlog.batches.front() {
            let transmit = quinn_udp::Transmit {
                destination: batch.destination,
                ecn: None,
                contents: &batch.contents,
                segment_size: (batch.contents.len() > batch.segment).then_some(batch.segment),
                src_ip: batch.source,
            };
            let sent = self.socket.try_io(Interest::WRITABLE, || {
                self.state
                    .try_send(UdpSockRef::from(&self.socket), &transmit)
            });
            match sent {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => {
                    tracing::debug!(destination = %batch.destination, %error, "can't send");
                }
                Ok(()) => {}
            }
            backlog.bytes -= batch.contents.len();
            backlog.batches.pop_front();
        }
    }
}

impl Inbox {
    /// Room for `batch` buffers, each of which may hold many datagrams of one source.
    pub fn new(batch: usize) -> Self {
        Inbox {
            buffers: vec![vec![0; RECEIVE_BUFFER]; batch],
        }
    }
}

impl Backlog {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    /// Drops what waits.
    pub fn clear(&mut self) {
        self.batches.clear();
        self.bytes = 0;
    }

    /// Queues a datagram behind those for the same destination. It leaves with [`Socket::send`].
    pub fn push(&mut self, source: SocketAddr, destination: SocketAddr, datagram: &[u8]) {
        if self.bytes + datagram.len() > BACKLOG {
            return;
        }
        self.bytes += datagram.len();
        let source = Some(source.ip()).filter(|ip| !ip.is_unspecified());
        if let Some(last) = self.batches.back_mut()
            && last.destination == destination
            && last.source == source
            && last.contents.len() % last.segment == 0
            && last.contents.len() / last.segment < self.most
            && last.contents.len() + datagram.len() < 60_000
            && datagram.len() <= last.segment
        {
            last.contents.extend_from_slice(datagram);
            return;
        }
        self.batches.push_back(Batch {
            destination,
            source,
            segment: datagram.len().max(1),
            contents: datagram.to_vec(),
        });
    }
}
