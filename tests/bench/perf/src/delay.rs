//! A path on which every datagram takes a while, and none is lost.

use std::{
    collections::HashMap,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use tokio::{
    net::UdpSocket,
    sync::mpsc,
    time::{Instant, sleep_until},
};

/// As much as the kernel gives: what waits here isn't to be lost.
const SOCKET_BUFFER: usize = 8 << 20;

/// A port at which everything reaches `target` after `delay`, and comes back the same way.
pub async fn path_to(target: SocketAddr, delay: Duration) -> io::Result<u16> {
    let front = Arc::new(bind()?);
    let port = front.local_addr()?.port();
    tokio::spawn(async move {
        let mut ways: HashMap<SocketAddr, mpsc::UnboundedSender<(Instant, Vec<u8>)>> =
            HashMap::new();
        let mut buffer = vec![0; 65_536];
        while let Ok((length, from)) = front.recv_from(&mut buffer).await {
            let way = ways
                .entry(from)
                .or_insert_with(|| open(front.clone(), from, target, delay));
            way.send((Instant::now() + delay, buffer[..length].to_vec()))
                .ok();
        }
    });
    Ok(port)
}

/// Both directions of one visitor's way; returns where its datagrams go in.
fn open(
    front: Arc<UdpSocket>,
    visitor: SocketAddr,
    target: SocketAddr,
    delay: Duration,
) -> mpsc::UnboundedSender<(Instant, Vec<u8>)> {
    let back = Arc::new(bind().expect("a free port"));
    let (there, there_out) = mpsc::unbounded_channel();
    let (here, here_out) = mpsc::unbounded_channel();
    tokio::spawn(deliver(there_out, back.clone(), target));
    tokio::spawn(deliver(here_out, front, visitor));
    tokio::spawn(async move {
        let mut buffer = vec![0; 65_536];
        while let Ok((length, _)) = back.recv_from(&mut buffer).await {
            here.send((Instant::now() + delay, buffer[..length].to_vec()))
                .ok();
        }
    });
    there
}

async fn deliver(
    mut queue: mpsc::UnboundedReceiver<(Instant, Vec<u8>)>,
    socket: Arc<UdpSocket>,
    to: SocketAddr,
) {
    while let Some((at, datagram)) = queue.recv().await {
        if at > Instant::now() {
            sleep_until(at).await;
        }
        // Whoever has gone gets nothing.
        socket.send_to(&datagram, to).await.ok();
    }
}

fn bind() -> io::Result<UdpSocket> {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, None)?;
    socket.set_recv_buffer_size(SOCKET_BUFFER)?;
    socket.set_send_buffer_size(SOCKET_BUFFER)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    UdpSocket::from_std(socket.into())
}
